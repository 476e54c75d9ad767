//! Which times of a day a rule means.
use std::fmt;

/// Minutes of a day.
pub(super) const DAY: u16 = 24 * 60;

/// Times of a day, to the minute; never empty.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Times(Vec<u16>);

impl Times {
    /// From minutes since midnight, in any order; none if there are none.
    pub(super) fn new(minutes: impl IntoIterator<Item = u16>) -> Option<Self> {
        let mut all: Vec<u16> = minutes.into_iter().filter(|it| *it < DAY).collect();
        all.sort_unstable();
        all.dedup();
        (!all.is_empty()).then_some(Self(all))
    }

    /// These minutes of these hours, a bit each.
    pub(super) fn grid(minutes: u64, hours: u32) -> Option<Self> {
        let of = |hour: u16| (0..60).filter(move |minute| minutes & (1 << minute) != 0).map(move |minute| hour * 60 + minute);
        Self::new((0..24).filter(|hour| hours & (1 << hour) != 0).flat_map(of))
    }

    /// In order.
    pub(super) fn all(&self) -> &[u16] {
        &self.0
    }

    /// The first from a time on.
    pub(super) fn from(&self, minute: u16) -> Option<u16> {
        self.0.get(self.0.partition_point(|it| *it < minute)).copied()
    }

    /// The minutes, a bit each, that every one of the 24 hours has; none if the hours differ.
    pub(super) fn every_hour(&self) -> Option<u64> {
        let (minutes, hours) = self.as_grid()?;
        (hours == (1 << 24) - 1).then_some(minutes)
    }

    /// The minutes and hours, a bit each, of which they are every pair; none if they are not.
    pub(super) fn as_grid(&self) -> Option<(u64, u32)> {
        let minutes = self.0.iter().fold(0, |bits, it| bits | 1_u64 << (it % 60));
        let hours = self.0.iter().fold(0, |bits, it| bits | 1_u32 << (it / 60));
        (minutes.count_ones() as usize * hours.count_ones() as usize == self.0.len()).then_some((minutes, hours))
    }

    /// The step, where they are equally far apart and there are at least three.
    pub(super) fn step(&self) -> Option<u16> {
        let [first, second, _, ..] = self.0[..] else { return None };
        let step = second - first;
        self.0.windows(2).all(|it| it[1] - it[0] == step).then_some(step)
    }
}

/// A bit each, since there may be 1440 of them.
impl fmt::Debug for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.as_grid() {
            Some((minutes, hours)) => write!(f, "Times({minutes:#x} of {hours:#x})"),
            None => f.debug_tuple("Times").field(&self.0).finish(),
        }
    }
}
