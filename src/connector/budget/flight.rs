//! How many requests are under way at once: enough to use the rate that the service allows, and not so many that they only wait
//! for each other on the way. Pure: times are passed in.
//!
//! A request holds its place from before it is sent until an interval after its answer, so that whatever it spends in a queue
//! beyond that is rate that is not used. By Little's law (J. D. C. Little, 1961) a rate is used up by as many requests under way
//! as it lets go in the time that one takes; what is sent beyond that comes back later, and no more of it.

/// So many may be under way for each second of the interval, however short they take.
const LEAST_A_SECOND: i64 = 16;
/// Of short intervals too, so many.
const LEAST: u32 = 8;
/// So much more than the rate needs by what requests took lately.
const SPARE: f64 = 1.25;
/// How much the last request counts in what requests take.
const WEIGHT: f64 = 0.05;

/// The requests of this process that are under way.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Flight {
    under_way: u32,
    /// What one takes, on average of the last of them, in milliseconds.
    takes: Option<f64>,
}

impl Flight {
    /// Whether one more may be sent, where the service allows so many in an interval of so many milliseconds.
    pub(super) fn has_room(self, max: u32, interval: i64) -> bool {
        self.under_way < self.most(max, interval)
    }

    fn most(self, max: u32, interval: i64) -> u32 {
        let least = (LEAST_A_SECOND.saturating_mul(interval) / 1_000).clamp(LEAST.into(), u32::MAX.into()) as u32;
        let needed = f64::from(max) / interval.max(1) as f64 * self.takes.unwrap_or_default() * SPARE;
        least.max(needed.ceil() as u32)
    }

    pub(super) fn begin(&mut self) {
        self.under_way = self.under_way.saturating_add(1);
    }

    /// One came back, after so many milliseconds where it was answered.
    pub(super) fn end(&mut self, took: Option<f64>) {
        self.under_way = self.under_way.saturating_sub(1);
        if let Some(took) = took {
            let before = self.takes.unwrap_or(took);
            self.takes = Some(before + (took - before) * WEIGHT);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_are_under_way_as_the_rate_needs_by_what_they_take() {
        for (max, interval, takes, most) in [
            // Nothing is known yet.
            (1_000, 1_000, None, 16),
            // A near service, and a far one.
            (1_000, 1_000, Some(2.0), 16),
            (1_000, 1_000, Some(300.0), 375),
            // What a budget lets go at once within ten seconds is no queue to speak of.
            (100, 10_000, Some(500.0), 160),
            (5, 100, Some(1.0), 8),
        ] {
            let flight = Flight { under_way: 0, takes };
            assert_eq!(flight.most(max, interval), most, "{max} in {interval}, {takes:?}");
        }
        assert!(Flight { under_way: 15, takes: None }.has_room(1_000, 1_000));
        assert!(!Flight { under_way: 16, takes: None }.has_room(1_000, 1_000));
    }

    #[test]
    fn requests_that_wait_for_each_other_do_not_make_room_for_more() {
        // A service that takes 2 ms and 0.3 ms for each that is before one: how many are under way does not grow round by round.
        let mut flight = Flight::default();
        for _ in 0..10_000 {
            while flight.has_room(1_000, 1_000) {
                flight.begin();
            }
            flight.end(Some(2.0 + 0.3 * f64::from(flight.under_way)));
        }
        assert_eq!(flight.under_way, 15);
        // A far one has as many under way as it needs.
        for _ in 0..10_000 {
            while flight.has_room(1_000, 1_000) {
                flight.begin();
            }
            flight.end(Some(200.0));
        }
        assert!((240..=250).contains(&flight.under_way), "{flight:?}");
        // What was never answered says nothing of how long one takes.
        let before = flight.takes;
        flight.end(None);
        assert_eq!(flight.takes, before);
    }
}
