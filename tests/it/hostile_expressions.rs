//! Expressions, texts and scripts of up to 1 MB, and small ones that would make or do too much: an error at its place, or a value,
//! in bounded time and memory; in `check` and in a run.
use serde_json::{Value, json};

use crate::support::binary::Home;
use crate::support::files::{flow_file, manual, setting};

/// Some of the sources become hundreds of thousands of parts.
const MEMORY: u64 = 1200;
/// The longest sources are about this long.
const MEGABYTE: usize = 1_000_000;
/// The others: a debug build takes its time.
const LONG: usize = MEGABYTE / 5;

/// So often that it is a megabyte long.
fn megabyte(text: &str) -> String {
    text.repeat(MEGABYTE / text.len())
}

/// So often that it is long.
fn many(text: &str) -> String {
    text.repeat(LONG / text.len())
}

/// So often that it is long together with its counterpart.
fn nested(open: &str, core: &str, close: &str) -> String {
    let times = LONG / (open.len() + close.len());
    format!("{}{core}{}", open.repeat(times), close.repeat(times))
}

/// One for each number.
fn each(count: usize, one: impl Fn(usize) -> String) -> String {
    (0..count).map(one).collect::<Vec<_>>().concat()
}

/// What came of it in `check`, and, where that is fine, in a run.
fn tried(home: &Home, name: &str, file: &str) -> (String, Option<Value>) {
    home.write("a.flowyard", file);
    let checked = home.run_in(MEMORY, &["check", "a.flowyard", "--json"]);
    assert!([0, 3].contains(&checked.code), "{name}: {}\n{}", checked.code, checked.stderr);
    let problem = checked.objects().into_iter().find(|it| it["event"] == "problem");
    let mut message = String::new();
    if let Some(problem) = &problem {
        problem["message"].as_str().expect("words").clone_into(&mut message);
        assert_eq!(problem["node"], "set", "{name}: {problem}");
        assert!(problem["line"].as_u64() > Some(1) && message.len() < 700, "{name}: {problem}");
    }
    let mut outcome = None;
    if checked.code == 0 {
        let ran = home.run_in(MEMORY, &["run", "a.flowyard", "--sandbox", "--json"]);
        assert!([0, 1].contains(&ran.code), "{name}: {}\n{}\n{}", ran.code, ran.stderr, ran.stdout.len());
        let objects = ran.objects();
        let failed = objects.iter().find(|it| it["entry"]["e"] == "step_failed");
        assert_eq!(failed.is_some(), ran.code == 1, "{name}");
        if let Some(failed) = failed {
            assert_eq!(failed["entry"]["step"]["n"], "set", "{name}");
            assert!(failed.to_string().len() < 3000, "{name}: the failure is short");
        }
        outcome = Some(failed.map_or(Value::Null, |it| it["entry"]["failure"].clone()));
    }
    (message, outcome)
}

#[test]
fn long_expressions_are_refused_with_a_place() {
    let home = Home::new();
    for (name, source, words) in [
        ("parentheses", nested("(", "1", ")"), "nested too deeply"),
        ("open parentheses", megabyte("("), "nested too deeply"),
        ("lists", nested("[", "", "]"), "nested too deeply"),
        ("indices within indices", nested("start[", "0", "]"), "nested too deeply"),
        ("conditions", format!("{}1", many("1 if start else ")), "nested too deeply"),
        ("filters", format!("start{}", megabyte("|lower")), "too long for one expression"),
        ("sums", format!("1{}", many("+1")), "too long for one expression"),
        ("joins", format!("1{}", many("~1")), "too long for one expression"),
        ("conjunctions", format!("1{}", many(" and 1")), "too long for one expression"),
        ("defaults", format!("start.x{}", many("|default(start.y)")), "too long for one expression"),
        ("slices", format!("start{}", many("[0:1]")), "too long for one expression"),
        ("steps", format!("start{}", many(".a")), "path is too long"),
        ("indices", format!("start{}", many("[0]")), "path is too long"),
        ("a filter's name", format!("start|{}", megabyte("x")), "there is no filter `xxx"),
        ("a function's name", format!("{}()", many("x")), "there is no function `xxx"),
        ("a step's name", megabyte("x"), "there is no step \"xxx"),
        ("names", format!("[{}]", each(30_000, |it| format!("a{it},"))), "there is no step \"a0\""),
        ("open text", format!("'{}", megabyte("x")), "this text is never closed"),
        ("digits", many("1"), "this number is too large"),
        ("signs", many("“"), "means nothing here"),
        ("a pattern", format!("'a' is matches('{}')", many("(a|b)")), "longer than 4096 bytes"),
        ("more than a megabyte", "x".repeat(1024 * 1024 + 1), "longer than 1 MiB"),
    ] {
        let (message, _) = tried(&home, name, &setting(&json!({ "expr": source })));
        assert!(message.contains(words), "{name}: {message}");
    }
    let far = format!("[{}start.]", "1,".repeat(80_000));
    let (message, _) = tried(&home, "a place far within", &setting(&json!({ "expr": far })));
    assert!(message.contains("(line 1, column 160008 of it)"), "{message}");
}

#[test]
fn long_expressions_that_are_right_have_a_value() {
    let home = Home::new();
    for (name, source) in [
        ("a list", format!("[{}1]", many("1,"))),
        ("a list of paths", format!("[{}start]", megabyte("start,"))),
        ("an object", format!("{{{}'z': 1}}", each(12_000, |it| format!("'k{it}': start,")))),
        ("a text", format!("'{}'", "x".repeat(MEGABYTE))),
        ("negations", format!("{}1", many("not "))),
        ("signs", format!("{}1", many("-"))),
        ("blanks", format!("{}1", many(" "))),
    ] {
        let (message, outcome) = tried(&home, name, &setting(&json!({ "expr": source })));
        assert_eq!((message.as_str(), outcome), ("", Some(Value::Null)), "{name}");
    }
    let missing = format!("coalesce({}start.x)", many("start.x,"));
    let (_, outcome) = tried(&home, "alternatives that are all missing", &setting(&json!({ "expr": missing })));
    assert_eq!(outcome.expect("a run")["kind"], "mapping");
}

#[test]
fn long_texts_are_refused_with_a_place_or_have_a_value() {
    let home = Home::new();
    for (name, source, words) in [
        ("braces", megabyte("{"), "this `{{` is never closed"),
        ("an open value", format!("{{{{ {}", many("x")), "this `{{` is never closed"),
        ("open conditions", many("{% if start %}"), "nested too deeply"),
        ("conditions", nested("{% if start %}", "", "{% endif %}"), "nested too deeply"),
        ("loops", many("{% for a in start %}"), "nested too deeply"),
        ("other conditions", format!("{{% if start %}}{}{{% endif %}}", many("{% elif start %}")), "too many `{% elif %}`"),
        ("open comments", many("{# "), "this comment is never closed"),
        ("open raws", format!("{{% raw %}}{}", many("{% endra")), "this `{% raw %}` is never ended"),
        ("a statement's name", format!("{{% {} %}}", many("x")), "there is no `{% xxx"),
        ("values", megabyte("{{ start }}"), ""),
        ("sums", many("{{ 1+1 }}"), ""),
        ("values and conditions", many("a{{ start }}b{% if start %}c{% endif %}"), ""),
        ("comments", many("{# a #}"), ""),
        ("raws", many("{% raw %}{% endraw %}"), ""),
        ("trims", many("{{- start -}} "), ""),
    ] {
        let (message, outcome) = tried(&home, name, &setting(&json!({ "text": source })));
        assert_eq!(message.is_empty(), words.is_empty(), "{name}: {message}");
        assert!(message.contains(words), "{name}: {message}");
        assert!(outcome.is_none_or(|it| it.is_null()), "{name}");
    }
}

#[test]
fn what_would_do_or_make_too_much_fails_at_its_step_and_in_time() {
    let home = Home::new();
    for (name, binding) in [
        (
            "loops",
            json!({ "text": "{% for a in range(90000) %}{% for b in range(90000) %}{% for c in range(90000) %}{% endfor %}{% endfor %}{% endfor %}" }),
        ),
        ("output", json!({ "text": format!("{{% for a in range(90000) %}}{}{{% endfor %}}", "x".repeat(1000)) })),
        ("work in very many values", json!({ "text": many("{{ range(90000) | sort | json | hash }}") })),
        ("work in very many sums", json!({ "text": many("{{ (range(90000) | sort | json | hash) ~ '' }}") })),
        ("memory in very many sums", json!({ "text": many("{{ ('x' * 16000000) | length + 1 }}") })),
        ("a long text", json!({ "expr": "'x' * 1000000000" })),
        ("a long list", json!({ "expr": "[1] * 1000000000" })),
        ("a power", json!({ "expr": "9 ** 9 ** 9 ** 9" })),
        ("very many copies", json!({ "list": vec![json!({ "expr": "'x' * 16000000" }); 1000] })),
        (
            "very many copies in an object",
            json!({ "object": { "a": { "list": vec![json!({ "expr": "'x' * 16000000" }); 1000] } } }),
        ),
    ] {
        let (_, outcome) = tried(&home, name, &setting(&binding));
        let failure = outcome.unwrap_or_else(|| panic!("{name}: it is right, and runs"));
        let kind = failure["kind"].as_str().unwrap_or_default();
        assert!(kind == "limit" || (name == "a power" && kind == "mapping"), "{name}: {failure}");
        assert!(failure["title"].as_str().is_some_and(|it| it.contains("Set it")), "{name}: {failure}");
        assert!(failure["at"].as_str().is_some_and(|it| it.starts_with("fields.value")), "{name}: {failure}");
    }
}

#[test]
fn long_scripts_and_such_without_end_are_stopped() {
    let home = Home::new();
    let script = |code: &str| {
        let nodes = json!({ "start": manual(), "set": { "name": "Set it", "kind": "script", "code": code } });
        flow_file("script", &nodes, &["start -> set"])
    };
    for (name, code, words) in [
        ("blocks", megabyte("{"), "nests too deeply"),
        ("parentheses", many("("), "nests too deeply"),
        ("lists", nested("[", "", "]"), "nests too deeply"),
        ("sums", format!("1{}", many("+1")), "nests too deeply"),
        ("calls", format!("input{}", many(".len()")), "nests too deeply"),
        ("conditions", format!("if true {{}}{}", many(" else if true {}")), "nests too deeply"),
        ("texts within texts", many("`${"), "nests too deeply"),
        ("functions", each(60_000, |it| format!("fn f{it}(){{}}")), "too many functions"),
    ] {
        let (message, _) = tried(&home, name, &script(&code));
        assert!(message.contains(words), "{name}: {message}");
    }
    for (name, code) in [
        ("a loop", "loop {}"),
        ("recursion", "fn f(x) { f(x) + f(x) } f(1)"),
        ("a growing list", "let a = []; loop { a.push(a) }"),
        ("a growing text", "let a = \"x\"; loop { a += a }"),
        ("a growing object", "let a = #{}; let i = 0; loop { i += 1; a[`k${i}`] = a }"),
    ] {
        let (message, outcome) = tried(&home, name, &script(code));
        let failure = outcome.unwrap_or_else(|| panic!("{name}: {message}"));
        assert!(failure["detail"].as_str().is_some_and(|it| it.starts_with("line 1, column")), "{name}: {failure}");
    }
}
