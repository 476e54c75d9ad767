//! A session bus of a test's own, and a desktop on it that shows notifications.
use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, Sender};

use zbus::blocking::{Connection, connection};
use zbus::interface;
use zbus::zvariant::OwnedValue;

/// A session bus; it ends when dropped.
pub(crate) struct Bus {
    daemon: Child,
    pub(crate) address: String,
}

impl Bus {
    /// None where there is no `dbus-daemon`, unless `FLOWYARD_KEYRING=must`.
    pub(crate) fn start() -> Option<Self> {
        let must = std::env::var_os("FLOWYARD_KEYRING").is_some_and(|it| it == "must");
        let mut command = Command::new("dbus-daemon");
        command.args(["--session", "--nofork", "--print-address=1"]).stdout(Stdio::piped()).stderr(Stdio::null());
        let Ok(mut daemon) = command.spawn() else {
            assert!(!must, "what needs a bus cannot be tried: install dbus");
            writeln!(std::io::stderr(), "skipped: there is no dbus-daemon").ok();
            return None;
        };
        let mut address = String::new();
        BufReader::new(daemon.stdout.take().expect("a pipe")).read_line(&mut address).expect("an address");
        Some(Self { daemon, address: address.trim().to_owned() })
    }

    /// By which a process finds it.
    pub(crate) fn variable(&self) -> (&str, &str) {
        ("DBUS_SESSION_BUS_ADDRESS", &self.address)
    }

    /// Puts a desktop on it; what it shows is told.
    pub(crate) fn desktop(&self) -> Desktop {
        let (sender, shown) = mpsc::channel();
        let built = connection::Builder::address(self.address.as_str())
            .and_then(|it| it.serve_at(PATH, Screen { sender, count: 0 }))
            .and_then(|it| it.name(NAME))
            .and_then(connection::Builder::build);
        Desktop { connection: built.expect("a desktop"), shown }
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        self.daemon.kill().ok();
        self.daemon.wait().ok();
    }
}

const NAME: &str = "org.freedesktop.Notifications";
const PATH: &str = "/org/freedesktop/Notifications";

/// A desktop that shows notifications.
pub(crate) struct Desktop {
    connection: Connection,
    pub(crate) shown: Receiver<Shown>,
}

/// A notification as it came.
#[derive(Debug)]
pub(crate) struct Shown {
    #[cfg_attr(not(feature = "gui"), expect(dead_code, reason = "clicks are for the window"))]
    pub(crate) number: u32,
    pub(crate) title: String,
    pub(crate) text: String,
    /// The names of what may be clicked, and their words, in turn.
    pub(crate) actions: Vec<String>,
    pub(crate) urgency: u8,
    pub(crate) expires: i32,
}

impl Desktop {
    /// A click on a notification, or on a button of it.
    #[cfg_attr(not(feature = "gui"), expect(dead_code, reason = "clicks are for the window"))]
    pub(crate) fn click(&self, number: u32, what: &str) {
        self.connection.emit_signal(None::<&str>, PATH, NAME, "ActionInvoked", &(number, what)).expect("a bus");
    }
}

struct Screen {
    sender: Sender<Shown>,
    count: u32,
}

#[expect(clippy::unused_self, clippy::needless_pass_by_value, reason = "the bus asks the object, with more than is of use")]
#[interface(name = "org.freedesktop.Notifications")]
impl Screen {
    fn get_server_information(&self) -> (String, String, String, String) {
        ("Test desktop".to_owned(), "Test".to_owned(), "1".to_owned(), "1.3".to_owned())
    }

    fn get_capabilities(&self) -> Vec<String> {
        ["actions", "body", "body-markup"].map(str::to_owned).into()
    }

    #[expect(clippy::too_many_arguments, reason = "as the specification has them")]
    fn notify(
        &mut self,
        app: &str,
        replaces: u32,
        icon: &str,
        title: &str,
        text: &str,
        actions: Vec<String>,
        hints: HashMap<String, OwnedValue>,
        expires: i32,
    ) -> u32 {
        assert_eq!((app, replaces, icon), ("Flowyard", 0, "flowyard"));
        self.count += 1;
        let urgency = hints.get("urgency").and_then(|it| u8::try_from(it).ok()).expect("an urgency");
        let (title, text) = (title.to_owned(), text.to_owned());
        self.sender.send(Shown { number: self.count, title, text, actions, urgency, expires }).ok();
        self.count
    }
}
