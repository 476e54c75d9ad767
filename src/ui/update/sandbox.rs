//! What a person does to the sandbox's records.
use eframe::egui::Context;

use crate::sandbox::{Deed, Snapshot, Table};
use crate::ui::app::App;
use crate::ui::msg::Msg;
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
        let before = stage.sandbox.snapshot();
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
                self.say(ctx, toast.action("Undo", Msg::RestoreSandbox(before)));
            }
            Err(refused) => {
                if let Some(form) = &mut self.tables.form {
                    form.refused = Some(refused);
                }
            }
        }
    }

    pub(super) fn reset_sandbox(&mut self, ctx: &Context) {
        let Some(stage) = self.live.stage() else { return };
        let before = stage.sandbox.snapshot();
        stage.sandbox.reset();
        self.tables.changes += 1;
        self.tables.form = None;
        self.live.lit_from = 0;
        let toast = Toast::new(Tone::Done, "The sandbox is as it was at the start");
        self.say(ctx, toast.action("Undo", Msg::RestoreSandbox(before)));
    }

    pub(super) fn restore_sandbox(&mut self, snapshot: &Snapshot) {
        if let Some(stage) = self.live.stage() {
            stage.sandbox.restore(snapshot);
            self.tables.changes += 1;
            self.live.lit_from = stage.sandbox.last_seq();
        }
    }
}
