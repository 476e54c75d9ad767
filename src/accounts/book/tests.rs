use proptest::prelude::{Just, prop_oneof};

use super::*;
use crate::catalog::{AuthKind, Connector};

fn catalog() -> Catalog {
    let connector = |text: &str| serde_json::from_str::<Connector>(text).unwrap();
    [
        connector(
            r#"{"id":"crm","title":"CRM","environments":[{"id":"live","base_url":"https://crm.example"}],
                "auth":[{"kind":"bearer"},{"kind":"api_key","header":"X-Own"},{"kind":"oauth","token_url":"https://crm.example/token"}],
                "account":{"location_id":"Location"}}"#,
        ),
        connector(r#"{"id":"cal","title":"Cal","environments":[],"auth":[{"kind":"basic"}]}"#),
    ]
    .into_iter()
    .collect()
}

fn book(text: &str) -> Result<Book, Failure> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("connections.json");
    std::fs::write(&path, text).unwrap();
    Book::read(&path, &catalog())
}

fn words(text: &str) -> String {
    let bound = book(text).and_then(|it| it.bound(None, &|name| (name == "TOKEN").then(|| "t".to_owned())).map(drop));
    match bound {
        Ok(()) => "fine".to_owned(),
        Err(failure) if failure.kind == FailureKind::SignIn => format!("secret: {failure}"),
        Err(failure) => failure.to_string(),
    }
}

#[test]
fn what_is_left_out_comes_from_the_catalogue() {
    let text = r#"[{"id":"a","connector":"crm","account":{"location_id":"l"},"secret_env":{"token":"TOKEN"}}]"#;
    let (connections, secrets) = book(text).unwrap().bound(None, &|_| Some("t".to_owned())).unwrap();
    let connection = &connections[0];
    assert_eq!((connection.base_url.as_str(), connection.name.as_str()), ("https://crm.example", "CRM"));
    assert_eq!((connection.environment.as_str(), &connection.zone, &connection.oauth), ("live", &None, &None));
    assert!(connection.auth == AuthKind::Bearer && secrets.len() == 1 && secrets[0].0 == connection.id);
    // A kind alone is the connector's own of that kind.
    let text = r#"[{"id":"a","connector":"crm","auth":{"kind":"api_key"}},{"id":"b","connector":"crm","auth":{"kind":"oauth"},"oauth":{"client_id":"c"}}]"#;
    let (connections, secrets) = book(text).unwrap().bound(None, &|_| None).unwrap();
    assert_eq!(connections[0].auth, AuthKind::ApiKey { header: "X-Own".to_owned() });
    assert!(matches!(&connections[1].auth, AuthKind::OAuth(it) if it.token_url == "https://crm.example/token"));
    assert!(secrets.is_empty(), "theirs are in the vault");
}

#[test]
fn a_variable_that_is_not_set_concerns_its_own_connection_where_one_is_meant() {
    let text = r#"[{"id":"a","connector":"crm","secret_env":{"token":"TOKEN"}},{"id":"b","connector":"crm","secret_env":{"token":"GONE"}}]"#;
    let book = book(text).unwrap();
    let variable = |name: &str| (name == "TOKEN").then(|| "t".to_owned());
    assert!(book.bound(None, &variable).is_err());
    let (connections, secrets) = book.bound(Some(&ConnectionId::new("a")), &variable).unwrap();
    assert_eq!((connections.len(), secrets.len()), (2, 1));
    let failure = book.bound(Some(&ConnectionId::new("b")), &variable).err().unwrap();
    assert!(failure.detail.contains("Connection 2: The environment variable GONE"), "{failure}");
}

#[test]
fn each_mistake_is_named() {
    for (text, expected) in [
        ("{", "It is not JSON"),
        ("{}", "must be a list"),
        ("[1]", "Connection 1: it must be an object"),
        (r#"[{"connector":"crm"}]"#, "\"id\" is missing"),
        (r#"[{"id":"a","connector":"x"}]"#, "the connector \"x\" is not in the catalogue, which has cal, crm"),
        (r#"[{"id":"a","connector":"crm","token":"s3cret"}]"#, "\"token\" is not known"),
        (r#"[{"id":"a","connector":"crm","account":{"city":"x"}}]"#, "an account of CRM has no \"city\"; it has location_id"),
        (r#"[{"id":"a","connector":"crm","secret_env":"x"}]"#, "\"secret_env\" must be an object"),
        (
            r#"[{"id":"a","connector":"cal","base_url":"https://x","secret_env":{"user":"TOKEN"}}]"#,
            "\"secret_env\" must name \"user\" and \"password\"",
        ),
        (
            r#"[{"id":"a","connector":"crm","secret_env":{"user":"TOKEN"}}]"#,
            "has \"user\", and this way of signing in wants \"token\"",
        ),
        (
            r#"[{"id":"a","connector":"crm","auth":{"kind":"none"},"secret_env":{"token":"TOKEN"}}]"#,
            "has \"token\", and this way of signing in wants nothing",
        ),
        (r#"[{"id":"a","connector":"crm","secret_env":{"token":"NOT_SET"}}]"#, "The environment variable NOT_SET is not set"),
        (r#"[{"id":"a","connector":"crm","base_url":"ftp://x"}]"#, "must begin with https://"),
        (r#"[{"id":"a","connector":"crm","base_url":"http://crm.example"}]"#, "http:// is for this machine only"),
        (r#"[{"id":"a","connector":"crm","base_url":"https://ann:pw@crm.example"}]"#, "holds a user or a password"),
        (r#"[{"id":"a","connector":"cal"}]"#, "\"base_url\" is missing"),
        (r#"[{"id":"a","connector":"cal","base_url":"https://x","auth":{"kind":"magic"}}]"#, "\"auth\" must be one of"),
        (r#"[{"id":"a","connector":"crm","zone":"Mars/Base"}]"#, "\"zone\" must be a time zone"),
        (r#"[{"id":"a","connector":"crm","oauth":{"client_id":"c"}}]"#, "\"oauth\" is for connections whose"),
        (
            r#"[{"id":"a","connector":"crm","auth":{"kind":"oauth"},"oauth":{"client_secret":"c"}}]"#,
            "\"oauth\" must be an object with",
        ),
        (r#"[{"id":"a","connector":"crm"},{"id":"a","connector":"crm"}]"#, "Connection 2: the id \"a\" is taken already"),
    ] {
        let words = words(text);
        assert!(words.contains(expected) && words.contains("connections.json"), "{text}: {words}");
    }
}

#[test]
fn a_secret_in_the_wrong_place_is_not_repeated() {
    for text in [
        r#"[{"id":"a","connector":"crm","secret_env":{"token":"pit-0123abcd"}}]"#,
        r#"[{"id":"a","connector":"crm","secret_env":"pit-0123abcd"}]"#,
        r#"[{"id":"a","connector":"crm","auth":"pit-0123abcd"}]"#,
        r#"[{"id":"a","connector":"crm","auth":{"kind":"oauth"},"oauth":{"client_id":"c","client_secret":"pit-0123abcd"}}]"#,
        r#"[{"id":"a","connector":"crm","token":"pit-0123abcd"}]"#,
        r#"[{"id":"a","connector":"crm","base_url":"https://x:pit-0123abcd@crm.example"}]"#,
    ] {
        let words = words(text);
        assert!(words != "fine" && !words.contains("0123abcd"), "{words}");
    }
}

#[test]
fn a_change_leaves_the_rest_as_a_person_wrote_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("data/connections.json");
    let account = |text: &str| Account::parse(serde_json::from_str(text).unwrap(), &catalog()).unwrap();
    Book::change(&path, &catalog(), |it| it.add(account(r#"{"id":"a","connector":"crm","secret_env":{"token":"TOKEN"}}"#)))
        .unwrap();
    Book::change(&path, &catalog(), |it| {
        it.add(account(r#"{"name":"Zoë \"Z\"","connector":"crm","id":"b","zone":"Europe/London"}"#))
    })
    .unwrap();
    let text = "[\n  {\"id\": \"a\", \"connector\": \"crm\", \"secret_env\": {\"token\":\"TOKEN\"}},\n  \
                {\"id\": \"b\", \"name\": \"Zoë \\\"Z\\\"\", \"connector\": \"crm\", \"zone\": \"Europe/London\"}\n]\n";
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text, "what is usual is not written");
    let taken = Book::change(&path, &catalog(), |it| it.add(account(r#"{"id":"b","connector":"crm"}"#))).unwrap_err();
    assert!(taken.title.contains("\"b\" already") && !taken.hint.is_empty());
    let gone = Book::change(&path, &catalog(), |it| it.remove(&ConnectionId::new("c"))).unwrap_err();
    assert_eq!((gone.kind, gone.hint.as_str()), (FailureKind::NotFound, "There are a, b."));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    Book::change(&path, &catalog(), |it| {
        let changed = it.account(&ConnectionId::new("a"))?.with("name", Some("New".into()), &catalog()).unwrap();
        it.replace(changed)
    })
    .unwrap();
    Book::change(&path, &catalog(), |it| it.remove(&ConnectionId::new("b"))).unwrap();
    assert_eq!(
        std::fs::read_to_string(&path).unwrap(),
        "[\n  {\"id\": \"a\", \"name\": \"New\", \"connector\": \"crm\", \"secret_env\": {\"token\":\"TOKEN\"}}\n]\n"
    );
    let book = Book::read(&path, &catalog()).unwrap();
    assert_eq!((book.free_id("a"), book.free_id("z")), ("a-2".to_owned(), "z".to_owned()));
    // A file that others may read, since a service does, stays so.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = || std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(), 0o600);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        Book::change(&path, &catalog(), |it| it.remove(&ConnectionId::new("a"))).unwrap();
        assert_eq!((mode(), std::fs::read_to_string(&path).unwrap().as_str()), (0o644, "[]\n"));
    }
}

#[test]
fn a_file_that_cannot_be_used_is_never_written_over() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("connections.json");
    for text in ["{", "[1]", r#"[{"id":"a","connector":"gone"}]"#] {
        std::fs::write(&path, text).unwrap();
        let added = Account::parse(serde_json::json!({"id": "b", "connector": "crm"}), &catalog()).unwrap();
        assert!(Book::change(&path, &catalog(), |it| it.add(added)).is_err());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    }
    assert!(Book::read(dir.path(), &catalog()).unwrap_err().title.contains("Cannot read"));
    std::fs::write(&path, [0xff, 0xfe]).unwrap();
    assert!(Book::read(&path, &catalog()).unwrap_err().detail.contains("UTF-8"));
}

#[test]
fn many_that_add_at_once_are_all_there() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("connections.json");
    std::thread::scope(|scope| {
        for at in 0..8 {
            let path = &path;
            scope.spawn(move || {
                let account =
                    Account::parse(serde_json::json!({"id": format!("c{at}"), "connector": "crm"}), &catalog()).unwrap();
                Book::change(path, &catalog(), |it| it.add(account)).unwrap();
            });
        }
    });
    assert_eq!(Book::read(&path, &catalog()).unwrap().accounts().len(), 8);
}

proptest::proptest! {
    /// Whatever stands in the file: it is taken or refused, and what may be a secret is not repeated.
    #[test]
    fn any_connections_are_taken_or_refused_without_repeating_a_secret(
        field in proptest::sample::select(vec![
            "secret_env", "auth", "token", "name", "id", "connector", "base_url", "account", "zone", "oauth", "agency", "environment",
        ]),
        value in proptest::sample::select(vec![
            r#""sk-5ecret""#, r#"{"token": "sk-5ecret"}"#, r#"["sk-5ecret"]"#, r#"{"kind": "sk-5ecret"}"#, r#"{"sk-5ecret": 1}"#,
            "null", "1", "{}", "[]", r#"{"token": null}"#, r#"{"token": "\u0000"}"#, r#"{"token": "a=b"}"#, r#""http://\u0001""#,
            r#""https://ann:sk-5ecret@x""#, r#"{"client_secret": "sk-5ecret"}"#,
        ]),
        rest in "[\\[\\]{}\":, a-z0-9]{0,30}",
    ) {
        let whole = format!(r#"[{{"id": "a", "connector": "crm", "secret_env": {{"token": "TOKEN"}}, "{field}": {value}}}]"#);
        let told = words(&whole);
        // What is named `connector`, `id` or as a field is no place for a secret.
        if ["secret_env", "auth", "token", "base_url", "oauth", "zone"].contains(&field) && !value.contains(r#"{"sk-"#) {
            proptest::prop_assert!(!told.contains("5ecret"), "{}", told);
        }
        words(&rest);
    }

    /// Whatever is added, renamed and removed: the file holds what a list would, and is read as it was written.
    #[test]
    fn the_file_holds_what_a_list_would(
        steps in proptest::collection::vec((0..4_u8, prop_oneof![Just("a"), Just("b"), Just("c")], "[a-zé\"\\\\ ]{1,6}"), 1..12),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("connections.json");
        let mut list: Vec<(String, String)> = Vec::new();
        for (what, id, name) in steps {
            let at = list.iter().position(|it| it.0 == id);
            let done = Book::change(&path, &catalog(), |book| match what {
                0 | 1 => book.add(Account::parse(serde_json::json!({"id": id, "connector": "crm", "name": name}), &catalog()).unwrap()),
                2 => book.remove(&ConnectionId::new(id)).map(drop),
                _ => {
                    let changed = book.account(&ConnectionId::new(id))?.with("name", Some(name.as_str().into()), &catalog()).unwrap();
                    book.replace(changed)
                }
            });
            match (what, at) {
                (0 | 1, None) => list.push((id.to_owned(), name)),
                (2, Some(at)) => drop(list.remove(at)),
                (3, Some(at)) => list[at].1 = name,
                _ => {
                    proptest::prop_assert!(done.is_err());
                    continue;
                }
            }
            proptest::prop_assert!(done.is_ok());
        }
        let read = Book::read(&path, &catalog()).unwrap();
        let read: Vec<_> = read.accounts().iter().map(|it| (it.connection.id.to_string(), it.connection.name.clone())).collect();
        proptest::prop_assert_eq!(read, list);
    }
}
