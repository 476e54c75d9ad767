//! Instants from text.
use jiff::Timestamp;
use jiff::civil::{DateTime, Time};
use jiff::fmt::temporal::DateTimeParser;
use jiff::tz::{AmbiguousOffset, TimeZone};

use super::zone::parse_zone;

/// Text that is no instant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TimeError {
    /// It is written in no known way, or is no date at all.
    #[error("{message}")]
    Unreadable {
        /// What is wrong, and how a time is written.
        message: String,
    },
    /// The clocks were set forward over it: no clock in the zone ever showed it.
    #[error(
        "{local} does not exist in {zone}: the clocks are set forward over it; \
         meant is either {before} (the clock before) or {after} (the clock after)"
    )]
    Skipped {
        /// The local time.
        local: String,
        /// The zone's name.
        zone: String,
        /// Read with the offset from before the change, RFC 3339.
        before: String,
        /// Read with the offset from after the change, RFC 3339.
        after: String,
    },
    /// The clocks were set back over it: the zone's clocks showed it twice.
    #[error(
        "{local} happens twice in {zone}: the clocks are set back over it; \
         meant is either {before} (the first) or {after} (the second)"
    )]
    Repeated {
        /// The local time.
        local: String,
        /// The zone's name.
        zone: String,
        /// The first of the two, RFC 3339.
        before: String,
        /// The second of the two, RFC 3339.
        after: String,
    },
}

/// An instant from text: RFC 3339 with an offset; a local time such as `2026-11-23 09:30:00` or a date alone (its midnight), in
/// the zone; either with a zone of its own behind it (`…[Europe/London]`); or whole milliseconds since 1970.
///
/// # Errors
/// Text in another form, and a local time that a change of clocks skips or repeats.
pub fn parse_time(text: &str, zone: &TimeZone) -> Result<Timestamp, TimeError> {
    read(text, zone).map(|(instant, _)| instant)
}

/// An instant, and the zone that the text itself names.
pub(super) fn read(text: &str, zone: &TimeZone) -> Result<(Timestamp, Option<TimeZone>), TimeError> {
    let text = text.trim();
    let shown: String = text.chars().take(60).collect();
    let wrong = |why: &str| TimeError::Unreadable { message: format!("'{shown}' is no date or time{why}") };
    if text.is_empty() || text.len() > 200 {
        return Err(wrong(""));
    }
    let digits = text.strip_prefix('-').unwrap_or(text);
    // Eight digits are a date (`20261123`), not milliseconds.
    if digits.bytes().all(|it| it.is_ascii_digit()) && digits.len() != 8 {
        let instant = text.parse().ok().and_then(|it| Timestamp::from_millisecond(it).ok());
        return instant.map(|it| (it, None)).ok_or_else(|| wrong("; it is too many milliseconds"));
    }
    static PARSER: DateTimeParser = DateTimeParser::new();
    let Ok(pieces) = PARSER.parse_pieces(text) else {
        return Err(wrong("; write it like '2026-11-23T09:30:00Z' or '2026-11-23 09:30', or read it with `parse_date`"));
    };
    let named = match pieces.time_zone_annotation() {
        None => None,
        Some(annotation) => match annotation.kind() {
            jiff::fmt::temporal::TimeZoneAnnotationKind::Named(name) => {
                Some(parse_zone(name.as_str()).map_err(|error| TimeError::Unreadable { message: error.to_string() })?)
            }
            jiff::fmt::temporal::TimeZoneAnnotationKind::Offset(offset) => Some(TimeZone::fixed(*offset)),
            _ => None,
        },
    };
    let local = DateTime::from_parts(pieces.date(), pieces.time().unwrap_or(Time::midnight()));
    if let Some(offset) = pieces.to_numeric_offset() {
        let instant = offset.to_timestamp(local).map_err(|_error| wrong("; it is out of range"))?;
        return Ok((instant, named));
    }
    let zone = named.as_ref().unwrap_or(zone);
    let instant = match pieces.time() {
        Some(_) => at_local(local, zone)?,
        // A day without a midnight begins when it begins.
        None => zone.to_ambiguous_timestamp(local).compatible().map_err(|_error| wrong("; it is out of range"))?,
    };
    Ok((instant, named))
}

/// The instant at which the clocks of a zone show a time.
pub(super) fn at_local(local: DateTime, zone: &TimeZone) -> Result<Timestamp, TimeError> {
    let out_of_range = |_| TimeError::Unreadable { message: format!("{local} is out of range") };
    let found = zone.to_ambiguous_timestamp(local);
    let (before, after, skipped) = match found.offset() {
        AmbiguousOffset::Unambiguous { .. } => return found.unambiguous().map_err(out_of_range),
        AmbiguousOffset::Gap { before, after } => (before, after, true),
        AmbiguousOffset::Fold { before, after } => (before, after, false),
    };
    let shown = |offset: jiff::tz::Offset| {
        offset.to_timestamp(local).map(|it| it.display_with_offset(zone.to_offset(it)).to_string()).map_err(out_of_range)
    };
    let (before, after) = (shown(before)?, shown(after)?);
    let local = local.to_string().replace('T', " ");
    let zone = zone.iana_name().unwrap_or("this zone").to_owned();
    Err(if skipped {
        TimeError::Skipped { local, zone, before, after }
    } else {
        TimeError::Repeated { local, zone, before, after }
    })
}

/// RFC 3339 in a zone: `Z` for UTC, else the zone's offset then.
pub(super) fn rfc3339(instant: Timestamp, zone: &TimeZone) -> String {
    if *zone == TimeZone::UTC {
        return instant.to_string();
    }
    instant.display_with_offset(zone.to_offset(instant)).to_string()
}
