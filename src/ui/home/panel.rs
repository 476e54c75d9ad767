//! Before a flow goes live: what changes, what speaks for it, and the word of a person.
use std::sync::Arc;

use eframe::egui::{Frame, Margin, Panel, RichText, ScrollArea, Ui};

use super::HomeJob;
use crate::engine::plan::{Origin, Plan};
use crate::flow::Flow;
use crate::published::{Change, Evidence};
use crate::record::Failure;
use crate::ui::canvas::sentence::count;
use crate::ui::command::UiCommand;
use crate::ui::ctx::Ctx;
use crate::ui::document::{DocId, Document};
use crate::ui::msg::{Msg, Room};
use crate::ui::theme::{self, font, icon};
use crate::ui::widgets::{button, dim};
use crate::ui::words;

const WIDTH: f32 = 380.0;

/// A flow about to go live.
#[derive(Debug)]
pub(crate) struct GoLive {
    /// Of which tab.
    pub(crate) doc: DocId,
    /// As it was when it was asked.
    pub(crate) flow: Arc<Flow>,
    /// The one that evidence was asked for with.
    pub(crate) ticket: u64,
    /// What it would write, where that was asked for.
    pub(crate) plan: Planned,
    /// What speaks for it, once it is found.
    pub(crate) evidence: Option<Result<Box<Evidence>, Failure>>,
}

/// What a flow would write.
#[derive(Debug, Default)]
pub(crate) enum Planned {
    /// Nobody asked.
    #[default]
    Not,
    /// It is being found out.
    Asked,
    /// It was found out.
    Made(Result<Box<Plan>, Failure>),
}

/// What a person said in the panel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    /// Show it for the flow in front, or look again.
    Open,
    /// Do nothing.
    Close,
    /// Find out what it would write.
    Plan,
    /// Make it live.
    Go,
}

/// A line of the check list.
struct Line<'a> {
    mark: Mark,
    words: String,
    detail: String,
    act: Option<(&'a str, Msg)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    Good,
    Note,
    Bad,
}

/// Paints it beside the canvas, where a flow is about to go live.
pub(crate) fn show(ui: &mut Ui, ctx: &Ctx<'_>, doc: &Document) {
    let Some(going) = ctx.home.going.as_ref().filter(|it| it.doc == doc.id) else { return };
    let colors = theme::colors(ui);
    let frame = Frame::new().fill(colors.bg.panel).inner_margin(Margin::same(12));
    Panel::right("go live").exact_size(WIDTH).resizable(false).frame(frame).show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 6.0;
        ui.horizontal(|ui| {
            ui.label(font::title("Go live").color(colors.text.strong));
            ui.with_layout(eframe::egui::Layout::right_to_left(eframe::egui::Align::Center), |ui| {
                if button::icon(ui, icon::X, "Close without going live").clicked() {
                    ctx.send(Msg::GoLive(Asked::Close));
                }
            });
        });
        let what = format!("“{}” runs by itself then, on your real accounts.", doc.title());
        ui.label(RichText::new(what).color(colors.text.body));
        let is_same = Arc::ptr_eq(&going.flow, doc.flow());
        match &going.evidence {
            None => {
                ui.label(dim(ui, "Looking at connections, scopes and tests…"));
            }
            Some(Err(failure)) => failed(ui, failure),
            Some(Ok(evidence)) => found(ui, ctx, doc, evidence),
        }
        ui.add_space(8.0);
        if !is_same {
            ui.label(RichText::new("The flow was changed since this was looked at.").color(colors.waiting.text));
            if button::primary(ui, Some(icon::ARROW_CLOCKWISE), "Look again").clicked() {
                ctx.send(Msg::GoLive(Asked::Open));
            }
            return;
        }
        if let Some(Ok(evidence)) = &going.evidence {
            buttons(ui, ctx, doc, evidence);
        }
    });
}

fn buttons(ui: &mut Ui, ctx: &Ctx<'_>, doc: &Document, evidence: &Evidence) {
    ui.horizontal(|ui| {
        let able = evidence.can_run() && doc.errors() == 0;
        let words = match (evidence.is_live(), evidence.is_green()) {
            (true, _) => "Publish it again",
            (false, true) => "Go live",
            (false, false) => "Go live all the same",
        };
        let press = |ui: &mut Ui| {
            if evidence.is_green() {
                button::primary(ui, Some(icon::LIGHTNING), words)
            } else {
                button::plain(ui, Some(icon::LIGHTNING), words)
            }
        };
        let response = ui.add_enabled_ui(able, press).inner;
        let response = response.on_disabled_hover_text("What is red above is missing: without it the flow cannot run.");
        if response.clicked() {
            ctx.send(Msg::GoLive(Asked::Go));
        }
        if button::flat(ui, None, "Not now").clicked() {
            ctx.send(Msg::GoLive(Asked::Close));
        }
    });
    ui.label(dim(
        ui,
        "You are asked once for each version. The draft stays yours to change: what is live changes when you publish.",
    ));
}

fn found(ui: &mut Ui, ctx: &Ctx<'_>, doc: &Document, evidence: &Evidence) {
    ScrollArea::vertical().max_height((ui.available_height() - 120.0).max(120.0)).show(ui, |ui| {
        difference(ui, ctx, doc, evidence);
        let colors = theme::colors(ui);
        ui.add_space(4.0);
        ui.label(font::heading("Check list").color(colors.text.strong));
        for line in lines(ctx, doc, evidence) {
            paint(ui, ctx, line);
        }
        if evidence.can_run()
            && let Some(going) = &ctx.home.going
        {
            planned(ui, ctx, doc, going);
        }
    });
}

/// What it would write.
fn planned(ui: &mut Ui, ctx: &Ctx<'_>, doc: &Document, going: &GoLive) {
    let colors = theme::colors(ui);
    ui.add_space(4.0);
    ui.label(font::heading("What it would write").color(colors.text.strong));
    let plan = match &going.plan {
        Planned::Not => {
            ui.label(dim(ui, "A dry run reads from your real accounts and writes nothing: what it would write is shown here."));
            if button::plain(ui, None, "Dry run").clicked() {
                ctx.send(Msg::GoLive(Asked::Plan));
            }
            return;
        }
        Planned::Asked => {
            ui.label(dim(ui, "Reading, and writing nothing…"));
            return;
        }
        Planned::Made(Err(failure)) => return failed(ui, failure),
        Planned::Made(Ok(plan)) => plan,
    };
    let from = match plan.origin {
        Origin::Given => "the event that was given",
        Origin::Earlier => "what it last began with",
        Origin::Sample => "its sample",
        Origin::Newest => "the newest record of the service",
        Origin::MadeUp => "an event that is made up",
    };
    let words =
        format!("{} and {}, begun with {from}. Nothing was written.", count(plan.count(), "write"), count(plan.reads, "read"));
    ui.label(dim(ui, words));
    for write in &plan.writes {
        let sentence = format!("{}: {}", write.name, write.sentence);
        let request = format!("{} {}", write.request.method, write.request.url);
        let known = doc.flow().nodes.contains_key(&write.step.node) && write.flow.is_of(&doc.flow().id);
        if ui.link(RichText::new(sentence).small()).on_hover_text(request).clicked() && known {
            ctx.send(Msg::Select { doc: doc.id, nodes: vec![write.step.node.clone()], show: true });
        }
        if !write.made_up.is_empty() {
            ui.label(dim(ui, format!("Known only then: {}", write.made_up.join(", ").replace("input.", ""))));
        }
    }
    if plan.more > 0 {
        ui.label(dim(ui, format!("… and {} more", plan.more)));
    }
    if let Some(step) = &plan.open {
        ui.label(dim(ui, format!("Which way it goes at \"{step}\" depends on the answers to what was not sent.")));
    }
    if let Some(failure) = &plan.stopped {
        ui.label(RichText::new("It would not come to its end:").color(colors.failed.text));
        failed(ui, failure);
    }
}

/// What publishing changes.
fn difference(ui: &mut Ui, ctx: &Ctx<'_>, doc: &Document, evidence: &Evidence) {
    let colors = theme::colors(ui);
    let head = match evidence.changes.as_deref() {
        None => "It was not live before".to_owned(),
        Some([]) => "It is live as it is".to_owned(),
        Some(all) => format!("{} to what is live", count(all.len(), "change")),
    };
    ui.label(font::heading(head).color(colors.text.strong));
    for change in evidence.changes.iter().flatten() {
        let words = words::sentence(&change.to_string());
        match change.node().filter(|it| doc.flow().nodes.contains_key(*it)) {
            Some(node) => {
                if ui.link(RichText::new(words).small()).on_hover_text("Show it on the canvas").clicked() {
                    ctx.send(Msg::Select { doc: doc.id, nodes: vec![node.clone()], show: true });
                }
            }
            None => drop(ui.label(RichText::new(words).small().color(colors.text.body))),
        }
    }
}

fn lines<'a>(ctx: &Ctx<'_>, doc: &Document, evidence: &Evidence) -> Vec<Line<'a>> {
    let mut all = Vec::new();
    let mut add = |mark, words: String, detail: String, act| all.push(Line { mark, words, detail, act });
    match doc.errors() {
        0 => add(Mark::Good, "Everything is filled in".to_owned(), String::new(), None),
        errors => add(Mark::Bad, format!("{} to fill in", count(errors, "place")), String::new(), None),
    }
    let connections = || Some(("Connections", Msg::Go(Room::Connections)));
    match &evidence.slots {
        Ok(bound) if bound.is_empty() => add(Mark::Good, "It needs no connection".to_owned(), String::new(), None),
        Ok(bound) => add(Mark::Good, "Its connections are there".to_owned(), bound.join(", "), None),
        Err(failure) => add(Mark::Bad, failure.title.clone(), words::without_commands(&failure.hint), connections()),
    }
    for (name, why) in &evidence.shut {
        add(
            Mark::Bad,
            format!("“{name}” is not signed in: {why}"),
            "Its steps would wait until it is.".to_owned(),
            connections(),
        );
    }
    for it in &evidence.lacking {
        add(
            Mark::Bad,
            format!("“{}” may not {}", it.connection, it.scope),
            format!("It is needed {}.", it.reason),
            connections(),
        );
    }
    if evidence.lacking.is_empty() && evidence.can_run() {
        add(Mark::Good, "Its tokens may do what it needs".to_owned(), "As far as the services tell.".to_owned(), None);
    }
    if !evidence.surplus.is_empty() {
        let scopes = evidence.surplus.iter().map(|it| it.scope.as_str()).collect::<Vec<_>>().join(", ");
        add(Mark::Note, "Its tokens may do more than is needed".to_owned(), scopes, connections());
    }
    if let Some(at) = evidence.tested {
        add(Mark::Good, "This very version succeeded in the sandbox".to_owned(), words::ago(at, ctx.now), None);
    } else {
        let detail = "A test shows what it would do, without touching anything real.".to_owned();
        let words = "This version has not succeeded in the sandbox".to_owned();
        add(Mark::Note, words, detail, Some(("Test", Msg::Do(UiCommand::Test))));
    }
    all
}

fn paint(ui: &mut Ui, ctx: &Ctx<'_>, line: Line<'_>) {
    let colors = theme::colors(ui);
    let (glyph, color, name) = match line.mark {
        Mark::Good => (icon::CHECK_CIRCLE, colors.ok.mark, "Good"),
        Mark::Note => (icon::WARNING, colors.waiting.mark, "Note"),
        Mark::Bad => (icon::X_CIRCLE, colors.failed.mark, "Missing"),
    };
    ui.horizontal_top(|ui| {
        let mark = ui.label(RichText::new(glyph).font(font::icons_fill(14.0)).color(color));
        mark.on_hover_text(name);
        ui.vertical(|ui| {
            ui.spacing_mut().item_spacing.y = 1.0;
            ui.label(RichText::new(line.words).color(colors.text.strong));
            if !line.detail.is_empty() {
                ui.label(dim(ui, line.detail));
            }
            if let Some((words, msg)) = line.act
                && button::plain(ui, None, words).clicked()
            {
                ctx.send(msg);
            }
        });
    });
}

fn failed(ui: &mut Ui, failure: &Failure) {
    let colors = theme::colors(ui);
    ui.label(RichText::new(&failure.title).color(colors.failed.text));
    for words in [&failure.detail, &failure.hint] {
        if !words.is_empty() {
            ui.label(dim(ui, words::without_commands(words)));
        }
    }
}

impl GoLive {
    /// What a person is told of what changes, node by node.
    pub(crate) fn changes(&self) -> &[Change] {
        match &self.evidence {
            Some(Ok(it)) => it.changes.as_deref().unwrap_or_default(),
            _ => &[],
        }
    }

    /// What makes it live.
    pub(crate) fn publish(&self, file: Option<std::path::PathBuf>) -> HomeJob {
        HomeJob::Publish { flow: Arc::clone(&self.flow), file, on: true }
    }
}
