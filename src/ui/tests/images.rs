//! How the window looks, against pictures in `tests/images`. They are drawn by a driver of the processor, so that every machine
//! of a kind draws the same; where there is none, the test says so and is passed over, unless `FLOWYARD_IMAGES=must`.
//!
//! `UPDATE_SNAPSHOTS=1` draws them anew.
use std::io::Write as _;
use std::sync::{Arc, OnceLock};

use eframe::egui::{Key, Modifiers, vec2};
use egui_kittest::SnapshotOptions;
use egui_kittest::kittest::Queryable as _;
use egui_kittest::wgpu::{WgpuTestRenderer, default_wgpu_setup};

use super::desk::Desk;
use super::runs::stage_at;
use crate::flow::testing::{Sketch, id};
use crate::sandbox::Clock;
use crate::ui::theme::ThemeChoice;

/// Whether pictures can be drawn here.
fn can_draw() -> bool {
    static CAN: OnceLock<bool> = OnceLock::new();
    *CAN.get_or_init(|| {
        let quiet = std::panic::take_hook();
        std::panic::set_hook(Box::new(|_| {}));
        let made = std::panic::catch_unwind(|| WgpuTestRenderer::from_setup(default_wgpu_setup())).is_ok();
        std::panic::set_hook(quiet);
        made
    })
}

/// The window as it is, compared with a picture; every word of it is at the same time of the day.
fn compare(desk: &mut Desk, name: &str) {
    let must = std::env::var_os("FLOWYARD_IMAGES").is_some_and(|it| it == "must");
    if !can_draw() {
        assert!(!must, "there is no driver to draw with: install mesa-vulkan-drivers and libvulkan1");
        writeln!(std::io::stderr(), "{name}: skipped, since there is no driver to draw with (mesa-vulkan-drivers, libvulkan1)")
            .unwrap();
        return;
    }
    let options = SnapshotOptions::new().output_path("tests/images").threshold(1.0).max_failed_pixels(40_usize);
    desk.window.snapshot_options(name, &options);
    desk.window.take_snapshot_results().unwrap();
}

fn themed(desk: &mut Desk, theme: ThemeChoice) {
    desk.window.state_mut().prefs.theme = theme;
    desk.run();
    desk.run();
}

/// A first start; nothing is run, since times and durations differ from run to run.
fn opened(theme: ThemeChoice) -> (Desk, tokio::runtime::Runtime) {
    let mut desk = Desk::first();
    let runtime = stage_at(&desk, Clock::fixed("2026-03-02T09:00:00Z".parse().unwrap()));
    desk.until("the sandbox is up", |app| app.live.stage().is_some());
    themed(&mut desk, theme);
    (desk, runtime)
}

#[test]
fn the_first_start_in_the_dark() {
    let (mut desk, _runtime) = opened(ThemeChoice::Dark);
    compare(&mut desk, "start-dark");
}

#[test]
fn the_first_start_in_the_light() {
    let (mut desk, _runtime) = opened(ThemeChoice::Light);
    compare(&mut desk, "start-light");
}

#[test]
fn the_gallery() {
    let (mut desk, _runtime) = opened(ThemeChoice::Light);
    desk.key(Modifiers::ALT, Key::Num2);
    compare(&mut desk, "templates-light");
}

#[test]
fn the_settings() {
    let (mut desk, _runtime) = opened(ThemeChoice::Dark);
    desk.key(Modifiers::COMMAND, Key::Comma);
    compare(&mut desk, "settings-dark");
}

#[test]
fn a_flow_as_a_list() {
    let (mut desk, _runtime) = opened(ThemeChoice::Light);
    desk.key(Modifiers::COMMAND | Modifiers::SHIFT, Key::O);
    desk.key(Modifiers::NONE, Key::ArrowDown);
    compare(&mut desk, "outline-light");
}

#[test]
fn a_small_window_with_long_names_in_several_scripts() {
    let mut flow = Sketch::flow("t.out -> a, a.out -> b, b.out -> c");
    flow.name = "Ünïcode · Ελληνικά · кириллица, and a name that is much longer than its room".to_owned();
    for (node, name) in
        [("t", "Ein sehr langer Name für einen Schritt"), ("a", "Ελληνικά"), ("b", "кириллица"), ("c", "Žluťoučký kůň")]
    {
        let it = flow.nodes.get_mut(&id(node)).unwrap();
        Arc::make_mut(it).name = name.to_owned();
    }
    let mut desk = Desk::with(&flow);
    desk.window.set_size(vec2(640.0, 480.0));
    themed(&mut desk, ThemeChoice::Dark);
    compare(&mut desk, "small-dark");
}

#[test]
fn the_palette_over_a_flow() {
    let (mut desk, _runtime) = opened(ThemeChoice::Dark);
    desk.key(Modifiers::COMMAND, Key::K);
    desk.type_text("theme");
    compare(&mut desk, "palette-dark");
}

#[test]
fn the_sandbox_and_the_form_of_a_record() {
    let (mut desk, _runtime) = opened(ThemeChoice::Light);
    desk.key(Modifiers::ALT, Key::Num3);
    desk.window.get_by_label_contains("Contacts: Ada").click();
    desk.run();
    compare(&mut desk, "sandbox-light");
}

#[test]
fn the_sandbox_s_webhooks() {
    let (mut desk, _runtime) = opened(ThemeChoice::Dark);
    let sandbox = desk.window.state().live.stage().unwrap().sandbox.clone();
    // Nothing leaves: what is lost on purpose is listed with where it would have gone.
    let faults = crate::sandbox::DeliveryFaults { lost: 1.0, ..crate::sandbox::DeliveryFaults::default() };
    let url = Some("http://127.0.0.1:8080/hooks/app".to_owned());
    sandbox.set_delivery(crate::sandbox::Delivery { url, faults, ..crate::sandbox::Delivery::default() });
    desk.key(Modifiers::ALT, Key::Num3);
    desk.press("Webhooks: 1 on");
    for name in ["Events", "Contacts"] {
        let table = crate::sandbox::Table::ALL.iter().find(|it| it.title == name).unwrap();
        let id = sandbox.records(table.collection)[0]["id"].as_str().unwrap().to_owned();
        sandbox.by_hand(table, crate::sandbox::Deed::Remove { id }).unwrap();
    }
    // The contact goes with its tasks, notes and appointment.
    desk.until("they are lost", |_| sandbox.attempts_made() >= 6);
    compare(&mut desk, "sandbox-webhooks-dark");
}

#[test]
fn the_sandbox_s_faults_and_habits() {
    let (mut desk, _runtime) = opened(ThemeChoice::Dark);
    desk.key(Modifiers::ALT, Key::Num3);
    desk.press_button("Faults");
    compare(&mut desk, "sandbox-faults-dark");
}

#[test]
fn the_sandbox_s_sizes() {
    let (mut desk, _runtime) = opened(ThemeChoice::Light);
    desk.key(Modifiers::ALT, Key::Num3);
    desk.press("Size: A dozen contacts");
    compare(&mut desk, "sandbox-sizes-light");
}

/// Connections as a person may have them, at a moment that stands still.
fn connected(theme: ThemeChoice) -> (Desk, tokio::runtime::Runtime) {
    use std::time::Duration;

    use crate::accounts::{Entry, Probed, State, Use};
    use crate::catalog::{Catalog, ConnectorId};
    use crate::engine::{Connection, ConnectionId};
    use crate::ui::behind::{AccountNews, Listed, Needs, Told};
    let (mut desk, runtime) = opened(theme);
    let now: jiff::Timestamp = "2026-03-02T09:00:00Z".parse().unwrap();
    desk.window.state_mut().clock = || "2026-03-02T09:00:00Z".parse().unwrap_or_default();
    let catalog = Catalog::shipped();
    let connector = |id: &str| Arc::clone(catalog.connector(&ConnectorId::new(id)).unwrap());
    let entry = |id: &str, name: &str, of: &str, kind: &str, state: State| {
        let connector = connector(of);
        let auth = connector.auth.iter().find(|it| it.name() == kind).unwrap().clone();
        let url = connector.environments.first().map_or("https://x.example", |it| it.base_url.as_str());
        let mut connection = Connection::new(id, name, connector.id.clone(), url, auth);
        connection.zone = Some("Europe/London".to_owned());
        if of == "highlevel" {
            connection.account.insert("location_id".to_owned(), "ve9EPM428h8vShlRW1KT".to_owned());
        }
        let service = connector.title.clone();
        Entry {
            connection,
            service,
            state,
            used_by: Vec::new(),
            refreshed_at: None,
            expires_at: None,
            scopes: None,
            budget: None,
            waiting: 0,
        }
    };
    let again = State::Reconnect { why: "its credentials are not in the vault".to_owned() };
    let mut all = vec![
        entry("highlevel", "Riverside physio", "highlevel", "oauth", State::Ready),
        entry("highlevel-2", "Harbour dental", "highlevel", "bearer", State::Ready),
        entry("schedule_it", "Riverside physio", "schedule_it", "basic", State::Ready),
        entry("schedule_it-2", "Harbour dental", "schedule_it", "oauth", again),
    ];
    let at = |minutes: i64| Some(jiff::Timestamp::from_second(now.as_second() + 60 * minutes).unwrap());
    (all[0].refreshed_at, all[0].expires_at) = (at(-12), at(23 * 60));
    let granted = ["contacts.readonly", "contacts.write", "calendars.readonly", "opportunities.write"];
    all[0].scopes = Some(granted.map(str::to_owned).to_vec());
    let used = |flow: &str| Use { flow: flow.into(), environment: "live".to_owned(), slot: "crm".into() };
    all[0].used_by = vec![used("a"), used("b")];
    let needs = |flow: &str, name: &str, scopes: &[&str]| {
        let scopes = scopes.iter().map(|it| (*it).to_owned()).collect();
        Needs {
            flow: flow.into(),
            name: name.to_owned(),
            slots: [("crm".into(), (ConnectorId::new("highlevel"), scopes))].into(),
        }
    };
    let flows = vec![
        needs("a", "New contact to first visit", &["contacts.readonly", "contacts.write"]),
        needs("b", "Visit to calendar", &["contacts.readonly", "calendars.readonly", "calendars/events.write"]),
    ];
    let listed = Listed { entries: all, flows, kept_in: "the keychain of the system", ..Listed::default() };
    desk.told.send(Told::Accounts(Box::new(|_| ()))).unwrap();
    desk.run();
    desk.key(Modifiers::ALT, Key::Num5);
    let probed = |name: &str| Probed {
        operation: "Get location".to_owned(),
        name: Some(name.to_owned()),
        took: Duration::from_millis(412),
    };
    for news in [
        AccountNews::Tested(ConnectionId::new("highlevel"), Ok(probed("Riverside physio"))),
        AccountNews::Tested(ConnectionId::new("schedule_it"), Ok(probed("Riverside physio"))),
        AccountNews::Listed(Ok(listed)),
    ] {
        desk.told.send(Told::Account(Box::new(news))).unwrap();
    }
    desk.run();
    desk.window.state_mut().connections.stale = false;
    desk.run();
    (desk, runtime)
}

#[test]
fn the_connections_and_one_of_them() {
    let (mut desk, _runtime) = connected(ThemeChoice::Dark);
    desk.window.get_by_label_contains("HighLevel, Riverside physio").click();
    desk.run();
    compare(&mut desk, "connections-dark");
}

#[test]
fn a_connection_that_is_added() {
    let (mut desk, _runtime) = connected(ThemeChoice::Light);
    desk.press("Add connection…");
    compare(&mut desk, "connections-add-light");
}

#[test]
fn a_sign_in_that_waits_for_the_browser() {
    use crate::engine::ConnectionId;
    use crate::ui::behind::{AccountNews, SignInStep, Told};
    let (mut desk, _runtime) = connected(ThemeChoice::Dark);
    desk.window.get_by_label_contains("Schedule it, Harbour dental").click();
    desk.run();
    let job = crate::ui::behind::AccountJob::SignIn(ConnectionId::new("schedule_it-2"), None);
    desk.window.state().send(crate::ui::msg::Msg::Account(Box::new(job)));
    desk.run();
    let step = SignInStep::Open { url: "https://x.example/authorize".to_owned(), back: String::new(), paste: false };
    desk.told.send(Told::Account(Box::new(AccountNews::SigningIn(ConnectionId::new("schedule_it-2"), step)))).unwrap();
    desk.run();
    compare(&mut desk, "connections-sign-in-dark");
}
