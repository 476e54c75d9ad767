//! Servers and ways to sign in.
use std::collections::{BTreeMap, BTreeSet};

use super::document::Tree;
use super::fault::Fault;
use super::shape::Shapes;
use super::{AuthKind, Environment, Options};
use crate::catalog::{Grant, OAuth};

/// Where the service is and how its operations name the tokens that they take.
pub(super) struct Access {
    pub(super) environments: Vec<Environment>,
    pub(super) auth: Vec<AuthKind>,
    /// What to put before the paths of each document, since its server's path differs from the others'.
    pub(super) prefixes: Vec<String>,
    /// The declared schemes whose names tell token types apart, by document and name.
    pub(super) tokens: BTreeMap<(usize, String), String>,
    /// All declared schemes, by document and name.
    pub(super) declared: BTreeSet<(usize, String)>,
}

/// Reads `servers` and `components.securitySchemes` of every document.
pub(super) fn read(shapes: &mut Shapes<'_>, documents: usize, options: &Options) -> Access {
    let mut access = Access {
        environments: Vec::new(),
        auth: Vec::new(),
        prefixes: Vec::new(),
        tokens: BTreeMap::new(),
        declared: BTreeSet::new(),
    };
    for at in 0..documents {
        let document = shapes.library.document(at);
        if let Some(schemes) = document.root.pointer("/components/securitySchemes").and_then(Tree::as_map) {
            for (name, node) in schemes.iter() {
                shapes.at(at, &["components", "securitySchemes", name], |it| scheme(it, at, name, node, options, &mut access));
            }
        }
    }
    let names: BTreeSet<&String> = access.tokens.values().collect();
    if names.len() < 2 {
        // One kind of token needs no name.
        access.tokens.clear();
    }
    if access.auth.is_empty() {
        access.auth.push(AuthKind::None);
    }
    servers(shapes, documents, options, &mut access);
    access
}

fn scheme(shapes: &mut Shapes<'_>, at: usize, name: &str, node: &Tree, options: &Options, access: &mut Access) {
    let found = shapes.follow(node, |shapes, node| {
        let kind = node.text("type").unwrap_or_default().to_ascii_lowercase();
        let scheme = node.text("scheme").unwrap_or_default().to_ascii_lowercase();
        match (kind.as_str(), scheme.as_str()) {
            ("http", "bearer") => Some(AuthKind::Bearer),
            ("http", "basic") => Some(AuthKind::Basic),
            ("apikey", _) if node.text("in") == Some("header") => {
                let header = node.text("name").unwrap_or("X-Api-Key");
                Some(if header.eq_ignore_ascii_case("authorization") {
                    AuthKind::Bearer
                } else {
                    AuthKind::ApiKey { header: header.to_owned() }
                })
            }
            ("apikey", _) if node.text("in") == Some("query") => {
                Some(AuthKind::ApiKeyInQuery { parameter: node.text("name").filter(|it| !it.is_empty())?.to_owned() })
            }
            ("oauth2", _) => {
                let flow = |name: &str| node.get("flows").and_then(|it| it.get(name));
                let (code, service) = (flow("authorizationCode"), flow("clientCredentials"));
                let first = code.or(service).or_else(|| flow("implicit")).or_else(|| flow("password"))?;
                let url = |name: &str| first.text(name).unwrap_or_default().to_owned();
                let grants = [(code, Grant::AuthorizationCode), (service, Grant::ClientCredentials)];
                let grants: Vec<Grant> = grants.into_iter().filter_map(|(flow, grant)| flow.map(|_| grant)).collect();
                let pkce = code.is_some();
                Some(AuthKind::OAuth(Box::new(OAuth { grants, pkce, ..OAuth::at(url("authorizationUrl"), url("tokenUrl")) })))
            }
            _ => {
                shapes.tolerate(Fault::UnknownSecurity, &kind);
                None
            }
        }
    });
    access.declared.insert((at, name.to_owned()));
    let Some(Some(kind)) = found else { return };
    if matches!(kind, AuthKind::Bearer | AuthKind::OAuth { .. }) {
        let same = options.same_access.get(name).map_or(name, String::as_str);
        access.tokens.insert((at, name.to_owned()), same.to_owned());
    }
    if !access.auth.contains(&kind) {
        access.auth.push(kind);
    }
}

fn servers(shapes: &mut Shapes<'_>, documents: usize, options: &Options, access: &mut Access) {
    let mut first: Vec<Option<String>> = Vec::new();
    let mut all: Vec<(String, String)> = Vec::new();
    for at in 0..documents {
        let document = shapes.library.document(at);
        let mut own = None;
        for server in document.root.list("servers") {
            let url = address(server);
            let Some(url) = absolute(&url) else { continue };
            own.get_or_insert_with(|| url.clone());
            let words = server.text("description").unwrap_or_default();
            if !all.iter().any(|(it, _)| *it == url) {
                all.push((url, words.to_owned()));
            }
        }
        if own.is_none() && options.base_url.is_none() {
            shapes.at(at, &["servers"], |it| it.tolerate(Fault::NoServer, ""));
        }
        first.push(own);
    }
    if let Some(base) = options.base_url.as_deref().and_then(absolute) {
        // The caller's word goes before the documents'.
        all.retain(|(it, _)| *it != base);
        all.insert(0, (base, String::new()));
        access.prefixes = vec![String::new(); documents];
        access.environments = name_all(&all);
        return;
    }
    let known: BTreeSet<&String> = first.iter().flatten().collect();
    if known.len() < 2 {
        access.prefixes = vec![String::new(); documents];
        access.environments = name_all(&all);
        return;
    }
    // Documents of one service that are served below different paths of one host keep their path as a prefix.
    let base = first.iter().flatten().next().map(|it| origin(it).to_owned()).unwrap_or_default();
    for (at, own) in first.iter().enumerate() {
        let prefix = match own {
            Some(own) if origin(own) == base => own[base.len()..].to_owned(),
            Some(own) => {
                shapes.at(at, &["servers"], |it| it.tolerate(Fault::OtherServer, own));
                String::new()
            }
            None => String::new(),
        };
        access.prefixes.push(prefix);
    }
    access.environments = name_all(&[(base, String::new())]);
}

/// The address with the defaults of its variables.
fn address(server: &Tree) -> String {
    let mut url = server.text("url").unwrap_or_default().to_owned();
    for (name, variable) in server.fields_of("variables").take(20) {
        url = url.replace(&format!("{{{name}}}"), variable.text("default").unwrap_or_default());
    }
    url
}

fn absolute(url: &str) -> Option<String> {
    let url = url.trim().trim_end_matches('/');
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"))?;
    let plain = !rest.is_empty() && url.len() <= 2000 && !url.contains(['{', '?', '#', ' ']);
    plain.then(|| url.to_owned())
}

/// Scheme and host of an absolute address.
fn origin(url: &str) -> &str {
    let host = url.find("://").map_or(0, |it| it + 3);
    let end = url[host..].find('/').map_or(url.len(), |it| host + it);
    &url[..end]
}

/// `live` for the first, then by what the address or its description says.
fn name_all(all: &[(String, String)]) -> Vec<Environment> {
    let mut named: Vec<Environment> = Vec::new();
    for (at, (url, words)) in all.iter().enumerate().take(50) {
        let said = format!("{url} {words}").to_ascii_lowercase();
        let word = ["sandbox", "staging", "test", "demo", "dev"].into_iter().find(|it| said.contains(it));
        let stem = if at == 0 { "live" } else { word.unwrap_or("live") };
        let mut id = stem.to_owned();
        let mut number = 2;
        while named.iter().any(|it| it.id == id) {
            id = format!("{stem}_{number}");
            number += 1;
        }
        named.push(Environment { id, base_url: url.clone() });
    }
    named
}
