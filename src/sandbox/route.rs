//! From a method and a path to an operation, built from the catalogue.
use std::collections::HashMap;
use std::sync::Arc;

use percent_encoding::percent_decode_str;

use super::call::Behaviour;
use super::generic::Shape;
use super::service::Service;
use crate::catalog::{Connector, Method, Operation};

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
    params: Vec<(usize, Arc<str>)>,
}

/// The routes of one service.
///
/// A literal segment goes before a parameter, a path with the same trailing slash before one without; but a client that
/// forgets the slash, or adds one, is understood all the same.
#[derive(Debug, Default)]
pub(crate) struct Routes {
    nodes: Vec<Node>,
    targets: Vec<Arc<Target>>,
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
    target: usize,
}

impl Routes {
    pub(crate) fn new(connector: &Arc<Connector>, service: Service) -> Self {
        let mut routes = Self { nodes: vec![Node::default()], targets: Vec::new() };
        for operation in connector.operations.values() {
            routes.add(connector, operation, service);
        }
        routes
    }

    fn add(&mut self, connector: &Arc<Connector>, operation: &Arc<Operation>, service: Service) {
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
        let leaf = Leaf { method: operation.method.as_str(), slash, target: self.targets.len() };
        self.nodes[at].leaves.push(leaf);
        self.targets.push(Arc::new(Target {
            connector: Arc::clone(connector),
            operation: Arc::clone(operation),
            behaviour: service.behaviour(operation),
            shape: Shape::of(operation, connector),
            params,
        }));
    }

    /// The operation that a request asks for, with the values of its path.
    pub(crate) fn find(&self, method: &str, path: &str) -> Option<(Arc<Target>, PathValues)> {
        let (segments, slash) = split(path);
        let target = Arc::clone(self.targets.get(self.walk(0, &segments, method, slash)?)?);
        let values = target
            .params
            .iter()
            .map(|(depth, name)| (Arc::clone(name), percent_decode_str(segments[*depth]).decode_utf8_lossy().into_owned()))
            .collect();
        Some((target, values))
    }

    fn walk(&self, at: usize, segments: &[&str], method: &str, slash: bool) -> Option<usize> {
        let node = self.nodes.get(at)?;
        let Some((first, rest)) = segments.split_first() else {
            let mut found = node.leaves.iter().filter(|it| it.method == method);
            let any = found.clone().next();
            return found.find(|it| it.slash == slash).or(any).map(|it| it.target);
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
    /// The status that the catalogue documents for success.
    pub(crate) fn success(&self) -> u16 {
        self.operation.success.first().map_or(200, |it| it.status)
    }

    /// Whether a call can change nothing.
    pub(crate) fn is_read(&self) -> bool {
        matches!(self.operation.method, Method::Get | Method::Head)
    }
}
