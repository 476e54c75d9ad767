//! An X server without a screen, and the real window on it, driven by keys. Where the programs for it are not installed, a test
//! says so and is passed over, unless `FLOWYARD_IMAGES=must`.
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::binary::Home;

/// Nothing here takes long; what does is stuck.
const PATIENCE: Duration = Duration::from_mins(2);

/// The server; ends when dropped.
pub(crate) struct Screen {
    server: Child,
    display: String,
}

/// A window on it; killed when dropped.
pub(crate) struct Window<'a> {
    screen: &'a Screen,
    program: Child,
    id: String,
}

impl Screen {
    /// None where it cannot be had.
    pub(crate) fn start() -> Option<Self> {
        let must = std::env::var_os("FLOWYARD_IMAGES").is_some_and(|it| it == "must");
        let has = |program: &str| Command::new(program).arg("-help").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
        if !has("Xvfb") || !has("xdotool") {
            assert!(!must, "the window cannot be tried: install xvfb, xdotool and libgl1-mesa-dri");
            writeln!(std::io::stderr(), "skipped: there is no Xvfb or no xdotool (xvfb, xdotool, libgl1-mesa-dri)").ok();
            return None;
        }
        // Two that start at once may want the same display; the one that does not get it ends without a number.
        for _ in 0..10 {
            let mut command = Command::new("Xvfb");
            command.args(["-displayfd", "1", "-screen", "0", "1280x800x24", "-nolisten", "tcp"]);
            let mut server = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("Xvfb");
            let mut number = String::new();
            BufReader::new(server.stdout.take().expect("a pipe")).read_line(&mut number).expect("a display's number");
            if !number.trim().is_empty() {
                return Some(Self { server, display: format!(":{}", number.trim()) });
            }
            server.kill().ok();
            server.wait().ok();
        }
        panic!("Xvfb does not start");
    }

    /// A program that can open windows on it.
    pub(crate) fn command(&self, home: &Home, args: &[&str]) -> Command {
        let mut command = home.command(args);
        command.env("DISPLAY", &self.display).env("LIBGL_ALWAYS_SOFTWARE", "1").env("HOME", home.path("."));
        command.env("XDG_RUNTIME_DIR", home.path(".")).env_remove("WAYLAND_DISPLAY").env_remove("WAYLAND_SOCKET");
        command
    }

    /// Waits for a window that somebody opens; it ends with the server.
    pub(crate) fn until_window(&self) {
        self.tell(&["search", "--sync", "--onlyvisible", "--name", "Flowyard"]);
    }

    /// Opens the window and gives it the keyboard.
    pub(crate) fn open(&self, home: &Home, args: &[&str]) -> Window<'_> {
        let mut command = self.command(home, args);
        let program = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the binary");
        let id = self.tell(&["search", "--sync", "--onlyvisible", "--name", "Flowyard"]);
        let id = id.lines().next().expect("a window").to_owned();
        self.tell(&["windowfocus", "--sync", &id]);
        Window { screen: self, program, id }
    }

    fn tell(&self, words: &[&str]) -> String {
        let told = Command::new("timeout").arg("120").arg("xdotool").args(words).env("DISPLAY", &self.display).output();
        let told = told.expect("xdotool");
        assert!(told.status.success(), "xdotool {words:?}: {}", String::from_utf8_lossy(&told.stderr));
        String::from_utf8_lossy(&told.stdout).into_owned()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.server.kill().ok();
        self.server.wait().ok();
    }
}

impl Window<'_> {
    /// Presses keys, one after the other.
    pub(crate) fn press(&self, keys: &[&str]) {
        self.screen.tell(&[&["key", "--delay", "60"][..], keys].concat());
    }

    /// Waits for something.
    pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !holds() {
            assert!(Instant::now() < deadline, "never: {what}");
        }
    }

    /// Presses a key again and again until something holds.
    pub(crate) fn press_until(&self, key: &str, what: &str, holds: impl Fn() -> bool) {
        Self::until(what, || {
            self.press(&[key]);
            holds()
        });
    }

    /// As if the machine had lost its power: nothing is asked, nothing is written any more.
    pub(crate) fn quit_by_force(mut self) {
        self.program.kill().expect("a process");
        self.program.wait().expect("its end");
        let gone = |it: &str| it.lines().all(|it| it != self.id);
        Self::until("the window is gone", || {
            let found =
                Command::new("xdotool").args(["search", "--name", "Flowyard"]).env("DISPLAY", &self.screen.display).output();
            gone(&String::from_utf8_lossy(&found.expect("xdotool").stdout))
        });
    }
}

impl Drop for Window<'_> {
    fn drop(&mut self) {
        self.program.kill().ok();
        self.program.wait().ok();
    }
}
