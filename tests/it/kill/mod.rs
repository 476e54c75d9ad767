//! `flowyard serve`, killed a hundred times under a stream of events.
//!
//! The services are slow, and not killed: of the requests that were under way when their caller was, half are carried out
//! all the same, some of them well after the process is back. Several senders send events, each with an id of its own, and
//! send an event again until it is answered; one of them gives up when an answer was lost. The process is killed at moments
//! of chance and started again on the same data directory and port. Now and then a person looks at the services' ledger and
//! lets the steps go on that wait for one, and the process may catch up. In the end everything may finish. Then the journal
//! and the ledger are held against what was sent: every event that was answered was done once, and none twice; every second
//! attempt follows on an end of the process.
//!
//! | variable | what it sets | without it |
//! |---|---|---|
//! | `FLOWYARD_KILLS` | how often the process is killed | 100 |
//! | `FLOWYARD_KILL_SEED` | where chance begins: moments, delays, pauses | another one each time, which is printed |
//!
//! A long version: `FLOWYARD_KILLS=2000 cargo test --locked --test it -- kill --nocapture`
mod senders;
mod verdict;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use flowyard::catalog::Catalog;
use flowyard::flow::Flow;
use flowyard::journal::{Filter, Journal, Reader, RunState};
use flowyard::run::Release;
use flowyard::sandbox::{self, Access, Handle, Options, Traps};
use jiff::Timestamp;
use serde_json::json;
use tokio::runtime::Runtime;

use self::senders::{Senders, Sent};
pub(crate) use self::verdict::runs;
use self::verdict::{Asked, Evidence, Report, contact_of};
use crate::support::binary::{Ended, Home, Running, text};
use crate::support::door::Door;

const SIGN_UP: &str = include_str!("../flows/sign-up.flowyard");
/// Nothing here takes long; what does is stuck.
const PATIENCE: Duration = Duration::from_mins(2);
/// How late a request reaches a service, and how late its answer is back, at most.
const SLOW: Duration = Duration::from_millis(40);
/// How long the process lives on after its first answer, in milliseconds.
const LIFE: std::ops::RangeInclusive<u64> = 20..=400;
/// One in so many is killed while it starts, so many milliseconds after that.
const EARLY: (u8, std::ops::RangeInclusive<u64>) = (8, 1..=150);
/// After so many kills a person looks at the steps that wait for one, and the process is left alone until only so many runs
/// are under way: what is killed too often gets ever less done.
const RESTS_EVERY: (u64, usize) = (50, 30);
/// So many steps of those are released by the command line, the others by what stands behind it.
const BY_HAND: usize = 2;

/// The process under test, over and over again.
struct Served {
    home: Home,
    access: Access,
    address: SocketAddr,
}

impl Served {
    fn new(access: Access, chance: &mut fastrand::Rng) -> Self {
        let home = Home::new();
        home.write("sign-up.flowyard", SIGN_UP);
        let (crm, calendar) = (&access.highlevel, &access.schedule_it);
        let connections = json!([
            {
                "id": "crm", "connector": "highlevel", "base_url": crm.base_url, "account": { "location_id": crm.location_id },
                "secret_env": { "token": "CRM_TOKEN" },
            },
            {
                "id": "calendar", "connector": "schedule_it", "base_url": calendar.base_url, "auth": { "kind": "basic" },
                "secret_env": { "user": "CALENDAR_USER", "password": "CALENDAR_PASSWORD" },
            },
        ]);
        home.write("connections.json", &connections.to_string());
        // Not from the range that the system gives to outgoing connections, which could take it between two lives.
        let free = || SocketAddr::from((Ipv4Addr::LOCALHOST, chance.u16(20_000..30_000)));
        let address = std::iter::repeat_with(free).find(|it| TcpListener::bind(it).is_ok()).expect("a free port");
        Self { home, access, address }
    }

    fn start(&self) -> Running {
        let address = self.address.to_string();
        let (crm, calendar) = (&self.access.highlevel, &self.access.schedule_it);
        let secrets = [
            ("CRM_TOKEN", crm.token.as_str()),
            ("CALENDAR_USER", calendar.user.as_str()),
            ("CALENDAR_PASSWORD", calendar.password.as_str()),
        ];
        let args = ["serve", "sign-up.flowyard", "--listen", &address, "--data", "data", "--connections", "connections.json"];
        self.home.spawn_with(&args, &secrets)
    }

    fn journal(&self) -> Reader {
        Journal::open_reader(&self.home.path("data")).expect("a journal")
    }

    /// A process that has gone on undisturbed until no more than so many runs go on by themselves.
    fn start_and_catch_up(&self, left: usize) -> Running {
        let serving = self.start();
        serving.line_with("/hooks/sign-up");
        let journal = self.journal();
        let deadline = Instant::now() + PATIENCE;
        let running = || runs(&journal, &Filter { state: Some(RunState::Running), ..Filter::default() }).len();
        // The process tells nobody when a run ends, so the log is asked.
        loop {
            let still = running();
            if still <= left {
                return serving;
            }
            assert!(Instant::now() < deadline, "{still} runs do not end; the process said:\n{}", serving.kill().stderr);
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Lets the process go on undisturbed until no run goes on by itself any more, and ends it.
    fn finish(&self) {
        sound(&self.start_and_catch_up(0).stop().with_code(0));
    }
}

/// Nothing that a process said is about a fault of its own.
pub(crate) fn sound(ended: &Ended) {
    assert!(!ended.stderr.contains("panicked") && !ended.stderr.contains(" ERROR "), "{}", ended.stderr);
}

/// A number from the environment.
fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|it| it.parse().unwrap_or_else(|error| panic!("{name}={it}: {error}")))
}

/// What the process calls, and who sees to it.
struct Services {
    runtime: Runtime,
    sandbox: Handle,
    door: Door,
}

/// When a process ended: not before the first, gone by the second.
type End = (Timestamp, Timestamp);

/// Kills the process so often; when it ended, each time, and what became of the events.
fn kill_often(
    services: &Services,
    served: &Served,
    kills: u64,
    chance: &mut fastrand::Rng,
) -> (Vec<End>, BTreeMap<String, Sent>) {
    let runtime = &services.runtime;
    let url = format!("http://{}/hooks/sign-up", served.address);
    let senders = {
        let _inside = runtime.enter();
        Senders::start(&url, chance.u64(..))
    };
    let mut ends = Vec::new();
    let mut end = |serving: Running, how: fn(Running) -> Ended| {
        let from = Timestamp::now();
        let ended = how(serving);
        ends.push((from, Timestamp::now()));
        sound(&ended);
        ended
    };
    for kill in 1..=kills {
        let before = senders.answered();
        let serving = served.start();
        if chance.u8(..EARLY.0) == 0 {
            thread::sleep(Duration::from_millis(chance.u64(EARLY.1)));
        } else {
            let first = runtime.block_on(async { tokio::time::timeout(PATIENCE, senders.more_than(before)).await });
            assert!(first.is_ok(), "no event was answered; the process said:\n{}", serving.kill().stderr);
            thread::sleep(Duration::from_millis(chance.u64(LIFE)));
        }
        let ended = end(serving, Running::kill);
        if cfg!(unix) {
            assert_eq!(ended.code, -1, "it ended before it was killed:\n{}", ended.stderr);
        }
        if kill % RESTS_EVERY.0 == 0 && kill < kills {
            release_all(services, served);
            end(served.start_and_catch_up(RESTS_EVERY.1), Running::kill);
        }
    }
    let serving = served.start();
    serving.line_with("/hooks/sign-up");
    let sent = runtime.block_on(async { tokio::time::timeout(PATIENCE, senders.stop()).await.expect("the senders end") });
    // Asked to end, it lets its calls come back, as long as that does not take for ever.
    end(serving, Running::stop).with_code(0);
    (ends, sent)
}

/// A person looks at the services, and says of each step that waits whether its call was made.
fn release_all(services: &Services, served: &Served) {
    // Not before the services are done with what they got.
    services.runtime.block_on(services.door.quiet());
    let asked = Asked::of(&services.sandbox.ledger());
    let (journal, data) = (served.journal(), served.home.path("data"));
    let waiting = runs(&journal, &Filter { state: Some(RunState::Parked), ..Filter::default() });
    for (at, head) in waiting.iter().enumerate() {
        let entries = journal.entries(head.id).expect("a readable journal");
        let happened = asked.enrolled(contact_of(&entries).expect("a contact")) > 0;
        if at < BY_HAND {
            let id = head.id.to_string();
            let how = if happened { ["--done", r#"{"succeded":true}"#].as_slice() } else { &["--repeat"] };
            let args = [&["release", &id, "enrol", "--data", text(&data)], how].concat();
            served.home.run(&args).with_code(0).says(&["Released enrol"]);
            continue;
        }
        let release = if happened { Release::Done(Arc::new(json!({ "succeded": true }))) } else { Release::Repeat };
        flowyard::engine::release(&data, &Catalog::shipped(), head.id, None, release).expect("a released step");
    }
}

#[expect(clippy::print_stdout, reason = "shown where one asks for it, and where the test fails")]
fn tell(seed: u64, what: &str) {
    println!("FLOWYARD_KILL_SEED={seed}: {what}");
}

#[test]
fn a_process_that_is_killed_again_and_again_loses_and_repeats_nothing() {
    let kills = variable("FLOWYARD_KILLS").unwrap_or(100);
    let seed = variable("FLOWYARD_KILL_SEED").unwrap_or_else(|| fastrand::u64(..));
    tell(seed, &format!("{kills} kills"));
    let mut chance = fastrand::Rng::with_seed(seed);
    let begun = Instant::now();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime for the services");
    let (sandbox, door) = runtime.block_on(async {
        let limits = sandbox::Limits { enabled: false, burst: 100_000, daily: 10_000_000, ..sandbox::Limits::default() };
        // The service itself does not keep a second contact away.
        let traps = Traps { duplicates_allowed: true, ..Traps::default() };
        let options = Options { limits, traps, ledger_limit: 10_000_000, ..Options::default() };
        let sandbox = sandbox::start(&Catalog::shipped(), options).await.expect("a sandbox");
        let door = Door::slow(&sandbox, chance.u64(..), SLOW).await;
        (sandbox, door)
    });
    let services = Services { runtime, sandbox, door };
    let served = Served::new(services.door.access(), &mut chance);
    let (ends, sent) = kill_often(&services, &served, kills, &mut chance);
    tell(seed, &format!("killed after {:.1} s", begun.elapsed().as_secs_f64()));

    served.finish();
    release_all(&services, &served);
    served.finish();
    let flow = Flow::parse(SIGN_UP.as_bytes()).expect("a sound file");
    let journal = served.journal();
    let evidence = Evidence { flow: &flow, journal: &journal, sandbox: &services.sandbox, sent: &sent, ends: &ends };
    let report = evidence.judge();
    tell(seed, &format!("{report:#?} in {:.1} s", begun.elapsed().as_secs_f64()));
    if kills >= 50 {
        let Report { sent_again, repeated, found, made, parked, .. } = report;
        assert!([sent_again, repeated, found, made, parked].iter().all(|it| *it > 0), "not everything was met: {report:#?}");
    }
}
