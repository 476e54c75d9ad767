//! Reads what a person may choose from, outside of any run: the calendars, users and tags of an account, by their names.
//!
//! Invariant: only operations that read, and that are [`Repeat::Safe`], are called. Nothing of it is written down.
//! Invariant: as for every call, the answer holds no secret of the connection.
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use crate::catalog::{Catalog, OperationId, Repeat};
use crate::connector::{Caller, Connection, ConnectionId, Priority, Secret, Settings, Vault};
use crate::record::{Failure, FailureKind};

/// What is read: an operation that lists something, on a connection. The same gives the same list for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Whose account.
    pub connection: ConnectionId,
    /// The operation that lists it.
    pub operation: OperationId,
    /// Its inputs, without those that the account fills.
    pub input: BTreeMap<String, Value>,
}

/// Reads lists to choose from. Cheap to clone.
#[derive(Clone)]
pub struct Chooser {
    caller: Caller,
    catalog: Catalog,
    connections: Arc<Vec<Connection>>,
}

impl Chooser {
    /// Reads on these connections, each with its secret if it has one.
    ///
    /// # Errors
    /// A [`Failure`] where calls cannot be made from here.
    pub fn new(catalog: Catalog, connections: Vec<(Connection, Option<Secret>)>) -> Result<Self, Failure> {
        let vault = Vault::default();
        let mut plain = Vec::with_capacity(connections.len());
        for (connection, secret) in connections {
            if let Some(secret) = secret {
                vault.pin(connection.id.clone(), secret);
            }
            plain.push(connection);
        }
        let caller = Caller::new(Settings::default(), vault)
            .map_err(|error| Failure::new(FailureKind::Machine, "Calls cannot be made from here").detail(error.to_string()))?;
        Ok(Self { caller, catalog, connections: Arc::new(plain) })
    }

    /// The answer of the operation.
    ///
    /// # Errors
    /// A [`Failure`] that says why there is none.
    pub async fn read(&self, asked: &Asked) -> Result<Value, Failure> {
        let Some(connection) = self.connections.iter().find(|it| it.id == asked.connection) else {
            let title = format!("There is no connection \"{}\"", asked.connection);
            return Err(Failure::new(FailureKind::Flow, title).hint("Choose a connection for the step"));
        };
        let found = self.catalog.operation(&asked.operation);
        let Some((connector, operation)) = found.filter(|(it, _)| it.id == connection.connector) else {
            let title = format!("The catalogue has no operation \"{}\" of this service", asked.operation);
            return Err(Failure::new(FailureKind::Flow, title).hint("Type the value by hand"));
        };
        if !operation.method.is_read() || operation.repeat != Repeat::Safe {
            let title = format!("\"{}\" is not read for choices: it may change something", operation.title);
            return Err(Failure::new(FailureKind::Flow, title).hint("Type the value by hand"));
        }
        let input = asked.input.iter().map(|(key, it)| (key.clone(), it.clone())).collect();
        let called = Priority::First.scope(self.caller.call(connection, connector, operation, &input)).await;
        called.result.map(|it| it.value).map_err(|error| error.failure().clone())
    }
}

impl fmt::Debug for Chooser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chooser").field("connections", &self.connections.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::catalog::AuthKind;
    use crate::sandbox::{self, Options};

    async fn stage() -> (sandbox::Handle, Chooser) {
        let catalog = Catalog::shipped();
        let sandbox = sandbox::start(&catalog, Options::default()).await.unwrap();
        let crm = &sandbox.access().highlevel;
        let connection = Connection {
            account: [("location_id".to_owned(), crm.location_id.clone())].into(),
            ..Connection::new("crm", "CRM", crate::catalog::ConnectorId::new("highlevel"), &crm.base_url, AuthKind::Bearer)
        };
        let chooser = Chooser::new(catalog, vec![(connection, Some(Secret::token(crm.token.clone())))]).unwrap();
        (sandbox, chooser)
    }

    fn asked(operation: &str) -> Asked {
        Asked { connection: ConnectionId::new("crm"), operation: OperationId::new(operation), input: BTreeMap::new() }
    }

    #[tokio::test]
    async fn a_list_is_read_with_what_the_account_fills() {
        let (sandbox, chooser) = stage().await;
        let answer = chooser.read(&asked("highlevel.calendars.get-calendars")).await.unwrap();
        assert!(answer["calendars"][0]["id"].is_string(), "{answer}");
        assert!(!format!("{chooser:?}").contains(&sandbox.access().highlevel.token));
        sandbox.stop().await;
    }

    #[tokio::test]
    async fn nothing_is_called_that_could_change_anything_or_is_not_there() {
        let (sandbox, chooser) = stage().await;
        for (operation, words) in [
            ("highlevel.contacts.create-contact", "may change something"),
            ("highlevel.contacts.gone", "has no operation"),
            ("schedule_it.events.list-events", "has no operation"),
        ] {
            let failure = chooser.read(&asked(operation)).await.unwrap_err();
            assert!(failure.title.contains(words) && !failure.hint.is_empty(), "{failure}");
        }
        let other = Asked { connection: ConnectionId::new("gone"), ..asked("highlevel.calendars.get-calendars") };
        assert!(chooser.read(&other).await.unwrap_err().title.contains("no connection \"gone\""));
        assert_eq!(sandbox.ledger().len(), 0, "nothing was sent");
        sandbox.stop().await;
    }

    #[tokio::test]
    async fn why_there_is_no_list_is_told_without_the_secret() {
        let (sandbox, chooser) = stage().await;
        let token = sandbox.access().highlevel.token.clone();
        let faults = sandbox::Faults { unauthorized: 1.0, ..sandbox::Faults::default() };
        sandbox.set_faults(faults);
        let failure = chooser.read(&asked("highlevel.calendars.get-calendars")).await.unwrap_err();
        assert!(!failure.title.is_empty() && !json!(failure.to_string()).to_string().contains(&token));
        sandbox.stop().await;
    }
}
