//! The encrypted file: all secrets of a data directory in `vault.age`, in the format of age (version 1).
//!
//! Invariant: the file is read again whenever another process changed it, and is written by one process at a time.
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::key::{Opener, Sealed};
use super::{Bytes, VaultError, VaultKey};
use crate::connector::disk::{self, Lock};

/// Its name in the data directory.
pub(super) const NAME: &str = "vault.age";
const VERSION: u64 = 1;
/// Ten thousand connections need a tenth of it.
const LONGEST: u64 = 64 << 20;

/// The encrypted file of a data directory; it is made with the first secret.
pub(super) struct SealedFile {
    data: PathBuf,
    path: PathBuf,
    key: VaultKey,
    opener: Opener,
    read: Mutex<Read>,
}

/// What was read last.
#[derive(Default)]
struct Read {
    /// Of the encrypted bytes; none where there was no file.
    digest: Option<[u8; 32]>,
    records: BTreeMap<String, Bytes>,
}

/// What is encrypted.
#[derive(Deserialize)]
struct Plain<'a> {
    version: u64,
    #[serde(borrow, default)]
    records: BTreeMap<String, &'a str>,
}

impl SealedFile {
    /// Opens it, or gets ready to make it.
    ///
    /// # Errors
    /// If the key cannot be read or does not fit, or the file is damaged.
    pub(super) fn open(data: &Path, key: VaultKey) -> Result<Self, VaultError> {
        let opener = key.read()?;
        let file = Self { data: data.to_owned(), path: data.join(NAME), key, opener, read: Mutex::default() };
        drop(file.fresh()?);
        Ok(file)
    }

    pub(super) fn get(&self, key: &str) -> Result<Option<Bytes>, VaultError> {
        Ok(self.fresh()?.records.get(key).cloned())
    }

    pub(super) fn set(&self, key: &str, value: &[u8]) -> Result<(), VaultError> {
        self.change(|records| {
            records.insert(key.to_owned(), Zeroizing::new(value.to_vec()));
            true
        })?;
        Ok(())
    }

    pub(super) fn remove(&self, key: &str) -> Result<bool, VaultError> {
        self.change(|records| records.remove(key).is_some())
    }

    /// Makes a change to what the file holds now, and writes it if there is one; says which.
    fn change(&self, change: impl FnOnce(&mut BTreeMap<String, Bytes>) -> bool) -> Result<bool, VaultError> {
        let failed = |error: std::io::Error| VaultError::Disk { path: self.path.clone(), writing: true, why: error.to_string() };
        let _lock = Lock::wait(&self.data, "vault").map_err(failed)?;
        let mut read = self.fresh()?;
        let mut records = read.records.clone();
        if !change(&mut records) {
            return Ok(false);
        }
        let damaged = |why: String| VaultError::Damaged { what: self.path.display().to_string(), why };
        let sealed = self.opener.encrypt(&plain(&records)).map_err(damaged)?;
        disk::write(&self.path, &sealed).map_err(failed)?;
        *read = Read { digest: Some(Sha256::digest(&sealed).into()), records };
        Ok(true)
    }

    /// What the file holds now.
    fn fresh(&self) -> Result<MutexGuard<'_, Read>, VaultError> {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let failed = |error: std::io::Error| VaultError::Disk { path: self.path.clone(), writing: false, why: error.to_string() };
        let Some(sealed) = disk::read(&self.path, LONGEST).map_err(failed)? else {
            *read = Read::default();
            return Ok(read);
        };
        let digest: [u8; 32] = Sha256::digest(&sealed).into();
        if read.digest == Some(digest) {
            return Ok(read);
        }
        let plain = self.opener.decrypt(&sealed).map_err(|error| match error {
            Sealed::OtherKey => VaultError::WrongKey { path: self.path.clone(), given: self.key.in_words() },
            Sealed::Damaged(why) => VaultError::Damaged { what: self.path.display().to_string(), why },
        })?;
        *read = Read { digest: Some(digest), records: self.records(&plain)? };
        Ok(read)
    }

    fn records(&self, plain: &[u8]) -> Result<BTreeMap<String, Bytes>, VaultError> {
        #[derive(Deserialize)]
        struct Version {
            version: u64,
        }
        let what = || self.path.display().to_string();
        // The words of the parser could repeat what it read.
        let damaged =
            || VaultError::Damaged { what: what(), why: "what is encrypted in it is not what Flowyard writes".to_owned() };
        let Version { version } = serde_json::from_slice(plain).map_err(|_repeats| damaged())?;
        if version != VERSION {
            return Err(VaultError::Version { what: what(), found: version, known: VERSION });
        }
        let plain: Plain<'_> = serde_json::from_slice(plain).map_err(|_repeats| damaged())?;
        debug_assert_eq!(plain.version, VERSION);
        let decoded = plain
            .records
            .into_iter()
            .map(|(key, text)| Ok((key, Zeroizing::new(STANDARD.decode(text).map_err(|_repeats| damaged())?))));
        decoded.collect()
    }
}

/// The text that is encrypted. Records are in Base64, so that nothing that reads or writes JSON makes copies of them.
fn plain(records: &BTreeMap<String, Bytes>) -> Zeroizing<Vec<u8>> {
    let length: usize = records.iter().map(|(key, value)| key.len() * 6 + value.len() * 4 / 3 + 16).sum();
    let mut out = Zeroizing::new(Vec::with_capacity(length + 64));
    out.extend_from_slice(format!("{{\"version\":{VERSION},\"records\":{{").as_bytes());
    for (at, (key, value)) in records.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        out.extend_from_slice(serde_json::Value::String(key.clone()).to_string().as_bytes());
        out.extend_from_slice(b":\"");
        out.extend_from_slice(Zeroizing::new(STANDARD.encode(value.as_slice())).as_bytes());
        out.push(b'"');
    }
    out.extend_from_slice(b"}}");
    out
}
