//! Keeps the tokens of connections fresh.
//!
//! A pair is renewed shortly before its access token ends, and once after a 401 that was not expected. Tokens that rotate
//! work once, so a connection is renewed by one task at a time, here and across the processes on a data directory, and
//! whoever comes later takes what the first one got.
//!
//! What a kill can lose: the service spends the refresh token when it answers, and the new pair is on disk a moment later. A
//! process that ends in between has lost the pair (HighLevel documents no time in which the old token goes on to work). An app
//! that is still let in then asks for another code, where the service gives one; where it does not, nothing on this machine can
//! bring the connection back. That is why a note of the refresh is on disk before it is sent: whoever
//! comes next tries the old token once, which works if the service never got the request, and otherwise says what
//! happened and asks for a sign-in.
//!
//! Invariant: a new pair is in the vault before it signs a request, and before anyone else may renew.
//! Invariant: a task that waits for a renewal may end at any time; the renewal goes on.
//! Invariant: no clock makes two renewals of one: a pair that was renewed and never worked is not renewed again.
use std::collections::HashMap;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use tokio::sync::Mutex as Turn;
use tokio::time::Instant;

use super::app::App;
use super::endpoint::{self, Ask, Refusal};
use super::lock::{Lock, Mark};
use crate::catalog::{AuthKind, Grant};
use crate::connector::caller::of_vault;
use crate::connector::secret::{SecretKind, Tokens};
use crate::connector::{CallError, Caller, Connection, ConnectionId, Granted, Secret, VaultError};
use crate::record::{Failure, FailureKind};

/// An access token is renewed so long before its end, or a tenth of its life before if that is less.
const AHEAD: SignedDuration = SignedDuration::from_secs(60);
/// An account that rests is asked again after so long.
const REST: Duration = Duration::from_hours(1);

/// What is known of the renewals of every connection.
#[derive(Default)]
pub(in crate::connector) struct Renewals {
    states: Mutex<HashMap<ConnectionId, Arc<State>>>,
    /// Where the locks lie that other processes heed; none means that there are no others.
    locks: Option<PathBuf>,
}

/// One connection's.
#[derive(Default)]
struct State {
    /// Whoever holds it renews.
    turn: Arc<Turn<()>>,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    /// The pair that was renewed here and has not worked yet.
    unproved: Option<Mark>,
    /// What the service refused for good, and its words: asking again with the same is no use.
    refused: Option<(Mark, Failure)>,
    /// Until when the account rests.
    rests: Option<(Timestamp, Failure)>,
    /// The last renewal that failed.
    failed: Option<(Instant, CallError)>,
    /// A pair that could not be stored yet.
    unstored: Option<Arc<Secret>>,
}

impl Renewals {
    pub(in crate::connector) fn with_locks(locks: Option<PathBuf>) -> Self {
        Self { locks, ..Self::default() }
    }

    fn of(&self, id: &ConnectionId) -> Arc<State> {
        let mut states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(states.entry(id.clone()).or_default())
    }

    /// A person has looked: what was refused or rests is asked again.
    pub(in crate::connector) fn forget(&self, id: &ConnectionId) {
        let state = self.of(id);
        let mut seen = state.seen();
        (seen.refused, seen.rests, seen.failed, seen.unproved) = (None, None, None, None);
    }
}

impl State {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A renewal, boxed: a location's is a call with the agency's tokens, which may be renewed in turn.
type Renewal = Pin<Box<dyn Future<Output = Result<Arc<Secret>, CallError>> + Send>>;

impl Caller {
    /// The secret that signs for a connection now, renewed if its time is nearly up.
    ///
    /// # Errors
    /// If there is none that works, and why.
    pub(in crate::connector) async fn secret_of(&self, connection: &Connection) -> Result<Option<Arc<Secret>>, CallError> {
        let kept = self.kept(connection).await?;
        if !matches!(connection.auth, AuthKind::OAuth(_)) {
            return Ok(kept);
        }
        let now = Timestamp::now();
        let tokens = match kept.as_deref().map(Secret::kind) {
            Some(SecretKind::OAuth(tokens)) => tokens,
            // A token that a person put in by hand is nobody's to renew.
            Some(_) => return Ok(kept),
            // Another process may have signed in since.
            None if by_itself(connection) => return self.renew(connection, None).await.map(Some),
            None => return Ok(None),
        };
        if !is_due(&tokens.granted, now) || !may_renew(connection, tokens) {
            return Ok(kept);
        }
        match self.renew(connection, Some(mark(&tokens.access))).await {
            Ok(fresh) => Ok(Some(fresh)),
            // It still works for a moment.
            Err(CallError::Retry { .. } | CallError::Breaker { .. }) if tokens.granted.expires_at.is_some_and(|it| now < it) => {
                Ok(kept)
            }
            Err(error) => Err(error),
        }
    }

    /// A secret in place of one that the service does not accept; none if that one cannot be renewed, or was just.
    ///
    /// # Errors
    /// If it should be, and why it was not.
    pub(in crate::connector) async fn in_place_of(
        &self,
        connection: &Connection,
        failed: &Secret,
    ) -> Result<Option<Arc<Secret>>, CallError> {
        let (AuthKind::OAuth(_), SecretKind::OAuth(tokens)) = (&connection.auth, failed.kind()) else { return Ok(None) };
        let stale = mark(&tokens.access);
        if !may_renew(connection, tokens) || self.renewals().of(&connection.id).seen().unproved == Some(stale) {
            return Ok(None);
        }
        self.renew(connection, Some(stale)).await.map(Some)
    }

    /// The service accepted a secret.
    pub(in crate::connector) fn proved(&self, connection: &Connection, secret: &Secret) {
        if let SecretKind::OAuth(tokens) = secret.kind() {
            let state = self.renewals().of(&connection.id);
            let mut seen = state.seen();
            if seen.unproved.is_some_and(|it| it == mark(&tokens.access)) {
                seen.unproved = None;
            }
        }
    }

    /// Keeps what a sign-in gave. Waits for a renewal under way, so that it is not overwritten by what that brings.
    ///
    /// # Errors
    /// If it cannot be stored.
    pub(in crate::connector) async fn keep(&self, connection: &Connection, secret: Secret) -> Result<(), Failure> {
        let state = self.renewals().of(&connection.id);
        let _turn = state.turn.lock().await;
        let mut lock = self.lock(&connection.id).await?;
        self.insert(connection, Arc::new(secret)).await?;
        if let Some(lock) = &mut lock {
            lock.end();
        }
        *state.seen() = Seen::default();
        Ok(())
    }

    /// New tokens for a connection that needs nobody for it.
    ///
    /// # Errors
    /// Why there are none.
    pub(super) async fn made_anew(&self, connection: &Connection) -> Result<Granted, CallError> {
        self.renewals().forget(&connection.id);
        let stale = self.kept(connection).await?.as_deref().and_then(mark_of);
        let secret = self.renew(connection, stale).await?;
        // A person asked for it: when it ends it may be renewed, used or not.
        self.renewals().of(&connection.id).seen().unproved = None;
        let nothing = || CallError::SignIn(Failure::new(FailureKind::SignIn, format!("{:?} got no tokens", connection.name)));
        secret.granted().cloned().ok_or_else(nothing)
    }

    /// Renews, in a task that nobody's leaving ends. `stale` is the pair that is no good.
    async fn renew(&self, connection: &Connection, stale: Option<Mark>) -> Result<Arc<Secret>, CallError> {
        let task = tokio::spawn(self.clone().renewal(connection.clone(), stale));
        match task.await {
            Ok(renewed) => renewed,
            Err(error) => {
                let failure = Failure::new(FailureKind::Machine, "A sign-in could not be renewed").detail(error.to_string());
                Err(CallError::Retry { after: None, failure })
            }
        }
    }

    fn renewal(self, connection: Connection, stale: Option<Mark>) -> Renewal {
        Box::pin(async move { self.renew_here(&connection, stale).await })
    }

    async fn renew_here(&self, connection: &Connection, stale: Option<Mark>) -> Result<Arc<Secret>, CallError> {
        let own = self.renewals().of(&connection.id);
        let asked = Instant::now();
        let _turn = own.turn.lock().await;
        if let Some(fresh) = fresh(self.kept(connection).await?, stale) {
            return Ok(fresh);
        }
        if let Some(error) = own.seen().answer(asked, Timestamp::now()) {
            return Err(error);
        }
        let mut lock = self.lock(&connection.id).await.map_err(|failure| CallError::Retry { after: None, failure })?;
        // Somebody else may have been quicker, in another process.
        let kept = self.reread(connection).await?;
        if let Some(fresh) = fresh(kept.clone(), stale) {
            return Ok(fresh);
        }
        let unstored = own.seen().unstored.clone();
        let renewed = match unstored {
            Some(unstored) => Ok(unstored),
            None => self.ask_anew(connection, kept.as_deref(), &own, lock.as_mut()).await,
        };
        let stored = match renewed {
            Ok(secret) => self.store(connection, secret, &own).await,
            Err(error) => Err(error),
        };
        match stored {
            Ok(secret) => {
                if let Some(lock) = &mut lock {
                    lock.end();
                }
                let unproved = mark_of(&secret);
                *own.seen() = Seen { unproved, ..Seen::default() };
                tracing::info!(connection = %connection.id, "a sign-in was renewed");
                Ok(secret)
            }
            Err(error) => {
                tracing::warn!(connection = %connection.id, failure = %error.failure(), "a sign-in could not be renewed");
                own.seen().failed = Some((Instant::now(), error.clone()));
                Err(error)
            }
        }
    }

    /// Puts a new pair into the vault. One that could not be put there is kept for the next attempt, and signs nothing.
    async fn store(&self, connection: &Connection, secret: Arc<Secret>, state: &State) -> Result<Arc<Secret>, CallError> {
        state.seen().unstored = Some(Arc::clone(&secret));
        match self.insert(connection, Arc::clone(&secret)).await {
            Ok(()) => Ok(secret),
            Err(failure) => Err(CallError::Retry { after: None, failure }),
        }
    }

    async fn insert(&self, connection: &Connection, secret: Arc<Secret>) -> Result<(), Failure> {
        let (vault, id) = (self.vault().clone(), connection.id.clone());
        let stored = tokio::task::spawn_blocking(move || vault.insert(id, secret)).await;
        stored.unwrap_or_else(|error| Err(VaultError::Keychain { why: error.to_string() })).map_err(|error| {
            let title = format!("The new tokens of {:?} could not be stored, and are not used before they are", connection.name);
            Failure::new(FailureKind::Machine, title)
                .detail(error.to_string())
                .hint(error.hint())
                .at(format!("connection {}", connection.id))
        })
    }

    /// As it is stored now, whoever stored it.
    async fn reread(&self, connection: &Connection) -> Result<Option<Arc<Secret>>, CallError> {
        let (vault, id) = (self.vault().clone(), connection.id.clone());
        let read = tokio::task::spawn_blocking(move || vault.reload(&id)).await;
        let read = read.unwrap_or_else(|error| Err(VaultError::Keychain { why: error.to_string() }));
        read.map_err(|error| CallError::SignIn(of_vault(connection, &error)))
    }

    /// Asks the service for a new pair. Every end but that of a lost answer takes the note of it back.
    async fn ask_anew(
        &self,
        connection: &Connection,
        kept: Option<&Secret>,
        state: &State,
        mut lock: Option<&mut Lock>,
    ) -> Result<Arc<Secret>, CallError> {
        let refresh = match kept.map(Secret::kind) {
            Some(SecretKind::OAuth(tokens)) => tokens.refresh.as_ref(),
            _ => None,
        };
        let app = self.app_of(connection).await?;
        let (ask, spends) = match refresh {
            // An agency's app may sign in by itself; a location is not its agency.
            _ if app.grant() == Grant::ClientCredentials && !is_drawn(connection) => (Ask::Client, None),
            Some(refresh) => (Ask::Refresh(refresh), Some(mark(refresh))),
            None if connection.agency.is_some() => return self.draw(connection).await,
            None => return Err(CallError::SignIn(app.spent())),
        };
        let proof = app.proof(spends.as_ref());
        let refused = state.seen().refused.clone().filter(|(it, _)| *it == proof);
        let mut earlier = None;
        let answer = if let Some((_, failure)) = refused {
            Err(Refusal::Final(failure))
        } else {
            if let (Some(spends), Some(lock)) = (&spends, &mut lock) {
                earlier = lock.begun().filter(|it| it.is_of(spends));
                lock.begin(spends).map_err(|error| unnoted(connection, &error))?;
            }
            match endpoint::ask(self, &app, ask).await {
                Err(Refusal::Final(failure)) if connection.agency.is_none() => self.reconnected(&app, kept, failure).await,
                answer => answer,
            }
        };
        // The service did nothing: what was known before still is, and nothing else.
        let undone = |lock: Option<&mut Lock>| {
            if let Some(lock) = lock.filter(|_| earlier.is_none()) {
                lock.end();
            }
        };
        match answer {
            Ok(secret) => Ok(Arc::new(secret)),
            Err(Refusal::Final(_)) if connection.agency.is_some() => {
                undone(lock);
                self.draw(connection).await
            }
            Err(Refusal::Final(failure)) => {
                let failure = match &earlier {
                    Some(begun) => app.cut_short(failure, begun.at),
                    None => failure,
                };
                state.seen().refused = Some((proof, failure.clone()));
                if let Some(lock) = lock {
                    lock.end();
                }
                Err(CallError::SignIn(failure))
            }
            Err(Refusal::Inactive(failure)) => {
                undone(lock);
                let until = Timestamp::now().checked_add(REST).unwrap_or(Timestamp::MAX);
                state.seen().rests = Some((until, failure.clone()));
                Err(CallError::Breaker { until: Some(until), failure })
            }
            Err(Refusal::Later { after, failure }) => {
                undone(lock);
                Err(CallError::Retry { after, failure })
            }
            Err(Refusal::Lost(failure)) => Err(CallError::Retry { after: None, failure }),
        }
    }

    /// New tokens for an app whose refresh token is worth nothing any more and that is still let in: the service gives it another code.
    async fn reconnected(&self, app: &App, kept: Option<&Secret>, failure: Failure) -> Result<Secret, Refusal> {
        // What is no word on the token itself, a redirect for one, is no reason to send the secret again.
        let is_refused = failure.kind == FailureKind::SignIn && matches!(failure.status, Some(400..=403));
        let Some(account) = kept.and_then(Secret::granted).filter(|_| is_refused) else { return Err(Refusal::Final(failure)) };
        let later = |refusal| match refusal {
            // What was wrong with the refresh token is what a person can do something about.
            Refusal::Final(_) => Refusal::Final(failure.clone()),
            // Nothing is spent by it: the next code is as good.
            Refusal::Lost(failure) => Refusal::Later { after: None, failure },
            other => other,
        };
        let Some(code) = endpoint::reconnect(self, app, account).await.map_err(later)? else {
            return Err(Refusal::Final(failure));
        };
        let ask = Ask::Code { code, verifier: None, redirect: None };
        let secret = endpoint::ask(self, app, ask).await.map_err(later)?;
        let is_same = secret.granted().is_some_and(|it| {
            it.location_id == account.location_id && (account.company_id.is_none() || it.company_id == account.company_id)
        });
        if !is_same {
            return Err(Refusal::Final(failure));
        }
        tracing::info!(connection = %app.id, "a sign-in that had ended was made anew by its app");
        Ok(secret)
    }

    /// As which app a connection signs in: a location that names none signs in as its agency's.
    pub(super) async fn app_of(&self, connection: &Connection) -> Result<App, CallError> {
        let connector = self.catalog().connector(&connection.connector).map(|it| &**it);
        let (own, owner) = match (&connection.oauth, &connection.agency) {
            (None, Some(agency)) => {
                let agency = self.agency(connection, agency).map_err(|it| CallError::SignIn(*it))?;
                let mut oauth = agency.oauth.clone();
                if let Some(settings) = &mut oauth {
                    settings.user_type = None;
                }
                (&Connection { oauth, auth: agency.auth.clone(), ..connection.clone() }, agency.id.of_client())
            }
            _ => (connection, connection.id.of_client()),
        };
        let secret = self.vault().fetch(&owner).await.map_err(|error| CallError::SignIn(of_vault(connection, &error)))?;
        App::of(own, connector, secret.as_deref(), self.clients()).map_err(CallError::SignIn)
    }

    /// The connection that makes this one's tokens. It draws from nobody itself, so that nobody waits for oneself.
    fn agency(&self, connection: &Connection, agency: &ConnectionId) -> Result<Arc<Connection>, Box<Failure>> {
        let wrong = |what: &str| {
            let title = format!("{:?} signs in by the agency connection \"{agency}\", which {what}", connection.name);
            Box::new(Failure::new(FailureKind::SignIn, title).hint("Add the agency's connection, or choose another."))
        };
        let found = self.connections().get(agency).cloned().ok_or_else(|| wrong("is not there"))?;
        if found.agency.is_some() { Err(wrong("signs in by an agency itself")) } else { Ok(found) }
    }

    /// A location's tokens, made by its agency's.
    async fn draw(&self, connection: &Connection) -> Result<Arc<Secret>, CallError> {
        let wrong = |what: &str, hint: &str| {
            let title = format!("{:?} got no tokens from its agency: {what}", connection.name);
            CallError::SignIn(Failure::new(FailureKind::SignIn, title).hint(hint).at(format!("connection {}", connection.id)))
        };
        let Some(id) = &connection.agency else { return Err(wrong("it names none", "Sign in to it again.")) };
        let agency = self.agency(connection, id).map_err(|it| CallError::SignIn(*it))?;
        let known = match &agency.auth {
            AuthKind::OAuth(known) => known.location_token.as_ref(),
            _ => None,
        };
        let found = known.and_then(|known| Some((known, self.catalog().operation(&known.operation)?)));
        let Some((known, (connector, operation))) = found else {
            return Err(wrong("its service does not make tokens for locations", "Sign in to it by itself."));
        };
        let Some(location) = connection.account.get(&known.account) else {
            return Err(wrong("its location is not known", "Enter the location's id for this connection."));
        };
        // Renewed now, so that what it says of the agency is of the pair that asks.
        let secret = self.secret_of(&agency).await?;
        let company = secret.as_deref().and_then(Secret::granted).and_then(|it| it.company_id.clone());
        let Some(company) = company else {
            let hint = format!("Sign in to {:?} as the agency.", agency.name);
            return Err(wrong("nobody is signed in to the agency", &hint));
        };
        let mut input = Map::new();
        input.insert(known.company.clone(), Value::String(company));
        input.insert(known.location.clone(), Value::String(location.clone()));
        let called = self.call(&agency, connector, operation, &input).await;
        let secret = endpoint::read(called.result?.value, Timestamp::now());
        secret.map(Arc::new).map_err(|why| wrong(why, "Sign in to the agency again."))
    }

    async fn lock(&self, id: &ConnectionId) -> Result<Option<Lock>, Failure> {
        match &self.renewals().locks {
            Some(dir) => Lock::take(dir, id).await.map(Some),
            None => Ok(None),
        }
    }
}

impl Seen {
    /// What somebody who asked then is told without asking the service.
    fn answer(&self, asked: Instant, now: Timestamp) -> Option<CallError> {
        if let Some((_, error)) = self.failed.as_ref().filter(|(at, _)| *at >= asked) {
            return Some(error.clone());
        }
        let (until, failure) = self.rests.as_ref().filter(|(until, _)| now < *until)?;
        Some(CallError::Breaker { until: Some(*until), failure: failure.clone() })
    }
}

/// Whether a connection's tokens can be made without a person and without a refresh token.
fn by_itself(connection: &Connection) -> bool {
    connection.agency.is_some() || connection.oauth.as_ref().is_some_and(|it| it.grant == Grant::ClientCredentials)
}

/// Whether a connection has no app of its own, and its agency makes its tokens.
fn is_drawn(connection: &Connection) -> bool {
    connection.oauth.is_none() && connection.agency.is_some()
}

fn may_renew(connection: &Connection, tokens: &Tokens) -> bool {
    tokens.refresh.is_some() || by_itself(connection)
}

/// Whether an access token's time is up, or nearly. A clock that was set back makes it last longer, which a 401 mends.
fn is_due(granted: &Granted, now: Timestamp) -> bool {
    let Some(ends) = granted.expires_at else { return false };
    let ahead = (ends.duration_since(granted.obtained_at) / 10).clamp(SignedDuration::ZERO, AHEAD);
    ends.checked_sub(ahead).is_ok_and(|it| it <= now)
}

/// What is kept, if it is not the pair that is no good.
fn fresh(kept: Option<Arc<Secret>>, stale: Option<Mark>) -> Option<Arc<Secret>> {
    kept.filter(|it| match it.kind() {
        SecretKind::OAuth(tokens) => stale != Some(mark(&tokens.access)) && !is_due(&tokens.granted, Timestamp::now()),
        _ => true,
    })
}

fn mark(token: &str) -> Mark {
    Sha256::digest(token).into()
}

fn mark_of(secret: &Secret) -> Option<Mark> {
    match secret.kind() {
        SecretKind::OAuth(tokens) => Some(mark(&tokens.access)),
        _ => None,
    }
}

fn unnoted(connection: &Connection, error: &std::io::Error) -> CallError {
    let failure = Failure::new(FailureKind::Machine, format!("The sign-in of {:?} was not renewed", connection.name))
        .detail(error.to_string())
        .hint("What is renewed has to be written down first: see that the data directory can be written.");
    CallError::Retry { after: None, failure }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn granted(obtained: &str, ends: Option<&str>) -> Granted {
        Granted {
            obtained_at: obtained.parse().unwrap(),
            expires_at: ends.map(|it| it.parse().unwrap()),
            scopes: None,
            location_id: None,
            company_id: None,
            user_id: None,
        }
    }

    #[test]
    fn a_token_is_due_a_minute_or_a_tenth_of_its_life_before_its_end() {
        for (ends, at, due) in [
            (Some("2026-01-02T00:00:00Z"), "2026-01-01T23:58:59Z", false),
            (Some("2026-01-02T00:00:00Z"), "2026-01-01T23:59:00Z", true),
            (Some("2026-01-01T00:00:10Z"), "2026-01-01T00:00:08Z", false),
            (Some("2026-01-01T00:00:10Z"), "2026-01-01T00:00:09Z", true),
            (Some("2026-01-02T00:00:00Z"), "2025-12-31T00:00:00Z", false),
            (Some("2026-01-02T00:00:00Z"), "2030-01-01T00:00:00Z", true),
            (Some("2025-01-01T00:00:00Z"), "2026-01-01T00:00:00Z", true),
            (None, "2030-01-01T00:00:00Z", false),
        ] {
            let granted = granted("2026-01-01T00:00:00Z", ends);
            assert_eq!(is_due(&granted, at.parse().unwrap()), due, "{ends:?} at {at}");
        }
    }
}
