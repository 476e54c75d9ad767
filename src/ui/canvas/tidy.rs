//! A layered layout: rows from left to right that wrap like text, each branch in a row of its own beneath.
//!
//! Invariant: pure; no two cards overlap, and what leads to a card is never to its right within its band.
use std::collections::{BTreeMap, BTreeSet, HashMap};

use eframe::egui::{Vec2, vec2};

use super::board;
use crate::flow::{Flow, NodeId, Order};
use crate::ui::theme::tokens::node as metric;

/// Columns before a row wraps, where nothing says how wide the canvas is.
const COLUMNS: usize = 6;

/// Places for all nodes of a flow.
pub(super) fn places(flow: &Flow) -> HashMap<NodeId, [i32; 2]> {
    let all: BTreeSet<NodeId> = flow.nodes.keys().cloned().collect();
    arrange(flow, &all, COLUMNS, [0, 0]).into_iter().collect()
}

/// So many columns that the cards are as near as can be in a room of this size.
pub(crate) fn columns_for(flow: &Flow, nodes: &BTreeSet<NodeId>, room: Vec2) -> usize {
    let zoom = |columns: usize| {
        let places = arrange(flow, nodes, columns, [0, 0]);
        let most = places.values().fold([0, 0], |most, at| [most[0].max(at[0]), most[1].max(at[1])]);
        let size = vec2(most[0] as f32 + metric::WIDTH, most[1] as f32 + metric::MIN_HEIGHT);
        (room.x / size.x).min(room.y / size.y).min(1.0)
    };
    // A large flow is not looked at as a whole: as wide as it can be read.
    if nodes.len() > 60 {
        return ((room.x / (metric::WIDTH + metric::COLUMN_GAP)) as usize).clamp(3, 12);
    }
    let best = (2..=12_usize).map(|columns| (columns, zoom(columns)));
    best.fold((COLUMNS, 0.0), |best, it| if it.1 > best.1 + 0.01 { it } else { best }).0
}

/// Places for some nodes, with the first at `origin`, at most so many columns wide.
pub(crate) fn arrange(flow: &Flow, nodes: &BTreeSet<NodeId>, columns: usize, origin: [i32; 2]) -> BTreeMap<NodeId, [i32; 2]> {
    let order = in_order(flow, nodes);
    let cells = cells(flow, nodes, &order);
    let columns = columns.max(1);
    // Per band, the rows that are used, each as high as its highest card.
    let mut bands: BTreeMap<usize, BTreeMap<usize, f32>> = BTreeMap::new();
    for (id, (rank, lane)) in &cells {
        let wired: Vec<_> = flow.edges_from(id).map(|it| &it.port).collect();
        let height = flow.nodes.get(id).map_or(metric::MIN_HEIGHT, |it| board::height(&it.kind, &wired));
        let row = bands.entry(rank / columns).or_default().entry(*lane).or_insert(height);
        *row = row.max(height);
    }
    let mut tops: HashMap<(usize, usize), f32> = HashMap::new();
    let mut y = 0.0;
    for (band, rows) in &bands {
        for (lane, height) in rows {
            tops.insert((*band, *lane), y);
            y += height + metric::ROW_GAP;
        }
    }
    let place = |(id, (rank, lane)): (&NodeId, &(usize, usize))| {
        let x = (rank % columns) as f32 * (metric::WIDTH + metric::COLUMN_GAP);
        let y = tops.get(&(rank / columns, *lane)).copied().unwrap_or_default();
        (id.clone(), [origin[0] + round(x), origin[1] + round(y)])
    };
    cells.iter().map(place).collect()
}

fn round(it: f32) -> i32 {
    it.round() as i32
}

/// Each after what leads to it; within a circle, as the ids come.
fn in_order(flow: &Flow, nodes: &BTreeSet<NodeId>) -> Vec<NodeId> {
    match Order::new(flow) {
        Ok(order) => order.topological().iter().filter(|it| nodes.contains(*it)).cloned().collect(),
        Err(_) => nodes.iter().cloned().collect(),
    }
}

/// Column and row of each node.
fn cells(flow: &Flow, nodes: &BTreeSet<NodeId>, order: &[NodeId]) -> BTreeMap<NodeId, (usize, usize)> {
    let position: HashMap<&NodeId, usize> = order.iter().enumerate().map(|(at, id)| (id, at)).collect();
    let mut before: HashMap<&NodeId, Vec<&NodeId>> = HashMap::new();
    let mut main: HashMap<&NodeId, &NodeId> = HashMap::new();
    for id in order {
        let ports = flow.nodes.get(id).map(|it| it.kind.ports()).unwrap_or_default();
        let mut ways: Vec<_> = flow.edges_from(id).filter(|it| nodes.contains(&it.to) && it.to != *id).collect();
        ways.sort_by_key(|it| (ports.iter().position(|port| *port == it.port), position.get(&it.to).copied()));
        for way in ways {
            // A way back is not followed: it would have no end.
            if position.get(&way.to) <= position.get(id) {
                continue;
            }
            before.entry(&way.to).or_default().push(id);
            main.entry(id).or_insert(&way.to);
        }
    }
    let mut taken: BTreeSet<(usize, usize)> = BTreeSet::new();
    // From here on a row belongs to a chain, so that another chain does not run into it.
    let mut reach: HashMap<usize, usize> = HashMap::new();
    let mut cells: BTreeMap<NodeId, (usize, usize)> = BTreeMap::new();
    for id in order {
        let from: Vec<&NodeId> = before.get(id).cloned().unwrap_or_default();
        let rank = from.iter().filter_map(|it| cells.get(*it)).map(|it| it.0 + 1).max().unwrap_or(0);
        let wish = from
            .iter()
            .filter_map(|it| cells.get(*it).map(|cell| (main.get(*it) != Some(&id), cell.1)))
            .min()
            .map_or((true, 0), |(beside, lane)| (beside, lane));
        let mut lane = if from.is_empty() { 0 } else { wish.1 + usize::from(wish.0) };
        while taken.contains(&(rank, lane)) || reach.get(&lane).is_some_and(|it| *it >= rank && (wish.0 || from.is_empty())) {
            lane += 1;
        }
        taken.insert((rank, lane));
        let last = reach.entry(lane).or_insert(rank);
        *last = (*last).max(rank);
        cells.insert(id.clone(), (rank, lane));
    }
    cells
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::testing::{Sketch, arbitrary};

    fn drawn(text: &str, columns: usize) -> Vec<(String, i32, i32)> {
        let flow = Sketch::flow(text);
        let all = flow.nodes.keys().cloned().collect();
        let mut out: Vec<_> =
            arrange(&flow, &all, columns, [0, 0]).into_iter().map(|(id, [x, y])| (id.to_string(), x / 204, y / 140)).collect();
        out.sort_by_key(|it| (it.2, it.1));
        out
    }

    fn at(id: &str, column: i32, row: i32) -> (String, i32, i32) {
        (id.to_owned(), column, row)
    }

    #[test]
    fn a_chain_is_a_row_and_wraps() {
        assert_eq!(drawn("t.out -> a, a.out -> b", 9), [at("t", 0, 0), at("a", 1, 0), at("b", 2, 0)]);
        assert_eq!(drawn("t.out -> a, a.out -> b", 2), [at("t", 0, 0), at("a", 1, 0), at("b", 0, 1)]);
    }

    #[test]
    fn a_branch_has_a_row_of_its_own_beneath() {
        let drawn = drawn("t.out -> if_a, if_a.true -> b, b.out -> c, if_a.false -> d, d.out -> e", 9);
        assert_eq!(drawn, [at("t", 0, 0), at("if_a", 1, 0), at("b", 2, 0), at("c", 3, 0), at("d", 2, 1), at("e", 3, 1)]);
    }

    #[test]
    fn there_are_as_many_columns_as_the_room_is_wide() {
        let chain = (0..12).map(|at| format!("n{at}.out -> n{}", at + 1)).collect::<Vec<_>>().join(", ");
        let flow = Sketch::flow(&chain);
        let all = flow.nodes.keys().cloned().collect();
        assert!(columns_for(&flow, &all, vec2(900.0, 600.0)) <= 5);
        assert!(columns_for(&flow, &all, vec2(3000.0, 300.0)) >= 7);
    }

    #[test]
    fn two_triggers_begin_two_rows() {
        assert_eq!(drawn("t1.out -> a, t2.out -> a", 9), [at("t1", 0, 0), at("a", 1, 0), at("t2", 0, 1)]);
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]

        #[test]
        fn no_two_cards_share_a_place(flow in arbitrary::flows(), columns in 1..8_usize) {
            let all: BTreeSet<NodeId> = flow.nodes.keys().cloned().collect();
            let places = arrange(&flow, &all, columns, [0, 0]);
            assert_eq!(places.len(), flow.nodes.len());
            let distinct: BTreeSet<_> = places.values().collect();
            assert_eq!(distinct.len(), places.len());
        }
    }
}
