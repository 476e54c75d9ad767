//! What stands between a connection and the service: its account's budget, and its breaker.
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use sha2::{Digest as _, Sha256};

use super::breaker::{Admitted, Blocked, Breaker, Outcome};
use super::budget::{Bucket, Member};
use super::{BreakerState, BudgetState, Connection, ConnectionId};
use crate::catalog::{BreakerRule, Connector, ConnectorId};

/// All gates, and the budgets that several of them share.
#[derive(Debug, Default)]
pub(super) struct Gates {
    /// By whom budgets are shared with other processes; none where they are of this one alone.
    member: Option<Arc<Member>>,
    by_connection: RwLock<HashMap<ConnectionId, Arc<Gate>>>,
    buckets: Mutex<HashMap<Account, Arc<Bucket>>>,
}

/// One connection's way to its service.
#[derive(Debug)]
pub(super) struct Gate {
    account: Account,
    pub(super) bucket: Option<Arc<Bucket>>,
    breaker: Arc<Mutex<Breaker>>,
}

/// Whom the service counts: what the connection states of its account, or the connection itself if that is nothing.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Account {
    connector: ConnectorId,
    base_url: String,
    fields: BTreeMap<String, String>,
    connection: Option<ConnectionId>,
}

/// The account's zone says nothing about whose account it is.
const ZONE: &str = "time_zone";

impl Account {
    pub(super) fn of(connection: &Connection) -> Self {
        let fields: BTreeMap<_, _> = Self::fields(connection).map(|(key, value)| (key.clone(), value.clone())).collect();
        Self {
            connector: connection.connector.clone(),
            base_url: connection.base_url.clone(),
            connection: fields.is_empty().then(|| connection.id.clone()),
            fields,
        }
    }

    /// What names it and says nothing of it.
    pub(super) fn digest(&self) -> String {
        let mut digest = Sha256::new();
        let lone = self.connection.as_ref().map(|it| ("", it.as_str()));
        let fields = self.fields.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        for part in
            [(self.connector.as_str(), self.base_url.as_str())].into_iter().chain(fields).chain(lone).flat_map(<[&str; 2]>::from)
        {
            digest.update((part.len() as u64).to_le_bytes());
            digest.update(part);
        }
        digest
            .finalize()
            .iter()
            .take(16)
            .flat_map(|it| [it >> 4, it & 15])
            .filter_map(|it| char::from_digit(it.into(), 16))
            .collect()
    }

    /// Whether the connection still states the same; nothing is copied.
    fn is_of(&self, connection: &Connection) -> bool {
        self.connector == connection.connector
            && self.base_url == connection.base_url
            && self.fields.iter().eq(Self::fields(connection))
    }

    fn fields(connection: &Connection) -> impl Iterator<Item = (&String, &String)> {
        connection.account.iter().filter(|(key, value)| *key != ZONE && !value.is_empty())
    }
}

impl Gates {
    /// Gates whose budgets are shared by all that use this data directory.
    pub(super) fn at(data: Option<&Path>) -> Self {
        Self { member: data.map(|it| Arc::new(Member::of(it))), ..Self::default() }
    }

    /// The gate of a connection. Without its connector the rates are not known; if it was met with it before, they are.
    pub(super) fn of(&self, connection: &Connection, connector: Option<&Connector>) -> Arc<Gate> {
        if let Some(gate) = self.get(&connection.id)
            && gate.account.is_of(connection)
            && (gate.bucket.is_some() || connector.is_none_or(|it| !is_limited(it)))
        {
            return gate;
        }
        let account = Account::of(connection);
        let bucket = connector.filter(|it| is_limited(it)).map(|it| {
            let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
            let bucket = buckets.entry(account.clone()).or_insert_with(|| {
                let digest = account.digest();
                let shared = self.member.as_ref().map(|member| (Arc::clone(member), digest.as_str()));
                Arc::new(Bucket::new(&it.rates, shared))
            });
            Arc::clone(bucket)
        });
        let mut gates = self.by_connection.write().unwrap_or_else(PoisonError::into_inner);
        // The breaker belongs to the connection, whatever else of it changes.
        let breaker = gates.get(&connection.id).map(|it| Arc::clone(&it.breaker)).unwrap_or_default();
        let gate = Arc::new(Gate { account, bucket, breaker });
        gates.insert(connection.id.clone(), Arc::clone(&gate));
        gate
    }

    fn get(&self, id: &ConnectionId) -> Option<Arc<Gate>> {
        self.by_connection.read().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    pub(super) fn budget(&self, id: &ConnectionId) -> Option<BudgetState> {
        self.get(id)?.bucket.as_ref()?.state()
    }

    pub(super) fn breaker(&self, id: &ConnectionId) -> BreakerState {
        self.get(id).map(|it| it.breaker().state()).unwrap_or_default()
    }

    pub(super) fn close(&self, id: &ConnectionId) {
        if let Some(gate) = self.get(id) {
            gate.breaker().close();
        }
    }

    /// The state of a breaker that changed since it was last asked for here.
    pub(super) fn unsaved(&self, id: &ConnectionId) -> Option<BreakerState> {
        self.get(id)?.breaker().unsaved()
    }

    pub(super) fn restore(&self, id: ConnectionId, state: BreakerState) {
        let mut gates = self.by_connection.write().unwrap_or_else(PoisonError::into_inner);
        let gate = gates.entry(id.clone()).or_insert_with(|| {
            let account = Account {
                connector: ConnectorId::new(""),
                base_url: String::new(),
                fields: BTreeMap::new(),
                connection: Some(id),
            };
            Arc::new(Gate { account, bucket: None, breaker: Arc::default() })
        });
        *gate.breaker() = Breaker::new(state);
    }
}

fn is_limited(connector: &Connector) -> bool {
    !connector.rates.is_empty() || connector.limit_headers.is_some()
}

impl Gate {
    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the breaker would let a request go now.
    pub(super) fn peek(&self, now: jiff::Timestamp) -> Result<(), Blocked> {
        self.breaker().peek(now)
    }

    /// Lets one request go.
    pub(super) fn pass(self: &Arc<Self>, rule: BreakerRule, now: jiff::Timestamp) -> Result<Pass, Blocked> {
        let admitted = self.breaker().admit(now)?;
        Ok(Pass { gate: Arc::clone(self), rule, admitted: Some(admitted) })
    }
}

/// A request that the breaker lets go; dropped without a word, its place is free again.
#[derive(Debug)]
pub(super) struct Pass {
    gate: Arc<Gate>,
    rule: BreakerRule,
    admitted: Option<Admitted>,
}

impl Pass {
    pub(super) fn record(mut self, outcome: Outcome, now: jiff::Timestamp) {
        if let Some(admitted) = self.admitted.take() {
            self.gate.breaker().record(admitted, &self.rule, outcome, now);
        }
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        if let Some(admitted) = self.admitted.take() {
            self.gate.breaker().release(admitted);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::AuthKind;

    fn connection(id: &str, account: &[(&str, &str)]) -> Connection {
        Connection {
            account: account.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
            ..Connection::new(id, id, ConnectorId::new("x"), "https://a.b", AuthKind::None)
        }
    }

    fn connector() -> Connector {
        serde_json::from_value(serde_json::json!({
            "id": "x", "title": "X", "environments": [], "auth": [], "rates": [{"requests": 5, "per_ms": 1000}],
        }))
        .unwrap()
    }

    #[test]
    fn connections_to_one_account_share_its_budget() {
        let (gates, x) = (Gates::default(), connector());
        let bucket = |it: &Connection| gates.of(it, Some(&x)).bucket.clone().unwrap();
        let one = bucket(&connection("a", &[("location_id", "L1"), ("time_zone", "UTC")]));
        let same = bucket(&connection("b", &[("location_id", "L1")]));
        let other = bucket(&connection("c", &[("location_id", "L2")]));
        let (lone, alone) = (bucket(&connection("d", &[])), bucket(&connection("e", &[("time_zone", "UTC")])));
        assert!(Arc::ptr_eq(&one, &same));
        assert!(!Arc::ptr_eq(&one, &other) && !Arc::ptr_eq(&lone, &alone));
    }

    #[test]
    fn a_connection_whose_account_changes_gets_another_budget_and_keeps_its_breaker() {
        let (gates, x) = (Gates::default(), connector());
        let before = gates.of(&connection("a", &[("location_id", "L1")]), Some(&x));
        let open = BreakerState::Open { since: jiff::Timestamp::UNIX_EPOCH, failures: 3 };
        gates.restore(ConnectionId::new("a"), open);
        let after = gates.of(&connection("a", &[("location_id", "L2")]), Some(&x));
        assert!(!Arc::ptr_eq(before.bucket.as_ref().unwrap(), after.bucket.as_ref().unwrap()));
        assert_eq!(gates.breaker(&ConnectionId::new("a")), open);
        assert_eq!(gates.unsaved(&ConnectionId::new("a")), None);
        gates.close(&ConnectionId::new("a"));
        assert_eq!(gates.unsaved(&ConnectionId::new("a")), Some(BreakerState::default()));
    }

    #[test]
    fn a_breaker_restored_before_its_connection_is_met_holds() {
        let (gates, x) = (Gates::default(), connector());
        let open = BreakerState::Open { since: jiff::Timestamp::UNIX_EPOCH, failures: 3 };
        gates.restore(ConnectionId::new("a"), open);
        let gate = gates.of(&connection("a", &[]), Some(&x));
        assert_eq!(gate.peek(jiff::Timestamp::now()), Err(Blocked { until: None }));
        assert!(gates.budget(&ConnectionId::new("a")).is_some_and(|it| it.max == 5));
    }

    #[test]
    fn the_generic_call_keeps_the_budget_that_the_catalog_gave() {
        let (gates, x) = (Gates::default(), connector());
        let it = connection("a", &[]);
        assert!(gates.of(&it, None).bucket.is_none());
        let known = gates.of(&it, Some(&x)).bucket.clone().unwrap();
        assert!(Arc::ptr_eq(&known, gates.of(&it, None).bucket.as_ref().unwrap()));
    }
}
