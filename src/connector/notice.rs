//! Whether a message that claims to be of a service is: its signature, its age, and whose account it speaks of.
//!
//! Invariant: of several signatures the connector's first one counts; a forged one is never made good by another.
//! Invariant: a key that a connection brings speaks for that connection alone.
use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{Connection, ConnectionId, Signatures};
use crate::catalog::{NoticeSignature, Notices};

/// A message that a service sent to the one address of an app.
#[derive(Debug, Clone, Copy)]
pub struct Notice<'a> {
    /// Names in lower case, and values.
    pub headers: &'a [(&'a str, &'a [u8])],
    /// The body as it arrived: what is signed.
    pub body: &'a Bytes,
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
    pub async fn check<'c>(
        &self,
        notices: &Notices,
        connections: impl Iterator<Item = &'c Arc<Connection>>,
        signatures: &Signatures,
        now: Timestamp,
    ) -> Result<Genuine, NoticeError> {
        let (signature, given) = self.signature(notices).ok_or(NoticeError::Unsigned)?;
        let forged = || NoticeError::Forged { header: signature.header.clone() };
        let given = STANDARD.decode(given.trim_ascii()).map_err(|_not_base64| forged())?;
        // Accounts that are known by the same key are asked about once.
        let mut about: BTreeMap<&str, Vec<ConnectionId>> = BTreeMap::new();
        for it in connections.filter(|it| self.is_about(notices, it)) {
            let key = it.notice_keys.get(&signature.header).unwrap_or(&signature.key);
            about.entry(key).or_default().push(it.id.clone());
        }
        // Asked last, because it is of no use to a message of an account that has a key of its own; one that nobody here is signed in
        // to is the vendor's, too.
        let vendors = about.remove(signature.key.as_str()).unwrap_or_default();
        let mut found = None;
        for (key, ids) in about.into_iter().chain([(signature.key.as_str(), vendors)]) {
            if signatures.fits(signature.kind, key, self.body, &given).await {
                // Nobody signs by two keys at once.
                found = Some(ids);
                break;
            }
        }
        let mut found = found.ok_or_else(forged)?;
        found.sort();
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
        check_by(&notices(), body, signed, known)
    }

    fn check_by(
        notices: &Notices,
        body: &Value,
        signed: impl Fn(&[u8]) -> Vec<(&'static str, String)>,
        known: &[Arc<Connection>],
    ) -> Result<Genuine, NoticeError> {
        let bytes = Bytes::from(body.to_string());
        let headers = signed(&bytes);
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_bytes())).collect();
        let notice = Notice { headers: &headers, body: &bytes, message: body };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(notice.check(notices, known.iter(), &Signatures::default(), NOW.parse().unwrap()))
    }

    fn message(at: &str, location: &str) -> Value {
        json!({"type": "ContactCreate", "webhookId": "w1", "timestamp": at, "locationId": location, "id": "c1"})
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
        // Those with the same key are found by one look at the signature, in the order of their names.
        let known = [connection("b", "L1", Some(&public)), connection("a", "L1", Some(&public)), connection("c", "L1", None)];
        let genuine = check(&message(NOW, "L1"), sign, &known).unwrap();
        assert_eq!(genuine.connections, [ConnectionId::new("a"), ConnectionId::new("b")]);
        // Nobody here is of that account, and the vendor did not sign it.
        assert!(check(&message(NOW, "L9"), sign, &known).is_err());
    }

    #[test]
    fn what_the_vendor_signed_speaks_of_those_who_know_it_by_the_vendors_key_and_is_genuine_for_nobody_too() {
        let ((vendor, vendors), (own, public)) = (pair(1), pair(2));
        let mut notices = notices();
        let signature = notices.signatures.iter_mut().find(|it| it.header == "x-ghl-signature").unwrap();
        signature.key = vendors;
        let about = |by: &Ed25519KeyPair, location: &str, known: &[Arc<Connection>]| {
            let sign = |body: &[u8]| vec![("x-ghl-signature", STANDARD.encode(by.sign(body)))];
            check_by(&notices, &message(NOW, location), sign, known).map(|it| it.connections)
        };
        let of = |ids: &[&str]| Ok(ids.iter().map(|it| ConnectionId::new(it)).collect::<Vec<_>>());
        let both = [connection("a", "L1", Some(&public)), connection("b", "L1", None)];
        assert_eq!(about(&vendor, "L1", &both), of(&["b"]));
        assert_eq!(about(&own, "L1", &both), of(&["a"]));
        assert_eq!(about(&vendor, "L1", &both[..1]), of(&[]), "its only account has a key of its own");
        assert_eq!(about(&vendor, "L9", &both), of(&[]), "nobody is signed in to it");
        assert!(about(&own, "L9", &both).is_err());
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
}
