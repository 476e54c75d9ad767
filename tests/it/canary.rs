//! Secrets of every kind, planted by the real binary, and a service that says them back in whatever it answers: none of them is
//! found in anything that is written or printed.
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use serde_json::json;

use crate::support::binary::{Ended, Home, request, text};
use crate::support::files::flow_file;

/// As nasty as secrets get: signs that texts escape, and long enough to be found.
const TOKEN: &str = "canary-tok/en+A=&\"q\\1-0123456789abcdef";
const KEY: &str = "canary-key'B<b>-9876543210fedcba";
const PASSWORD: &str = "canary pass+wörd/C:%25-13579bdf";
const CLIENT: &str = "canary-client-D-02468ace";
const PASSPHRASE: &str = "canary-passphrase-E-correct-horse";
const ROTATED: &str = "canary-rotated-F-55555aaaaa";
const ALL: [&str; 6] = [TOKEN, KEY, PASSWORD, CLIENT, PASSPHRASE, ROTATED];

/// Every form in which a secret could stand in a text.
fn forms(secret: &str) -> Vec<String> {
    let mut forms = vec![secret.to_owned()];
    let in_json = serde_json::to_string(secret).expect("JSON");
    forms.push(in_json.trim_matches('"').to_owned());
    forms.push(in_json.trim_matches('"').replace('/', "\\/"));
    forms.push(form_urlencoded::byte_serialize(secret.as_bytes()).collect());
    forms.push(percent_encoding::utf8_percent_encode(secret, percent_encoding::NON_ALPHANUMERIC).to_string());
    forms.push(percent_encoding::utf8_percent_encode(secret, percent_encoding::NON_ALPHANUMERIC).to_string().replace("%2D", "-"));
    forms.push(secret.bytes().flat_map(|it| [it >> 4, it & 15]).filter_map(|it| char::from_digit(it.into(), 16)).collect());
    for before in ["", "x", "xy"] {
        let whole = format!("{before}{secret}");
        for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
            let coded = engine.encode(&whole);
            // What depends on the neighbours is left out.
            let first = [0, 2, 3][before.len()];
            forms.push(coded[first..coded.len() - 2].to_owned());
        }
    }
    forms.push(STANDARD.encode(format!("1234_ann:{secret}")));
    forms
}

#[track_caller]
fn nothing_in(place: &str, text: &str) {
    for secret in ALL {
        for form in forms(secret) {
            assert!(!text.contains(&form), "{place} holds {form:?}:\n{}", around(text, &form));
        }
    }
}

fn around(text: &str, found: &str) -> String {
    let at = text.find(found).unwrap_or_default();
    let from = (0..=at.saturating_sub(120)).rev().find(|it| text.is_char_boundary(*it)).unwrap_or_default();
    text[from..].chars().take(400).collect()
}

#[track_caller]
fn quiet(ended: Ended) -> Ended {
    nothing_in("standard output", &ended.stdout);
    nothing_in("standard error", &ended.stderr);
    ended
}

/// Every file below a directory, also what no text is.
fn files(dir: &Path, found: &mut Vec<(String, Vec<u8>)>) {
    for path in fs::read_dir(dir).expect("a folder").map(|it| it.expect("an entry").path()) {
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push((path.display().to_string(), fs::read(&path).expect("a file")));
        }
    }
}

fn contains(bytes: &[u8], form: &str) -> bool {
    bytes.windows(form.len()).any(|it| it == form.as_bytes())
}

/// A service that answers with the secret that it was sent, in its headers, its body and its words, by how it is asked.
fn echo() -> (String, Arc<Mutex<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let heard = Arc::<Mutex<String>>::default();
    let all = Arc::clone(&heard);
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let all = Arc::clone(&all);
            thread::spawn(move || answer(stream, &all));
        }
    });
    (url, heard)
}

fn answer(mut stream: TcpStream, all: &Mutex<String>) -> Option<()> {
    let mut start = Vec::new();
    while !start.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).ok()?;
        start.extend(byte);
    }
    let start = String::from_utf8_lossy(&start).into_owned();
    let header = |name: &str| {
        start.lines().find_map(|it| it.split_once(": ").filter(|(it, _)| it.eq_ignore_ascii_case(name))).map(|it| it.1.to_owned())
    };
    let length: usize = header("content-length").and_then(|it| it.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    let sent = header("authorization").or_else(|| header("x-api-key")).unwrap_or_default();
    let bare = sent.trim_start_matches("Bearer ").trim_start_matches("Basic ").to_owned();
    // The password too, as whoever decodes the header would say it.
    let decoded = STANDARD.decode(&bare).ok().and_then(|it| String::from_utf8(it).ok()).unwrap_or_default();
    let password = decoded.split_once(':').map(|it| it.1.to_owned()).unwrap_or_default();
    let coded: String = form_urlencoded::byte_serialize(bare.as_bytes()).collect();
    all.lock().expect("not poisoned").extend([bare.as_str(), "\n", &password, "\n"]);
    let said = json!({
        "id": "1", "contact": { "id": "1", "note": bare }, "message": format!("you sent {bare} and {password}"), "in": [sent, password, coded],
        "base64": STANDARD.encode(&bare), "token": bare, "link": format!("https://x.example/?access_token={coded}&x={coded}"),
    });
    let line = start.lines().next().unwrap_or_default();
    let (status, kind, text) = if line.contains("401") {
        ("401 Unauthorized", "application/json", said.to_string())
    } else if line.contains("500") {
        ("500 Broken", "text/html", format!("<html><title>{bare}</title><h1>Error with {bare} {password}</h1></html>"))
    } else if line.contains("422") {
        ("422 Unprocessable", "application/json", json!({ "message": [format!("token {bare} is odd")] }).to_string())
    } else {
        ("200 OK", "application/json", said.to_string())
    };
    let cut = usize::from(line.contains("cut")) * 400;
    let answer = format!(
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\nx-echo: {coded}\r\nset-cookie: session={coded}\r\nlocation: https://x.example/?token={coded}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{text}",
        text.len() + cut
    );
    stream.write_all(answer.as_bytes()).ok()
}

/// A flow that asks the service in every way on the slot `crm`, and passes on whatever it said. One that asks its callers to wait
/// after an error is asked for one alone.
fn flow(id: &str, connector: &str, url: &str) -> String {
    let ask = |path: &str| {
        json!({ "name": format!("Ask {path}"), "kind": "http", "method": "GET", "url": { "value": format!("{url}/{path}") }, "slot": "crm",
            "retry": { "attempts": 1 } })
    };
    let nodes = json!({
        "start": { "name": "Start", "kind": "trigger", "trigger": "webhook", "path": id },
        "fine": ask("fine"),
        "pass": { "name": "Pass it on", "kind": "http", "method": "POST", "url": { "value": format!("{url}/pass") }, "slot": "crm",
            "body": { "json": { "expr": "fine" } }, "retry": { "attempts": 1 } },
        "tell": { "name": "Tell", "kind": "log", "message": { "text": "It said {{ fine.body.message }} {{ fine.body.in }} {{ fine.headers }}" } },
        "odd": ask("422"),
        "broken": ask("500"),
        "cut": ask("cut"),
        "refused": ask("401"),
    });
    let waits = connector == "schedule_it";
    let wires = if waits {
        &["start -> fine", "fine -> pass", "pass -> tell", "tell -> refused"][..]
    } else {
        &[
            "start -> fine",
            "fine -> pass",
            "pass -> tell",
            "tell -> odd",
            "odd.error -> broken",
            "broken.error -> cut",
            "cut.error -> refused",
        ]
    };
    let mut nodes = nodes;
    if waits && let Some(nodes) = nodes.as_object_mut() {
        nodes.retain(|id, _| !["odd", "broken", "cut"].contains(&id.as_str()));
    }
    flow_file(id, &nodes, wires).replace("\"crm\": \"highlevel\"", &format!("\"crm\": \"{connector}\""))
}

#[test]
fn no_secret_of_any_kind_is_found_in_what_is_written_or_printed() {
    let home = Home::new();
    let (url, heard) = echo();
    home.run(&["connect", "key", "key"]).with_code(0);
    let key = text(&home.path("key")).to_owned();
    let key_text = fs::read_to_string(&key).expect("the key");
    let key_line = key_text.lines().last().expect("a line").to_owned();
    for vault in [("FLOWYARD_VAULT_KEY_FILE", key.as_str()), ("FLOWYARD_VAULT_PASSPHRASE", PASSPHRASE)] {
        let data = format!("data-{}", vault.0.len());
        let run = |args: &[&str], secret: &str| {
            quiet(home.run_with(&[args, &["--data", &data]].concat(), &[vault, ("SECRET", secret)], secret))
        };
        let add =
            |args: &[&str], secret: &str| run(&[&["connect", "add"], args, &["--base-url", &url]].concat(), secret).with_code(0);
        add(&["highlevel", "--id", "bearer", "--secret-stdin"], TOKEN);
        add(&["highlevel", "--id", "api-key", "--kind", "api_key", "--secret-env", "SECRET"], KEY);
        add(&["schedule_it", "--id", "basic", "--user", "1234_ann", "--secret-env", "SECRET"], PASSWORD);
        add(&["highlevel", "--id", "oauth", "--client-id", "app", "--secret-stdin"], CLIENT);
        for (id, connector) in [("bearer", "highlevel"), ("api-key", "highlevel"), ("basic", "schedule_it")] {
            let file = format!("{id}.flowyard");
            home.write(&file, &flow(id, connector, &url));
            let bind = format!("crm={id}");
            run(&["connect", "test", id], "");
            run(&["connect", "test", id, "--json"], "");
            let ended = run(&["run", &file, "--bind", &bind], "");
            assert_ne!(ended.code, 0, "its last step is refused: {}", ended.stderr);
            if connector == "highlevel" {
                run(&["run", &file, "--bind", &bind, "--json"], "");
            }
        }
        // As a service of its own, with a log that tells all.
        let args = ["serve", "bearer.flowyard", "--bind", "crm=bearer", "--listen", "127.0.0.1:0", "--log-json", "--data", &data];
        let serving = home.spawn_with(&args, &[vault, ("FLOWYARD_LOG", "trace")]);
        let hook = serving.line_with("/hooks/bearer");
        assert_eq!(request("POST", &hook, &[], "{}").0, 202);
        run(&["connect", "rotate", "bearer", "--secret-stdin"], ROTATED);
        assert_eq!(request("POST", &hook, &[], "{}").0, 202);
        quiet(serving.stop());
        run(&["connect", "list"], "");
        run(&["connect", "list", "--json"], "");
        run(&["connect", "rename", "basic", "Other"], "");
        // The wrong key, a damaged file: the words hold nothing of it.
        quiet(home.run_with(&["connect", "list", "--data", &data], &[("FLOWYARD_VAULT_PASSPHRASE", "canary-wrong")], ""));
        for format in ["jsonl", "har", "csv"] {
            let ended = run(&["log", "export", "--format", format], "").with_code(0);
            assert!(ended.stdout.len() > 100, "{format}: {}", ended.stdout);
        }
        let runs = run(&["log", "list", "--json"], "").objects();
        assert!(runs.len() >= 6, "{}", runs.len());
        let mut hidden = 0;
        for it in &runs {
            let number = it["id"].to_string();
            let shown = run(&["log", "show", &number, "--bodies"], "").with_code(0);
            hidden += shown.stdout.matches("•••").count();
        }
        run(&["log", "search", "canary"], "");
        run(&["connect", "remove", "bearer"], "");
        let mut found = Vec::new();
        files(&home.path(&data), &mut found);
        assert!(found.iter().any(|(name, bytes)| name.ends_with("vault.age") && bytes.len() > 300));
        for (name, bytes) in &found {
            for secret in ALL.into_iter().chain([key_line.as_str()]) {
                for form in forms(secret) {
                    assert!(!contains(bytes, &form), "{name} holds {form:?}");
                }
            }
        }
        // The service did say them: what hides them had something to hide.
        let heard = std::mem::take(&mut *heard.lock().expect("not poisoned"));
        for secret in [TOKEN, KEY, PASSWORD, ROTATED] {
            assert!(heard.lines().any(|it| it == secret), "{secret} was never sent");
        }
        assert!(hidden > 20, "{hidden}");
    }
}

/// A fault says what the program was working on; its report does not.
#[cfg(feature = "gui")]
#[test]
fn the_report_of_a_fault_holds_no_secret() {
    let home = tempfile::tempdir().expect("a folder");
    flowyard::ui::watch_faults(home.path());
    for secret in ALL {
        let faults: [fn(&str); 4] = [
            |secret| panic!("the token {secret} is odd"),
            |secret| panic!("{:?}", Err::<(), _>(secret)),
            |secret| panic!("{}", serde_json::json!({ "authorization": format!("Bearer {secret}") })),
            // What the language itself says of a text that is cut at the wrong place.
            |secret| drop(format!("ö{secret}")[1..].to_owned()),
        ];
        for fault in faults {
            let ended = thread::spawn(move || fault(secret)).join();
            assert!(ended.is_err(), "it was a fault");
            let report = fs::read_to_string(home.path().join("crash.txt")).expect("a report");
            assert!(report.starts_with("Flowyard ") && report.contains("canary.rs"), "it says where: {report}");
            nothing_in("the report of a fault", &report);
        }
    }
    drop(std::panic::take_hook());
}
