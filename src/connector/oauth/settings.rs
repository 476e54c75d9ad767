//! How one connection signs in, as plain data.
use serde::{Deserialize, Serialize};

use crate::catalog::{Grant, OAuth};

/// As which app a connection signs in, and how. The app's secret is in the vault.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OAuthSettings {
    /// The app's id; no secret.
    pub client_id: String,
    /// Whom the token is for (`Location`, `Company`); none means what the service's catalogue says first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_type: Option<String>,
    /// How the token is got.
    #[serde(default, skip_serializing_if = "is_default")]
    pub grant: Grant,
    /// Where the browser comes back to.
    #[serde(default, skip_serializing_if = "is_default")]
    pub redirect: Redirect,
    /// Whether a proof key is sent (RFC 7636); none means what the catalogue says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pkce: Option<bool>,
    /// What is asked for, or was last; none named leaves it to the service.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
    /// What a person wants to be asked for beside what flows need.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub more: Vec<String>,
    /// In place of the catalogue's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorize_url: Option<String>,
    /// In place of the catalogue's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_url: Option<String>,
}

/// Where the browser comes back to with the code.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Redirect {
    /// To this machine: at a port that is free then, or at [`Redirect::PORT`] where the service compares the address to the letter.
    #[default]
    Loopback,
    /// To this machine, at this port; 0 is one that is free then.
    Port(u16),
    /// To an address on the network, from whose page a person pastes what came back.
    Pasted(String),
}

impl Redirect {
    /// The port on this machine for services that have to know it beforehand.
    pub const PORT: u16 = 8976;
    /// The path on this machine.
    pub(super) const PATH: &str = "/signed-in";

    /// The address that a person enters in the app's settings at the service; none where a free port is taken, which the service
    /// has to accept then.
    pub fn address(&self, known: &OAuth) -> Option<String> {
        let port = match self {
            Self::Pasted(url) => return Some(url.clone()),
            Self::Loopback if known.exact_redirect => Self::PORT,
            Self::Loopback | Self::Port(0) => return None,
            Self::Port(port) => *port,
        };
        Some(format!("http://127.0.0.1:{port}{}", Self::PATH))
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_to_enter_at_the_service_is_known_where_it_is_fixed() {
        let (exact, loose) = (OAuth { exact_redirect: true, ..OAuth::default() }, OAuth::default());
        for (redirect, known, expected) in [
            (Redirect::Loopback, &exact, Some("http://127.0.0.1:8976/signed-in")),
            (Redirect::Loopback, &loose, None),
            (Redirect::Port(0), &exact, None),
            (Redirect::Port(5000), &loose, Some("http://127.0.0.1:5000/signed-in")),
            (Redirect::Pasted("https://a.example/b".into()), &exact, Some("https://a.example/b")),
        ] {
            assert_eq!(redirect.address(known).as_deref(), expected);
        }
    }

    #[test]
    fn settings_travel_as_plain_json_and_refuse_what_they_do_not_know() {
        for (text, redirect) in [
            (r#"{"client_id":"a"}"#, Redirect::Loopback),
            (r#"{"client_id":"a","redirect":"loopback"}"#, Redirect::Loopback),
            (r#"{"client_id":"a","redirect":{"port":8976}}"#, Redirect::Port(8976)),
            (
                r#"{"client_id":"a","redirect":{"pasted":"https://a.example/back"}}"#,
                Redirect::Pasted("https://a.example/back".into()),
            ),
        ] {
            let read: OAuthSettings = serde_json::from_str(text).unwrap();
            assert_eq!(read.redirect, redirect);
            let again: OAuthSettings = serde_json::from_str(&serde_json::to_string(&read).unwrap()).unwrap();
            assert_eq!(again, read);
        }
        assert_eq!(
            serde_json::to_string(&OAuthSettings { client_id: "a".into(), ..OAuthSettings::default() }).unwrap(),
            r#"{"client_id":"a"}"#
        );
        assert!(serde_json::from_str::<OAuthSettings>(r#"{"client_id":"a","client_secret":"b"}"#).is_err());
    }
}
