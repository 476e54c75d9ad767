//! Lists and texts over the canvas: what to add, what to connect to, names, and the menus of the right mouse button.
use std::collections::BTreeSet;
use std::sync::Arc;

use eframe::egui::{Area, Button, Frame, Key, Margin, Modifiers, Order, Pos2, Response, Stroke, TextEdit, Ui};

use super::add::{self, Choice, Offer, What};
use super::group::fresh_note;
use super::rewire;
use super::view::{AddMenu, LinkMenu, Named, Renaming};
use super::{Act, Stage, View, kind};
use crate::flow::{Edge, Edit, Flow, Group, Node, NodeId, Note, PortId};
use crate::ui::command::UiCommand;
use crate::ui::theme;
use crate::ui::theme::tokens::{line, radius};
use crate::ui::widgets::menu_look;
use crate::ui::widgets::pick::{Pick, Row};

/// Opens the list of what can be added.
pub(super) fn open(stage: &mut Stage<'_>, at: Pos2, from: Option<(NodeId, PortId)>, splice: Option<Edge>) {
    let menu = add_menu(stage.scene.flow, stage.scene.catalog, at, from, splice);
    stage.view.add = Some(menu);
}

/// The list of what can be added at a place.
pub(crate) fn add_menu(
    flow: &Flow,
    catalog: &crate::catalog::Catalog,
    at: Pos2,
    from: Option<(NodeId, PortId)>,
    splice: Option<Edge>,
) -> AddMenu {
    let behind = from.as_ref().map(|it| &it.0).or_else(|| splice.as_ref().map(|it| &it.from));
    let offer = match behind {
        Some(node) => Offer::behind(flow, node, catalog),
        None => Offer::anything(),
    };
    AddMenu { at, from, splice, query: String::new(), offer, found: None, chosen: 0, fresh: true }
}

/// Opens a name or a note for editing.
pub(super) fn rename(stage: &mut Stage<'_>, what: Named) {
    stage.view.renaming = renaming(stage.scene.flow, what);
}

/// What editing a name begins with.
pub(crate) fn renaming(flow: &Flow, what: Named) -> Option<Renaming> {
    let text = match &what {
        Named::Node(id) => flow.nodes.get(id)?.name.clone(),
        Named::Note(id) => flow.notes.get(id)?.text.clone(),
        Named::Group(id) => flow.groups.get(id)?.title.clone(),
    };
    Some(Renaming { what, text, fresh: true })
}

pub(super) fn show(ui: &mut Ui, stage: &mut Stage<'_>) {
    if let Some(menu) = stage.view.add.take() {
        stage.view.add = show_add(ui, stage, menu);
    }
    if let Some(menu) = stage.view.link.take() {
        stage.view.link = show_link(ui, stage, menu);
    }
    if let Some(renaming) = stage.view.renaming.take() {
        stage.view.renaming = show_renaming(ui, stage, renaming);
    }
}

// ---- adding

fn show_add(ui: &Ui, stage: &mut Stage<'_>, mut menu: AddMenu) -> Option<AddMenu> {
    if menu.found.as_ref().is_none_or(|it| it.0 != menu.query) {
        let found = add::choices(&menu.query, &menu.offer, stage.scene.catalog);
        menu.found = Some((menu.query.clone(), found));
    }
    let found: Vec<Choice> = menu.found.as_ref().map(|it| it.1.clone()).unwrap_or_default();
    let colors = theme::colors(ui);
    let rows: Vec<Row<'_>> = found
        .iter()
        .map(|it| Row { icon: it.face.icon, ink: it.face.hue.ink(colors), title: &it.title, owner: &it.owner })
        .collect();
    let at = stage.anchor.unwrap_or_else(|| stage.view.to_screen() * menu.at);
    let hint = match (&menu.from, &menu.splice) {
        (Some((node, port)), _) => {
            let title = stage.board.spot(node).map(super::Spot::title).unwrap_or_default();
            let word = stage.scene.flow.nodes.get(node).map(|it| kind::port_word(&it.kind, port)).unwrap_or_default();
            if word.is_empty() { format!("What follows {title}?") } else { format!("What follows {title} ({word})?") }
        }
        (None, Some(_)) => "What goes into this wire?".to_owned(),
        (None, None) => "Add a trigger, a step or a note".to_owned(),
    };
    let list = Pick {
        id: stage.id.with("add"),
        at,
        width: 340.0,
        hint: &hint,
        name: "Find a step to add",
        nothing: "Nothing is called that. Try the name of a record, such as contact or event.",
    };
    let mut query = std::mem::take(&mut menu.query);
    let (mut chosen, mut fresh) = (menu.chosen, menu.fresh);
    let listed = list.show(ui, stage.view.rect, &mut query, &mut chosen, &mut fresh, &rows);
    (menu.query, menu.chosen, menu.fresh) = (query, chosen, fresh);
    if let Some(choice) = listed.chosen.and_then(|it| found.get(it)) {
        add_choice(stage, &menu, &choice.what);
        return None;
    }
    (!listed.closed).then_some(menu)
}

fn add_choice(stage: &mut Stage<'_>, menu: &AddMenu, what: &What) {
    let flow = stage.scene.flow;
    let at = super::snap::on_grid(menu.at.to_vec2());
    let at = [at.x as i32, at.y as i32];
    if *what == What::Note {
        let id = fresh_note(flow);
        let note = Note { text: String::new(), at, size: [168, 80] };
        stage.ask(Some(Edit::PutNote { id: id.clone(), note: Some(note) }));
        stage.view.selection.clear();
        stage.view.selection.notes.insert(id.clone());
        stage.view.renaming = Some(Renaming { what: Named::Note(id), text: String::new(), fresh: true });
        return;
    }
    let Some(made) = add::make(what, flow, stage.scene.catalog, at) else { return };
    let mut edits = made.edits;
    if let Some((from, port)) = &menu.from {
        edits.push(Edit::Connect(Edge { from: from.clone(), port: port.clone(), to: made.id.clone() }));
    }
    if let Some(edge) = &menu.splice {
        edits.extend(rewire::splice(flow, edge, &made.id, made.out.as_ref()));
    }
    // It is in the same group as what it hangs on.
    let beside = menu.from.as_ref().map(|it| &it.0).or_else(|| menu.splice.as_ref().map(|it| &it.from));
    if let Some(id) = beside.and_then(|it| flow.group_of(it))
        && let Some(group) = flow.groups.get(id)
    {
        let nodes = group.nodes.iter().cloned().chain([made.id.clone()]).collect();
        edits.push(Edit::PutGroup { id: id.clone(), group: Some(Group { nodes, ..group.clone() }) });
    }
    stage.ask(rewire::one_step(edits, |_| "Add step".to_owned()));
    stage.view.selection.clear();
    stage.view.selection.nodes.insert(made.id.clone());
    stage.view.focus = Some(made.id);
}

// ---- connecting by keyboard

/// Opens the list of steps that one can be connected to.
pub(crate) fn link_menu(view: &View) -> Option<LinkMenu> {
    let from = view.selection.only_node()?.clone();
    Some(LinkMenu { from, port: 0, query: String::new(), chosen: 0, fresh: true })
}

fn show_link(ui: &Ui, stage: &mut Stage<'_>, mut menu: LinkMenu) -> Option<LinkMenu> {
    let board = Arc::clone(stage.board);
    let flow = Arc::clone(stage.scene.flow);
    let from = board.spot(&menu.from)?;
    if from.ports.is_empty() {
        return None;
    }
    if ui.input_mut(|it| it.consume_key(Modifiers::NONE, Key::Tab)) {
        menu.port += 1;
    }
    menu.port %= from.ports.len();
    let port = &from.ports[menu.port];
    let query = menu.query.to_lowercase();
    let linked: BTreeSet<&NodeId> = flow.edges_from(&menu.from).filter(|it| it.port == port.id).map(|it| &it.to).collect();
    let mut targets: Vec<(&super::Spot, bool)> = Vec::new();
    for spot in &board.spots {
        let is_linked = linked.contains(&spot.id);
        if spot.title().to_lowercase().contains(&query) && (is_linked || rewire::may_connect(&flow, &menu.from, &spot.id)) {
            targets.push((spot, is_linked));
        }
    }
    targets.sort_by_key(|it| !it.1);
    let colors = theme::colors(ui);
    let rows: Vec<Row<'_>> = targets
        .iter()
        .map(|(spot, is_linked)| Row {
            icon: spot.face.icon,
            ink: spot.face.hue.ink(colors),
            title: spot.title(),
            owner: if *is_linked { "Disconnect" } else { "Connect" },
        })
        .collect();
    let way = if port.word.is_empty() { "way out" } else { port.word.as_str() };
    let more = if from.ports.len() > 1 { ". Tab: another way out" } else { "" };
    let hint = format!("From {} ({way}) to…{more}", from.title());
    let list = Pick {
        id: stage.id.with("link"),
        at: stage.anchor.unwrap_or_else(|| stage.view.to_screen() * from.rect().right_top()),
        width: 340.0,
        hint: &hint,
        name: "Find a step to connect to",
        nothing: "There is no step of that name that this one can lead to.",
    };
    let (mut text, mut chosen, mut fresh) = (std::mem::take(&mut menu.query), menu.chosen, menu.fresh);
    let listed = list.show(ui, stage.view.rect, &mut text, &mut chosen, &mut fresh, &rows);
    (menu.query, menu.chosen, menu.fresh) = (text, chosen, fresh);
    if let Some((spot, is_linked)) = listed.chosen.and_then(|it| targets.get(it)) {
        let edge = Edge { from: menu.from.clone(), port: port.id.clone(), to: spot.id.clone() };
        stage.ask(Some(if *is_linked { Edit::Disconnect(edge) } else { Edit::Connect(edge) }));
        stage.view.focus = Some(menu.from);
        return None;
    }
    (!listed.closed).then_some(menu)
}

// ---- names

fn show_renaming(ui: &Ui, stage: &mut Stage<'_>, mut renaming: Renaming) -> Option<Renaming> {
    let board = stage.board;
    let (rect, several) = match &renaming.what {
        Named::Node(id) => (board.spot(id)?.rect(), false),
        Named::Note(id) => (board.sheets.iter().find(|it| it.id == *id)?.rect, true),
        Named::Group(id) => (board.frame(id)?.rect, false),
    };
    let colors = theme::colors(ui);
    let screen = stage.view.to_screen() * rect;
    let width = screen.width().clamp(168.0, 420.0);
    let frame = Frame::new()
        .fill(colors.bg.raised)
        .stroke(Stroke::new(line::FOCUS, colors.accent.ring))
        .corner_radius(radius::BASE)
        .inner_margin(Margin::same(6));
    let just_opened = renaming.fresh;
    let shown = Area::new(stage.id.with("rename")).order(Order::Foreground).fixed_pos(stage.anchor.unwrap_or(screen.min)).show(
        ui.ctx(),
        |ui| {
            frame
                .show(ui, |ui| {
                    ui.set_width(width - 12.0);
                    let text = &mut renaming.text;
                    let edit = if several { TextEdit::multiline(text).desired_rows(3) } else { TextEdit::singleline(text) };
                    let name = if several { "Text of the note" } else { "Name" };
                    let hint = if several { "A title, then what others should know" } else { "A name" };
                    let edit = edit.hint_text(hint).desired_width(f32::INFINITY).frame(Frame::NONE);
                    let response = ui.add(edit).accessible_name(name);
                    if renaming.fresh {
                        response.request_focus();
                        renaming.fresh = false;
                    }
                    response
                })
                .inner
        },
    );
    let field = shown.inner;
    let escape = ui.input(|it| it.key_pressed(Key::Escape));
    let done = !just_opened && (field.lost_focus() || shown.response.clicked_elsewhere());
    if escape {
        return None;
    }
    if !done {
        return Some(renaming);
    }
    let flow = stage.scene.flow;
    let text = renaming.text.trim_end().to_owned();
    let edit = match renaming.what {
        Named::Node(id) if flow.nodes.get(&id).is_some_and(|it| it.name != text) && !text.is_empty() => {
            Some(Edit::RenameNode { id, name: text })
        }
        Named::Note(id) => flow.notes.get(&id).filter(|it| it.text != text).map(|note| {
            let note = Note { text, ..note.clone() };
            Edit::PutNote { id, note: Some(note) }
        }),
        Named::Group(id) => flow.groups.get(&id).filter(|it| it.title != text).map(|group| {
            let group = Group { title: text, ..group.clone() };
            Edit::PutGroup { id, group: Some(group) }
        }),
        Named::Node(_) => None,
    };
    stage.ask(edit);
    None
}

// ---- the right mouse button

/// The menu of what is selected.
pub(super) fn on_things(response: &Response, stage: &mut Stage<'_>) {
    response.context_menu(|ui| {
        menu_look(ui, 240.0);
        let selection = &stage.view.selection;
        let mut commands = Vec::new();
        if selection.only_node().is_some() {
            commands.extend([Some(UiCommand::TestStep), Some(UiCommand::TestToHere), None]);
        }
        commands.extend([Some(UiCommand::Rename), Some(UiCommand::ToggleMute), None]);
        if selection.nodes.len() > 1 || !selection.groups.is_empty() {
            commands.push(Some(UiCommand::Group));
        }
        if !selection.groups.is_empty() {
            commands.extend([Some(UiCommand::ToggleCollapse), Some(UiCommand::Ungroup)]);
        }
        commands.extend([
            Some(UiCommand::Cut),
            Some(UiCommand::Copy),
            Some(UiCommand::Duplicate),
            None,
            Some(UiCommand::SelectUpstream),
            Some(UiCommand::SelectDownstream),
            Some(UiCommand::FitSelection),
            None,
            Some(UiCommand::Delete),
            Some(UiCommand::DeleteAndHeal),
        ]);
        list(ui, stage, &commands);
    });
}

/// The menu of the ground, or of the wire under the pointer.
pub(super) fn on_ground(response: &Response, stage: &mut Stage<'_>) {
    response.context_menu(|ui| {
        menu_look(ui, 240.0);
        let wire = stage.view.selection.edges.first().cloned();
        let commands: &[Option<UiCommand>] = if wire.is_some() {
            &[Some(UiCommand::Delete)]
        } else {
            &[
                Some(UiCommand::AddNote),
                Some(UiCommand::Paste),
                None,
                Some(UiCommand::SelectAll),
                Some(UiCommand::TidyUp),
                Some(UiCommand::FitAll),
            ]
        };
        let words = if wire.is_some() { "Put a step here…" } else { "Add a step…" };
        if ui.button(words).clicked() {
            let at = stage.view.menu_at.unwrap_or_else(|| super::pointer::middle(stage));
            open(stage, at, None, wire);
            ui.close();
        }
        list(ui, stage, commands);
    });
}

fn list(ui: &mut Ui, stage: &mut Stage<'_>, commands: &[Option<UiCommand>]) {
    for command in commands {
        match command {
            None => {
                ui.separator();
            }
            Some(command) => {
                let keys = stage.scene.keys.words(ui.ctx(), *command);
                if ui.add(Button::new(command.title()).shortcut_text(keys)).clicked() {
                    stage.acts.push(Act::Do(*command));
                    ui.close();
                }
            }
        }
    }
}

/// What a muted or unmuted node would be.
pub(crate) fn toggled_mute(flow: &Flow, nodes: &BTreeSet<NodeId>) -> Option<Edit> {
    let found: Vec<(&NodeId, &Arc<Node>)> = nodes.iter().filter_map(|it| flow.nodes.get_key_value(it)).collect();
    let muted = !found.iter().all(|it| it.1.muted);
    let edits: Vec<Edit> =
        found.iter().filter(|it| it.1.muted != muted).map(|(id, _)| Edit::SetMuted { id: (*id).clone(), muted }).collect();
    rewire::one_step(edits, |count| format!("{} {count} steps", if muted { "Mute" } else { "Unmute" }))
}
