//! What is known of what each step gives, before and after a run: for mapping fields, and for whoever tests from a step on.
//!
//! A step's value is looked for in this order: what a person pinned, what the record's run gave, the trigger's own sample, an
//! example made from the shape that the operation documents, or what the step would give by itself (set fields, look up).
//!
//! Invariant: nothing is copied that can be shared; only what is asked for is worked out, and it is kept until something
//! that it hangs on changes.
mod upstream;
mod worth;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, TryRecvError};
use std::thread;

use jiff::Timestamp;
use serde_json::{Value, json};

pub(crate) use self::upstream::Upstream;
use self::upstream::upstream;
pub(crate) use self::worth::{Worth, worth};
use super::document::{DocId, Document};
use super::live::{Live, Play};
use crate::catalog::{Catalog, Event};
use crate::expr::{Expr, Scope, truthy};
use crate::flow::{Flow, FlowId, Node, NodeId, NodeKind, Source, Trigger};
use crate::run::RunId;

/// Records that are shown, at most.
pub(crate) const RECORDS: usize = 20;

/// Where a value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A person pinned it.
    Pinned,
    /// The record's run gave it.
    Record,
    /// The trigger's own sample.
    Sample,
    /// Made up from what the service documents.
    Example,
    /// Worked out from the values of earlier steps.
    Derived,
}

impl Origin {
    /// As a person reads it.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Pinned => "pinned",
            Self::Record => "this record",
            Self::Sample => "sample",
            Self::Example => "example",
            Self::Derived => "worked out",
        }
    }
}

/// What a step gives.
#[derive(Debug, Clone)]
pub(crate) struct Given {
    pub(crate) value: Arc<Value>,
    pub(crate) origin: Origin,
}

/// The last runs of a flow, the newest first.
pub(crate) fn records<'a>(live: &'a Live, flow: &FlowId) -> Vec<&'a Play> {
    live.runs().filter(|it| it.flow == *flow).take(RECORDS).collect()
}

/// What was worked out, kept between frames.
#[derive(Debug, Default)]
pub(crate) struct Samples {
    key: Option<Key>,
    /// Counts up whenever something changed that the step under edit can see.
    generation: u64,
    found: RefCell<BTreeMap<NodeId, Option<Given>>>,
    /// By for-each: the first of its items.
    items: RefCell<BTreeMap<NodeId, Option<Arc<Value>>>>,
    /// The steps before the step under edit, the nearest first.
    before: RefCell<Option<Arc<Vec<Upstream>>>>,
    /// What hangs on nothing but the step itself; right as long as the step is the same one.
    own: RefCell<BTreeMap<NodeId, Own>>,
    /// The same of what a step's result is documented to be, told in words.
    outlines: RefCell<BTreeMap<NodeId, Outline>>,
    /// Large samples that are being copied out of their steps, away from the frame.
    coming: RefCell<BTreeMap<NodeId, Coming>>,
}

/// Of which step, and where it arrives.
type Coming = (Arc<Node>, Receiver<Arc<Value>>);

/// What a step gives by itself, and the step.
type Own = (Arc<Node>, Option<Given>);
/// What a step's result is documented to be, and the step.
type Outline = (Arc<Node>, Option<Arc<Value>>);
/// An entry of a map by step.
type Entry<'a, T> = (&'a NodeId, &'a Arc<T>);

/// What the values hang on.
#[derive(Debug)]
struct Key {
    doc: DocId,
    flow: Arc<Flow>,
    /// The step under edit: what it holds itself, it does not see.
    step: NodeId,
    run: Option<RunId>,
    version: u64,
    pins: BTreeMap<NodeId, Arc<Value>>,
}

impl Key {
    fn is(&self, doc: &Document, step: &NodeId, run: Option<RunId>, version: u64) -> bool {
        let pins = || {
            let same = |(a, b): (Entry<'_, Value>, Entry<'_, Value>)| a.0 == b.0 && Arc::ptr_eq(a.1, b.1);
            self.pins.len() == doc.pins.len() && self.pins.iter().zip(&doc.pins).all(same)
        };
        self.doc == doc.id
            && self.step == *step
            && self.run == run
            && self.version == version
            && pins()
            && self.sees_same(doc.flow())
    }

    /// Whether another flow is the same one for the step under edit.
    fn sees_same(&self, now: &Arc<Flow>) -> bool {
        let same = |(a, b): (Entry<'_, Node>, Entry<'_, Node>)| a.0 == b.0 && (Arc::ptr_eq(a.1, b.1) || *a.0 == self.step);
        Arc::ptr_eq(&self.flow, now)
            || self.flow.nodes.len() == now.nodes.len()
                && self.flow.nodes.iter().zip(&now.nodes).all(same)
                && self.flow.edges == now.edges
    }
}

impl Samples {
    /// What is known to a step in a record, or, without one, from samples alone.
    pub(crate) fn known<'a>(
        &'a mut self,
        doc: &'a Document,
        step: &NodeId,
        play: Option<&'a Play>,
        live: &Live,
        catalog: &'a Catalog,
        now: Timestamp,
    ) -> Known<'a> {
        let run = play.map(|it| it.id);
        self.arrive();
        if self.key.as_ref().is_some_and(|it| it.is(doc, step, run, live.version)) {
            if let Some(key) = &mut self.key
                && !Arc::ptr_eq(&key.flow, doc.flow())
            {
                key.flow = Arc::clone(doc.flow());
                // What the step itself would give follows from what it holds now.
                self.found.get_mut().remove(step);
                self.items.get_mut().remove(step);
            }
        } else {
            let flow = Arc::clone(doc.flow());
            self.own.get_mut().retain(|id, _| flow.nodes.contains_key(id));
            self.key = Some(Key { doc: doc.id, flow, step: step.clone(), run, version: live.version, pins: doc.pins.clone() });
            self.generation += 1;
            self.found.get_mut().clear();
            self.items.get_mut().clear();
            *self.before.get_mut() = None;
        }
        Known { doc, play, catalog, now, samples: self }
    }

    /// Whether a large sample is still being read, so that what is not known may be known in a moment.
    pub(crate) fn is_reading(&self) -> bool {
        !self.coming.borrow().is_empty()
    }

    /// Takes in what was read meanwhile.
    fn arrive(&mut self) {
        let (own, mut came) = (self.own.get_mut(), false);
        self.coming.get_mut().retain(|id, (node, receiver)| match receiver.try_recv() {
            Ok(value) => {
                own.insert(id.clone(), (Arc::clone(node), Some(Given { value, origin: Origin::Sample })));
                came = true;
                false
            }
            Err(TryRecvError::Empty) => true,
            // Its thread could not end its work; it is tried again when it is asked for.
            Err(TryRecvError::Disconnected) => {
                came = true;
                false
            }
        });
        if came {
            self.generation += 1;
            self.found.get_mut().clear();
            self.items.get_mut().clear();
        }
    }
}

/// What is known in one record.
#[derive(Clone, Copy)]
pub(crate) struct Known<'a> {
    doc: &'a Document,
    play: Option<&'a Play>,
    catalog: &'a Catalog,
    now: Timestamp,
    samples: &'a Samples,
}

impl std::fmt::Debug for Known<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Known").field("doc", &self.doc.id).finish_non_exhaustive()
    }
}

impl<'a> Known<'a> {
    /// The same number as long as nothing changed that the step under edit can see.
    pub(crate) fn generation(&self) -> u64 {
        self.samples.generation
    }

    /// The steps before the step under edit, the nearest first.
    pub(crate) fn before(&self) -> Arc<Vec<Upstream>> {
        let step = self.samples.key.as_ref().map(|it| &it.step);
        let find = || Arc::new(step.map(|it| upstream(self.doc.flow(), it)).unwrap_or_default());
        Arc::clone(self.samples.before.borrow_mut().get_or_insert_with(find))
    }

    /// What a step would give by itself, whatever a run gave: the trigger's sample, or an example of what is documented.
    pub(crate) fn documented(&self, id: &NodeId) -> Option<Given> {
        self.own(id, self.doc.flow().nodes.get(id)?)
    }

    /// The shape of what a step gives, told in words; none where the catalogue knows none.
    pub(crate) fn outline(&self, id: &NodeId) -> Option<Arc<Value>> {
        let node = self.doc.flow().nodes.get(id)?;
        if let Some((of, found)) = self.samples.outlines.borrow().get(id)
            && Arc::ptr_eq(of, node)
        {
            return found.clone();
        }
        let found = match &node.kind {
            NodeKind::Action { operation, .. } => self.catalog.operation(operation).and_then(|(connector, operation)| {
                Some(operation.success.iter().find_map(|it| it.schema.as_ref())?.outline(connector))
            }),
            NodeKind::Trigger(Trigger::Event { event, .. }) => Event::find(event).and_then(|it| it.outline(self.catalog)),
            _ => None,
        };
        let found = found.map(Arc::new);
        self.samples.outlines.borrow_mut().insert(id.clone(), (Arc::clone(node), found.clone()));
        found
    }

    /// What a step gives, and where that is known from; none where nothing is known of it.
    pub(crate) fn given(&self, id: &NodeId) -> Option<Given> {
        if let Some(found) = self.samples.found.borrow().get(id) {
            return found.clone();
        }
        // A step that hangs on itself finds nothing.
        self.samples.found.borrow_mut().insert(id.clone(), None);
        let found = self.find(id);
        self.samples.found.borrow_mut().insert(id.clone(), found.clone());
        found
    }

    /// Whether the record shows that a step gave nothing to the step under edit: that one ran, and this one did not although
    /// it was there. What is no example of it then is nothing.
    fn is_unreached(&self, id: &NodeId) -> bool {
        let Some(play) = self.play.filter(|it| it.outcome.is_some()) else { return false };
        let ran = self.samples.key.as_ref().is_some_and(|it| play.node(&it.step).is_some());
        let was_there = self.doc.test.as_ref().is_none_or(|it| it.flow.nodes.contains_key(id));
        ran && was_there && play.node(id).is_none() && !self.doc.pins.contains_key(id)
    }

    fn find(&self, id: &NodeId) -> Option<Given> {
        let node = self.doc.flow().nodes.get(id)?;
        if let Some(value) = self.doc.pins.get(id) {
            return Some(Given { value: Arc::clone(value), origin: Origin::Pinned });
        }
        if let Some(value) = self.play.and_then(|it| it.node(id)?.output.as_ref()) {
            return Some(Given { value: Arc::clone(value), origin: Origin::Record });
        }
        self.own(id, node).or_else(|| self.derived(id, node))
    }

    /// What hangs on the step alone.
    fn own(&self, id: &NodeId, node: &Arc<Node>) -> Option<Given> {
        if let Some((of, found)) = self.samples.own.borrow().get(id)
            && Arc::ptr_eq(of, node)
        {
            return found.clone();
        }
        if sample_of(node).is_some_and(is_large) && self.read(id, node) {
            return None;
        }
        let given = |value, origin| Given { value: Arc::new(value), origin };
        let found = match &node.kind {
            NodeKind::Trigger(trigger) if !trigger.sample().is_null() => Some(given(trigger.sample().clone(), Origin::Sample)),
            NodeKind::Trigger(Trigger::Webhook { .. }) => {
                Some(given(json!({ "body": {}, "headers": {}, "query": {}, "method": "POST" }), Origin::Example))
            }
            NodeKind::Trigger(
                trigger @ (Trigger::Event { .. }
                | Trigger::Schedule { .. }
                | Trigger::File { .. }
                | Trigger::Failed { .. }
                | Trigger::Ended { .. }
                | Trigger::Alert { .. }),
            ) => Some(trigger.test_event(self.catalog)).filter(|it| !it.is_null()).map(|it| given(it, Origin::Example)),
            NodeKind::Action { operation, .. } => self.catalog.operation(operation).and_then(|(connector, operation)| {
                let schema = operation.success.iter().find_map(|it| it.schema.as_ref())?;
                Some(given(schema.sample(connector), Origin::Example))
            }),
            NodeKind::Http(_) => Some(given(json!({ "status": 200, "headers": {}, "body": {} }), Origin::Example)),
            NodeKind::Approval { .. } => Some(given(Value::Bool(true), Origin::Example)),
            NodeKind::ForEach { collect: None, .. } => {
                Some(given(json!({ "count": 1, "failed": 0, "failures": [] }), Origin::Example))
            }
            NodeKind::Lookup { rows, .. } => rows.first().map(|it| given(it.value.clone(), Origin::Example)),
            _ => None,
        };
        self.samples.own.borrow_mut().insert(id.clone(), (Arc::clone(node), found.clone()));
        found
    }

    /// Begins to copy a large sample on a thread of its own, unless that is under way; false where there can be no thread.
    fn read(&self, id: &NodeId, node: &Arc<Node>) -> bool {
        let mut coming = self.samples.coming.borrow_mut();
        if coming.get(id).is_some_and(|it| Arc::ptr_eq(&it.0, node)) {
            return true;
        }
        let (sender, receiver) = mpsc::channel();
        let of = Arc::clone(node);
        let copy = move || sample_of(&of).map(|it| sender.send(Arc::new(it.clone()))).map(drop).unwrap_or_default();
        let begun = thread::Builder::new().name("samples".to_owned()).spawn(copy).is_ok();
        if begun {
            coming.insert(id.clone(), (Arc::clone(node), receiver));
        }
        begun
    }

    /// Whether what is not known may be known in a moment.
    pub(crate) fn is_reading(&self) -> bool {
        self.samples.is_reading()
    }

    /// What follows from earlier steps.
    fn derived(&self, id: &NodeId, node: &Node) -> Option<Given> {
        let sight = self.at(id);
        let value_of = |binding| match worth(binding, &sight) {
            Worth::Value(value) => Some(value),
            Worth::LeftOut | Worth::Wrong(_) => None,
        };
        let value = match &node.kind {
            NodeKind::Set { fields } => {
                Value::Object(fields.0.iter().filter_map(|(key, it)| Some((key.clone(), value_of(it)?))).collect())
            }
            NodeKind::Branch { condition } => Value::Bool(truthy(&value_of(condition)?)),
            NodeKind::Switch { value, .. } => value_of(value)?,
            NodeKind::Log { message, .. } => value_of(message)?,
            NodeKind::ForEach { collect: Some(collect), .. } => {
                let inside = Sight { known: *self, around: Some(id.clone()) };
                let result = match worth(collect, &inside) {
                    Worth::Value(value) => value,
                    Worth::LeftOut | Worth::Wrong(_) => Value::Null,
                };
                json!({ "count": 1, "failed": 0, "failures": [], "results": [result] })
            }
            _ => return None,
        };
        Some(Given { value: Arc::new(value), origin: Origin::Derived })
    }

    /// The first item of a for-each.
    pub(crate) fn first_item(&self, id: &NodeId) -> Option<Arc<Value>> {
        if let Some(found) = self.samples.items.borrow().get(id) {
            return found.clone();
        }
        self.samples.items.borrow_mut().insert(id.clone(), None);
        let node = self.doc.flow().nodes.get(id)?;
        let NodeKind::ForEach { items, .. } = &node.kind else { return None };
        // Of a plain path only the first item is asked for: a list may be long, and would be copied whole.
        let plain = match &items.source {
            Source::Expr(text) => Expr::parse(text).ok().filter(|it| {
                it.references().first().is_some_and(|reference| reference.span == (0..text.len()) && !text.contains('?'))
            }),
            _ => None,
        };
        let sight = self.at(id);
        let found = match plain.and_then(|it| Expr::parse(&format!("{it}[0]")).ok()) {
            Some(first) => first.eval(&sight).ok().map(Arc::new),
            None => match worth(items, &sight) {
                Worth::Value(Value::Array(list)) => list.into_iter().next().map(Arc::new),
                _ => None,
            },
        };
        self.samples.items.borrow_mut().insert(id.clone(), found.clone());
        found
    }

    /// What expressions of a step see.
    pub(crate) fn at(&self, id: &NodeId) -> Sight<'a> {
        let around = if self.samples.key.as_ref().is_some_and(|it| it.step == *id) {
            self.before().iter().find(|it| it.around).map(|it| it.id.clone())
        } else {
            upstream::enclosing(self.doc.flow(), id)
        };
        Sight { known: *self, around }
    }

    /// What the expression of a for-each sees that looks at an item from its end.
    pub(crate) fn inside(&self, id: &NodeId) -> Sight<'a> {
        Sight { known: *self, around: Some(id.clone()) }
    }
}

/// What the expressions of one step see.
#[derive(Debug, Clone)]
pub(crate) struct Sight<'a> {
    known: Known<'a>,
    /// The for-each whose item it runs for.
    around: Option<NodeId>,
}

impl Scope for Sight<'_> {
    fn root(&self, name: &str) -> Option<Arc<Value>> {
        let item = || self.known.first_item(self.around.as_ref()?);
        match name {
            "item" => return item(),
            "index" => return self.around.as_ref().map(|_| Arc::new(Value::from(0))),
            "run" => {
                let (id, started) = match self.known.play {
                    Some(play) => (play.id.0.to_string(), play.started.unwrap_or(self.known.now)),
                    None => ("1".to_owned(), self.known.now),
                };
                let flow = &self.known.doc.flow().name;
                return Some(Arc::new(json!({ "id": id, "flow": flow, "started": started.to_string() })));
            }
            "error" => {
                let failed = self.known.play.and_then(|it| it.nodes().find_map(|(_, node)| node.failure.as_ref()));
                return failed.and_then(|it| serde_json::to_value(it).ok()).map(Arc::new);
            }
            _ => {}
        }
        let id = NodeId::new(name);
        if self.around.as_ref() == Some(&id) {
            return Some(Arc::new(json!({ "item": *item()?, "index": 0 })));
        }
        if self.known.is_unreached(&id) {
            return None;
        }
        self.known.given(&id).map(|it| it.value)
    }

    fn now(&self) -> Timestamp {
        self.known.now
    }

    fn roots(&self) -> Vec<String> {
        self.known.doc.flow().nodes.keys().map(ToString::to_string).collect()
    }
}

/// What a trigger has as its own example.
fn sample_of(node: &Node) -> Option<&Value> {
    match &node.kind {
        NodeKind::Trigger(Trigger::Manual { sample } | Trigger::Webhook { sample, .. }) => Some(sample),
        _ => None,
    }
}

/// Whether copying a value would be felt in a frame: from some ten thousand parts on.
fn is_large(value: &Value) -> bool {
    fn weigh(value: &Value, left: &mut usize) {
        *left = left.saturating_sub(1);
        match value {
            Value::Array(list) => list
                .iter()
                .take_while(|it| {
                    weigh(it, left);
                    *left > 0
                })
                .for_each(drop),
            Value::Object(map) => map
                .values()
                .take_while(|it| {
                    weigh(it, left);
                    *left > 0
                })
                .for_each(drop),
            Value::String(text) => *left = left.saturating_sub(text.len() / 1024),
            _ => {}
        }
    }
    let mut left = 20_000;
    weigh(value, &mut left);
    left == 0
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::flow::testing::id;
    use crate::flow::{Binding, Edge, Edit, Mapping};
    use crate::ui::document::DocId;

    fn flow() -> Flow {
        let mut flow = Flow::new("f", "F");
        let mut add = |name: &str, kind| {
            let node = Arc::new(Node { name: name.to_owned(), muted: false, kind });
            flow.apply(Edit::AddNode { id: id(name), node, at: None }).unwrap();
        };
        add("t", NodeKind::Trigger(Trigger::Manual { sample: json!({"people": [{"name": "Ann"}], "mail": "a@b.example"}) }));
        add("set", NodeKind::Set { fields: Mapping::from([("to", Binding::text("<{{ t.mail }}>"))]) });
        let each = NodeKind::ForEach {
            items: Binding::expr("t.people"),
            parallel: 1,
            keep_going: false,
            collect: Some(Binding::expr("item.name")),
        };
        add("each", each);
        add("say", NodeKind::Log { level: crate::flow::Level::Info, message: Binding::expr("item.name") });
        for (from, port, to) in [("t", "out", "set"), ("set", "out", "each"), ("each", "item", "say")] {
            flow.apply(Edit::Connect(Edge { from: id(from), port: port.into(), to: id(to) })).unwrap();
        }
        flow
    }

    #[test]
    fn what_a_step_gives_is_pinned_or_sampled_or_worked_out() {
        let mut doc = Document::fresh(DocId(1), flow());
        let step = id("nobody");
        let (live, catalog, mut samples) = (Live::default(), Catalog::default(), Samples::default());
        let now = Timestamp::UNIX_EPOCH;
        let known = samples.known(&doc, &step, None, &live, &catalog, now);
        assert_eq!(known.given(&id("t")).unwrap().origin, Origin::Sample);
        let set = known.given(&id("set")).unwrap();
        assert_eq!((set.origin, set.value.as_ref()), (Origin::Derived, &json!({"to": "<a@b.example>"})));
        assert_eq!(known.given(&id("say")).unwrap().value.as_ref(), &json!("Ann"));
        assert_eq!(known.given(&id("each")).unwrap().value["results"], json!(["Ann"]));
        assert!(known.given(&id("nobody")).is_none());
        doc.pins.insert(id("t"), Arc::new(json!({"mail": "x"})));
        let known = samples.known(&doc, &step, None, &live, &catalog, now);
        assert_eq!(known.given(&id("t")).unwrap().origin, Origin::Pinned);
        assert_eq!(known.given(&id("set")).unwrap().value.as_ref(), &json!({"to": "<x>"}));
    }

    #[test]
    fn a_large_sample_is_read_beside_the_frame_and_known_when_it_is_there() {
        let large = Value::Array((0..30_000).map(|it| json!({ "n": it })).collect());
        assert!(is_large(&large) && !is_large(&json!([1, "x".repeat(1000)])));
        assert!(is_large(&json!("x".repeat(32 << 20))));
        let mut flow = flow();
        let kind = NodeKind::Trigger(Trigger::Manual { sample: large.clone() });
        flow.apply(Edit::SetKind { id: id("t"), kind }).unwrap();
        let doc = Document::fresh(DocId(1), flow);
        let (catalog, live) = (Catalog::default(), Live::default());
        let mut samples = Samples::default();
        let known = samples.known(&doc, &id("say"), None, &live, &catalog, Timestamp::UNIX_EPOCH);
        let before = known.generation();
        assert!(known.given(&id("t")).is_none() && known.is_reading());
        let deadline = Instant::now() + Duration::from_mins(1);
        loop {
            let known = samples.known(&doc, &id("say"), None, &live, &catalog, Timestamp::UNIX_EPOCH);
            if !known.is_reading() {
                let given = known.given(&id("t")).unwrap();
                assert_eq!((&*given.value, given.origin), (&large, Origin::Sample));
                assert!(known.generation() > before, "what hangs on it is worked out anew");
                // Once, and then kept.
                assert!(Arc::ptr_eq(&known.given(&id("t")).unwrap().value, &given.value));
                return;
            }
            assert!(Instant::now() < deadline, "it never came");
            thread::yield_now();
        }
    }

    #[test]
    fn in_a_record_a_step_that_did_not_run_gives_nothing_to_one_that_did() {
        let doc = Document::fresh(DocId(1), flow());
        let (live, catalog, mut samples) = (Live::default(), Catalog::default(), Samples::default());
        let mut play = Play::of(RunId(1), doc.flow().id.clone(), String::new(), true);
        let at = Timestamp::UNIX_EPOCH;
        let gave = |node: &str| crate::run::Entry::StepSucceeded {
            step: crate::run::StepKey::new(id(node)),
            port: "out".into(),
            output: Arc::new(json!({"mail": "r"})),
            at,
        };
        play.apply(&gave("t"));
        play.apply(&gave("say"));
        play.end(crate::run::Outcome::Succeeded);
        let known = samples.known(&doc, &id("say"), Some(&play), &live, &catalog, at);
        assert_eq!(known.at(&id("say")).root("t").unwrap().as_ref(), &json!({"mail": "r"}));
        assert!(known.at(&id("say")).root("set").is_none());
        // It can still be looked at, and mapped.
        assert_eq!(known.given(&id("set")).unwrap().origin, Origin::Derived);
        let known = samples.known(&doc, &id("each"), Some(&play), &live, &catalog, at);
        assert!(known.at(&id("each")).root("set").is_some(), "whoever did not run sees examples");
    }

    #[test]
    fn an_operation_gives_an_example_of_what_it_documents() {
        let doc = Document::fresh(DocId(1), crate::ui::template::all()[0].flow.clone());
        let step = id("nobody");
        let (live, catalog, mut samples) = (Live::default(), Catalog::shipped(), Samples::default());
        let known = samples.known(&doc, &step, None, &live, &catalog, Timestamp::UNIX_EPOCH);
        let given = known.given(&id("save_contact")).unwrap();
        assert_eq!(given.origin, Origin::Example);
        assert!(given.value["contact"]["id"].is_string(), "{}", given.value);
        let again = known.given(&id("save_contact")).unwrap();
        assert!(Arc::ptr_eq(&given.value, &again.value));
    }

    #[test]
    fn a_step_that_speaks_of_itself_finds_nothing() {
        let mut flow = Flow::new("f", "F");
        let kind = NodeKind::Set { fields: Mapping::from([("a", Binding::expr("loop1.a"))]) };
        let node = Arc::new(Node { name: String::new(), muted: false, kind });
        flow.apply(Edit::AddNode { id: id("loop1"), node, at: None }).unwrap();
        let doc = Document::fresh(DocId(1), flow);
        let step = id("nobody");
        let (live, catalog, mut samples) = (Live::default(), Catalog::default(), Samples::default());
        let known = samples.known(&doc, &step, None, &live, &catalog, Timestamp::UNIX_EPOCH);
        assert_eq!(known.given(&id("loop1")).unwrap().value.as_ref(), &json!({}));
    }
}
