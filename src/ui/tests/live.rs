//! Flows that run by themselves: going live, switching, what the window shows of it; a real engine on the data directory.
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use eframe::egui::{Key, Modifiers};
use serde_json::json;
use tokio::sync::oneshot;

use super::desk::Desk;
use super::runs::{ended, stage};
use crate::cli::window::Teller;
use crate::cli::window::home::Homestead;
use crate::engine::Vault;
use crate::flow::testing::id;
use crate::flow::{Binding, Edge, Edit, Flow, Mapping, Node, NodeKind, Trigger, WebhookAnswer};
use crate::published::Published;
use crate::run::Outcome;
use crate::ui::home::Place;

/// A window with a sandbox, and an engine for what is on.
struct Live {
    desk: Desk,
    runtime: tokio::runtime::Runtime,
    end: Option<oneshot::Sender<()>>,
    stay: Arc<AtomicBool>,
}

impl Live {
    fn with(flow: &Flow) -> Self {
        let mut desk = Desk::with(flow);
        let runtime = stage(&desk);
        let (end, ended) = oneshot::channel();
        let stay = Arc::new(AtomicBool::new(false));
        let data = desk.home.path().to_owned();
        let homestead = Homestead {
            sandboxes: vec![data.join("sandbox")],
            data,
            vault: Vault::in_memory(),
            listen: "127.0.0.1:0".parse().ok(),
            teller: Teller { told: desk.told.clone(), waker: Arc::clone(&desk.waker) },
            arguments: Vec::new(),
            stay: Arc::clone(&stay),
        };
        runtime.spawn(homestead.keep(ended));
        desk.until("all is up", |app| app.live.stage().is_some() && app.home_flows.place == Place::Nowhere);
        Self { desk, runtime, end: Some(end), stay }
    }

    /// Goes live by the panel, untested.
    fn publish(&mut self) {
        self.desk.press_button("Go live…");
        self.desk.until("it is looked at", |app| app.home_flows.going.as_ref().is_some_and(|it| it.evidence.is_some()));
        self.desk.press_button("Go live all the same");
        self.desk.until("it runs here", |app| matches!(app.home_flows.place, Place::Here { .. }) && app.home_flows.on() == 1);
    }

    fn address(&self) -> SocketAddr {
        match self.desk.window.state().home_flows.place {
            Place::Here { address: Some(address) } => address,
            ref other => panic!("{other:?}"),
        }
    }

    /// Calls the flow's hook.
    fn call(&self) -> u16 {
        let mut stream = TcpStream::connect(self.address()).unwrap();
        stream.write_all(b"POST /hooks/in HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text.split(' ').nth(1).unwrap().parse().unwrap()
    }

    fn runs(&self) -> usize {
        self.desk.window.state().served.1.runs().filter(|it| it.outcome == Some(Outcome::Succeeded)).count()
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.end.take();
    }
}

/// A hook that answers.
fn answering() -> Flow {
    let mut flow = Flow::new("answering", "Answering");
    let hook = Trigger::Webhook {
        path: "in".into(),
        answer: WebhookAnswer::Flow,
        delivery_header: None,
        delivery_field: None,
        sample: json!({}),
    };
    let mut add = |name: &str, kind| {
        let node = Node { name: name.to_owned(), muted: false, kind };
        flow.nodes.insert(id(&name.to_lowercase()), Arc::new(node));
    };
    add("Hook", NodeKind::Trigger(hook));
    add(
        "Say",
        NodeKind::Respond { status: Binding::value(json!(200)), headers: Mapping::default(), body: Binding::value(json!("yes")) },
    );
    flow.edges = [Edge { from: id("hook"), port: "out".into(), to: id("say") }].into();
    flow
}

#[test]
fn a_flow_goes_live_by_its_check_list_and_is_switched_off_and_taken_back() {
    let mut live = Live::with(&answering());
    live.desk.press_button("Go live…");
    live.desk.until("it is looked at", |app| app.home_flows.going.as_ref().is_some_and(|it| it.evidence.is_some()));
    for words in ["It was not live before", "It needs no connection", "This version has not succeeded in the sandbox"] {
        assert!(live.desk.has_containing(words), "{words}");
    }
    live.desk.key(Modifiers::COMMAND, Key::Enter);
    live.desk.until("the test has ended", ended);
    live.desk.until("it is looked at again", |app| {
        app.home_flows
            .going
            .as_ref()
            .and_then(|it| it.evidence.as_ref())
            .is_some_and(|it| it.as_ref().is_ok_and(|it| it.is_green()))
    });
    live.desk.run();
    assert!(live.desk.has_containing("This very version succeeded in the sandbox"));
    live.desk.press_button("Go live");
    live.desk.until("it runs here", |app| matches!(app.home_flows.place, Place::Here { .. }) && app.home_flows.on() == 1);
    assert_eq!(live.call(), 200);
    live.desk.until("the run is told", |app| app.served.1.runs().any(|it| it.outcome.is_some()));
    live.desk.run();
    assert!(live.desk.has_containing("1 flow on"));
    assert!(!live.desk.window.state().live.runs().any(|it| it.outcome.is_none()), "the sandbox has nothing of it");
    // The switch.
    live.desk.press("On");
    live.desk.until("it is off", |app| app.home_flows.on() == 0);
    assert_eq!(live.call(), 404);
    live.desk.run();
    live.desk.press("Off");
    live.desk.until("it is on", |app| app.home_flows.on() == 1);
    assert_eq!(live.call(), 200);
    // Back to the sandbox, and that was not meant.
    live.desk.key(Modifiers::ALT, Key::Num7);
    live.desk.press_button("Back to the sandbox");
    live.desk.until("it is live no more", |app| app.home_flows.flows.is_empty());
    assert_eq!(live.call(), 404);
    live.desk.until_shown("Undo");
    live.desk.press_button("Undo");
    live.desk.until("it is live again", |app| app.home_flows.on() == 1);
    assert_eq!(live.call(), 200);
}

#[test]
fn what_is_edited_is_no_more_live_than_before_until_it_is_published_and_the_canvas_marks_it() {
    let mut live = Live::with(&answering());
    live.publish();
    let doc = live.desk.doc().id;
    let say = Node {
        name: "Say".to_owned(),
        muted: false,
        kind: NodeKind::Respond {
            status: Binding::value(json!(201)),
            headers: Mapping::default(),
            body: Binding::value(json!("yes")),
        },
    };
    live.desk.window.state_mut().send(crate::ui::msg::Msg::Edit(doc, Edit::ReplaceNode { id: id("say"), node: Arc::new(say) }));
    live.desk
        .until("it differs", |app| app.home_flows.changes(app.docs.active().unwrap().flow()).is_some_and(|it| it.len() == 1));
    assert_eq!(live.call(), 200);
    live.desk.run();
    live.desk.press_button("Publish…");
    live.desk.until("it is looked at", |app| app.home_flows.going.as_ref().is_some_and(|it| it.evidence.is_some()));
    live.desk.run();
    assert!(live.desk.has_containing("1 change to what is live"));
    assert!(live.desk.has_containing("fills status otherwise"));
    let described = live.desk.description("Say");
    assert!(described.contains("not live: \"Say\": fills status otherwise"), "{described}");
    live.desk.press_button("Go live all the same");
    live.desk.until("it is live as it is", |app| {
        app.home_flows.changes(app.docs.active().unwrap().flow()).is_some_and(<[_]>::is_empty)
    });
    assert_eq!(live.call(), 201);
}

#[test]
fn a_tab_shows_live_runs_and_starts_one_by_hand_once_a_person_agreed() {
    let mut live = Live::with(&answering());
    live.desk.press("Place: Live");
    live.desk.until_shown("Not now");
    live.desk.press_button("Not now");
    live.publish();
    assert_eq!(live.call(), 200);
    live.desk.run();
    live.desk.press("Place: Live");
    live.desk
        .until("its run is on the canvas", |app| app.log.docked_served.loaded().is_some_and(|it| it.head.finished.is_some()));
    live.desk.run();
    assert!(live.desk.has_containing("Runs are live"));
    live.desk.press_button("Run now");
    live.desk.until_shown("Run it");
    assert_eq!(live.runs(), 1);
    live.desk.press_button("Run it");
    live.desk.until("it ran", |app| app.served.1.runs().filter(|it| it.outcome == Some(Outcome::Succeeded)).count() == 2);
    // The same version is not asked about again.
    live.desk.press_button("Run now");
    live.desk.until("it ran again", |app| app.served.1.runs().filter(|it| it.outcome == Some(Outcome::Succeeded)).count() == 3);
    live.desk.press("Place: Sandbox");
    live.desk.run();
    assert!(live.desk.has_containing("Runs go to the sandbox"));
}

#[test]
fn who_leaves_while_flows_are_on_says_what_becomes_of_them() {
    let mut live = Live::with(&answering());
    live.publish();
    live.desk.key(Modifiers::COMMAND, Key::Q);
    live.desk.until_shown("Keep running");
    live.desk.press_button("Cancel");
    live.desk.run();
    assert!(!live.desk.window.state().may_leave);
    live.desk.key(Modifiers::COMMAND, Key::Q);
    live.desk.until_shown("Keep running");
    live.desk.press("Do the same from now on");
    live.desk.run();
    live.desk.press_button("Keep running");
    live.desk.until("it leaves", |app| app.may_leave);
    live.desk.until("flows stay", {
        let stay = Arc::clone(&live.stay);
        move |_| stay.load(Ordering::Relaxed)
    });
    assert_eq!(live.desk.window.state().prefs.on_close, crate::ui::prefs::OnClose::Stay);
}

#[test]
fn another_flowyard_takes_over_and_the_window_comes_back_when_it_is_gone() {
    let mut live = Live::with(&answering());
    live.publish();
    let data = live.desk.home.path().to_owned();
    let takes = {
        let data = data.clone();
        live.runtime.spawn_blocking(move || crate::engine::take_over(&data, false))
    };
    assert_eq!(live.runtime.block_on(takes).unwrap(), Ok(true));
    let lock = crate::journal::Journal::open(&data, crate::engine::JournalOptions::default()).unwrap();
    live.desk.until("it is elsewhere", |app| app.home_flows.place == Place::Elsewhere);
    live.desk.run();
    assert!(live.desk.has_containing("run by another Flowyard"));
    lock.close();
    drop(lock);
    live.desk.until("it is back", |app| matches!(app.home_flows.place, Place::Here { .. }));
    assert_eq!(live.call(), 200);
    assert!(Published::read(&data).unwrap().get(&"answering".into()).unwrap().on);
}
