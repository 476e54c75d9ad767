//! Flows that ship and start by time, on a clock that stands still but for what a test lets pass: what counts is what the
//! services' own record says was done.
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use flowyard::catalog::Catalog;
use flowyard::engine::{self, CallSettings, Clock, Deployment, Event, Handle, JournalOptions, Limits, Mode, Settings};
use flowyard::flow::Flow;
use flowyard::run::{Entry, Outcome};
use flowyard::sandbox::{self, Deed, Effect, Options};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};
use tokio::sync::broadcast;

use super::schedules::Still;
use super::{by_hand, fields};
use crate::support::services::{connections, template};

struct Stand {
    engine: Handle,
    events: broadcast::Receiver<Event>,
    clock: Clock,
    /// Runs that began, and those that are over.
    began: usize,
    ended: usize,
}

impl Stand {
    async fn start(data: &Path, sandbox: &sandbox::Handle, flow: &Flow, clock: Clock) -> Self {
        let engine = engine::start(Settings {
            data: data.to_owned(),
            journal: JournalOptions::default(),
            catalog: Catalog::shipped(),
            connections: connections(sandbox.access()),
            vault: engine::Vault::in_memory(),
            mode: Mode::Sandbox,
            flows: vec![Deployment::listening(Arc::new(flow.clone()), BTreeMap::new())],
            listen: None,
            clock,
            calls: CallSettings::default(),
            limits: Limits::default(),
            recover: true,
        });
        let engine = engine.await.expect("an engine");
        let events = engine.events();
        Self { engine, events, clock, began: 0, ended: 0 }
    }

    async fn next(&mut self) -> Event {
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

    /// Lets the time pass until then; two feeds look, and what they find runs to its end.
    async fn until(&mut self, then: Timestamp) {
        let left = Duration::try_from(then.duration_since(self.clock.now())).expect("it lies ahead");
        tokio::time::advance(left).await;
        for _ in 0..2 {
            self.engine.look();
            let mut looks = 0;
            while looks < 2 {
                if let Event::Looked(look) = self.next().await {
                    assert_eq!(look.failure, None);
                    looks += usize::from(look.at >= then);
                }
            }
        }
        while self.ended < self.began {
            self.next().await;
        }
    }

    async fn end(self) {
        self.engine.stop().wait().await;
    }
}

/// Both services, and one clock for them and for whoever looks.
async fn services(now: Timestamp) -> (sandbox::Handle, Clock) {
    let clock = Clock::following(now);
    let options = Options { now: sandbox::Clock::new(move || clock.now()), ..Options::default() };
    (sandbox::start(&Catalog::shipped(), options).await.expect("a sandbox"), clock)
}

fn sent(sandbox: &sandbox::Handle) -> usize {
    let sent = |it: &sandbox::LedgerEntry| it.operation.as_str() == "highlevel.conversations.send-a-new-message";
    sandbox.ledger().iter().filter(|it| sent(it) && it.effect == Effect::Created).count()
}

fn id_of(sandbox: &sandbox::Handle, collection: &str, field: &str, value: &str) -> String {
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
    stand.until(before(start, 24, -1)).await;
    assert_eq!(sent(&sandbox), 0);
    stand.until(before(start, 24, 1)).await;
    assert_eq!(sent(&sandbox), 1);
    stand.until(before(start, 20, 0)).await;
    assert_eq!(sent(&sandbox), 1);
    // Moved by three days: nothing an hour before the old time, and a day before the new one, once more.
    let later = start + SignedDuration::from_hours(72);
    by_hand(&sandbox, "events", Deed::Change { id: review, fields: times(later, &[]) });
    stand.until(before(start, 0, 30)).await;
    stand.until(before(later, 24, -1)).await;
    assert_eq!(sent(&sandbox), 1);
    stand.until(before(later, 24, 1)).await;
    assert_eq!(sent(&sandbox), 2);
    // Nothing comes twice after a restart, and what is due then comes.
    stand.end().await;
    tokio::time::advance(Duration::from_hours(22)).await;
    let mut stand = Stand::start(dir.path(), &sandbox, &flow, clock).await;
    stand.until(before(later, 1, -1)).await;
    assert_eq!(sent(&sandbox), 2);
    stand.until(before(later, 1, 1)).await;
    assert_eq!(sent(&sandbox), 3);
    // One that is deleted, and one that is completed, after the day before.
    let owner = id_of(&sandbox, "resources", "name", "Ravi Menon");
    let third = later + SignedDuration::from_hours(72);
    let gone = by_hand(&sandbox, "events", Deed::Add(times(third, &[("title", "Gone"), ("owner", &owner)])));
    let done = by_hand(&sandbox, "events", Deed::Add(times(third, &[("title", "Done"), ("owner", &owner)])));
    stand.until(before(third, 23, 0)).await;
    assert_eq!(sent(&sandbox), 5);
    by_hand(&sandbox, "events", Deed::Remove { id: gone });
    by_hand(&sandbox, "events", Deed::Change { id: done, fields: fields(&[("completed", "1")]) });
    stand.until(before(third, 0, 30)).await;
    assert_eq!(sent(&sandbox), 5);
    stand.end().await;
    sandbox.stop().await;
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
        while stand.ended < weeks {
            stand.next().await;
        }
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
