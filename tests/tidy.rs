//! The architecture, checked: which room may import which, where a crate may be named, how long a file may be, which names
//! are not used, and that the project speaks of the product alone.
use std::fs;
use std::path::{Path, PathBuf};

/// `(room, the rooms that it may import)`.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("record", &[]),
    ("expr", &[]),
    ("catalog", &[]),
    ("flow", &["record", "expr", "catalog"]),
    ("run", &["record", "expr", "catalog", "flow"]),
    ("journal", &["record", "flow", "run"]),
    ("connector", &["record", "catalog"]),
    ("accounts", &["record", "catalog", "flow", "connector"]),
    ("published", &["record", "flow", "connector"]),
    ("chooser", &["record", "catalog", "connector"]),
    ("engine", &["record", "expr", "catalog", "flow", "run", "journal", "connector"]),
    ("sandbox", &["record", "catalog"]),
    ("ui", &["record", "expr", "catalog", "accounts", "published", "chooser", "flow", "run", "engine", "sandbox"]),
    ("cli", &["record", "expr", "catalog", "accounts", "published", "chooser", "flow", "run", "engine", "sandbox", "ui"]),
];

/// `(crate, the paths below src that may name it)`.
const CRATE_HOMES: &[(&str, &[&str])] = &[
    ("egui", &["ui"]),
    ("eframe", &["ui"]),
    ("egui_tiles", &["ui"]),
    ("egui_system_font_provider", &["ui"]),
    ("mundy", &["ui"]),
    ("rfd", &["ui"]),
    ("rusqlite", &["journal"]),
    ("zstd", &["journal"]),
    ("reqwest", &["connector", "sandbox/webhook/courier"]),
    ("ed25519_dalek", &["connector/signature"]),
    ("ring", &["connector", "sandbox/webhook/keys"]),
    ("rustls", &["connector", "sandbox/webhook/courier"]),
    ("keyring_core", &["connector/vault/keychain.rs"]),
    ("zbus_secret_service_keyring_store", &["connector/vault/keychain.rs"]),
    ("apple_native_keyring_store", &["connector/vault/keychain.rs"]),
    ("windows_native_keyring_store", &["connector/vault/keychain.rs"]),
    ("age", &["connector/vault/key.rs"]),
    ("lettre", &["connector/mail"]),
    ("rpassword", &["cli/connect"]),
    ("clap", &["cli"]),
    ("axum", &["engine/trigger", "connector/oauth", "connector/tests", "sandbox"]),
    ("hyper", &["engine/trigger/listener", "connector/oauth"]),
    ("hyper_util", &["engine/trigger/listener", "connector/oauth"]),
    ("oauth2", &["connector/oauth"]),
    ("zbus", &["cli/tray.rs", "connector/desktop/bus.rs"]),
    ("notify_rust", &["connector/desktop/system.rs"]),
    ("webbrowser", &["cli/connect/sign_in"]),
    ("rustix", &["cli", "journal/index/quiet"]),
    ("tokio", &["journal", "accounts", "connector", "engine", "sandbox", "cli", "main.rs"]),
    ("anyhow", &["cli", "main.rs"]),
    ("minijinja", &["expr"]),
    ("rhai", &["expr"]),
    ("phonenumber", &["expr"]),
    ("directories", &["cli", "ui"]),
    ("mimalloc", &["main.rs"]),
];

/// Rooms without input and output, clock or chance, and what would bring them in.
const PURE: &[&str] = &["record", "expr", "catalog", "flow", "run"];
const IMPURE: &[&str] = &[
    "std::fs",
    "std::net",
    "std::thread",
    "Timestamp::now",
    "Zoned::now",
    "SystemTime::now",
    "Instant::now",
    "fastrand::",
    "tokio::",
];
/// The edges of pure rooms that read and write files, one a room, for the rooms above.
const PURE_EXCEPT: &[&str] = &["catalog/disk.rs", "flow/disk.rs"];

const FORBIDDEN_FILES: &[&str] = &["utils", "util", "common", "types", "helpers", "helper", "manager", "core", "prelude", "misc"];
const MAX_LINES: usize = 800;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn files(dir: &Path, ext: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(dir) else { return Vec::new() };
    let mut found: Vec<PathBuf> = entries
        .map(|entry| entry.expect("a readable entry").path())
        .flat_map(|path| if path.is_dir() { files(&path, ext) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|it| it == ext))
        .collect();
    found.sort();
    found
}

/// The code without comments and without its unit tests.
fn code_of(text: &str) -> String {
    let code = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    code.lines().filter(|line| !line.trim_start().starts_with("//")).flat_map(|line| [line, "\n"]).collect()
}

fn words_after<'a>(text: &'a str, prefix: &'a str) -> impl Iterator<Item = &'a str> {
    text.match_indices(prefix).filter(|(at, _)| !text[..*at].ends_with(|c: char| c.is_alphanumeric() || c == '_')).map(
        move |(at, _)| {
            let rest = &text[at + prefix.len()..];
            &rest[..rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len())]
        },
    )
}

fn is_word_before(text: &str, word: &str) -> bool {
    text.match_indices(&format!("{word}::"))
        .any(|(at, _)| !text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':'))
}

/// `(path below src with '/', room, text)` of every source file that belongs to a room.
fn sources() -> Vec<(String, String, String)> {
    let src = root().join("src");
    let list: Vec<_> = files(&src, "rs")
        .into_iter()
        .map(|path| {
            let relative = path.strip_prefix(&src).expect("inside src").to_string_lossy().replace('\\', "/");
            let room = relative.split('/').next().expect("a first part").to_owned();
            (relative, room, fs::read_to_string(&path).expect("a readable file"))
        })
        .collect();
    assert!(list.len() > 20, "the sources were not found");
    list
}

/// Tests may use what their room may not.
fn is_test(path: &str) -> bool {
    path.ends_with("tests.rs") || path.contains("/tests/") || path.ends_with("/testing.rs")
}

fn no_complaints(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

#[test]
fn rooms_import_only_what_they_may() {
    let mut complaints = Vec::new();
    for (path, room, text) in sources() {
        let code = code_of(&text);
        if ["lib.rs", "main.rs"].contains(&room.as_str()) || is_test(&path) {
            continue;
        }
        let Some((_, allowed)) = MAY_IMPORT.iter().find(|(name, _)| *name == room) else {
            complaints.push(format!("{path}: the room {room} is not in the table"));
            continue;
        };
        if code.contains("use crate::{") {
            complaints.push(format!("{path}: write `use crate::room::…`, one room a line"));
        }
        for import in words_after(&code, "crate::") {
            if import != room && !import.is_empty() && !allowed.contains(&import) {
                complaints.push(format!("{path}: {room} may not import {import}"));
            }
        }
    }
    no_complaints(&complaints);
}

#[test]
fn crates_are_named_only_at_home() {
    let mut complaints = Vec::new();
    for (path, _, text) in sources() {
        let code = code_of(&text);
        if is_test(&path) {
            continue;
        }
        for (name, homes) in CRATE_HOMES {
            if is_word_before(&code, name) && !homes.iter().any(|home| path.starts_with(home)) {
                complaints.push(format!("{path}: {name} does not belong here"));
            }
        }
    }
    no_complaints(&complaints);
}

#[test]
fn pure_rooms_read_no_clock_no_file_and_no_chance() {
    let mut complaints = Vec::new();
    for (path, room, text) in sources() {
        if !PURE.contains(&room.as_str()) || PURE_EXCEPT.contains(&path.as_str()) || is_test(&path) {
            continue;
        }
        let code = code_of(&text);
        complaints
            .extend(IMPURE.iter().filter(|word| code.contains(**word)).map(|word| format!("{path}: {word} in a pure room")));
    }
    no_complaints(&complaints);
}

#[test]
fn files_are_short_and_say_what_they_hold() {
    let mut complaints = Vec::new();
    for (path, _, text) in sources() {
        let lines = text.lines().count();
        if lines > MAX_LINES {
            complaints.push(format!("{path}: {lines} lines, more than {MAX_LINES}"));
        }
        if !text.starts_with("//!") && !is_test(&path) {
            complaints.push(format!("{path}: begins without module docs"));
        }
        let stem = path.rsplit('/').next().unwrap_or_default().trim_end_matches(".rs");
        if FORBIDDEN_FILES.contains(&stem) || path.split('/').any(|part| FORBIDDEN_FILES.contains(&part)) {
            complaints.push(format!("{path}: a name that says nothing"));
        }
    }
    no_complaints(&complaints);
}

#[test]
fn rooms_state_their_invariants() {
    let missing: Vec<String> = MAY_IMPORT
        .iter()
        .map(|(room, _)| root().join("src").join(room).join("mod.rs"))
        .filter(|path| path.exists())
        .filter(|path| !fs::read_to_string(path).expect("a readable file").contains("Invariant:"))
        .map(|path| format!("{}: no invariant", path.display()))
        .collect();
    no_complaints(&missing);
}

#[test]
fn nothing_is_left_unfinished() {
    let marks = [["to", "do!("].concat(), ["unimple", "mented!("].concat(), ["FIX", "ME"].concat(), ["TO", "DO"].concat()];
    let mut complaints = Vec::new();
    for dir in ["src", "tests"] {
        for path in files(&root().join(dir), "rs") {
            let text = fs::read_to_string(&path).expect("a readable file");
            complaints.extend(marks.iter().filter(|mark| text.contains(*mark)).map(|mark| format!("{}: {mark}", path.display())));
        }
    }
    no_complaints(&complaints);
}

#[test]
fn the_top_level_holds_what_it_should() {
    let allowed = [
        ".cargo",
        "Cargo.toml",
        "Cargo.lock",
        "src",
        "assets",
        "tests",
        "packaging",
        "README.md",
        "CHANGELOG.md",
        "LICENSE-MIT",
        "LICENSE-APACHE",
        ".ci",
        ".git",
        ".gitignore",
        ".github",
        "target",
        "rustfmt.toml",
        "clippy.toml",
        "deny.toml",
        ".config",
    ];
    let complaints: Vec<String> = fs::read_dir(root())
        .expect("a readable root")
        .map(|entry| entry.expect("a readable entry").file_name().to_string_lossy().into_owned())
        .filter(|name| !allowed.contains(&name.as_str()))
        .map(|name| format!("{name}: does not belong at the top level"))
        .collect();
    no_complaints(&complaints);
}
