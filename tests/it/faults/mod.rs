//! `flowyard serve` under every fault of the services at once, while it is killed every few seconds.
//!
//! The imitated services are a process of their own, and are not killed. People are added there; each is an event, which the
//! services tell by signed messages: some twice, some late, some out of order, some never. Calls are answered with 429, 500,
//! 502, 401 and 403, are cut before or after they have had their effect, or are slow; tokens end all the time. `serve` is killed
//! by SIGKILL and started again on the same data directory. In the end everything may finish, with the faults still on. Then
//! the journal and the services' ledger are held against the people that were added: each event took effect once, or is a run
//! that failed and says so, or a step that asks a person. Nothing is lost, and nothing happened twice.
//!
//! | variable | what it sets | without it |
//! |---|---|---|
//! | `FLOWYARD_FAULT_SEEDS` | how many times, three side by side | 3 |
//! | `FLOWYARD_FAULT_SEED` | the first seed; the others follow it | another one each time, which is printed |
//!
//! The whole thing: `cargo test --locked --test it -- faults --ignored --nocapture`
mod count;
mod services;

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use flowyard::flow::Flow;
use flowyard::journal::{Filter, Journal, RunState};
use serde_json::{Value, json};

use self::count::{Evidence, Table};
use self::services::Services;
use crate::kill::{runs, sound};
use crate::sign_in::{get, press};
use crate::support::binary::{Home, Running, text};

const WELCOME: &str = include_str!("../flows/welcome.flowyard");
/// How long everything may take to finish once nobody kills any more.
const PATIENCE: Duration = Duration::from_mins(4);
/// Runs of the whole thing at a time.
const SIDE_BY_SIDE: usize = 3;
/// How often the tokens end.
const EXPIRE_EVERY: Duration = Duration::from_secs(7);

/// How much is to happen.
#[derive(Debug, Clone, Copy)]
struct Measure {
    seed: u64,
    events: u64,
    time: Duration,
    /// From one kill to the next, a fifth more or less.
    kill_every: Duration,
}

/// The process under test, over and over again.
struct Served {
    home: Home,
    key: String,
    address: SocketAddr,
}

impl Served {
    /// A home with a flow, a vault, and a connection by an app that is signed in.
    fn new(services: &Services, address: SocketAddr) -> Self {
        let home = Home::new();
        home.write("welcome.flowyard", WELCOME);
        home.run(&["connect", "key", "key"]).with_code(0);
        let key = text(&home.path("key")).to_owned();
        let served = Self { home, key, address };
        let of = |path: &str| services.access.pointer(path).and_then(Value::as_str).unwrap_or_else(|| panic!("{path}"));
        let account = format!("location_id={}", of("/highlevel/location_id"));
        let add = ["connect", "add", "highlevel", "--id", "crm", "--account", &account, "--base-url", of("/highlevel/base_url")];
        let app = [
            ["--client-id", of("/highlevel/oauth/client_id")],
            ["--authorize-url", of("/highlevel/oauth/authorize_url")],
            ["--token-url", of("/highlevel/oauth/token_url")],
            ["--redirect", "0"],
        ];
        let args = [&add[..], &app.concat(), &["--secret-stdin"]].concat();
        served.home.run_with(&args, &served.vault(), of("/highlevel/oauth/client_secret")).with_code(0);
        served.know_messages(&services.access["highlevel"]["notice_keys"]);
        served.sign_in();
        served
    }

    /// The imitation signs its messages with keys of its own.
    fn know_messages(&self, keys: &Value) {
        let path = self.home.path("data/connections.json");
        let mut book: Value = serde_json::from_str(&std::fs::read_to_string(&path).expect("the file")).expect("JSON");
        let all = book.as_array_mut().expect("a list");
        all[0]["notice_keys"] = json!({ "x-ghl-signature": keys["ed25519"], "x-wh-signature": keys["rsa"] });
        std::fs::write(&path, book.to_string()).expect("a written file");
    }

    fn vault(&self) -> [(&str, &str); 1] {
        [("FLOWYARD_VAULT_KEY_FILE", &self.key)]
    }

    /// A person signs in, which lets the steps go on that wait for it.
    fn sign_in(&self) {
        let args = ["connect", "sign-in", "crm", "--no-browser", "--json", "welcome.flowyard"];
        let running = self.home.spawn_with(&args, &self.vault());
        let event: Value = serde_json::from_str(&running.line()).expect("JSON");
        let opened = event["url"].as_str().expect("an address").parse().expect("an address");
        get(&press(&opened, "allow"));
        // A fault may have struck its test call.
        running.end();
    }

    fn start(&self) -> Running {
        let address = self.address.to_string();
        let args = ["serve", "welcome.flowyard", "--listen", &address, "--data", "data", "--longest-rest", "400 ms"];
        self.home.spawn_with(&args, &self.vault())
    }

    /// Lets everything finish: each event has its run, and none goes on by itself. A person signs in where that is asked for.
    fn finish(&self, services: &Services) {
        let serving = self.start();
        serving.line_with("/events/highlevel");
        let journal = Journal::open_reader(&self.home.path("data")).expect("a journal");
        let deadline = Instant::now() + PATIENCE;
        loop {
            let all = runs(&journal, &Filter::default());
            let is_open = |it: &flowyard::journal::RunHead| it.outcome.is_none();
            let going = all.iter().filter(|it| is_open(it) && it.parked == 0).count();
            let signed_out = count::signed_out(&journal, all.iter().filter(|it| is_open(it) && it.parked > 0));
            let people = services.people().len();
            if signed_out > 0 {
                self.sign_in();
            } else if going == 0 && all.len() >= people {
                break;
            }
            if Instant::now() > deadline {
                let ended = serving.kill();
                panic!("{} runs of {people}, {going} go on; the process said:\n{}", all.len(), ended.stderr);
            }
            thread::sleep(Duration::from_millis(300));
        }
        sound(&serving.stop().with_code(0));
    }
}

/// A port that is not from the range that the system gives to outgoing connections, which could take it between two lives.
fn free_address(chance: &mut fastrand::Rng) -> SocketAddr {
    let free = || SocketAddr::from((Ipv4Addr::LOCALHOST, chance.u16(20_000..30_000)));
    std::iter::repeat_with(free).find(|it| TcpListener::bind(it).is_ok()).expect("a free port")
}

/// Does the whole thing once.
fn undergo(measure: Measure) -> Table {
    let mut chance = fastrand::Rng::with_seed(measure.seed);
    let address = free_address(&mut chance);
    let services = Services::start(measure.seed, address);
    let served = Served::new(&services, address);
    let begun = Instant::now();
    let (added, mut kills) = (AtomicBool::new(false), 0);
    services.begin_faults(0);
    thread::scope(|scope| {
        let adding = scope.spawn(|| {
            // Whatever becomes of it, nobody waits for it.
            let _ended = OnEnd(&added);
            services.add_people(measure.events, measure.time);
        });
        let mut expired = Instant::now();
        while !added.load(Ordering::Acquire) || begun.elapsed() < measure.time {
            let serving = served.start();
            let life = measure.kill_every.mul_f64(0.8 + 0.4 * chance.f64());
            let until = Instant::now() + life;
            while Instant::now() < until && !(added.load(Ordering::Acquire) && begun.elapsed() >= measure.time) {
                thread::sleep(Duration::from_millis(50).min(until.saturating_duration_since(Instant::now())));
                if expired.elapsed() >= EXPIRE_EVERY {
                    expired = Instant::now();
                    services.expire_tokens();
                }
            }
            let ended = serving.kill();
            sound(&ended);
            if cfg!(unix) {
                assert_eq!(ended.code, -1, "it ended before it was killed:\n{}", ended.stderr);
            }
            kills += 1;
            services.begin_faults(kills);
        }
        adding.join().expect("all are added");
    });
    let took = begun.elapsed();
    served.finish(&services);
    let journal = Journal::open_reader(&served.home.path("data")).expect("a journal");
    let flow = Flow::parse(WELCOME.as_bytes()).expect("a sound file");
    let parked = runs(&journal, &Filter { state: Some(RunState::Parked), ..Filter::default() });
    assert_eq!(count::signed_out(&journal, parked.iter()), 0, "a person has signed in");
    let evidence = Evidence { services: &services, journal: &journal, flow: &flow, events: measure.events };
    let mut table = evidence.count();
    (table.seed, table.kills, table.took, table.finished) = (measure.seed, kills, took, begun.elapsed());
    table
}

/// Says so when it is dropped.
struct OnEnd<'a>(&'a AtomicBool);

impl Drop for OnEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

#[expect(clippy::print_stdout, reason = "the counts are what it is for")]
fn tell(table: &Table) {
    println!("{table}");
}

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|it| it.parse().unwrap_or_else(|error| panic!("{name}={it}: {error}")))
}

fn first_seed() -> u64 {
    variable("FLOWYARD_FAULT_SEED").unwrap_or_else(|| fastrand::u64(..1_000_000))
}

#[test]
fn under_all_faults_and_kills_an_event_takes_effect_once_or_says_why_not() {
    let (time, kill_every) = (Duration::from_secs(10), Duration::from_secs(2));
    let table = undergo(Measure { seed: first_seed(), events: 80, time, kill_every });
    tell(&table);
    table.judge();
}

#[test]
#[ignore = "a thousand events take two minutes, and some more to finish"]
fn a_thousand_events_under_all_faults_and_a_kill_every_five_seconds_are_neither_lost_nor_doubled() {
    let (first, count) = (first_seed(), variable("FLOWYARD_FAULT_SEEDS").unwrap_or(3));
    let measure = |seed| Measure { seed, events: 1_000, time: Duration::from_mins(2), kill_every: Duration::from_secs(5) };
    let seeds: Vec<u64> = (first..first.saturating_add(count)).collect();
    let mut tables = Vec::new();
    for some in seeds.chunks(SIDE_BY_SIDE) {
        thread::scope(|scope| {
            let under_way: Vec<_> = some.iter().map(|seed| scope.spawn(|| undergo(measure(*seed)))).collect();
            tables.extend(under_way.into_iter().map(|it| it.join().expect("it ends")));
        });
    }
    tables.iter().for_each(tell);
    tables.iter().for_each(Table::judge);
}
