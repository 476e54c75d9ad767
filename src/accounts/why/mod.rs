//! Why a service refused a call: one thing after the other is looked at, from the secret to the person's own rights.
//!
//! [`Facts`] are gathered, [`Facts::judge`] is pure.
//!
//! Invariant: nothing is changed at the service; what is asked there is the cheap read that tries a connection.
//! Invariant: the first check that fails is the cause. Where none fails, the cause is what remains, and it is said that nobody
//! proved it.
mod caller;
mod sent;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::{Desk, Entry, State};
use crate::catalog::{Connector, Operation};
use crate::connector::ConnectionId;
use crate::record::{Exchange, Failure, FailureKind};

/// What was found out about a refused call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Why {
    /// One a check, in their order.
    pub findings: Vec<Finding>,
    /// The cause, and what to do.
    pub cause: Failure,
    /// Whether a check proved the cause. Otherwise it is what the others leave.
    pub proved: bool,
}

/// What a check came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at.
    pub check: Check,
    /// What came of it.
    pub verdict: Verdict,
    /// In words.
    pub words: String,
}

/// What is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// Whether there is a secret to sign with.
    Secret,
    /// Whether the token had ended by then.
    Expiry,
    /// Whether the service takes the token now.
    Token,
    /// Whether call, connection and sign-in are of one account.
    Account,
    /// Whether the token may do this.
    Scope,
    /// Whether there is such a record.
    Record,
    /// Whether the person who signed in may do this.
    Permission,
}

impl Check {
    /// In a word or two.
    pub fn title(self) -> &'static str {
        match self {
            Self::Secret => "Secret",
            Self::Expiry => "Expiry",
            Self::Token => "Token",
            Self::Account => "Account",
            Self::Scope => "Scope",
            Self::Record => "Record",
            Self::Permission => "Permission",
        }
    }
}

/// What came of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It is not that.
    Passed,
    /// It is that.
    Failed,
    /// Nobody can tell from here.
    Unknown,
}

/// What is known of a refused call and of its connection.
#[derive(Debug)]
pub struct Facts<'a> {
    /// Where it was called.
    pub connector: &'a Connector,
    /// What was called.
    pub operation: &'a Operation,
    /// The connection, as it is now.
    pub entry: &'a Entry,
    /// The call that was refused.
    pub refused: &'a Exchange,
    /// What trying the connection came to now; none where it cannot be tried.
    pub probe: Option<Result<(), Failure>>,
}

/// Whether a call was answered in a way that can be looked into: with a 401, 403 or 404.
pub fn is_refusal(call: &Exchange) -> bool {
    matches!(call.answer.as_ref().map(|it| it.status), Some(401 | 403 | 404))
}

impl Desk {
    /// Looks why a call was refused.
    ///
    /// # Errors
    /// If there is no such connection, or the call was not refused with a 401, 403 or 404.
    pub async fn why(
        &self,
        id: &ConnectionId,
        connector: &Connector,
        operation: &Operation,
        refused: &Exchange,
    ) -> Result<Why, Failure> {
        if !is_refusal(refused) {
            let status = refused.answer.as_ref().map(|it| it.status);
            let title = match status {
                Some(status) => format!("The call was answered with {status}, which is no refusal of access"),
                None => "The call was not answered".to_owned(),
            };
            return Err(Failure::new(FailureKind::Flow, title).hint("The log shows what was sent and what came back."));
        }
        let desk = self.clone();
        let read = tokio::task::spawn_blocking(move || desk.entries()).await;
        let entries = read.map_err(|error| {
            Failure::new(FailureKind::Machine, "The connections could not be read").detail(error.to_string())
        })??;
        let Some(entry) = entries.iter().find(|it| it.connection.id == *id) else {
            let failure = Failure::new(FailureKind::NotFound, format!("There is no connection \"{id}\""));
            return Err(failure.hint("`flowyard connect list` shows what there is."));
        };
        let probe = match connector.cheap_read() {
            Some(_) if entry.state.works() => Some(self.probe(id).await.map(|_| ())),
            _ => None,
        };
        Ok(Facts { connector, operation, entry, refused, probe }.judge())
    }
}

impl Facts<'_> {
    /// What the facts say.
    pub fn judge(&self) -> Why {
        let mut findings = Vec::new();
        let mut cause: Option<Failure> = None;
        for (check, verdict, words, hint) in
            [Some(self.secret()), self.expiry(), self.token(), self.account(), self.scope(), self.record()].into_iter().flatten()
        {
            if verdict == Verdict::Failed && cause.is_none() {
                cause = Some(self.cause(check, &words, hint));
            }
            findings.push(Finding { check, verdict, words });
        }
        if let Some(cause) = cause {
            return Why { findings, cause, proved: true };
        }
        let unsure = findings.iter().any(|it| it.check == Check::Scope && it.verdict == Verdict::Unknown);
        let scopes = self.operation.scopes.join(", ");
        let (words, hint) = if unsure {
            let words = "nothing else explains it: the token lacks a scope, or the person who made it the permission";
            (words, format!("See at {} that the token has {scopes}, and its user the permission.", self.connector.title))
        } else {
            let words = "all else is as it should be: the person who signed in is not allowed to do this";
            (words, format!("Let somebody sign in who may, or give that user the permission at {}.", self.connector.title))
        };
        findings.push(Finding { check: Check::Permission, verdict: Verdict::Unknown, words: words.to_owned() });
        Why { cause: self.cause(Check::Permission, words, hint), findings, proved: false }
    }

    fn cause(&self, check: Check, words: &str, hint: String) -> Failure {
        let kind = match check {
            Check::Secret | Check::Expiry | Check::Token => FailureKind::SignIn,
            Check::Record => FailureKind::NotFound,
            Check::Account | Check::Scope | Check::Permission => FailureKind::Forbidden,
        };
        let title = format!("{}: {words}", check.title());
        let failure = Failure::new(kind, title).detail(self.said()).at(self.entry.connection.id.as_str()).hint(hint);
        match self.status() {
            Some(status) => failure.status(status),
            None => failure,
        }
    }

    fn status(&self) -> Option<u16> {
        self.refused.answer.as_ref().map(|it| it.status)
    }

    /// The service's own words.
    fn said(&self) -> String {
        let Some(answer) = &self.refused.answer else { return String::new() };
        let Ok(value) = serde_json::from_str::<serde_json::Value>(&answer.body.text) else { return String::new() };
        let at = |path: &String| path.split('.').try_fold(&value, |at, key| at.get(key))?.as_str().map(str::to_owned);
        self.connector.errors.message.iter().find_map(at).unwrap_or_default()
    }

    fn is_about_a_scope(&self, words: &str) -> bool {
        let words = words.to_lowercase();
        self.connector.errors.scope.iter().any(|it| words.contains(it.as_str()))
    }

    fn again(&self) -> String {
        format!("Sign in again: `flowyard connect sign-in {}`.", self.entry.connection.id)
    }

    fn anew(&self) -> String {
        let id = &self.entry.connection.id;
        if self.entry.connection.oauth.is_some() || self.entry.connection.agency.is_some() {
            self.again()
        } else {
            format!("Make a new secret at {} and give it here: `flowyard connect rotate {id}`.", self.connector.title)
        }
    }

    fn secret(&self) -> Row {
        match &self.entry.state {
            State::Ready => (Check::Secret, Verdict::Passed, "it is in the vault".to_owned(), String::new()),
            State::Environment => (Check::Secret, Verdict::Passed, "it is in the environment".to_owned(), String::new()),
            State::Open => (Check::Secret, Verdict::Passed, "none is needed".to_owned(), String::new()),
            State::Unset { why } | State::Reconnect { why } => (Check::Secret, Verdict::Failed, why.clone(), self.anew()),
        }
    }

    fn expiry(&self) -> Option<Row> {
        let (obtained, ends) = (self.entry.refreshed_at?, self.entry.expires_at?);
        let then = self.refused.started;
        // The pair of then is not known any more once there is a newer one.
        if obtained > then {
            let words = format!("the tokens were renewed since, at {}", clock(obtained));
            return Some((Check::Expiry, Verdict::Passed, words, String::new()));
        }
        if ends <= then && self.status() == Some(401) {
            let words = format!("the token had ended at {}, before the call", clock(ends));
            return Some((Check::Expiry, Verdict::Failed, words, self.again()));
        }
        Some((Check::Expiry, Verdict::Passed, format!("the token is good until {}", clock(ends)), String::new()))
    }

    fn token(&self) -> Option<Row> {
        let service = &self.connector.title;
        Some(match self.probe.as_ref()? {
            Ok(()) => (Check::Token, Verdict::Passed, format!("{service} takes it now"), String::new()),
            // Who is refused one thing was recognised.
            Err(failure) if failure.kind == FailureKind::Forbidden || failure.kind == FailureKind::NotFound => {
                (Check::Token, Verdict::Passed, format!("{service} knows it"), String::new())
            }
            Err(failure) if failure.status == Some(401) => {
                (Check::Token, Verdict::Failed, format!("{service} does not take it: it was revoked or replaced"), self.anew())
            }
            Err(failure) => (Check::Token, Verdict::Unknown, format!("it could not be tried: {}", failure.title), String::new()),
        })
    }

    fn account(&self) -> Option<Row> {
        let failed = |words, hint: String| Some((Check::Account, Verdict::Failed, words, hint));
        let stated = &self.entry.connection.account;
        let sent: BTreeMap<String, String> = sent::account(self.operation, self.refused);
        for (field, value) in &sent {
            let label = self.connector.account.get(field).unwrap_or(field);
            if let Some(own) = stated.get(field).filter(|it| *it != value) {
                let words = format!("the call was for another account: {label} {value}, and the connection is to {own}");
                return failed(words, "Take that field out of the step: the connection fills it.".to_owned());
            }
        }
        // A 403 or 404 for the account itself: the token is of another one.
        if let Some(Err(failure)) = &self.probe
            && matches!(failure.kind, FailureKind::Forbidden | FailureKind::NotFound)
            && !self.is_about_a_scope(&failure.detail)
        {
            let of = stated.values().next().map(|it| format!(" {it}")).unwrap_or_default();
            let words = format!("the token is not for the account{of} that the connection states");
            return failed(words, format!("Correct the account, or sign in to that one. {}", self.anew()));
        }
        if sent.is_empty() && stated.is_empty() {
            return None;
        }
        Some((Check::Account, Verdict::Passed, "call and connection are of one account".to_owned(), String::new()))
    }

    fn scope(&self) -> Option<Row> {
        let needed = &self.operation.scopes;
        let list = needed.join(", ");
        let give = format!("Give the token {list} at {}, then renew it here. {}", self.connector.title, self.anew());
        if let Some(granted) = &self.entry.scopes {
            let missing: Vec<&str> = needed.iter().filter(|it| !granted.contains(it)).map(String::as_str).collect();
            if !missing.is_empty() {
                let words = format!("the token lacks {}, which \"{}\" needs", missing.join(", "), self.operation.title);
                return Some((Check::Scope, Verdict::Failed, words, give));
            }
            if !self.is_about_a_scope(&self.said()) {
                let words = if needed.is_empty() { "none is needed".to_owned() } else { format!("the token has {list}") };
                return Some((Check::Scope, Verdict::Passed, words, String::new()));
            }
        }
        if self.is_about_a_scope(&self.said()) {
            let access = match self.operation.access.as_slice() {
                [] => String::new(),
                access => format!(" from a token of the type {}", access.join(" or ")),
            };
            let words = format!("{} says that the token may not do this; it needs {list}{access}", self.connector.title);
            return Some((Check::Scope, Verdict::Failed, words, give));
        }
        if needed.is_empty() {
            return None;
        }
        let words = format!("this needs {list}; what this token has, its service does not tell");
        Some((Check::Scope, Verdict::Unknown, words, String::new()))
    }

    fn record(&self) -> Option<Row> {
        (self.status() == Some(404)).then(|| {
            let words = "there is no such record on this account: it was deleted, or its id is of another account".to_owned();
            (Check::Record, Verdict::Failed, words, "Look where the step takes the id from.".to_owned())
        })
    }
}

/// A check, what came of it, in words, and what to do.
type Row = (Check, Verdict, String, String);

fn clock(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

#[cfg(test)]
mod tests;
