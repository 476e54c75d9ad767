//! How the window looks and which keys it knows.
use eframe::egui::{Event, Frame, Key, KeyboardShortcut, Margin, RichText, ScrollArea, Ui};

use crate::ui::command::UiCommand;
use crate::ui::ctx::Ctx;
use crate::ui::home::HomeJob;
use crate::ui::keymap;
use crate::ui::msg::Msg;
use crate::ui::prefs::OnClose;
use crate::ui::theme::tokens::{size, space};
use crate::ui::theme::{self, ThemeChoice, font, icon};
use crate::ui::widgets::{button, dim, switch};

const SCALES: [f32; 6] = [0.8, 0.9, 1.0, 1.1, 1.25, 1.5];

pub(crate) fn show(ui: &mut Ui, ctx: &Ctx<'_>) {
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        Frame::new().inner_margin(Margin::symmetric(space::XXL as i8, 28)).show(ui, |ui| {
            ui.set_max_width(640.0);
            let colors = theme::colors(ui);
            ui.label(font::title("Settings").color(colors.text.strong));
            ui.add_space(8.0);
            look(ui, ctx);
            ui.add_space(16.0);
            background(ui, ctx);
            ui.add_space(16.0);
            super::alerts::show(ui, ctx);
            ui.add_space(16.0);
            keys(ui, ctx);
        });
    });
}

fn look(ui: &mut Ui, ctx: &Ctx<'_>) {
    let colors = theme::colors(ui);
    ui.label(font::heading("Theme").color(colors.text.strong));
    let words = ThemeChoice::ALL.map(ThemeChoice::words);
    let current = ThemeChoice::ALL.iter().position(|it| *it == ctx.prefs.theme).unwrap_or(0);
    if let Some(at) = switch::segments(ui, "Theme", &words, current) {
        ctx.send(Msg::SetTheme(ThemeChoice::ALL[at]));
    }
    ui.add_space(8.0);
    ui.label(font::heading("Size of text and controls").color(colors.text.strong));
    let words: Vec<String> = SCALES.iter().map(|it| format!("{:.0} %", it * 100.0)).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let current = SCALES.iter().position(|it| (it - ctx.prefs.scale).abs() < 0.01).unwrap_or(usize::MAX);
    if let Some(at) = switch::segments(ui, "Size", &words, current) {
        ctx.send(Msg::SetScale(SCALES[at]));
    }
    ui.add_space(8.0);
    for (command, words, on) in [
        (UiCommand::ToggleMotion, "Less motion: nothing moves by itself", ctx.prefs.less_motion),
        (UiCommand::ToggleOutline, "Flows as lists, for keyboard and screen reader", ctx.prefs.outline),
        (UiCommand::ToggleMinimap, "Map of the flow on the canvas", ctx.prefs.minimap),
        (UiCommand::ToggleSnap, "Cards snap to the grid", ctx.prefs.snap),
    ] {
        if switch::on_off(ui, words, on).clicked() {
            ctx.send(Msg::Do(command));
        }
    }
}

/// What becomes of live flows without the window.
fn background(ui: &mut Ui, ctx: &Ctx<'_>) {
    let colors = theme::colors(ui);
    ui.label(font::heading("Flows that are on, when the window is closed").color(colors.text.strong));
    let words = OnClose::ALL.map(OnClose::words);
    let current = OnClose::ALL.iter().position(|it| *it == ctx.prefs.on_close).unwrap_or(0);
    if let Some(at) = switch::segments(ui, "When the window is closed", &words, current) {
        ctx.send(Msg::SetOnClose(OnClose::ALL[at]));
    }
    if let Some(on) = ctx.home.at_login
        && switch::on_off(ui, "They start with the computer, without the window", on).clicked()
    {
        ctx.send(Msg::Home(Box::new(HomeJob::AtLogin(Some(!on)))));
    }
}

fn keys(ui: &mut Ui, ctx: &Ctx<'_>) {
    let colors = theme::colors(ui);
    ui.horizontal(|ui| {
        ui.label(font::heading("Keys").color(colors.text.strong));
        let changed = !ctx.prefs.keys.is_empty();
        if ui.add_enabled_ui(changed, |ui| button::flat(ui, Some(icon::ARROW_CLOCKWISE), "The usual keys")).inner.clicked() {
            ctx.send(Msg::ResetKeys);
        }
    });
    ui.label(dim(ui, "Press a button, then the new keys. Backspace takes the keys away, Escape leaves them as they are."));
    let waiting_id = ui.scope_id().with("waiting for keys");
    let waiting: Option<UiCommand> = ui.data(|it| it.get_temp(waiting_id)).flatten();
    if let Some(command) = waiting
        && let Some(pressed) = pressed(ui)
    {
        ui.data_mut(|it| it.insert_temp::<Option<UiCommand>>(waiting_id, None));
        match pressed.logical_key {
            Key::Escape => {}
            Key::Backspace if pressed.modifiers.is_none() => ctx.send(Msg::SetKeys(command, None)),
            _ => ctx.send(Msg::SetKeys(command, Some(keymap::write(pressed)))),
        }
    }
    for command in UiCommand::ALL {
        ui.horizontal(|ui| {
            ui.set_min_height(28.0);
            let keys = ctx.keys.words(ui.ctx(), *command);
            let label = match (waiting == Some(*command), keys.is_empty()) {
                (true, _) => "Press the keys…",
                (false, true) => "none",
                (false, false) => keys.as_str(),
            };
            ui.scope(|ui| {
                ui.set_width(260.0);
                ui.label(RichText::new(command.title()).color(colors.text.body));
            });
            let changed = ctx.prefs.keys.contains_key(command);
            let text = RichText::new(label).font(font::mono(size::MONO)).color(if changed {
                colors.accent.text
            } else {
                colors.text.strong
            });
            let response = ui.add(eframe::egui::Button::new(text).min_size(eframe::egui::vec2(130.0, 24.0)));
            let name = format!("Keys of {}: {label}", command.title());
            if response.accessible_name(name).clicked() {
                ui.data_mut(|it| it.insert_temp(waiting_id, Some(*command)));
            }
        });
    }
}

/// The keys that were just pressed, taken from whoever else would hear them.
fn pressed(ui: &Ui) -> Option<KeyboardShortcut> {
    ui.input_mut(|input| {
        let at = input.events.iter().position(|it| matches!(it, Event::Key { pressed: true, .. }))?;
        match input.events.remove(at) {
            Event::Key { key, modifiers, .. } => Some(KeyboardShortcut::new(modifiers, key)),
            _ => None,
        }
    })
}
