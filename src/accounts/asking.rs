//! What a sign-in asks for: exactly what flows need, what the service needs to say whose the token is, and what a person adds.
use serde::Serialize;
use serde_json::{Value, json};

use super::{Desk, Needed};
use crate::catalog::{AuthKind, Connector, OperationId};
use crate::connector::{Connection, ConnectionId};
use crate::flow::Flow;
use crate::record::Failure;

/// The scopes that a sign-in asks for, and why.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Asking {
    /// All that is asked for, in order; where it is empty, the service's app decides.
    pub scopes: Vec<String>,
    /// What flows need, with the steps that need it.
    pub needed: Needed,
    /// What it takes to see whose the token is.
    pub identity: Vec<String>,
    /// What a person wants beside that.
    pub more: Vec<String>,
    /// What was asked for last, where no flow says what is needed.
    pub before: Vec<String>,
    /// What the token of now may do; none where its service does not tell, or there is none.
    pub granted: Option<Vec<String>>,
}

impl Asking {
    /// Puts it together.
    fn of(needed: Needed, identity: Vec<String>, more: Vec<String>, settings: Vec<String>, granted: Option<Vec<String>>) -> Self {
        let is_known = needed.iter().next().is_some();
        let mut scopes = if is_known { needed.scopes() } else { settings.clone() };
        if is_known {
            scopes.extend(identity.iter().cloned());
        }
        scopes.extend(more.iter().cloned());
        scopes.sort();
        scopes.dedup();
        let (identity, before) = if is_known { (identity, Vec::new()) } else { (Vec::new(), settings) };
        Self { scopes, needed, identity, more, before, granted }
    }

    /// The same with other scopes that a person wants beside what is needed.
    #[must_use]
    pub fn with_more(&self, more: Vec<String>) -> Self {
        let settings = if self.needed.iter().next().is_some() { Vec::new() } else { self.before.clone() };
        Self::of(self.needed.clone(), self.identity.clone(), more, settings, self.granted.clone())
    }

    /// Those that the token of now lacks.
    pub fn new_ones(&self) -> impl Iterator<Item = &str> {
        let granted = self.granted.as_deref();
        let lacks = move |it: &&String| granted.is_some_and(|all| !all.contains(it));
        self.scopes.iter().filter(lacks).map(String::as_str)
    }

    /// Why a scope is asked for, in words.
    pub fn reason(&self, scope: &str) -> String {
        let steps = self.needed.iter().find(|(it, _)| *it == scope).map(|(_, steps)| steps);
        if let Some(steps) = steps {
            return steps.iter().map(|it| format!("\"{}\" of \"{}\"", it.step, it.flow)).collect::<Vec<_>>().join(", ");
        }
        if self.identity.iter().any(|it| it == scope) {
            return "to see whose account it is".to_owned();
        }
        if self.more.iter().any(|it| it == scope) { "added by you" } else { "asked for before" }.to_owned()
    }
}

/// The scopes that it takes to see whose a token is: what trying a connection reads, and for an agency what lists its locations and
/// makes their tokens.
pub fn identity(connector: &Connector, is_agency: bool) -> Vec<String> {
    let of = |id: &OperationId| connector.operations.get(id).map(|it| it.scopes.clone()).unwrap_or_default();
    if !is_agency {
        return connector.cheap_read().map(|it| of(&it.operation)).unwrap_or_default();
    }
    let token = connector.auth.iter().find_map(|it| match it {
        AuthKind::OAuth(known) => known.location_token.as_ref(),
        _ => None,
    });
    let Some(token) = token else { return Vec::new() };
    let list = token.list.as_ref().map(|it| of(&it.operation)).unwrap_or_default();
    [of(&token.operation), list].concat()
}

impl Desk {
    /// What a sign-in of a connection asks for, when these flows are to run: for itself, and for the locations that draw their
    /// tokens from it. `more` replaces what a person wanted beside that.
    ///
    /// # Errors
    /// If there is no such connection, or a file cannot be read.
    pub fn asking(&self, id: &ConnectionId, flows: &[&Flow], more: Option<Vec<String>>) -> Result<Asking, Failure> {
        let book = self.book()?;
        let connection = &book.account(id)?.connection;
        let mut needed = self.needed(id, flows)?;
        let locations: Vec<_> =
            book.accounts().iter().map(|it| &it.connection).filter(|it| it.agency.as_ref() == Some(id)).collect();
        for location in &locations {
            needed.extend(self.needed(&location.id, flows)?);
        }
        let settings = connection.oauth.as_deref().cloned().unwrap_or_default();
        let is_agency = !locations.is_empty() || settings.user_type.as_deref() == Some("Company");
        let known = self.catalog.connector(&connection.connector);
        let identity = known.map(|it| identity(it, is_agency)).unwrap_or_default();
        let granted = self.vault.get(id).ok().flatten().and_then(|it| it.granted().and_then(|it| it.scopes.clone()));
        Ok(Asking::of(needed, identity, more.unwrap_or(settings.more), settings.scopes, granted))
    }

    /// Keeps what was asked for: a service account is asked for the same with each new token, and the next sign-in knows what a
    /// person added.
    pub(super) fn keep_asking(&self, connection: &Connection, asked: &Asking) -> Result<(), Failure> {
        let Some(settings) = &connection.oauth else { return Ok(()) };
        if settings.scopes == asked.scopes && settings.more == asked.more {
            return Ok(());
        }
        let mut settings = settings.as_ref().clone();
        (settings.scopes, settings.more) = (asked.scopes.clone(), asked.more.clone());
        let value = serde_json::to_value(&settings).unwrap_or_else(|_| json!({}));
        self.change(&connection.id, "oauth", Some(value).filter(Value::is_object)).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::accounts::Bindings;
    use crate::catalog::{Catalog, ConnectorId, OperationId};
    use crate::connector::Vault;
    use crate::flow::{Mapping, Node, NodeId, NodeKind, RetryPolicy};

    fn flow() -> Flow {
        let mut flow = Flow::new("f", "Welcome");
        let kind = NodeKind::Action {
            operation: OperationId::new("highlevel.contacts.add-tags"),
            slot: "crm".into(),
            input: Mapping::default(),
            retry: RetryPolicy::default(),
        };
        flow.nodes.insert(NodeId::new("tag"), Arc::new(Node { name: "Tag".to_owned(), muted: false, kind }));
        flow.slots.insert("crm".into(), ConnectorId::new("highlevel"));
        flow
    }

    fn list(all: &[&str]) -> Vec<String> {
        all.iter().map(|it| (*it).to_owned()).collect()
    }

    #[test]
    fn a_sign_in_asks_for_what_flows_need_and_without_flows_for_what_it_asked_before() {
        let dir = tempfile::tempdir().unwrap();
        let written = json!([{"id": "crm", "connector": "highlevel", "auth": {"kind": "oauth"},
            "oauth": {"client_id": "app", "scopes": ["users.readonly"], "more": ["forms.readonly"]}}]);
        std::fs::write(dir.path().join("connections.json"), written.to_string()).unwrap();
        let desk = Desk::of(dir.path(), None, Catalog::shipped(), Vault::in_memory());
        let id = ConnectionId::new("crm");
        let asking = desk.asking(&id, &[], None).unwrap();
        assert_eq!(asking.scopes, ["forms.readonly", "users.readonly"]);
        assert_eq!(asking.reason("users.readonly"), "asked for before");
        let flow = flow();
        let asking = desk.asking(&id, &[&flow], None).unwrap();
        assert_eq!(asking.scopes, ["contacts.write", "forms.readonly", "locations.readonly"]);
        assert_eq!(asking.reason("contacts.write"), "\"Tag\" of \"Welcome\"");
        assert_eq!(asking.reason("locations.readonly"), "to see whose account it is");
        assert_eq!(asking.reason("forms.readonly"), "added by you");
        assert_eq!(asking.new_ones().count(), 0, "what is granted now is not known");
        // What is asked for is kept, and what a person takes away is gone.
        let asking = desk.asking(&id, &[&flow], Some(Vec::new())).unwrap();
        let connection = desk.book().unwrap().account(&id).unwrap().connection.clone();
        desk.keep_asking(&connection, &asking).unwrap();
        let kept = desk.book().unwrap().account(&id).unwrap().connection.oauth.clone().unwrap();
        assert_eq!((kept.scopes, kept.more), (list(&["contacts.write", "locations.readonly"]), Vec::new()));
        // A flow that is bound elsewhere needs nothing here.
        let elsewhere = ConnectionId::new("other");
        Bindings::change(dir.path(), |it| it.set(&"f".into(), "live", &"crm".into(), vec![elsewhere])).unwrap();
        assert!(desk.asking(&id, &[&flow], None).unwrap().needed.iter().next().is_none());
    }

    #[test]
    fn what_is_new_is_what_the_token_lacks() {
        let granted = Some(list(&["a", "c"]));
        let asking = Asking::of(Needed::default(), Vec::new(), Vec::new(), list(&["b", "a"]), granted);
        assert_eq!((asking.scopes.clone(), asking.new_ones().collect::<Vec<_>>()), (list(&["a", "b"]), vec!["b"]));
    }

    #[test]
    fn an_agency_asks_for_what_its_locations_need_and_for_their_tokens() {
        let dir = tempfile::tempdir().unwrap();
        let written = json!([
            {"id": "agency", "connector": "highlevel", "auth": {"kind": "oauth"}, "oauth": {"client_id": "app", "user_type": "Company"}},
            {"id": "paris", "connector": "highlevel", "auth": {"kind": "oauth"}, "agency": "agency", "account": {"location_id": "p"}},
        ]);
        std::fs::write(dir.path().join("connections.json"), written.to_string()).unwrap();
        let desk = Desk::of(dir.path(), None, Catalog::shipped(), Vault::in_memory());
        let flow = flow();
        Bindings::change(dir.path(), |it| it.set(&"f".into(), "live", &"crm".into(), vec![ConnectionId::new("paris")])).unwrap();
        let asking = desk.asking(&ConnectionId::new("agency"), &[&flow], None).unwrap();
        assert!(asking.scopes.contains(&"contacts.write".to_owned()), "{asking:?}");
        assert_eq!(asking.identity, ["oauth.write", "locations.readonly"]);
    }
}
