//! One connection as the file has it.
use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::environment::{NAMES, is_environment};
use super::{address, secrets};
use crate::catalog::{AuthKind, Catalog, Connector, ConnectorId};
use crate::connector::{Connection, ConnectionId, OAuthSettings, is_public_key};

/// In the order in which they are written.
const KEYS: &[&str] = &[
    "id",
    "name",
    "connector",
    "environment",
    "base_url",
    "account",
    "zone",
    "auth",
    "oauth",
    "agency",
    "notice_keys",
    "secret_env",
];

/// A connection, with where its secret comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The connection.
    pub connection: Connection,
    /// The environment variables that hold its secrets, by what they hold; without any it is in the vault.
    pub secret_env: BTreeMap<String, String>,
    /// As a person, or an earlier change, wrote it.
    written: Map<String, Value>,
}

impl Account {
    /// Reads one; what is left out comes from the catalogue.
    ///
    /// # Errors
    /// What is wrong with it, in a sentence.
    pub fn parse(value: Value, catalog: &Catalog) -> Result<Self, String> {
        let Value::Object(written) = value else { return Err("it must be an object.".to_owned()) };
        let mut fields = written.clone();
        if let Some(unknown) = fields.keys().find(|key| !KEYS.contains(&key.as_str())) {
            return Err(format!("\"{unknown}\" is not known; it may have {}.", KEYS.join(", ")));
        }
        let id = text(&mut fields, "id")?.ok_or("\"id\" is missing.")?;
        let named = text(&mut fields, "connector")?.ok_or("\"connector\" is missing.")?;
        let connector = catalog.connector(&ConnectorId::new(&named)).ok_or_else(|| {
            let known: Vec<_> = catalog.connectors().map(|it| it.id.as_str()).collect();
            format!("the connector \"{named}\" is not in the catalogue, which has {}.", known.join(", "))
        })?;
        let base_url = match text(&mut fields, "base_url")? {
            Some(url) => address::normal(&url).map_err(|why| format!("\"base_url\" cannot be used: {why}."))?,
            None => match connector.environments.first() {
                Some(first) => first.base_url.clone(),
                None => return Err("\"base_url\" is missing.".to_owned()),
            },
        };
        let is_right = match connector.id.as_str() {
            "mail" => base_url.starts_with("smtp"),
            "files" => base_url.starts_with("file:"),
            "desktop" => base_url.starts_with("desktop:"),
            _ => !["smtp", "file:", "desktop:"].iter().any(|it| base_url.starts_with(it)),
        };
        if !is_right && !base_url.starts_with("http://") {
            let wanted = match connector.id.as_str() {
                "mail" => "smtps:// or smtp://",
                "files" => "/ or file:///, or a drive on Windows",
                "desktop" => "desktop://",
                _ => "https://",
            };
            return Err(format!("\"base_url\" cannot be used: an address of {} begins with {wanted}.", connector.title));
        }
        let auth = auth(fields.remove("auth"), connector)?;
        let account = texts(fields.remove("account"), "account")?;
        if let Some(unknown) = account.keys().find(|key| !connector.account.contains_key(*key)) {
            let known: Vec<_> = connector.account.keys().map(String::as_str).collect();
            return Err(format!("an account of {} has no \"{unknown}\"; it has {}.", connector.title, known.join(", ")));
        }
        let secret_env = texts(fields.remove("secret_env"), "secret_env")?;
        sources(&auth, &secret_env)?;
        let zone = text(&mut fields, "zone")?;
        if zone.as_ref().is_some_and(|it| jiff::tz::TimeZone::get(it).is_err()) {
            return Err("\"zone\" must be a time zone like \"Europe/London\".".to_owned());
        }
        let oauth = oauth(fields.remove("oauth"), &auth)?;
        let name = text(&mut fields, "name")?.unwrap_or_else(|| connector.title.clone());
        let environment = text(&mut fields, "environment")?.unwrap_or_else(|| Connection::LIVE.to_owned());
        if !is_environment(&environment) {
            return Err(format!("\"environment\" cannot be that: {NAMES}."));
        }
        let agency = text(&mut fields, "agency")?.map(|it| ConnectionId::new(&it));
        let notice_keys = notice_keys(fields.remove("notice_keys"), connector)?;
        let connection = Connection {
            account,
            environment,
            zone,
            oauth,
            agency,
            notice_keys,
            ..Connection::new(&id, &name, connector.id.clone(), &base_url, auth)
        };
        Ok(Self { connection, secret_env, written })
    }

    /// One that lies in no file; its secret is in the vault's memory.
    pub(super) fn loose(connection: Connection) -> Self {
        Self { connection, secret_env: BTreeMap::new(), written: Map::new() }
    }

    /// Whether its secret comes from the environment.
    pub fn is_of_environment(&self) -> bool {
        !self.secret_env.is_empty()
    }

    /// Whether it needs a secret at all.
    pub fn needs_secret(&self) -> bool {
        self.connection.auth != AuthKind::None
    }

    /// The same with one field set, or taken out.
    ///
    /// # Errors
    /// As [`Account::parse`].
    pub fn with(&self, key: &str, value: Option<Value>, catalog: &Catalog) -> Result<Self, String> {
        let mut written = self.written.clone();
        match value {
            Some(value) => drop(written.insert(key.to_owned(), value)),
            None => drop(written.remove(key)),
        }
        Self::parse(Value::Object(written), catalog)
    }

    /// A line of the file.
    pub(super) fn to_line(&self) -> String {
        let known = KEYS.iter().filter_map(|key| Some((*key, self.written.get(*key)?)));
        let fields: Vec<String> = known.map(|(key, value)| format!("\"{key}\": {value}")).collect();
        format!("{{{}}}", fields.join(", "))
    }
}

/// Public keys by which the service's messages are known, by the header of their signature.
fn notice_keys(value: Option<Value>, connector: &Connector) -> Result<BTreeMap<String, String>, String> {
    let keys = texts(value, "notice_keys")?;
    for (header, key) in &keys {
        let signatures = connector.notices.iter().flat_map(|it| &it.signatures);
        let Some(signature) = signatures.clone().find(|it| it.header == *header) else {
            let known: Vec<_> = signatures.map(|it| it.header.as_str()).collect();
            return Err(match known.as_slice() {
                [] => format!("\"notice_keys\" cannot be used: {} sends no signed messages.", connector.title),
                known => {
                    format!("\"notice_keys\" has no header \"{header}\"; {} signs in {}.", connector.title, known.join(", "))
                }
            });
        };
        if !is_public_key(signature.kind, key) {
            return Err(format!("the key for \"{header}\" in \"notice_keys\" must be a public key in base64 or PEM."));
        }
    }
    Ok(keys)
}

fn text(fields: &mut Map<String, Value>, key: &str) -> Result<Option<String>, String> {
    match fields.remove(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if !text.is_empty() => Ok(Some(text)),
        Some(_) => Err(format!("\"{key}\" must be text.")),
    }
}

fn texts(value: Option<Value>, key: &str) -> Result<BTreeMap<String, String>, String> {
    match value {
        None | Some(Value::Null) => Ok(BTreeMap::new()),
        Some(Value::Object(map)) => {
            let pairs = map.into_iter().map(|(name, value)| match value {
                Value::String(text) => Ok((name, text)),
                _ => Err(format!("\"{key}\".\"{name}\" must be text.")),
            });
            pairs.collect()
        }
        Some(_) => Err(format!("\"{key}\" must be an object of texts.")),
    }
}

/// A way to sign in: the connector's first where none is named, and the connector's own of that kind where only the kind is.
fn auth(value: Option<Value>, connector: &Connector) -> Result<AuthKind, String> {
    let Some(value) = value else { return Ok(connector.auth.first().cloned().unwrap_or(AuthKind::None)) };
    if let Some(kind) = value.as_object().filter(|it| it.len() == 1).and_then(|it| it.get("kind")).and_then(Value::as_str)
        && let Some(known) = connector.auth.iter().find(|it| it.name() == kind)
    {
        return Ok(known.clone());
    }
    serde_json::from_value(value).map_err(|_repeats_the_value| {
        let kinds = r#"{"kind": "bearer"}, {"kind": "basic"}, {"kind": "api_key", "header": "X-Api-Key"}, {"kind": "api_key_in_query", "parameter": "key"}, {"kind": "oauth"} or {"kind": "none"}"#;
        format!("\"auth\" must be one of {kinds}.")
    })
}

fn oauth(value: Option<Value>, auth: &AuthKind) -> Result<Option<Box<OAuthSettings>>, String> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(_) if !matches!(auth, AuthKind::OAuth(_)) => {
            Err("\"oauth\" is for connections whose \"auth\" is {\"kind\": \"oauth\"}.".to_owned())
        }
        Some(value) => serde_json::from_value(value).map(|it| Some(Box::new(it))).map_err(|_repeats_the_value| {
            "\"oauth\" must be an object with \"client_id\", and may have \"user_type\", \"grant\", \"redirect\", \"pkce\", \"scopes\", \"more\", \
             \"authorize_url\" and \"token_url\"; the client's secret does not belong here."
                .to_owned()
        }),
    }
}

/// Whether `secret_env` names all that the way to sign in wants, or nothing at all.
fn sources(auth: &AuthKind, names: &BTreeMap<String, String>) -> Result<(), String> {
    let wanted = secrets::wanted(auth);
    let lists = |it: &[&str], word: &str| it.iter().map(|it| format!("\"{it}\"")).collect::<Vec<_>>().join(word);
    let both = if matches!(auth, AuthKind::OAuth(_)) { " or " } else { " and " };
    if let Some(unknown) = names.keys().find(|name| !wanted.contains(&name.as_str())) {
        let wants = if wanted.is_empty() { "nothing".to_owned() } else { lists(wanted, both) };
        return Err(format!("\"secret_env\" has \"{unknown}\", and this way of signing in wants {wants}."));
    }
    if matches!(auth, AuthKind::Basic) && names.len() == 1 {
        return Err(format!("\"secret_env\" must name {}, each the environment variable that holds it.", lists(wanted, both)));
    }
    Ok(())
}
