//! A connection that is being made: what a person chose and typed.
//!
//! Invariant: a secret stands in a buffer that is wiped and does not move as it grows, and is shown nowhere.
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use super::needs::Needed;
use crate::accounts::{self, Given};
use crate::catalog::{AuthKind, Connector, ConnectorId, Grant};
use crate::engine::Connection;

/// As long as a secret may be before its buffer has to move.
const ROOM: usize = 8 << 10;

/// An empty buffer for a secret.
pub(super) fn empty_secret() -> Zeroizing<String> {
    Zeroizing::new(String::with_capacity(ROOM))
}

/// Where the browser comes back to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Back {
    /// This machine, at a free port.
    #[default]
    Free,
    /// This machine, at the port that the app has at the service.
    Port,
    /// An address on the network, from whose page a person pastes.
    Pasted,
}

impl Back {
    pub(super) const ALL: [(Self, &'static str); 3] =
        [(Self::Free, "Any port here"), (Self::Port, "One port here"), (Self::Pasted, "A page that I paste from")];
}

/// What is made.
pub(crate) struct Draft {
    pub(crate) connector: Option<ConnectorId>,
    /// Which of the service's ways to sign in.
    pub(crate) kind: usize,
    pub(crate) name: String,
    pub(crate) account: BTreeMap<String, String>,
    pub(crate) zone: String,
    /// Which environment it belongs to.
    pub(crate) environment: String,
    /// Empty for the service's own.
    pub(crate) base_url: String,
    pub(crate) user: String,
    pub(crate) secret: Zeroizing<String>,
    pub(crate) client_id: String,
    /// None leaves it to what is needed.
    pub(crate) scopes: Option<String>,
    pub(crate) grant: Grant,
    pub(crate) user_type: Option<String>,
    pub(crate) back: Back,
    /// The port, or the address.
    pub(crate) redirect: String,
    pub(crate) authorize_url: String,
    pub(crate) token_url: String,
    /// Why it could not be added, and what to do.
    pub(crate) wrong: Option<String>,
    /// It is being added.
    pub(crate) busy: bool,
}

impl std::fmt::Debug for Draft {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Draft").field("connector", &self.connector).finish_non_exhaustive()
    }
}

impl Draft {
    /// Of a service, or of none yet.
    pub(crate) fn new(connector: Option<&Connector>) -> Self {
        let mut draft = Self {
            connector: None,
            kind: 0,
            name: String::new(),
            account: BTreeMap::new(),
            zone: String::new(),
            environment: Connection::LIVE.to_owned(),
            base_url: String::new(),
            user: String::new(),
            secret: empty_secret(),
            client_id: String::new(),
            scopes: None,
            grant: Grant::default(),
            user_type: None,
            back: Back::default(),
            redirect: String::new(),
            authorize_url: String::new(),
            token_url: String::new(),
            wrong: None,
            busy: false,
        };
        if let Some(connector) = connector {
            draft.choose(connector);
        }
        draft
    }

    /// Another service: what was typed for the one before is not for it.
    pub(crate) fn choose(&mut self, connector: &Connector) {
        if self.connector.as_ref() == Some(&connector.id) {
            return;
        }
        let (name, environment) = (std::mem::take(&mut self.name), std::mem::take(&mut self.environment));
        *self = Self { name, environment, ..Self::new(None) };
        self.connector = Some(connector.id.clone());
        self.choose_kind(connector, 0);
    }

    /// Another way to sign in; a secret that was typed for the one before is forgotten.
    pub(crate) fn choose_kind(&mut self, connector: &Connector, kind: usize) {
        self.kind = kind;
        self.secret = empty_secret();
        self.wrong = None;
        if let Some(AuthKind::OAuth(oauth)) = connector.auth.get(kind) {
            self.grant = oauth.grants.first().copied().unwrap_or_default();
            self.user_type = oauth.user_types.first().cloned();
            self.back = if oauth.exact_redirect { Back::Port } else { Back::Free };
            "8976".clone_into(&mut self.redirect);
        }
    }

    pub(crate) fn auth<'a>(&self, connector: &'a Connector) -> Option<&'a AuthKind> {
        connector.auth.get(self.kind)
    }

    /// What is added, as a line of the file of connections has it, and its secret.
    ///
    /// # Errors
    /// Words about the first field that has to be filled or is filled wrongly.
    pub(crate) fn done(&self, connector: &Connector, needed: &Needed) -> Result<(Map<String, Value>, Option<Given>), String> {
        let auth = self.auth(connector).cloned().unwrap_or(AuthKind::None);
        let text = |it: &str| it.trim().to_owned();
        let mut fields = Map::new();
        fields.insert("connector".to_owned(), connector.id.as_str().into());
        if !text(&self.name).is_empty() {
            fields.insert("name".to_owned(), text(&self.name).into());
        }
        let account: Map<String, Value> = self
            .account
            .iter()
            .filter(|(key, value)| connector.account.contains_key(*key) && !value.trim().is_empty())
            .map(|(key, value)| (key.clone(), text(value).into()))
            .collect();
        if !account.is_empty() {
            fields.insert("account".to_owned(), Value::Object(account));
        }
        if !text(&self.zone).is_empty() {
            fields.insert("zone".to_owned(), text(&self.zone).into());
        }
        let environment = text(&self.environment);
        if !environment.is_empty() && environment != Connection::LIVE {
            if !accounts::is_environment(&environment) {
                return Err("An environment's name is of letters, digits, - _ and . only.".to_owned());
            }
            fields.insert("environment".to_owned(), environment.into());
        }
        match text(&self.base_url) {
            url if !url.is_empty() => {
                let url = accounts::base_url(&url).map_err(|why| format!("The address cannot be used: {why}."))?;
                fields.insert("base_url".to_owned(), url.into());
            }
            _ if connector.environments.is_empty() => return Err("The address of the service is needed.".to_owned()),
            _ => {}
        }
        // A service may take several keys; which of them is meant says its name.
        let sign_in = match &auth {
            AuthKind::ApiKey { .. } | AuthKind::ApiKeyInQuery { .. } => serde_json::to_value(&auth).unwrap_or_default(),
            other => json!({ "kind": other.name() }),
        };
        fields.insert("auth".to_owned(), sign_in);
        let secret = Zeroizing::new(text(&self.secret));
        let given = match &auth {
            AuthKind::None => None,
            AuthKind::OAuth(_) => {
                fields.insert("oauth".to_owned(), Value::Object(self.oauth(connector, needed)?));
                if secret.is_empty() && self.grant == Grant::ClientCredentials {
                    return Err("A service account needs the client secret of its app.".to_owned());
                }
                (!secret.is_empty()).then_some(Given { user: None, secret })
            }
            AuthKind::Basic => {
                let label = connector.guide(&auth).and_then(|it| it.user.clone()).unwrap_or_else(|| "User".to_owned());
                let user = Some(text(&self.user)).filter(|it| !it.is_empty()).ok_or_else(|| format!("{label} is needed."))?;
                Some(Given { user: Some(user), secret: demanded(secret, connector, &auth)? })
            }
            AuthKind::Bearer | AuthKind::ApiKey { .. } | AuthKind::ApiKeyInQuery { .. } => {
                Some(Given { user: None, secret: demanded(secret, connector, &auth)? })
            }
        };
        Ok((fields, given))
    }

    fn oauth(&self, connector: &Connector, needed: &Needed) -> Result<Map<String, Value>, String> {
        let Some(AuthKind::OAuth(known)) = self.auth(connector) else { return Ok(Map::new()) };
        let client = self.client_id.trim();
        if client.is_empty() {
            return Err("The client ID of your app is needed.".to_owned());
        }
        let mut oauth = Map::from_iter([("client_id".to_owned(), Value::from(client))]);
        let mut put = |key: &str, value: Value| drop(oauth.insert(key.to_owned(), value));
        if let Some(user_type) = &self.user_type {
            put("user_type", user_type.as_str().into());
        }
        let scopes = self.scopes_or(connector, needed);
        if let Some(typed) = self.scopes.as_ref().filter(|_| !needed.is_empty()) {
            // What is more than flows need is asked for again at the next sign-in, too.
            let usual = Self { scopes: None, user_type: self.user_type.clone(), ..Self::new(None) }.scopes_or(connector, needed);
            let more: Vec<&str> = typed.split_whitespace().filter(|it| !usual.iter().any(|known| known == it)).collect();
            if !more.is_empty() {
                put("more", more.into());
            }
        }
        if !scopes.is_empty() {
            put("scopes", scopes.into());
        }
        for (key, typed, own, what) in [
            ("authorize_url", &self.authorize_url, &known.authorize_url, "signing in"),
            ("token_url", &self.token_url, &known.token_url, "tokens"),
        ] {
            let typed = typed.trim();
            let is_needed = key == "token_url" || self.grant == Grant::AuthorizationCode;
            if !typed.is_empty() {
                put(key, typed.into());
            } else if own.is_empty() && is_needed {
                return Err(format!("The address for {what} is needed; the service names it."));
            }
        }
        if self.grant == Grant::ClientCredentials {
            put("grant", "client_credentials".into());
            return Ok(oauth);
        }
        match self.back {
            Back::Free => {}
            Back::Port => {
                let port = self.redirect.trim().parse::<u16>().ok().filter(|it| *it > 0);
                put("redirect", json!({ "port": port.ok_or("The port is a number from 1 to 65535.")? }));
            }
            Back::Pasted => {
                let url = self.redirect.trim();
                if !url.starts_with("https://") {
                    return Err("The address to come back to begins with https://, as your app has it.".to_owned());
                }
                put("redirect", json!({ "pasted": url }));
            }
        }
        Ok(oauth)
    }

    /// The scopes that are asked for: what was typed, or what is needed and shows whose account it is.
    pub(crate) fn scopes_or(&self, connector: &Connector, needed: &Needed) -> Vec<String> {
        match &self.scopes {
            Some(typed) => typed.split_whitespace().map(str::to_owned).collect(),
            // Without a flow that needs any, the service's app decides.
            None if needed.is_empty() => Vec::new(),
            None => {
                let is_agency = self.user_type.as_deref() == Some("Company");
                let all = needed.keys().cloned().chain(accounts::identity(connector, is_agency));
                all.collect::<BTreeSet<_>>().into_iter().collect()
            }
        }
    }

    /// The address that the app at the service must have, where that is known beforehand.
    pub(crate) fn redirect_url(&self) -> Option<String> {
        match self.back {
            Back::Port => Some(format!("http://127.0.0.1:{}/signed-in", self.redirect.trim())),
            Back::Free | Back::Pasted => None,
        }
    }
}

fn demanded(secret: Zeroizing<String>, connector: &Connector, auth: &AuthKind) -> Result<Zeroizing<String>, String> {
    if secret.is_empty() {
        return Err(format!("{} is needed.", secret_label(connector, auth)));
    }
    Ok(secret)
}

/// What the secret is called at the service.
pub(super) fn secret_label(connector: &Connector, auth: &AuthKind) -> String {
    let usual = match auth {
        AuthKind::Basic => "Password",
        AuthKind::OAuth(_) => "Client secret",
        AuthKind::ApiKey { .. } | AuthKind::ApiKeyInQuery { .. } => "API key",
        AuthKind::Bearer | AuthKind::None => "Token",
    };
    connector.guide(auth).and_then(|it| it.secret.clone()).unwrap_or_else(|| usual.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Catalog;

    fn of(connector: &str, kind: &str) -> (std::sync::Arc<Connector>, Draft) {
        let connector = std::sync::Arc::clone(Catalog::shipped().connector(&ConnectorId::new(connector)).unwrap());
        let mut draft = Draft::new(Some(&connector));
        let at = connector.auth.iter().position(|it| it.name() == kind).unwrap();
        draft.choose_kind(&connector, at);
        (connector, draft)
    }

    #[test]
    fn a_token_is_added_with_the_facts_of_the_account() {
        let (connector, mut draft) = of("highlevel", "bearer");
        assert!(draft.done(&connector, &Needed::new()).err().unwrap().contains("Private integration token is needed"));
        draft.secret.push_str(" pit-1 \n");
        draft.name = " Riverside ".to_owned();
        draft.account.insert("location_id".to_owned(), " L1 ".to_owned());
        draft.account.insert("unknown".to_owned(), "x".to_owned());
        draft.zone = "Europe/London".to_owned();
        let (fields, given) = draft.done(&connector, &Needed::new()).unwrap();
        let expected = json!({
            "connector": "highlevel", "name": "Riverside", "account": {"location_id": "L1"}, "zone": "Europe/London",
            "auth": {"kind": "bearer"},
        });
        assert_eq!(Value::Object(fields), expected);
        let given = given.unwrap();
        assert_eq!((given.user, given.secret.as_str()), (None, "pit-1"));
        assert!(!format!("{draft:?}").contains("pit-1"));
        draft.base_url = "http://elsewhere.example".to_owned();
        assert!(draft.done(&connector, &Needed::new()).err().unwrap().contains("this machine only"));
    }

    #[test]
    fn an_app_asks_for_what_flows_need_and_says_where_the_browser_comes_back_to() {
        let (connector, mut draft) = of("highlevel", "oauth");
        let needed = Needed::from([("a.read".to_owned(), vec![]), ("b.write".to_owned(), vec![])]);
        assert!(draft.done(&connector, &needed).err().unwrap().contains("client ID"));
        draft.client_id = "app".to_owned();
        draft.secret.push('s');
        let (fields, given) = draft.done(&connector, &needed).unwrap();
        let oauth = json!({"client_id": "app", "user_type": "Location", "scopes": ["a.read", "b.write", "locations.readonly"], "redirect": {"port": 8976}});
        assert_eq!((&fields["oauth"], given.is_some()), (&oauth, true));
        draft.scopes = Some("x  y".to_owned());
        draft.back = Back::Pasted;
        draft.redirect = "http://no.example".to_owned();
        assert!(draft.done(&connector, &needed).err().unwrap().contains("begins with https://"));
        draft.redirect = "https://yes.example/back".to_owned();
        let (fields, _) = draft.done(&connector, &needed).unwrap();
        assert_eq!(fields["oauth"]["scopes"], json!(["x", "y"]));
        assert_eq!(fields["oauth"]["more"], json!(["x", "y"]), "no flow needs them");
        assert_eq!(fields["oauth"]["redirect"], json!({"pasted": "https://yes.example/back"}));
        draft.grant = Grant::ClientCredentials;
        draft.secret = empty_secret();
        assert!(draft.done(&connector, &needed).err().unwrap().contains("client secret"));
    }

    #[test]
    fn addresses_that_the_catalogue_does_not_know_are_asked_for() {
        let (connector, mut draft) = of("schedule_it", "oauth");
        draft.client_id = "app".to_owned();
        assert!(draft.done(&connector, &Needed::new()).err().unwrap().contains("The address for signing in is needed"));
        draft.authorize_url = "https://a.example/authorize".to_owned();
        assert!(draft.done(&connector, &Needed::new()).err().unwrap().contains("The address for tokens is needed"));
        draft.token_url = "https://a.example/token".to_owned();
        draft.back = Back::Free;
        let (fields, given) = draft.done(&connector, &Needed::new()).unwrap();
        assert_eq!((fields["oauth"].get("redirect"), given.is_none()), (None, true));
    }

    #[test]
    fn another_way_or_service_forgets_the_secret_that_was_typed() {
        let (connector, mut draft) = of("schedule_it", "basic");
        draft.user = "1_a".to_owned();
        draft.secret.push_str("hidden");
        assert_eq!(draft.done(&connector, &Needed::new()).unwrap().1.unwrap().user.as_deref(), Some("1_a"));
        draft.choose_kind(&connector, 2);
        assert!(draft.secret.is_empty());
        draft.secret.push_str("hidden");
        draft.choose(Catalog::shipped().connector(&ConnectorId::new("highlevel")).unwrap());
        assert!(draft.secret.is_empty() && draft.user.is_empty());
    }
}
