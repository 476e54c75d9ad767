//! Paths: a name, and steps within.
use std::ops::Range;

use serde_json::Value;

use super::{KEYWORDS, Parser, Read};
use crate::expr::MAX_CHAIN;
use crate::expr::function::{self, Kind};
use crate::expr::node::{Absence, Node, NodeKind, Slot, Step};
use crate::expr::reference::{Reference, Segment, written};
use crate::expr::token::Word;

/// What `loop` has.
const LOOP: [&str; 7] = ["index", "index0", "revindex", "revindex0", "first", "last", "length"];

impl Parser<'_> {
    pub(super) fn stepped(&mut self) -> Read<Node> {
        let span = self.span();
        let is_path = match (self.peek(), self.peek_next()) {
            (Word::Name(_), Word::Sign("(")) => false,
            (Word::Name(name), _) => !matches!(name.as_str(), "true" | "false" | "null" | "none" | "True" | "False" | "None"),
            _ => false,
        };
        let mut node = if is_path { self.path()? } else { self.primary()? };
        // Steps after anything but a path; a path has taken its own.
        loop {
            let steps = self.steps()?;
            if !steps.is_empty() {
                let whole = span.start..self.last_end();
                let name = self.written(node.span.clone());
                let chain = self.tables.chain(whole.clone(), name, None);
                self.optional(Some(chain), None);
                node = self.node(whole, NodeKind::Chain { base: Box::new(node), steps, chain })?;
            } else if self.is_sign("[") {
                node = self.slice(node, span.start)?;
            } else {
                return Ok(node);
            }
        }
    }

    /// `?` makes what is missing `null`.
    pub(super) fn optional(&mut self, chain: Option<usize>, slot: Option<usize>) {
        if !self.skip_sign("?") {
            return;
        }
        let mut told = Vec::new();
        if let Some(it) = chain.and_then(|at| self.tables.chains.get_mut(at)) {
            it.absence = Absence::Null;
            told.extend(it.reference);
        }
        if let Some(it) = slot.and_then(|at| self.tables.slots.get_mut(at)) {
            it.absence = Absence::Null;
            told.push(it.reference);
        }
        for at in told {
            if let Some(it) = self.tables.references.get_mut(at) {
                it.guarded = true;
            }
        }
    }

    pub(super) fn path(&mut self) -> Read<Node> {
        let (name, span) = self.name("a value")?;
        if KEYWORDS.contains(&name.as_str()) {
            return self.error(span, format!("a value is needed here, not `{name}`"), "");
        }
        if name == "loop" {
            return self.loop_path(span);
        }
        if let Some(local) = self.locals.iter().rev().find(|it| it.name == name) {
            return self.node(span, NodeKind::Local(local.number));
        }
        if name == "now" {
            return self.error(span, "`now` is a function", "write `now()`");
        }
        // Taken now, so that references come in the order of the source.
        let reference = self.tables.references.len();
        self.tables.references.push(Reference { path: Vec::new(), span: span.clone(), guarded: false });
        let steps = self.steps()?;
        let whole = span.start..self.last_end();
        let mut path = vec![Segment::Key(name.clone())];
        path.extend(steps.iter().map(|it| match it {
            Step::Known(segment) => segment.clone(),
            Step::Computed(_) => Segment::Dynamic,
        }));
        let known = steps.iter().take_while(|it| matches!(it, Step::Known(_))).count();
        let root = self.tables.root(&name);
        let slot = self.tables.slots.len();
        let within = path.get(1..=known).unwrap_or_default().to_vec();
        let shown = written(path.get(..=known).unwrap_or_default());
        if let Some(place) = self.tables.references.get_mut(reference) {
            *place = Reference { path, span: whole.clone(), guarded: false };
        }
        self.tables.slots.push(Slot { root, steps: within, span: whole.clone(), reference, absence: Absence::Stops });
        if known == steps.len() {
            self.optional(None, Some(slot));
            return self.node(span.start..self.last_end(), NodeKind::Path(slot));
        }
        let chain = self.tables.chain(whole.clone(), &shown, Some(reference));
        self.optional(Some(chain), Some(slot));
        let base = Box::new(Node::new(whole, NodeKind::Path(slot)));
        let steps = steps.into_iter().skip(known).collect();
        self.node(span.start..self.last_end(), NodeKind::Chain { base, steps, chain })
    }

    pub(super) fn loop_path(&mut self, span: Range<usize>) -> Read<Node> {
        if self.locals.is_empty() {
            return self.error(span, "`loop` has a meaning only within `{% for %}`", "");
        }
        match (self.peek(), self.peek_next()) {
            (Word::Sign("."), Word::Name(name)) if LOOP.contains(&name.as_str()) => self.node(span, NodeKind::Loop),
            _ => self.error(
                span,
                "`loop` has no value of its own",
                format!("it has {}", LOOP.map(|it| format!("`loop.{it}`")).join(", ")),
            ),
        }
    }

    /// `.name`, `.0`, `[…]`; stops before a slice.
    pub(super) fn steps(&mut self) -> Read<Vec<Step>> {
        let mut steps = Vec::new();
        loop {
            if steps.len() > MAX_CHAIN {
                return self.error(self.span(), "this path is too long", "");
            }
            if self.skip_sign(".") {
                let span = self.span();
                let segment = match self.peek() {
                    Word::Name(name) => Segment::Key(name.clone()),
                    Word::Int(index) if i64::try_from(*index).is_ok() => Segment::Index(*index as i64),
                    _ => {
                        let hint = "a field whose name has blanks or signs is written `contact['first name']`";
                        return self.error(span, format!("a name is needed after the dot, not {}", self.described()), hint);
                    }
                };
                self.at += 1;
                if let (Segment::Key(name), true) = (&segment, self.is_sign("(")) {
                    let near = function::suggestion(Kind::Filter, name);
                    let hint = if function::find(Kind::Filter, name).is_some() {
                        format!("write `… | {name}`")
                    } else if near.is_empty() {
                        "a filter is written `value | name`".to_owned()
                    } else {
                        near
                    };
                    return self.error(span, format!("values have no methods, so there is no `.{name}()`"), hint);
                }
                steps.push(Step::Known(segment));
            } else if self.is_sign("[") && !self.slices() {
                self.at += 1;
                if self.is_sign("]") {
                    return self.error(self.span(), "`[]` is empty", "write an index, `[0]`, or a name, `['first name']`");
                }
                let node = self.expression()?;
                self.expect_sign("]", "after the index")?;
                steps.push(match &node.kind {
                    NodeKind::Literal(Value::String(key)) => Step::Known(Segment::Key(key.clone())),
                    NodeKind::Literal(Value::Number(index)) if index.is_i64() => {
                        Step::Known(Segment::Index(index.as_i64().unwrap_or_default()))
                    }
                    NodeKind::Literal(_) => {
                        return self.error(node.span, "an index is a whole number or a name in quotes", "");
                    }
                    _ => Step::Computed(node),
                });
            } else {
                return Ok(steps);
            }
        }
    }

    /// Whether the bracket here holds a `:` of its own.
    pub(super) fn slices(&self) -> bool {
        let mut depth = 0usize;
        for token in self.tokens.iter().skip(self.at) {
            match token.word {
                Word::Sign("[" | "(" | "{") => depth += 1,
                Word::Sign("]" | ")" | "}") => {
                    depth -= 1;
                    if depth == 0 {
                        return false;
                    }
                }
                Word::Sign(":") if depth == 1 => return true,
                Word::End => return false,
                _ => {}
            }
        }
        false
    }

    /// `[1:3]`, which is the filter `slice`.
    pub(super) fn slice(&mut self, input: Node, start: usize) -> Read<Node> {
        let function = self.definition(Kind::Filter, "slice", self.span())?;
        self.at += 1;
        let nothing = |at: usize| Node::new(at..at, NodeKind::Literal(Value::Null));
        let from = if self.is_sign(":") { nothing(self.last_end()) } else { self.expression()? };
        self.expect_sign(":", "in the slice")?;
        let to = if self.is_sign("]") { nothing(self.last_end()) } else { self.expression()? };
        if self.is_sign(":") {
            return self.error(self.span(), "a slice has no step", "write `[from:to]`; `| reverse` turns a list around");
        }
        self.expect_sign("]", "after the slice")?;
        let whole = start..self.last_end();
        let chain = self.tables.chain(whole.clone(), self.written(whole.clone()), None);
        self.node(whole, NodeKind::Filter { input: Box::new(input), function, arguments: vec![from, to], chain })
    }
}
