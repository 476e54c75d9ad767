//! How a person looks at a flow: which part of it, how near, what is selected, what is under way. Kept a tab, never saved in
//! the flow.
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use eframe::egui::emath::TSTransform;
use eframe::egui::{Pos2, Rect, Vec2, vec2};

use super::add::{Choice, Offer};
use super::board::{Board, Spot};
use super::snap::Guide;
use crate::catalog::Catalog;
use crate::flow::{Edge, Flow, GroupId, NodeId, NoteId, PortId};
use crate::ui::names::Names;
use crate::ui::theme::tokens::node as metric;

/// How near and how far one can go.
pub(crate) const ZOOM: std::ops::RangeInclusive<f32> = 0.05..=3.0;
/// Text is still read at this zoom.
const READABLE: f32 = 0.65;
/// Places to go back to.
const PLACES: usize = 50;

/// What is selected.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Selection {
    pub(crate) nodes: BTreeSet<NodeId>,
    pub(crate) edges: BTreeSet<Edge>,
    pub(crate) notes: BTreeSet<NoteId>,
    pub(crate) groups: BTreeSet<GroupId>,
}

impl Selection {
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// The node, if it is the only thing selected.
    pub(crate) fn only_node(&self) -> Option<&NodeId> {
        let alone = self.nodes.len() == 1 && self.edges.is_empty() && self.notes.is_empty() && self.groups.is_empty();
        self.nodes.first().filter(|_| alone)
    }

    /// Drops what is no more.
    fn keep_what_is_in(&mut self, flow: &Flow) {
        self.nodes.retain(|it| flow.nodes.contains_key(it));
        self.edges.retain(|it| flow.edges.contains(it));
        self.notes.retain(|it| flow.notes.contains_key(it));
        self.groups.retain(|it| flow.groups.contains_key(it));
    }
}

/// What the pointer is doing.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) enum Drag {
    #[default]
    Nothing,
    /// Moves what is seen.
    Pan,
    /// Draws a box; `had` stays selected.
    Box { from: Pos2, had: Selection },
    /// Moves what is selected.
    Move {
        /// As far as the pointer went.
        raw: Vec2,
        /// As far as things go: snapped.
        delta: Vec2,
        guides: Vec<Guide>,
        /// The wire that a card would go into.
        splice: Option<Edge>,
    },
    /// Pulls a wire out of a port.
    Wire {
        from: NodeId,
        port: PortId,
        /// The wire that is taken off for it.
        instead: Option<Edge>,
        /// Where it would end.
        over: Option<NodeId>,
    },
    /// Changes a note's size.
    Resize { note: NoteId, size: Vec2 },
}

/// A list to choose from, over the canvas.
#[derive(Debug, Clone)]
pub(crate) struct AddMenu {
    /// Where what is chosen goes, in canvas points.
    pub(crate) at: Pos2,
    /// The port that it hangs on.
    pub(crate) from: Option<(NodeId, PortId)>,
    /// The wire that it goes into.
    pub(crate) splice: Option<Edge>,
    pub(crate) query: String,
    pub(crate) offer: Offer,
    /// What was found, and for which query.
    pub(crate) found: Option<(String, Vec<Choice>)>,
    pub(crate) chosen: usize,
    pub(crate) fresh: bool,
}

/// A list of steps to connect to or disconnect from.
#[derive(Debug, Clone)]
pub(crate) struct LinkMenu {
    pub(crate) from: NodeId,
    pub(crate) port: usize,
    pub(crate) query: String,
    pub(crate) chosen: usize,
    pub(crate) fresh: bool,
}

/// A name under edit on the canvas.
#[derive(Debug, Clone)]
pub(crate) struct Renaming {
    pub(crate) what: Named,
    pub(crate) text: String,
    pub(crate) fresh: bool,
}

/// Whose text is edited in place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Named {
    Node(NodeId),
    Note(NoteId),
    Group(GroupId),
}

/// The view.
#[derive(Debug)]
pub(crate) struct View {
    /// Upper left of what is seen, in canvas points.
    pub(crate) pan: Vec2,
    pub(crate) zoom: f32,
    pub(crate) selection: Selection,
    pub(crate) drag: Drag,
    pub(crate) add: Option<AddMenu>,
    pub(crate) link: Option<LinkMenu>,
    pub(crate) renaming: Option<Renaming>,
    /// Where the pointer is, in canvas points, if it is over the canvas.
    pub(crate) pointer: Option<Pos2>,
    /// The wire under the pointer, by its place in the board.
    pub(crate) hovered_line: Option<usize>,
    /// Where a context menu was asked for, in canvas points.
    pub(crate) menu_at: Option<Pos2>,
    /// Which node's accessible widget is to take the keyboard.
    pub(crate) focus: Option<NodeId>,
    /// The canvas on the screen.
    pub(crate) rect: Rect,
    /// Everything is to be brought into view once the size is known.
    pub(crate) fit_soon: bool,
    /// Where the first look went, and how much room it had.
    looked: Option<(Vec2, f32, Vec2)>,
    /// The lines of the outline.
    pub(crate) listed: Option<super::outline::Listed>,
    board: Option<(Arc<Flow>, Arc<Board>)>,
    /// What the values on the cards are called.
    names: Arc<Names>,
    back: Vec<(Vec2, f32)>,
    forward: Vec<(Vec2, f32)>,
    /// What of the flow was drawn in the last frame, for tests and benches.
    pub(crate) drawn: Drawn,
    pub(crate) galleys: HashMap<NodeId, super::card::Laid>,
}

/// How much was drawn.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Drawn {
    pub(crate) cards: usize,
    pub(crate) wires: usize,
}

impl Default for View {
    fn default() -> Self {
        Self {
            pan: Vec2::ZERO,
            zoom: 1.0,
            selection: Selection::default(),
            drag: Drag::Nothing,
            add: None,
            link: None,
            renaming: None,
            pointer: None,
            hovered_line: None,
            menu_at: None,
            focus: None,
            rect: Rect::ZERO,
            fit_soon: true,
            looked: None,
            listed: None,
            board: None,
            names: Arc::default(),
            back: Vec::new(),
            forward: Vec::new(),
            drawn: Drawn::default(),
            galleys: HashMap::new(),
        }
    }
}

impl View {
    /// From canvas points to the screen.
    pub(crate) fn to_screen(&self) -> TSTransform {
        TSTransform::new(self.rect.min.to_vec2() - self.pan * self.zoom, self.zoom)
    }

    /// What is seen, in canvas points.
    pub(crate) fn seen(&self) -> Rect {
        self.to_screen().inverse() * self.rect
    }

    /// The board of a flow; made again where the flow is another one.
    pub(crate) fn board(&mut self, flow: &Arc<Flow>, catalog: &Catalog) -> Arc<Board> {
        if let Some((of, board)) = &self.board
            && Arc::ptr_eq(of, flow)
        {
            return Arc::clone(board);
        }
        let board = Arc::new(Board::new(flow, catalog, &self.names));
        self.board = Some((Arc::clone(flow), Arc::clone(&board)));
        self.selection.keep_what_is_in(flow);
        self.galleys.retain(|id, _| flow.nodes.contains_key(id));
        board
    }

    /// Calls the values on the cards so from now on.
    pub(crate) fn call(&mut self, names: &Arc<Names>) {
        if !Arc::ptr_eq(&self.names, names) {
            self.names = Arc::clone(names);
            self.forget_board();
        }
    }

    /// What can be called is another: the board is made again.
    pub(crate) fn forget_board(&mut self) {
        self.board = None;
        self.galleys.clear();
    }

    /// Zooms by a factor, with a point of the screen staying where it is.
    pub(crate) fn zoom_at(&mut self, screen: Pos2, factor: f32) {
        let before = self.to_screen().inverse() * screen;
        self.zoom = (self.zoom * factor).clamp(*ZOOM.start(), *ZOOM.end());
        let after = self.to_screen().inverse() * screen;
        self.pan += before - after;
    }

    /// Zooms about the middle of what there is to see.
    pub(crate) fn zoom_to(&mut self, zoom: f32, bounds: Option<Rect>) {
        self.remember();
        let seen = bounds.map(|it| (self.to_screen() * it).intersect(self.rect)).filter(Rect::is_positive);
        let about = seen.unwrap_or(self.rect).center();
        self.zoom_at(about, zoom / self.zoom);
    }

    /// The first look at a flow: all of it, but never so far away that it cannot be read.
    pub(crate) fn first_look(&mut self, part: Rect) {
        self.fit(part);
        if self.zoom < READABLE {
            self.zoom = READABLE;
            self.pan = part.min.to_vec2() - Vec2::splat(24.0);
        }
        self.looked = Some((self.pan, self.zoom, self.rect.size()));
    }

    /// Whether nobody has looked elsewhere since the first look, and there is another room for it now, as when the window gets
    /// its size.
    pub(crate) fn is_to_look_again(&self) -> bool {
        self.looked
            .is_some_and(|(pan, zoom, size)| pan == self.pan && zoom.to_bits() == self.zoom.to_bits() && size != self.rect.size())
    }

    /// Brings a part into view; never nearer than in full size.
    pub(crate) fn fit(&mut self, part: Rect) {
        let room = self.rect.shrink(24.0).size().max(vec2(1.0, 1.0));
        let size = part.size().max(vec2(1.0, 1.0));
        let zoom = (room.x / size.x).min(room.y / size.y).min(1.0).clamp(*ZOOM.start(), *ZOOM.end());
        // A hair under full size would only blur.
        self.zoom = if zoom > 0.97 { 1.0 } else { zoom };
        self.pan = part.center().to_vec2() - self.rect.size() / 2.0 / self.zoom;
        // Smaller than the canvas: at its upper left, where reading begins.
        let margin = 18.0 / self.zoom;
        for axis in 0..2 {
            if part.size()[axis] + 2.0 * margin < self.rect.size()[axis] / self.zoom {
                self.pan[axis] = part.min[axis] - margin.max(18.0);
            }
        }
    }

    /// Moves what is seen so that a part of it is.
    pub(crate) fn reveal(&mut self, part: Rect) {
        let seen = self.seen().shrink(16.0 / self.zoom);
        let mut by = Vec2::ZERO;
        for axis in 0..2 {
            if part.min[axis] < seen.min[axis] {
                by[axis] = part.min[axis] - seen.min[axis];
            } else if part.max[axis] > seen.max[axis] {
                by[axis] = (part.max[axis] - seen.max[axis]).min(part.min[axis] - seen.min[axis]);
            }
        }
        self.pan += by;
    }

    /// Keeps the place where one is, to come back to.
    pub(crate) fn remember(&mut self) {
        let here = (self.pan, self.zoom);
        if self.back.last() != Some(&here) {
            self.back.push(here);
            if self.back.len() > PLACES {
                self.back.remove(0);
            }
        }
        self.forward.clear();
    }

    pub(crate) fn go_back(&mut self) -> bool {
        let here = (self.pan, self.zoom);
        let Some(there) = self.back.pop() else { return false };
        self.forward.push(here);
        (self.pan, self.zoom) = there;
        true
    }

    pub(crate) fn go_forward(&mut self) -> bool {
        let here = (self.pan, self.zoom);
        let Some(there) = self.forward.pop() else { return false };
        self.back.push(here);
        (self.pan, self.zoom) = there;
        true
    }

    /// Whether the keyboard belongs to a list or a text over the canvas.
    pub(crate) fn is_asking(&self) -> bool {
        self.add.is_some() || self.link.is_some() || self.renaming.is_some()
    }

    /// Where a new card goes that hangs on this one: to its right, below what is there already.
    pub(crate) fn free_place(board: &Board, beside: &Spot, port_y: f32) -> Pos2 {
        let step = metric::MIN_HEIGHT + metric::ROW_GAP;
        let below = if port_y > metric::PORT_Y { step } else { 0.0 };
        let mut at = beside.at + vec2(metric::WIDTH + metric::COLUMN_GAP, below);
        let taken = |at: Pos2| {
            let rect = Rect::from_min_size(at, vec2(metric::WIDTH, metric::MIN_HEIGHT)).expand(4.0);
            board.spots.iter().any(|it| it.rect().intersects(rect))
        };
        for _ in 0..200 {
            if !taken(at) {
                break;
            }
            at.y += step;
        }
        at
    }
}

#[cfg(test)]
mod tests {
    use eframe::egui::pos2;

    use super::*;

    fn view() -> View {
        View { rect: Rect::from_min_size(pos2(100.0, 50.0), vec2(800.0, 600.0)), ..View::default() }
    }

    #[test]
    fn zooming_keeps_the_point_under_the_cursor() {
        let mut view = view();
        view.pan = vec2(33.0, -20.0);
        let cursor = pos2(340.0, 210.0);
        let before = view.to_screen().inverse() * cursor;
        for factor in [1.3, 0.4, 100.0, 0.0001] {
            view.zoom_at(cursor, factor);
            let after = view.to_screen().inverse() * cursor;
            assert!((after - before).length() < 0.05, "{before:?} {after:?}");
            assert!(ZOOM.contains(&view.zoom));
        }
    }

    #[test]
    fn what_is_fitted_is_seen() {
        let mut view = view();
        for part in
            [Rect::from_min_size(pos2(-500.0, 900.0), vec2(4000.0, 200.0)), Rect::from_min_size(pos2(5.0, 5.0), vec2(10.0, 10.0))]
        {
            view.fit(part);
            assert!(view.seen().contains_rect(part), "{:?} {part:?}", view.seen());
            assert!(view.zoom <= 1.0);
        }
    }

    #[test]
    fn one_can_go_back_and_forward_through_places() {
        let mut view = view();
        view.remember();
        view.fit(Rect::from_min_size(pos2(0.0, 0.0), vec2(4000.0, 200.0)));
        let there = (view.pan, view.zoom);
        assert!(view.go_back());
        assert_eq!((view.pan, view.zoom), (Vec2::ZERO, 1.0));
        assert!(view.go_forward());
        assert_eq!((view.pan, view.zoom), there);
        assert!(!view.go_forward());
    }

    #[test]
    fn what_is_revealed_moves_as_little_as_it_must() {
        let mut view = view();
        view.reveal(Rect::from_min_size(pos2(100.0, 100.0), vec2(50.0, 50.0)));
        assert_eq!(view.pan, Vec2::ZERO);
        view.reveal(Rect::from_min_size(pos2(900.0, 100.0), vec2(50.0, 50.0)));
        assert_eq!(view.pan, vec2(950.0 - 784.0, 0.0));
    }
}
