//! The desktop over D-Bus: `org.freedesktop.Notifications` on the session's bus.
//!
//! Invariant: one connection for all notifications of a process, given up where it breaks; a thread of its own hears of clicks.
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use zbus::blocking::{Connection, Proxy, connection};
use zbus::zvariant::Value;

use super::{Broken, Clicked, LONGEST, Screen, Shown, Told, Words, lock};

const NAME: &str = "org.freedesktop.Notifications";
const PATH: &str = "/org/freedesktop/Notifications";
/// The errors by which a bus says that nobody has the name, and nobody can be started for it.
const NOBODY: [&str; 3] = [
    "org.freedesktop.DBus.Error.ServiceUnknown",
    "org.freedesktop.DBus.Error.NameHasNoOwner",
    "org.freedesktop.DBus.Error.Spawn.",
];
/// What is asked about a click is kept of so many notifications.
const MOST: usize = 200;

/// The notifications that may be clicked, by their numbers: the oldest first.
type Known = Arc<Mutex<Vec<(u32, Option<u64>)>>>;

/// The session's bus.
pub(super) struct Open {
    connection: Connection,
    proxy: Proxy<'static>,
    known: Known,
    hears: bool,
}

impl Drop for Open {
    fn drop(&mut self) {
        // The thread that hears of clicks ends with it.
        self.connection.clone().close().ok();
    }
}

/// Whether there is a session whose bus can be asked.
pub(super) fn is_likely() -> bool {
    match std::env::var("DBUS_SESSION_BUS_ADDRESS").ok().filter(|it| !it.is_empty()) {
        Some(address) => socket_of(&address).is_none_or(Path::exists),
        None => std::env::var_os("XDG_RUNTIME_DIR").is_some_and(|it| Path::new(&it).join("bus").exists()),
    }
}

/// The file of a bus, as its address has it ("D-Bus Specification", "Server Addresses"); none where it is no file.
fn socket_of(address: &str) -> Option<&Path> {
    let path = address.strip_prefix("unix:path=")?;
    path.split([',', ';']).next().map(Path::new)
}

fn opened(open: &mut Option<Open>) -> Result<&mut Open, Broken> {
    if open.as_ref().is_some_and(|it| it.connection.is_closed()) {
        *open = None;
    }
    if open.is_none() {
        let built = connection::Builder::session().and_then(|it| it.method_timeout(LONGEST).build());
        let connection = built.map_err(|error| Broken::NoDesktop(error.to_string()))?;
        let proxy = Proxy::new(&connection, NAME, PATH, NAME).map_err(|error| broken(&error))?;
        *open = Some(Open { connection, proxy, known: Known::default(), hears: false });
    }
    open.as_mut().ok_or_else(|| Broken::NoDesktop(String::new()))
}

fn broken(error: &zbus::Error) -> Broken {
    let words = error.to_string();
    match error {
        zbus::Error::MethodError(name, ..) if NOBODY.iter().any(|it| name.as_str().starts_with(it)) => Broken::Nobody(words),
        zbus::Error::InputOutput(_) => Broken::Silent(words),
        _ => Broken::Refused(words),
    }
}

/// Who shows notifications.
pub(super) fn look(open: &mut Option<Open>) -> Result<Screen, Broken> {
    let open = opened(open)?;
    let asked: zbus::Result<(String, String, String, String)> = open.proxy.call("GetServerInformation", &());
    let (program, ..) = asked.map_err(|error| broken(&error))?;
    Ok(Screen { program, clickable: can(open, "actions")? })
}

fn can(open: &Open, what: &str) -> Result<bool, Broken> {
    let all: Vec<String> = open.proxy.call("GetCapabilities", &()).map_err(|error| broken(&error))?;
    Ok(all.iter().any(|it| it == what))
}

pub(super) fn show(open: &mut Option<Open>, words: &Words, told: Option<Told>) -> Result<Shown, Broken> {
    let open = opened(open)?;
    let all: Vec<String> = open.proxy.call("GetCapabilities", &()).map_err(|error| broken(&error))?;
    let can = |what: &str| all.iter().any(|it| it == what);
    let text = if can("body-markup") { escaped(&words.text) } else { words.text.clone() };
    let what = if words.run.is_some() { "Open the log" } else { "Open Flowyard" };
    let actions: &[&str] = match &told {
        // "default" is a click on the notification itself.
        Some(_) if can("actions") => &["default", what, "open", what],
        _ => &[],
    };
    if let Some(told) = told.filter(|_| !actions.is_empty() && !open.hears) {
        hear(open, told)?;
    }
    let mut hints = HashMap::from([("desktop-entry", Value::from("flowyard")), ("urgency", Value::from(1_u8))]);
    if words.stays {
        hints.insert("urgency", Value::from(2_u8));
    }
    // By the specification -1 is what the desktop thinks right, and 0 is never.
    let expires = if words.stays { 0_i32 } else { -1 };
    // Held until the number is known: a click that comes at once finds it.
    let mut known = lock(&open.known);
    let asked = open.proxy.call("Notify", &("Flowyard", 0_u32, "flowyard", &words.title, text, actions, hints, expires));
    let number: u32 = asked.map_err(|error| broken(&error))?;
    if known.len() >= MOST {
        known.remove(0);
    }
    known.push((number, words.run));
    Ok(Shown { number: Some(number) })
}

/// Hears of clicks from now on, as long as the bus is there.
fn hear(open: &mut Open, told: Told) -> Result<(), Broken> {
    let clicks = open.proxy.receive_signal("ActionInvoked").map_err(|error| broken(&error))?;
    let known = Arc::clone(&open.known);
    let work = move || {
        for click in clicks {
            let Ok((number, _)) = click.body().deserialize::<(u32, String)>() else { continue };
            // Others show notifications too.
            let run = {
                let mut known = lock(&known);
                let at = known.iter().position(|(it, _)| *it == number);
                at.map(|at| known.remove(at).1)
            };
            if let Some(run) = run {
                told(Clicked { run });
            }
        }
    };
    let started = std::thread::Builder::new().name("flowyard-clicks".to_owned()).spawn(work);
    open.hears = started.map_err(|error| Broken::Refused(error.to_string())).map(|_| true)?;
    Ok(())
}

/// As a desktop that reads markup is told a plain text.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_is_markup() {
        assert_eq!(escaped("<b>5 & 6</b>"), "&lt;b&gt;5 &amp; 6&lt;/b&gt;");
    }

    #[test]
    fn the_file_of_a_bus_is_in_its_address() {
        assert_eq!(socket_of("unix:path=/run/user/7/bus,guid=ab"), Some(Path::new("/run/user/7/bus")));
        assert_eq!(socket_of("unix:abstract=/tmp/x,guid=ab"), None);
    }
}
