//! How a card looks in each of its states.
use std::sync::Arc;

use eframe::egui::emath::TSTransform;
use eframe::egui::text::{LayoutJob, TextFormat, TextWrapping};
use eframe::egui::{Align2, Color32, CornerRadius, FontId, Galley, Painter, Pos2, Rect, Stroke, StrokeKind, Vec2, pos2, vec2};
use jiff::Timestamp;

use super::board::{Spot, footer_y};
use crate::flow::Node;
use crate::record::Failure;
use crate::ui::live::{NodePlay, Phase};
use crate::ui::theme::tokens::{line, node as metric, radius, size};
use crate::ui::theme::{Colors, font, icon};
use crate::ui::words;

/// What a card says beside what it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum State {
    /// Never run.
    New,
    /// It cannot run like this; what is missing.
    Incomplete(String),
    Muted,
    /// Not reached by the run that is shown.
    NotReached,
    Running,
    Waiting,
    /// Waits for a person.
    Parked,
    Done,
    Failed,
    /// Its results are of an earlier flow.
    Stale,
}

impl State {
    /// Of a node, from what is wrong with it and how far a run is.
    pub(crate) fn of(node: &Node, play: Option<&NodePlay>, has_run: bool, stale: bool, problem: Option<&str>) -> Self {
        if node.muted {
            return Self::Muted;
        }
        match (play.map(NodePlay::phase), problem) {
            (Some(Phase::Running), _) => Self::Running,
            (Some(Phase::Waiting), _) => Self::Waiting,
            (Some(Phase::Parked), _) => Self::Parked,
            (_, Some(problem)) => Self::Incomplete(problem.to_owned()),
            (Some(Phase::Done | Phase::Failed), None) if stale => Self::Stale,
            (Some(Phase::Done), None) => Self::Done,
            (Some(Phase::Failed), None) => Self::Failed,
            (Some(Phase::Idle) | None, None) if has_run && !stale => Self::NotReached,
            (Some(Phase::Idle) | None, None) => Self::New,
        }
    }

    /// Its icon, whether that is the filled one, and its colour; none where there is nothing to say.
    pub(crate) fn mark(&self, colors: &Colors) -> Option<(char, bool, Color32)> {
        Some(match self {
            Self::New => return None,
            Self::NotReached => (icon::CIRCLE_DASHED, false, colors.text.dim),
            Self::Incomplete(_) | Self::Parked => (icon::WARNING, true, colors.waiting.mark),
            Self::Muted => (icon::EYE_SLASH, false, colors.skipped.text),
            Self::Running => (icon::PLAY_CIRCLE, true, colors.accent.text),
            Self::Waiting => (icon::CLOCK, true, colors.waiting.mark),
            Self::Done => (icon::CHECK_CIRCLE, true, colors.ok.mark),
            Self::Failed => (icon::X_CIRCLE, true, colors.failed.mark),
            Self::Stale => (icon::CLOCK_COUNTER_CLOCKWISE, false, colors.waiting.mark),
        })
    }

    /// For those who do not see it.
    pub(crate) fn words(&self) -> String {
        match self {
            Self::New => "not run yet".to_owned(),
            Self::Incomplete(problem) => format!("needs filling in: {problem}"),
            Self::Muted => "muted, passes through".to_owned(),
            Self::NotReached => "not reached".to_owned(),
            Self::Running => "running".to_owned(),
            Self::Waiting => "waiting".to_owned(),
            Self::Parked => "waits for you".to_owned(),
            Self::Done => "done".to_owned(),
            Self::Failed => "failed".to_owned(),
            Self::Stale => "changed since its run".to_owned(),
        }
    }
}

/// Text of a card, made ready for a zoom and a theme. Not the laid out text itself: that is egui's to keep, which knows when
/// its glyphs have moved.
#[derive(Debug, Clone)]
pub(crate) struct Laid {
    node: Arc<Node>,
    zoom: u32,
    dark: bool,
    muted_look: bool,
    title: LayoutJob,
    sentence: LayoutJob,
}

/// Everything that a card is drawn from.
pub(crate) struct Card<'a> {
    pub(crate) spot: &'a Spot,
    /// Where it is now, in canvas points; with what a run adds to it.
    pub(crate) rect: Rect,
    pub(crate) state: State,
    pub(crate) play: Option<&'a NodePlay>,
    pub(crate) failure: Option<&'a Failure>,
    pub(crate) selected: bool,
    pub(crate) focused: bool,
    pub(crate) hovered: bool,
    /// A wire or a card would be dropped on it.
    pub(crate) target: bool,
    /// Ports that are shown though nothing hangs on them.
    pub(crate) all_ports: bool,
    pub(crate) now: Timestamp,
}

/// A painter at a zoom.
pub(crate) struct Pen<'a> {
    pub(crate) painter: &'a Painter,
    pub(crate) t: TSTransform,
    pub(crate) colors: &'static Colors,
    pub(crate) dark: bool,
}

impl Pen<'_> {
    /// A length of the canvas on the screen.
    pub(crate) fn s(&self, length: f32) -> f32 {
        length * self.t.scaling
    }

    /// A font size on the screen; in half points, so that not every zoom fills the atlas anew.
    pub(crate) fn font_size(&self, size: f32) -> f32 {
        font_size(size, self.t.scaling)
    }

    pub(crate) fn corner(&self, radius: f32) -> CornerRadius {
        CornerRadius::same(self.s(radius).round().clamp(0.0, 255.0) as u8)
    }

    fn icon(&self, at: Pos2, icon: char, font: FontId, color: Color32) {
        self.painter.text(at, Align2::CENTER_CENTER, icon, font, color);
    }

    /// A line of text that is cut where there is no room; its width on the screen.
    fn line(&self, at: Pos2, text: &str, font: FontId, color: Color32, room: f32) -> f32 {
        let mut job = LayoutJob::single_section(text.to_owned(), TextFormat::simple(font, color));
        job.wrap = TextWrapping::truncate_at_width(room);
        let galley = self.painter.layout_job(job);
        let size = galley.size();
        self.painter.galley(at - vec2(0.0, size.y / 2.0), galley, color);
        size.x
    }
}

/// In half points.
pub(crate) fn font_size(size: f32, zoom: f32) -> f32 {
    (size * zoom * 2.0).round().max(4.0) / 2.0
}

/// The text of the strip under a card that failed.
pub(crate) fn strip_text(failure: &Failure) -> String {
    let detail = if failure.hint.is_empty() { &failure.detail } else { &failure.hint };
    let title = words::sentence(&failure.title);
    if detail.is_empty() { title } else { format!("{title} {}", words::sentence(detail)) }
}

/// How much higher a card is for its strip: as much as fits between two rows, or all of it.
pub(crate) fn strip_height(painter: &Painter, failure: &Failure, whole: bool) -> f32 {
    let galley = strip(painter, failure, 1.0, Color32::WHITE, whole);
    galley.rows.len() as f32 * size::SMALL_LINE + 2.0 * metric::ERROR_PAD - 2.0
}

fn strip(painter: &Painter, failure: &Failure, zoom: f32, color: Color32, whole: bool) -> Arc<Galley> {
    let mut format = TextFormat::simple(font::regular(font_size(size::SMALL, zoom)), color);
    format.line_height = Some(size::SMALL_LINE * zoom);
    let mut job = LayoutJob::single_section(strip_text(failure), format);
    job.wrap = TextWrapping {
        max_width: (metric::WIDTH - 2.0 * metric::PAD) * zoom,
        max_rows: if whole { 8 } else { 2 },
        ..TextWrapping::default()
    };
    painter.layout_job(job)
}

impl Card<'_> {
    /// The colour of a block from far away, where nothing more is to be seen of it.
    pub(crate) fn plain_block(&self, pen: &Pen<'_>) -> Option<Color32> {
        let plain = !self.selected && !self.focused && self.state != State::Running;
        plain.then(|| self.block_fill(pen))
    }

    fn block_fill(&self, pen: &Pen<'_>) -> Color32 {
        match self.state {
            State::Failed => pen.colors.failed.mark,
            State::Muted => pen.colors.bg.raised,
            _ => self.spot.hue().ink(pen.colors).mark.gamma_multiply(if pen.dark { 0.75 } else { 0.8 }),
        }
    }

    /// A block in its hue, as it is from far away.
    pub(crate) fn draw_block(&self, pen: &Pen<'_>) {
        let rect = pen.t * self.rect;
        let colors = pen.colors;
        let fill = self.block_fill(pen);
        let stroke = if self.selected || self.focused {
            Stroke::new(line::SELECT, colors.accent.ring)
        } else if self.state == State::Running {
            Stroke::new(line::SELECT, colors.text.strong)
        } else {
            Stroke::NONE
        };
        pen.painter.rect(rect, pen.corner(6.0), fill, stroke, StrokeKind::Outside);
    }

    /// The card as it is near by; its text is laid out once and kept.
    pub(crate) fn draw(&self, pen: &Pen<'_>, kept: &mut Option<Laid>) {
        let muted = self.state == State::Muted;
        self.draw_ground(pen);
        let zoom = (pen.t.scaling * 1000.0) as u32;
        let fits = |it: &Laid| {
            Arc::ptr_eq(&it.node, &self.spot.node) && it.zoom == zoom && it.dark == pen.dark && it.muted_look == muted
        };
        let laid = match kept {
            Some(laid) if fits(laid) => laid,
            _ => kept.insert(self.lay(pen, zoom, muted)),
        };
        let at = pen.t * self.rect.min;
        let colors = pen.colors;
        let ink = self.spot.hue().ink(colors);
        let tile = Rect::from_min_size(at + Vec2::splat(pen.s(metric::PAD)), Vec2::splat(pen.s(metric::TILE)));
        pen.painter.rect_filled(tile, pen.corner(5.0), if muted { colors.skipped.tint } else { ink.tint });
        // What sets a flow off has its mark filled.
        let is_filled = !self.spot.has_input && font::has_fill(self.spot.face.icon);
        let glyph = if is_filled { font::icons_fill } else { font::icons };
        let color = if muted { colors.skipped.text } else { ink.text };
        pen.icon(tile.center(), self.spot.face.icon, glyph(pen.font_size(14.0)), color);
        let name = pen.painter.layout_job(laid.title.clone());
        let beside = tile.right_center() + vec2(pen.s(metric::GAP_HEADER), -name.size().y / 2.0);
        pen.painter.galley(beside, name, colors.text.strong);
        let below = at + vec2(pen.s(metric::PAD), pen.s(34.0));
        pen.painter.galley(below, pen.painter.layout_job(laid.sentence.clone()), colors.text.dim);
        self.draw_mark(pen);
        self.draw_footer(pen);
        self.draw_strip(pen);
    }

    fn lay(&self, pen: &Pen<'_>, zoom: u32, muted: bool) -> Laid {
        let colors = pen.colors;
        let zoomed = pen.t.scaling;
        let title_color = if muted { colors.text.dim } else { colors.text.strong };
        let mut title = LayoutJob::single_section(
            self.spot.title().to_owned(),
            TextFormat::simple(font::semibold(pen.font_size(size::BODY)), title_color),
        );
        let room = metric::WIDTH - metric::PAD * 2.0 - metric::TILE - metric::GAP_HEADER - 18.0;
        title.wrap = TextWrapping::truncate_at_width(room * zoomed);
        let mut sentence = LayoutJob::default();
        for part in &self.spot.sentence.0 {
            let (font, color) = match (part.strong, muted) {
                (true, false) => (font::medium(pen.font_size(size::SMALL)), colors.text.strong),
                (true, true) => (font::medium(pen.font_size(size::SMALL)), colors.text.dim),
                (false, _) => (font::regular(pen.font_size(size::SMALL)), colors.text.dim),
            };
            let mut format = TextFormat::simple(font, color);
            format.line_height = Some(size::SMALL_LINE * zoomed);
            sentence.append(&part.text, 0.0, format);
        }
        sentence.wrap =
            TextWrapping { max_width: (metric::WIDTH - 2.0 * metric::PAD) * zoomed, max_rows: 2, ..TextWrapping::default() };
        Laid { node: Arc::clone(&self.spot.node), zoom, dark: pen.dark, muted_look: muted, title, sentence }
    }

    fn draw_ground(&self, pen: &Pen<'_>) {
        let colors = pen.colors;
        let rect = pen.t * self.rect;
        let corner = pen.corner(f32::from(radius::CARD));
        let muted = self.state == State::Muted;
        if !muted {
            let alpha = if pen.dark { 70 } else { 14 };
            pen.painter.rect_filled(rect.translate(vec2(0.0, pen.s(1.0).max(1.0))), corner, Color32::from_black_alpha(alpha));
        }
        let fill = if self.target {
            colors.bg.selected
        } else if muted {
            colors.bg.canvas
        } else if self.hovered {
            colors.bg.hover
        } else {
            colors.bg.raised
        };
        let edge = match &self.state {
            State::Failed => colors.failed.mark,
            State::Incomplete(_) | State::Parked => colors.waiting.mark,
            State::Running => colors.accent.ring,
            _ if self.hovered || self.target => colors.stroke.strong,
            _ => colors.stroke.usual,
        };
        if muted {
            pen.painter.rect_filled(rect, corner, fill);
            let inner = rect.shrink(0.5);
            let outline = [inner.left_top(), inner.right_top(), inner.right_bottom(), inner.left_bottom(), inner.left_top()];
            let dashed = eframe::egui::Shape::dashed_line(&outline, Stroke::new(line::HAIRLINE, colors.stroke.strong), 4.0, 3.0);
            pen.painter.extend(dashed);
        } else {
            pen.painter.rect(rect, corner, fill, Stroke::new(line::HAIRLINE, edge), StrokeKind::Inside);
        }
        if self.selected || self.target {
            pen.painter.rect_stroke(rect, corner, Stroke::new(line::SELECT, colors.accent.ring), StrokeKind::Inside);
        }
        if self.focused {
            let ring = CornerRadius::same(corner.nw.saturating_add(4));
            pen.painter.rect_stroke(rect.expand(2.0), ring, Stroke::new(line::FOCUS, colors.accent.ring), StrokeKind::Outside);
        }
        if self.state == State::Running {
            let bar = Rect::from_min_max(
                pos2(rect.left() + f32::from(corner.sw), rect.bottom() - 2.0),
                pos2(rect.left() + rect.width() * 0.62, rect.bottom()),
            );
            pen.painter.rect_filled(bar, 1.0, colors.accent.ring);
        }
    }

    fn draw_mark(&self, pen: &Pen<'_>) {
        let colors = pen.colors;
        let at = pen.t * (self.rect.min + vec2(metric::WIDTH - metric::PAD - 7.0, metric::PORT_Y));
        if let Some((icon, fill, color)) = self.state.mark(colors) {
            let size = pen.font_size(14.0);
            pen.icon(at, icon, if fill { font::icons_fill(size) } else { font::icons(size) }, color);
        }
    }

    fn draw_footer(&self, pen: &Pen<'_>) {
        let colors = pen.colors;
        let left = self.rect.left() + metric::PAD;
        let y = self.rect.top() + footer_y();
        let small = || font::regular(pen.font_size(size::SMALL));
        let extra: Vec<_> = self.spot.ports.iter().skip(1).filter(|it| !it.is_error && !it.word.is_empty()).collect();
        let room = pen.s(metric::WIDTH - 2.0 * metric::PAD - if extra.is_empty() { 0.0 } else { 56.0 });
        let say = |text: &str, color: Color32| {
            pen.line(pen.t * pos2(left, y), text, small(), color, room);
        };
        // The words of further ways out stand at their ports.
        for port in &extra {
            let at = pen.t * pos2(self.rect.right() - metric::PAD, self.rect.top() + port.y);
            pen.painter.text(at, Align2::RIGHT_CENTER, &port.word, small(), colors.text.dim);
        }
        match &self.state {
            State::Incomplete(problem) => {
                let at = pen.t * pos2(left + 6.0, y);
                pen.icon(at, icon::WARNING, font::icons(pen.font_size(12.0)), colors.waiting.text);
                pen.line(pen.t * pos2(left + 16.0, y), problem, small(), colors.waiting.text, room - pen.s(16.0));
            }
            State::Muted => say("Muted, passes through", colors.text.dim),
            State::New => say(if extra.is_empty() { "Not run yet" } else { self.spot.ports[0].word.as_str() }, colors.text.dim),
            State::NotReached => say("Not reached", colors.text.dim),
            State::Running => {
                let since = self.play.and_then(NodePlay::since).map_or(0, |it| words::ms_between(it, self.now));
                say(&format!("Running, {}", words::milliseconds(since)), colors.accent.text);
            }
            State::Waiting => {
                let until = self.play.and_then(NodePlay::until).map(|it| words::until(it, self.now)).unwrap_or_default();
                say(&format!("Waits {until}"), colors.waiting.text);
            }
            State::Parked => say("Waits for you", colors.waiting.text),
            State::Done | State::Failed | State::Stale => self.draw_counts(pen, pos2(left, y), extra.is_empty()),
        }
    }

    fn draw_counts(&self, pen: &Pen<'_>, at: Pos2, with_duration: bool) {
        let Some(play) = self.play else { return };
        let colors = pen.colors;
        let stale = self.state == State::Stale;
        let mut x = at.x;
        let counts = [
            (play.ok, icon::CHECK, colors.ok.text, true),
            (play.skipped, icon::SKIP_FORWARD, colors.skipped.text, false),
            (play.failed, icon::X, colors.failed.text, true),
            (play.waiting(), icon::CLOCK, colors.waiting.text, false),
        ];
        for (count, mark, color, bold) in counts {
            if count == 0 {
                continue;
            }
            let color = if stale { colors.text.dim } else { color };
            let font = if bold { font::icons_bold } else { font::icons };
            pen.icon(pen.t * pos2(x + 6.0, at.y), mark, font(pen.font_size(11.0)), color);
            let number = font::mono(pen.font_size(size::MONO_SMALL));
            let width = pen.line(pen.t * pos2(x + 15.0, at.y), &count.to_string(), number, color, f32::INFINITY);
            x += 15.0 + width / pen.t.scaling + 8.0;
        }
        if let Some(ms) = play.median_ms().filter(|_| with_duration) {
            let (number, unit) = words::split_milliseconds(u64::from(ms));
            let right = pen.t * pos2(self.rect.right() - metric::PAD, at.y);
            let unit_font = font::regular(pen.font_size(size::SMALL));
            let rect = pen.painter.text(right, Align2::RIGHT_CENTER, unit, unit_font, colors.text.dim);
            let left = pos2(rect.left() - pen.s(2.0), right.y);
            let mono = font::mono(pen.font_size(size::MONO_SMALL));
            pen.painter.text(left, Align2::RIGHT_CENTER, number, mono, colors.text.dim);
        }
    }

    fn draw_strip(&self, pen: &Pen<'_>) {
        let Some(failure) = self.failure else { return };
        let colors = pen.colors;
        let top = self.rect.top() + self.spot.height;
        let area = pen.t * Rect::from_min_max(pos2(self.rect.left(), top), self.rect.max);
        let radius = pen.corner(f32::from(radius::CARD)).sw;
        let corner = CornerRadius { nw: 0, ne: 0, sw: radius, se: radius };
        pen.painter.rect_filled(area.shrink2(vec2(1.0, 0.0)).with_max_y(area.bottom() - 1.0), corner, colors.failed.tint);
        pen.painter.hline(area.x_range(), area.top(), Stroke::new(line::HAIRLINE, colors.failed.mark));
        let galley = strip(pen.painter, failure, pen.t.scaling, colors.text.strong, self.selected);
        pen.painter.galley(area.min + vec2(pen.s(metric::PAD), pen.s(metric::ERROR_PAD - 1.0)), galley, colors.text.strong);
    }

    /// Rings on the card's edge; above the cards' own ground, so that wires end on them.
    pub(crate) fn draw_ports(&self, pen: &Pen<'_>) {
        let colors = pen.colors;
        let muted = self.state == State::Muted;
        let ring = |center: Pos2, color: Color32| {
            let width = pen.s(1.5).max(1.0);
            pen.painter.circle(pen.t * center, pen.s(metric::PORT_RADIUS), colors.bg.canvas, Stroke::new(width, color));
        };
        let own = self.spot.hue().ink(colors).mark;
        let own = if muted { colors.skipped.mark } else { own };
        if self.spot.has_input {
            ring(self.rect.min + Spot::input(), own);
        }
        for port in &self.spot.ports {
            if port.is_error && !port.is_wired && !self.all_ports {
                continue;
            }
            let color = if port.is_error { colors.failed.mark } else { own };
            ring(self.rect.min + Spot::output(port), color);
        }
    }
}
