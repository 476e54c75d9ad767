//! Signing a connection in by OAuth 2.0, for both shells.
use serde_json::{Map, Value};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{Asking, Desk};
use crate::catalog::Grant;
use crate::connector::{Connection, ConnectionId, Granted, Progress};
use crate::record::Failure;

/// The field of an account that a sign-in fills where a person did not: the location that was chosen in the browser.
const LOCATION: &str = "location_id";

/// What a sign-in gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedIn {
    /// The connection as it is now.
    pub connection: Connection,
    /// When its tokens end, and what they may do.
    pub granted: Granted,
    /// The connections whose steps may go on: itself, and the locations that draw their tokens from it.
    pub works_again: Vec<ConnectionId>,
}

impl Desk {
    /// Signs a connection in: through a browser, or, for a service account and for a location of an agency, by itself.
    ///
    /// `tell` hears how far it is, and opens the browser. `pasted` brings what a person pasted: the address that the browser came
    /// back to, or the code. `cancel` ends it; the tokens before then stay. `asked` is what is asked for in place of the scopes of
    /// the connection's settings, and is kept there once it was granted.
    ///
    /// # Errors
    /// Why there are no tokens.
    pub async fn sign_in(
        &self,
        id: &ConnectionId,
        asked: Option<&Asking>,
        pasted: mpsc::Receiver<String>,
        tell: impl Fn(Progress),
        cancel: CancellationToken,
    ) -> Result<SignedIn, Failure> {
        let (mut connection, caller) = self.caller_for(id).await?;
        if let (Some(asked), Some(oauth)) = (asked, &mut connection.oauth) {
            oauth.scopes.clone_from(&asked.scopes);
        }
        let granted = caller.sign_in(&connection, pasted, tell, cancel).await?;
        if let Some(location) = self.unknown_location(&connection, &granted) {
            let fields: Map<String, Value> =
                connection.account.iter().map(|(key, it)| (key.clone(), Value::from(it.as_str()))).chain([location]).collect();
            connection = self.change(id, "account", Some(fields.into()))?;
        }
        let book = self.book()?;
        if let Some(asked) = asked {
            self.keep_asking(&book.account(id)?.connection, asked)?;
        }
        let all = book.accounts().iter().map(|it| &it.connection);
        let locations = all.filter(|it| it.agency.as_ref() == Some(id)).map(|it| it.id.clone());
        let works_again = std::iter::once(id.clone()).chain(locations).collect();
        Ok(SignedIn { connection, granted, works_again })
    }

    /// Whether its first call can get its tokens without a person: a service account, or a location whose agency is signed in.
    pub(super) fn signs_in_by_itself(&self, connection: &Connection) -> bool {
        let source = match (&connection.agency, &connection.oauth) {
            (Some(agency), _) => agency.clone(),
            (None, Some(oauth)) if oauth.grant == Grant::ClientCredentials => connection.id.of_client(),
            _ => return false,
        };
        matches!(self.vault.get(&source), Ok(Some(_)))
    }

    /// The location that the tokens are for, where the connection does not say it and its service has such a field.
    fn unknown_location(&self, connection: &Connection, granted: &Granted) -> Option<(String, Value)> {
        let connector = self.catalog.connector(&connection.connector)?;
        let is_told = !connector.account.contains_key(LOCATION) || connection.account.contains_key(LOCATION);
        let location = granted.location_id.as_deref().filter(|_| !is_told)?;
        Some((LOCATION.to_owned(), location.into()))
    }
}
