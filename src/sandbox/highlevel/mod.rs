//! HighLevel: contacts and calendars with all that hangs on them.
//!
//! Invariant: every contact is in the [`ContactIndex`] under exactly what it holds, every appointment and block slot in its
//! [`EventIndex`]; events carry `~start` and `~end` in milliseconds, contacts `~added` and `~updated`.
#![expect(clippy::unnecessary_wraps, reason = "behaviours share one signature, also those that refuse nothing")]

mod appointment;
mod appointment_note;
mod block;
mod bounds;
mod calendar;
mod contact;
mod contact_index;
mod contact_list;
mod contact_text;
mod event;
mod event_index;
mod filter;
mod group;
mod hits;
mod hours;
mod membership;
mod note;
mod notification;
mod recurrence;
pub(super) mod refusal;
mod resource;
mod schedule;
mod search;
mod slots;
mod task;
mod upsert;

use axum::http::{HeaderMap, header};
use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Map, Value};

pub(super) use self::contact_index::ContactIndex;
pub(super) use self::event_index::EventIndex;
use super::access::HighlevelAccess;
use super::auth;
use super::call::{Behaviour, Call, Refusal};
use super::oauth::{self, Caller, Grant, Holder, Invalid};
use super::route::Target;
use super::validate;
use super::world::World;
use crate::catalog::{Encoding, Place};

pub(super) const CONTACTS: &str = "contacts";
pub(super) const TASKS: &str = "tasks";
pub(super) const NOTES: &str = "notes";
pub(super) const CALENDARS: &str = "calendars";
pub(super) const GROUPS: &str = "calendar_groups";
pub(super) const APPOINTMENTS: &str = "appointments";
pub(super) const BLOCKS: &str = "block_slots";
pub(super) const APPOINTMENT_NOTES: &str = "appointment_notes";
pub(super) const NOTIFICATIONS: &str = "notifications";
pub(super) const SCHEDULES: &str = "schedules";
pub(super) const USERS: &str = "users";
pub(super) const CUSTOM_FIELDS: &str = "custom_fields";

/// What is written by hand, by method and path.
pub(super) fn behaviour(key: &str) -> Option<Behaviour> {
    contacts(key).or_else(|| calendars(key)).or(match key {
        "POST oauth/token" => Some(oauth::highlevel_tokens),
        "POST oauth/locationToken" => Some(oauth::location_tokens),
        _ => None,
    })
}

fn contacts(key: &str) -> Option<Behaviour> {
    Some(match key {
        "POST contacts" => contact::create,
        "GET contacts" => contact_list::page,
        "GET contacts/{}" => contact::get,
        "PUT contacts/{}" => contact::update,
        "DELETE contacts/{}" => contact::delete,
        "POST contacts/upsert" => upsert::upsert,
        "POST contacts/search" => search::search,
        "GET contacts/search/duplicate" => contact_list::duplicate,
        "GET contacts/business/{}" => contact_list::of_business,
        "POST contacts/bulk/business" => membership::set_business,
        "POST contacts/bulk/tags/update/{}" => membership::bulk_tags,
        "GET contacts/{}/appointments" => event::of_contact,
        "GET contacts/{}/tasks" => task::list,
        "POST contacts/{}/tasks" => task::create,
        "GET contacts/{}/tasks/{}" => task::get,
        "PUT contacts/{}/tasks/{}" => task::update,
        "DELETE contacts/{}/tasks/{}" => task::delete,
        "PUT contacts/{}/tasks/{}/completed" => task::complete,
        "POST locations/{}/tasks/search" => task::search,
        "GET contacts/{}/notes" => note::list,
        "POST contacts/{}/notes" => note::create,
        "GET contacts/{}/notes/{}" => note::get,
        "PUT contacts/{}/notes/{}" => note::update,
        "DELETE contacts/{}/notes/{}" => note::delete,
        "POST contacts/{}/tags" => membership::add_tags,
        "DELETE contacts/{}/tags" => membership::remove_tags,
        "POST contacts/{}/followers" => membership::add_followers,
        "DELETE contacts/{}/followers" => membership::remove_followers,
        "POST contacts/{}/campaigns/{}" => membership::join_campaign,
        "DELETE contacts/{}/campaigns/{}" => membership::leave_campaign,
        "DELETE contacts/{}/campaigns/removeAll" => membership::leave_every_campaign,
        "POST contacts/{}/workflow/{}" => membership::join_workflow,
        "DELETE contacts/{}/workflow/{}" => membership::leave_workflow,
        _ => return None,
    })
}

fn calendars(key: &str) -> Option<Behaviour> {
    Some(match key {
        "GET calendars" => calendar::list,
        "POST calendars" => calendar::create,
        "GET calendars/{}" => calendar::get,
        "PUT calendars/{}" => calendar::update,
        "DELETE calendars/{}" => calendar::delete,
        "GET calendars/{}/free-slots" => slots::free_slots,
        "GET calendars/groups" => group::list,
        "POST calendars/groups" => group::create,
        "POST calendars/groups/validate-slug" => group::validate_slug,
        "PUT calendars/groups/{}" => group::update,
        "DELETE calendars/groups/{}" => group::delete,
        "PUT calendars/groups/{}/status" => group::set_status,
        "POST calendars/events/appointments" => appointment::create,
        "GET calendars/events/appointments/{}" => appointment::get,
        "PUT calendars/events/appointments/{}" => appointment::update,
        "GET calendars/events" => event::list,
        "DELETE calendars/events/{}" => event::delete,
        "GET calendars/blocked-slots" => block::list,
        "POST calendars/events/block-slots" => block::create,
        "PUT calendars/events/block-slots/{}" => block::update,
        "GET calendars/appointments/{}/notes" => appointment_note::list,
        "POST calendars/appointments/{}/notes" => appointment_note::create,
        "PUT calendars/appointments/{}/notes/{}" => appointment_note::update,
        "DELETE calendars/appointments/{}/notes/{}" => appointment_note::delete,
        "GET calendars/resources/{}" => resource::list,
        "POST calendars/resources/{}" => resource::create,
        "GET calendars/resources/{}/{}" => resource::get,
        "PUT calendars/resources/{}/{}" => resource::update,
        "DELETE calendars/resources/{}/{}" => resource::delete,
        "GET calendars/{}/notifications" => notification::list,
        "POST calendars/{}/notifications" => notification::create,
        "GET calendars/{}/notifications/{}" => notification::get,
        "PUT calendars/{}/notifications/{}" => notification::update,
        "DELETE calendars/{}/notifications/{}" => notification::delete,
        "GET calendars/schedules/search" => schedule::search,
        "POST calendars/schedules" => schedule::create,
        "GET calendars/schedules/{}" => schedule::get,
        "PUT calendars/schedules/{}" => schedule::update,
        "DELETE calendars/schedules/{}" => schedule::delete,
        "PUT calendars/schedules/{}/associations/{}" => schedule::associate,
        "DELETE calendars/schedules/{}/associations/{}" => schedule::dissociate,
        _ => return None,
    })
}

/// Token first, then version, as the vendor's gateway does; both answer 401.
pub(super) fn signed_in(
    access: &HighlevelAccess,
    headers: &HeaderMap,
    versioned: bool,
    holder: &dyn Fn(&str) -> Option<Result<Grant, Invalid>>,
) -> Result<Caller, Refusal> {
    let text = |name: &str| headers.get(name).and_then(|it| it.to_str().ok());
    let caller = match text(header::AUTHORIZATION.as_str()) {
        // Older accounts send a key in a header of its own.
        None if text("x-api-key") == Some(access.token.as_str()) => Caller::Owner,
        None => return Err(refusal::plain(401, "Authorization header not found")),
        Some(it) if auth::is_bearer(it, &access.token) => Caller::Owner,
        Some(it) => match auth::bearer(it).and_then(holder) {
            Some(Ok(grant)) => Caller::App(grant),
            Some(Err(Invalid(why))) => return Err(refusal::plain(401, why)),
            None => return Err(refusal::plain(401, "Invalid Private Integration token")),
        },
    };
    match text("version").map(str::trim) {
        None | Some("") if !versioned => Ok(caller),
        None | Some("") => Err(refusal::plain(401, "version header was not found.")),
        Some(it) if is_version(it) => Ok(caller),
        Some(_) => Err(refusal::plain(401, "version header is invalid")),
    }
}

/// A date, or `v3`: the vendor's own client sends one date with every call, whatever the operation documents.
fn is_version(text: &str) -> bool {
    text == "v3" || (text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok())
}

/// Reads a JSON body. One that is not expected is not looked at.
pub(super) fn body(target: &Target, headers: &HeaderMap, bytes: &Bytes) -> Result<Value, Refusal> {
    let Some(encoding) = target.operation.body else { return Ok(Value::Object(Map::new())) };
    if bytes.is_empty() {
        return Ok(Value::Object(Map::new()));
    }
    let kind = headers.get(header::CONTENT_TYPE).and_then(|it| it.to_str().ok()).unwrap_or("application/json");
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match encoding {
        Encoding::Json if kind == "application/json" || kind.ends_with("+json") => {
            let value: Value =
                serde_json::from_slice(bytes).map_err(|error| refusal::bad(&format!("The body is no JSON: {error}")))?;
            let whole = target.operation.inputs.iter().any(|it| it.place == Place::Body && it.name.is_empty());
            if !value.is_object() && !whole {
                return Err(refusal::wrong("the body must be a JSON object"));
            }
            Ok(value)
        }
        Encoding::Urlencoded if kind == "application/x-www-form-urlencoded" => {
            let pairs = form_urlencoded::parse(bytes).map(|(key, value)| (key.into_owned(), Value::from(value.into_owned())));
            Ok(Value::Object(pairs.collect()))
        }
        // Parts are files for the most part, and none of them is kept.
        Encoding::Multipart if kind == "multipart/form-data" => Ok(Value::Object(Map::new())),
        _ => Err(refusal::plain(415, &format!("The content type {kind} is not accepted here"))),
    }
}

/// 422 with everything that is not as the catalogue says.
pub(super) fn check(target: &Target, call: &Call) -> Result<(), Refusal> {
    if target.operation.body == Some(Encoding::Multipart) {
        return Ok(());
    }
    let problems = validate::problems(target, call);
    if problems.is_empty() { Ok(()) } else { Err(refusal::invalid(&problems)) }
}

/// 401 for a scope that the token has not; 403 for another location, or one that is not active; 422 for unknown fields
/// where that is switched on.
pub(super) fn admit(world: &World, target: &Target, call: &Call) -> Result<(), Refusal> {
    let (scopes, holder) = match &call.caller {
        Caller::Owner => (&world.scopes, None),
        Caller::App(grant) => (&grant.scopes, Some(grant.holder)),
    };
    // A private token is of no kind; an app's is the location's or the agency's.
    let kind = holder.map(|it| if it == Holder::Company { "Agency-Access" } else { "Location-Access" });
    let access = &target.operation.access;
    if kind.is_some_and(|kind| !access.is_empty() && !access.iter().any(|it| it.starts_with(kind))) {
        let message = "This authClass type is not allowed to access this scope. Please use the correct token type.";
        return Err(refusal::plain(401, message));
    }
    let granted = |scope: &String| scopes.as_ref().is_none_or(|it| it.contains(scope));
    if !target.operation.scopes.iter().all(granted) {
        return Err(refusal::plain(401, "The token is not authorized for this scope."));
    }
    if world.traps.location_inactive && !target.is_open() {
        return Err(refusal::plain(403, "Location is not active"));
    }
    let own = &world.account.location_id;
    let stated = [Some(call.path("locationId")), call.query("locationId"), call.text("locationId")];
    let blank = call.field("locationId").and_then(Value::as_str) == Some("");
    if blank || stated.into_iter().flatten().any(|it| !it.is_empty() && it != own) {
        return Err(refusal::plain(403, "The token does not have access to this location."));
    }
    if world.traps.unknown_fields_refused {
        let strangers = validate::strangers(target, call);
        if !strangers.is_empty() {
            return Err(refusal::invalid(&strangers));
        }
    }
    Ok(())
}

/// Makes what follows from the records that were planted.
pub(super) fn settle(world: &mut World) {
    contact::settle(world);
    event::settle(world);
}

/// A moment as the vendor writes it: UTC, milliseconds.
pub(super) fn iso(at: Timestamp) -> String {
    format!("{at:.3}")
}
