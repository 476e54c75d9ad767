//! Where secrets are kept: the keychain of the system, an encrypted file, or memory.
//!
//! A data directory has one place. It is the encrypted file `vault.age` where that is there or a key to it is given, and the
//! keychain otherwise. Nothing is opened before a secret is first asked for, and what was read once is kept in memory.
//!
//! Invariant: a secret is never written anywhere in clear.
//! Invariant: a secret that was pinned is in memory only, and hides what is kept under its id.
//! Invariant: what was stored is on disk, or in the keychain, before [`Vault::insert`] returns.
mod error;
mod file;
mod key;
mod keychain;
mod parts;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use zeroize::Zeroizing;

pub use self::error::VaultError;
use self::file::SealedFile;
pub use self::key::VaultKey;
use self::keychain::Keychain;
use super::{ConnectionId, Secret};

/// A record; wiped when dropped.
type Bytes = Zeroizing<Vec<u8>>;

/// The only owner of secrets; cheap to clone, all clones are the same vault.
#[derive(Clone)]
pub struct Vault {
    inner: Arc<Inner>,
}

struct Inner {
    place: Place,
    store: Mutex<Option<Arc<Store>>>,
    /// Secrets of the environment: in memory only.
    pinned: RwLock<HashMap<ConnectionId, Arc<Secret>>>,
    cache: RwLock<HashMap<ConnectionId, Arc<Secret>>>,
}

enum Place {
    /// Gone with the process.
    Memory,
    Directory {
        data: PathBuf,
        key: Option<VaultKey>,
    },
}

enum Store {
    Keychain(Keychain),
    File(SealedFile),
}

/// Where the secrets of a data directory are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VaultPlace {
    /// Gone with the process.
    Memory,
    /// The keychain of the system.
    Keychain,
    /// `vault.age` in the data directory.
    File,
}

impl Vault {
    /// A vault that is gone with the process.
    pub fn in_memory() -> Self {
        Self::of(Place::Memory)
    }

    /// The vault of a data directory, which is opened when a secret is first asked for. The key is for the encrypted file.
    pub fn at(data: &Path, key: Option<VaultKey>) -> Self {
        Self::of(Place::Directory { data: data.to_owned(), key })
    }

    /// The vault of a data directory, opened. Blocks.
    ///
    /// # Errors
    /// [`VaultError`] where there is no place for secrets, or it cannot be opened.
    pub fn open(data: &Path, key: Option<VaultKey>) -> Result<Self, VaultError> {
        let vault = Self::at(data, key);
        vault.store()?;
        Ok(vault)
    }

    fn of(place: Place) -> Self {
        let inner = Inner { place, store: Mutex::default(), pinned: RwLock::default(), cache: RwLock::default() };
        Self { inner: Arc::new(inner) }
    }

    /// Where its secrets are kept, or would be.
    pub fn place(&self) -> VaultPlace {
        match &self.inner.place {
            Place::Memory => VaultPlace::Memory,
            Place::Directory { data, key } if key.is_some() || data.join(file::NAME).exists() => VaultPlace::File,
            Place::Directory { .. } => VaultPlace::Keychain,
        }
    }

    /// The directory that it belongs to; none for one in memory.
    pub fn dir(&self) -> Option<&Path> {
        match &self.inner.place {
            Place::Memory => None,
            Place::Directory { data, .. } => Some(data),
        }
    }

    /// Keeps a secret in memory only, in place of what is stored under that id.
    pub fn pin(&self, id: ConnectionId, secret: Secret) {
        self.inner.pinned.write().unwrap_or_else(PoisonError::into_inner).insert(id, Arc::new(secret));
    }

    /// Pins these secrets and no others, and forgets what was read: it is read again when it is asked for.
    pub fn repin(&self, secrets: Vec<(ConnectionId, Secret)>) {
        let secrets = secrets.into_iter().map(|(id, secret)| (id, Arc::new(secret))).collect();
        *self.inner.pinned.write().unwrap_or_else(PoisonError::into_inner) = secrets;
        if !matches!(self.inner.place, Place::Memory) {
            self.inner.cache.write().unwrap_or_else(PoisonError::into_inner).clear();
        }
    }

    /// The secret of a connection, if it is in memory.
    pub fn cached(&self, id: &ConnectionId) -> Option<Arc<Secret>> {
        let pinned = self.inner.pinned.read().unwrap_or_else(PoisonError::into_inner).get(id).cloned();
        pinned.or_else(|| self.inner.cache.read().unwrap_or_else(PoisonError::into_inner).get(id).cloned())
    }

    /// The secret of a connection. The first time blocks, and may wait for a person who unlocks the keychain.
    ///
    /// # Errors
    /// [`VaultError`] where it cannot be read; none is no error.
    pub fn get(&self, id: &ConnectionId) -> Result<Option<Arc<Secret>>, VaultError> {
        match self.cached(id) {
            Some(secret) => Ok(Some(secret)),
            None => self.reload(id),
        }
    }

    /// The same from asynchronous code.
    ///
    /// # Errors
    /// As [`Vault::get`].
    pub async fn fetch(&self, id: &ConnectionId) -> Result<Option<Arc<Secret>>, VaultError> {
        if matches!(self.inner.place, Place::Memory) {
            return Ok(self.cached(id));
        }
        if let Some(secret) = self.cached(id) {
            return Ok(Some(secret));
        }
        let (vault, id) = (self.clone(), id.clone());
        let read = tokio::task::spawn_blocking(move || vault.get(&id)).await;
        read.unwrap_or_else(|error| Err(VaultError::Keychain { why: error.to_string() }))
    }

    /// The secret as it is stored now: another process may have stored a newer one. Blocks.
    ///
    /// # Errors
    /// As [`Vault::get`].
    pub fn reload(&self, id: &ConnectionId) -> Result<Option<Arc<Secret>>, VaultError> {
        if let Some(pinned) = self.inner.pinned.read().unwrap_or_else(PoisonError::into_inner).get(id) {
            return Ok(Some(Arc::clone(pinned)));
        }
        if matches!(self.inner.place, Place::Memory) {
            return Ok(self.cached(id));
        }
        let found = match &*self.store()? {
            Store::Keychain(it) => it.get(id.as_str()),
            Store::File(it) => it.get(id.as_str()),
        }?;
        let secret = found.map(|bytes| Secret::decode(&bytes)).transpose().map_err(|why| damaged(id, &why))?;
        let secret = secret.map(Arc::new);
        let mut cache = self.inner.cache.write().unwrap_or_else(PoisonError::into_inner);
        match &secret {
            Some(secret) => drop(cache.insert(id.clone(), Arc::clone(secret))),
            None => drop(cache.remove(id)),
        }
        Ok(secret)
    }

    /// Keeps the secret of a connection in place of the one before; a pinned one stays in memory only. Blocks.
    ///
    /// # Errors
    /// [`VaultError`] where it cannot be stored; the one before is kept then.
    pub fn insert(&self, id: ConnectionId, secret: impl Into<Arc<Secret>>) -> Result<(), VaultError> {
        let secret = secret.into();
        {
            let mut pinned = self.inner.pinned.write().unwrap_or_else(PoisonError::into_inner);
            if let Some(place) = pinned.get_mut(&id) {
                *place = secret;
                return Ok(());
            }
        }
        if !matches!(self.inner.place, Place::Memory) {
            let bytes = secret.encode().map_err(|why| damaged(&id, &why))?;
            match &*self.store()? {
                Store::Keychain(it) => it.set(id.as_str(), &bytes),
                Store::File(it) => it.set(id.as_str(), &bytes),
            }?;
        }
        self.inner.cache.write().unwrap_or_else(PoisonError::into_inner).insert(id, secret);
        Ok(())
    }

    /// Forgets the secret of a connection; whether there was one. Blocks.
    ///
    /// # Errors
    /// [`VaultError`] where it cannot be removed.
    pub fn remove(&self, id: &ConnectionId) -> Result<bool, VaultError> {
        let pinned = self.inner.pinned.write().unwrap_or_else(PoisonError::into_inner).remove(id).is_some();
        let stored = match self.inner.place {
            Place::Memory => false,
            Place::Directory { .. } => match &*self.store()? {
                Store::Keychain(it) => it.remove(id.as_str()),
                Store::File(it) => it.remove(id.as_str()),
            }?,
        };
        let cached = self.inner.cache.write().unwrap_or_else(PoisonError::into_inner).remove(id).is_some();
        Ok(pinned || stored || cached)
    }

    /// Opened when first needed; what could not be opened is tried again the next time.
    fn store(&self) -> Result<Arc<Store>, VaultError> {
        let mut store = self.inner.store.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(store) = &*store {
            return Ok(Arc::clone(store));
        }
        let Place::Directory { data, key } = &self.inner.place else {
            return Err(VaultError::NoPlace { why: "this vault is in memory".to_owned() });
        };
        let opened = match key {
            Some(key) => Store::File(SealedFile::open(data, key.clone())?),
            None if data.join(file::NAME).exists() => return Err(VaultError::NoKey { path: data.join(file::NAME) }),
            None => Store::Keychain(Keychain::open(data)?),
        };
        Ok(Arc::clone(store.insert(Arc::new(opened))))
    }
}

fn damaged(id: &ConnectionId, why: &dyn fmt::Display) -> VaultError {
    VaultError::Damaged { what: format!("the secret of \"{id}\""), why: why.to_string() }
}

impl Default for Vault {
    fn default() -> Self {
        Self::in_memory()
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault").field("place", &self.place()).finish_non_exhaustive()
    }
}
