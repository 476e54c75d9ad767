//! The fields of a step, to be filled: the middle pane.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use eframe::egui::{Frame, Id, Margin, ScrollArea, TextEdit, Ui, vec2};
use serde_json::Value;

use super::complete::Name;
use super::draft::Draft;
use super::form::{self, Field, Line};
use super::records::Broken;
use super::viewer::Carried;
use super::{automap, pill, tree};
use crate::catalog::{Choice, Choices};
use crate::engine::Mode;
use crate::flow::{Binding, Edit, FieldPath, Node, NodeId, NodeKind, Severity, Source};
use crate::ui::canvas::sentence::count;
use crate::ui::ctx::Ctx;
use crate::ui::document::Document;
use crate::ui::live::{StepLine, StepState};
use crate::ui::msg::Msg;
use crate::ui::names::{Called, Lists};
use crate::ui::samples::{Known, Upstream, Worth, worth};
use crate::ui::theme::{self, font, icon};
use crate::ui::widgets::{button, dim};

/// Earlier steps whose fields are offered, at most; the nearest.
pub(super) const STEPS: usize = 60;
/// What is this far out of sight is not painted.
const MARGIN: f32 = 240.0;

/// What is remembered of the form between frames.
#[derive(Debug, Default)]
pub(super) struct Form {
    lines: Option<Laid>,
    pub(super) editing: Option<Editing>,
    /// The field that had the keyboard last, and where its caret was: what is pressed beside goes there.
    pub(super) target: Option<(FieldPath, Option<usize>)>,
    /// A field that gets the keyboard, and its caret a place.
    pub(super) focus: Option<Aim>,
    /// Fields with choices that are typed into all the same.
    pub(super) typed: BTreeSet<FieldPath>,
    pub(super) closed: BTreeSet<FieldPath>,
    find: String,
    more: bool,
    /// New keys and names under edit, by what they are for.
    pub(super) texts: BTreeMap<String, String>,
    worths: BTreeMap<FieldPath, (u64, Binding, Worth)>,
    choices: Vec<Made>,
    pub(super) heights: BTreeMap<FieldPath, f32>,
    /// What was done last, in words.
    pub(super) note: String,
}

/// The lines of a step.
#[derive(Debug)]
struct Laid {
    node: Arc<Node>,
    /// From how many lists, and whether there is anybody to ask for more.
    lists: (u64, bool),
    lines: Arc<Vec<Line>>,
}

/// The choices of an answer, made once as long as it is the same one.
#[derive(Debug)]
struct Made {
    answer: Arc<Value>,
    of: Choices,
    within: Option<Value>,
    all: Arc<Vec<Choice>>,
}

/// A field that gets the keyboard in the frame after the next: what was pressed for it must not be typed into it, and what it
/// is filled with is there by then.
#[derive(Debug)]
pub(super) struct Aim {
    pub(super) path: FieldPath,
    pub(super) caret: usize,
    pub(super) seen: bool,
}

impl Aim {
    pub(super) fn at(path: &FieldPath, caret: usize) -> Self {
        Self { path: path.clone(), caret, seen: false }
    }
}

/// The field that is typed into.
#[derive(Debug)]
pub(super) struct Editing {
    pub(super) path: FieldPath,
    pub(super) draft: Draft,
    /// How the flow holds it since the last key.
    pub(super) binding: Option<Binding>,
}

impl Form {
    /// Shows another step.
    pub(super) fn reset(&mut self) {
        *self = Self::default();
    }

    /// The choices in an answer.
    pub(super) fn choices(
        &mut self,
        answer: &Arc<Value>,
        of: &Choices,
        within: Option<Value>,
        chosen: &dyn Fn(&str) -> Option<Value>,
    ) -> Arc<Vec<Choice>> {
        let is_it = |it: &&Made| Arc::ptr_eq(&it.answer, answer) && it.of == *of && it.within == within;
        if let Some(made) = self.choices.iter().find(is_it) {
            return Arc::clone(&made.all);
        }
        let all = Arc::new(of.of(answer, chosen));
        self.choices.retain(|it| it.of != *of);
        self.choices.push(Made { answer: Arc::clone(answer), of: of.clone(), within, all: Arc::clone(&all) });
        all
    }

    /// Whether a field waits for what is pressed beside.
    pub(super) fn lines(&mut self, node: &Arc<Node>, ctx: &Ctx<'_>) -> Arc<Vec<Line>> {
        let lists = (ctx.offers.version, ctx.live.stage().is_some());
        match &self.lines {
            Some(laid) if Arc::ptr_eq(&laid.node, node) && laid.lists == lists => Arc::clone(&laid.lines),
            _ => {
                let lines = Arc::new(form::lines(&node.kind, ctx.catalog, &called(node, ctx)));
                self.lines = Some(Laid { node: Arc::clone(node), lists, lines: Arc::clone(&lines) });
                lines
            }
        }
    }
}

/// What the fields of a step are shown with.
pub(super) struct Fields<'a> {
    pub(super) ctx: &'a Ctx<'a>,
    pub(super) doc: &'a Document,
    pub(super) id: &'a NodeId,
    pub(super) node: &'a Arc<Node>,
    pub(super) known: Known<'a>,
    /// How the fields fare in each record, the newest first; none where that is not known yet.
    pub(super) records: &'a [Option<Broken>],
}

/// The id of a field's control.
pub(in crate::ui) fn field_id(doc: &Document, node: &NodeId, path: &FieldPath) -> Id {
    Id::unique(("inspector field", doc.id, node, path))
}

impl Fields<'_> {
    pub(super) fn bind(&self, field: &FieldPath, binding: Option<Binding>) -> Edit {
        Edit::Bind { node: self.id.clone(), field: field.clone(), binding }
    }

    pub(super) fn send(&self, edit: Edit) {
        self.ctx.send(Msg::Edit(self.doc.id, edit));
    }

    /// What a field is worth in this record; worked out anew only where it or what it sees changed.
    pub(super) fn worth(&self, form: &mut Form, path: &FieldPath, binding: &Binding) -> Worth {
        let generation = self.known.generation();
        if let Some((of, was, worth)) = form.worths.get(path)
            && *of == generation
            && was == binding
        {
            return worth.clone();
        }
        let collects = path.segments().first().is_some_and(|it| it == "collect");
        let sight = if collects { self.known.inside(self.id) } else { self.known.at(self.id) };
        let found = worth(binding, &sight);
        form.worths.insert(path.clone(), (generation, binding.clone(), found.clone()));
        found
    }

    /// Names that expressions of this step can begin with.
    pub(super) fn names(&self) -> Vec<Name> {
        let mut names = Vec::new();
        for Upstream { id, around } in self.known.before().iter().take(STEPS) {
            if *around && !names.iter().any(|it: &Name| it.word == "item") {
                names.push(Name { word: "item".to_owned(), title: "This item".to_owned(), value: self.known.first_item(id) });
                names.push(Name { word: "index".to_owned(), title: "Number of this item".to_owned(), value: None });
            }
            let value = self.known.given(id).map(|it| it.value);
            let title = pill::step_words(id.as_str(), self.doc.flow());
            names.push(Name { word: id.to_string(), title, value });
        }
        names.push(Name { word: "run".to_owned(), title: "Run".to_owned(), value: None });
        names
    }

    /// Puts a reference into the field that had the keyboard last; false where there is none.
    pub(super) fn insert(&self, form: &mut Form, carried: &Carried) -> bool {
        let Some((path, caret)) = form.target.clone() else { return false };
        let lines = form.lines(self.node, self.ctx);
        let field = lines.iter().find_map(|it| match it {
            Line::Field(field) if field.path == path => Some(field),
            _ => None,
        });
        match field {
            Some(field) => self.put(form, field, carried, caret),
            None => return false,
        }
        true
    }

    pub(super) fn put(&self, form: &mut Form, field: &Field, carried: &Carried, caret: Option<usize>) {
        let draft = Draft::of(field.binding.as_ref()).unwrap_or_default();
        let (draft, caret) = draft.with(&carried.reference, caret, &field.shape);
        self.ctx.send(Msg::EndGesture(self.doc.id));
        self.send(self.bind(&field.path, draft.binding(field)));
        form.editing = None;
        form.target = Some((field.path.clone(), Some(caret)));
        form.focus = Some(Aim::at(&field.path, caret));
        form.note.clear();
    }

    /// The head of the pane.
    pub(super) fn tools(&self, ui: &mut Ui, form: &mut Form) {
        let mapped = if ui.available_width() < 116.0 {
            button::icon(ui, icon::MAGIC_WAND, "Map by name")
        } else {
            button::flat(ui, Some(icon::MAGIC_WAND), "Map by name")
        };
        if mapped.on_hover_text("Fills empty fields from earlier fields that are called the same").clicked() {
            self.map_by_name(form);
        }
    }

    fn map_by_name(&self, form: &mut Form) {
        let lines = form.lines(self.node, self.ctx);
        let empty = |it: &&Field| match it.binding.as_ref().map(|it| &it.source) {
            None => it.depth == 0 && it.stand_in.is_empty(),
            Some(Source::Value(Value::String(text))) => text.is_empty(),
            _ => false,
        };
        let fields: Vec<&Field> = lines
            .iter()
            .filter_map(|it| match it {
                Line::Field(field) => Some(field.as_ref()),
                _ => None,
            })
            .filter(empty)
            .collect();
        let target = |(at, it): (usize, &&Field)| automap::Target { at, names: vec![it.wire.clone(), it.label.clone()] };
        let targets: Vec<_> = fields.iter().enumerate().map(target).collect();
        let mut sources = Vec::new();
        for step in self.known.before().iter().take(STEPS) {
            if let Some(given) = self.known.given(&step.id) {
                sources.extend(automap::sources(step.id.as_str(), &given.value));
            }
        }
        let found = automap::propose(&targets, &sources, |at, value| fields[at].shape.takes(value));
        if found.is_empty() {
            "No empty field is called like a field of an earlier step.".clone_into(&mut form.note);
            return;
        }
        let edits = found.iter().map(|(at, reference)| self.bind(&fields[*at].path, Some(Binding::expr(reference.as_str()))));
        let edits: Vec<Edit> = edits.collect();
        let words = format!("Map {}", count(found.len(), "field"));
        form.note = format!("Mapped {} by name.", count(found.len(), "field"));
        self.send(Edit::Many { label: words, edits });
    }

    /// The form.
    pub(super) fn show(&self, ui: &mut Ui, form: &mut Form) {
        ScrollArea::vertical().id_salt(("fields", self.doc.id, self.id)).auto_shrink(false).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 4.0;
            // The bar floats over what is on the right.
            ui.set_max_width(ui.available_width() - 8.0);
            if !form.note.is_empty() {
                ui.label(dim(ui, form.note.clone()));
            }
            self.problems_of_all(ui);
            super::settings::of_kind(ui, self, form);
            let lines = form.lines(self.node, self.ctx);
            let spare = lines.iter().filter(|it| matches!(it, Line::Field(field) if field.spare && field.depth == 0)).count();
            let mut hidden_below: Option<usize> = None;
            for line in lines.iter().filter(|it| !is_spare(it)) {
                self.line(ui, form, line, &mut hidden_below);
            }
            if spare > 0 {
                self.spare(ui, form, &lines, spare);
            }
            if lines.is_empty() && matches!(self.node.kind, NodeKind::Join { .. }) {
                ui.label(dim(ui, "This step has no fields to fill."));
            }
            ui.add_space(8.0);
            super::settings::more(ui, self, form);
            ui.add_space(24.0);
        });
    }

    /// Problems that belong to no field.
    fn problems_of_all(&self, ui: &mut Ui) {
        let known = ["input", "url", "query", "headers", "body", "condition", "value", "cases", "items", "collect", "duration"];
        let more = ["until", "fields", "key", "status", "message", "rule", "zone"];
        for problem in self.doc.problems.iter().filter(|it| it.node.as_ref() == Some(self.id)) {
            let first = problem.place.split('.').next().unwrap_or_default();
            if !known.contains(&first) && !more.contains(&first) {
                super::note(ui, problem.severity, &problem.place, &problem.message, &problem.hint);
            }
        }
        let failed = self.ctx.play(self.doc).and_then(|it| it.node(self.id)).filter(|it| it.failed > 0);
        if let Some(failure) = failed.and_then(|it| it.failure.as_ref()) {
            super::note(ui, Severity::Error, "", &failure.title, &format!("{} {}", failure.detail, failure.hint));
            let play = self.ctx.play(self.doc).filter(|_| matches!(failure.status, Some(401 | 403 | 404)));
            let refused = |it: &&StepLine| it.step.node == *self.id && it.state == StepState::Failed;
            if let Some((play, line)) = play.and_then(|it| Some((it, it.steps.iter().rev().find(refused)?)))
                && button::flat(ui, Some(icon::QUESTION), "Why was it refused?").clicked()
            {
                let (run, step) = (play.id, line.step.clone());
                self.ctx.send(Msg::OpenLog(Some((run, Some(step.clone())))));
                self.ctx.send(Msg::Why { mode: Mode::Sandbox, run, step, connection: None });
            }
        }
    }

    /// Optional fields that are empty: many, so they are found by name or shown all at once.
    fn spare(&self, ui: &mut Ui, form: &mut Form, lines: &[Line], spare: usize) {
        ui.add_space(4.0);
        let edit = TextEdit::singleline(&mut form.find).hint_text("Find a field").desired_width(f32::INFINITY);
        ui.add(edit).accessible_name("Find a field");
        let query = form.find.trim().to_lowercase();
        let fields = lines.iter().filter(|it| is_spare(it));
        if query.is_empty() {
            let words = if form.more { "Show fewer fields".to_owned() } else { format!("Show {}", more_words(spare)) };
            let mark = if form.more { icon::CARET_DOWN } else { icon::CARET_RIGHT };
            if button::flat(ui, Some(mark), &words).clicked() {
                form.more ^= true;
            }
            if !form.more {
                return;
            }
        }
        let mut any = false;
        let mut section = "";
        for line in fields {
            let Line::Field(field) = line else { continue };
            if query.is_empty() || tree::holds(&field.label, &query) || tree::holds(&field.wire, &query) {
                any = true;
                if field.section != section {
                    section = &field.section;
                    ui.add_space(2.0);
                    ui.label(font::heading(section).color(theme::colors(ui).text.body));
                }
                self.line(ui, form, line, &mut None);
            }
        }
        if !any {
            ui.label(dim(ui, "No empty field is called so."));
        }
    }

    fn line(&self, ui: &mut Ui, form: &mut Form, line: &Line, hidden_below: &mut Option<usize>) {
        let (path, depth) = match line {
            Line::Heading(words) => {
                ui.add_space(4.0);
                ui.label(font::heading(words.as_str()).color(theme::colors(ui).text.strong));
                return;
            }
            Line::Field(field) => (&field.path, field.depth),
            Line::AddItem { path, depth, .. } | Line::AddKey { path, depth, .. } => (path, *depth),
        };
        if hidden_below.is_some_and(|it| depth > it) {
            return;
        }
        *hidden_below = None;
        if let Line::Field(field) = line
            && form.closed.contains(&field.path)
        {
            *hidden_below = Some(depth);
        }
        let top = ui.cursor().top();
        let is_field = matches!(line, Line::Field(_));
        if is_field
            && let Some(height) = form.heights.get(path)
            && (top + height < ui.clip_rect().top() - MARGIN || top > ui.clip_rect().bottom() + MARGIN)
            && form.focus.as_ref().is_none_or(|it| it.path != *path)
        {
            ui.allocate_space(vec2(1.0, *height - ui.spacing().item_spacing.y));
            return;
        }
        let inner = Frame::new().inner_margin(Margin { left: (10 * depth).min(60) as i8, ..Margin::ZERO });
        inner.show(ui, |ui| match line {
            Line::Field(field) => self.field(ui, form, field),
            Line::AddItem { path, fresh, .. } => {
                if button::flat(ui, Some(icon::PLUS), "Add an item").clicked() {
                    self.send(self.bind(path, Some(fresh.clone())));
                }
            }
            Line::AddKey { path, words, .. } => self.add_key(ui, form, path, words),
            Line::Heading(_) => {}
        });
        if is_field {
            form.heights.insert(path.clone(), ui.cursor().top() - top);
        }
    }

    fn add_key(&self, ui: &mut Ui, form: &mut Form, path: &FieldPath, words: &str) {
        let at = format!("key {path}");
        let text = form.texts.entry(at.clone()).or_default();
        let mut add = false;
        ui.horizontal(|ui| {
            let room = (ui.available_width() - 34.0).max(40.0);
            let edit = TextEdit::singleline(text).hint_text(words).desired_width(room);
            let field = ui.add(edit).accessible_name(format!("{words}: its name"));
            let entered = field.lost_focus() && ui.input(|it| it.key_pressed(eframe::egui::Key::Enter));
            add = button::icon(ui, icon::PLUS, words).clicked() || entered;
        });
        let key = form.texts.get(&at).map(|it| it.trim().to_owned()).unwrap_or_default();
        let place = path.child(key.as_str());
        if add && !key.is_empty() && place.find(self.node).is_none() {
            self.send(self.bind(&place, Some(Binding::value(""))));
            form.texts.remove(&at);
            form.target = Some((place.clone(), Some(0)));
            form.focus = Some(Aim::at(&place, 0));
        }
    }
}

/// What the account calls inputs of its own; lists that say so are asked for once.
fn called(node: &Node, ctx: &Ctx<'_>) -> Called {
    let (NodeKind::Action { operation, .. }, Some(stage)) = (&node.kind, ctx.live.stage()) else { return Called::new() };
    let Some((_, operation)) = ctx.catalog.operation(operation) else { return Called::new() };
    let lists = Lists { offers: ctx.offers, connections: &stage.connections, catalog: ctx.catalog };
    let (called, missing) = lists.labels(operation);
    for it in missing {
        ctx.send(Msg::ReadChoices(it));
    }
    called
}

fn is_spare(line: &Line) -> bool {
    matches!(line, Line::Field(field) if field.spare && field.depth == 0)
}

fn more_words(spare: usize) -> String {
    if spare == 1 { "1 more field".to_owned() } else { format!("{spare} more fields") }
}
