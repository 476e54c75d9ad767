//! What can be called: connectors, their operations, the schemas of input and output. Data, no code a service.
//!
//! Invariant: an [`Operation`] found through a [`Catalog`] belongs to a [`Connector`] of the same catalog, and every
//! [`Kind::Ref`] in it resolves there.
//!
//! [`disk`] keeps what was imported. [`Catalog::shipped`] is what comes with Flowyard, read operation by operation as they are asked for ([`Operations`]);
//! [`import`] makes a connector out of OpenAPI documents; an [`Overlay`] adds what people know of it. [`Event`] is what can
//! happen there and start a flow. [`Schema::check`] and [`Schema::sample`] hold values against shapes.
mod check;
mod choices;
mod connector;
pub mod disk;
mod event;
mod guide;
mod ids;
pub mod import;
mod maker;
mod notices;
mod oauth;
mod operation;
mod operations;
mod overlay;
mod phrase;
mod sample;
mod schema;
mod schemas;
mod search;
mod shipped;
mod twins;
mod whole;
mod words;
mod write;

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

pub use self::check::{Mismatch, MismatchKind, Reading};
pub use self::choices::{Choice, Choices, Within};
#[cfg(feature = "gui")]
pub(crate) use self::choices::{plain, same};
pub use self::connector::{AuthKind, BreakerRule, Connector, Environment, ErrorShape, LimitHeaders, Rate};
pub use self::event::{Counts, CustomDates, DateField, Event, EventSource, Poll, ReadOne};
pub use self::guide::{Guide, Probe};
pub use self::ids::{ConnectorId, OperationId};
pub use self::maker::Maker;
pub use self::notices::{NoticeSignature, Notices, SignatureKind};
pub use self::oauth::{AuthorizeUrl, ClientAuth, Grant, LocationList, LocationToken, OAuth};
pub use self::operation::{Cost, Encoding, Input, Lookup, Method, Operation, Paging, Place, Repeat, Success};
pub use self::operations::{Brief, Operations};
pub use self::overlay::{InputChange, OperationChange, Overlay, OverlayError, Section};
pub use self::schema::{Field, Kind, Schema};
pub use self::schemas::Schemas;
pub use self::search::Hit;
pub use self::twins::Twins;
pub use self::whole::Whole;

/// Every connector that is known, by id. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    connectors: Arc<BTreeMap<ConnectorId, Arc<Connector>>>,
    /// Made when something is first searched for.
    index: Arc<OnceLock<search::Index>>,
}

impl Catalog {
    /// The connector with this id.
    pub fn connector(&self, id: &ConnectorId) -> Option<&Arc<Connector>> {
        self.connectors.get(id)
    }

    /// The operation with this id, with the connector that it belongs to.
    pub fn operation(&self, id: &OperationId) -> Option<(&Arc<Connector>, &Arc<Operation>)> {
        let connector = self.connectors.get(id.connector())?;
        Some((connector, connector.operations.get(id)?))
    }

    /// What is known of an operation without reading it, with the connector that it belongs to.
    pub fn brief(&self, id: &OperationId) -> Option<(&Arc<Connector>, &Brief)> {
        let connector = self.connectors.get(id.connector())?;
        Some((connector, connector.operations.brief(id)?))
    }

    /// The operations that a text in people's words may mean, the best first; all of them for an empty text.
    pub fn search(&self, query: &str) -> Vec<Hit> {
        self.index.get_or_init(|| search::Index::new(self)).search(query)
    }

    /// The same catalogue without a connector.
    #[must_use]
    pub fn without(&self, id: &ConnectorId) -> Self {
        let rest = self.connectors.iter().filter(|(it, _)| *it != id).map(|(id, it)| (id.clone(), Arc::clone(it)));
        Self { connectors: Arc::new(rest.collect()), index: Arc::default() }
    }

    /// The same catalogue with further connectors; one that is there stays.
    #[must_use]
    pub fn with(&self, more: Vec<Connector>) -> Self {
        if more.is_empty() {
            return self.clone();
        }
        let mut connectors: BTreeMap<ConnectorId, Arc<Connector>> =
            more.into_iter().map(|it| (it.id.clone(), Arc::new(it))).collect();
        connectors.extend(self.connectors.iter().map(|(id, it)| (id.clone(), Arc::clone(it))));
        Self { connectors: Arc::new(connectors), index: Arc::default() }
    }

    /// All connectors, by id.
    pub fn connectors(&self) -> impl Iterator<Item = &Arc<Connector>> {
        self.connectors.values()
    }
}

impl FromIterator<Connector> for Catalog {
    fn from_iter<I: IntoIterator<Item = Connector>>(connectors: I) -> Self {
        let connectors = connectors.into_iter().map(|it| (it.id.clone(), Arc::new(it))).collect();
        Self { connectors: Arc::new(connectors), index: Arc::default() }
    }
}
