//! What is done beside the list: adding, renaming, another secret, signing in.
use eframe::egui::accesskit::Role;
use eframe::egui::{
    Align, Align2, Frame, Layout, Margin, OpenUrl, Popup, Rect, Response, RichText, ScrollArea, Sense, Stroke, StrokeKind,
    TextEdit, Ui, UiBuilder, WidgetInfo, pos2, vec2,
};
use zeroize::Zeroizing;

use super::draft::{self, Back, Draft};
use super::needs::{self, Needed};
use super::{Connections, Pane, Rotate, details, locations, signing};
use crate::accounts::Given;
use crate::catalog::{AuthKind, Connector, Grant, Guide, OAuth};
use crate::ui::behind::AccountJob;
use crate::ui::ctx::Ctx;
use crate::ui::msg::Msg;
use crate::ui::theme::tokens::{extent, line, radius, size, space};
use crate::ui::theme::{self, font, icon};
use crate::ui::widgets::{button, cut_text, dim, menu_look, switch, within};

/// The pane.
pub(super) fn show(ui: &mut Ui, ctx: &Ctx<'_>, state: &mut Connections) {
    let Some(pane) = state.pane.take() else { return };
    let kept = match pane {
        Pane::Add(mut draft) => add(ui, ctx, state, &mut draft).then_some(Pane::Add(draft)),
        Pane::Rename { id, mut name } => {
            let title = format!("Rename {}", state.name(&id));
            let mut stays = frame(ui, &title, "Flows keep it, whatever it is called.", |ui| {
                label(ui, "Name");
                let field = ui.add(TextEdit::singleline(&mut name).desired_width(f32::INFINITY)).accessible_name("New name");
                if ui.memory(eframe::egui::Memory::focused).is_none() {
                    field.request_focus();
                }
                field.lost_focus() && ui.input(|it| it.key_pressed(eframe::egui::Key::Enter))
            });
            let done = foot(ui, "Rename", !name.trim().is_empty(), &mut stays.0) || stays.1;
            if done && !name.trim().is_empty() {
                ctx.send(Msg::Account(Box::new(AccountJob::Rename(id.clone(), name.trim().to_owned()))));
                stays.0 = false;
            }
            stays.0.then_some(Pane::Rename { id, name })
        }
        Pane::Rotate(mut it) => rotate(ui, ctx, state, &mut it).then_some(Pane::Rotate(it)),
        Pane::Locations(mut it) => locations::show(ui, ctx, state, &mut it).then_some(Pane::Locations(it)),
        Pane::SignIn(mut it) => signing::show(ui, ctx, state, &mut it).then_some(Pane::SignIn(it)),
    };
    state.pane = kept;
}

/// The heights of the head, and of the buttons under it: at the top, where no toast lies over them.
const HEAD: f32 = 60.0;
const ACTS: f32 = 44.0;

/// Where the buttons stand.
pub(super) fn acts_place(ui: &Ui) -> Rect {
    let rect = ui.max_rect();
    let top = rect.top() + HEAD;
    Rect::from_min_max(pos2(rect.left(), top), pos2(rect.right(), top + ACTS))
}

/// Head and body; whether it stays, and what the body gave.
pub(super) fn frame<T>(ui: &mut Ui, title: &str, about: &str, add: impl FnOnce(&mut Ui) -> T) -> (bool, T) {
    let colors = theme::colors(ui);
    let rect = ui.available_rect_before_wrap();
    let head = rect.with_max_y(rect.top() + HEAD);
    let mut stays = true;
    ui.scope_builder(UiBuilder::new().max_rect(head.shrink2(vec2(20.0, 12.0))).id_salt("head"), |ui| {
        ui.with_layout(Layout::right_to_left(Align::Min), |ui| {
            stays = !button::icon(ui, icon::X, "Close").clicked();
            ui.with_layout(Layout::top_down(Align::Min), |ui| {
                ui.spacing_mut().item_spacing.y = 2.0;
                ui.add(eframe::egui::Label::new(font::title(title).color(colors.text.strong)).truncate());
                ui.add(eframe::egui::Label::new(dim(ui, about)).truncate());
            });
        });
    });
    let body = rect.with_min_y(head.bottom() + ACTS + 1.0);
    let inner = ui.scope_builder(UiBuilder::new().max_rect(body).id_salt(("body", title)), |ui| {
        let shown = ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            let margin = Margin { left: 20, right: 20, top: 10, bottom: 12 };
            Frame::new()
                .inner_margin(margin)
                .show(ui, |ui| {
                    ui.spacing_mut().item_spacing.y = 4.0;
                    ui.set_width(ui.available_width());
                    add(ui)
                })
                .inner
        });
        shown.inner
    });
    (stays, inner.inner)
}

/// The buttons; whether the first was pressed.
pub(super) fn foot(ui: &mut Ui, words: &str, can: bool, stays: &mut bool) -> bool {
    let place = acts_place(ui);
    let colors = theme::colors(ui);
    ui.painter().hline(place.x_range(), place.bottom(), Stroke::new(line::HAIRLINE, colors.stroke.subtle));
    let mut done = false;
    within(ui, place.shrink2(vec2(20.0, 6.0)), Layout::left_to_right(Align::Center), |ui| {
        ui.add_enabled_ui(can, |ui| done = button::primary(ui, None, words).clicked());
        if button::flat(ui, None, "Cancel").clicked() {
            *stays = false;
        }
    });
    done
}

pub(super) fn label(ui: &mut Ui, words: &str) {
    let colors = theme::colors(ui);
    ui.add_space(2.0);
    ui.label(RichText::new(words).font(font::medium(size::SMALL)).color(colors.text.body));
}

fn text(ui: &mut Ui, words: &str, hint: &str, into: &mut String) -> Response {
    label(ui, words);
    ui.add(TextEdit::singleline(into).hint_text(hint).desired_width(f32::INFINITY)).accessible_name(words)
}

/// A field whose letters are not shown, and of which the window keeps nothing but what stands in it.
pub(super) fn secret(ui: &mut Ui, words: &str, into: &mut Zeroizing<String>) -> Response {
    label(ui, words);
    let edit = TextEdit::singleline(&mut **into).password(true).hint_text("It is not shown").desired_width(f32::INFINITY);
    let response = ui.add(edit).accessible_name(words);
    // What could be taken back would hold it in clear.
    if let Some(mut known) = TextEdit::load_state(ui.ctx(), response.id) {
        known.clear_undoer();
        known.store(ui.ctx(), response.id);
    }
    response
}

fn wrong(ui: &mut Ui, words: Option<&String>) {
    if let Some(words) = words {
        ui.add_space(space::S);
        details::said(ui, false, "This cannot be done yet", words);
    }
}

/// A number in a circle, and what is to be done.
pub(super) fn step(ui: &mut Ui, number: usize, words: &str) {
    let colors = theme::colors(ui);
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = 8.0;
        let (rect, _) = ui.allocate_exact_size(vec2(18.0, 18.0), Sense::hover());
        ui.painter().circle_filled(rect.center(), 9.0, colors.bg.active);
        let number = number.to_string();
        ui.painter().text(rect.center(), Align2::CENTER_CENTER, number, font::medium(size::SMALL), colors.text.strong);
        ui.vertical(|ui| {
            ui.set_width(ui.available_width());
            ui.label(RichText::new(words).small().color(colors.text.body));
        });
    });
}

/// Where to click at the service.
fn guide(ui: &mut Ui, guide: &Guide, service: &str) {
    for (at, words) in guide.steps.iter().enumerate() {
        step(ui, at + 1, &words.replace('`', ""));
    }
    if let Some(url) = &guide.url {
        ui.horizontal(|ui| {
            ui.add_space(26.0);
            if button::plain(ui, Some(icon::ARROW_SQUARE_OUT), &format!("Open {service} in the browser")).clicked() {
                ui.ctx().open_url(OpenUrl::new_tab(url));
            }
        });
    }
}

/// The pane for a new connection; whether it stays.
fn add(ui: &mut Ui, ctx: &Ctx<'_>, state: &Connections, draft: &mut Draft) -> bool {
    let flows = state.read().map(|it| it.flows.as_slice()).unwrap_or_default();
    let chosen = draft.connector.as_ref().and_then(|it| ctx.catalog.connector(it)).cloned();
    let needed = chosen.as_ref().map(|it| needs::of_service(&it.id, flows)).unwrap_or_default();
    let (mut stays, ()) = frame(ui, "Add a connection", "To an account that flows may work on", |ui| {
        services(ui, ctx, draft);
        let Some(connector) = chosen.as_deref() else { return };
        kinds(ui, draft, connector);
        let Some(auth) = draft.auth(connector).cloned() else { return };
        ui.add_space(space::S);
        if let Some(it) = connector.guide(&auth) {
            ui.label(font::heading(format!("At {}", connector.title)).color(theme::colors(ui).text.strong));
            guide(ui, it, &connector.title);
        }
        if matches!(auth, AuthKind::Bearer) && !needed.is_empty() {
            least(ui, ctx, &needed);
        }
        ui.add_space(space::S);
        ui.label(font::heading("Here").color(theme::colors(ui).text.strong));
        fields(ui, ctx, draft, connector, &auth, &needed);
        wrong(ui, draft.wrong.as_ref());
    });
    let words = match chosen.as_ref().and_then(|it| draft.auth(it)) {
        _ if draft.busy => "Adding…",
        Some(AuthKind::OAuth(_)) => "Add and sign in",
        _ => "Add and test",
    };
    if foot(ui, words, chosen.is_some() && !draft.busy, &mut stays)
        && let Some(connector) = &chosen
    {
        match draft.done(connector, &needed) {
            Ok((fields, given)) => {
                (draft.busy, draft.wrong) = (true, None);
                ctx.send(Msg::Account(Box::new(AccountJob::Add { fields, given })));
            }
            Err(words) => draft.wrong = Some(words),
        }
    }
    stays
}

fn services(ui: &mut Ui, ctx: &Ctx<'_>, draft: &mut Draft) {
    let title = |it: &Connector| it.title.clone();
    let words =
        draft.connector.as_ref().and_then(|it| ctx.catalog.connector(it)).map_or_else(|| "Choose…".to_owned(), |it| title(it));
    ui.horizontal(|ui| {
        label(ui, "Service");
        let response = button::drop_down(ui, &words).accessible_name(format!("Service: {words}"));
        Popup::menu(&response).show(|ui| {
            menu_look(ui, 220.0);
            for connector in ctx.catalog.connectors() {
                let on = draft.connector.as_ref() == Some(&connector.id);
                if ui.selectable_label(on, &connector.title).clicked() {
                    draft.choose(connector);
                    ui.close();
                }
            }
        });
    });
}

/// What a way to sign in is called, and for whom it is.
fn kind_words(connector: &Connector, auth: &AuthKind) -> (String, &'static str) {
    let title = connector.guide(auth).map(|it| it.title.clone());
    let (usual, about) = match auth {
        AuthKind::Bearer => ("Token", "One account, with a token made in its settings."),
        AuthKind::ApiKey { .. } | AuthKind::ApiKeyInQuery { .. } => ("API key", "One account, with a key made in its settings."),
        AuthKind::Basic => ("User and password", "As a person signs in there."),
        AuthKind::OAuth(_) => ("Sign in by browser", "With an app of your own; renewed by itself."),
        AuthKind::None => ("No sign-in", "The service asks for none."),
    };
    (title.unwrap_or_else(|| usual.to_owned()), about)
}

fn kinds(ui: &mut Ui, draft: &mut Draft, connector: &Connector) {
    if connector.auth.len() < 2 {
        return;
    }
    ui.add_space(space::XS);
    let mut chosen = None;
    for (at, auth) in connector.auth.iter().enumerate() {
        let (title, about) = kind_words(connector, auth);
        if choice(ui, &title, about, at == draft.kind).clicked() {
            chosen = Some(at);
        }
    }
    if let Some(at) = chosen.filter(|it| *it != draft.kind) {
        draft.choose_kind(connector, at);
    }
}

/// One of several ways, with what it is for.
fn choice(ui: &mut Ui, title: &str, about: &str, on: bool) -> Response {
    let colors = theme::colors(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 44.0), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::RadioButton, true, on, title));
    let (edge, width) = if on { (colors.accent.ring, line::SELECT) } else { (colors.stroke.usual, line::HAIRLINE) };
    let fill = if response.hovered() && !on { colors.bg.hover } else { colors.bg.panel };
    ui.painter().rect(rect, radius::BASE, fill, Stroke::new(width, edge), StrokeKind::Inside);
    button::focus_ring(ui, &response, rect);
    let middle = pos2(rect.left() + 19.0, rect.top() + 15.0);
    if on {
        ui.painter().circle_filled(middle, 6.0, colors.accent.ring);
        ui.painter().circle_filled(middle, 2.5, colors.text.on_accent);
    } else {
        ui.painter().circle_stroke(middle, 6.0, Stroke::new(1.5, colors.stroke.strong));
    }
    let left = rect.left() + 34.0;
    let room = rect.width() - 44.0;
    cut_text(ui, pos2(left, rect.top() + 15.0), title, font::medium(size::BODY), colors.text.strong, room);
    cut_text(ui, pos2(left, rect.top() + 31.0), about, font::regular(size::SMALL), colors.text.dim, room);
    response
}

/// The least that flows need, to be ticked at the service.
fn least(ui: &mut Ui, ctx: &Ctx<'_>, needed: &Needed) {
    let colors = theme::colors(ui);
    ui.add_space(space::XS);
    ui.horizontal(|ui| {
        ui.set_min_height(24.0);
        let words = format!("{} that your flows need", crate::ui::canvas::sentence::count(needed.len(), "scope"));
        ui.label(RichText::new(words).font(font::medium(size::SMALL)).color(colors.text.body));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if button::flat(ui, Some(icon::COPY), "Copy").clicked() {
                let text = needed.keys().cloned().collect::<Vec<_>>().join("\n");
                ctx.send(Msg::CopyText { text, what: "Scopes" });
            }
        });
    });
    let frame = Frame::new()
        .fill(colors.bg.canvas)
        .stroke(Stroke::new(line::HAIRLINE, colors.stroke.subtle))
        .corner_radius(radius::BASE)
        .inner_margin(Margin::symmetric(10, 6));
    frame.show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.spacing_mut().item_spacing.y = 2.0;
        for scope in needed.keys() {
            ui.label(RichText::new(scope).font(font::mono(size::MONO_SMALL)).color(colors.text.body));
        }
    });
}

fn fields(ui: &mut Ui, ctx: &Ctx<'_>, draft: &mut Draft, connector: &Connector, auth: &AuthKind, needed: &Needed) {
    text(ui, "Name", &connector.title, &mut draft.name);
    for (key, about) in &connector.account {
        let words = crate::ui::canvas::sentence::title(key);
        let value = draft.account.entry(key.clone()).or_default();
        text(ui, &words, "", value).on_hover_text(about);
    }
    match auth {
        AuthKind::None => {}
        AuthKind::Basic => {
            let words = connector.guide(auth).and_then(|it| it.user.clone()).unwrap_or_else(|| "User".to_owned());
            text(ui, &words, "", &mut draft.user);
            secret(ui, &draft::secret_label(connector, auth), &mut draft.secret);
        }
        AuthKind::Bearer | AuthKind::ApiKey { .. } | AuthKind::ApiKeyInQuery { .. } => {
            secret(ui, &draft::secret_label(connector, auth), &mut draft.secret);
        }
        AuthKind::OAuth(known) => oauth(ui, ctx, draft, connector, known, needed),
    }
    ui.label(dim(ui, "Secrets are kept apart from flows and files: in the computer's keychain, or an encrypted file."));
    let more = ui.scope_id().with(("more", connector.id.as_str()));
    let open: bool = ui.data(|it| it.get_temp(more)).unwrap_or(connector.environments.is_empty());
    let mark = if open { icon::CARET_DOWN } else { icon::CARET_RIGHT };
    if button::flat(ui, Some(mark), "Address and zone").clicked() {
        ui.data_mut(|it| it.insert_temp(more, !open));
    }
    if open {
        let is_folder = connector.id.as_str() == "files";
        let other = if is_folder { "/home/ann/reports" } else { "https://" };
        let usual = connector.environments.first().map_or(other, |it| it.base_url.as_str());
        text(ui, if is_folder { "Folder" } else { "Address of the service" }, usual, &mut draft.base_url);
        if is_folder && button::flat(ui, Some(icon::FOLDER_OPEN), "Choose a folder\u{2026}").clicked() {
            ctx.send(Msg::ChooseFolder);
        }
        text(ui, "Time zone of the account", "Europe/London", &mut draft.zone);
        text(ui, "Environment", "live, or a name such as staging", &mut draft.environment);
    }
}

fn oauth(ui: &mut Ui, ctx: &Ctx<'_>, draft: &mut Draft, connector: &Connector, known: &OAuth, needed: &Needed) {
    if known.grants.len() > 1 {
        label(ui, "How the app signs in");
        let current = usize::from(draft.grant == Grant::ClientCredentials);
        if let Some(at) = switch::segments(ui, "How the app signs in", &["In the browser", "As a service account"], current) {
            draft.grant = if at == 0 { Grant::AuthorizationCode } else { Grant::ClientCredentials };
        }
    }
    text(ui, "Client ID", "", &mut draft.client_id);
    secret(ui, "Client secret", &mut draft.secret);
    if known.user_types.len() > 1 {
        label(ui, "For whom");
        let words: Vec<&str> = known.user_types.iter().map(String::as_str).collect();
        let current = draft.user_type.as_deref().and_then(|it| words.iter().position(|word| *word == it)).unwrap_or(0);
        if let Some(at) = switch::segments(ui, "For whom", &words, current) {
            draft.user_type = known.user_types.get(at).cloned();
        }
    }
    if draft.grant == Grant::AuthorizationCode {
        comes_back(ui, ctx, draft);
    }
    label(ui, "Scopes to ask for");
    let mut scopes = draft.scopes_or(connector, needed).join(" ");
    let hint = "what the app has at the service";
    let edit = TextEdit::multiline(&mut scopes).desired_rows(2).hint_text(hint).desired_width(f32::INFINITY);
    if ui.add(edit.font(font::mono(size::MONO_SMALL))).accessible_name("Scopes to ask for").changed() {
        draft.scopes = Some(scopes);
    }
    let stated = known.authorize_url.is_empty() || known.token_url.is_empty();
    if stated {
        if draft.grant == Grant::AuthorizationCode {
            text(ui, "Address for signing in", "https://", &mut draft.authorize_url);
        }
        text(ui, "Address for tokens", "https://", &mut draft.token_url);
    } else if let Some(other) = known.other_authorize_urls.first() {
        let on = draft.authorize_url == other.url;
        let words = format!("Sign in at the other address ({})", other.title.to_lowercase());
        if switch::on_off(ui, &words, on).clicked() {
            draft.authorize_url = if on { String::new() } else { other.url.clone() };
        }
    }
}

/// Where the browser comes back to, as the app at the service must have it.
fn comes_back(ui: &mut Ui, ctx: &Ctx<'_>, draft: &mut Draft) {
    label(ui, "Where the browser comes back to");
    let words = Back::ALL.map(|it| it.1);
    let current = Back::ALL.iter().position(|it| it.0 == draft.back).unwrap_or(0);
    let response = button::drop_down(ui, words[current]).accessible_name(format!("Comes back to: {}", words[current]));
    Popup::menu(&response).show(|ui| {
        menu_look(ui, 220.0);
        for (back, words) in Back::ALL {
            if ui.selectable_label(back == draft.back, words).clicked() {
                if back == Back::Pasted || draft.back == Back::Pasted {
                    draft.redirect = if back == Back::Port { "8976".to_owned() } else { String::new() };
                }
                draft.back = back;
                ui.close();
            }
        }
    });
    match draft.back {
        Back::Free => drop(ui.label(dim(ui, "For services that take any port of this machine."))),
        Back::Port => {
            text(ui, "Port", "8976", &mut draft.redirect);
            if let Some(url) = draft.redirect_url() {
                ui.horizontal(|ui| {
                    ui.spacing_mut().item_spacing.x = 4.0;
                    if button::icon(ui, icon::COPY, "Copy the address to come back to").clicked() {
                        ctx.send(Msg::CopyText { text: url.clone(), what: "Address" });
                    }
                    let words = RichText::new(&url).font(font::mono(size::MONO_SMALL)).color(theme::colors(ui).text.body);
                    ui.label(words);
                });
                ui.label(dim(ui, "Enter it for the app at the service, letter by letter."));
            }
        }
        Back::Pasted => {
            text(ui, "Address that the app has", "https://", &mut draft.redirect);
            ui.label(dim(ui, "After signing in, the address of the page that the browser shows is pasted here."));
        }
    }
}

/// Another secret; whether the pane stays.
fn rotate(ui: &mut Ui, ctx: &Ctx<'_>, state: &Connections, it: &mut Rotate) -> bool {
    let Some(entry) = state.entry(&it.id) else { return false };
    let connection = &entry.connection;
    let connector = ctx.catalog.connector(&connection.connector).cloned();
    let title = format!("New secret for {}", connection.name);
    let (mut stays, ()) = frame(ui, &title, "It takes the place of the one before; steps that wait for it go on.", |ui| {
        let Some(connector) = connector.as_deref() else { return };
        if let Some(known) = connector.guide(&connection.auth) {
            ui.label(font::heading(format!("At {}", connector.title)).color(theme::colors(ui).text.strong));
            guide(ui, known, &connector.title);
            ui.add_space(space::S);
        }
        if connection.auth == AuthKind::Basic {
            let words = connector.guide(&connection.auth).and_then(|it| it.user.clone()).unwrap_or_else(|| "User".to_owned());
            text(ui, &words, "as it is", &mut it.user);
        }
        secret(ui, &draft::secret_label(connector, &connection.auth), &mut it.secret);
        wrong(ui, it.wrong.as_ref());
    });
    let words = if it.busy { "Saving…" } else { "Save and test" };
    let can = !it.busy && !it.secret.trim().is_empty();
    if foot(ui, words, can, &mut stays) {
        (it.busy, it.wrong) = (true, None);
        let user = Some(it.user.trim().to_owned()).filter(|it| !it.is_empty());
        let given = Given { user, secret: Zeroizing::new(it.secret.trim().to_owned()) };
        ctx.send(Msg::Account(Box::new(AccountJob::Rotate(it.id.clone(), given))));
    }
    stays
}

/// Words for what takes a while, with a mark that moves only where things may.
pub(super) fn waits(ui: &mut Ui, words: &str) {
    let colors = theme::colors(ui);
    ui.horizontal(|ui| {
        ui.set_min_height(extent::CONTROL);
        ui.label(RichText::new(icon::CLOCK).font(font::icons(14.0)).color(colors.accent.text));
        ui.label(RichText::new(words).font(font::medium(size::BODY)).color(colors.text.strong));
    });
}
