//! What a person does to the sandbox's records.
use std::sync::Arc;

use eframe::egui::Context;

use crate::sandbox::{Deed, Table, Undo};
use crate::ui::app::App;
use crate::ui::msg::Msg;
use crate::ui::sandbox::{Planted, Planting, Steer, Wanted, size_title};
use crate::ui::toast::{Toast, Tone};

impl App {
    pub(super) fn open_record(&mut self, table: usize, id: Option<&str>) {
        if let Some(stage) = self.live.stage() {
            self.tables.open(&stage.sandbox, &self.catalog, table, id);
        }
    }

    pub(super) fn by_hand(&mut self, ctx: &Context, table: usize, deed: Deed) {
        let (Some(stage), Some(spec)) = (self.live.stage(), Table::ALL.get(table)) else { return };
        let words = match &deed {
            Deed::Add(_) => "Added",
            Deed::Change { .. } => "Changed",
            Deed::Remove { .. } => "Removed",
        };
        match stage.sandbox.by_hand(spec, deed) {
            Ok(done) => {
                self.tables.form = None;
                let (started, held) = self.happened(&done.events);
                let mut toast = Toast::new(Tone::Done, format!("{words} in {}", spec.title.to_lowercase()));
                let told = |what: &str, flows: &[String]| format!("{what} “{}”.", flows.join("”, “"));
                let lines: Vec<String> = [("Started", started), ("Problems keep back", held)]
                    .into_iter()
                    .filter(|(_, flows)| !flows.is_empty())
                    .map(|(what, flows)| told(what, &flows))
                    .collect();
                if !lines.is_empty() {
                    toast = toast.detail(lines.join(" "));
                }
                self.say(ctx, toast.action("Undo", Msg::TakeBack(done.undo)));
            }
            Err(refused) => {
                if let Some(form) = &mut self.tables.form {
                    form.refused = Some(refused);
                }
            }
        }
    }

    pub(super) fn take_back(&mut self, undo: Undo) {
        if let Some(stage) = self.live.stage() {
            stage.sandbox.take_back(undo);
            self.tables.form = None;
        }
    }

    pub(super) fn steer(&mut self, ctx: &Context, steer: Steer) {
        let Some(stage) = self.live.stage() else { return };
        let done = steer.done();
        steer.perform(&stage.sandbox);
        if let Some(words) = done {
            self.say(ctx, Toast::new(Tone::Done, words));
        }
    }

    /// Fills the sandbox anew, behind the frame; one thing at a time.
    pub(in crate::ui) fn plant(&mut self, wanted: Wanted) {
        let Some(stage) = self.live.stage().filter(|_| self.tables.planting.is_none()) else { return };
        let waker = Arc::clone(&self.tables.waker.0);
        self.tables.planting = Some(Planting::begin(stage.sandbox.clone(), wanted, waker));
    }

    pub(super) fn stop_planting(&self) {
        if let Some(planting) = &self.tables.planting {
            planting.stop();
        }
    }

    /// What came of filling the sandbox.
    pub(in crate::ui) fn hear_planting(&mut self, ctx: &Context) {
        let Some(planting) = &mut self.tables.planting else { return };
        let Some(planted) = planting.hear() else { return };
        let was = planting.was;
        self.tables.planting = None;
        match planted {
            Planted::Done { seed, before } => {
                self.tables.became_another();
                let Some(stage) = self.live.stage() else { return };
                self.prefs.sandbox = stage.sandbox.seed();
                self.live.lit_from = stage.sandbox.last_seq();
                let Some(seed) = seed else { return };
                let words = if seed == was {
                    "The sandbox is as it was at the start".to_owned()
                } else {
                    format!("The sandbox is filled: {}", size_title(seed).to_lowercase())
                };
                let toast = Toast::new(Tone::Done, words);
                self.say(ctx, toast.action("Undo", Msg::RestoreSandbox(before)));
            }
            Planted::Stopped => self.say(ctx, Toast::new(Tone::Note, "The sandbox keeps what it had")),
            Planted::Failed(words) => {
                self.say(
                    ctx,
                    Toast::new(Tone::Failed, "The sandbox cannot be filled").detail(crate::ui::words::sentence(&words)),
                );
            }
        }
    }
}
