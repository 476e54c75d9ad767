//! The kinds of node. A closed set: everything that a service offers is data in the catalog.
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Binding, FlowId, Mapping, PortId, RetryPolicy, SlotId, Trigger};
use crate::catalog::{Method, OperationId};

/// A node: what a person calls it, and what it does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// What the card says; free text.
    pub name: String,
    /// Passed through as if it were not there.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub muted: bool,
    /// What it does.
    #[serde(flatten)]
    pub kind: NodeKind,
}

/// What a node does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum NodeKind {
    /// Where runs begin.
    Trigger(Trigger),
    /// Calls an operation of the catalog. Ports `out`, `error`.
    Action {
        /// Which operation.
        operation: OperationId,
        /// On which connection.
        slot: SlotId,
        /// Its inputs.
        #[serde(default)]
        input: Mapping,
        /// How often it is tried.
        #[serde(default)]
        retry: RetryPolicy,
    },
    /// Any HTTP request. Ports `out`, `error`.
    Http(HttpCall),
    /// Two ways. Ports `true`, `false`, `error`.
    Branch {
        /// Read as yes or no.
        condition: Binding,
    },
    /// Several ways; the first case that holds is taken. Ports: each case's, `else`, `error`.
    Switch {
        /// What the cases compare with.
        value: Binding,
        /// In order.
        cases: Vec<Case>,
    },
    /// Runs what hangs on `item` once for each item, then leaves through `done`. Ports `item`, `done`, `error`.
    ForEach {
        /// A list.
        items: Binding,
        /// How many items at a time; 1 means one after the other.
        #[serde(default = "one")]
        parallel: u32,
        /// Whether the rest goes on when an item fails.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        keep_going: bool,
        /// Evaluated at the end of each item; the results are the `results` of its output, in order.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        collect: Option<Binding>,
    },
    /// Brings ways together. Port `out`.
    Join {
        /// What it waits for.
        #[serde(default)]
        mode: JoinMode,
    },
    /// Waits. Ports `out`, `error`.
    Wait(WaitFor),
    /// Makes an object of fields. Ports `out`, `error`.
    Set {
        /// The fields.
        fields: Mapping,
    },
    /// Finds a row by its key in a table kept in the flow. Ports `out` (the row's value), `else`, `error`.
    Lookup {
        /// What is looked for.
        key: Binding,
        /// In order; the first row with an equal key is taken.
        rows: Vec<Row>,
        /// Whether upper and lower case are the same.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        ignore_case: bool,
    },
    /// Runs a Rhai script over JSON; what it returns is the output. Ports `out`, `error`.
    Script {
        /// The source.
        code: String,
        /// What the script sees as `input`.
        #[serde(default)]
        input: Mapping,
    },
    /// Runs another flow and waits for its outcome. Ports `out`, `error`.
    SubFlow {
        /// Which flow.
        flow: FlowId,
        /// What its manual trigger gets.
        #[serde(default)]
        input: Mapping,
    },
    /// Answers the webhook that started the run. Ports `out`, `error`.
    Respond {
        /// 200–599.
        status: Binding,
        /// Header names and values.
        #[serde(default)]
        headers: Mapping,
        /// Text is sent as it is, anything else as JSON.
        body: Binding,
    },
    /// Waits until a person agrees or declines. Ports `approved`, `declined`, `error`.
    Approval {
        /// What the person is asked.
        message: Binding,
    },
    /// Writes a line into the run's log. Ports `out`, `error`.
    Log {
        /// How loud.
        #[serde(default)]
        level: Level,
        /// The line.
        message: Binding,
    },
    /// Ends the whole run. No ports.
    Stop {
        /// How it ends.
        outcome: StopOutcome,
        /// Why, for a person.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<Binding>,
    },
}

/// Any HTTP request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpCall {
    /// The method.
    pub method: Method,
    /// The whole URL.
    pub url: Binding,
    /// Added to the URL's query.
    #[serde(default, skip_serializing_if = "Mapping::is_empty")]
    pub query: Mapping,
    /// Header names and values.
    #[serde(default, skip_serializing_if = "Mapping::is_empty")]
    pub headers: Mapping,
    /// The body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<HttpBody>,
    /// Signs the request with this connection, if its host is the connection's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slot: Option<SlotId>,
    /// How often it is tried.
    #[serde(default)]
    pub retry: RetryPolicy,
    /// Whether it may be sent again when its answer was lost; reads always may.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub repeatable: bool,
}

/// The body of an HTTP request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HttpBody {
    /// `application/json`.
    Json(Binding),
    /// `application/x-www-form-urlencoded`.
    Form(Mapping),
    /// `text/plain`, unless a header says otherwise.
    Text(Binding),
}

/// One way of a switch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    /// The port that it leaves through.
    pub port: PortId,
    /// The value that it equals.
    pub equals: Binding,
}

/// What a join waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JoinMode {
    /// Every way that can still arrive.
    #[default]
    All,
    /// The first to arrive; the others go on, but not past here.
    First,
}

/// How long a wait lasts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WaitFor {
    /// A duration in words or ISO 8601: `2 days`, `PT15M`.
    Duration(Binding),
    /// A time: RFC 3339, or local with a zone in brackets.
    Until(Binding),
}

/// A row of a lookup table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// What is looked for.
    pub key: Value,
    /// What is found.
    pub value: Value,
}

/// How loud a log line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Level {
    #[default]
    Info,
    Warning,
    Error,
}

/// How a stop node ends the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum StopOutcome {
    Success,
    Failure,
}

fn one() -> u32 {
    1
}

impl NodeKind {
    /// The ways out, in the order shown.
    pub fn ports(&self) -> Vec<PortId> {
        self.port_names().into_iter().map(PortId::from).collect()
    }

    /// The names of the ways out, in the order shown.
    pub(super) fn port_names(&self) -> Vec<&str> {
        match self {
            Self::Trigger(_) | Self::Join { .. } => vec!["out"],
            Self::Branch { .. } => vec!["true", "false", "error"],
            Self::ForEach { .. } => vec!["item", "done", "error"],
            Self::Lookup { .. } => vec!["out", "else", "error"],
            Self::Approval { .. } => vec!["approved", "declined", "error"],
            Self::Stop { .. } => Vec::new(),
            Self::Switch { cases, .. } => cases.iter().map(|case| case.port.as_str()).chain(["else", "error"]).collect(),
            Self::Action { .. }
            | Self::Http(_)
            | Self::Wait(_)
            | Self::Set { .. }
            | Self::Script { .. }
            | Self::SubFlow { .. }
            | Self::Respond { .. }
            | Self::Log { .. } => vec!["out", "error"],
        }
    }

    /// The way that a muted node passes on through; none for a muted trigger, which starts no run, and a muted stop.
    pub fn pass_port(&self) -> Option<PortId> {
        match self {
            Self::Trigger(_) | Self::Stop { .. } => None,
            Self::Branch { .. } => Some(PortId::new("true")),
            Self::Switch { .. } => Some(PortId::new("else")),
            Self::ForEach { .. } => Some(PortId::new("done")),
            Self::Approval { .. } => Some(PortId::new("approved")),
            _ => Some(PortId::out()),
        }
    }

    /// Every binding in it, with its place in words of the file (`input.email`, `condition`, `cases.vip`).
    pub fn bindings(&self) -> Vec<(String, &Binding)> {
        fn all<'a>(prefix: &str, mapping: &'a Mapping) -> Vec<(String, &'a Binding)> {
            mapping.0.iter().map(|(key, it)| (format!("{prefix}.{key}"), it)).collect()
        }
        let one = |name: &str, it| vec![(name.to_owned(), it)];
        match self {
            Self::Trigger(_) | Self::Join { .. } => Vec::new(),
            Self::Action { input, .. } | Self::Script { input, .. } | Self::SubFlow { input, .. } => all("input", input),
            Self::Http(call) => {
                let mut out = one("url", &call.url);
                out.extend(all("query", &call.query));
                out.extend(all("headers", &call.headers));
                match &call.body {
                    Some(HttpBody::Json(it) | HttpBody::Text(it)) => out.extend(one("body", it)),
                    Some(HttpBody::Form(mapping)) => out.extend(all("body", mapping)),
                    None => {}
                }
                out
            }
            Self::Branch { condition } => one("condition", condition),
            Self::Switch { value, cases } => {
                let mut out = one("value", value);
                out.extend(cases.iter().map(|case| (format!("cases.{}", case.port), &case.equals)));
                out
            }
            Self::ForEach { items, collect, .. } => {
                let mut out = one("items", items);
                out.extend(collect.iter().map(|it| ("collect".to_owned(), it)));
                out
            }
            Self::Wait(WaitFor::Duration(it)) => one("duration", it),
            Self::Wait(WaitFor::Until(it)) => one("until", it),
            Self::Set { fields } => all("fields", fields),
            Self::Lookup { key, .. } => one("key", key),
            Self::Respond { status, headers, body } => {
                let mut out = one("status", status);
                out.extend(all("headers", headers));
                out.extend(one("body", body));
                out
            }
            Self::Approval { message } | Self::Log { message, .. } => one("message", message),
            Self::Stop { message, .. } => message.iter().map(|it| ("message".to_owned(), it)).collect(),
        }
    }

    /// The slot that it calls on, if any.
    pub fn slot(&self) -> Option<&SlotId> {
        match self {
            Self::Action { slot, .. } => Some(slot),
            Self::Http(call) => call.slot.as_ref(),
            Self::Trigger(trigger) => trigger.slot(),
            _ => None,
        }
    }
}
