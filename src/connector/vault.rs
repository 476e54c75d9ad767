//! Where secrets are kept.
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use super::{ConnectionId, Secret};

/// The only owner of secrets; cheap to clone, all clones are the same vault.
#[derive(Clone)]
pub struct Vault {
    store: Arc<Store>,
}

/// The keychain of the system and the encrypted file join here.
enum Store {
    /// Gone with the process.
    Memory(RwLock<HashMap<ConnectionId, Arc<Secret>>>),
}

impl Vault {
    /// A vault that is gone with the process.
    pub fn in_memory() -> Self {
        Self { store: Arc::new(Store::Memory(RwLock::default())) }
    }

    /// Keeps the secret of a connection in place of the one before.
    pub fn insert(&self, id: ConnectionId, secret: impl Into<Arc<Secret>>) {
        let Store::Memory(map) = &*self.store;
        map.write().unwrap_or_else(PoisonError::into_inner).insert(id, secret.into());
    }

    /// The secret of a connection.
    pub fn get(&self, id: &ConnectionId) -> Option<Arc<Secret>> {
        let Store::Memory(map) = &*self.store;
        map.read().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    /// Forgets the secret of a connection; whether there was one.
    pub fn remove(&self, id: &ConnectionId) -> bool {
        let Store::Memory(map) = &*self.store;
        map.write().unwrap_or_else(PoisonError::into_inner).remove(id).is_some()
    }
}

impl Default for Vault {
    fn default() -> Self {
        Self::in_memory()
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_share_what_is_kept_and_nothing_is_printed() {
        let vault = Vault::in_memory();
        let id = ConnectionId::new("crm");
        let clone = vault.clone();
        clone.insert(id.clone(), Secret::token("canary-0123456789".into()));
        assert!(vault.get(&id).is_some() && clone.get(&id).is_some());
        assert!(!format!("{vault:?}").contains("canary"));
        assert!(vault.remove(&id) && vault.get(&id).is_none() && !vault.remove(&id));
    }
}
