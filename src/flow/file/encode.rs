//! From a flow to its file's text. The same flow gives the same bytes, and a small change a small difference.
use std::fmt::Write as _;

use serde_json::Value;

use crate::flow::schedule::{Missed, Schedule};
use crate::flow::{
    Binding, Case, Each, Ending, Flow, FlowId, Group, HttpBody, HttpCall, JoinMode, Level, Mapping, Missing, Node, NodeKind,
    Note, RetryPolicy, Row, Source, StopOutcome, Trigger, WaitFor, Watched, WebhookAnswer,
};

/// The text of a flow; without `layout` for what a flow does.
pub(super) fn flow(flow: &Flow, format: u64, layout: bool) -> String {
    let Flow { id, name, description, pace, nodes, edges, slots, layout: places, notes, groups } = flow;
    let mut file = Fields::new();
    file.put("flowyard", Out::Plain(format.to_string()));
    file.put("id", text(id.as_str()));
    file.put("name", text(name));
    file.put_if(!description.is_empty(), "description", || text(description));
    file.put_if(!pace.is_default(), "pace", || value(&serde_json::to_value(pace).unwrap_or_default()));
    file.put("slots", object(slots.iter().map(|(id, connector)| (id.as_str(), text(connector.as_str())))));
    file.put("nodes", object(nodes.iter().map(|(id, it)| (id.as_str(), node(it)))));
    file.put(
        "edges",
        Out::List(
            edges
                .iter()
                .map(|edge| {
                    let mut out = Fields::new();
                    out.put("from", text(edge.from.as_str()));
                    out.put("port", text(edge.port.as_str()));
                    out.put("to", text(edge.to.as_str()));
                    Out::Line(Box::new(out.end()))
                })
                .collect(),
        ),
    );
    if layout {
        file.put("layout", object(places.iter().map(|(id, at)| (id.as_str(), pair(*at)))));
        file.put_if(!notes.is_empty(), "notes", || object(notes.iter().map(|(id, it)| (id.as_str(), note(it)))));
        file.put_if(!groups.is_empty(), "groups", || object(groups.iter().map(|(id, it)| (id.as_str(), group(it)))));
    }
    let mut out = String::new();
    file.end().print(&mut out, Some(0));
    out.push('\n');
    out
}

fn pair([x, y]: [i32; 2]) -> Out {
    Out::Plain(format!("[{x}, {y}]"))
}

fn note(it: &Note) -> Out {
    let Note { text: words, at, size } = it;
    let mut out = Fields::new();
    out.put("at", pair(*at));
    out.put("size", pair(*size));
    out.put("text", text(words));
    out.end()
}

fn group(it: &Group) -> Out {
    let Group { title, nodes, parent, folded } = it;
    let mut out = Fields::new();
    out.put("title", text(title));
    if let Some(parent) = parent {
        out.put("parent", text(parent.as_str()));
    }
    out.put_if(*folded, "folded", || Out::Plain("true".to_owned()));
    out.put("nodes", Out::Line(Box::new(Out::List(nodes.iter().map(|it| text(it.as_str())).collect()))));
    out.end()
}

/// What is printed, with its fields in order.
enum Out {
    /// JSON as it is.
    Plain(String),
    List(Vec<Out>),
    Object(Vec<(String, Out)>),
    /// All of it on one line.
    Line(Box<Out>),
}

/// An object under way.
struct Fields(Vec<(String, Out)>);

impl Fields {
    fn new() -> Self {
        Self(Vec::new())
    }

    fn put(&mut self, key: &str, out: Out) {
        self.0.push((key.to_owned(), out));
    }

    fn put_if(&mut self, wanted: bool, key: &str, out: impl FnOnce() -> Out) {
        if wanted {
            self.put(key, out());
        }
    }

    fn end(self) -> Out {
        Out::Object(self.0)
    }
}

impl Out {
    /// Prints at a depth of indentation; without one, on the line.
    fn print(&self, out: &mut String, depth: Option<usize>) {
        match self {
            Self::Plain(json) => out.push_str(json),
            Self::Line(inner) => inner.print(out, None),
            Self::List(items) => {
                block(out, ['[', ']'], depth, items, |out, item, deeper| item.print(out, deeper));
            }
            Self::Object(fields) => block(out, ['{', '}'], depth, fields, |out, (key, item), deeper| {
                quote(out, key);
                out.push_str(": ");
                item.print(out, deeper);
            }),
        }
    }

    fn is_plain(&self) -> bool {
        match self {
            Self::Plain(_) | Self::Line(_) => true,
            Self::List(items) => items.is_empty(),
            Self::Object(fields) => fields.is_empty(),
        }
    }

    /// On one line if nothing in it is a block.
    fn short(self) -> Self {
        let plain = match &self {
            Self::Object(fields) => fields.iter().all(|(_, it)| it.is_plain()),
            _ => true,
        };
        if plain { Self::Line(Box::new(self)) } else { self }
    }
}

fn block<T>(
    out: &mut String,
    ends: [char; 2],
    depth: Option<usize>,
    items: &[T],
    print: impl Fn(&mut String, &T, Option<usize>),
) {
    out.push(ends[0]);
    let deeper = depth.map(|it| it + 1);
    let feed = |out: &mut String, depth: usize| {
        out.push('\n');
        (0..depth).for_each(|_| out.push_str("  "));
    };
    for (nth, item) in items.iter().enumerate() {
        match deeper {
            Some(deeper) => {
                out.push_str(if nth > 0 { "," } else { "" });
                feed(out, deeper);
            }
            None => out.push_str(if nth > 0 { ", " } else { "" }),
        }
        print(out, item, deeper);
    }
    if let Some(depth) = depth.filter(|_| !items.is_empty()) {
        feed(out, depth);
    }
    out.push(ends[1]);
}

fn quote(out: &mut String, text: &str) {
    out.push('"');
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            control if u32::from(control) < 0x20 => {
                // Writing to a string cannot fail.
                write!(out, "\\u{:04x}", u32::from(control)).unwrap_or_default();
            }
            other => out.push(other),
        }
    }
    out.push('"');
}

fn text(text: &str) -> Out {
    let mut out = String::with_capacity(text.len() + 2);
    quote(&mut out, text);
    Out::Plain(out)
}

fn object<'a>(fields: impl Iterator<Item = (&'a str, Out)>) -> Out {
    Out::Object(fields.map(|(key, it)| (key.to_owned(), it)).collect())
}

/// Keys sorted, however the value came about.
fn value(of: &Value) -> Out {
    match of {
        Value::String(it) => text(it),
        Value::Array(items) => Out::List(items.iter().map(value).collect()),
        Value::Object(fields) => {
            let mut sorted: Vec<_> = fields.iter().collect();
            sorted.sort_by_key(|(key, _)| *key);
            object(sorted.into_iter().map(|(key, it)| (key.as_str(), value(it))))
        }
        plain => Out::Plain(plain.to_string()),
    }
}

fn node(node: &Node) -> Out {
    let Node { name, muted, kind } = node;
    let mut out = Fields::new();
    out.put("name", text(name));
    out.put_if(*muted, "muted", || Out::Plain("true".to_owned()));
    let kind_word = match kind {
        NodeKind::Trigger(_) => "trigger",
        NodeKind::Action { .. } => "action",
        NodeKind::Http(_) => "http",
        NodeKind::Branch { .. } => "branch",
        NodeKind::Switch { .. } => "switch",
        NodeKind::ForEach { .. } => "for_each",
        NodeKind::Join { .. } => "join",
        NodeKind::Wait(_) => "wait",
        NodeKind::Set { .. } => "set",
        NodeKind::Lookup { .. } => "lookup",
        NodeKind::Script { .. } => "script",
        NodeKind::SubFlow { .. } => "sub_flow",
        NodeKind::Respond { .. } => "respond",
        NodeKind::Approval { .. } => "approval",
        NodeKind::Log { .. } => "log",
        NodeKind::Stop { .. } => "stop",
    };
    out.put("kind", text(kind_word));
    settings(&mut out, kind);
    out.end()
}

/// What follows the kind. Every field is named, so that a new one cannot be forgotten here.
fn settings(out: &mut Fields, kind: &NodeKind) {
    let truth = || Out::Plain("true".to_owned());
    match kind {
        NodeKind::Trigger(it) => trigger(out, it),
        NodeKind::Action { operation, slot, input, retry: policy } => {
            out.put("operation", text(operation.as_str()));
            out.put("slot", text(slot.as_str()));
            mapping(out, "input", input);
            retry(out, *policy);
        }
        NodeKind::Http(HttpCall { method, url, query, headers, body, slot, retry: policy, repeatable }) => {
            out.put("method", text(method.as_str()));
            out.put("url", binding(url));
            mapping(out, "query", query);
            mapping(out, "headers", headers);
            if let Some(body) = body {
                let (key, filled) = match body {
                    HttpBody::Json(it) => ("json", binding(it)),
                    HttpBody::Form(it) => ("form", fill(it)),
                    HttpBody::Text(it) => ("text", binding(it)),
                };
                let mut fields = Fields::new();
                fields.put(key, filled);
                out.put("body", fields.end().short());
            }
            if let Some(slot) = slot {
                out.put("slot", text(slot.as_str()));
            }
            retry(out, *policy);
            out.put_if(*repeatable, "repeatable", truth);
        }
        NodeKind::Branch { condition } => out.put("condition", binding(condition)),
        NodeKind::Switch { value, cases } => {
            out.put("value", binding(value));
            out.put("cases", Out::List(cases.iter().map(case).collect()));
        }
        NodeKind::ForEach { items, parallel, keep_going, collect } => {
            out.put("items", binding(items));
            out.put_if(*parallel != 1, "parallel", || Out::Plain(parallel.to_string()));
            out.put_if(*keep_going, "keep_going", truth);
            if let Some(collect) = collect {
                out.put("collect", binding(collect));
            }
        }
        NodeKind::Join { mode } => match mode {
            JoinMode::All => {}
            JoinMode::First => out.put("mode", text("first")),
        },
        NodeKind::Wait(WaitFor::Duration(it)) => out.put("duration", binding(it)),
        NodeKind::Wait(WaitFor::Until(it)) => out.put("until", binding(it)),
        NodeKind::Set { fields } => out.put("fields", fill(fields)),
        NodeKind::Lookup { key, rows, ignore_case } => {
            out.put("key", binding(key));
            out.put("rows", Out::List(rows.iter().map(row).collect()));
            out.put_if(*ignore_case, "ignore_case", truth);
        }
        NodeKind::Script { code, input } => {
            let lines = || Out::List(code.split('\n').map(text).collect());
            out.put("code", if code.contains('\n') { lines() } else { text(code) });
            mapping(out, "input", input);
        }
        NodeKind::SubFlow { flow, input } => {
            out.put("flow", text(flow.as_str()));
            mapping(out, "input", input);
        }
        NodeKind::Respond { status, headers, body } => {
            out.put("status", binding(status));
            mapping(out, "headers", headers);
            out.put("body", binding(body));
        }
        NodeKind::Approval { message } => out.put("message", binding(message)),
        NodeKind::Log { level, message } => {
            match level {
                Level::Info => {}
                Level::Warning => out.put("level", text("warning")),
                Level::Error => out.put("level", text("error")),
            }
            out.put("message", binding(message));
        }
        NodeKind::Stop { outcome, message } => {
            out.put(
                "outcome",
                text(match outcome {
                    StopOutcome::Success => "success",
                    StopOutcome::Failure => "failure",
                }),
            );
            if let Some(message) = message {
                out.put("message", binding(message));
            }
        }
    }
}

fn trigger(out: &mut Fields, trigger: &Trigger) {
    match trigger {
        Trigger::Manual { sample } => {
            out.put("trigger", text("manual"));
            out.put_if(!sample.is_null(), "sample", || value(sample));
        }
        Trigger::Webhook { path, answer, delivery_header, delivery_field, sample } => {
            out.put("trigger", text("webhook"));
            out.put("path", text(path));
            match answer {
                WebhookAnswer::Accepted => {}
                WebhookAnswer::Flow => out.put("answer", text("flow")),
            }
            if let Some(header) = delivery_header {
                out.put("delivery_header", text(header));
            }
            if let Some(field) = delivery_field {
                out.put("delivery_field", text(field));
            }
            out.put_if(!sample.is_null(), "sample", || value(sample));
        }
        Trigger::Schedule { schedule: Schedule { rule, zone, missed }, sample } => {
            out.put("trigger", text("schedule"));
            out.put("rule", text(rule));
            out.put("zone", text(zone));
            let word = Missed::ALL.iter().find(|it| it.0 == *missed).map_or("once", |it| it.1);
            out.put_if(*missed != Missed::default(), "missed", || text(word));
            out.put_if(!sample.is_null(), "sample", || value(sample));
        }
        Trigger::File { watched: Watched { path, each, names, all }, sample } => {
            out.put("trigger", text("file"));
            out.put("path", text(path));
            out.put_if(*each == Each::Row, "each", || text("row"));
            out.put_if(!names.is_empty(), "names", || text(names));
            out.put_if(*all, "all", || value(&true.into()));
            out.put_if(!sample.is_null(), "sample", || value(sample));
        }
        Trigger::Failed { of, sample } => {
            out.put("trigger", text("failed"));
            if let Some(flow) = of {
                out.put("of", text(flow.as_str()));
            }
            out.put_if(!sample.is_null(), "sample", || value(sample));
        }
        Trigger::Ended { of, ending, sample } => {
            out.put("trigger", text("ended"));
            out.put_if(!of.is_empty(), "of", || value(&of.iter().map(FlowId::as_str).collect()));
            out.put_if(*ending == Ending::Any, "ending", || text("any"));
            out.put_if(!sample.is_null(), "sample", || value(sample));
        }
        Trigger::Alert { of, sample } => {
            out.put("trigger", text("alert"));
            out.put_if(!of.is_empty(), "of", || Out::Line(Box::new(Out::List(of.iter().map(|it| text(it.name())).collect()))));
            out.put_if(!sample.is_null(), "sample", || value(sample));
        }
        Trigger::Event { event, slot, input, watch, sample } => {
            out.put("trigger", text("event"));
            out.put("event", text(event.as_str()));
            out.put("slot", text(slot.as_str()));
            out.put_if(!input.is_empty(), "input", || value(&input.clone().into_iter().collect()));
            out.put_if(!watch.is_default(), "watch", || value(&serde_json::to_value(watch).unwrap_or_default()));
            out.put_if(!sample.is_null(), "sample", || value(sample));
        }
    }
}

fn case(case: &Case) -> Out {
    let Case { port, equals } = case;
    let mut out = Fields::new();
    out.put("port", text(port.as_str()));
    out.put("equals", binding(equals));
    out.end().short()
}

fn row(row: &Row) -> Out {
    let Row { key, value: found } = row;
    let mut out = Fields::new();
    out.put("key", value(key));
    out.put("value", value(found));
    out.end().short()
}

fn retry(out: &mut Fields, policy: RetryPolicy) {
    let RetryPolicy { attempts, first_ms, longest_ms } = policy;
    out.put_if(policy != RetryPolicy::default(), "retry", || {
        Out::Plain(format!("{{\"attempts\": {attempts}, \"first_ms\": {first_ms}, \"longest_ms\": {longest_ms}}}"))
    });
}

fn mapping(out: &mut Fields, key: &str, mapping: &Mapping) {
    out.put_if(!mapping.is_empty(), key, || fill(mapping));
}

fn fill(mapping: &Mapping) -> Out {
    object(mapping.0.iter().map(|(key, it)| (key.as_str(), binding(it))))
}

fn binding(of: &Binding) -> Out {
    let Binding { source, missing, names } = of;
    let mut out = Fields::new();
    match source {
        Source::Value(it) => out.put("value", value(it)),
        Source::Text(it) => out.put("text", text(it)),
        Source::Expr(it) => out.put("expr", text(it)),
        Source::List(items) => out.put("list", Out::List(items.iter().map(binding).collect())),
        Source::Object(fields) => out.put("object", object(fields.iter().map(|(key, it)| (key.as_str(), binding(it))))),
    }
    out.put_if(!names.is_empty(), "names", || Out::List(names.iter().map(|it| text(it)).collect()).short());
    match missing {
        Missing::Stop => {}
        Missing::Skip => out.put("missing", text("skip")),
        Missing::Default(default) => {
            let mut fields = Fields::new();
            fields.put("default", value(default));
            out.put("missing", fields.end().short());
        }
    }
    out.end().short()
}
