//! A value to look at: as a tree, as a table, or raw.
//!
//! Only rows that are seen are painted, and what needs a look at all of a large value is worked out behind the frame.
use std::sync::Arc;

use eframe::egui::accesskit::Role;
use eframe::egui::{
    Align2, EventFilter, Id, Key, Modifiers, Rect, Response, RichText, ScrollArea, Sense, TextEdit, Ui, WidgetInfo, pos2, vec2,
};
use serde_json::Value;

use super::later::Later;
use super::raw::Raw;
use super::reference::{field_words, written};
use super::tree::{self, Found, Root, Row, Tree, What};
use crate::expr::Segment;
use crate::ui::keymap;
use crate::ui::theme::tokens::{extent, radius, size};
use crate::ui::theme::{self, font, icon};
use crate::ui::widgets::button::focus_ring;
use crate::ui::widgets::{button, cut_text, dim};

/// Columns of a table are so wide.
const COLUMN: f32 = 104.0;

/// How it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Mode {
    #[default]
    Tree,
    Table,
    Raw,
}

/// A reference on its way into a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Carried {
    pub(super) reference: String,
    pub(super) words: String,
}

/// A value that is known again. It is held, so that no other one can come to lie in its place.
#[derive(Debug)]
struct Same(Arc<Value>);

impl PartialEq for Same {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// What is remembered of a viewer between frames.
#[derive(Debug, Default)]
pub(super) struct Viewer {
    mode: Mode,
    tree: Tree,
    built: Vec<(String, Same)>,
    stale: bool,
    pub(super) searching: bool,
    fresh_search: bool,
    query: String,
    found: Later<(String, Vec<Same>), Found>,
    raw: Later<Same, Raw>,
    large: bool,
    /// The step whose table or raw text is shown.
    chosen: String,
    /// The row that the keyboard goes to next.
    go_to: Option<usize>,
}

/// Where and for what it is shown.
pub(super) struct Place<'a> {
    /// "Input" or "Output".
    pub(super) name: &'static str,
    /// Rows are put into fields.
    pub(super) maps: bool,
    /// So many steps are open at first.
    pub(super) open: usize,
    /// Where there is nothing.
    pub(super) nothing: &'a str,
}

impl Viewer {
    /// Shows another step's: what was open there is forgotten.
    pub(super) fn reset(&mut self) {
        *self = Self { mode: self.mode, ..Self::default() };
    }

    /// Its tools, in a head from right to left.
    pub(super) fn tools(&mut self, ui: &mut Ui, name: &str) {
        let ways = [
            (Mode::Tree, icon::TREE_STRUCTURE, "as a tree"),
            (Mode::Table, icon::TABLE, "as a table"),
            (Mode::Raw, icon::CODE, "raw"),
        ];
        // In a narrow head one button goes through the ways to look; where nothing is mapped from, searching is left out.
        let roomy = ui.available_width() > 104.0;
        let searches = roomy || name == "Input";
        if searches
            && button::toggle(ui, icon::MAGNIFYING_GLASS, &format!("Search the {}", name.to_lowercase()), self.searching)
                .clicked()
        {
            self.searching ^= true;
            self.fresh_search = self.searching;
            self.query.clear();
        }
        if searches && !roomy {
            let at = ways.iter().position(|it| it.0 == self.mode).unwrap_or(0);
            let (next, mark, words) = ways[(at + 1) % ways.len()];
            if button::icon(ui, mark, &format!("{name} {words}")).clicked() {
                self.mode = next;
            }
            return;
        }
        for (mode, mark, words) in ways.into_iter().rev() {
            if button::toggle(ui, mark, &format!("{name} {words}"), self.mode == mode).clicked() {
                self.mode = mode;
            }
        }
    }

    /// Shows it; what comes back is to be put into a field.
    pub(super) fn show(&mut self, ui: &mut Ui, roots: &[Root], place: &Place<'_>) -> Option<Carried> {
        self.prepare(roots, place.open);
        if self.searching {
            let edit = TextEdit::singleline(&mut self.query).hint_text("Find").desired_width(f32::INFINITY);
            let field = ui.add(edit).accessible_name(format!("Find in the {}", place.name.to_lowercase()));
            if std::mem::take(&mut self.fresh_search) {
                field.request_focus();
            }
            if field.changed() && !self.query.trim().is_empty() {
                self.mode = Mode::Tree;
            }
        }
        if roots.is_empty() {
            ui.label(dim(ui, place.nothing));
            return None;
        }
        match self.mode {
            Mode::Tree => self.show_tree(ui, roots, place),
            Mode::Table => {
                self.choose(ui, roots, place);
                self.show_table(ui, roots, place)
            }
            Mode::Raw => {
                self.choose(ui, roots, place);
                self.show_raw(ui, roots);
                None
            }
        }
    }

    /// Makes the rows anew where a value or what is open changed.
    fn prepare(&mut self, roots: &[Root], open: usize) {
        let same = self.built.len() == roots.len()
            && self.built.iter().zip(roots).all(|(a, b)| a.0 == b.name && Arc::ptr_eq(&a.1.0, &b.value));
        if same && !self.stale {
            return;
        }
        if self.built.is_empty() {
            for root in roots.iter().take(open) {
                self.tree.open(&root.name);
            }
        }
        if !same {
            self.large = roots.iter().any(|it| tree::is_large(&it.value));
            self.built = roots.iter().map(|it| (it.name.clone(), Same(Arc::clone(&it.value)))).collect();
        }
        self.stale = false;
        self.tree.build(roots);
    }

    fn show_tree(&mut self, ui: &mut Ui, roots: &[Root], place: &Place<'_>) -> Option<Carried> {
        let query = self.query.trim().to_lowercase();
        let found = if self.searching && !query.is_empty() {
            let values = roots.iter().map(|it| Same(Arc::clone(&it.value))).collect();
            let (copy, wanted) = (roots.to_vec(), query.clone());
            let found = self.found.get(ui.ctx(), (query.clone(), values), self.large, move || tree::search(&copy, &wanted));
            let Some(found) = found else {
                ui.label(dim(ui, "Searching…"));
                return None;
            };
            if found.hits == 0 {
                ui.label(dim(ui, "Nothing here is called so or holds it."));
                return None;
            }
            if found.cut {
                ui.label(dim(ui, format!("The first {} hits.", found.hits)));
            }
            Some(found)
        } else {
            None
        };
        let rows = found.as_ref().map_or_else(|| std::mem::take(&mut self.tree.rows), |it| it.rows.clone());
        let mut asked = None;
        let mut act = None;
        ui.spacing_mut().item_spacing.y = 0.0;
        let height = extent::ROW_DENSE;
        let mut area = ScrollArea::vertical().id_salt((place.name, "tree")).auto_shrink(false);
        if let Some(to) = self.go_to
            && let Some(offset) = offset_to(ui, place.name, to, height)
        {
            area = area.vertical_scroll_offset(offset);
        }
        let mut seen = 0.0;
        let shown = area.show_rows(ui, height, rows.len(), |ui, range| {
            seen = ui.clip_rect().height();
            for at in range {
                let painted = paint_row(
                    ui,
                    &rows,
                    at,
                    roots,
                    place,
                    found.is_some(),
                    self.tree.is_open(&tree::path_of(&rows, at, roots)),
                    &query,
                );
                if self.go_to == Some(at) {
                    painted.response.request_focus();
                    self.go_to = None;
                }
                if painted.response.has_focus() {
                    let filter = EventFilter { tab: false, horizontal_arrows: true, vertical_arrows: true, escape: false };
                    ui.memory_mut(|it| it.set_focus_lock_filter(painted.response.id, filter));
                    act = act.or_else(|| keys(ui, at));
                }
                if let Some(what) = painted.act {
                    act = Some((at, what));
                }
                if painted.insert {
                    asked = carried(&rows, at, roots);
                }
            }
        });
        ui.data_mut(|it| it.insert_temp(scroll_id(place.name), (shown.state.clamped_offset().y, shown.inner_rect.height())));
        let act = act;
        if let Some((at, what)) = act {
            self.act(&rows, at, what, roots, found.is_some());
            ui.ctx().request_repaint();
        }
        if found.is_none() {
            self.tree.rows = rows;
        }
        asked
    }

    fn act(&mut self, rows: &[Row], at: usize, what: Act, roots: &[Root], searched: bool) {
        let path = tree::path_of(rows, at, roots);
        let within = tree::value_of(rows, at, roots).is_some_and(tree::has_more_within);
        let open = searched || self.tree.is_open(&path);
        match what {
            Act::Toggle if open => self.tree.close(&path),
            Act::Toggle => self.tree.open(&path),
            Act::More => self.tree.more(&path),
            Act::Up => self.go_to = at.checked_sub(1),
            Act::Down => self.go_to = Some(at + 1).filter(|it| *it < rows.len()),
            Act::In if within && !open => self.tree.open(&path),
            Act::In => self.go_to = Some(at + 1).filter(|it| *it < rows.len()),
            Act::Out if within && open && !searched => self.tree.close(&path),
            Act::Out => self.go_to = tree::parent_of(rows, at),
        }
        self.stale = true;
    }

    /// Which step's table or raw text.
    fn choose(&mut self, ui: &mut Ui, roots: &[Root], place: &Place<'_>) {
        if !roots.iter().any(|it| it.name == self.chosen) {
            self.chosen = roots.first().map(|it| it.name.clone()).unwrap_or_default();
        }
        if roots.len() < 2 {
            return;
        }
        let title = roots.iter().find(|it| it.name == self.chosen).map_or("", |it| it.title.as_str());
        let most = ((ui.available_width() - 40.0) / 7.5).max(6.0) as usize;
        let short: String = title.chars().take(most).collect();
        let short = if short.len() < title.len() { format!("{}…", short.trim_end()) } else { short };
        let shown = button::drop_down(ui, &short).accessible_name(format!("{} of which step", place.name));
        eframe::egui::Popup::menu(&shown).show(|ui| {
            crate::ui::widgets::menu_look(ui, 160.0);
            for root in roots {
                if ui.button(&root.title).clicked() {
                    self.chosen.clone_from(&root.name);
                    ui.close();
                }
            }
        });
    }

    fn show_table(&mut self, ui: &mut Ui, roots: &[Root], place: &Place<'_>) -> Option<Carried> {
        let root = roots.iter().find(|it| it.name == self.chosen)?;
        let Some((way, list)) = tree::table_of(&root.value, 3) else {
            ui.label(dim(ui, "No list of things with fields is in here. Look at it as a tree."));
            return None;
        };
        let columns = tree::columns(list);
        let colors = theme::colors(ui);
        let mut asked = None;
        ui.spacing_mut().item_spacing = vec2(0.0, 0.0);
        ScrollArea::both().id_salt((place.name, "table")).auto_shrink(false).show_rows(
            ui,
            extent::ROW_DENSE,
            list.len() + 1,
            |ui, range| {
                let width = COLUMN * columns.len() as f32 + 32.0;
                for at in range {
                    let (rect, response) = ui.allocate_exact_size(vec2(width, extent::ROW_DENSE), Sense::hover());
                    let item = at.checked_sub(1).and_then(|it| list.get(it));
                    let words = || match item {
                        None => format!("Columns: {}", columns.join(", ")),
                        Some(_) => format!("Row {at}"),
                    };
                    response.widget_info(|| WidgetInfo::labeled(Role::Row, true, words()));
                    let middle = rect.center().y;
                    if item.is_some() {
                        cut_text(
                            ui,
                            pos2(rect.left(), middle),
                            &at.to_string(),
                            font::mono(size::MONO_SMALL),
                            colors.text.dim,
                            28.0,
                        );
                    }
                    for (nth, column) in columns.iter().enumerate() {
                        let left = pos2(rect.left() + 32.0 + COLUMN * nth as f32, middle);
                        let cell = Rect::from_min_size(pos2(left.x, rect.top()), vec2(COLUMN, extent::ROW_DENSE));
                        if !ui.is_rect_visible(cell) {
                            continue;
                        }
                        match item {
                            None => {
                                let name = crate::ui::canvas::sentence::title(column);
                                cut_text(ui, left, &name, font::medium(size::SMALL), colors.text.dim, COLUMN - 8.0);
                            }
                            Some(item) => {
                                let value = item.get(column.as_str());
                                let text = value.map(tree::preview).unwrap_or_default();
                                cut_text(ui, left, &text, font::regular(size::SMALL), colors.text.body, COLUMN - 8.0);
                                if place.maps && value.is_some() {
                                    let path = cell_path(root, &way, at - 1, column);
                                    let pressed =
                                        ui.interact(cell, ui.scope_id().with(("cell", at, nth)), Sense::click_and_drag());
                                    let field = crate::ui::canvas::sentence::title(column);
                                    let name = format!("Insert {} · {field} of row {at}", root.title);
                                    pressed.widget_info(|| WidgetInfo::labeled(Role::Button, true, &name));
                                    focus_ring(ui, &pressed, cell.shrink(1.0));
                                    if pressed.hovered() {
                                        ui.painter().rect_stroke(
                                            cell.shrink(1.0),
                                            radius::CHIP,
                                            eframe::egui::Stroke::new(1.0, colors.stroke.strong),
                                            eframe::egui::StrokeKind::Inside,
                                        );
                                    }
                                    let carried = Carried { reference: written(&path), words: field_words(&path) };
                                    if pressed.drag_started() {
                                        pressed.dnd_set_drag_payload(carried.clone());
                                    }
                                    if pressed.clicked() {
                                        asked = Some(carried);
                                    }
                                }
                            }
                        }
                    }
                }
            },
        );
        asked
    }

    fn show_raw(&mut self, ui: &mut Ui, roots: &[Root]) {
        let Some(root) = roots.iter().find(|it| it.name == self.chosen) else { return };
        let value = Arc::clone(&root.value);
        let key = Same(Arc::clone(&root.value));
        match self.raw.get(ui.ctx(), key, tree::is_large(&root.value), move || Raw::of(&value)) {
            Some(raw) => raw.show(ui),
            None => drop(ui.label(dim(ui, "Writing it out…"))),
        }
    }
}

fn cell_path(root: &Root, way: &[Segment], at: usize, column: &str) -> Vec<Segment> {
    let mut path = vec![Segment::Key(root.name.clone())];
    path.extend_from_slice(way);
    path.push(Segment::Index(i64::try_from(at).unwrap_or(0)));
    path.push(Segment::Key(column.to_owned()));
    path
}

fn scroll_id(name: &str) -> Id {
    Id::unique(("inspector viewer", name))
}

/// Where to scroll so that a row is seen; none where it is.
fn offset_to(ui: &Ui, name: &str, row: usize, height: f32) -> Option<f32> {
    let (offset, room): (f32, f32) = ui.data(|it| it.get_temp(scroll_id(name)))?;
    let (top, bottom) = (row as f32 * height, (row + 1) as f32 * height);
    if top < offset {
        Some(top)
    } else if bottom > offset + room {
        Some(bottom - room)
    } else {
        None
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Toggle,
    More,
    Up,
    Down,
    In,
    Out,
}

fn keys(ui: &mut Ui, at: usize) -> Option<(usize, Act)> {
    let keys = [(Key::ArrowUp, Act::Up), (Key::ArrowDown, Act::Down), (Key::ArrowRight, Act::In), (Key::ArrowLeft, Act::Out)];
    keys.into_iter().find(|(key, _)| ui.input_mut(|it| it.consume_key(Modifiers::NONE, *key))).map(|(_, act)| (at, act))
}

fn carried(rows: &[Row], at: usize, roots: &[Root]) -> Option<Carried> {
    let path = tree::segments(rows, at, roots);
    let words = path_words(rows, at, roots, &path);
    (!path.is_empty()).then(|| Carried { reference: written(&path), words })
}

fn path_words(rows: &[Row], at: usize, roots: &[Root], path: &[Segment]) -> String {
    let of = rows.get(at).and_then(|it| roots.get(it.root)).map_or("", |it| it.title.as_str());
    match field_words(path) {
        field if field.is_empty() => of.to_owned(),
        field => format!("{of} · {field}"),
    }
}

/// The mark of a value's type.
fn type_mark(value: &Value) -> char {
    match value {
        Value::Null => icon::MINUS,
        Value::Bool(_) => icon::CHECK_SQUARE,
        Value::Number(_) => icon::HASH,
        Value::String(_) => icon::TEXT_ALIGN_LEFT,
        Value::Array(_) => icon::LIST_DASHES,
        Value::Object(_) => icon::BRACKETS_CURLY,
    }
}

struct Painted {
    response: Response,
    act: Option<Act>,
    insert: bool,
}

#[expect(clippy::too_many_arguments, reason = "a row knows its tree, its place and how it is looked at")]
fn paint_row(
    ui: &mut Ui,
    rows: &[Row],
    at: usize,
    roots: &[Root],
    place: &Place<'_>,
    searched: bool,
    open: bool,
    query: &str,
) -> Painted {
    let colors = theme::colors(ui);
    let row = &rows[at];
    let value = tree::value_of(rows, at, roots);
    let within = value.is_some_and(tree::has_more_within);
    let open = within && (open || searched);
    let name = tree::name_of(row, roots);
    let path = tree::segments(rows, at, roots);
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), extent::ROW_DENSE), Sense::hover());
    let id = Id::unique(("inspector row", place.name, tree::path_of(rows, at, roots), matches!(row.what, What::More(_))));
    let sense = if place.maps { Sense::click_and_drag() } else { Sense::click() };
    let response = ui.interact(rect, id, sense);
    let told = value.map(tree::preview).unwrap_or_default();
    let spoken = match (&row.what, place.maps) {
        (What::More(_), _) => format!("Show {name}"),
        (What::Root, _) => format!("{name}, {}", place.name.to_lowercase()),
        (_, true) => format!("Insert {}", path_words(rows, at, roots, &path)),
        (_, false) => format!("{}: {told}", path_words(rows, at, roots, &path)),
    };
    response.widget_info(|| WidgetInfo::selected(Role::TreeItem, true, open, &spoken));
    if response.hovered() || response.has_focus() {
        ui.painter().rect_filled(rect, radius::CHIP, colors.bg.hover);
    }
    focus_ring(ui, &response, rect.shrink(2.0));
    if response.has_focus() {
        keymap::hold(ui.ctx(), id, false);
    }
    let middle = rect.center().y;
    let mut x = rect.left() + 2.0 + 10.0 * row.depth as f32;
    let caret = Rect::from_min_max(rect.min, pos2(x + 16.0, rect.bottom()));
    if within {
        let mark = if open { icon::CARET_DOWN } else { icon::CARET_RIGHT };
        ui.painter().text(pos2(x + 6.0, middle), Align2::CENTER_CENTER, mark, font::icons(11.0), colors.text.dim);
    }
    if let (false, Some(value), false) = (within, value, matches!(row.what, What::Root)) {
        ui.painter().text(pos2(x + 6.0, middle), Align2::CENTER_CENTER, type_mark(value), font::icons(10.0), colors.text.dim);
    }
    x += 14.0;
    if matches!(row.what, What::Root)
        && let Some(root) = roots.get(row.root)
    {
        let ink = root.hue.ink(colors);
        ui.painter().text(pos2(x + 7.0, middle), Align2::CENTER_CENTER, root.icon, font::icons(13.0), ink.text);
        x += 18.0;
    }
    let weight = if within || matches!(row.what, What::Root) { font::medium(size::SMALL) } else { font::regular(size::SMALL) };
    let room = (rect.right() - x - 8.0).max(0.0);
    let value_words = match (&row.what, roots.get(row.root)) {
        (What::Root, Some(top)) if within => top.origin.to_owned(),
        _ if open => String::new(),
        _ => told.clone(),
    };
    let lit = |text: &str| !query.is_empty() && tree::holds(text, query);
    let key = match &row.what {
        What::Key(key) => key.as_ref(),
        _ => "",
    };
    let most = if matches!(row.what, What::Root) { room } else { room * 0.62 };
    let name_width = ui.painter().layout_no_wrap(name.clone(), weight.clone(), colors.text.dim).size().x.min(most);
    if lit(&name) || lit(key) {
        let hit = Rect::from_min_max(pos2(x - 2.0, rect.top() + 4.0), pos2(x + name_width + 2.0, rect.bottom() - 4.0));
        ui.painter().rect_filled(hit, 2.0, colors.syntax.hit);
    }
    let ink = if lit(&name) || lit(key) {
        colors.syntax.hit_text
    } else if within || matches!(row.what, What::Root) {
        colors.text.strong
    } else {
        colors.text.dim
    };
    let used = cut_text(ui, pos2(x, middle), &name, weight, ink, name_width + 1.0);
    let left = room - used - 8.0;
    if left > 12.0 && !value_words.is_empty() {
        let (font_id, ink) = match (&row.what, value) {
            (What::Root, _) => (font::regular(size::SMALL), colors.text.dim),
            (_, Some(Value::Number(_))) => (font::mono(size::MONO_SMALL), colors.text.body),
            _ if within => (font::regular(size::SMALL), colors.text.dim),
            _ => (font::regular(size::SMALL), colors.text.body),
        };
        let whole = ui.painter().layout_no_wrap(value_words.clone(), font_id.clone(), ink).size().x;
        // Half a word of where it comes from says nothing; the tooltip says it.
        let half = matches!(row.what, What::Root) && whole > left;
        let width = if half { 0.0 } else { whole.min(left) };
        let start = pos2(rect.right() - 8.0 - width, middle);
        if lit(&value_words) && !matches!(row.what, What::Root) {
            let hit = Rect::from_min_max(pos2(start.x - 2.0, rect.top() + 4.0), pos2(rect.right() - 6.0, rect.bottom() - 4.0));
            ui.painter().rect_filled(hit, 2.0, colors.syntax.hit);
            cut_text(ui, start, &value_words, font_id, colors.syntax.hit_text, width + 1.0);
        } else if !half {
            cut_text(ui, start, &value_words, font_id, ink, width + 1.0);
        }
    }
    let on_caret = within && response.interact_pointer_pos().is_some_and(|it| caret.contains(it));
    let mut painted = Painted { act: None, insert: false, response };
    if painted.response.clicked() {
        match &row.what {
            What::More(_) => painted.act = Some(Act::More),
            What::Root => painted.act = Some(Act::Toggle),
            _ if on_caret || !place.maps => painted.act = within.then_some(Act::Toggle),
            _ => painted.insert = true,
        }
    }
    if place.maps
        && let Some(carried) = carried(rows, at, roots).filter(|_| painted.response.drag_started())
    {
        painted.response.dnd_set_drag_payload(carried);
    }
    if let (What::Root, Some(top)) = (&row.what, roots.get(row.root)) {
        painted.response.clone().on_hover_text(format!("{name}: {}", top.origin));
    } else if let Some(value) = value {
        painted.response.clone().on_hover_ui(|ui| {
            ui.label(RichText::new(format!("{name}, {}", tree::type_words(value))).small().color(colors.text.dim));
            ui.label(RichText::new(&told).color(colors.text.strong));
            ui.label(RichText::new(written(&path)).font(font::mono(size::MONO_SMALL)).color(colors.text.dim));
        });
    }
    painted
}
