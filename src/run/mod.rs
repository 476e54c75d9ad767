//! What a run is: facts in the past tense, folded into a state, and one pure function that says what comes next.
//!
//! A flow is made ready once a revision ([`Program`]). A [`Run`] is a fold over [`Entry`]s; [`Run::next`] says what
//! follows, [`Run::conclude`] what an attempt's outcome means. A node runs at most once for an item: when every way into
//! it has either fired or died, and at least one has fired. A way dies when its node leaves through another port, fails,
//! or is never reached itself.
//!
//! Invariant: nothing here reads a clock, a random number or a file; time and chance come in as arguments.
//! Invariant: replaying the same entries gives the same run, so recovery is the ordinary path.
//! Invariant: a step's inputs are evaluated as of its first attempt, so every attempt sends the same.
mod aim;
mod begin;
mod call;
mod cause;
mod conclude;
mod entry;
mod fill;
mod given;
mod hook;
mod next;
mod passed;
mod program;
mod retry;
mod sight;
mod state;
#[cfg(test)]
mod tests;

pub use self::aim::{Aim, Desk, NoPlan, Plan, Shown};
pub use self::call::{Call, Conclusion, HttpRequest, Next, Payload, Perform, Repeatable, Verify};
pub use self::cause::{Cause, Via};
pub use self::entry::{Entry, ItemPath, Outcome, Park, Release, Revision, RunId, StepKey};
pub use self::given::Given;
pub use self::hook::{HookError, HookRequest};
pub use self::passed::Passed;
pub use self::program::{CompiledLookup, Program};
pub use self::retry::{Again, RetryFrom, again, first_failed};
pub use self::state::Run;
