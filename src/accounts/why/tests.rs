use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;

use super::*;
use crate::catalog::{AuthKind, Catalog, ConnectorId, OperationId};
use crate::connector::Connection;
use crate::record::{Answer, Body, Request, Timing};

const NOON: &str = "2026-11-26T12:00:00Z";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn entry() -> Entry {
    Entry {
        connection: Connection {
            account: BTreeMap::from([("location_id".to_owned(), "l1".to_owned())]),
            ..Connection::new(
                "crm",
                "CRM",
                ConnectorId::new("highlevel"),
                "https://services.leadconnectorhq.com",
                AuthKind::Bearer,
            )
        },
        service: "HighLevel".into(),
        state: State::Ready,
        used_by: Vec::new(),
        refreshed_at: None,
        expires_at: None,
        scopes: None,
        budget: None,
        waiting: 0,
    }
}

fn call(status: u16, message: &str, location: &str) -> Exchange {
    let body = |text: String| Body { size: text.len() as u64, text, cut: false };
    Exchange {
        request: Request {
            method: "POST".into(),
            url: "https://services.leadconnectorhq.com/contacts/".into(),
            headers: Vec::new(),
            body: body(json!({"locationId": location, "email": "a@b.example"}).to_string()),
        },
        answer: Some(Answer { status, headers: Vec::new(), body: body(json!({"message": message}).to_string()) }),
        error: None,
        started: at(NOON),
        timing: Timing::default(),
    }
}

fn refusal(kind: FailureKind, status: u16, words: &str) -> Result<(), Failure> {
    Err(Failure::new(kind, "HighLevel refused it").detail(words).status(status))
}

fn judged(entry: &Entry, refused: &Exchange, probe: Option<Result<(), Failure>>) -> Why {
    let catalog = Catalog::shipped();
    let (connector, operation) = catalog.operation(&OperationId::new("highlevel.contacts.create-contact")).unwrap();
    Facts { connector, operation, entry, refused, probe }.judge()
}

#[test]
fn each_cause_is_named_with_what_to_do() {
    let (hour, scope) = (Duration::from_hours(1), "The token is not authorized for this scope.");
    let with = |scopes: &[&str]| Entry {
        refreshed_at: Some(at(NOON) - hour * 2),
        expires_at: Some(at(NOON) + hour),
        scopes: Some(scopes.iter().map(|it| (*it).to_owned()).collect()),
        ..entry()
    };
    let lost = Entry { state: State::Reconnect { why: "its credentials are not in the vault".into() }, ..entry() };
    let ended = Entry { expires_at: Some(at(NOON) - hour), ..with(&["contacts.write"]) };
    let renewed = Entry { refreshed_at: Some(at(NOON) + hour), ..ended.clone() };
    let revoked = || Some(refusal(FailureKind::SignIn, 401, "Invalid JWT"));
    let elsewhere = || Some(refusal(FailureKind::Forbidden, 403, "The token does not have access to this location."));
    for (entry, refused, probe, title, proved) in [
        (&lost, call(401, "", "l1"), None, "Secret: its credentials are not in the vault", true),
        (&ended, call(401, "Invalid JWT", "l1"), revoked(), "Expiry: the token had ended at 2026-11-26 11:00:00 UTC", true),
        (&entry(), call(401, "Invalid JWT", "l1"), revoked(), "Token: HighLevel does not take it", true),
        (&renewed, call(401, "Invalid JWT", "l1"), revoked(), "Token: HighLevel does not take it", true),
        (&entry(), call(403, "no", "l2"), Some(Ok(())), "Account: the call was for another account", true),
        (&entry(), call(403, "no", "l1"), elsewhere(), "Account: the token is not for the account l1", true),
        (&with(&["contacts.readonly"]), call(401, scope, "l1"), Some(Ok(())), "Scope: the token lacks contacts.write", true),
        (&entry(), call(401, scope, "l1"), Some(refusal(FailureKind::Forbidden, 401, scope)), "Scope: HighLevel says", true),
        (&with(&["contacts.write"]), call(404, "Not found", "l1"), Some(Ok(())), "Record: there is no such record", true),
        (
            &with(&["contacts.write"]),
            call(403, "Forbidden", "l1"),
            Some(Ok(())),
            "Permission: all else is as it should be",
            false,
        ),
        (&entry(), call(403, "Forbidden", "l1"), Some(Ok(())), "Permission: nothing else explains it", false),
    ] {
        let why = judged(entry, &refused, probe);
        assert!(why.cause.title.starts_with(title), "{title}: {why:#?}");
        assert_eq!(why.proved, proved, "{title}");
        assert!(!why.cause.hint.is_empty(), "{title}");
    }
}

#[test]
fn what_cannot_be_tried_is_said_to_be_unknown_and_proves_nothing() {
    let why = judged(&entry(), &call(403, "Forbidden", "l1"), Some(refusal(FailureKind::Machine, 503, "no network")));
    let token = why.findings.iter().find(|it| it.check == Check::Token).unwrap();
    assert_eq!(token.verdict, Verdict::Unknown);
    assert!(!why.proved);
    let untried = judged(&entry(), &call(403, "Forbidden", "l1"), None);
    assert!(untried.findings.iter().all(|it| it.check != Check::Token));
}
