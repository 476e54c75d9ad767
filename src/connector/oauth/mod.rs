//! Signing in by OAuth 2.0 (RFC 6749), and keeping the tokens fresh.
//!
//! [`Caller::sign_in`](super::Caller::sign_in) asks a person in a browser, or the service itself, and stores what comes of it;
//! [`refresh`] renews it as calls need it.
//!
//! Invariant: no code, token, proof or app's secret is in a log, an error or a page.
//! Invariant: secrets go to the token endpoint of their own connection alone: encrypted unless it is on this machine, and
//! never after a redirect.
mod answer;
mod app;
mod back;
mod consent;
mod endpoint;
mod lock;
mod page;
mod refresh;
mod settings;
mod sign_in;

pub(super) use self::refresh::Renewals;
pub use self::settings::{OAuthSettings, Redirect};
pub use self::sign_in::Progress;
