//! What a run changed in the services.
use serde::Serialize;

use super::print::{BAD, DIM, GOOD, Plain, STRONG, WAITING, paint};
use super::words;
use crate::catalog::{Catalog, ConnectorId};
use crate::sandbox::{Effect, LedgerEntry, RecordRef};

/// One change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Change {
    /// The service's id.
    pub(super) service: String,
    /// What happened to the record; none where only the request is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) effect: Option<Effect>,
    /// Which record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) record: Option<RecordRef>,
    /// One line for a person.
    pub(super) summary: String,
}

/// More than this many are counted, and listed only in JSON.
const LISTED: usize = 100;

/// The changes that a sandbox made.
pub(super) fn of_ledger(ledger: &[LedgerEntry]) -> Vec<Change> {
    let changing = ledger.iter().filter(|it| matches!(it.effect, Effect::Created | Effect::Updated | Effect::Deleted));
    let change = |it: &LedgerEntry| Change {
        service: it.service.to_string(),
        effect: Some(it.effect),
        record: it.record.clone(),
        summary: it.summary.clone(),
    };
    changing.map(change).collect()
}

/// The list for a person.
pub(super) fn lines(changes: &[Change], catalog: &Catalog, sandbox: bool) -> Vec<String> {
    if changes.is_empty() {
        let words = if sandbox { "Nothing changed in the sandbox" } else { "No request was sent that changes anything" };
        return vec![paint(DIM, words), String::new()];
    }
    let head = if sandbox { "What changed in the sandbox" } else { "Requests that may have changed something" };
    let mut lines = vec![paint(STRONG, head)];
    let title =
        |it: &Change| catalog.connector(&ConnectorId::new(&it.service)).map_or_else(|| it.service.clone(), |it| it.title.clone());
    let titles: Vec<String> = changes.iter().take(LISTED).map(title).collect();
    let widest = titles.iter().map(|it| it.chars().count()).max().unwrap_or(0);
    for (it, title) in changes.iter().zip(&titles) {
        let mark = match it.effect {
            Some(Effect::Created) => paint(GOOD, "+"),
            Some(Effect::Deleted) => paint(BAD, "-"),
            Some(_) => paint(WAITING, "~"),
            None => "•".to_owned(),
        };
        let record = it.record.as_ref().map(|it| paint(DIM, format_args!("  {}", Plain(&it.id)))).unwrap_or_default();
        lines.push(format!("  {mark} {title:<widest$}  {}{record}", Plain(&it.summary)));
    }
    if changes.len() > LISTED {
        lines.push(format!("  … and {} more", words::count(changes.len() - LISTED, "change")));
    }
    lines.push(String::new());
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_list_is_cut_and_counted() {
        let change = Change { service: "crm".into(), effect: Some(Effect::Created), record: None, summary: "Created x".into() };
        let lines = lines(&vec![change; LISTED + 2], &Catalog::default(), true);
        assert_eq!(lines.len(), LISTED + 3);
        assert!(lines[LISTED + 1].contains("2 changes more"));
    }
}
