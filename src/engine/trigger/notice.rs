//! What services tell by themselves: one address a service, below `/events/`, for all flows and accounts.
//!
//! Invariant: nothing of a message is believed before its signature is checked.
//! Invariant: 2xx is answered only after every run that the message starts is on the disk; a message that is sent again
//! starts only those that are not.
//! Invariant: one change starts a trigger once, however many messages tell it; the first of them does so at once.
use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{Method, StatusCode};
use axum::response::Response;
use serde_json::{Value, json};

use super::changes::{Message, News};
use super::fire::{Fate, Fired, fire_with};
use super::http::{not_an_event, not_taken, refuse, reply, whole};
use super::told;
use crate::catalog::{Connector, ConnectorId, Event, EventSource, Poll};
use crate::connector::{ConnectionId, Genuine, Notice, NoticeError};
use crate::engine::shared::{Deployed, Shared};
use crate::expr::to_text;
use crate::flow::{NodeId, Trigger};
use crate::run::{Cause, HookRequest, Via};

/// One message, at the address of this service.
pub(super) async fn take(shared: Arc<Shared>, service: &str, request: Request) -> Response {
    let (parts, body): (_, Body) = request.into_parts();
    let Some(connector) = shared.catalog.connector(&ConnectorId::new(service)).cloned() else {
        return refuse(StatusCode::NOT_FOUND, "Nothing answers here", "A service's messages come to /events/ and its name.");
    };
    let Some(notices) = &connector.notices else {
        let title = format!("{} sends no messages that could be checked", connector.title);
        return refuse(StatusCode::NOT_FOUND, &title, "Use a web hook of the flow's own, or let the service be looked at.");
    };
    if parts.method != Method::POST {
        return refuse(StatusCode::METHOD_NOT_ALLOWED, "Messages are posted", "");
    }
    let bytes = match whole(&parts, body, &shared).await {
        Ok(bytes) => bytes,
        Err(refusal) => return *refusal,
    };
    let _arriving = shared.intake.arrives();
    let headers: Vec<(&str, &[u8])> = parts.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    let request = HookRequest { method: parts.method.as_str(), query: "", headers: &headers, body: &bytes };
    let message = match request.body() {
        Ok(message) => message,
        Err(error) => return not_an_event(&error),
    };
    let connections = shared.connections();
    let notice = Notice { headers: &headers, body: &bytes, message: &message };
    let known = connections.for_connector(&connector.id);
    match notice.check(notices, known, &shared.signatures, shared.clock.now()).await {
        Ok(genuine) => start_all(&shared, &connector, &genuine, message).await,
        Err(error) => {
            tracing::warn!(service, %error, "a message was refused");
            let status = if error.is_of_a_stranger() { StatusCode::UNAUTHORIZED } else { StatusCode::BAD_REQUEST };
            refuse(status, &error.to_string(), hint(&error))
        }
    }
}

fn hint(error: &NoticeError) -> &'static str {
    match error {
        NoticeError::Unsigned => "Only the service itself may send here: use a web hook of the flow's own for others.",
        NoticeError::Forged { .. } => "If the service has changed its key, set the new one on the connection.",
        NoticeError::TooOld { .. } | NoticeError::TooEarly { .. } => "Check the clock of this machine.",
        NoticeError::Incomplete { .. } => "",
    }
}

/// Starts every flow that waits for it.
async fn start_all(shared: &Arc<Shared>, connector: &Connector, genuine: &Genuine, message: Value) -> Response {
    let event = Event::of(&connector.id)
        .find(|it| matches!(&it.source, EventSource::Webhook { name } if *name == genuine.name) && it.is_named_by_type());
    let waiting = event.map(|it| waiting_for(shared, it, genuine)).unwrap_or_default();
    let record = event.and_then(|it| record_of(it, &message)).unwrap_or_default();
    let shown = event.and_then(|it| it.record(&message)).and_then(Value::as_object).filter(|_| !record.is_empty());
    let (mut runs, mut duplicates) = (Vec::new(), 0_u32);
    for Waiting { deployed, trigger, connection, starts } in waiting {
        let reconciled = reconciled(&deployed, &trigger);
        let is_remembered = reconciled.is_some() || deployed.twins.contains_key(&trigger);
        let told = event.zip(shown).filter(|_| is_remembered);
        let told = told.map(|(event, record)| Message { event, id: &genuine.id, at: genuine.at, record });
        let _turn = match told {
            Some(_) => Some(shared.turns.of(&record).await),
            None => None,
        };
        let mut kept = None;
        if let Some(told) = told {
            let mut memory = told::Memory::of(shared, &deployed, &trigger, &record).await;
            let news = memory.take(told, reconciled);
            let is_new = news == News::New && starts;
            kept = (news != News::Again).then(|| memory.kept());
            if !is_new {
                // It is not sent again, and is known from now on, or it is sent again.
                if let Some(kept) = kept
                    && let Err(error) = told::note(shared, &kept).await
                {
                    return not_taken(&error.into());
                }
                duplicates += u32::from(starts);
                continue;
            }
        } else if !starts {
            continue;
        }
        let delivery = format!("event:{trigger}:{}", genuine.id);
        let cause = Cause { record: record.clone(), ..Cause::by(Via::Notice) };
        let about = event.map(|it| (connection, it));
        let fired = Fired { trigger: trigger.clone(), payload: message.clone(), delivery, cause, about };
        let fate = fire_with(shared, &deployed, fired, kept.clone()).await;
        match fate {
            Ok(Fate::Run(run)) => runs.push(run),
            Ok(Fate::Duplicate) => duplicates += 1,
            Ok(Fate::Echo) => {}
            Err(failure) => return not_taken(&failure),
        }
        if let (Some(kept), Ok(Fate::Duplicate | Fate::Echo)) = (kept, fate)
            && let Err(error) = told::note(shared, &kept).await
        {
            return not_taken(&error.into());
        }
    }
    tracing::debug!(service = %connector.id, name = genuine.name, started = runs.len(), duplicates, "a message came");
    reply(StatusCode::OK, &json!({ "runs": runs, "duplicates": duplicates }))
}

/// A trigger that a message is for.
struct Waiting {
    deployed: Arc<Deployed>,
    trigger: NodeId,
    connection: ConnectionId,
    /// Whether the message tells what it waits for; else only that another, which is to come, does not.
    starts: bool,
}

/// How what is not told of what a trigger waits for is found, where somebody wants that.
fn reconciled(deployed: &Deployed, trigger: &NodeId) -> Option<&'static Poll> {
    let Some(Trigger::Event { event, watch, .. }) = deployed.triggers.get(trigger) else { return None };
    if !watch.reconcile {
        return None;
    }
    Event::find(event)?.reconciled_by.as_ref().and_then(Event::find)?.poll()
}

/// The triggers that a message is for, at one of these accounts; first those that wait for just this.
fn waiting_for(shared: &Shared, event: &Event, genuine: &Genuine) -> Vec<Waiting> {
    let family = Some(event.family()).filter(|it| it.id != event.id);
    let mut found = Vec::new();
    for deployed in shared.listening() {
        for (node, trigger) in &deployed.triggers {
            let Trigger::Event { event: id, slot, .. } = trigger else { continue };
            if *id != event.id && family.is_none_or(|it| it.id != *id) {
                continue;
            }
            let starts = *id == event.id || family.is_some_and(|it| it.is_told_by(&event.id));
            let connection = shared.connection(&deployed.program.flow, slot, Some(event.id.connector()));
            if let Some(connection) = connection.ok().filter(|it| genuine.connections.contains(&it.id)) {
                let (deployed, connection) = (Arc::clone(&deployed), connection.id.clone());
                found.push((*id != event.id, Waiting { deployed, trigger: node.clone(), connection, starts }));
            }
        }
    }
    found.sort_by_key(|(is_twin, _)| *is_twin);
    found.into_iter().map(|(_, it)| it).collect()
}

/// The id of the record that it is about.
fn record_of(event: &Event, message: &Value) -> Option<String> {
    let id = event.record(message)?.get(event.id_field()).filter(|it| it.is_string() || it.is_number())?;
    Some(to_text(id).into_owned())
}
