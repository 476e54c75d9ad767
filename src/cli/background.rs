//! `flowyard background`: the flows that are on run without the window, until somebody takes over.
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use clap::{Args, ValueEnum};
use serde_json::json;
use tokio::sync::mpsc;

use super::connections::{self, VaultArgs};
use super::data::DataArgs;
use super::exit::{Error, Exit};
use super::home::{self, Home};
use super::print::{DIM, GOOD, Printer, paint};
use super::signal::Signals;
#[cfg(all(unix, not(target_os = "macos")))]
use super::tray::Chosen;
use super::{alerts, at_login, listen, runtime, serve};
use crate::engine;
#[cfg(feature = "gui")]
use crate::engine::private;

/// How often it is looked whether what was lent is free again; the one that asked for it has it by then.
const LOOK: Duration = Duration::from_secs(2);
/// What it says of itself goes here, in the data directory, where the window has left it behind.
#[cfg(feature = "gui")]
const LOG: &str = "background.log";

/// Keep the flows that are on running without the window. It makes way for the window, and for `flowyard serve`
///
/// Without the window nothing is seen of it: `flowyard log` and `flowyard flows` tell what it does.
#[derive(Debug, Args)]
pub(super) struct Background {
    /// Where webhooks listen: ADDRESS:PORT
    #[arg(long, value_name = "ADDR", default_value = home::LISTEN, value_parser = listen::parse)]
    listen: SocketAddr,

    /// Start it with the computer from now on, or not any more; nothing else is done
    #[arg(long, value_name = "WHEN")]
    at_login: Option<AtLogin>,

    #[command(flatten)]
    data: DataArgs,

    #[command(flatten)]
    vault: VaultArgs,

    /// Print one JSON object whenever the flows begin to run
    #[arg(long)]
    json: bool,

    /// Write log lines as JSON
    #[arg(long)]
    log_json: bool,
}

/// What a person chose in the tray; there is none here.
#[cfg(not(all(unix, not(target_os = "macos"))))]
enum Chosen {
    Open,
    Look,
    Stop,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum AtLogin {
    On,
    Off,
}

pub(super) fn run(args: &Background, out: &mut Printer) -> Result<Exit, Error> {
    if let Some(when) = args.at_login {
        at_login::set(when == AtLogin::On, &arguments(&args.data, &args.vault))?;
        let words = match when {
            AtLogin::On => "The flows that are on run from the next login on.",
            AtLogin::Off => "Nothing starts with the computer any more.",
        };
        out.say(paint(GOOD, words));
        return Ok(Exit::Done);
    }
    serve::start_log(args.log_json);
    let catalog = args.data.catalog(out)?;
    let desk = connections::desk(&args.data.resolve(false)?, None, &args.vault, &catalog);
    let home = Home { desk, catalog, listen: Some(args.listen) };
    runtime::block_on(go(home, args.json, out))
}

async fn go(home: Home, as_json: bool, out: &mut Printer) -> Result<Exit, Error> {
    let mut signals = Signals::listen()?;
    let data = home.desk.data().to_owned();
    let mut tray = tray();
    loop {
        let running = match home.start(|_| {}).await {
            Ok(running) => running,
            Err(failure) => {
                if engine::is_at_work(&data) {
                    out.say(paint(DIM, "Another Flowyard runs the flows already."));
                    return Ok(Exit::Done);
                }
                return Err(failure.into());
            }
        };
        for failure in &running.failures {
            out.failure("warning", failure);
        }
        let engine = running.engine;
        engine.make_way();
        home::log_gaps(&engine, &data);
        let clicked = data.clone();
        alerts::begin(&engine, &home.desk, move |run| open(&clicked, run));
        if as_json {
            out.json(&json!({ "event": "running", "address": engine.address(), "data": data }));
        }
        out.say(paint(DIM, format_args!("The flows that are on run; logged in {}. Ctrl-C ends it.", data.display())));
        loop {
            tokio::select! {
                () = signals.next() => {
                    engine.stop().wait().await;
                    return Ok(Exit::Done);
                }
                () = engine.ended() => break,
                Some(chosen) = tray.recv() => match chosen {
                    // It asks for the data directory by itself.
                    Chosen::Open => open(&data, None),
                    Chosen::Look => engine.look(),
                    Chosen::Stop => {
                        engine.stop().wait().await;
                        return Ok(Exit::Done);
                    }
                },
            }
        }
        if !engine.is_lent() {
            out.say(paint(DIM, "Another Flowyard has taken over."));
            return Ok(Exit::Done);
        }
        out.say(paint(DIM, "A run by hand has the flows' data for now."));
        drop(engine);
        tokio::select! {
            () = signals.next() => return Ok(Exit::Done),
            () = until_free(&data) => {}
        }
    }
}

/// The icon in the tray, where there is one.
fn tray() -> mpsc::UnboundedReceiver<Chosen> {
    #[cfg(all(unix, not(target_os = "macos")))]
    return super::tray::show("The flows that are on run in the background.".to_owned());
    #[cfg(not(all(unix, not(target_os = "macos"))))]
    return mpsc::unbounded_channel().1;
}

/// Opens the window, as a process of its own, at this run.
pub(super) fn open(data: &Path, run: Option<u64>) {
    let mut args = vec!["open".to_owned()];
    args.extend(run.map(|it| format!("--run={it}")));
    let started = std::env::current_exe().and_then(|it| detached(&it, &args, data, Stdio::null()));
    if let Err(error) = started {
        tracing::warn!(%error, "the window cannot be opened");
    }
}

/// Done once somebody had the data directory, or ought to have had it, and nobody has it any more.
async fn until_free(data: &Path) {
    loop {
        tokio::time::sleep(LOOK).await;
        let data = data.to_owned();
        if !tokio::task::spawn_blocking(move || engine::is_at_work(&data)).await.unwrap_or(false) {
            return;
        }
    }
}

/// How it is started for this data directory and vault.
pub(super) fn arguments(data: &DataArgs, vault: &VaultArgs) -> Vec<String> {
    let mut args = vec!["background".to_owned()];
    let whole = |it: &Path| std::path::absolute(it).unwrap_or_else(|_| it.to_owned()).display().to_string();
    let named = std::env::var_os("FLOWYARD_DATA").filter(|it| !it.is_empty()).map(std::path::PathBuf::from);
    if let Some(dir) = data.data.as_ref().or(named.as_ref()) {
        args.extend(["--data".to_owned(), whole(dir)]);
    }
    if let Some(file) = vault.key_file() {
        args.extend(["--vault-key-file".to_owned(), whole(&file)]);
    }
    args
}

/// Starts it as a process of its own, which outlives this one and its terminal.
///
/// # Errors
/// If the system starts no process.
#[cfg(feature = "gui")]
pub(super) fn leave_behind(data: &Path, args: &[String]) -> std::io::Result<()> {
    let log = private::options().write(true).create(true).truncate(true).open(data.join(LOG))?;
    detached(&std::env::current_exe()?, args, data, log.into())
}

/// Starts a process that outlives this one.
fn detached(program: &Path, args: &[String], data: &Path, errors: Stdio) -> std::io::Result<()> {
    let mut command = Command::new(program);
    command.args(args).env("FLOWYARD_DATA", data).stdin(Stdio::null()).stdout(Stdio::null()).stderr(errors);
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    #[cfg(windows)]
    std::os::windows::process::CommandExt::creation_flags(&mut command, 0x0000_0008 | 0x0000_0200);
    command.spawn().map(drop)
}
