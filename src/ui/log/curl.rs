//! A call as a command that a person can paste into a terminal.
//!
//! Invariant: pure; what was redacted stays redacted. Every part is quoted, so that nothing of it is read by the shell.
use crate::record::{Body, Request};

/// Headers that the tool makes itself, from what it sends.
const OWN: [&str; 2] = ["content-length", "accept-encoding"];

/// The command, a part a line.
pub(super) fn command(request: &Request) -> String {
    let mut parts = vec![match request.method.as_str() {
        "HEAD" => "curl --head".to_owned(),
        method => format!("curl --request {}", quote(method)),
    }];
    // Brackets and braces are of the address, and no pattern of several.
    if request.url.contains(['[', ']', '{', '}']) {
        parts.push("--globoff".to_owned());
    }
    parts.push(quote(&request.url));
    for (name, value) in request.headers.iter().filter(|(name, _)| !OWN.contains(&name.as_str())) {
        // Without a value a header would be taken away; with a semicolon it is sent empty.
        let header = if value.is_empty() { format!("{name};") } else { format!("{name}: {value}") };
        parts.push(format!("--header {}", quote(&header)));
    }
    let Body { text, size, cut } = &request.body;
    let mut note = String::new();
    if !text.is_empty() {
        parts.push(format!("--data-raw {}", quote(text)));
        if *cut {
            note = format!("# The body had {size} bytes; only its beginning is kept.\n");
        }
    } else if *size > 0 {
        parts.push("--data-binary @body".to_owned());
        note = format!("# The body had {size} bytes that are not text and are not kept; put them into a file named body.\n");
    }
    format!("{note}{}", parts.join(" \\\n  "))
}

/// In single quotes, within which a POSIX shell reads nothing; a single quote itself is put outside of them.
fn quote(text: &str) -> String {
    let plain = |it: char| it.is_ascii_alphanumeric() || "-_./:".contains(it);
    if !text.is_empty() && text.chars().all(plain) { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: &str, url: &str, headers: &[(&str, &str)], body: Body) -> Request {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Request { method: method.to_owned(), url: url.to_owned(), headers, body }
    }

    fn text(text: &str) -> Body {
        Body { text: text.to_owned(), size: text.len() as u64, cut: false }
    }

    #[test]
    fn calls_are_commands() {
        let none = Body::default;
        let cases = [
            (request("GET", "https://a.example/b", &[], none()), "curl --request GET \\\n  https://a.example/b"),
            (
                request("GET", "https://a.example/?q=a&b=[1]", &[("accept", "*/*")], none()),
                "curl --request GET \\\n  --globoff \\\n  'https://a.example/?q=a&b=[1]' \\\n  --header 'accept: */*'",
            ),
            (request("HEAD", "https://a.example/", &[], none()), "curl --head \\\n  https://a.example/"),
            (
                request("POST", "https://a/x", &[("authorization", "Bearer ••••3f9c"), ("content-length", "9")], text("it's")),
                "curl --request POST \\\n  https://a/x \\\n  --header 'authorization: Bearer ••••3f9c' \\\n  --data-raw 'it'\\''s'",
            ),
            (
                request("PUT", "https://a/x", &[("x-empty", "")], text("{\"name\": \"Jürgen $HOME `id` \\\",\n\"b\": \"@f\"}")),
                "curl --request PUT \\\n  https://a/x \\\n  --header 'x-empty;' \\\n  \
                 --data-raw '{\"name\": \"Jürgen $HOME `id` \\\",\n\"b\": \"@f\"}'",
            ),
            (
                request("POST", "https://a/x", &[], Body { text: String::new(), size: 300, cut: false }),
                "# The body had 300 bytes that are not text and are not kept; put them into a file named body.\n\
                 curl --request POST \\\n  https://a/x \\\n  --data-binary @body",
            ),
            (
                request("POST", "https://a/x", &[], Body { text: "ab".to_owned(), size: 300, cut: true }),
                "# The body had 300 bytes; only its beginning is kept.\ncurl --request POST \\\n  https://a/x \\\n  --data-raw ab",
            ),
        ];
        for (request, expected) in cases {
            assert_eq!(command(&request), expected);
        }
    }

    /// What a shell makes of the words is what was put in.
    #[cfg(unix)]
    #[test]
    fn a_shell_reads_each_part_as_it_was() {
        for nasty in
            ["it's", "a\nb", "$(id) `id` $HOME", "\\", "\"", "Jürgen 漢字", "", "'", "--data", "* ? [a]", "!x", "#c", "~"]
        {
            let script = format!("printf %s {}", quote(nasty));
            let out = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
            assert_eq!(String::from_utf8(out.stdout).unwrap(), nasty);
        }
    }
}
