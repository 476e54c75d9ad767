//! The menus, made from the list of commands.
use eframe::egui::{Button, Ui};

use super::Dock;
use crate::ui::command::{Menu, UiCommand};
use crate::ui::ctx::Ctx;
use crate::ui::msg::Msg;

/// What stands in the menu of the file button.
pub(super) fn file(ui: &mut Ui, ctx: &Ctx<'_>, dock: &Dock) {
    ui.set_min_width(240.0);
    for command in [UiCommand::New, UiCommand::Open] {
        item(ui, ctx, dock, command);
    }
    recent(ui, ctx);
    if ui.button("New from a template…").clicked() {
        ctx.send(Msg::Do(UiCommand::ShowTemplates));
        ui.close();
    }
    ui.separator();
    for command in [UiCommand::Save, UiCommand::SaveAs, UiCommand::CloseTab] {
        item(ui, ctx, dock, command);
    }
    ui.separator();
    for (menu, words) in [(Menu::Edit, "Edit"), (Menu::Arrange, "Arrange"), (Menu::View, "View"), (Menu::Run, "Run")] {
        ui.menu_button(words, |ui| {
            ui.set_min_width(260.0);
            for command in UiCommand::ALL.iter().filter(|it| it.spec().menu == menu) {
                item(ui, ctx, dock, *command);
            }
        });
    }
    ui.separator();
    for command in [UiCommand::ShowSettings, UiCommand::Quit] {
        item(ui, ctx, dock, command);
    }
}

fn recent(ui: &mut Ui, ctx: &Ctx<'_>) {
    ui.add_enabled_ui(!ctx.prefs.recent.is_empty(), |ui| {
        ui.menu_button("Open recent", |ui| {
            ui.set_min_width(260.0);
            for path in &ctx.prefs.recent {
                let name = path.file_stem().unwrap_or_default().to_string_lossy();
                if ui.button(name).on_hover_text(path.display().to_string()).clicked() {
                    ctx.send(Msg::OpenPath(path.clone()));
                    ui.close();
                }
            }
            ui.separator();
            if ui.button("Forget these").clicked() {
                ctx.send(Msg::ForgetRecent);
                ui.close();
            }
        });
    });
}

fn item(ui: &mut Ui, ctx: &Ctx<'_>, dock: &Dock, command: UiCommand) {
    let able = ctx.can(command);
    let keys = ctx.keys.words(ui.ctx(), command);
    let on = ctx.is_on(command, dock).unwrap_or(false);
    let button = Button::selectable(on, ctx.title(command)).shortcut_text(keys);
    let mut response = ui.add_enabled(able.is_ok(), button);
    if let Err(why) = able {
        response = response.on_disabled_hover_text(why);
    }
    if response.clicked() {
        ctx.send(Msg::Do(command));
        ui.close();
    }
}
