//! The newest record that a trigger would be told of, read once and not remembered.
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::pages::Pages;
use super::subscription;
use crate::catalog::Event;
use crate::engine::shared::Shared;
use crate::engine::trigger::told;
use crate::flow::{FlowId, NodeId};
use crate::record::Failure;

/// So far back a record is looked for, a step at a time, in hours.
const BACK: &[i64] = &[24, 24 * 14, 24 * 365];
/// Pages of each look.
const PAGES: usize = 3;

/// The newest record that a trigger of a flow could begin with, as it would be given, and how many requests that took; none where the
/// trigger is found by no look, or nothing is there.
///
/// # Errors
/// A [`Failure`] where the service cannot be asked.
pub(in crate::engine) async fn newest(
    shared: &Arc<Shared>,
    flow: &FlowId,
    node: &NodeId,
) -> Result<(Option<Value>, usize), Failure> {
    let Some(deployed) = shared.deployed(flow) else { return Ok((None, 0)) };
    let Some(trigger) = deployed.triggers.get(node) else { return Ok((None, 0)) };
    let Some((feed, subscriber)) = subscription(shared, &deployed, node, trigger) else { return Ok((None, 0)) };
    let Some(poll) = Event::find(&feed.asked.event).and_then(Event::poll).filter(|it| it.each.is_none()) else {
        return Ok((None, 0));
    };
    let Some(connection) = shared.connections().get(&feed.connection).cloned() else { return Ok((None, 0)) };
    let (now, mut calls) = (shared.clock.now(), 0);
    for hours in BACK {
        let since = now.saturating_sub(SignedDuration::from_hours(*hours)).unwrap_or(Timestamp::UNIX_EPOCH);
        let broken = |error: Box<crate::connector::CallError>| error.failure().clone();
        let mut pages = Pages::new(shared, &connection, poll, subscriber.input.iter(), since, None).map_err(broken)?;
        let mut found: Option<Value> = None;
        for _ in 0..PAGES {
            let Some(page) = pages.next().await.map_err(broken)? else { break };
            for record in page.into_iter().filter(|it| it.get(&poll.key).is_some()) {
                let time = |it: &Value| poll.cursor.as_ref().and_then(|field| super::sift::time(it.get(field)?));
                if found.as_ref().is_none_or(|known| time(&record) >= time(known)) {
                    found = Some(record);
                }
            }
        }
        calls += pages.calls as usize;
        if let Some(record) = found {
            let told = subscriber.told.map_or_else(|| record.clone(), |event| told::as_told(shared, event, &connection, &record));
            return Ok((Some(told), calls));
        }
    }
    Ok((None, calls))
}
