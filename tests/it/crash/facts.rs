//! What the cuts rest on: a fact is on the disk before anything follows from it.
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use flowyard::engine::{self, Event};
use flowyard::flow::Flow;
use flowyard::journal::Journal;
use flowyard::run::{Entry, RunId, StepKey};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::SIGN_UP;
use super::stand::Stand;
use crate::support::services::sample;

/// Nothing here takes long; what does is stuck.
const PATIENCE: Duration = Duration::from_mins(1);
const EVENTS: u64 = 10;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_asked_of_a_service_and_no_event_is_answered_before_that_is_on_the_disk() {
    let (stand, flow) = (Stand::new().await, Flow::parse(SIGN_UP.as_bytes()).expect("a sound file"));
    // A real disk, which takes its time.
    let data = tempfile::tempdir().expect("a directory");
    let mut settings = stand.settings(data.path(), &flow, Timestamp::now());
    settings.listen = Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    let engine = engine::start(settings).await.expect("an engine");
    let journal = Journal::open_reader(data.path()).expect("a journal");
    let url = format!("http://{}/hooks/sign-up", engine.address().expect("an address"));
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let mut asked_in_all = 0;
    for number in 1..=EVENTS {
        let run = RunId(number);
        let mut events = engine.events();
        // What the disk holds whenever a service is asked.
        let seen: Arc<Mutex<Vec<Vec<Entry>>>> = Arc::default();
        let (reader, arrivals) = (journal.clone(), Arc::clone(&seen));
        stand.door.on_arrival(move || {
            let entries = reader.entries(run).expect("a readable journal");
            arrivals.lock().expect("not poisoned").push(entries);
        });
        let mut event = sample(&flow)["body"].clone();
        event["id"] = json!(format!("s-{number}"));
        event["email"] = json!(format!("s-{number}@example.com"));
        let answer = client.post(&url).json(&event).send().await.expect("an answer");
        let known = journal.run(run).expect("a readable journal");
        assert_eq!(answer.status().as_u16(), 202);
        assert_eq!(known.and_then(|it| it.delivery), Some(format!("hook:event:s-{number}")), "answered once it is on the disk");
        assert_eq!(answer.json::<Value>().await.expect("an answer")["run"], json!(number));
        let ended =
            async { while !matches!(events.recv().await.expect("the run ends"), Event::Ended { run: it, .. } if it == run) {} };
        tokio::time::timeout(PATIENCE, ended).await.expect("the run is stuck");

        let exchanges = journal.exchanges(run).expect("a readable journal");
        let steps: Vec<&StepKey> = exchanges.iter().map(|it| &it.step).collect();
        let whole = journal.entries(run).expect("a readable journal");
        let seen = seen.lock().expect("not poisoned");
        assert_eq!(seen.len(), steps.len());
        for (entries, step) in seen.iter().zip(steps) {
            let last = entries.last().expect("a fact");
            assert!(
                matches!(last, Entry::StepStarted { step: it, attempt: 1, .. } if it == step),
                "when {step} was asked for, the last fact on the disk was {last:?}"
            );
            assert_eq!(entries[..], whole[..entries.len()]);
            asked_in_all += 1;
        }
    }
    assert_eq!(asked_in_all, 5 * EVENTS);
    engine.stop().wait().await;
}
