//! What a run writes down, and whom it tells of it. Nothing is told before it is on the disk.
use std::sync::Arc;
use std::time::Duration;

use super::begin::{Asked, gives_up_its_turn};
use super::{Accepted, Driver, Reply};
use crate::engine::Event;
use crate::journal::{Append, JournalError};
use crate::record::{Failure, FailureKind};
use crate::run::{Entry, Park};

impl Driver {
    /// Writes down what is folded in, and tells whoever asked for the run; false where the run cannot go on.
    pub(super) async fn write_down(&mut self, accepted: &mut Asked) -> bool {
        if let Err(error) = self.commit(accepted.is_some()).await {
            if let Some(reply) = accepted.take() {
                let answer = match error {
                    JournalError::Duplicate { run } => Ok(Accepted::Duplicate(run)),
                    other => Err(other.into()),
                };
                reply.send(answer).ok();
            }
            return false;
        }
        if let Some(reply) = accepted.take() {
            self.shared.counts.started();
            self.tell(|run| Event::Started { run: run.id, program: Arc::clone(run.run.program()) });
            reply.send(Ok(Accepted::Run(self.id))).ok();
        }
        true
    }

    /// Writes down what is folded in. A new run that cannot be written is not taken; a run that was taken waits for the
    /// disk, since its calls may only be made once their beginning is on it.
    pub(super) async fn commit(&mut self, is_new: bool) -> Result<(), JournalError> {
        if self.entries.is_empty() && self.exchanges.is_empty() {
            return Ok(());
        }
        self.brought = 0;
        let append = Append {
            run: self.id,
            new: self.head.take(),
            entries: self.entries.clone(),
            exchanges: std::mem::take(&mut self.exchanges),
        };
        if is_new {
            return self.shared.journal.append_with(append, self.kept.take()).await;
        }
        let mut wait = Duration::from_millis(200);
        loop {
            let again = Append { run: self.id, new: None, entries: append.entries.clone(), exchanges: append.exchanges.clone() };
            match self.shared.journal.append(again).await {
                Ok(()) => return Ok(()),
                Err(error) if self.shared.is_stopping() => return Err(error),
                // Waiting cannot help these; the run stays as it is on disk.
                Err(error @ (JournalError::Unknown { .. } | JournalError::Exists { .. } | JournalError::TooLarge { .. })) => {
                    tracing::error!(run = self.id.0, %error, "a run cannot go on");
                    let failure = Failure::new(FailureKind::Machine, error.to_string()).hint(error.hint());
                    self.shared.trouble(failure);
                    return Err(error);
                }
                Err(error) => {
                    let failure = Failure::from(error);
                    self.shared.trouble(failure);
                    tokio::time::sleep(wait).await;
                    wait = (wait * 2).min(Duration::from_secs(10));
                }
            }
        }
    }

    /// Tells what is on disk now.
    pub(super) async fn publish(&mut self) {
        let entries = std::mem::take(&mut self.entries);
        if entries.iter().any(gives_up_its_turn) {
            self.turn = None;
        }
        for entry in &entries {
            if let Entry::StepParked { step, on, .. } = entry {
                tracing::warn!(run = self.id.0, flow = %self.run.program().flow, %step, ?on, "a step waits for a person");
                if matches!(on, Park::Approval(_) | Park::Uncertain) {
                    self.shared.asks(self.id);
                }
            }
            if let Entry::StepSucceeded { step, output, .. } = entry
                && self.run.program().responds(&step.node)
            {
                self.answer = Some(Arc::clone(output));
                if let Some(respond) = self.respond.take() {
                    respond.send(Reply::Answer(Arc::clone(output))).ok();
                }
            }
        }
        if self.watch.is_none() && self.shared.events.receiver_count() == 0 {
            return;
        }
        if !entries.is_empty() {
            let entries: Arc<[Entry]> = entries.into();
            self.tell(|run| Event::Journaled { run: run.id, entries: Arc::clone(&entries) });
        }
        self.flush().await;
    }

    pub(super) fn tell(&mut self, event: impl Fn(&Self) -> Event) {
        if self.watch.is_some() {
            self.untold.push(event(self));
        }
        self.shared.tell(|| event(self));
    }

    /// Tells the watcher, and waits for it where it lags: what happened is never kept in memory without bound.
    pub(super) async fn flush(&mut self) {
        let Some(watch) = &self.watch else { return };
        for event in self.untold.drain(..) {
            let told = tokio::select! {
                told = watch.send(event) => told.is_ok(),
                () = self.shared.stopping() => false,
            };
            if !told {
                self.watch = None;
                break;
            }
        }
    }
}
