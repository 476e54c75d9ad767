//! What a token endpoint says when it gives tokens (RFC 6749, section 5.1), read as services really write it.
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use oauth2::basic::BasicTokenType;
use oauth2::{AccessToken, RefreshToken, Scope, TokenResponse};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::connector::{Granted, Secret};

/// No token is longer, in bytes.
const LONGEST: usize = 32 << 10;

/// Tokens and what is told of them. It cannot be printed: the crate's own types hide the tokens.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Answer {
    access_token: AccessToken,
    #[serde(default = "bearer", deserialize_with = "token_type")]
    token_type: BasicTokenType,
    #[serde(default, deserialize_with = "seconds")]
    expires_in: Option<u64>,
    #[serde(default)]
    refresh_token: Option<RefreshToken>,
    #[serde(default, deserialize_with = "scopes")]
    scope: Option<Vec<Scope>>,
    #[serde(default, rename = "locationId", deserialize_with = "text")]
    location_id: Option<String>,
    #[serde(default, rename = "companyId", deserialize_with = "text")]
    company_id: Option<String>,
    #[serde(default, rename = "userId", deserialize_with = "text")]
    user_id: Option<String>,
}

impl TokenResponse for Answer {
    type TokenType = BasicTokenType;

    fn access_token(&self) -> &AccessToken {
        &self.access_token
    }

    fn token_type(&self) -> &BasicTokenType {
        &self.token_type
    }

    fn expires_in(&self) -> Option<Duration> {
        self.expires_in.map(Duration::from_secs)
    }

    fn refresh_token(&self) -> Option<&RefreshToken> {
        self.refresh_token.as_ref()
    }

    fn scopes(&self) -> Option<&Vec<Scope>> {
        self.scope.as_ref()
    }
}

impl Answer {
    /// The secret, as received at `now`. Where no new refresh token came, the one that was used goes on to work.
    ///
    /// # Errors
    /// Why the tokens cannot be used, for a person, without any of them.
    pub(super) fn into_secret(self, now: Timestamp, used: Option<&str>) -> Result<Secret, &'static str> {
        if self.token_type != BasicTokenType::Bearer {
            return Err("it gave a token that is not a bearer token");
        }
        let access = self.access_token.into_secret();
        let refresh = self.refresh_token.map(RefreshToken::into_secret).filter(|it| !it.is_empty());
        for token in std::iter::once(&access).chain(&refresh) {
            if token.is_empty() {
                return Err("it gave an empty token");
            }
            if token.len() > LONGEST {
                return Err("it gave a token that is too long");
            }
            // What else there is cannot stand in a header; a line break there would begin another one.
            if !token.bytes().all(|it| it.is_ascii_graphic() || it == b' ') {
                return Err("it gave a token with characters that a token cannot have");
            }
        }
        // A token that ends at once says nothing of how long it lasts.
        let lifetime = self.expires_in.filter(|it| *it > 0).and_then(|it| i64::try_from(it).ok());
        let ends = lifetime.and_then(|it| now.checked_add(SignedDuration::from_secs(it)).ok());
        let granted = Granted {
            obtained_at: now,
            expires_at: ends,
            scopes: self.scope.map(|it| it.iter().map(|it| it.to_string()).collect()),
            location_id: self.location_id,
            company_id: self.company_id,
            user_id: self.user_id,
        };
        Ok(Secret::tokens(access, refresh.or_else(|| used.map(str::to_owned)), granted))
    }
}

fn bearer() -> BasicTokenType {
    BasicTokenType::Bearer
}

fn token_type<'de, D: Deserializer<'de>>(from: D) -> Result<BasicTokenType, D::Error> {
    Ok(match Option::<String>::deserialize(from)? {
        None => BasicTokenType::Bearer,
        Some(it) if it.is_empty() || it.eq_ignore_ascii_case("bearer") => BasicTokenType::Bearer,
        Some(it) => BasicTokenType::Extension(it),
    })
}

/// A number of seconds, also where it is written as text; nothing for what is none.
fn seconds<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    Ok(match Value::deserialize(from)? {
        Value::Number(it) => it.as_u64().or_else(|| it.as_f64().filter(|it| (0.0..1e12).contains(it)).map(|it| it as u64)),
        Value::String(it) => it.trim().parse().ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    })
}

/// Scopes in one text, or as a list.
fn scopes<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Vec<Scope>>, D::Error> {
    let of = |text: &str| text.split_whitespace().map(|it| Scope::new(it.to_owned())).collect::<Vec<_>>();
    Ok(match Value::deserialize(from)? {
        Value::String(text) => Some(of(&text)),
        Value::Array(list) => Some(list.iter().filter_map(Value::as_str).flat_map(of).collect()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => None,
    })
}

fn text<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    Ok(match Value::deserialize(from)? {
        Value::String(text) if !text.is_empty() => Some(text),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn secret(value: Value) -> Result<Secret, &'static str> {
        let now = "2026-01-01T00:00:00Z".parse().unwrap();
        serde_json::from_value::<Answer>(value).map_err(|_repeats_it| "unread")?.into_secret(now, Some("0ld-refresh"))
    }

    #[test]
    fn what_services_write_is_read_also_where_the_standard_has_it_otherwise() {
        let day = Some("2026-01-02T00:00:00Z".parse().unwrap());
        for (value, ends, scopes) in [
            (
                json!({"access_token": "a", "token_type": "Bearer", "expires_in": 86400, "scope": "x y"}),
                day,
                Some(vec!["x", "y"]),
            ),
            (
                json!({"access_token": "a", "token_type": "bearer", "expires_in": "86400", "scope": ["x", "y z"]}),
                day,
                Some(vec!["x", "y", "z"]),
            ),
            (json!({"access_token": "a", "expires_in": 86400.0, "scope": null, "refresh_token": null}), day, None),
            (json!({"access_token": "a", "expires_in": 0, "token_type": null, "locationId": 7}), None, None),
            (json!({"access_token": "a", "expires_in": -5, "token_type": ""}), None, None),
            (json!({"access_token": "a", "expires_in": "soon"}), None, None),
            (json!({"access_token": "a", "expires_in": 1e300}), None, None),
            (json!({"access_token": "a", "expires_in": u64::MAX}), None, None),
        ] {
            let secret = secret(value.clone()).unwrap();
            let granted = secret.granted().unwrap();
            assert_eq!(granted.expires_at, ends, "{value}");
            let expected = scopes.map(|it| it.into_iter().map(str::to_owned).collect::<Vec<_>>());
            assert_eq!(granted.scopes, expected, "{value}");
            assert!(secret.traces().is_in(b"0ld-refresh"), "without a new refresh token the old one goes on");
        }
    }

    #[test]
    fn tokens_that_cannot_be_used_are_refused_without_repeating_them() {
        for value in [
            json!({"access_token": "s3cret\r\nX-Evil: 1"}),
            json!({"access_token": "s3cret\u{0}"}),
            json!({"access_token": "s3crét"}),
            json!({"access_token": ""}),
            json!({"access_token": "s3cret".repeat(10_000)}),
            json!({"access_token": "s3cret", "token_type": "mac"}),
            json!({"access_token": "a", "refresh_token": "s3cret\n"}),
            json!({"access_token": ["s3cret"]}),
            json!({"refresh_token": "s3cret"}),
        ] {
            let words = secret(value.clone()).err().unwrap();
            assert!(!words.contains("s3cr"), "{value}");
        }
    }

    #[test]
    fn a_new_refresh_token_takes_the_place_of_the_one_that_was_used() {
        let both = secret(json!({"access_token": "abc", "refresh_token": "n3xt"})).unwrap();
        assert!(both.traces().is_in(b"n3xt") && !both.traces().is_in(b"0ld-refresh"));
    }

    #[test]
    fn what_is_read_shows_no_token_when_it_is_printed() {
        let answer: Answer = serde_json::from_value(json!({"access_token": "s3cret", "refresh_token": "s3cond"})).unwrap();
        let shown = format!("{answer:?}");
        assert!(!shown.contains("s3c"), "{shown}");
    }
}
