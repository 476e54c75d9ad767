//! Looks now and then what is used of the connections' budgets, by this process and by others that run flows on the same data
//! directory, and tells the window where that changed.
//!
//! Invariant: nothing is told, and so no frame is drawn, while nothing changes; what did not change on the disk is not read.
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;

use super::accounts::Accounts;
use crate::accounts::{Book, BudgetState, Budgets, Desk};
use crate::engine::{Connection, ConnectionId};
use crate::ui::{AccountNews, Spent};

/// How often it is looked while requests are under way, and how often while nothing moves.
const BUSY: Duration = Duration::from_secs(1);
const QUIET: Duration = Duration::from_secs(3);

/// A forecast changes with every second that passes; so often is enough where nothing else does.
const FORECAST: Duration = Duration::from_mins(1);

/// What is known.
pub(super) struct Watch {
    book: PathBuf,
    /// Of the file of connections, when they were read.
    changed: Option<SystemTime>,
    connections: Vec<Connection>,
    desk: Option<Desk>,
    budgets: Budgets,
    told: Option<BTreeMap<ConnectionId, Spent>>,
    told_at: Timestamp,
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
            told_at: Timestamp::UNIX_EPOCH,
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
        let is_old = now.duration_since(self.told_at).unsigned_abs() >= FORECAST;
        let same = self.told.as_ref().map_or(spent.is_empty(), |told| {
            told == &spent
                || (!is_old && told.keys().eq(spent.keys()) && told.values().zip(&spent).all(|(told, (_, it))| is_as(told, it)))
        });
        if same {
            return None;
        }
        (self.told, self.told_at) = (Some(spent.clone()), now);
        Some(AccountNews::Budgets(spent))
    }
}

/// Whether two are the same but for the forecast.
fn is_as(one: &Spent, other: &Spent) -> bool {
    let without = |it: &Spent| BudgetState { forecast: 0, ..it.budget.state };
    one.name == other.name && without(one) == without(other)
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
        assert!(watch.look(&open, later + Duration::from_secs(3)).is_none(), "the forecast alone is no news");
        let much_later = later + Duration::from_mins(10);
        assert!(watch.look(&open, much_later).is_some(), "it is after a while");
        sandbox.stop().await;
    }
}
