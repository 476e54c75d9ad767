//! One trial: the services' imitation in this process, the engine in another, which is killed or not, and what is left of both.
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::child::{Sent, Taken};
use crate::cli::exit::{Error, Exit};
use crate::engine::log::{Filter, Journal, Reader, RunHead, RunState};
use crate::sandbox::{self, Faults};

/// How long an answer of the other process may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// Everything that goes on does something within this time; what does not waits for something that does not come soon.
const STILL: Duration = Duration::from_secs(20);
/// How long it lives after its first answer, in milliseconds.
const LIFE: std::ops::RangeInclusive<u64> = 20..=400;
/// How often the log is asked whether all has ended.
const ASK: Duration = Duration::from_millis(50);

/// What is tried.
pub(super) struct Trial<'a> {
    /// What the other process is started with, before its data directory.
    pub(super) args: &'a [std::ffi::OsString],
    /// Its data directory.
    pub(super) dir: &'a Path,
    pub(super) sandbox: &'a sandbox::Handle,
    pub(super) events: &'a [Value],
    /// How often it is killed, and where chance begins; none is a trial without any fault.
    pub(super) trouble: Option<Trouble>,
    /// Whether a person wants it to end.
    pub(super) cancelled: &'a AtomicBool,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Trouble {
    pub(super) kills: u64,
    pub(super) seed: u64,
}

/// The other process, as long as it lives.
struct Life {
    child: Child,
    taken: Receiver<Taken>,
}

/// Where what the other process says of itself is kept.
const SAID: &str = "said.txt";

/// Every fault that the imitation knows, each for a small share of the requests; in one life they strike before a request has had
/// its effect, in another after it.
pub(super) fn faults(seed: u64, life: u64) -> Faults {
    Faults {
        unauthorized: 0.01,
        forbidden: 0.002,
        rate_limited: 0.02,
        surprise: 0.02,
        server_error: 0.02,
        html: 0.01,
        cut: 0.03,
        slow: 0.05,
        slow_ms: 300,
        after: life % 2 == 1,
        random: seed.wrapping_add(life),
        ..Faults::default()
    }
}

impl Trial<'_> {
    /// Sends all events, each until it is on disk, and waits until nothing goes on any more; how many kills there were.
    ///
    /// # Errors
    /// If the other process ends by itself, or takes nothing.
    pub(super) fn undergo(&self) -> Result<u64, Error> {
        self.connect()?;
        let mut open: Vec<usize> = (0..self.events.len()).collect();
        let mut killed = 0;
        if let Some(trouble) = self.trouble {
            let mut chance = fastrand::Rng::with_seed(trouble.seed);
            for life in 0..trouble.kills {
                self.heed_cancel()?;
                self.sandbox.set_faults(faults(trouble.seed, life));
                // Its share, and what no answer came for.
                let share = (life + 1) * self.events.len() as u64 / trouble.kills;
                let now: Vec<usize> = open.iter().copied().filter(|it| (*it as u64) < share).collect();
                let mut lived = self.start()?;
                self.send(&mut lived, &now);
                if !now.is_empty() {
                    let first = self.answer(&lived)?;
                    open.retain(|it| *it != first);
                }
                thread::sleep(Duration::from_millis(chance.u64(LIFE)));
                // What is already answered counts; the rest is asked again.
                while let Ok(Taken { event }) = lived.taken.try_recv() {
                    open.retain(|it| *it != event);
                }
                lived.kill();
                killed += 1;
            }
        }
        let mut lived = self.start()?;
        self.send(&mut lived, &open);
        while !open.is_empty() {
            self.heed_cancel()?;
            let event = self.answer(&lived)?;
            open.retain(|it| *it != event);
        }
        self.rest(&mut lived)?;
        lived.end();
        Ok(killed)
    }

    /// Writes down how the imitation is reached; its secrets are in the environment of the other process.
    fn connect(&self) -> Result<(), Error> {
        let access = self.sandbox.access();
        let (crm, calendar, mail) = (&access.highlevel, &access.schedule_it, &access.mail);
        let basic = json!({ "kind": "basic" });
        let book = json!([
            {
                "id": "highlevel", "connector": "highlevel", "base_url": crm.base_url,
                "account": { "location_id": crm.location_id }, "secret_env": { "token": "CHAOS_TOKEN" },
            },
            {
                "id": "schedule_it", "connector": "schedule_it", "base_url": calendar.base_url, "auth": basic,
                "secret_env": { "user": "CHAOS_CALENDAR_USER", "password": "CHAOS_CALENDAR_PASSWORD" },
            },
            {
                "id": "mail", "connector": "mail", "base_url": mail.base_url, "auth": basic, "account": { "from": mail.from },
                "secret_env": { "user": "CHAOS_MAIL_USER", "password": "CHAOS_MAIL_PASSWORD" },
            },
        ]);
        fs::write(self.dir.join("connections.json"), book.to_string()).map_err(|error| self.unwritable(&error))
    }

    fn unwritable(&self, error: &std::io::Error) -> Error {
        let title = format!("{} cannot be written", self.dir.display());
        Error::machine(title, error, "See that the disk has room, or name another place with TMPDIR.")
    }

    fn start(&self) -> Result<Life, Error> {
        let access = self.sandbox.access();
        let secrets = [
            ("CHAOS_TOKEN", &access.highlevel.token),
            ("CHAOS_CALENDAR_USER", &access.schedule_it.user),
            ("CHAOS_CALENDAR_PASSWORD", &access.schedule_it.password),
            ("CHAOS_MAIL_USER", &access.mail.user),
            ("CHAOS_MAIL_PASSWORD", &access.mail.password),
        ];
        let said = File::options().create(true).append(true).open(self.dir.join(SAID));
        let said = said.map_err(|error| self.unwritable(&error))?;
        let cannot =
            |error: &std::io::Error| Error::machine("Flowyard cannot start itself once more", error, "Close other programs.");
        let program = std::env::current_exe().map_err(|error| cannot(&error))?;
        let mut command = Command::new(program);
        command.args(self.args).arg(self.dir).envs(secrets).env("FLOWYARD_LOG", "error");
        command.env_remove("FLOWYARD_VAULT_KEY_FILE").env_remove("FLOWYARD_VAULT_PASSPHRASE");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(said);
        let mut child = command.spawn().map_err(|error| cannot(&error))?;
        let (sender, taken) = mpsc::channel();
        if let Some(stdout) = child.stdout.take() {
            thread::spawn(move || {
                let lines = BufReader::new(stdout).lines().map_while(Result::ok);
                lines.filter_map(|line| serde_json::from_str(&line).ok()).try_for_each(|it| sender.send(it))
            });
        }
        Ok(Life { child, taken })
    }

    /// What cannot be sent since the process has ended is found to be not answered.
    fn send(&self, to: &mut Life, events: &[usize]) {
        let Some(stdin) = to.child.stdin.as_mut() else { return };
        for event in events {
            let line = json!(Sent { event: *event, payload: self.events[*event].clone() });
            if writeln!(stdin, "{line}").is_err() {
                return;
            }
        }
    }

    fn answer(&self, from: &Life) -> Result<usize, Error> {
        match from.taken.recv_timeout(PATIENCE) {
            Ok(Taken { event }) => Ok(event),
            Err(why) => {
                let said = fs::read_to_string(self.dir.join(SAID)).unwrap_or_default();
                let detail = match why {
                    RecvTimeoutError::Timeout => "It takes no event.",
                    RecvTimeoutError::Disconnected => "It ended by itself.",
                };
                let detail = said.lines().last().map_or_else(|| detail.to_owned(), |it| format!("{detail} It said: {it}"));
                Err(Error::machine(
                    "The process that is tried does not go on",
                    &detail,
                    "Try the flow with `flowyard run --sandbox`.",
                ))
            }
        }
    }

    fn heed_cancel(&self) -> Result<(), Error> {
        if self.cancelled.load(Ordering::Acquire) { Err(Exit::Cancelled.into()) } else { Ok(()) }
    }

    /// Waits until no run goes on, or nothing more happens.
    fn rest(&self, lived: &mut Life) -> Result<(), Error> {
        let journal = Journal::open_reader(self.dir)?;
        let (mut before, mut since) = (None, Instant::now());
        loop {
            self.heed_cancel()?;
            let going = heads(&journal, &Filter { state: Some(RunState::Running), ..Filter::default() })?;
            if going.is_empty() || lived.child.try_wait().ok().flatten().is_some() {
                return Ok(());
            }
            let now = Some((going.len(), going.iter().map(|it| it.steps).sum::<u32>(), self.sandbox.last_seq()));
            if now != before {
                (before, since) = (now, Instant::now());
            } else if since.elapsed() > STILL {
                return Ok(());
            }
            thread::sleep(ASK);
        }
    }
}

impl Life {
    /// Ends it at once, as a power cut does.
    fn kill(mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }

    /// Lets what is under way come back.
    fn end(mut self) {
        drop(self.child.stdin.take());
        self.child.wait().ok();
    }
}

/// A process that nobody waits for any more is not left behind.
impl Drop for Life {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// The runs of a log, however many.
pub(super) fn heads(journal: &Reader, filter: &Filter) -> Result<Vec<RunHead>, Error> {
    let mut all: Vec<RunHead> = Vec::new();
    loop {
        let before = all.last().map(|it| it.id);
        let page = journal.runs(&Filter { before, limit: 1_000, ..filter.clone() })?;
        if page.is_empty() {
            return Ok(all);
        }
        all.extend(page);
    }
}
