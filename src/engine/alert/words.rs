//! Lengths of time as people say them.
use jiff::SignedDuration;

/// `10 minutes`, `26 hours`, `4 days`: in the unit that says enough.
pub(super) fn long(time: SignedDuration) -> String {
    let minutes = (time.as_secs() + 30) / 60;
    let hours = (time.as_secs() + 1_800) / 3_600;
    let (count, unit) = match minutes {
        ..=1 => return "minute".to_owned(),
        2..=119 => (minutes, "minutes"),
        _ if hours < 72 => (hours, "hours"),
        _ => ((hours + 12) / 24, "days"),
    };
    format!("{count} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_is_said_in_one_unit() {
        for (minutes, words) in [
            (0, "minute"),
            (1, "minute"),
            (10, "10 minutes"),
            (119, "119 minutes"),
            (120, "2 hours"),
            (26 * 60 + 20, "26 hours"),
            (72 * 60, "3 days"),
            (9 * 24 * 60, "9 days"),
        ] {
            assert_eq!(long(SignedDuration::from_mins(minutes)), words);
        }
    }
}
