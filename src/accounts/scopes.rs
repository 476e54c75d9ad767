//! What flows need to be allowed on a connection, beside what its token is.
use std::collections::BTreeMap;

use serde::Serialize;

use crate::catalog::Catalog;
use crate::flow::{Flow, SlotId};

/// The scopes that flows need of a connection, each with the steps that need it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(transparent)]
pub struct Needed {
    by_scope: BTreeMap<String, Vec<Step>>,
}

/// A step that needs a scope.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Step {
    /// What its flow is called.
    pub flow: String,
    /// What it is called.
    pub step: String,
}

impl Needed {
    /// Of these slots of flows.
    pub fn of<'a>(slots: impl IntoIterator<Item = (&'a Flow, &'a SlotId)>, catalog: &Catalog) -> Self {
        let mut needed = Self::default();
        for (flow, slot) in slots {
            for it in flow.scopes(catalog).into_iter().filter(|it| it.slot == *slot) {
                let step = flow.nodes.get(&it.node).map_or_else(|| it.node.to_string(), |node| node.name.clone());
                let steps = needed.by_scope.entry(it.scope).or_default();
                let step = Step { flow: flow.name.clone(), step };
                if !steps.contains(&step) {
                    steps.push(step);
                }
            }
        }
        needed
    }

    /// Takes in what else is needed.
    pub(super) fn extend(&mut self, other: Self) {
        for (scope, steps) in other.by_scope {
            let known = self.by_scope.entry(scope).or_default();
            known.extend(steps);
            known.sort();
            known.dedup();
        }
    }

    /// The scopes, each with the steps that need it, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[Step])> {
        self.by_scope.iter().map(|(scope, steps)| (scope.as_str(), steps.as_slice()))
    }

    /// The scopes alone: what a sign-in asks for.
    pub fn scopes(&self) -> Vec<String> {
        self.by_scope.keys().cloned().collect()
    }

    /// Those that a token with these scopes lacks.
    pub fn missing(&self, granted: &[String]) -> impl Iterator<Item = (&str, &[Step])> {
        self.iter().filter(|(scope, _)| !granted.iter().any(|it| it == scope))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::catalog::{ConnectorId, OperationId};
    use crate::flow::{Mapping, Node, NodeId, NodeKind, RetryPolicy};

    #[test]
    fn the_steps_of_a_slot_need_their_scopes_and_what_is_lacking_is_named_with_them() {
        let mut flow = Flow::new("f", "Welcome");
        for (id, operation, slot) in [
            ("make", "highlevel.contacts.create-contact", "crm"),
            ("tag", "highlevel.contacts.add-tags", "crm"),
            ("read", "highlevel.contacts.get-contact", "crm"),
            ("other", "highlevel.users.get-user", "agency"),
        ] {
            let kind = NodeKind::Action {
                operation: OperationId::new(operation),
                slot: slot.into(),
                input: Mapping::default(),
                retry: RetryPolicy::default(),
            };
            flow.nodes.insert(NodeId::new(id), Arc::new(Node { name: id.to_uppercase(), muted: false, kind }));
            flow.slots.insert(slot.into(), ConnectorId::new("highlevel"));
        }
        let needed = Needed::of([(&flow, &"crm".into())], &Catalog::shipped());
        assert_eq!(needed.scopes(), ["contacts.readonly", "contacts.write"]);
        let missing: Vec<_> = needed.missing(&["contacts.readonly".to_owned()]).collect();
        let [(scope, steps)] = &missing[..] else { panic!("{missing:?}") };
        let names: Vec<_> = steps.iter().map(|it| format!("{}/{}", it.flow, it.step)).collect();
        assert_eq!((*scope, names), ("contacts.write", vec!["Welcome/MAKE".to_owned(), "Welcome/TAG".to_owned()]));
        assert_eq!(needed.missing(&needed.scopes()).count(), 0);
    }
}
