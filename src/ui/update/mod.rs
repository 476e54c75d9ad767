//! The only place that changes the window's state: one function a request.
mod catalog;
mod connections;
mod file;
mod home;
mod log;
mod sandbox;
mod test;

use eframe::egui::{Context, Rect, Vec2, ViewportCommand, vec2};

use super::app::App;
use super::archive::Deal;
use super::behind::{AccountJob, Read};
use super::canvas::clipboard::{self, Target};
use super::canvas::{self, View};
use super::command::UiCommand;
use super::connections::Tab;
use super::ctx::Ctx;
use super::dialog::{Answer, Dialog};
use super::document::{DocId, Document};
use super::home::{Asked, HomeJob};
use super::keymap::{self, Keymap};
use super::msg::{Msg, Room};
use super::palette::Palette;
use super::prefs::{OnClose, SCALES};
use super::sandbox::Wanted;
use super::shell::Pane;
use super::template;
use super::theme::ThemeChoice;
use super::toast::{Toast, Tone};
use crate::engine::Mode;
use crate::flow::{Edit, Flow, FlowId, Gesture, NodeId};
use crate::run::Aim;

impl App {
    /// Does what was asked for.
    pub(super) fn update(&mut self, ctx: &Context, msg: Msg) {
        match msg {
            Msg::Do(command) => self.command(ctx, command),
            Msg::Go(room) => self.room = room,
            Msg::Edit(doc, edit) => self.edit(ctx, doc, edit, None),
            Msg::EditIn(doc, edit, gesture) => self.edit(ctx, doc, edit, Some(&gesture)),
            Msg::EndGesture(doc) => {
                if let Some(doc) = self.docs.get_mut(doc) {
                    doc.end_gesture();
                }
            }
            Msg::Select { doc, nodes, show } => self.select(doc, &nodes, show),
            Msg::Activate(doc) => self.activate(doc),
            Msg::Close(doc) => self.close(doc),
            Msg::OpenPath(path) => self.open_path(path),
            Msg::OpenTemplate { index, test } => {
                self.open_template(index);
                if test {
                    self.command(ctx, UiCommand::Test);
                }
            }
            Msg::Paste(text) => self.paste(ctx, &text),
            Msg::Answer(answer) => self.answer(ctx, answer),
            Msg::Path(text) => self.path_typed(&text),
            Msg::Outside(doc, answer) => self.outside(doc, answer),
            Msg::Dismiss(id) => drop(self.toasts.dismiss(id)),
            Msg::TakeToast(id) => {
                if let Some((_, msg)) = self.toasts.dismiss(id).and_then(|it| it.action) {
                    self.update(ctx, *msg);
                }
            }
            Msg::ShowPane(pane) => self.dock.show(pane),
            Msg::SetTheme(theme) => self.prefs.theme = theme,
            Msg::SetScale(scale) => self.prefs.scale = scale.clamp(*SCALES.start(), *SCALES.end()),
            Msg::SetOnClose(on_close) => self.prefs.on_close = on_close,
            Msg::SetKeys(command, keys) => self.set_keys(command, keys),
            Msg::ResetKeys => {
                self.prefs.keys.clear();
                self.keys = Keymap::new(&self.prefs.keys);
            }
            Msg::ForgetRecent => self.prefs.recent.clear(),
            Msg::OpenRecord { table, id } => self.open_record(table, id.as_deref()),
            Msg::ByHand { table, deed } => self.by_hand(ctx, table, *deed),
            Msg::TakeBack(undo) => self.take_back(undo),
            Msg::Steer(steer) => self.steer(ctx, *steer),
            Msg::PlantSandbox(seed) => self.plant(Wanted::Size(seed)),
            Msg::StopPlanting => self.stop_planting(),
            Msg::RestoreSandbox(snapshot) => self.plant(Wanted::Back(snapshot)),
            Msg::Pin { doc, node, output } => {
                if let Some(doc) = self.docs.get_mut(doc) {
                    doc.pin(node, output);
                }
            }
            Msg::Release { run, step, release } => {
                if let Some(stage) = self.live.stage() {
                    // What comes of it is told as an event; only why it cannot be is answered.
                    self.log.releases.push(stage.engine.release(run, Some(step.to_string()), release));
                }
            }
            Msg::Letters { mode, deal } => self.deal(mode, deal),
            Msg::ImportDocuments => self.ask_documents(),
            Msg::ChooseWatched { doc, node, each } => self.ask_watched(doc, node, each),
            Msg::ChooseFolder => self.ask_folder(),
            Msg::CancelImport => self.imports.cancel(),
            Msg::KeepImport { name, title } => self.imports.keep(&name, &title),
            Msg::RemoveConnector(id) => self.ask_remove(&id),
            Msg::ReadChoices(asked) => {
                if let Some(stage) = self.live.stage()
                    && let Some(ticket) = self.offers.ask(&asked, ctx.input(|it| it.time))
                {
                    (stage.read)(Read { ticket, asked });
                }
            }
            Msg::Account(job) => self.account(ctx, *job),
            Msg::Home(job) => self.ask_home(ctx, *job),
            Msg::OpenServed(run) => {
                self.log.open_served(run);
                self.room = Room::Log;
            }
            Msg::ShowPlace { doc, live } => self.show_place(ctx, doc, live),
            Msg::GoLive(asked) => self.go_live(ctx, asked),
            Msg::ListAccounts => self.list_accounts(),
            Msg::AskSignIn(id) => self.ask_sign_in(ctx, id),
            Msg::AskRemoveAccount(id) => self.ask_remove_account(id),
            Msg::OpenLog(run) => self.open_log(run),
            Msg::Why { mode, run, step, connection } => self.ask_why(ctx, mode, run, step, connection),
            Msg::CloseWhy => self.close_why(),
            Msg::CheckFlow(flow) => self.check_flow(ctx, flow),
            Msg::StopCheck(flow) => self.stop_check(flow),
            Msg::ShowConnection(id) => {
                self.connections.chosen = Some(id);
                self.connections.pane = None;
                self.connections.tab = Tab::Accounts;
                self.room = Room::Connections;
            }
            Msg::CopyText { text, what } => {
                ctx.copy_text(text);
                self.say(ctx, Toast::new(Tone::Done, format!("{what} copied")));
            }
            Msg::Export(what) => self.ask_export(what),
            Msg::CancelExport => self.cancel_export(ctx),
            Msg::ShowRun { doc, run } => self.show_run(doc, run),
            Msg::Retry { mode: Mode::Sandbox, run, from, current } => self.retry(ctx, run, &from, current),
            Msg::Retry { mode: Mode::Live, run, from, current } => self.ask_again(run, from, current),
        }
    }

    pub(super) fn say(&mut self, ctx: &Context, toast: Toast) {
        self.toasts.say(toast, ctx.input(|it| it.time));
    }

    fn command(&mut self, ctx: &Context, command: UiCommand) {
        if let Err(why) = self.ability(command) {
            self.say(ctx, Toast::new(Tone::Note, format!("{}: not now", command.title().trim_end_matches('…'))).detail(why));
            return;
        }
        match command {
            UiCommand::New => self.new_flow(),
            UiCommand::Open => self.ask_open(),
            UiCommand::Save => self.save(false, false),
            UiCommand::SaveAs => self.save(true, false),
            UiCommand::CloseTab => {
                if let Some(doc) = self.docs.active {
                    self.close(doc);
                }
            }
            UiCommand::NextTab => self.step_tab(1),
            UiCommand::PreviousTab => self.step_tab(-1),
            UiCommand::Quit => self.quit(),
            UiCommand::Undo => self.step_history(ctx, true),
            UiCommand::Redo => self.step_history(ctx, false),
            UiCommand::Paste => ctx.send_viewport_cmd(ViewportCommand::RequestPaste),
            UiCommand::ToggleMinimap => self.prefs.minimap ^= true,
            UiCommand::ToggleOutline => self.prefs.outline ^= true,
            UiCommand::ToggleSnap => self.prefs.snap ^= true,
            UiCommand::ToggleInspector => self.dock.toggle(Pane::Inspector),
            UiCommand::ToggleLog => self.dock.toggle(Pane::Log),
            UiCommand::ResetPanels => self.dock.reset(),
            UiCommand::ShowFlows => self.room = Room::Flows,
            UiCommand::ShowTemplates => self.room = Room::Templates,
            UiCommand::ShowLive => self.room = Room::Live,
            UiCommand::GoLive => self.go_live(ctx, Asked::Open),
            UiCommand::SwitchFlow => self.switch_flow(ctx),
            UiCommand::ShowConnections => self.room = Room::Connections,
            UiCommand::ShowSandbox => self.room = Room::Sandbox,
            UiCommand::ShowSettings => self.room = Room::Settings,
            UiCommand::Palette => self.palette = Some(Palette::default()),
            UiCommand::Test if self.docs.active.is_some_and(|it| self.home_flows.shows_live(it)) => self.run_live(ctx, false),
            UiCommand::Test => self.start_test(ctx, &Aim::Whole),
            UiCommand::TestStep => self.test_selected(ctx, Aim::Only),
            UiCommand::TestToHere => self.test_selected(ctx, Aim::UpTo),
            UiCommand::CancelTest => self.cancel_test(),
            UiCommand::ThemeSystem => self.prefs.theme = ThemeChoice::System,
            UiCommand::ThemeDark => self.prefs.theme = ThemeChoice::Dark,
            UiCommand::ThemeLight => self.prefs.theme = ThemeChoice::Light,
            UiCommand::ScaleUp => self.scale_by(0.1),
            UiCommand::ScaleDown => self.scale_by(-0.1),
            UiCommand::ScaleReset => self.prefs.scale = 1.0,
            UiCommand::ToggleMotion => self.prefs.less_motion ^= true,
            UiCommand::ShowLog => self.open_log(None),
            _ => self.canvas_command(ctx, command),
        }
    }

    fn scale_by(&mut self, by: f32) {
        let tenths = ((self.prefs.scale + by) * 10.0).round();
        self.prefs.scale = (tenths / 10.0).clamp(*SCALES.start(), *SCALES.end());
    }

    fn ability(&self, command: UiCommand) -> super::ctx::Ability {
        let queue = std::cell::RefCell::default();
        Ctx {
            docs: &self.docs,
            live: &self.live,
            prefs: &self.prefs,
            keys: &self.keys,
            catalog: &self.catalog,
            room: self.room,
            less_motion: false,
            asking: false,
            now: (self.clock)(),
            archive: &self.archive,
            served: (&self.served.0, &self.served.1),
            home: &self.home_flows,
            offers: &self.offers,
            imports: &self.imports,
            queue: &queue,
        }
        .can(command)
    }

    fn canvas_command(&mut self, ctx: &Context, command: UiCommand) {
        let Some(id) = self.docs.active else { return };
        let Some(doc) = self.docs.get(id) else { return };
        let view = self.views.entry(id).or_default();
        let Some(outcome) = canvas::order::perform(command, doc.flow(), &self.catalog, view) else { return };
        if let Some(text) = outcome.copy {
            ctx.copy_text(text);
        }
        if let Some(words) = outcome.refused {
            self.say(ctx, Toast::new(Tone::Note, words));
        }
        if let Some(edit) = outcome.edit {
            self.edit(ctx, id, edit, None);
        }
        if let Some(nodes) = outcome.select {
            let view = self.views.entry(id).or_default();
            view.selection.clear();
            view.selection.nodes = nodes;
        }
    }

    fn edit(&mut self, ctx: &Context, id: DocId, edit: Edit, gesture: Option<&Gesture>) {
        let Some(doc) = self.docs.get_mut(id) else { return };
        if let Err(error) = doc.apply(edit, gesture) {
            let words = super::words::sentence(&error.to_string());
            self.say(ctx, Toast::new(Tone::Failed, "That cannot be done").detail(words));
        }
    }

    fn step_history(&mut self, ctx: &Context, back: bool) {
        let Some(doc) = self.docs.active.and_then(|it| self.docs.get_mut(it)) else { return };
        if back {
            doc.undo();
        } else {
            doc.redo();
        }
        ctx.request_repaint();
    }

    fn select(&mut self, doc: DocId, nodes: &[NodeId], show: bool) {
        let Some(flow) = self.docs.get(doc).map(|it| std::sync::Arc::clone(it.flow())) else { return };
        let view = self.views.entry(doc).or_default();
        view.selection.clear();
        view.selection.nodes.extend(nodes.iter().filter(|it| flow.nodes.contains_key(*it)).cloned());
        let board = view.board(&flow, &self.catalog);
        let part = nodes.iter().filter_map(|it| board.spot(it)).map(canvas::Spot::rect).reduce(Rect::union);
        if show && let Some(part) = part {
            view.remember();
            view.reveal(part);
        }
    }

    pub(super) fn paste(&mut self, ctx: &Context, text: &str) {
        let Some(id) = self.docs.active.filter(|_| self.room == Room::Flows) else { return };
        let Some(doc) = self.docs.get(id) else { return };
        let view = self.views.entry(id).or_default();
        let seen = view.seen();
        let at = view.pointer.filter(|it| seen.contains(*it)).unwrap_or_else(|| seen.center());
        match clipboard::paste(doc.flow(), text, Target::Around(at)) {
            Ok(pasted) => {
                self.edit(ctx, id, pasted.edit, None);
                let view = self.views.entry(id).or_default();
                view.selection.clear();
                view.selection.nodes = pasted.nodes.into_iter().collect();
            }
            Err(words) => self.say(ctx, Toast::new(Tone::Note, words)),
        }
    }

    // ---- tabs

    pub(super) fn activate(&mut self, doc: DocId) {
        if self.docs.get(doc).is_some() {
            self.docs.active = Some(doc);
            self.room = Room::Flows;
        }
    }

    fn step_tab(&mut self, by: isize) {
        let list = &self.docs.list;
        let Some(at) = list.iter().position(|it| Some(it.id) == self.docs.active) else { return };
        let next = (at as isize + by).rem_euclid(list.len() as isize) as usize;
        if let Some(doc) = list.get(next).map(|it| it.id) {
            self.activate(doc);
        }
    }

    pub(super) fn add_document(&mut self, doc: Document) {
        let id = doc.id;
        self.remember_runs(&doc.flow().id);
        self.docs.list.push(doc);
        self.views.insert(id, View::default());
        self.activate(id);
    }

    fn new_flow(&mut self) {
        let id = self.docs.next_id();
        self.add_document(Document::fresh(id, Flow::new(fresh_flow_id("flow"), "Untitled flow")));
    }

    pub(super) fn open_template(&mut self, index: usize) {
        let Some(template) = template::all().get(index) else { return };
        let mut flow = template.flow.clone();
        // A flow of one's own: what happens to the template's other copies is none of its business.
        flow.id = fresh_flow_id(template.flow.id.as_str());
        let all = flow.nodes.keys().cloned().collect();
        let columns = canvas::tidy::columns_for(&flow, &all, self.canvas_size());
        flow.layout = canvas::tidy::arrange(&flow, &all, columns, [0, 0]);
        let id = self.docs.next_id();
        self.add_document(Document::fresh(id, flow));
    }

    /// The room of a canvas: what the last one had, or what one usually has.
    fn canvas_size(&self) -> Vec2 {
        let known = self.views.values().map(|it| it.rect.size()).find(|it| it.x > 200.0 && it.y > 200.0);
        known.unwrap_or(vec2(672.0, 490.0)) - Vec2::splat(48.0)
    }

    fn close(&mut self, doc: DocId) {
        let Some(it) = self.docs.get(doc) else { return };
        if it.is_dirty() {
            self.dialog = Some(Dialog::Close { doc, title: it.title().to_owned() });
        } else {
            self.close_now(doc);
        }
    }

    pub(super) fn close_now(&mut self, doc: DocId) {
        let Some(at) = self.docs.list.iter().position(|it| it.id == doc) else { return };
        self.cancel_test_of(doc);
        let mut closed = self.docs.list.remove(at);
        closed.forget_draft();
        closed.keep_draft(&mut self.drafts);
        self.views.remove(&doc);
        self.files.unwatch(doc);
        if self.docs.active == Some(doc) {
            let next = self.docs.list.get(at).or_else(|| self.docs.list.last()).map(|it| it.id);
            self.docs.active = next;
            if next.is_none() && self.room == Room::Flows {
                self.room = Room::Templates;
            }
        }
    }

    fn quit(&mut self) {
        let titles = self.unsaved();
        if titles.is_empty() {
            self.leave();
        } else {
            self.dialog = Some(Dialog::Quit { titles });
        }
    }

    /// Leaves, once it is known what becomes of the flows that are on.
    pub(super) fn leave(&mut self) {
        match self.prefs.on_close {
            _ if !self.home_flows.runs_here() => self.leave_now(),
            OnClose::Ask => self.dialog = Some(Dialog::Leave { on: self.home_flows.on(), keep: false }),
            OnClose::Stay => self.leave_running(),
            OnClose::Stop => self.leave_now(),
        }
    }

    fn leave_running(&mut self) {
        self.home_flows.ask(HomeJob::Stay);
        self.leave_now();
    }

    fn leave_now(&mut self) {
        self.may_leave = true;
        self.leaving = true;
    }

    fn answer(&mut self, ctx: &Context, answer: Answer) {
        match (self.dialog.take(), answer) {
            (Some(Dialog::RunLive { doc, .. }), Answer::Discard) => {
                self.activate(doc);
                self.run_live(ctx, true);
            }
            (Some(Dialog::RunAgain { run, how, .. }), Answer::Discard) => {
                self.deal(Mode::Live, Deal::Resend { runs: vec![run], how });
            }
            (Some(Dialog::Leave { on, keep }), Answer::Keep) => self.dialog = Some(Dialog::Leave { on, keep: !keep }),
            (Some(Dialog::Leave { keep, .. }), Answer::Stay) => {
                if keep {
                    self.prefs.on_close = OnClose::Stay;
                }
                self.leave_running();
            }
            (Some(Dialog::Leave { keep, .. }), Answer::Discard) => {
                if keep {
                    self.prefs.on_close = OnClose::Stop;
                }
                self.leave_now();
            }
            (Some(Dialog::Remove { id, .. }), Answer::Discard) => self.imports.remove(id),
            (Some(Dialog::RemoveAccount { id, .. }), Answer::Discard) => self.account(ctx, AccountJob::Remove(id)),
            (None | Some(Dialog::Path { .. } | Dialog::Remove { .. } | Dialog::RemoveAccount { .. }), _)
            | (_, Answer::Cancel | Answer::Stay | Answer::Keep)
            | (Some(Dialog::Leave { .. } | Dialog::RunLive { .. } | Dialog::RunAgain { .. }), Answer::Save) => {}
            (Some(Dialog::Close { doc, .. }), Answer::Discard) => self.close_now(doc),
            (Some(Dialog::Close { doc, .. }), Answer::Save) => {
                self.activate(doc);
                self.save(false, true);
            }
            (Some(Dialog::Quit { .. }), Answer::Discard) => {
                self.docs.list.iter_mut().filter(|it| it.is_dirty()).for_each(Document::forget_draft);
                self.leave();
            }
            (Some(Dialog::Quit { .. }), Answer::Save) => {
                let dirty: Vec<DocId> = self.docs.list.iter().filter(|it| it.is_dirty()).map(|it| it.id).collect();
                for doc in dirty {
                    self.activate(doc);
                    self.save(false, true);
                }
                self.say(ctx, Toast::new(Tone::Note, "Saving, then the flows are closed").detail("Quit again once they are."));
            }
        }
    }

    fn set_keys(&mut self, command: UiCommand, keys: Option<String>) {
        let usual = keymap::parse(command.spec().shortcut);
        let wanted = keys.as_deref().and_then(keymap::parse);
        if let Some(wanted) = wanted
            && let Some(owner) = self.keys.owner(wanted).filter(|it| *it != command)
        {
            self.prefs.keys.insert(owner, None);
        }
        if wanted == usual {
            self.prefs.keys.remove(&command);
        } else {
            self.prefs.keys.insert(command, keys);
        }
        self.keys = Keymap::new(&self.prefs.keys);
    }
}

/// An id that no other flow has.
fn fresh_flow_id(stem: &str) -> FlowId {
    FlowId::new(format!("{stem}-{:08x}", fastrand::u32(..)))
}
