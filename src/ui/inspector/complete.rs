//! Completion: what can follow where the caret stands in an expression.
//!
//! Invariant: pure; what is offered is read by `expr` where it is put.
use std::sync::Arc;

use serde_json::Value;

use super::reference::{plain_path, written};
use super::tree::{holds, preview};
use crate::expr::{Kind, Segment, functions};

/// Offers that are made, at most.
const MOST: usize = 40;

/// Something to put in place of the word under the caret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Offer {
    pub(super) insert: String,
    /// What it is: the step's name, a value, what a filter does.
    pub(super) about: String,
}

/// A name that an expression can begin with.
#[derive(Debug, Clone)]
pub(super) struct Name {
    pub(super) word: String,
    pub(super) title: String,
    pub(super) value: Option<Arc<Value>>,
}

/// What parts words of an expression; a word is a path as far as it is written.
pub(super) fn parts_words(letter: char) -> bool {
    !(letter.is_alphanumeric() || matches!(letter, '_' | '.' | '[' | ']' | '"'))
}

/// What can stand in place of `word`, which follows `before`.
pub(super) fn offers(before: &str, word: &str, names: &[Name]) -> Vec<Offer> {
    if in_quotes(before) {
        return Vec::new();
    }
    let before = before.trim_end();
    let starts = |name: &str, with: &str| {
        let (name, with) = (name.to_lowercase(), with.to_lowercase());
        name.starts_with(&with) && name != with
    };
    if let Some(kind) = after(before) {
        let fits = |it: &&crate::expr::Help| it.kind == kind && starts(it.name, word);
        let offer = |it: &crate::expr::Help| Offer { insert: it.name.to_owned(), about: it.help.to_owned() };
        return functions().iter().filter(fits).take(MOST).map(offer).collect();
    }
    if let Some(dot) = word.rfind(['.', '[']) {
        let (base, rest) = word.split_at(dot);
        return within(base, rest.trim_start_matches(['.', '[', '"']), names);
    }
    if word.is_empty() && before.is_empty() {
        return names.iter().take(MOST).map(root).collect();
    }
    if word.is_empty() || word.starts_with(|it: char| it.is_ascii_digit()) {
        return Vec::new();
    }
    let mut found: Vec<Offer> = names
        .iter()
        .filter(|it| starts(&it.word, word) || it.word != word && holds(&it.title, &word.to_lowercase()))
        .map(root)
        .collect();
    let calls = functions().iter().filter(|it| it.kind == Kind::Function && starts(it.name, word));
    found.extend(calls.map(|it| Offer { insert: format!("{}()", it.name), about: it.help.to_owned() }));
    // A field of a step by its own name: `mail` finds `contact.email`.
    if word.chars().count() >= 2 {
        for name in names {
            if found.len() >= MOST {
                break;
            }
            if let Some(Value::Object(map)) = name.value.as_deref() {
                let hits = map.iter().take(2_000).filter(|(key, _)| holds(key, &word.to_lowercase()));
                found.extend(hits.map(|(key, it)| field(&[Segment::Key(name.word.clone())], Segment::Key(key.clone()), it)));
            }
        }
    }
    found.truncate(MOST);
    found
}

fn root(name: &Name) -> Offer {
    Offer { insert: name.word.clone(), about: name.title.clone() }
}

fn field(base: &[Segment], last: Segment, value: &Value) -> Offer {
    let mut path = base.to_vec();
    path.push(last);
    Offer { insert: written(&path), about: preview(value) }
}

/// The fields within a path, as far as they begin as written.
fn within(base: &str, start: &str, names: &[Name]) -> Vec<Offer> {
    let Some(path) = plain_path(base) else { return Vec::new() };
    let Some(Segment::Key(first)) = path.first() else { return Vec::new() };
    let value = names.iter().find(|it| it.word == *first).and_then(|it| it.value.as_deref());
    let value = path.iter().skip(1).try_fold(value, |at, segment| {
        let at = at?;
        let next = match segment {
            Segment::Key(key) => at.get(key.as_str()),
            Segment::Index(index) => usize::try_from(*index).ok().and_then(|it| at.get(it)),
            Segment::Dynamic => None,
        };
        next.map(Some)
    });
    let start = start.to_lowercase();
    match value.flatten() {
        Some(Value::Object(map)) => {
            let fits = |key: &str| key.to_lowercase().starts_with(&start) && key.to_lowercase() != start;
            let fields = map.iter().filter(|(key, _)| fits(key)).take(MOST);
            fields.map(|(key, it)| field(&path, Segment::Key(key.clone()), it)).collect()
        }
        Some(Value::Array(list)) if start.is_empty() => {
            let items = list.iter().take(5).enumerate();
            items.filter_map(|(at, it)| Some(field(&path, Segment::Index(i64::try_from(at).ok()?), it))).collect()
        }
        _ => Vec::new(),
    }
}

/// What kind of name follows: a filter after `|`, a test after `is`.
fn after(before: &str) -> Option<Kind> {
    if before.ends_with('|') {
        return Some(Kind::Filter);
    }
    let is = |end: &str| before.strip_suffix(end).is_some_and(|it| it.ends_with(char::is_whitespace));
    (is("is") || is("is not")).then_some(Kind::Test)
}

fn in_quotes(before: &str) -> bool {
    let mut open = None;
    for letter in before.chars() {
        match (open, letter) {
            (None, '\'' | '"') => open = Some(letter),
            (Some(quote), it) if it == quote => open = None,
            _ => {}
        }
    }
    // A key in quotes, `a["`, is a word of its own.
    open.is_some() && !before.ends_with("[\"")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn names() -> Vec<Name> {
        let name = |name: &str, title: &str, value| Name {
            word: name.to_owned(),
            title: title.to_owned(),
            value: Some(Arc::new(value)),
        };
        vec![
            name("contact", "Contact created", json!({"email": "a@b.example", "first name": "Ann", "person": {"id": 5}})),
            name("find", "Find slots", json!({"slots": [{"start": "x"}], "count": 2})),
        ]
    }

    fn inserts(before: &str, word: &str) -> Vec<String> {
        offers(before, word, &names()).into_iter().map(|it| it.insert).collect()
    }

    #[test]
    fn names_fields_and_filters_are_offered_where_they_fit() {
        assert_eq!(inserts("", ""), ["contact", "find"]);
        assert_eq!(inserts("", "cont"), ["contact"]);
        assert_eq!(inserts("", "contact."), ["contact.email", r#"contact["first name"]"#, "contact.person"]);
        assert_eq!(inserts("", "contact.em"), ["contact.email"]);
        assert_eq!(inserts("", "contact.person."), ["contact.person.id"]);
        assert_eq!(inserts("", "find.slots["), ["find.slots[0]"]);
        assert_eq!(inserts("", "find.slots[0].s"), ["find.slots[0].start"]);
        assert_eq!(inserts("1 + ", "fin"), ["find"]);
        assert!(inserts("contact.email | ", "low").contains(&"lower".to_owned()));
        assert!(inserts("contact.email is ", "def").contains(&"defined".to_owned()));
        assert!(inserts("", "no").contains(&"now()".to_owned()));
        assert_eq!(inserts("", "emai"), ["contact.email"]);
    }

    #[test]
    fn nothing_is_offered_where_nothing_fits() {
        for (before, word) in
            [("", "contact.email"), ("'", "cont"), ("", "12"), ("contact.email ", ""), ("", "nobody.x"), ("1 + ", "")]
        {
            assert_eq!(inserts(before, word), Vec::<String>::new(), "{before}{word}");
        }
    }
}
