//! The one question that stands before everything else.
use eframe::egui::{Frame, Id, Key, Margin, Memory, Modal, RichText, Stroke, TextEdit, Ui};

use crate::flow::Each;
use crate::run::RetryFrom;
use crate::ui::ctx::Ctx;
use crate::ui::dialog::{Answer, Dialog};
use crate::ui::files::Ask;
use crate::ui::msg::Msg;
use crate::ui::theme::tokens::{line, radius};
use crate::ui::theme::{self, font};
use crate::ui::widgets::button;

pub(super) fn show(ui: &Ui, ctx: &Ctx<'_>, dialog: &Dialog) {
    let colors = theme::colors(ui);
    let frame = Frame::new()
        .fill(colors.bg.raised)
        .stroke(Stroke::new(line::HAIRLINE, colors.stroke.usual))
        .corner_radius(radius::CARD)
        .shadow(theme::menu_shadow(ui.visuals().dark_mode))
        .inner_margin(Margin::same(16));
    if let Dialog::Path { ask, suggested, wrong } = dialog {
        path(ui, ctx, frame, ask, suggested, wrong.as_deref());
        return;
    }
    if let Dialog::Remove { title, used_by, .. } = dialog {
        let words = if used_by.is_empty() {
            "No flow and no connection that is known here uses it.".to_owned()
        } else {
            format!("It is used by {}. They stay, and work again once it is imported anew.", used_by.join(", "))
        };
        remove(ui, ctx, frame, &format!("Remove {title} from the catalog?"), words);
        return;
    }
    if let Dialog::RemoveAccount { name, used_by, .. } = dialog {
        let words = if used_by.is_empty() {
            "Its secret goes too. No flow is bound to it.".to_owned()
        } else {
            format!("Its secret goes too. It is used by {}: they need another connection then.", used_by.join(", "))
        };
        remove(ui, ctx, frame, &format!("Remove the connection “{name}”?"), words);
        return;
    }
    if let Dialog::RunLive { title, .. } = dialog {
        let words =
            "It begins with the sample of its trigger, and what its steps write is real. You are asked once for each version.";
        confirm(ui, ctx, frame, &format!("Run “{title}” on your real accounts?"), words.to_owned(), ["Not now", "Run it"]);
        return;
    }
    if let Dialog::RunAgain { run, title, how } = dialog {
        let words = if how.from == Some(RetryFrom::Start) {
            "It begins with what its trigger gave then. All its steps are done once more, and what they write is real."
        } else {
            "What was done before that step is taken as done. What comes from there on is done once more, and what it writes is real."
        };
        let title = format!("Run {run} of “{title}” again on your real accounts?");
        confirm(ui, ctx, frame, &title, words.to_owned(), ["Not now", "Run it again"]);
        return;
    }
    if let Dialog::Leave { on, keep } = dialog {
        leave(ui, ctx, frame, *on, *keep);
        return;
    }
    let (title, detail, save, discard) = match dialog {
        Dialog::Path { .. }
        | Dialog::Remove { .. }
        | Dialog::RemoveAccount { .. }
        | Dialog::Leave { .. }
        | Dialog::RunLive { .. }
        | Dialog::RunAgain { .. } => return,
        Dialog::Close { title, .. } => (
            format!("Save “{title}” before it is closed?"),
            "What was changed since it was last saved would be lost.".to_owned(),
            "Save",
            "Close without saving",
        ),
        Dialog::Quit { titles } => {
            let names: Vec<String> = titles.iter().map(|it| format!("“{it}”")).collect();
            let what = if titles.len() == 1 { "a flow".to_owned() } else { format!("{} flows", titles.len()) };
            (format!("Save {what} before leaving?"), format!("Not saved: {}.", names.join(", ")), "Save", "Leave without saving")
        }
    };
    let modal = Modal::new(Id::unique("question")).frame(frame).show(ui.ctx(), |ui| {
        ui.set_width(400.0);
        ui.label(font::title(title).color(colors.text.strong));
        ui.label(RichText::new(detail).color(colors.text.body));
        ui.add_space(8.0);
        ui.horizontal(|ui| {
            let first = button::primary(ui, None, save);
            if ui.memory(Memory::focused).is_none() {
                first.request_focus();
            }
            if first.clicked() {
                ctx.send(Msg::Answer(Answer::Save));
            }
            if button::plain(ui, None, discard).clicked() {
                ctx.send(Msg::Answer(Answer::Discard));
            }
            if button::flat(ui, None, "Cancel").clicked() {
                ctx.send(Msg::Answer(Answer::Cancel));
            }
        });
    });
    if modal.should_close() {
        ctx.send(Msg::Answer(Answer::Cancel));
    }
}

/// What becomes of the flows that are on.
fn leave(ui: &Ui, ctx: &Ctx<'_>, frame: Frame, on: usize, keep: bool) {
    let colors = theme::colors(ui);
    let what = if on == 1 { "A flow is on".to_owned() } else { format!("{on} flows are on") };
    let modal = Modal::new(Id::unique("leave")).frame(frame).show(ui.ctx(), |ui| {
        ui.set_width(440.0);
        ui.label(font::title(format!("{what}: what becomes of it without the window?")).color(colors.text.strong));
        let words = "In the background flows go on, out of sight, until you open the window again or the computer is switched off. \
            Stopped, they miss nothing that can be read later, and go on with the next start.";
        ui.label(RichText::new(words).color(colors.text.body));
        if crate::ui::widgets::switch::on_off(ui, "Do the same from now on", keep).clicked() {
            ctx.send(Msg::Answer(Answer::Keep));
        }
        ui.add_space(8.0);
        ui.horizontal(|ui| {
            let first = button::primary(ui, None, "Keep running");
            if ui.memory(Memory::focused).is_none() {
                first.request_focus();
            }
            if first.clicked() {
                ctx.send(Msg::Answer(Answer::Stay));
            }
            if button::plain(ui, None, "Stop them").clicked() {
                ctx.send(Msg::Answer(Answer::Discard));
            }
            if button::flat(ui, None, "Cancel").clicked() {
                ctx.send(Msg::Answer(Answer::Cancel));
            }
        });
    });
    if modal.should_close() {
        ctx.send(Msg::Answer(Answer::Cancel));
    }
}

/// Whether something is to go.
fn remove(ui: &Ui, ctx: &Ctx<'_>, frame: Frame, title: &str, words: String) {
    confirm(ui, ctx, frame, title, words, ["Keep it", "Remove it"]);
}

/// A question with two answers, of which the first changes nothing.
fn confirm(ui: &Ui, ctx: &Ctx<'_>, frame: Frame, title: &str, words: String, answers: [&str; 2]) {
    let colors = theme::colors(ui);
    let modal = Modal::new(Id::unique("remove")).frame(frame).show(ui.ctx(), |ui| {
        ui.set_width(400.0);
        ui.label(font::title(title).color(colors.text.strong));
        ui.label(RichText::new(words).color(colors.text.body));
        ui.add_space(8.0);
        ui.horizontal(|ui| {
            let first = button::primary(ui, None, answers[0]);
            if ui.memory(Memory::focused).is_none() {
                first.request_focus();
            }
            if first.clicked() {
                ctx.send(Msg::Answer(Answer::Cancel));
            }
            if button::plain(ui, None, answers[1]).clicked() {
                ctx.send(Msg::Answer(Answer::Discard));
            }
        });
    });
    if modal.should_close() {
        ctx.send(Msg::Answer(Answer::Cancel));
    }
}

/// A path to be typed, where the system has no dialog for it.
fn path(ui: &Ui, ctx: &Ctx<'_>, frame: Frame, ask: &Ask, suggested: &str, wrong: Option<&str>) {
    let colors = theme::colors(ui);
    let (title, act) = match ask {
        Ask::Open => ("Open a flow", "Open"),
        Ask::Save { .. } => ("Save the flow", "Save"),
        Ask::Export(_) => ("Export runs", "Export"),
        Ask::Documents => ("Import a service", "Read it"),
        Ask::Watched { each: Each::Row, .. } => ("Choose a table", "Choose it"),
        Ask::Watched { each: Each::File, .. } | Ask::Folder => ("Choose a folder", "Choose it"),
    };
    let text_id = Id::unique("typed path");
    let kept: Option<String> = ui.data(|it| it.get_temp(text_id));
    let fresh = kept.is_none();
    let mut text = kept.unwrap_or_else(|| suggested.to_owned());
    let modal = Modal::new(Id::unique("path")).frame(frame).show(ui.ctx(), |ui| {
        ui.set_width(460.0);
        ui.label(font::title(title).color(colors.text.strong));
        ui.label(RichText::new("This system has no dialog for files. Type the whole path.").color(colors.text.body));
        let field = ui.add(TextEdit::singleline(&mut text).desired_width(f32::INFINITY)).accessible_name("Path of the file");
        if fresh {
            field.request_focus();
        }
        if let Some(words) = wrong {
            ui.label(RichText::new(words).small().color(colors.failed.text));
        }
        ui.add_space(8.0);
        let enter = field.lost_focus() && ui.input(|it| it.key_pressed(Key::Enter));
        ui.horizontal(|ui| {
            let done = button::primary(ui, None, act).clicked() || enter;
            if done {
                ctx.send(Msg::Path(text.clone()));
            }
            if button::flat(ui, None, "Cancel").clicked() {
                ctx.send(Msg::Answer(Answer::Cancel));
            }
            done
        })
        .inner
    });
    let closed = modal.should_close();
    if closed {
        ctx.send(Msg::Answer(Answer::Cancel));
    }
    ui.data_mut(|it| {
        if closed || modal.inner {
            it.remove::<String>(text_id);
        } else {
            it.insert_temp(text_id, text);
        }
    });
}
