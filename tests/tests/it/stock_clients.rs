//! Clients as they are in the field, in Node and in Python: nothing is changed for them but where names lead and whom
//! they trust. They call the real host names on the usual port, in a network of their own.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

use jackfield_tests::namespace::OwnNetwork;
use jackfield_tests::{Options, Server, packages};
use tempfile::TempDir;

const NAMES: [&str; 2] = ["api.amazon.com", "api.amazonalexa.com"];
const CLIENT_ID: &str = "amzn1.application-oa2-client.0123456789abcdef0123456789abcdef";
const CLIENT_SECRET: &str = "kX4v9QmT2bYw7RfNc8HsL1pZ6dJg3VaE";
const REFRESH_TOKEN: &str = "Atzr|Wq5tB0nUe7yXo2MiCz9rKl4DhSf8GjPv";

/// The one thing an operator does: an organization with a client.
fn seed() -> String {
    format!(
        "[[organization]]\nid = \"amzn1.alexa.unit.did.harbour\"\nname = \"Harbour\"\ncountry = \"US\"\n\
         vertical = \"hospitality\"\nwebrtc = true\n\n[[organization.client]]\nid = \"{CLIENT_ID}\"\n\
         secret = \"{CLIENT_SECRET}\"\nrefresh_token = \"{REFRESH_TOKEN}\"\n"
    )
}

/// Runs a suite against a fresh server that has the names and the port. It succeeds and says these things.
fn passes(program: &Path, arguments: &[&str], suite: &Path, says: [&str; 2]) {
    let Some(network) = OwnNetwork::new(&NAMES) else {
        eprintln!(
            "NOT TESTED: this system lets nobody make a network namespace, so the names cannot lead here"
        );
        return;
    };
    let home = TempDir::new().unwrap();
    let file = |name: &str| home.path().join(name);
    std::fs::write(file("seed.toml"), seed()).unwrap();
    let mut flags = vec!["--tls-self-signed".to_owned(), file("tls").display().to_string()];
    flags.push("--tls-name".to_owned());
    flags.extend(NAMES.map(str::to_owned));
    let server = Server::start(Options {
        listen: Some("127.0.0.1:443".to_owned()),
        seed: Some(file("seed.toml")),
        flags,
        wrapper: network.wrapper(),
        ..Options::default()
    });
    for secret in [CLIENT_SECRET, REFRESH_TOKEN] {
        server.endpoint().keep_secret(secret);
    }
    let mut words: Vec<OsString> = network.wrapper();
    words.push(program.into());
    words.extend(arguments.iter().map(Into::into));
    words.push(suite.into());
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]);
    // Neither the proxies nor the certificates of whoever runs the tests.
    for (name, _) in std::env::vars_os() {
        let lower = name.to_string_lossy().to_lowercase();
        if lower.ends_with("_proxy") || lower.contains("ssl_cert") || lower == "curl_ca_bundle" {
            command.env_remove(name);
        }
    }
    let ca_file = file("tls").join("ca.pem");
    command.envs([("NODE_EXTRA_CA_CERTS", &ca_file), ("REQUESTS_CA_BUNDLE", &ca_file)]);
    command.envs([
        ("LWA_CLIENT_ID", CLIENT_ID),
        ("LWA_CLIENT_SECRET", CLIENT_SECRET),
        ("LWA_REFRESH_TOKEN", REFRESH_TOKEN),
        ("PYTHONDONTWRITEBYTECODE", "1"),
    ]);
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    for part in says {
        assert!(text.contains(part), "not every test ran: {part:?} is not in\n{text}");
    }
}

#[test]
fn axios_runs_the_whole_onboarding() {
    let suite = packages::suite("node");
    packages::node(&suite);
    passes(
        Path::new("node"),
        &["--test", "--test-reporter=tap"],
        &suite.join("onboarding.test.js"),
        ["ok 2 - a service provider, its network, a profile, associations\n", "# skipped 0\n"],
    );
}

#[test]
fn requests_runs_the_whole_onboarding() {
    let suite = packages::suite("python");
    let python = packages::python(&suite);
    passes(&python, &[], &suite.join("test_onboarding.py"), ["Ran 4 tests", "\nOK\n"]);
}

#[test]
fn axios_sends_what_published_clients_send() {
    let suite = packages::suite("node");
    packages::node(&suite);
    passes(
        Path::new("node"),
        &["--test", "--test-reporter=tap"],
        &suite.join("published.test.js"),
        ["ok 3 - operations as the command line client sends them\n", "# skipped 0\n"],
    );
}

#[test]
fn requests_sends_what_published_clients_send() {
    let suite = packages::suite("python");
    let python = packages::python(&suite);
    passes(&python, &[], &suite.join("test_published.py"), ["Ran 4 tests", "\nOK\n"]);
}
