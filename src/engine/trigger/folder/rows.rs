//! A table to which rows are added.
//!
//! It is read on from where it was read to, as long as what stands before that is as it was. One that was written anew is read
//! from its beginning, and told by what stands in its rows which of them are new.
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::{Eye, at_disk, unreadable};
use crate::connector::files::{Encoding, Table, separator_of};
use crate::engine::shared::Deployed;
use crate::flow::Watched;
use crate::record::{Failure, FailureKind};

/// Rows that are remembered, to tell which are new in a table that is written anew.
const REMEMBERED: u64 = 200_000;
/// So many of them are kept together.
const CHUNK: usize = 4_096;
/// Rows that are read at a time where each starts a run.
const ROWS: usize = 512;
/// Bytes that are read at a time: more than the longest row.
const BYTES: u64 = 2 << 20;
/// So much of the end of what was read shows that it is as it was, in bytes.
const SHOWN: u64 = 4_096;

/// How far a table was read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Head {
    watched: Watched,
    /// When it was begun, in milliseconds: rows of an earlier watch were others.
    begun: i64,
    /// How often it was read from its beginning.
    pass: u64,
    /// Up to here it was read, in bytes.
    offset: u64,
    /// Rows before that.
    rows: u64,
    /// What stands before the offset, as a digest.
    shown: String,
    columns: Vec<String>,
    separator: u8,
}

/// Where the rows of a table begin.
#[derive(Debug, Default)]
struct Begin {
    columns: Vec<String>,
    separator: u8,
    offset: u64,
    shown: String,
}

impl Head {
    /// Before any row.
    fn at(watched: &Watched, begun: i64, pass: u64, start: Begin) -> Self {
        let Begin { columns, separator, offset, shown } = start;
        Self { watched: watched.clone(), begun, pass, offset, rows: 0, shown, columns, separator }
    }
}

/// What is known of a table.
pub(super) struct Rows {
    head: Option<Head>,
    /// What stands in the rows before the offset, each as a number; none where there are too many.
    prints: Option<Vec<u64>>,
    /// How long it was at the last look that came to its end, and when it was changed then.
    seen: Option<(u64, Option<std::time::SystemTime>)>,
    /// Whether it was changed while it was read.
    again: bool,
    /// Whether a person was told that it cannot be read as it is now.
    is_told: bool,
}

/// A way through a table from its beginning.
struct Pass {
    /// Rows that were there before, and how often.
    known: HashMap<u64, u32>,
    /// Rows that are new, and how often they came.
    new: HashMap<u64, u32>,
    /// What the deliveries of its rows begin with.
    name: String,
    /// Whether rows start runs at all.
    starts: bool,
    /// Rows that begin here or behind are for the next look, in bytes: they came while what starts nothing was read.
    until: u64,
}

/// Rows that were read.
#[derive(Debug)]
struct Batch {
    rows: Vec<(Vec<String>, u64)>,
    /// Where the next row begins.
    end: u64,
    /// Whether more may follow at once.
    more: bool,
    /// The last of what was read, as a digest.
    shown: String,
}

#[derive(Debug)]
enum Wrong {
    System(io::Error),
    Encoding(Encoding),
}

impl From<io::Error> for Wrong {
    fn from(error: io::Error) -> Self {
        Self::System(error)
    }
}

impl Rows {
    pub(super) async fn load(eye: &Eye, watched: &Watched) -> Self {
        let mut rows = Self { head: None, prints: Some(Vec::new()), seen: None, again: false, is_told: false };
        let Some((head, known)) = eye.recall(|it: &Head| it.watched == *watched).await else { return rows };
        let mut prints = Vec::new();
        for at in 0.. {
            let Some(text) = known.get(&chunk_name(head.pass, at)).and_then(Value::as_str) else { break };
            let bytes = BASE64_STANDARD.decode(text).unwrap_or_default();
            prints.extend(bytes.chunks_exact(8).filter_map(|it| Some(u64::from_le_bytes(it.try_into().ok()?))));
        }
        // Written down before the head: those beyond it were given and are given again.
        prints.truncate(usize::try_from(head.rows).unwrap_or(usize::MAX));
        rows.prints = (prints.len() as u64 == head.rows).then_some(prints);
        rows.head = Some(head);
        rows
    }

    /// Looks once; whether something is new.
    pub(super) async fn look(
        &mut self,
        eye: &Eye,
        deployed: &Deployed,
        watched: &Watched,
        is_wanted: &(dyn Fn() -> bool + Sync),
    ) -> Result<bool, Failure> {
        let path = watched.path.clone();
        let about = match at_disk(move || std::fs::metadata(path)).await {
            Ok(about) => about,
            Err(error) => {
                if error.kind() == io::ErrorKind::NotFound
                    && let Err(Broken::Failure(failure)) = self.begin_empty(eye, watched).await
                {
                    return Err(failure);
                }
                return Err(unreadable(&watched.path, &error));
            }
        };
        let seen = (about.len(), about.modified().ok());
        if self.seen == Some(seen) {
            return Ok(false);
        }
        match self.read(eye, deployed, (watched, about.len()), is_wanted).await {
            Ok(found) => {
                self.seen = (is_wanted() && !std::mem::take(&mut self.again)).then_some(seen);
                self.is_told = false;
                Ok(found)
            }
            Err(Broken::Failure(failure)) => Err(failure),
            Err(Broken::Wrong(Wrong::System(error))) if error.kind() != io::ErrorKind::InvalidData => {
                Err(unreadable(&watched.path, &error))
            }
            // As long as nobody changes it, it cannot be read.
            Err(Broken::Wrong(wrong)) => {
                self.seen = Some(seen);
                let (why, hint) = match wrong {
                    Wrong::Encoding(encoding) => (encoding.to_string(), "Save it as CSV UTF-8 in the program that writes it."),
                    Wrong::System(error) => (error.to_string(), "See whether a quotation mark is open that never closes."),
                };
                if !std::mem::replace(&mut self.is_told, true) {
                    let title = format!("The rows of {} cannot be read: {why}", watched.name());
                    eye.shared.trouble(Failure::new(FailureKind::Flow, title).at(watched.path.clone()).hint(hint));
                }
                Ok(false)
            }
        }
    }

    async fn read(
        &mut self,
        eye: &Eye,
        deployed: &Deployed,
        (watched, length): (&Watched, u64),
        is_wanted: &(dyn Fn() -> bool + Sync),
    ) -> Result<bool, Broken> {
        if let Some(head) = self.head.clone().filter(|it| it.offset > 0)
            && let Some(found) = self.read_on(eye, deployed, head, is_wanted).await?
        {
            return Ok(found);
        }
        let (path, now) = (watched.path.clone(), eye.shared.clock.now().as_millisecond());
        let Some(start) = blocked(move || columns(&path)).await? else {
            self.begin_empty(eye, watched).await?;
            return Ok(false);
        };
        let before = self.head.as_ref();
        let (begun, pass) = before.map_or((now, 0), |it| (it.begun, it.pass + 1));
        let is_lost = before.is_some() && self.prints.is_none();
        if is_lost {
            let title = format!("{} was written anew, and is too long to tell which of its rows are new", watched.name());
            let failure = Failure::new(FailureKind::Limit, title).at(watched.path.clone());
            let detail = format!("{REMEMBERED} rows are remembered; what is added from now on starts runs again");
            eye.shared.trouble(failure.detail(detail).hint("Add rows to its end, or begin another file now and then."));
        }
        let mut known = HashMap::new();
        for print in self.prints.iter().flatten() {
            *known.entry(*print).or_default() += 1;
        }
        // The rows of the beginning are known by what stands in them, whenever the flow is switched on again.
        let name = if before.is_none() { "all".to_owned() } else { format!("{begun}.{pass}") };
        let starts = if before.is_none() { watched.all } else { !is_lost };
        let until = if before.is_none() && !starts { length } else { u64::MAX };
        let pass_through = Pass { known, new: HashMap::new(), name, starts, until };
        let head = Head::at(watched, begun, pass, start);
        self.read_anew(eye, deployed, head, pass_through, is_wanted).await
    }

    /// There is no row yet: all that come are new.
    async fn begin_empty(&mut self, eye: &Eye, watched: &Watched) -> Result<(), Broken> {
        if self.head.is_some() {
            return Ok(());
        }
        let head = Head::at(watched, eye.shared.clock.now().as_millisecond(), 0, Begin::default());
        eye.put_head(&head).await.map_err(Broken::Failure)?;
        self.head = Some(head);
        Ok(())
    }

    /// Reads what was added; none where it is not as it was before that.
    async fn read_on(
        &mut self,
        eye: &Eye,
        deployed: &Deployed,
        mut head: Head,
        is_wanted: &(dyn Fn() -> bool + Sync),
    ) -> Result<Option<bool>, Broken> {
        let mut found = false;
        loop {
            let (path, at, separator) = (head.watched.path.clone(), head.offset, head.separator);
            let shown = head.shown.clone();
            let Some(batch) = blocked(move || batch(&path, at, separator, &shown, (ROWS, u64::MAX))).await? else {
                self.again = found;
                return Ok(found.then_some(true));
            };
            if batch.end == at {
                return Ok(Some(found));
            }
            found = true;
            let first = self.prints.as_ref().map_or(0, Vec::len);
            for (texts, start) in &batch.rows {
                let delivery = format!("row:{}:{}.{}:{start}", eye.key.1, head.begun, head.pass);
                head.rows += 1;
                eye.start(deployed, &delivery, "", &payload(&head, texts)).await.map_err(Broken::Failure)?;
                self.remember(print(texts));
            }
            (head.offset, head.shown) = (batch.end, batch.shown);
            self.keep(eye, &head, first).await?;
            if !batch.more || !is_wanted() {
                return Ok(Some(found));
            }
        }
    }

    /// Reads all of it; what is new in it starts runs. Written down at its end: a crash before that begins it again.
    async fn read_anew(
        &mut self,
        eye: &Eye,
        deployed: &Deployed,
        mut head: Head,
        mut pass: Pass,
        is_wanted: &(dyn Fn() -> bool + Sync),
    ) -> Result<bool, Broken> {
        let mut found = false;
        let mut prints = Some(Vec::new());
        loop {
            let (path, at, separator) = (head.watched.path.clone(), head.offset, head.separator);
            let shown = head.shown.clone();
            // What starts nothing is passed over in as large pieces as there are.
            let most = (if pass.starts { ROWS } else { usize::MAX }, pass.until);
            // Written anew once more: what it holds now is looked at next.
            let Some(batch) = blocked(move || batch(&path, at, separator, &shown, most)).await? else {
                self.again = true;
                return Ok(true);
            };
            for (texts, start) in &batch.rows {
                let print = print(texts);
                head.rows += 1;
                if head.rows > REMEMBERED {
                    prints = None;
                }
                if let Some(prints) = &mut prints {
                    prints.push(print);
                }
                if let Some(left) = pass.known.get_mut(&print).filter(|it| **it > 0) {
                    *left -= 1;
                } else if pass.starts {
                    let nth = if head.rows > REMEMBERED {
                        format!("@{start}")
                    } else {
                        let count = pass.new.entry(print).or_default();
                        *count += 1;
                        count.to_string()
                    };
                    let delivery = format!("row:{}:{}:{print:016x}.{nth}", eye.key.1, pass.name);
                    eye.start(deployed, &delivery, "", &payload(&head, texts)).await.map_err(Broken::Failure)?;
                    found = true;
                }
            }
            (head.offset, head.shown) = (batch.end, batch.shown);
            if !is_wanted() {
                return Ok(found);
            }
            if !batch.more {
                self.again |= head.offset >= pass.until;
                break;
            }
        }
        let before = self.head.as_ref().filter(|it| it.pass != head.pass).map(|it| it.pass);
        let chunks = self.prints.as_ref().map_or(REMEMBERED as usize, Vec::len).div_ceil(CHUNK);
        self.prints = prints;
        self.keep(eye, &head, 0).await?;
        if let Some(before) = before {
            eye.put_all((0..chunks).map(|it| (chunk_name(before, it), Value::Null))).await.map_err(Broken::Failure)?;
        }
        Ok(found)
    }

    fn remember(&mut self, print: u64) {
        match &mut self.prints {
            Some(prints) if (prints.len() as u64) < REMEMBERED => prints.push(print),
            other => *other = None,
        }
    }

    /// Writes down how far it was read: what stands in the rows from `first` on, and then the head.
    async fn keep(&mut self, eye: &Eye, head: &Head, first: usize) -> Result<(), Broken> {
        let chunks = self.prints.as_deref().unwrap_or_default().chunks(CHUNK).enumerate().skip(first / CHUNK);
        let chunks: Vec<(String, Value)> = chunks
            .map(|(at, prints)| {
                let bytes: Vec<u8> = prints.iter().flat_map(|it| it.to_le_bytes()).collect();
                (chunk_name(head.pass, at), BASE64_STANDARD.encode(bytes).into())
            })
            .collect();
        eye.put_all(chunks).await.map_err(Broken::Failure)?;
        eye.put_head(head).await.map_err(Broken::Failure)?;
        self.head = Some(head.clone());
        Ok(())
    }
}

enum Broken {
    Wrong(Wrong),
    Failure(Failure),
}

async fn blocked<T: Send + 'static>(work: impl FnOnce() -> Result<T, Wrong> + Send + 'static) -> Result<T, Broken> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(Wrong::System(io::Error::other(error)))).map_err(Broken::Wrong)
}

/// What is remembered of a pass is kept beside that of the one before until the head says which counts.
fn chunk_name(pass: u64, at: usize) -> String {
    format!("p{pass}.{at}")
}

/// What stands in a row, as a number: the beginning of its SHA-256.
fn print(texts: &[String]) -> u64 {
    let mut hash = Sha256::new();
    for text in texts {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text);
    }
    hash.finalize().first_chunk().map_or(0, |it| u64::from_le_bytes(*it))
}

fn payload(head: &Head, texts: &[String]) -> Value {
    let name = |at: usize| head.columns.get(at).cloned().unwrap_or_else(|| format!("column {}", at + 1));
    let mut row: Map<String, Value> = texts.iter().enumerate().map(|(at, text)| (name(at), text.as_str().into())).collect();
    for column in head.columns.iter().skip(texts.len()) {
        row.insert(column.clone(), "".into());
    }
    json!({ "row": row, "number": head.rows, "file": head.watched.name(), "path": head.watched.path })
}

/// What a run would get of the first row.
pub(super) fn sample(watched: &Watched) -> Option<Value> {
    let begin = columns(&watched.path).ok()??;
    let rows = batch(&watched.path, begin.offset, begin.separator, &begin.shown, (1, u64::MAX)).ok()??.rows;
    let head = Head { rows: 1, ..Head::at(watched, 0, 0, begin) };
    Some(payload(&head, rows.first().map(|it| it.0.as_slice()).unwrap_or_default()))
}

/// The names of a table's columns, what stands between them, and where its rows begin; none where it has no whole line.
fn columns(path: &str) -> Result<Option<Begin>, Wrong> {
    let mut bytes = Vec::new();
    File::open(path)?.take(BYTES).read_to_end(&mut bytes)?;
    let separator = separator_of(&bytes);
    let Some(row) = Table::new(&*bytes, separator).next_row()?.filter(|it| it.is_whole) else { return Ok(None) };
    let mut names: Vec<String> = Vec::new();
    for (at, text) in row.texts().map_err(Wrong::Encoding)?.into_iter().enumerate() {
        let text = text.trim();
        let mut name = if text.is_empty() { format!("column {}", at + 1) } else { text.to_owned() };
        let mut count = 2;
        while names.contains(&name) {
            name = format!("{text} {count}");
            count += 1;
        }
        names.push(name);
    }
    let shown = shown_before(bytes.get(..usize::try_from(row.bytes).unwrap_or_default()).unwrap_or_default());
    Ok(Some(Begin { columns: names, separator, offset: row.bytes, shown }))
}

/// The whole rows from an offset on, so many at most, and none that begins at `until` or behind; empty lines are passed over. None
/// where what stands before the offset is not as it was. What is read is read at once: a file that is changed meanwhile is one or
/// the other.
fn batch(path: &str, at: u64, separator: u8, shown: &str, (most, until): (usize, u64)) -> Result<Option<Batch>, Wrong> {
    let mut file = File::open(path)?;
    let from = at.saturating_sub(SHOWN);
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.take(SHOWN + BYTES).read_to_end(&mut bytes)?;
    let known = usize::try_from(at - from).unwrap_or(usize::MAX);
    let Some((before, after)) = bytes.split_at_checked(known) else { return Ok(None) };
    if digest(before) != shown {
        return Ok(None);
    }
    let mut table = Table::new(after, separator);
    let mut batch = Batch { rows: Vec::new(), end: at, more: false, shown: String::new() };
    while batch.end < until
        && let Some(row) = table.next_row()?.filter(|it| it.is_whole)
    {
        let start = batch.end;
        batch.end += row.bytes;
        if !row.is_empty() {
            batch.rows.push((row.texts().map_err(Wrong::Encoding)?, start));
        }
        if batch.rows.len() >= most {
            batch.more = true;
            break;
        }
    }
    batch.more |= batch.end > at && batch.end < until && bytes.len() as u64 == SHOWN + BYTES;
    let read = usize::try_from(batch.end - from).unwrap_or(usize::MAX).min(bytes.len());
    batch.shown = shown_before(bytes.get(..read).unwrap_or_default());
    Ok(Some(batch))
}

/// The last of what was read, as a digest.
fn shown_before(bytes: &[u8]) -> String {
    digest(bytes.get(bytes.len().saturating_sub(usize::try_from(SHOWN).unwrap_or_default())..).unwrap_or_default())
}

fn digest(bytes: &[u8]) -> String {
    BASE64_STANDARD.encode(Sha256::digest(bytes).first_chunk::<16>().copied().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_that_come_while_what_was_there_is_read_are_left_for_the_next_look() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.csv");
        let there = "name\nann\nbo\n";
        std::fs::write(&path, format!("{there}cy\ndi\n")).unwrap();
        let path = path.to_str().unwrap();
        let begin = columns(path).unwrap().unwrap();
        let texts = |at: u64, shown: &str, most: (usize, u64)| {
            let batch = batch(path, at, begin.separator, shown, most).unwrap().unwrap();
            (batch.rows.iter().map(|it| it.0.concat()).collect::<Vec<_>>().join(" "), batch.end, batch.shown, batch.more)
        };
        let length = there.len() as u64;
        let (rows, end, shown, more) = texts(begin.offset, &begin.shown, (usize::MAX, length));
        assert_eq!((rows.as_str(), end, more), ("ann bo", length, false));
        assert_eq!(texts(end, &shown, (usize::MAX, u64::MAX)).0, "cy di");
        // One of which a part stood there already was there.
        assert_eq!(texts(begin.offset, &begin.shown, (usize::MAX, length + 1)).0, "ann bo cy");
        assert_eq!(texts(begin.offset, &begin.shown, (usize::MAX, begin.offset)).0, "");
    }
}
