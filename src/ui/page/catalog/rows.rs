//! What the page of the catalogue shows, as plain data.
//!
//! Invariant: only the operation whose details are shown is read; lists and counts are made of briefs.
use std::collections::BTreeMap;

use crate::catalog::{Brief, Catalog, Connector, ConnectorId, Hit, Kind, Operation, Repeat, Schema};
use crate::flow::{Mapping, NodeKind, RetryPolicy};
use crate::ui::canvas::sentence::sentence;

/// What the list is narrowed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) connector: ConnectorId,
    /// The heading; none for everything of the service.
    pub(super) title: Option<String>,
}

/// One line of the filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) group: Group,
    pub(super) words: String,
    pub(super) count: usize,
}

impl Group {
    pub(super) fn holds(&self, brief: &Brief) -> bool {
        *brief.id.connector() == self.connector && self.title.as_ref().is_none_or(|it| *it == brief.group)
    }
}

/// The services, each with its headings below it, and how many of the operations found each has.
pub(super) fn lines(catalog: &Catalog, hits: &[Hit]) -> Vec<Line> {
    let mut counts: BTreeMap<(&ConnectorId, &str), usize> = BTreeMap::new();
    for (_, brief) in hits.iter().filter_map(|it| catalog.brief(&it.operation)) {
        *counts.entry((brief.id.connector(), &brief.group)).or_default() += 1;
    }
    let mut lines = Vec::new();
    for connector in catalog.connectors() {
        let own: Vec<_> = counts.iter().filter(|((id, _), _)| **id == connector.id).collect();
        let group = |title: Option<String>| Group { connector: connector.id.clone(), title };
        let count = own.iter().map(|(_, count)| **count).sum();
        lines.push(Line { group: group(None), words: connector.title.clone(), count });
        for ((_, title), count) in own {
            let title = (*title).to_owned();
            lines.push(Line { group: group(Some(title.clone())), words: title, count: *count });
        }
    }
    lines
}

/// A value that goes in, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) label: String,
    pub(super) about: String,
    /// Help, and where its choices come from; may be empty.
    pub(super) help: String,
    /// The heading that it stands under; empty where it needs none.
    pub(super) section: String,
}

/// What goes in, those that are needed first; what is always sent is left out.
pub(super) fn inputs(catalog: &Catalog, connector: &Connector, operation: &Operation) -> Vec<Entry> {
    let asked = operation.inputs.iter().filter(|it| it.fixed.is_none());
    let entry = |it: &crate::catalog::Input| {
        let need = match (&it.account, it.required) {
            (Some(_), _) => ", filled by the connection",
            (None, true) => ", needed",
            (None, false) => "",
        };
        let listed = it.choices.as_ref().and_then(|it| catalog.brief(&it.operation));
        let mut help = vec![it.schema.help.clone()];
        help.extend(listed.map(|(_, it)| format!("Chosen by name: {}.", it.title)));
        help.extend(it.schema.default.as_ref().map(|it| format!("By default {}.", it.as_str().unwrap_or(&it.to_string()))));
        let help = help.join(" ").trim().to_owned();
        let about = format!("{}{need}", type_words(connector, &it.schema));
        // What is needed comes first, whatever it belongs to.
        let section = if it.required { String::new() } else { it.section.clone() };
        Entry { label: it.label().into_owned(), about, help, section }
    };
    asked.map(entry).collect()
}

/// What repeating means, for a person.
pub(super) fn repeat_words(catalog: &Catalog, repeat: &Repeat) -> String {
    match repeat {
        Repeat::Safe => "Can be repeated: a second time changes nothing more.".to_owned(),
        Repeat::SafeWithLookup(lookup) => {
            let how = catalog.brief(&lookup.operation).map_or_else(String::new, |(_, it)| format!(" with “{}”", it.title));
            format!("Where an answer was lost, it is first looked up{how} whether it happened.")
        }
        Repeat::Unsafe => "Where an answer was lost, a person decides whether it is repeated.".to_owned(),
    }
}

/// What a call takes of what the service allows, for a person.
pub(super) fn cost_words(operation: &Operation) -> String {
    let cost = operation.cost();
    let each = if cost.call == 1 { "One request".to_owned() } else { format!("{} requests", cost.call) };
    let pages = if cost.pages { " a page" } else { "" };
    let look_up = if cost.look_up > 0 { ", and one more where an answer was lost" } else { "" };
    format!("{each}{pages}{look_up}.")
}

/// What it says on a card, with the names of fields where their values stand.
pub(super) fn says(catalog: &Catalog, operation: &Operation) -> String {
    let kind = NodeKind::Action {
        operation: operation.id.clone(),
        slot: "".into(),
        input: Mapping::default(),
        retry: RetryPolicy::default(),
    };
    sentence(&kind, catalog, None).plain()
}

fn type_words(connector: &Connector, schema: &Schema) -> &'static str {
    match &connector.resolve(schema).kind {
        Kind::Any | Kind::Ref { .. } | Kind::OneOf { .. } => "any value",
        Kind::Boolean => "yes or no",
        Kind::Integer => "whole number",
        Kind::Number => "number",
        Kind::String { format } if format.starts_with("date") => "date",
        Kind::String { .. } => "text",
        Kind::Array { .. } => "list",
        Kind::Object { .. } => "group of fields",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::OperationId;

    #[test]
    fn the_filter_has_every_heading_and_counts_what_was_found() {
        let catalog = Catalog::shipped();
        let all = lines(&catalog, &catalog.search(""));
        // Five services, 41 headings of one, four of another, one each of mail, of files and of the desktop.
        assert_eq!(all.len(), 5 + 41 + 4 + 1 + 1 + 1);
        let count = |lines: &[Line], words: &str| lines.iter().find(|it| it.words == words).map(|it| it.count);
        assert_eq!(
            (count(&all, "HighLevel"), count(&all, "Contacts"), count(&all, "Schedule it")),
            (Some(576), Some(32), Some(17))
        );
        let found = catalog.search("invoice");
        let some = lines(&catalog, &found);
        assert!(count(&some, "Invoices").is_some_and(|it| it > 20 && it <= found.len()));
        assert_eq!((count(&some, "Surveys"), count(&some, "Schedule it")), (None, Some(0)));
    }

    #[test]
    fn a_group_holds_what_is_of_its_service_and_heading() {
        let catalog = Catalog::shipped();
        let (_, brief) = catalog.brief(&OperationId::new("highlevel.contacts.create-contact")).unwrap();
        for (connector, title, expected) in [
            ("highlevel", None, true),
            ("highlevel", Some("Contacts"), true),
            ("highlevel", Some("Invoices"), false),
            ("schedule_it", None, false),
        ] {
            let group = Group { connector: ConnectorId::new(connector), title: title.map(str::to_owned) };
            assert_eq!(group.holds(brief), expected, "{group:?}");
        }
    }

    #[test]
    fn what_goes_in_is_said_in_words() {
        let catalog = Catalog::shipped();
        let of = |id: &str| {
            let (connector, operation) = catalog.operation(&OperationId::new(id)).unwrap();
            inputs(&catalog, connector, operation)
        };
        let contact = of("highlevel.contacts.create-contact");
        let about = |label: &str| contact.iter().find(|it| it.label == label).map(|it| it.about.as_str());
        assert_eq!(about("Location"), Some("text, filled by the connection"));
        assert_eq!((about("Tags"), about("Do not disturb"), about("Version")), (Some("list"), Some("yes or no"), None));
        let task = of("highlevel.contacts.create-task");
        assert!(task.iter().any(|it| it.about == "date, needed"), "{task:?}");
    }
}
