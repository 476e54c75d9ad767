//! How a sandbox is started.
use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};

use serde::{Deserialize, Serialize};

use super::clock::Clock;
use super::limits::Limits;
use super::world::Traps;

/// How a sandbox is started. The default serves a small business on a free port of this machine.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where to listen; port 0 picks a free one.
    pub listen: SocketAddr,
    /// Which records are there at the start.
    pub seed: Seed,
    /// The scopes of HighLevel's token, as the vendor names them (`contacts.readonly`); none means all that there are.
    pub scopes: Option<BTreeSet<String>>,
    /// What HighLevel allows its callers.
    pub limits: Limits,
    /// What time it is. Dates in the seed are relative to it.
    pub now: Clock,
    /// Which surprising habits of the real services are imitated.
    pub traps: Traps,
    /// Ids, the token and the password follow from it, so a connection that was set up once keeps working.
    pub random: u64,
    /// Ledger entries that are kept; the oldest are forgotten.
    pub ledger_limit: usize,
}

/// Which records are there at the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Seed {
    /// A dozen contacts that are written by hand, and a few of everything else: every list has something in it.
    #[default]
    Business,
    /// Only the account: the location, its users, one calendar; one group, resource and label.
    Empty,
    /// A small believable business: 200 contacts, with two months of appointments behind it and three weeks ahead.
    Small,
    /// 10,000 contacts.
    Medium,
    /// 170,000 contacts, for those who read page by page.
    Large,
}

impl Seed {
    /// All of them, from the smallest on.
    pub const ALL: [Self; 5] = [Self::Empty, Self::Business, Self::Small, Self::Medium, Self::Large];

    /// How many contacts there are.
    pub fn contacts(self) -> u64 {
        match self {
            Self::Empty => 0,
            Self::Business => 12,
            Self::Small => 200,
            Self::Medium => 10_000,
            Self::Large => 170_000,
        }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            seed: Seed::default(),
            scopes: None,
            limits: Limits::default(),
            now: Clock::default(),
            traps: Traps::default(),
            random: 1,
            ledger_limit: 100_000,
        }
    }
}
