//! `flowyard log search`.
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::json;

use super::{Wanted, Which, list};
use crate::cli::exit::{Error, Exit};
use crate::cli::print::{DIM, Plain, Printer, STRONG, paint};
use crate::cli::{story, words};
use crate::engine::log::{Found, Hit, Place, Reader, Searched};

/// From so many runs on that were looked through, some are taken into the index.
const WORTH_IT: u64 = 1000;
/// No longer than this, and no longer than the search took.
const LONGEST: Duration = Duration::from_secs(1);

/// Find a text in everything that is logged: names, failures, requests, answers.
#[derive(Debug, Args)]
pub(super) struct Search {
    /// What to look for; upper and lower case are the same
    text: String,

    #[command(flatten)]
    wanted: Wanted,

    /// At most so many runs
    #[arg(long, value_name = "NUMBER", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,

    #[command(flatten)]
    which: Which,

    /// Print one JSON object a line for each run in which it is found
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Search, out: &mut Printer) -> Result<Exit, Error> {
    if args.text.trim().is_empty() {
        return Err(Error::usage("There is nothing to look for", "Name a text."));
    }
    let reader = args.which.open()?;
    let filter = args.wanted.filter(args.limit as usize)?;
    let mut hits = 0_usize;
    let searched = reader.search_in(&filter, &args.text, &mut |found| {
        match found {
            Found::Hit(hit) => {
                hits += 1;
                if args.json {
                    out.json(&object(&hit));
                } else {
                    show(&hit, out);
                }
            }
            Found::Progress(so_far) => out.status(format!("  looked through {}", words::count(so_far.runs as usize, "run"))),
        }
        if out.is_closed() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    out.end_status();
    let looked =
        format!("{} looked through in {}", words::count(searched.runs as usize, "run"), words::duration(searched.elapsed));
    out.say(paint(DIM, format_args!("Found in {}; {looked}.", words::count(hits, "run"))));
    index(&reader, &searched);
    Ok(if hits == 0 { Exit::Failed } else { Exit::Done })
}

/// Takes some of what had to be looked through into the index, so that the next search is faster. What is printed is printed by
/// then, and it is no matter for the person where that does not work.
fn index(reader: &Reader, searched: &Searched) {
    if searched.runs - searched.skipped < WORTH_IT {
        return;
    }
    let until = Instant::now() + searched.elapsed.min(LONGEST);
    let go_on = |_| if Instant::now() < until { ControlFlow::Continue(()) } else { ControlFlow::Break(()) };
    match reader.index(&mut { go_on }) {
        Ok(indexed) => tracing::debug!(?indexed, "runs were taken into the index of the search"),
        Err(error) => tracing::debug!(%error, "the index of the search could not be brought up to date"),
    }
}

fn show(hit: &Hit, out: &mut Printer) {
    let step = hit.step.as_ref().map(|it| format!(", {}{}", it.node, story::item(it))).unwrap_or_default();
    let head = &hit.head;
    let began = words::local(head.accepted);
    out.line(format_args!(
        "{STRONG}{:>6}{STRONG:#}  {}  {DIM}{began}, {}{DIM:#}",
        head.id.to_string(),
        Plain(&head.flow_name),
        list::outcome(head)
    ));
    let (before, found, after) = parts(hit);
    out.line(format_args!(
        "        {DIM}{}{step}:{DIM:#} {}{STRONG}{}{STRONG:#}{}",
        place(hit.place),
        Plain(before),
        Plain(found),
        Plain(after)
    ));
}

/// The excerpt around what was found; all of it in front where the bounds make no sense.
fn parts(hit: &Hit) -> (&str, &str, &str) {
    let text = hit.excerpt.as_str();
    let part = |range: std::ops::Range<usize>| text.get(range);
    match (part(0..hit.found.start), part(hit.found.clone()), part(hit.found.end..text.len())) {
        (Some(before), Some(found), Some(after)) => (before, found, after),
        _ => (text, "", ""),
    }
}

fn place(place: Place) -> &'static str {
    match place {
        Place::Head => "run",
        Place::Entry => "step",
        Place::Exchange => "request line or head",
        Place::RequestBody => "request body",
        Place::AnswerBody => "answer body",
    }
}

fn object(hit: &Hit) -> serde_json::Value {
    json!({
        "run": hit.head,
        "place": match hit.place {
            Place::Head => "head",
            Place::Entry => "entry",
            Place::Exchange => "exchange",
            Place::RequestBody => "request_body",
            Place::AnswerBody => "answer_body",
        },
        "step": hit.step,
        "excerpt": hit.excerpt,
    })
}
