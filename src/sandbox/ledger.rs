//! What was really done, request by request.
use std::collections::VecDeque;

use jiff::Timestamp;
use serde::Serialize;

use crate::catalog::{ConnectorId, OperationId};

/// What a request did to the sandbox's records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Records were read.
    Read,
    /// A record was made.
    Created,
    /// A record was changed.
    Updated,
    /// A record was removed.
    Deleted,
    /// Nothing: the request was refused, or it changed nothing.
    None,
}

/// Which record a request was about.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct RecordRef {
    /// The collection's name, as [`Handle::records`](super::Handle::records) takes it.
    pub collection: String,
    /// The record's id.
    pub id: String,
}

/// One request and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LedgerEntry {
    /// From 1, without a gap.
    pub seq: u64,
    /// When, by the sandbox's clock.
    pub at: Timestamp,
    /// The service that was asked.
    pub service: ConnectorId,
    /// The operation, or `<service>.unknown` if the path is none of the service's.
    pub operation: OperationId,
    /// The HTTP method.
    pub method: String,
    /// The path below the service's base URL, with the query.
    pub path: String,
    /// The status of the answer, also where the connection was cut before it arrived whole.
    pub status: u16,
    /// What it did.
    pub effect: Effect,
    /// The record that it was about, if it was about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record: Option<RecordRef>,
    /// The fault that was put on the request, if one was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<&'static str>,
    /// The rule for clients that the request broke, if it broke one: "came back within a minute after an error".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub breach: Option<&'static str>,
    /// The run and the step that the request says that it is of, where it says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// Whether a person did it, and no request.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub by_hand: bool,
    /// One line for a person: "Created contact Ada Example".
    pub summary: String,
}

/// The entries that are kept, newest last.
#[derive(Debug, Clone)]
pub(crate) struct Ledger {
    entries: VecDeque<LedgerEntry>,
    next: u64,
    limit: usize,
}

impl Ledger {
    /// Keeps at most `limit` entries and forgets the oldest.
    pub(crate) fn new(limit: usize) -> Self {
        // Room that is not used costs nothing, and growing would hold everyone up.
        Self { entries: VecDeque::with_capacity(limit.min(100_000)), next: 1, limit: limit.max(1) }
    }

    /// Adds an entry and gives it its number.
    pub(crate) fn push(&mut self, mut entry: LedgerEntry) {
        entry.seq = self.next;
        self.next += 1;
        if self.entries.len() == self.limit {
            self.entries.pop_front();
        }
        self.entries.push_back(entry);
    }

    /// The number that the next entry will have.
    pub(crate) fn upcoming(&self) -> u64 {
        self.next
    }

    /// The entries with a greater number than `seq`.
    pub(crate) fn since(&self, seq: u64) -> Vec<LedgerEntry> {
        self.after(seq, usize::MAX)
    }

    /// At most so many of them, the oldest first.
    pub(crate) fn after(&self, seq: u64, most: usize) -> Vec<LedgerEntry> {
        let start = self.entries.partition_point(|it| it.seq <= seq);
        self.entries.range(start..).take(most).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(summary: &str) -> LedgerEntry {
        LedgerEntry {
            seq: 0,
            at: Timestamp::UNIX_EPOCH,
            service: ConnectorId::new("highlevel"),
            operation: OperationId::new("highlevel.contacts.get-contact"),
            method: "GET".to_owned(),
            path: "/contacts/1".to_owned(),
            status: 200,
            effect: Effect::Read,
            record: None,
            fault: None,
            breach: None,
            step: None,
            by_hand: false,
            summary: summary.to_owned(),
        }
    }

    #[test]
    fn the_oldest_entries_are_forgotten_and_numbers_go_on() {
        let mut ledger = Ledger::new(2);
        for summary in ["a", "b", "c"] {
            ledger.push(entry(summary));
        }
        let kept: Vec<_> = ledger.since(0).into_iter().map(|it| (it.seq, it.summary)).collect();
        assert_eq!(kept, [(2, "b".to_owned()), (3, "c".to_owned())]);
        assert_eq!((ledger.since(2).len(), ledger.after(0, 1)[0].seq), (1, 2));
        assert!(ledger.since(3).is_empty());
    }
}
