//! Turns the schemas of documents into shapes.
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::Value;

use super::document::Tree;
use super::fault::{Fault, Faults, ImportError};
use super::reference::{Library, Target, reference};
use super::{Field, Kind, Limits, Schema, scalar};

/// `allOf` within `allOf` through references, at most.
const MERGES: usize = 24;
/// Shapes within shapes, at most; a reference starts anew unless `allOf` needs it at once.
const DEPTH: usize = 100;

/// Stands as the help of fields that only answers have, until bodies are laid out. No help is taken from documents, so
/// the place is free.
pub(super) const READ_ONLY: &str = "\u{1}read-only";

/// Reads shapes; those that references lead to are read once, under a name.
pub(super) struct Shapes<'a> {
    pub(super) library: Library<'a>,
    pub(super) faults: Faults,
    limits: Limits,
    /// Values that may still be made.
    left: usize,
    /// Where the last of them was made.
    spent: String,
    /// The document that is being read.
    at: usize,
    /// Where in it.
    path: Vec<String>,
    names: BTreeMap<Target, String>,
    targets: BTreeMap<String, Target>,
    waiting: VecDeque<Target>,
    done: BTreeMap<String, Schema>,
    /// Names whose shape is needed to go on with another's.
    open: Vec<String>,
    /// How many shapes are being read within one another.
    depth: usize,
}

impl<'a> Shapes<'a> {
    pub(super) fn new(library: Library<'a>, limits: Limits) -> Self {
        Self {
            library,
            faults: Faults::default(),
            limits,
            left: limits.values,
            spent: String::new(),
            at: 0,
            path: Vec::new(),
            names: BTreeMap::new(),
            targets: BTreeMap::new(),
            waiting: VecDeque::new(),
            done: BTreeMap::new(),
            open: Vec::new(),
            depth: 0,
        }
    }

    /// Reads everything that is referred to and gives it by name.
    pub(super) fn finish(mut self) -> Result<(BTreeMap<String, Schema>, Faults), ImportError> {
        while let Some(target) = self.waiting.pop_front() {
            self.named(&target);
            self.check_left()?;
        }
        Ok((self.done, self.faults))
    }

    pub(super) fn check_left(&self) -> Result<(), ImportError> {
        if self.left > 0 {
            return Ok(());
        }
        let document = self.library.document(self.at).path.clone();
        let place = self.spent.clone();
        Err(ImportError::TooLarge { document, what: "values in its shapes", limit: self.limits.values, place })
    }

    /// Does something at a place of a document; what it tolerates is listed there.
    pub(super) fn at<T>(&mut self, document: usize, path: &[&str], act: impl FnOnce(&mut Self) -> T) -> T {
        let path: Vec<String> = path.iter().map(|it| (*it).to_owned()).collect();
        let before = (std::mem::replace(&mut self.at, document), std::mem::replace(&mut self.path, path));
        let done = act(self);
        (self.at, self.path) = before;
        done
    }

    pub(super) fn within<T>(&mut self, part: &str, act: impl FnOnce(&mut Self) -> T) -> T {
        self.path.push(part.to_owned());
        let done = act(self);
        self.path.pop();
        done
    }

    pub(super) fn tolerate(&mut self, fault: Fault, what: &str) {
        let path = &self.path;
        let place = || path.iter().flat_map(|it| ["/".to_owned(), it.replace('~', "~0").replace('/', "~1")]).collect();
        self.faults.add(&self.library.document(self.at).path, place, fault, what);
    }

    /// Does something with the node, or with what its reference leads to (through at most eight others).
    pub(super) fn follow<T>(&mut self, node: &Tree, act: impl FnOnce(&mut Self, &Tree) -> T) -> Option<T> {
        let Some(to) = reference(node) else { return Some(act(self, node)) };
        let mut target = self.library.target(self.at, to);
        for _ in 0..8 {
            let Some(found) = target else { break };
            let document = self.library.document(found.document);
            let Some(node) = document.root.pointer(&found.pointer) else { break };
            let Some(to) = reference(node) else {
                let path: Vec<&str> = found.pointer.split('/').skip(1).collect();
                return Some(self.at(found.document, &path, |it| act(it, node)));
            };
            target = self.library.target(found.document, to);
        }
        self.tolerate(Fault::LostReference, to);
        None
    }

    /// The shape that a node describes.
    pub(super) fn shape(&mut self, node: &Tree) -> Schema {
        let Some(left) = self.left.checked_sub(1) else { return Schema::default() };
        self.left = left;
        if left == 0 {
            self.spent =
                self.path.iter().take(12).flat_map(|it| ["/".to_owned(), it.replace('~', "~0").replace('/', "~1")]).collect();
        }
        if self.depth >= DEPTH {
            self.tolerate(Fault::OddShape, "too deep");
            return Schema::default();
        }
        self.depth += 1;
        let shape = self.described(node);
        self.depth -= 1;
        shape
    }

    fn described(&mut self, node: &Tree) -> Schema {
        if let Tree::Bool(_) = node {
            return Schema { nullable: true, ..Schema::default() };
        }
        if node.as_map().is_none() {
            self.tolerate(Fault::OddShape, "");
            return Schema::default();
        }
        if let Some(to) = reference(node) {
            return self.referred(node, to);
        }
        let mut shape = self.typed(node);
        let parts = node.list("allOf");
        if !parts.is_empty() {
            shape = self.merged(node, shape, parts);
        }
        for word in ["oneOf", "anyOf"] {
            let variants = node.list(word);
            if !variants.is_empty() {
                shape = self.variants(shape, variants, word);
            }
        }
        self.annotate(node, &mut shape);
        self.require(node, &mut shape);
        shape
    }

    /// A node that is a reference: a name for what it leads to, which is read later.
    fn referred(&mut self, node: &Tree, to: &str) -> Schema {
        let Some(target) = self.library.target(self.at, to) else {
            self.tolerate(Fault::LostReference, to);
            return Schema::default();
        };
        let mut shape = Schema { kind: Kind::Ref { name: self.name(&target) }, ..Schema::default() };
        let siblings: Vec<&str> = node.fields().map(|(name, _)| name).filter(|it| *it != "$ref").collect();
        if !siblings.is_empty() {
            self.tolerate(Fault::ReferenceSiblings, &siblings.join(", "));
            self.annotate(node, &mut shape);
        }
        shape
    }

    fn name(&mut self, target: &Target) -> String {
        if let Some(name) = self.names.get(target) {
            return name.clone();
        }
        let stem = self.library.name(target);
        let mut name = stem.clone();
        let mut number = 2;
        while self.targets.contains_key(&name) {
            name = format!("{stem}-{number}");
            number += 1;
        }
        self.targets.insert(name.clone(), target.clone());
        self.names.insert(target.clone(), name.clone());
        self.waiting.push_back(target.clone());
        name
    }

    /// Reads what a target describes, unless that is done.
    fn named(&mut self, target: &Target) {
        let name = self.name(target);
        if self.done.contains_key(&name) || self.open.contains(&name) {
            return;
        }
        let document = self.library.document(target.document);
        let Some(node) = document.root.pointer(&target.pointer) else { return };
        self.open.push(name.clone());
        let path: Vec<&str> = target.pointer.split('/').skip(1).collect();
        let shape = self.at(target.document, &path, |it| it.shape(node));
        self.open.pop();
        self.done.insert(name, shape);
    }

    /// The shape itself, or what it refers to, read now. None where that is a circle.
    fn settled(&mut self, shape: Schema) -> Option<Schema> {
        let mut shape = shape;
        for _ in 0..MERGES {
            let Kind::Ref { name } = &shape.kind else { return Some(shape) };
            let name = name.clone();
            if self.open.contains(&name) || self.open.len() >= MERGES {
                return None;
            }
            if !self.done.contains_key(&name) {
                let target = self.targets.get(&name)?.clone();
                self.named(&target);
            }
            let found = self.done.get(&name)?;
            self.left = self.left.saturating_sub(weight(found));
            let mut next = found.clone();
            carry(&shape, &mut next);
            shape = next;
        }
        None
    }

    /// `allOf`: one shape that is all of them.
    fn merged(&mut self, node: &Tree, base: Schema, parts: &[Tree]) -> Schema {
        let plain = base.kind == Kind::Any && base.choices.is_empty() && node.list("required").is_empty();
        if let ([only], true) = (parts, plain) {
            return self.within("allOf/0", |it| it.shape(only));
        }
        let mut whole = base;
        for (at, part) in parts.iter().enumerate() {
            if self.left == 0 {
                break;
            }
            self.path.push(format!("allOf/{at}"));
            let part = self.shape(part);
            let label = if let Kind::Ref { name } = &part.kind { name.clone() } else { String::new() };
            match self.settled(part) {
                Some(part) => whole = merge(whole, part),
                None => self.tolerate(Fault::CircularShape, &label),
            }
            self.path.pop();
        }
        whole
    }

    /// `oneOf` and `anyOf`: one of several shapes, `null` among them.
    fn variants(&mut self, base: Schema, nodes: &[Tree], word: &str) -> Schema {
        let mut nullable = base.nullable;
        let mut of: Vec<Schema> = Vec::new();
        for (at, node) in nodes.iter().enumerate() {
            if node.text("type") == Some("null") {
                nullable = true;
                continue;
            }
            // A variant may only say which of the base's fields are required together.
            let silent = node.as_map().is_some_and(|it| it.iter().all(|(name, _)| name == "required" || name == "description"));
            if silent && base.kind != Kind::Any {
                continue;
            }
            let variant = self.within(&format!("{word}/{at}"), |it| it.shape(node));
            let variant = if matches!(base.kind, Kind::Object { ref fields, .. } if !fields.is_empty()) {
                self.settled(variant).map(|it| {
                    self.left = self.left.saturating_sub(weight(&base));
                    merge(base.clone(), it)
                })
            } else {
                Some(variant)
            };
            if let Some(variant) = variant
                && !of.contains(&variant)
            {
                of.push(variant);
            }
        }
        let kind = match of.len() {
            0 => base.kind,
            1 => {
                let only = of.remove(0);
                return Schema { nullable: nullable || only.nullable, help: base.help, ..only };
            }
            _ => Kind::OneOf { of },
        };
        Schema { kind, nullable, ..base }
    }

    /// What the node's own `type` says, without `allOf`, `oneOf`, `anyOf`.
    fn typed(&mut self, node: &Tree) -> Schema {
        let mut names: Vec<&str> = match node.get("type") {
            Some(Tree::Text(it)) => vec![it],
            Some(Tree::List(it)) => it.iter().filter_map(Tree::as_text).collect(),
            _ => Vec::new(),
        };
        let before = names.len();
        names.retain(|it| *it != "null");
        let nullable = names.len() < before;
        if names.len() > 1 {
            let of = names.iter().map(|it| Schema { kind: self.kind(node, it), ..Schema::default() }).collect();
            return Schema { kind: Kind::OneOf { of }, nullable, ..Schema::default() };
        }
        let kind = match names.first() {
            Some(name) => self.kind(node, name),
            None => self.inferred(node),
        };
        Schema { kind, nullable, ..Schema::default() }
    }

    /// A type by what stands beside it.
    fn inferred(&mut self, node: &Tree) -> Kind {
        let composed = ["allOf", "oneOf", "anyOf", "not"].iter().any(|it| node.get(it).is_some());
        let name = if node.get("properties").is_some() || node.get("additionalProperties").is_some() {
            "object"
        } else if node.get("items").is_some() {
            "array"
        } else {
            let first = node.list("enum").iter().chain(node.get("const")).find(|it| **it != Tree::Null);
            match first {
                Some(Tree::Text(_)) => "string",
                Some(Tree::Number(_)) => "number",
                Some(Tree::Bool(_)) => "boolean",
                _ => "",
            }
        };
        if name.is_empty() {
            if node.get("nullable").is_some() && !composed {
                self.tolerate(Fault::NoType, "nullable");
            }
            return Kind::Any;
        }
        if !composed {
            self.tolerate(Fault::NoType, name);
        }
        self.kind(node, name)
    }

    fn kind(&mut self, node: &Tree, name: &str) -> Kind {
        match name {
            "string" => Kind::String { format: text_format(node) },
            "number" | "float" | "double" => Kind::Number,
            "integer" | "int" | "long" => Kind::Integer,
            "boolean" | "bool" => Kind::Boolean,
            "array" => self.array(node),
            "object" => self.object(node),
            "file" => Kind::String { format: "binary".to_owned() },
            "any" | "null" => {
                self.tolerate(Fault::UnknownType, name);
                Kind::Any
            }
            other => {
                self.tolerate(Fault::UnknownType, other);
                Kind::Any
            }
        }
    }

    fn array(&mut self, node: &Tree) -> Kind {
        let items = if let Some(items) = node.get("items") {
            self.within("items", |it| it.shape(items))
        } else {
            self.tolerate(Fault::NoItems, "");
            Schema::default()
        };
        Kind::Array { items: Box::new(items) }
    }

    fn object(&mut self, node: &Tree) -> Kind {
        let named = node.fields_of("properties").next().is_some();
        let composed = ["allOf", "oneOf", "anyOf"].iter().any(|it| node.get(it).is_some());
        if !named && !composed && node.get("additionalProperties").is_none() {
            let example = node.get("example").or_else(|| node.list("examples").first()).map(Tree::to_value);
            if let Some(kind) = example.as_ref().and_then(scalar::kind_of) {
                self.tolerate(Fault::ObjectIsScalar, "");
                return kind;
            }
        }
        let mut fields = Vec::new();
        for (name, node) in node.fields_of("properties") {
            if self.left == 0 {
                break;
            }
            self.path.push(format!("properties/{name}"));
            let mut schema = self.shape(node);
            if node.flag("readOnly") {
                READ_ONLY.clone_into(&mut schema.help);
            }
            fields.push(Field { name: name.to_owned(), required: false, schema });
            self.path.pop();
        }
        let rest = match node.get("additionalProperties") {
            Some(Tree::Bool(false)) => None,
            Some(Tree::Bool(true)) => Some(Box::default()),
            Some(more) => Some(Box::new(self.within("additionalProperties", |it| it.shape(more)))),
            None => (fields.is_empty() && !composed).then(Box::default),
        };
        Kind::Object { fields, rest }
    }

    /// Enum, default and whether `null` is allowed.
    fn annotate(&mut self, node: &Tree, shape: &mut Schema) {
        shape.nullable |= node.flag("nullable");
        let listed: Vec<Value> = match node.get("const") {
            Some(only) => vec![only.to_value()],
            None => node.list("enum").iter().map(Tree::to_value).collect(),
        };
        if !listed.is_empty() {
            self.choices(listed, shape);
        }
        if let Some(default) = node.get("default").filter(|it| **it != Tree::Null) {
            let value = default.to_value();
            if !scalar::fits(&shape.kind, &value) {
                self.tolerate(Fault::MistypedDefault, &value.to_string());
            }
            shape.default = scalar::convert(&shape.kind, &value);
        }
    }

    fn choices(&mut self, listed: Vec<Value>, shape: &mut Schema) {
        // An enum beside a list means the items when none of its values is a list.
        if let Kind::Array { items } = &mut shape.kind
            && !listed.iter().any(Value::is_array)
        {
            let mut items = std::mem::take(items);
            self.tolerate(Fault::MistypedChoice, "array");
            if items.choices.is_empty() {
                self.choices(listed, &mut items);
            }
            shape.kind = Kind::Array { items };
            return;
        }
        let mut kept: Vec<Value> = Vec::new();
        let mut seen = BTreeSet::new();
        let mut mistyped = false;
        let mut strays = false;
        let mut repeated: Vec<String> = Vec::new();
        for value in listed {
            if value.is_null() {
                shape.nullable = true;
                continue;
            }
            mistyped |= !scalar::fits(&shape.kind, &value);
            let converted = scalar::convert(&shape.kind, &value);
            strays |= converted.is_none();
            let value = converted.unwrap_or(value);
            if seen.insert(value.to_string()) {
                kept.push(value);
            } else {
                repeated.push(value.to_string());
            }
        }
        if !repeated.is_empty() {
            self.tolerate(Fault::RepeatedChoice, &repeated.join(", "));
        }
        if mistyped {
            self.tolerate(Fault::MistypedChoice, &kept.iter().map(Value::to_string).collect::<Vec<_>>().join(", "));
        }
        if strays {
            shape.kind = kept
                .first()
                .and_then(scalar::kind_of)
                .filter(|kind| kept.iter().all(|it| scalar::fits(kind, it)))
                .unwrap_or_default();
        }
        shape.choices = kept;
    }

    /// Marks the fields that `required` names.
    fn require(&mut self, node: &Tree, shape: &mut Schema) {
        let Kind::Object { fields, .. } = &mut shape.kind else { return };
        let mut absent = Vec::new();
        for name in node.list("required").iter().filter_map(Tree::as_text) {
            match fields.iter_mut().find(|it| it.name == name) {
                Some(field) => field.required = true,
                None => absent.push(name.to_owned()),
            }
        }
        if !absent.is_empty() {
            self.tolerate(Fault::RequiredIsAbsent, &absent.join(", "));
        }
    }
}

/// The format of a text: the one that is stated, or what an example's look says.
fn text_format(node: &Tree) -> String {
    if let Some(format) = node.text("format") {
        return format.to_owned();
    }
    if node.get("contentMediaType").is_some() {
        return "binary".to_owned();
    }
    if node.get("enum").is_some() {
        return String::new();
    }
    let example = node.get("example").or_else(|| node.list("examples").first());
    example.and_then(Tree::as_text).map_or_else(String::new, |it| scalar::format_of(it).to_owned())
}

/// How many shapes a shape is made of.
pub(super) fn weight(shape: &Schema) -> usize {
    1 + match &shape.kind {
        Kind::Array { items } => weight(items),
        Kind::Object { fields, rest } => {
            fields.iter().map(|it| weight(&it.schema)).sum::<usize>() + rest.as_deref().map_or(0, weight)
        }
        Kind::OneOf { of } => of.iter().map(weight).sum(),
        _ => 0,
    }
}

/// What stood beside a reference is said of what it leads to.
pub(super) fn carry(from: &Schema, to: &mut Schema) {
    to.nullable |= from.nullable;
    if !from.help.is_empty() {
        to.help.clone_from(&from.help);
    }
    if from.default.is_some() {
        to.default.clone_from(&from.default);
    }
    if !from.choices.is_empty() {
        to.choices.clone_from(&from.choices);
    }
}

/// One shape that is both.
fn merge(mut one: Schema, other: Schema) -> Schema {
    carry(&other, &mut one);
    match (&mut one.kind, other.kind) {
        (Kind::Object { fields, rest }, Kind::Object { fields: more, rest: further }) => {
            // An object that names nothing is open only because it says nothing.
            *rest = match (fields.is_empty(), more.is_empty()) {
                (true, false) => further,
                (false, true) => rest.take(),
                _ => rest.take().or(further),
            };
            let places: BTreeMap<String, usize> = fields.iter().enumerate().map(|(at, it)| (it.name.clone(), at)).collect();
            for field in more {
                match places.get(&field.name) {
                    Some(at) => fields[*at] = Field { required: fields[*at].required || field.required, ..field },
                    None => fields.push(field),
                }
            }
        }
        (kind @ Kind::Any, more) => *kind = more,
        _ => {}
    }
    one
}
