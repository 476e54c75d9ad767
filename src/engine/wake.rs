//! Noticing that the engine was not at work for a while: the computer slept, or Flowyard was not running.
//!
//! What was missed is made up for by the triggers themselves: schedules by their own rule, looks by their checkpoints. Here it is
//! noticed at once, so that nobody waits for the next look, and told, so that a shell can say what came of it.
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::Event;
use super::shared::Shared;
use crate::journal::{Filter, Journal, JournalError, Reader};
use crate::record::Failure;
use crate::run::Outcome;

/// How often it is looked whether time has jumped.
const TICK: Duration = Duration::from_secs(20);
/// A tick that comes so much later than it should, by the clock on the wall, is a sleep.
const SLEEP: Duration = Duration::from_mins(2);
/// How long Flowyard is not running before it is worth a word.
const ABSENCE: Duration = Duration::from_mins(5);
/// Runs that are counted at most.
const COUNTED: usize = 10_000;
/// Where the journal keeps when an engine ended.
const SCOPE: &str = "engine";
const ENDED: &str = "ended";

/// A time in which nothing ran here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// When something last ran, as far as that is known.
    pub from: Timestamp,
    /// When it went on.
    pub to: Timestamp,
}

/// What came of what was missed, so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CaughtUp {
    /// Runs that began since; a failed or unfinished one is among them.
    pub started: usize,
    /// Those that failed.
    pub failed: usize,
    /// Those that are not over.
    pub open: usize,
}

impl Gap {
    /// Between two ticks; none where the second came in time.
    fn between(before: Timestamp, now: Timestamp) -> Option<Self> {
        let passed = Duration::try_from(now.duration_since(before)).unwrap_or_default();
        (passed > TICK + SLEEP).then_some(Self { from: before, to: now })
    }

    /// What was made up for until now. Blocks.
    ///
    /// # Errors
    /// A [`Failure`] where the log cannot be read.
    pub fn caught_up(&self, reader: &Reader) -> Result<CaughtUp, Failure> {
        let filter = Filter { since: Some(self.to), limit: COUNTED, ..Filter::default() };
        let runs = reader.runs(&filter)?;
        Ok(CaughtUp {
            started: runs.len(),
            failed: runs.iter().filter(|it| matches!(it.outcome, Some(Outcome::Failed(_)))).count(),
            open: runs.iter().filter(|it| it.finished.is_none()).count(),
        })
    }
}

/// The time since an earlier engine was ended, where that is long.
pub(super) fn absence(journal: &Journal, now: Timestamp) -> Result<Option<Gap>, JournalError> {
    let ended = journal.state(SCOPE, ENDED)?;
    let ended = ended.as_ref().and_then(Value::as_str).and_then(|it| it.parse::<Timestamp>().ok());
    // One that is killed writes nothing down: what an earlier one wrote is not its end.
    journal.put_state(SCOPE, ENDED, &Value::Null).wait()?;
    let gap = ended.map(|from| Gap { from, to: now });
    Ok(gap.filter(|it| Duration::try_from(it.to.duration_since(it.from)).unwrap_or_default() > ABSENCE))
}

/// Writes down that the engine ends now.
pub(super) fn ends(journal: &Journal, now: Timestamp) {
    drop(journal.put_state(SCOPE, ENDED, &Value::String(now.to_string())));
}

/// Tells of an absence, and then of each sleep, until the engine stops.
pub(super) async fn stand(shared: Arc<Shared>, absence: Option<Gap>) {
    // After a tick somebody listens.
    let mut absence = absence;
    let stopped = shared.stopped();
    let mut before = shared.clock.now();
    loop {
        tokio::select! {
            () = stopped.cancelled() => return,
            () = tokio::time::sleep(TICK) => {}
        }
        if let Some(gap) = absence.take() {
            shared.tell(|| Event::Woke(gap));
        }
        let now = shared.clock.now();
        if let Some(gap) = Gap::between(before, now) {
            tracing::info!(from = %gap.from, to = %gap.to, "nothing ran here in between: services are looked at now");
            shared.nudge();
            shared.tell(|| Event::Woke(gap));
        }
        before = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_tick_that_comes_late_is_a_sleep_and_a_clock_that_is_set_back_is_not() {
        let before = at("2026-03-01T22:00:00Z");
        for (now, slept) in [
            ("2026-03-01T22:00:20Z", false),
            ("2026-03-01T22:02:20Z", false),
            ("2026-03-01T22:02:21Z", true),
            ("2026-03-02T07:00:00Z", true),
            ("2026-03-01T21:00:00Z", false),
        ] {
            assert_eq!(Gap::between(before, at(now)).is_some(), slept, "{now}");
        }
    }

    #[test]
    fn an_absence_is_known_from_an_end_that_was_written_down_and_told_once() {
        let dir = tempfile::tempdir().unwrap();
        let open = || Journal::open(dir.path(), crate::journal::Options::default()).unwrap();
        let journal = open();
        assert_eq!(absence(&journal, at("2026-03-01T22:00:00Z")), Ok(None), "a first start");
        ends(&journal, at("2026-03-01T22:00:00Z"));
        journal.close();
        drop(journal);
        let journal = open();
        let gap = Gap { from: at("2026-03-01T22:00:00Z"), to: at("2026-03-02T07:00:00Z") };
        assert_eq!(absence(&journal, gap.to), Ok(Some(gap)));
        assert_eq!(absence(&journal, at("2026-03-03T07:00:00Z")), Ok(None), "it was killed meanwhile");
        ends(&journal, at("2026-03-03T07:00:00Z"));
        assert_eq!(absence(&journal, at("2026-03-03T07:04:00Z")), Ok(None), "too short for a word");
    }
}
