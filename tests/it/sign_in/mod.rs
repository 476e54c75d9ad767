//! Signing in by OAuth 2.0 from outside: the real binary, the sandbox's consent page, processes that share a vault, and one that
//! is killed between the service's answer and the disk.
mod browser;

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use flowyard::catalog::{Catalog, ConnectorId, OperationId};
use flowyard::sandbox::{self, Fault, FaultKind, Faults, Handle, OauthAccess, Options};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use url::Url;

use crate::support::binary::{Ended, Home, Running, request, text};
use crate::support::files::flow_file;

const TOKENS: &str = "highlevel.oauth.get-access-token";
/// Nothing here takes long; what does is stuck.
const PATIENCE: Duration = Duration::from_mins(2);

/// A home with a vault, a sandbox in this process, and a connection "crm" by its app.
struct Scene {
    home: Home,
    key: String,
    sandbox: Handle,
    /// Runs the sandbox.
    _runtime: Runtime,
}

impl Scene {
    fn new() -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let sandbox = runtime.block_on(sandbox::start(&Catalog::shipped(), Options::default())).expect("a sandbox");
        let home = Home::new();
        home.run(&["connect", "key", "key"]).with_code(0);
        let key = text(&home.path("key")).to_owned();
        let scene = Self { home, key, sandbox, _runtime: runtime };
        let access = scene.sandbox.access().highlevel.clone();
        let account = format!("location_id={}", access.location_id);
        scene.add("highlevel", "crm", &access.base_url, &access.oauth, &["--account", &account, "--scope", "contacts.write"]);
        scene
    }

    fn add(&self, service: &str, id: &str, base_url: &str, app: &OauthAccess, more: &[&str]) {
        let args = [
            "connect",
            "add",
            service,
            "--id",
            id,
            "--base-url",
            base_url,
            "--client-id",
            &app.client_id,
            "--authorize-url",
            &app.authorize_url,
            "--token-url",
            &app.token_url,
            "--scope",
            "locations.readonly",
            "--redirect",
            "0",
            "--secret-stdin",
        ];
        self.home.run_with(&[&args, more].concat(), &self.vault(), &app.client_secret).with_code(0);
    }

    fn vault(&self) -> [(&str, &str); 1] {
        [("FLOWYARD_VAULT_KEY_FILE", &self.key)]
    }

    fn run(&self, args: &[&str]) -> Ended {
        self.home.run_with(args, &self.vault(), "")
    }

    fn spawn(&self, args: &[&str]) -> Running {
        self.home.spawn_with(args, &self.vault())
    }

    /// Begins to sign in; where the browser is to go.
    fn begin(&self, more: &[&str]) -> (Running, Url) {
        let args = [&["connect", "sign-in", "crm", "--no-browser", "--json"], more].concat();
        let running = self.spawn(&args);
        let event: Value = serde_json::from_str(&running.line()).expect("JSON");
        assert_eq!(event["event"], "open", "{event}");
        (running, event["url"].as_str().expect("an address").parse().expect("an address"))
    }

    /// A person who signs in at once.
    fn sign_in(&self) -> Ended {
        let (running, opened) = self.begin(&[]);
        let (status, page) = get(&press(&opened, "allow"));
        assert_eq!(status, 200, "{page}");
        running.end()
    }

    fn expire(&self) {
        self.sandbox.expire_tokens(&ConnectorId::new("highlevel"));
    }

    /// How often tokens were asked for since an entry of the ledger.
    fn asked(&self, since: u64) -> usize {
        self.sandbox.ledger_since(since).iter().filter(|it| it.operation.as_str() == TOKENS).count()
    }
}

/// Presses a button of the consent page; where the browser is sent then.
pub(crate) fn press(opened: &Url, decision: &str) -> Url {
    press_as(opened, decision, "Location")
}

/// The same, as a location or as the agency.
fn press_as(opened: &Url, decision: &str, holder: &str) -> Url {
    let form = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(opened.query_pairs())
        .extend_pairs([("decision", decision), ("holder", holder)])
        .finish();
    let address = format!("{}:{}", opened.host_str().expect("a host"), opened.port().expect("a port"));
    let head = format!(
        "POST {} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{form}",
        opened.path(),
        form.len()
    );
    let answer = exchange(&address, &head);
    let location = answer.lines().find_map(|it| it.strip_prefix("location: ")).expect("a redirect");
    location.trim().parse().expect("an address")
}

/// What a browser gets: the status and the page.
pub(crate) fn get(url: &Url) -> (u16, String) {
    let address = format!("{}:{}", url.host_str().expect("a host"), url.port().expect("a port"));
    let path = &url[url::Position::BeforePath..];
    let answer = exchange(&address, &format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n"));
    let (head, page) = answer.split_once("\r\n\r\n").expect("a head and a page");
    (head.split(' ').nth(1).and_then(|it| it.parse().ok()).expect("a status"), page.to_owned())
}

fn exchange(address: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("a listener");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream.write_all(request.as_bytes()).expect("a sent request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

#[track_caller]
fn until(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::yield_now();
    }
}

/// Every file below a directory.
fn files(dir: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(dir).expect("a folder").map(|it| it.expect("an entry").path());
    entries.flat_map(|it| if it.is_dir() { files(&it) } else { vec![it] }).collect()
}

/// Whether a code, a token or the app's secret of the sandbox stands in the bytes.
fn holds_a_secret(scene: &Scene, bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let long = |it: &str| it.bytes().take_while(u8::is_ascii_alphanumeric).count() >= 16;
    let given = ["access-", "refresh-", "code-"].iter().any(|kind| text.split(kind).skip(1).any(long));
    given || text.contains(&scene.sandbox.access().highlevel.oauth.client_secret)
}

#[test]
fn a_person_signs_in_from_the_command_line_and_nothing_of_it_is_left_in_clear() {
    let scene = Scene::new();
    scene.run(&["connect", "test", "crm"]).with_code(6);
    let ended = scene.sign_in().with_code(0);
    let told = ended.objects().pop().expect("a summary");
    assert_eq!((&told["works"], &told["released"]), (&json!(true), &json!(0)), "{told}");
    assert_eq!(told["scopes"], json!(["contacts.write", "locations.readonly"]));
    scene.run(&["connect", "test", "crm"]).with_code(0).says(&["HighLevel answered"]);
    let listed = scene.run(&["connect", "list", "--json"]).with_code(0);
    assert!(listed.stdout.contains("\"ready\"") && listed.stdout.contains("refreshed_at"), "{}", listed.stdout);
    scene.expire();
    let before = scene.sandbox.last_seq();
    let tried = scene.run(&["connect", "test", "crm"]).with_code(0);
    scene.run(&["connect", "test", "crm"]).with_code(0);
    assert_eq!(scene.asked(before), 1, "what the first process got is used by the second");
    for ended in [&ended, &listed, &tried] {
        assert!(!holds_a_secret(&scene, ended.stdout.as_bytes()) && !holds_a_secret(&scene, ended.stderr.as_bytes()));
    }
    let all = files(&scene.home.path("data"));
    assert!(all.iter().any(|it| it.ends_with("vault.age")), "{all:?}");
    for file in all {
        assert!(!holds_a_secret(&scene, &fs::read(&file).expect("a readable file")), "{}", file.display());
    }
}

#[test]
fn a_sign_in_for_a_flow_asks_for_exactly_what_it_needs_and_the_next_one_says_what_is_new() {
    let scene = Scene::new();
    scene.home.write("a.flowyard", &crate::connect::creating());
    let asked = |opened: &Url| {
        let scope = opened.query_pairs().find(|(key, _)| key == "scope").expect("scopes").1.into_owned();
        scope.split(' ').map(str::to_owned).collect::<Vec<_>>()
    };
    // Without a flow, it is what stands in the settings.
    let ended = scene.sign_in().with_code(0);
    assert_eq!(ended.objects().pop().expect("a summary")["scopes"], json!(["contacts.write", "locations.readonly"]));
    let (running, opened) = scene.begin(&["--scope", "users.readonly", "a.flowyard"]);
    assert_eq!(asked(&opened), ["contacts.readonly", "contacts.write", "locations.readonly", "users.readonly"]);
    get(&press(&opened, "allow"));
    running.end().with_code(0);
    // What a person added is asked for again, and what the flow needs no more is not.
    let running = scene.spawn(&["connect", "sign-in", "crm", "--no-browser", "a.flowyard"]);
    let opened: Url = running.line_with("http").parse().expect("an address");
    assert_eq!(asked(&opened), ["contacts.readonly", "contacts.write", "locations.readonly", "users.readonly"]);
    get(&press(&opened, "allow"));
    let ended = running.end().with_code(0);
    ended.warns(&["It asks for:", "contacts.write  \"Create\" of \"creating\"", "to see whose account it is", "added by you"]);
    let book = fs::read_to_string(scene.home.path("data/connections.json")).expect("the file");
    assert!(book.contains("\"more\":[\"users.readonly\"]"), "{book}");
}

#[test]
fn the_locations_of_an_agency_are_listed_and_become_connections_that_draw_their_tokens_from_it() {
    let scene = Scene::new();
    let access = scene.sandbox.access().highlevel.clone();
    let more = ["--user-type", "Company", "--scope", "oauth.write"];
    scene.add("highlevel", "agency", &access.base_url, &access.oauth, &more);
    scene.run(&["connect", "locations", "crm"]).with_code(6).warns(&["Nobody is signed in to"]);
    let running = scene.spawn(&["connect", "sign-in", "agency", "--no-browser", "--json"]);
    let event: Value = serde_json::from_str(&running.line()).expect("JSON");
    let opened: Url = event["url"].as_str().expect("an address").parse().expect("an address");
    get(&press_as(&opened, "allow", "Company"));
    running.end().with_code(0);
    let listed = scene.run(&["connect", "locations", "agency", "--json"]).with_code(0).objects();
    let mine = listed.iter().map(|it| &it["location"]).find(|it| it["id"] == access.location_id.as_str());
    let mine = mine.unwrap_or_else(|| panic!("{listed:?}"));
    assert_eq!(mine["connection"], "crm", "that one has a connection already");
    scene.run(&["connect", "locations", "agency", "--add", "gone"]).with_code(1).warns(&["no location \"gone\""]);
    scene.run(&["connect", "remove", "crm"]).with_code(0);
    scene.run(&["connect", "locations", "agency", "--add", &access.location_id]).with_code(0).says(&["✓ Added highlevel ("]);
    // It works at once: its first call draws the token.
    scene.run(&["connect", "test", "highlevel"]).with_code(0).says(&["HighLevel answered"]);
    scene.run(&["connect", "locations", "agency"]).with_code(0).says(&["(highlevel)"]);
}

#[test]
fn a_person_who_declines_or_gives_up_is_told_so() {
    let scene = Scene::new();
    let (running, opened) = scene.begin(&[]);
    let (_, page) = get(&press(&opened, "decline"));
    assert!(page.contains("Not signed in"), "{page}");
    running.end().with_code(6).warns(&["was declined at HighLevel", "Sign in again and allow it"]);
    #[cfg(unix)]
    {
        let (running, _) = scene.begin(&[]);
        running.interrupt();
        running.end().with_code(130).warns(&["was given up"]);
    }
    scene.run(&["connect", "sign-in", "gone"]).with_code(1).warns(&["There is no connection \"gone\"", "There are crm"]);
}

#[test]
fn what_a_browser_elsewhere_came_back_to_is_pasted() {
    let scene = Scene::new();
    let mut command = scene.home.command(&["connect", "sign-in", "crm", "--no-browser", "--paste", "--json"]);
    let mut child = command.envs(scene.vault()).stdin(std::process::Stdio::piped()).spawn().expect("the binary");
    let mut stdout = std::io::BufReader::new(child.stdout.take().expect("a pipe"));
    let mut line = String::new();
    std::io::BufRead::read_line(&mut stdout, &mut line).expect("a line");
    let event: Value = serde_json::from_str(&line).expect("JSON");
    let back = press(&event["url"].as_str().expect("an address").parse().expect("an address"), "allow");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(format!("no answer\n{back}\n").as_bytes()).expect("it reads");
    let ended = child.wait_with_output().expect("an end");
    let told = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert!(ended.status.success() && told.contains("That is no answer to this sign-in"), "{told}");
    scene.run(&["connect", "test", "crm"]).with_code(0);
}

#[test]
fn six_processes_that_meet_an_ended_token_renew_it_once() {
    let scene = Scene::new();
    scene.sign_in().with_code(0);
    for round in 0..3 {
        scene.expire();
        let before = scene.sandbox.last_seq();
        let processes: Vec<_> = (0..6).map(|_| scene.spawn(&["connect", "test", "crm"])).collect();
        for process in processes {
            process.end().with_code(0);
        }
        assert_eq!(scene.asked(before), 1, "round {round}");
    }
}

#[test]
fn a_process_that_is_killed_between_the_answer_and_the_disk_leaves_the_next_one_to_say_so() {
    let scene = Scene::new();
    scene.sign_in().with_code(0);
    scene.sandbox.set_oauth(sandbox::OauthSettings { reconnects: false, ..scene.sandbox.oauth() });
    scene.expire();
    let before = scene.sandbox.last_seq();
    let slow = Fault::slow(60_000).after_effect().on(OperationId::new(TOKENS));
    scene.sandbox.set_faults(Faults { next: [slow].into(), ..Faults::default() });
    let process = scene.spawn(&["connect", "test", "crm"]);
    until("the service has made new tokens", || scene.asked(before) == 1);
    process.kill();
    scene.sandbox.set_faults(Faults::default());
    let ended = scene.run(&["connect", "test", "crm"]).with_code(6);
    ended.warns(&["was lost: Flowyard ended while HighLevel renewed it", "Nothing else is wrong", "sign in to"]);
    // Where the service gives an app another code for its secret nobody has to.
    scene.sandbox.set_oauth(sandbox::OauthSettings { reconnects: true, ..scene.sandbox.oauth() });
    scene.run(&["connect", "test", "crm"]).with_code(0);
    scene.sign_in().with_code(0);
    scene.run(&["connect", "test", "crm"]).with_code(0);
}

#[test]
fn a_process_that_is_killed_before_the_service_heard_of_it_loses_nothing() {
    let scene = Scene::new();
    scene.sign_in().with_code(0);
    for kind in [FaultKind::Cut, FaultKind::ServerError] {
        scene.expire();
        let fault = Fault::new(kind).on(OperationId::new(TOKENS));
        scene.sandbox.set_faults(Faults { next: [fault].into(), ..Faults::default() });
        scene.run(&["connect", "test", "crm"]).with_code(1);
        scene.run(&["connect", "test", "crm"]).with_code(0);
    }
}

#[test]
fn steps_wait_for_the_sign_in_and_it_lets_all_of_them_go_on() {
    const RUNS: usize = 8;
    let scene = Scene::new();
    scene.sign_in().with_code(0);
    let nodes = json!({
        "start": { "name": "Start", "kind": "trigger", "trigger": "webhook", "path": "go" },
        "create": {
            "name": "Create", "kind": "action", "operation": "highlevel.contacts.create-contact", "slot": "crm",
            "input": { "firstName": { "value": "Ann" } },
        },
    });
    scene.home.write("a.flowyard", &flow_file("served", &nodes, &["start -> create"]));
    let serving = scene.spawn(&["serve", "a.flowyard", "--listen", "127.0.0.1:0"]);
    let url = serving.line_with("/hooks/go");
    let runs = || scene.home.run(&["log", "list", "--json"]).with_code(0).objects();
    assert_eq!(request("POST", &url, &[], "{}").0, 202);
    until("the first run has ended", || runs().iter().all(|it| it["finished"].is_string()));

    scene.sandbox.revoke_tokens(&ConnectorId::new("highlevel"));
    let before = scene.sandbox.last_seq();
    for _ in 0..RUNS {
        assert_eq!(request("POST", &url, &[], "{}").0, 202);
    }
    let waits = || scene.home.run(&["log", "list", "--waiting", "--json"]).with_code(0).objects().len();
    until("all of them wait for a sign-in", || waits() == RUNS);
    assert_eq!(scene.asked(before), 1, "the service was asked once");
    let told = scene.sign_in().with_code(0).objects().pop().expect("a summary");
    assert_eq!(told["released"], json!(RUNS), "{told}");
    until("all of them have ended", || runs().iter().all(|it| it["finished"].is_string()));
    let created =
        |it: &sandbox::LedgerEntry| it.effect == sandbox::Effect::Created && it.operation.as_str().contains("create-contact");
    assert_eq!(scene.sandbox.ledger().iter().filter(|it| created(it)).count(), RUNS + 1);
    let ended = serving.stop();
    assert!(!holds_a_secret(&scene, ended.stderr.as_bytes()), "{}", ended.stderr);
    for file in files(&scene.home.path("data")) {
        assert!(!holds_a_secret(&scene, &fs::read(&file).expect("a readable file")), "{}", file.display());
    }
}
