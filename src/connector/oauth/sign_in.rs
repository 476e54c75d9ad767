//! Signing in, from the question to the stored tokens.
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use url::Url;
use zeroize::Zeroizing;

use super::app::App;
use super::back::Back;
use super::consent::{Consent, Verdict};
use super::endpoint::{self, Ask, Refusal};
use super::settings::Redirect;
use crate::catalog::Grant;
use crate::connector::{Caller, Connection, Granted};
use crate::record::{Failure, FailureKind};

/// How long a person may take in the browser, where it comes back by itself.
const PATIENCE: Duration = Duration::from_mins(2);
/// And where a person brings the answer by hand.
const PASTING: Duration = Duration::from_mins(10);

/// How far a sign-in is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// The browser is to go here. The address is of this sign-in alone, and no secret.
    Open {
        /// Where.
        url: String,
        /// Where it comes back to.
        back: String,
        /// Whether a person has to bring back what the browser shows then.
        paste: bool,
    },
    /// What was pasted is no answer to this sign-in; another try is welcome.
    NotTaken,
    /// The service has answered, and is asked for the tokens.
    Answered,
    /// The tokens are in the vault.
    Stored,
}

impl Caller {
    /// Signs a connection in: through a browser, or, for a service account and for a location of an agency, by itself.
    ///
    /// `tell` hears how far it is, and has to open the browser. `pasted` brings what a person pasted: the address that the
    /// browser came back to, or the code; it is heeded also while the listener waits, for a browser on another machine.
    ///
    /// # Errors
    /// Why there are no tokens; the ones before then stay.
    pub async fn sign_in(
        &self,
        connection: &Connection,
        mut pasted: mpsc::Receiver<String>,
        tell: impl Fn(Progress),
        cancel: CancellationToken,
    ) -> Result<Granted, Failure> {
        let app = self.app_of(connection).await.map_err(|error| error.failure().clone())?;
        let cancelled = || app.failure(FailureKind::Stopped, format!("The sign-in of {:?} was given up", app.name));
        if app.grant == Grant::ClientCredentials || (connection.oauth.is_none() && connection.agency.is_some()) {
            let made = tokio::select! {
                made = self.made_anew(connection) => made,
                () = cancel.cancelled() => return Err(cancelled()),
            };
            let granted = made.map_err(|error| error.failure().clone())?;
            tell(Progress::Stored);
            return Ok(granted);
        }
        let (back, redirect) = match &app.redirect {
            Redirect::Loopback => listen(None).await?,
            Redirect::Port(port) => listen(Some(*port)).await?,
            Redirect::Pasted(url) => (None, reachable(&app, url)?),
        };
        let consent = Arc::new(Consent::new(&app, &redirect)?);
        tell(Progress::Open { url: consent.url.to_string(), back: redirect, paste: back.is_none() });
        let patience = if back.is_some() { PATIENCE } else { PASTING };
        let come_back = async {
            match back {
                Some(back) => back.wait(Arc::clone(&consent)).await,
                None => std::future::pending().await,
            }
        };
        let code = tokio::select! {
            code = come_back => code?,
            code = by_hand(&consent, &mut pasted, &tell) => code?,
            () = cancel.cancelled() => return Err(cancelled()),
            () = tokio::time::sleep(patience) => {
                let minutes = patience.as_secs() / 60;
                let title = format!("Nobody signed in to {} within {minutes} minutes", app.service);
                return Err(app.failure(FailureKind::Timeout, title).hint("Begin again when you are ready; nothing was changed."));
            }
        };
        tell(Progress::Answered);
        let ask = Ask::Code { code, verifier: consent.verifier.clone(), redirect: Some(&consent.redirect) };
        let secret = tokio::select! {
            secret = endpoint::ask(self, &app, ask) => secret,
            () = cancel.cancelled() => return Err(cancelled()),
        };
        let secret = secret.map_err(|refusal| match refusal {
            Refusal::Final(failure) | Refusal::Inactive(failure) => failure,
            Refusal::Lost(failure) | Refusal::Later { failure, .. } => {
                failure.hint("Sign in again: a code works once, so the one that the browser brought is of no more use.")
            }
        })?;
        let granted = secret.granted().cloned().ok_or_else(cancelled)?;
        is_of_its_account(connection, &app, &granted)?;
        self.keep(connection, secret).await?;
        tell(Progress::Stored);
        Ok(granted)
    }
}

/// A person may have chosen another location in the browser than the connection is for.
fn is_of_its_account(connection: &Connection, app: &App, granted: &Granted) -> Result<(), Failure> {
    let meant = connection.account.get("location_id").map(String::as_str);
    match (meant, granted.location_id.as_deref()) {
        (Some(meant), Some(given)) if meant != given => Err(app
            .failure(FailureKind::SignIn, format!("{} signed in another location than that of {:?}", app.service, app.name))
            .detail(format!("the connection is for {meant}, and the sign-in is for {given}"))
            .hint("Sign in again and choose the connection's location, or enter the other id for the connection.")),
        _ => Ok(()),
    }
}

async fn listen(port: Option<u16>) -> Result<(Option<Back>, String), Failure> {
    let back = Back::bind(port).await?;
    let url = back.url();
    Ok((Some(back), url))
}

/// The address on the network that a person pastes from.
fn reachable(app: &App, url: &str) -> Result<String, Failure> {
    let fine = Url::parse(url).is_ok_and(|it| it.scheme() == "https" && it.has_host() && it.fragment().is_none());
    if fine {
        return Ok(url.to_owned());
    }
    let title = format!("{:?} cannot sign in: the address to come back to is none that the service can use", app.name);
    Err(app
        .failure(FailureKind::SignIn, title)
        .hint("Give the address that your app has at the service; it begins with https://."))
}

/// The code that a person brings; never where nobody can.
async fn by_hand(
    consent: &Consent,
    pasted: &mut mpsc::Receiver<String>,
    tell: &impl Fn(Progress),
) -> Result<Zeroizing<String>, Failure> {
    while let Some(text) = pasted.recv().await {
        let text = Zeroizing::new(text);
        match consent.pasted(&text) {
            Ok(code) => return Ok(code),
            Err(Verdict::Refused(failure)) => return Err(failure),
            Err(Verdict::Stray) => tell(Progress::NotTaken),
        }
    }
    std::future::pending().await
}
