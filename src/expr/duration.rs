//! Lengths of time.
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

/// Text that is no length of time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct DurationError(pub String);

/// A length of time: `2 days`, `1 h 30 min`, `-2 hours`, `3 days ago`, ISO 8601 `P1DT2H` and `PT15M`, or a number of seconds.
///
/// Days, weeks, months and years stay what they are, so that adding them follows the calendar; [`later`] adds.
///
/// # Errors
/// Text that is none of these, or is longer than time itself (about 20,000 years).
pub fn parse_duration(text: &str) -> Result<Span, DurationError> {
    let trimmed = text.trim();
    let shown: String = trimmed.chars().take(40).collect();
    let wrong =
        || DurationError(format!("'{shown}' is no length of time; write it like '2 days', '1 h 30 min', 'PT15M', or as seconds"));
    if trimmed.is_empty() || trimmed.len() > 200 {
        return Err(wrong());
    }
    if let Ok(seconds) = trimmed.parse::<i64>() {
        return Span::new().try_seconds(seconds).map_err(|_error| wrong());
    }
    if let Ok(seconds) = trimmed.parse::<f64>() {
        let whole = seconds.trunc();
        let rest = ((seconds - whole) * 1e9).round();
        if !seconds.is_finite() || seconds.abs() > 1e12 {
            return Err(wrong());
        }
        return Span::new().try_seconds(whole as i64).and_then(|it| it.try_nanoseconds(rest as i64)).map_err(|_error| wrong());
    }
    let plain = trimmed.replace(" and ", " ");
    plain.parse::<Span>().map_err(|_error| wrong())
}

/// The instant after a length of time, by the calendar of a zone: a day later is the same time on the next day, though that
/// may be 23 or 25 hours away. A month after the 31st is the last day of the next month.
///
/// # Errors
/// An instant beyond the year 9999.
pub fn later(start: Timestamp, length: &Span, zone: &TimeZone) -> Result<Timestamp, DurationError> {
    start
        .to_zoned_datetime(zone.clone())
        .checked_add(*length)
        .map(|it| it.timestamp())
        .map_err(|_error| DurationError("that is beyond the years that dates can have".to_owned()))
}
