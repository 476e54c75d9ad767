//! Paints two runs side by side.
use eframe::egui::accesskit::Role;
use eframe::egui::{Align, Align2, Button, Layout, Popup, Rect, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};

use super::compare::{self, Pair};
use super::fall;
use super::list::{self, glyph};
use super::rows;
use super::view::View;
use crate::run::RunId;
use crate::ui::ctx::Ctx;
use crate::ui::theme::tokens::{extent, line, size, space};
use crate::ui::theme::{self, font, icon};
use crate::ui::widgets::{button, cut_text, dim, menu_look, within};

/// Runs that are offered to compare with.
const OFFERED: usize = 12;
/// Lines of differences below a step.
const LINES: usize = 8;

/// Chooses a run to compare with: newer and older ones of the same flow.
pub(super) fn menu(ui: &mut Ui, ctx: &Ctx<'_>, view: &View) -> Option<RunId> {
    let run = view.loaded()?;
    let mut picked = None;
    let shown = button::drop_down(ui, "Compare…");
    Popup::menu(&shown).show(|ui| {
        menu_look(ui, 280.0);
        let listed = view.listed(ctx.live);
        let others = (0..listed.len().min(400)).filter_map(|it| listed.get(it)).filter(|it| *it != run.head.id);
        let known = others.filter_map(|it| view.row_of_flow(it, &run.head.flow, ctx));
        let mut any = false;
        for row in known.take(OFFERED) {
            any = true;
            let words = format!("Run {}, {}, {}", row.id, row.time, row.mark.words());
            if ui.add(Button::new(words)).clicked() {
                picked = Some(row.id);
            }
        }
        if !any {
            ui.label(dim(ui, "No other run of this flow is listed."));
        }
    });
    picked
}

/// Both runs, step by step, in all the room that there is; true when a person has seen enough.
pub(super) fn show(ui: &mut Ui, ctx: &Ctx<'_>, view: &mut View) -> bool {
    let colors = theme::colors(ui);
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 36.0), Sense::hover());
    let mut closed = false;
    let Some(run) = view.loaded() else { return false };
    let head = |id: RunId, at: &str| format!("Run {id}, {at}");
    let left = head(run.head.id, &rows::moment(run.head.accepted, ctx.now));
    let right = view.other.as_ref().map(|it| head(it.head.id, &rows::moment(it.head.accepted, ctx.now)));
    let columns = Columns::of(rect);
    let medium = font::medium(size::SMALL);
    let y = rect.center().y;
    cut_text(ui, pos2(columns.left, y), &left, medium.clone(), colors.text.strong, columns.right - columns.left - 8.0);
    let words = right.unwrap_or_else(|| "Reading…".to_owned());
    cut_text(ui, pos2(columns.right, y), &words, medium, colors.text.strong, columns.right - columns.left - 8.0);
    cut_text(ui, pos2(rect.left() + space::L, y), "Step", font::regular(size::SMALL), colors.text.dim, 80.0);
    within(ui, rect.shrink2(vec2(space::M, 0.0)), Layout::right_to_left(Align::Center), |ui| {
        closed = button::icon(ui, icon::X, "End the comparison").clicked();
    });
    ui.painter().hline(rect.x_range(), rect.bottom() - 0.5, Stroke::new(line::HAIRLINE, colors.stroke.subtle));
    let Some(other) = &view.other else { return closed };
    let fall_of = |run: &crate::ui::archive::Loaded| fall::fall(run, run.flow.as_deref(), ctx.catalog, ctx.now);
    let pairs = match &view.pairs {
        Some(pairs) => std::sync::Arc::clone(pairs),
        None => std::sync::Arc::from(compare::pairs((run, &fall_of(run)), (other, &fall_of(other)))),
    };
    let mut lines: Vec<Shown<'_>> = Vec::new();
    if !pairs.iter().any(Pair::differs) {
        lines.push(Shown::Same);
    }
    lines.extend(pairs.iter().flat_map(shown));
    let mut roll = view.pair_roll;
    roll.show(ui, "pairs", extent::ROW_DENSE, lines.len(), |ui, range| {
        for line in lines.get(range).unwrap_or_default() {
            row(ui, line);
        }
    });
    view.pair_roll = roll;
    view.pairs = Some(std::sync::Arc::clone(&pairs));
    closed
}

/// A row: a step, or a difference below it.
enum Shown<'a> {
    Step(&'a Pair),
    Change(&'a str),
    More(usize),
    /// Above them all, where nothing differs.
    Same,
}

fn shown(pair: &Pair) -> Vec<Shown<'_>> {
    let mut lines = vec![Shown::Step(pair)];
    lines.extend(pair.changes.iter().take(LINES).map(|it| Shown::Change(it)));
    if pair.all > LINES {
        lines.push(Shown::More(pair.all - LINES));
    }
    lines
}

struct Columns {
    left: f32,
    right: f32,
}

impl Columns {
    fn of(rect: Rect) -> Self {
        let names = (rect.width() * 0.36).clamp(120.0, 320.0);
        let left = rect.left() + names;
        Self { left, right: left + (rect.right() - left - 40.0) / 2.0 }
    }
}

fn row(ui: &mut Ui, line: &Shown<'_>) {
    let colors = theme::colors(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), extent::ROW_DENSE), Sense::hover());
    list::ground(ui, rect, &response, false);
    let (columns, y) = (Columns::of(rect), rect.center().y);
    let small = font::regular(size::SMALL);
    let name = match line {
        Shown::Step(pair) => {
            let color = if pair.differs() { colors.text.strong } else { colors.text.dim };
            let room = columns.left - rect.left() - space::L - 10.0;
            cut_text(ui, pos2(rect.left() + space::L, y), &pair.title, font::medium(size::BODY), color, room);
            let mut words = vec![pair.title.clone()];
            for (x, cell) in [(columns.left, &pair.left), (columns.right, &pair.right)] {
                let Some((mark, took)) = cell else {
                    cut_text(ui, pos2(x, y), "Not reached", small.clone(), colors.text.dim, 120.0);
                    words.push("not reached".to_owned());
                    continue;
                };
                let (icon, font, color) = glyph(*mark, colors);
                ui.painter().text(pos2(x + 7.0, y), Align2::CENTER_CENTER, icon, font, color);
                let text = format!("{} {took}", crate::ui::words::sentence(mark.words()).trim_end_matches('.'));
                cut_text(ui, pos2(x + 20.0, y), &text, small.clone(), colors.text.body, columns.right - columns.left - 28.0);
                words.push(format!("{}, {took}", mark.words()));
            }
            if !pair.differs() {
                words.push("the same".to_owned());
            }
            words.join(", ")
        }
        Shown::Change(words) => {
            let left = rect.left() + space::L + 14.0;
            cut_text(ui, pos2(left, y), words, small, colors.waiting.text, rect.right() - left - space::M);
            (*words).to_owned()
        }
        Shown::Same => {
            let words = "Both went the same way, and each step gave the same.";
            cut_text(ui, pos2(rect.left() + space::L, y), words, small, colors.ok.text, rect.width() - 2.0 * space::L);
            words.to_owned()
        }
        Shown::More(count) => {
            let words = format!("And {} more", rows::count(*count, "difference"));
            cut_text(ui, pos2(rect.left() + space::L + 14.0, y), &words, small, colors.text.dim, 300.0);
            words
        }
    };
    response.widget_info(|| WidgetInfo::labeled(Role::ListItem, true, &name));
    if matches!(line, Shown::Change(_)) {
        response.on_hover_text(name);
    }
}
