//! A service: where it is, how it is signed in to, what it demands of its callers, what it offers.
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{ConnectorId, Guide, Kind, Maker, Notices, OAuth, Operations, Probe, Schema, Schemas};

/// A service and everything that can be called there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Connector {
    /// `highlevel`.
    pub id: ConnectorId,
    /// "HighLevel".
    pub title: String,
    /// Where it can be reached; the first is the default.
    pub environments: Vec<Environment>,
    /// The ways to sign in; the first is the default.
    pub auth: Vec<AuthKind>,
    /// The fields of an account that a connection states (`location_id`), with what a person reads.
    #[serde(default)]
    pub account: BTreeMap<String, String>,
    /// What the service allows an account in a time; all of them hold at once.
    #[serde(default)]
    pub rates: Vec<Rate>,
    /// The headers that tell how much is left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit_headers: Option<LimitHeaders>,
    /// When to stop sending until a time or a person has passed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub breaker: Option<BreakerRule>,
    /// Where the service's words stand in an error answer.
    #[serde(default)]
    pub errors: ErrorShape,
    /// How a person signs in, a way each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub guides: Vec<Guide>,
    /// A cheap read that shows that a connection works.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe: Option<Probe>,
    /// How what its lists lack is made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub makers: Vec<Maker>,
    /// How it tells of events by itself; none where it does not, or nobody knows how its messages are signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notices: Option<Notices>,
    /// Named shapes that `Kind::Ref` points to.
    #[serde(default)]
    pub schemas: Schemas,
    /// What it offers.
    #[serde(default)]
    pub operations: Operations,
}

/// A place where a service can be reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Environment {
    /// `live`.
    pub id: String,
    /// An absolute URL without a trailing `/`; paths are appended to it.
    pub base_url: String,
}

/// A way to prove who is calling.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum AuthKind {
    /// `Authorization: Bearer …` (RFC 6750).
    Bearer,
    /// A key in a header of this name.
    ApiKey {
        /// `X-Api-Key` by default.
        header: String,
    },
    /// A key in the query of the address, for services that know no better.
    ApiKeyInQuery {
        /// The parameter's name.
        parameter: String,
    },
    /// User and password (RFC 7617).
    Basic,
    /// OAuth 2.0 (RFC 6749); the token travels as a bearer token.
    #[serde(rename = "oauth")]
    OAuth(Box<OAuth>),
    /// None at all.
    None,
}

/// So many requests in so many milliseconds, an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate {
    /// How many.
    pub requests: u32,
    /// In how long, in milliseconds.
    pub per_ms: u64,
}

/// The names of the headers, in lower case, that tell an account's limits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitHeaders {
    /// Requests allowed in the short interval.
    pub max: String,
    /// Requests left in the short interval.
    pub remaining: String,
    /// Length of the short interval in milliseconds.
    pub interval_ms: String,
    /// Requests left today.
    pub daily_remaining: String,
}

/// When a service demands that its callers stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BreakerRule {
    /// Wait after a 429, and after any other status that is not 200, in milliseconds.
    pub after_error_ms: u64,
    /// Wait after a 400 or 403, in milliseconds.
    pub after_refusal_ms: u64,
    /// This many in a row that are not 200, and it stays open until a person closes it.
    pub stop_after: u32,
}

/// Where the service's own words stand in an error answer.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ErrorShape {
    /// Dotted paths, the first that leads to text or a list of texts is used.
    #[serde(default)]
    pub message: Vec<String>,
    /// Words, in lower case, by which a refusal (4xx) says that the account rests for now and may work again later.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inactive: Vec<String>,
    /// Words, in lower case, by which a 401 or 403 says that the token is known and may not do this.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scope: Vec<String>,
}

impl Connector {
    /// Follows references until a shape is met; `Any` for a reference that leads nowhere or in a circle.
    pub fn resolve<'a>(&'a self, schema: &'a Schema) -> &'a Schema {
        static ANY: Schema =
            Schema { kind: Kind::Any, help: String::new(), choices: Vec::new(), default: None, example: None, nullable: true };
        let mut at = schema;
        for _ in 0..16 {
            let Kind::Ref { name } = &at.kind else { return at };
            match self.schemas.get(name) {
                Some(next) => at = next,
                None => return &ANY,
            }
        }
        &ANY
    }
}
