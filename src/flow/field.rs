//! Where a binding stands within its node.
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Binding, HttpBody, Mapping, Node, NodeKind, Source, WaitFor};

/// The place of a binding within its node, as [`NodeKind::bindings`] names it: `condition`, `input.email`, `cases.vip`; and
/// further into lists and objects: `input.customFields.0.value`.
///
/// From text, every dot parts; a key that contains dots itself is only reached from segments.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FieldPath(Vec<String>);

/// Why a field cannot be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unset {
    /// There is no such place.
    NoField,
    /// A node of this kind always has it.
    Required,
}

/// A place of a node that holds bindings.
enum Spot<'a> {
    One(&'a mut Binding),
    Optional(&'a mut Option<Binding>),
    Fields(&'a mut Mapping),
    Body(&'a mut Option<HttpBody>),
}

impl FieldPath {
    /// From segments.
    pub fn new<S: Into<String>>(segments: impl IntoIterator<Item = S>) -> Self {
        Self(segments.into_iter().map(Into::into).collect())
    }

    /// What the dots part.
    pub fn segments(&self) -> &[String] {
        &self.0
    }

    /// One further in.
    #[must_use]
    pub fn child(&self, segment: impl Into<String>) -> Self {
        let mut path = self.clone();
        path.0.push(segment.into());
        path
    }

    /// The binding at this place of a node, if there is one.
    pub fn find<'a>(&self, node: &'a Node) -> Option<&'a Binding> {
        let bindings = node.kind.bindings();
        // A place such as `input.email` or `cases.vip` takes two segments, `condition` one.
        let (first, depth) = (1..=self.0.len().min(2)).rev().find_map(|depth| {
            let place = self.0[..depth].join(".");
            bindings.iter().find(|(name, _)| *name == place).map(|(_, binding)| (*binding, depth))
        })?;
        self.0[depth..].iter().try_fold(first, |at, segment| match &at.source {
            Source::List(items) => items.get(segment.parse::<usize>().ok()?),
            Source::Object(fields) => fields.get(segment),
            Source::Value(_) | Source::Text(_) | Source::Expr(_) => None,
        })
    }

    /// Puts a binding at this place of a node, or takes away what is there. The next index of a list and a new key of an
    /// object are places; nothing is made on the way there.
    pub(super) fn set(&self, kind: &mut NodeKind, binding: Option<Binding>) -> Result<(), Unset> {
        let (root, rest) = self.0.split_first().ok_or(Unset::NoField)?;
        if let (NodeKind::Switch { cases, .. }, "cases") = (&mut *kind, root.as_str()) {
            let (port, rest) = rest.split_first().ok_or(Unset::NoField)?;
            let case = cases.iter_mut().find(|case| case.port.as_str() == port).ok_or(Unset::NoField)?;
            return put(&mut case.equals, rest, binding);
        }
        match spot(kind, root).ok_or(Unset::NoField)? {
            Spot::One(at) => put(at, rest, binding),
            Spot::Fields(mapping) => put_field(mapping, rest, binding),
            Spot::Optional(at) => match (rest, at.as_mut()) {
                ([], _) => {
                    *at = binding;
                    Ok(())
                }
                (_, Some(at)) => put(at, rest, binding),
                (_, None) => Err(Unset::NoField),
            },
            Spot::Body(body) => match (rest, body.as_mut()) {
                (_, Some(HttpBody::Form(mapping))) => put_field(mapping, rest, binding),
                ([], Some(HttpBody::Json(at) | HttpBody::Text(at))) if binding.is_some() => put(at, rest, binding),
                ([], _) => {
                    *body = binding.map(HttpBody::Json);
                    Ok(())
                }
                (_, Some(HttpBody::Json(at) | HttpBody::Text(at))) => put(at, rest, binding),
                (_, None) => Err(Unset::NoField),
            },
        }
    }
}

fn put_field(mapping: &mut Mapping, path: &[String], binding: Option<Binding>) -> Result<(), Unset> {
    let (key, rest) = path.split_first().ok_or(Unset::NoField)?;
    match (rest, binding) {
        ([], Some(binding)) => {
            mapping.0.insert(key.clone(), binding);
            Ok(())
        }
        ([], None) => mapping.0.remove(key).map(drop).ok_or(Unset::NoField),
        (_, binding) => put(mapping.0.get_mut(key).ok_or(Unset::NoField)?, rest, binding),
    }
}

fn put(at: &mut Binding, path: &[String], binding: Option<Binding>) -> Result<(), Unset> {
    let Some((segment, rest)) = path.split_first() else {
        *at = binding.ok_or(Unset::Required)?;
        return Ok(());
    };
    match &mut at.source {
        Source::List(items) => {
            let index: usize = segment.parse().ok().filter(|it| *it <= items.len()).ok_or(Unset::NoField)?;
            match (rest, binding) {
                ([], Some(binding)) if index == items.len() => items.push(binding),
                (_, binding) if index < items.len() => {
                    if rest.is_empty() && binding.is_none() {
                        items.remove(index);
                    } else {
                        return put(&mut items[index], rest, binding);
                    }
                }
                _ => return Err(Unset::NoField),
            }
            Ok(())
        }
        Source::Object(fields) => match (rest, binding) {
            ([], Some(binding)) => {
                fields.insert(segment.clone(), binding);
                Ok(())
            }
            ([], None) => fields.remove(segment).map(drop).ok_or(Unset::NoField),
            (_, binding) => put(fields.get_mut(segment).ok_or(Unset::NoField)?, rest, binding),
        },
        Source::Value(_) | Source::Text(_) | Source::Expr(_) => Err(Unset::NoField),
    }
}

/// Every place of a node that holds bindings, by its first segment; not a switch's cases.
fn spots(kind: &mut NodeKind) -> Vec<(&'static str, Spot<'_>)> {
    match kind {
        NodeKind::Trigger(_) | NodeKind::Join { .. } => Vec::new(),
        NodeKind::Action { input, .. } | NodeKind::Script { input, .. } | NodeKind::SubFlow { input, .. } => {
            vec![("input", Spot::Fields(input))]
        }
        NodeKind::Http(call) => vec![
            ("url", Spot::One(&mut call.url)),
            ("query", Spot::Fields(&mut call.query)),
            ("headers", Spot::Fields(&mut call.headers)),
            ("body", Spot::Body(&mut call.body)),
        ],
        NodeKind::Branch { condition } => vec![("condition", Spot::One(condition))],
        NodeKind::Switch { value, .. } => vec![("value", Spot::One(value))],
        NodeKind::ForEach { items, collect, .. } => vec![("items", Spot::One(items)), ("collect", Spot::Optional(collect))],
        NodeKind::Wait(WaitFor::Duration(it)) => vec![("duration", Spot::One(it))],
        NodeKind::Wait(WaitFor::Until(it)) => vec![("until", Spot::One(it))],
        NodeKind::Set { fields } => vec![("fields", Spot::Fields(fields))],
        NodeKind::Lookup { key, .. } => vec![("key", Spot::One(key))],
        NodeKind::Respond { status, headers, body } => {
            vec![("status", Spot::One(status)), ("headers", Spot::Fields(headers)), ("body", Spot::One(body))]
        }
        NodeKind::Approval { message } | NodeKind::Log { message, .. } => vec![("message", Spot::One(message))],
        NodeKind::Stop { message, .. } => vec![("message", Spot::Optional(message))],
    }
}

fn spot<'a>(kind: &'a mut NodeKind, root: &str) -> Option<Spot<'a>> {
    spots(kind).into_iter().find(|(name, _)| *name == root).map(|(_, spot)| spot)
}

/// Every binding of a node, lists and objects taken apart, to be changed.
pub(super) fn each_binding(kind: &mut NodeKind, change: &mut impl FnMut(&mut Binding)) {
    if let NodeKind::Switch { cases, .. } = kind {
        for case in &mut *cases {
            each_within(&mut case.equals, change);
        }
    }
    for (_, spot) in spots(kind) {
        match spot {
            Spot::One(it) | Spot::Optional(Some(it)) | Spot::Body(Some(HttpBody::Json(it) | HttpBody::Text(it))) => {
                each_within(it, change);
            }
            Spot::Fields(mapping) | Spot::Body(Some(HttpBody::Form(mapping))) => {
                mapping.0.values_mut().for_each(|it| each_within(it, change));
            }
            Spot::Optional(None) | Spot::Body(None) => {}
        }
    }
}

fn each_within(binding: &mut Binding, change: &mut impl FnMut(&mut Binding)) {
    match &mut binding.source {
        Source::List(items) => items.iter_mut().for_each(|it| each_within(it, change)),
        Source::Object(fields) => fields.values_mut().for_each(|it| each_within(it, change)),
        Source::Value(_) | Source::Text(_) | Source::Expr(_) => change(binding),
    }
}

impl From<&str> for FieldPath {
    fn from(text: &str) -> Self {
        Self::new(text.split('.'))
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("."))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::flow::{Case, HttpCall, PortId, RetryPolicy};

    fn action() -> Node {
        let fields =
            Source::Object([("id".to_owned(), Binding::value("f1")), ("value".to_owned(), Binding::expr("t.vip"))].into());
        let item = Binding::from(fields);
        let list = Binding::from(Source::List(vec![item]));
        let kind = NodeKind::Set { fields: Mapping::from([("email", Binding::text("{{ t.email }}")), ("customFields", list)]) };
        Node { name: "Set".to_owned(), muted: false, kind }
    }

    #[test]
    fn a_place_is_found_and_set_also_within_lists_and_objects() {
        let mut node = action();
        let path = FieldPath::from("fields.customFields.0.value");
        assert_eq!(path.find(&node), Some(&Binding::expr("t.vip")));
        path.set(&mut node.kind, Some(Binding::value(json!(1)))).unwrap();
        assert_eq!(path.find(&node), Some(&Binding::value(json!(1))));
        path.set(&mut node.kind, None).unwrap();
        assert_eq!(path.find(&node), None);
        let next = FieldPath::from("fields.customFields.1");
        next.set(&mut node.kind, Some(Binding::value("x"))).unwrap();
        assert_eq!(next.find(&node), Some(&Binding::value("x")));
    }

    #[test]
    fn what_is_no_place_is_refused() {
        for path in ["", "fields", "nothing", "fields.email.x", "fields.customFields.2", "fields.customFields.x", "fields.new.x"]
        {
            let set = FieldPath::from(path).set(&mut action().kind, Some(Binding::value(1)));
            assert_eq!(set, Err(Unset::NoField), "{path}");
        }
    }

    #[test]
    fn what_a_kind_always_has_cannot_be_taken_away() {
        let mut branch = NodeKind::Branch { condition: Binding::value(true) };
        assert_eq!(FieldPath::from("condition").set(&mut branch, None), Err(Unset::Required));
        let mut each = NodeKind::ForEach {
            items: Binding::value(json!([])),
            parallel: 1,
            keep_going: false,
            collect: Some(Binding::value(1)),
        };
        assert_eq!(FieldPath::from("collect").set(&mut each, None), Ok(()));
        assert!(matches!(each, NodeKind::ForEach { collect: None, .. }));
    }

    #[test]
    fn a_switch_has_a_place_for_each_case_and_a_call_for_its_body() {
        let mut switch = NodeKind::Switch {
            value: Binding::value(1),
            cases: vec![Case { port: PortId::new("vip"), equals: Binding::value(1) }],
        };
        assert_eq!(FieldPath::from("cases.vip").set(&mut switch, Some(Binding::value(2))), Ok(()));
        assert_eq!(FieldPath::from("cases.other").set(&mut switch, Some(Binding::value(2))), Err(Unset::NoField));

        let mut call = NodeKind::Http(HttpCall {
            method: crate::catalog::Method::Post,
            url: Binding::value("http://127.0.0.1/"),
            query: Mapping::default(),
            headers: Mapping::default(),
            body: None,
            slot: None,
            retry: RetryPolicy::default(),
            repeatable: false,
        });
        assert_eq!(FieldPath::from("body").set(&mut call, Some(Binding::value(json!({})))), Ok(()));
        assert!(matches!(&call, NodeKind::Http(it) if matches!(it.body, Some(HttpBody::Json(_)))));
        assert_eq!(FieldPath::from("body").set(&mut call, None), Ok(()));
        assert!(matches!(&call, NodeKind::Http(it) if it.body.is_none()));
    }
}
