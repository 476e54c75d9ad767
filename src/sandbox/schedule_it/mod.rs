//! Schedule it: events for resources, groups of resources, labels.
//!
//! Everything travels as text. Lists can be narrowed by any field, `title=Check-up`, with an operator before the value,
//! `date_start=gt:2026-03-02 00:00:00`, or in the name, `date_start[gt]=…`: `eq`, `ne`, `gt`, `lt`.
//!
//! Invariant: every value of every record is a string.
mod change;
mod conduct;
mod kind;
mod list;
mod zone;

use axum::http::{HeaderMap, header};
use bytes::Bytes;
use serde_json::{Map, Value, json};

pub(super) use self::conduct::Conduct;
use self::kind::Kind;
use super::access::ScheduleItAccess;
use super::auth;
use super::call::{Behaviour, Call, Refusal, Reply};
use super::oauth::{Caller, Grant, Invalid};
use super::route::Target;
use super::store::Store;
use super::world::World;
use crate::catalog::Place;

/// What is written by hand, by method and path.
pub(super) fn behaviour(key: &str) -> Option<Behaviour> {
    Some(match key {
        "GET events" => |world, call| list::list(world, call, Kind::Event),
        "GET events/{}" => |world, call| list::get(world, call, Kind::Event),
        "POST events" => |world, call| change::create(world, call, Kind::Event),
        "POST events/{}" => |world, call| change::update(world, call, Kind::Event),
        "DELETE events/{}" => |world, call| change::delete(world, call, Kind::Event),
        "GET resources" => |world, call| list::list(world, call, Kind::Resource),
        "GET resources/{}" => |world, call| list::get(world, call, Kind::Resource),
        "POST resources" => |world, call| change::create(world, call, Kind::Resource),
        "POST resources/{}" => |world, call| change::update(world, call, Kind::Resource),
        "DELETE resources/{}" => |world, call| change::delete(world, call, Kind::Resource),
        "GET groups" => |world, call| list::list(world, call, Kind::Group),
        "GET groups/{}" => |world, call| list::get(world, call, Kind::Group),
        "POST groups" => |world, call| change::create(world, call, Kind::Group),
        "POST groups/{}" => |world, call| change::update(world, call, Kind::Group),
        "DELETE groups/{}" => |world, call| change::delete(world, call, Kind::Group),
        "GET labels" => |world, call| list::list(world, call, Kind::Label),
        "GET labels/{}" => |world, call| list::get(world, call, Kind::Label),
        _ => return None,
    })
}

/// Basic sign-in only.
pub(super) fn signed_in(
    access: &ScheduleItAccess,
    headers: &HeaderMap,
    holder: &dyn Fn(&str) -> Option<Result<Grant, Invalid>>,
) -> Result<Caller, Refusal> {
    let wanted = auth::basic(&access.user, &access.password);
    match headers.get(header::AUTHORIZATION).and_then(|it| it.to_str().ok()) {
        None => Err(refusal(401, "Sign in with the account number, the login name and the password.")),
        Some(sent) if auth::is_same(sent, &wanted) => Ok(Caller::Owner),
        Some(sent) => match auth::bearer(sent).and_then(holder) {
            Some(Ok(grant)) => Ok(Caller::App(grant)),
            Some(Err(Invalid(why))) => Err(refusal(401, why)),
            None => Err(refusal(401, "The user name or the password is wrong.")),
        },
    }
}

/// Reads a form. A field that is sent more than once is a list, and lists travel with commas.
pub(super) fn body(target: &Target, headers: &HeaderMap, bytes: &Bytes) -> Result<Value, Refusal> {
    let mut fields = Map::new();
    if target.operation.body.is_none() || bytes.is_empty() {
        return Ok(Value::Object(fields));
    }
    let kind = headers.get(header::CONTENT_TYPE).and_then(|it| it.to_str().ok()).unwrap_or_default();
    if kind.split(';').next().map(str::trim) != Some("application/x-www-form-urlencoded") {
        return Err(refusal(400, "The body must be application/x-www-form-urlencoded."));
    }
    for (key, value) in form_urlencoded::parse(bytes) {
        let key = key.strip_suffix("[]").unwrap_or(&key);
        match fields.get_mut(key) {
            Some(Value::String(list)) => {
                list.push(',');
                list.push_str(&value);
            }
            _ => drop(fields.insert(key.to_owned(), Value::from(value.into_owned()))),
        }
    }
    Ok(Value::Object(fields))
}

/// Refuses a call without a field that the catalogue demands.
pub(super) fn check(target: &Target, call: &Call) -> Result<(), Refusal> {
    let demanded = target.operation.inputs.iter().filter(|it| it.required && it.place == Place::Body);
    let missing: Vec<&str> = demanded.map(|it| it.name.as_str()).filter(|it| call.text(it).is_none()).collect();
    match missing.as_slice() {
        [] => Ok(()),
        [one] => Err(refusal(400, &format!("{one} is required."))),
        several => Err(refusal(400, &format!("{} are required.", several.join(", ")))),
    }
}

/// What the root answers: the collections and where they are.
pub(super) fn root(method: &str, path: &str) -> Option<Reply> {
    if method != "GET" || !path.trim_matches('/').is_empty() {
        return None;
    }
    let link = |kind: Kind| json!({"name": kind.collection(), "href": format!("/{}", kind.collection())});
    Some(Reply::read(Kind::ALL.map(link).as_slice().into(), "Listed the collections"))
}

/// A refusal in the shape of the service's status records.
pub(super) fn refusal(status: u16, message: &str) -> Refusal {
    let body = json!({"status": "error", "status_code": status.to_string(), "message": message});
    Refusal { status, body, summary: format!("Refused: {message}") }
}

/// The next id of a collection.
pub(super) fn next_number(store: &mut Store, collection: &str) -> String {
    let kind = Kind::ALL.into_iter().find(|it| it.collection() == collection);
    store.next_number(collection, kind.map_or(1, Kind::first_id))
}

/// Completes the records that were planted.
pub(super) fn settle(world: &mut World) {
    for kind in Kind::ALL {
        let ids: Vec<String> = world.store.of(kind.collection()).rows().map(|row| row.id().to_owned()).collect();
        for id in ids {
            let workspace = json!(world.account.workspace);
            if world.store.of(kind.collection()).get(&id).is_some_and(|it| !it.contains_key("workspace")) {
                world.change(kind.collection(), &id, |fields| drop(fields.insert("workspace", workspace)));
            }
        }
    }
}
