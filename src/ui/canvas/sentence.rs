//! What a node does, in one sentence, with the mapped parts told apart.
//!
//! Invariant: pure; the same node and catalogue give the same words.
use serde_json::Value;

use crate::catalog::{Catalog, Counts, Event, EventSource};
use crate::expr::{Expr, Segment, Text};
use crate::flow::{
    Alarm, Binding, Dated, Each, Ending, FlowId, JoinMode, Mapping, NodeKind, Source, StopOutcome, Trigger, WaitFor,
};
use crate::ui::names::Called;

/// The longest part that is shown, in characters.
const LONGEST: usize = 60;

/// A part of a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) text: String,
    /// It comes from a field: a value, or what fills it in.
    pub(crate) strong: bool,
}

/// The sentence.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Sentence(pub(crate) Vec<Part>);

impl Sentence {
    fn say(mut self, text: &str) -> Self {
        self.push(text, false);
        self
    }

    fn show(mut self, text: &str) -> Self {
        self.push(text, true);
        self
    }

    fn bound(mut self, binding: &Binding) -> Self {
        self.fill(binding);
        self
    }

    fn push(&mut self, text: &str, strong: bool) {
        if text.is_empty() {
            return;
        }
        match self.0.last_mut() {
            Some(last) if last.strong == strong => last.text.push_str(text),
            _ => self.0.push(Part { text: text.to_owned(), strong }),
        }
    }

    fn fill(&mut self, binding: &Binding) {
        match &binding.source {
            Source::Value(_) if !binding.names.is_empty() => self.push(&cut(&binding.names.join(", ")), true),
            Source::Value(value) => self.push(&value_words(value), true),
            Source::Expr(source) => self.push(&expression_words(source), true),
            Source::Text(source) => {
                for (text, strong) in text_parts(source) {
                    self.push(&text, strong);
                }
            }
            Source::List(items) => self.push(&count(items.len(), "value"), true),
            Source::Object(fields) => self.push(&count(fields.len(), "field"), true),
        }
    }

    /// As plain words.
    pub(crate) fn plain(&self) -> String {
        self.0.iter().map(|it| it.text.as_str()).collect()
    }
}

/// What a node does; `called` is what the values that it holds are called, as far as that is known.
pub(crate) fn sentence(kind: &NodeKind, catalog: &Catalog, called: Option<&Called>) -> Sentence {
    let empty = Sentence::default;
    match kind {
        NodeKind::Trigger(Trigger::Manual { .. }) => empty().say("Starts when a person or another flow asks for it"),
        NodeKind::Trigger(Trigger::Webhook { path, .. }) => {
            empty().say("Starts when a call arrives at ").show(&format!("/{path}"))
        }
        NodeKind::Trigger(Trigger::Schedule { schedule, .. }) => match (schedule.sentence(), schedule.zone.trim()) {
            (rule, _) if rule.is_empty() => empty().say("Starts by the clock, at times that are still to be said"),
            (rule, "") => empty().show(&rule),
            (rule, zone) => empty().show(&rule).say(", ").say(zone),
        },
        NodeKind::Trigger(Trigger::File { watched, .. }) => match watched.each {
            _ if watched.path.trim().is_empty() => empty().say("Starts from files, which are still to be chosen"),
            Each::File if watched.names.trim().is_empty() => empty().say("Starts for each new file in ").show(watched.name()),
            Each::File => empty().say("Starts for each new ").show(watched.names.trim()).say(" in ").show(watched.name()),
            Each::Row => empty().say("Starts for each new row of ").show(watched.name()),
        },
        NodeKind::Trigger(Trigger::Failed { of: None, .. }) => empty().say("Starts when a run of another flow fails"),
        NodeKind::Trigger(Trigger::Failed { of: Some(flow), .. }) => {
            empty().say("Starts when a run of ").show(flow.as_str()).say(" fails")
        }
        NodeKind::Trigger(Trigger::Ended { of, ending, .. }) => {
            let ends = match ending {
                Ending::Succeeded => " goes well",
                Ending::Any => " ends",
            };
            match of.as_slice() {
                [] => empty().say("Starts when a run of another flow").say(ends),
                of => {
                    let names: Vec<&str> = of.iter().map(FlowId::as_str).collect();
                    empty().say("Starts when a run of ").show(&names.join(" or ")).say(ends)
                }
            }
        }
        NodeKind::Trigger(Trigger::Alert { of, .. }) => {
            let all: Vec<String> =
                Alarm::ALL.iter().filter(|it| of.is_empty() || of.contains(it)).map(ToString::to_string).collect();
            empty().say("Starts when ").show(&all.join(", or "))
        }
        NodeKind::Trigger(Trigger::Event { event, watch, .. }) => match Event::find(event) {
            Some(it) => {
                let service =
                    catalog.connector(event.connector()).map_or_else(|| event.connector().as_str(), |it| it.title.as_str());
                let how = match it.source {
                    EventSource::Webhook { .. } => " tells it",
                    EventSource::Poll(_) => " is asked now and then",
                };
                let start = match &watch.date {
                    Some(date) => empty().show(&date.called(it).meaning(&watch.ahead)),
                    None if it.poll().is_some_and(|it| matches!(it.counts, Counts::Dated { .. })) => {
                        empty().show(&Dated::default().meaning(""))
                    }
                    None => empty().say("Starts on ").show(&it.title),
                };
                start.say(": ").say(service).say(how)
            }
            None => empty().say("Starts on ").show(event.as_str()).say(", which the catalogue does not have"),
        },
        NodeKind::Action { operation, input, .. } => match catalog.operation(operation) {
            Some((_, it)) => operation_sentence(&it.says(), it, input, called),
            None => empty().say("Calls ").show(operation.as_str()).say(", which the catalogue does not have"),
        },
        NodeKind::Http(call) => empty().say("Sends ").show(call.method.as_str()).say(" to ").bound(&call.url),
        NodeKind::Branch { condition } => empty().say("Yes when ").bound(condition),
        NodeKind::Switch { value, cases } => empty().say("By ").bound(value).say(", one of ").show(&count(cases.len(), "way")),
        NodeKind::ForEach { items, parallel, .. } => {
            let how = if *parallel > 1 { format!(", {parallel} at a time") } else { ", one after the other".to_owned() };
            empty().say("For each of ").bound(items).say(&how)
        }
        NodeKind::Join { mode: JoinMode::All } => empty().say("Goes on when every way has arrived"),
        NodeKind::Join { mode: JoinMode::First } => empty().say("Goes on when the first way has arrived"),
        NodeKind::Wait(WaitFor::Duration(it)) => empty().say("Waits ").bound(it),
        NodeKind::Wait(WaitFor::Until(it)) => empty().say("Waits until ").bound(it),
        NodeKind::Set { fields } => {
            let names: Vec<String> = fields.0.keys().take(4).map(|it| title(it)).collect();
            let more = if fields.0.len() > 4 { format!(" and {} more", fields.0.len() - 4) } else { String::new() };
            match fields.0.first_key_value() {
                None => empty().say("Sets no fields yet"),
                Some((name, only)) if fields.0.len() == 1 => empty().say("Sets ").show(&title(name)).say(" to ").bound(only),
                Some(_) => empty().say("Sets ").show(&names.join(", ")).say(&more),
            }
        }
        NodeKind::Lookup { key, rows, .. } => {
            empty().say("Finds ").bound(key).say(" in a table of ").show(&count(rows.len(), "row"))
        }
        NodeKind::Script { code, .. } => empty().say("Runs a script of ").show(&count(code.lines().count(), "line")),
        NodeKind::SubFlow { flow, .. } if flow.as_str().is_empty() => empty().say("Runs a flow that is not chosen yet"),
        NodeKind::SubFlow { flow, .. } => empty().say("Runs ").show(&title(flow.as_str())).say(" and waits for it"),
        NodeKind::Respond { status, .. } => empty().say("Answers the caller with ").bound(status),
        NodeKind::Approval { message } => empty().say("Asks a person: ").bound(message),
        NodeKind::Log { message, .. } => empty().say("Writes ").bound(message),
        NodeKind::Stop { outcome, message } => {
            let how = match outcome {
                StopOutcome::Success => "Ends the run as done",
                StopOutcome::Failure => "Ends the run as failed",
            };
            match message {
                Some(message) => empty().say(how).say(": ").bound(message),
                None => empty().say(how),
            }
        }
    }
}

/// `{{key}}` stands for what the field is filled with; where it is empty, for its label.
fn operation_sentence(
    template: &str,
    operation: &crate::catalog::Operation,
    input: &Mapping,
    called: Option<&Called>,
) -> Sentence {
    let mut out = Sentence::default();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((key, after)) = after.split_once("}}") else { break };
        out.push(before, false);
        if let Some(name) = called.and_then(|it| it.get(key.trim())) {
            out.push(&cut(name), true);
        } else if let Some(binding) = input.0.get(key.trim()) {
            out.fill(binding);
        } else {
            let label = operation.input(key.trim()).map_or_else(|| title(key), |it| it.label().into_owned());
            out.push(&format!("({})", label.to_lowercase()), false);
        }
        rest = after;
    }
    out.push(rest, false);
    out
}

fn value_words(value: &Value) -> String {
    match value {
        Value::String(text) => cut(text),
        Value::Null => "nothing".to_owned(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::Array(items) => count(items.len(), "value"),
        Value::Object(fields) => count(fields.len(), "field"),
    }
}

/// A plain path by its last name, anything else as it is written.
pub(crate) fn expression_words(source: &str) -> String {
    let source = source.trim();
    let Ok(expr) = Expr::parse(source) else { return cut(source) };
    let [reference] = expr.references() else { return cut(source) };
    // A filter or two does not change what the value is of.
    let head = source.split('|').next().unwrap_or(source).trim();
    let only = reference.span.start == 0 && source.get(reference.span.clone()).is_some_and(|it| it == head);
    let compared = ["==", "!=", "<", ">", " and ", " or ", " in ", " is ", "~", "+", "-", "*", "/"];
    let tail = source.get(reference.span.end..).unwrap_or_default();
    if !only || compared.iter().any(|it| tail.contains(it)) {
        return cut(source);
    }
    let keys: Vec<&str> = reference
        .path
        .iter()
        .filter_map(|it| match it {
            Segment::Key(key) => Some(key.as_str()),
            Segment::Index(_) | Segment::Dynamic => None,
        })
        .collect();
    match keys.as_slice() {
        // An id alone says nothing of whose it is.
        [.., owner, "id"] => format!("{} id", title(owner)),
        [.., last] => title(last),
        [] => cut(source),
    }
}

fn text_parts(source: &str) -> Vec<(String, bool)> {
    let Ok(text) = Text::parse(source) else { return vec![(cut(source), true)] };
    if text.is_literal() {
        return vec![(cut(source), true)];
    }
    let mut parts = Vec::new();
    let mut rest = source;
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((inner, after)) = after.split_once("}}") else { break };
        if !before.is_empty() {
            parts.push((one_line(before), false));
        }
        parts.push((expression_words(inner.trim_matches('-')), true));
        rest = after;
    }
    if !rest.is_empty() {
        parts.push((one_line(rest), false));
    }
    parts
}

/// `first_name` and `firstName` are both "First name".
pub(crate) fn title(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 2);
    let mut before_lower = false;
    for letter in name.chars() {
        if letter == '_' || letter == '-' || letter == '.' || letter == ' ' {
            if !out.ends_with(' ') && !out.is_empty() {
                out.push(' ');
            }
            before_lower = false;
            continue;
        }
        if letter.is_uppercase() && before_lower {
            out.push(' ');
        }
        if out.is_empty() {
            out.extend(letter.to_uppercase());
        } else if letter.is_uppercase() && (before_lower || out.ends_with(' ')) {
            out.extend(letter.to_lowercase());
        } else {
            out.push(letter);
        }
        before_lower = letter.is_lowercase() || letter.is_numeric();
    }
    out.trim_end().to_owned()
}

fn one_line(text: &str) -> String {
    text.chars().map(|it| if it.is_control() { ' ' } else { it }).collect()
}

fn cut(text: &str) -> String {
    let text = one_line(text.trim());
    if text.chars().count() <= LONGEST {
        return text;
    }
    text.chars().take(LONGEST - 1).chain(['…']).collect()
}

/// `1 row`, `2 rows`.
pub(crate) fn count(count: usize, one: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {one}s") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::Flow;

    /// With the mapped parts in stars.
    fn marked(it: &Sentence) -> String {
        it.0.iter().map(|part| if part.strong { format!("*{}*", part.text) } else { part.text.clone() }).collect()
    }

    #[test]
    fn every_node_of_the_flows_that_ship_says_what_it_does() {
        let catalog = Catalog::shipped();
        let mut lines = Vec::new();
        for template in crate::ui::template::all() {
            lines.push(format!("# {}", template.flow.name));
            for node in template.flow.nodes.values() {
                lines.push(format!("{}: {}", node.name, marked(&sentence(&node.kind, &catalog, None))));
            }
        }
        insta::assert_snapshot!("sentences", lines.join("\n"));
    }

    #[test]
    fn every_kind_of_node_says_what_it_does() {
        let flow = Flow::parse(include_bytes!("../../flow/file/every_kind.flowyard")).unwrap();
        let catalog = Catalog::shipped();
        for (id, node) in &flow.nodes {
            let said = sentence(&node.kind, &catalog, None).plain();
            assert!(said.len() > 5 && said.chars().next().unwrap().is_uppercase(), "{id}: {said}");
        }
    }

    #[test]
    fn a_date_is_called_as_the_service_calls_it() {
        let said = |date: Value| {
            let node = serde_json::json!({
                "name": "It", "kind": "trigger", "trigger": "event", "event": "highlevel.poll.contact-date", "slot": "crm",
                "watch": {"date": date, "ahead": "3 days"},
            });
            let node: crate::flow::Node = serde_json::from_value(node).unwrap();
            sentence(&node.kind, &Catalog::shipped(), None).plain()
        };
        let birthday = serde_json::json!({"field": "dateOfBirth", "yearly": true, "at": "9:00", "zone": "UTC"});
        assert_eq!(said(birthday), "3 days before \"Date of birth\", each year at 9:00, UTC: HighLevel is asked now and then");
    }

    #[test]
    fn a_path_is_called_by_its_last_name() {
        for (source, words) in [
            ("contact.first_name", "First name"),
            ("save.contact.id", "Contact id"),
            ("person.email | lower", "Email"),
            ("items[0].startTime", "Start time"),
            ("a.b + 1", "a.b + 1"),
            ("find | length > 0", "find | length > 0"),
            ("a.b ~ c.d", "a.b ~ c.d"),
            ("((", "(("),
        ] {
            assert_eq!(expression_words(source), words, "{source}");
        }
    }

    #[test]
    fn names_become_titles() {
        for (name, words) in [("first_name", "First name"), ("startTime", "Start time"), ("CRM", "CRM"), ("a-b", "A b"), ("", "")]
        {
            assert_eq!(title(name), words);
        }
    }
}
