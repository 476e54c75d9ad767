//! How a run comes to be driven: it is taken, or found unfinished, and waits until it may begin.
use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::{Accepted, Driver, Start, Wait};
use crate::connector::Priority;
use crate::engine::control::{Control, Stand};
use crate::engine::queue::Turn;
use crate::engine::release;
use crate::engine::shared::{Deployed, Shared};
use crate::flow::{FlowId, Pace};
use crate::journal::{Kept, NewRun};
use crate::record::{Failure, FailureKind};
use crate::run::{Cause, Entry, Outcome, Park, Program, Release, Run, RunId, StepKey, Via};

/// Whoever waits to hear whether a run was taken; none once it was told.
pub(super) type Asked = Option<oneshot::Sender<Result<Accepted, Failure>>>;

impl Driver {
    /// Takes a new run: it is driven on a task of its own, and the answer comes once it is on disk.
    pub(in crate::engine) async fn accept(shared: &Arc<Shared>, flow: &Deployed, start: Start) -> Result<Accepted, Failure> {
        Self::accept_with(shared, flow, start, None).await
    }

    /// The same with a small value that is kept if the run is taken, in the same moment.
    pub(in crate::engine) async fn accept_with(
        shared: &Arc<Shared>,
        flow: &Deployed,
        start: Start,
        kept: Option<Kept>,
    ) -> Result<Accepted, Failure> {
        if shared.is_stopping() {
            return Err(busy("Flowyard is stopping"));
        }
        // What comes in faster than the disk takes it waits here.
        shared.journal.room().await;
        let id = shared.journal.next_run_id();
        let now = shared.clock.now();
        let mut driver = Self::new(shared, id, &flow.program, start.depth)?;
        driver.priority = start.priority;
        driver.watch = start.watch;
        driver.respond = start.respond;
        driver.kept = kept;
        driver.head = Some(NewRun {
            flow: flow.program.flow.clone(),
            flow_name: flow.program.name.clone(),
            revision: flow.program.revision.clone(),
            trigger: start.trigger.clone(),
            delivery: start.delivery,
            mode: shared.mode,
            parent: start.parent,
            accepted: now,
        });
        // In the order in which events come, whatever the disk takes first.
        driver.turn = turn(shared, flow.pace, &flow.program.flow, &start.cause);
        driver.yields = driver.respond.is_none() && matches!(start.cause.via, Via::Hook | Via::Notice);
        let entry =
            Entry::Accepted { trigger: start.trigger, payload: Arc::new(start.payload), at: now, cause: Arc::new(start.cause) };
        driver.run.apply(&entry);
        driver.entries.push(entry);
        for given in start.given {
            let entry = driver.run.give(given, now)?;
            driver.entries.push(entry);
        }
        if let Some(failure) = start.refused {
            let entry = Entry::Finished { outcome: Outcome::Failed(failure), at: now };
            driver.run.apply(&entry);
            driver.entries.push(entry);
            driver.turn = None;
        }
        let (reply, answer) = oneshot::channel();
        shared.tasks.spawn(driver.drive(Some(reply)));
        // The task answers in every case; if it is gone, the runtime is ending.
        answer.await.unwrap_or_else(|_| Err(busy("Flowyard is stopping")))
    }

    /// A run that an earlier process left unfinished. It can be reached from now on, and rests until [`Driver::go_on`].
    pub(in crate::engine) fn restore(
        shared: &Arc<Shared>,
        id: RunId,
        program: &Arc<Program>,
        entries: &[Entry],
        depth: u32,
    ) -> Result<Box<Self>, Failure> {
        let mut driver = Self::new(shared, id, program, depth)?;
        for entry in entries {
            driver.run.apply(entry);
            if let Entry::StepSucceeded { step, output, .. } = entry
                && program.responds(&step.node)
            {
                driver.answer = Some(Arc::clone(output));
            }
        }
        // One that waited before has had its turn.
        if !entries.iter().any(gives_up_its_turn) {
            let pace = shared.deployed(&program.flow).map_or_else(Pace::default, |it| it.pace);
            driver.turn = turn(shared, pace, &program.flow, driver.run.cause());
        }
        Ok(driver)
    }

    /// A person's word on a step that waits, before the run goes on; says which step.
    pub(in crate::engine) fn release(&mut self, step: Option<&str>, release: Release) -> Result<StepKey, Failure> {
        let step = release::choose(self.id, &self.run.parked_steps(), step, &release)?;
        self.entries.extend(self.run.release(&step, release, self.shared.clock.now()));
        Ok(step)
    }

    /// Drives it on, on a task of its own.
    pub(in crate::engine) fn go_on(self: Box<Self>) {
        let shared = Arc::clone(&self.shared);
        shared.tasks.spawn(self.drive(None));
    }

    /// In a box: it is moved to its task, and what waits there takes no more than it has to.
    pub(super) fn new(shared: &Arc<Shared>, id: RunId, program: &Arc<Program>, depth: u32) -> Result<Box<Self>, Failure> {
        let control = Control::new(program.flow.clone());
        shared.enter(id, control.clone()).ok_or_else(|| {
            busy("Too many runs are under way").detail(format!("{} of {}", shared.limits.active_runs, shared.limits.active_runs))
        })?;
        Ok(Box::new(Self {
            shared: Arc::clone(shared),
            run: Run::new(id, Arc::clone(program)).with_longest_rest(shared.longest_rest()),
            id,
            depth,
            priority: Priority::Background,
            entries: Vec::new(),
            exchanges: Vec::new(),
            brought: 0,
            head: None,
            kept: None,
            in_flight: HashMap::new(),
            flights: JoinSet::new(),
            control,
            watch: None,
            untold: Vec::new(),
            respond: None,
            answer: None,
            turn: None,
            yields: false,
        }))
    }

    /// Waits for its turn. False where it is not to go on now.
    pub(super) async fn queue(&mut self, accepted: &mut Asked) -> bool {
        let Some(mut turn) = self.turn.take() else { return true };
        let has_come = self.hold(accepted, std::pin::pin!(turn.come())).await.is_some();
        self.turn = Some(turn);
        has_come
    }

    /// Waits for something before it begins; what started it is on the disk meanwhile. None where it is not to go on now.
    pub(super) async fn hold<T: Default>(
        &mut self,
        accepted: &mut Asked,
        mut until: Pin<&mut (impl Future<Output = T> + Send)>,
    ) -> Option<T> {
        if !self.write_down(accepted).await {
            return None;
        }
        self.publish().await;
        self.control.stands(Stand::Waiting);
        let came = loop {
            tokio::select! {
                came = &mut until => break came,
                signal = self.control.signal() => {
                    if self.heed(signal) == Wait::Stop {
                        return None;
                    }
                    // Somebody called it off.
                    if !self.entries.is_empty() {
                        break T::default();
                    }
                }
            }
        };
        self.control.stands(Stand::UnderWay);
        Some(came)
    }
}

/// A run's place in its flow's queue. Whatever a person or another flow starts goes at once.
fn turn(shared: &Shared, pace: Pace, flow: &FlowId, cause: &Cause) -> Option<Turn> {
    if matches!(cause.via, Via::Person | Via::Flow) {
        return None;
    }
    let lane = if pace.any_order { "" } else { cause.record.as_str() };
    (!lane.is_empty() || pace.most().is_some() || shared.queues.is_paused(flow)).then(|| shared.queues.enter(flow, lane))
}

/// What waits for days is not what others of its record have to wait for.
pub(super) fn gives_up_its_turn(entry: &Entry) -> bool {
    matches!(entry, Entry::StepWaiting { .. } | Entry::StepParked { on: Park::Approval(_), .. })
}

fn busy(title: &str) -> Failure {
    Failure::new(FailureKind::Machine, title).hint("Send it again a little later.")
}
