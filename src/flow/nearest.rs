//! The known name that an unknown one was probably meant to be.

/// The name that takes the fewest changes of a letter (added, left out, replaced, swapped with its neighbour), if these are
/// few for its length; of several the first.
pub(super) fn nearest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wrong: Vec<char> = wrong.chars().take(LONGEST + 1).flat_map(char::to_lowercase).collect();
    if wrong.is_empty() || wrong.len() > LONGEST {
        return None;
    }
    let within = (wrong.len() / 3).clamp(1, 4);
    let mut best: Option<(usize, &str)> = None;
    let mut left = MOST;
    for name in known {
        // To look at a name costs something even if it is not compared.
        left = left.saturating_sub(16);
        if left == 0 {
            break;
        }
        if name.len() > LONGEST * 4 || name.chars().count().abs_diff(wrong.len()) > within {
            continue;
        }
        let letters: Vec<char> = name.chars().flat_map(char::to_lowercase).collect();
        left = left.saturating_sub(wrong.len() * letters.len());
        let far = distance(&wrong, &letters);
        if far <= within && best.is_none_or(|(least, _)| far < least) {
            best = Some((far, name));
        }
    }
    best.map(|(_, name)| name)
}

/// Longer names are not compared.
const LONGEST: usize = 96;
/// Pairs of letters that are compared for one slip: about a thousand names, which is more than a person can have meant.
const MOST: usize = 100_000;

/// Optimal string alignment (Damerau–Levenshtein where no part is changed twice).
fn distance(one: &[char], other: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=other.len()).collect();
    for (row, from) in one.iter().enumerate() {
        let mut line = vec![row + 1];
        for (col, to) in other.iter().enumerate() {
            let replaced = above[col] + usize::from(from != to);
            let mut least = replaced.min(above[col + 1] + 1).min(line[col] + 1);
            if row > 0 && col > 0 && one[row - 1] == *to && other[col - 1] == *from {
                least = least.min(before[col - 1] + 1);
            }
            line.push(least);
        }
        before = std::mem::replace(&mut above, line);
    }
    above.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_recognised_and_another_word_is_not() {
        let known = ["create_contact", "find_contact", "email", "if"];
        let cases = [
            ("craete_contact", Some("create_contact")),
            ("createcontact", Some("create_contact")),
            ("Email", Some("email")),
            ("emial", Some("email")),
            ("phone", None),
            ("", None),
            ("of", Some("if")),
        ];
        for (wrong, expected) in cases {
            assert_eq!(nearest(wrong, known), expected, "{wrong}");
        }
        assert_eq!(nearest(&"x".repeat(10_000), known), None);
    }

    #[test]
    fn of_very_many_names_only_the_first_are_compared() {
        let many: Vec<String> = (0..1_000_000).map(|it| format!("{it:09}_{}", "x".repeat(60))).collect();
        let wrong = format!("123456789_{}", "y".repeat(60));
        assert_eq!(nearest(&wrong, many.iter().map(String::as_str)), None);
        assert_eq!(nearest("000000003", ["x"; 5].into_iter().chain(["000000030"])), Some("000000030"));
    }

    proptest::proptest! {
        #[test]
        fn a_name_with_one_slip_is_meant_and_any_text_is_compared(
            name in "[a-z]{4,20}", at in 0..4_usize, letter in "[A-Z0-9_é]", other in ".*",
        ) {
            let mut slipped = name.clone();
            slipped.replace_range(at..=at, &letter);
            proptest::prop_assert_eq!(nearest(&slipped, ["x", name.as_str()]), Some(name.as_str()));
            nearest(&other, [name.as_str(), other.as_str(), ""]);
        }
    }
}
