//! A mail server that keeps every letter: what is sent in the sandbox reaches nobody.
use axum::http::{HeaderMap, header};
use serde_json::json;

use super::access::MailAccess;
use super::auth;
use super::call::{Behaviour, Call, Outcome, Refusal, Reply};
use super::highlevel::refusal;
use super::oauth::Caller;
use super::store::Fields;
use super::world::World;

/// The collection of everything that was sent.
const LETTERS: &str = "letters";

/// What is written by hand, by method and path.
pub(super) fn behaviour(key: &str) -> Option<Behaviour> {
    Some(match key {
        "POST letters" => send,
        "GET account" => |_, _| Ok(Reply::read(json!({ "answer": "235 2.7.0 welcome" }), "Signed in to the mail server")),
        _ => return None,
    })
}

/// Keeps a letter as if it had been sent.
fn send(world: &mut World, call: &Call) -> Outcome {
    let readers = ["to", "cc", "bcc"].into_iter().filter_map(|it| call.text(it)).flat_map(|it| it.split(','));
    let accepted: Vec<&str> = readers.map(str::trim).filter(|it| !it.is_empty()).collect();
    if accepted.iter().any(|it| !it.contains('@')) {
        return Err(refusal::plain(422, "501 5.1.3 Bad recipient address syntax: to"));
    }
    let id = world.store.next_id(LETTERS);
    let mut fields: Fields = call.fields().map(|(key, value)| (key.clone(), value.clone())).collect();
    fields.insert("id", json!(id));
    fields.insert("sent", json!(call.now));
    let summary = format!("Kept a letter to {}", accepted.join(", "));
    let answer =
        json!({ "id": format!("<{id}@sandbox.example>"), "accepted": accepted, "answer": format!("250 2.0.0 kept as {id}") });
    world.insert(LETTERS, &id, "", fields);
    Ok(Reply::created(answer, summary).about(LETTERS, &id))
}

/// User and password only.
pub(super) fn signed_in(access: &MailAccess, headers: &HeaderMap) -> Result<Caller, Refusal> {
    let wanted = auth::basic(&access.user, &access.password);
    match headers.get(header::AUTHORIZATION).and_then(|it| it.to_str().ok()) {
        Some(sent) if auth::is_same(sent, &wanted) => Ok(Caller::Owner),
        Some(_) | None => Err(refused()),
    }
}

/// As mail servers word it.
pub(super) fn refused() -> Refusal {
    refusal::plain(401, "535 5.7.8 Authentication credentials invalid")
}
