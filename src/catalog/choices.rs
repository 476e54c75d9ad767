//! Choices fetched live: which calendars, users, tags an account has, by the names that people know them by.
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::OperationId;

/// Choices fetched live: an operation that lists them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choices {
    /// The `Safe` operation that lists them; of the same connector.
    pub operation: OperationId,
    /// Dotted path to the list in the answer; empty where the answer is the list.
    pub list: String,
    /// The field that is sent.
    pub value: String,
    /// The field that is shown.
    pub label: String,
    /// Inputs of that operation that hang on what is chosen here: its key to the key of an input beside this one.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub input: BTreeMap<String, String>,
    /// Inputs of that operation that are always the same.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub with: BTreeMap<String, Value>,
    /// Where the choices are not the list but a list within one of its items.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<Within>,
    /// Where the input is a list of objects: the field of each that is chosen. Empty where the values themselves are.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub item: String,
    /// Whether a text holds several of them, with commas between.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub joined: bool,
}

/// Choices that are a list within an item that was chosen before: the stages of a pipeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Within {
    /// The key of the input beside this one that says which item.
    pub input: String,
    /// The field of an item that this input holds.
    pub field: String,
    /// The list in that item.
    pub list: String,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// What is sent.
    pub value: Value,
    /// What is shown; the value where it has no name.
    pub label: String,
}

impl Choices {
    /// The most that are offered of one answer.
    pub const OFFERED: usize = 2_000;

    /// The choices in an answer of the operation that lists them. `chosen` is what the inputs beside it hold. Empty where the
    /// answer has no such list, or it is not known yet within which item.
    pub fn of(&self, answer: &Value, chosen: &dyn Fn(&str) -> Option<Value>) -> Vec<Choice> {
        let choice = |it: &Value| {
            let value = it.get(&self.value).filter(|it| !it.is_null())?.clone();
            let label = it.get(&self.label).and_then(Value::as_str).map(str::trim).filter(|it| !it.is_empty());
            Some(Choice { label: label.map_or_else(|| plain(&value), str::to_owned), value })
        };
        self.items(answer, chosen).iter().filter_map(choice).take(Self::OFFERED).collect()
    }

    /// The item of the list that has this value.
    pub fn item<'a>(&self, answer: &'a Value, chosen: &dyn Fn(&str) -> Option<Value>, value: &Value) -> Option<&'a Value> {
        self.items(answer, chosen).iter().find(|it| it.get(&self.value).is_some_and(|it| same(it, value)))
    }

    fn items<'a>(&self, answer: &'a Value, chosen: &dyn Fn(&str) -> Option<Value>) -> &'a [Value] {
        let found = at(answer, &self.list).and_then(Value::as_array).and_then(|list| match &self.within {
            None => Some(list),
            Some(within) => {
                let wanted = chosen(&within.input)?;
                let is_it = |it: &&Value| it.get(&within.field).is_some_and(|it| same(it, &wanted));
                list.iter().find(is_it).and_then(|it| at(it, &within.list)).and_then(Value::as_array)
            }
        });
        found.map_or(&[], Vec::as_slice)
    }

    /// The values that a field holds, one by one, in the order of their names.
    pub fn singles(&self, held: &Value) -> Vec<Value> {
        match held {
            Value::Array(values) => values.clone(),
            Value::String(text) if self.joined => {
                text.split(',').map(|it| Value::from(it.trim())).filter(|it| it != "").collect()
            }
            value => vec![value.clone()],
        }
    }

    /// What a field that was chosen by name holds on the account whose choices these are: a value that is among them stays;
    /// for another one, the one of the same name stands in. `names` are in the order of the values; a value that is its own
    /// name stays, too.
    ///
    /// # Errors
    /// The name of a value for which there is none.
    pub fn settle(&self, all: &[Choice], held: &Value, names: &[String]) -> Result<Value, String> {
        let one = |(at, value): (usize, &Value)| -> Result<Value, String> {
            if all.iter().any(|it| same(&it.value, value)) {
                return Ok(value.clone());
            }
            let Some(name) = names.get(at).map(|it| it.trim()) else { return Err(plain(value)) };
            if name == plain(value) {
                return Ok(value.clone());
            }
            let exact = all.iter().find(|it| it.label.trim() == name);
            let like = || all.iter().find(|it| it.label.trim().to_lowercase() == name.to_lowercase());
            exact.or_else(like).map(|it| it.value.clone()).ok_or_else(|| name.to_owned())
        };
        match held {
            Value::Array(values) => values.iter().enumerate().map(one).collect::<Result<_, _>>().map(Value::Array),
            Value::String(text) if self.joined => {
                let values: Vec<Value> = text.split(',').map(|it| Value::from(it.trim())).filter(|it| it != "").collect();
                let settled = values.iter().enumerate().map(one).collect::<Result<Vec<_>, _>>()?;
                Ok(Value::String(settled.iter().map(plain).collect::<Vec<_>>().join(",")))
            }
            value => one((0, value)),
        }
    }

    /// The inputs of the operation that lists them, from what the inputs beside it hold; or the first of these that holds
    /// nothing yet.
    ///
    /// # Errors
    /// The key of the input that has to be filled first.
    pub fn asks(&self, chosen: &dyn Fn(&str) -> Option<Value>) -> Result<BTreeMap<String, Value>, String> {
        let mut asked = self.with.clone();
        for (key, from) in &self.input {
            asked.insert(key.clone(), chosen(from).ok_or_else(|| from.clone())?);
        }
        match &self.within {
            Some(within) if chosen(&within.input).is_none() => Err(within.input.clone()),
            _ => Ok(asked),
        }
    }
}

/// The value at a dotted path; the whole for an empty one.
fn at<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').filter(|it| !it.is_empty()).try_fold(value, |at, part| at.get(part))
}

/// Whether two values are the same choice: services write ids as text or as numbers.
pub(crate) fn same(one: &Value, other: &Value) -> bool {
    one == other || plain(one) == plain(other)
}

/// A value as a person reads it.
pub(crate) fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn choices(json: Value) -> Choices {
        serde_json::from_value(json).expect("choices")
    }

    fn told(choices: &Choices, answer: &Value, chosen: &Value) -> Vec<String> {
        let of = choices.of(answer, &|key| chosen.get(key).cloned());
        of.into_iter().map(|it| format!("{}={}", it.label, it.value)).collect()
    }

    #[test]
    fn choices_are_read_by_name_and_one_without_a_name_by_its_value() {
        let flat = choices(json!({"operation": "x.y.list", "list": "a.b", "value": "id", "label": "name"}));
        let answer =
            json!({"a": {"b": [{"id": "1", "name": " One "}, {"id": 2, "name": ""}, {"name": "no id"}, {"id": null}, 7]}});
        assert_eq!(told(&flat, &answer, &json!({})), ["One=\"1\"", "2=2"]);
        for broken in [json!(null), json!([]), json!({"a": []}), json!({"a": {"b": {}}})] {
            assert_eq!(told(&flat, &broken, &json!({})), Vec::<String>::new(), "{broken}");
        }
        let whole = choices(json!({"operation": "x.y.list", "list": "", "value": "id", "label": "name"}));
        assert_eq!(told(&whole, &json!([{"id": "1", "name": "One"}]), &json!({})), ["One=\"1\""]);
    }

    #[test]
    fn the_stages_are_those_of_the_pipeline_that_was_chosen() {
        let within = json!({"input": "pipelineId", "field": "id", "list": "stages"});
        let stages =
            choices(json!({"operation": "x.y.list", "list": "pipelines", "value": "id", "label": "name", "within": within}));
        let answer = json!({"pipelines": [
            {"id": "p", "stages": [{"id": "p1", "name": "New"}]}, {"id": 5, "stages": [{"id": "q1", "name": "Won"}]}]});
        assert_eq!(told(&stages, &answer, &json!({"pipelineId": "p"})), ["New=\"p1\""]);
        assert_eq!(told(&stages, &answer, &json!({"pipelineId": "5"})), ["Won=\"q1\""]);
        assert_eq!(told(&stages, &answer, &json!({"pipelineId": "gone"})), Vec::<String>::new());
        assert_eq!(told(&stages, &answer, &json!({})), Vec::<String>::new());
        assert_eq!(stages.asks(&|_| None), Err("pipelineId".to_owned()));
        assert_eq!(stages.asks(&|_| Some(json!("p"))), Ok(BTreeMap::new()));
    }

    #[test]
    fn what_the_list_hangs_on_is_asked_for_first() {
        let tasks = choices(json!({"operation": "x.y.list", "list": "tasks", "value": "id", "label": "title",
            "input": {"contact": "contactId"}, "with": {"limit": 20}}));
        assert_eq!(tasks.asks(&|_| None), Err("contactId".to_owned()));
        let asked = tasks.asks(&|key| Some(json!(key))).expect("all is there");
        assert_eq!(json!(asked), json!({"contact": "contactId", "limit": 20}));
    }

    #[test]
    fn what_was_chosen_elsewhere_is_found_by_its_name() {
        let all: Vec<Choice> = [("c1", "Consultation"), ("c2", "Follow-up"), ("c3", "follow-up ")]
            .map(|(value, label)| Choice { value: json!(value), label: label.to_owned() })
            .into();
        let (one, joined) = (choices(json!({"operation": "a.b.c", "list": "", "value": "id", "label": "name"})), {
            choices(json!({"operation": "a.b.c", "list": "", "value": "id", "label": "name", "joined": true}))
        });
        for (choices, held, names, settled) in [
            (&one, json!("x9"), vec!["Consultation"], Ok(json!("c1"))),
            // It is there under another name: the same thing, renamed.
            (&one, json!("c2"), vec!["Once called so"], Ok(json!("c2"))),
            (&one, json!("x9"), vec!["consultation"], Ok(json!("c1"))),
            (&one, json!("x9"), vec!["follow-up"], Ok(json!("c3"))),
            (&one, json!("x9"), vec!["Yoga"], Err("Yoga")),
            (&one, json!("x9"), vec![], Err("x9")),
            (&one, json!("vip"), vec!["vip"], Ok(json!("vip"))),
            (&one, json!(["c2", "x1"]), vec!["Follow-up", "Consultation"], Ok(json!(["c2", "c1"]))),
            (&one, json!(["c2", "x1"]), vec!["Follow-up", "Yoga"], Err("Yoga")),
            (&joined, json!("c2, x1"), vec!["Follow-up", "Consultation"], Ok(json!("c2,c1"))),
        ] {
            let names: Vec<String> = names.into_iter().map(str::to_owned).collect();
            assert_eq!(choices.settle(&all, &held, &names), settled.map_err(str::to_owned), "{held} {names:?}");
        }
    }
}
