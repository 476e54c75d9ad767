//! A window without a display: frames are painted into nothing, controls are found by their names.
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use eframe::egui::accesskit::Role;
use eframe::egui::{Event, Key, Modifiers, PointerButton, Pos2, Rect, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use crate::catalog::Catalog;
use crate::catalog::disk::Shelf;
use crate::flow::{Flow, NodeId};
use crate::ui::app::App;
use crate::ui::behind::{Behind, Told, Waker};
use crate::ui::document::Document;
use crate::ui::files::Dialogs;
use crate::ui::theme;

/// The longest that a test waits for a thread.
const PATIENCE: Duration = Duration::from_mins(1);
/// The longest between two frames while it waits.
const FRAME: Duration = Duration::from_millis(15);

/// A window, and what is behind it.
pub(super) struct Desk {
    pub(super) window: Harness<'static, App>,
    pub(super) home: Arc<tempfile::TempDir>,
    pub(super) told: Sender<Told>,
    pub(super) answers: Answers,
    woken: Receiver<()>,
    pub(super) waker: Waker,
}

/// What the dialogs will say, in order.
#[derive(Clone, Default)]
pub(super) struct Answers(Arc<Mutex<VecDeque<Vec<PathBuf>>>>, Arc<AtomicBool>);

impl Answers {
    pub(super) fn push(&self, path: &Path) {
        self.0.lock().unwrap().push_back(vec![path.to_owned()]);
    }

    /// The system has no dialogs.
    pub(super) fn are_missing(&self) {
        self.1.store(true, Ordering::Relaxed);
    }

    fn next(&self) -> Vec<PathBuf> {
        self.0.lock().unwrap().pop_front().unwrap_or_default()
    }
}

impl Dialogs for Answers {
    fn available(&self) -> bool {
        !self.1.load(Ordering::Relaxed)
    }

    fn open(&mut self) -> std::pin::Pin<Box<dyn Future<Output = Vec<PathBuf>> + Send>> {
        let paths = self.next();
        Box::pin(async { paths })
    }

    fn save(&mut self, _: &str, _: Option<&Path>) -> std::pin::Pin<Box<dyn Future<Output = Vec<PathBuf>> + Send>> {
        let paths = self.next();
        Box::pin(async { paths })
    }

    fn documents(&mut self) -> std::pin::Pin<Box<dyn Future<Output = Vec<PathBuf>> + Send>> {
        let paths = self.next();
        Box::pin(async { paths })
    }

    fn folder(&mut self) -> std::pin::Pin<Box<dyn Future<Output = Vec<PathBuf>> + Send>> {
        let paths = self.next();
        Box::pin(async { paths })
    }

    fn table(&mut self) -> std::pin::Pin<Box<dyn Future<Output = Vec<PathBuf>> + Send>> {
        let paths = self.next();
        Box::pin(async { paths })
    }

    fn export(&mut self, _: &str, _: &str) -> std::pin::Pin<Box<dyn Future<Output = Vec<PathBuf>> + Send>> {
        let paths = self.next();
        Box::pin(async { paths })
    }
}

impl Desk {
    /// A first start.
    pub(super) fn first() -> Self {
        Self::at(Arc::new(tempfile::tempdir().unwrap()), &[])
    }

    /// A start with this flow in front.
    pub(super) fn with(flow: &Flow) -> Self {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("flow.flowyard");
        crate::flow::disk::save(flow, &path).unwrap();
        let mut desk = Self::at(Arc::new(home), &[path]);
        desk.until("the flow is open", |app| !app.docs.list.is_empty());
        desk.run();
        desk
    }

    /// A start in a data directory, with these files.
    pub(super) fn at(home: Arc<tempfile::TempDir>, flows: &[PathBuf]) -> Self {
        let (told, receiver) = mpsc::channel();
        let (wake, woken) = mpsc::channel();
        let wake = Mutex::new(wake);
        let waker: Waker = Arc::new(move || wake.lock().unwrap().send(()).unwrap_or_default());
        let data = home.path().join("sandbox");
        let shelved = Shelf::of(home.path()).read();
        let troubles = shelved.broken.iter().map(ToString::to_string).collect();
        let behind = Behind {
            catalog: Catalog::shipped().with(shelved.connectors),
            troubles,
            home: home.path().to_owned(),
            data,
            told: receiver,
            shown: None,
        };
        let answers = Answers::default();
        let app = App::new(behind, Box::new(answers.clone()), Arc::clone(&waker), flows);
        let window = Harness::builder()
            .with_size(vec2(1280.0, 800.0))
            .with_pixels_per_point(1.0)
            .with_max_steps(60)
            .with_step_dt(1.0 / 60.0)
            .with_os(eframe::egui::os::OperatingSystem::Nix)
            .with_context_setup(theme::install)
            .build_ui_state(
                |ui, app: &mut App| {
                    // As the window is cleared.
                    ui.painter().rect_filled(ui.max_rect(), 0.0, theme::colors(ui).bg.panel);
                    app.frame(ui);
                },
                app,
            );
        Self { window, home, told, answers, woken, waker }
    }

    pub(super) fn run(&mut self) {
        // What moves on its own never settles, and need not.
        self.window.run_ok();
    }

    pub(super) fn step(&mut self) {
        self.window.step();
    }

    /// Paints frames until something holds; between them it waits for whoever wakes the window.
    pub(super) fn until(&mut self, what: &str, holds: impl Fn(&App) -> bool) {
        let begun = Instant::now();
        self.window.step();
        while !holds(self.window.state()) {
            // What the window does by itself a little later needs frames, in which its time passes.
            self.woken.recv_timeout(FRAME).ok();
            assert!(begun.elapsed() < PATIENCE, "never: {what}");
            self.window.step();
        }
        self.run();
    }

    /// Paints frames until a control of this name is there.
    pub(super) fn until_shown(&mut self, name: &str) {
        let until = Instant::now() + PATIENCE;
        while !self.has(name) {
            assert!(Instant::now() < until, "it never came: {name}");
            self.woken.recv_timeout(FRAME).ok();
            self.step();
        }
        self.run();
    }

    /// What a card says to those who do not see it, beside its name.
    pub(super) fn description(&self, name: &str) -> String {
        let card = self.window.get_by_role_and_label(Role::Button, name);
        card.accesskit_node().description().unwrap_or_default()
    }

    pub(super) fn doc(&self) -> &Document {
        self.window.state().docs.active().expect("an open flow")
    }

    pub(super) fn flow(&self) -> &Flow {
        self.doc().flow()
    }

    pub(super) fn selected(&self) -> Vec<String> {
        let app = self.window.state();
        let view = &app.views[&app.docs.active.unwrap()];
        view.selection.nodes.iter().map(NodeId::to_string).collect()
    }

    /// Presses a control.
    pub(super) fn press(&mut self, name: &str) {
        self.window.get_by_label(name).click();
        self.run();
    }

    /// Presses a control of a role, where a name alone does not say which.
    pub(super) fn press_button(&mut self, name: &str) {
        self.window.get_by_role_and_label(Role::Button, name).click();
        self.run();
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.window.query_all_by_label(name).next().is_some()
    }

    pub(super) fn has_containing(&self, name: &str) -> bool {
        self.window.query_all_by_label_contains(name).next().is_some()
    }

    /// Where a card is on the screen.
    pub(super) fn card(&self, name: &str) -> Rect {
        self.window.get_by_role_and_label(Role::Button, name).rect()
    }

    pub(super) fn key(&mut self, modifiers: Modifiers, key: Key) {
        self.window.key_press_modifiers(modifiers, key);
        self.run();
    }

    pub(super) fn type_text(&mut self, text: &str) {
        self.window.event(Event::Text(text.to_owned()));
        self.run();
    }

    pub(super) fn event(&mut self, event: Event) {
        self.window.event(event);
        self.run();
    }

    /// Press, move in steps, let go: one frame an event, as a real mouse does.
    pub(super) fn drag(&mut self, from: Pos2, to: Pos2) {
        self.drag_with(Modifiers::NONE, from, to);
    }

    pub(super) fn drag_with(&mut self, modifiers: Modifiers, from: Pos2, to: Pos2) {
        let button = |pos, pressed| Event::PointerButton { pos, button: PointerButton::Primary, pressed, modifiers };
        self.window.hover_at(from);
        self.step();
        self.window.event(button(from, true));
        self.step();
        for share in [0.1, 0.3, 0.6, 0.9, 1.0] {
            self.window.hover_at(from + (to - from) * share);
            self.step();
        }
        self.window.event(button(to, false));
        self.step();
        self.run();
    }

    pub(super) fn double_click(&mut self, at: Pos2) {
        self.window.hover_at(at);
        self.step();
        for pressed in [true, false, true, false] {
            let modifiers = Modifiers::NONE;
            self.window.event(Event::PointerButton { pos: at, button: PointerButton::Primary, pressed, modifiers });
            self.step();
        }
        self.run();
    }
}
