//! The names by which flow files point into the catalog.
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A connector's id: lower case, digits and `_`: `highlevel`, `schedule_it`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ConnectorId(Arc<str>);

/// An operation's id: `connector.document.operation`, for example `highlevel.contacts.create-contact`.
///
/// The document is part of it because a vendor's documents repeat operation ids among themselves.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "Arc<str>", into = "Arc<str>")]
pub struct OperationId {
    text: Arc<str>,
    connector: ConnectorId,
}

impl ConnectorId {
    /// From text; any text is an id, unknown ones are simply not found.
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl OperationId {
    /// From text; any text is an id, unknown ones are simply not found.
    pub fn new(text: &str) -> Self {
        Self::from(Arc::<str>::from(text))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The part between the first dot and the second: which of the vendor's documents it is from.
    pub fn document(&self) -> &str {
        self.text.split('.').nth(1).unwrap_or_default()
    }

    /// The part before the first dot.
    pub fn connector(&self) -> &ConnectorId {
        &self.connector
    }
}

impl From<Arc<str>> for OperationId {
    fn from(text: Arc<str>) -> Self {
        let connector = ConnectorId::new(text.split('.').next().unwrap_or_default());
        Self { text, connector }
    }
}

impl From<OperationId> for Arc<str> {
    fn from(id: OperationId) -> Self {
        id.text
    }
}

impl fmt::Display for ConnectorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for OperationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
