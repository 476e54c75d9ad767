//! The window's door to what runs behind it. Whoever opens the window starts engine and sandbox on a runtime of its own and
//! hands in plain handles; the window never waits for them.
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender};

use serde_json::Value;
use zeroize::Zeroizing;

use super::home::{DoHome, HomeNews};
use crate::accounts::why::Why;
use crate::accounts::{self, Asking, Bindings, Had, Lack, Location, Made};
use crate::catalog::{Catalog, ConnectorId};
use crate::chooser::Asked;
use crate::engine::{self, Connection, ConnectionId, Deployment, Effective, Given, Look, Mode};
use crate::flow::{Flow, FlowId, NodeId, SlotId};
use crate::record::Failure;
use crate::run::{Release, RunId, StepKey};
use crate::sandbox;

/// Asks the window for a frame, from any thread: something is there to be read.
pub type Waker = Arc<dyn Fn() + Send + Sync>;

/// A waker that can be shown.
#[derive(Clone)]
pub(crate) struct Wake(pub(crate) Waker);

impl fmt::Debug for Wake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Waker")
    }
}

/// Starts a run, away from the frame; what comes of it is [`Told::Started`], and then all that happens in it, without loss.
pub type StartRun = Box<dyn Fn(Start) + Send>;

/// Reads a list to choose from, away from the frame; what comes of it is [`Told::Choices`].
pub type ReadChoices = Box<dyn Fn(Read) + Send>;

/// Does something about connections, away from the frame; what comes of it is [`Told::Account`].
pub type DoAccount = Box<dyn Fn(AccountJob) + Send>;

/// Something to be done about connections.
pub enum AccountJob {
    /// Read them all, and what flows need of them.
    List(Flows),
    /// A slot of a flow stands for these from now on; for none it is not bound.
    Bind {
        /// Which flow.
        flow: FlowId,
        /// In which environment.
        environment: String,
        /// Which slot.
        slot: SlotId,
        /// What it stands for.
        connections: Vec<ConnectionId>,
    },
    /// Look what the accounts of a flow lack of what was chosen by name.
    Check {
        /// Comes back with the answer.
        ticket: u64,
        /// Which flow.
        flow: FlowId,
        /// In which environment.
        environment: String,
        /// Where it is.
        known: Flows,
    },
    /// That is not wanted to be known any more.
    StopCheck(u64),
    /// Make what accounts lack: each with its place among what is missing.
    Make {
        /// The one of [`AccountJob::Check`].
        ticket: u64,
        /// What a person agreed to.
        lacks: Vec<(usize, Lack)>,
    },
    /// Add one.
    Add {
        /// As its line in the file of connections has it.
        fields: serde_json::Map<String, Value>,
        /// Its secret, where it needs one.
        given: Option<accounts::Given>,
    },
    /// Try it by a cheap read.
    Test(ConnectionId),
    /// Call it otherwise.
    Rename(ConnectionId, String),
    /// Give it another secret.
    Rotate(ConnectionId, accounts::Given),
    /// Say what a sign-in would ask for.
    Asks {
        /// Which connection.
        id: ConnectionId,
        /// Where the flows are that may run on it.
        known: Flows,
    },
    /// Sign in, in a browser or as a service account; for these scopes, or for those of its settings.
    SignIn(ConnectionId, Option<Box<Asking>>),
    /// What a person brought back from the browser.
    Paste(ConnectionId, Zeroizing<String>),
    /// The sign-in is not wanted any more.
    CancelSignIn(ConnectionId),
    /// Read which locations an agency has.
    Locations(ConnectionId),
    /// Make connections of locations of an agency.
    AddLocations(ConnectionId, Vec<Location>),
    /// Take it away, with its secret.
    Remove(ConnectionId),
    /// Find out why a service refused a step.
    Why {
        /// Comes back with the answer.
        ticket: u64,
        /// Which log the run is in.
        mode: Mode,
        /// The run.
        run: RunId,
        /// Its step.
        step: StepKey,
        /// The connection that it used, where a person had to say.
        connection: Option<ConnectionId>,
    },
    /// Why is not wanted to be known any more.
    StopWhy(u64),
    /// A step of a live run that waits for a person goes on.
    Release {
        /// The run.
        run: RunId,
        /// Its step.
        step: StepKey,
        /// What a person said.
        release: Release,
    },
}

/// What came of it.
#[derive(Debug)]
pub enum AccountNews {
    /// They were read.
    Listed(Result<Listed, Failure>),
    /// A slot stands for something else; what it was bound to before.
    Bound {
        /// Which flow.
        flow: FlowId,
        /// In which environment.
        environment: String,
        /// Which slot.
        slot: SlotId,
        /// What it stands for now.
        connections: Vec<ConnectionId>,
        /// What it was bound to before.
        before: Result<Vec<ConnectionId>, Failure>,
    },
    /// How many accounts were looked at for what they lack.
    Checking {
        /// The one of [`AccountJob::Check`].
        ticket: u64,
        /// So many.
        done: usize,
        /// Of so many.
        of: usize,
    },
    /// What accounts lack.
    Checked {
        /// The one of [`AccountJob::Check`].
        ticket: u64,
        /// Each value that was chosen by name, on each account, and how what is missing can be made.
        result: Result<Lacking, Failure>,
    },
    /// Something that an account lacked was made, or was not.
    Made {
        /// The one of [`AccountJob::Check`].
        ticket: u64,
        /// Which of what was missing.
        at: usize,
        /// What came of it.
        result: Result<Made, Failure>,
    },
    /// One was added.
    Added(Result<Connection, Failure>),
    /// It was tried.
    Tested(ConnectionId, Result<accounts::Probed, Failure>),
    /// It is called otherwise.
    Renamed(ConnectionId, Result<(), Failure>),
    /// It has another secret; so many steps that waited for it went on.
    Rotated(ConnectionId, Result<usize, Failure>),
    /// What a sign-in would ask for.
    Asks(ConnectionId, Result<Asking, Failure>),
    /// How far a sign-in is.
    SigningIn(ConnectionId, SignInStep),
    /// A sign-in has ended; so many steps that waited for it went on.
    SignedIn(ConnectionId, Result<usize, Failure>),
    /// Which locations an agency has.
    Locations(ConnectionId, Result<Vec<Location>, Failure>),
    /// So many connections were made of locations of an agency.
    LocationsAdded(ConnectionId, Result<usize, Failure>),
    /// What is used of the budgets has changed; of connections whose services have no known limit nothing is told.
    Budgets(BTreeMap<ConnectionId, Spent>),
    /// It is gone.
    Removed(ConnectionId, Result<accounts::Removed, Failure>),
    /// Why a service refused a step.
    Why {
        /// The one of [`AccountJob::Why`].
        ticket: u64,
        /// What was found out.
        result: Result<WhyTold, Failure>,
    },
    /// A step of a live run goes on, or why it does not.
    Released(Result<Effective, Failure>),
}

/// What was found out of a refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WhyTold {
    /// What was looked at, and the cause.
    Looked {
        /// The connection that the step used.
        connection: Box<Connection>,
        /// What its service calls itself.
        service: String,
        /// What was found.
        why: Box<Why>,
    },
    /// Any of these can have made the call: a person has to say which.
    Which(Vec<Connection>),
}

/// How far a sign-in is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignInStep {
    /// The browser is to go to this address, which is of this sign-in alone.
    Open {
        /// Where.
        url: String,
        /// Where it comes back to.
        back: String,
        /// Whether a person has to bring back what the browser shows then.
        paste: bool,
    },
    /// What was pasted is no answer to this sign-in.
    NotTaken,
    /// The service has answered, and is asked for the tokens.
    Answered,
}

/// Each value that was chosen by name, on each account; and what is missing, with how it can be made.
pub(crate) type Lacking = (Vec<Had>, Vec<Lack>);

/// Flows that may use connections.
#[derive(Debug, Clone, Default)]
pub struct Flows {
    /// Those that are open.
    pub open: Vec<Arc<Flow>>,
    /// The files of others.
    pub files: Vec<PathBuf>,
}

/// What is used of a connection's budget.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spent {
    /// What the service is called, or the connection where there are several to it.
    pub name: String,
    /// What is used of it.
    pub budget: accounts::Budget,
}

/// All connections, and what flows need of them.
#[derive(Debug, Clone, Default)]
pub struct Listed {
    /// The connections.
    pub entries: Vec<accounts::Entry>,
    /// The flows that are known.
    pub flows: Vec<Needs>,
    /// What slots are bound to.
    pub bindings: Bindings,
    /// When services were last looked at for what they do not tell.
    pub looks: Vec<Look>,
    /// Where their secrets are kept, in words.
    pub kept_in: &'static str,
}

/// What a flow needs of the services.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needs {
    /// Which flow.
    pub flow: FlowId,
    /// What a person calls it.
    pub name: String,
    /// By slot: the service, and the scopes that its steps need there.
    pub slots: BTreeMap<SlotId, (ConnectorId, BTreeSet<String>)>,
}

/// A list to read.
#[derive(Debug)]
pub struct Read {
    /// Comes back with the answer.
    pub ticket: u64,
    /// Which.
    pub asked: Asked,
}

/// A run to start.
#[derive(Debug)]
pub struct Start {
    /// Comes back with the answer.
    pub ticket: u64,
    /// What is made known to the engine for it: flows that it calls, and last the one that runs.
    pub flows: Vec<Deployment>,
    /// Where it begins.
    pub trigger: NodeId,
    /// What the trigger gives.
    pub payload: Value,
    /// Steps that are taken as done.
    pub given: Vec<Given>,
}

/// What the window has from its first frame on.
pub struct Behind {
    /// What can be called.
    pub catalog: Catalog,
    /// Why some imported services are not among it.
    pub troubles: Vec<String>,
    /// Where preferences are kept.
    pub home: PathBuf,
    /// Where runs in the sandbox are logged.
    pub data: PathBuf,
    /// What comes from behind, in order.
    pub told: Receiver<Told>,
    /// Dropped once the first frame is on the screen: until then the window has the machine for itself.
    pub shown: Option<Sender<()>>,
}

/// What comes from behind.
pub enum Told {
    /// Engine and sandbox are up.
    Ready(Box<Stage>),
    /// They cannot start; why.
    Unavailable(Failure),
    /// Something happened. A run that this window started is told twice: once among all others, of which some may be lost,
    /// and once on its own, without loss.
    Event {
        /// What happened.
        event: engine::Event,
        /// Whether it is told without loss.
        own: bool,
    },
    /// A run that this window asked for is on disk, or could not begin.
    Started {
        /// The one of [`Start`].
        ticket: u64,
        /// Its number.
        result: Result<RunId, Failure>,
    },
    /// A list to choose from was read, or could not be.
    Choices {
        /// The one of [`Read`].
        ticket: u64,
        /// The answer of the operation that lists them.
        result: Result<Value, Failure>,
    },
    /// Connections can be asked about.
    Accounts(DoAccount),
    /// Something came of it.
    Account(Box<AccountNews>),
    /// What runs live can be asked about.
    HomeDoor(DoHome),
    /// Something came of it, or happened there.
    Home(Box<HomeNews>),
    /// So many events came too fast and are lost.
    Missed(u64),
}

/// Engine and sandbox.
pub struct Stage {
    /// Runs flows in the sandbox.
    pub engine: engine::Handle,
    /// Imitates the services.
    pub sandbox: sandbox::Handle,
    /// The connections to the sandbox.
    pub connections: Vec<Connection>,
    /// Starts a run.
    pub start: StartRun,
    /// Reads a list to choose from.
    pub read: ReadChoices,
}

impl fmt::Debug for Behind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Behind").field("home", &self.home).finish_non_exhaustive()
    }
}

impl fmt::Debug for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ready(_) => f.write_str("Ready"),
            Self::Unavailable(failure) => f.debug_tuple("Unavailable").field(failure).finish(),
            Self::Event { event, own } => f.debug_struct("Event").field("event", event).field("own", own).finish(),
            Self::Started { ticket, result } => {
                f.debug_struct("Started").field("ticket", ticket).field("result", result).finish()
            }
            Self::Choices { ticket, .. } => f.debug_struct("Choices").field("ticket", ticket).finish_non_exhaustive(),
            Self::Accounts(_) => f.write_str("Accounts"),
            Self::Account(news) => f.debug_tuple("Account").field(news).finish(),
            Self::HomeDoor(_) => f.write_str("HomeDoor"),
            Self::Home(news) => f.debug_tuple("Home").field(news).finish(),
            Self::Missed(count) => f.debug_tuple("Missed").field(count).finish(),
        }
    }
}

impl AccountJob {
    /// Whose it is; none where it is about all of them, or about a new one.
    pub fn connection(&self) -> Option<&ConnectionId> {
        match self {
            Self::List(_)
            | Self::Bind { .. }
            | Self::Check { .. }
            | Self::StopCheck(_)
            | Self::Make { .. }
            | Self::Add { .. }
            | Self::Why { .. }
            | Self::StopWhy(_)
            | Self::Release { .. } => None,
            Self::Test(id)
            | Self::Rename(id, _)
            | Self::Rotate(id, _)
            | Self::Asks { id, .. }
            | Self::SignIn(id, _)
            | Self::Paste(id, _)
            | Self::CancelSignIn(id)
            | Self::Locations(id)
            | Self::AddLocations(id, _)
            | Self::Remove(id) => Some(id),
        }
    }
}

// Some hold a secret.
impl fmt::Debug for AccountJob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccountJob").field("connection", &self.connection()).finish_non_exhaustive()
    }
}

impl Needs {
    /// What a flow needs.
    pub fn of(flow: &Flow, catalog: &Catalog) -> Self {
        let mut slots: BTreeMap<SlotId, (ConnectorId, BTreeSet<String>)> =
            flow.slots.iter().map(|(slot, connector)| (slot.clone(), (connector.clone(), BTreeSet::new()))).collect();
        for it in flow.scopes(catalog) {
            if let Some((_, needed)) = slots.get_mut(&it.slot) {
                needed.insert(it.scope);
            }
        }
        Self { flow: flow.id.clone(), name: flow.name.clone(), slots }
    }
}

impl fmt::Debug for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stage").field("sandbox", &self.sandbox.url()).finish_non_exhaustive()
    }
}
