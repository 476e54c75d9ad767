//! Connections that are dead: a person has to sign in, or their service has not been asked for a while. Pure: time is passed in.
use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Alert, words};
use crate::connector::ConnectionId;
use crate::flow::Alarm;

/// A service that is given a rest is told of after so long; a shorter one is the service's own business.
pub(super) const PATIENCE: SignedDuration = SignedDuration::from_mins(10);

/// What is wrong with a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Ill {
    /// A person has to sign in.
    SignIn,
    /// Nothing is sent until a person has looked.
    Stopped,
    /// Nothing is sent for a while, since the service answered with errors.
    Rests,
}

/// A connection that is not well now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) name: String,
    pub(super) ill: Ill,
    /// What is known of why.
    pub(super) why: String,
}

/// What is known of connections that are not well.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Dead {
    all: BTreeMap<ConnectionId, Known>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Known {
    name: String,
    ill: Ill,
    since: Timestamp,
    told: bool,
}

impl Dead {
    /// What is to be told, of these connections that are not well now; those that are gone are forgotten without a word.
    pub(super) fn look(
        &mut self,
        found: &BTreeMap<ConnectionId, Found>,
        exists: impl Fn(&ConnectionId) -> bool,
        now: Timestamp,
    ) -> Vec<Alert> {
        let mut alerts = Vec::new();
        self.all.retain(|id, known| {
            let is_well = !found.contains_key(id);
            if is_well && known.told && exists(id) {
                alerts.push(known.over(id, now));
            }
            !is_well
        });
        for (id, Found { name, ill, why }) in found {
            let fresh = Known { name: name.clone(), ill: *ill, since: now, told: false };
            let known = self.all.entry(id.clone()).or_insert(fresh);
            let is_worse = *ill != Ill::Rests && known.ill == Ill::Rests;
            known.ill = *ill;
            if is_worse {
                known.told = false;
            }
            let is_long = now.duration_since(known.since) >= PATIENCE;
            if !known.told && (*ill != Ill::Rests || is_long) {
                alerts.push(known.begun(id, why, now));
            }
        }
        alerts
    }

    /// These were told.
    pub(super) fn told(&mut self, alerts: &[Alert]) {
        for (id, _) in alerts.iter().filter_map(|it| it.connection.as_ref()) {
            if let Some(known) = self.all.get_mut(id) {
                known.told = true;
            }
        }
    }
}

impl Known {
    fn begun(&self, id: &ConnectionId, why: &str, now: Timestamp) -> Alert {
        let name = &self.name;
        let (title, what) = match self.ill {
            Ill::SignIn => (
                format!("\"{name}\" needs a new sign-in"),
                "Steps that need it wait. Open Connections and sign in; what waits goes on then.".to_owned(),
            ),
            Ill::Stopped => (
                format!("Requests to \"{name}\" are stopped"),
                format!(
                    "Nothing is sent until a person has looked: `flowyard connect resume {id}`, or Connections in the window."
                ),
            ),
            Ill::Rests => (
                format!("Nothing is sent to \"{name}\" for a while"),
                "Its service answered with errors, and is given a rest. It goes on by itself.".to_owned(),
            ),
        };
        let text = [why, &what].into_iter().filter(|it| !it.is_empty()).collect::<Vec<_>>().join("\n");
        self.alert(id, false, title, text, now)
    }

    fn over(&self, id: &ConnectionId, now: Timestamp) -> Alert {
        let text = format!("After {}.", words::long(now.duration_since(self.since)));
        self.alert(id, true, format!("\"{}\" works again", self.name), text, now)
    }

    fn alert(&self, id: &ConnectionId, over: bool, title: String, text: String, now: Timestamp) -> Alert {
        let what = if over { "works" } else { "dead" };
        Alert {
            of: Some(Alarm::Connection),
            over,
            title,
            text,
            at: now,
            flow: None,
            run: None,
            connection: Some((id.clone(), self.name.clone())),
            count: 0,
            key: format!("{what}:{id}:{}:{:?}", self.since.as_second(), self.ill),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_780_000_000 + minute * 60).unwrap()
    }

    fn found(ill: Ill) -> BTreeMap<ConnectionId, Found> {
        let found = Found { name: "Main".to_owned(), ill, why: "The token has ended.".to_owned() };
        BTreeMap::from([(ConnectionId::new("crm"), found)])
    }

    /// What is told, as if it arrived.
    fn told(dead: &mut Dead, found: &BTreeMap<ConnectionId, Found>, minute: i64) -> Vec<Alert> {
        let alerts = dead.look(found, |_| true, at(minute));
        dead.told(&alerts);
        alerts
    }

    fn titles(alerts: &[Alert]) -> Vec<&str> {
        alerts.iter().map(|it| it.title.as_str()).collect()
    }

    #[test]
    fn a_sign_in_is_told_at_once_and_once_and_so_is_its_end() {
        let mut dead = Dead::default();
        let first = told(&mut dead, &found(Ill::SignIn), 0);
        assert_eq!(titles(&first), ["\"Main\" needs a new sign-in"]);
        assert!(first[0].text.starts_with("The token has ended.\nSteps that need it wait."));
        let mut dead: Dead = serde_json::from_str(&serde_json::to_string(&dead).unwrap()).unwrap();
        assert_eq!(told(&mut dead, &found(Ill::SignIn), 60), []);
        let over = told(&mut dead, &BTreeMap::new(), 180);
        assert_eq!((titles(&over), over[0].over, over[0].text.as_str()), (vec!["\"Main\" works again"], true, "After 3 hours."));
        assert_eq!(told(&mut dead, &BTreeMap::new(), 181), []);
        assert_ne!(told(&mut dead, &found(Ill::SignIn), 200)[0].key, first[0].key, "another time is another matter");
    }

    #[test]
    fn a_rest_is_told_when_it_is_long_and_anew_when_a_person_is_needed() {
        let mut dead = Dead::default();
        assert_eq!(told(&mut dead, &found(Ill::Rests), 0), []);
        assert_eq!(told(&mut dead, &BTreeMap::new(), 5), [], "a short one is nobody's business, nor is its end");
        assert_eq!(told(&mut dead, &found(Ill::Rests), 6), []);
        assert_eq!(told(&mut dead, &found(Ill::Rests), 15), []);
        assert_eq!(titles(&told(&mut dead, &found(Ill::Rests), 16)), ["Nothing is sent to \"Main\" for a while"]);
        assert_eq!(told(&mut dead, &found(Ill::Rests), 17), []);
        let stopped = told(&mut dead, &found(Ill::Stopped), 18);
        assert_eq!(titles(&stopped), ["Requests to \"Main\" are stopped"]);
        assert!(stopped[0].text.contains("flowyard connect resume crm"));
    }

    #[test]
    fn what_did_not_arrive_is_told_again_as_the_same() {
        let mut dead = Dead::default();
        let first = dead.look(&found(Ill::SignIn), |_| true, at(0));
        let again = dead.look(&found(Ill::SignIn), |_| true, at(3));
        assert_eq!((first.len(), &first[0].key), (1, &again[0].key));
    }

    #[test]
    fn a_connection_that_is_removed_is_forgotten_without_a_word() {
        let mut dead = Dead::default();
        assert_eq!(told(&mut dead, &found(Ill::Stopped), 0).len(), 1);
        assert_eq!(dead.look(&BTreeMap::new(), |_| false, at(1)), []);
        assert!(dead.all.is_empty());
    }
}
