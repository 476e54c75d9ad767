//! Sends alerts: each is a run of a small flow of the engine's own, and of every flow that starts from alerts.
//!
//! Invariant: an alert is told by each way once, however often it is handed in.
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::{Alert, Alerts, Tried, Way};
use crate::connector::{ConnectionId, Priority};
use crate::engine::deploy::{self, Deployment};
use crate::engine::drive::{Accepted, Driver, Start};
use crate::engine::recover::blocking;
use crate::engine::shared::{Deployed, Shared};
use crate::engine::trigger::{Fired, fire};
use crate::flow::{Flow, FlowId, NodeId, SlotId, Trigger};
use crate::record::{Failure, FailureKind};
use crate::run::{Cause, Outcome, RunId, Via};

/// The engine's own flows. What cannot be told for now is tried for about an hour.
const MAIL: &str = r#"{
  "flowyard": 1, "id": "flowyard-alerts-mail", "name": "Alerts by mail", "slots": { "mail": "mail" },
  "nodes": {
    "alert": { "name": "Alert", "kind": "trigger", "trigger": "manual" },
    "send": {
      "name": "Send mail", "kind": "action", "operation": "mail.letters.send-mail", "slot": "mail",
      "input": { "to": { "expr": "alert.to" }, "subject": { "expr": "alert.title" }, "text": { "expr": "alert.text" } },
      "retry": { "attempts": 8, "first_ms": 10000, "longest_ms": 1200000 }
    }
  },
  "edges": [{ "from": "alert", "port": "out", "to": "send" }]
}"#;
const DESKTOP: &str = r#"{
  "flowyard": 1, "id": "flowyard-alerts-desktop", "name": "Alerts on the desktop", "slots": { "desktop": "desktop" },
  "nodes": {
    "alert": { "name": "Alert", "kind": "trigger", "trigger": "manual" },
    "show": {
      "name": "Show a notification", "kind": "action", "operation": "desktop.notifications.show", "slot": "desktop",
      "input": {
        "title": { "expr": "alert.title" }, "text": { "expr": "alert.text" }, "run": { "expr": "alert.run", "missing": "skip" }
      },
      "retry": { "attempts": 5, "first_ms": 5000, "longest_ms": 60000 }
    }
  },
  "edges": [{ "from": "alert", "port": "out", "to": "show" }]
}"#;
/// How long a test waits for what comes of it.
const TEST: Duration = Duration::from_secs(25);

impl Way {
    fn flow(self) -> Option<Flow> {
        let text = match self {
            Self::Desktop => DESKTOP,
            Self::Mail => MAIL,
        };
        // A test holds that each of them can be read.
        Flow::parse(text.as_bytes()).ok()
    }

    fn id(self) -> FlowId {
        FlowId::new(match self {
            Self::Desktop => "flowyard-alerts-desktop",
            Self::Mail => "flowyard-alerts-mail",
        })
    }
}

/// Whether a flow is one of those that tell alerts: nobody is alerted of what becomes of it.
pub fn is_own(flow: &FlowId) -> bool {
    [Way::Desktop, Way::Mail].iter().any(|it| it.id() == *flow)
}

/// The flows that tell these alerts; an engine that knows them from its start also goes on with what an earlier one left.
pub fn deployments(alerts: &Alerts) -> Vec<Deployment> {
    let bound = |way: Way, bindings: BTreeMap<SlotId, ConnectionId>| Some(Deployment::quiet(Arc::new(way.flow()?), bindings));
    let mail = alerts.mail.as_ref().map(|it| BTreeMap::from([(SlotId::new("mail"), it.by.clone())]));
    [bound(Way::Desktop, BTreeMap::new()), mail.and_then(|it| bound(Way::Mail, it))].into_iter().flatten().collect()
}

/// Makes them known, where they are not or are bound otherwise.
async fn know(shared: &Arc<Shared>, alerts: &Alerts) -> Result<(), Failure> {
    for deployment in deployments(alerts) {
        let known = shared.deployed(&deployment.flow.id);
        if known.is_none_or(|it| it.bindings != deployment.bindings) {
            deploy::deploy(shared, deployment).await?;
        }
    }
    Ok(())
}

/// The ways that a person has chosen.
fn ways(alerts: &Alerts) -> Vec<Way> {
    let chosen = [(Way::Desktop, alerts.on_desktop()), (Way::Mail, alerts.mail.is_some())];
    chosen.into_iter().filter(|it| it.1).map(|it| it.0).collect()
}

/// Tells an alert by every way; done once all of it is on the disk.
pub(super) async fn deliver(shared: &Arc<Shared>, alerts: &Alerts, alert: &Alert) -> Vec<(Way, Result<RunId, Failure>)> {
    let mut told = Vec::new();
    if let Err(failure) = know(shared, alerts).await {
        shared.trouble(failure);
    }
    for way in ways(alerts) {
        told.push((way, by(shared, alerts, alert, way).await));
    }
    for (deployed, trigger) in waiting(shared, alert) {
        if let Err(failure) = patiently(shared, || start(shared, &deployed, &trigger, alert)).await {
            shared.trouble(failure);
        }
    }
    told
}

async fn by(shared: &Arc<Shared>, alerts: &Alerts, alert: &Alert, way: Way) -> Result<RunId, Failure> {
    let unknown = || Failure::new(FailureKind::Machine, "An alert could not be told: its own flow is not known");
    let deployed = shared.deployed(&way.id()).ok_or_else(unknown)?;
    let text = match (way, alert.run) {
        (Way::Mail, Some(run)) => format!("{}\n\nFlowyard, run {run}: `flowyard log show {run}` shows all of it.", alert.text),
        _ => alert.text.clone(),
    };
    let title = match way {
        Way::Mail => format!("Flowyard: {}", alert.title),
        Way::Desktop => alert.title.clone(),
    };
    let to = alerts.mail.as_ref().map(|it| it.to.as_str());
    let payload = json!({ "title": title, "text": text, "run": alert.run.map(|it| it.0), "to": to });
    let begin = || async {
        let start = Start {
            trigger: NodeId::new("alert"),
            payload: payload.clone(),
            given: Vec::new(),
            delivery: Some(format!("alert:{}", alert.key)),
            parent: None,
            depth: 0,
            cause: cause(alert),
            refused: None,
            priority: Priority::First,
            watch: None,
            respond: None,
        };
        let accepted = Driver::accept(shared, &deployed, start).await?;
        Ok(match accepted {
            Accepted::Run(run) | Accepted::Duplicate(run) => run,
        })
    };
    patiently(shared, begin).await
}

fn cause(alert: &Alert) -> Cause {
    let chain = alert.flow.iter().map(|(flow, _)| flow.clone()).collect();
    Cause { chain, ..Cause::by(Via::Alert) }
}

/// The flows that start from such an alert; none starts from one about itself.
fn waiting(shared: &Shared, alert: &Alert) -> Vec<(Arc<Deployed>, NodeId)> {
    let Some(kind) = alert.of else { return Vec::new() };
    let mut found = Vec::new();
    for deployed in shared.listening() {
        let flow = &deployed.program.flow;
        if alert.flow.as_ref().is_some_and(|(of, _)| flow.is_of(of) || of.is_of(flow)) {
            continue;
        }
        for (node, trigger) in &deployed.triggers {
            if matches!(trigger, Trigger::Alert { of, .. } if of.is_empty() || of.contains(&kind)) {
                found.push((Arc::clone(&deployed), node.clone()));
            }
        }
    }
    found
}

async fn start(shared: &Arc<Shared>, deployed: &Arc<Deployed>, trigger: &NodeId, alert: &Alert) -> Result<(), Failure> {
    let fired = Fired {
        trigger: trigger.clone(),
        payload: alert.payload(),
        delivery: format!("alert:{trigger}:{}", alert.key),
        cause: cause(alert),
        about: None,
    };
    fire(shared, deployed, fired).await.map(drop)
}

/// Again until the machine can do it, or the engine stops.
async fn patiently<T, F: Future<Output = Result<T, Failure>>>(shared: &Shared, work: impl Fn() -> F) -> Result<T, Failure> {
    let mut wait = Duration::from_millis(200);
    loop {
        match work().await {
            Err(failure) if failure.kind == FailureKind::Machine && !shared.is_stopping() => {
                tracing::debug!(%failure, "an alert waits to be told");
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(Duration::from_secs(10));
            }
            done => return done,
        }
    }
}

/// Tells a test by every way, and says what came of it.
pub(super) async fn tried(shared: &Arc<Shared>, alerts: &Alerts, alert: &Alert) -> Vec<Tried> {
    let mut all = Vec::new();
    for (way, result) in deliver(shared, alerts, alert).await {
        all.push(match result {
            Err(failure) => Tried { way, run: None, failure: Some(failure) },
            Ok(run) => Tried { way, run: Some(run), failure: end(shared, run).await },
        });
    }
    all
}

/// Why a run did not succeed, as far as it is known in time.
async fn end(shared: &Arc<Shared>, run: RunId) -> Option<Failure> {
    if let Some(control) = shared.control(run) {
        let ended = tokio::time::timeout(TEST, control.ended()).await;
        if ended.is_err() {
            let title = format!("It has not arrived yet: run {run} tries it again");
            return Some(Failure::new(FailureKind::Timeout, title).hint(format!("Look at it: `flowyard log show {run}`")));
        }
    }
    let journal = shared.journal.clone();
    match blocking(move || journal.run(run)).await {
        Err(failure) => Some(failure),
        Ok(head) => match head.and_then(|it| it.outcome) {
            Some(Outcome::Succeeded) => None,
            Some(Outcome::Failed(failure)) => Some(failure),
            Some(Outcome::Cancelled) | None => {
                Some(Failure::new(FailureKind::Stopped, format!("Run {run} did not end by itself")))
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Catalog;
    use crate::flow::{CheckContext, Checker, Severity};
    use crate::run::Program;

    #[test]
    fn the_flows_of_its_own_can_be_read_and_are_sound() {
        let catalog = Catalog::shipped();
        for way in [Way::Desktop, Way::Mail] {
            let flow = way.flow().expect("it can be read");
            assert_eq!(flow.id, way.id());
            assert!(is_own(&flow.id));
            let problems = Checker::default().check(&flow, &catalog, &CheckContext::default());
            assert!(problems.iter().all(|it| it.severity != Severity::Error), "{problems:?}");
            assert!(Program::compile(&flow, &catalog).is_ok());
        }
        assert!(!is_own(&"reminders".into()));
    }
}
