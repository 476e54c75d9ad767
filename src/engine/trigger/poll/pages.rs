//! A list of a service, page by page; what comes back is in memory a page at a time.
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use serde_json::{Map, Value};

use crate::catalog::{Connector, Operation, Poll};
use crate::connector::{CallError, Connection};
use crate::engine::shared::Shared;
use crate::expr::{Data, Expr};
use crate::record::{Failure, FailureKind};

/// No look reads more pages: a list that never ends is a fault of its service.
const MOST: u32 = 2_000;
/// Inputs by which a caller says how long a page is.
const LENGTHS: &[&str] = &["pageLimit", "limit", "count", "pageSize"];

/// The pages of one look.
pub(super) struct Pages<'a> {
    shared: &'a Shared,
    connection: &'a Connection,
    connector: &'a Connector,
    operation: &'a Operation,
    list: &'a str,
    input: Map<String, Value>,
    /// Calls that were made.
    pub(super) calls: u32,
    is_done: bool,
    /// The time by the service's clock, as it was when the first page was made; none where it says none.
    pub(super) told: Option<Timestamp>,
}

/// What an expression of the catalogue gave instead of an input.
fn unusable(poll: &Poll, why: &str) -> CallError {
    let title = format!("The catalogue's look at {} cannot be used", poll.operation);
    CallError::NotSent(Failure::new(FailureKind::Flow, title).detail(why.to_owned()))
}

impl<'a> Pages<'a> {
    /// The list as of `since`, and of one record of another look where it is one a record.
    pub(super) fn new(
        shared: &'a Shared,
        connection: &'a Connection,
        poll: &'a Poll,
        chosen: impl Iterator<Item = (&'a String, &'a Value)>,
        since: Timestamp,
        each: Option<&Value>,
    ) -> Result<Self, Box<CallError>> {
        let found = shared.catalog.operation(&poll.operation);
        let (connector, operation) = found.ok_or_else(|| Box::new(unusable(poll, "the operation is not there")))?;
        let mut data = Data::new(shared.clock.now()).with("since", Value::from(since.to_string()));
        if let Some(each) = each {
            data = data.with("each", each.clone());
        }
        let mut input = Map::new();
        for (key, text) in &poll.input {
            let value = Expr::parse(text).map_err(|error| Box::new(unusable(poll, &error.to_string())))?;
            let value = value.eval(&data).map_err(|error| Box::new(unusable(poll, &error.to_string())))?;
            input.insert(key.clone(), value);
        }
        input.extend(chosen.map(|(key, value)| (key.clone(), value.clone())));
        Ok(Self { shared, connection, connector, operation, list: &poll.list, input, calls: 0, is_done: false, told: None })
    }

    /// The next page; none after the last.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<Value>>, Box<CallError>> {
        if self.is_done {
            return Ok(None);
        }
        let called = self.shared.caller.call(self.connection, self.connector, self.operation, &self.input).await;
        crate::engine::breaker::save(self.shared, self.connection).await;
        self.calls += 1;
        let mut answered = called.result.map_err(Box::new)?;
        if self.told.is_none() {
            let date = answered.headers.iter().find(|(name, _)| name == "date");
            self.told = date.and_then(|(_, it)| rfc2822::DateTimeParser::new().parse_timestamp(it).ok());
        }
        let is_of = |key: &&str| self.input.get(*key).and_then(as_count);
        let length = LENGTHS.iter().find_map(is_of);
        let next = self.following(&answered.value);
        let parts = self.list.split('.').filter(|it| !it.is_empty());
        let pointer: String = parts.flat_map(|it| ["/", it]).collect();
        let list = answered.value.pointer_mut(&pointer).map(Value::take).unwrap_or_default();
        let Value::Array(items) = list else {
            let title = format!("{} did not answer with a list", self.connector.title);
            let failure = Failure::new(FailureKind::Service, title).at(self.operation.id.to_string());
            return Err(Box::new(CallError::Lost(failure)));
        };
        let is_short = length.is_some_and(|it| items.len() < it);
        match next {
            Some(next) if !items.is_empty() && !is_short && self.calls < MOST => self.input.extend(next),
            _ => self.is_done = true,
        }
        Ok(Some(items))
    }

    /// The inputs of the page after this one; none where it was the last.
    fn following(&self, answer: &Value) -> Option<Map<String, Value>> {
        let paging = self.operation.paging.as_ref()?;
        let at = |from: &Value, path: &str| {
            path.split('.').filter(|it| !it.is_empty()).try_fold(from, |at, part| at.get(part)).cloned()
        };
        let items = at(answer, &paging.list)?;
        let items = items.as_array()?;
        let mut next = Map::new();
        for (key, path) in &paging.next {
            let value = match path.strip_prefix("last.") {
                _ if path == "+items" => {
                    let before = self.input.get(key).and_then(as_count).unwrap_or_default();
                    Some(Value::from(before + items.len()))
                }
                Some(path) => items.last().and_then(|it| at(it, path)),
                None => at(answer, path),
            };
            let value = value.filter(|it| !it.is_null())?;
            next.insert(key.clone(), value);
        }
        // The same page over and over would never end.
        let moves = next.iter().any(|(key, value)| self.input.get(key) != Some(value));
        moves.then_some(next)
    }
}

fn as_count(value: &Value) -> Option<usize> {
    match value {
        Value::Number(number) => usize::try_from(number.as_u64()?).ok(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}
