//! Which contacts have an e-mail, a phone, a tag, a date or a word, without looking at all of them.
use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Bound, RangeBounds};

use serde_json::Value;

use super::contact;
use super::contact_text::{ContactText, Mark};
use crate::sandbox::change::Change;
use crate::sandbox::store::{Fields, Spread};

/// Fields that many contacts share, and that are searched for whole. Tags are a list; each is one.
const LABELS: [&str; 9] = ["tags", "businessId", "assignedTo", "source", "city", "state", "country", "firstName", "lastName"];
/// Fields of which any part can be looked for, with their marks in the text of all contacts.
const WORDED: [(&str, Mark); 6] =
    [("firstName", 'f'), ("lastName", 'l'), ("email", 'e'), ("phone", 'p'), ("companyName", 'c'), ("additionalEmails", 'a')];
/// The mark of the whole name.
const NAME: Mark = 'n';
/// Where a person's words are looked for: not in the parts of the name, for it may be another than theirs.
const TYPED: [Mark; 5] = [NAME, 'e', 'p', 'c', 'a'];

/// Finds contacts, by their places, under exactly what they hold now.
#[derive(Debug, Clone, Default)]
pub(crate) struct ContactIndex {
    email: Spread<Few>,
    further: Spread<Few>,
    phone: Spread<Few>,
    labels: [BTreeMap<Box<str>, BTreeSet<u64>>; LABELS.len()],
    added: BTreeSet<(i64, u64)>,
    updated: BTreeSet<(i64, u64)>,
    text: ContactText,
}

/// Mostly one.
#[derive(Debug, Clone)]
enum Few {
    One(u64),
    Many(BTreeSet<u64>),
}

/// A date by which contacts are kept in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dated {
    Added,
    Updated,
}

impl Dated {
    /// The date that searches call so.
    pub(super) fn of(field: &str) -> Option<Self> {
        match field {
            "dateAdded" => Some(Self::Added),
            "dateUpdated" => Some(Self::Updated),
            _ => None,
        }
    }

    /// Of a contact, in milliseconds.
    pub(super) fn read(self, fields: &Fields) -> i64 {
        let name = if self == Self::Added { "~added" } else { "~updated" };
        fields.get(name).and_then(Value::as_i64).unwrap_or_default()
    }
}

impl ContactIndex {
    /// Follows a change of a contact.
    pub(crate) fn noted(&mut self, change: &Change<'_>) {
        let (was, is) = change.places;
        if let Some(fields) = change.before {
            self.drop(was, fields);
        }
        if let Some(fields) = change.after {
            self.add(is, fields);
        }
    }

    fn add(&mut self, place: u64, fields: &Fields) {
        enter(&mut self.email, &fields.text("email").to_lowercase(), place);
        enter(&mut self.phone, fields.text("phone"), place);
        further(fields).for_each(|it| enter(&mut self.further, &it.to_lowercase(), place));
        for (map, name) in self.labels.iter_mut().zip(LABELS) {
            for label in labels(fields, name) {
                match map.get_mut(label.as_str()) {
                    Some(set) => drop(set.insert(place)),
                    None => drop(map.insert(label.into(), BTreeSet::from([place]))),
                }
            }
        }
        self.added.insert((Dated::Added.read(fields), place));
        self.updated.insert((Dated::Updated.read(fields), place));
        let name = contact::name_of_person(fields);
        let texts = WORDED.into_iter().map(|(name, mark)| (mark, fields.text(name)));
        let more = further(fields).map(|it| ('a', it));
        self.text.add(place, std::iter::once((NAME, name.as_str())).chain(texts).chain(more));
    }

    fn drop(&mut self, place: u64, fields: &Fields) {
        leave(&mut self.email, &fields.text("email").to_lowercase(), place);
        leave(&mut self.phone, fields.text("phone"), place);
        further(fields).for_each(|it| leave(&mut self.further, &it.to_lowercase(), place));
        for (map, name) in self.labels.iter_mut().zip(LABELS) {
            for label in labels(fields, name) {
                let set = map.get_mut(label.as_str());
                if set.is_some_and(|set| set.remove(&place) && set.is_empty()) {
                    map.remove(label.as_str());
                }
            }
        }
        self.added.remove(&(Dated::Added.read(fields), place));
        self.updated.remove(&(Dated::Updated.read(fields), place));
        self.text.drop(place);
    }

    /// The oldest contact whose primary e-mail this is.
    pub(super) fn by_email(&self, email: &str) -> Option<u64> {
        self.email.get(email.to_lowercase().as_str()).map(Few::first)
    }

    /// The oldest contact that has this as one of its further e-mails.
    pub(super) fn by_second_email(&self, email: &str) -> Option<u64> {
        self.further.get(email.to_lowercase().as_str()).map(Few::first)
    }

    /// The oldest contact with this phone, which is in E.164.
    pub(super) fn by_phone(&self, phone: &str) -> Option<u64> {
        self.phone.get(phone).map(Few::first)
    }

    /// Every contact of which a field is this text, whatever its case, in order. None where that field is in no index.
    pub(super) fn with(&self, field: &str, text: &str) -> Option<Vec<u64>> {
        let lower = text.to_lowercase();
        let field = contact::stored_name(field);
        let few = match field {
            "email" => self.email.get(lower.as_str()),
            "phone" => self.phone.get(text),
            "additionalEmails" => self.further.get(lower.as_str()),
            _ => {
                let at = LABELS.iter().position(|it| *it == field)?;
                return Some(self.labels[at].get(lower.as_str()).into_iter().flatten().copied().collect());
            }
        };
        Some(few.map(Few::all).unwrap_or_default())
    }

    /// Contacts by a date, oldest first.
    pub(super) fn dated(&self, by: Dated, range: impl RangeBounds<(i64, u64)>) -> impl DoubleEndedIterator<Item = (i64, u64)> {
        let set = if by == Dated::Added { &self.added } else { &self.updated };
        set.range(range).copied()
    }

    /// Every contact that has a text in this field, in the order of the texts in lower case, or the other way round; after
    /// one with this text at this place. None where that field is in no index, or is a list.
    pub(super) fn in_order<'a>(
        &'a self,
        field: &str,
        falling: bool,
        after: Option<(&str, u64)>,
    ) -> Option<Box<dyn Iterator<Item = (&'a str, u64)> + 'a>> {
        let field = contact::stored_name(field);
        let at = LABELS.iter().position(|it| *it == field && *it != "tags")?;
        // Within the same text it goes on by place.
        let (start, rest) = match after {
            None => (None, Bound::Unbounded),
            Some((text, place)) => {
                let same = self.labels[at].get_key_value(text);
                let places = same.map(|(text, set)| {
                    let range = if falling {
                        (Bound::Unbounded, Bound::Excluded(place))
                    } else {
                        (Bound::Excluded(place), Bound::Unbounded)
                    };
                    let left = set.range(range).copied();
                    (&**text, if falling { left.rev().collect::<Vec<_>>() } else { left.collect() })
                });
                (places, Bound::Excluded(Box::<str>::from(text)))
            }
        };
        let start = start.into_iter().flat_map(|(text, places)| places.into_iter().map(move |it| (text, it)));
        Some(if falling {
            let sets = self.labels[at].range((Bound::Unbounded, rest)).rev();
            Box::new(start.chain(sets.flat_map(|(text, set)| set.iter().rev().map(move |it| (&**text, *it)))))
        } else {
            let sets = self.labels[at].range((rest, Bound::Unbounded));
            Box::new(start.chain(sets.flat_map(|(text, set)| set.iter().map(move |it| (&**text, *it)))))
        })
    }

    /// Contacts that a person means who types `part`, which is in lower case: it is in a name, an e-mail, the phone or the
    /// company. In no order.
    pub(super) fn mentioning(&self, part: &str) -> Vec<u64> {
        self.text.find(part, &TYPED)
    }

    /// The contacts of which a field holds `part`, which is in lower case and not empty. None where that field is in no
    /// index.
    pub(super) fn holding(&self, field: &str, part: &str) -> Option<Vec<u64>> {
        let field = contact::stored_name(field);
        let mark = match field {
            "name" => NAME,
            _ => WORDED.into_iter().find(|(name, _)| *name == field)?.1,
        };
        Some(self.text.find(part, &[mark]))
    }
}

impl Few {
    fn first(&self) -> u64 {
        match self {
            Self::One(one) => *one,
            Self::Many(many) => many.first().copied().unwrap_or_default(),
        }
    }

    fn all(&self) -> Vec<u64> {
        match self {
            Self::One(one) => vec![*one],
            Self::Many(many) => many.iter().copied().collect(),
        }
    }
}

fn enter(map: &mut Spread<Few>, key: &str, place: u64) {
    if key.is_empty() {
        return;
    }
    match map.get_mut(key) {
        None => map.insert(key, Few::One(place)),
        Some(Few::Many(many)) => drop(many.insert(place)),
        Some(few @ Few::One(_)) => *few = Few::Many(BTreeSet::from([few.first(), place])),
    }
}

fn leave(map: &mut Spread<Few>, key: &str, place: u64) {
    let gone = match map.get_mut(key) {
        Some(Few::One(one)) => *one == place,
        Some(Few::Many(many)) => many.remove(&place) && many.is_empty(),
        None => false,
    };
    if gone {
        map.remove(key);
    }
}

fn further(fields: &Fields) -> impl Iterator<Item = &str> {
    fields.get("additionalEmails").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

fn labels<'a>(fields: &'a Fields, name: &str) -> impl Iterator<Item = String> + use<'a> {
    let (one, list) = match fields.get(name) {
        Some(Value::Array(list)) => (None, list.as_slice()),
        Some(Value::String(text)) => (Some(text.as_str()), &[][..]),
        _ => (None, &[][..]),
    };
    one.into_iter().chain(list.iter().filter_map(Value::as_str)).filter(|it| !it.is_empty()).map(str::to_lowercase)
}
