//! The window from outside: where there is nothing to show it on, and, where there is an X server without a screen, as a person
//! drives it with keys.
use crate::support::binary::Home;

const NO_DISPLAY: &[(&str, &str)] = &[("DISPLAY", ""), ("WAYLAND_DISPLAY", ""), ("WAYLAND_SOCKET", "")];

#[cfg(all(unix, not(target_os = "macos")))]
#[test]
fn without_a_display_the_headless_command_is_named_and_the_code_is_the_machines() {
    let home = Home::new();
    for args in [&[][..], &["open", "some.flowyard"]] {
        let ended = home.run_with(args, NO_DISPLAY, "").with_code(5);
        ended.warns(&["The window cannot be opened", "There is no display", "flowyard run FLOW --sandbox"]);
        assert!(!home.path("data").exists(), "nothing was started");
    }
}

#[cfg(target_os = "linux")]
mod on_a_screen {
    use std::fs;
    use std::path::Path;

    use serde_json::{Value, json};

    use crate::support::binary::{Home, Running, request};
    use crate::support::bus::Bus;
    use crate::support::files::{flow_file, hook, setting};
    use crate::support::screen::{Screen, Window};

    #[test]
    fn a_click_on_an_alert_of_a_service_opens_the_window() {
        let (Some(screen), Some(bus)) = (Screen::start(), Bus::start()) else { return };
        let desktop = bus.desktop();
        let home = Home::new();
        let stop = json!({ "name": "Stop", "kind": "stop", "outcome": "failure", "message": { "text": "No luck" } });
        let mut flow: Value =
            serde_json::from_str(&flow_file("f", &json!({ "hook": hook("in"), "stop": stop }), &["hook -> stop"])).expect("JSON");
        flow["slots"] = json!({});
        home.write("a.flowyard", &flow.to_string());
        let mut serve = screen.command(&home, &["serve", "a.flowyard", "--listen", "127.0.0.1:0", "--json"]);
        let (name, address) = bus.variable();
        let serve = Running::of(serve.env(name, address).spawn().expect("the binary"));
        let line: Value = serde_json::from_str(&serve.line_with("hook")).expect("JSON");
        assert_eq!(request("POST", line["url"].as_str().expect("an address"), &[], "{}").0, 202);
        let shown = desktop.shown.recv_timeout(std::time::Duration::from_mins(1)).expect("it is shown");
        // Others' notifications are none of its business.
        desktop.click(shown.number + 1, "open");
        desktop.click(shown.number, "open");
        screen.until_window();
        serve.stop().with_code(0);
    }

    #[test]
    fn a_first_start_is_tested_with_one_key_and_a_change_outlives_a_kill() {
        let Some(screen) = Screen::start() else { return };
        let home = Home::new();
        let window = screen.open(&home, &[]);
        // The button has the keyboard as soon as there is one; the sandbox needs a moment more.
        let tested = || {
            let ended = home.run(&["log", "list", "--data", "data/sandbox", "--json"]);
            ended.code == 0
                && ended.objects().iter().any(|it| it["outcome"]["outcome"] == "succeeded" || it["outcome"] == "succeeded")
        };
        window.press_until("Return", "the first flow has been tested", tested);
        window.press(&["ctrl+j", "ctrl+j", "alt+2", "alt+1"]);
        window.quit_by_force();

        let flow = home.write("mine.flowyard", &setting(&serde_json::json!({ "value": 1 })));
        let window = screen.open(&home, &["open", "mine.flowyard"]);
        let muted = || fs::read_to_string(&flow).expect("the flow").contains("\"muted\"");
        assert!(!muted());
        // Selected, muted, saved; a key that comes too early does nothing.
        Window::until("the flow is muted in its file", || {
            // What was pressed before it was looked at may have taken it back.
            let kept = drafts(&home.path("data"));
            if kept.rfind("\"muted\":true") > kept.rfind("\"muted\":false") {
                window.press(&["ctrl+s"]);
            } else {
                window.press(&["ctrl+a", "m"]);
            }
            muted()
        });
        let before = undone(&home);
        window.press(&["ctrl+z"]);
        Window::until("the change is taken back", || undone(&home) > before);
        window.quit_by_force();

        let window = screen.open(&home, &[]);
        window.press_until("ctrl+s", "what was taken back is still so, and saved", || !muted());
        window.quit_by_force();
    }

    fn undone(home: &Home) -> usize {
        drafts(&home.path("data")).matches("\"undo\"").count()
    }

    /// All that is kept of changes.
    fn drafts(data: &Path) -> String {
        let files = fs::read_dir(data.join("drafts")).into_iter().flatten().flatten();
        files.map(|it| fs::read_to_string(it.path()).unwrap_or_default()).collect()
    }
}
