//! The window. For now it says what Flowyard is and where to begin; canvas, inspector and log come to live here.
//!
//! Invariant: a frame never waits: everything slow happens behind the engine's handle.
mod welcome;

use crate::record::{Failure, FailureKind};

/// Opens the window and returns when it is closed.
///
/// # Errors
/// A [`Failure`] where there is no display, or it cannot be drawn on.
pub fn open() -> Result<(), Failure> {
    let viewport = eframe::egui::ViewportBuilder::default()
        .with_title("Flowyard")
        .with_app_id("flowyard")
        .with_inner_size([960.0, 600.0])
        .with_min_inner_size([480.0, 320.0]);
    let options = eframe::NativeOptions { viewport, renderer: eframe::Renderer::Glow, ..Default::default() };
    eframe::run_native("Flowyard", options, Box::new(|_| Ok(Box::new(welcome::Welcome)))).map_err(|error| {
        Failure::new(FailureKind::Machine, "The window cannot be opened")
            .detail(error.to_string())
            .hint("Without a display, use a command: `flowyard --help` lists them.")
    })
}
