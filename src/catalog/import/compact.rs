//! Makes the result small: equal shapes become one, small ones and those used once move to where they are used.
use std::collections::{BTreeMap, BTreeSet};

use super::fault::ImportError;
use super::shape::{READ_ONLY, carry, weight};
use super::{Kind, Operation, Schema};

/// A shape of at most so many parts is copied to where it is used.
const SMALL: usize = 3;
/// Moved shapes nest no deeper than this.
const DEPTH: usize = 12;

/// Makes shapes and operations compact; drops shapes that nothing uses.
pub(super) fn compact(
    schemas: &mut BTreeMap<String, Schema>,
    operations: &mut [Operation],
    limit: usize,
) -> Result<(), ImportError> {
    keep_used(schemas, operations);
    unify(schemas, operations);
    let mut left = limit;
    move_in(schemas, operations, &mut left);
    if left == 0 {
        let document = operations.first().map_or_else(String::new, |it| it.id.to_string());
        return Err(ImportError::TooLarge { document, what: "values in its shapes", limit, place: String::new() });
    }
    keep_used(schemas, operations);
    for shape in schemas.values_mut().chain(roots_mut(operations)) {
        each_mut(shape, &mut |it| {
            if it.help == READ_ONLY {
                it.help.clear();
            }
        });
    }
    Ok(())
}

/// Every shape that an operation states itself.
fn roots(operations: &[Operation]) -> impl Iterator<Item = &Schema> {
    operations
        .iter()
        .flat_map(|it| it.inputs.iter().map(|it| &it.schema).chain(it.success.iter().filter_map(|it| it.schema.as_ref())))
}

fn roots_mut(operations: &mut [Operation]) -> impl Iterator<Item = &mut Schema> {
    operations.iter_mut().flat_map(|it| {
        it.inputs.iter_mut().map(|it| &mut it.schema).chain(it.success.iter_mut().filter_map(|it| it.schema.as_mut()))
    })
}

/// Calls `act` with the name of every reference within a shape.
pub(super) fn references<'a>(shape: &'a Schema, act: &mut dyn FnMut(&'a str)) {
    match &shape.kind {
        Kind::Ref { name } => act(name),
        Kind::Array { items } => references(items, act),
        Kind::Object { fields, rest } => {
            for it in fields {
                references(&it.schema, act);
            }
            if let Some(rest) = rest {
                references(rest, act);
            }
        }
        Kind::OneOf { of } => {
            for it in of {
                references(it, act);
            }
        }
        _ => {}
    }
}

/// Calls `act` with every shape within a shape, the innermost first.
fn each_mut(shape: &mut Schema, act: &mut dyn FnMut(&mut Schema)) {
    match &mut shape.kind {
        Kind::Array { items } => each_mut(items, act),
        Kind::Object { fields, rest } => {
            for it in fields {
                each_mut(&mut it.schema, act);
            }
            if let Some(rest) = rest {
                each_mut(rest, act);
            }
        }
        Kind::OneOf { of } => {
            for it in of {
                each_mut(it, act);
            }
        }
        _ => {}
    }
    act(shape);
}

fn depth(shape: &Schema) -> usize {
    1 + match &shape.kind {
        Kind::Array { items } => depth(items),
        Kind::Object { fields, rest } => {
            let named = fields.iter().map(|it| depth(&it.schema)).max().unwrap_or(0);
            named.max(rest.as_deref().map_or(0, depth))
        }
        Kind::OneOf { of } => of.iter().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

/// Drops every shape that no operation reaches.
fn keep_used(schemas: &mut BTreeMap<String, Schema>, operations: &[Operation]) {
    let mut used: BTreeSet<&str> = BTreeSet::new();
    let mut open: Vec<&str> = Vec::new();
    for shape in roots(operations) {
        references(shape, &mut |name| open.push(name));
    }
    while let Some(name) = open.pop() {
        if used.insert(name)
            && let Some(shape) = schemas.get(name)
        {
            references(shape, &mut |name| open.push(name));
        }
    }
    let used: BTreeSet<String> = used.into_iter().map(str::to_owned).collect();
    schemas.retain(|name, _| used.contains(name));
}

/// Shapes that are equal become the first of them; a few rounds, since shapes around them become equal by that.
fn unify(schemas: &mut BTreeMap<String, Schema>, operations: &mut [Operation]) {
    for _ in 0..4 {
        let mut first: BTreeMap<String, &str> = BTreeMap::new();
        let mut same: BTreeMap<String, String> = BTreeMap::new();
        for (name, shape) in schemas.iter() {
            let Ok(text) = serde_json::to_string(shape) else { continue };
            match first.get(&text) {
                Some(one) => {
                    same.insert(name.clone(), (*one).to_owned());
                }
                None => {
                    first.insert(text, name);
                }
            }
        }
        if same.is_empty() {
            return;
        }
        schemas.retain(|name, _| !same.contains_key(name));
        let mut rename = |shape: &mut Schema| {
            if let Kind::Ref { name } = &mut shape.kind
                && let Some(one) = same.get(name)
            {
                name.clone_from(one);
            }
            if let Kind::OneOf { of } = &mut shape.kind {
                let mut kept: Vec<Schema> = Vec::new();
                for it in of.drain(..) {
                    if !kept.contains(&it) {
                        kept.push(it);
                    }
                }
                *of = kept;
                if let [only] = of.as_mut_slice() {
                    let mut only = std::mem::take(only);
                    carry(shape, &mut only);
                    *shape = only;
                }
            }
        };
        for shape in schemas.values_mut().chain(roots_mut(operations)) {
            each_mut(shape, &mut rename);
        }
    }
}

/// Moves shapes to where they are used, the innermost first. A shape in a circle, or around one, keeps its name.
fn move_in(schemas: &mut BTreeMap<String, Schema>, operations: &mut [Operation], left: &mut usize) {
    let mut uses: BTreeMap<String, usize> = BTreeMap::new();
    let mut needed_by: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut pending: BTreeMap<String, usize> = BTreeMap::new();
    for shape in roots(operations) {
        references(shape, &mut |name| *uses.entry(name.to_owned()).or_default() += 1);
    }
    for (user, shape) in schemas.iter() {
        let mut needs = 0;
        references(shape, &mut |name| {
            *uses.entry(name.to_owned()).or_default() += 1;
            needed_by.entry(name.to_owned()).or_default().push(user.clone());
            needs += 1;
        });
        pending.insert(user.clone(), needs);
    }
    let mut ready: Vec<String> = pending.iter().filter(|(_, it)| **it == 0).map(|(name, _)| name.clone()).collect();
    let mut small: BTreeMap<String, Schema> = BTreeMap::new();
    while let Some(name) = ready.pop() {
        let Some(mut shape) = schemas.remove(&name) else { continue };
        put(&mut shape, &small, left);
        for user in needed_by.remove(&name).unwrap_or_default() {
            if let Some(needs) = pending.get_mut(&user) {
                *needs -= 1;
                if *needs == 0 {
                    ready.push(user);
                }
            }
        }
        let once = uses.get(&name) == Some(&1);
        if (once || weight(&shape) <= SMALL) && depth(&shape) <= DEPTH {
            small.insert(name, shape);
        } else {
            schemas.insert(name, shape);
        }
    }
    for shape in schemas.values_mut().chain(roots_mut(operations)) {
        put(shape, &small, left);
    }
}

/// Puts shapes in place of the references to them.
fn put(shape: &mut Schema, small: &BTreeMap<String, Schema>, left: &mut usize) {
    each_mut(shape, &mut |it| {
        let Kind::Ref { name } = &it.kind else { return };
        let Some(found) = small.get(name) else { return };
        *left = left.saturating_sub(weight(found));
        if *left == 0 {
            return;
        }
        let mut found = found.clone();
        carry(it, &mut found);
        *it = found;
    });
}
