//! The language as a whole.
mod dates;
mod hostile;
mod reading;
mod scripts;
mod texts;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::*;

fn now() -> Timestamp {
    "2026-11-23T09:30:00Z".parse().expect("a time")
}

fn data() -> Data {
    Data::new(now())
        .with(
            "contact",
            json!({
                "name": "anna maria o'brien",
                "email": " Anna@Example.COM ",
                "city": "london",
                "nothing": null,
                "empty": "",
                "first name": "Anna",
                "score": 7,
                "tags": ["vip", "new"],
                "emails": [{"address": "a@example.com"}, {"address": "b@example.com", "main": true}],
            }),
        )
        .with("table", json!({"london": {"zone": "Europe/London"}, "paris": {}}))
        .with("n", json!(5))
}

/// Something many times on both sides.
fn nested(open: &str, core: &str, close: &str, times: usize) -> String {
    format!("{}{core}{}", open.repeat(times), close.repeat(times))
}

fn eval(source: &str) -> Result<Value, EvalError> {
    Expr::parse(source).unwrap_or_else(|error| panic!("{source}: {error}")).eval(&data())
}

fn text(source: &str) -> Result<Value, EvalError> {
    Text::parse(source).unwrap_or_else(|error| panic!("{source}: {error}")).eval(&data())
}

fn missing(source: &str) -> String {
    match eval(source) {
        Err(EvalError::Missing { path, span }) => format!("{path} @ {}", &source[span]),
        other => panic!("{source}: {other:?}"),
    }
}

#[test]
fn every_example_gives_what_its_help_says() {
    for help in functions() {
        let wanted: Value = serde_json::from_str(help.result).unwrap_or_else(|error| panic!("{}: {error}", help.name));
        let expr = Expr::parse(help.example).unwrap_or_else(|error| panic!("{}: {error}", help.name));
        let got = expr.eval(&Data::new(now())).unwrap_or_else(|error| panic!("{}: {error}", help.name));
        assert_eq!(got, wanted, "{} {:?}", help.name, help.kind);
        assert!(help.help.ends_with('.'), "{}", help.name);
        // The same through the machine.
        let expr = Expr::parse(&format!("[{}]", help.example)).expect("the example in a list");
        assert_eq!(expr.eval(&Data::new(now())), Ok(json!([wanted])), "{} in a list", help.name);
    }
}

#[test]
fn paths_filters_and_operators_give_json() {
    for (source, wanted) in [
        ("contact.email | lower | trim", json!("anna@example.com")),
        ("contact.emails[-1].address", json!("b@example.com")),
        ("contact.emails.0.address", json!("a@example.com")),
        ("contact['first name']", json!("Anna")),
        ("contact.nothing", json!(null)),
        ("table[contact.city].zone", json!("Europe/London")),
        ("n + 1", json!(6)),
        ("n / 2", json!(2.5)),
        ("-n", json!(-5)),
        ("2 ** 3 + 4 * 2 - 1", json!(15)),
        ("'a' ~ n ~ true ~ null ~ 2.0", json!("a5true2")),
        ("n > 4 and not contact.nothing", json!(true)),
        ("n > 4 and n < 3 or 'x'", json!("x")),
        ("'yes' if n == 5 else 'no'", json!("yes")),
        ("'vip' in contact.tags", json!(true)),
        ("'x' not in contact.tags", json!(true)),
        ("'a' in 'bab'", json!(true)),
        ("'name' in contact", json!(true)),
        ("contact.tags == ['vip', 'new']", json!(true)),
        ("contact.tags + ['x']", json!(["vip", "new", "x"])),
        ("{'a': n, 'b': [contact.city, 1.5]}", json!({"a": 5, "b": ["london", 1.5]})),
        ("contact.name[0:4]", json!("anna")),
        ("contact.tags[1:]", json!(["new"])),
        ("contact.tags[:-1][0]", json!("vip")),
        ("contact.emails | select('main') | map('address') | first", json!("b@example.com")),
        ("(contact.emails | first).address", json!("a@example.com")),
        ("contact.missing | default('x')", json!("x")),
        ("contact.a.b.c | upper | default('x')", json!("x")),
        ("contact.nothing | default('x')", json!("x")),
        ("contact.empty | default('x')", json!("")),
        ("contact.empty | coalesce('x')", json!("x")),
        ("coalesce(contact.a, contact.b.c, contact.city)", json!("london")),
        ("contact.a?", json!(null)),
        ("contact.a.b? | default(3)", json!(3)),
        ("table[contact.nope?].x | default('x')", json!("x")),
        ("contact.a is defined", json!(false)),
        ("contact.nothing is defined", json!(true)),
        ("contact.a is not defined or contact.a > 3", json!(true)),
        ("contact.a.b is empty", json!(true)),
        ("contact.score is number and contact.city is not empty", json!(true)),
        ("contact.tags | default(contact.nope)", json!(["vip", "new"])),
        ("contact.nope | default(contact.city)", json!("london")),
        ("(contact.nope if n > 3 else 1) | default('x')", json!("x")),
        ("contact.tags | length + 1", json!(3)),
        ("range(3) | join('-')", json!("0-1-2")),
        ("9007199254740993", json!(9_007_199_254_740_993_i64)),
        ("18446744073709551615", json!(u64::MAX)),
        ("-9223372036854775808", json!(i64::MIN)),
        ("'\\d+\\.' ~ '\\\\' ~ '\\''", json!("\\d+\\.\\'")),
        ("replace_text('a', 'b')", json!(null)),
    ] {
        if source.starts_with("replace_text") {
            assert!(Expr::parse(source).is_err());
            continue;
        }
        assert_eq!(eval(source), Ok(wanted), "{source}");
    }
}

#[test]
fn a_missing_path_is_named_in_full_with_its_place() {
    for (source, wanted) in [
        ("contact.phone", "contact.phone @ contact.phone"),
        ("contact.nothing.x.y", "contact.nothing.x.y @ contact.nothing.x.y"),
        ("nobody", "nobody @ nobody"),
        ("contact.emails[2].address | lower", "contact.emails[2].address @ contact.emails[2].address"),
        ("n + contact['last name']", "contact[\"last name\"] @ contact['last name']"),
        ("table[contact.city].gone", "table.london.gone @ table[contact.city].gone"),
        ("table[contact.gone].zone", "contact.gone @ contact.gone"),
        ("[1, {'a': contact.gone}]", "contact.gone @ contact.gone"),
        (
            "contact.tags | map('x') | default(1) if false else contact.tags | select('x') | first",
            "contact.tags | select('x') | first @ contact.tags | select('x') | first",
        ),
        ("'a' ~ ([] | first)", "[] | first @ [] | first"),
        ("contact.gone | default(contact.also)", "contact.also @ contact.also"),
        ("1 if contact.gone else 2", "contact.gone @ contact.gone"),
        ("contact.gone or 1", "contact.gone @ contact.gone"),
        ("coalesce(contact.gone, '')", "coalesce(contact.gone, '') @ coalesce(contact.gone, '')"),
        ("(contact.emails | first).gone", "(contact.emails | first).gone @ (contact.emails | first).gone"),
        ("contact.gone | replace('a', contact.also) | default('x')", "contact.also @ contact.also"),
        ("'x' | lookup(table)", "'x' | lookup(table) @ 'x' | lookup(table)"),
    ] {
        assert_eq!(missing(source), wanted, "{source}");
    }
}

/// A scope that writes down what it was asked.
struct Asked {
    data: Data,
    names: std::sync::Mutex<Vec<String>>,
}

impl Scope for Asked {
    fn root(&self, name: &str) -> Option<std::sync::Arc<Value>> {
        self.names.lock().expect("no panic holds it").push(name.to_owned());
        self.data.root(name)
    }

    fn now(&self) -> Timestamp {
        self.data.now()
    }

    fn roots(&self) -> Vec<String> {
        self.data.roots()
    }
}

#[test]
fn only_the_roots_that_are_named_are_asked_for_once_each() {
    let scope = Asked { data: data(), names: std::sync::Mutex::default() };
    let expr = Expr::parse("contact.score + contact.score * 2 + n").expect("it is right");
    assert_eq!(expr.eval(&scope), Ok(json!(26)));
    let mut names = scope.names.lock().expect("no panic holds it").clone();
    names.sort();
    assert_eq!(names, ["contact", "n"]);
}

#[test]
fn references_say_path_place_and_whether_they_may_be_missing() {
    let shown = |source: &str| -> Vec<String> {
        Expr::parse(source)
            .expect("it is right")
            .references()
            .iter()
            .map(|it| format!("{it}{} {:?}", if it.guarded { "?" } else { "" }, &source[it.span.clone()]))
            .collect()
    };
    for (source, wanted) in [
        ("contact.email", vec![r#"contact.email "contact.email""#]),
        ("a.b[0]['c d'] | default(e.f)", vec![r#"a.b[0]["c d"]? "a.b[0]['c d']""#, r#"e.f "e.f""#]),
        ("t[a.b].x + 1", vec![r#"t[…].x "t[a.b].x""#, r#"a.b "a.b""#]),
        ("coalesce(a, b | upper)", vec![r#"a? "a""#, r#"b? "b""#]),
        ("a is defined and a.b? and c is empty", vec![r#"a? "a""#, r#"a.b? "a.b""#, r#"c? "c""#]),
        ("(a if b else c) | default(1)", vec![r#"a? "a""#, r#"b "b""#, r#"c? "c""#]),
        ("'contact.email' ~ \"x.y\"", vec![]),
        ("a | replace('x', b) | lower | coalesce('')", vec![r#"a? "a""#, r#"b "b""#]),
        ("now() | date('%d', z)", vec![r#"z "z""#]),
    ] {
        assert_eq!(shown(source), wanted, "{source}");
    }
    assert_eq!(Expr::parse("a.b").expect("it is right").references()[0].root(), "a");
}

#[test]
fn a_renamed_root_changes_references_and_nothing_else() {
    let expr = |source: &str| Expr::parse(source).expect("it is right").rename_root("contact", "create_contact_2");
    assert_eq!(expr("contact.email  |  lower"), "create_contact_2.email  |  lower");
    assert_eq!(
        expr("'contact.email' ~ contact ~ a.contact ~ contacts"),
        "'contact.email' ~ create_contact_2 ~ a.contact ~ contacts"
    );
    assert_eq!(expr("t[contact.x].contact[contact['contact']]"), "t[create_contact_2.x].contact[create_contact_2['contact']]");
    assert_eq!(expr("{'contact': contact}"), "{'contact': create_contact_2}");
    let text = Text::parse(
        "contact: {{ contact.a }}{# contact #}{% for contact in contact.list %}{{ contact.x }}{% endfor %}{{contact}} ü",
    );
    assert_eq!(
        text.expect("it is right").rename_root("contact", "c"),
        "contact: {{ c.a }}{# contact #}{% for contact in c.list %}{{ contact.x }}{% endfor %}{{c}} ü"
    );
}

#[test]
fn sources_are_equal_by_their_text_and_cheap_to_clone() {
    let expr = Expr::parse("a.b").expect("it is right");
    assert_eq!(expr.clone(), expr);
    assert_ne!(expr, Expr::parse("a.c").expect("it is right"));
    assert_eq!(format!("{expr:?} {expr}"), "Expr(\"a.b\") a.b");
    assert_eq!(format!("{:?}", Text::parse("x").expect("it is right")), "Text(\"x\")");
}

#[test]
fn sources_are_shared_between_threads() {
    fn shared<T: Send + Sync + Clone + 'static>() {}
    shared::<Expr>();
    shared::<Text>();
    shared::<script::Script>();
}

#[test]
fn truth_is_that_of_the_operators() {
    for value in [json!(null), json!(false), json!(0), json!(0.0), json!(""), json!([]), json!({})] {
        assert!(!truthy(&value), "{value}");
        let scope = Data::new(now()).with("v", value.clone());
        assert_eq!(Expr::parse("1 if v else 2").expect("it is right").eval(&scope), Ok(json!(2)), "{value}");
    }
    for value in [json!(true), json!(-1), json!("0"), json!([0]), json!({"a": null}), json!(0.1)] {
        assert!(truthy(&value), "{value}");
        let scope = Data::new(now()).with("v", value.clone());
        assert_eq!(Expr::parse("1 if v else 2").expect("it is right").eval(&scope), Ok(json!(1)), "{value}");
    }
}

#[test]
fn data_that_does_not_fit_is_told_in_plain_words_with_its_place() {
    let shown = |source: &str| match eval(source) {
        Err(EvalError::Failed { message, span, hint }) => format!("{} => {message}; {hint}", &source[span.expect("a place")]),
        other => panic!("{source}: {other:?}"),
    };
    insta::assert_snapshot!(
        [
            "contact.nothing | upper",
            "contact.tags | lower",
            "contact.city + 1",
            "1 + (2 + contact.nothing)",
            "contact.score < contact.city",
            "n / (n - 5)",
            "'x' | number",
            "contact.email | email | phone",
            "contact.city | email",
            "'12' | phone('GB')",
            "contact.city | date('%d')",
            "contact.city in 5",
            "table[contact.tags]",
            "contact.emails | map('main')",
            "'maybe' | bool",
            "2 ** 64 * 2 ** 10",
            "contact.tags | sum",
            "contact.city | lookup(5)",
            "['a', 1] | sort",
            "'x' | base64_decode",
            "'{' | parse_json",
        ]
        .map(shown)
        .join("\n"),
        @r#"
        contact.nothing | upper => text is needed here, and this is empty (null); put `default('…')` before it
        contact.tags | lower => text is needed here, and this is a list; 
        contact.city + 1 => `+` does not go with text and a number; join text with `~`
        (2 + contact.nothing) => `+` does not go with a number and null; put `| default(0)` after the value that may be null
        contact.score < contact.city => `<` cannot compare a number with text; make both numbers with `| number`, or both text with `| string`
        n / (n - 5) => `5 / 0` cannot be calculated; 
        'x' | number => 'x' is no number; take away what is not part of it with `replace`, or say the decimal mark: `number(',')`
        contact.email | email | phone => 'anna@example.com' is no telephone number: `a` is not part of one; a number without a country code needs a region: `phone('GB')`
        contact.city | email => 'london' is no e-mail address; it looks like name@example.com
        '12' | phone('GB') => '12' is no telephone number: it is too short; correct it, or test it before this
        contact.city | date('%d') => 'london' is no date or time; write it like '2026-11-23T09:30:00Z' or '2026-11-23 09:30', or read it with `parse_date`; 
        contact.city in 5 => `in` looks into text, a list or an object; 
        table[contact.tags] => an index is a whole number or a name, and this is a list; convert it with `| string` or `| int`
        contact.emails | map('main') => item 1 has no `main`; give a default: `map('…', '')`, or take such items out with `select`
        'maybe' | bool => 'maybe' is neither yes nor no; compare it: `value == 'active'`
        2 ** 64 * 2 ** 10 => the result is a whole number too large for JSON; use a fraction, such as `1.0 * …`
        contact.tags | sum => item 1 is 'vip', not a number; convert it first, with `number`
        contact.city | lookup(5) => a table is needed here, and this is a number; a table is an object, or a list of pairs
        ['a', 1] | sort => text and a number have no order; make all items text or all items numbers
        'x' | base64_decode => this text is no Base64; 
        '{' | parse_json => this text is no JSON: line 1, column 1;
        "#
    );
}
