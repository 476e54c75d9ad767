//! Windows at chosen times.
use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn rates(list: &[(u32, u64)]) -> Windows {
    Windows::new(&list.iter().map(|(requests, per_ms)| Rate { requests: *requests, per_ms: *per_ms }).collect::<Vec<_>>())
}

fn wall(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).unwrap()
}

fn take_and_finish(windows: &mut Windows, now: Instant) {
    windows.take(now, wall(0)).unwrap();
    windows.finish(now);
}

#[test]
fn no_interval_holds_more_than_the_rate_however_late_the_service_counts() {
    let mut windows = rates(&[(3, 10_000)]);
    let start = Instant::now();
    for _ in 0..3 {
        windows.take(start, wall(0)).unwrap();
    }
    assert_eq!(windows.take(start + 60 * SECOND, wall(0)), Err(Full::Answer), "they may be counted at any time");
    windows.finish(start + 60 * SECOND);
    assert_eq!(windows.take(start + 65 * SECOND, wall(0)), Err(Full::Until(start + 70 * SECOND)));
    assert_eq!(windows.take(start + 70 * SECOND, wall(0)), Ok(()));
}

#[test]
fn all_windows_hold() {
    let mut windows = rates(&[(3, 10_000), (2, 1_000)]);
    let start = Instant::now();
    take_and_finish(&mut windows, start);
    take_and_finish(&mut windows, start);
    assert_eq!(windows.take(start, wall(0)), Err(Full::Until(start + SECOND)));
    take_and_finish(&mut windows, start + SECOND);
    assert_eq!(windows.take(start + 2 * SECOND, wall(0)), Err(Full::Until(start + 10 * SECOND)));
    assert_eq!(
        windows.state(start + 2 * SECOND, wall(0), 4),
        Some(BudgetState { remaining: 2, max: 2, interval_ms: 1000, daily_remaining: None, waiting: 4 })
    );
}

#[test]
fn what_is_given_back_can_be_taken_again() {
    let mut windows = rates(&[(1, 1_000), (1, 86_400_000)]);
    let start = Instant::now();
    for _ in 0..5 {
        windows.take(start, wall(0)).unwrap();
        windows.give_back();
    }
    assert!(windows.take(start, wall(0)).is_ok());
}

#[test]
fn the_day_ends_at_midnight_utc() {
    let mut windows = rates(&[(10, 1_000), (2, 86_400_000)]);
    let now = Instant::now();
    let evening: Timestamp = "2026-03-01T23:59:50Z".parse().unwrap();
    for _ in 0..2 {
        windows.take(now, evening).unwrap();
        windows.finish(now);
    }
    assert_eq!(windows.take(now, evening), Err(Full::Spent(10 * SECOND)));
    assert_eq!(windows.state(now, evening, 0).unwrap().daily_remaining, Some(0));
    let morning: Timestamp = "2026-03-02T00:00:00Z".parse().unwrap();
    assert!(windows.take(now, morning).is_ok());
}

#[test]
fn the_service_corrects_what_is_left() {
    let mut windows = rates(&[(100, 10_000), (200_000, 86_400_000)]);
    let now = Instant::now();
    let told = |max, remaining, interval, daily| Told {
        max: Some(max),
        remaining: Some(remaining),
        interval: Some(Duration::from_millis(interval)),
        daily_remaining: Some(daily),
    };
    take_and_finish(&mut windows, now);
    windows.tell(told(100, 40, 10_000, 123), now, wall(0));
    let state = windows.state(now, wall(0), 0).unwrap();
    assert_eq!((state.remaining, state.max, state.daily_remaining), (40, 100, Some(123)), "others used 59");
    windows.tell(told(100, 90, 10_000, 123), now, wall(0));
    assert_eq!(windows.state(now, wall(0), 0).unwrap().remaining, 40, "an answer that was counted earlier frees nothing");
    windows.tell(told(50, 0, 5_000, 0), now, wall(0));
    let state = windows.state(now, wall(0), 0).unwrap();
    assert_eq!((state.remaining, state.max, state.interval_ms, state.daily_remaining), (0, 50, 5_000, Some(0)));
    assert!(matches!(windows.take(now, wall(0)), Err(Full::Spent(_))));
    windows.tell(told(50, 50, 5_000, 500_000), now + 10 * SECOND, wall(10));
    assert!(windows.take(now + 10 * SECOND, wall(10)).is_ok(), "a larger plan is believed");
}

#[test]
fn headers_alone_make_a_budget() {
    let mut windows = rates(&[]);
    let now = Instant::now();
    assert!(windows.take(now, wall(0)).is_ok());
    assert_eq!(windows.state(now, wall(0), 0), None);
    windows.finish(now);
    windows.tell(Told { max: Some(2), remaining: Some(1), interval: Some(SECOND), daily_remaining: None }, now, wall(0));
    assert_eq!(windows.state(now, wall(0), 0).map(|it| (it.remaining, it.max)), Some((1, 2)));
}

#[test]
fn senseless_headers_stop_nothing_for_good() {
    let mut windows = rates(&[(2, 1_000)]);
    let now = Instant::now();
    take_and_finish(&mut windows, now);
    let told = Told { max: Some(u32::MAX), remaining: Some(0), interval: Some(Duration::MAX), daily_remaining: Some(u64::MAX) };
    windows.tell(told, now, wall(0));
    assert_eq!(windows.interval(), Some(SECOND));
    assert!(windows.take(now + SECOND, wall(0)).is_ok());
    windows.tell(Told { max: Some(0), interval: Some(Duration::ZERO), ..Told::default() }, now, wall(0));
    windows.finish(now + SECOND);
    assert!(windows.take(now + 2 * SECOND, wall(0)).is_ok());
}

#[test]
fn a_block_holds_for_everything() {
    let mut windows = rates(&[]);
    let now = Instant::now();
    windows.block(now + 5 * SECOND);
    windows.block(now + 3 * SECOND);
    assert_eq!(windows.take(now + 4 * SECOND, wall(0)), Err(Full::Until(now + 5 * SECOND)));
    assert_eq!(windows.wait(0, now), 5 * SECOND);
    assert!(windows.take(now + 5 * SECOND, wall(0)).is_ok());
}

#[test]
fn the_wait_grows_with_those_before() {
    let mut windows = rates(&[(2, 1_000)]);
    let now = Instant::now();
    assert_eq!(windows.wait(1, now), Duration::ZERO);
    take_and_finish(&mut windows, now);
    take_and_finish(&mut windows, now);
    assert_eq!([0, 1, 2, 3, 4].map(|it| windows.wait(it, now)), [SECOND, SECOND, 2 * SECOND, 2 * SECOND, 3 * SECOND]);
}

proptest::proptest! {
    /// Requests at any time, each counted by the service at any time until its answer: no interval of the service's, wherever it
    /// begins, holds more than the rate.
    #[test]
    fn a_service_never_counts_too_many(gaps in proptest::collection::vec((0_u64..400, 0_u64..1500, 0.0_f64..1.0), 1..60)) {
        let (max, interval) = (4_u32, 1_000_u64);
        let mut windows = rates(&[(max, interval)]);
        let start = Instant::now();
        let at = |ms: u64| start + Duration::from_millis(ms);
        let mut now = 0;
        let mut flying: Vec<u64> = Vec::new();
        let mut counted: Vec<u64> = Vec::new();
        for (gap, latency, when) in gaps {
            now += gap;
            loop {
                flying.sort_unstable();
                while flying.first().is_some_and(|it| *it <= now) {
                    windows.finish(at(flying.remove(0)));
                }
                match windows.take(at(now), wall(0)) {
                    Ok(()) => break,
                    Err(Full::Until(until)) => {
                        let until = until.duration_since(start).as_millis() as u64;
                        now = flying.first().copied().unwrap_or(until).min(until).max(now + 1);
                    }
                    Err(_) => now = flying.first().copied().unwrap_or(now).max(now + 1),
                }
            }
            counted.push(now + (latency as f64 * when) as u64);
            flying.push(now + latency);
        }
        counted.sort_unstable();
        for window in counted.windows(max as usize + 1) {
            assert!(window[max as usize] - window[0] >= interval, "{counted:?}");
        }
    }
}
