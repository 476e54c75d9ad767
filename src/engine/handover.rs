//! One engine a data directory: whoever wants it asks the one that has it to make way.
//!
//! Invariant: nothing is lost on the way: the one that makes way ends as if it were stopped, and the next goes on from the journal.
use std::path::Path;
use std::time::{Duration, Instant};

use super::door::{self, Answer, Order};
use super::release::unexpected;
use crate::journal::Journal;
use crate::record::{Failure, FailureKind};

/// How long the one that makes way may take: calls under way come back first.
const PATIENCE: Duration = Duration::from_secs(40);
/// How long one that is already stopping is waited for: as long as it waits for calls under way, and a little.
const STOPS: Duration = Duration::from_secs(15);
/// How long one is waited for that has taken its door away and may be leaving.
const LEAVES: Duration = Duration::from_secs(2);
/// How often it is looked whether it has.
const LOOK: Duration = Duration::from_millis(50);

/// Whether an engine is at work on a data directory, in this process or another. Blocks.
pub fn is_at_work(data: &Path) -> bool {
    Journal::is_in_use(data)
}

/// Asks the engine that is at work on a data directory to make way, and waits until it has; true if there was one that did. Where it is
/// lent, it comes back once the directory is free.
/// One that does not make way stays, and the next start says so. Blocks.
///
/// # Errors
/// A [`Failure`] where it was going to, and still holds the directory.
pub fn take_over(data: &Path, lend: bool) -> Result<bool, Failure> {
    take_over_from(data, lend, || {})
}

/// The same; `stops` is called before one that is stopping already is waited for.
///
/// # Errors
/// As [`take_over`].
pub fn take_over_from(data: &Path, lend: bool, stops: impl FnOnce()) -> Result<bool, Failure> {
    let mut stops = Some(stops);
    let began = Instant::now();
    loop {
        match door::ask(data, Order::HandOver { lend }) {
            Some(Ok(Answer::HandsOver)) => return until_free(data),
            Some(Ok(other)) => return Err(unexpected(&other)),
            Some(Err(failure)) if failure.kind == FailureKind::Refused => return Ok(false),
            // Its door is closed, and the directory not free yet: it is on its way out, or just coming in.
            _ if !Journal::is_in_use(data) => return Ok(stops.is_none()),
            _ if began.elapsed() > if door::is_there(data) { STOPS } else { LEAVES } => return Ok(false),
            _ => {}
        }
        if let Some(stops) = stops.take() {
            stops();
        }
        std::thread::sleep(LOOK);
    }
}

/// Until the one that makes way has.
fn until_free(data: &Path) -> Result<bool, Failure> {
    let asked = Instant::now();
    while Journal::is_in_use(data) {
        if asked.elapsed() > PATIENCE {
            let failure = Failure::new(FailureKind::Machine, "The other Flowyard is still busy with what is under way");
            return Err(failure.at(data.display().to_string()).hint("Try again in a moment, or end it."));
        }
        std::thread::sleep(LOOK);
    }
    Ok(true)
}
