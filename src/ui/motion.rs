//! Whether the system asks for less motion.
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mundy::{Interest, Preferences, ReducedMotion, Subscription};

use super::behind::Waker;

/// What the system says, as it says it; nothing until then, and where it says nothing.
#[derive(Default)]
pub(crate) struct Motion {
    reduced: Arc<AtomicBool>,
    /// Told as long as this is kept.
    _subscription: Option<Subscription>,
}

impl fmt::Debug for Motion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Motion").field("reduced", &self.is_reduced()).finish_non_exhaustive()
    }
}

impl Motion {
    /// Listens to the system. On the window's own thread, as macOS has it.
    pub(crate) fn of_system(waker: Waker) -> Self {
        let reduced = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&reduced);
        let subscription = Preferences::subscribe(Interest::ReducedMotion, move |preferences| {
            let is = preferences.reduced_motion == ReducedMotion::Reduce;
            if told.swap(is, Ordering::Relaxed) != is {
                waker();
            }
        });
        Self { reduced, _subscription: Some(subscription) }
    }

    pub(crate) fn is_reduced(&self) -> bool {
        self.reduced.load(Ordering::Relaxed)
    }
}
