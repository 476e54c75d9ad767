//! Who is calling.

/// The `Authorization` header that Basic sign-in (RFC 7617) expects for this user and password.
pub(crate) fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", base64(format!("{user}:{password}").as_bytes()))
}

/// Whether a header is this bearer token (RFC 6750); the scheme's name may be written in any case.
pub(crate) fn is_bearer(header: &str, token: &str) -> bool {
    header.split_once(' ').is_some_and(|(scheme, rest)| scheme.eq_ignore_ascii_case("bearer") && rest.trim() == token)
}

/// The token of a bearer header.
pub(crate) fn bearer(header: &str) -> Option<&str> {
    header.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, rest)| rest.trim())
}

/// Whether a header is the one that [`basic`] expects; the scheme's name may be written in any case.
pub(crate) fn is_same(header: &str, wanted: &str) -> bool {
    let parts = header.split_once(' ').zip(wanted.split_once(' '));
    parts.is_some_and(|((scheme, sent), (own, credentials))| scheme.eq_ignore_ascii_case(own) && sent.trim() == credentials)
}

/// Base 64 with padding (RFC 4648, section 4).
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            if place <= chunk.len() {
                text.push(LETTERS[(bits >> (18 - 6 * place) & 63) as usize] as char);
            } else {
                text.push('=');
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_follows_the_vectors_of_rfc_4648() {
        let table = [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE=")];
        for (plain, coded) in table {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }

    #[test]
    fn basic_follows_the_example_of_rfc_7617() {
        assert_eq!(basic("Aladdin", "open sesame"), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    }

    #[test]
    fn a_bearer_token_must_be_the_very_one() {
        assert!(is_bearer("bearer abc", "abc"));
        assert!(!is_bearer("Bearer abcd", "abc"));
        assert!(!is_bearer("Basic abc", "abc"));
        assert!(!is_bearer("abc", "abc"));
    }
}
