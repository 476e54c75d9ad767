//! What a field is worth: its binding, filled from what is known.
use serde_json::Value;

use crate::expr::{EvalError, Expr, ExprError, Scope, Text};
use crate::flow::{Binding, Missing, Source};

/// What comes of a field.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Worth {
    Value(Value),
    /// What it speaks of is missing, and then the field is left out.
    LeftOut,
    Wrong(Wrong),
}

/// Why nothing comes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wrong {
    /// A sentence for a person.
    pub(crate) words: String,
    /// What it speaks of is not there; what then is for the person to say.
    pub(crate) missing: bool,
}

/// Fills a field.
pub(crate) fn worth(binding: &Binding, scope: &dyn Scope) -> Worth {
    let result = match &binding.source {
        Source::Value(value) => return Worth::Value(value.clone()),
        Source::Text(text) => match Text::parse(text) {
            Ok(text) => text.eval(scope),
            Err(error) => return unread(&error),
        },
        Source::Expr(text) => match Expr::parse(text) {
            Ok(expr) => expr.eval(scope),
            Err(error) => return unread(&error),
        },
        Source::List(items) => {
            let mut list = Vec::with_capacity(items.len());
            for item in items {
                match worth(item, scope) {
                    Worth::Value(value) => list.push(value),
                    Worth::LeftOut => {}
                    wrong @ Worth::Wrong(_) => return wrong,
                }
            }
            return Worth::Value(Value::Array(list));
        }
        Source::Object(fields) => {
            let mut object = serde_json::Map::new();
            for (key, field) in fields {
                match worth(field, scope) {
                    Worth::Value(value) => drop(object.insert(key.clone(), value)),
                    Worth::LeftOut => {}
                    wrong @ Worth::Wrong(_) => return wrong,
                }
            }
            return Worth::Value(Value::Object(object));
        }
    };
    match (result, &binding.missing) {
        (Ok(value), _) => Worth::Value(value),
        (Err(EvalError::Missing { .. }), Missing::Skip) => Worth::LeftOut,
        (Err(EvalError::Missing { .. }), Missing::Default(value)) => Worth::Value(value.clone()),
        (Err(EvalError::Missing { path, .. }), Missing::Stop) => {
            Worth::Wrong(Wrong { words: format!("“{path}” is missing here."), missing: true })
        }
        (Err(error), _) => Worth::Wrong(Wrong { words: crate::ui::words::sentence(&error.to_string()), missing: false }),
    }
}

fn unread(error: &ExprError) -> Worth {
    let mut words = crate::ui::words::sentence(&error.message);
    if !error.hint.is_empty() {
        words.push(' ');
        words.push_str(&crate::ui::words::sentence(&error.hint));
    }
    Worth::Wrong(Wrong { words, missing: false })
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde_json::json;

    use super::*;
    use crate::expr::Data;

    #[test]
    fn a_field_is_worth_what_its_step_would_get() {
        let scope = Data::new(Timestamp::UNIX_EPOCH).with("t", json!({"name": "Ann", "n": 2}));
        let of = |binding: Binding| worth(&binding, &scope);
        assert_eq!(of(Binding::value("x")), Worth::Value(json!("x")));
        assert_eq!(of(Binding::text("Dear {{ t.name }}")), Worth::Value(json!("Dear Ann")));
        assert_eq!(of(Binding::expr("t.n + 1")), Worth::Value(json!(3)));
        assert_eq!(of(Binding::expr("t.nobody").missing(Missing::Skip)), Worth::LeftOut);
        assert_eq!(of(Binding::expr("t.nobody").missing(Missing::Default(json!(0)))), Worth::Value(json!(0)));
        let list = |items| Binding::from(Source::List(items));
        let left_out = Binding::expr("t.nobody").missing(Missing::Skip);
        assert_eq!(of(list(vec![Binding::expr("t.n"), left_out])), Worth::Value(json!([2])));
        let Worth::Wrong(wrong) = of(Binding::expr("t.nobody")) else { panic!("it is missing") };
        assert!(wrong.missing && wrong.words.contains("t.nobody"));
        let Worth::Wrong(wrong) = of(Binding::expr("t.n +")) else { panic!("it cannot be read") };
        assert!(!wrong.missing && wrong.words.ends_with('.'));
        assert!(matches!(of(list(vec![Binding::expr("t.nobody")])), Worth::Wrong(_)));
    }
}
