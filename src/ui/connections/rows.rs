//! A connection as a line of the list.
//!
//! Invariant: pure; the same connection, needs and moment give the same words.
use jiff::Timestamp;

use super::needs::Needed;
use crate::accounts::{Entry, Probed, State};
use crate::catalog::{AuthKind, Catalog, Connector, ConnectorId, Grant};
use crate::record::{Failure, FailureKind};
use crate::ui::canvas::sentence::count;
use crate::ui::words;

/// What was learned of a connection since the window is open.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// What is being done with it, in words.
    pub(crate) busy: Option<&'static str>,
    /// How it answered when it was tried last, and when.
    pub(crate) tried: Option<(Result<Probed, Failure>, Timestamp)>,
}

/// How it fares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Health {
    Works,
    /// It works, but for something.
    Lacks,
    Fails,
    Unknown,
    Busy,
}

/// What was granted of what is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scopes {
    /// None is needed, and none was told.
    None,
    /// So many are needed; what was granted is not told.
    Needed(usize),
    /// Of so many that are needed, so many were granted.
    Granted(usize, usize),
}

/// The line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) connector: ConnectorId,
    /// The service.
    pub(crate) service: String,
    /// What a person calls it, and how it signs in.
    pub(crate) about: String,
    pub(crate) health: Health,
    pub(crate) said: String,
    pub(crate) scopes: Scopes,
    pub(crate) zone: String,
    /// When it was refreshed or tried, and when that is done again.
    pub(crate) refreshed: [String; 2],
    pub(crate) used: String,
}

impl Row {
    pub(crate) fn of(entry: &Entry, known: Option<&Known>, needed: &Needed, catalog: &Catalog, now: Timestamp) -> Self {
        let connection = &entry.connection;
        let connector = catalog.connector(&connection.connector).map(AsRef::as_ref);
        let kind = kind(entry, connector);
        let name = connection.name.as_str();
        let about = if name == entry.service { sentence_case(&kind) } else { format!("{name}, {kind}") };
        let scopes = scopes(entry, needed);
        let (health, said) = health(entry, known, scopes);
        let zone = connection.zone.as_deref().map(city).unwrap_or_default();
        let mut flows: Vec<&str> = entry.used_by.iter().map(|it| it.flow.as_str()).collect();
        flows.sort_unstable();
        flows.dedup();
        let used = if flows.is_empty() { "No flow".to_owned() } else { count(flows.len(), "flow") };
        let refreshed = refreshed(entry, known, now);
        Self {
            connector: connection.connector.clone(),
            service: entry.service.clone(),
            about,
            health,
            said,
            scopes,
            zone,
            refreshed,
            used,
        }
    }

    /// Whether each of the words, which are in lower case, is in it.
    pub(crate) fn fits(&self, words: &[String]) -> bool {
        let text = format!("{} {} {} {}", self.service, self.about, self.said, self.zone).to_lowercase();
        words.iter().all(|it| text.contains(it.as_str()))
    }
}

/// How it signs in, in a few words within a sentence.
pub(crate) fn kind(entry: &Entry, connector: Option<&Connector>) -> String {
    let connection = &entry.connection;
    if connection.agency.is_some() {
        return "through its agency".to_owned();
    }
    match &connection.auth {
        AuthKind::OAuth(_) if connection.oauth.as_ref().is_some_and(|it| it.grant == Grant::ClientCredentials) => {
            "service account".to_owned()
        }
        AuthKind::OAuth(_) => "sign-in by browser".to_owned(),
        AuthKind::None => "no sign-in".to_owned(),
        AuthKind::Basic => "user and password".to_owned(),
        auth => {
            let guide = connector.and_then(|it| it.guide(auth)).map(|it| it.title.as_str());
            let usual = if matches!(auth, AuthKind::Bearer) { "token" } else { "API key" };
            guide.map_or_else(|| usual.to_owned(), lower_first)
        }
    }
}

fn lower_first(text: &str) -> String {
    // "API key" stays as it is.
    if text.chars().nth(1).is_some_and(char::is_uppercase) {
        return text.to_owned();
    }
    let mut letters = text.chars();
    letters.next().into_iter().flat_map(char::to_lowercase).chain(letters).collect()
}

fn sentence_case(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect()
}

/// `Europe/London` is London.
fn city(zone: &str) -> String {
    zone.rsplit('/').next().unwrap_or(zone).replace('_', " ")
}

fn scopes(entry: &Entry, needed: &Needed) -> Scopes {
    match &entry.scopes {
        Some(granted) => {
            let there = needed.keys().filter(|it| granted.contains(it)).count();
            Scopes::Granted(there, needed.len())
        }
        None if needed.is_empty() => Scopes::None,
        None => Scopes::Needed(needed.len()),
    }
}

fn health(entry: &Entry, known: Option<&Known>, scopes: Scopes) -> (Health, String) {
    if let Some(busy) = known.and_then(|it| it.busy) {
        return (Health::Busy, busy.to_owned());
    }
    match &entry.state {
        State::Unset { .. } => return (Health::Fails, "Variable not set".to_owned()),
        State::Reconnect { .. } => return (Health::Fails, "To be reconnected".to_owned()),
        State::Ready | State::Open | State::Environment => {}
    }
    match known.and_then(|it| it.tried.as_ref()) {
        Some((Ok(_), _)) => match scopes {
            Scopes::Granted(there, needed) if there < needed => (Health::Lacks, "Scope missing".to_owned()),
            _ => (Health::Works, "Works".to_owned()),
        },
        Some((Err(failure), _)) => match failure.kind {
            FailureKind::SignIn => (Health::Fails, "Sign in again".to_owned()),
            FailureKind::Forbidden => (Health::Lacks, "Scope missing".to_owned()),
            _ => (Health::Fails, "Does not answer".to_owned()),
        },
        None => match scopes {
            Scopes::Granted(there, needed) if there < needed => (Health::Lacks, "Scope missing".to_owned()),
            _ => (Health::Unknown, "Not tested".to_owned()),
        },
    }
}

fn refreshed(entry: &Entry, known: Option<&Known>, now: Timestamp) -> [String; 2] {
    let tried = known.and_then(|it| it.tried.as_ref()).map(|(_, at)| format!("tested {}", words::ago(*at, now)));
    match (entry.refreshed_at, entry.expires_at) {
        (Some(at), Some(ends)) if ends > now => {
            [sentence_case(&words::ago(at, now)), format!("ends {}", words::ahead(ends, now))]
        }
        (Some(at), Some(_)) => [sentence_case(&words::ago(at, now)), "ended, renewed when needed".to_owned()],
        (Some(at), None) => [sentence_case(&words::ago(at, now)), "does not end".to_owned()],
        (None, _) if matches!(entry.connection.auth, AuthKind::OAuth(_)) => ["Never".to_owned(), tried.unwrap_or_default()],
        (None, _) => ["Does not end".to_owned(), tried.unwrap_or_default()],
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::time::Duration;

    use super::*;
    use crate::engine::Connection;

    pub(crate) fn entry(id: &str, connector: &str) -> Entry {
        let auth = if connector == "highlevel" { AuthKind::Bearer } else { AuthKind::Basic };
        let connection = Connection::new(id, "Riverside", ConnectorId::new(connector), "https://x.example", auth);
        Entry {
            connection,
            service: "HighLevel".to_owned(),
            state: State::Ready,
            used_by: Vec::new(),
            refreshed_at: None,
            expires_at: None,
            scopes: None,
            budget: None,
            waiting: 0,
        }
    }

    fn row(entry: &Entry, known: Option<&Known>, needed: &[&str]) -> Row {
        let needed: Needed = needed.iter().map(|it| ((*it).to_owned(), vec!["F".to_owned()])).collect();
        Row::of(entry, known, &needed, &Catalog::shipped(), Timestamp::from_second(1_764_000_000).unwrap())
    }

    fn failed(kind: FailureKind) -> Known {
        let at = Timestamp::from_second(1_764_000_000 - 600).unwrap();
        Known { busy: None, tried: Some((Err(Failure::new(kind, "No")), at)) }
    }

    #[test]
    fn a_line_says_whose_it_is_how_it_signs_in_and_how_it_fares() {
        let mut it = entry("crm", "highlevel");
        it.connection.zone = Some("America/New_York".to_owned());
        let fresh = row(&it, None, &["a", "b"]);
        assert_eq!((fresh.about.as_str(), fresh.zone.as_str()), ("Riverside, private integration", "New York"));
        assert_eq!((fresh.health, fresh.said.as_str(), fresh.scopes), (Health::Unknown, "Not tested", Scopes::Needed(2)));
        assert_eq!((fresh.refreshed, fresh.used.as_str()), (["Does not end".to_owned(), String::new()], "No flow"));
        it.connection.name = "HighLevel".to_owned();
        assert_eq!(row(&it, None, &[]).about, "Private integration");
        let probed = Probed { operation: "Get location".to_owned(), name: None, took: Duration::from_millis(1) };
        let works = Known { busy: None, tried: Some((Ok(probed), Timestamp::from_second(1_764_000_000 - 600).unwrap())) };
        let tried = row(&it, Some(&works), &[]);
        assert_eq!((tried.health, tried.refreshed[1].as_str()), (Health::Works, "tested 10 min ago"));
        it.scopes = Some(vec!["a".to_owned()]);
        assert_eq!(row(&it, Some(&works), &["a", "b"]).scopes, Scopes::Granted(1, 2));
        assert_eq!(row(&it, Some(&works), &["a", "b"]).said, "Scope missing");
    }

    #[test]
    fn what_is_wrong_is_said_with_what_to_do() {
        let mut it = entry("crm", "highlevel");
        for (kind, health, words) in [
            (FailureKind::SignIn, Health::Fails, "Sign in again"),
            (FailureKind::Forbidden, Health::Lacks, "Scope missing"),
            (FailureKind::Timeout, Health::Fails, "Does not answer"),
        ] {
            let row = row(&it, Some(&failed(kind)), &[]);
            assert_eq!((row.health, row.said.as_str()), (health, words));
        }
        it.state = State::Reconnect { why: "its credentials are not in the vault".to_owned() };
        let gone = row(&it, Some(&failed(FailureKind::Timeout)), &[]);
        assert_eq!((gone.health, gone.said.as_str()), (Health::Fails, "To be reconnected"));
        let busy = Known { busy: Some("Testing…"), tried: None };
        assert_eq!(row(&it, Some(&busy), &[]).said, "Testing…");
        assert!(gone.fits(&["river".to_owned(), "reconn".to_owned()]) && !gone.fits(&["lake".to_owned()]));
    }

    #[test]
    fn a_token_that_ends_says_when() {
        let mut it = entry("crm", "highlevel");
        let second = |it: i64| Some(Timestamp::from_second(1_764_000_000 + it).unwrap());
        (it.refreshed_at, it.expires_at) = (second(-720), second(23 * 3_600));
        assert_eq!(row(&it, None, &[]).refreshed, ["12 min ago", "ends in 23 h"]);
        it.expires_at = second(-5);
        assert_eq!(row(&it, None, &[]).refreshed[1], "ended, renewed when needed");
    }
}
