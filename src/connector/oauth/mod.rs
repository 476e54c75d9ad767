//! Signing in by OAuth 2.0 (RFC 6749).
mod settings;

pub use self::settings::{OAuthSettings, Redirect};
