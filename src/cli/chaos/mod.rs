//! `flowyard chaos`: any flow, in the sandbox, under every fault at once and with kills; and what became of each event.
//!
//! The flow is gone through twice with the same events: first without any fault, which shows what it does when all is well, then
//! under the faults, by a process of its own that is killed as a power cut would and started again. Both end before
//! they are compared.
//!
//! Invariant: nothing but the sandbox is called; a flow that sends requests of its own is not tried.
mod child;
mod count;
mod sample;
#[cfg(test)]
mod tests;
mod trial;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::{Value, json};

use self::count::{Counts, Left};
use self::trial::{Trial, Trouble};
use super::begin::choose_trigger;
use super::embedded;
use super::exit::{Error, Exit};
use super::flows::{self, Source};
use super::print::{BAD, DIM, GOOD, Plain, Printer, STRONG, WAITING, paint};
use super::signal::Signals;
use super::table::Table;
use super::{read, runtime, words};
use crate::catalog::Catalog;
use crate::engine::log::Journal;
use crate::flow::{Flow, NodeId, NodeKind};
use crate::record::{Failure, FailureKind};
use crate::run::Program;
use crate::sandbox::{self, Limits, Options, Traps};

/// Try in the sandbox whether a flow loses or doubles anything: all faults at once, and the program killed again and again.
///
/// The flow gets events like its trigger's sample, each with mail addresses and phone numbers of its own. Requests are answered with
/// errors, cut before or after they took effect, or are late; tokens are refused; the process is ended as by a power cut. What the
/// log says is then held against what the services were really asked, and against a trial without faults.
#[derive(Debug, Args)]
pub(super) struct Chaos {
    /// The flow's file
    flow: PathBuf,

    /// How many events
    #[arg(long, value_name = "NUMBER", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    runs: u32,

    /// How often the process is killed; by default once for every ten events
    #[arg(long, value_name = "NUMBER")]
    kills: Option<u32>,

    /// Where chance begins: the same number lets the same requests go wrong. By default another one each time, which is told
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,

    /// The event that all are made from: JSON from a file, or from standard input with "-". By default the sample in the flow
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,

    /// The trigger that gets the events, by its id; needed where the flow has several
    #[arg(long, value_name = "NODE")]
    trigger: Option<String>,

    /// Another flow that this one calls; may be given several times
    #[arg(long = "with", value_name = "FLOW")]
    others: Vec<PathBuf>,

    /// Print one JSON object
    #[arg(long)]
    json: bool,

    /// Be the process that is killed, on this data directory
    #[arg(long, value_name = "DIR", hide = true)]
    at: Option<PathBuf>,
}

/// Ledger entries that are kept: more than any trial makes.
const LEDGER: usize = 10_000_000;
/// So many of what went wrong are told one by one.
const TOLD: usize = 10;

pub(super) fn run(args: &Chaos, out: &mut Printer) -> Result<Exit, Error> {
    let catalog = Catalog::shipped();
    let main = flows::read(&args.flow)?;
    let others: Vec<Source> = args.others.iter().map(|it| flows::read(it)).collect::<Result<_, _>>()?;
    let all: Vec<&Source> = std::iter::once(&main).chain(&others).collect();
    flows::demand_sound(&all, &catalog, out)?;
    let (trigger, kind) = choose_trigger(&main.flow, args.trigger.as_deref(), true)?;
    let flows: Vec<Arc<Flow>> = all.iter().map(|it| Arc::clone(&it.flow)).collect();
    demand_no_requests(&flows)?;
    if let Some(dir) = &args.at {
        return runtime::block_on(child::serve(dir, &flows, &trigger, catalog, out));
    }
    let sample = match &args.input {
        Some(path) => kind.given(read::json(path)?),
        None => kind.test_event(&catalog),
    };
    runtime::block_on(go(args, &flows, &trigger, &sample, &catalog, out))
}

/// Whether the sandbox answers all that the flows ask.
fn demand_no_requests(flows: &[Arc<Flow>]) -> Result<(), Error> {
    let nodes = flows.iter().flat_map(|it| it.nodes.values()).filter(|it| !it.muted);
    let names: Vec<_> = nodes.filter(|it| matches!(it.kind, NodeKind::Http(_))).map(|it| format!("\"{}\"", it.name)).collect();
    if names.is_empty() {
        return Ok(());
    }
    let title = "The flow sends HTTP requests of its own, which the sandbox does not answer";
    let failure = Failure::new(FailureKind::Flow, title).at(names.join(", "));
    Err(Error::new(
        Exit::File,
        failure.hint("Mute these steps to try the rest: they would be sent to the real address each time."),
    ))
}

async fn go(
    args: &Chaos,
    flows: &[Arc<Flow>],
    trigger: &NodeId,
    sample: &Value,
    catalog: &Catalog,
    out: &mut Printer,
) -> Result<Exit, Error> {
    let mut signals = Signals::listen()?;
    let seed = args.seed.unwrap_or_else(|| fastrand::u64(..1_000_000));
    let count = args.runs as usize;
    let kills = args.kills.map_or_else(|| (u64::from(args.runs) / 10).clamp(3, 100), u64::from);
    let dir = tempfile::Builder::new().prefix("flowyard-chaos-").tempdir();
    let dir = dir.map_err(|error| Error::machine("There is no room for the trial's log", &error, "Name a place with TMPDIR."))?;
    let cancelled = Arc::new(AtomicBool::new(false));
    let heard = Arc::clone(&cancelled);
    tokio::spawn(async move {
        signals.next().await;
        heard.store(true, Ordering::Release);
    });
    let name = Plain(&flows[0].name).to_string();
    let begun = Instant::now();
    if !args.json {
        out.say(paint(DIM, format_args!("\"{name}\" without faults: {}", words::count(count, "event"))));
    }
    let events = Arc::new((0..count).map(|it| sample::vary(sample, it)).collect());
    let mut stage = Stage { args: child_args(args, trigger), events, cancelled, catalog };
    let (mut without, _, _) = stage.trial(dir.path(), "without", None).await?;
    if without.failures().0 == count {
        // It may be about somebody who is there.
        stage.events = Arc::new(vec![sample.clone(); count]);
        (without, _, _) = stage.trial(dir.path(), "without-again", None).await?;
    }
    if !args.json {
        let kills = words::count(usize::try_from(kills).unwrap_or(usize::MAX), "kill");
        out.say(paint(DIM, format_args!("\"{name}\" under all faults, with {kills} (--seed {seed})")));
    }
    let (left, killed, met) = stage.trial(dir.path(), "under-faults", Some(Trouble { kills, seed })).await?;
    let program = Arc::new(Program::compile(&flows[0], catalog)?);
    let counts = left.count(&without, &program, stage.events.len());
    let is_flawless = counts.once == counts.events;
    // What can be learned from it is kept.
    let kept = if is_flawless { None } else { Some(dir.keep().join("under-faults")) };
    let told = Told {
        seed,
        killed,
        met,
        uncertain: left.uncertain(&program),
        failed_without: without.failures(),
        took: begun.elapsed(),
        kept,
        counts,
    };
    if args.json {
        out.json(&told.object());
    } else {
        told.show(out);
    }
    Ok(if told.counts.lost + told.counts.doubled > 0 { Exit::Failed } else { Exit::Done })
}

/// How the process that is killed is started, before its data directory.
fn child_args(args: &Chaos, trigger: &NodeId) -> Vec<OsString> {
    let mut all: Vec<OsString> = vec!["chaos".into(), args.flow.clone().into(), "--trigger".into(), trigger.as_str().into()];
    for other in &args.others {
        all.extend(["--with".into(), other.clone().into()]);
    }
    all.push("--at".into());
    all
}

/// What both trials have in common.
struct Stage<'a> {
    args: Vec<OsString>,
    events: Arc<Vec<Value>>,
    cancelled: Arc<AtomicBool>,
    catalog: &'a Catalog,
}

impl Stage<'_> {
    /// A trial with services of its own: what is left, how often it was killed, and how many requests met which fault.
    async fn trial(
        &self,
        dir: &Path,
        name: &str,
        trouble: Option<Trouble>,
    ) -> Result<(Left, u64, BTreeMap<&'static str, usize>), Error> {
        let dir = dir.join(name);
        let cannot = |error: &std::io::Error| Error::machine("The trial's log has no place", error, "Name a place with TMPDIR.");
        std::fs::create_dir(&dir).map_err(|error| cannot(&error))?;
        // Limits are met by the answers that are 429 by chance; they would only make it last longer.
        let limits = Limits { burst: 100_000, interval_ms: 1_000, daily: 100_000_000, ..Limits::default() };
        let traps = Traps { rule_breakers_locked_out: false, ..Traps::default() };
        let options = Options { limits, traps, ledger_limit: LEDGER, ..Options::default() };
        let sandbox = embedded::start_with(self.catalog, options.clone(), &embedded::FaultArgs::default()).await?;
        sandbox.set_traps(options.traps);
        let (args, events, cancelled) = (self.args.clone(), Arc::clone(&self.events), Arc::clone(&self.cancelled));
        let (at, services) = (dir.clone(), sandbox.clone());
        let undergone = tokio::task::spawn_blocking(move || {
            let (args, events, cancelled) = (&*args, &**events, &*cancelled);
            Trial { args, dir: &at, sandbox: &services, events, trouble, cancelled }.undergo()
        });
        let ended = |error: tokio::task::JoinError| Error::machine("The trial was cut short", &error, "Report it.");
        let killed = undergone.await.map_err(ended)?;
        let (ledger, met) = (sandbox.ledger(), faults_met(&sandbox));
        sandbox.stop().await;
        let left = Left::read(&Journal::open_reader(&dir)?, &ledger)?;
        Ok((left, killed?, met))
    }
}

fn faults_met(sandbox: &sandbox::Handle) -> BTreeMap<&'static str, usize> {
    let mut met = BTreeMap::new();
    for fault in sandbox.ledger().iter().filter_map(|it| it.fault) {
        *met.entry(fault).or_default() += 1;
    }
    met
}

/// What is told in the end.
struct Told {
    seed: u64,
    killed: u64,
    met: BTreeMap<&'static str, usize>,
    uncertain: usize,
    /// How many runs failed without any fault, and why one of them did.
    failed_without: (usize, Option<String>),
    took: Duration,
    /// Where the log is.
    kept: Option<PathBuf>,
    counts: Counts,
}

impl Told {
    fn object(&self) -> Value {
        let mut object = json!(self.counts);
        if let Value::Object(fields) = &mut object {
            let (failed, why) = &self.failed_without;
            let more = json!({
                "seed": self.seed, "kills": self.killed, "uncertain": self.uncertain, "faults": self.met,
                "failed_without_faults": failed, "why_without_faults": why, "log": self.kept,
                "seconds": self.took.as_secs_f64(),
            });
            fields.extend(more.as_object().cloned().unwrap_or_default());
        }
        object
    }

    fn show(&self, out: &mut Printer) {
        let Counts { once, failed, asking, going, lost, doubled, shared, wrong, .. } = &self.counts;
        let mut table = Table::new(["what became of them", ">events", ""]);
        let mut row = |what: &str, count: usize, more: String| table.row([what.to_owned(), count.to_string(), more]);
        let shared =
            if *shared > 0 { format!("{shared} found that an event just like theirs had done it") } else { String::new() };
        row("took effect once", *once, shared);
        row("failed, and say why", *failed, String::new());
        let uncertain = if self.uncertain > 0 {
            format!("{} cannot tell whether their call was made", self.uncertain)
        } else {
            String::new()
        };
        row("wait for a person", *asking, uncertain);
        if *going > 0 {
            row("not over yet", *going, "they wait for a time".to_owned());
        }
        row("lost", *lost, String::new());
        row("doubled", *doubled, String::new());
        table.print(out);
        let met: Vec<String> = self.met.iter().map(|(fault, count)| format!("{fault} {count}")).collect();
        let met = if met.is_empty() { "none".to_owned() } else { met.join(", ") };
        let kills = words::count(usize::try_from(self.killed).unwrap_or(usize::MAX), "kill");
        out.line(paint(DIM, format_args!("{kills}; faults met: {met}; {}", words::duration(self.took))));
        for it in wrong.iter().take(TOLD) {
            out.line(paint(BAD, Plain(it)));
        }
        if wrong.len() > TOLD {
            out.line(paint(BAD, format_args!("… and {} more", wrong.len() - TOLD)));
        }
        out.line(self.sentence());
        if let (count @ 1.., Some(why)) = (self.failed_without.0, &self.failed_without.1) {
            let runs = words::count(count, "run");
            out.line(paint(WAITING, format_args!("{runs} failed without any fault as well, for example: {}", Plain(why))));
        }
        if let Some(log) = &self.kept {
            out.say(paint(DIM, format_args!("The log is kept: flowyard log list --data {}", log.display())));
        }
    }

    /// In a sentence, for whoever reads nothing else.
    fn sentence(&self) -> String {
        let Counts { events, once, failed, asking, going, lost, doubled, .. } = &self.counts;
        let all = words::count(*events, "event");
        if lost + doubled > 0 {
            let words =
                format!("Of {all}, {lost} were lost and {doubled} took effect more than once: that is a fault of Flowyard's.");
            return paint(BAD, format_args!("{words} Report it with --seed {}.", self.seed));
        }
        if once == events {
            let words =
                if *events == 1 { "The event took effect once.".to_owned() } else { format!("All {all} took effect once.") };
            return paint(GOOD, words);
        }
        let parts = [(*failed, "failed and say why"), (*asking, "wait for a person"), (*going, "are not over yet")];
        let parts: Vec<String> = parts.iter().filter(|it| it.0 > 0).map(|(count, what)| format!("{count} {what}")).collect();
        let words = format!("Of {all}, {once} took effect once, {}.", parts.join(", "));
        format!("{STRONG}{words}{STRONG:#} Nothing was lost, and nothing took effect twice.")
    }
}

#[cfg(test)]
mod wording {
    use super::*;

    fn told(counts: Counts) -> String {
        let told = Told {
            seed: 7,
            killed: 3,
            met: BTreeMap::new(),
            uncertain: 0,
            failed_without: (0, None),
            took: Duration::ZERO,
            kept: None,
            counts,
        };
        anstream::adapter::strip_str(&told.sentence()).to_string()
    }

    #[test]
    fn what_came_of_it_is_a_sentence() {
        let counts = |events, once| Counts { events, once, ..Counts::default() };
        assert_eq!(told(counts(200, 200)), "All 200 events took effect once.");
        assert_eq!(told(counts(1, 1)), "The event took effect once.");
        let some = Counts { failed: 2, asking: 1, ..counts(20, 17) };
        assert_eq!(
            told(some),
            "Of 20 events, 17 took effect once, 2 failed and say why, 1 wait for a person. Nothing was lost, and nothing took effect twice."
        );
        let bad = told(Counts { lost: 1, doubled: 2, ..counts(20, 17) });
        assert!(
            bad.starts_with("Of 20 events, 1 were lost and 2 took effect more than once") && bad.contains("--seed 7"),
            "{bad}"
        );
    }
}
