//! `flowyard serve`: flows that listen, until Ctrl-C.
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use jiff::Timestamp;
use serde_json::json;
use tracing_subscriber::EnvFilter;

use super::embedded;
use super::exit::{Error, Exit};
use super::flows::{self, Source};
use super::print::{self, DIM, Plain, Printer, paint};
use super::published::Live;
use super::run::Target;
use super::signal::Signals;
use super::{alerts, background, bind, connections, home, listen, next, runtime, words};
use crate::catalog::{Catalog, ConnectorId, Event, OperationId};
use crate::engine::alert::{self, Alerts};
use crate::engine::{self, Clock, JournalOptions, Limits, Reread, Settings, Vault};
use crate::flow::schedule::Schedule;
use crate::flow::{Alarm, Each, Ending, Flow, FlowId, NodeId, NodeKind, Trigger, Watch, Watched};
use crate::sandbox::Delivery;

/// Let flows listen and run, until Ctrl-C or the system's request to end.
///
/// For each webhook its address is printed once it answers. What an earlier process left unfinished goes on.
#[derive(Debug, Args)]
#[command(after_help = CONNECTIONS_HELP)]
pub(super) struct Serve {
    /// The flows' files; without any, the flows that are published and on
    flows: Vec<PathBuf>,

    /// Where webhooks listen: ADDRESS:PORT; port 0 picks a free one
    #[arg(long, value_name = "ADDR", default_value = home::LISTEN, value_parser = listen::parse)]
    listen: SocketAddr,

    #[command(flatten)]
    target: Target,

    /// Print each address as one JSON object a line
    #[arg(long)]
    json: bool,

    /// Write log lines as JSON
    #[arg(long)]
    log_json: bool,
}

const CONNECTIONS_HELP: &str = r#"`flowyard connect add` makes connections; their secrets are in the vault: the keychain of the system, or an encrypted file.
The file of connections is a list of accounts. It may be written by hand, and name the environment variables that hold secrets
in place of the vault:
  [{"id": "crm", "connector": "highlevel", "account": {"location_id": "…"}, "secret_env": {"token": "HL_TOKEN"}},
   {"id": "calendar", "connector": "schedule_it", "secret_env": {"user": "SI_USER", "password": "SI_PASSWORD"}}]
"base_url", "name", "auth", "zone", "environment", "oauth" and "agency" may be given too. `flowyard connect` tells a running
`serve` what it changes; what is changed by hand is read with the next start.

Log lines go to standard error; FLOWYARD_LOG says which, for example FLOWYARD_LOG=debug."#;

pub(super) fn run(args: &Serve, out: &mut Printer) -> Result<Exit, Error> {
    start_log(args.log_json);
    let flows: Vec<Source> = args.flows.iter().map(|it| flows::read(it)).collect::<Result<_, _>>()?;
    let catalog = args.target.data.catalog(out)?;
    flows::demand_sound(&flows.iter().collect::<Vec<_>>(), &catalog, out)?;
    flows::demand_distinct(&flows)?;
    runtime::block_on(go(args, &flows, catalog, out))
}

async fn go(args: &Serve, flows: &[Source], catalog: Catalog, out: &mut Printer) -> Result<Exit, Error> {
    let mut signals = Signals::listen()?;
    let target = &args.target;
    let data = target.log()?;
    let sandbox = if target.sandbox { Some(embedded::start(&catalog, &target.faults).await?) } else { None };
    let (bound, desk) = target.connections(sandbox.as_ref(), &catalog)?;
    let of_published = if flows.is_empty() { desk.clone() } else { None };
    let deployments = match &of_published {
        None => target.deployments(flows.iter().map(|it| &it.flow), &bound, &catalog)?,
        Some(desk) => {
            let live = Live::read(&target.data.resolve(false)?, &target.environment, desk, &catalog)?;
            live.failures.iter().for_each(|it| out.failure("warning", it));
            live.copies
        }
    };
    let known = catalog.clone();
    let vault = desk.as_ref().map_or_else(Vault::in_memory, |it| it.vault().clone());
    if desk.is_some() {
        connections::warn(&deployments, &bound, &vault, &catalog, out).await;
    }
    let deployed: Vec<Arc<Flow>> = deployments.iter().map(|it| Arc::clone(&it.flow)).collect();
    // In the sandbox nobody is alerted.
    let own = desk.as_ref().map(|it| alert::deployments(&Alerts::read(it.data()).unwrap_or_default())).unwrap_or_default();
    let deployments = deployments.into_iter().map(bind::deployment).chain(own).collect();
    home::take_over(&data, false, out).await?;
    let engine = engine::start(Settings {
        data: data.clone(),
        journal: JournalOptions::default(),
        catalog,
        connections: bound,
        vault,
        mode: target.mode(),
        flows: deployments,
        listen: Some(args.listen),
        clock: Clock::System,
        calls: target.calls(),
        limits: Limits::default(),
        recover: true,
    })
    .await?;
    if let Some(desk) = desk {
        let clicked = desk.data().to_owned();
        alerts::begin(&engine, &desk, move |run| background::open(&clicked, run));
        let reread = Reread::new(move || connections::read(&desk));
        engine.heed(match of_published {
            None => reread,
            Some(desk) => {
                let (environment, catalog) = (target.environment.clone(), known.clone());
                reread.with_flows(deployed.iter().map(|it| it.id.clone()), move || {
                    let live = Live::read(desk.data(), &environment, &desk, &catalog)?;
                    live.failures.iter().for_each(|failure| tracing::warn!(%failure, "a flow that is on cannot run"));
                    Ok(live.deployments())
                })
            }
        });
    }
    home::log_gaps(&engine, &data);
    let address = listen::reachable(engine.address().unwrap_or(args.listen));
    if let Some(sandbox) = &sandbox {
        // The imitated service tells of what happens, as the real one is told to.
        let url = Some(format!("http://{address}/events/highlevel"));
        sandbox.set_delivery(Delivery { url, ..sandbox.delivery() });
    }
    for it in &deployed {
        announce(it, address, args.json, out);
    }
    told(&deployed, &known, address, args.json, out);
    if let Some(sandbox) = &sandbox {
        if args.json {
            out.json(&json!({ "event": "sandbox", "access": sandbox.access() }));
        } else {
            out.say(paint(DIM, format_args!("The sandbox is at {}.", sandbox.url())));
        }
    }
    let place = target.place();
    let count = words::count(deployed.len(), "flow");
    out.say(paint(
        DIM,
        format_args!("Serving {count} {place} on http://{address}, logged in {}. Ctrl-C ends it.", data.display()),
    ));
    signals.next().await;
    out.say(paint(DIM, "Stopping: what is under way comes back first. Ctrl-C again leaves at once."));
    engine.stop().wait().await;
    if let Some(sandbox) = sandbox {
        sandbox.stop().await;
    }
    Ok(Exit::Done)
}

/// A line for each hook and each schedule of a flow.
fn announce(flow: &Arc<Flow>, address: SocketAddr, as_json: bool, out: &mut Printer) {
    let mut starts = 0;
    for (id, node) in flow.nodes.iter().filter(|(_, node)| !node.muted) {
        let path = match &node.kind {
            NodeKind::Trigger(Trigger::Webhook { path, .. }) => path,
            NodeKind::Trigger(Trigger::Schedule { schedule, .. }) => {
                scheduled(flow, id, schedule, as_json, out);
                starts += 1;
                continue;
            }
            NodeKind::Trigger(Trigger::Failed { of, .. }) => {
                waits_for_failures(flow, id, of.as_ref(), as_json, out);
                starts += 1;
                continue;
            }
            NodeKind::Trigger(Trigger::Ended { of, ending, .. }) => {
                waits_for_ends(flow, id, of, *ending, as_json, out);
                starts += 1;
                continue;
            }
            NodeKind::Trigger(Trigger::Alert { of, .. }) => {
                waits_for_alerts(flow, id, of, as_json, out);
                starts += 1;
                continue;
            }
            NodeKind::Trigger(Trigger::File { watched, .. }) => {
                watches(flow, id, watched, as_json, out);
                starts += 1;
                continue;
            }
            NodeKind::Trigger(Trigger::Event { event, watch, .. }) => {
                waits(flow, id, event, watch, as_json, out);
                starts += 1;
                continue;
            }
            _ => continue,
        };
        starts += 1;
        let url = format!("http://{address}/hooks/{path}");
        if as_json {
            out.json(&json!({ "event": "hook", "url": url, "flow": flow.id, "name": flow.name, "node": id }));
        } else {
            out.say(paint(DIM, format_args!("\"{}\" starts at:", Plain(&flow.name))));
            out.line(url);
        }
    }
    if starts == 0 {
        out.say(paint(
            DIM,
            format_args!("\"{}\" has no trigger of its own: it starts only where another flow calls it.", Plain(&flow.name)),
        ));
    }
}

/// Whose failures a flow waits for.
fn waits_for_failures(flow: &Flow, id: &NodeId, of: Option<&FlowId>, as_json: bool, out: &mut Printer) {
    if as_json {
        out.json(&json!({ "event": "failures", "of": of, "flow": flow.id, "name": flow.name, "node": id }));
        return;
    }
    let whose = of.map_or_else(|| "another flow".to_owned(), |it| format!("\"{it}\""));
    out.line(format_args!("\"{}\" starts when a run of {} fails.", Plain(&flow.name), Plain(&whose)));
}

/// Whose ends a flow waits for.
fn waits_for_ends(flow: &Flow, id: &NodeId, of: &[FlowId], ending: Ending, as_json: bool, out: &mut Printer) {
    if as_json {
        out.json(&json!({ "event": "ends", "of": of, "ending": ending, "flow": flow.id, "name": flow.name, "node": id }));
        return;
    }
    let names: Vec<String> = of.iter().map(|it| format!("\"{it}\"")).collect();
    let whose = if names.is_empty() { "another flow".to_owned() } else { names.join(" or ") };
    let how = if ending == Ending::Any { "ends" } else { "goes well" };
    out.line(format_args!("\"{}\" starts when a run of {} {how}.", Plain(&flow.name), Plain(&whose)));
}

/// Which alerts a flow waits for.
fn waits_for_alerts(flow: &Flow, id: &NodeId, of: &BTreeSet<Alarm>, as_json: bool, out: &mut Printer) {
    if as_json {
        out.json(&json!({ "event": "alerts", "of": of, "flow": flow.id, "name": flow.name, "node": id }));
        return;
    }
    let all: Vec<String> = Alarm::ALL.iter().filter(|it| of.is_empty() || of.contains(it)).map(ToString::to_string).collect();
    out.line(format_args!("\"{}\" starts when {}.", Plain(&flow.name), all.join(", or ")));
}

/// Which files or rows a flow starts from.
fn watches(flow: &Flow, id: &NodeId, watched: &Watched, as_json: bool, out: &mut Printer) {
    if as_json {
        out.json(&json!({
            "event": "watches", "path": watched.path, "each": watched.each, "names": watched.names,
            "flow": flow.id, "name": flow.name, "node": id
        }));
        return;
    }
    let words = match watched.each {
        Each::File if watched.names.is_empty() => "starts for each new file in".to_owned(),
        Each::File => format!("starts for each new {} in", watched.names),
        Each::Row => "starts for each new row of".to_owned(),
    };
    out.say(paint(DIM, format_args!("\"{}\" {}:", Plain(&flow.name), Plain(&words))));
    out.line(Plain(&watched.path));
}

/// Which event a flow waits for, and how it comes here.
fn waits(flow: &Flow, id: &NodeId, event: &OperationId, watch: &Watch, as_json: bool, out: &mut Printer) {
    let Some(found) = Event::find(event) else { return };
    let every = if watch.every.is_empty() {
        "every minute, or less often while nothing happens".to_owned()
    } else {
        format!("every {}", watch.every)
    };
    let (way, words) = match (found.poll(), watch.reconcile) {
        (Some(_), _) => ("poll", format!("the service is looked at {every}")),
        (None, true) => ("message", "the service tells of it, and is looked at now and then for what it did not tell".to_owned()),
        (None, false) => ("message", "the service tells of it".to_owned()),
    };
    let whole = watch.reads_whole(found);
    let words = if whole { format!("{words}; a run first reads the whole record") } else { words };
    if as_json {
        out.json(&json!({ "event": "waits", "flow": flow.id, "name": flow.name, "node": id, "for": event, "way": way, "whole": whole }));
    } else {
        out.say(paint(DIM, format_args!("\"{}\" waits for \"{}\": {words}.", Plain(&flow.name), Plain(&found.title))));
    }
}

/// Where services are to send their messages, if some flow waits for any.
fn told(flows: &[Arc<Flow>], catalog: &Catalog, address: SocketAddr, as_json: bool, out: &mut Printer) {
    let of = |flow: &Arc<Flow>| {
        let triggers = flow.nodes.values().filter(|it| !it.muted).filter_map(|it| match &it.kind {
            NodeKind::Trigger(Trigger::Event { event, .. }) => Event::find(event),
            _ => None,
        });
        triggers.filter(|it| it.poll().is_none()).map(|it| it.id.connector().clone()).collect::<Vec<_>>()
    };
    let services: BTreeSet<ConnectorId> = flows.iter().flat_map(of).collect();
    for service in services {
        let url = format!("http://{address}/events/{service}");
        let title = catalog.connector(&service).map_or_else(|| service.to_string(), |it| it.title.clone());
        if as_json {
            out.json(&json!({ "event": "messages", "service": service, "url": url }));
        } else {
            let words = "sends its messages here, through a tunnel or a proxy of yours; enter that address as the webhook URL of your app";
            out.say(paint(DIM, format_args!("{title} {words}:")));
            out.line(url);
        }
    }
}

/// When a schedule comes next.
fn scheduled(flow: &Flow, id: &NodeId, schedule: &Schedule, as_json: bool, out: &mut Printer) {
    // What cannot be read was refused by the check.
    let Ok(plan) = schedule.plan() else { return };
    let times: Vec<Timestamp> = plan.upcoming(Timestamp::now()).take(3).collect();
    if as_json {
        let all: Vec<_> = times.iter().map(|it| plan.event(*it, 0)["at"].take()).collect();
        let (rule, zone) = (&schedule.rule, &schedule.zone);
        out.json(&json!({
            "event": "schedule", "flow": flow.id, "name": flow.name, "node": id, "rule": rule, "zone": zone, "next": all
        }));
        return;
    }
    let next = times.first().map_or_else(|| "never again".to_owned(), |it| format!("next {}", next::words(&plan, *it)));
    let rule = schedule.sentence();
    out.say(paint(
        DIM,
        format_args!("\"{}\" starts by the clock: {}, {}; {next}.", Plain(&flow.name), Plain(&rule), Plain(&schedule.zone)),
    ));
}

/// Log lines to standard error: what went wrong, unless `FLOWYARD_LOG` says otherwise.
pub(super) fn start_log(as_json: bool) {
    let filter = EnvFilter::try_from_env("FLOWYARD_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(print::log_writer);
    // A second logger in one process is of no use to anyone; the first goes on.
    if as_json {
        builder.json().try_init().ok();
    } else {
        builder.try_init().ok();
    }
}
