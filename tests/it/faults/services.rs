//! The imitated services as a process of their own, steered from outside.
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use flowyard::sandbox::{Delivery, DeliveryFaults, Faults, Limits};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::support::binary::{Home, Running};

/// What a person is to get, by the last name.
pub(super) const KINDS: [&str; 3] = ["Note", "Task", "Message"];
/// In which collections that is, and which field names the person.
const COLLECTIONS: [&str; 3] = ["notes", "tasks", "conversations/messages"];
/// Requests under way at a time to add people: they meet the faults too, and the slow ones hold up nobody.
const ADDING: usize = 8;

pub(super) struct Services {
    pub(super) access: Value,
    url: String,
    seed: u64,
    runtime: Runtime,
    client: Client,
    /// Several threads look at the services; none at the process.
    _process: Mutex<Running>,
    _home: Home,
}

impl Services {
    /// Without any fault at first.
    pub(super) fn start(seed: u64, receiver: SocketAddr) -> Self {
        let home = Home::new();
        let random = seed.to_string();
        let process = home.spawn(&["sandbox", "--seed", "empty", "--random", &random, "--token-seconds", "20", "--json"]);
        let access: Value = serde_json::from_str(&process.line()).expect("JSON");
        let base = access["highlevel"]["base_url"].as_str().expect("an address");
        let url = format!("{}/_sandbox", base.strip_suffix("/highlevel").expect("the service's own path"));
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        // A second one is refused, and is the same anyway.
        rustls::crypto::ring::default_provider().install_default().ok();
        let client = Client::builder().no_proxy().build().expect("a client");
        let services = Self { access, url, seed, runtime, client, _process: Mutex::new(process), _home: home };
        // The limit is not what is tried here; it is met by the answers that are 429 by chance.
        services.steer("PUT", "limits", &json!(Limits { burst: 1_000, interval_ms: 1_000, ..Limits::default() }));
        let faults = DeliveryFaults {
            doubled: 0.1,
            reordered: 0.1,
            lost: 0.1,
            slow: 0.1,
            slow_ms: 1_500,
            random: seed,
            ..DeliveryFaults::default()
        };
        let url = Some(format!("http://{receiver}/events/highlevel"));
        services.steer("PUT", "webhooks", &json!(Delivery { url, apart_ms: 700, faults, ..Delivery::default() }));
        services
    }

    /// Says or asks something; the answer.
    fn steer(&self, method: &str, path: &str, body: &Value) -> Value {
        let url = format!("{}/{path}", self.url);
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        self.runtime.block_on(async {
            let request = self.client.request(method, url);
            let request = if body.is_null() { request } else { request.json(body) };
            let answer = request.send().await.expect("the sandbox answers");
            assert!(answer.status().is_success(), "{path}: {}", answer.status());
            answer.json().await.expect("JSON")
        })
    }

    /// The faults of a life of the process: in one half of them they strike before the effect, in the other after it.
    pub(super) fn begin_faults(&self, life: u64) {
        let faults = Faults {
            unauthorized: 0.01,
            forbidden: 0.002,
            rate_limited: 0.02,
            server_error: 0.02,
            html: 0.01,
            cut: 0.03,
            slow: 0.05,
            slow_ms: 500,
            after: life % 2 == 1,
            random: self.seed.wrapping_add(life),
            ..Faults::default()
        };
        self.steer("PUT", "faults", &json!(faults));
    }

    pub(super) fn expire_tokens(&self) {
        self.steer("POST", "oauth/expire", &Value::Null);
    }

    /// Adds so many people, spread over so long. Each is there once when this returns, whatever went wrong on the way.
    pub(super) fn add_people(&self, count: u64, time: Duration) {
        let begun = Instant::now();
        let pace = time / u32::try_from(count).expect("in range");
        self.runtime.block_on(async {
            let mut adding = tokio::task::JoinSet::new();
            for number in 0..count {
                while adding.len() >= ADDING {
                    adding.join_next().await.expect("one is under way").expect("it is added");
                }
                let due = pace * u32::try_from(number).expect("in range");
                tokio::time::sleep(due.saturating_sub(begun.elapsed())).await;
                adding.spawn(add(self.client.clone(), self.access["highlevel"].clone(), number));
            }
            while let Some(ended) = adding.join_next().await {
                ended.expect("it is added");
            }
        });
    }

    fn records(&self, collection: &str) -> Vec<Value> {
        let found = self.steer("GET", &format!("records/{collection}"), &Value::Null);
        found["records"].as_array().cloned().unwrap_or_default()
    }

    /// Everybody who was added: ids, with what they are to get.
    pub(super) fn people(&self) -> BTreeMap<String, String> {
        let text = |it: &Value, key: &str| it[key].as_str().unwrap_or_default().to_owned();
        self.records("contacts").iter().map(|it| (text(it, "id"), text(it, "lastName"))).collect()
    }

    /// What was done for each person, by the kind of it.
    pub(super) fn effects(&self) -> BTreeMap<String, Vec<&'static str>> {
        let mut effects: BTreeMap<String, Vec<&'static str>> = BTreeMap::new();
        for (kind, collection) in KINDS.iter().zip(COLLECTIONS) {
            for record in self.records(collection) {
                let person = record["contactId"].as_str().unwrap_or_else(|| panic!("nobody's: {record}"));
                effects.entry(person.to_owned()).or_default().push(kind);
            }
        }
        effects
    }

    /// How many requests met each fault.
    pub(super) fn faults_met(&self) -> BTreeMap<String, usize> {
        let ledger = self.steer("GET", "ledger", &Value::Null);
        let attempts = self.steer("GET", "webhooks", &Value::Null);
        let mut met: BTreeMap<String, usize> = BTreeMap::new();
        for (of, list) in [("", &ledger["entries"]), ("message ", &attempts["attempts"])] {
            for it in list.as_array().into_iter().flatten() {
                if let Some(fault) = it["fault"].as_str() {
                    *met.entry(format!("{of}{fault}")).or_default() += 1;
                }
            }
        }
        met
    }
}

/// Adds a person, as often as it takes. The services let nobody in twice with the same address.
async fn add(client: Client, access: Value, number: u64) {
    let of = |key: &str| access[key].as_str().expect("text").to_owned();
    let kind = KINDS[usize::try_from(number % 3).expect("in range")];
    let email = format!("person-{number}@example.com");
    let body = json!({ "locationId": of("location_id"), "firstName": "Person", "lastName": kind, "email": email });
    let deadline = Instant::now() + super::PATIENCE;
    loop {
        let request = client.post(format!("{}/contacts/", of("base_url"))).bearer_auth(of("token"));
        if let Ok(answer) = request.header("version", "2021-07-28").json(&body).send().await {
            let status = answer.status().as_u16();
            // One that is cut says 201 as well.
            let text = answer.text().await.unwrap_or_default();
            if (status == 201 && serde_json::from_str::<Value>(&text).is_ok()) || (status == 400 && text.contains("duplicate")) {
                return;
            }
            assert!(matches!(status, 201 | 401 | 403 | 429 | 500 | 502), "{status}: {text}");
        }
        assert!(Instant::now() < deadline, "{email} cannot be added");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
