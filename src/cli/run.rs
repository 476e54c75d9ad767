//! `flowyard run`: one run of a flow, watched from its start to its end.
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::begin::{BeginArgs, choose_trigger};
use super::bind::{self, SlotBinding};
use super::changes;
use super::connections::{self, Bound, VaultArgs};
use super::data::DataArgs;
use super::embedded::{self, FaultArgs};
use super::exit::{Error, Exit};
use super::flows::{self, Source};
use super::part::{self, PartArgs};
use super::print::{BAD, DIM, GOOD, Plain, Printer, STRONG, WAITING, paint};
use super::signal::Signals;
use super::story::{self, Ending, Story};
use super::{home, plan, runtime, words};
use crate::accounts::{self, Bindings, Copy, Desk, Slots};
use crate::catalog::Catalog;
use crate::engine::plan::Ask;
use crate::engine::{self, CallSettings, Clock, Connection, Event, Handle, JournalOptions, Limits, Mode, Settings, Vault};
use crate::flow::{Flow, NodeId, NodeKind, SlotId};
use crate::record::{Failure, FailureKind};
use crate::run::{Aim, Outcome, Plan, RunId};
use crate::sandbox;

/// Run a flow once, and show each step as it happens.
#[derive(Debug, Args)]
pub(super) struct Run {
    /// The flow's file
    flow: PathBuf,

    #[command(flatten)]
    target: Target,

    #[command(flatten)]
    begin: BeginArgs,

    #[command(flatten)]
    part: PartArgs,

    /// Send only what reads, on your connections, and show what the flow would write, without writing it. It begins with --input, else
    /// with the newest record of its trigger. Nothing of it is logged
    #[arg(long = "dry-run", conflicts_with_all = ["sandbox", "step", "to", "no_pins", "last"])]
    dry: bool,

    /// Another flow that this one calls; may be given several times
    #[arg(long = "with", value_name = "FLOW")]
    others: Vec<PathBuf>,

    /// Print one JSON object a line for each event, and a summary at the end
    #[arg(long)]
    json: bool,
}

/// What flows run against, and where that is logged.
#[derive(Debug, Args)]
pub(super) struct Target {
    /// Run against an embedded sandbox that imitates the services: no account is needed, and nothing real is touched
    #[arg(long)]
    pub(super) sandbox: bool,

    #[command(flatten)]
    pub(super) data: DataArgs,

    /// The file of connections; by default connections.json in the data directory
    #[arg(long, value_name = "FILE", conflicts_with = "sandbox")]
    pub(super) connections: Option<PathBuf>,

    #[command(flatten)]
    pub(super) vault: VaultArgs,

    /// The connection that a slot of the flow stands for; needed where there are several to the same service
    #[arg(long = "bind", value_name = "SLOT=CONNECTION", value_parser = SlotBinding::parse)]
    pub(super) bindings: Vec<SlotBinding>,

    /// Which of your environments: its connections are used, and its runs are logged in a place of their own
    #[arg(long, value_name = "NAME", default_value = Connection::LIVE, value_parser = bind::environment, conflicts_with = "sandbox")]
    pub(super) environment: String,

    #[command(flatten)]
    pub(super) faults: FaultArgs,

    /// After an error, rest no longer than this before the next attempt (as "200 ms" or "5 s"), whatever flows and services
    /// ask for. For trying things out: real services lock out who comes back too soon
    #[arg(long, value_name = "TIME", value_parser = words::length)]
    pub(super) longest_rest: Option<Duration>,
}

impl Target {
    /// How calls are made.
    pub(super) fn calls(&self) -> CallSettings {
        CallSettings { longest_rest: self.longest_rest, ..CallSettings::default() }
    }

    pub(super) fn mode(&self) -> Mode {
        if self.sandbox { Mode::Sandbox } else { Mode::Live }
    }

    /// Where runs are logged.
    ///
    /// # Errors
    /// If none is named and the user has no home.
    pub(super) fn log(&self) -> Result<PathBuf, Error> {
        let data = self.data.resolve(self.sandbox)?;
        Ok(if self.sandbox { data } else { accounts::log_of(&data, &self.environment) })
    }

    /// Where flows run, in words.
    pub(super) fn place(&self) -> String {
        match self.environment.as_str() {
            _ if self.sandbox => "in the sandbox".to_owned(),
            Connection::LIVE => "live".to_owned(),
            name => format!("in the environment {name}"),
        }
    }

    /// The flows with their connections, one for each account.
    ///
    /// # Errors
    /// If a connection is missing, or slots have unlike numbers of them.
    pub(super) fn deployments<'a>(
        &self,
        flows: impl Iterator<Item = &'a Arc<Flow>> + Clone,
        bound: &Bound,
        catalog: &Catalog,
    ) -> Result<Vec<Copy>, Error> {
        bind::all_known(&self.bindings, flows.clone().map(Arc::as_ref))?;
        let kept = if self.sandbox { Bindings::default() } else { Bindings::read(&self.data.resolve(false)?)? };
        let connections: Vec<&Connection> = bound.iter().map(|(it, _)| it).collect();
        let deployment = |flow: &Arc<Flow>| {
            if self.sandbox {
                embedded::covers(flow, bound)?;
            }
            let slots = Slots { connections: &connections, kept: &kept, environment: &self.environment };
            let slots = bind::resolve(flow, &self.bindings, slots, catalog)?;
            Ok(accounts::spread(flow, &slots)?)
        };
        let mut copies = flows.map(deployment).collect::<Result<Vec<_>, Error>>()?.concat();
        accounts::join(&mut copies);
        Ok(copies)
    }

    /// The same where each flow is to run for one account.
    ///
    /// # Errors
    /// If a connection is missing, or a slot has several.
    pub(super) fn single<'a>(
        &self,
        flows: impl Iterator<Item = &'a Arc<Flow>> + Clone,
        bound: &Bound,
        catalog: &Catalog,
    ) -> Result<Vec<Copy>, Error> {
        let copies = self.deployments(flows, bound, catalog)?;
        let Some(account) = copies.iter().find_map(|it| it.account.as_ref()) else { return Ok(copies) };
        let slot = copies.iter().flat_map(|it| &it.bindings).find(|(_, id)| *id == account).map(|(slot, _)| slot);
        let slot = slot.map_or("SLOT", SlotId::as_str);
        let failure = Failure::new(FailureKind::Flow, format!("The slot \"{slot}\" is bound to several connections"));
        let failure = failure.hint(format!("Choose one for this run: --bind {slot}={account}. `flowyard serve` runs for all."));
        Err(Error::new(Exit::Connection, failure))
    }

    /// The connections: to the sandbox, or those of the file, and who keeps them.
    ///
    /// # Errors
    /// If the file cannot be used.
    pub(super) fn connections(
        &self,
        sandbox: Option<&sandbox::Handle>,
        catalog: &Catalog,
    ) -> Result<(Bound, Option<Desk>), Error> {
        if let Some(sandbox) = sandbox {
            return Ok((embedded::connections(sandbox.access(), catalog), None));
        }
        if !self.faults.is_empty() {
            return Err(Error::usage("--fault is for the sandbox", "Add --sandbox."));
        }
        if let Some(named) = &self.connections {
            connections::demand(named)?;
        }
        let desk = connections::desk(&self.data.resolve(false)?, self.connections.as_deref(), &self.vault, catalog);
        Ok((connections::read(&desk)?, Some(desk)))
    }
}

pub(super) fn run(args: &Run, out: &mut Printer) -> Result<Exit, Error> {
    let catalog = args.target.data.catalog(out)?;
    let mut main = flows::read(&args.flow)?;
    let others: Vec<Source> = args.others.iter().map(|it| flows::read(it)).collect::<Result<_, _>>()?;
    let target = &args.target;
    if args.dry {
        let all: Vec<&Source> = std::iter::once(&main).chain(&others).collect();
        flows::demand_sound(&all, &catalog, out)?;
        return runtime::block_on(dry(args, &all, catalog, out));
    }
    let aim = args.part.aim(&main.flow)?;
    let pins = args.part.pins(target.sandbox, &target.data.resolve(false)?, &args.flow);
    let whole = Arc::clone(&main.flow);
    main.flow = aim.part(&whole);
    let all: Vec<&Source> = std::iter::once(&main).chain(&others).collect();
    flows::demand_sound(&all, &catalog, out)?;
    let begin = if aim == Aim::Whole {
        let (trigger, kind) = choose_trigger(&main.flow, args.begin.trigger.as_deref(), target.sandbox)?;
        let payload = match pins.get(&trigger) {
            Some(pinned) if !args.begin.is_given() => Value::clone(pinned),
            _ => args.begin.payload((&whole.id, &trigger, kind), target, &catalog)?,
        };
        let given = if pins.is_empty() { Vec::new() } else { part::plan(&aim, &whole, &pins, &catalog, None)?.given };
        Plan { flow: whole, trigger, payload, given }
    } else {
        let last = match aim {
            Aim::Only(_) => part::last_run(&target.log()?, &whole)?,
            _ => None,
        };
        let mut plan = part::plan(&aim, &whole, &pins, &catalog, last.as_ref().map(|(_, passed)| passed))?;
        if args.begin.is_given()
            && let Some(NodeKind::Trigger(kind)) = whole.nodes.get(&plan.trigger).map(|it| &it.kind)
        {
            plan.payload = args.begin.payload((&whole.id, &plan.trigger, kind), target, &catalog)?;
        }
        if let (Some((head, _)), false) = (&last, args.json) {
            out.say(paint(DIM, format_args!("What comes before it is taken from run {}", head.id)));
        }
        plan
    };
    let pinned: Vec<&str> =
        begin.given.iter().map(|it| &it.node).filter(|it| pins.contains_key(*it)).map(NodeId::as_str).collect();
    if !pinned.is_empty() && !args.json {
        let list = pinned.join(", ");
        out.say(paint(DIM, format_args!("Pinned in the window, and not done: {} (--no-pins does them)", Plain(&list))));
    }
    runtime::block_on(go(args, &all, catalog, begin, out))
}

/// What it would write.
async fn dry(args: &Run, flows: &[&Source], catalog: Catalog, out: &mut Printer) -> Result<Exit, Error> {
    let mut signals = Signals::listen()?;
    let (target, flow) = (&args.target, &flows[0].flow);
    let (trigger, kind) = choose_trigger(flow, args.begin.trigger.as_deref(), true)?;
    let input = args.begin.input()?;
    let (connections, desk) = target.connections(None, &catalog)?;
    let copies = target.single(flows.iter().map(|it| &it.flow), &connections, &catalog)?;
    let event = plan::event(&target.log()?, (&flow.id, &trigger, kind), input, &catalog)?;
    let vault = desk.map_or_else(Vault::in_memory, |it| it.vault().clone());
    let means = plan::Means { catalog, connections, vault, flows: copies.into_iter().map(bind::quiet).collect() };
    let ask = Ask { flow: flow.id.clone(), trigger, event };
    if !args.json {
        out.say(paint(DIM, format_args!("Trying \"{}\" {} without writing", Plain(&flow.name), target.place())));
    }
    tokio::select! {
        made = plan::make(means, ask) => Ok(plan::show(&made?, flow, args.json, out)),
        () = signals.next() => Ok(Exit::Cancelled),
    }
}

async fn go(args: &Run, flows: &[&Source], catalog: Catalog, plan: Plan, out: &mut Printer) -> Result<Exit, Error> {
    let mut signals = Signals::listen()?;
    let target = &args.target;
    let data = target.log()?;
    let sandbox = if target.sandbox { Some(embedded::start(&catalog, &target.faults).await?) } else { None };
    let (bound, desk) = target.connections(sandbox.as_ref(), &catalog)?;
    let deployments = target.single(flows.iter().map(|it| &it.flow), &bound, &catalog)?;
    let vault = desk.as_ref().map_or_else(Vault::in_memory, |it| it.vault().clone());
    if desk.is_some() {
        connections::warn(&deployments, &bound, &vault, &catalog, out).await;
    }
    let deployments = deployments.into_iter().map(bind::quiet).collect();
    let flow = Arc::clone(&flows[0].flow);
    home::take_over(&data, true, out).await?;
    let engine = engine::start(Settings {
        data,
        journal: JournalOptions::default(),
        catalog: catalog.clone(),
        connections: bound,
        vault,
        mode: target.mode(),
        flows: deployments,
        listen: None,
        clock: Clock::System,
        calls: target.calls(),
        limits: Limits::default(),
        recover: false,
    })
    .await?;
    if !args.json {
        out.say(paint(DIM, format_args!("Running \"{}\" {}", Plain(&flow.name), target.place())));
    }
    let mut watched = Watched::new(&engine, Story::new(Arc::clone(&flow)), args.json);
    let began = std::time::Instant::now();
    let ending = watched.follow(plan, &mut signals, out).await;
    let took = began.elapsed();
    engine.stop().wait().await;
    let ending = ending?;
    let changes = match &sandbox {
        Some(sandbox) => changes::of_ledger(&sandbox.ledger_since(0)),
        None => watched.story.writes(),
    };
    if let Some(sandbox) = sandbox {
        sandbox.stop().await;
    }
    let exit = ending.exit();
    if args.json {
        out.json(&watched.story.summary(watched.run, target.mode(), &ending, &changes, took, exit));
    } else {
        let list = changes::lines(&changes, &catalog, target.sandbox);
        show_end(&watched.story, watched.run, target, &ending, &list, took, out);
    }
    Ok(exit)
}

/// A run that is watched.
struct Watched<'a> {
    engine: &'a Handle,
    story: Story,
    json: bool,
    run: Option<RunId>,
}

impl<'a> Watched<'a> {
    /// How long a run that was cancelled may take to say so.
    const CANCEL_GRACE: Duration = Duration::from_secs(5);
    /// A run with nothing but parked steps tells nothing more within this time, if what it told last may go on.
    const QUIET: Duration = Duration::from_secs(1);
    /// And within this time if not.
    const SETTLED: Duration = Duration::from_millis(20);

    fn new(engine: &'a Handle, story: Story, json: bool) -> Self {
        Self { engine, story, json, run: None }
    }

    async fn follow(&mut self, begin: Plan, signals: &mut Signals, out: &mut Printer) -> Result<Ending, Error> {
        let (sender, mut events) = mpsc::channel(16);
        let mut troubles = self.engine.troubles();
        // What went wrong at the start is told even of a run that ends at once.
        while let Ok(failure) = troubles.try_recv() {
            self.trouble(&failure, out);
        }
        let flow = self.story.flow().id.clone();
        let Plan { trigger, payload, given, .. } = begin;
        let started = self.engine.start_with(flow, Some(trigger), payload, given, Some(sender)).wait();
        tokio::select! {
            started = started => {
                let ended = || Failure::new(FailureKind::Machine, "The engine ended before the run began");
                self.run = Some(started.unwrap_or_else(|| Err(ended()))?);
            }
            () = signals.next() => return Ok(Ending::Interrupted),
        }
        let mut cancelled = false;
        loop {
            let patience = if cancelled {
                Self::CANCEL_GRACE
            } else if self.story.only_waits_for_people() {
                if self.story.may_go_on() { Self::QUIET } else { Self::SETTLED }
            } else {
                Duration::MAX
            };
            tokio::select! {
                event = events.recv() => match event {
                    Some(event) => {
                        if let Some(ending) = self.tell(&event, out) {
                            return Ok(ending);
                        }
                    }
                    // The run is gone without an end: the engine could not write it down.
                    None => return Ok(self.story.broken_off()),
                },
                Ok(failure) = troubles.recv() => self.trouble(&failure, out),
                () = signals.next(), if !cancelled => {
                    cancelled = true;
                    out.say(paint(WAITING, "Cancelling; press Ctrl-C again to leave at once."));
                    if let Some(run) = self.run {
                        drop(self.engine.cancel(run, "Ctrl-C"));
                    }
                }
                () = tokio::time::sleep(patience.min(Duration::from_hours(24))) => {
                    if cancelled {
                        return Ok(Ending::Interrupted);
                    }
                    if self.story.only_waits_for_people() {
                        return Ok(Ending::Parked);
                    }
                }
            }
        }
    }

    /// Shows an event; how the run ended if it did.
    fn tell(&mut self, event: &Event, out: &mut Printer) -> Option<Ending> {
        let lines = self.story.take(event);
        // Before the lines, so that a for-each that has ended is not painted again after them.
        out.status(self.story.progress());
        if self.json {
            for object in story::objects(event, self.story.flow()) {
                out.json(&object);
            }
        } else {
            for line in lines {
                out.line(line);
            }
        }
        match event {
            Event::Ended { outcome, .. } => Some(Ending::Ended(outcome.clone())),
            _ => None,
        }
    }

    fn trouble(&self, failure: &Failure, out: &mut Printer) {
        if self.json {
            out.json(&json!({ "event": "trouble", "failure": failure }));
        }
        out.failure("warning", failure);
    }
}

fn show_end(
    story: &Story,
    run: Option<RunId>,
    target: &Target,
    ending: &Ending,
    changed: &[String],
    took: Duration,
    out: &mut Printer,
) {
    out.end_status();
    for line in story.not_reached(matches!(ending, Ending::Parked)) {
        out.line(line);
    }
    out.line("");
    for line in changed {
        out.line(line);
    }
    let facts = format!(
        "{}, {} in {}",
        words::count(story.steps(), "step"),
        words::count(story.requests(), "request"),
        words::duration(took)
    );
    match ending {
        Ending::Ended(Outcome::Succeeded) => out.line(format_args!("{} {facts}", paint(GOOD, "✓ Succeeded:"))),
        Ending::Ended(Outcome::Failed(failure)) => {
            out.line(format_args!("{} {facts}", paint(BAD, "✗ Failed:")));
            out.failure("error", failure);
        }
        Ending::Ended(Outcome::Cancelled) | Ending::Interrupted => {
            out.line(format_args!("{} {facts}", paint(WAITING, "✗ Cancelled:")));
        }
        Ending::Parked => {
            out.line(format_args!("{} {facts}", paint(WAITING, "⏸ Waiting:")));
            for words in story.waiting_words() {
                out.say(format_args!("{WAITING}waiting:{WAITING:#} {words}"));
            }
        }
        Ending::BrokenOff => out.line(format_args!("{} {facts}", paint(BAD, "✗ Broken off:"))),
    }
    if let Some(run) = run {
        let sandbox = if target.sandbox && target.data.data.is_none() { " --sandbox" } else { "" };
        let data = target.data.data.as_ref().map(|it| format!(" --data {}", it.display())).unwrap_or_default();
        out.say(paint(
            DIM,
            format_args!("Everything that went over the wire: {STRONG}flowyard log show {run} --bodies{sandbox}{data}"),
        ));
    }
}
