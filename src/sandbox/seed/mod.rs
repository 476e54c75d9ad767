//! The records that are there at the start, from the data in `assets/sandbox`.
//!
//! A record is an object of its fields. In its texts `$contacts.ada` stands for the id of the record with the `~key`
//! `ada` in `contacts`, and `@utc -3d 09:15` for a moment relative to today: a form (`utc`, `offset` or `local`), days
//! (`d`) or working days (`b`) from today, and a local time. `~parent` names the record that it hangs below, `~always`
//! keeps it when the sandbox starts empty. The larger sizes add a crowd to them.
mod crowd;
mod diary;
mod names;

use std::collections::{BTreeSet, HashMap};
use std::ops::ControlFlow;

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use serde::Deserialize;
use serde_json::{Map, Value};

use self::crowd::Crowd;
use super::access::{Access, DesktopAccess, FilesAccess, HighlevelAccess, MailAccess, OauthAccess, ScheduleItAccess};
use super::faults::Draw;
use super::highlevel::{self, ContactIndex, EventIndex};
use super::ledger::Ledger;
use super::limits::{Limits, Meter};
use super::oauth::Grants;
use super::options::{Options, Seed};
use super::schedule_it::{self, Conduct};
use super::server::{Fresh, Told};
use super::service::Service;
use super::store::{Fields, Store, id};
use super::webhook::PublicKeys;
use super::world::{Account, Traps, World};

const HIGHLEVEL: &str = include_str!("../../../assets/sandbox/highlevel.json");
const SCHEDULE_IT: &str = include_str!("../../../assets/sandbox/schedule_it.json");

/// Everything that is needed to make the world, again and again.
pub(crate) struct Planting {
    seed: Seed,
    beds: Vec<Bed>,
    account: Account,
    random: u64,
    scopes: Option<BTreeSet<String>>,
    traps: Traps,
    limits: Limits,
    ledger_limit: usize,
    password: String,
    login: String,
}

/// The records of one service.
struct Bed {
    zone: TimeZone,
    plants: Vec<Plant>,
}

/// A record that is written by hand.
struct Plant {
    collection: String,
    id: String,
    parent: String,
    /// With the ids of others already put in.
    fields: Fields,
    /// It is there also where the sandbox starts empty.
    always: bool,
}

#[derive(Deserialize)]
struct Data {
    zone: String,
    account: HashMap<String, String>,
    records: Map<String, Value>,
}

impl Planting {
    /// Reads the data. An error says what is wrong with it.
    pub(crate) fn new(options: &Options) -> Result<Self, String> {
        let (seed, random) = (options.seed, options.random);
        let (highlevel, of_highlevel) = bed(HIGHLEVEL, Service::Highlevel, random)?;
        let (schedule_it, of_schedule_it) = bed(SCHEDULE_IT, Service::ScheduleIt, random)?;
        let from = |account: &HashMap<String, String>, key: &str| {
            account.get(key).cloned().ok_or_else(|| format!("the account has no {key}"))
        };
        let account = Account {
            location_id: from(&of_highlevel, "location")?,
            user_id: from(&of_highlevel, "user")?,
            company_id: id(random, "company", 1),
            calendar_id: from(&of_highlevel, "calendar")?,
            zone: highlevel.zone.clone(),
            workspace: from(&of_schedule_it, "workspace")?,
            workspace_zone: schedule_it.zone.clone(),
        };
        let login = from(&of_schedule_it, "login")?;
        let password = id(random, "password", 1);
        Ok(Self {
            seed,
            beds: vec![highlevel, schedule_it],
            account,
            random,
            scopes: options.scopes.clone(),
            traps: options.traps,
            limits: options.limits,
            ledger_limit: options.ledger_limit,
            password,
            login,
        })
    }

    /// What a client needs to know, for a sandbox at this root.
    pub(crate) fn access(&self, url: &str) -> Access {
        Access {
            highlevel: HighlevelAccess {
                base_url: format!("{url}{}", Service::Highlevel.prefix()),
                token: format!("pit-{}", id(self.random, "token", 1)),
                location_id: self.account.location_id.clone(),
                calendar_id: self.account.calendar_id.clone(),
                user_id: self.account.user_id.clone(),
                company_id: self.account.company_id.clone(),
                oauth: self.app(url, Service::Highlevel),
                // Those who start a sandbox know them.
                notice_keys: PublicKeys::default(),
            },
            schedule_it: ScheduleItAccess {
                base_url: format!("{url}{}", Service::ScheduleIt.prefix()),
                user: self.login.clone(),
                password: self.password.clone(),
                oauth: self.app(url, Service::ScheduleIt),
            },
            mail: MailAccess {
                base_url: format!("{url}{}", Service::Mail.prefix()),
                user: "flows@sandbox.example".to_owned(),
                password: id(self.random, "letters", 1),
                from: "Flowyard <flows@sandbox.example>".to_owned(),
            },
            files: FilesAccess { base_url: format!("{url}{}", Service::Files.prefix()) },
            desktop: DesktopAccess { base_url: format!("{url}{}", Service::Desktop.prefix()) },
        }
    }

    fn app(&self, url: &str, service: Service) -> OauthAccess {
        let (paths, app) = (service.oauth_paths(), Grants::new(self.random).app(service));
        let at = |path: Option<&str>| path.map(|it| format!("{url}{it}")).unwrap_or_default();
        OauthAccess {
            authorize_url: at(paths.map(|it| it.authorize)),
            token_url: at(paths.map(|it| it.token)),
            client_id: app.id,
            client_secret: app.secret,
        }
    }
}

impl Planting {
    /// The world at the start.
    pub(crate) fn world(&self, now: Timestamp) -> World {
        let mut world = self.bare(self.seed);
        self.fill(&mut world, now, &mut |_, _| ControlFlow::Continue(()));
        world
    }

    /// A world without records.
    fn bare(&self, seed: Seed) -> World {
        World {
            seed,
            store: Store::new(self.random),
            contacts: ContactIndex::default(),
            booked: EventIndex::default(),
            blocked: EventIndex::default(),
            gone: BTreeSet::new(),
            account: self.account.clone(),
            scopes: self.scopes.clone(),
            traps: self.traps,
            limits: self.limits,
            meter: Meter::default(),
            conduct: Conduct::default(),
            draw: Draw::default(),
            ledger: Ledger::new(self.ledger_limit),
            grants: Grants::new(self.random),
            changes: None,
            kept: None,
            webhooks: 0,
        }
    }

    /// Puts in what is there at the start; false where it was told to stop.
    fn fill(&self, world: &mut World, now: Timestamp, told: Told<'_>) -> bool {
        for bed in &self.beds {
            let all = world.seed != Seed::Empty;
            for Plant { collection, id, parent, fields, .. } in bed.plants.iter().filter(|it| it.always || all) {
                let mut fields = fields.clone();
                fields.values_mut().for_each(|it| resolve(it, &|text| moment(text, now, &bed.zone)));
                // The count moves on, so that the ids of later records go on after those of the seed.
                match collection.as_str() {
                    "events" | "resources" | "groups" | "labels" => world.store.next_number(collection, 0),
                    _ => world.store.next_id(collection),
                };
                world.insert(collection, id, parent, fields);
            }
        }
        highlevel::settle(world);
        schedule_it::settle(world);
        match Crowd::of(world.seed) {
            Some(crowd) => crowd::plant(world, &crowd, self.random, now, told).is_continue(),
            None => true,
        }
    }
}

impl Fresh for Planting {
    fn plant(&self, seed: Seed, now: Timestamp, told: Told<'_>) -> Option<World> {
        let mut world = self.bare(seed);
        self.fill(&mut world, now, told).then_some(world)
    }
}

/// Reads a service's data: the records, and the account's entries with ids put in.
fn bed(text: &str, service: Service, random: u64) -> Result<(Bed, HashMap<String, String>), String> {
    let data: Data = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let zone = TimeZone::get(&data.zone).map_err(|error| error.to_string())?;
    let mut scratch = Store::new(random);
    let mut ids = HashMap::new();
    let mut plants = Vec::new();
    for (collection, records) in data.records {
        for record in records.as_array().cloned().unwrap_or_default() {
            let Value::Object(mut fields) = record else { return Err(format!("{collection} holds something that is no object")) };
            let key = fields.remove("~key").and_then(|it| it.as_str().map(str::to_owned));
            let always = fields.remove("~always").is_some();
            let id = match service {
                Service::Highlevel | Service::Mail | Service::Files | Service::Desktop => scratch.next_id(&collection),
                Service::ScheduleIt => schedule_it::next_number(&mut scratch, &collection),
            };
            if let Some(key) = key {
                ids.insert(format!("${collection}.{key}"), id.clone());
            }
            plants.push((collection.clone(), id, fields, always));
        }
    }
    let known = |text: &str| ids.get(text).cloned();
    let mut finished = Vec::with_capacity(plants.len());
    for (collection, id, mut fields, always) in plants {
        fields.values_mut().for_each(|it| resolve(it, &known));
        let parent = fields.remove("~parent").and_then(|it| it.as_str().map(str::to_owned)).unwrap_or_default();
        if let Some(lost) = unresolved(&fields) {
            return Err(format!("{lost} in {collection} leads nowhere"));
        }
        let name = if collection == "notifications" { "_id" } else { "id" };
        fields.insert(name.to_owned(), id.clone().into());
        finished.push(Plant { collection, id, parent, fields: Fields::from(fields), always });
    }
    let account = data.account.into_iter().map(|(key, text)| (key, known(&text).unwrap_or(text))).collect();
    Ok((Bed { zone, plants: finished }, account))
}

/// Replaces every text for which there is a replacement.
fn resolve(value: &mut Value, with: &dyn Fn(&str) -> Option<String>) {
    match value {
        Value::String(text) => {
            if let Some(new) = with(text) {
                *text = new;
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|it| resolve(it, with)),
        Value::Object(fields) => fields.values_mut().for_each(|it| resolve(it, with)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// A reference that no record answers to.
fn unresolved(fields: &Map<String, Value>) -> Option<String> {
    fields.values().find_map(|value| match value {
        Value::String(text) => text.starts_with('$').then(|| text.clone()),
        Value::Array(list) => list.iter().filter_map(Value::as_str).find(|it| it.starts_with('$')).map(str::to_owned),
        Value::Object(fields) => unresolved(fields),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    })
}

/// The moment that `@utc -3d 09:15` stands for; none for any other text.
fn moment(text: &str, now: Timestamp, zone: &TimeZone) -> Option<String> {
    let mut parts = text.strip_prefix('@')?.split(' ');
    let (form, days, time) = (parts.next()?, parts.next()?, parts.next()?);
    let (count, unit) = days.split_at_checked(days.len().checked_sub(1)?)?;
    let count: i32 = count.parse().ok()?;
    let today = now.to_zoned_datetime(zone.clone()).date();
    let date = if unit == "b" { working_day(today, count)? } else { today.checked_add(count.days()).ok()? };
    let at = date.to_datetime(time.parse::<Time>().ok()?);
    if form == "local" {
        return Some(at.strftime("%Y-%m-%d %H:%M:%S").to_string());
    }
    let at = at.to_zoned_datetime(zone.clone()).ok()?;
    Some(match form {
        "offset" => at.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string(),
        _ => format!("{:.3}", at.timestamp()),
    })
}

/// So many working days from today; 0 is today, or the next working day.
fn working_day(today: Date, count: i32) -> Option<Date> {
    let works = |date: Date| !matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday);
    let step = if count < 0 { -1.days() } else { 1.days() };
    let mut date = today;
    while !works(date) {
        date = date.checked_add(step).ok()?;
    }
    for _ in 0..count.unsigned_abs() {
        date = date.checked_add(step).ok()?;
        while !works(date) {
            date = date.checked_add(step).ok()?;
        }
    }
    Some(date)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_relative_to_today_in_the_zone() {
        let zone = TimeZone::get("America/New_York").unwrap();
        // A Saturday in New York, already Sunday in UTC.
        let now: Timestamp = "2025-03-09T03:30:00Z".parse().unwrap();
        let at = |text| moment(text, now, &zone).unwrap();
        assert_eq!(at("@local +0d 09:15"), "2025-03-08 09:15:00");
        assert_eq!(at("@local +0b 09:15"), "2025-03-10 09:15:00");
        assert_eq!(at("@local +1b 09:15"), "2025-03-11 09:15:00");
        assert_eq!(at("@local -1b 09:15"), "2025-03-06 09:15:00");
        assert_eq!(at("@offset +0b 09:15"), "2025-03-10T09:15:00-04:00");
        assert_eq!(at("@utc -1d 09:15"), "2025-03-07T14:15:00.000Z");
        assert!(moment("plain text", now, &zone).is_none());
        assert!(moment("@utc", now, &zone).is_none());
    }

    const NOW: &str = "2025-03-09T03:30:00Z";

    fn world(seed: Seed) -> World {
        Planting::new(&Options { seed, ..Options::default() }).unwrap().world(NOW.parse().unwrap())
    }

    #[test]
    fn every_size_can_be_planted_and_holds_as_many_contacts_as_it_says() {
        for (seed, many) in [(Seed::Empty, 0), (Seed::Business, 12), (Seed::Small, 200), (Seed::Medium, 10_000)] {
            let world = world(seed);
            assert_eq!(world.store.of("contacts").len(), many);
            assert!(world.store.of("calendars").contains(&world.account.calendar_id));
            assert!(world.store.of("users").contains(&world.account.user_id));
            let left: Vec<_> = world
                .store
                .names()
                .flat_map(|name| world.store.of(name).rows())
                .flat_map(|row| row.fields.iter().map(|(_, value)| value))
                .filter_map(Value::as_str)
                .filter(|it| it.starts_with('@') || it.starts_with('$'))
                .collect();
            assert!(left.is_empty(), "{left:?}");
        }
    }

    #[test]
    fn the_same_start_gives_the_same_crowd_and_ids_go_on_after_it() {
        let (mut one, other) = (world(Seed::Small), world(Seed::Small));
        for name in other.store.names() {
            let rows = |world: &World| world.store.of(name).rows().map(|row| row.fields.clone()).collect::<Vec<_>>();
            assert_eq!(rows(&one), rows(&other), "{name}");
        }
        assert_eq!(one.store.next_id("contacts"), id(1, "contacts", 201));
    }

    #[test]
    fn nobody_of_the_crowd_is_booked_twice_at_a_time_or_in_the_night() {
        let world = world(Seed::Small);
        let appointments = world.store.of("appointments");
        let mut starts: Vec<&str> = appointments.children(&world.account.calendar_id).map(|row| row.text("startTime")).collect();
        assert!(starts.len() > 150, "{}", starts.len());
        assert!(starts.iter().all(|it| ("09:00".."17:00").contains(&&it[11..16])), "{starts:?}");
        let all = starts.len();
        starts.sort_unstable();
        starts.dedup();
        assert_eq!(starts.len(), all);
        for row in appointments.rows() {
            assert!(world.store.of("contacts").contains(row.text("contactId")));
        }
        assert!(world.store.of("events").len() > 150 && world.store.of("resources").len() > 40);
    }
}
