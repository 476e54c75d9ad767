//! What can be said of a budget.
use jiff::Timestamp;
use serde::Serialize;

/// Whose turn it is where several calls wait for the same account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// A person waits for it.
    First,
    /// Nobody looks at it while it goes on. It waits for the others, but never for ever.
    #[default]
    Background,
}

tokio::task_local! {
    /// The priority of the calls that a task makes, wherever in it they are.
    static CURRENT: Priority;
}

impl Priority {
    pub(super) const ALL: [Self; 2] = [Self::First, Self::Background];

    /// All calls that this makes have this priority; what is spawned in it has its own.
    pub async fn scope<F: Future>(self, calls: F) -> F::Output {
        CURRENT.scope(self, calls).await
    }

    /// Of the calls that are made here and now.
    pub(in crate::connector) fn current() -> Self {
        CURRENT.try_with(|it| *it).unwrap_or_default()
    }
}

/// What is used and what is left of an account's budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct BudgetState {
    /// Requests that could go at once.
    pub remaining: u32,
    /// Requests that the interval holds: those under way, and those that were answered within it.
    pub used: u32,
    /// Requests that may go in an interval.
    pub max: u32,
    /// The length of the interval, in milliseconds.
    pub interval_ms: u64,
    /// The service said to wait so long from now on, in milliseconds; 0 if it did not.
    pub blocked_ms: u64,
    /// Requests since the day began (UTC), by the service's own count where it tells.
    pub used_today: u64,
    /// Requests that may go in a day, if the service counts days.
    pub daily_max: Option<u64>,
    /// Requests left until the longest period that the service counts ends, mostly the day.
    pub daily_remaining: Option<u64>,
    /// Requests by the end of the day, at the pace of the last hour.
    pub forecast: u64,
    /// Since when today's are counted: midnight UTC, or later if the account was first called today.
    pub since: Timestamp,
    /// Calls that wait for their turn.
    pub waiting: u32,
}

impl BudgetState {
    /// Whether something is under way or waits, so that it looks otherwise in a moment.
    pub fn is_moving(&self) -> bool {
        self.used > 0 || self.waiting > 0 || self.blocked_ms > 0
    }
}
