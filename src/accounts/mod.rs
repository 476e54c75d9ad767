//! The connections of a data directory, and what a person does with them: both shells are thin over this room.
//!
//! Three files lie in the data directory, none of which holds a secret: `connections.json` (a [`Book`] of accounts, as a
//! person may write it), `bindings.json` ([`Bindings`]: which connection a flow's slot stands for), and what the
//! [`Vault`](crate::connector::Vault) needs to find its secrets.
//!
//! Invariant: no message repeats a value of the file that could be a secret put in the wrong place.
//! Invariant: a file is changed under a lock, by what it holds then, and is never seen half written.
//! Invariant: a connection whose secret is in the environment never has one in the vault.
mod account;
mod address;
mod asking;
mod bindings;
mod book;
mod budget;
mod desk;
mod entry;
mod environment;
mod lacks;
mod locations;
mod make;
mod scopes;
mod secrets;
mod sign_in;
mod slots;
mod spread;
pub mod why;

pub use self::account::Account;
pub use self::address::{is_base_url, normal as base_url};
pub use self::asking::{Asking, identity};
pub use self::bindings::{Bindings, Use};
pub use self::book::{Book, Bound};
pub use self::budget::{Budget, grouped, span};
pub use self::desk::{Desk, Probed, Removed};
pub use self::entry::{Entry, State};
pub use self::environment::{is_environment, log_of, logs};
pub use self::lacks::{Checkup, Had, Presence};
pub use self::locations::Location;
pub use self::make::{Lack, Made, Way};
pub use self::scopes::{Needed, Step};
pub use self::secrets::{Given, wanted};
pub use self::sign_in::SignedIn;
pub use self::slots::{Slots, Stand, accounts};
pub use self::spread::{Copy, join, spread};
pub use crate::connector::{BudgetState, Budgets, Granted, Progress};
