//! The page of what runs live: every published flow, with its switch and how it fares.
use eframe::egui::{Align, Frame, Layout, Margin, RichText, ScrollArea, Stroke, Ui};

use super::{HomeJob, LiveFlow, Place};
use crate::flow::FlowId;
use crate::record::Failure;
use crate::ui::canvas::sentence::count;
use crate::ui::ctx::Ctx;
use crate::ui::live::Play;
use crate::ui::msg::{Msg, Room};
use crate::ui::theme::tokens::{line, radius, space};
use crate::ui::theme::{self, font, icon};
use crate::ui::widgets::{button, dim, nothing, switch};
use crate::ui::words;

/// Paints it.
pub(crate) fn show(ui: &mut Ui, ctx: &Ctx<'_>) {
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        Frame::new().inner_margin(Margin::symmetric(space::XXL as i8, 28)).show(ui, |ui| {
            ui.set_max_width(860.0);
            let colors = theme::colors(ui);
            ui.horizontal(|ui| {
                ui.label(font::title("Live flows").color(colors.text.strong));
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    let able = matches!(ctx.home.place, Place::Here { .. }) && ctx.home.on() > 0;
                    let look = ui.add_enabled_ui(able, |ui| button::plain(ui, Some(icon::ARROWS_CLOCKWISE), "Look now")).inner;
                    if look.on_hover_text("Look at every service at once for what is new").clicked() {
                        ctx.send(Msg::Home(Box::new(HomeJob::Look)));
                    }
                });
            });
            ui.label(dim(ui, place(ctx)));
            ui.add_space(8.0);
            for failure in &ctx.home.failures {
                problem(ui, failure);
            }
            if ctx.home.flows.is_empty() {
                nothing(
                    ui,
                    icon::LIGHTNING,
                    "No flow is live yet",
                    "Test a flow in the sandbox, then press “Go live…” above its canvas.",
                );
                ui.add_space(4.0);
                if button::primary(ui, Some(icon::FLOW_ARROW), "Flows").clicked() {
                    ctx.send(Msg::Go(Room::Flows));
                }
            }
            for (id, flow) in &ctx.home.flows {
                row(ui, ctx, id, flow);
            }
        });
    });
}

/// Who runs them, in words.
pub(crate) fn place(ctx: &Ctx<'_>) -> String {
    match &ctx.home.place {
        Place::Starting => "Starting…".to_owned(),
        Place::Nowhere => "Nothing runs by itself.".to_owned(),
        Place::Here { address: Some(address) } => {
            format!("They run in this window. Webhooks come in at http://{address}/hooks/…, messages of services at /events/….")
        }
        Place::Here { address: None } => "They run in this window.".to_owned(),
        Place::Elsewhere => "They run in another Flowyard on this computer: a service, or another window.".to_owned(),
        Place::Failed(failure) => format!("They do not run: {}.", failure.title),
    }
}

fn problem(ui: &mut Ui, failure: &Failure) {
    let colors = theme::colors(ui);
    ui.horizontal_top(|ui| {
        ui.label(RichText::new(icon::WARNING).font(font::icons_fill(14.0)).color(colors.waiting.mark));
        ui.vertical(|ui| {
            ui.label(RichText::new(&failure.title).color(colors.text.strong));
            let words = [&failure.detail, &failure.hint].map(|it| words::without_commands(it)).join(" ");
            ui.label(dim(ui, words.trim()));
        });
    });
}

fn row(ui: &mut Ui, ctx: &Ctx<'_>, id: &FlowId, flow: &LiveFlow) {
    let colors = theme::colors(ui);
    let frame = Frame::new()
        .fill(colors.bg.raised)
        .stroke(Stroke::new(line::HAIRLINE, colors.stroke.usual))
        .corner_radius(radius::CARD)
        .inner_margin(Margin::symmetric(12, 10));
    frame.show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.horizontal(|ui| {
            let words = if flow.entry.on { "On" } else { "Off" };
            let response =
                switch::on_off(ui, words, flow.entry.on).on_hover_text(format!("Switch “{}” on or off", flow.entry.name));
            if response.clicked() {
                ctx.send(Msg::Home(Box::new(HomeJob::Switch { flow: id.clone(), on: !flow.entry.on })));
            }
            ui.label(font::heading(&flow.entry.name).color(colors.text.strong));
            if flow.paused {
                switch::badge(ui, "Paused", colors.waiting.text, colors.waiting.tint);
            }
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| tools(ui, ctx, id, flow));
        });
        ui.label(dim(ui, facts(ctx, id, flow)));
    });
    ui.add_space(2.0);
}

fn tools(ui: &mut Ui, ctx: &Ctx<'_>, id: &FlowId, flow: &LiveFlow) {
    let name = &flow.entry.name;
    let back = button::flat(ui, None, "Back to the sandbox");
    if back.on_hover_text(format!("“{name}” is live no more; its file stays as it is")).clicked() {
        ctx.send(Msg::Home(Box::new(HomeJob::Withdraw(id.clone()))));
    }
    let (words, hint) = if flow.paused {
        ("Go on", "What was kept begins, in its order")
    } else {
        ("Pause", "What comes is kept, and begins once you let it go on; what is under way goes on")
    };
    if ui.add_enabled_ui(flow.entry.on, |ui| button::flat(ui, None, words)).inner.on_hover_text(hint).clicked() {
        ctx.send(Msg::Home(Box::new(HomeJob::Pause { flow: id.clone(), paused: !flow.paused })));
    }
    let open = ctx.docs.list.iter().find(|it| it.flow().id == *id);
    let file = flow.entry.file.as_ref().filter(|_| open.is_none());
    let msg = open.map(|it| Msg::Activate(it.id)).or_else(|| file.map(|it| Msg::OpenPath(it.clone())));
    if let Some(msg) = msg
        && button::flat(ui, None, "Open").on_hover_text(format!("Open the draft of “{name}”")).clicked()
    {
        ctx.send(msg);
    }
}

/// Since when it is live, what waits, and how its last run went.
fn facts(ctx: &Ctx<'_>, id: &FlowId, flow: &LiveFlow) -> String {
    let mut all = vec![format!("live since {}", words::ago(flow.entry.at, ctx.now))];
    if flow.entry.environment != crate::engine::Connection::LIVE {
        all.push(format!("in the environment {}, which `flowyard serve --environment` runs", flow.entry.environment));
    }
    let waiting = ctx.home.waiting.get(id).copied().unwrap_or(0);
    if waiting > 0 {
        all.push(format!("{waiting} waiting"));
    }
    let runs: Vec<&Play> = ctx.served.1.runs().filter(|it| it.flow == *id).collect();
    if let Some(last) = runs.first() {
        let failed = runs.iter().filter(|it| matches!(it.outcome, Some(crate::run::Outcome::Failed(_)))).count();
        let how = match &last.outcome {
            None => "under way".to_owned(),
            Some(crate::run::Outcome::Succeeded) => "succeeded".to_owned(),
            Some(crate::run::Outcome::Cancelled) => "cancelled".to_owned(),
            Some(crate::run::Outcome::Failed(failure)) => format!("failed: {}", failure.title),
        };
        let when = last.started.map(|it| words::ago(it, ctx.now)).unwrap_or_default();
        all.push(format!("{} since this window opened, the last {when} {how}", count(runs.len(), "run")));
        if failed > 0 {
            all.push(format!("{failed} failed"));
        }
    }
    if flow.flow.is_none() {
        all.push("what is live of it cannot be read: publish it again".to_owned());
    }
    words::sentence(&all.join("; "))
}
