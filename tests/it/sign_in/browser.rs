//! A real browser clicks through the consent page. Without Chromium the test says so and does nothing; with
//! `FLOWYARD_BROWSER=must` it fails instead.
#![cfg(unix)]
use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use serde_json::{Value, json};

use super::{PATIENCE, Scene};

/// Chromium without a window, steered through two pipes by its own protocol: texts of JSON, each ended by a zero byte.
struct Browser {
    child: Child,
    orders: File,
    answers: BufReader<File>,
    session: String,
    count: u64,
}

impl Browser {
    /// The browser that is installed; none if there is none.
    fn installed() -> Option<&'static str> {
        let names = ["chromium", "chromium-browser", "google-chrome"];
        names
            .into_iter()
            .find(|it| Command::new(it).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok())
    }

    fn start(program: &str, dir: &Path, url: &str) -> Self {
        let pipes = ["orders", "answers"].map(|it| dir.join(it));
        assert!(Command::new("mkfifo").args(&pipes).status().expect("mkfifo").success());
        // The browser reads its orders from the third file and answers into the fourth.
        let script = r#"exec "$0" "$@" 3<orders 4>answers"#;
        let profile = format!("--user-data-dir={}", dir.join("profile").display());
        let mut command = Command::new("sh");
        command.args(["-c", script, program, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]);
        command.args(["--no-first-run", "--no-proxy-server", "--remote-debugging-pipe", &profile, "about:blank"]);
        command.current_dir(dir).env("HOME", dir).env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere/bus");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().expect("the browser");
        let orders = OpenOptions::new().write(true).open(&pipes[0]).expect("a pipe");
        let answers = BufReader::new(File::open(&pipes[1]).expect("a pipe"));
        let mut browser = Self { child, orders, answers, session: String::new(), count: 0 };
        let target = browser.ask("Target.createTarget", &json!({ "url": url }));
        let attached = browser.ask("Target.attachToTarget", &json!({ "targetId": target["targetId"], "flatten": true }));
        attached["sessionId"].as_str().expect("a session").clone_into(&mut browser.session);
        browser
    }

    /// Sends an order and waits for its answer; what else the browser tells is passed over.
    fn ask(&mut self, method: &str, params: &Value) -> Value {
        self.count += 1;
        let mut order = json!({ "id": self.count, "method": method, "params": params });
        if !self.session.is_empty() {
            order["sessionId"] = json!(self.session);
        }
        self.orders.write_all(format!("{order}\0").as_bytes()).expect("the browser reads");
        loop {
            let mut text = Vec::new();
            self.answers.read_until(0, &mut text).expect("an answer");
            assert_eq!(text.pop(), Some(0), "the browser ended");
            let answer: Value = serde_json::from_slice(&text).expect("JSON");
            if answer["id"] == self.count {
                assert!(answer["error"].is_null(), "{method}: {answer}");
                return answer["result"].clone();
            }
        }
    }

    /// What an expression gives on the page; null while there is no page.
    fn evaluate(&mut self, expression: &str) -> Value {
        let result = self.ask("Runtime.evaluate", &json!({ "expression": expression, "returnByValue": true }));
        result["result"]["value"].clone()
    }

    fn until(&mut self, expression: &str) {
        let deadline = Instant::now() + PATIENCE;
        while self.evaluate(expression) != json!(true) {
            assert!(Instant::now() < deadline, "{expression}: {}", self.evaluate("document.documentElement.outerHTML"));
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

#[test]
fn a_real_browser_clicks_through_the_consent_page() {
    let Some(program) = Browser::installed() else {
        assert!(std::env::var("FLOWYARD_BROWSER").as_deref() != Ok("must"), "Chromium is not installed");
        eprintln!("skipped: Chromium is not installed");
        return;
    };
    let scene = Scene::new();
    let dir = tempfile::tempdir().expect("a folder");
    let (running, opened) = scene.begin(&[]);
    let mut browser = Browser::start(program, dir.path(), opened.as_str());
    browser.until("document.readyState === 'complete' && document.getElementById('allow') !== null");
    let asked = browser.evaluate("document.body.innerText");
    assert!(asked.as_str().is_some_and(|it| it.contains("contacts.write")), "{asked}");
    browser.evaluate("document.getElementById('allow').click()");
    browser.until("document.body !== null && document.body.innerText.includes('You can close this page')");
    let page = browser.evaluate("document.documentElement.outerHTML");
    assert!(page.as_str().is_some_and(|it| !super::holds_a_secret(&scene, it.as_bytes())), "{page}");
    let told = running.end().with_code(0).objects().pop().expect("a summary");
    assert_eq!(told["works"], true, "{told}");
    scene.run(&["connect", "test", "crm"]).with_code(0);
}
