//! What an operation seems to do, read from its method, its path and the paths beside it.
use crate::catalog::{Connector, Kind, Method, Operation};

/// Collections that the catalogue's paths call otherwise than the behaviours written by hand do.
const SAME: &[(&str, &str)] = &[("locations/customFields", "custom_fields"), ("locations/tasks", "tasks")];

/// What an operation does to which records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shape {
    /// The name of the collection: the literal segments that lead to it.
    pub(super) collection: String,
    /// The parameter that names whose children they are.
    pub(super) parent: Option<String>,
    pub(super) deed: Deed,
    /// Whether the catalogue has an operation that makes such records. Where it has none, every id is taken for one that is
    /// there until it is deleted: nobody could have made it here.
    pub(super) is_made_here: bool,
}

/// What is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Deed {
    List,
    Create,
    /// Changes the record that was named or that is of the same contact, or makes one.
    Upsert,
    /// With the parameter that names the record.
    Read(String),
    Update(String),
    Delete(String),
    /// Something is done with the record, of which nothing is kept.
    With(String),
    /// Anything else: an answer that fits, and nothing is kept.
    Act,
}

impl Shape {
    pub(crate) fn of(operation: &Operation, connector: &Connector) -> Self {
        let segments: Vec<&str> = operation.path.trim_matches('/').split('/').collect();
        let (last, before) = segments.split_last().map_or(("", &[][..]), |(last, before)| (*last, before));
        let has_list = list_in(operation, connector);
        let reads = matches!(operation.method, Method::Get | Method::Head);
        // `/things/search` finds things, whatever the method.
        if matches!(last, "search" | "list") && has_list && before.iter().any(|it| name(it).is_none()) {
            return Self::new(before, Deed::List, connector);
        }
        if last == "upsert" && !reads {
            return Self::new(before, Deed::Upsert, connector);
        }
        let record = before.last().and_then(|it| name(it)).filter(|_| name(last).is_none() && before.len() > 1);
        // `PUT /things/{id}/status` changes the thing.
        if let (Some(id), Method::Put | Method::Patch) = (&record, operation.method) {
            return Self::new(&before[..before.len() - 1], Deed::Update(id.clone()), connector);
        }
        // `/boards/{locationId}` lists what `/boards/{locationId}/{id}` is one of.
        if reads && has_list && name(last).is_some() && has_items_below(&segments, connector) {
            return Self::new(&segments, Deed::List, connector);
        }
        if let Some(item) = name(last) {
            let deed = match operation.method {
                Method::Get | Method::Head => Deed::Read(item),
                Method::Delete => Deed::Delete(item),
                _ => Deed::Update(item),
            };
            return Self::new(before, deed, connector);
        }
        if reads && has_list {
            return Self::new(&segments, Deed::List, connector);
        }
        if operation.method == Method::Post && has_items(&segments, connector) {
            return Self::new(&segments, Deed::Create, connector);
        }
        // `POST /things/{id}/send` does something with a thing.
        if let Some(id) = record {
            let of = Self::new(&before[..before.len() - 1], Deed::With(id), connector);
            if of.is_made_here {
                return of;
            }
        }
        Self::new(&segments, Deed::Act, connector)
    }

    fn new(path: &[&str], deed: Deed, connector: &Connector) -> Self {
        let literals: Vec<&str> = path.iter().copied().filter(|it| name(it).is_none()).collect();
        let collection = literals.join("/");
        let parent = path.iter().rev().find_map(|it| name(it));
        let is_made_here = is_made(path, connector);
        let known = SAME.iter().find(|(theirs, _)| *theirs == collection);
        let collection = known.map_or(collection, |(_, ours)| (*ours).to_owned());
        Self { collection, parent, deed, is_made_here }
    }
}

/// The name in `{name}`.
fn name(segment: &str) -> Option<String> {
    segment.strip_prefix('{').and_then(|it| it.strip_suffix('}')).map(str::to_owned)
}

/// Whether the answer holds a list of records.
fn list_in(operation: &Operation, connector: &Connector) -> bool {
    let Some(schema) = operation.success.iter().find_map(|it| it.schema.as_ref()) else { return false };
    match &connector.resolve(schema).kind {
        Kind::Array { .. } => true,
        Kind::Object { fields, .. } => fields.iter().any(|it| matches!(connector.resolve(&it.schema).kind, Kind::Array { .. })),
        _ => false,
    }
}

/// Whether a request can make records at this path: it can be posted to, and records can be asked for below it.
fn is_made(path: &[&str], connector: &Connector) -> bool {
    let posted = connector.operations.briefs().any(|it| {
        let other: Vec<&str> = it.path.trim_matches('/').split('/').collect();
        // Some collections are made at one path, `/boards/`, and read at another, `/boards/{locationId}/{id}`.
        let literals = |path: &[&str]| path.iter().filter(|it| name(it).is_none()).map(|it| (*it).to_owned()).collect::<Vec<_>>();
        it.method == Method::Post
            && name(other.last().copied().unwrap_or_default()).is_none()
            && literals(&other) == literals(path)
    });
    posted && has_items(path, connector)
}

/// Whether a record can be asked for by its id below this path.
fn has_items_below(segments: &[&str], connector: &Connector) -> bool {
    connector.operations.briefs().any(|it| {
        let path: Vec<&str> = it.path.trim_matches('/').split('/').collect();
        let below = path.len() == segments.len() + 1 && path.last().is_some_and(|it| name(it).is_some());
        below && path.iter().zip(segments).all(|(one, other)| one == other)
    })
}

/// Whether records can be asked for below this path, or the path itself lists them.
fn has_items(segments: &[&str], connector: &Connector) -> bool {
    let same = |one: &str, other: &str| one == other || (one.starts_with('{') && other.starts_with('{'));
    connector.operations.briefs().any(|it| {
        let path: Vec<&str> = it.path.trim_matches('/').split('/').collect();
        let below = path.len() == segments.len() + 1 && path.last().is_some_and(|it| it.starts_with('{'));
        let lists = path.len() == segments.len() && it.method == Method::Get;
        (below || lists) && path.iter().zip(segments).all(|(one, other)| same(one, other))
    })
}
