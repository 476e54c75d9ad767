//! Times, zones and lengths of time.
use jiff::tz::TimeZone;

use super::*;

fn zone(name: &str) -> TimeZone {
    parse_zone(name).expect("a zone")
}

#[test]
fn times_are_read_in_every_form_that_is_promised() {
    let london = zone("Europe/London");
    for (source, wanted) in [
        ("2026-11-23T09:30:00Z", "2026-11-23T09:30:00Z"),
        ("2026-11-23T09:30:00+02:00", "2026-11-23T07:30:00Z"),
        ("2026-11-23T09:30:00.250-05:00", "2026-11-23T14:30:00.25Z"),
        (" 2026-11-23 09:30:00 ", "2026-11-23T09:30:00Z"),
        ("2026-07-23 09:30", "2026-07-23T08:30:00Z"),
        ("2026-07-23", "2026-07-22T23:00:00Z"),
        ("20260723", "2026-07-22T23:00:00Z"),
        ("2026-07-23T09:30:00[America/New_York]", "2026-07-23T13:30:00Z"),
        ("2026-07-23T09:30:00-04:00[America/New_York]", "2026-07-23T13:30:00Z"),
        ("1795426200000", "2026-11-23T09:30:00Z"),
        ("0", "1970-01-01T00:00:00Z"),
        ("-1000", "1969-12-31T23:59:59Z"),
    ] {
        assert_eq!(parse_time(source, &london).map(|it| it.to_string()), Ok(wanted.to_owned()), "{source}");
    }
    for source in [
        "",
        "tomorrow",
        "23/11/2026",
        "2026-13-01",
        "2026-11-23T25:00:00Z",
        "2026-11-23 09:30[Europe/Lodnon]",
        "99999999999999999999",
    ] {
        assert!(matches!(parse_time(source, &london), Err(TimeError::Unreadable { .. })), "{source}");
    }
}

#[test]
fn local_times_at_a_change_of_clocks_name_both_readings() {
    let london = zone("Europe/London");
    assert_eq!(
        parse_time("2026-03-29 01:30:00", &london).map_err(|it| it.to_string()),
        Err("2026-03-29 01:30:00 does not exist in Europe/London: the clocks are set forward over it; \
             meant is either 2026-03-29T02:30:00+01:00 (the clock before) or 2026-03-29T00:30:00+00:00 (the clock after)"
            .to_owned())
    );
    assert_eq!(
        parse_time("2026-10-25 01:30:00", &london).map_err(|it| it.to_string()),
        Err("2026-10-25 01:30:00 happens twice in Europe/London: the clocks are set back over it; \
             meant is either 2026-10-25T01:30:00+01:00 (the first) or 2026-10-25T01:30:00+00:00 (the second)"
            .to_owned())
    );
    // An offset settles it.
    assert!(parse_time("2026-10-25T01:30:00+00:00[Europe/London]", &london).is_ok());
    // A day whose midnight is skipped begins when it begins.
    let beirut = zone("Asia/Beirut");
    assert_eq!(parse_time("2022-03-27", &beirut).map(|it| it.to_string()), Ok("2022-03-26T22:00:00Z".to_owned()));
    assert!(matches!(
        Expr::parse("'29/03/2026 01:30' | parse_date('%d/%m/%Y %H:%M', 'Europe/London')").expect("it is right").eval(&data()),
        Err(EvalError::Failed { message, .. }) if message.contains("does not exist in Europe/London")
    ));
}

#[test]
fn lengths_of_time_are_read_in_every_form_that_is_promised() {
    let utc = TimeZone::UTC;
    for (source, wanted) in [
        ("2 days", "2026-11-25T09:30:00Z"),
        ("1 h 30 min", "2026-11-23T11:00:00Z"),
        ("1 hour and 30 minutes", "2026-11-23T11:00:00Z"),
        ("PT15M", "2026-11-23T09:45:00Z"),
        ("P1DT1H", "2026-11-24T10:30:00Z"),
        ("90", "2026-11-23T09:31:30Z"),
        ("0.5", "2026-11-23T09:30:00.5Z"),
        ("-2 hours", "2026-11-23T07:30:00Z"),
        ("2 hours ago", "2026-11-23T07:30:00Z"),
        ("1 month", "2026-12-23T09:30:00Z"),
        ("3 weeks", "2026-12-14T09:30:00Z"),
        ("1m", "2026-11-23T09:31:00Z"),
        ("0 days", "2026-11-23T09:30:00Z"),
    ] {
        let span = parse_duration(source).unwrap_or_else(|error| panic!("{source}: {error}"));
        assert_eq!(later(now(), &span, &utc).map(|it| it.to_string()), Ok(wanted.to_owned()), "{source}");
    }
    for source in ["", "soon", "1 fortnight", "two days", "1e300", "NaN", "inf", "99999999999999999999 days"] {
        assert!(parse_duration(source).is_err(), "{source}");
    }
    let far = parse_duration("9000 years").expect("a length");
    assert!(later(now(), &far, &utc).is_err());
}

#[test]
fn shifts_follow_the_calendar_of_the_zone() {
    for (source, wanted) in [
        // A day over the change of clocks is 25 hours.
        ("'2026-10-24T12:00:00+01:00' | shift('1 day', 'Europe/London')", "2026-10-25T12:00:00+00:00"),
        ("'2026-10-24T12:00:00+01:00' | shift('24 hours', 'Europe/London')", "2026-10-25T11:00:00+00:00"),
        ("'2026-10-24T12:00:00[Europe/London]' | shift('1 day')", "2026-10-25T12:00:00+00:00"),
        ("'2026-01-31' | shift('1 month')", "2026-02-28T00:00:00Z"),
        ("'2028-02-29' | shift('-1 year')", "2027-02-28T00:00:00Z"),
        ("'2026-11-23' | shift(90)", "2026-11-23T00:01:30Z"),
        ("'2026-11-23T09:30:00Z' | start_of('week')", "2026-11-23T00:00:00Z"),
        ("'2026-11-22T09:30:00Z' | start_of('week')", "2026-11-16T00:00:00Z"),
        ("'2026-11-22T23:30:00Z' | start_of('day', 'Asia/Tokyo')", "2026-11-23T00:00:00+09:00"),
        ("'2026-11-23T09:30:15.5Z' | start_of('hour')", "2026-11-23T09:00:00Z"),
        ("'2026-11-23' | start_of('quarter')", "2026-10-01T00:00:00Z"),
        ("'2026-11-23' | start_of('year', 'UTC')", "2026-01-01T00:00:00Z"),
        ("'2026-11-23' | end_of('day')", "2026-11-23T23:59:59Z"),
        ("'2028-02-10' | end_of('month')", "2028-02-29T23:59:59Z"),
        ("'2026-10-25' | end_of('day', 'Europe/London')", "2026-10-25T23:59:59+00:00"),
        ("'1 Nov 2026' | parse_date('%d %b %Y', 'America/New_York')", "2026-11-01T00:00:00-04:00"),
        ("'2026-11-23 09:30 +0200' | parse_date('%Y-%m-%d %H:%M %z', 'UTC')", "2026-11-23T07:30:00Z"),
        ("1795426200000 | to_utc", "2026-11-23T09:30:00Z"),
        ("'2026-11-23T09:30:00Z' | date", "2026-11-23"),
        ("'2026-11-23T23:30:00Z' | weekday('Asia/Tokyo')", "Tuesday"),
        ("now() | shift('-36 hours') | date('%Y-%m-%d %H:%M')", "2026-11-21 21:30"),
    ] {
        assert_eq!(eval(source), Ok(json!(wanted)), "{source}");
    }
    assert_eq!(eval("'2026-11-22T23:00:00Z' | days_until"), Ok(json!(-1)));
    assert_eq!(eval("'2026-11-23T23:00:00Z' | days_until('Asia/Tokyo')"), Ok(json!(1)));
}

#[test]
fn dates_use_the_scopes_zone_where_none_is_named() {
    let scope = Data::new(now()).in_zone(zone("America/New_York"));
    let eval = |source: &str| Expr::parse(source).expect("it is right").eval(&scope);
    assert_eq!(eval("now()"), Ok(json!("2026-11-23T04:30:00-05:00")));
    assert_eq!(eval("[now()]"), Ok(json!(["2026-11-23T04:30:00-05:00"])));
    assert_eq!(eval("'2026-11-23 09:30' | to_utc"), Ok(json!("2026-11-23T14:30:00Z")));
    assert_eq!(eval("'2026-11-23T02:00:00Z' | date('%d %H:%M %z')"), Ok(json!("22 21:00 -0500")));
}

#[test]
fn zones_are_iana_names_and_mistakes_name_the_nearest() {
    for name in ["Europe/London", "europe/london", "UTC", "utc", "Z", "America/Argentina/Buenos_Aires"] {
        assert!(parse_zone(name).is_ok(), "{name}");
    }
    for (name, hint) in [
        ("Europe/Lodnon", "did you mean 'Europe/London'?"),
        ("London", "did you mean 'Europe/London'?"),
        ("new_york", "did you mean 'America/New_York'?"),
        ("../../etc/passwd", "a zone has a name such as 'Europe/London', 'America/New_York' or 'UTC'"),
        ("", "a zone has a name such as 'Europe/London', 'America/New_York' or 'UTC'"),
        ("+02:00", "a zone has a name such as 'Europe/London', 'America/New_York' or 'UTC'"),
    ] {
        assert_eq!(parse_zone(name).map(drop).map_err(|it| it.hint), Err(hint.to_owned()), "{name}");
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { failure_persistence: None, ..Default::default() })]

    #[test]
    fn an_instant_is_read_as_it_is_written(
        seconds in -377_705_023_201_i64..=253_402_207_200, nanoseconds in 0..1_000_000_000_i32,
        name in proptest::sample::select(vec!["UTC", "Europe/London", "America/New_York", "Asia/Kathmandu", "Pacific/Apia"]),
    ) {
        let instant = Timestamp::new(seconds, nanoseconds).expect("a time");
        let zone = zone(name);
        proptest::prop_assert_eq!(parse_time(&instant.to_string(), &zone), Ok(instant));
        let zoned = instant.to_zoned_datetime(zone.clone());
        // Offsets of long ago have seconds, which RFC 3339 has no place for.
        if zoned.offset().seconds() % 60 == 0 {
            proptest::prop_assert_eq!(parse_time(&zoned.to_string(), &TimeZone::UTC), Ok(instant));
        }
        let millisecond = instant.as_millisecond();
        if !(10_000_000..100_000_000).contains(&millisecond.unsigned_abs()) {
            let read = parse_time(&millisecond.to_string(), &zone).expect("milliseconds");
            proptest::prop_assert_eq!(read.as_millisecond(), millisecond);
        }
    }

    /// A local time is one instant, none, or one of two; what it is said to be reads as itself.
    #[test]
    fn a_local_time_is_an_instant_or_told_why_not(
        year in 1900..2100_i16, month in 1..=12_i8, day in 1..=31_i8, minute in 0..1440_i32,
        name in proptest::sample::select(vec!["Europe/London", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Monrovia"]),
    ) {
        let zone = zone(name);
        let text = format!("{year}-{month:02}-{day:02} {:02}:{:02}", minute / 60, minute % 60);
        match parse_time(&text, &zone) {
            Ok(instant) => {
                let local = instant.to_zoned_datetime(zone).strftime("%Y-%m-%d %H:%M").to_string();
                proptest::prop_assert_eq!(local, text);
            }
            Err(TimeError::Skipped { before, after, .. } | TimeError::Repeated { before, after, .. }) => {
                let read = [before, after].map(|it| parse_time(&it, &zone).expect("an instant"));
                proptest::prop_assert_ne!(read[0], read[1]);
            }
            Err(TimeError::Unreadable { .. }) => proptest::prop_assert!(day > 28),
        }
    }

    #[test]
    fn a_length_of_time_is_read_as_it_is_written(
        days in -10_000..10_000_i64, hours in 0..1000_i64, minutes in 0..10_000_i64, seconds in -1_000_000_000..1_000_000_000_i64,
    ) {
        let sign = if days < 0 { -1 } else { 1 };
        let span = jiff::Span::new().days(days).hours(sign * hours).minutes(sign * minutes);
        for text in [span.to_string(), format!("{span:#}")] {
            proptest::prop_assert_eq!(parse_duration(&text).expect("a length of time").fieldwise(), span.fieldwise(), "{}", text);
        }
        let read = parse_duration(&seconds.to_string()).expect("seconds");
        proptest::prop_assert_eq!(read.fieldwise(), jiff::Span::new().seconds(seconds).fieldwise());
        // Adding a length and taking it away again ends where it began, as far as calendars have an end.
        let exact = jiff::Span::new().seconds(seconds);
        if let Ok(there) = later(now(), &exact, &zone("Europe/London")) {
            proptest::prop_assert_eq!(later(there, &-exact, &zone("Europe/London")), Ok(now()));
        }
    }

    #[test]
    fn what_looks_like_a_time_or_a_length_is_read_or_refused(
        time in "[-+]?[0-9]{1,6}-?[0-9]{0,2}-?[0-9]{0,2}[T ]?[0-9:.]{0,12}(Z|[-+][0-9:]{1,6})?(\\[[A-Za-z/+]{0,20}\\])?",
        length in "-?P?[0-9.]{0,20} ?(s|h|d|w|mo|y|days|T|H|M)?[0-9.]{0,20}[A-Za-z ]{0,4}", zone_name in "[A-Za-z/_+-]{0,20}",
    ) {
        let london = zone("Europe/London");
        let _time = parse_time(&time, &london);
        let _zone = parse_zone(&zone_name);
        if let Ok(span) = parse_duration(&length) {
            let _later = later(now(), &span, &london);
        }
    }
}
