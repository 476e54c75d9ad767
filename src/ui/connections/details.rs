//! All that is known of one connection, beneath the list: what it is, how it answered, its scopes, and what can be done.
use eframe::egui::accesskit::Role;
use eframe::egui::{Align, Align2, Frame, Layout, Margin, RichText, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};

use super::needs::{self, Needed};
use super::{Connections, Known, Pane, Rotate, rows};
use crate::accounts::{Budget, Entry, State, grouped, span};
use crate::catalog::{AuthKind, Connector, Event};
use crate::engine::{Connection, ConnectionId, Look};
use crate::record::Failure;
use crate::ui::behind::AccountJob;
use crate::ui::ctx::Ctx;
use crate::ui::msg::Msg;
use crate::ui::theme::tokens::{extent, line, radius, size, space};
use crate::ui::theme::{self, font, icon};
use crate::ui::widgets::{button, cut_text};
use crate::ui::words;

/// From this width on the buttons stand beside the name.
const BESIDE: f32 = 900.0;

/// Shows them.
pub(super) fn show(ui: &mut Ui, ctx: &Ctx<'_>, state: &mut Connections, id: &ConnectionId) {
    let Some(listed) = state.read() else { return };
    let Some(entry) = listed.entries.iter().find(|it| it.connection.id == *id).cloned() else { return };
    let needed = needs::of(&entry, listed);
    let kept_in = listed.kept_in;
    let looks: Vec<Look> = listed.looks.iter().filter(|it| it.connection == *id).cloned().collect();
    let flows: Vec<String> = used_by(&entry, state);
    let connector = ctx.catalog.connector(&entry.connection.connector).map(AsRef::as_ref);
    acts(ui, ctx, state, &entry);
    ui.add_space(space::XS);
    if entry.waiting > 0 {
        let verb = if entry.waiting == 1 { "event is" } else { "events are" };
        let title = format!("{} {verb} waiting for {} to be reconnected", entry.waiting, entry.connection.name);
        said(ui, false, &title, "They go on in their order once it is signed in again; nothing is lost.");
        ui.add_space(space::XS);
    }
    outcome(ui, &entry, state.known.get(id));
    ui.add_space(space::XS);
    let spent = ctx.live.budgets.get(id).map(|it| it.budget).or(entry.budget);
    facts(ui, &entry, connector, spent, kept_in, &flows);
    if !looks.is_empty() {
        ui.add_space(space::M);
        looked(ui, ctx, &looks);
    }
    if !needed.is_empty() || entry.scopes.is_some() {
        ui.add_space(space::M);
        scopes(ui, ctx, &entry, &needed);
    }
}

/// The names of the flows that are bound to it.
fn used_by(entry: &Entry, state: &Connections) -> Vec<String> {
    let flows = state.read().map(|it| it.flows.as_slice()).unwrap_or_default();
    let mut names: Vec<String> = entry
        .used_by
        .iter()
        .map(|used| flows.iter().find(|it| it.flow == used.flow).map_or_else(|| used.flow.to_string(), |it| it.name.clone()))
        .collect();
    names.sort();
    names.dedup();
    names
}

fn acts(ui: &mut Ui, ctx: &Ctx<'_>, state: &mut Connections, entry: &Entry) {
    let colors = theme::colors(ui);
    let connection = &entry.connection;
    let busy = state.known.get(&connection.id).is_some_and(|it| it.busy.is_some());
    let name =
        if connection.name == entry.service { entry.service.clone() } else { format!("{}, {}", entry.service, connection.name) };
    let roomy = ui.available_width() > BESIDE;
    if !roomy {
        ui.label(font::heading(name.as_str()).color(colors.text.strong));
    }
    ui.horizontal(|ui| {
        ui.set_min_height(extent::CONTROL);
        if roomy {
            ui.label(font::heading(name).color(colors.text.strong));
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.spacing_mut().item_spacing.x = 6.0;
            ui.add_enabled_ui(!busy, |ui| {
                if button::flat(ui, Some(icon::TRASH), "Remove…").clicked() {
                    ctx.send(Msg::AskRemoveAccount(connection.id.clone()));
                }
                if button::flat(ui, Some(icon::PENCIL_SIMPLE), "Rename…").clicked() {
                    state.pane = Some(Pane::Rename { id: connection.id.clone(), name: connection.name.clone() });
                }
                let of_vault = !matches!(entry.state, State::Environment | State::Unset { .. } | State::Open);
                if of_vault && connection.agency.is_none() {
                    let words =
                        if matches!(connection.auth, AuthKind::OAuth(_)) { "New client secret…" } else { "New secret…" };
                    if button::plain(ui, Some(icon::KEY), words).clicked() {
                        state.pane = Some(Pane::Rotate(Rotate::new(connection.id.clone())));
                    }
                }
                let is_agency = connection.oauth.as_ref().is_some_and(|it| it.user_type.as_deref() == Some("Company"));
                if is_agency && entry.state.works() && button::plain(ui, Some(icon::PLUS), "Add its locations…").clicked() {
                    ctx.send(Msg::Account(Box::new(AccountJob::Locations(connection.id.clone()))));
                }
                if matches!(connection.auth, AuthKind::OAuth(_)) {
                    let words = if entry.refreshed_at.is_some() { "Sign in again" } else { "Sign in" };
                    if button::plain(ui, Some(icon::ARROW_SQUARE_OUT), words).clicked() {
                        ctx.send(Msg::AskSignIn(connection.id.clone()));
                    }
                }
                if button::plain(ui, Some(icon::PLAY), "Test connection").clicked() {
                    ctx.send(Msg::Account(Box::new(AccountJob::Test(connection.id.clone()))));
                }
            });
        });
    });
}

/// How it answered, or why it cannot be asked.
fn outcome(ui: &mut Ui, entry: &Entry, known: Option<&Known>) {
    match &entry.state {
        State::Unset { why } => return said(ui, false, "A variable that it takes its secret from is not set", why),
        State::Reconnect { why } => return said(ui, false, "It is to be reconnected", &again(entry, why)),
        State::Ready | State::Open | State::Environment => {}
    }
    match known.and_then(|it| it.tried.as_ref()) {
        None => {}
        Some((Ok(probed), _)) => {
            let title = match &probed.name {
                Some(name) => format!("It works: this is {name}"),
                None => "It works".to_owned(),
            };
            let took = words::milliseconds(u64::try_from(probed.took.as_millis()).unwrap_or(u64::MAX));
            said(ui, true, &title, &format!("“{}” was answered in {took}.", probed.operation));
        }
        Some((Err(failure), _)) => failed(ui, failure),
    }
}

/// Why, and what to do.
fn again(entry: &Entry, why: &str) -> String {
    let act = match &entry.connection.auth {
        AuthKind::OAuth(_) => "Sign in again.",
        _ => "Enter its secret anew.",
    };
    format!("{} {act}", words::sentence(why))
}

/// A failure in its own words.
pub(super) fn failed(ui: &mut Ui, failure: &Failure) {
    let parts = [&failure.detail, &failure.hint].into_iter().filter(|it| !it.is_empty());
    let detail = parts.map(|it| words::sentence(it)).collect::<Vec<_>>().join(" ");
    said(ui, false, failure.title.trim_end_matches('.'), &detail);
}

/// Good or bad news in a box.
pub(super) fn said(ui: &mut Ui, good: bool, title: &str, detail: &str) {
    let colors = theme::colors(ui);
    let ink = if good { colors.ok } else { colors.failed };
    Frame::new().fill(ink.tint).corner_radius(radius::BASE).inner_margin(Margin::symmetric(12, 8)).show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.horizontal_top(|ui| {
            ui.spacing_mut().item_spacing.x = 8.0;
            let mark = if good { icon::CHECK_CIRCLE } else { icon::X_CIRCLE };
            ui.label(RichText::new(mark).font(font::icons_fill(14.0)).color(ink.text));
            ui.vertical(|ui| {
                ui.spacing_mut().item_spacing.y = 2.0;
                ui.label(RichText::new(title).font(font::medium(size::BODY)).color(colors.text.strong));
                if !detail.is_empty() {
                    ui.label(RichText::new(detail).small().color(colors.text.body));
                }
            });
        });
    });
}

fn facts(ui: &mut Ui, entry: &Entry, connector: Option<&Connector>, spent: Option<Budget>, kept_in: &str, flows: &[String]) {
    let connection = &entry.connection;
    let mut facts: Vec<(String, String)> = vec![("Sign-in".to_owned(), rows::kind(entry, connector))];
    for (key, value) in &connection.account {
        facts.push((crate::ui::canvas::sentence::title(key), value.clone()));
    }
    facts.push(("Address".to_owned(), connection.base_url.clone()));
    if let Some(zone) = &connection.zone {
        facts.push(("Zone".to_owned(), zone.clone()));
    }
    let secret = match &entry.state {
        State::Environment | State::Unset { .. } => "in a variable of the environment",
        State::Open => "none is needed",
        State::Ready | State::Reconnect { .. } => kept_in,
    };
    facts.push(("Secret".to_owned(), secret.to_owned()));
    if let Some(oauth) = &connection.oauth {
        facts.push(("App".to_owned(), oauth.client_id.clone()));
    }
    if let Some(ends) = entry.expires_at {
        let ends = ends.to_zoned_datetime(jiff::tz::TimeZone::system()).strftime("%-d %b %Y, %H:%M");
        facts.push(("Token ends".to_owned(), ends.to_string()));
    }
    if let Some(agency) = &connection.agency {
        facts.push(("Agency".to_owned(), agency.to_string()));
    }
    if connection.environment != Connection::LIVE {
        facts.push(("Environment".to_owned(), connection.environment.clone()));
    }
    let budget = budget(connector);
    if !budget.is_empty() {
        facts.push(("Budget".to_owned(), budget));
    }
    if let Some(spent) = spent {
        facts.push(("Requests".to_owned(), spent.in_words()));
    }
    let used = if flows.is_empty() { "no flow is bound to it".to_owned() } else { flows.join(", ") };
    facts.push(("Used by".to_owned(), used));
    facts.push(("Id".to_owned(), connection.id.to_string()));
    let colors = theme::colors(ui);
    for (key, value) in facts {
        let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 20.0), Sense::hover());
        response.widget_info(|| WidgetInfo::labeled(Role::Label, true, format!("{key}: {value}")));
        let y = rect.center().y;
        cut_text(ui, pos2(rect.left() + 12.0, y), &key, font::regular(size::SMALL), colors.text.dim, 96.0);
        let room = rect.width() - 124.0;
        cut_text(ui, pos2(rect.left() + 112.0, y), &value, font::regular(size::SMALL), colors.text.body, room);
        response.on_hover_text(value);
    }
}

/// When the service was last looked at for what it does not tell, what that found, and when the next look is due.
fn looked(ui: &mut Ui, ctx: &Ctx<'_>, looks: &[Look]) {
    let colors = theme::colors(ui);
    ui.label(font::heading("Looks at the service").color(colors.text.strong));
    ui.spacing_mut().item_spacing.y = 0.0;
    for look in looks {
        let event = Event::find(&look.event).map_or_else(|| look.event.to_string(), |it| it.title.clone());
        let (mark, ink, words) = match &look.failure {
            Some(failure) => (icon::X, colors.failed.text, format!("failed: {}", failure.title)),
            None => (icon::CHECK, colors.ok.text, crate::ui::canvas::sentence::count(look.found, "event")),
        };
        let next = if look.next > ctx.now { words::clock(look.next) } else { "when flows run again".to_owned() };
        let times = format!("{}, next {next}", words::clock(look.at));
        let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), extent::ROW_RUN), Sense::hover());
        response.widget_info(|| WidgetInfo::labeled(Role::ListItem, true, format!("{event}, looked at {times}, {words}")));
        let y = rect.center().y;
        ui.painter().text(pos2(rect.left() + 19.0, y), Align2::CENTER_CENTER, mark, font::icons(13.0), ink);
        cut_text(ui, pos2(rect.left() + 42.0, y), &event, font::regular(size::SMALL), colors.text.body, 200.0);
        cut_text(ui, pos2(rect.left() + 250.0, y), &words, font::regular(size::SMALL), ink, rect.width() - 460.0);
        let right = pos2(rect.right() - 12.0, y);
        ui.painter().text(right, Align2::RIGHT_CENTER, &times, font::regular(size::SMALL), colors.text.dim);
        if let Some(failure) = &look.failure {
            response.on_hover_text(failure.to_string());
        }
    }
}

/// How many requests the service allows an account.
fn budget(connector: Option<&Connector>) -> String {
    let rates = connector.map(|it| it.rates.as_slice()).unwrap_or_default();
    let each = rates.iter().enumerate().map(|(at, it)| {
        let what = if at == 0 { " requests" } else { "" };
        format!("{}{what} {}", grouped(u64::from(it.requests)), span(it.per_ms))
    });
    each.collect::<Vec<_>>().join(", ")
}

fn scopes(ui: &mut Ui, ctx: &Ctx<'_>, entry: &Entry, needed: &Needed) {
    let colors = theme::colors(ui);
    ui.horizontal(|ui| {
        ui.set_min_height(extent::CONTROL);
        ui.label(font::heading("Scopes").color(colors.text.strong));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if button::flat(ui, Some(icon::COPY), "Copy what is needed").clicked() {
                let text = needed.keys().cloned().collect::<Vec<_>>().join(" ");
                ctx.send(Msg::CopyText { text, what: "Scopes" });
            }
        });
    });
    ui.spacing_mut().item_spacing.y = 0.0;
    let unneeded = entry.scopes.iter().flatten().filter(|it| !needed.contains_key(*it));
    let all = needed.iter().map(|(scope, flows)| (scope.as_str(), Some(needs::names(flows))));
    let all = all.chain(unneeded.map(|it| (it.as_str(), None)));
    for (scope, flows) in all {
        let granted = entry.scopes.as_ref().map(|it| it.iter().any(|it| it == scope));
        let (mark, word, ink) = match (granted, &flows) {
            (_, None) => (icon::MINUS, "not needed", colors.text.dim),
            (Some(true), _) => (icon::CHECK, "yes", colors.ok.text),
            (Some(false), _) => (icon::X, "missing", colors.failed.text),
            (None, _) => (icon::CIRCLE_DASHED, "not told", colors.text.dim),
        };
        let lacks = granted == Some(false);
        let flows = flows.unwrap_or_else(|| "no flow; it can be taken away at the service".to_owned());
        let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), extent::ROW_RUN), Sense::hover());
        response.widget_info(|| WidgetInfo::labeled(Role::ListItem, true, format!("{scope}, {word}, needed by {flows}")));
        if !ui.is_rect_visible(rect) {
            continue;
        }
        if lacks {
            ui.painter().rect_filled(rect, 0.0, colors.failed.tint);
        }
        let y = rect.center().y;
        ui.painter().text(pos2(rect.left() + 19.0, y), Align2::CENTER_CENTER, mark, font::icons(13.0), ink);
        let name = if lacks { ink } else { colors.text.body };
        cut_text(ui, pos2(rect.left() + 42.0, y), scope, font::mono(size::MONO_SMALL), name, 200.0);
        cut_text(ui, pos2(rect.left() + 250.0, y), &flows, font::regular(size::SMALL), colors.text.dim, rect.width() - 340.0);
        let right = pos2(rect.right() - 12.0, y);
        ui.painter().text(right, Align2::RIGHT_CENTER, word, font::regular(size::SMALL), ink);
    }
    ui.painter().hline(ui.min_rect().x_range(), ui.cursor().top(), Stroke::new(line::HAIRLINE, colors.stroke.subtle));
}
