//! An icon in the tray, where the desktop has one, for flows that run without the window: a `StatusNotifierItem` with a menu
//! (freedesktop.org, "Status Notifier Item"; the menu as `com.canonical.dbusmenu`).
//!
//! Invariant: without a session bus, or without a tray on it, nothing happens and nothing fails; a tray that comes later gets the icon.
#![expect(clippy::used_underscore_binding, clippy::needless_pass_by_value, reason = "the bus hands over all that it has")]
use std::collections::HashMap;

use tokio::sync::mpsc;
use zbus::blocking::{Connection, connection, fdo::DBusProxy};
use zbus::interface;
use zbus::zvariant::{ObjectPath, OwnedValue, StructureBuilder, Value};

const WATCHER: &str = "org.kde.StatusNotifierWatcher";
const ITEM: &str = "/StatusNotifierItem";
const MENU: &str = "/MenuBar";

/// What a person chose there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Chosen {
    /// Open the window.
    Open,
    /// Look at every service at once.
    Look,
    /// End the background: flows stop until the next start.
    Stop,
}

/// The lines of the menu, by their numbers.
const LINES: [(i32, &str, Chosen); 3] =
    [(1, "Open Flowyard", Chosen::Open), (2, "Look for what is new now", Chosen::Look), (3, "Stop the flows", Chosen::Stop)];

/// Shows the icon for as long as this process lives; what is chosen comes through the channel, which stays silent where there is no
/// session bus.
pub(super) fn show(words: String) -> mpsc::UnboundedReceiver<Chosen> {
    let (sender, chosen) = mpsc::unbounded_channel();
    // On a thread of its own: the bus may be slow, or not answer.
    let work = move || {
        if let Err(error) = stand(&words, &sender) {
            tracing::debug!(%error, "there is no tray");
        }
    };
    if let Err(error) = std::thread::Builder::new().name("flowyard-tray".to_owned()).spawn(work) {
        tracing::debug!(%error, "there is no tray");
    }
    chosen
}

/// Offers the icon, to the tray that is there and to each that comes.
fn stand(words: &str, chosen: &mpsc::UnboundedSender<Chosen>) -> zbus::Result<()> {
    let item = Item { words: words.to_owned(), chosen: chosen.clone() };
    let menu = Lines { chosen: chosen.clone() };
    let connection = connection::Builder::session()?.serve_at(ITEM, item)?.serve_at(MENU, menu)?.build()?;
    let bus = DBusProxy::new(&connection)?;
    let changes = bus.receive_name_owner_changed_with_args(&[(0, WATCHER)])?;
    register(&connection);
    for change in changes {
        if change.args().is_ok_and(|it| it.new_owner().is_some()) {
            register(&connection);
        }
    }
    Ok(())
}

fn register(connection: &Connection) {
    let name = connection.unique_name().map(ToString::to_string).unwrap_or_default();
    let asked =
        connection.call_method(Some(WATCHER), "/StatusNotifierWatcher", Some(WATCHER), "RegisterStatusNotifierItem", &name);
    if let Err(error) = asked {
        tracing::debug!(%error, "there is no tray yet");
    }
}

/// An icon's name, its pixels, a title, and more words.
type Tip = (String, Vec<(i32, i32, Vec<u8>)>, String, String);

/// The icon.
struct Item {
    words: String,
    chosen: mpsc::UnboundedSender<Chosen>,
}

#[expect(clippy::unused_self, reason = "the bus asks the object, with more than is of use")]
#[interface(name = "org.kde.StatusNotifierItem")]
impl Item {
    #[zbus(property)]
    fn category(&self) -> &'static str {
        "ApplicationStatus"
    }

    #[zbus(property)]
    fn id(&self) -> &'static str {
        "flowyard"
    }

    #[zbus(property)]
    fn title(&self) -> &'static str {
        "Flowyard"
    }

    #[zbus(property)]
    fn status(&self) -> &'static str {
        "Active"
    }

    #[zbus(property)]
    fn icon_name(&self) -> &'static str {
        "flowyard"
    }

    #[zbus(property)]
    fn item_is_menu(&self) -> bool {
        false
    }

    #[zbus(property)]
    fn menu(&self) -> ObjectPath<'static> {
        ObjectPath::from_static_str_unchecked(MENU)
    }

    #[zbus(property)]
    fn tool_tip(&self) -> Tip {
        ("flowyard".to_owned(), Vec::new(), "Flowyard".to_owned(), self.words.clone())
    }

    fn activate(&self, _x: i32, _y: i32) {
        self.chosen.send(Chosen::Open).ok();
    }

    fn secondary_activate(&self, _x: i32, _y: i32) {}

    fn context_menu(&self, _x: i32, _y: i32) {}

    fn scroll(&self, _delta: i32, _orientation: &str) {}
}

/// Its menu.
struct Lines {
    chosen: mpsc::UnboundedSender<Chosen>,
}

type Properties = HashMap<String, OwnedValue>;

fn properties(id: i32) -> Properties {
    let text = |words: &str| Value::from(words.to_owned()).try_to_owned();
    let pair = match LINES.iter().find(|(it, _, _)| *it == id) {
        Some((_, words, _)) => ("label", text(words)),
        None => ("children-display", text("submenu")),
    };
    pair.1.ok().map(|value| (pair.0.to_owned(), value)).into_iter().collect()
}

#[expect(clippy::unused_self, reason = "the bus asks the object, with more than is of use")]
#[interface(name = "com.canonical.dbusmenu")]
impl Lines {
    #[zbus(property)]
    fn version(&self) -> u32 {
        3
    }

    #[zbus(property)]
    fn text_direction(&self) -> &'static str {
        "ltr"
    }

    #[zbus(property)]
    fn status(&self) -> &'static str {
        "normal"
    }

    #[zbus(property)]
    fn icon_theme_path(&self) -> Vec<String> {
        Vec::new()
    }

    /// The revision of the menu, and below a line its number, properties and lines.
    fn get_layout(&self, parent: i32, _depth: i32, _names: Vec<String>) -> (u32, (i32, Properties, Vec<OwnedValue>)) {
        let line = |id: i32| {
            let fields = StructureBuilder::new().add_field(id).add_field(properties(id)).add_field(Vec::<OwnedValue>::new());
            fields.build().ok().and_then(|it| Value::from(it).try_to_owned().ok())
        };
        let lines = if parent == 0 { LINES.iter().filter_map(|(id, _, _)| line(*id)).collect() } else { Vec::new() };
        (1, (parent, properties(parent), lines))
    }

    fn get_group_properties(&self, ids: Vec<i32>, _names: Vec<String>) -> Vec<(i32, Properties)> {
        let all = LINES.iter().map(|(id, _, _)| *id).filter(|it| ids.is_empty() || ids.contains(it));
        all.map(|id| (id, properties(id))).collect()
    }

    fn get_property(&self, id: i32, name: &str) -> zbus::fdo::Result<OwnedValue> {
        properties(id).remove(name).ok_or_else(|| zbus::fdo::Error::InvalidArgs(name.to_owned()))
    }

    fn event(&self, id: i32, kind: &str, _data: Value<'_>, _timestamp: u32) {
        if let Some((_, _, chosen)) = LINES.iter().find(|(it, _, _)| *it == id && kind == "clicked") {
            self.chosen.send(*chosen).ok();
        }
    }

    fn about_to_show(&self, _id: i32) -> bool {
        false
    }
}
