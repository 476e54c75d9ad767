//! The window's state, and what happens in a frame: what came in is folded, what was asked for is done, then it is painted.
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender};
use std::time::Duration;

use eframe::egui::{self, Event, Ui, ViewportCommand};
use jiff::Timestamp;

use super::archive::Archive;
use super::behind::{Behind, Told, Wake, Waker};
use super::canvas::View;
use super::command::UiCommand;
use super::connections::Connections;
use super::crash;
use super::ctx::{Ctx, Docs};
use super::dialog::Dialog;
use super::document::{DocId, Document};
use super::draft::Drafts;
use super::files::{Dialogs, Files};
use super::home::{Home, HomeJob};
use super::imports::Imports;
use super::keymap::Keymap;
use super::live::Live;
use super::log::{Log, mark};
use super::motion::Motion;
use super::msg::{Msg, Room};
use super::names::{Lists, Names};
use super::offers::Offers;
use super::palette::Palette;
use super::prefs::Prefs;
use super::sandbox::{Tables, Wanted};
use super::shell::{self, Dock};
use super::template;
use super::theme;
use super::toast::{Toast, Toasts, Tone};
use super::turns::Turns;
use crate::catalog::Catalog;
use crate::engine::{Mode, private};
use crate::flow::Flow;

/// How long changed preferences wait for more changes before they are written.
const SETTLE: f64 = 1.5;
/// How soon it is looked whether the engine said how many runs wait.
const TURNS: Duration = Duration::from_millis(50);

/// Begins to listen to the system, among other things.
type OnceSeen = Box<dyn FnOnce(&egui::Context) -> Motion>;

/// The window.
pub(crate) struct App {
    pub(crate) docs: Docs,
    pub(crate) views: BTreeMap<DocId, View>,
    pub(crate) live: Live,
    pub(crate) prefs: Prefs,
    pub(super) keys: Keymap,
    pub(super) catalog: Catalog,
    pub(super) files: Files,
    pub(super) drafts: Drafts,
    /// The flows to open, until it is known what was open last.
    waiting: Option<Vec<PathBuf>>,
    pub(super) room: Room,
    pub(super) toasts: Toasts,
    pub(super) dialog: Option<Dialog>,
    pub(super) palette: Option<Palette>,
    pub(super) dock: Dock,
    pub(super) tables: Tables,
    pub(super) connections: Connections,
    /// What the system asks for.
    pub(super) motion: Motion,
    /// What begins once the first frame is on the screen, so that it comes sooner.
    pub(super) once_seen: Option<OnceSeen>,
    /// The window is to close once this is done.
    pub(super) leaving: bool,
    /// A person said that changes may be lost.
    pub(super) may_leave: bool,
    /// The test button is to have the keyboard, as at the first start.
    pub(super) focus_test: bool,
    told: Receiver<Told>,
    shown: Option<Sender<()>>,
    home: PathBuf,
    queue: RefCell<Vec<Msg>>,
    written: Prefs,
    changed_at: Option<f64>,
    applied: Option<(theme::ThemeChoice, bool, u32)>,
    had_focus: bool,
    /// The last one that a test was asked for with.
    pub(super) tickets: u64,
    turns: Turns,
    /// What is on the disk of runs in the sandbox.
    pub(super) archive: Archive,
    /// What is on the disk of live runs, and what is told of them.
    pub(super) served: (Archive, Live),
    /// What runs live, and who runs it.
    pub(crate) home_flows: Home,
    /// How they are looked at.
    pub(crate) log: Log,
    /// Lists to choose from.
    pub(crate) offers: Offers,
    /// What the chosen values of the flow in front are called, of which flow and from how many lists.
    names: Option<Named>,
    /// Services that are imported.
    pub(crate) imports: Imports,
    /// Where times come from; tests stop it.
    pub(super) clock: fn() -> Timestamp,
}

/// What the values of a flow are called, and what that was made from.
struct Named {
    flow: Arc<Flow>,
    lists: u64,
    ready: bool,
    names: Arc<Names>,
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").field("room", &self.room).field("docs", &self.docs.list.len()).finish_non_exhaustive()
    }
}

impl App {
    /// A window with these files in it, or with what was open last, or with a first flow.
    pub(crate) fn new(behind: Behind, dialogs: Box<dyn Dialogs>, waker: Waker, flows: &[PathBuf]) -> Self {
        let Behind { catalog, troubles, home, data, told, shown } = behind;
        let (prefs, trouble) = Prefs::load(&home);
        let wake = Wake(Arc::clone(&waker));
        let mut app = Self {
            docs: Docs::default(),
            views: BTreeMap::new(),
            live: Live::default(),
            keys: Keymap::new(&prefs.keys),
            catalog,
            drafts: Drafts::open(&home, u64::try_from(Timestamp::now().as_millisecond()).unwrap_or(0), Arc::clone(&waker)),
            archive: Archive::new(data, Arc::clone(&waker)),
            served: (Archive::new(home.clone(), Arc::clone(&waker)), Live::elsewhere()),
            home_flows: Home::default(),
            log: Log::default(),
            offers: Offers::default(),
            names: None,
            imports: Imports::new(&home, Arc::clone(&waker)),
            files: Files::new(dialogs, waker),
            waiting: Some(flows.to_vec()),
            room: Room::Flows,
            toasts: Toasts::default(),
            dialog: None,
            palette: None,
            dock: Dock::new(prefs.panels.as_ref()),
            tables: Tables::new(wake),
            connections: Connections::default(),
            motion: Motion::default(),
            once_seen: None,
            leaving: false,
            may_leave: false,
            focus_test: false,
            told,
            shown,
            home,
            queue: RefCell::new(Vec::new()),
            written: prefs.clone(),
            changed_at: None,
            applied: None,
            had_focus: true,
            tickets: 0,
            turns: Turns::default(),
            prefs,
            clock: Timestamp::now,
        };
        for words in troubles {
            let toast = Toast::new(Tone::Failed, "An imported service is left out of the catalogue");
            app.toasts.say(toast.detail(super::files::sentence(&words)), 0.0);
        }
        if let Some(words) = trouble {
            app.toasts.say(Toast::new(Tone::Failed, words), 0.0);
        }
        if let Some(report) = crash::untold(&app.home) {
            let words = format!("Your flows are as you left them. The report of the fault is {}.", report.display());
            app.toasts.say(Toast::new(Tone::Failed, "Flowyard ended by a fault of its own last time").detail(words), 0.0);
        }
        if let Some(words) = private::keep(&app.home) {
            app.toasts.say(Toast::new(Tone::Failed, "What Flowyard keeps here is not private").detail(words), 0.0);
        }
        app.hear_drafts(0.0);
        app
    }

    /// Brings back what was open, once it is read, and then what was asked for.
    fn hear_drafts(&mut self, now: f64) {
        if let Some(words) = self.drafts.failed() {
            self.toasts.say(Toast::new(Tone::Failed, "Changes are not kept").detail(words), now);
        }
        let Some(found) = self.waiting.as_ref().and_then(|_| self.drafts.found()) else { return };
        let flows = self.waiting.take().unwrap_or_default();
        for words in found.troubles {
            self.toasts.say(Toast::new(Tone::Failed, words), now);
        }
        let front = self.prefs.active.clone();
        for draft in found.drafts {
            let id = self.docs.next_id();
            let doc = Document::of_draft(id, draft);
            if let Some(kept) = doc.file.as_ref().filter(|_| doc.outside.is_none()) {
                self.files.watch(id, &kept.path, kept.stamp);
            }
            self.add_document(doc);
        }
        if let Some(doc) = self.docs.list.iter().find(|it| it.path().is_some() && it.path() == front.as_deref()).map(|it| it.id) {
            self.activate(doc);
        }
        for path in found.files {
            if !self.prefs.open.contains(&path) {
                self.prefs.open.push(path);
            }
        }
        self.begin(&flows);
    }

    fn begin(&mut self, flows: &[PathBuf]) {
        let mut wanted = flows.to_vec();
        if wanted.is_empty() {
            wanted.clone_from(&self.prefs.open);
        }
        for path in wanted {
            // What was asked for by name is read however it goes; what was open last only if it is still there.
            if self.docs.list.iter().any(|it| it.path() == Some(path.as_path())) {
                continue;
            }
            if !flows.is_empty() || path.exists() {
                self.files.read(path, None);
            }
        }
        if flows.is_empty() && self.prefs.open.is_empty() && self.docs.list.is_empty() {
            if self.prefs.welcomed {
                self.room = Room::Templates;
            } else {
                self.prefs.welcomed = true;
                self.focus_test = true;
                let first = template::all().iter().position(|it| it.first).unwrap_or(0);
                self.open_template(first);
            }
        }
    }

    /// Asks for something from outside of a frame.
    pub(crate) fn send(&self, msg: Msg) {
        self.queue.borrow_mut().push(msg);
    }

    /// One frame.
    pub(crate) fn frame(&mut self, ui: &mut Ui) {
        let ctx = ui.ctx().clone();
        match ctx.cumulative_frame_nr() {
            0 => ctx.request_repaint(),
            1 => {
                // For whoever measures the start, with FLOWYARD_LOG=info.
                tracing::info!("the first frame is on the screen");
                self.shown = None;
                if let Some(begin) = self.once_seen.take() {
                    self.motion = begin(&ctx);
                }
            }
            _ => {}
        }
        self.apply_look(&ctx);
        self.hear(&ctx);
        self.listen(&ctx);
        for msg in self.queue.take() {
            self.update(&ctx, msg);
        }
        for doc in &mut self.docs.list {
            doc.refresh(&self.catalog);
            doc.keep_draft(&mut self.drafts);
        }
        self.name_choices();
        if let Some(doc) = self.docs.active.and_then(|it| self.docs.get(it)) {
            self.home_flows.compare(doc.flow());
        }
        self.keep_connections_fresh();
        self.keep(&ctx);
        let shared = Ctx {
            docs: &self.docs,
            live: &self.live,
            prefs: &self.prefs,
            keys: &self.keys,
            catalog: &self.catalog,
            room: self.room,
            less_motion: self.less_motion(),
            asking: self.dialog.is_some() || self.palette.is_some(),
            now: (self.clock)(),
            archive: &self.archive,
            served: (&self.served.0, &self.served.1),
            home: &self.home_flows,
            offers: &self.offers,
            imports: &self.imports,
            queue: &self.queue,
        };
        let parts = shell::Parts {
            views: &mut self.views,
            dock: &mut self.dock,
            palette: &mut self.palette,
            tables: &mut self.tables,
            connections: &mut self.connections,
            dialog: self.dialog.as_ref(),
            toasts: &self.toasts,
            focus_test: std::mem::take(&mut self.focus_test),
            log: &mut self.log,
        };
        shell::show(ui, &shared, parts);
        if !self.queue.borrow().is_empty() {
            ctx.request_repaint();
        }
    }

    /// Names what was chosen in the flow in front, and asks once for the lists that name more.
    fn name_choices(&mut self) {
        let Some(doc) = self.docs.active() else { return };
        let connections = self.live.stage().map(|it| it.connections.as_slice()).unwrap_or_default();
        let (flow, lists, ready) = (doc.flow(), self.offers.version, !connections.is_empty());
        let known = self.names.as_ref().filter(|it| Arc::ptr_eq(&it.flow, flow) && it.lists == lists && it.ready == ready);
        let names = if let Some(known) = known {
            Arc::clone(&known.names)
        } else {
            let (names, missing) = Lists { offers: &self.offers, connections, catalog: &self.catalog }.names(flow);
            for it in missing {
                self.send(Msg::ReadChoices(it));
            }
            // The same names leave the cards as they are.
            let names = match &self.names {
                Some(known) if *known.names == names => Arc::clone(&known.names),
                _ => Arc::new(names),
            };
            self.names = Some(Named { flow: Arc::clone(flow), lists, ready, names: Arc::clone(&names) });
            names
        };
        if let Some(view) = self.docs.active.and_then(|it| self.views.get_mut(&it)) {
            view.call(&names);
        }
    }

    /// Whether a person or the system wants nothing to move by itself.
    fn less_motion(&self) -> bool {
        self.prefs.less_motion || self.motion.is_reduced()
    }

    /// Theme and scale, where they are not the ones that are shown.
    fn apply_look(&mut self, ctx: &egui::Context) {
        let less_motion = self.less_motion();
        let look = (self.prefs.theme, less_motion, self.prefs.scale.to_bits());
        if self.applied != Some(look) {
            self.applied = Some(look);
            theme::choose(ctx, self.prefs.theme, less_motion);
            ctx.set_zoom_factor(self.prefs.scale);
        }
    }

    /// What came from behind and from files.
    fn hear(&mut self, ctx: &egui::Context) {
        let now = ctx.input(|it| it.time);
        while let Ok(told) = self.told.try_recv() {
            if let Told::Started { ticket, result } = told {
                self.test_started(ctx, ticket, result);
            } else if let Told::Choices { ticket, result } = told {
                self.offers.told(ticket, result);
            } else if let Told::Accounts(door) = told {
                self.connections.door = Some(door);
            } else if let Told::HomeDoor(door) = told {
                self.home_flows.door = Some(door);
                self.home_flows.ask(HomeJob::AtLogin(None));
                self.home_flows.ask(HomeJob::Alerts(None));
            } else if let Told::Home(news) = told {
                self.home_told(ctx, *news);
            } else if let Told::Account(news) = told {
                self.account_told(ctx, *news);
            } else {
                let ready = matches!(told, Told::Ready(_));
                self.turns.heard();
                if let Some(failure) = self.live.take(told) {
                    self.toasts.say(Toast::failure(&failure), now);
                }
                if ready {
                    self.fill_as_last_time();
                }
            }
        }
        self.hear_turns(ctx);
        self.hear_drafts(now);
        while let Some(done) = self.files.next() {
            self.file_done(ctx, done);
        }
        while let Some(news) = self.archive.next() {
            self.archive_told(ctx, Mode::Sandbox, news);
        }
        while let Some(news) = self.served.0.next() {
            self.archive_told(ctx, Mode::Live, news);
        }
        self.hear_imports(ctx);
        self.hear_planting(ctx);
        self.hear_releases(ctx);
        self.tell_ends(ctx);
        if let Some(next) = self.toasts.tick(now) {
            ctx.request_repaint_after(Duration::from_secs_f64((next - now).max(0.0) + 0.01));
        }
    }

    /// How many runs wait for their turn.
    fn hear_turns(&mut self, ctx: &egui::Context) {
        let Some(stage) = self.live.stage() else { return };
        if let Some(waiting) = self.turns.keep_up(&stage.engine) {
            self.live.waiting = waiting;
        }
        if self.turns.is_asking() {
            ctx.request_repaint_after(TURNS);
        }
    }

    /// The sandbox begins with the few records that are there at once; a person may have chosen others.
    fn fill_as_last_time(&mut self) {
        let wanted = self.prefs.sandbox;
        if self.live.stage().is_some_and(|it| it.sandbox.seed() != wanted) {
            self.plant(Wanted::Size(wanted));
        }
    }

    /// What a person typed, dropped, or asked of the window itself.
    fn listen(&mut self, ctx: &egui::Context) {
        if ctx.input(|it| it.viewport().close_requested()) && !self.may_leave {
            let titles = self.unsaved();
            if titles.is_empty() {
                self.leave();
                if !self.may_leave {
                    ctx.send_viewport_cmd(ViewportCommand::CancelClose);
                }
            } else {
                ctx.send_viewport_cmd(ViewportCommand::CancelClose);
                self.dialog = Some(Dialog::Quit { titles });
            }
        }
        let dropped: Vec<PathBuf> =
            ctx.input_mut(|it| std::mem::take(&mut it.raw.dropped_files)).iter().map(|it| it.path().to_owned()).collect();
        for path in dropped {
            self.send(Msg::OpenPath(path));
        }
        let focused = ctx.input(|it| it.focused);
        if focused && !self.had_focus {
            self.files.look();
        }
        self.had_focus = focused;
        if self.dialog.is_some() || self.palette.is_some() {
            return;
        }
        for command in self.keys.typed(ctx) {
            self.send(Msg::Do(command));
        }
        if ctx.text_edit_focused() || mark::has_keyboard(ctx) {
            return;
        }
        let clipboard: Vec<Event> = ctx.input(|it| {
            it.events.iter().filter(|it| matches!(it, Event::Copy | Event::Cut | Event::Paste(_))).cloned().collect()
        });
        for event in clipboard {
            match event {
                Event::Copy => self.send(Msg::Do(UiCommand::Copy)),
                Event::Cut => self.send(Msg::Do(UiCommand::Cut)),
                Event::Paste(text) => self.send(Msg::Paste(text)),
                _ => {}
            }
        }
    }

    /// Writes the preferences once they have settled.
    fn keep(&mut self, ctx: &egui::Context) {
        if self.waiting.is_some() {
            // What was open is not known yet, and is not to be forgotten.
            return;
        }
        self.prefs.open = self.docs.list.iter().filter_map(|it| it.path().map(PathBuf::from)).collect();
        self.prefs.active = self.docs.active().and_then(|it| it.path().map(PathBuf::from));
        self.prefs.panels = self.dock.written();
        let (size, maximized) = ctx.input(|it| (it.viewport().inner_rect.map(|it| it.size()), it.viewport().maximized));
        self.prefs.maximized = maximized.unwrap_or(self.prefs.maximized);
        if let Some(size) = size.filter(|_| !self.prefs.maximized) {
            self.prefs.window = Some([size.x.round(), size.y.round()]);
        }
        if self.prefs == self.written {
            self.changed_at = None;
            return;
        }
        let now = ctx.input(|it| it.time);
        let since = *self.changed_at.get_or_insert(now);
        if now - since >= SETTLE {
            self.write_prefs(now);
        } else {
            ctx.request_repaint_after(Duration::from_secs_f64(SETTLE - (now - since) + 0.01));
        }
    }

    /// Writes them now.
    pub(crate) fn write_prefs(&mut self, now: f64) {
        self.written = self.prefs.clone();
        self.changed_at = None;
        if let Err(error) = self.prefs.save(&self.home) {
            let words = format!("Your settings cannot be saved in {}: {error}.", self.home.display());
            self.toasts.say(Toast::new(Tone::Failed, words), now);
        }
    }

    /// The titles of flows with changes that are in no file.
    pub(super) fn unsaved(&self) -> Vec<String> {
        self.docs.list.iter().filter(|it| it.is_dirty()).map(|it| it.title().to_owned()).collect()
    }
}

impl eframe::App for App {
    fn ui(&mut self, ui: &mut Ui, _: &mut eframe::Frame) {
        self.frame(ui);
        if self.leaving {
            ui.ctx().send_viewport_cmd(ViewportCommand::Close);
        }
    }

    fn clear_color(&self, visuals: &egui::Visuals) -> [f32; 4] {
        theme::of(visuals.dark_mode).bg.panel.to_normalized_gamma_f32()
    }

    fn on_exit(&mut self, _: Option<&eframe::glow::Context>) {
        if self.prefs != self.written {
            self.write_prefs(0.0);
        }
    }
}
