//! When services were last looked at, kept for whoever wants to know.
use serde_json::Value;

use super::{KEPT, Shared};
use crate::engine::Look;
use crate::engine::log::LOOKS;

/// Keeps the last look of a feed in place of the one before. It is no matter for the feed where that does not reach the disk.
pub(super) fn keep(shared: &Shared, scope: &str, look: &Look) {
    let value = serde_json::to_value(look).unwrap_or_default();
    drop(shared.journal.put_state(LOOKS, key(scope), &value));
}

/// Forgets the last looks at places that are gone; `known` says which begin what is still there.
pub(super) fn forget(shared: &Shared, known: &[String]) -> Result<(), crate::journal::JournalError> {
    for (kept, _) in shared.journal.reader().states(LOOKS)? {
        if !known.iter().any(|it| kept.starts_with(key(it))) {
            drop(shared.journal.put_state(LOOKS, &kept, &Value::Null));
        }
    }
    Ok(())
}

/// What the feed is called there.
fn key(scope: &str) -> &str {
    scope.strip_prefix(KEPT).unwrap_or(scope)
}
