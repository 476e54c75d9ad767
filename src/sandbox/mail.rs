//! A mail server that keeps every letter: what is sent in the sandbox reaches nobody.
use axum::http::{HeaderMap, header};

use super::access::MailAccess;
use super::auth;
use super::call::Refusal;
use super::highlevel::refusal;
use super::oauth::Caller;

/// User and password only.
pub(super) fn signed_in(access: &MailAccess, headers: &HeaderMap) -> Result<Caller, Refusal> {
    let wanted = auth::basic(&access.user, &access.password);
    match headers.get(header::AUTHORIZATION).and_then(|it| it.to_str().ok()) {
        Some(sent) if auth::is_same(sent, &wanted) => Ok(Caller::Owner),
        Some(_) | None => Err(refused()),
    }
}

/// As mail servers word it.
pub(super) fn refused() -> Refusal {
    refusal::plain(401, "535 5.7.8 Authentication credentials invalid")
}
