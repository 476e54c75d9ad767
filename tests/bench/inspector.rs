//! What a keystroke in a field costs, in milliseconds of processor time, in a whole window of 1600 × 900: the frame that it
//! comes in, and the one that shows what comes of it, while the step hangs on a sample of a size. And how long the longest frame
//! was, by the clock, while the step was opened. One JSON line each.
//!
//! `cargo bench --bench inspector`
#![expect(clippy::print_stdout, reason = "its output is its purpose")]

use std::time::{Duration, Instant};

use flowyard::ui::measure::Typing;
use serde_json::json;

const WARM_UP: u32 = 10;
const KEYS: u32 = 100;

fn main() -> std::io::Result<()> {
    for megabytes in [0, 1, 5, 50] {
        let mut typing = Typing::new(megabytes * 1024 * 1024)?;
        let open = typing.opened();
        let (mut whole, mut worst) = (Duration::ZERO, Duration::ZERO);
        let before = typing.typed();
        for key in 0..WARM_UP + KEYS {
            let start = processor_time();
            std::hint::black_box(typing.key());
            let took = processor_time().saturating_sub(start);
            if key >= WARM_UP {
                whole += took;
                worst = worst.max(took);
            }
        }
        let ms = |it: Duration| (it.as_secs_f64() * 1e5).round() / 100.0;
        println!(
            "{}",
            json!({
                "sample_mb": megabytes, "typed": typing.typed() - before, "key_ms": ms(whole / KEYS), "worst_ms": ms(worst),
                "open_worst_ms": ms(open),
            })
        );
    }
    Ok(())
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
