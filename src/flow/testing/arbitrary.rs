//! Any flow, and any edit of it, for properties.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::civil::Date;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Map, Value};

use crate::catalog::{ConnectorId, Method, OperationId};
use crate::flow::schedule::{Missed, Schedule};
use crate::flow::{
    Alarm, Begin, Binding, Case, Dated, Each, Edge, Edit, Ending, FieldPath, Flow, FlowId, Group, GroupId, HttpBody, HttpCall,
    JoinMode, Level, Mapping, Missing, Node, NodeId, NodeKind, Note, NoteId, Pace, PortId, RetryPolicy, Row, SlotId, Source,
    StopOutcome, Trigger, WaitFor, Watch, Watched, WebhookAnswer,
};

/// Few, so that references, edges and edits meet.
const IDS: &[&str] = &["a", "b", "c", "find", "create_contact", "x1"];
const SLOTS: &[&str] = &["crm", "calendar", "other"];

fn words() -> impl Strategy<Value = String> {
    prop_oneof![Just(String::new()), "[a-zA-Z0-9 ._{}\"\\\\-]{0,12}", any::<String>()]
}

fn node_id() -> impl Strategy<Value = NodeId> {
    select(IDS).prop_map(NodeId::new)
}

fn slot_id() -> impl Strategy<Value = SlotId> {
    select(SLOTS).prop_map(SlotId::new)
}

fn port() -> impl Strategy<Value = PortId> {
    prop_oneof![select(vec!["out", "error", "true", "item", "done"]).prop_map(str::to_owned), words()].prop_map(PortId::new)
}

pub(crate) fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        words().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((words(), inner), 0..4).prop_map(|it| Value::Object(it.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

fn missing() -> impl Strategy<Value = Missing> {
    prop_oneof![3 => Just(Missing::Stop), 1 => Just(Missing::Skip), 1 => values().prop_map(Missing::Default)]
}

fn bindings() -> impl Strategy<Value = Binding> {
    let expression = (select(IDS), "(\\.[a-z]{1,5}){0,2}").prop_map(|(root, path)| format!("{root}{path}"));
    let leaf = prop_oneof![
        values().prop_map(Source::Value),
        words().prop_map(Source::Text),
        expression.clone().prop_map(|it| Source::Text(format!("Hi {{{{ {it} }}}}"))),
        expression.prop_map(Source::Expr),
        words().prop_map(Source::Expr),
    ];
    let binding = |source: BoxedStrategy<Source>| {
        (source, missing(), prop::collection::vec(".{0,6}", 0..3)).prop_map(|(source, missing, names)| {
            let names = if matches!(source, Source::Value(_)) { names } else { Vec::new() };
            Binding { source, missing, names }
        })
    };
    binding(leaf.boxed()).prop_recursive(3, 8, 3, move |inner| {
        let list = prop::collection::vec(inner.clone(), 0..3).prop_map(Source::List);
        let object = prop::collection::btree_map(words(), inner, 0..3).prop_map(Source::Object);
        binding(prop_oneof![list, object].boxed())
    })
}

fn mappings() -> impl Strategy<Value = Mapping> {
    prop::collection::btree_map(prop_oneof![select(vec!["email", "name"]).prop_map(str::to_owned), words()], bindings(), 0..3)
        .prop_map(Mapping)
}

fn retries() -> impl Strategy<Value = RetryPolicy> {
    let any = (any::<u32>(), any::<u64>(), any::<u64>()).prop_map(|(attempts, first_ms, longest_ms)| RetryPolicy {
        attempts,
        first_ms,
        longest_ms,
    });
    prop_oneof![Just(RetryPolicy::default()), Just(RetryPolicy::ONCE), any]
}

fn triggers() -> impl Strategy<Value = Trigger> {
    let webhook = (
        words(),
        select(vec![WebhookAnswer::Accepted, WebhookAnswer::Flow]),
        prop::option::of(words()),
        prop::option::of(words()),
        values(),
    )
        .prop_map(|(path, answer, delivery_header, delivery_field, sample)| Trigger::Webhook {
            path,
            answer,
            delivery_header,
            delivery_field,
            sample,
        });
    let date = (words(), words(), any::<bool>(), words(), words()).prop_map(|(field, name, yearly, at, zone)| Dated {
        field,
        name,
        yearly,
        at,
        zone,
    });
    let begin = select(vec![Begin::Now, Begin::All, Begin::From(Date::constant(2026, 2, 28))]);
    let watch = (words(), begin, words(), prop::option::of(date), any::<bool>(), any::<Option<bool>>())
        .prop_map(|(every, begin, ahead, date, reconcile, whole)| Watch { every, begin, ahead, date, reconcile, whole });
    let event = (words(), words(), prop::collection::btree_map(words(), values(), 0..3), watch, values()).prop_map(
        |(event, slot, input, watch, sample)| Trigger::Event {
            event: OperationId::new(&event),
            slot: SlotId::new(slot),
            input,
            watch,
            sample,
        },
    );
    let schedule = (words(), words(), select(Missed::ALL.map(|it| it.0).to_vec()), values())
        .prop_map(|(rule, zone, missed, sample)| Trigger::Schedule { schedule: Schedule { rule, zone, missed }, sample });
    let file = (words(), select(vec![Each::File, Each::Row]), words(), any::<bool>(), values())
        .prop_map(|(path, each, names, all, sample)| Trigger::File { watched: Watched { path, each, names, all }, sample });
    let failed = (prop::option::of(words()), values())
        .prop_map(|(of, sample)| Trigger::Failed { of: of.map(|it| FlowId::from(it.as_str())), sample });
    let ended = (prop::collection::vec(words(), 0..3), select(vec![Ending::Succeeded, Ending::Any]), values()).prop_map(
        |(of, ending, sample)| {
            let of = of.iter().map(|it| FlowId::from(it.as_str())).collect();
            Trigger::Ended { of, ending, sample }
        },
    );
    let alert = (prop::collection::btree_set(select(Alarm::ALL.to_vec()), 0..3), values())
        .prop_map(|(of, sample)| Trigger::Alert { of, sample });
    prop_oneof![values().prop_map(|sample| Trigger::Manual { sample }), webhook, schedule, event, file, failed, ended, alert]
}

fn calls() -> impl Strategy<Value = HttpCall> {
    let body = prop_oneof![
        bindings().prop_map(HttpBody::Json),
        mappings().prop_map(HttpBody::Form),
        bindings().prop_map(HttpBody::Text)
    ];
    let methods = vec![Method::Get, Method::Post, Method::Put, Method::Patch, Method::Delete, Method::Head];
    let request = (select(methods), bindings(), mappings(), mappings(), prop::option::of(body));
    (request, prop::option::of(slot_id()), retries(), any::<bool>()).prop_map(
        |((method, url, query, headers, body), slot, retry, repeatable)| HttpCall {
            method,
            url,
            query,
            headers,
            body,
            slot,
            retry,
            repeatable,
        },
    )
}

fn kinds() -> impl Strategy<Value = NodeKind> {
    let operation = prop_oneof![Just("crm.contacts.get".to_owned()), words()].prop_map(|it| OperationId::new(&it));
    let action = (operation, slot_id(), mappings(), retries()).prop_map(|(operation, slot, input, retry)| NodeKind::Action {
        operation,
        slot,
        input,
        retry,
    });
    let case = (port(), bindings()).prop_map(|(port, equals)| Case { port, equals });
    let row = (values(), values()).prop_map(|(key, value)| Row { key, value });
    let each = (bindings(), any::<u32>(), any::<bool>(), prop::option::of(bindings()))
        .prop_map(|(items, parallel, keep_going, collect)| NodeKind::ForEach { items, parallel, keep_going, collect });
    let levels = select(vec![Level::Info, Level::Warning, Level::Error]);
    let outcomes = select(vec![StopOutcome::Success, StopOutcome::Failure]);
    prop_oneof![
        triggers().prop_map(NodeKind::Trigger),
        action,
        calls().prop_map(NodeKind::Http),
        bindings().prop_map(|condition| NodeKind::Branch { condition }),
        (bindings(), prop::collection::vec(case, 0..3)).prop_map(|(value, cases)| NodeKind::Switch { value, cases }),
        each,
        select(vec![JoinMode::All, JoinMode::First]).prop_map(|mode| NodeKind::Join { mode }),
        bindings().prop_map(|it| NodeKind::Wait(WaitFor::Duration(it))),
        bindings().prop_map(|it| NodeKind::Wait(WaitFor::Until(it))),
        mappings().prop_map(|fields| NodeKind::Set { fields }),
        (bindings(), prop::collection::vec(row, 0..3), any::<bool>()).prop_map(|(key, rows, ignore_case)| NodeKind::Lookup {
            key,
            rows,
            ignore_case
        }),
        (prop_oneof![words(), "[a-z\n\r]{0,20}"], mappings()).prop_map(|(code, input)| NodeKind::Script { code, input }),
        (words(), mappings()).prop_map(|(flow, input)| NodeKind::SubFlow { flow: FlowId::new(flow), input }),
        (bindings(), mappings(), bindings()).prop_map(|(status, headers, body)| NodeKind::Respond { status, headers, body }),
        bindings().prop_map(|message| NodeKind::Approval { message }),
        (levels, bindings()).prop_map(|(level, message)| NodeKind::Log { level, message }),
        (outcomes, prop::option::of(bindings())).prop_map(|(outcome, message)| NodeKind::Stop { outcome, message }),
    ]
}

fn notes() -> impl Strategy<Value = Note> {
    (words(), any::<[i32; 2]>(), any::<[i32; 2]>()).prop_map(|(text, at, size)| Note { text, at, size })
}

fn group_id() -> impl Strategy<Value = GroupId> {
    select(vec!["one", "two", "three"]).prop_map(GroupId::from)
}

fn groups() -> impl Strategy<Value = Group> {
    let nodes = prop::collection::btree_set(node_id(), 0..3);
    (words(), nodes, prop::option::of(group_id()), any::<bool>()).prop_map(|(title, nodes, parent, folded)| Group {
        title,
        nodes,
        parent,
        folded,
    })
}

fn nodes() -> impl Strategy<Value = Arc<Node>> {
    (words(), any::<bool>(), kinds()).prop_map(|(name, muted, kind)| Arc::new(Node { name, muted, kind }))
}

/// Any flow that keeps the model's invariants, sensible or not.
pub(crate) fn flows() -> impl Strategy<Value = Flow> {
    let nodes = prop::collection::btree_map(prop_oneof![9 => node_id(), 1 => words().prop_map(NodeId::new)], nodes(), 0..6);
    let edges = prop::collection::vec((any::<Index>(), port(), any::<Index>()), 0..8);
    let layout = prop::collection::vec(prop::option::of(any::<[i32; 2]>()), 6);
    let slots = prop::collection::btree_map(slot_id(), words().prop_map(|it| ConnectorId::new(&it)), 0..3);
    let sheets = prop::collection::btree_map(words().prop_map(NoteId::new), notes(), 0..3);
    // Each group is within the one before it, or within none.
    let groups = prop::collection::vec((group_id(), words(), any::<bool>(), any::<bool>()), 0..4);
    let pace = (0..3_u32, any::<bool>()).prop_map(|(at_once, any_order)| Pace { at_once, any_order });
    let named = (words(), words(), words(), pace);
    (named, nodes, edges, slots, layout, sheets, groups).prop_map(|(named, nodes, edges, slots, layout, sheets, made)| {
        let (id, name, description, pace) = named;
        let ids: Vec<NodeId> = nodes.keys().cloned().collect();
        let edge =
            |(from, port, to): (Index, PortId, Index)| Edge { from: from.get(&ids).clone(), port, to: to.get(&ids).clone() };
        let edges: BTreeSet<Edge> = if ids.is_empty() { [].into() } else { edges.into_iter().map(edge).collect() };
        let layout: BTreeMap<NodeId, [i32; 2]> = ids.iter().cloned().zip(layout).filter_map(|(id, at)| Some((id, at?))).collect();
        let mut groups: BTreeMap<GroupId, Group> = BTreeMap::new();
        let mut before: Option<GroupId> = None;
        for (at, (id, title, folded, inside)) in made.into_iter().enumerate() {
            if groups.contains_key(&id) {
                continue;
            }
            let nodes = ids.iter().skip(at).step_by(4).cloned().collect();
            let parent = before.replace(id.clone()).filter(|_| inside);
            groups.insert(id, Group { title, nodes, parent, folded });
        }
        Flow { id: FlowId::new(id), name, description, pace, nodes, edges, slots, layout, notes: sheets, groups }
    })
}

/// Any edit, of what is there or not.
pub(crate) fn edits() -> impl Strategy<Value = Edit> {
    let edge = || (node_id(), port(), node_id()).prop_map(|(from, port, to)| Edge { from, port, to });
    let at = || prop::option::of(any::<[i32; 2]>());
    let field = prop_oneof![
        select(vec!["input.email", "input.email.0", "condition", "body", "items", "collect", "message", "fields.name", "url"])
            .prop_map(FieldPath::from),
        words().prop_map(|it| FieldPath::from(it.as_str())),
    ];
    let connector = || words().prop_map(|it| ConnectorId::new(&it));
    let one = prop_oneof![
        3 => (node_id(), nodes(), at()).prop_map(|(id, node, at)| Edit::AddNode { id, node, at }),
        2 => node_id().prop_map(|id| Edit::RemoveNode { id }),
        1 => (node_id(), nodes()).prop_map(|(id, node)| Edit::ReplaceNode { id, node }),
        1 => (node_id(), kinds()).prop_map(|(id, kind)| Edit::SetKind { id, kind }),
        1 => (node_id(), words()).prop_map(|(id, name)| Edit::RenameNode { id, name }),
        2 => (node_id(), at()).prop_map(|(id, to)| Edit::MoveNode { id, to }),
        1 => (node_id(), any::<bool>()).prop_map(|(id, muted)| Edit::SetMuted { id, muted }),
        3 => (node_id(), node_id()).prop_map(|(from, to)| Edit::RenameId { from, to }),
        3 => edge().prop_map(Edit::Connect),
        1 => edge().prop_map(Edit::Disconnect),
        3 => (node_id(), field, prop::option::of(bindings()))
            .prop_map(|(node, field, binding)| Edit::Bind { node, field, binding }),
        1 => (slot_id(), connector()).prop_map(|(id, connector)| Edit::AddSlot { id, connector }),
        1 => slot_id().prop_map(|id| Edit::RemoveSlot { id }),
        1 => (slot_id(), connector()).prop_map(|(id, connector)| Edit::SetSlot { id, connector }),
        1 => (slot_id(), slot_id()).prop_map(|(from, to)| Edit::RenameSlot { from, to }),
        1 => (words().prop_map(NoteId::new), prop::option::of(notes())).prop_map(|(id, note)| Edit::PutNote { id, note }),
        3 => (group_id(), prop::option::of(groups())).prop_map(|(id, group)| Edit::PutGroup { id, group }),
        1 => words().prop_map(Edit::SetName),
        1 => words().prop_map(Edit::SetDescription),
        1 => any::<bool>().prop_map(|any_order| Edit::SetPace(Pace { at_once: 2, any_order })),
    ];
    one.prop_recursive(2, 8, 4, |inner| {
        (words(), prop::collection::vec(inner, 0..4)).prop_map(|(label, edits)| Edit::Many { label, edits })
    })
}
