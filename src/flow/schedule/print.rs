//! Rules in words, which are read back as the same rule.
use std::fmt::{self, Write as _};

use super::days::{Dates, Days, EVERY_MONTH, Every, WORKING, Weekdays};
use super::rule::{Kind, Rule};
use super::times::Times;
use super::token::{MONTHS, WEEKDAYS};

/// So many times are listed rather than described.
const LISTED: usize = 4;

impl fmt::Display for Rule {
    /// `at 9:00 on weekdays`, `every 15 minutes`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Interval { minutes, from, start } => {
                f.write_str(&step(*minutes))?;
                if *from != 0 {
                    write!(f, " counted from {}", clock(*from))?;
                }
                start.map_or(Ok(()), |it| write!(f, " starting {it}"))
            }
            Kind::Calendar { days, times } => {
                let times = of_day(times);
                f.write_str(&times)?;
                if times.starts_with("at") && days.is_every() {
                    f.write_str(" every day")?;
                }
                f.write_str(&on(days))?;
                days.start.map_or(Ok(()), |it| write!(f, " starting {it}"))
            }
        }
    }
}

fn of_day(times: &Times) -> String {
    let all = times.all();
    if let Some(minutes) = times.every_hour() {
        let steady = all.get(1).map(|second| second - all[0]).filter(|step| 60 % step == 0 && all[0] == 0);
        return match steady {
            // They are as far apart over the whole day.
            Some(apart) if times.step() == Some(apart) => step(u32::from(apart)),
            _ => format!("every hour {}", past(minutes)),
        };
    }
    if all.len() > LISTED
        && let (Some(apart), [first, .., last]) = (times.step(), all)
    {
        return format!("{} from {} to {}", step(u32::from(apart)), clock(*first), clock(*last));
    }
    match times.as_grid() {
        Some((minutes, hours)) if all.len() > LISTED && minutes.count_ones() > 1 => {
            let hours = ranges(24, |it| hours & (1 << it) != 0, |it| it.to_string());
            format!("{} of the hours {hours}", past(minutes))
        }
        _ => format!("at {}", list(all.iter().map(|it| clock(*it)))),
    }
}

fn past(minutes: u64) -> String {
    format!("at {}", list((0..60).filter(|it| minutes & (1 << it) != 0).map(|it| format!(":{it:02}"))))
}

fn clock(minute: u16) -> String {
    format!("{}:{:02}", minute / 60, minute % 60)
}

fn step(minutes: u32) -> String {
    match minutes {
        1 => "every minute".to_owned(),
        60 => "every hour".to_owned(),
        _ if minutes.is_multiple_of(60) => format!("every {} hours", minutes / 60),
        _ => format!("every {minutes} minutes"),
    }
}

fn on(days: &Days) -> String {
    let mut out = String::new();
    let months = ranges(12, |it| days.months & (1 << (it + 1)) != 0, |it| MONTHS[it].to_owned());
    let named = days.months != EVERY_MONTH;
    let in_months = if named { format!(" in {months}") } else { String::new() };
    let of = match named {
        // A 31st of June would be refused, though the days before it are there.
        true if days.dates.days >= 1 << 30 => in_months.clone(),
        true => format!(" of {months}"),
        false => " of the month".to_owned(),
    };
    let (dates, weekdays) = (of_month(days.dates), of_week(days.weekdays));
    let said = match (days.dates.is_empty(), days.weekdays.is_empty()) {
        _ if !days.of_year.is_empty() => {
            let each = |(month, day): &(i8, i8)| format!("{day} {}", MONTHS[(*month - 1) as usize]);
            write!(out, " on {}", list(days.of_year.iter().map(each)))
        }
        (true, true) => write!(out, "{in_months}"),
        (false, true) => write!(out, " on {dates}{of}"),
        (true, false) => write!(out, " on {weekdays}{}", if weekdays.contains("the ") { of } else { in_months }),
        (false, false) if days.either && named => write!(out, " on {dates} or on {weekdays}{in_months}"),
        (false, false) if days.either => write!(out, " on {dates}{of} or on {weekdays}"),
        (false, false) => write!(out, " on {weekdays} if it is {dates}{of}"),
    };
    // Writing to text does not fail.
    said.ok();
    let (count, unit) = match days.every {
        Every::Days(1) => return out,
        Every::Days(count) => (count, "days"),
        Every::Weeks(count) => (count, "weeks"),
        Every::Months(count) => (count, "months"),
        Every::Years(count) => (count, "years"),
    };
    write!(out, " every {count} {unit}").ok();
    out
}

fn of_month(dates: Dates) -> String {
    let bits = |bits: u32| (0..32_u32).filter(move |it| bits & (1 << it) != 0);
    let mut items: Vec<String> = bits(dates.days).map(|it| format!("the {}", ordinal(it))).collect();
    items.extend(bits(dates.nearest).map(|it| match it {
        1 => "the first working day".to_owned(),
        it => format!("the weekday nearest the {}", ordinal(it)),
    }));
    // From the end backwards, so that the last day is named last.
    let mut last: Vec<u32> = bits(dates.before_last).collect();
    last.reverse();
    items.extend(last.into_iter().filter(|it| *it > 0).map(|it| format!("the {} to last day", ordinal(it + 1))));
    items.extend(dates.last_working.then(|| "the last working day".to_owned()));
    items.extend((dates.before_last & 1 != 0).then(|| "the last day".to_owned()));
    list(items)
}

fn of_week(weekdays: Weekdays) -> String {
    let plain = weekdays.plain;
    let mut items = Vec::new();
    match plain {
        0 => {}
        WORKING => items.push("weekdays".to_owned()),
        0b110_0000 => items.push("weekends".to_owned()),
        _ => items.push(ranges(7, |it| plain & (1 << it) != 0, |it| WEEKDAYS[it].to_owned())),
    }
    for (at, nth) in weekdays.nth.iter().enumerate() {
        let name = WEEKDAYS[at];
        let named = |it: u32| {
            (nth & (1 << it) != 0).then(|| format!("the {} {name}", if it == 1 { "first".to_owned() } else { ordinal(it) }))
        };
        items.extend((1..=5).filter_map(named));
        items.extend((nth & 1 != 0).then(|| format!("the last {name}")));
    }
    list(items)
}

/// `1st`, `2nd`, `11th`.
fn ordinal(number: u32) -> String {
    let end = match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{number}{end}")
}

/// What is set, three or more in a row as `a to b`.
fn ranges(count: usize, set: impl Fn(usize) -> bool, name: impl Fn(usize) -> String) -> String {
    let mut items = Vec::new();
    let mut at = 0;
    while at < count {
        let length = (at..count).take_while(|it| set(*it)).count();
        match length {
            0 => {}
            1 | 2 => items.extend((at..at + length).map(&name)),
            _ => items.push(format!("{} to {}", name(at), name(at + length - 1))),
        }
        at += length.max(1);
    }
    list(items)
}

/// `a, b and c`.
fn list(items: impl IntoIterator<Item = String>) -> String {
    let items: Vec<String> = items.into_iter().collect();
    match &items[..] {
        [] => String::new(),
        [only] => only.clone(),
        [all @ .., last] => format!("{} and {last}", all.join(", ")),
    }
}
