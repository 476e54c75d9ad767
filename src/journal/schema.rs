//! The database file: how a connection to it is opened, and how it comes to the version that this program knows.
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::JournalError;

/// "FlYd": tells a journal from other databases.
const APPLICATION: i64 = 0x466c_5964;
/// What brings a file from each version to the next, the first from nothing. Never changed once released; only added to.
const STEPS: &[&str] = &[include_str!("schema/0001.sql")];
/// A write waits so long for a reader that is just opening or closing.
const READER_WAIT: Duration = Duration::from_secs(5);

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// The one that writes, or moves the log into the file.
    Write {
        /// How long it waits for another program's lock.
        wait: Duration,
    },
    /// One of those that read.
    Read,
}

pub(super) fn path(dir: &Path) -> PathBuf {
    dir.join("journal.db")
}

/// The write-ahead log beside the file.
pub(super) fn log_path(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push("-wal");
    PathBuf::from(name)
}

/// What cannot be a database is not even opened: opening a pipe would wait for its other end.
fn look(file: &Path) -> Result<(), JournalError> {
    match fs::metadata(file) {
        Ok(found) if !found.is_file() => Err(JournalError::Foreign { path: file.to_owned() }),
        // Whatever else is wrong is found out when it is opened.
        Ok(_) | Err(_) => Ok(()),
    }
}

pub(super) fn connect(file: &Path, to: Use) -> Result<Connection, JournalError> {
    look(file)?;
    let failed = |error: rusqlite::Error| JournalError::sqlite(file, &error);
    let flags = OpenFlags::SQLITE_OPEN_NO_MUTEX;
    match to {
        Use::Write { wait } => {
            let flags = flags | OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
            let db = Connection::open_with_flags(file, flags).map_err(failed)?;
            db.busy_timeout(wait).map_err(failed)?;
            // Before anything is changed: a stranger's file, or a newer one, is left alone.
            version(&db, file, STEPS.len() as i64)?;
            // Only heeded by a file that has no table yet.
            pragma(&db, "auto_vacuum", "INCREMENTAL").map_err(failed)?;
            let mode: String = db.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0)).map_err(failed)?;
            if mode != "wal" {
                let detail = "its disk does not allow a write-ahead log, as some network drives do not".to_owned();
                return Err(JournalError::Io { path: file.to_owned(), detail });
            }
            pragma(&db, "synchronous", "FULL").map_err(failed)?;
            // An fsync that empties the drive's own cache too, where the system makes a difference.
            pragma(&db, "fullfsync", 1).map_err(failed)?;
            pragma(&db, "checkpoint_fullfsync", 1).map_err(failed)?;
            // The journal moves its log at times of its own.
            pragma(&db, "wal_autocheckpoint", 0).map_err(failed)?;
            // In KiB when negative.
            pragma(&db, "cache_size", -4096).map_err(failed)?;
            pragma(&db, "temp_store", "MEMORY").map_err(failed)?;
            keep_plans(&db).map_err(failed)?;
            Ok(db)
        }
        Use::Read => {
            let db = Connection::open_with_flags(file, flags | OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(failed)?;
            db.busy_timeout(READER_WAIT).map_err(failed)?;
            pragma(&db, "cache_size", -1024).map_err(failed)?;
            pragma(&db, "temp_store", "MEMORY").map_err(failed)?;
            keep_plans(&db).map_err(failed)?;
            Ok(db)
        }
    }
}

/// A statement is planned once, whatever it is given later: else SQLite plans one with a bound `LIMIT` anew each time, and there
/// are no statistics here that another plan could follow from.
fn keep_plans(db: &Connection) -> rusqlite::Result<()> {
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map(drop)
}

/// A file in a directory that may not be written, and that nobody else writes either.
pub(super) fn connect_fixed(file: &Path) -> Result<Connection, JournalError> {
    look(file)?;
    let failed = |error: rusqlite::Error| JournalError::sqlite(file, &error);
    // A log that was not moved into the file holds facts that would be missed.
    if fs::metadata(log_path(file)).is_ok_and(|it| it.len() > 0) {
        return Err(JournalError::ReadOnly { path: file.to_owned() });
    }
    let Ok(absolute) = fs::canonicalize(file) else { return Err(JournalError::ReadOnly { path: file.to_owned() }) };
    let uri = url::Url::from_file_path(absolute).map_err(|()| JournalError::ReadOnly { path: file.to_owned() })?;
    let flags = OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
    let db = Connection::open_with_flags(format!("{uri}?immutable=1"), flags).map_err(failed)?;
    keep_plans(&db).map_err(failed)?;
    Ok(db)
}

fn pragma(db: &Connection, name: &str, value: impl rusqlite::ToSql) -> rusqlite::Result<()> {
    db.pragma_update(None, name, value)
}

/// Checks whose file it is and of which version; brings an older one, or an empty one, to the newest.
pub(super) fn migrate(db: &mut Connection, file: &Path) -> Result<(), JournalError> {
    migrate_by(db, file, STEPS)
}

fn migrate_by(db: &mut Connection, file: &Path, steps: &[&str]) -> Result<(), JournalError> {
    let failed = |error: rusqlite::Error| JournalError::sqlite(file, &error);
    let version = version(db, file, steps.len() as i64)?;
    for (step, sql) in steps.iter().enumerate().skip(version as usize) {
        let change = db.transaction().map_err(failed)?;
        change.execute_batch(sql).map_err(failed)?;
        pragma(&change, "application_id", APPLICATION).map_err(failed)?;
        pragma(&change, "user_version", step as i64 + 1).map_err(failed)?;
        change.commit().map_err(failed)?;
    }
    Ok(())
}

/// Whose file it is and of which version, for those who only read.
pub(super) fn check(db: &Connection, file: &Path) -> Result<(), JournalError> {
    match version(db, file, STEPS.len() as i64)? {
        found if found == STEPS.len() as i64 => Ok(()),
        0 => Err(JournalError::Missing { dir: file.parent().unwrap_or(file).to_owned() }),
        found => Err(JournalError::Older { path: file.to_owned(), found }),
    }
}

fn version(db: &Connection, file: &Path, known: i64) -> Result<i64, JournalError> {
    let failed = |error: rusqlite::Error| JournalError::sqlite(file, &error);
    let number = |name: &str| db.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).map_err(failed);
    let (application, found) = (number("application_id")?, number("user_version")?);
    let tables: i64 = db.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(failed)?;
    match (application, found) {
        (0, 0) if tables == 0 => Ok(0),
        (APPLICATION, found) if found > known => Err(JournalError::Newer { path: file.to_owned(), found, known }),
        (APPLICATION, found) if found > 0 => Ok(found),
        _ => Err(JournalError::Foreign { path: file.to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WAIT: Use = Use::Write { wait: Duration::ZERO };

    #[test]
    fn steps_that_are_missing_are_taken_and_a_failed_one_leaves_the_version_before() {
        let dir = tempfile::tempdir().unwrap();
        let file = path(dir.path());
        let mut db = connect(&file, WAIT).unwrap();
        let first = "CREATE TABLE a (x); INSERT INTO a VALUES (1);";
        migrate_by(&mut db, &file, &[first]).unwrap();
        let broken = "INSERT INTO a VALUES (2); INSERT INTO nowhere VALUES (3);";
        assert!(migrate_by(&mut db, &file, &[first, broken]).is_err());
        let sum = |db: &Connection| db.query_row("SELECT sum(x) FROM a", [], |row| row.get::<_, i64>(0)).unwrap();
        assert_eq!(sum(&db), 1);
        migrate_by(&mut db, &file, &[first, "INSERT INTO a VALUES (4);", "INSERT INTO a VALUES (8);"]).unwrap();
        assert_eq!(sum(&db), 13);
        let newer = migrate_by(&mut db, &file, &[first]).unwrap_err();
        assert_eq!(newer, JournalError::Newer { path: file.clone(), found: 3, known: 1 });
    }

    #[test]
    fn a_statement_is_planned_once_whatever_it_is_given() {
        let dir = tempfile::tempdir().unwrap();
        let file = path(dir.path());
        let mut db = connect(&file, WAIT).unwrap();
        migrate(&mut db, &file).unwrap();
        for db in [&db, &connect(&file, Use::Read).unwrap()] {
            let mut query = db.prepare("SELECT id FROM appends WHERE id >= ?1 AND id < ?2 ORDER BY id LIMIT ?3").unwrap();
            for given in [[1, 2, 3], [4, 5, 6], [7, 8, 9]] {
                assert!(!query.exists(given).unwrap());
            }
            assert_eq!(query.get_status(rusqlite::StatementStatus::RePrepare), 0);
        }
    }

    #[test]
    fn a_database_of_another_program_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let file = path(dir.path());
        let db = Connection::open(&file).unwrap();
        db.execute_batch("CREATE TABLE theirs (x)").unwrap();
        let before = fs::read(&file).unwrap();
        assert_eq!(connect(&file, WAIT).unwrap_err(), JournalError::Foreign { path: file.clone() });
        assert_eq!(fs::read(&file).unwrap(), before);
    }
}
