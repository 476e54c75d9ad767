//! Connections for runs without a window: a file of plain data that names the environment variables with the secrets.
//!
//! ```json
//! [{ "id": "crm", "connector": "highlevel", "account": { "location_id": "abc" }, "secret_env": { "token": "HL_TOKEN" } }]
//! ```
//!
//! Invariant: no message repeats a value of the file that could be a secret put in the wrong place.
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{Map, Value};

use super::exit::{Error, Exit};
use super::read;
use crate::catalog::{AuthKind, Catalog, Connector, ConnectorId};
use crate::engine::{Connection, Secret};
use crate::record::{Failure, FailureKind};

/// Connections, each with its secret if it needs one.
pub(super) type Bound = Vec<(Connection, Option<Secret>)>;

const KEYS: &[&str] = &["id", "name", "connector", "base_url", "account", "auth", "secret_env"];
const HINT: &str = "See `flowyard help serve` for what the file holds.";

/// Reads the file; a file that is not there holds no connections, unless it was asked for.
///
/// # Errors
/// If it cannot be read, says something else than it should, or names a variable that is not set.
pub(super) fn load(path: &Path, asked: bool, catalog: &Catalog) -> Result<Bound, Error> {
    if !asked && !path.exists() {
        return Ok(Vec::new());
    }
    let text = read::text(path, read::SMALL)?;
    let at = path.display().to_string();
    let variable = |name: &str| std::env::var(name).ok().filter(|it| !it.trim().is_empty());
    parse(&text, catalog, &variable).map_err(|wrong| wrong.into_error(at))
}

/// What is wrong with the file.
#[derive(Debug)]
enum Wrong {
    File(String),
    Secret(String),
}

impl Wrong {
    fn into_error(self, at: String) -> Error {
        match self {
            Self::File(detail) => {
                Error::new(Exit::File, Error::file("The connections cannot be used").at(at).detail(detail).hint(HINT))
            }
            Self::Secret(detail) => Error::new(
                Exit::Connection,
                Failure::new(FailureKind::SignIn, "A secret is not set")
                    .at(at)
                    .detail(detail)
                    .hint("Set that environment variable, then start again. Secrets are never written into the file."),
            ),
        }
    }
}

fn parse(text: &str, catalog: &Catalog, variable: &dyn Fn(&str) -> Option<String>) -> Result<Bound, Wrong> {
    let value: Value = serde_json::from_str(text).map_err(|error| Wrong::File(format!("It is not JSON: {error}")))?;
    let Value::Array(list) = value else { return Err(Wrong::File("It must be a list of connections.".to_owned())) };
    let mut bound: Bound = Vec::new();
    let mut taken = BTreeSet::new();
    for (at, value) in list.into_iter().enumerate() {
        let (connection, secret) = one(value, catalog, variable).map_err(|wrong| match wrong {
            Wrong::File(detail) => Wrong::File(format!("Connection {}: {detail}", at + 1)),
            Wrong::Secret(detail) => Wrong::Secret(format!("Connection {}: {detail}", at + 1)),
        })?;
        if !taken.insert(connection.id.clone()) {
            return Err(Wrong::File(format!("Connection {}: the id \"{}\" is taken already.", at + 1, connection.id)));
        }
        bound.push((connection, secret));
    }
    Ok(bound)
}

fn one(
    value: Value,
    catalog: &Catalog,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<(Connection, Option<Secret>), Wrong> {
    let Value::Object(mut fields) = value else { return Err(Wrong::File("it must be an object.".to_owned())) };
    if let Some(unknown) = fields.keys().find(|key| !KEYS.contains(&key.as_str())) {
        return Err(Wrong::File(format!("\"{unknown}\" is not known; it may have {}.", KEYS.join(", "))));
    }
    let id = text(&mut fields, "id")?.ok_or_else(|| Wrong::File("\"id\" is missing.".to_owned()))?;
    let named = text(&mut fields, "connector")?.ok_or_else(|| Wrong::File("\"connector\" is missing.".to_owned()))?;
    let connector = catalog.connector(&ConnectorId::new(&named)).ok_or_else(|| {
        let known: Vec<_> = catalog.connectors().map(|it| it.id.as_str()).collect();
        Wrong::File(format!("the connector \"{named}\" is not in the catalogue, which has {}.", known.join(", ")))
    })?;
    let base_url = match text(&mut fields, "base_url")? {
        Some(url) if url.starts_with("https://") || url.starts_with("http://") => url.trim_end_matches('/').to_owned(),
        Some(_) => return Err(Wrong::File("\"base_url\" must begin with https://.".to_owned())),
        None => match connector.environments.first() {
            Some(first) => first.base_url.clone(),
            None => return Err(Wrong::File("\"base_url\" is missing.".to_owned())),
        },
    };
    let auth = auth(fields.remove("auth"), connector)?;
    let account = texts(fields.remove("account"), "account")?;
    if let Some(unknown) = account.keys().find(|key| !connector.account.contains_key(*key)) {
        let known: Vec<_> = connector.account.keys().map(String::as_str).collect();
        return Err(Wrong::File(format!("an account of {} has no \"{unknown}\"; it has {}.", connector.title, known.join(", "))));
    }
    let secret = secret(&auth, &texts(fields.remove("secret_env"), "secret_env")?, variable)?;
    let name = text(&mut fields, "name")?.unwrap_or_else(|| connector.title.clone());
    let connection = Connection { account, ..Connection::new(&id, &name, connector.id.clone(), &base_url, auth) };
    Ok((connection, secret))
}

fn text(fields: &mut Map<String, Value>, key: &str) -> Result<Option<String>, Wrong> {
    match fields.remove(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if !text.is_empty() => Ok(Some(text)),
        Some(_) => Err(Wrong::File(format!("\"{key}\" must be text."))),
    }
}

fn texts(value: Option<Value>, key: &str) -> Result<BTreeMap<String, String>, Wrong> {
    match value {
        None | Some(Value::Null) => Ok(BTreeMap::new()),
        Some(Value::Object(map)) => {
            let pairs = map.into_iter().map(|(name, value)| match value {
                Value::String(text) => Ok((name, text)),
                _ => Err(Wrong::File(format!("\"{key}\".\"{name}\" must be text."))),
            });
            pairs.collect()
        }
        Some(_) => Err(Wrong::File(format!("\"{key}\" must be an object of texts."))),
    }
}

fn auth(value: Option<Value>, connector: &Connector) -> Result<AuthKind, Wrong> {
    match value {
        None => Ok(connector.auth.first().cloned().unwrap_or(AuthKind::None)),
        Some(value) => serde_json::from_value(value).map_err(|_repeats_the_value| {
            let kinds =
                r#"{"kind": "bearer"}, {"kind": "basic"}, {"kind": "api_key", "header": "X-Api-Key"} or {"kind": "none"}"#;
            Wrong::File(format!("\"auth\" must be one of {kinds}."))
        }),
    }
}

fn secret(
    auth: &AuthKind,
    names: &BTreeMap<String, String>,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<Option<Secret>, Wrong> {
    let wanted: &[&str] = match auth {
        AuthKind::None => &[],
        AuthKind::Basic => &["user", "password"],
        AuthKind::ApiKey { .. } | AuthKind::Bearer | AuthKind::OAuth { .. } => &["token"],
    };
    let lists = |it: &[&str]| it.iter().map(|it| format!("\"{it}\"")).collect::<Vec<_>>().join(" and ");
    if let Some(unknown) = names.keys().find(|name| !wanted.contains(&name.as_str())) {
        let wants = if wanted.is_empty() { "nothing".to_owned() } else { lists(wanted) };
        return Err(Wrong::File(format!("\"secret_env\" has \"{unknown}\", and this way of signing in wants {wants}.")));
    }
    let get = |name: &&str| {
        let Some(variable_name) = names.get(*name) else {
            return Err(Wrong::File(format!(
                "\"secret_env\" must name {}, each the environment variable that holds it.",
                lists(wanted)
            )));
        };
        // What does not look like a name may be the secret itself, and is not repeated.
        let is_name = |it: u8| it.is_ascii_uppercase() || it.is_ascii_digit() || it == b'_';
        let shown = if variable_name.bytes().all(is_name) {
            format!("The environment variable {variable_name} is not set.")
        } else {
            format!(
                "The environment variable that \"secret_env\".\"{name}\" names is not set. Put the variable's name there, not the secret."
            )
        };
        let is_possible = !variable_name.is_empty() && !variable_name.contains(['=', '\0']);
        is_possible.then(|| variable(variable_name)).flatten().ok_or(Wrong::Secret(shown))
    };
    let mut values = wanted.iter().map(get).collect::<Result<Vec<_>, _>>()?.into_iter();
    Ok(match (auth, values.next(), values.next()) {
        (AuthKind::Basic, Some(user), Some(password)) => Some(Secret::basic(user, password)),
        (AuthKind::ApiKey { .. }, Some(key), None) => Some(Secret::api_key(key)),
        (AuthKind::Bearer | AuthKind::OAuth { .. }, Some(token), None) => Some(Secret::token(token)),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn catalog() -> Catalog {
        let connector = |text: &str| serde_json::from_str::<Connector>(text).unwrap();
        [
            connector(
                r#"{"id":"crm","title":"CRM","environments":[{"id":"live","base_url":"https://crm.example"}],
                    "auth":[{"kind":"bearer"}],"account":{"location_id":"Location"}}"#,
            ),
            connector(r#"{"id":"cal","title":"Cal","environments":[],"auth":[{"kind":"basic"}]}"#),
        ]
        .into_iter()
        .collect()
    }

    fn words(text: &str) -> String {
        match parse(text, &catalog(), &|name| (name == "TOKEN").then(|| "t".to_owned())) {
            Ok(_) => "fine".to_owned(),
            Err(Wrong::File(words)) => words,
            Err(Wrong::Secret(words)) => format!("secret: {words}"),
        }
    }

    #[test]
    fn what_is_left_out_comes_from_the_catalogue() {
        let text = r#"[{"id":"a","connector":"crm","account":{"location_id":"l"},"secret_env":{"token":"TOKEN"}}]"#;
        let bound = parse(text, &catalog(), &|_| Some("t".to_owned())).unwrap();
        let (connection, secret) = &bound[0];
        assert_eq!((connection.base_url.as_str(), connection.name.as_str()), ("https://crm.example", "CRM"));
        assert!(connection.auth == AuthKind::Bearer && secret.is_some());
    }

    #[test]
    fn each_mistake_is_named() {
        for (text, expected) in [
            ("{", "It is not JSON"),
            ("{}", "must be a list"),
            ("[1]", "Connection 1: it must be an object"),
            (r#"[{"connector":"crm"}]"#, "\"id\" is missing"),
            (r#"[{"id":"a","connector":"x"}]"#, "the connector \"x\" is not in the catalogue, which has cal, crm"),
            (r#"[{"id":"a","connector":"crm","token":"s3cret"}]"#, "\"token\" is not known"),
            (r#"[{"id":"a","connector":"crm","account":{"city":"x"}}]"#, "an account of CRM has no \"city\"; it has location_id"),
            (r#"[{"id":"a","connector":"crm","secret_env":"x"}]"#, "\"secret_env\" must be an object"),
            (r#"[{"id":"a","connector":"crm"}]"#, "\"secret_env\" must name \"token\""),
            (
                r#"[{"id":"a","connector":"crm","secret_env":{"user":"TOKEN"}}]"#,
                "has \"user\", and this way of signing in wants \"token\"",
            ),
            (
                r#"[{"id":"a","connector":"crm","secret_env":{"token":"NOT_SET"}}]"#,
                "secret: Connection 1: The environment variable NOT_SET",
            ),
            (r#"[{"id":"a","connector":"crm","base_url":"ftp://x","secret_env":{"token":"TOKEN"}}]"#, "must begin with https://"),
            (r#"[{"id":"a","connector":"cal","base_url":"http://x","auth":{"kind":"magic"}}]"#, "\"auth\" must be one of"),
            (
                r#"[{"id":"a","connector":"crm","secret_env":{"token":"TOKEN"}},{"id":"a","connector":"crm","secret_env":{"token":"TOKEN"}}]"#,
                "Connection 2: the id \"a\" is taken already",
            ),
        ] {
            assert!(words(text).contains(expected), "{text}: {}", words(text));
        }
    }

    #[test]
    fn a_secret_in_the_wrong_place_is_not_repeated() {
        for text in [
            r#"[{"id":"a","connector":"crm","secret_env":{"token":"pit-0123abcd"}}]"#,
            r#"[{"id":"a","connector":"crm","secret_env":"pit-0123abcd"}]"#,
            r#"[{"id":"a","connector":"crm","auth":"pit-0123abcd"}]"#,
            r#"[{"id":"a","connector":"crm","token":"pit-0123abcd"}]"#,
        ] {
            let words = words(text);
            assert!(words != "fine" && !words.contains("0123abcd"), "{words}");
        }
    }

    proptest::proptest! {
        /// Whatever stands in the file: it is taken or refused, and what may be a secret is not repeated.
        #[test]
        fn any_connections_are_taken_or_refused_without_repeating_a_secret(
            field in proptest::sample::select(vec!["secret_env", "auth", "token", "name", "id", "connector", "base_url", "account"]),
            value in proptest::sample::select(vec![
                r#""sk-5ecret""#, r#"{"token": "sk-5ecret"}"#, r#"["sk-5ecret"]"#, r#"{"kind": "sk-5ecret"}"#, r#"{"sk-5ecret": 1}"#,
                "null", "1", "{}", "[]", r#"{"token": null}"#, r#"{"token": "\u0000"}"#, r#"{"token": "a=b"}"#, r#""http://\u0001""#,
            ]),
            rest in "[\\[\\]{}\":, a-z0-9]{0,30}",
        ) {
            let whole = format!(r#"[{{"id": "a", "connector": "crm", "secret_env": {{"token": "TOKEN"}}, "{field}": {value}}}]"#);
            let told = words(&whole);
            // What is named `connector`, `id` or as a field is no place for a secret.
            if ["secret_env", "auth", "token"].contains(&field) && !value.contains(r#"{"sk-"#) {
                proptest::prop_assert!(!told.contains("5ecret"), "{}", told);
            }
            words(&rest);
        }
    }
}
