//! When feeds look first after a start. Pure.
//!
//! Invariant: a feed that never looked begins with its connection, within [`FIRST_MS`]: what it is to learn does not wait.
use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::FeedId;

/// Within so long after a start every connection is looked at, in milliseconds.
const FIRST_MS: i64 = 10_000;

/// The first looks after a start, spread so that they do not use up what services allow.
#[derive(Debug, Default)]
pub(super) struct Spread(HashMap<FeedId, Place>);

#[derive(Debug, Clone, Copy)]
struct Place {
    /// After so long its connection begins, in milliseconds.
    begins_ms: i64,
    /// Which of how many of its connection.
    at: i64,
    of: i64,
}

impl Spread {
    /// Of these feeds; `looked` are the scopes of those that have looked before.
    pub(super) fn new<'a>(feeds: impl Iterator<Item = &'a FeedId>, looked: &BTreeSet<String>) -> Self {
        let mut connections: BTreeMap<_, (Vec<&FeedId>, Vec<&FeedId>)> = BTreeMap::new();
        for feed in feeds {
            let (old, new) = connections.entry(&feed.connection).or_default();
            if looked.contains(&feed.scope()) { old.push(feed) } else { new.push(feed) }
        }
        let count = i64::try_from(connections.len()).unwrap_or(i64::MAX).max(1);
        let mut places = HashMap::new();
        for ((_, (old, new)), number) in connections.into_iter().zip(0_i64..) {
            let begins_ms = FIRST_MS * number / count;
            let taken = i64::from(!new.is_empty());
            let of = taken + i64::try_from(old.len()).unwrap_or(i64::MAX - 1);
            places.extend(new.into_iter().map(|it| (it.clone(), Place { begins_ms, at: 0, of })));
            places.extend(old.into_iter().zip(taken..).map(|(it, at)| (it.clone(), Place { begins_ms, at, of })));
        }
        Self(places)
    }

    /// How long after the start a feed looks that looks each `every_ms`; zero for one that came later. In milliseconds.
    pub(super) fn first_ms(&self, feed: &FeedId, every_ms: i64) -> i64 {
        self.0.get(feed).map_or(0, |it| it.begins_ms.saturating_add(every_ms.saturating_mul(it.at) / it.of.max(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::OperationId;
    use crate::connector::ConnectionId;
    use crate::engine::trigger::poll::AskedFor;

    fn feed(connection: &str, event: &str) -> FeedId {
        let asked = AskedFor { event: OperationId::new(event), input: "{}".to_owned(), ahead_ms: None, date: None };
        FeedId { connection: ConnectionId::new(connection), place: "https://x.example".to_owned(), asked }
    }

    #[test]
    fn first_looks_are_even_within_the_interval_and_new_feeds_are_first() {
        let (a, b, c, new) = (feed("crm", "x.a"), feed("crm", "x.b"), feed("crm", "x.c"), feed("crm", "x.0"));
        let (other, later) = (feed("desk", "x.a"), feed("desk", "x.b"));
        let looked: BTreeSet<String> = [&a, &b, &c, &other].map(FeedId::scope).into();
        let first = |feeds: &[&FeedId]| {
            let spread = Spread::new(feeds.iter().copied(), &looked);
            feeds.iter().map(|it| spread.first_ms(it, 60_000)).collect::<Vec<_>>()
        };
        assert_eq!(first(&[&a]), [0]);
        assert_eq!(first(&[&a, &b, &c]), [0, 20_000, 40_000]);
        assert_eq!(first(&[&a, &b, &c, &new]), [15_000, 30_000, 45_000, 0]);
        assert_eq!(first(&[&a, &b, &other]), [0, 30_000, 5_000]);
        let spread = Spread::new([&a, &b].into_iter(), &looked);
        assert_eq!(spread.first_ms(&later, 60_000), 0, "one that comes later looks at once");
        let many: Vec<FeedId> = (0..500).map(|it| feed(&format!("c{it}"), "x.a")).collect();
        let spread = Spread::new(many.iter(), &many.iter().map(FeedId::scope).collect());
        assert!(many.iter().all(|it| spread.first_ms(it, 60_000) < FIRST_MS), "each connection is looked at soon");
    }
}
