//! What became of each event, by the journal and by the services' own records.
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use flowyard::catalog::Catalog;
use flowyard::flow::Flow;
use flowyard::journal::{Filter, Reader, RunHead};
use flowyard::record::Failure;
use flowyard::run::{Entry, Outcome, Park, Program, Run};

use super::services::Services;
use crate::kill::runs;

/// What the counts rest on.
pub(super) struct Evidence<'a> {
    pub(super) services: &'a Services,
    pub(super) journal: &'a Reader,
    pub(super) flow: &'a Flow,
    /// How many there were.
    pub(super) events: u64,
}

/// How many events what became of.
#[derive(Debug, Default)]
pub(super) struct Table {
    pub(super) seed: u64,
    pub(super) kills: u64,
    /// Until all events had happened.
    pub(super) took: Duration,
    /// Until everything had ended.
    pub(super) finished: Duration,
    events: usize,
    once: usize,
    /// Runs that failed; and of these, the ones whose call had its effect before its answer was an error.
    dead: usize,
    dead_done: usize,
    /// Steps that ask whether their call was made; and of these, the ones whose was.
    uncertain: usize,
    uncertain_done: usize,
    lost: usize,
    doubled: usize,
    /// Events that were found by looking, since nobody told of them.
    found: usize,
    met: BTreeMap<String, usize>,
    wrong: Vec<String>,
}

/// Whether a run waits for a person to sign in.
pub(super) fn signed_out<'a>(journal: &Reader, parked: impl Iterator<Item = &'a RunHead>) -> usize {
    let waits = |head: &&RunHead| {
        let entries = journal.entries(head.id).expect("a readable journal");
        let last = entries.iter().rev().find(|it| matches!(it, Entry::StepParked { .. } | Entry::StepReleased { .. }));
        matches!(last, Some(Entry::StepParked { on: Park::SignIn(_), .. }))
    };
    parked.filter(waits).count()
}

impl Evidence<'_> {
    pub(super) fn count(&self) -> Table {
        let people = self.services.people();
        let mut effects = self.services.effects();
        let mut table = Table { events: people.len(), met: self.services.faults_met(), ..Table::default() };
        let mut by_person: BTreeMap<String, Vec<(RunHead, Vec<Entry>)>> = BTreeMap::new();
        for head in runs(self.journal, &Filter::default()) {
            let entries = self.journal.entries(head.id).expect("a readable journal");
            let Some(Entry::Accepted { payload, cause, .. }) = entries.first() else { panic!("run {} begins oddly", head.id) };
            table.found += usize::from(cause.via == flowyard::run::Via::Reconcile);
            let person = payload["id"].as_str().expect("a person").to_owned();
            by_person.entry(person).or_default().push((head, entries));
        }
        assert_eq!(people.len() as u64, self.events, "everybody was added once");
        for (person, kind) in &people {
            let own = by_person.remove(person).unwrap_or_default();
            let done = effects.remove(person).unwrap_or_default();
            let [(head, entries)] = own.as_slice() else {
                let what = if own.is_empty() { &mut table.lost } else { &mut table.doubled };
                *what += 1;
                table.wrong.push(format!(
                    "{person} has {} runs: {:?}",
                    own.len(),
                    own.iter().map(|it| &it.0).collect::<Vec<_>>()
                ));
                continue;
            };
            let place = || format!("{person}, run {}: {done:?} done; {entries:#?}", head.id);
            if done.len() > 1 || done.iter().any(|it| it != kind) {
                table.doubled += 1;
                table.wrong.push(place());
                continue;
            }
            match (&head.outcome, done.len()) {
                (Some(Outcome::Succeeded), 1) => table.once += 1,
                (Some(Outcome::Failed(failure)), done) => {
                    table.dead += 1;
                    table.dead_done += done;
                    if done > 0 && !says_that_it_may_be_done(failure) {
                        table.wrong.push(place());
                    }
                }
                (None, done) if self.asks(head, entries) => {
                    table.uncertain += 1;
                    table.uncertain_done += done;
                }
                _ => {
                    table.lost += 1;
                    table.wrong.push(place());
                }
            }
        }
        // Whatever belongs to nobody should not be.
        table.doubled += by_person.len() + effects.len();
        table.wrong.extend(by_person.into_keys().map(|it| format!("a run for {it}, who was never added")));
        table.wrong.extend(effects.into_keys().map(|it| format!("something was done for {it}, who was never added")));
        table
    }

    /// Whether the run waits for a person to say whether its call was made, and for nothing else.
    fn asks(&self, head: &RunHead, entries: &[Entry]) -> bool {
        let program = Program::compile(self.flow, &Catalog::shipped()).expect("a sound flow");
        let parked = Run::replay(head.id, program.into(), entries).parked_steps();
        parked.len() == 1 && parked[0].1 == Park::Uncertain
    }
}

/// Whether a failure tells that what failed may have been done all the same.
fn says_that_it_may_be_done(failure: &Failure) -> bool {
    failure.hint.contains("may or may not have been carried out")
}

impl Table {
    /// Fails where anything was lost or doubled.
    pub(super) fn judge(&self) {
        assert!(self.lost == 0 && self.doubled == 0 && self.wrong.is_empty(), "{self}\n{}", self.wrong.join("\n"));
        assert_eq!(self.once + self.dead + self.uncertain, self.events, "{self}");
        assert!(self.once > self.events / 2, "most took effect: {self}");
        // What is meant to happen has happened, where there is enough of it.
        let met = |fault: &str| self.met.get(fault).copied().unwrap_or_default() > 0;
        let faults = ["unauthorized", "rate_limited", "server_error", "html", "cut", "slow"];
        let messages = ["message doubled", "message reordered", "message lost", "message slow"];
        if self.events >= 500 {
            assert!(faults.into_iter().chain(messages).all(met), "not every fault was met: {self}");
            assert!(self.found > 0, "no message was missed: {self}");
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, kills, events, once, dead, dead_done, uncertain, uncertain_done, lost, doubled, found, .. } = self;
        let (took, finished) = (self.took.as_secs_f64(), self.finished.as_secs_f64());
        writeln!(
            f,
            "FLOWYARD_FAULT_SEED={seed}: {events} events in {took:.0} s, {kills} kills; all ended after {finished:.0} s"
        )?;
        writeln!(f, "  took effect once      {once:>6}")?;
        writeln!(f, "  failed, in the log    {dead:>6}   of which {dead_done} say that they may have taken effect, and have")?;
        writeln!(f, "  ask a person          {uncertain:>6}   of which {uncertain_done} have taken effect")?;
        writeln!(f, "  lost                  {lost:>6}")?;
        writeln!(f, "  doubled               {doubled:>6}")?;
        let met: Vec<String> = self.met.iter().map(|(fault, count)| format!("{fault} {count}")).collect();
        write!(f, "  {found} found by looking; faults met: {}", met.join(", "))
    }
}
