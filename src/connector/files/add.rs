//! Adds to the end of a file, once.
use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::table::{Table, line as table_line, separator_of};
use super::{Broken, MOST_GROWN, place, written};

/// The clock of a disk may be as far behind, and as coarse.
const SLACK: SignedDuration = SignedDuration::from_secs(3);
/// Another program that holds the file is waited for so often, and so long each time.
const PATIENCE: (u32, Duration) = (100, Duration::from_millis(50));

/// Adds a line.
pub(super) fn line(folder: &Path, name: &str, text: &str) -> Result<Value, Broken> {
    let path = place::made_below(folder, name)?;
    let mut file = opened(&path)?;
    append(&mut file, name, &[text, "\n"].concat())
}

/// Adds a row to a table, which is begun with the names of its columns where nothing is in it.
pub(super) fn row(folder: &Path, name: &str, row: &Map<String, Value>, columns: &str, separator: &str) -> Result<Value, Broken> {
    let path = place::made_below(folder, name)?;
    let mut file = opened(&path)?;
    let named: Vec<String> = columns.split(',').map(|it| it.trim().to_owned()).filter(|it| !it.is_empty()).collect();
    let (head, columns, separator) = if let Some((columns, separator)) = head(&mut file, name)? {
        (String::new(), columns, separator)
    } else {
        let columns = if named.is_empty() { row.keys().cloned().collect() } else { named };
        let separator = separator.bytes().next().filter(|it| b",;\t".contains(it)).unwrap_or(b',');
        (table_line(columns.iter().map(String::as_str), separator), columns, separator)
    };
    let text = [head, as_line(name, row, &columns, separator)?].concat();
    append(&mut file, name, &text)
}

/// Whether a file ends in a line or a row, and was changed since a time.
pub(super) fn find(path: &Path, name: &str, text: Option<&str>, row: &Map<String, Value>, since: &str) -> Result<Value, Broken> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(json!({ "found": false, "written": null })),
        Err(error) => return Err(error.into()),
    };
    let wanted = match (text, head(&mut file, name)?) {
        (Some(text), _) => [text, "\n"].concat(),
        (None, Some((columns, separator))) => as_line(name, row, &columns, separator)?,
        (None, None) => return Ok(json!({ "found": false, "written": null })),
    };
    let about = file.metadata()?;
    let since = since.parse::<Timestamp>().ok().and_then(|it| it.checked_sub(SLACK).ok());
    let modified = about.modified().ok().and_then(|it| Timestamp::try_from(it).ok());
    let is_older = since.zip(modified).is_some_and(|(since, modified)| modified < since);
    let is_all = about.len() == wanted.len() as u64;
    let whole = if is_all { wanted } else { ["\n", &wanted].concat() };
    let found = !is_older && ends_in(&mut file, about.len(), whole.as_bytes())?;
    Ok(json!({ "found": found, "written": found.then(|| written(name, about.len())) }))
}

/// For reading and for adding, by nobody else meanwhile.
fn opened(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
    for _ in 0..PATIENCE.0 {
        match file.try_lock() {
            Err(std::fs::TryLockError::WouldBlock) => std::thread::sleep(PATIENCE.1),
            // Some network disks know no locks.
            Ok(()) | Err(std::fs::TryLockError::Error(_)) => return Ok(file),
        }
    }
    Err(io::Error::new(io::ErrorKind::ResourceBusy, "another program holds the file"))
}

/// Adds a text in one piece; where that breaks off, the file is as it was.
fn append(file: &mut File, name: &str, text: &str) -> Result<Value, Broken> {
    let before = file.metadata()?.len();
    // Half a line, as a power cut or another program leaves it, is not added to.
    let joint = if before > 0 && !ends_in(file, before, b"\n")? { "\n" } else { "" };
    let text = [joint, text].concat();
    let after = before + text.len() as u64;
    if after > MOST_GROWN {
        let why = format!("{name:?} would be longer than {} MiB", MOST_GROWN >> 20);
        return Err(Broken::Wrong("file", why, "Begin another file: put the month into its name".to_owned()));
    }
    if let Err(error) = file.write_all(text.as_bytes()).and_then(|()| file.sync_data()) {
        file.set_len(before).ok();
        return Err(error.into());
    }
    Ok(written(name, after))
}

fn ends_in(file: &mut File, length: u64, wanted: &[u8]) -> io::Result<bool> {
    let Some(from) = length.checked_sub(wanted.len() as u64) else { return Ok(false) };
    file.seek(SeekFrom::Start(from))?;
    let mut end = Vec::with_capacity(wanted.len());
    file.take(wanted.len() as u64).read_to_end(&mut end)?;
    Ok(end == wanted)
}

/// The names of a table's columns and what stands between them; none where nothing is in the file.
fn head(file: &mut File, name: &str) -> Result<Option<(Vec<String>, u8)>, Broken> {
    file.seek(SeekFrom::Start(0))?;
    let mut reader = BufReader::with_capacity(64 << 10, file);
    let separator = separator_of(io::BufRead::fill_buf(&mut reader)?);
    let Some(row) = Table::new(reader, separator).next_row()? else { return Ok(None) };
    let names = row.texts().map_err(|encoding| {
        Broken::Wrong(
            "file",
            format!("{name:?} is no UTF-8 text: {encoding}"),
            "Save it as CSV UTF-8 in the program that writes it".to_owned(),
        )
    })?;
    Ok(Some((names, separator)))
}

fn as_line(name: &str, row: &Map<String, Value>, columns: &[String], separator: u8) -> Result<String, Broken> {
    if let Some(unknown) = row.keys().find(|it| !columns.contains(it)) {
        let why = format!("{name:?} has no column {unknown:?}; it has {}", columns.join(", "));
        return Err(Broken::Wrong("row", why, "Use the table's own names, or give the file another name".to_owned()));
    }
    if row.is_empty() {
        let hint = "Map a value to each column: an object of fields, such as a step that sets fields gives".to_owned();
        return Err(Broken::Wrong("row", "the row is empty".to_owned(), hint));
    }
    let texts: Vec<String> = columns.iter().map(|it| row.get(it).map(text_of).unwrap_or_default()).collect();
    Ok(table_line(texts.iter().map(String::as_str), separator))
}

fn text_of(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
