//! How deep and how large JSON from outside may be, so that whatever was taken in can be written down, read back and carried
//! through a run on any machine.
use std::fmt;

use serde_json::Value;

/// How deep lists and objects may nest in JSON from outside: text and numbers are 0 deep, `[]` is 1 deep.
pub const MAX_DEPTH: usize = 100;
/// How deep a value within a run may nest: one from outside, and what a flow wraps around it. With what is around it on the
/// disk it stays below the 128 at which readers of JSON give up.
pub const MAX_DEPTH_IN_A_RUN: usize = 110;
/// How many bytes a value within a run may take, as JSON. Facts are kept whole, several go to the disk together, and that
/// takes 256 MiB at a time.
pub const MAX_BYTES_IN_A_RUN: usize = 40 << 20;
/// How many values JSON from outside may hold, all levels together; the smallest takes hundreds of bytes once it is read.
pub const MAX_VALUES: usize = 500_000;

/// What is beyond the bounds, as the end of a sentence: "it nests more than 100 deep".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beyond {
    /// [`MAX_DEPTH`], or [`MAX_DEPTH_IN_A_RUN`]; which of them.
    Depth(usize),
    /// [`MAX_VALUES`].
    Values,
    /// [`MAX_BYTES_IN_A_RUN`].
    Bytes,
}

impl fmt::Display for Beyond {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Depth(most) => write!(f, "it nests more than {most} deep"),
            Self::Values => write!(f, "it holds more than {MAX_VALUES} values"),
            Self::Bytes => write!(f, "it takes more than {} MiB", MAX_BYTES_IN_A_RUN >> 20),
        }
    }
}

/// Looks at JSON text before it is read, which costs memory; where the text is no JSON, the answer means nothing.
pub fn beyond(text: &[u8]) -> Option<Beyond> {
    let (mut depth, mut values, mut at) = (0_usize, 1_usize, 0_usize);
    while let Some(byte) = text.get(at) {
        at += 1;
        match byte {
            b'"' => at = after_string(text, at),
            b'[' | b'{' => {
                (depth, values) = (depth + 1, values + 1);
                if depth > MAX_DEPTH {
                    return Some(Beyond::Depth(MAX_DEPTH));
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            b',' => values += 1,
            _ => {}
        }
    }
    (values > MAX_VALUES).then_some(Beyond::Values)
}

/// Behind the quotes that end a string, whose inside begins here.
fn after_string(text: &[u8], mut at: usize) -> usize {
    while let Some(length) = memchr::memchr2(b'"', b'\\', text.get(at..).unwrap_or_default()) {
        at += length + 1;
        if text[at - 1] == b'"' {
            return at;
        }
        at += 1;
    }
    text.len()
}

/// Room for the values that are put together to one within a run.
#[derive(Debug)]
pub struct Room {
    bytes: usize,
}

impl Default for Room {
    fn default() -> Self {
        Self { bytes: MAX_BYTES_IN_A_RUN }
    }
}

impl Room {
    /// Takes the room that a value needs.
    ///
    /// # Errors
    /// If it nests too deeply, or there is too little left.
    pub fn take(&mut self, value: &Value) -> Result<(), Beyond> {
        self.take_within(value, MAX_DEPTH_IN_A_RUN)
    }

    fn take_within(&mut self, value: &Value, depth: usize) -> Result<(), Beyond> {
        if depth == 0 && (value.is_array() || value.is_object()) {
            return Err(Beyond::Depth(MAX_DEPTH_IN_A_RUN));
        }
        match value {
            Value::Null | Value::Bool(_) => self.take_bytes(5),
            Value::Number(_) => self.take_bytes(24),
            Value::String(text) => self.take_bytes(length(text)),
            Value::Array(list) => {
                self.take_bytes(2 + list.len())?;
                list.iter().try_for_each(|it| self.take_within(it, depth - 1))
            }
            Value::Object(map) => {
                self.take_bytes(2 + 2 * map.len())?;
                map.iter().try_for_each(|(key, it)| {
                    self.take_bytes(length(key))?;
                    self.take_within(it, depth - 1)
                })
            }
        }
    }

    fn take_bytes(&mut self, bytes: usize) -> Result<(), Beyond> {
        self.bytes = self.bytes.checked_sub(bytes).ok_or(Beyond::Bytes)?;
        Ok(())
    }
}

/// The bytes of a text as JSON, its quotes and escapes among them.
fn length(text: &str) -> usize {
    let escaped = text.bytes().fold(0, |sum, byte| {
        sum + match byte {
            b'"' | b'\\' | 0x08 | 0x09 | 0x0a | 0x0c | 0x0d => 1,
            0..0x20 => 5,
            _ => 0_usize,
        }
    });
    2 + text.len() + escaped
}

/// Whether a value may be within a run: how many bytes it takes.
///
/// # Errors
/// What it is beyond.
pub fn fits_a_run(value: &Value) -> Result<usize, Beyond> {
    let mut room = Room::default();
    room.take(value)?;
    Ok(MAX_BYTES_IN_A_RUN - room.bytes)
}

/// Whether a value nests more than [`MAX_DEPTH_IN_A_RUN`] deep.
pub fn is_too_deep(value: &Value) -> bool {
    is_deeper(value, MAX_DEPTH_IN_A_RUN)
}

fn is_deeper(value: &Value, left: usize) -> bool {
    match value {
        Value::Array(list) => left == 0 || list.iter().any(|it| is_deeper(it, left - 1)),
        Value::Object(map) => left == 0 || map.values().any(|it| is_deeper(it, left - 1)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn nested(depth: usize) -> String {
        format!("{}{}", "[".repeat(depth), "]".repeat(depth))
    }

    #[test]
    fn depth_and_number_are_seen_before_the_text_is_read() {
        let too_deep = Some(Beyond::Depth(MAX_DEPTH));
        for (depth, expected) in [(MAX_DEPTH, None), (MAX_DEPTH + 1, too_deep), (1_000_000, too_deep)] {
            assert_eq!(beyond(nested(depth).as_bytes()), expected, "{depth}");
        }
        let list = |count: usize| format!("[{}0]", "0,".repeat(count - 2));
        assert_eq!(beyond(list(MAX_VALUES).as_bytes()), None);
        assert_eq!(beyond(list(MAX_VALUES + 1).as_bytes()), Some(Beyond::Values));
        let text = json!({ "a": "[".repeat(1000), "b": "\"[\\", "c": ["\\\"", "["] }).to_string();
        assert_eq!(beyond(text.as_bytes()), None, "brackets within text are text");
    }

    #[test]
    fn a_value_within_a_run_may_nest_a_little_deeper() {
        for (depth, expected) in [(0, false), (1, false), (MAX_DEPTH_IN_A_RUN, false), (MAX_DEPTH_IN_A_RUN + 1, true)] {
            let value = (0..depth).fold(Value::Null, |inner, _| json!([inner]));
            assert_eq!(is_too_deep(&value), expected, "{depth}");
            assert_eq!(fits_a_run(&value).err(), expected.then_some(Beyond::Depth(MAX_DEPTH_IN_A_RUN)));
        }
    }

    #[test]
    fn values_that_are_put_together_share_their_room() {
        let part = Value::from("x".repeat(MAX_BYTES_IN_A_RUN * 2 / 5));
        let mut room = Room::default();
        let taken: Vec<_> = (0..4).map(|_| room.take(&part).is_ok()).collect();
        assert_eq!(taken, [true, true, false, false]);
        assert_eq!(fits_a_run(&json!([part, part, part])), Err(Beyond::Bytes));
        assert!(fits_a_run(&json!([part, part])).is_ok());
    }

    proptest! {
        #[test]
        fn the_room_that_is_taken_is_enough(keys in prop::collection::vec("(?s:[\\x00-\\x7f]|.)*", 0..8), number in any::<f64>(), whole in any::<i64>()) {
            let object: serde_json::Map<_, _> = keys.iter().map(|key| (key.clone(), json!([key, null, true]))).collect();
            let value = json!([object, number, whole, false]);
            let mut room = Room::default();
            room.take(&value).unwrap();
            prop_assert!(MAX_BYTES_IN_A_RUN - room.bytes >= value.to_string().len());
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(prop::sample::select(b"[]{},:\"\\a\xff".to_vec()), 0..200)) {
            if beyond(&bytes).is_none() && let Ok(value) = serde_json::from_slice::<Value>(&bytes) {
                prop_assert!(!is_deeper(&value, MAX_DEPTH));
            }
        }
    }
}
