//! What panels ask for. They change nothing themselves; [`super::update`] does, before the next frame.
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Value;

use super::archive::{Deal, Exporting};
use super::behind::AccountJob;
use super::command::UiCommand;
use super::dialog::Answer;
use super::document::DocId;
use super::home::{Asked, HomeJob};
use super::prefs::OnClose;
use super::sandbox::Steer;
use super::theme::ThemeChoice;
use crate::catalog::ConnectorId;
use crate::chooser;
use crate::engine::{ConnectionId, Mode};
use crate::flow::{Each, Edit, FlowId, Gesture, NodeId};
use crate::run::{Release, RetryFrom, RunId, StepKey};
use crate::sandbox::{Deed, Seed, Snapshot, Undo};

/// One request.
#[derive(Debug)]
pub(crate) enum Msg {
    /// A command by its name.
    Do(UiCommand),
    /// Another part of the window.
    Go(Room),
    /// A change of a flow; one step of its history.
    Edit(DocId, Edit),
    /// A change that is part of a gesture, such as typing into one field.
    EditIn(DocId, Edit, Gesture),
    /// The gesture is over.
    EndGesture(DocId),
    /// Select these nodes, and bring them into view if asked.
    Select {
        doc: DocId,
        nodes: Vec<NodeId>,
        show: bool,
    },
    /// Another tab to the front.
    Activate(DocId),
    /// Close a tab; asks if something would be lost.
    Close(DocId),
    /// Read a file into a tab.
    OpenPath(PathBuf),
    /// A flow that ships, by its place in the gallery; and test it at once.
    OpenTemplate {
        index: usize,
        test: bool,
    },
    /// Text from the clipboard.
    Paste(String),
    /// What a person said to the question in front.
    Answer(Answer),
    /// The path that a person typed.
    Path(String),
    /// What a person said about a file that somebody else changed.
    Outside(DocId, OutsideAnswer),
    /// It was read.
    Dismiss(u64),
    /// Its button was pressed.
    TakeToast(u64),
    /// Bring a pane back.
    ShowPane(super::shell::Pane),
    SetTheme(ThemeChoice),
    SetScale(f32),
    SetOnClose(OnClose),
    /// Other keys for a command; none takes them away.
    SetKeys(UiCommand, Option<String>),
    /// The usual keys for all commands.
    ResetKeys,
    /// Forget the list of recent files.
    ForgetRecent,
    /// A step that waits for a person goes on.
    Release {
        run: RunId,
        step: StepKey,
        release: Release,
    },
    /// Show the form of a record of the sandbox, by its table's place; none is a new one.
    OpenRecord {
        table: usize,
        id: Option<String>,
    },
    /// Add, change or remove a record of the sandbox.
    ByHand {
        table: usize,
        deed: Box<Deed>,
    },
    /// What was done by hand was not meant.
    TakeBack(Undo),
    /// Switch something in the sandbox.
    Steer(Box<Steer>),
    /// The sandbox's records as they are at the start, so many.
    PlantSandbox(Seed),
    /// That is not wanted any more.
    StopPlanting,
    /// Back to what the sandbox held before.
    RestoreSandbox(Snapshot),
    /// From now on a step gives this in tests, without being done; none lets it be done again.
    Pin {
        doc: DocId,
        node: NodeId,
        output: Option<Arc<Value>>,
    },
    /// Make a service of documents; a person is asked which.
    ImportDocuments,
    /// Choose what a trigger watches.
    ChooseWatched {
        doc: DocId,
        node: NodeId,
        each: Each,
    },
    /// Choose the folder of a connection that is being made.
    ChooseFolder,
    /// The import is not wanted any more.
    CancelImport,
    /// Keep what was imported, under this name and title.
    KeepImport {
        name: String,
        title: String,
    },
    /// Take an imported service away; a person is asked first.
    RemoveConnector(ConnectorId),
    /// Read a list to choose from, or read it again.
    ReadChoices(chooser::Asked),
    /// Have something done about connections.
    Account(Box<AccountJob>),
    /// A live run, in the log over the whole window.
    OpenServed(RunId),
    /// A tab shows what runs live, or tests in the sandbox.
    ShowPlace {
        doc: DocId,
        live: bool,
    },
    /// Have something done about what runs live.
    Home(Box<HomeJob>),
    /// What a person said before a flow goes live.
    GoLive(Asked),
    /// Read the connections again.
    ListAccounts,
    /// Sign a connection in; a person sees first what is asked for.
    AskSignIn(ConnectionId),
    /// Take a connection away; a person is asked first.
    AskRemoveAccount(ConnectionId),
    /// The log over the whole window, with this run and step in front.
    OpenLog(Option<(RunId, Option<StepKey>)>),
    /// Look what the accounts of a flow lack, in the environment that is looked at.
    CheckFlow(FlowId),
    /// That is not wanted to be known any more.
    StopCheck(FlowId),
    /// Find out why a service refused a step of a run.
    Why {
        mode: Mode,
        run: RunId,
        step: StepKey,
        connection: Option<ConnectionId>,
    },
    /// That is not wanted to be known any more.
    CloseWhy,
    /// A connection, in its room.
    ShowConnection(ConnectionId),
    /// To the clipboard; what it is, for the words that say so.
    CopyText {
        text: String,
        what: &'static str,
    },
    /// Write runs to a file; a person is asked where.
    Export(Exporting),
    /// The export is not wanted any more.
    CancelExport,
    /// Have something done with dead letters.
    Letters {
        mode: Mode,
        deal: Deal,
    },
    /// Do a run again; a person is asked first where what it writes is real.
    Retry {
        mode: Mode,
        run: RunId,
        from: RetryFrom,
        /// As the flow is now; otherwise as it was then.
        current: bool,
    },
    /// The canvas of an open flow shows what happened in this run.
    ShowRun {
        doc: DocId,
        run: RunId,
    },
}

/// A part of the window, on the rail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Room {
    #[default]
    Flows,
    Templates,
    Catalog,
    Connections,
    Sandbox,
    Settings,
    Log,
    Live,
}

/// What then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OutsideAnswer {
    /// Take what is in the file, and drop what was changed here.
    Reload,
    /// Keep what is here; the next save writes over the file.
    Keep,
}
