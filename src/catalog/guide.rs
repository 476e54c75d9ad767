//! What a person is told who connects an account: where to click at the service, and how it is tried whether it works.
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{AuthKind, Connector, Operation, OperationId, Repeat};

/// How a person signs in by one of the ways that a service offers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Guide {
    /// The way, as [`AuthKind::name`] has it.
    pub kind: String,
    /// What a person calls it: "Private integration".
    pub title: String,
    /// What to do at the service, in order, a sentence each.
    pub steps: Vec<String>,
    /// The page where that begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// What the user's name is called there, for Basic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// What the secret is called there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
}

/// A cheap read that shows that a connection works.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Probe {
    /// The operation.
    pub operation: OperationId,
    /// Its inputs, beside those that the account fills.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub input: BTreeMap<String, Value>,
    /// Dotted paths into the answer; the first that leads to a text names the account.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub name: Vec<String>,
}

impl AuthKind {
    /// Its name in data: `bearer`, `api_key`, `api_key_in_query`, `basic`, `oauth`, `none`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Bearer => "bearer",
            Self::ApiKey { .. } => "api_key",
            Self::ApiKeyInQuery { .. } => "api_key_in_query",
            Self::Basic => "basic",
            Self::OAuth(_) => "oauth",
            Self::None => "none",
        }
    }
}

impl Connector {
    /// How a person signs in this way; none where the catalogue does not say.
    pub fn guide(&self, kind: &AuthKind) -> Option<&Guide> {
        self.guides.iter().find(|it| it.kind == kind.name())
    }

    /// The read that shows that a connection works: the one that the catalogue names, or else the first that changes nothing
    /// and needs nothing but the account.
    pub fn cheap_read(&self) -> Option<Probe> {
        if self.probe.is_some() {
            return self.probe.clone();
        }
        let needs_nothing = |it: &Operation| {
            it.method.is_read()
                && it.repeat == Repeat::Safe
                && it.inputs.iter().all(|it| !it.required || it.fixed.is_some() || it.account.is_some())
        };
        let found = self.operations.values().find(|it| needs_nothing(it))?;
        Some(Probe { operation: found.id.clone(), input: BTreeMap::new(), name: Vec::new() })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use crate::catalog::Catalog;

    #[test]
    fn every_way_to_sign_in_that_ships_has_a_guide_and_every_service_a_read_to_try() {
        for connector in Catalog::shipped().connectors() {
            let kinds: BTreeSet<&str> = connector.auth.iter().map(super::AuthKind::name).collect();
            let guided: BTreeSet<&str> = connector.guides.iter().map(|it| it.kind.as_str()).collect();
            assert_eq!(kinds, guided, "{}", connector.id);
            assert_eq!(connector.guides.len(), guided.len(), "{}", connector.id);
            for guide in &connector.guides {
                assert!(
                    !guide.title.is_empty() && !guide.steps.is_empty() && guide.steps.iter().all(|it| it.ends_with('.')),
                    "{guide:?}"
                );
                assert!(guide.url.as_ref().is_none_or(|it| it.starts_with("https://")), "{guide:?}");
                assert_eq!(guide.secret.is_some(), guide.kind != "none", "{guide:?}");
                assert_eq!(guide.user.is_some(), guide.kind == "basic", "{guide:?}");
            }
            let probe = connector.probe.as_ref().expect("a probe");
            let operation = connector.operations.get(&probe.operation).expect("its operation");
            assert!(operation.method.is_read(), "{}", operation.id);
            let filled = |key: &str| probe.input.contains_key(key);
            let open: Vec<_> = operation
                .inputs
                .iter()
                .filter(|it| it.required && it.fixed.is_none() && it.account.is_none() && !filled(&it.key))
                .collect();
            assert!(open.is_empty(), "{open:?}");
        }
    }
}
