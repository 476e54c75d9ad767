//! One flow for many accounts: a copy for each, with runs and state of its own.
//!
//! Invariant: a flow that is bound to one connection a slot stays as it is.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::slots::accounts;
use crate::connector::ConnectionId;
use crate::flow::{Flow, FlowId, Node, NodeKind, SlotId, Trigger};
use crate::record::{Failure, FailureKind};

/// A flow for one set of connections.
#[derive(Debug, Clone)]
pub struct Copy {
    /// The flow; of several, its id and its hooks end in the account.
    pub flow: Arc<Flow>,
    /// What its slots stand for.
    pub bindings: BTreeMap<SlotId, ConnectionId>,
    /// The connection that tells it from the others; none where there are no others.
    pub account: Option<ConnectionId>,
}

/// The copies of a flow whose slots stand for these connections. Of slots with several, the first connections go together, then
/// the second; a slot with one shares it among all.
///
/// # Errors
/// A [`Failure`] where two slots have several, and not as many.
pub fn spread(flow: &Arc<Flow>, slots: &BTreeMap<SlotId, Vec<ConnectionId>>) -> Result<Vec<Copy>, Failure> {
    let count = accounts(slots).map_err(|list| {
        let title = format!("The slots of \"{}\" are bound to unlike numbers of connections", flow.name);
        let failure = Failure::new(FailureKind::Flow, title).detail(list);
        failure.hint("Bind each to as many as the other, in the same order, or to one that all share.")
    })?;
    let first = slots.iter().find(|(_, ids)| ids.len() > 1).map(|(slot, _)| slot.clone());
    let copies = (0..count).map(|at| {
        let pick = |ids: &Vec<ConnectionId>| ids.get(at).or_else(|| ids.first()).cloned();
        let bindings: BTreeMap<_, _> = slots.iter().filter_map(|(slot, ids)| Some((slot.clone(), pick(ids)?))).collect();
        let account = first.as_ref().and_then(|slot| bindings.get(slot).cloned());
        let flow = account.as_ref().map_or_else(|| Arc::clone(flow), |it| Arc::new(for_account(flow, it)));
        Copy { flow, bindings, account }
    });
    Ok(copies.collect())
}

/// Lets the copies of an account call the copies of that account, where there are such.
pub fn join(copies: &mut [Copy]) {
    let known: BTreeSet<FlowId> = copies.iter().map(|it| it.flow.id.clone()).collect();
    for copy in copies {
        let Some(account) = &copy.account else { continue };
        let calls = |node: &Arc<Node>| match &node.kind {
            NodeKind::SubFlow { flow, .. } => known.get(&id_for(flow, account)).cloned(),
            _ => None,
        };
        if !copy.flow.nodes.values().any(|it| calls(it).is_some()) {
            continue;
        }
        let mut flow = Flow::clone(&copy.flow);
        for node in flow.nodes.values_mut() {
            if let Some(own) = calls(node)
                && let NodeKind::SubFlow { flow, .. } = &mut Arc::make_mut(node).kind
            {
                *flow = own;
            }
        }
        copy.flow = Arc::new(flow);
    }
}

/// The flow that a copy was made of, and the account that it is for.
pub(super) fn parted(flow: &FlowId) -> (FlowId, Option<ConnectionId>) {
    match flow.as_str().rsplit_once(FlowId::ACCOUNT) {
        Some((own, account)) => (FlowId::new(own), Some(ConnectionId::new(account))),
        None => (flow.clone(), None),
    }
}

fn id_for(flow: &FlowId, account: &ConnectionId) -> FlowId {
    FlowId::new(format!("{flow}{}{account}", FlowId::ACCOUNT))
}

fn for_account(flow: &Flow, account: &ConnectionId) -> Flow {
    let mut copy = flow.clone();
    copy.id = id_for(&flow.id, account);
    copy.name = format!("{} · {account}", flow.name);
    for node in copy.nodes.values_mut() {
        if let NodeKind::Trigger(Trigger::Webhook { .. }) = &node.kind
            && let NodeKind::Trigger(Trigger::Webhook { path, .. }) = &mut Arc::make_mut(node).kind
        {
            *path = format!("{path}/{account}");
        }
    }
    copy
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::{NodeId, WebhookAnswer};

    fn flow(id: &str, calls: Option<&str>) -> Arc<Flow> {
        let mut flow = Flow::new(id, id.to_uppercase());
        let hook = Trigger::Webhook {
            path: "in".into(),
            answer: WebhookAnswer::Accepted,
            delivery_header: None,
            delivery_field: None,
            sample: serde_json::Value::Null,
        };
        let mut add = |id: &str, kind| {
            flow.nodes.insert(NodeId::new(id), Arc::new(Node { name: id.to_owned(), muted: false, kind }));
        };
        add("hook", NodeKind::Trigger(hook));
        if let Some(other) = calls {
            add("call", NodeKind::SubFlow { flow: FlowId::new(other), input: crate::flow::Mapping::default() });
        }
        Arc::new(flow)
    }

    fn slots(all: &[(&str, &[&str])]) -> BTreeMap<SlotId, Vec<ConnectionId>> {
        all.iter().map(|(slot, ids)| (SlotId::new(*slot), ids.iter().map(|it| ConnectionId::new(it)).collect())).collect()
    }

    fn told(copies: &[Copy]) -> Vec<String> {
        let line = |it: &Copy| {
            let bound: Vec<_> = it.bindings.iter().map(|(slot, id)| format!("{slot}={id}")).collect();
            let hooks = it.flow.nodes.values().filter_map(|node| match &node.kind {
                NodeKind::Trigger(Trigger::Webhook { path, .. }) => Some(path.clone()),
                NodeKind::SubFlow { flow, .. } => Some(format!(">{flow}")),
                _ => None,
            });
            format!("{} {} {}", it.flow.id, bound.join(","), hooks.collect::<Vec<_>>().join(" "))
        };
        copies.iter().map(line).collect()
    }

    #[test]
    fn a_flow_of_one_account_stays_as_it_is() {
        let one = flow("f", None);
        let copies = spread(&one, &slots(&[("crm", &["a"]), ("calendar", &["c"])])).unwrap();
        assert!(copies.len() == 1 && Arc::ptr_eq(&copies[0].flow, &one));
        assert_eq!(told(&copies), ["f calendar=c,crm=a in"]);
        assert_eq!(spread(&one, &slots(&[])).unwrap().len(), 1);
    }

    #[test]
    fn several_accounts_have_a_copy_each_with_hooks_of_its_own() {
        let copies = spread(&flow("f", None), &slots(&[("crm", &["a", "b"]), ("calendar", &["c"])])).unwrap();
        assert_eq!(told(&copies), ["f@a calendar=c,crm=a in/a", "f@b calendar=c,crm=b in/b"]);
        let pairs = spread(&flow("f", None), &slots(&[("crm", &["a", "b"]), ("calendar", &["c", "d"])])).unwrap();
        assert_eq!(told(&pairs), ["f@c calendar=c,crm=a in/c", "f@d calendar=d,crm=b in/d"]);
        let failure = spread(&flow("f", None), &slots(&[("crm", &["a", "b"]), ("calendar", &["c", "d", "e"])])).unwrap_err();
        assert_eq!(failure.detail, "calendar has 3, crm has 2");
    }

    #[test]
    fn copies_call_the_copies_of_their_own_account() {
        let mut all = spread(&flow("f", Some("g")), &slots(&[("crm", &["a", "b"])])).unwrap();
        all.extend(spread(&flow("g", Some("h")), &slots(&[("crm", &["a", "b"])])).unwrap());
        all.extend(spread(&flow("h", None), &slots(&[("crm", &["a"])])).unwrap());
        join(&mut all);
        assert_eq!(told(&all)[..3], ["f@a crm=a >g@a in/a", "f@b crm=b >g@b in/b", "g@a crm=a >h in/a"]);
    }
}
