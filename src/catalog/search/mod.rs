//! Finds operations by what people call them.
//!
//! Every word of the query has to be met by an operation: by a word of its title, id, group, path or connector, by a
//! word that means the same, or by one that is a letter or two away. The better the words are met, the earlier it is.
mod synonyms;

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::{Catalog, Method, OperationId, words};

/// Words of a query that count.
const QUERY_WORDS: usize = 8;
/// Letters of a word that count.
const WORD_LETTERS: usize = 32;

/// An operation that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// The operation.
    pub operation: OperationId,
    /// The higher, the better; only good for comparing hits of one query.
    pub score: u32,
}

/// The words of every operation, made once a catalog.
#[derive(Debug, Default)]
pub(super) struct Index {
    entries: Vec<Entry>,
    /// Every word, and where it stands.
    words: BTreeMap<String, Places>,
}

/// Where a word stands.
#[derive(Debug, Default)]
struct Places {
    /// Which letters it has: see [`letters`].
    letters: u32,
    /// For each entry that has it, how much the place where it stands counts.
    at: Vec<(u32, u32)>,
}

#[derive(Debug)]
struct Entry {
    operation: OperationId,
    title: String,
    deprecated: bool,
    /// Somebody wrote words for it: it is one of those that flows are mostly made of.
    known: bool,
    /// What is done more often comes first among equals.
    rank: u8,
}

impl Index {
    pub(super) fn new(catalog: &Catalog) -> Self {
        let mut index = Self::default();
        for connector in catalog.connectors() {
            for operation in connector.operations.briefs() {
                let at = index.entries.len() as u32;
                let name = operation.id.as_str().rsplit('.').next().unwrap_or_default();
                let known = !operation.sentence.is_empty();
                for (text, weight) in [
                    (operation.title.as_str(), 100),
                    (name, if known { 100 } else { 70 }),
                    (operation.group.as_str(), 50),
                    (operation.id.as_str(), 40),
                    (operation.path.as_str(), 30),
                    (connector.title.as_str(), 30),
                ] {
                    for word in words::split(text) {
                        let word = stem(&word);
                        let letters = letters(&word);
                        let places = index.words.entry(word).or_insert_with(|| Places { letters, at: Vec::new() });
                        match places.at.last() {
                            // Texts come in the order of their weight, so that the first counts.
                            Some((last, _)) if *last == at => {}
                            _ => places.at.push((at, weight)),
                        }
                    }
                }
                let title = operation.title.to_lowercase();
                let rank = match operation.method {
                    Method::Post => 0,
                    Method::Put | Method::Patch => 1,
                    Method::Get | Method::Head => 2,
                    Method::Delete => 3,
                };
                let id = operation.id.clone();
                index.entries.push(Entry { operation: id, title, deprecated: operation.deprecated, known, rank });
            }
        }
        index
    }

    pub(super) fn search(&self, query: &str) -> Vec<Hit> {
        let query: String = query.chars().take(QUERY_WORDS * WORD_LETTERS).collect();
        let asked: Vec<String> = words::split(&query.to_lowercase())
            .iter()
            .take(QUERY_WORDS)
            .map(|it| it.chars().take(WORD_LETTERS).collect())
            .collect();
        let mut scores: Vec<u32> = vec![0; self.entries.len()];
        for (at, word) in asked.iter().enumerate() {
            for (score, more) in scores.iter_mut().zip(self.met(word)) {
                // Who missed one word is out, whatever the others give.
                *score = if more == 0 || at > 0 && *score == 0 { 0 } else { *score + more };
            }
        }
        let lower = query.trim().to_lowercase();
        let mut hits: Vec<(u32, &Entry)> = Vec::new();
        for (entry, score) in self.entries.iter().zip(scores) {
            if score == 0 && !asked.is_empty() {
                continue;
            }
            let start = u32::from(!lower.is_empty() && entry.title.starts_with(&lower)) * 100;
            let whole = u32::from(entry.title == lower) * 200;
            let score = if entry.deprecated { (score + start + whole) / 2 } else { score + start + whole };
            hits.push((score, entry));
        }
        hits.sort_by_key(|(score, entry)| (Reverse(*score), !entry.known, entry.rank, entry.title.len(), &entry.operation));
        hits.into_iter().map(|(score, entry)| Hit { operation: entry.operation.clone(), score }).collect()
    }

    /// For each entry, how well it meets the word as it was written; 0 where it does not.
    fn met(&self, written: &str) -> Vec<u32> {
        let mut met = vec![0; self.entries.len()];
        let word = stem(written);
        let word = word.as_str();
        self.take(&mut met, word, 100);
        for (other, places) in self.words.range(written.to_owned()..).take_while(|(it, _)| it.starts_with(written)) {
            // The more of the word is typed, the better it is met.
            let share = 50 + 30 * written.len() as u32 / other.len().max(1) as u32;
            Self::give(&mut met, places, share);
        }
        for (far, same) in synonyms::of(word) {
            self.take(&mut met, same, 60_u32.saturating_sub(5 * far));
        }
        if word.len() > 3 {
            for (_, places) in self.words.iter().filter(|(it, _)| it.len() > word.len() && it.contains(word)) {
                Self::give(&mut met, places, 30);
            }
        }
        // As it was written first: `taks` is nearer to `task` than `tak`, its singular, is to `tag`.
        for word in [Some(written), Some(word).filter(|it| *it != written)].into_iter().flatten() {
            let allowed = match written.len() {
                0..=3 => break,
                4..=7 => 1,
                _ => 2,
            };
            if met.iter().any(|it| *it > 0) {
                break;
            }
            let own = letters(word);
            // A letter that is changed is one less here and one more there.
            let is_likely = |it: u32| (it ^ own).count_ones() as usize <= 2 * allowed;
            for (it, places) in self.words.iter().filter(|(_, places)| is_likely(places.letters)) {
                if near(word, it, allowed) {
                    Self::give(&mut met, places, 25);
                }
            }
            for (known, same) in synonyms::all().filter(|(it, _)| is_likely(letters(it)) && near(word, it, allowed)) {
                self.take(&mut met, known, 20);
                self.take(&mut met, same, 20);
            }
        }
        met
    }

    fn take(&self, met: &mut [u32], word: &str, share: u32) {
        if let Some(places) = self.words.get(word) {
            Self::give(met, places, share);
        }
    }

    fn give(met: &mut [u32], places: &Places, share: u32) {
        for (entry, weight) in &places.at {
            if let Some(score) = met.get_mut(*entry as usize) {
                *score = (*score).max(weight * share / 100).max(1);
            }
        }
    }
}

/// A word without the ending of its plural.
fn stem(word: &str) -> String {
    if let Some(stem) = word.strip_suffix("ies").filter(|it| it.len() > 1) {
        return format!("{stem}y");
    }
    match word.strip_suffix('s') {
        Some(stem) if stem.len() > 2 && !stem.ends_with(['s', 'u', 'i']) => stem.to_owned(),
        _ => word.to_owned(),
    }
}

/// Which letters a word has, one bit a letter; digits share the bits that are left.
fn letters(word: &str) -> u32 {
    word.bytes().fold(0, |all, it| match it {
        b'a'..=b'z' => all | 1 << (it - b'a'),
        b'0'..=b'9' => all | 1 << (26 + it % 6),
        _ => all,
    })
}

/// Whether one word becomes the other by at most so many letters put in, left out, changed or swapped with the next
/// (the restricted Damerau–Levenshtein distance).
fn near(one: &str, other: &str, allowed: usize) -> bool {
    if one.len().abs_diff(other.len()) > allowed || !one.is_ascii() || !other.is_ascii() {
        return false;
    }
    let (one, other) = (one.as_bytes(), other.as_bytes());
    // Three rows that take turns: the one before the last, the last, and the one that is made.
    let mut before = vec![0; other.len() + 1];
    let mut last: Vec<usize> = (0..=other.len()).collect();
    let mut row = vec![0; other.len() + 1];
    for (at, letter) in one.iter().enumerate() {
        row[0] = at + 1;
        for (to, second) in other.iter().enumerate() {
            let changed = last[to] + usize::from(letter != second);
            let mut steps = changed.min(last[to + 1] + 1).min(row[to] + 1);
            if at > 0 && to > 0 && *letter == other[to - 1] && one[at - 1] == *second {
                steps = steps.min(before[to - 1] + 1);
            }
            row[to + 1] = steps;
        }
        if row.iter().min().is_none_or(|it| *it > allowed) {
            return false;
        }
        std::mem::swap(&mut before, &mut last);
        std::mem::swap(&mut last, &mut row);
    }
    last[other.len()] <= allowed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(query: &str, count: usize) -> Vec<String> {
        let hits = Catalog::shipped().search(query);
        hits.iter().take(count).map(|it| it.operation.as_str().to_owned()).collect()
    }

    #[test]
    fn people_find_what_they_mean() {
        for (query, expected) in [
            ("create contact", "highlevel.contacts.create-contact"),
            ("new lead", "highlevel.contacts.create-contact"),
            ("booking", "highlevel.calendars.create-appointment"),
            ("book appointment", "highlevel.calendars.create-appointment"),
            ("make reservation", "highlevel.calendars.create-appointment"),
            ("free slots", "highlevel.calendars.get-slots"),
            ("availability", "highlevel.calendars.get-slots"),
            ("todo", "highlevel.contacts.create-task"),
            ("complete task", "highlevel.contacts.update-task-completed"),
            ("add tag", "highlevel.contacts.add-tags"),
            ("search contacts", "highlevel.contacts.search-contacts-advanced"),
            ("upsert contact", "highlevel.contacts.upsert-contact"),
            ("schedule it event", "schedule_it.events.create-event"),
            ("create resource", "schedule_it.resources.create-resource"),
            ("contcat create", "highlevel.contacts.create-contact"),
            ("appointmnet", "highlevel.calendars.create-appointment"),
            ("cre cont", "highlevel.contacts.create-contact"),
        ] {
            let found = first(query, 6);
            assert!(found.iter().any(|it| it == expected), "{query}: {found:?}");
        }
        assert_eq!(first("create contact", 1), ["highlevel.contacts.create-contact"]);
        assert_eq!(first("create-contact", 1), ["highlevel.contacts.create-contact"]);
        assert_eq!(first("delete event", 1), ["schedule_it.events.delete-event"]);
    }

    #[test]
    fn the_best_comes_first_whatever_service_or_heading_it_is_of() {
        for (query, expected) in [
            // The exact title.
            ("Create invoice", "highlevel.invoices.create-invoice"),
            ("send invoice", "highlevel.invoices.send-invoice"),
            ("list workflows", "highlevel.workflows.get-workflow"),
            ("List pipelines", "highlevel.opportunities.get-pipelines"),
            ("send message", "highlevel.conversations.send-a-new-message"),
            ("get shipping zone", "highlevel.store.get-shipping-zones"),
            ("Book appointment", "highlevel.calendars.create-appointment"),
            // Beginnings of words.
            ("create inv", "highlevel.invoices.create-invoice"),
            ("cre coup", "highlevel.payments.create-coupon"),
            // Words that people use.
            ("booking", "highlevel.calendars.create-appointment"),
            ("new deal", "highlevel.opportunities.create-opportunity"),
            ("create quote", "highlevel.invoices.create-new-estimate"),
            ("send sms", "highlevel.conversations.send-a-new-message"),
            ("new voucher", "highlevel.payments.create-coupon"),
            // Names and paths.
            ("create-new-estimate", "highlevel.invoices.create-new-estimate"),
            ("/surveys/submissions", "highlevel.surveys.get-surveys-submissions"),
            ("brand-boards create", "highlevel.brand-boards.createBrandBoard"),
            // A letter or two wrong.
            ("creat invioce", "highlevel.invoices.create-invoice"),
            ("create oportunity", "highlevel.opportunities.create-opportunity"),
            ("latest snapshto", "highlevel.snapshots.get-latest-snapshot-push"),
            ("upsert contact", "highlevel.contacts.upsert-contact"),
            ("upsert", "highlevel.contacts.upsert-contact"),
            ("upsert opportunity", "highlevel.opportunities.Upsert-opportunity"),
        ] {
            assert_eq!(first(query, 1).first().map_or("", String::as_str), expected, "{query}: {:?}", first(query, 5));
        }
    }

    #[test]
    fn short_words_are_taken_as_they_are_and_longer_ones_with_one_or_two_letters_wrong() {
        // Three letters: no letter may be wrong.
        assert_eq!(first("atg", 1), Vec::<String>::new());
        assert!(!first("tag", 1).is_empty());
        // From four letters one, from eight two.
        assert!(first("taks", 3).iter().any(|it| it.contains("task")));
        assert_eq!(first("invaiec", 1), Vec::<String>::new());
        assert!(first("opprtunty", 3).iter().all(|it| it.starts_with("highlevel.opportunities.")));
    }

    #[test]
    fn nothing_is_found_for_what_nothing_means_and_all_for_nothing() {
        assert_eq!(first("zzzzzz", 1), Vec::<String>::new());
        assert_eq!(first("contact zzzzzz", 1), Vec::<String>::new());
        assert_eq!(Catalog::shipped().search("").len(), 603);
        assert_eq!(Catalog::shipped().search("  -- ").len(), 603);
        let long = "contact ".repeat(100_000);
        assert!(!Catalog::shipped().search(&long).is_empty());
    }

    #[test]
    fn a_letter_or_two_away_is_near() {
        for (one, other, allowed, expected) in [
            ("contcat", "contact", 1, true),
            ("contact", "contract", 1, true),
            ("contact", "contrast", 1, false),
            ("appointmnet", "appointment", 2, true),
            ("tag", "tags", 1, true),
            ("é", "e", 1, false),
            ("", "a", 1, true),
        ] {
            assert_eq!(near(one, other, allowed), expected, "{one} {other}");
        }
    }

    proptest::proptest! {
        #[test]
        fn a_word_with_letters_wrong_has_letters_that_are_likely(word in "[a-z]{4,12}", at in 0..12_usize, letter in "[a-z]") {
            let at = at % word.len();
            let changed = format!("{}{letter}{}", &word[..at], &word[at + 1..]);
            proptest::prop_assert!(near(&word, &changed, 1));
            proptest::prop_assert!((letters(&word) ^ letters(&changed)).count_ones() <= 2);
            let left_out = format!("{}{}", &word[..at], &word[at + 1..]);
            proptest::prop_assert!(near(&word, &left_out, 1) && (letters(&word) ^ letters(&left_out)).count_ones() <= 2);
        }
    }
}
