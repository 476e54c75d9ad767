//! What is written down about what happened: a failure in a person's words, and an exchange with a service. Plain data.
//!
//! `connector` makes these, `run` decides on them, `journal` stores them, window and terminal show them.
//!
//! Invariant: nothing here holds a secret; an [`Exchange`] is redacted by whoever makes it.
pub mod bounds;
mod exchange;
mod failure;

pub use self::exchange::{Answer, Body, Exchange, Request, Timing};
pub use self::failure::{Failure, FailureKind};
