//! Flows that start by the clock: each time once, whatever sleeps, stops, is published again or sets the clock.
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use flowyard::engine::{self, Clock, Command, Event, Handle, Mode, Settings};
use flowyard::flow::schedule::{Missed, Schedule};
use flowyard::flow::{Binding, Flow, Level, NodeKind, Trigger};
use flowyard::run::{Entry, Via};
use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::broadcast;

use crate::support::engine::{listening, settings};
use crate::support::flows::flow;

/// The time stands still but for what a test lets pass: while something blocks, tokio's clock does not move by itself.
pub(super) struct Still(#[expect(dead_code, reason = "held, and dropped")] mpsc::Sender<()>);

impl Still {
    pub(super) fn new() -> Self {
        let (sender, held) = mpsc::channel::<()>();
        tokio::task::spawn_blocking(move || held.recv().ok());
        Self(sender)
    }
}

fn scheduled(id: &str, rules: &[(&str, &str, Missed)]) -> Flow {
    let say = NodeKind::Log { level: Level::Info, message: Binding::text("It is time") };
    let mut nodes = vec![("say", say)];
    for (node, rule, missed) in rules {
        let schedule = Schedule { rule: (*rule).to_owned(), zone: "Europe/Berlin".to_owned(), missed: *missed };
        nodes.push((node, NodeKind::Trigger(Trigger::Schedule { schedule, sample: Value::Null })));
    }
    let edges: Vec<String> = rules.iter().map(|(node, ..)| format!("{node} -> say")).collect();
    flow(id, &nodes, &edges.iter().map(String::as_str).collect::<Vec<_>>())
}

fn daily(id: &str, missed: Missed) -> Flow {
    scheduled(id, &[("tick", "every day at 9:00", missed)])
}

struct Stand {
    engine: Handle,
    events: broadcast::Receiver<Event>,
    /// Keeps the time of the engine from passing by itself.
    still: Still,
}

impl Stand {
    async fn start(data: &Path, now: &str, flows: &[Flow]) -> Self {
        let still = Still::new();
        let engine = engine::start(Settings {
            flows: flows.iter().map(listening).collect(),
            clock: Clock::following(now.parse::<Timestamp>().expect("an instant")),
            ..settings(data, Mode::Sandbox)
        });
        let engine = engine.await.expect("an engine");
        let events = engine.events();
        Self { engine, events, still }
    }

    async fn publish(&self, flow: Flow) {
        self.engine.deploy(listening(&flow)).wait().await.expect("an answer").expect("a sound flow");
    }

    /// The next run that begins: the trigger's time, which trigger, and how many times were left out.
    async fn run(&mut self) -> (String, String, u64) {
        loop {
            let Event::Journaled { entries, .. } = self.events.recv().await.expect("events") else { continue };
            let Some(Entry::Accepted { payload, cause, trigger, .. }) = entries.first() else { continue };
            assert_eq!(cause.via, Via::Schedule);
            let at = payload["at"].as_str().expect("a time").to_owned();
            return (at, trigger.to_string(), payload["missed"].as_u64().expect("a number"));
        }
    }

    async fn times(&mut self, count: usize) -> Vec<(String, u64)> {
        let mut times = Vec::new();
        for _ in 0..count {
            let (at, _, missed) = self.run().await;
            times.push((at, missed));
        }
        times
    }

    async fn end(self) {
        self.engine.stop().wait().await;
        drop(self.still);
    }
}

async fn pass(hours: u64, minutes: u64) {
    tokio::time::advance(Duration::from_secs(hours * 3600 + minutes * 60)).await;
}

fn at(times: &[(&str, u64)]) -> Vec<(String, u64)> {
    times.iter().map(|(at, missed)| ((*at).to_owned(), *missed)).collect()
}

#[tokio::test(start_paused = true)]
async fn a_flow_starts_at_each_of_its_times_and_not_before() {
    let dir = tempfile::tempdir().expect("a directory");
    let flow = scheduled("f", &[("a", "every day at 9:00", Missed::Once), ("b", "every hour at :30 on weekdays", Missed::Once)]);
    let mut stand = Stand::start(dir.path(), "2026-11-26T07:00:00Z", &[flow]).await;
    let mut began = Vec::new();
    for _ in 0..3 {
        pass(0, 30).await;
        began.push(stand.run().await);
        pass(0, 30).await;
        if began.len() == 1 {
            began.push(stand.run().await);
        }
    }
    let told: Vec<_> = began.iter().map(|(at, trigger, missed)| (at.as_str(), trigger.as_str(), *missed)).collect();
    assert_eq!(
        told,
        [
            ("2026-11-26T08:30:00+01:00", "b", 0),
            ("2026-11-26T09:00:00+01:00", "a", 0),
            ("2026-11-26T09:30:00+01:00", "b", 0),
            ("2026-11-26T10:30:00+01:00", "b", 0)
        ]
    );
    stand.end().await;
}

#[tokio::test(start_paused = true)]
async fn three_days_asleep_are_made_up_for_as_was_chosen() {
    let (first, second, third) = ("2026-11-27T09:00:00+01:00", "2026-11-28T09:00:00+01:00", "2026-11-29T09:00:00+01:00");
    for (missed, made_up) in
        [(Missed::Once, at(&[(third, 2)])), (Missed::All, at(&[(first, 0), (second, 0), (third, 0)])), (Missed::Skip, Vec::new())]
    {
        let dir = tempfile::tempdir().expect("a directory");
        let mut stand = Stand::start(dir.path(), "2026-11-26T12:00:00Z", &[daily("f", missed)]).await;
        // In one leap, as a machine that slept.
        pass(72, 0).await;
        assert_eq!(stand.times(made_up.len()).await, made_up, "{missed:?}");
        pass(20, 0).await;
        assert_eq!(stand.run().await.0, "2026-11-30T09:00:00+01:00", "{missed:?}");
        stand.end().await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_came_while_nothing_ran_is_made_up_for_after_the_next_start_and_never_twice() {
    let dir = tempfile::tempdir().expect("a directory");
    let flows = [daily("f", Missed::Once)];
    let mut stand = Stand::start(dir.path(), "2026-11-26T07:00:00Z", &flows).await;
    pass(1, 0).await;
    assert_eq!(stand.times(1).await, at(&[("2026-11-26T09:00:00+01:00", 0)]));
    stand.end().await;
    // At once, and with the clock an hour back: it is done.
    for now in ["2026-11-26T08:00:01Z", "2026-11-26T07:10:00Z"] {
        let mut stand = Stand::start(dir.path(), now, &flows).await;
        pass(0, 55).await;
        stand.engine.start(flows[0].id.clone(), None, Value::Null, None).wait().await.expect("an answer").expect("a run");
        let Some(by_hand) = first_cause(&mut stand).await else { panic!("nothing began") };
        assert_eq!(by_hand, Via::Person, "at {now}");
        stand.end().await;
    }
    let mut stand = Stand::start(dir.path(), "2026-11-29T12:00:00Z", &flows).await;
    assert_eq!(stand.times(1).await, at(&[("2026-11-29T09:00:00+01:00", 2)]));
    stand.end().await;
}

/// How the next run came about.
async fn first_cause(stand: &mut Stand) -> Option<Via> {
    loop {
        let Event::Journaled { entries, .. } = stand.events.recv().await.ok()? else { continue };
        if let Some(Entry::Accepted { cause, .. }) = entries.first() {
            return Some(cause.via);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_flow_that_is_published_again_neither_loses_a_time_nor_has_it_twice() {
    let dir = tempfile::tempdir().expect("a directory");
    let flow = daily("f", Missed::Once);
    let mut stand = Stand::start(dir.path(), "2026-11-26T07:30:00Z", std::slice::from_ref(&flow)).await;
    let mut next = flow.clone();
    next.description = "Another version".to_owned();
    stand.publish(next.clone()).await;
    pass(0, 30).await;
    assert_eq!(stand.times(1).await, at(&[("2026-11-26T09:00:00+01:00", 0)]));
    stand.publish(flow.clone()).await;
    pass(24, 0).await;
    assert_eq!(stand.times(1).await, at(&[("2026-11-27T09:00:00+01:00", 0)]));
    // A time that has passed today is none of another rule's.
    pass(3, 0).await;
    stand.publish(scheduled("f", &[("tick", "every day at 10:00", Missed::All)])).await;
    pass(24, 0).await;
    assert_eq!(stand.times(1).await, at(&[("2026-11-28T10:00:00+01:00", 0)]));
    stand.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_flow_that_is_taken_away_stops_and_begins_anew_when_it_comes_back() {
    let dir = tempfile::tempdir().expect("a directory");
    let (gone, stays) = (daily("gone", Missed::All), scheduled("stays", &[("other", "every day at 9:01", Missed::All)]));
    let mut stand = Stand::start(dir.path(), "2026-11-26T07:30:00Z", &[gone.clone(), stays]).await;
    stand.engine.send(Command::Undeploy { flow: gone.id.clone() });
    // The answer to this comes after it.
    stand.publish(scheduled("third", &[("far", "every year on 1 January at 0:00", Missed::Once)])).await;
    for day in ["2026-11-26", "2026-11-27"] {
        pass(if day.ends_with("26") { 0 } else { 23 }, 59).await;
        assert_eq!(stand.run().await.1, "other", "{day}");
        pass(0, 1).await;
    }
    stand.publish(gone).await;
    pass(24, 0).await;
    let mut began = [stand.run().await, stand.run().await];
    began.sort();
    assert_eq!(began.map(|it| it.0), ["2026-11-28T09:00:00+01:00", "2026-11-28T09:01:00+01:00"]);
    stand.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_start_that_was_cut_off_before_it_was_written_down_is_no_second_run() {
    let dir = tempfile::tempdir().expect("a directory");
    let flows = [daily("f", Missed::All)];
    let before = tempfile::tempdir().expect("a directory");
    let mut stand = Stand::start(dir.path(), "2026-11-25T12:00:00Z", &flows).await;
    pass(20, 0).await;
    assert_eq!(stand.times(1).await, at(&[("2026-11-26T09:00:00+01:00", 0)]));
    stand.end().await;
    drop(before);
    // As if the mark had been lost with the power, though the run was on the disk.
    let journal = rusqlite::Connection::open(dir.path().join("journal.db")).expect("a journal");
    let back = r#"{"rule":"every day at 9:00","zone":"Europe/Berlin","at":"2026-11-25T12:00:00Z"}"#;
    let changed = journal.execute("UPDATE state SET value = ?1 WHERE scope = 'schedule:f' AND key = 'tick'", [back]);
    assert_eq!(changed.expect("a change"), 1);
    drop(journal);
    let mut stand = Stand::start(dir.path(), "2026-11-27T12:00:00Z", &flows).await;
    assert_eq!(stand.times(1).await, at(&[("2026-11-27T09:00:00+01:00", 0)]), "the 26th is not taken again");
    stand.end().await;
}
