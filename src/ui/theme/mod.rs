//! How the window looks: tokens, fonts, icons, and egui's own style made from them.
//!
//! Invariant: no colour, size or font is written anywhere else in the window.
mod fallback;
pub(crate) mod font;
pub(crate) mod icon;
pub(crate) mod tokens;

use std::sync::Arc;

use eframe::egui::style::{Selection, WidgetVisuals, Widgets};
use eframe::egui::{
    Color32, Context, CornerRadius, Margin, Shadow, Stroke, Style, TextStyle, Theme, ThemePreference, Ui, Vec2, Visuals, vec2,
};
use serde::{Deserialize, Serialize};

pub(crate) use self::fallback::SystemFonts;
pub(crate) use self::tokens::{Colors, Ink};
use self::tokens::{line, motion, radius, size};

/// Which theme a person wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ThemeChoice {
    /// What the system says.
    #[default]
    System,
    Dark,
    Light,
}

impl ThemeChoice {
    pub(crate) const ALL: [Self; 3] = [Self::System, Self::Dark, Self::Light];

    /// What a person reads.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::System => "Like the system",
            Self::Dark => "Dark",
            Self::Light => "Light",
        }
    }

    fn preference(self) -> ThemePreference {
        match self {
            Self::System => ThemePreference::System,
            Self::Dark => ThemePreference::Dark,
            Self::Light => ThemePreference::Light,
        }
    }
}

/// Makes fonts and both themes known; once a context.
pub(crate) fn install(ctx: &Context) {
    ctx.set_fonts(font::definitions());
    ctx.set_style_of(Theme::Dark, style(&tokens::DARK, true));
    ctx.set_style_of(Theme::Light, style(&tokens::LIGHT, false));
    ctx.options_mut(|it| {
        it.fallback_theme = Theme::Dark;
        // The window has its own commands for this, which are remembered.
        it.zoom_with_keyboard = false;
    });
}

/// Shows the theme that is wanted, with or without motion.
pub(crate) fn choose(ctx: &Context, choice: ThemeChoice, reduced_motion: bool) {
    ctx.set_theme(choice.preference());
    let time = if reduced_motion { 0.0 } else { motion::HOVER as f32 / 1000.0 };
    ctx.all_styles_mut(|style| {
        style.animation_time = time;
        if reduced_motion {
            style.scroll_animation = eframe::egui::style::ScrollAnimation::none();
        }
    });
}

/// The colours that are shown.
pub(crate) fn colors(ui: &Ui) -> &'static Colors {
    of(ui.visuals().dark_mode)
}

/// The colours of a theme.
pub(crate) fn of(dark: bool) -> &'static Colors {
    if dark { &tokens::DARK } else { &tokens::LIGHT }
}

/// Under a menu, a palette, a dialog.
pub(crate) fn menu_shadow(dark: bool) -> Shadow {
    Shadow { offset: [0, 8], blur: 24, spread: 0, color: Color32::from_black_alpha(if dark { 140 } else { 41 }) }
}

fn style(colors: &Colors, dark: bool) -> Arc<Style> {
    let mut style = Style { visuals: visuals(colors, dark), ..Style::default() };
    style.text_styles = [
        (TextStyle::Small, font::regular(size::SMALL)),
        (TextStyle::Body, font::regular(size::BODY)),
        (TextStyle::Button, font::medium(size::BODY)),
        (TextStyle::Heading, font::semibold(size::TITLE)),
        (TextStyle::Monospace, font::mono(size::MONO)),
    ]
    .into();
    let spacing = &mut style.spacing;
    spacing.item_spacing = Vec2::splat(tokens::space::S);
    spacing.button_padding = vec2(tokens::space::S + 2.0, 5.0);
    spacing.interact_size = vec2(tokens::extent::CONTROL, tokens::extent::CONTROL);
    spacing.menu_margin = Margin::same(4);
    spacing.window_margin = Margin::same(12);
    spacing.scroll = eframe::egui::style::ScrollStyle { floating: true, bar_width: 8.0, ..Default::default() };
    spacing.tooltip_width = 320.0;
    style.interaction.selectable_labels = false;
    style.interaction.tooltip_delay = 0.45;
    style.url_in_tooltip = true;
    style.into()
}

fn visuals(colors: &Colors, dark: bool) -> Visuals {
    let hairline = |color| Stroke::new(line::HAIRLINE, color);
    let corner = CornerRadius::same(radius::BASE);
    let widget = |fill: Color32, border: Color32, text: Color32| WidgetVisuals {
        bg_fill: fill,
        weak_bg_fill: fill,
        bg_stroke: hairline(border),
        corner_radius: corner,
        fg_stroke: hairline(text),
        expansion: 0.0,
    };
    let base = if dark { Visuals::dark() } else { Visuals::light() };
    Visuals {
        dark_mode: dark,
        override_text_color: None,
        weak_text_color: Some(colors.text.dim),
        widgets: Widgets {
            noninteractive: widget(colors.bg.panel, colors.stroke.subtle, colors.text.body),
            inactive: widget(colors.bg.raised, colors.stroke.usual, colors.text.body),
            hovered: widget(colors.bg.hover, colors.stroke.strong, colors.text.strong),
            active: widget(colors.bg.active, colors.stroke.strong, colors.text.strong),
            open: widget(colors.bg.active, colors.stroke.strong, colors.text.strong),
        },
        selection: Selection { bg_fill: colors.bg.selected, stroke: hairline(colors.accent.text) },
        hyperlink_color: colors.accent.text,
        faint_bg_color: colors.bg.hover,
        extreme_bg_color: colors.bg.inset,
        text_edit_bg_color: Some(colors.bg.inset),
        code_bg_color: colors.bg.inset,
        warn_fg_color: colors.waiting.text,
        error_fg_color: colors.failed.text,
        window_corner_radius: CornerRadius::same(radius::CARD),
        window_shadow: menu_shadow(dark),
        window_fill: colors.bg.raised,
        window_stroke: hairline(colors.stroke.usual),
        menu_corner_radius: corner,
        panel_fill: colors.bg.panel,
        popup_shadow: menu_shadow(dark),
        ..base
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// WCAG 2.2, "relative luminance" and "contrast ratio".
    fn contrast(a: Color32, b: Color32) -> f64 {
        let luminance = |it: Color32| {
            let part = |value: u8| {
                let value = f64::from(value) / 255.0;
                if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
            };
            0.2126 * part(it.r()) + 0.7152 * part(it.g()) + 0.0722 * part(it.b())
        };
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    fn inks(it: &Colors) -> [(&'static str, Ink); 8] {
        [
            ("ok", it.ok),
            ("waiting", it.waiting),
            ("failed", it.failed),
            ("skipped", it.skipped),
            ("highlevel", it.highlevel),
            ("scheduleit", it.scheduleit),
            ("core", it.core),
            ("logic", it.logic),
        ]
    }

    #[test]
    fn contrast_is_computed_as_wcag_says() {
        assert!((contrast(Color32::WHITE, Color32::BLACK) - 21.0).abs() < 1e-9);
        assert!((contrast(Color32::from_rgb(0x77, 0x77, 0x77), Color32::WHITE) - 4.478).abs() < 0.001);
    }

    #[test]
    fn words_stand_out_from_every_ground_and_shapes_from_theirs() {
        let mut poor = Vec::new();
        for (theme, it) in [("dark", &tokens::DARK), ("light", &tokens::LIGHT)] {
            let bg = it.bg;
            let grounds = [
                ("canvas", bg.canvas),
                ("app", bg.app),
                ("panel", bg.panel),
                ("raised", bg.raised),
                ("inset", bg.inset),
                ("hover", bg.hover),
                ("active", bg.active),
                ("selected", bg.selected),
            ];
            let mut demand = |what: String, fore: Color32, ground: Color32, least: f64| {
                let found = contrast(fore, ground);
                if found < least {
                    poor.push(format!("{theme}: {what} has {found:.2}, needs {least}"));
                }
            };
            for (name, ground) in grounds {
                for (word, color) in [("strong", it.text.strong), ("body", it.text.body), ("dim", it.text.dim)] {
                    demand(format!("text.{word} on {name}"), color, ground, 4.5);
                }
                if name != "active" {
                    demand(format!("accent.text on {name}"), it.accent.text, ground, 4.5);
                    demand(format!("sandbox.text on {name}"), it.sandbox.text, ground, 4.5);
                    for (ink, color) in inks(it) {
                        demand(format!("{ink}.text on {name}"), color.text, ground, 4.5);
                    }
                }
                if ["canvas", "app", "panel", "raised"].contains(&name) {
                    demand(format!("accent.ring on {name}"), it.accent.ring, ground, 3.0);
                    demand(format!("sandbox.frame on {name}"), it.sandbox.frame, ground, 3.0);
                    for (ink, color) in inks(it) {
                        demand(format!("{ink}.mark on {name}"), color.mark, ground, 3.0);
                    }
                }
            }
            for (ink, color) in inks(it) {
                demand(format!("{ink}.text on its tint"), color.text, color.tint, 4.5);
                demand(format!("text.strong on {ink}.tint"), it.text.strong, color.tint, 4.5);
                demand(format!("text.dim on {ink}.tint"), it.text.dim, color.tint, 4.5);
            }
            for fill in [it.accent.fill, it.accent.fill_hover, it.accent.fill_pressed] {
                demand("text.on_accent".to_owned(), it.text.on_accent, fill, 4.5);
            }
            demand("text.on_sandbox".to_owned(), it.text.on_sandbox, it.sandbox.frame, 4.5);
            for (name, color) in [
                ("key", it.syntax.key),
                ("string", it.syntax.string),
                ("number", it.syntax.number),
                ("literal", it.syntax.literal),
                ("punct", it.syntax.punct),
            ] {
                demand(format!("syntax.{name} on inset"), color, bg.inset, 4.5);
                demand(format!("syntax.{name} on panel"), color, bg.panel, 4.5);
            }
            demand("syntax.hit_text".to_owned(), it.syntax.hit_text, it.syntax.hit, 4.5);
        }
        assert!(poor.is_empty(), "\n{}", poor.join("\n"));
    }

    #[test]
    fn every_icon_and_the_marks_of_words_have_a_glyph() {
        let ctx = Context::default();
        install(&ctx);
        ctx.set_theme(ThemePreference::Dark);
        let mut missing = Vec::new();
        let mut output = ctx.run_ui(eframe::egui::RawInput::default(), |ui| {
            ui.fonts_mut(|fonts| {
                for icon in icon::ALL {
                    if !fonts.has_glyph(&font::icons(16.0), *icon) {
                        missing.push(*icon);
                    }
                }
                for icon in icon::FILLED {
                    if !fonts.has_glyph(&font::icons_fill(16.0), *icon) {
                        missing.push(*icon);
                    }
                }
                for mark in "–—…“”‘’·×→←▶€£⌘ñüŁжΩ".chars() {
                    if !fonts.has_glyph(&font::regular(13.0), mark) {
                        missing.push(mark);
                    }
                }
            });
        });
        output.textures_delta.clear();
        assert_eq!(missing, Vec::<char>::new(), "no glyph");
    }
}
