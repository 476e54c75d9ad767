//! Scripts.
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use proptest::prelude::*;

use super::script::{Script, ScriptError};
use super::*;

fn run(code: &str, input: &Value) -> Result<Value, ScriptError> {
    Script::compile(code)?.run(input)
}

fn failure(code: &str) -> String {
    run(code, &json!({"a": 1, "list": [1, 2]})).expect_err("it fails").to_string()
}

#[test]
fn json_goes_in_and_comes_out() {
    for (code, wanted) in [
        ("input", json!({"a": 1, "list": [1, 2.5, "x", null, true]})),
        ("input.a + 1", json!(2)),
        ("input.a / 2.0", json!(0.5)),
        ("#{sum: input.list[0] + 4, name: `n${input.a}`, none: ()}", json!({"sum": 5, "name": "n1", "none": null})),
        ("let out = []; for it in input.list { out.push(it); } out.len", json!(5)),
        ("input.list.filter(|it| type_of(it) == \"string\")", json!(["x"])),
        ("fn double(x) { x * 2 } double(21)", json!(42)),
        ("'c'", json!("c")),
        ("print(\"quiet\"); debug(1);", json!(null)),
        ("return 7; 8", json!(7)),
        ("9223372036854775807", json!(i64::MAX)),
        ("", json!(null)),
        ("let copy = input; copy.a = 5; copy.a", json!(5)),
    ] {
        assert_eq!(run(code, &json!({"a": 1, "list": [1, 2.5, "x", null, true]})), Ok(wanted), "{code}");
    }
}

#[test]
fn failures_are_told_in_plain_words_with_their_place() {
    insta::assert_snapshot!(
        [
            "let x = ;",
            "let x = 1;\nlet y = x +",
            "\n\n  nope + 1",
            "nope(1, \"x\")",
            "input.a + input.list",
            "input.list[5]",
            "[][0]",
            "throw \"no such customer\"",
            "throw #{code: 4}",
            "1 / 0",
            "9223372036854775807 + 1",
            "loop { }",
            "fn f(n) { f(n + 1) } f(0)",
            "let s = \"x\"; loop { s += s; }",
            "let a = [1]; loop { a += a; }",
            "eval(\"1\")",
            "import \"x\" as y;",
            "timestamp()",
            "input.a = 2;",
            "input.list.push(3);",
            "fn f(x) { x.missing.more } f(input)",
            "0.0 / 0.0",
            "|x| x",
            "for x in 5 { }",
            "\"abc",
            "let x = 1; x.foo()",
            "exit(input.list[7])",
            "fn g(x) {\n  let y = x;\n  y - \"a\"\n}\ng(1)",
        ]
        .map(|code| format!("{code:?} => {}", failure(code)))
        .join("\n"),
        @r#"
        "let x = ;" => line 1, column 9: unexpected ';'
        "let x = 1;\nlet y = x +" => line 2, column 12: the script ends in the middle of something
        "\n\n  nope + 1" => line 3, column 3: there is no variable `nope`; the data is in `input`
        "nope(1, \"x\")" => line 1, column 1: there is no function `nope` for a whole number, text
        "input.a + input.list" => line 1, column 9: `+` does not go with a whole number and a list
        "input.list[5]" => line 1, column 12: the list has 2 items, so there is no item 5
        "[][0]" => line 1, column 4: the list is empty
        "throw \"no such customer\"" => line 1, column 1: no such customer
        "throw #{code: 4}" => line 1, column 1: {"code":4}
        "1 / 0" => line 1, column 3: division by zero: 1 / 0
        "9223372036854775807 + 1" => line 1, column 21: addition overflow: 9223372036854775807 + 1
        "loop { }" => line 1, column 6: the script takes more than 2 million operations
        "fn f(n) { f(n + 1) } f(0)" => line 1, column 22: functions call each other too deeply
        "let s = \"x\"; loop { s += s; }" => line 1, column 23: a text is longer than 1 MiB
        "let a = [1]; loop { a += a; }" => line 1, column 23: a list has more than 100000 items
        "eval(\"1\")" => line 1, column 1: `eval` is not available in a script
        "import \"x\" as y;" => line 1, column 1: `import` is not available in a script
        "timestamp()" => line 1, column 1: there is no function `timestamp()`
        "input.a = 2;" => line 1, column 1: `input` cannot be changed; copy it first: `let copy = input;`
        "input.list.push(3);" => line 1, column 12: `push` would change what cannot be changed; copy it first: `let copy = input;`
        "fn f(x) { x.missing.more } f(input)" => line 1, column 21: in `f`: there is no field `more` here
        "0.0 / 0.0" => the result has a number that is not a number, or is infinite
        "|x| x" => the result has something that JSON has no form for: a function
        "for x in 5 { }" => line 1, column 10: expecting an iterable value, not a number
        "\"abc" => line 1, column 1: open string is not terminated
        "let x = 1; x.foo()" => line 1, column 14: there is no function `foo` for a whole number
        "exit(input.list[7])" => line 1, column 17: the list has 2 items, so there is no item 7
        "fn g(x) {\n  let y = x;\n  y - \"a\"\n}\ng(1)" => line 3, column 5: in `g`: `-` does not go with a whole number and text
        "#
    );
}

#[test]
fn a_script_is_bounded_in_length_input_and_depth() {
    assert!(Script::compile(&" ".repeat(MAX_SOURCE + 1)).is_err());
    let deep = nested("(", "1", ")", 5000);
    assert!(Script::compile(&deep).is_err());
    let blocks = nested("{", "", "}", 5000);
    assert!(Script::compile(&blocks).is_err());
    let mut list = json!(1);
    for _ in 0..200 {
        list = json!([list]);
    }
    assert_eq!(run("1", &list).map_err(|it| it.message), Err("the input nests too deeply".to_owned()));
    assert!(run("1", &json!(u64::MAX)).is_err());
    // A list cannot be made to hold itself without end.
    assert!(run("let a = []; for i in 0..1000 { a = [a]; } a", &json!(null)).is_err());
}

#[test]
fn a_script_can_be_stopped() {
    let stop = Arc::new(AtomicBool::new(true));
    let script = Script::compile("let n = 0; loop { n += 1; }").expect("it is right");
    assert_eq!(script.run_until(&json!(null), &stop).map_err(|it| it.message), Err("the script was stopped".to_owned()));
    stop.store(false, std::sync::atomic::Ordering::Relaxed);
    assert!(script.run_until(&json!(null), &stop).map_err(|it| it.message).expect_err("it never ends").contains("operations"));
}

#[test]
fn a_script_is_shared_and_runs_many_times_the_same() {
    let script = Script::compile("let n = input; n += 1; n").expect("it is right");
    let threads: Vec<_> = (0..4)
        .map(|at| {
            let script = script.clone();
            std::thread::spawn(move || (0..50).all(|_| script.run(&json!(at)) == Ok(json!(at + 1))))
        })
        .collect();
    assert!(threads.into_iter().all(|it| it.join().expect("no panic")));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_script_is_compiled_or_refused(code in any::<String>()) {
        if let Ok(script) = Script::compile(&code) {
            let _value = script.run(&json!({}));
        }
    }

    #[test]
    fn what_looks_like_a_script_is_run_or_refused(words in prop::collection::vec(prop::sample::select(vec![
        "let x =", "input", ".a", "[0]", "+", "1", "\"s\"", ";", "{", "}", "(", ")", "if", "else", "for i in", "while", "loop", "break", "return",
        "throw", "fn f(x)", "|x|", "switch", "=>", ",", "#{", "a:", "x", "f(x)", "==", "-", "0..5", "`${x}`", "try", "catch", "()", "9223372036854775807",
        "import", "this", "do", "until", "const", "1.5", ".len", ".push(x)", ".split(\",\")", ".pad(5, 'x')", "<<", "63", "!", "parse_int(",
    ]), 0..12)) {
        if let Ok(script) = Script::compile(&words.join(" ")) {
            let _value = script.run(&json!({"a": [1]}));
        }
    }
}
