//! An append made ready on its caller's thread, so that the one writer only binds values.
use jiff::Timestamp;
use serde_json::Value;

use super::blob::{LARGEST, Packer};
use super::{Append, JournalError, Kept, NewRun, OutcomeKind, exchange};
use crate::record::{Failure, bounds};
use crate::run::{Entry, Outcome, Release, RunId};

/// What a head keeps of a failure's words, in bytes.
const SUMMARY: usize = 600;

/// An append as the tables take it.
#[derive(Debug)]
pub(super) struct Encoded {
    pub(super) run: u64,
    pub(super) new: Option<NewRun>,
    /// A JSON array of entries, perhaps packed.
    pub(super) entries: Vec<u8>,
    /// Frames of exchanges, perhaps packed; none if there are none.
    pub(super) exchanges: Option<Vec<u8>>,
    pub(super) tally: Tally,
    pub(super) finish: Option<Finish>,
    /// What is kept together with it.
    pub(super) kept: Option<Kept>,
}

/// What an append adds to its run's head.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Tally {
    /// Steps that ended.
    pub(super) steps: u32,
    /// Steps that failed for good.
    pub(super) failures: u32,
    /// Steps that began to wait for a person, less those that were released.
    pub(super) parked: i32,
}

/// How a run ended, as its head keeps it.
#[derive(Debug)]
pub(super) struct Finish {
    pub(super) at: i64,
    pub(super) outcome: OutcomeKind,
    /// The failure as JSON, its words cut.
    pub(super) failure: Option<String>,
}

impl Encoded {
    pub(super) fn of(append: Append, packer: &Packer) -> Result<Self, JournalError> {
        let Append { run, new, entries, exchanges } = append;
        let too_large = |what: String| JournalError::TooLarge { what: format!("{what}, in run {run}") };
        let mut tally = Tally::default();
        let mut finish = None;
        for entry in &entries {
            if value_of(entry).is_some_and(bounds::is_too_deep) {
                return Err(too_large(format!("a value that nests more than {} deep", bounds::MAX_DEPTH_IN_A_RUN)));
            }
            tally.count(entry);
            if let Entry::Finished { outcome, at } = entry {
                finish = Some(Finish::of(outcome, *at));
            }
        }
        let mut json = Vec::with_capacity(192 * entries.len());
        serde_json::to_writer(&mut json, &entries).map_err(|error| too_large(error.to_string()))?;
        let mut frames = Vec::with_capacity(1024 * exchanges.len());
        for it in &exchanges {
            exchange::write(it, &mut frames).map_err(too_large)?;
        }
        for (bytes, what) in [(json.len(), "facts"), (frames.len(), "requests and answers")] {
            if bytes > LARGEST {
                return Err(too_large(format!("{bytes} bytes of {what}, and {LARGEST} are the most")));
            }
        }
        let frames = (!frames.is_empty()).then(|| packer.pack(frames));
        Ok(Self { run: run.0, new, entries: packer.pack(json), exchanges: frames, tally, finish, kept: None })
    }

    /// Roughly the memory that it holds and the disk that it takes.
    pub(super) fn bytes(&self) -> usize {
        self.entries.len() + self.exchanges.as_ref().map_or(0, Vec::len) + 256
    }

    pub(super) fn run(&self) -> RunId {
        RunId(self.run)
    }
}

/// What a fact holds of others: what nests too deeply could not be read back.
fn value_of(entry: &Entry) -> Option<&Value> {
    match entry {
        Entry::Accepted { payload: value, .. }
        | Entry::StepSucceeded { output: value, .. }
        | Entry::ItemFinished { result: Some(value), .. }
        | Entry::StepReleased { release: Release::Done(value), .. } => Some(value),
        _ => None,
    }
}

impl Tally {
    fn count(&mut self, entry: &Entry) {
        match entry {
            Entry::StepSucceeded { .. } => self.steps += 1,
            Entry::StepFailed { retry_at: None, .. } => {
                self.steps += 1;
                self.failures += 1;
            }
            Entry::StepParked { .. } => self.parked += 1,
            Entry::StepReleased { release, .. } => {
                self.parked -= 1;
                match release {
                    // The step goes on, and ends later.
                    Release::Repeat => {}
                    Release::Done(_) | Release::Approve | Release::Decline => self.steps += 1,
                    Release::Fail => {
                        self.steps += 1;
                        self.failures += 1;
                    }
                }
            }
            _ => {}
        }
    }

    pub(super) fn add(&mut self, other: Self) {
        self.steps = self.steps.saturating_add(other.steps);
        self.failures = self.failures.saturating_add(other.failures);
        self.parked = self.parked.saturating_add(other.parked).max(0);
    }
}

impl Finish {
    fn of(outcome: &Outcome, at: Timestamp) -> Self {
        let failure = match outcome {
            Outcome::Failed(failure) => serde_json::to_string(&summary(failure)).ok(),
            Outcome::Succeeded | Outcome::Cancelled => None,
        };
        Self { at: nanoseconds(at), outcome: OutcomeKind::of(outcome), failure }
    }
}

/// A time as the tables keep it; the years 1677 to 2262 are exact, others are their nearest end.
pub(super) fn nanoseconds(at: Timestamp) -> i64 {
    let exact = at.as_nanosecond();
    i64::try_from(exact).unwrap_or(if exact < 0 { i64::MIN } else { i64::MAX })
}

fn summary(failure: &Failure) -> Failure {
    let mut short = failure.clone();
    for text in [&mut short.title, &mut short.detail, &mut short.hint, &mut short.at] {
        if text.len() > SUMMARY {
            text.truncate(text.floor_char_boundary(SUMMARY));
            text.push('…');
        }
    }
    short
}
