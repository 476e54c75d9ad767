//! Connections to services: which there are and how they fare, adding one, giving it another secret, signing in, trying it,
//! and taking it away.
//!
//! Lines, needs and drafts are plain data ([`rows`], [`needs`], [`draft`]), painted here. What is done goes out as
//! [`AccountJob`](super::behind::AccountJob)s, and comes back as [`AccountNews`](super::behind::AccountNews).
//!
//! Invariant: no frame reads a file, a keychain or a service.
//! Invariant: a secret that was typed is shown nowhere, and is forgotten once it is stored or not wanted.
mod details;
mod draft;
mod flows;
mod lacks;
mod locations;
mod needs;
mod paint;
mod pane;
mod rows;
mod signing;
pub(crate) mod slots;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use zeroize::Zeroizing;

pub(crate) use self::draft::Draft;
pub(crate) use self::paint::show;
pub(crate) use self::rows::Known;
use crate::accounts::{Asking, Entry, Location, Made};
use crate::engine::{Connection, ConnectionId};
use crate::flow::{Flow, FlowId};
use crate::record::Failure;
use crate::ui::behind::{DoAccount, Lacking, Listed, SignInStep};

/// How connections are looked at, and what is known of them.
pub(crate) struct Connections {
    /// Whom they are asked of; none until that is there.
    pub(crate) door: Option<DoAccount>,
    /// As they were read last.
    pub(crate) listed: Option<Result<Listed, Failure>>,
    /// They are being read.
    pub(crate) reading: bool,
    /// The open flows that they were read with; other ones need other things.
    pub(crate) flows: Vec<Arc<Flow>>,
    /// Something was changed since.
    pub(crate) stale: bool,
    pub(crate) known: BTreeMap<ConnectionId, Known>,
    pub(crate) chosen: Option<ConnectionId>,
    pub(crate) pane: Option<Pane>,
    /// What the page shows.
    pub(crate) tab: Tab,
    /// In which environment slots are looked at.
    pub(crate) environment: String,
    new_environment: String,
    /// What the accounts of a flow lack in an environment, or that it is being looked for.
    pub(crate) checks: BTreeMap<(FlowId, String), Checked>,
    query: String,
}

/// What the page shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Tab {
    /// The connections.
    #[default]
    Accounts,
    /// What the slots of flows stand for.
    Flows,
}

/// A look at what accounts lack.
#[derive(Debug, Default)]
pub(crate) struct Checked {
    pub(crate) ticket: u64,
    /// How many accounts were looked at, and of how many.
    pub(crate) done: usize,
    pub(crate) of: usize,
    /// None as long as it is under way.
    pub(crate) told: Option<Result<Lacking, Failure>>,
    /// What a person is asked to agree to, by its place among what is missing.
    pub(crate) asking: Vec<usize>,
    /// What was made; none as long as it is under way.
    pub(crate) made: BTreeMap<usize, Option<Result<Made, Failure>>>,
}

/// What is done beside the list.
#[derive(Debug)]
pub(crate) enum Pane {
    Add(Box<Draft>),
    Rename { id: ConnectionId, name: String },
    Rotate(Rotate),
    SignIn(Box<SignIn>),
    Locations(Locations),
}

/// Another secret.
pub(crate) struct Rotate {
    pub(crate) id: ConnectionId,
    pub(crate) user: String,
    pub(crate) secret: Zeroizing<String>,
    pub(crate) wrong: Option<String>,
    pub(crate) busy: bool,
}

/// The locations of an agency, of which some become connections.
#[derive(Debug)]
pub(crate) struct Locations {
    pub(crate) agency: ConnectionId,
    /// None as long as they are read.
    pub(crate) told: Option<Result<Vec<Location>, Failure>>,
    /// The ids of those that are wanted.
    pub(crate) wanted: BTreeSet<String>,
    query: String,
    pub(crate) busy: bool,
}

impl Locations {
    pub(crate) fn new(agency: ConnectionId) -> Self {
        Self { agency, told: None, wanted: BTreeSet::new(), query: String::new(), busy: false }
    }
}

/// A sign-in under way.
#[derive(Debug)]
pub(crate) struct SignIn {
    pub(crate) id: ConnectionId,
    /// What it is going to ask for; none until that is known.
    pub(crate) asks: Option<Result<Asking, Failure>>,
    /// What a person types to be asked for beside that.
    pub(crate) more: String,
    /// A person has seen what is asked for, and goes on.
    pub(crate) begun: bool,
    /// None until the service's page is known.
    pub(crate) step: Option<SignInStep>,
    /// The address that the browser was sent to; it is of this sign-in alone.
    pub(crate) url: String,
    /// Whether a person has to bring something back, and where the browser shows it.
    pub(crate) paste: bool,
    pub(crate) back: String,
    pub(crate) pasted: Zeroizing<String>,
    /// Why it has ended without tokens.
    pub(crate) failed: Option<Failure>,
}

impl Default for Connections {
    fn default() -> Self {
        Self {
            door: None,
            listed: None,
            reading: false,
            flows: Vec::new(),
            stale: false,
            known: BTreeMap::new(),
            chosen: None,
            pane: None,
            tab: Tab::default(),
            environment: Connection::LIVE.to_owned(),
            new_environment: String::new(),
            checks: BTreeMap::new(),
            query: String::new(),
        }
    }
}

impl std::fmt::Debug for Connections {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connections").field("chosen", &self.chosen).finish_non_exhaustive()
    }
}

// It holds a secret.
impl std::fmt::Debug for Rotate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rotate").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Rotate {
    pub(crate) fn new(id: ConnectionId) -> Self {
        Self { id, user: String::new(), secret: draft::empty_secret(), wrong: None, busy: false }
    }
}

impl SignIn {
    pub(crate) fn new(id: ConnectionId) -> Self {
        Self {
            id,
            asks: None,
            more: String::new(),
            begun: false,
            step: None,
            url: String::new(),
            paste: false,
            back: String::new(),
            pasted: draft::empty_secret(),
            failed: None,
        }
    }
}

impl Connections {
    /// What is typed of a connection that is being made.
    pub(crate) fn draft_mut(&mut self) -> Option<&mut Draft> {
        match &mut self.pane {
            Some(Pane::Add(draft)) => Some(draft),
            _ => None,
        }
    }

    /// What was read last, if it could be.
    pub(crate) fn read(&self) -> Option<&Listed> {
        self.listed.as_ref()?.as_ref().ok()
    }

    pub(crate) fn entry(&self, id: &ConnectionId) -> Option<&Entry> {
        self.read()?.entries.iter().find(|it| it.connection.id == *id)
    }

    /// What a person calls it.
    pub(crate) fn name(&self, id: &ConnectionId) -> String {
        self.entry(id).map_or_else(|| id.to_string(), |it| it.connection.name.clone())
    }

    /// What is being done with one, in words; none once it is done.
    pub(crate) fn busy(&mut self, id: &ConnectionId, words: Option<&'static str>) {
        self.known.entry(id.clone()).or_default().busy = words;
    }
}
