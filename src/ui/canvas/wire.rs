//! How a wire runs, where it is hit, and how it is drawn.
use eframe::egui::emath::TSTransform;
use eframe::egui::epaint::CubicBezierShape;
use eframe::egui::{Color32, Painter, Pos2, Rect, Shape, Stroke, pos2, vec2};

use crate::ui::theme::tokens::{node, wire};

/// A wire, in canvas points, up to where its arrow begins.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Curve {
    /// To a card on the right.
    Forward([Pos2; 4]),
    /// To a card on the left: around, through a gap between rows; corners, not yet rounded.
    Back([Pos2; 6]),
}

/// How it is drawn.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Look {
    pub(crate) color: Color32,
    pub(crate) width: f32,
    pub(crate) dashed: bool,
}

/// Between the ring of a port and the tip of an arrow.
const TIP: f32 = node::PORT_RADIUS + 1.0;

impl Curve {
    /// From a port to a card's left side; `gutter` is the y of the gap that a wire back runs through.
    pub(crate) fn new(from: Pos2, to: Pos2, gutter: f32) -> Self {
        let end = to - vec2(TIP + wire::ARROW - 1.0, 0.0);
        let start = from + vec2(node::PORT_RADIUS, 0.0);
        if to.x >= from.x + 24.0 {
            let pull = (0.5 * (end.x - start.x).abs()).clamp(wire::CONTROL_MIN.min((end.x - start.x).abs()), wire::CONTROL_MAX);
            return Self::Forward([start, start + vec2(pull, 0.0), end - vec2(pull, 0.0), end]);
        }
        let out = from.x + wire::RETURN_OUT;
        let into = to.x - wire::RETURN_OUT - 4.0;
        Self::Back([start, pos2(out, from.y), pos2(out, gutter), pos2(into, gutter), pos2(into, to.y), end])
    }

    /// Around it.
    pub(crate) fn bounds(&self) -> Rect {
        match self {
            Self::Forward(points) => Rect::from_points(points),
            Self::Back(points) => Rect::from_points(points),
        }
        .expand(4.0)
    }

    /// As short lines, on the screen.
    pub(crate) fn flat(&self, t: TSTransform) -> Vec<Pos2> {
        match self {
            Self::Forward(points) => {
                let shape =
                    CubicBezierShape::from_points_stroke(points.map(|it| t * it), false, Color32::TRANSPARENT, Stroke::NONE);
                shape.flatten(Some(0.2))
            }
            Self::Back(corners) => rounded(&corners.map(|it| t * it), wire::RETURN_RADIUS * t.scaling),
        }
    }

    /// A point on it, from 0 at its beginning to 1 at its end, on the screen.
    pub(crate) fn point(&self, t: TSTransform, share: f32) -> Pos2 {
        let flat = self.flat(t);
        let lengths = flat.windows(2).map(|it| it[0].distance(it[1]));
        let mut left = lengths.clone().sum::<f32>() * share;
        for (pair, length) in flat.windows(2).zip(lengths) {
            if left <= length {
                return pair[0].lerp(pair[1], if length > 0.0 { left / length } else { 0.0 });
            }
            left -= length;
        }
        flat.last().copied().unwrap_or_default()
    }

    /// Where its count stands: over its middle.
    pub(crate) fn middle(&self) -> Pos2 {
        match self {
            Self::Forward([a, _, _, d]) => pos2(f32::midpoint(a.x, d.x + wire::ARROW), f32::midpoint(a.y, d.y)),
            Self::Back([_, _, a, b, ..]) => a.lerp(*b, 0.5),
        }
    }

    /// How far a point of the screen is from it.
    pub(crate) fn distance(&self, t: TSTransform, at: Pos2) -> f32 {
        let flat = self.flat(t);
        flat.windows(2).map(|it| to_segment(at, it[0], it[1])).fold(f32::INFINITY, f32::min)
    }

    /// Draws it, far away as a mere line.
    pub(crate) fn draw(&self, painter: &Painter, t: TSTransform, look: Look) {
        let stroke = Stroke::new((look.width * t.scaling.clamp(0.6, 1.5)).max(1.0), look.color);
        if t.scaling < node::BLOCKS_BELOW {
            match self {
                Self::Forward([a, _, _, d]) => {
                    painter.line_segment([t * *a, t * *d], stroke);
                }
                Self::Back(corners) => {
                    painter.line(corners.iter().map(|it| t * *it).collect(), stroke);
                }
            }
            return;
        }
        if look.dashed {
            let [dash, gap] = wire::DASH_ERROR.map(|it| it * t.scaling);
            painter.extend(Shape::dashed_line(&self.flat(t), stroke, dash, gap));
        } else {
            match self {
                Self::Forward(points) => {
                    let points = points.map(|it| t * it);
                    painter.add(CubicBezierShape::from_points_stroke(points, false, Color32::TRANSPARENT, stroke));
                }
                Self::Back(_) => {
                    painter.line(self.flat(t), stroke);
                }
            }
        }
        let end = match self {
            Self::Forward([.., end]) | Self::Back([.., end]) => *end,
        };
        let half = wire::ARROW / 2.0;
        let arrow = [end - vec2(1.0, half), end + vec2(wire::ARROW - 1.0, 0.0), end + vec2(-1.0, half)];
        painter.add(Shape::convex_polygon(arrow.map(|it| t * it).to_vec(), look.color, Stroke::NONE));
    }
}

/// Corners made round.
fn rounded(corners: &[Pos2], radius: f32) -> Vec<Pos2> {
    let (Some(first), Some(last)) = (corners.first(), corners.last()) else { return Vec::new() };
    let mut out = vec![*first];
    for trio in corners.windows(3) {
        let [before, corner, after] = [trio[0], trio[1], trio[2]];
        let (into, away) = (before - corner, after - corner);
        let reach = radius.min(into.length() / 2.0).min(away.length() / 2.0);
        if reach < 0.1 {
            out.push(corner);
            continue;
        }
        let (a, b) = (corner + into.normalized() * reach, corner + away.normalized() * reach);
        for step in 0..=6 {
            let share = step as f32 / 6.0;
            out.push(a.lerp(corner, share).lerp(corner.lerp(b, share), share));
        }
    }
    out.push(*last);
    out
}

fn to_segment(at: Pos2, a: Pos2, b: Pos2) -> f32 {
    let along = b - a;
    let length = along.length_sq();
    let share = if length > 0.0 { ((at - a).dot(along) / length).clamp(0.0, 1.0) } else { 0.0 };
    at.distance(a + along * share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wire_to_the_right_is_a_curve_and_to_the_left_goes_around() {
        assert!(matches!(Curve::new(pos2(0.0, 0.0), pos2(36.0, 0.0), 0.0), Curve::Forward(_)));
        let back = Curve::new(pos2(700.0, 18.0), pos2(0.0, 158.0), 118.0);
        let Curve::Back(corners) = &back else { panic!("goes around") };
        assert!((corners[2].y - 118.0).abs() < 1e-6);
        let flat = back.flat(TSTransform::IDENTITY);
        assert!(flat.iter().all(|it| back.bounds().contains(*it)));
        assert!(flat.first().unwrap().x > flat.last().unwrap().x);
    }

    #[test]
    fn a_wire_is_hit_along_all_of_it() {
        let wire = Curve::new(pos2(0.0, 0.0), pos2(200.0, 100.0), 0.0);
        for share in [0.05, 0.3, 0.5, 0.95] {
            assert!(wire.distance(TSTransform::IDENTITY, wire.point(TSTransform::IDENTITY, share)) < 0.5);
        }
        assert!(wire.distance(TSTransform::IDENTITY, pos2(200.0, 0.0)) > 20.0);
    }
}
