//! Mapping by name: which earlier fields belong into which empty ones.
//!
//! Invariant: pure, and the same input gives the same proposals. A field is proposed only where its name says the same and its
//! value fits; of two, the one of the nearer step, and of these the one nearer to the top.
use serde_json::Value;

use super::reference::written;
use crate::expr::Segment;

/// Fields that are looked at in one step, at most.
const LOOKED_AT: usize = 2_000;
/// How deep fields are looked for.
const DEPTH: usize = 3;

/// Names that say the same; the first stands for all.
const SAME: &[&[&str]] = &[
    &["email", "emailaddress", "mail", "mailaddress", "eaddress"],
    &["phone", "phonenumber", "telephone", "tel", "mobile", "mobilephone", "cell"],
    &["firstname", "givenname", "forename", "fname"],
    &["lastname", "surname", "familyname", "lname"],
    &["name", "fullname", "displayname"],
    &["companyname", "company", "organization", "organisation", "businessname"],
    &["address1", "address", "street", "streetaddress", "addressline1"],
    &["postalcode", "zip", "zipcode", "postcode", "plz"],
    &["city", "town", "locality"],
    &["state", "region", "province", "county"],
    &["starttime", "start", "startdate", "startsat", "datestart", "begin"],
    &["endtime", "end", "enddate", "endsat", "dateend"],
    &["title", "subject", "summary"],
    &["notes", "note", "description", "comment", "comments", "remarks"],
    &["timezone", "tz", "zone"],
    &["website", "url", "homepage"],
    &["dateofbirth", "birthday", "birthdate", "dob"],
];

/// Names that say too little to go by.
const VAGUE: &[&str] = &["id", "type", "status", "value", "key", "data", "body", "count", "total", "meta", "traceid", "success"];

/// A field to fill.
#[derive(Debug, Clone)]
pub(super) struct Target {
    /// Its place in a list that the caller has.
    pub(super) at: usize,
    /// What it is called on the wire, and by people.
    pub(super) names: Vec<String>,
}

/// A field that an earlier step gives.
#[derive(Debug, Clone)]
pub(super) struct Source {
    path: Vec<Segment>,
    names: Vec<String>,
    value: Value,
}

/// What a step gives, as far as it can be mapped by name.
pub(super) fn sources(step: &str, value: &Value) -> Vec<Source> {
    let mut found = Vec::new();
    let mut level = vec![(vec![Segment::Key(step.to_owned())], value)];
    let mut looked_at = 0;
    for _ in 0..DEPTH {
        let mut next = Vec::new();
        for (path, value) in level {
            let Value::Object(map) = value else { continue };
            for (key, child) in map {
                looked_at += 1;
                if looked_at > LOOKED_AT {
                    return found;
                }
                let mut path = path.clone();
                let owner = match path.last() {
                    Some(Segment::Key(owner)) if path.len() > 1 => Some(format!("{owner}{key}")),
                    _ => None,
                };
                path.push(Segment::Key(key.clone()));
                match child {
                    Value::Object(_) => next.push((path, child)),
                    Value::Null | Value::Array(_) => {}
                    _ => {
                        let names = [Some(key.clone()), owner].into_iter().flatten().map(|it| normal(&it)).collect();
                        found.push(Source { path, names, value: child.clone() });
                    }
                }
            }
        }
        level = next;
    }
    found
}

/// Letters and digits alone, in lower case, one name for all that say the same.
fn normal(name: &str) -> String {
    let plain: String = name.chars().filter(|it| it.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    match SAME.iter().find(|it| it.contains(&plain.as_str())) {
        Some(same) => same[0].to_owned(),
        None => plain,
    }
}

/// For each field that finds one, the reference that fills it. `fits` says whether a value can go into a field.
pub(super) fn propose(targets: &[Target], sources: &[Source], fits: impl Fn(usize, &Value) -> bool) -> Vec<(usize, String)> {
    let mut proposed = Vec::new();
    for target in targets {
        let wanted: Vec<String> = target.names.iter().map(|it| normal(it)).filter(|it| !VAGUE.contains(&it.as_str())).collect();
        let same = |it: &&Source| it.names.iter().any(|name| wanted.contains(name)) && fits(target.at, &it.value);
        if let Some(source) = sources.iter().find(same) {
            proposed.push((target.at, written(&source.path)));
        }
    }
    proposed
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_are_mapped_by_what_their_names_say() {
        let mut given = sources("save", &json!({"contact": {"id": "c1", "emailAddress": "a@b.example"}, "new": true}));
        given.extend(sources(
            "t",
            &json!({"email": "x@y.example", "first_name": "Ann", "Phone": "+1", "zip": "10115", "id": 7, "count": 3, "n": null, "age": "old"}),
        ));
        let target = |at, names: &[&str]| Target { at, names: names.iter().map(|it| (*it).to_owned()).collect() };
        let targets = [
            target(0, &["email", "E-mail"]),
            target(1, &["firstName", "First name"]),
            target(2, &["phone_number"]),
            target(3, &["postalCode"]),
            target(4, &["contactId", "Contact ID"]),
            target(5, &["id"]),
            target(6, &["n"]),
            target(7, &["nothing like it"]),
            target(8, &["count"]),
            target(9, &["age"]),
        ];
        // The last one wants a number.
        let found = propose(&targets, &given, |at, value| at != 9 || value.is_number());
        let expected =
            [(0, "save.contact.emailAddress"), (1, "t.first_name"), (2, "t.Phone"), (3, "t.zip"), (4, "save.contact.id")];
        assert_eq!(found, expected.map(|(at, text)| (at, text.to_owned())));
    }

    #[test]
    fn every_name_stands_in_one_row_only() {
        let mut all: Vec<&str> = SAME.iter().flat_map(|it| it.iter().copied()).collect();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
        assert!(all.iter().all(|it| !VAGUE.contains(it) && it.chars().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit())));
    }
}
