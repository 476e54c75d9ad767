//! Believable values for shapes: what a form shows in grey, what a test sends, what the sandbox answers with.
//!
//! Invariant: the same shape gives the same value; a shape that contains itself gives a value of bounded size.
use serde_json::{Map, Value, json};

use super::{Connector, Kind, Reading, Schema, words};

/// Optional fields are given down to this depth, required ones further.
const OPTIONAL_DEPTH: usize = 6;
/// Nothing is given below.
const DEPTH: usize = 12;
/// Values in one sample, at most.
const VALUES: usize = 2_000;

impl Schema {
    /// A believable value of this shape: its example, its default, the first of its choices, or one by type and format.
    pub fn sample(&self, connector: &Connector) -> Value {
        self.sample_as("", connector)
    }

    /// The same for a value that goes by a name, which tells more than its type: `email`, `city`, `startTime`.
    pub fn sample_as(&self, name: &str, connector: &Connector) -> Value {
        Sampler { connector, left: VALUES }.value(self, name, 0)
    }
}

struct Sampler<'a> {
    connector: &'a Connector,
    left: usize,
}

impl Sampler<'_> {
    fn value(&mut self, schema: &Schema, name: &str, depth: usize) -> Value {
        self.left = self.left.saturating_sub(1);
        let stated = schema.example.as_ref().or(schema.default.as_ref()).or_else(|| schema.choices.first());
        // A list or an object may be stated in part, or as it was in an older version.
        let whole =
            |it: &&Value| !(it.is_object() || it.is_array()) || schema.check(it, self.connector, Reading::Typed).is_empty();
        if let Some(stated) = stated.filter(whole) {
            return stated.clone();
        }
        match &schema.kind {
            Kind::Any => text(name, ""),
            Kind::Boolean => Value::Bool(!matches!(name, "deleted" | "dnd" | "isRecurring" | "pinned" | "completed")),
            Kind::Integer | Kind::Number => number(name),
            Kind::String { format } => text(name, format),
            Kind::Array { items } => {
                if depth >= DEPTH || self.left == 0 {
                    return Value::Array(Vec::new());
                }
                Value::Array(vec![self.value(items, singular(name), depth + 1)])
            }
            Kind::Object { fields, rest } => {
                let mut object = Map::new();
                for field in fields {
                    let wanted = depth < OPTIONAL_DEPTH || field.required && depth < DEPTH;
                    if wanted && self.left > 0 {
                        object.insert(field.name.clone(), self.value(&field.schema, &field.name, depth + 1));
                    }
                }
                if let (true, Some(rest)) = (fields.is_empty(), rest)
                    && rest.kind != Kind::Any
                    && depth < DEPTH
                {
                    object.insert("key".to_owned(), self.value(rest, "key", depth + 1));
                }
                Value::Object(object)
            }
            Kind::OneOf { of } => of.first().map_or(Value::Null, |it| self.value(it, name, depth + 1)),
            Kind::Ref { .. } => {
                if depth >= DEPTH || self.left == 0 {
                    return Value::Null;
                }
                let connector = self.connector;
                self.value(connector.resolve(schema), name, depth + 1)
            }
        }
    }
}

/// `tags` holds a `tag`.
fn singular(name: &str) -> &str {
    name.strip_suffix('s').unwrap_or(name)
}

fn number(name: &str) -> Value {
    let parts = words::split(name);
    let has = |word: &str| parts.iter().any(|it| it == word);
    if has("date") || has("timestamp") || name == "startAfter" {
        json!(1_772_443_800_000_u64)
    } else if has("limit") {
        json!(20)
    } else if has("skip") || has("offset") {
        json!(0)
    } else if has("duration") || has("interval") {
        json!(30)
    } else if has("hour") {
        json!(9)
    } else if has("minute") {
        json!(0)
    } else {
        json!(1)
    }
}

/// Text by its format, else by its name. Persons are invented; addresses and numbers are those set apart for examples
/// (RFC 2606, and 555-01xx of the North American plan).
fn text(name: &str, format: &str) -> Value {
    let by_format = match format {
        "date-time" => "2026-03-02T09:30:00Z",
        "date-time-local" => "2026-03-02 09:30:00",
        "date" => "2026-03-02",
        "time" => "09:30:00",
        "email" => "alex.rivera@example.com",
        "uri" | "url" => "https://example.com/",
        "uuid" => "6f1c2d3e-4a5b-4c6d-8e7f-901a2b3c4d5e",
        "hostname" => "example.com",
        "ipv4" => "192.0.2.10",
        "ipv6" => "2001:db8::10",
        "binary" | "byte" => "ZXhhbXBsZQ==",
        _ => "",
    };
    if !by_format.is_empty() {
        return by_format.into();
    }
    let parts = words::split(name);
    let has = |word: &str| parts.iter().any(|it| it == word);
    let by_name = match name {
        "firstName" | "firstNameLowerCase" => "Alex",
        "lastName" | "lastNameLowerCase" => "Rivera",
        "name" | "fullName" | "contactName" | "fullNameLowerCase" => "Alex Rivera",
        "country" => "US",
        "state" => "CA",
        "city" => "Oakland",
        "address1" | "address" | "location" => "12 Harbor Street",
        "postalCode" => "94607",
        "rrule" => "RRULE:FREQ=WEEKLY;COUNT=4",
        "from" => "09:00",
        "to" => "17:00",
        _ if has("email") => "alex.rivera@example.com",
        _ if has("phone") || name == "number" => "+14155550123",
        _ if has("id") || has("ids") => return Value::String(id(name)),
        _ if has("url") || has("website") || has("referrer") => "https://example.com/",
        _ if has("timezone") || has("zone") => "America/Los_Angeles",
        _ if has("color") => "#3366CC",
        _ if has("slug") => "first-visit",
        _ if has("time") || has("date") => "2026-03-02T09:30:00Z",
        _ if has("company") || has("business") => "Harbor Dental",
        _ if has("title") || has("subject") => "First visit",
        _ if has("body") || has("notes") || has("note") || has("message") => "Asked for a morning appointment.",
        _ if has("description") => "Thirty minutes, in person",
        _ if has("tag") => "new-lead",
        _ if has("source") => "website",
        _ if has("slot") => "2026-03-02T09:30:00-08:00",
        _ => "example",
    };
    by_name.into()
}

/// Twenty letters and digits, as record ids look; the same for the same name.
fn id(name: &str) -> String {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyzABCDEFG2";
    let mut state: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in name.bytes() {
        state = (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    let mut id = String::with_capacity(20);
    for _ in 0..20 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        id.push(char::from(LETTERS[(state >> 59) as usize]));
    }
    id
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{Catalog, Field, Reading};

    #[test]
    fn a_sample_of_every_shipped_shape_fits_it() {
        for connector in Catalog::shipped().connectors() {
            for operation in connector.operations.values() {
                for input in &operation.inputs {
                    let sample = input.schema.sample_as(&input.name, connector);
                    let found = input.schema.check(&sample, connector, Reading::Typed);
                    assert_eq!(found, [], "{} {}: {sample}", operation.id, input.key);
                }
                for schema in operation.success.iter().filter_map(|it| it.schema.as_ref()) {
                    let sample = schema.sample(connector);
                    assert_eq!(schema.check(&sample, connector, Reading::Typed), [], "{}: {sample}", operation.id);
                }
            }
        }
    }

    #[test]
    fn a_shape_that_contains_itself_gives_a_small_value() {
        let mut connector = (**Catalog::shipped().connectors().next().expect("one")).clone();
        let reference = || Schema { kind: Kind::Ref { name: "loop".to_owned() }, ..Schema::default() };
        let field = |name: &str| Field { name: name.to_owned(), required: true, schema: reference() };
        let kind = Kind::Object { fields: vec![field("a"), field("b"), field("c")], rest: None };
        connector.schemas.insert("loop".to_owned(), Schema { kind, ..Schema::default() });
        assert!(reference().sample(&connector).to_string().len() < 100_000);
        connector.schemas.insert("loop".to_owned(), Schema { kind: Kind::OneOf { of: vec![reference()] }, ..Schema::default() });
        assert_eq!(reference().sample(&connector), Value::Null);
    }

    #[test]
    fn names_and_formats_make_values_believable() {
        let connector = (**Catalog::shipped().connectors().next().expect("one")).clone();
        let of = |name: &str, format: &str| {
            let schema = Schema { kind: Kind::String { format: format.to_owned() }, ..Schema::default() };
            schema.sample_as(name, &connector).as_str().map(str::to_owned).unwrap_or_default()
        };
        assert_eq!(of("email", ""), "alex.rivera@example.com");
        assert_eq!(of("dueDate", "date-time"), "2026-03-02T09:30:00Z");
        assert_eq!(of("contactId", "").len(), 20);
        assert_ne!(of("contactId", ""), of("calendarId", ""));
    }
}
