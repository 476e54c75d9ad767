//! Which connections the slots of flows stand for, by flow and by a person's environment: `bindings.json`. It lies beside the
//! flows and not in them, so that a flow can be passed on without anybody's accounts.
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::connector::ConnectionId;
use crate::connector::disk::{self, Lock};
use crate::flow::{FlowId, SlotId};
use crate::record::{Failure, FailureKind};

const NAME: &str = "bindings.json";
const LONGEST: u64 = 16 << 20;

/// By environment: the connections of each slot.
type OfFlow = BTreeMap<String, BTreeMap<SlotId, Vec<ConnectionId>>>;

/// All bindings of a data directory.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Bindings {
    flows: BTreeMap<FlowId, OfFlow>,
}

/// A slot that stands for a connection.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Use {
    /// Of which flow.
    pub flow: FlowId,
    /// In which environment.
    pub environment: String,
    /// Which slot.
    pub slot: SlotId,
}

impl Bindings {
    /// Those of a data directory; without a file there are none.
    ///
    /// # Errors
    /// A [`Failure`] where the file cannot be read or is something else.
    pub fn read(data: &Path) -> Result<Self, Failure> {
        let path = data.join(NAME);
        let failed = |detail: String| {
            let failure = Failure::new(FailureKind::Flow, "The bindings of flows cannot be used").at(path.display().to_string());
            failure.detail(detail).hint("Correct the file at that place, or move it away and bind the flows anew.")
        };
        let bytes = disk::read(&path, LONGEST).map_err(|error| failed(error.to_string()))?;
        let Some(bytes) = bytes else { return Ok(Self::default()) };
        serde_json::from_slice(&bytes).map_err(|error| failed(error.to_string()))
    }

    /// Changes those of a data directory, under a lock, by what the file holds then.
    ///
    /// # Errors
    /// As [`Bindings::read`], or if the file cannot be written.
    pub fn change<T>(data: &Path, change: impl FnOnce(&mut Self) -> T) -> Result<T, Failure> {
        let path = data.join(NAME);
        let failed = |error: std::io::Error| {
            let failure = Failure::new(FailureKind::Machine, format!("Cannot write {}", path.display()));
            failure.detail(error.to_string()).hint("Look at its permissions and at the free space.")
        };
        disk::make(data).map_err(failed)?;
        let _lock = Lock::wait(data, "bindings").map_err(failed)?;
        let mut bindings = Self::read(data)?;
        let before = bindings.clone();
        let result = change(&mut bindings);
        if bindings != before {
            let text = serde_json::to_string_pretty(&bindings).map_err(|error| failed(error.into()))?;
            disk::write(&path, format!("{text}\n").as_bytes()).map_err(failed)?;
        }
        Ok(result)
    }

    /// The connections of a slot; none where it is not bound.
    pub fn of(&self, flow: &FlowId, environment: &str, slot: &SlotId) -> &[ConnectionId] {
        let slots = self.flows.get(flow).and_then(|it| it.get(environment));
        slots.and_then(|it| it.get(slot)).map_or(&[], Vec::as_slice)
    }

    /// The connections of a slot in whatever environment.
    pub fn of_any(&self, flow: &FlowId, slot: &SlotId) -> BTreeSet<&ConnectionId> {
        let environments = self.flows.get(flow).into_iter().flat_map(BTreeMap::values);
        environments.filter_map(|it| it.get(slot)).flatten().collect()
    }

    /// The environments in which a slot is bound.
    pub fn environments(&self, flow: &FlowId, slot: &SlotId) -> impl Iterator<Item = &str> {
        let all = self.flows.get(flow).into_iter().flatten();
        all.filter(|(_, slots)| slots.contains_key(slot)).map(|(name, _)| name.as_str())
    }

    /// All environments in which something is bound.
    pub fn all_environments(&self) -> BTreeSet<&str> {
        self.flows.values().flat_map(BTreeMap::keys).map(String::as_str).collect()
    }

    /// Binds a slot to these connections; to none unbinds it.
    pub fn set(&mut self, flow: &FlowId, environment: &str, slot: &SlotId, connections: Vec<ConnectionId>) {
        let slots = self.flows.entry(flow.clone()).or_default().entry(environment.to_owned()).or_default();
        if connections.is_empty() {
            slots.remove(slot);
        } else {
            slots.insert(slot.clone(), connections);
        }
        self.tidy();
    }

    /// What uses a connection.
    pub fn uses(&self, connection: &ConnectionId) -> Vec<Use> {
        let mut uses = Vec::new();
        for (flow, environments) in &self.flows {
            for (environment, slots) in environments {
                let bound = slots.iter().filter(|(_, ids)| ids.contains(connection));
                uses.extend(bound.map(|(slot, _)| Use {
                    flow: flow.clone(),
                    environment: environment.clone(),
                    slot: slot.clone(),
                }));
            }
        }
        uses
    }

    /// Takes a connection out of every slot.
    pub fn forget(&mut self, connection: &ConnectionId) {
        for slots in self.flows.values_mut().flat_map(BTreeMap::values_mut) {
            for ids in slots.values_mut() {
                ids.retain(|it| it != connection);
            }
            slots.retain(|_, ids| !ids.is_empty());
        }
        self.tidy();
    }

    fn tidy(&mut self) {
        for environments in self.flows.values_mut() {
            environments.retain(|_, slots| !slots.is_empty());
        }
        self.flows.retain(|_, it| !it.is_empty());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(all: &[&str]) -> Vec<ConnectionId> {
        all.iter().map(|it| ConnectionId::new(it)).collect()
    }

    #[test]
    fn slots_are_bound_an_environment_each_and_a_connection_that_goes_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let (flow, crm, calendar) = (FlowId::new("f"), SlotId::new("crm"), SlotId::new("calendar"));
        assert_eq!(Bindings::read(dir.path()).unwrap(), Bindings::default());
        Bindings::change(dir.path(), |it| {
            it.set(&flow, "live", &crm, ids(&["a", "b"]));
            it.set(&flow, "test", &crm, ids(&["c"]));
            it.set(&flow, "live", &calendar, ids(&["b"]));
        })
        .unwrap();
        let bindings = Bindings::read(dir.path()).unwrap();
        assert_eq!(bindings.of(&flow, "live", &crm), ids(&["a", "b"]));
        assert_eq!(bindings.of(&flow, "test", &crm), ids(&["c"]));
        assert_eq!(bindings.of(&flow, "other", &crm), ids(&[]));
        let uses: Vec<_> =
            bindings.uses(&ConnectionId::new("b")).into_iter().map(|it| (it.environment, it.slot.to_string())).collect();
        assert_eq!(uses, [("live".to_owned(), "calendar".to_owned()), ("live".to_owned(), "crm".to_owned())]);
        Bindings::change(dir.path(), |it| {
            it.forget(&ConnectionId::new("b"));
            it.forget(&ConnectionId::new("c"));
        })
        .unwrap();
        let text = std::fs::read_to_string(dir.path().join(NAME)).unwrap();
        assert_eq!(text.split_whitespace().collect::<String>(), r#"{"f":{"live":{"crm":["a"]}}}"#);
        Bindings::change(dir.path(), |it| it.set(&flow, "live", &crm, Vec::new())).unwrap();
        assert_eq!(std::fs::read_to_string(dir.path().join(NAME)).unwrap(), "{}\n");
    }

    #[test]
    fn a_file_that_is_something_else_is_said_to_be_and_stays() {
        let dir = tempfile::tempdir().unwrap();
        for text in ["[]", "{", r#"{"f":["a"]}"#, r#"{"f":{"live":{"crm":"a"}}}"#] {
            std::fs::write(dir.path().join(NAME), text).unwrap();
            let failure = Bindings::read(dir.path()).unwrap_err();
            assert!(failure.at.ends_with(NAME) && !failure.detail.is_empty() && !failure.hint.is_empty(), "{failure}");
            assert!(Bindings::change(dir.path(), |it| *it = Bindings::default()).is_err());
            assert_eq!(std::fs::read_to_string(dir.path().join(NAME)).unwrap(), text);
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_bound_is_found_and_what_is_found_was_bound(
            steps in proptest::collection::vec(("[ab]", "[xy]", "[st]", proptest::collection::vec("[1-3]", 0..3)), 0..12),
        ) {
            let mut bindings = Bindings::default();
            let mut map = BTreeMap::new();
            for (flow, environment, slot, connections) in steps {
                let bound: Vec<_> = connections.iter().map(|it| ConnectionId::new(it)).collect();
                bindings.set(&FlowId::new(flow.as_str()), &environment, &SlotId::new(slot.as_str()), bound.clone());
                map.insert((flow, environment, slot), bound);
            }
            let text = serde_json::to_string(&bindings).expect("text");
            let read: Bindings = serde_json::from_str(&text).expect("the same");
            proptest::prop_assert_eq!(&read, &bindings);
            for ((flow, environment, slot), bound) in &map {
                proptest::prop_assert_eq!(read.of(&FlowId::new(flow.as_str()), environment, &SlotId::new(slot.as_str())), bound.as_slice());
            }
            for id in ["1", "2", "3"] {
                let id = ConnectionId::new(id);
                let expected = map.values().filter(|it| it.contains(&id)).count();
                proptest::prop_assert_eq!(read.uses(&id).len(), expected);
            }
        }
    }
}
