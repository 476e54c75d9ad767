//! What a person is asked in a browser, and whether what comes back is the answer to it (RFC 6749, section 4.1).
//!
//! Invariant: a code is taken only with the state that was sent, which is random and of one sign-in; PKCE (RFC 7636), where
//! it is on, binds the code to this process as well.
use oauth2::basic::BasicClient;
use oauth2::{AuthUrl, ClientId, CsrfToken, PkceCodeChallenge, RedirectUrl, Scope};
use sha2::{Digest as _, Sha256};
use url::{Origin, Url};
use zeroize::Zeroizing;

use super::app::App;
use super::lock::Mark;
use crate::connector::{ConnectionId, words};
use crate::record::{Failure, FailureKind};

/// No code is longer, in bytes.
const LONGEST_CODE: usize = 8 << 10;

/// A question that was put to a person.
pub(super) struct Consent {
    /// Where the browser goes.
    pub(super) url: Url,
    /// Where it comes back to.
    pub(super) redirect: String,
    /// What proves that this process asked.
    pub(super) verifier: Option<Zeroizing<String>>,
    state: Mark,
    /// Who may have answered.
    issuers: Vec<Origin>,
    service: String,
    id: ConnectionId,
    name: String,
}

/// What came back is no code.
#[derive(Debug)]
pub(super) enum Verdict {
    /// It is no answer to this question.
    Stray,
    /// It is, and there will be no code.
    Refused(Failure),
}

impl Consent {
    /// A new question.
    ///
    /// # Errors
    /// If an address is not one.
    pub(super) fn new(app: &App, redirect: &str) -> Result<Self, Failure> {
        let wrong = |what: &str| app.failure(FailureKind::SignIn, format!("{:?} cannot sign in: {what}", app.name));
        let authorize = app.authorize.clone().ok_or_else(|| wrong("no address to sign in at is known"))?;
        let back = RedirectUrl::new(redirect.to_owned()).map_err(|_invalid| wrong("the address to come back to is not one"))?;
        let issuers = vec![authorize.origin(), app.token.origin()];
        let client = BasicClient::new(ClientId::new(app.client_id.clone()))
            .set_auth_uri(AuthUrl::from_url(authorize))
            .set_redirect_uri(back);
        let mut request = client.authorize_url(CsrfToken::new_random);
        request = request.add_scopes(app.scopes.iter().cloned().map(Scope::new));
        for (name, value) in &app.authorize_extra {
            request = request.add_extra_param(name, value);
        }
        let mut verifier = None;
        if app.pkce {
            let (challenge, secret) = PkceCodeChallenge::new_random_sha256();
            request = request.set_pkce_challenge(challenge);
            verifier = Some(Zeroizing::new(secret.into_secret()));
        }
        let (url, state) = request.url();
        Ok(Self {
            url,
            redirect: redirect.to_owned(),
            verifier,
            state: digest(state.secret()),
            issuers,
            service: app.service.clone(),
            id: app.id.clone(),
            name: app.name.clone(),
        })
    }

    /// The code in the query of the address that a browser came back to.
    ///
    /// # Errors
    /// Why there is none.
    pub(super) fn judge(&self, query: &str) -> Result<Zeroizing<String>, Verdict> {
        let one = |name: &str| {
            let mut found = form_urlencoded::parse(query.as_bytes()).filter(|(key, _)| key == name).map(|(_, it)| it);
            // What is said twice is said by somebody else, too.
            match (found.next(), found.next()) {
                (only, None) => Ok(only.map(|it| Zeroizing::new(it.into_owned()))),
                _ => Err(Verdict::Stray),
            }
        };
        let state = one("state")?.ok_or(Verdict::Stray)?;
        // Digests are compared in place of what they are made from, so that how long it takes says nothing.
        if digest(&state) != self.state {
            return Err(Verdict::Stray);
        }
        let refused = |title: String| Failure::new(FailureKind::SignIn, title).at(format!("connection {}", self.id));
        if let Some(issuer) = one("iss")?
            && !Url::parse(&issuer).is_ok_and(|it| self.issuers.contains(&it.origin()))
        {
            let failure = refused(format!("Somebody other than {} answered the sign-in of {:?}", self.service, self.name));
            return Err(Verdict::Refused(failure.hint(
                "It was not gone on with (RFC 9207). See that the addresses of the connection are the service's, then try again.",
            )));
        }
        if let Some(error) = one("error")? {
            let said = one("error_description")?.map(|it| words::clipped(&it, 300)).unwrap_or_default();
            let failure = if error.as_str() == "access_denied" {
                refused(format!("The sign-in of {:?} was declined at {}", self.name, self.service))
                    .hint("Nothing was changed. Sign in again and allow it there, if it was not meant so.")
            } else {
                let code = words::clipped(&error, 60);
                refused(format!("{} did not let {:?} sign in ({code})", self.service, self.name))
                    .hint("See the app's settings at the service: its scopes, and the address to come back to.")
            };
            return Err(Verdict::Refused(failure.detail(said)));
        }
        match one("code")? {
            Some(code) if !code.is_empty() && code.len() <= LONGEST_CODE => Ok(code),
            _ => Err(Verdict::Stray),
        }
    }

    /// The code in what a person pasted: the whole address that the browser came back to, its query, or the code alone.
    ///
    /// # Errors
    /// Why there is none, for a person who may paste again; in [`Verdict::Refused`] if that is no use.
    pub(super) fn pasted(&self, text: &str) -> Result<Zeroizing<String>, Verdict> {
        let text = text.trim();
        if let Ok(url) = Url::parse(text)
            && url.has_host()
        {
            // Somebody else's page could be in the clipboard.
            let back = Url::parse(&self.redirect);
            let same = back.is_ok_and(|it| it.origin() == url.origin() && it.path() == url.path());
            return if same { self.judge(url.query().unwrap_or_default()) } else { Err(Verdict::Stray) };
        }
        if text.contains('=') {
            return self.judge(text.trim_start_matches('?'));
        }
        let plain = !text.is_empty() && text.len() <= LONGEST_CODE && text.bytes().all(|it| it.is_ascii_graphic());
        if plain { Ok(Zeroizing::new(text.to_owned())) } else { Err(Verdict::Stray) }
    }
}

fn digest(text: &str) -> Mark {
    Sha256::digest(text).into()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::catalog::{ClientAuth, Grant};
    use crate::connector::oauth::Redirect;

    pub(in crate::connector::oauth) fn app() -> App {
        App {
            reconnect: None,
            service: "HighLevel".into(),
            id: ConnectionId::new("crm"),
            name: "Main".into(),
            authorize: Some("https://login.example/choose?x=1".parse().unwrap()),
            authorize_extra: [("loginWindowOpenMode".to_owned(), "self".to_owned())].into(),
            token: "https://api.example/oauth/token".parse().unwrap(),
            client_id: "app-1".into(),
            client_secret: Some(Zeroizing::new("cl13nt-s3cret".into())),
            client_auth: ClientAuth::Body,
            user_type: Some("Location".into()),
            grant: Grant::AuthorizationCode,
            redirect: Redirect::Loopback,
            pkce: true,
            scopes: vec!["contacts.readonly".into(), "contacts.write".into()],
            inactive: Vec::new(),
            words: Vec::new(),
        }
    }

    const BACK: &str = "http://127.0.0.1:5000/signed-in";

    pub(in crate::connector::oauth) fn in_query(url: &Url, name: &str) -> Option<String> {
        url.query_pairs().find(|(key, _)| key == name).map(|(_, it)| it.into_owned())
    }

    #[test]
    fn the_question_says_who_asks_for_what_and_holds_no_secret() {
        let consent = Consent::new(&app(), BACK).unwrap();
        let said = |name: &str| in_query(&consent.url, name).unwrap_or_default();
        assert_eq!(
            (said("response_type"), said("client_id"), said("redirect_uri")),
            ("code".into(), "app-1".into(), BACK.into())
        );
        assert_eq!((said("scope"), said("x")), ("contacts.readonly contacts.write".into(), "1".into()));
        assert_eq!((said("loginWindowOpenMode"), said("code_challenge_method")), ("self".into(), "S256".into()));
        assert!(
            !consent.url.as_str().contains("s3cret")
                && !consent.url.as_str().contains(consent.verifier.as_ref().unwrap().as_str())
        );
        let other = Consent::new(&app(), BACK).unwrap();
        assert_ne!(said("state"), in_query(&other.url, "state").unwrap(), "each question has a state of its own");
        assert!(said("state").len() >= 22);
        let plain = Consent::new(&App { pkce: false, ..app() }, BACK).unwrap();
        assert!(in_query(&plain.url, "code_challenge").is_none() && plain.verifier.is_none());
    }

    #[test]
    fn only_the_answer_to_the_question_gives_a_code() {
        let consent = Consent::new(&app(), BACK).unwrap();
        let state = in_query(&consent.url, "state").unwrap();
        for stray in [
            String::new(),
            "code=c1".into(),
            "code=c1&state=".into(),
            format!("code=c1&state={state}x"),
            format!("code=c1&state={}", &state[1..]),
            format!("code=c1&state={state}&state=other"),
            format!("code=c1&code=c2&state={state}"),
            format!("code=&state={state}"),
            format!("code={}&state={state}", "c".repeat(10_000)),
            format!("state={state}"),
            "error=access_denied".into(),
        ] {
            assert!(matches!(consent.judge(&stray), Err(Verdict::Stray)), "{stray}");
        }
        assert_eq!(consent.judge(&format!("code=c%2F1&state={state}")).unwrap().as_str(), "c/1");
        for (issuer, fine) in [
            ("https%3A%2F%2Flogin.example", true),
            ("https%3A%2F%2Fapi.example%2Ftenant", true),
            ("https%3A%2F%2Fevil.example", false),
            ("http%3A%2F%2Flogin.example", false),
            ("login.example", false),
        ] {
            let judged = consent.judge(&format!("code=c1&state={state}&iss={issuer}"));
            match judged {
                Ok(_) => assert!(fine, "{issuer}"),
                Err(Verdict::Refused(failure)) => assert!(!fine && failure.title.contains("Somebody other"), "{issuer}"),
                Err(Verdict::Stray) => panic!("{issuer}"),
            }
        }
        for (error, word) in [("access_denied", "declined"), ("invalid_scope", "invalid_scope"), ("%3Cb%3E%0Ax", "<b> x")] {
            let Err(Verdict::Refused(failure)) =
                consent.judge(&format!("error={error}&error_description=No%0Away&state={state}"))
            else {
                panic!("{error}")
            };
            assert!(failure.title.contains(word) && failure.detail == "No way", "{failure}");
        }
    }

    #[test]
    fn what_is_pasted_is_an_address_a_query_or_a_code() {
        let consent = Consent::new(&app(), "https://app.example/back").unwrap();
        let state = in_query(&consent.url, "state").unwrap();
        for (text, code) in [
            (format!(" https://app.example/back?code=c1&state={state}\n"), Some("c1")),
            (format!("https://app.example/back?code=c1&state={state}#x"), Some("c1")),
            (format!("?code=c1&state={state}"), Some("c1")),
            ("c1-abc".into(), Some("c1-abc")),
            ("https://app.example/back?code=c1&state=other".into(), None),
            (format!("https://evil.example/back?code=c1&state={state}"), None),
            (format!("https://app.example/else?code=c1&state={state}"), None),
            ("code=c1".into(), None),
            ("two words".into(), None),
            (String::new(), None),
        ] {
            assert_eq!(consent.pasted(&text).ok().as_ref().map(|it| it.as_str()), code, "{text}");
        }
    }
}
