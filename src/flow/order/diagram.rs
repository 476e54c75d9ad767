//! Conditions over choices with several outcomes, as a reduced ordered decision diagram: equal conditions are the same
//! number, and whether one implies another is a walk (Bryant, "Graph-Based Algorithms for Boolean Function Manipulation",
//! 1986; with more than two branches a node).
use std::collections::{HashMap, HashSet};

/// Under which choices something happens. Only means something beside the [`Diagram`] that made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Condition(u32);

impl Condition {
    pub(super) const NEVER: Self = Self(0);
    pub(super) const ALWAYS: Self = Self(1);
    /// Too large to write down.
    const UNKNOWN: Self = Self(2);
}

/// All conditions of one flow.
#[derive(Debug, Clone)]
pub(super) struct Diagram {
    nodes: Vec<Choice>,
    same: HashMap<Choice, Condition>,
    sums: HashMap<(Condition, Condition), Condition>,
    /// How much more may be written down.
    left: usize,
}

/// A choice at a level, and the condition that each of its outcomes leaves. Levels fall towards the leaves.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Choice {
    level: u32,
    kids: Box<[Condition]>,
}

/// A sum that waits for the sums of its outcomes.
struct Pending {
    pair: (Condition, Condition),
    level: u32,
    arity: usize,
    kids: Vec<Condition>,
}

impl Diagram {
    /// Outcomes of all choices and sums together; bounds both time and memory (some 10 MB).
    const LIMIT: usize = 1 << 18;
    const LEAVES: u32 = 3;

    pub(super) fn new() -> Self {
        Self { nodes: Vec::new(), same: HashMap::new(), sums: HashMap::new(), left: Self::LIMIT }
    }

    /// What the outcomes of a choice leave; every one of them must speak of lower levels only.
    pub(super) fn choice(&mut self, level: u32, arity: usize, kid: impl Fn(usize) -> Condition) -> Condition {
        // A choice without outcomes is never made; one with a single outcome is none.
        self.make(level, (0..arity.max(1)).map(kid).collect())
    }

    /// When at least one of two conditions holds.
    pub(super) fn either(&mut self, one: Condition, other: Condition) -> Condition {
        let mut waiting: Vec<Pending> = Vec::new();
        let mut pair = (one, other);
        loop {
            let mut sum = match self.known_sum(pair) {
                Some(sum) => sum,
                None if self.left == 0 => Condition::UNKNOWN,
                None => {
                    let pending = self.open(pair);
                    self.left = self.left.saturating_sub(pending.arity);
                    pair = self.kids_of(&pending);
                    waiting.push(pending);
                    continue;
                }
            };
            // Hands the sum up until one is met that needs more.
            loop {
                let Some(mut pending) = waiting.pop() else { return sum };
                pending.kids.push(sum);
                if pending.kids.len() < pending.arity {
                    pair = self.kids_of(&pending);
                    waiting.push(pending);
                    break;
                }
                sum = self.make(pending.level, pending.kids);
                self.sums.insert(pending.pair, sum);
            }
        }
    }

    /// Whether `then` holds whenever `when` does; yes as far as either is too large to tell.
    pub(super) fn implies(&self, when: Condition, then: Condition) -> bool {
        let mut seen = HashSet::new();
        let mut open = vec![(when, then)];
        while let Some((when, then)) = open.pop() {
            let when = if then == Condition::ALWAYS { then } else { self.skip_to(when, self.level(then)) };
            let certain = when == then || when == Condition::NEVER || then == Condition::ALWAYS;
            let unknown = when == Condition::UNKNOWN || then == Condition::UNKNOWN;
            if certain || unknown || !seen.insert((when, then)) {
                continue;
            }
            let level = self.level(when).max(self.level(then));
            let arity = self.arity(when, level).max(self.arity(then, level));
            if arity == 0 {
                return false;
            }
            open.extend((0..arity).map(|nth| (self.kid(when, level, nth), self.kid(then, level, nth))));
        }
        true
    }

    /// The condition in place of one that allows a single way on, again and again as long as it stands above a level. Long
    /// chains of steps that can fail are such: what holds behind all of them is asked of what stands before.
    fn skip_to(&self, mut of: Condition, level: u32) -> Condition {
        while let Some(choice) = self.node(of).filter(|it| it.level > level) {
            let mut ways = choice.kids.iter().filter(|it| **it != Condition::NEVER);
            let Some(&only) = ways.next() else { break };
            if ways.any(|it| *it != only) {
                break;
            }
            of = only;
        }
        of
    }

    /// How much has been written down.
    #[cfg(test)]
    pub(super) fn written(&self) -> usize {
        Self::LIMIT - self.left
    }

    fn known_sum(&self, (one, other): (Condition, Condition)) -> Option<Condition> {
        if one == Condition::ALWAYS || other == Condition::ALWAYS {
            return Some(Condition::ALWAYS);
        }
        if one == Condition::UNKNOWN || other == Condition::UNKNOWN {
            return Some(Condition::UNKNOWN);
        }
        if one == other || other == Condition::NEVER {
            return Some(one);
        }
        if one == Condition::NEVER {
            return Some(other);
        }
        self.sums.get(&(one, other)).copied()
    }

    fn open(&self, pair: (Condition, Condition)) -> Pending {
        let level = self.level(pair.0).max(self.level(pair.1));
        let arity = self.arity(pair.0, level).max(self.arity(pair.1, level));
        Pending { pair, level, arity, kids: Vec::with_capacity(arity) }
    }

    fn kids_of(&self, pending: &Pending) -> (Condition, Condition) {
        let nth = pending.kids.len();
        (self.kid(pending.pair.0, pending.level, nth), self.kid(pending.pair.1, pending.level, nth))
    }

    fn node(&self, of: Condition) -> Option<&Choice> {
        self.nodes.get(of.0.checked_sub(Self::LEAVES)? as usize)
    }

    fn level(&self, of: Condition) -> u32 {
        self.node(of).map_or(0, |it| it.level)
    }

    fn arity(&self, of: Condition, level: u32) -> usize {
        self.node(of).filter(|it| it.level == level).map_or(0, |it| it.kids.len())
    }

    fn kid(&self, of: Condition, level: u32, nth: usize) -> Condition {
        self.node(of).filter(|it| it.level == level).and_then(|it| it.kids.get(nth).copied()).unwrap_or(of)
    }

    fn make(&mut self, level: u32, kids: Vec<Condition>) -> Condition {
        if kids.iter().all(|it| *it == kids[0]) {
            return kids[0];
        }
        let choice = Choice { level, kids: kids.into_boxed_slice() };
        if let Some(&known) = self.same.get(&choice) {
            return known;
        }
        if self.left == 0 {
            return Condition::UNKNOWN;
        }
        self.left = self.left.saturating_sub(choice.kids.len());
        let made = Condition(self.nodes.len() as u32 + Self::LEAVES);
        self.nodes.push(choice.clone());
        self.same.insert(choice, made);
        made
    }
}
