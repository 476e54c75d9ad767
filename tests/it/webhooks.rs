//! What the sandbox tells of a change, from the real binary to a receiver on this machine.
use std::sync::Mutex;
use std::sync::mpsc::channel;
use std::time::Duration;

use serde_json::{Value, json};

use super::support::binary::{Home, request};
use super::support::raw_service::{Raw, RawService};

#[test]
fn a_change_in_the_sandbox_reaches_the_address_that_was_named_again_after_a_refusal() {
    let (sender, arrived) = channel();
    let answers = Mutex::new(vec!["200 OK", "500 Internal Server Error"]);
    let receiver = RawService::start(move |line| {
        sender.send(line.to_owned()).ok();
        let answer = answers.lock().expect("not poisoned").pop().unwrap_or("200 OK");
        Raw::Bytes(format!("HTTP/1.1 {answer}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").into_bytes())
    });
    let home = Home::new();
    let address = format!("{}/hooks/app", receiver.url);
    let sandbox = home.spawn(&["sandbox", "--json", "--webhook-url", &address, "--webhook-retry-ms", "1"]);
    let access: Value = serde_json::from_str(&sandbox.line()).expect("JSON");
    let base = access["highlevel"]["base_url"].as_str().expect("an address");
    let bearer = format!("Bearer {}", access["highlevel"]["token"].as_str().expect("a token"));
    let headers = [("authorization", &*bearer), ("version", "2021-07-28"), ("content-type", "application/json")];
    let contact = json!({"locationId": access["highlevel"]["location_id"], "firstName": "Ada"});
    let (status, body) = request("POST", &format!("{base}/contacts/"), &headers, &contact.to_string());
    assert_eq!(status, 201, "{body}");
    for _ in 0..2 {
        let line = arrived.recv_timeout(Duration::from_mins(1)).expect("a webhook");
        assert_eq!(line, "POST /hooks/app HTTP/1.1");
    }
    home.run(&["sandbox", "--webhook-url", "file:///tmp/x"]).with_code(2).warns(&["no web address"]);
}
