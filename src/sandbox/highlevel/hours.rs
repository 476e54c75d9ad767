//! When a calendar is open, and in which steps it can be booked.
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use serde_json::Value;

use super::{CALENDARS, SCHEDULES};
use crate::sandbox::store::Fields;
use crate::sandbox::world::World;

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// What a calendar's fields say about booking it. Lengths are in milliseconds.
#[derive(Debug)]
pub(super) struct Rules {
    pub(super) duration: i64,
    pub(super) interval: i64,
    /// Kept free before an appointment.
    pub(super) before: i64,
    /// Kept free after an appointment.
    pub(super) after: i64,
    pub(super) per_slot: usize,
    pub(super) per_day: Option<usize>,
    /// The earliest start, counted from now.
    notice: i64,
    /// The latest start, counted from now.
    reach: Option<i64>,
    pub(super) members: Vec<String>,
    /// Whether all members take part in each appointment.
    pub(super) together: bool,
    opening: Vec<Opening>,
}

/// Hours with the zone that they are told in.
#[derive(Debug)]
struct Opening {
    zone: TimeZone,
    on: On,
    from: Time,
    to: To,
}

#[derive(Debug, PartialEq, Eq)]
enum On {
    /// 0 is Sunday.
    Weekday(i8),
    Date(Date),
}

#[derive(Debug, PartialEq, Eq)]
enum To {
    Time(Time),
    Midnight,
}

impl Rules {
    /// The rules of a calendar; none if there is no such calendar.
    pub(super) fn of(world: &World, calendar: &str) -> Option<Self> {
        let fields = world.store.of(CALENDARS).get(calendar)?;
        let duration = length(fields, "slotDuration", "slotDurationUnit", MINUTE).unwrap_or(30 * MINUTE).clamp(MINUTE, 7 * DAY);
        let interval = length(fields, "slotInterval", "slotIntervalUnit", MINUTE).unwrap_or(duration).clamp(MINUTE, 7 * DAY);
        let buffer = |name, unit| length(fields, name, unit, MINUTE).unwrap_or(0).clamp(0, DAY);
        let members = fields.get("teamMembers").and_then(Value::as_array).into_iter().flatten();
        let members = members.filter_map(|it| it.get("userId").and_then(Value::as_str)).map(str::to_owned).collect();
        Some(Self {
            duration,
            interval,
            before: buffer("preBuffer", "preBufferUnit"),
            after: buffer("slotBuffer", "slotBufferUnit"),
            per_slot: number(fields, "appoinmentPerSlot").map_or(1, |it| it.max(1.0) as usize),
            per_day: number(fields, "appoinmentPerDay").filter(|it| *it >= 1.0).map(|it| it as usize),
            notice: length(fields, "allowBookingAfter", "allowBookingAfterUnit", HOUR).unwrap_or(0).max(0),
            reach: length(fields, "allowBookingFor", "allowBookingForUnit", DAY).filter(|it| *it > 0),
            members,
            together: fields.get("calendarType").and_then(Value::as_str) == Some("collective"),
            opening: openings(world, calendar, fields),
        })
    }

    /// Whether a start is neither too soon nor too far away.
    pub(super) fn in_reach(&self, start: i64, now: i64) -> bool {
        start >= now.saturating_add(self.notice) && self.reach.is_none_or(|reach| start <= now.saturating_add(reach))
    }

    /// The stretches in which it is open that touch `from..=to`, in milliseconds, in order and each with the date on
    /// which it begins.
    pub(super) fn open(&self, from: i64, to: i64) -> Vec<(i64, i64, Date)> {
        let mut found = Vec::new();
        for opening in &self.opening {
            let date = |ms: i64| Timestamp::from_millisecond(ms).ok().map(|it| it.to_zoned_datetime(opening.zone.clone()).date());
            let (Some(mut at), Some(last)) = (date(from.saturating_sub(DAY)), date(to)) else { continue };
            while at <= last {
                let ms =
                    |time| opening.zone.to_zoned_datetime(at.to_datetime(time)).ok().map(|it| it.timestamp().as_millisecond());
                let tomorrow = at.checked_add(1.days());
                if opening.is_on(at) {
                    let end = match opening.to {
                        To::Time(time) => ms(time),
                        To::Midnight => tomorrow
                            .as_ref()
                            .ok()
                            .and_then(|it| opening.zone.to_zoned_datetime(it.to_datetime(Time::midnight())).ok())
                            .map(|it| it.timestamp().as_millisecond()),
                    };
                    if let (Some(begin), Some(end)) = (ms(opening.from), end)
                        && begin < end
                        && end > from
                        && begin <= to
                    {
                        found.push((begin, end, at));
                    }
                }
                let Ok(next) = tomorrow else { break };
                at = next;
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}

impl Opening {
    fn is_on(&self, date: Date) -> bool {
        match self.on {
            On::Weekday(day) => date.weekday().to_sunday_zero_offset() == day,
            On::Date(on) => date == on,
        }
    }
}

/// A schedule that names the calendar goes before the calendar's own hours; dates of its own before its weekdays.
fn openings(world: &World, calendar: &str, fields: &Fields) -> Vec<Opening> {
    let names = |row: &Fields| {
        let ids = row.get("calendarIds").and_then(Value::as_array);
        ids.is_some_and(|ids| ids.iter().any(|it| it.as_str() == Some(calendar)))
    };
    let schedules: Vec<&Fields> = world.store.of(SCHEDULES).rows().map(|row| &row.fields).filter(|it| names(it)).collect();
    if !schedules.is_empty() {
        return schedules.into_iter().flat_map(of_schedule).collect();
    }
    let zone = &world.account.zone;
    let list = |name: &str| fields.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut found = Vec::new();
    if number(fields, "availabilityType") == Some(1.0) {
        for day in list("availabilities").iter().filter(|it| it.get("deleted").and_then(Value::as_bool) != Some(true)) {
            let date = day.get("date").and_then(Value::as_str).and_then(|it| it.get(..10)?.parse::<Date>().ok());
            if let Some(date) = date {
                found.extend(hours(day).map(|(from, to)| Opening { zone: zone.clone(), on: On::Date(date), from, to }));
            }
        }
        return found;
    }
    for day in list("openHours") {
        let days = day.get("daysOfTheWeek").and_then(Value::as_array).into_iter().flatten();
        for on in days.filter_map(Value::as_f64).map(|it| On::Weekday(it as i8)) {
            let On::Weekday(on) = on else { continue };
            found.extend(hours(day).map(|(from, to)| Opening { zone: zone.clone(), on: On::Weekday(on), from, to }));
        }
    }
    found
}

fn hours(day: &Value) -> impl Iterator<Item = (Time, To)> {
    let list = day.get("hours").and_then(Value::as_array).into_iter().flatten();
    list.filter_map(|it| {
        let part = |name: &str| it.get(name).and_then(Value::as_f64).map(|it| it as i32);
        let minutes = |hour: &str, minute: &str| Some(part(hour)?.checked_mul(60)?.saturating_add(part(minute)?));
        Some((time(minutes("openHour", "openMinute")?)?, end(minutes("closeHour", "closeMinute")?)?))
    })
}

fn of_schedule(schedule: &Fields) -> Vec<Opening> {
    const DAYS: [&str; 7] = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];
    let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    let zone = schedule.get("timezone").and_then(Value::as_str).and_then(|it| TimeZone::get(it).ok()).unwrap_or(TimeZone::UTC);
    let mut found = Vec::new();
    for rule in schedule.get("rules").and_then(Value::as_array).into_iter().flatten() {
        let date = || text(rule, "date").and_then(|it| it.parse::<Date>().ok()).map(On::Date);
        let weekday = || text(rule, "day").and_then(|day| DAYS.iter().position(|it| *it == day)).map(|it| On::Weekday(it as i8));
        let is_date = text(rule, "type").as_deref() == Some("date");
        for interval in rule.get("intervals").and_then(Value::as_array).into_iter().flatten() {
            let minutes = |name: &str| {
                let (hour, minute) = text(interval, name)?.split_once(':').map(|(h, m)| (h.to_owned(), m.to_owned()))?;
                Some(hour.parse::<i32>().ok()?.checked_mul(60)?.saturating_add(minute.parse().ok()?))
            };
            let on = if is_date { date() } else { weekday() };
            let from = minutes("from").and_then(time);
            let to = minutes("to").and_then(end);
            if let (Some(on), Some(from), Some(to)) = (on, from, to) {
                found.push(Opening { zone: zone.clone(), on, from, to });
            }
        }
    }
    found
}

fn time(minutes: i32) -> Option<Time> {
    Time::new((minutes / 60).try_into().ok()?, (minutes % 60).try_into().ok()?, 0, 0).ok()
}

fn end(minutes: i32) -> Option<To> {
    if minutes == 24 * 60 { Some(To::Midnight) } else { time(minutes).map(To::Time) }
}

fn number(fields: &Fields, name: &str) -> Option<f64> {
    fields.get(name).and_then(Value::as_f64)
}

/// A length with its unit, in milliseconds.
fn length(fields: &Fields, name: &str, unit: &str, default: i64) -> Option<i64> {
    let unit = match fields.get(unit).and_then(Value::as_str) {
        Some("mins") => MINUTE,
        Some("hours") => HOUR,
        Some("days") => DAY,
        Some("weeks") => 7 * DAY,
        Some("months") => 30 * DAY,
        _ => default,
    };
    number(fields, name).map(|it| (it.clamp(-1e6, 1e6) * unit as f64) as i64)
}
