//! Where in a flow's file something stands.
use std::collections::HashMap;

/// Longer ways are followed no further; a file nests no deeper.
const DEEPEST: usize = 130;

/// For each way of keys the line, from 1, of the value that it leads to; of the last one on the way that is there.
///
/// The text is a flow file that could be read; in any other text the lines are merely not useful. It is gone through once.
pub(super) fn lines_of(text: &str, ways: &[Vec<&str>]) -> Vec<usize> {
    let mut wanted = Wanted::default();
    for way in ways {
        way.iter().take(DEEPEST).fold(&mut wanted, |at, key| at.inner.entry(key).or_default());
    }
    let mark = text.len() - text.trim_start_matches('\u{feff}').len();
    let mut scan = Scan { text: text.as_bytes(), at: mark };
    scan.find(&mut wanted);
    let places: Vec<usize> = ways.iter().map(|way| wanted.last_found(way)).collect();
    lines(text, &places)
}

/// The line of each place, counted once from the start.
fn lines(text: &str, places: &[usize]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..places.len()).collect();
    order.sort_by_key(|&it| places[it]);
    let mut lines = vec![1; places.len()];
    let (mut line, mut done) = (1, 0);
    for it in order {
        let until = places[it].clamp(done, text.len());
        line += memchr::memchr_iter(b'\n', &text.as_bytes()[done..until]).count();
        done = until;
        lines[it] = line;
    }
    lines
}

/// What is looked for below a value.
#[derive(Default)]
struct Wanted<'a> {
    inner: HashMap<&'a str, Wanted<'a>>,
    found: Option<usize>,
}

impl Wanted<'_> {
    fn last_found(&self, way: &[&str]) -> usize {
        let (mut at, mut found) = (self, 0);
        for key in way {
            match at.inner.get(key) {
                Some(Wanted { found: None, .. }) | None => break,
                Some(inner) => (at, found) = (inner, inner.found.unwrap_or(found)),
            }
        }
        found
    }
}

struct Scan<'a> {
    text: &'a [u8],
    at: usize,
}

impl Scan<'_> {
    /// From the start of a value to behind it; on the way whatever is wanted in it is found.
    fn find(&mut self, wanted: &mut Wanted<'_>) {
        match self.peek() {
            Some(b'{') if !wanted.inner.is_empty() => self.object(wanted),
            Some(b'[') if !wanted.inner.is_empty() => self.list(wanted),
            _ => self.skip(),
        }
    }

    fn object(&mut self, wanted: &mut Wanted<'_>) {
        self.at += 1;
        while self.peek() == Some(b'"') {
            let start = self.at;
            self.string();
            let key = self.text.get(start..self.at).and_then(|it| serde_json::from_slice::<String>(it).ok());
            let inner = key.and_then(|key| wanted.inner.get_mut(key.as_str()));
            if !self.take(b':') {
                return;
            }
            match inner {
                Some(inner) => {
                    inner.found = Some(start);
                    self.find(inner);
                }
                None => self.skip(),
            }
            if !self.take(b',') {
                break;
            }
        }
        self.take(b'}');
    }

    fn list(&mut self, wanted: &mut Wanted<'_>) {
        self.at += 1;
        let mut index = 0_usize;
        while self.peek().is_some_and(|it| it != b']') {
            let start = self.at;
            match wanted.inner.get_mut(index.to_string().as_str()) {
                Some(inner) => {
                    inner.found = Some(start);
                    self.find(inner);
                }
                None => self.skip(),
            }
            index += 1;
            if !self.take(b',') {
                break;
            }
        }
        self.take(b']');
    }

    /// The next byte that is no white space.
    fn peek(&mut self) -> Option<u8> {
        while self.text.get(self.at)?.is_ascii_whitespace() {
            self.at += 1;
        }
        self.text.get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let is_it = self.peek() == Some(byte);
        self.at += usize::from(is_it);
        is_it
    }

    /// To behind the string that starts here.
    fn string(&mut self) {
        self.at += 1;
        while let Some(byte) = self.text.get(self.at) {
            match byte {
                b'\\' => self.at += 2,
                b'"' => break,
                _ => self.at += 1,
            }
        }
        self.at += 1;
    }

    /// To behind the value that starts here.
    fn skip(&mut self) {
        let mut depth = 0_usize;
        while let Some(byte) = self.peek() {
            match byte {
                b'"' => self.string(),
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                }
                b'}' | b']' | b',' if depth == 0 => return,
                b'}' | b']' => {
                    depth -= 1;
                    self.at += 1;
                }
                _ => {
                    self.at += 1;
                    continue;
                }
            }
            if depth == 0 {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"{
  "nodes": {
    "a": {"input": {"x": {"text": "}\","}}, "list": [1, [2, 3],
      {"y": 4}]},
    "b": {
      "input": {
        "e": {"value": 1}
      }
    }
  }
}"#;

    fn line_of(text: &str, keys: &[&str]) -> usize {
        lines_of(text, &[keys.to_vec()])[0]
    }

    #[test]
    fn many_are_found_at_once_and_a_mark_before_the_text_is_passed_over() {
        let ways =
            [vec!["nodes", "b", "input", "e"], vec!["nodes", "a"], vec!["nodes", "a", "list", "2", "y"], vec!["nodes", "b"]];
        assert_eq!(lines_of(TEXT, &ways), [7, 3, 4, 5]);
        assert_eq!(lines_of(&format!("\u{feff}{TEXT}"), &ways), [7, 3, 4, 5]);
        assert_eq!(lines_of(TEXT, &[]), [0; 0]);
        let long = vec!["nodes"; 1_000_000];
        assert_eq!(lines_of(TEXT, &[long]), [2]);
    }

    #[test]
    fn a_value_is_found_by_its_keys() {
        for (keys, line) in [
            (&[][..], 1),
            (&["nodes"], 2),
            (&["nodes", "a", "input", "x"], 3),
            (&["nodes", "a", "list", "2", "y"], 4),
            (&["nodes", "b"], 5),
            (&["nodes", "b", "input", "e"], 7),
        ] {
            assert_eq!(line_of(TEXT, keys), line, "{keys:?}");
        }
    }

    #[test]
    fn where_the_way_ends_the_last_known_line_is_told() {
        assert_eq!(line_of(TEXT, &["nodes", "b", "input", "missing"]), 6);
        assert_eq!(line_of(TEXT, &["nodes", "a", "list", "9"]), 3);
        assert_eq!(line_of(TEXT, &["edges"]), 1);
    }

    #[test]
    fn no_text_makes_it_panic() {
        for end in 0..TEXT.len() {
            line_of(&TEXT[..end], &["nodes", "b", "input", "e"]);
        }
        for text in ["", "{\"", "{\"nodes\"", "[\\", "{\"nodes\":\"\\"] {
            line_of(text, &["nodes", "0"]);
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_and_any_ways_give_lines_within_it(
            text in "[\\[\\]{}\":,a-c0-2\\\\ \n]{0,60}",
            ways in proptest::collection::vec(proptest::collection::vec("[a-c0-2]{0,2}", 0..5), 0..5),
        ) {
            let ways: Vec<Vec<&str>> = ways.iter().map(|way| way.iter().map(String::as_str).collect()).collect();
            let most = text.matches('\n').count() + 1;
            let lines = lines_of(&text, &ways);
            proptest::prop_assert_eq!(lines.len(), ways.len());
            proptest::prop_assert!(lines.iter().all(|it| (1..=most).contains(it)), "{:?}", lines);
        }

        #[test]
        fn every_value_of_a_file_is_found_on_its_line(fields in proptest::collection::btree_map("[a-z]{1,3}", 0..3_usize, 1..8)) {
            // Each field is a line, and its value so many more.
            let value = |lines: usize| format!("[{}]", "\n1,".repeat(lines).trim_end_matches(','));
            let text = fields.iter().map(|(key, lines)| format!("\"{key}\": {}", value(*lines))).collect::<Vec<_>>().join(",\n");
            let text = format!("{{\n{text}\n}}");
            let ways: Vec<Vec<&str>> = fields.keys().map(|it| vec![it.as_str()]).collect();
            let expected: Vec<usize> = fields
                .values()
                .scan(2, |next, lines| {
                    let line = *next;
                    *next += 1 + lines;
                    Some(line)
                })
                .collect();
            proptest::prop_assert_eq!(lines_of(&text, &ways), expected);
        }
    }
}
