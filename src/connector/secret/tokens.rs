//! What a token endpoint gave.
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// A pair of tokens with what was told of it.
pub(in crate::connector) struct Tokens {
    /// Signs requests.
    pub(in crate::connector) access: Zeroizing<String>,
    /// Makes the next pair; none where the service gave none.
    pub(in crate::connector) refresh: Option<Zeroizing<String>>,
    pub(in crate::connector) granted: Granted,
}

/// What a sign-in gave, without the tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Granted {
    /// When the tokens were received, by this machine's clock.
    pub obtained_at: Timestamp,
    /// When the access token ends, by this machine's clock; none if the service did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// What the token may do; none if the service did not say, which means what was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Vec<String>>,
    /// The location that it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location_id: Option<String>,
    /// The agency that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub company_id: Option<String>,
    /// Who signed in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
}
