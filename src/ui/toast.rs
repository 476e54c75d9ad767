//! Short words at the window's lower edge.
use super::msg::Msg;
use crate::record::Failure;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    Done,
    Note,
    /// Stays until it is read.
    Failed,
}

/// What is said.
#[derive(Debug)]
pub(crate) struct Toast {
    pub(crate) tone: Tone,
    pub(crate) title: String,
    /// What to do next, or why; may be empty.
    pub(crate) detail: String,
    /// A button, and what it asks for.
    pub(crate) action: Option<(&'static str, Box<Msg>)>,
}

impl Toast {
    pub(crate) fn new(tone: Tone, title: impl Into<String>) -> Self {
        Self { tone, title: title.into(), detail: String::new(), action: None }
    }

    pub(crate) fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }

    pub(crate) fn action(mut self, words: &'static str, msg: Msg) -> Self {
        self.action = Some((words, Box::new(msg)));
        self
    }

    /// A failure in its own words.
    pub(crate) fn failure(failure: &Failure) -> Self {
        let mut title = failure.title.clone();
        if !failure.at.is_empty() {
            title = format!("{title} ({})", failure.at);
        }
        let parts: Vec<&str> = [failure.detail.as_str(), failure.hint.as_str()].into_iter().filter(|it| !it.is_empty()).collect();
        let detail = parts.iter().map(|it| super::files::sentence(it)).collect::<Vec<_>>().join(" ");
        Self::new(Tone::Failed, title).detail(detail)
    }
}

/// The toasts that are shown, the newest last.
#[derive(Debug, Default)]
pub(crate) struct Toasts {
    next: u64,
    shown: Vec<Shown>,
}

/// A toast with its number and its end.
#[derive(Debug)]
pub(crate) struct Shown {
    pub(crate) id: u64,
    pub(crate) toast: Toast,
    /// In the window's time, in seconds; none stays.
    pub(crate) until: Option<f64>,
}

impl Toasts {
    /// More at a time help nobody.
    const MOST: usize = 4;

    /// Says it; the same words again only stay longer.
    pub(crate) fn say(&mut self, toast: Toast, now: f64) {
        let longer = toast.detail.len() as f64 * 0.05;
        let until = match toast.tone {
            Tone::Failed => None,
            Tone::Done | Tone::Note => Some(now + 4.0 + longer),
        };
        if let Some(same) = self.shown.iter_mut().find(|it| it.toast.title == toast.title && it.toast.detail == toast.detail) {
            same.until = until;
            return;
        }
        self.next += 1;
        self.shown.push(Shown { id: self.next, toast, until });
        if self.shown.len() > Self::MOST {
            self.shown.remove(0);
        }
    }

    pub(crate) fn dismiss(&mut self, id: u64) -> Option<Toast> {
        let at = self.shown.iter().position(|it| it.id == id)?;
        Some(self.shown.remove(at).toast)
    }

    /// Takes away what was shown long enough; when the next one ends.
    pub(crate) fn tick(&mut self, now: f64) -> Option<f64> {
        self.shown.retain(|it| it.until.is_none_or(|until| until > now));
        self.shown.iter().filter_map(|it| it.until).min_by(f64::total_cmp)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Shown> {
        self.shown.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_news_go_and_bad_news_stay() {
        let mut toasts = Toasts::default();
        toasts.say(Toast::new(Tone::Done, "Saved"), 0.0);
        toasts.say(Toast::new(Tone::Failed, "Lost"), 0.0);
        assert_eq!(toasts.tick(1.0), Some(4.0));
        assert_eq!(toasts.tick(5.0), None);
        assert_eq!(toasts.iter().map(|it| it.toast.title.as_str()).collect::<Vec<_>>(), ["Lost"]);
        let id = toasts.iter().next().unwrap().id;
        assert!(toasts.dismiss(id).is_some());
        assert_eq!(toasts.iter().count(), 0);
    }

    #[test]
    fn the_same_words_are_shown_once() {
        let mut toasts = Toasts::default();
        toasts.say(Toast::new(Tone::Note, "Copied"), 0.0);
        toasts.say(Toast::new(Tone::Note, "Copied"), 3.0);
        assert_eq!(toasts.iter().count(), 1);
        assert_eq!(toasts.tick(5.0), Some(7.0));
    }
}
