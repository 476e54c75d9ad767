//! The lower bar: where runs go, and what goes on.
use eframe::egui::accesskit::Role;
use eframe::egui::{Align, Align2, Layout, Rect, RichText, Sense, Ui, UiBuilder, WidgetInfo, pos2, vec2};

use crate::flow::FlowId;
use crate::ui::behind::Spent;
use crate::ui::canvas::sentence::count;
use crate::ui::ctx::Ctx;
use crate::ui::document::Document;
use crate::ui::home::{self, Place};
use crate::ui::live::Readiness;
use crate::ui::msg::{Msg, Room};
use crate::ui::theme::tokens::size;
use crate::ui::theme::{self, font, icon};
use crate::ui::widgets::dim;

pub(super) fn show(ui: &mut Ui, ctx: &Ctx<'_>) {
    let colors = theme::colors(ui);
    let rect = ui.max_rect();
    let label = Rect::from_min_size(rect.min, vec2(92.0, rect.height()));
    let response = ui.interact(label, ui.scope_id().with("where"), Sense::hover());
    let is_live = ctx.shows_live();
    let (name, words, glyph) =
        if is_live { ("Runs are live", "Live", icon::LIGHTNING) } else { ("Runs go to the sandbox", "Sandbox", icon::FLASK) };
    let (fill, ink) =
        if is_live { (colors.bg.active, colors.text.strong) } else { (colors.sandbox.frame, colors.text.on_sandbox) };
    response.widget_info(|| WidgetInfo::labeled(Role::Status, true, name));
    ui.painter().rect_filled(label, 0.0, fill);
    let at = pos2(label.left() + 18.0, label.center().y);
    ui.painter().text(at, Align2::CENTER_CENTER, glyph, font::icons_fill(13.0), ink);
    let at = pos2(label.left() + 29.0, label.center().y);
    ui.painter().text(at, Align2::LEFT_CENTER, words, font::semibold(size::SMALL), ink);
    let beyond = Rect::from_min_max(pos2(label.right() + 12.0, rect.top()), rect.max - vec2(12.0, 0.0));
    ui.scope_builder(UiBuilder::new().max_rect(beyond).layout(Layout::left_to_right(Align::Center)), |ui| {
        ui.spacing_mut().item_spacing.x = 16.0;
        match &ctx.live.behind {
            Readiness::Starting => {
                ui.label(dim(ui, "The sandbox is starting…"));
            }
            Readiness::Ready(_) if is_live => {}
            Readiness::Ready(stage) => {
                ui.label(dim(ui, "Runs stay on this computer"))
                    .on_hover_text(format!("The sandbox is at {}", stage.sandbox.url()));
            }
            Readiness::Unavailable(failure) => {
                let words = format!("No tests now: {}", failure.title);
                ui.label(RichText::new(words).small().color(colors.failed.text)).on_hover_text(failure.to_string());
            }
        }
        live(ui, ctx);
        if let Some(doc) = ctx.docs.active().filter(|_| ctx.room == Room::Flows) {
            let flow = doc.flow();
            ui.label(dim(ui, format!("{}, {}", count(flow.nodes.len(), "step"), count(flow.edges.len(), "wire"))));
            let errors = doc.errors();
            let warnings = doc.problems.len() - errors;
            if errors > 0 {
                let words = format!("{} to fill in", count(errors, "place"));
                let text = RichText::new(words).small().color(colors.waiting.text);
                if ui.link(text).clicked()
                    && let Some(node) = doc.problems.iter().find_map(|it| it.node.clone())
                {
                    ctx.send(Msg::Select { doc: doc.id, nodes: vec![node], show: true });
                }
            }
            if warnings > 0 {
                let first = doc.problems.iter().find(|it| it.severity == crate::flow::Severity::Warning);
                let hover = first.map(|it| crate::ui::words::sentence(&it.message)).unwrap_or_default();
                ui.label(dim(ui, count(warnings, "warning"))).on_hover_text(hover);
            }
        }
        waiting(ui, ctx);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            budgets(ui, ctx);
            if ctx.live.missed > 0 {
                let words = format!("{} events were too fast to show; the log has them", ctx.live.missed);
                ui.label(dim(ui, words));
            }
        });
    });
}

/// What is on, and where it runs.
fn live(ui: &mut Ui, ctx: &Ctx<'_>) {
    let colors = theme::colors(ui);
    let on = count(ctx.home.on(), "flow");
    let (words, color) = match &ctx.home.place {
        _ if ctx.home.on() == 0 => return,
        Place::Starting | Place::Nowhere => (format!("{on} starting…"), colors.text.dim),
        Place::Here { .. } => (format!("{on} on"), colors.ok.text),
        Place::Elsewhere => (format!("{on} on, run by another Flowyard"), colors.text.dim),
        Place::Failed(_) => (format!("{on} on, and none runs"), colors.failed.text),
    };
    let link = ui.link(RichText::new(words).small().color(color)).on_hover_text(home::place(ctx));
    if link.clicked() {
        ctx.send(Msg::Go(Room::Live));
    }
}

/// How many runs wait for their turn; of each flow where the pointer rests on it.
fn waiting(ui: &mut Ui, ctx: &Ctx<'_>) {
    let all = ctx.live.waiting.values().sum::<u64>() + ctx.home.waits();
    if all == 0 {
        return;
    }
    let name = |flow: &FlowId| ctx.docs.list.iter().map(Document::flow).find(|it| it.id == *flow).map(|it| it.name.clone());
    let lines = ctx
        .live
        .waiting
        .iter()
        .chain(&ctx.home.waiting)
        .map(|(flow, it)| format!("{}: {it}", name(flow).unwrap_or_else(|| flow.to_string())));
    let lines = lines.collect::<Vec<_>>().join("\n");
    let text = RichText::new(format!("{all} waiting")).small().color(theme::colors(ui).waiting.text);
    ui.label(text).on_hover_text(format!("Runs that wait for their turn:\n{lines}"));
}

/// What is used of the budget that is used most; of the others where the pointer rests on it.
fn budgets(ui: &mut Ui, ctx: &Ctx<'_>) {
    let mut moving: Vec<&Spent> = ctx.live.budgets.values().filter(|it| it.budget.moving).collect();
    moving.sort_by(|a, b| b.budget.share().total_cmp(&a.budget.share()));
    let Some(first) = moving.first() else { return };
    let state = &first.budget.state;
    let waiting = if state.waiting > 0 { format!(", {} waiting", state.waiting) } else { String::new() };
    let others = if moving.len() > 1 { format!(", +{}", moving.len() - 1) } else { String::new() };
    let words = format!("{} {}{waiting}{others}", first.name, first.budget.short());
    let full = state.waiting > 0 || state.blocked_ms > 0 || state.remaining == 0;
    let text = if full {
        let colors = theme::colors(ui);
        RichText::new(words).small().color(colors.waiting.text)
    } else {
        dim(ui, words)
    };
    let all = moving.iter().map(|it| format!("{}: {}", it.name, it.budget.in_words())).collect::<Vec<_>>().join("\n");
    ui.label(text).on_hover_text(all);
}
