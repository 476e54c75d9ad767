//! Filling the index beside all else: on a thread that yields to every other, in short pieces of work with rests between them.
use std::ops::ControlFlow;
use std::thread;
use std::time::{Duration, Instant};

use super::super::{JournalError, Reader};
use super::Indexed;
use super::fill::SLICE;

/// So often it is asked whether a rest is over.
const LOOK: Duration = Duration::from_millis(20);
/// A rest lasts no longer because others are busy: they may be so for days.
const LONGEST: Duration = Duration::from_secs(30);

/// What goes on meanwhile.
pub trait Meanwhile: Sync {
    /// Whether to end.
    fn is_over(&self) -> bool;
    /// Whether somebody waits for what the processors and the disk do else.
    fn is_busy(&self) -> bool;
}

impl Reader {
    /// As [`Reader::index`], in the background: before each piece of work it rests twice as long as the last one took, and up to
    /// half a minute while others are busy; it ends when told.
    ///
    /// # Errors
    /// As [`Reader::index`].
    pub fn index_quietly(&self, meanwhile: &dyn Meanwhile) -> Result<Indexed, JournalError> {
        thread::scope(|scope| {
            let work = || {
                yield_to_all();
                self.index_with_rests(meanwhile)
            };
            match thread::Builder::new().name("index".to_owned()).spawn_scoped(scope, work) {
                // It hands over what it panicked with, as if it had been done here.
                Ok(thread) => thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
                Err(error) => {
                    tracing::warn!(%error, "the index of the search waits for a thread");
                    Ok(Indexed::default())
                }
            }
        })
    }

    fn index_with_rests(&self, meanwhile: &dyn Meanwhile) -> Result<Indexed, JournalError> {
        rest(Duration::ZERO, meanwhile);
        if meanwhile.is_over() {
            return Ok(Indexed::default());
        }
        let mut begun = Instant::now();
        self.index(&mut |_| {
            rest(begun.elapsed().min(SLICE * 4) * 2, meanwhile);
            begun = Instant::now();
            if meanwhile.is_over() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
    }
}

fn rest(least: Duration, meanwhile: &dyn Meanwhile) {
    let begun = Instant::now();
    let goes_on = || begun.elapsed() < least || (meanwhile.is_busy() && begun.elapsed() < LONGEST);
    while !meanwhile.is_over() && goes_on() {
        thread::sleep(LOOK);
    }
}

/// Takes what the other threads leave of the processors. Elsewhere than on Linux a priority is the whole process's.
fn yield_to_all() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, 19) {
        tracing::debug!(%error, "the index of the search works at the priority of all else");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::super::super::tests::{Bench, finish};
    use super::*;
    use crate::run::Outcome;

    /// Others are busy the first few times that it is asked for, and all is over after so many.
    #[derive(Default)]
    struct Others {
        busy: usize,
        over: Option<usize>,
        asked: AtomicUsize,
    }

    impl Meanwhile for Others {
        fn is_over(&self) -> bool {
            self.over.is_some_and(|it| self.asked.load(Ordering::Relaxed) >= it)
        }

        fn is_busy(&self) -> bool {
            self.asked.fetch_add(1, Ordering::Relaxed) < self.busy
        }
    }

    #[test]
    fn it_waits_while_others_are_busy_and_ends_when_told() {
        let bench = Bench::new();
        for _ in 0..40 {
            let run = bench.begin("a");
            bench.add(run, vec![finish(Outcome::Succeeded)]);
        }
        let reader = bench.journal.reader();
        let others = Others { busy: usize::MAX, over: Some(3), ..Others::default() };
        assert_eq!(reader.index_quietly(&others).unwrap(), Indexed::default(), "nothing was taken in");
        assert_eq!(others.asked.into_inner(), 3);
        let others = Others { busy: 3, ..Others::default() };
        assert!(reader.index_quietly(&others).unwrap().runs > 0);
        assert!(others.asked.into_inner() > 3, "it waited");
    }
}
