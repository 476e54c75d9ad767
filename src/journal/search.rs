//! Finding a text in whatever the journal keeps, newest first. The [index](super::index) tells which runs cannot have it; all
//! others are unpacked and looked through.
use std::borrow::Cow;
use std::ops::{ControlFlow, Range};
use std::time::{Duration, Instant};

use regex::bytes::{Regex, RegexBuilder};
use serde_json::Value;

use super::index::Sieve;
use super::link::Blobs;
use super::{Filter, JournalError, Reader, RunHead, StepExchange, exchange};
use crate::record::Failure;
use crate::run::{Outcome, RunId, StepKey};

/// Heads that are fetched at a time; after each, progress is told.
const CHUNK: usize = 128;
/// Runs that are held against the index at a time, at most.
const SIFTED: usize = 8192;
/// Bytes of a text that is looked for.
const LONGEST: usize = 1024;
/// Bytes on each side of what was found.
const AROUND: usize = 60;

/// A run in which the text was found: its first place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// The run.
    pub head: RunHead,
    /// Where.
    pub place: Place,
    /// The step, where the place has one.
    pub step: Option<StepKey>,
    /// What is around it, on one line.
    pub excerpt: String,
    /// Which bytes of the excerpt are the text.
    pub found: Range<usize>,
}

/// Where a text was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The flow's name, the delivery id or the failure of the run.
    Head,
    /// A fact: what came in, what a step gave, why it failed, what was logged.
    Entry,
    /// Request line, headers, status or error of a call.
    Exchange,
    /// The body of a request.
    RequestBody,
    /// The body of an answer.
    AnswerBody,
}

/// What a search tells while it works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// A run that has it.
    Hit(Box<Hit>),
    /// So far it has looked through so much.
    Progress(Searched),
}

/// What a search looked through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Searched {
    /// Runs, with those below.
    pub runs: u64,
    /// Runs of which the index said that they do not have it.
    pub skipped: u64,
    /// Bytes, unpacked.
    pub bytes: u64,
    /// For so long.
    pub elapsed: Duration,
    /// The oldest run that was looked at; continue before it.
    pub reached: Option<RunId>,
}

struct Needle {
    plain: Regex,
    /// The same as it stands within JSON; decides whether the JSON is worth parsing.
    in_json: Regex,
}

struct Spot {
    place: Place,
    step: Option<StepKey>,
    excerpt: String,
    found: Range<usize>,
}

impl Reader {
    /// Hands over the newest runs in which the text occurs, in upper or lower case, at most `limit`.
    pub fn search(&self, text: &str, limit: usize, each: &mut dyn FnMut(Hit)) -> Result<Searched, JournalError> {
        self.search_in(&Filter { limit, ..Filter::default() }, text, &mut |found| {
            if let Found::Hit(hit) = found {
                each(*hit);
            }
            ControlFlow::Continue(())
        })
    }

    /// The same among the runs that a filter lets through (its limit is that of the hits), with progress, until told to stop.
    pub fn search_in(
        &self,
        filter: &Filter,
        text: &str,
        each: &mut dyn FnMut(Found) -> ControlFlow<()>,
    ) -> Result<Searched, JournalError> {
        if text.is_empty() || filter.limit == 0 {
            return Ok(Searched::default());
        }
        let needle = Needle::new(text)?;
        self.look_through(filter, &needle, Sieve::of(self, text).as_ref(), each)
    }

    /// The same without the index.
    #[cfg(test)]
    pub(super) fn scan(&self, filter: &Filter, text: &str, each: &mut dyn FnMut(Found)) -> Result<Searched, JournalError> {
        self.look_through(filter, &Needle::new(text)?, None, &mut |found| {
            each(found);
            ControlFlow::Continue(())
        })
    }

    fn look_through(
        &self,
        filter: &Filter,
        needle: &Needle,
        sieve: Option<&Sieve>,
        each: &mut dyn FnMut(Found) -> ControlFlow<()>,
    ) -> Result<Searched, JournalError> {
        let begun = Instant::now();
        let mut searched = Searched::default();
        let mut hits = 0;
        let most = if sieve.is_some() { SIFTED } else { CHUNK };
        // The first page is a small one: a text that many have is found in it.
        let mut page = Filter { limit: CHUNK, ..filter.clone() };
        loop {
            let all = self.ids(&page)?;
            let is_last = all.len() < page.limit;
            page.limit = (page.limit * 4).min(most);
            page.before = all.last().copied().or(page.before);
            let wanted = match sieve {
                Some(sieve) => sieve.sift(self, &all)?,
                None => all.clone(),
            };
            let (before, mut looked) = (searched, 0);
            // How far it is once all down to this run are done with.
            let reach = |searched: &mut Searched, run: RunId, looked: u64| {
                let done = all.partition_point(|it| *it >= run) as u64;
                searched.runs = before.runs + done;
                searched.skipped = before.skipped + done.saturating_sub(looked);
                searched.reached = Some(run);
                searched.elapsed = begun.elapsed();
            };
            for chunk in wanted.chunks(CHUNK) {
                for head in self.heads_of(chunk)? {
                    looked += 1;
                    let spot = self.spot(needle, &head, &mut searched.bytes)?;
                    let Some(Spot { place, step, excerpt, found }) = spot else { continue };
                    hits += 1;
                    reach(&mut searched, head.id, looked);
                    if each(Found::Hit(Box::new(Hit { head, place, step, excerpt, found }))).is_break() || hits == filter.limit {
                        return Ok(searched);
                    }
                }
                let Some(last) = chunk.last() else { continue };
                reach(&mut searched, *last, looked);
                if Some(last) != wanted.last() && each(Found::Progress(searched)).is_break() {
                    return Ok(searched);
                }
            }
            if let Some(last) = all.last() {
                reach(&mut searched, *last, looked);
            }
            searched.elapsed = begun.elapsed();
            if is_last || each(Found::Progress(searched)).is_break() {
                return Ok(searched);
            }
        }
    }

    fn spot(&self, needle: &Needle, head: &RunHead, bytes: &mut u64) -> Result<Option<Spot>, JournalError> {
        if let Some(spot) = needle.in_head(head) {
            return Ok(Some(spot));
        }
        self.find_in_appends(head.id, |blobs, entries, exchanges| needle.in_append(blobs, head.id, entries, exchanges, bytes))
    }
}

/// Hands over every text of a run that a search could find something in, until told to stop.
pub(super) fn each_text(
    reader: &Reader,
    head: &RunHead,
    each: &mut dyn FnMut(&str) -> ControlFlow<()>,
) -> Result<ControlFlow<()>, JournalError> {
    if texts_of_head(head).try_for_each(&mut *each).is_break() {
        return Ok(ControlFlow::Break(()));
    }
    let stopped = reader.find_in_appends(head.id, |blobs, entries, exchanges| {
        let run = head.id.0;
        for fact in facts_of(blobs, run, entries)? {
            if texts_of_fact(&fact).try_for_each(|it| each(&it)).is_break() {
                return Ok(Some(()));
            }
        }
        let Some(exchanges) = exchanges else { return Ok(None) };
        let mut failed = None;
        for frame in exchange::frames(blobs.unpack(exchanges, run)?) {
            let told = frame.and_then(|frame| {
                let parsed = frame.parse(false)?;
                let bodies = [frame.request, frame.answer].map(String::from_utf8_lossy).into_iter();
                Ok(texts_of_exchange(&parsed).map(Cow::Owned).chain(bodies).try_for_each(|it| each(&it)))
            });
            match told {
                Ok(ControlFlow::Continue(())) => {}
                Ok(ControlFlow::Break(())) => return Ok(Some(())),
                Err(detail) => failed = Some(detail),
            }
        }
        failed.map_or(Ok(None), |detail| Err(blobs.damaged(run, &detail)))
    })?;
    Ok(if stopped.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
}

fn texts_of_head(head: &RunHead) -> impl Iterator<Item = &str> {
    let failure = match &head.outcome {
        Some(Outcome::Failed(failure)) => Some(failure),
        _ => None,
    };
    let words = failure.into_iter().flat_map(|Failure { title, detail, hint, at, .. }| [title, detail, hint, at].map(|it| &**it));
    [&*head.flow_name, head.flow.as_str()].into_iter().chain(head.delivery.as_deref()).chain(words)
}

fn facts_of(blobs: &mut Blobs, run: u64, entries: &[u8]) -> Result<Vec<Value>, JournalError> {
    let parsed = serde_json::from_slice(blobs.unpack(entries, run)?);
    parsed.map_err(|error| blobs.damaged(run, &format!("facts that cannot be read: {error}")))
}

/// The names of a fact's own fields are the same in all and not looked at; those within its values are.
fn texts_of_fact(fact: &Value) -> impl Iterator<Item = Cow<'_, str>> {
    let fields = fact.as_object().into_iter().flatten();
    fields.filter(|(name, _)| !matches!(&***name, "e" | "at" | "until" | "retry_at")).flat_map(|(_, value)| leaves(value))
}

/// Without the bodies.
fn texts_of_exchange(it: &StepExchange) -> impl Iterator<Item = String> {
    let exchange = &*it.exchange;
    let line = format!("{} {}", exchange.request.method, exchange.request.url);
    let status = exchange.answer.as_ref().map(|it| it.status.to_string());
    let answered = exchange.answer.iter().flat_map(|it| &it.headers);
    let headers = exchange.request.headers.iter().chain(answered).map(|(name, value)| format!("{name}: {value}"));
    let own = [Some(line), status, exchange.error.clone()].into_iter().flatten();
    std::iter::once(it.step.to_string()).chain(own).chain(headers)
}

impl Needle {
    fn new(text: &str) -> Result<Self, JournalError> {
        if text.len() > LONGEST {
            let what = format!("a text of {} bytes to look for, and {LONGEST} are the most", text.len());
            return Err(JournalError::TooLarge { what });
        }
        let build = |text: &str| {
            let built = RegexBuilder::new(&regex::escape(text)).case_insensitive(true).build();
            built.map_err(|error| JournalError::TooLarge { what: error.to_string() })
        };
        let json = Value::from(text).to_string();
        Ok(Self { plain: build(text)?, in_json: build(&json[1..json.len() - 1])? })
    }

    fn in_head(&self, head: &RunHead) -> Option<Spot> {
        texts_of_head(head).find_map(|it| self.in_text(Place::Head, None, it.as_bytes()))
    }

    fn in_append(
        &self,
        blobs: &mut Blobs,
        run: RunId,
        entries: &[u8],
        exchanges: Option<&[u8]>,
        bytes: &mut u64,
    ) -> Result<Option<Spot>, JournalError> {
        let plain = blobs.unpack(entries, run.0)?;
        *bytes += plain.len() as u64;
        if self.in_json.is_match(plain)
            && let Some(spot) = facts_of(blobs, run.0, entries)?.iter().find_map(|it| self.in_fact(it))
        {
            return Ok(Some(spot));
        }
        let Some(exchanges) = exchanges else { return Ok(None) };
        let mut failed = None;
        let plain = blobs.unpack(exchanges, run.0)?;
        *bytes += plain.len() as u64;
        for frame in exchange::frames(plain) {
            match frame.and_then(|it| self.in_exchange(it)) {
                Ok(None) => {}
                Ok(Some(spot)) => return Ok(Some(spot)),
                Err(detail) => failed = Some(detail),
            }
        }
        failed.map_or(Ok(None), |detail| Err(blobs.damaged(run.0, &detail)))
    }

    fn in_fact(&self, fact: &Value) -> Option<Spot> {
        let step: Option<StepKey> = fact.get("step").and_then(|it| serde_json::from_value(it.clone()).ok());
        texts_of_fact(fact).find_map(|it| self.in_text(Place::Entry, step.as_ref(), it.as_bytes()))
    }

    fn in_exchange(&self, frame: exchange::Frame<'_>) -> Result<Option<Spot>, String> {
        let in_head = self.in_json.is_match(frame.head);
        let in_bodies = !in_head && (self.plain.is_match(frame.request) || self.plain.is_match(frame.answer));
        if !in_head && !in_bodies {
            return Ok(None);
        }
        let parsed = frame.parse(false)?;
        let step = Some(&parsed.step);
        Ok(texts_of_exchange(&parsed)
            .find_map(|it| self.in_text(Place::Exchange, step, it.as_bytes()))
            .or_else(|| self.in_text(Place::RequestBody, step, frame.request))
            .or_else(|| self.in_text(Place::AnswerBody, step, frame.answer)))
    }

    fn in_text(&self, place: Place, step: Option<&StepKey>, text: &[u8]) -> Option<Spot> {
        let found = self.plain.find(text)?.range();
        let from = boundary(text, found.start.saturating_sub(AROUND), found.start);
        let to = boundary(text, (found.end + AROUND).min(text.len()), text.len());
        let line = |range: Range<usize>| {
            let text = String::from_utf8_lossy(&text[range]);
            if text.contains(char::is_control) { Cow::Owned(text.replace(char::is_control, " ")) } else { text }.into_owned()
        };
        let (before, middle, after) = (line(from..found.start), line(found.clone()), line(found.end..to));
        let before = if from > 0 { format!("…{before}") } else { before };
        let range = before.len()..before.len() + middle.len();
        let end = if to < text.len() { "…" } else { "" };
        Some(Spot { place, step: step.cloned(), excerpt: format!("{before}{middle}{after}{end}"), found: range })
    }
}

/// The next place from `at` where a character begins.
fn boundary(text: &[u8], at: usize, last: usize) -> usize {
    (at..last).find(|it| text[*it] & 0xc0 != 0x80).unwrap_or(last)
}

/// What a person can read in a value: names, texts, numbers.
fn leaves(value: &Value) -> Vec<Cow<'_, str>> {
    match value {
        Value::Null => Vec::new(),
        Value::String(text) => vec![Cow::Borrowed(text)],
        Value::Bool(_) | Value::Number(_) => vec![Cow::Owned(value.to_string())],
        Value::Array(items) => items.iter().flat_map(leaves).collect(),
        Value::Object(fields) => {
            fields.iter().flat_map(|(name, value)| std::iter::once(Cow::Borrowed(&**name)).chain(leaves(value))).collect()
        }
    }
}
