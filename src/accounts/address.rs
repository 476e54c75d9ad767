//! Where a connection's service is: an address with TLS, or on this machine.
use std::path::Path;

use url::{Host, Url};

use crate::connector::files;

/// The desktop of this computer.
const DESKTOP: &str = "desktop://here";

/// A base URL as a connection keeps it: without a slash at its end. The path of a folder becomes its address.
///
/// # Errors
/// Why it cannot be one, in words that repeat nothing of it.
pub fn normal(text: &str) -> Result<String, &'static str> {
    // A folder is named as people name it.
    let path = Path::new(text.trim());
    let folder = if path.is_absolute() { files::address_of(path) } else { None };
    let text = folder.as_deref().unwrap_or(text);
    let url = Url::parse(text.trim()).map_err(|_repeats| "it is no address that begins with https://")?;
    match url.scheme() {
        // A folder is a path alone, wherever it is.
        "file" => {
            let is_folder = url.query().is_none() && url.fragment().is_none() && url.to_file_path().is_ok();
            let kept = text.trim().trim_end_matches('/');
            return if is_folder && kept.len() > "file://".len() {
                Ok(kept.to_owned())
            } else {
                Err("it is no path of a folder")
            };
        }
        // The screen in front of a person is wherever Flowyard runs.
        "desktop" if text.trim() == DESKTOP => return Ok(DESKTOP.to_owned()),
        "desktop" => return Err("the desktop of this computer is desktop://here"),
        // A mail server is one that encrypts before anything is said.
        "https" | "smtps" | "smtp" => {}
        "http" if is_this_machine(&url) => {}
        "http" => return Err("it must begin with https://; http:// is for this machine only"),
        _ => return Err("it must begin with https://"),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it holds a user or a password, which belong into the vault");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("it must end before a ? or #");
    }
    if url.host().is_none() {
        return Err("it names no host");
    }
    Ok(text.trim().trim_end_matches('/').to_owned())
}

/// Whether a text can be a base URL.
pub fn is_base_url(text: &str) -> bool {
    normal(text).is_ok()
}

/// Loopback addresses, and the name that can mean nothing else (RFC 6761, 6.3).
fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_tls_or_is_on_this_machine() {
        for (text, expected) in [
            ("https://a.example", Ok("https://a.example")),
            (" https://a.example/api/ ", Ok("https://a.example/api")),
            ("https://a.example:8443/x", Ok("https://a.example:8443/x")),
            ("http://127.0.0.1:80", Ok("http://127.0.0.1:80")),
            ("http://127.9.9.9", Ok("http://127.9.9.9")),
            ("http://[::1]:1/x/", Ok("http://[::1]:1/x")),
            ("http://localhost:1", Ok("http://localhost:1")),
            ("http://a.example", Err("http:// is for this machine only")),
            ("http://localhost.example", Err("http:// is for this machine only")),
            ("http://127.0.0.1.example", Err("http:// is for this machine only")),
            ("http://10.0.0.1", Err("http:// is for this machine only")),
            ("http://[::2]", Err("http:// is for this machine only")),
            ("ftp://127.0.0.1", Err("must begin with https://")),
            ("file:///home/ann/My%20files/", Ok("file:///home/ann/My%20files")),
            #[cfg(unix)]
            ("/home/ann/My files/", Ok("file:///home/ann/My%20files")),
            ("file:///", Err("no path of a folder")),
            ("file:///home/ann?x", Err("no path of a folder")),
            ("a.example", Err("no address")),
            ("", Err("no address")),
            ("https://ann@a.example", Err("user or a password")),
            ("https://:s3cret@a.example", Err("user or a password")),
            ("https://a.example/?key=s3cret", Err("before a ?")),
            ("https://a.example/#x", Err("before a ?")),
            ("https://", Err("no address")),
        ] {
            match (normal(text), expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found, expected),
                (Err(words), Err(expected)) => assert!(words.contains(expected) && !words.contains("s3cret"), "{text}: {words}"),
                (found, _) => panic!("{text}: {found:?}"),
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_taken_is_taken_again_as_it_is(text in "(https?|ftp)://[a-z0-9.:@/\\[\\]?#]{0,20}|.*") {
            if let Ok(found) = normal(&text) {
                let again = normal(&found);
                proptest::prop_assert_eq!(again.as_deref(), Ok(found.as_str()));
                proptest::prop_assert!(!found.contains(['@', '?', '#']) || Url::parse(&found).is_ok_and(|it| it.username().is_empty()));
            }
        }
    }
}
