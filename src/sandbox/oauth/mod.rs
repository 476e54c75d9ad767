//! Signing in by OAuth 2.0, as HighLevel has it and as Schedule it may: a consent page, codes, access and refresh tokens that
//! end, are used up and are taken back (RFC 6749, PKCE of RFC 7636).
//!
//! Invariant: a code and a refresh token work once; what they gave goes on to work.
//!
//! Invariant: the same requests in the same order give the same codes and tokens.
mod consent;
mod grants;
mod token;

use serde::{Deserialize, Serialize};

pub(crate) use self::consent::{Page, answer};
pub(crate) use self::grants::{Caller, Grant, Grants, Holder, Invalid};
pub(crate) use self::token::{exchange, form, highlevel_tokens, location_tokens, reconnect};

/// How tokens are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OauthSettings {
    /// So long an access token works, in seconds. The vendor: a day less a second.
    pub access_seconds: u64,
    /// So long a refresh token works, unless it is used, in seconds. The vendor: a year.
    pub refresh_seconds: u64,
    /// So long a code waits to be exchanged, in seconds.
    pub code_seconds: u64,
    /// Whether a refresh gives a new refresh token and ends the one that it was made with.
    pub rotates: bool,
    /// Whether an app that is still let in gets another code for its secret, as HighLevel has it.
    pub reconnects: bool,
}

impl Default for OauthSettings {
    fn default() -> Self {
        Self { access_seconds: 86_399, refresh_seconds: 365 * 86_400, code_seconds: 600, rotates: true, reconnects: true }
    }
}
