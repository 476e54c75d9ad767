//! The icon in the tray, on a session bus of the test's own with a tray of its own; passed over where there is no `dbus-daemon`,
//! unless `FLOWYARD_KEYRING=must`.
#![cfg(all(unix, not(target_os = "macos")))]
use std::collections::HashMap;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Duration;

use serde_json::json;
use zbus::blocking::{Connection, connection};
use zbus::interface;
use zbus::zvariant::{OwnedValue, Value};

use crate::support::binary::{Home, Running};
use crate::support::bus::Bus;
use crate::support::files::flow_file;

/// The revision of a menu, and below a line its number, properties and lines.
type Layout = (u32, (i32, HashMap<String, OwnedValue>, Vec<OwnedValue>));

const PATIENCE: Duration = Duration::from_mins(1);

/// What a session bus is for here.
trait Tray {
    fn background(&self, home: &Home) -> Running;
    fn tray(&self) -> (Connection, Receiver<String>);
}

impl Tray for Bus {
    fn background(&self, home: &Home) -> Running {
        let variables = [self.variable()];
        home.spawn_with(&["background", "--listen", "127.0.0.1:0", "--json"], &variables)
    }

    /// Puts a tray on it; who comes to it is told.
    fn tray(&self) -> (Connection, Receiver<String>) {
        let (sender, came) = mpsc::channel();
        let watcher = Watcher { sender };
        let built = connection::Builder::address(self.address.as_str())
            .and_then(|it| it.serve_at("/StatusNotifierWatcher", watcher))
            .and_then(|it| it.name("org.kde.StatusNotifierWatcher"))
            .and_then(connection::Builder::build);
        (built.expect("a tray"), came)
    }
}

struct Watcher {
    sender: Sender<String>,
}

#[interface(name = "org.kde.StatusNotifierWatcher")]
impl Watcher {
    fn register_status_notifier_item(&self, service: &str) {
        self.sender.send(service.to_owned()).ok();
    }
}

fn home() -> Home {
    let home = Home::new();
    let nodes = json!({ "hook": { "name": "Hook", "kind": "trigger", "trigger": "webhook", "path": "in" } });
    let mut flow: serde_json::Value = serde_json::from_str(&flow_file("f", &nodes, &[])).expect("JSON");
    flow["slots"] = json!({});
    home.write("a.flowyard", &flow.to_string());
    home.run(&["publish", "a.flowyard", "--untested"]).with_code(0);
    home
}

#[test]
fn the_background_has_an_icon_with_a_menu_that_stops_it() {
    let Some(bus) = Bus::start() else { return };
    let (tray, came) = bus.tray();
    let home = home();
    let background = bus.background(&home);
    assert!(background.line().contains("running"));
    let item = came.recv_timeout(PATIENCE).expect("an icon");
    let get = |name: &str| {
        let interface = "org.freedesktop.DBus.Properties";
        let reply =
            tray.call_method(Some(&*item), "/StatusNotifierItem", Some(interface), "Get", &("org.kde.StatusNotifierItem", name));
        reply.expect("a property").body().deserialize::<OwnedValue>().expect("a value")
    };
    assert_eq!(String::try_from(get("Id")).expect("text"), "flowyard");
    assert_eq!(String::try_from(get("Status")).expect("text"), "Active");
    let menu = Some("com.canonical.dbusmenu");
    let layout = tray.call_method(Some(&*item), "/MenuBar", menu, "GetLayout", &(0_i32, -1_i32, Vec::<String>::new()));
    let text = format!("{:?}", layout.expect("a menu").body().deserialize::<Layout>().expect("a layout"));
    for words in ["Open Flowyard", "Look for what is new now", "Stop the flows"] {
        assert!(text.contains(words), "{text}");
    }
    let stop = (3_i32, "clicked", Value::from(0_i32), 0_u32);
    tray.call_method(Some(&*item), "/MenuBar", menu, "Event", &stop).expect("it is taken");
    background.end().with_code(0);
}

#[test]
fn a_tray_that_comes_later_gets_the_icon_and_without_a_bus_flows_run_all_the_same() {
    let Some(bus) = Bus::start() else { return };
    let home = home();
    let background = bus.background(&home);
    assert!(background.line().contains("running"));
    let (first, came) = bus.tray();
    came.recv_timeout(PATIENCE).expect("an icon");
    // The desktop's panel is started anew.
    drop(first);
    let (_second, came) = bus.tray();
    came.recv_timeout(PATIENCE).expect("an icon again");
    drop(bus);
    background.stop().with_code(0);
}
