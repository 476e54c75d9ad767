//! Free slots, and whether an appointment may be booked.
use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use super::hours::Rules;
use super::recurrence::Recurrence;
use super::refusal::{bad, not_found, wrong};
use super::{APPOINTMENTS, BLOCKS, CALENDARS};
use crate::sandbox::call::{Call, Outcome, Reply};
use crate::sandbox::store::Row;
use crate::sandbox::world::World;

const MINUTE: i64 = 60_000;
const DAY: i64 = 86_400_000;
/// The longest range that may be asked for, in days.
const RANGE: i64 = 31;

/// Time that is taken.
struct Busy {
    start: i64,
    end: i64,
    calendar: String,
    user: String,
    block: bool,
}

/// What an appointment is to be.
pub(super) struct Wish<'a> {
    pub(super) calendar: &'a str,
    pub(super) start: i64,
    pub(super) end: i64,
    /// The user who is asked for; empty if anyone will do.
    pub(super) user: &'a str,
    /// The appointment that is moved and so does not stand in its own way.
    pub(super) own: Option<&'a str>,
    /// Whether notice and range do not count.
    pub(super) any_date: bool,
}

/// `GET /calendars/{calendarId}/free-slots`
pub(super) fn free_slots(world: &mut World, call: &Call) -> Outcome {
    let calendar = call.path("calendarId");
    let rules = Rules::of(world, calendar).ok_or_else(|| not_found("Calendar", calendar))?;
    let ms = |name: &str| call.query(name).and_then(|it| it.parse::<f64>().ok()).map(millisecond);
    let (Some(from), Some(to)) = (ms("startDate"), ms("endDate")) else {
        return Err(wrong("startDate and endDate are required"));
    };
    if from >= to {
        return Err(bad("The start date must be before the end date"));
    }
    if to.saturating_sub(from) > RANGE * DAY {
        return Err(bad("The date range cannot be more than 31 days"));
    }
    let zone = match call.query("timezone") {
        None => world.account.zone.clone(),
        Some(name) => TimeZone::get(name).ok().ok_or_else(|| wrong("timezone must be a valid IANA time zone"))?,
    };
    let users: Vec<&str> =
        call.query("userId").into_iter().chain(call.query_all("userIds").flat_map(|it| it.split(','))).collect();
    let members: Vec<String> =
        rules.members.iter().filter(|it| users.is_empty() || users.contains(&it.as_str())).cloned().collect();

    let mut dates: BTreeMap<Date, Vec<String>> = BTreeMap::new();
    let mut count = 0;
    // A user who is not on the team has no slots; a calendar without a team is booked as a whole.
    if !members.is_empty() || (rules.members.is_empty() && users.is_empty()) {
        let busy = busy(world, from - DAY, to + 2 * DAY, None);
        let now = call.now.as_millisecond();
        for start in starts(&rules, from, to) {
            let end = start + rules.duration;
            if rules.in_reach(start, now)
                && who_is_free(&rules, &members, &busy, calendar, start, end, &world.account.zone).is_some()
            {
                let Ok(at) = Timestamp::from_millisecond(start) else { continue };
                let local = at.to_zoned_datetime(zone.clone());
                dates.entry(local.date()).or_default().push(local.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string());
                count += 1;
            }
        }
    }
    let body: Map<String, Value> = dates.into_iter().map(|(date, slots)| (date.to_string(), json!({"slots": slots}))).collect();
    Ok(Reply::read(Value::Object(body), format!("Found {count} free slots")).about(CALENDARS, calendar))
}

/// Who takes an appointment: a user's id, empty for a calendar without a team. None if the slot cannot be booked.
pub(super) fn book(world: &World, wish: &Wish<'_>, now: Timestamp) -> Option<String> {
    let rules = Rules::of(world, wish.calendar)?;
    if !wish.any_date && !rules.in_reach(wish.start, now.as_millisecond()) {
        return None;
    }
    let open = rules.open(wish.start, wish.end);
    let on_grid = |(begin, end, _): &(i64, i64, Date)| {
        *begin <= wish.start && wish.end <= *end && (wish.start - begin) % rules.interval == 0
    };
    if !open.iter().any(on_grid) {
        return None;
    }
    let busy = busy(world, wish.start - DAY, wish.end + DAY, wish.own);
    let members = if wish.user.is_empty() { rules.members.clone() } else { vec![wish.user.to_owned()] };
    who_is_free(&rules, &members, &busy, wish.calendar, wish.start, wish.end, &world.account.zone)
}

/// A number from a query as milliseconds, within what a date can be.
pub(super) fn millisecond(number: f64) -> i64 {
    (number as i64).clamp(Timestamp::MIN.as_millisecond() + 10 * DAY, Timestamp::MAX.as_millisecond() - 10 * DAY)
}

/// Every start within the range at which the calendar is open for a whole slot.
fn starts(rules: &Rules, from: i64, to: i64) -> Vec<i64> {
    let mut starts = Vec::new();
    for (begin, end, _) in rules.open(from, to) {
        let mut start = begin;
        while start + rules.duration <= end && start <= to {
            if start >= from {
                starts.push(start);
            }
            start += rules.interval;
        }
    }
    starts.sort_unstable();
    starts.dedup();
    starts
}

/// The first member who is free; with `together`, only if all are.
fn who_is_free(
    rules: &Rules,
    members: &[String],
    busy: &[Busy],
    calendar: &str,
    start: i64,
    end: i64,
    zone: &TimeZone,
) -> Option<String> {
    if let Some(most) = rules.per_day {
        let date = |ms: i64| Timestamp::from_millisecond(ms).ok().map(|it| it.to_zoned_datetime(zone.clone()).date());
        let day = date(start);
        let booked = busy.iter().filter(|it| !it.block && it.calendar == calendar && date(it.start) == day).count();
        if booked >= most {
            return None;
        }
    }
    let nobody = [String::new()];
    let members = if members.is_empty() { &nobody[..] } else { members };
    let free = |member: &&String| {
        let mut seats = 0;
        for it in busy {
            let of_calendar = it.calendar == calendar;
            let of_member = !member.is_empty() && it.user == **member;
            let meant = if it.block {
                (of_calendar && (it.user.is_empty() || of_member || member.is_empty())) || of_member
            } else {
                // An appointment that nobody of the team has stands in everyone's way.
                of_member || (of_calendar && (member.is_empty() || !rules.members.contains(&it.user)))
            };
            if !meant {
                continue;
            }
            let (before, after) = if it.block { (0, 0) } else { (rules.before.max(rules.after), rules.before.max(rules.after)) };
            if start < it.end + after && end + before > it.start {
                // A seat in the same slot; anything else leaves no seat at all.
                let same = !it.block && of_calendar && it.start == start;
                seats += if same { 1 } else { rules.per_slot };
            }
        }
        seats < rules.per_slot
    };
    if rules.together {
        return members.iter().all(|it| free(&it)).then(|| members[0].clone());
    }
    members.iter().find(free).cloned()
}

/// Everything that takes time in a stretch: appointments that stand, their repetitions, and block slots.
fn busy(world: &World, from: i64, to: i64, own: Option<&str>) -> Vec<Busy> {
    let mut busy = Vec::new();
    let stands = |row: &Row| !matches!(row.text("appointmentStatus"), "cancelled" | "invalid" | "noshow");
    for (rows, index, block) in
        [(world.store.of(APPOINTMENTS), &world.booked, false), (world.store.of(BLOCKS), &world.blocked, true)]
    {
        let near = index.near(from, to).filter_map(|it| rows.at(it));
        for row in near.filter(|row| Some(row.id()) != own && (block || stands(row))) {
            for (start, end) in times(row, from, to, &world.account.zone) {
                let (calendar, user) = (row.text("calendarId").to_owned(), row.text("assignedUserId").to_owned());
                busy.push(Busy { start, end, calendar, user, block });
            }
        }
    }
    busy
}

/// When an event takes place within a stretch, in milliseconds: once, or as often as its rule says.
pub(super) fn times(row: &Row, from: i64, to: i64, zone: &TimeZone) -> Vec<(i64, i64)> {
    let ms = |name: &str| row.fields.get(name).and_then(Value::as_i64);
    let (Some(start), Some(end)) = (ms("~start"), ms("~end")) else { return Vec::new() };
    let touches = |start: i64, end: i64| start <= to && end.max(start + MINUTE) > from;
    let rule = Some(row.text("rrule")).filter(|it| !it.is_empty()).and_then(|it| Recurrence::read(it, zone));
    let Some(rule) = rule else {
        return if touches(start, end) { vec![(start, end)] } else { Vec::new() };
    };
    let bound = |ms: i64| Timestamp::from_millisecond(ms).unwrap_or(Timestamp::MAX);
    let starts = rule.starts(bound(start), bound(to.saturating_add(1)), zone);
    let all = starts.into_iter().map(|it| (it.as_millisecond(), it.as_millisecond() + end - start));
    all.filter(|(start, end)| touches(*start, *end)).collect()
}
