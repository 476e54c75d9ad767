//! One field of the form: its name, what it is filled with, what that is worth, and what is done where it is missing.
use std::collections::BTreeMap;
use std::ops::Range;

use eframe::egui::accesskit::Role;
use eframe::egui::{
    Align, Layout, Popup, Response, RichText, ScrollArea, Sense, Stroke, StrokeKind, TextEdit, Ui, WidgetInfo, vec2,
};
use jiff::tz::TimeZone;
use serde_json::Value;

use super::draft::Draft;
use super::entry::{self, Entry};
use super::fields::{Aim, Editing, Fields, Form, field_id};
use super::form::{Field, Kept, Shape};
use super::viewer::Carried;
use super::{pill, records, tree, when};
use crate::flow::{Binding, Edit, FieldPath, Gesture, Missing, Problem, Severity, Source};
use crate::ui::canvas::sentence::{count, title};
use crate::ui::command::UiCommand;
use crate::ui::msg::Msg;
use crate::ui::samples::Worth;
use crate::ui::theme::tokens::{line, radius, size};
use crate::ui::theme::{self, font, icon};
use crate::ui::widgets::{button, cut_text, dim, menu_look, switch};

impl Fields<'_> {
    pub(super) fn field(&self, ui: &mut Ui, form: &mut Form, field: &Field) {
        let colors = theme::colors(ui);
        let place = field.path.to_string();
        let is_here = |it: &&Problem| it.node.as_ref() == Some(self.id) && it.place == place;
        let problems: Vec<&Problem> = self.doc.problems.iter().filter(is_here).collect();
        let worth = field
            .binding
            .as_ref()
            .filter(|it| !matches!(it.source, Source::Value(_)))
            .map(|it| self.worth(form, &field.path, it));
        let wrong = problems.iter().any(|it| it.severity == Severity::Error) && field.binding.is_some()
            || matches!(worth, Some(Worth::Wrong(_)));
        let edge = if wrong {
            Some(colors.failed.mark)
        } else if field.needed && field.binding.is_none() {
            Some(colors.waiting.mark)
        } else {
            None
        };
        self.head(ui, form, field);
        let taken_apart = matches!(field.binding.as_ref().map(|it| &it.source), Some(Source::List(_) | Source::Object(_)));
        let control = if taken_apart {
            container(ui, form, field)
        } else if let Some(offer) = self.offered(form, field) {
            self.by_name(ui, form, field, offer)
        } else if is_picked(form, field) {
            self.choice(ui, form, field)
        } else {
            self.text(ui, form, field, edge, problems.iter().find_map(|it| it.span.clone()))
        };
        if let Some(carried) = control.dnd_hover_payload::<Carried>() {
            let stroke = Stroke::new(line::SELECT, colors.accent.ring);
            ui.painter().rect_stroke(control.rect, radius::BASE, stroke, StrokeKind::Inside);
            if control.dnd_release_payload::<Carried>().is_some() {
                let caret = form.target.take().filter(|it| it.0 == field.path).and_then(|it| it.1);
                // What one value fills as a whole is filled by the other; into text it is put where it is dropped.
                let whole = Draft::of(field.binding.as_ref()).is_none_or(|it| it.shown.only_pill().is_some());
                if whole {
                    let missing = field.binding.as_ref().map_or(Missing::Stop, |it| it.missing.clone());
                    let emptied = Binding { source: Source::Value(Value::Null), missing, names: Vec::new() };
                    self.put(form, &Field { binding: Some(emptied), ..field.clone() }, &carried, None);
                } else {
                    self.put(form, field, &carried, caret);
                }
            }
        }
        for problem in &problems {
            // That nothing fills it is told by its edge and the word beside its name.
            if problem.code != "required" || field.binding.is_some() {
                let ink = if problem.severity == Severity::Error { colors.failed } else { colors.waiting };
                let words = crate::ui::words::sentence(&problem.message);
                let hint = if problem.hint.is_empty() { String::new() } else { format!(" {}", super::closed(&problem.hint)) };
                said(
                    ui,
                    ink.text,
                    if problem.severity == Severity::Error { icon::X_CIRCLE } else { icon::WARNING },
                    &format!("{words}{hint}"),
                );
            }
        }
        let has_error = problems.iter().any(|it| it.severity == Severity::Error);
        // Of what is taken apart each part says its own.
        self.worth_line(ui, field, worth.as_ref().filter(|it| !taken_apart || matches!(it, Worth::Wrong(_))), has_error);
        if let Some(binding) = &field.binding {
            let missing = matches!(&worth, Some(Worth::Wrong(it)) if it.missing) || matches!(worth, Some(Worth::LeftOut));
            let unsure = problems.iter().any(|it| it.code == "may_not_run");
            if (missing || unsure || binding.missing != Missing::Stop) && !taken_apart {
                self.missing(ui, form, field, binding);
            }
        }
        ui.add_space(4.0);
    }

    /// Its name, what it takes, and what can be done with it.
    fn head(&self, ui: &mut Ui, form: &mut Form, field: &Field) {
        let colors = theme::colors(ui);
        let usual = std::mem::replace(&mut ui.spacing_mut().interact_size.y, 18.0);
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 5.0;
            ui.set_min_height(18.0);
            let renaming = format!("rename {}", field.path);
            if form.texts.contains_key(&renaming) {
                self.rename(ui, form, field, &renaming);
                return;
            }
            let room = ui.available_width() - if matches!(field.kept, Kept::Always | Kept::Optional) { 84.0 } else { 130.0 };
            let label = RichText::new(&field.label).font(font::medium(size::SMALL)).color(colors.text.body);
            ui.scope(|ui| {
                ui.set_max_width(room.max(48.0));
                let label = ui.add(eframe::egui::Label::new(label).truncate());
                if !field.help.is_empty() {
                    label.on_hover_text(&field.help);
                }
            });
            if field.renamed {
                let wire = RichText::new(&field.wire).font(font::mono(size::MONO_SMALL)).color(colors.text.dim);
                ui.label(wire);
            }
            if field.needed {
                let empty = field.binding.is_none();
                let ink = if empty { colors.waiting.text } else { colors.text.dim };
                ui.label(RichText::new("required").small().color(ink));
            }
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                ui.spacing_mut().item_spacing.x = 0.0;
                let shown = small_menu(ui, field.shape.words(), &format!("{}, how it is filled", field.label));
                Popup::menu(&shown).show(|ui| self.ways(ui, form, field));
                match field.kept {
                    Kept::Named => {
                        if small_icon(ui, icon::TRASH, &format!("Remove {}", field.label)).clicked() {
                            self.send(self.bind(&field.path, None));
                        }
                        if small_icon(ui, icon::PENCIL_SIMPLE, &format!("Rename {}", field.label)).clicked() {
                            form.texts.insert(renaming.clone(), field.label.clone());
                        }
                    }
                    Kept::Item { at, of } => {
                        if small_icon(ui, icon::TRASH, &format!("Remove item {}", at + 1)).clicked() {
                            self.send(self.bind(&field.path, None));
                        }
                        if at + 1 < of && small_icon(ui, icon::CARET_DOWN, &format!("Move item {} down", at + 1)).clicked() {
                            self.swap(field, at, at + 1);
                        }
                        if at > 0 && small_icon(ui, icon::CARET_UP, &format!("Move item {} up", at + 1)).clicked() {
                            self.swap(field, at, at - 1);
                        }
                    }
                    Kept::Always | Kept::Optional => {}
                }
            });
        });
        ui.spacing_mut().interact_size.y = usual;
    }

    fn swap(&self, field: &Field, at: usize, with: usize) {
        let other = sibling(&field.path, &with.to_string());
        let (Some(one), Some(two)) = (field.path.find(self.node).cloned(), other.find(self.node).cloned()) else { return };
        let edits = vec![self.bind(&field.path, Some(two)), self.bind(&other, Some(one))];
        self.send(Edit::Many { label: format!("Move item {}", at + 1), edits });
    }

    fn rename(&self, ui: &mut Ui, form: &mut Form, field: &Field, at: &str) {
        let Some(text) = form.texts.get_mut(at) else { return };
        let edit = TextEdit::singleline(text).desired_width(ui.available_width() - 8.0);
        let response = ui.add(edit).accessible_name(format!("New name of {}", field.label));
        if !response.has_focus() && !response.lost_focus() {
            response.request_focus();
        }
        if response.lost_focus() {
            let escaped = ui.input(|it| it.key_pressed(eframe::egui::Key::Escape));
            let name = form.texts.remove(at).unwrap_or_default().trim().to_owned();
            let place = sibling(&field.path, &name);
            if !escaped && !name.is_empty() && place.find(self.node).is_none() {
                let edits = vec![self.bind(&field.path, None), self.bind(&place, field.binding.clone())];
                self.send(Edit::Many { label: format!("Rename field to {name}"), edits });
            }
        }
    }

    /// The menu of a field.
    fn ways(&self, ui: &mut Ui, form: &mut Form, field: &Field) {
        menu_look(ui, 190.0);
        if !field.help.is_empty() {
            ui.set_max_width(240.0);
            ui.label(dim(ui, field.help.clone()));
        }
        let draft = Draft::of(field.binding.as_ref());
        let is_choice = matches!(field.shape, Shape::YesNo | Shape::Choice(_)) || field.offer.is_some();
        if let Some(draft) = &draft {
            if !draft.expression && ui.button("Write an expression").clicked() {
                let draft = match field.binding.as_ref().map(|it| &it.source) {
                    Some(Source::Value(value)) if !value.is_string() => Draft::expression(&value.to_string()),
                    _ => draft.as_expression(),
                };
                let caret = draft.shown.text.chars().count();
                self.send(self.bind(&field.path, draft.binding(field)));
                form.typed.insert(field.path.clone());
                form.editing = Some(Editing { path: field.path.clone(), binding: draft.binding(field), draft });
                form.target = Some((field.path.clone(), Some(caret)));
                form.focus = Some(Aim::at(&field.path, caret));
                ui.close();
            }
            if is_choice && form.typed.contains(&field.path) && ui.button("Choose from the list").clicked() {
                form.typed.remove(&field.path);
                self.send(self.bind(&field.path, None));
                ui.close();
            }
        }
        if matches!(field.shape, Shape::List | Shape::Any) && draft.is_some() && ui.button("Fill in item by item").clicked() {
            let items = match field.binding.as_ref().map(|it| &it.source) {
                Some(Source::Value(Value::Array(list))) => list.iter().cloned().map(Binding::value).collect(),
                Some(Source::Value(Value::String(text))) if text.is_empty() => Vec::new(),
                Some(_) => field.binding.iter().cloned().collect(),
                None => Vec::new(),
            };
            self.send(self.bind(&field.path, Some(Binding::from(Source::List(items)))));
            ui.close();
        }
        if matches!(field.shape, Shape::Object | Shape::Any) && draft.is_some() && ui.button("Fill in field by field").clicked() {
            let fields = match field.binding.as_ref().map(|it| &it.source) {
                Some(Source::Value(Value::Object(map))) => {
                    map.iter().map(|(key, it)| (key.clone(), Binding::value(it.clone()))).collect()
                }
                _ => BTreeMap::new(),
            };
            self.send(self.bind(&field.path, Some(Binding::from(Source::Object(fields)))));
            ui.close();
        }
        if field.binding.is_some() {
            if !matches!(field.binding.as_ref().map(|it| &it.source), Some(Source::Value(_))) {
                ui.separator();
                for (words, missing) in [
                    ("If missing: stop here", Missing::Stop),
                    ("If missing: skip the field", Missing::Skip),
                    ("If missing: use a default", Missing::Default(Value::String(String::new()))),
                ] {
                    let on = field
                        .binding
                        .as_ref()
                        .is_some_and(|it| std::mem::discriminant(&it.missing) == std::mem::discriminant(&missing));
                    if ui.selectable_label(on, words).clicked() {
                        self.set_missing(field, missing);
                        ui.close();
                    }
                }
            }
            ui.separator();
            if ui.button("Empty the field").clicked() {
                let empty = (field.kept != Kept::Optional).then(|| Binding::value(""));
                self.send(self.bind(&field.path, empty));
                form.typed.remove(&field.path);
                form.editing = None;
                ui.close();
            }
        }
    }

    fn set_missing(&self, field: &Field, missing: Missing) {
        if let Some(binding) = &field.binding {
            self.send(self.bind(&field.path, Some(Binding { missing, ..binding.clone() })));
        }
    }

    /// What is done where what it speaks of is missing.
    fn missing(&self, ui: &mut Ui, form: &mut Form, field: &Field, binding: &Binding) {
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 4.0;
            ui.label(dim(ui, "If missing"));
            for (word, missing) in
                [("Skip", Missing::Skip), ("Default", Missing::Default(Value::String(String::new()))), ("Stop", Missing::Stop)]
            {
                let on = std::mem::discriminant(&binding.missing) == std::mem::discriminant(&missing);
                if small_choice(ui, word, &format!("If {} is missing: {}", field.label, word.to_lowercase()), on).clicked() && !on
                {
                    self.set_missing(field, missing);
                }
            }
        });
        if let Missing::Default(value) = &binding.missing {
            let at = format!("default {}", field.path);
            let mut text = match value {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            let edit = TextEdit::singleline(&mut text).hint_text("The default").desired_width(f32::INFINITY);
            let response = ui.add(edit).accessible_name(format!("{}, default", field.label));
            if response.changed() {
                let as_field = Field { binding: None, kept: Kept::Always, ..field.clone() };
                let mut draft = Draft::default();
                draft.typed(text, 0);
                if let Some(Source::Value(value)) = draft.binding(&as_field).map(|it| it.source) {
                    let binding = Binding { missing: Missing::Default(value), ..binding.clone() };
                    let gesture = Gesture::new(format!("type {} {at}", self.id));
                    self.ctx.send(Msg::EditIn(self.doc.id, self.bind(&field.path, Some(binding)), gesture));
                }
            }
            if response.lost_focus() {
                self.ctx.send(Msg::EndGesture(self.doc.id));
            }
        }
        form.heights.remove(&field.path);
    }

    fn worth_line(&self, ui: &mut Ui, field: &Field, worth: Option<&Worth>, told: bool) {
        let colors = theme::colors(ui);
        if self.known.is_reading() && worth.is_some() {
            ui.label(dim(ui, "Reading the sample…"));
            return;
        }
        match worth {
            Some(Worth::Value(value)) => {
                let words =
                    when::words(value, self.account_zone().as_ref(), &TimeZone::system()).unwrap_or_else(|| tree::preview(value));
                let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 16.0), Sense::hover());
                response.widget_info(|| WidgetInfo::labeled(Role::Label, true, format!("Here: {words}")));
                // How it fares elsewhere, where it follows from what a record holds.
                let is_mapped = field.binding.as_ref().is_some_and(|it| !matches!(it.source, Source::Value(_)));
                let has_room = rect.width() > 80.0 + 6.0 * self.records.len() as f32;
                let dots = if is_mapped && self.records.len() > 1 && has_room {
                    records::field_dots(ui, rect.right_center() - vec2(2.0, 0.0), self.records, field) + 8.0
                } else {
                    0.0
                };
                let words = if words.is_empty() { "Empty text".to_owned() } else { words };
                cut_text(
                    ui,
                    rect.left_center() + vec2(2.0, 0.0),
                    &words,
                    font::regular(size::SMALL),
                    colors.text.dim,
                    rect.width() - 4.0 - dots,
                );
                response.on_hover_text(words);
            }
            Some(Worth::LeftOut) => drop(ui.label(dim(ui, "Left out here: what it speaks of is missing."))),
            // What the check said of it is not said twice.
            Some(Worth::Wrong(wrong)) if !told || wrong.missing => said(ui, colors.failed.text, icon::X_CIRCLE, &wrong.words),
            None | Some(Worth::Wrong(_)) => {}
        }
    }

    /// The zone of the account that the step calls on, where its connection states one.
    fn account_zone(&self) -> Option<TimeZone> {
        let connector = self.doc.flow().slots.get(self.node.kind.slot()?)?;
        let connection = self.ctx.live.stage()?.connections.iter().find(|it| it.connector == *connector)?;
        let named = connection.account.iter().find(|(key, _)| key.contains("zone"))?;
        TimeZone::get(named.1).ok()
    }

    fn choice(&self, ui: &mut Ui, form: &mut Form, field: &Field) -> Response {
        let name = format!("{}, field", field.label);
        let value = match field.binding.as_ref().map(|it| &it.source) {
            Some(Source::Value(value)) => Some(value),
            _ => None,
        };
        let set = |value: Value| self.send(self.bind(&field.path, Some(Binding::value(value))));
        let shown = if let Shape::Choice(choices) = &field.shape {
            let empty = || match &field.default {
                Some(value) => format!("Choose… (by default {})", choice_words(value)),
                None => "Choose…".to_owned(),
            };
            let words = value.map_or_else(empty, choice_words);
            let response = button::drop_down(ui, &words).accessible_name(format!("{name}: {words}"));
            Popup::menu(&response).show(|ui| {
                menu_look(ui, 180.0);
                ScrollArea::vertical().max_height(260.0).show(ui, |ui| {
                    for choice in choices {
                        if ui.selectable_label(Some(choice) == value, choice_words(choice)).clicked() {
                            set(choice.clone());
                            ui.close();
                        }
                    }
                });
            });
            response
        } else {
            let current = value.and_then(Value::as_bool).map_or(usize::MAX, |it| usize::from(!it));
            let shown = ui.scope(|ui| {
                if let Some(chosen) = switch::segments(ui, &name, &["Yes", "No"], current) {
                    set(Value::Bool(chosen == 0));
                }
            });
            shown.response
        };
        if shown.has_focus() || shown.clicked() {
            form.target = Some((field.path.clone(), None));
        }
        shown
    }

    /// What is taken back in a field is a step of the flow, as everywhere: one typing, one mapping.
    fn step_back(&self, ui: &Ui, form: &mut Form) {
        // More modifiers first: Ctrl+Shift+Z must not be taken for Ctrl+Z.
        for command in [UiCommand::Redo, UiCommand::Undo] {
            let keys = self.ctx.keys.of(command);
            if keys.is_some_and(|it| ui.input_mut(|input| input.consume_shortcut(&it))) {
                self.ctx.send(Msg::Do(command));
                form.editing = None;
                return;
            }
        }
    }

    fn text(
        &self,
        ui: &mut Ui,
        form: &mut Form,
        field: &Field,
        edge: Option<eframe::egui::Color32>,
        wrong: Option<Range<usize>>,
    ) -> Response {
        let id = field_id(self.doc, self.id, &field.path);
        let under_edit = form.editing.as_ref().filter(|it| it.path == field.path && it.binding == field.binding);
        let Some(draft) = under_edit.map(|it| it.draft.clone()).or_else(|| Draft::of(field.binding.as_ref())) else {
            let response = ui.label(dim(ui, "A large value. Empty the field to fill it anew."));
            return response;
        };
        let catalog = self.ctx.catalog;
        let flow = self.doc.flow();
        let label = |source: &str| pill::label(source, flow, catalog);
        let names = || self.names();
        let words = if draft.shown.text.is_empty() { "empty".to_owned() } else { pill::plain_words(&draft.shown, flow, catalog) };
        let hint = match (field.stand_in, &field.default, field.shape.hint()) {
            ("", Some(value), _) => format!("By default {}", choice_words(value)),
            ("", None, hint) => hint.to_owned(),
            (stand_in, ..) => title(stand_in),
        };
        let lines = matches!(&field.shape, Shape::Text { format } if format.is_empty()) && !draft.expression;
        let name = format!("{}, field", field.label);
        let entry = Entry { id, name, hint, draft: &draft, label: &label, names: &names, edge, wrong, lines, words };
        if let Some(aim) = form.focus.as_mut().filter(|it| it.path == field.path) {
            if std::mem::replace(&mut aim.seen, true) {
                entry::put_caret(ui, id, aim.caret, true);
                ui.memory_mut(|it| it.request_focus(id));
                form.target = Some((field.path.clone(), Some(aim.caret)));
                form.focus = None;
                ui.scroll_to_cursor(None);
            } else {
                ui.ctx().request_repaint();
            }
        }
        if ui.memory(|it| it.has_focus(id)) {
            self.step_back(ui, form);
        }
        let edited = entry.show(ui);
        let response = edited.response.clone();
        if response.dnd_hover_payload::<Carried>().is_some()
            && let Some(at) = ui.input(|it| it.pointer.interact_pos())
        {
            form.target = Some((field.path.clone(), Some(edited.caret_near(at))));
        }
        if response.has_focus() {
            form.target = Some((field.path.clone(), edited.caret));
        }
        if let Some(draft) = edited.changed {
            let binding = draft.binding(field);
            let gesture = Gesture::new(format!("type {} {}", self.id, field.path));
            self.ctx.send(Msg::EditIn(self.doc.id, self.bind(&field.path, binding.clone()), gesture));
            form.editing = Some(Editing { path: field.path.clone(), draft, binding });
            form.note.clear();
        }
        if response.lost_focus() {
            self.ctx.send(Msg::EndGesture(self.doc.id));
            // As long as it is typed into it stays what it was begun as; then it is shown as what it is.
            form.editing = form.editing.take().filter(|it| it.path != field.path);
        }
        response
    }
}

/// A list or an object that is filled part by part.
fn container(ui: &mut Ui, form: &mut Form, field: &Field) -> Response {
    let (what, one) = match field.binding.as_ref().map(|it| &it.source) {
        Some(Source::List(items)) => (items.len(), "item"),
        Some(Source::Object(fields)) => (fields.len(), "field"),
        _ => (0, "field"),
    };
    let open = !form.closed.contains(&field.path);
    let mark = if open { icon::CARET_DOWN } else { icon::CARET_RIGHT };
    let response = button::flat(ui, Some(mark), &count(what, one));
    response.widget_info(|| WidgetInfo::selected(Role::Button, true, open, format!("{}, {}", field.label, count(what, one))));
    if response.clicked() {
        if open {
            form.closed.insert(field.path.clone());
        } else {
            form.closed.remove(&field.path);
        }
    }
    response
}

/// Whether a field is chosen from a list rather than typed into.
fn is_picked(form: &Form, field: &Field) -> bool {
    let literal = matches!(field.binding.as_ref().map(|it| &it.source), None | Some(Source::Value(_)));
    let fits = match (&field.shape, field.binding.as_ref().map(|it| &it.source)) {
        (Shape::YesNo, Some(Source::Value(value))) => value.is_boolean(),
        (Shape::YesNo | Shape::Choice(_), _) => true,
        _ => false,
    };
    literal && fits && !form.typed.contains(&field.path)
}

fn sibling(path: &FieldPath, last: &str) -> FieldPath {
    let segments = path.segments();
    let before = segments.get(..segments.len().saturating_sub(1)).unwrap_or_default();
    FieldPath::new(before.iter().cloned()).child(last)
}

fn choice_words(value: &Value) -> String {
    match value {
        Value::String(text) if text.is_empty() => "(empty)".to_owned(),
        Value::String(text) => text.clone(),
        other => tree::preview(other),
    }
}

/// A sentence under a field, with its mark.
fn said(ui: &mut Ui, ink: eframe::egui::Color32, mark: char, words: &str) {
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        ui.label(RichText::new(mark).font(font::icons_fill(12.0)).color(ink));
        ui.vertical(|ui| {
            ui.set_width(ui.available_width());
            ui.label(RichText::new(words).small().color(ink));
        });
    });
}

fn small_icon(ui: &mut Ui, mark: char, name: &str) -> Response {
    let colors = theme::colors(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(18.0, 18.0), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, name));
    let ink = if response.hovered() { colors.text.strong } else { colors.text.dim };
    ui.painter().text(rect.center(), eframe::egui::Align2::CENTER_CENTER, mark, font::icons(12.0), ink);
    button::focus_ring(ui, &response, rect);
    response.on_hover_text(name)
}

/// A word with a caret that opens a menu.
fn small_menu(ui: &mut Ui, words: &str, name: &str) -> Response {
    let colors = theme::colors(ui);
    let galley = ui.painter().layout_no_wrap(words.to_owned(), font::regular(size::SMALL), eframe::egui::Color32::PLACEHOLDER);
    let (rect, response) = ui.allocate_exact_size(vec2(galley.size().x + 14.0, 18.0), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, name));
    let ink = if response.hovered() { colors.text.strong } else { colors.text.dim };
    let at = rect.left_center() - vec2(0.0, galley.size().y / 2.0);
    ui.painter().galley(at, galley, ink);
    let caret = rect.right_center() - vec2(6.0, 0.0);
    ui.painter().text(caret, eframe::egui::Align2::CENTER_CENTER, icon::CARET_DOWN, font::icons(9.0), ink);
    button::focus_ring(ui, &response, rect);
    response
}

/// One of several words, small.
fn small_choice(ui: &mut Ui, word: &str, name: &str, on: bool) -> Response {
    let colors = theme::colors(ui);
    let galley = ui.painter().layout_no_wrap(word.to_owned(), font::medium(size::SMALL), eframe::egui::Color32::PLACEHOLDER);
    let (rect, response) = ui.allocate_exact_size(galley.size() + vec2(12.0, 8.0), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::RadioButton, true, on, name));
    let (fill, edge) = if on { (colors.bg.selected, colors.accent.ring) } else { (colors.bg.raised, colors.stroke.usual) };
    ui.painter().rect(rect, radius::BASE, fill, Stroke::new(line::HAIRLINE, edge), StrokeKind::Inside);
    button::focus_ring(ui, &response, rect);
    ui.painter().galley(rect.center() - galley.size() / 2.0, galley, colors.text.strong);
    response
}
