//! Ledgers at chosen times.
use super::*;

/// 2026-03-01, 12:00 UTC.
const NOON: i64 = 1_772_366_400_000;
const SECOND: i64 = 1_000;
const HOUR: i64 = 3_600 * SECOND;
const ME: u64 = 1;
const OTHER: u64 = 2;
use Priority::{Background, First};

fn rates(list: &[(u32, u64)]) -> Vec<Rate> {
    list.iter().map(|(requests, per_ms)| Rate { requests: *requests, per_ms: *per_ms }).collect()
}

fn ledger(list: &[(u32, u64)]) -> Ledger {
    Ledger::new(&rates(list), NOON)
}

fn take(ledger: &mut Ledger, now: i64) -> Result<(), Full> {
    ledger.take(ME, Background, now)
}

fn take_and_finish(ledger: &mut Ledger, now: i64) {
    take(ledger, now).unwrap();
    ledger.finish(ME, now);
}

/// A place becomes free then, or by less than the part of an interval later that places are kept together for.
#[track_caller]
fn until(full: Result<(), Full>, at: i64, interval: i64) {
    let Err(Full::Until(until)) = full else { panic!("{full:?}") };
    assert!((at..=at + interval / 256 + 1).contains(&until), "{} ms late", until - at);
}

#[test]
fn no_interval_holds_more_than_the_rate_however_late_the_service_counts() {
    let mut it = ledger(&[(3, 10_000)]);
    for _ in 0..3 {
        take(&mut it, NOON).unwrap();
    }
    assert_eq!(take(&mut it, NOON + 60 * SECOND), Err(Full::Answer), "they may be counted at any time");
    it.finish(ME, NOON + 60 * SECOND);
    until(take(&mut it, NOON + 65 * SECOND), NOON + 70 * SECOND, 10_000);
    assert_eq!(take(&mut it, NOON + 70 * SECOND + 40), Ok(()));
}

#[test]
fn what_was_taken_becomes_free_by_the_interval_that_is_told() {
    let told = |interval| Told { max: Some(3), interval: Some(Duration::from_millis(interval)), ..Told::default() };
    let mut it = ledger(&[(100, 10_000)]);
    take_and_finish(&mut it, NOON);
    it.tell(told(1_000), NOON);
    take_and_finish(&mut it, NOON + 100);
    take_and_finish(&mut it, NOON + 200);
    until(take(&mut it, NOON + 300), NOON + SECOND, 10_000);
    assert_eq!(take(&mut it, NOON + SECOND + 40), Ok(()));
    until(take(&mut it, NOON + SECOND + 40), NOON + SECOND + 100, 1_000);
    // A longer one holds what was taken under the shorter one for longer.
    let mut it = ledger(&[(3, 1_000)]);
    (0..3).for_each(|_| take_and_finish(&mut it, NOON));
    it.tell(told(5_000), NOON);
    until(take(&mut it, NOON + SECOND), NOON + 5 * SECOND, 5_000);
}

#[test]
fn all_windows_hold() {
    let mut it = ledger(&[(3, 10_000), (2, 1_000)]);
    take_and_finish(&mut it, NOON);
    take_and_finish(&mut it, NOON);
    until(take(&mut it, NOON), NOON + SECOND, 1_000);
    take_and_finish(&mut it, NOON + SECOND + 4);
    until(take(&mut it, NOON + 2 * SECOND + 8), NOON + 10 * SECOND, 10_000);
    let state = it.state(NOON + 2 * SECOND + 8).unwrap();
    assert_eq!((state.remaining, state.used, state.max, state.interval_ms, state.daily_max), (2, 0, 2, 1000, None));
}

#[test]
fn what_is_given_back_can_be_taken_again_and_is_not_counted() {
    let mut it = ledger(&[(1, 1_000), (1, 86_400_000)]);
    for _ in 0..5 {
        take(&mut it, NOON).unwrap();
        it.give_back(ME, NOON);
    }
    assert_eq!(it.state(NOON).unwrap().used_today, 0);
    assert!(take(&mut it, NOON).is_ok());
}

#[test]
fn the_day_ends_at_midnight_utc() {
    let mut it = ledger(&[(10, 1_000), (2, 86_400_000)]);
    let evening = NOON + 12 * HOUR - 10 * SECOND;
    for _ in 0..2 {
        take_and_finish(&mut it, evening);
    }
    assert_eq!(take(&mut it, evening), Err(Full::Spent(10 * SECOND)));
    let state = it.state(evening).unwrap();
    assert_eq!((state.daily_remaining, state.used_today, state.daily_max), (Some(0), 2, Some(2)));
    assert!(take(&mut it, NOON + 12 * HOUR).is_ok());
    assert_eq!(it.state(NOON + 12 * HOUR).unwrap().used_today, 1);
}

#[test]
fn the_service_corrects_what_is_left() {
    let mut it = ledger(&[(100, 10_000), (200_000, 86_400_000)]);
    let told = |max, remaining, interval, daily| Told {
        max: Some(max),
        remaining: Some(remaining),
        interval: Some(Duration::from_millis(interval)),
        daily_remaining: Some(daily),
    };
    take_and_finish(&mut it, NOON);
    it.tell(told(100, 40, 10_000, 123), NOON);
    let state = it.state(NOON).unwrap();
    assert_eq!((state.remaining, state.max, state.daily_remaining), (40, 100, Some(123)), "others used 59");
    assert_eq!(state.used_today, 200_000 - 123, "by the service's own count");
    it.tell(told(100, 90, 10_000, 123), NOON);
    assert_eq!(it.state(NOON).unwrap().remaining, 40, "an answer that was counted earlier frees nothing");
    it.tell(told(50, 0, 5_000, 0), NOON);
    let state = it.state(NOON).unwrap();
    assert_eq!((state.remaining, state.max, state.interval_ms, state.daily_remaining), (0, 50, 5_000, Some(0)));
    assert!(matches!(take(&mut it, NOON), Err(Full::Spent(_))));
    it.tell(told(50, 50, 5_000, 500_000), NOON + 11 * SECOND);
    assert!(take(&mut it, NOON + 11 * SECOND).is_ok(), "a larger plan is believed");
}

#[test]
fn headers_alone_make_a_budget() {
    let mut it = ledger(&[]);
    assert!(take(&mut it, NOON).is_ok());
    assert_eq!(it.state(NOON), None);
    it.finish(ME, NOON);
    it.tell(Told { max: Some(2), remaining: Some(1), interval: Some(Duration::from_secs(1)), daily_remaining: None }, NOON);
    let state = it.state(NOON).unwrap();
    assert_eq!((state.remaining, state.max, state.used_today), (1, 2, 1));
    let again = it.clone().under(&[], NOON);
    assert_eq!(again, it, "the catalogue still says nothing");
}

#[test]
fn senseless_headers_stop_nothing_for_good() {
    let mut it = ledger(&[(2, 1_000)]);
    take_and_finish(&mut it, NOON);
    let told = Told { max: Some(u32::MAX), remaining: Some(0), interval: Some(Duration::MAX), daily_remaining: Some(u64::MAX) };
    it.tell(told, NOON);
    assert_eq!(it.short[0].interval, SECOND);
    assert!(take(&mut it, NOON + SECOND + 4).is_ok());
    it.tell(Told { max: Some(0), interval: Some(Duration::ZERO), ..Told::default() }, NOON + SECOND + 4);
    it.finish(ME, NOON + SECOND + 4);
    assert!(take(&mut it, NOON + 2 * SECOND + 8).is_ok());
    let mut it = ledger(&[]);
    it.tell(Told { max: Some(1), remaining: Some(0), interval: Some(Duration::MAX), daily_remaining: None }, NOON);
    assert!(take(&mut it, NOON + HOUR + 15 * SECOND).is_ok());
}

#[test]
fn a_block_holds_for_everything() {
    let mut it = ledger(&[]);
    it.block(5 * SECOND, NOON);
    it.block(3 * SECOND, NOON);
    assert_eq!(take(&mut it, NOON + 4 * SECOND), Err(Full::Until(NOON + 5 * SECOND)));
    assert_eq!(it.wait(0, NOON), 5 * SECOND);
    assert!(take(&mut it, NOON + 5 * SECOND).is_ok());
}

#[test]
fn the_wait_grows_with_those_before() {
    let mut it = ledger(&[(2, 1_000)]);
    assert_eq!(it.wait(1, NOON), 0);
    take_and_finish(&mut it, NOON);
    take_and_finish(&mut it, NOON);
    let waits = [0, 1, 2, 3, 4].map(|others| it.wait(others, NOON) / SECOND);
    assert_eq!(waits, [1, 1, 2, 2, 3]);
}

#[test]
fn a_person_goes_first_and_the_background_is_not_forgotten() {
    let mut it = ledger(&[(1, 1_000)]);
    let mut now = NOON;
    take_and_finish(&mut it, now);
    let mut order = Vec::new();
    for _ in 0..20 {
        now += 1_010;
        it.waiting(ME, [1, 1]);
        // The background asks first each time.
        for (priority, letter) in [(Background, 'b'), (First, 'f'), (Background, 'b'), (First, 'f')] {
            match it.take(ME, priority, now) {
                Ok(()) => {
                    it.finish(ME, now);
                    order.push(letter);
                }
                Err(full) => assert!(matches!(full, Full::Turn | Full::Until(_)), "{full:?}"),
            }
        }
    }
    // That a person waits is not known before the person has asked.
    assert_eq!(order.iter().collect::<String>(), "bffffffffbffffffffbf");
}

#[test]
fn who_waits_elsewhere_is_heeded_while_it_is_known() {
    let mut it = ledger(&[(1, 1_000)]);
    take_and_finish(&mut it, NOON);
    it.waiting(OTHER, [1, 0]);
    assert!(it.take(OTHER, First, NOON + 10).is_err());
    assert_eq!(take(&mut it, NOON + SECOND + 4), Err(Full::Turn), "the person in the other process is next");
    assert_eq!(it.before(ME, Background), 1);
    let mut gone = it.clone();
    assert!(take(&mut gone, NOON + 10 + DUE).is_ok(), "one that says nothing more is not waited for");
    it.waiting(OTHER, [0, 0]);
    assert!(take(&mut it, NOON + SECOND + 5).is_ok(), "it gave up");
    assert_eq!(it.users.len(), 1);
}

#[test]
fn what_a_process_had_that_is_gone_is_given_back_after_an_interval() {
    let mut it = ledger(&[(2, 1_000)]);
    it.take(OTHER, Background, NOON).unwrap();
    it.take(OTHER, Background, NOON).unwrap();
    it.waiting(OTHER, [3, 0]);
    assert_eq!(take(&mut it, NOON + 5 * SECOND), Err(Full::Answer));
    assert!(it.waits_for_others(ME));
    it.bury(&[OTHER], NOON + 5 * SECOND);
    until(take(&mut it, NOON + 5 * SECOND), NOON + 6 * SECOND, 1_000);
    assert!(take(&mut it, NOON + 6 * SECOND + 4).is_ok());
    assert_eq!(it.state(NOON + 6 * SECOND + 4).unwrap().waiting, 0);
}

#[test]
fn a_clock_that_is_set_back_blocks_nothing_for_longer_than_an_interval() {
    for back in [SECOND, HOUR, 30 * 24 * HOUR] {
        let mut it = ledger(&[(2, 10_000), (100, 86_400_000)]);
        take_and_finish(&mut it, NOON);
        take_and_finish(&mut it, NOON);
        it.block(20 * SECOND, NOON);
        let now = NOON - back;
        until(take(&mut it, now), now + (20 * SECOND).min(20 * SECOND + back), 10_000);
        it.blocked = None;
        let Err(Full::Until(at)) = take(&mut it, now) else { panic!("two were sent just now") };
        assert!(at <= now + 10 * SECOND + 80, "{} ms", at - now);
        assert!(take(&mut it, now + 10 * SECOND + 80).is_ok());
    }
}

#[test]
fn rates_that_the_catalogue_changes_keep_what_was_counted() {
    let mut it = ledger(&[(2, 10_000), (100, 86_400_000)]);
    take_and_finish(&mut it, NOON);
    take(&mut it, NOON).unwrap();
    let mut it = it.under(&rates(&[(5, 10_000), (200, 86_400_000), (9, 1_000)]), NOON);
    let state = it.state(NOON).unwrap();
    assert_eq!((state.max, state.interval_ms, state.used, state.used_today, state.daily_max), (9, 1_000, 1, 2, Some(200)));
    assert_eq!((it.short[1].max, it.short[1].held()), (5, 1));
}

#[test]
fn what_was_sent_without_the_file_is_added_to_it() {
    let mut it = ledger(&[(10, 1_000), (100, 86_400_000)]);
    it.fly(ME, 1);
    it.catch_up(5, 4, NOON);
    let state = it.state(NOON).unwrap();
    assert_eq!((state.used, state.used_today), (5, 5));
    it.fly(ME, 0);
    assert!(!it.knows(ME));
}

proptest::proptest! {
    /// Requests of two processes at any time, each counted by the service at any time until its answer: no interval of the service's,
    /// wherever it begins, holds more than the rate.
    #[test]
    fn a_service_never_counts_too_many(
        steps in proptest::collection::vec((0_i64..400, 0_i64..1500, 0.0_f64..1.0, 0_u64..2, proptest::bool::ANY), 1..60),
    ) {
        let (max, interval) = (4_u32, 1_000_i64);
        let mut it = ledger(&[(max, 1_000)]);
        let mut now = NOON;
        let mut flying: Vec<(i64, u64)> = Vec::new();
        let mut counted: Vec<i64> = Vec::new();
        for (gap, latency, when, user, person) in steps {
            now += gap;
            loop {
                flying.sort_unstable();
                while let Some((at, user)) = flying.first().copied().filter(|it| it.0 <= now) {
                    flying.remove(0);
                    it.finish(user, at);
                }
                match it.take(user, if person { First } else { Background }, now) {
                    Ok(()) => break,
                    Err(Full::Until(until)) => now = flying.first().map_or(until, |it| it.0).min(until).max(now + 1),
                    Err(Full::Turn) => now += 1,
                    Err(_) => now = flying.first().map_or(now, |it| it.0).max(now + 1),
                }
            }
            counted.push(now + (latency as f64 * when) as i64);
            flying.push((now + latency, user));
        }
        counted.sort_unstable();
        for window in counted.windows(max as usize + 1) {
            proptest::prop_assert!(window[max as usize] - window[0] >= interval, "{counted:?}");
        }
    }
}
