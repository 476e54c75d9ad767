//! Making on an account what it lacks of what a flow chose by name, as another account has it.
//!
//! Invariant: nothing is made but what is handed to [`Desk::make`], and nothing that the account has by then.
use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

use super::Desk;
use super::lacks::{Checkup, Piece, list};
use crate::catalog::{Catalog, Choices, ConnectorId, OperationId};
use crate::connector::{ConnectionId, Listing};
use crate::flow::{Flow, SlotId};
use crate::record::{Failure, FailureKind};

/// Something that an account lacks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Lack {
    /// On which connection.
    pub connection: ConnectionId,
    /// What that is called.
    pub account: String,
    /// What it is: "custom field".
    pub what: String,
    /// What it is called.
    pub name: String,
    /// How the account gets it.
    pub way: Way,
    #[serde(skip)]
    choices: Choices,
    #[serde(skip)]
    asked: Map<String, Value>,
}

/// How an account gets something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "way", rename_all = "snake_case")]
pub enum Way {
    /// By an operation of its service.
    Make {
        /// Which.
        operation: OperationId,
        /// What it is called.
        title: String,
        /// What is sent, beside what the connection fills.
        input: Map<String, Value>,
        /// The account that has it and was taken as the pattern.
        like: Option<String>,
        /// What a person has to do after that; may be empty.
        then: String,
    },
    /// By a person at the service, or not at all.
    ByHand {
        /// Why, and what to do.
        why: String,
    },
}

/// What came of making something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Made {
    /// It was made, and stands in the account's list.
    Made,
    /// It stood there already.
    WasThere,
    /// The service says that it was made, and its list does not have it yet.
    NotListed,
}

impl Checkup {
    /// What the accounts lack, each once, and how they get it. `patterns` are other accounts that may have it, such as the
    /// sandbox's.
    pub fn lacks(&self, patterns: &[&Self], catalog: &Catalog) -> Vec<Lack> {
        let mut lacks: Vec<Lack> = Vec::new();
        for piece in self.pieces.iter().filter(|it| it.item.is_none()) {
            let known = |it: &Lack| {
                it.connection == piece.connection
                    && it.name == piece.name
                    && it.choices.operation == piece.choices.operation
                    && it.asked == piece.asked
            };
            if lacks.iter().any(known) {
                continue;
            }
            let all = std::iter::once(self).chain(patterns.iter().copied()).flat_map(|it| &it.pieces);
            let pattern = all
                .filter(|it| it.item.is_some())
                .find(|it| it.name == piece.name && it.choices.operation == piece.choices.operation && it.asked == piece.asked);
            lacks.push(piece.lack(pattern, catalog));
        }
        lacks
    }
}

impl Piece {
    fn lack(&self, pattern: Option<&Self>, catalog: &Catalog) -> Lack {
        let connector = catalog.connector(&self.connector);
        let maker = connector.and_then(|it| it.maker(&self.choices.operation));
        let service = connector.map_or_else(|| self.connector.to_string(), |it| it.title.clone());
        let unknown = || format!("Nobody has told Flowyard how that is made: add it at {service}.");
        let way = match (connector, maker) {
            (Some(connector), Some(maker)) => match &maker.create {
                None => Way::ByHand { why: maker.by_hand.clone() },
                Some(create) => {
                    let model = pattern.and_then(|it| it.item.as_ref());
                    match maker.input(connector, &self.choices, &self.name, model, &self.asked) {
                        Ok(input) => Way::Make {
                            operation: create.clone(),
                            title: connector.operations.get(create).map(|it| it.title.clone()).unwrap_or_default(),
                            input,
                            like: pattern.map(|it| it.account.clone()),
                            then: maker.by_hand.clone(),
                        },
                        Err(missing) => {
                            let what = missing.join(", ");
                            Way::ByHand {
                                why: format!(
                                    "No account here has it to be copied, and its {what} is needed: add it at {service}."
                                ),
                            }
                        }
                    }
                }
            },
            _ => Way::ByHand { why: unknown() },
        };
        Lack {
            connection: self.connection.clone(),
            account: self.account.clone(),
            what: maker.map_or_else(|| "value".to_owned(), |it| it.what.clone()),
            name: self.name.clone(),
            way,
            choices: self.choices.clone(),
            asked: self.asked.clone(),
        }
    }
}

impl Lack {
    /// What is sent, as a person reads it: a line for each input.
    pub fn sent(&self) -> Vec<String> {
        let Way::Make { input, .. } = &self.way else { return Vec::new() };
        let plain = |value: &Value| match value {
            Value::String(text) => text.clone(),
            Value::Array(items) if items.iter().all(Value::is_string) => {
                items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
            }
            other => other.to_string(),
        };
        input.iter().map(|(key, value)| format!("{key}: {}", plain(value))).collect()
    }
}

impl Desk {
    /// Makes something that an account lacks, and reads its list again to see it there.
    ///
    /// # Errors
    /// If a person has to do it, or why the service did not.
    pub async fn make(&self, lack: &Lack) -> Result<Made, Failure> {
        let Way::Make { operation, input, .. } = &lack.way else {
            let title = format!("The {} \"{}\" cannot be made from here", lack.what, lack.name);
            return Err(Failure::new(FailureKind::Flow, title));
        };
        let (connection, caller) = self.caller_for(&lack.connection).await?;
        let found = self.catalog.operation(operation).filter(|(of, _)| of.id == connection.connector);
        let Some((connector, create)) = found else {
            return Err(Failure::new(FailureKind::Flow, format!("The catalogue has no operation \"{operation}\"")));
        };
        let listing = Listing { caller: &caller, connection: &connection, connector };
        // Somebody, or a request whose answer was lost, may have made it since.
        if lack.is_on(&listing).await? {
            return Ok(Made::WasThere);
        }
        let answer = caller.call(&connection, connector, create, input).await;
        answer.result.map_err(|error| error.failure().clone())?;
        Ok(if lack.is_on(&listing).await.unwrap_or(false) { Made::Made } else { Made::NotListed })
    }

    /// What the only connections of a desk, such as those to the sandbox, have of what a flow chose by name.
    ///
    /// # Errors
    /// As [`Desk::checkup`].
    pub async fn patterns(&self, flow: &Flow) -> Result<Checkup, Failure> {
        let book = self.book()?;
        let of = |connector: &ConnectorId| book.accounts().iter().find(|it| it.connection.connector == *connector);
        let slots: BTreeMap<SlotId, Vec<ConnectionId>> =
            flow.slots.iter().filter_map(|(slot, it)| Some((slot.clone(), vec![of(it)?.connection.id.clone()]))).collect();
        self.checkup(flow, &slots, |_, _| ()).await
    }
}

impl Lack {
    async fn is_on(&self, listing: &Listing<'_>) -> Result<bool, Failure> {
        let answer = list(listing, &self.choices, &self.asked, &mut BTreeMap::new()).await?;
        let all = self.choices.of(&answer, &|_| None);
        Ok(all.iter().any(|it| it.label.trim().eq_ignore_ascii_case(self.name.trim())))
    }
}
