//! Numbers and times as a person reads them.
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SpanRelativeTo, Timestamp};

use crate::expr::parse_duration;

/// `3 ms`, `1.2 s`, `2 min 5 s`.
pub(super) fn duration(it: Duration) -> String {
    let ms = it.as_millis();
    match ms {
        0 => "<1 ms".to_owned(),
        1..=999 => format!("{ms} ms"),
        1_000..=59_999 => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
        60_000..=3_599_999 => format!("{} min {} s", ms / 60_000, ms % 60_000 / 1_000),
        _ => format!("{} h {} min", ms / 3_600_000, ms % 3_600_000 / 60_000),
    }
}

/// A length of time as a person writes it: `200 ms`, `5 seconds`, or a number of seconds.
///
/// # Errors
/// Says how to write it.
pub(super) fn length(text: &str) -> Result<Duration, String> {
    let span = parse_duration(text).map_err(|error| error.to_string())?;
    let length = span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|error| error.to_string())?;
    Duration::try_from(length).map_err(|_negative| format!("{text} is before now"))
}

/// From one time to a later one; nothing if it is not later.
pub(super) fn between(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or_default()
}

/// In this machine's zone, to the second.
pub(super) fn local(at: Timestamp) -> String {
    at.to_zoned_datetime(TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// `1 item`, `2 items`.
pub(super) fn count(count: usize, one: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {one}s") }
}

/// `312 B`, `4.1 kB`, `2.0 MB`.
pub(super) fn size(bytes: u64) -> String {
    match bytes {
        0..=999 => format!("{bytes} B"),
        1_000..=999_999 => format!("{}.{} kB", bytes / 1_000, bytes % 1_000 / 100),
        _ => format!("{}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_as_exact_as_a_person_needs() {
        let table = [(0, "<1 ms"), (34, "34 ms"), (1_250, "1.2 s"), (125_000, "2 min 5 s"), (7_500_000, "2 h 5 min")];
        for (ms, words) in table {
            assert_eq!(duration(Duration::from_millis(ms)), words);
        }
    }

    #[test]
    fn counts_agree_with_their_noun() {
        assert_eq!(count(1, "step"), "1 step");
        assert_eq!(count(0, "step"), "0 steps");
    }

    #[test]
    fn sizes_are_rounded_down() {
        assert_eq!([size(999), size(4_199), size(2_000_000)], ["999 B", "4.1 kB", "2.0 MB"]);
    }
}
