//! A service that is being imported: how far it is, what was found and tolerated, and its name.
use eframe::egui::{RichText, ScrollArea, TextEdit, Ui};

use crate::catalog::AuthKind;
use crate::catalog::import::Imported;
use crate::ui::canvas::sentence::count;
use crate::ui::ctx::Ctx;
use crate::ui::imports::{Found, Stand};
use crate::ui::msg::Msg;
use crate::ui::theme::tokens::size;
use crate::ui::theme::{self, font, icon};
use crate::ui::widgets::{button, dim};

/// What is typed for one import.
#[derive(Debug, Clone)]
struct Typed {
    ticket: u64,
    name: String,
    title: String,
}

/// Shows it in the place of the list; false where nothing is imported.
pub(super) fn show(ui: &mut Ui, ctx: &Ctx<'_>) -> bool {
    let colors = theme::colors(ui);
    match &ctx.imports.stand {
        Stand::Idle => return false,
        Stand::Working(reached) => {
            ui.label(font::title("Import a service").color(colors.text.strong));
            let words = if reached.operations > 0 {
                count(reached.operations, "operation")
            } else {
                format!("Reading document {} of {}", (reached.documents + 1).min(reached.of), reached.of)
            };
            ui.label(dim(ui, format!("{words}…")));
            ui.add_space(8.0);
            if button::plain(ui, None, "Cancel").clicked() {
                ctx.send(Msg::CancelImport);
            }
        }
        Stand::Refused(words) => {
            ui.label(font::title("The documents cannot be imported").color(colors.text.strong));
            ui.label(RichText::new(words).color(colors.failed.text));
            ui.label(dim(ui, "An OpenAPI 3.0 or 3.1 document in JSON is needed."));
            ui.add_space(8.0);
            ui.horizontal(|ui| {
                if button::primary(ui, None, "Choose others…").clicked() {
                    ctx.send(Msg::ImportDocuments);
                }
                if button::flat(ui, None, "Close").clicked() {
                    ctx.send(Msg::CancelImport);
                }
            });
        }
        Stand::Found(found) => name(ui, ctx, found),
    }
    true
}

/// What was found, and what it is to be called.
fn name(ui: &mut Ui, ctx: &Ctx<'_>, found: &Found) {
    let colors = theme::colors(ui);
    let connector = &found.imported.connector;
    let id = ui.scope_id().with("import typed");
    let kept: Option<Typed> = ui.data(|it| it.get_temp(id));
    let fresh = || Typed { ticket: ctx.imports.ticket, name: connector.id.to_string(), title: connector.title.clone() };
    let mut typed = kept.filter(|it| it.ticket == ctx.imports.ticket).unwrap_or_else(fresh);
    ui.label(font::title(format!("Import {}", connector.title)).color(colors.text.strong));
    ui.label(dim(
        ui,
        format!("{} in {}.", count(connector.operations.len(), "operation"), count(groups(&found.imported), "group")),
    ));
    ui.add_space(8.0);
    ui.label("What people call it");
    ui.add(TextEdit::singleline(&mut typed.title).desired_width(320.0)).accessible_name("Title of the service");
    ui.label("Its name in flows and on the command line");
    ui.add(TextEdit::singleline(&mut typed.name).desired_width(320.0)).accessible_name("Name of the service");
    let name = crate::catalog::ConnectorId::new(typed.name.trim());
    if found.wrong.is_empty() {
        if ctx.catalog.connector(&name).is_some() {
            ui.label(
                RichText::new("There is a service of this name. One that was imported is replaced.")
                    .small()
                    .color(colors.waiting.text),
            );
        } else {
            ui.label(dim(ui, "Lower-case letters, digits and underscores. It stays: flows are written with it."));
        }
    } else {
        ui.label(RichText::new(&found.wrong).small().color(colors.failed.text));
    }
    ui.add_space(8.0);
    ui.horizontal(|ui| {
        if button::primary(ui, Some(icon::PLUS), "Add to the catalog").clicked() {
            ctx.send(Msg::KeepImport { name: typed.name.clone(), title: typed.title.clone() });
        }
        if button::flat(ui, None, "Cancel").clicked() {
            ctx.send(Msg::CancelImport);
        }
    });
    ui.add_space(12.0);
    ui.label(RichText::new("Where it is").font(font::medium(size::BODY)).color(colors.text.strong));
    if connector.environments.is_empty() {
        ui.label(dim(ui, "The documents do not say: a connection has to."));
    }
    for it in &connector.environments {
        ui.label(format!("{}: {}", it.id, it.base_url));
    }
    ui.label(RichText::new("How one signs in").font(font::medium(size::BODY)).color(colors.text.strong));
    let ways: Vec<String> = connector.auth.iter().map(way).collect();
    ui.label(ways.join(", or "));
    ui.add_space(8.0);
    tolerated(ui, &found.imported);
    ui.data_mut(|it| it.insert_temp(id, typed));
}

/// What the documents had wrong: how often each kind, and then each.
fn tolerated(ui: &mut Ui, imported: &Imported) {
    let colors = theme::colors(ui);
    let all: usize = imported.faults.values().sum();
    let title = if all == 0 { "Nothing had to be tolerated".to_owned() } else { format!("{} tolerated", count(all, "fault")) };
    ui.label(RichText::new(title).font(font::medium(size::BODY)).color(colors.text.strong));
    let rows = imported.faults.len() + imported.tolerated.len();
    ScrollArea::vertical().id_salt("tolerated").auto_shrink(false).show_rows(ui, 18.0, rows, |ui, range| {
        for at in range {
            if let Some((fault, count)) = imported.faults.iter().nth(at) {
                ui.label(format!("{count} × {}", fault.words()));
            } else if let Some(it) = imported.tolerated.get(at - imported.faults.len()) {
                ui.label(dim(ui, it.to_string()));
            }
        }
    });
}

fn groups(imported: &Imported) -> usize {
    let all: std::collections::BTreeSet<&str> = imported.connector.operations.briefs().map(|it| it.group.as_str()).collect();
    all.len()
}

fn way(auth: &AuthKind) -> String {
    match auth {
        AuthKind::Bearer => "A token".to_owned(),
        AuthKind::ApiKey { header } => format!("A key in {header}"),
        AuthKind::ApiKeyInQuery { parameter } => format!("A key in the address, as {parameter}"),
        AuthKind::Basic => "User and password".to_owned(),
        AuthKind::OAuth { .. } => "OAuth 2.0".to_owned(),
        AuthKind::None => "Not at all".to_owned(),
    }
}
