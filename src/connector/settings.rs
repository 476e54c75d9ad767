//! The bounds of every call.
use std::time::Duration;

/// Bounds on time and size, and what the caller calls itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// From looking up the name to the end of the TLS handshake.
    pub connect_timeout: Duration,
    /// From sending to the last byte of the answer, redirects included.
    pub answer_timeout: Duration,
    /// How long a call may wait for its account's budget before it is put off.
    pub longest_wait: Duration,
    /// No rest after an error is longer than this, whatever a flow, the catalogue or a service asks for; none leaves it to them.
    /// For trying things out: a real service may lock out who comes back too soon.
    pub longest_rest: Option<Duration>,
    /// Whether services on this machine are told of which run and step a request is: an imitation can then say what each did.
    pub name_steps: bool,
    /// An answer may not be longer than this, decompressed, in bytes.
    pub max_answer_bytes: usize,
    /// A request's body may not be longer than this, in bytes.
    pub max_request_bytes: usize,
    /// How much of a body the log keeps, in bytes.
    pub max_log_body_bytes: usize,
    /// The `User-Agent` of every request.
    pub user_agent: String,
    /// Whether hosts other than this machine may be called without TLS.
    pub allow_http: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            answer_timeout: Duration::from_secs(30),
            longest_wait: Duration::from_mins(1),
            longest_rest: None,
            name_steps: false,
            max_answer_bytes: 10 << 20,
            max_request_bytes: 50 << 20,
            max_log_body_bytes: 256 << 10,
            user_agent: concat!("flowyard/", env!("CARGO_PKG_VERSION")).into(),
            allow_http: false,
        }
    }
}
