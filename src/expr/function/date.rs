//! Dates. They travel as RFC 3339 text; what reads one takes everything that `parse_time` takes.
use jiff::civil::Date;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _, ZonedDateTime};
use serde_json::Value;

use super::Row;
use super::call::{Call, Out, described, out, text_out};
use crate::expr::duration::parse_duration;
use crate::expr::error::Fault;
use crate::expr::suggest::nearest;
use crate::expr::time::{at_local, read, rfc3339};

pub(super) const ROWS: &[Row] = &[
    Row::function("now()", "The time, in the flow's zone.", "now()", r#""2026-11-23T09:30:00Z""#, now),
    Row::filter(
        "date(format?, zone?)",
        "A date as text: '%Y-%m-%d' if no format is named; %d day, %b %B month, %a %A weekday, %H %M %S time, %I %p twelve hours, %z offset. In the zone, or the flow's.",
        "'2026-11-23T09:30:00Z' | date('%d %b %Y, %H:%M', 'Europe/Berlin')",
        r#""23 Nov 2026, 10:30""#,
        date,
    ),
    Row::filter(
        "parse_date(format, zone?)",
        "Text in a form of its own as a date. Without an offset in it, it is a time in the zone, or the flow's; without a time, midnight.",
        "'23/11/2026 09:30' | parse_date('%d/%m/%Y %H:%M', 'Europe/Berlin')",
        r#""2026-11-23T09:30:00+01:00""#,
        parse_date,
    ),
    Row::filter(
        "shift(amount, zone?)",
        "A date moved by a length of time, such as '1 day' or '-2 hours', by the calendar of the zone: a day later is the same time on the next day.",
        "'2026-10-24T12:00:00+02:00' | shift('1 day', 'Europe/Berlin')",
        r#""2026-10-25T12:00:00+01:00""#,
        shift,
    ),
    Row::filter(
        "start_of(unit, zone?)",
        "The first moment of its hour, day, week (from Monday), month, quarter or year.",
        "'2026-11-23T09:30:00Z' | start_of('month')",
        r#""2026-11-01T00:00:00Z""#,
        start_of,
    ),
    Row::filter(
        "end_of(unit, zone?)",
        "The last whole second of its hour, day, week (to Sunday), month, quarter or year.",
        "'2026-11-23T09:30:00Z' | end_of('month')",
        r#""2026-11-30T23:59:59Z""#,
        end_of,
    ),
    Row::filter(
        "in_zone(zone)",
        "The same moment with the offset of a zone.",
        "'2026-11-23T09:30:00Z' | in_zone('America/New_York')",
        r#""2026-11-23T04:30:00-05:00""#,
        in_zone,
    ),
    Row::filter("to_utc", "The same moment in UTC.", "'2026-11-23T10:30:00+01:00' | to_utc", r#""2026-11-23T09:30:00Z""#, to_utc),
    Row::filter("epoch", "Whole seconds since 1970.", "'2026-11-23T09:30:00Z' | epoch", "1795426200", epoch),
    Row::filter("epoch_ms", "Whole milliseconds since 1970.", "'2026-11-23T09:30:00Z' | epoch_ms", "1795426200000", epoch_ms),
    Row::filter(
        "days_until(zone?)",
        "Days of the calendar from today until the date: 0 today, 1 tomorrow, negative in the past.",
        "'2026-11-25T00:15:00Z' | days_until",
        "2",
        days_until,
    ),
    Row::filter("weekday(zone?)", "The day of the week, in English.", "'2026-11-23T09:30:00Z' | weekday", r#""Monday""#, weekday),
    Row::test(
        "before(other)",
        "Whether a date is before another.",
        "'2026-11-23T09:30:00Z' is before('2026-11-24')",
        "true",
        before,
    ),
    Row::test("after(other)", "Whether a date is after another.", "now() is after('2026-11-24')", "false", after),
];

const UNITS: [&str; 6] = ["hour", "day", "week", "month", "quarter", "year"];

/// The longest text of a format, in bytes.
const MAX_FORMAT: usize = 256;

pub(super) fn check_unit(unit: &str) -> Result<(), Fault> {
    if UNITS.contains(&unit) {
        return Ok(());
    }
    let hint =
        nearest(unit, UNITS).map_or_else(|| format!("it is one of {}", UNITS.join(", ")), |it| format!("did you mean '{it}'?"));
    Err(Fault::hinted(format!("there is no unit '{unit}'"), hint))
}

pub(super) fn check_amount(text: &str) -> Result<(), Fault> {
    parse_duration(text).map(drop).map_err(|error| Fault::failed(error.0))
}

pub(super) fn check_format(format: &str, reads: bool) -> Result<(), Fault> {
    let shown = |error: jiff::Error| {
        Fault::hinted(
            format!("'{format}' is no format of a date: {error}"),
            "it looks like '%d %b %Y %H:%M'; a percent sign is '%%'",
        )
    };
    if format.len() > MAX_FORMAT {
        return Err(Fault::failed("the format is longer than 256 bytes"));
    }
    if !format.contains('%') {
        return Err(Fault::hinted(format!("'{format}' is no format of a date"), "it looks like '%d %b %Y %H:%M'"));
    }
    let sample = Timestamp::UNIX_EPOCH.to_zoned_datetime(TimeZone::UTC);
    let written = strtime::format(format, &sample).map_err(shown)?;
    // Some signs can be written but not read.
    if reads { strtime::parse(format, &written).map(drop).map_err(shown) } else { Ok(()) }
}

/// The input as an instant in a zone: the one of the argument, else of the text itself, else of the flow.
fn zoned(call: &Call<'_>, zone_at: usize) -> Result<ZonedDateTime, Fault> {
    let named = call.argument_zone(zone_at)?;
    let (instant, own) = instant(call, call.value(), named.as_ref().unwrap_or(call.zone))?;
    Ok(instant.to_zoned_datetime(named.or(own).unwrap_or_else(|| call.zone.clone())))
}

fn instant(call: &Call<'_>, value: &Value, zone: &TimeZone) -> Result<(Timestamp, Option<TimeZone>), Fault> {
    call.charge(1)?;
    match value {
        Value::String(text) => read(text, zone).map_err(|error| Fault::failed(error.to_string())),
        Value::Number(number) => number
            .as_i64()
            .and_then(|it| Timestamp::from_millisecond(it).ok())
            .map(|it| (it, None))
            .ok_or_else(|| Fault::hinted(format!("{number} is no date"), "a number is whole milliseconds since 1970")),
        Value::Null => Err(Fault::hinted("a date is needed here, and this is empty (null)", "put `default('…')` before it")),
        other => Err(Fault::failed(format!("a date is needed here, and this is {}", described(other)))),
    }
}

fn beyond<E>(_: E) -> Fault {
    Fault::failed("that is beyond the years that dates can have")
}

fn written<'a>(zoned: &ZonedDateTime) -> Out<'a> {
    text_out(rfc3339(zoned.timestamp(), zoned.time_zone()))
}

fn now<'a>(call: &Call<'a>) -> Out<'a> {
    // Milliseconds are as fine as services go.
    let instant = Timestamp::from_millisecond(call.now.as_millisecond()).map_err(beyond)?;
    text_out(rfc3339(instant, call.zone))
}

fn date<'a>(call: &Call<'a>) -> Out<'a> {
    let zoned = zoned(call, 1)?;
    let Some(format) = call.argument_text(0, "format")? else { return text_out(zoned.date().to_string()) };
    check_format(&format, false)?;
    strtime::format(&*format, &zoned).map_or_else(|error| Err(Fault::failed(error.to_string())), text_out)
}

fn parse_date<'a>(call: &Call<'a>) -> Out<'a> {
    let format = call.argument_text(0, "format")?.unwrap_or_default();
    let named = call.argument_zone(1)?;
    let text = call.text()?;
    if format.len() > MAX_FORMAT || text.len() > 1024 {
        return Err(Fault::failed("the text of the date is too long"));
    }
    let shown: String = text.chars().take(60).collect();
    let wrong = |error: jiff::Error| Fault::failed(format!("'{shown}' is not written like '{format}': {error}"));
    let read = strtime::parse(&*format, text.trim()).map_err(wrong)?;
    let zone = named.as_ref().unwrap_or(call.zone);
    if let Some(instant) = read.timestamp() {
        return text_out(rfc3339(instant, zone));
    }
    let day = read.to_date().map_err(wrong)?;
    // Half a time is a time; none is midnight.
    let time = if read.hour().is_some() { Some(read.to_time().map_err(wrong)?) } else { None };
    let instant = match (read.offset(), time) {
        (Some(offset), time) => offset.to_timestamp(day.to_datetime(time.unwrap_or_default())).map_err(beyond)?,
        (None, Some(time)) => at_local(day.to_datetime(time), zone).map_err(|error| Fault::failed(error.to_string()))?,
        (None, None) => first_moment(day, zone)?.timestamp(),
    };
    text_out(rfc3339(instant, zone))
}

/// The start of a day, which is not midnight where the clocks skip that.
fn first_moment(day: Date, zone: &TimeZone) -> Result<ZonedDateTime, Fault> {
    day.to_zoned_datetime(zone.clone()).map_err(beyond)
}

fn shift<'a>(call: &Call<'a>) -> Out<'a> {
    let amount = match call.argument(0) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(seconds)) => seconds.to_string(),
        _ => return Err(Fault::hinted("`amount` is a length of time", "write it like '1 day' or '-2 hours'")),
    };
    let span = parse_duration(&amount).map_err(|error| Fault::failed(error.0))?;
    written(&zoned(call, 1)?.checked_add(span).map_err(beyond)?)
}

/// The first moment of the unit, and of the next one.
fn bounds(call: &Call<'_>) -> Result<(ZonedDateTime, ZonedDateTime), Fault> {
    let unit = call.argument_text(0, "unit")?.unwrap_or_default();
    check_unit(&unit)?;
    let zoned = zoned(call, 1)?;
    if unit == "hour" {
        let into = i64::from(zoned.minute()) * 60_000_000_000
            + i64::from(zoned.second()) * 1_000_000_000
            + i64::from(zoned.subsec_nanosecond());
        let start = zoned.checked_sub(into.nanoseconds()).map_err(beyond)?;
        let end = start.checked_add(1.hour()).map_err(beyond)?;
        return Ok((start, end));
    }
    let day = zoned.date();
    let (first, length) = match &*unit {
        "day" => (day, 1.day()),
        "week" => (day.checked_sub(i64::from(day.weekday().to_monday_zero_offset()).days()).map_err(beyond)?, 1.week()),
        "month" => (day.first_of_month(), 1.month()),
        "quarter" => {
            let month = (day.month() - 1) / 3 * 3 + 1;
            (Date::new(day.year(), month, 1).map_err(beyond)?, 3.months())
        }
        _ => (day.first_of_year(), 1.year()),
    };
    let next = first.checked_add(length).map_err(beyond)?;
    Ok((first_moment(first, zoned.time_zone())?, first_moment(next, zoned.time_zone())?))
}

fn start_of<'a>(call: &Call<'a>) -> Out<'a> {
    written(&bounds(call)?.0)
}

fn end_of<'a>(call: &Call<'a>) -> Out<'a> {
    written(&bounds(call)?.1.checked_sub(1.second()).map_err(beyond)?)
}

fn in_zone<'a>(call: &Call<'a>) -> Out<'a> {
    if call.argument(0).is_none() {
        return Err(Fault::hinted("`zone` is empty (null)", "it is a name such as 'Europe/London'"));
    }
    written(&zoned(call, 0)?)
}

fn to_utc<'a>(call: &Call<'a>) -> Out<'a> {
    text_out(instant(call, call.value(), call.zone)?.0.to_string())
}

fn epoch<'a>(call: &Call<'a>) -> Out<'a> {
    out(instant(call, call.value(), call.zone)?.0.as_second())
}

fn epoch_ms<'a>(call: &Call<'a>) -> Out<'a> {
    out(instant(call, call.value(), call.zone)?.0.as_millisecond())
}

fn days_until<'a>(call: &Call<'a>) -> Out<'a> {
    let then = zoned(call, 0)?;
    let today = then.time_zone().to_datetime(call.now).date();
    let days = (then.date() - today).get_days();
    out(days)
}

fn weekday<'a>(call: &Call<'a>) -> Out<'a> {
    use jiff::civil::Weekday;
    text_out(match zoned(call, 0)?.weekday() {
        Weekday::Monday => "Monday",
        Weekday::Tuesday => "Tuesday",
        Weekday::Wednesday => "Wednesday",
        Weekday::Thursday => "Thursday",
        Weekday::Friday => "Friday",
        Weekday::Saturday => "Saturday",
        Weekday::Sunday => "Sunday",
    })
}

fn both(call: &Call<'_>) -> Result<(Timestamp, Timestamp), Fault> {
    let other = call.argument(0).unwrap_or(&Value::Null);
    Ok((instant(call, call.value(), call.zone)?.0, instant(call, other, call.zone)?.0))
}

fn before<'a>(call: &Call<'a>) -> Out<'a> {
    both(call).and_then(|(this, other)| out(this < other))
}

fn after<'a>(call: &Call<'a>) -> Out<'a> {
    both(call).and_then(|(this, other)| out(this > other))
}
