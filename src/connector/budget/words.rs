//! A ledger as the words of a file, and back. Whatever is not a whole ledger is none.
use super::ledger::{Ledger, User};
use super::pace::{MINUTES, Pace};
use super::window::{Long, MOST, Short};
use crate::catalog::Rate;

/// `flwdbgt` and the version of the layout.
const MAGIC: u64 = u64::from_le_bytes(*b"flwdbgt\x01");
/// The words before those of the ledger: what it is, how many words there are in all, and their checksum.
pub(super) const HEAD: usize = 3;
/// A file is never longer, in bytes.
pub(super) const LONGEST: usize = 64 << 10;
/// More of a kind are of no ledger of ours.
const MANY: u64 = 1_024;

/// The bytes of a file that holds it.
pub(super) fn encode(ledger: &Ledger, bytes: &mut Vec<u8>) {
    bytes.clear();
    let mut put = |word: u64| bytes.extend_from_slice(&word.to_le_bytes());
    let (blocked_from, blocked_until) = ledger.blocked.unwrap_or((0, 0));
    [MAGIC, 0, 0, ledger.seen as u64, blocked_from as u64, blocked_until as u64].into_iter().for_each(&mut put);
    [ledger.due[0] as u64, ledger.due[1] as u64, ledger.streak.into()].into_iter().for_each(&mut put);
    put(ledger.short.len() as u64);
    for it in &ledger.short {
        let rate = it.rate.unwrap_or(Rate { requests: 0, per_ms: 0 });
        [it.max.into(), it.interval as u64, rate.requests.into(), rate.per_ms].into_iter().for_each(&mut put);
        put(it.taken().len() as u64);
        it.taken().flat_map(|(until, places)| [until as u64, places.into()]).for_each(&mut put);
    }
    put(ledger.long.len() as u64);
    for it in &ledger.long {
        [it.max, it.rate.requests.into(), it.rate.per_ms, it.period as u64, it.used].into_iter().for_each(&mut put);
    }
    put(ledger.users.len() as u64);
    for it in &ledger.users {
        [it.id, it.flying.into(), it.waiting[0].into(), it.waiting[1].into()].into_iter().for_each(&mut put);
    }
    let pace = &ledger.pace;
    [pace.born as u64, pace.day as u64, pace.today, pace.minute as u64].into_iter().for_each(&mut put);
    pace.minutes.chunks(2).map(|it| it.iter().fold(0, |word, half| word << 32 | u64::from(*half))).for_each(&mut put);
    let sum = checksum(&bytes[HEAD * 8..]);
    let count = (bytes.len() / 8) as u64;
    bytes[8..16].copy_from_slice(&count.to_le_bytes());
    bytes[16..24].copy_from_slice(&sum.to_le_bytes());
}

/// How long a file is in bytes, by its first words; none if it is no such file.
pub(super) fn length(head: &[u8]) -> Option<usize> {
    let mut words = Words(head);
    let (magic, count) = (words.next()?, words.next()?);
    let length = usize::try_from(count).ok()?.checked_mul(8)?;
    (magic == MAGIC && (HEAD * 8..=LONGEST).contains(&length)).then_some(length)
}

/// The ledger that a file holds; what lies after its last word is of an earlier, longer one.
pub(super) fn decode(bytes: &[u8]) -> Option<Ledger> {
    let bytes = bytes.get(..length(bytes)?)?;
    let body = bytes.get(HEAD * 8..)?;
    if Words(bytes.get(16..)?).next()? != checksum(body) {
        return None;
    }
    let mut words = Words(body);
    let it = &mut words;
    let (seen, from, until) = (it.time()?, it.time()?, it.time()?);
    let (due, streak) = ([it.time()?, it.time()?], it.small()?);
    let mut short = Vec::new();
    for _ in 0..it.many()? {
        let (max, interval, requests, per_ms) = (it.small()?, it.time()?, it.small()?, it.next()?);
        if !(1..=MOST).contains(&max) || interval < 1 {
            return None;
        }
        let mut window = Short::new(max, interval, (per_ms > 0).then_some(Rate { requests, per_ms }));
        for _ in 0..it.many()? {
            window.put(it.time()?, it.small()?);
        }
        short.push(window);
    }
    let mut long = Vec::new();
    for _ in 0..it.many()? {
        let (max, requests, per_ms) = (it.next()?, it.small()?, it.next()?);
        let mut window = Long::new(Rate { requests, per_ms });
        (window.max, window.period, window.used) = (max, it.next()? as i64, it.next()?);
        long.push(window);
    }
    let mut users = Vec::new();
    for _ in 0..it.many()? {
        users.push(User { id: it.next()?, flying: it.small()?, waiting: [it.small()?, it.small()?] });
    }
    let (born, day, today, minute) = (it.time()?, it.time()?, it.next()?, it.time()?);
    let mut minutes = [0; MINUTES];
    for pair in minutes.chunks_mut(2) {
        let word = it.next()?;
        pair.copy_from_slice(&[(word >> 32) as u32, word as u32]);
    }
    let pace = Pace { born, day, today, minute, minutes };
    let blocked = (until > 0).then_some((from, until));
    Some(Ledger { short, long, blocked, users, due, streak, pace, seen })
}

struct Words<'a>(&'a [u8]);

impl Words<'_> {
    fn next(&mut self) -> Option<u64> {
        let (word, rest) = self.0.split_first_chunk::<8>()?;
        self.0 = rest;
        Some(u64::from_le_bytes(*word))
    }

    fn small(&mut self) -> Option<u32> {
        self.next()?.try_into().ok()
    }

    fn many(&mut self) -> Option<u64> {
        self.next().filter(|it| *it <= MANY)
    }

    /// Milliseconds since 1970, in this age of the world: sums of them never overflow.
    fn time(&mut self) -> Option<i64> {
        i64::try_from(self.next()?).ok().filter(|it| *it < 1 << 48)
    }
}

/// FNV-1a, word by word.
fn checksum(bytes: &[u8]) -> u64 {
    bytes.chunks(8).fold(0xcbf2_9ce4_8422_2325, |sum, word| {
        let word = word.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte));
        (sum ^ word).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connector::budget::Priority;

    fn ledger() -> Ledger {
        let now = 1_772_366_400_000;
        let mut it = Ledger::new(&[Rate { requests: 100, per_ms: 10_000 }, Rate { requests: 200_000, per_ms: 86_400_000 }], now);
        for after in 0..100 {
            it.take(7, Priority::First, now + after * 50).unwrap();
            it.finish(7, now + after * 50 + 20);
        }
        it.take(8, Priority::Background, now + 5_000).unwrap_err();
        it.waiting(8, [0, 3]);
        it.block(60_000, now + 5_000);
        it
    }

    #[test]
    fn what_was_written_is_read_again() {
        let (it, mut bytes) = (ledger(), Vec::new());
        encode(&it, &mut bytes);
        assert_eq!(length(&bytes), Some(bytes.len()));
        assert_eq!(decode(&bytes).unwrap(), it);
        bytes.extend_from_slice(b"of an earlier one");
        assert_eq!(decode(&bytes).unwrap(), it);
    }

    #[test]
    fn the_largest_ledger_fits() {
        let now = 1_772_366_400_000;
        let rates = [1_000, 60_000, 600_000].map(|per_ms| Rate { requests: MOST, per_ms });
        let mut it = Ledger::new(&rates, now);
        for at in 0..20_000 {
            it.take(1, Priority::First, now + at * 40).unwrap();
            it.finish(1, now + at * 40);
        }
        let mut bytes = Vec::new();
        encode(&it, &mut bytes);
        assert!(bytes.len() < LONGEST / 4, "{}", bytes.len());
        assert_eq!(decode(&bytes).unwrap(), it);
    }

    proptest::proptest! {
        #[test]
        fn what_is_damaged_is_no_ledger(at in 0_usize..4_000, flip in 1_u8.., cut in 0_usize..4_000, noise: Vec<u8>) {
            let (mut bytes, it) = (Vec::new(), ledger());
            encode(&it, &mut bytes);
            proptest::prop_assert!(decode(&bytes[..cut % bytes.len()]).is_none());
            let at = at % bytes.len();
            bytes[at] ^= flip;
            proptest::prop_assert!(decode(&bytes).is_none());
            proptest::prop_assert!(decode(&noise).is_none());
        }
    }
}
