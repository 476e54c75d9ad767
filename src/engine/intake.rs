//! Events come first: while many arrive at the same time, the runs that they begin wait on the disk, so that whoever sends them
//! is answered soon. A few go on all the while, and the others once it is calm.
//!
//! Invariant: a run waits here only after its event is on the disk, and before anything of it was begun: after a crash it begins
//! as it would have.
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// So many at a time are no crowd: the runs that they begin do not hold them up.
const FEW: usize = 16;
/// So many runs that waited are begun at a time, in a crowd and otherwise.
const MEANWHILE: usize = 2;
const AT_ONCE: usize = 64;
/// It is calm once it was for so long: whoever was answered sends the next.
const CALM: Duration = Duration::from_millis(20);

/// What arrives, and what waits for it.
#[derive(Debug)]
pub(super) struct Intake {
    arriving: AtomicUsize,
    /// The most that arrived at a time since it was last looked at.
    peak: AtomicUsize,
    is_crowded: AtomicBool,
    /// Runs that wait.
    waiting: AtomicUsize,
    places: Arc<Semaphore>,
    /// How many places are taken away for now.
    away: Mutex<usize>,
}

/// An event that arrives, until it is on the disk.
#[derive(Debug)]
pub(super) struct Arriving<'a>(&'a Intake);

/// A place among the runs that are begun.
#[derive(Debug, Default)]
pub(super) struct Place(Option<(OwnedSemaphorePermit, Arc<Intake>)>);

impl Default for Intake {
    fn default() -> Self {
        Self {
            arriving: AtomicUsize::new(0),
            peak: AtomicUsize::new(0),
            is_crowded: AtomicBool::new(false),
            waiting: AtomicUsize::new(0),
            places: Arc::new(Semaphore::new(AT_ONCE)),
            away: Mutex::new(0),
        }
    }
}

impl Intake {
    /// One more arrives, as long as what this gives is kept.
    pub(super) fn arrives(self: &Arc<Self>) -> Arriving<'_> {
        let now = self.arriving.fetch_add(1, Ordering::AcqRel) + 1;
        self.peak.fetch_max(now, Ordering::AcqRel);
        if now > FEW && !self.is_crowded.swap(true, Ordering::AcqRel) {
            tokio::spawn(Arc::clone(self).watch());
        }
        Arriving(self)
    }

    /// Whether a run has to wait before it begins.
    pub(super) fn holds_back(&self) -> bool {
        self.is_crowded.load(Ordering::Acquire) || self.waiting.load(Ordering::Acquire) > 0
    }

    /// Waits for a place; those who wait come in their order.
    pub(super) async fn place(self: &Arc<Self>) -> Place {
        let _waits = Waits::begin(&self.waiting);
        // Never closed.
        let permit = Arc::clone(&self.places).acquire_owned().await.ok();
        Place(permit.map(|it| (it, Arc::clone(self))))
    }

    /// Lets few begin until it is calm.
    async fn watch(self: Arc<Self>) {
        loop {
            self.take_away(|wanted| self.places.forget_permits(wanted));
            tokio::time::sleep(CALM).await;
            let peak = self.peak.swap(self.arriving.load(Ordering::Acquire), Ordering::AcqRel);
            if peak <= FEW {
                break;
            }
        }
        let mut away = self.away();
        self.is_crowded.store(false, Ordering::Release);
        self.places.add_permits(std::mem::take(&mut *away));
    }

    /// Takes as many places away as are too many in a crowd, and can be had.
    fn take_away(&self, take: impl FnOnce(usize) -> usize) {
        let mut away = self.away();
        if self.is_crowded.load(Ordering::Acquire) {
            *away += take((AT_ONCE - MEANWHILE).saturating_sub(*away));
        }
    }

    fn away(&self) -> MutexGuard<'_, usize> {
        self.away.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place that comes back in a crowd does not go to the next who waits.
impl Drop for Place {
    fn drop(&mut self) {
        let Some((permit, intake)) = self.0.take() else { return };
        let mut permit = Some(permit);
        intake.take_away(|wanted| match permit.take_if(|_| wanted > 0) {
            Some(permit) => {
                permit.forget();
                1
            }
            None => 0,
        });
    }
}

impl Drop for Arriving<'_> {
    fn drop(&mut self) {
        self.0.arriving.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Counts a run for as long as it waits, however that ends.
struct Waits<'a>(&'a AtomicUsize);

impl<'a> Waits<'a> {
    fn begin(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::AcqRel);
        Self(count)
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::task::{Context, Waker};

    use super::*;

    type Waiting<'a> = Pin<Box<dyn Future<Output = Place> + 'a>>;

    fn begun(waiting: &mut Vec<Waiting<'_>>) -> Vec<Place> {
        let mut cx = Context::from_waker(Waker::noop());
        let mut places = Vec::new();
        waiting.retain_mut(|it| match it.as_mut().poll(&mut cx) {
            std::task::Poll::Ready(place) => {
                places.push(place);
                false
            }
            std::task::Poll::Pending => true,
        });
        places
    }

    #[tokio::test(start_paused = true)]
    async fn in_a_crowd_a_few_runs_begin_and_the_others_when_it_is_calm() {
        let intake = Arc::new(Intake::default());
        let mut crowd: Vec<Arriving<'_>> = (0..FEW).map(|_| intake.arrives()).collect();
        assert!(!intake.holds_back());
        crowd.push(intake.arrives());
        assert!(intake.holds_back());
        tokio::task::yield_now().await;
        let mut waiting: Vec<Waiting<'_>> = (0..200).map(|_| Box::pin(intake.place()) as Waiting<'_>).collect();
        let first = begun(&mut waiting);
        assert_eq!(first.len(), MEANWHILE);
        // They have begun, and the next do; meanwhile the crowd is answered and comes again.
        drop(first);
        for _ in 0..5 {
            assert_eq!(begun(&mut waiting).len(), MEANWHILE);
            crowd.clear();
            crowd.extend((0..=FEW).map(|_| intake.arrives()));
            tokio::time::sleep(CALM).await;
            assert!(intake.holds_back());
        }
        crowd.clear();
        tokio::time::sleep(CALM * 3).await;
        let many = begun(&mut waiting);
        assert_eq!(many.len(), AT_ONCE);
        assert!(intake.holds_back(), "who comes now comes after those who wait");
        drop(many);
        while !waiting.is_empty() {
            drop(begun(&mut waiting));
            // What a task may do at a time is bounded.
            tokio::task::yield_now().await;
        }
        assert!(!intake.holds_back());
    }

    #[tokio::test(start_paused = true)]
    async fn a_crowd_that_comes_while_many_are_begun_takes_their_places() {
        let intake = Arc::new(Intake::default());
        let mut waiting: Vec<Waiting<'_>> = (0..200).map(|_| Box::pin(intake.place()) as Waiting<'_>).collect();
        let before = begun(&mut waiting);
        assert_eq!(before.len(), AT_ONCE);
        let crowd: Vec<Arriving<'_>> = (0..=FEW).map(|_| intake.arrives()).collect();
        tokio::task::yield_now().await;
        drop(before);
        for _ in 0..5 {
            assert_eq!(begun(&mut waiting).len(), MEANWHILE);
        }
        drop(crowd);
        tokio::time::sleep(CALM * 3).await;
        assert_eq!(begun(&mut waiting).len(), AT_ONCE);
    }

    #[tokio::test(start_paused = true)]
    async fn who_no_longer_waits_is_not_waited_for() {
        let intake = Arc::new(Intake::default());
        let crowd: Vec<Arriving<'_>> = (0..=FEW).map(|_| intake.arrives()).collect();
        tokio::task::yield_now().await;
        let mut waiting: Vec<Waiting<'_>> = (0..10).map(|_| Box::pin(intake.place()) as Waiting<'_>).collect();
        drop(begun(&mut waiting));
        drop((waiting, crowd));
        tokio::time::sleep(CALM * 3).await;
        assert!(!intake.holds_back());
    }
}
