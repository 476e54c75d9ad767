//! The many: contacts put together from parts, with what hangs on them, beside the few that are written by hand.
//!
//! Invariant: the same `random`, size and moment give the same people; no two have the same e-mail or phone, and every
//! address and number is one of those set apart for examples (RFC 2606; 555-01xx of the North American plan).
use std::ops::ControlFlow;

use fastrand::Rng;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::diary;
use super::names::{CITIES, FIRST, LAST, NOTES, SOURCES, STREETS, TASKS, TRADES};
use crate::sandbox::highlevel::{CONTACTS, CUSTOM_FIELDS, NOTES as NOTE, TASKS as TASK, USERS, iso};
use crate::sandbox::options::Seed;
use crate::sandbox::server::Told;
use crate::sandbox::store::{Fields, id};
use crate::sandbox::world::World;

const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;
/// Numbers that can be told apart: 720 area codes with a hundred numbers each.
const NUMBERS: u64 = 72_000;
/// After so many contacts it is told how many there are.
const TOLD: u64 = 1_000;

/// How much there is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Crowd {
    /// Contacts in all, with those written by hand.
    pub(super) contacts: u64,
    /// Since how many days the business has been collecting them.
    days: i64,
    /// Of a hundred contacts, so many have a note, and so many a task.
    noted: u64,
    tasked: u64,
    /// Working days back and ahead on which there are appointments, and how many on each.
    pub(super) booked: (i32, i32),
    pub(super) a_day: usize,
    /// Customers and events at Schedule it.
    pub(super) customers: usize,
    pub(super) events: usize,
}

impl Crowd {
    /// What a size holds besides what is written by hand; none where that is all.
    pub(super) fn of(seed: Seed) -> Option<Self> {
        let (contacts, days, hundredth, booked, a_day, customers, events) = match seed {
            Seed::Empty | Seed::Business => return None,
            Seed::Small => (200, 500, (40, 20), (60, 15), 3, 40, 160),
            Seed::Medium => (10_000, 1_500, (20, 10), (700, 20), 5, 500, 2_000),
            Seed::Large => (170_000, 3_000, (5, 2), (1_200, 25), 6, 1_500, 6_000),
        };
        Some(Self { contacts, days, noted: hundredth.0, tasked: hundredth.1, booked, a_day, customers, events })
    }
}

/// Adds the crowd to a world that holds what is written by hand, and tells now and then how many contacts there are.
///
/// Breaks off where it is told to.
pub(super) fn plant(world: &mut World, crowd: &Crowd, random: u64, now: Timestamp, told: Told<'_>) -> ControlFlow<()> {
    let mut rng = Rng::with_seed(random ^ crowd.contacts);
    let given = world.store.given(CONTACTS);
    let users: Vec<String> = world.store.of(USERS).rows().map(|row| row.id().to_owned()).collect();
    let custom = world.store.of(CUSTOM_FIELDS).rows().next().map(|row| {
        let choices = row.fields.get("picklistOptions").and_then(Value::as_array).cloned().unwrap_or_default();
        (row.id().to_owned(), choices)
    });
    let people = People { location: world.account.location_id.clone(), users, custom };
    let many = crowd.contacts.saturating_sub(given);
    for at in 0..many {
        if at % TOLD == 0 {
            told(given + at, crowd.contacts)?;
        }
        let contact = id(random, CONTACTS, given + at + 1);
        let (fields, added) = people.contact(&mut rng, crowd, (at, many), &contact, now);
        let (noted, tasked) = (rng.u64(..100) < crowd.noted, rng.u64(..100) < crowd.tasked);
        world.insert(CONTACTS, &contact, "", fields);
        if noted {
            note(world, &mut rng, &people, &contact, added);
        }
        if tasked {
            task(world, &mut rng, &people, &contact, now);
        }
    }
    world.store.advance(CONTACTS, given + many);
    diary::plant(world, crowd, &mut rng, now);
    told(crowd.contacts, crowd.contacts)
}

/// What contacts have in common.
struct People {
    location: String,
    users: Vec<String>,
    /// A custom field with choices.
    custom: Option<(String, Vec<Value>)>,
}

impl People {
    /// One contact of `many`, the oldest first, and when it was added.
    fn contact(&self, rng: &mut Rng, crowd: &Crowd, (at, many): (u64, u64), id: &str, now: Timestamp) -> (Fields, i64) {
        let (first, last, twin) = name(at);
        let span = crowd.days * DAY;
        let step = (span / (many.max(1) as i64)).max(1);
        // Each in its own step of the time, so that they come in order.
        let added = now.as_millisecond() - span + step * (at as i64) + rng.i64(0..step);
        let updated = if rng.u8(..3) == 0 { added + rng.i64(0..(now.as_millisecond() - added).max(1)) } else { added };
        let (city, state, code) = CITIES[rng.usize(..CITIES.len())];
        let kind = rng.u8(..10);
        let kinds = if kind < 4 { "lead" } else { "patient" };
        let more = [(rng.u8(..3) == 0).then_some("newsletter"), (rng.u8(..12) == 0).then_some("vip")];
        let tags: Vec<&str> = std::iter::once(kinds).chain(more.into_iter().flatten()).collect();
        let mut fields = Fields::new();
        let mut set = |name: &str, value: Value| drop(fields.insert(name, value));
        set("id", id.into());
        set("locationId", self.location.as_str().into());
        set("firstName", first.into());
        set("lastName", last.into());
        let host = ["example.com", "example.net", "example.org"][rng.usize(..3)];
        let twin = if twin == 0 { String::new() } else { format!("{}", twin + 1) };
        set("email", format!("{}.{}{twin}@{host}", first.to_lowercase(), last.to_lowercase()).into());
        if let Some(phone) = phone(at, many) {
            set("phone", phone.into());
        }
        set("tags", tags.into());
        set("type", if kind < 4 { "lead" } else { "customer" }.into());
        set("source", SOURCES[rng.usize(..SOURCES.len())].into());
        set("country", "US".into());
        set("city", city.into());
        set("state", state.into());
        set("dnd", (rng.u8(..40) == 0).into());
        if rng.bool() {
            set("postalCode", (code + rng.u32(..9)).to_string().into());
            set("address1", format!("{} {}", rng.u16(1..240), STREETS[rng.usize(..STREETS.len())]).into());
        }
        if rng.u8(..5) == 0 {
            set("companyName", format!("{last} {}", TRADES[rng.usize(..TRADES.len())]).into());
        }
        if let Some(user) = rng.choice(&self.users) {
            set("assignedTo", user.as_str().into());
        }
        if let Some((field, choices)) = self.custom.as_ref().filter(|_| rng.u8(..6) == 0)
            && let Some(value) = rng.choice(choices)
        {
            set("customFields", json!([{"id": field, "value": value}]));
        }
        for (name, hidden, ms) in [("dateAdded", "~added", added), ("dateUpdated", "~updated", updated)] {
            set(name, iso(Timestamp::from_millisecond(ms).unwrap_or(now)).into());
            set(hidden, ms.into());
        }
        (fields, added)
    }
}

/// First and last name, and how many before had the same ones. Neighbours in the list have nothing in common.
fn name(at: u64) -> (&'static str, &'static str, u64) {
    let pairs = (FIRST.len() * LAST.len()) as u64;
    // A step without a common divisor reaches every pair once before the first comes again.
    let pair = ((at % pairs) * STEP % pairs) as usize;
    (FIRST[pair % FIRST.len()], LAST[pair / FIRST.len()], at / pairs)
}

/// A prime larger than the number of pairs.
const STEP: u64 = 15_485_863;

/// A number of one's own in E.164; some have none, and most of them where there are more people than numbers.
fn phone(at: u64, many: u64) -> Option<String> {
    let own = if many <= NUMBERS {
        (at % 12 != 7).then_some(at)?
    } else {
        let (own, next) = (at * NUMBERS / many, (at + 1) * NUMBERS / many);
        (own != next).then_some(own)?
    };
    let (line, area) = (own / 720, own % 720);
    let area = (2 + area / 90) * 100 + area % 90;
    // Those that are written by hand have the numbers of this one.
    (area != 202).then(|| format!("+1{area}55501{line:02}"))
}

fn note(world: &mut World, rng: &mut Rng, people: &People, contact: &str, added: i64) {
    let at = Timestamp::from_millisecond(added + rng.i64(0..30 * MINUTE)).unwrap_or(Timestamp::MIN);
    let id = world.store.next_id(NOTE);
    let mut fields = Fields::new();
    for (name, value) in [
        ("id", Value::from(id.as_str())),
        ("contactId", contact.into()),
        ("body", NOTES[rng.usize(..NOTES.len())].into()),
        ("userId", rng.choice(&people.users).map_or(Value::Null, |it| it.as_str().into())),
        ("dateAdded", iso(at).into()),
        ("pinned", false.into()),
    ] {
        fields.insert(name, value);
    }
    world.insert(NOTE, &id, contact, fields);
}

fn task(world: &mut World, rng: &mut Rng, people: &People, contact: &str, now: Timestamp) {
    let days = rng.i64(-60..20);
    let due = Timestamp::from_millisecond(now.as_millisecond() + days * DAY).unwrap_or(now);
    let id = world.store.next_id(TASK);
    let mut fields = Fields::new();
    for (name, value) in [
        ("id", Value::from(id.as_str())),
        ("contactId", contact.into()),
        ("title", TASKS[rng.usize(..TASKS.len())].into()),
        ("body", "".into()),
        ("dueDate", iso(due).into()),
        ("completed", (days < -3).into()),
        ("assignedTo", rng.choice(&people.users).map_or(Value::Null, |it| it.as_str().into())),
    ] {
        fields.insert(name, value);
    }
    world.insert(TASK, &id, contact, fields);
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_two_have_the_same_name_and_number_or_phone() {
        for many in [188, 9_988, 169_988] {
            let people: HashSet<_> = (0..many).map(name).collect();
            assert_eq!(people.len() as u64, many);
            let phones: Vec<String> = (0..many).filter_map(|at| phone(at, many)).collect();
            assert!(phones.iter().all(|it| it.len() == 12 && it[5..].starts_with("55501")), "{:?}", phones.last());
            assert_eq!(phones.iter().collect::<HashSet<_>>().len(), phones.len());
            assert!(phones.len() as u64 > many * 2 / 5);
        }
    }
}
