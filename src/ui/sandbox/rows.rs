//! The records of a table as rows of text.
//!
//! Invariant: pure; the same records and ledger give the same rows.
use std::collections::HashMap;

use serde_json::Value;

use crate::sandbox::{Effect, Glance, LedgerEntry};

/// A record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) cells: Vec<String>,
    /// What the last run did to it.
    pub(crate) touched: Option<Touch>,
}

/// What a run did to a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Touch {
    Added,
    Changed,
}

impl Touch {
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Added => "new",
            Self::Changed => "changed",
        }
    }
}

/// The most of a text that a cell holds; the rest is in the form.
const CELL: usize = 200;

/// What a run did to the records of both services, by collection and id.
#[derive(Debug, Default)]
pub(crate) struct Touched {
    of: HashMap<String, HashMap<String, Touch>>,
    /// The last entry of the ledger that was taken in.
    pub(crate) seen: u64,
    /// By collection; counts up with every record that is touched.
    versions: HashMap<String, u64>,
}

impl Touched {
    /// Nothing of what was done up to this entry.
    pub(crate) fn from(seq: u64) -> Self {
        Self { seen: seq, ..Self::default() }
    }

    /// Takes in what was done since.
    pub(crate) fn take(&mut self, ledger: Vec<LedgerEntry>) {
        for entry in ledger {
            self.seen = entry.seq;
            let Some(record) = entry.record.filter(|_| !entry.by_hand) else { continue };
            let touch = match entry.effect {
                Effect::Created => Touch::Added,
                Effect::Updated => Touch::Changed,
                Effect::Read | Effect::Deleted | Effect::None => continue,
            };
            let of = self.of.entry(record.collection.clone()).or_default();
            match of.get(&record.id) {
                Some(known) if touch == Touch::Changed || *known == touch => {}
                _ => {
                    of.insert(record.id, touch);
                    *self.versions.entry(record.collection).or_default() += 1;
                }
            }
        }
    }

    /// The ids of a collection's records that were touched, in order.
    pub(crate) fn ids(&self, collection: &str) -> Vec<String> {
        let mut ids: Vec<String> = self.of.get(collection).into_iter().flat_map(HashMap::keys).cloned().collect();
        ids.sort_unstable();
        ids
    }

    /// Counts up with every record of a collection that is touched.
    pub(crate) fn version(&self, collection: &str) -> u64 {
        self.versions.get(collection).copied().unwrap_or_default()
    }

    pub(crate) fn of(&self, collection: &str, id: &str) -> Option<Touch> {
        self.of.get(collection)?.get(id).copied()
    }
}

/// The words that a search is for.
pub(crate) fn words(query: &str) -> Vec<String> {
    query.split_whitespace().map(str::to_lowercase).collect()
}

/// Whether the id or a cell of a record has each of the words, which are in lower case.
pub(crate) fn fits(record: &Glance, words: &[String]) -> bool {
    let cells: Vec<String> = record.values.iter().map(|it| cell(it).to_lowercase()).collect();
    let id = record.id.to_lowercase();
    words.iter().all(|word| id.contains(word.as_str()) || cells.iter().any(|it| it.contains(word.as_str())))
}

/// A record as it is shown.
pub(crate) fn row(record: &Glance, touched: Option<Touch>) -> Row {
    Row { id: record.id.clone(), cells: record.values.iter().map(cell).collect(), touched }
}

/// A field's name as a person reads it: "dateUpdated" is "Date updated".
pub(crate) fn heading(key: &str) -> String {
    crate::ui::canvas::sentence::title(key)
}

/// A value in one line.
pub(crate) fn cell(value: &Value) -> String {
    let text = match value {
        Value::Null => String::new(),
        Value::Bool(true) => "Yes".to_owned(),
        Value::Bool(false) => "No".to_owned(),
        Value::String(text) => minutes(text).unwrap_or_else(|| text.clone()),
        Value::Array(list) if list.iter().all(|it| !it.is_array() && !it.is_object()) => {
            list.iter().map(cell).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    };
    let line: String = text.chars().map(|it| if it.is_control() { ' ' } else { it }).take(CELL + 1).collect();
    match line.char_indices().nth(CELL) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line,
    }
}

/// A moment to the minute, as it is written: the seconds say nothing in a list.
fn minutes(text: &str) -> Option<String> {
    let (day, time) = text.split_once('T')?;
    text.parse::<jiff::Timestamp>().ok()?;
    Some(format!("{day} {}", time.get(..5)?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::catalog::{ConnectorId, OperationId};
    use crate::sandbox::RecordRef;

    fn entry(seq: u64, id: &str, effect: Effect, by_hand: bool) -> LedgerEntry {
        LedgerEntry {
            seq,
            at: jiff::Timestamp::UNIX_EPOCH,
            service: ConnectorId::new("highlevel"),
            operation: OperationId::new("highlevel.contacts.create-contact"),
            method: "POST".to_owned(),
            path: "/contacts/".to_owned(),
            status: 201,
            effect,
            record: Some(RecordRef { collection: "contacts".to_owned(), id: id.to_owned() }),
            fault: None,
            breach: None,
            step: None,
            by_hand,
            summary: String::new(),
        }
    }

    #[test]
    fn what_a_run_touched_is_known_with_how_it_was_touched_first() {
        let mut touched = Touched::from(4);
        touched.take(vec![entry(5, "b", Effect::Updated, false), entry(6, "a", Effect::Created, false)]);
        let version = touched.version("contacts");
        touched.take(vec![
            entry(7, "a", Effect::Updated, false),
            entry(8, "c", Effect::Updated, true),
            entry(9, "d", Effect::Read, false),
        ]);
        assert_eq!((touched.seen, touched.version("contacts")), (9, version), "nothing new was touched");
        assert_eq!(touched.ids("contacts"), ["a", "b"]);
        let of = |id| touched.of("contacts", id);
        assert_eq!((of("a"), of("b"), of("c")), (Some(Touch::Added), Some(Touch::Changed), None));
        assert!(touched.ids("tasks").is_empty());
    }

    #[test]
    fn a_search_finds_every_word_in_any_cell_or_the_id() {
        let record = Glance { place: 0, id: "Xy1".to_owned(), values: vec![json!("Ada"), json!("ada@x.example"), Value::Null] };
        for (query, found) in [("ADA x.", true), ("ada bea", false), ("xY1", true), ("", true), ("null", false)] {
            assert_eq!(fits(&record, &words(query)), found, "{query}");
        }
        assert_eq!(row(&record, None).cells, ["Ada", "ada@x.example", ""]);
    }

    #[test]
    fn a_cell_is_one_short_line() {
        for (value, expected) in [
            (json!(null), ""),
            (json!(true), "Yes"),
            (json!("a\nb"), "a b"),
            (json!("2026-11-25T21:50:13.120Z"), "2026-11-25 21:50"),
            (json!("Tomorrow"), "Tomorrow"),
            (json!(["a", 1]), "a, 1"),
            (json!({"a": 1}), r#"{"a":1}"#),
        ] {
            assert_eq!(cell(&value), expected);
        }
        let long = cell(&json!("ä".repeat(1000)));
        assert_eq!((long.chars().count(), long.ends_with('…')), (CELL + 1, true));
    }
}
