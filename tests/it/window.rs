//! The window from outside, where there is nothing to show it on.
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
