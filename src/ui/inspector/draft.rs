//! A field under edit: from how it is filled to what is shown, and back from what was typed.
//!
//! Invariant: pure. What is shown and not touched is written back as it was.
use serde_json::Value;

use super::form::{Field, Kept, Shape};
use super::pill::{Shown, number};
use super::reference::{in_text, plain_path};
use crate::flow::{Binding, Missing, Source};

/// The longest literal that is edited as text, in bytes.
const LONGEST: usize = 200_000;

/// What a field shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Draft {
    pub(super) shown: Shown,
    /// It is one expression, behind `=`.
    pub(super) expression: bool,
}

impl Draft {
    /// Of how a field is filled; none where that is no text: lists and objects that are taken apart, and what is too long.
    pub(super) fn of(binding: Option<&Binding>) -> Option<Self> {
        let plain = |text: &str| Self { shown: Shown { text: text.to_owned(), pills: Vec::new() }, expression: false };
        Some(match binding.map(|it| &it.source) {
            None | Some(Source::Value(Value::Null)) => Self::default(),
            Some(Source::Value(Value::String(text))) if text.len() > LONGEST => return None,
            Some(Source::Value(Value::String(text))) if text.chars().any(|it| number(it).is_some()) => {
                Self { shown: Shown::of(text), expression: false }
            }
            Some(Source::Value(Value::String(text))) => plain(text),
            Some(Source::Value(value)) => {
                if super::tree::is_large(value) {
                    return None;
                }
                plain(&value.to_string())
            }
            Some(Source::Text(text)) => Self { shown: Shown::of(text), expression: false },
            Some(Source::Expr(source)) if plain_path(source).is_some() => {
                Self { shown: Shown::of(&in_text(source.trim())), expression: false }
            }
            Some(Source::Expr(source)) => Self::expression(source),
            Some(Source::List(_) | Source::Object(_)) => return None,
        })
    }

    /// As an expression.
    pub(super) fn expression(source: &str) -> Self {
        Self { shown: Shown { text: format!("={source}"), pills: Vec::new() }, expression: true }
    }

    /// The expression that stands for what is shown.
    pub(super) fn as_expression(&self) -> Self {
        if self.expression {
            return self.clone();
        }
        if let Some(pill) = self.shown.only_pill() {
            return Self::expression(pill);
        }
        // Text and pills, one behind the other.
        let mut parts: Vec<String> = Vec::new();
        let mut text = String::new();
        for letter in self.shown.text.chars() {
            let pill = number(letter).and_then(|at| super::pill::inner(self.shown.pills.get(at)?));
            if let Some(pill) = pill {
                if !text.is_empty() {
                    parts.push(quoted(&std::mem::take(&mut text)));
                }
                parts.push(if plain_path(pill).is_some() { pill.to_owned() } else { format!("({pill})") });
            } else {
                text.push(letter);
            }
        }
        if !text.is_empty() {
            parts.push(quoted(&text));
        }
        Self::expression(&parts.join(" ~ "))
    }

    /// Takes in what was typed: `=` first makes it an expression, whole `{{ }}` become pills. Gives where the caret is then.
    pub(super) fn typed(&mut self, text: String, caret: usize) -> usize {
        if self.expression {
            self.expression = text.starts_with('=');
            self.shown.text = text;
            return caret;
        }
        if self.shown.text.is_empty() && text.starts_with('=') {
            *self = Self::expression(&text[1..]);
            return caret;
        }
        self.shown.text = text;
        if !self.shown.text.contains("}}") {
            return caret;
        }
        let place = self.shown.source_at(caret);
        // Pills that are there keep their numbers, so that what the field itself takes back still finds them.
        let again = Shown::of(&self.shown.source());
        if again.text.chars().filter(|it| number(*it).is_some()).count()
            == self.shown.text.chars().filter(|it| number(*it).is_some()).count()
        {
            return caret;
        }
        self.shown = again;
        self.shown.caret_at(place)
    }

    /// How the field is then filled; none empties it.
    pub(super) fn binding(&self, field: &Field) -> Option<Binding> {
        let missing = field.binding.as_ref().map_or(Missing::Stop, |it| it.missing.clone());
        let source = if self.expression {
            Source::Expr(self.shown.text.get(1..).unwrap_or_default().to_owned())
        } else if self.shown.text.is_empty() {
            match field.kept {
                Kept::Optional => return None,
                Kept::Always | Kept::Named | Kept::Item { .. } => Source::Value(Value::String(String::new())),
            }
        } else if let Some(pill) = self.shown.only_pill() {
            Source::Expr(pill.to_owned())
        } else {
            let source = self.shown.source();
            if ["{{", "{%", "{#"].iter().any(|it| source.contains(it)) {
                Source::Text(source)
            } else {
                Source::Value(literal(source, &field.shape, field.binding.as_ref()))
            }
        };
        Some(Binding { source, missing, names: Vec::new() })
    }

    /// With a reference put in at the caret, and where the caret is then. What is no text takes it as a whole.
    pub(super) fn with(&self, reference: &str, caret: Option<usize>, shape: &Shape) -> (Self, usize) {
        let count = self.shown.text.chars().count();
        let caret = caret.unwrap_or(count).min(count);
        if self.expression {
            let at = self.shown.text.char_indices().nth(caret.max(1)).map_or(self.shown.text.len(), |(at, _)| at);
            let mut text = self.shown.text.clone();
            text.insert_str(at, reference);
            let draft = Self { shown: Shown { text, pills: Vec::new() }, expression: true };
            return (draft, caret.max(1) + reference.chars().count());
        }
        let mixes = match shape {
            Shape::Text { format } => format.is_empty(),
            other => *other == Shape::Any,
        };
        if count == 0 || !mixes {
            return (Self { shown: Shown::of(&in_text(reference)), expression: false }, 1);
        }
        let mut source = self.shown.source();
        let at = self.shown.source_at(caret);
        source.insert_str(at, &in_text(reference));
        (Self { shown: Shown::of(&source), expression: false }, caret + 1)
    }
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// What was typed, as the field's type has it; text where it is not of that type, which the check then says.
fn literal(text: String, shape: &Shape, was: Option<&Binding>) -> Value {
    let was_number = matches!(was.map(|it| &it.source), Some(Source::Value(Value::Number(_))));
    match shape {
        Shape::Number { .. } => as_number(&text),
        Shape::Any if was_number => as_number(&text),
        Shape::YesNo => match text.trim().to_lowercase().as_str() {
            "yes" | "true" => Some(Value::Bool(true)),
            "no" | "false" => Some(Value::Bool(false)),
            _ => None,
        },
        Shape::Any | Shape::List | Shape::Object if text.trim_start().starts_with(['{', '[']) => serde_json::from_str(&text).ok(),
        _ => None,
    }
    .unwrap_or(Value::String(text))
}

fn as_number(text: &str) -> Option<Value> {
    let trimmed = text.trim();
    if let Ok(whole) = trimmed.parse::<i64>() {
        return Some(Value::from(whole));
    }
    let ends = trimmed.ends_with(|it: char| it.is_ascii_digit());
    trimmed.parse::<f64>().ok().filter(|it| ends && it.is_finite()).map(Value::from)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::flow::FieldPath;

    fn field(shape: Shape, kept: Kept, binding: Option<Binding>) -> Field {
        Field {
            path: FieldPath::from("input.x"),
            label: "X".to_owned(),
            wire: "x".to_owned(),
            shape,
            needed: false,
            stand_in: "",
            help: String::new(),
            depth: 0,
            binding,
            kept,
            spare: false,
            renamed: false,
            section: String::new(),
            default: None,
            offer: None,
        }
    }

    fn text() -> Shape {
        Shape::Text { format: String::new() }
    }

    #[test]
    fn what_is_shown_is_what_fills_the_field() {
        for binding in [
            Binding::value("plain"),
            Binding::value(5),
            Binding::value(json!({"a": [1]})),
            Binding::text("Dear {{ t.name }}"),
            Binding::expr("t.name"),
            Binding::expr("t.n + 1"),
            Binding::expr("t.name").missing(Missing::Skip),
        ] {
            let draft = Draft::of(Some(&binding)).unwrap();
            let of = field(Shape::Any, Kept::Optional, Some(binding.clone()));
            assert_eq!(draft.binding(&of), Some(binding));
        }
        assert!(Draft::of(Some(&Binding::from(Source::List(vec![])))).is_none());
    }

    #[test]
    fn what_is_typed_is_of_the_fields_type() {
        let typed = |text: &str, shape: Shape, kept| {
            let mut draft = Draft::default();
            draft.typed(text.to_owned(), text.chars().count());
            draft.binding(&field(shape, kept, None)).map(|it| it.source)
        };
        let number = || Shape::Number { whole: false };
        let value = |it: Value| Some(Source::Value(it));
        assert_eq!(typed("5", number(), Kept::Optional), value(json!(5)));
        assert_eq!(typed("1.5", number(), Kept::Optional), value(json!(1.5)));
        assert_eq!(typed("1.", number(), Kept::Optional), value(json!("1.")));
        assert_eq!(typed("5", text(), Kept::Optional), value(json!("5")));
        assert_eq!(typed("[1, 2]", Shape::List, Kept::Optional), value(json!([1, 2])));
        assert_eq!(typed("[1, ", Shape::List, Kept::Optional), value(json!("[1, ")));
        assert_eq!(typed("yes", Shape::YesNo, Kept::Optional), value(json!(true)));
        assert_eq!(typed("", text(), Kept::Optional), None);
        assert_eq!(typed("", text(), Kept::Always), value(json!("")));
        assert_eq!(typed("=a.b + 1", text(), Kept::Optional), Some(Source::Expr("a.b + 1".to_owned())));
        assert_eq!(typed("{{ a.b }}", text(), Kept::Optional), Some(Source::Expr("a.b".to_owned())));
        assert_eq!(typed("x {{ a.b }}", text(), Kept::Optional), Some(Source::Text("x {{ a.b }}".to_owned())));
        assert_eq!(typed("{{ a.", text(), Kept::Optional), Some(Source::Text("{{ a.".to_owned())));
    }

    #[test]
    fn an_equals_sign_is_only_a_sign_where_something_was_before() {
        let mut draft = Draft::of(Some(&Binding::value("a"))).unwrap();
        draft.typed("=a".to_owned(), 1);
        assert!(!draft.expression);
        let mut draft = Draft::expression("a");
        draft.typed("a".to_owned(), 0);
        assert!(!draft.expression);
    }

    #[test]
    fn a_reference_is_put_in_at_the_caret() {
        let put = |binding: Option<Binding>, caret, shape: Shape| {
            let draft = Draft::of(binding.as_ref()).unwrap();
            let (with, caret) = draft.with("t.name", caret, &shape);
            (with.binding(&field(shape, Kept::Optional, binding)).unwrap().source, caret)
        };
        assert_eq!(put(None, None, text()), (Source::Expr("t.name".to_owned()), 1));
        assert_eq!(put(Some(Binding::value("ab")), Some(1), text()), (Source::Text("a{{ t.name }}b".to_owned()), 2));
        assert_eq!(put(Some(Binding::expr("t.id")), None, text()), (Source::Text("{{ t.id }}{{ t.name }}".to_owned()), 2));
        assert_eq!(put(Some(Binding::value(5)), Some(1), Shape::Number { whole: true }), (Source::Expr("t.name".to_owned()), 1));
        let date = Shape::Text { format: "date-time".to_owned() };
        assert_eq!(put(Some(Binding::expr("t.id")), None, date), (Source::Expr("t.name".to_owned()), 1));
        assert_eq!(put(Some(Binding::expr("1 + ")), Some(5), text()), (Source::Expr("1 + t.name".to_owned()), 11));
    }

    #[test]
    fn text_with_pills_is_an_expression_too() {
        let draft = Draft::of(Some(&Binding::text("Dear {{ t.name }}, {{ t.a | upper }}"))).unwrap();
        assert_eq!(draft.as_expression().shown.text, r#"="Dear " ~ t.name ~ ", " ~ (t.a | upper)"#);
        assert_eq!(Draft::of(Some(&Binding::expr("t.a"))).unwrap().as_expression().shown.text, "=t.a");
        assert_eq!(Draft::default().as_expression().shown.text, "=");
    }
}
