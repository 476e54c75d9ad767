//! Everything that the sandbox knows, behind one lock.
use jiff::tz::TimeZone;

use super::faults::Draw;
use super::highlevel::ContactIndex;
use super::ledger::Ledger;
use super::limits::Meter;
use super::store::{Store, uuid};

/// The records of both services and what is kept about the requests.
#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(crate) store: Store,
    pub(crate) contacts: ContactIndex,
    pub(crate) account: Account,
    pub(crate) traps: Traps,
    pub(crate) meter: Meter,
    pub(crate) draw: Draw,
    pub(crate) ledger: Ledger,
    /// Events that were made.
    pub(crate) webhooks: u64,
}

impl World {
    /// An id for the request under way, as the vendor's answers carry it: the form of a UUID.
    pub(crate) fn trace(&self) -> String {
        uuid(0, "", self.ledger.upcoming())
    }
}

/// Who the sandbox's only customer is.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    pub(crate) location_id: String,
    pub(crate) user_id: String,
    pub(crate) calendar_id: String,
    /// The zone of the location.
    pub(crate) zone: TimeZone,
    /// The main workspace of Schedule it.
    pub(crate) workspace: String,
    /// The zone of the workspace, by its name in the tz database.
    pub(crate) workspace_zone: TimeZone,
}

/// Habits of the real services that surprise their clients, and settings of the account. Each can be switched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Traps {
    /// An upsert with a contact's second e-mail makes it the primary and forgets the old primary.
    pub upsert_replaces_primary_email: bool,
    /// An upsert with the e-mail of one contact and the phone of another drops the phone and says nothing. Without it
    /// the answer is 400, as for a duplicate.
    pub upsert_drops_conflicting_phone: bool,
    /// A page of contacts is found only by `startAfter` and `startAfterId` together; one alone gives the first page.
    pub paging_needs_both_cursors: bool,
    /// Creating and changing an appointment answers without its dates. Off at the start, for the documents have them.
    pub appointments_answer_without_dates: bool,
    /// A field that an operation does not know is refused with 422, not ignored. Off at the start.
    pub unknown_fields_refused: bool,
    /// The location allows contacts with the same e-mail or phone. Off at the start.
    pub duplicates_allowed: bool,
}

impl Default for Traps {
    fn default() -> Self {
        Self {
            upsert_replaces_primary_email: true,
            upsert_drops_conflicting_phone: true,
            paging_needs_both_cursors: true,
            appointments_answer_without_dates: false,
            unknown_fields_refused: false,
            duplicates_allowed: false,
        }
    }
}
