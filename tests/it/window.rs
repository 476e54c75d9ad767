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

    use crate::support::binary::Home;
    use crate::support::files::setting;
    use crate::support::screen::{Screen, Window};

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
