//! What the journal and the services say of every event, after all those kills.
use std::collections::{BTreeMap, BTreeSet};

use flowyard::catalog::{Catalog, Repeat};
use flowyard::flow::Flow;
use flowyard::journal::{Filter, Reader, RunHead, StepExchange};
use flowyard::run::{Entry, Outcome, Park, Program, Release, StepKey};
use flowyard::sandbox::{Effect, Handle, LedgerEntry};
use jiff::Timestamp;

use super::End;
use super::senders::Sent;

/// How often what happened.
#[derive(Debug, Default)]
pub(super) struct Report {
    /// Events that were answered 2xx.
    pub(super) answered: usize,
    /// Of these, the ones whose first answers were lost, and that were sent again.
    pub(super) sent_again: usize,
    /// Of these, the ones that had been taken all the same.
    pub(super) taken_before: usize,
    /// Events without an answer whose sender gave up.
    pub(super) given_up: usize,
    /// Of these, the ones that were taken.
    pub(super) given_up_taken: usize,
    /// Runs, each of which ended well.
    pub(super) runs: usize,
    /// Calls that were cut short by a kill, and repeated because that is safe.
    pub(super) repeated: usize,
    /// Calls that were cut short, looked up, and found.
    pub(super) found: usize,
    /// Calls that were cut short, looked up, not found, and made.
    pub(super) made: usize,
    /// Calls that were cut short, and left to a person.
    pub(super) parked: usize,
    /// Of these, the ones that had been made.
    pub(super) parked_made: usize,
}

/// Everything that the verdict rests on.
pub(super) struct Evidence<'a> {
    pub(super) flow: &'a Flow,
    pub(super) journal: &'a Reader,
    pub(super) sandbox: &'a Handle,
    pub(super) sent: &'a BTreeMap<String, Sent>,
    /// When a process ended.
    pub(super) ends: &'a [End],
}

/// The runs of a journal, however many.
pub(crate) fn runs(journal: &Reader, filter: &Filter) -> Vec<RunHead> {
    let mut all: Vec<RunHead> = Vec::new();
    loop {
        let before = all.last().map(|it| it.id);
        let page = journal.runs(&Filter { before, limit: 1_000, ..filter.clone() }).expect("a readable journal");
        if page.is_empty() {
            return all;
        }
        all.extend(page);
    }
}

/// How often what was asked of the services, by what tells one person from another.
pub(super) struct Asked {
    by_path: BTreeMap<String, usize>,
    made: BTreeMap<String, usize>,
}

impl Asked {
    pub(super) fn of(ledger: &[LedgerEntry]) -> Self {
        let mut asked = Self { by_path: BTreeMap::new(), made: BTreeMap::new() };
        for entry in ledger {
            *asked.by_path.entry(entry.path.clone()).or_default() += 1;
            if let (Effect::Created, Some(record)) = (entry.effect, &entry.record) {
                *asked.made.entry(format!("{}/{}", record.collection, record.id)).or_default() += 1;
            }
        }
        asked
    }

    /// How often a contact was made.
    fn made(&self, contact: &str) -> usize {
        self.made.get(&format!("contacts/{contact}")).copied().unwrap_or_default()
    }

    /// How often a contact was to be enrolled.
    pub(super) fn enrolled(&self, contact: &str) -> usize {
        self.by_path.get(&format!("/contacts/{contact}/workflow/welcome")).copied().unwrap_or_default()
    }

    /// How often a contact was read.
    fn read(&self, contact: &str) -> usize {
        self.by_path.get(&format!("/contacts/{contact}")).copied().unwrap_or_default()
    }
}

/// The id of the contact that a run made.
pub(super) fn contact_of(entries: &[Entry]) -> Option<&str> {
    entries.iter().find_map(|entry| match entry {
        Entry::StepSucceeded { step, output, .. } if step.node.as_str() == "create" => output["contact"]["id"].as_str(),
        _ => None,
    })
}

impl Evidence<'_> {
    /// Fails where an event was lost or done twice, or a call was repeated that should not have been.
    pub(super) fn judge(&self) -> Report {
        let mut report = Report::default();
        let program = Program::compile(self.flow, &Catalog::shipped()).expect("a sound flow");
        let by_delivery = self.deliveries(&mut report);
        let ledger = self.sandbox.ledger();
        let asked = Asked::of(&ledger);
        let mut contacts = BTreeSet::new();
        let mut started: BTreeMap<String, usize> = BTreeMap::new();
        for (delivery, head) in &by_delivery {
            assert_eq!(head.outcome, Some(Outcome::Succeeded), "{delivery}, run {}", head.id);
            let entries = self.journal.entries(head.id).expect("a readable journal");
            let exchanges = self.journal.exchange_heads(head.id).expect("a readable journal");
            self.follow(&program, head, &entries, &exchanges, &mut report);
            for entry in &entries {
                if let Entry::StepStarted { step, .. } = entry {
                    *started.entry(step.node.to_string()).or_default() += 1;
                }
            }
            let contact = contact_of(&entries).expect("a contact");
            contacts.insert(contact.to_owned());
            assert_eq!(asked.made(contact), 1, "{delivery}: the contact was made once");
            assert_eq!(asked.enrolled(contact), 1, "{delivery}: enrolled once, and never asked for again");
            assert!(asked.read(contact) > 0, "{delivery}: read back");
        }
        report.runs = by_delivery.len();

        // One record each for every run, and none for an event that was not taken.
        self.one_each("contacts", &by_delivery, |it| it["email"].as_str()?.strip_suffix("@example.com").map(str::to_owned));
        self.one_each("events", &by_delivery, |it| it["title"].as_str()?.strip_prefix("First visit ").map(str::to_owned));
        assert_eq!(contacts.len(), by_delivery.len(), "each has a contact of its own");
        for entry in &ledger {
            assert!((200..300).contains(&entry.status), "a request was refused: {entry:?}");
        }
        // Nothing reached a service that is not in the journal as an attempt.
        for (node, operation) in [("enrol", "add-contact-to-workflow"), ("person", "get-contact"), ("doctor", "get-resource")] {
            let came = ledger.iter().filter(|it| it.operation.as_str().ends_with(&format!(".{operation}"))).count();
            assert!(came <= started[node], "{came} requests for {} attempts at {node}", started[node]);
        }
        report
    }

    /// Every event that was taken, with its only run.
    fn deliveries(&self, report: &mut Report) -> BTreeMap<String, RunHead> {
        let mut by_delivery = BTreeMap::new();
        for head in runs(self.journal, &Filter::default()) {
            let delivery = head.delivery.clone().expect("a delivery");
            let delivery = delivery.strip_prefix("hook:event:").expect("of the hook").to_owned();
            assert!(self.sent.contains_key(&delivery), "nobody sent {delivery}");
            let other = by_delivery.insert(delivery.clone(), head);
            assert!(other.is_none(), "{delivery} was taken twice");
        }
        for (delivery, sent) in self.sent {
            let head = by_delivery.get(delivery);
            if let Some(run) = sent.run {
                assert_eq!(head.map(|it| it.id.0), Some(run), "{delivery} was answered, and its run is that of the answer");
                report.answered += 1;
                report.sent_again += usize::from(sent.lost > 0);
                report.taken_before += usize::from(sent.was_duplicate);
                assert!(sent.lost > 0 || !sent.was_duplicate, "{delivery} was sent once, and yet taken before");
            } else {
                report.given_up += 1;
                report.given_up_taken += usize::from(head.is_some());
            }
        }
        by_delivery
    }

    /// Goes through a run: each step ends once, and another attempt follows only on one that a kill cut short.
    fn follow(&self, program: &Program, head: &RunHead, entries: &[Entry], exchanges: &[StepExchange], report: &mut Report) {
        let mut open: BTreeMap<&StepKey, (u32, Timestamp)> = BTreeMap::new();
        let mut done: BTreeSet<&StepKey> = BTreeSet::new();
        let mut released: BTreeSet<&StepKey> = BTreeSet::new();
        let place = |step: &StepKey| format!("run {}, {step}: {entries:#?}", head.id);
        for entry in entries {
            let Some(step) = entry.step() else { continue };
            assert!(!done.contains(step), "something follows on a step that had ended; {}", place(step));
            match entry {
                Entry::StepStarted { attempt, at, .. } => {
                    let repeat = &program.operation(&step.node).expect("an operation").repeat;
                    match open.insert(step, (*attempt, *at)) {
                        None => assert!(*attempt == 1 || released.remove(step), "not cut short; {}", place(step)),
                        Some((before, since)) => {
                            assert!(
                                *attempt == before + 1 && self.has_ended(since, *at),
                                "no end of the process between; {}",
                                place(step)
                            );
                            match repeat {
                                Repeat::Safe => report.repeated += 1,
                                // Counted by the attempt that came to an end.
                                Repeat::SafeWithLookup(_) => {}
                                Repeat::Unsafe => panic!("repeated without asking; {}", place(step)),
                            }
                        }
                    }
                }
                Entry::StepSucceeded { .. } => {
                    done.insert(step);
                    let Some((attempt, _)) = open.remove(step) else { continue };
                    let is_looked_up = matches!(
                        program.operation(&step.node).map(|it| &it.repeat),
                        Some(Repeat::SafeWithLookup(_)) if attempt > 1
                    );
                    if is_looked_up {
                        let own: Vec<_> = exchanges.iter().filter(|it| it.step == *step && it.attempt == attempt).collect();
                        let methods: Vec<_> = own.iter().map(|it| it.exchange.request.method.as_str()).collect();
                        match methods[..] {
                            ["GET"] => report.found += 1,
                            ["GET", "POST"] => report.made += 1,
                            _ => panic!("{methods:?} after a kill; {}", place(step)),
                        }
                    }
                }
                Entry::StepParked { on, at, .. } => {
                    let (_, since) = open.remove(step).expect("an attempt under way");
                    let repeat = program.operation(&step.node).map(|it| &it.repeat);
                    assert!(*on == Park::Uncertain && matches!(repeat, Some(Repeat::Unsafe)), "{}", place(step));
                    assert!(self.has_ended(since, *at), "no end of the process between; {}", place(step));
                    report.parked += 1;
                }
                Entry::StepReleased { release: Release::Repeat, .. } => drop(released.insert(step)),
                Entry::StepReleased { release: Release::Done(_), .. } => {
                    report.parked_made += 1;
                    done.insert(step);
                }
                Entry::Logged { .. } => {}
                other => panic!("{other:?} has no business here; {}", place(step)),
            }
        }
        assert!(open.is_empty() && released.is_empty(), "run {}: {entries:#?}", head.id);
    }

    /// Whether the process ended within this time.
    fn has_ended(&self, since: Timestamp, until: Timestamp) -> bool {
        self.ends.iter().any(|(from, to)| since <= *to && *from <= until)
    }

    /// Every run has one record of a collection, and there is none that belongs to no run.
    fn one_each(
        &self,
        collection: &str,
        runs: &BTreeMap<String, RunHead>,
        delivery: impl Fn(&serde_json::Value) -> Option<String>,
    ) {
        let mut found: Vec<String> = self.sandbox.records(collection).iter().filter_map(delivery).collect();
        found.retain(|it| it.starts_with("s-"));
        found.sort();
        let mut expected: Vec<String> = runs.keys().cloned().collect();
        expected.sort();
        assert_eq!(found, expected, "{collection}");
    }
}
