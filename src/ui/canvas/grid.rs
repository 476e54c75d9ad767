//! The dots of the ground: one picture, repeated by the graphics card, so that they cost nothing.
use eframe::egui::{
    Color32, ColorImage, Mesh, Painter, Pos2, Rect, Shape, TextureHandle, TextureOptions, TextureWrapMode, Ui, pos2,
};

use super::View;
use crate::ui::theme;

/// Points of the canvas between two dots.
const PITCH: f32 = 16.0;
/// Pixels of the picture.
const SIDE: usize = 32;

pub(super) fn paint(ui: &Ui, painter: &Painter, view: &View, rect: Rect) {
    let colors = theme::colors(ui);
    painter.rect_filled(rect, 0.0, colors.bg.canvas);
    // From far away fewer dots, and none where they would be a grey haze.
    let mut pitch = PITCH;
    while pitch * view.zoom < 11.0 {
        pitch *= 2.0;
    }
    if view.zoom < 0.15 {
        return;
    }
    let texture = dots(ui);
    let step = pitch * view.zoom;
    let at = |screen: Pos2| {
        let canvas = (view.to_screen().inverse() * screen).to_vec2() / pitch;
        pos2(canvas.x + 0.5, canvas.y + 0.5)
    };
    let mut mesh = Mesh::with_texture(texture.id());
    let strength = (step / PITCH).clamp(0.6, 1.0);
    mesh.add_rect_with_uv(rect, Rect::from_min_max(at(rect.min), at(rect.max)), colors.bg.grid.gamma_multiply(strength));
    painter.add(Shape::mesh(mesh));
}

fn dots(ui: &Ui) -> TextureHandle {
    let id = eframe::egui::Id::unique("canvas dots");
    if let Some(texture) = ui.data(|it| it.get_temp::<TextureHandle>(id)) {
        return texture;
    }
    let middle = SIDE as f32 / 2.0;
    let pixel = |at: usize| {
        let (x, y) = ((at % SIDE) as f32 + 0.5 - middle, (at / SIDE) as f32 + 0.5 - middle);
        let alpha = (1.9 - x.hypot(y)).clamp(0.0, 1.0);
        Color32::from_white_alpha((alpha * 255.0) as u8)
    };
    let image = ColorImage::new([SIDE, SIDE], (0..SIDE * SIDE).map(pixel).collect());
    let options = TextureOptions { wrap_mode: TextureWrapMode::Repeat, ..TextureOptions::LINEAR };
    let texture = ui.load_texture("canvas dots", image, options);
    ui.data_mut(|it| it.insert_temp(id, texture.clone()));
    texture
}
