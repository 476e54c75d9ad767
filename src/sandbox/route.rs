//! From a method and a path to an operation, built from the catalogue.
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use percent_encoding::percent_decode_str;

use super::call::Behaviour;
use super::generic::Shape;
use super::service::Service;
use crate::catalog::{Brief, Connector, Method, Operation, OperationId, Place};

/// The values of a path, by the names of the route's parameters.
pub(crate) type PathValues = Vec<(Arc<str>, String)>;

/// What a route leads to.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) connector: Arc<Connector>,
    pub(crate) operation: Arc<Operation>,
    /// Written by hand; none means that the generic behaviour answers.
    pub(crate) behaviour: Option<Behaviour>,
    pub(crate) shape: Shape,
}

/// The routes of one service.
///
/// A literal segment goes before a parameter, a path with the same trailing slash before one without; but a client that
/// forgets the slash, or adds one, is understood all the same.
#[derive(Debug, Default)]
pub(crate) struct Routes {
    nodes: Vec<Node>,
    stops: Vec<Stop>,
    connector: Option<Arc<Connector>>,
    service: Option<Service>,
}

/// A route's end. What the operation is in full is only read when it is first called.
#[derive(Debug)]
struct Stop {
    operation: OperationId,
    params: Vec<(usize, Arc<str>)>,
    target: OnceLock<Arc<Target>>,
}

#[derive(Debug, Default)]
struct Node {
    literal: HashMap<Box<str>, usize>,
    param: Option<usize>,
    leaves: Vec<Leaf>,
}

#[derive(Debug)]
struct Leaf {
    method: &'static str,
    slash: bool,
    stop: usize,
}

impl Routes {
    pub(crate) fn new(connector: &Arc<Connector>, service: Service) -> Self {
        let connector = Some(Arc::clone(connector));
        let mut routes = Self { nodes: vec![Node::default()], stops: Vec::new(), connector, service: Some(service) };
        let known = routes.connector.clone();
        for operation in known.iter().flat_map(|it| it.operations.briefs()) {
            routes.add(operation);
        }
        routes
    }

    /// Whose routes they are; none where the catalogue has no such connector.
    pub(crate) fn connector(&self) -> Option<&Connector> {
        self.connector.as_deref()
    }

    fn add(&mut self, operation: &Brief) {
        let (segments, slash) = split(&operation.path);
        let mut at = 0;
        let mut params = Vec::new();
        for (depth, segment) in segments.iter().enumerate() {
            let next = self.nodes.len();
            let node = &mut self.nodes[at];
            at = if let Some(name) = segment.strip_prefix('{').and_then(|it| it.strip_suffix('}')) {
                params.push((depth, Arc::from(name)));
                *node.param.get_or_insert(next)
            } else {
                *node.literal.entry((*segment).into()).or_insert(next)
            };
            if at == next {
                self.nodes.push(Node::default());
            }
        }
        let leaf = Leaf { method: operation.method.as_str(), slash, stop: self.stops.len() };
        self.nodes[at].leaves.push(leaf);
        self.stops.push(Stop { operation: operation.id.clone(), params, target: OnceLock::new() });
    }

    /// The operation that a request asks for, with the values of its path.
    pub(crate) fn find(&self, method: &str, path: &str) -> Option<(Arc<Target>, PathValues)> {
        let (segments, slash) = split(path);
        let stop = self.stops.get(self.walk(0, &segments, method, slash)?)?;
        let target = Arc::clone(self.target(stop)?);
        let values = stop
            .params
            .iter()
            .map(|(depth, name)| (Arc::clone(name), percent_decode_str(segments[*depth]).decode_utf8_lossy().into_owned()))
            .collect();
        Some((target, values))
    }

    fn target<'a>(&self, stop: &'a Stop) -> Option<&'a Arc<Target>> {
        if let Some(target) = stop.target.get() {
            return Some(target);
        }
        let connector = self.connector.as_ref()?;
        let operation = connector.operations.get(&stop.operation)?;
        Some(stop.target.get_or_init(|| {
            Arc::new(Target {
                connector: Arc::clone(connector),
                operation: Arc::clone(operation),
                behaviour: self.service.and_then(|it| it.behaviour(operation)),
                shape: Shape::of(operation, connector),
            })
        }))
    }

    fn walk(&self, at: usize, segments: &[&str], method: &str, slash: bool) -> Option<usize> {
        let node = self.nodes.get(at)?;
        let Some((first, rest)) = segments.split_first() else {
            let mut found = node.leaves.iter().filter(|it| it.method == method);
            let any = found.clone().next();
            return found.find(|it| it.slash == slash).or(any).map(|it| it.stop);
        };
        let literal = node.literal.get(*first).and_then(|next| self.walk(*next, rest, method, slash));
        literal.or_else(|| if first.is_empty() { None } else { self.walk(node.param?, rest, method, slash) })
    }
}

/// The segments of a path, and whether it ends in a slash.
fn split(path: &str) -> (Vec<&str>, bool) {
    let path = path.strip_prefix('/').unwrap_or(path);
    match path.strip_suffix('/') {
        Some(rest) => (rest.split('/').collect(), true),
        None if path.is_empty() => (Vec::new(), true),
        None => (path.split('/').collect(), false),
    }
}

impl Target {
    /// Whether it is asked by whoever has no token yet.
    pub(crate) fn is_open(&self) -> bool {
        self.connector.id.as_str() == "highlevel" && self.operation.path == "/oauth/token"
    }

    /// The status that the catalogue documents for success.
    pub(crate) fn success(&self) -> u16 {
        self.operation.success.first().map_or(200, |it| it.status)
    }

    /// Whether the vendor documents a header `Version` for it, and so demands one.
    pub(crate) fn is_versioned(&self) -> bool {
        self.operation.inputs.iter().any(|it| it.place == Place::Header && it.name.eq_ignore_ascii_case("version"))
    }

    /// Whether a call can change nothing.
    pub(crate) fn is_read(&self) -> bool {
        matches!(self.operation.method, Method::Get | Method::Head)
    }
}
