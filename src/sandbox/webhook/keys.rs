//! How what the sandbox sends is signed, so that a receiver checks it as it would check the vendor's.
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

/// An RSA key of 2,048 bits in PKCS #8. It ships with every copy of Flowyard, so what it signs proves nothing: it is for the
/// sandbox alone.
const RSA: &[u8] = include_bytes!("../../../assets/sandbox/webhook.pk8");
/// What stands before an Ed25519 key in its `SubjectPublicKeyInfo` (RFC 8410).
const ED25519_SPKI: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// The keys by which a receiver knows the sandbox.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct PublicKeys {
    /// For `x-ghl-signature`: Ed25519, `SubjectPublicKeyInfo` in base64.
    pub ed25519: String,
    /// For `x-wh-signature`: RSA with SHA-256 and PKCS #1 v1.5, the `RSAPublicKey` of RFC 8017 in base64.
    pub rsa: String,
}

/// The keys to sign with.
pub(crate) struct Keys {
    ed25519: Ed25519KeyPair,
    rsa: RsaKeyPair,
}

impl Keys {
    /// The same for the same `random`. None if the shipped key is damaged.
    pub(crate) fn new(random: u64) -> Option<Self> {
        let seed = Sha256::new().chain_update(b"flowyard sandbox webhook").chain_update(random.to_le_bytes()).finalize();
        Some(Self { ed25519: Ed25519KeyPair::from_seed_unchecked(&seed).ok()?, rsa: RsaKeyPair::from_pkcs8(RSA).ok()? })
    }

    pub(crate) fn public(&self) -> PublicKeys {
        let spki = [&ED25519_SPKI[..], self.ed25519.public_key().as_ref()].concat();
        PublicKeys { ed25519: STANDARD.encode(spki), rsa: STANDARD.encode(self.rsa.public().as_ref()) }
    }

    /// The value of `x-ghl-signature`.
    pub(crate) fn ed25519(&self, body: &[u8]) -> String {
        STANDARD.encode(self.ed25519.sign(body))
    }

    /// The value of `x-wh-signature`; `N/A`, which the vendor sends where it has none, if the system gives no randomness.
    pub(crate) fn rsa(&self, body: &[u8]) -> String {
        let mut signature = vec![0; self.rsa.public().modulus_len()];
        match self.rsa.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), body, &mut signature) {
            Ok(()) => STANDARD.encode(signature),
            Err(_) => "N/A".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use ring::signature::{ED25519, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};

    use super::*;

    #[test]
    fn what_is_signed_is_known_by_the_keys_that_are_shown() {
        let keys = Keys::new(1).unwrap();
        let public = keys.public();
        let body = br#"{"type":"ContactCreate"}"#;
        let spki = STANDARD.decode(&public.ed25519).unwrap();
        assert_eq!((spki.len(), &spki[..12]), (44, &ED25519_SPKI[..]));
        let ed25519 = UnparsedPublicKey::new(&ED25519, spki[12..].to_vec());
        let signature = STANDARD.decode(keys.ed25519(body)).unwrap();
        ed25519.verify(body, &signature).unwrap();
        ed25519.verify(b"{}", &signature).unwrap_err();
        let rsa = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, STANDARD.decode(&public.rsa).unwrap());
        let signature = STANDARD.decode(keys.rsa(body)).unwrap();
        rsa.verify(body, &signature).unwrap();
        rsa.verify(b"{}", &signature).unwrap_err();
        assert_eq!(Keys::new(1).unwrap().public(), public);
        assert_ne!(Keys::new(2).unwrap().public().ed25519, public.ed25519);
    }
}
