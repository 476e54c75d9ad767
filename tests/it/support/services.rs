//! The flows that ship, and connections to the imitated services.
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use flowyard::catalog::{AuthKind, ConnectorId};
use flowyard::engine::{Connection, Secret};
use flowyard::flow::{Flow, NodeKind};
use flowyard::sandbox::Access;
use serde_json::Value;

/// The files of the flows that ship.
pub(crate) fn templates() -> Vec<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/templates");
    let mut found: Vec<_> = std::fs::read_dir(dir).expect("the templates").map(|it| it.expect("an entry").path()).collect();
    found.sort();
    assert!(found.len() >= 6);
    found
}

/// A flow that ships, by the name of its file.
pub(crate) fn template(name: &str) -> Flow {
    let path = templates().into_iter().find(|it| it.file_stem().is_some_and(|stem| stem == name)).expect("the template");
    Flow::parse(&std::fs::read(path).expect("a readable file")).expect("a sound file")
}

/// The event that a flow's trigger has as its sample.
pub(crate) fn sample(flow: &Flow) -> Value {
    let mut triggers = flow.nodes.values().filter_map(|node| match &node.kind {
        NodeKind::Trigger(trigger) => Some(trigger.sample().clone()),
        _ => None,
    });
    triggers.next().expect("a trigger with a sample")
}

/// A connection to each of the services, signed in.
pub(crate) fn connections(access: &Access) -> Vec<(Connection, Option<Secret>)> {
    let crm = Connection {
        account: BTreeMap::from([("location_id".to_owned(), access.highlevel.location_id.clone())]),
        ..Connection::new("crm", "HighLevel", ConnectorId::new("highlevel"), &access.highlevel.base_url, AuthKind::Bearer)
    };
    let calendar = Connection::new(
        "calendar",
        "Schedule it",
        ConnectorId::new("schedule_it"),
        &access.schedule_it.base_url,
        AuthKind::Basic,
    );
    let basic = Secret::basic(access.schedule_it.user.clone(), access.schedule_it.password.clone());
    let mail = Connection {
        account: BTreeMap::from([("from".to_owned(), access.mail.from.clone())]),
        ..Connection::new("mail", "Mail", ConnectorId::new("mail"), &access.mail.base_url, AuthKind::Basic)
    };
    let of_mail = Secret::basic(access.mail.user.clone(), access.mail.password.clone());
    let files = Connection::new("files", "Files", ConnectorId::new("files"), &access.files.base_url, AuthKind::None);
    let at = &access.desktop.base_url;
    let desktop = Connection::new("desktop", "Desktop", ConnectorId::new("desktop"), at, AuthKind::None);
    vec![
        (crm, Some(Secret::token(access.highlevel.token.clone()))),
        (calendar, Some(basic)),
        (mail, Some(of_mail)),
        (files, None),
        (desktop, None),
    ]
}
