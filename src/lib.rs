//! Flowyard wires triggers to actions, maps fields, tests with one click, and leaves flows running on a person's own machine.
//! One crate: this library, and one binary that opens the window or, with a verb, works headless.
//!
//! # Layers and rooms
//!
//! | layer | room | what lives there |
//! |---|---|---|
//! | 0, pure | [`record`] | what is written down about what happened: a failure in words, an exchange with a service |
//! | | [`expr`] | text and data to value: expressions, `{{ }}` text, what they refer to, scripts |
//! | | [`catalog`] | what can be called: connector, operation, schema; import of OpenAPI documents; search |
//! | | [`flow`] | what a flow is: node, edge, binding, edit, history, check, file |
//! | | [`run`] | what a run is: entries (facts), `next` (decisions), retry, park and release |
//! | 1, I/O | [`journal`] | the only SQL: runs, exchanges, revisions, search, retention |
//! | | [`connector`] | calls services and owns secrets: request, answer, budget, breaker, redaction |
//! | | [`accounts`] | the connections of a data directory, and what a person does with them |
//! | | [`published`] | which flows are on, and what of them is live; the difference to the draft in words |
//! | | [`chooser`] | reads lists to choose from (calendars, users, tags), outside of runs |
//! | 2 | [`engine`] | runs flows in the background: handle, supervisor, steps, recovery, webhooks |
//! | 3, shells | [`sandbox`] | imitates the services, from the same catalogue |
//! | | [`cli`] | one file a verb |
//! | | `ui` | the window (feature `gui`) |
//!
//! Layer 0 has no input or output, no clock, no chance and no async: time and chance come in as arguments. The edges are
//! [`flow::disk`] and [`catalog::disk`], which read and write files for the rooms above. Which room may import which, where a crate may be
//! named, and how long a file may be is checked by `tests/tidy.rs`.
//!
//! The window has no runtime of its own: `cli::window` starts one with the sandbox and an engine on a thread beside it, and
//! hands `ui::open` plain handles. What happens there comes as events, each of which wakes the window.
//!
//! # How a run goes
//!
//! A trigger fires; the engine makes a [`run::Run`] and asks [`run::Run::next`] what follows. The answer is facts
//! ([`run::Entry`]) and calls ([`run::Perform`]). The facts are committed to the journal first, many runs in one
//! transaction; only then are the calls made. What comes of a call is folded in by [`run::Run::conclude`], and the question is
//! asked again. Recovery is the same: the entries on disk are replayed and the question asked. A step that was started and
//! never ended is repeated if its operation is safe to repeat, looked up first if the catalogue knows how (once the service
//! has had its time, [`run::Run::SETTLE`], to be done with it), and otherwise parked for a person to say.
//!
//! A step's inputs are not journaled: they are evaluated again from what earlier steps gave, as of the first attempt's time,
//! and are therefore the same on every attempt. What the journal does hold of them is the redacted exchange, and the flow's
//! revision as it was written: a literal in a flow is in both, so credentials belong to a connection, and `flow` warns otherwise.
//!
//! A call is signed by its connection's secret. Where that is a sign-in by OAuth 2.0 it is renewed before its end, or once after a
//! 401, by one task at a time, here and across processes; the new tokens are stored before they are used. What cannot be renewed
//! parks its steps, and the next sign-in lets them go on; an account that rests is asked again each hour.
//!
//! A person's word on a run (release, cancel, resume) goes to the engine at work on the data directory, through a door on
//! 127.0.0.1 whose key lies in that directory; where none is at work, it is written down for the next start.
//!
//! A person is alerted of runs that fail, of steps that ask, of dead connections and of quiet triggers by [`engine::alert`]: rules without a clock say
//! what is to be told, and each alert is a run of a small flow of the engine's own, by mail or on the desktop, in the log like any.
//!
//! # Where truth lives
//!
//! The flow file, the draft of what is changed and not saved, the journal, the vault, the preferences: each truth has one
//! owner, all else is derived and may be thrown away: the index of the log's search, which lies beside the journal. A run pins the revision of its flow by content hash; editing never disturbs a run under way.
pub mod accounts;
pub mod catalog;
pub mod chooser;
pub mod cli;
pub mod connector;
pub mod engine;
pub mod expr;
pub mod flow;
pub mod journal;
pub mod published;
pub mod record;
pub mod run;
pub mod sandbox;
#[cfg(feature = "gui")]
pub mod ui;
