//! Aligning and distributing cards.
//!
//! Invariant: pure; only places change, and only along one axis.
use std::collections::BTreeMap;

use eframe::egui::Rect;

use crate::flow::{Edit, NodeId};
use crate::ui::command::UiCommand;

/// New places after a command; none where it is no such command, or there is too little to arrange.
pub(crate) fn arranged(command: UiCommand, cards: &[(NodeId, Rect)]) -> Option<BTreeMap<NodeId, [i32; 2]>> {
    let bounds = cards.iter().map(|it| it.1).reduce(Rect::union)?;
    let least = if matches!(command, UiCommand::DistributeAcross | UiCommand::DistributeDown) { 3 } else { 2 };
    if cards.len() < least {
        return None;
    }
    let mut out = BTreeMap::new();
    let mut put = |id: &NodeId, x: f32, y: f32| out.insert(id.clone(), [x.round() as i32, y.round() as i32]);
    match command {
        UiCommand::DistributeAcross | UiCommand::DistributeDown => {
            let across = command == UiCommand::DistributeAcross;
            let mut sorted: Vec<_> = cards.iter().collect();
            sorted.sort_by(|a, b| if across { a.1.left().total_cmp(&b.1.left()) } else { a.1.top().total_cmp(&b.1.top()) });
            let length = |it: &Rect| if across { it.width() } else { it.height() };
            let taken: f32 = sorted.iter().map(|it| length(&it.1)).sum();
            let gap = (length(&bounds) - taken) / (sorted.len() - 1) as f32;
            let mut at = if across { bounds.left() } else { bounds.top() };
            for (id, rect) in sorted {
                if across {
                    put(id, at, rect.top());
                } else {
                    put(id, rect.left(), at);
                }
                at += length(rect) + gap;
            }
        }
        _ => {
            for (id, rect) in cards {
                match command {
                    UiCommand::AlignLeft => put(id, bounds.left(), rect.top()),
                    UiCommand::AlignCenter => put(id, bounds.center().x - rect.width() / 2.0, rect.top()),
                    UiCommand::AlignRight => put(id, bounds.right() - rect.width(), rect.top()),
                    UiCommand::AlignTop => put(id, rect.left(), bounds.top()),
                    UiCommand::AlignMiddle => put(id, rect.left(), bounds.center().y - rect.height() / 2.0),
                    UiCommand::AlignBottom => put(id, rect.left(), bounds.bottom() - rect.height()),
                    _ => return None,
                };
            }
        }
    }
    Some(out)
}

/// One step that moves cards to these places.
pub(crate) fn move_all(label: String, places: BTreeMap<NodeId, [i32; 2]>) -> Option<Edit> {
    let mut edits: Vec<Edit> = places.into_iter().map(|(id, at)| Edit::MoveNode { id, to: Some(at) }).collect();
    match edits.len() {
        0 => None,
        1 => edits.pop(),
        _ => Some(Edit::Many { label, edits }),
    }
}

#[cfg(test)]
mod tests {
    use eframe::egui::{pos2, vec2};

    use super::*;

    fn cards() -> Vec<(NodeId, Rect)> {
        [("a", 0.0, 0.0, 96.0), ("b", 300.0, 40.0, 144.0), ("c", 400.0, 300.0, 96.0)]
            .map(|(id, x, y, height)| (id.into(), Rect::from_min_size(pos2(x, y), vec2(168.0, height))))
            .to_vec()
    }

    fn after(command: UiCommand) -> Vec<[i32; 2]> {
        arranged(command, &cards()).unwrap().into_values().collect()
    }

    #[test]
    fn cards_are_aligned_and_spread() {
        assert_eq!(after(UiCommand::AlignLeft), [[0, 0], [0, 40], [0, 300]]);
        assert_eq!(after(UiCommand::AlignRight), [[400, 0], [400, 40], [400, 300]]);
        assert_eq!(after(UiCommand::AlignBottom), [[0, 300], [300, 252], [400, 300]]);
        assert_eq!(after(UiCommand::DistributeAcross), [[0, 0], [200, 40], [400, 300]]);
        assert_eq!(after(UiCommand::DistributeDown), [[0, 0], [300, 126], [400, 300]]);
    }

    #[test]
    fn one_card_is_arranged_already() {
        assert_eq!(arranged(UiCommand::AlignLeft, &cards()[..1]), None);
        assert_eq!(arranged(UiCommand::DistributeDown, &cards()[..2]), None);
        assert_eq!(arranged(UiCommand::Save, &cards()), None);
    }
}
