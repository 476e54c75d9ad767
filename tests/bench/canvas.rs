//! What a frame of the canvas costs, in milliseconds of processor time, at 1600 × 900: painting into shapes, and making
//! triangles of them. The pointer moves and what is seen moves along, so that nothing stays as it was. One JSON line each.
//!
//! `cargo bench --bench canvas`
#![expect(clippy::print_stdout, reason = "its output is its purpose")]

use std::time::{Duration, Instant};

use flowyard::ui::measure::Canvas;
use serde_json::json;

const WARM_UP: u32 = 20;
const FRAMES: u32 = 120;

fn main() {
    for nodes in [100, 1_000, 5_000] {
        for (what, zoom) in [("full size", Some(1.0)), ("half size", Some(0.5)), ("all in view", None)] {
            let mut canvas = Canvas::new(nodes);
            canvas.look(zoom);
            let (mut paint, mut tessellate, mut worst) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
            for frame in 0..WARM_UP + FRAMES {
                let start = processor_time();
                let shapes = canvas.paint();
                let painted = processor_time();
                std::hint::black_box(canvas.tessellate(shapes));
                let done = processor_time();
                if frame >= WARM_UP {
                    paint += painted.saturating_sub(start);
                    tessellate += done.saturating_sub(painted);
                    worst = worst.max(done.saturating_sub(start));
                }
            }
            let drawn = canvas.drawn();
            let ms = |it: Duration| (it.as_secs_f64() * 1e5 / f64::from(FRAMES)).round() / 100.0;
            println!(
                "{}",
                json!({
                    "nodes": nodes, "view": what, "cards": drawn.cards, "wires": drawn.wires,
                    "paint_ms": ms(paint), "tessellate_ms": ms(tessellate), "frame_ms": ms(paint + tessellate),
                    "worst_ms": (worst.as_secs_f64() * 1e5).round() / 100.0,
                })
            );
        }
    }
}

/// Of this thread where the system tells, so that a busy machine does not count; else the time that passed.
fn processor_time() -> Duration {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanos = told.and_then(|it| it.split(' ').next()?.parse().ok());
    nanos.map_or_else(|| START.with(Instant::elapsed), Duration::from_nanos)
}

std::thread_local! {
    static START: Instant = Instant::now();
}
