//! Design tokens: every colour, length and time of the window, in this one file. Lengths are egui points, times milliseconds.
//!
//! Invariant: words have a contrast of at least 4.5 to 1 on every ground they are used on, shapes 3 to 1 (a test computes it).
#![expect(dead_code, reason = "the set is whole, whether or not each token is in use")]

use eframe::egui::Color32;

/// A colour with a meaning: words on a ground, shapes and wires, and a tint that words stand on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ink {
    pub(crate) text: Color32,
    pub(crate) mark: Color32,
    pub(crate) tint: Color32,
}

/// Grounds: canvas < app (rail, bars) < panel (inspector, log) < raised (cards, buttons); inset is for fields and code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Grounds {
    pub(crate) canvas: Color32,
    pub(crate) grid: Color32,
    pub(crate) app: Color32,
    pub(crate) panel: Color32,
    pub(crate) raised: Color32,
    pub(crate) inset: Color32,
    pub(crate) hover: Color32,
    pub(crate) active: Color32,
    pub(crate) selected: Color32,
}

/// Words. `faint` is for labels of controls that are off, never a word to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Texts {
    pub(crate) strong: Color32,
    pub(crate) body: Color32,
    pub(crate) dim: Color32,
    pub(crate) faint: Color32,
    pub(crate) on_accent: Color32,
    pub(crate) on_sandbox: Color32,
}

/// Lines: between rows, around cards and fields, hovered fields and ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Strokes {
    pub(crate) subtle: Color32,
    pub(crate) usual: Color32,
    pub(crate) strong: Color32,
}

/// Selection, focus, the one primary button, running.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Accents {
    pub(crate) fill: Color32,
    pub(crate) fill_hover: Color32,
    pub(crate) fill_pressed: Color32,
    pub(crate) text: Color32,
    pub(crate) ring: Color32,
    pub(crate) tint: Color32,
}

/// The frame of the window, its label and the switch; nowhere else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SandboxColors {
    pub(crate) frame: Color32,
    pub(crate) text: Color32,
    pub(crate) tint: Color32,
}

/// Pretty-printed JSON, and search hits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Syntax {
    pub(crate) key: Color32,
    pub(crate) string: Color32,
    pub(crate) number: Color32,
    pub(crate) literal: Color32,
    pub(crate) punct: Color32,
    pub(crate) hit: Color32,
    pub(crate) hit_text: Color32,
}

/// All colours of a theme.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Colors {
    pub(crate) bg: Grounds,
    pub(crate) text: Texts,
    pub(crate) stroke: Strokes,
    pub(crate) accent: Accents,
    pub(crate) sandbox: SandboxColors,
    pub(crate) syntax: Syntax,
    /// Done.
    pub(crate) ok: Ink,
    /// Waiting, stale, needs you.
    pub(crate) waiting: Ink,
    /// Failed, refused, destructive.
    pub(crate) failed: Ink,
    /// Skipped, muted, off.
    pub(crate) skipped: Ink,
    /// HighLevel.
    pub(crate) highlevel: Ink,
    /// Schedule it.
    pub(crate) scheduleit: Ink,
    /// Mail, wait, files, HTTP.
    pub(crate) core: Ink,
    /// Branch, loop, join, stop.
    pub(crate) logic: Ink,
}

/// The dark theme.
pub(crate) const DARK: Colors = Colors {
    bg: Grounds {
        canvas: Color32::from_rgb(0x0F, 0x10, 0x13),
        grid: Color32::from_rgb(0x1E, 0x20, 0x25),
        app: Color32::from_rgb(0x14, 0x15, 0x19),
        panel: Color32::from_rgb(0x17, 0x18, 0x1C),
        raised: Color32::from_rgb(0x1D, 0x1F, 0x24),
        inset: Color32::from_rgb(0x10, 0x11, 0x15),
        hover: Color32::from_rgb(0x24, 0x26, 0x2C),
        active: Color32::from_rgb(0x2C, 0x2F, 0x36),
        selected: Color32::from_rgb(0x25, 0x27, 0x4A),
    },
    text: Texts {
        strong: Color32::from_rgb(0xF4, 0xF5, 0xF7),
        body: Color32::from_rgb(0xD2, 0xD5, 0xDB),
        dim: Color32::from_rgb(0x9B, 0xA1, 0xAC),
        faint: Color32::from_rgb(0x66, 0x6C, 0x77),
        on_accent: Color32::from_rgb(0xFF, 0xFF, 0xFF),
        on_sandbox: Color32::from_rgb(0x04, 0x21, 0x1F),
    },
    stroke: Strokes {
        subtle: Color32::from_rgb(0x23, 0x25, 0x2A),
        usual: Color32::from_rgb(0x2F, 0x32, 0x39),
        strong: Color32::from_rgb(0x45, 0x49, 0x52),
    },
    accent: Accents {
        fill: Color32::from_rgb(0x5A, 0x5A, 0xD8),
        fill_hover: Color32::from_rgb(0x64, 0x64, 0xE2),
        fill_pressed: Color32::from_rgb(0x4C, 0x4C, 0xC2),
        text: Color32::from_rgb(0xA9, 0xAD, 0xFF),
        ring: Color32::from_rgb(0x7F, 0x83, 0xFA),
        tint: Color32::from_rgb(0x23, 0x24, 0x4A),
    },
    sandbox: SandboxColors {
        frame: Color32::from_rgb(0x23, 0xB0, 0xA8),
        text: Color32::from_rgb(0x55, 0xD0, 0xC7),
        tint: Color32::from_rgb(0x10, 0x29, 0x2A),
    },
    syntax: Syntax {
        key: Color32::from_rgb(0xB4, 0xBA, 0xC5),
        string: Color32::from_rgb(0x8C, 0xCB, 0x9B),
        number: Color32::from_rgb(0xE5, 0xB2, 0x6B),
        literal: Color32::from_rgb(0xA9, 0xAD, 0xFF),
        punct: Color32::from_rgb(0x7F, 0x85, 0x90),
        hit: Color32::from_rgb(0x6B, 0x4E, 0x0C),
        hit_text: Color32::from_rgb(0xFF, 0xE3, 0xA3),
    },
    ok: Ink {
        text: Color32::from_rgb(0x62, 0xC9, 0x85),
        mark: Color32::from_rgb(0x45, 0xB5, 0x6C),
        tint: Color32::from_rgb(0x14, 0x28, 0x1C),
    },
    waiting: Ink {
        text: Color32::from_rgb(0xED, 0xB0, 0x4A),
        mark: Color32::from_rgb(0xDE, 0x9A, 0x27),
        tint: Color32::from_rgb(0x2D, 0x24, 0x12),
    },
    failed: Ink {
        text: Color32::from_rgb(0xFF, 0x90, 0x8A),
        mark: Color32::from_rgb(0xE8, 0x55, 0x5A),
        tint: Color32::from_rgb(0x33, 0x1A, 0x1D),
    },
    skipped: Ink {
        text: Color32::from_rgb(0x9B, 0xA1, 0xAC),
        mark: Color32::from_rgb(0x76, 0x7C, 0x87),
        tint: Color32::from_rgb(0x22, 0x24, 0x2A),
    },
    highlevel: Ink {
        text: Color32::from_rgb(0x74, 0xB9, 0xFF),
        mark: Color32::from_rgb(0x4A, 0x9D, 0xEE),
        tint: Color32::from_rgb(0x14, 0x27, 0x39),
    },
    scheduleit: Ink {
        text: Color32::from_rgb(0xE9, 0x9A, 0xD9),
        mark: Color32::from_rgb(0xCC, 0x6D, 0xBB),
        tint: Color32::from_rgb(0x32, 0x20, 0x3A),
    },
    core: Ink {
        text: Color32::from_rgb(0xCD, 0xB3, 0x94),
        mark: Color32::from_rgb(0xA5, 0x8A, 0x6A),
        tint: Color32::from_rgb(0x2A, 0x24, 0x1D),
    },
    logic: Ink {
        text: Color32::from_rgb(0xB4, 0xBA, 0xC5),
        mark: Color32::from_rgb(0x86, 0x8D, 0x9A),
        tint: Color32::from_rgb(0x25, 0x28, 0x2E),
    },
};

/// The light theme.
pub(crate) const LIGHT: Colors = Colors {
    bg: Grounds {
        canvas: Color32::from_rgb(0xF1, 0xF2, 0xF5),
        grid: Color32::from_rgb(0xDF, 0xE1, 0xE6),
        app: Color32::from_rgb(0xF8, 0xF8, 0xFA),
        panel: Color32::from_rgb(0xFC, 0xFC, 0xFD),
        raised: Color32::from_rgb(0xFF, 0xFF, 0xFF),
        inset: Color32::from_rgb(0xFF, 0xFF, 0xFF),
        hover: Color32::from_rgb(0xED, 0xEE, 0xF2),
        active: Color32::from_rgb(0xE3, 0xE5, 0xEA),
        selected: Color32::from_rgb(0xE7, 0xE7, 0xFB),
    },
    text: Texts {
        strong: Color32::from_rgb(0x14, 0x16, 0x1B),
        body: Color32::from_rgb(0x2E, 0x32, 0x3A),
        dim: Color32::from_rgb(0x5A, 0x60, 0x6B),
        faint: Color32::from_rgb(0x90, 0x96, 0xA1),
        on_accent: Color32::from_rgb(0xFF, 0xFF, 0xFF),
        on_sandbox: Color32::from_rgb(0xFF, 0xFF, 0xFF),
    },
    stroke: Strokes {
        subtle: Color32::from_rgb(0xE7, 0xE8, 0xEC),
        usual: Color32::from_rgb(0xD7, 0xDA, 0xE0),
        strong: Color32::from_rgb(0xB4, 0xB9, 0xC3),
    },
    accent: Accents {
        fill: Color32::from_rgb(0x53, 0x53, 0xCF),
        fill_hover: Color32::from_rgb(0x46, 0x46, 0xBF),
        fill_pressed: Color32::from_rgb(0x3C, 0x3C, 0xAC),
        text: Color32::from_rgb(0x47, 0x47, 0xC2),
        ring: Color32::from_rgb(0x5F, 0x5F, 0xDD),
        tint: Color32::from_rgb(0xE9, 0xE9, 0xFC),
    },
    sandbox: SandboxColors {
        frame: Color32::from_rgb(0x0A, 0x7D, 0x77),
        text: Color32::from_rgb(0x08, 0x70, 0x6A),
        tint: Color32::from_rgb(0xDD, 0xF2, 0xF0),
    },
    syntax: Syntax {
        key: Color32::from_rgb(0x3F, 0x46, 0x52),
        string: Color32::from_rgb(0x1B, 0x75, 0x39),
        number: Color32::from_rgb(0x8A, 0x52, 0x00),
        literal: Color32::from_rgb(0x47, 0x47, 0xC2),
        punct: Color32::from_rgb(0x66, 0x6C, 0x77),
        hit: Color32::from_rgb(0xFF, 0xE0, 0x8A),
        hit_text: Color32::from_rgb(0x4A, 0x32, 0x00),
    },
    ok: Ink {
        text: Color32::from_rgb(0x1B, 0x75, 0x39),
        mark: Color32::from_rgb(0x2C, 0x9C, 0x55),
        tint: Color32::from_rgb(0xE2, 0xF4, 0xE8),
    },
    waiting: Ink {
        text: Color32::from_rgb(0x85, 0x53, 0x00),
        mark: Color32::from_rgb(0xBD, 0x7A, 0x00),
        tint: Color32::from_rgb(0xFC, 0xF0, 0xD6),
    },
    failed: Ink {
        text: Color32::from_rgb(0xBF, 0x2A, 0x30),
        mark: Color32::from_rgb(0xDB, 0x43, 0x48),
        tint: Color32::from_rgb(0xFD, 0xEA, 0xEA),
    },
    skipped: Ink {
        text: Color32::from_rgb(0x5A, 0x60, 0x6B),
        mark: Color32::from_rgb(0x83, 0x89, 0x95),
        tint: Color32::from_rgb(0xEE, 0xEF, 0xF2),
    },
    highlevel: Ink {
        text: Color32::from_rgb(0x0A, 0x66, 0xB5),
        mark: Color32::from_rgb(0x2A, 0x86, 0xD6),
        tint: Color32::from_rgb(0xE2, 0xEF, 0xFB),
    },
    scheduleit: Ink {
        text: Color32::from_rgb(0x9C, 0x31, 0x87),
        mark: Color32::from_rgb(0xBF, 0x55, 0xAA),
        tint: Color32::from_rgb(0xF9, 0xE8, 0xF6),
    },
    core: Ink {
        text: Color32::from_rgb(0x75, 0x57, 0x35),
        mark: Color32::from_rgb(0x9A, 0x7A, 0x55),
        tint: Color32::from_rgb(0xF3, 0xEC, 0xE2),
    },
    logic: Ink {
        text: Color32::from_rgb(0x56, 0x5E, 0x6B),
        mark: Color32::from_rgb(0x7B, 0x83, 0x91),
        tint: Color32::from_rgb(0xEB, 0xED, 0xF1),
    },
};

/// Text sizes.
pub(crate) mod size {
    pub(crate) const SMALL: f32 = 11.0;
    pub(crate) const BODY: f32 = 13.0;
    pub(crate) const TITLE: f32 = 17.0;
    pub(crate) const MONO: f32 = 12.0;
    pub(crate) const MONO_SMALL: f32 = 11.0;
    pub(crate) const SMALL_LINE: f32 = 16.0;
}

/// Distances, on a grid of four.
pub(crate) mod space {
    pub(crate) const XS: f32 = 4.0;
    pub(crate) const S: f32 = 8.0;
    pub(crate) const M: f32 = 12.0;
    pub(crate) const L: f32 = 16.0;
    pub(crate) const XL: f32 = 24.0;
    pub(crate) const XXL: f32 = 40.0;
}

/// Corners.
pub(crate) mod radius {
    pub(crate) const CHIP: u8 = 4;
    pub(crate) const BASE: u8 = 6;
    pub(crate) const CARD: u8 = 8;
}

/// Lines.
pub(crate) mod line {
    pub(crate) const HAIRLINE: f32 = 1.0;
    pub(crate) const FOCUS: f32 = 2.0;
    pub(crate) const SELECT: f32 = 2.0;
    pub(crate) const FRAME: f32 = 3.0;
}

/// Heights and widths of what the window is made of.
pub(crate) mod extent {
    pub(crate) const TOP_BAR: f32 = 44.0;
    pub(crate) const STATUS_BAR: f32 = 26.0;
    pub(crate) const RAIL: f32 = 76.0;
    pub(crate) const RAIL_ITEM: f32 = 52.0;
    pub(crate) const INSPECTOR: f32 = 532.0;
    pub(crate) const DRAWER: f32 = 232.0;
    pub(crate) const PANE_HEADER: f32 = 32.0;
    pub(crate) const ROW_DENSE: f32 = 24.0;
    pub(crate) const ROW_RUN: f32 = 26.0;
    pub(crate) const ROW_LIST: f32 = 44.0;
    pub(crate) const ROW_TABLE: f32 = 52.0;
    pub(crate) const ROW_HIT: f32 = 64.0;
    pub(crate) const CONTROL: f32 = 28.0;
    pub(crate) const CONTROL_BIG: f32 = 40.0;
    pub(crate) const ICON_SMALL: f32 = 14.0;
    pub(crate) const ICON: f32 = 16.0;
    pub(crate) const ICON_RAIL: f32 = 20.0;
    pub(crate) const HIT_MIN: f32 = 24.0;
}

/// Cards on the canvas.
pub(crate) mod node {
    pub(crate) const WIDTH: f32 = 168.0;
    pub(crate) const MIN_HEIGHT: f32 = 96.0;
    pub(crate) const PAD: f32 = 8.0;
    pub(crate) const HEADER: f32 = 20.0;
    pub(crate) const TILE: f32 = 20.0;
    pub(crate) const GAP_HEADER: f32 = 6.0;
    pub(crate) const SENTENCE: f32 = 32.0;
    pub(crate) const GAP_FOOTER: f32 = 6.0;
    pub(crate) const FOOTER: f32 = 16.0;
    pub(crate) const ERROR_PAD: f32 = 8.0;
    pub(crate) const PORT_Y: f32 = 18.0;
    pub(crate) const PORT_PITCH: f32 = 24.0;
    pub(crate) const PORT_RADIUS: f32 = 4.0;
    pub(crate) const PORT_HIT: f32 = 12.0;
    pub(crate) const COLUMN_GAP: f32 = 36.0;
    pub(crate) const ROW_GAP: f32 = 44.0;
    pub(crate) const GRID: f32 = 16.0;
    pub(crate) const BLOCKS_BELOW: f32 = 0.35;
}

/// Wires.
pub(crate) mod wire {
    pub(crate) const WIDTH: f32 = 1.5;
    pub(crate) const WIDTH_HOVER: f32 = 2.5;
    pub(crate) const WIDTH_SELECT: f32 = 2.5;
    pub(crate) const DASH_ERROR: [f32; 2] = [5.0, 4.0];
    pub(crate) const ARROW: f32 = 7.0;
    pub(crate) const CONTROL_MIN: f32 = 24.0;
    pub(crate) const CONTROL_MAX: f32 = 120.0;
    pub(crate) const RETURN_OUT: f32 = 14.0;
    pub(crate) const RETURN_RADIUS: f32 = 10.0;
    pub(crate) const LABEL_GAP: f32 = 4.0;
    pub(crate) const FAINT_ALPHA: f32 = 0.45;
}

/// Times, in milliseconds; all are nothing under reduced motion.
pub(crate) mod motion {
    pub(crate) const HOVER: u64 = 80;
    pub(crate) const PANEL: u64 = 140;
    pub(crate) const PULSE: u64 = 420;
    pub(crate) const STEP: u64 = 220;
    pub(crate) const TOAST: u64 = 4000;
}
