//! Looks now and then what is used of the connections' budgets, by this process and by others that run flows on the same data
//! directory, and tells the window where that changed.
//!
//! Invariant: nothing is told, and so no frame is drawn, while nothing changes; what did not change on the disk is not read.
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;

use super::accounts::Accounts;
use crate::accounts::{Book, Budgets, Desk};
use crate::engine::{Connection, ConnectionId};
use crate::ui::{AccountNews, Spent};

/// How often it is looked while requests are under way, and how often while nothing moves.
const BUSY: Duration = Duration::from_secs(1);
const QUIET: Duration = Duration::from_secs(3);

/// What is known.
pub(super) struct Watch {
    book: PathBuf,
    /// Of the file of connections, when they were read.
    changed: Option<SystemTime>,
    connections: Vec<Connection>,
    desk: Option<Desk>,
    budgets: Budgets,
    told: Option<BTreeMap<ConnectionId, Spent>>,
}

impl Watch {
    pub(super) fn of(data: &std::path::Path) -> Self {
        Self {
            book: data.join("connections.json"),
            changed: None,
            connections: Vec::new(),
            desk: None,
            budgets: Budgets::of(data),
            told: None,
        }
    }

    /// Goes on until the runtime ends.
    pub(super) async fn run(mut self, accounts: Accounts) {
        loop {
            let moves = self.told.iter().flat_map(BTreeMap::values).any(|it| it.budget.moving);
            tokio::time::sleep(if moves { BUSY } else { QUIET }).await;
            let worker = accounts.clone();
            let looked = tokio::task::spawn_blocking(move || {
                let news = self.look(&|| worker.desk(), Timestamp::now());
                (self, news)
            });
            let Ok((next, news)) = looked.await else { return };
            self = next;
            if let Some(news) = news {
                accounts.tell(news);
            }
        }
    }

    /// What is used now, if that is other than what was told.
    fn look(&mut self, open: &dyn Fn() -> Desk, now: Timestamp) -> Option<AccountNews> {
        let changed = std::fs::metadata(&self.book).and_then(|it| it.modified()).ok();
        if changed != self.changed {
            let desk = open();
            // A file that cannot be read says so where it is opened.
            let book = desk.book().ok();
            self.connections = book.iter().flat_map(Book::accounts).map(|it| it.connection.clone()).collect();
            self.desk = Some(desk);
            self.changed = changed;
        }
        let spent = self.desk.as_ref().map(|desk| {
            let mut budgets = desk.budgets(&mut self.budgets, self.connections.iter(), now);
            let spent = |it: &Connection| {
                let several = self.connections.iter().filter(|other| other.connector == it.connector).count() > 1;
                let name = if several { it.name.clone() } else { desk.service(it) };
                Some((it.id.clone(), Spent { name, budget: budgets.remove(&it.id)? }))
            };
            self.connections.iter().filter_map(spent).collect::<BTreeMap<_, _>>()
        });
        let spent = spent.unwrap_or_default();
        if self.told.as_ref() == Some(&spent) || (self.told.is_none() && spent.is_empty()) {
            return None;
        }
        self.told = Some(spent.clone());
        Some(AccountNews::Budgets(spent))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::accounts::Given;
    use crate::catalog::Catalog;
    use crate::engine::Vault;
    use crate::sandbox::{self, Options};

    #[tokio::test]
    async fn what_others_use_is_told_once_and_again_when_it_changes() {
        let catalog = Catalog::shipped();
        let sandbox = sandbox::start(&catalog, Options::default()).await.unwrap();
        let home = tempfile::tempdir().unwrap();
        let desk = || Desk::of(home.path(), None, catalog.clone(), Vault::at(home.path(), None));
        let mut watch = Watch::of(home.path());
        let open = || desk();
        let now = Timestamp::now();
        assert!(watch.look(&open, now).is_none(), "there is nothing to tell");
        let crm = &sandbox.access().highlevel;
        let fields = json!({
            "id": "crm", "connector": "highlevel", "base_url": crm.base_url, "account": { "location_id": crm.location_id },
            "secret_env": { "token": "PATH" },
        });
        let serde_json::Value::Object(fields) = fields else { unreachable!() };
        let other = desk();
        let account = other.draft(fields).unwrap();
        other.add(account, None::<Given>).unwrap();
        let Some(AccountNews::Budgets(spent)) = watch.look(&open, now) else { panic!("a connection was added") };
        let crm = ConnectionId::new("crm");
        assert_eq!((spent[&crm].name.as_str(), spent[&crm].budget.state.used_today), ("HighLevel", 0));
        assert!(watch.look(&open, now).is_none(), "nothing changed");
        // Refused, and counted all the same.
        other.probe(&crm).await.unwrap_err();
        let now = Timestamp::now();
        let Some(AccountNews::Budgets(spent)) = watch.look(&open, now) else { panic!("a request was sent") };
        assert_eq!((spent[&crm].budget.state.used, spent[&crm].budget.state.used_today), (1, 1));
        assert!(watch.look(&open, now).is_none());
        let later = now + Duration::from_secs(11);
        let Some(AccountNews::Budgets(spent)) = watch.look(&open, later) else { panic!("its interval is over") };
        assert!(!spent[&crm].budget.moving);
        sandbox.stop().await;
    }
}
