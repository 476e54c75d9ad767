//! An imitation of HighLevel and Schedule it on this machine, made from the same catalogue that the real services are
//! called with, so that a flow can be tried without an account.
//!
//! State is kept in memory: what is created is found, what is deleted is gone. Requests are checked as the vendors check
//! them, rate limits count, faults can be switched on, and a [`LedgerEntry`] says what each request really did.
//! [`start`] serves on the current runtime; a [`Handle`] steers it. Records change in one place, `change.rs`: whoever wants to
//! see each change belongs there.
//!
//! Invariant: the same `random`, seed, clock and requests give the same ids, records and answers.
//!
//! Invariant: the lock on the world is never held across an await, and nothing that a request holds can make it panic.
//!
//! Invariant: nothing here leaves the machine; the sandbox calls no one.
mod access;
mod auth;
mod call;
mod change;
mod clock;
mod control;
mod faults;
mod generic;
mod hand;
mod handle;
mod highlevel;
mod ledger;
mod limits;
mod options;
mod route;
mod schedule_it;
mod seed;
mod server;
mod service;
mod snapshot;
mod store;
mod validate;
mod world;

#[cfg(test)]
mod tests;

pub use self::access::{Access, HighlevelAccess, ScheduleItAccess};
pub use self::clock::Clock;
pub use self::faults::{Fault, FaultKind, Faults};
pub use self::hand::{Deed, Table};
pub use self::handle::{Handle, SandboxError, start};
pub use self::ledger::{Effect, LedgerEntry, RecordRef};
pub use self::limits::Limits;
pub use self::options::{Options, Seed};
pub use self::snapshot::Snapshot;
pub use self::world::Traps;
