//! Writes what was read in the machine's own words: paths and literals become names that are looked up, everything else is in
//! parentheses, so that nothing can be read in two ways.
use std::ops::Range;

use serde_json::Value;

use super::function::Kind;
use super::node::{Absence, Node, NodeKind, Step, Tables};
use super::reference::Segment;

/// The machine's source, and which part of it stands for which part of ours.
#[derive(Debug, Default)]
pub(super) struct Emitted {
    pub(super) text: String,
    /// Inner parts before outer ones.
    pub(super) places: Vec<(Range<usize>, Range<usize>)>,
}

impl Emitted {
    /// Our part for a part of the machine's.
    pub(super) fn place(places: &[(Range<usize>, Range<usize>)], part: &Range<usize>) -> Option<Range<usize>> {
        places
            .iter()
            .filter(|(theirs, _)| theirs.start <= part.start && part.end <= theirs.end)
            .min_by_key(|(theirs, _)| theirs.len())
            .map(|(_, ours)| ours.clone())
    }
}

pub(super) struct Emitter<'t> {
    pub(super) out: Emitted,
    pub(super) tables: &'t mut Tables,
}

impl<'t> Emitter<'t> {
    pub(super) fn new(tables: &'t mut Tables) -> Self {
        Self { out: Emitted::default(), tables }
    }

    pub(super) fn push(&mut self, text: &str) {
        self.out.text.push_str(text);
    }

    pub(super) fn named(&mut self, prefix: &str, number: usize) {
        self.push(prefix);
        self.push(&number.to_string());
    }

    pub(super) fn node(&mut self, node: &Node) {
        let start = self.out.text.len();
        self.kind(node);
        self.out.places.push((start..self.out.text.len(), node.span.clone()));
    }

    fn between(&mut self, nodes: &[Node]) {
        for (at, node) in nodes.iter().enumerate() {
            if at > 0 {
                self.push(",");
            }
            self.node(node);
        }
    }

    fn kind(&mut self, node: &Node) {
        match &node.kind {
            NodeKind::Literal(value) => self.literal(value),
            NodeKind::Path(slot) => self.named("__p", *slot),
            NodeKind::Local(number) => self.named("__l", *number),
            NodeKind::Loop => self.push("loop"),
            NodeKind::Chain { base, steps, chain } => self.steps(base, steps, *chain),
            NodeKind::List(items) => {
                self.push("[");
                self.between(items);
                self.push("]");
            }
            NodeKind::Object(fields) => {
                self.push("{");
                for (at, (key, node)) in fields.iter().enumerate() {
                    if at > 0 {
                        self.push(",");
                    }
                    self.literal(&Value::String(key.clone()));
                    self.push(":");
                    self.node(node);
                }
                self.push("}");
            }
            NodeKind::Not(of) => self.around("(not ", of, ")"),
            NodeKind::Negative(of) => self.around("(-", of, ")"),
            NodeKind::Fold(first, rest) => {
                self.push("(");
                self.node(first);
                for (sign, node) in rest {
                    self.push(" ");
                    self.push(sign);
                    self.push(" ");
                    self.node(node);
                }
                self.push(")");
            }
            NodeKind::Joined(parts) => {
                self.push("__text(");
                self.between(parts);
                self.push(")");
            }
            NodeKind::Order(sign, left, right) => {
                self.push("__order('");
                self.push(sign);
                self.push("',");
                self.node(left);
                self.push(",");
                self.node(right);
                self.push(")");
            }
            NodeKind::Choice(condition, then, otherwise) => {
                self.push("(");
                self.node(then);
                self.push(" if ");
                self.node(condition);
                self.push(" else ");
                self.node(otherwise);
                self.push(")");
            }
            NodeKind::Filter { chain, .. } => self.needed(*chain, node, Self::filters),
            NodeKind::Call { chain, .. } => self.needed(*chain, node, Self::call),
            NodeKind::Test { input, function, arguments, not } => {
                self.push("(");
                self.node(input);
                self.push(if *not { " is not " } else { " is " });
                self.push(function.name());
                self.push("(");
                self.between(arguments);
                self.push("))");
            }
        }
    }

    fn around(&mut self, before: &str, node: &Node, after: &str) {
        self.push(before);
        self.node(node);
        self.push(after);
    }

    fn literal(&mut self, value: &Value) {
        match value {
            Value::Null => self.push("none"),
            Value::Bool(true) => self.push("true"),
            Value::Bool(false) => self.push("false"),
            _ => {
                let number = self.tables.constant(value);
                self.named("__c", number);
            }
        }
    }

    fn steps(&mut self, base: &Node, steps: &[Step], chain: usize) {
        self.named("__at(__x,", chain);
        self.push(",");
        self.node(base);
        for step in steps {
            self.push(",");
            match step {
                Step::Known(Segment::Key(key)) => self.literal(&Value::String(key.clone())),
                Step::Known(Segment::Index(index)) => self.literal(&Value::from(*index)),
                Step::Known(Segment::Dynamic) => {}
                Step::Computed(node) => self.node(node),
            }
        }
        self.push(")");
    }

    /// A call that may find nothing is checked where nothing around it takes care.
    fn needed(&mut self, chain: usize, node: &Node, inner: fn(&mut Self, &Node)) {
        let stops = self.tables.chains.get(chain).is_some_and(|it| it.absence == Absence::Stops);
        let checked = stops && may_miss(node);
        if checked {
            self.named("__need(__x,", chain);
            self.push(",");
        }
        inner(self, node);
        if checked {
            self.push(")");
        }
    }

    /// A run of filters is written flat: `(x|a|b)`.
    fn filters(&mut self, node: &Node) {
        let mut run = Vec::new();
        let mut base = node;
        while let NodeKind::Filter { input, function, arguments, .. } = &base.kind {
            run.push((base, function, arguments));
            base = input;
        }
        self.push("(");
        let start = self.out.text.len();
        self.node(base);
        for (filter, function, arguments) in run.into_iter().rev() {
            self.push("|");
            self.push(function.name());
            self.push("(");
            self.between(arguments);
            self.push(")");
            self.out.places.push((start..self.out.text.len(), filter.span.clone()));
        }
        self.push(")");
    }

    fn call(&mut self, node: &Node) {
        if let NodeKind::Call { function, arguments, .. } = &node.kind {
            self.push("__f_");
            self.push(function.name());
            self.push("(");
            self.between(arguments);
            self.push(")");
        }
    }
}

/// Whether it may give nothing without stopping first.
fn may_miss(node: &Node) -> bool {
    match &node.kind {
        NodeKind::Filter { input, function, arguments, .. } => {
            debug_assert_eq!(function.help.kind, Kind::Filter);
            if function.catches() {
                function.repeats || arguments.iter().any(|it| !matches!(it.kind, NodeKind::Literal(_)))
            } else {
                function.makes() || may_miss(input)
            }
        }
        NodeKind::Call { function, .. } => function.makes() || function.catches(),
        NodeKind::Choice(_, then, otherwise) => may_miss(then) || may_miss(otherwise),
        _ => false,
    }
}
