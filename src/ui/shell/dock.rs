//! The panes of an open flow: they are resized, hidden, dragged elsewhere by their heads, and remembered.
use eframe::egui::{Color32, Style, Ui, Vec2, Visuals, WidgetText};
use egui_tiles::{
    Behavior, Container, Linear, LinearDir, ResizeState, SimplificationOptions, Tile, TileId, Tiles, Tree, UiResponse,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::run::{Park, Release};
use crate::ui::behind::AccountJob;
use crate::ui::canvas::{self, Act, Scene, View};
use crate::ui::command::UiCommand;
use crate::ui::ctx::Ctx;
use crate::ui::document::Document;
use crate::ui::inspector::{self, Inspector};
use crate::ui::log;
use crate::ui::msg::Msg;
use crate::ui::theme;
use crate::ui::theme::tokens::extent;

/// A pane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Pane {
    Canvas,
    Inspector,
    Log,
}

const ALL: [Pane; 3] = [Pane::Canvas, Pane::Inspector, Pane::Log];

/// Where the panes are.
#[derive(Debug)]
pub(crate) struct Dock {
    tree: Tree<Pane>,
    /// Nobody moved anything yet: its shares are made from lengths, anew for each size of the window.
    fresh: bool,
    /// For which size they were made.
    divided: Vec2,
    changed: bool,
    written: Option<Value>,
    /// What is open in the inspector, for the session.
    inspector: Inspector,
}

impl Dock {
    /// Whether a large sample is still being read for the inspector.
    pub(crate) fn is_reading(&self) -> bool {
        self.inspector.is_reading()
    }

    /// As it was left, or as it is at first.
    pub(crate) fn new(kept: Option<&Value>) -> Self {
        let read = kept.and_then(|it| Tree::<Pane>::deserialize(it).ok()).filter(is_whole);
        let fresh = read.is_none();
        Self {
            tree: read.unwrap_or_else(usual),
            fresh,
            divided: Vec2::ZERO,
            changed: false,
            written: kept.cloned(),
            inspector: Inspector::default(),
        }
    }

    /// For the preferences; made anew only when something moved.
    pub(crate) fn written(&mut self) -> Option<Value> {
        if std::mem::take(&mut self.changed) {
            self.written = serde_json::to_value(&self.tree).ok();
        }
        self.written.clone()
    }

    fn tile(&self, pane: Pane) -> Option<TileId> {
        self.tree.tiles.find_pane(&pane)
    }

    pub(crate) fn is_shown(&self, pane: Pane) -> bool {
        self.tile(pane).is_some_and(|it| self.tree.is_visible(it))
    }

    pub(crate) fn toggle(&mut self, pane: Pane) {
        let shown = self.is_shown(pane);
        self.set(pane, !shown);
    }

    pub(crate) fn show(&mut self, pane: Pane) {
        self.set(pane, true);
    }

    fn set(&mut self, pane: Pane, shown: bool) {
        if let Some(tile) = self.tile(pane) {
            self.tree.set_visible(tile, shown);
            self.changed = true;
        }
    }

    /// As it is at first.
    pub(crate) fn reset(&mut self) {
        self.tree = usual();
        self.fresh = true;
        self.divided = Vec2::ZERO;
        self.changed = true;
    }

    /// Paints the panes of a flow.
    pub(crate) fn show_panes(&mut self, ui: &mut Ui, ctx: &Ctx<'_>, doc: &Document, view: &mut View, log: &mut log::Log) {
        let room = ui.available_rect_before_wrap();
        if self.fresh && room.width() > 200.0 && self.divided != room.size() {
            self.divided = room.size();
            self.divide(room.width(), room.height());
        }
        // Where the flow is shown as it runs live, everything that shows runs shows those.
        let served = Ctx { archive: ctx.served.0, live: ctx.served.1, ..*ctx };
        let ctx = if ctx.home.shows_live(doc.id) { &served } else { ctx };
        let mut panes = Panes { ctx, doc, view, log, inspector: &mut self.inspector, hide: None, edited: false };
        self.tree.ui(&mut panes, ui);
        let (hide, edited) = (panes.hide, panes.edited);
        if let Some(pane) = hide {
            self.set(pane, false);
        }
        self.changed |= edited;
        self.fresh &= !edited;
    }

    /// Shares from lengths: the inspector as wide and the log as high as they are meant to be.
    fn divide(&mut self, width: f32, height: f32) {
        // Beside the rail, a window of 1280 has some 1200.
        let inspector = if width >= 1_180.0 { extent::INSPECTOR } else { extent::INSPECTOR.min(width * 0.4) };
        let log = extent::DRAWER.min(height * 0.4);
        let lengths = [(Pane::Inspector, inspector, width), (Pane::Log, log, height)];
        for (pane, length, whole) in lengths {
            let Some(tile) = self.tile(pane) else { continue };
            let Some(parent) = self.tree.tiles.parent_of(tile) else { continue };
            if let Some(Tile::Container(Container::Linear(linear))) = self.tree.tiles.get_mut(parent) {
                for child in linear.children.clone() {
                    linear.shares.set_share(child, if child == tile { length } else { whole - length });
                }
            }
        }
    }
}

/// The canvas over the log, the inspector beside both.
fn usual() -> Tree<Pane> {
    let mut tiles = Tiles::default();
    let canvas = tiles.insert_pane(Pane::Canvas);
    let log = tiles.insert_pane(Pane::Log);
    let inspector = tiles.insert_pane(Pane::Inspector);
    let left = tiles.insert_container(Linear::new(LinearDir::Vertical, vec![canvas, log]));
    let root = tiles.insert_container(Linear::new(LinearDir::Horizontal, vec![left, inspector]));
    Tree::new(eframe::egui::Id::unique("panes"), root, tiles)
}

/// Each pane is there once.
fn is_whole(tree: &Tree<Pane>) -> bool {
    let count = |pane: Pane| tree.tiles.tiles().filter(|it| matches!(it, Tile::Pane(it) if *it == pane)).count();
    tree.root().is_some() && ALL.iter().all(|it| count(*it) == 1)
}

struct Panes<'a> {
    ctx: &'a Ctx<'a>,
    doc: &'a Document,
    view: &'a mut View,
    log: &'a mut log::Log,
    inspector: &'a mut Inspector,
    hide: Option<Pane>,
    edited: bool,
}

impl Panes<'_> {
    fn canvas(&mut self, ui: &mut Ui) {
        let (ctx, doc) = (self.ctx, self.doc);
        let scene = Scene {
            flow: doc.flow(),
            catalog: ctx.catalog,
            problems: &doc.problems,
            play: ctx.play(doc),
            stale: &doc.stale,
            changes: ctx.home.going.as_ref().filter(|it| it.doc == doc.id).map_or(&[], |it| it.changes()),
            snap: ctx.prefs.snap,
            minimap: ctx.prefs.minimap,
            outline: ctx.prefs.outline,
            less_motion: ctx.less_motion,
            keys: ctx.keys,
            listens: !ctx.asking,
            now: ctx.now,
        };
        for act in canvas::show(ui, &scene, self.view) {
            match act {
                Act::Edit(edit) => ctx.send(Msg::Edit(doc.id, *edit)),
                Act::Do(command) => ctx.send(Msg::Do(command)),
                Act::Inspect(node) => {
                    ctx.send(Msg::Select { doc: doc.id, nodes: vec![node], show: false });
                    ctx.send(Msg::ShowPane(Pane::Inspector));
                }
                Act::Release { run, node, agree } => {
                    let parked = ctx.live.run(run).and_then(|it| it.node(&node)?.parked());
                    if let Some((step, on)) = parked {
                        let release = match (on, agree) {
                            (Park::Approval(_), true) => Release::Approve,
                            (Park::Approval(_), false) => Release::Decline,
                            (_, true) => Release::Repeat,
                            (_, false) => Release::Fail,
                        };
                        let step = step.clone();
                        ctx.send(if ctx.home.shows_live(doc.id) {
                            Msg::Account(Box::new(AccountJob::Release { run, step, release }))
                        } else {
                            Msg::Release { run, step, release }
                        });
                    }
                }
            }
        }
    }
}

impl Behavior<Pane> for Panes<'_> {
    fn pane_ui(&mut self, ui: &mut Ui, _: TileId, pane: &mut Pane) -> UiResponse {
        let head = match pane {
            Pane::Canvas => {
                self.canvas(ui);
                return UiResponse::None;
            }
            Pane::Inspector => {
                let mut hidden = false;
                let head = inspector::show(ui, self.ctx, self.doc, self.view, self.inspector, &mut || hidden = true);
                if hidden {
                    self.hide = Some(Pane::Inspector);
                }
                head
            }
            Pane::Log => log::docked(ui, self.ctx, self.doc, self.log, &mut || self.hide = Some(Pane::Log)),
        };
        if head.drag_started() { UiResponse::DragStarted } else { UiResponse::None }
    }

    fn tab_title_for_pane(&mut self, pane: &Pane) -> WidgetText {
        match pane {
            Pane::Canvas => "Canvas",
            Pane::Inspector => UiCommand::ToggleInspector.title(),
            Pane::Log => UiCommand::ToggleLog.title(),
        }
        .into()
    }

    fn simplification_options(&self) -> SimplificationOptions {
        SimplificationOptions { all_panes_must_have_tabs: false, ..SimplificationOptions::default() }
    }

    fn gap_width(&self, _: &Style) -> f32 {
        1.0
    }

    fn min_size(&self) -> f32 {
        120.0
    }

    fn resize_stroke(&self, style: &Style, state: ResizeState) -> eframe::egui::Stroke {
        let colors = theme::of(style.visuals.dark_mode);
        match state {
            ResizeState::Idle => eframe::egui::Stroke::new(1.0, colors.stroke.usual),
            ResizeState::Hovering => eframe::egui::Stroke::new(2.0, colors.stroke.strong),
            ResizeState::Dragging => eframe::egui::Stroke::new(2.0, colors.accent.ring),
        }
    }

    fn tab_bar_color(&self, visuals: &Visuals) -> Color32 {
        theme::of(visuals.dark_mode).bg.app
    }

    fn dragged_overlay_color(&self, visuals: &Visuals) -> Color32 {
        theme::of(visuals.dark_mode).accent.tint.gamma_multiply(0.5)
    }

    fn on_edit(&mut self, _: egui_tiles::EditAction) {
        self.edited = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panels_are_hidden_and_remembered() {
        let mut dock = Dock::new(None);
        assert!(ALL.iter().all(|it| dock.is_shown(*it)));
        dock.toggle(Pane::Log);
        let kept = dock.written().unwrap();
        let again = Dock::new(Some(&kept));
        assert!(!again.is_shown(Pane::Log) && again.is_shown(Pane::Inspector));
        dock.reset();
        assert!(dock.is_shown(Pane::Log));
    }

    #[test]
    fn panels_that_cannot_be_read_are_the_usual_ones() {
        for kept in [serde_json::json!(null), serde_json::json!({"root": 1}), serde_json::json!([])] {
            assert!(Dock::new(Some(&kept)).is_shown(Pane::Canvas));
        }
    }
}
