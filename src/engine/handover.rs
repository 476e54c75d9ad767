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
    match door::ask(data, Order::HandOver { lend }) {
        None | Some(Err(_)) => return Ok(false),
        Some(Ok(Answer::HandsOver)) => {}
        Some(Ok(other)) => return Err(unexpected(&other)),
    }
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
