//! A Secret Service of its own on a session bus of its own, and nothing of the person's. Where the programs for it are not
//! installed, a test says so and is passed over, unless `FLOWYARD_KEYRING=must`.
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Nothing here takes long; what does is stuck.
const PATIENCE: Duration = Duration::from_mins(1);

/// The bus and the keychain on it; they end when dropped.
pub(crate) struct Keychain {
    home: tempfile::TempDir,
    bus: Child,
    address: String,
    keychain: Option<Child>,
}

impl Keychain {
    /// An unlocked one, with nothing in it; none where it cannot be had.
    pub(crate) fn start() -> Option<Self> {
        let must = std::env::var_os("FLOWYARD_KEYRING").is_some_and(|it| it == "must");
        let has =
            |program: &str| Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
        if !["dbus-daemon", "dbus-send", "gnome-keyring-daemon", "secret-tool"].iter().all(|it| has(it)) {
            assert!(!must, "the keychain cannot be tried: install dbus, gnome-keyring and libsecret-tools");
            writeln!(std::io::stderr(), "skipped: there is no keychain to try (dbus, gnome-keyring, libsecret-tools)").ok();
            return None;
        }
        let home = tempfile::tempdir().expect("a folder");
        let mut command = Command::new("dbus-daemon");
        command.args(["--session", "--nofork", "--print-address=1"]).stdout(Stdio::piped()).stderr(Stdio::null());
        own(&mut command, home.path().to_owned());
        let mut bus = command.spawn().expect("dbus-daemon");
        let mut address = String::new();
        BufReader::new(bus.stdout.take().expect("a pipe")).read_line(&mut address).expect("an address");
        let mut keychain = Self { home, bus, address: address.trim().to_owned(), keychain: None };
        keychain.restart(true);
        Some(keychain)
    }

    /// Starts it anew; locked where it is not unlocked.
    pub(crate) fn restart(&mut self, unlocked: bool) {
        self.end();
        let mut command = self.command("gnome-keyring-daemon");
        command.args(["--foreground", "--components=secrets"]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        if unlocked {
            command.arg("--unlock");
        }
        let mut started = command.spawn().expect("gnome-keyring-daemon");
        if let Some(mut stdin) = started.stdin.take() {
            stdin.write_all(b"a password of the keychain").ok();
        }
        self.keychain = Some(started);
        let deadline = Instant::now() + PATIENCE;
        while !self.is_there() {
            assert!(Instant::now() < deadline, "the keychain does not start");
        }
    }

    /// The bus goes, and with it everything on it.
    pub(crate) fn lose_bus(&mut self) {
        self.end();
        self.bus.kill().ok();
        self.bus.wait().ok();
    }

    /// What a program needs to find it.
    pub(crate) fn variables(&self) -> [(&str, &str); 1] {
        [("DBUS_SESSION_BUS_ADDRESS", &self.address)]
    }

    /// How many entries of Flowyard are in it.
    pub(crate) fn entries(&self) -> usize {
        let told = self.command("secret-tool").args(["search", "--all", "service", "flowyard"]).output().expect("secret-tool");
        String::from_utf8_lossy(&told.stdout).lines().filter(|it| it.starts_with("label = ")).count()
    }

    fn is_there(&self) -> bool {
        let mut command = self.command("dbus-send");
        command.args(["--session", "--print-reply", "--dest=org.freedesktop.DBus", "/"]);
        let told = command.args(["org.freedesktop.DBus.NameHasOwner", "string:org.freedesktop.secrets"]).output();
        String::from_utf8_lossy(&told.expect("dbus-send").stdout).contains("true")
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        own(&mut command, self.home.path().to_owned());
        command.env("DBUS_SESSION_BUS_ADDRESS", &self.address);
        command
    }

    fn end(&mut self) {
        if let Some(mut keychain) = self.keychain.take() {
            keychain.kill().ok();
            keychain.wait().ok();
        }
    }
}

/// Nothing of the person's is seen or touched.
fn own(command: &mut Command, home: PathBuf) {
    let run = home.join("run");
    fs::create_dir_all(&run).expect("a folder");
    #[cfg(unix)]
    fs::set_permissions(&run, std::os::unix::fs::PermissionsExt::from_mode(0o700)).expect("a private folder");
    command.env("XDG_RUNTIME_DIR", run).env("XDG_DATA_HOME", home.join("data")).env("HOME", home);
    command.env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY");
}

impl Drop for Keychain {
    fn drop(&mut self) {
        self.lose_bus();
    }
}
