//! Looks for all forms of a secret in one pass over a text.
//!
//! After Wu and Manber, "A Fast Algorithm for Multi-Pattern Searching" (1994): what stands at the end of a stretch as long as
//! the shortest form says how far the search may jump. Secrets are long, so most of a text is never looked at.
use zeroize::Zeroizing;

/// Texts to be found, and how far to jump between looks.
pub(super) struct Traces {
    all: Vec<Zeroizing<String>>,
    /// The length of the shortest, in bytes; at least [`BLOCK`].
    shortest: usize,
    longest: usize,
    /// By the [`slot`] of a block.
    jumps: Zeroizing<Vec<u8>>,
}

/// So many bytes decide a jump.
const BLOCK: usize = 3;
const SLOTS: usize = 4096;

impl Traces {
    /// Texts shorter than three bytes are not looked for.
    pub(super) fn new(mut all: Vec<Zeroizing<String>>) -> Self {
        all.retain(|it| it.len() >= BLOCK);
        let shortest = all.iter().map(|it| it.len()).min().unwrap_or(0);
        let longest = all.iter().map(|it| it.len()).max().unwrap_or(0);
        if all.is_empty() {
            return Self { all, shortest, longest, jumps: Zeroizing::default() };
        }
        let most = (shortest - BLOCK + 1).min(usize::from(u8::MAX));
        let mut jumps = Zeroizing::new(vec![most as u8; SLOTS]);
        for text in &all {
            for (at, block) in text.as_bytes().get(..shortest).unwrap_or_default().windows(BLOCK).enumerate() {
                let jump = (shortest - BLOCK - at).min(most) as u8;
                if let Some(slot) = jumps.get_mut(slot(block)) {
                    *slot = jump.min(*slot);
                }
            }
        }
        Self { all, shortest, longest, jumps }
    }

    /// Whether any stands in the text.
    pub(super) fn is_in(&self, text: &[u8]) -> bool {
        self.find(text, |_, _| false)
    }

    /// Where they stand in the text, as start and end, by their start.
    pub(super) fn find_in(&self, text: &[u8], mut found: impl FnMut(usize, usize)) {
        self.find(text, |start, end| {
            found(start, end);
            true
        });
    }

    /// The length of the longest, in bytes.
    pub(super) fn longest(&self) -> usize {
        self.longest
    }

    /// Tells each find until that says to stop; whether it did.
    fn find(&self, text: &[u8], mut go_on: impl FnMut(usize, usize) -> bool) -> bool {
        if self.all.is_empty() {
            return false;
        }
        let mut end = self.shortest;
        while let Some(block) = text.get(end - BLOCK..end) {
            let jump = self.jumps.get(slot(block)).copied().unwrap_or(1);
            if jump > 0 {
                end += usize::from(jump);
                continue;
            }
            let start = end - self.shortest;
            let rest = text.get(start..).unwrap_or_default();
            for trace in self.all.iter().filter(|it| rest.starts_with(it.as_bytes())) {
                if !go_on(start, start + trace.len()) {
                    return true;
                }
            }
            end += 1;
        }
        false
    }
}

fn slot(block: &[u8]) -> usize {
    let sum = block.iter().fold(0_usize, |sum, byte| (sum << 4) ^ (sum >> 9) ^ usize::from(*byte));
    sum % SLOTS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(traces: &[&str], text: &str) -> Vec<(usize, usize)> {
        let traces = Traces::new(traces.iter().map(|it| Zeroizing::new((*it).to_owned())).collect());
        let mut found = Vec::new();
        traces.find_in(text.as_bytes(), |start, end| found.push((start, end)));
        assert_eq!(traces.is_in(text.as_bytes()), !found.is_empty());
        found.sort_unstable();
        found
    }

    #[test]
    fn each_place_of_each_text_is_found() {
        assert_eq!(found(&["abcd", "bcdefgh"], "xabcdefghabcd"), [(1, 5), (2, 9), (9, 13)]);
        assert_eq!(found(&["aaa"], "aaaaa"), [(0, 3), (1, 4), (2, 5)]);
        assert_eq!(found(&["abc"], "ab"), []);
        assert_eq!(found(&["ab", ""], "abab"), []);
        assert_eq!(found(&[], "abab"), []);
        let long = "k".repeat(1000);
        assert_eq!(found(&[&long], &format!("{}{long}", "x".repeat(777))), [(777, 1777)]);
    }

    proptest::proptest! {
        #[test]
        fn it_finds_what_a_plain_search_finds(
            traces in proptest::collection::vec("[ab]{3,9}", 1..5),
            text in "[abc]{0,60}",
        ) {
            let mut expected = Vec::new();
            for trace in &traces {
                for start in 0..text.len() {
                    if text[start..].starts_with(trace.as_str()) {
                        expected.push((start, start + trace.len()));
                    }
                }
            }
            expected.sort_unstable();
            proptest::prop_assert_eq!(found(&traces.iter().map(String::as_str).collect::<Vec<_>>(), &text), expected);
        }
    }
}
