//! The HTTP clients, and which addresses they may call.
use std::error::Error;
use std::io;
use std::sync::OnceLock;
use std::time::Duration;

use reqwest::Client;
use reqwest::redirect::Policy;
use url::{Host, Url};

use super::{ConnectorError, Settings};

/// Idle connections are given up before servers do so: a request that meets a closing connection is lost.
const IDLE: Duration = Duration::from_secs(30);

/// One client for this machine, one for everywhere else.
#[derive(Debug)]
pub(super) struct Clients {
    /// Plain HTTP to this machine: no proxy, and no certificates to read.
    local: Client,
    /// TLS by the system's certificates, through the system's proxy. Made when first needed: reading the certificates
    /// takes long, and a machine without any can still run what needs none.
    outward: OnceLock<Result<Client, String>>,
    connect_timeout: Duration,
    allow_http: bool,
}

impl Clients {
    pub(super) fn new(settings: &Settings) -> Result<Self, ConnectorError> {
        // Whoever was first has installed the same one, or knows better.
        let _ignored = rustls::crypto::ring::default_provider().install_default();
        let connect_timeout = settings.connect_timeout;
        let local = builder(connect_timeout)
            .no_proxy()
            .tls_certs_only([])
            .build()
            .map_err(|error| ConnectorError::Client(innermost(&error)))?;
        Ok(Self { local, outward: OnceLock::new(), connect_timeout, allow_http: settings.allow_http })
    }

    /// The client that may call this address.
    pub(super) fn of(&self, url: &Url) -> Result<&Client, String> {
        if url.scheme() == "http" && is_this_machine(url) {
            return Ok(&self.local);
        }
        let outward = self.outward.get_or_init(|| builder(self.connect_timeout).build().map_err(|error| innermost(&error)));
        outward.as_ref().map_err(Clone::clone)
    }

    /// Whether an address may be called at all, and if not, why.
    pub(super) fn check(&self, url: &Url) -> Result<(), &'static str> {
        match url.scheme() {
            "https" => {}
            "http" if self.allow_http || is_this_machine(url) => {}
            "http" => return Err("it is not encrypted (http), which is allowed for this machine only"),
            _ => return Err("its scheme is neither https nor http"),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("it holds a user or a password, which would end up in logs");
        }
        if url.host().is_none() {
            return Err("it names no host");
        }
        Ok(())
    }
}

fn builder(connect_timeout: Duration) -> reqwest::ClientBuilder {
    Client::builder().redirect(Policy::none()).referer(false).connect_timeout(connect_timeout).pool_idle_timeout(IDLE)
}

/// Whether a URL's host can only be this machine (RFC 6761, 6.3 for `localhost`).
pub(super) fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback() || ip.to_ipv4_mapped().is_some_and(|it| it.is_loopback()),
        None => false,
    }
}

/// The words of the error at the bottom of a chain: the others only say that something below them failed.
pub(super) fn innermost(error: &(dyn Error + 'static)) -> String {
    let mut at = error;
    while let Some(source) = at.source() {
        at = source;
    }
    at.to_string()
}

/// What went wrong with the encryption, if an error came of that.
pub(super) fn tls_error<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e rustls::Error> {
    let mut at = Some(error);
    while let Some(error) = at {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        // The source of an I/O error is the source of what it wraps, not that itself.
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        at = wrapped.map(|it| it as &(dyn Error + 'static)).or_else(|| error.source());
    }
    None
}

/// Whether the other side is not whom it should be, or cannot show it.
pub(super) fn is_distrust(error: &rustls::Error) -> bool {
    matches!(error, rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_may_be_called_without_tls() {
        let strict = Clients::new(&Settings::default()).unwrap();
        let open = Clients::new(&Settings { allow_http: true, ..Settings::default() }).unwrap();
        for (url, in_strict, in_open) in [
            ("https://example.com/", true, true),
            ("http://example.com/", false, true),
            ("http://127.0.0.1:8080/", true, true),
            ("http://127.9.9.9/", true, true),
            ("http://[::1]:1/", true, true),
            ("http://[::ffff:127.0.0.1]/", true, true),
            ("http://localhost/", true, true),
            ("http://a.localhost/", true, true),
            ("http://localhost.example.com/", false, true),
            ("http://127.0.0.1.example.com/", false, true),
            ("http://10.0.0.1/", false, true),
            ("http://0x7f000001/", true, true),
            ("ftp://127.0.0.1/", false, false),
            ("file:///etc/passwd", false, false),
            ("https://user@example.com/", false, false),
            ("https://:secret@example.com/", false, false),
        ] {
            let url = Url::parse(url).unwrap();
            assert_eq!(strict.check(&url).is_ok(), in_strict, "{url}");
            assert_eq!(open.check(&url).is_ok(), in_open, "{url}");
        }
    }
}
