//! What runs live: making a flow live, switching it, and what is told of it.
use std::collections::BTreeMap;
use std::sync::Arc;

use eframe::egui::{Context, ViewportCommand};

use super::log::REMEMBERED;
use crate::engine::Event;
use crate::engine::alert::{Tried, Way};
use crate::record::Failure;
use crate::run::{Aim, Desk, Outcome};
use crate::ui::app::App;
use crate::ui::archive::Ask;
use crate::ui::behind::Told;
use crate::ui::dialog::Dialog;
use crate::ui::document::DocId;
use crate::ui::home::{Asked, Deed, GoLive, HomeJob, HomeNews, Planned};
use crate::ui::msg::{Msg, Room};
use crate::ui::toast::{Toast, Tone};

impl App {
    /// Has something done about what runs live.
    pub(super) fn ask_home(&mut self, ctx: &Context, job: HomeJob) {
        self.home_flows.tries_alert |= self.home_flows.door.is_some() && matches!(job, HomeJob::TestAlert);
        if !self.home_flows.ask(job) {
            self.say(ctx, Toast::new(Tone::Note, "Flows are not there yet").detail("Try again in a moment."));
        }
    }

    /// The panel before a flow goes live.
    pub(super) fn go_live(&mut self, ctx: &Context, asked: Asked) {
        match asked {
            Asked::Close => self.home_flows.going = None,
            Asked::Open => {
                let Some(doc) = self.docs.active() else { return };
                self.tickets += 1;
                let (ticket, flow) = (self.tickets, Arc::clone(doc.flow()));
                self.home_flows.going =
                    Some(GoLive { doc: doc.id, flow: Arc::clone(&flow), ticket, plan: Planned::default(), evidence: None });
                self.room = Room::Flows;
                self.ask_home(ctx, HomeJob::Evidence { ticket, flow });
            }
            Asked::Plan => {
                let Some(going) = &mut self.home_flows.going else { return };
                going.plan = Planned::Asked;
                let job = HomeJob::Plan { ticket: going.ticket, flow: Arc::clone(&going.flow) };
                self.ask_home(ctx, job);
            }
            Asked::Go => {
                let Some(going) = self.home_flows.going.take() else { return };
                let file = self.docs.get(going.doc).and_then(|it| it.path().map(std::path::PathBuf::from));
                self.ask_home(ctx, going.publish(file));
            }
        }
    }

    /// Switches the flow in front on or off.
    pub(super) fn switch_flow(&mut self, ctx: &Context) {
        let Some(flow) = self.docs.active().map(|it| it.flow().id.clone()) else { return };
        if let Some(live) = self.home_flows.flow(&flow) {
            let on = !live.entry.on;
            self.ask_home(ctx, HomeJob::Switch { flow, on });
        }
    }

    /// Shows a tab's flow as it runs live, or in the sandbox.
    pub(super) fn show_place(&mut self, ctx: &Context, doc: DocId, live: bool) {
        let Some(flow) = self.docs.get(doc).map(|it| it.flow().id.clone()) else { return };
        if !live {
            self.home_flows.shown.remove(&doc);
        } else if self.home_flows.flow(&flow).is_some() {
            self.home_flows.shown.insert(doc);
            self.served.0.ask(Ask::Recent { flow, count: REMEMBERED });
        } else {
            self.go_live(ctx, Asked::Open);
        }
    }

    /// Starts the flow in front by hand, as it is live: a person is asked once for each version of it.
    pub(super) fn run_live(&mut self, ctx: &Context, agreed: bool) {
        let Some(doc) = self.docs.active() else { return };
        let (id, title) = (doc.id, doc.title().to_owned());
        let Some(live) = self.home_flows.flow(&doc.flow().id) else { return };
        let Some(flow) = live.flow.clone().filter(|_| live.entry.on) else {
            self.say(ctx, Toast::new(Tone::Note, format!("“{title}” is off")).detail("Switch it on first."));
            return;
        };
        let revision = live.entry.revision.clone();
        if !agreed && !self.home_flows.agreed.contains(&revision) {
            self.dialog = Some(Dialog::RunLive { doc: id, title });
            return;
        }
        self.home_flows.agreed.insert(revision);
        let desk = Desk { flow: &flow, pins: &BTreeMap::new(), shown: None, catalog: &self.catalog };
        match Aim::Whole.plan(&desk) {
            Ok(plan) => {
                let job = HomeJob::Run { flow: flow.id.clone(), trigger: plan.trigger, payload: plan.payload };
                self.ask_home(ctx, job);
            }
            Err(words) => self.say(ctx, Toast::new(Tone::Failed, "The run cannot begin").detail(words.to_string())),
        }
    }

    /// A test of this very version has ended: what speaks for going live is another.
    pub(super) fn look_again(&mut self, ctx: &Context) {
        let Some(going) = &mut self.home_flows.going else { return };
        let (ticket, flow) = (going.ticket, Arc::clone(&going.flow));
        self.ask_home(ctx, HomeJob::Evidence { ticket, flow });
    }

    /// What came of what was asked for, or happened by itself.
    pub(crate) fn home_told(&mut self, ctx: &Context, news: HomeNews) {
        match news {
            HomeNews::Event(event) => self.live_event(ctx, event),
            HomeNews::Done { what, result: Ok(()) } => self.home_done(ctx, what),
            HomeNews::Done { result: Err(failure), .. } | HomeNews::AtLogin(Err(failure)) | HomeNews::Alerts(Err(failure)) => {
                self.say(ctx, Toast::failure(&failure));
            }
            HomeNews::AlertTried(result) => {
                self.home_flows.take(HomeNews::AlertTried(Ok(Vec::new())));
                self.alert_tried(ctx, result);
            }
            HomeNews::Clicked(run) => {
                for command in [ViewportCommand::Minimized(false), ViewportCommand::Visible(true), ViewportCommand::Focus] {
                    ctx.send_viewport_cmd(command);
                }
                if let Some(run) = run {
                    self.send(Msg::OpenServed(run));
                }
            }
            HomeNews::Woke(words) => self.say(ctx, Toast::new(Tone::Note, "Back at work").detail(words)),
            news => self.home_flows.take(news),
        }
    }

    /// What came of a test alert.
    fn alert_tried(&mut self, ctx: &Context, result: Result<Vec<Tried>, Failure>) {
        let tried = match result {
            Ok(tried) => tried,
            Err(failure) => return self.say(ctx, Toast::failure(&failure)),
        };
        for Tried { way, run, failure } in tried {
            let toast = match (way, failure) {
                (_, Some(failure)) => Toast::failure(&failure),
                (Way::Desktop, None) => Toast::new(Tone::Done, "The desktop has taken the test alert"),
                (Way::Mail, None) => Toast::new(Tone::Done, "The mail server has taken the test alert"),
            };
            self.say(ctx, if let Some(run) = run { toast.action("Show", Msg::OpenServed(run)) } else { toast });
        }
    }

    fn live_event(&mut self, ctx: &Context, event: Event) {
        let ended = match &event {
            Event::Ended { run, outcome: Outcome::Failed(failure) } => Some((*run, failure.clone())),
            _ => None,
        };
        if matches!(event, Event::Started { .. } | Event::Ended { .. }) {
            self.home_flows.ask(HomeJob::Waiting);
        }
        if let Some(failure) = self.served.1.take(Told::Event { event, own: false }) {
            self.say(ctx, Toast::failure(&failure));
        }
        if let Some((run, failure)) = ended {
            let name = self.served.1.run(run).map(|it| it.name.clone()).unwrap_or_default();
            let toast = Toast::new(Tone::Failed, format!("“{name}” failed: {}", failure.title)).detail(failure.detail);
            self.say(ctx, toast.action("Show", Msg::OpenServed(run)));
        }
    }

    fn home_done(&mut self, ctx: &Context, what: Deed) {
        let toast = match what {
            Deed::Published { name, on: true } => {
                Toast::new(Tone::Done, format!("“{name}” is live and on")).action("Show", Msg::Go(Room::Live))
            }
            Deed::Published { name, on: false } => Toast::new(Tone::Done, format!("“{name}” is live, and off")),
            Deed::Switched { name, on } => {
                let words =
                    if on { "is on: its triggers start it" } else { "is off: nothing starts it, and what it began goes on" };
                Toast::new(Tone::Done, format!("“{name}” {words}"))
            }
            Deed::Withdrawn { before } => {
                let toast = Toast::new(Tone::Done, format!("“{}” is back in the sandbox", before.entry.name));
                match before.flow {
                    Some(flow) => {
                        let (file, on) = (before.entry.file, before.entry.on);
                        toast.action("Undo", Msg::Home(Box::new(HomeJob::Publish { flow, file, on })))
                    }
                    None => toast,
                }
            }
            Deed::Paused { name, paused: true } => Toast::new(Tone::Done, format!("“{name}” is paused: what comes is kept")),
            Deed::Paused { name, paused: false } => Toast::new(Tone::Done, format!("“{name}” goes on")),
            Deed::Started(run) => {
                Toast::new(Tone::Done, format!("Live run {run} was started")).action("Show", Msg::OpenServed(run))
            }
            Deed::Looks => Toast::new(Tone::Done, "Services are looked at now"),
        };
        self.say(ctx, toast);
    }
}
