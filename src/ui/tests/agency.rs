//! The locations of an agency become connections; and what a sign-in asks for is seen before the browser opens.
use std::sync::{Arc, Mutex};

use eframe::egui::accesskit::Role;
use eframe::egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable as _;
use serde_json::json;

use super::desk::Desk;
use crate::accounts::{Asking, Location, State};
use crate::catalog::{AuthKind, Catalog, ConnectorId};
use crate::engine::{Connection, ConnectionId};
use crate::ui::behind::{AccountJob, AccountNews, Listed, Told};

/// What was asked of whoever keeps connections.
type Jobs = Arc<Mutex<Vec<AccountJob>>>;

/// The page of connections with an agency on it, which is signed in.
fn open() -> (Desk, Jobs) {
    let mut desk = Desk::first();
    let jobs = Jobs::default();
    let asked = Arc::clone(&jobs);
    desk.told.send(Told::Accounts(Box::new(move |job| asked.lock().unwrap().push(job)))).unwrap();
    desk.run();
    desk.key(Modifiers::ALT, Key::Num5);
    let catalog = Catalog::shipped();
    let connector = catalog.connector(&ConnectorId::new("highlevel")).unwrap();
    let auth = connector.auth.iter().find(|it| matches!(it, AuthKind::OAuth(_))).unwrap().clone();
    let mut connection = Connection::new("agency", "Group", connector.id.clone(), "https://x.example", auth);
    let oauth = json!({"client_id": "app", "user_type": "Company"});
    connection.oauth = Some(Box::new(serde_json::from_value(oauth).unwrap()));
    let entry = crate::accounts::Entry {
        connection,
        service: "HighLevel".to_owned(),
        state: State::Ready,
        used_by: Vec::new(),
        refreshed_at: None,
        expires_at: None,
        scopes: None,
        budget: None,
        waiting: 0,
    };
    tell(&mut desk, AccountNews::Listed(Ok(Listed { entries: vec![entry], ..Listed::default() })));
    desk.window.get_by_label_contains("HighLevel, Group").click();
    desk.run();
    jobs.lock().unwrap().clear();
    (desk, jobs)
}

fn tell(desk: &mut Desk, news: AccountNews) {
    desk.told.send(Told::Account(Box::new(news))).unwrap();
    desk.run();
}

#[test]
fn locations_are_chosen_among_those_of_the_agency_and_added_together() {
    let (mut desk, jobs) = open();
    desk.press("Add its locations…");
    assert!(matches!(&jobs.lock().unwrap()[..], [AccountJob::Locations(id)] if id.as_str() == "agency"));
    assert!(desk.has("Reading the locations…"));
    let location = |id: &str, name: &str, connection: Option<&str>| Location {
        id: id.to_owned(),
        name: name.to_owned(),
        zone: Some("Europe/Berlin".to_owned()),
        connection: connection.map(ConnectionId::new),
    };
    let all = vec![location("b", "Berlin", None), location("p", "Paris", None), location("r", "Rome", Some("agency"))];
    tell(&mut desk, AccountNews::Locations(ConnectionId::new("agency"), Ok(all)));
    assert!(desk.has("is there already, as Group") && desk.has("b, Europe/Berlin"));
    for name in ["Berlin", "Paris"] {
        desk.window.get_by_role_and_label(Role::CheckBox, name).click();
        desk.run();
    }
    desk.press("Add 2 locations");
    let asked = jobs.lock().unwrap().pop();
    let Some(AccountJob::AddLocations(id, wanted)) = asked else { panic!("{asked:?}") };
    let wanted: Vec<_> = wanted.iter().map(|it| it.id.as_str()).collect();
    assert_eq!((id.as_str(), wanted), ("agency", vec!["b", "p"]));
    tell(&mut desk, AccountNews::LocationsAdded(ConnectionId::new("agency"), Ok(2)));
    assert!(desk.has("2 locations added") && desk.window.state().connections.pane.is_none());
}

#[test]
fn what_a_sign_in_asks_for_is_seen_first_and_more_can_be_added() {
    let (mut desk, jobs) = open();
    desk.press("Sign in");
    assert!(matches!(&jobs.lock().unwrap()[..], [AccountJob::Asks { .. }]), "nothing is signed in yet");
    let list = |all: &[&str]| all.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
    let asks = Asking {
        scopes: list(&["contacts.write", "users.readonly"]),
        before: list(&["contacts.write", "users.readonly"]),
        granted: Some(list(&["contacts.write"])),
        ..Asking::default()
    };
    tell(&mut desk, AccountNews::Asks(ConnectionId::new("agency"), Ok(asks)));
    assert!(desk.has("2 scopes asked for, 1 of them new"));
    assert!(desk.has("users.readonly, new") && desk.has("contacts.write, granted"));
    super::connections::fill(&mut desk, "More scopes", "forms.readonly");
    desk.press("Sign in now");
    let asked = jobs.lock().unwrap().pop();
    let Some(AccountJob::SignIn(_, Some(asked))) = asked else { panic!("{asked:?}") };
    assert_eq!(asked.scopes, ["contacts.write", "forms.readonly", "users.readonly"]);
    assert_eq!(asked.more, ["forms.readonly"]);
}
