//! What can be added to a flow: the operations of the catalogue and the kinds of node, found by words and ranked by what
//! the place where they are added has to give.
//!
//! Invariant: pure, but for the zone of the person that a new schedule has; what is added always has a fresh id and a slot for its service.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::tz::TimeZone;
use serde_json::Value;

use super::clipboard::fresh_id;
use super::kind::{self, Face, Hue};
use crate::catalog::{Catalog, Connector, ConnectorId, Counts, Event, EventSource, Operation, OperationId, Poll};
use crate::expr::parse_zone;
use crate::flow::schedule::Schedule;
use crate::flow::{
    Binding, Dated, Each, Edit, Ending, Flow, FlowId, HttpCall, JoinMode, Level, Mapping, Node, NodeId, NodeKind, PortId,
    RetryPolicy, SlotId, StopOutcome, Trigger, WaitFor, Watch, Watched, WebhookAnswer,
};
use crate::ui::theme::icon;

/// At most so many are offered.
const MOST: usize = 60;
/// At most so many operations are looked into, the best of what was found: each is read when it is first looked into.
const MOST_READ: usize = 200;

/// The events that start most flows, the first of them first.
const USUAL: &[&str] = &[
    "highlevel.webhook.ContactCreate",
    "highlevel.webhook.ContactUpdate",
    "highlevel.webhook.ContactTagUpdate",
    "highlevel.webhook.AppointmentCreate",
    "highlevel.webhook.AppointmentUpdate",
    "schedule_it.poll.event-created",
    "schedule_it.poll.event-soon",
];

/// What is added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum What {
    Operation(OperationId),
    /// Something that happens at a service.
    Event(OperationId),
    /// A kind of node, by its place in [`KINDS`].
    Kind(usize),
    /// A note on the canvas.
    Note,
}

/// Something that can be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Choice {
    pub(crate) what: What,
    pub(crate) title: String,
    /// Whose it is.
    pub(crate) owner: String,
    pub(crate) face: Face,
    pub(crate) score: i32,
}

/// A kind of node that is added by its name.
struct Kind {
    id: &'static str,
    words: &'static str,
    make: fn() -> NodeKind,
}

/// A new kind of node is one line here.
const KINDS: &[Kind] = &[
    Kind { id: "branch", words: "if condition yes no filter decide", make: || NodeKind::Branch { condition: Binding::expr("") } },
    Kind { id: "set", words: "set fields variables map transform edit", make: || NodeKind::Set { fields: Mapping::default() } },
    Kind { id: "wait", words: "wait delay pause sleep", make: || NodeKind::Wait(WaitFor::Duration(Binding::value("1 hour"))) },
    Kind {
        id: "each",
        words: "loop for each repeat items list",
        make: || NodeKind::ForEach { items: Binding::expr(""), parallel: 1, keep_going: false, collect: None },
    },
    Kind {
        id: "switch",
        words: "switch cases route paths",
        make: || NodeKind::Switch { value: Binding::expr(""), cases: Vec::new() },
    },
    Kind { id: "join", words: "join merge wait for all bring together", make: || NodeKind::Join { mode: JoinMode::All } },
    Kind {
        id: "lookup",
        words: "lookup table map translate dictionary",
        make: || NodeKind::Lookup { key: Binding::expr(""), rows: Vec::new(), ignore_case: false },
    },
    Kind {
        id: "request",
        words: "http request api call url rest get post",
        make: || {
            NodeKind::Http(HttpCall {
                method: crate::catalog::Method::Get,
                url: Binding::value("https://"),
                query: Mapping::default(),
                headers: Mapping::default(),
                body: None,
                slot: None,
                retry: RetryPolicy::default(),
                repeatable: false,
            })
        },
    },
    Kind {
        id: "script",
        words: "script code rhai function",
        make: || NodeKind::Script { code: "input".to_owned(), input: Mapping::default() },
    },
    Kind {
        id: "approval",
        words: "approval ask agree person confirm human decide",
        make: || NodeKind::Approval { message: Binding::text("") },
    },
    Kind {
        id: "log_line",
        words: "log note write message",
        make: || NodeKind::Log { level: Level::Info, message: Binding::text("") },
    },
    Kind {
        id: "respond",
        words: "respond answer reply webhook",
        make: || NodeKind::Respond { status: Binding::value(200), headers: Mapping::default(), body: Binding::value("") },
    },
    Kind {
        id: "sub_flow",
        words: "flow sub run another call",
        make: || NodeKind::SubFlow { flow: FlowId::new(""), input: Mapping::default() },
    },
    Kind {
        id: "stop",
        words: "stop end finish exit fail",
        make: || NodeKind::Stop { outcome: StopOutcome::Success, message: None },
    },
    Kind {
        id: "hook",
        words: "trigger webhook start event when receive",
        make: || {
            NodeKind::Trigger(Trigger::Webhook {
                path: String::new(),
                answer: WebhookAnswer::Accepted,
                delivery_header: None,
                delivery_field: None,
                sample: Value::Null,
            })
        },
    },
    Kind {
        id: "schedule",
        words: "trigger schedule clock time cron every day hour week month timer calendar start when",
        make: || {
            let schedule = Schedule { rule: "every weekday at 9:00".to_owned(), ..Schedule::default() };
            NodeKind::Trigger(Trigger::Schedule { schedule, sample: Value::Null })
        },
    },
    Kind {
        id: "file",
        words: "trigger file folder new appears drop upload scan pdf invoice watch start when",
        make: || NodeKind::Trigger(Trigger::File { watched: Watched::default(), sample: Value::Null }),
    },
    Kind {
        id: "row",
        words: "trigger row table csv spreadsheet excel new line import watch start when",
        make: || {
            let watched = Watched { each: Each::Row, ..Watched::default() };
            NodeKind::Trigger(Trigger::File { watched, sample: Value::Null })
        },
    },
    Kind {
        id: "failed",
        words: "trigger flow failed fails failure error alert problem when start",
        make: || NodeKind::Trigger(Trigger::Failed { of: None, sample: Value::Null }),
    },
    Kind {
        id: "ended",
        words: "trigger another flow ended done finished succeeded after chain then when start",
        make: || NodeKind::Trigger(Trigger::Ended { of: Vec::new(), ending: Ending::Succeeded, sample: Value::Null }),
    },
    Kind {
        id: "alert",
        words: "trigger alert alarm failed connection dead sign-in quiet silence no events problem when start",
        make: || NodeKind::Trigger(Trigger::Alert { of: BTreeSet::new(), sample: Value::Null }),
    },
    Kind {
        id: "manual",
        words: "trigger manual button start by hand another flow calls called sub",
        make: || NodeKind::Trigger(Trigger::Manual { sample: Value::Null }),
    },
];

/// What the place gives: the names of fields that come out of the node before, in lower case, and the service that it calls.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Offer {
    /// Whether a trigger would fit: not behind a wire.
    pub(crate) triggers: bool,
    /// Whether a note would.
    pub(crate) notes: bool,
    names: BTreeSet<String>,
    connector: Option<ConnectorId>,
}

impl Offer {
    /// An empty place: anything fits; in an empty flow triggers first.
    pub(crate) fn anything() -> Self {
        Self { triggers: true, notes: true, ..Self::default() }
    }

    /// Behind a node.
    pub(crate) fn behind(flow: &Flow, from: &NodeId, catalog: &Catalog) -> Self {
        let mut offer = Self::default();
        let Some(node) = flow.nodes.get(from) else { return offer };
        match &node.kind {
            NodeKind::Action { operation, .. } => {
                offer.connector = Some(operation.connector().clone());
                if let Some((connector, operation)) = catalog.operation(operation)
                    && let Some(schema) = operation.success.iter().find_map(|it| it.schema.as_ref())
                {
                    offer.take(&schema.sample(connector), "", 0);
                }
            }
            NodeKind::Trigger(trigger) => offer.take(&trigger.test_event(catalog), "", 0),
            _ => {}
        }
        offer
    }

    /// The names of a sample, two levels deep; `id` of a `contact` is also a `contactid`.
    fn take(&mut self, sample: &Value, owner: &str, depth: usize) {
        match sample {
            Value::Object(fields) if depth < 3 => {
                for (name, value) in fields {
                    let lower = plain(name);
                    if !owner.is_empty() {
                        self.names.insert(format!("{owner}{lower}"));
                    }
                    self.take(value, &lower, depth + 1);
                    self.names.insert(lower);
                }
            }
            Value::Array(items) => {
                if let Some(first) = items.first() {
                    self.take(first, owner.strip_suffix('s').unwrap_or(owner), depth + 1);
                }
            }
            _ => {}
        }
    }

    /// How well an operation fits: its required inputs that the names can fill, against those that they cannot.
    fn fit(&self, connector: &Connector, operation: &Operation) -> i32 {
        if self.names.is_empty() && self.connector.is_none() {
            return 0;
        }
        let open = operation.inputs.iter().filter(|it| it.required && it.fixed.is_none() && it.account.is_none());
        let (met, missed) = open.fold((0, 0), |(met, missed), it| {
            let name = plain(if it.name.is_empty() { &it.key } else { &it.name });
            if self.names.contains(&name) { (met + 1, missed) } else { (met, missed + 1) }
        });
        let same = i32::from(self.connector.as_ref() == Some(&connector.id));
        25 * met - 8 * missed + 6 * same
    }
}

fn plain(name: &str) -> String {
    name.chars().filter(|it| it.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// What can be added, the best first.
pub(crate) fn choices(query: &str, offer: &Offer, catalog: &Catalog) -> Vec<Choice> {
    let query = query.trim().to_lowercase();
    let mut found: Vec<Choice> = Vec::new();
    for (at, it) in KINDS.iter().enumerate() {
        let kind = (it.make)();
        let is_trigger = matches!(kind, NodeKind::Trigger(_));
        if is_trigger && !offer.triggers {
            continue;
        }
        let face = kind::face(&kind, catalog);
        let Some(score) = meets(&query, face.title, it.words) else { continue };
        let first = if query.is_empty() { 40 - at as i32 + if is_trigger { 60 } else { 0 } } else { 0 };
        let owner = if is_trigger { "Trigger" } else { "Flow" }.to_owned();
        found.push(Choice { what: What::Kind(at), title: face.title.to_owned(), owner, face, score: score + first });
    }
    if offer.notes
        && let Some(score) = meets(&query, "Note", "note comment text sticky explain")
    {
        let face = Face { icon: icon::NOTE_BLANK, hue: Hue::Logic, title: "Note" };
        found.push(Choice { what: What::Note, title: "Note".to_owned(), owner: "Canvas".to_owned(), face, score });
    }
    if offer.triggers {
        for event in Event::shipped() {
            let Some(connector) = catalog.connector(event.id.connector()) else { continue };
            let name = event.id.as_str().rsplit('.').next().unwrap_or_default();
            let words = format!("trigger event when starts {} {} {name}", connector.title, event.group).to_lowercase();
            let Some(score) = meets(&query, &event.title, &words) else { continue };
            let face = Face { icon: icon::LIGHTNING, hue: Hue::of(&connector.id), title: "Event" };
            // Before anything is typed, what starts most flows; of two that are alike, the one that is told at once.
            let told = matches!(event.source, EventSource::Webhook { .. });
            let usual = USUAL.iter().rev().position(|it| *it == event.id.as_str()).map_or(0, |it| it as i32 + 1);
            let score = if query.is_empty() { 60 * i32::from(usual > 0) + usual } else { score + i32::from(told) + usual };
            let owner = if told { connector.title.clone() } else { format!("{}, asked now and then", connector.title) };
            found.push(Choice { what: What::Event(event.id.clone()), title: event.title.clone(), owner, face, score });
        }
    }
    for hit in catalog.search(&query).into_iter().take(MOST_READ) {
        let Some((connector, operation)) = catalog.operation(&hit.operation) else { continue };
        let face = Face { icon: kind::operation_icon(operation), hue: Hue::of(&connector.id), title: "Action" };
        // Good and bad hits are a few hundred apart, fits a few dozen.
        let score = (hit.score as i32).min(600) + offer.fit(connector, operation);
        found.push(Choice {
            what: What::Operation(hit.operation),
            title: operation.title.clone(),
            owner: connector.title.clone(),
            face,
            score,
        });
    }
    found.sort_by_key(|it| std::cmp::Reverse(it.score));
    found.truncate(MOST);
    found
}

/// How well words meet a query, each word of which has to be met; none if they do not.
fn meets(query: &str, title: &str, words: &str) -> Option<i32> {
    let title = title.to_lowercase();
    let mut score = if title == query { 300 } else { 0 };
    for word in query.split_whitespace() {
        if title.split_whitespace().any(|it| it.starts_with(word)) {
            score += 140;
        } else if words.split_whitespace().any(|it| it.starts_with(word)) {
            score += 90;
        } else if title.contains(word) {
            score += 40;
        } else {
            return None;
        }
    }
    Some(score)
}

/// A new node, and the edits that make it.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) id: NodeId,
    pub(crate) edits: Vec<Edit>,
    /// Its first way out.
    pub(crate) out: Option<PortId>,
}

/// Makes a node at a place; none for a note.
pub(crate) fn make(what: &What, flow: &Flow, catalog: &Catalog, at: [i32; 2]) -> Option<Made> {
    let mut edits = Vec::new();
    let (like, name, kind) = match what {
        What::Note => return None,
        What::Kind(at) => {
            let it = KINDS.get(*at)?;
            let mut kind = (it.make)();
            match &mut kind {
                NodeKind::Trigger(Trigger::Webhook { path, .. }) => *path = free_path(flow),
                NodeKind::Trigger(Trigger::Schedule { schedule, .. }) => schedule.zone = own_zone(),
                _ => {}
            }
            let name = kind::face(&kind, catalog).title.to_owned();
            (it.id.to_owned(), name, kind)
        }
        What::Event(id) => {
            let event = Event::find(id)?;
            let slot = slot(flow, id.connector(), &mut edits);
            let date = event.poll().and_then(first_date);
            let trigger = Trigger::Event {
                event: id.clone(),
                slot,
                input: BTreeMap::new(),
                watch: Watch { date, ..Watch::default() },
                sample: Value::Null,
            };
            (slug(&event.title), event.title.clone(), NodeKind::Trigger(trigger))
        }
        What::Operation(id) => {
            let (connector, operation) = catalog.operation(id)?;
            let slot = slot(flow, &connector.id, &mut edits);
            let preset = operation.inputs.iter().filter_map(|it| Some((it.key.clone(), Binding::value(it.preset.clone()?))));
            let input = Mapping(preset.collect());
            let kind = NodeKind::Action { operation: id.clone(), slot, input, retry: RetryPolicy::default() };
            (slug(&operation.title), operation.title.clone(), kind)
        }
    };
    let id = fresh_id(&like, &flow.nodes.keys().cloned().collect());
    let out = kind.ports().into_iter().find(|it| it.as_str() != "error");
    let node = Arc::new(Node { name, muted: false, kind });
    edits.push(Edit::AddNode { id: id.clone(), node, at: Some(at) });
    Some(Made { id, edits, out })
}

/// The flow's slot for a service, or a new one.
fn slot(flow: &Flow, connector: &ConnectorId, edits: &mut Vec<Edit>) -> SlotId {
    if let Some((id, _)) = flow.slots.iter().find(|(_, it)| *it == connector) {
        return id.clone();
    }
    let like = match connector.as_str() {
        "highlevel" => "crm",
        "schedule_it" => "calendar",
        other => other,
    };
    let id = (1..=u32::MAX)
        .map(|number| if number == 1 { SlotId::new(like) } else { SlotId::new(format!("{like}_{number}")) })
        .find(|it| !flow.slots.contains_key(it))
        .unwrap_or_else(|| SlotId::new(like));
    edits.push(Edit::AddSlot { id: id.clone(), connector: connector.clone() });
    id
}

/// Of an event that is the coming of a date: the first that it offers, by the clocks of the person.
fn first_date(poll: &Poll) -> Option<Dated> {
    let Counts::Dated { fields, .. } = &poll.counts else { return None };
    let first = fields.first()?;
    let at = if first.yearly { "9:00" } else { "" };
    Some(Dated {
        field: first.field.clone(),
        name: first.title.clone(),
        yearly: first.yearly,
        at: at.to_owned(),
        zone: own_zone(),
    })
}

/// The zone of the person, by its name; UTC where the system does not say.
fn own_zone() -> String {
    let zone = TimeZone::system();
    zone.iana_name().filter(|it| parse_zone(it).is_ok()).unwrap_or("UTC").to_owned()
}

fn free_path(flow: &Flow) -> String {
    let taken: BTreeSet<&str> = flow
        .nodes
        .values()
        .filter_map(|it| match &it.kind {
            NodeKind::Trigger(Trigger::Webhook { path, .. }) => Some(path.as_str()),
            _ => None,
        })
        .collect();
    let stem = slug(&flow.name).replace('_', "-");
    let stem = if stem.is_empty() { "hook".to_owned() } else { stem };
    (1..=u32::MAX)
        .map(|number| if number == 1 { stem.clone() } else { format!("{stem}-{number}") })
        .find(|it| !taken.contains(it.as_str()))
        .unwrap_or(stem)
}

/// "Create contact" as `create_contact`.
pub(crate) fn slug(title: &str) -> String {
    let mut out = String::new();
    for letter in title.chars() {
        if letter.is_ascii_alphanumeric() {
            out.push(letter.to_ascii_lowercase());
        } else if !out.ends_with('_') && !out.is_empty() {
            out.push('_');
        }
    }
    let out = out.trim_end_matches('_');
    if out.starts_with(|it: char| it.is_ascii_digit()) { format!("step_{out}") } else { out.chars().take(48).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::testing::Sketch;

    fn titles(query: &str, offer: &Offer) -> Vec<String> {
        choices(query, offer, &Catalog::shipped()).iter().take(10).map(|it| format!("{} ({})", it.title, it.owner)).collect()
    }

    #[test]
    fn words_find_operations_and_kinds() {
        assert_eq!(titles("branch", &Offer::anything())[0], "Branch (Flow)");
        assert_eq!(titles("if", &Offer::anything())[0], "Branch (Flow)");
        assert_eq!(titles("create contact", &Offer::anything())[0], "Create contact (HighLevel)");
        assert!(titles("task", &Offer::default()).iter().any(|it| it == "Create task (HighLevel)"));
        assert_eq!(titles("qqqxyz", &Offer::anything()), Vec::<String>::new());
    }

    #[test]
    fn an_empty_place_offers_triggers_first_and_a_wire_none() {
        assert_eq!(titles("", &Offer::anything())[0], "Webhook (Trigger)");
        assert!(titles("", &Offer::anything()).contains(&"Contact created (HighLevel)".to_owned()));
        assert_eq!(titles("contact created", &Offer::anything())[0], "Contact created (HighLevel)");
        assert!(titles("event starts soon", &Offer::anything())[0].starts_with("Event starts soon (Schedule it, asked"));
        assert!(!titles("trigger", &Offer::default()).iter().any(|it| it.contains("Trigger")));
    }

    #[test]
    fn behind_a_contact_come_the_operations_that_need_its_id() {
        let catalog = Catalog::shipped();
        let mut flow = Flow::new("f", "F");
        let what = What::Operation(OperationId::new("highlevel.contacts.upsert-contact"));
        let made = make(&what, &flow, &catalog, [0, 0]).unwrap();
        for edit in made.edits {
            flow.apply(edit).unwrap();
        }
        let offer = Offer::behind(&flow, &made.id, &catalog);
        let best = choices("note", &offer, &catalog);
        let place = |id: &str| best.iter().position(|it| it.what == What::Operation(OperationId::new(id)));
        assert!(place("highlevel.contacts.create-note") < place("highlevel.calendars.create-appointment-note"), "{best:#?}");
    }

    #[test]
    fn what_is_made_fits_into_the_flow() {
        let catalog = Catalog::shipped();
        let mut flow = Sketch::flow("t.out -> a");
        let mut all: Vec<What> = (0..KINDS.len()).map(What::Kind).collect();
        all.push(What::Event(OperationId::new("highlevel.webhook.ContactCreate")));
        all.push(What::Event(OperationId::new("schedule_it.poll.event-soon")));
        all.push(What::Operation(OperationId::new("schedule_it.events.create-event")));
        all.push(What::Operation(OperationId::new("schedule_it.events.create-event")));
        for what in all {
            let made = make(&what, &flow, &catalog, [8, 16]).unwrap();
            for edit in made.edits {
                flow.apply(edit).unwrap();
            }
            assert!(made.id.is_valid(), "{}", made.id);
            assert_eq!(flow.layout[&made.id], [8, 16]);
        }
        assert_eq!(flow.slots.len(), 3, "one of the sketch, and one for each service");
        assert!(flow.nodes.contains_key(&"create_event_2".into()));
    }

    #[test]
    fn every_kind_of_node_can_be_added() {
        let every = Flow::parse(include_bytes!("../../flow/file/every_kind.flowyard")).unwrap();
        let kinds: Vec<_> = KINDS.iter().map(|it| std::mem::discriminant(&(it.make)())).collect();
        for node in every.nodes.values().filter(|it| !matches!(it.kind, NodeKind::Action { .. })) {
            assert!(kinds.contains(&std::mem::discriminant(&node.kind)), "{} is not in the list", node.name);
        }
    }
}
