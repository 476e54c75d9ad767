//! On which connection a call was made.
use super::sent;
use crate::accounts::{Bindings, Desk, spread};
use crate::catalog::Operation;
use crate::connector::Connection;
use crate::flow::{Flow, SlotId};
use crate::record::{Exchange, Failure, FailureKind};

impl Desk {
    /// The connections of today that can have made a step's call; one, where that is clear. What tells them apart is looked at
    /// in turn: the account that a flow for several was run for, what the slot is bound to, and which account the call names.
    ///
    /// # Errors
    /// If there is none, or the connections or the bindings cannot be read.
    pub fn callers(
        &self,
        flow: &Flow,
        slot: &SlotId,
        operation: &Operation,
        call: &Exchange,
    ) -> Result<Vec<Connection>, Failure> {
        let (book, kept) = (self.book()?, self.bindings()?);
        let connector = flow.slots.get(slot);
        // Connections that lie in no file have another address with each start.
        let fits = |it: &&Connection| {
            Some(&it.connector) == connector && (self.is_loose() || call.request.url.starts_with(&it.base_url))
        };
        let mut all: Vec<Connection> = book.accounts().iter().map(|it| &it.connection).filter(fits).cloned().collect();
        let (own, account) = spread::parted(&flow.id);
        narrow(&mut all, |it| account.as_ref() == Some(&it.id));
        let bound = kept.of_any(&own, slot);
        narrow(&mut all, |it| bound.contains(&it.id));
        let sent = sent::account(operation, call);
        narrow(&mut all, |it| !sent.is_empty() && sent.iter().all(|(field, value)| it.account.get(field) == Some(value)));
        if all.is_empty() {
            let title = format!("No connection of today can have made the call to {}", call.request.url);
            let hint = "Name it with --connection; `flowyard connect list` shows what there is.";
            return Err(Failure::new(FailureKind::NotFound, title).hint(hint));
        }
        Ok(all)
    }

    fn bindings(&self) -> Result<Bindings, Failure> {
        Bindings::read(self.data())
    }
}

/// Keeps those of which something is true, where that is true of any.
fn narrow(all: &mut Vec<Connection>, is_so: impl Fn(&Connection) -> bool) {
    if all.iter().any(&is_so) {
        all.retain(is_so);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;
    use crate::catalog::{AuthKind, Catalog, ConnectorId, OperationId};
    use crate::connector::ConnectionId;
    use crate::record::{Body, Request, Timing};

    fn connection(id: &str, location: &str, url: &str) -> Connection {
        Connection {
            account: BTreeMap::from([("location_id".to_owned(), location.to_owned())]),
            ..Connection::new(id, id, ConnectorId::new("highlevel"), url, AuthKind::None)
        }
    }

    fn call(location: &str) -> Exchange {
        let text = json!({"locationId": location}).to_string();
        let body = Body { size: text.len() as u64, text, cut: false };
        let request = Request { method: "POST".into(), url: "https://a.example/contacts/".into(), headers: Vec::new(), body };
        Exchange {
            request,
            answer: None,
            error: None,
            started: "2026-11-26T12:00:00Z".parse().unwrap(),
            timing: Timing::default(),
        }
    }

    #[test]
    fn what_tells_connections_apart_is_looked_at_in_turn() {
        let dir = tempfile::tempdir().unwrap();
        let catalog = Catalog::shipped();
        let all = json!([
            {"id": "berlin", "connector": "highlevel", "account": {"location_id": "b"}, "base_url": "https://a.example"},
            {"id": "paris", "connector": "highlevel", "account": {"location_id": "p"}, "base_url": "https://a.example"},
            {"id": "rome", "connector": "highlevel", "account": {"location_id": "r"}, "base_url": "https://a.example"},
            {"id": "far", "connector": "highlevel", "account": {"location_id": "b"}, "base_url": "https://b.example"},
        ]);
        std::fs::write(dir.path().join("connections.json"), all.to_string()).unwrap();
        let desk = Desk::of(dir.path(), None, catalog.clone(), crate::connector::Vault::in_memory());
        let (_, operation) = catalog.operation(&OperationId::new("highlevel.contacts.create-contact")).unwrap();
        let found = |desk: &Desk, id: &str, sent: &str| {
            let mut flow = Flow::new(id, "F");
            flow.slots.insert("crm".into(), ConnectorId::new("highlevel"));
            let found = desk.callers(&flow, &"crm".into(), operation, &call(sent)).unwrap();
            found.iter().map(|it| it.id.to_string()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(found(&desk, "f", "unknown"), "berlin paris rome");
        assert_eq!(found(&desk, "f", "p"), "paris");
        assert_eq!(found(&desk, "f@rome", "p"), "rome", "it ran for that account");
        let bound = ["paris", "rome"].map(ConnectionId::new).to_vec();
        Bindings::change(dir.path(), |it| it.set(&"f".into(), "staging", &"crm".into(), bound)).unwrap();
        assert_eq!(found(&desk, "f", "b"), "paris rome");
        assert_eq!(found(&desk, "f", "r"), "rome");
        let sandbox = vec![(connection("highlevel", "s", "http://127.0.0.1:1"), None)];
        let loose = Desk::over(dir.path(), sandbox, catalog.clone());
        assert_eq!(found(&loose, "f", "p"), "highlevel", "its address is another one with each start");
        let none = Desk::over(dir.path(), Vec::new(), catalog.clone());
        let failure = none.callers(&Flow::new("f", "F"), &"crm".into(), operation, &call("p")).unwrap_err();
        assert!(failure.title.contains("https://a.example/contacts/"), "{failure}");
    }
}
