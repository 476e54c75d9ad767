//! Times in a value, as a person reads them: where the account is, and where the person is.
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};
use serde_json::Value;

/// Words for a value that is a time: "24 Nov, 09:30 London, 10:30 Berlin". `account` is the zone of the service's account,
/// where it is known; else the zone that the value itself names stands for it. A time that names none is taken to be of the
/// account, or else of the person, and that is said: "24 Nov, 09:30 London (assumed), 10:30 Berlin".
pub(super) fn words(value: &Value, account: Option<&TimeZone>, person: &TimeZone) -> Option<String> {
    let text = value.as_str()?.trim();
    // What is no date is most of what is asked about.
    if text.len() < 16 || text.len() > 40 || !text.as_bytes().first()?.is_ascii_digit() || !text.contains(['T', ' ']) {
        return None;
    }
    let (at, first, assumed) = if let Ok(at) = text.parse::<Timestamp>() {
        (at, account.cloned().unwrap_or_else(|| TimeZone::fixed(offset(text))), "")
    } else {
        let zone = account.unwrap_or(person).clone();
        (zone.to_timestamp(text.parse::<DateTime>().ok()?).ok()?, zone, " (assumed)")
    };
    let (there, here) = (at.to_zoned_datetime(first.clone()), at.to_zoned_datetime(person.clone()));
    let mut words = format!("{} {}{assumed}", there.strftime("%-d %b, %H:%M"), place(&first, at));
    if there.datetime() != here.datetime() {
        let form = if there.date() == here.date() { "%H:%M" } else { "%-d %b, %H:%M" };
        words = format!("{words}, {} {}", here.strftime(form), place(person, at));
    }
    Some(words)
}

/// The offset that is written behind a time.
fn offset(text: &str) -> Offset {
    let sign = text.rfind(['+', '-']).filter(|at| *at > 10);
    let parse = |at: usize| {
        let digits: String = text.get(at + 1..)?.chars().filter(char::is_ascii_digit).take(4).collect();
        let (hours, minutes): (i32, i32) = (digits.get(..2)?.parse().ok()?, digits.get(2..4).unwrap_or("0").parse().ok()?);
        let seconds = hours * 3_600 + minutes * 60;
        Offset::from_seconds(if text.as_bytes().get(at) == Some(&b'-') { -seconds } else { seconds }).ok()
    };
    sign.and_then(parse).unwrap_or(Offset::UTC)
}

/// "Berlin" of "Europe/Berlin"; of a zone without a name its offset.
fn place(zone: &TimeZone, at: Timestamp) -> String {
    match zone.iana_name() {
        Some(name) => name.rsplit('/').next().unwrap_or(name).replace('_', " "),
        None => match zone.to_offset(at) {
            Offset::UTC => "UTC".to_owned(),
            other => format!("UTC{other}"),
        },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_time_is_told_for_both_places() {
        let zone = |name: &str| TimeZone::get(name).unwrap();
        let berlin = zone("Europe/Berlin");
        let of = |text: &str, account: Option<&TimeZone>| words(&json!(text), account, &berlin);
        let told = |words: &str| Some(words.to_owned());
        assert_eq!(of("2026-11-24T09:30:00Z", Some(&zone("Europe/London"))), told("24 Nov, 09:30 London, 10:30 Berlin"));
        assert_eq!(of("2026-11-24T09:30:00Z", None), told("24 Nov, 09:30 UTC, 10:30 Berlin"));
        assert_eq!(of("2026-11-24T10:30:00+01:00", None), told("24 Nov, 10:30 UTC+01"));
        assert_eq!(of("2026-11-24T23:30:00-05:00", None), told("24 Nov, 23:30 UTC-05, 25 Nov, 05:30 Berlin"));
        // Without an offset it is told whose time it is taken to be.
        let london = zone("Europe/London");
        assert_eq!(of("2026-11-24T09:30:00", Some(&london)), told("24 Nov, 09:30 London (assumed), 10:30 Berlin"));
        assert_eq!(of("2026-11-24 09:30", Some(&london)), told("24 Nov, 09:30 London (assumed), 10:30 Berlin"));
        assert_eq!(of("2026-11-24T09:30:00", None), told("24 Nov, 09:30 Berlin (assumed)"));
        for other in ["", "24 Nov", "2026-11-24", "Mira Oakfield from Leeds", "07700 900142 and more", "2026-99-24T09:30:00Z"] {
            assert_eq!(of(other, None), None, "{other}");
        }
        assert_eq!(words(&json!(5), None, &berlin), None);
    }
}
