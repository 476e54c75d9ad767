//! What was chosen by name in a flow's steps, account by account: whether each account has it.
//!
//! Invariant: only operations that read, and that are [`Repeat::Safe`], are called.
use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

use super::Desk;
use crate::catalog::{Choice, Choices, Repeat};
use crate::connector::{Caller, Connection, ConnectionId, Priority};
use crate::flow::{Flow, Mapping, NodeKind, SlotId, Source};
use crate::record::{Failure, FailureKind};

/// Something that was chosen by name, and whether an account has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Had {
    /// On which connection.
    pub connection: ConnectionId,
    /// What the step is called.
    pub step: String,
    /// What the field is called.
    pub field: String,
    /// What was chosen.
    pub names: Vec<String>,
    /// Whether it is there.
    pub presence: Presence,
}

/// Whether an account has what was chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "presence", rename_all = "snake_case")]
pub enum Presence {
    /// The very one that was chosen.
    Same,
    /// Another one of that name.
    ByName,
    /// None of that name.
    Missing {
        /// The one that it lacks.
        name: String,
    },
    /// Its list cannot be read, or hangs on what a run fills in.
    Unknown {
        /// Why.
        why: String,
    },
}

impl Desk {
    /// What was chosen by name in the steps of a flow, on each of the connections of their slots.
    ///
    /// # Errors
    /// If there is no such connection, or the connections cannot be read.
    pub async fn had(&self, flow: &Flow, slots: &BTreeMap<SlotId, Vec<ConnectionId>>) -> Result<Vec<Had>, Failure> {
        let mut all = Vec::new();
        for (slot, id) in slots.iter().flat_map(|(slot, ids)| ids.iter().map(move |id| (slot, id))) {
            let (connection, caller) = self.caller_for(id).await?;
            // One list names many fields.
            let mut lists = BTreeMap::new();
            for node in flow.nodes.values().filter(|it| !it.muted) {
                let NodeKind::Action { operation, slot: of, input, .. } = &node.kind else { continue };
                let Some((_, wanted)) = self.catalog.operation(operation).filter(|_| of == slot) else { continue };
                for named in input.named() {
                    let found = named.path.first().and_then(|key| wanted.input(key));
                    let Some((field, choices)) = found.and_then(|it| Some((it, it.choices.as_ref()?))) else { continue };
                    let held = held_in(input, &named.path);
                    let beside = |key: &str| {
                        let account = || connection.account.get(key).map(|it| Value::from(it.as_str()));
                        held_in(input, &[key.to_owned()]).or_else(account)
                    };
                    let presence = match (choices.asks(&beside), held) {
                        (Ok(asked), Some(held)) => {
                            let list = self.list(&caller, &connection, choices, asked.into_iter().collect(), &mut lists);
                            match Priority::First.scope(list).await {
                                Ok(answer) => judged(choices, &choices.of(&answer, &beside), &held, &named.names),
                                Err(failure) => Presence::Unknown { why: failure.title },
                            }
                        }
                        _ => Presence::Unknown { why: "it hangs on what a run fills in".to_owned() },
                    };
                    all.push(Had {
                        connection: id.clone(),
                        step: node.name.clone(),
                        field: field.label().into_owned(),
                        names: named.names,
                        presence,
                    });
                }
            }
        }
        Ok(all)
    }

    async fn list(
        &self,
        caller: &Caller,
        connection: &Connection,
        choices: &Choices,
        asked: Map<String, Value>,
        lists: &mut BTreeMap<String, Result<Value, Failure>>,
    ) -> Result<Value, Failure> {
        let key = format!("{} {}", choices.operation, Value::Object(asked.clone()));
        if let Some(known) = lists.get(&key) {
            return known.clone();
        }
        let found = self.catalog.operation(&choices.operation);
        let reads = found.filter(|(of, it)| of.id == connection.connector && it.method.is_read() && it.repeat == Repeat::Safe);
        let answer = if let Some((connector, operation)) = reads {
            let answered = caller.call(connection, connector, operation, &asked).await.result;
            answered.map(|it| it.value).map_err(|error| error.failure().clone())
        } else {
            let title = format!("\"{}\" cannot be asked for names", choices.operation);
            Err(Failure::new(FailureKind::Flow, title))
        };
        lists.insert(key, answer.clone());
        answer
    }
}

fn judged(choices: &Choices, all: &[Choice], held: &Value, names: &[String]) -> Presence {
    match choices.settle(all, held, names) {
        Ok(value) if value == *held => Presence::Same,
        Ok(_) => Presence::ByName,
        Err(name) => Presence::Missing { name },
    }
}

/// The value that a field holds as it is written; none where it is filled by something else.
fn held_in(input: &Mapping, path: &[String]) -> Option<Value> {
    let (first, rest) = path.split_first()?;
    let mut at = input.0.get(first)?;
    for part in rest {
        at = match &at.source {
            Source::List(items) => items.get(part.parse::<usize>().ok()?)?,
            Source::Object(fields) => fields.get(part)?,
            Source::Value(_) | Source::Text(_) | Source::Expr(_) => return None,
        };
    }
    match &at.source {
        Source::Value(value) if !value.is_null() => Some(value.clone()),
        _ => None,
    }
}
