//! `flowyard chaos`: what it prints, and how it ends.
use serde_json::json;

use crate::support::binary::Home;
use crate::support::files::{flow_file, manual};

const TEMPLATE: &str = include_str!("../../assets/templates/new-contact-to-calendar.flowyard");

#[test]
fn a_flow_is_tried_under_all_faults_and_kills_and_what_became_of_each_event_is_told() {
    let home = Home::new();
    home.write("new.flowyard", TEMPLATE);
    let told = home.run(&["chaos", "new.flowyard", "--runs", "12", "--kills", "3", "--seed", "7", "--json"]).with_code(0);
    let told = told.objects().pop().expect("one object");
    let of = |key: &str| told[key].as_u64().unwrap_or_else(|| panic!("{key}: {told}"));
    assert_eq!((of("events"), of("kills"), of("lost"), of("doubled")), (12, 3, 0, 0), "{told}");
    assert_eq!(of("once") + of("failed") + of("asking"), 12, "{told}");
    assert_eq!(of("failed_without_faults"), 0, "{told}");
    assert!(of("once") >= 8 && told["faults"].as_object().is_some_and(|it| !it.is_empty()), "{told}");
    // The log of what went otherwise is kept, and can be read.
    if let Some(log) = told["log"].as_str() {
        let listed = home.run(&["log", "list", "--data", log, "--json"]).with_code(0);
        assert_eq!(listed.objects().len(), 12);
        std::fs::remove_dir_all(std::path::Path::new(log).parent().expect("a folder")).expect("it can be removed");
    }
}

#[test]
fn a_flow_that_sends_requests_of_its_own_is_not_tried() {
    let home = Home::new();
    let send = json!({ "name": "Tell", "kind": "http", "method": "POST", "url": { "value": "https://hooks.example.com/x" } });
    home.write("out.flowyard", &flow_file("out", &json!({ "t": manual(), "send": send }), &["t -> send"]));
    home.run(&["chaos", "out.flowyard"]).with_code(3).warns(&["sends HTTP requests of its own", "\"Tell\"", "Mute these steps"]);
}
