//! Flows that ship and start by time, on a clock that stands still but for what a test lets pass: what counts is what the
//! services' own record says was done.
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use flowyard::catalog::Catalog;
use flowyard::engine::{self, CallSettings, Clock, Deployment, Event, Handle, JournalOptions, Limits, Look, Mode, Settings};
use flowyard::flow::{Flow, NodeKind, Trigger};
use flowyard::run::{Entry, Outcome};
use flowyard::sandbox::{self, Deed, Delivery, DeliveryFaults, Effect, Options};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use serde_json::{Map, Value};
use tokio::sync::broadcast;

use super::schedules::Still;
use super::{by_hand, fields};
use crate::support::services::{connections, template};

/// A clock that leaps over days would end requests that are under way: none of them is ever too late here.
const NEVER: Duration = Duration::from_hours(24 * 400);
/// Looks until something is there; what takes more never comes.
const ROUNDS: usize = 40;

pub(super) struct Stand {
    pub(super) engine: Handle,
    sandbox: sandbox::Handle,
    events: broadcast::Receiver<Event>,
    pub(super) clock: Clock,
    /// How many lists are looked at.
    feeds: usize,
    /// Runs that began, and those that are over.
    began: usize,
    pub(super) ended: usize,
}

impl Stand {
    pub(super) async fn start(data: &Path, sandbox: &sandbox::Handle, flow: &Flow, clock: Clock) -> Self {
        let keys = sandbox.public_keys();
        let mut connections = connections(sandbox.access());
        for (connection, _) in connections.iter_mut().filter(|(it, _)| it.connector.as_str() == "highlevel") {
            connection.notice_keys = BTreeMap::from([("x-ghl-signature".to_owned(), keys.ed25519.clone())]);
        }
        let engine = engine::start(Settings {
            data: data.to_owned(),
            journal: JournalOptions::default(),
            catalog: Catalog::shipped(),
            connections,
            vault: engine::Vault::in_memory(),
            mode: Mode::Sandbox,
            flows: vec![Deployment::listening(Arc::new(flow.clone()), BTreeMap::new())],
            listen: Some(SocketAddr::from(([127, 0, 0, 1], 0))),
            clock,
            calls: CallSettings { connect_timeout: NEVER, answer_timeout: NEVER, ..CallSettings::default() },
            limits: Limits::default(),
            recover: true,
        });
        let engine = engine.await.expect("an engine");
        let events = engine.events();
        let is_event = |it: &NodeKind| matches!(it, NodeKind::Trigger(Trigger::Event { .. }));
        let feeds = flow.nodes.values().filter(|it| is_event(&it.kind)).count();
        Self { engine, sandbox: sandbox.clone(), events, clock, feeds, began: 0, ended: 0 }
    }

    pub(super) async fn next(&mut self) -> Event {
        let event = self.events.recv().await.expect("events");
        match &event {
            Event::Journaled { entries, .. } => {
                self.began += usize::from(matches!(entries.first(), Some(Entry::Accepted { .. })));
            }
            Event::Ended { outcome, .. } => {
                assert_eq!(*outcome, Outcome::Succeeded);
                self.ended += 1;
            }
            _ => {}
        }
        event
    }

    /// The next look that ends.
    async fn look(&mut self) -> Look {
        loop {
            if let Event::Looked(look) = self.next().await {
                return look;
            }
        }
    }

    /// Looks that were asked for now: how each ended.
    pub(super) async fn looks(&mut self) -> Vec<Look> {
        self.engine.look();
        let mut looks = Vec::new();
        while looks.len() < self.feeds {
            looks.push(self.look().await);
        }
        looks
    }

    /// Waits until so many runs have begun and are over.
    pub(super) async fn runs(&mut self, count: usize) {
        while self.began < count || self.ended < self.began {
            self.next().await;
        }
    }

    /// Lets the time pass until then; the services are looked at, and what is found runs to its end: `count` effects of `kind` are
    /// in the services' record then, and no more.
    pub(super) async fn until(&mut self, then: Timestamp, count: usize, kind: Kind) {
        self.pass(then).await;
        for _ in 0..ROUNDS {
            if kind.count(&self.sandbox) >= count {
                break;
            }
            self.round().await;
        }
        assert_eq!(kind.count(&self.sandbox), count, "at {then}");
    }

    /// Lets the time pass until then; the services are looked at, and what is found runs to its end.
    pub(super) async fn pass(&mut self, then: Timestamp) {
        let left = Duration::try_from(then.duration_since(self.clock.now())).expect("it lies ahead");
        tokio::time::advance(left).await;
        // A look may have begun before.
        for _ in 0..3 {
            self.round().await;
        }
    }

    async fn round(&mut self) {
        for look in self.looks().await {
            assert_eq!(look.failure, None);
        }
        while self.ended < self.began {
            self.next().await;
        }
    }

    pub(super) async fn end(self) {
        self.engine.stop().wait().await;
    }
}

/// Something that a service was made to do.
#[derive(Clone, Copy)]
pub(super) struct Kind(pub(super) &'static str);

impl Kind {
    pub(super) fn count(self, sandbox: &sandbox::Handle) -> usize {
        let is_it = |it: &sandbox::LedgerEntry| it.operation.as_str() == self.0 && it.effect == Effect::Created && !it.by_hand;
        sandbox.ledger().iter().filter(|it| is_it(it)).count()
    }
}

const SENT: Kind = Kind("highlevel.conversations.send-a-new-message");

/// Both services, and one clock for them and for whoever looks.
pub(super) async fn services(now: Timestamp) -> (sandbox::Handle, Clock) {
    let clock = Clock::following(now);
    let options = Options { now: sandbox::Clock::new(move || clock.now()), ..Options::default() };
    (sandbox::start(&Catalog::shipped(), options).await.expect("a sandbox"), clock)
}

pub(super) fn id_of(sandbox: &sandbox::Handle, collection: &str, field: &str, value: &str) -> String {
    let all = sandbox.records(collection);
    all.iter().find(|it| it[field] == value).expect("the record")["id"].as_str().expect("an id").to_owned()
}

#[tokio::test(start_paused = true)]
async fn a_reminder_is_sent_a_day_and_an_hour_before_is_planned_anew_when_it_moves_and_not_sent_when_it_goes() {
    let (dir, _still) = (tempfile::tempdir().expect("a directory"), Still::new());
    let (sandbox, clock) = services("2026-03-02T12:00:00Z".parse().expect("an instant")).await;
    let flow = template("appointment-reminders");
    let mut stand = Stand::start(dir.path(), &sandbox, &flow, clock).await;
    let review = id_of(&sandbox, "events", "title", "Review: Ada Brookfield");
    let start = sandbox.record("events", &review).expect("the event")["date_start"].as_str().map(local).expect("a time");
    let before = |of: Timestamp, hours: i64, minutes: i64| of - SignedDuration::from_mins(hours * 60 - minutes);
    stand.until(before(start, 24, -1), 0, SENT).await;
    stand.until(before(start, 24, 1), 1, SENT).await;
    stand.until(before(start, 20, 0), 1, SENT).await;
    // Moved by three days: nothing an hour before the old time, and a day before the new one, once more.
    let later = start + SignedDuration::from_hours(72);
    by_hand(&sandbox, "events", Deed::Change { id: review, fields: times(later, &[]) });
    stand.until(before(start, 0, 30), 1, SENT).await;
    stand.until(before(later, 24, -1), 1, SENT).await;
    stand.until(before(later, 24, 1), 2, SENT).await;
    // Nothing comes twice after a restart, and what is due then comes.
    stand.end().await;
    tokio::time::advance(Duration::from_hours(22)).await;
    let mut stand = Stand::start(dir.path(), &sandbox, &flow, clock).await;
    stand.until(before(later, 1, -1), 2, SENT).await;
    stand.until(before(later, 1, 1), 3, SENT).await;
    // One that is deleted, and one that is completed, after the day before.
    let owner = id_of(&sandbox, "resources", "name", "Ravi Menon");
    let third = later + SignedDuration::from_hours(72);
    let gone = by_hand(&sandbox, "events", Deed::Add(times(third, &[("title", "Gone"), ("owner", &owner)])));
    let done = by_hand(&sandbox, "events", Deed::Add(times(third, &[("title", "Done"), ("owner", &owner)])));
    stand.until(before(third, 23, 0), 5, SENT).await;
    by_hand(&sandbox, "events", Deed::Remove { id: gone });
    by_hand(&sandbox, "events", Deed::Change { id: done, fields: fields(&[("completed", "1")]) });
    stand.until(before(third, 0, 30), 5, SENT).await;
    stand.end().await;
    sandbox.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_reminder_that_comes_due_before_the_first_look_is_sent_after_it() {
    let (dir, _still) = (tempfile::tempdir().expect("a directory"), Still::new());
    let (sandbox, clock) = services("2026-03-02T12:00:00Z".parse().expect("an instant")).await;
    let review = id_of(&sandbox, "events", "title", "Review: Ada Brookfield");
    let start = sandbox.record("events", &review).expect("the event")["date_start"].as_str().map(local).expect("a time");
    // The clock leaps over the time for it before the engine has got as far as a look.
    let mut stand = Stand::start(dir.path(), &sandbox, &template("appointment-reminders"), clock).await;
    stand.until(start - SignedDuration::from_hours(23), 1, SENT).await;
    stand.end().await;
    sandbox.stop().await;
}

#[tokio::test(start_paused = true)]
async fn first_looks_after_a_restart_are_spread_over_the_time_between_looks() {
    let (dir, _still) = (tempfile::tempdir().expect("a directory"), Still::new());
    let (sandbox, clock) = services("2026-03-02T12:00:00Z".parse().expect("an instant")).await;
    let flow = template("appointment-reminders");
    let mut stand = Stand::start(dir.path(), &sandbox, &flow, clock).await;
    stand.pass(clock.now()).await;
    stand.end().await;
    // Two that have looked before, each minute: one looks at once, the other half a minute later.
    let mut stand = Stand::start(dir.path(), &sandbox, &flow, clock).await;
    let start = clock.now();
    assert_eq!(stand.look().await.at, start);
    tokio::time::advance(Duration::from_secs(31)).await;
    assert_eq!(stand.look().await.at, start + SignedDuration::from_secs(31));
    stand.end().await;
    sandbox.stop().await;
}

#[tokio::test(start_paused = true)]
async fn who_did_not_come_is_followed_up_the_next_day_once_whatever_is_told_twice_and_over_a_restart() {
    let (dir, _still) = (tempfile::tempdir().expect("a directory"), Still::new());
    let (sandbox, clock) = services("2026-03-02T12:00:00Z".parse().expect("an instant")).await;
    let flow = template("no-show-follow-up");
    let mut stand = Stand::start(dir.path(), &sandbox, &flow, clock).await;
    // An hour after an appointment that somebody should have come to.
    let appointment = sandbox.records("appointments").into_iter().find(|it| it["appointmentStatus"] == "confirmed");
    let appointment = appointment.expect("an appointment");
    let (id, start) = (appointment["id"].as_str().expect("an id"), appointment["startTime"].as_str().expect("a time"));
    let hour_after = start.parse::<Timestamp>().expect("a time") + SignedDuration::from_hours(1);
    tokio::time::advance(Duration::try_from(hour_after.duration_since(clock.now())).expect("it lies ahead")).await;
    let ledger = |sandbox: &sandbox::Handle| {
        let done = sandbox.ledger().into_iter().filter(|it| !it.by_hand);
        done.filter(|it| matches!(it.effect, Effect::Created | Effect::Updated))
            .map(|it| it.operation.to_string())
            .collect::<Vec<_>>()
    };
    let followed = ["highlevel.contacts.add-tags", "highlevel.contacts.create-note", "highlevel.contacts.create-task"];
    tell(&sandbox, &stand);
    let say = |status: &str| Deed::Change { id: id.to_owned(), fields: fields(&[("appointmentStatus", status)]) };
    by_hand(&sandbox, "appointments", say("noshow"));
    stand.runs(1).await;
    assert_eq!(ledger(&sandbox), followed);
    let task =
        sandbox.records("tasks").into_iter().find(|it| it["title"].as_str().is_some_and(|it| it.starts_with("Find another")));
    let due = task.expect("a task")["dueDate"].as_str().and_then(|it| it.parse::<Timestamp>().ok()).expect("a time");
    // The next day by the clock of New York.
    assert_eq!(zone().to_datetime(due), zone().to_datetime(hour_after).checked_add(1.days()).expect("a day"));
    tokio::time::advance(Duration::from_mins(1)).await;
    by_hand(&sandbox, "appointments", Deed::Change { id: id.to_owned(), fields: fields(&[("address", "2 Hill Road")]) });
    stand.runs(2).await;
    assert_eq!(ledger(&sandbox), followed, "it is followed up once");
    stand.end().await;
    tokio::time::advance(Duration::from_hours(30)).await;
    let mut stand = Stand::start(dir.path(), &sandbox, &flow, clock).await;
    tell(&sandbox, &stand);
    by_hand(&sandbox, "appointments", say("showed"));
    stand.runs(1).await;
    tokio::time::advance(Duration::from_mins(1)).await;
    by_hand(&sandbox, "appointments", say("noshow"));
    stand.runs(2).await;
    assert_eq!(ledger(&sandbox), followed, "nor anew after a restart");
    stand.end().await;
    sandbox.stop().await;
}

/// The sandbox tells the engine of what happens, each twice.
fn tell(sandbox: &sandbox::Handle, stand: &Stand) {
    let url = format!("http://{}/events/highlevel", stand.engine.address().expect("an address"));
    let faults = DeliveryFaults { doubled: 1.0, ..DeliveryFaults::default() };
    sandbox.set_delivery(Delivery { url: Some(url), attempts: 0, faults, ..Delivery::default() });
}

const FORM: &str = "%Y-%m-%d %H:%M:%S";

/// A time as the calendar has it.
fn local(text: &str) -> Timestamp {
    zone().to_timestamp(jiff::civil::DateTime::strptime(FORM, text).expect("a time")).expect("in range")
}

fn zone() -> TimeZone {
    TimeZone::get("America/New_York").expect("a zone")
}

/// The fields of an event at a time, with others.
fn times(start: Timestamp, more: &[(&str, &str)]) -> Map<String, Value> {
    let text = |it: Timestamp| zone().to_datetime(it).strftime(FORM).to_string();
    let (start, end) = (text(start), text(start + SignedDuration::from_mins(30)));
    fields(&[&[("date_start", start.as_str()), ("date_end", end.as_str())], more].concat())
}

#[tokio::test(start_paused = true)]
async fn the_digest_of_a_week_is_written_each_monday_and_its_numbers_once() {
    let (dir, _still) = (tempfile::tempdir().expect("a directory"), Still::new());
    let (sandbox, clock) = services("2026-03-02T12:00:00Z".parse().expect("an instant")).await;
    let flow = template("weekly-digest");
    let mut stand = Stand::start(dir.path(), &sandbox, &flow, clock).await;
    for weeks in 1..=2 {
        // Half past seven in New York, before and after its clocks change.
        let hours = if weeks == 1 { 1 } else { 24 * 7 };
        tokio::time::advance(Duration::from_hours(hours)).await;
        stand.runs(weeks).await;
    }
    let files = sandbox.records("files");
    let text = |name: &str| files.iter().find(|it| it["name"] == name).expect("the file")["text"].clone();
    let digest = text("digest-2026-03-02.txt");
    assert!(digest.as_str().is_some_and(|it| it.contains("2026-03-06 11:00  Review: Ada Brookfield")), "{digest}");
    let numbers = text("digest.csv");
    let rows: Vec<&str> = numbers.as_str().expect("a text").lines().collect();
    assert_eq!((rows.len(), rows[0]), (3, "week,appointments,completed"), "{rows:?}");
    assert!(rows[1].starts_with("2026-03-02,") && rows[2].starts_with("2026-03-09,"), "{rows:?}");
    assert_eq!(text("digest-2026-03-09.txt").as_str().map(|it| it.contains("of the week from 2026-03-09")), Some(true));
    assert_eq!(files.len(), 3);
    assert_eq!(sandbox.ledger().iter().filter(|it| it.effect == Effect::Created).count(), 3);
    stand.end().await;
    sandbox.stop().await;
}
