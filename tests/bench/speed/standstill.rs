//! Notices when the machine stands still: a virtual one gets its processors only for a share of the time, and whatever is timed
//! meanwhile takes as long as it is kept waiting.
use std::fs;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// So often it looks at the clock.
const LOOK: Duration = Duration::from_micros(200);
/// So late it is only where the machine stood still: nothing else goes before a thread of this kind.
const LATE: Duration = Duration::from_millis(1);

/// Looks out until it is asked.
pub(crate) struct Watch {
    over: Arc<AtomicBool>,
    thread: JoinHandle<Option<Vec<(Instant, Instant)>>>,
}

impl Watch {
    pub(crate) fn begin() -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&over);
        Self { over, thread: thread::spawn(move || look_out(&told)) }
    }

    /// From when to when it stood still, in order; none where the system does not let anybody watch.
    pub(crate) fn end(self) -> Option<Vec<(Instant, Instant)>> {
        self.over.store(true, Ordering::Relaxed);
        self.thread.join().ok().flatten()
    }
}

fn look_out(over: &AtomicBool) -> Option<Vec<(Instant, Instant)>> {
    let thread = fs::read_link("/proc/thread-self").ok()?;
    let thread = thread.file_name()?.to_str()?.to_owned();
    // In real time, which is for the system's own.
    let first = Command::new("chrt").args(["-f", "-p", "50", &thread]).stderr(Stdio::null()).status().ok()?;
    if !first.success() {
        return None;
    }
    let mut stood = Vec::new();
    while !over.load(Ordering::Relaxed) {
        let due = Instant::now() + LOOK;
        thread::sleep(LOOK);
        let now = Instant::now();
        if now.duration_since(due) > LATE {
            stood.push((due, now));
        }
    }
    Some(stood)
}

/// How long it stood still between two moments.
pub(crate) fn between(stood: &[(Instant, Instant)], from: Instant, to: Instant) -> Duration {
    let first = stood.partition_point(|(_, end)| *end <= from);
    let meanwhile = stood[first..].iter().take_while(|(begin, _)| *begin < to);
    meanwhile.map(|(begin, end)| (*end).min(to).duration_since((*begin).max(from))).sum()
}
