//! The upper bar: what is open, where it runs, and the one button that matters.
use eframe::egui::accesskit::Role;
use eframe::egui::{Align, Align2, CornerRadius, Layout, Popup, Rect, RichText, Sense, Ui, UiBuilder, WidgetInfo, pos2, vec2};

use super::{Dock, menu};
use crate::ui::command::UiCommand;
use crate::ui::ctx::Ctx;
use crate::ui::document::Document;
use crate::ui::live::Readiness;
use crate::ui::msg::{Msg, Room};
use crate::ui::theme::tokens::{extent, radius, size, space};
use crate::ui::theme::{self, font, icon};
use crate::ui::widgets::{button, dim, switch};

pub(super) fn show(ui: &mut Ui, ctx: &Ctx<'_>, dock: &Dock, focus_test: bool) {
    let rect = ui.max_rect();
    let doc = ctx.docs.active().filter(|_| ctx.room == Room::Flows);
    let middle = Rect::from_center_size(rect.center(), vec2(if doc.is_some() { 196.0 } else { 112.0 }, extent::CONTROL));
    let is_live = doc.and_then(|it| ctx.home.flow(&it.flow().id));
    let right_width = match (doc, is_live) {
        (Some(_), Some(_)) => 520.0,
        (Some(_), None) => 430.0,
        (None, _) => 140.0,
    };
    let right = Rect::from_min_max(pos2(rect.right() - right_width, rect.top()), rect.max).shrink2(vec2(space::M + 4.0, 0.0));
    // Where there is too little room, what is in the middle makes way for the name of the flow.
    let roomy = rect.width() > 860.0;
    let left_end = if roomy { middle.left() - 16.0 } else { right.left() - 8.0 };
    let left = Rect::from_min_max(rect.min + vec2(space::M, 0.0), pos2(left_end, rect.bottom()));
    ui.scope_builder(UiBuilder::new().max_rect(left).layout(Layout::left_to_right(Align::Center)), |ui| {
        ui.set_clip_rect(left.expand2(vec2(4.0, 0.0)).intersect(ui.clip_rect()));
        let file = button::drop_down(ui, "File");
        Popup::menu(&file).show(|ui| menu::file(ui, ctx, dock));
        let (line, _) = ui.allocate_exact_size(vec2(1.0, 18.0), Sense::hover());
        ui.painter().rect_filled(line, 0.0, theme::colors(ui).stroke.usual);
        if let Some(doc) = doc {
            name(ui, ctx, doc);
        } else {
            ui.label(font::heading("Flowyard").color(theme::colors(ui).text.strong));
            let count = ctx.docs.list.len();
            let words = if count == 0 { "no file open".to_owned() } else { crate::ui::canvas::sentence::count(count, "flow") };
            ui.label(dim(ui, words));
        }
    });
    if roomy {
        places(ui, ctx, doc, middle);
    }
    ui.scope_builder(UiBuilder::new().max_rect(right).layout(Layout::right_to_left(Align::Center)), |ui| {
        if let Some(doc) = doc {
            test(ui, ctx, doc, focus_test);
            live(ui, ctx, doc);
            let (line, _) = ui.allocate_exact_size(vec2(1.0, 18.0), Sense::hover());
            ui.painter().rect_filled(line, 0.0, theme::colors(ui).stroke.usual);
        }
        find(ui, ctx);
        if doc.is_some() {
            step(ui, ctx, icon::ARROW_U_UP_RIGHT, UiCommand::Redo);
            step(ui, ctx, icon::ARROW_U_UP_LEFT, UiCommand::Undo);
        }
    });
}

fn name(ui: &mut Ui, ctx: &Ctx<'_>, doc: &Document) {
    let colors = theme::colors(ui);
    let room = ui.available_width() - 150.0;
    let galley = ui.painter().layout_no_wrap(doc.title().to_owned(), font::semibold(size::BODY), colors.text.strong);
    let width = galley.size().x.min(room.max(80.0));
    let (rect, response) = ui.allocate_exact_size(vec2(width, 24.0), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Heading, true, doc.title()));
    let strong = font::semibold(size::BODY);
    crate::ui::widgets::cut_text(ui, rect.left_center(), doc.title(), strong, colors.text.strong, width);
    if !doc.flow().description.is_empty() {
        response.on_hover_text(&doc.flow().description);
    }
    match ctx.home.flow(&doc.flow().id) {
        None => switch::badge(ui, "Draft", colors.text.body, colors.bg.active),
        Some(live) if live.entry.on => switch::badge(ui, "Live", colors.ok.text, colors.ok.tint),
        Some(_) => switch::badge(ui, "Live, off", colors.text.body, colors.bg.active),
    }
    let state = match (doc.path(), doc.is_dirty()) {
        _ if doc.saving => "saving…",
        (Some(_), true) => "changed",
        (Some(_), false) => "saved",
        (None, true) => "not saved yet",
        (None, false) => "new",
    };
    let words = ui.label(dim(ui, state));
    if let Some(path) = doc.path() {
        words.on_hover_text(path.display().to_string());
    }
}

/// The switch of a flow that is live, and the way there.
fn live(ui: &mut Ui, ctx: &Ctx<'_>, doc: &Document) {
    let flow = ctx.home.flow(&doc.flow().id);
    let changes = ctx.home.changes(doc.flow()).map_or(0, <[_]>::len);
    let words = match (flow, changes) {
        (None, _) => Some("Go live…"),
        (Some(_), 0) => None,
        (Some(_), _) => Some("Publish…"),
    };
    if let Some(words) = words {
        let able = ctx.can(UiCommand::GoLive);
        let response = ui.add_enabled_ui(able.is_ok(), |ui| button::plain(ui, Some(icon::LIGHTNING), words)).inner;
        let hint = if flow.is_some() {
            RichText::new(format!("{} to what is live", crate::ui::canvas::sentence::count(changes, "change")))
        } else {
            hint(ui, ctx, UiCommand::GoLive)
        };
        if response.on_hover_text(hint).clicked() {
            ctx.send(Msg::Do(UiCommand::GoLive));
        }
    }
    if let Some(flow) = flow {
        let words = if flow.entry.on { "On" } else { "Off" };
        let hint = if flow.entry.on {
            "Its triggers start it. Off: nothing starts it"
        } else {
            "Nothing starts it. On: its triggers do"
        };
        if switch::on_off(ui, words, flow.entry.on).on_hover_text(hint).clicked() {
            ctx.send(Msg::Do(UiCommand::SwitchFlow));
        }
    }
}

/// Where runs from here go: the sandbox, or live, where the flow is.
fn places(ui: &mut Ui, ctx: &Ctx<'_>, doc: Option<&Document>, rect: Rect) {
    let live = ctx.shows_live();
    let Some(doc) = doc else {
        place(
            ui,
            rect,
            false,
            true,
            "Flows are tested against an imitation of both services on this computer. Nothing is sent to anyone.",
        );
        return;
    };
    let (left, right) = rect.split_left_right_at_x(rect.center().x);
    let hint = "Test against an imitation of both services on this computer. Nothing is sent to anyone.";
    if place(ui, left, false, !live, hint) {
        ctx.send(Msg::ShowPlace { doc: doc.id, live: false });
    }
    let hint = if ctx.home.flow(&doc.flow().id).is_some() {
        "What runs by itself, on your real accounts"
    } else {
        "It is not live yet: see what speaks for it"
    };
    if place(ui, right, true, live, hint) {
        ctx.send(Msg::ShowPlace { doc: doc.id, live: true });
    }
}

/// One of them; whether it was clicked.
fn place(ui: &mut Ui, rect: Rect, live: bool, on: bool, hint: &str) -> bool {
    let colors = theme::colors(ui);
    let words = if live { "Live" } else { "Sandbox" };
    let response = ui.interact(rect, ui.scope_id().with(words), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::RadioButton, true, on, format!("Place: {words}")));
    let (fill, color) = match (on, live) {
        (true, false) => (colors.sandbox.frame, colors.text.on_sandbox),
        (true, true) => (colors.ok.tint, colors.ok.text),
        (false, _) if response.hovered() => (colors.bg.hover, colors.text.strong),
        (false, _) => (colors.bg.active, colors.text.body),
    };
    ui.painter().rect_filled(rect, CornerRadius::same(radius::BASE), fill);
    button::focus_ring(ui, &response, rect.shrink(1.0));
    let galley = ui.painter().layout_no_wrap(words.to_owned(), font::semibold(size::BODY), color);
    let left = rect.center().x - galley.size().x / 2.0 - 10.0;
    let glyph = if live { icon::LIGHTNING } else { icon::FLASK };
    ui.painter().text(pos2(left + 7.0, rect.center().y), Align2::CENTER_CENTER, glyph, font::icons_fill(14.0), color);
    ui.painter().galley(pos2(left + 20.0, rect.center().y - galley.size().y / 2.0), galley, color);
    response.on_hover_text(hint).clicked()
}

fn test(ui: &mut Ui, ctx: &Ctx<'_>, doc: &Document, focus: bool) {
    if ctx.is_testing(doc) && !ctx.shows_live() {
        let response = button::plain(ui, Some(icon::STOP), "Cancel");
        let response = response.on_hover_text(hint(ui, ctx, UiCommand::CancelTest));
        if response.clicked() {
            ctx.send(Msg::Do(UiCommand::CancelTest));
        }
        return;
    }
    let able = ctx.can(UiCommand::Test);
    let response = ui
        .add_enabled_ui(able.is_ok(), |ui| {
            button::primary(ui, Some(icon::PLAY), if ctx.shows_live() { "Run now" } else { "Test" })
        })
        .inner;
    // It takes the keyboard once it can be pressed.
    let pending = eframe::egui::Id::unique("focus test");
    let wanted = focus || ui.data(|it| it.get_temp(pending).unwrap_or(false));
    if wanted {
        let done = able.is_ok();
        if done {
            response.request_focus();
        }
        ui.data_mut(|it| it.insert_temp(pending, !done));
    }
    let response = match able {
        Ok(()) if ctx.shows_live() => response.on_hover_text("Start what is live by hand, on your real accounts"),
        Ok(()) => response.on_hover_text(hint(ui, ctx, UiCommand::Test)),
        Err(why) => match &ctx.live.behind {
            Readiness::Unavailable(failure) => response.on_disabled_hover_text(failure.to_string()),
            _ => response.on_disabled_hover_text(why),
        },
    };
    if response.clicked() {
        ctx.send(Msg::Do(UiCommand::Test));
    }
}

fn find(ui: &mut Ui, ctx: &Ctx<'_>) {
    let colors = theme::colors(ui);
    let keys = ctx.keys.words(ui.ctx(), UiCommand::Palette);
    let key = ui.painter().layout_no_wrap(keys.clone(), font::mono(size::SMALL), colors.text.dim);
    let word = ui.painter().layout_no_wrap("Find".to_owned(), font::regular(size::BODY), colors.text.body);
    let width = 22.0 + word.size().x + if keys.is_empty() { 12.0 } else { key.size().x + 26.0 };
    let (rect, response) = ui.allocate_exact_size(vec2(width, extent::CONTROL), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, UiCommand::Palette.title()));
    if response.hovered() {
        ui.painter().rect_filled(rect, radius::BASE, colors.bg.hover);
    }
    button::focus_ring(ui, &response, rect);
    let middle = rect.center().y;
    let glass = pos2(rect.left() + 12.0, middle);
    ui.painter().text(glass, Align2::CENTER_CENTER, icon::MAGNIFYING_GLASS, font::icons(extent::ICON), colors.text.body);
    let word_width = word.size().x;
    ui.painter().galley(pos2(rect.left() + 24.0, middle - word.size().y / 2.0), word, colors.text.body);
    if !keys.is_empty() {
        let chip = Rect::from_min_size(pos2(rect.left() + 24.0 + word_width + 6.0, middle - 8.0), vec2(key.size().x + 8.0, 16.0));
        let edge = eframe::egui::Stroke::new(1.0, colors.stroke.usual);
        ui.painter().rect_stroke(chip, 4.0, edge, eframe::egui::StrokeKind::Inside);
        ui.painter().galley(chip.center() - key.size() / 2.0, key, colors.text.dim);
    }
    if response.clicked() {
        ctx.send(Msg::Do(UiCommand::Palette));
    }
}

fn step(ui: &mut Ui, ctx: &Ctx<'_>, icon: char, command: UiCommand) {
    let able = ctx.can(command).is_ok();
    let words = hint(ui, ctx, command);
    let name = command.title();
    let response = ui.add_enabled_ui(able, |ui| button::icon(ui, icon, name)).inner;
    if response.on_hover_text(words).clicked() {
        ctx.send(Msg::Do(command));
    }
}

/// What it does, and its keys.
fn hint(ui: &Ui, ctx: &Ctx<'_>, command: UiCommand) -> RichText {
    let keys = ctx.keys.words(ui.ctx(), command);
    let title = ctx.title(command);
    RichText::new(if keys.is_empty() { title } else { format!("{title}  {keys}") })
}
