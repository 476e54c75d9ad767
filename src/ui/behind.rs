//! The window's door to what runs behind it. Whoever opens the window starts engine and sandbox on a runtime of its own and
//! hands in plain handles; the window never waits for them.
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender};

use serde_json::Value;

use crate::catalog::Catalog;
use crate::chooser::Asked;
use crate::engine::{self, Connection, Deployment, Given};
use crate::flow::NodeId;
use crate::record::Failure;
use crate::run::RunId;
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
    /// Where runs are logged.
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
            Self::Missed(count) => f.debug_tuple("Missed").field(count).finish(),
        }
    }
}

impl fmt::Debug for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stage").field("sandbox", &self.sandbox.url()).finish_non_exhaustive()
    }
}
