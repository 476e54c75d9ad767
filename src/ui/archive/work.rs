//! The thread that answers short questions.
use std::path::Path;
use std::sync::mpsc::{Receiver, TryRecvError};

use super::load::{Loaded, load};
use super::{Ask, Index, News, Seat, Teller};
use crate::engine::log::{Filter, Journal, JournalError, Reader};
use crate::flow::FlowId;
use crate::record::Failure;
use crate::run::{RunId, StepKey};

/// Answers until the window is closed.
pub(super) fn answer(dir: &Path, questions: &Receiver<Ask>, teller: &Teller) {
    let mut reader = None;
    let mut waiting: Vec<Ask> = Vec::new();
    loop {
        if waiting.is_empty() {
            let Ok(ask) = questions.recv() else { return };
            waiting.push(ask);
        }
        // What was asked for meanwhile takes the place of what it makes needless.
        loop {
            match questions.try_recv() {
                Ok(ask) => {
                    waiting.retain(|it| kind(it) != kind(&ask));
                    waiting.push(ask);
                }
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => return,
            }
        }
        let ask = waiting.remove(0);
        if reader.is_none() {
            reader = open(dir);
        }
        let news = match &reader {
            Some(Ok(reader)) => reply(reader, ask),
            Some(Err(failure)) => refuse(ask, Some(failure)),
            None => refuse(ask, None),
        };
        if matches!(reader, Some(Err(_))) {
            reader = None;
        }
        if !teller.tell(news) {
            return;
        }
    }
}

/// None where nothing was written yet.
fn open(dir: &Path) -> Option<Result<Reader, Failure>> {
    match Journal::open_reader(dir) {
        Ok(reader) => Some(Ok(reader)),
        Err(JournalError::Missing { .. }) => None,
        Err(error) => Some(Err(error.into())),
    }
}

/// Questions of one kind take each other's place.
fn kind(ask: &Ask) -> (u8, Option<Seat>, Option<&FlowId>) {
    match ask {
        Ask::Index { seat, .. } => (0, Some(*seat), None),
        Ask::Heads { seat, .. } => (1, Some(*seat), None),
        Ask::Run { seat, .. } => (2, Some(*seat), None),
        Ask::Bodies { seat, .. } => (3, Some(*seat), None),
        Ask::Recent { flow, .. } => (4, None, Some(flow)),
    }
}

fn reply(reader: &Reader, ask: Ask) -> News {
    match ask {
        Ask::Index { seat, ticket, filter } => News::Index { seat, ticket, result: index(reader, &filter) },
        Ask::Heads { seat, runs } => {
            // One that cannot be read is left out: its row says no more than its number.
            let heads = runs.into_iter().filter_map(|it| reader.run(it).ok().flatten()).collect();
            News::Heads { seat, heads }
        }
        Ask::Run { seat, run } => {
            let result = load(reader, run).map(|it| it.map(Box::new)).map_err(Failure::from);
            News::Run { seat, run, result }
        }
        Ask::Bodies { seat, run, step } => bodies(reader, seat, run, step),
        Ask::Recent { flow, count } => {
            let filter = Filter { flow: Some(flow), limit: count, ..Filter::default() };
            let heads = reader.runs(&filter).unwrap_or_default();
            let runs: Vec<Loaded> = heads.into_iter().filter_map(|it| load(reader, it.id).ok().flatten()).collect();
            News::Recent { runs }
        }
    }
}

fn index(reader: &Reader, filter: &Filter) -> Result<Index, Failure> {
    Ok(Index { runs: reader.ids(filter)?.into(), flows: reader.flows()? })
}

fn bodies(reader: &Reader, seat: Seat, run: RunId, step: StepKey) -> News {
    let calls = reader.step_exchanges(run, &step).unwrap_or_default();
    News::Bodies { seat, run, step, calls }
}

/// Where there is nothing to read: nothing, or why.
fn refuse(ask: Ask, failure: Option<&Failure>) -> News {
    match ask {
        Ask::Index { seat, ticket, .. } => {
            News::Index { seat, ticket, result: failure.map_or_else(|| Ok(Index::default()), |it| Err(it.clone())) }
        }
        Ask::Heads { seat, .. } => News::Heads { seat, heads: Vec::new() },
        Ask::Run { seat, run } => News::Run { seat, run, result: failure.map_or(Ok(None), |it| Err(it.clone())) },
        Ask::Bodies { seat, run, step } => News::Bodies { seat, run, step, calls: Vec::new() },
        Ask::Recent { .. } => News::Recent { runs: Vec::new() },
    }
}
