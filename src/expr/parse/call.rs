//! Filters, tests, functions, and their arguments.
use std::ops::Range;

use serde_json::Value;

use super::{KEYWORDS, Parser, Read};
use crate::expr::error::Fault;
use crate::expr::function::{self, Definition, Kind};
use crate::expr::node::{Node, NodeKind, guard};
use crate::expr::suggest::nearest;
use crate::expr::token::Word;

impl Parser<'_> {
    pub(super) fn definition(&self, kind: Kind, name: &str, span: Range<usize>) -> Read<&'static Definition> {
        if let Some(found) = function::find(kind, name) {
            return Ok(found);
        }
        let what = match kind {
            Kind::Filter => "filter",
            Kind::Function => "function",
            Kind::Test => "test",
        };
        self.error(span, format!("there is no {what} `{name}`"), function::suggestion(kind, name))
    }

    pub(super) fn filter(&mut self, input: Node, start: usize) -> Read<Node> {
        let (name, span) = self.name("the name of a filter")?;
        let function = self.definition(Kind::Filter, &name, span.clone())?;
        let arguments = self.arguments(function, span)?;
        if function.catches() {
            guard(&input, self.tables, true);
            for it in &arguments {
                guard(it, self.tables, function.repeats);
            }
        }
        let whole = start..self.last_end();
        let blamed = Self::blame(&input, function, &arguments, whole.clone());
        let chain = self.tables.chain(blamed.clone(), self.written(blamed), None);
        self.node(whole, NodeKind::Filter { input: Box::new(input), function, arguments, chain })
    }

    pub(super) fn test(&mut self, input: Node, start: usize) -> Read<Node> {
        let not = self.skip_word("not");
        let (name, span) = self.name("the name of a test")?;
        let function = self.definition(Kind::Test, &name, span.clone())?;
        let arguments = if self.is_sign("(") {
            self.arguments(function, span)?
        } else if function.required == 1 && !matches!(self.peek(), Word::End) {
            vec![self.signed()?]
        } else {
            self.arguments(function, span)?
        };
        if function.catches() {
            guard(&input, self.tables, true);
        }
        self.node(start..self.last_end(), NodeKind::Test { input: Box::new(input), function, arguments, not })
    }

    /// The part that is to blame if a filter finds nothing: what should have stood in, if that is a path, or all of it.
    pub(super) fn blame(input: &Node, function: &Definition, arguments: &[Node], whole: Range<usize>) -> Range<usize> {
        let last = arguments.last().unwrap_or(input);
        let path = matches!(last.kind, NodeKind::Path(_) | NodeKind::Chain { .. });
        if function.catches() && path { last.span.clone() } else { whole }
    }

    pub(super) fn arguments(&mut self, function: &'static Definition, name: Range<usize>) -> Read<Vec<Node>> {
        let mut given: Vec<Option<Node>> = Vec::new();
        let mut named = false;
        if self.skip_sign("(") {
            while !self.skip_sign(")") {
                let mut at = given.len();
                let mut span = self.span();
                if let (Word::Name(key), Word::Sign("=")) = (self.peek(), self.peek_next()) {
                    let Some(found) = function.parameters.iter().position(|it| it == key).filter(|_| !function.repeats) else {
                        let hint = nearest(key, function.parameters.iter().copied())
                            .map_or_else(|| format!("it is `{}`", function.help.signature), |it| format!("did you mean `{it}`?"));
                        return self.error(span, format!("`{}` has no argument `{key}`", function.name()), hint);
                    };
                    named = true;
                    at = found;
                    self.at += 2;
                } else if named {
                    return self.error(
                        span,
                        "an argument without a name follows one with a name",
                        "name it too, or move it to the front",
                    );
                }
                let node = self.expression()?;
                span.end = self.last_end();
                if at >= function.parameters.len() && !function.repeats {
                    let hint = format!("it is `{}`", function.help.signature);
                    return self.error(span, format!("`{}` takes fewer arguments", function.name()), hint);
                }
                if let (Some(parameter), NodeKind::Literal(value)) = (function.parameters.get(at), &node.kind)
                    && let Err(Fault::Failed { message, hint }) = function::check(function, parameter, value)
                {
                    return self.error(node.span.clone(), message, hint);
                }
                if given.len() <= at {
                    given.resize_with(at + 1, || None);
                }
                if given.get(at).is_some_and(Option::is_some) {
                    return self.error(span, "this argument is given twice", "leave one out");
                }
                if let Some(place) = given.get_mut(at) {
                    *place = Some(node);
                }
                if !self.skip_sign(",") && !self.is_sign(")") {
                    return self.error(self.span(), format!("`,` or `)` is missing before {}", self.described()), "");
                }
            }
        }
        let missing = (0..function.required).find(|&at| given.get(at).is_none_or(Option::is_none));
        if let Some(parameter) = missing.and_then(|at| function.parameters.get(at)) {
            let hint = format!("it is `{}`", function.help.signature);
            return self.error(name, format!("`{}` needs `{parameter}`", function.name()), hint);
        }
        Ok(given
            .into_iter()
            .map(|it| it.unwrap_or_else(|| Node::new(name.end..name.end, NodeKind::Literal(Value::Null))))
            .collect())
    }

    pub(super) fn call(&mut self, name: &str, span: Range<usize>) -> Read<Node> {
        if KEYWORDS.contains(&name) {
            return self.error(span, format!("a value is needed here, not `{name}`"), "");
        }
        let function = self.definition(Kind::Function, name, span.clone())?;
        let arguments = self.arguments(function, span.clone())?;
        if function.catches() {
            for it in &arguments {
                guard(it, self.tables, true);
            }
        }
        let whole = span.start..self.last_end();
        let chain = self.tables.chain(whole.clone(), self.written(whole.clone()), None);
        self.node(whole, NodeKind::Call { function, arguments, chain })
    }
}
