//! Finding anything by typing: commands, open flows, recent files, flows that ship.
use std::path::PathBuf;

use eframe::egui::{Id, Ui, pos2};

use super::command::UiCommand;
use super::ctx::Ctx;
use super::document::DocId;
use super::msg::Msg;
use super::shell::Dock;
use super::template;
use super::theme::{self, icon};
use super::widgets::pick::{Pick, Row};

/// The palette, while it is open.
#[derive(Debug, Default)]
pub(crate) struct Palette {
    query: String,
    chosen: usize,
    shown: bool,
}

/// Something that can be found.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Target {
    Do(UiCommand),
    Activate(DocId),
    Open(PathBuf),
    Template(usize),
}

struct Entry {
    target: Target,
    title: String,
    owner: String,
    words: String,
    icon: char,
}

pub(crate) fn show(ui: &Ui, ctx: &Ctx<'_>, dock: &Dock, palette: &mut Option<Palette>) {
    let Some(open) = palette else { return };
    let entries = entries(ui, ctx, dock);
    let found = find(&open.query, &entries);
    let ink = theme::colors(ui).logic;
    let rows: Vec<Row<'_>> = found.iter().map(|it| Row { icon: it.icon, ink, title: &it.title, owner: &it.owner }).collect();
    let area = ui.max_rect();
    let whole = ui.ctx().content_rect();
    let width = 520.0_f32.min(whole.width() - 32.0);
    let pick = Pick {
        id: Id::unique("palette"),
        at: pos2(whole.center().x - width / 2.0, whole.top() + 60.0),
        width,
        hint: "Find a command, a flow or a template",
        name: "Find a command",
        nothing: "Nothing is called that. Try fewer letters.",
    };
    let mut fresh = !open.shown;
    let (mut query, mut chosen) = (std::mem::take(&mut open.query), open.chosen);
    let picked = pick.show(ui, whole, &mut query, &mut chosen, &mut fresh, &rows);
    (open.query, open.chosen, open.shown) = (query, chosen, true);
    let _ = area;
    if let Some(entry) = picked.chosen.and_then(|it| found.get(it)) {
        ctx.send(match &entry.target {
            Target::Do(command) => Msg::Do(*command),
            Target::Activate(doc) => Msg::Activate(*doc),
            Target::Open(path) => Msg::OpenPath(path.clone()),
            Target::Template(index) => Msg::OpenTemplate { index: *index, test: false },
        });
        *palette = None;
    } else if picked.closed {
        *palette = None;
    }
}

fn entries(ui: &Ui, ctx: &Ctx<'_>, dock: &Dock) -> Vec<Entry> {
    let mut entries = Vec::new();
    for command in UiCommand::ALL.iter().filter(|it| **it != UiCommand::Palette && ctx.can(**it).is_ok()) {
        let on = match ctx.is_on(*command, dock) {
            Some(true) => " (on)",
            Some(false) => " (off)",
            None => "",
        };
        entries.push(Entry {
            target: Target::Do(*command),
            title: format!("{}{on}", ctx.title(*command)),
            owner: ctx.keys.words(ui.ctx(), *command),
            words: command.spec().words.to_owned(),
            icon: icon::CARET_RIGHT,
        });
    }
    for doc in ctx.docs.list.iter().filter(|it| Some(it.id) != ctx.docs.active) {
        entries.push(Entry {
            target: Target::Activate(doc.id),
            title: doc.title().to_owned(),
            owner: "Open flow".to_owned(),
            words: "flow tab switch".to_owned(),
            icon: icon::FLOW_ARROW,
        });
    }
    for path in &ctx.prefs.recent {
        entries.push(Entry {
            target: Target::Open(path.clone()),
            title: path.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
            owner: "Recent file".to_owned(),
            words: "open recent".to_owned(),
            icon: icon::FILE,
        });
    }
    for (index, it) in template::all().iter().enumerate() {
        entries.push(Entry {
            target: Target::Template(index),
            title: it.flow.name.clone(),
            owner: "Template".to_owned(),
            words: "template new from".to_owned(),
            icon: icon::SQUARES_FOUR,
        });
    }
    entries
}

fn find<'a>(query: &str, entries: &'a [Entry]) -> Vec<&'a Entry> {
    let query = query.to_lowercase();
    let mut found: Vec<(i32, &Entry)> =
        entries.iter().filter_map(|it| Some((score(&query, &it.title.to_lowercase(), &it.words)?, it))).collect();
    found.sort_by_key(|it| std::cmp::Reverse(it.0));
    found.into_iter().map(|it| it.1).collect()
}

/// How well a text meets a query; none if it does not. Whole words count most, then beginnings of words, then letters in
/// order.
fn score(query: &str, title: &str, words: &str) -> Option<i32> {
    if query.trim().is_empty() {
        return Some(0);
    }
    let mut score = 0;
    for part in query.split_whitespace() {
        let is_word = |text: &str| text.split_whitespace().any(|it| it == part);
        let starts = |text: &str| text.split(|it: char| !it.is_alphanumeric()).any(|it| it.starts_with(part));
        score += if title.starts_with(part) {
            100
        } else if starts(title) {
            80
        } else if is_word(words) {
            60
        } else if starts(words) {
            50
        } else if title.contains(part) {
            40
        } else {
            letters(part, title)?
        };
    }
    Some(score)
}

/// All letters in order: the closer together and the nearer to beginnings of words, the more.
fn letters(part: &str, title: &str) -> Option<i32> {
    let title: Vec<char> = title.chars().collect();
    let (mut at, mut score, mut last) = (0, 0, None);
    for letter in part.chars() {
        let found = (at..title.len()).find(|it| title[*it] == letter)?;
        let begins = found == 0 || !title[found - 1].is_alphanumeric();
        score += if last.is_some_and(|it: usize| it + 1 == found) {
            4
        } else if begins {
            5
        } else {
            0
        };
        last = Some(found);
        at = found + 1;
    }
    // Letters strewn over a title mean nothing.
    (score >= 4 * (part.chars().count() as i32 - 1)).then_some(score.min(30))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn best(query: &str) -> Vec<&'static str> {
        let entries: Vec<Entry> = UiCommand::ALL
            .iter()
            .map(|it| Entry {
                target: Target::Do(*it),
                title: it.title().to_owned(),
                owner: String::new(),
                words: it.spec().words.to_owned(),
                icon: icon::CARET_RIGHT,
            })
            .collect();
        let titles: Vec<String> = find(query, &entries).iter().take(3).map(|it| it.title.clone()).collect();
        titles.iter().map(|title| UiCommand::ALL.iter().map(|it| it.title()).find(|it| it == title).unwrap()).collect()
    }

    #[test]
    fn commands_are_found_by_words_beginnings_and_letters() {
        assert_eq!(best("save")[0], "Save");
        assert_eq!(best("fit all")[0], "Show everything");
        assert_eq!(best("tidy")[0], "Tidy up");
        assert_eq!(best("dt")[0], "Dark theme");
        assert_eq!(best("run")[0], "Test in the sandbox");
        assert_eq!(best("zzz"), Vec::<&str>::new());
        assert_eq!(best("")[0], "New flow");
    }
}
