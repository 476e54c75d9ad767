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
