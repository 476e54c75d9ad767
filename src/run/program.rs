//! A flow made ready to run: names looked up, expressions parsed, order and bodies known. Made once a revision.
use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::fill::{Fill, Fills};
use super::{Repeatable, Revision};
use crate::catalog::{Catalog, Connector, Event, Lookup, Method, Operation, Repeat};
use crate::expr::script::Script;
use crate::expr::{Data, Expr};
use crate::flow::{
    Flow, FlowId, HttpBody, JoinMode, Level, Named, Node, NodeId, NodeKind, Order, PortId, RetryPolicy, SlotId, StopOutcome,
    Trigger, WaitFor,
};
use crate::record::{Failure, FailureKind};

/// A compiled flow. Nodes are in an order in which each comes after all that lead to it.
#[derive(Debug)]
pub struct Program {
    /// The flow's id.
    pub flow: FlowId,
    /// The flow's name.
    pub name: String,
    /// Which revision this is.
    pub revision: Revision,
    pub(super) nodes: Vec<Compiled>,
    pub(super) index: BTreeMap<String, usize>,
    /// `0` is the whole run, the others are bodies of for-eaches.
    pub(super) scopes: Vec<ScopeNodes>,
}

/// The nodes that run once for the run, or once for an item.
#[derive(Debug, Default)]
pub(super) struct ScopeNodes {
    /// In order.
    pub(super) nodes: Vec<usize>,
}

/// One node, ready.
#[derive(Debug)]
pub(super) struct Compiled {
    pub(super) id: NodeId,
    pub(super) name: String,
    pub(super) muted: bool,
    /// The way out when it is muted.
    pub(super) pass: Option<PortId>,
    pub(super) scope: usize,
    /// Position within its scope's frame.
    pub(super) local: usize,
    /// The for-eaches that it is in, outermost first.
    pub(super) owners: Vec<usize>,
    pub(super) incoming: Vec<Incoming>,
    pub(super) error_wired: bool,
    pub(super) work: Work,
}

/// An edge into a node.
#[derive(Debug)]
pub(super) struct Incoming {
    pub(super) from: usize,
    pub(super) port: PortId,
    /// Whether it comes from the `item` port of the for-each that the node is in.
    pub(super) opens_item: bool,
}

/// What a node does, with everything looked up.
#[derive(Debug)]
pub(super) enum Work {
    /// Its output is the event; where `whole` says so, with the whole record of which it shows a part.
    Trigger {
        whole: Option<Box<ReadWhole>>,
    },
    Operation {
        operation: Arc<Operation>,
        connector: Arc<Connector>,
        slot: SlotId,
        input: Fills,
        named: Arc<[Named]>,
        retry: RetryPolicy,
        lookup: Option<Arc<CompiledLookup>>,
    },
    Http {
        http: Box<Http>,
    },
    Branch {
        condition: Fill,
    },
    Switch {
        value: Fill,
        cases: Vec<(PortId, Fill)>,
    },
    ForEach {
        items: Fill,
        parallel: u32,
        keep_going: bool,
        collect: Option<Fill>,
        body: usize,
    },
    Join {
        mode: JoinMode,
    },
    WaitDuration(Fill),
    WaitUntil(Fill),
    Set {
        fields: Fills,
    },
    Lookup {
        key: Fill,
        rows: Vec<(Value, Arc<Value>)>,
        ignore_case: bool,
    },
    Script {
        script: Arc<Script>,
        input: Fills,
    },
    SubFlow {
        flow: FlowId,
        input: Fills,
    },
    Respond {
        status: Fill,
        headers: Fills,
        body: Fill,
    },
    Approval {
        message: Fill,
    },
    Log {
        level: Level,
        message: Fill,
    },
    Stop {
        outcome: StopOutcome,
        message: Option<Fill>,
    },
}

/// An HTTP node, compiled.
#[derive(Debug)]
pub(super) struct Http {
    pub(super) method: Method,
    pub(super) url: Fill,
    pub(super) query: Fills,
    pub(super) headers: Fills,
    pub(super) body: Option<HttpPayload>,
    pub(super) slot: Option<SlotId>,
    pub(super) retry: RetryPolicy,
    pub(super) repeatable: bool,
}

/// The body of an HTTP node, compiled.
#[derive(Debug)]
pub(super) enum HttpPayload {
    Json(Fill),
    Form(Fills),
    Text(Fill),
}

/// How a trigger reads the whole record that its event is about.
#[derive(Debug)]
pub(super) struct ReadWhole {
    pub(super) event: &'static Event,
    pub(super) operation: Arc<Operation>,
    pub(super) connector: Arc<Connector>,
    pub(super) slot: SlotId,
    /// Its inputs, over `record`.
    pub(super) input: Vec<(String, Expr)>,
}

/// A look-up, its expressions parsed.
#[derive(Debug)]
pub struct CompiledLookup {
    /// The operation that looks.
    pub operation: Arc<Operation>,
    /// Its inputs, over `input` and `started`.
    pub input: Vec<(String, Expr)>,
    /// The record that the lost call made, over `input`, `answer` and `started`; null if it did not happen.
    pub found: Expr,
}

impl Program {
    /// Makes a flow ready.
    ///
    /// # Errors
    /// A [`Failure`] of kind `Flow` for the first thing that keeps it from running; `Flow::check` finds and words all of them.
    pub fn compile(flow: &Flow, catalog: &Catalog) -> Result<Self, Failure> {
        let order = Order::new(flow).map_err(|cycles| {
            let hint = "Remove one of its wires.";
            Failure::new(FailureKind::Flow, "The flow runs in a circle").detail(format!("{cycles:?}")).hint(hint)
        })?;
        let mut scopes = vec![ScopeNodes::default()];
        let mut bodies: BTreeMap<NodeId, usize> = BTreeMap::new();
        let mut index: BTreeMap<String, usize> = BTreeMap::new();
        let mut nodes: Vec<Compiled> = Vec::with_capacity(flow.nodes.len());
        for id in order.topological() {
            let Some(node) = flow.nodes.get(id) else { continue };
            let enclosing = order.enclosing(id);
            let scope = match enclosing.last() {
                Some(owner) => {
                    *bodies.get(owner).ok_or_else(|| wrong(node, "lies in the body of something that comes after it"))?
                }
                None => 0,
            };
            let body = match &node.kind {
                NodeKind::ForEach { .. } => {
                    scopes.push(ScopeNodes::default());
                    bodies.insert(id.clone(), scopes.len() - 1);
                    scopes.len() - 1
                }
                _ => 0,
            };
            let at = nodes.len();
            let local = scopes[scope].nodes.len();
            scopes[scope].nodes.push(at);
            index.insert(id.to_string(), at);
            nodes.push(Compiled {
                id: id.clone(),
                name: if node.name.is_empty() { id.to_string() } else { node.name.clone() },
                muted: node.muted,
                pass: node.kind.pass_port(),
                scope,
                local,
                owners: enclosing.iter().filter_map(|owner| index.get(owner.as_str()).copied()).collect(),
                incoming: Vec::new(),
                error_wired: flow.edges.iter().any(|edge| edge.from == *id && edge.port.as_str() == "error"),
                work: match Work::compile(node, body, catalog) {
                    Ok(work) => work,
                    // It is passed through and never begins, however broken it is.
                    Err(_) if node.muted && body == 0 => Work::Join { mode: JoinMode::All },
                    Err(failure) => return Err(failure),
                },
            });
        }
        for edge in &flow.edges {
            let (Some(&from), Some(&to)) = (index.get(edge.from.as_str()), index.get(edge.to.as_str())) else { continue };
            let opens_item =
                edge.port.as_str() == "item" && matches!(nodes[from].work, Work::ForEach { body, .. } if body == nodes[to].scope);
            if nodes[from].scope != nodes[to].scope && !opens_item {
                let node = &flow.nodes[&edge.to];
                return Err(wrong(node, "is reached both from inside and from outside of a for-each"));
            }
            nodes[to].incoming.push(Incoming { from, port: edge.port.clone(), opens_item });
        }
        let revision = Revision(flow.content_hash().into());
        Ok(Self { flow: flow.id.clone(), name: flow.name.clone(), revision, nodes, index, scopes })
    }

    /// The ids of the nodes, each after all that lead to it.
    pub fn order(&self) -> impl Iterator<Item = &NodeId> {
        self.nodes.iter().map(|it| &it.id)
    }

    /// What a person calls a node; its id if it is not there.
    pub fn title<'a>(&'a self, node: &'a NodeId) -> &'a str {
        self.index.get(node.as_str()).map_or(node.as_str(), |&at| &self.nodes[at].name)
    }

    /// Whether a node answers whoever started the run.
    pub fn responds(&self, node: &NodeId) -> bool {
        self.index.get(node.as_str()).is_some_and(|&at| matches!(self.nodes[at].work, Work::Respond { .. }))
    }

    /// The for-eaches around a node, outermost first.
    pub(super) fn owners(&self, node: usize) -> &[usize] {
        &self.nodes[node].owners
    }

    /// The operation that a node calls, if it calls one.
    pub fn operation(&self, node: &NodeId) -> Option<&Arc<Operation>> {
        match &self.nodes[*self.index.get(node.as_str())?].work {
            Work::Operation { operation, .. } => Some(operation),
            _ => None,
        }
    }
}

impl Work {
    fn compile(node: &Node, body: usize, catalog: &Catalog) -> Result<Self, Failure> {
        let fill = |place: &str, binding| Fill::compile(&node.name, place, binding);
        let fills = |place: &str, mapping| Fills::compile(&node.name, place, mapping);
        Ok(match &node.kind {
            NodeKind::Trigger(Trigger::Event { event, slot, watch, .. }) => {
                let event = Event::find(event).filter(|it| watch.reads_whole(it));
                let whole = event.map(|it| ReadWhole::compile(node, it, slot, catalog)).transpose()?;
                Self::Trigger { whole: whole.flatten().map(Box::new) }
            }
            NodeKind::Trigger(_) => Self::Trigger { whole: None },
            NodeKind::Action { operation: id, slot, input, retry } => {
                let (connector, operation) = catalog
                    .operation(id)
                    .ok_or_else(|| wrong(node, &format!("calls \"{id}\", which is not in the catalogue")))?;
                let lookup = match &operation.repeat {
                    Repeat::SafeWithLookup(lookup) => Some(Arc::new(CompiledLookup::compile(node, connector, lookup)?)),
                    Repeat::Safe | Repeat::Unsafe => None,
                };
                Self::Operation {
                    operation: Arc::clone(operation),
                    connector: Arc::clone(connector),
                    slot: slot.clone(),
                    input: fills("input", input)?,
                    named: input.named().into(),
                    retry: *retry,
                    lookup,
                }
            }
            NodeKind::Http(call) => Self::Http {
                http: Box::new(Http {
                    method: call.method,
                    url: fill("url", &call.url)?,
                    query: fills("query", &call.query)?,
                    headers: fills("headers", &call.headers)?,
                    body: match &call.body {
                        Some(HttpBody::Json(it)) => Some(HttpPayload::Json(fill("body", it)?)),
                        Some(HttpBody::Form(it)) => Some(HttpPayload::Form(fills("body", it)?)),
                        Some(HttpBody::Text(it)) => Some(HttpPayload::Text(fill("body", it)?)),
                        None => None,
                    },
                    slot: call.slot.clone(),
                    retry: call.retry,
                    repeatable: call.repeatable || call.method.is_read(),
                }),
            },
            NodeKind::Branch { condition } => Self::Branch { condition: fill("condition", condition)? },
            NodeKind::Switch { value, cases } => Self::Switch {
                value: fill("value", value)?,
                cases: cases
                    .iter()
                    .map(|case| Ok((case.port.clone(), fill(&format!("cases.{}", case.port), &case.equals)?)))
                    .collect::<Result<_, Failure>>()?,
            },
            NodeKind::ForEach { items, parallel, keep_going, collect } => Self::ForEach {
                items: fill("items", items)?,
                parallel: (*parallel).clamp(1, 256),
                keep_going: *keep_going,
                collect: collect.as_ref().map(|it| fill("collect", it)).transpose()?,
                body,
            },
            NodeKind::Join { mode } => Self::Join { mode: *mode },
            NodeKind::Wait(WaitFor::Duration(it)) => Self::WaitDuration(fill("duration", it)?),
            NodeKind::Wait(WaitFor::Until(it)) => Self::WaitUntil(fill("until", it)?),
            NodeKind::Set { fields } => Self::Set { fields: fills("fields", fields)? },
            NodeKind::Lookup { key, rows, ignore_case } => Self::Lookup {
                key: fill("key", key)?,
                rows: rows.iter().map(|row| (row.key.clone(), Arc::new(row.value.clone()))).collect(),
                ignore_case: *ignore_case,
            },
            NodeKind::Script { code, input } => Self::Script {
                script: Arc::new(
                    Script::compile(code).map_err(|error| wrong(node, "has a script with an error").detail(error.to_string()))?,
                ),
                input: fills("input", input)?,
            },
            NodeKind::SubFlow { flow, input } => Self::SubFlow { flow: flow.clone(), input: fills("input", input)? },
            NodeKind::Respond { status, headers, body } => {
                Self::Respond { status: fill("status", status)?, headers: fills("headers", headers)?, body: fill("body", body)? }
            }
            NodeKind::Approval { message } => Self::Approval { message: fill("message", message)? },
            NodeKind::Log { level, message } => Self::Log { level: *level, message: fill("message", message)? },
            NodeKind::Stop { outcome, message } => {
                Self::Stop { outcome: *outcome, message: message.as_ref().map(|it| fill("message", it)).transpose()? }
            }
        })
    }

    /// What repeating it means, and how often it is tried.
    pub(super) fn repeatable(&self) -> (Repeatable, RetryPolicy) {
        match self {
            Self::Operation { operation, retry, .. } => (
                match operation.repeat {
                    Repeat::Safe => Repeatable::Always,
                    Repeat::SafeWithLookup(_) => Repeatable::AfterLookup,
                    Repeat::Unsafe => Repeatable::Never,
                },
                *retry,
            ),
            // A read.
            Self::Trigger { .. } => (Repeatable::Always, RetryPolicy::default()),
            Self::Http { http } => (if http.repeatable { Repeatable::Always } else { Repeatable::Never }, http.retry),
            _ => (Repeatable::Always, RetryPolicy::ONCE),
        }
    }
}

impl ReadWhole {
    /// None where the catalogue cannot read such a record.
    fn compile(node: &Node, event: &'static Event, slot: &SlotId, catalog: &Catalog) -> Result<Option<Self>, Failure> {
        let Some((whole, connector, operation)) = event.reading(catalog) else { return Ok(None) };
        let broken = |what: String| wrong(node, "reads a record in a way that is broken").detail(what);
        let expr = |text: &str| Expr::parse(text).map_err(|error| broken(format!("{text}: {error}")));
        let input = whole.input.iter().map(|(key, text)| Ok((key.clone(), expr(text)?))).collect::<Result<_, Failure>>()?;
        let (operation, connector) = (Arc::clone(operation), Arc::clone(connector));
        Ok(Some(Self { event, operation, connector, slot: slot.clone(), input }))
    }

    /// The inputs for the record that an event shows a part of; none where it does not show enough to read it.
    pub(super) fn fill(&self, told: &Value, now: Timestamp) -> Option<Map<String, Value>> {
        let record = self.event.record(told)?;
        let data = Data::new(now).with("record", Arc::new(record.clone()));
        let values = self.input.iter().map(|(key, expr)| (key.clone(), expr.eval(&data).unwrap_or_default()));
        let input: Map<String, Value> = values.filter(|(_, it)| !it.is_null() && *it != "").collect();
        let needed = self.operation.inputs.iter().filter(|it| it.required && it.fixed.is_none() && it.account.is_none());
        needed.into_iter().all(|it| input.contains_key(&it.key)).then_some(input)
    }
}

impl CompiledLookup {
    fn compile(node: &Node, connector: &Connector, lookup: &Lookup) -> Result<Self, Failure> {
        let broken = |what: String| wrong(node, "calls an operation whose look-up is broken").detail(what);
        let operation =
            connector.operations.get(&lookup.operation).ok_or_else(|| broken(format!("there is no {}", lookup.operation)))?;
        let expr = |text: &str| Expr::parse(text).map_err(|error| broken(format!("{text}: {error}")));
        let input = lookup.input.iter().map(|(key, text)| Ok((key.clone(), expr(text)?))).collect::<Result<_, Failure>>()?;
        Ok(Self { operation: Arc::clone(operation), input, found: expr(&lookup.found)? })
    }
}

fn wrong(node: &Node, what: &str) -> Failure {
    Failure::new(FailureKind::Flow, format!("\"{}\" {what}", node.name)).hint("Run a check of the flow to see where.")
}
