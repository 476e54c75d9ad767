//! The records of a table as rows of text.
//!
//! Invariant: pure; the same records and ledger give the same rows.
use std::collections::BTreeMap;

use serde_json::Value;

use crate::sandbox::{Effect, LedgerEntry, Table};

/// A table, made ready to be shown.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Grid {
    pub(crate) columns: Vec<String>,
    pub(crate) rows: Vec<Row>,
    /// Records that the search left out.
    pub(crate) hidden: usize,
}

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

/// The rows whose cells or ids hold the words, those that a run has touched first, else the newest first.
pub(crate) fn grid(table: &Table, records: &[Value], ledger: &[LedgerEntry], query: &str) -> Grid {
    let mut touched: BTreeMap<&str, Touch> = BTreeMap::new();
    for entry in ledger.iter().filter(|it| !it.by_hand) {
        let Some(record) = entry.record.as_ref().filter(|it| it.collection == table.collection) else { continue };
        match entry.effect {
            Effect::Created => drop(touched.insert(&record.id, Touch::Added)),
            Effect::Updated => drop(touched.entry(&record.id).or_insert(Touch::Changed)),
            Effect::Read | Effect::Deleted | Effect::None => {}
        }
    }
    let words: Vec<String> = query.split_whitespace().map(str::to_lowercase).collect();
    let row = |record: &Value| {
        let id = cell(record.get("id").unwrap_or(&Value::Null));
        let cells: Vec<String> = table.columns.iter().map(|it| cell(record.get(*it).unwrap_or(&Value::Null))).collect();
        let touched = touched.get(id.as_str()).copied();
        Row { id, cells, touched }
    };
    let fits = |row: &Row| {
        words
            .iter()
            .all(|word| row.id.to_lowercase().contains(word) || row.cells.iter().any(|it| it.to_lowercase().contains(word)))
    };
    let mut rows: Vec<Row> = records.iter().rev().map(row).filter(fits).collect();
    rows.sort_by_key(|it| it.touched.is_none());
    Grid { columns: table.columns.iter().map(|it| heading(it)).collect(), hidden: records.len() - rows.len(), rows }
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

    fn contacts() -> &'static Table {
        Table::ALL.iter().find(|it| it.collection == "contacts").unwrap()
    }

    fn entry(id: &str, effect: Effect, by_hand: bool) -> LedgerEntry {
        LedgerEntry {
            seq: 1,
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
            by_hand,
            summary: String::new(),
        }
    }

    #[test]
    fn what_a_run_touched_comes_first_and_says_how() {
        let records: Vec<Value> = ["a", "b", "c", "d"].map(|id| json!({ "id": id, "firstName": id, "tags": ["x", "y"] })).into();
        let ledger = [
            entry("b", Effect::Updated, false),
            entry("a", Effect::Created, false),
            entry("a", Effect::Updated, false),
            entry("c", Effect::Updated, true),
            entry("d", Effect::Read, false),
        ];
        let grid = grid(contacts(), &records, &ledger, "");
        let rows: Vec<_> = grid.rows.iter().map(|it| (it.id.as_str(), it.touched)).collect();
        assert_eq!(rows, [("b", Some(Touch::Changed)), ("a", Some(Touch::Added)), ("d", None), ("c", None)]);
        assert_eq!(grid.rows[0].cells[4], "x, y");
        assert_eq!(grid.columns[0], "First name");
    }

    #[test]
    fn a_search_finds_every_word_in_any_cell() {
        let records =
            [json!({ "id": "1", "firstName": "Ada", "email": "ada@x.example" }), json!({ "id": "2", "firstName": "Bea" })];
        let found = |query: &str| grid(contacts(), &records, &[], query).rows.iter().map(|it| it.id.clone()).collect::<Vec<_>>();
        assert_eq!(found("ADA x."), ["1"]);
        assert_eq!(found("ada bea"), [""; 0]);
        assert_eq!(grid(contacts(), &records, &[], "bea").hidden, 1);
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
