//! The words by which people look for contacts, in one piece, so that looking through all of them is quick.
use std::collections::HashMap;

use memchr::memmem::Finder;

/// Ends each word of a contact. A text that is looked for has none in it.
const END: char = '\0';
/// Stands for a contact whose words are of no use any more.
const NOBODY: u64 = u64::MAX;

/// Which of a contact's fields a word is from: one letter, that no other has.
pub(super) type Mark = char;

/// Texts in lower case, one a contact, behind each other; before each word stands the mark of its field.
#[derive(Debug, Clone, Default)]
pub(super) struct ContactText {
    text: String,
    /// Where each begins and whose it is, in the order of the text.
    spans: Vec<(usize, u64)>,
    /// Which span is a contact's.
    own: HashMap<u64, usize>,
}

impl ContactText {
    /// Enters a contact that is not entered.
    pub(super) fn add<'a>(&mut self, place: u64, words: impl Iterator<Item = (Mark, &'a str)>) {
        self.own.insert(place, self.spans.len());
        self.spans.push((self.text.len(), place));
        for (mark, word) in words.filter(|(_, it)| !it.is_empty()) {
            self.text.push(mark);
            if word.is_ascii() {
                let begin = self.text.len();
                self.text.push_str(word);
                self.text[begin..].make_ascii_lowercase();
            } else {
                self.text.push_str(&word.to_lowercase());
            }
            self.text.push(END);
        }
    }

    /// Takes a contact out. Its words stay until half of all are of no use.
    pub(super) fn drop(&mut self, place: u64) {
        if let Some(at) = self.own.remove(&place) {
            self.spans[at].1 = NOBODY;
        }
        if self.spans.len() > 1_024 && self.own.len() < self.spans.len() / 2 {
            self.tidy();
        }
    }

    /// The contacts of which a word with one of the marks holds `part`, which is in lower case and not empty, in the order
    /// in which they were entered.
    pub(super) fn find(&self, part: &str, marks: &[Mark]) -> Vec<u64> {
        let mut found = Vec::new();
        if part.is_empty() || part.contains(END) {
            return found;
        }
        let (finder, text) = (Finder::new(part), self.text.as_bytes());
        let (mut from, mut at) = (0, 0);
        while let Some(hit) = finder.find(&text[from..]).map(|it| from + it) {
            // Hits are close to each other where there are many, and far where there are few.
            let near = self.spans[at..].iter().take(8).take_while(|it| it.0 <= hit).count();
            at += if near < 8 { near } else { self.spans[at..].partition_point(|it| it.0 <= hit) };
            let Some(&(begin, place)) = at.checked_sub(1).and_then(|it| self.spans.get(it)) else { break };
            let word = memchr::memrchr(END as u8, &text[begin..hit]).map_or(begin, |it| begin + it + 1);
            // A mark is no part of its word.
            let meant = hit > word && marks.iter().any(|it| *it as u8 == text[word]);
            if meant && place != NOBODY {
                found.push(place);
            }
            let next = self.spans.get(at).map_or(text.len(), |it| it.0);
            from = if meant || place == NOBODY { next } else { hit + 1 };
        }
        found
    }

    fn tidy(&mut self) {
        let old = std::mem::take(self);
        let ends = old.spans.iter().skip(1).map(|it| it.0).chain([old.text.len()]);
        for ((begin, place), end) in old.spans.iter().zip(ends).filter(|((_, place), _)| *place != NOBODY) {
            self.own.insert(*place, self.spans.len());
            self.spans.push((self.text.len(), *place));
            self.text.push_str(&old.text[*begin..end]);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_found_is_what_holds_it(
            deeds in prop::collection::vec((0..6_u64, prop::collection::vec("[aAbÄ]{0,3}", 0..3), any::<bool>()), 0..40),
            part in "[abä]{1,2}",
            marks in prop::sample::select(vec![&['a'][..], &['b'][..], &['a', 'b'][..], &[][..]]),
        ) {
            let (mut text, mut all) = (ContactText::default(), BTreeMap::new());
            for (place, words, tidy) in deeds {
                if all.remove(&place).is_some() {
                    text.drop(place);
                }
                if !words.is_empty() {
                    text.add(place, ['a', 'b', 'c'].into_iter().zip(words.iter().map(String::as_str)));
                    all.insert(place, words);
                }
                if tidy {
                    text.tidy();
                }
            }
            let holds = |words: &Vec<String>| {
                let mut marked = ['a', 'b', 'c'].into_iter().zip(words);
                marked.any(|(mark, it)| marks.contains(&mark) && it.to_lowercase().contains(&part))
            };
            let wanted: Vec<u64> = all.iter().filter(|(_, words)| holds(words)).map(|(place, _)| *place).collect();
            let mut found = text.find(&part, marks);
            found.sort_unstable();
            prop_assert_eq!(found, wanted);
        }
    }

    #[test]
    fn what_is_of_no_use_is_dropped() {
        let mut text = ContactText::default();
        for round in 0..5_000 {
            text.drop(7);
            text.add(7, [('a', format!("round {round}").as_str())].into_iter());
        }
        let found = ["round 4999", "round 4998"].map(|it| text.find(it, &['a']));
        assert!(text.spans.len() <= 1_100, "{}", text.spans.len());
        assert_eq!(found, [vec![7], vec![]]);
    }
}
