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
//! Invariant: the sandbox calls no one, unless an address for its webhooks was set, and then no other.
mod access;
mod auth;
mod call;
mod change;
mod clock;
mod control;
mod desktop;
mod faults;
mod files;
mod generic;
mod glance;
mod hand;
mod handle;
mod highlevel;
mod ledger;
mod limits;
mod mail;
mod oauth;
mod options;
mod route;
mod schedule_it;
mod seed;
mod server;
mod service;
mod snapshot;
mod store;
mod undo;
mod validate;
mod webhook;
mod world;

#[cfg(test)]
mod tests;

pub use self::access::{Access, DesktopAccess, FilesAccess, HighlevelAccess, MailAccess, OauthAccess, ScheduleItAccess};
pub use self::clock::Clock;
pub use self::faults::{Fault, FaultKind, Faults};
pub use self::glance::Glance;
pub use self::hand::{Deed, Done, Table};
pub use self::handle::{Handle, SandboxError, start};
pub use self::ledger::{Effect, LedgerEntry, RecordRef};
pub use self::limits::Limits;
pub use self::oauth::OauthSettings;
pub use self::options::{Options, Seed};
pub use self::snapshot::Snapshot;
pub use self::undo::Undo;
pub use self::webhook::{Attempt, Delivery, DeliveryFaults, PublicKeys, Webhook};
pub use self::world::Traps;
