//! Where in a flow's file something stands.

/// The line, from 1, of the value that these keys lead to; of the last one on the way that is there.
///
/// The text is a flow file that could be read; in any other text the line is merely not useful.
pub(super) fn line_of(text: &str, keys: &[&str]) -> usize {
    let mut scan = Scan { text: text.as_bytes(), at: 0 };
    let mut found = 0;
    for key in keys {
        match scan.enter(key) {
            Some(at) => found = at,
            None => break,
        }
    }
    1 + text.as_bytes().iter().take(found).filter(|it| **it == b'\n').count()
}

struct Scan<'a> {
    text: &'a [u8],
    at: usize,
}

impl Scan<'_> {
    /// Steps from the start of an object or list to the start of the value with this key or index; where that key stands.
    fn enter(&mut self, key: &str) -> Option<usize> {
        match self.peek()? {
            b'{' => {
                self.at += 1;
                while self.peek()? == b'"' {
                    let start = self.at;
                    self.string();
                    let is_it = serde_json::from_slice::<String>(self.text.get(start..self.at)?).is_ok_and(|it| it == key);
                    self.take(b':')?;
                    if is_it {
                        self.peek()?;
                        return Some(start);
                    }
                    self.skip();
                    self.take(b',')?;
                }
                None
            }
            b'[' => {
                self.at += 1;
                let index: usize = key.parse().ok()?;
                for _ in 0..index {
                    self.peek()?;
                    self.skip();
                    self.take(b',')?;
                }
                (self.peek()? != b']').then_some(self.at)
            }
            _ => None,
        }
    }

    /// The next byte that is no white space.
    fn peek(&mut self) -> Option<u8> {
        while self.text.get(self.at)?.is_ascii_whitespace() {
            self.at += 1;
        }
        self.text.get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        let is_it = self.peek()? == byte;
        self.at += usize::from(is_it);
        is_it.then_some(())
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
}
