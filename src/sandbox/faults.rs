//! What goes wrong on purpose.
use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::catalog::OperationId;

/// What goes wrong, for which share of the requests; and what goes wrong with the very next ones.
///
/// Shares are drawn from a generator that starts anew from `random` whenever the faults are set, so a client that sends
/// the same requests in the same order meets the same faults. A request has at most one of the faults, and may be slow
/// besides.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// Share of requests, 0 to 1, that are answered with 401.
    pub unauthorized: f64,
    /// Share answered with 403.
    pub forbidden: f64,
    /// Share answered with 429.
    pub rate_limited: f64,
    /// Share of Schedule it's answers that are 429 only to see whether the client copes.
    pub surprise: f64,
    /// Share answered with 500.
    pub server_error: f64,
    /// Share answered with an HTML page and 502, as a proxy does when the service behind it is away.
    pub html: f64,
    /// Share whose connection is closed in the middle of the answer.
    pub cut: f64,
    /// Share answered late.
    pub slow: f64,
    /// How late, in milliseconds.
    pub slow_ms: u64,
    /// How far the services' clocks are ahead of the sandbox's own, in milliseconds; negative if they are behind. Dates of
    /// records and answers follow it.
    pub skew_ms: i64,
    /// Whether 500, 502 and cuts by share strike after the request has had its effect, not before.
    pub after: bool,
    /// Where the generator starts.
    pub random: u64,
    /// Faults for the next requests, in this order, ahead of all shares.
    pub next: VecDeque<Fault>,
}

/// One fault, for one request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// What goes wrong.
    #[serde(rename = "fault")]
    pub kind: FaultKind,
    /// Only for a request of this operation; other requests leave it for later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<OperationId>,
    /// Whether it strikes after the request has had its effect. A 401, 403 or 429 never has one.
    #[serde(default)]
    pub after: bool,
    /// For a slow answer: how late, in milliseconds.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub ms: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(ms: &u64) -> bool {
    *ms == 0
}

/// The ways in which a service fails its callers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// 401: the token is refused.
    Unauthorized,
    /// 403: the account may not do this.
    Forbidden,
    /// 429: too many requests.
    RateLimited,
    /// 429 from Schedule it, which sends one now and then to see whether the client copes.
    Surprise,
    /// 500 with the service's own error body.
    ServerError,
    /// 502 with an HTML page.
    Html,
    /// The head of the answer and half of its body, then the connection is closed.
    Cut,
    /// A whole answer, late.
    Slow,
}

impl Fault {
    /// A fault for the next request of any operation, before the effect.
    pub fn new(kind: FaultKind) -> Self {
        Self { kind, operation: None, after: false, ms: 0 }
    }

    /// A late answer.
    pub fn slow(ms: u64) -> Self {
        Self { ms, ..Self::new(FaultKind::Slow) }
    }

    /// Only for this operation.
    #[must_use]
    pub fn on(mut self, operation: OperationId) -> Self {
        self.operation = Some(operation);
        self
    }

    /// After the effect.
    #[must_use]
    pub fn after_effect(mut self) -> Self {
        self.after = true;
        self
    }
}

impl From<FaultKind> for Fault {
    fn from(kind: FaultKind) -> Self {
        Self::new(kind)
    }
}

impl FaultKind {
    /// The name as it is written in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::RateLimited => "rate_limited",
            Self::Surprise => "surprise",
            Self::ServerError => "server_error",
            Self::Html => "html",
            Self::Cut => "cut",
            Self::Slow => "slow",
        }
    }
}

/// The faults that are set, and the generator that draws from them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Draw {
    faults: Faults,
    rng: Option<fastrand::Rng>,
}

/// What is wrong with one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Drawn {
    /// The fault and whether it strikes after the effect.
    pub(crate) strike: Option<(FaultKind, bool)>,
    /// A delay before the request is looked at, in milliseconds.
    pub(crate) before_ms: u64,
    /// A delay between the effect and the answer, in milliseconds.
    pub(crate) after_ms: u64,
    /// How far the service's clock is ahead, in milliseconds.
    pub(crate) skew_ms: i64,
}

impl Drawn {
    /// The name for the ledger.
    pub(crate) fn name(&self) -> Option<&'static str> {
        match self.strike {
            Some((kind, _)) => Some(kind.as_str()),
            None => (self.before_ms + self.after_ms > 0).then_some(FaultKind::Slow.as_str()),
        }
    }

    /// The fault, if it strikes at this moment.
    pub(crate) fn strikes(&self, after: bool) -> Option<FaultKind> {
        self.strike.and_then(|(kind, it)| (it == after).then_some(kind))
    }
}

impl Draw {
    pub(crate) fn set(&mut self, faults: Faults) {
        self.rng = Some(fastrand::Rng::with_seed(faults.random));
        self.faults = faults;
    }

    pub(crate) fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Decides what is wrong with a request of this operation. `tested`: the service is one that sends errors on purpose.
    pub(crate) fn draw(&mut self, operation: Option<&OperationId>, tested: bool) -> Drawn {
        Drawn { skew_ms: self.faults.skew_ms, ..self.strike(operation, tested) }
    }

    fn strike(&mut self, operation: Option<&OperationId>, tested: bool) -> Drawn {
        let forced = self.faults.next.iter().position(|it| it.operation.is_none() || it.operation.as_ref() == operation);
        if let Some(fault) = forced.and_then(|at| self.faults.next.remove(at)) {
            return forced_on(&fault);
        }
        let faults = &self.faults;
        let shares = [
            (FaultKind::Unauthorized, faults.unauthorized),
            (FaultKind::Forbidden, faults.forbidden),
            (FaultKind::RateLimited, faults.rate_limited),
            (FaultKind::Surprise, if tested { faults.surprise } else { 0.0 }),
            (FaultKind::ServerError, faults.server_error),
            (FaultKind::Html, faults.html),
            (FaultKind::Cut, faults.cut),
        ];
        if faults.slow <= 0.0 && shares.iter().all(|(_, share)| *share <= 0.0) {
            return Drawn::default();
        }
        let rng = self.rng.get_or_insert_with(|| fastrand::Rng::with_seed(faults.random));
        // Both numbers are drawn for every request, so that switching one fault on does not move the others.
        let (mut point, late) = (rng.f64(), rng.f64());
        let strike = shares.into_iter().find_map(|(kind, share)| {
            let hit = point < share;
            point -= share.max(0.0);
            hit.then(|| (kind, faults.after && may_follow(kind)))
        });
        Drawn { strike, after_ms: if late < faults.slow { faults.slow_ms } else { 0 }, ..Drawn::default() }
    }
}

/// Whether a request can have had its effect and still meet this fault.
fn may_follow(kind: FaultKind) -> bool {
    matches!(kind, FaultKind::ServerError | FaultKind::Html | FaultKind::Cut)
}

fn forced_on(fault: &Fault) -> Drawn {
    match fault.kind {
        FaultKind::Slow if fault.after => Drawn { after_ms: fault.ms, ..Drawn::default() },
        FaultKind::Slow => Drawn { before_ms: fault.ms, ..Drawn::default() },
        kind => Drawn { strike: Some((kind, fault.after && may_follow(kind))), ..Drawn::default() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(faults: Faults, count: usize) -> Vec<Drawn> {
        let mut draw = Draw::default();
        draw.set(faults);
        (0..count).map(|_| draw.draw(None, true)).collect()
    }

    #[test]
    fn the_same_seed_draws_the_same_faults() {
        let faults = Faults { server_error: 0.3, cut: 0.2, slow: 0.5, slow_ms: 7, random: 9, ..Faults::default() };
        assert_eq!(drawn(faults.clone(), 200), drawn(faults.clone(), 200));
        assert_ne!(drawn(faults.clone(), 200), drawn(Faults { random: 10, ..faults }, 200));
    }

    #[test]
    fn shares_are_kept_roughly_and_exactly_at_their_ends() {
        let all = drawn(Faults { rate_limited: 1.0, ..Faults::default() }, 50);
        assert!(all.iter().all(|it| it.strike == Some((FaultKind::RateLimited, false))));
        let none = drawn(Faults::default(), 50);
        assert!(none.iter().all(|it| *it == Drawn::default()));
        let some = drawn(Faults { unauthorized: 0.25, server_error: 0.25, ..Faults::default() }, 4_000);
        let share = |kind| some.iter().filter(|it| it.strike.is_some_and(|(found, _)| found == kind)).count();
        assert!((800..1_200).contains(&share(FaultKind::Unauthorized)));
        assert!((800..1_200).contains(&share(FaultKind::ServerError)));
    }

    #[test]
    fn only_a_service_that_tests_its_clients_surprises_them() {
        let mut draw = Draw::default();
        draw.set(Faults { surprise: 1.0, skew_ms: -5, ..Faults::default() });
        assert_eq!(draw.draw(None, false), Drawn { skew_ms: -5, ..Drawn::default() });
        assert_eq!(draw.draw(None, true).strike, Some((FaultKind::Surprise, false)));
    }

    #[test]
    fn a_forced_fault_waits_for_its_operation() {
        let create = OperationId::new("highlevel.contacts.create-contact");
        let read = OperationId::new("highlevel.contacts.get-contact");
        let mut draw = Draw::default();
        let next = [Fault::new(FaultKind::Cut).on(create.clone()).after_effect(), FaultKind::ServerError.into()];
        draw.set(Faults { next: next.into(), ..Faults::default() });
        assert_eq!(draw.draw(Some(&read), false).strike, Some((FaultKind::ServerError, false)));
        assert_eq!(draw.draw(Some(&read), false).strike, None);
        assert_eq!(draw.draw(Some(&create), false).strike, Some((FaultKind::Cut, true)));
        assert!(draw.faults().next.is_empty());
    }

    #[test]
    fn faults_travel_as_json() {
        let text = r#"{"server_error":0.5,"next":[{"fault":"cut","after":true},{"fault":"slow","ms":20}]}"#;
        let faults: Faults = serde_json::from_str(text).unwrap();
        assert_eq!(faults.next[0], Fault::new(FaultKind::Cut).after_effect());
        assert_eq!(faults.next[1], Fault::slow(20));
        let back: Faults = serde_json::from_str(&serde_json::to_string(&faults).unwrap()).unwrap();
        assert_eq!(back, faults);
    }
}
