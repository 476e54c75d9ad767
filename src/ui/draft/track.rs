//! What of an open flow is to be written to its draft.
use super::{Drafts, Line, Opened};

/// Collects lines until the frame's end. A flow that nobody changes has no draft.
#[derive(Debug, Default)]
pub(crate) struct Track {
    key: Option<String>,
    lines: Vec<Line>,
    /// A draft that is not wanted any more.
    dropped: Option<String>,
    saves: u64,
}

impl Track {
    /// Goes on with a draft that was found.
    pub(crate) fn resumed(key: String) -> Self {
        // Numbers of saves that were not done are not used again.
        Self { key: Some(key), saves: u64::from(u32::MAX) + u64::from(fastrand::u32(..)), ..Self::default() }
    }

    /// Takes down a line; before the first, how the flow was until then.
    pub(crate) fn note(&mut self, line: Line, before: impl FnOnce() -> Opened) {
        if self.key.is_none() && self.lines.is_empty() {
            self.lines.push(Line::Open(Box::new(before())));
        }
        self.lines.push(line);
    }

    /// Takes down a line only where there is a draft already.
    pub(crate) fn note_if_kept(&mut self, line: Line) {
        if self.key.is_some() || !self.lines.is_empty() {
            self.lines.push(line);
        }
    }

    /// The flow is being written to its file; the number comes back with [`Line::Saved`].
    pub(crate) fn saving(&mut self) -> u64 {
        self.saves += 1;
        self.note_if_kept(Line::Saving(self.saves));
        self.saves
    }

    /// The draft is not wanted any more; the next change begins another.
    pub(crate) fn forget(&mut self) {
        self.lines.clear();
        self.dropped = self.key.take().or_else(|| self.dropped.take());
    }

    /// Hands over what has come together.
    pub(crate) fn hand_over(&mut self, drafts: &mut Drafts) {
        if let Some(key) = self.dropped.take() {
            drafts.remove(&key);
        }
        if !self.lines.is_empty() {
            let key = self.key.get_or_insert_with(|| drafts.fresh_key());
            drafts.write(key, std::mem::take(&mut self.lines));
        }
    }
}
