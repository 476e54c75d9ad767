//! One click: the flow runs in the sandbox, and the canvas shows how.
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::catalog::OperationId;
use crate::engine::Deployment;
use crate::flow::{Flow, Node, NodeId, NodeKind, Problem, Severity};
use crate::record::Failure;
use crate::run::{Aim, Desk, Outcome, Plan, RunId, Shown};
use crate::ui::app::App;
use crate::ui::behind::Start;
use crate::ui::document::{DocId, Document, Test, TestState};
use crate::ui::msg::Msg;
use crate::ui::shell::Pane;
use crate::ui::toast::{Toast, Tone};
use eframe::egui::Context;
use serde_json::Value;

impl App {
    /// Tests the step that is selected, alone or with all that leads to it.
    pub(super) fn test_selected(&mut self, ctx: &Context, aim: impl FnOnce(NodeId) -> Aim) {
        let view = self.docs.active.and_then(|it| self.views.get(&it));
        match view.and_then(|it| it.selection.only_node()).cloned() {
            Some(node) => self.start_test(ctx, &aim(node)),
            None => self.say(ctx, Toast::new(Tone::Note, "Select the step to be tested")),
        }
    }

    pub(super) fn start_test(&mut self, ctx: &Context, aim: &Aim) {
        let Some(id) = self.docs.active else { return };
        let catalog = self.catalog.clone();
        let Some(doc) = self.docs.get_mut(id) else { return };
        doc.refresh(&catalog);
        let flow = Arc::clone(doc.flow());
        let part = aim.part(&flow);
        let is_in_the_way = |it: &&Problem| {
            it.severity == Severity::Error
                && it.node.as_ref().is_none_or(|node| *aim == Aim::Whole || part.nodes.contains_key(node))
        };
        if let Some(problem) = doc.problems.iter().find(is_in_the_way).cloned() {
            let more = doc.problems.iter().filter(is_in_the_way).count() - 1;
            self.refuse_test(ctx, id, &flow, &problem, more);
            return;
        }
        let shown = doc.test.as_ref().and_then(Test::run).and_then(|it| self.live.run(it));
        let Some(doc) = self.docs.get(id) else { return };
        let shown = shown.map(|it| it as &dyn Shown);
        let plan = match aim.plan(&Desk { flow: &flow, pins: &doc.pins, shown, catalog: &catalog }) {
            Ok(plan) => plan,
            Err(words) => {
                self.say(ctx, Toast::new(Tone::Failed, "The test cannot begin").detail(words.to_string()));
                return;
            }
        };
        self.run_in(id, flow, plan);
    }

    /// Starts a run of a tab's flow, which its canvas then shows; whether there is anything to run it.
    fn run_in(&mut self, id: DocId, flow: Arc<Flow>, plan: Plan) -> bool {
        let flows = self.deployments(&plan.flow);
        let Some(stage) = self.live.stage() else { return false };
        let lit_from = stage.sandbox.last_seq();
        self.tickets += 1;
        let ticket = self.tickets;
        (stage.start)(Start { ticket, flows, trigger: plan.trigger, payload: plan.payload, given: plan.given });
        self.live.lit_from = lit_from;
        if let Some(doc) = self.docs.get_mut(id) {
            doc.test = Some(Test { flow, state: TestState::Starting(ticket), cancelled: false, told: false });
        }
        true
    }

    /// Starts the flows that are open and wait for one of these events; the names of those that start, and of those that
    /// have problems and do not.
    pub(super) fn happened(&mut self, events: &[(OperationId, Value)]) -> (Vec<String>, Vec<String>) {
        let (mut started, mut held) = (Vec::new(), Vec::new());
        let catalog = self.catalog.clone();
        let ids: Vec<DocId> = self.docs.list.iter().map(|it| it.id).collect();
        for id in ids {
            let Some(doc) = self.docs.get_mut(id) else { continue };
            let flow = Arc::clone(doc.flow());
            let waits = |(node, it): (&NodeId, &Arc<Node>)| {
                let NodeKind::Trigger(trigger) = &it.kind else { return None };
                Some((node.clone(), trigger.of_these(events).filter(|_| !it.muted)?.clone()))
            };
            let Some((trigger, payload)) = flow.nodes.iter().find_map(waits) else { continue };
            doc.refresh(&catalog);
            let title = doc.title().to_owned();
            let plan = Plan { flow: Arc::clone(&flow), trigger, payload, given: Vec::new() };
            if doc.problems.iter().any(|it| it.severity == Severity::Error) {
                held.push(title);
            } else if self.run_in(id, flow, plan) {
                started.push(title);
            }
        }
        (started, held)
    }

    /// Says what is in the way of a test, and shows it.
    fn refuse_test(&mut self, ctx: &Context, doc: DocId, flow: &Flow, problem: &Problem, more: usize) {
        let mut words = crate::ui::words::sentence(&problem.message);
        if !problem.hint.is_empty() {
            words = format!("{words} {}", crate::ui::words::sentence(&problem.hint));
        }
        if more > 0 {
            words = format!("{words} And {}.", crate::ui::canvas::sentence::count(more, "more problem"));
        }
        let title = match problem.node.as_ref().and_then(|it| flow.nodes.get(it)) {
            Some(node) => format!("“{}” needs filling in first", node.name),
            None => "The flow cannot run yet".to_owned(),
        };
        self.say(ctx, Toast::new(Tone::Failed, title).detail(words));
        if let Some(node) = problem.node.clone() {
            self.update(ctx, Msg::Select { doc, nodes: vec![node], show: true });
            self.dock.show(Pane::Inspector);
        }
    }

    /// What is made known for a run: flows that this one runs, as they are in their tabs, and last itself.
    pub(super) fn deployments(&self, flow: &Arc<Flow>) -> Vec<Deployment> {
        let mut flows: Vec<Deployment> = Vec::new();
        for called in called(flow).into_iter().filter(|it| *it != flow.id) {
            let open = self.docs.list.iter().find(|it| it.flow().id == called);
            flows.extend(open.map(|it| deployment(it.flow())));
        }
        flows.push(deployment(flow));
        flows
    }

    /// A test is on disk, or could not begin.
    pub(crate) fn test_started(&mut self, ctx: &Context, ticket: u64, result: Result<RunId, Failure>) {
        let waits = |it: &&mut Document| it.test.as_ref().is_some_and(|it| it.state == TestState::Starting(ticket));
        let doc = self.docs.list.iter_mut().find(waits);
        match (result, doc) {
            (Ok(run), Some(doc)) => {
                let Some(test) = &mut doc.test else { return };
                test.state = TestState::Run(run);
                let id = doc.id;
                if doc.test.as_ref().is_some_and(|it| it.cancelled) {
                    self.cancel_test_of(id);
                }
                if self.log.retries.contains(&ticket) {
                    self.retry_started(ctx, ticket, run);
                }
            }
            (Ok(run), None) if self.log.retries.contains(&ticket) => self.retry_started(ctx, ticket, run),
            // Its tab was closed before it began.
            (Ok(run), None) => {
                if let Some(stage) = self.live.stage() {
                    // What comes of it is told as an event.
                    drop(stage.engine.cancel(run, "the window"));
                }
            }
            (Err(failure), doc) => {
                self.log.retries.retain(|it| *it != ticket);
                if let Some(doc) = doc {
                    doc.test = None;
                }
                self.say(ctx, Toast::failure(&failure));
            }
        }
    }

    /// Says how a test ended, once.
    pub(crate) fn tell_ends(&mut self, ctx: &Context) {
        let mut toasts = Vec::new();
        let going = self.home_flows.going.as_ref().map(|it| it.doc);
        let mut again = false;
        for doc in &mut self.docs.list {
            let Some(test) = &mut doc.test else { continue };
            let Some(play) = test.run().and_then(|it| self.live.run(it)) else { continue };
            let Some(outcome) = &play.outcome else { continue };
            if std::mem::replace(&mut test.told, true) {
                continue;
            }
            let took = match (play.started, play.ended) {
                (Some(from), Some(to)) => crate::ui::words::milliseconds(crate::ui::words::ms_between(from, to)),
                _ => String::new(),
            };
            let steps = crate::ui::canvas::sentence::count(play.nodes().count(), "step");
            again |= going == Some(doc.id) && *outcome == Outcome::Succeeded;
            toasts.push(match outcome {
                Outcome::Succeeded => Toast::new(Tone::Done, format!("Test done: {steps} in {took}")),
                Outcome::Cancelled => Toast::new(Tone::Note, "Test cancelled"),
                Outcome::Failed(failure) => {
                    let node = play.failed().into_iter().next().cloned();
                    let toast = Toast::failure(failure);
                    match node {
                        Some(node) => toast.action("Show", Msg::Select { doc: doc.id, nodes: vec![node], show: true }),
                        None => toast,
                    }
                }
            });
        }
        for toast in toasts {
            self.say(ctx, toast);
        }
        if again {
            self.look_again(ctx);
        }
    }

    pub(super) fn cancel_test(&mut self) {
        if let Some(doc) = self.docs.active {
            self.cancel_test_of(doc);
        }
    }

    pub(super) fn cancel_test_of(&mut self, doc: DocId) {
        let Some(test) = self.docs.get_mut(doc).and_then(|it| it.test.as_mut()) else { return };
        test.cancelled = true;
        if let Some(run) = test.run()
            && let Some(stage) = self.live.stage()
            && self.live.run(run).is_none_or(|it| it.outcome.is_none())
        {
            // What comes of it is told as an event.
            drop(stage.engine.cancel(run, "the window"));
        }
    }
}

fn deployment(flow: &Arc<Flow>) -> Deployment {
    Deployment::quiet(Arc::clone(flow), BTreeMap::new())
}

fn called(flow: &Flow) -> Vec<crate::flow::FlowId> {
    let target = |kind: &NodeKind| match kind {
        NodeKind::SubFlow { flow, .. } => Some(flow.clone()),
        _ => None,
    };
    flow.nodes.values().filter(|it| !it.muted).filter_map(|it| target(&it.kind)).collect()
}
