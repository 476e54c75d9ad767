//! What has come due since a schedule was last looked after.
use jiff::{SignedDuration, Timestamp};

use super::{Missed, Plan};

/// So many missed times are made up for at most, the latest ones.
pub const MOST_MADE_UP: usize = 100;
/// A time that is no longer ago than this was not missed: no sleep of the engine is as long.
const ON_TIME: SignedDuration = SignedDuration::from_secs(120);
/// Missed times are counted so far.
const MOST_COUNTED: usize = 10_000;

/// What a schedule asks for now.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Due {
    /// Times to run for, in order.
    pub run: Vec<Timestamp>,
    /// Times that passed and that nothing runs for; 10,000 stands for that many or more.
    pub left_out: usize,
    /// Everything up to here is looked after once `run` is done; none if nothing has passed.
    pub until: Option<Timestamp>,
}

impl Plan {
    /// What has come due after `last` and up to `now`, both of which a clock that is set back may have in the wrong order:
    /// nothing is due then.
    pub fn due(&self, last: Timestamp, now: Timestamp) -> Due {
        let most = match self.missed {
            Missed::All => MOST_MADE_UP,
            Missed::Once | Missed::Skip => 1,
        };
        let mut run = self.latest(most, last, now);
        let until = run.last().copied();
        if self.missed == Missed::Skip {
            run.retain(|it| now.duration_since(*it) <= ON_TIME);
        }
        let passed = self.upcoming(last).take_while(|it| *it <= now).take(MOST_COUNTED).count();
        Due { left_out: passed.saturating_sub(run.len()), run, until }
    }

    /// The latest times after `last` and up to `now`, `most` at most, in order. Looks back in ever larger steps, so that it
    /// costs little however long ago `last` is.
    fn latest(&self, most: usize, last: Timestamp, now: Timestamp) -> Vec<Timestamp> {
        let mut back = SignedDuration::from_hours(1);
        loop {
            let from = now.checked_sub(back).unwrap_or(Timestamp::MIN).max(last);
            let mut found: Vec<Timestamp> = self.upcoming(from).take_while(|it| *it <= now).collect();
            if found.len() >= most || from == last || from == Timestamp::MIN {
                found.drain(..found.len().saturating_sub(most));
                return found;
            }
            back = back.saturating_mul(4);
        }
    }
}
