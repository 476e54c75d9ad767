//! The system's own fonts, for letters that those of the window lack.
use std::sync::OnceLock;

use eframe::egui::epaint::text::{FallbackRequest, FontInsert, FontProvider};
use egui_system_font_provider::SystemFontProvider;

/// Listing what is installed takes tens of milliseconds of a processor, on a thread; the first frame need not share with it.
static INSTALLED: OnceLock<SystemFontProvider> = OnceLock::new();

/// Finds an installed font for a letter. What is installed is listed when it is first asked for, or ahead of that.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct SystemFonts;

impl SystemFonts {
    /// Begins to list what is installed, behind.
    pub(crate) fn read_ahead() {
        INSTALLED.get_or_init(SystemFontProvider::new);
    }
}

impl FontProvider for SystemFonts {
    fn font_for(&self, request: &FallbackRequest<'_>) -> Option<FontInsert> {
        INSTALLED.get_or_init(SystemFontProvider::new).font_for(request)
    }
}
