//! Which step of which run a request is of, said in its head: for an imitation that is to tell afterwards what each step did.
//!
//! Invariant: only a service on this machine is told, and only where the settings ask for it.
use std::fmt::Display;

use reqwest::header::{HeaderName, HeaderValue};
use url::{Host, Url};

/// The header: the run's number, a `/`, and the step.
pub(super) const HEADER: HeaderName = HeaderName::from_static("x-flowyard-step");

tokio::task_local! {
    /// Of the calls that a task makes, wherever in it they are.
    static CURRENT: Label;
}

/// A run and a step.
#[derive(Debug, Clone)]
pub struct Label(Option<HeaderValue>);

impl Label {
    /// Names a step of a run.
    pub fn of(run: impl Display, step: impl Display) -> Self {
        Self(HeaderValue::try_from(format!("{run}/{step}")).ok())
    }

    /// All calls that this makes are of this step; what is spawned in it is of none.
    pub async fn scope<F: Future>(self, calls: F) -> F::Output {
        CURRENT.scope(self, calls).await
    }

    /// Of the calls that are made here and now, if a service at this address may be told.
    pub(super) fn for_address(url: &Url) -> Option<HeaderValue> {
        let is_here = match url.host() {
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            Some(Host::Domain(name)) => name == "localhost",
            None => false,
        };
        if is_here { CURRENT.try_with(|it| it.0.clone()).ok().flatten() } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_a_service_on_this_machine_is_told_of_which_step_a_request_is() {
        let told = |url: &str| Label::for_address(&url.parse().unwrap()).map(|it| it.to_str().unwrap().to_owned());
        assert_eq!(told("http://127.0.0.1:1/x"), None, "outside of a step");
        let asked = async { ["http://127.0.0.1:1/x", "http://[::1]/x", "https://services.example.com/x"].map(told) };
        let label = Some("7/send[2]".to_owned());
        assert_eq!(Label::of(7, "send[2]").scope(asked).await, [label.clone(), label, None]);
    }
}
