//! Reads expressions. The ranks of operators are those of Jinja.
mod call;
mod literal;
mod path;

use std::ops::Range;

use serde_json::Value;

use super::error::ExprError;
use super::node::{Node, NodeKind, Tables};
use super::token::{Close, Token, Word};
use super::{MAX_CHAIN, MAX_NESTING};

/// Names that are words of the language where a value begins.
const KEYWORDS: [&str; 7] = ["and", "or", "not", "in", "is", "if", "else"];

pub(super) struct Parser<'s> {
    source: &'s str,
    tokens: Vec<Token>,
    at: usize,
    nesting: usize,
    close: Close,
    tables: &'s mut Tables,
    locals: &'s [Local],
}

/// A loop's variable: its name, and its number in the program.
#[derive(Debug, Clone)]
pub(super) struct Local {
    pub(super) name: String,
    pub(super) number: usize,
}

type Read<T> = Result<T, ExprError>;

impl<'s> Parser<'s> {
    pub(super) fn new(source: &'s str, tokens: Vec<Token>, close: Close, tables: &'s mut Tables, locals: &'s [Local]) -> Self {
        Self { source, tokens, at: 0, nesting: 0, close, tables, locals }
    }

    fn peek(&self) -> &Word {
        self.tokens.get(self.at).map_or(&Word::End, |it| &it.word)
    }

    fn peek_next(&self) -> &Word {
        self.tokens.get(self.at + 1).map_or(&Word::End, |it| &it.word)
    }

    pub(super) fn span(&self) -> Range<usize> {
        self.tokens.get(self.at).or_else(|| self.tokens.last()).map_or(0..0, |it| it.span.clone())
    }

    fn last_end(&self) -> usize {
        self.at.checked_sub(1).and_then(|at| self.tokens.get(at)).map_or(0, |it| it.span.end)
    }

    fn is_sign(&self, sign: &str) -> bool {
        matches!(self.peek(), Word::Sign(it) if *it == sign)
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), Word::Name(it) if it == word)
    }

    fn skip_sign(&mut self, sign: &str) -> bool {
        let is = self.is_sign(sign);
        self.at += usize::from(is);
        is
    }

    pub(super) fn skip_word(&mut self, word: &str) -> bool {
        let is = self.is_word(word);
        self.at += usize::from(is);
        is
    }

    pub(super) fn error<T>(&self, span: Range<usize>, message: impl Into<String>, hint: impl Into<String>) -> Read<T> {
        Err(ExprError::new(self.source, span, message, hint))
    }

    /// The word here, in words.
    fn described(&self) -> String {
        match self.peek() {
            Word::End if self.close == Close::Source => "the end".to_owned(),
            Word::End => format!("`{}`", self.close.mark()),
            _ => format!("`{}`", self.source.get(self.span()).unwrap_or_default()),
        }
    }

    fn expect_sign(&mut self, sign: &str, after: &str) -> Read<()> {
        if self.skip_sign(sign) {
            return Ok(());
        }
        self.error(self.span(), format!("`{sign}` is missing {after}, before {}", self.described()), format!("add `{sign}`"))
    }

    fn written(&self, span: Range<usize>) -> &'s str {
        self.source.get(span).unwrap_or_default()
    }

    fn node(&self, span: Range<usize>, kind: NodeKind) -> Read<Node> {
        let node = Node::new(span, kind);
        if node.depth > MAX_CHAIN {
            return self.error(node.span, "this is too long for one expression", "split it over several fields or nodes");
        }
        Ok(node)
    }

    /// A name where a name is needed.
    pub(super) fn name(&mut self, what: &str) -> Read<(String, Range<usize>)> {
        let span = self.span();
        if let Word::Name(name) = self.peek() {
            let name = name.clone();
            self.at += 1;
            return Ok((name, span));
        }
        self.error(span, format!("{what} is needed here, not {}", self.described()), "")
    }

    pub(super) fn skip_comma(&mut self) -> bool {
        self.skip_sign(",")
    }

    pub(super) fn at_end(&self) -> bool {
        matches!(self.peek(), Word::End)
    }

    /// Nothing may follow.
    pub(super) fn finish(&self) -> Read<()> {
        if self.at_end() {
            return Ok(());
        }
        let hint = match self.peek() {
            Word::Sign("=") => "compare with `==`",
            Word::Sign("}" | "%") => "leave out the braces; they stand only in text",
            Word::Sign(",") => "an expression is one value; a list stands in `[…]`",
            Word::Name(_) | Word::Text(_) | Word::Int(_) | Word::Float(_) => "join values with `~`, or put text in quotes",
            _ => "an operator or `|` goes between two values",
        };
        self.error(self.span(), format!("{} does not belong here", self.described()), hint)
    }

    pub(super) fn expression(&mut self) -> Read<Node> {
        if self.nesting >= MAX_NESTING {
            return self.error(
                self.span(),
                "this is nested too deeply",
                format!("at most {MAX_NESTING} levels; use several fields or nodes"),
            );
        }
        self.nesting += 1;
        let node = self.choice();
        self.nesting -= 1;
        node
    }

    fn choice(&mut self) -> Read<Node> {
        let start = self.span().start;
        let then = self.any()?;
        if !self.skip_word("if") {
            return Ok(then);
        }
        let condition = self.any()?;
        if !self.skip_word("else") {
            return self.error(self.span(), "`if` needs an `else` here", "write `yes if condition else no`");
        }
        let otherwise = self.expression()?;
        let kind = NodeKind::Choice(Box::new(condition), Box::new(then), Box::new(otherwise));
        self.node(start..self.last_end(), kind)
    }

    fn fold(&mut self, next: fn(&mut Self) -> Read<Node>, operator: fn(&Word) -> Option<&'static str>) -> Read<Node> {
        let start = self.span().start;
        let first = next(self)?;
        let mut rest = Vec::new();
        while let Some(sign) = operator(self.peek()) {
            self.at += 1;
            rest.push((sign, next(self)?));
            if rest.len() >= MAX_CHAIN {
                return self.error(
                    self.span(),
                    "this is too long for one expression",
                    "use `in`, a list and `sum`, or several fields",
                );
            }
        }
        if rest.is_empty() {
            return Ok(first);
        }
        self.node(start..self.last_end(), NodeKind::Fold(Box::new(first), rest))
    }

    fn any(&mut self) -> Read<Node> {
        self.fold(Self::all, |word| matches!(word, Word::Name(it) if it == "or").then_some("or"))
    }

    fn all(&mut self) -> Read<Node> {
        self.fold(Self::not, |word| matches!(word, Word::Name(it) if it == "and").then_some("and"))
    }

    fn not(&mut self) -> Read<Node> {
        let start = self.span().start;
        let mut count = 0;
        while self.skip_word("not") {
            count += 1;
        }
        let mut node = self.comparison()?;
        for _ in 0..once_or_twice(count) {
            node = self.node(start..self.last_end(), NodeKind::Not(Box::new(node)))?;
        }
        Ok(node)
    }

    fn comparison_sign(&mut self) -> Option<&'static str> {
        let sign = match self.peek() {
            Word::Sign(sign @ ("==" | "!=" | "<" | "<=" | ">" | ">=")) => *sign,
            Word::Name(name) if name == "in" => "in",
            Word::Name(name) if name == "not" && matches!(self.peek_next(), Word::Name(it) if it == "in") => {
                self.at += 1;
                "not in"
            }
            _ => return None,
        };
        self.at += 1;
        Some(sign)
    }

    fn comparison(&mut self) -> Read<Node> {
        let start = self.span().start;
        let left = self.sum()?;
        let Some(sign) = self.comparison_sign() else { return Ok(left) };
        let right = self.sum()?;
        let span = start..self.last_end();
        let again = self.span();
        if self.comparison_sign().is_some() {
            return self.error(again, "two comparisons in a row", "join them with `and`");
        }
        let kind = if matches!(sign, "<" | "<=" | ">" | ">=") {
            NodeKind::Order(sign, Box::new(left), Box::new(right))
        } else {
            NodeKind::Fold(Box::new(left), vec![(sign, right)])
        };
        self.node(span, kind)
    }

    fn sum(&mut self) -> Read<Node> {
        self.fold(Self::joined, |word| match word {
            Word::Sign(sign @ ("+" | "-")) => Some(sign),
            _ => None,
        })
    }

    fn joined(&mut self) -> Read<Node> {
        let start = self.span().start;
        let first = self.product()?;
        if !self.is_sign("~") {
            return Ok(first);
        }
        let mut parts = vec![first];
        while self.skip_sign("~") {
            parts.push(self.product()?);
            if parts.len() > MAX_CHAIN {
                return self.error(self.span(), "this is too long for one expression", "use a text field with {{ }} instead");
            }
        }
        self.node(start..self.last_end(), NodeKind::Joined(parts))
    }

    fn product(&mut self) -> Read<Node> {
        self.fold(Self::power, |word| match word {
            Word::Sign(sign @ ("*" | "/" | "//" | "%")) => Some(sign),
            _ => None,
        })
    }

    fn power(&mut self) -> Read<Node> {
        self.fold(Self::filtered, |word| match word {
            Word::Sign("**") => Some("**"),
            _ => None,
        })
    }

    fn filtered(&mut self) -> Read<Node> {
        let start = self.span().start;
        let mut node = self.signed()?;
        loop {
            if self.skip_sign("|") {
                node = self.filter(node, start)?;
            } else if self.skip_word("is") {
                node = self.test(node, start)?;
            } else {
                return Ok(node);
            }
        }
    }

    /// With a minus before it; what follows the minus takes its steps first: `-a.b` is `-(a.b)`.
    fn signed(&mut self) -> Read<Node> {
        let start = self.span().start;
        let mut count = 0;
        while self.skip_sign("-") {
            count += 1;
        }
        let mut node = self.stepped()?;
        for _ in 0..once_or_twice(count) {
            let span = start..self.last_end();
            node = match negated(&node.kind) {
                Some(value) => self.node(span, NodeKind::Literal(value))?,
                None => self.node(span, NodeKind::Negative(Box::new(node)))?,
            };
        }
        Ok(node)
    }
}

/// Two in a row say what any even number of them says.
fn once_or_twice(count: usize) -> usize {
    if count > 2 { 2 - count % 2 } else { count }
}

/// A number with the other sign, if it stays a number that JSON knows.
fn negated(kind: &NodeKind) -> Option<Value> {
    let NodeKind::Literal(Value::Number(number)) = kind else { return None };
    if let Some(whole) = number.as_i128() {
        return i64::try_from(-whole).ok().map(Value::from);
    }
    number.as_f64().map(|it| Value::from(-it))
}
