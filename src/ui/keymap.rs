//! Which keys mean which command: the usual ones, and what a person made of them.
//!
//! Invariant: no two commands have the same keys.
use std::collections::BTreeMap;

use eframe::egui::{Context, Key, KeyboardShortcut, Modifiers};

use super::command::UiCommand;

/// Keys of all commands.
#[derive(Debug, Clone)]
pub(crate) struct Keymap {
    keys: BTreeMap<UiCommand, KeyboardShortcut>,
}

impl Keymap {
    /// The usual keys, changed as the preferences say: text for other keys, none for no keys at all. What cannot be read is
    /// passed over.
    pub(crate) fn new(changes: &BTreeMap<UiCommand, Option<String>>) -> Self {
        let mut keys = BTreeMap::new();
        for command in UiCommand::ALL {
            let text = match changes.get(command) {
                Some(Some(text)) => text,
                Some(None) => continue,
                None => command.spec().shortcut,
            };
            if let Some(shortcut) = parse(text)
                && !keys.values().any(|it| *it == shortcut)
            {
                keys.insert(*command, shortcut);
            }
        }
        Self { keys }
    }

    /// The keys of a command.
    pub(crate) fn of(&self, command: UiCommand) -> Option<KeyboardShortcut> {
        self.keys.get(&command).copied()
    }

    /// Who has these keys.
    pub(crate) fn owner(&self, shortcut: KeyboardShortcut) -> Option<UiCommand> {
        self.keys.iter().find(|(_, it)| **it == shortcut).map(|(command, _)| *command)
    }

    /// The keys as a person reads them; empty where there are none.
    pub(crate) fn words(&self, ctx: &Context, command: UiCommand) -> String {
        self.of(command).map(|it| ctx.format_shortcut(&it)).unwrap_or_default()
    }

    /// Takes the commands that were typed out of the input. While text is typed, only those with Ctrl or a function key.
    pub(crate) fn typed(&self, ctx: &Context) -> Vec<UiCommand> {
        let typing = ctx.text_edit_focused();
        // More modifiers first: Ctrl+Shift+Z must not be taken for Ctrl+Z.
        let mut all: Vec<_> = self.keys.iter().filter(|(command, it)| !typing || beside_text(**command, **it)).collect();
        all.sort_by_key(|(_, it)| std::cmp::Reverse(count(it.modifiers)));
        ctx.input_mut(|input| {
            all.into_iter()
                .filter(|(_, it)| input.consume_shortcut(it) || alias(**it).is_some_and(|it| input.consume_shortcut(&it)))
                .map(|(command, _)| *command)
                .collect()
        })
    }
}

fn count(it: Modifiers) -> u32 {
    u32::from(it.alt) + u32::from(it.shift) + u32::from(it.command || it.ctrl || it.mac_cmd)
}

/// Keys that stand for others: `+` needs Shift on many keyboards, and some have no Delete.
fn alias(keys: KeyboardShortcut) -> Option<KeyboardShortcut> {
    let other = match keys.logical_key {
        Key::Plus => Key::Equals,
        Key::Delete => Key::Backspace,
        _ => return None,
    };
    Some(KeyboardShortcut::new(keys.modifiers, other))
}

/// What a text field does itself is its own.
fn beside_text(command: UiCommand, keys: KeyboardShortcut) -> bool {
    let own = matches!(
        command,
        UiCommand::Undo
            | UiCommand::Redo
            | UiCommand::Cut
            | UiCommand::Copy
            | UiCommand::Paste
            | UiCommand::SelectAll
            | UiCommand::Back
            | UiCommand::Forward
            | UiCommand::Delete
            | UiCommand::DeleteAndHeal
    );
    let function = keys.logical_key.name().len() > 1 && keys.logical_key.name().starts_with('F');
    !own && (keys.modifiers.command || keys.modifiers.alt || function)
}

/// "Ctrl+Shift+S"; Ctrl stands for the system's own command key.
pub(crate) fn parse(text: &str) -> Option<KeyboardShortcut> {
    let mut modifiers = Modifiers::NONE;
    let mut key = None;
    for part in text.split('+').map(str::trim).filter(|it| !it.is_empty()) {
        match part {
            "Ctrl" => modifiers |= Modifiers::COMMAND,
            "Shift" => modifiers |= Modifiers::SHIFT,
            "Alt" => modifiers |= Modifiers::ALT,
            name => key = Some(Key::from_name(name)?),
        }
    }
    key.map(|it| KeyboardShortcut::new(modifiers, it))
}

/// What [`parse`] reads.
pub(crate) fn write(shortcut: KeyboardShortcut) -> String {
    let mut text = String::new();
    for (held, name) in [
        (shortcut.modifiers.command || shortcut.modifiers.ctrl, "Ctrl+"),
        (shortcut.modifiers.shift, "Shift+"),
        (shortcut.modifiers.alt, "Alt+"),
    ] {
        if held {
            text.push_str(name);
        }
    }
    text.push_str(shortcut.logical_key.name());
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_usual_shortcut_can_be_read_and_belongs_to_one_command() {
        let map = Keymap::new(&BTreeMap::new());
        for command in UiCommand::ALL {
            let text = command.spec().shortcut;
            assert_eq!(map.of(*command), parse(text), "{command:?}: {text} is taken twice or cannot be read");
            assert_eq!(map.of(*command).is_some(), !text.is_empty(), "{command:?}: {text}");
        }
    }

    #[test]
    fn what_is_written_is_read() {
        for command in UiCommand::ALL {
            if let Some(shortcut) = parse(command.spec().shortcut) {
                assert_eq!(parse(&write(shortcut)), Some(shortcut));
            }
        }
    }

    #[test]
    fn a_person_can_move_and_take_away_keys() {
        let changes = [(UiCommand::Save, Some("Ctrl+Shift+Y".to_owned())), (UiCommand::Quit, None)].into();
        let map = Keymap::new(&changes);
        assert_eq!(map.of(UiCommand::Save), parse("Ctrl+Shift+Y"));
        assert_eq!(map.of(UiCommand::Quit), None);
        assert_eq!(map.owner(parse("Ctrl+O").unwrap()), Some(UiCommand::Open));
    }

    #[test]
    fn keys_that_are_taken_are_not_taken_twice() {
        let map = Keymap::new(&[(UiCommand::Open, Some("Ctrl+N".to_owned()))].into());
        assert_eq!(map.of(UiCommand::New), parse("Ctrl+N"));
        assert_eq!(map.of(UiCommand::Open), None);
    }
}
