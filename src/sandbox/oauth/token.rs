//! The token endpoints.
use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::grants::{Caller, Grant, Holder, Invalid, Pair};
use crate::sandbox::call::{Call, Outcome, Refusal, Reply};
use crate::sandbox::service::Service;
use crate::sandbox::world::World;

/// Tokens for a code, for a refresh token, or for the app itself.
pub(crate) fn exchange(world: &mut World, service: Service, form: &Call) -> Outcome {
    let given = |name: &str| form.text(name).unwrap_or_default();
    let app = world.grants.app(service);
    if given("client_id") != app.id || given("client_secret") != app.secret {
        return Err(refused(401, "invalid_client", "The client id or the client secret is wrong."));
    }
    // An account that was not paid for gets no tokens any more.
    if service == Service::Highlevel && world.traps.location_inactive {
        return Err(refused(400, "invalid_grant", "Location is not active"));
    }
    let (pair, grant) = match given("grant_type") {
        "authorization_code" => {
            let (redirect, verifier) = (form.text("redirect_uri"), form.text("code_verifier"));
            world.grants.exchange(service, given("code"), redirect, verifier, form.now)
        }
        "refresh_token" => world.grants.refreshed(service, given("refresh_token"), form.now),
        "client_credentials" => {
            let scopes = scopes(given("scope"));
            let grant = Grant { service, holder: holder(given("user_type")), scopes };
            let access = world.grants.access(grant.clone(), form.now);
            Ok((Pair { access, refresh: String::new() }, grant))
        }
        other => return Err(refused(400, "unsupported_grant_type", &format!("There is no grant type {other:?}."))),
    }
    .map_err(|Invalid(why)| refused(400, "invalid_grant", why))?;
    let body = answer(world, &pair, &grant);
    Ok(Reply::created(body, format!("Tokens for the app, {}", grant.holder.name().to_lowercase())))
}

/// HighLevel's token endpoint, an operation of the catalogue.
pub(crate) fn highlevel_tokens(world: &mut World, call: &Call) -> Outcome {
    exchange(world, Service::Highlevel, call)
}

/// A location's token for an agency's, with the same scopes.
pub(crate) fn location_tokens(world: &mut World, call: &Call) -> Outcome {
    let scopes = match &call.caller {
        Caller::Owner => world.scopes.clone(),
        Caller::App(grant) => grant.scopes.clone(),
    };
    let own = world.account.location_id.clone();
    let named = call.text("locationId").unwrap_or_default();
    if named != own {
        return Err(refused(400, "invalid_request", &format!("Location {named} is not one of the company's.")));
    }
    if world.traps.location_inactive {
        return Err(refused(400, "invalid_grant", "Location is not active"));
    }
    let grant = Grant { service: Service::Highlevel, holder: Holder::Location, scopes };
    let pair = if world.traps.location_tokens_refresh {
        world.grants.pair(grant.clone(), call.now)
    } else {
        Pair { access: world.grants.access(grant.clone(), call.now), refresh: String::new() }
    };
    let body = answer(world, &pair, &grant);
    Ok(Reply::created(body, "Tokens for the location, made by the agency's"))
}

/// Another code for an app that the location or the company still lets in.
pub(crate) fn reconnect(world: &mut World, call: &Call) -> Outcome {
    let given = |name: &str| call.text(name).unwrap_or_default();
    let app = world.grants.app(Service::Highlevel);
    if given("clientKey") != app.id || given("clientSecret") != app.secret {
        return Err(refused(401, "invalid_client", "The client key or the client secret is wrong."));
    }
    let holder = match (given("locationId"), given("companyId")) {
        (location, _) if location == world.account.location_id => Holder::Location,
        ("", company) if company == world.account.company_id => Holder::Company,
        _ => return Err(refused(400, "invalid_request", "The app is not installed there.")),
    };
    let code = if world.grants.settings.reconnects { world.grants.reconnect(Service::Highlevel, holder, call.now) } else { None };
    let Some((code, until)) = code else { return Err(refused(400, "invalid_request", "The app is not installed there.")) };
    let body = json!({ "authorizationCode": code, "expiresAt": format!("{until:.3}"), "traceId": "sandbox" });
    Ok(Reply::created(body, "Another code for the app"))
}

fn answer(world: &World, pair: &Pair, grant: &Grant) -> Value {
    let mut body = Map::new();
    let mut put = |name: &str, value: Value| drop(body.insert(name.to_owned(), value));
    put("access_token", pair.access.as_str().into());
    put("token_type", "Bearer".into());
    put("expires_in", world.grants.settings.access_seconds.into());
    if !pair.refresh.is_empty() {
        put("refresh_token", pair.refresh.as_str().into());
    }
    if let Some(scopes) = &grant.scopes {
        put("scope", scopes.iter().map(String::as_str).collect::<Vec<_>>().join(" ").into());
    }
    if grant.service == Service::Highlevel {
        put("userType", grant.holder.name().into());
        put("companyId", world.account.company_id.as_str().into());
        put("userId", world.account.user_id.as_str().into());
        if grant.holder == Holder::Location {
            put("locationId", world.account.location_id.as_str().into());
        }
    }
    json!(body)
}

/// Scopes as they are written; none named means everything.
pub(super) fn scopes(text: &str) -> Option<BTreeSet<String>> {
    let scopes: BTreeSet<String> = text.split_whitespace().map(str::to_owned).collect();
    (!scopes.is_empty()).then_some(scopes)
}

pub(super) fn holder(name: &str) -> Holder {
    if name == "Company" { Holder::Company } else { Holder::Location }
}

/// A refusal as RFC 6749, section 5.2, has it, with the vendor's fields beside.
fn refused(status: u16, error: &str, description: &str) -> Refusal {
    let body = json!({
        "statusCode": status, "error": error, "error_description": description, "message": description,
    });
    Refusal { status, body, summary: format!("Refused: {description}") }
}

/// A form that came to a token endpoint of its own, outside the catalogue.
pub(crate) fn form(bytes: &[u8], now: Timestamp) -> Call {
    let body: Map<String, Value> =
        form_urlencoded::parse(bytes).map(|(name, value)| (name.into_owned(), Value::from(value.into_owned()))).collect();
    Call { path: Vec::new(), query: Vec::new(), body: Value::Object(body), now, caller: Caller::Owner }
}
