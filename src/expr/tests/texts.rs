//! Text with expressions in it.
use serde_json::json;

use super::*;

#[test]
fn text_fills_in_values_as_text() {
    for (source, wanted) in [
        ("", ""),
        ("plain { } }} text %}", "plain { } }} text %}"),
        ("Hi {{ contact.city | title }}!", "Hi London!"),
        ("{{n}}{{ n + 1 }}", "56"),
        ("[{{ contact.nothing }}]", "[]"),
        ("{{ 10 / 2 }} {{ 1.5 }} {{ true }}", "5 1.5 true"),
        ("{{ contact.tags }}", r#"["vip","new"]"#),
        ("{{ {'a': {'b': n}} }}", r#"{"a":{"b":5}}"#),
        ("{{ '}}' ~ \"{{\" }}", "}}{{"),
        ("<{{ '<b>&' }}>", "<<b>&>"),
        ("a {# note {{ x }} #}b", "a b"),
        ("a  {{- n -}}  b", "a5b"),
        ("a {#- x -#} b", "ab"),
        ("{% raw %}{{ n }}{% if %}{% endraw %}{{ n }}", "{{ n }}{% if %}5"),
        ("line\n{{ n }}\n", "line\n5\n"),
        ("ü{{ n }}ö", "ü5ö"),
    ] {
        assert_eq!(text(source), Ok(json!(wanted)), "{source}");
    }
}

#[test]
fn conditions_and_loops_work_in_text() {
    for (source, wanted) in [
        ("{% if n > 4 %}big{% elif n > 2 %}mid{% else %}small{% endif %}", "big"),
        ("{% if n > 9 %}big{% elif n > 2 %}mid{% else %}small{% endif %}", "mid"),
        ("{% if n > 9 %}big{% elif n > 7 %}mid{% else %}small{% endif %}!", "small!"),
        (
            "{% for t in contact.tags %}{{ loop.index }}:{{ t | upper }}{% if not loop.last %}, {% endif %}{% endfor %}",
            "1:VIP, 2:NEW",
        ),
        ("{% for e in contact.emails %}{{ e.address }};{% endfor %}", "a@example.com;b@example.com;"),
        ("{% for e in contact.emails %}{{ e.main | default('-') }}{{ e.x? }}{% endfor %}", "-true"),
        ("{% for k, v in {'a': 1, 'b': n} | items %}{{ k }}={{ v }} {% endfor %}", "a=1 b=5 "),
        ("{% for t in [] %}x{% else %}none{% endfor %}", "none"),
        ("{%- for t in [1, 2] -%}  {{ t }}  {%- endfor -%}  .", "12."),
        ("{% for a in [1, 2] %}{% for b in [a, n] %}{{ a * b }} {% endfor %}{% endfor %}", "1 5 4 10 "),
        ("{% for n in [1] %}{{ n }}{% endfor %}{{ n }}", "15"),
        ("{% for t in contact.tags %}{{ contact[t]? }}{{ table[contact.city].zone }}{% endfor %}", "Europe/LondonEurope/London"),
        ("{% for k in contact.emails | first %}{{ k }}{% endfor %}", "address"),
    ] {
        assert_eq!(text(source), Ok(json!(wanted)), "{source}");
    }
}

#[test]
fn text_without_marks_is_a_literal() {
    assert!(Text::parse("Hello } {x} 100%").expect("it is right").is_literal());
    assert!(!Text::parse("{{ 1 }}").expect("it is right").is_literal());
    assert!(!Text::parse("{# x #}").expect("it is right").is_literal());
}

#[test]
fn what_is_missing_in_text_is_named_with_its_place() {
    let missing = |source: &str| match text(source) {
        Err(EvalError::Missing { path, span }) => format!("{path} @ {}", &source[span]),
        other => panic!("{source}: {other:?}"),
    };
    assert_eq!(missing("Hi {{ contact.gone }}"), "contact.gone @ contact.gone");
    assert_eq!(missing("{% if contact.gone %}{% endif %}"), "contact.gone @ contact.gone");
    assert_eq!(missing("ü {% for e in contact.emails %}{{ e.main }}{% endfor %}"), "e.main @ e.main");
    assert_eq!(missing("{% for e in contact.gone %}{% endfor %}"), "contact.gone @ contact.gone");
    // What is not reached is not missing.
    assert_eq!(text("{% if false %}{{ contact.gone }}{% endif %}"), Ok(json!("")));
}

#[test]
fn loop_variables_are_no_references() {
    let shown =
        |source: &str| Text::parse(source).expect("it is right").references().iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(
        shown("{{ a.b }}{% for c in d.e %}{{ c.x }}{{ loop.index }}{{ f[c.k] }}{% endfor %}{{ c }}{% if g %}{% endif %}"),
        ["a.b", "d.e", "f[…]", "c", "g"]
    );
}

#[test]
fn text_that_cannot_be_read_says_where_and_why() {
    let shown = |source: &str| match Text::parse(source) {
        Err(error) => format!("{source} => {error}"),
        Ok(_) => panic!("{source} was read"),
    };
    insta::assert_snapshot!(
        [
            "Hi {{ contact.email",
            "Hi {{ }}",
            "Hi\n  {{ contact.email | lowr }}",
            "{% if n %}x",
            "{% endif %}",
            "{% for x of y %}{% endfor %}",
            "{% set x = 1 %}",
            "{% include 'x' %}",
            "{% fi n %}",
            "{% if n %}{% endfor %}",
            "{% %}",
            "{# x",
            "{{ loop.index }}",
            "{% for x in y %}{{ loop }}{% endfor %}",
            "{% raw %}",
            "{% for x in y %}{% else %}{% else %}{% endfor %}",
            "{{ 'x }}",
            "{% for if in y %}{% endfor %}",
            "{% if n %}a{% else if x %}b{% endif %}",
        ]
        .map(shown)
        .join("\n"),
        @r#"
        Hi {{ contact.email => line 1, column 4: this `{{` is never closed; add `}}`
        Hi {{ }} => line 1, column 4: nothing stands in these braces; write a path, such as `{{ contact.email }}`
        Hi
          {{ contact.email | lowr }} => line 2, column 22: there is no filter `lowr`; did you mean `lower`?
        {% if n %}x => line 1, column 1: this `{% if %}` is never ended; add `{% endif %}`
        {% endif %} => line 1, column 1: `{% endif %}` belongs to nothing; leave it out
        {% for x of y %}{% endfor %} => line 1, column 10: `in` is missing; write `{% for item in list %}`
        {% set x = 1 %} => line 1, column 1: there is no `{% set %}`; text has `{% if %}` and `{% for %}`; work out values in a node before it
        {% include 'x' %} => line 1, column 1: there is no `{% include %}`; text cannot read other files
        {% fi n %} => line 1, column 1: there is no `{% fi %}`; did you mean `{% if %}`?
        {% if n %}{% endfor %} => line 1, column 11: `{% endfor %}` stands where `{% endif %}` is needed
        {% %} => line 1, column 1: `{%` starts with `if` or `for`; a value is filled in by `{{ }}`
        {# x => line 1, column 1: this comment is never closed; add `#}`; if it is no comment, write `{{ '{#' }}`
        {{ loop.index }} => line 1, column 4: `loop` has a meaning only within `{% for %}`
        {% for x in y %}{{ loop }}{% endfor %} => line 1, column 20: `loop` has no value of its own; it has `loop.index`, `loop.index0`, `loop.revindex`, `loop.revindex0`, `loop.first`, `loop.last`, `loop.length`
        {% raw %} => line 1, column 1: this `{% raw %}` is never ended; add `{% endraw %}`
        {% for x in y %}{% else %}{% else %}{% endfor %} => line 1, column 27: `{% else %}` stands where `{% endfor %}` is needed
        {{ 'x }} => line 1, column 4: this text is never closed; add the closing `'`
        {% for if in y %}{% endfor %} => line 1, column 8: `if` cannot be the name of a variable
        {% if n %}a{% else if x %}b{% endif %} => line 1, column 20: `{% else %}` takes nothing more; another condition is `{% elif … %}`
        "#
    );
}
