//! Alerts in the settings: what a person chooses is asked for, and what came of a test is said.
use std::collections::BTreeSet;
use std::sync::mpsc::{self, Receiver};

use eframe::egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable as _;

use super::desk::Desk;
use crate::engine::ConnectionId;
use crate::engine::alert::{Alerts, Mail, Tried, Way};
use crate::flow::testing::Sketch;
use crate::record::{Failure, FailureKind};
use crate::run::RunId;
use crate::ui::behind::Told;
use crate::ui::home::{HomeJob, HomeNews, KnownAlerts};
use crate::ui::msg::{Msg, Room};

fn settings() -> (Desk, Receiver<HomeJob>) {
    let mut desk = Desk::with(&Sketch::flow("t.out -> a"));
    let (sender, jobs) = mpsc::channel();
    desk.told.send(Told::HomeDoor(Box::new(move |job| drop(sender.send(job))))).unwrap();
    desk.run();
    assert!(jobs.try_iter().any(|it| matches!(it, HomeJob::Alerts(None))), "it asks what is chosen");
    desk.window.state().send(Msg::Go(Room::Settings));
    desk.run();
    (desk, jobs)
}

fn known(desk: &mut Desk, chosen: &Alerts, mails: &[&str]) {
    let mails = mails.iter().map(|it| (ConnectionId::new(it), it.to_uppercase())).collect();
    let known = KnownAlerts { chosen: chosen.clone(), mails };
    desk.told.send(Told::Home(Box::new(HomeNews::Alerts(Ok(known))))).unwrap();
    desk.run();
}

fn chosen(jobs: &Receiver<HomeJob>) -> Option<Alerts> {
    jobs.try_iter().find_map(|it| match it {
        HomeJob::Alerts(Some(chosen)) => Some(chosen),
        _ => None,
    })
}

#[test]
fn each_kind_and_way_is_switched_by_itself() {
    let (mut desk, jobs) = settings();
    let all = Alerts { desktop: Some(true), ..Alerts::default() };
    known(&mut desk, &all, &[]);
    assert_eq!(chosen(&jobs), None, "nothing is asked for by looking");
    assert!(desk.has("By mail: for that, make a connection to a mail server first."));
    desk.press("When a run fails");
    assert_eq!(chosen(&jobs), Some(Alerts { failures: false, ..all.clone() }));
    desk.press("On the desktop of this computer");
    assert_eq!(chosen(&jobs), Some(Alerts { desktop: Some(false), ..all.clone() }));
    desk.press("When a trigger goes quiet: no event for much longer than usual");
    assert_eq!(chosen(&jobs), Some(Alerts { quiet: false, ..all }));
}

#[test]
fn mail_goes_to_an_address_through_a_connection() {
    let (mut desk, jobs) = settings();
    let none = Alerts { desktop: Some(false), ..Alerts::default() };
    known(&mut desk, &none, &["post", "other"]);
    desk.press("Mail address for alerts");
    desk.type_text("ann");
    desk.key(Modifiers::NONE, Key::Enter);
    assert_eq!(chosen(&jobs), None);
    assert!(desk.has("That is no mail address: write it as ann@example.com."));
    desk.press("Mail address for alerts");
    desk.key(Modifiers::COMMAND, Key::A);
    desk.type_text("ann@example.com");
    desk.key(Modifiers::NONE, Key::Enter);
    let mail = Mail { to: "ann@example.com".to_owned(), by: ConnectionId::new("post") };
    let wanted = Alerts { mail: Some(mail.clone()), ..none.clone() };
    assert_eq!(chosen(&jobs), Some(wanted.clone()));
    known(&mut desk, &wanted, &["post", "other"]);
    desk.window.get_by_label("Through: OTHER").scroll_to_me();
    desk.run();
    desk.press("Through: OTHER");
    let through = Mail { by: ConnectionId::new("other"), ..mail };
    assert_eq!(chosen(&jobs), Some(Alerts { mail: Some(through), ..none }));
    known(&mut desk, &wanted, &["other"]);
    assert!(desk.has("The connection that it went through is not there any more. Choose another."));
}

#[test]
fn a_test_says_what_came_of_each_way() {
    let (mut desk, jobs) = settings();
    let nowhere = Alerts { desktop: Some(false), ..Alerts::default() };
    known(&mut desk, &nowhere, &[]);
    desk.press("Send a test alert");
    assert!(!jobs.try_iter().any(|it| matches!(it, HomeJob::TestAlert)), "it would go nowhere");
    known(&mut desk, &Alerts { desktop: Some(true), unwatched: BTreeSet::new(), ..nowhere }, &[]);
    desk.press("Send a test alert");
    assert!(jobs.try_iter().any(|it| matches!(it, HomeJob::TestAlert)));
    assert!(desk.has("The test is under way\u{2026}"));
    let failure = Failure::new(FailureKind::Machine, "There is no desktop here");
    let tried = vec![
        Tried { way: Way::Desktop, run: Some(RunId(7)), failure: Some(failure) },
        Tried { way: Way::Mail, run: Some(RunId(8)), failure: None },
    ];
    desk.told.send(Told::Home(Box::new(HomeNews::AlertTried(Ok(tried))))).unwrap();
    desk.run();
    assert!(desk.has_containing("There is no desktop here") && desk.has_containing("The mail server has taken the test alert"));
    assert!(desk.has("Send a test alert"));
}

#[test]
fn a_click_on_a_notification_opens_the_log_at_its_run() {
    let (mut desk, _jobs) = settings();
    desk.told.send(Told::Home(Box::new(HomeNews::Clicked(None)))).unwrap();
    desk.run();
    assert_eq!(desk.window.state().room, Room::Settings);
    desk.told.send(Told::Home(Box::new(HomeNews::Clicked(Some(RunId(7)))))).unwrap();
    desk.run();
    assert_eq!(desk.window.state().room, Room::Log);
}
