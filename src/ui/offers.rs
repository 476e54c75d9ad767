//! Lists to choose from, read behind the frame and kept for a while: the calendars, users, tags of an account.
//!
//! Invariant: one list is asked for once at a time; what was read last stays to be seen while it is read again.
use std::sync::Arc;

use serde_json::Value;

use crate::chooser::Asked;
use crate::record::Failure;

/// Lists that are kept; the one that was asked for longest ago is forgotten.
const KEPT: usize = 48;
/// How long a list is taken as it was read, in seconds.
const FRESH: f64 = 20.0;

/// A list, as far as it is known.
#[derive(Debug)]
pub(crate) struct Offer {
    asked: Asked,
    /// The answer that was read last.
    pub(crate) answer: Option<Arc<Value>>,
    /// Why it could not be read the last time.
    pub(crate) failure: Option<Failure>,
    /// It is being read, with this ticket.
    waits: Option<u64>,
    /// When it was asked for last, in seconds of the window.
    at: f64,
}

/// All that are known.
#[derive(Debug, Default)]
pub(crate) struct Offers {
    known: Vec<Offer>,
    tickets: u64,
    /// Counts up with every list that was read.
    pub(crate) version: u64,
}

impl Offer {
    /// Whether it is being read.
    pub(crate) fn is_waiting(&self) -> bool {
        self.waits.is_some()
    }

    /// Whether it is worth reading again.
    pub(crate) fn is_old(&self, now: f64) -> bool {
        self.waits.is_none() && (now - self.at > FRESH || self.failure.is_some())
    }
}

impl Offers {
    /// What is known of a list; none where nobody asked.
    pub(crate) fn get(&self, asked: &Asked) -> Option<&Offer> {
        self.known.iter().find(|it| it.asked == *asked)
    }

    /// The ticket to read a list with; none where it is being read already.
    pub(crate) fn ask(&mut self, asked: &Asked, now: f64) -> Option<u64> {
        if self.get(asked).is_some_and(Offer::is_waiting) {
            return None;
        }
        self.tickets += 1;
        let ticket = self.tickets;
        if let Some(offer) = self.known.iter_mut().find(|it| it.asked == *asked) {
            (offer.waits, offer.at) = (Some(ticket), now);
            return Some(ticket);
        }
        if self.known.len() >= KEPT
            && let Some(oldest) = (0..self.known.len()).min_by(|a, b| self.known[*a].at.total_cmp(&self.known[*b].at))
        {
            self.known.remove(oldest);
        }
        self.known.push(Offer { asked: asked.clone(), answer: None, failure: None, waits: Some(ticket), at: now });
        Some(ticket)
    }

    /// It was read, or could not be. One that was forgotten meanwhile is passed over.
    pub(crate) fn told(&mut self, ticket: u64, result: Result<Value, Failure>) {
        let Some(offer) = self.known.iter_mut().find(|it| it.waits == Some(ticket)) else { return };
        offer.waits = None;
        match result {
            Ok(answer) => {
                (offer.answer, offer.failure) = (Some(Arc::new(answer)), None);
                self.version += 1;
            }
            Err(failure) => offer.failure = Some(failure),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;
    use crate::catalog::OperationId;
    use crate::engine::ConnectionId;
    use crate::record::FailureKind;

    fn asked(name: &str) -> Asked {
        let operation = OperationId::new(&format!("highlevel.x.{name}"));
        Asked { connection: ConnectionId::new("crm"), operation, input: BTreeMap::new() }
    }

    #[test]
    fn a_list_is_asked_for_once_and_stays_while_it_is_read_again() {
        let mut offers = Offers::default();
        let first = offers.ask(&asked("a"), 0.0).unwrap();
        assert_eq!(offers.ask(&asked("a"), 1.0), None);
        offers.told(first, Ok(json!([1])));
        assert!(!offers.get(&asked("a")).unwrap().is_old(10.0) && offers.get(&asked("a")).unwrap().is_old(30.0));
        let again = offers.ask(&asked("a"), 30.0).unwrap();
        assert!(offers.get(&asked("a")).unwrap().is_waiting());
        // What comes late of the first is not taken for the second.
        offers.told(first, Ok(json!([])));
        assert_eq!(offers.get(&asked("a")).unwrap().answer.as_deref(), Some(&json!([1])));
        offers.told(again, Err(Failure::new(FailureKind::Machine, "No")));
        let offer = offers.get(&asked("a")).unwrap();
        assert!(offer.failure.is_some() && offer.answer.is_some() && offer.is_old(30.1));
    }

    #[test]
    fn of_many_lists_those_of_last_are_kept() {
        let mut offers = Offers::default();
        for at in 0..KEPT + 5 {
            offers.ask(&asked(&at.to_string()), at as f64).unwrap();
        }
        assert_eq!(offers.known.len(), KEPT);
        assert!(offers.get(&asked("4")).is_none() && offers.get(&asked("5")).is_some());
    }
}
