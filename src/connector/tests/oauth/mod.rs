//! Signing in and renewing, against the sandbox's own OAuth server and against servers that mean harm.
mod attacks;
mod refresh;
mod sign_in;

use std::sync::{Arc, Mutex};

use jiff::SignedDuration;
use serde_json::{Map, Value};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::catalog::{Catalog, ConnectorId, OperationId};
use crate::connector::oauth::{OAuthSettings, Progress, Redirect};
use crate::connector::secret::SecretKind;
use crate::connector::{Called, Caller, Connection, Connections, Granted, Secret, Settings, Vault};
use crate::record::Failure;
use crate::sandbox::{self, Handle, LedgerEntry, OauthAccess, Options};

const TOKENS: &str = "highlevel.oauth.get-access-token";
const READ: &str = "highlevel.contacts.get-contacts";

/// A sandbox, somebody who calls it, and a browser.
struct Scene {
    sandbox: Handle,
    caller: Caller,
    connection: Connection,
    catalog: Catalog,
    browser: reqwest::Client,
}

/// A connection to one of the sandbox's services, by its app.
fn connection(id: &str, connector: &str, base_url: &str, app: &OauthAccess, catalog: &Catalog) -> Connection {
    let connector = ConnectorId::new(connector);
    let ways = &catalog.connector(&connector).unwrap().auth;
    let auth = ways.iter().find(|it| matches!(it, crate::catalog::AuthKind::OAuth(_))).unwrap().clone();
    let oauth = OAuthSettings {
        client_id: app.client_id.clone(),
        // Tests run at the same time.
        redirect: Redirect::Port(0),
        authorize_url: Some(app.authorize_url.clone()),
        token_url: Some(app.token_url.clone()),
        ..OAuthSettings::default()
    };
    Connection { oauth: Some(Box::new(oauth)), ..Connection::new(id, "Main", connector, base_url, auth) }
}

fn browser() -> reqwest::Client {
    rustls::crypto::ring::default_provider().install_default().ok();
    reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap()
}

impl Scene {
    async fn start() -> Self {
        Self::with(Vault::in_memory()).await
    }

    /// A HighLevel connection "crm" whose app's secret is in this vault.
    async fn with(vault: Vault) -> Self {
        let catalog = Catalog::shipped();
        let sandbox = sandbox::start(&catalog, Options::default()).await.unwrap();
        let access = sandbox.access().clone();
        let mut connection = connection("crm", "highlevel", &access.highlevel.base_url, &access.highlevel.oauth, &catalog);
        connection.account.insert("location_id".into(), access.highlevel.location_id.clone());
        vault.insert(connection.id.of_client(), Secret::client(access.highlevel.oauth.client_secret)).unwrap();
        let caller = Caller::new(Settings::default(), vault).unwrap().with_catalog(catalog.clone());
        let caller = caller.with_connections(Connections::from_iter([connection.clone()]));
        Self { sandbox, caller, connection, catalog, browser: browser() }
    }

    /// A scene in which somebody has signed in.
    async fn signed_in() -> Self {
        let scene = Self::start().await;
        scene.sign_in().await.unwrap();
        scene
    }

    async fn sign_in(&self) -> Result<Granted, Failure> {
        let connection = self.connection.clone();
        self.sign_in_as(&connection, "Location").await
    }

    async fn sign_in_as(&self, connection: &Connection, holder: &str) -> Result<Granted, Failure> {
        let begun = self.begin(connection);
        let back = self.press(&begun.opened().await, "allow", holder).await;
        self.browser.get(back).send().await.unwrap();
        begun.end().await
    }

    /// A sign-in that waits for the browser.
    fn begin(&self, connection: &Connection) -> Begun {
        Begun::new(self.caller.clone(), connection.clone())
    }

    /// Presses a button of the consent page; where the browser is sent then.
    async fn press(&self, opened: &Url, decision: &str, holder: &str) -> Url {
        let form = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(opened.query_pairs())
            .extend_pairs([("decision", decision), ("holder", holder)])
            .finish();
        let page = opened[..url::Position::AfterPath].to_owned();
        let request = self.browser.post(page).header("content-type", "application/x-www-form-urlencoded").body(form);
        let answer = request.send().await.unwrap();
        answer.headers()["location"].to_str().unwrap().parse().unwrap()
    }

    /// Reads contacts.
    async fn read(&self) -> Called {
        self.read_on(&self.connection).await
    }

    async fn read_on(&self, connection: &Connection) -> Called {
        let (connector, operation) = self.catalog.operation(&OperationId::new(READ)).unwrap();
        let called = self.caller.call(connection, connector, operation, &Map::new()).await;
        self.assert_clean(&format!("{called:?}"));
        called
    }

    /// What is in the ledger of an operation since an entry.
    fn done(&self, operation: &str, since: u64) -> Vec<LedgerEntry> {
        let all = self.sandbox.ledger_since(since).into_iter();
        all.filter(|it| it.operation.as_str() == operation).collect()
    }

    fn renewals(&self, since: u64) -> usize {
        self.done(TOKENS, since).len()
    }

    fn expire(&self) {
        self.sandbox.expire_tokens(&ConnectorId::new("highlevel"));
    }

    fn kept(&self) -> Arc<Secret> {
        self.caller.vault().get(&self.connection.id).unwrap().unwrap()
    }

    /// Sets the clock as it were: what is kept was received so much later, and ends so much later.
    fn shift(&self, by: SignedDuration) {
        let kept = self.kept();
        let SecretKind::OAuth(tokens) = kept.kind() else { panic!("tokens") };
        let mut granted = tokens.granted.clone();
        granted.obtained_at = granted.obtained_at.checked_add(by).unwrap();
        granted.expires_at = granted.expires_at.map(|it| it.checked_add(by).unwrap());
        let refresh = tokens.refresh.as_ref().map(|it| it.as_str().to_owned());
        let shifted = Secret::tokens(tokens.access.as_str().to_owned(), refresh, granted);
        self.caller.vault().insert(self.connection.id.clone(), shifted).unwrap();
    }

    /// Nothing that is kept in the vault stands in a text.
    fn assert_clean(&self, text: &str) {
        for id in [self.connection.id.clone(), self.connection.id.of_client()] {
            if let Some(secret) = self.caller.vault().get(&id).unwrap() {
                assert!(!secret.traces().is_in(text.as_bytes()), "{text}");
            }
        }
    }
}

/// A sign-in under way.
struct Begun {
    task: tokio::task::JoinHandle<Result<Granted, Failure>>,
    told: Arc<Mutex<Vec<Progress>>>,
    opened: tokio::sync::watch::Receiver<Option<Progress>>,
    pasted: mpsc::Sender<String>,
    cancel: CancellationToken,
}

impl Begun {
    fn new(caller: Caller, connection: Connection) -> Self {
        let told: Arc<Mutex<Vec<Progress>>> = Arc::default();
        let (open, opened) = tokio::sync::watch::channel(None);
        let (pasted, receiver) = mpsc::channel(4);
        let cancel = CancellationToken::new();
        let (log, token) = (Arc::clone(&told), cancel.clone());
        let task = tokio::spawn(async move {
            let tell = |it: Progress| {
                log.lock().unwrap().push(it.clone());
                open.send_replace(Some(it));
            };
            caller.sign_in(&connection, receiver, tell, token).await
        });
        Self { task, told, opened, pasted, cancel }
    }

    /// The address that the browser is to open.
    async fn opened(&self) -> Url {
        let mut opened = self.opened.clone();
        let found = opened.wait_for(|it| matches!(it, Some(Progress::Open { .. }))).await.unwrap();
        match found.as_ref() {
            Some(Progress::Open { url, .. }) => url.parse().unwrap(),
            other => panic!("{other:?}"),
        }
    }

    async fn end(self) -> Result<Granted, Failure> {
        self.task.await.unwrap()
    }
}

fn in_query(url: &Url, name: &str) -> String {
    url.query_pairs().find(|(key, _)| key == name).map(|(_, it)| it.into_owned()).unwrap_or_default()
}

fn kept_value(secret: &Secret) -> Value {
    serde_json::from_slice(&secret.encode().unwrap()).unwrap()
}
