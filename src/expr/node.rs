//! An expression as it was read, and what it needs.
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use serde_json::Value;

use super::error::clipped;
use super::function::Definition;
use super::reference::{Reference, Segment};
use super::value::into_machine;

#[derive(Debug)]
pub(super) struct Node {
    pub(super) span: Range<usize>,
    pub(super) kind: NodeKind,
    /// Of the tree below; bounds every walk over it.
    pub(super) depth: usize,
}

#[derive(Debug)]
pub(super) enum NodeKind {
    Literal(Value),
    /// A path from a root that is known now.
    Path(usize),
    /// A loop's variable.
    Local(usize),
    /// `loop` itself.
    Loop,
    /// Steps that are known only when evaluated, or that start at something else than a root.
    Chain {
        base: Box<Node>,
        steps: Vec<Step>,
        chain: usize,
    },
    List(Vec<Node>),
    Object(Vec<(String, Node)>),
    Not(Box<Node>),
    Negative(Box<Node>),
    /// Operators of one rank, from left to right.
    Fold(Box<Node>, Vec<(&'static str, Node)>),
    /// `~`: joined as text.
    Joined(Vec<Node>),
    /// `<`, `<=`, `>`, `>=`.
    Order(&'static str, Box<Node>, Box<Node>),
    /// `if`, `then`, `else`.
    Choice(Box<Node>, Box<Node>, Box<Node>),
    Filter {
        input: Box<Node>,
        function: &'static Definition,
        arguments: Vec<Node>,
        chain: usize,
    },
    Call {
        function: &'static Definition,
        arguments: Vec<Node>,
        chain: usize,
    },
    Test {
        input: Box<Node>,
        function: &'static Definition,
        arguments: Vec<Node>,
        not: bool,
    },
}

#[derive(Debug)]
pub(super) enum Step {
    Known(Segment),
    Computed(Node),
}

/// What a program looks up while it runs.
#[derive(Debug, Default)]
pub(super) struct Tables {
    pub(super) roots: Vec<Arc<str>>,
    /// Where a root stands in `roots`.
    places: HashMap<Arc<str>, usize>,
    pub(super) slots: Vec<Slot>,
    pub(super) chains: Vec<Chain>,
    /// Literals, ready for the machine.
    pub(super) constants: Vec<minijinja::Value>,
    pub(super) references: Vec<Reference>,
}

/// A path whose steps are known: a root, and the steps within it.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) root: usize,
    pub(super) steps: Vec<Segment>,
    pub(super) span: Range<usize>,
    /// The reference that it belongs to.
    pub(super) reference: usize,
    pub(super) absence: Absence,
}

/// A place where something may turn out to be missing while the machine runs.
#[derive(Debug)]
pub(super) struct Chain {
    pub(super) span: Range<usize>,
    /// What stands before the steps, as written; long ones are cut.
    pub(super) name: String,
    pub(super) reference: Option<usize>,
    pub(super) absence: Absence,
}

/// What a lookup that finds nothing gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Absence {
    /// The evaluation ends and names the path.
    #[default]
    Stops,
    /// The expression around it takes care.
    Passes,
    /// `null`, as `?` says.
    Null,
}

impl Tables {
    pub(super) fn root(&mut self, name: &str) -> usize {
        if let Some(&found) = self.places.get(name) {
            return found;
        }
        let (root, place) = (Arc::<str>::from(name), self.roots.len());
        self.places.insert(Arc::clone(&root), place);
        self.roots.push(root);
        place
    }

    pub(super) fn constant(&mut self, value: &Value) -> usize {
        self.constants.push(into_machine(value.clone()));
        self.constants.len() - 1
    }

    pub(super) fn chain(&mut self, span: Range<usize>, name: &str, reference: Option<usize>) -> usize {
        let name = clipped(name).into_owned();
        self.chains.push(Chain { span, name, reference, absence: Absence::Stops });
        self.chains.len() - 1
    }
}

impl Node {
    pub(super) fn new(span: Range<usize>, kind: NodeKind) -> Self {
        let depth = 1 + match &kind {
            NodeKind::Literal(_) | NodeKind::Path(_) | NodeKind::Local(_) | NodeKind::Loop => 0,
            NodeKind::Chain { base, steps, .. } => base.depth.max(deepest(steps.iter().filter_map(Step::node))),
            NodeKind::List(items) | NodeKind::Joined(items) => deepest(items),
            NodeKind::Object(fields) => deepest(fields.iter().map(|(_, it)| it)),
            NodeKind::Not(of) | NodeKind::Negative(of) => of.depth,
            NodeKind::Fold(first, rest) => first.depth.max(deepest(rest.iter().map(|(_, it)| it))),
            NodeKind::Order(_, a, b) => a.depth.max(b.depth),
            NodeKind::Choice(a, b, c) => a.depth.max(b.depth).max(c.depth),
            NodeKind::Filter { input, arguments, .. } | NodeKind::Test { input, arguments, .. } => {
                input.depth.max(deepest(arguments))
            }
            NodeKind::Call { arguments, .. } => deepest(arguments),
        };
        Self { span, kind, depth }
    }
}

impl Step {
    fn node(&self) -> Option<&Node> {
        match self {
            Self::Known(_) => None,
            Self::Computed(node) => Some(node),
        }
    }
}

fn deepest<'a>(nodes: impl IntoIterator<Item = &'a Node>) -> usize {
    nodes.into_iter().map(|it| it.depth).max().unwrap_or(0)
}

/// Says of everything that `default` and its kind take care of that it may be missing.
///
/// Care reaches through filters, both ways of a condition, and parentheses; not into operators nor the arguments of filters.
pub(super) fn guard(node: &Node, tables: &mut Tables, told: bool) {
    let pass = |chain: usize, tables: &mut Tables| {
        if let Some(it) = tables.chains.get_mut(chain) {
            if it.absence == Absence::Stops {
                it.absence = Absence::Passes;
            }
            if let Some(reference) = it.reference.filter(|_| told).and_then(|at| tables.references.get_mut(at)) {
                reference.guarded = true;
            }
        }
    };
    match &node.kind {
        NodeKind::Path(slot) => {
            if let Some(it) = tables.slots.get_mut(*slot) {
                if it.absence == Absence::Stops {
                    it.absence = Absence::Passes;
                }
                if let Some(reference) = tables.references.get_mut(it.reference).filter(|_| told) {
                    reference.guarded = true;
                }
            }
        }
        NodeKind::Chain { base, chain, .. } => {
            pass(*chain, tables);
            guard(base, tables, told);
        }
        NodeKind::Filter { input, function, arguments, chain } => {
            pass(*chain, tables);
            guard(input, tables, told);
            if function.catches() {
                for it in arguments {
                    guard(it, tables, told);
                }
            }
        }
        NodeKind::Call { function, arguments, chain } => {
            pass(*chain, tables);
            if function.catches() {
                for it in arguments {
                    guard(it, tables, told);
                }
            }
        }
        NodeKind::Choice(_, then, otherwise) => {
            guard(then, tables, told);
            guard(otherwise, tables, told);
        }
        _ => {}
    }
}
