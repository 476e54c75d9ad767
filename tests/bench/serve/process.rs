//! What a process uses, from `/proc`; nothing where there is none.
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::Fallible;

/// What a process used so far.
#[derive(Default)]
pub(crate) struct Usage {
    pub(crate) cpu_s: Option<f64>,
    pub(crate) resident_mb: Option<f64>,
    /// Without mapped files.
    pub(crate) anonymous_mb: Option<f64>,
    /// The most that was resident.
    pub(crate) peak_mb: Option<f64>,
}

impl Usage {
    pub(crate) fn of(pid: u32) -> Self {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let kib = |name: &str| -> Option<f64> {
            let line = status.lines().find_map(|it| it.strip_prefix(name))?;
            let number: f64 = line.trim_start_matches(':').split_whitespace().next()?.parse().ok()?;
            Some((number / 102.4).round() / 10.0)
        };
        Self { cpu_s: cpu(pid), resident_mb: kib("VmRSS"), anonymous_mb: kib("RssAnon"), peak_mb: kib("VmHWM") }
    }
}

fn cpu(pid: u32) -> Option<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in brackets may hold anything; what follows it is fixed, `utime` and `stime` are the 12th and 13th.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks: f64 = fields.get(11)?.parse::<f64>().ok()? + fields.get(12)?.parse::<f64>().ok()?;
    Some(ticks / 100.0)
}

/// How often a second this disk makes 4 KiB durable, one after the other.
pub(crate) fn syncs(dir: &Path, time: Duration) -> Fallible<f64> {
    let mut file = fs::File::create(dir.join("syncs"))?;
    let page = [7; 4096];
    let (begun, mut count) = (Instant::now(), 0_u32);
    while begun.elapsed() < time {
        file.write_all(&page)?;
        file.sync_data()?;
        count += 1;
    }
    Ok(f64::from(count) / begun.elapsed().as_secs_f64())
}
