//! Calls services and owns secrets: a request is built from the catalog, signed, sent within the account's budget, and its
//! answer becomes data, or an error that decides what happens next.
//!
//! Building a request, reading an answer, the ledger of a budget and the circuit breaker are pure; only
//! [`Caller`] opens connections.
//!
//! Invariant: a secret leaves the [`Vault`] only in the request that it signs; no [`crate::record::Exchange`], no
//! [`crate::record::Failure`] and no [`Answered`] holds one.
//! Invariant: credentials are sent only to the scheme, host and port of their connection's base URL, redirects included.
//! Invariant: [`CallError::Retry`], [`CallError::Breaker`] and [`CallError::NotSent`] mean that the service did nothing.
//! Invariant: every wait and every size is bounded by [`Settings`].
mod answer;
mod body;
mod breaker;
mod budget;
mod caller;
mod client;
mod coerce;
mod connection;
mod desktop;
pub mod disk;
mod error;
pub mod files;
mod gate;
mod http;
mod label;
mod listing;
mod mail;
mod notice;
mod oauth;
mod preview;
mod redact;
mod request;
mod secret;
mod send;
mod settings;
mod signature;
mod status;
mod token;
mod traces;
mod vault;
mod words;

#[cfg(test)]
mod tests;

pub use self::answer::Answered;
pub use self::breaker::BreakerState;
pub use self::budget::{BudgetState, Budgets, Priority};
pub use self::caller::Caller;
pub use self::connection::{Connection, ConnectionId, Connections};
pub use self::desktop::{Clicked, has_desktop};
pub use self::error::{CallError, Called, ConnectorError};
pub use self::http::{HttpPayload, HttpRequest};
pub use self::label::Label;
pub use self::listing::Listing;
pub use self::notice::{Genuine, Notice, NoticeError};
pub use self::oauth::{OAuthSettings, Progress, Redirect};
pub use self::secret::{Granted, Secret};
pub use self::settings::Settings;
pub use self::signature::{Signatures, is_public_key};
pub use self::vault::{Vault, VaultError, VaultKey, VaultPlace};
