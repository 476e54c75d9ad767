//! Hostile and random input.
use proptest::prelude::*;
use serde_json::{Map, Number};

use super::*;

fn limited(source: &str) -> String {
    match eval(source) {
        Err(EvalError::Limit { message }) => message,
        other => panic!("{source}: {:?}", other.map(|it| it.to_string().len())),
    }
}

#[test]
fn work_and_results_are_bounded() {
    for source in [
        "'x' * 1000000000",
        "'x' * 20000000",
        "[1] * 1000000000",
        "[1] * 5000000",
        "range(1000000000)",
        "'x' | pad(1000000000)",
        "('x' * 100000) | replace('x', 'y' * 10000)",
        "('x' * 100000) | replace_text('x', 'y' * 10000)",
        "('x' * 1000) | replace('.*', '$0' * 100000)",
        "range(100000) | join('x' * 1000)",
        "('x' * 8000000) ~ ('x' * 8000000) ~ ('x' * 8000000)",
        "('a,' * 5000000) | split(',')",
        "[range(100000)] * 100000",
    ] {
        let message = limited(source);
        assert!(
            message.contains("larger") || message.contains("more work") || message.contains("at most"),
            "{source}: {message}"
        );
    }
    let text = "{% for a in range(10000) %}{% for b in range(10000) %}{{ a }}{% endfor %}{% endfor %}";
    assert!(matches!(super::text(text), Err(EvalError::Limit { .. })));
    let text = "{% for a in range(1000) %}{{ range(100000) | sort | json | hash }}{% endfor %}";
    assert!(matches!(super::text(text), Err(EvalError::Limit { .. })));
    let text = format!("{{% for a in range(1000) %}}{{{{ '{}' }}}}{{% endfor %}}", "x".repeat(20_000));
    assert!(matches!(super::text(&text), Err(EvalError::Limit { .. })));
    let text = format!("{}{{{{ n }}}}", "x".repeat(1000));
    assert_eq!(super::text(&text).map(|it| it.as_str().map(str::len)), Ok(Some(1001)));
}

#[test]
fn patterns_are_bounded() {
    for pattern in ["(a{1000}){1000}", "\\w{5000}{5000}"] {
        let error = Expr::parse(&format!("n | replace('{pattern}', '')")).expect_err("it is too large");
        assert_eq!(error.message, "the pattern is too large");
    }
    // Not known when read.
    assert!(matches!(eval("'a' | replace('(a{1000})' ~ '{1000}', '')"), Err(EvalError::Failed { .. })));
    // What other engines take for ever for.
    assert_eq!(eval("('a' * 30000) is matches('(a+)+$b')"), Ok(json!(false)));
}

#[test]
fn a_large_sample_costs_only_what_is_used() {
    let contacts: Vec<Value> =
        (0..60_000).map(|it| json!({"id": it, "name": format!("name {it}"), "email": "someone@example.com"})).collect();
    let scope = Data::new(now()).with("big", json!({"contacts": contacts, "one": {"email": "A@B.c"}}));
    let eval = |source: &str| Expr::parse(source).expect("it is right").eval(&scope);
    let start = std::time::Instant::now();
    for _ in 0..500 {
        assert_eq!(eval("big.one.email | lower"), Ok(json!("a@b.c")));
        assert_eq!(eval("big.contacts[59999].id + 1"), Ok(json!(60_000)));
        assert_eq!(eval("(big.contacts | length) + (big.contacts | last).id"), Ok(json!(119_999)));
    }
    // Copying the sample takes tens of milliseconds, so 1,500 copies would take minutes.
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
    assert_eq!(eval("big.contacts | map('id') | sum"), Ok(json!(59_999_i64 * 30_000)));
}

#[test]
fn messages_and_paths_are_short_however_long_what_they_speak_of_is() {
    let long = "é".repeat(100_000);
    for source in [format!("n | {long}"), format!("{long}()"), format!("n is {long}"), format!("{{'{long}': 1, '{long}': 2}}")] {
        let error = Expr::parse(&source).expect_err("it is wrong");
        assert!(error.message.chars().count() <= 301 && error.message.contains("éé…éé"), "{}", error.message);
    }
    for source in [
        format!("contact.{long}"),
        format!("contact['{long}']"),
        format!("table[contact.city].{long}"),
        format!("[] | first | default(n.{long})"),
    ] {
        match eval(&source) {
            Err(EvalError::Missing { path, .. }) => assert!(path.chars().count() <= 301 && path.contains('…'), "{path}"),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(clipped("short"), "short");
}

#[test]
fn the_values_of_a_text_share_one_measure_of_work() {
    for one in ["{{ range(90000) | sort | json | hash }}", "{{ (range(90000) | sort | json | hash) ~ '' }}"] {
        assert!(text(one).is_ok(), "{one}");
        assert!(matches!(text(&one.repeat(1000)), Err(EvalError::Limit { .. })), "{one}");
    }
    // Of those that the machine works out, the first few have a measure each; the value is the same either way.
    let few = |count: usize| "{{ n + 1 }},{{ contact.tags | join('-') }};".repeat(count);
    for count in [1, 8, 9, 100] {
        assert_eq!(text(&few(count)), Ok(Value::from("6,vip-new;".repeat(count))));
    }
    let missing = format!("{}{{{{ contact.gone }}}}", few(50));
    assert!(matches!(text(&missing), Err(EvalError::Missing { path, .. }) if path == "contact.gone"));
}

fn json_value(float: impl Strategy<Value = f64> + 'static) -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        float.prop_map(|it| Number::from_f64(it).map_or(Value::Null, Value::Number)),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 48, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..6)
                .prop_map(|it| Value::Object(it.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// Text that looks like the language.
fn source() -> impl Strategy<Value = String> {
    let filters: Vec<String> = functions().iter().map(|it| it.name.to_owned()).collect();
    let word = prop_oneof![
        prop::sample::select(vec![
            "contact",
            "n",
            "table",
            "now()",
            "'text'",
            "'%d %b'",
            "'Europe/London'",
            "'a.b'",
            "1",
            "-1",
            "0",
            "1.5",
            "9223372036854775807",
            "18446744073709551615",
            "1e300",
            "null",
            "true",
            "[1, 2]",
            "{'a': 1}",
            "'2026-03-29T01:30:00'",
            "'1 day'",
            "'+44 20 7946 0958'",
            "''",
            "[]",
            "{}",
            "'ü'",
            "contact.tags",
            "contact.emails",
            "contact.name",
            "contact.nothing",
            "loop.index",
            "x",
            "'(a'",
            "'month'",
        ])
        .prop_map(str::to_owned),
        prop::sample::select(vec![
            "+",
            "-",
            "*",
            "/",
            "//",
            "%",
            "**",
            "~",
            "==",
            "!=",
            "<",
            "<=",
            ">",
            ">=",
            "and",
            "or",
            "not",
            "in",
            "not in",
            "if",
            "else",
            "is",
            "is not",
            "|",
            ".",
            ",",
            "(",
            ")",
            "[",
            "]",
            "{",
            "}",
            ":",
            "?",
            "=",
            "'",
            "\"",
            "\\",
            "{{",
            "}}",
            "{%",
            "%}",
            "{#",
            "#}",
            "{% if n %}",
            "{% endif %}",
            "{% for x in contact.tags %}",
            "{% endfor %}",
            "{% else %}",
            "-",
            "[1:]",
            "[-5:2]",
            "[0]",
        ])
        .prop_map(str::to_owned),
        prop::sample::select(filters.clone()).prop_map(|it| format!("| {it}")),
        prop::sample::select(filters).prop_map(|it| format!("{it}(")),
        any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(word, 0..14).prop_map(|it| it.join(" "))
}

/// Sources that are always right, over values and filters that may not fit.
fn right() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "contact",
        "contact.tags",
        "contact.emails",
        "contact.name",
        "contact.nothing",
        "contact.gone",
        "contact.emails[0]",
        "n",
        "table",
        "now()",
        "'text'",
        "'%d %b'",
        "'Europe/London'",
        "'address'",
        "1",
        "-1",
        "0",
        "1.5",
        "9223372036854775807",
        "-9223372036854775808",
        "18446744073709551615",
        "1e300",
        "null",
        "true",
        "[1, 2]",
        "{'a': 1}",
        "'2026-03-29T01:30:00'",
        "'1 day'",
        "'+44 20 7946 0958'",
        "''",
        "[]",
        "{}",
        "'ü'",
        "'(a'",
        "'month'",
        "'-9999 years'",
        "'0x'",
        "range(3)",
        "contact.gone?",
        "'9999-12-31T23:59:59Z'",
        "'0001-01-01'",
    ])
    .prop_map(str::to_owned);
    let calls: Vec<_> = functions().to_vec();
    leaf.prop_recursive(4, 24, 4, move |inner| {
        let call = (prop::sample::select(calls.clone()), prop::collection::vec(inner.clone(), 4)).prop_map(|(help, values)| {
            let parameters = help.signature.matches([',', '(']).count() - usize::from(help.signature.ends_with("()"));
            let arguments = values.get(1..=parameters.min(3)).unwrap_or_default().join(", ");
            match help.kind {
                Kind::Filter => format!("({} | {}({arguments}))", values[0], help.name),
                Kind::Function => format!("{}({arguments})", help.name),
                Kind::Test => format!("({} is {}({arguments}))", values[0], help.name),
            }
        });
        let operators = vec!["+", "-", "*", "/", "//", "%", "**", "~", "==", "!=", "<", ">=", "and", "or", "in", "not in"];
        prop_oneof![
            4 => call,
            3 => (inner.clone(), prop::sample::select(operators), inner.clone()).prop_map(|(a, it, b)| format!("({a} {it} {b})")),
            1 => (inner.clone(), inner.clone(), inner.clone()).prop_map(|(a, b, c)| format!("({a} if {b} else {c})")),
            1 => (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a})[{b}]")),
            1 => (inner.clone(), inner.clone(), inner.clone()).prop_map(|(a, b, c)| format!("({a})[{b}:{c}]")),
            1 => inner.clone().prop_map(|it| format!("-({it})")),
            1 => inner.clone().prop_map(|it| format!("(not {it})")),
            1 => inner.clone().prop_map(|it| format!("({it} | default('x'))")),
            1 => (inner.clone(), inner).prop_map(|(a, b)| format!("[{a}, {{'k': {b}}}]")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read_or_refused(source in any::<String>()) {
        let _expr = Expr::parse(&source);
        let _text = Text::parse(&source);
        let _time = parse_time(&source, &jiff::tz::TimeZone::UTC);
        let _duration = parse_duration(&source);
        let _zone = parse_zone(&source);
    }

    #[test]
    fn what_looks_like_the_language_is_evaluated_or_refused(source in source()) {
        if let Ok(expr) = Expr::parse(&source) {
            let _value = expr.eval(&data());
            prop_assert_eq!(expr.rename_root("contact", "contact"), source.as_str());
        }
        if let Ok(text) = Text::parse(&source) {
            let _value = text.eval(&data());
            prop_assert_eq!(text.rename_root("contact", "contact"), source.as_str());
        }
        let wrapped = format!("a {{{{ {source} }}}} b");
        if let Ok(text) = Text::parse(&wrapped) {
            let _value = text.eval(&data());
        }
    }

    #[test]
    fn what_is_right_is_evaluated_without_a_panic(source in right()) {
        if let Ok(expr) = Expr::parse(&source) {
            let alone = expr.eval(&data());
            // The same value on the way through the machine, and as text.
            let listed = Expr::parse(&format!("[{source}]")).expect("it is right in a list too").eval(&data());
            match (alone, listed) {
                (Ok(alone), Ok(listed)) => prop_assert_eq!(json!([alone]), listed),
                (Err(alone), Err(listed)) => prop_assert_eq!(std::mem::discriminant(&alone), std::mem::discriminant(&listed)),
                (alone, listed) => prop_assert!(false, "{source}: {alone:?} but {listed:?}"),
            }
            let text = Text::parse(&format!("{{% if true %}}{{{{ {source} }}}}{{% endif %}}")).expect("it is right in text too");
            let _value = text.eval(&data());
        }
    }

    #[test]
    fn a_path_gives_exactly_what_lies_there(value in json_value(any::<f64>())) {
        let scope = Data::new(now()).with("v", value.clone()).with("w", json!({"a": [1, value]}));
        for source in ["v", "w.a[1]", "w['a'][-1]", "[v][0]", "(v)", "v | default(v)", "{'k': v}.k", "v if true else 1", "[v] | first"] {
            let got = Expr::parse(source).expect("it is right").eval(&scope);
            // `default` takes null for missing, and then it is null again.
            prop_assert_eq!(got.as_ref(), Ok(&value), "{}", source);
        }
    }

    #[test]
    fn text_becomes_json_and_comes_back(value in json_value(any::<i32>().prop_map(|it| f64::from(it) / 4.0))) {
        let scope = Data::new(now()).with("v", value.clone());
        let got = Expr::parse("v | json | parse_json").expect("it is right").eval(&scope).expect("it is JSON");
        prop_assert_eq!(got.to_string(), value.to_string());
    }

    #[test]
    fn base64_and_urls_come_back(text in any::<String>()) {
        let scope = Data::new(now()).with("v", Value::from(text.as_str()));
        for source in ["v | base64 | base64_decode", "v | url_encode | url_decode", "v | reverse | reverse"] {
            prop_assert_eq!(Expr::parse(source).expect("it is right").eval(&scope), Ok(Value::from(text.as_str())), "{}", source);
        }
    }

    #[test]
    fn a_root_is_renamed_and_back(source in right()) {
        if let Ok(expr) = Expr::parse(&source) {
            let there = expr.rename_root("contact", "somebody_else");
            let renamed = Expr::parse(&there).expect("it is still right");
            prop_assert!(renamed.references().iter().all(|it| it.root() != "contact"));
            prop_assert_eq!(renamed.references().len(), expr.references().len());
            prop_assert_eq!(renamed.rename_root("somebody_else", "contact"), source);
        }
    }

    #[test]
    fn numbers_that_may_be_telephones_never_panic(text in "(tel:)?[+]?[0-9(). -]{0,24}", region in "(GB|US|DE|AU|IN|BR|IT|AR|MX)?") {
        let scope = Data::new(now()).with("v", Value::from(text)).with("r", Value::from(region));
        let _value = Expr::parse("v | phone").expect("it is right").eval(&scope);
        let _value = Expr::parse("v | phone(r)").expect("it is right").eval(&scope);
    }
}
