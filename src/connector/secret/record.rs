//! How a secret lies in a vault: JSON, `{"kind": "token", …}`.
//!
//! Invariant: an error of reading repeats nothing of what was read.
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

use super::{Granted, Secret, SecretKind, Tokens};

#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Token,
    ApiKey,
    Basic,
    #[serde(rename = "oauth")]
    OAuth,
    Client,
}

/// One shape for all kinds: serde keeps copies of what it reads of an enum with a tag, and does not wipe them.
#[derive(Serialize, Deserialize)]
struct Record {
    kind: Kind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    secret: Option<Hidden>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    user: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refresh: Option<Hidden>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    obtained_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scopes: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    location_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    company_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    user_id: Option<String>,
}

struct Hidden(Zeroizing<String>);

impl Serialize for Hidden {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Hidden {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from).map(|it| Self(Zeroizing::new(it)))
    }
}

/// A record that cannot be used; the reason, without anything of the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(in crate::connector) struct Unreadable(&'static str);

impl Secret {
    /// As it lies in a vault.
    ///
    /// # Errors
    /// Never for a secret that was made here; the error type says so in words.
    pub(in crate::connector) fn encode(&self) -> Result<Zeroizing<Vec<u8>>, Unreadable> {
        let empty = |kind| Record {
            kind,
            secret: None,
            user: None,
            refresh: None,
            obtained_at: None,
            expires_at: None,
            scopes: None,
            location_id: None,
            company_id: None,
            user_id: None,
        };
        let hidden = |text: &Zeroizing<String>| Some(Hidden(text.clone()));
        let record = match &self.kind {
            SecretKind::Token(token) => Record { secret: hidden(token), ..empty(Kind::Token) },
            SecretKind::ApiKey(key) => Record { secret: hidden(key), ..empty(Kind::ApiKey) },
            SecretKind::Client(secret) => Record { secret: hidden(secret), ..empty(Kind::Client) },
            SecretKind::Basic { user, password } => {
                Record { secret: hidden(password), user: Some(user.clone()), ..empty(Kind::Basic) }
            }
            SecretKind::OAuth(tokens) => {
                let Granted { obtained_at, expires_at, scopes, location_id, company_id, user_id } = tokens.granted.clone();
                Record {
                    kind: Kind::OAuth,
                    secret: hidden(&tokens.access),
                    user: None,
                    refresh: tokens.refresh.as_ref().and_then(hidden),
                    obtained_at: Some(obtained_at),
                    expires_at,
                    scopes,
                    location_id,
                    company_id,
                    user_id,
                }
            }
        };
        // Room for every character escaped: a text that grows leaves unwiped copies behind.
        let length = |it: &Option<Hidden>| it.as_ref().map_or(0, |it| it.0.len());
        let scopes = record.scopes.iter().flatten().map(|it| it.len() + 3).sum::<usize>();
        let plain = scopes + record.user.as_ref().map_or(0, String::len);
        let mut out = Zeroizing::new(Vec::with_capacity(1024 + 6 * (length(&record.secret) + length(&record.refresh) + plain)));
        serde_json::to_writer(&mut *out, &record).map_err(|_repeats_it| Unreadable("the record cannot be written"))?;
        Ok(out)
    }

    /// What [`Secret::encode`] made.
    ///
    /// # Errors
    /// If it is something else, with the reason.
    pub(in crate::connector) fn decode(bytes: &[u8]) -> Result<Self, Unreadable> {
        // The words of a parser repeat what it read.
        let record: Record =
            serde_json::from_slice(bytes).map_err(|_repeats_it| Unreadable("the record is damaged or of another version"))?;
        let secret = record.secret.ok_or(Unreadable("the record holds no secret"))?.0;
        let kind = match record.kind {
            Kind::Token => SecretKind::Token(secret),
            Kind::ApiKey => SecretKind::ApiKey(secret),
            Kind::Client => SecretKind::Client(secret),
            Kind::Basic => {
                SecretKind::Basic { user: record.user.ok_or(Unreadable("the record names no user"))?, password: secret }
            }
            Kind::OAuth => SecretKind::OAuth(Tokens {
                access: secret,
                refresh: record.refresh.map(|it| it.0),
                granted: Granted {
                    obtained_at: record.obtained_at.ok_or(Unreadable("the record does not say when it was made"))?,
                    expires_at: record.expires_at,
                    scopes: record.scopes,
                    location_id: record.location_id,
                    company_id: record.company_id,
                    user_id: record.user_id,
                },
            }),
        };
        Ok(Self::of(kind))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn granted() -> Granted {
        Granted {
            obtained_at: "2026-01-01T00:00:00Z".parse().unwrap(),
            expires_at: Some("2026-01-02T00:00:00Z".parse().unwrap()),
            scopes: Some(vec!["contacts.readonly".into()]),
            location_id: Some("loc".into()),
            company_id: None,
            user_id: Some("ann".into()),
        }
    }

    fn all() -> Vec<Secret> {
        vec![
            Secret::token("t\"0ken\n".into()),
            Secret::api_key("k3y".into()),
            Secret::basic("1_ann".into(), " pass word ".into()),
            Secret::client("cl13nt".into()),
            Secret::tokens("acc3ss".into(), Some("r3fresh".into()), granted()),
            Secret::tokens("acc3ss".into(), None, Granted { expires_at: None, scopes: None, ..granted() }),
        ]
    }

    #[test]
    fn every_kind_comes_back_from_its_record_as_it_was() {
        for secret in all() {
            let bytes = secret.encode().unwrap();
            let back = Secret::decode(&bytes).unwrap();
            assert_eq!(back.encode().unwrap(), bytes);
            assert_eq!(back.granted(), secret.granted());
            for text in ["t\"0ken", "k3y", "pass word", "cl13nt", "acc3ss", "r3fresh"] {
                assert_eq!(back.traces().is_in(text.as_bytes()), secret.traces().is_in(text.as_bytes()), "{text}");
            }
        }
    }

    #[test]
    fn a_record_that_is_damaged_is_refused_without_a_word_of_it() {
        for text in [
            "",
            "s3cret",
            r#""s3cret""#,
            r#"{"kind":"s3cret"}"#,
            r#"{"kind":"token"}"#,
            r#"{"kind":"token","secret":["s3cret"]}"#,
            r#"{"kind":"basic","secret":"s3cret"}"#,
            r#"{"kind":"oauth","secret":"s3cret"}"#,
            r#"{"kind":"oauth","secret":"s3cret","obtained_at":"s3cret"}"#,
        ] {
            let error = Secret::decode(text.as_bytes()).err().unwrap();
            assert!(!format!("{error} {error:?}").contains("s3cret"), "{text}");
        }
        let bytes = all().remove(4).encode().unwrap();
        for cut in 0..bytes.len() {
            assert!(Secret::decode(&bytes[..cut]).is_err());
        }
    }

    #[test]
    fn writing_a_record_moves_nothing_to_a_larger_place() {
        let hard = "\u{1}".repeat(5000);
        let secret = Secret::tokens(hard.clone(), Some(hard), granted());
        let bytes = secret.encode().unwrap();
        assert!(bytes.capacity() < 1024 + 6 * 10_000 + 200, "{}", bytes.capacity());
    }
}
