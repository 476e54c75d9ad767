//! Secrets in a keychain: a real Secret Service, on a session bus of its own.
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::thread::JoinHandle;

use crate::support::binary::{Home, text};
use crate::support::keychain::Keychain;

/// Answers one request, and gives the secret that it came with.
fn listen() -> (String, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let heard = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a caller");
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).expect("a request");
            head.extend(byte);
        }
        let body = r#"{"location":{"name":"Ann's"}}"#;
        let answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(answer.as_bytes()).expect("an answer");
        let head = String::from_utf8(head).expect("text");
        let line = head.lines().find(|it| it.to_ascii_lowercase().starts_with("authorization:")).expect("a secret");
        line.split_once("Bearer ").expect("a token").1.to_owned()
    });
    (url, heard)
}

/// Every file below a directory, as far as it is text.
fn files(dir: &Path) -> String {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten().map(|it| it.path());
    entries
        .map(
            |path| {
                if path.is_dir() {
                    files(&path)
                } else {
                    String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned()
                }
            },
        )
        .collect()
}

#[test]
fn secrets_are_kept_in_the_keychain_where_one_answers() {
    let Some(mut keychain) = Keychain::start() else { return };
    let home = Home::new();
    let (url, heard) = listen();
    let add = |keychain: &Keychain, data: &str, id: &str, secret: &str| {
        let args = [
            "connect",
            "add",
            "highlevel",
            "--id",
            id,
            "--account",
            "location_id=abc",
            "--base-url",
            &url,
            "--secret-stdin",
            "--data",
            data,
        ];
        home.run_with(&args, &keychain.variables(), secret).with_code(0).says(&["its secret is in the keychain of the system"])
    };
    // As long as two signed tokens: several entries where one is bounded.
    let long = "canary-0123456789".repeat(500);
    add(&keychain, "data", "crm", &long);
    assert!(keychain.entries() > 4, "{}", keychain.entries());
    home.run_with(&["connect", "test", "crm"], &keychain.variables(), "").with_code(0).says(&["Ann's"]);
    assert_eq!(heard.join().expect("a request"), long);
    // Nothing of it lies in the data directory.
    assert!(
        !files(&home.path("data")).contains("canary")
            && home.path("data/vault.json").exists()
            && !home.path("data/vault.age").exists()
    );
    // A data directory of another has secrets of its own under the same id.
    add(&keychain, "other", "crm", "another");
    let (url, heard) = listen();
    let mut file: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(home.path("other/connections.json")).expect("the file")).expect("JSON");
    file[0]["base_url"] = url.into();
    home.write("other/connections.json", &file.to_string());
    home.run_with(&["connect", "test", "crm", "--data", "other"], &keychain.variables(), "").with_code(0);
    assert_eq!(heard.join().expect("a request"), "another");

    // Locked: said so, and nothing else breaks.
    keychain.restart(false);
    let listed = home.run_with(&["connect", "list"], &keychain.variables(), "").with_code(0);
    listed.says(&["to be reconnected"]).warns(&["the keychain of the system is locked"]);
    home.run_with(&["connect", "test", "crm"], &keychain.variables(), "").with_code(6).warns(&["is locked", "Unlock it"]);
    let more = ["connect", "add", "highlevel", "--id", "more", "--secret-stdin"];
    home.run_with(&more, &keychain.variables(), "canary").with_code(6).warns(&["The keychain is locked"]);
    keychain.restart(true);
    home.run_with(&["connect", "list"], &keychain.variables(), "").with_code(0).says(&["ready"]);
    // Replaced by a short one, and removed: no part is left behind.
    home.run_with(&["connect", "rotate", "crm", "--secret-stdin"], &keychain.variables(), "short").with_code(0);
    assert_eq!(keychain.entries(), 2);
    home.run_with(&["connect", "remove", "crm"], &keychain.variables(), "").with_code(0);
    home.run_with(&["connect", "remove", "crm", "--data", "other"], &keychain.variables(), "").with_code(0);
    assert_eq!(keychain.entries(), 0);

    // Gone: the two ways to keep secrets are named.
    add_gone(&home, &mut keychain);
}

fn add_gone(home: &Home, keychain: &mut Keychain) {
    keychain.lose_bus();
    let args = ["connect", "add", "highlevel", "--secret-stdin"];
    let ended = home.run_with(&args, &keychain.variables(), "canary").with_code(6);
    ended.warns(&["no keychain that answers", "FLOWYARD_VAULT_PASSPHRASE", "FLOWYARD_VAULT_KEY_FILE"]);
    // A key to an encrypted file goes before the keychain.
    home.run(&["connect", "key", "key"]).with_code(0);
    let key = text(&home.path("key")).to_owned();
    home.run_with(&args, &[("FLOWYARD_VAULT_KEY_FILE", &key)], "canary").with_code(0).says(&["vault.age"]);
}
