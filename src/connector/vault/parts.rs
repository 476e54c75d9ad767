//! A record in a keychain, in one entry where it fits, and in several where it does not: some systems bound an entry
//! (Windows: 2,560 bytes, `CRED_MAX_CREDENTIAL_BLOB_SIZE`), and an OAuth record with two signed tokens is longer.
//!
//! The entry of a record is its head: the record itself, or which parts it has. Parts come in two sets, and a record is
//! written into the set that its head does not name.
//!
//! Invariant: whatever ends a write, the head names parts that are whole: the old ones before it is written, then the new ones.
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::{Bytes, VaultError};

/// So much goes into an entry, in bytes.
pub(super) const LONGEST: usize = 2_000;
/// More parts than this are no record of ours.
const MOST: usize = 64;
const WHOLE: &[u8] = b"whole:";
const PARTS: &[u8] = b"parts:";

/// Where entries are kept, by name.
pub(super) trait Entries {
    fn get(&self, name: &str) -> Result<Option<Bytes>, VaultError>;
    fn set(&self, name: &str, value: Bytes) -> Result<(), VaultError>;
    /// Whether there was one.
    fn remove(&self, name: &str) -> Result<bool, VaultError>;
}

/// A head that names parts.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Head {
    set: char,
    parts: usize,
    digest: [u8; 32],
}

impl Head {
    fn other(set: Option<char>) -> char {
        if set == Some('a') { 'b' } else { 'a' }
    }
}

enum Kept {
    Nothing,
    Whole(Bytes),
    Parts(Head),
}

fn part(name: &str, set: char, at: usize) -> String {
    // No name of a head begins so.
    format!("#{set}{at}/{name}")
}

fn kept(entries: &dyn Entries, name: &str) -> Result<Kept, VaultError> {
    let Some(bytes) = entries.get(name)? else { return Ok(Kept::Nothing) };
    let strange =
        || VaultError::Damaged { what: "a secret in the keychain".to_owned(), why: "it is not what Flowyard writes".to_owned() };
    if let Some(rest) = bytes.strip_prefix(WHOLE) {
        return Ok(Kept::Whole(Zeroizing::new(rest.to_vec())));
    }
    let head: Head = bytes.strip_prefix(PARTS).and_then(|it| serde_json::from_slice(it).ok()).ok_or_else(strange)?;
    if head.parts > MOST || !matches!(head.set, 'a' | 'b') { Err(strange()) } else { Ok(Kept::Parts(head)) }
}

/// The record of this name.
pub(super) fn get(entries: &dyn Entries, name: &str) -> Result<Option<Bytes>, VaultError> {
    // Another process may be writing: what its head says now is whole.
    let mut last = None;
    for _ in 0..3 {
        let head = match kept(entries, name)? {
            Kept::Nothing => return Ok(None),
            Kept::Whole(bytes) => return Ok(Some(bytes)),
            Kept::Parts(head) => head,
        };
        let mut whole = Zeroizing::new(Vec::with_capacity(head.parts * LONGEST));
        for at in 0..head.parts {
            if let Some(bytes) = entries.get(&part(name, head.set, at))? {
                whole.extend_from_slice(&bytes);
            }
        }
        if Sha256::digest(whole.as_slice()).as_slice() == head.digest {
            return Ok(Some(whole));
        }
        if last.replace(head.digest) == Some(head.digest) {
            break;
        }
    }
    Err(VaultError::Damaged { what: "a secret in the keychain".to_owned(), why: "a part of it is missing".to_owned() })
}

/// Keeps a record under this name, in place of the one before.
pub(super) fn set(entries: &dyn Entries, name: &str, value: &[u8]) -> Result<(), VaultError> {
    // What cannot be read is replaced all the same.
    let before = match kept(entries, name) {
        Ok(Kept::Parts(head)) => Some(head),
        Ok(Kept::Nothing | Kept::Whole(_)) | Err(VaultError::Damaged { .. }) => None,
        Err(error) => return Err(error),
    };
    let mut head = Zeroizing::new(Vec::with_capacity(LONGEST));
    if value.len() + WHOLE.len() <= LONGEST {
        head.extend_from_slice(WHOLE);
        head.extend_from_slice(value);
    } else {
        let set = Head::other(before.as_ref().map(|it| it.set));
        let pieces = value.chunks(LONGEST);
        let written = Head { set, parts: pieces.len(), digest: Sha256::digest(value).into() };
        if written.parts > MOST {
            return Err(VaultError::Keychain { why: format!("the secret is too long for it ({} bytes)", value.len()) });
        }
        for (at, piece) in pieces.enumerate() {
            entries.set(&part(name, set, at), Zeroizing::new(piece.to_vec()))?;
        }
        let text = serde_json::to_vec(&written).map_err(|error| VaultError::Keychain { why: error.to_string() })?;
        head.extend_from_slice(PARTS);
        head.extend_from_slice(&text);
    }
    entries.set(name, head)?;
    // Parts that nothing names any more; where that fails, the next write of that set goes over them.
    if let Some(before) = before {
        forget(entries, name, &before).ok();
    }
    Ok(())
}

/// Forgets a record; whether there was one.
pub(super) fn remove(entries: &dyn Entries, name: &str) -> Result<bool, VaultError> {
    let before = kept(entries, name);
    let was_there = entries.remove(name)?;
    if let Ok(Kept::Parts(head)) = before {
        forget(entries, name, &head)?;
    }
    Ok(was_there)
}

fn forget(entries: &dyn Entries, name: &str, head: &Head) -> Result<(), VaultError> {
    (0..head.parts).try_for_each(|at| entries.remove(&part(name, head.set, at)).map(drop))
}
