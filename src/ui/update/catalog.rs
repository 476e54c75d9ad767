//! Services that are imported and removed again.
use eframe::egui::Context;

use crate::catalog::{Catalog, ConnectorId};
use crate::flow::Flow;
use crate::ui::app::App;
use crate::ui::dialog::Dialog;
use crate::ui::document::Document;
use crate::ui::files::Ask;
use crate::ui::imports::Done;
use crate::ui::toast::{Toast, Tone};

impl App {
    pub(super) fn ask_documents(&mut self) {
        if self.files.can_ask() {
            self.files.ask_documents();
        } else {
            let suggested = super::file::home().unwrap_or_default().join("").display().to_string();
            self.dialog = Some(Dialog::Path { ask: Ask::Documents, suggested, wrong: None });
        }
    }

    /// Finds who uses a service before a person is asked whether it is to go.
    pub(super) fn ask_remove(&mut self, id: &ConnectorId) {
        let uses = |it: &Flow| it.slots.values().any(|it| it == id);
        let open: Vec<String> =
            self.docs.list.iter().filter(|it| uses(it.flow())).map(|it| format!("the flow “{}”", it.flow().name)).collect();
        let mut files = self.prefs.recent.clone();
        files.retain(|it| !self.docs.list.iter().any(|doc| doc.path() == Some(it.as_path())));
        self.imports.find_users(id.clone(), open, files);
    }

    /// What came of an import or a removal.
    pub(crate) fn hear_imports(&mut self, ctx: &Context) {
        while let Some(done) = self.imports.next() {
            match done {
                Done::Kept(connector) => {
                    let title = connector.title.clone();
                    let count = crate::ui::canvas::sentence::count(connector.operations.len(), "operation");
                    let catalog = self.catalog.without(&connector.id).with(vec![*connector]);
                    self.take_catalog(catalog);
                    let toast = Toast::new(Tone::Done, format!("{title} is in the catalog: {count}"));
                    self.say(
                        ctx,
                        toast.detail("Flows with it run live, by a connection of their own; the sandbox does not imitate it."),
                    );
                }
                Done::Users(id, used_by) => {
                    let title = self.catalog.connector(&id).map_or_else(|| id.to_string(), |it| it.title.clone());
                    self.dialog = Some(Dialog::Remove { id, title, used_by });
                }
                Done::Removed(id, Ok(())) => {
                    let title = self.catalog.connector(&id).map_or_else(|| id.to_string(), |it| it.title.clone());
                    let catalog = self.catalog.without(&id);
                    self.take_catalog(catalog);
                    self.say(ctx, Toast::new(Tone::Done, format!("{title} is removed from the catalog")));
                }
                Done::Removed(_, Err(words)) => {
                    let words = crate::ui::files::sentence(&words);
                    self.say(ctx, Toast::new(Tone::Failed, "The service cannot be removed").detail(words));
                }
            }
        }
    }

    /// From now on this can be called; whatever was made with the other is made anew.
    fn take_catalog(&mut self, catalog: Catalog) {
        self.catalog = catalog;
        self.docs.list.iter_mut().for_each(Document::forget_checks);
        self.views.values_mut().for_each(crate::ui::canvas::View::forget_board);
    }
}
