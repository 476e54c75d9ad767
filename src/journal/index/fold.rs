//! Texts as the index has them, and a text that is looked for as a question to it.
use std::fmt::Write as _;

/// Trigrams that are asked for at most: more hardly leave out more.
const ASKED: usize = 48;

/// Adds a text, so that what a search takes for the same becomes the same: letters without their case, and what is no letter but
/// a control as a space.
pub(super) fn fold(text: &str, out: &mut String) {
    if text.is_ascii() {
        out.extend(text.bytes().map(|it| if it.is_ascii_control() { ' ' } else { char::from(it.to_ascii_lowercase()) }));
    } else {
        out.extend(text.chars().map(folded));
    }
}

/// The lower case of its upper case, of which the first letter where there are several: letters that differ in nothing but their
/// case have that in common, and some others as well, which only lets through more than need be.
fn folded(it: char) -> char {
    if it.is_control() {
        return ' ';
    }
    let lower = it.to_lowercase().next().unwrap_or(it);
    let upper = lower.to_uppercase().next().unwrap_or(lower);
    upper.to_lowercase().next().unwrap_or(upper)
}

/// What rows that may hold the text match, in the words of FTS5; none for a text too short for the index.
pub(super) fn question(text: &str) -> Option<String> {
    let mut plain = String::with_capacity(text.len());
    fold(text, &mut plain);
    let letters: Vec<char> = plain.chars().collect();
    let count = letters.len().checked_sub(2).filter(|it| *it > 0)?;
    let step = count.div_ceil(ASKED);
    let mut asked = String::new();
    // Evenly spread, the last one always among them.
    let mut starts: Vec<usize> = (0..count).step_by(step).collect();
    if !starts.ends_with(&[count - 1]) {
        starts.push(count - 1);
    }
    for (at, start) in starts.into_iter().enumerate() {
        if at > 0 {
            asked.push_str(" AND ");
        }
        let trigram: String = letters[start..start + 3].iter().collect();
        write!(asked, "\"{}\"", trigram.replace('"', "\"\"")).unwrap_or_default();
    }
    Some(asked)
}

#[cfg(test)]
mod tests {
    use regex::RegexBuilder;

    use super::*;

    #[test]
    fn letters_that_a_search_takes_for_the_same_are_folded_into_one() {
        let is_cased = |it: &char| it.to_lowercase().ne([*it]) || it.to_uppercase().ne([*it]);
        let cased: Vec<char> = ('\0'..=char::MAX).filter(is_cased).collect();
        let all: String = cased.iter().collect();
        assert!(cased.len() > 2000);
        let mut others = 0;
        for letter in &cased {
            let same = RegexBuilder::new(&regex::escape(&letter.to_string())).case_insensitive(true).build().unwrap();
            for found in same.find_iter(&all) {
                let other = found.as_str().chars().next().unwrap();
                others += usize::from(other != *letter);
                assert_eq!(folded(other), folded(*letter), "{other} and {letter}");
            }
        }
        assert!(others > 2000, "{others}");
        // What has no case has no other form either.
        let caseless: String = ('\0'..=char::MAX).filter(|it| !is_cased(it)).collect();
        let any = RegexBuilder::new(&format!("[{}]", regex::escape(&all))).case_insensitive(true).build().unwrap();
        assert_eq!(any.find(&caseless).map(|it| it.as_str()), None);
    }

    #[test]
    fn a_question_asks_for_every_trigram_of_a_short_text_and_for_some_of_a_long_one() {
        assert_eq!(question("Ab"), None);
        assert_eq!(question("ÄÖ"), None);
        assert_eq!(question("AbC").as_deref(), Some("\"abc\""));
        assert_eq!(question("A\"\nß").as_deref(), Some("\"a\"\" \" AND \"\"\" s\""));
        let long = question(&"abcdefgh".repeat(120)).unwrap();
        let asked = long.matches(" AND ").count() + 1;
        assert!((24..=ASKED + 1).contains(&asked), "{asked}");
    }
}
