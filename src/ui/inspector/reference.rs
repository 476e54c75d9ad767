//! References: from a place in a value to the text of an expression, and from an expression to words.
//!
//! Invariant: what is written here is read back by `expr` as the very same path.
use crate::expr::{Expr, Reference, Segment};

/// A path as an expression writes it: `contact.email`, `a["first name"]`, `list[0].id`.
pub(super) fn written(path: &[Segment]) -> String {
    let plain = Reference { path: path.to_vec(), span: 0..0, guarded: false }.to_string();
    if reads_as(&plain, path) {
        return plain;
    }
    // A key that is a word of the language is written in quotes.
    let piece = |(at, segment): (usize, &Segment)| match segment {
        Segment::Key(key) if at == 0 => key.clone(),
        Segment::Key(key) => format!("[{}]", serde_json::Value::from(key.as_str())),
        Segment::Index(index) => format!("[{index}]"),
        Segment::Dynamic => String::new(),
    };
    path.iter().enumerate().map(piece).collect()
}

fn reads_as(text: &str, path: &[Segment]) -> bool {
    plain_path(text).is_some_and(|it| it == path)
}

/// The path, where an expression is nothing but one.
pub(super) fn plain_path(source: &str) -> Option<Vec<Segment>> {
    let source = source.trim();
    let expr = Expr::parse(source).ok()?;
    let [reference] = expr.references() else { return None };
    let whole = reference.span == (0..source.len()) && !reference.guarded;
    (whole && !reference.path.contains(&Segment::Dynamic)).then(|| reference.path.clone())
}

/// A reference as the pieces of a text: `{{ contact.email }}`.
pub(super) fn in_text(reference: &str) -> String {
    format!("{{{{ {reference} }}}}")
}

/// The last names of a path: "E-mail" of `contact.person.email`, "Item 1 of tags" of `contact.tags[0]`.
pub(super) fn field_words(path: &[Segment]) -> String {
    use crate::ui::canvas::sentence::title;
    let Some((last, before)) = path.split_last() else { return String::new() };
    if before.is_empty() {
        return String::new();
    }
    match last {
        Segment::Key(key) if key == "id" || key == "name" => match before.last() {
            Some(Segment::Key(owner)) if before.len() > 1 => format!("{} {key}", title(owner)),
            _ => title(key),
        },
        Segment::Key(key) => title(key),
        Segment::Index(index) => {
            let nth = if *index < 0 { "Last".to_owned() } else { format!("Item {}", index + 1) };
            match before.last() {
                Some(Segment::Key(owner)) if before.len() > 1 => format!("{nth} of {}", title(owner).to_lowercase()),
                _ => nth,
            }
        }
        Segment::Dynamic => "…".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Segment {
        Segment::Key(text.to_owned())
    }

    #[test]
    fn a_place_is_written_so_that_it_is_read_back() {
        for (path, text) in [
            (vec![key("contact"), key("email")], "contact.email"),
            (vec![key("a"), key("first name")], r#"a["first name"]"#),
            (vec![key("a"), key("quote\"d")], r#"a["quote\"d"]"#),
            (vec![key("list"), Segment::Index(0), key("id")], "list[0].id"),
            (vec![key("a"), key("1st")], r#"a["1st"]"#),
            (vec![key("a"), key("")], r#"a[""]"#),
            (vec![key("item")], "item"),
            (vec![key("a"), key("größe")], "a.größe"),
        ] {
            assert_eq!(written(&path), text);
            assert_eq!(plain_path(text), Some(path), "{text}");
        }
        for word in ["if", "not", "in", "is", "and", "or", "else", "true", "none"] {
            let path = vec![key("a"), key(word)];
            assert_eq!(plain_path(&written(&path)), Some(path), "{word}");
        }
    }

    #[test]
    fn only_a_whole_path_is_one() {
        for text in ["a.b + 1", "a.b | lower", "a.b?", "1", "", "a[b.c]", "a ~ b"] {
            assert_eq!(plain_path(text), None, "{text}");
        }
        assert_eq!(plain_path("  a.b "), Some(vec![key("a"), key("b")]));
    }

    #[test]
    fn a_field_is_called_by_its_last_names() {
        for (path, words) in [
            (vec![key("c"), key("email")], "Email"),
            (vec![key("c"), key("contact"), key("id")], "Contact id"),
            (vec![key("c"), key("id")], "Id"),
            (vec![key("c"), key("tags"), Segment::Index(0)], "Item 1 of tags"),
            (vec![key("c")], ""),
        ] {
            assert_eq!(field_words(&path), words);
        }
    }
}
