//! The data that expressions are evaluated against.
use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;

/// Where an evaluation finds its data, its time and its zone.
pub trait Scope {
    /// The data behind the first name of a path. Asked only for names that the expression speaks of.
    fn root(&self, name: &str) -> Option<Arc<Value>>;

    /// What `now()` is.
    fn now(&self) -> Timestamp;

    /// The zone of dates for which the expression names none.
    fn zone(&self) -> &TimeZone {
        static UTC: TimeZone = TimeZone::UTC;
        &UTC
    }

    /// Every name that `root` answers: for completion and "did you mean".
    fn roots(&self) -> Vec<String>;
}

/// The plain scope: names and values, a time, a zone.
#[derive(Debug, Clone)]
pub struct Data {
    roots: BTreeMap<String, Arc<Value>>,
    now: Timestamp,
    zone: TimeZone,
}

impl Data {
    /// No names yet; the zone is UTC.
    pub fn new(now: Timestamp) -> Self {
        Self { roots: BTreeMap::new(), now, zone: TimeZone::UTC }
    }

    /// With one more name; replaces what it had.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<Arc<Value>>) -> Self {
        self.roots.insert(name.into(), value.into());
        self
    }

    /// In another zone.
    #[must_use]
    pub fn in_zone(mut self, zone: TimeZone) -> Self {
        self.zone = zone;
        self
    }
}

impl Scope for Data {
    fn root(&self, name: &str) -> Option<Arc<Value>> {
        self.roots.get(name).cloned()
    }

    fn now(&self) -> Timestamp {
        self.now
    }

    fn zone(&self) -> &TimeZone {
        &self.zone
    }

    fn roots(&self) -> Vec<String> {
        self.roots.keys().cloned().collect()
    }
}
