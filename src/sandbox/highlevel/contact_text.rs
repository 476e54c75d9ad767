//! The words by which people look for contacts, in one piece, so that looking through all of them is quick.
use std::collections::HashMap;

use memchr::memmem::Finder;

/// Ends the words of a contact, and each of them. A word that is looked for has none in it.
const END: char = '\0';

/// Texts in lower case, one a contact, behind each other.
#[derive(Debug, Clone, Default)]
pub(super) struct ContactText {
    text: String,
    /// Where each begins and whose it is, in the order of the text.
    spans: Vec<(usize, u64)>,
    /// Which span is a contact's own; other spans are left from before a change.
    own: HashMap<u64, usize>,
}

impl ContactText {
    /// Enters a contact that is not entered.
    pub(super) fn add<'a>(&mut self, place: u64, words: impl Iterator<Item = &'a str>) {
        self.own.insert(place, self.spans.len());
        self.spans.push((self.text.len(), place));
        for word in words.filter(|it| !it.is_empty()) {
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

    /// Takes a contact out. Its text stays until half of all is of no use.
    pub(super) fn drop(&mut self, place: u64) {
        self.own.remove(&place);
        if self.spans.len() > 1_024 && self.own.len() < self.spans.len() / 2 {
            self.tidy();
        }
    }

    /// The contacts of which a word holds `part`, which is in lower case, in the order in which they were entered.
    pub(super) fn find(&self, part: &str) -> Vec<u64> {
        let live = |at: usize, place: u64| self.own.get(&place) == Some(&at);
        if part.is_empty() {
            return self.spans.iter().enumerate().filter(|(at, it)| live(*at, it.1)).map(|(_, it)| it.1).collect();
        }
        let mut found = Vec::new();
        if part.contains(END) {
            return found;
        }
        let (finder, text) = (Finder::new(part), self.text.as_bytes());
        let (mut from, mut at) = (0, 0);
        while let Some(hit) = finder.find(&text[from..]).map(|it| from + it) {
            // Hits are close to each other where there are many, and far where there are few.
            let near = self.spans[at..].iter().take(8).take_while(|it| it.0 <= hit).count();
            at += if near < 8 { near } else { self.spans[at..].partition_point(|it| it.0 <= hit) };
            let Some(&(_, place)) = at.checked_sub(1).and_then(|it| self.spans.get(it)) else { break };
            if live(at - 1, place) {
                found.push(place);
            }
            match self.spans.get(at) {
                Some((next, _)) => from = *next,
                None => break,
            }
        }
        found
    }

    fn tidy(&mut self) {
        let old = std::mem::take(self);
        let ends = old.spans.iter().skip(1).map(|it| it.0).chain([old.text.len()]);
        for (at, ((begin, place), end)) in old.spans.iter().zip(ends).enumerate() {
            if old.own.get(place) == Some(&at) {
                self.own.insert(*place, self.spans.len());
                self.spans.push((self.text.len(), *place));
                self.text.push_str(&old.text[*begin..end]);
            }
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
            part in "[abä]{0,2}",
        ) {
            let (mut text, mut all) = (ContactText::default(), BTreeMap::new());
            for (place, words, tidy) in deeds {
                if all.remove(&place).is_some() {
                    text.drop(place);
                }
                if !words.is_empty() {
                    text.add(place, words.iter().map(String::as_str));
                    all.insert(place, words);
                }
                if tidy {
                    text.tidy();
                }
            }
            let wanted: Vec<u64> = all
                .iter()
                .filter(|(_, words)| part.is_empty() || words.iter().any(|it| it.to_lowercase().contains(&part)))
                .map(|(place, _)| *place)
                .collect();
            let mut found = text.find(&part);
            found.sort_unstable();
            prop_assert_eq!(found, wanted);
        }
    }

    #[test]
    fn what_is_of_no_use_is_dropped() {
        let mut text = ContactText::default();
        for round in 0..5_000 {
            text.drop(7);
            text.add(7, [format!("round {round}").as_str()].into_iter());
        }
        assert!(text.spans.len() <= 1_100 && text.find("round 4999") == [7] && text.find("round 4998").is_empty());
    }
}
