//! The log on real files: a journal is written, and a window reads it.
use std::sync::Arc;

use eframe::egui::accesskit::Role;
use eframe::egui::{Key, Modifiers};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::desk::Desk;
use crate::flow::testing::Sketch;
use crate::flow::{Flow, NodeId};
use crate::journal::{Append, Journal, Mode, NewRun, Options, StepExchange};
use crate::record::{Answer, Body, Exchange, Failure, FailureKind, Request, Timing};
use crate::run::{Entry, Outcome, Park, RetryFrom, Revision, RunId, StepKey};
use crate::ui::app::App;
use crate::ui::msg::{Msg, Room};

/// A data directory with runs in it.
pub(super) struct Disk {
    pub(super) home: Arc<tempfile::TempDir>,
    journal: Journal,
    mode: Mode,
}

fn at(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(1_764_000_000_000 + ms).unwrap()
}

fn now() -> Timestamp {
    at(3_600_000)
}

fn failure() -> Failure {
    Failure::new(FailureKind::Forbidden, "HighLevel: a scope is missing").detail("Forbidden").hint("Add the scope").status(403)
}

fn body(value: &Value) -> Body {
    let text = value.to_string();
    Body { size: text.len() as u64, text, cut: false }
}

fn call(step: &str, status: u16, request: &Value, answer: &Value) -> StepExchange {
    let exchange = Exchange {
        request: Request {
            method: "POST".to_owned(),
            url: "https://services.example/contacts/".to_owned(),
            headers: vec![("authorization".to_owned(), "Bearer ••••3f9c".to_owned())],
            body: body(request),
        },
        answer: Some(Answer { status, headers: vec![("x-trace".to_owned(), "q7".to_owned())], body: body(answer) }),
        error: None,
        started: at(20),
        timing: Timing { queued_us: 1_000, waiting_us: 200_000, receiving_us: 5_000 },
    };
    StepExchange { step: StepKey::new(step), attempt: 1, exchange: Arc::new(exchange) }
}

impl Disk {
    fn new() -> Self {
        let home = Arc::new(tempfile::tempdir().unwrap());
        let journal = Journal::open(&home.path().join("sandbox"), Options::default()).unwrap();
        Self { home, journal, mode: Mode::Sandbox }
    }

    /// The same, of live runs.
    pub(super) fn live() -> Self {
        let home = Arc::new(tempfile::tempdir().unwrap());
        let journal = Journal::open(home.path(), Options::default()).unwrap();
        Self { home, journal, mode: Mode::Live }
    }

    pub(super) fn append(&self, flow: &Flow, entries: Vec<Entry>, exchanges: Vec<StepExchange>) -> RunId {
        let run = self.journal.next_run_id();
        let revision = Revision(flow.content_hash().into());
        self.journal.save_revision(&revision, &flow.revision_text()).unwrap();
        let trigger = NodeId::from("t");
        let begin = at(run.0 as i64 * 1_000);
        let accepted = Entry::Accepted {
            trigger: trigger.clone(),
            payload: Arc::new(json!({"run": run})),
            at: begin,
            cause: Arc::default(),
        };
        let new = NewRun {
            flow: flow.id.clone(),
            flow_name: flow.name.clone(),
            revision,
            trigger,
            delivery: None,
            mode: self.mode,
            parent: None,
            accepted: begin,
        };
        let entries = [vec![accepted], entries].concat();
        self.journal.append(Append { run, new: Some(new), entries, exchanges }).wait().unwrap();
        run
    }

    pub(super) fn done(&self, flow: &Flow, mail: &str) -> RunId {
        let entries = vec![
            Entry::StepStarted { step: StepKey::new("a"), attempt: 1, at: at(10) },
            Entry::StepSucceeded {
                step: StepKey::new("a"),
                port: "out".into(),
                output: Arc::new(json!({"contact": mail})),
                at: at(300),
            },
            Entry::Finished {
                outcome: Outcome::Succeeded,
                at: at(self.journal.reader().ids(&all()).unwrap().len() as i64 * 1_000 + 2_000),
            },
        ];
        self.append(flow, entries, vec![call("a", 201, &json!({"email": mail}), &json!({"id": "c1", "echo": mail}))])
    }

    pub(super) fn failed(&self, flow: &Flow) -> RunId {
        let step = StepKey::new("a");
        let entries = vec![
            Entry::StepStarted { step: step.clone(), attempt: 1, at: at(10) },
            Entry::StepFailed { step, attempt: 1, failure: failure(), retry_at: None, lost: false, at: at(300) },
            Entry::Finished { outcome: Outcome::Failed(failure()), at: at(1_000_000) },
        ];
        self.append(
            flow,
            entries,
            vec![call("a", 403, &json!({"email": "no@example.org"}), &json!({"message": "not authorized"}))],
        )
    }

    pub(super) fn parked(&self, flow: &Flow) -> RunId {
        let on = Park::Approval("Send it?".to_owned());
        self.append(flow, vec![Entry::StepParked { step: StepKey::new("a"), on, at: at(40) }], Vec::new())
    }

    /// A window on it, with this flow in front, that shows the log.
    pub(super) fn desk(&self, flow: &Flow) -> Desk {
        let path = self.home.path().join("flow.flowyard");
        crate::flow::disk::save(flow, &path).unwrap();
        let mut desk = Desk::at(Arc::clone(&self.home), &[path]);
        desk.window.state_mut().clock = now;
        desk.until("the flow is open", |app| !app.docs.list.is_empty());
        desk
    }

    fn log(&self, flow: &Flow) -> Desk {
        let mut desk = self.desk(flow);
        desk.press("Log");
        desk.until("the log is read", |app| app.room == Room::Log && app.log.whole.is_settled());
        desk
    }
}

fn all() -> crate::journal::Filter {
    crate::journal::Filter { limit: usize::MAX, ..crate::journal::Filter::default() }
}

fn flow(id: &str, name: &str) -> Flow {
    let mut flow = Sketch::flow("t.out -> a, a.out -> b");
    flow.id = id.into();
    name.clone_into(&mut flow.name);
    flow
}

/// The same, whose steps ask no service.
pub(super) fn setting(id: &str, name: &str) -> Flow {
    let mut flow = flow(id, name);
    for node in ["a", "b"].map(NodeId::from) {
        let fields = [("value", crate::flow::Binding::value(1))].into();
        let known = Arc::clone(&flow.nodes[&node]);
        let set = crate::flow::Node { kind: crate::flow::NodeKind::Set { fields }, ..crate::flow::Node::clone(&known) };
        flow.nodes.insert(node, Arc::new(set));
    }
    flow
}

fn settled(app: &App) -> bool {
    app.log.whole.is_settled()
}

/// The rows of the list, as they are called.
fn rows(desk: &Desk) -> Vec<String> {
    let all = desk.window.query_all_by_role(Role::ListItem);
    let names = all.filter_map(|it| it.accesskit_node().label());
    names.filter(|it| it.starts_with("Run ") || it.starts_with("Found ") || it.starts_with("Problem ")).collect()
}

fn click_row(desk: &mut Desk, begin: &str) {
    desk.window.get_by(|it| it.role() == Role::ListItem && it.label().is_some_and(|it| it.starts_with(begin))).click();
    desk.run();
    desk.until("what was chosen is read", settled);
}

#[test]
fn runs_are_listed_narrowed_and_shown_step_by_step() {
    let files = Disk::new();
    let (first, second) = (flow("one", "Visits"), flow("two", "Birthdays"));
    files.done(&first, "mira@example.org");
    files.failed(&first);
    files.done(&second, "sam@example.org");
    files.parked(&first);
    let mut desk = files.log(&first);
    let listed = rows(&desk);
    assert_eq!(listed.len(), 4, "{listed:?}");
    assert!(listed[0].starts_with("Run 4, waits for you"), "{listed:?}");
    assert!(listed[2].starts_with("Run 2, failed") && listed[2].contains("a scope is missing"), "{listed:?}");
    assert!(desk.has("4 runs"));
    // By its state.
    desk.press("Runs: Failed");
    desk.until("failed runs are listed", |app| settled(app) && app.log.whole.listed_runs() == 1);
    assert_eq!(rows(&desk).len(), 1);
    desk.press("Runs: Waiting");
    desk.until("waiting runs are listed", settled);
    assert!(rows(&desk)[0].starts_with("Run 4"), "{:?}", rows(&desk));
    assert!(desk.has("Approve in the log: Send it?"), "what a person is asked is asked here too");
    desk.press("Runs: All");
    desk.until("all runs are listed", |app| settled(app) && app.log.whole.listed_runs() == 4);
    // By its flow.
    desk.press("All flows");
    desk.window.get_by_role_and_label(Role::Button, "Birthdays").click();
    desk.run();
    desk.until("runs of a flow are listed", |app| settled(app) && app.log.whole.listed_runs() == 1);
    assert!(rows(&desk)[0].contains("Birthdays"));
}

#[test]
fn a_run_shows_its_steps_and_a_call_both_sides() {
    let files = Disk::new();
    let flow = flow("one", "Visits");
    files.failed(&flow);
    let run = files.done(&flow, "mira@example.org");
    let mut desk = files.log(&flow);
    // The newest run is chosen, and of it the step with a call.
    assert_eq!(desk.window.state().log.whole.loaded().map(|it| it.head.id), Some(run));
    assert!(desk.has_containing("a, done, 1 call"), "the step is in the waterfall");
    assert!(desk.has("POST /contacts/, 201, 0.20 s"), "its call is beneath it");
    assert!(desk.has("b, not reached"));
    assert!(desk.has_containing("started by a person"), "which way its event came");
    for line in ["authorization: Bearer ••••3f9c", "x-trace: q7", "Waited for the answer: 0.20 s", "Body, 28 bytes"] {
        assert!(desk.has(line), "{line}");
    }
    assert!(desk.has("  \"email\": \"mira@example.org\""), "the request is laid out");
    assert!(desk.has("  \"echo\": \"mira@example.org\","), "and the answer beside it");
    desk.press("Request as it was sent");
    assert!(desk.has("{\"email\":\"mira@example.org\"}"));
    desk.press("cURL");
    assert!(desk.has("Command copied"));
    desk.press("Copy response body");
    assert!(desk.has("Response body copied"));
    desk.press("Show: Result");
    assert!(desk.has("  \"contact\": \"mira@example.org\""), "what the step gave");
    click_row(&mut desk, "Run 1");
    assert!(desk.has_containing("403 Forbidden"));
    desk.press("Show: Result");
    assert!(desk.has("HighLevel: a scope is missing.") && desk.has("Add the scope."));
}

#[test]
fn a_part_of_a_body_is_selected_by_mouse_and_copied_by_key() {
    use eframe::egui::{Event, OutputCommand, pos2};
    let files = Disk::new();
    let flow = flow("one", "Visits");
    files.done(&flow, "mira@example.org");
    let mut desk = files.log(&flow);
    let copied = |desk: &mut Desk| {
        desk.window.event(Event::Copy);
        desk.step();
        let text = desk.window.output().platform_output.commands.iter().find_map(|it| match it {
            OutputCommand::CopyText(text) => Some(text.clone()),
            _ => None,
        });
        desk.run();
        text
    };
    let line = desk.window.get_by_label("  \"email\": \"mira@example.org\"").rect();
    // Nothing is selected yet: copying is about the canvas, which is not shown.
    assert_eq!(copied(&mut desk), None);
    let (top, bottom) = (pos2(line.left() + 4.0, line.top() - 8.0), pos2(line.right() - 2.0, line.bottom() + 8.0));
    desk.drag(top, bottom);
    assert_eq!(copied(&mut desk).as_deref(), Some("{\n  \"email\": \"mira@example.org\"\n}"));
    desk.drag(bottom, top);
    assert_eq!(copied(&mut desk).as_deref(), Some("{\n  \"email\": \"mira@example.org\"\n}"), "as well from its end");
    // A word, and all of it.
    desk.double_click(pos2(line.left() + 60.0, line.center().y));
    assert_eq!(copied(&mut desk).as_deref(), Some("email"));
    desk.key(Modifiers::COMMAND, Key::A);
    assert_eq!(copied(&mut desk).as_deref(), Some("{\n  \"email\": \"mira@example.org\"\n}"));
    // Another run has another text.
    desk.press("Request as it was sent");
    assert_eq!(copied(&mut desk), None);
}

#[test]
fn keys_move_through_runs_and_steps() {
    let files = Disk::new();
    let flow = flow("one", "Visits");
    for mail in ["a@x", "b@x", "c@x"] {
        files.done(&flow, mail);
    }
    let mut desk = files.log(&flow);
    desk.window.get_by_label("List of runs").focus();
    desk.run();
    desk.key(Modifiers::NONE, Key::ArrowDown);
    desk.key(Modifiers::NONE, Key::ArrowDown);
    desk.until("the run is read", settled);
    assert_eq!(desk.window.state().log.whole.loaded().map(|it| it.head.id), Some(RunId(1)));
    desk.key(Modifiers::NONE, Key::Home);
    desk.until("the run is read", settled);
    assert_eq!(desk.window.state().log.whole.loaded().map(|it| it.head.id), Some(RunId(3)));
    // On to the steps: the call is chosen, above it stands its step.
    desk.key(Modifiers::NONE, Key::Enter);
    desk.run();
    desk.key(Modifiers::NONE, Key::ArrowUp);
    assert!(desk.has("  \"contact\": \"c@x\""), "the step's result is shown");
}

#[test]
fn a_text_is_found_in_bodies_and_its_call_is_opened() {
    let files = Disk::new();
    let flow = flow("one", "Visits");
    let run = files.done(&flow, "needle@example.org");
    files.done(&flow, "other@example.org");
    let mut desk = files.log(&flow);
    desk.window.get_by_label("Find in the log").focus();
    desk.run();
    desk.type_text("NEEDLE");
    desk.key(Modifiers::NONE, Key::Enter);
    desk.until("it is found", |app| app.log.whole.is_found());
    let found = rows(&desk);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("needle@example.org"));
    assert!(desk.has_containing("Found in 1 run; 2 runs"), "it says how much was looked through");
    click_row(&mut desk, "Found in run 1");
    assert_eq!(desk.window.state().log.whole.loaded().map(|it| it.head.id), Some(run));
    assert!(desk.has_containing("needle@example.org"));
    desk.press("Show all runs again");
    assert_eq!(rows(&desk).len(), 2);
    // After a pause in the typing it is looked for by itself; the window's time passes by its frames.
    desk.window.get_by_label("Find in the log").focus();
    desk.run();
    desk.type_text("other@");
    for _ in 0..40 {
        desk.step();
    }
    desk.until("it is found", |app| app.log.whole.is_found());
    assert_eq!(rows(&desk).len(), 1);
    assert!(rows(&desk)[0].starts_with("Found in run 2"));
}

#[test]
fn failed_runs_are_grouped_by_their_cause_and_a_group_is_a_list() {
    let files = Disk::new();
    let (first, second) = (flow("one", "Visits"), flow("two", "Birthdays"));
    files.failed(&first);
    files.done(&first, "a@x");
    files.failed(&first);
    files.failed(&second);
    let mut desk = files.log(&first);
    desk.press("Problems");
    desk.until("they are grouped", |app| app.log.whole.is_found());
    let groups = rows(&desk);
    assert_eq!(groups.len(), 2, "{groups:?}");
    assert!(groups[0].starts_with("Problem HighLevel: a scope is missing, 2 runs, Visits, a"), "{groups:?}");
    assert!(desk.has("2 problems in 3 failed runs"));
    click_row(&mut desk, "Problem HighLevel: a scope is missing, 2 runs");
    assert_eq!(rows(&desk).len(), 2);
    assert!(rows(&desk).iter().all(|it| it.contains("failed")));
    desk.press("Show all problems again");
    assert_eq!(rows(&desk).len(), 2);
    assert!(rows(&desk)[0].starts_with("Problem"));
}

#[test]
fn dead_letters_are_ticked_changed_resent_once_and_put_aside_with_a_way_back() {
    let files = Disk::new();
    let flow = setting("one", "Visits");
    for _ in 0..3 {
        files.failed(&flow);
    }
    let mut desk = files.log(&flow);
    // Nothing is at work on it, as where flows run elsewhere.
    files.journal.close();
    desk.press("Dead letters");
    desk.until("they are grouped", |app| app.log.whole.grouped_runs() == Some(3));
    assert_eq!(rows(&desk).len(), 1);
    assert!(desk.has("1 problem in 3 dead letters") && desk.has("Tick letters to"));
    let tick = |desk: &mut Desk, name: &str| {
        desk.window.get_by_role_and_label(Role::CheckBox, name).click();
        desk.run();
    };
    tick(&mut desk, "Tick HighLevel: a scope is missing");
    assert!(desk.has("3 letters ticked"));
    desk.press("Untick");
    click_row(&mut desk, "Problem HighLevel");
    tick(&mut desk, "Tick run 1");
    desk.press("Put aside");
    desk.until("it is put aside", |app| app.log.whole.grouped_runs() == Some(2));
    desk.press("Undo");
    desk.until("it is listed again", |app| app.log.whole.grouped_runs() == Some(3));
    click_row(&mut desk, "Problem HighLevel");
    tick(&mut desk, "Tick run 2");
    desk.press("Edit…");
    desk.until("what it began with is there", |app| app.log.editing.is_some());
    super::connections::fill(&mut desk, "What the trigger gives", "{\"run\": ");
    assert!(desk.has_containing("Line 1: EOF"), "what is wrong is said at once");
    super::connections::fill(&mut desk, "What the trigger gives", "{\"run\": \"another\"}");
    desk.press("Resend with this");
    desk.until("it is resent", |app| app.log.whole.grouped_runs() == Some(2));
    assert!(desk.has("Resent as run 4"));
    let kept = Journal::open_reader(&files.home.path().join("sandbox")).unwrap().entries(RunId(4)).unwrap();
    assert!(
        matches!(&kept[0], Entry::Accepted { payload, cause, .. } if **payload == json!({"run": "another"}) && cause.again == Some(RunId(2))),
        "{kept:?}"
    );
}

#[test]
fn what_is_listed_is_exported_to_a_file() {
    let files = Disk::new();
    let flow = flow("one", "Visits");
    files.done(&flow, "a@x");
    files.failed(&flow);
    let mut desk = files.log(&flow);
    desk.press("Runs: Failed");
    desk.until("failed runs are listed", |app| settled(app) && app.log.whole.listed_runs() == 1);
    for (words, name, lines) in [
        ("A line for each run (CSV)", "runs.csv", 2),
        ("Everything, for other programs (JSONL)", "runs.jsonl", 6),
        ("Requests and answers (HAR)", "runs.har", 3),
    ] {
        let path = desk.home.path().join(name);
        desk.answers.push(&path);
        desk.press("Export…");
        desk.press(words);
        desk.until("it is written", |app| app.log.export.is_none() && path.exists());
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count(), lines, "{text}");
        assert!(desk.has("1 run exported"));
    }
    // A place that cannot be written is said.
    desk.answers.push(&desk.home.path().join("nowhere").join("runs.csv"));
    desk.press("Export…");
    desk.press("A line for each run (CSV)");
    desk.until("it is said", |app| app.toasts.iter().any(|it| it.toast.title.contains("cannot be written")));
}

#[test]
fn the_last_runs_of_a_flow_are_known_after_a_restart() {
    let files = Disk::new();
    let (flow, other) = (flow("one", "Visits"), flow("two", "Birthdays"));
    for n in 0..25 {
        files.done(&flow, &format!("{n}@x"));
    }
    files.done(&other, "other@x");
    let mut desk = files.desk(&flow);
    desk.until("they are read", |app| app.live.runs().count() == 20);
    let app = desk.window.state();
    assert!(app.live.runs().all(|it| it.flow == flow.id && !it.own));
    let newest = app.live.runs().next().unwrap();
    assert_eq!(newest.node(&"a".into()).and_then(|it| it.output.clone()), Some(Arc::new(json!({"contact": "24@x"}))));
    // The pane below the canvas has the runs of this flow alone.
    desk.until("the pane has them", |app| app.log.docked.is_settled() && app.log.docked.listed_runs() == 25);
    assert!(desk.has("25 runs") && rows(&desk).iter().all(|it| it.contains("Visits")));
    // Where both sides of a call have no room, one is shown and the other is a press away.
    desk.until("the call is read", |app| app.log.docked.is_settled());
    assert!(desk.has("Waited for the answer: 0.20 s") && !desk.has("  \"email\": \"24@x\""));
    desk.press("Side: Request");
    assert!(desk.has("Body, 16 bytes") && !desk.has("Waited for the answer: 0.20 s"));
    desk.press("Show the log in the whole window");
    desk.until("the log is read", |app| app.room == Room::Log && settled(app));
    assert!(desk.has("26 runs"));
}

#[test]
fn new_runs_come_in_at_the_top_and_the_newest_is_followed() {
    let files = Disk::new();
    let flow = flow("one", "Visits");
    files.done(&flow, "a@x");
    let mut desk = files.log(&flow);
    // Some events were lost: the list is read again from the files.
    let newest = files.done(&flow, "b@x");
    desk.told.send(crate::ui::Told::Missed(3)).unwrap();
    desk.window.step();
    for _ in 0..20 {
        // Time passes for the window only by frames.
        desk.window.step();
    }
    desk.until("the new run is there", |app| settled(app) && app.log.whole.listed_runs() == 2);
    desk.until("and is followed", |app| app.log.whole.loaded().is_some_and(|it| it.head.id == newest));
}

#[test]
fn of_a_hundred_thousand_runs_only_visible_rows_are_made() {
    let files = Disk::new();
    let flow = flow("one", "Visits");
    let revision = Revision(flow.content_hash().into());
    let mut last = None;
    for _ in 0..100_000 {
        let run = files.journal.next_run_id();
        let begin = at(run.0 as i64);
        let trigger = NodeId::from("t");
        let new = NewRun {
            flow: flow.id.clone(),
            flow_name: flow.name.clone(),
            revision: revision.clone(),
            trigger: trigger.clone(),
            delivery: None,
            mode: Mode::Sandbox,
            parent: None,
            accepted: begin,
        };
        let entries = vec![
            Entry::Accepted { trigger, payload: Arc::new(json!(run)), at: begin, cause: Arc::default() },
            Entry::Finished { outcome: Outcome::Succeeded, at: begin },
        ];
        let append = Append { run, new: Some(new), entries, exchanges: Vec::new() };
        let commit = files.journal.append(append);
        // Now and then it is waited for, so that not too much waits to be written.
        if run.0.is_multiple_of(2_000) { commit.wait().unwrap() } else { last = Some(commit) }
    }
    last.unwrap().wait().unwrap();
    let mut desk = files.log(&flow);
    assert!(desk.has("100,000 runs"));
    assert_eq!(desk.window.state().log.whole.listed_runs(), 100_000);
    desk.window.get_by_label("List of runs").focus();
    desk.run();
    let most = |desk: &Desk| {
        let view = &desk.window.state().log.whole;
        assert!(view.built_rows() <= 20, "{} rows", view.built_rows());
        assert!(view.kept_heads() <= 1_000, "{} heads", view.kept_heads());
    };
    for _ in 0..60 {
        desk.key(Modifiers::NONE, Key::PageDown);
        desk.until("rows are read", settled);
        most(&desk);
    }
    desk.key(Modifiers::NONE, Key::End);
    desk.until("the oldest is read", settled);
    most(&desk);
    assert!(rows(&desk).iter().any(|it| it.starts_with("Run 1, done")), "{:?}", rows(&desk));
    desk.key(Modifiers::NONE, Key::Home);
    desk.until("the newest is read", settled);
    most(&desk);
    assert!(rows(&desk)[0].starts_with("Run 100000, done"));
}

#[test]
fn a_run_is_asked_for_again_from_its_start() {
    let files = Disk::new();
    let flow = flow("one", "Visits");
    let run = files.failed(&flow);
    let mut desk = files.log(&flow);
    // Without an engine it is said why not.
    desk.window.state().send(Msg::Retry { mode: Mode::Sandbox, run, from: RetryFrom::Start, current: true });
    desk.run();
    assert!(desk.has("The run cannot be done again yet"));
    desk.window.state().send(Msg::Retry {
        mode: Mode::Sandbox,
        run,
        from: RetryFrom::Step(StepKey::new("gone")),
        current: false,
    });
    desk.run();
    assert!(desk.has("The run cannot be done again so"));
    desk.press("Run again");
    for name in [
        "From the start, as the flow was then",
        "From the failed step, as the flow was then",
        "From the start, as the flow is now",
        "From the failed step, as the flow is now",
    ] {
        assert!(desk.has(name), "{name}");
    }
}

#[test]
fn two_runs_are_compared_step_by_step() {
    let files = Disk::new();
    let flow = flow("one", "Visits");
    files.done(&flow, "a@x");
    files.done(&flow, "b@x");
    let mut desk = files.log(&flow);
    desk.press("Compare…");
    desk.window.get_by(|it| it.role() == Role::Button && it.label().is_some_and(|it| it.starts_with("Run 1, "))).click();
    desk.run();
    desk.until("the other one is read", |app| app.log.whole.is_compared());
    assert!(desk.has("contact: “b@x” became “a@x”"));
    assert!(desk.has_containing("a, done, 0.29 s, done, 0.29 s"));
    desk.press("End the comparison");
    assert!(desk.has("POST /contacts/, 201, 0.20 s"));
}

#[test]
fn the_canvas_shows_a_run_that_was() {
    let files = Disk::new();
    let flow = flow("one", "Visits");
    let run = files.failed(&flow);
    let mut desk = files.log(&flow);
    desk.press("Show on canvas");
    let app = desk.window.state();
    assert_eq!(app.room, Room::Flows);
    assert_eq!(app.docs.active().and_then(|it| it.test.as_ref()?.run()), Some(run));
    assert_eq!(desk.selected(), ["a"], "the step that failed");
    assert!(desk.has_containing("a, failed"), "its card says so");
}

#[test]
fn the_log_is_reached_by_its_keys() {
    let files = Disk::new();
    let mut desk = files.desk(&flow("one", "Visits"));
    desk.key(Modifiers::ALT, Key::Num4);
    desk.until("the log is read", |app| app.room == Room::Log && settled(app));
    assert!(desk.has("No runs yet") && !desk.has("No run is chosen"), "it is said once");
}

#[test]
fn a_run_is_done_again_from_a_step_and_what_came_before_is_taken_as_done() {
    use super::runs::{add, stage};
    use crate::flow::testing::id;
    use crate::flow::{Binding, Edge, Edit, Level, NodeKind, Trigger};
    let mut flow = Flow::new("again", "Again");
    add(&mut flow, "t", NodeKind::Trigger(Trigger::Manual { sample: json!({"n": 1}) }));
    add(&mut flow, "a", NodeKind::Set { fields: [("x", Binding::value(7))].into() });
    add(&mut flow, "b", NodeKind::Log { level: Level::Info, message: Binding::text("{{ a.x }}") });
    for (from, to) in [("t", "a"), ("a", "b")] {
        flow.apply(Edit::Connect(Edge { from: id(from), port: "out".into(), to: id(to) })).unwrap();
    }
    let mut desk = Desk::with(&flow);
    let _runtime = stage(&desk);
    desk.until("the sandbox is up", |app| app.live.stage().is_some());
    // What a person says of a run that the journal does not know is answered.
    desk.window.state().send(Msg::Release { run: RunId(99), step: StepKey::new("a"), release: crate::run::Release::Fail });
    let words = "There is no run 99";
    for _ in 0..20_000 {
        if desk.has(words) {
            break;
        }
        desk.step();
        std::thread::yield_now();
    }
    assert!(desk.has(words));
    let ended = |app: &App, number: usize| app.live.runs().filter(|it| it.outcome.is_some()).count() == number;
    desk.press("Test");
    desk.until("the test has ended", |app| ended(app, 1));
    desk.press("Log");
    desk.until("the run is read", |app| settled(app) && app.log.whole.loaded().is_some_and(|it| it.head.finished.is_some()));
    let first = desk.window.state().log.whole.loaded().unwrap().head.id;
    click_row(&mut desk, "b, done");
    desk.press("Run again from here");
    desk.press("From here, as the flow is now");
    desk.until("it is done again", |app| ended(app, 2));
    desk.until("the new run is read", |app| {
        settled(app) && app.log.whole.loaded().is_some_and(|it| it.head.id != first && it.head.finished.is_some())
    });
    let run = desk.window.state().log.whole.loaded().unwrap();
    let lines: Vec<String> = run
        .entries
        .iter()
        .filter_map(|it| match it {
            Entry::StepStarted { step, .. } => Some(format!("{step} begins")),
            Entry::StepSucceeded { step, .. } => Some(format!("{step} done")),
            Entry::Logged { message, .. } => Some(message.clone()),
            _ => None,
        })
        .collect();
    assert!(!lines.contains(&"a begins".to_owned()) && lines.contains(&"a done".to_owned()), "{lines:?}");
    assert!(lines.contains(&"7".to_owned()), "{lines:?}");
    assert_eq!(run.head.outcome, Some(Outcome::Succeeded));
}

#[test]
fn a_run_that_waits_since_an_earlier_start_goes_on_when_a_person_says_so() {
    use super::runs::{add, stage};
    use crate::flow::testing::id;
    use crate::flow::{Binding, Edge, Edit, Level, NodeKind, Trigger};
    let mut flow = Flow::new("asks", "Asks");
    add(&mut flow, "t", NodeKind::Trigger(Trigger::Manual { sample: json!({}) }));
    add(&mut flow, "ask", NodeKind::Approval { message: Binding::value("Send the letter?") });
    add(&mut flow, "b", NodeKind::Log { level: Level::Info, message: Binding::value("sent") });
    for (from, port, to) in [("t", "out", "ask"), ("ask", "approved", "b")] {
        flow.apply(Edit::Connect(Edge { from: id(from), port: port.into(), to: id(to) })).unwrap();
    }
    let mut desk = Desk::with(&flow);
    let home = Arc::clone(&desk.home);
    let runtime = stage(&desk);
    desk.until("the sandbox is up", |app| app.live.stage().is_some());
    desk.press("Test");
    desk.until("it waits", |app| app.live.runs().any(|it| it.parked().next().is_some()));
    let engine = desk.window.state().live.stage().unwrap().engine.clone();
    runtime.block_on(engine.stop().wait());
    drop((desk, engine, runtime));

    let mut desk = Desk::at(home, &[]);
    let runtime = stage(&desk);
    desk.until("the sandbox is up", |app| app.live.stage().is_some());
    // The window may have read the run by now; it rests.
    let rests = |it: &crate::ui::live::Play| it.outcome.is_none() && !it.is_running();
    assert!(desk.window.state().live.runs().all(rests), "nothing goes on by itself");
    // What other runs do than those that this window starts is told as well.
    let mut events = desk.window.state().live.stage().unwrap().engine.events();
    let (told, wake) = (desk.told.clone(), Arc::clone(&desk.waker));
    runtime.spawn(async move {
        while let Ok(event) = events.recv().await {
            told.send(crate::ui::behind::Told::Event { event, own: false }).unwrap_or_default();
            wake();
        }
    });
    desk.key(Modifiers::ALT, Key::Num4);
    desk.until("the run is read", |app| settled(app) && app.log.whole.loaded().is_some());
    let run = desk.window.state().log.whole.loaded().unwrap().head.id;
    click_row(&mut desk, "ask, waits");
    desk.press("Approve in the log: Send the letter?");
    desk.until("it ends", |app| {
        settled(app) && app.log.whole.loaded().is_some_and(|it| it.head.id == run && it.head.outcome == Some(Outcome::Succeeded))
    });
    assert!(desk.window.state().log.whole.loaded().unwrap().entries.iter().any(|it| matches!(it, Entry::Logged { .. })));
}
