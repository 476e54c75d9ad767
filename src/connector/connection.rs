//! An account at a service, as plain data.
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::OAuthSettings;
use crate::catalog::{AuthKind, ConnectorId};

/// A connection's id; any text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ConnectionId(Arc<str>);

impl ConnectionId {
    /// From text.
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Where the vault keeps the secret of the app by which this connection signs in.
    #[must_use]
    pub fn of_client(&self) -> Self {
        Self([&*self.0, "#client"].concat().into())
    }
}

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An account at a service. Its secret is in the [`Vault`](super::Vault), under the same id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// Names it in the vault, in bindings and in the log.
    pub id: ConnectionId,
    /// What a person calls it.
    pub name: String,
    /// The service.
    pub connector: ConnectorId,
    /// An environment's URL, or the sandbox's; absolute, without a trailing `/`.
    pub base_url: String,
    /// What the connector's `account` asks for: `location_id`, `time_zone`, …
    #[serde(default)]
    pub account: BTreeMap<String, String>,
    /// How its requests are signed.
    pub auth: AuthKind,
    /// Which of a person's environments it belongs to.
    #[serde(default = "live", skip_serializing_if = "is_live")]
    pub environment: String,
    /// The zone of the account's local times (IANA), where the service does not tell it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// How it signs in by OAuth 2.0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oauth: Option<Box<OAuthSettings>>,
    /// The connection to the agency whose sign-in makes this location's tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agency: Option<ConnectionId>,
    /// Public keys by which the service's messages are known, by the header that holds the signature; the connector's where there
    /// is none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub notice_keys: BTreeMap<String, String>,
}

impl Connection {
    /// The environment of connections that name none.
    pub const LIVE: &str = "live";

    /// A connection with nothing but what every one has.
    pub fn new(id: &str, name: &str, connector: ConnectorId, base_url: &str, auth: AuthKind) -> Self {
        Self {
            id: ConnectionId::new(id),
            name: name.to_owned(),
            connector,
            base_url: base_url.to_owned(),
            account: BTreeMap::new(),
            auth,
            environment: live(),
            zone: None,
            oauth: None,
            agency: None,
            notice_keys: BTreeMap::new(),
        }
    }
}

fn live() -> String {
    Connection::LIVE.to_owned()
}

fn is_live(environment: &str) -> bool {
    environment == Connection::LIVE
}

/// A snapshot of all connections, cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Connections {
    all: Arc<BTreeMap<ConnectionId, Arc<Connection>>>,
}

impl Connections {
    /// The connection with this id.
    pub fn get(&self, id: &ConnectionId) -> Option<&Arc<Connection>> {
        self.all.get(id)
    }

    /// The connections to this service, by id.
    pub fn for_connector<'a, 'b>(
        &'a self,
        connector: &'b ConnectorId,
    ) -> impl Iterator<Item = &'a Arc<Connection>> + use<'a, 'b> {
        self.all.values().filter(move |it| it.connector == *connector)
    }

    /// All of them, by id.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Connection>> {
        self.all.values()
    }
}

impl FromIterator<Connection> for Connections {
    fn from_iter<I: IntoIterator<Item = Connection>>(connections: I) -> Self {
        Self { all: Arc::new(connections.into_iter().map(|it| (it.id.clone(), Arc::new(it))).collect()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_found_by_id_and_by_connector() {
        let of = |id: &str, connector: &str| {
            Connection::new(id, id, ConnectorId::new(connector), "http://127.0.0.1:1", AuthKind::Bearer)
        };
        let all: Connections = [of("b", "x"), of("a", "x"), of("c", "y")].into_iter().collect();
        assert_eq!(all.get(&ConnectionId::new("c")).map(|it| it.name.as_str()), Some("c"));
        assert!(all.get(&ConnectionId::new("d")).is_none());
        let of_x: Vec<_> = all.for_connector(&ConnectorId::new("x")).map(|it| it.id.as_str()).collect();
        assert_eq!(of_x, ["a", "b"]);
        assert_eq!(all.iter().count(), 3);
    }

    #[test]
    fn a_connection_travels_as_plain_json() {
        let text = r#"{"id":"crm","name":"Main","connector":"highlevel","base_url":"https://a.b","auth":{"kind":"bearer"}}"#;
        let read: Connection = serde_json::from_str(text).unwrap();
        assert_eq!(read.auth, AuthKind::Bearer);
        assert_eq!(read.id.to_string(), "crm");
        assert_eq!(
            serde_json::to_string(&read).unwrap(),
            text.replace(",\"auth\"", ",\"account\":{},\"auth\""),
            "what is usual is not written"
        );
    }
}
