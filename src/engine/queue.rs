//! Which runs may begin: as many of a flow at a time as it allows, and those about one record one after the other.
//!
//! A run is on the disk before it queues; a restart queues what is unfinished anew, the oldest first.
//!
//! Invariant: runs of one lane begin in the order in which they came, each once the one before has ended, or waits for a time or
//! an approval: what waits for days holds up nobody.
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::flow::FlowId;

/// The queues of all flows.
#[derive(Debug, Default)]
pub(super) struct Queues {
    lines: Mutex<Lines>,
}

#[derive(Debug, Default)]
struct Lines {
    flows: HashMap<FlowId, Line>,
    /// Those that hold back, and with them their copies for accounts, whether or not these are known yet.
    paused: BTreeSet<FlowId>,
}

/// Those of one flow that wait, and how many do not.
#[derive(Debug, Default)]
struct Line {
    /// As many at a time; none is no bound.
    at_once: Option<u32>,
    is_paused: bool,
    running: u32,
    last: u64,
    /// Those that wait, by what they are about; the first of each is `ready` unless another of its lane runs.
    lanes: HashMap<String, Lane>,
    ready: BTreeMap<u64, String>,
    waiting: u64,
}

#[derive(Debug, Default)]
struct Lane {
    is_busy: bool,
    waiting: VecDeque<(u64, oneshot::Sender<()>)>,
}

/// A run's turn: waits for it, then holds it until it is dropped.
#[derive(Debug)]
pub(super) struct Turn {
    queues: Arc<Queues>,
    flow: FlowId,
    lane: String,
    number: u64,
    granted: Option<oneshot::Receiver<()>>,
}

impl Queues {
    /// Queues a run; `lane` is what it is about, and empty where it need not wait for any other.
    pub(super) fn enter(self: &Arc<Self>, flow: &FlowId, lane: &str) -> Turn {
        let mut lines = self.lock();
        let queue = lines.line(flow);
        queue.last += 1;
        let number = queue.last;
        // One that is about nothing has a lane to itself.
        let lane = if lane.is_empty() { format!("\n{number}") } else { lane.to_owned() };
        let (grant, granted) = oneshot::channel();
        let of = queue.lanes.entry(lane.clone()).or_default();
        if !of.is_busy && of.waiting.is_empty() {
            queue.ready.insert(number, lane.clone());
        }
        of.waiting.push_back((number, grant));
        queue.waiting += 1;
        queue.go_on();
        Turn { queues: Arc::clone(self), flow: flow.clone(), lane, number, granted: Some(granted) }
    }

    /// As many of a flow at a time from now on.
    pub(super) fn allow(&self, flow: &FlowId, at_once: Option<u32>) {
        let mut lines = self.lock();
        let line = lines.line(flow);
        line.at_once = at_once;
        line.go_on();
    }

    /// Holds back all of a flow that has not begun, or lets it begin; its copies for accounts do as it does.
    pub(super) fn pause(&self, flow: &FlowId, is_paused: bool) {
        let mut lines = self.lock();
        if is_paused {
            lines.paused.insert(flow.clone());
        } else {
            lines.paused.retain(|it| !it.is_of(flow));
        }
        let Lines { flows, paused } = &mut *lines;
        let of = flows.iter_mut().filter(|(it, _)| it.is_of(flow));
        for (it, line) in of.collect::<BTreeMap<_, _>>() {
            line.is_paused = paused.iter().any(|other| it.is_of(other));
            line.go_on();
        }
    }

    /// Whether a flow holds back what has not begun.
    pub(super) fn is_paused(&self, flow: &FlowId) -> bool {
        self.lock().is_paused(flow)
    }

    /// The flows that hold back.
    pub(super) fn paused(&self) -> BTreeSet<FlowId> {
        self.lock().paused.clone()
    }

    /// How many runs of each flow wait for their turn.
    pub(super) fn waiting(&self) -> BTreeMap<FlowId, u64> {
        let lines = self.lock();
        lines.flows.iter().filter(|(_, it)| it.waiting > 0).map(|(flow, it)| (flow.clone(), it.waiting)).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lines {
    fn is_paused(&self, flow: &FlowId) -> bool {
        self.paused.iter().any(|it| flow.is_of(it))
    }

    fn line(&mut self, flow: &FlowId) -> &mut Line {
        let is_paused = self.is_paused(flow);
        self.flows.entry(flow.clone()).or_insert_with(|| Line { is_paused, ..Line::default() })
    }
}

impl Line {
    fn go_on(&mut self) {
        while !self.is_paused
            && self.at_once.is_none_or(|most| self.running < most)
            && let Some((_, name)) = self.ready.pop_first()
        {
            let Some(lane) = self.lanes.get_mut(&name) else { continue };
            let Some((_, grant)) = lane.waiting.pop_front() else { continue };
            lane.is_busy = true;
            self.running += 1;
            self.waiting -= 1;
            // One that is no longer awaited gives its turn back when it is dropped.
            grant.send(()).ok();
        }
    }

    fn leave(&mut self, name: &str, number: u64) {
        let Some(lane) = self.lanes.get_mut(name) else { return };
        if let Some(at) = lane.waiting.iter().position(|(it, _)| *it == number) {
            lane.waiting.remove(at);
            self.waiting -= 1;
            self.ready.remove(&number);
        } else {
            lane.is_busy = false;
            self.running = self.running.saturating_sub(1);
        }
        if !lane.is_busy {
            match lane.waiting.front() {
                Some((next, _)) => drop(self.ready.insert(*next, name.to_owned())),
                None => drop(self.lanes.remove(name)),
            }
        }
        self.go_on();
    }
}

impl Turn {
    /// Done when it is this run's turn.
    pub(super) async fn come(&mut self) {
        if let Some(granted) = &mut self.granted {
            // The sender stays in its queue until it is this run's turn.
            granted.await.ok();
            self.granted = None;
        }
    }

    /// Whether it has come already; never waits.
    pub(super) fn has_come(&mut self) -> bool {
        if let Some(granted) = &mut self.granted
            && granted.try_recv().is_ok()
        {
            self.granted = None;
        }
        self.granted.is_none()
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut lines = self.queues.lock();
        if let Some(line) = lines.flows.get_mut(&self.flow) {
            line.leave(&self.lane, self.number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queues() -> (Arc<Queues>, FlowId) {
        (Arc::new(Queues::default()), "f".into())
    }

    #[test]
    fn runs_about_one_record_go_one_after_the_other_and_others_beside_them() {
        let (queues, f) = queues();
        let mut first = queues.enter(&f, "x");
        let mut second = queues.enter(&f, "x");
        let mut other = queues.enter(&f, "y");
        let mut third = queues.enter(&f, "x");
        assert_eq!([&mut first, &mut second, &mut other, &mut third].map(Turn::has_come), [true, false, true, false]);
        assert_eq!(queues.waiting(), BTreeMap::from([(f.clone(), 2)]));
        drop(first);
        assert_eq!([&mut second, &mut third].map(Turn::has_come), [true, false]);
        drop(second);
        assert!(third.has_come());
        drop((other, third));
        assert!(queues.lock().flows[&f].lanes.is_empty() && queues.waiting().is_empty());
    }

    #[test]
    fn copies_of_a_flow_for_accounts_hold_back_with_it_whenever_they_come() {
        let (queues, f) = queues();
        let (known, new, other) = (FlowId::from("f@a"), FlowId::from("f@b"), FlowId::from("fx"));
        queues.allow(&known, None);
        queues.pause(&f, true);
        let mut turns = [&f, &known, &new, &other].map(|it| queues.enter(it, "x"));
        assert_eq!(turns.each_mut().map(Turn::has_come), [false, false, false, true]);
        assert!(queues.is_paused(&new) && !queues.is_paused(&other));
        // One that is paused by itself is let go with the flow.
        queues.pause(&new, true);
        queues.pause(&f, false);
        assert_eq!(turns.each_mut().map(Turn::has_come), [true; 4]);
        assert!(queues.paused().is_empty());
    }

    #[test]
    fn as_many_as_a_flow_allows_run_and_none_while_it_is_paused() {
        let (queues, f) = queues();
        queues.allow(&f, Some(2));
        let mut all: Vec<Turn> = (0..4).map(|_| queues.enter(&f, "")).collect();
        let come = |all: &mut [Turn]| all.iter_mut().map(Turn::has_come).collect::<Vec<_>>();
        assert_eq!(come(&mut all), [true, true, false, false]);
        queues.pause(&f, true);
        drop(all.remove(0));
        assert_eq!(come(&mut all), [true, false, false]);
        queues.pause(&f, false);
        assert_eq!(come(&mut all), [true, true, false]);
        // One that gives up while it waits is passed over.
        drop(all.remove(2));
        queues.allow(&f, None);
        assert!(queues.waiting().is_empty());
    }

    proptest::proptest! {
        #[test]
        fn whatever_comes_and_goes_nothing_is_left_behind(
            steps in proptest::collection::vec((0_u8..4, 0_usize..8), 0..60), at_once in proptest::option::of(1_u32..4),
        ) {
            let (queues, f) = queues();
            queues.allow(&f, at_once);
            let mut turns: Vec<Turn> = Vec::new();
            for (what, which) in steps {
                match what {
                    0 | 1 => turns.push(queues.enter(&f, ["", "a", "b"][which % 3])),
                    2 if !turns.is_empty() => drop(turns.remove(which % turns.len())),
                    _ => queues.pause(&f, which % 2 == 0),
                }
            }
            queues.pause(&f, false);
            // Whoever has its turn leaves; in the end everybody had one.
            while let Some(at) = turns.iter_mut().position(Turn::has_come) {
                drop(turns.remove(at));
            }
            proptest::prop_assert!(turns.is_empty());
            proptest::prop_assert!(queues.lock().flows.get(&f).is_none_or(|it| it.lanes.is_empty() && it.running == 0 && it.ready.is_empty()));
        }
    }
}
