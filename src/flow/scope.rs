//! What a flow asks to be allowed: the scopes of the operations that it calls, step by step.
//!
//! Invariant: nothing is asked for that no step needs. A muted step needs nothing; choices that are fetched while a flow is
//! built are no step.
use std::collections::BTreeSet;

use super::{Flow, NodeId, NodeKind, SlotId, Trigger};
use crate::catalog::{Catalog, Event, OperationId, Repeat};

/// A scope that a step needs on the connection of a slot.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ScopeUse {
    /// Whose connection needs it.
    pub slot: SlotId,
    /// The scope, as the service names it: `contacts.write`.
    pub scope: String,
    /// The step that needs it.
    pub node: NodeId,
    /// What needs it: the step's operation, or the one that looks up whether a lost call happened, or an event.
    pub operation: OperationId,
}

impl Flow {
    /// The scopes that the steps of the flow need, by slot and scope. What the catalogue does not know needs none.
    pub fn scopes(&self, catalog: &Catalog) -> BTreeSet<ScopeUse> {
        let mut uses = BTreeSet::new();
        for (id, node) in self.nodes.iter().filter(|(_, node)| !node.muted) {
            let mut add = |slot: &SlotId, operation: &OperationId, scopes: &mut dyn Iterator<Item = String>| {
                uses.extend(scopes.map(|scope| ScopeUse {
                    slot: slot.clone(),
                    scope,
                    node: id.clone(),
                    operation: operation.clone(),
                }));
            };
            match &node.kind {
                NodeKind::Action { operation, slot, .. } => {
                    let Some((_, called)) = catalog.operation(operation) else { continue };
                    add(slot, operation, &mut called.scopes.iter().cloned());
                    if let Repeat::SafeWithLookup(lookup) = &called.repeat
                        && let Some((_, asked)) = catalog.operation(&lookup.operation)
                    {
                        add(slot, &lookup.operation, &mut asked.scopes.iter().cloned());
                    }
                }
                NodeKind::Trigger(Trigger::Event { event, slot, watch, .. }) => {
                    let Some(known) = Event::find(event) else { continue };
                    add(slot, event, &mut known.needs(catalog).into_iter());
                    if let Some((whole, _, read)) = known.reading(catalog).filter(|_| watch.reads_whole(known)) {
                        add(slot, &whole.operation, &mut read.scopes.iter().cloned());
                    }
                }
                _ => {}
            }
        }
        uses
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::flow::{Mapping, Node, RetryPolicy};

    fn flow(steps: &[(&str, &str, bool)]) -> Flow {
        let mut flow = Flow::new("f", "F");
        for (id, operation, muted) in steps {
            let kind = NodeKind::Action {
                operation: OperationId::new(operation),
                slot: "crm".into(),
                input: Mapping::default(),
                retry: RetryPolicy::default(),
            };
            flow.nodes.insert(NodeId::new(*id), Arc::new(Node { name: (*id).to_owned(), muted: *muted, kind }));
        }
        flow
    }

    fn told(flow: &Flow) -> Vec<String> {
        let line = |it: &ScopeUse| format!("{} {} {} {}", it.slot, it.scope, it.node, it.operation);
        flow.scopes(&Catalog::shipped()).iter().map(line).collect()
    }

    #[test]
    fn each_step_asks_for_what_it_calls_and_for_its_look_up() {
        let flow = flow(&[
            ("read", "highlevel.contacts.get-contact", false),
            ("task", "highlevel.contacts.create-task", false),
            ("off", "highlevel.users.create-user", true),
            ("gone", "highlevel.nothing.of-the-sort", false),
        ]);
        assert_eq!(
            told(&flow),
            [
                "crm contacts.readonly read highlevel.contacts.get-contact",
                "crm contacts.readonly task highlevel.contacts.get-all-tasks",
                "crm contacts.write task highlevel.contacts.create-task",
            ]
        );
    }

    #[test]
    fn a_trigger_asks_for_what_its_event_needs() {
        let mut flow = flow(&[]);
        for (id, event) in [
            ("told", "highlevel.webhook.ContactCreate"),
            ("asked", "highlevel.poll.appointment-changed"),
            ("read", "highlevel.webhook.TaskCreate"),
        ] {
            let trigger = Trigger::Event {
                event: OperationId::new(event),
                slot: "crm".into(),
                input: [].into(),
                watch: crate::flow::Watch::default(),
                sample: serde_json::Value::Null,
            };
            flow.nodes
                .insert(NodeId::new(id), Arc::new(Node { name: id.to_owned(), muted: false, kind: NodeKind::Trigger(trigger) }));
        }
        let told = told(&flow);
        assert!(told.iter().any(|it| it.starts_with("crm contacts.readonly told")), "{told:?}");
        assert!(told.iter().any(|it| it.starts_with("crm calendars/events.readonly asked")), "{told:?}");
        assert!(told.contains(&"crm locations/tasks.readonly read highlevel.locations.task-search".to_owned()), "{told:?}");
        assert_eq!(told.iter().filter(|it| it.contains(" told ")).count(), 1, "it is not read: {told:?}");
    }
}
