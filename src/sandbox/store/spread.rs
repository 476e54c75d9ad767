//! A table of hashes in parts: one part that grows is copied in a moment, where a whole table of a large account would hold
//! everyone up for a tenth of a second.
use std::collections::HashMap;

/// Parts of a table.
const PARTS: usize = 32;

/// Values by text.
#[derive(Debug, Clone)]
pub(crate) struct Spread<V>(Vec<HashMap<Box<str>, V>>);

impl<V> Default for Spread<V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<V> Spread<V> {
    /// FNV-1a, from its upper bits: what a part's own hashing makes of the text does not hang on it.
    fn part(key: &str) -> usize {
        let hash = key.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
        (hash >> 16) as usize % PARTS
    }

    pub(crate) fn get(&self, key: &str) -> Option<&V> {
        self.0.get(Self::part(key))?.get(key)
    }

    pub(crate) fn get_mut(&mut self, key: &str) -> Option<&mut V> {
        self.0.get_mut(Self::part(key))?.get_mut(key)
    }

    pub(crate) fn contains_key(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    pub(crate) fn insert(&mut self, key: &str, value: V) {
        self.of(key).insert(key.into(), value);
    }

    pub(crate) fn remove(&mut self, key: &str) -> Option<V> {
        self.0.get_mut(Self::part(key))?.remove(key)
    }

    fn of(&mut self, key: &str) -> &mut HashMap<Box<str>, V> {
        // An empty table has no parts: most collections stay empty.
        if self.0.is_empty() {
            self.0.resize_with(PARTS, HashMap::new);
        }
        &mut self.0[Self::part(key)]
    }
}

impl<V: Default> Spread<V> {
    /// The value of a key, made if there is none.
    pub(crate) fn or_default(&mut self, key: &str) -> &mut V {
        self.of(key).entry(key.into()).or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_holds_what_a_map_holds(deeds in prop::collection::vec((".{0,3}", any::<Option<u8>>()), 0..80)) {
            let (mut spread, mut map) = (Spread::default(), BTreeMap::new());
            for (key, value) in deeds {
                match value {
                    Some(value) if value % 2 == 0 => {
                        spread.insert(&key, value);
                        map.insert(key, value);
                    }
                    Some(value) => {
                        *spread.or_default(&key) = value;
                        *map.entry(key).or_default() = value;
                    }
                    None => prop_assert_eq!(spread.remove(&key), map.remove(&key)),
                }
            }
            prop_assert!(map.iter().all(|(key, value)| spread.get(key) == Some(value) && spread.contains_key(key)));
            let all: usize = spread.0.iter().map(HashMap::len).sum();
            prop_assert_eq!(all, map.len());
        }
    }
}
