//! The fonts of the window: Inter for words, a mono for data, Phosphor for icons.
use std::sync::Arc;

use eframe::egui::{FontData, FontDefinitions, FontFamily, FontId, RichText};

use super::{icon, tokens};

const FILES: &[(&str, &[u8])] = &[
    ("inter", include_bytes!("../../../assets/fonts/Inter-Regular.ttf")),
    ("inter-medium", include_bytes!("../../../assets/fonts/Inter-Medium.ttf")),
    ("inter-semibold", include_bytes!("../../../assets/fonts/Inter-SemiBold.ttf")),
    ("mono", include_bytes!("../../../assets/fonts/JetBrainsMono-Regular.ttf")),
    ("mono-medium", include_bytes!("../../../assets/fonts/JetBrainsMono-Medium.ttf")),
    ("icons", include_bytes!("../../../assets/icons/Phosphor.ttf")),
    ("icons-fill", include_bytes!("../../../assets/icons/Phosphor-Fill.ttf")),
    ("icons-bold", include_bytes!("../../../assets/icons/Phosphor-Bold.ttf")),
];

/// All families, each ending in what the others have too, so that no glyph is missing in one weight only.
pub(super) fn definitions() -> FontDefinitions {
    let mut fonts = FontDefinitions::empty();
    for (name, bytes) in FILES {
        fonts.font_data.insert((*name).to_owned(), Arc::new(FontData::from_static(bytes)));
    }
    let mut family = |family: FontFamily, names: &[&str]| {
        fonts.families.insert(family, names.iter().map(|it| (*it).to_owned()).collect());
    };
    family(FontFamily::Proportional, &["inter", "icons", "mono"]);
    family(FontFamily::Monospace, &["mono", "inter", "icons"]);
    family(named("medium"), &["inter-medium", "icons", "mono"]);
    family(named("semibold"), &["inter-semibold", "icons", "mono"]);
    family(named("mono-medium"), &["mono-medium", "inter", "icons"]);
    family(named("icons"), &["icons"]);
    family(named("icons-fill"), &["icons-fill", "icons"]);
    family(named("icons-bold"), &["icons-bold", "icons"]);
    fonts
}

fn named(name: &'static str) -> FontFamily {
    FontFamily::Name(name.into())
}

/// Regular words.
pub(crate) fn regular(size: f32) -> FontId {
    FontId::new(size, FontFamily::Proportional)
}

/// Buttons, names in lists, pills.
pub(crate) fn medium(size: f32) -> FontId {
    FontId::new(size, named("medium"))
}

/// Titles.
pub(crate) fn semibold(size: f32) -> FontId {
    FontId::new(size, named("semibold"))
}

/// Data.
pub(crate) fn mono(size: f32) -> FontId {
    FontId::new(size, FontFamily::Monospace)
}

/// An icon of the regular weight.
pub(crate) fn icons(size: f32) -> FontId {
    FontId::new(size, named("icons"))
}

/// An icon of the filled weight, where the set has one here.
pub(crate) fn icons_fill(size: f32) -> FontId {
    FontId::new(size, named("icons-fill"))
}

/// A bold mark.
pub(crate) fn icons_bold(size: f32) -> FontId {
    FontId::new(size, named("icons-bold"))
}

/// Text in a title's weight at the size of what one reads.
pub(crate) fn heading(text: impl Into<String>) -> RichText {
    RichText::new(text).font(semibold(tokens::size::BODY))
}

/// Text in the title's size: one a view.
pub(crate) fn title(text: impl Into<String>) -> RichText {
    RichText::new(text).font(semibold(tokens::size::TITLE))
}

/// Whether the filled weight has the icon.
pub(crate) fn has_fill(icon: char) -> bool {
    icon::FILLED.contains(&icon)
}
