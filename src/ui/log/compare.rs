//! Two runs of a flow side by side: for each step how it went in both, and where what it gave differs.
//!
//! Invariant: pure; the same two runs give the same rows.
use std::collections::BTreeMap;

use serde_json::Value;

use super::fall::{Fall, FallRow, Line};
use super::rows::Mark;
use crate::run::{Entry, StepKey};
use crate::ui::archive::Loaded;

/// Differences of one step that are told; all are counted.
const TOLD: usize = 40;
/// Letters of a value that are told.
const LETTERS: usize = 80;

/// A step in both runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) step: StepKey,
    pub(super) title: String,
    pub(super) left: Option<(Mark, String)>,
    pub(super) right: Option<(Mark, String)>,
    /// "email: a@x became b@x".
    pub(super) changes: Vec<String>,
    /// Of how many these are the first.
    pub(super) all: usize,
}

impl Pair {
    /// Whether it went otherwise, or gave something else.
    pub(super) fn differs(&self) -> bool {
        let mark = |it: &Option<(Mark, String)>| it.as_ref().map(|it| it.0);
        self.all > 0 || mark(&self.left) != mark(&self.right)
    }
}

/// The steps of both, those of the first in their order, then those that only the other has.
pub(super) fn pairs(left: (&Loaded, &Fall), right: (&Loaded, &Fall)) -> Vec<Pair> {
    let steps = |fall: &Fall| -> Vec<FallRow> {
        fall.rows.iter().filter(|it| matches!(it.line, Line::Step | Line::Missed)).cloned().collect()
    };
    let (lefts, rights) = (steps(left.1), steps(right.1));
    let (gave_left, gave_right) = (gave(&left.0.entries), gave(&right.0.entries));
    let of = |rows: &[FallRow], step: &StepKey| {
        let row = rows.iter().find(|it| it.step == *step)?;
        Some((row.mark?, row.took.clone()))
    };
    let mut pairs: Vec<Pair> = Vec::new();
    for row in lefts.iter().chain(&rights) {
        if pairs.iter().any(|it| it.step == row.step) {
            continue;
        }
        let mut changes = Vec::new();
        let all = match (gave_left.get(&row.step), gave_right.get(&row.step)) {
            (Some(left), Some(right)) => differences(left, right, &mut changes),
            _ => 0,
        };
        pairs.push(Pair {
            step: row.step.clone(),
            title: row.title.clone(),
            left: of(&lefts, &row.step),
            right: of(&rights, &row.step),
            changes,
            all,
        });
    }
    pairs
}

/// What each step gave, or why it failed.
fn gave(entries: &[Entry]) -> BTreeMap<StepKey, Value> {
    let mut gave = BTreeMap::new();
    for entry in entries {
        match entry {
            Entry::Accepted { trigger, payload, .. } => drop(gave.insert(StepKey::new(trigger.clone()), (**payload).clone())),
            Entry::StepSucceeded { step, output, .. } => drop(gave.insert(step.clone(), (**output).clone())),
            Entry::StepFailed { step, failure, retry_at: None, .. } => {
                gave.insert(step.clone(), Value::String(failure.to_string()));
            }
            _ => {}
        }
    }
    gave
}

/// Tells where two values differ; how often in all.
fn differences(left: &Value, right: &Value, told: &mut Vec<String>) -> usize {
    let (mut lefts, mut rights) = (BTreeMap::new(), BTreeMap::new());
    leaves("", left, &mut lefts);
    leaves("", right, &mut rights);
    let mut all = 0;
    let mut tell = |words: String| {
        all += 1;
        if told.len() < TOLD {
            told.push(words);
        }
    };
    for (place, was) in &lefts {
        let name = if place.is_empty() { "It" } else { place };
        match rights.get(place) {
            Some(is) if is == was => {}
            Some(is) => tell(format!("{name}: {} became {}", short(was), short(is))),
            None => tell(format!("{name}: {} is gone", short(was))),
        }
    }
    for (place, is) in rights.iter().filter(|it| !lefts.contains_key(it.0)) {
        let name = if place.is_empty() { "It" } else { place };
        tell(format!("{name}: {} is new", short(is)));
    }
    all
}

fn leaves<'a>(place: &str, value: &'a Value, into: &mut BTreeMap<String, &'a Value>) {
    let below = |name: &str| if place.is_empty() { name.to_owned() } else { format!("{place} › {name}") };
    match value {
        Value::Object(fields) if !fields.is_empty() => fields.iter().for_each(|(name, it)| leaves(&below(name), it, into)),
        Value::Array(items) if !items.is_empty() => {
            items.iter().enumerate().for_each(|(at, it)| leaves(&below(&(at + 1).to_string()), it, into));
        }
        _ => drop(into.insert(place.to_owned(), value)),
    }
}

fn short(value: &Value) -> String {
    let text = match value {
        Value::String(text) => format!("“{text}”"),
        Value::Null => "nothing".to_owned(),
        other => other.to_string(),
    };
    if text.chars().count() > LETTERS { text.chars().take(LETTERS).chain(['…']).collect() } else { text }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(left: &Value, right: &Value) -> (usize, Vec<String>) {
        let mut told = Vec::new();
        (differences(left, right, &mut told), told)
    }

    #[test]
    fn values_differ_where_their_leaves_do() {
        let left = json!({"id": 7, "contact": {"email": "a@x", "tags": ["one"]}, "gone": null});
        let right = json!({"id": 7, "contact": {"email": "b@x", "tags": ["one", "two"]}});
        let (all, words) = told(&left, &right);
        let expected = ["contact › email: “a@x” became “b@x”", "gone: nothing is gone", "contact › tags › 2: “two” is new"];
        assert_eq!((all, words.as_slice()), (3, expected.map(str::to_owned).as_slice()));
        assert_eq!(told(&left, &left).0, 0);
        assert_eq!(told(&json!(1), &json!(2)).1, ["It: 1 became 2"]);
    }

    #[test]
    fn many_differences_are_counted_and_the_first_told() {
        let list = |by: u64| Value::from((0..500).map(|it| it * by).collect::<Vec<u64>>());
        let (all, words) = told(&list(1), &list(2));
        assert_eq!((all, words.len()), (499, TOLD));
        let long = "x".repeat(1_000);
        assert!(told(&json!(long), &json!("y")).1[0].len() < 120);
    }
}
