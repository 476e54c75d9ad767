//! A desktop whose notifications are records: what is shown in the sandbox disturbs nobody.
use serde_json::json;

use super::call::{Behaviour, Call, Outcome, Reply};
use super::highlevel::refusal;
use super::store::Fields;
use super::world::World;

/// The collection of everything that would have been shown.
const SHOWN: &str = "shown";

/// What is written by hand, by method and path.
pub(super) fn behaviour(key: &str) -> Option<Behaviour> {
    Some(match key {
        "POST notifications" => show,
        "GET status" => |_, _| {
            let answer = json!({ "program": "Sandbox", "clickable": true });
            Ok(Reply::read(answer, "Asked who shows notifications"))
        },
        _ => return None,
    })
}

/// Keeps a notification as if it had been shown.
fn show(world: &mut World, call: &Call) -> Outcome {
    let title = call.text("title").unwrap_or_default().to_owned();
    if title.trim().is_empty() {
        return Err(refusal::plain(422, "title is empty, and a notification needs one"));
    }
    let id = world.store.next_id(SHOWN);
    let mut fields: Fields = call.fields().map(|(key, value)| (key.clone(), value.clone())).collect();
    fields.insert("id", json!(id));
    world.insert(SHOWN, &id, "", fields);
    let number = world.store.of(SHOWN).rows().count();
    Ok(Reply::created(json!({ "shown": true, "number": number }), format!("Kept a notification: {title}")).about(SHOWN, &id))
}
