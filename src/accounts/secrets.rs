//! Which secrets a way to sign in wants, and what becomes of those that a person gives.
use std::collections::BTreeMap;

use zeroize::Zeroizing;

use crate::catalog::AuthKind;
use crate::connector::{ConnectionId, Secret};

/// What a person gave; wiped when dropped.
#[derive(Default)]
#[expect(missing_debug_implementations, reason = "it holds a secret")]
pub struct Given {
    /// For Basic; no secret.
    pub user: Option<String>,
    /// A token, a key, a password, or an app's secret.
    pub secret: Zeroizing<String>,
}

/// What a way to sign in needs, by the names that `secret_env` has for it. OAuth needs its app's secret, or takes a token that
/// a person made.
pub fn wanted(auth: &AuthKind) -> &'static [&'static str] {
    match auth {
        AuthKind::None => &[],
        AuthKind::Basic => &["user", "password"],
        AuthKind::ApiKey { .. } | AuthKind::ApiKeyInQuery { .. } | AuthKind::Bearer => &["token"],
        AuthKind::OAuth(_) => &["token", "client_secret"],
    }
}

/// The id under which the vault keeps the secret of a connection's app.
pub fn client_of(id: &ConnectionId) -> ConnectionId {
    ConnectionId::new(&format!("{id}#client"))
}

impl Given {
    /// What the vault keeps of it, and under which id; none for a way that needs no secret.
    ///
    /// # Errors
    /// What is missing, in words.
    pub(super) fn into_secret(self, id: &ConnectionId, auth: &AuthKind) -> Result<Option<(ConnectionId, Secret)>, &'static str> {
        let text = self.secret.to_string();
        let is_empty = text.trim().is_empty();
        match auth {
            AuthKind::None if is_empty => Ok(None),
            AuthKind::None => Err("this way of signing in takes no secret"),
            _ if is_empty => Err("the secret is empty"),
            AuthKind::Basic => match self.user.filter(|it| !it.is_empty()) {
                Some(user) if user.contains(':') => Err("the user's name holds a colon, which Basic cannot carry"),
                Some(user) => Ok(Some((id.clone(), Secret::basic(user, text)))),
                None => Err("the user's name is missing"),
            },
            AuthKind::ApiKey { .. } | AuthKind::ApiKeyInQuery { .. } => Ok(Some((id.clone(), Secret::api_key(text)))),
            AuthKind::Bearer => Ok(Some((id.clone(), Secret::token(text)))),
            AuthKind::OAuth(_) => Ok(Some((client_of(id), Secret::client(text)))),
        }
    }
}

/// The secrets that the environment holds for a connection, by the ids under which they are asked for.
///
/// # Errors
/// The words for a variable that is not set.
pub(super) fn of_environment(
    id: &ConnectionId,
    auth: &AuthKind,
    names: &BTreeMap<String, String>,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<Vec<(ConnectionId, Secret)>, String> {
    let get = |name: &str| names.get(name).map(|it| value(name, it, variable)).transpose();
    let mut found = Vec::new();
    match auth {
        AuthKind::None => {}
        AuthKind::Basic => {
            if let (Some(user), Some(password)) = (get("user")?, get("password")?) {
                found.push((id.clone(), Secret::basic(user, password)));
            }
        }
        AuthKind::ApiKey { .. } | AuthKind::ApiKeyInQuery { .. } => {
            found.extend(get("token")?.map(|it| (id.clone(), Secret::api_key(it))))
        }
        AuthKind::Bearer => found.extend(get("token")?.map(|it| (id.clone(), Secret::token(it)))),
        AuthKind::OAuth(_) => {
            found.extend(get("token")?.map(|it| (id.clone(), Secret::token(it))));
            found.extend(get("client_secret")?.map(|it| (client_of(id), Secret::client(it))));
        }
    }
    Ok(found)
}

/// The value of a variable, which must be set.
fn value(name: &str, variable_name: &str, variable: &dyn Fn(&str) -> Option<String>) -> Result<String, String> {
    // What does not look like a name may be the secret itself, and is not repeated.
    let is_name = |it: u8| it.is_ascii_uppercase() || it.is_ascii_digit() || it == b'_';
    let shown = if variable_name.bytes().all(is_name) {
        format!("The environment variable {variable_name} is not set.")
    } else {
        format!(
            "The environment variable that \"secret_env\".\"{name}\" names is not set. Put the variable's name there, not the secret."
        )
    };
    let is_possible = !variable_name.is_empty() && !variable_name.contains(['=', '\0']);
    is_possible.then(|| variable(variable_name)).flatten().ok_or(shown)
}
