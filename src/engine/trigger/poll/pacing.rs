//! When a feed looks next: as often as somebody wishes, as rarely as the service's limits and a failure ask for.
use super::feed::{Broken, Feed};
use crate::connector::CallError;
use crate::record::{Failure, FailureKind};

/// How long from one look to the next, where nobody chose it, in milliseconds.
const USUAL_MS: i64 = 60_000;
/// The same for one that only makes up for lost messages.
const RECONCILE_MS: i64 = 600_000;
/// Where nothing is ever found, looks become rarer until so long lies between them, in milliseconds.
const QUIET_MS: i64 = 300_000;
/// A look that failed is repeated after so long at first, and at most, in milliseconds.
const AGAIN_MS: i64 = 15_000;
const AGAIN_MOST_MS: i64 = 600_000;
/// One that waits for a sign-in is tried so often, should nobody say that the sign-in was made.
const SIGN_IN_MS: i64 = 300_000;
/// What share of what a service allows may go into looks, in percent.
const SHARE: u64 = 50;

impl Feed {
    /// How long from one look to the next.
    pub(super) fn wait_ms(&self) -> i64 {
        let subscribers = self.subscribers.borrow();
        let chosen = subscribers.iter().filter_map(|it| it.watch.every_ms()).min();
        let usual = if subscribers.iter().all(|it| it.told.is_some()) { RECONCILE_MS } else { USUAL_MS };
        let wait = chosen.unwrap_or_else(|| (usual * i64::from(1 + self.quiet / 10)).min(QUIET_MS.max(usual)));
        drop(subscribers);
        wait.max(self.affordable_ms())
    }

    /// The shortest time between looks by which all feeds of the account stay within their share of what it allows.
    fn affordable_ms(&self) -> i64 {
        let Some(connector) = self.shared.catalog.connector(self.event.id.connector()) else { return 0 };
        let feeds = self.shared.feeds_of(&self.id.connection).max(1);
        let per_call = connector.rates.iter().map(|it| it.per_ms.div_ceil(u64::from(it.requests.max(1)))).max().unwrap_or(0);
        let ms = per_call.saturating_mul(u64::from(self.calls.max(1))).saturating_mul(feeds).saturating_mul(100) / SHARE;
        i64::try_from(ms).unwrap_or(i64::MAX)
    }

    /// Says once that looks fail, and how long to wait.
    pub(super) fn tell(&self, broken: Broken) -> (Failure, i64) {
        let again = (AGAIN_MS << self.failed.saturating_sub(1).min(8)).min(AGAIN_MOST_MS);
        let (failure, wait) = match broken {
            Broken::Machine(failure) => (failure, again),
            Broken::Call(error) => match *error {
                CallError::Retry { after, failure } => {
                    let after = after.and_then(|it| i64::try_from(it.as_millis()).ok()).unwrap_or(again);
                    (failure, after.max(1_000))
                }
                CallError::SignIn(failure) => (failure, SIGN_IN_MS),
                CallError::Breaker { until, failure } => {
                    let left = until.map(|it| it.duration_since(self.shared.clock.now()).as_millis());
                    (failure, left.and_then(|it| i64::try_from(it).ok()).unwrap_or(SIGN_IN_MS).max(1_000))
                }
                CallError::Refused(failure) | CallError::NotSent(failure) | CallError::Lost(failure) => (failure, again),
            },
        };
        let most = self.shared.longest_rest().and_then(|it| i64::try_from(it.as_millis()).ok()).unwrap_or(i64::MAX);
        let wait = wait.min(most);
        tracing::warn!(feed = %self.scope, failed = self.failed, %failure, "a look failed");
        // One that fails now and then mends itself; what goes on is told.
        let is_worth_telling = matches!(failure.kind, FailureKind::SignIn | FailureKind::Forbidden | FailureKind::Flow);
        if self.failed == 1 && is_worth_telling || self.failed == 3 && !is_worth_telling {
            let title = format!("\"{}\" cannot be looked for at the moment", self.event.title);
            let detail =
                if failure.detail.is_empty() { failure.title.clone() } else { format!("{}: {}", failure.title, failure.detail) };
            let told = Failure { title, detail, ..failure.clone() };
            self.shared.trouble(told.hint("Nothing is lost: it goes on from where it was once that works again."));
        }
        (failure, wait)
    }
}
