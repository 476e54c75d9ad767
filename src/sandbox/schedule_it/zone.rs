//! Dates as Schedule it writes them: `YYYY-MM-DD HH:MM:SS`, in the zone of the workspace.
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// Reads a date; none if it is not written so.
pub(super) fn read(text: &str) -> Option<DateTime> {
    let shaped = text.len() == 19 && text.as_bytes().get(10) == Some(&b' ');
    if shaped { DateTime::strptime("%Y-%m-%d %H:%M:%S", text).ok() } else { None }
}

/// The same moment in UTC, empty if there is none.
pub(super) fn utc(text: &str, zone: &TimeZone) -> String {
    let at = read(text).and_then(|it| zone.to_zoned_datetime(it).ok());
    at.map(|it| it.timestamp().strftime("%Y-%m-%d %H:%M:%S").to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_in_one_form_only() {
        assert!(read("2026-03-02 09:30:00").is_some());
        for text in ["", "2026-03-02", "2026-03-02T09:30:00", "2026-03-02 09:30", "2026-02-30 09:30:00", "2026-03-02 25:30:00"] {
            assert!(read(text).is_none(), "{text}");
        }
        let zone = TimeZone::get("America/New_York").unwrap();
        assert_eq!(utc("2026-03-02 09:30:00", &zone), "2026-03-02 14:30:00");
        assert_eq!(utc("2026-07-02 09:30:00", &zone), "2026-07-02 13:30:00");
    }
}
