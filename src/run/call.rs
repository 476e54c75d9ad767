//! What a run wants done outside, and what came of it.
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::program::CompiledLookup;
use super::{Entry, StepKey};
use crate::catalog::{Connector, Method, Operation};
use crate::expr::script::Script;
use crate::flow::{FlowId, Named, SlotId};
use crate::record::Failure;

/// What follows now: facts already folded into the run, calls to make once they are on disk, and when to ask again.
#[derive(Debug, Default)]
pub struct Next {
    /// New facts, in order; they must be on disk before any of the calls is made.
    pub entries: Vec<Entry>,
    /// What to do outside.
    pub calls: Vec<Perform>,
    /// When to ask again, if nothing else happens before.
    pub wake: Option<Timestamp>,
    /// Whether to ask again as soon as the entries are on disk.
    pub more: bool,
}

/// An attempt at a step.
#[derive(Debug, Clone)]
pub struct Perform {
    /// The step.
    pub step: StepKey,
    /// 1 for the first.
    pub attempt: u32,
    /// What to do.
    pub call: Call,
}

/// What to do outside.
#[derive(Debug, Clone)]
pub enum Call {
    /// Call an operation of the catalog.
    Operation {
        /// Which.
        operation: Arc<Operation>,
        /// Whose.
        connector: Arc<Connector>,
        /// On which connection.
        slot: SlotId,
        /// Its inputs by key.
        input: Map<String, Value>,
        /// Which of them a person chose by name from a list of the account.
        named: Arc<[Named]>,
        /// Look first whether an earlier attempt happened after all.
        verify: Option<Verify>,
    },
    /// Send an HTTP request.
    Http(Box<HttpRequest>),
    /// Run a script.
    Script {
        /// The compiled script.
        script: Arc<Script>,
        /// What it sees as `input`.
        input: Value,
    },
    /// Run another flow and wait for it.
    SubFlow {
        /// Which.
        flow: FlowId,
        /// What its trigger gets.
        input: Value,
    },
}

/// A look-up that comes before a repeated call.
#[derive(Debug, Clone)]
pub struct Verify {
    /// How.
    pub lookup: Arc<CompiledLookup>,
    /// When the first attempt left.
    pub started: Timestamp,
}

/// An HTTP request, filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpRequest {
    /// The method.
    pub method: Method,
    /// The URL.
    pub url: String,
    /// Added to its query.
    pub query: Vec<(String, String)>,
    /// Headers.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Payload,
    /// The connection that signs it.
    pub slot: Option<SlotId>,
}

/// A body, filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Payload {
    None,
    Json(Value),
    Form(Vec<(String, String)>),
    Text(String),
}

/// What came of an attempt.
#[derive(Debug, Clone)]
pub enum Conclusion {
    /// It was done, and this is what it gave.
    Succeeded(Arc<Value>),
    /// It was certainly not done; trying again may help.
    Retry {
        /// Not before this has passed.
        after: Option<Duration>,
        /// Why.
        failure: Failure,
    },
    /// The connection must be signed in again.
    SignIn {
        /// Which connection.
        connection: String,
        /// Why.
        failure: Failure,
    },
    /// The connection's breaker is open.
    Breaker {
        /// Which connection.
        connection: String,
        /// Until when; none means until a person closes it.
        until: Option<Timestamp>,
        /// Why.
        failure: Failure,
    },
    /// It was refused, or could not be built; trying the same again is no use.
    Failed(Failure),
    /// It was sent, and nobody knows whether it was done.
    Lost(Failure),
    /// The service said that it broke; it may have been done.
    Broke(Failure),
}

/// What repeating a call means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeatable {
    /// A second call changes nothing more.
    Always,
    /// Only after a look-up shows that the first did not happen.
    AfterLookup,
    /// Only a person may say so.
    Never,
}
