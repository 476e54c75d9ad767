//! The locations of an agency: which there are, and making a connection of each that a person wants.
use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::Desk;
use crate::catalog::{AuthKind, Connector, LocationToken};
use crate::connector::{Connection, ConnectionId};
use crate::record::{Failure, FailureKind};

/// Locations that are listed at most; an agency with more narrows them at its service.
const MOST: usize = 2_000;

/// A location of an agency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Location {
    /// Its id at the service.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Its time zone, where the service says it.
    pub zone: Option<String>,
    /// The connection that there is to it already.
    pub connection: Option<ConnectionId>,
}

impl Desk {
    /// The locations of an agency that is signed in.
    ///
    /// # Errors
    /// If the connection is to no agency, nobody is signed in to it, or why its service does not list them.
    pub async fn locations(&self, agency: &ConnectionId) -> Result<Vec<Location>, Failure> {
        let (connection, caller) = self.caller_for(agency).await?;
        let (connector, known) = self.of_agency(&connection)?;
        let wrong = |title: String, hint: &str| Failure::new(FailureKind::SignIn, title).hint(hint);
        let found = known.list.as_ref().and_then(|it| Some((it, connector.operations.get(&it.operation)?)));
        let Some((list, operation)) = found else {
            let title = format!("{} does not list the locations of an agency", connector.title);
            return Err(wrong(title, "Add each by its id."));
        };
        // Renewed by the first call; what it says of the agency stays the same.
        let secret = self.vault.fetch(agency).await.map_err(Failure::from)?;
        let company = secret.as_deref().and_then(|it| it.granted()).and_then(|it| it.company_id.clone());
        let Some(company) = company else {
            let title = format!("Nobody is signed in to {:?} as an agency", connection.name);
            return Err(wrong(title, "Sign in to it, and choose the agency in the browser."));
        };
        let taken = self.taken(&connection, known)?;
        let mut all: Vec<Location> = Vec::new();
        let mut seen = BTreeSet::new();
        while all.len() < MOST {
            let mut input: Map<String, Value> = list.with.iter().map(|(key, it)| (key.clone(), it.clone())).collect();
            input.insert(list.company.clone(), company.as_str().into());
            input.insert(list.skip.clone(), all.len().to_string().into());
            let answer = caller.call(&connection, connector, operation, &input).await.result;
            let answer = answer.map_err(|error| error.failure().clone())?.value;
            let items = answer.get(&list.items).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
            let text = |it: &Value, key: &str| it.get(key).and_then(Value::as_str).filter(|it| !it.is_empty()).map(str::to_owned);
            let before = all.len();
            for it in items {
                let Some(id) = text(it, &list.id).filter(|it| seen.insert(it.clone())) else { continue };
                let connection = taken.iter().find(|(known, _)| *known == id).map(|(_, it)| it.clone());
                let name = text(it, &list.name).unwrap_or_else(|| id.clone());
                let zone = text(it, &list.zone).filter(|it| jiff::tz::TimeZone::get(it).is_ok());
                all.push(Location { id, name, zone, connection });
            }
            if all.len() == before {
                break;
            }
        }
        Ok(all)
    }

    /// Makes a connection of a location, which draws its tokens from the agency.
    ///
    /// # Errors
    /// As [`Desk::draft`] and [`Desk::add`].
    pub fn add_location(&self, agency: &ConnectionId, location: &Location) -> Result<Connection, Failure> {
        let book = self.book()?;
        let connection = &book.account(agency)?.connection;
        let (_, known) = self.of_agency(connection)?;
        let value = json!({
            "connector": connection.connector, "name": location.name, "environment": connection.environment,
            "base_url": connection.base_url, "account": { known.account.as_str(): location.id }, "auth": { "kind": "oauth" },
            "agency": agency,
        });
        let Value::Object(mut fields) = value else { return Err(Failure::new(FailureKind::Machine, "Nothing was made")) };
        if let Some(zone) = &location.zone {
            fields.insert("zone".to_owned(), zone.as_str().into());
        }
        self.add(self.draft(fields)?, None)
    }

    /// The connections to locations of the service, each with the location's id.
    fn taken(&self, agency: &Connection, known: &LocationToken) -> Result<Vec<(String, ConnectionId)>, Failure> {
        let book = self.book()?;
        let same = book.accounts().iter().map(|it| &it.connection).filter(|it| it.connector == agency.connector);
        Ok(same.filter_map(|it| Some((it.account.get(&known.account)?.clone(), it.id.clone()))).collect())
    }

    fn of_agency<'a>(&'a self, connection: &'a Connection) -> Result<(&'a Connector, &'a LocationToken), Failure> {
        let known = match &connection.auth {
            AuthKind::OAuth(known) => known.location_token.as_ref(),
            _ => None,
        };
        let known = known.filter(|_| connection.oauth.is_some());
        self.catalog.connector(&connection.connector).map(AsRef::as_ref).zip(known).ok_or_else(|| {
            let title = format!("{:?} is no connection to an agency", connection.name);
            Failure::new(FailureKind::Flow, title).hint("Only an app that signs in as an agency makes tokens for locations.")
        })
    }
}
