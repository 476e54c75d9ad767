//! One budget an account, shared by everything that calls on it: the requests that its service allows, in this process and in all
//! others that use the data directory, and over a restart.
//!
//! A [`Ledger`](ledger::Ledger) knows what is taken, by whom, and who waits; it is pure. A [`Bucket`] holds one, lets calls wait
//! for their turn, and keeps it in step with its file in `budgets/` of the data directory, a moment at a time, under a lock of
//! the system's. Without a directory it stays in memory.
//!
//! Invariant: whenever within a request's time the service counts it, no interval of the service's holds more than it allows, as
//! far as what uses the directory goes.
//! Invariant: a file that is not whole, or not ours, is begun anew; one that cannot be used holds nobody up: each process then
//! counts for itself.
//! Invariant: what a process that is gone had under way is given back after an interval.
//! Invariant: a budget's file holds numbers alone, and its name is a digest: nothing of an account, and no secret.
mod bucket;
mod file;
mod flight;
mod ledger;
mod member;
mod pace;
mod read;
mod state;
mod window;
mod words;

pub(super) use self::bucket::{Bucket, Permit, PutOff};
pub(super) use self::ledger::Told;
pub(super) use self::member::Member;
pub use self::read::Budgets;
pub use self::state::{BudgetState, Priority};
