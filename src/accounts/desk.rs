//! What a person does with connections: list, add, rename, give another secret, remove, try.
//!
//! Everything here blocks, but for [`Desk::probe`]: the window calls it as jobs.
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{Account, Bindings, Book, Budget, Entry, Given, Needed, Slots, Stand, State, Use, secrets};
use crate::catalog::{AuthKind, Catalog, Connector};
use crate::connector::{Budgets, Caller, Connection, ConnectionId, Priority, Secret, Settings, Vault, VaultError};
use crate::flow::{Flow, SlotId};
use crate::record::{Failure, FailureKind};

/// The connections of a data directory. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Desk {
    data: PathBuf,
    book: PathBuf,
    /// In place of the file's.
    loose: Option<Arc<Book>>,
    pub(super) catalog: Catalog,
    pub(super) vault: Vault,
}

/// What a connection's service answered when it was tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probed {
    /// What was called.
    pub operation: String,
    /// What the account is called there, if the answer says.
    pub name: Option<String>,
    /// How long it took.
    pub took: Duration,
}

/// What was removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removed {
    /// The connection.
    pub connection: Connection,
    /// What used it, and no longer does.
    pub used_by: Vec<Use>,
    /// Why its secret is still there, in words.
    pub left: Option<Failure>,
}

impl Desk {
    /// The connections of a data directory. `book` names another file than its own.
    pub fn of(data: &Path, book: Option<&Path>, catalog: Catalog, vault: Vault) -> Self {
        let book = book.map_or_else(|| data.join("connections.json"), Path::to_owned);
        Self { data: data.to_owned(), book, loose: None, catalog, vault }
    }

    /// Connections that lie in no file and cannot be changed, such as those to the sandbox, each with its secret.
    pub fn over(data: &Path, connections: Vec<(Connection, Option<Secret>)>, catalog: Catalog) -> Self {
        let vault = Vault::in_memory();
        let plain = connections.into_iter().map(|(connection, secret)| {
            if let Some(secret) = secret {
                vault.pin(connection.id.clone(), secret);
            }
            connection
        });
        let loose = Some(Arc::new(Book::loose(plain.collect::<Vec<_>>())));
        Self { data: data.to_owned(), book: data.join("connections.json"), loose, catalog, vault }
    }

    /// Whether its connections lie in no file.
    pub(super) fn is_loose(&self) -> bool {
        self.loose.is_some()
    }

    /// The data directory.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Where their secrets are.
    pub fn vault(&self) -> &Vault {
        &self.vault
    }

    /// The file of connections.
    pub fn path(&self) -> &Path {
        &self.book
    }

    /// The file as it is now.
    ///
    /// # Errors
    /// As [`Book::read`].
    pub fn book(&self) -> Result<Book, Failure> {
        match &self.loose {
            Some(book) => Ok(Book::clone(book)),
            None => Book::read(&self.book, &self.catalog),
        }
    }

    /// What is used of the budgets of these connections, by all who use the data directory; `budgets` remembers what was read.
    pub fn budgets<'a>(
        &self,
        budgets: &mut Budgets,
        connections: impl Iterator<Item = &'a Connection>,
        now: Timestamp,
    ) -> BTreeMap<ConnectionId, Budget> {
        let of = |it: &'a Connection| {
            let connector = self.catalog.connector(&it.connector).map(AsRef::as_ref);
            Some((it.id.clone(), budgets.state(it, connector, now)?.into()))
        };
        connections.filter_map(of).collect()
    }

    /// The connections as they are now; what the environment holds for them is in the vault's memory after that.
    ///
    /// # Errors
    /// As [`Book::read`], or if a variable that the file names is not set.
    pub fn connections(&self) -> Result<Vec<Connection>, Failure> {
        let (connections, secrets) = self.book()?.bound(None, &variable)?;
        self.vault.repin(secrets);
        Ok(connections)
    }

    /// Each of them, whether it can be used, and by what it is.
    ///
    /// # Errors
    /// As [`Book::read`] and [`Bindings::read`]; not where a secret cannot be read.
    pub fn entries(&self) -> Result<Vec<Entry>, Failure> {
        let (book, bindings) = (self.book()?, Bindings::read(&self.data)?);
        let mut shut = None;
        let mut budgets =
            self.budgets(&mut Budgets::of(&self.data), book.accounts().iter().map(|it| &it.connection), Timestamp::now());
        let entry = |it: &Account| Entry { budget: budgets.remove(&it.connection.id), ..self.entry(it, &bindings, &mut shut) };
        Ok(book.accounts().iter().map(entry).collect())
    }

    /// What a connection's service calls itself.
    pub fn service(&self, connection: &Connection) -> String {
        let connector = &connection.connector;
        self.catalog.connector(connector).map_or_else(|| connector.to_string(), |it| it.title.clone())
    }

    /// `shut` is why the vault cannot be opened: it is asked once for all.
    fn entry(&self, account: &Account, bindings: &Bindings, shut: &mut Option<VaultError>) -> Entry {
        let connection = account.connection.clone();
        let service = self.service(&connection);
        let granted = if account.is_of_environment() || !account.needs_secret() {
            None
        } else {
            let read = shut.clone().map_or_else(|| self.vault.get(&connection.id), Err);
            if let Err(error) = &read
                && error.is_of_all()
            {
                *shut = Some(error.clone());
            }
            Some(read.map(|it| it.map(|it| it.granted().cloned())))
        };
        let state = match &granted {
            None if !account.needs_secret() => State::Open,
            None => match secrets::of_environment(&connection.id, &connection.auth, &account.secret_env, &variable) {
                Ok(_) => State::Environment,
                Err(why) => State::Unset { why },
            },
            Some(Ok(Some(_))) => State::Ready,
            Some(Ok(None)) if self.signs_in_by_itself(&connection) => State::Ready,
            Some(Ok(None)) => State::Reconnect { why: "its credentials are not in the vault".to_owned() },
            Some(Err(error)) => State::Reconnect { why: error.to_string() },
        };
        let granted = granted.and_then(Result::ok).flatten().flatten();
        Entry {
            used_by: bindings.uses(&connection.id),
            connection,
            service,
            state,
            refreshed_at: granted.as_ref().map(|it| it.obtained_at),
            expires_at: granted.as_ref().and_then(|it| it.expires_at),
            scopes: granted.and_then(|it| it.scopes),
            budget: None,
            waiting: 0,
        }
    }

    /// Reads what a person entered as an account that can be added: the fields are those of the file. An id is made where none is
    /// given. Nothing is written.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn draft(&self, mut fields: Map<String, Value>) -> Result<Account, Failure> {
        let mut book = self.book()?;
        if !fields.contains_key("id") {
            let wanted = fields.get("connector").and_then(Value::as_str).unwrap_or_default();
            fields.insert("id".to_owned(), book.free_id(wanted).into());
        }
        let wrong = |words: String| {
            let failure = Failure::new(FailureKind::Flow, "The connection cannot be added").detail(words);
            failure.hint("`flowyard connect add --help` shows what it needs.")
        };
        let account = Account::parse(Value::Object(fields), &self.catalog).map_err(wrong)?;
        let id = account.connection.id.as_str();
        let plain = |it: u8| it.is_ascii_alphanumeric() || matches!(it, b'-' | b'_' | b'.');
        if id.len() > 64 || !id.bytes().all(plain) || id.starts_with('.') {
            return Err(wrong("an id is at most 64 letters, digits, \"-\", \"_\" and \".\".".to_owned()));
        }
        if let Some(agency) = &account.connection.agency {
            book.account(agency)?;
        }
        // A fault that shows now is not met after a secret was asked for.
        book.add(account.clone())?;
        Ok(account)
    }

    /// Adds a connection, with its secret where it needs one. What cannot be stored leaves nothing behind.
    ///
    /// # Errors
    /// If the secret does not fit the way to sign in, or something cannot be written.
    pub fn add(&self, account: Account, given: Option<Given>) -> Result<Connection, Failure> {
        let connection = account.connection.clone();
        let kept = given.map(|it| self.keep(&connection, it)).transpose()?.flatten();
        let added = Book::change(&self.book, &self.catalog, |book| book.add(account));
        if added.is_err()
            && let Some(kept) = kept
        {
            // Nothing names it now.
            self.vault.remove(&kept).ok();
        }
        added.map(|()| connection)
    }

    /// Stores a secret; its id in the vault.
    fn keep(&self, connection: &Connection, given: Given) -> Result<Option<ConnectionId>, Failure> {
        let wrong = |words: &str| {
            let title = format!("The secret of \"{}\" cannot be used", connection.id);
            Failure::new(FailureKind::SignIn, title).detail(words).hint("Copy it again from the service.")
        };
        let Some((id, secret)) = given.into_secret(&connection.id, &connection.auth).map_err(wrong)? else { return Ok(None) };
        self.vault.insert(id.clone(), secret)?;
        Ok(Some(id))
    }

    /// What a person calls it changes; its id, and what uses it, do not.
    ///
    /// # Errors
    /// If there is no such connection, or the file cannot be written.
    pub fn rename(&self, id: &ConnectionId, name: &str) -> Result<Connection, Failure> {
        self.change(id, "name", Some(name.into()))
    }

    /// Sets one field of the file, or takes it out.
    ///
    /// # Errors
    /// If there is no such connection, the value does not fit, or the file cannot be written.
    pub fn change(&self, id: &ConnectionId, key: &str, value: Option<Value>) -> Result<Connection, Failure> {
        Book::change(&self.book, &self.catalog, |book| {
            let changed = book.account(id)?.with(key, value, &self.catalog).map_err(|words| {
                Failure::new(FailureKind::Flow, format!("The connection \"{id}\" cannot be changed so")).detail(words)
            })?;
            let connection = changed.connection.clone();
            book.replace(changed)?;
            Ok(connection)
        })
    }

    /// What these flows need to be allowed on a connection: in the slots that are bound to it, and in those of its service that
    /// are bound to nothing while it is the only connection there.
    ///
    /// # Errors
    /// If there is no such connection, or a file cannot be read.
    pub fn needed(&self, id: &ConnectionId, flows: &[&Flow]) -> Result<Needed, Failure> {
        let (book, bindings) = (self.book()?, Bindings::read(&self.data)?);
        let connection = &book.account(id)?.connection;
        let all = book.connections();
        let slots = Slots { connections: &all, kept: &bindings, environment: &connection.environment };
        let each = flows.iter().flat_map(|flow| flow.slots.iter().map(move |(slot, connector)| (*flow, slot, connector)));
        let used = each.filter(|(flow, slot, connector)| slots.of(&flow.id, slot, connector).connections().contains(id));
        Ok(Needed::of(used.map(|(flow, slot, _)| (flow, slot)), &self.catalog))
    }

    /// What the slots of a flow stand for in an environment.
    ///
    /// # Errors
    /// If the connections or the bindings cannot be read.
    pub fn stands(&self, flow: &Flow, environment: &str) -> Result<BTreeMap<SlotId, Stand>, Failure> {
        let (book, bindings) = (self.book()?, Bindings::read(&self.data)?);
        Ok(Slots { connections: &book.connections(), kept: &bindings, environment }.all(flow))
    }

    /// Whether an account can be given another secret.
    ///
    /// # Errors
    /// If its secret is in the environment, or it needs none.
    pub fn rotatable(&self, account: &Account) -> Result<(), Failure> {
        let id = &account.connection.id;
        if account.is_of_environment() {
            let title = format!("The secret of \"{id}\" is not in the vault");
            let names: Vec<_> = account.secret_env.keys().map(String::as_str).collect();
            let hint = format!(
                "\"secret_env\" names the variable of its {}: change that, or take \"secret_env\" out of {} and try again.",
                names.join(" and "),
                self.book.display()
            );
            return Err(Failure::new(FailureKind::SignIn, title).hint(hint));
        }
        if !account.needs_secret() {
            let title = format!("The connection \"{id}\" has no secret");
            return Err(Failure::new(FailureKind::Flow, title).hint("Its service is called without signing in."));
        }
        Ok(())
    }

    /// Gives it another secret. For Basic without a user the one before stays.
    ///
    /// # Errors
    /// If there is no such connection, its secret is in the environment, or what was given does not fit or cannot be stored.
    pub fn rotate(&self, id: &ConnectionId, mut given: Given) -> Result<Connection, Failure> {
        let book = self.book()?;
        let account = book.account(id)?;
        self.rotatable(account)?;
        if account.connection.auth == AuthKind::Basic && given.user.is_none() {
            given.user = self.kept(id)?.and_then(|it| it.user().map(str::to_owned));
        }
        self.keep(&account.connection, given)?;
        Ok(account.connection.clone())
    }

    /// The secret that is there. One that is damaged is none: another can be put in its place.
    ///
    /// # Errors
    /// If the vault cannot be opened.
    pub fn kept(&self, id: &ConnectionId) -> Result<Option<Arc<Secret>>, Failure> {
        match self.vault.get(id) {
            Err(VaultError::Damaged { .. }) => Ok(None),
            found => Ok(found?),
        }
    }

    /// Keeps what a sign-in gave.
    ///
    /// # Errors
    /// If it cannot be stored.
    pub fn signed_in(&self, id: &ConnectionId, secret: Secret) -> Result<(), Failure> {
        Ok(self.vault.insert(id.clone(), secret)?)
    }

    /// What uses it.
    ///
    /// # Errors
    /// If the bindings cannot be read.
    pub fn uses(&self, id: &ConnectionId) -> Result<Vec<Use>, Failure> {
        let mut uses = Bindings::read(&self.data)?.uses(id);
        uses.sort();
        Ok(uses)
    }

    /// Removes a connection, its secret, and its place in bindings.
    ///
    /// # Errors
    /// If there is no such connection, other connections draw their tokens from it, or a file cannot be written. A secret that
    /// cannot be removed is told of in what comes back.
    pub fn remove(&self, id: &ConnectionId) -> Result<Removed, Failure> {
        let account = Book::change(&self.book, &self.catalog, |book| {
            let dependent: Vec<_> = book
                .accounts()
                .iter()
                .filter(|it| it.connection.agency.as_ref() == Some(id))
                .map(|it| it.connection.id.to_string())
                .collect();
            if !dependent.is_empty() {
                let title = format!("The connection \"{id}\" makes the tokens of others");
                return Err(Failure::new(FailureKind::Flow, title).detail(dependent.join(", ")).hint("Remove those first."));
            }
            book.remove(id)
        })?;
        let used_by = self.uses(id)?;
        Bindings::change(&self.data, |it| it.forget(id))?;
        let mut left = None;
        if account.needs_secret() && !account.is_of_environment() {
            let ids = if matches!(account.connection.auth, AuthKind::OAuth(_)) {
                vec![id.clone(), id.of_client()]
            } else {
                vec![id.clone()]
            };
            for it in ids {
                left = self.vault.remove(&it).err().map(Failure::from).or(left);
            }
        }
        Ok(Removed { connection: account.connection, used_by, left })
    }

    /// Tries a connection by a cheap read.
    ///
    /// # Errors
    /// Why it does not work, in the service's words.
    pub async fn probe(&self, id: &ConnectionId) -> Result<Probed, Failure> {
        let (connection, way) = self.caller_for(id).await?;
        let connector = self.catalog.connector(&connection.connector);
        let Some((connector, probe)) = connector.and_then(|it| Some((it, it.cheap_read()?))) else {
            let title = format!(
                "\"{id}\" cannot be tried: the catalogue knows no read of its service that needs nothing but the account"
            );
            return Err(Failure::new(FailureKind::Flow, title).hint("Try it in a flow, with \"Test step\"."));
        };
        let Some(operation) = connector.operations.get(&probe.operation) else {
            let title = format!("The catalogue has no operation \"{}\"", probe.operation);
            return Err(Failure::new(FailureKind::Flow, title).hint("Import the service again."));
        };
        let input = probe.input.iter().map(|(key, it)| (key.clone(), it.clone())).collect();
        let began = Instant::now();
        let called = Priority::First.scope(way.call(&connection, connector, operation, &input)).await;
        let answered = called.result.map_err(|error| explained(error.failure().clone(), connector))?;
        let name = probe.name.iter().find_map(|path| named(&answered.value, path));
        Ok(Probed { operation: operation.title.clone(), name, took: began.elapsed() })
    }
}

impl Desk {
    /// A connection as it is now, and who calls on it.
    pub(super) async fn caller_for(&self, id: &ConnectionId) -> Result<(Connection, Caller), Failure> {
        let (desk, one) = (self.clone(), id.clone());
        let read = tokio::task::spawn_blocking(move || {
            let book = desk.book()?;
            book.account(&one)?;
            let (connections, secrets) = book.bound(Some(&one), &variable)?;
            if !desk.is_loose() {
                desk.vault.repin(secrets);
            }
            Ok(connections)
        })
        .await;
        let connections = read.unwrap_or_else(|error| {
            Err(Failure::new(FailureKind::Machine, "The connections could not be read").detail(error.to_string()))
        })?;
        let Some(connection) = connections.iter().find(|it| it.id == *id).cloned() else {
            return Err(Failure::new(FailureKind::NotFound, format!("There is no connection \"{id}\"")));
        };
        let caller = Caller::new(Settings::default(), self.vault.clone())
            .map_err(|error| Failure::new(FailureKind::Machine, "Calls cannot be made from here").detail(error.to_string()))?;
        let caller = caller.with_catalog(self.catalog.clone()).with_connections(connections.into_iter().collect());
        Ok((connection, caller))
    }
}

/// A 403 proves that somebody was recognised.
fn explained(failure: Failure, connector: &Connector) -> Failure {
    match failure.kind {
        FailureKind::Forbidden => {
            let hint =
                format!("{} knows this secret, and it may not read what was tried: give it more rights there.", connector.title);
            failure.hint(hint)
        }
        _ => failure,
    }
}

fn named(value: &Value, path: &str) -> Option<String> {
    let found = path.split('.').try_fold(value, |at, key| at.get(key))?;
    found.as_str().filter(|it| !it.trim().is_empty()).map(str::to_owned)
}

/// What a variable of the environment holds; nothing is as good as not set.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|it| !it.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn desk(dir: &Path) -> Desk {
        Desk::of(dir, None, Catalog::shipped(), Vault::in_memory())
    }

    fn fields(value: Value) -> Map<String, Value> {
        match value {
            Value::Object(map) => map,
            other => panic!("{other}"),
        }
    }

    fn given(text: &str) -> Given {
        Given { user: None, secret: text.to_owned().into() }
    }

    #[test]
    fn what_cannot_be_written_leaves_no_secret_behind() {
        let dir = tempfile::tempdir().unwrap();
        let desk = desk(dir.path());
        let account = desk.draft(fields(json!({"connector": "highlevel"}))).unwrap();
        let id = account.connection.id.clone();
        std::fs::write(desk.path(), "[").unwrap();
        assert!(desk.add(account.clone(), Some(given("a-token"))).is_err());
        assert!(desk.vault().get(&id).unwrap().is_none());
        std::fs::remove_file(desk.path()).unwrap();
        assert!(desk.add(account.clone(), Some(given(" \n"))).is_err(), "an empty secret");
        assert!(!desk.path().exists());
        desk.add(account, Some(given("a-token"))).unwrap();
        assert!(desk.vault().get(&id).unwrap().is_some());
        assert_eq!(desk.entries().unwrap()[0].state, State::Ready);
    }

    #[test]
    fn an_agency_is_not_removed_before_the_locations_that_draw_from_it() {
        let dir = tempfile::tempdir().unwrap();
        let desk = desk(dir.path());
        let agency = json!({"connector": "highlevel", "id": "agency", "auth": {"kind": "oauth"}, "oauth": {"client_id": "app"}});
        desk.add(desk.draft(fields(agency)).unwrap(), Some(given("an-app-secret"))).unwrap();
        let location = json!({"connector": "highlevel", "id": "location", "auth": {"kind": "oauth"}, "agency": "agency"});
        desk.add(desk.draft(fields(location)).unwrap(), None).unwrap();
        let failure = desk.remove(&ConnectionId::new("agency")).unwrap_err();
        assert!(failure.title.contains("makes the tokens of others") && failure.detail == "location", "{failure}");
        let client = ConnectionId::new("agency").of_client();
        assert!(desk.vault().get(&client).unwrap().is_some());
        desk.remove(&ConnectionId::new("location")).unwrap();
        let removed = desk.remove(&ConnectionId::new("agency")).unwrap();
        assert!(removed.left.is_none() && desk.vault().get(&client).unwrap().is_none());
    }

    #[test]
    fn a_user_stays_where_only_the_password_changes() {
        let dir = tempfile::tempdir().unwrap();
        let desk = desk(dir.path());
        let account = desk.draft(fields(json!({"connector": "schedule_it"}))).unwrap();
        let id = account.connection.id.clone();
        let first = Given { user: Some("1234_ann".to_owned()), secret: "one".to_owned().into() };
        desk.add(account, Some(first)).unwrap();
        desk.rotate(&id, given("two")).unwrap();
        assert_eq!(desk.vault().get(&id).unwrap().unwrap().user(), Some("1234_ann"));
        assert_eq!(desk.change(&id, "zone", Some("Europe/Berlin".into())).unwrap().zone.as_deref(), Some("Europe/Berlin"));
        assert!(desk.change(&id, "zone", Some("Nowhere".into())).is_err());
        assert_eq!(desk.book().unwrap().accounts()[0].connection.zone.as_deref(), Some("Europe/Berlin"));
    }
}
