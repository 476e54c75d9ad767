//! One click tests a flow: a real engine, a real sandbox, and the canvas plays it.
use eframe::egui::{Key, Modifiers};

use super::desk::Desk;
use crate::catalog::Catalog;
use crate::engine::{self, CallSettings, Clock, Event, JournalOptions, Limits, Mode, Settings};
use crate::flow::testing::id;
use crate::flow::{Binding, Edge, Edit, Flow, Node, NodeKind, Trigger, WaitFor};
use crate::run::Outcome;
use crate::sandbox;
use crate::ui::behind::{Stage, Start, Told};
use crate::ui::document::Test;
use crate::ui::live::Phase;

/// Puts an engine and a sandbox behind a window; they end with the runtime.
pub(super) fn stage(desk: &Desk) -> tokio::runtime::Runtime {
    stage_at(desk, sandbox::Clock::system())
}

/// The same at another time: what the sandbox holds at the start has dates around it.
pub(super) fn stage_at(desk: &Desk, now: sandbox::Clock) -> tokio::runtime::Runtime {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let data = desk.home.path().join("sandbox");
    let (told, waker) = (desk.told.clone(), std::sync::Arc::clone(&desk.waker));
    runtime.block_on(async {
        let catalog = Catalog::shipped();
        let sandbox = sandbox::start(&catalog, sandbox::Options { now, ..sandbox::Options::default() }).await.unwrap();
        let access = sandbox.access();
        let connection = |connector: &str, base_url: &str, account: &[(&str, &str)], auth| engine::Connection {
            account: account.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
            ..engine::Connection::new(connector, connector, crate::catalog::ConnectorId::new(connector), base_url, auth)
        };
        let (crm, calendar, mail) = (&access.highlevel, &access.schedule_it, &access.mail);
        let connections = vec![
            (
                connection("highlevel", &crm.base_url, &[("location_id", &crm.location_id)], crate::catalog::AuthKind::Bearer),
                Some(engine::Secret::token(crm.token.clone())),
            ),
            (
                connection("schedule_it", &calendar.base_url, &[], crate::catalog::AuthKind::Basic),
                Some(engine::Secret::basic(calendar.user.clone(), calendar.password.clone())),
            ),
            (
                connection("mail", &mail.base_url, &[("from", &mail.from)], crate::catalog::AuthKind::Basic),
                Some(engine::Secret::basic(mail.user.clone(), mail.password.clone())),
            ),
        ];
        let plain = connections.iter().map(|(it, _)| it.clone()).collect();
        let secrets = [
            engine::Secret::token(crm.token.clone()),
            engine::Secret::basic(calendar.user.clone(), calendar.password.clone()),
            engine::Secret::basic(mail.user.clone(), mail.password.clone()),
        ];
        let again = connections.iter().zip(secrets).map(|((it, _), secret)| (it.clone(), Some(secret))).collect();
        let chooser = crate::chooser::Chooser::new(catalog.clone(), again).unwrap();
        let engine = engine::start(Settings {
            data,
            journal: JournalOptions::default(),
            catalog,
            connections,
            vault: engine::Vault::in_memory(),
            mode: Mode::Sandbox,
            flows: Vec::new(),
            listen: None,
            clock: Clock::System,
            calls: CallSettings::default(),
            limits: Limits::default(),
            recover: false,
        })
        .await
        .unwrap();
        let (watch, mut own) = tokio::sync::mpsc::channel::<Event>(64);
        let (starter, answers, wake) = (engine.clone(), told.clone(), std::sync::Arc::clone(&waker));
        let tasks = tokio::runtime::Handle::current();
        let start = Box::new(move |start: Start| {
            let (engine, answers, wake, watch) = (starter.clone(), answers.clone(), std::sync::Arc::clone(&wake), watch.clone());
            tasks.spawn(async move {
                let flow = start.flows.last().unwrap().flow.id.clone();
                for it in start.flows {
                    engine.deploy(it).wait().await.unwrap().unwrap();
                }
                let given = start.given;
                let result =
                    engine.start_with(flow, Some(start.trigger), start.payload, given, Some(watch)).wait().await.unwrap();
                answers.send(Told::Started { ticket: start.ticket, result }).unwrap_or_default();
                wake();
            });
        });
        let (answers, wake) = (told.clone(), std::sync::Arc::clone(&waker));
        let tasks = tokio::runtime::Handle::current();
        let read = Box::new(move |read: crate::ui::Read| {
            let (chooser, answers, wake) = (chooser.clone(), answers.clone(), std::sync::Arc::clone(&wake));
            tasks.spawn(async move {
                let result = chooser.read(&read.asked).await;
                answers.send(Told::Choices { ticket: read.ticket, result }).unwrap_or_default();
                wake();
            });
        });
        told.send(Told::Ready(Box::new(Stage { engine, sandbox, connections: plain, start, read }))).unwrap();
        waker();
        tokio::spawn(async move {
            while let Some(event) = own.recv().await {
                if told.send(Told::Event { event, own: true }).is_err() {
                    return;
                }
                waker();
            }
        });
    });
    runtime
}

pub(super) fn ended(app: &crate::ui::app::App) -> bool {
    let doc = app.docs.active().unwrap();
    let run = doc.test.as_ref().and_then(Test::run).and_then(|it| app.live.run(it));
    run.is_some_and(|it| it.outcome.is_some())
}

#[test]
fn the_first_flow_is_tested_by_one_key_and_every_step_says_how_it_went() {
    let mut desk = Desk::first();
    let _runtime = stage(&desk);
    desk.until("the sandbox is up", |app| app.live.stage().is_some());
    // The button has the keyboard: no mouse is needed.
    desk.window.key_press(Key::Enter);
    desk.until("the test has ended", ended);
    let app = desk.window.state();
    let doc = app.docs.active().unwrap();
    let play = app.live.run(doc.test.as_ref().unwrap().run().unwrap()).unwrap();
    assert_eq!(play.outcome, Some(Outcome::Succeeded));
    for node in ["contact", "save_contact", "propose", "read_event", "done"] {
        assert_eq!(play.node(&id(node)).map(crate::ui::live::NodePlay::phase), Some(Phase::Done), "{node}");
    }
    assert_eq!(play.way(&id("contact"), &"out".into()).unwrap().count, 1);
    assert!(desk.has_containing("Test done"));
    desk.until("the log has it whole", |app| app.log.docked.loaded().is_some_and(|it| it.head.finished.is_some()));
    assert!(desk.has_containing("Save the contact, done"));
    // An edit makes stale what it touches and what follows, and no more.
    desk.press_button("Read the contact back");
    desk.key(Modifiers::NONE, Key::M);
    desk.key(Modifiers::NONE, Key::M);
    assert!(desk.doc().stale.is_empty());
    desk.key(Modifiers::NONE, Key::M);
    assert!(desk.doc().stale.contains(&id("read_contact")) && !desk.doc().stale.contains(&id("save_contact")));
}

#[test]
fn a_step_that_fails_says_why_on_its_card_and_in_the_inspector() {
    let mut flow = Flow::new("broken", "Broken");
    add(&mut flow, "t", NodeKind::Trigger(Trigger::Manual { sample: serde_json::json!({}) }));
    let kind = NodeKind::Log { level: crate::flow::Level::Info, message: Binding::text("{{ t.nobody }}") };
    add(&mut flow, "say", kind);
    flow.apply(Edit::Connect(Edge { from: id("t"), port: "out".into(), to: id("say") })).unwrap();
    let mut desk = Desk::with(&flow);
    let _runtime = stage(&desk);
    desk.until("the sandbox is up", |app| app.live.stage().is_some());
    desk.key(Modifiers::COMMAND, Key::Enter);
    desk.until("the test has ended", ended);
    assert!(desk.has_containing("nobody"), "the failure is told in words");
    desk.press("Show");
    assert_eq!(desk.selected(), ["say"]);
}

#[test]
fn a_test_that_waits_can_be_cancelled() {
    let mut flow = Flow::new("waits", "Waits");
    add(&mut flow, "t", NodeKind::Trigger(Trigger::Manual { sample: serde_json::json!({}) }));
    add(&mut flow, "wait", NodeKind::Wait(WaitFor::Duration(Binding::value("2 days"))));
    flow.apply(Edit::Connect(Edge { from: id("t"), port: "out".into(), to: id("wait") })).unwrap();
    let mut desk = Desk::with(&flow);
    let _runtime = stage(&desk);
    desk.until("the sandbox is up", |app| app.live.stage().is_some());
    desk.press("Test");
    desk.until("it waits", |app| {
        let run = app.docs.active().unwrap().test.as_ref().and_then(Test::run).and_then(|it| app.live.run(it));
        run.and_then(|it| it.node(&id("wait"))).is_some_and(|it| it.phase() == Phase::Waiting)
    });
    desk.press("Cancel");
    desk.until("it is cancelled", ended);
    assert!(desk.has("Test cancelled") && desk.has("Test"));
}

#[test]
fn a_flow_that_cannot_run_shows_where_and_why() {
    let mut flow = Flow::new("empty", "Empty");
    add(&mut flow, "t", NodeKind::Trigger(Trigger::Manual { sample: serde_json::json!({}) }));
    add(&mut flow, "decide", NodeKind::Branch { condition: Binding::expr("") });
    flow.apply(Edit::Connect(Edge { from: id("t"), port: "out".into(), to: id("decide") })).unwrap();
    let mut desk = Desk::with(&flow);
    let _runtime = stage(&desk);
    desk.until("the sandbox is up", |app| app.live.stage().is_some());
    desk.press("Test");
    assert!(desk.has("“decide” needs filling in first"));
    assert_eq!(desk.selected(), ["decide"]);
    assert!(desk.doc().test.is_none());
}

#[test]
fn without_an_engine_the_button_is_off_and_says_why() {
    let mut desk = Desk::first();
    let failure = crate::record::Failure::new(crate::record::FailureKind::Machine, "The data directory is in use");
    desk.told.send(Told::Unavailable(failure)).unwrap();
    desk.run();
    assert!(desk.has("No tests now: The data directory is in use"));
    desk.key(Modifiers::COMMAND, Key::Enter);
    assert!(desk.has_containing("not now"));
}

pub(super) fn add(flow: &mut Flow, node: &str, kind: NodeKind) {
    let made = std::sync::Arc::new(Node { name: node.to_owned(), muted: false, kind });
    flow.apply(Edit::AddNode { id: id(node), node: made, at: None }).unwrap();
}

#[test]
fn a_single_step_is_tested_on_what_was_given_before_and_up_to_here_ends_there() {
    let mut desk = Desk::first();
    let _runtime = stage(&desk);
    desk.until("the sandbox is up", |app| app.live.stage().is_some());
    let calls = |desk: &Desk| desk.window.state().live.stage().unwrap().sandbox.ledger().len();
    // Nothing was given yet.
    desk.press_button("Read the contact back");
    desk.key(Modifiers::COMMAND | Modifiers::SHIFT, Key::Enter);
    assert!(desk.has_containing("comes before it and has given nothing yet"));
    let before = calls(&desk);
    desk.key(Modifiers::ALT, Key::Enter);
    desk.until("the test has ended", ended);
    let to_here = calls(&desk) - before;
    assert!(to_here >= 2, "the contact was saved and read: {to_here}");
    let shown = |desk: &Desk, node: &str| {
        let app = desk.window.state();
        let doc = app.docs.active().unwrap();
        let play = app.live.run(doc.test.as_ref().unwrap().run().unwrap()).unwrap();
        play.node(&id(node)).map(|it| it.phase() == Phase::Done)
    };
    assert_eq!((shown(&desk, "read_contact"), shown(&desk, "done")), (Some(true), None));
    let (first, before) = (desk.doc().test.as_ref().unwrap().run(), calls(&desk));
    desk.key(Modifiers::COMMAND | Modifiers::SHIFT, Key::Enter);
    desk.until("another run has ended", |app| ended(app) && app.docs.active().unwrap().test.as_ref().unwrap().run() != first);
    assert_eq!(calls(&desk) - before, 1, "only that step was done");
    assert_eq!(shown(&desk, "save_contact"), Some(true), "and what was before it counts as done");
}

#[test]
fn the_bar_says_how_many_runs_wait_for_their_turn() {
    let mut desk = Desk::first();
    assert!(!desk.has_containing(" waiting"));
    desk.window.state_mut().live.waiting = [("a".into(), 9), ("b".into(), 3)].into();
    desk.run();
    assert!(desk.has("12 waiting"));
}
