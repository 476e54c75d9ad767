//! What opens the encrypted file: a passphrase, or a key file.
use std::fmt;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::str::FromStr as _;

use age::secrecy::{ExposeSecret as _, SecretString};
use age::{scrypt, x25519};
use zeroize::Zeroizing;

use super::VaultError;
use crate::connector::disk;

/// scrypt's cost for a passphrase (2^16, with blocks of 8): 64 MiB, and under half a second.
const WORK: u8 = 16;
/// A file that somebody else made may cost four times as much, and no more.
const MOST_WORK: u8 = 18;
/// A key is 74 characters; whatever is longer than this is another file.
const LONGEST: u64 = 64 << 10;

/// What opens the encrypted file.
#[derive(Clone)]
pub enum VaultKey {
    /// Made of a text that a person, or their machine, remembers.
    Passphrase(Zeroizing<String>),
    /// X25519 keys in a file, as `age-keygen` writes it. What is written is for the first, what is read may be for any of them.
    File(PathBuf),
}

impl fmt::Debug for VaultKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.in_words())
    }
}

/// A key that has been read.
pub(super) enum Opener {
    Passphrase(SecretString),
    Keys(Vec<x25519::Identity>),
}

impl VaultKey {
    /// What a person is told of it.
    pub(super) fn in_words(&self) -> String {
        match self {
            Self::Passphrase(_) => "the passphrase that was given".to_owned(),
            Self::File(path) => format!("the key file {}", path.display()),
        }
    }

    pub(super) fn read(&self) -> Result<Opener, VaultError> {
        let path = match self {
            Self::Passphrase(text) => return Ok(Opener::Passphrase(SecretString::from(text.as_str()))),
            Self::File(path) => path,
        };
        let wrong = |why: &str| VaultError::KeyFile { path: path.clone(), why: why.to_owned() };
        let bytes = disk::read(path, LONGEST).map_err(|error| wrong(&error.to_string()))?;
        let bytes = Zeroizing::new(bytes.ok_or_else(|| wrong("there is no such file"))?);
        let text = std::str::from_utf8(&bytes).map_err(|_binary| wrong("it is not text"))?;
        let lines = text.lines().map(str::trim).filter(|it| !it.is_empty() && !it.starts_with('#'));
        let keys: Result<Vec<_>, _> = lines.map(x25519::Identity::from_str).collect();
        match keys {
            Ok(keys) if !keys.is_empty() => Ok(Opener::Keys(keys)),
            Ok(_) => Err(wrong("there is no key in it")),
            Err(_) => Err(wrong("it holds something else than keys that begin with AGE-SECRET-KEY-")),
        }
    }

    /// Makes a new key file.
    ///
    /// # Errors
    /// If there is a file of that name, or it cannot be written.
    pub fn make_file(path: &Path) -> Result<(), VaultError> {
        let failed = |error: io::Error| VaultError::KeyFile { path: path.to_owned(), why: error.to_string() };
        let mut options = File::options();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path).map_err(failed)?;
        let key = x25519::Identity::generate();
        let text = key.to_string();
        let head = format!(
            "# The key to Flowyard's secrets on this machine. Without it they are lost.\n# public key: {}\n",
            key.to_public()
        );
        for piece in [head.as_str(), text.expose_secret(), "\n"] {
            file.write_all(piece.as_bytes()).map_err(failed)?;
        }
        file.sync_all().map_err(failed)
    }
}

impl Opener {
    /// Encrypts; the format is age's, version 1 (<https://age-encryption.org/v1>).
    pub(super) fn encrypt(&self, plain: &[u8]) -> Result<Vec<u8>, String> {
        let failed = |error: age::EncryptError| error.to_string();
        match self {
            Self::Passphrase(text) => {
                let mut recipient = scrypt::Recipient::new(text.clone());
                recipient.set_work_factor(WORK);
                age::encrypt(&recipient, plain).map_err(failed)
            }
            Self::Keys(keys) => match keys.first() {
                Some(key) => age::encrypt(&key.to_public(), plain).map_err(failed),
                None => Err("there is no key".to_owned()),
            },
        }
    }

    /// Decrypts.
    pub(super) fn decrypt(&self, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Sealed> {
        use std::io::Read as _;
        let decryptor = age::Decryptor::new_buffered(sealed).map_err(Sealed::of)?;
        let mut reader = match self {
            Self::Passphrase(text) => {
                let mut identity = scrypt::Identity::new(text.clone());
                identity.set_max_work_factor(MOST_WORK);
                decryptor.decrypt(std::iter::once(&identity as &dyn age::Identity))
            }
            Self::Keys(keys) => decryptor.decrypt(keys.iter().map(|it| it as &dyn age::Identity)),
        }
        .map_err(Sealed::of)?;
        // What is in it is never longer than what it is in.
        let mut plain = Zeroizing::new(Vec::with_capacity(sealed.len()));
        reader.read_to_end(&mut plain).map_err(|error| Sealed::Damaged(error.to_string()))?;
        Ok(plain)
    }
}

/// Why what is encrypted stays so.
pub(super) enum Sealed {
    /// Another key opens it.
    OtherKey,
    /// Nothing does.
    Damaged(String),
}

impl Sealed {
    fn of(error: age::DecryptError) -> Self {
        use age::DecryptError as It;
        match error {
            It::DecryptionFailed | It::NoMatchingKeys | It::KeyDecryptionFailed => Self::OtherKey,
            It::InvalidHeader | It::InvalidMac => Self::Damaged("its beginning is not what was written".to_owned()),
            It::UnknownFormat => Self::Damaged("it is not encrypted in the format age v1".to_owned()),
            It::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => Self::Damaged("it ends too early".to_owned()),
            It::Io(error) => Self::Damaged(error.to_string()),
            It::ExcessiveWork { .. } => Self::Damaged("opening it would take too long".to_owned()),
            other => Self::Damaged(other.to_string()),
        }
    }
}
