//! Expressions, texts and scripts over any data: read, checked, evaluated.
//!
//! The input is a source, and behind a line `---` the data as a JSON object, each field of which is a root.
use std::sync::{Arc, LazyLock};

use flowyard::catalog::Catalog;
use flowyard::expr::script::Script;
use flowyard::expr::{Data, EvalError, Expr, MAX_OUTPUT, Reference, Text, parse_duration, parse_time, parse_zone};
use flowyard::flow::{Binding, CheckContext, Edge, Flow, Missing, Node, NodeKind, Severity, Source, Trigger};
use flowyard::record::bounds;
use flowyard::run::Program;
use serde_json::{Value, json};

/// What there is to speak of where the input has no data.
static USUAL: LazyLock<Value> = LazyLock::new(|| {
    json!({
        "contact": {"name": "anna o'brien", "email": " A@B.c ", "tags": ["vip", "new"], "nothing": null, "score": 7, "first name": "Anna"},
        "n": 5, "text": "a,b;c", "when": "2026-03-29T01:30:00Z", "list": [3, 1, 2], "table": {"london": {"zone": "Europe/London"}},
    })
});

pub(crate) fn run(data: &[u8]) {
    let Ok(input) = std::str::from_utf8(data) else { return };
    let (source, given) = match input.split_once("\n---\n") {
        Some((source, given)) if bounds::beyond(given.as_bytes()).is_none() => (source, serde_json::from_str(given).ok()),
        Some((source, _)) => (source, None),
        None => (input, None),
    };
    let scope = scope(given.as_ref().unwrap_or(&USUAL));
    if let Ok(expr) = Expr::parse(source) {
        references(source, expr.references(), |from, to| expr.rename_root(from, to));
        let alone = expr.eval(&scope);
        bounded(&alone);
        // The same on the way through the machine, as far as the bounds of work let it come.
        if let Ok(listed) = Expr::parse(&format!("[{source}]"))
            && let (Ok(alone), Ok(listed)) = (&alone, listed.eval(&scope))
        {
            assert_eq!(json!([alone]), listed, "alone and in a list");
        }
    }
    if let Ok(text) = Text::parse(source) {
        references(source, text.references(), |from, to| text.rename_root(from, to));
        let value = text.eval(&scope);
        bounded(&value);
        if text.is_literal() {
            assert_eq!(value, Ok(Value::from(source)));
        }
        assert!(value.is_err() || value.is_ok_and(|it| it.is_string()), "a text gives text");
    }
    if let Ok(script) = Script::compile(source) {
        // Its own bounds end it; it may do more than an expression.
        let _result = script.run(scope_value(given.as_ref()));
    }
    let zone = jiff::tz::TimeZone::UTC;
    let _read = (parse_time(source, &zone), parse_duration(source), parse_zone(source));
    in_a_flow(source);
}

fn scope_value(given: Option<&Value>) -> &Value {
    given.unwrap_or(&USUAL)
}

fn scope(given: &Value) -> Data {
    let now = "2026-11-23T09:30:00Z".parse().expect("a time");
    given.as_object().into_iter().flatten().fold(Data::new(now), |data, (name, value)| data.with(name, value.clone()))
}

/// Each reference stands where it says, and is renamed there and back.
fn references(source: &str, references: &[Reference], rename: impl Fn(&str, &str) -> String) {
    for reference in references.iter().take(20) {
        let written = source.get(reference.span.clone()).expect("a part of the source");
        assert!(written.starts_with(reference.root()), "{written:?} is not {reference}");
        assert_eq!(rename(reference.root(), reference.root()), source);
    }
    assert_eq!(rename("not_there_at_all", "other"), source);
}

fn bounded(value: &Result<Value, EvalError>) {
    match value {
        // What is handed on may be larger than what is made, and data is bounded by whoever gave it.
        Ok(value) => assert!(value.to_string().len() <= 8 * MAX_OUTPUT),
        Err(EvalError::Missing { path, .. }) => assert!(path.chars().count() <= 301),
        Err(EvalError::Failed { message, .. } | EvalError::Limit { message }) => {
            assert!(!message.is_empty() && message.chars().count() <= 301, "{message}");
        }
    }
}

/// A flow that a check finds no error in can be made ready.
fn in_a_flow(source: &str) {
    static CATALOG: LazyLock<Catalog> = LazyLock::new(Catalog::default);
    let binding = |source| Binding { source, missing: Missing::Skip, names: Vec::new() };
    for source in [Source::Expr(source.to_owned()), Source::Text(source.to_owned())] {
        let mut flow = Flow::new("f", "F");
        let kinds = [
            ("contact", NodeKind::Trigger(Trigger::Manual { sample: Value::Null })),
            ("set", NodeKind::Set { fields: [("a", binding(source))].into() }),
        ];
        for (id, kind) in kinds {
            flow.nodes.insert(id.into(), Arc::new(Node { name: id.to_owned(), muted: false, kind }));
        }
        flow.edges.insert(Edge { from: "contact".into(), port: "out".into(), to: "set".into() });
        let problems = flow.check(&CATALOG, &CheckContext::default());
        let program = Program::compile(&flow, &CATALOG);
        if problems.iter().all(|it| it.severity != Severity::Error) {
            assert!(program.is_ok(), "{program:?}");
        }
    }
}
