//! How a service is signed in to by OAuth 2.0 (RFC 6749): its addresses, and where it differs from others.
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::OperationId;

/// What a catalogue knows of a service's OAuth 2.0. An address that is empty is one that a person has to state.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct OAuth {
    /// Where a person signs in; not needed for client credentials.
    pub authorize_url: String,
    /// The same under another name, for accounts that do not know the first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub other_authorize_urls: Vec<AuthorizeUrl>,
    /// Added to the query of that address.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub authorize_extra: BTreeMap<String, String>,
    /// Where tokens are made.
    pub token_url: String,
    /// The ways to get a token; the first is the default. None named means by a code.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub grants: Vec<Grant>,
    /// Whether a proof key (RFC 7636) is sent where a connection does not say.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub pkce: bool,
    /// How the app proves who it is at the token endpoint.
    #[serde(skip_serializing_if = "ClientAuth::is_body")]
    pub client_auth: ClientAuth,
    /// What a token can be for, as `user_type` says it; the first is the default. None means that nothing is said.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub user_types: Vec<String>,
    /// Whether the address to come back to is compared to the letter, its port included: then a free port is no use.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub exact_redirect: bool,
    /// Whether the service gives an app that is still let in another code for its secret, at `reconnect` beside the address of its
    /// tokens. HighLevel: "How to reconnect broken Marketplace Apps",
    /// <https://help.gohighlevel.com/support/solutions/articles/155000003717>.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub reconnect: bool,
    /// The operation by which an agency's token makes that of one of its locations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location_token: Option<LocationToken>,
}

/// A second place at which a person may sign in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizeUrl {
    /// What a person reads.
    pub title: String,
    /// The address.
    pub url: String,
}

/// A way to get a token (RFC 6749, section 1.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grant {
    /// A person agrees in a browser.
    #[default]
    AuthorizationCode,
    /// The app by itself: a service account.
    ClientCredentials,
}

/// How an app proves who it is (RFC 6749, section 2.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuth {
    /// `client_id` and `client_secret` in the body.
    #[default]
    Body,
    /// In the header `Authorization`, by Basic.
    Header,
}

/// How an agency's token makes that of one of its locations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocationToken {
    /// Which operation, called with the agency's token.
    pub operation: OperationId,
    /// The key of its input for the agency's id.
    pub company: String,
    /// The key of its input for the location's id.
    pub location: String,
    /// The field of the connection's account that holds the location's id.
    pub account: String,
    /// How the agency's locations are listed, with its token; none where they are not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list: Option<LocationList>,
}

/// How the locations of an agency are listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LocationList {
    /// The operation, called with the agency's token.
    pub operation: OperationId,
    /// The key of its input for the agency's id.
    pub company: String,
    /// Its inputs that are always the same.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub with: BTreeMap<String, Value>,
    /// The key of its input that says how many were read before.
    pub skip: String,
    /// The list in its answer.
    pub items: String,
    /// The fields of an item: the location's id,
    pub id: String,
    /// what people call it,
    pub name: String,
    /// and its time zone.
    pub zone: String,
}

impl OAuth {
    /// With these two addresses and nothing else known.
    pub fn at(authorize_url: impl Into<String>, token_url: impl Into<String>) -> Self {
        Self { authorize_url: authorize_url.into(), token_url: token_url.into(), ..Self::default() }
    }
}

impl ClientAuth {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    fn is_body(&self) -> bool {
        *self == Self::Body
    }
}
