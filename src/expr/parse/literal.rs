//! Values that stand in the source themselves.
use std::collections::BTreeSet;
use std::ops::Range;

use serde_json::{Map, Value};

use super::{Parser, Read};
use crate::expr::MAX_NESTING;
use crate::expr::node::{Node, NodeKind};
use crate::expr::token::Word;

impl Parser<'_> {
    pub(super) fn primary(&mut self) -> Read<Node> {
        let span = self.span();
        let word = self.peek().clone();
        let literal = |value: Value| Node::new(span.clone(), NodeKind::Literal(value));
        self.at += 1;
        match word {
            Word::Text(text) => Ok(literal(Value::String(text))),
            Word::Int(number) => Ok(literal(number.into())),
            Word::Float(number) => Ok(literal(number.into())),
            Word::Name(name) => match name.as_str() {
                "true" | "True" => Ok(literal(true.into())),
                "false" | "False" => Ok(literal(false.into())),
                "null" | "none" | "None" => Ok(literal(Value::Null)),
                _ => self.call(&name, span),
            },
            Word::Sign("(") => self.parenthesis(&span),
            Word::Sign("[") => self.list(&span),
            Word::Sign("{") => self.object(&span),
            _ => {
                self.at -= 1;
                let hint = match word {
                    Word::End if self.at == 0 => "write a path, such as `contact.email`",
                    Word::Sign("+") => "leave out the `+`",
                    Word::Sign("%") => "`{% %}` stands only in text",
                    _ => "",
                };
                self.error(span, format!("a value is needed here, not {}", self.described()), hint)
            }
        }
    }

    pub(super) fn parenthesis(&mut self, open: &Range<usize>) -> Read<Node> {
        if self.is_sign(")") {
            return self.error(open.start..self.span().end, "nothing stands in these parentheses", "");
        }
        let mut node = self.expression()?;
        if self.is_sign(",") {
            return self.error(self.span(), "`,` does not belong in parentheses", "a list stands in `[…]`");
        }
        self.expect_sign(")", "after the parenthesis")?;
        node.span = open.start..self.last_end();
        Ok(node)
    }

    pub(super) fn list(&mut self, open: &Range<usize>) -> Read<Node> {
        let mut items = Vec::new();
        while !self.skip_sign("]") {
            items.push(self.expression()?);
            if !self.skip_sign(",") && !self.is_sign("]") {
                return self.error(self.span(), format!("`,` or `]` is missing before {}", self.described()), "");
            }
        }
        let span = open.start..self.last_end();
        let known: Option<Vec<Value>> = items.iter().map(known).collect();
        match known {
            Some(values) if depth(&values) < MAX_NESTING => self.node(span, NodeKind::Literal(Value::Array(values))),
            _ => self.node(span, NodeKind::List(items)),
        }
    }

    pub(super) fn object(&mut self, open: &Range<usize>) -> Read<Node> {
        let mut fields: Vec<(String, Node)> = Vec::new();
        let mut names = BTreeSet::new();
        while !self.skip_sign("}") {
            let span = self.span();
            let key = match self.peek() {
                Word::Text(key) => key.clone(),
                Word::Name(name) => {
                    return self.error(span, format!("the name of a field stands in quotes: `'{name}'`"), "");
                }
                Word::Sign("{") => {
                    return self.error(
                        open.start..span.end,
                        "`{{` does not belong here",
                        "an expression is already in braces; leave them out",
                    );
                }
                _ => {
                    return self.error(
                        span,
                        format!("the name of a field is needed here, not {}", self.described()),
                        "write `{'name': value}`",
                    );
                }
            };
            self.at += 1;
            if !names.insert(key.clone()) {
                return self.error(span, format!("the field '{key}' stands here twice"), "leave one out");
            }
            self.expect_sign(":", "after the name of the field")?;
            fields.push((key, self.expression()?));
            if !self.skip_sign(",") && !self.is_sign("}") {
                return self.error(self.span(), format!("`,` or `}}` is missing before {}", self.described()), "");
            }
        }
        let span = open.start..self.last_end();
        let known: Option<Map<String, Value>> = fields.iter().map(|(key, node)| Some((key.clone(), known(node)?))).collect();
        match known {
            Some(values) => self.node(span, NodeKind::Literal(Value::Object(values))),
            None => self.node(span, NodeKind::Object(fields)),
        }
    }
}

fn known(node: &Node) -> Option<Value> {
    match &node.kind {
        NodeKind::Literal(value) => Some(value.clone()),
        _ => None,
    }
}

fn depth(values: &[Value]) -> usize {
    values
        .iter()
        .map(|it| match it {
            Value::Array(list) => 1 + depth(list),
            _ => 0,
        })
        .max()
        .unwrap_or(0)
}
