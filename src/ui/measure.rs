//! The canvas, and a field that is typed into, without a window, for the benches: how long a frame takes.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use eframe::egui::epaint::ClippedShape;
use eframe::egui::{CentralPanel, Context, Event, Frame, Pos2, RawInput, Rect, pos2, vec2};
use jiff::Timestamp;

use super::app::App;
use super::behind::{Behind, Told};
use super::canvas::{self, Scene, View};
use super::document::Document;
use super::files::SystemDialogs;
use super::keymap::Keymap;
use super::{inspector, theme};
use crate::catalog::{Catalog, OperationId};
use crate::flow::{Binding, Edge, FieldPath, Flow, Level, Mapping, Node, NodeId, NodeKind, RetryPolicy, Trigger};

/// A canvas of 1600 × 900 points with a flow on it.
pub struct Canvas {
    ctx: Context,
    flow: Arc<Flow>,
    catalog: Catalog,
    keys: Keymap,
    view: View,
    frame: u32,
}

/// What a frame drew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drawn {
    /// Cards in view.
    pub cards: usize,
    /// Wires in view.
    pub wires: usize,
}

impl std::fmt::Debug for Canvas {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Canvas").field("nodes", &self.flow.nodes.len()).finish_non_exhaustive()
    }
}

impl Canvas {
    /// A flow of so many steps in a square, each leading to the next.
    pub fn new(nodes: usize) -> Self {
        let ctx = Context::default();
        theme::install(&ctx);
        Self {
            ctx,
            flow: Arc::new(square(nodes)),
            catalog: Catalog::shipped(),
            keys: Keymap::new(&BTreeMap::new()),
            view: View::default(),
            frame: 0,
        }
    }

    /// How near; none shows everything.
    pub fn look(&mut self, zoom: Option<f32>) {
        self.view.rect = Rect::from_min_size(Pos2::ZERO, vec2(1600.0, 900.0));
        let board = self.view.board(&self.flow, &self.catalog);
        if let Some(bounds) = board.bounds() {
            self.view.fit(bounds);
        }
        self.view.fit_soon = false;
        if let Some(zoom) = zoom {
            self.view.zoom = zoom;
        }
    }

    /// Paints a frame in which the pointer moves and what is seen moves along.
    pub fn paint(&mut self) -> Vec<ClippedShape> {
        self.frame += 1;
        let mut input = RawInput {
            screen_rect: Some(Rect::from_min_size(Pos2::ZERO, vec2(1600.0, 900.0))),
            time: Some(f64::from(self.frame) / 60.0),
            ..RawInput::default()
        };
        input.events.push(Event::PointerMoved(pos2(200.0 + (self.frame % 120) as f32 * 7.0, 300.0)));
        self.view.pan.x += 0.5 / self.view.zoom;
        let stale = BTreeSet::new();
        let scene = Scene {
            flow: &self.flow,
            catalog: &self.catalog,
            problems: &[],
            play: None,
            stale: &stale,
            changes: &[],
            snap: true,
            outline: false,
            minimap: true,
            less_motion: false,
            keys: &self.keys,
            listens: true,
            now: Timestamp::UNIX_EPOCH,
        };
        let view = &mut self.view;
        let mut output = self.ctx.run_ui(input, |ui| {
            CentralPanel::default().frame(Frame::NONE).show(ui, |ui| {
                drop(canvas::show(ui, &scene, view));
            });
        });
        // Nobody draws them; egui insists that somebody says so.
        output.textures_delta.clear();
        output.shapes
    }

    /// Makes triangles of it; how many.
    pub fn tessellate(&self, shapes: Vec<ClippedShape>) -> usize {
        self.ctx.tessellate(shapes, 1.0).len()
    }

    /// What the last frame drew.
    pub fn drawn(&self) -> Drawn {
        Drawn { cards: self.view.drawn.cards, wires: self.view.drawn.wires }
    }
}

/// A whole window of 1600 × 900 points, with a step selected that hangs on a large sample, and its field under edit.
pub struct Typing {
    ctx: Context,
    app: App,
    frame: u32,
    opened: Duration,
    /// Kept as long as the window is there.
    _home: tempfile::TempDir,
    _told: std::sync::mpsc::Sender<Told>,
}

impl std::fmt::Debug for Typing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Typing").field("frame", &self.frame).finish_non_exhaustive()
    }
}

impl Typing {
    /// With a sample of about so many bytes.
    ///
    /// # Errors
    /// Where there is no room for temporary files.
    pub fn new(bytes: usize) -> std::io::Result<Self> {
        let ctx = Context::default();
        theme::install(&ctx);
        let home = tempfile::tempdir()?;
        let (sender, told) = std::sync::mpsc::channel();
        let behind = Behind {
            catalog: Catalog::shipped(),
            troubles: Vec::new(),
            home: home.path().to_owned(),
            data: home.path().join("sandbox"),
            told,
            shown: None,
        };
        let mut app = App::new(behind, Box::new(SystemDialogs), Arc::new(|| ()), &[]);
        let id = app.docs.next_id();
        let (node, field) = (NodeId::new("say"), FieldPath::from("message"));
        app.add_document(Document::fresh(id, typed_into(bytes)));
        app.send(super::msg::Msg::Select { doc: id, nodes: vec![node.clone()], show: false });
        let mut typing = Self { ctx, app, frame: 0, opened: Duration::ZERO, _home: home, _told: sender };
        // Rows are made once, and verdicts are worked out, one a frame; a large sample is read meanwhile.
        let mut frames = 0;
        while frames < 30 || typing.app.dock.is_reading() {
            let begun = Instant::now();
            typing.paint(Vec::new());
            typing.opened = typing.opened.max(begun.elapsed());
            frames += 1;
        }
        typing.paint(Vec::new());
        let field = typing.app.docs.get(id).map(|it| inspector::field_id(it, &node, &field));
        if let Some(field) = field {
            typing.ctx.memory_mut(|it| it.request_focus(field));
        }
        for _ in 0..5 {
            typing.paint(Vec::new());
        }
        Ok(typing)
    }

    /// The longest frame while the step was opened.
    pub fn opened(&self) -> Duration {
        self.opened
    }

    /// Types a letter: the frame that it comes in, and the one that shows what comes of it. How much there is to draw.
    pub fn key(&mut self) -> usize {
        self.paint(vec![Event::Text("x".to_owned())]);
        self.paint(Vec::new())
    }

    /// What the field holds by now, in characters.
    pub fn typed(&self) -> usize {
        let doc = self.app.docs.active();
        let node = doc.and_then(|it| it.flow().nodes.get(&NodeId::new("say")));
        let binding = node.and_then(|it| FieldPath::from("message").find(it));
        match binding.map(|it| &it.source) {
            Some(crate::flow::Source::Text(text)) => text.chars().count(),
            _ => 0,
        }
    }

    fn paint(&mut self, events: Vec<Event>) -> usize {
        self.frame += 1;
        let input = RawInput {
            screen_rect: Some(Rect::from_min_size(Pos2::ZERO, vec2(1600.0, 900.0))),
            time: Some(f64::from(self.frame) / 60.0),
            events,
            ..RawInput::default()
        };
        let app = &mut self.app;
        let mut output = self.ctx.run_ui(input, |ui| app.frame(ui));
        output.textures_delta.clear();
        output.shapes.len()
    }
}

/// A start by hand with a large sample, and a line that speaks of it.
fn typed_into(bytes: usize) -> Flow {
    let mut flow = Flow::new("typing", "Typing");
    let person = |at: usize| serde_json::json!({"id": at, "name": format!("Person {at}"), "email": format!("person{at}@example.com"), "tags": ["a", "b"]});
    let each = person(0).to_string().len() + 4;
    let people: Vec<serde_json::Value> = (0..bytes / each).map(person).collect();
    let sample = serde_json::json!({"email": "first@example.com", "people": people});
    let mut add = |id: &str, name: &str, kind| {
        flow.nodes.insert(NodeId::new(id), Arc::new(Node { name: name.to_owned(), muted: false, kind }));
    };
    add("contact", "Contact", NodeKind::Trigger(Trigger::Manual { sample }));
    let message = Binding::text("Mail {{ contact.email }} and {{ contact.people[5].name }}");
    add("say", "Say", NodeKind::Log { level: Level::Info, message });
    flow.edges.insert(Edge { from: NodeId::new("contact"), port: "out".into(), to: NodeId::new("say") });
    flow
}

fn square(nodes: usize) -> Flow {
    let mut flow = Flow::new("square", "Square");
    let columns = (nodes as f64).sqrt().ceil() as usize;
    let id = |at: usize| NodeId::new(format!("n{at:05}"));
    for at in 0..nodes {
        let kind = if at == 0 {
            NodeKind::Trigger(Trigger::Manual { sample: serde_json::Value::Null })
        } else if at % 3 == 0 {
            NodeKind::Branch { condition: Binding::expr("n00000.email is defined") }
        } else {
            let fields =
                [("title", "Intro: {{ n00000.name }}"), ("date_start", "{{ n00000.start }}"), ("owner", "{{ n00000.id }}")];
            let input = fields.iter().map(|(key, text)| ((*key).to_owned(), Binding::text(*text))).collect();
            NodeKind::Action {
                operation: OperationId::new("schedule_it.events.create-event"),
                slot: "calendar".into(),
                input: Mapping(input),
                retry: RetryPolicy::default(),
            }
        };
        let port = if at % 3 == 0 && at > 0 { "true" } else { "out" };
        flow.nodes.insert(id(at), Arc::new(Node { name: format!("Create event {at}"), muted: false, kind }));
        flow.layout.insert(id(at), [(at % columns * 204) as i32, (at / columns * 140) as i32]);
        if at + 1 < nodes {
            flow.edges.insert(Edge { from: id(at), port: port.into(), to: id(at + 1) });
        }
    }
    flow
}
