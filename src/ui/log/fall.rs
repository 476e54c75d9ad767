//! One run as a waterfall: its steps in the order in which they began, the calls of each beneath it, and the pauses between.
//!
//! Invariant: pure; the same run, flow and time give the same rows.
use std::collections::BTreeMap;

use jiff::Timestamp;

use super::rows::Mark;
use crate::catalog::Catalog;
use crate::engine::log::StepExchange;
use crate::flow::Flow;
use crate::record::FailureKind;
use crate::run::{Entry, StepKey};
use crate::ui::archive::Loaded;
use crate::ui::canvas::kind::{self, Hue};
use crate::ui::live::{StepLine, StepState};
use crate::ui::theme::icon;
use crate::ui::words;

/// What a row is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Line {
    Step,
    /// One of the step's calls, by its place among the calls of the run.
    Call(usize),
    /// Before another attempt.
    Pause,
    /// A step that the run never came to.
    Missed,
}

/// What a part of a bar means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Work,
    /// For its turn, or for another attempt.
    Pause,
    /// For the first byte of an answer.
    Waiting,
    Receiving,
}

/// A part of a bar, in microseconds from the run's beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bar {
    pub(super) part: Part,
    pub(super) from: u64,
    pub(super) to: u64,
}

/// A row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FallRow {
    pub(super) line: Line,
    pub(super) step: StepKey,
    pub(super) mark: Option<Mark>,
    pub(super) icon: char,
    pub(super) hue: Hue,
    pub(super) title: String,
    /// The method of a call; empty for others.
    pub(super) method: String,
    /// "2 calls", "200", "no answer".
    pub(super) meta: String,
    pub(super) bars: Vec<Bar>,
    pub(super) took: String,
}

/// All rows, and how long the whole run is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Fall {
    pub(super) rows: Vec<FallRow>,
    pub(super) whole: u64,
}

impl FallRow {
    /// What a row is called.
    pub(super) fn name(&self) -> String {
        let words = match self.line {
            Line::Call(_) => format!("{} {}", self.method, self.title),
            _ => self.title.clone(),
        };
        let mark = self.mark.map(Mark::words).filter(|_| self.line == Line::Step);
        let parts = [Some(words.as_str()), mark, Some(self.meta.as_str()), Some(self.took.as_str())];
        parts.into_iter().flatten().filter(|it| !it.is_empty()).collect::<Vec<_>>().join(", ")
    }
}

/// The rows of a run on a version of its flow, whose names they have.
pub(super) fn fall(loaded: &Loaded, flow: Option<&Flow>, catalog: &Catalog, now: Timestamp) -> Fall {
    let play = &loaded.play;
    let from = play.started.unwrap_or(loaded.head.accepted);
    let end = loaded.head.finished.or(play.ended).unwrap_or(now);
    let mut calls: BTreeMap<&StepKey, Vec<usize>> = BTreeMap::new();
    for (at, call) in loaded.calls.iter().enumerate() {
        calls.entry(&call.step).or_default().push(at);
    }
    let mut pauses: BTreeMap<&StepKey, Vec<(Timestamp, Timestamp, FailureKind)>> = BTreeMap::new();
    for entry in &*loaded.entries {
        if let Entry::StepFailed { step, failure, retry_at: Some(until), at, .. } = entry {
            pauses.entry(step).or_default().push((*at, *until, failure.kind));
        }
    }
    let rests = rests(&loaded.entries, end);
    let mut rows = Vec::new();
    for line in &play.steps {
        let mut step = step_row(line, flow, catalog, from, end, calls.get(&line.step).map_or(0, Vec::len));
        let (icon, hue) = (step.icon, step.hue);
        let rest = rests.get(&line.step).into_iter().flatten();
        step.bars.extend(rest.map(|it| Bar { part: Part::Pause, from: micros(from, it.0), to: micros(from, it.1) }));
        let at = rows.len();
        rows.push(step);
        let mut beneath: Vec<(Timestamp, FallRow)> = Vec::new();
        for index in calls.get(&line.step).into_iter().flatten() {
            if let Some(call) = loaded.calls.get(*index) {
                beneath.push((call.exchange.started, call_row(*index, call, icon, hue, from)));
            }
        }
        for (begin, until, kind) in pauses.get(&line.step).into_iter().flatten() {
            let row = pause_row(&line.step, *kind, (*begin, (*until).min(end)), icon, hue, from);
            if let Some(step) = rows.get_mut(at) {
                step.bars.extend(row.bars.iter().copied());
            }
            beneath.push((*begin, row));
        }
        beneath.sort_by_key(|it| it.0);
        rows.extend(beneath.into_iter().map(|it| it.1));
    }
    if loaded.head.finished.is_some() {
        rows.extend(flow.into_iter().flat_map(|it| missed(it, loaded, catalog)));
    }
    let ends = rows.iter().flat_map(|it| &it.bars).map(|it| it.to).max().unwrap_or(0);
    Fall { rows, whole: ends.max(micros(from, end)).max(1_000) }
}

fn step_row(line: &StepLine, flow: Option<&Flow>, catalog: &Catalog, from: Timestamp, end: Timestamp, calls: usize) -> FallRow {
    let node = flow.and_then(|it| it.nodes.get(&line.step.node));
    let face = node.map(|it| kind::face(&it.kind, catalog));
    let name = node
        .map(|it| it.name.trim())
        .filter(|it| !it.is_empty())
        .map_or_else(|| face.map_or_else(|| line.step.node.to_string(), |it| it.title.to_owned()), str::to_owned);
    let item = line.step.item.0.iter().map(|at| (at + 1).to_string()).collect::<Vec<_>>().join(" ");
    let until = line.ended.unwrap_or(end).max(line.began);
    FallRow {
        line: Line::Step,
        step: line.step.clone(),
        mark: Some(match line.state {
            StepState::Running => Mark::Running,
            StepState::Waiting => Mark::Waiting,
            StepState::Parked => Mark::Parked,
            StepState::Done => Mark::Done,
            StepState::Failed => Mark::Failed,
        }),
        icon: face.map_or(icon::CIRCLE_DASHED, |it| it.icon),
        hue: face.map_or(Hue::Logic, |it| it.hue),
        title: if item.is_empty() { name } else { format!("{name}, {item}") },
        method: String::new(),
        meta: if calls == 0 { String::new() } else { super::rows::count(calls, "call") },
        bars: vec![Bar { part: Part::Work, from: micros(from, line.began), to: micros(from, until) }],
        took: words::milliseconds(micros(line.began, until) / 1_000),
    }
}

fn call_row(index: usize, call: &StepExchange, icon: char, hue: Hue, from: Timestamp) -> FallRow {
    let exchange = &call.exchange;
    let begin = micros(from, exchange.started);
    let sent = begin + exchange.timing.queued_us;
    let headed = sent + exchange.timing.waiting_us;
    let ended = headed + exchange.timing.receiving_us;
    let mut bars = Vec::new();
    for (part, from, to) in [(Part::Pause, begin, sent), (Part::Waiting, sent, headed), (Part::Receiving, headed, ended)] {
        if to > from {
            bars.push(Bar { part, from, to });
        }
    }
    let status = exchange.answer.as_ref().map(|it| it.status);
    FallRow {
        line: Line::Call(index),
        step: call.step.clone(),
        mark: Some(if is_good(status) { Mark::Done } else { Mark::Failed }),
        icon,
        hue,
        title: short_address(&exchange.request.url).to_owned(),
        method: exchange.request.method.clone(),
        meta: status.map_or_else(|| "no answer".to_owned(), |it| it.to_string()),
        bars,
        took: words::milliseconds(u64::try_from(exchange.timing.total().as_millis()).unwrap_or(u64::MAX)),
    }
}

fn pause_row(
    step: &StepKey,
    kind: FailureKind,
    (begin, until): (Timestamp, Timestamp),
    icon: char,
    hue: Hue,
    from: Timestamp,
) -> FallRow {
    let title = match kind {
        FailureKind::RateLimit => "Waited as the service asked",
        _ => "Waited before trying again",
    };
    let bar = Bar { part: Part::Pause, from: micros(from, begin), to: micros(from, until.max(begin)) };
    FallRow {
        line: Line::Pause,
        step: step.clone(),
        mark: None,
        icon,
        hue,
        title: title.to_owned(),
        method: String::new(),
        meta: String::new(),
        bars: vec![bar],
        took: words::milliseconds((bar.to - bar.from) / 1_000),
    }
}

/// Steps that the run never came to, in the order of their names.
fn missed(flow: &Flow, loaded: &Loaded, catalog: &Catalog) -> Vec<FallRow> {
    let unreached = |id: &crate::flow::NodeId| loaded.play.node(id).is_none();
    let nodes = flow
        .nodes
        .iter()
        .filter(|(id, node)| unreached(id) && !node.muted && !matches!(node.kind, crate::flow::NodeKind::Trigger(_)));
    let row = |(id, node): (&crate::flow::NodeId, &std::sync::Arc<crate::flow::Node>)| {
        let face = kind::face(&node.kind, catalog);
        let name = if node.name.trim().is_empty() { face.title.to_owned() } else { node.name.clone() };
        FallRow {
            line: Line::Missed,
            step: StepKey::new(id.clone()),
            mark: None,
            icon: face.icon,
            hue: face.hue,
            title: name,
            method: String::new(),
            meta: "not reached".to_owned(),
            bars: Vec::new(),
            took: String::new(),
        }
    };
    nodes.map(row).collect()
}

/// When steps waited for a person or for a time, until they went on or until `end`.
fn rests(entries: &[Entry], end: Timestamp) -> BTreeMap<&StepKey, Vec<(Timestamp, Timestamp)>> {
    let mut rests: BTreeMap<&StepKey, Vec<(Timestamp, Timestamp)>> = BTreeMap::new();
    for entry in entries {
        let Some(step) = entry.step() else { continue };
        match entry {
            Entry::StepParked { at, .. } => rests.entry(step).or_default().push((*at, end.max(*at))),
            Entry::StepWaiting { until, at, .. } => rests.entry(step).or_default().push((*at, (*until).min(end).max(*at))),
            other => {
                if let Some(last) = rests.get_mut(step).and_then(|it| it.last_mut()).filter(|it| it.1 == end) {
                    last.1 = other.at().max(last.0).min(end);
                }
            }
        }
    }
    rests
}

/// Whether a call did what it should.
pub(super) fn is_good(status: Option<u16>) -> bool {
    status.is_some_and(|it| it < 400)
}

/// An address without its scheme and host.
pub(super) fn short_address(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |it| it.1);
    rest.find('/').map_or(rest, |at| &rest[at..])
}

fn micros(from: Timestamp, to: Timestamp) -> u64 {
    u64::try_from(to.duration_since(from).as_micros()).unwrap_or(0)
}

/// Where lines are drawn over a length of so many microseconds, at most `most`, and what stands at them.
pub(super) fn ticks(whole: u64, most: usize) -> Vec<(u64, String)> {
    let steps = [
        1_000,
        2_000,
        5_000,
        10_000,
        20_000,
        50_000,
        100_000,
        200_000,
        500_000,
        1_000_000,
        2_000_000,
        5_000_000,
        10_000_000,
        30_000_000,
        60_000_000,
        300_000_000,
        600_000_000,
        1_800_000_000,
        3_600_000_000,
        21_600_000_000,
        86_400_000_000,
        604_800_000_000,
    ];
    let fits = |step: &&u64| whole / **step < most.max(1) as u64;
    let step = steps.iter().find(fits).copied().unwrap_or_else(|| (whole / most.max(1) as u64).max(1));
    (0..=whole / step).map(|it| (it * step, tick_words(it * step))).collect()
}

fn tick_words(us: u64) -> String {
    match us {
        0 => "0".to_owned(),
        1..1_000_000 => format!("{} ms", us / 1_000),
        1_000_000..60_000_000 if us.is_multiple_of(1_000_000) => format!("{} s", us / 1_000_000),
        1_000_000..60_000_000 => format!("{}.{} s", us / 1_000_000, us % 1_000_000 / 100_000),
        60_000_000..3_600_000_000 => format!("{} min", us / 60_000_000),
        3_600_000_000..86_400_000_000 => format!("{} h", us / 3_600_000_000),
        _ => format!("{} d", us / 86_400_000_000),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::engine::Mode;
    use crate::engine::log::RunHead;
    use crate::flow::testing::Sketch;
    use crate::record::{Answer, Body, Exchange, Failure, Request, Timing};
    use crate::run::{Outcome, Revision, RunId};
    use crate::ui::live::Play;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millisecond(1_764_000_000_000 + ms).unwrap()
    }

    fn call(step: &str, attempt: u32, started: i64, status: Option<u16>) -> StepExchange {
        let request = Request {
            method: "POST".to_owned(),
            url: "https://services.example/contacts/?q=a".to_owned(),
            headers: Vec::new(),
            body: Body::default(),
        };
        let answer = status.map(|status| Answer { status, headers: Vec::new(), body: Body::default() });
        let timing = Timing { queued_us: 2_000, waiting_us: 20_000, receiving_us: 3_000 };
        let exchange = Exchange { request, answer, error: None, started: at(started), timing };
        StepExchange { step: StepKey::new(step), attempt, exchange: Arc::new(exchange) }
    }

    fn loaded(entries: Vec<Entry>, calls: Vec<StepExchange>) -> Loaded {
        let outcome = Outcome::Failed(Failure::new(FailureKind::Refused, "No"));
        let head = RunHead {
            id: RunId(1),
            flow: "f".into(),
            flow_name: "F".to_owned(),
            revision: Revision("00".into()),
            trigger: "t".into(),
            delivery: None,
            mode: Mode::Sandbox,
            parent: None,
            accepted: at(0),
            finished: Some(at(1_100)),
            outcome: Some(outcome),
            steps: 1,
            failures: 1,
            parked: 0,
        };
        let play = Play::stored(&head, &entries, calls.iter().map(|it| &it.step));
        Loaded { head, entries: entries.into(), calls, flow: None, play }
    }

    fn started(step: &str, ms: i64) -> Entry {
        Entry::StepStarted { step: StepKey::new(step), attempt: 1, at: at(ms) }
    }

    fn failed(step: &str, ms: i64, retry: Option<i64>, kind: FailureKind) -> Entry {
        let failure = Failure::new(kind, "No");
        Entry::StepFailed { step: StepKey::new(step), attempt: 1, failure, retry_at: retry.map(at), lost: false, at: at(ms) }
    }

    #[test]
    fn calls_and_pauses_stand_beneath_their_step_and_what_was_not_reached_at_the_end() {
        let entries = vec![
            Entry::Accepted { trigger: "t".into(), payload: Arc::new(json!(1)), at: at(0), cause: Arc::default() },
            started("a", 10),
            failed("a", 50, Some(1_000), FailureKind::RateLimit),
            started("a", 1_000),
            failed("a", 1_050, None, FailureKind::Refused),
        ];
        let calls = vec![call("a", 1, 12, Some(429)), call("a", 2, 1_002, None)];
        let flow = Sketch::flow("t.out -> a, a.out -> b, a.out -> c!");
        let fall = fall(&loaded(entries, calls), Some(&flow), &Catalog::default(), at(9_000));
        let line = |it: &FallRow| format!("{:?} {} {:?}", it.line, it.name(), it.bars.iter().map(|b| b.from).collect::<Vec<_>>());
        let lines: Vec<String> = fall.rows.iter().map(line).collect();
        assert_eq!(
            lines,
            [
                "Step t, done, <1 ms [0]",
                "Step a, failed, 2 calls, 1.04 s [10000, 50000]",
                "Call(0) POST /contacts/?q=a, 429, 25 ms [12000, 14000, 34000]",
                "Pause Waited as the service asked, 0.95 s [50000]",
                "Call(1) POST /contacts/?q=a, no answer, 25 ms [1002000, 1004000, 1024000]",
                "Missed b, not reached []",
            ]
        );
        assert_eq!(fall.whole, 1_100_000);
        assert_eq!(fall.rows[2].mark, Some(Mark::Failed));
    }

    #[test]
    fn addresses_are_short() {
        for (url, short) in
            [("https://a.b/c/d?e", "/c/d?e"), ("https://a.b", "a.b"), ("http://127.0.0.1:9/x", "/x"), ("odd", "odd")]
        {
            assert_eq!(short_address(url), short);
        }
    }

    #[test]
    fn ticks_are_round_and_few() {
        let words = |whole, most| ticks(whole, most).into_iter().map(|it| it.1).collect::<Vec<_>>();
        assert_eq!(words(3_190_000, 5), ["0", "1 s", "2 s", "3 s"]);
        assert_eq!(words(45_000, 5), ["0", "10 ms", "20 ms", "30 ms", "40 ms"]);
        assert_eq!(words(1_000, 5), ["0", "1 ms"]);
        assert_eq!(words(172_800_000_000, 5), ["0", "1 d", "2 d"]);
        assert_eq!(words(1_200_000, 4), ["0", "500 ms", "1 s"]);
        for whole in [1_000, 77_777, 10_000_000, 86_400_000_000 * 400] {
            assert!(ticks(whole, 5).len() <= 6, "{whole}");
        }
    }
}
