//! What is worked out behind the frame where it is much, and at once where it is little.
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};

use eframe::egui::Context;

/// Something worked out for a key; the last one is kept.
#[derive(Debug)]
pub(super) struct Later<K, T> {
    key: Option<K>,
    have: Option<Arc<T>>,
    coming: Option<Receiver<T>>,
}

impl<K, T> Default for Later<K, T> {
    fn default() -> Self {
        Self { key: None, have: None, coming: None }
    }
}

impl<K: PartialEq, T: Send + 'static> Later<K, T> {
    /// What was worked out for the key; none as long as it is under way, and then the window is woken when it is there.
    pub(super) fn get(&mut self, ctx: &Context, key: K, much: bool, make: impl FnOnce() -> T + Send + 'static) -> Option<Arc<T>> {
        if self.key.as_ref() != Some(&key) {
            self.key = Some(key);
            self.have = None;
            self.coming = None;
            if much {
                let (send, coming) = mpsc::channel();
                let waker = ctx.clone();
                let work = move || {
                    // Nobody waits for it any more where something else was asked for since.
                    if send.send(make()).is_ok() {
                        waker.request_repaint();
                    }
                };
                if std::thread::Builder::new().name("inspector".to_owned()).spawn(work).is_ok() {
                    self.coming = Some(coming);
                }
            } else {
                self.have = Some(Arc::new(make()));
            }
        }
        if let Some(done) = self.coming.as_ref().and_then(|it| it.try_recv().ok()) {
            self.have = Some(Arc::new(done));
            self.coming = None;
        }
        self.have.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_is_there_at_once_and_made_once() {
        let ctx = Context::default();
        let mut later = Later::default();
        assert_eq!(later.get(&ctx, 1, false, || 10).as_deref(), Some(&10));
        assert_eq!(later.get(&ctx, 1, false, || 11).as_deref(), Some(&10));
        assert_eq!(later.get(&ctx, 2, false, || 12).as_deref(), Some(&12));
    }

    #[test]
    fn much_comes_when_it_is_done() {
        let ctx = Context::default();
        let mut later = Later::default();
        let (go, wait) = mpsc::channel::<()>();
        let make = move || wait.recv().map_or(0, |()| 7);
        assert!(later.get(&ctx, 1, true, make).is_none());
        go.send(()).unwrap();
        let coming = later.coming.take().unwrap();
        let done = coming.recv().unwrap();
        let (send, again) = mpsc::channel();
        send.send(done).unwrap();
        later.coming = Some(again);
        assert_eq!(later.get(&ctx, 1, true, || 9).as_deref(), Some(&7));
    }
}
