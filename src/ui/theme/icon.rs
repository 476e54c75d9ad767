//! The icons that the window uses: code points of the Phosphor set, by its own names.
//!
//! The regular and the filled weight share them; see `assets/icons`.
#![cfg_attr(not(test), expect(dead_code, reason = "a panel to come finds its icon here"))]

pub(crate) const ADDRESS_BOOK: char = '\u{e6f8}';
pub(crate) const ALIGN_BOTTOM: char = '\u{e506}';
pub(crate) const ALIGN_CENTER_HORIZONTAL: char = '\u{e50a}';
pub(crate) const ALIGN_CENTER_VERTICAL: char = '\u{e50c}';
pub(crate) const ALIGN_LEFT: char = '\u{e50e}';
pub(crate) const ALIGN_RIGHT: char = '\u{e510}';
pub(crate) const ALIGN_TOP: char = '\u{e512}';
pub(crate) const ARCHIVE_BOX: char = '\u{e00e}';
pub(crate) const ARROW_CLOCKWISE: char = '\u{e036}';
pub(crate) const ARROW_LEFT: char = '\u{e058}';
pub(crate) const ARROW_RIGHT: char = '\u{e06c}';
pub(crate) const ARROW_SQUARE_OUT: char = '\u{e5de}';
pub(crate) const ARROW_U_UP_LEFT: char = '\u{e08a}';
pub(crate) const ARROW_U_UP_RIGHT: char = '\u{e08c}';
pub(crate) const ARROWS_CLOCKWISE: char = '\u{e094}';
pub(crate) const ARROWS_MERGE: char = '\u{ed3e}';
pub(crate) const ARROWS_OUT_LINE_HORIZONTAL: char = '\u{e534}';
pub(crate) const ARROWS_OUT_LINE_VERTICAL: char = '\u{e536}';
pub(crate) const ARROWS_SPLIT: char = '\u{ed3c}';
pub(crate) const BELL: char = '\u{e0ce}';
pub(crate) const BOOKMARK_SIMPLE: char = '\u{e0ea}';
pub(crate) const BOOKS: char = '\u{e758}';
pub(crate) const BRACKETS_CURLY: char = '\u{e860}';
pub(crate) const BRIEFCASE: char = '\u{e0ee}';
pub(crate) const CALENDAR_BLANK: char = '\u{e10a}';
pub(crate) const CALENDAR_CHECK: char = '\u{e712}';
pub(crate) const CALENDAR_DOTS: char = '\u{e7b4}';
pub(crate) const CALENDAR_PLUS: char = '\u{e714}';
pub(crate) const CALENDAR_SLASH: char = '\u{ea12}';
pub(crate) const CALENDAR_X: char = '\u{e10c}';
pub(crate) const CARET_DOWN: char = '\u{e136}';
pub(crate) const CARET_LEFT: char = '\u{e138}';
pub(crate) const CARET_RIGHT: char = '\u{e13a}';
pub(crate) const CARET_UP: char = '\u{e13c}';
pub(crate) const CHAT_CIRCLE: char = '\u{e168}';
pub(crate) const CHAT_TEXT: char = '\u{e17a}';
pub(crate) const CHECK: char = '\u{e182}';
pub(crate) const CHECK_CIRCLE: char = '\u{e184}';
pub(crate) const CHECK_SQUARE: char = '\u{e186}';
pub(crate) const CIRCLE: char = '\u{e18a}';
pub(crate) const CIRCLE_DASHED: char = '\u{e602}';
pub(crate) const CLIPBOARD_TEXT: char = '\u{e198}';
pub(crate) const CLOCK: char = '\u{e19a}';
pub(crate) const CLOCK_COUNTER_CLOCKWISE: char = '\u{e1a0}';
pub(crate) const CODE: char = '\u{e1bc}';
pub(crate) const COLUMNS: char = '\u{e546}';
pub(crate) const COPY: char = '\u{e1ca}';
pub(crate) const CORNERS_IN: char = '\u{e1ce}';
pub(crate) const CORNERS_OUT: char = '\u{e1d0}';
pub(crate) const CURRENCY_DOLLAR: char = '\u{e550}';
pub(crate) const DESKTOP: char = '\u{e560}';
pub(crate) const DOOR: char = '\u{e61c}';
pub(crate) const DOTS_THREE: char = '\u{e1fe}';
pub(crate) const ENVELOPE_SIMPLE: char = '\u{e218}';
pub(crate) const EQUALS: char = '\u{e21c}';
pub(crate) const EXPORT: char = '\u{eaf0}';
pub(crate) const EYE: char = '\u{e220}';
pub(crate) const EYE_SLASH: char = '\u{e224}';
pub(crate) const FILE: char = '\u{e230}';
pub(crate) const FILE_PLUS: char = '\u{e236}';
pub(crate) const FLASK: char = '\u{e79e}';
pub(crate) const FLOPPY_DISK: char = '\u{e248}';
pub(crate) const FLOW_ARROW: char = '\u{e6ec}';
pub(crate) const FOLDER_OPEN: char = '\u{e256}';
pub(crate) const FOLDER_SIMPLE: char = '\u{e25a}';
pub(crate) const FRAME_CORNERS: char = '\u{e626}';
pub(crate) const FUNCTION: char = '\u{ebe4}';
pub(crate) const GEAR_SIX: char = '\u{e272}';
pub(crate) const GIT_BRANCH: char = '\u{e278}';
pub(crate) const GIT_FORK: char = '\u{e27e}';
pub(crate) const GLOBE: char = '\u{e288}';
pub(crate) const HAND_PALM: char = '\u{e57e}';
pub(crate) const HANDSHAKE: char = '\u{e582}';
pub(crate) const HASH: char = '\u{e2a2}';
pub(crate) const INFO: char = '\u{e2ce}';
pub(crate) const KEY: char = '\u{e2d6}';
pub(crate) const KEYBOARD: char = '\u{e2d8}';
pub(crate) const LIGHTNING: char = '\u{e2de}';
pub(crate) const LINK: char = '\u{e2e2}';
pub(crate) const LINK_BREAK: char = '\u{e2e4}';
pub(crate) const LIST_CHECKS: char = '\u{eadc}';
pub(crate) const LIST_DASHES: char = '\u{e2f4}';
pub(crate) const LIST_MAGNIFYING_GLASS: char = '\u{ebe0}';
pub(crate) const LIST_PLUS: char = '\u{e2f8}';
pub(crate) const MAGIC_WAND: char = '\u{e6b6}';
pub(crate) const MAGNIFYING_GLASS: char = '\u{e30c}';
pub(crate) const MAP_PIN: char = '\u{e316}';
pub(crate) const MAP_TRIFOLD: char = '\u{e31a}';
pub(crate) const MINUS: char = '\u{e32a}';
pub(crate) const MINUS_CIRCLE: char = '\u{e32c}';
pub(crate) const MONITOR: char = '\u{e32e}';
pub(crate) const MOON: char = '\u{e330}';
pub(crate) const NOTE: char = '\u{e348}';
pub(crate) const NOTE_BLANK: char = '\u{e34a}';
pub(crate) const NOTE_PENCIL: char = '\u{e34c}';
pub(crate) const NOTIFICATION: char = '\u{e6fa}';
pub(crate) const PAPER_PLANE_TILT: char = '\u{e398}';
pub(crate) const PAUSE_CIRCLE: char = '\u{e3a0}';
pub(crate) const PENCIL_SIMPLE: char = '\u{e3b4}';
pub(crate) const PHONE: char = '\u{e3b8}';
pub(crate) const PLAY: char = '\u{e3d0}';
pub(crate) const PLAY_CIRCLE: char = '\u{e3d2}';
pub(crate) const PLUGS_CONNECTED: char = '\u{eb5a}';
pub(crate) const PLUS: char = '\u{e3d4}';
pub(crate) const PLUS_SQUARE: char = '\u{ed4a}';
pub(crate) const PUSH_PIN: char = '\u{e3e2}';
pub(crate) const QUESTION: char = '\u{e3e8}';
pub(crate) const REPEAT: char = '\u{e3f6}';
pub(crate) const ROWS: char = '\u{e5a2}';
pub(crate) const SELECTION_ALL: char = '\u{e746}';
pub(crate) const SHAPES: char = '\u{ec5e}';
pub(crate) const SIDEBAR_SIMPLE: char = '\u{ec24}';
pub(crate) const SIGN_OUT: char = '\u{e42a}';
pub(crate) const SKIP_FORWARD: char = '\u{e5a6}';
pub(crate) const SLIDERS_HORIZONTAL: char = '\u{e434}';
pub(crate) const SQUARES_FOUR: char = '\u{e464}';
pub(crate) const STAR: char = '\u{e46a}';
pub(crate) const STOP: char = '\u{e46c}';
pub(crate) const STOP_CIRCLE: char = '\u{e46e}';
pub(crate) const SUN: char = '\u{e472}';
pub(crate) const SWAP: char = '\u{e83c}';
pub(crate) const TABLE: char = '\u{e476}';
pub(crate) const TAG: char = '\u{e478}';
pub(crate) const TAG_SIMPLE: char = '\u{e47a}';
pub(crate) const TEXT_ALIGN_LEFT: char = '\u{e484}';
pub(crate) const TRASH: char = '\u{e4a6}';
pub(crate) const TREE_STRUCTURE: char = '\u{e67c}';
pub(crate) const USER: char = '\u{e4c2}';
pub(crate) const USER_PLUS: char = '\u{e4d0}';
pub(crate) const USERS: char = '\u{e4d6}';
pub(crate) const USERS_THREE: char = '\u{e68e}';
pub(crate) const WARNING: char = '\u{e4e0}';
pub(crate) const WEBHOOKS_LOGO: char = '\u{ecae}';
pub(crate) const X: char = '\u{e4f6}';
pub(crate) const X_CIRCLE: char = '\u{e4f8}';

/// Those that are there in the filled weight too.
pub(crate) const FILLED: &[char] = &[
    BOOKS,
    CHECK_CIRCLE,
    CIRCLE,
    CLOCK,
    FLASK,
    FLOW_ARROW,
    GEAR_SIX,
    INFO,
    LIGHTNING,
    LIST_MAGNIFYING_GLASS,
    MOON,
    PAUSE_CIRCLE,
    PLAY,
    PLAY_CIRCLE,
    PLUGS_CONNECTED,
    PUSH_PIN,
    SQUARES_FOUR,
    STAR,
    STOP,
    SUN,
    WARNING,
    X_CIRCLE,
];

/// All of them.
#[cfg(test)]
pub(crate) const ALL: &[char] = &[
    ADDRESS_BOOK,
    ALIGN_BOTTOM,
    ALIGN_CENTER_HORIZONTAL,
    ALIGN_CENTER_VERTICAL,
    ALIGN_LEFT,
    ALIGN_RIGHT,
    ALIGN_TOP,
    ARCHIVE_BOX,
    ARROW_CLOCKWISE,
    ARROW_LEFT,
    ARROW_RIGHT,
    ARROW_SQUARE_OUT,
    ARROW_U_UP_LEFT,
    ARROW_U_UP_RIGHT,
    ARROWS_CLOCKWISE,
    ARROWS_MERGE,
    ARROWS_OUT_LINE_HORIZONTAL,
    ARROWS_OUT_LINE_VERTICAL,
    ARROWS_SPLIT,
    BELL,
    BOOKMARK_SIMPLE,
    BOOKS,
    BRACKETS_CURLY,
    BRIEFCASE,
    CALENDAR_BLANK,
    CALENDAR_CHECK,
    CALENDAR_DOTS,
    CALENDAR_PLUS,
    CALENDAR_SLASH,
    CALENDAR_X,
    CARET_DOWN,
    CARET_LEFT,
    CARET_RIGHT,
    CARET_UP,
    CHAT_CIRCLE,
    CHAT_TEXT,
    CHECK,
    CHECK_CIRCLE,
    CHECK_SQUARE,
    CIRCLE,
    CIRCLE_DASHED,
    CLIPBOARD_TEXT,
    CLOCK,
    CLOCK_COUNTER_CLOCKWISE,
    CODE,
    COLUMNS,
    COPY,
    CORNERS_IN,
    CORNERS_OUT,
    CURRENCY_DOLLAR,
    DESKTOP,
    DOOR,
    DOTS_THREE,
    ENVELOPE_SIMPLE,
    EQUALS,
    EXPORT,
    EYE,
    EYE_SLASH,
    FILE,
    FILE_PLUS,
    FLASK,
    FLOPPY_DISK,
    FLOW_ARROW,
    FOLDER_OPEN,
    FOLDER_SIMPLE,
    FRAME_CORNERS,
    FUNCTION,
    GEAR_SIX,
    GIT_BRANCH,
    GIT_FORK,
    GLOBE,
    HAND_PALM,
    HANDSHAKE,
    HASH,
    INFO,
    KEY,
    KEYBOARD,
    LIGHTNING,
    LINK,
    LINK_BREAK,
    LIST_CHECKS,
    LIST_DASHES,
    LIST_MAGNIFYING_GLASS,
    LIST_PLUS,
    MAGIC_WAND,
    MAGNIFYING_GLASS,
    MAP_PIN,
    MAP_TRIFOLD,
    MINUS,
    MINUS_CIRCLE,
    MONITOR,
    MOON,
    NOTE,
    NOTE_BLANK,
    NOTE_PENCIL,
    NOTIFICATION,
    PAPER_PLANE_TILT,
    PAUSE_CIRCLE,
    PENCIL_SIMPLE,
    PHONE,
    PLAY,
    PLAY_CIRCLE,
    PLUGS_CONNECTED,
    PLUS,
    PLUS_SQUARE,
    PUSH_PIN,
    QUESTION,
    REPEAT,
    ROWS,
    SELECTION_ALL,
    SHAPES,
    SIDEBAR_SIMPLE,
    SIGN_OUT,
    SKIP_FORWARD,
    SLIDERS_HORIZONTAL,
    SQUARES_FOUR,
    STAR,
    STOP,
    STOP_CIRCLE,
    SUN,
    SWAP,
    TABLE,
    TAG,
    TAG_SIMPLE,
    TEXT_ALIGN_LEFT,
    TRASH,
    TREE_STRUCTURE,
    USER,
    USER_PLUS,
    USERS,
    USERS_THREE,
    WARNING,
    WEBHOOKS_LOGO,
    X,
    X_CIRCLE,
];
