//! What a person chose by name, found again on the account that a flow runs for: a calendar of the same name there.
//!
//! Invariant: until the lists have answered, the step's own call is not sent.
//! Invariant: a value that the account has is sent as it is. One that it has under another name only is never guessed.
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use super::shared::Shared;
use super::step::conclusion_of;
use crate::catalog::{Choice, Choices, Connector, Input, Operation};
use crate::connector::{Connection, ConnectionId, Listing};
use crate::flow::Named;
use crate::record::{Exchange, Failure, FailureKind};
use crate::run::Conclusion;

/// How long a list counts as it was read. One that lacks a name is read again before that is said.
const FRESH: SignedDuration = SignedDuration::from_mins(10);
/// So many are kept.
const KEPT: usize = 1_024;
/// A list that is longer as JSON, in bytes, is read anew each time: a thousand of them have to have room.
const LONGEST: usize = 128 << 10;

/// Lists of accounts, as they were read last.
#[derive(Debug, Default)]
pub(super) struct Lists {
    known: Mutex<HashMap<(ConnectionId, String), List>>,
}

#[derive(Debug, Clone)]
struct List {
    answer: Arc<Value>,
    at: Timestamp,
}

impl Lists {
    fn get(&self, key: &(ConnectionId, String), now: Timestamp) -> Option<Arc<Value>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(key).filter(|it| now.duration_since(it.at).abs() < FRESH).map(|it| Arc::clone(&it.answer))
    }

    fn keep(&self, key: (ConnectionId, String), answer: Arc<Value>, now: Timestamp) {
        if answer.to_string().len() > LONGEST {
            return;
        }
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= KEPT
            && let Some(oldest) = known.iter().min_by_key(|(_, it)| it.at).map(|(key, _)| key.clone())
        {
            known.remove(&oldest);
        }
        known.insert(key, List { answer, at: now });
    }
}

/// Puts the values of this account in place of those that were chosen.
///
/// # Errors
/// What the step comes to instead: the account has none of that name, or its list could not be read.
pub(super) async fn settle(
    shared: &Shared,
    connection: &Connection,
    connector: &Connector,
    operation: &Operation,
    input: &mut Map<String, Value>,
    named: &[Named],
    exchanges: &mut Vec<Arc<Exchange>>,
) -> Result<(), Conclusion> {
    let mut fields: Vec<(&Named, &Input, &Choices)> = Vec::with_capacity(named.len());
    for it in named {
        let found = it.path.first().and_then(|key| operation.input(key));
        fields.extend(found.and_then(|field| Some((it, field, field.choices.as_ref()?))));
    }
    // The stages of a pipeline hang on the pipeline, which is found first.
    fields.sort_by_key(|(_, _, choices)| choices.within.is_some() || !choices.input.is_empty());
    for (it, field, choices) in fields {
        let Some(held) = within(input, &it.path).filter(|held| !held.is_null()).cloned() else { continue };
        let place = Place { shared, connection, connector, choices };
        let mut found = place.settled(input, &held, &it.names, false, exchanges).await?;
        // What was read before may be older than the account.
        if matches!(found, Found::Not { is_kept: true, .. }) {
            found = place.settled(input, &held, &it.names, true, exchanges).await?;
        }
        let settled = match found {
            Found::Value(value) => value,
            Found::Not { name, .. } => return Err(Conclusion::Failed(lacks(connection, field, &it.path, &name))),
        };
        if let Some(value) = within_mut(input, &it.path) {
            *value = settled;
        }
    }
    Ok(())
}

/// What a name came to.
enum Found {
    /// This is sent.
    Value(Value),
    /// The list has none of that name.
    Not {
        name: String,
        /// Whether the list was read before.
        is_kept: bool,
    },
}

/// Where a name is looked up.
struct Place<'a> {
    shared: &'a Shared,
    connection: &'a Connection,
    connector: &'a Connector,
    choices: &'a Choices,
}

impl Place<'_> {
    fn listing(&self) -> Listing<'_> {
        Listing { caller: &self.shared.caller, connection: self.connection, connector: self.connector }
    }

    async fn settled(
        &self,
        input: &Map<String, Value>,
        held: &Value,
        names: &[String],
        anew: bool,
        exchanges: &mut Vec<Arc<Exchange>>,
    ) -> Result<Found, Conclusion> {
        let listing = self.listing();
        let beside = |key: &str| listing.beside(key, input.get(key).cloned());
        // Without the input that it hangs on there is nothing to look in; the call itself says what is missing.
        let Ok(asked) = self.choices.asks(&beside) else { return Ok(Found::Value(held.clone())) };
        let (answer, is_kept) = self.answer(asked.into_iter().collect(), anew, exchanges).await?;
        let all: Vec<Choice> = self.choices.of(&answer, &beside);
        Ok(self.choices.settle(&all, held, names).map_or_else(|name| Found::Not { name, is_kept }, Found::Value))
    }

    /// The list, and whether it was read before.
    async fn answer(
        &self,
        asked: Map<String, Value>,
        anew: bool,
        exchanges: &mut Vec<Arc<Exchange>>,
    ) -> Result<(Arc<Value>, bool), Conclusion> {
        let (shared, connection) = (self.shared, self.connection);
        let now = shared.clock.now();
        let key = (connection.id.clone(), Listing::key(self.choices, &asked));
        if let Some(answer) = shared.lists.get(&key, now).filter(|_| !anew) {
            return Ok((answer, true));
        }
        let called = self.listing().read(self.choices, &asked).await.map_err(Conclusion::Failed)?;
        super::breaker::save(shared, connection).await;
        exchanges.extend(called.exchange);
        match called.result {
            Ok(answered) => {
                let answer = Arc::new(answered.value);
                shared.lists.keep(key, Arc::clone(&answer), now);
                Ok((answer, false))
            }
            // The step's own call has not left, whatever became of this one.
            Err(error) => Err(match conclusion_of(error, connection) {
                Conclusion::Lost(failure) | Conclusion::Broke(failure) => Conclusion::Retry { after: None, failure },
                other => other,
            }),
        }
    }
}

fn lacks(connection: &Connection, field: &Input, path: &[String], name: &str) -> Failure {
    let label = field.label();
    let title = format!("{:?} has nothing called {name:?} for {label}", connection.name);
    Failure::new(FailureKind::Flow, title)
        .at(format!("input.{}", path.join(".")))
        .detail("It was chosen on another account, and this one has neither the same value nor one of the same name.")
        .hint(format!("Add {name:?} to this account, or choose another {label} for it."))
}

fn within<'a>(input: &'a Map<String, Value>, path: &[String]) -> Option<&'a Value> {
    let (first, rest) = path.split_first()?;
    rest.iter().try_fold(input.get(first)?, |at, part| match at {
        Value::Array(items) => items.get(part.parse::<usize>().ok()?),
        other => other.get(part),
    })
}

fn within_mut<'a>(input: &'a mut Map<String, Value>, path: &[String]) -> Option<&'a mut Value> {
    let (first, rest) = path.split_first()?;
    rest.iter().try_fold(input.get_mut(first)?, |at, part| match at {
        Value::Array(items) => items.get_mut(part.parse::<usize>().ok()?),
        other => other.get_mut(part),
    })
}
