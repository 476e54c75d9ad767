//! What contacts belong to: tags, followers, campaigns, workflows, a business.
use serde_json::{Value, json};

use super::refusal::wrong;
use super::{CONTACTS, contact};
use crate::sandbox::call::{Call, Outcome, Reply};
use crate::sandbox::ledger::Effect;
use crate::sandbox::world::World;

/// `POST /contacts/{contactId}/tags`
pub(super) fn add_tags(world: &mut World, call: &Call) -> Outcome {
    let id = contact::existing(world, call)?;
    let sent = contact::lower(&call.texts("tags"));
    let (now, added) = join(world, call, &id, "tags", &sent);
    let summary = format!("Tagged {} with {}", contact::name_of(world, &id), list_or_nothing(&added));
    Ok(changed(json!({"tags": now, "tagsAdded": added}), summary, &added, &id))
}

/// `DELETE /contacts/{contactId}/tags`
pub(super) fn remove_tags(world: &mut World, call: &Call) -> Outcome {
    let id = contact::existing(world, call)?;
    let sent = contact::lower(&call.texts("tags"));
    let (now, removed) = leave(world, call, &id, "tags", &sent);
    let summary = format!("Took {} off {}", list_or_nothing(&removed), contact::name_of(world, &id));
    Ok(changed(json!({"tags": now, "tagsRemoved": removed}), summary, &removed, &id))
}

/// `POST /contacts/{contactId}/followers`
pub(super) fn add_followers(world: &mut World, call: &Call) -> Outcome {
    let id = contact::existing(world, call)?;
    let (now, added) = join(world, call, &id, "followers", &call.texts("followers"));
    let summary = format!("{} has {} new followers", contact::name_of(world, &id), added.len());
    Ok(changed(json!({"followers": now, "followersAdded": added}), summary, &added, &id))
}

/// `DELETE /contacts/{contactId}/followers`
pub(super) fn remove_followers(world: &mut World, call: &Call) -> Outcome {
    let id = contact::existing(world, call)?;
    let (now, removed) = leave(world, call, &id, "followers", &call.texts("followers"));
    let summary = format!("{} lost {} followers", contact::name_of(world, &id), removed.len());
    Ok(changed(json!({"followers": now, "followersRemoved": removed}), summary, &removed, &id))
}

/// `POST /contacts/{contactId}/campaigns/{campaignId}`. Campaigns are kept elsewhere, so any id is one.
pub(super) fn join_campaign(world: &mut World, call: &Call) -> Outcome {
    enlist(world, call, "~campaigns", "campaignId", true)
}

/// `DELETE /contacts/{contactId}/campaigns/{campaignId}`
pub(super) fn leave_campaign(world: &mut World, call: &Call) -> Outcome {
    enlist(world, call, "~campaigns", "campaignId", false)
}

/// `DELETE /contacts/{contactId}/campaigns/removeAll`
pub(super) fn leave_every_campaign(world: &mut World, call: &Call) -> Outcome {
    let id = contact::existing(world, call)?;
    let all = contact::list(world, &id, "~campaigns");
    let (_, left) = leave(world, call, &id, "~campaigns", &all);
    let summary = format!("{} left {} campaigns", contact::name_of(world, &id), left.len());
    Ok(changed(json!({"succeded": true}), summary, &left, &id))
}

/// `POST /contacts/{contactId}/workflow/{workflowId}`. Workflows are kept elsewhere, so any id is one.
pub(super) fn join_workflow(world: &mut World, call: &Call) -> Outcome {
    enlist(world, call, "~workflows", "workflowId", true)
}

/// `DELETE /contacts/{contactId}/workflow/{workflowId}`
pub(super) fn leave_workflow(world: &mut World, call: &Call) -> Outcome {
    enlist(world, call, "~workflows", "workflowId", false)
}

/// `POST /contacts/bulk/tags/update/{type}`
pub(super) fn bulk_tags(world: &mut World, call: &Call) -> Outcome {
    let add = match call.path("type") {
        "add" => true,
        "remove" => false,
        _ => return Err(wrong("type must be one of the following values: add, remove")),
    };
    let tags = contact::lower(&call.texts("tags"));
    let all = call.truth("removeAllTags") == Some(true);
    let (mut responses, mut errors, mut touched) = (Vec::new(), 0, 0);
    for id in call.texts("contacts") {
        if !world.store.of(CONTACTS).contains(&id) {
            errors += 1;
            responses.push(json!({"contactId": id, "message": "contact not found", "type": "error"}));
            continue;
        }
        let old = contact::list(world, &id, "tags");
        if all {
            leave(world, call, &id, "tags", &old);
        }
        if add {
            join(world, call, &id, "tags", &tags);
        } else {
            leave(world, call, &id, "tags", &tags);
        }
        touched += 1;
        let now = contact::list(world, &id, "tags");
        let without = |one: &[String], other: &[String]| one.iter().filter(|it| !other.contains(it)).cloned().collect::<Vec<_>>();
        responses.push(json!({
            "contactId": id,
            "message": "Tags updated",
            "type": "success",
            "oldTags": old,
            "tagsAdded": without(&now, &old),
            "tagsRemoved": without(&old, &now),
        }));
    }
    let body = json!({"succeded": true, "errorCount": errors, "responses": responses});
    let mut reply = Reply::updated(body, format!("Changed the tags of {touched} contacts"));
    if touched == 0 {
        reply.effect = Effect::None;
    }
    Ok(reply)
}

/// `POST /contacts/bulk/business`: `null` takes the contacts out of any.
pub(super) fn set_business(world: &mut World, call: &Call) -> Outcome {
    let business = call.field("businessId").cloned();
    let mut ids = call.texts("ids");
    ids.retain(|id| world.store.of(CONTACTS).contains(id));
    for id in &ids {
        contact::change(world, call, id, |fields| match &business {
            Some(business) => drop(fields.insert("businessId", business.clone())),
            None => drop(fields.remove("businessId")),
        });
    }
    let mut reply = Reply::updated(json!({"success": true, "ids": ids}), format!("Set the business of {} contacts", ids.len()));
    if ids.is_empty() {
        reply.effect = Effect::None;
    }
    Ok(reply)
}

fn enlist(world: &mut World, call: &Call, field: &str, what: &str, joins: bool) -> Outcome {
    let id = contact::existing(world, call)?;
    let wanted = [call.path(what).to_owned()];
    let (_, moved) = if joins { join(world, call, &id, field, &wanted) } else { leave(world, call, &id, field, &wanted) };
    let verb = if joins { "joined" } else { "left" };
    let summary = format!("{} {verb} {} {}", contact::name_of(world, &id), what.trim_end_matches("Id"), wanted[0]);
    Ok(changed(json!({"succeded": true}), summary, &moved, &id))
}

/// Adds to a list field; says what it holds now and what is new.
fn join(world: &mut World, call: &Call, id: &str, field: &str, wanted: &[String]) -> (Vec<String>, Vec<String>) {
    let mut now = contact::list(world, id, field);
    let mut new: Vec<String> = Vec::new();
    for it in wanted {
        if !now.contains(it) {
            now.push(it.clone());
            new.push(it.clone());
        }
    }
    set(world, call, id, field, &now, &new);
    (now, new)
}

/// Takes from a list field; says what it holds now and what is gone.
fn leave(world: &mut World, call: &Call, id: &str, field: &str, unwanted: &[String]) -> (Vec<String>, Vec<String>) {
    let (gone, now): (Vec<String>, Vec<String>) =
        contact::list(world, id, field).into_iter().partition(|it| unwanted.contains(it));
    set(world, call, id, field, &now, &gone);
    (now, gone)
}

fn set(world: &mut World, call: &Call, id: &str, field: &str, now: &[String], moved: &[String]) {
    if !moved.is_empty() {
        contact::change(world, call, id, |fields| drop(fields.insert(field, json!(now))));
    }
}

/// An answer about a contact of which something may have changed.
fn changed(body: Value, summary: String, moved: &[String], id: &str) -> Reply {
    let mut reply = Reply::updated(body, summary).about(CONTACTS, id);
    if moved.is_empty() {
        reply.effect = Effect::None;
    }
    reply
}

fn list_or_nothing(list: &[String]) -> String {
    if list.is_empty() { "nothing new".to_owned() } else { list.join(", ") }
}
