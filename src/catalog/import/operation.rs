//! Turns paths and methods into operations.
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use super::access::Access;
use super::document::Tree;
use super::fault::{Fault, Faults, ImportError};
use super::shape::{READ_ONLY, Shapes, carry};
use super::{Encoding, Input, Kind, Method, Operation, OperationId, Options, Place, Repeat, Schema, Success, words};

/// The fields of a path item that are methods, in the order in which they are read.
const METHODS: [(&str, Option<Method>); 8] = [
    ("get", Some(Method::Get)),
    ("post", Some(Method::Post)),
    ("put", Some(Method::Put)),
    ("patch", Some(Method::Patch)),
    ("delete", Some(Method::Delete)),
    ("head", Some(Method::Head)),
    ("options", None),
    ("trace", None),
];

/// Headers that the connection sets by itself.
const RESERVED: [&str; 5] = ["authorization", "accept", "content-type", "content-length", "host"];

/// An operation whose body is not yet laid out, since shapes that it refers to may not be read.
pub(super) struct Draft {
    operation: Operation,
    body: Option<Schema>,
    /// The document's path, for what is tolerated.
    document: String,
    place: String,
}

/// Reads every operation of a document.
pub(super) fn read(
    shapes: &mut Shapes<'_>,
    at: usize,
    access: &Access,
    options: &Options,
    drafts: &mut Vec<Draft>,
    watch: &mut dyn FnMut(usize) -> ControlFlow<()>,
) -> Result<(), ImportError> {
    let document = shapes.library.document(at);
    let mut taken = BTreeSet::new();
    for (path, item) in document.root.fields_of("paths") {
        if watch(drafts.len()).is_break() {
            return Err(ImportError::Cancelled);
        }
        let whole = format!("{}{}{path}", access.prefixes[at], if path.starts_with('/') { "" } else { "/" });
        shapes.at(at, &["paths", path], |shapes| {
            if !path.starts_with('/') || item.as_map().is_none() {
                shapes.tolerate(Fault::OddPath, path);
            }
            shapes.follow(item, |shapes, item| {
                for (name, method) in METHODS {
                    let Some(node) = item.get(name).filter(|it| it.as_map().is_some()) else { continue };
                    let Some(method) = method else {
                        shapes.tolerate(Fault::UnknownMethod, name);
                        continue;
                    };
                    if drafts.len() > options.limits.operations {
                        return;
                    }
                    let reader = Reader { at, access, options, path: &whole, method, item, node };
                    let draft = shapes.within(name, |shapes| reader.read(shapes, &mut taken));
                    drafts.push(draft);
                }
            });
        });
        shapes.check_left()?;
        if drafts.len() > options.limits.operations {
            let document = document.path.clone();
            let place = format!("/paths/{}", path.replace('~', "~0").replace('/', "~1"));
            return Err(ImportError::TooLarge { document, what: "operations", limit: options.limits.operations, place });
        }
    }
    Ok(())
}

/// What is known of the operation that is being read.
struct Reader<'a> {
    at: usize,
    access: &'a Access,
    options: &'a Options,
    path: &'a str,
    method: Method,
    item: &'a Tree,
    node: &'a Tree,
}

impl Reader<'_> {
    fn read(&self, shapes: &mut Shapes<'_>, taken: &mut BTreeSet<String>) -> Draft {
        let node = self.node;
        let name = self.name(shapes, taken);
        let document = shapes.library.document(self.at);
        let id = OperationId::new(&format!("{}.{}.{name}", self.options.connector, document.name));
        let inputs = self.parameters(shapes);
        let (body, encoding) = self.body(shapes);
        let (scopes, access) = self.security(shapes);
        let operation = Operation {
            id,
            title: words::deed(&name, self.method.is_read(), self.method.is_read() && !self.path.ends_with('}')),
            help: String::new(),
            sentence: String::new(),
            group: if self.options.group_by_document { words::title(&document.name) } else { self.group() },
            method: self.method,
            path: self.path.to_owned(),
            inputs,
            body: encoding,
            success: self.success(shapes),
            scopes,
            access,
            repeat: match self.method {
                Method::Get | Method::Head | Method::Put | Method::Delete => Repeat::Safe,
                Method::Post | Method::Patch => Repeat::Unsafe,
            },
            reads: false,
            paging: None,
            deprecated: node.flag("deprecated") || name.ends_with("-deprecated"),
        };
        let place = format!("{} {}", self.method.as_str(), self.path);
        Draft { operation, body, document: document.path.clone(), place }
    }

    /// The last part of the id: what the document calls it, or its method and path.
    fn name(&self, shapes: &mut Shapes<'_>, taken: &mut BTreeSet<String>) -> String {
        let said = words::slug(self.node.text("operationId").unwrap_or_default());
        let stem = if said.is_empty() {
            shapes.tolerate(Fault::UnnamedOperation, "");
            words::slug(&format!("{} {}", self.method.as_str().to_ascii_lowercase(), self.path.replace(['{', '}'], "")))
        } else {
            said
        };
        let mut name = stem.clone();
        let mut number = 2;
        while !taken.insert(name.clone()) {
            name = format!("{stem}-{number}");
            number += 1;
        }
        if name != stem {
            shapes.tolerate(Fault::RepeatedOperation, &stem);
        }
        name
    }

    /// The heading: the first tag, or the first word of the path.
    fn group(&self) -> String {
        let tag = self.node.list("tags").iter().find_map(Tree::as_text).map(words::heading);
        tag.filter(|it| !it.is_empty()).unwrap_or_else(|| {
            let part = self.path.split('/').find(|it| !it.is_empty() && !it.starts_with('{'));
            part.map_or_else(|| "Operations".to_owned(), words::title)
        })
    }

    fn parameters(&self, shapes: &mut Shapes<'_>) -> Vec<Input> {
        let mut found: Vec<Input> = Vec::new();
        let in_path = template(self.path);
        for (list, own) in [(self.item.list("parameters"), false), (self.node.list("parameters"), true)] {
            let before = found.len();
            for (at, node) in list.iter().enumerate() {
                shapes.within(&format!("parameters/{at}"), |shapes| {
                    let read = shapes.follow(node, |shapes, node| parameter(shapes, node, &in_path));
                    let Some(Some(input)) = read else { return };
                    let twin = found.iter().position(|it| it.place == input.place && it.name == input.name);
                    if let Some(twin) = twin {
                        if !own || twin >= before {
                            shapes.tolerate(Fault::RepeatedParameter, &input.name);
                        }
                        found[twin] = input;
                    } else {
                        found.push(input);
                    }
                });
            }
        }
        for name in &in_path {
            if !found.iter().any(|it| it.place == Place::Path && it.name == *name) {
                shapes.tolerate(Fault::UndeclaredPathParameter, name);
                let schema = Schema { kind: Kind::String { format: String::new() }, ..Schema::default() };
                found.push(input(name, Place::Path, true, schema));
            }
        }
        found
    }

    /// The body's shape and encoding.
    fn body(&self, shapes: &mut Shapes<'_>) -> (Option<Schema>, Option<Encoding>) {
        let Some(node) = self.node.get("requestBody") else { return (None, None) };
        let read = shapes.within("requestBody", |shapes| {
            shapes.follow(node, |shapes, node| {
                if matches!(self.method, Method::Get | Method::Head | Method::Delete) {
                    shapes.tolerate(Fault::BodyOnDelete, self.method.as_str());
                }
                let content: Vec<(&str, &Tree)> = node.fields_of("content").collect();
                let known = [Encoding::Json, Encoding::Urlencoded, Encoding::Multipart];
                let best = known.iter().find_map(|encoding| {
                    let node = content.iter().find(|(name, _)| encoding_of(name) == Some(*encoding))?;
                    Some((*encoding, node.0, node.1))
                });
                let (encoding, name, node) = match (best, content.first()) {
                    (Some(best), _) => best,
                    (None, Some((name, node))) => {
                        shapes.tolerate(Fault::UnknownEncoding, name);
                        (Encoding::Json, *name, *node)
                    }
                    (None, None) => return (Schema::default(), Encoding::Json),
                };
                let schema = node.get("schema").map(|it| shapes.within(name, |shapes| shapes.shape(it)));
                (schema.unwrap_or_default(), encoding)
            })
        });
        match read {
            Some((schema, encoding)) => (Some(schema), Some(encoding)),
            None => (Some(Schema::default()), Some(Encoding::Json)),
        }
    }

    /// Every documented answer with a 2xx status.
    fn success(&self, shapes: &mut Shapes<'_>) -> Vec<Success> {
        let Some(answers) = self.node.get("responses").and_then(Tree::as_map) else {
            shapes.tolerate(Fault::NoSuccess, "");
            return Vec::new();
        };
        let mut found: BTreeMap<u16, Option<Schema>> = BTreeMap::new();
        let good: Vec<(u16, &str, &Tree)> = answers
            .iter()
            .filter_map(|(name, it)| Some((status(name)?, name, it)))
            .filter(|it| (200..300).contains(&it.0))
            .collect();
        let fallback = answers.get("default").map(|it| (200, "default", it));
        let chosen = if good.is_empty() { fallback.into_iter().collect() } else { good };
        for (status, name, node) in chosen {
            let schema = shapes.within(&format!("responses/{name}"), |shapes| {
                shapes.follow(node, |shapes, node| {
                    let json = node.fields_of("content").find(|(name, _)| encoding_of(name) == Some(Encoding::Json));
                    if let Some(schema) = json.and_then(|(_, it)| it.get("schema")) {
                        return Some(shapes.shape(schema));
                    }
                    if status != 204 && status != 205 {
                        shapes.tolerate(Fault::NoAnswerShape, name);
                    }
                    None
                })
            });
            found.insert(status, schema.flatten());
        }
        if found.is_empty() {
            shapes.tolerate(Fault::NoSuccess, "");
        }
        found.into_iter().map(|(status, schema)| Success { status, schema }).collect()
    }

    /// Scopes and token types.
    fn security(&self, shapes: &mut Shapes<'_>) -> (Vec<String>, Vec<String>) {
        let document = shapes.library.document(self.at);
        let named = if self.node.get("security").is_some() { self.node } else { &document.root };
        let mut scopes = Vec::new();
        let mut access = Vec::new();
        for (scheme, needed) in named.list("security").iter().flat_map(Tree::fields) {
            let key = (self.at, scheme.to_owned());
            if !self.access.declared.contains(&key) {
                shapes.tolerate(Fault::LostSecurity, scheme);
            }
            if let Some(token) = self.access.tokens.get(&key)
                && !access.contains(token)
            {
                access.push(token.clone());
            }
            let Tree::List(needed) = needed else { continue };
            for scope in needed.iter().filter_map(Tree::as_text).map(str::to_owned) {
                if !scopes.contains(&scope) {
                    scopes.push(scope);
                }
            }
        }
        (scopes, access)
    }
}

/// One parameter; none if it cannot be sent or is not for the caller to give.
fn parameter(shapes: &mut Shapes<'_>, node: &Tree, in_path: &[String]) -> Option<Input> {
    let name = node.text("name").unwrap_or_default();
    let place = match node.text("in").unwrap_or_default() {
        "path" => Place::Path,
        "query" => Place::Query,
        "header" => Place::Header,
        other => {
            shapes.tolerate(Fault::UnknownParameter, &format!("{name} in {other}"));
            return None;
        }
    };
    if name.is_empty() {
        shapes.tolerate(Fault::UnknownParameter, "");
        return None;
    }
    if place == Place::Header && RESERVED.iter().any(|it| name.eq_ignore_ascii_case(it)) {
        shapes.tolerate(Fault::ReservedHeader, name);
        return None;
    }
    let mut required = node.flag("required");
    if place == Place::Path {
        if !in_path.iter().any(|it| it == name) {
            shapes.tolerate(Fault::UnusedPathParameter, name);
            return None;
        }
        if !required {
            shapes.tolerate(Fault::OptionalPathParameter, name);
            required = true;
        }
    }
    let content = node.fields_of("content").next();
    let described = node.get("schema").or_else(|| content.and_then(|(_, it)| it.get("schema")));
    let composed = ["anyOf", "oneOf", "allOf"].iter().any(|it| node.get(it).is_some());
    let mut schema = match described {
        // Some write a parameter's variants beside its schema.
        _ if composed => shapes.shape(node),
        Some(it) => shapes.within("schema", |shapes| shapes.shape(it)),
        None => Schema { kind: Kind::String { format: String::new() }, ..Schema::default() },
    };
    if matches!(schema.kind, Kind::Array { .. }) && place == Place::Query && node.get("explode") == Some(&Tree::Bool(false)) {
        shapes.tolerate(Fault::JoinedList, name);
        schema = Schema { kind: Kind::String { format: "comma-separated".to_owned() }, ..Schema::default() };
    }
    let mut input = input(name, place, required, schema);
    if place == Place::Header {
        let example = || {
            let of = |it: &Tree| it.get("example").filter(|it| it.as_text().is_some()).map(Tree::to_value);
            of(node).or_else(|| described.and_then(of))
        };
        let version = name.eq_ignore_ascii_case("version");
        input.fixed = match input.schema.choices.as_slice() {
            [only] if required || version => Some(only.clone()),
            [first, ..] if version => Some(input.schema.default.clone().unwrap_or_else(|| first.clone())),
            [] if version => input.schema.default.clone().or_else(example),
            _ => None,
        };
        if input.fixed.is_some() {
            input.schema.choices.clear();
        }
    }
    Some(input)
}

/// An input whose key is its name.
fn input(name: &str, place: Place, required: bool, schema: Schema) -> Input {
    Input {
        key: name.to_owned(),
        name: name.to_owned(),
        title: String::new(),
        place,
        required,
        fixed: None,
        account: None,
        choices: None,
        preset: None,
        named: None,
        section: String::new(),
        schema,
    }
}

/// The names in `{}` of a path, in order, each once.
fn template(path: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for part in path.split('{').skip(1) {
        if let Some((name, _)) = part.split_once('}')
            && !name.is_empty()
            && !names.iter().any(|it| it == name)
        {
            names.push(name.to_owned());
        }
    }
    names
}

fn encoding_of(media: &str) -> Option<Encoding> {
    let media = media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match media.as_str() {
        "*/*" | "application/*" => Some(Encoding::Json),
        "application/x-www-form-urlencoded" => Some(Encoding::Urlencoded),
        it if it.starts_with("multipart/") => Some(Encoding::Multipart),
        it if it == "application/json" || it == "text/json" || it.ends_with("+json") => Some(Encoding::Json),
        _ => None,
    }
}

fn status(name: &str) -> Option<u16> {
    if name.len() == 3 && name.ends_with("XX") || name.ends_with("xx") {
        return name.get(..1)?.parse::<u16>().ok().map(|it| it * 100);
    }
    name.parse().ok()
}

impl Draft {
    /// Lays the body out as inputs beside the parameters.
    pub(super) fn flatten(mut self, schemas: &BTreeMap<String, Schema>, faults: &mut Faults) -> Operation {
        let mut taken = BTreeSet::new();
        for input in &mut self.operation.inputs {
            let place = match input.place {
                Place::Path => "path",
                Place::Query => "query",
                Place::Header => "header",
                Place::Body => "body",
            };
            claim(&mut taken, input, place);
        }
        if let Some(body) = self.body.take() {
            let mut note = |fault| faults.add(&self.document, || self.place.clone(), fault, "");
            for mut input in body_inputs(&body, schemas, &mut note) {
                claim(&mut taken, &mut input, "body");
                self.operation.inputs.push(input);
            }
        }
        // Required first; what is never asked for last; else in the order path, query, header, body of the document.
        self.operation.inputs.sort_by_key(|it| (it.fixed.is_some(), !it.required, it.place as u8));
        self.operation
    }
}

/// Gives an input a key that no other has.
fn claim(taken: &mut BTreeSet<String>, input: &mut Input, place: &str) {
    if taken.insert(input.key.clone()) {
        return;
    }
    let stem = format!("{place}_{}", input.name);
    let mut key = stem.clone();
    let mut number = 2;
    while !taken.insert(key.clone()) {
        key = format!("{stem}_{number}");
        number += 1;
    }
    input.key = key;
}

/// The fields of a body that is an object with named fields; else the body as a whole.
fn body_inputs(body: &Schema, schemas: &BTreeMap<String, Schema>, note: &mut dyn FnMut(Fault)) -> Vec<Input> {
    let mut shape = body;
    for _ in 0..16 {
        let Kind::Ref { name } = &shape.kind else { break };
        let Some(next) = schemas.get(name) else { break };
        shape = next;
    }
    if let Kind::Object { fields, rest } = &shape.kind
        && !fields.is_empty()
    {
        if rest.is_some() {
            note(Fault::OpenBody);
        }
        let sent = fields
            .iter()
            .filter(|it| it.schema.help != READ_ONLY)
            .map(|it| input(&it.name, Place::Body, it.required, it.schema.clone()));
        return sent.collect();
    }
    let empty = match &shape.kind {
        Kind::Any => true,
        Kind::Object { rest, .. } => rest.as_deref().is_none_or(|it| it.kind == Kind::Any),
        _ => false,
    };
    let mut whole = if empty {
        note(Fault::EmptyBody);
        Schema { kind: Kind::Object { fields: Vec::new(), rest: Some(Box::default()) }, ..Schema::default() }
    } else {
        body.clone()
    };
    carry(body, &mut whole);
    vec![Input { name: String::new(), ..input("body", Place::Body, !empty, whole) }]
}
