//! Who signed something: public keys as services publish them, and whether a signature is by one.
//!
//! Invariant: together with others nothing fits that was not signed by who has the key: how much each counts follows from all of them
//! (Bernstein and others, "High-speed high-security signatures", 5). Where not all fit, each is checked for itself.
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use ed25519_dalek::{Signature, Verifier as _, VerifyingKey, verify_batch};
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use tokio::sync::oneshot;

use crate::catalog::SignatureKind;

/// So many are checked together: more gain little, and hold up whoever else waits for the processor.
const TOGETHER: usize = 16;
/// Keys that are remembered as they were read. There are as many as services and accounts with a key of their own.
const REMEMBERED: usize = 256;

/// A public key, as it was read.
#[derive(Debug, Clone)]
enum PublicKey {
    Ed25519(Box<VerifyingKey>),
    /// An `RSAPublicKey` (RFC 8017, A.1.1).
    Rsa(Vec<u8>),
}

/// Checks signatures. Those of Ed25519 (RFC 8032) that come at the same time are checked together, which takes half the time.
#[derive(Debug, Default)]
pub struct Signatures {
    keys: Mutex<HashMap<String, VerifyingKey>>,
    asked: Mutex<Vec<Asked>>,
}

/// Somebody asks whether it fits.
#[derive(Debug)]
struct Asked {
    key: VerifyingKey,
    signature: Signature,
    signed: Bytes,
    reply: oneshot::Sender<bool>,
}

impl Signatures {
    /// Whether somebody who has the other half of `key` signed just this. A text that is no key has no other half.
    pub async fn fits(&self, kind: SignatureKind, key: &str, signed: &Bytes, signature: &[u8]) -> bool {
        if kind == SignatureKind::RsaSha256 {
            let Some(PublicKey::Rsa(key)) = public_key(kind, key) else { return false };
            return UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key).verify(signed, signature).is_ok();
        }
        let (Some(key), Ok(signature)) = (self.ed25519(key), Signature::from_slice(signature)) else { return false };
        let (reply, mut answer) = oneshot::channel();
        held(&self.asked).push(Asked { key, signature, signed: signed.clone(), reply });
        // Whoever is ready to ask does so first.
        tokio::task::yield_now().await;
        loop {
            // Another that asked at the same time may have checked it with its own, or is about to.
            if let Ok(fits) = answer.try_recv() {
                return fits;
            }
            let some = self.some();
            if some.is_empty() {
                return answer.await.unwrap_or(false);
            }
            check(some);
        }
    }

    /// Of those who ask, the first.
    fn some(&self) -> Vec<Asked> {
        let mut asked = held(&self.asked);
        let some = asked.len().min(TOGETHER);
        asked.drain(..some).collect()
    }

    /// A key that is remembered need not be read again.
    fn ed25519(&self, text: &str) -> Option<VerifyingKey> {
        if let Some(known) = held(&self.keys).get(text) {
            return Some(*known);
        }
        let Some(PublicKey::Ed25519(key)) = public_key(SignatureKind::Ed25519, text) else { return None };
        let mut keys = held(&self.keys);
        if keys.len() >= REMEMBERED {
            keys.clear();
        }
        keys.insert(text.to_owned(), *key);
        Some(*key)
    }
}

fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Tells each whether it fits.
fn check(asked: Vec<Asked>) {
    let all_fit = asked.len() > 1 && {
        let signed: Vec<&[u8]> = asked.iter().map(|it| it.signed.as_ref()).collect();
        let signatures: Vec<Signature> = asked.iter().map(|it| it.signature).collect();
        let keys: Vec<VerifyingKey> = asked.iter().map(|it| it.key).collect();
        verify_batch(&signed, &signatures, &keys).is_ok()
    };
    for it in asked {
        let fits = all_fit || it.key.verify(&it.signed, &it.signature).is_ok();
        // Who no longer waits does not need to know.
        it.reply.send(fits).ok();
    }
}

/// Whether a person's text is a key by which such signatures can be checked.
pub fn is_public_key(kind: SignatureKind, text: &str) -> bool {
    public_key(kind, text).is_some()
}

/// PEM or bare base64; a `SubjectPublicKeyInfo` (RFC 5280, 4.1.2.7), or what is within one.
fn public_key(kind: SignatureKind, text: &str) -> Option<PublicKey> {
    let lines = text.lines().map(str::trim).filter(|it| !it.starts_with("-----"));
    let der = STANDARD.decode(lines.collect::<String>()).ok()?;
    match kind {
        SignatureKind::Ed25519 => {
            let bytes = if der.len() == 32 { &der } else { within(&der)? };
            let key = VerifyingKey::from_bytes(bytes.try_into().ok()?).ok()?;
            // By a weak one, everybody could sign.
            (!key.is_weak()).then(|| PublicKey::Ed25519(Box::new(key)))
        }
        SignatureKind::RsaSha256 => {
            if let Some(key) = within(&der) {
                return Some(PublicKey::Rsa(key.to_vec()));
            }
            // An `RSAPublicKey` begins with its modulus.
            let (tag, body, _) = element(&der)?;
            (tag == 0x30 && body.first() == Some(&0x02)).then_some(PublicKey::Rsa(der))
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

    use super::*;
    use crate::catalog::{Catalog, ConnectorId};

    const ED25519: SignatureKind = SignatureKind::Ed25519;

    fn pair(seed: u8) -> (Ed25519KeyPair, String) {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap();
        let public = STANDARD.encode(pair.public_key().as_ref());
        (pair, public)
    }

    fn bytes(hex: &str) -> Vec<u8> {
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
    }

    #[test]
    fn the_keys_that_ship_can_be_used() {
        let catalog = Catalog::shipped();
        let notices = catalog.connector(&ConnectorId::new("highlevel")).and_then(|it| it.notices.clone());
        let signatures = notices.expect("it tells of events").signatures;
        for it in &signatures {
            assert!(is_public_key(it.kind, &it.key), "{}", it.header);
        }
        let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", signatures[0].key);
        assert!(is_public_key(SignatureKind::Ed25519, &pem));
        for text in ["", "x", "AAAA", "MAAwAA=="] {
            assert!(!is_public_key(SignatureKind::Ed25519, text) && !is_public_key(SignatureKind::RsaSha256, text), "{text}");
        }
    }

    /// RFC 8032, 7.1, tests 1 to 3: the key, the message and the signature.
    const VECTORS: [(&str, &str, &str); 3] = [
        (
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
        ),
        (
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        ),
        (
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
            "af82",
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
        ),
    ];

    /// The order of the group, which may be added to the second half of a signature without making it another's (RFC 8032, 5.1.7
    /// wants it smaller).
    const ORDER: &str = "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010";

    #[tokio::test]
    async fn what_the_standard_says_fits_and_nothing_else() {
        let signatures = Signatures::default();
        for (key, signed, signature) in VECTORS {
            let (key, signed, signature) = (STANDARD.encode(bytes(key)), Bytes::from(bytes(signed)), bytes(signature));
            assert!(signatures.fits(ED25519, &key, &signed, &signature).await);
            let other = Bytes::from([&signed[..], b"!"].concat());
            assert!(!signatures.fits(ED25519, &key, &other, &signature).await);
            assert!(!signatures.fits(ED25519, &key, &signed, &signature[..63]).await);
            assert!(!signatures.fits(ED25519, "no key", &signed, &signature).await);
            let mut twisted = signature.clone();
            let mut carry = 0_u16;
            for (byte, more) in twisted[32..].iter_mut().zip(bytes(ORDER)) {
                let sum = u16::from(*byte) + u16::from(more) + carry;
                (*byte, carry) = (sum as u8, sum >> 8);
            }
            assert!(!signatures.fits(ED25519, &key, &signed, &twisted).await, "written in another way");
            let together = tokio::join!(
                signatures.fits(ED25519, &key, &signed, &signature),
                signatures.fits(ED25519, &key, &signed, &twisted)
            );
            assert_eq!(together, (true, false));
        }
    }

    #[tokio::test]
    async fn of_those_that_are_checked_together_each_gets_its_own_answer() {
        let signatures = Signatures::default();
        let pairs = [pair(1), pair(2), pair(3)];
        for forged in [vec![], vec![5], vec![0, 17, 40], (0..50).collect()] {
            let ask = |at: usize| {
                let (own, public) = &pairs[at % 3];
                let signed = Bytes::from(format!("message {at}"));
                let by = if forged.contains(&at) { &pairs[(at + 1) % 3].0 } else { own };
                let signature = by.sign(&signed);
                let signatures = &signatures;
                async move { signatures.fits(ED25519, public, &signed, signature.as_ref()).await }
            };
            let mut asking: Vec<_> = (0..50).map(|at| Box::pin(ask(at))).collect();
            // All have asked before the first is answered.
            for it in &mut asking {
                assert!(std::future::poll_fn(|cx| std::task::Poll::Ready(it.as_mut().poll(cx).is_pending())).await);
            }
            assert_eq!(held(&signatures.asked).len(), 50);
            // One does not wait for its answer.
            drop(asking.remove(20));
            for (at, it) in (0..50).filter(|it| *it != 20).zip(asking) {
                assert_eq!(it.await, !forged.contains(&at), "{at} of {forged:?}");
            }
            assert!(held(&signatures.asked).is_empty());
        }
    }

    #[tokio::test]
    async fn no_more_keys_are_remembered_than_are_of_use() {
        let signatures = Signatures::default();
        let signed = Bytes::from_static(b"message");
        for seed in 0..=255_u8 {
            for space in ["", "\n"] {
                let (own, public) = pair(seed);
                let public = format!("{public}{space}");
                assert!(signatures.fits(ED25519, &public, &signed, own.sign(&signed).as_ref()).await);
            }
        }
        let kept = held(&signatures.keys).len();
        assert!((1..=REMEMBERED).contains(&kept), "{kept}");
    }

    #[test]
    fn a_key_by_which_everybody_could_sign_is_none() {
        for weak in [[0; 32], std::array::from_fn(|at| u8::from(at == 0))] {
            assert!(!is_public_key(ED25519, &STANDARD.encode(weak)));
        }
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
