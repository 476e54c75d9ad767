//! Files in a folder that a person chose: an operation whose connection's address begins with `file:` is no HTTP request.
//!
//! Invariant: nothing outside of the connection's folder is read or written, whatever a name holds and wherever links lead.
//! Invariant: a file that is replaced holds the old text or the new one, whole; what is added is added once, in one piece,
//! or taken back.
//! Invariant: a table is written as RFC 4180 says, and read a row at a time: its length asks for no memory.
mod add;
mod place;
mod table;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use tokio::time::Instant;
use url::Url;

pub use self::table::{Encoding, Row, Table, separator_of};

use self::place::Wrong;
use super::request::Prepared;
use super::status::Subject;
use super::{Answered, CallError, Called, Caller, Connection};
use crate::catalog::{Connector, Operation};
use crate::record::{Answer, Exchange, Failure, FailureKind, Request, Timing};

/// No more of a file is read at once.
const MOST_READ: u64 = 1 << 20;
/// No file grows beyond this by what is added to it.
const MOST_GROWN: u64 = 256 << 20;
/// So many files of a folder are listed.
const MOST_LISTED: usize = 1_000;

/// Whether an address is a folder's.
pub(super) fn is_at(url: &Url) -> bool {
    url.scheme() == "file"
}

/// What could not be done with a file.
#[derive(Debug)]
enum Broken {
    /// What was given cannot be used: the input, why, and what to do.
    Wrong(&'static str, String, String),
    /// The system said no.
    System(io::Error),
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Self {
        Self::System(error)
    }
}

impl From<Wrong> for Broken {
    fn from(wrong: Wrong) -> Self {
        match wrong {
            Wrong::Name(why) => {
                Self::Wrong("file", why, "Give the name of a file in the folder of the connection: reports/march.csv".to_owned())
            }
            Wrong::System(error) => Self::System(error),
        }
    }
}

impl Caller {
    /// Does what an operation says with the files of a connection's folder.
    pub(super) async fn files(
        &self,
        request: &Prepared,
        connection: &Connection,
        connector: &Connector,
        operation: &Operation,
    ) -> Called {
        let subject = Subject::of(request, connection, connector, operation, None);
        let redactor = subject.redactor;
        let Some(folder) = Url::parse(&connection.base_url).ok().and_then(|it| it.to_file_path().ok()) else {
            let title = format!("{} was not done: the connection's address is no folder", subject.doing());
            let hint = "Give the path of a folder as the address of the connection";
            return Called::unsent(CallError::NotSent(subject.failure(FailureKind::Flow, title).at("url").hint(hint)));
        };
        let most = self.settings().max_request_bytes;
        if request.body.len() > most {
            let title = format!("{} was not done: it is too much at once", subject.doing());
            let detail = format!("{} bytes, and {most} are allowed", request.body.len());
            return Called::unsent(CallError::NotSent(subject.failure(FailureKind::Limit, title).detail(detail)));
        }
        let (started, clock) = (Timestamp::now(), Instant::now());
        let (path, fields) = (operation.path.clone(), fields(request));
        let done = tokio::task::spawn_blocking(move || act(&folder, &path, &fields)).await;
        let done = done.unwrap_or_else(|error| Err(Broken::System(io::Error::other(error))));
        let most = self.settings().max_log_body_bytes;
        let (value, said) = match &done {
            Ok(value) => (value.clone(), None),
            Err(Broken::Wrong(_, why, _)) => (Value::Null, Some(why.clone())),
            Err(Broken::System(error)) => (Value::Null, Some(error.to_string())),
        };
        let exchange = Exchange {
            request: Request {
                method: request.method.as_str().to_owned(),
                url: redactor.url(&request.url),
                headers: Vec::new(),
                body: redactor.body(&request.body, "application/json", most, true),
            },
            answer: said.is_none().then(|| Answer {
                status: 200,
                headers: Vec::new(),
                body: redactor.body(value.to_string().as_bytes(), "application/json", most, true),
            }),
            error: said,
            started,
            timing: Timing { waiting_us: micros(clock.elapsed()), ..Timing::default() },
        };
        let result = match done {
            Ok(value) => Ok(Answered { status: 200, headers: Vec::new(), value }),
            Err(broken) => Err(judge(&subject, broken)),
        };
        Called { exchange: Some(Arc::new(exchange)), before: None, result }
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// What is given: the body, or the query of what is only read.
fn fields(request: &Prepared) -> Map<String, Value> {
    match serde_json::from_slice(&request.body) {
        Ok(Value::Object(fields)) => fields,
        _ => request.url.query_pairs().map(|(key, value)| (key.into_owned(), Value::from(value.into_owned()))).collect(),
    }
}

/// Operations are known by where they are called.
fn act(folder: &Path, path: &str, fields: &Map<String, Value>) -> Result<Value, Broken> {
    let text = |key: &str| fields.get(key).and_then(Value::as_str).unwrap_or_default();
    let row = || match fields.get("row") {
        Some(Value::Object(row)) => row.clone(),
        // In a query.
        Some(Value::String(text)) => serde_json::from_str(text).unwrap_or_default(),
        _ => Map::new(),
    };
    let name = text("file");
    match path {
        "/folder" => list(folder, text("below")),
        "/files/read" => read(&place::below(folder, name)?, name),
        "/files/save" => save(folder, name, text("text")),
        "/files/lines" => add::line(folder, name, text("text")),
        "/files/rows" => add::row(folder, name, &row(), text("columns"), text("separator")),
        "/files/last" => {
            add::find(&place::below(folder, name)?, name, fields.get("text").and_then(Value::as_str), &row(), text("since"))
        }
        other => Err(Broken::Wrong("operation", format!("there is no {other} of files"), "Choose another operation".to_owned())),
    }
}

fn list(folder: &Path, below: &str) -> Result<Value, Broken> {
    let within = if matches!(below.trim(), "" | ".") { folder.to_owned() } else { place::below(folder, below)? };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(&within)?.take(MOST_LISTED * 10) {
        let entry = entry?;
        let about = entry.metadata()?;
        if about.is_file() {
            let name = entry.file_name().to_string_lossy().into_owned();
            files.push(json!({ "file": name, "bytes": about.len(), "modified": modified(&about) }));
        }
    }
    files.sort_by(|a, b| a["file"].as_str().cmp(&b["file"].as_str()));
    files.truncate(MOST_LISTED);
    Ok(json!({ "folder": folder.file_name().map(|it| it.to_string_lossy().into_owned()), "files": files }))
}

fn read(path: &Path, name: &str) -> Result<Value, Broken> {
    use std::io::Read as _;
    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(json!({ "file": name, "exists": false })),
        Err(error) => return Err(error.into()),
    };
    let about = file.metadata()?;
    if !about.is_file() {
        return Err(Broken::Wrong("file", format!("{name:?} is not a file"), "Give the name of a file".to_owned()));
    }
    if about.len() > MOST_READ {
        let why = format!("{name:?} has {} bytes, and at most {MOST_READ} are read at once", about.len());
        return Err(Broken::Wrong("file", why, "Start a flow from the file's rows instead".to_owned()));
    }
    let mut bytes = Vec::new();
    file.take(MOST_READ + 1).read_to_end(&mut bytes)?;
    let text = table::text(&bytes).map_err(|encoding| {
        Broken::Wrong(
            "file",
            format!("{name:?} is no UTF-8 text: {encoding}"),
            "Save it as UTF-8 in the program that writes it".to_owned(),
        )
    })?;
    Ok(json!({ "file": name, "exists": true, "bytes": about.len(), "modified": modified(&about), "text": text }))
}

/// Writes a file beside the place, to the disk, and then in it.
fn save(folder: &Path, name: &str, text: &str) -> Result<Value, Broken> {
    use std::io::Write as _;
    let path = place::made_below(folder, name)?;
    let parent = path.parent().unwrap_or(folder);
    let same = std::fs::read(&path).is_ok_and(|it| it == text.as_bytes());
    if !same {
        let mut beside = tempfile::NamedTempFile::new_in(parent)?;
        beside.write_all(text.as_bytes())?;
        place::like_others(beside.as_file(), &path)?;
        beside.as_file().sync_all()?;
        beside.persist(&path).map_err(|error| error.error)?;
    }
    Ok(written(name, text.len() as u64))
}

fn written(name: &str, bytes: u64) -> Value {
    json!({ "file": name, "bytes": bytes })
}

fn modified(about: &std::fs::Metadata) -> Option<String> {
    about.modified().ok().and_then(|it| Timestamp::try_from(it).ok()).map(|it| it.to_string())
}

/// An error that decides what happens next: a full disk and a folder that is away for now are tried again.
fn judge(subject: &Subject<'_>, broken: Broken) -> CallError {
    let doing = subject.doing();
    let error = match broken {
        Broken::Wrong(input, why, hint) => {
            let failure = Failure::new(FailureKind::Mapping, format!("{doing} was not done: {why}"));
            return CallError::NotSent(failure.at(format!("input.{input}")).hint(hint));
        }
        Broken::System(error) => error,
    };
    let failure = |why: &str, hint: &str| {
        subject.failure(FailureKind::Machine, format!("{doing} was not done: {why}")).detail(error.to_string()).hint(hint)
    };
    match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            CallError::Refused(failure("it may not be written there", "Allow it for the folder, or choose another one"))
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => CallError::Retry {
            after: None,
            failure: failure("the disk is full", "Make room on the disk; it is tried again by itself"),
        },
        io::ErrorKind::NotFound => CallError::Retry {
            after: None,
            failure: failure(
                "the folder is not there",
                "See that the folder exists and its disk is connected; it is tried again by itself",
            ),
        },
        io::ErrorKind::IsADirectory | io::ErrorKind::NotADirectory => {
            CallError::Refused(failure("a folder and a file have the same name", "Give the file another name"))
        }
        _ => CallError::Retry { after: None, failure: failure("the system could not do it", "It is tried again by itself") },
    }
}

/// The address of a folder, as a connection keeps it; none where the path is not a whole one.
pub fn address_of(folder: &Path) -> Option<String> {
    let url = Url::from_file_path(folder).ok()?;
    Some(url.as_str().trim_end_matches('/').to_owned())
}

/// The folder that an address of a connection is.
pub fn folder_of(address: &str) -> Option<PathBuf> {
    Url::parse(address).ok().filter(is_at)?.to_file_path().ok()
}
