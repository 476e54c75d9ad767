//! Finding.
use std::ops::ControlFlow;

use super::*;

fn hits(bench: &Bench, text: &str) -> Vec<(u64, Place, String)> {
    let mut hits = Vec::new();
    let show = |hit: &Hit| {
        let found = &hit.excerpt[hit.found.clone()];
        assert_eq!(found.to_lowercase(), text.replace('\n', " ").to_lowercase());
        (hit.head.id.0, hit.place, hit.excerpt.clone())
    };
    bench.journal.search(text, 10, &mut |hit| hits.push(show(&hit))).unwrap();
    hits
}

fn places(bench: &Bench, text: &str) -> Vec<(u64, Place)> {
    hits(bench, text).into_iter().map(|(run, place, _)| (run, place)).collect()
}

#[test]
fn a_text_is_found_wherever_it_is() {
    let bench = Bench::new();
    let one = bench.begin("a");
    let filler = "Lorem ipsum dolor sit amet. ".repeat(200);
    bench.add(
        one,
        vec![succeeded("a", json!({"Vorname": "Jürgen", "zip": 80331, "note": format!("{filler}He said \"Hi\"\nand left")}))],
    );
    let two = bench.begin("b");
    let mut call = exchange("a", &format!("{filler}{{\"email\":\"ada@example.net\"}}"));
    if let Some(exchange) = Arc::get_mut(&mut call.exchange) {
        exchange.request.body.text = "grant_type=Refresh".to_owned();
        exchange.error = Some("connection reset".to_owned());
    }
    bench.journal.append(Append { exchanges: vec![exchange("x", ""), call], ..facts(two, vec![]) }).wait().unwrap();
    let three = bench.begin("a");
    bench.add(three, vec![step_failed("z"), finish(failed())]);

    assert_eq!(places(&bench, "jÜRGEN"), [(1, Place::Entry)]);
    assert_eq!(places(&bench, "80331"), [(1, Place::Entry)]);
    assert_eq!(places(&bench, "vorname"), [(1, Place::Entry)]);
    assert_eq!(places(&bench, "said \"hi\"\nAND"), [(1, Place::Entry)]);
    assert_eq!(places(&bench, "\"email\":\"ada@"), [(2, Place::AnswerBody)]);
    assert_eq!(places(&bench, "REFRESH"), [(2, Place::RequestBody)]);
    assert_eq!(places(&bench, "connection reset"), [(2, Place::Exchange)]);
    assert_eq!(places(&bench, "HTTPS://SERVICES"), [(2, Place::Exchange)]);
    assert_eq!(places(&bench, "Q7"), [(2, Place::Exchange)]);
    assert_eq!(places(&bench, "contact 3F2A"), [(3, Place::Head)]);
    assert_eq!(places(&bench, "highlevel refused"), [(3, Place::Entry)]);
    assert_eq!(places(&bench, "flow A"), [(3, Place::Head), (1, Place::Head)]);
    // Newest first.
    assert_eq!(places(&bench, "@example.org"), [(3, Place::Entry), (2, Place::Entry), (1, Place::Entry)]);
    for nowhere in ["no such text", "step_succeeded", "payload", "trigger", "", "\"", ".*"] {
        let expected: &[(u64, Place)] = if nowhere == "\"" { &[(2, Place::AnswerBody), (1, Place::Entry)] } else { &[] };
        assert_eq!(places(&bench, nowhere), expected, "{nowhere}");
    }
}

#[test]
fn an_excerpt_is_one_line_with_what_is_around() {
    let bench = Bench::new();
    let run = bench.begin("a");
    bench.add(run, vec![logged(&format!("{}\nthe needle\tis here{}", "ä".repeat(100), "ö".repeat(100)))]);
    let (_, _, excerpt) = hits(&bench, "needle").remove(0);
    assert_eq!(excerpt, format!("…{} the needle is here{}…", "ä".repeat(27), "ö".repeat(26)));
}

#[test]
fn a_search_tells_how_far_it_is_goes_on_from_there_and_ends_when_told() {
    let bench = Bench::new();
    for _ in 0..300 {
        drop(bench.journal.append(accepted(bench.journal.next_run_id(), "a", None)));
    }
    bench.begin("b");
    let reader = bench.journal.reader();
    let mut told = Vec::new();
    let searched = reader
        .search_in(&Filter::default(), "nowhere", &mut |found| {
            told.push(found);
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!((searched.runs, searched.reached, told.len()), (301, Some(RunId(1)), 2));
    assert!(searched.bytes > 20_000, "{searched:?}");
    let mut first = Vec::new();
    let two = Filter { limit: 2, flow: Some(FlowId::from("a")), ..Filter::default() };
    let searched = reader
        .search_in(&two, "@EXAMPLE.ORG", &mut |found| {
            first.push(found);
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!((first.len(), searched.reached), (2, Some(RunId(299))));
    let mut next = None;
    let more = Filter { before: searched.reached, ..two };
    reader
        .search_in(&more, "@example.org", &mut |found| {
            next = Some(found);
            ControlFlow::Break(())
        })
        .unwrap();
    assert!(matches!(next, Some(Found::Hit(hit)) if hit.head.id == RunId(298)));
}

#[test]
fn a_text_too_long_to_look_for_is_refused() {
    let bench = Bench::new();
    let error = bench.journal.search(&"x".repeat(2000), 1, &mut |_| {}).unwrap_err();
    assert!(matches!(error, JournalError::TooLarge { .. }), "{error}");
}
