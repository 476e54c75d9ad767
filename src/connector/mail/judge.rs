//! What it means that a letter was not taken.
use super::talk::{Broken, Stage, Why};
use crate::connector::CallError;
use crate::connector::client::{is_distrust, tls_error};
use crate::connector::status::Subject;
use crate::record::FailureKind;

/// An error that decides what happens next. A server that says no for good (5xx) is not asked again; one that says no for now
/// (4xx), and one that cannot be reached, is; an end in the middle of the letter leaves everything open.
pub(super) fn judge(subject: &Subject<'_>, broken: &Broken) -> CallError {
    let (doing, words) = (subject.doing(), subject.redactor.text(&broken.words()).into_owned());
    let host = subject.request.url.host_str().unwrap_or_default();
    let failure = |kind, title: String, hint: &str| {
        let failure = subject.failure(kind, title).detail(words.as_str()).hint(hint);
        match broken.code() {
            Some(code) => failure.status(code),
            None => failure,
        }
    };
    let (for_good, for_now) = match &broken.why {
        Why::Smtp(error) => (error.is_permanent(), error.is_transient()),
        Why::TooLate | Why::Unable(_) | Why::Unfit(_) => (false, false),
    };
    if for_now {
        let title = format!("{host} does not take {doing} for now");
        let failure = failure(FailureKind::Service, title, "It is tried again by itself");
        return CallError::Retry { after: None, failure };
    }
    match (broken.stage, &broken.why) {
        (Stage::SigningIn, _) if for_good => CallError::SignIn(failure(
            FailureKind::SignIn,
            format!("{host} does not let the connection in, so {doing} was not done"),
            "Give the connection the right user and password; many providers want a password that is for programs only",
        )),
        (_, Why::Unfit(_)) => CallError::NotSent(failure(
            FailureKind::Refused,
            format!("{host} cannot be used for {doing}"),
            "See that the address is right: smtps://… on port 465, or smtp://… on port 587",
        )),
        (_, Why::Unable(_)) => CallError::NotSent(failure(
            FailureKind::Machine,
            format!("{doing} was not sent: this machine cannot make encrypted connections"),
            "Install the system's certificates (the package is mostly called ca-certificates)",
        )),
        (Stage::Reaching | Stage::Encrypting, Why::Smtp(error)) if tls_error(error).is_some_and(is_distrust) => {
            CallError::NotSent(failure(
                FailureKind::Network,
                format!("{host} could not prove that it is the mail server of that name, so {doing} was not sent"),
                "See that the address is right, that this machine's clock is, and that no proxy opens encrypted connections",
            ))
        }
        (Stage::Reaching | Stage::Encrypting, Why::Smtp(error)) if error.is_tls() || tls_error(error).is_some_and(is_unfit) => {
            CallError::NotSent(failure(
                FailureKind::Network,
                format!("The connection to {host} could not be encrypted, so {doing} was not sent"),
                "See that the address is right (smtps:// for port 465, smtp:// for port 587), and that this machine's clock is",
            ))
        }
        (Stage::Envelope, _) if for_good => CallError::Refused(failure(
            FailureKind::Refused,
            format!("{host} refused {doing}"),
            "See that the sender may send from this account, and that the readers' addresses exist",
        )),
        (_, _) if for_good => CallError::Refused(failure(FailureKind::Refused, format!("{host} refused {doing}"), "")),
        (Stage::Letter, _) => CallError::Lost(failure(
            FailureKind::Network,
            format!("{host} did not say whether it took {doing}"),
            "Look whether the letter arrived, and then let the step go on",
        )),
        (_, Why::TooLate) => CallError::Retry {
            after: None,
            failure: failure(FailureKind::Timeout, format!("{host} did not answer in time, so {doing} was not sent"), ""),
        },
        (_, Why::Smtp(_)) => CallError::Retry {
            after: None,
            failure: failure(
                FailureKind::Network,
                format!("{host} cannot be reached, so {doing} was not sent"),
                "See that the address and the network are right",
            ),
        },
    }
}

/// Whether it never will be encrypted like this: what answers speaks no TLS, or none that is known here.
fn is_unfit(error: &rustls::Error) -> bool {
    matches!(error, rustls::Error::InvalidMessage(_) | rustls::Error::PeerIncompatible(_))
}
