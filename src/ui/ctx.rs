//! What panels may read while a frame is painted. They change nothing; they ask with [`Ctx::send`].
use std::cell::RefCell;

use jiff::Timestamp;

use super::archive::Archive;
use super::command::UiCommand;
use super::document::{DocId, Document};
use super::home::Home;
use super::imports::Imports;
use super::keymap::Keymap;
use super::live::{Live, Play, Readiness};
use super::msg::{Msg, Room};
use super::offers::Offers;
use super::prefs::Prefs;
use crate::catalog::Catalog;

/// The open flows.
#[derive(Debug, Default)]
pub(crate) struct Docs {
    pub(crate) list: Vec<Document>,
    pub(crate) active: Option<DocId>,
    next: u64,
}

impl Docs {
    /// A number for a new tab.
    pub(crate) fn next_id(&mut self) -> DocId {
        self.next += 1;
        DocId(self.next)
    }

    pub(crate) fn get(&self, id: DocId) -> Option<&Document> {
        self.list.iter().find(|it| it.id == id)
    }

    pub(crate) fn get_mut(&mut self, id: DocId) -> Option<&mut Document> {
        self.list.iter_mut().find(|it| it.id == id)
    }

    /// The one in front.
    pub(crate) fn active(&self) -> Option<&Document> {
        self.get(self.active?)
    }
}

/// Everything that a panel may see.
pub(crate) struct Ctx<'a> {
    pub(crate) docs: &'a Docs,
    pub(crate) live: &'a Live,
    pub(crate) prefs: &'a Prefs,
    pub(crate) keys: &'a Keymap,
    pub(crate) catalog: &'a Catalog,
    pub(crate) room: Room,
    /// Nothing moves by itself.
    pub(crate) less_motion: bool,
    /// The palette or a question is in front and has the keyboard.
    pub(crate) asking: bool,
    pub(crate) now: Timestamp,
    /// What is on the disk of runs, to be asked.
    pub(crate) archive: &'a Archive,
    /// Live runs: what is on the disk of them, and what is told of them.
    pub(crate) served: (&'a Archive, &'a Live),
    /// What runs live.
    pub(crate) home: &'a Home,
    /// Services that are imported.
    pub(crate) imports: &'a Imports,
    /// Lists to choose from.
    pub(crate) offers: &'a Offers,
    pub(super) queue: &'a RefCell<Vec<Msg>>,
}

/// Why a command does nothing now, or that it does.
pub(crate) type Ability = Result<(), &'static str>;

impl Ctx<'_> {
    /// Asks for something; it is done before the next frame.
    pub(crate) fn send(&self, msg: Msg) {
        self.queue.borrow_mut().push(msg);
    }

    /// The run that is shown on a flow.
    pub(crate) fn play(&self, doc: &Document) -> Option<&Play> {
        if self.home.shows_live(doc.id) {
            return self.served.1.runs().find(|it| it.flow.is_of(&doc.flow().id));
        }
        self.live.run(doc.test.as_ref()?.run()?)
    }

    /// Whether what is in front runs live.
    pub(crate) fn shows_live(&self) -> bool {
        self.room == Room::Flows && self.docs.active.is_some_and(|it| self.home.shows_live(it))
    }

    /// Whether a test of the flow in front is under way.
    pub(crate) fn is_testing(&self, doc: &Document) -> bool {
        match &doc.test {
            Some(test) => test.run().is_none_or(|run| self.live.run(run).is_none_or(|it| it.outcome.is_none())),
            None => false,
        }
    }

    /// Whether a command can be done now.
    pub(crate) fn can(&self, command: UiCommand) -> Ability {
        let Some(doc) = self.docs.active().filter(|_| self.room == Room::Flows) else {
            return if command.needs_flow() { Err("Open a flow first.") } else { Ok(()) };
        };
        match command {
            UiCommand::Undo if doc.history().undo_label().is_none() => Err("Nothing was changed yet."),
            UiCommand::Redo if doc.history().redo_label().is_none() => Err("Nothing was taken back."),
            UiCommand::Save if doc.saving => Err("It is being saved."),
            UiCommand::Test | UiCommand::TestStep | UiCommand::TestToHere => match &self.live.behind {
                _ if self.shows_live() => match command {
                    UiCommand::Test => Ok(()),
                    _ => Err("Single steps are tested in the sandbox."),
                },
                _ if self.is_testing(doc) => Err("A test is under way."),
                Readiness::Ready(_) => Ok(()),
                Readiness::Starting => Err("The sandbox is starting."),
                Readiness::Unavailable(_) => Err("The sandbox cannot start; the status bar says why."),
            },
            UiCommand::GoLive if self.home.door.is_none() => Err("Flows are not there yet."),
            UiCommand::SwitchFlow if self.home.flow(&doc.flow().id).is_none() => Err("It is not live."),
            UiCommand::CancelTest if !self.is_testing(doc) => Err("No test is under way."),
            UiCommand::NextTab | UiCommand::PreviousTab if self.docs.list.len() < 2 => Err("Only one flow is open."),
            _ => Ok(()),
        }
    }

    /// The words of a command, with what it would undo or redo.
    pub(crate) fn title(&self, command: UiCommand) -> String {
        let doc = self.docs.active();
        let label = match command {
            UiCommand::Undo => doc.and_then(|it| it.history().undo_label()),
            UiCommand::Redo => doc.and_then(|it| it.history().redo_label()),
            _ => None,
        };
        label.unwrap_or_else(|| command.title().to_owned())
    }

    /// Whether a command that switches something is on; none for the others.
    pub(crate) fn is_on(&self, command: UiCommand, dock: &super::shell::Dock) -> Option<bool> {
        use super::theme::ThemeChoice;
        match command {
            UiCommand::ToggleMinimap => Some(self.prefs.minimap),
            UiCommand::ToggleOutline => Some(self.prefs.outline),
            UiCommand::ToggleSnap => Some(self.prefs.snap),
            UiCommand::ToggleMotion => Some(self.prefs.less_motion),
            UiCommand::ToggleInspector => Some(dock.is_shown(super::shell::Pane::Inspector)),
            UiCommand::ToggleLog => Some(dock.is_shown(super::shell::Pane::Log)),
            UiCommand::ThemeSystem => Some(self.prefs.theme == ThemeChoice::System),
            UiCommand::ThemeDark => Some(self.prefs.theme == ThemeChoice::Dark),
            UiCommand::ThemeLight => Some(self.prefs.theme == ThemeChoice::Light),
            _ => None,
        }
    }
}
