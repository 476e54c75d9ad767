//! From a file's values to a flow; every error names its place.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;

use super::error::Broken;
use super::json::{Item, What};
use super::spot::{Fields, Spot};
use crate::catalog::{ConnectorId, Method, OperationId};
use crate::flow::nearest::nearest;
use crate::flow::schedule::{Missed, Schedule};
use crate::flow::{
    Alarm, Binding, Case, Each, Edge, Ending, Flow, FlowId, Group, GroupId, HttpBody, HttpCall, JoinMode, Level, MAX_EDGES,
    MAX_NODES, Mapping, Missing, Node, NodeId, NodeKind, Note, NoteId, Pace, PortId, RetryPolicy, Row, SlotId, Source,
    StopOutcome, Trigger, WaitFor, Watch, Watched, WebhookAnswer,
};

const KINDS: &[&str] = &[
    "trigger", "action", "http", "branch", "switch", "for_each", "join", "wait", "set", "lookup", "script", "sub_flow",
    "respond", "approval", "log", "stop",
];
const METHODS: &[(&str, Method)] = &[
    ("GET", Method::Get),
    ("POST", Method::Post),
    ("PUT", Method::Put),
    ("PATCH", Method::Patch),
    ("DELETE", Method::Delete),
    ("HEAD", Method::Head),
];

/// The whole file, in today's format.
pub(super) fn flow(file: &Item) -> Result<Flow, Broken> {
    let root = Spot::root(file);
    let mut fields = root.fields()?;
    fields.need("flowyard")?;
    let id = FlowId::new(fields.need("id")?.text()?);
    let name = fields.need("name")?.text()?.to_owned();
    let description = fields.take("description").map(|it| it.text()).transpose()?.unwrap_or_default().to_owned();
    let how_fast = match fields.take("pace") {
        None => Pace::default(),
        Some(spot) => serde_json::from_value(spot.item.to_value()).map_err(|error| spot.broken(error.to_string()))?,
    };
    let mut flow = Flow { description, pace: how_fast, ..Flow::new(id, name) };

    if let Some(slots) = fields.take("slots") {
        for (id, connector) in slots.entries()? {
            flow.slots.insert(SlotId::new(id), ConnectorId::new(connector.text()?));
        }
    }
    if let Some(nodes) = fields.take("nodes") {
        for (id, spot) in nodes.entries()? {
            if flow.nodes.len() >= MAX_NODES {
                return Err(spot.broken(format!("a flow has at most {MAX_NODES} nodes")));
            }
            flow.nodes.insert(NodeId::new(id), Arc::new(node(&spot)?));
        }
    }
    if let Some(edges) = fields.take("edges") {
        for spot in edges.items()? {
            if flow.edges.len() >= MAX_EDGES {
                return Err(spot.broken(format!("a flow has at most {MAX_EDGES} edges")));
            }
            let edge = edge(&flow, &spot)?;
            if !flow.edges.insert(edge) {
                return Err(spot.broken("this edge is there twice"));
            }
        }
    }
    if let Some(layout) = fields.take("layout") {
        for (id, spot) in layout.entries()? {
            let id = known(&flow, &spot, id)?;
            let place = pair(&spot, "a place is two numbers")?;
            flow.layout.insert(id, place);
        }
    }
    if let Some(notes) = fields.take("notes") {
        for (id, spot) in notes.entries()? {
            flow.notes.insert(NoteId::new(id), note(&spot)?);
        }
    }
    if let Some(groups) = fields.take("groups") {
        self::groups(&mut flow, &groups)?;
    }
    fields.end()?;
    Ok(flow)
}

fn pair(spot: &Spot<'_>, expected: &str) -> Result<[i32; 2], Broken> {
    let mut pair = [0; 2];
    let numbers = spot.items()?;
    if numbers.len() != 2 {
        return Err(spot.broken(expected));
    }
    for (to, number) in pair.iter_mut().zip(numbers) {
        *to = number.whole()?;
    }
    Ok(pair)
}

fn note(spot: &Spot<'_>) -> Result<Note, Broken> {
    let mut fields = spot.fields()?;
    let at = pair(&fields.need("at")?, "a place is two numbers")?;
    let size = pair(&fields.need("size")?, "a size is two numbers")?;
    let text = fields.need("text")?.text()?.to_owned();
    fields.end()?;
    Ok(Note { text, at, size })
}

fn groups(flow: &mut Flow, groups: &Spot<'_>) -> Result<(), Broken> {
    for (id, spot) in groups.entries()? {
        let mut fields = spot.fields()?;
        let title = fields.need("title")?.text()?.to_owned();
        let parent = fields.take("parent").map(|it| it.text().map(GroupId::new)).transpose()?;
        let folded = flag(&mut fields, "folded")?;
        let mut group = Group { title, parent, folded, ..Group::default() };
        for spot in fields.need("nodes")?.items()? {
            let node = known(flow, &spot, spot.text()?)?;
            if let Some(other) = flow.group_of(&node) {
                return Err(spot.broken(format!("node \"{node}\" is in the group \"{other}\" already")));
            }
            group.nodes.insert(node);
        }
        fields.end()?;
        flow.groups.insert(GroupId::new(id), group);
    }
    // A parent may come after what is within it.
    for (id, spot) in groups.entries()? {
        let id = GroupId::new(id);
        let mut fields = spot.fields()?;
        let Some(parent) = fields.take("parent") else { continue };
        let name = parent.text()?;
        if !flow.groups.contains_key(&GroupId::new(name)) {
            return Err(parent.broken(format!("there is no group \"{name}\"")));
        }
        if flow.groups_around(&id).any(|it| *it == id) {
            return Err(parent.broken(format!("the group \"{id}\" cannot be within itself")));
        }
    }
    Ok(())
}

fn known(flow: &Flow, spot: &Spot<'_>, id: &str) -> Result<NodeId, Broken> {
    if let Some((id, _)) = flow.nodes.get_key_value(&NodeId::new(id)) {
        return Ok(id.clone());
    }
    let broken = spot.broken(format!("there is no node \"{id}\""));
    Err(match nearest(id, flow.nodes.keys().map(NodeId::as_str)) {
        Some(meant) => broken.hint(format!("Did you mean \"{meant}\"?")),
        None => broken,
    })
}

fn edge(flow: &Flow, spot: &Spot<'_>) -> Result<Edge, Broken> {
    let mut fields = spot.fields()?;
    let from = fields.need("from")?;
    let port = PortId::new(fields.need("port")?.text()?);
    let to = fields.need("to")?;
    let edge = Edge { from: known(flow, &from, from.text()?)?, port, to: known(flow, &to, to.text()?)? };
    fields.end()?;
    Ok(edge)
}

fn node(spot: &Spot<'_>) -> Result<Node, Broken> {
    let mut fields = spot.fields()?;
    let name = fields.need("name")?.text()?.to_owned();
    let muted = flag(&mut fields, "muted")?;
    let kind = kind(&mut fields)?;
    fields.end()?;
    Ok(Node { name, muted, kind })
}

fn kind(fields: &mut Fields<'_>) -> Result<NodeKind, Broken> {
    let kind = fields.need("kind")?;
    Ok(match kind.text()? {
        "trigger" => NodeKind::Trigger(trigger(fields)?),
        "action" => NodeKind::Action {
            operation: OperationId::new(fields.need("operation")?.text()?),
            slot: SlotId::new(fields.need("slot")?.text()?),
            input: mapping(fields, "input")?,
            retry: retry(fields)?,
        },
        "http" => NodeKind::Http(HttpCall {
            method: word(&fields.need("method")?, "method", METHODS)?,
            url: binding(&fields.need("url")?)?,
            query: mapping(fields, "query")?,
            headers: mapping(fields, "headers")?,
            body: fields.take("body").map(|it| body(&it)).transpose()?,
            slot: fields.take("slot").map(|it| it.text().map(SlotId::new)).transpose()?,
            retry: retry(fields)?,
            repeatable: flag(fields, "repeatable")?,
        }),
        "branch" => NodeKind::Branch { condition: binding(&fields.need("condition")?)? },
        "switch" => NodeKind::Switch { value: binding(&fields.need("value")?)?, cases: list(&fields.need("cases")?, case)? },
        "for_each" => NodeKind::ForEach {
            items: binding(&fields.need("items")?)?,
            parallel: fields.take("parallel").map_or(Ok(1), |it| it.whole())?,
            keep_going: flag(fields, "keep_going")?,
            collect: optional(fields, "collect")?,
        },
        "join" => {
            let modes = [("all", JoinMode::All), ("first", JoinMode::First)];
            NodeKind::Join { mode: fields.take("mode").map_or(Ok(JoinMode::All), |it| word(&it, "mode", &modes))? }
        }
        "wait" => NodeKind::Wait(match (fields.take("duration"), fields.take("until")) {
            (Some(duration), None) => WaitFor::Duration(binding(&duration)?),
            (None, Some(until)) => WaitFor::Until(binding(&until)?),
            (Some(_), Some(until)) => return Err(until.broken("a wait has either a duration or an until")),
            (None, None) => WaitFor::Duration(binding(&fields.need("duration")?)?),
        }),
        "set" => NodeKind::Set { fields: fill(&fields.need("fields")?)? },
        "lookup" => NodeKind::Lookup {
            key: binding(&fields.need("key")?)?,
            rows: list(&fields.need("rows")?, row)?,
            ignore_case: flag(fields, "ignore_case")?,
        },
        "script" => NodeKind::Script { code: code(&fields.need("code")?)?, input: mapping(fields, "input")? },
        "sub_flow" => NodeKind::SubFlow { flow: FlowId::new(fields.need("flow")?.text()?), input: mapping(fields, "input")? },
        "respond" => NodeKind::Respond {
            status: binding(&fields.need("status")?)?,
            headers: mapping(fields, "headers")?,
            body: binding(&fields.need("body")?)?,
        },
        "approval" => NodeKind::Approval { message: binding(&fields.need("message")?)? },
        "log" => {
            let levels = [("info", Level::Info), ("warning", Level::Warning), ("error", Level::Error)];
            let level = fields.take("level").map_or(Ok(Level::Info), |it| word(&it, "level", &levels))?;
            NodeKind::Log { level, message: binding(&fields.need("message")?)? }
        }
        "stop" => {
            let outcomes = [("success", StopOutcome::Success), ("failure", StopOutcome::Failure)];
            let outcome = word(&fields.need("outcome")?, "outcome", &outcomes)?;
            NodeKind::Stop { outcome, message: optional(fields, "message")? }
        }
        other => return Err(kind.unknown_word("kind of node", other, KINDS)),
    })
}

fn trigger(fields: &mut Fields<'_>) -> Result<Trigger, Broken> {
    let kind = fields.need("trigger")?;
    let text = |it: Spot<'_>| it.text().map(str::to_owned);
    Ok(match kind.text()? {
        "manual" => Trigger::Manual { sample: value(fields.take("sample")) },
        "webhook" => {
            let answers = [("accepted", WebhookAnswer::Accepted), ("flow", WebhookAnswer::Flow)];
            Trigger::Webhook {
                path: text(fields.need("path")?)?,
                answer: fields.take("answer").map_or(Ok(WebhookAnswer::Accepted), |it| word(&it, "answer", &answers))?,
                delivery_header: fields.take("delivery_header").map(text).transpose()?,
                delivery_field: fields.take("delivery_field").map(text).transpose()?,
                sample: value(fields.take("sample")),
            }
        }
        "schedule" => Trigger::Schedule {
            schedule: Schedule {
                rule: text(fields.need("rule")?)?,
                zone: text(fields.need("zone")?)?,
                missed: match fields.take("missed") {
                    Some(it) => word(&it, "way with missed times", &Missed::ALL.map(|(missed, word, _)| (word, missed)))?,
                    None => Missed::default(),
                },
            },
            sample: value(fields.take("sample")),
        },
        "file" => Trigger::File {
            watched: Watched {
                path: text(fields.need("path")?)?,
                each: fields
                    .take("each")
                    .map_or(Ok(Each::File), |it| word(&it, "thing", &[("file", Each::File), ("row", Each::Row)]))?,
                names: fields.take("names").map(text).transpose()?.unwrap_or_default(),
                all: flag(fields, "all")?,
            },
            sample: value(fields.take("sample")),
        },
        "failed" => Trigger::Failed {
            of: fields.take("of").map(text).transpose()?.map(|it| FlowId::from(it.as_str())),
            sample: value(fields.take("sample")),
        },
        "ended" => Trigger::Ended {
            of: fields.take("of").map_or(Ok(Vec::new()), |spot| {
                serde_json::from_value(spot.item.to_value()).map_err(|_no_list| spot.broken("it is a list of flows' ids"))
            })?,
            ending: fields.take("ending").map_or(Ok(Ending::Succeeded), |it| {
                word(&it, "kind of end", &[("succeeded", Ending::Succeeded), ("any", Ending::Any)])
            })?,
            sample: value(fields.take("sample")),
        },
        "alert" => Trigger::Alert {
            of: match fields.take("of") {
                None => BTreeSet::new(),
                Some(spot) => {
                    let known = Alarm::ALL.map(|it| (it.name(), it));
                    list(&spot, |it| word(it, "kind of alert", &known))?.into_iter().collect()
                }
            },
            sample: value(fields.take("sample")),
        },
        "event" => Trigger::Event {
            event: OperationId::new(fields.need("event")?.text()?),
            slot: SlotId::new(fields.need("slot")?.text()?),
            input: values(fields.take("input"))?,
            watch: match fields.take("watch") {
                None => Watch::default(),
                Some(spot) => serde_json::from_value(spot.item.to_value()).map_err(|error| spot.broken(error.to_string()))?,
            },
            sample: value(fields.take("sample")),
        },
        other => {
            return Err(kind.unknown_word(
                "trigger",
                other,
                &["manual", "webhook", "schedule", "file", "failed", "ended", "alert", "event"],
            ));
        }
    })
}

fn value(spot: Option<Spot<'_>>) -> Value {
    spot.map(|it| it.item.to_value()).unwrap_or_default()
}

/// An object's fields, as they stand.
fn values(spot: Option<Spot<'_>>) -> Result<BTreeMap<String, Value>, Broken> {
    let Some(spot) = spot else { return Ok(BTreeMap::new()) };
    match spot.item.to_value() {
        Value::Object(fields) => Ok(fields.into_iter().collect()),
        _ => Err(spot.broken("it is an object of what was chosen")),
    }
}

fn flag(fields: &mut Fields<'_>, key: &'static str) -> Result<bool, Broken> {
    fields.take(key).map_or(Ok(false), |it| it.flag())
}

fn word<T: Copy>(spot: &Spot<'_>, what: &str, words: &[(&str, T)]) -> Result<T, Broken> {
    let text = spot.text()?;
    let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
    words.iter().find(|(word, _)| *word == text).map(|(_, it)| *it).ok_or_else(|| spot.unknown_word(what, text, &known))
}

fn list<'a, T>(spot: &'a Spot<'a>, one: impl Fn(&Spot<'a>) -> Result<T, Broken>) -> Result<Vec<T>, Broken> {
    spot.items()?.map(|it| one(&it)).collect()
}

fn case(spot: &Spot<'_>) -> Result<Case, Broken> {
    let mut fields = spot.fields()?;
    let case = Case { port: PortId::new(fields.need("port")?.text()?), equals: binding(&fields.need("equals")?)? };
    fields.end()?;
    Ok(case)
}

fn row(spot: &Spot<'_>) -> Result<Row, Broken> {
    let mut fields = spot.fields()?;
    let row = Row { key: fields.need("key")?.item.to_value(), value: fields.need("value")?.item.to_value() };
    fields.end()?;
    Ok(row)
}

/// Text, or its lines.
fn code(spot: &Spot<'_>) -> Result<String, Broken> {
    if matches!(spot.item.what, What::Text(_)) {
        return spot.text().map(str::to_owned);
    }
    let lines: Vec<String> = list(spot, |it| it.text().map(str::to_owned))?;
    Ok(lines.join("\n"))
}

fn retry(fields: &mut Fields<'_>) -> Result<RetryPolicy, Broken> {
    let usual = RetryPolicy::default();
    let Some(spot) = fields.take("retry") else { return Ok(usual) };
    let mut fields = spot.fields()?;
    let policy = RetryPolicy {
        attempts: fields.take("attempts").map_or(Ok(usual.attempts), |it| it.whole())?,
        first_ms: fields.take("first_ms").map_or(Ok(usual.first_ms), |it| it.whole())?,
        longest_ms: fields.take("longest_ms").map_or(Ok(usual.longest_ms), |it| it.whole())?,
    };
    fields.end()?;
    Ok(policy)
}

fn mapping(fields: &mut Fields<'_>, key: &'static str) -> Result<Mapping, Broken> {
    fields.take(key).map_or_else(|| Ok(Mapping::default()), |it| fill(&it))
}

fn fill(spot: &Spot<'_>) -> Result<Mapping, Broken> {
    Ok(Mapping(bindings(spot)?))
}

fn bindings(spot: &Spot<'_>) -> Result<BTreeMap<String, Binding>, Broken> {
    spot.entries()?.map(|(key, it)| Ok((key.to_owned(), binding(&it)?))).collect()
}

fn optional(fields: &mut Fields<'_>, key: &'static str) -> Result<Option<Binding>, Broken> {
    fields.take(key).map(|it| binding(&it)).transpose()
}

fn body(spot: &Spot<'_>) -> Result<HttpBody, Broken> {
    let mut fields = spot.fields()?;
    let found = [fields.take("json"), fields.take("form"), fields.take("text")];
    let body = match found {
        [Some(it), None, None] => HttpBody::Json(binding(&it)?),
        [None, Some(it), None] => HttpBody::Form(fill(&it)?),
        [None, None, Some(it)] => HttpBody::Text(binding(&it)?),
        _ => return fields.end().and_then(|()| Err(spot.broken("a body has exactly one of json, form and text"))),
    };
    fields.end()?;
    Ok(body)
}

fn binding(spot: &Spot<'_>) -> Result<Binding, Broken> {
    const SOURCES: &str = "value, text, expr, list and object";
    let mut fields = match spot.fields() {
        Ok(fields) => fields,
        Err(broken) => {
            return Err(broken.hint("A field is filled by an object like {\"value\": …}, {\"text\": …} or {\"expr\": …}."));
        }
    };
    let found = [fields.take("value"), fields.take("text"), fields.take("expr"), fields.take("list"), fields.take("object")];
    let missing = fields.take("missing").map_or(Ok(Missing::Stop), |it| missing(&it))?;
    let source = match found {
        [Some(it), None, None, None, None] => Source::Value(it.item.to_value()),
        [None, Some(it), None, None, None] => Source::Text(it.text()?.to_owned()),
        [None, None, Some(it), None, None] => Source::Expr(it.text()?.to_owned()),
        [None, None, None, Some(it), None] => Source::List(list(&it, binding)?),
        [None, None, None, None, Some(it)] => Source::Object(bindings(&it)?),
        _ => return fields.end().and_then(|()| Err(spot.broken(format!("a field is filled by exactly one of {SOURCES}")))),
    };
    let names = match fields.take("names") {
        Some(it) if matches!(source, Source::Value(_)) => list(&it, |it| it.text().map(str::to_owned))?,
        Some(it) => return Err(it.broken("only a value can have names: they say what was chosen from a list")),
        None => Vec::new(),
    };
    fields.end()?;
    Ok(Binding { source, missing, names })
}

fn missing(spot: &Spot<'_>) -> Result<Missing, Broken> {
    if let What::Text(_) = spot.item.what {
        let skip = word(spot, "answer to a missing value", &[("stop", false), ("skip", true)])?;
        return Ok(if skip { Missing::Skip } else { Missing::Stop });
    }
    let mut fields = spot.fields()?;
    let default = fields.need("default")?.item.to_value();
    fields.end()?;
    Ok(Missing::Default(default))
}
