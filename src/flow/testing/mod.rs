//! Flows in one line, for tests.
pub(crate) mod arbitrary;

use std::sync::Arc;

use super::{
    Binding, Case, Edge, Flow, FlowId, JoinMode, Mapping, Node, NodeId, NodeKind, PortId, RetryPolicy, SlotId, StopOutcome,
    Trigger,
};
use crate::catalog::{ConnectorId, OperationId};

/// A node's id.
pub(crate) fn id(text: &str) -> NodeId {
    NodeId::new(text)
}

/// A flow from its edges: `t.out -> a, a.error -> b!, c`. The first letters of an id say its kind: `t` and digits or nothing:
/// a manual trigger; `if_`: branch; `sw_`: switch with the cases `one` and `two`; `each`: for-each; `join_`, `first_`: joins;
/// `stop_`: stop; all else: an action of the operation `crm.contacts.get` on the slot `crm`. `!` after an id mutes the node.
#[derive(Debug)]
pub(crate) struct Sketch;

impl Sketch {
    pub(crate) fn flow(text: &str) -> Flow {
        let mut flow = Flow {
            id: FlowId::new("sketch"),
            name: "Sketch".to_owned(),
            description: String::new(),
            pace: crate::flow::Pace::default(),
            nodes: [].into(),
            edges: [].into(),
            slots: [(SlotId::new("crm"), ConnectorId::new("crm"))].into(),
            layout: [].into(),
            notes: [].into(),
            groups: [].into(),
        };
        for part in text.split(',').map(str::trim).filter(|it| !it.is_empty()) {
            if let Some((from, to)) = part.split_once(" -> ") {
                let (from, port) = from.split_once('.').expect("from.port");
                let (from, to) = (Self::node(&mut flow, from), Self::node(&mut flow, to));
                flow.edges.insert(Edge { from, port: PortId::new(port), to });
            } else {
                Self::node(&mut flow, part);
            }
        }
        flow
    }

    fn node(flow: &mut Flow, text: &str) -> NodeId {
        let (text, muted) = text.strip_suffix('!').map_or((text, false), |text| (text, true));
        let id = NodeId::new(text);
        let muted = muted || flow.nodes.get(&id).is_some_and(|it| it.muted);
        flow.nodes.insert(id.clone(), Arc::new(Node { name: text.to_owned(), muted, kind: Self::kind(text) }));
        id
    }

    fn kind(id: &str) -> NodeKind {
        let case = |port: &str| Case { port: PortId::new(port), equals: Binding::value(port) };
        if id.strip_prefix('t').is_some_and(|it| it.bytes().all(|it| it.is_ascii_digit())) {
            NodeKind::Trigger(Trigger::Manual { sample: serde_json::Value::Null })
        } else if id.starts_with("if_") {
            NodeKind::Branch { condition: Binding::value(true) }
        } else if id.starts_with("sw_") {
            NodeKind::Switch { value: Binding::value("one"), cases: vec![case("one"), case("two")] }
        } else if id.starts_with("each") {
            let items = Binding::value(serde_json::json!([1, 2]));
            NodeKind::ForEach { items, parallel: 1, keep_going: false, collect: None }
        } else if id.starts_with("join_") {
            NodeKind::Join { mode: JoinMode::All }
        } else if id.starts_with("first_") {
            NodeKind::Join { mode: JoinMode::First }
        } else if id.starts_with("stop_") {
            NodeKind::Stop { outcome: StopOutcome::Success, message: None }
        } else {
            NodeKind::Action {
                operation: OperationId::new("crm.contacts.get"),
                slot: SlotId::new("crm"),
                input: Mapping::from([("id", Binding::value("c1"))]),
                retry: RetryPolicy::default(),
            }
        }
    }
}
