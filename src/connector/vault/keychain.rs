//! The keychain of the system: the Secret Service on Linux and the BSDs (by D-Bus), Keychain Services on macOS, the Credential
//! Manager on Windows.
//!
//! Its calls block, and may wait for a person who unlocks it; so a thread of its own makes them, and whoever asks waits a
//! bounded time. A keychain belongs to the user and not to a data directory: `vault.json` there names the part of it that is
//! the directory's.
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use keyring_core::api::CredentialStore;
use keyring_core::{Entry, Error};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::parts::{self, Entries};
use super::{Bytes, VaultError};
use crate::connector::disk::{self, Lock};

/// The file that names a data directory's part of the keychain.
pub(super) const NAME: &str = "vault.json";
const VERSION: u64 = 1;
const SERVICE: &str = "flowyard";
/// A person needs a moment to unlock a keychain.
const PATIENCE: Duration = Duration::from_mins(1);

#[derive(Serialize, Deserialize)]
struct Marker {
    version: u64,
    keychain: String,
}

/// A data directory's part of the keychain.
pub(super) struct Keychain {
    data: PathBuf,
    thread: Thread,
    /// Goes before the name of every entry, once the marker is there.
    scope: Mutex<Option<String>>,
}

impl Keychain {
    /// Asks whether there is a keychain at all.
    ///
    /// # Errors
    /// If none answers.
    pub(super) fn open(data: &Path) -> Result<Self, VaultError> {
        let keychain = Self { data: data.to_owned(), thread: Thread::default(), scope: Mutex::default() };
        keychain.thread.ask(Wanted::Hello)?;
        Ok(keychain)
    }

    pub(super) fn get(&self, key: &str) -> Result<Option<Bytes>, VaultError> {
        match self.scope(false)? {
            Some(scope) => parts::get(&self.thread, &name(&scope, key)),
            None => Ok(None),
        }
    }

    pub(super) fn set(&self, key: &str, value: &[u8]) -> Result<(), VaultError> {
        let _lock = self.lock()?;
        match self.scope(true)? {
            Some(scope) => parts::set(&self.thread, &name(&scope, key), value),
            None => Ok(()),
        }
    }

    pub(super) fn remove(&self, key: &str) -> Result<bool, VaultError> {
        let _lock = self.lock()?;
        match self.scope(false)? {
            Some(scope) => parts::remove(&self.thread, &name(&scope, key)),
            None => Ok(false),
        }
    }

    fn lock(&self) -> Result<Lock, VaultError> {
        Lock::wait(&self.data, "vault").map_err(|error| self.failed(true, &error))
    }

    fn failed(&self, writing: bool, error: &std::io::Error) -> VaultError {
        VaultError::Disk { path: self.data.join(NAME), writing, why: error.to_string() }
    }

    /// The data directory's part; none where there is none yet and none is made.
    fn scope(&self, make: bool) -> Result<Option<String>, VaultError> {
        let mut scope = self.scope.lock().unwrap_or_else(PoisonError::into_inner);
        if scope.is_some() {
            return Ok(scope.clone());
        }
        let path = self.data.join(NAME);
        if let Some(bytes) = disk::read(&path, 4096).map_err(|error| self.failed(false, &error))? {
            let what = || path.display().to_string();
            let marker: Marker =
                serde_json::from_slice(&bytes).map_err(|error| VaultError::Damaged { what: what(), why: error.to_string() })?;
            if marker.version != VERSION {
                return Err(VaultError::Version { what: what(), found: marker.version, known: VERSION });
            }
            *scope = Some(marker.keychain);
        } else if make {
            let mut bytes = [0_u8; 8];
            getrandom::fill(&mut bytes).map_err(|error| VaultError::Keychain { why: error.to_string() })?;
            let number = u64::from_le_bytes(bytes);
            let marker = Marker { version: VERSION, keychain: format!("{number:016x}") };
            let text = serde_json::to_vec(&marker).map_err(|error| VaultError::Keychain { why: error.to_string() })?;
            disk::write(&path, &text).map_err(|error| self.failed(true, &error))?;
            *scope = Some(marker.keychain);
        }
        Ok(scope.clone())
    }
}

fn name(scope: &str, key: &str) -> String {
    format!("{scope}/{key}")
}

enum Wanted {
    Hello,
    Get(String),
    Set(String, Bytes),
    Remove(String),
}

enum Answer {
    Done,
    Found(Option<Bytes>),
    Removed(bool),
}

type Asked = (Wanted, SyncSender<Result<Answer, VaultError>>);

/// The thread that talks to the keychain; begun when first needed, and left behind where it does not come back.
#[derive(Default)]
struct Thread {
    asks: Mutex<Option<Sender<Asked>>>,
}

impl Thread {
    fn ask(&self, wanted: Wanted) -> Result<Answer, VaultError> {
        let broken = |why: &str| VaultError::Keychain { why: why.to_owned() };
        let (reply, answer) = sync_channel(1);
        {
            let mut asks = self.asks.lock().unwrap_or_else(PoisonError::into_inner);
            let sender = match asks.take() {
                Some(sender) => sender,
                None => begin()?,
            };
            sender.send((wanted, reply)).map_err(|_gone| broken("its thread has ended"))?;
            *asks = Some(sender);
        }
        match answer.recv_timeout(PATIENCE) {
            Ok(answer) => answer,
            Err(RecvTimeoutError::Timeout) => {
                // It waits for a person, or for ever; whoever asks next begins anew.
                self.asks.lock().unwrap_or_else(PoisonError::into_inner).take();
                let why = format!("it did not answer within {} seconds; it may be waiting for its password", PATIENCE.as_secs());
                Err(VaultError::Locked { why })
            }
            Err(RecvTimeoutError::Disconnected) => Err(broken("its thread has ended")),
        }
    }
}

impl Entries for Thread {
    fn get(&self, name: &str) -> Result<Option<Bytes>, VaultError> {
        match self.ask(Wanted::Get(name.to_owned()))? {
            Answer::Found(found) => Ok(found),
            Answer::Done | Answer::Removed(_) => Ok(None),
        }
    }

    fn set(&self, name: &str, value: Bytes) -> Result<(), VaultError> {
        self.ask(Wanted::Set(name.to_owned(), value)).map(drop)
    }

    fn remove(&self, name: &str) -> Result<bool, VaultError> {
        Ok(matches!(self.ask(Wanted::Remove(name.to_owned()))?, Answer::Removed(true)))
    }
}

fn begin() -> Result<Sender<Asked>, VaultError> {
    let (sender, asked) = channel();
    let thread = std::thread::Builder::new().name("flowyard-keychain".to_owned()).spawn(move || work(&asked));
    match thread {
        Ok(_) => Ok(sender),
        Err(error) => Err(VaultError::Keychain { why: error.to_string() }),
    }
}

fn work(asked: &Receiver<Asked>) {
    let mut store: Option<Arc<CredentialStore>> = None;
    while let Ok((wanted, reply)) = asked.recv() {
        let mut result = once(&mut store, &wanted);
        if matches!(result, Err(VaultError::Keychain { .. })) {
            // It may have been started anew meanwhile.
            store = None;
            result = once(&mut store, &wanted);
        }
        // Whoever asked may have given up.
        reply.send(result).ok();
    }
}

fn once(store: &mut Option<Arc<CredentialStore>>, wanted: &Wanted) -> Result<Answer, VaultError> {
    let store = match store {
        Some(store) => store,
        None => store.insert(system::open().map_err(|error| VaultError::NoPlace { why: words(&error) })?),
    };
    match wanted {
        Wanted::Hello => Ok(Answer::Done),
        Wanted::Get(name) => match entry(store, name)?.get_secret() {
            Ok(bytes) => Ok(Answer::Found(Some(Zeroizing::new(bytes)))),
            Err(Error::NoEntry) => Ok(Answer::Found(None)),
            Err(error) => Err(of(&error)),
        },
        Wanted::Set(name, value) => {
            entry(store, name)?.set_secret(value).map_err(|error| of(&error))?;
            Ok(Answer::Done)
        }
        Wanted::Remove(name) => match entry(store, name)?.delete_credential() {
            Ok(()) => Ok(Answer::Removed(true)),
            Err(Error::NoEntry) => Ok(Answer::Removed(false)),
            Err(error) => Err(of(&error)),
        },
    }
}

fn entry(store: &Arc<CredentialStore>, name: &str) -> Result<Entry, VaultError> {
    store.build(SERVICE, name, Some(&system::modifiers(name))).map_err(|error| of(&error))
}

fn of(error: &Error) -> VaultError {
    match error {
        Error::NoStorageAccess(_) => VaultError::Locked { why: words(error) },
        _ => VaultError::Keychain { why: words(error) },
    }
}

/// The words of an error, without the bytes that some of them carry.
fn words(error: &Error) -> String {
    match error {
        Error::PlatformFailure(inner) | Error::NoStorageAccess(inner) => {
            // Which library says it is of no use to a person.
            inner.to_string().trim_start_matches("zbus error: ").to_owned()
        }
        Error::BadEncoding(_) | Error::BadDataFormat(..) => "what it keeps is not what was written".to_owned(),
        Error::Ambiguous(entries) => format!("it holds {} entries of the same name", entries.len()),
        other => other.to_string(),
    }
}

#[cfg(all(unix, not(target_os = "macos")))]
mod system {
    use std::collections::HashMap;
    use std::sync::Arc;

    use keyring_core::Result;
    use keyring_core::api::CredentialStore;

    pub(super) fn open() -> Result<Arc<CredentialStore>> {
        Ok(zbus_secret_service_keyring_store::Store::new()?)
    }

    pub(super) fn modifiers(name: &str) -> HashMap<&'static str, &str> {
        // What keychains list it under.
        HashMap::from([("label", name)])
    }
}

#[cfg(target_os = "macos")]
mod system {
    use std::collections::HashMap;
    use std::sync::Arc;

    use keyring_core::Result;
    use keyring_core::api::CredentialStore;

    pub(super) fn open() -> Result<Arc<CredentialStore>> {
        Ok(apple_native_keyring_store::keychain::Store::new()?)
    }

    pub(super) fn modifiers(_: &str) -> HashMap<&'static str, &str> {
        HashMap::new()
    }
}

#[cfg(windows)]
mod system {
    use std::collections::HashMap;
    use std::sync::Arc;

    use keyring_core::Result;
    use keyring_core::api::CredentialStore;

    pub(super) fn open() -> Result<Arc<CredentialStore>> {
        Ok(windows_native_keyring_store::Store::new()?)
    }

    pub(super) fn modifiers(_: &str) -> HashMap<&'static str, &str> {
        // Other machines of a domain's user have data directories of their own.
        HashMap::from([("persistence", "Local")])
    }
}
