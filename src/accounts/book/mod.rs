//! The file of connections: a list of plain data, which a person may write, and which names the environment variables that hold
//! secrets, or leaves those to the vault.
//!
//! ```json
//! [{ "id": "crm", "connector": "highlevel", "account": { "location_id": "abc" }, "secret_env": { "token": "HL_TOKEN" } }]
//! ```
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{Account, secrets};
use crate::catalog::Catalog;
use crate::connector::disk::{self, Lock};
use crate::connector::{Connection, ConnectionId, Secret};
use crate::record::{Failure, FailureKind};

/// The longest file that is read, in bytes.
const LONGEST: u64 = 16 << 20;
const HINT: &str = "See `flowyard help serve` for what the file holds.";

/// Connections, and the secrets that are not in the vault, by the ids under which they are asked for.
pub type Bound = (Vec<Connection>, Vec<(ConnectionId, Secret)>);

/// The connections of a file, in its order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Book {
    path: PathBuf,
    accounts: Vec<Account>,
}

impl Book {
    /// Reads the file; one that is not there holds none.
    ///
    /// # Errors
    /// A [`Failure`] that says what is wrong with it.
    pub fn read(path: &Path, catalog: &Catalog) -> Result<Self, Failure> {
        let unreadable = |detail: String| {
            let title = format!("Cannot read {}", path.display());
            Failure::new(FailureKind::Flow, title).detail(detail).hint("Check the path and its permissions.")
        };
        let bytes = disk::read(path, LONGEST).map_err(|error| unreadable(error.to_string()))?;
        let Some(bytes) = bytes else { return Ok(Self { path: path.to_owned(), accounts: Vec::new() }) };
        let accounts = std::str::from_utf8(&bytes).map_err(|_binary| "It is not text in UTF-8.".to_owned());
        let accounts = accounts.and_then(|text| parse(text, catalog)).map_err(|detail| {
            let failure = Failure::new(FailureKind::Flow, "The connections cannot be used");
            failure.at(path.display().to_string()).detail(detail).hint(HINT)
        })?;
        Ok(Self { path: path.to_owned(), accounts })
    }

    /// Connections that lie in no file.
    pub(super) fn loose(connections: impl IntoIterator<Item = Connection>) -> Self {
        Self { path: PathBuf::new(), accounts: connections.into_iter().map(Account::loose).collect() }
    }

    /// Changes the file, under a lock. What `change` refuses is not written.
    ///
    /// # Errors
    /// As [`Book::read`]; what `change` says; or if the file cannot be written.
    pub fn change<T>(path: &Path, catalog: &Catalog, change: impl FnOnce(&mut Self) -> Result<T, Failure>) -> Result<T, Failure> {
        let failed = |error: std::io::Error| {
            let failure = Failure::new(FailureKind::Machine, format!("Cannot write {}", path.display()));
            failure.detail(error.to_string()).hint("Look at its permissions and at the free space.")
        };
        // A link leads to the file that is meant.
        let place = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let dir = place.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
        disk::make(dir).map_err(failed)?;
        let _lock = Lock::wait(dir, "connections").map_err(failed)?;
        let mut book = Self::read(&place, catalog)?;
        let before = book.accounts.clone();
        let result = change(&mut book)?;
        if book.accounts != before || !place.exists() {
            // There is no secret in it: whoever could read it still can.
            let permissions = std::fs::metadata(&place).map(|it| it.permissions()).ok();
            disk::write(&place, book.to_text().as_bytes()).map_err(failed)?;
            if let Some(permissions) = permissions {
                std::fs::set_permissions(&place, permissions).map_err(failed)?;
            }
        }
        Ok(result)
    }

    fn to_text(&self) -> String {
        let lines: Vec<String> = self.accounts.iter().map(|it| format!("  {}", it.to_line())).collect();
        if lines.is_empty() { "[]\n".to_owned() } else { format!("[\n{}\n]\n", lines.join(",\n")) }
    }

    /// All of them.
    pub fn accounts(&self) -> &[Account] {
        &self.accounts
    }

    /// All connections.
    pub fn connections(&self) -> Vec<&Connection> {
        self.accounts.iter().map(|it| &it.connection).collect()
    }

    /// The one with this id.
    ///
    /// # Errors
    /// If there is none; the words list those that there are.
    pub fn account(&self, id: &ConnectionId) -> Result<&Account, Failure> {
        self.accounts.iter().find(|it| it.connection.id == *id).ok_or_else(|| {
            let known: Vec<_> = self.accounts.iter().map(|it| it.connection.id.as_str()).collect();
            let known = if known.is_empty() {
                "There are no connections: `flowyard connect add` makes one.".to_owned()
            } else {
                format!("There are {}.", known.join(", "))
            };
            Failure::new(FailureKind::NotFound, format!("There is no connection \"{id}\"")).hint(known)
        })
    }

    /// Adds one at the end.
    ///
    /// # Errors
    /// If its id is taken, or the agency that it names is not there.
    pub fn add(&mut self, account: Account) -> Result<(), Failure> {
        let id = &account.connection.id;
        if self.accounts.iter().any(|it| it.connection.id == *id) {
            let title = format!("There is a connection \"{id}\" already");
            let hint = format!("Give it another id with --id, or change its secret with `flowyard connect rotate {id}`.");
            return Err(Failure::new(FailureKind::Flow, title).hint(hint));
        }
        self.accounts.push(account);
        Ok(())
    }

    /// Puts one in the place of the one with its id.
    ///
    /// # Errors
    /// If there is none.
    pub fn replace(&mut self, account: Account) -> Result<(), Failure> {
        self.account(&account.connection.id)?;
        if let Some(place) = self.accounts.iter_mut().find(|it| it.connection.id == account.connection.id) {
            *place = account;
        }
        Ok(())
    }

    /// Takes one out.
    ///
    /// # Errors
    /// If there is none.
    pub fn remove(&mut self, id: &ConnectionId) -> Result<Account, Failure> {
        self.account(id)?;
        let at = self.accounts.iter().position(|it| it.connection.id == *id).unwrap_or_default();
        Ok(self.accounts.remove(at))
    }

    /// An id that is free: the one that is wanted, or with a number.
    pub fn free_id(&self, wanted: &str) -> String {
        let is_free = |id: &str| !self.accounts.iter().any(|it| it.connection.id.as_str() == id);
        if is_free(wanted) {
            return wanted.to_owned();
        }
        // One of them is free: there are more than there are connections.
        let numbers = 2..self.accounts.len() + 3;
        numbers.map(|number| format!("{wanted}-{number}")).find(|id| is_free(id)).unwrap_or_else(|| wanted.to_owned())
    }

    /// The connections, and the secrets that the environment holds for them. Where `one` of them is meant, the others may lack
    /// theirs.
    ///
    /// # Errors
    /// If a variable that the file names is not set.
    pub fn bound(&self, one: Option<&ConnectionId>, variable: &dyn Fn(&str) -> Option<String>) -> Result<Bound, Failure> {
        let mut found = Vec::new();
        for (at, account) in self.accounts.iter().enumerate() {
            let Connection { id, auth, .. } = &account.connection;
            let own = match secrets::of_environment(id, auth, &account.secret_env, variable) {
                Err(_) if one.is_some_and(|it| it != id) => continue,
                own => own,
            };
            found.extend(own.map_err(|words| {
                Failure::new(FailureKind::SignIn, "A secret is not set")
                    .at(self.path.display().to_string())
                    .detail(format!("Connection {}: {words}", at + 1))
                    .hint("Set that environment variable, then start again. Secrets are never written into the file.")
            })?);
        }
        Ok((self.accounts.iter().map(|it| it.connection.clone()).collect(), found))
    }
}

fn parse(text: &str, catalog: &Catalog) -> Result<Vec<Account>, String> {
    let value: Value = serde_json::from_str(text).map_err(|error| format!("It is not JSON: {error}"))?;
    let Value::Array(list) = value else { return Err("It must be a list of connections.".to_owned()) };
    let mut accounts: Vec<Account> = Vec::with_capacity(list.len());
    let mut taken = BTreeSet::new();
    for (at, value) in list.into_iter().enumerate() {
        let account = Account::parse(value, catalog).map_err(|words| format!("Connection {}: {words}", at + 1))?;
        if !taken.insert(account.connection.id.clone()) {
            return Err(format!("Connection {}: the id \"{}\" is taken already.", at + 1, account.connection.id));
        }
        accounts.push(account);
    }
    Ok(accounts)
}

#[cfg(test)]
mod tests;
