//! How fast the runs of a flow follow one another.
use serde::{Deserialize, Serialize};

/// How fast the runs of a flow follow one another, where triggers start them. What is usual is not written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Pace {
    /// So many at a time; the others wait for their turn. 0 is no bound.
    #[serde(skip_serializing_if = "is_zero")]
    pub at_once: u32,
    /// Runs about the same record need not wait for one another.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub any_order: bool,
}

impl Pace {
    /// Whether nothing is chosen.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// As many at a time; none is no bound.
    pub fn most(&self) -> Option<u32> {
        (self.at_once > 0).then_some(self.at_once)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}
