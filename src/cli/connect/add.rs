//! `flowyard connect add`: a new connection.
use clap::Args;
use serde_json::{Map, Value, json};

use super::place::{PlaceArgs, kept_in};
use super::secret::SecretArgs;
use crate::accounts::Account;
use crate::catalog::{AuthKind, Catalog, Connector, ConnectorId};
use crate::cli::exit::{Error, Exit};
use crate::cli::print::{DIM, Plain, Printer, paint};

// No doc comments, which would have to mark these names.
const SERVICE: &str = "The service: highlevel, schedule_it, mail, files, desktop, or one that was imported";
const KIND: &str =
    "How to sign in: bearer, api_key, api_key_in_query, basic, oauth or none; by default the first that the service has";
const ACCOUNT: &str = "A fact of the account, such as location_id=abc; may be given several times";

/// Make a connection to a service. Its secret goes into the vault: the keychain of the system, or an encrypted file where a
/// key to one is given. It is asked for, or comes from a variable or from standard input; it is never an argument.
#[derive(Debug, Args)]
pub(super) struct Add {
    #[arg(value_name = "SERVICE", help = SERVICE)]
    connector: String,

    #[arg(long, value_name = "KIND", help = KIND)]
    kind: Option<String>,

    /// The header that an API key travels in; by default the one that the service names
    #[arg(long, value_name = "NAME")]
    header: Option<String>,

    /// By what flows and verbs name it; by default made of the service's name
    #[arg(long, value_name = "ID")]
    id: Option<String>,

    /// What people call it
    #[arg(long, value_name = "NAME")]
    name: Option<String>,

    #[arg(long = "account", help = ACCOUNT, value_name = "FIELD=VALUE", value_parser = pair)]
    account: Vec<(String, String)>,

    /// The account's time zone, such as Europe/London
    #[arg(long, value_name = "ZONE")]
    zone: Option<String>,

    /// Another address than the service's own; it must begin with https://, or be on this machine. Or the name of one of the
    /// service's addresses
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,

    /// Which of your environments it belongs to
    #[arg(long, value_name = "NAME")]
    environment: Option<String>,

    /// The app that signs in by OAuth 2.0; the secret that is asked for is the app's
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,

    /// A scope to ask for; may be given several times
    #[arg(long = "scope", value_name = "SCOPE", requires = "client_id")]
    scopes: Vec<String>,

    /// Whom the token is for, such as Location or Company
    #[arg(long, value_name = "TYPE", requires = "client_id")]
    user_type: Option<String>,

    /// Sign in as a service account, without a browser
    #[arg(long, requires = "client_id")]
    client_credentials: bool,

    /// Where the browser comes back to: a port on this machine, or an https:// address from whose page you paste. By default a
    /// free port
    #[arg(long, value_name = "PORT|URL", requires = "client_id")]
    redirect: Option<String>,

    /// Where a person signs in, if not where the service says
    #[arg(long, value_name = "URL", requires = "client_id")]
    authorize_url: Option<String>,

    /// Where tokens are made, if not where the service says
    #[arg(long, value_name = "URL", requires = "client_id")]
    token_url: Option<String>,

    /// The connection to the agency that makes this location's tokens
    #[arg(long, value_name = "CONNECTION")]
    agency: Option<String>,

    #[command(flatten)]
    secret: SecretArgs,

    #[command(flatten)]
    place: PlaceArgs,
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((field, value)) if !field.is_empty() && !value.is_empty() => Ok((field.to_owned(), value.to_owned())),
        _ => Err("write it as FIELD=VALUE, for example location_id=abc".to_owned()),
    }
}

pub(super) fn run(args: &Add, out: &mut Printer) -> Result<Exit, Error> {
    let (desk, catalog) = args.place.desk(out)?;
    let connector = connector(&catalog, &args.connector)?;
    let account = desk.draft(args.fields(connector)?)?;
    let auth = account.connection.auth.clone();
    let given = if needs_secret(&account) {
        // What cannot be opened is known before anybody looks for a secret.
        desk.vault().get(&account.connection.id).map_err(crate::record::Failure::from)?;
        Some(args.secret.read(connector, &auth, auth == AuthKind::Basic, out)?)
    } else {
        None
    };
    let is_kept = given.is_some();
    let connection = desk.add(account, given)?;
    if args.place.json {
        let place = is_kept.then(|| kept_in(desk.vault().place()));
        out.json(&json!({ "connection": connection, "secret_in": place }));
    } else {
        let secret = if is_kept { format!("; its secret is in {}", kept_in(desk.vault().place())) } else { String::new() };
        out.line(format_args!("Added {} ({}){secret}", Plain(connection.id.as_str()), Plain(&connection.name)));
        let missing: Vec<&str> =
            connector.account.keys().filter(|it| !connection.account.contains_key(*it)).map(String::as_str).collect();
        if !missing.is_empty() {
            out.say(paint(DIM, format_args!("Not told: {} (--account FIELD=VALUE).", Plain(&missing.join(", ")))));
        }
        let next = if matches!(auth, AuthKind::OAuth(_)) { "sign-in" } else { "test" };
        out.say(paint(DIM, format_args!("Next: flowyard connect {next} {}", Plain(connection.id.as_str()))));
    }
    args.place.tell(out)?;
    Ok(Exit::Done)
}

/// A location whose agency makes its tokens has no secret of its own.
fn needs_secret(account: &Account) -> bool {
    account.needs_secret() && account.connection.agency.is_none()
}

fn connector<'a>(catalog: &'a Catalog, named: &str) -> Result<&'a Connector, Error> {
    catalog.connector(&ConnectorId::new(named)).map(|it| &**it).ok_or_else(|| {
        let known: Vec<_> = catalog.connectors().map(|it| it.id.as_str()).collect();
        let hint = format!("There are {}; `flowyard catalog import` adds another.", known.join(", "));
        Error::not_found(format!("The catalogue has no service \"{named}\""), hint)
    })
}

impl Add {
    /// As they stand in the file.
    fn fields(&self, connector: &Connector) -> Result<Map<String, Value>, Error> {
        let mut fields = Map::new();
        let mut put = |key: &str, value: Option<Value>| value.map(|it| fields.insert(key.to_owned(), it));
        put("connector", Some(self.connector.as_str().into()));
        put("id", self.id.as_deref().map(Value::from));
        put("name", self.name.as_deref().map(Value::from));
        put("zone", self.zone.as_deref().map(Value::from));
        put("environment", self.environment.as_deref().map(Value::from));
        put("agency", self.agency.as_deref().map(Value::from));
        let known = |text: &String| connector.environments.iter().find(|it| it.id == *text).map(|it| it.base_url.clone());
        put("base_url", self.base_url.as_ref().map(|it| known(it).unwrap_or_else(|| it.clone()).into()));
        if !self.account.is_empty() {
            put(
                "account",
                Some(self.account.iter().cloned().collect::<std::collections::BTreeMap<_, _>>().into_iter().collect()),
            );
        }
        let kind = match (&self.kind, &self.header, &self.client_id, &self.agency) {
            (Some(kind), ..) => Some(kind.as_str()),
            (None, Some(_), ..) => Some("api_key"),
            (None, None, Some(_), _) | (None, None, None, Some(_)) => Some("oauth"),
            (None, None, None, None) => None,
        };
        if let Some(kind) = kind {
            let is_known = connector.auth.iter().any(|it| it.name() == kind);
            put(
                "auth",
                Some(match (kind, &self.header) {
                    ("api_key", Some(header)) => json!({ "kind": kind, "header": header }),
                    (_, Some(_)) => return Err(Error::usage("--header is for API keys", "Add --kind api_key, or leave it out.")),
                    ("api_key", None) if !is_known => json!({ "kind": kind, "header": "X-Api-Key" }),
                    ("oauth" | "bearer" | "basic" | "api_key" | "api_key_in_query" | "none", None) => json!({ "kind": kind }),
                    _ => {
                        let kinds: Vec<_> = connector.auth.iter().map(AuthKind::name).collect();
                        let hint = format!("{} has {}.", connector.title, kinds.join(", "));
                        return Err(Error::usage("There is no such way to sign in", hint));
                    }
                }),
            );
        }
        if let Some(client_id) = &self.client_id {
            put("oauth", Some(self.oauth(client_id)));
        }
        Ok(fields)
    }

    fn oauth(&self, client_id: &str) -> Value {
        let mut oauth = Map::from_iter([("client_id".to_owned(), client_id.into())]);
        let mut put = |key: &str, value: Option<Value>| value.map(|it| oauth.insert(key.to_owned(), it));
        put("user_type", self.user_type.as_deref().map(Value::from));
        put("grant", self.client_credentials.then(|| "client_credentials".into()));
        put("scopes", (!self.scopes.is_empty()).then(|| self.scopes.clone().into()));
        put("authorize_url", self.authorize_url.as_deref().map(Value::from));
        put("token_url", self.token_url.as_deref().map(Value::from));
        put(
            "redirect",
            self.redirect.as_deref().map(|it| match it.parse::<u16>() {
                Ok(port) => json!({ "port": port }),
                Err(_) => json!({ "pasted": it }),
            }),
        );
        Value::Object(oauth)
    }
}
