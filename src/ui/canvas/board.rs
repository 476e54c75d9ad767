//! Where everything of a flow sits on the canvas: cards, ports and wires, made once a snapshot of the flow.
//!
//! Invariant: pure; the same flow gives the same board, and a flow without places gets tidy ones.
use std::collections::HashMap;
use std::sync::Arc;

use eframe::egui::{Pos2, Rect, Vec2, pos2, vec2};

use super::kind::{self, Face, Hue};
use super::sentence::{Sentence, sentence};
use super::tidy;
use crate::catalog::Catalog;
use crate::flow::{Edge, Flow, GroupId, Node, NodeId, NodeKind, NoteId, Order, PortId};
use crate::ui::names::Names;
use crate::ui::theme::tokens::node as metric;

/// A card.
#[derive(Debug, Clone)]
pub(crate) struct Spot {
    pub(crate) id: NodeId,
    pub(crate) node: Arc<Node>,
    pub(crate) face: Face,
    pub(crate) sentence: Arc<Sentence>,
    /// Its upper left corner, in canvas points.
    pub(crate) at: Pos2,
    /// Without what a run adds to it.
    pub(crate) height: f32,
    /// The ways out, in the order shown.
    pub(crate) ports: Vec<Port>,
    /// Whether something can lead into it.
    pub(crate) has_input: bool,
    /// The folded group that is shown instead, by its place in `groups`.
    pub(crate) folded_in: Option<usize>,
}

/// A way out.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Port {
    pub(crate) id: PortId,
    /// Its centre below the card's upper edge.
    pub(crate) y: f32,
    /// The word beside it; empty for the plain one.
    pub(crate) word: String,
    pub(crate) is_error: bool,
    pub(crate) is_wired: bool,
}

/// A wire between cards of the board.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) edge: Edge,
    pub(crate) from: usize,
    /// Which of the ports of `from`; none for a port that the node does not have.
    pub(crate) port: Option<usize>,
    pub(crate) to: usize,
}

/// A group.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Frame {
    pub(crate) id: GroupId,
    pub(crate) title: String,
    /// Around its nodes; the card where it is folded.
    pub(crate) rect: Rect,
    pub(crate) folded: bool,
    /// Within a folded one, and not shown.
    pub(crate) hidden: bool,
    /// Nodes in it and in the groups within it.
    pub(crate) count: usize,
    /// How many groups it is within.
    pub(crate) depth: usize,
}

/// A note.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sheet {
    pub(crate) id: NoteId,
    pub(crate) text: String,
    pub(crate) rect: Rect,
}

/// All of it.
#[derive(Debug, Default)]
pub(crate) struct Board {
    /// In an order in which each comes after what leads to it.
    pub(crate) spots: Vec<Spot>,
    pub(crate) lines: Vec<Line>,
    /// Outer ones before inner ones.
    pub(crate) frames: Vec<Frame>,
    pub(crate) sheets: Vec<Sheet>,
    index: HashMap<NodeId, usize>,
}

impl Spot {
    /// The card as it is without a run.
    pub(crate) fn rect(&self) -> Rect {
        Rect::from_min_size(self.at, vec2(metric::WIDTH, self.height))
    }

    /// Whether it is within a folded group.
    pub(crate) fn is_hidden(&self) -> bool {
        self.folded_in.is_some()
    }

    /// Where wires come in, from the card's upper left corner.
    pub(crate) fn input() -> Vec2 {
        vec2(0.0, metric::PORT_Y)
    }

    /// Where wires leave, from the card's upper left corner.
    pub(crate) fn output(port: &Port) -> Vec2 {
        vec2(metric::WIDTH, port.y)
    }

    /// What a person calls it.
    pub(crate) fn title(&self) -> &str {
        let name = self.node.name.trim();
        if name.is_empty() { self.face.title } else { name }
    }

    /// The hue of its wires.
    pub(crate) fn hue(&self) -> Hue {
        self.face.hue
    }
}

impl Board {
    pub(crate) fn new(flow: &Flow, catalog: &Catalog, names: &Names) -> Self {
        let order: Vec<NodeId> = match Order::new(flow) {
            Ok(order) => order.topological().to_vec(),
            Err(_) => flow.nodes.keys().cloned().collect(),
        };
        let tidy = if flow.nodes.keys().all(|it| flow.layout.contains_key(it)) { HashMap::new() } else { tidy::places(flow) };
        let mut board = Self::default();
        for id in order {
            let Some(node) = flow.nodes.get(&id) else { continue };
            let wired: Vec<&PortId> = flow.edges_from(&id).map(|it| &it.port).collect();
            let (ports, height) = ports(&node.kind, &wired);
            let [x, y] = flow.layout.get(&id).or_else(|| tidy.get(&id)).copied().unwrap_or_default();
            board.index.insert(id.clone(), board.spots.len());
            board.spots.push(Spot {
                face: kind::face(&node.kind, catalog),
                sentence: Arc::new(sentence(&node.kind, catalog, names.of(&id))),
                at: pos2(x as f32, y as f32),
                height,
                ports,
                has_input: !matches!(node.kind, NodeKind::Trigger(_)),
                folded_in: None,
                node: Arc::clone(node),
                id,
            });
        }
        for edge in &flow.edges {
            let (Some(from), Some(to)) = (board.place(&edge.from), board.place(&edge.to)) else { continue };
            let port = board.spots[from].ports.iter().position(|it| it.id == edge.port);
            board.lines.push(Line { edge: edge.clone(), from, port, to });
        }
        board.add_notes_and_groups(flow);
        board
    }

    fn add_notes_and_groups(&mut self, flow: &Flow) {
        for (id, note) in &flow.notes {
            let [at, size] = [note.at, note.size].map(|[x, y]| vec2(x as f32, y as f32));
            let rect = Rect::from_min_size(at.to_pos2(), size.max(vec2(SHEET_LEAST, SHEET_LEAST / 2.0)));
            self.sheets.push(Sheet { id: id.clone(), text: note.text.clone(), rect });
        }
        let depth = |id: &GroupId| flow.groups_around(id).count();
        let mut ids: Vec<(usize, &GroupId)> = flow.groups.keys().map(|id| (depth(id), id)).collect();
        ids.sort();
        for (depth, id) in ids {
            let group = &flow.groups[id];
            let within = flow.nodes_within(id);
            let Some(around) = within.iter().filter_map(|it| self.spot(it)).map(Spot::rect).reduce(Rect::union) else {
                continue;
            };
            let hidden = flow.groups_around(id).any(|it| flow.groups.get(it).is_some_and(|it| it.folded));
            // An outer group is a little wider than the ones within it.
            let inner = flow.groups.keys().filter(|it| flow.groups_around(it).any(|it| it == id));
            let levels = inner.map(|it| flow.groups_around(it).count() - depth).max().unwrap_or(0) as f32;
            let margin = 14.0 + 12.0 * levels;
            let open = Rect::from_min_max(
                around.min - vec2(margin, margin + FRAME_TITLE + 10.0 * levels),
                around.max + vec2(margin, margin),
            );
            let rect = if group.folded { Rect::from_min_size(around.min, vec2(metric::WIDTH, FOLDED_HEIGHT)) } else { open };
            if group.folded && !hidden {
                for id in &within {
                    let at = self.frames.len();
                    if let Some(spot) = self.place(id).and_then(|it| self.spots.get_mut(it)) {
                        spot.folded_in = Some(at);
                    }
                }
            }
            let title = if group.title.trim().is_empty() { "Group".to_owned() } else { group.title.clone() };
            self.frames.push(Frame { id: id.clone(), title, rect, folded: group.folded, hidden, count: within.len(), depth });
        }
    }

    /// A group's frame.
    pub(crate) fn frame(&self, id: &GroupId) -> Option<&Frame> {
        self.frames.iter().find(|it| it.id == *id)
    }

    /// Where a node stands in `spots`.
    pub(crate) fn place(&self, id: &NodeId) -> Option<usize> {
        self.index.get(id).copied()
    }

    /// A node's card.
    pub(crate) fn spot(&self, id: &NodeId) -> Option<&Spot> {
        self.place(id).map(|at| &self.spots[at])
    }

    /// Around everything; none for an empty flow.
    pub(crate) fn bounds(&self) -> Option<Rect> {
        let cards = self.spots.iter().filter(|it| !it.is_hidden()).map(Spot::rect);
        let others = self.sheets.iter().map(|it| it.rect).chain(self.frames.iter().filter(|it| !it.hidden).map(|it| it.rect));
        cards.chain(others).reduce(Rect::union)
    }
}

/// The smallest side of a note.
const SHEET_LEAST: f32 = 80.0;
/// Where a group's title stands.
pub(crate) const FRAME_TITLE: f32 = 24.0;
/// A folded group.
pub(crate) const FOLDED_HEIGHT: f32 = 64.0;

/// The first way out stands beside the title, so that a row of cards has straight wires; the others from the footer down,
/// errors last.
fn ports(kind: &NodeKind, wired: &[&PortId]) -> (Vec<Port>, f32) {
    let mut ports = Vec::new();
    let mut below: u16 = 0;
    for id in kind.ports() {
        let is_error = id.as_str() == "error";
        let first = ports.is_empty();
        let y = if first {
            metric::PORT_Y
        } else {
            below += 1;
            footer_y() + f32::from(below - 1) * metric::PORT_PITCH
        };
        let word = kind::port_word(kind, &id).to_owned();
        let is_wired = wired.contains(&&id);
        ports.push(Port { id, y, word, is_error, is_wired });
    }
    // An error's way has no row of its own unless something hangs on it, or there is room for it.
    let rows = ports.iter().skip(1).filter(|it| !it.is_error || it.is_wired).count().max(1) as f32;
    let others = ports.iter().skip(1).any(|it| !it.is_error);
    if let Some(error) = ports.iter_mut().find(|it| it.is_error && !it.is_wired) {
        error.y = if others { f32::midpoint(metric::PORT_Y, footer_y()) } else { footer_y() };
    }
    (ports, metric::MIN_HEIGHT + (rows - 1.0) * metric::PORT_PITCH)
}

/// How high a card is without a run.
pub(super) fn height(kind: &NodeKind, wired: &[&PortId]) -> f32 {
    ports(kind, wired).1
}

/// The middle of the footer.
pub(crate) fn footer_y() -> f32 {
    metric::MIN_HEIGHT - metric::PAD - metric::FOOTER / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::testing::Sketch;

    /// Heights are whole numbers of points.
    fn shape(text: &str, id: &str) -> (Vec<(String, i32)>, i32) {
        let board = Board::new(&Sketch::flow(text), &Catalog::default(), &Names::default());
        let spot = board.spot(&id.into()).unwrap();
        (spot.ports.iter().map(|it| (it.id.to_string(), it.y as i32)).collect(), spot.height as i32)
    }

    #[test]
    fn the_first_way_out_is_beside_the_title_and_the_second_in_the_footer() {
        let (ports, height) = shape("if_a.true -> b", "if_a");
        assert_eq!(ports, [("true".to_owned(), 18), ("false".to_owned(), 80), ("error".to_owned(), 49)]);
        assert_eq!(height, 96);
    }

    #[test]
    fn more_ways_out_make_a_card_taller() {
        let (ports, height) = shape("sw_a.one -> b, sw_a.error -> c", "sw_a");
        let ys: Vec<i32> = ports.iter().map(|it| it.1).collect();
        assert_eq!(ys, [18, 80, 104, 128]);
        assert_eq!(height, 144);
    }

    #[test]
    fn a_folded_group_stands_for_its_nodes() {
        let mut flow = Sketch::flow("t.out -> a, a.out -> b, b.out -> c");
        let group = |nodes: &[&str], parent: Option<&str>, folded| crate::flow::Group {
            title: String::new(),
            nodes: nodes.iter().map(|it| (*it).into()).collect(),
            parent: parent.map(GroupId::from),
            folded,
        };
        flow.groups.insert("outer".into(), group(&["a"], None, true));
        flow.groups.insert("inner".into(), group(&["b"], Some("outer"), true));
        let board = Board::new(&flow, &Catalog::default(), &Names::default());
        let shown: Vec<_> = board.spots.iter().filter(|it| !it.is_hidden()).map(|it| it.id.as_str()).collect();
        assert_eq!(shown, ["t", "c"]);
        let frame = board.frame(&"outer".into()).unwrap();
        assert_eq!((frame.count, frame.hidden, frame.title.as_str()), (2, false, "Group"));
        assert!(board.frame(&"inner".into()).unwrap().hidden);
    }

    #[test]
    fn cards_come_after_what_leads_to_them() {
        let board = Board::new(&Sketch::flow("t.out -> z, z.out -> b, b.out -> a"), &Catalog::default(), &Names::default());
        assert_eq!(board.spots.iter().map(|it| it.id.as_str()).collect::<Vec<_>>(), ["t", "z", "b", "a"]);
        assert_eq!(board.lines.len(), 3);
        assert!(board.spots[0].ports[0].is_wired && !board.spots[0].has_input);
    }

    #[test]
    fn a_flow_without_places_gets_some_that_do_not_overlap() {
        let board =
            Board::new(&Sketch::flow("t.out -> a, t.out -> b, a.out -> c, b.out -> c"), &Catalog::default(), &Names::default());
        for (at, one) in board.spots.iter().enumerate() {
            for other in &board.spots[at + 1..] {
                assert!(!one.rect().intersects(other.rect()), "{} {}", one.id, other.id);
            }
        }
    }
}
