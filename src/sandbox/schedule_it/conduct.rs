//! Whether a client keeps the rules that the service makes a condition of access: wait a minute after any answer that is
//! not 200, an hour after 400 or 403, and stop after three such answers in a row until a person has looked.
use jiff::Timestamp;

use super::refusal;
use crate::sandbox::call::Refusal;

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
/// Answers in a row that are not 200, after which a client must stop.
const MOST: u32 = 3;

/// How the account's client has behaved so far. A breach is always written down; it has consequences only where the habit
/// is switched on.
#[derive(Debug, Clone, Default)]
pub(crate) struct Conduct {
    in_a_row: u32,
    last: Option<(u16, i64)>,
    locked: bool,
}

impl Conduct {
    /// Looks at a request of the account's client before it is answered: the rule that it breaks.
    pub(crate) fn arrives(&mut self, now: Timestamp, enforced: bool) -> Option<&'static str> {
        let now = now.as_millisecond();
        let (status, waited) = self.last.map(|(status, at)| (status, now - at))?;
        let breach = if self.locked {
            "came back though it is locked out"
        } else if self.in_a_row >= MOST {
            "went on after three errors in a row"
        } else if matches!(status, 400 | 403) && waited < HOUR {
            "came back within an hour after a refusal"
        } else if status != 200 && waited < MINUTE {
            "came back within a minute after an error"
        } else {
            return None;
        };
        let serious = self.in_a_row >= MOST || (status == 403 && waited < HOUR);
        self.locked = self.locked || (enforced && serious);
        Some(breach)
    }

    /// What a client that is locked out is told.
    pub(crate) fn lock(&self) -> Option<Refusal> {
        let message = "Access is locked: the rules for clients were broken. A person has to look at it.";
        self.locked.then(|| refusal(403, message))
    }

    /// Takes down what was answered.
    pub(crate) fn answered(&mut self, status: u16, now: Timestamp) {
        self.in_a_row = if status == 200 { 0 } else { self.in_a_row.saturating_add(1) };
        self.last = Some((status, now.as_millisecond()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends requests, each with the seconds that were waited before it and what it is answered if it is not locked out;
    /// what each of them broke, and whether it was locked out.
    fn conduct(enforced: bool, requests: &[(i64, u16)]) -> Vec<(bool, bool)> {
        let mut conduct = Conduct::default();
        let mut now = 0;
        let each = requests.iter().map(|(waited, status)| {
            now += waited * 1_000;
            let at = Timestamp::from_millisecond(now).unwrap();
            let breach = conduct.arrives(at, enforced).is_some();
            let locked = conduct.lock().is_some();
            conduct.answered(if locked { 403 } else { *status }, at);
            (breach, locked)
        });
        each.collect()
    }

    #[test]
    fn waiting_as_asked_is_no_breach() {
        let good = [(0, 200), (0, 200), (1, 429), (60, 200), (1, 400), (3_600, 200), (1, 500), (60, 429), (60, 200), (1, 403)];
        assert!(conduct(true, &good).iter().all(|it| *it == (false, false)));
    }

    #[test]
    fn coming_back_too_soon_is_a_breach_and_after_a_403_it_locks_out() {
        assert_eq!(conduct(true, &[(0, 429), (59, 200), (1, 200)]), [(false, false), (true, false), (false, false)]);
        assert_eq!(conduct(true, &[(0, 403), (3_599, 200), (9_000, 200)]), [(false, false), (true, true), (true, true)]);
        assert_eq!(conduct(false, &[(0, 403), (60, 200), (1, 200)]), [(false, false), (true, false), (false, false)]);
    }

    #[test]
    fn going_on_after_three_errors_in_a_row_locks_out() {
        let stubborn = [(0, 500), (60, 500), (60, 429), (60, 200), (60, 200)];
        assert_eq!(conduct(true, &stubborn)[3..], [(true, true), (true, true)]);
        assert_eq!(conduct(false, &stubborn)[3..], [(true, false), (false, false)]);
    }
}
