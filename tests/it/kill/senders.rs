//! Those who send events: several at a time, again and again until they are answered, or not.
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::civil::date;
use jiff::{Span, ToSpan as _};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// The last of them never asks again when an answer was lost.
const SENDERS: u64 = 5;
/// How long one of them rests between two events, in milliseconds.
const PACE: std::ops::Range<u64> = 20..400;
/// How long one of them waits before it sends an event again, in milliseconds.
const AGAIN: std::ops::Range<u64> = 5..25;

/// What became of an event, as far as its sender knows.
#[derive(Debug, Clone, Default)]
pub(super) struct Sent {
    /// The run that it was answered with.
    pub(super) run: Option<u64>,
    /// Whether the answer said that it had been taken before.
    pub(super) was_duplicate: bool,
    /// How often it left and no answer came.
    pub(super) lost: u32,
}

/// The senders, at work.
pub(super) struct Senders {
    line: Arc<Line>,
    answers: watch::Receiver<u64>,
    tasks: JoinSet<()>,
}

struct Line {
    url: String,
    next: AtomicU64,
    sent: Mutex<BTreeMap<String, Sent>>,
    answered: watch::Sender<u64>,
    stop: CancellationToken,
}

impl Senders {
    /// Begins to send to a hook.
    pub(super) fn start(url: &str, random: u64) -> Self {
        let (answered, answers) = watch::channel(0);
        let line = Arc::new(Line {
            url: url.to_owned(),
            next: AtomicU64::new(0),
            sent: Mutex::default(),
            answered,
            stop: CancellationToken::new(),
        });
        let mut tasks = JoinSet::new();
        for number in 0..SENDERS {
            let chance = fastrand::Rng::with_seed(random.wrapping_add(number));
            tasks.spawn(Arc::clone(&line).send_on(chance, number + 1 < SENDERS));
        }
        Self { line, answers, tasks }
    }

    /// How many events were answered so far.
    pub(super) fn answered(&self) -> u64 {
        *self.answers.borrow()
    }

    /// Waits until more than so many events were answered.
    pub(super) async fn more_than(&self, answered: u64) {
        self.answers.clone().wait_for(|it| *it > answered).await.expect("the senders are at work");
    }

    /// No new events; each sender sees to the one that it has. What became of each event, by its delivery id.
    pub(super) async fn stop(mut self) -> BTreeMap<String, Sent> {
        self.line.stop.cancel();
        while let Some(ended) = self.tasks.join_next().await {
            ended.expect("a sender ended well");
        }
        std::mem::take(&mut *self.line.sent.lock().expect("not poisoned"))
    }
}

impl Line {
    async fn send_on(self: Arc<Self>, mut chance: fastrand::Rng, asks_again: bool) {
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        while !self.stop.is_cancelled() {
            tokio::time::sleep(Duration::from_millis(chance.u64(PACE))).await;
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let delivery = format!("s-{number}");
            let event = event(&delivery, i64::try_from(number).expect("in range"));
            let mut sent = Sent::default();
            loop {
                let has_left = match self.send(&client, &event).await {
                    Ok(answer) => {
                        sent.run = answer["run"].as_u64();
                        sent.was_duplicate = answer["duplicate"] == json!(true);
                        self.answered.send_modify(|it| *it += 1);
                        break;
                    }
                    Err(has_left) => has_left,
                };
                sent.lost += u32::from(has_left);
                if has_left && !asks_again {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(chance.u64(AGAIN))).await;
            }
            self.sent.lock().expect("not poisoned").insert(delivery, sent);
        }
    }

    /// The answer; or whether the event may have arrived.
    async fn send(&self, client: &reqwest::Client, event: &Value) -> Result<Value, bool> {
        let answer = client.post(&self.url).json(event).send().await.map_err(|error| !error.is_connect())?;
        let status = answer.status();
        assert!(status.is_success(), "{status} in place of 2xx");
        answer.json().await.map_err(|_cut| true)
    }
}

/// A person signs up, and takes a time of their own.
fn event(delivery: &str, number: i64) -> Value {
    let start = date(2026, 4, 1).at(8, 0, 0, 0) + Span::new().minutes(30 * number);
    let written = |it: jiff::civil::DateTime| it.strftime("%Y-%m-%d %H:%M:%S").to_string();
    json!({
        "id": delivery,
        "email": format!("{delivery}@example.com"),
        "doctor": "2001",
        "start": written(start),
        "end": written(start + 30.minutes()),
    })
}
