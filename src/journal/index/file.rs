//! The index's file: opened, made, and thrown away where it is of no use.
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::super::private;

/// "FlYs": tells an index from other databases.
const APPLICATION: i64 = 0x466c_5973;
/// Changes with whatever changes what is in it; one of another version is made anew.
const VERSION: i64 = 1;
const WAIT: Duration = Duration::from_secs(2);

/// Which rows a text may be in needs neither where nor how often: that keeps it small. The text itself is not kept.
const SCHEMA: &str = "
    CREATE TABLE blocks (no INTEGER PRIMARY KEY, runs INTEGER NOT NULL, times INTEGER NOT NULL, is_whole INTEGER NOT NULL) STRICT;
    CREATE VIRTUAL TABLE texts USING fts5(text, content='', contentless_delete=1, detail=none, tokenize='trigram case_sensitive 1');
    INSERT INTO texts (texts, rank) VALUES ('hashsize', 8388608);
";

/// For reading; none where there is no index of this version.
pub(super) fn read(file: &Path) -> rusqlite::Result<Option<Connection>> {
    if !file.is_file() {
        return Ok(None);
    }
    let db = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    db.busy_timeout(WAIT)?;
    Ok(is_ours(&db)?.then_some(db))
}

/// For writing; made if there is none, made anew if it is not what is expected.
pub(super) fn write(file: &Path) -> rusqlite::Result<Connection> {
    match open(file) {
        Err(error) if is_useless(&error) => {
            remove(file);
            open(file)
        }
        opened => opened,
    }
}

fn open(file: &Path) -> rusqlite::Result<Connection> {
    let connect = || {
        private::options().write(true).create_new(true).open(file).map(drop).unwrap_or_default();
        let db = Connection::open_with_flags(file, OpenFlags::default())?;
        db.busy_timeout(WAIT)?;
        Ok::<_, rusqlite::Error>(db)
    };
    let mut db = connect()?;
    let tables: i64 = db.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if tables > 0 && !is_ours(&db)? {
        drop(db);
        remove(file);
        db = connect()?;
    }
    if tables == 0 || !is_ours(&db)? {
        db.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
        db.pragma_update(None, "journal_mode", "WAL")?;
        let making = db.transaction()?;
        making.execute_batch(SCHEMA)?;
        making.pragma_update(None, "application_id", APPLICATION)?;
        making.pragma_update(None, "user_version", VERSION)?;
        making.commit()?;
    }
    // What a power cut takes is taken in again.
    db.pragma_update(None, "synchronous", "NORMAL")?;
    db.pragma_update(None, "temp_store", "MEMORY")?;
    db.pragma_update(None, "journal_size_limit", 4 << 20)?;
    Ok(db)
}

fn is_ours(db: &Connection) -> rusqlite::Result<bool> {
    let number = |name: &str| db.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    Ok(number("application_id")? == APPLICATION && number("user_version")? == VERSION)
}

/// Whether an error says that the file is not what was written, so that only a new one helps.
pub(super) fn is_useless(error: &rusqlite::Error) -> bool {
    match error {
        rusqlite::Error::SqliteFailure(it, _) => {
            matches!(it.code, ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::Unknown | ErrorCode::TypeMismatch)
        }
        // A table that is missing or has other columns.
        rusqlite::Error::SqlInputError { .. } => true,
        _ => false,
    }
}

/// Throws the index away. What stays because the system keeps it is met again, and tried again.
pub(super) fn remove(file: &Path) {
    tracing::warn!(file = %file.display(), "the index of the search is of no use, and is made anew");
    for suffix in ["", "-wal", "-shm"] {
        let mut name = file.as_os_str().to_owned();
        name.push(suffix);
        fs::remove_file(PathBuf::from(name)).unwrap_or_default();
    }
}
