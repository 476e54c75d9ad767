//! Cycles: what keeps a flow from having an order.
use std::collections::VecDeque;
use std::fmt;

use super::NodeId;

/// Nodes that lead back to the first of them, in the order of the edges; a node that leads to itself is alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cycle {
    /// The nodes on it, each once, the smallest id first.
    pub nodes: Vec<NodeId>,
}

impl fmt::Display for Cycle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.nodes.iter().try_for_each(|id| write!(f, "{id} → "))?;
        self.nodes.first().map_or(Ok(()), |id| id.fmt(f))
    }
}

/// One short cycle through the smallest id of each group of nodes that can all reach each other, by that id. `open` is
/// what Kahn's algorithm left: the number of edges into a node from nodes that have no place in the order.
pub(super) fn find(ids: &[&NodeId], next: &[Vec<usize>], open: &[usize]) -> Vec<Cycle> {
    let groups = groups(next, open);
    let mut done = vec![false; ids.len()];
    let mut cycles = Vec::new();
    for start in 0..ids.len() {
        let group = groups[start];
        if group == usize::MAX || done[group] {
            continue;
        }
        if let Some(nodes) = shortest_back(start, next, |at| groups[at] == group) {
            done[group] = true;
            cycles.push(Cycle { nodes: nodes.into_iter().map(|at| ids[at].clone()).collect() });
        }
    }
    cycles
}

/// Breadth first from `start` until an edge leads back to it.
fn shortest_back(start: usize, next: &[Vec<usize>], within: impl Fn(usize) -> bool) -> Option<Vec<usize>> {
    let mut came = vec![usize::MAX; next.len()];
    let mut queue = VecDeque::from([start]);
    while let Some(at) = queue.pop_front() {
        for &to in next[at].iter().filter(|&&to| within(to)) {
            if to == start {
                let mut path = vec![at];
                while let Some(&last) = path.last()
                    && last != start
                {
                    path.push(came[last]);
                }
                path.reverse();
                return Some(path);
            }
            if came[to] == usize::MAX {
                came[to] = at;
                queue.push_back(to);
            }
        }
    }
    None
}

/// Tarjan's strongly connected components over the nodes with open edges, without recursion: the number of each node's
/// group, or `usize::MAX` for nodes that have a place in the order.
fn groups(next: &[Vec<usize>], open: &[usize]) -> Vec<usize> {
    const NONE: usize = usize::MAX;
    let count = next.len();
    let (mut index, mut low, mut group) = (vec![NONE; count], vec![0; count], vec![NONE; count]);
    let (mut stack, mut numbered, mut grouped) = (Vec::new(), 0, 0);
    for root in (0..count).filter(|&at| open[at] > 0) {
        if index[root] != NONE {
            continue;
        }
        let mut calls = vec![(root, 0)];
        while let Some((at, child)) = calls.pop() {
            if child == 0 {
                index[at] = numbered;
                low[at] = numbered;
                numbered += 1;
                stack.push(at);
            } else {
                let seen = next[at][child - 1];
                if group[seen] == NONE {
                    low[at] = low[at].min(low[seen]);
                }
            }
            let unseen = (child..next[at].len()).find(|&nth| {
                let to = next[at][nth];
                if index[to] != NONE && group[to] == NONE {
                    low[at] = low[at].min(index[to]);
                }
                index[to] == NONE
            });
            if let Some(nth) = unseen {
                calls.push((at, nth + 1));
                calls.push((next[at][nth], 0));
                continue;
            }
            if low[at] == index[at] {
                while let Some(member) = stack.pop() {
                    group[member] = grouped;
                    if member == at {
                        break;
                    }
                }
                grouped += 1;
            }
        }
    }
    group
}
