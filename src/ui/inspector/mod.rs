//! What is known of the selected step: what it gets, how its fields are filled, what it gives; three panes side by side.
//!
//! | file | what lives there |
//! |---|---|
//! | `form`, `draft`, `pill`, `reference` | pure: the fields of a step, what a field shows and becomes, references and their words |
//! | `tree`, `raw`, `later` | a value as rows or lines, and what is worked out behind the frame |
//! | `automap`, `complete`, `when` | pure: mapping by name, completion, times in words |
//! | `fields`, `field`, `entry`, `offer`, `settings`, `schedule` | the middle pane |
//! | `viewer`, `output`, `records` | values to look at, the result, the records at the head |
//!
//! Invariant: nothing here changes a flow; every change is asked for, and typing into one field is one gesture.
//! Invariant: no frame works through all of a large value.
mod automap;
mod chained;
mod complete;
mod dated;
mod draft;
mod entry;
mod field;
mod fields;
mod form;
mod later;
mod offer;
mod output;
mod pill;
mod raw;
mod records;
mod reference;
mod schedule;
mod settings;
mod tree;
mod viewer;
mod watched;
mod watching;
mod when;

use std::sync::Arc;

use eframe::egui::accesskit::Role;
use eframe::egui::{
    Align, Align2, CursorIcon, DragAndDrop, Frame, Id, LayerId, Layout, Margin, Order, Rect, Response, RichText, ScrollArea,
    Sense, Stroke, StrokeKind, TextEdit, Ui, Vec2, WidgetInfo, pos2, vec2,
};

pub(super) use self::fields::field_id;
use self::fields::{Fields, Form, STEPS};
use self::records::Strip;
use self::tree::Root;
use self::viewer::{Carried, Place, Viewer};
use super::canvas::View;
use super::canvas::kind::{Hue, face};
use super::canvas::sentence::count;
use super::ctx::Ctx;
use super::document::{DocId, Document};
use super::msg::Msg;
use super::samples::{Samples, records};
use super::theme::tokens::{extent, line, radius, size, space};
use super::theme::{self, font, icon};
use super::widgets::{button, cut_text, dim, nothing, pane, within};
use crate::flow::{Edit, Gesture, Node, NodeId, Severity};

/// From this width on there are three panes, from the other on two.
const THREE: f32 = 480.0;
const TWO: f32 = 330.0;
/// No pane is narrower.
const NARROWEST: f32 = 96.0;
/// Input, fields and output share the width like this at first.
const SHARES: [f32; 3] = [158.0, 222.0, 152.0];

/// What is remembered of the inspector while the window is open.
#[derive(Debug)]
pub(crate) struct Inspector {
    /// Input, fields, output: how they share the width.
    shares: [f32; 3],
    /// Which pane is in front where there is no room for all.
    tab: Tab,
    of: Option<(DocId, NodeId)>,
    samples: Samples,
    strip: Strip,
    form: Form,
    input: Viewer,
    output: Viewer,
    pinned: Option<output::Draft>,
    /// Something was to be put into a field, and there was none.
    homeless: bool,
}

/// A pane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tab {
    Input,
    Fields,
    Output,
}

impl Tab {
    fn words(self) -> &'static str {
        match self {
            Self::Input => "Input",
            Self::Fields => "Fields",
            Self::Output => "Output",
        }
    }
}

impl Default for Inspector {
    fn default() -> Self {
        Self {
            shares: SHARES,
            tab: Tab::Fields,
            of: None,
            samples: Samples::default(),
            strip: Strip::default(),
            form: Form::default(),
            input: Viewer::default(),
            output: Viewer::default(),
            pinned: None,
            homeless: false,
        }
    }
}

/// Shows the pane; what comes back is its head.
pub(crate) fn show(
    ui: &mut Ui,
    ctx: &Ctx<'_>,
    doc: &Document,
    view: &mut View,
    state: &mut Inspector,
    hide: &mut dyn FnMut(),
) -> Response {
    let selected = view.selection.only_node().and_then(|it| doc.flow().nodes.get_key_value(it));
    let Some((id, node)) = selected else {
        let head = pane::head(ui, "Inspector", "", |ui| {
            if button::icon(ui, icon::X, "Hide the inspector").clicked() {
                hide();
            }
        });
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            Frame::new().inner_margin(Margin::same(space::M as i8)).show(ui, |ui| whole(ui, ctx, doc, view));
        });
        return head;
    };
    let (id, node) = (id.clone(), Arc::clone(node));
    if state.of.as_ref() != Some(&(doc.id, id.clone())) {
        state.of = Some((doc.id, id.clone()));
        state.form.reset();
        state.input.reset();
        state.output.reset();
        state.pinned = None;
        state.homeless = false;
    }
    state.step(ui, ctx, doc, &id, &node, hide)
}

impl Inspector {
    /// Whether a large sample is still being read.
    pub(crate) fn is_reading(&self) -> bool {
        self.samples.is_reading()
    }

    fn step(
        &mut self,
        ui: &mut Ui,
        ctx: &Ctx<'_>,
        doc: &Document,
        id: &NodeId,
        node: &Arc<Node>,
        hide: &mut dyn FnMut(),
    ) -> Response {
        let head = step_head(ui, ctx, id, node, doc, hide);
        let known_records = records(ctx.live, &doc.flow().id);
        self.strip.judge(ui, ctx, doc, id, &known_records, self.form.editing.is_some());
        let play = self.strip.current(&known_records).map(|it| it.1);
        let known = self.samples.known(doc, id, play, ctx.live, ctx.catalog, ctx.now);
        let verdicts = self.strip.verdicts(&known_records);
        let fields = Fields { ctx, doc, id, node, known, records: &verdicts };
        if known.is_reading() {
            ui.ctx().request_repaint_after(records::READING);
        }
        let now = play.filter(|_| !known.is_reading()).map(|_| records::now_fills(&fields, &mut self.form));
        ui.spacing_mut().item_spacing.y = 0.0;
        self.strip.show(ui, &known_records, now);
        let edge = Stroke::new(line::HAIRLINE, theme::colors(ui).stroke.subtle);
        let rest = ui.available_rect_before_wrap();
        ui.painter().hline(rest.x_range(), rest.top() + 2.5, edge);
        let rest = Rect::from_min_max(pos2(rest.left(), rest.top() + 3.0), rest.max);
        let panes: Vec<Vec<Tab>> = if rest.width() >= THREE {
            vec![vec![Tab::Input], vec![Tab::Fields], vec![Tab::Output]]
        } else if rest.width() >= TWO {
            vec![vec![Tab::Input], vec![Tab::Fields, Tab::Output]]
        } else {
            vec![vec![Tab::Fields, Tab::Input, Tab::Output]]
        };
        let widths = share(&self.shares, panes.len(), rest.width());
        let mut left = rest.left();
        let mut panes_shown = Panes {
            tab: &mut self.tab,
            form: &mut self.form,
            input: &mut self.input,
            output: &mut self.output,
            pinned: &mut self.pinned,
            homeless: &mut self.homeless,
        };
        for (at, (tabs, width)) in panes.iter().zip(&widths).enumerate() {
            let column = Rect::from_min_size(pos2(left, rest.top()), vec2(*width, rest.height()));
            let mut inner = ui.new_child(eframe::egui::UiBuilder::new().id_salt(("pane", at)).max_rect(column));
            inner.set_clip_rect(column.intersect(ui.clip_rect()));
            panes_shown.show(&mut inner, &fields, tabs);
            left += width;
            if at + 1 < panes.len() {
                ui.painter().vline(left, rest.y_range(), edge);
            }
        }
        // On top of what the panes hold.
        let mut at = rest.left();
        for (nth, width) in widths.iter().enumerate().take(panes.len() - 1) {
            at += width;
            grip(ui, Rect::from_center_size(pos2(at, rest.center().y), vec2(7.0, rest.height())), nth, &mut self.shares, &widths);
        }
        ui.advance_cursor_after_rect(rest);
        paint_carried(ui);
        head
    }
}

/// What is dragged, beside the pointer.
fn paint_carried(ui: &Ui) {
    let Some(carried) = DragAndDrop::payload::<Carried>(ui.ctx()) else { return };
    let Some(at) = ui.input(|it| it.pointer.interact_pos()) else { return };
    let colors = theme::colors(ui);
    let painter = ui.ctx().layer_painter(LayerId::new(Order::Tooltip, Id::unique("carried value")));
    let galley = painter.layout_no_wrap(carried.words.clone(), font::medium(size::SMALL), colors.text.strong);
    let rect = Rect::from_min_size(at + vec2(12.0, 4.0), galley.size() + vec2(12.0, 6.0));
    let stroke = Stroke::new(line::HAIRLINE, colors.accent.ring);
    painter.rect(rect, radius::CHIP, colors.bg.raised, stroke, StrokeKind::Inside);
    painter.galley(rect.min + vec2(6.0, 3.0), galley, colors.text.strong);
}

/// What the panes of a frame change.
struct Panes<'a> {
    tab: &'a mut Tab,
    form: &'a mut Form,
    input: &'a mut Viewer,
    output: &'a mut Viewer,
    pinned: &'a mut Option<output::Draft>,
    homeless: &'a mut bool,
}

impl Panes<'_> {
    /// A column: its head, and the one pane of it that is in front.
    fn show(&mut self, ui: &mut Ui, fields: &Fields<'_>, tabs: &[Tab]) {
        let front = tabs.iter().copied().find(|it| it == self.tab).or_else(|| tabs.first().copied()).unwrap_or(Tab::Fields);
        let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), extent::PANE_HEADER), Sense::hover());
        within(ui, rect.shrink2(vec2(8.0, 0.0)), Layout::left_to_right(Align::Center), |ui| {
            ui.spacing_mut().item_spacing.x = 2.0;
            for tab in tabs {
                if tab_word(ui, *tab, *tab == front, tabs.len() > 1).clicked() {
                    *self.tab = *tab;
                }
            }
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                ui.spacing_mut().item_spacing.x = 0.0;
                match front {
                    Tab::Input => self.input.tools(ui, "Input"),
                    Tab::Fields => fields.tools(ui, self.form),
                    Tab::Output => self.output.tools(ui, "Output"),
                }
            });
        });
        Frame::new().inner_margin(Margin { left: 8, right: 2, top: 2, bottom: 0 }).show(ui, |ui| match front {
            Tab::Input => self.input(ui, fields),
            Tab::Fields => fields.show(ui, self.form),
            Tab::Output => output::show(ui, fields, self.output, self.pinned),
        });
    }

    fn input(&mut self, ui: &mut Ui, fields: &Fields<'_>) {
        if *self.homeless {
            ui.label(dim(ui, "Choose the field to fill first, then press a value here."));
        }
        let roots = input_roots(fields);
        let nothing = if fields.known.is_reading() {
            "Reading the sample…"
        } else if matches!(fields.node.kind, crate::flow::NodeKind::Trigger(_)) {
            "A flow begins here: nothing comes before."
        } else {
            "Nothing leads here yet. Connect a step to see what it gives."
        };
        let place = Place { name: "Input", maps: true, open: 3, nothing };
        if let Some(carried) = self.input.show(ui, &roots, &place) {
            *self.homeless = !fields.insert(self.form, &carried);
            if !*self.homeless {
                *self.tab = if *self.tab == Tab::Input { Tab::Fields } else { *self.tab };
            }
        }
    }
}

/// What earlier steps give, the nearest first.
fn input_roots(fields: &Fields<'_>) -> Vec<Root> {
    let mut roots = Vec::new();
    for step in fields.known.before().iter().take(STEPS) {
        let Some(node) = fields.doc.flow().nodes.get(&step.id) else { continue };
        let face = face(&node.kind, fields.ctx.catalog);
        if step.around && !roots.iter().any(|it: &Root| it.name == "item") {
            if let Some(value) = fields.known.first_item(&step.id) {
                let (title, hue) = ("This item".to_owned(), Hue::Logic);
                roots.push(Root { name: "item".to_owned(), title, icon: face.icon, hue, origin: "first item", value });
            }
            continue;
        }
        if let Some(given) = fields.known.given(&step.id) {
            roots.push(Root {
                name: step.id.to_string(),
                title: pill::step_words(step.id.as_str(), fields.doc.flow()),
                icon: face.icon,
                hue: face.hue,
                origin: given.origin.words(),
                value: given.value,
            });
        }
    }
    roots
}

/// So many panes share a width as they did before.
fn share(shares: &[f32; 3], panes: usize, width: f32) -> Vec<f32> {
    let parts: Vec<f32> = match panes {
        3 => shares.to_vec(),
        2 => vec![shares[0], shares[1] + shares[2] * 0.4],
        _ => return vec![width],
    };
    let whole: f32 = parts.iter().sum();
    let mut widths: Vec<f32> = parts.iter().map(|it| (it / whole * width).max(NARROWEST).round()).collect();
    // The fields take what is left over, or give what is missing.
    let others: f32 = widths.iter().sum::<f32>() - widths[1];
    widths[1] = (width - others).max(NARROWEST);
    widths
}

/// The line between two panes, to be dragged.
fn grip(ui: &Ui, rect: Rect, nth: usize, shares: &mut [f32; 3], widths: &[f32]) {
    let response = ui.interact(rect, ui.scope_id().with(("grip", nth)), Sense::drag());
    response.widget_info(|| {
        let name = if nth == 0 { "Width of the input" } else { "Width of the output" };
        WidgetInfo::labeled(Role::Splitter, true, name)
    });
    if response.hovered() || response.dragged() {
        ui.set_cursor_icon(CursorIcon::ResizeHorizontal);
        let colors = theme::colors(ui);
        let color = if response.dragged() { colors.accent.ring } else { colors.stroke.strong };
        ui.painter().vline(rect.center().x, rect.y_range(), Stroke::new(2.0, color));
    }
    let by = response.drag_delta().x;
    if by != 0.0
        && let (Some(a), Some(b)) = (widths.get(nth), widths.get(nth + 1))
        && a + by >= NARROWEST
        && b - by >= NARROWEST
    {
        let whole: f32 = widths.iter().sum();
        let unit = shares.iter().sum::<f32>() / whole;
        shares[nth] += by * unit;
        shares[nth + 1] -= by * unit;
    }
}

fn tab_word(ui: &mut Ui, tab: Tab, front: bool, of_several: bool) -> Response {
    let colors = theme::colors(ui);
    let ink = if front { colors.text.strong } else { colors.text.dim };
    let text = font::heading(tab.words()).color(ink);
    if !of_several {
        return ui.label(text);
    }
    let galley = ui.painter().layout_no_wrap(tab.words().to_owned(), font::semibold(13.0), ink);
    let (rect, response) = ui.allocate_exact_size(vec2(galley.size().x + 10.0, 26.0), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::Tab, true, front, tab.words()));
    ui.painter().galley(rect.center() - galley.size() / 2.0, galley, ink);
    if front {
        ui.painter().hline(rect.x_range().shrink(5.0), rect.bottom(), Stroke::new(2.0, colors.accent.ring));
    }
    button::focus_ring(ui, &response, rect);
    response
}

/// The step: its icon, its name, what it is; what comes back can be dragged.
fn step_head(ui: &mut Ui, ctx: &Ctx<'_>, id: &NodeId, node: &Node, doc: &Document, hide: &mut dyn FnMut()) -> Response {
    let colors = theme::colors(ui);
    let face = face(&node.kind, ctx.catalog);
    let ink = face.hue.ink(colors);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 48.0), Sense::drag());
    let tile = Rect::from_min_size(rect.min + vec2(space::M, 10.0), Vec2::splat(30.0));
    ui.painter().rect_filled(tile, 7.0, ink.tint);
    ui.painter().text(tile.center(), Align2::CENTER_CENTER, face.icon, font::icons(extent::ICON_RAIL), ink.text);
    let tools = Rect::from_min_max(pos2(rect.right() - 76.0, rect.top() + 8.0), pos2(rect.right() - 8.0, rect.top() + 40.0));
    within(ui, tools, Layout::right_to_left(Align::Center), |ui| {
        ui.spacing_mut().item_spacing.x = 2.0;
        if button::icon(ui, icon::X, "Hide the inspector").clicked() {
            hide();
        }
        let (mark, words) = if node.muted { (icon::EYE_SLASH, "Unmute the step") } else { (icon::EYE, "Mute the step") };
        if button::toggle(ui, mark, words, node.muted).clicked() {
            ctx.send(Msg::Edit(doc.id, Edit::SetMuted { id: id.clone(), muted: !node.muted }));
        }
    });
    let room = tools.left() - tile.right() - 16.0;
    let name = if node.name.trim().is_empty() { face.title } else { node.name.trim() };
    let kind = records::kind_of(node, ctx.catalog);
    let kind = if node.muted { format!("{kind} · muted, passed through") } else { kind };
    let text = tile.right() + 10.0;
    cut_text(ui, pos2(text, rect.top() + 19.0), name, font::semibold(15.0), colors.text.strong, room);
    cut_text(ui, pos2(text, rect.top() + 36.0), &kind, font::regular(11.0), colors.text.dim, room);
    response.widget_info(|| WidgetInfo::labeled(Role::Heading, true, format!("{name}: {kind}")));
    response
}

/// The flow, where no single step is selected.
fn whole(ui: &mut Ui, ctx: &Ctx<'_>, doc: &Document, view: &View) {
    let colors = theme::colors(ui);
    let several = view.selection.nodes.len();
    if several > 1 {
        nothing(ui, icon::SELECTION_ALL, &format!("{several} steps are selected"), "Select a single one to see its fields.");
        return;
    }
    ui.label(dim(ui, "Name"));
    let mut name = doc.flow().name.clone();
    let field = ui.add(TextEdit::singleline(&mut name).desired_width(f32::INFINITY)).accessible_name("Name of the flow");
    if field.changed() {
        ctx.send(Msg::EditIn(doc.id, Edit::SetName(name), Gesture::new("type flow name")));
    }
    ui.label(dim(ui, "What it is for"));
    let mut description = doc.flow().description.clone();
    let edit = TextEdit::multiline(&mut description).desired_rows(3).desired_width(f32::INFINITY);
    let text = ui.add(edit).accessible_name("What the flow is for");
    if text.changed() {
        ctx.send(Msg::EditIn(doc.id, Edit::SetDescription(description), Gesture::new("type flow description")));
    }
    if field.lost_focus() || text.lost_focus() {
        ctx.send(Msg::EndGesture(doc.id));
    }
    ui.add_space(8.0);
    if doc.problems.is_empty() {
        ui.label(dim(ui, "Select a step to see what it does and how its fields are filled."));
        return;
    }
    ui.label(font::heading(format!("{} to look at", count(doc.problems.len(), "thing"))).color(colors.text.strong));
    for problem in &doc.problems {
        let title = problem.node.as_ref().and_then(|it| doc.flow().nodes.get(it)).map(|it| it.name.clone()).unwrap_or_default();
        let response = note(ui, problem.severity, &title, &problem.message, &problem.hint);
        if response.clicked()
            && let Some(node) = &problem.node
        {
            ctx.send(Msg::Select { doc: doc.id, nodes: vec![node.clone()], show: true });
        }
    }
}

/// Something to look at, in place.
fn note(ui: &mut Ui, severity: Severity, place: &str, message: &str, hint: &str) -> Response {
    let colors = theme::colors(ui);
    let (ink, mark) = match severity {
        Severity::Error => (colors.failed, icon::X_CIRCLE),
        Severity::Warning => (colors.waiting, icon::WARNING),
    };
    let frame = Frame::new().fill(ink.tint).corner_radius(radius::BASE).inner_margin(Margin::symmetric(10, 8));
    let shown = frame.show(ui, |ui| {
        ui.horizontal_top(|ui| {
            ui.label(RichText::new(mark).font(font::icons_fill(14.0)).color(ink.mark));
            ui.vertical(|ui| {
                ui.set_width(ui.available_width());
                ui.spacing_mut().item_spacing.y = 2.0;
                let message = super::words::sentence(message);
                let text = if place.is_empty() { message } else { format!("{}: {message}", place_words(place)) };
                ui.label(RichText::new(text).small().color(colors.text.strong));
                if !hint.trim().is_empty() {
                    ui.label(RichText::new(closed(hint)).small().color(colors.text.body));
                }
            });
        });
    });
    shown.response.interact(Sense::click())
}

/// A hint as a sentence; a question stays one.
fn closed(hint: &str) -> String {
    let hint = hint.trim();
    if hint.ends_with(['.', '?', '!']) { hint.to_owned() } else { super::words::sentence(hint) }
}

fn place_words(place: &str) -> String {
    super::canvas::sentence::title(place.rsplit('.').find(|it| it.parse::<u32>().is_err()).unwrap_or(place))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_is_a_sentence_or_a_question() {
        assert_eq!(closed("did it run"), "Did it run.");
        assert_eq!(closed("Did you mean \"a\"? "), "Did you mean \"a\"?");
        assert_eq!(closed("Connect it."), "Connect it.");
    }

    #[test]
    fn panes_fill_the_width_and_none_is_too_narrow() {
        for (panes, width) in [(3, 532.0), (3, 480.0), (2, 400.0), (2, 330.0), (1, 200.0), (3, 1_000.0)] {
            let widths = share(&SHARES, panes, width);
            assert_eq!(widths.len(), panes);
            assert!((widths.iter().sum::<f32>() - width).abs() < 0.01, "{widths:?}");
            assert!(widths.iter().all(|it| *it >= NARROWEST));
        }
        assert_eq!(share(&SHARES, 3, 532.0), SHARES);
    }
}
