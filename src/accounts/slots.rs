//! What the slots of flows stand for: the one place that decides it, for every shell.
//!
//! Invariant: pure. A slot that is bound stands for what it is bound to or for nothing; one that is not, for the only connection
//! that its service has in the environment. A connection of another environment is never taken.
use std::collections::BTreeMap;

use super::Bindings;
use crate::catalog::ConnectorId;
use crate::connector::{Connection, ConnectionId};
use crate::flow::{Flow, FlowId, SlotId};

/// The connections that slots may stand for.
#[derive(Debug, Clone, Copy)]
pub struct Slots<'a> {
    /// All that there are.
    pub connections: &'a [&'a Connection],
    /// What a person bound.
    pub kept: &'a Bindings,
    /// A person's environment, such as [`Connection::LIVE`].
    pub environment: &'a str,
}

/// What a slot stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stand {
    /// A person bound it to these.
    Bound(Vec<ConnectionId>),
    /// It is not bound, and this is the only connection to its service.
    Only(ConnectionId),
    /// It is bound to this one, which is gone, to another service, or of another environment.
    Unfit(ConnectionId),
    /// It is not bound, and there are several.
    Choose(Vec<ConnectionId>),
    /// There is no connection to its service.
    Nothing,
}

impl Stand {
    /// The connections; none where a person has to do something first.
    pub fn connections(&self) -> &[ConnectionId] {
        match self {
            Self::Bound(ids) => ids,
            Self::Only(id) => std::slice::from_ref(id),
            Self::Unfit(_) | Self::Choose(_) | Self::Nothing => &[],
        }
    }
}

impl<'a> Slots<'a> {
    /// What a slot of a flow stands for; `connector` is the service that it needs.
    pub fn of(&self, flow: &FlowId, slot: &SlotId, connector: &ConnectorId) -> Stand {
        let bound = self.kept.of(flow, self.environment, slot);
        if let Some(unfit) = bound.iter().find(|id| !self.fitting(connector).any(|it| it.id == **id)) {
            return Stand::Unfit(unfit.clone());
        }
        if !bound.is_empty() {
            return Stand::Bound(bound.to_vec());
        }
        let fitting: Vec<_> = self.fitting(connector).map(|it| it.id.clone()).collect();
        match fitting.as_slice() {
            [] => Stand::Nothing,
            [only] => Stand::Only(only.clone()),
            _ => Stand::Choose(fitting),
        }
    }

    /// The connections that a slot for this service may stand for.
    pub fn fitting(&self, connector: &ConnectorId) -> impl Iterator<Item = &'a Connection> {
        let (connections, environment) = (self.connections, self.environment);
        let wanted = connector.clone();
        connections.iter().copied().filter(move |it| it.connector == wanted && it.environment == environment)
    }

    /// The slots of a flow with the connections that they stand for.
    pub fn all(&self, flow: &Flow) -> BTreeMap<SlotId, Stand> {
        flow.slots.iter().map(|(slot, connector)| (slot.clone(), self.of(&flow.id, slot, connector))).collect()
    }

    /// The other environments in which a slot is bound, or its service has a connection.
    pub fn elsewhere(&self, flow: &FlowId, slot: &SlotId, connector: &ConnectorId) -> Vec<String> {
        let of_connections = self.connections.iter().filter(|it| it.connector == *connector).map(|it| it.environment.as_str());
        let mut all: Vec<&str> = self.kept.environments(flow, slot).chain(of_connections).collect();
        all.retain(|it| *it != self.environment);
        all.sort_unstable();
        all.dedup();
        all.into_iter().map(str::to_owned).collect()
    }
}

/// For how many accounts a flow runs whose slots stand for these.
///
/// # Errors
/// The slots that have several, and how many each, where that is not the same number.
pub fn accounts(slots: &BTreeMap<SlotId, Vec<ConnectionId>>) -> Result<usize, String> {
    let several: Vec<_> = slots.iter().filter(|(_, ids)| ids.len() > 1).collect();
    let count = several.first().map_or(1, |(_, ids)| ids.len());
    if several.iter().all(|(_, ids)| ids.len() == count) {
        return Ok(count);
    }
    Err(several.iter().map(|(slot, ids)| format!("{slot} has {}", ids.len())).collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::AuthKind;

    fn connection(id: &str, connector: &str, environment: &str) -> Connection {
        let plain = Connection::new(id, id, ConnectorId::new(connector), "http://127.0.0.1:1", AuthKind::None);
        Connection { environment: environment.to_owned(), ..plain }
    }

    #[test]
    fn a_slot_stands_for_what_it_is_bound_to_or_for_the_only_connection_of_its_environment() {
        let all = [connection("a", "crm", "live"), connection("b", "crm", "staging"), connection("c", "mail", "live")];
        let all: Vec<&Connection> = all.iter().collect();
        let (flow, slot, crm) = (FlowId::new("f"), SlotId::new("s"), ConnectorId::new("crm"));
        let mut kept = Bindings::default();
        let stand = |kept: &Bindings, environment: &str, connections: &[&Connection]| {
            Slots { connections, kept, environment }.of(&flow, &slot, &crm)
        };
        let ids = |all: &[&str]| all.iter().map(|it| ConnectionId::new(it)).collect::<Vec<_>>();
        assert_eq!(stand(&kept, "live", &all), Stand::Only(ConnectionId::new("a")));
        assert_eq!(stand(&kept, "staging", &all), Stand::Only(ConnectionId::new("b")));
        assert_eq!(stand(&kept, "other", &all), Stand::Nothing);
        let second = connection("d", "crm", "live");
        let more: Vec<&Connection> = all.iter().copied().chain([&second]).collect();
        assert_eq!(stand(&kept, "live", &more), Stand::Choose(ids(&["a", "d"])));
        kept.set(&flow, "live", &slot, ids(&["d", "a"]));
        assert_eq!(stand(&kept, "live", &more), Stand::Bound(ids(&["d", "a"])));
        assert_eq!(stand(&kept, "live", &all), Stand::Unfit(ConnectionId::new("d")), "it is gone");
        for unfit in ["b", "c"] {
            kept.set(&flow, "live", &slot, ids(&[unfit]));
            assert_eq!(stand(&kept, "live", &all), Stand::Unfit(ConnectionId::new(unfit)), "of another environment, or service");
            assert!(stand(&kept, "live", &all).connections().is_empty());
        }
        let slots = Slots { connections: &all, kept: &kept, environment: "other" };
        assert_eq!(slots.elsewhere(&flow, &slot, &crm), ["live", "staging"]);
    }

    #[test]
    fn slots_with_several_connections_have_as_many_as_each_other() {
        let slots = |all: &[(&str, usize)]| {
            let ids = |count| (0..count).map(|it: usize| ConnectionId::new(&it.to_string())).collect();
            all.iter().map(|(slot, count)| (SlotId::new(*slot), ids(*count))).collect::<BTreeMap<_, _>>()
        };
        assert_eq!(accounts(&slots(&[])), Ok(1));
        assert_eq!(accounts(&slots(&[("a", 1), ("b", 3), ("c", 3)])), Ok(3));
        assert_eq!(accounts(&slots(&[("a", 2), ("b", 3)])), Err("a has 2, b has 3".to_owned()));
    }
}
