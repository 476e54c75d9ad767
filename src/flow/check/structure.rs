//! Nodes, edges and hooks: what can be reached, what goes in circles, what lies inside a for-each.
use std::collections::{BTreeMap, BTreeSet};

use super::{Check, Order};
use crate::flow::nearest::nearest;
use crate::flow::{Cycle, Flow, Node, NodeId, NodeKind, PortId, SlotId, Trigger, WebhookAnswer};

/// For-eaches may lie so deep within each other.
const MAX_LOOPS: usize = 32;
/// Longer names, in characters, are none that a person gave.
const MAX_NAME: usize = 500;

impl Check<'_> {
    pub(super) fn cycles(&mut self, cycles: &[Cycle]) {
        for cycle in cycles {
            let Some(first) = cycle.nodes.first() else { continue };
            let names: Vec<String> = cycle.nodes.iter().map(|id| self.title(id)).collect();
            let message = match names.as_slice() {
                [alone] => format!("{alone} leads to itself"),
                _ => format!("the flow goes in a circle: {} → {}", names.join(" → "), names[0]),
            };
            self.error("cycle", message)
                .of(first)
                .hint("Take one of these edges away. To repeat steps for each of several things, use a for-each.");
        }
    }

    /// Whether for-eaches lie too deep within each other, which is then told.
    pub(super) fn loops_too_deep(&mut self, order: &Order) -> bool {
        let Some(deep) = order.topological().iter().find(|id| order.depth(id) > MAX_LOOPS) else { return false };
        self.error("loops_too_deep", format!("more than {MAX_LOOPS} for-eaches lie within each other here"))
            .of(deep)
            .hint("Split the flow: a for-each can run another flow for each item.");
        true
    }

    pub(super) fn structure(&mut self) {
        self.flow_itself();
        self.slots();
        let flow = self.flow;
        for (id, node) in &flow.nodes {
            if !id.is_valid() {
                self.error("invalid_node_id", format!("expressions cannot speak of a node with the id \"{id}\"")).of(id).hint(
                    "Use lower-case letters, digits and _, a letter first, at most 64, and no word with a meaning of its own.",
                );
            }
            if node.name.chars().nth(MAX_NAME).is_some() {
                self.error("name", format!("the name is longer than {MAX_NAME} characters"))
                    .of(id)
                    .at("name")
                    .hint("Shorten it.");
            }
            self.ports(id, node);
        }
        self.hooks();
        self.answers();
        // Taken out for a while, so that it can be read while problems are added.
        if let Some(order) = self.order.take() {
            self.reachable(&order);
            self.bodies(&order);
            self.order = Some(order);
        }
    }

    fn flow_itself(&mut self) {
        let id = self.flow.id.as_str();
        let allowed = |it: char| it.is_ascii_alphanumeric() || matches!(it, '-' | '_' | '.');
        if id.is_empty() || id.len() > 128 || id.starts_with('.') || !id.chars().all(allowed) {
            self.error("invalid_flow_id", format!("\"{id}\" cannot be a flow's id"))
                .at("id")
                .hint("Use letters, digits, -, _ and dots, at most 128, and no dot first.");
        }
        if self.flow.name.chars().nth(MAX_NAME).is_some() {
            self.error("name", format!("the flow's name is longer than {MAX_NAME} characters"))
                .at("name")
                .hint("Shorten it; the description may be long.");
        }
        let mut triggers = self.flow.nodes.values().filter(|it| matches!(it.kind, NodeKind::Trigger(_))).peekable();
        if triggers.peek().is_none() {
            self.error("no_trigger", "the flow has no trigger, so nothing ever starts it").hint("Add a trigger.");
        } else if triggers.all(|it| it.muted) {
            self.error("no_trigger", "every trigger of the flow is muted, so nothing ever starts it").hint("Unmute one.");
        }
    }

    fn slots(&mut self) {
        let flow = self.flow;
        let used: BTreeSet<&SlotId> = flow.nodes.values().filter(|it| !it.muted).filter_map(|it| it.kind.slot()).collect();
        for (slot, connector) in &flow.slots {
            let place = format!("slots.{slot}");
            if self.catalog.connector(connector).is_none() {
                let known: Vec<_> = self.catalog.connectors().map(|it| it.id.as_str()).collect();
                let meant = nearest(connector.as_str(), known);
                self.error("unknown_connector", format!("there is no connector \"{connector}\""))
                    .at(place)
                    .meant(meant, "The catalog may be older than the flow.");
            } else if used.contains(slot) && self.context.bound.is_some_and(|bound| !bound.contains(slot)) {
                self.error("unbound_slot", format!("no connection is chosen for \"{slot}\" ({connector})"))
                    .at(place)
                    .hint("Choose or make a connection for it.");
            }
        }
    }

    /// The edges that leave a node.
    fn ports(&mut self, id: &NodeId, node: &Node) {
        let flow = self.flow;
        let ports = node.kind.port_names();
        for edge in flow.edges_from(id) {
            if flow.nodes.get(&edge.to).is_some_and(|it| matches!(it.kind, NodeKind::Trigger(_))) {
                let message = format!("an edge leads from {} into a trigger", self.title(id));
                self.error("edge_into_trigger", message).of(&edge.to).hint("A trigger begins a run: take the edge away.");
            }
            if matches!(node.kind, NodeKind::Stop { .. }) {
                let message = format!("{} comes after a stop and never runs", self.title(&edge.to));
                self.error("edge_after_stop", message).of(id).hint("Take the edge away, or the stop.");
            } else if !ports.contains(&edge.port.as_str()) {
                let message = format!("{} has no way out called \"{}\"", self.title(id), edge.port);
                let hint = format!("It has {}.", ports.join(", "));
                let meant = nearest(edge.port.as_str(), ports.iter().copied());
                self.error("unknown_port", message).of(id).meant(meant, &hint);
            }
        }
    }

    fn hooks(&mut self) {
        let flow = self.flow;
        let mut seen: BTreeMap<&str, &NodeId> = BTreeMap::new();
        for (id, node) in &flow.nodes {
            let NodeKind::Trigger(Trigger::Webhook { path, .. }) = &node.kind else { continue };
            if node.muted {
                continue;
            }
            if let Some(why) = bad_hook(path) {
                self.error("hook_path", format!("\"{path}\" cannot be the path of a hook: {why}"))
                    .of(id)
                    .at("path")
                    .hint("Use letters, digits, -, _, dots and ~, in parts that / separates: new-contact, crm/contacts.");
            } else if let Some(other) = seen.insert(path, id) {
                let message = format!("{} listens on the hook \"{path}\" too", self.title(other));
                self.error("hook_twice", message).of(id).at("path").hint("Give one of them another path.");
            }
        }
    }

    fn answers(&mut self) {
        let flow = self.flow;
        let asks = |(_, node): &(&NodeId, &std::sync::Arc<Node>)| {
            let flows = matches!(node.kind, NodeKind::Trigger(Trigger::Webhook { answer: WebhookAnswer::Flow, .. }));
            flows && !node.muted
        };
        let asking: Vec<&NodeId> = flow.nodes.iter().filter(asks).map(|(id, _)| id).collect();
        for (id, node) in &flow.nodes {
            if !matches!(node.kind, NodeKind::Respond { .. }) || node.muted {
                continue;
            }
            let heard = |order: &Order| asking.iter().any(|trigger| order.is_ancestor(trigger, id));
            if !self.order.as_ref().map_or(!asking.is_empty(), heard) {
                self.warning("respond_without_hook", "nobody waits for this answer")
                    .of(id)
                    .hint("Let a webhook trigger before it answer with what the flow says.");
            }
        }
    }

    fn reachable(&mut self, order: &Order) {
        let flow = self.flow;
        for id in flow.nodes.keys().filter(|id| !order.is_reachable(id)) {
            let message = format!("no trigger leads to {}, so it never runs", self.title(id));
            self.warning("unreachable", message).of(id).hint("Connect it, or delete it.");
        }
    }

    /// An edge may enter a body only from within, or from the for-each's own `item`.
    fn bodies(&mut self, order: &Order) {
        let flow = self.flow;
        let around: BTreeMap<&NodeId, Vec<NodeId>> = flow.nodes.keys().map(|id| (id, order.enclosing(id))).collect();
        if around.values().all(Vec::is_empty) {
            return;
        }
        for edge in &flow.edges {
            let (Some(outside), Some(inside)) = (around.get(&edge.from), around.get(&edge.to)) else { continue };
            let entered = opens_item(flow, &edge.from, &edge.port).then_some(&edge.from);
            let Some(body) = inside.iter().find(|it| !outside.contains(it) && Some(*it) != entered) else { continue };
            let (name, from, of) = (self.title(&edge.to), self.title(&edge.from), self.title(body));
            let message = if edge.from == *body {
                format!("{name} is reached both from \"item\" and from \"{}\" of {of}", edge.port)
            } else {
                format!("{name} runs for each item of {of}, but {from} outside of it leads there too")
            };
            self.error("two_ways_into_body", message)
                .of(&edge.to)
                .hint("Let what comes after all items hang on \"done\", and only what is repeated on \"item\".");
        }
    }
}

fn opens_item(flow: &Flow, from: &NodeId, port: &PortId) -> bool {
    port.as_str() == "item" && flow.nodes.get(from).is_some_and(|it| matches!(it.kind, NodeKind::ForEach { .. }))
}

/// Why a path cannot be a hook's: it must be the same in every URL, whoever writes it (unreserved characters, RFC 3986, 2.3).
fn bad_hook(path: &str) -> Option<&'static str> {
    let unreserved = |it: char| it.is_ascii_alphanumeric() || matches!(it, '-' | '.' | '_' | '~');
    if path.is_empty() {
        Some("it is empty")
    } else if path.len() > 200 {
        Some("it is longer than 200 characters")
    } else if path.starts_with('/') || path.ends_with('/') {
        Some("it begins or ends with /")
    } else if path.split('/').any(|part| matches!(part, "" | "." | "..")) {
        Some("one of its parts is empty or only dots")
    } else if path.chars().any(|it| it != '/' && !unreserved(it)) {
        Some("it holds a character that URLs write in several ways")
    } else {
        None
    }
}
