//! Sources that cannot be read.
use super::*;

const WRONG: [&str; 55] = [
    "",
    "{{ contact.email }}",
    "contact.email | lowr",
    "contact.email | lowercase",
    "contact.email | frobnicate",
    "noww()",
    "now",
    "now | date",
    "upper(contact.email)",
    "contact.email.lower()",
    "contact.email is defned",
    "contact.",
    "contact.emails[",
    "contact.emails[]",
    "a[1:2:3]",
    "(a",
    "a)",
    "a b",
    "a = b",
    "a && b",
    "a || b",
    "!a",
    "a === b",
    "a < b < c",
    "a if b",
    "a, b",
    "(a, b)",
    "()",
    "{a: 1}",
    "{'a': 1, 'a': 2}",
    "'abc",
    "“abc”",
    "a | replace('(', '')",
    "a | replace('x')",
    "a | date('%d', 'Europe/Lodnon')",
    "a | date('%d', 'London')",
    "a | date('%d', zon='UTC')",
    "a | date('%&')",
    "a | date('dd.mm.yyyy')",
    "a | date(format='%d', '%e')",
    "a | shift('1 fortnight')",
    "a | start_of('weeks')",
    "a | phone('UK')",
    "a | hash('md5')",
    "a | upper(1)",
    "a | default",
    "12abc",
    "99999999999999999999",
    "a.0.b['x'].1y",
    "contact?.email",
    "and",
    "a | ",
    "a +",
    "a\n  + lower(b)",
    "1 +",
];

#[test]
fn what_cannot_be_read_says_where_and_why_and_what_to_do() {
    let shown = |source: &str| match Expr::parse(source) {
        Err(error) => format!("{source} => {error}"),
        Ok(_) => panic!("{source} was read"),
    };
    insta::assert_snapshot!(
        WRONG
        .map(shown)
        .join("\n"),
        @r#"
         => line 1, column 1: the expression is empty; write a path, such as `contact.email`, or a value
        {{ contact.email }} => line 1, column 1: an expression is not written in `{{ }}`; leave them out here; they stand only in text
        contact.email | lowr => line 1, column 17: there is no filter `lowr`; did you mean `lower`?
        contact.email | lowercase => line 1, column 17: there is no filter `lowercase`; did you mean `lower`?
        contact.email | frobnicate => line 1, column 17: there is no filter `frobnicate`
        noww() => line 1, column 1: there is no function `noww`; did you mean `now`?
        now => line 1, column 1: `now` is a function; write `now()`
        now | date => line 1, column 1: `now` is a function; write `now()`
        upper(contact.email) => line 1, column 1: there is no function `upper`; `upper` is a filter: write `value | upper`
        contact.email.lower() => line 1, column 15: values have no methods, so there is no `.lower()`; write `… | lower`
        contact.email is defned => line 1, column 18: there is no test `defned`; did you mean `defined`?
        contact. => line 1, column 9: a name is needed after the dot, not the end; a field whose name has blanks or signs is written `contact['first name']`
        contact.emails[ => line 1, column 16: a value is needed here, not the end
        contact.emails[] => line 1, column 16: `[]` is empty; write an index, `[0]`, or a name, `['first name']`
        a[1:2:3] => line 1, column 6: a slice has no step; write `[from:to]`; `| reverse` turns a list around
        (a => line 1, column 3: `)` is missing after the parenthesis, before the end; add `)`
        a) => line 1, column 2: this `)` closes nothing; leave it out, or add `(`
        a b => line 1, column 3: `b` does not belong here; join values with `~`, or put text in quotes
        a = b => line 1, column 3: `=` does not belong here; compare with `==`
        a && b => line 1, column 3: `&&` means nothing here; write `and`
        a || b => line 1, column 3: `||` means nothing here; write `or`; filters take one `|`
        !a => line 1, column 1: `!` means nothing here; write `not`
        a === b => line 1, column 3: `===` means nothing here; write `==`
        a < b < c => line 1, column 7: two comparisons in a row; join them with `and`
        a if b => line 1, column 7: `if` needs an `else` here; write `yes if condition else no`
        a, b => line 1, column 2: `,` does not belong here; an expression is one value; a list stands in `[…]`
        (a, b) => line 1, column 3: `,` does not belong in parentheses; a list stands in `[…]`
        () => line 1, column 1: nothing stands in these parentheses
        {a: 1} => line 1, column 2: the name of a field stands in quotes: `'a'`
        {'a': 1, 'a': 2} => line 1, column 10: the field 'a' stands here twice; leave one out
        'abc => line 1, column 1: this text is never closed; add the closing `'`
        “abc” => line 1, column 1: `“` means nothing here; quote text with straight quotes, `'like this'`
        a | replace('(', '') => line 1, column 13: '(' is no pattern: unclosed group; a sign with a meaning, such as `.` or `(`, takes a `\` before it; for plain text use `replace_text`
        a | replace('x') => line 1, column 5: `replace` needs `with`; it is `replace(pattern, with)`
        a | date('%d', 'Europe/Lodnon') => line 1, column 16: there is no zone 'Europe/Lodnon'; did you mean 'Europe/London'?
        a | date('%d', 'London') => line 1, column 16: there is no zone 'London'; did you mean 'Europe/London'?
        a | date('%d', zon='UTC') => line 1, column 16: `date` has no argument `zon`; did you mean `zone`?
        a | date('%&') => line 1, column 10: '%&' is no format of a date: strftime formatting failed: found unrecognized specifier directive `&`; it looks like '%d %b %Y %H:%M'; a percent sign is '%%'
        a | date('dd.mm.yyyy') => line 1, column 10: 'dd.mm.yyyy' is no format of a date; it looks like '%d %b %Y %H:%M'
        a | date(format='%d', '%e') => line 1, column 23: an argument without a name follows one with a name; name it too, or move it to the front
        a | shift('1 fortnight') => line 1, column 11: '1 fortnight' is no length of time; write it like '2 days', '1 h 30 min', 'PT15M', or as seconds
        a | start_of('weeks') => line 1, column 14: there is no unit 'weeks'; did you mean 'week'?
        a | phone('UK') => line 1, column 11: there is no region 'UK'; it has two letters, such as 'GB' or 'US'
        a | hash('md5') => line 1, column 10: there is no algorithm 'md5'; it is 'sha256'
        a | upper(1) => line 1, column 11: `upper` takes fewer arguments; it is `upper`
        a | default => line 1, column 5: `default` needs `value`; it is `default(value)`
        12abc => line 1, column 1: `12` runs into a name; put a blank or an operator between them; text stands in quotes
        99999999999999999999 => line 1, column 1: this number is too large; put it in quotes if it is an id
        a.0.b['x'].1y => line 1, column 13: `y` does not belong here; join values with `~`, or put text in quotes
        contact?.email => line 1, column 8: `?.` means nothing here; write `?` after the whole path: it is null when the path is missing
        and => line 1, column 1: a value is needed here, not `and`
        a |  => line 1, column 5: the name of a filter is needed here, not the end
        a + => line 1, column 4: a value is needed here, not the end
        a
          + lower(b) => line 2, column 5: there is no function `lower`; `lower` is a filter: write `value | lower`
        1 + => line 1, column 4: a value is needed here, not the end
        "#
    );
}

#[test]
fn the_place_counts_characters_and_lines() {
    let error = Expr::parse("'ü' ~\n 'ö' ~ x | nope").expect_err("there is no such filter");
    assert_eq!((error.line, error.column, &*error.message), (2, 12, "there is no filter `nope`"));
    assert_eq!(error.span, 19..23);
}

#[test]
fn too_much_is_refused_before_it_hurts() {
    let refused = |source: &str| Expr::parse(source).expect_err("it is too much").message;
    assert_eq!(refused(&"x".repeat(MAX_SOURCE + 1)), "this is longer than 1 MiB");
    let deep = 20_000;
    for (open, close) in [("(", ")"), ("[", "]"), ("{'a':", "}"), ("a[", "]"), ("coalesce(", ")"), ("x if x else (", ")")] {
        let source = nested(open, "1", close, deep);
        assert_eq!(refused(&source), "this is nested too deeply", "{open}");
    }
    for unit in ["+x", "~x", " and x", "|upper", "**x", " is defined", "[1:]"] {
        assert_eq!(refused(&nested("", "x", unit, deep)), "this is too long for one expression", "{unit}");
    }
    assert_eq!(refused(&nested("", "x", ".a", deep)), "this path is too long");
    let source = nested("{% if x %}", "", "{% endif %}", deep);
    assert_eq!(Text::parse(&source).expect_err("it is too much").message, "this is nested too deeply");
    let source = nested("{% for x in x %}", "", "{% endfor %}", deep);
    assert_eq!(Text::parse(&source).expect_err("it is too much").message, "this is nested too deeply");
}

#[test]
fn as_much_as_is_allowed_is_evaluated() {
    let fits = |source: &str| {
        let expr = Expr::parse(source).unwrap_or_else(|error| panic!("{source}: {error}"));
        expr.eval(&Data::new(now()).with("x", json!(1)).with("t", json!("t")).with("yes", json!(true)))
    };
    let deep = MAX_NESTING - 1;
    for (open, core, close) in [
        ("(", "x", ")"),
        ("[", "x", "]"),
        ("{'a':", "x", "}"),
        ("coalesce(", "x", ")"),
        ("-(", "x", ")"),
        ("not (", "x", ")"),
        ("(x + ", "x", ")"),
    ] {
        let source = nested(open, core, close, deep);
        assert!(fits(&source).is_ok(), "{source}: {:?}", fits(&source));
    }
    let long = MAX_CHAIN - 2;
    for unit in ["+x", "~x", " and x", "-x", " or x", "**x"] {
        let source = nested("", "x", unit, long);
        assert!(fits(&source).is_ok(), "{source}: {:?}", fits(&source));
    }
    for unit in ["|upper", "|first|string"] {
        let source = nested("", "t", unit, long / 2 - 1);
        assert_eq!(fits(&source).map(|it| it.is_string()), Ok(true), "{source}");
        let source = format!("[{source}]");
        assert!(fits(&source).is_ok(), "{source}: {:?}", fits(&source));
    }
    for (unit, wanted) in [("not ", json!(true)), ("- ", json!(1))] {
        let source = nested(unit, if unit == "- " { "x" } else { "yes" }, "", 20_000);
        assert_eq!(fits(&source), Ok(wanted));
    }
    let source = nested("x if not yes else ", "2", "", deep);
    assert_eq!(fits(&source), Ok(json!(2)));
    let source = nested("{% if x %}{% for t in [1] %}", "{{ x }}", "{% endfor %}{% endif %}", MAX_NESTING / 2);
    assert_eq!(Text::parse(&source).expect("it fits").eval(&Data::new(now()).with("x", json!(1))), Ok(json!("1")));
}
