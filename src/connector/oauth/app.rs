//! As which app a connection signs in, and where: what a person set, and else what the catalogue says.
use std::collections::BTreeMap;

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use url::Url;
use zeroize::Zeroizing;

use super::lock::Mark;
use super::settings::Redirect;
use crate::catalog::{AuthKind, ClientAuth, Connector, Grant};
use crate::connector::client::Clients;
use crate::connector::secret::SecretKind;
use crate::connector::{Connection, ConnectionId, Secret};
use crate::record::{Failure, FailureKind};

/// Everything that a token endpoint and a consent page want to know.
pub(in crate::connector) struct App {
    /// What the service is called.
    pub(super) service: String,
    /// The connection's id.
    pub(super) id: ConnectionId,
    /// What the connection is called.
    pub(super) name: String,
    /// Where a person signs in; none where only the app itself does.
    pub(super) authorize: Option<Url>,
    pub(super) authorize_extra: BTreeMap<String, String>,
    pub(super) token: Url,
    /// Where an app that is still let in gets another code for its secret.
    pub(super) reconnect: Option<Url>,
    pub(super) client_id: String,
    pub(super) client_secret: Option<Zeroizing<String>>,
    pub(super) client_auth: ClientAuth,
    pub(super) user_type: Option<String>,
    pub(super) grant: Grant,
    pub(super) redirect: Redirect,
    pub(super) pkce: bool,
    pub(super) scopes: Vec<String>,
    /// By which words the service says that the account rests, in lower case.
    pub(super) inactive: Vec<String>,
    /// Where the service's words stand in what it answers.
    pub(super) words: Vec<String>,
}

impl App {
    /// What a connection says, with the app's secret.
    ///
    /// # Errors
    /// What is missing or cannot be used, for a person.
    pub(in crate::connector) fn of(
        connection: &Connection,
        connector: Option<&Connector>,
        secret: Option<&Secret>,
        clients: &Clients,
    ) -> Result<Self, Failure> {
        let service = connector.map_or_else(|| connection.connector.to_string(), |it| it.title.clone());
        let wrong = |what: &str, hint: &str| {
            Failure::new(FailureKind::SignIn, format!("{:?} cannot sign in to {service}: {what}", connection.name))
                .hint(hint)
                .at(format!("connection {}", connection.id))
        };
        let AuthKind::OAuth(known) = &connection.auth else {
            return Err(wrong("it is not set to sign in by OAuth 2.0", "Choose OAuth 2.0 for this connection."));
        };
        let Some(settings) = &connection.oauth else {
            return Err(wrong("no app is named", "Enter the client id of your app at the service."));
        };
        if settings.client_id.trim().is_empty() {
            return Err(wrong("the client id is empty", "Enter the client id of your app at the service."));
        }
        let address = |own: Option<&String>, shipped: &str, what: &str| {
            let text = own.map_or(shipped, String::as_str).trim();
            if text.is_empty() {
                return Err(wrong(
                    &format!("the address {what} is not known"),
                    "Enter it; the service's documentation names it.",
                ));
            }
            let hint = "Give the whole address; it has to begin with https://.";
            let url = Url::parse(text).map_err(|error| wrong(&format!("the address {what} is not one: {error}"), hint))?;
            clients.check(&url).map_err(|why| wrong(&format!("the address {what} may not be called: {why}"), hint))?;
            Ok(url)
        };
        let client_secret = match secret.map(Secret::kind) {
            Some(SecretKind::Client(secret)) => Some(secret.clone()),
            _ => None,
        };
        if settings.grant == Grant::ClientCredentials && client_secret.is_none() {
            return Err(wrong("the secret of its app is not in the vault", "Enter the client secret of your app."));
        }
        let authorize = match settings.grant {
            Grant::AuthorizationCode => Some(address(settings.authorize_url.as_ref(), &known.authorize_url, "to sign in at")?),
            Grant::ClientCredentials => None,
        };
        let token = address(settings.token_url.as_ref(), &known.token_url, "of its tokens")?;
        Ok(Self {
            id: connection.id.clone(),
            reconnect: token.join("reconnect").ok().filter(|_| known.reconnect),
            name: connection.name.clone(),
            authorize,
            authorize_extra: known.authorize_extra.clone(),
            token,
            client_id: settings.client_id.trim().to_owned(),
            client_secret,
            client_auth: known.client_auth,
            user_type: settings.user_type.clone().or_else(|| known.user_types.first().cloned()),
            grant: settings.grant,
            redirect: match settings.redirect {
                Redirect::Loopback if known.exact_redirect => Redirect::Port(Redirect::PORT),
                ref other => other.clone(),
            },
            pkce: settings.pkce.unwrap_or(known.pkce),
            scopes: settings.scopes.clone(),
            inactive: connector.map(|it| it.errors.inactive.clone()).unwrap_or_default(),
            words: connector.map(|it| it.errors.message.clone()).unwrap_or_default(),
            service,
        })
    }

    /// A failure about this sign-in.
    pub(super) fn failure(&self, kind: FailureKind, title: impl Into<String>) -> Failure {
        Failure::new(kind, title).at(format!("connection {}", self.id))
    }

    pub(super) fn grant(&self) -> Grant {
        self.grant
    }

    /// What is asked with, as a digest: whether asking again could say something else.
    pub(super) fn proof(&self, token: Option<&Mark>) -> Mark {
        let mut digest = Sha256::new();
        let secret = self.client_secret.as_ref().map_or("", |it| it.as_str());
        for part in [self.token.as_str(), &self.client_id, secret] {
            digest.update(part.len().to_le_bytes());
            digest.update(part);
        }
        digest.update(token.map_or(&[][..], |it| it));
        digest.finalize().into()
    }

    /// There is nothing to renew with.
    pub(super) fn spent(&self) -> Failure {
        let title = format!("The sign-in of {:?} to {} has ended", self.name, self.service);
        self.failure(FailureKind::SignIn, title)
            .detail("The service gave nothing to renew it with")
            .hint(format!("Open Connections and sign in to {:?} again.", self.name))
    }

    /// A refusal of a token that an earlier process had sent, and never heard what came of it.
    pub(super) fn cut_short(&self, failure: Failure, begun: Timestamp) -> Failure {
        let title = format!("The sign-in of {:?} was lost: Flowyard ended while {} renewed it", self.name, self.service);
        let words = if failure.detail.is_empty() { String::new() } else { format!(": {}", failure.detail) };
        Failure {
            title,
            detail: format!(
                "The renewal began at {begun:.0}; the service made new tokens then, which never arrived here, and ended the old ones{words}"
            ),
            hint: format!("Nothing else is wrong. Open Connections and sign in to {:?} again.", self.name),
            ..failure
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{Catalog, ConnectorId};
    use crate::connector::{OAuthSettings, Settings};

    /// The app of a connection to a shipped service, as a person would set it.
    fn of(connector: &str, oauth: OAuthSettings) -> Result<App, Failure> {
        let catalog = Catalog::shipped();
        let id = ConnectorId::new(connector);
        let service = catalog.connector(&id).unwrap();
        let auth = service.auth.iter().find(|it| matches!(it, AuthKind::OAuth(_))).unwrap().clone();
        let connection =
            Connection { oauth: Some(Box::new(oauth)), ..Connection::new("c", "Main", id, "https://a.example", auth) };
        let secret = Secret::client("s".into());
        App::of(&connection, Some(&**service), Some(&secret), &Clients::new(&Settings::default()).unwrap())
    }

    #[test]
    fn what_a_person_does_not_set_comes_from_the_catalogue() {
        let plain = OAuthSettings { client_id: " app ".into(), ..OAuthSettings::default() };
        let crm = of("highlevel", plain.clone()).unwrap();
        assert_eq!(crm.authorize.unwrap().as_str(), "https://marketplace.gohighlevel.com/v2/oauth/chooselocation");
        assert_eq!(crm.token.as_str(), "https://services.leadconnectorhq.com/oauth/token");
        assert_eq!((crm.client_id.as_str(), crm.user_type.as_deref(), crm.pkce), ("app", Some("Location"), false));
        assert_eq!((crm.redirect, crm.inactive), (Redirect::Port(Redirect::PORT), vec!["location is not active".to_owned()]));
        assert_eq!(crm.reconnect.unwrap().as_str(), "https://services.leadconnectorhq.com/oauth/reconnect");
        let own = OAuthSettings {
            pkce: Some(true),
            user_type: Some("Company".into()),
            redirect: Redirect::Port(5000),
            ..plain.clone()
        };
        let own = of("highlevel", own).unwrap();
        assert_eq!((own.user_type.as_deref(), own.pkce, own.redirect), (Some("Company"), true, Redirect::Port(5000)));

        let unknown = of("schedule_it", plain.clone()).err().unwrap();
        assert!(unknown.title.contains("to sign in at is not known"), "{unknown}");
        let urls = |it: &str| Some(format!("https://login.example/{it}"));
        let desk = of("schedule_it", OAuthSettings { authorize_url: urls("a"), token_url: urls("t"), ..plain.clone() }).unwrap();
        assert_eq!((desk.pkce, desk.redirect, desk.user_type, desk.reconnect), (true, Redirect::Loopback, None, None));
        let service = OAuthSettings { token_url: urls("t"), grant: Grant::ClientCredentials, ..plain };
        assert!(of("schedule_it", service).unwrap().authorize.is_none());
    }
}
