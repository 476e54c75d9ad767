//! Numbers and times as a person reads them.
use jiff::Timestamp;
use jiff::tz::TimeZone;

pub(crate) use super::files::sentence;

/// What to do, without what to type into a terminal: a window has buttons for that.
pub(crate) fn without_commands(hint: &str) -> String {
    let mut sentences: Vec<&str> = Vec::new();
    for sentence in hint.split_inclusive(". ") {
        match sentence.split_once(": `flowyard") {
            Some((before, _)) => sentences.extend([before, ". "]),
            None if sentence.contains("`flowyard") => {}
            None => sentences.push(sentence),
        }
    }
    sentences.concat().trim().to_owned()
}

/// From one time to a later one; nothing if it is not later.
pub(crate) fn ms_between(from: Timestamp, to: Timestamp) -> u64 {
    u64::try_from(to.duration_since(from).as_millis()).unwrap_or(0)
}

/// Number and unit apart: `412` `ms`, `0.62` `s`, `2 min 5` `s`.
pub(crate) fn split_milliseconds(ms: u64) -> (String, &'static str) {
    match ms {
        0 => ("<1".to_owned(), "ms"),
        1..=99 => (ms.to_string(), "ms"),
        100..=9_999 => (format!("{}.{:02}", ms / 1_000, ms % 1_000 / 10), "s"),
        10_000..=59_999 => (format!("{}.{}", ms / 1_000, ms % 1_000 / 100), "s"),
        60_000..=3_599_999 => (format!("{} min {}", ms / 60_000, ms % 60_000 / 1_000), "s"),
        _ => (format!("{} h {}", ms / 3_600_000, ms % 3_600_000 / 60_000), "min"),
    }
}

/// `412 ms`, `0.62 s`.
pub(crate) fn milliseconds(ms: u64) -> String {
    let (number, unit) = split_milliseconds(ms);
    format!("{number} {unit}")
}

/// `for 12 s` or `until 14:05` or `until 24 Nov, 08:00`.
pub(crate) fn until(until: Timestamp, now: Timestamp) -> String {
    let left = ms_between(now, until);
    if left < 60_000 {
        return format!("for {} s", left.div_ceil(1_000));
    }
    let zone = TimeZone::system();
    let at = until.to_zoned_datetime(zone.clone());
    if at.date() == now.to_zoned_datetime(zone).date() {
        at.strftime("until %H:%M").to_string()
    } else {
        at.strftime("until %-d %b, %H:%M").to_string()
    }
}

/// `just now`, `12 min ago`, `3 days ago`.
pub(crate) fn ago(at: Timestamp, now: Timestamp) -> String {
    match roughly(ms_between(at, now)) {
        None => "just now".to_owned(),
        Some(words) => format!("{words} ago"),
    }
}

/// `in a moment`, `in 19 min`, `in 23 h`.
pub(crate) fn ahead(at: Timestamp, now: Timestamp) -> String {
    match roughly(ms_between(now, at)) {
        None => "in a moment".to_owned(),
        Some(words) => format!("in {words}"),
    }
}

/// None for less than a minute.
fn roughly(ms: u64) -> Option<String> {
    let minutes = ms / 60_000;
    Some(match minutes {
        0 => return None,
        1..60 => format!("{minutes} min"),
        60..2_880 => format!("{} h", minutes / 60),
        _ => format!("{} days", minutes / 1_440),
    })
}

/// `09:42:18`.
pub(crate) fn clock(at: Timestamp) -> String {
    at.to_zoned_datetime(TimeZone::system()).strftime("%H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan as _;

    use super::*;

    #[test]
    fn durations_are_as_exact_as_a_person_needs() {
        for (ms, words) in [
            (0, "<1 ms"),
            (2, "2 ms"),
            (412, "0.41 s"),
            (2_534, "2.53 s"),
            (12_340, "12.3 s"),
            (125_000, "2 min 5 s"),
            (7_500_000, "2 h 5 min"),
        ] {
            assert_eq!(milliseconds(ms), words);
        }
    }

    #[test]
    fn times_past_and_to_come_are_said_roughly() {
        let now = Timestamp::from_second(1_764_000_000).unwrap();
        let at = |seconds: i64| now.checked_add(seconds.seconds()).unwrap();
        for (seconds, words) in [(-5, "just now"), (-720, "12 min ago"), (-7_300, "2 h ago"), (-400_000, "4 days ago")] {
            assert_eq!(ago(at(seconds), now), words);
        }
        assert_eq!([30, 1_150, 82_900].map(|it| ahead(at(it), now)), ["in a moment", "in 19 min", "in 23 h"]);
    }

    #[test]
    fn a_wait_says_how_long_or_until_when() {
        let now = Timestamp::from_second(1_764_000_000).unwrap();
        let later = |seconds: i64| now.checked_add(seconds.seconds()).unwrap();
        assert_eq!(until(later(12), now), "for 12 s");
        assert!(until(later(3 * 86_400), now).starts_with("until "));
        assert_eq!(ms_between(later(5), now), 0);
    }
}
