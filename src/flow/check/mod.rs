//! What is wrong with a flow, before it runs: every problem with its place and what to do.
//!
//! Invariant: pure and total: any flow is checked, sensible or not, and the same flow gives the same problems.
//! Invariant: what is an error here would fail at run time, or is refused when the flow is made ready; a warning runs.
//! Problems of a muted node are warnings: it is passed through, whatever it holds.
//! Invariant: of a flow with more than a thousand errors, or warnings, the first thousand are told, and that there are more.
mod action;
mod expression;
mod literal;
mod reference;
mod settings;
mod structure;

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::ops::Range;

use self::expression::Readings;
use super::{Flow, FlowId, NodeId, Order, SlotId};
use crate::catalog::Catalog;
use crate::expr::{clipped, short};

/// What a check may know beside the flow and the catalog.
#[derive(Debug, Clone, Copy, Default)]
pub struct CheckContext<'a> {
    /// The slots that a connection stands for; none if that is not asked.
    pub bound: Option<&'a BTreeSet<SlotId>>,
    /// The flows that there are; none if that is not asked.
    pub known_flows: Option<&'a BTreeSet<FlowId>>,
}

/// One thing that is wrong, or probably is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Whether the flow can run with it.
    pub severity: Severity,
    /// The node that it is about; none for the flow as a whole.
    pub node: Option<NodeId>,
    /// The field that it is about, as [`super::NodeKind::bindings`] names it (`input.email`), or a setting's name
    /// (`operation`, `slot`, `code`); empty for the node or the flow as a whole.
    pub place: String,
    /// Where in the text of an expression or a script, in bytes.
    pub span: Option<Range<usize>>,
    /// What is wrong, without a full stop.
    pub message: String,
    /// What to do; may be empty.
    pub hint: String,
    /// A name for the kind of problem, which stays when the words change.
    pub code: &'static str,
}

/// How bad a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// It runs, but probably not as meant.
    Warning,
    /// It cannot run, or fails when it does.
    Error,
}

/// Checks a flow again and again, as a window does while it is edited: what was read of a node is kept for as long as the
/// node is the same one, so that a change costs little more than itself.
#[derive(Debug, Default)]
pub struct Checker {
    read: HashMap<NodeId, Readings>,
}

impl Flow {
    /// Everything that is wrong with it, in the order in which its nodes run: first what concerns the flow as a whole, then
    /// node by node, each in the order of its fields.
    pub fn check(&self, catalog: &Catalog, context: &CheckContext<'_>) -> Vec<Problem> {
        Checker::default().check(self, catalog, context)
    }
}

impl Checker {
    /// What [`Flow::check`] says.
    pub fn check(&mut self, flow: &Flow, catalog: &Catalog, context: &CheckContext<'_>) -> Vec<Problem> {
        let mut check = Check { flow, catalog, context, order: None, problems: Vec::new(), errors: 0, warnings: 0, untold: None };
        match Order::new(flow) {
            Ok(order) => check.order = (!check.loops_too_deep(&order)).then_some(order),
            Err(cycles) => check.cycles(&cycles),
        }
        check.structure();
        let mut read = HashMap::with_capacity(flow.nodes.len());
        for (id, node) in &flow.nodes {
            if check.has_enough() {
                break;
            }
            let kept = self.read.remove(id).filter(|it| it.are_of(node));
            let readings = kept.unwrap_or_else(|| Readings::of(node));
            let from = check.problems.len();
            check.settings(id, node);
            check.expressions(id, &readings);
            if node.muted {
                for problem in &mut check.problems[from..] {
                    problem.severity = Severity::Warning;
                }
            }
            read.insert(id.clone(), readings);
        }
        self.read = read;
        check.in_order()
    }
}

/// So many errors are told, and so many warnings; a person corrects a few and checks again.
const MOST: usize = 1000;

/// A check under way.
struct Check<'a> {
    flow: &'a Flow,
    catalog: &'a Catalog,
    context: &'a CheckContext<'a>,
    /// None if there is a cycle.
    order: Option<Order>,
    problems: Vec<Problem>,
    errors: usize,
    warnings: usize,
    /// Takes the words of a problem that is not told.
    untold: Option<Problem>,
}

impl Check<'_> {
    fn in_order(self) -> Vec<Problem> {
        let Self { flow, order, mut problems, errors, untold, .. } = self;
        let ids: Vec<&NodeId> = flow.nodes.keys().collect();
        // Stable, so that what was found first of a node stays first.
        problems.sort_by_key(|it| {
            it.node.as_ref().map(|id| order.as_ref().and_then(|order| order.position(id)).or_else(|| ids.binary_search(&id).ok()))
        });
        if untold.is_some() {
            problems.push(Problem {
                severity: if errors > MOST { Severity::Error } else { Severity::Warning },
                node: None,
                place: String::new(),
                span: None,
                message: "there are more problems than are told here".to_owned(),
                hint: "Correct these, and check again.".to_owned(),
                code: "more",
            });
        }
        problems
    }

    /// Whether looking for more errors is of no use.
    fn has_enough(&self) -> bool {
        self.errors > MOST
    }

    /// What a person calls a node.
    fn title(&self, id: &NodeId) -> String {
        match self.flow.nodes.get(id) {
            Some(node) if !node.name.is_empty() => format!("\"{}\"", clipped(&node.name)),
            _ => format!("\"{}\"", clipped(id.as_str())),
        }
    }

    /// Adds a problem, to be finished with [`Problem::hint`] and its like.
    fn report(&mut self, severity: Severity, code: &'static str, message: impl Into<String>) -> &mut Problem {
        let problem = Problem {
            severity,
            node: None,
            place: String::new(),
            span: None,
            message: short(message.into()),
            hint: String::new(),
            code,
        };
        let count = match severity {
            Severity::Error => &mut self.errors,
            Severity::Warning => &mut self.warnings,
        };
        *count += 1;
        if *count > MOST {
            return self.untold.insert(problem);
        }
        self.problems.push(problem);
        let last = self.problems.len() - 1;
        &mut self.problems[last]
    }

    fn error(&mut self, code: &'static str, message: impl Into<String>) -> &mut Problem {
        self.report(Severity::Error, code, message)
    }

    fn warning(&mut self, code: &'static str, message: impl Into<String>) -> &mut Problem {
        self.report(Severity::Warning, code, message)
    }
}

impl Problem {
    fn of(&mut self, node: &NodeId) -> &mut Self {
        self.node = Some(node.clone());
        self
    }

    fn at(&mut self, place: impl Into<String>) -> &mut Self {
        self.place = place.into();
        self
    }

    fn span(&mut self, span: Range<usize>) -> &mut Self {
        self.span = Some(span);
        self
    }

    fn hint(&mut self, hint: impl Into<String>) -> &mut Self {
        self.hint = short(hint.into());
        self
    }

    /// "Did you mean …?", or else another hint.
    fn meant(&mut self, nearest: Option<&str>, otherwise: &str) -> &mut Self {
        match nearest {
            Some(name) => self.hint(format!("Did you mean \"{name}\"?")),
            None => self.hint(otherwise),
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// One line: `error in create, input.email: … . …`.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.severity.fmt(f)?;
        match (&self.node, self.place.as_str()) {
            (Some(node), "") => write!(f, " in {node}")?,
            (Some(node), place) => write!(f, " in {node}, {place}")?,
            (None, "") => {}
            (None, place) => write!(f, " in {place}")?,
        }
        write!(f, ": {}", self.message)?;
        if self.hint.is_empty() { Ok(()) } else { write!(f, ". {}", self.hint) }
    }
}

#[cfg(test)]
mod tests;
