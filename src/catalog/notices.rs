//! How a service tells of events by itself: how its messages are signed, and where they say what they are about.
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The messages that a service sends to the one address of an app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notices {
    /// How they are signed: the first whose header is there counts, and none after it.
    pub signatures: Vec<NoticeSignature>,
    /// Dotted path to the event's name.
    pub name: String,
    /// Dotted path to the message's own id, which stays the same when it is sent again.
    pub id: String,
    /// Dotted path to when it was first sent: RFC 3339.
    pub at: String,
    /// Fields of the message that say whose it is, and the fields of a connection's account that hold the same.
    pub account: BTreeMap<String, String>,
    /// One first sent longer ago is refused, in milliseconds. Longer than the service goes on sending one again.
    pub oldest_ms: u64,
    /// One first sent later than this from now is refused, in milliseconds: clocks differ.
    pub ahead_ms: u64,
}

/// One way in which messages are signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoticeSignature {
    /// The header that holds it, in base64; in lower case. A value of `N/A` is none.
    pub header: String,
    /// How it is made over the body's bytes.
    pub kind: SignatureKind,
    /// The service's public key: `SubjectPublicKeyInfo` (RFC 5280), in base64 or PEM. For RSA also an `RSAPublicKey` (RFC 8017).
    pub key: String,
}

/// How a signature is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignatureKind {
    /// Ed25519 (RFC 8032).
    Ed25519,
    /// RSA with SHA-256 and PKCS #1 v1.5 (RFC 8017).
    RsaSha256,
}

impl Notices {
    /// The text or number at a dotted path.
    pub fn text(message: &Value, path: &str) -> Option<String> {
        match path.split('.').try_fold(message, |at, key| at.get(key))? {
            Value::String(text) if !text.is_empty() => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }
}
