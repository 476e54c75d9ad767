//! Connections: added, tried, given another secret, signed in, renamed and removed, against the real book and vault and the
//! sandbox.
use std::path::Path;

use eframe::egui::accesskit::Role;
use eframe::egui::{Key, Modifiers};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use serde_json::json;

use super::desk::Desk;
use super::runs::stage;
use crate::accounts::Bindings;
use crate::cli::window::accounts;
use crate::engine::{ConnectionId, Vault};
use crate::sandbox::Faults;
use crate::ui::behind::Told;

/// A window with a sandbox, and connections behind it.
fn open() -> (Desk, tokio::runtime::Runtime, Vault) {
    let mut desk = Desk::first();
    let runtime = stage(&desk);
    desk.until("the sandbox is up", |app| app.live.stage().is_some());
    let vault = Vault::in_memory();
    behind(&desk, &runtime, vault.clone());
    desk.key(Modifiers::ALT, Key::Num5);
    listed(&mut desk);
    (desk, runtime, vault)
}

pub(super) fn behind(desk: &Desk, runtime: &tokio::runtime::Runtime, vault: Vault) {
    let (told, waker) = (desk.told.clone(), std::sync::Arc::clone(&desk.waker));
    let (answers, wake) = (told.clone(), std::sync::Arc::clone(&waker));
    let sandbox = accounts::Sandboxed::new(&desk.home.path().join("sandbox"));
    sandbox.is_up(&access(desk), &crate::catalog::Catalog::shipped());
    let door = accounts::door(desk.home.path(), vault, runtime.handle().clone(), sandbox, move |news| {
        answers.send(Told::Account(Box::new(news))).unwrap_or_default();
        wake();
    });
    told.send(Told::Accounts(door)).unwrap();
    waker();
}

/// All is read, and nothing is under way.
pub(super) fn listed(desk: &mut Desk) {
    desk.until("the connections are read", |app| {
        let connections = &app.connections;
        let idle = connections.known.values().all(|it| it.busy.is_none());
        connections.read().is_some() && !connections.stale && !connections.reading && idle
    });
}

pub(super) fn fill(desk: &mut Desk, field: &str, text: &str) {
    let roles = [Role::TextInput, Role::PasswordInput, Role::MultilineTextInput];
    let found = desk.window.get_all_by_label(field).find(|it| roles.contains(&it.accesskit_node().role()));
    found.unwrap_or_else(|| panic!("no field {field}")).focus();
    desk.run();
    desk.key(Modifiers::COMMAND, Key::A);
    desk.type_text(text);
}

/// Where the service is; that is below what is seen, so it is reached by keys.
fn fill_address(desk: &mut Desk, url: &str) {
    desk.window.get_by_role_and_label(Role::Button, "Address and zone").focus();
    desk.run();
    desk.key(Modifiers::NONE, Key::Enter);
    fill(desk, "Address of the service", url);
}

/// The service of a new connection.
fn choose(desk: &mut Desk, service: &str) {
    desk.window.get_by_label_contains("Service: ").click();
    desk.run();
    desk.press(service);
}

pub(super) fn access(desk: &Desk) -> crate::sandbox::Access {
    desk.window.state().live.stage().unwrap().sandbox.access().clone()
}

/// Adds the sandbox as the account of a person, by its private token.
fn add(desk: &mut Desk, name: &str, token: &str) {
    let access = access(desk);
    desk.press("Add connection…");
    choose(desk, "HighLevel");
    fill(desk, "Name", name);
    fill(desk, "Location id", &access.highlevel.location_id);
    fill(desk, "Private integration token", token);
    fill_address(desk, &access.highlevel.base_url);
    fill(desk, "Time zone of the account", "Europe/London");
    desk.press_button("Add and test");
    desk.until("it is added", |app| app.connections.pane.is_none());
    listed(desk);
}

fn row(desk: &Desk, words: &str) -> bool {
    desk.window.query_all_by_label_contains(words).next().is_some()
}

fn written(home: &Path) -> String {
    std::fs::read_to_string(home.join("connections.json")).unwrap_or_default()
}

#[test]
fn a_connection_is_added_with_a_guide_tried_renamed_and_removed_and_its_secret_is_seen_nowhere() {
    let (mut desk, _runtime, vault) = open();
    assert!(desk.has("No connections yet"));
    let token = access(&desk).highlevel.token;
    desk.press("Add connection…");
    choose(&mut desk, "HighLevel");
    assert!(desk.has_containing("open Settings, then Private Integrations") && desk.has("Open HighLevel in the browser"));
    desk.press_button("Add and test");
    assert!(desk.has("Private integration token is needed."));
    desk.press("Cancel");
    add(&mut desk, "Riverside", &token);
    assert!(desk.has("Added Riverside"));
    assert!(row(&desk, "HighLevel, Riverside, private integration, Works"), "{:?}", desk.window.state().connections.known);
    assert!(desk.has_containing("It works: this is ") && desk.has("Zone: Europe/London"));
    let home = desk.home.path().to_owned();
    assert!(!written(&home).contains(&token) && written(&home).contains("Riverside"));
    let stored = vault.get(&ConnectionId::new("highlevel")).unwrap();
    assert!(stored.is_some());
    // Nothing of the window says it, and what egui keeps of fields neither.
    assert!(!desk.has_containing(&token));
    let kept = format!("{:?}", desk.window.ctx.memory(|it| format!("{:?}", it.data)));
    assert!(!kept.contains(&token));

    desk.press("Rename…");
    fill(&mut desk, "New name", "Harbour");
    desk.press_button("Rename");
    listed(&mut desk);
    assert!(row(&desk, "HighLevel, Harbour, private integration, Works"));

    Bindings::change(&home, |it| it.set(&"flow-1".into(), "live", &"crm".into(), vec![ConnectionId::new("highlevel")])).unwrap();
    desk.window.state().send(crate::ui::msg::Msg::ListAccounts);
    desk.run();
    listed(&mut desk);
    assert!(row(&desk, "1 flow"));
    desk.press("Remove…");
    assert!(desk.has("Remove the connection “Harbour”?") && desk.has_containing("It is used by “flow-1”"));
    desk.press("Keep it");
    assert!(row(&desk, "Harbour"));
    desk.press("Remove…");
    desk.press("Remove it");
    desk.until("it is gone", |app| app.connections.read().is_some_and(|it| it.entries.is_empty()));
    assert!(desk.has("No connections yet") && vault.get(&ConnectionId::new("highlevel")).unwrap().is_none());
}

#[test]
fn a_secret_that_is_refused_is_said_and_another_one_is_given() {
    let (mut desk, _runtime, _vault) = open();
    add(&mut desk, "Riverside", "pit-wrong");
    assert!(row(&desk, "Riverside, private integration, Sign in again"), "the service refuses it");
    let token = access(&desk).highlevel.token;
    desk.press("New secret…");
    fill(&mut desk, "Private integration token", &token);
    desk.press_button("Save and test");
    desk.until("it is stored", |app| app.connections.pane.is_none());
    listed(&mut desk);
    assert!(desk.has("Riverside has its new secret") && row(&desk, "Riverside, private integration, Works"));
    let sandbox = desk.window.state().live.stage().unwrap().sandbox.clone();
    sandbox.set_faults(Faults { forbidden: 1.0, ..Faults::default() });
    desk.press("Test connection");
    listed(&mut desk);
    assert!(row(&desk, "Riverside, private integration, Scope missing"));
    fill(&mut desk, "Find a connection", "nothing like it");
    assert!(desk.has("No connection has these words."));
}

#[test]
fn what_cannot_be_added_says_why_and_keeps_what_was_typed() {
    let (mut desk, _runtime, _vault) = open();
    desk.press("Add connection…");
    choose(&mut desk, "Schedule it");
    assert!(desk.has("User (1234_anna)"));
    fill(&mut desk, "User (1234_anna)", "a:b");
    fill(&mut desk, "Password", "p");
    desk.press_button("Add and test");
    desk.until(
        "it is refused",
        |app| matches!(&app.connections.pane, Some(super::super::connections::Pane::Add(it)) if !it.busy),
    );
    assert!(desk.has_containing("colon"));
    let field = desk.window.get_by_role_and_label(Role::PasswordInput, "Password");
    assert!(field.value().is_none_or(|it| !it.contains('p')), "it is masked");
    fill_address(&mut desk, "http://elsewhere.example");
    desk.press_button("Add and test");
    assert!(desk.has_containing("this machine only"));
    assert!(written(desk.home.path()).is_empty(), "nothing was written");
}

#[test]
fn a_damaged_file_of_connections_is_said_and_read_again_once_it_is_mended() {
    let mut desk = Desk::first();
    let runtime = stage(&desk);
    desk.until("the sandbox is up", |app| app.live.stage().is_some());
    std::fs::write(desk.home.path().join("connections.json"), "[{").unwrap();
    behind(&desk, &runtime, Vault::in_memory());
    desk.key(Modifiers::ALT, Key::Num5);
    desk.until("it cannot be read", |app| matches!(app.connections.listed, Some(Err(_))));
    assert!(desk.has("The connections cannot be used"));
    std::fs::write(desk.home.path().join("connections.json"), "[]").unwrap();
    desk.press("Read them again");
    listed(&mut desk);
    assert!(desk.has("No connections yet"));
}

/// What the browser of a person would do: agrees on the consent page of the sandbox, and follows it back.
fn agree(url: &str) {
    let url = url.to_owned();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async move {
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap();
        let query = url.split_once('?').unwrap().1.to_owned();
        let page = client.get(&url).send().await.unwrap();
        assert_eq!(page.status(), 200);
        let place = url.split_once('?').unwrap().0.to_owned();
        let answer = client
            .post(place)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(format!("{query}&decision=allow"))
            .send()
            .await
            .unwrap();
        let back = answer.headers()["location"].to_str().unwrap().to_owned();
        assert_eq!(client.get(back).send().await.unwrap().status(), 200);
    });
}

/// Adds a connection that signs in with the sandbox's app.
fn add_app(desk: &mut Desk) {
    let calendar = access(desk).schedule_it;
    desk.press("Add connection…");
    choose(desk, "Schedule it");
    desk.press("OAuth 2.0 or a service account");
    fill(desk, "Client ID", &calendar.oauth.client_id);
    fill(desk, "Client secret", &calendar.oauth.client_secret);
    fill(desk, "Address for signing in", &calendar.oauth.authorize_url);
    fill(desk, "Address for tokens", &calendar.oauth.token_url);
    fill_address(desk, &calendar.base_url);
    desk.press_button("Add and sign in");
}

fn waiting(desk: &mut Desk) -> String {
    use super::super::connections::Pane;
    desk.until("the browser is waited for", |app| matches!(&app.connections.pane, Some(Pane::SignIn(it)) if !it.url.is_empty()));
    assert!(desk.has("Waiting for the browser…"));
    match &desk.window.state().connections.pane {
        Some(Pane::SignIn(it)) => it.url.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_person_signs_in_by_browser_may_give_it_up_and_sign_in_again() {
    let (mut desk, _runtime, vault) = open();
    add_app(&mut desk);
    waiting(&mut desk);
    desk.press("Cancel the sign-in");
    listed(&mut desk);
    assert!(row(&desk, "Sign-in by browser, To be reconnected"));
    desk.press("Sign in");
    desk.until(
        "it is said what is asked for",
        |app| matches!(&app.connections.pane, Some(super::super::connections::Pane::SignIn(it)) if it.asks.is_some()),
    );
    assert!(desk.has_containing("No flow says what it needs here yet"));
    desk.press("Sign in now");
    let url = waiting(&mut desk);
    fill(&mut desk, "Address or code from the browser", "http://127.0.0.1/signed-in?code=made-up&state=other");
    desk.press("Use it");
    desk.until("it is not taken", |app| {
        matches!(&app.connections.pane, Some(super::super::connections::Pane::SignIn(it))
            if it.step == Some(crate::ui::behind::SignInStep::NotTaken))
    });
    assert!(desk.has_containing("That is no answer to this sign-in"));
    agree(&url);
    desk.until("it is signed in", |app| app.connections.pane.is_none());
    listed(&mut desk);
    assert!(desk.has("Signed in to Schedule it") && row(&desk, "Sign-in by browser, Works"));
    assert!(vault.get(&ConnectionId::new("schedule_it")).unwrap().is_some());
    assert!(desk.has("Sign in again"));
    let known = json!(desk.window.state().connections.entry(&ConnectionId::new("schedule_it")).unwrap());
    assert!(known["refreshed_at"].is_string(), "{known}");
}

#[test]
fn the_palette_and_the_rail_lead_to_connections() {
    let (mut desk, _runtime, _vault) = open();
    desk.key(Modifiers::ALT, Key::Num1);
    desk.window.get_by_role_and_label(Role::Tab, "Connections").click();
    desk.run();
    assert!(desk.has("No connections yet"));
}

#[test]
fn what_is_used_of_a_budget_is_shown_with_the_connection_and_in_the_bar_while_it_moves() {
    use crate::accounts::BudgetState;
    use crate::ui::behind::{AccountNews, Spent};
    let (mut desk, _runtime, _vault) = open();
    let token = access(&desk).highlevel.token;
    add(&mut desk, "Riverside", &token);
    assert!(desk.has("Budget: 100 requests in 10 s, 200,000 a day"));
    let state = BudgetState {
        remaining: 63,
        used: 37,
        max: 100,
        interval_ms: 10_000,
        blocked_ms: 0,
        used_today: 12_400,
        daily_max: Some(200_000),
        daily_remaining: Some(187_600),
        forecast: 31_000,
        since: jiff::Timestamp::UNIX_EPOCH,
        waiting: 0,
    };
    let tell = |desk: &mut Desk, state: BudgetState| {
        let spent = Spent { name: "HighLevel".to_owned(), budget: state.into() };
        let news = AccountNews::Budgets([(ConnectionId::new("highlevel"), spent)].into());
        desk.told.send(Told::Account(Box::new(news))).unwrap();
        desk.run();
    };
    tell(&mut desk, state);
    assert!(desk.has("HighLevel 37/100 in 10 s"));
    assert!(desk.has("Requests: 37 of 100 in 10 s · 12,400 of 200,000 today · at this pace 31,000 by midnight UTC"));
    tell(&mut desk, BudgetState { used: 100, remaining: 0, waiting: 4, ..state });
    assert!(desk.has("HighLevel 100/100 in 10 s, 4 waiting"));
    assert!(desk.has_containing("by midnight UTC · 4 waiting"));
    tell(&mut desk, BudgetState { used: 0, remaining: 100, ..state });
    assert!(!desk.has_containing("/100 in 10 s") && desk.has_containing("Requests: 0 of 100 in 10 s · 12,400 of 200,000 today"));
}

#[test]
fn what_the_last_looks_at_a_service_found_is_shown_with_its_connection() {
    use crate::catalog::OperationId;
    use crate::engine::Look;
    use crate::record::{Failure, FailureKind};
    let (mut desk, _runtime, _vault) = open();
    let token = access(&desk).highlevel.token;
    let now = jiff::Timestamp::now();
    let look = |event: &str, found, failure| Look {
        connection: ConnectionId::new("highlevel"),
        event: OperationId::new(event),
        at: now,
        next: now + jiff::SignedDuration::from_hours(1),
        found,
        due: None,
        failure,
    };
    let refused = Failure::new(FailureKind::Forbidden, "HighLevel: a scope is missing");
    let journal = crate::journal::Journal::open(desk.home.path(), crate::journal::Options::default()).unwrap();
    for (key, look) in
        [("a", look("highlevel.poll.contact-created", 2, None)), ("b", look("highlevel.poll.contact-changed", 0, Some(refused)))]
    {
        journal.put_state("looks", key, &serde_json::to_value(look).unwrap()).wait().unwrap();
    }
    journal.close();
    add(&mut desk, "Riverside", &token);
    assert!(desk.has("Looks at the service"));
    for words in ["2 events", "failed: HighLevel: a scope is missing"] {
        assert!(desk.has_containing(words), "{words}");
    }
}
