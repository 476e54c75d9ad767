//! The file of one account's budget, which all processes that use a data directory change in turn.
use std::cmp::Ordering;
use std::fs::{File, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::ledger::Ledger;
use super::member::{self, Member};
use super::words;
use crate::catalog::Rate;

/// The end of a file's name.
pub(super) const EXTENSION: &str = "budget";
/// Others hold the file for microseconds; whoever does not give it up for so long is passed over.
const PATIENCE: Duration = Duration::from_millis(100);
/// And is asked again after this long.
const ALONE: Duration = Duration::from_secs(1);
/// So often it is seen whether the file is still the one of its name, and who is gone.
const LOOK: Duration = Duration::from_millis(250);

/// The file, and what this process has to add to it.
#[derive(Debug)]
pub(super) struct Shared {
    member: Arc<Member>,
    path: PathBuf,
    /// Open only while there is something under way: there may be very many accounts.
    file: Option<File>,
    /// The first words of what the file is known to hold.
    head: [u8; words::HEAD * 8],
    bytes: Vec<u8>,
    /// Until when the file is left alone, since it could not be used.
    alone: Option<Instant>,
    looked: Option<Instant>,
    swept: Option<Instant>,
    /// Requests that were taken and that were answered while it could not be used.
    owed: (u32, u32),
    warned: bool,
}

impl Shared {
    /// `name` is a digest of the account.
    pub(super) fn of(member: Arc<Member>, name: &str) -> Self {
        let path = path(&member.budgets(), name);
        Self {
            member,
            path,
            file: None,
            head: [0; words::HEAD * 8],
            bytes: Vec::new(),
            alone: None,
            looked: None,
            swept: None,
            owed: (0, 0),
            warned: false,
        }
    }

    /// Changes the ledger as the file has it. Where the file cannot be used the ledger is changed as it is known here.
    pub(super) fn change<T>(
        &mut self,
        ledger: &mut Ledger,
        rates: &[Rate],
        now: impl Fn() -> i64,
        act: impl FnOnce(&mut Ledger, u64, i64) -> T,
    ) -> T {
        let Some(user) = self.member.id() else { return act(ledger, 0, now()) };
        let is_shared = self.begin(ledger, rates, user, &now);
        let before = (ledger.pace.today, ledger.flying_of(user));
        // Under the lock, so that time goes on from one who holds it to the next.
        let at = now();
        if is_shared && self.owed != (0, 0) {
            let (taken, answered) = std::mem::take(&mut self.owed);
            ledger.catch_up(taken, answered, at);
        }
        let out = act(ledger, user, at);
        let is_shared = is_shared && self.end(ledger, user).inspect_err(|error| self.give_up(error)).is_ok();
        if !is_shared {
            let (today, flying) = (ledger.pace.today, ledger.flying_of(user));
            match flying.cmp(&before.1) {
                Ordering::Greater => self.owed.0 += 1,
                Ordering::Less if today < before.0 => self.owed.0 = self.owed.0.saturating_sub(1),
                Ordering::Less => self.owed.1 += 1,
                Ordering::Equal => {}
            }
        }
        out
    }

    /// Locks the file and takes in what it holds; false where that cannot be.
    fn begin(&mut self, ledger: &mut Ledger, rates: &[Rate], user: u64, now: &impl Fn() -> i64) -> bool {
        if self.alone.is_some_and(|it| it > Instant::now()) {
            return false;
        }
        let was_alone = self.alone.take().is_some();
        match self.lock().and_then(|()| self.read()) {
            Ok(None) => {
                if was_alone {
                    // What is known here is all that there is.
                    self.owed = (0, 0);
                }
                true
            }
            Ok(Some(read)) => {
                let own = was_alone.then(|| ledger.flying_of(user));
                *ledger = read.under(rates, now());
                if let Some(flying) = own {
                    ledger.fly(user, flying);
                }
                true
            }
            Err(error) => {
                self.give_up(&error);
                false
            }
        }
    }

    fn give_up(&mut self, error: &io::Error) {
        if !self.warned {
            tracing::warn!(%error, path = %self.path.display(), "a budget is counted in this process alone for now");
            self.warned = true;
        }
        self.alone = Some(Instant::now() + ALONE);
        self.file = None;
        self.head = [0; words::HEAD * 8];
    }

    fn lock(&mut self) -> io::Result<()> {
        let now = Instant::now();
        if self.looked.is_none_or(|it| now - it > LOOK) {
            self.looked = Some(now);
            if self.file.as_ref().is_some_and(is_removed) {
                self.file = None;
            }
        }
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(open(&self.path)?),
        };
        let (began, mut tries) = (std::time::Instant::now(), 0_u32);
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(()),
                Err(TryLockError::WouldBlock) if began.elapsed() < PATIENCE => {
                    tries += 1;
                    if tries < 50 { std::thread::yield_now() } else { std::thread::sleep(Duration::from_micros(200)) }
                }
                Err(TryLockError::WouldBlock) => return Err(io::Error::other("another process does not give it up")),
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
    }

    /// What the file holds; none if that is known already, or is no ledger: then the one that is known here goes on.
    fn read(&mut self) -> io::Result<Option<Ledger>> {
        let Some(file) = &mut self.file else { return Ok(None) };
        self.bytes.resize(words::HEAD * 8, 0);
        file.rewind()?;
        let has_head = match file.read_exact(&mut self.bytes) {
            Ok(()) => true,
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => false,
            Err(error) => return Err(error),
        };
        if !has_head || self.bytes == self.head {
            return Ok(None);
        }
        let Some(length) = words::length(&self.bytes) else { return Ok(None) };
        self.bytes.resize(length, 0);
        match file.read_exact(&mut self.bytes[words::HEAD * 8..]) {
            Ok(()) => Ok(words::decode(&self.bytes)),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes the ledger and unlocks the file.
    fn end(&mut self, ledger: &Ledger, user: u64) -> io::Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        words::encode(ledger, &mut self.bytes);
        self.head.copy_from_slice(&self.bytes[..words::HEAD * 8]);
        file.rewind()?;
        file.write_all(&self.bytes)?;
        file.unlock()?;
        if !ledger.knows(user) {
            self.file = None;
        }
        Ok(())
    }

    /// Whether it is held open.
    #[cfg(test)]
    pub(super) fn is_open(&self) -> bool {
        self.file.is_some()
    }

    /// Those of these users who are gone; asked now and then only.
    pub(super) fn gone(&mut self, ledger: &Ledger) -> Vec<u64> {
        let now = Instant::now();
        if self.swept.is_some_and(|it| now - it < LOOK) {
            return Vec::new();
        }
        self.swept = Some(now);
        gone(&self.member.budgets(), ledger, self.member.id())
    }
}

/// The users of a ledger who are gone.
pub(super) fn gone(dir: &Path, ledger: &Ledger, me: Option<u64>) -> Vec<u64> {
    let others = ledger.users.iter().map(|it| it.id).filter(|it| Some(*it) != me);
    others.filter(|it| member::has_left(dir, *it)).collect()
}

/// The file of an account.
pub(super) fn path(dir: &Path, name: &str) -> PathBuf {
    dir.join(format!("{name}.{EXTENSION}"))
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.create(true).truncate(false).read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(unix)]
fn is_removed(file: &File) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    file.metadata().is_ok_and(|it| it.nlink() == 0)
}

#[cfg(not(unix))]
fn is_removed(_file: &File) -> bool {
    false
}
