//! The terminal: the only place that writes to standard output and standard error.
//!
//! Data goes to standard output, words to standard error. Colours are left out where the stream is no terminal, or
//! `NO_COLOR` asks for it. Text of others is shown with its control characters replaced, so that a service cannot steer
//! the terminal.
use std::fmt;
use std::io::{self, ErrorKind, IsTerminal as _, Write};
use std::time::{Duration, Instant};

use anstream::{AutoStream, ColorChoice};
use clap::builder::styling::{AnsiColor, Style};
use serde::Serialize;

use super::exit::Error;
use crate::record::Failure;

/// Done, well.
pub(super) const GOOD: Style = AnsiColor::Green.on_default();
/// Failed.
pub(super) const BAD: Style = AnsiColor::Red.on_default();
/// Waiting, or worth a look.
pub(super) const WAITING: Style = AnsiColor::Yellow.on_default();
/// Beside the point.
pub(super) const DIM: Style = Style::new().dimmed();
/// A heading.
pub(super) const STRONG: Style = Style::new().bold();

/// Back to the start of the line, and nothing on it.
const ERASE: &str = "\r\x1b[K";

/// Both streams, and the line that is updated in place.
pub(super) struct Printer {
    data: AutoStream<io::Stdout>,
    words: AutoStream<io::Stderr>,
    /// Whether whoever read the data has gone away.
    closed: bool,
    /// Why data could not be written.
    fault: Option<io::Error>,
    /// Whether standard error is a terminal, where a line can be updated.
    live: bool,
    status: String,
    shown: Option<Instant>,
}

impl Printer {
    /// No more often than this is the status line painted.
    const STATUS_EVERY: Duration = Duration::from_millis(80);

    pub(super) fn new(color: ColorChoice) -> Self {
        Self {
            data: AutoStream::new(io::stdout(), choice(color, &io::stdout())),
            words: AutoStream::new(io::stderr(), choice(color, &io::stderr())),
            closed: false,
            fault: None,
            live: io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|it| it != "dumb"),
            status: String::new(),
            shown: None,
        }
    }

    /// A line of data.
    pub(super) fn line(&mut self, text: impl fmt::Display) {
        self.hide_status();
        if !self.closed {
            let result = writeln!(self.data, "{text}").and_then(|()| self.data.flush());
            self.note(result);
        }
        self.show_status();
    }

    /// A line of data as JSON.
    pub(super) fn json(&mut self, value: &impl Serialize) {
        match serde_json::to_string(value) {
            Ok(text) => self.bytes(format!("{text}\n").as_bytes()),
            Err(error) => self.note(Err(io::Error::other(error))),
        }
    }

    /// Data as it is.
    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.hide_status();
        if !self.closed {
            let mut out = io::stdout().lock();
            let result = out.write_all(bytes).and_then(|()| out.flush());
            self.note(result);
        }
        self.show_status();
    }

    /// A line of words. Where standard error is gone, there is nobody to tell.
    pub(super) fn say(&mut self, text: impl fmt::Display) {
        self.hide_status();
        writeln!(self.words, "{text}").ok();
        self.show_status();
    }

    /// A failure in words: what, where, the service's own words, what to do next.
    pub(super) fn failure(&mut self, label: &str, failure: &Failure) {
        let at = if failure.at.is_empty() { String::new() } else { format!(" ({})", Plain(&failure.at)) };
        self.say(format_args!("{BAD}{label}:{BAD:#} {}{at}", Plain(&failure.title)));
        for text in [&failure.detail, &failure.hint] {
            for line in text.lines().filter(|it| !it.trim().is_empty()) {
                self.say(format_args!("  {}", Plain(line)));
            }
        }
    }

    /// The line that is updated in place; nothing where standard error is no terminal.
    pub(super) fn status(&mut self, text: String) {
        if text.is_empty() {
            self.end_status();
        } else if self.live && self.status != text {
            self.status = text;
            self.show_status();
        }
    }

    /// Takes the updated line away.
    pub(super) fn end_status(&mut self) {
        self.hide_status();
        self.status.clear();
    }

    /// Whether whoever read the data has gone away.
    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }

    /// What became of the data.
    ///
    /// # Errors
    /// If some of it could not be written; not if its reader only went away.
    pub(super) fn finish(&mut self) -> Result<(), Error> {
        self.end_status();
        match self.fault.take() {
            None => Ok(()),
            Some(error) => {
                Err(Error::machine("Standard output cannot be written", &error, "Check where it leads to, and its free space."))
            }
        }
    }

    fn note(&mut self, result: io::Result<()>) {
        if let Err(error) = result {
            self.closed = true;
            if error.kind() != ErrorKind::BrokenPipe {
                self.fault = Some(error);
            }
        }
    }

    fn heed<T>(&mut self, result: io::Result<T>) -> io::Result<T> {
        result.map_err(|error| {
            let kind = error.kind();
            self.note(Err(error));
            kind.into()
        })
    }

    fn hide_status(&mut self) {
        if self.shown.take().is_some() {
            // Past the stream that drops colours where they are not wanted: this is no colour.
            io::stderr().lock().write_all(ERASE.as_bytes()).ok();
        }
    }

    fn show_status(&mut self) {
        if self.status.is_empty() || self.shown.is_some_and(|at| at.elapsed() < Self::STATUS_EVERY) {
            return;
        }
        io::stderr().lock().write_all(format!("{ERASE}{}", self.status).as_bytes()).ok();
        self.shown = Some(Instant::now());
    }
}

/// Data of whatever makes it itself; it stops with the reader.
impl Write for Printer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let result = io::stdout().lock().write(bytes);
        self.heed(result)
    }

    fn flush(&mut self) -> io::Result<()> {
        let result = io::stdout().lock().flush();
        self.heed(result)
    }
}

fn choice(asked: ColorChoice, stream: &impl anstream::stream::RawStream) -> ColorChoice {
    match asked {
        ColorChoice::Auto => AutoStream::choice(stream),
        other => other,
    }
}

/// Where log lines go.
pub(super) fn log_writer() -> io::Stderr {
    io::stderr()
}

/// Text of others: control characters other than tabs are replaced by what Unicode shows in their place.
pub(super) struct Plain<'a>(pub(super) &'a str);

impl fmt::Display for Plain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_control = |it: char| {
            it.is_control() && it != '\t' || ('\u{202a}'..='\u{202e}').contains(&it) || ('\u{2066}'..='\u{2069}').contains(&it)
        };
        if !self.0.contains(is_control) {
            return f.pad(self.0);
        }
        let text: String = self.0.chars().map(|it| if is_control(it) { char::REPLACEMENT_CHARACTER } else { it }).collect();
        f.pad(&text)
    }
}

/// Text in a style.
pub(super) fn paint(style: Style, text: impl fmt::Display) -> String {
    format!("{style}{text}{style:#}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_others_cannot_steer_the_terminal() {
        assert_eq!(Plain("a\u{1b}[2Jb\rc\td").to_string(), "a\u{fffd}[2Jb\u{fffd}c\td");
        assert_eq!(Plain("\u{202e}abc").to_string(), "\u{fffd}abc");
        assert_eq!(format!("{:<6}|", Plain("Zoë")), "Zoë   |");
    }
}
