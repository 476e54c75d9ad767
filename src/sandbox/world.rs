//! Everything that the sandbox knows, behind one lock.
use std::collections::BTreeSet;

use jiff::tz::TimeZone;

use super::faults::Draw;
use super::highlevel::{ContactIndex, EventIndex};
use super::ledger::Ledger;
use super::limits::{Limits, Meter};
use super::oauth::Grants;
use super::options::Seed;
use super::schedule_it::Conduct;
use super::store::{Store, uuid};
use super::undo::Kept;
use super::webhook::Change;

/// The records of both services and what is kept about the requests.
#[derive(Debug, Clone)]
pub(crate) struct World {
    /// Which records there were at the start.
    pub(crate) seed: Seed,
    pub(crate) store: Store,
    pub(crate) contacts: ContactIndex,
    /// The appointments by their time.
    pub(crate) booked: EventIndex,
    /// The block slots by their time.
    pub(crate) blocked: EventIndex,
    /// Collection and id of records that were there though nobody made them, and were deleted.
    pub(crate) gone: BTreeSet<(String, String)>,
    pub(crate) account: Account,
    /// What the token may do; none means everything.
    pub(crate) scopes: Option<BTreeSet<String>>,
    pub(crate) traps: Traps,
    pub(crate) limits: Limits,
    pub(crate) meter: Meter,
    /// How the client of Schedule it behaves.
    pub(crate) conduct: Conduct,
    pub(crate) draw: Draw,
    pub(crate) ledger: Ledger,
    /// Who was let in by OAuth.
    pub(crate) grants: Grants,
    /// What was done to records, while someone watches.
    pub(crate) changes: Option<Vec<Change>>,
    /// What is done to records, while it may be taken back.
    pub(crate) kept: Option<Vec<Kept>>,
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
    pub(crate) company_id: String,
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
    /// A phone is found only as it is kept, `+12025550101`; formatted in any other way it finds nothing.
    pub phone_search_is_literal: bool,
    /// Contacts carry their custom fields by id alone. Without it the key stands beside.
    pub custom_fields_without_key: bool,
    /// Appointments are listed by calendar, user or group only. Without it all of them can be listed.
    pub events_by_owner_only: bool,
    /// A list of appointments takes one of calendar, user and group, and refuses two. Off at the start.
    pub events_by_one_owner_only: bool,
    /// The sub-account is not active, as when it was not paid for: HighLevel refuses everything. Off at the start.
    pub location_inactive: bool,
    /// Requests past HighLevel's limits are answered all the same. Off at the start.
    pub unlimited: bool,
    /// A search finds a contact only so long after its last change, in milliseconds. 0 at the start.
    pub search_lags_ms: u64,
    /// A client of Schedule it that breaks the rules for clients is locked out until a person lets it in. Off at the start;
    /// the ledger names the breach either way.
    pub rule_breakers_locked_out: bool,
    /// A location's token that an agency's made has a refresh token of its own.
    pub location_tokens_refresh: bool,
    /// A `code_challenge` is taken and not looked at again, as if HighLevel knew nothing of PKCE. Off at the start.
    pub pkce_unknown: bool,
}

impl Traps {
    /// The names of the habits that are either on or off, as they are written in JSON.
    pub const SWITCHES: [&'static str; 15] = [
        "upsert_replaces_primary_email",
        "upsert_drops_conflicting_phone",
        "paging_needs_both_cursors",
        "appointments_answer_without_dates",
        "unknown_fields_refused",
        "duplicates_allowed",
        "phone_search_is_literal",
        "custom_fields_without_key",
        "events_by_owner_only",
        "events_by_one_owner_only",
        "location_inactive",
        "unlimited",
        "rule_breakers_locked_out",
        "location_tokens_refresh",
        "pkce_unknown",
    ];

    /// The habit with this name; none if it is not among [`SWITCHES`](Self::SWITCHES).
    pub fn switch(&mut self, name: &str) -> Option<&mut bool> {
        Some(match name {
            "upsert_replaces_primary_email" => &mut self.upsert_replaces_primary_email,
            "upsert_drops_conflicting_phone" => &mut self.upsert_drops_conflicting_phone,
            "paging_needs_both_cursors" => &mut self.paging_needs_both_cursors,
            "appointments_answer_without_dates" => &mut self.appointments_answer_without_dates,
            "unknown_fields_refused" => &mut self.unknown_fields_refused,
            "duplicates_allowed" => &mut self.duplicates_allowed,
            "phone_search_is_literal" => &mut self.phone_search_is_literal,
            "custom_fields_without_key" => &mut self.custom_fields_without_key,
            "events_by_owner_only" => &mut self.events_by_owner_only,
            "events_by_one_owner_only" => &mut self.events_by_one_owner_only,
            "location_inactive" => &mut self.location_inactive,
            "unlimited" => &mut self.unlimited,
            "rule_breakers_locked_out" => &mut self.rule_breakers_locked_out,
            "location_tokens_refresh" => &mut self.location_tokens_refresh,
            "pkce_unknown" => &mut self.pkce_unknown,
            _ => return None,
        })
    }
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
            phone_search_is_literal: true,
            custom_fields_without_key: true,
            events_by_owner_only: true,
            events_by_one_owner_only: false,
            location_inactive: false,
            unlimited: false,
            search_lags_ms: 0,
            rule_breakers_locked_out: false,
            location_tokens_refresh: true,
            pkce_unknown: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_habit_that_is_on_or_off_has_its_switch() {
        let written = json!(Traps::default());
        let flags: Vec<_> = written.as_object().unwrap().iter().filter(|(_, it)| it.is_boolean()).map(|(name, _)| name).collect();
        let mut named = Traps::SWITCHES.to_vec();
        named.sort_unstable();
        assert_eq!(flags, named);
        for name in Traps::SWITCHES {
            let mut traps = Traps::default();
            let flag = traps.switch(name).unwrap();
            *flag = !*flag;
            let now = json!(traps);
            let moved: Vec<_> = named.iter().filter(|it| now[**it] != written[**it]).collect();
            assert_eq!(moved, [&name]);
        }
        assert!(Traps::default().switch("search_lags_ms").is_none());
    }
}
