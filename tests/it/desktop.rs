//! Notifications on a desktop: on a session bus of the test's own with a desktop of its own, in the sandbox, and where there is no
//! desktop at all. What needs a bus is passed over where there is no `dbus-daemon`, unless `FLOWYARD_KEYRING=must`.
#![cfg(all(unix, not(target_os = "macos")))]
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::binary::Home;
use crate::support::bus::Bus;
use crate::support::files::{flow_file, manual};

const PATIENCE: Duration = Duration::from_mins(1);

/// A flow that shows something.
fn home(input: &Value) -> Home {
    let home = Home::new();
    let nodes = json!({
        "start": manual(),
        "show": { "name": "Show", "kind": "action", "operation": "desktop.notifications.show", "slot": "desktop", "input": input },
    });
    let mut flow: Value = serde_json::from_str(&flow_file("f", &nodes, &["start -> show"])).expect("JSON");
    flow["slots"] = json!({ "desktop": "desktop" });
    home.write("a.flowyard", &flow.to_string());
    home.run(&["connect", "add", "desktop", "--kind", "none"]).with_code(0).says(&["Added desktop"]);
    home
}

#[test]
fn a_notification_of_the_sandbox_is_kept_and_disturbs_nobody() {
    let home = home(&json!({ "title": { "value": "Ann has booked" }, "stays": { "value": true } }));
    home.run(&["run", "a.flowyard", "--sandbox"]).with_code(0).says(&["Kept a notification: Ann has booked"]);
}

#[test]
fn a_notification_is_shown_as_plain_text() {
    let Some(bus) = Bus::start() else { return };
    let desktop = bus.desktop();
    let home = home(&json!({
        "title": { "value": "Ann & Bo" }, "text": { "value": "<b>5 o'clock</b>" }, "stays": { "value": true }, "run": { "value": 7 }
    }));
    let checked = home.run_with(&["connect", "test", "desktop"], &[bus.variable()], "").with_code(0);
    assert!(
        checked.stdout.contains("Test desktop") || checked.stderr.contains("Test desktop"),
        "{}{}",
        checked.stdout,
        checked.stderr
    );
    home.run_with(&["run", "a.flowyard"], &[bus.variable()], "").with_code(0);
    let shown = desktop.shown.recv_timeout(PATIENCE).expect("it is shown");
    assert_eq!((shown.title.as_str(), shown.text.as_str()), ("Ann & Bo", "&lt;b&gt;5 o'clock&lt;/b&gt;"));
    assert_eq!((shown.urgency, shown.expires), (2, 0), "it stays");
    assert!(shown.actions.is_empty(), "a run by hand is over before anybody clicks");
}

#[test]
fn without_a_desktop_the_step_fails_and_says_what_to_do() {
    let home = home(&json!({ "title": { "value": "Ann has booked" } }));
    home.run(&["run", "a.flowyard"]).with_code(1).warns(&["there is no desktop here", "send mail instead"]);
}

#[test]
fn a_desktop_that_shows_no_notifications_is_told_apart_from_none() {
    let Some(bus) = Bus::start() else { return };
    let home = home(&json!({ "title": { "value": "Ann has booked" } }));
    let ended = home.run_with(&["run", "a.flowyard"], &[bus.variable()], "");
    ended.with_code(1).warns(&["no program on this desktop shows notifications"]);
}
