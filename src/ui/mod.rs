//! The window.
//!
//! [`open`] shows it; whoever calls hands in what runs behind it ([`Behind`]). Each frame folds in what came (`live`), does
//! what was asked for (`update`, the only place that changes state), and paints from a read-only `ctx`. Panels ask by
//! `msg`; `command` is the one list of what has a name and keys.
//!
//! | room | what lives there |
//! |---|---|
//! | `app`, `ctx`, `msg`, `update` | state, what panels see, what they ask for, and what comes of it |
//! | `command`, `keymap`, `palette` | commands, their keys, and finding one by typing |
//! | `document`, `files`, `draft`, `template` | open flows, their files, what is kept of changes, and the flows that ship |
//! | `live`, `samples` | what the engine tells, folded run by run; what is known of what each step gives |
//! | `turns` | how many runs wait for their turn |
//! | `home` | what runs live: which flows are on, who runs them, and the word before one goes live |
//! | `imports` | services made of documents, on threads |
//! | `offers` | lists to choose from, read behind the frame |
//! | `crash`, `motion` | what is left of a fault; whether the system asks for less motion |
//! | `archive` | what is on the disk of runs, read on threads |
//! | `theme`, `widgets`, `words` | tokens, fonts, icons; buttons and lists; numbers and times as words |
//! | `shell`, `page` | bars, rail, tabs, docked panes, toasts; pages beside the canvas |
//! | `canvas`, `inspector`, `log` | the panes |
//! | `sandbox` | the imitated services' records as tables |
//! | `measure` | the canvas without a window, for the bench |
//!
//! Invariant: a frame never waits: everything slow happens behind the engine's handle or on a thread of its own.
//! Invariant: every control has a name for those who do not see it, and no state is told by colour alone.
mod app;
mod archive;
mod behind;
mod canvas;
mod command;
mod connections;
mod crash;
mod ctx;
mod dialog;
mod document;
mod draft;
mod files;
mod home;
mod imports;
mod inspector;
mod keymap;
mod live;
mod log;
pub mod measure;
mod motion;
mod msg;
mod names;
mod offers;
mod page;
mod palette;
mod prefs;
mod samples;
mod sandbox;
mod shell;
mod template;
#[cfg(test)]
mod tests;
mod theme;
mod toast;
mod turns;
mod update;
mod widgets;
mod words;

use std::collections::BTreeMap;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;

pub use self::behind::{
    AccountJob, AccountNews, Behind, DoAccount, Flows, Listed, Needs, Read, ReadChoices, SignInStep, Spent, Stage, Start,
    StartRun, Told, Waker, WhyTold,
};
pub use self::crash::watch as watch_faults;
pub use self::home::{Deed, DoHome, HomeJob, HomeNews, KnownAlerts, LiveFlow, Place};
use crate::flow::NodeId;
use crate::record::{Failure, FailureKind};
use crate::run::RunId;

/// What the window's own icon is drawn from.
const ICON: &[u8] = include_bytes!("../../packaging/icons/hicolor/256x256/apps/flowyard.png");

/// What the window begins with.
#[derive(Debug, Clone, Default)]
pub struct Opening {
    /// Flows to open; without any, what was open last.
    pub flows: Vec<PathBuf>,
    /// A live run to show in the log.
    pub run: Option<RunId>,
}

/// Opens the window and returns when it is closed. `start` is called once there is a window to wake.
///
/// # Errors
/// A [`Failure`] where there is no display, or it cannot be drawn on.
pub fn open(opening: &Opening, start: impl FnOnce(Waker) -> Behind) -> Result<(), Failure> {
    let no_display = |detail: String| {
        Failure::new(FailureKind::Machine, "The window cannot be opened").detail(detail).hint(
            "Without a display, use a command: `flowyard run FLOW --sandbox` tests a flow, `flowyard --help` lists them all.",
        )
    };
    if let Some(words) = missing_display() {
        return Err(no_display(words.to_owned()));
    }
    let viewport = eframe::egui::ViewportBuilder::default()
        .with_icon(eframe::egui::IconData::default())
        .with_title("Flowyard")
        .with_app_id("flowyard")
        .with_inner_size([1280.0, 800.0])
        .with_min_inner_size([640.0, 420.0]);
    let options = eframe::NativeOptions {
        viewport,
        renderer: eframe::Renderer::Glow,
        // Ours does the same, and begins later.
        system_font_fallback: false,
        ..Default::default()
    };
    let create = |created: &eframe::CreationContext<'_>| {
        theme::install(&created.egui_ctx);
        created.egui_ctx.add_font_provider(Arc::new(theme::SystemFonts));
        let ctx = created.egui_ctx.clone();
        let waker: Waker = Arc::new(move || ctx.request_repaint());
        let behind = start(Arc::clone(&waker));
        crash::watch(&behind.home);
        let mut app = app::App::new(behind, Box::new(files::SystemDialogs), Arc::clone(&waker), &opening.flows);
        if let Some(run) = opening.run {
            app.send(msg::Msg::OpenServed(run));
        }
        app.once_seen = Some(Box::new(move |ctx| {
            show_icon(ctx);
            theme::SystemFonts::read_ahead();
            motion::Motion::of_system(waker)
        }));
        if let Some([width, height]) = app.prefs.window {
            let size = eframe::egui::vec2(width, height);
            created.egui_ctx.send_viewport_cmd(eframe::egui::ViewportCommand::InnerSize(size));
        }
        if app.prefs.maximized {
            created.egui_ctx.send_viewport_cmd(eframe::egui::ViewportCommand::Maximized(true));
        }
        Ok(Box::new(app) as Box<dyn eframe::App>)
    };
    // What is open is kept as it was changed, also where a fault of ours ends the window.
    let run = AssertUnwindSafe(|| eframe::run_native("Flowyard", options, Box::new(create)));
    match panic::catch_unwind(run) {
        Ok(ended) => ended.map_err(|error| no_display(error.to_string())),
        Err(_) => Err(Failure::new(FailureKind::Machine, "A fault in Flowyard has closed the window")
            .hint("Open it again: your flows are as you left them, and it says where the report of the fault is.")),
    }
}

/// Gives the window its icon.
fn show_icon(ctx: &eframe::egui::Context) {
    match eframe::icon_data::from_png_bytes(ICON) {
        Ok(icon) => ctx.send_viewport_cmd(eframe::egui::ViewportCommand::Icon(Some(Arc::new(icon)))),
        Err(error) => tracing::warn!(%error, "the window's icon cannot be read"),
    }
}

/// What a person has pinned in the window as the results of a flow's steps, by the flow's file; empty where the window of this
/// data directory does not have it open. Blocks.
pub fn pins(home: &Path, flow: &Path) -> BTreeMap<NodeId, Arc<Value>> {
    draft::pinned(home, flow)
}

/// Asked before the window is made: some of what is underneath panics where nothing is there to draw on.
#[cfg(all(unix, not(target_os = "macos")))]
fn missing_display() -> Option<&'static str> {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|it| !it.is_empty());
    let any = is_set("DISPLAY") || is_set("WAYLAND_DISPLAY") || is_set("WAYLAND_SOCKET");
    (!any).then_some("There is no display: neither DISPLAY nor WAYLAND_DISPLAY is set")
}

#[cfg(not(all(unix, not(target_os = "macos"))))]
fn missing_display() -> Option<&'static str> {
    None
}
