//! `flowyard log`: what happened, also while another process serves.
mod export;
mod list;
mod search;
mod show;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

use super::bind;
use super::data::DataArgs;
use super::exit::{Error, Exit};
use super::flows;
use super::print::Printer;
use crate::accounts;
use crate::engine::Connection;
use crate::engine::log::{Filter, Journal, JournalError, OutcomeKind, Reader, RunState};
use crate::flow::FlowId;
use crate::record::Failure;

/// Look at what happened: runs, their steps, every request and answer.
#[derive(Debug, Args)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub(super) struct Log {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    List(list::List),
    Show(show::Show),
    Search(search::Search),
    Export(export::Export),
}

/// Which log.
#[derive(Debug, Args)]
struct Which {
    #[command(flatten)]
    data: DataArgs,

    /// The log of runs in the sandbox, where no data directory is named
    #[arg(long)]
    sandbox: bool,

    /// The log of another of your environments
    #[arg(long, value_name = "NAME", default_value = Connection::LIVE, value_parser = bind::environment, conflicts_with = "sandbox")]
    environment: String,
}

/// Which runs.
#[derive(Debug, Args)]
struct Wanted {
    /// Only runs of this flow: its id, or its file
    #[arg(long, value_name = "FLOW")]
    flow: Option<String>,

    /// Only runs that failed
    #[arg(long, conflicts_with_all = ["waiting", "running"])]
    failed: bool,

    /// Only runs that wait for a person
    #[arg(long, conflicts_with = "running")]
    waiting: bool,

    /// Only runs that are under way
    #[arg(long)]
    running: bool,

    /// Only runs that began then or later: a time, a date, or how long ago (90m, 2h, 3d)
    #[arg(long, value_name = "TIME", value_parser = since)]
    since: Option<Timestamp>,
}

pub(super) fn run(args: &Log, out: &mut Printer) -> Result<Exit, Error> {
    match &args.verb {
        Verb::List(it) => list::run(it, out),
        Verb::Show(it) => show::run(it, out),
        Verb::Search(it) => search::run(it, out),
        Verb::Export(it) => export::run(it, out),
    }
}

impl Which {
    fn open(&self) -> Result<Reader, Error> {
        let dir = accounts::log_of(&self.data.resolve(self.sandbox)?, &self.environment);
        Journal::open_reader(&dir).map_err(|error| {
            let is_elsewhere = !self.sandbox && self.data.data.is_none() && dir.join("sandbox").is_dir();
            match error {
                JournalError::Missing { .. } => {
                    let hint = if is_elsewhere { "Runs in the sandbox are shown with --sandbox." } else { error.hint() };
                    Error::not_found(format!("Nothing is logged in {}", dir.display()), hint)
                }
                other => Error::from(Failure::from(other)),
            }
        })
    }
}

impl Wanted {
    fn filter(&self, limit: usize) -> Result<Filter, Error> {
        let flow = match &self.flow {
            Some(named) => Some(flow_id(named)?),
            None => None,
        };
        let state = if self.waiting { Some(RunState::Parked) } else { self.running.then_some(RunState::Running) };
        Ok(Filter {
            flow,
            state,
            outcome: self.failed.then_some(OutcomeKind::Failed),
            since: self.since,
            limit,
            ..Filter::default()
        })
    }
}

/// A flow's id, or the one in its file.
fn flow_id(named: &str) -> Result<FlowId, Error> {
    let path = PathBuf::from(named);
    if path.is_file() {
        return Ok(flows::read(&path)?.flow.id.clone());
    }
    Ok(FlowId::new(named))
}

/// A time, a local date or time, or how long ago.
fn since(text: &str) -> Result<Timestamp, String> {
    let wrong = |error: jiff::Error| format!("write it as 2h, 3d, 2026-11-20 or 2026-11-20T08:30:00Z ({error})");
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at);
    }
    let zone = TimeZone::system();
    let local =
        text.parse::<DateTime>().or_else(|_| text.parse::<Date>().map(|it| it.to_datetime(jiff::civil::Time::midnight())));
    if let Ok(local) = local {
        return local.to_zoned_datetime(zone).map(|it| it.timestamp()).map_err(wrong);
    }
    let span: Span = text.parse().map_err(wrong)?;
    // Counted in calendar days of this place, and never into the future.
    Timestamp::now().to_zoned_datetime(TimeZone::system()).checked_sub(span.abs()).map(|it| it.timestamp()).map_err(wrong)
}

impl From<JournalError> for Error {
    fn from(error: JournalError) -> Self {
        Failure::from(error).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beginning_may_be_a_time_a_date_or_a_span() {
        assert_eq!(since("2026-11-20T08:30:00Z").unwrap().to_string(), "2026-11-20T08:30:00Z");
        assert!(since("2026-11-20").is_ok() && since("2026-11-20T08:30").is_ok());
        let hour = Timestamp::now().duration_since(since("1h").unwrap()).as_secs();
        assert!((3_599..3_660).contains(&hour), "{hour}");
        for text in ["", "yesterday", "5", "2026-13-01"] {
            assert!(since(text).is_err(), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_time_is_read_as_it_is_written_and_any_text_is_read_or_refused(
            seconds in -300_000_000_000_i64..250_000_000_000, text in ".*", like in "-?[P0-9]{1,4}[-0-9:TZ.ymwdhs ]{0,24}",
        ) {
            let at = Timestamp::from_second(seconds).expect("a time");
            proptest::prop_assert_eq!(since(&at.to_string()), Ok(at));
            let _any = (since(&text), since(&like));
        }
    }
}
