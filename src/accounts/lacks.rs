//! What was chosen by name in a flow's steps, account by account: whether each account has it. Nothing is changed there.
use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

use super::Desk;
use crate::catalog::{Choice, Choices, ConnectorId};
use crate::connector::{ConnectionId, Listing, Priority};
use crate::flow::{Flow, Mapping, NodeKind, SlotId, Source};
use crate::record::Failure;

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
        /// Those that it lacks.
        names: Vec<String>,
    },
    /// Its list cannot be read, or hangs on what a run fills in.
    Unknown {
        /// Why.
        why: String,
    },
}

/// What accounts have of what a flow chose by name.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Checkup {
    /// Field by field, on each account.
    pub had: Vec<Had>,
    /// Value by value, as far as lists could be read.
    pub(super) pieces: Vec<Piece>,
}

/// A value that was chosen by name, on an account.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Piece {
    pub(super) connection: ConnectionId,
    pub(super) account: String,
    pub(super) connector: ConnectorId,
    pub(super) choices: Choices,
    /// What the list was asked for.
    pub(super) asked: Map<String, Value>,
    pub(super) name: String,
    /// As the account has it; none where it lacks it.
    pub(super) item: Option<Value>,
}

impl Desk {
    /// What was chosen by name in the steps of a flow, on each of the connections of their slots. `tell` hears of how many of
    /// these were looked at.
    ///
    /// # Errors
    /// If there is no such connection, or the connections cannot be read.
    pub async fn checkup(
        &self,
        flow: &Flow,
        slots: &BTreeMap<SlotId, Vec<ConnectionId>>,
        tell: impl Fn(usize, usize) + Send,
    ) -> Result<Checkup, Failure> {
        let mut checkup = Checkup::default();
        let pairs: Vec<_> = slots.iter().flat_map(|(slot, ids)| ids.iter().map(move |id| (slot, id))).collect();
        for (at, (slot, id)) in pairs.iter().copied().enumerate() {
            tell(at, pairs.len());
            let (connection, caller) = self.caller_for(id).await?;
            // One list names many fields.
            let mut lists = BTreeMap::new();
            for node in flow.nodes.values().filter(|it| !it.muted) {
                let NodeKind::Action { operation, slot: of, input, .. } = &node.kind else { continue };
                let Some((connector, wanted)) = self.catalog.operation(operation).filter(|_| of == slot) else { continue };
                let listing = Listing { caller: &caller, connection: &connection, connector };
                for named in input.named() {
                    let found = named.path.first().and_then(|key| wanted.input(key));
                    let Some((field, choices)) = found.and_then(|it| Some((it, it.choices.as_ref()?))) else { continue };
                    let held = held_in(input, &named.path);
                    let beside = |key: &str| listing.beside(key, held_in(input, &[key.to_owned()]));
                    let presence = match (choices.asks(&beside), held) {
                        (Ok(asked), Some(held)) => {
                            let asked = asked.into_iter().collect();
                            match Priority::First.scope(list(&listing, choices, &asked, &mut lists)).await {
                                Ok(answer) => {
                                    let chosen = Chosen { choices, held: &held, names: &named.names };
                                    let (presence, found) = chosen.on(&answer, &beside);
                                    checkup.pieces.extend(found.into_iter().map(|(name, item)| Piece {
                                        connection: id.clone(),
                                        account: connection.name.clone(),
                                        connector: connector.id.clone(),
                                        choices: choices.clone(),
                                        asked: asked.clone(),
                                        name,
                                        item,
                                    }));
                                    presence
                                }
                                Err(failure) => Presence::Unknown { why: failure.title },
                            }
                        }
                        _ => Presence::Unknown { why: "it hangs on what a run fills in".to_owned() },
                    };
                    checkup.had.push(Had {
                        connection: id.clone(),
                        step: node.name.clone(),
                        field: field.label().into_owned(),
                        names: named.names,
                        presence,
                    });
                }
            }
        }
        Ok(checkup)
    }
}

/// A list, read once.
pub(super) async fn list(
    listing: &Listing<'_>,
    choices: &Choices,
    asked: &Map<String, Value>,
    lists: &mut BTreeMap<String, Result<Value, Failure>>,
) -> Result<Value, Failure> {
    let key = Listing::key(choices, asked);
    if let Some(known) = lists.get(&key) {
        return known.clone();
    }
    let answer = match listing.read(choices, asked).await {
        Ok(called) => called.result.map(|it| it.value).map_err(|error| error.failure().clone()),
        Err(failure) => Err(failure),
    };
    lists.insert(key, answer.clone());
    answer
}

/// What a field holds, and what that is called.
struct Chosen<'a> {
    choices: &'a Choices,
    held: &'a Value,
    names: &'a [String],
}

impl Chosen<'_> {
    /// Whether a list has it, and each of its values by its name, with the item of the list.
    fn on(&self, answer: &Value, beside: &dyn Fn(&str) -> Option<Value>) -> (Presence, Vec<(String, Option<Value>)>) {
        let all: Vec<Choice> = self.choices.of(answer, beside);
        let (mut pieces, mut missing, mut same) = (Vec::new(), Vec::new(), true);
        for (at, value) in self.choices.singles(self.held).iter().enumerate() {
            let name = self.names.get(at).map(std::slice::from_ref).unwrap_or_default();
            match self.choices.settle(&all, value, name) {
                Ok(settled) => {
                    same &= settled == *value;
                    let item = self.choices.item(answer, beside, &settled).cloned();
                    // What is its own name is taken as it is, also where no list has it.
                    pieces.extend(item.map(|it| (name.first().cloned().unwrap_or_default(), Some(it))));
                }
                Err(name) => {
                    missing.push(name.clone());
                    pieces.push((name, None));
                }
            }
        }
        let presence = match (missing.is_empty(), same) {
            (false, _) => Presence::Missing { names: missing },
            (true, true) => Presence::Same,
            (true, false) => Presence::ByName,
        };
        (presence, pieces)
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
