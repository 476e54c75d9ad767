//! A request and its answer, as the log shows them.
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// One attempt at one call: request, answer if any, timing. Secrets are replaced before it is made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchange {
    /// What was sent.
    pub request: Request,
    /// What came back; none if nothing did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Answer>,
    /// Why nothing, or only a part, came back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// When the request left.
    pub started: Timestamp,
    /// Where the time went.
    pub timing: Timing,
}

/// The request line, head and body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// `GET`, `POST`, …
    pub method: String,
    /// The whole URL, secrets in its query replaced.
    pub url: String,
    /// Header names in lower case, in the order sent.
    pub headers: Vec<(String, String)>,
    /// What was sent.
    pub body: Body,
}

/// The status, head and body of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// 100–599.
    pub status: u16,
    /// Header names in lower case, in the order received.
    pub headers: Vec<(String, String)>,
    /// What was received, decompressed.
    pub body: Body,
}

/// A body as the log keeps it: text, or only its size where it is binary.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Body {
    /// Valid UTF-8, redacted, cut at the log's bound.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// Bytes on the wire after decompression, before any cut.
    #[serde(default)]
    pub size: u64,
    /// Whether `text` is less than the whole body.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cut: bool,
}

/// Where the time of a call went, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Timing {
    /// Waiting for the rate budget before the request left.
    pub queued_us: u64,
    /// From sending to the answer's head.
    pub waiting_us: u64,
    /// From the head to the end of the body.
    pub receiving_us: u64,
}

impl Timing {
    /// Everything from asking to the end of the body.
    pub fn total(&self) -> Duration {
        Duration::from_micros(self.queued_us + self.waiting_us + self.receiving_us)
    }
}
