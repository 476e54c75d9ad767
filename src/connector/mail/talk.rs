//! What is said to a mail server, and how far that came.
use std::time::Duration;

use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use lettre::transport::smtp::response::Response;
use tokio::time::{Instant, timeout_at};

use super::letter::Letter;

/// A mail server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) host: String,
    pub(super) port: u16,
    /// From the first byte.
    pub(super) encrypted: bool,
    /// On this machine.
    pub(super) is_here: bool,
}

/// How far it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    /// Nothing has been said.
    Reaching,
    /// The connection is being encrypted.
    Encrypting,
    SigningIn,
    /// Sender and readers.
    Envelope,
    /// The letter itself: from here on nobody knows, unless the server answers.
    Letter,
}

/// Why it ended early.
#[derive(Debug)]
pub(super) struct Broken {
    pub(super) stage: Stage,
    pub(super) why: Why,
}

#[derive(Debug)]
pub(super) enum Why {
    /// The server's answer, or what happened to the connection.
    Smtp(Error),
    TooLate,
    /// This machine cannot encrypt anything: it has no certificates by which to know others.
    Unable(Error),
    /// The server offers no encryption, no way to sign in, or does not take letters in this alphabet.
    Unfit(&'static str),
}

impl Broken {
    /// The number of the server's answer, if it was one.
    pub(super) fn code(&self) -> Option<u16> {
        match &self.why {
            Why::Smtp(error) => error.status().map(u16::from),
            Why::TooLate | Why::Unable(_) | Why::Unfit(_) => None,
        }
    }

    /// The server's words, or those of what happened.
    pub(super) fn words(&self) -> String {
        match &self.why {
            Why::Smtp(error) | Why::Unable(error) => super::super::client::innermost(error),
            Why::TooLate => "no answer came in time".to_owned(),
            Why::Unfit(why) => (*why).to_owned(),
        }
    }
}

/// Signs in and sends a letter; without one, only signs in. The server's last words.
pub(super) async fn talk(
    place: &Place,
    credentials: Option<&Credentials>,
    letter: Option<&Letter>,
    connect: Duration,
    answer: Duration,
) -> Result<String, Broken> {
    let hello = ClientId::default();
    let tls = || {
        let unable = |error| Broken { stage: Stage::Encrypting, why: Why::Unable(error) };
        TlsParameters::new(place.host.clone()).map_err(unable)
    };
    let now = Instant::now();
    let by = now + connect;
    let wrapped = if place.encrypted { Some(tls()?) } else { None };
    let reached = AsyncSmtpConnection::connect_tokio1((place.host.as_str(), place.port), Some(connect), &hello, wrapped, None);
    let mut connection = step(Stage::Reaching, by, reached).await?;
    if !place.encrypted && !place.is_here {
        if !connection.can_starttls() {
            return Err(Broken { stage: Stage::Encrypting, why: Why::Unfit("it does not offer STARTTLS") });
        }
        step(Stage::Encrypting, by, connection.starttls(tls()?, &hello)).await?;
    }
    let by = Instant::now() + answer;
    let result = converse(&mut connection, credentials, letter, by).await;
    // What was said counts; whether the server also hears the good-bye does not.
    timeout_at(Instant::now() + GOOD_BYE, connection.abort()).await.ok();
    result
}

const GOOD_BYE: Duration = Duration::from_secs(1);

async fn converse(
    connection: &mut AsyncSmtpConnection,
    credentials: Option<&Credentials>,
    letter: Option<&Letter>,
    by: Instant,
) -> Result<String, Broken> {
    let mut last = "signed in".to_owned();
    if let Some(credentials) = credentials {
        let ways = [Mechanism::Plain, Mechanism::Login];
        if connection.server_info().get_auth_mechanism(&ways).is_none() {
            let why = "it offers no way to sign in with user and password";
            return Err(Broken { stage: Stage::SigningIn, why: Why::Unfit(why) });
        }
        last = words(&step(Stage::SigningIn, by, connection.auth(&ways, credentials)).await?);
    }
    let Some(letter) = letter else { return Ok(last) };
    let mut options = Vec::new();
    let info = connection.server_info();
    let addresses = std::iter::once(&letter.from).chain(&letter.to);
    if !addresses.clone().all(|it| AsRef::<str>::as_ref(it).is_ascii()) {
        if !info.supports_feature(Extension::SmtpUtfEight) {
            let why = "it takes no addresses with such letters";
            return Err(Broken { stage: Stage::Envelope, why: Why::Unfit(why) });
        }
        options.push(MailParameter::SmtpUtfEight);
    }
    if !letter.text.is_ascii() && info.supports_feature(Extension::EightBitMime) {
        options.push(MailParameter::Body(MailBodyParameter::EightBitMime));
    }
    step(Stage::Envelope, by, connection.command(Mail::new(Some(letter.from.clone()), options))).await?;
    for to in &letter.to {
        step(Stage::Envelope, by, connection.command(Rcpt::new(to.clone(), Vec::new()))).await?;
    }
    step(Stage::Envelope, by, connection.command(Data)).await?;
    let taken = step(Stage::Letter, by, connection.message(&letter.text)).await?;
    Ok(words(&taken))
}

fn words(response: &Response) -> String {
    let text: Vec<&str> = response.message().collect();
    format!("{} {}", u16::from(response.code()), text.join(" "))
}

fn broken(stage: Stage, error: Error) -> Broken {
    Broken { stage, why: Why::Smtp(error) }
}

async fn step<T>(stage: Stage, by: Instant, what: impl Future<Output = Result<T, Error>>) -> Result<T, Broken> {
    match timeout_at(by, what).await {
        Ok(done) => done.map_err(|error| broken(stage, error)),
        Err(_elapsed) => Err(Broken { stage, why: Why::TooLate }),
    }
}
