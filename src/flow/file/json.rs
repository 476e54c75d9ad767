//! JSON (RFC 8259) with the place of everything in it, for errors that a person can find: strict, bounded in depth and
//! number of values, and without repeated keys.
use serde_json::{Map, Number, Value};

use super::error::Broken;

/// How deep lists and objects may nest.
pub(super) const MAX_DEPTH: usize = 128;
/// How many values a file may hold, all levels together.
pub(super) const MAX_VALUES: usize = 1_000_000;

/// A value and where it begins, in bytes.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Item {
    pub(super) at: usize,
    pub(super) what: What,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum What {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Item>),
    Object(Vec<Field>),
}

/// A field of an object, in the order of the file.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Field {
    pub(super) key: String,
    pub(super) at: usize,
    pub(super) item: Item,
}

impl Item {
    /// The value without places.
    pub(super) fn to_value(&self) -> Value {
        match &self.what {
            What::Null => Value::Null,
            What::Bool(it) => Value::Bool(*it),
            What::Number(it) => Value::Number(it.clone()),
            What::Text(it) => Value::String(it.clone()),
            What::List(items) => items.iter().map(Self::to_value).collect(),
            What::Object(fields) => {
                Value::Object(fields.iter().map(|it| (it.key.clone(), it.item.to_value())).collect::<Map<_, _>>())
            }
        }
    }

    /// What it is, for a sentence: "expected text, found …".
    pub(super) fn noun(&self) -> &'static str {
        match self.what {
            What::Null => "null",
            What::Bool(_) => "true or false",
            What::Number(_) => "a number",
            What::Text(_) => "text",
            What::List(_) => "a list",
            What::Object(_) => "an object",
        }
    }

    pub(super) fn field(&self, key: &str) -> Option<&Self> {
        match &self.what {
            What::Object(fields) => fields.iter().find(|it| it.key == key).map(|it| &it.item),
            _ => None,
        }
    }
}

/// Reads one value and nothing after it.
pub(super) fn parse(text: &str) -> Result<Item, Broken> {
    let mut parser = Parser { text, at: 0, path: Vec::new(), values: 0 };
    parser.skip_space();
    let item = parser.value()?;
    parser.skip_space();
    if parser.at < text.len() {
        return Err(parser.broken("the file goes on after its end").hint("Two files may have been put together."));
    }
    Ok(item)
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    path: Vec<String>,
    values: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn broken(&self, message: impl Into<String>) -> Broken {
        self.broken_at(self.at, message)
    }

    fn broken_at(&self, at: usize, message: impl Into<String>) -> Broken {
        Broken::syntax(at, self.path.join("."), message)
    }

    /// What is wrong where something else was expected.
    fn unexpected(&self, expected: &str) -> Broken {
        match self.text.get(self.at..).and_then(|rest| rest.chars().next()) {
            None => self.broken(format!("the file ends where {expected} is expected")).hint("It may have been cut off."),
            Some(found) => self.broken(format!("{expected} is expected here, not {found:?}")),
        }
    }

    fn value(&mut self) -> Result<Item, Broken> {
        self.values += 1;
        if self.values > MAX_VALUES {
            return Err(self.broken(format!("the file holds more than {MAX_VALUES} values")));
        }
        let at = self.at;
        let what = match self.peek() {
            Some(b'{') => self.object()?,
            Some(b'[') => self.list()?,
            Some(b'"') => What::Text(self.string()?),
            Some(b'-' | b'0'..=b'9') => What::Number(self.number()?),
            _ => {
                let words = [("null", What::Null), ("true", What::Bool(true)), ("false", What::Bool(false))];
                let rest = &self.text.as_bytes()[self.at..];
                let found = words.into_iter().find(|(word, _)| rest.starts_with(word.as_bytes()));
                let Some((word, what)) = found else { return Err(self.unexpected("a value")) };
                self.at += word.len();
                what
            }
        };
        Ok(Item { at, what })
    }

    fn enter(&mut self, key: String) -> Result<(), Broken> {
        if self.path.len() >= MAX_DEPTH {
            return Err(self.broken(format!("lists and objects are nested more than {MAX_DEPTH} deep")));
        }
        self.path.push(key);
        Ok(())
    }

    fn list(&mut self) -> Result<What, Broken> {
        self.at += 1;
        let mut items = Vec::new();
        self.skip_space();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(What::List(items));
        }
        loop {
            self.enter(items.len().to_string())?;
            self.skip_space();
            items.push(self.value()?);
            self.skip_space();
            self.path.pop();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => {
                    self.at += 1;
                    return Ok(What::List(items));
                }
                _ => return Err(self.unexpected("a comma or ]")),
            }
        }
    }

    fn object(&mut self) -> Result<What, Broken> {
        self.at += 1;
        let mut fields: Vec<Field> = Vec::new();
        self.skip_space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(What::Object(fields));
        }
        loop {
            self.skip_space();
            let at = self.at;
            if self.peek() != Some(b'"') {
                return Err(self.unexpected("a key in quotes"));
            }
            let key = self.string()?;
            self.enter(key.clone())?;
            self.skip_space();
            if self.peek() != Some(b':') {
                return Err(self.unexpected("a colon"));
            }
            self.at += 1;
            self.skip_space();
            let item = self.value()?;
            fields.push(Field { key, at, item });
            self.skip_space();
            self.path.pop();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    self.refuse_repeated(&fields)?;
                    return Ok(What::Object(fields));
                }
                _ => return Err(self.unexpected("a comma or }")),
            }
        }
    }

    fn refuse_repeated(&self, fields: &[Field]) -> Result<(), Broken> {
        let mut sorted: Vec<&Field> = fields.iter().collect();
        sorted.sort_by(|one, other| (&one.key, one.at).cmp(&(&other.key, other.at)));
        let again = sorted.windows(2).filter(|it| it[0].key == it[1].key).map(|it| it[1]).min_by_key(|it| it.at);
        again.map_or(Ok(()), |field| Err(self.broken_at(field.at, format!("the key \"{}\" is there twice", field.key))))
    }

    fn number(&mut self) -> Result<Number, Broken> {
        let start = self.at;
        while matches!(self.peek(), Some(b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9')) {
            self.at += 1;
        }
        let token = &self.text[start..self.at];
        // The standard reader knows the grammar and refuses what does not fit; the fraction it may be off by the last bit.
        let number: Option<Number> = serde_json::from_str(token).ok();
        let exact = match number {
            Some(it) if it.is_f64() => token.parse().ok().and_then(Number::from_f64),
            other => other,
        };
        exact.ok_or_else(|| self.broken_at(start, format!("{token} is not a number that can be kept")))
    }

    fn string(&mut self) -> Result<String, Broken> {
        let start = self.at;
        self.at += 1;
        let mut out = String::new();
        loop {
            let from = self.at;
            while self.peek().is_some_and(|it| it != b'"' && it != b'\\' && it >= 0x20) {
                self.at += 1;
            }
            // Only ASCII ends the loop above, so both ends are character boundaries.
            out.push_str(&self.text[from..self.at]);
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(out);
                }
                Some(b'\\') => out.push(self.escape()?),
                Some(b'\n') => return Err(self.broken_at(start, "a text in quotes does not end on its line")),
                Some(_) => return Err(self.broken("a control character in a text must be written as an escape")),
                None => {
                    return Err(self.broken_at(start, "a text in quotes does not end").hint("The file may have been cut off."));
                }
            }
        }
    }

    fn escape(&mut self) -> Result<char, Broken> {
        let start = self.at;
        self.at += 1;
        let Some(letter) = self.peek() else { return Err(self.unexpected("an escape")) };
        let simple = match letter {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.unicode(start),
            _ => return Err(self.broken_at(start, "there is no such escape in JSON")),
        };
        self.at += 1;
        Ok(simple)
    }

    /// Four hexadecimal digits, or twice four for one character beyond U+FFFF (RFC 8259, 7).
    fn unicode(&mut self, start: usize) -> Result<char, Broken> {
        let high = self.hex4(start)?;
        let code = if (0xD800..0xDC00).contains(&high) && self.text.as_bytes()[self.at..].starts_with(b"\\u") {
            self.at += 1;
            let low = self.hex4(start)?;
            if !(0xDC00..0xE000).contains(&low) {
                return Err(self.broken_at(start, "half a character is escaped here"));
            }
            0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00)
        } else {
            high
        };
        char::from_u32(code).ok_or_else(|| self.broken_at(start, "half a character is escaped here"))
    }

    fn hex4(&mut self, start: usize) -> Result<u32, Broken> {
        let digits = self.text.as_bytes().get(self.at + 1..self.at + 5).unwrap_or_default();
        let code = digits.iter().try_fold(0, |code, it| Some(code * 16 + char::from(*it).to_digit(16)?));
        match code {
            Some(code) if digits.len() == 4 => {
                self.at += 5;
                Ok(code)
            }
            _ => Err(self.broken_at(start, "an escape needs four hexadecimal digits")),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn error(text: &str) -> String {
        let broken = parse(text).expect_err(text);
        format!("{} {:?} {}", broken.at, broken.place, broken.message)
    }

    #[test]
    fn damaged_text_is_named_with_its_place() {
        let cases = [
            ("", "0 \"\" the file ends where a value is expected"),
            ("{", "1 \"\" the file ends where a key in quotes is expected"),
            ("{\"a\": [1, 2", "11 \"a\" the file ends where a comma or ] is expected"),
            ("{\"a\": [1, }]}", "10 \"a.1\" a value is expected here, not '}'"),
            ("{\"a\" 1}", "5 \"a\" a colon is expected here, not '1'"),
            ("{'a': 1}", "1 \"\" a key in quotes is expected here, not '\\''"),
            ("[1 2]", "3 \"\" a comma or ] is expected here, not '2'"),
            ("[01]", "1 \"0\" 01 is not a number that can be kept"),
            ("[1e999]", "1 \"0\" 1e999 is not a number that can be kept"),
            ("[\"a\nb\"]", "1 \"0\" a text in quotes does not end on its line"),
            ("\"abc", "0 \"\" a text in quotes does not end"),
            (r#""\x""#, "1 \"\" there is no such escape in JSON"),
            (r#""\u12""#, "1 \"\" an escape needs four hexadecimal digits"),
            (r#""\ud800""#, "1 \"\" half a character is escaped here"),
            (r#""\ud800\u0041""#, "1 \"\" half a character is escaped here"),
            ("{} {}", "3 \"\" the file goes on after its end"),
            ("[nul]", "1 \"0\" a value is expected here, not 'n'"),
            (r#"{"o": {"a": 1, "b": 2, "a": 3}}"#, "23 \"o\" the key \"a\" is there twice"),
        ];
        for (text, expected) in cases {
            assert_eq!(error(text), expected, "{text}");
        }
    }

    #[test]
    fn nesting_and_number_of_values_are_bounded() {
        let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(parse(&deep(MAX_DEPTH)).is_ok());
        assert!(parse(&deep(1_000_000)).expect_err("too deep").message.contains("nested more than 128 deep"));
        let many = format!("[{}0]", "0,".repeat(MAX_VALUES));
        assert!(parse(&many).expect_err("too many").message.contains("more than 1000000 values"));
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::vec((any::<String>(), inner), 0..6).prop_map(|it| Value::Object(it.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn it_reads_what_the_standard_printer_prints(value in values()) {
            prop_assert_eq!(&parse(&value.to_string()).unwrap().to_value(), &value);
            prop_assert_eq!(&parse(&serde_json::to_string_pretty(&value).unwrap()).unwrap().to_value(), &value);
        }

        #[test]
        fn it_takes_and_refuses_what_the_standard_reader_does(text in r#"[\[\]{}":,0-9a-f\\u truefalsnul.eE+\-\n]{0,24}"#) {
            let ours = parse(&text);
            let theirs = serde_json::from_str::<Value>(&text);
            match (&ours, &theirs) {
                (Ok(ours), Ok(theirs)) => prop_assert_eq!(&ours.to_value(), theirs),
                (Err(ours), Ok(_)) => prop_assert!(ours.message.contains("twice"), "{}", ours.message),
                (Ok(_), Err(error)) => prop_assert!(false, "accepted {:?}: {}", text, error),
                (Err(_), Err(_)) => {}
            }
        }

        #[test]
        fn any_text_is_read_or_refused(text in any::<String>()) {
            prop_assert_eq!(parse(&text).is_ok(), serde_json::from_str::<Value>(&text).is_ok());
        }
    }
}
