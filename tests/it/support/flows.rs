//! Small flows, written down shortly.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use flowyard::catalog::Method;
use flowyard::flow::{Binding, Edge, Flow, HttpBody, HttpCall, Mapping, Node, NodeKind, RetryPolicy, Trigger, WebhookAnswer};
use serde_json::Value;

/// A flow from nodes and wires such as `a.error -> b`.
pub(crate) fn flow(id: &str, nodes: &[(&str, NodeKind)], wires: &[&str]) -> Flow {
    let node = |(id, kind): &(&str, NodeKind)| {
        ((*id).into(), Arc::new(Node { name: (*id).to_owned(), muted: false, kind: kind.clone() }))
    };
    let edge = |wire: &&str| {
        let (from, to) = wire.split_once(" -> ").expect("an arrow");
        let (from, port) = from.split_once('.').unwrap_or((from, "out"));
        Edge { from: from.into(), port: port.into(), to: to.into() }
    };
    Flow {
        id: id.into(),
        name: id.to_owned(),
        description: String::new(),
        pace: flowyard::flow::Pace::default(),
        nodes: nodes.iter().map(node).collect(),
        edges: wires.iter().map(edge).collect::<BTreeSet<_>>(),
        slots: BTreeMap::new(),
        layout: BTreeMap::new(),
        notes: [].into(),
        groups: [].into(),
    }
}

pub(crate) fn manual() -> NodeKind {
    NodeKind::Trigger(Trigger::Manual { sample: Value::Null })
}

pub(crate) fn webhook(path: &str, answer: WebhookAnswer) -> NodeKind {
    NodeKind::Trigger(Trigger::Webhook {
        path: path.to_owned(),
        answer,
        delivery_header: Some("x-delivery".to_owned()),
        delivery_field: Some("id".to_owned()),
        sample: Value::Null,
    })
}

/// Posts an expression as JSON.
pub(crate) fn post(url: &str, body: &str, repeatable: bool) -> NodeKind {
    NodeKind::Http(HttpCall {
        method: Method::Post,
        url: Binding::value(url),
        query: Mapping::default(),
        headers: Mapping::default(),
        body: Some(HttpBody::Json(Binding::expr(body))),
        slot: None,
        retry: RetryPolicy { attempts: 3, first_ms: 1, longest_ms: 5 },
        repeatable,
    })
}

pub(crate) fn set(expr: &str) -> NodeKind {
    NodeKind::Set { fields: [("value", Binding::expr(expr))].into() }
}

pub(crate) fn respond(body: &str) -> NodeKind {
    NodeKind::Respond {
        status: Binding::value(201),
        headers: [("x-made-by", Binding::value("a flow"))].into(),
        body: Binding::expr(body),
    }
}
