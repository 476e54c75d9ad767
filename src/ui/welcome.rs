//! The first thing a person sees.
use eframe::egui;

/// What the window shows before a flow is open.
pub(super) struct Welcome;

/// A command and what it does.
const COMMANDS: &[(&str, &str)] = &[
    ("flowyard run FLOW --sandbox", "runs a flow against an imitation of both services; no account is needed"),
    ("flowyard check FLOW", "says what is wrong with a flow, and where"),
    ("flowyard serve FLOW", "lets a flow run in the background and answer webhooks"),
    ("flowyard log list", "shows what ran"),
];

impl eframe::App for Welcome {
    fn ui(&mut self, ui: &mut egui::Ui, _frame: &mut eframe::Frame) {
        egui::CentralPanel::default().show(ui, |ui| {
            ui.add_space(24.0);
            ui.heading("Flowyard");
            ui.label(
                "Wires triggers to actions, keeps contacts and appointments in sync, and leaves flows running on this machine.",
            );
            ui.add_space(16.0);
            ui.label("The canvas is being built. Flows run already, from a terminal:");
            ui.add_space(8.0);
            egui::Grid::new("commands").spacing([16.0, 8.0]).show(ui, |ui| {
                for (command, what) in COMMANDS {
                    ui.monospace(*command);
                    ui.label(*what);
                    ui.end_row();
                }
            });
        });
    }
}
