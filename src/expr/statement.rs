//! Reads text: what stands there, what is filled in, conditions and loops.
use std::ops::Range;

use serde_json::Value;

use super::MAX_NESTING;
use super::emit::Emitter;
use super::error::ExprError;
use super::node::{Node, NodeKind, Tables};
use super::parse::{Local, Parser};
use super::suggest::nearest;
use super::token::{Close, Token, Word, words};

/// A part of a text.
#[derive(Debug)]
pub(super) enum Piece {
    Raw(String),
    Value(Node),
    If { arms: Vec<(Node, Vec<Self>)>, otherwise: Vec<Self> },
    For { locals: Vec<usize>, of: Node, body: Vec<Self>, otherwise: Vec<Self> },
}

/// Reads a text from its start to its end.
pub(super) struct Pieces<'s> {
    source: &'s str,
    at: usize,
    tables: &'s mut Tables,
    locals: Vec<Local>,
    /// How many loop variables there were so far.
    count: usize,
    nesting: usize,
    /// Whether the last mark takes the blank after it.
    trims: bool,
}

/// A `{% … %}`, its first word read.
struct Statement {
    word: String,
    tokens: Vec<Token>,
    span: Range<usize>,
}

type Read<T> = Result<T, ExprError>;

impl<'s> Pieces<'s> {
    pub(super) fn new(source: &'s str, tables: &'s mut Tables) -> Self {
        Self { source, at: 0, tables, locals: Vec::new(), count: 0, nesting: 0, trims: false }
    }

    pub(super) fn read(mut self) -> Read<Vec<Piece>> {
        let (pieces, end) = self.block(None)?;
        match end {
            None => Ok(pieces),
            Some(end) => self.error(end.span, format!("`{{% {} %}}` belongs to nothing", end.word), "leave it out"),
        }
    }

    fn error<T>(&self, span: Range<usize>, message: impl Into<String>, hint: impl Into<String>) -> Read<T> {
        Err(ExprError::new(self.source, span, message, hint))
    }

    fn rest(&self) -> &'s str {
        self.source.get(self.at..).unwrap_or_default()
    }

    /// Up to the end, or to a statement that ends or divides a block.
    fn block(&mut self, opener: Option<&Statement>) -> Read<(Vec<Piece>, Option<Statement>)> {
        if self.nesting > MAX_NESTING {
            let span = opener.map_or(self.at..self.at, |it| it.span.clone());
            return self.error(span, "this is nested too deeply", format!("at most {MAX_NESTING} levels"));
        }
        let mut pieces = Vec::new();
        loop {
            let rest = self.rest();
            let mark = rest
                .match_indices('{')
                .map(|(at, _)| at)
                .find(|at| matches!(rest.as_bytes().get(at + 1), Some(b'{' | b'%' | b'#')));
            let length = mark.unwrap_or(rest.len());
            let kind = mark.and_then(|at| rest.as_bytes().get(at + 1)).copied();
            let trims_before = mark.is_some_and(|at| rest.as_bytes().get(at + 2) == Some(&b'-'));
            self.raw(rest.get(..length).unwrap_or_default(), trims_before, &mut pieces);
            self.at += length;
            let Some(kind) = kind else {
                return match opener {
                    None => Ok((pieces, None)),
                    Some(it) => {
                        let word = &it.word;
                        self.error(
                            it.span.clone(),
                            format!("this `{{% {word} %}}` is never ended"),
                            format!("add `{{% end{word} %}}`"),
                        )
                    }
                };
            };
            let inner = self.at + 2 + usize::from(trims_before);
            match kind {
                b'{' => pieces.push(self.value(inner)?),
                b'#' => self.comment(inner)?,
                _ => {
                    let statement = self.statement(inner)?;
                    match statement.word.as_str() {
                        "if" => pieces.push(self.condition(statement)?),
                        "for" => pieces.push(self.repetition(statement)?),
                        "raw" => self.verbatim(&statement, &mut pieces)?,
                        _ => return Ok((pieces, Some(statement))),
                    }
                }
            }
        }
    }

    fn raw(&mut self, text: &str, trims_after: bool, pieces: &mut Vec<Piece>) {
        let text = if self.trims { text.trim_start() } else { text };
        let text = if trims_after { text.trim_end() } else { text };
        self.trims = false;
        if !text.is_empty() {
            pieces.push(Piece::Raw(text.to_owned()));
        }
    }

    fn value(&mut self, inner: usize) -> Read<Piece> {
        let read = words(self.source, inner, Close::Value)?;
        if read.tokens.len() == 1 {
            return self.error(
                self.at..read.end,
                "nothing stands in these braces",
                "write a path, such as `{{ contact.email }}`",
            );
        }
        let mut parser = Parser::new(self.source, read.tokens, Close::Value, self.tables, &self.locals);
        let node = parser.expression()?;
        parser.finish()?;
        self.at = read.end;
        self.trims = read.trims;
        Ok(Piece::Value(node))
    }

    fn comment(&mut self, inner: usize) -> Read<()> {
        let Some(length) = self.source.get(inner..).and_then(|it| it.find("#}")) else {
            return self.error(
                self.at..self.at + 2,
                "this comment is never closed",
                "add `#}`; if it is no comment, write `{{ '{#' }}`",
            );
        };
        let comment = self.source.get(inner..inner + length).unwrap_or_default();
        self.trims = comment.ends_with('-');
        self.at = inner + length + 2;
        Ok(())
    }

    fn statement(&mut self, inner: usize) -> Read<Statement> {
        const KNOWN: [&str; 8] = ["if", "elif", "else", "endif", "for", "endfor", "raw", "endraw"];
        let read = words(self.source, inner, Close::Statement)?;
        let span = self.at..read.end;
        let mut tokens = read.tokens;
        let Some(Token { word: Word::Name(word), .. }) = tokens.first().cloned() else {
            return self.error(span, "`{%` starts with `if` or `for`", "a value is filled in by `{{ }}`");
        };
        if !KNOWN.contains(&word.as_str()) {
            let hint = match word.as_str() {
                "elseif" | "elsif" => "write `{% elif … %}`".to_owned(),
                "set" | "with" | "macro" | "call" | "block" | "filter" | "do" => {
                    "text has `{% if %}` and `{% for %}`; work out values in a node before it".to_owned()
                }
                "include" | "import" | "from" | "extends" => "text cannot read other files".to_owned(),
                _ => nearest(&word, KNOWN).map_or_else(
                    || "text has `{% if %}` and `{% for %}`; a value is filled in by `{{ }}`".to_owned(),
                    |it| format!("did you mean `{{% {it} %}}`?"),
                ),
            };
            return self.error(span, format!("there is no `{{% {word} %}}`"), hint);
        }
        tokens.remove(0);
        self.at = read.end;
        self.trims = read.trims;
        Ok(Statement { word, tokens, span })
    }

    /// The expression of a statement, which goes to its end.
    fn whole(&mut self, tokens: Vec<Token>) -> Read<Node> {
        let mut parser = Parser::new(self.source, tokens, Close::Statement, self.tables, &self.locals);
        let node = parser.expression()?;
        parser.finish()?;
        Ok(node)
    }

    fn bare(&self, statement: &Statement) -> Read<()> {
        match statement.tokens.first() {
            None | Some(Token { word: Word::End, .. }) => Ok(()),
            Some(token) => {
                let hint = if statement.word == "else" { "another condition is `{% elif … %}`" } else { "" };
                self.error(token.span.clone(), format!("`{{% {} %}}` takes nothing more", statement.word), hint)
            }
        }
    }

    fn condition(&mut self, statement: Statement) -> Read<Piece> {
        let opener = Statement { word: statement.word, tokens: Vec::new(), span: statement.span };
        let mut condition = self.whole(statement.tokens)?;
        let mut arms = Vec::new();
        self.nesting += 1;
        loop {
            let (pieces, end) = self.block(Some(&opener))?;
            arms.push((condition, pieces));
            let Some(end) = end else { return self.unended(&opener) };
            match end.word.as_str() {
                "elif" if arms.len() < MAX_NESTING => condition = self.whole(end.tokens)?,
                "elif" => return self.error(end.span, "too many `{% elif %}`", "use `lookup` in a table"),
                "else" => {
                    self.bare(&end)?;
                    let (otherwise, end) = self.block(Some(&opener))?;
                    self.ends(&opener, end)?;
                    return Ok(Piece::If { arms, otherwise });
                }
                _ => {
                    self.ends(&opener, Some(end))?;
                    return Ok(Piece::If { arms, otherwise: Vec::new() });
                }
            }
        }
    }

    fn unended<T>(&self, opener: &Statement) -> Read<T> {
        let word = &opener.word;
        self.error(opener.span.clone(), format!("this `{{% {word} %}}` is never ended"), format!("add `{{% end{word} %}}`"))
    }

    /// Takes the end of a block.
    fn ends(&mut self, opener: &Statement, end: Option<Statement>) -> Read<()> {
        self.nesting -= 1;
        let wanted = format!("end{}", opener.word);
        match end {
            Some(end) if end.word == wanted => self.bare(&end),
            Some(end) => self.error(end.span, format!("`{{% {} %}}` stands where `{{% {wanted} %}}` is needed", end.word), ""),
            None => self.unended(opener),
        }
    }

    fn repetition(&mut self, statement: Statement) -> Read<Piece> {
        let opener = Statement { word: statement.word, tokens: Vec::new(), span: statement.span };
        let mut parser = Parser::new(self.source, statement.tokens, Close::Statement, self.tables, &self.locals);
        let mut names = vec![parser.name("the name of a variable")?];
        while names.len() < 2 && parser.skip_comma() {
            names.push(parser.name("the name of a variable")?);
        }
        if !parser.skip_word("in") {
            return parser.error(parser.span(), "`in` is missing", "write `{% for item in list %}`");
        }
        let of = parser.expression()?;
        parser.finish()?;
        let mut locals = Vec::new();
        for (name, span) in names {
            if matches!(
                name.as_str(),
                "loop" | "true" | "false" | "none" | "null" | "and" | "or" | "not" | "in" | "is" | "if" | "else"
            ) {
                return self.error(span, format!("`{name}` cannot be the name of a variable"), "");
            }
            if locals.iter().any(|it: &Local| it.name == name) {
                return self.error(span, format!("two variables are called `{name}`"), "");
            }
            self.count += 1;
            locals.push(Local { name, number: self.count });
        }
        let numbers = locals.iter().map(|it| it.number).collect();
        let outer = self.locals.len();
        self.locals.extend(locals);
        self.nesting += 1;
        let (body, end) = self.block(Some(&opener))?;
        self.locals.truncate(outer);
        let mut otherwise = Vec::new();
        match end {
            Some(end) if end.word == "else" => {
                self.bare(&end)?;
                let (pieces, end) = self.block(Some(&opener))?;
                otherwise = pieces;
                self.ends(&opener, end)?;
            }
            end => self.ends(&opener, end)?,
        }
        Ok(Piece::For { locals: numbers, of, body, otherwise })
    }

    fn verbatim(&mut self, opener: &Statement, pieces: &mut Vec<Piece>) -> Read<()> {
        self.bare(opener)?;
        let rest = self.rest();
        for (at, _) in rest.match_indices("{%") {
            let inner = rest.get(at + 2..).unwrap_or_default();
            let trims_before = inner.starts_with('-');
            let inner = inner.strip_prefix('-').unwrap_or(inner).trim_start();
            let Some(tail) = inner.strip_prefix("endraw") else { continue };
            let tail = tail.trim_start();
            let trims = tail.starts_with("-%}");
            let Some(tail) = tail.strip_prefix('-').unwrap_or(tail).strip_prefix("%}") else { continue };
            self.raw(rest.get(..at).unwrap_or_default(), trims_before, pieces);
            self.at = self.source.len() - tail.len();
            self.trims = trims;
            return Ok(());
        }
        self.unended(opener)
    }
}

impl Piece {
    /// As the machine's template.
    pub(super) fn emit(&self, emitter: &mut Emitter<'_>) {
        match self {
            Self::Raw(text) => {
                emitter.push("{{ ");
                emitter.node(&Node::new(0..0, NodeKind::Literal(Value::String(text.clone()))));
                emitter.push(" }}");
            }
            Self::Value(node) => {
                emitter.push("{{ ");
                emitter.node(node);
                emitter.push(" }}");
            }
            Self::If { arms, otherwise } => {
                for (at, (condition, body)) in arms.iter().enumerate() {
                    emitter.push(if at == 0 { "{% if " } else { "{% elif " });
                    emitter.node(condition);
                    emitter.push(" %}");
                    for it in body {
                        it.emit(emitter);
                    }
                }
                if !otherwise.is_empty() {
                    emitter.push("{% else %}");
                    for it in otherwise {
                        it.emit(emitter);
                    }
                }
                emitter.push("{% endif %}");
            }
            Self::For { locals, of, body, otherwise } => {
                emitter.push("{% for ");
                for (at, local) in locals.iter().enumerate() {
                    if at > 0 {
                        emitter.push(",");
                    }
                    emitter.named("__l", *local);
                }
                emitter.push(" in ");
                emitter.node(of);
                emitter.push(" %}");
                for it in body {
                    it.emit(emitter);
                }
                if !otherwise.is_empty() {
                    emitter.push("{% else %}");
                    for it in otherwise {
                        it.emit(emitter);
                    }
                }
                emitter.push("{% endfor %}");
            }
        }
    }
}
