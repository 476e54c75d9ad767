//! A flow as the text of a `.flowyard` file: JSON in a fixed order, one line an edge and a place, so that a small change is a
//! small difference. Reading and writing disks is [`super::disk`]'s.
//!
//! Invariant: the same flow gives the same text, and reading that text gives the same flow.
//! Invariant: a file is read whole or not at all. What is not known is refused and named, never dropped.
//! Invariant: no text makes it panic; size, depth and number of values are bounded.
mod decode;
mod encode;
mod error;
mod json;
mod migrate;
mod spot;

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use self::error::Broken;
pub use self::error::{FileError, FileErrorKind};
use self::json::{Item, What};
use super::Flow;

/// What the name of a flow file ends with, without the dot.
pub const EXTENSION: &str = "flowyard";
/// The format that is written: the newest that is read.
pub const FORMAT: u64 = migrate::newest(migrate::STEPS);
/// The largest file that is read, in bytes.
pub const MAX_BYTES: usize = 64 * 1024 * 1024;

impl Flow {
    /// Reads a flow from the bytes of its file, of this format or an older one; a byte order mark before it is passed over.
    ///
    /// # Errors
    /// What is wrong, with line, column and place.
    pub fn parse(bytes: &[u8]) -> Result<Self, FileError> {
        if bytes.len() > MAX_BYTES {
            let message = format!("the file is larger than {} MiB", MAX_BYTES / 1024 / 1024);
            return Err(FileError::whole(FileErrorKind::TooLarge, message, "It does not look like a flow."));
        }
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => text.strip_prefix('\u{feff}').unwrap_or(text),
            Err(error) => {
                let before = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
                let broken = Broken::new(FileErrorKind::NotText, before.len(), String::new(), "the file is not text in UTF-8");
                return Err(broken.hint("It may be damaged, or no flow at all.").in_text(&before));
            }
        };
        read(text).map_err(|broken| broken.in_text(text))
    }

    /// The text of its file.
    pub fn to_text(&self) -> String {
        encode::flow(self, FORMAT, true)
    }

    /// The text of all but the layout: what a run is pinned to.
    pub fn revision_text(&self) -> String {
        encode::flow(self, FORMAT, false)
    }

    /// SHA-256 of [`Flow::revision_text`], in lower-case hex: the same for flows that differ only in where nodes sit.
    pub fn content_hash(&self) -> String {
        Sha256::digest(self.revision_text()).iter().fold(String::with_capacity(64), |mut hex, byte| {
            // Writing to a string cannot fail.
            write!(hex, "{byte:02x}").unwrap_or_default();
            hex
        })
    }
}

fn read(text: &str) -> Result<Flow, Broken> {
    let file = json::parse(text)?;
    let format = format(&file)?;
    decode::flow(&migrate::migrate(file, format, migrate::STEPS)?)
}

/// The format that a file says it has, if it is one that can be read.
fn format(file: &Item) -> Result<u64, Broken> {
    let not_a_flow = |message: &str| {
        let broken = Broken::new(FileErrorKind::NotAFlow, file.at, String::new(), message);
        broken.hint("A flow file begins with {\"flowyard\": 1, …}.")
    };
    let Some(stated) = file.field("flowyard") else {
        return Err(not_a_flow("this is JSON, but not a flow: it states no \"flowyard\" format"));
    };
    let number = match &stated.what {
        What::Number(it) => it.as_u64(),
        _ => None,
    };
    match number {
        Some(format @ 1..=FORMAT) => Ok(format),
        Some(format) if format > FORMAT => Err(Broken::new(
            FileErrorKind::Newer,
            stated.at,
            "flowyard".to_owned(),
            format!("this flow was written by a newer Flowyard (format {format}; this one reads up to {FORMAT})"),
        )
        .hint("Update Flowyard to open it; the file is as it was.")),
        _ => Err(Broken {
            at: stated.at,
            place: "flowyard".to_owned(),
            ..not_a_flow("the format of a flow file is a whole number from 1")
        }),
    }
}

#[cfg(test)]
mod tests;
