//! How a request is signed. Refreshing an expired token joins here.
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use zeroize::Zeroizing;

use super::Secret;
use super::secret::SecretKind;
use crate::catalog::AuthKind;

/// The header that proves who is calling; none if nothing has to be proved.
///
/// # Errors
/// The words for a person, if the secret is not of the kind that the connection asks for or cannot stand in a header.
pub(super) fn sign(auth: &AuthKind, secret: &Secret) -> Result<Option<(HeaderName, HeaderValue)>, String> {
    let (name, text) = match (auth, secret.kind()) {
        (AuthKind::None, _) => return Ok(None),
        (AuthKind::Bearer | AuthKind::OAuth { .. }, SecretKind::Token(token) | SecretKind::ApiKey(token)) => {
            (AUTHORIZATION, Zeroizing::new(["Bearer ", token.as_str()].concat()))
        }
        (AuthKind::Bearer | AuthKind::OAuth { .. }, SecretKind::OAuth(tokens)) => {
            (AUTHORIZATION, Zeroizing::new(["Bearer ", tokens.access.as_str()].concat()))
        }
        (AuthKind::ApiKey { header }, SecretKind::Token(key) | SecretKind::ApiKey(key)) => {
            let name = HeaderName::from_bytes(header.as_bytes())
                .map_err(|_invalid| format!("{header:?} cannot be the name of a header"))?;
            (name, key.clone())
        }
        (AuthKind::ApiKeyInQuery { .. }, SecretKind::Token(key) | SecretKind::ApiKey(key)) if key.is_empty() => {
            return Err("the key that is kept is empty".into());
        }
        // It stands in the address: see [`in_query`].
        (AuthKind::ApiKeyInQuery { .. }, SecretKind::Token(_) | SecretKind::ApiKey(_)) => return Ok(None),
        (AuthKind::Basic, SecretKind::Basic { user, password }) => {
            if user.contains(':') {
                return Err("the user name holds a colon, which Basic authentication cannot carry".into());
            }
            let pair = Zeroizing::new([user.as_str(), password.as_str()].join(":"));
            (AUTHORIZATION, Zeroizing::new(["Basic ", &STANDARD.encode(pair.as_bytes())].concat()))
        }
        (_, SecretKind::Client(_)) => return Err("it asks for a token, and the secret of an app is kept".into()),
        (AuthKind::ApiKey { .. } | AuthKind::ApiKeyInQuery { .. }, SecretKind::OAuth(_)) => {
            return Err("it asks for a key, and a sign-in is kept".into());
        }
        (AuthKind::Basic, _) => return Err("it asks for a user and a password, and a token is kept".into()),
        (_, SecretKind::Basic { .. }) => return Err("it asks for a token, and a user and a password are kept".into()),
    };
    if text.is_empty() {
        return Err("the key that is kept is empty".into());
    }
    let mut value = HeaderValue::from_str(&text)
        .map_err(|_invalid| "the token that is kept holds characters that a header cannot carry".to_owned())?;
    value.set_sensitive(true);
    Ok(Some((name, value)))
}

/// The header that [`sign`] uses, in lower case.
pub(super) fn header_of(auth: &AuthKind) -> Option<String> {
    match auth {
        AuthKind::ApiKey { header } => Some(header.to_ascii_lowercase()),
        AuthKind::Bearer | AuthKind::ApiKeyInQuery { .. } | AuthKind::Basic | AuthKind::OAuth { .. } | AuthKind::None => None,
    }
}

/// The parameter of the address that proves who is calling, with its value; none where a header does.
pub(super) fn in_query<'a>(auth: &'a AuthKind, secret: Option<&'a Secret>) -> Option<(&'a str, &'a str)> {
    match (auth, secret?.kind()) {
        (AuthKind::ApiKeyInQuery { parameter }, SecretKind::Token(key) | SecretKind::ApiKey(key)) => Some((parameter, key)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::OAuth;

    fn signed(auth: &AuthKind, secret: &Secret) -> Result<Option<String>, String> {
        sign(auth, secret).map(|it| it.map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())))
    }

    #[test]
    fn each_kind_signs_in_its_own_header() {
        let key = AuthKind::ApiKey { header: "X-Api-Key".into() };
        let oauth = AuthKind::OAuth(Box::new(OAuth::at("", "https://a/t")));
        let token = || Secret::token("abc".into());
        for (auth, secret, expected) in [
            (AuthKind::Bearer, token(), Some("authorization: Bearer abc")),
            (oauth, token(), Some("authorization: Bearer abc")),
            (key.clone(), Secret::api_key(" k1\n".into()), Some("x-api-key: k1")),
            (
                AuthKind::Basic,
                Secret::basic("Aladdin".into(), "open sesame".into()),
                Some("authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),
            ),
            (AuthKind::None, token(), None),
        ] {
            assert_eq!(signed(&auth, &secret).unwrap().as_deref(), expected);
        }
        let value = sign(&key, &token()).unwrap().unwrap().1;
        assert!(value.is_sensitive());
    }

    #[test]
    fn a_secret_of_the_wrong_kind_or_with_a_line_break_signs_nothing() {
        for (auth, secret) in [
            (AuthKind::Basic, Secret::token("abc".into())),
            (AuthKind::Bearer, Secret::basic("a".into(), "b".into())),
            (AuthKind::Bearer, Secret::token("a\r\nX-Evil: 1".into())),
            (AuthKind::ApiKey { header: "X Key".into() }, Secret::token("abc".into())),
            (AuthKind::ApiKey { header: "X-Key".into() }, Secret::token("  ".into())),
            (AuthKind::Basic, Secret::basic("a:b".into(), "c".into())),
        ] {
            let words = signed(&auth, &secret).unwrap_err();
            assert!(!words.contains("abc") && !words.contains("Evil"), "{words}");
        }
    }
}
