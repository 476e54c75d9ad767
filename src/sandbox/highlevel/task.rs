//! Tasks of a contact.
use jiff::Timestamp;
use serde_json::{Value, json};

use super::refusal::{not_found, wrong};
use super::{TASKS, contact};
use crate::sandbox::call::{Call, Outcome, Refusal, Reply};
use crate::sandbox::store::Fields;
use crate::sandbox::world::World;

const FIELDS: &[&str] = &["title", "body", "dueDate", "completed", "assignedTo"];

/// `GET /contacts/{contactId}/tasks`
pub(super) fn list(world: &mut World, call: &Call) -> Outcome {
    let contact = contact::existing(world, call)?;
    let tasks: Vec<Value> = world.store.of(TASKS).children(&contact).map(|row| row.fields.shown().into()).collect();
    let summary = format!("Listed {} tasks of {}", tasks.len(), contact::name_of(world, &contact));
    Ok(Reply::read(json!({"tasks": tasks}), summary))
}

/// `POST /locations/{locationId}/tasks/search`: of these contacts and users, done or open, with these words in the title.
pub(super) fn search(world: &mut World, call: &Call) -> Outcome {
    let (contacts, users) = (call.texts("contactId"), call.texts("assignedTo"));
    let (done, words) = (call.truth("completed"), call.text("query").unwrap_or_default().to_lowercase());
    let number = |name: &str| call.field(name).and_then(Value::as_u64).and_then(|it| usize::try_from(it).ok());
    let is_one_of = |of: &[String], value: Option<&Value>| {
        of.is_empty() || value.and_then(Value::as_str).is_some_and(|it| of.iter().any(|one| one == it))
    };
    let fits = |fields: &&Fields| {
        is_one_of(&contacts, fields.get("contactId"))
            && is_one_of(&users, fields.get("assignedTo"))
            && done.is_none_or(|it| fields.get("completed").and_then(Value::as_bool).unwrap_or_default() == it)
            && title(fields).to_lowercase().contains(&words)
    };
    let found = world.store.of(TASKS).rows().map(|row| &row.fields).filter(fits);
    let page = found.skip(number("skip").unwrap_or_default()).take(number("limit").unwrap_or(25));
    let tasks: Vec<Value> = page.map(|fields| fields.shown().into()).collect();
    let summary = format!("Found {} tasks", tasks.len());
    Ok(Reply::read(json!({"tasks": tasks}), summary))
}

/// `POST /contacts/{contactId}/tasks`
pub(super) fn create(world: &mut World, call: &Call) -> Outcome {
    let contact = contact::existing(world, call)?;
    let mut fields = Fields::new();
    apply(call, &mut fields)?;
    let id = world.store.next_id(TASKS);
    fields.insert("id", json!(id));
    fields.insert("contactId", json!(contact));
    let summary = format!("Created task \"{}\" for {}", title(&fields), contact::name_of(world, &contact));
    world.insert(TASKS, &id, &contact, fields);
    Ok(Reply::created(answer(world, &id), summary).about(TASKS, &id))
}

/// `GET /contacts/{contactId}/tasks/{taskId}`
pub(super) fn get(world: &mut World, call: &Call) -> Outcome {
    let (id, fields) = existing(world, call)?;
    Ok(Reply::read(answer(world, &id), format!("Read task \"{}\"", title(&fields))).about(TASKS, &id))
}

/// `PUT /contacts/{contactId}/tasks/{taskId}`
pub(super) fn update(world: &mut World, call: &Call) -> Outcome {
    let (id, mut fields) = existing(world, call)?;
    apply(call, &mut fields)?;
    let summary = format!("Updated task \"{}\"", title(&fields));
    put(world, &id, fields);
    Ok(Reply::updated(answer(world, &id), summary).about(TASKS, &id))
}

/// `PUT /contacts/{contactId}/tasks/{taskId}/completed`
pub(super) fn complete(world: &mut World, call: &Call) -> Outcome {
    let (id, mut fields) = existing(world, call)?;
    let done = call.truth("completed").unwrap_or_default();
    fields.insert("completed", json!(done));
    let verb = if done { "Completed" } else { "Reopened" };
    let summary = format!("{verb} task \"{}\"", title(&fields));
    put(world, &id, fields);
    Ok(Reply::updated(answer(world, &id), summary).about(TASKS, &id))
}

/// `DELETE /contacts/{contactId}/tasks/{taskId}`
pub(super) fn delete(world: &mut World, call: &Call) -> Outcome {
    let (id, fields) = existing(world, call)?;
    world.remove(TASKS, &id);
    Ok(Reply::deleted(json!({"succeded": true}), format!("Deleted task \"{}\"", title(&fields))).about(TASKS, &id))
}

fn existing(world: &World, call: &Call) -> Result<(String, Fields), Refusal> {
    let contact = contact::existing(world, call)?;
    let id = call.path("taskId");
    let task = world.store.of(TASKS).child(&contact, id);
    task.map(|it| (id.to_owned(), it.clone())).ok_or_else(|| not_found("Task", id))
}

fn apply(call: &Call, fields: &mut Fields) -> Result<(), Refusal> {
    if let Some(due) = call.text("dueDate")
        && due.parse::<Timestamp>().is_err()
        && due.parse::<jiff::civil::Date>().is_err()
    {
        return Err(wrong("dueDate must be a valid ISO 8601 date string"));
    }
    for key in FIELDS {
        match call.body.get(*key) {
            None => {}
            Some(Value::Null) => drop(fields.remove(key)),
            Some(value) => drop(fields.insert(*key, value.clone())),
        }
    }
    Ok(())
}

fn put(world: &mut World, id: &str, fields: Fields) {
    world.replace(TASKS, id, fields);
}

fn title(fields: &Fields) -> &str {
    fields.get("title").and_then(Value::as_str).unwrap_or_default()
}

fn answer(world: &World, id: &str) -> Value {
    json!({"task": world.store.of(TASKS).get(id).map(Fields::shown).unwrap_or_default()})
}
