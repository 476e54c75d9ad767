//! Addresses to listen on.
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::exit::Error;

/// An address and port; a port alone means this machine only.
pub(super) fn parse(text: &str) -> Result<SocketAddr, String> {
    let port = text.strip_prefix(':').unwrap_or(text);
    if let Ok(port) = port.parse() {
        return Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    }
    let text = text.strip_prefix("localhost:").map_or_else(|| text.to_owned(), |port| format!("127.0.0.1:{port}"));
    text.parse()
        .map_err(|error| format!("{error}; write it as ADDRESS:PORT, for example 127.0.0.1:8787; port 0 picks a free one"))
}

/// The words for an address that cannot be listened on.
pub(super) fn taken(address: SocketAddr, error: &io::Error) -> Error {
    let hint = match error.kind() {
        ErrorKind::AddrInUse => "Another program listens there: choose another port, or 0 for a free one.",
        ErrorKind::PermissionDenied => "Ports below 1024 need special rights: choose a higher one.",
        ErrorKind::AddrNotAvailable => "This machine does not have that address: 127.0.0.1 always works.",
        _ => "Choose another address.",
    };
    Error::machine(format!("Cannot listen on {address}"), &error.to_string(), hint)
}

/// An address that can be called, where the one listened on may stand for all of the machine's.
pub(super) fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_may_be_short() {
        for (text, address) in [
            ("8787", "127.0.0.1:8787"),
            (":0", "127.0.0.1:0"),
            ("localhost:1", "127.0.0.1:1"),
            ("0.0.0.0:80", "0.0.0.0:80"),
            ("[::1]:80", "[::1]:80"),
        ] {
            assert_eq!(parse(text).unwrap().to_string(), address);
        }
        for text in ["", "x", "70000", "127.0.0.1"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_address_is_read_as_it_is_written_and_any_text_is_read_or_refused(
            v4 in proptest::prelude::any::<u32>(), v6 in proptest::prelude::any::<u128>(), port in proptest::prelude::any::<u16>(), text in ".*",
        ) {
            for ip in [IpAddr::V4(v4.into()), IpAddr::V6(v6.into())] {
                let address = SocketAddr::new(ip, port);
                proptest::prop_assert_eq!(parse(&address.to_string()), Ok(address));
            }
            for short in [port.to_string(), format!(":{port}"), format!("localhost:{port}")] {
                proptest::prop_assert_eq!(parse(&short), Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, port))));
            }
            if let Ok(address) = parse(&text) {
                proptest::prop_assert_eq!(reachable(address).port(), address.port());
            }
        }
    }
}
