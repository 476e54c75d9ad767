//! What a person asks of what runs live, and what is told of it.
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Value;

use crate::engine::alert::{Alerts, Tried};
use crate::engine::plan::Plan;
use crate::engine::{ConnectionId, Event};
use crate::flow::{Flow, FlowId, NodeId};
use crate::published::{Entry, Evidence};
use crate::record::Failure;
use crate::run::RunId;

/// Does something about what runs live, away from the frame; what comes of it is [`HomeNews`].
pub type DoHome = Box<dyn Fn(HomeJob) + Send>;

/// Something to be done.
#[derive(Debug)]
pub enum HomeJob {
    /// Find out what speaks for a flow that is to go live.
    Evidence {
        /// Comes back with the answer.
        ticket: u64,
        /// As it is.
        flow: Arc<Flow>,
    },
    /// Find out what a flow would write: what reads is sent, what writes is shown.
    Plan {
        /// Comes back with the answer.
        ticket: u64,
        /// As it is.
        flow: Arc<Flow>,
    },
    /// Make a flow live as it is, and switch it on.
    Publish {
        /// As it is.
        flow: Arc<Flow>,
        /// The file that it is in, if it was saved.
        file: Option<PathBuf>,
        /// Whether it is switched on; else it stays off.
        on: bool,
    },
    /// Switch a published flow on or off.
    Switch {
        /// Which.
        flow: FlowId,
        /// Whether its triggers start runs.
        on: bool,
    },
    /// A flow is live no more: it is tested in the sandbox only.
    Withdraw(FlowId),
    /// Hold back what triggers start of a flow, or let it begin.
    Pause {
        /// Which.
        flow: FlowId,
        /// Whether to hold back.
        paused: bool,
    },
    /// Start a live flow by hand, as it is live.
    Run {
        /// Which.
        flow: FlowId,
        /// Where it begins.
        trigger: NodeId,
        /// What the trigger gives.
        payload: Value,
    },
    /// Say what alerts are chosen; with some, choose these before.
    Alerts(Option<Alerts>),
    /// Tell a test alert.
    TestAlert,
    /// Look at every service at once for what is new.
    Look,
    /// Say how many starts of each flow wait for their turn.
    Waiting,
    /// Once the window is closed, flows go on without it.
    Stay,
    /// Start with the computer, or not any more; none asks whether it does.
    AtLogin(Option<bool>),
}

impl HomeJob {
    /// Whether it changes which flows are on, or what of them is live.
    pub fn changes_what_is_on(&self) -> bool {
        matches!(self, Self::Publish { .. } | Self::Switch { .. } | Self::Withdraw(_))
    }
}

/// What came of it, or happened by itself.
#[derive(Debug)]
pub enum HomeNews {
    /// Who runs what is on.
    At(Place),
    /// The flows that were published, and why some of what is on does not run.
    Flows {
        /// Each with what is live of it.
        flows: BTreeMap<FlowId, LiveFlow>,
        /// Why.
        failures: Vec<Failure>,
    },
    /// How many starts of each flow wait for their turn.
    Waiting(BTreeMap<FlowId, u64>),
    /// What speaks for a flow that is to go live.
    Evidence {
        /// The one of [`HomeJob::Evidence`].
        ticket: u64,
        /// What was found.
        result: Result<Box<Evidence>, Failure>,
    },
    /// What a flow would write.
    Planned {
        /// The one of [`HomeJob::Plan`].
        ticket: u64,
        /// What was found.
        result: Result<Box<Plan>, Failure>,
    },
    /// Something that was asked for is done, or cannot be.
    Done {
        /// What.
        what: Deed,
        /// Why not.
        result: Result<(), Failure>,
    },
    /// Whether flows are started with the computer, without the window.
    AtLogin(Result<bool, Failure>),
    /// What alerts are chosen.
    Alerts(Result<KnownAlerts, Failure>),
    /// What came of a test alert, by each way.
    AlertTried(Result<Vec<Tried>, Failure>),
    /// Somebody clicked on a notification, about this run or about none.
    Clicked(Option<RunId>),
    /// Something happened in a live run.
    Event(Event),
    /// The computer slept, or Flowyard was not running; what was made up for, in words.
    Woke(String),
}

/// What alerts are chosen, and what can be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownAlerts {
    /// What is chosen.
    pub chosen: Alerts,
    /// The connections to mail servers, each with its name.
    pub mails: Vec<(ConnectionId, String)>,
}

/// What a person asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    /// A flow is live and on, or off.
    Published {
        /// Which.
        name: String,
        /// Whether it is on.
        on: bool,
    },
    /// It was switched.
    Switched {
        /// Which.
        name: String,
        /// To what.
        on: bool,
    },
    /// It is live no more; what was live of it, to be taken back.
    Withdrawn {
        /// What was known of it.
        before: Box<LiveFlow>,
    },
    /// It holds back, or begins again.
    Paused {
        /// Which.
        name: String,
        /// Whether it holds back.
        paused: bool,
    },
    /// A live flow was started by hand.
    Started(RunId),
    /// Services are looked at.
    Looks,
}

/// Who runs what is on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Place {
    /// It is not known yet.
    #[default]
    Starting,
    /// Nothing is on, and nothing is unfinished.
    Nowhere,
    /// This window.
    Here {
        /// Where webhooks come in.
        address: Option<std::net::SocketAddr>,
    },
    /// Another Flowyard on this computer: a service, or another window.
    Elsewhere,
    /// Nobody; why.
    Failed(Failure),
}

/// A flow that was published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveFlow {
    /// What is known of it.
    pub entry: Entry,
    /// What is live of it; none where its copy cannot be read.
    pub flow: Option<Arc<Flow>>,
    /// Whether what triggers start is held back.
    pub paused: bool,
}
