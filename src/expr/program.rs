//! What a source becomes: plain paths and runs of filters are carried out here, everything else by the machine.
use std::borrow::Cow;
use std::cell::{Cell, OnceCell};
use std::fmt;
use std::io;
use std::ops::Range;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use minijinja::{Environment, Expression};
use serde_json::Value;

use super::emit::Emitter;
use super::error::{EvalError, ExprError, Fault};
use super::function::{Call, Definition, Fuel, weight};
use super::node::{Absence, Node, NodeKind, Tables};
use super::reference::{Reference, walk, written};
use super::scope::Scope;
use super::value::{from_machine, to_text};
use super::vm::{ENVIRONMENT, Given, placed};
use super::{FUEL, MAX_OUTPUT};

/// Where the machine's source stands for ours.
type Places = Vec<(Range<usize>, Range<usize>)>;

/// A source, ready to be evaluated.
#[derive(Debug)]
pub(super) struct Program {
    source: Box<str>,
    tables: Arc<Tables>,
    body: Body,
}

#[derive(Debug)]
pub(super) enum Body {
    /// Text without anything to fill in.
    Literal,
    Plan(Plan),
    Parts(Vec<Part>),
    Template(Template),
}

#[derive(Debug)]
pub(super) enum Part {
    Raw(Box<str>),
    Plan(Plan),
}

pub(super) enum Plan {
    Constant(Value),
    Path(usize),
    /// A value or nothing, then filters; with nothing, the first step is a function.
    Pipe {
        start: Option<Argument>,
        steps: Vec<PipeStep>,
    },
    Machine {
        expression: Expression<'static, 'static>,
        places: Places,
    },
}

pub(super) struct PipeStep {
    function: &'static Definition,
    arguments: Vec<Argument>,
    span: Range<usize>,
    chain: usize,
}

pub(super) enum Argument {
    Constant(Value),
    Path(usize),
}

pub(super) struct Template {
    environment: Environment<'static>,
    places: Places,
}

const TEMPLATE: &str = "text";

impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Constant(_) => "Constant",
            Self::Path(_) => "Path",
            Self::Pipe { .. } => "Pipe",
            Self::Machine { .. } => "Machine",
        })
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Template")
    }
}

impl Plan {
    /// The shortest way to the value of an expression.
    pub(super) fn new(source: &str, node: &Node, tables: &mut Tables) -> Result<Self, ExprError> {
        if let NodeKind::Literal(value) = &node.kind {
            return Ok(Self::Constant(value.clone()));
        }
        if let NodeKind::Path(slot) = node.kind {
            return Ok(Self::Path(slot));
        }
        if let Some(pipe) = Self::pipe(node) {
            return Ok(pipe);
        }
        let mut emitter = Emitter::new(tables);
        emitter.node(node);
        let made = emitter.out;
        let expression =
            ENVIRONMENT.compile_expression_owned(made.text).map_err(|error| unreadable(source, node.span.clone(), &error))?;
        Ok(Self::Machine { expression, places: made.places })
    }

    fn pipe(node: &Node) -> Option<Self> {
        let mut steps = Vec::new();
        let mut base = node;
        while let NodeKind::Filter { input, function, arguments, chain } = &base.kind {
            steps.push(PipeStep::new(base, function, arguments, *chain)?);
            base = input;
        }
        let start = if let NodeKind::Call { function, arguments, chain } = &base.kind {
            steps.push(PipeStep::new(base, function, arguments, *chain)?);
            None
        } else {
            Some(Argument::new(base)?)
        };
        steps.reverse();
        (!steps.is_empty()).then_some(Self::Pipe { start, steps })
    }
}

/// The machine does not read what was written for it. A mistake of ours, but no reason to panic.
fn unreadable(source: &str, span: Range<usize>, error: &minijinja::Error) -> ExprError {
    let what = error.detail().unwrap_or("no reason is given");
    if what.contains("recursion") {
        return ExprError::new(source, span, "this is too long for one expression", "split it over several fields or nodes");
    }
    ExprError::new(source, span, format!("this cannot be read ({what})"), "write it in another way")
}

impl PipeStep {
    fn new(node: &Node, function: &'static Definition, arguments: &[Node], chain: usize) -> Option<Self> {
        let arguments = arguments.iter().map(Argument::new).collect::<Option<_>>()?;
        Some(Self { function, arguments, span: node.span.clone(), chain })
    }
}

impl Argument {
    fn new(node: &Node) -> Option<Self> {
        match &node.kind {
            NodeKind::Literal(value) => Some(Self::Constant(value.clone())),
            NodeKind::Path(slot) => Some(Self::Path(*slot)),
            _ => None,
        }
    }
}

impl Template {
    pub(super) fn new(source: &str, text: String, places: Places) -> Result<Self, ExprError> {
        let mut environment = ENVIRONMENT.clone();
        environment.add_template_owned(TEMPLATE, text).map_err(|error| unreadable(source, 0..source.len(), &error))?;
        Ok(Self { environment, places })
    }
}

/// What one evaluation reads.
struct Evaluation<'a> {
    program: &'a Program,
    roots: Vec<Option<Arc<Value>>>,
    now: Timestamp,
    zone: &'a TimeZone,
    fuel: Cell<u64>,
    given: OnceCell<Arc<Given>>,
}

impl Program {
    pub(super) fn new(source: &str, tables: Tables, body: Body) -> Self {
        Self { source: Box::from(source), tables: Arc::new(tables), body }
    }

    pub(super) fn source(&self) -> &str {
        &self.source
    }

    pub(super) fn references(&self) -> &[Reference] {
        &self.tables.references
    }

    pub(super) fn is_literal(&self) -> bool {
        matches!(self.body, Body::Literal)
    }

    pub(super) fn eval(&self, scope: &dyn Scope) -> Result<Value, EvalError> {
        match &self.body {
            Body::Literal => Ok(Value::String(self.source.to_string())),
            Body::Plan(Plan::Constant(value)) => Ok(value.clone()),
            Body::Plan(Plan::Path(slot)) => self.path(*slot, scope),
            Body::Plan(plan) => self.evaluation(scope).plan(plan).map(Cow::into_owned),
            Body::Parts(parts) => self.evaluation(scope).parts(parts).map(Value::String),
            Body::Template(template) => self.evaluation(scope).template(template).map(Value::String),
        }
    }

    /// A plain path: one root is asked, and what lies there is copied.
    fn path(&self, slot: usize, scope: &dyn Scope) -> Result<Value, EvalError> {
        let Some(found) = self.tables.slots.get(slot) else { return Ok(Value::Null) };
        let root = self.tables.roots.get(found.root).and_then(|it| scope.root(it));
        match root.as_deref().and_then(|it| walk(it, &found.steps)) {
            Some(value) => Ok(value.clone()),
            None if found.absence == Absence::Null => Ok(Value::Null),
            None => Err(self.missing(slot)),
        }
    }

    fn missing(&self, slot: usize) -> EvalError {
        let slot = self.tables.slots.get(slot);
        let path = slot.and_then(|it| self.tables.references.get(it.reference));
        EvalError::missing(&path.map(|it| written(&it.path)).unwrap_or_default(), slot.map_or(0..0, |it| it.span.clone()))
    }

    fn evaluation<'a>(&'a self, scope: &'a dyn Scope) -> Evaluation<'a> {
        Evaluation {
            program: self,
            roots: self.tables.roots.iter().map(|it| scope.root(it)).collect(),
            now: scope.now(),
            zone: scope.zone(),
            fuel: Cell::new(FUEL),
            given: OnceCell::new(),
        }
    }
}

impl Evaluation<'_> {
    fn plan<'b>(&'b self, plan: &'b Plan) -> Result<Cow<'b, Value>, EvalError> {
        match plan {
            Plan::Constant(value) => Ok(Cow::Borrowed(value)),
            Plan::Path(slot) => self.slot(*slot)?.map(Cow::Borrowed).ok_or_else(|| self.program.missing(*slot)),
            Plan::Pipe { start, steps } => self.pipe(start.as_ref(), steps),
            Plan::Machine { expression, places } => {
                let made = expression
                    .eval(minijinja::Value::from_dyn_object(self.given()))
                    .map_err(|error| placed(&error, places, &self.program.source))?;
                from_machine(&made).map(Cow::Owned).map_err(|fault| match fault {
                    // A part of the result that nothing named: the whole is to blame.
                    Fault::Missing { .. } => EvalError::missing(&self.program.source, 0..self.program.source.len()),
                    other => other.at(0..self.program.source.len()),
                })
            }
        }
    }

    fn given(&self) -> Arc<Given> {
        let given = self.given.get_or_init(|| {
            Arc::new(Given {
                tables: Arc::clone(&self.program.tables),
                roots: self.roots.clone(),
                now: self.now,
                zone: self.zone.clone(),
            })
        });
        Arc::clone(given)
    }

    /// None if it is missing and the expression takes care.
    fn slot(&self, number: usize) -> Result<Option<&Value>, EvalError> {
        let Some(slot) = self.program.tables.slots.get(number) else { return Ok(None) };
        let root = self.roots.get(slot.root).and_then(Option::as_deref);
        match (root.and_then(|it| walk(it, &slot.steps)), slot.absence) {
            (Some(value), _) => Ok(Some(value)),
            (None, Absence::Passes) => Ok(None),
            (None, Absence::Null) => Ok(Some(&Value::Null)),
            (None, Absence::Stops) => Err(self.program.missing(number)),
        }
    }

    fn argument<'b>(&'b self, argument: &'b Argument) -> Result<Option<&'b Value>, EvalError> {
        match argument {
            Argument::Constant(value) => Ok(Some(value)),
            Argument::Path(slot) => self.slot(*slot),
        }
    }

    fn pipe<'b>(&'b self, start: Option<&'b Argument>, steps: &'b [PipeStep]) -> Result<Cow<'b, Value>, EvalError> {
        let mut current = match start {
            Some(start) => self.argument(start)?.map(Cow::Borrowed),
            None => None,
        };
        for step in steps {
            let mut arguments = Vec::with_capacity(step.arguments.len());
            for argument in &step.arguments {
                arguments.push(self.argument(argument)?);
            }
            let input = current.as_deref();
            let call = Call { now: self.now, zone: self.zone, fuel: Fuel::Own(&self.fuel), input, arguments: &arguments };
            let made = match step.function.call(&call).map_err(|fault| fault.at(step.span.clone()))? {
                Some(Cow::Borrowed(value)) if input.is_some_and(|it| std::ptr::eq(it, value)) => continue,
                Some(Cow::Borrowed(value)) => {
                    call.charge(weight::deep(value)).map_err(|fault| fault.at(step.span.clone()))?;
                    Some(Cow::Owned(value.clone()))
                }
                Some(Cow::Owned(value)) => Some(Cow::Owned(value)),
                None => None,
            };
            current = made;
        }
        current.ok_or_else(|| {
            let chain = steps.last().and_then(|it| self.program.tables.chains.get(it.chain));
            let (path, span) = chain.map_or_else(|| (String::new(), 0..0), |it| (it.name.clone(), it.span.clone()));
            EvalError::Missing { path, span }
        })
    }

    fn parts(&self, parts: &[Part]) -> Result<String, EvalError> {
        let mut text = String::with_capacity(self.program.source.len());
        for part in parts {
            match part {
                Part::Raw(raw) => text.push_str(raw),
                Part::Plan(plan) => {
                    let value = self.plan(plan)?;
                    let part = to_text(&value);
                    if text.len() + part.len() > MAX_OUTPUT {
                        return Err(Fault::too_large().at(0..0));
                    }
                    text.push_str(&part);
                }
            }
        }
        Ok(text)
    }

    fn template(&self, template: &Template) -> Result<String, EvalError> {
        let source = &self.program.source;
        let compiled = template.environment.get_template(TEMPLATE).map_err(|error| placed(&error, &template.places, source))?;
        let mut out = Bounded::default();
        compiled
            .render_captured_to(minijinja::Value::from_dyn_object(self.given()), &mut out)
            .map_err(|error| placed(&error, &template.places, source))?;
        String::from_utf8(out.bytes).map_err(|_error| Fault::failed("the text is not UTF-8").at(0..source.len()))
    }
}

/// Text up to a bound.
#[derive(Default)]
struct Bounded {
    bytes: Vec<u8>,
}

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > MAX_OUTPUT {
            return Err(io::Error::from(io::ErrorKind::FileTooLarge));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
