//! The codes and tokens that were given, and whom they stand for.
use std::collections::{BTreeSet, HashMap};

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest as _, Sha256};

use super::OauthSettings;
use crate::sandbox::service::Service;
use crate::sandbox::store::id;

/// Whose a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holder {
    /// The agency.
    Company,
    /// The location.
    Location,
}

impl Holder {
    /// As the vendor writes it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Company => "Company",
            Self::Location => "Location",
        }
    }
}

/// What a code or a token is good for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Grant {
    pub(crate) service: Service,
    pub(crate) holder: Holder,
    /// None means everything.
    pub(crate) scopes: Option<BTreeSet<String>>,
}

/// An app that may ask to be let in.
pub(crate) struct App {
    pub(crate) id: String,
    pub(crate) secret: String,
}

/// Who is calling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Caller {
    /// The account's owner, by a private token, a key or a password.
    Owner,
    /// An app, by an access token.
    App(Grant),
}

/// A code that waits to be exchanged.
#[derive(Debug, Clone)]
struct Code {
    grant: Grant,
    redirect: String,
    /// The S256 challenge of RFC 7636, where the app sent one.
    challenge: Option<String>,
    until: Timestamp,
}

/// A pair of tokens.
#[derive(Debug, Clone)]
pub(crate) struct Pair {
    pub(crate) access: String,
    pub(crate) refresh: String,
}

/// Why a code or a refresh token is worth nothing, in the words of RFC 6749.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Invalid(pub(crate) &'static str);

#[derive(Debug, Clone)]
struct Token {
    grant: Grant,
    until: Timestamp,
    /// A refresh token that was used.
    spent: bool,
}

/// Everything that was given, and how it is given.
#[derive(Clone)]
pub(crate) struct Grants {
    pub(crate) settings: OauthSettings,
    random: u64,
    count: u64,
    codes: HashMap<String, Code>,
    access: HashMap<String, Token>,
    refresh: HashMap<String, Token>,
    /// What a person agreed to last, for each service and kind of account.
    let_in: Vec<Grant>,
}

// What opens something stays out of it, even though it opens only the sandbox.
impl std::fmt::Debug for Grants {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Grants").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Grants {
    pub(crate) fn new(random: u64) -> Self {
        Self {
            settings: OauthSettings::default(),
            random,
            count: 0,
            codes: HashMap::new(),
            access: HashMap::new(),
            refresh: HashMap::new(),
            let_in: Vec::new(),
        }
    }

    /// The only app that a service knows here.
    pub(crate) fn app(&self, service: Service) -> App {
        App { id: id(self.random, service.connector(), 1), secret: id(!self.random, service.connector(), 2) }
    }

    fn fresh(&mut self, kind: &str) -> String {
        self.count += 1;
        format!("{kind}-{}{}", id(self.random, kind, self.count), id(!self.random, kind, self.count))
    }

    /// A code for what a person agreed to.
    pub(crate) fn code(&mut self, grant: Grant, redirect: &str, challenge: Option<&str>, now: Timestamp) -> String {
        let code = self.fresh("code");
        let until = after(now, self.settings.code_seconds);
        let challenge = challenge.map(str::to_owned);
        self.let_in.retain(|it| (it.service, it.holder) != (grant.service, grant.holder));
        self.let_in.push(grant.clone());
        self.codes.insert(code.clone(), Code { grant, redirect: redirect.to_owned(), challenge, until });
        code
    }

    /// Another code for an app that was let in and not taken back since, and until when it works.
    pub(crate) fn reconnect(&mut self, service: Service, holder: Holder, now: Timestamp) -> Option<(String, Timestamp)> {
        let grant = self.let_in.iter().find(|it| (it.service, it.holder) == (service, holder)).cloned()?;
        let code = self.code(grant, "", None, now);
        Some((code, after(now, self.settings.code_seconds)))
    }

    /// The tokens for a code. It is used up, whatever comes of it.
    pub(crate) fn exchange(
        &mut self,
        service: Service,
        code: &str,
        redirect: Option<&str>,
        verifier: Option<&str>,
        now: Timestamp,
    ) -> Result<(Pair, Grant), Invalid> {
        let unknown = Invalid("The code is unknown or was used already.");
        let found = self.codes.remove(code).filter(|it| it.grant.service == service).ok_or(unknown)?;
        if now >= found.until {
            return Err(Invalid("The code has expired."));
        }
        if redirect.is_some_and(|it| it != found.redirect) {
            return Err(Invalid("The redirect_uri is not the one that the code was given for."));
        }
        match (&found.challenge, verifier) {
            (Some(challenge), Some(verifier)) if *challenge == s256(verifier) => {}
            (None, _) => {}
            (Some(_), _) => return Err(Invalid("The code_verifier does not fit the code_challenge.")),
        }
        Ok((self.pair(found.grant.clone(), now), found.grant))
    }

    /// New tokens.
    pub(crate) fn pair(&mut self, grant: Grant, now: Timestamp) -> Pair {
        let refresh = self.fresh("refresh");
        let until = after(now, self.settings.refresh_seconds);
        self.refresh.insert(refresh.clone(), Token { grant: grant.clone(), until, spent: false });
        let access = self.access(grant, now);
        Pair { access, refresh }
    }

    /// A new access token without a refresh token.
    pub(crate) fn access(&mut self, grant: Grant, now: Timestamp) -> String {
        let access = self.fresh("access");
        let until = after(now, self.settings.access_seconds);
        self.access.insert(access.clone(), Token { grant, until, spent: false });
        access
    }

    /// New tokens for a refresh token, which is spent by it.
    pub(crate) fn refreshed(&mut self, service: Service, refresh: &str, now: Timestamp) -> Result<(Pair, Grant), Invalid> {
        let rotates = self.settings.rotates;
        let unknown = Invalid("The refresh token is unknown or was taken back.");
        let token = self.refresh.get_mut(refresh).filter(|it| it.grant.service == service).ok_or(unknown)?;
        if token.spent {
            return Err(Invalid("The refresh token was used already."));
        }
        if now >= token.until {
            return Err(Invalid("The refresh token has expired."));
        }
        let grant = token.grant.clone();
        if rotates {
            token.spent = true;
            return Ok((self.pair(grant.clone(), now), grant));
        }
        let access = self.access(grant.clone(), now);
        Ok((Pair { access, refresh: refresh.to_owned() }, grant))
    }

    /// What an access token is good for; `Err` if it is known and has expired, none if it is unknown.
    pub(crate) fn holder(&self, service: Service, access: &str, now: Timestamp) -> Option<Result<Grant, Invalid>> {
        let token = self.access.get(access).filter(|it| it.grant.service == service)?;
        Some(if now < token.until { Ok(token.grant.clone()) } else { Err(Invalid("The access token has expired.")) })
    }

    /// Takes everything back that was given for services.
    pub(crate) fn revoke(&mut self, services: &[Service]) {
        self.let_in.retain(|it| !services.contains(&it.service));
        self.codes.retain(|_, it| !services.contains(&it.grant.service));
        self.access.retain(|_, it| !services.contains(&it.grant.service));
        self.refresh.retain(|_, it| !services.contains(&it.grant.service));
    }

    /// Ends every access token that was given for services; refresh tokens go on to work.
    pub(crate) fn expire(&mut self, services: &[Service]) {
        for token in self.access.values_mut().filter(|it| services.contains(&it.grant.service)) {
            token.until = Timestamp::MIN;
        }
    }
}

fn after(now: Timestamp, seconds: u64) -> Timestamp {
    let seconds = i64::try_from(seconds).unwrap_or(i64::MAX / 4);
    now.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX)
}

/// The challenge for a verifier (RFC 7636, section 4.2): base64url without padding of its SHA-256.
fn s256(verifier: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(service: Service) -> Grant {
        Grant { service, holder: Holder::Location, scopes: Some([String::from("contacts.readonly")].into()) }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_code_works_once_in_time_for_its_address_and_with_its_verifier() {
        // The pair of RFC 7636, appendix B.
        let (verifier, challenge) =
            ("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
        assert_eq!(s256(verifier), challenge);
        let mut grants = Grants::new(1);
        let own = grant(Service::Highlevel);
        let mut code = |challenge| grants.code(own.clone(), "http://127.0.0.1:9/back", challenge, at(0));
        let codes = [code(None), code(Some(challenge)), code(Some(challenge)), code(None), code(None), code(None)];
        let [plain, proved, unproved, late, elsewhere, other] = codes;
        let exchange = |grants: &mut Grants, code: &str, redirect, verifier, now| {
            grants.exchange(Service::Highlevel, code, redirect, verifier, at(now)).map(|(_, grant)| grant)
        };
        let back = Some("http://127.0.0.1:9/back");
        assert_eq!(exchange(&mut grants, &plain, back, None, 1), Ok(own.clone()));
        assert!(exchange(&mut grants, &plain, back, None, 1).is_err(), "used");
        assert_eq!(exchange(&mut grants, &proved, back, Some(verifier), 1), Ok(own));
        assert!(exchange(&mut grants, &unproved, back, Some("another"), 1).is_err());
        assert!(exchange(&mut grants, &late, back, None, 600).is_err());
        assert!(exchange(&mut grants, &elsewhere, Some("http://127.0.0.1:9/other"), None, 1).is_err());
        assert!(grants.exchange(Service::ScheduleIt, &other, None, None, at(1)).is_err());
    }

    #[test]
    fn a_refresh_gives_a_new_pair_and_spends_the_old_token() {
        let mut grants = Grants::new(1);
        let pair = grants.pair(grant(Service::Highlevel), at(0));
        let known = |grants: &Grants, token: &str, now| grants.holder(Service::Highlevel, token, at(now)).map(|it| it.is_ok());
        assert_eq!(known(&grants, &pair.access, 0), Some(true));
        assert_eq!(known(&grants, &pair.access, 86_399), Some(false));
        assert_eq!(known(&grants, "access-x", 0), None);
        let (next, _) = grants.refreshed(Service::Highlevel, &pair.refresh, at(5)).unwrap();
        assert_eq!(known(&grants, &pair.access, 5), Some(true), "what was given goes on to work");
        assert_eq!(
            grants.refreshed(Service::Highlevel, &pair.refresh, at(6)).unwrap_err(),
            Invalid("The refresh token was used already.")
        );
        grants.settings.rotates = false;
        let (same, _) = grants.refreshed(Service::Highlevel, &next.refresh, at(7)).unwrap();
        assert_eq!(same.refresh, next.refresh);
        grants.expire(&[Service::Highlevel]);
        assert_eq!(known(&grants, &same.access, 7), Some(false));
        assert_eq!(grants.reconnect(Service::Highlevel, Holder::Location, at(7)), None, "nobody let it in");
        grants.code(grant(Service::Highlevel), "http://127.0.0.1:9/back", None, at(7));
        let (code, _) = grants.reconnect(Service::Highlevel, Holder::Location, at(7)).unwrap();
        assert!(grants.exchange(Service::Highlevel, &code, None, None, at(8)).is_ok());
        grants.revoke(&[Service::Highlevel]);
        assert_eq!(grants.reconnect(Service::Highlevel, Holder::Location, at(8)), None);
        assert!(grants.refreshed(Service::Highlevel, &next.refresh, at(8)).is_err());
        assert_eq!(known(&grants, &same.access, 7), None);
    }
}
