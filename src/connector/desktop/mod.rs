//! Notifications on the desktop of this computer: an operation whose connection's address begins with `desktop:` is no HTTP
//! request.
//!
//! Where the desktop is one of freedesktop.org's it is asked over D-Bus ("Desktop Notifications Specification" 1.3), elsewhere by
//! the system's own way.
//!
//! Invariant: a notification is plain text wherever it is shown: nothing in it is read as markup.
//! Invariant: where there is no desktop, a call fails and says so; nobody is waited for longer than [`LONGEST`].
#[cfg(all(unix, not(target_os = "macos")))]
mod bus;
#[cfg(not(all(unix, not(target_os = "macos"))))]
mod system;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use tokio::time::Instant;
use url::Url;

#[cfg(all(unix, not(target_os = "macos")))]
use self::bus as way;
#[cfg(not(all(unix, not(target_os = "macos"))))]
use self::system as way;
use super::request::Prepared;
use super::status::Subject;
use super::{Answered, CallError, Called, Caller, Connection};
use crate::catalog::{Connector, Method, Operation};
use crate::record::{Answer, Exchange, Failure, FailureKind, Request, Timing};

/// No desktop is waited for longer than this.
pub(super) const LONGEST: Duration = Duration::from_secs(10);
/// So much of a text is shown: desktops cut what is longer as they like.
const MOST_CHARS: usize = 500;

/// Whether an address is the desktop's.
pub(super) fn is_at(url: &Url) -> bool {
    url.scheme() == "desktop"
}

/// Whether this computer seems to have a desktop that shows notifications; nobody is asked.
pub fn has_desktop() -> bool {
    way::is_likely()
}

/// A notification that somebody clicked on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clicked {
    /// The run that it was about.
    pub run: Option<u64>,
}

/// What is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Words {
    title: String,
    text: String,
    stays: bool,
    #[cfg_attr(not(all(unix, not(target_os = "macos"))), expect(dead_code, reason = "a click is told on other systems only"))]
    run: Option<u64>,
}

/// What came of showing it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Shown {
    number: Option<u32>,
}

/// Who shows notifications here.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Screen {
    program: String,
    clickable: bool,
}

/// Why nothing was shown.
#[derive(Debug)]
#[cfg_attr(not(all(unix, not(target_os = "macos"))), expect(dead_code, reason = "other systems have a desktop always"))]
enum Broken {
    /// What was given cannot be shown.
    Wrong(&'static str),
    /// Nobody is signed in to a desktop here.
    NoDesktop(String),
    /// There is a desktop, and nothing on it shows notifications.
    Nobody(String),
    /// It did not answer.
    Silent(String),
    /// It said no.
    Refused(String),
}

type Told = Arc<dyn Fn(Clicked) + Send + Sync>;

/// The way to the desktop; opened with the first notification.
#[derive(Default)]
pub(super) struct Desktop {
    told: Mutex<Option<Told>>,
    open: Arc<Mutex<Option<way::Open>>>,
}

impl Desktop {
    /// Whoever is told of clicks from now on.
    pub(super) fn tell(&self, told: Told) {
        *lock(&self.told) = Some(told);
    }

    /// Asks on a thread of its own: the desktop may be slow, or not answer.
    async fn ask<T: Send + 'static>(
        &self,
        what: impl FnOnce(&mut Option<way::Open>, Option<Told>) -> Result<T, Broken> + Send + 'static,
    ) -> Result<T, Broken> {
        let (open, told) = (Arc::clone(&self.open), lock(&self.told).clone());
        let asked = tokio::task::spawn_blocking(move || what(&mut lock(&open), told));
        match tokio::time::timeout(LONGEST + Duration::from_secs(1), asked).await {
            Ok(Ok(done)) => done,
            Ok(Err(error)) => Err(Broken::Refused(error.to_string())),
            Err(_) => Err(Broken::Silent("no answer in time".to_owned())),
        }
    }
}

impl fmt::Debug for Desktop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Desktop").finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is in there is whole, or is opened anew.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Caller {
    /// Shows a notification; an operation that only reads says who would.
    pub(super) async fn notify(
        &self,
        request: &Prepared,
        connection: &Connection,
        connector: &Connector,
        operation: &Operation,
    ) -> Called {
        let subject = Subject::of(request, connection, connector, operation, None);
        let redactor = subject.redactor;
        let (started, clock) = (Timestamp::now(), Instant::now());
        let done = if operation.method == Method::Get {
            let asked = self.desktop().ask(|open, _| way::look(open)).await;
            asked.map(|it| json!({ "program": it.program, "clickable": it.clickable }))
        } else {
            match words(request) {
                Ok(words) => {
                    let shown = self.desktop().ask(move |open, told| way::show(open, &words, told)).await;
                    shown.map(|it| json!({ "shown": true, "number": it.number }))
                }
                Err(broken) => Err(broken),
            }
        };
        let most = self.settings().max_log_body_bytes;
        let said = match &done {
            Ok(_) => None,
            Err(Broken::Wrong(why)) => Some((*why).to_owned()),
            Err(Broken::NoDesktop(why) | Broken::Nobody(why) | Broken::Silent(why) | Broken::Refused(why)) => Some(why.clone()),
        };
        let exchange = Exchange {
            request: Request {
                method: request.method.as_str().to_owned(),
                url: redactor.url(&request.url),
                headers: Vec::new(),
                body: redactor.body(&request.body, "application/json", most, true),
            },
            answer: done.as_ref().ok().map(|value| Answer {
                status: 200,
                headers: Vec::new(),
                body: redactor.body(value.to_string().as_bytes(), "application/json", most, true),
            }),
            error: said,
            started,
            timing: Timing { waiting_us: u64::try_from(clock.elapsed().as_micros()).unwrap_or(u64::MAX), ..Timing::default() },
        };
        let result = match done {
            Ok(value) => Ok(Answered { status: 200, headers: Vec::new(), value }),
            Err(broken) => Err(judge(&subject, broken)),
        };
        Called { exchange: Some(Arc::new(exchange)), before: None, result }
    }
}

fn words(request: &Prepared) -> Result<Words, Broken> {
    let fields: Map<String, Value> = serde_json::from_slice(&request.body).unwrap_or_default();
    let text = |key: &str| fields.get(key).and_then(Value::as_str).map(shown).unwrap_or_default();
    let title = text("title").replace('\n', " ");
    if title.trim().is_empty() {
        return Err(Broken::Wrong("its title is empty"));
    }
    let stays = fields.get("stays").and_then(Value::as_bool).unwrap_or_default();
    Ok(Words { title, text: text("text"), stays, run: fields.get("run").and_then(Value::as_u64) })
}

/// Without what no desktop paints, and not without end.
fn shown(text: &str) -> String {
    let plain = text.chars().filter(|it| *it == '\n' || !it.is_control());
    let mut short: String = plain.clone().take(MOST_CHARS).collect();
    if plain.count() > MOST_CHARS {
        short.push('\u{2026}');
    }
    short
}

/// An error that decides what happens next: a desktop that is busy is asked again, one that is not there is not.
fn judge(subject: &Subject<'_>, broken: Broken) -> CallError {
    let doing = subject.doing();
    let failure = |why: &str, detail: String, hint: &str| {
        subject.failure(FailureKind::Machine, format!("{doing} was not done: {why}")).detail(detail).hint(hint)
    };
    match broken {
        Broken::Wrong(why) => {
            let failure = Failure::new(FailureKind::Mapping, format!("{doing} was not done: {why}"));
            CallError::NotSent(failure.at("input.title").hint("Map a text to the title"))
        }
        Broken::NoDesktop(why) => CallError::Refused(failure(
            "there is no desktop here",
            why,
            "Flows that run as a service, or on a server, cannot reach the screen of a person: send mail instead",
        )),
        Broken::Nobody(why) => CallError::Refused(failure(
            "no program on this desktop shows notifications",
            why,
            "Switch notifications on in the settings of the desktop, or send mail instead",
        )),
        Broken::Silent(why) => {
            CallError::Retry { after: None, failure: failure("the desktop does not answer", why, "It is tried again by itself") }
        }
        Broken::Refused(why) => CallError::Refused(failure(
            "the desktop did not take it",
            why,
            "Look in the settings of the desktop whether Flowyard may show notifications",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_has_no_control_characters_and_an_end() {
        assert_eq!(shown("a\u{1b}[31m\tb\nc"), "a[31mb\nc");
        let long = shown(&"x".repeat(MOST_CHARS + 1));
        assert_eq!((long.chars().count(), long.ends_with('\u{2026}')), (MOST_CHARS + 1, true));
        assert_eq!(shown(&"y".repeat(MOST_CHARS)).chars().count(), MOST_CHARS);
    }
}
