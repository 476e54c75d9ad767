//! What HighLevel tells by itself: every change of a record becomes the events that the vendor documents for it.
//!
//! A [`Webhook`] is made under the lock that the change was made under, handed to whoever watches
//! ([`Handle::webhooks`](super::Handle::webhooks)), and, where an address is set, signed and posted there by the
//! [`courier`].
//!
//! Invariant: a change that nobody watches costs nothing.
//!
//! Invariant: the same changes give the same events with the same ids, in the same order.
mod cause;
mod change;
mod courier;
mod delivery;
mod keys;
mod outbox;
mod payload;

use jiff::Timestamp;
use serde_json::Value;

pub(crate) use self::change::Change;
pub use self::delivery::{Attempt, Delivery, DeliveryFaults};
pub use self::keys::PublicKeys;
pub(crate) use self::outbox::Outbox;
use super::call::{Call, Reply};
use super::ledger::Effect;
use super::route::Target;
use super::store::uuid;
use super::world::World;
use crate::catalog::{ConnectorId, Event, OperationId};

/// Something that happened, as the service tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// `webhookId`: the same however often it is delivered.
    pub id: String,
    /// Which event it is.
    pub event: OperationId,
    /// When, by the sandbox's clock.
    pub at: Timestamp,
    /// Whether a person's hand caused it, and no request.
    pub by_hand: bool,
    /// What is told.
    pub payload: Value,
}

/// What HighLevel tells of a call that was carried out. The world has been watched since before the call.
pub(crate) fn follow(world: &mut World, target: &Target, call: &Call, reply: &Reply, by_hand: bool) -> Vec<Webhook> {
    let changes = world.changes();
    if target.connector.id != ConnectorId::new("highlevel") || reply.effect == Effect::Read {
        return Vec::new();
    }
    let mut caused = cause::of_changes(&changes);
    caused.extend(cause::of_call(world, target, call, reply));
    let tell = |(name, record)| {
        let event = Event::find(&OperationId::new(&format!("highlevel.webhook.{name}")))?;
        Some(make(world, event, &record, call.now, by_hand))
    };
    caused.into_iter().filter_map(tell).collect()
}

/// One event about a record.
pub(crate) fn make(world: &mut World, event: &Event, record: &super::store::Fields, at: Timestamp, by_hand: bool) -> Webhook {
    world.webhooks += 1;
    let id = uuid(0, "webhook", world.webhooks);
    let payload = payload::of(event, record, &world.account, &id, at);
    Webhook { id, event: event.id.clone(), at, by_hand, payload }
}
