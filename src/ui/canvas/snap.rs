//! Snapping while things are moved: to the edges and middles of what stands still, else to the grid.
//!
//! Invariant: pure; what is snapped moves by less than the reach.
use eframe::egui::{Rangef, Rect, Vec2, vec2};

/// The grid, in canvas points.
pub(crate) const GRID: f32 = 8.0;

/// A line that shows what was snapped to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Guide {
    /// At this x, so far up and down.
    Vertical(f32, Rangef),
    /// At this y, so far across.
    Horizontal(f32, Rangef),
}

/// How far to move instead, and the lines that say why.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Snapped {
    pub(crate) delta: Vec2,
    pub(crate) guides: Vec<Guide>,
}

/// `moved` is where it would be without snapping; `delta` is how far it came.
pub(crate) fn snap(moved: Rect, delta: Vec2, others: &[Rect], reach: f32, grid: bool) -> Snapped {
    let mut snapped = Snapped { delta, guides: Vec::new() };
    let xs = |it: &Rect| [it.left(), it.center().x, it.right()];
    let ys = |it: &Rect| [it.top(), it.center().y, it.bottom()];
    let across = nearest(&xs(&moved), others.iter().map(xs), reach);
    let down = nearest(&ys(&moved), others.iter().map(ys), reach);
    match across {
        Some((by, at)) => {
            snapped.delta.x += by;
            let touched = others.iter().filter(|it| xs(it).iter().any(|x| (x - at).abs() < 0.01));
            let range = touched.fold(moved.y_range(), |range, it| join(range, it.y_range()));
            snapped.guides.push(Guide::Vertical(at, range));
        }
        None if grid => snapped.delta.x += to_grid(moved.left()),
        None => {}
    }
    match down {
        Some((by, at)) => {
            snapped.delta.y += by;
            let touched = others.iter().filter(|it| ys(it).iter().any(|y| (y - at).abs() < 0.01));
            let range = touched.fold(moved.x_range(), |range, it| join(range, it.x_range()));
            snapped.guides.push(Guide::Horizontal(at, range));
        }
        None if grid => snapped.delta.y += to_grid(moved.top()),
        None => {}
    }
    snapped
}

/// To the nearest point of the grid.
pub(crate) fn on_grid(at: Vec2) -> Vec2 {
    vec2((at.x / GRID).round() * GRID, (at.y / GRID).round() * GRID)
}

fn to_grid(at: f32) -> f32 {
    (at / GRID).round() * GRID - at
}

fn join(a: Rangef, b: Rangef) -> Rangef {
    Rangef::new(a.min.min(b.min), a.max.max(b.max))
}

/// How far to the nearest of the others' lines, and which that is.
fn nearest(own: &[f32; 3], others: impl Iterator<Item = [f32; 3]>, reach: f32) -> Option<(f32, f32)> {
    let pairs = others.flat_map(|lines| {
        // An edge to an edge, a middle to a middle.
        own.iter().enumerate().flat_map(move |(at, line)| {
            lines.into_iter().enumerate().filter(move |(other, _)| (at == 1) == (*other == 1)).map(move |(_, to)| (to - line, to))
        })
    });
    pairs.filter(|(by, _)| by.abs() < reach).min_by(|a, b| a.0.abs().total_cmp(&b.0.abs()))
}

#[cfg(test)]
mod tests {
    use eframe::egui::pos2;

    use super::*;

    fn card(x: f32, y: f32) -> Rect {
        Rect::from_min_size(pos2(x, y), vec2(168.0, 96.0))
    }

    #[test]
    fn a_card_that_is_nearly_beside_another_is_beside_it() {
        let snapped = snap(card(300.0, 3.0), vec2(100.0, 3.0), &[card(0.0, 0.0)], 6.0, false);
        assert_eq!(snapped.delta, vec2(100.0, 0.0));
        assert_eq!(snapped.guides.len(), 1);
        assert!(matches!(snapped.guides[0], Guide::Horizontal(_, range) if range == Rangef::new(0.0, 468.0)));
    }

    #[test]
    fn where_nothing_is_near_the_grid_holds() {
        let snapped = snap(card(301.0, 205.0), vec2(1.0, 5.0), &[card(0.0, 0.0)], 6.0, true);
        assert_eq!(snapped.delta, vec2(4.0, 8.0));
        assert_eq!(snapped.guides, []);
        assert_eq!(snap(card(301.0, 205.0), vec2(1.0, 5.0), &[], 6.0, false).delta, vec2(1.0, 5.0));
    }
}
