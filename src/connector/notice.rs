//! Whether a message that claims to be of a service is: its signature, its age, and whose account it speaks of.
//!
//! Invariant: of several signatures the connector's first one counts; a forged one is never made good by another.
//! Invariant: a key that a connection brings speaks for that connection alone.
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use ring::signature::{ED25519, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey, VerificationAlgorithm};
use serde_json::Value;

use super::{Connection, ConnectionId};
use crate::catalog::{NoticeSignature, Notices, SignatureKind};

/// A message that a service sent to the one address of an app.
#[derive(Debug, Clone, Copy)]
pub struct Notice<'a> {
    /// Names in lower case, and values.
    pub headers: &'a [(&'a str, &'a [u8])],
    /// The body as it arrived: what is signed.
    pub body: &'a [u8],
    /// The body as JSON.
    pub message: &'a Value,
}

/// What a genuine message says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Genuine {
    /// The event's name.
    pub name: String,
    /// The message's own id.
    pub id: String,
    /// When it was first sent.
    pub at: Timestamp,
    /// The connections whose account it speaks of; empty where nobody here is signed in to it.
    pub connections: Vec<ConnectionId>,
}

/// Why a message is not taken, in words for whoever sent it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the words say it")]
pub enum NoticeError {
    #[error("The message is not signed")]
    Unsigned,
    #[error("The signature in {header} does not fit the message")]
    Forged { header: String },
    #[error("The message does not say {what}")]
    Incomplete { what: String },
    #[error("The message was first sent {at}, which is too long ago")]
    TooOld { at: Timestamp },
    #[error("The message says that it was sent {at}, which is still to come")]
    TooEarly { at: Timestamp },
}

impl NoticeError {
    /// Whether nobody has shown that the service sent it.
    pub fn is_of_a_stranger(&self) -> bool {
        matches!(self, Self::Unsigned | Self::Forged { .. })
    }
}

impl Notice<'_> {
    /// Checks it against how the service signs, and finds the connections that it is about.
    ///
    /// # Errors
    /// If it is not signed by the service, is too old to be one that is sent again, or lacks what tells one from another.
    pub fn check<'c>(
        &self,
        notices: &Notices,
        connections: impl Iterator<Item = &'c Arc<Connection>>,
        now: Timestamp,
    ) -> Result<Genuine, NoticeError> {
        let (signature, given) = self.signature(notices).ok_or(NoticeError::Unsigned)?;
        let forged = || NoticeError::Forged { header: signature.header.clone() };
        let given = STANDARD.decode(given.trim_ascii()).map_err(|_not_base64| forged())?;
        let about: Vec<_> = connections.filter(|it| self.is_about(notices, it)).collect();
        let own = |it: &Connection| it.notice_keys.get(&signature.header).cloned();
        let fits = |key: &str| self.fits(signature.kind, key, &given);
        let found: Vec<ConnectionId> = about
            .into_iter()
            .filter(|it| own(it).map_or_else(|| fits(&signature.key), |key| fits(&key)))
            .map(|it| it.id.clone())
            .collect();
        if found.is_empty() && !fits(&signature.key) {
            return Err(forged());
        }
        let text = |path: &str, what: &str| {
            Notices::text(self.message, path).ok_or_else(|| NoticeError::Incomplete { what: format!("{what} (\"{path}\")") })
        };
        let name = text(&notices.name, "what happened")?;
        let id = text(&notices.id, "which message it is")?;
        let at = text(&notices.at, "when it was sent")?;
        let at: Timestamp = at
            .parse()
            .map_err(|_not_a_time| NoticeError::Incomplete { what: format!("when it was sent (\"{}\")", notices.at) })?;
        let span = |ms: u64| SignedDuration::from_millis(i64::try_from(ms).unwrap_or(i64::MAX));
        let age = now.duration_since(at);
        if age > span(notices.oldest_ms) {
            return Err(NoticeError::TooOld { at });
        }
        if -age > span(notices.ahead_ms) {
            return Err(NoticeError::TooEarly { at });
        }
        Ok(Genuine { name, id, at, connections: found })
    }

    /// The one that counts, and what it holds.
    fn signature<'n>(&self, notices: &'n Notices) -> Option<(&'n NoticeSignature, &[u8])> {
        notices.signatures.iter().find_map(|it| {
            let (_, value) = self.headers.iter().find(|(name, _)| *name == it.header)?;
            (!value.trim_ascii().is_empty() && value.trim_ascii() != b"N/A").then_some((it, *value))
        })
    }

    fn is_about(&self, notices: &Notices, connection: &Connection) -> bool {
        notices.account.iter().any(|(field, own)| {
            let said = Notices::text(self.message, field);
            said.is_some() && said.as_ref() == connection.account.get(own)
        })
    }

    fn fits(&self, kind: SignatureKind, key: &str, signature: &[u8]) -> bool {
        let Some(key) = public_key(kind, key) else { return false };
        let algorithm: &'static dyn VerificationAlgorithm = match kind {
            SignatureKind::Ed25519 => &ED25519,
            SignatureKind::RsaSha256 => &RSA_PKCS1_2048_8192_SHA256,
        };
        UnparsedPublicKey::new(algorithm, key).verify(self.body, signature).is_ok()
    }
}

/// Whether a person's text is a key by which such signatures can be checked.
pub fn is_public_key(kind: SignatureKind, text: &str) -> bool {
    public_key(kind, text).is_some()
}

/// The key as `ring` takes it: 32 bytes, or an `RSAPublicKey`.
fn public_key(kind: SignatureKind, text: &str) -> Option<Vec<u8>> {
    let lines = text.lines().map(str::trim).filter(|it| !it.starts_with("-----"));
    let der = STANDARD.decode(lines.collect::<String>()).ok()?;
    match kind {
        SignatureKind::Ed25519 if der.len() == 32 => Some(der),
        SignatureKind::Ed25519 => within(&der).filter(|it| it.len() == 32).map(<[u8]>::to_vec),
        SignatureKind::RsaSha256 => {
            if let Some(key) = within(&der) {
                return Some(key.to_vec());
            }
            // An `RSAPublicKey` begins with its modulus.
            let (tag, body, _) = element(&der)?;
            (tag == 0x30 && body.first() == Some(&0x02)).then_some(der)
        }
    }
}

/// The key within a `SubjectPublicKeyInfo`: a sequence of the algorithm and a bit string.
fn within(der: &[u8]) -> Option<&[u8]> {
    let (0x30, info, _) = element(der)? else { return None };
    let (0x30, _, rest) = element(info)? else { return None };
    let (0x03, bits, _) = element(rest)? else { return None };
    // The first byte counts the bits that are not used.
    bits.strip_prefix(&[0])
}

/// The tag, the content and what follows, of an element of DER (X.690).
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x84 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (bytes.iter().fold(0_usize, |all, it| (all << 8) | usize::from(*it)), rest)
        }
        _ => return None,
    };
    let (content, after) = rest.split_at_checked(length)?;
    Some((tag, content, after))
}

#[cfg(test)]
mod tests {
    use ring::signature::{Ed25519KeyPair, KeyPair as _};
    use serde_json::json;

    use super::*;
    use crate::catalog::{AuthKind, Catalog, ConnectorId};

    const NOW: &str = "2026-05-01T12:00:00Z";

    fn pair(seed: u8) -> (Ed25519KeyPair, String) {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap();
        let public = STANDARD.encode(pair.public_key().as_ref());
        (pair, public)
    }

    fn connection(id: &str, location: &str, key: Option<&str>) -> Arc<Connection> {
        let mut it = Connection::new(id, id, ConnectorId::new("highlevel"), "http://127.0.0.1:1", AuthKind::Bearer);
        it.account.insert("location_id".to_owned(), location.to_owned());
        it.notice_keys.extend(key.map(|it| ("x-ghl-signature".to_owned(), it.to_owned())));
        Arc::new(it)
    }

    fn notices() -> Notices {
        let catalog = Catalog::shipped();
        catalog.connector(&ConnectorId::new("highlevel")).and_then(|it| it.notices.clone()).expect("it tells of events")
    }

    fn check(
        body: &Value,
        signed: impl Fn(&[u8]) -> Vec<(&'static str, String)>,
        known: &[Arc<Connection>],
    ) -> Result<Genuine, NoticeError> {
        let bytes = body.to_string().into_bytes();
        let headers = signed(&bytes);
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_bytes())).collect();
        let notice = Notice { headers: &headers, body: &bytes, message: body };
        notice.check(&notices(), known.iter(), NOW.parse().unwrap())
    }

    fn message(at: &str, location: &str) -> Value {
        json!({"type": "ContactCreate", "webhookId": "w1", "timestamp": at, "locationId": location, "id": "c1"})
    }

    #[test]
    fn the_keys_that_ship_can_be_used() {
        for it in notices().signatures {
            assert!(is_public_key(it.kind, &it.key), "{}", it.header);
        }
        let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", notices().signatures[0].key);
        assert!(is_public_key(SignatureKind::Ed25519, &pem));
        for text in ["", "x", "AAAA", "MAAwAA=="] {
            assert!(!is_public_key(SignatureKind::Ed25519, text) && !is_public_key(SignatureKind::RsaSha256, text), "{text}");
        }
    }

    #[test]
    fn a_message_is_known_by_its_signature_and_finds_its_accounts() {
        let (own, public) = pair(1);
        let known = [connection("a", "L1", Some(&public)), connection("b", "L2", Some(&public)), connection("c", "L1", None)];
        let sign = |body: &[u8]| vec![("x-ghl-signature", STANDARD.encode(own.sign(body)))];
        let genuine = check(&message(NOW, "L1"), sign, &known).unwrap();
        assert_eq!((genuine.name.as_str(), genuine.id.as_str()), ("ContactCreate", "w1"));
        // The one without a key of its own is known by the vendor's, which did not sign this.
        assert_eq!(genuine.connections, [ConnectionId::new("a")]);
        // Nobody here is of that account, and the vendor did not sign it.
        assert!(check(&message(NOW, "L9"), sign, &known).is_err());
    }

    #[test]
    fn what_is_forged_unsigned_old_or_early_is_refused() {
        let (own, public) = pair(1);
        let (stranger, _) = pair(2);
        let known = [connection("a", "L1", Some(&public))];
        let by = |pair: &Ed25519KeyPair, body: &[u8]| STANDARD.encode(pair.sign(body));
        let forged = NoticeError::Forged { header: "x-ghl-signature".to_owned() };
        assert_eq!(check(&message(NOW, "L1"), |_| vec![], &known), Err(NoticeError::Unsigned));
        assert_eq!(
            check(&message(NOW, "L1"), |_| vec![("x-ghl-signature", "N/A".to_owned())], &known),
            Err(NoticeError::Unsigned)
        );
        assert_eq!(
            check(&message(NOW, "L1"), |body| vec![("x-ghl-signature", by(&stranger, body))], &known),
            Err(forged.clone())
        );
        assert_eq!(
            check(&message(NOW, "L1"), |_| vec![("x-ghl-signature", "not base64".to_owned())], &known),
            Err(forged.clone())
        );
        // A second signature does not make the first one good.
        let both = |body: &[u8]| vec![("x-ghl-signature", by(&stranger, body)), ("x-wh-signature", by(&own, body))];
        assert_eq!(check(&message(NOW, "L1"), both, &known), Err(forged));
        let signed = |body: &[u8]| vec![("x-ghl-signature", by(&own, body))];
        assert!(matches!(check(&message("2026-05-01T09:59:00Z", "L1"), signed, &known), Err(NoticeError::TooOld { .. })));
        assert!(check(&message("2026-05-01T10:01:00Z", "L1"), signed, &known).is_ok());
        assert!(matches!(check(&message("2026-05-01T12:06:00Z", "L1"), signed, &known), Err(NoticeError::TooEarly { .. })));
        let nameless = json!({"webhookId": "w", "timestamp": NOW, "locationId": "L1"});
        assert!(matches!(check(&nameless, signed, &known), Err(NoticeError::Incomplete { .. })));
        assert!(matches!(check(&message("yesterday", "L1"), signed, &known), Err(NoticeError::Incomplete { .. })));
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_of_a_key_make_it_panic(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..80)) {
            let text = STANDARD.encode(&bytes);
            for kind in [SignatureKind::Ed25519, SignatureKind::RsaSha256] {
                let _ = is_public_key(kind, &text);
            }
        }
    }
}
