//! What an answer, or the lack of one, means: data to go on with, or an error that says what to do.
use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};

use super::answer::Content;
use super::budget::Told;
use super::redact::Redactor;
use super::request::Prepared;
use super::send::{End, Received, Unanswered};
use super::{CallError, Connection, Secret};
use crate::catalog::{Connector, LimitHeaders, Operation};
use crate::record::{Failure, FailureKind};

/// No service is obeyed for longer.
const LONGEST_RETRY_AFTER: Duration = Duration::from_hours(7 * 24);
/// An account that rests is tried again after so long.
const REST: Duration = Duration::from_hours(1);

/// What a call is about, for the words of a failure.
#[derive(Clone, Copy)]
pub(super) struct Subject<'a> {
    pub(super) request: &'a Prepared,
    pub(super) connection: Option<&'a Connection>,
    pub(super) connector: Option<&'a Connector>,
    /// None for the generic request.
    pub(super) operation: Option<&'a Operation>,
    pub(super) redactor: Redactor<'a>,
}

impl<'a> Subject<'a> {
    /// Of a call that is no HTTP request, and whose secret is hidden wherever it stands.
    pub(super) fn of(
        request: &'a Prepared,
        connection: &'a Connection,
        connector: &'a Connector,
        operation: &'a Operation,
        secret: Option<&'a Secret>,
    ) -> Self {
        let redactor = Redactor { secret, header: None, parameter: None };
        Self { request, connection: Some(connection), connector: Some(connector), operation: Some(operation), redactor }
    }

    pub(super) fn service(&self) -> &str {
        match self.connector {
            Some(connector) => &connector.title,
            None => self.request.url.host_str().unwrap_or("The service"),
        }
    }

    /// `"Create contact"`, or `GET /path` for the generic request.
    pub(super) fn doing(&self) -> String {
        match self.operation {
            Some(operation) => format!("\"{}\"", operation.title),
            None => format!("{} {}", self.request.method.as_str(), self.redactor.text(self.request.url.path())),
        }
    }

    pub(super) fn failure(&self, kind: FailureKind, title: String) -> Failure {
        Failure::new(kind, title).at(self.request.record.as_str())
    }

    fn paths(&self) -> &[String] {
        self.connector.map_or(&[], |it| it.errors.message.as_slice())
    }

    fn sign_in_hint(&self) -> String {
        match self.connection {
            Some(connection) => format!("Open Connections and sign in to {:?} again", connection.name),
            None => "Give the request a connection that signs it".into(),
        }
    }

    fn forbidden_hint(&self) -> String {
        match self.operation.map(|it| it.scopes.as_slice()) {
            Some(scopes @ [_, ..]) => {
                format!("See that the token has the scope {} and its user the permission", scopes.join(", "))
            }
            _ => "See that the token has the scope and its user the permission for this".into(),
        }
    }
}

/// Judges a head with its body. `Ok` holds what was read of an answer with a 2xx status.
pub(super) fn of_answer(
    subject: Subject<'_>,
    received: &Received,
    interval: Option<Duration>,
) -> Result<Content, Box<CallError>> {
    let status = received.status;
    let success = (200..=299).contains(&status);
    if success && !matches!(received.end, End::Whole) {
        return Err(Box::new(of_half(subject, received)));
    }
    let content_type = received.headers.get(CONTENT_TYPE).and_then(|it| it.to_str().ok()).unwrap_or_default();
    let content = Content::read(&received.body, content_type);
    if success {
        return of_success(subject, status, content);
    }

    let words = content.words(subject.paths());
    let words = subject.redactor.text(&words).into_owned();
    let (service, doing) = (subject.service(), subject.doing());
    let failure = |kind, title: String, hint: &str| subject.failure(kind, title).detail(words.as_str()).hint(hint).status(status);
    let after = retry_after(&received.headers, Timestamp::now());
    let inactive = subject.connector.map_or(&[][..], |it| &it.errors.inactive);
    if (400..=499).contains(&status) && rests(inactive, &words) {
        let until = Timestamp::now().checked_add(REST).unwrap_or(Timestamp::MAX);
        let failure = failure(
            FailureKind::SignIn,
            format!("{service} says that the account rests, so {doing} was not done"),
            "It is tried again each hour, and goes on by itself. See at the service whether the account is paid for",
        );
        return Err(Box::new(CallError::Breaker { until: Some(until), failure }));
    }
    // A token that is known and may not do this is not renewed, and nobody has to sign in for the sake of the others.
    let scope = subject.connector.map_or(&[][..], |it| &it.errors.scope);
    if matches!(status, 401 | 403) && rests(scope, &words) {
        let title = format!("{service} does not allow {doing}: the token lacks a scope");
        let failure = failure(FailureKind::Forbidden, title, "").hint(subject.forbidden_hint());
        return Err(Box::new(CallError::Refused(failure)));
    }
    Err(Box::new(match status {
        300..=399 => {
            let detail = received.stopped.as_deref().unwrap_or("it names no address to go to");
            let mut failure = failure(
                FailureKind::Refused,
                format!("{service} answered {doing} with a redirect ({status}) that is not followed"),
                "See that the base URL is the service's own; a write may have been carried out before the redirect",
            );
            failure.detail = subject.redactor.text(detail).into_owned();
            CallError::Refused(failure)
        }
        401 => {
            let failure = failure(FailureKind::SignIn, format!("{service} does not accept the credentials for {doing}"), "")
                .hint(subject.sign_in_hint());
            // Without a connection there is nothing to sign in to.
            if subject.connection.is_some() { CallError::SignIn(failure) } else { CallError::Refused(failure) }
        }
        403 => CallError::Refused(
            failure(FailureKind::Forbidden, format!("{service} does not allow {doing}"), "").hint(subject.forbidden_hint()),
        ),
        404 | 410 => {
            let record = &subject.request.record;
            let hint = if record.is_empty() {
                "See that the record still exists and belongs to this account".to_owned()
            } else {
                format!("See that {record} still exists and belongs to this account")
            };
            CallError::Refused(failure(FailureKind::NotFound, format!("{service} found nothing for {doing}"), &hint))
        }
        429 => CallError::Retry {
            after: after.or(interval),
            failure: failure(
                FailureKind::RateLimit,
                format!("{service} wants fewer requests than it got with {doing}"),
                "It is tried again once the service's limit allows it",
            ),
        },
        425 | 503 if after.is_some() || status == 425 => CallError::Retry {
            after,
            failure: failure(
                FailureKind::Service,
                format!("{service} is not available for {doing}"),
                "It is tried again when the service has said it may",
            ),
        },
        501 | 505 => CallError::Refused(failure(
            FailureKind::Service,
            format!("{service} cannot do {doing}"),
            "See that the base URL and the operation are those of this service",
        )),
        500..=599 | 408 => CallError::Lost(failure(
            if status == 408 { FailureKind::Timeout } else { FailureKind::Service },
            format!("{service} failed at {doing} ({status})"),
            "It may or may not have been carried out; look at the record in the service",
        )),
        _ => CallError::Refused(failure(
            FailureKind::Refused,
            format!("{service} refused {doing}"),
            "Correct what the service names, then run the step again",
        )),
    }))
}

fn of_success(subject: Subject<'_>, status: u16, content: Content) -> Result<Content, Box<CallError>> {
    let (title, detail) = match &content {
        Content::Page(_) if subject.operation.is_some() => {
            (format!("{} answered {} with a web page", subject.service(), subject.doing()), content.words(&[]))
        }
        Content::Broken(error) => {
            (format!("{} answered {} with JSON that is damaged", subject.service(), subject.doing()), error.clone())
        }
        Content::Beyond(beyond) => {
            let failure = subject
                .failure(
                    FailureKind::Limit,
                    format!("{} answered {} with more than a run can carry", subject.service(), subject.doing()),
                )
                .detail(beyond.to_string())
                .hint("Ask for fewer records or fields")
                .status(status);
            let read = subject.request.method.is_read();
            return Err(Box::new(if read { CallError::Refused(failure) } else { CallError::Lost(failure) }));
        }
        Content::Empty | Content::Json(_) | Content::Text(_) | Content::Binary(_) | Content::Page(_) => return Ok(content),
    };
    let failure = subject
        .failure(FailureKind::Service, title)
        .detail(subject.redactor.text(&detail).into_owned())
        .hint("See that the base URL is the service's own, and that no sign-in page or proxy stands before it")
        .status(status);
    Err(Box::new(CallError::Lost(failure)))
}

/// A 2xx answer whose body did not come whole.
fn of_half(subject: Subject<'_>, received: &Received) -> CallError {
    let (service, doing) = (subject.service(), subject.doing());
    let lost = |kind, title: String, detail: &str, hint: &str| {
        CallError::Lost(subject.failure(kind, title).detail(subject.redactor.text(detail)).hint(hint).status(received.status))
    };
    match &received.end {
        End::TooLong => {
            let failure = subject
                .failure(FailureKind::Limit, format!("The answer of {service} to {doing} is too long"))
                .detail(format!("It was cut after {} bytes", received.body.len()))
                .hint("Ask for fewer records or fields, or raise the bound on answers in the settings")
                .status(received.status);
            // A read that is too long once is too long always; a write was carried out, and its answer is not known.
            if subject.request.method.is_read() { CallError::Refused(failure) } else { CallError::Lost(failure) }
        }
        End::Cut(words) => lost(
            FailureKind::Network,
            format!("The connection to {service} broke off within the answer to {doing}"),
            words,
            "Look at the record in the service to see whether it was carried out",
        ),
        End::TooLate | End::Whole => lost(
            FailureKind::Timeout,
            format!("{service} took too long to answer {doing}"),
            "The answer began, and did not end in time",
            "Look at the record in the service to see whether it was carried out",
        ),
    }
}

/// Judges the lack of any answer.
pub(super) fn of_silence(subject: Subject<'_>, unanswered: &Unanswered) -> CallError {
    let (service, doing) = (subject.service(), subject.doing());
    let host = subject.request.url.host_str().unwrap_or_default();
    let failure = |kind, title: String, detail: &str, hint: &str| {
        subject.failure(kind, title).detail(subject.redactor.text(detail)).hint(hint)
    };
    match unanswered {
        Unanswered::Unreached { words, late, name } => CallError::Retry {
            after: None,
            failure: failure(
                if *late { FailureKind::Timeout } else { FailureKind::Network },
                format!("No connection to {service} for {doing}"),
                &if *name { format!("The name {host} was not found: {words}") } else { words.clone() },
                "See that this machine is online and that the base URL is right",
            ),
        },
        Unanswered::Distrusted(words) => CallError::NotSent(failure(
            FailureKind::Network,
            format!("{host} could not prove that it is {service}, so {doing} was not sent"),
            words,
            "See that the base URL is right, that this machine's clock is, and that no proxy opens encrypted connections",
        )),
        Unanswered::NoClient(words) => CallError::NotSent(failure(
            FailureKind::Machine,
            format!("{doing} was not sent: this machine cannot make encrypted connections"),
            words,
            "Install the system's certificates (the package is mostly called ca-certificates)",
        )),
        Unanswered::Lost { words } => CallError::Lost(failure(
            FailureKind::Network,
            format!("The connection to {service} broke off before the answer to {doing}"),
            words,
            "Look at the record in the service to see whether it was carried out",
        )),
        Unanswered::TooLate => CallError::Lost(failure(
            FailureKind::Timeout,
            format!("{service} took too long to answer {doing}"),
            "No answer began in time",
            "Look at the record in the service to see whether it was carried out",
        )),
    }
}

/// Whether the service says by these words, one of `inactive`, that the account rests for now.
pub(super) fn rests(inactive: &[String], words: &str) -> bool {
    let words = words.to_lowercase();
    inactive.iter().any(|it| words.contains(it.as_str()))
}

/// `Retry-After` in seconds or as a date (RFC 9110, 10.2.3).
pub(super) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = if let Ok(seconds) = text.parse::<u64>() {
        Duration::from_secs(seconds)
    } else {
        let date = DateTimeParser::new().parse_timestamp(text).ok()?;
        Duration::try_from(date.duration_since(now)).unwrap_or(Duration::ZERO)
    };
    Some(wait.min(LONGEST_RETRY_AFTER))
}

/// What the service's own headers tell about the budget.
pub(super) fn told(names: &LimitHeaders, headers: &HeaderMap) -> Told {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<u64>().ok();
    let small = |name: &str| number(name).map(|it| u32::try_from(it).unwrap_or(u32::MAX));
    Told {
        max: small(&names.max).filter(|it| *it > 0),
        remaining: small(&names.remaining),
        interval: number(&names.interval_ms).map(Duration::from_millis),
        daily_remaining: number(&names.daily_remaining),
    }
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    #[test]
    fn retry_after_is_read_in_seconds_and_as_a_date() {
        let now: Timestamp = "1994-11-06T08:49:00Z".parse().unwrap();
        for (text, expected) in [
            ("120", Some(120)),
            (" 0 ", Some(0)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(37)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", Some(0)),
            ("99999999999999", Some(7 * 24 * 3600)),
            ("soon", None),
            ("-1", None),
            ("1.5", None),
        ] {
            let headers: HeaderMap = [(RETRY_AFTER, HeaderValue::from_static(text))].into_iter().collect();
            assert_eq!(retry_after(&headers, now), expected.map(Duration::from_secs), "{text}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }

    #[test]
    fn headers_about_the_budget_are_read_where_they_are_numbers() {
        let names = LimitHeaders {
            max: "x-ratelimit-max".into(),
            remaining: "x-ratelimit-remaining".into(),
            interval_ms: "x-ratelimit-interval-milliseconds".into(),
            daily_remaining: "x-ratelimit-daily-remaining".into(),
        };
        let headers: HeaderMap = [
            ("x-ratelimit-max", "100"),
            ("x-ratelimit-remaining", "99999999999"),
            ("x-ratelimit-interval-milliseconds", "10000"),
            ("x-ratelimit-daily-remaining", "many"),
        ]
        .into_iter()
        .map(|(name, value)| (reqwest::header::HeaderName::from_static(name), HeaderValue::from_static(value)))
        .collect();
        let expected =
            Told { max: Some(100), remaining: Some(u32::MAX), interval: Some(Duration::from_secs(10)), daily_remaining: None };
        assert_eq!(told(&names, &headers), expected);
        assert_eq!(told(&names, &HeaderMap::new()), Told::default());
    }
}
