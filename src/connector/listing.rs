//! Lists of an account, to choose from or to find a name in.
//!
//! Invariant: only operations that read, and that are [`Repeat::Safe`], are called.
use serde_json::{Map, Value};

use super::{Called, Caller, Connection};
use crate::catalog::{Choices, Connector, Operation, OperationId, Repeat};
use crate::record::{Failure, FailureKind};

/// Reads lists of an account.
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "who calls cannot be shown")]
pub struct Listing<'a> {
    /// Who calls.
    pub caller: &'a Caller,
    /// Whose lists.
    pub connection: &'a Connection,
    /// Its service.
    pub connector: &'a Connector,
}

impl Listing<'_> {
    /// What an input beside a choice holds: what is `given`, or what the account fills.
    pub fn beside(&self, key: &str, given: Option<Value>) -> Option<Value> {
        given.or_else(|| self.connection.account.get(key).map(|it| Value::from(it.as_str())))
    }

    /// By what a list is known again.
    pub fn key(choices: &Choices, asked: &Map<String, Value>) -> String {
        format!("{} {}", choices.operation, Value::Object(asked.clone()))
    }

    /// The operation, if it may be called for a list.
    pub fn operation(&self, id: &OperationId) -> Option<&Operation> {
        self.connector.operations.get(id).map(|it| &**it).filter(|it| it.method.is_read() && it.repeat == Repeat::Safe)
    }

    /// Reads a list.
    ///
    /// # Errors
    /// If its operation may not be called; what became of the call is in [`Called`].
    pub async fn read(&self, choices: &Choices, asked: &Map<String, Value>) -> Result<Called, Failure> {
        let Some(operation) = self.operation(&choices.operation) else {
            let title = format!("\"{}\" cannot be asked for names", choices.operation);
            return Err(Failure::new(FailureKind::Flow, title).hint("Choose the field's value again."));
        };
        Ok(self.caller.call(self.connection, self.connector, operation, asked).await)
    }
}
