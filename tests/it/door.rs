//! The door that other processes reach an engine through: nothing is done for those who do not have its key.
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::binary::{Home, Running};

const WAITING: &str = r#"{
  "flowyard": 1, "id": "ask", "name": "Ask", "slots": {},
  "nodes": {
    "start": {"name": "Start", "kind": "trigger", "trigger": "manual"},
    "ask": {"name": "Ask", "kind": "approval", "message": {"value": "Go on?"}}
  },
  "edges": [{"from": "start", "port": "out", "to": "ask"}]
}"#;

/// A `serve` whose run 1 waits for an approval, and what its door's file says.
fn serving(home: &Home) -> (Running, Value) {
    home.write("ask.flowyard", WAITING);
    home.run(&["run", "ask.flowyard", "--sandbox", "--data", "d"]).with_code(4);
    let serving = home.spawn(&["serve", "--sandbox", "--json", "--listen", "127.0.0.1:0", "--data", "d"]);
    serving.line_with("sandbox");
    let text = fs::read_to_string(home.path("d/door.json")).expect("the door's file");
    (serving, serde_json::from_str(&text).expect("JSON"))
}

/// Sends bytes, and reads a line.
fn ask(door: &Value, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(door["address"].as_str().expect("an address")).expect("an open door");
    stream.set_read_timeout(Some(Duration::from_mins(1))).expect("a bound");
    stream.write_all(bytes).expect("it is taken");
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).ok();
    line
}

fn cancel(token: &str) -> Vec<u8> {
    format!("{}\n", json!({ "token": token, "order": "cancel", "run": 1 })).into_bytes()
}

fn is_waiting(home: &Home) -> bool {
    home.run(&["log", "list", "--waiting", "--data", "d", "--json"]).with_code(0).objects().len() == 1
}

#[test]
fn without_the_key_nothing_is_done_and_with_it_the_order_is() {
    let home = Home::new();
    let (serving, door) = serving(&home);
    let key = door["token"].as_str().expect("a key");
    assert!(key.len() >= 40 && door["address"].as_str().is_some_and(|it| it.starts_with("127.0.0.1:")), "{door}");
    let cut = &key[..key.len() - 1];
    for (asked, words) in [
        (cancel(""), "not this engine's"),
        (cancel(cut), "not this engine's"),
        (cancel(&format!("{key}x")), "not this engine's"),
        (b"\n".to_vec(), "This is no order"),
        (b"GET /door HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(), "This is no order"),
        (format!("{}\n", json!({ "token": key, "order": "burn", "run": 1 })).into_bytes(), "This is no order"),
    ] {
        let answer = ask(&door, &asked);
        assert!(answer.contains(words) && !answer.contains(key), "{answer}");
    }
    assert!(is_waiting(&home));
    assert!(ask(&door, &cancel(key)).contains("cancelled"));
    home.until_all_ended("d");
    drop(serving);
}

#[cfg(unix)]
#[test]
fn its_file_is_for_its_owner_alone_and_goes_with_the_engine() {
    use std::os::unix::fs::PermissionsExt as _;
    let home = Home::new();
    let (serving, _) = serving(&home);
    let file = home.path("d/door.json");
    let mode = |path: &Path| fs::metadata(path).expect("a file").permissions().mode() & 0o777;
    assert_eq!(mode(&file), 0o600);
    serving.interrupt();
    serving.end().with_code(0);
    assert!(!file.exists());
}

#[test]
fn an_order_without_end_is_cut_off() {
    let home = Home::new();
    let (serving, door) = serving(&home);
    let mut stream = TcpStream::connect(door["address"].as_str().expect("an address")).expect("an open door");
    let piece = vec![b'x'; 1 << 20];
    // It stops reading after eight of them; what lies in between takes some more.
    let taken = (0..256).take_while(|_| stream.write_all(&piece).is_ok()).count();
    assert!(taken < 256, "{taken} MiB were taken");
    assert!(is_waiting(&home));
    drop(serving);
}
