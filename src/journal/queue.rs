//! What waits to be written, and how its sender learns that it was.
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use tokio::sync::{Notify, oneshot};

use super::JournalError;
use super::encode::Encoded;

/// Above this, [`Queue::room`] waits: new work is held back, what is under way goes on.
const SOFT_BYTES: usize = 8 << 20;
/// Above this, an append is refused. Only senders that never wait for their appends come here.
const HARD_BYTES: usize = 64 << 20;
/// What one transaction takes at most.
const GROUP: usize = 512;
const GROUP_BYTES: usize = 4 << 20;

/// Tells a sender that what it sent is on the disk, or why not.
pub(super) type Reply<T = ()> = oneshot::Sender<Result<T, JournalError>>;

/// Something that is written together with others in one transaction.
#[derive(Debug)]
pub(super) enum Change {
    Append(Box<Encoded>),
    State { scope: String, key: String, value: String },
    Revision { hash: String, flow: Vec<u8> },
}

/// Something that the writer does by itself between two groups.
#[derive(Debug)]
pub(super) enum Chore {
    /// Removes finished runs in this order, the rows of at most so many appends at a time, until no more than so many pages are
    /// in use.
    Prune { runs: Vec<u64>, rows: u32, down_to: u64, reply: Reply<Pruned> },
    /// Gives so many free pages back to the disk.
    Shrink { pages: u32, reply: Reply },
    /// Removes revisions of flows.
    Forget { revisions: Vec<String>, reply: Reply<u64> },
}

/// What [`Chore::Prune`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Pruned {
    pub(super) runs: u64,
    /// Whether there is more to do of the same.
    pub(super) is_partial: bool,
}

/// A change on its way. Tickets grow in the order of sending.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) ticket: u64,
    pub(super) change: Change,
    pub(super) reply: Reply,
}

/// What the writer takes out at once.
#[derive(Debug)]
pub(super) enum Work {
    Group(Vec<Item>),
    Chore(Chore),
    /// Nothing came for a while.
    Idle,
    /// Nothing is left, and nothing more will come.
    Closed,
}

/// Bounded, first in first out.
#[derive(Debug, Default)]
pub(super) struct Queue {
    inner: Mutex<Inner>,
    wake: Condvar,
    room: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    items: VecDeque<Item>,
    bytes: usize,
    chores: VecDeque<Chore>,
    last_ticket: u64,
    writer_sleeps: bool,
    closed: bool,
}

impl Queue {
    /// Puts a change at the end; what comes out is done once it is on the disk.
    pub(super) fn send(&self, change: Change) -> Commit {
        let bytes = change.bytes();
        let (reply, done) = oneshot::channel();
        let mut inner = self.lock();
        if inner.closed {
            return Commit::refused(JournalError::Closed);
        }
        // A single large one passes while nothing else waits.
        if inner.bytes > 0 && inner.bytes + bytes > HARD_BYTES {
            return Commit::refused(JournalError::Busy);
        }
        inner.last_ticket += 1;
        inner.bytes += bytes;
        let ticket = inner.last_ticket;
        inner.items.push_back(Item { ticket, change, reply });
        self.wake(inner);
        Commit(State::Sent(done))
    }

    /// Asks the writer for a chore and waits for it.
    pub(super) fn chore<T>(&self, make: impl FnOnce(Reply<T>) -> Chore) -> Result<T, JournalError> {
        let (reply, done) = oneshot::channel();
        let mut inner = self.lock();
        if inner.closed {
            return Err(JournalError::Closed);
        }
        inner.chores.push_back(make(reply));
        self.wake(inner);
        block_on(done).unwrap_or(Err(JournalError::Closed))
    }

    /// Returns once little enough waits that new work may be taken.
    pub(super) async fn room(&self) {
        loop {
            let mut freed = std::pin::pin!(self.room.notified());
            // Registered before looking, so that a change in between is not missed.
            freed.as_mut().enable();
            let free = {
                let inner = self.lock();
                inner.closed || inner.bytes <= SOFT_BYTES
            };
            if free {
                return;
            }
            freed.await;
        }
    }

    /// Waits for work, at most `patience` where that is given.
    pub(super) fn take(&self, patience: Option<Duration>) -> Work {
        let mut inner = self.lock();
        loop {
            if !inner.items.is_empty() {
                break;
            }
            if let Some(chore) = inner.chores.pop_front() {
                return Work::Chore(chore);
            }
            if inner.closed {
                return Work::Closed;
            }
            inner.writer_sleeps = true;
            let timed_out;
            (inner, timed_out) = match patience {
                None => (self.wake.wait(inner).unwrap_or_else(PoisonError::into_inner), false),
                Some(patience) => {
                    let (inner, result) = self.wake.wait_timeout(inner, patience).unwrap_or_else(PoisonError::into_inner);
                    (inner, result.timed_out())
                }
            };
            inner.writer_sleeps = false;
            if timed_out && inner.items.is_empty() && inner.chores.is_empty() && !inner.closed {
                return Work::Idle;
            }
        }
        let before = inner.bytes;
        let mut group = Vec::with_capacity(inner.items.len().min(GROUP));
        let mut taken = 0;
        while group.len() < GROUP
            && let Some(item) = inner.items.pop_front_if(|it| taken == 0 || taken + it.change.bytes() <= GROUP_BYTES)
        {
            taken += item.change.bytes();
            group.push(item);
        }
        inner.bytes -= taken;
        let freed = before > SOFT_BYTES && inner.bytes <= SOFT_BYTES;
        drop(inner);
        if freed {
            self.room.notify_waiters();
        }
        Work::Group(group)
    }

    /// A chore, if one waits; taken between two groups so that a steady stream of appends does not starve it.
    pub(super) fn take_chore(&self) -> Option<Chore> {
        self.lock().chores.pop_front()
    }

    /// The ticket of what was sent last.
    pub(super) fn last_ticket(&self) -> u64 {
        self.lock().last_ticket
    }

    /// Nothing more is taken; what waits is still written.
    pub(super) fn close(&self) {
        let mut inner = self.lock();
        inner.closed = true;
        self.wake(inner);
        self.room.notify_waiters();
    }

    /// The writer is gone: nobody waits for an answer that does not come.
    pub(super) fn abandon(&self) {
        let mut inner = self.lock();
        inner.closed = true;
        inner.items.clear();
        inner.chores.clear();
        inner.bytes = 0;
        drop(inner);
        self.room.notify_waiters();
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes the writer if it sleeps; a system call that is spared otherwise.
    fn wake(&self, mut inner: MutexGuard<'_, Inner>) {
        let sleeps = std::mem::take(&mut inner.writer_sleeps);
        drop(inner);
        if sleeps {
            self.wake.notify_one();
        }
    }
}

impl Change {
    /// Roughly the memory that it holds and the disk that it takes.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Append(it) => it.bytes(),
            Self::State { scope, key, value } => scope.len() + key.len() + value.len() + 256,
            Self::Revision { hash, flow } => hash.len() + flow.len() + 256,
        }
    }
}

/// Something on its way to the disk: done when it is there. It gets there whether or not this is awaited.
#[derive(Debug)]
#[must_use = "nothing is known to be written until this is done"]
pub struct Commit(State);

#[derive(Debug)]
enum State {
    Refused(Option<JournalError>),
    Sent(oneshot::Receiver<Result<(), JournalError>>),
}

impl Commit {
    pub(super) fn refused(error: JournalError) -> Self {
        Self(State::Refused(Some(error)))
    }

    /// Blocks the thread until it is done; for threads of their own, not for async tasks.
    pub fn wait(self) -> Result<(), JournalError> {
        block_on(self)
    }
}

impl Future for Commit {
    type Output = Result<(), JournalError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            State::Refused(error) => Poll::Ready(Err(error.take().unwrap_or(JournalError::Closed))),
            State::Sent(done) => Pin::new(done).poll(cx).map(|it| it.unwrap_or(Err(JournalError::Closed))),
        }
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn block_on<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut cx = Context::from_waker(&waker);
    let mut future = std::pin::pin!(future);
    loop {
        if let Poll::Ready(done) = future.as_mut().poll(&mut cx) {
            return done;
        }
        thread::park();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(bytes: usize) -> Change {
        Change::State { scope: "x".repeat(bytes), key: String::new(), value: String::new() }
    }

    fn group(queue: &Queue) -> Vec<Item> {
        match queue.take(None) {
            Work::Group(items) => items,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn new_work_waits_for_room_and_too_much_is_refused() {
        let queue = Queue::default();
        let mut sent = vec![queue.send(state(100 << 20))];
        // A single one that is larger than the bound passes, a second does not.
        assert_eq!(queue.send(state(1)).await, Err(JournalError::Busy));
        assert_eq!(group(&queue).len(), 1);
        while queue.lock().bytes <= SOFT_BYTES {
            sent.push(queue.send(state(1 << 20)));
        }
        let mut room = Box::pin(queue.room());
        let mut cx = Context::from_waker(Waker::noop());
        assert!(room.as_mut().poll(&mut cx).is_pending());
        assert!(!group(&queue).is_empty());
        room.await;
    }

    #[test]
    fn a_group_is_bounded_in_number_and_size() {
        let queue = Queue::default();
        let sent: Vec<Commit> = (0..GROUP + 3).map(|_| queue.send(state(1))).collect();
        let first = group(&queue);
        assert_eq!((first.len(), group(&queue).len(), sent.len()), (GROUP, 3, GROUP + 3));
        assert!(first.is_sorted_by_key(|it| it.ticket));
        let sent: Vec<Commit> = (0..5).map(|_| queue.send(state(GROUP_BYTES / 2))).collect();
        let sizes = [group(&queue).len(), group(&queue).len(), group(&queue).len()];
        assert_eq!((sizes.iter().sum::<usize>(), sent.len()), (3, 5));
        assert_eq!(queue.lock().bytes, 2 * (GROUP_BYTES / 2 + 256));
    }

    #[test]
    fn whoever_waits_hears_when_the_writer_is_gone() {
        let queue = Queue::default();
        let sent = queue.send(state(1));
        queue.abandon();
        assert_eq!(sent.wait(), Err(JournalError::Closed));
        assert_eq!(queue.send(state(1)).wait(), Err(JournalError::Closed));
        assert_eq!(queue.chore(|reply| Chore::Shrink { pages: 1, reply }), Err(JournalError::Closed));
    }

    #[test]
    fn nothing_to_do_is_told_after_a_while_and_closing_after_the_rest() {
        let queue = Queue::default();
        assert!(matches!(queue.take(Some(Duration::ZERO)), Work::Idle));
        let sent = queue.send(state(1));
        queue.close();
        assert_eq!(group(&queue).len(), 1);
        assert!(matches!(queue.take(None), Work::Closed));
        drop(sent);
    }
}
