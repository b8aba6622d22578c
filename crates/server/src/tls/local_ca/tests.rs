//! The CA is made once, is private, and its certificates are good for their names and their time only.

use super::*;

fn names(names: &[&str]) -> Vec<TlsName> {
    names.iter().map(|name| name.parse().unwrap()).collect()
}

fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_800_000_000)
}

fn refusal(result: Result<LocalCa, LocalCaError>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn the_ca_is_made_once_and_its_key_is_private() {
    let home = tempfile::tempdir().unwrap();
    let directory = home.path().join("deep").join("tls");
    let first = LocalCa::open(&directory, now()).unwrap();
    let read = |name: &str| std::fs::read_to_string(directory.join(name)).unwrap();
    let mode = |name: &str| std::fs::metadata(directory.join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(CA_KEY_FILE), mode(CA_CERT_FILE)), (0o600, 0o644));
    assert_eq!((mode(""), mode("..")), (0o755, 0o755), "clients of other users reach the certificate");
    let (cert, key) = (read(CA_CERT_FILE), read(CA_KEY_FILE));
    assert!(first.cert_file().is_absolute());
    assert_eq!(std::fs::read_dir(&directory).unwrap().count(), 2, "nothing else is left");

    let again = LocalCa::open(&directory, now() + 100 * DAY).unwrap();
    assert_eq!((read(CA_CERT_FILE), read(CA_KEY_FILE)), (cert, key));
    // What the second signs is good for those who trust the first.
    let leaf = again.issue(&names(&["a.example"]), now()).unwrap();
    first.check(&leaf, &names(&["a.example"])[0], now()).unwrap();
    assert!(!format!("{again:?}").contains("KeyPair"));
}

#[test]
fn a_leaf_is_good_for_its_names_and_no_other() {
    let home = tempfile::tempdir().unwrap();
    let ca = LocalCa::open(home.path(), now()).unwrap();
    let own = names(&["api.amazon.com", "api.amazonalexa.com", "localhost", "127.0.0.1", "::1"]);
    let leaf = ca.issue(&own, now()).unwrap();
    for name in &own {
        ca.check(&leaf, name, now()).unwrap();
    }
    for name in names(&["amazon.com", "www.amazon.com", "127.0.0.2"]) {
        assert!(ca.check(&leaf, &name, now()).is_err(), "{name}");
    }
    let other = LocalCa::open(&home.path().join("other"), now()).unwrap();
    assert!(other.check(&leaf, &own[0], now()).is_err(), "another CA's clients do not trust it");
}

#[test]
fn the_next_leaf_is_due_long_before_the_last_expires() {
    let home = tempfile::tempdir().unwrap();
    let ca = LocalCa::open(home.path(), now()).unwrap();
    let own = names(&["a.example"]);
    let leaf = ca.issue(&own, now()).unwrap();
    assert!(leaf.renew_at > now() + 7 * DAY);
    ca.check(&leaf, &own[0], leaf.renew_at + 7 * DAY).unwrap();
    assert!(ca.check(&leaf, &own[0], now() + LEAF_LIFE + DAY).is_err(), "it does expire");
    let next = ca.issue(&own, leaf.renew_at).unwrap();
    ca.check(&next, &own[0], now() + LEAF_LIFE + DAY).unwrap();
}

#[test]
fn half_a_ca_is_completed_or_refused() {
    let home = tempfile::tempdir().unwrap();
    let leaf = LocalCa::open(home.path(), now()).unwrap().issue(&names(&["a"]), now()).unwrap();
    let (cert, key) = (home.path().join(CA_CERT_FILE), home.path().join(CA_KEY_FILE));
    // A crash before the certificate was written: the key decides.
    std::fs::remove_file(&cert).unwrap();
    let again = LocalCa::open(home.path(), now()).unwrap();
    again.check(&leaf, &names(&["a"])[0], now()).unwrap();
    std::fs::remove_file(&key).unwrap();
    let text = refusal(LocalCa::open(home.path(), now()));
    assert!(text.contains("ca.pem is there and ca.key is not"), "{text}");
    std::fs::write(&key, "nonsense").unwrap();
    let text = refusal(LocalCa::open(home.path(), now()));
    assert!(text.contains("ca.key holds no private key"), "{text}");
    std::fs::write(&key, KeyPair::generate().unwrap().serialize_pem()).unwrap();
    let stranger = LocalCa::open(home.path(), now()).unwrap();
    let text = stranger.issue(&names(&["a"]), now()).unwrap_err().to_string();
    assert!(text.contains("ca.pem is of no use"), "{text}");
    std::fs::write(&cert, "nonsense").unwrap();
    let text = refusal(LocalCa::open(home.path(), now()));
    assert!(text.contains("ca.pem holds no certificate"), "{text}");
}

#[test]
fn an_expired_ca_is_named_as_such() {
    let home = tempfile::tempdir().unwrap();
    let ca = LocalCa::open(home.path(), now()).unwrap();
    ca.issue(&names(&["a"]), now() + CA_LIFE - DAY).unwrap();
    let text = ca.issue(&names(&["a"]), now() + CA_LIFE + DAY).unwrap_err().to_string();
    assert!(
        text.contains("ca.pem is of no use any more (it has expired)")
            && text.contains("remove ca.pem and ca.key"),
        "{text}"
    );
}
