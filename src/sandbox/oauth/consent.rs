//! The page on which a person lets an app in.
use std::fmt::Write as _;

use jiff::Timestamp;
use url::Url;

use super::grants::{App, Grant};
use super::token::{holder, scopes};
use crate::sandbox::service::Service;
use crate::sandbox::world::World;

/// What a browser gets.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Page {
    /// A page.
    Html(u16, String),
    /// Somewhere else to go.
    Redirect(String),
}

/// What an app asks for (RFC 6749, section 4.1.1).
#[derive(Debug, Default)]
struct Ask {
    kind: String,
    client: String,
    redirect: String,
    scope: String,
    state: Option<String>,
    challenge: Option<String>,
    method: Option<String>,
    /// Given by the page's own form.
    holder: String,
    decision: String,
}

impl Ask {
    fn read(form: &str) -> Self {
        let mut ask = Self::default();
        for (name, value) in form_urlencoded::parse(form.as_bytes()) {
            let value = value.into_owned();
            match &*name {
                "response_type" => ask.kind = value,
                "client_id" => ask.client = value,
                "redirect_uri" => ask.redirect = value,
                "scope" => ask.scope = value,
                "state" => ask.state = Some(value),
                "code_challenge" => ask.challenge = Some(value),
                "code_challenge_method" => ask.method = Some(value),
                "holder" => ask.holder = value,
                "decision" => ask.decision = value,
                _ => {}
            }
        }
        ask
    }

    /// The address to come back to. Until it is known to be one, nothing is sent there.
    fn back(&self, app: &App) -> Result<Url, &'static str> {
        if self.client != app.id {
            return Err("No app has this client_id here. The sandbox shows the one that it has.");
        }
        let url = Url::parse(&self.redirect).ok().ok_or("The redirect_uri is no address.")?;
        let own = url.host_str().is_some_and(|it| matches!(it, "127.0.0.1" | "localhost" | "[::1]"));
        match url.scheme() {
            "https" => {}
            "http" if own => {}
            _ => return Err("The redirect_uri has to begin with https://, or lead to this machine."),
        }
        if url.fragment().is_some() {
            return Err("The redirect_uri may have no fragment.");
        }
        Ok(url)
    }
}

/// Answers a browser: the page for a `GET` with the query, what was decided for a `POST` with the form.
pub(crate) fn answer(world: &mut World, service: Service, post: bool, form: &str, now: Timestamp) -> Page {
    let ask = Ask::read(form);
    let back = match ask.back(&world.grants.app(service)) {
        Ok(back) => back,
        Err(why) => return Page::Html(400, page("This app cannot be let in", &format!("<p>{}</p>", escaped(why)))),
    };
    let go = |answer: &[(&str, &str)]| {
        let mut back = back.clone();
        back.query_pairs_mut().extend_pairs(answer).extend_pairs(ask.state.iter().map(|it| ("state", it)));
        Page::Redirect(back.into())
    };
    if ask.kind != "code" {
        return go(&[("error", "unsupported_response_type")]);
    }
    if ask.challenge.is_some() && ask.method.as_deref() != Some("S256") {
        return go(&[("error", "invalid_request"), ("error_description", "code_challenge_method has to be S256")]);
    }
    match ask.decision.as_str() {
        "allow" if post => {
            let grant = Grant { service, holder: holder(&ask.holder), scopes: scopes(&ask.scope) };
            let challenge = ask.challenge.as_deref().filter(|_| !world.traps.pkce_unknown || service != Service::Highlevel);
            let code = world.grants.code(grant, &ask.redirect, challenge, now);
            go(&[("code", &code)])
        }
        "decline" if post => go(&[("error", "access_denied")]),
        _ => Page::Html(200, consent(service, &ask)),
    }
}

fn consent(service: Service, ask: &Ask) -> String {
    let mut body = String::from("<p>An app on this machine asks to be let in to the sandbox. Nothing of yours is behind it.</p>");
    let mut wanted: Vec<&str> = ask.scope.split_whitespace().collect();
    wanted.sort_unstable();
    if wanted.is_empty() {
        body.push_str("<p>It asks for everything.</p>");
    } else {
        body.push_str("<p>It asks for:</p><ul>");
        for scope in wanted {
            // Writing into a text cannot fail.
            write!(body, "<li><code>{}</code></li>", escaped(scope)).unwrap_or_default();
        }
        body.push_str("</ul>");
    }
    body.push_str("<form method=\"post\">");
    let fields = [
        ("response_type", Some(&ask.kind)),
        ("client_id", Some(&ask.client)),
        ("redirect_uri", Some(&ask.redirect)),
        ("scope", Some(&ask.scope)),
        ("state", ask.state.as_ref()),
        ("code_challenge", ask.challenge.as_ref()),
        ("code_challenge_method", ask.method.as_ref()),
    ];
    for (name, value) in fields {
        if let Some(value) = value {
            write!(body, "<input type=\"hidden\" name=\"{name}\" value=\"{}\">", escaped(value)).unwrap_or_default();
        }
    }
    if service == Service::Highlevel {
        body.push_str(
            "<fieldset><legend>For</legend>\
             <label><input type=\"radio\" name=\"holder\" value=\"Location\" checked> the location</label> \
             <label><input type=\"radio\" name=\"holder\" value=\"Company\"> the whole agency</label></fieldset>",
        );
    }
    body.push_str(
        "<button name=\"decision\" value=\"allow\" id=\"allow\" autofocus>Allow</button> \
         <button name=\"decision\" value=\"decline\" id=\"decline\">Decline</button></form>",
    );
    let name = match service {
        Service::Highlevel => "HighLevel",
        Service::ScheduleIt => "Schedule it",
        Service::Mail => "Mail",
        Service::Files => "Files",
        Service::Desktop => "Desktop",
    };
    page(&format!("Let an app in to {name} (sandbox)?"), &body)
}

fn page(title: &str, body: &str) -> String {
    let title = escaped(title);
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{title}</title>\
         <style>body{{font:16px system-ui,sans-serif;max-width:32em;margin:4em auto;padding:0 1em;line-height:1.5}}\
         button{{font:inherit;padding:.4em 1.2em}}fieldset{{margin:1em 0;border:1px solid #bbb;border-radius:6px}}</style>\
         <h1>{title}</h1>{body}</html>"
    )
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for it in text.chars() {
        match it {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            it => out.push(it),
        }
    }
    out
}
