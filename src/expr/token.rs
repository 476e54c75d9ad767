//! The words of the language.
use std::ops::Range;

use super::error::ExprError;
use super::reference::{continues_name, starts_name};

/// A word and where it stands, in bytes of the source.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token {
    pub(super) word: Word,
    pub(super) span: Range<usize>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Word {
    Name(String),
    Text(String),
    Int(u64),
    Float(f64),
    Sign(&'static str),
    End,
}

/// What ends a run of words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Close {
    /// The end of the source.
    Source,
    /// `}}`.
    Value,
    /// `%}`.
    Statement,
}

impl Close {
    pub(super) fn mark(self) -> &'static str {
        match self {
            Self::Source => "",
            Self::Value => "}}",
            Self::Statement => "%}",
        }
    }
}

/// The words of a part of the source.
#[derive(Debug)]
pub(super) struct Words {
    /// Ends with `Word::End`.
    pub(super) tokens: Vec<Token>,
    /// The byte after the closing mark.
    pub(super) end: usize,
    /// Whether the mark was written with `-`: the blank after it goes.
    pub(super) trims: bool,
}

// Longest first.
const SIGNS: [&str; 26] = [
    "**", "//", "==", "!=", "<=", ">=", "(", ")", "[", "]", "{", "}", ".", ",", ":", "|", "~", "+", "-", "*", "/", "%", "<", ">",
    "=", "?",
];

/// What people write from other languages, and what it is called here.
const FOREIGN: [(&str, &str); 8] = [
    ("&&", "write `and`"),
    ("||", "write `or`; filters take one `|`"),
    ("===", "write `==`"),
    ("!==", "write `!=`"),
    ("=>", "write `>=`"),
    ("??", "write `| default(…)`"),
    ("?.", "write `?` after the whole path: it is null when the path is missing"),
    ("<>", "write `!=`"),
];

/// Reads words from a byte of the source until the closing mark.
pub(super) fn words(source: &str, start: usize, close: Close) -> Result<Words, ExprError> {
    let mut reader = Reader { source, at: start, open: Vec::new(), tokens: Vec::new() };
    loop {
        let rest = reader.rest();
        let blank = rest.len() - rest.trim_start().len();
        reader.at += blank;
        let rest = reader.rest();
        if rest.is_empty() {
            if close != Close::Source {
                let mark = close.mark();
                let opening = if close == Close::Value { "{{" } else { "{%" };
                let from = source.get(..start).and_then(|it| it.rfind(opening)).unwrap_or(start);
                return Err(ExprError::new(
                    source,
                    from..start,
                    format!("this `{opening}` is never closed"),
                    format!("add `{mark}`"),
                ));
            }
            reader.tokens.push(Token { word: Word::End, span: reader.at..reader.at });
            return Ok(Words { tokens: reader.tokens, end: reader.at, trims: false });
        }
        if close != Close::Source && reader.open.is_empty() {
            let trims = rest.starts_with('-');
            if rest.get(usize::from(trims)..).is_some_and(|it| it.starts_with(close.mark())) {
                reader.tokens.push(Token { word: Word::End, span: reader.at..reader.at });
                let end = reader.at + usize::from(trims) + close.mark().len();
                return Ok(Words { tokens: reader.tokens, end, trims });
            }
        }
        let token = reader.word()?;
        reader.at = token.span.end;
        reader.tokens.push(token);
    }
}

struct Reader<'s> {
    source: &'s str,
    at: usize,
    /// Brackets not closed yet.
    open: Vec<&'static str>,
    tokens: Vec<Token>,
}

impl<'s> Reader<'s> {
    fn rest(&self) -> &'s str {
        self.source.get(self.at..).unwrap_or_default()
    }

    fn wrong(&self, span: Range<usize>, message: impl Into<String>, hint: impl Into<String>) -> ExprError {
        ExprError::new(self.source, span, message, hint)
    }

    fn word(&mut self) -> Result<Token, ExprError> {
        let rest = self.rest();
        let Some(first) = rest.chars().next() else {
            return Ok(Token { word: Word::End, span: self.at..self.at });
        };
        if first == '\'' || first == '"' {
            return self.quoted(first);
        }
        if first.is_ascii_digit() {
            return self.number();
        }
        if starts_name(first) {
            let length = rest.find(|it| !continues_name(it)).unwrap_or(rest.len());
            let name = rest.get(..length).unwrap_or_default().to_owned();
            return Ok(Token { word: Word::Name(name), span: self.at..self.at + length });
        }
        for (written, hint) in FOREIGN {
            if rest.starts_with(written) {
                return Err(self.wrong(self.at..self.at + written.len(), format!("`{written}` means nothing here"), hint));
            }
        }
        let Some(sign) = SIGNS.into_iter().find(|it| rest.starts_with(it)) else {
            let hint = match first {
                '“' | '”' | '‘' | '’' | '„' | '«' | '»' | '`' => "quote text with straight quotes, `'like this'`",
                '!' => "write `not`",
                '&' => "write `and`",
                '$' | '@' => "a path starts with a name, such as `contact.email`",
                ';' => "an expression is one value; leave out the `;`",
                _ => "text stands in quotes, `'like this'`",
            };
            return Err(self.wrong(
                self.at..self.at + first.len_utf8(),
                format!("`{}` means nothing here", first.escape_debug()),
                hint,
            ));
        };
        match sign {
            "(" | "[" | "{" => self.open.push(sign),
            ")" | "]" | "}" => {
                let opening = match sign {
                    ")" => "(",
                    "]" => "[",
                    _ => "{",
                };
                if self.open.pop() != Some(opening) {
                    let span = self.at..self.at + 1;
                    return Err(self.wrong(
                        span,
                        format!("this `{sign}` closes nothing"),
                        format!("leave it out, or add `{opening}`"),
                    ));
                }
            }
            _ => {}
        }
        Ok(Token { word: Word::Sign(sign), span: self.at..self.at + sign.len() })
    }

    fn number(&self) -> Result<Token, ExprError> {
        let rest = self.rest();
        let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
        let mut length = digits(rest);
        // After a dot a number is an index: `list.0.1` is no fraction.
        let member = matches!(self.tokens.last(), Some(Token { word: Word::Sign("."), .. }));
        let mut float = false;
        if !member {
            let tail = rest.get(length..).unwrap_or_default();
            if let Some(fraction) = tail.strip_prefix('.') {
                let count = digits(fraction);
                if count > 0 {
                    length += 1 + count;
                    float = true;
                }
            }
            let tail = rest.get(length..).unwrap_or_default();
            if let Some(exponent) = tail.strip_prefix(['e', 'E']) {
                let signed = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
                let count = digits(signed);
                if count > 0 {
                    length += 1 + (exponent.len() - signed.len()) + count;
                    float = true;
                }
            }
        }
        let span = self.at..self.at + length;
        let text = rest.get(..length).unwrap_or_default();
        let follows = rest.get(length..).and_then(|it| it.chars().next());
        if !member && follows.is_some_and(starts_name) {
            return Err(self.wrong(
                span,
                format!("`{text}` runs into a name"),
                "put a blank or an operator between them; text stands in quotes",
            ));
        }
        let word = if float {
            text.parse().ok().filter(|it: &f64| it.is_finite()).map(Word::Float)
        } else {
            text.parse().ok().map(Word::Int)
        };
        word.map(|word| Token { word, span: span.clone() })
            .ok_or_else(|| self.wrong(span, "this number is too large", "put it in quotes if it is an id"))
    }

    fn quoted(&self, quote: char) -> Result<Token, ExprError> {
        let mut text = String::new();
        let mut chars = self.rest().char_indices().skip(1);
        while let Some((at, it)) = chars.next() {
            if it == quote {
                return Ok(Token { word: Word::Text(text), span: self.at..self.at + at + 1 });
            }
            if it != '\\' {
                text.push(it);
                continue;
            }
            match chars.next() {
                Some((_, 'n')) => text.push('\n'),
                Some((_, 't')) => text.push('\t'),
                Some((_, 'r')) => text.push('\r'),
                Some((_, 'u')) => {
                    let code: String = chars.by_ref().take(4).map(|(_, it)| it).collect();
                    let read = u32::from_str_radix(&code, 16).ok().filter(|_| code.len() == 4).and_then(char::from_u32);
                    let Some(read) = read else {
                        let span = self.at + at..self.at + at + 2;
                        return Err(self.wrong(
                            span,
                            "`\\u` takes four hexadecimal digits of a character",
                            "write the character itself",
                        ));
                    };
                    text.push(read);
                }
                Some((_, other @ ('\\' | '\'' | '"'))) => text.push(other),
                // Patterns are full of them: `\d` and `\.` stay as they are.
                Some((_, other)) => {
                    text.push('\\');
                    text.push(other);
                }
                None => break,
            }
        }
        let hint = format!("add the closing `{quote}`");
        Err(self.wrong(self.at..self.at + 1, "this text is never closed", hint))
    }
}
