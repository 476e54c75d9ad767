//! A field whose values an account has, chosen by their names: its calendars, users, tags. What is sent stands dim beside.
//!
//! Invariant: a list is asked for only where a value has to be named, or a person opens the list.
use std::sync::Arc;

use eframe::egui::accesskit::Role;
use eframe::egui::{Align2, Popup, Response, ScrollArea, Sense, TextEdit, Ui, WidgetInfo, vec2};
use serde_json::Value;

use super::fields::{Fields, Form};
use super::form::{Field, Shape};
use crate::catalog::{Choice, Choices, plain, same};
use crate::chooser::Asked;
use crate::flow::{Binding, FieldPath, NodeKind, Source};
use crate::ui::msg::Msg;
use crate::ui::offers::Offer;
use crate::ui::samples::Worth;
use crate::ui::theme::tokens::{radius, size};
use crate::ui::theme::{self, font};
use crate::ui::widgets::{button, cut_text, dim, menu_look};

/// From so many on there is a field to find one by typing.
const MANY: usize = 8;
const ROW: f32 = 26.0;
/// Rows that are seen at once.
const ROWS: f32 = 9.0;

/// What is chosen of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// One value.
    One,
    /// A list of values.
    List,
    /// Several in one text, with commas between.
    Joined,
}

impl Manner {
    fn of(field: &Field, offer: &Choices) -> Self {
        match field.shape {
            Shape::List => Self::List,
            _ if offer.joined => Self::Joined,
            _ => Self::One,
        }
    }

    /// The values that a field holds; none where it holds something else.
    fn chosen(self, binding: Option<&Binding>) -> Option<Vec<Value>> {
        match (self, binding.map(|it| &it.source)) {
            (_, None | Some(Source::Value(Value::Null))) => Some(Vec::new()),
            (Self::List, Some(Source::Value(Value::Array(all)))) => Some(all.clone()),
            (Self::Joined, Some(Source::Value(Value::String(text)))) => {
                let all = text.split(',').map(str::trim).filter(|it| !it.is_empty());
                Some(all.map(|it| Value::String(it.to_owned())).collect())
            }
            (Self::One | Self::List, Some(Source::Value(Value::String(text)))) if text.is_empty() => Some(Vec::new()),
            (Self::One, Some(Source::Value(value @ (Value::String(_) | Value::Number(_))))) => Some(vec![value.clone()]),
            _ => None,
        }
    }

    /// How these values fill a field, each with what it is called; none empties it.
    fn binding(self, chosen: &[Value], call: &dyn Fn(&Value) -> String) -> Option<Binding> {
        let value = match self {
            _ if chosen.is_empty() => return None,
            Self::One => chosen.last()?.clone(),
            Self::List => Value::Array(chosen.to_vec()),
            Self::Joined => Value::String(chosen.iter().map(plain).collect::<Vec<_>>().join(",")),
        };
        let names = match self {
            Self::One => chosen.last().map(call).into_iter().collect(),
            Self::List | Self::Joined => chosen.iter().map(call).collect::<Vec<_>>(),
        };
        // A tag is its own name: it means the same on every account.
        let are_names = chosen.iter().map(plain).eq(names.iter().cloned());
        Some(Binding::value(value).named(if are_names { Vec::new() } else { names }))
    }
}

/// What a value is called that was chosen before.
fn kept<'a>(binding: Option<&'a Binding>, chosen: &[Value], value: &Value) -> Option<&'a str> {
    let at = chosen.iter().position(|it| same(it, value))?;
    binding?.names.get(at).map(String::as_str)
}

impl Fields<'_> {
    /// What a field's list is asked for with; none where there is nobody to ask, or it is filled by something else than values.
    pub(super) fn offered<'f>(&self, form: &mut Form, field: &'f Field) -> Option<&'f Choices> {
        let offer = field.offer.as_ref()?;
        let is_free = !form.typed.contains(&field.path) && Manner::of(field, offer).chosen(field.binding.as_ref()).is_some();
        (is_free && self.connection(offer).is_some()).then_some(offer)
    }

    /// The connection that a list is read on.
    fn connection(&self, offer: &Choices) -> Option<crate::engine::ConnectionId> {
        let of = &self.ctx.live.stage()?.connections;
        of.iter().find(|it| it.connector == *offer.operation.connector()).map(|it| it.id.clone())
    }

    /// What an input beside a field holds, or would hold in this record.
    fn beside(&self, form: &mut Form, key: &str) -> Option<Value> {
        let NodeKind::Action { input, .. } = &self.node.kind else { return None };
        let binding = input.0.get(key)?;
        let value = match &binding.source {
            Source::Value(value) => value.clone(),
            _ => match self.worth(form, &FieldPath::new(["input", key]), binding) {
                Worth::Value(value) => value,
                Worth::LeftOut | Worth::Wrong(_) => return None,
            },
        };
        let is_empty = value.is_null() || value.as_str().is_some_and(|it| it.trim().is_empty());
        (!is_empty).then_some(value)
    }

    /// What is asked for, or the label of the input that has to be filled first.
    fn asked(&self, form: &mut Form, offer: &Choices) -> Result<Asked, String> {
        let keys = offer.input.values().chain(offer.within.iter().map(|it| &it.input));
        let known: Vec<(String, Option<Value>)> = keys.map(|it| (it.clone(), self.beside(form, it))).collect();
        let chosen = |key: &str| known.iter().find(|it| it.0 == key).and_then(|it| it.1.clone());
        let input = offer.asks(&chosen).map_err(|key| self.label(&key))?;
        let connection = self.connection(offer).ok_or_else(|| "Connection".to_owned())?;
        Ok(Asked { connection, operation: offer.operation.clone(), input })
    }

    fn label(&self, key: &str) -> String {
        let NodeKind::Action { operation, .. } = &self.node.kind else { return key.to_owned() };
        let found = self.ctx.catalog.operation(operation);
        found.and_then(|(_, it)| Some(it.input(key)?.label().into_owned())).unwrap_or_else(|| key.to_owned())
    }

    /// A field that is chosen by name.
    pub(super) fn by_name(&self, ui: &mut Ui, form: &mut Form, field: &Field, offer: &Choices) -> Response {
        let manner = Manner::of(field, offer);
        let chosen = manner.chosen(field.binding.as_ref()).unwrap_or_default();
        let asked = self.asked(form, offer);
        let known = asked.as_ref().ok().and_then(|it| self.ctx.offers.get(it));
        let all = self.choices(form, offer, known);
        let listed = |value: &Value| all.iter().find(|it| same(&it.value, value)).map(|it| it.label.as_str());
        let named = |value: &Value| listed(value).or_else(|| kept(field.binding.as_ref(), &chosen, value));
        if let (Ok(asked), None) = (&asked, known)
            && chosen.iter().any(|it| named(it).is_none())
        {
            self.ctx.send(Msg::ReadChoices(asked.clone()));
        }
        let (words, sent) = match chosen.as_slice() {
            [] if manner == Manner::One => ("Choose…".to_owned(), String::new()),
            [] => ("Choose one or more…".to_owned(), String::new()),
            [one] => match named(one) {
                Some(name) if name != plain(one) => (name.to_owned(), plain(one)),
                _ => (plain(one), String::new()),
            },
            several => {
                let all: Vec<String> = several.iter().map(|it| named(it).map_or_else(|| plain(it), str::to_owned)).collect();
                (all.join(", "), String::new())
            }
        };
        let response = control(ui, &format!("{}, field", field.label), &words, &sent);
        if response.has_focus() || response.clicked() {
            form.target = Some((field.path.clone(), None));
        }
        if response.clicked()
            && let Ok(asked) = &asked
            && known.is_none_or(|it| it.is_old(ui.input(|it| it.time)))
        {
            self.ctx.send(Msg::ReadChoices(asked.clone()));
        }
        let close = if manner == Manner::One {
            eframe::egui::PopupCloseBehavior::CloseOnClick
        } else {
            eframe::egui::PopupCloseBehavior::CloseOnClickOutside
        };
        // The field to find one by typing is pressed, too.
        let close = if all.len() >= MANY { eframe::egui::PopupCloseBehavior::CloseOnClickOutside } else { close };
        Popup::menu(&response).close_behavior(close).show(|ui| {
            menu_look(ui, 250.0);
            ui.set_max_width(340.0);
            let mut list = List { fields: self, field, manner, chosen: &chosen, all: &all };
            match &asked {
                Err(first) => drop(ui.label(dim(ui, format!("Fill {first} first: the choices hang on it.")))),
                Ok(asked) => list.show(ui, form, asked, known),
            }
        });
        response
    }

    fn choices(&self, form: &mut Form, offer: &Choices, known: Option<&Offer>) -> Arc<Vec<Choice>> {
        let Some(answer) = known.and_then(|it| it.answer.as_ref()) else { return Arc::default() };
        let within = offer.within.as_ref().map(|it| (it.input.clone(), self.beside(form, &it.input)));
        let chosen = |key: &str| within.as_ref().filter(|it| it.0 == key).and_then(|it| it.1.clone());
        form.choices(answer, offer, within.as_ref().and_then(|it| it.1.clone()), &chosen)
    }
}

/// The list of a field, opened.
struct List<'a> {
    fields: &'a Fields<'a>,
    field: &'a Field,
    manner: Manner,
    chosen: &'a [Value],
    all: &'a [Choice],
}

impl List<'_> {
    fn show(&mut self, ui: &mut Ui, form: &mut Form, asked: &Asked, known: Option<&Offer>) {
        let find = format!("find {}", self.field.path);
        let mut query = String::new();
        if self.all.len() >= MANY {
            let text = form.texts.entry(find).or_default();
            let edit = TextEdit::singleline(text).hint_text("Find").desired_width(f32::INFINITY);
            ui.add(edit).accessible_name(format!("Find in {}", self.field.label));
            query = text.trim().to_lowercase();
        }
        let fits =
            |it: &&Choice| query.is_empty() || it.label.to_lowercase().contains(&query) || plain(&it.value).contains(&query);
        let shown: Vec<&Choice> = self.all.iter().filter(fits).collect();
        let mut pressed = None;
        ScrollArea::vertical().max_height(ROW * ROWS).show_rows(ui, ROW, shown.len(), |ui, range| {
            for choice in shown.get(range).unwrap_or_default() {
                let on = self.chosen.iter().any(|it| same(it, &choice.value));
                if row(ui, choice, on).clicked() {
                    pressed = Some(choice.value.clone());
                }
            }
        });
        if let Some(value) = pressed {
            self.press(value);
            if self.manner == Manner::One {
                ui.close();
            }
        }
        let is_reading = known.is_none_or(Offer::is_waiting);
        if let Some(failure) = known.and_then(|it| it.failure.as_ref()).filter(|_| !is_reading) {
            let words = crate::ui::words::sentence(&failure.title);
            ui.label(dim(ui, format!("The list cannot be read. {words}")));
        } else if is_reading {
            ui.label(dim(ui, "Reading the list…"));
        } else if self.all.is_empty() {
            ui.label(dim(ui, "The account has none."));
        } else if shown.is_empty() {
            ui.label(dim(ui, "None is called so."));
        }
        ui.separator();
        if !is_reading && ui.button("Read the list again").clicked() {
            self.fields.ctx.send(Msg::ReadChoices(asked.clone()));
        }
        if ui.button("Type it by hand").clicked() {
            form.typed.insert(self.field.path.clone());
            ui.close();
        }
    }

    fn press(&self, value: Value) {
        let mut chosen = self.chosen.to_vec();
        match chosen.iter().position(|it| same(it, &value)) {
            Some(at) if self.manner != Manner::One => drop(chosen.remove(at)),
            _ if self.manner == Manner::One => chosen = vec![value],
            _ => chosen.push(value),
        }
        let named = |value: &Value| {
            let listed = self.all.iter().find(|it| same(&it.value, value)).map(|it| it.label.clone());
            let before = || kept(self.field.binding.as_ref(), self.chosen, value).map(str::to_owned);
            listed.or_else(before).unwrap_or_else(|| plain(value))
        };
        self.fields.send(self.fields.bind(&self.field.path, self.manner.binding(&chosen, &named)));
    }
}

/// A choice, with what is sent dim on the right.
fn row(ui: &mut Ui, choice: &Choice, on: bool) -> Response {
    let colors = theme::colors(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::ListBoxOption, true, on, &choice.label));
    let fill = if on {
        Some(colors.bg.selected)
    } else if response.hovered() || response.has_focus() {
        Some(colors.bg.hover)
    } else {
        None
    };
    if let Some(fill) = fill {
        ui.painter().rect_filled(rect, radius::CHIP, fill);
    }
    button::focus_ring(ui, &response, rect);
    let sent = plain(&choice.value);
    let left = rect.left_center() + vec2(8.0, 0.0);
    let name = cut_text(ui, left, &choice.label, font::regular(size::BODY), colors.text.strong, rect.width() * 0.62);
    if sent != choice.label {
        let room = (rect.width() - name - 28.0).max(0.0);
        let short: String = fitting(&sent, room);
        ui.painter().text(
            rect.right_center() - vec2(8.0, 0.0),
            Align2::RIGHT_CENTER,
            short,
            font::mono(size::MONO_SMALL),
            colors.text.dim,
        );
    }
    response
}

/// The closed field: the name, and what is sent dim beside it.
fn control(ui: &mut Ui, name: &str, words: &str, sent: &str) -> Response {
    let colors = theme::colors(ui);
    let room = (ui.available_width() - 40.0).max(60.0);
    let shown = fitting(words, room);
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        let response = button::drop_down(ui, &shown).accessible_name(format!("{name}: {words}"));
        let left = ui.available_width().min(190.0);
        if !sent.is_empty() && left > 32.0 {
            let (rect, about) = ui.allocate_exact_size(vec2(left, 14.0), Sense::hover());
            about.widget_info(|| WidgetInfo::labeled(Role::Label, true, format!("{name}, sent as {sent}")));
            cut_text(ui, rect.left_center(), sent, font::mono(size::MONO_SMALL), colors.text.dim, rect.width());
            about.on_hover_text(sent);
        }
        response
    })
    .inner
}

/// As much of a text as has room, by the usual width of a letter.
fn fitting(text: &str, room: f32) -> String {
    let letters = (room / 7.2).max(1.0) as usize;
    if text.chars().count() <= letters {
        return text.to_owned();
    }
    text.chars().take(letters.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_chosen_is_read_from_a_field_and_written_into_it() {
        for (manner, held, chosen) in [
            (Manner::One, json!("a"), json!(["a"])),
            (Manner::List, json!(["a", "b"]), json!(["a", "b"])),
            (Manner::Joined, json!("a,b"), json!(["a", "b"])),
        ] {
            let read = manner.chosen(Some(&Binding::value(held.clone()))).unwrap();
            assert_eq!(json!(read), chosen, "{manner:?}");
            let call = |it: &Value| plain(it).to_uppercase();
            let names = read.iter().map(&call);
            assert_eq!(manner.binding(&read, &call), Some(Binding::value(held).named(names)), "{manner:?}");
            assert_eq!((manner.chosen(None), manner.binding(&[], &call)), (Some(Vec::new()), None));
        }
        assert_eq!(Manner::Joined.chosen(Some(&Binding::value(" a , ,b"))), Some(vec![json!("a"), json!("b")]));
    }

    #[test]
    fn what_is_worked_out_or_of_another_kind_is_no_choice() {
        for manner in [Manner::One, Manner::List, Manner::Joined] {
            assert_eq!(manner.chosen(Some(&Binding::expr("a.b"))), None, "{manner:?}");
            assert_eq!(manner.chosen(Some(&Binding::value(json!({"a": 1})))), None, "{manner:?}");
        }
        assert_eq!(Manner::One.chosen(Some(&Binding::value(json!(["a"])))), None);
    }
}
