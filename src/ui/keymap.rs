//! Which keys mean which command: the usual ones, and what a person made of them.
//!
//! Invariant: no two commands have the same keys.
use std::collections::BTreeMap;

use eframe::egui::{Context, Id, Key, KeyboardShortcut, Modifiers};

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
        let Some(keys) = self.of(command) else { return String::new() };
        let plain = ctx.format_shortcut(&keys);
        let (name, symbol) = (keys.logical_key.name(), keys.logical_key.symbol_or_name());
        match plain.strip_suffix(name) {
            // An arrow has a sign that not every font shows.
            Some(held) if symbol.is_ascii() => format!("{held}{symbol}"),
            _ => plain,
        }
    }

    /// Takes the commands that were typed out of the input. While text is typed, only those with Ctrl or a function key.
    pub(crate) fn typed(&self, ctx: &Context) -> Vec<UiCommand> {
        let typing = ctx.text_edit_focused();
        let held = holder(ctx);
        // More modifiers first: Ctrl+Shift+Z must not be taken for Ctrl+Z.
        let all = self.keys.iter().filter(|(command, it)| !typing || beside_text(**command, **it));
        let mut all: Vec<_> = all.filter(|(command, it)| held.is_none_or(|all| beside_rows(**command, **it, all))).collect();
        all.sort_by_key(|(_, it)| std::cmp::Reverse(count(it.modifiers)));
        ctx.input_mut(|input| {
            all.into_iter()
                .filter(|(_, it)| input.consume_shortcut(it) || alias(**it).is_some_and(|it| input.consume_shortcut(&it)))
                .map(|(command, _)| *command)
                .collect()
        })
    }
}

/// What has the keyboard and is neither a text nor the canvas: keys without Ctrl are not about the canvas then, since what they
/// would change is not what a person looks at. Said in each frame by what it is; with `all`, selecting all is its own, too.
pub(crate) fn hold(ctx: &Context, id: Id, all: bool) {
    ctx.data_mut(|it| it.insert_temp(Id::unique("who holds the keyboard"), (id, all)));
}

/// Whether something that said so has the keyboard, and whether selecting all is its own.
fn holder(ctx: &Context) -> Option<bool> {
    let (id, all): (Id, bool) = ctx.data(|it| it.get_temp(Id::unique("who holds the keyboard")))?;
    ctx.memory(|it| it.has_focus(id)).then_some(all)
}

fn beside_rows(command: UiCommand, keys: KeyboardShortcut, all: bool) -> bool {
    let function = keys.logical_key.name().len() > 1 && keys.logical_key.name().starts_with('F');
    (keys.modifiers.command || keys.modifiers.alt || function)
        && !matches!(command, UiCommand::Delete | UiCommand::DeleteAndHeal)
        && !(all && command == UiCommand::SelectAll)
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
