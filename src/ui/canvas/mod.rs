//! The canvas: reads a flow, and gives back edits.
//!
//! Everything is painted in screen space at the size that it has there, so that text is sharp at every zoom and whoever
//! cannot see it gets true places. What is not seen is not painted.
//!
//! Invariant: nothing here changes a flow; what is asked for comes back as [`Act`]s, and each is one step of the history.
//! Invariant: every card, port, wire, note, group and control has a name for those who do not see it.
pub(crate) mod add;
pub(crate) mod arrange;
mod board;
mod card;
pub(crate) mod clipboard;
mod grid;
pub(crate) mod group;
pub(crate) mod kind;
mod layer;
mod menu;
mod minimap;
pub(crate) mod order;
pub(crate) mod outline;
mod pointer;
pub(crate) mod rewire;
pub(crate) mod sentence;
mod snap;
pub(crate) mod tidy;
mod view;
mod walk;
mod wire;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use eframe::egui::accesskit::Role;
use eframe::egui::{Id, Pos2, Response, Sense, Ui, UiBuilder, WidgetInfo};
use jiff::Timestamp;

pub(crate) use self::board::{Board, Spot};
pub(crate) use self::view::{Renaming, Selection, View};
use crate::catalog::Catalog;
use crate::flow::{Edit, Flow, NodeId, Problem, Severity};
use crate::published::Change;
use crate::run::RunId;
use crate::ui::command::UiCommand;
use crate::ui::keymap::Keymap;
use crate::ui::live::Play;

/// What a canvas shows.
pub(crate) struct Scene<'a> {
    pub(crate) flow: &'a Arc<Flow>,
    pub(crate) catalog: &'a Catalog,
    pub(crate) problems: &'a [Problem],
    /// The run that is played on it.
    pub(crate) play: Option<&'a Play>,
    /// Nodes whose results are of an earlier flow.
    pub(crate) stale: &'a BTreeSet<NodeId>,
    /// What of it is not live yet, while that is looked at.
    pub(crate) changes: &'a [Change],
    pub(crate) snap: bool,
    pub(crate) minimap: bool,
    /// The flow is shown as a list.
    pub(crate) outline: bool,
    pub(crate) less_motion: bool,
    pub(crate) keys: &'a Keymap,
    /// Whether keys are meant for it.
    pub(crate) listens: bool,
    pub(crate) now: Timestamp,
}

/// What a canvas asks for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Act {
    Edit(Box<Edit>),
    Do(UiCommand),
    /// Show the details of a node.
    Inspect(NodeId),
    /// Let a step that waits for a person go on, or fail.
    Release {
        run: RunId,
        node: NodeId,
        agree: bool,
    },
}

impl Scene<'_> {
    /// The first problem of each node that keeps it from running.
    fn first_problems(&self) -> BTreeMap<&NodeId, &Problem> {
        let mut first = BTreeMap::new();
        for problem in self.problems.iter().filter(|it| it.severity == Severity::Error) {
            if let Some(node) = &problem.node {
                first.entry(node).or_insert(problem);
            }
        }
        first
    }
}

/// Shows the canvas in all the room that there is, and gives what was asked for.
pub(crate) fn show(ui: &mut Ui, scene: &Scene<'_>, view: &mut View) -> Vec<Act> {
    let mut acts = Vec::new();
    let rect = ui.available_rect_before_wrap();
    ui.advance_cursor_after_rect(rect);
    view.rect = rect;
    let board = view.board(scene.flow, scene.catalog);
    if (view.fit_soon || view.is_to_look_again()) && rect.width() > 50.0 {
        view.fit_soon = false;
        if let Some(bounds) = board.bounds() {
            view.first_look(bounds);
        }
    }
    let id = ui.scope_id().with("canvas");
    let mut inner = ui.new_child(UiBuilder::new().id_salt("canvas").max_rect(rect));
    inner.set_clip_rect(rect.intersect(ui.clip_rect()));
    let ground = inner.interact(rect, id, Sense::click_and_drag());
    let (role, what) = if scene.outline { (Role::Tree, "Outline") } else { (Role::Canvas, "Canvas") };
    let name = format!("{what} of {}", scene.flow.name);
    ground.widget_info(|| WidgetInfo::labeled(role, true, &name));
    let mut stage = Stage { scene, view, board: &board, id, ground, anchor: None, acts: &mut acts };
    if scene.outline {
        outline::show(&mut inner, &mut stage);
        menu::show(&mut inner, &mut stage);
        return acts;
    }
    pointer::look_around(&mut inner, &mut stage);
    layer::paint(&mut inner, &mut stage);
    walk::keys(&mut inner, &mut stage);
    minimap::show(&mut inner, &mut stage);
    menu::show(&mut inner, &mut stage);
    acts
}

/// What the parts of a frame share.
struct Stage<'a> {
    scene: &'a Scene<'a>,
    view: &'a mut View,
    board: &'a Arc<Board>,
    id: Id,
    ground: Response,
    /// Where lists and texts over it open, if not at their place on the canvas.
    anchor: Option<Pos2>,
    acts: &'a mut Vec<Act>,
}

impl Stage<'_> {
    fn ask(&mut self, edit: Option<Edit>) {
        self.acts.extend(edit.map(|it| Act::Edit(Box::new(it))));
    }
}
