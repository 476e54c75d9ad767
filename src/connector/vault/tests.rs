use std::collections::BTreeMap;
use std::sync::Mutex;

use super::parts::{self, Entries};
use super::*;

fn id(text: &str) -> ConnectionId {
    ConnectionId::new(text)
}

fn token(text: &str) -> Secret {
    Secret::token(text.to_owned())
}

/// What a secret is stored as: two are the same if this is.
fn bytes(secret: Option<Arc<Secret>>) -> Option<String> {
    secret.map(|it| String::from_utf8_lossy(&it.encode().unwrap()).into_owned())
}

fn stored(text: &str) -> Option<String> {
    bytes(Some(Arc::new(token(text))))
}

#[test]
fn clones_share_what_is_kept_and_nothing_is_printed() {
    let vault = Vault::in_memory();
    let crm = id("crm");
    let clone = vault.clone();
    clone.insert(crm.clone(), token("canary-0123456789")).unwrap();
    assert!(vault.get(&crm).unwrap().is_some() && clone.reload(&crm).unwrap().is_some());
    assert!(!format!("{vault:?}").contains("canary"));
    assert!(vault.remove(&crm).unwrap() && vault.get(&crm).unwrap().is_none() && !vault.remove(&crm).unwrap());
}

#[test]
fn a_pinned_secret_hides_the_stored_one_and_is_never_stored() {
    let dir = tempfile::tempdir().unwrap();
    let vault = with_key(dir.path());
    vault.insert(id("crm"), token("stored")).unwrap();
    vault.pin(id("crm"), token("pinned"));
    assert_eq!(bytes(vault.get(&id("crm")).unwrap()), stored("pinned"));
    vault.insert(id("crm"), token("pinned anew")).unwrap();
    assert_eq!(bytes(vault.reload(&id("crm")).unwrap()), stored("pinned anew"));
    vault.repin(Vec::new());
    assert_eq!(bytes(vault.get(&id("crm")).unwrap()), stored("stored"));
}

fn with_key(data: &Path) -> Vault {
    let key = data.join("key");
    if !key.exists() {
        VaultKey::make_file(&key).unwrap();
    }
    Vault::at(data, Some(VaultKey::File(key)))
}

fn with_passphrase(data: &Path, text: &str) -> Vault {
    Vault::at(data, Some(VaultKey::Passphrase(Zeroizing::new(text.to_owned()))))
}

#[test]
fn an_encrypted_file_holds_secrets_until_the_key_opens_it_again() {
    let dir = tempfile::tempdir().unwrap();
    let vault = with_key(dir.path());
    assert_eq!((bytes(vault.get(&id("crm")).unwrap()), vault.place()), (None, VaultPlace::File));
    assert!(!dir.path().join("vault.age").exists(), "nothing is made before there is a secret");
    vault.insert(id("crm"), token("canary-0123456789")).unwrap();
    vault.insert(id("with \"quotes\" \u{1F511}"), Secret::basic("ann".into(), "canary-pässword".into())).unwrap();
    let sealed = std::fs::read(dir.path().join("vault.age")).unwrap();
    assert!(!String::from_utf8_lossy(&sealed).contains("canary"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        for name in ["vault.age", "key"] {
            assert_eq!(std::fs::metadata(dir.path().join(name)).unwrap().permissions().mode() & 0o777, 0o600, "{name}");
        }
    }
    let again = with_key(dir.path());
    assert_eq!(bytes(again.get(&id("crm")).unwrap()), stored("canary-0123456789"));
    let basic = bytes(Some(Arc::new(Secret::basic("ann".into(), "canary-pässword".into()))));
    assert_eq!(bytes(again.get(&id("with \"quotes\" \u{1F511}")).unwrap()), basic);
    assert!(again.remove(&id("crm")).unwrap() && !again.remove(&id("crm")).unwrap());
    assert_eq!(bytes(with_key(dir.path()).get(&id("crm")).unwrap()), None);
}

#[test]
fn what_another_process_stored_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let (one, other) = (with_key(dir.path()), with_key(dir.path()));
    one.insert(id("a"), token("one")).unwrap();
    assert_eq!(bytes(other.get(&id("a")).unwrap()), stored("one"));
    other.insert(id("b"), token("two")).unwrap();
    other.insert(id("a"), token("three")).unwrap();
    assert_eq!(bytes(one.get(&id("b")).unwrap()), stored("two"), "nothing of the other is lost");
    assert_eq!(bytes(one.get(&id("a")).unwrap()), stored("one"), "what was read is kept in memory");
    assert_eq!(bytes(one.reload(&id("a")).unwrap()), stored("three"));
    std::fs::remove_file(dir.path().join("vault.age")).unwrap();
    assert_eq!(bytes(one.reload(&id("a")).unwrap()), None);
}

#[test]
fn many_at_once_lose_nothing() {
    let dir = tempfile::tempdir().unwrap();
    with_key(dir.path());
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let dir = dir.path();
            scope.spawn(move || {
                let vault = with_key(dir);
                for at in 0..8 {
                    vault.insert(id(&format!("{writer}-{at}")), token(&format!("t-{writer}-{at}"))).unwrap();
                }
            });
        }
    });
    let vault = with_key(dir.path());
    for writer in 0..4 {
        for at in 0..8 {
            assert_eq!(bytes(vault.get(&id(&format!("{writer}-{at}"))).unwrap()), stored(&format!("t-{writer}-{at}")));
        }
    }
}

#[test]
fn a_passphrase_opens_what_it_closed_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    with_passphrase(dir.path(), "correct horse").insert(id("crm"), token("canary")).unwrap();
    assert_eq!(bytes(with_passphrase(dir.path(), "correct horse").get(&id("crm")).unwrap()), stored("canary"));
    let path = dir.path().join("vault.age");
    let wrong = with_passphrase(dir.path(), "wrong-horse").get(&id("crm")).err().unwrap();
    assert_eq!(wrong, VaultError::WrongKey { path: path.clone(), given: "the passphrase that was given".to_owned() });
    assert!(!wrong.to_string().contains("horse") && !wrong.hint().is_empty());
    // A key file is no passphrase.
    let other = with_key(dir.path()).get(&id("crm")).err().unwrap();
    assert!(matches!(other, VaultError::WrongKey { .. }) && other.to_string().contains("key file"), "{other}");
    // Whoever cannot open it does not write over it.
    assert!(with_passphrase(dir.path(), "wrong-horse").insert(id("crm"), token("x")).is_err());
    assert_eq!(Vault::at(dir.path(), None).get(&id("crm")).err(), Some(VaultError::NoKey { path }));
}

#[test]
fn a_file_that_is_damaged_or_newer_is_said_to_be_and_stays() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("vault.age");
    with_key(dir.path()).insert(id("crm"), token("canary-0123456789")).unwrap();
    let whole = std::fs::read(&path).unwrap();
    let seen = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        let error = with_key(dir.path()).get(&id("crm")).err().expect("an error");
        assert!(with_key(dir.path()).insert(id("b"), token("x")).is_err(), "{error}");
        assert_eq!(std::fs::read(&path).unwrap(), bytes, "it is left as it is");
        assert!(!error.to_string().contains("canary") && !error.hint().is_empty());
        error
    };
    for end in (0..whole.len()).step_by(7) {
        assert!(matches!(seen(&whole[..end]), VaultError::Damaged { .. } | VaultError::WrongKey { .. }), "cut at {end}");
    }
    for at in (0..whole.len()).step_by(5) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        assert!(matches!(seen(&bytes), VaultError::Damaged { .. } | VaultError::WrongKey { .. }), "another byte at {at}");
    }
    let opener = VaultKey::File(dir.path().join("key")).read().unwrap();
    for (plain, expected) in [
        (r#"{"version":2,"entries":[]}"#, "version 2"),
        ("[]", "not what Flowyard writes"),
        (r#"{"version":1,"records":{"a":"!"}}"#, "not what"),
    ] {
        let error = seen(&opener.encrypt(plain.as_bytes()).unwrap());
        assert!(error.to_string().contains(expected), "{error}");
    }
    std::fs::write(&path, &whole).unwrap();
    assert_eq!(bytes(with_key(dir.path()).get(&id("crm")).unwrap()), stored("canary-0123456789"));
}

#[test]
fn a_key_file_is_made_once_and_what_is_no_key_is_said_to_be() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("key");
    VaultKey::make_file(&path).unwrap();
    let first = std::fs::read_to_string(&path).unwrap();
    assert!(VaultKey::make_file(&path).is_err(), "never written over");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), first);
    let secret = first.lines().last().unwrap();
    for (text, words) in [
        ("", "no key in it"),
        ("# only words\n", "no key in it"),
        ("hunter2-hunter2", "something else"),
        (&secret[..40], "something else"),
    ] {
        std::fs::write(&path, text).unwrap();
        let error = VaultKey::File(path.clone()).read().err().unwrap();
        assert!(error.to_string().contains(words) && !error.to_string().contains("hunter2"), "{error}");
    }
    let gone = VaultKey::File(dir.path().join("gone")).read().err().unwrap();
    assert!(gone.to_string().contains("no such file"), "{gone}");
    // Two keys: written for the first, read with either.
    VaultKey::make_file(&dir.path().join("second")).unwrap();
    let second = std::fs::read_to_string(dir.path().join("second")).unwrap();
    std::fs::write(&path, &first).unwrap();
    with_key(dir.path()).insert(id("crm"), token("x")).unwrap();
    std::fs::write(&path, format!("{second}{first}")).unwrap();
    with_key(dir.path()).insert(id("b"), token("y")).unwrap();
    std::fs::write(&path, &second).unwrap();
    assert_eq!(bytes(with_key(dir.path()).get(&id("crm")).unwrap()), stored("x"));
}

/// Entries in memory, bounded as those of Windows, that break off after so many writes.
#[derive(Default)]
struct Bounded {
    entries: Mutex<BTreeMap<String, Vec<u8>>>,
    writes_left: Mutex<Option<usize>>,
}

impl Bounded {
    fn write(&self) -> Result<(), VaultError> {
        match &mut *self.writes_left.lock().unwrap() {
            Some(0) => Err(VaultError::Keychain { why: "broken off".to_owned() }),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }
}

impl Entries for Bounded {
    fn get(&self, name: &str) -> Result<Option<Bytes>, VaultError> {
        Ok(self.entries.lock().unwrap().get(name).map(|it| Zeroizing::new(it.clone())))
    }

    fn set(&self, name: &str, value: Bytes) -> Result<(), VaultError> {
        self.write()?;
        assert!(value.len() <= 2_560, "{} bytes in an entry", value.len());
        self.entries.lock().unwrap().insert(name.to_owned(), value.to_vec());
        Ok(())
    }

    fn remove(&self, name: &str) -> Result<bool, VaultError> {
        self.write()?;
        Ok(self.entries.lock().unwrap().remove(name).is_some())
    }
}

fn text(length: usize, seed: usize) -> Vec<u8> {
    (0..length).map(|at| ((at * 31 + seed) % 251) as u8).collect()
}

#[test]
fn a_record_of_any_length_fits_into_entries_and_leaves_nothing_behind() {
    let entries = Bounded::default();
    for (at, length) in [0, 1, 1_990, parts::LONGEST - 6, parts::LONGEST - 5, parts::LONGEST, 2_001, 4_000, 9_000, 50, 100_000, 3]
        .into_iter()
        .enumerate()
    {
        parts::set(&entries, "crm", &text(length, at)).unwrap();
        assert_eq!(parts::get(&entries, "crm").unwrap().unwrap().as_slice(), text(length, at), "{length}");
        let count = if length + 6 <= parts::LONGEST { 1 } else { 1 + length.div_ceil(parts::LONGEST) };
        assert_eq!(entries.entries.lock().unwrap().len(), count, "{length}");
    }
    parts::set(&entries, "crm", &text(9_000, 1)).unwrap();
    assert!(parts::remove(&entries, "crm").unwrap() && !parts::remove(&entries, "crm").unwrap());
    assert!(entries.entries.lock().unwrap().is_empty());
    assert!(parts::set(&entries, "crm", &text(200_000, 1)).is_err(), "no secret is so long");
}

#[test]
fn a_write_that_breaks_off_leaves_the_old_record_or_the_new_one() {
    let lengths = [5, 4_500, 9_000];
    for old in lengths {
        for new in lengths {
            for until in 0..16 {
                let entries = Bounded::default();
                parts::set(&entries, "crm", &text(3_000, 7)).unwrap();
                parts::set(&entries, "crm", &text(old, 1)).unwrap();
                *entries.writes_left.lock().unwrap() = Some(until);
                let done = parts::set(&entries, "crm", &text(new, 2)).is_ok();
                *entries.writes_left.lock().unwrap() = None;
                let found = parts::get(&entries, "crm").unwrap().unwrap();
                assert!(*found == text(new, 2) || !done && *found == text(old, 1), "{old} to {new}, until {until}");
                // And the next one is whole, whatever lies around.
                parts::set(&entries, "crm", &text(6_000, 3)).unwrap();
                assert_eq!(parts::get(&entries, "crm").unwrap().unwrap().as_slice(), text(6_000, 3));
            }
        }
    }
}

#[test]
fn a_lost_part_or_a_strange_entry_is_damage_and_can_be_written_over() {
    for strange in ["", "parts:", "parts:{}", "parts:{\"set\":\"a\",\"parts\":1000000,\"digest\":[]}", "something"] {
        let entries = Bounded::default();
        entries.set("crm", Zeroizing::new(strange.as_bytes().to_vec())).unwrap();
        assert!(matches!(parts::get(&entries, "crm"), Err(VaultError::Damaged { .. })), "{strange}");
        parts::set(&entries, "crm", b"new").unwrap();
        assert_eq!(parts::get(&entries, "crm").unwrap().unwrap().as_slice(), b"new");
    }
    let entries = Bounded::default();
    parts::set(&entries, "crm", &text(5_000, 1)).unwrap();
    let name = entries.entries.lock().unwrap().keys().find(|it| it.starts_with("#a1")).cloned().unwrap();
    entries.remove(&name).unwrap();
    assert!(matches!(parts::get(&entries, "crm"), Err(VaultError::Damaged { .. })));
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(24))]
    /// Whatever is stored and removed in whatever order, by whichever of two processes: the file holds what a map would.
    #[test]
    fn the_file_holds_what_a_map_would(
        steps in proptest::collection::vec((0..3_usize, "[a-z\"\\\\é]{0,4}", proptest::option::of("[ -~]{1,20}")), 1..12),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let vaults = [with_key(dir.path()), with_key(dir.path()), with_key(dir.path())];
        let mut map = BTreeMap::new();
        for (which, key, value) in steps {
            if let Some(value) = value {
                vaults[which].insert(id(&key), token(&value)).unwrap();
                map.insert(key, value);
            } else {
                vaults[which].remove(&id(&key)).unwrap();
                map.remove(&key);
            }
        }
        for (key, value) in &map {
            proptest::prop_assert_eq!(bytes(vaults[0].reload(&id(key)).unwrap()), stored(value));
        }
        let fresh = with_key(dir.path());
        for (key, value) in &map {
            proptest::prop_assert_eq!(bytes(fresh.get(&id(key)).unwrap()), stored(value));
        }
    }
}
