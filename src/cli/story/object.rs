//! The same as JSON.
use std::time::Duration;

use serde_json::{Value, json};

use super::wording::park_words;
use super::{Ending, Story};
use crate::cli::changes::Change;
use crate::cli::exit::Exit;
use crate::engine::{Event, Mode};
use crate::flow::Flow;
use crate::record::Failure;
use crate::run::{Entry, Outcome, RunId, StepKey};

impl Story {
    /// The last object of `--json`.
    pub(in crate::cli) fn summary(
        &self,
        run: Option<RunId>,
        mode: Mode,
        ending: &Ending,
        changes: &[Change],
        took: Duration,
        exit: Exit,
    ) -> Value {
        let (outcome, failure) = match ending {
            Ending::Ended(outcome) => (outcome_name(outcome), failure_of(outcome)),
            Ending::Parked => ("parked", None),
            Ending::Interrupted => ("interrupted", None),
            Ending::BrokenOff => ("broken_off", None),
        };
        let waiting = self.parked.iter().map(|(step, on)| json!({ "step": step.to_string(), "on": on, "words": park_words(on) }));
        json!({
            "event": "summary",
            "run": run,
            "flow": { "id": self.flow.id, "name": self.flow.name },
            "mode": mode,
            "outcome": outcome,
            "failure": failure,
            "steps": { "succeeded": self.succeeded, "failed": self.failed },
            "requests": self.requests,
            "waiting": waiting.collect::<Vec<_>>(),
            "changes": changes,
            "duration_ms": took.as_millis() as u64,
            "exit_code": exit as u8,
        })
    }
}

/// The objects of `--json` for one event.
pub(in crate::cli) fn objects(event: &Event, flow: &Flow) -> Vec<Value> {
    let name = |step: &StepKey| flow.nodes.get(&step.node).map(|it| it.name.as_str());
    match event {
        Event::Started { run, program } => {
            vec![
                json!({ "event": "started", "run": run, "flow": program.flow, "name": program.name, "revision": program.revision }),
            ]
        }
        Event::Journaled { run, entries } => {
            let object =
                |entry: &Entry| json!({ "event": "entry", "run": run, "node": entry.step().and_then(name), "entry": entry });
            entries.iter().map(object).collect()
        }
        Event::Exchanged { run, step, attempt, exchange } => {
            vec![
                json!({ "event": "exchange", "run": run, "node": name(step), "step": step, "attempt": attempt, "exchange": **exchange }),
            ]
        }
        Event::Ended { run, outcome } => {
            vec![json!({ "event": "ended", "run": run, "outcome": outcome_name(outcome), "failure": failure_of(outcome) })]
        }
        Event::Looked(_) | Event::Woke(_) | Event::Trouble(_) => Vec::new(),
    }
}

/// The outcome in one word.
pub(in crate::cli) fn outcome_name(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Succeeded => "succeeded",
        Outcome::Failed(_) => "failed",
        Outcome::Cancelled => "cancelled",
    }
}

fn failure_of(outcome: &Outcome) -> Option<&Failure> {
    match outcome {
        Outcome::Failed(failure) => Some(failure),
        _ => None,
    }
}
