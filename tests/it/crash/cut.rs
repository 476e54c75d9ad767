//! A run that was cut short: what is on the disk, and how far the services had got with what was asked of them by then.
use std::path::Path;

use flowyard::catalog::{OperationId, Repeat};
use flowyard::journal::{Append, Journal, NewRun};
use flowyard::sandbox::{LedgerEntry, Snapshot};

use super::recorded::{Recorded, Standing};

/// The first `kept` entries are on the disk, and of the requests that were under way then, the services did `sent`.
pub(super) struct Cut<'a> {
    pub(super) of: &'a Recorded,
    pub(super) kept: usize,
    pub(super) sent: usize,
}

/// A request that has to follow.
#[derive(Debug)]
pub(super) enum Expected<'a> {
    /// The same as without the cut, in all that came of it.
    Same(&'a LedgerEntry),
    /// The same request once more; what comes of it may differ, since it was carried out before.
    Again(&'a LedgerEntry),
    /// A look whether the call was carried out.
    LookUp(OperationId),
}

impl<'a> Cut<'a> {
    /// Every cut with this many entries on the disk, the mildest first: nothing that was under way had left.
    pub(super) fn all(of: &'a Recorded, kept: usize) -> Vec<Self> {
        let standing = Standing::after(&of.entries[..kept]);
        let under_way = of.exchanges.iter().filter(|it| standing.is_open(it)).count();
        (0..=under_way).map(|sent| Self { of, kept, sent }).collect()
    }

    /// Whether a call was under way.
    pub(super) fn is_within_a_call(&self) -> bool {
        !Standing::after(&self.of.entries[..self.kept]).open.is_empty()
    }

    /// How the services stood.
    pub(super) fn state(&self) -> &'a Snapshot {
        let standing = Standing::after(&self.of.entries[..self.kept]);
        let answered = self.of.exchanges.iter().filter(|it| standing.is_concluded(it)).count();
        assert!(self.of.exchanges[..answered].iter().all(|it| standing.is_concluded(it)), "requests follow one another");
        &self.of.states[answered + self.sent - self.of.earlier]
    }

    /// Writes what was committed into a data directory that is new.
    pub(super) async fn write(&self, data: &Path) {
        let head = &self.of.head;
        let journal = Journal::open(data, flowyard::journal::Options::default()).expect("a journal");
        journal.save_revision(&head.revision, &self.of.text).expect("a kept revision");
        let run = journal.next_run_id();
        assert_eq!(run, head.id);
        let standing = Standing::after(&self.of.entries[..self.kept]);
        let mut commits = Vec::new();
        for (at, entry) in self.of.entries[..self.kept].iter().enumerate() {
            let new = NewRun {
                flow: head.flow.clone(),
                flow_name: head.flow_name.clone(),
                revision: head.revision.clone(),
                trigger: head.trigger.clone(),
                delivery: head.delivery.clone(),
                mode: head.mode,
                parent: head.parent.clone(),
                accepted: head.accepted,
            };
            let told_here = |it: &&_| concluded_at(&standing, it) == Some(at);
            let append = Append {
                run,
                new: (at == 0).then_some(new),
                entries: vec![entry.clone()],
                exchanges: self.of.exchanges.iter().filter(told_here).cloned().collect(),
            };
            commits.push(journal.append(append));
        }
        for commit in commits {
            commit.await.expect("a written entry");
        }
        journal.close();
    }

    /// The requests that must follow, and no others; `known` is the ledger as it stood at the cut, `whole` the run without
    /// any cut, in which every step made one request.
    pub(super) fn expected(&self, whole: &'a Recorded, known: &[LedgerEntry]) -> Vec<Expected<'a>> {
        let standing = Standing::after(&self.of.entries[..self.kept]);
        let plan = whole.plan();
        let left: Vec<_> = plan.into_iter().filter(|(step, _)| !standing.done.contains(step)).collect();
        let Some(((step, request), rest)) = left.split_first() else { return Vec::new() };
        let operation = whole.program.operation(&step.node).expect("an operation");
        let happened = known.iter().any(|it| it.operation == operation.id);
        let mut expected = Vec::new();
        if standing.open.contains_key(step) {
            match &operation.repeat {
                Repeat::Safe if happened => expected.push(Expected::Again(request)),
                Repeat::Safe => expected.push(Expected::Same(request)),
                Repeat::SafeWithLookup(lookup) => {
                    expected.push(Expected::LookUp(lookup.operation.clone()));
                    expected.extend((!happened).then_some(Expected::Same(request)));
                }
                // It waits for a person, who looks, and has the call made only if it was not.
                Repeat::Unsafe => expected.extend((!happened).then_some(Expected::Same(request))),
            }
        } else if standing.parked.contains(step) {
            expected.extend((!happened).then_some(Expected::Same(request)));
        } else {
            expected.push(Expected::Same(request));
        }
        expected.extend(rest.iter().map(|(_, request)| Expected::Same(request)));
        expected
    }

    /// Whether recovery has to ask a person.
    pub(super) fn must_park(&self) -> bool {
        let standing = Standing::after(&self.of.entries[..self.kept]);
        let is_unsafe = |node| self.of.program.operation(node).is_some_and(|it| matches!(it.repeat, Repeat::Unsafe));
        !standing.parked.is_empty() || standing.open.keys().any(|step| is_unsafe(&step.node))
    }
}

fn concluded_at(standing: &Standing, exchange: &flowyard::journal::StepExchange) -> Option<usize> {
    standing.concluded.get(&(exchange.step.clone(), exchange.attempt)).copied()
}

impl Expected<'_> {
    /// Whether a request that came is the one.
    pub(super) fn is_met_by(&self, came: &LedgerEntry) -> bool {
        let asks = |it: &LedgerEntry| {
            (&it.service, &it.operation, &it.method, &it.path) == (&came.service, &came.operation, &came.method, &came.path)
        };
        match self {
            Self::Same(it) => {
                let gave = (&it.status, &it.effect, &it.record, &it.summary);
                asks(it) && gave == (&came.status, &came.effect, &came.record, &came.summary)
            }
            Self::Again(it) => asks(it) && it.status == came.status,
            Self::LookUp(operation) => came.operation == *operation && came.effect == flowyard::sandbox::Effect::Read,
        }
    }
}
