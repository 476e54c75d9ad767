//! A value as rows: which are there, what each is, and which match a search.
//!
//! Invariant: pure. Work grows with the rows that are open, not with the value: of a long list a thousand rows are made at a
//! time, and names and values of rows are looked up when they are seen.
use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use crate::expr::Segment;
use crate::ui::canvas::kind::Hue;
use crate::ui::canvas::sentence::{count, title};

/// Rows of one list or object that are made at a time.
pub(super) const AT_A_TIME: usize = 1_000;
/// Hits that a search shows.
const HITS: usize = 500;
/// Values that a search looks at; beyond, a person looks for something more exact.
const LOOKED_AT: usize = 3_000_000;
/// Longest value in a row, in characters.
const LONGEST: usize = 60;

/// A value at the top: what one step gives.
#[derive(Debug, Clone)]
pub(super) struct Root {
    /// How expressions speak of it.
    pub(super) name: String,
    pub(super) title: String,
    pub(super) icon: char,
    pub(super) hue: Hue,
    /// Where the value comes from, in a word.
    pub(super) origin: &'static str,
    pub(super) value: Arc<Value>,
}

/// A row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    /// The row that it lies in.
    parent: Option<usize>,
    pub(super) root: usize,
    pub(super) depth: usize,
    pub(super) what: What,
}

/// What a row is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    Root,
    Key(Box<str>),
    Index(usize),
    /// So many more are there.
    More(usize),
}

/// Rows, and what is open.
#[derive(Debug, Clone, Default)]
pub(super) struct Tree {
    pub(super) rows: Vec<Row>,
    /// By path: how many rows of it are made.
    open: BTreeMap<String, usize>,
}

impl Tree {
    pub(super) fn is_open(&self, path: &str) -> bool {
        self.open.contains_key(path)
    }

    pub(super) fn open(&mut self, path: &str) {
        self.open.entry(path.to_owned()).or_insert(AT_A_TIME);
    }

    pub(super) fn close(&mut self, path: &str) {
        self.open.remove(path);
    }

    /// Makes more rows of what is open.
    pub(super) fn more(&mut self, path: &str) {
        *self.open.entry(path.to_owned()).or_insert(0) += AT_A_TIME;
    }

    /// Makes the rows of what is open.
    pub(super) fn build(&mut self, roots: &[Root]) {
        self.rows.clear();
        let mut rows = Vec::new();
        for (root, it) in roots.iter().enumerate() {
            let row = Row { parent: None, root, depth: 0, what: What::Root };
            let mut path = it.name.clone();
            self.add(&mut rows, row, &it.value, &mut path);
        }
        self.rows = rows;
    }

    fn add(&self, rows: &mut Vec<Row>, row: Row, value: &Value, path: &mut String) {
        let (root, depth) = (row.root, row.depth + 1);
        let at = rows.len();
        rows.push(row);
        let Some(limit) = self.open.get(path.as_str()).copied() else { return };
        let parent = Some(at);
        let length = path.len();
        let total = match value {
            Value::Object(map) => {
                for (key, child) in map.iter().take(limit) {
                    push_key(path, key);
                    self.add(rows, Row { parent, root, depth, what: What::Key(key.as_str().into()) }, child, path);
                    path.truncate(length);
                }
                map.len()
            }
            Value::Array(list) => {
                for (index, child) in list.iter().take(limit).enumerate() {
                    push_index(path, index);
                    self.add(rows, Row { parent, root, depth, what: What::Index(index) }, child, path);
                    path.truncate(length);
                }
                list.len()
            }
            _ => 0,
        };
        if total > limit {
            rows.push(Row { parent, root, depth, what: What::More(total - limit) });
        }
    }
}

fn push_key(path: &mut String, key: &str) {
    path.push('\u{1}');
    path.push_str(key);
}

fn push_index(path: &mut String, index: usize) {
    path.push('\u{2}');
    path.push_str(&index.to_string());
}

/// From the top to a row: the rows that it lies in, and itself.
fn chain(rows: &[Row], at: usize) -> Vec<&Row> {
    let mut chain: Vec<&Row> = Vec::new();
    let mut next = Some(at);
    while let Some(row) = next.and_then(|it| rows.get(it)) {
        chain.push(row);
        next = row.parent;
    }
    chain.reverse();
    chain
}

/// A row's path, as it is remembered open; of "more", its list's.
pub(super) fn path_of(rows: &[Row], at: usize, roots: &[Root]) -> String {
    let mut path = String::new();
    for row in chain(rows, at) {
        match &row.what {
            What::Root => path.push_str(roots.get(row.root).map_or("", |it| it.name.as_str())),
            What::Key(key) => push_key(&mut path, key),
            What::Index(index) => push_index(&mut path, *index),
            What::More(_) => {}
        }
    }
    path
}

/// How expressions speak of a row.
pub(super) fn segments(rows: &[Row], at: usize, roots: &[Root]) -> Vec<Segment> {
    let segment = |row: &Row| match &row.what {
        What::Root => Some(Segment::Key(roots.get(row.root)?.name.clone())),
        What::Key(key) => Some(Segment::Key(key.to_string())),
        What::Index(index) => Some(Segment::Index(i64::try_from(*index).ok()?)),
        What::More(_) => None,
    };
    chain(rows, at).into_iter().filter_map(segment).collect()
}

/// A row's value.
pub(super) fn value_of<'a>(rows: &[Row], at: usize, roots: &'a [Root]) -> Option<&'a Value> {
    let mut value: Option<&Value> = None;
    for row in chain(rows, at) {
        value = match &row.what {
            What::Root => roots.get(row.root).map(|it| it.value.as_ref()),
            What::Key(key) => value?.get(key.as_ref()),
            What::Index(index) => value?.get(index),
            What::More(_) => None,
        };
    }
    value
}

/// What a row is called.
pub(super) fn name_of(row: &Row, roots: &[Root]) -> String {
    match &row.what {
        What::Root => roots.get(row.root).map(|it| it.title.clone()).unwrap_or_default(),
        What::Key(key) if key.is_empty() => "(no name)".to_owned(),
        What::Key(key) => title(key),
        What::Index(index) => (index + 1).to_string(),
        What::More(left) => format!("{left} more"),
    }
}

/// The row that a row lies in.
pub(super) fn parent_of(rows: &[Row], at: usize) -> Option<usize> {
    rows.get(at)?.parent
}

/// Whether there is anything within.
pub(super) fn has_more_within(value: &Value) -> bool {
    match value {
        Value::Object(map) => !map.is_empty(),
        Value::Array(list) => !list.is_empty(),
        _ => false,
    }
}

/// A value in a few words.
pub(super) fn preview(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => {
            let mut letters = text.chars().map(|it| if it.is_control() { ' ' } else { it });
            let mut cut: String = letters.by_ref().take(LONGEST).collect();
            if letters.next().is_some() {
                cut.push('…');
            }
            cut
        }
        Value::Array(list) => count(list.len(), "item"),
        Value::Object(map) => count(map.len(), "field"),
    }
}

/// A value's type in a word.
pub(super) fn type_words(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "yes or no",
        Value::Number(_) => "number",
        Value::String(_) => "text",
        Value::Array(_) => "list",
        Value::Object(_) => "fields",
    }
}

/// The rows whose name or value holds a text, each with the rows that it lies in.
#[derive(Debug, Clone, Default)]
pub(super) struct Found {
    pub(super) rows: Vec<Row>,
    pub(super) hits: usize,
    /// There are more than are shown.
    pub(super) cut: bool,
}

/// Looks for a text in names and values.
pub(super) fn search(roots: &[Root], query: &str) -> Found {
    let query = query.trim().to_lowercase();
    let mut search = Search { query, found: Found::default(), stack: Vec::new(), left: LOOKED_AT };
    for (root, it) in roots.iter().enumerate() {
        search.look(Row { parent: None, root, depth: 0, what: What::Root }, Some(&it.title), &it.value);
    }
    search.found
}

struct Search {
    query: String,
    found: Found,
    /// The rows on the way, and where they are among those found.
    stack: Vec<(Row, Option<usize>)>,
    left: usize,
}

impl Search {
    fn look(&mut self, row: Row, called: Option<&str>, value: &Value) {
        if self.left == 0 || self.found.hits >= HITS {
            self.found.cut = true;
            return;
        }
        self.left -= 1;
        let (root, depth) = (row.root, row.depth + 1);
        let hit = called.is_some_and(|it| holds(it, &self.query))
            || match &row.what {
                What::Key(key) => holds(key, &self.query) || holds(&title(key), &self.query),
                _ => false,
            }
            || match value {
                Value::String(text) => holds(text, &self.query),
                Value::Number(number) => holds(&number.to_string(), &self.query),
                _ => false,
            };
        self.stack.push((row, None));
        if hit {
            self.found.hits += 1;
            self.emit();
        }
        match value {
            Value::Object(map) => {
                for (key, child) in map {
                    self.look(Row { parent: None, root, depth, what: What::Key(key.as_str().into()) }, None, child);
                }
            }
            Value::Array(list) => {
                for (index, child) in list.iter().enumerate() {
                    self.look(Row { parent: None, root, depth, what: What::Index(index) }, None, child);
                }
            }
            _ => {}
        }
        self.stack.pop();
    }

    /// Shows the row on top, and those that it lies in.
    fn emit(&mut self) {
        let mut parent = None;
        for (row, shown) in &mut self.stack {
            let at = *shown.get_or_insert_with(|| {
                self.found.rows.push(Row { parent, ..row.clone() });
                self.found.rows.len() - 1
            });
            parent = Some(at);
        }
    }
}

/// Whether a text holds another, in lower case, whatever its own.
pub(super) fn holds(text: &str, query: &str) -> bool {
    if query.is_empty() {
        return false;
    }
    if text.is_ascii() && query.is_ascii() {
        return text.as_bytes().windows(query.len()).any(|it| it.eq_ignore_ascii_case(query.as_bytes()));
    }
    text.to_lowercase().contains(query)
}

/// Whether a value is so large that work over all of it belongs behind the frame.
pub(super) fn is_large(value: &Value) -> bool {
    fn weigh(value: &Value, left: &mut usize) {
        let own = match value {
            Value::String(text) => 1 + text.len() / 16,
            _ => 1,
        };
        *left = left.saturating_sub(own);
        match value {
            Value::Array(list) => {
                for it in list {
                    if *left == 0 {
                        return;
                    }
                    weigh(it, left);
                }
            }
            Value::Object(map) => {
                for it in map.values() {
                    if *left == 0 {
                        return;
                    }
                    weigh(it, left);
                }
            }
            _ => {}
        }
    }
    let mut left = 8_000;
    weigh(value, &mut left);
    left == 0
}

/// The list of objects that a table shows: the value itself, or the first one within, with the way to it.
pub(super) fn table_of(value: &Value, depth: usize) -> Option<(Vec<Segment>, &Vec<Value>)> {
    match value {
        Value::Array(list) if list.first().is_some_and(Value::is_object) => Some((Vec::new(), list)),
        Value::Object(map) if depth > 0 => map.iter().take(200).find_map(|(key, it)| {
            let (mut way, list) = table_of(it, depth - 1)?;
            way.insert(0, Segment::Key(key.clone()));
            Some((way, list))
        }),
        _ => None,
    }
}

/// The columns of a table: every key of its first rows.
pub(super) fn columns(list: &[Value]) -> Vec<String> {
    let mut keys: Vec<String> = Vec::new();
    for row in list.iter().take(50) {
        for key in row.as_object().into_iter().flat_map(serde_json::Map::keys) {
            if keys.len() < 40 && !keys.contains(key) {
                keys.push(key.clone());
            }
        }
    }
    keys
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::ui::inspector::reference::written;

    fn root(name: &str, value: Value) -> Root {
        Root { name: name.to_owned(), title: title(name), icon: 'x', hue: Hue::Core, origin: "sample", value: Arc::new(value) }
    }

    fn lines(rows: &[Row], roots: &[Root]) -> Vec<String> {
        let line = |at: usize| {
            let value = value_of(rows, at, roots).map(preview).unwrap_or_default();
            format!("{}{}: {value}", "  ".repeat(rows[at].depth), name_of(&rows[at], roots))
        };
        (0..rows.len()).map(line).collect()
    }

    #[test]
    fn only_what_is_open_has_rows() {
        let roots = [root("contact", json!({"first_name": "Ann", "tags": ["a", "b"], "ok": true})), root("b", json!(1))];
        let mut tree = Tree::default();
        tree.build(&roots);
        assert_eq!(lines(&tree.rows, &roots), ["Contact: 3 fields", "B: 1"]);
        tree.open("contact");
        tree.build(&roots);
        let shown = ["Contact: 3 fields", "  First name: Ann", "  Ok: yes", "  Tags: 2 items", "B: 1"];
        assert_eq!(lines(&tree.rows, &roots), shown);
        let tags = path_of(&tree.rows, 3, &roots);
        tree.open(&tags);
        tree.build(&roots);
        assert_eq!(lines(&tree.rows, &roots)[4..6], ["    1: a", "    2: b"]);
        assert_eq!(written(&segments(&tree.rows, 5, &roots)), "contact.tags[1]");
        assert_eq!(parent_of(&tree.rows, 5), Some(3));
        tree.close("contact");
        tree.build(&roots);
        assert_eq!(tree.rows.len(), 2);
    }

    #[test]
    fn of_a_long_list_some_rows_are_made_and_then_more() {
        let roots = [root("a", Value::Array((0..2_500).map(Value::from).collect()))];
        let mut tree = Tree::default();
        tree.open("a");
        tree.build(&roots);
        assert_eq!(tree.rows.len(), 1 + AT_A_TIME + 1);
        assert_eq!(name_of(tree.rows.last().unwrap(), &roots), "1500 more");
        let last = tree.rows.len() - 1;
        tree.more(&path_of(&tree.rows, last, &roots));
        tree.build(&roots);
        assert_eq!(tree.rows.len(), 1 + 2 * AT_A_TIME + 1);
    }

    #[test]
    fn a_search_finds_names_and_values_with_the_way_to_them() {
        let roots = [root("contact", json!({"person": {"eMail": "ann@x.example", "n": 5}, "other": "z"})), root("b", json!({}))];
        let found = search(&roots, "MAIL");
        assert_eq!(lines(&found.rows, &roots), ["Contact: 2 fields", "  Person: 2 fields", "    E mail: ann@x.example"]);
        assert_eq!((found.hits, found.cut), (1, false));
        assert_eq!(search(&roots, "ann@").hits, 1);
        assert_eq!(search(&roots, "5").hits, 1);
        assert_eq!(search(&roots, "nothing here").hits, 0);
        assert_eq!(search(&roots, " ").hits, 0);
        let many = [root("a", Value::Array(vec![json!("hit"); HITS + 5]))];
        let found = search(&many, "hit");
        assert!(found.cut && found.hits == HITS);
    }

    #[test]
    fn values_are_told_in_few_words() {
        for (value, words) in [
            (json!(null), "nothing"),
            (json!(false), "no"),
            (json!(1.5), "1.5"),
            (json!("a\nb"), "a b"),
            (json!([1]), "1 item"),
            (json!({}), "0 fields"),
        ] {
            assert_eq!(preview(&value), words);
        }
        assert_eq!(preview(&json!("x".repeat(500))).chars().count(), LONGEST + 1);
    }

    #[test]
    fn a_table_is_made_of_the_first_list_of_objects() {
        let value = json!({"meta": {"n": 1}, "people": [{"a": 1}, {"b": 2}, 3]});
        let (way, list) = table_of(&value, 3).unwrap();
        assert_eq!(way, [Segment::Key("people".to_owned())]);
        assert_eq!(columns(list), ["a", "b"]);
        assert!(table_of(&json!([1, 2]), 3).is_none());
    }

    #[test]
    fn what_is_large_is_known_without_reading_it_all() {
        assert!(!is_large(&json!({"a": [1, 2, 3]})));
        assert!(is_large(&json!("x".repeat(200_000))));
        assert!(is_large(&Value::Array(vec![json!({"a": 1}); 100_000])));
    }
}
