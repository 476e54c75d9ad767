//! How a run that is not over is reached, and how its end is heard of.
//!
//! Tens of thousands of runs may wait at a time, so that this is kept small: nothing is set aside for what nobody has said yet.
//!
//! Invariant: once the run is let go of, nothing more can be said to it, and whoever waits for its end hears that there is none.
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::drive::{Ended, Signal};
use crate::flow::FlowId;

/// Where a run stands that is not over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Stand {
    /// For its turn.
    Waiting,
    UnderWay,
    /// Waits for a time, or for a person.
    Resting,
}

/// A run that is not over; all clones reach the same one.
#[derive(Debug, Clone)]
pub(super) struct Control(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    flow: FlowId,
    /// A [`Stand`].
    stand: AtomicU8,
    said: Mutex<Said>,
    /// Heard by the run alone.
    signalled: Notify,
    /// Heard by whoever waits for its end.
    over: Notify,
}

/// What was said to a run, and what came of it.
#[derive(Debug, Default)]
struct Said {
    signals: VecDeque<Signal>,
    ended: Option<Ended>,
    is_over: bool,
}

impl Control {
    pub(super) fn new(flow: FlowId) -> Self {
        let stand = AtomicU8::new(Stand::UnderWay as u8);
        Self(Arc::new(Inner { flow, stand, said: Mutex::default(), signalled: Notify::new(), over: Notify::new() }))
    }

    pub(super) fn flow(&self) -> &FlowId {
        &self.0.flow
    }

    pub(super) fn stand(&self) -> Stand {
        match self.0.stand.load(Ordering::Relaxed) {
            0 => Stand::Waiting,
            1 => Stand::UnderWay,
            _ => Stand::Resting,
        }
    }

    pub(super) fn stands(&self, stand: Stand) {
        self.0.stand.store(stand as u8, Ordering::Relaxed);
    }

    /// Tells the run; gives the signal back if it does not listen any more.
    pub(super) fn send(&self, signal: Signal) -> Result<(), Signal> {
        let mut said = self.said();
        if said.is_over {
            return Err(signal);
        }
        said.signals.push_back(signal);
        drop(said);
        self.0.signalled.notify_one();
        Ok(())
    }

    /// What the run is told next, in the order of saying. Nothing is lost if this is not awaited to its end.
    pub(super) async fn signal(&self) -> Signal {
        loop {
            let next = self.said().signals.pop_front();
            if let Some(signal) = next {
                return signal;
            }
            self.0.signalled.notified().await;
        }
    }

    /// How the run ended; none if it was let go of before, as when the engine stops.
    pub(super) async fn ended(&self) -> Option<Ended> {
        let mut over = std::pin::pin!(self.0.over.notified());
        // Registered before looking, so that an end in between is not missed.
        over.as_mut().enable();
        if !self.said().is_over {
            over.await;
        }
        self.said().ended.clone()
    }

    /// The run has ended so.
    pub(super) fn end(&self, ended: Ended) {
        self.said().ended = Some(ended);
        self.let_go();
    }

    /// Nobody drives the run any longer.
    pub(super) fn let_go(&self) {
        let mut said = self.said();
        said.is_over = true;
        // Whoever waits for an answer to one of these waits no longer.
        let unheard = std::mem::take(&mut said.signals);
        drop(said);
        drop(unheard);
        self.0.over.notify_waiters();
    }

    fn said(&self) -> MutexGuard<'_, Said> {
        // What is behind it is whole between any two statements that hold it.
        self.0.said.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;
    use crate::run::{Outcome, Release};

    fn cancel(by: &str) -> Signal {
        Signal::Cancel { by: by.to_owned() }
    }

    async fn next(control: &Control) -> String {
        match control.signal().await {
            Signal::Cancel { by } => by,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_said_is_heard_in_its_order_also_by_one_who_looked_away() {
        let control = Control::new("f".into());
        control.send(cancel("one")).unwrap();
        control.send(cancel("two")).unwrap();
        assert_eq!(next(&control).await, "one");
        // Given up at its first look.
        tokio::select! {
            biased;
            () = std::future::ready(()) => {}
            _ = control.signal() => panic!("it was not looked at"),
        }
        assert_eq!(next(&control).await, "two");
        let (other, waits) = (control.clone(), control.clone());
        let waits = tokio::spawn(async move { next(&waits).await });
        tokio::task::yield_now().await;
        other.send(cancel("three")).unwrap();
        assert_eq!(waits.await.unwrap(), "three");
    }

    #[tokio::test(start_paused = true)]
    async fn an_end_is_heard_by_all_before_and_after() {
        let control = Control::new("f".into());
        let waits: Vec<_> = (0..3)
            .map(|_| {
                let control = control.clone();
                tokio::spawn(async move { control.ended().await })
            })
            .collect();
        tokio::task::yield_now().await;
        control.end(Ended { outcome: Outcome::Succeeded, answer: None });
        control.let_go();
        for wait in waits {
            assert_eq!(wait.await.unwrap().map(|it| it.outcome), Some(Outcome::Succeeded));
        }
        assert_eq!(control.ended().await.map(|it| it.outcome), Some(Outcome::Succeeded));
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_is_let_go_of_takes_nothing_more_and_leaves_nobody_waiting() {
        let control = Control::new("f".into());
        let (reply, answer) = oneshot::channel();
        control.send(Signal::Release { step: None, release: Release::Repeat, reply }).unwrap();
        let other = control.clone();
        let waits = tokio::spawn(async move { other.ended().await });
        tokio::task::yield_now().await;
        control.let_go();
        assert!(answer.await.is_err(), "it cannot be answered any more");
        assert!(waits.await.unwrap().is_none());
        assert!(control.ended().await.is_none());
        assert!(matches!(control.send(cancel("late")), Err(Signal::Cancel { by }) if by == "late"));
    }
}
