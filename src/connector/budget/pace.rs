//! How many requests went today and in the last hour, and how many it will be by the end of the day. Pure.
use super::window::SET_RIGHT;

const MINUTE: i64 = 60_000;
/// A day, in milliseconds.
pub(super) const DAY: i64 = 24 * 60 * MINUTE;
/// So many minutes are counted one by one.
pub(super) const MINUTES: usize = 60;

/// What was sent, day by day (UTC) and minute by minute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pace {
    /// Since when it is counted at all.
    pub(super) born: i64,
    /// The number of the day since 1970.
    pub(super) day: i64,
    pub(super) today: u64,
    /// The number of the minute since 1970 that was counted last.
    pub(super) minute: i64,
    /// The last hour; a minute's place is its number modulo [`MINUTES`].
    pub(super) minutes: [u32; MINUTES],
}

impl Pace {
    pub(super) fn new(now: i64) -> Self {
        Self { born: now, day: now.div_euclid(DAY), today: 0, minute: now.div_euclid(MINUTE), minutes: [0; MINUTES] }
    }

    /// Brings it to the day and the minute that `now` is in.
    pub(super) fn turn(&mut self, now: i64) {
        self.born = self.born.min(now);
        let day = now.div_euclid(DAY);
        let is_just_before = day.checked_add(1) == Some(self.day) && DAY - now.rem_euclid(DAY) <= SET_RIGHT;
        if day != self.day && !is_just_before {
            (self.day, self.today) = (day, 0);
        }
        let minute = now.div_euclid(MINUTE);
        let passed = minute.saturating_sub(self.minute);
        // A clock that is set back by more than a little says nothing about the minutes before.
        if passed >= MINUTES as i64 || passed <= -SET_RIGHT / MINUTE {
            self.minutes = [0; MINUTES];
            self.minute = minute;
        }
        while self.minute < minute {
            self.minute += 1;
            *self.place(self.minute) = 0;
        }
    }

    fn place(&mut self, minute: i64) -> &mut u32 {
        &mut self.minutes[minute.rem_euclid(MINUTES as i64) as usize]
    }

    /// So many requests are sent now.
    pub(super) fn count(&mut self, requests: u32) {
        self.today = self.today.saturating_add(requests.into());
        let place = self.place(self.minute);
        *place = place.saturating_add(requests);
    }

    /// One of those was not sent after all.
    pub(super) fn take_back(&mut self) {
        self.today = self.today.saturating_sub(1);
        let place = self.place(self.minute);
        *place = place.saturating_sub(1);
    }

    /// Since when today's are counted.
    pub(super) fn since(&self) -> i64 {
        self.born.max(self.day.saturating_mul(DAY))
    }

    /// How many it will be at the end of the day at the pace of the last hour, where `used` are used today. Of a count that began
    /// less than an hour ago the pace since then is taken, of at least one minute.
    pub(super) fn forecast(&self, used: u64, now: i64) -> u64 {
        let hour: u64 = self.minutes.iter().map(|it| u64::from(*it)).sum();
        let begin = (now.div_euclid(MINUTE) - (MINUTES as i64 - 1)) * MINUTE;
        let span = now.saturating_sub(begin.max(self.born)).max(MINUTE) as u128;
        let left = (DAY - now.rem_euclid(DAY)) as u128;
        let more = u64::try_from(u128::from(hour) * left / span).unwrap_or(u64::MAX);
        used.saturating_add(more)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-03-01, 00:00 UTC.
    const MIDNIGHT: i64 = 1_772_323_200_000;
    const HOUR: i64 = 60 * MINUTE;

    fn counted(born: i64, at: &[(i64, u32)]) -> Pace {
        let mut pace = Pace::new(born);
        for (when, requests) in at {
            pace.turn(*when);
            pace.count(*requests);
        }
        pace
    }

    #[test]
    fn a_forecast_goes_on_at_the_pace_of_the_last_hour() {
        let noon = MIDNIGHT + 12 * HOUR;
        type Case<'a> = (&'a str, i64, &'a [(i64, u32)], i64, u64);
        let cases: &[Case<'_>] = &[
            ("nothing was sent", MIDNIGHT, &[], noon, 0),
            ("a steady pace", MIDNIGHT, &[(noon - 50 * MINUTE, 300), (noon - 10 * MINUTE, 290)], noon, 590 + 590 * 12 * 60 / 59),
            ("what is longer ago is used, and no pace", MIDNIGHT, &[(noon - 2 * HOUR, 500)], noon, 500),
            ("counted for ten minutes", noon - 10 * MINUTE, &[(noon - 5 * MINUTE, 100)], noon, 100 + 100 * 12 * 6),
            ("counted for a second", noon - 1_000, &[(noon - 500, 2)], noon, 2 + 2 * 12 * 60),
            ("the end of the day is near", MIDNIGHT, &[(noon + 12 * HOUR - MINUTE, 10)], noon + 12 * HOUR - 1, 10),
        ];
        for (name, born, at, now, forecast) in cases {
            let mut pace = counted(*born, at);
            pace.turn(*now);
            assert_eq!(pace.forecast(pace.today, *now), *forecast, "{name}");
        }
    }

    #[test]
    fn the_day_ends_at_midnight_utc_and_the_hour_goes_on() {
        let evening = MIDNIGHT + DAY - MINUTE;
        let mut pace = counted(MIDNIGHT - DAY, &[(evening, 60)]);
        assert_eq!((pace.today, pace.since()), (60, MIDNIGHT));
        pace.turn(MIDNIGHT + DAY);
        assert_eq!((pace.today, pace.since()), (0, MIDNIGHT + DAY));
        assert_eq!(pace.forecast(0, MIDNIGHT + DAY), 60 * 24 * 60 / 59, "what went a minute ago is the pace");
    }

    #[test]
    fn a_count_that_began_today_says_so() {
        let pace = counted(MIDNIGHT + 5 * HOUR, &[(MIDNIGHT + 6 * HOUR, 1)]);
        assert_eq!(pace.since(), MIDNIGHT + 5 * HOUR);
    }

    #[test]
    fn a_clock_that_is_set_back_keeps_the_day_and_counts_on() {
        let mut pace = counted(MIDNIGHT, &[(MIDNIGHT + 2_000, 7)]);
        pace.turn(MIDNIGHT - 3_000);
        pace.count(1);
        assert_eq!(pace.today, 8, "a little over midnight");
        pace.turn(MIDNIGHT - 5 * HOUR);
        assert_eq!((pace.today, pace.forecast(0, MIDNIGHT - 5 * HOUR)), (0, 0), "far: another day, and no pace is known");
        pace.count(2);
        pace.turn(MIDNIGHT - 5 * HOUR + MINUTE);
        assert_eq!(pace.minutes.iter().sum::<u32>(), 2);
    }

    #[test]
    fn what_was_not_sent_is_taken_back() {
        let mut pace = counted(MIDNIGHT, &[(MIDNIGHT + 1, 2)]);
        pace.take_back();
        assert_eq!((pace.today, pace.minutes.iter().sum::<u32>()), (1, 1));
    }
}
