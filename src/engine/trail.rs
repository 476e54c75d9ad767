//! What flows write is remembered for a while, so that a service that tells of it, or shows it in a list, does not start the
//! flow that wrote it: see [`Echoes`](super::trigger::echo::Echoes).
use std::sync::Arc;

use serde_json::{Map, Value};

use super::shared::Shared;
use super::step::Origin;
use super::trigger::echo::{At, KEPT, UnderWay, Written, written_to};
use crate::catalog::{Connector, Event, Operation, ReadOne};
use crate::connector::Connection;
use crate::expr::to_text;
use crate::flow::{FlowId, Trigger};
use crate::record::{Exchange, Failure};
use crate::run::Program;

/// Where they are kept in the journal.
const SCOPE: &str = "echo";

/// What a step wrote.
#[derive(Clone, Copy)]
pub(super) struct Wrote<'a> {
    pub(super) connection: &'a Connection,
    pub(super) connector: &'a Connector,
    pub(super) operation: &'a Operation,
    pub(super) input: &'a Map<String, Value>,
    pub(super) answer: &'a Value,
}

/// Takes up what was remembered when the engine last ran.
///
/// # Errors
/// If the journal cannot be read.
pub(super) fn restore(shared: &Shared) -> Result<(), Failure> {
    let now = shared.clock.now();
    for (key, value) in shared.journal.reader().states(SCOPE)? {
        let (at, all) = (At::of_key(&key), serde_json::from_value::<Vec<Written>>(value).unwrap_or_default());
        let fresh: Vec<Written> = all.into_iter().filter(|it| now.duration_since(it.at) < KEPT).collect();
        match at.filter(|_| !fresh.is_empty()) {
            Some(at) => fresh.into_iter().for_each(|it| drop(shared.echoes.note(at.clone(), it))),
            None => drop(shared.journal.put_state(SCOPE, &key, &Value::Null)),
        }
    }
    Ok(())
}

/// A write that begins, where a flow that it goes back to waits for events of that service.
pub(super) fn begin<'a>(
    shared: &'a Shared,
    program: &Program,
    origin: &Origin,
    connection: &Connection,
    connector: &Connector,
    operation: &Operation,
) -> Option<UnderWay<'a>> {
    let chain = || origin.cause.chain_with(&program.flow);
    let is_heard = !operation.method.is_read() && !waits_for(shared, &chain(), connector).is_empty();
    is_heard.then(|| shared.echoes.begin(&connection.id, &operation.group))
}

/// Remembers a write, where a flow that it goes back to waits for events of that service.
pub(super) async fn note(
    shared: &Shared,
    program: &Program,
    origin: &Origin,
    wrote: Wrote<'_>,
    exchanges: &mut Vec<Arc<Exchange>>,
) {
    let Wrote { connection, connector, operation, input, answer } = wrote;
    if operation.method.is_read() {
        return;
    }
    let chain = origin.cause.chain_with(&program.flow);
    let waits = waits_for(shared, &chain, connector);
    if waits.is_empty() {
        return;
    }
    let now = shared.clock.now();
    for (id, mut fields) in written_to(operation, input, answer) {
        let mut version = version_of(connector, &fields);
        let read = waits.iter().filter(|it| it.group == operation.group).find_map(|it| read_of(it));
        if let (None, Some(read)) = (&version, read)
            && let Some(record) = read_back(shared, connection, connector, read, &id, exchanges).await
        {
            version = version_of(connector, &record);
            fields = record;
        }
        let at = At { connection: connection.id.clone(), group: operation.group.clone(), id };
        let written = Written { chain: chain.clone(), at: now, version, fields };
        // In order with the step's own end, which is what counts; a crash before it does the step again, or asks.
        let key = at.key();
        let value = serde_json::to_value(shared.echoes.note(at, written)).unwrap_or_default();
        drop(shared.journal.put_state(SCOPE, &key, &value));
    }
}

/// The events of a service for which these flows wait.
fn waits_for(shared: &Shared, chain: &[FlowId], connector: &Connector) -> Vec<&'static Event> {
    let flows = chain.iter().filter_map(|it| shared.deployed(it)).filter(|it| it.listens);
    let events = flows.flat_map(|it| {
        let ids = it.triggers.values().filter_map(|it| match it {
            Trigger::Event { event, .. } if *event.connector() == connector.id => Event::find(event),
            _ => None,
        });
        ids.collect::<Vec<_>>()
    });
    events.collect()
}

/// How a record of an event is read again.
fn read_of(event: &'static Event) -> Option<&'static ReadOne> {
    let poll = event.poll().or_else(|| event.reconciled_by.as_ref().and_then(Event::find)?.poll())?;
    poll.read.as_ref()
}

/// When the record was changed, as the service says it.
fn version_of(connector: &Connector, record: &Map<String, Value>) -> Option<String> {
    let field = |it: &'static Event| record.get(it.version_field()?).filter(|it| it.is_string() || it.is_number());
    // A time of adding stays the same whatever is changed.
    let mut of_change = Event::of(&connector.id).filter(|it| it.version_field().is_some_and(|it| !it.ends_with("Added")));
    of_change.find_map(field).map(|it| to_text(it).into_owned())
}

async fn read_back(
    shared: &Shared,
    connection: &Connection,
    connector: &Connector,
    read: &ReadOne,
    id: &str,
    exchanges: &mut Vec<Arc<Exchange>>,
) -> Option<Map<String, Value>> {
    let operation = connector.operations.get(&read.operation)?;
    let input = Map::from_iter([(read.input.clone(), Value::from(id))]);
    let called = shared.caller.call(connection, connector, operation, &input).await;
    super::breaker::save(shared, connection).await;
    exchanges.extend(called.before);
    exchanges.extend(called.exchange);
    let answer = called.result.ok()?.value;
    let record = read.item.split('.').filter(|it| !it.is_empty()).try_fold(&answer, |at, part| at.get(part))?;
    record.as_object().cloned()
}
