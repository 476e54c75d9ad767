//! The contract of the sandbox: every operation of the catalogue is called, with a request that fits and with one that does
//! not, and both requests and answers are held against what the catalogue says.
//!
//! Nothing here knows an operation by its name: the requests are made from the catalogue, so that one that is added to it
//! is called too, and one that cannot be called fails the build.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use flowyard::catalog::{AuthKind, Catalog, Connector, Encoding, Input, Method, Operation, OperationId, Place, Reading};
use flowyard::sandbox::{self, Effect, Handle, LedgerEntry, Limits, Options, Traps};
use serde_json::{Map, Value, json};

/// A request that is not sent yet: values by the places where they travel.
#[derive(Debug, Clone, Default)]
struct Request {
    path: BTreeMap<String, String>,
    query: Vec<(String, Value)>,
    headers: Vec<(String, String)>,
    body: Map<String, Value>,
    /// The whole body, where it is no object.
    whole: Option<Value>,
    signed_in: bool,
}

/// What came back.
#[derive(Debug)]
struct Answer {
    status: u16,
    is_json: bool,
    body: Value,
}

/// Somebody who calls the sandbox by the catalogue.
struct Caller {
    http: reqwest::Client,
    sandbox: Handle,
    connector: Arc<Connector>,
    base_url: String,
}

/// How a request is made wrong, and what the refusal must name.
enum Wrong {
    Missing(String),
    Mistyped(String),
    Unversioned,
    Stranger,
}

impl Caller {
    fn is_form(&self) -> bool {
        self.connector.id.as_str() == "schedule_it"
    }

    /// A record that is there, by the name that calls it; none where the name says nothing.
    fn known(&self, name: &str) -> Option<Value> {
        let access = &self.sandbox.access().highlevel;
        let first = |collection: &str| self.sandbox.records(collection).first().map(|it| it["id"].clone());
        if self.is_form() {
            return match name {
                "group_id" => first("groups"),
                _ => None,
            };
        }
        match name {
            "locationId" | "location_id" => Some(json!(access.location_id)),
            "calendarId" => Some(json!(access.calendar_id)),
            "userId" | "assignedUserId" | "assignedTo" => Some(json!(access.user_id)),
            "contactId" => first("contacts"),
            "appointmentId" => first("appointments"),
            "groupId" => first("calendar_groups"),
            "calendarIds" => Some(json!([access.calendar_id])),
            "timezone" => Some(json!("America/New_York")),
            // An app that may be let in, for itself: no code and no refresh token has to be there first.
            "client_id" => Some(json!(access.oauth.client_id)),
            "client_secret" => Some(json!(access.oauth.client_secret)),
            "grant_type" => Some(json!("client_credentials")),
            _ => None,
        }
    }

    fn sample(&self, operation: &Operation, input: &Input) -> Value {
        if let Some(fixed) = &input.fixed {
            return fixed.clone();
        }
        let sample = input.schema.sample_as(&input.name, &self.connector);
        let fits = |it: &Value| input.schema.check(it, &self.connector, Reading::Typed).is_empty();
        let other = match (input.name.as_str(), input.place) {
            // What is named in the path is made for it, or is there.
            (_, Place::Path) => None,
            ("owner", Place::Body) if self.is_form() => {
                let above = if operation.path.contains("resources") { "groups" } else { "resources" };
                self.sandbox.records(above).first().map(|it| it["id"].clone())
            }
            ("date_start", _) => Some(json!("2026-03-02 09:30:00")),
            ("date_end", _) => Some(json!("2026-03-02 10:30:00")),
            // Slots are tried elsewhere; here any time will do.
            ("ignoreFreeSlotValidation", _) => Some(json!(true)),
            ("endTime", Place::Body) => Some(json!("2026-03-02T10:30:00Z")),
            ("startDate" | "startTime", Place::Query) => Some(json!("1772443800000")),
            ("endDate" | "endTime", Place::Query) => Some(json!("1772530200000")),
            ("rrule", _) => Some(json!("RRULE:FREQ=DAILY;COUNT=2")),
            (name, _) => self.known(name),
        };
        other
            .map(|it| {
                if fits(&it) { it } else { it.as_str().and_then(|it| it.parse::<i64>().ok()).map_or(Value::Null, |it| json!(it)) }
            })
            .filter(fits)
            .unwrap_or(sample)
    }

    /// A request with everything that the operation takes.
    async fn fitting(&self, operation: &Operation) -> Result<Request, String> {
        let mut request = Request { signed_in: true, ..Request::default() };
        for input in operation.inputs.iter().filter(|it| it.place != Place::Path) {
            let value = self.sample(operation, input);
            match input.place {
                Place::Header if input.name.eq_ignore_ascii_case("authorization") => {}
                Place::Header => request.headers.push((input.name.clone(), plain(&value))),
                Place::Query if self.is_form() => {}
                Place::Query => request.query.push((input.name.clone(), value)),
                Place::Body if input.name.is_empty() => request.whole = Some(value),
                // A first page has no cursor.
                Place::Body if input.name == "searchAfter" && !input.required => {}
                Place::Body => drop(request.body.insert(input.name.clone(), value)),
                Place::Path => {}
            }
        }
        request.path = self.path(operation).await?;
        Ok(request)
    }

    /// Values for the names in a path: records that are there, or are made for it where the catalogue has an operation
    /// for that; else anything that fits.
    async fn path(&self, operation: &Operation) -> Result<BTreeMap<String, String>, String> {
        let mut values = BTreeMap::new();
        let segments: Vec<&str> = operation.path.trim_matches('/').split('/').collect();
        for (at, segment) in segments.iter().enumerate() {
            let Some(name) = named(segment) else { continue };
            let input = operation.inputs.iter().find(|it| it.place == Place::Path && it.name == name);
            let input = input.unwrap_or_else(|| panic!("{}: {name} is no input", operation.id));
            let above = &segments[..at];
            let value = match (self.known(name), self.maker(above)) {
                (Some(known), _) => plain(&known),
                (None, Some(maker)) => self.made(maker, &values).await?,
                (None, None) if above == ["calendars", "events"] => plain(&self.known("appointmentId").expect("it is seeded")),
                (None, None) if self.is_form() => {
                    let records = self.sandbox.records(above.last().expect("a collection"));
                    plain(&records.first().expect("it is seeded")["id"])
                }
                (None, None) => plain(&self.sample(operation, input)),
            };
            values.insert(name.to_owned(), value);
        }
        Ok(values)
    }

    /// The operation that makes records at a path, if the catalogue has one.
    fn maker(&self, path: &[&str]) -> Option<&Arc<Operation>> {
        let nameless =
            |it: &[&str]| it.iter().map(|it| if named(it).is_some() { "{}" } else { it }.to_owned()).collect::<Vec<_>>();
        let literal = |it: &[&str]| it.iter().filter(|it| named(it).is_none()).map(|it| (*it).to_owned()).collect::<Vec<_>>();
        let posts = || self.connector.operations.values().filter(|it| it.method == Method::Post);
        let same = posts().find(|it| nameless(&it.path.trim_matches('/').split('/').collect::<Vec<_>>()) == nameless(path));
        same.or_else(|| {
            posts().find(|it| {
                let other: Vec<&str> = it.path.trim_matches('/').split('/').collect();
                named(other.last().expect("a segment")).is_none() && literal(&other) == literal(path)
            })
        })
    }

    /// Makes a record and says its id.
    async fn made(&self, maker: &Operation, above: &BTreeMap<String, String>) -> Result<String, String> {
        let mut request = Box::pin(self.fitting(maker)).await?;
        for (name, value) in above.iter().filter(|(name, _)| maker.path.contains(&format!("{{{name}}}"))) {
            request.path.insert(name.clone(), value.clone());
        }
        let answer = self.send(maker, &request).await;
        let last = self.sandbox.ledger().pop().expect("an entry").record.filter(|_| (200..300).contains(&answer.status));
        last.map(|it| it.id).ok_or_else(|| format!("{} makes nothing: {} {}", maker.id, answer.status, answer.body))
    }

    async fn send(&self, operation: &Operation, request: &Request) -> Answer {
        let mut path = operation.path.clone();
        for (name, value) in &request.path {
            path = path.replace(&format!("{{{name}}}"), &coded(value));
        }
        let mut url = url::Url::parse(&format!("{}{path}", self.base_url)).expect("an address");
        if !request.query.is_empty() {
            let mut pairs = url.query_pairs_mut();
            for (name, value) in &request.query {
                match value {
                    Value::Array(list) => {
                        for it in list {
                            pairs.append_pair(name, &plain(it));
                        }
                    }
                    one => {
                        pairs.append_pair(name, &plain(one));
                    }
                }
            }
        }
        let method = reqwest::Method::from_bytes(operation.method.as_str().as_bytes()).expect("a method");
        let mut sent = self.http.request(method, url);
        let access = self.sandbox.access();
        if request.signed_in {
            sent = if self.is_form() {
                sent.basic_auth(&access.schedule_it.user, Some(&access.schedule_it.password))
            } else {
                match self.connector.id.as_str() {
                    "mail" => sent.basic_auth(&access.mail.user, Some(&access.mail.password)),
                    _ => sent.bearer_auth(&access.highlevel.token),
                }
            };
        }
        for (name, value) in &request.headers {
            sent = sent.header(name, value);
        }
        sent = match (operation.body, &request.whole) {
            (None, _) => sent,
            (Some(Encoding::Json), Some(whole)) => sent.json(whole),
            (Some(Encoding::Json), None) => sent.json(&request.body),
            (Some(Encoding::Urlencoded), _) => {
                let mut form = form_urlencoded::Serializer::new(String::new());
                for (name, value) in &request.body {
                    form.append_pair(name, &plain(value));
                }
                sent.header("Content-Type", "application/x-www-form-urlencoded").body(form.finish())
            }
            (Some(Encoding::Multipart), _) => {
                let part =
                    |form: reqwest::multipart::Form, (name, value): (&String, &Value)| form.text(name.clone(), plain(value));
                sent.multipart(request.body.iter().fold(reqwest::multipart::Form::new(), part))
            }
        };
        let answer = sent.send().await.unwrap_or_else(|error| panic!("{}: {error}", operation.id));
        let status = answer.status().as_u16();
        let kind = answer.headers().get("content-type").and_then(|it| it.to_str().ok()).unwrap_or_default().to_owned();
        let text = answer.text().await.expect("a whole answer");
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Answer {
            status,
            is_json: kind.starts_with("application/json") && (text.is_empty() || !body.is_null() || text == "null"),
            body,
        }
    }

    /// Everything in a request that the catalogue does not allow.
    fn misfits(&self, operation: &Operation, request: &Request) -> Vec<String> {
        let mut found = Vec::new();
        for input in &operation.inputs {
            let (value, reading) = match input.place {
                Place::Path => (request.path.get(&input.name).map(|it| json!(it)), Reading::Text),
                Place::Query => (value_of(&request.query, &input.name), Reading::Text),
                Place::Header => continue,
                Place::Body if input.name.is_empty() => (request.whole.clone(), Reading::Typed),
                Place::Body => (request.body.get(&input.name).cloned(), Reading::Typed),
            };
            match value {
                None if input.required => found.push(format!("{} is missing", input.key)),
                None => {}
                Some(value) => {
                    let wrong = input.schema.check(&value, &self.connector, reading);
                    found.extend(wrong.into_iter().map(|it| format!("{}: {it:?}", input.key)));
                }
            }
        }
        found
    }

    /// The first way in which this operation's requests can be wrong.
    fn wrong(&self, operation: &Operation) -> Wrong {
        let checked = operation.body != Some(Encoding::Multipart);
        let in_request = |it: &&Input| matches!(it.place, Place::Body | Place::Query) && !it.name.is_empty() && checked;
        if let Some(input) = operation.inputs.iter().filter(in_request).find(|it| it.required) {
            return Wrong::Missing(input.name.clone());
        }
        let typed = operation.inputs.iter().filter(in_request).find(|it| {
            let misfit = if it.place == Place::Body { json!({"no": "such"}) } else { json!("no such") };
            let reading = if it.place == Place::Body { Reading::Typed } else { Reading::Text };
            !self.is_form() && !it.schema.check(&misfit, &self.connector, reading).is_empty()
        });
        match typed {
            Some(input) => Wrong::Mistyped(input.name.clone()),
            None if operation.inputs.iter().any(|it| it.place == Place::Header && it.name == "Version") => Wrong::Unversioned,
            None => Wrong::Stranger,
        }
    }

    /// A request as it may not be, and the word that the refusal must hold.
    fn spoilt(&self, operation: &Operation, mut request: Request) -> (Request, String) {
        let word = match self.wrong(operation) {
            Wrong::Missing(name) => {
                request.body.remove(&name);
                request.query.retain(|(it, _)| *it != name);
                name
            }
            Wrong::Mistyped(name) => {
                if let Some(place) = request.body.get_mut(&name) {
                    *place = json!({"no": "such"});
                }
                request.query.iter_mut().filter(|(it, _)| *it == name).for_each(|(_, it)| *it = json!("no such"));
                name
            }
            Wrong::Unversioned => {
                request.headers.retain(|(it, _)| it != "Version");
                "version".to_owned()
            }
            Wrong::Stranger => {
                request.signed_in = false;
                String::new()
            }
        };
        (request, word)
    }
}

fn named(segment: &str) -> Option<&str> {
    segment.strip_prefix('{')?.strip_suffix('}')
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn coded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

fn value_of(query: &[(String, Value)], name: &str) -> Option<Value> {
    query
        .iter()
        .find(|(it, _)| it == name)
        .map(|(_, value)| if value.is_array() || value.is_object() { value.clone() } else { json!(plain(value)) })
}

/// Fields that the services keep in a form of their own: tags in lower case, phones in E.164, what is generated anyway.
const OWN_FORM: &[&str] =
    &["tags", "phone", "id", "_id", "dateAdded", "dateUpdated", "createdAt", "updatedAt", "status", "success"];

/// Fields of a record in the answer that are not as they were sent.
fn changed_echo<'a>(sent: &'a Map<String, Value>, answer: &Value) -> Vec<&'a str> {
    let nested =
        || answer.as_object().into_iter().flat_map(|it| it.values()).find(|it| it.get("id").is_some() || it.get("_id").is_some());
    let record = if answer.get("id").is_some() || answer.get("_id").is_some() { Some(answer) } else { nested() };
    let Some(record) = record else { return Vec::new() };
    // Where the documents have another type in the answer, nothing can come back as it was.
    let alike = |one: &Value, other: &Value| {
        (one.is_string() && other.is_string())
            || (one.is_number() && other.is_number())
            || (one.is_boolean() && other.is_boolean())
    };
    let other = |(name, value): &(&String, &Value)| record.get(*name).is_some_and(|it| alike(it, value) && it != *value);
    let names = sent.iter().filter(other).map(|(name, _)| name.as_str());
    names.filter(|it| !OWN_FORM.contains(it)).collect()
}

/// What a call says that it did, and did not: a record that was made or changed is there, one that was deleted is gone, and
/// deleting it again finds nothing.
async fn not_kept(caller: &Caller, operation: &Operation, request: &Request, entry: &LedgerEntry) -> Option<String> {
    let record = entry.record.as_ref()?;
    let there = caller.sandbox.record(&record.collection, &record.id);
    match entry.effect {
        Effect::Created | Effect::Updated if there.is_none() => Some(format!("{} {} is not there", record.collection, record.id)),
        // A deleted notification stays, marked as such.
        Effect::Deleted if there.is_some_and(|it| it["deleted"] != true) => {
            Some(format!("{} {} is still there", record.collection, record.id))
        }
        Effect::Deleted => {
            let again = caller.send(operation, request).await.status;
            (again != 404).then(|| format!("deleting it again answers {again}"))
        }
        _ => None,
    }
}

/// Calls one operation both ways; what is wrong with it.
async fn call(caller: &Caller, operation: &Operation) -> Vec<String> {
    let mut found = Vec::new();
    let request = match caller.fitting(operation).await {
        Ok(request) => request,
        Err(complaint) => return vec![complaint],
    };
    found.extend(caller.misfits(operation, &request).into_iter().map(|it| format!("the request itself does not fit: {it}")));
    // What the path names may be gone afterwards.
    let before = caller.sandbox.snapshot();
    let answer = caller.send(operation, &request).await;
    let ledger = caller.sandbox.ledger().pop().expect("an entry");
    if ledger.operation != operation.id {
        found.push(format!("the request reached {}", ledger.operation));
    }
    let documented = operation.success.iter().find(|it| it.status == answer.status);
    if documented.is_none() && !(operation.success.is_empty() && answer.status == 200) {
        found.push(format!("answers {}: {}", answer.status, answer.body));
    }
    if !answer.is_json && answer.status != 204 {
        found.push("the answer is no JSON".to_owned());
    }
    if let Some(schema) = documented.and_then(|it| it.schema.as_ref()) {
        found
            .extend(schema.check(&answer.body, &caller.connector, Reading::Typed).iter().map(|it| format!("the answer: {it:?}")));
    }

    if matches!(ledger.effect, Effect::Created | Effect::Updated) {
        let changed = changed_echo(&request.body, &answer.body).into_iter();
        found.extend(changed.map(|it| format!("{it} comes back otherwise than it was sent")));
    }
    found.extend(not_kept(caller, operation, &request, &ledger).await);

    // What takes nothing, of whomever, cannot be asked for wrongly.
    if operation.inputs.is_empty() && caller.connector.auth == [AuthKind::None] {
        return found;
    }
    caller.sandbox.restore(&before);
    let (request, word) = caller.spoilt(operation, request);
    let answer = caller.send(operation, &request).await;
    let ledger = caller.sandbox.ledger().pop().expect("an entry");
    let message = &answer.body["message"];
    if !(400..500).contains(&answer.status) || !(message.is_string() || message.is_array()) || !answer.is_json {
        found.push(format!("without {word:?} it answers {}: {}", answer.status, answer.body));
    } else if !message.to_string().to_lowercase().contains(&word.to_lowercase()) {
        found.push(format!("the refusal does not name {word:?}: {message}"));
    }
    if ledger.effect != Effect::None {
        found.push(format!("a wrong request had an effect: {:?}", ledger.effect));
    }
    found
}

#[tokio::test]
async fn every_operation_of_the_catalogue_keeps_its_contract() {
    rustls::crypto::ring::default_provider().install_default().ok();
    let catalog = Catalog::shipped();
    let traps = Traps { duplicates_allowed: true, ..Traps::default() };
    let limits = Limits { enabled: false, ..Limits::default() };
    let sandbox = sandbox::start(&catalog, Options { traps, limits, ..Options::default() }).await.expect("a sandbox");
    let fresh = sandbox.snapshot();
    let (mut kept, mut complaints) = (BTreeSet::new(), Vec::new());
    let mut all: BTreeSet<OperationId> = BTreeSet::new();
    for connector in catalog.connectors() {
        let access = sandbox.access();
        let base_url = match connector.id.as_str() {
            "highlevel" => access.highlevel.base_url.clone(),
            "schedule_it" => access.schedule_it.base_url.clone(),
            "mail" => access.mail.base_url.clone(),
            "files" => access.files.base_url.clone(),
            "desktop" => access.desktop.base_url.clone(),
            other => panic!("the sandbox does not imitate {other}"),
        };
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        let caller = Caller { http, sandbox: sandbox.clone(), connector: Arc::clone(connector), base_url };
        for operation in connector.operations.values() {
            sandbox.restore(&fresh);
            all.insert(operation.id.clone());
            let found = call(&caller, operation).await;
            if found.is_empty() {
                kept.insert(operation.id.clone());
            }
            complaints.extend(found.into_iter().map(|it| format!("{}: {it}", operation.id)));
        }
    }
    assert!(complaints.is_empty(), "{} complaints:\n{}", complaints.len(), complaints.join("\n"));
    let counted: usize = catalog.connectors().map(|it| it.operations.len()).sum();
    assert_eq!((kept.len(), all.len()), (counted, counted));
    assert!(counted >= 603, "the catalogue has lost operations: {counted}");
}
