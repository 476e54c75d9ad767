//! Two hundred locations of one agency, whose sign-in makes the tokens of each; on the real binary. The sandbox has one location,
//! so a service of this file's own makes the tokens, as the vendor describes it, and watches who comes with which.
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::{Path, RawForm, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::connect::key;
use crate::support::binary::{Home, Running, request};
use crate::support::files::{flow_file, hook};

const LOCATIONS: usize = 200;
const FLOWS: [&str; 3] = ["welcome", "remind", "close"];
/// Nothing here takes long; what does is stuck.
const PATIENCE: Duration = Duration::from_mins(2);

/// What the service saw.
#[derive(Debug, Default)]
struct Seen {
    /// How often the agency's token was asked for.
    agency: usize,
    /// How often each location's was.
    tokens: BTreeMap<String, usize>,
    /// How often each location was read, with its own token.
    reads: BTreeMap<String, usize>,
    /// Whatever was asked with a token that is not the one for it.
    wrong: Vec<String>,
}

type Shared = Arc<Mutex<Seen>>;

fn seen(shared: &Shared) -> std::sync::MutexGuard<'_, Seen> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

fn answer(status: StatusCode, body: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}

fn bearer(headers: &HeaderMap) -> &str {
    let value = headers.get(header::AUTHORIZATION).and_then(|it| it.to_str().ok()).unwrap_or_default();
    value.strip_prefix("Bearer ").unwrap_or_default()
}

/// The agency's tokens, for its app.
async fn agency(State(shared): State<Shared>) -> Response {
    seen(&shared).agency += 1;
    let body = json!({
        "access_token": "agency-token", "token_type": "Bearer", "expires_in": 86_399, "userType": "Company", "companyId": "C1",
    });
    answer(StatusCode::OK, &body)
}

/// A location's tokens, for the agency's.
async fn location_token(State(shared): State<Shared>, headers: HeaderMap, RawForm(form): RawForm) -> Response {
    let fields: BTreeMap<String, String> = form_urlencoded::parse(&form).into_owned().collect();
    let location = fields.get("locationId").cloned().unwrap_or_default();
    let mut seen = seen(&shared);
    if bearer(&headers) != "agency-token" || fields.get("companyId").map(String::as_str) != Some("C1") {
        seen.wrong.push(format!("a token for {location}"));
        return answer(StatusCode::UNAUTHORIZED, &json!({ "message": "Invalid JWT" }));
    }
    *seen.tokens.entry(location.clone()).or_default() += 1;
    let body = json!({
        "access_token": format!("token-of-{location}"), "token_type": "Bearer", "expires_in": 86_399, "userType": "Location",
        "companyId": "C1", "locationId": location,
    });
    answer(StatusCode::CREATED, &body)
}

async fn location(State(shared): State<Shared>, headers: HeaderMap, Path(id): Path<String>) -> Response {
    let mut seen = seen(&shared);
    if bearer(&headers) != format!("token-of-{id}") {
        seen.wrong.push(format!("location {id}"));
        return answer(StatusCode::FORBIDDEN, &json!({ "message": "The token does not have access to this location." }));
    }
    *seen.reads.entry(id.clone()).or_default() += 1;
    answer(StatusCode::OK, &json!({ "location": { "id": id, "name": format!("Location {id}") } }))
}

/// A service, until the test ends.
fn service(runtime: &Runtime) -> (String, Shared) {
    let shared = Shared::default();
    let app = axum::Router::new()
        .route("/oauth/token", post(agency))
        .route("/oauth/locationToken", post(location_token))
        .route("/locations/{id}", get(location))
        .with_state(Arc::clone(&shared));
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    runtime.spawn(async move { axum::serve(listener, app).await });
    (url, shared)
}

/// A flow that reads the location that it runs for.
fn reading(id: &str) -> String {
    let read =
        json!({ "name": "Read", "kind": "action", "operation": "highlevel.locations.get-location", "slot": "crm", "input": {} });
    flow_file(id, &json!({ "hook": hook(id), "read": read }), &["hook -> read"])
}

/// What a process holds in memory, in MiB; none where the system does not tell.
fn resident(running: &Running) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", running.pid())).ok()?;
    let line = status.lines().find_map(|it| it.strip_prefix("VmRSS:"))?;
    Some(line.trim().trim_end_matches(" kB").parse::<u64>().ok()? / 1024)
}

#[test]
fn each_of_two_hundred_locations_has_a_token_a_budget_and_runs_of_its_own() {
    let runtime = Runtime::new().expect("a runtime");
    let (url, shared) = service(&runtime);
    let home = Home::new();
    let vault = key(&home);
    let variables = [("FLOWYARD_VAULT_KEY_FILE", vault.as_str()), ("APP_SECRET", "s3cret")];
    let ids: Vec<String> = (1..=LOCATIONS).map(|at| format!("location-{at:03}")).collect();
    let mut connections = vec![json!({
        "id": "agency", "connector": "highlevel", "base_url": url, "auth": { "kind": "oauth" },
        "oauth": {
            "client_id": "app", "user_type": "Company", "grant": "client_credentials", "token_url": format!("{url}/oauth/token"),
        },
        "secret_env": { "client_secret": "APP_SECRET" },
    })];
    connections.extend(ids.iter().map(|id| {
        json!({
            "id": id, "name": id, "connector": "highlevel", "base_url": url, "auth": { "kind": "oauth" }, "agency": "agency",
            "account": { "location_id": format!("L-{id}") },
        })
    }));
    std::fs::create_dir(home.path("data")).expect("a directory");
    home.write("data/connections.json", &json!(connections).to_string());
    let files = FLOWS.map(|it| format!("{it}.flowyard"));
    for (flow, file) in FLOWS.iter().zip(&files) {
        home.write(file, &reading(flow));
        let binding = format!("crm={}", ids.join(","));
        home.run_with(&["connect", "bind", file, &binding], &variables, "").with_code(0);
    }

    let began = Instant::now();
    let args = ["serve", &files[0], &files[1], &files[2], "--listen", "127.0.0.1:0", "--json"];
    let serve = home.spawn_with(&args, &variables);
    let hooks: Vec<Value> = (0..LOCATIONS * FLOWS.len()).map(|_| serde_json::from_str(&serve.line()).expect("JSON")).collect();
    let started = began.elapsed();
    let idle = resident(&serve);
    assert!(seen(&shared).tokens.is_empty(), "a token that nothing calls with is not asked for");

    let began = Instant::now();
    let first = hooks.iter().filter(|it| it["flow"].as_str().is_some_and(|it| it.starts_with("welcome@")));
    for hook in first {
        assert_eq!(request("POST", hook["url"].as_str().expect("an address"), &[], "{}").0, 202);
    }
    let deadline = Instant::now() + PATIENCE;
    while seen(&shared).reads.len() < LOCATIONS {
        assert!(Instant::now() < deadline, "{:?}", seen(&shared));
        std::thread::yield_now();
    }
    let cold = began.elapsed();
    let began = Instant::now();
    for hook in &hooks {
        assert_eq!(request("POST", hook["url"].as_str().expect("an address"), &[], "{}").0, 202);
    }
    home.until_all_ended("data");
    let warm = began.elapsed();
    let busy = resident(&serve);
    serve.stop().with_code(0);

    let seen = seen(&shared);
    assert_eq!(seen.wrong, Vec::<String>::new());
    assert_eq!(seen.agency, 1, "one sign-in of the agency");
    assert_eq!(seen.tokens.len(), LOCATIONS);
    assert!(seen.tokens.values().all(|it| *it == 1), "{:?}", seen.tokens);
    assert!(seen.reads.values().all(|it| *it == 1 + FLOWS.len()), "{:?}", seen.reads);
    drop(seen);
    let budgets = home.run_with(&["connect", "budget", "--json"], &variables, "").with_code(0).objects();
    let of = |id: &str| budgets.iter().find(|it| it["connection"] == id).map(|it| it["budget"]["used_today"].clone());
    assert_eq!(of("agency"), Some(json!(LOCATIONS)));
    assert!(ids.iter().all(|id| of(id) == Some(json!(1 + FLOWS.len()))));
    let listing = Instant::now();
    home.run_with(&["connect", "list"], &variables, "").with_code(0).says(&["location-200"]);
    println!(
        "{LOCATIONS} locations, {} flows: started in {started:?}, {idle:?} MiB; first runs with their tokens in {cold:?}; \
         {} runs in {warm:?}, {busy:?} MiB then; listed in {:?}",
        FLOWS.len(),
        hooks.len(),
        listing.elapsed(),
    );
}
