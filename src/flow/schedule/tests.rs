//! Rules in words and cron, the changes of clocks, and what is due.
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::*;

fn rule(text: &str) -> Rule {
    text.parse().unwrap_or_else(|error: ScheduleError| panic!("{text}: {error} ({}) {:?}", error.hint, error.span))
}

fn plan(text: &str, zone: &str) -> Plan {
    let schedule = Schedule { rule: text.to_owned(), zone: zone.to_owned(), missed: Missed::Once };
    schedule.plan().unwrap_or_else(|error| panic!("{text} in {zone}: {error}"))
}

fn at(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

/// The next times as clocks in the zone show them, with their offset.
fn shown(text: &str, zone: &str, after: &str, count: usize) -> Vec<String> {
    let plan = plan(text, zone);
    plan.upcoming(at(after)).take(count).map(|it| it.display_with_offset(plan.zone().to_offset(it)).to_string()).collect()
}

#[test]
fn words_say_what_they_mean() {
    for (text, words) in [
        ("every weekday at 9:00", "at 9:00 on weekdays"),
        ("Every working day at 9 am", "at 9:00 on weekdays"),
        ("weekdays 9:00", "at 9:00 on weekdays"),
        ("every 15 minutes", "every 15 minutes"),
        ("every minute", "every minute"),
        ("every day at 8:00 and 17:30", "at 8:00 and 17:30 every day"),
        ("at 8, 12 and 17:30", "at 8:00, 12:00 and 17:30 every day"),
        ("daily at 5pm", "at 17:00 every day"),
        ("every Monday and Thursday at 9", "at 9:00 on Monday and Thursday"),
        ("mondays, wednesdays and fridays at noon", "at 12:00 on Monday, Wednesday and Friday"),
        ("Mon-Thu at 7:15", "at 7:15 on Monday to Thursday"),
        ("from Friday to Monday at 7:15", "at 7:15 on Monday and Friday to Sunday"),
        ("every 2 weeks on Friday at 16:00", "at 16:00 on Friday every 2 weeks"),
        ("every other Friday at 16:00", "at 16:00 on Friday every 2 weeks"),
        ("every 2 weeks on Friday at 16:00 starting 2026-12-04", "at 16:00 on Friday every 2 weeks starting 2026-12-04"),
        ("every week on Sunday at midnight", "at 0:00 on Sunday"),
        ("on the 1st of the month at 6:00", "at 6:00 on the 1st of the month"),
        ("every month on the 1st and 15th at 6:00", "at 6:00 on the 1st and the 15th of the month"),
        ("on the last day of the month at 18:00", "at 18:00 on the last day of the month"),
        ("on the second to last day of the month at 18:00", "at 18:00 on the 2nd to last day of the month"),
        ("on the last working day of the month at 18:00", "at 18:00 on the last working day of the month"),
        ("on the first weekday of every month at 8:00", "at 8:00 on the first working day of the month"),
        ("on the weekday nearest the 15th at 8:00", "at 8:00 on the weekday nearest the 15th of the month"),
        ("on the first Monday of the month at 8:00", "at 8:00 on the first Monday of the month"),
        ("every second and last Friday of the month at 8:00", "at 8:00 on the 2nd Friday and the last Friday of the month"),
        ("every hour", "every hour"),
        ("hourly", "every hour"),
        ("every hour at :05", "every hour at :05"),
        ("every hour at 5 minutes past the hour", "every hour at :05"),
        ("every hour at :05 and :35 on weekends", "every hour at :05 and :35 on weekends"),
        ("every 2 hours at :05", "every 2 hours counted from 0:05"),
        ("every 6 hours counted from 8:00", "every 6 hours counted from 2:00"),
        ("every 90 minutes", "every 90 minutes"),
        ("every 36 hours starting 2026-12-04", "every 36 hours starting 2026-12-04"),
        ("every year on 24 December at 10:00", "at 10:00 on the 24th of December"),
        ("on December 24th and 1 January at 10:00", "at 10:00 on 1 January and 24 December"),
        ("on the 1st of January and the 1st of July at 10:00", "at 10:00 on the 1st of January and July"),
        ("on the 1st of January and July at 10:00", "at 10:00 on the 1st of January and July"),
        ("every December on the 24th at 10:00", "at 10:00 on the 24th of December"),
        ("every 2 years on 29 February at 10:00", "at 10:00 on the 29th of February every 2 years"),
        ("every quarter on the 1st at 9:00", "at 9:00 on the 1st of the month every 3 months"),
        ("every 3 days at 9:00", "at 9:00 every 3 days"),
        ("every day in July and August at 9:00", "at 9:00 in July and August"),
        ("every 15 minutes between 9:00 and 17:00 on weekdays", "every 15 minutes from 9:00 to 17:00 on weekdays"),
        ("every 30 minutes from 22:00 to 2:00", "at :00 and :30 of the hours 0 to 2, 22 and 23"),
        ("on Friday if it is the 13th at 9:00", "at 9:00 on Friday if it is the 13th of the month"),
        ("on Friday in July or the 13th at 9:00", "at 9:00 on the 13th or on Friday in July"),
        ("on Sunday if it is 29 February at 9:00", "at 9:00 on Sunday if it is the 29th of February"),
        ("on Monday and the 15th at 9:00", "at 9:00 on the 15th of the month or on Monday"),
    ] {
        if text.contains("22:00") {
            // Not every hour of the night has both halves.
            assert!(rule(text).to_string().starts_with("at 0:00, 0:30"), "{}", rule(text));
            continue;
        }
        assert_eq!(rule(text).to_string(), words, "{text}");
        assert_eq!(rule(words), rule(text), "{words}");
    }
}

#[test]
fn cron_is_said_in_words() {
    for (text, words) in [
        ("0 9 * * MON-FRI", "at 9:00 on weekdays"),
        ("  0   9 * * 1-5 ", "at 9:00 on weekdays"),
        ("*/15 * * * *", "every 15 minutes"),
        ("* * * * *", "every minute"),
        ("@hourly", "every hour"),
        ("@weekly", "at 0:00 on Sunday"),
        ("5 * * * *", "every hour at :05"),
        ("*/7 * * * *", "every hour at :00, :07, :14, :21, :28, :35, :42, :49 and :56"),
        ("30 8,17 * * *", "at 8:30 and 17:30 every day"),
        ("0,30 9-17 * * *", "every 30 minutes from 9:00 to 17:30"),
        ("0,20 9-17 * * *", "at :00 and :20 of the hours 9 to 17 every day"),
        ("0 */6 * * *", "at 0:00, 6:00, 12:00 and 18:00 every day"),
        ("0 0 1 * *", "at 0:00 on the 1st of the month"),
        ("0 0 L * *", "at 0:00 on the last day of the month"),
        ("0 0 L-2 * ?", "at 0:00 on the 3rd to last day of the month"),
        ("0 0 15W,LW * *", "at 0:00 on the weekday nearest the 15th and the last working day of the month"),
        ("0 0 * * 1#2", "at 0:00 on the 2nd Monday of the month"),
        ("0 0 * * FRIL,7", "at 0:00 on Sunday and the last Friday of the month"),
        ("0 0 13 * FRI", "at 0:00 on the 13th of the month or on Friday"),
        (
            "0 0 */2 * FRI",
            "at 0:00 on Friday if it is the 1st, the 3rd, the 5th, the 7th, the 9th, the 11th, the 13th, the 15th, \
            the 17th, the 19th, the 21st, the 23rd, the 25th, the 27th, the 29th and the 31st of the month",
        ),
        ("0 0 1 jan,6-8 *", "at 0:00 on the 1st of January and June to August"),
        ("0 0 * 3-10 SAT-SUN", "at 0:00 on weekends in March to October"),
        ("0 0 * * FRI-MON", "at 0:00 on Monday and Friday to Sunday"),
        ("0 12 10/10 * *", "at 12:00 on the 10th, the 20th and the 30th of the month"),
    ] {
        assert_eq!(rule(text).to_string(), words, "{text}");
        assert_eq!(rule(words), rule(text), "{words}");
    }
}

#[test]
fn what_is_not_understood_is_said_with_its_place_and_what_would_be() {
    for (text, part, message, hint) in [
        ("", "", "nothing is said yet", "every weekday at 9:00"),
        ("every weekday", "every weekday", "at what time?", "at 9:00"),
        ("every wekday at 9:00", "wekday", "\"wekday\" is not understood here", "weekday"),
        ("whenever it rains", "whenever", "\"whenever\" is not understood here", "every 15 minutes"),
        ("every weekday at 9:00x", "9:00x", "\"9:00x\" is no time", "at 9:00"),
        ("every weekday at nine", "nine", "\"nine\" is no time", "at 9:00"),
        ("every weekday at", "at", "a time is missing", "at 9:00"),
        ("every weekday at 25:00", "25:00", "there is no time 25:00", "23:59"),
        ("every day at 24:00", "24:00", "there is no time 24:00", "Midnight is 0:00"),
        ("every day at 13 pm", "13 pm", "there is no 13 pm", "1 to 12"),
        ("every 30 seconds", "seconds", "seconds are not taken", "every minute"),
        ("every second", "second", "seconds are not taken", "every minute"),
        ("every 0 minutes", "every 0 minutes", "it would never stop happening", "Once a minute"),
        ("every 99999999999 minutes", "99999999999", "\"99999999999\" is not understood here", ""),
        ("every 4294967295 hours", "every 4294967295 hours", "that is more than a year apart", "months"),
        ("every 4000000000 weeks on Monday at 9:00", "every 4000000000 weeks", "4000000000 is too many", "1000"),
        ("on the 31st of February at 9:00", "31st", "there is no 31 February", "29 days"),
        ("on the 30th in February at 9:00", "on the 30th in February at 9:00", "there is no such day in any year", "29"),
        ("on the 32nd at 9:00", "32nd", "no month has a day 32", "last day"),
        ("on the 6th Monday of the month at 9:00", "6th", "no month has 6 of a day of the week", "5th"),
        ("every weekday at 9:00, Europe/Berlin", "Europe/Berlin", "\"europe/berlin\" looks like a zone", "field of its own"),
        ("every 2nd Friday at 9:00", "every 2nd", "this can be understood in two ways", "every 2 weeks on friday"),
        ("every 2 weeks at 9:00", "every 2 weeks", "on which day of the week?", "on Friday"),
        ("every month at 9:00", "every month", "on which day of the month?", "on the 1st"),
        ("every year at 9:00", "every year", "on which day of the year?", "24 December"),
        ("every 15 minutes at 9:00", "at 9:00", "how often and at what time do not go together", "from 9:00 to 17:00"),
        ("every 15 minutes from 9:00", "from 9:00", "until when?", "counted from 9:00"),
        ("from 9:00 to 17:00", "from 9:00 to 17:00", "how often in that part of the day?", "every 15 minutes"),
        ("every Monday at 9:00 and Tuesday at 10:00", "Monday at 9:00 and Tuesday", "days are said twice", "trigger for each"),
        ("at 9:00 at 10:00", "at 10:00", "times are said twice", "one place"),
        ("at :05", "at :05", "of which hours?", "every hour at :05"),
        ("every day at :77", ":77", "\":77\" is no minute", ":59"),
        ("every 2 weeks on Friday at 9:00 starting 2026-02-30", "2026-02-30", "there is no day 2026-02-30", "2026-12-04"),
        ("0 9 * *", "0 9 * *", "a rule of cron has five fields, and this has 4", "MON-FRI"),
        ("0 0 9 * * 1", "0 0 9 * * 1", "a rule of cron has five fields, and this has 6", "Seconds"),
        ("60 9 * * *", "60", "\"60\" is no minute", "0 to 59"),
        ("0 9 * * MO", "MO", "\"MO\" is no day of the week", "sun to sat"),
        ("0 17-9 * * *", "17-9", "\"17-9\" ends before it begins", "17-23,0-9"),
        ("0 */0 * * *", "*/0", "\"*/0\" is no hour", "step"),
        ("0 9 1,,2 * *", "", "a day of the month is missing", "1 to 31"),
        ("0 9 30 2 *", "0 9 30 2 *", "there is no such day in any year", "29"),
        ("@never", "@never", "\"@never\" is no rule of cron", "@daily"),
    ] {
        let error = text.parse::<Rule>().expect_err(text);
        let found = text.get(error.span.clone()).unwrap_or_else(|| panic!("{text}: {:?}", error.span));
        assert_eq!((error.message.as_str(), found), (message, part), "{text}");
        assert!(error.hint.contains(hint), "{text}: {}", error.hint);
    }
}

#[test]
fn a_time_that_the_clocks_skip_comes_at_the_first_moment_after_and_once() {
    for (text, zone, after, times) in [
        // 2:00 to 3:00.
        (
            "every day at 2:30",
            "Europe/Berlin",
            "2026-03-28T00:00:00Z",
            ["2026-03-28T02:30:00+01:00", "2026-03-29T03:00:00+02:00", "2026-03-30T02:30:00+02:00"],
        ),
        (
            "every day at 2:00, 2:30 and 3:00",
            "Europe/Berlin",
            "2026-03-28T02:00:00Z",
            ["2026-03-29T03:00:00+02:00", "2026-03-30T02:00:00+02:00", "2026-03-30T02:30:00+02:00"],
        ),
        (
            "every day at 2:30",
            "America/New_York",
            "2026-03-07T00:00:00Z",
            ["2026-03-07T02:30:00-05:00", "2026-03-08T03:00:00-04:00", "2026-03-09T02:30:00-04:00"],
        ),
        // Half an hour: 2:00 to 2:30.
        (
            "every day at 2:15",
            "Australia/Lord_Howe",
            "2026-10-02T12:00:00Z",
            ["2026-10-03T02:15:00+10:30", "2026-10-04T02:30:00+11:00", "2026-10-05T02:15:00+11:00"],
        ),
        // Midnight itself: 0:00 to 1:00.
        (
            "every day at 0:00",
            "America/Sao_Paulo",
            "2018-11-02T12:00:00Z",
            ["2018-11-03T00:00:00-03:00", "2018-11-04T01:00:00-02:00", "2018-11-05T00:00:00-02:00"],
        ),
        // A whole day: Samoa had no 30 December 2011.
        (
            "every day at 9:00",
            "Pacific/Apia",
            "2011-12-29T12:00:00Z",
            ["2011-12-29T09:00:00-10:00", "2011-12-31T00:00:00+14:00", "2011-12-31T09:00:00+14:00"],
        ),
    ] {
        assert_eq!(shown(text, zone, after, 3), times, "{text} in {zone}");
    }
}

#[test]
fn a_time_that_the_clocks_show_twice_counts_once() {
    for (text, zone, after, times) in [
        (
            "every day at 2:30",
            "Europe/Berlin",
            "2026-10-24T12:00:00Z",
            ["2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"],
        ),
        // Asked between the two.
        (
            "every day at 2:30",
            "Europe/Berlin",
            "2026-10-25T01:10:00Z",
            ["2026-10-26T02:30:00+01:00", "2026-10-27T02:30:00+01:00"],
        ),
        (
            "every day at 1:30",
            "America/New_York",
            "2026-10-31T12:00:00Z",
            ["2026-11-01T01:30:00-04:00", "2026-11-02T01:30:00-05:00"],
        ),
        (
            "every day at 1:45",
            "Australia/Lord_Howe",
            "2026-04-04T00:00:00Z",
            ["2026-04-05T01:45:00+11:00", "2026-04-06T01:45:00+10:30"],
        ),
        // Back over midnight, into the day before.
        (
            "every day at 23:30",
            "America/Sao_Paulo",
            "2019-02-16T12:00:00Z",
            ["2019-02-16T23:30:00-02:00", "2019-02-17T23:30:00-03:00"],
        ),
        (
            "every day at 9:00",
            "Asia/Kathmandu",
            "2026-03-28T12:00:00Z",
            ["2026-03-29T09:00:00+05:45", "2026-03-30T09:00:00+05:45"],
        ),
    ] {
        assert_eq!(shown(text, zone, after, 2), times, "{text} in {zone}");
    }
}

#[test]
fn what_comes_every_hour_runs_through_both_changes() {
    assert_eq!(
        shown("every 30 minutes", "Europe/Berlin", "2026-03-29T00:29:00Z", 4),
        ["2026-03-29T01:30:00+01:00", "2026-03-29T03:00:00+02:00", "2026-03-29T03:30:00+02:00", "2026-03-29T04:00:00+02:00"]
    );
    assert_eq!(
        shown("every hour at :05", "Europe/Berlin", "2026-10-24T23:00:00Z", 4),
        ["2026-10-25T01:05:00+02:00", "2026-10-25T02:05:00+02:00", "2026-10-25T02:05:00+01:00", "2026-10-25T03:05:00+01:00"]
    );
    assert_eq!(
        shown("every hour at :05", "America/Sao_Paulo", "2019-02-17T00:30:00Z", 4),
        ["2019-02-16T23:05:00-02:00", "2019-02-16T23:05:00-03:00", "2019-02-17T00:05:00-03:00", "2019-02-17T01:05:00-03:00"]
    );
    assert_eq!(
        shown("every 6 hours", "America/New_York", "2026-10-31T22:00:00Z", 3),
        ["2026-10-31T19:00:00-04:00", "2026-11-01T01:00:00-04:00", "2026-11-01T06:00:00-05:00"]
    );
    let plan = plan("every 15 minutes", "Asia/Kathmandu");
    let first: Vec<_> = plan.upcoming(at("2026-11-26T09:00:00Z")).take(2).map(|it| it.to_string()).collect();
    assert_eq!(first, ["2026-11-26T09:15:00Z", "2026-11-26T09:30:00Z"]);
}

#[test]
fn cycles_are_counted_from_their_start_and_rare_days_are_found() {
    assert_eq!(
        shown("every 2 weeks on Friday at 16:00 starting 2026-12-04", "UTC", "2026-11-26T00:00:00Z", 3),
        ["2026-12-04T16:00:00+00:00", "2026-12-18T16:00:00+00:00", "2027-01-01T16:00:00+00:00"]
    );
    assert_eq!(
        shown("every 2 weeks on Monday and Friday at 16:00 starting 2026-12-04", "UTC", "2026-11-26T00:00:00Z", 3),
        ["2026-12-04T16:00:00+00:00", "2026-12-14T16:00:00+00:00", "2026-12-18T16:00:00+00:00"]
    );
    assert_eq!(
        shown("on 29 February at 9:00", "UTC", "2096-03-01T00:00:00Z", 2),
        ["2104-02-29T09:00:00+00:00", "2108-02-29T09:00:00+00:00"]
    );
    assert_eq!(
        shown("on Sunday if it is the 29th of February at 9:00", "UTC", "2080-01-01T00:00:00Z", 1),
        ["2088-02-29T09:00:00+00:00"]
    );
    assert_eq!(
        shown("on the last working day of the month at 18:00", "UTC", "2026-01-01T00:00:00Z", 3),
        ["2026-01-30T18:00:00+00:00", "2026-02-27T18:00:00+00:00", "2026-03-31T18:00:00+00:00"]
    );
    // The 1st of August 2026 is a Saturday, of November a Sunday.
    assert_eq!(
        shown("on the first working day of August and November at 8:00", "UTC", "2026-07-01T00:00:00Z", 2),
        ["2026-08-03T08:00:00+00:00", "2026-11-02T08:00:00+00:00"]
    );
    assert_eq!(
        shown("every 36 hours starting 2026-12-04", "UTC", "2026-11-26T00:00:00Z", 3),
        ["2026-12-04T00:00:00+00:00", "2026-12-05T12:00:00+00:00", "2026-12-07T00:00:00+00:00"]
    );
    assert_eq!(shown("every year on 24 December at 10:00", "UTC", "9999-12-25T00:00:00Z", 1), Vec::<String>::new());
    assert_eq!(plan("every 7 hours", "UTC").next(Timestamp::MAX), None);
    assert!(plan("every 7 hours", "Europe/Berlin").next(Timestamp::MIN).is_some());
}

#[test]
fn a_sentence_is_the_persons_own_words_or_what_cron_means() {
    let sentence = |rule: &str| Schedule { rule: rule.to_owned(), ..Schedule::default() }.sentence();
    assert_eq!(sentence(" every weekday at 9:00 "), "Every weekday at 9:00");
    assert_eq!(sentence("0 9 * * 1-5"), "At 9:00 on weekdays");
    assert_eq!(sentence("whenever"), "Whenever");
    assert_eq!(sentence("61 9 * * 1-5"), "61 9 * * 1-5");
    assert_eq!(sentence(""), "");
}

#[test]
fn a_zone_that_is_none_is_said_with_the_nearest() {
    let schedule = Schedule { rule: "every hour".to_owned(), zone: "Europe/Berlim".to_owned(), missed: Missed::Once };
    let error = schedule.plan().expect_err("no zone").to_string();
    assert!(error.contains("Europe/Berlin"), "{error}");
}

fn due(missed: Missed, text: &str, last: &str, now: &str) -> Due {
    Plan { missed, ..plan(text, "Europe/Berlin") }.due(at(last), at(now))
}

#[test]
fn three_days_asleep_are_made_up_as_was_chosen() {
    let text = "every day at 9:00";
    let (last, now) = ("2026-11-23T08:00:00Z", "2026-11-26T12:00:00Z");
    let days = ["2026-11-24T08:00:00Z", "2026-11-25T08:00:00Z", "2026-11-26T08:00:00Z"].map(at);
    assert_eq!(due(Missed::Once, text, last, now), Due { run: vec![days[2]], left_out: 2, until: Some(days[2]) });
    assert_eq!(due(Missed::All, text, last, now), Due { run: days.to_vec(), left_out: 0, until: Some(days[2]) });
    assert_eq!(due(Missed::Skip, text, last, now), Due { run: vec![], left_out: 3, until: Some(days[2]) });
    // On time, or nearly so.
    let just = Due { run: vec![days[0]], left_out: 0, until: Some(days[0]) };
    for missed in [Missed::Once, Missed::All, Missed::Skip] {
        assert_eq!(due(missed, text, last, "2026-11-24T08:00:31Z"), just);
        assert_eq!(due(missed, text, last, "2026-11-24T07:59:59Z"), Due::default());
        // The clock was set back.
        assert_eq!(due(missed, text, "2026-11-24T08:00:00Z", "2026-11-24T07:10:00Z"), Due::default());
    }
}

#[test]
fn what_is_made_up_is_bounded_and_the_latest_are_kept() {
    let made_up = due(Missed::All, "every minute", "2026-11-20T00:00:00Z", "2026-11-26T00:00:30Z");
    assert_eq!(made_up.run.len(), MOST_MADE_UP);
    assert_eq!(made_up.run.last(), Some(&at("2026-11-26T00:00:00Z")));
    assert_eq!(made_up.left_out, 6 * 24 * 60 - MOST_MADE_UP);
    let ages = due(Missed::Once, "every minute", "1999-01-01T00:00:00Z", "2026-11-26T00:00:30Z");
    assert_eq!((ages.run, ages.left_out), (vec![at("2026-11-26T00:00:00Z")], 9_999));
}

const ZONES: [&str; 9] = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "America/Sao_Paulo",
    "Africa/Casablanca",
    "Pacific/Apia",
    "Antarctica/Troll",
];

/// Rules of cron, all of which can happen.
fn crons() -> impl Strategy<Value = String> {
    let field = |from: u32, to: u32| {
        prop_oneof![
            3 => Just("*".to_owned()),
            2 => (from..=to).prop_map(|it| it.to_string()),
            2 => (from..=to, from..=to).prop_map(|(a, b)| format!("{}-{}", a.min(b), a.max(b))),
            2 => (1..=to.max(1)).prop_map(|it| format!("*/{it}")),
            1 => prop::collection::vec(from..=to, 1..4).prop_map(|it| it.iter().map(u32::to_string).collect::<Vec<_>>().join(",")),
        ]
    };
    let dates = prop_oneof![
        4 => field(1, 28),
        1 => Just("L".to_owned()),
        1 => (1..28_u32).prop_map(|it| format!("L-{it},{it}W")),
        1 => Just("LW".to_owned()),
    ];
    let weekdays = prop_oneof![
        4 => field(0, 6),
        1 => (0..7, 1..=4).prop_map(|(day, nth)| format!("{day}#{nth}")),
        1 => (0..7).prop_map(|day| format!("{day}L,3")),
    ];
    (field(0, 59), field(0, 23), dates, field(1, 12), weekdays).prop_map(|(a, b, c, d, e)| format!("{a} {b} {c} {d} {e}"))
}

fn phrases() -> impl Strategy<Value = String> {
    let times = prop_oneof![
        prop::collection::btree_set((0..24_u32, 0..60_u32), 1..6)
            .prop_map(|it| format!("at {}", it.iter().map(|(h, m)| format!("{h}:{m:02}")).collect::<Vec<_>>().join(", "))),
        (1..120_u32, 0..12_u32, 15..24_u32)
            .prop_map(|(step, from, to)| format!("every {step} minutes from {from}:00 to {to}:59")),
        (0..60_u32).prop_map(|it| format!("every hour at :{it:02}")),
    ];
    let days = prop::sample::select(vec![
        "every day",
        "on weekdays",
        "on weekends",
        "on Monday and Thursday",
        "on Tuesday to Friday every 3 weeks",
        "every 5 days",
        "on the 1st and 15th",
        "on the last day of the month",
        "on 24 December and 1 January",
        "on the first Monday of the month",
        "on the 3rd to last day of March to May",
        "on the last working day every 2 months",
        "on Friday if it is the 13th",
        "on the 29th of February every 2 years starting 2024-01-01",
        "in June starting 2026-12-04",
        "on the 5th Sunday or on the 30th",
    ]);
    let intervals = (1..3000_u32, 0..24_u32, any::<bool>()).prop_map(|(step, hour, dated)| {
        format!("every {step} minutes counted from {hour}:00{}", if dated { " starting 2026-05-06" } else { "" })
    });
    prop_oneof![4 => (times, days).prop_map(|(times, days)| format!("{times} {days}")), 1 => intervals]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn what_is_printed_is_read_as_the_same_rule(text in prop_oneof![crons(), phrases()]) {
        if let Ok(rule) = text.parse::<Rule>() {
            let words = rule.to_string();
            prop_assert_eq!(words.parse::<Rule>().map_err(|it| format!("{words}: {it}")), Ok(rule));
        } else {
            // A date and a weekday that never meet.
            prop_assert!(text.parse::<Rule>().unwrap_err().message.contains("no such day"), "{}", text);
        }
    }

    #[test]
    fn times_only_go_forward_and_each_is_one_of_the_rule(
        text in prop_oneof![crons(), phrases()],
        zone in prop::sample::select(ZONES.to_vec()),
        // 2005 to 2038.
        after in 1_104_537_600_i64..2_145_916_800,
        nanos in 0..2_i32,
    ) {
        let Ok(rule) = text.parse::<Rule>() else { return Ok(()) };
        let zone = parse_zone(zone).unwrap();
        let after = Timestamp::new(after, nanos).unwrap();
        let mut last = after;
        for _ in 0..20 {
            let Some(next) = rule.next(last, &zone) else { break };
            prop_assert!(next > last);
            prop_assert!(means(&rule, next, &zone), "{text}: {next} in {zone:?}");
            // Nothing comes between: asked from anywhere between, the answer is the same.
            let between = last + (next.duration_since(last)) / 2;
            prop_assert_eq!(rule.next(between, &zone), Some(next));
            prop_assert_eq!(rule.next(next - SignedDuration::from_nanos(1), &zone), Some(next));
            last = next;
        }
    }

    #[test]
    fn any_text_is_read_or_refused_with_its_place(text in "\\PC{0,60}") {
        check(&text);
    }

    #[test]
    fn any_words_are_read_or_refused_with_their_place(
        words in prop::collection::vec(prop::sample::select(vec![
            "every", "on", "at", "in", "of", "the", "last", "1st", "second", "31", "9:00", "9", "am", "and", ",", "to", "-", "Monday",
            "weekday", "nearest", "day", "month", "2 weeks", "minutes", "hours", "December", "2026-12-04", "from", "starting", "or",
            "if", "it", "is", "0", "4294967295", ":05", "other", "working", "counted", "*/5", "*", "L",
        ]), 0..14)
    ) {
        check(&words.join(" "));
    }
}

/// A text is refused with a place in it, or has a next time within a bounded search, and is printed so that it is read again.
fn check(text: &str) {
    match text.parse::<Rule>() {
        Err(error) => assert!(text.get(error.span.clone()).is_some(), "{text:?}: {:?}", error.span),
        Ok(rule) => {
            let words = rule.to_string();
            assert_eq!(words.parse::<Rule>().as_ref(), Ok(&rule), "{text:?}: {words}");
            rule.next(at("2026-11-26T09:00:00Z"), &TimeZone::UTC);
        }
    }
}

/// Whether an instant is one that a rule means, found without the search: by what the clocks show then or skip to then.
fn means(rule: &Rule, found: Timestamp, zone: &TimeZone) -> bool {
    let rule::Kind::Calendar { days, times } = &rule.0 else { return found.as_second() % 60 == 0 };
    let local = zone.to_datetime(found);
    let minute = local.hour() as u16 * 60 + local.minute() as u16;
    if local.second() == 0 && days.has(local.date()) && times.from(minute) == Some(minute) {
        return true;
    }
    // The first moment after a gap: something that is meant was skipped.
    let before = zone.to_datetime(found - SignedDuration::from_nanos(1));
    let mut skipped = before.checked_add(SignedDuration::from_nanos(1)).unwrap();
    while skipped < local {
        let minute = skipped.hour() as u16 * 60 + skipped.minute() as u16;
        if days.has(skipped.date()) && times.from(minute) == Some(minute) {
            return true;
        }
        skipped = skipped.checked_add(SignedDuration::from_mins(1)).unwrap();
    }
    false
}

#[test]
fn a_change_of_clocks_is_remarked_where_it_matters() {
    for (text, at_, remark) in [
        ("every day at 2:30", "2026-03-29T01:00:00Z", Some("the clocks skip the time itself")),
        ("every day at 3:00", "2026-03-29T01:00:00Z", None),
        ("every day at 2:30", "2026-10-25T00:30:00Z", Some("the clocks show it twice, this is the first")),
        ("every hour at :30", "2026-10-25T01:30:00Z", Some("the clocks show it twice, this is the second")),
        ("every 90 minutes", "2026-03-29T01:00:00Z", None),
        ("every day at 2:30", "2026-11-25T01:30:00Z", None),
    ] {
        assert_eq!(plan(text, "Europe/Berlin").remark(at(at_)), remark, "{text} {at_}");
    }
}
