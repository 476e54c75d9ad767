//! What a person does about connections, and what comes of it.
use std::sync::Arc;

use eframe::egui::{Context, OpenUrl};

use crate::catalog::AuthKind;
use crate::engine::{Connection, ConnectionId};
use crate::flow::{FlowId, SlotId};
use crate::record::{Failure, FailureKind};
use crate::ui::app::App;
use crate::ui::behind::{AccountJob, AccountNews, Flows, SignInStep};
use crate::ui::canvas::sentence::count;
use crate::ui::connections::{Checked, Locations, Pane, SignIn};
use crate::ui::dialog::Dialog;
use crate::ui::document::Document;
use crate::ui::msg::{Msg, Room};
use crate::ui::toast::{Toast, Tone};

impl App {
    /// Reads connections where they are looked at and may be other than they were read.
    pub(in crate::ui) fn keep_connections_fresh(&mut self) {
        if self.room != Room::Connections || self.connections.reading || self.connections.door.is_none() {
            return;
        }
        let flows = self.docs.list.iter().map(Document::flow);
        let same =
            flows.len() == self.connections.flows.len() && flows.zip(&self.connections.flows).all(|(a, b)| Arc::ptr_eq(a, b));
        if self.connections.listed.is_none() || self.connections.stale || !same {
            self.list_accounts();
        }
    }

    pub(super) fn list_accounts(&mut self) {
        let known = self.known_flows();
        self.connections.flows.clone_from(&known.open);
        self.connections.stale = false;
        if let Some(door) = &self.connections.door {
            self.connections.reading = true;
            door(AccountJob::List(known));
        }
    }

    /// The flows that are open, and those that were of late.
    fn known_flows(&self) -> Flows {
        let open = self.docs.list.iter().map(|it| Arc::clone(it.flow())).collect();
        let files = self.prefs.recent.iter().filter(|it| !self.prefs.open.contains(it)).cloned().collect();
        Flows { open, files }
    }

    pub(super) fn check_flow(&mut self, ctx: &Context, flow: FlowId) {
        self.stop_check(flow.clone());
        self.tickets += 1;
        let (ticket, environment) = (self.tickets, self.connections.environment.clone());
        let checked = Checked { ticket, ..Checked::default() };
        self.connections.checks.insert((flow.clone(), environment.clone()), checked);
        let known = self.known_flows();
        self.account(ctx, AccountJob::Check { ticket, flow, environment, known });
    }

    pub(super) fn stop_check(&mut self, flow: FlowId) {
        let key = (flow, self.connections.environment.clone());
        if let Some(checked) = self.connections.checks.remove(&key).filter(|it| it.told.is_none())
            && let Some(door) = &self.connections.door
        {
            door(AccountJob::StopCheck(checked.ticket));
        }
    }

    fn checked(&mut self, ticket: u64) -> Option<&mut Checked> {
        self.connections.checks.values_mut().find(|it| it.ticket == ticket)
    }

    /// What a slot stands for from now on, with the way back.
    fn account_bound(&mut self, ctx: &Context, change: (FlowId, String, SlotId, Vec<ConnectionId>), before: Vec<ConnectionId>) {
        let (flow, environment, slot, connections) = change;
        // What was found out of other accounts says nothing of these.
        self.connections.checks.remove(&(flow.clone(), environment.clone()));
        if before == connections {
            return;
        }
        let names: Vec<String> = connections.iter().map(|it| self.connections.name(it)).collect();
        let flows = self.connections.read().map(|it| it.flows.as_slice()).unwrap_or_default();
        let name = flows.iter().find(|it| it.flow == flow).map_or_else(|| flow.to_string(), |it| it.name.clone());
        let title = if names.is_empty() {
            format!("{slot} of “{name}” is not bound any more")
        } else {
            format!("{slot} of “{name}” stands for {}", names.join(", "))
        };
        let back = AccountJob::Bind { flow, environment, slot, connections: before };
        let toast = Toast::new(Tone::Done, title).detail("Flows that run already go on as they began.");
        self.say(ctx, toast.action("Undo", Msg::Account(Box::new(back))));
    }

    /// Has something done about connections.
    pub(super) fn account(&mut self, ctx: &Context, job: AccountJob) {
        if self.connections.door.is_none() {
            let toast = Toast::new(Tone::Note, "Connections are not there yet").detail("Try again in a moment.");
            return self.say(ctx, toast);
        }
        match &job {
            AccountJob::Test(id) => self.connections.busy(id, Some("Testing…")),
            AccountJob::Rotate(id, _) | AccountJob::Rename(id, _) => self.connections.busy(id, Some("Saving…")),
            AccountJob::Remove(id) => self.connections.busy(id, Some("Removing…")),
            AccountJob::SignIn(id, _) => {
                self.connections.busy(id, Some("Signing in…"));
                self.connections.chosen = Some(id.clone());
                let asks = match self.connections.pane.take() {
                    Some(Pane::SignIn(it)) if it.id == *id => it.asks,
                    _ => None,
                };
                let begun = SignIn { asks, begun: true, ..SignIn::new(id.clone()) };
                self.connections.pane = Some(Pane::SignIn(Box::new(begun)));
            }
            AccountJob::Locations(id) => self.connections.pane = Some(Pane::Locations(Locations::new(id.clone()))),
            AccountJob::Asks { id, .. } => {
                self.connections.chosen = Some(id.clone());
                self.connections.pane = Some(Pane::SignIn(Box::new(SignIn::new(id.clone()))));
            }
            AccountJob::List(_)
            | AccountJob::Bind { .. }
            | AccountJob::Check { .. }
            | AccountJob::StopCheck(_)
            | AccountJob::Make { .. }
            | AccountJob::Add { .. }
            | AccountJob::Paste(..)
            | AccountJob::CancelSignIn(_)
            | AccountJob::AddLocations(..)
            | AccountJob::Why { .. }
            | AccountJob::StopWhy(_)
            | AccountJob::Release { .. } => {}
        }
        if let Some(door) = &self.connections.door {
            door(job);
        }
    }

    pub(super) fn ask_sign_in(&mut self, ctx: &Context, id: ConnectionId) {
        let asks_nothing = self.connections.entry(&id).is_some_and(|it| it.connection.oauth.is_none());
        let known = self.known_flows();
        // A location of an agency is asked for nothing: its agency was.
        let job = if asks_nothing { AccountJob::SignIn(id, None) } else { AccountJob::Asks { id, known } };
        self.account(ctx, job);
    }

    pub(super) fn ask_remove_account(&mut self, id: ConnectionId) {
        let Some(entry) = self.connections.entry(&id) else { return };
        let flows = self.connections.read().map(|it| it.flows.as_slice()).unwrap_or_default();
        let name = |used: &crate::accounts::Use| {
            let known = flows.iter().find(|it| it.flow == used.flow);
            format!("“{}”", known.map_or_else(|| used.flow.to_string(), |it| it.name.clone()))
        };
        let mut used_by: Vec<String> = entry.used_by.iter().map(name).collect();
        used_by.sort();
        used_by.dedup();
        self.dialog = Some(Dialog::RemoveAccount { name: entry.connection.name.clone(), id, used_by });
    }

    /// Takes in what came of it.
    pub(in crate::ui) fn account_told(&mut self, ctx: &Context, news: AccountNews) {
        match news {
            AccountNews::Listed(listed) => {
                self.connections.reading = false;
                self.connections.listed = Some(listed);
                let gone = self.connections.chosen.as_ref().is_some_and(|it| self.connections.entry(it).is_none());
                if gone && self.connections.read().is_some() {
                    self.connections.chosen = None;
                }
                return;
            }
            AccountNews::Bound { flow, environment, slot, connections, before } => match before {
                Ok(before) => self.account_bound(ctx, (flow, environment, slot, connections), before),
                Err(failure) => self.say(ctx, Toast::failure(&failure)),
            },
            AccountNews::Checking { ticket, done, of } => {
                if let Some(checked) = self.checked(ticket) {
                    (checked.done, checked.of) = (done, of);
                }
                return;
            }
            AccountNews::Made { ticket, at, result } => {
                if let Some(checked) = self.checked(ticket) {
                    checked.made.insert(at, Some(result));
                }
                return;
            }
            AccountNews::Checked { ticket, result } => {
                if let Some(checked) = self.checked(ticket) {
                    checked.told = Some(result);
                }
                return;
            }
            AccountNews::Why { ticket, result } => return self.why_told(ticket, result),
            AccountNews::Released(result) => return self.served_released(ctx, result),
            AccountNews::Budgets(budgets) => {
                self.live.budgets = budgets;
                return;
            }
            AccountNews::Added(result) => self.account_added(ctx, result),
            AccountNews::Tested(id, result) => {
                let now = (self.clock)();
                let known = self.connections.known.entry(id).or_default();
                (known.busy, known.tried) = (None, Some((result, now)));
            }
            AccountNews::Renamed(id, result) => {
                self.connections.busy(&id, None);
                if let Err(failure) = result {
                    self.say(ctx, Toast::failure(&failure));
                }
            }
            AccountNews::Rotated(id, result) => self.account_rotated(ctx, &id, result),
            AccountNews::Asks(id, result) => {
                if let Some(Pane::SignIn(it)) =
                    self.connections.pane.as_mut().filter(|it| matches!(it, Pane::SignIn(it) if it.id == id))
                {
                    it.more = result.as_ref().map(|it| it.more.join(" ")).unwrap_or_default();
                    it.asks = Some(result);
                }
                return;
            }
            AccountNews::Locations(id, result) => {
                if let Some(Pane::Locations(it)) = &mut self.connections.pane
                    && it.agency == id
                {
                    it.told = Some(result);
                }
                return;
            }
            AccountNews::LocationsAdded(id, result) => {
                if matches!(&self.connections.pane, Some(Pane::Locations(it)) if it.agency == id) {
                    self.connections.pane = None;
                }
                let toast = match result {
                    Ok(added) => Toast::new(Tone::Done, format!("{} added", count(added, "location"))),
                    Err(failure) => Toast::failure(&failure),
                };
                self.say(ctx, toast);
            }
            AccountNews::SigningIn(id, step) => self.signing_in(ctx, &id, step),
            AccountNews::SignedIn(id, result) => self.signed_in(ctx, &id, result),
            AccountNews::Removed(id, result) => match result {
                Ok(removed) => {
                    self.connections.known.remove(&id);
                    let mut toast = Toast::new(Tone::Done, format!("Removed {}", removed.connection.name));
                    if let Some(left) = removed.left {
                        let words = crate::ui::words::sentence(&left.title);
                        toast =
                            Toast::new(Tone::Failed, format!("Removed {}; its secret is still there", removed.connection.name));
                        toast = toast.detail(format!("{words} {}", crate::ui::words::sentence(&left.hint)));
                    }
                    self.say(ctx, toast);
                }
                Err(failure) => {
                    self.connections.busy(&id, None);
                    self.say(ctx, Toast::failure(&failure));
                }
            },
        }
        self.connections.stale = true;
    }

    fn account_added(&mut self, ctx: &Context, result: Result<Connection, Failure>) {
        match result {
            Ok(connection) => {
                self.connections.pane = None;
                self.connections.chosen = Some(connection.id.clone());
                self.say(ctx, Toast::new(Tone::Done, format!("Added {}", connection.name)));
                // What is asked for stood in the form.
                let is_oauth = matches!(connection.auth, AuthKind::OAuth(_));
                let id = connection.id;
                self.account(ctx, if is_oauth { AccountJob::SignIn(id, None) } else { AccountJob::Test(id) });
            }
            Err(failure) => match &mut self.connections.pane {
                Some(Pane::Add(draft)) => {
                    draft.busy = false;
                    draft.wrong = Some(in_words(&failure));
                }
                _ => self.say(ctx, Toast::failure(&failure)),
            },
        }
    }

    fn account_rotated(&mut self, ctx: &Context, id: &ConnectionId, result: Result<usize, Failure>) {
        self.connections.busy(id, None);
        match result {
            Ok(released) => {
                if matches!(&self.connections.pane, Some(Pane::Rotate(it)) if it.id == *id) {
                    self.connections.pane = None;
                }
                let toast = Toast::new(Tone::Done, format!("{} has its new secret", self.connections.name(id)));
                self.say(ctx, went_on(toast, released));
                self.account(ctx, AccountJob::Test(id.clone()));
            }
            Err(failure) => match &mut self.connections.pane {
                Some(Pane::Rotate(it)) if it.id == *id => {
                    it.busy = false;
                    it.wrong = Some(in_words(&failure));
                }
                _ => self.say(ctx, Toast::failure(&failure)),
            },
        }
    }

    fn signing_in(&mut self, ctx: &Context, id: &ConnectionId, step: SignInStep) {
        let Some(Pane::SignIn(it)) = self.connections.pane.as_mut().filter(|it| matches!(it, Pane::SignIn(it) if it.id == *id))
        else {
            return;
        };
        if let SignInStep::Open { url, back, paste } = &step {
            (it.url, it.back, it.paste) = (url.clone(), back.clone(), *paste);
            ctx.open_url(OpenUrl::new_tab(url));
        }
        it.step = Some(step);
    }

    fn signed_in(&mut self, ctx: &Context, id: &ConnectionId, result: Result<usize, Failure>) {
        let is_shown = matches!(&self.connections.pane, Some(Pane::SignIn(it)) if it.id == *id);
        // One that was given up for another says nothing of that one.
        if !(is_shown && matches!(&result, Err(failure) if failure.kind == FailureKind::Stopped)) {
            self.connections.busy(id, None);
        }
        match result {
            Ok(released) => {
                if is_shown {
                    self.connections.pane = None;
                }
                let toast = Toast::new(Tone::Done, format!("Signed in to {}", self.connections.name(id)));
                self.say(ctx, went_on(toast, released));
                self.account(ctx, AccountJob::Test(id.clone()));
            }
            // Whoever gave it up knows.
            Err(failure) if failure.kind == FailureKind::Stopped => {}
            Err(failure) => match &mut self.connections.pane {
                Some(Pane::SignIn(it)) if is_shown => it.failed = Some(failure),
                _ => self.say(ctx, Toast::failure(&failure)),
            },
        }
    }
}

fn went_on(toast: Toast, released: usize) -> Toast {
    if released == 0 { toast } else { toast.detail(format!("{} that waited for it went on.", count(released, "step"))) }
}

/// Everything that a failure says, in one piece.
fn in_words(failure: &Failure) -> String {
    // What to type into a terminal is of no use here.
    let hint = if failure.hint.contains("`flowyard") { "" } else { failure.hint.as_str() };
    let parts = [failure.title.as_str(), failure.detail.as_str(), hint].into_iter().filter(|it| !it.is_empty());
    parts.map(crate::ui::words::sentence).collect::<Vec<_>>().join(" ")
}
