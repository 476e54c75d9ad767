//! A person is alerted: of runs that fail, of steps that ask, of dead connections, of quiet triggers, by mail, on the desktop and by
//! flows; once each, over restarts, and never in a circle.
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use flowyard::catalog::{AuthKind, Catalog, ConnectorId, Method, OperationId};
use flowyard::engine::alert::{Alerts, Mail};
use flowyard::engine::{
    self, CallSettings, Clock, Connection, ConnectionId, Deployment, Event, Handle, JournalOptions, Limits, Mode, Secret,
    Settings,
};
use flowyard::flow::{
    Alarm, Binding, Flow, FlowId, HttpCall, Mapping, NodeKind, RetryPolicy, StopOutcome, Trigger, WebhookAnswer,
};
use flowyard::journal::{Append, Journal, NewRun};
use flowyard::run::{Entry, Outcome, Revision, RunId, Via};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::sync::broadcast;

use crate::support::binary::Home;
#[cfg(all(unix, not(target_os = "macos")))]
use crate::support::bus::Bus;
use crate::support::files::{flow_file, hook};
use crate::support::flows::{flow, manual, webhook};
use crate::support::mail::MailServer;
use crate::support::raw_service::{Raw, RawService};

/// Nothing here takes long; what does is stuck.
const PATIENCE: Duration = Duration::from_mins(1);

fn stop() -> NodeKind {
    NodeKind::Stop { outcome: StopOutcome::Failure, message: Some(Binding::text("No luck")) }
}

/// Fails each time that somebody starts it.
fn failing(id: &str) -> Flow {
    flow(id, &[("t", manual()), ("stop", stop())], &["t -> stop"])
}

/// Starts from alerts, and fails itself.
fn alerted(id: &str, of: &[Alarm]) -> Flow {
    let of = of.iter().copied().collect::<BTreeSet<_>>();
    let trigger = NodeKind::Trigger(Trigger::Alert { of, sample: Value::Null });
    flow(id, &[("t", trigger), ("stop", stop())], &["t -> stop"])
}

/// Starts from failures of other flows.
fn hearing(id: &str) -> Flow {
    let trigger = NodeKind::Trigger(Trigger::Failed { of: None, sample: Value::Null });
    flow(id, &[("t", trigger)], &[])
}

/// By mail through this server only.
fn choose(data: &Path) {
    let mail = Mail { to: "ann@example.com".to_owned(), by: ConnectionId::new("post") };
    Alerts { desktop: Some(false), mail: Some(mail), ..Alerts::default() }.write(data).expect("it is written");
}

fn post(server: &MailServer) -> (Connection, Option<Secret>) {
    let mut post = Connection::new("post", "Post", ConnectorId::new("mail"), &server.url, AuthKind::None);
    post.account.insert("from".to_owned(), "flows@example.com".to_owned());
    (post, None)
}

struct Stand {
    engine: Handle,
    events: broadcast::Receiver<Event>,
    flows: BTreeMap<u64, String>,
}

impl Stand {
    async fn start(data: &Path, flows: &[Flow], connections: Vec<(Connection, Option<Secret>)>, clock: Clock) -> Self {
        let stand = Self::unwatched(data, flows, connections, clock).await;
        stand.engine.alert(data.to_owned());
        stand
    }

    /// One that tells nobody.
    async fn unwatched(data: &Path, flows: &[Flow], connections: Vec<(Connection, Option<Secret>)>, clock: Clock) -> Self {
        let engine = engine::start(Settings {
            data: data.to_owned(),
            journal: JournalOptions::default(),
            catalog: Catalog::shipped(),
            connections,
            vault: engine::Vault::in_memory(),
            mode: Mode::Live,
            flows: flows.iter().map(|it| Deployment::listening(Arc::new(it.clone()), BTreeMap::new())).collect(),
            listen: None,
            clock,
            calls: CallSettings::default(),
            limits: Limits::default(),
            recover: true,
        });
        let engine = engine.await.expect("an engine");
        let events = engine.events();
        Self { engine, events, flows: BTreeMap::new() }
    }

    async fn fail(&self, flow: &str) -> RunId {
        self.engine.start(FlowId::new(flow), None, json!({}), None).wait().await.expect("an answer").expect("a run")
    }

    /// The next run that began by an alert or a failure, and what it was given.
    async fn began(&mut self) -> (String, Value) {
        self.find(|it, event| match event {
            Event::Journaled { run, entries } => match entries.first() {
                Some(Entry::Accepted { payload, cause, .. }) if matches!(cause.via, Via::Alert | Via::Failure) => {
                    Some((it.get(&run.0).cloned().unwrap_or_default(), Value::clone(payload)))
                }
                _ => None,
            },
            _ => None,
        })
        .await
    }

    /// How the next run of a flow ends.
    async fn ended(&mut self, flow: &str) -> Outcome {
        self.find(|it, event| match event {
            Event::Ended { run, outcome } if it.get(&run.0).is_some_and(|it| it == flow) => Some(outcome.clone()),
            _ => None,
        })
        .await
    }

    async fn find<T>(&mut self, wanted: impl Fn(&BTreeMap<u64, String>, &Event) -> Option<T>) -> T {
        let next = async {
            loop {
                let event = self.events.recv().await.expect("events");
                if let Event::Started { run, program } = &event {
                    self.flows.insert(run.0, program.flow.to_string());
                }
                if let Some(found) = wanted(&self.flows, &event) {
                    return found;
                }
            }
        };
        // Not a time of tokio's, which some tests make run.
        next.await
    }

    async fn end(self) {
        self.engine.stop().wait().await;
    }
}

/// What the journal has of each flow, by how many runs.
fn counted(data: &Path) -> BTreeMap<String, usize> {
    let reader = Journal::open_reader(data).expect("a journal");
    let mut all = BTreeMap::new();
    for head in reader.runs(&flowyard::journal::Filter::default()).expect("runs") {
        *all.entry(head.flow.to_string()).or_default() += 1;
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failures_are_told_together_by_mail_and_to_flows_and_never_in_a_circle() {
    let data = tempfile::tempdir().expect("a directory");
    let server = MailServer::start("250 ok");
    choose(data.path());
    let flows = [failing("a"), alerted("tells", &[Alarm::Failure]), alerted("quiet-only", &[Alarm::Quiet])];
    let mut stand = Stand::start(data.path(), &flows, vec![post(&server)], Clock::System).await;
    let first = stand.fail("a").await;
    let (by_mail, told) = (stand.began().await, stand.began().await);
    assert_eq!(by_mail.0, "flowyard-alerts-mail");
    assert_eq!(told.0, "tells");
    let it = &told.1;
    assert_eq!((&it["kind"], &it["over"], &it["count"]), (&json!("failure"), &json!(false), &json!(1)));
    assert_eq!((&it["flow"]["id"], &it["run"], &it["connection"]), (&json!("a"), &json!(first.0), &Value::Null));
    assert_eq!(it["title"], "\"a\" failed");
    assert!(it["text"].as_str().is_some_and(|it| it.contains("No luck")), "{it}");
    let letter = server.letters.recv_timeout(PATIENCE).expect("a letter");
    assert!(letter.contains("To: ann@example.com") && letter.contains("Subject: Flowyard: \"a\" failed"), "{letter}");
    assert!(letter.contains("No luck") && letter.contains(&format!("flowyard log show {first}")), "{letter}");
    // More of the same come later, together; another flow's come at once.
    for _ in 0..3 {
        stand.fail("a").await;
        assert!(matches!(stand.ended("a").await, Outcome::Failed(_)));
    }
    stand.end().await;

    // After a restart nothing is told again, and neither is what failed in the flow that was alerted.
    let flows = [failing("a"), failing("b"), alerted("tells", &[])];
    let mut stand = Stand::start(data.path(), &flows, vec![post(&server)], Clock::System).await;
    stand.fail("a").await;
    stand.fail("b").await;
    let (by_mail, told) = (stand.began().await, stand.began().await);
    assert_eq!((by_mail.0.as_str(), &told.1["flow"]["id"]), ("flowyard-alerts-mail", &json!("b")));
    server.letters.recv_timeout(PATIENCE).expect("a letter about b");
    stand.end().await;
    let counted = counted(data.path());
    assert_eq!((counted["flowyard-alerts-mail"], counted["tells"]), (2, 2), "{counted:?}");
    assert!(!counted.contains_key("quiet-only"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_step_that_waits_for_a_word_is_told_with_what_it_asks_once_each_time_and_not_again_after_a_restart() {
    let data = tempfile::tempdir().expect("a directory");
    let server = MailServer::start("250 ok");
    choose(data.path());
    let gone =
        RawService::start(|_| Raw::Bytes(b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_vec()));
    let approval = NodeKind::Approval { message: Binding::text("Send it to {{ t.who }}?") };
    let asking = flow("asks", &[("t", manual()), ("ask", approval)], &["t -> ask"]);
    let call = HttpCall {
        method: Method::Post,
        url: Binding::value(gone.url.clone()),
        query: Mapping::default(),
        headers: Mapping::default(),
        body: None,
        slot: None,
        retry: RetryPolicy::ONCE,
        repeatable: false,
    };
    let unsure = flow("unsure", &[("t", manual()), ("call", NodeKind::Http(call))], &["t -> call"]);
    let flows = [asking, unsure, alerted("tells", &[Alarm::Question]), alerted("others", &[Alarm::Failure])];
    let mut stand = Stand::start(data.path(), &flows, vec![post(&server)], Clock::System).await;
    let begin = |who: &str| stand.engine.start(FlowId::new("asks"), None, json!({ "who": who }), None);
    let first = begin("ann").wait().await.expect("an answer").expect("a run");
    let (by_mail, told) = (stand.began().await, stand.began().await);
    assert_eq!((by_mail.0.as_str(), told.0.as_str()), ("flowyard-alerts-mail", "tells"));
    let it = &told.1;
    assert_eq!((&it["kind"], &it["title"], &it["run"]), (&json!("question"), &json!("\"asks\" waits for you"), &json!(first.0)));
    assert!(it["text"].as_str().is_some_and(|it| it.starts_with("Send it to ann?")), "{it}");
    let letter = server.letters.recv_timeout(PATIENCE).expect("a letter");
    assert!(letter.contains("waits for you") && letter.contains("Send it to ann?"), "{letter}");
    // A call of which nobody knows whether it happened is a question, too.
    stand.fail("unsure").await;
    let (_, told) = (stand.began().await, stand.began().await);
    assert_eq!((&told.1["kind"], &told.1["flow"]["id"]), (&json!("question"), &json!("unsure")));
    assert!(told.1["text"].as_str().is_some_and(|it| it.starts_with("Nobody knows whether \"call\" happened")), "{}", told.1);
    server.letters.recv_timeout(PATIENCE).expect("a letter");
    stand.end().await;

    // Both still wait, and nobody is told again.
    let flows = [failing("z"), alerted("tells", &[])];
    let mut stand = Stand::start(data.path(), &flows, vec![post(&server)], Clock::System).await;
    stand.fail("z").await;
    let (_, told) = (stand.began().await, stand.began().await);
    assert_eq!(told.1["flow"]["id"], json!("z"));
    stand.end().await;
    let counted = counted(data.path());
    assert_eq!((counted["flowyard-alerts-mail"], counted["tells"]), (3, 3), "{counted:?}");
    assert!(!counted.contains_key("others"), "a question is no failure");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_failed_or_asked_while_nobody_could_be_told_is_told_by_the_next_start() {
    let data = tempfile::tempdir().expect("a directory");
    let server = MailServer::start("250 ok");
    choose(data.path());
    let approval = NodeKind::Approval { message: Binding::text("Send it?") };
    let flows = [failing("a"), flow("asks", &[("t", manual()), ("ask", approval)], &["t -> ask"])];
    // It has never had anything to tell.
    let stand = Stand::start(data.path(), &flows, vec![post(&server)], Clock::System).await;
    stand.engine.test_alert().wait().await.expect("an answer").expect("it is tried");
    server.letters.recv_timeout(PATIENCE).expect("the test");
    stand.end().await;
    // As one that was killed between writing down and telling.
    let mut stand = Stand::unwatched(data.path(), &flows, vec![post(&server)], Clock::System).await;
    stand.fail("a").await;
    stand.ended("a").await;
    stand.fail("asks").await;
    let is_parked = |entries: &[Entry]| entries.iter().any(|it| matches!(it, Entry::StepParked { .. }));
    stand.find(|_, event| matches!(event, Event::Journaled { entries, .. } if is_parked(entries)).then_some(())).await;
    stand.end().await;
    let stand = Stand::start(data.path(), &flows, vec![post(&server)], Clock::System).await;
    let letters: Vec<String> = (0..2).map(|_| server.letters.recv_timeout(PATIENCE).expect("a letter")).collect();
    for title in ["Subject: Flowyard: \"a\" failed", "Subject: Flowyard: \"asks\" waits for you"] {
        assert_eq!(letters.iter().filter(|it| it.contains(title)).count(), 1, "{letters:?}");
    }
    stand.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alert_that_cannot_be_told_is_in_the_log_and_alerts_nobody() {
    let data = tempfile::tempdir().expect("a directory");
    let server = MailServer::start("550 5.1.1 nobody of that name");
    choose(data.path());
    let flows = [failing("a"), hearing("hears"), alerted("tells", &[])];
    let mut stand = Stand::start(data.path(), &flows, vec![post(&server)], Clock::System).await;
    stand.fail("a").await;
    let Outcome::Failed(why) = stand.ended("flowyard-alerts-mail").await else { panic!("it was refused") };
    assert!(why.detail.contains("nobody of that name") || why.title.contains("nobody of that name"), "{why}");
    let tried = stand.engine.test_alert().wait().await.expect("an answer").expect("it is tried");
    assert!(tried[0].failure.is_some() && tried[0].run.is_some(), "{tried:?}");
    // Whatever came of these is told by now: one more failure of another kind is.
    stand.engine.deploy(Deployment::listening(Arc::new(failing("z")), BTreeMap::new())).wait().await.expect("z").expect("z");
    stand.fail("z").await;
    stand.ended("flowyard-alerts-mail").await;
    stand.ended("flowyard-alerts-mail").await;
    stand.end().await;
    let counted = counted(data.path());
    assert_eq!(counted["flowyard-alerts-mail"], 3, "a, the test and z: {counted:?}");
    // It hears of a and z, and of the flow that was alerted, whose failures alert nobody.
    assert!(counted["tells"] <= 2, "{counted:?}");
    let reader = Journal::open_reader(data.path()).expect("a journal");
    let heard = reader.runs(&flowyard::journal::Filter { flow: Some("hears".into()), ..Default::default() }).expect("runs");
    for head in heard {
        let entries = reader.entries(head.id).expect("entries");
        let Some(Entry::Accepted { payload, .. }) = entries.first() else { panic!("a beginning") };
        assert!(!payload["flow"]["id"].as_str().is_some_and(|it| it.starts_with("flowyard-alerts")), "{payload}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_needs_a_sign_in_is_told_once_also_after_a_restart() {
    let data = tempfile::tempdir().expect("a directory");
    let server = MailServer::start("250 ok");
    choose(data.path());
    // Nobody has entered its secret.
    let crm = Connection::new("crm", "Main", ConnectorId::new("highlevel"), "http://127.0.0.1:9", AuthKind::Bearer);
    let read = NodeKind::Action {
        operation: OperationId::new("highlevel.contacts.get-contact"),
        slot: "crm".into(),
        input: Mapping::from([("contactId", Binding::value("1"))]),
        retry: RetryPolicy::ONCE,
    };
    let mut reads = flow("reads", &[("t", manual()), ("get", read)], &["t -> get"]);
    reads.slots.insert("crm".into(), ConnectorId::new("highlevel"));
    let all = || vec![post(&server), (crm.clone(), None)];
    let mut stand = Stand::start(data.path(), std::slice::from_ref(&reads), all(), Clock::System).await;
    stand.fail("reads").await;
    let is_parked = |entries: &[Entry]| entries.iter().any(|it| matches!(it, Entry::StepParked { .. }));
    stand.find(|_, event| matches!(event, Event::Journaled { entries, .. } if is_parked(entries)).then_some(())).await;
    stand.end().await;
    for start in 0..2 {
        let mut stand = Stand::start(data.path(), &[reads.clone(), alerted("tells", &[])], all(), Clock::System).await;
        if start == 0 {
            let (by_mail, told) = (stand.began().await, stand.began().await);
            assert_eq!((by_mail.0.as_str(), told.0.as_str()), ("flowyard-alerts-mail", "tells"));
            assert_eq!((&told.1["kind"], &told.1["connection"]["id"]), (&json!("connection"), &json!("crm")));
            let letter = server.letters.recv_timeout(PATIENCE).expect("a letter");
            assert!(letter.contains("\"Main\" needs a new sign-in"), "{letter}");
        } else {
            // A test goes the same way and comes after whatever else is told.
            stand.engine.test_alert().wait().await.expect("an answer").expect("it is told");
            let letter = server.letters.recv_timeout(PATIENCE).expect("a letter");
            assert!(letter.contains("Alerts arrive here"), "{letter}");
        }
        stand.end().await;
    }
    assert_eq!(counted(data.path())["tells"], 1);
}

#[tokio::test(start_paused = true)]
async fn a_trigger_that_goes_quiet_is_told_once_and_so_is_its_next_event() {
    let data = tempfile::tempdir().expect("a directory");
    Alerts { desktop: Some(false), ..Alerts::default() }.write(data.path()).expect("it is written");
    let calls = flow("calls", &[("t", webhook("in", WebhookAnswer::Accepted))], &[]);
    // Three weeks of an event every half hour, the last of them 24 hours ago.
    let now: Timestamp = "2026-06-22T12:00:00Z".parse().expect("a time");
    let journal = Journal::open(data.path(), JournalOptions::default()).expect("a journal");
    let revision = Revision(calls.content_hash().into());
    journal.save_revision(&revision, &calls.to_text()).expect("it is kept");
    let mut last = None;
    for half in 48..48 * 22 {
        let at = now - SignedDuration::from_mins(30 * (48 * 22 - half) + 24 * 60 - 30);
        let run = journal.next_run_id();
        let new = NewRun {
            flow: calls.id.clone(),
            flow_name: "Calls".to_owned(),
            revision: revision.clone(),
            trigger: "t".into(),
            delivery: Some(format!("n{half}")),
            mode: Mode::Live,
            parent: None,
            accepted: at,
        };
        let begin = Entry::Accepted { trigger: "t".into(), payload: Arc::default(), at, cause: Arc::default() };
        let entries = vec![begin, Entry::Finished { outcome: Outcome::Succeeded, at }];
        last = Some(journal.append(Append { run, new: Some(new), entries, exchanges: Vec::new() }));
    }
    last.expect("runs").await.expect("they are kept");
    journal.close();
    drop(journal);

    let flows = [calls.clone(), alerted("tells", &[Alarm::Quiet])];
    let mut stand = Stand::start(data.path(), &flows, Vec::new(), Clock::following(now)).await;
    let (flow, told) = stand.began().await;
    assert_eq!((flow.as_str(), &told["kind"], &told["flow"]["id"]), ("tells", &json!("quiet"), &json!("calls")));
    let text = told["text"].as_str().unwrap_or_default();
    assert!(text.starts_with("No event for 30 hours; usually every 30 minutes."), "{text}");
    assert_eq!((&told["title"], &told["over"]), (&json!("\"calls\" has gone quiet"), &json!(false)));
    stand.end().await;

    // After a restart it is known that it was told; then an event comes.
    let later = now + SignedDuration::from_hours(20);
    let mut stand = Stand::start(data.path(), &flows, Vec::new(), Clock::following(later)).await;
    tokio::time::sleep(Duration::from_hours(20)).await;
    stand.engine.start(calls.id.clone(), None, json!({}), None).wait().await.expect("an answer").expect("a run");
    let (_, told) = stand.began().await;
    assert_eq!((&told["title"], &told["over"]), (&json!("\"calls\" has events again"), &json!(true)));
    stand.end().await;
    assert_eq!(counted(data.path())["tells"], 2);
}

fn serving() -> Home {
    let home = Home::new();
    let nodes = json!({
        "hook": hook("in"),
        "stop": { "name": "Stop", "kind": "stop", "outcome": "failure", "message": { "text": "No luck" } },
    });
    let mut flow: Value = serde_json::from_str(&flow_file("f", &nodes, &["hook -> stop"])).expect("JSON");
    flow["slots"] = json!({});
    home.write("a.flowyard", &flow.to_string());
    home
}

fn with_mail(home: &Home, server: &MailServer) {
    let add = ["connect", "add", "mail", "--kind", "none", "--base-url", &server.url, "--account", "from=flows@example.com"];
    home.run(&add).with_code(0);
}

#[test]
fn alerts_are_chosen_and_shown_on_the_command_line() {
    let home = Home::new();
    home.run(&["alerts"])
        .with_code(0)
        .says(&[
            "when a run fails, or a step waits for you, or a connection is dead, or a trigger is quiet",
            "there is none here",
            "Mail     off",
        ])
        .warns(&["Alerts go nowhere"]);
    home.run(&["alerts", "test"]).with_code(1).warns(&["no way is chosen"]);
    home.run(&["alerts", "--mail", "ann@example.com"])
        .with_code(2)
        .warns(&["no connection to a mail server", "connect add mail"]);
    let server = MailServer::start("250 ok");
    with_mail(&home, &server);
    home.run(&["alerts", "--mail", "ann"]).with_code(2).warns(&["\"ann\" is no mail address"]);
    home.run(&["alerts", "--mail", "ann@example.com", "--by", "nothing"]).with_code(2).warns(&["There are mail."]);
    home.run(&["alerts", "--mail", "ann@example.com,bo@example.com", "--quiet", "off", "--questions", "off", "--unwatch", "f"])
        .with_code(0)
        .says(&[
            "when a run fails, or a connection is dead.",
            "to ann@example.com, bo@example.com, through \"mail\"",
            "without a word: f",
        ]);
    let kept = home.run(&["alerts", "--json"]).with_code(0).objects();
    assert_eq!(
        kept[0],
        json!({
            "failures": true, "questions": false, "connections": true, "quiet": false, "desktop": false,
            "mail": { "to": "ann@example.com, bo@example.com", "by": "mail" }, "unwatched": ["f"],
        })
    );
    home.run(&["alerts", "test"]).with_code(0).says(&["By mail: it was taken"]);
    assert!(server.letters.recv_timeout(PATIENCE).expect("a letter").contains("This is a test"));
    home.run(&["alerts", "--no-mail", "--watch", "f"]).with_code(0).says(&["Mail     off"]);
}

#[cfg(all(unix, not(target_os = "macos")))]
#[test]
fn a_run_that_fails_is_told_on_the_desktop_and_by_mail_by_a_service() {
    fails_and_is_told(&["serve", "a.flowyard", "--listen", "127.0.0.1:0", "--json"], |line| text(&line["url"]));
}

#[cfg(all(unix, not(target_os = "macos")))]
#[test]
fn a_run_that_fails_is_told_on_the_desktop_and_by_mail_by_the_background() {
    let hook = |line: &Value| format!("http://{}/hooks/in", text(&line["address"]));
    fails_and_is_told(&["background", "--listen", "127.0.0.1:0", "--json"], hook);
}

#[cfg(all(unix, not(target_os = "macos")))]
fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

/// By the program started with these; `hook` finds in what it says first where the flow's webhook is.
#[cfg(all(unix, not(target_os = "macos")))]
fn fails_and_is_told(program: &[&str], hook: impl Fn(&Value) -> String) {
    let Some(bus) = Bus::start() else { return };
    let desktop = bus.desktop();
    let home = serving();
    home.run(&["publish", "a.flowyard", "--untested"]).with_code(0);
    let server = MailServer::start("250 ok");
    with_mail(&home, &server);
    home.run_with(&["alerts", "--mail", "ann@example.com"], &[bus.variable()], "").with_code(0).says(&["shown on the desktop"]);
    let at_work = home.spawn_with(program, &[bus.variable()]);
    let url = hook(&serde_json::from_str(&at_work.line()).expect("JSON"));
    let (status, _) = crate::support::binary::request("POST", &url, &[], "{}");
    assert_eq!(status, 202);
    let shown = desktop.shown.recv_timeout(PATIENCE).expect("it is shown");
    assert_eq!(shown.title, "\"f\" failed");
    assert!(shown.text.contains("No luck"), "{shown:?}");
    assert_eq!(shown.actions, ["default", "Open the log", "open", "Open the log"]);
    let letter = server.letters.recv_timeout(PATIENCE).expect("a letter");
    assert!(letter.contains("Subject: Flowyard: \"f\" failed"), "{letter}");
    // Through it, since it has the data directory.
    home.run_with(&["alerts", "test"], &[bus.variable()], "")
        .with_code(0)
        .says(&["On the desktop: it was taken", "By mail: it was taken"]);
    assert_eq!(desktop.shown.recv_timeout(PATIENCE).expect("the test").title, "Alerts arrive here");
    at_work.stop().with_code(0);
}
