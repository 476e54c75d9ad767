//! Filling the sandbox anew, on a thread: another size, the start again, or what was there before.
//!
//! Invariant: one at a time; until it is done the sandbox goes on with what it has.
use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::thread;

pub(super) use crate::accounts::grouped;
use crate::sandbox::{Handle, Seed, Snapshot};
use crate::ui::behind::Waker;
use crate::ui::canvas::sentence::count;

/// What the sandbox is to hold.
#[derive(Debug)]
pub(crate) enum Wanted {
    /// As at the start.
    Size(Seed),
    /// As it was.
    Back(Snapshot),
}

/// What came of it.
#[derive(Debug)]
pub(crate) enum Planted {
    /// It holds something else now; with what it held before.
    Done {
        /// None where it went back to what it had been.
        seed: Option<Seed>,
        before: Snapshot,
    },
    /// A person changed their mind.
    Stopped,
    /// The system gave no thread.
    Failed(String),
}

/// The work under way.
pub(crate) struct Planting {
    /// None where it is not known how much there is to do.
    pub(crate) seed: Option<Seed>,
    /// What it holds until it is done.
    pub(crate) was: Seed,
    /// Contacts that there are, of so many.
    reached: (u64, u64),
    news: Receiver<News>,
    stopped: Arc<AtomicBool>,
}

enum News {
    Reached(u64, u64),
    Ended(Planted),
}

impl fmt::Debug for Planting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Planting").field("seed", &self.seed).field("reached", &self.reached).finish_non_exhaustive()
    }
}

impl Drop for Planting {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Planting {
    pub(crate) fn begin(sandbox: Handle, wanted: Wanted, waker: Waker) -> Self {
        let (teller, news) = mpsc::channel();
        let stopped = Arc::new(AtomicBool::new(false));
        let was = sandbox.seed();
        let seed = match &wanted {
            Wanted::Size(seed) => Some(*seed),
            Wanted::Back(_) => None,
        };
        let (ended, tell) = (Arc::clone(&stopped), teller.clone());
        let work = move || {
            let planted = match wanted {
                Wanted::Size(seed) => {
                    let mut told = |there, of| {
                        teller.send(News::Reached(there, of)).ok();
                        waker();
                        if ended.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
                    };
                    sandbox.plant(seed, &mut told).map_or(Planted::Stopped, |before| Planted::Done { seed: Some(seed), before })
                }
                Wanted::Back(snapshot) => Planted::Done { seed: None, before: sandbox.put_back(snapshot) },
            };
            teller.send(News::Ended(planted)).ok();
            waker();
        };
        if let Err(error) = thread::Builder::new().name("flowyard-plant".to_owned()).spawn(work) {
            tell.send(News::Ended(Planted::Failed(error.to_string()))).ok();
        }
        Self { seed, was, reached: (0, seed.map_or(0, Seed::contacts)), news, stopped }
    }

    /// It is not wanted any more.
    pub(crate) fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// Takes what was told since; what came of it, once it has ended.
    pub(crate) fn hear(&mut self) -> Option<Planted> {
        loop {
            match self.news.try_recv() {
                Ok(News::Reached(there, of)) => self.reached = (there, of),
                Ok(News::Ended(planted)) => return Some(planted),
                Err(mpsc::TryRecvError::Empty) => return None,
                Err(mpsc::TryRecvError::Disconnected) => return Some(Planted::Failed("its thread has ended".to_owned())),
            }
        }
    }

    /// How far it is, in words.
    pub(crate) fn words(&self) -> String {
        match self.reached {
            (_, 0) => "Filling the sandbox…".to_owned(),
            (there, of) if there >= of => "Filling the sandbox: the last appointments…".to_owned(),
            (there, of) => format!("Filling the sandbox: {} of {} contacts…", grouped(there), grouped(of)),
        }
    }
}

/// What a size is called.
pub(crate) fn title(seed: Seed) -> String {
    match seed {
        Seed::Empty => "Empty".to_owned(),
        Seed::Business => "A dozen contacts".to_owned(),
        Seed::Small | Seed::Medium | Seed::Large => {
            let contacts = seed.contacts();
            if contacts < 1_000 { count(contacts as usize, "contact") } else { format!("{} contacts", grouped(contacts)) }
        }
    }
}

/// What it holds beside.
pub(crate) fn about(seed: Seed) -> &'static str {
    match seed {
        Seed::Empty => "only the account, its users and one calendar",
        Seed::Business => "written by hand, a few of everything",
        Seed::Small => "a small business, three months of appointments",
        Seed::Medium => "a busy one, to see how a flow copes",
        Seed::Large => "a large account, for those who read page by page",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_numbers_are_written_in_groups() {
        for (number, words) in [(0, "0"), (999, "999"), (1_000, "1,000"), (170_000, "170,000"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(number), words);
        }
    }

    #[test]
    fn every_size_has_a_name_of_its_own() {
        let names: Vec<String> = Seed::ALL.map(title).to_vec();
        assert_eq!(names, ["Empty", "A dozen contacts", "200 contacts", "10,000 contacts", "170,000 contacts"]);
        assert!(Seed::ALL.iter().all(|it| about(*it).len() > 10));
    }
}
