//! The desktop of Windows and macOS, by the system's own way; a click there opens nothing.
use notify_rust::{Notification, Timeout};

use super::{Broken, Screen, Shown, Told, Words};

/// Nothing is kept open.
pub(super) type Open = ();

pub(super) fn is_likely() -> bool {
    true
}

/// Who shows notifications: the system itself.
#[expect(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
pub(super) fn look(_: &mut Option<Open>) -> Result<Screen, Broken> {
    let program = if cfg!(windows) { "Windows" } else { "macOS" };
    Ok(Screen { program: program.to_owned(), clickable: false })
}

pub(super) fn show(_: &mut Option<Open>, words: &Words, _: Option<Told>) -> Result<Shown, Broken> {
    let mut notification = Notification::new();
    notification.appname("Flowyard").summary(&words.title).body(&words.text);
    if words.stays {
        notification.timeout(Timeout::Never);
    }
    notification.show().map(|_| Shown { number: None }).map_err(|error| Broken::Refused(error.to_string()))
}
