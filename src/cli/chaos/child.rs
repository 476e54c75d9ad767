//! The process that is killed: an engine that takes events from its standard input and says when each is on disk.
//!
//! It ends well once its input does. Now and then it does what a person would who looks after it: signs in again where a token
//! was refused, and lets requests go again where a service was refused too often.
use std::collections::BTreeMap;
use std::io::BufRead as _;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::mpsc;

use super::super::connections::{self, VaultArgs};
use super::super::exit::{Error, Exit};
use super::super::print::Printer;
use crate::catalog::Catalog;
use crate::engine::{self, CallSettings, Clock, Deployment, JournalOptions, Limits, Mode, Settings};
use crate::flow::{Flow, NodeId};
use crate::record::{Failure, FailureKind};

/// No rest after an error is longer: what is tried is whether it goes on, not for how long services are spared.
const LONGEST_REST: Duration = Duration::from_millis(300);
/// How often a person looks after it.
const LOOK_AFTER: Duration = Duration::from_millis(500);

/// An event, as it comes in.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Sent {
    pub(super) event: usize,
    pub(super) payload: Value,
}

/// An event that is on disk.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Taken {
    pub(super) event: usize,
}

/// What tells the event from all others.
pub(super) fn delivery(event: usize) -> String {
    format!("chaos:{event}")
}

/// The lines of standard input, by a thread of their own; it ends with the process.
fn lines() -> mpsc::UnboundedReceiver<String> {
    let (sender, lines) = mpsc::unbounded_channel();
    thread::spawn(move || std::io::stdin().lock().lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
    lines
}

/// Until its input ends.
///
/// # Errors
/// If the engine cannot start, or an event cannot be taken.
pub(super) async fn serve(
    dir: &Path,
    flows: &[Arc<Flow>],
    trigger: &NodeId,
    catalog: Catalog,
    out: &mut Printer,
) -> Result<Exit, Error> {
    let desk = connections::desk(dir, None, &VaultArgs::default(), &catalog);
    let bound = connections::read(&desk)?;
    let accounts: Vec<_> = bound.iter().map(|(it, _)| it.id.clone()).collect();
    let engine = engine::start(Settings {
        data: dir.to_owned(),
        journal: JournalOptions::default(),
        catalog,
        connections: bound,
        vault: desk.vault().clone(),
        mode: Mode::Sandbox,
        flows: flows.iter().map(|it| Deployment::quiet(Arc::clone(it), BTreeMap::new())).collect(),
        listen: None,
        clock: Clock::System,
        calls: CallSettings { longest_rest: Some(LONGEST_REST), name_steps: true, ..CallSettings::default() },
        limits: Limits::default(),
        recover: true,
    })
    .await?;
    let Some(flow) = flows.first().map(|it| it.id.clone()) else { return Ok(Exit::Done) };
    let mut lines = lines();
    let (sender, mut taken) = mpsc::unbounded_channel();
    let mut looking = tokio::time::interval(LOOK_AFTER);
    loop {
        tokio::select! {
            line = lines.recv() => {
                let Some(line) = line else { break };
                let Ok(Sent { event, payload }) = serde_json::from_str(&line) else { continue };
                let pending = engine.deliver(flow.clone(), Some(trigger.clone()), payload, delivery(event));
                let sender = sender.clone();
                tokio::spawn(async move {
                    let ended = || Failure::new(FailureKind::Machine, "The engine ended before the event was taken");
                    let answer = pending.wait().await.unwrap_or_else(|| Err(ended()));
                    sender.send(answer.map(|_| Taken { event })).ok();
                });
            }
            Some(answer) = taken.recv() => out.json(&answer?),
            _ = looking.tick() => {
                for it in &accounts {
                    // What it released goes on by itself.
                    drop(engine.resume(it.clone()));
                }
            }
        }
    }
    engine.stop().wait().await;
    Ok(Exit::Done)
}
