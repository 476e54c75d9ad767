//! Services that answer with anything but what they should: what a run tells of it, on which node, and that it goes on.
use std::io::Write as _;

use serde_json::{Value, json};

use crate::support::binary::Home;
use crate::support::files::{flow_file, manual};
use crate::support::raw_service::{Raw, RawService};

/// An answer may have ten megabytes, and the log keeps a quarter of one.
const MEMORY: u64 = 400;

/// What a run told.
struct Told {
    code: i32,
    objects: Vec<Value>,
}

impl Told {
    /// The first fact of this name.
    fn entry(&self, kind: &str) -> Option<&Value> {
        self.objects.iter().map(|it| &it["entry"]).find(|it| it["e"] == kind)
    }

    /// The node that failed, the failure's kind, and all its words.
    #[track_caller]
    fn failure(&self) -> (&str, &str, String) {
        let entry = self.entry("step_failed").unwrap_or_else(|| panic!("no step failed: {:?}", self.objects));
        let failure = &entry["failure"];
        let text = |at: &Value| at.as_str().unwrap_or_default().to_owned();
        let words = [&failure["title"], &failure["detail"], &failure["hint"], &failure["at"]].map(text).join("\n");
        (entry["step"]["n"].as_str().unwrap_or_default(), failure["kind"].as_str().unwrap_or_default(), words)
    }
}

/// Reads a contact of HighLevel there, and then uses its id; or asks any address, and then uses the body.
fn flow(first: &Value, path: &str) -> String {
    let used = json!({ "name": "Use it", "kind": "set", "fields": { "id": { "expr": path } } });
    flow_file("asking", &json!({ "start": manual(), "ask": first, "use": used }), &["start -> ask", "ask -> use"])
}

fn operation(id: &str, input: &Value) -> Value {
    json!({ "name": "Ask it", "kind": "action", "operation": id, "slot": "crm", "input": input, "retry": { "attempts": 1 } })
}

fn read_contact() -> String {
    flow(&operation("highlevel.contacts.get-contact", &json!({ "contactId": { "value": "c1" } })), "ask.contact.id | upper")
}

fn any_request(url: &str, method: &str) -> String {
    let call = json!({ "name": "Ask it", "kind": "http", "method": method, "url": { "value": url }, "retry": { "attempts": 1 } });
    flow(&call, "ask.body")
}

fn run(service: &RawService, file: &str) -> Told {
    let home = Home::new();
    let connections = json!([{
        "id": "crm", "connector": "highlevel", "base_url": service.url, "account": { "location_id": "l1" },
        "auth": { "kind": "none" },
    }]);
    home.write("c.json", &connections.to_string());
    home.write("a.flowyard", file);
    let ended = home.run_in(MEMORY, &["run", "a.flowyard", "--connections", "c.json", "--json"]);
    assert!([0, 1, 4].contains(&ended.code), "{}\n{}\n{}", ended.code, ended.stdout, ended.stderr);
    let told = Told { code: ended.code, objects: ended.objects() };
    let asked = told.objects.iter().any(|it| it["event"] == "exchange");
    assert!(asked, "the request is in the log: {}", ended.stdout);
    // Whatever came in can be read again.
    home.run(&["log", "show", "1", "--bodies"]).with_code(0).says(&["Ask it"]);
    told
}

fn answering(bytes: impl Into<Vec<u8>>) -> RawService {
    let bytes = bytes.into();
    RawService::start(move |_| Raw::Bytes(bytes.clone()))
}

fn ok(headers: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let head = format!("HTTP/1.1 200 OK\r\nconnection: close\r\n{headers}content-length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

fn json_of(body: &str) -> Vec<u8> {
    ok("content-type: application/json\r\n", body)
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    writer.write_all(body).expect("memory");
    writer.finish().expect("memory")
}

#[test]
fn a_page_nothing_half_an_answer_and_no_http_fail_at_the_call_with_its_words() {
    let page = "<!doctype html><html><head><title>Sign in</title></head><body>Please sign in</body></html>";
    for (name, bytes, kind, words) in [
        ("a page", ok("content-type: text/html\r\n", page), "service", "with a web page"),
        ("a page that says it is JSON", json_of(page), "service", "with a web page"),
        ("damaged JSON", json_of("{\"contact\": {\"id\": "), "service", "with JSON that is damaged"),
        ("nothing", Vec::new(), "network", "broke off before the answer"),
        ("half a head", b"HTTP/1.1 200 OK\r\ncontent-".to_vec(), "network", "broke off before the answer"),
        (
            "half a body",
            b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"a\"".to_vec(),
            "network",
            "broke off within the answer",
        ),
        (
            "half a chunk",
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n40\r\n{\"a\"".to_vec(),
            "network",
            "broke off within the answer",
        ),
        ("another protocol", b"220 mail.example.com ESMTP\r\n".to_vec(), "network", "broke off before the answer"),
        ("an old protocol", b"\0\x01\x02\x03".repeat(100), "network", "broke off before the answer"),
        ("damaged compression", ok("content-encoding: gzip\r\n", "this is not gzip"), "network", "broke off within the answer"),
        (
            "half a compression",
            ok("content-encoding: gzip\r\n", &gzip(b"{\"contact\": {}}")[..15]),
            "network",
            "broke off within the answer",
        ),
        (
            "two lengths",
            b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{} ".to_vec(),
            "network",
            "broke off before the answer",
        ),
        ("no length", b"HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\n{}".to_vec(), "network", "broke off before the answer"),
        (
            "a flood of headers",
            ok(&(0..10_000).map(|it| format!("x-{it}: y\r\n")).collect::<Vec<_>>().concat(), "{}"),
            "network",
            "broke off before the answer",
        ),
        (
            "a header of a megabyte",
            ok(&format!("x: {}\r\n", "y".repeat(1 << 20)), "{}"),
            "network",
            "broke off before the answer",
        ),
        ("another status", b"HTTP/1.1 999 Odd\r\ncontent-length: 0\r\n\r\n".to_vec(), "refused", "refused"),
    ] {
        let told = run(&answering(bytes), &read_contact());
        let (node, found, said) = told.failure();
        assert_eq!((told.code, node, found), (1, "ask", kind), "{name}: {said}");
        assert!(said.contains(words) && said.contains("HighLevel") && said.contains("\"Get contact\""), "{name}: {said}");
    }
}

#[test]
fn answers_without_end_and_such_that_unpack_to_very_much_are_cut() {
    let head = |more: &str| format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n{more}\r\n").into_bytes();
    let zeros = gzip(&vec![b' '; 100 << 20]);
    assert!(zeros.len() < 1 << 20);
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let many = format!("[{}{{}}]", "{},".repeat(600_000));
    let cases: [(&str, Raw, &str); 6] = [
        ("a body without end", Raw::Endless(head(""), vec![b' '; 1 << 16]), "too long"),
        ("a gigabyte that is announced", Raw::Bytes(head("content-length: 1073741824\r\n")), "too long"),
        (
            "chunks without end",
            Raw::Endless(head("transfer-encoding: chunked\r\n"), b"10\r\n                \r\n".to_vec()),
            "too long",
        ),
        ("a bomb", Raw::Bytes(ok("content-encoding: gzip\r\ncontent-type: application/json\r\n", zeros)), "too long"),
        ("a hundred thousand levels", Raw::Bytes(json_of(&deep)), "nests more than 100 deep"),
        ("very many values", Raw::Bytes(json_of(&many)), "holds more than 500000 values"),
    ];
    for (name, raw, words) in cases {
        let service = RawService::start(move |_| raw.clone());
        let told = run(&service, &read_contact());
        let (node, kind, said) = told.failure();
        assert_eq!((told.code, node, kind), (1, "ask", "limit"), "{name}: {said}");
        assert!(said.contains(words) && said.contains("HighLevel"), "{name}: {said}");
        assert_eq!(service.requests().len(), 1, "{name}: what is too long once is so always");
    }
    // Deeper than JSON may be read, but not deeper than a run can carry.
    let bearable = format!("{{\"contact\": {{\"id\": \"a\", \"x\": {}{}}}}}", "[".repeat(98), "]".repeat(98));
    assert_eq!(run(&answering(json_of(&bearable)), &read_contact()).code, 0);
}

#[test]
fn redirects_without_end_and_to_elsewhere_are_not_followed() {
    let service = RawService::start(|line| {
        let next = line.split(' ').nth(1).and_then(|it| it.rsplit('/').next()?.parse::<u64>().ok()).unwrap_or_default() + 1;
        Raw::Bytes(
            format!("HTTP/1.1 302 Found\r\nlocation: /step/{next}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
                .into_bytes(),
        )
    });
    let told = run(&service, &read_contact());
    let (node, kind, said) = told.failure();
    assert_eq!((told.code, node, kind), (1, "ask", "refused"), "{said}");
    assert!(said.contains("a redirect (302) that is not followed") && said.contains("on and on"), "{said}");
    assert!(service.requests().len() <= 6, "{:?}", service.requests());
    for (location, words) in
        [("ftp://127.0.0.1/x", "redirect"), ("http://192.0.2.1/", "redirect"), ("\u{1}", "redirect"), ("", "redirect")]
    {
        let told = run(
            &answering(format!("HTTP/1.1 302 Found\r\nlocation: {location}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")),
            &read_contact(),
        );
        let (node, _, said) = told.failure();
        assert_eq!((told.code, node), (1, "ask"), "{location}: {said}");
        assert!(said.contains(words) || said.contains("broke off"), "{location}: {said}");
    }
}

#[test]
fn values_of_another_type_fail_where_they_are_used_and_name_the_path() {
    for (name, body, words) in [
        ("a list", "[]", "\"ask.contact.id\" is missing"),
        ("null", "null", "\"ask.contact.id\" is missing"),
        ("a number", "5", "\"ask.contact.id\" is missing"),
        ("text", "\"contact\"", "\"ask.contact.id\" is missing"),
        ("a list within", "{\"contact\": [{\"id\": \"c1\"}]}", "\"ask.contact.id\" is missing"),
        ("null within", "{\"contact\": null}", "\"ask.contact.id\" is missing"),
        ("an id that is null", "{\"contact\": {\"id\": null}}", "text is needed here"),
        ("an id that is an object", "{\"contact\": {\"id\": {}}}", "text is needed here"),
        ("nothing", "", "\"ask.contact.id\" is missing"),
    ] {
        let told = run(&answering(json_of(body)), &read_contact());
        let (node, kind, said) = told.failure();
        assert_eq!((told.code, node, kind), (1, "use", "mapping"), "{name}: {said}");
        assert!(said.contains(words) && said.contains("Use it") && said.contains("fields.id"), "{name}: {said}");
        assert!(told.entry("step_succeeded").is_some(), "{name}: the call itself is done");
    }
    // Numbers that are text, and text that is numbers, are what they are.
    let told = run(&answering(json_of("{\"contact\": {\"id\": 12345678901234567890}}")), &read_contact());
    assert_eq!(told.code, 0);
    let told = run(&answering(json_of("{\"contact\": {\"id\": \"007\"}}")), &read_contact());
    let output = told.objects.iter().map(|it| &it["entry"]).find(|it| it["step"]["n"] == "use" && it["e"] == "step_succeeded");
    assert_eq!(output.expect("an output")["output"], json!({ "id": "007" }));
}

#[test]
fn interim_answers_empty_ones_and_wrong_lengths_are_read_for_what_they_are() {
    let whole = String::from_utf8(json_of("{\"contact\": {\"id\": \"c1\"}}")).expect("text");
    for (name, bytes) in [
        (
            "interim answers",
            format!("{}HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n{whole}", "HTTP/1.1 100 Continue\r\n\r\n".repeat(20)),
        ),
        ("more than its length", format!("{whole}and more that nobody announced")),
        ("blank lines before it", format!("{{}}{whole}").split_off(2)),
        ("a byte order mark", String::from_utf8(json_of("\u{feff}{\"contact\": {\"id\": \"c1\"}}")).expect("text")),
    ] {
        let told = run(&answering(bytes), &read_contact());
        assert_eq!(told.code, 0, "{name}: {:?}", told.objects);
    }
    for (name, bytes) in [
        (
            "204 with a body",
            "HTTP/1.1 204 No Content\r\ncontent-type: application/json\r\ncontent-length: 17\r\n\r\n{\"contact\": \"c1\"}",
        ),
        ("204 with chunks", "HTTP/1.1 204 No Content\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"),
    ] {
        let service = answering(bytes);
        let told = run(&service, &any_request(&format!("{}/x", service.url), "GET"));
        let answered = told.objects.iter().map(|it| &it["entry"]["output"]).find(|it| it["status"] == 204);
        assert!(answered.is_some_and(|it| it["body"].is_null()), "{name}: {:?}", told.objects);
    }
    // A change of protocol that nobody asked for.
    let told =
        run(&answering("HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\nrubbish"), &read_contact());
    assert_eq!((told.code, told.failure().0), (1, "ask"));
}

#[test]
fn a_write_whose_answer_is_of_no_use_is_not_repeated_and_waits_for_a_person() {
    for (name, bytes) in [
        ("half a body", &b"HTTP/1.1 201 Created\r\ncontent-length: 100\r\n\r\n{\"a\""[..]),
        ("nothing", b""),
        ("damaged JSON", b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1\r\n\r\n{"),
        ("a length beyond all", b"HTTP/1.1 200 OK\r\ncontent-length: 9000000000\r\n\r\n"),
    ] {
        let service = answering(bytes);
        let told = run(&service, &any_request(&format!("{}/pay", service.url), "POST"));
        assert_eq!(told.code, 4, "{name}: {:?}", told.objects);
        let parked = told.entry("step_parked").unwrap_or_else(|| panic!("{name}: {:?}", told.objects));
        assert_eq!((&parked["step"]["n"], &parked["on"]), (&json!("ask"), &json!("uncertain")), "{name}");
        assert_eq!(service.requests().len(), 1, "{name}: {:?}", service.requests());
    }
}

#[test]
fn a_flow_that_handles_failures_goes_on_behind_each_of_them() {
    let service = RawService::start(|line| match line {
        line if line.contains("/page") => Raw::Bytes(json_of("<html>")),
        line if line.contains("/half") => Raw::Bytes(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{".to_vec()),
        line if line.contains("/long") => Raw::Endless(b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), vec![b'x'; 1 << 16]),
        _ => Raw::Bytes(json_of("{\"contact\": {\"id\": \"c1\"}}")),
    });
    let ids =
        json!({ "name": "Each", "kind": "for_each", "items": { "value": ["page", "half", "long", "fine"] }, "keep_going": true });
    let ask = operation("highlevel.contacts.get-contact", &json!({ "contactId": { "expr": "item" } }));
    let tell = json!({ "name": "Tell", "kind": "log", "message": { "text": "{{ error.kind }}: {{ error.title }}" } });
    let nodes = json!({ "start": manual(), "each": ids, "ask": ask, "tell": tell });
    let told = run(&service, &flow_file("handling", &nodes, &["start -> each", "each.item -> ask", "ask.error -> tell"]));
    assert_eq!(told.code, 0, "{:?}", told.objects);
    let lines: Vec<&str> = told
        .objects
        .iter()
        .map(|it| &it["entry"])
        .filter(|it| it["e"] == "logged")
        .filter_map(|it| it["message"].as_str())
        .collect();
    for (line, kind) in lines.iter().zip(["service: ", "network: ", "limit: "]) {
        assert!(line.starts_with(kind), "{lines:?}");
    }
    assert_eq!(lines.len(), 3);
}
