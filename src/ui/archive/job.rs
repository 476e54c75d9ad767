//! What takes long: finding, grouping, exporting. Each looks now and then whether anybody still waits for it.
use std::collections::BTreeSet;
use std::io::{self, BufWriter, Write};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::{News, Seat, Teller};
use crate::engine::Mode;
use crate::engine::letters::{self, Groups, failed_step};
use crate::engine::log::{Filter, Format, Found, Journal, JournalError, OutcomeKind, Reader, Searched};
use crate::record::{Failure, FailureKind};
use crate::run::RunId;

/// Failed runs that are grouped; older ones say little about today.
const GROUPED: usize = 5_000;
/// Heads that are fetched at a time.
const CHUNK: usize = 200;
/// How often what was reached is told.
const TELL_EVERY: Duration = Duration::from_millis(150);

/// What an export holds.
#[derive(Debug, Clone)]
pub(crate) struct Exporting {
    /// Of which log.
    pub(crate) mode: Mode,
    pub(crate) format: Format,
    pub(crate) subject: Subject,
}

/// Which runs.
#[derive(Debug, Clone)]
pub(crate) enum Subject {
    Filter(Filter),
    These(Vec<RunId>),
}

/// Now and then.
struct Pace(Option<Instant>);

impl Pace {
    fn is_due(&mut self) -> bool {
        let due = self.0.is_none_or(|it| it.elapsed() >= TELL_EVERY);
        if due {
            self.0 = Some(Instant::now());
        }
        due
    }
}

pub(super) fn search(dir: &Path, teller: &Teller, ended: &AtomicBool, seat: Seat, ticket: u64, text: &str, filter: &Filter) {
    let is_over = || ended.load(Ordering::Relaxed);
    let mut pace = Pace(None);
    let done = open(dir).and_then(|reader| {
        let Some(reader) = reader else { return Ok(Searched::default()) };
        let searched = reader.search_in(filter, text, &mut |found| {
            let heard = match found {
                Found::Hit(hit) => is_over() || teller.tell(News::Hit { seat, ticket, hit }),
                Found::Progress(searched) => {
                    is_over() || !pace.is_due() || teller.tell(News::Searched { seat, ticket, searched, done: None })
                }
            };
            if is_over() || !heard { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        searched.map_err(Failure::from)
    });
    if is_over() {
        return;
    }
    let (searched, done) = match done {
        Ok(searched) => (searched, Ok(())),
        Err(failure) => (Searched::default(), Err(failure)),
    };
    teller.tell(News::Searched { seat, ticket, searched, done: Some(done) });
}

pub(super) fn problems(dir: &Path, teller: &Teller, ended: &AtomicBool, seat: Seat, ticket: u64, filter: &Filter, dead: bool) {
    let (mut groups, mut looked, mut pace) = (Groups::default(), 0, Pace(None));
    let done = open(dir).and_then(|reader| {
        let Some(reader) = reader else { return Ok(()) };
        let settled = if dead { letters::settled(&reader)? } else { BTreeSet::new() };
        let mut next = Filter { state: None, outcome: Some(OutcomeKind::Failed), limit: CHUNK, ..filter.clone() };
        loop {
            let heads = reader.runs(&next)?;
            let is_last = heads.len() < CHUNK;
            for head in heads {
                next.before = Some(head.id);
                if dead && !letters::is_dead(&head, &settled) {
                    continue;
                }
                let mut step = None;
                // A run that cannot be read whole still counts by its head.
                let read = reader.each_entry(head.id, &mut |entry| {
                    failed_step(&mut step, &entry);
                    ControlFlow::Continue(())
                });
                groups.add(head, read.ok().and(step));
                looked += 1;
                if ended.load(Ordering::Relaxed) {
                    return Ok(());
                }
            }
            if is_last || looked >= GROUPED {
                return Ok(());
            }
            if pace.is_due() {
                let problems = groups.list();
                teller.tell(News::Problems { seat, ticket, problems, looked, done: false, failure: None });
            }
        }
    });
    if !ended.load(Ordering::Relaxed) {
        let failure: Option<Failure> = done.err();
        teller.tell(News::Problems { seat, ticket, problems: groups.list(), looked, done: true, failure });
    }
}

pub(super) fn export(dir: &Path, teller: &Teller, ended: &AtomicBool, what: &Exporting, path: &Path) {
    let result = write(dir, teller, ended, what, path);
    if !ended.load(Ordering::Relaxed) {
        teller.tell(News::Exported { path: path.to_owned(), result });
    }
}

/// Beside the file first, so that half an export never takes the place of a whole one.
fn write(dir: &Path, teller: &Teller, ended: &AtomicBool, what: &Exporting, path: &Path) -> Result<u64, Failure> {
    let unwritable = |detail: &dyn ToString| {
        Failure::new(FailureKind::Machine, format!("The runs cannot be written to {}", path.display()))
            .detail(detail.to_string())
            .hint("Choose another place, or make room there")
    };
    let folder = path.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let reader = open(dir)?.ok_or_else(|| Failure::new(FailureKind::Machine, "There are no runs yet"))?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(".flowyard-").suffix(".tmp");
    // What a new file gets, less what the person's `umask` takes away.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut beside = builder.tempfile_in(folder).map_err(|it| unwritable(&it))?;
    let counting = Counting { to: beside.as_file_mut(), bytes: 0, ended, teller, pace: Pace(None) };
    let mut out = BufWriter::with_capacity(1 << 16, counting);
    let runs = match &what.subject {
        Subject::Filter(filter) => reader.export(filter, what.format, &mut out),
        Subject::These(runs) => reader.export_these(runs, what.format, &mut out),
    };
    let runs = runs.map_err(|error| match error {
        JournalError::Output { detail } => unwritable(&detail),
        other => other.into(),
    })?;
    out.flush().map_err(|it| unwritable(&it))?;
    drop(out);
    beside.as_file().sync_all().map_err(|it| unwritable(&it))?;
    beside.persist(path).map_err(|it| unwritable(&it.error))?;
    Ok(runs)
}

/// Says how much is written, and stops where nobody wants it any more.
struct Counting<'a> {
    to: &'a mut std::fs::File,
    bytes: u64,
    ended: &'a AtomicBool,
    teller: &'a Teller,
    pace: Pace,
}

impl Write for Counting<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.ended.load(Ordering::Relaxed) {
            return Err(io::Error::other("it was cancelled"));
        }
        let written = self.to.write(bytes)?;
        self.bytes += written as u64;
        if self.pace.is_due() {
            self.teller.tell(News::Exporting { bytes: self.bytes });
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// None where nothing was written yet.
fn open(dir: &Path) -> Result<Option<Reader>, Failure> {
    match Journal::open_reader(dir) {
        Ok(reader) => Ok(Some(reader)),
        Err(JournalError::Missing { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::mpsc;

    use jiff::Timestamp;

    use super::*;
    use crate::flow::NodeId;
    use crate::journal::{Append, NewRun, Options};
    use crate::run::{Entry, Revision};

    fn runs(dir: &Path) -> Journal {
        let journal = Journal::open(dir, Options::default()).unwrap();
        let at = Timestamp::UNIX_EPOCH;
        for _ in 0..3 {
            let run = journal.next_run_id();
            let new = NewRun {
                flow: "f".into(),
                flow_name: "F".to_owned(),
                revision: Revision("00".into()),
                trigger: NodeId::from("t"),
                delivery: None,
                mode: Mode::Sandbox,
                parent: None,
                accepted: at,
            };
            let entries = vec![Entry::Accepted { trigger: "t".into(), payload: Arc::default(), at, cause: Arc::default() }];
            journal.append(Append { run, new: Some(new), entries, exchanges: Vec::new() }).wait().unwrap();
        }
        journal
    }

    #[test]
    fn an_export_that_is_cancelled_leaves_no_file_and_says_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let _journal = runs(dir.path());
        let (news, told) = mpsc::channel();
        let teller = Teller { news, waker: Arc::new(|| {}) };
        let what = Exporting { mode: Mode::Sandbox, format: Format::Csv, subject: Subject::Filter(Filter::default()) };
        let path = dir.path().join("out.csv");
        let export = |ended: bool| export(dir.path(), &teller, &AtomicBool::new(ended), &what, &path);
        export(true);
        assert!(!path.exists() && told.try_recv().is_err());
        export(false);
        assert!(path.exists());
        let last = told.try_iter().last();
        assert!(matches!(last, Some(News::Exported { result: Ok(3), .. })), "{last:?}");
        let left = std::fs::read_dir(dir.path())
            .unwrap()
            .filter(|it| it.as_ref().is_ok_and(|it| it.file_name().to_string_lossy().ends_with(".tmp")));
        assert_eq!(left.count(), 0, "nothing is left beside it");
    }

    #[test]
    fn a_search_that_nobody_waits_for_ends_without_a_word() {
        let dir = tempfile::tempdir().unwrap();
        let _journal = runs(dir.path());
        let (news, told) = mpsc::channel();
        let teller = Teller { news, waker: Arc::new(|| {}) };
        let search = |ended| search(dir.path(), &teller, &AtomicBool::new(ended), Seat::Whole, 1, "f", &Filter::default());
        search(true);
        assert!(told.try_recv().is_err());
        search(false);
        let all: Vec<News> = told.try_iter().collect();
        assert_eq!(all.iter().filter(|it| matches!(it, News::Hit { .. })).count(), 3);
        assert!(matches!(all.last(), Some(News::Searched { done: Some(Ok(())), .. })));
    }
}
