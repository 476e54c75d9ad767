//! Scripts: Rhai over JSON, closed in: no files, no network, no time, no modules, no `eval`.
//!
//! Invariant: a script ends: operations, memory, calls and nesting are bounded, and it can be stopped from outside.
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};

use rhai::packages::{Package as _, StandardPackage};
use rhai::{AST, Dynamic, Engine, EvalAltResult, ImmutableString, ParseErrorType, Position, Scope, Shared};
use serde_json::{Map, Number, Value};

use super::MAX_SOURCE;

/// Operations that one run may take.
const MAX_OPERATIONS: u64 = 2_000_000;

/// The longest text, in bytes; all text within a list or an object counts together.
const MAX_TEXT: usize = 1024 * 1024;

/// The most items of a list, those of lists within it included.
const MAX_LIST: usize = 100_000;

/// The most fields of an object, those of objects within it included.
const MAX_FIELDS: usize = 50_000;

/// How deep input and result may nest.
const MAX_DEPTH: usize = 128;

/// A script, ready to be run: what it sees is `input`, what it gives is the value of its last expression.
#[derive(Clone)]
pub struct Script {
    source: Arc<str>,
    ast: Arc<AST>,
}

/// A script that cannot be read, or whose run failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct ScriptError {
    /// What is wrong, in plain words.
    pub message: String,
    /// From 1; 0 if it is not known.
    pub line: usize,
    /// From 1, in characters; 0 if it is not known.
    pub column: usize,
}

impl fmt::Display for ScriptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => f.write_str(&self.message),
            line => write!(f, "line {line}, column {}: {}", self.column, self.message),
        }
    }
}

impl ScriptError {
    fn new(message: impl Into<String>, position: Position) -> Self {
        Self {
            message: message.into(),
            line: position.line().unwrap_or(0),
            column: if position.line().is_some() { position.position().unwrap_or(0).max(1) } else { 0 },
        }
    }

    fn nowhere(message: impl Into<String>) -> Self {
        Self { message: message.into(), line: 0, column: 0 }
    }
}

fn engine() -> Engine {
    static PACKAGE: LazyLock<Shared<rhai::Module>> = LazyLock::new(|| StandardPackage::new().as_shared_module());
    let mut engine = Engine::new_raw();
    engine.register_global_module(Shared::clone(&PACKAGE));
    engine
        .set_max_operations(MAX_OPERATIONS)
        .set_max_string_size(MAX_TEXT)
        .set_max_array_size(MAX_LIST)
        .set_max_map_size(MAX_FIELDS)
        .set_max_call_levels(24)
        .set_max_expr_depths(48, 24)
        .set_max_functions(200)
        .set_max_variables(256)
        .set_strict_variables(true)
        .disable_symbol("eval");
    engine.on_print(|_| {});
    engine.on_debug(|_, _, _| {});
    engine
}

impl Script {
    /// Reads a script of at most [`MAX_SOURCE`] bytes.
    ///
    /// # Errors
    /// With line and column: what cannot be read, and a name that is nothing.
    pub fn compile(code: &str) -> Result<Self, ScriptError> {
        if code.len() > MAX_SOURCE {
            return Err(ScriptError::nowhere("the script is longer than 1 MiB"));
        }
        static READER: LazyLock<Engine> = LazyLock::new(engine);
        let mut known = Scope::new();
        // Not as a constant: the compiler would put its value in.
        known.push("input", ());
        let ast = READER
            .compile_with_scope(&known, code)
            .map_err(|error| ScriptError::new(unread(error.err_type()), error.position()))?;
        Ok(Self { source: Arc::from(code), ast: Arc::new(ast) })
    }

    /// What was read.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Runs it. Whole numbers are 64-bit; `()` is `null`.
    ///
    /// # Errors
    /// With line and column: what failed, what was thrown, which bound was reached; a result that JSON has no form for.
    pub fn run(&self, input: &Value) -> Result<Value, ScriptError> {
        self.carry_out(input, &engine())
    }

    /// Like `run`, and ends with an error soon after the flag is set.
    ///
    /// # Errors
    /// As `run`.
    pub fn run_until(&self, input: &Value, stop: &Arc<AtomicBool>) -> Result<Value, ScriptError> {
        let mut engine = engine();
        let stop = Arc::clone(stop);
        engine.on_progress(move |_| stop.load(Ordering::Relaxed).then(|| Dynamic::from("stopped")));
        self.carry_out(input, &engine)
    }

    fn carry_out(&self, input: &Value, engine: &Engine) -> Result<Value, ScriptError> {
        let input = to_dynamic(input, 0)?;
        let mut scope = Scope::new();
        scope.push_constant_dynamic("input", input);
        let result: Dynamic = engine.eval_ast_with_scope(&mut scope, &self.ast).map_err(|error| failed(&error))?;
        from_dynamic(&result, 0)
    }
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Script").field(&self.source).finish()
    }
}

impl PartialEq for Script {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Eq for Script {}

fn to_dynamic(value: &Value, depth: usize) -> Result<Dynamic, ScriptError> {
    if depth > MAX_DEPTH {
        return Err(ScriptError::nowhere("the input nests too deeply"));
    }
    Ok(match value {
        Value::Null => Dynamic::UNIT,
        Value::Bool(it) => Dynamic::from_bool(*it),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => Dynamic::from_int(whole),
            (None, Some(float)) if number.is_f64() => Dynamic::from_float(float),
            _ => return Err(ScriptError::nowhere(format!("the input has a number that is too large for a script: {number}"))),
        },
        Value::String(text) => Dynamic::from(ImmutableString::from(text.as_str())),
        Value::Array(list) => Dynamic::from_array(list.iter().map(|it| to_dynamic(it, depth + 1)).collect::<Result<_, _>>()?),
        Value::Object(map) => Dynamic::from_map(
            map.iter()
                .map(|(key, it)| Ok((key.as_str().into(), to_dynamic(it, depth + 1)?)))
                .collect::<Result<_, ScriptError>>()?,
        ),
    })
}

fn from_dynamic(value: &Dynamic, depth: usize) -> Result<Value, ScriptError> {
    if depth > MAX_DEPTH {
        return Err(ScriptError::nowhere("the result nests too deeply"));
    }
    if value.is_unit() {
        return Ok(Value::Null);
    }
    if let Ok(it) = value.as_bool() {
        return Ok(Value::Bool(it));
    }
    if let Ok(it) = value.as_int() {
        return Ok(Value::from(it));
    }
    if let Ok(it) = value.as_float() {
        return Number::from_f64(it)
            .map(Value::Number)
            .ok_or_else(|| ScriptError::nowhere("the result has a number that is not a number, or is infinite"));
    }
    if let Ok(it) = value.as_char() {
        return Ok(Value::from(it.to_string()));
    }
    if let Ok(it) = value.as_immutable_string_ref() {
        return Ok(Value::from(it.as_str()));
    }
    if let Ok(list) = value.as_array_ref() {
        return list.iter().map(|it| from_dynamic(it, depth + 1)).collect::<Result<_, _>>().map(Value::Array);
    }
    if let Ok(map) = value.as_map_ref() {
        let fields = map.iter().map(|(key, it)| Ok((key.to_string(), from_dynamic(it, depth + 1)?)));
        return fields.collect::<Result<Map<_, _>, ScriptError>>().map(Value::Object);
    }
    Err(ScriptError::nowhere(format!("the result has something that JSON has no form for: {}", kind(value.type_name()))))
}

/// Rhai's names of types in plain words.
fn kind(name: &str) -> &str {
    match name {
        "()" => "nothing",
        "i64" => "a whole number",
        "f64" => "a number with a fraction",
        "string" | "&str" | "ImmutableString" | "&str | ImmutableString | String" => "text",
        "char" => "a character",
        "bool" => "yes or no",
        "array" => "a list",
        "map" => "an object",
        "blob" => "bytes",
        "Fn" => "a function",
        "range" | "range=" => "a range",
        other => other,
    }
}

fn unread(error: &ParseErrorType) -> String {
    match error {
        ParseErrorType::UnexpectedEOF => "the script ends in the middle of something".to_owned(),
        ParseErrorType::MissingToken(token, what) if what.is_empty() => format!("`{token}` is missing"),
        ParseErrorType::MissingToken(token, what) => format!("`{token}` is missing {what}"),
        ParseErrorType::VariableUndefined(name) => format!("there is no variable `{name}`; the data is in `input`"),
        ParseErrorType::Reserved(name) => format!("`{name}` is not available in a script"),
        ParseErrorType::AssignmentToConstant(name) => format!("`{name}` cannot be changed; copy it first: `let copy = {name};`"),
        ParseErrorType::ExprTooDeep => "the expression nests too deeply".to_owned(),
        ParseErrorType::TooManyFunctions => "the script has too many functions".to_owned(),
        ParseErrorType::LiteralTooLarge(what, most) => format!("{what} is larger than {most}"),
        other => {
            let text = in_a_line(&other.to_string());
            match text.strip_prefix("reserved keyword '").and_then(|it| it.strip_suffix("' is disabled")) {
                Some(name) => format!("`{name}` is not available in a script"),
                None => text,
            }
        }
    }
}

/// A sentence of Rhai's as a part of one of ours.
fn in_a_line(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let text = text.rsplit_once(" (line ").map_or(&*text, |(before, _)| before).trim_end_matches('.');
    let mut chars = text.chars();
    match (chars.next(), chars.clone().next()) {
        (Some(first), Some(second)) if second.is_lowercase() => first.to_lowercase().chain(chars).collect(),
        _ => text.to_owned(),
    }
}

fn failed(error: &EvalAltResult) -> ScriptError {
    use EvalAltResult as E;
    let position = error.position();
    let message = match error {
        E::ErrorInFunctionCall(name, _, inner, _) => {
            let inner = failed(inner);
            if inner.line > 0 {
                return ScriptError { message: format!("in `{name}`: {}", inner.message), ..inner };
            }
            format!("in `{name}`: {}", inner.message)
        }
        E::ErrorParsing(error, _) => unread(error),
        E::ErrorVariableNotFound(name, _) => format!("there is no variable `{name}`; the data is in `input`"),
        E::ErrorPropertyNotFound(name, _) => format!("there is no field `{name}`"),
        E::ErrorIndexNotFound(key, _) => format!("there is no `{key}`"),
        E::ErrorFunctionNotFound(signature, _) => no_function(signature),
        E::ErrorMismatchDataType(wanted, given, _) | E::ErrorMismatchOutputType(wanted, given, _) => {
            format!("{} is needed here, and this is {}", kind(wanted), kind(given))
        }
        E::ErrorIndexingType(name, _) => format!("{} has no parts", kind(name.split(' ').next().unwrap_or(name))),
        E::ErrorArrayBounds(0, ..) => "the list is empty".to_owned(),
        E::ErrorArrayBounds(length, index, _) => format!("the list has {length} items, so there is no item {index}"),
        E::ErrorStringBounds(length, index, _) => format!("the text has {length} characters, so there is no character {index}"),
        E::ErrorFor(_) => "`for` goes over a list, a text or a range".to_owned(),
        E::ErrorAssignmentToConstant(name, _) => format!("`{name}` cannot be changed; copy it first: `let copy = {name};`"),
        E::ErrorNonPureMethodCallOnConstant(name, _) => {
            format!("`{name}` would change what cannot be changed; copy it first: `let copy = input;`")
        }
        E::ErrorArithmetic(what, _) => in_a_line(what),
        E::ErrorTooManyOperations(_) => format!("the script takes more than {} million operations", MAX_OPERATIONS / 1_000_000),
        E::ErrorTooManyVariables(_) => "the script has too many variables".to_owned(),
        E::ErrorStackOverflow(_) => "functions call each other too deeply".to_owned(),
        E::ErrorDataTooLarge(what, _) if what.contains("string") => "a text is longer than 1 MiB".to_owned(),
        E::ErrorDataTooLarge(what, _) if what.contains("map") => format!("an object has more than {MAX_FIELDS} fields"),
        E::ErrorDataTooLarge(..) => format!("a list has more than {MAX_LIST} items"),
        E::ErrorDotExpr(what, _) => match what.split('\'').nth(1) {
            Some(name) => format!("there is no field `{name}` here"),
            None => in_a_line(what),
        },
        E::ErrorTerminated(..) => "the script was stopped".to_owned(),
        E::ErrorRuntime(thrown, _) if thrown.is_unit() => "the script threw an error".to_owned(),
        E::ErrorRuntime(thrown, _) => from_dynamic(thrown, 0).map_or_else(
            |_| "the script threw an error".to_owned(),
            |it| super::value::to_text(&it).chars().take(1000).collect(),
        ),
        E::ErrorForbiddenVariable(name, _) => format!("`{name}` is not available in a script"),
        other => in_a_line(&other.to_string()),
    };
    ScriptError::new(message, position)
}

/// `foo (i64, string)` in plain words.
fn no_function(signature: &str) -> String {
    let (name, rest) = signature.split_once('(').unwrap_or((signature, ""));
    let name = name.trim();
    let kinds: Vec<&str> = rest.trim_end_matches(')').split(',').map(str::trim).filter(|it| !it.is_empty()).map(kind).collect();
    match (name.starts_with(|it: char| it.is_alphabetic() || it == '_'), kinds.as_slice()) {
        (false, [left, right]) => format!("`{name}` does not go with {left} and {right}"),
        (_, []) => format!("there is no function `{name}()`"),
        _ => format!("there is no function `{name}` for {}", kinds.join(", ")),
    }
}
