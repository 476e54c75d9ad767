//! What proves who is calling.
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::utf8_percent_encode;
use zeroize::Zeroizing;

mod record;
mod tokens;

pub use self::tokens::Granted;
pub(super) use self::tokens::Tokens;
use super::request::UNRESERVED;
use super::traces::Traces;

/// A token, a key, a user and a password, a sign-in by OAuth 2.0, or the secret of the app that signs in. It cannot be printed or saved, and is wiped from memory when dropped.
#[expect(missing_debug_implementations, reason = "a secret is never printed")]
pub struct Secret {
    kind: SecretKind,
    /// Every form in which the secret could show up in a text.
    traces: Traces,
}

pub(super) enum SecretKind {
    Token(Zeroizing<String>),
    ApiKey(Zeroizing<String>),
    Basic {
        user: String,
        password: Zeroizing<String>,
    },
    OAuth(Tokens),
    /// The secret of the app that signs in; it signs no request.
    Client(Zeroizing<String>),
}

/// Shorter texts are found everywhere, and hiding them would only garble the log.
const SHORTEST_TRACE: usize = 4;
/// Of a secret's Base64 the part that does not depend on what surrounds it; shorter parts are not telling.
const SHORTEST_BASE64: usize = 8;

impl Secret {
    /// A bearer token; white space around it (from pasting) is dropped.
    pub fn token(token: String) -> Self {
        Self::of(SecretKind::Token(trimmed(token)))
    }

    /// A key that travels in a header; white space around it (from pasting) is dropped.
    pub fn api_key(key: String) -> Self {
        Self::of(SecretKind::ApiKey(trimmed(key)))
    }

    /// User and password (RFC 7617). The user's name is no secret.
    pub fn basic(user: String, password: String) -> Self {
        Self::of(SecretKind::Basic { user, password: Zeroizing::new(password) })
    }

    /// The secret of an app that signs in by OAuth 2.0; white space around it (from pasting) is dropped.
    pub fn client(secret: String) -> Self {
        Self::of(SecretKind::Client(trimmed(secret)))
    }

    /// What a token endpoint gave.
    pub(super) fn tokens(access: String, refresh: Option<String>, granted: Granted) -> Self {
        Self::of(SecretKind::OAuth(Tokens { access: Zeroizing::new(access), refresh: refresh.map(Zeroizing::new), granted }))
    }

    /// Several texts that are sent together and must not come back in words. It signs nothing.
    pub(super) fn of_texts(texts: &[&str]) -> Self {
        let mut traces = Vec::new();
        for it in texts {
            add_traces(it, &mut traces);
        }
        Self { kind: SecretKind::Client(Zeroizing::default()), traces: Traces::new(traces) }
    }

    fn of(kind: SecretKind) -> Self {
        let mut traces = Vec::new();
        match &kind {
            SecretKind::Token(text) | SecretKind::ApiKey(text) | SecretKind::Client(text) => add_traces(text, &mut traces),
            SecretKind::Basic { user, password } => {
                add_traces(password, &mut traces);
                let pair = Zeroizing::new([user.as_str(), password.as_str()].join(":"));
                add(&mut traces, STANDARD.encode(pair.as_bytes()));
            }
            SecretKind::OAuth(tokens) => {
                for text in std::iter::once(&tokens.access).chain(&tokens.refresh) {
                    add_traces(text, &mut traces);
                }
            }
        }
        Self { kind, traces: Traces::new(traces) }
    }

    /// What a sign-in by OAuth 2.0 gave, without its tokens; none for every other kind.
    pub fn granted(&self) -> Option<&Granted> {
        match &self.kind {
            SecretKind::OAuth(tokens) => Some(&tokens.granted),
            SecretKind::Token(_) | SecretKind::ApiKey(_) | SecretKind::Basic { .. } | SecretKind::Client(_) => None,
        }
    }

    /// The user's name, for Basic; it is no secret.
    pub fn user(&self) -> Option<&str> {
        match &self.kind {
            SecretKind::Basic { user, .. } => Some(user),
            SecretKind::Token(_) | SecretKind::ApiKey(_) | SecretKind::OAuth(_) | SecretKind::Client(_) => None,
        }
    }

    pub(super) fn kind(&self) -> &SecretKind {
        &self.kind
    }

    /// Every form in which the secret could show up in a text.
    pub(super) fn traces(&self) -> &Traces {
        &self.traces
    }
}

fn trimmed(text: String) -> Zeroizing<String> {
    let text = Zeroizing::new(text);
    Zeroizing::new(text.trim().to_owned())
}

fn add(traces: &mut Vec<Zeroizing<String>>, trace: String) {
    let trace = Zeroizing::new(trace);
    if trace.len() >= SHORTEST_TRACE && !traces.iter().any(|it| **it == *trace) {
        traces.push(trace);
    }
}

/// As it is, as JSON and URLs write it, and as Base64 holds it at each of the three alignments.
fn add_traces(secret: &str, traces: &mut Vec<Zeroizing<String>>) {
    add(traces, secret.to_owned());
    // As PHP, Python, Go and Gson write JSON, in this order; other writers agree with one of them.
    for (slash, ascii, html) in [(true, true, ""), (false, true, ""), (false, false, "&<>"), (false, false, "&<>='")] {
        add(traces, in_json(secret, slash, ascii, html));
    }
    add(traces, utf8_percent_encode(secret, UNRESERVED).to_string());
    add(traces, form_urlencoded::byte_serialize(secret.as_bytes()).collect());
    for offset in 0..3_usize {
        let mut padded = Zeroizing::new(vec![0_u8; offset]);
        padded.extend_from_slice(secret.as_bytes());
        // The first characters mix with what stands before the secret, the last one with what follows it.
        let first = [0, 2, 3][offset];
        let tail = usize::from(!padded.len().is_multiple_of(3));
        for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
            let text = Zeroizing::new(engine.encode(padded.as_slice()));
            if let Some(core) = text.get(first..text.len().saturating_sub(tail))
                && core.len() >= SHORTEST_BASE64
            {
                add(traces, core.to_owned());
            }
        }
    }
}

/// The text within a JSON string, by a writer that escapes `/`, or all but ASCII, or some characters of HTML.
fn in_json(text: &str, slash: bool, ascii: bool, html: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for letter in text.chars() {
        match letter {
            '"' | '\\' => out.extend(['\\', letter]),
            '/' if slash => out.push_str("\\/"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            _ if letter < ' ' || html.contains(letter) || (ascii && !letter.is_ascii()) => {
                for unit in letter.encode_utf16(&mut [0; 2]) {
                    out.push_str("\\u");
                    let digits = unit.to_be_bytes().into_iter().flat_map(|it| [it >> 4, it & 15]);
                    out.extend(digits.filter_map(|it| char::from_digit(it.into(), 16)));
                }
            }
            _ => out.push(letter),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_found_in_every_form_that_a_text_gives_it() {
        let secret = Secret::token("  s3cr3t/+\"wörd\"-0123456789\n".into());
        let plain = "s3cr3t/+\"wörd\"-0123456789";
        assert!(secret.traces().is_in(plain.as_bytes()));
        assert!(secret.traces().is_in(serde_json::to_string(plain).unwrap().as_bytes()));
        assert!(secret.traces().is_in(br#"s3cr3t\/+\"w\u00f6rd\"-0123456789"#), "PHP");
        assert!(secret.traces().is_in(br#"s3cr3t/+\"w\u00f6rd\"-0123456789"#), "Python");
        let markup = Secret::token("a<b>&c='d".into());
        assert!(markup.traces().is_in(br"a\u003cb\u003e\u0026c='d"), "Go");
        assert!(markup.traces().is_in(br"a\u003cb\u003e\u0026c\u003d\u0027d"), "Gson");
        assert!(secret.traces().is_in(utf8_percent_encode(plain, UNRESERVED).to_string().as_bytes()));
        assert!(secret.traces().is_in(form_urlencoded::byte_serialize(plain.as_bytes()).collect::<String>().as_bytes()));
        for before in ["", "a", "ab", "abc", "abcd"] {
            for after in ["", "x", "xy"] {
                let text = format!("{before}{plain}{after}");
                assert!(secret.traces().is_in(STANDARD.encode(&text).as_bytes()), "{text}");
                assert!(secret.traces().is_in(URL_SAFE_NO_PAD.encode(&text).as_bytes()), "{text}");
            }
        }
        assert!(!secret.traces().is_in(b"nothing of the sort"));
    }

    #[test]
    fn the_pair_of_basic_is_found_even_when_the_password_is_short() {
        let secret = Secret::basic("123_ann".into(), "pw12".into());
        assert!(secret.traces().is_in(STANDARD.encode("123_ann:pw12").as_bytes()));
        assert!(secret.traces().is_in(b"x pw12 y"));
        assert!(!secret.traces().is_in(b"123_ann"));
    }

    #[test]
    fn an_empty_secret_is_found_nowhere() {
        assert!(!Secret::token(String::new()).traces().is_in(b"anything"));
    }
}
