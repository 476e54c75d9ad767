//! Writing: make, change, remove. Each answer is a status record; where there is a record, its fields stand beside.
use serde_json::{Value, json};

use super::kind::Kind;
use super::list::{answer, existing, title_of};
use super::{next_number, refusal, zone};
use crate::sandbox::call::{Call, Outcome, Refusal, Reply};
use crate::sandbox::store::Fields;
use crate::sandbox::world::World;

/// `POST /events`, …
pub(super) fn create(world: &mut World, call: &Call, kind: Kind) -> Outcome {
    let mut fields = Fields::new();
    apply(world, call, kind, &mut fields)?;
    let id = next_number(&mut world.store, kind.collection());
    fields.insert("id", json!(id));
    fields.insert("workspace", json!(world.account.workspace));
    world.insert(kind.collection(), &id, "", fields);
    let summary = format!("Created {} \"{}\"", kind.noun(), title_of(world, &id, kind));
    let body = with_status(world, answer(world, &id, kind), "created", kind);
    Ok(Reply::created(body, summary).about(kind.collection(), &id))
}

/// `POST /events/:id`, …: lists of links are replaced, not merged.
pub(super) fn update(world: &mut World, call: &Call, kind: Kind) -> Outcome {
    let id = existing(world, call, kind)?;
    let mut fields = world.store.of(kind.collection()).get(&id).cloned().unwrap_or_default();
    apply(world, call, kind, &mut fields)?;
    world.replace(kind.collection(), &id, fields);
    let summary = format!("Updated {} \"{}\"", kind.noun(), title_of(world, &id, kind));
    let body = with_status(world, answer(world, &id, kind), "updated", kind);
    Ok(Reply::updated(body, summary).about(kind.collection(), &id))
}

/// `DELETE /events/:id`, …
pub(super) fn delete(world: &mut World, call: &Call, kind: Kind) -> Outcome {
    let id = existing(world, call, kind)?;
    let summary = format!("Deleted {} \"{}\"", kind.noun(), title_of(world, &id, kind));
    world.remove(kind.collection(), &id);
    Ok(Reply::deleted(with_status(world, Fields::new(), "deleted", kind), summary).about(kind.collection(), &id))
}

fn with_status(world: &World, mut fields: Fields, done: &str, kind: Kind) -> Value {
    for (key, value) in [
        ("status", "success".to_owned()),
        ("status_code", "200".to_owned()),
        ("message", format!("The {} was {done}.", kind.noun())),
        ("active_workspace", world.account.workspace.clone()),
    ] {
        fields.insert(key, json!(value));
    }
    fields.into()
}

/// Puts what was sent into a record; refuses what it would not be right with.
fn apply(world: &World, call: &Call, kind: Kind, fields: &mut Fields) -> Result<(), Refusal> {
    for (key, _) in kind.fields() {
        if let Some(text) = call.body.get(*key).and_then(Value::as_str) {
            if text.trim().is_empty() && kind.needed().contains(key) {
                return Err(refusal(400, &format!("{key} may not be empty.")));
            }
            fields.insert(*key, json!(text));
        }
    }
    if let Some(above) = kind.owner()
        && let Some(sent) = call.text("owner")
    {
        let ids: Vec<&str> = sent.split(',').map(str::trim).filter(|it| !it.is_empty()).collect();
        if let Some(unknown) = ids.iter().find(|id| !world.store.of(above.collection()).contains(id)) {
            return Err(refusal(400, &format!("The owner {unknown} is no {}.", above.noun())));
        }
        fields.insert("owner", json!(ids.join(",")));
    }
    if kind == Kind::Event {
        let text = |key: &str| fields.get(key).and_then(Value::as_str).unwrap_or_default();
        let read = |key: &str| {
            let wrong = || refusal(400, &format!("{key} must be written YYYY-MM-DD HH:MM:SS, but is \"{}\".", text(key)));
            zone::read(text(key)).ok_or_else(wrong)
        };
        if read("date_end")? < read("date_start")? {
            return Err(refusal(400, "date_end must not be before date_start."));
        }
    }
    Ok(())
}
