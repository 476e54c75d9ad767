//! Which days of the calendar a rule means.
use jiff::civil::{Date, Weekday};

/// From here cycles are counted where a rule names no start: a Monday, the first of a year.
pub(super) const EPOCH: Date = Date::constant(2024, 1, 1);
/// Every month: a bit each, January is bit 1.
pub(super) const EVERY_MONTH: u16 = 0b1_1111_1111_1110;
/// Every weekday: a bit each, Monday is bit 0.
pub(super) const EVERY_WEEKDAY: u8 = 0b111_1111;
/// Monday to Friday.
pub(super) const WORKING: u8 = 0b1_1111;
/// Every day of a month: a bit each, the first is bit 1.
pub(super) const EVERY_DATE: u32 = u32::MAX - 1;

/// Days of the calendar. What is empty restricts nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Days {
    /// A bit each, January is bit 1.
    pub(super) months: u16,
    pub(super) dates: Dates,
    pub(super) weekdays: Weekdays,
    /// Where both dates and weekdays are named: whether one of them is enough.
    pub(super) either: bool,
    /// Days of the year, month and day, in order; where there are any, `months` and `dates` are empty.
    pub(super) of_year: Vec<(i8, i8)>,
    pub(super) every: Every,
    /// Nothing before it; cycles are counted from it.
    pub(super) start: Option<Date>,
}

/// Days of a month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Dates {
    /// The first is bit 1.
    pub(super) days: u32,
    /// So many days before the last: the last is bit 0.
    pub(super) before_last: u32,
    /// The working day that is nearest to a date, within the month; the first is bit 1.
    pub(super) nearest: u32,
    /// The last working day.
    pub(super) last_working: bool,
}

/// Days of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Weekdays {
    /// Monday is bit 0.
    pub(super) plain: u8,
    /// By weekday: the first of the month is bit 1, the fifth bit 5, the last bit 0.
    pub(super) nth: [u8; 7],
}

/// Every so many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Every {
    Days(u16),
    Weeks(u16),
    Months(u16),
    Years(u16),
}

impl Default for Days {
    fn default() -> Self {
        Self {
            months: EVERY_MONTH,
            dates: Dates::default(),
            weekdays: Weekdays::default(),
            either: false,
            of_year: Vec::new(),
            every: Every::Days(1),
            start: None,
        }
    }
}

impl Days {
    /// The same days, said in one way only, so that rules that mean the same are the same.
    pub(super) fn settled(mut self) -> Self {
        if self.dates.days == EVERY_DATE {
            self.dates = Dates::default();
        }
        if self.weekdays.plain == EVERY_WEEKDAY {
            self.weekdays = Weekdays::default();
        }
        for (at, nth) in self.weekdays.nth.iter_mut().enumerate() {
            if self.weekdays.plain & (1 << at) != 0 {
                *nth = 0;
            }
        }
        self.of_year.sort_unstable();
        self.of_year.dedup();
        self.one_set_of_dates();
        self.either &= !self.dates.is_empty() && !self.weekdays.is_empty();
        if matches!(self.every, Every::Weeks(1) | Every::Months(1) | Every::Years(1)) {
            self.every = Every::Days(1);
        }
        self
    }

    /// Days of the year that are the same days in each of their months are months and dates.
    pub(super) fn one_set_of_dates(&mut self) {
        let mut by_month = [0_u32; 13];
        for (month, day) in &self.of_year {
            by_month[*month as usize] |= 1 << day;
        }
        let mut sets = by_month.iter().filter(|it| **it != 0);
        let Some(first) = sets.next() else { return };
        if sets.all(|it| it == first) {
            self.dates.days = *first;
            self.months = (1..=12).filter(|month| by_month[*month] != 0).fold(0, |bits, month| bits | 1 << month);
            self.of_year.clear();
        }
    }

    /// Whether it is every day.
    pub(super) fn is_every(&self) -> bool {
        *self == Self { start: self.start, ..Self::default() }
    }

    /// Whether it is one of them.
    pub(super) fn has(&self, date: Date) -> bool {
        if self.months & (1 << date.month()) == 0 || self.start.is_some_and(|start| date < start) || !self.in_turn(date) {
            return false;
        }
        if !self.of_year.is_empty() {
            return self.of_year.binary_search(&(date.month(), date.day())).is_ok();
        }
        let (dates, weekdays) = (self.dates.has(date), self.weekdays.has(date));
        if self.either { dates || weekdays } else { dates && weekdays }
    }

    fn in_turn(&self, date: Date) -> bool {
        let from = self.start.unwrap_or(EPOCH);
        let (count, of) = match self.every {
            Every::Days(1) => return true,
            Every::Days(of) => (number(date) - number(from), of),
            Every::Weeks(of) => ((number(monday(date)) - number(monday(from))) / 7, of),
            Every::Months(of) => (months(date) - months(from), of),
            Every::Years(of) => (i64::from(date.year()) - i64::from(from.year()), of),
        };
        count.rem_euclid(i64::from(of.max(1))) == 0
    }

    /// The first of them from a day on, if there is one within so many years.
    pub(super) fn first(&self, from: Date, years: i16) -> Option<Date> {
        let mut date = self.start.map_or(from, |start| from.max(start));
        let last = date.year().saturating_add(years);
        while date.year() <= last {
            if self.months & (1 << date.month()) == 0 {
                date = date.last_of_month().tomorrow().ok()?;
            } else if self.has(date) {
                return Some(date);
            } else {
                date = date.tomorrow().ok()?;
            }
        }
        None
    }
}

impl Dates {
    pub(super) fn is_empty(self) -> bool {
        self == Self::default()
    }

    fn has(self, date: Date) -> bool {
        if self.is_empty() || self.days & (1 << date.day()) != 0 {
            return true;
        }
        let left = date.days_in_month() - date.day();
        if self.before_last & (1 << left) != 0 {
            return true;
        }
        let working = |date: Date| !matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday);
        if !working(date) || (self.nearest == 0 && !self.last_working) {
            return false;
        }
        let friday = date.weekday() == Weekday::Friday;
        if self.last_working && (left == 0 || (friday && left <= 2)) {
            return true;
        }
        let meant = |day: i8| (1..=date.days_in_month()).contains(&day) && self.nearest & (1 << day) != 0;
        let (day, monday) = (date.day(), date.weekday() == Weekday::Monday);
        meant(day)
            || (friday && meant(day + 1))
            || (monday && meant(day - 1))
            // Within the month: the first on a Saturday is a Monday, the last on a Sunday is a Friday.
            || (monday && day == 3 && meant(1))
            || (friday && left == 2 && meant(day + 2))
    }
}

impl Weekdays {
    pub(super) fn is_empty(self) -> bool {
        self == Self::default()
    }

    fn has(self, date: Date) -> bool {
        let at = date.weekday().to_monday_zero_offset() as usize;
        if self.is_empty() || self.plain & (1 << at) != 0 {
            return true;
        }
        let nth = (date.day() - 1) / 7 + 1;
        let last = date.days_in_month() - date.day() < 7;
        self.nth[at] & (1 << nth) != 0 || (last && self.nth[at] & 1 != 0)
    }
}

/// Days since the first of the calendar that cycles are counted by.
fn number(date: Date) -> i64 {
    date.duration_since(EPOCH).as_hours() / 24
}

fn monday(date: Date) -> Date {
    let into = i64::from(date.weekday().to_monday_zero_offset());
    date.saturating_sub(jiff::SignedDuration::from_hours(24 * into))
}

fn months(date: Date) -> i64 {
    i64::from(date.year()) * 12 + i64::from(date.month())
}
