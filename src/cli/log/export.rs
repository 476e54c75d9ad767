//! `flowyard log export`.
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::{Wanted, Which};
use crate::cli::exit::{Error, Exit};
use crate::cli::file;
use crate::cli::print::{DIM, Printer, paint};
use crate::cli::words;
use crate::engine::log::{Filter, Format, JournalError, Reader};
use crate::run::RunId;

/// Write runs in a form that other programs read.
#[derive(Debug, Args)]
pub(super) struct Export {
    /// Only this run
    #[arg(value_name = "RUN", conflicts_with_all = ["flow", "failed", "waiting", "running", "since", "limit"])]
    run: Option<u64>,

    /// The form
    #[arg(long, value_enum, default_value_t = Form::Jsonl)]
    format: Form,

    /// A file to write to, at once or not at all; by default standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,

    #[command(flatten)]
    wanted: Wanted,

    /// At most so many runs; by default all
    #[arg(long, value_name = "NUMBER")]
    limit: Option<usize>,

    #[command(flatten)]
    which: Which,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Form {
    /// One JSON value a line: each run, then its entries and exchanges
    Jsonl,
    /// Every request and answer as an HTTP Archive, for the network view of a browser
    Har,
    /// One line a run, for a spreadsheet
    Csv,
}

impl From<Form> for Format {
    fn from(form: Form) -> Self {
        match form {
            Form::Jsonl => Self::Jsonl,
            Form::Har => Self::Har,
            Form::Csv => Self::Csv,
        }
    }
}

pub(super) fn run(args: &Export, out: &mut Printer) -> Result<Exit, Error> {
    let reader = args.which.open()?;
    let filter = match args.run {
        // The newest run before the next number is this one, if it is there.
        Some(run) if reader.run(RunId(run))?.is_some() => {
            Filter { before: Some(RunId(run.saturating_add(1))), limit: 1, ..Filter::default() }
        }
        Some(run) => return Err(Error::not_found(format!("There is no run {run}"), "`flowyard log list` shows what there is.")),
        None => args.wanted.filter(args.limit.unwrap_or(usize::MAX))?,
    };
    let runs = if let Some(path) = &args.output {
        to_file(&reader, &filter, args.format, path)?
    } else {
        match to_standard_output(&reader, &filter, args.format, out) {
            // What became of standard output is told at the end.
            Err(JournalError::Output { .. }) if out.is_closed() => return Ok(Exit::Done),
            other => other?,
        }
    };
    out.say(paint(DIM, format_args!("{} exported.", words::count(runs as usize, "run"))));
    Ok(Exit::Done)
}

fn to_standard_output(reader: &Reader, filter: &Filter, form: Form, out: &mut Printer) -> Result<u64, JournalError> {
    let mut buffered = BufWriter::with_capacity(1 << 16, out);
    let runs = reader.export(filter, form.into(), &mut buffered)?;
    buffered.flush().map(|()| runs).map_err(|error| JournalError::Output { detail: error.to_string() })
}

fn to_file(reader: &Reader, filter: &Filter, form: Form, path: &Path) -> Result<u64, Error> {
    file::replace(path, |file| {
        let mut buffered = BufWriter::with_capacity(1 << 16, file);
        let runs = reader.export(filter, form.into(), &mut buffered).map_err(|error| match error {
            JournalError::Output { detail } => file::unwritable(path, &detail),
            other => other.into(),
        })?;
        buffered.flush().map(|()| runs).map_err(|error| file::unwritable(path, &error))
    })
}
