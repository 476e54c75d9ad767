//! The forms for others.
use super::*;

fn written(bench: &Bench, format: Format) -> String {
    let mut out = Vec::new();
    let filter = Filter { limit: usize::MAX, ..Filter::default() };
    assert_eq!(bench.journal.export(&filter, format, &mut out).unwrap(), 3);
    String::from_utf8(out).unwrap()
}

fn three() -> Bench {
    let bench = Bench::new();
    bench.finished("a", failed());
    let run = bench.begin("=cmd|\"x\"");
    bench
        .journal
        .append(Append { exchanges: vec![exchange("a", "{}"), exchange("b", "")], ..facts(run, vec![]) })
        .wait()
        .unwrap();
    bench.finished("c", Outcome::Cancelled);
    bench
}

#[test]
fn lines_of_json_have_heads_facts_and_calls() {
    let bench = three();
    let text = written(&bench, Format::Jsonl);
    let lines: Vec<Value> = text.lines().map(|it| serde_json::from_str(it).unwrap()).collect();
    let kinds: Vec<&str> =
        lines.iter().map(|it| ["run", "entry", "exchange"].into_iter().find(|kind| it.get(kind).is_some()).unwrap()).collect();
    let run_of_three = ["run", "entry", "entry", "entry"];
    assert_eq!(kinds, [&run_of_three[..], &["run", "entry", "exchange", "exchange"], &run_of_three].concat());
    assert_eq!(lines[0]["run"]["id"], 3);
    assert_eq!(lines[0]["run"]["outcome"], "cancelled");
    assert_eq!(lines[4]["run"]["mode"], "sandbox");
    assert_eq!(lines[5]["entry"]["e"], "accepted");
    assert_eq!((&lines[6]["id"], &lines[6]["exchange"]["exchange"]["answer"]["body"]["text"]), (&json!(2), &json!("{}")));
    assert_eq!(lines[8]["run"]["outcome"]["failed"]["at"], "contact 3f2a");
}

#[test]
fn an_http_archive_has_every_call() {
    let archive: Value = serde_json::from_str(&written(&three(), Format::Har)).unwrap();
    assert_eq!(archive["log"]["version"], "1.2");
    let entries = archive["log"]["entries"].as_array().unwrap();
    assert_eq!(entries.len(), 2);
    let first = &entries[0];
    assert_eq!(first["request"]["queryString"], json!([{"name": "locationId", "value": "ab c"}]));
    assert_eq!(first["request"]["postData"], json!({"mimeType": "application/json", "text": "{}"}));
    assert_eq!((&first["response"]["status"], &first["time"]), (&json!(201), &json!(20.004)));
    assert_eq!(entries[1]["request"].get("postData"), None);
    assert!(first["comment"].as_str().unwrap().contains("run 2, step a, attempt 1"));
}

#[test]
fn a_table_quotes_what_it_must_and_holds_no_formulas() {
    let text = written(&three(), Format::Csv);
    let lines: Vec<&str> = text.split("\r\n").collect();
    assert_eq!(lines.len(), 5);
    assert!(lines[0].starts_with("run,flow,name,"));
    assert!(lines[2].starts_with("2,\"'=cmd|\"\"x\"\"\",\"Flow =cmd|\"\"x\"\"\",sandbox,hook,,2027-"), "{}", lines[2]);
    assert!(lines[3].ends_with(",failed,1,0,0,The contact is gone (contact 3f2a)"), "{}", lines[3]);
}

#[test]
fn a_place_that_refuses_it_is_an_error() {
    struct Broken;
    impl std::io::Write for Broken {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let bench = three();
    for format in [Format::Jsonl, Format::Har, Format::Csv] {
        let error = bench.journal.export(&Filter::default(), format, &mut Broken).unwrap_err();
        assert!(matches!(error, JournalError::Output { .. }), "{error}");
    }
}

#[test]
fn runs_that_are_named_are_exported_in_that_order() {
    let bench = Bench::new();
    for _ in 0..4 {
        bench.finished("a", Outcome::Succeeded);
    }
    let mut out = Vec::new();
    let runs = [RunId(3), RunId(99), RunId(1)];
    assert_eq!(bench.journal.reader().export_these(&runs, Format::Csv, &mut out).unwrap(), 2);
    let text = String::from_utf8(out).unwrap();
    let numbers: Vec<&str> = text.lines().skip(1).filter_map(|it| it.split(',').next()).collect();
    assert_eq!(numbers, ["3", "1"]);
}
