//! Clients as they are in the field, in Node and in Python: nothing is changed for them but where names lead and whom
//! they trust. They call the real host names on the usual port, in a network of their own.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

use jackfield_tests::namespace::OwnNetwork;
use jackfield_tests::server::clean_environment;
use jackfield_tests::{Listener, Options, Server, binary, packages};
use serde_json::Value;
use tempfile::TempDir;

const NAMES: [&str; 2] = ["api.amazon.com", "api.amazonalexa.com"];
const ORGANIZATION_ID: &str = "amzn1.alexa.unit.did.harbour";
const CLIENT_ID: &str = "amzn1.application-oa2-client.0123456789abcdef0123456789abcdef";
const CLIENT_SECRET: &str = "kX4v9QmT2bYw7RfNc8HsL1pZ6dJg3VaE";
const REFRESH_TOKEN: &str = "Atzr|Wq5tB0nUe7yXo2MiCz9rKl4DhSf8GjPv";

const PROVIDER_SCOPE: &str = "amazon_communication::service_provider";
const MANAGEMENT_SCOPE: &str = "alexa::enterprise:management";

/// What an operator does for a suite.
struct Operator {
    /// Scopes of the organization's client.
    scopes: &'static [&'static str],
    /// Flags of fault rules, each of which must meet a call of the suite.
    faults: &'static [&'static [&'static str]],
}

/// An organization with a client, and nothing else.
const USUAL: Operator = Operator { scopes: &[PROVIDER_SCOPE], faults: &[] };

impl Operator {
    fn seed(&self) -> String {
        let scopes = self.scopes;
        format!(
            "[[organization]]\nid = \"{ORGANIZATION_ID}\"\nname = \"Harbour\"\ncountry = \"US\"\n\
             vertical = \"hospitality\"\nwebrtc = true\n\n[[organization.client]]\nid = \"{CLIENT_ID}\"\n\
             secret = \"{CLIENT_SECRET}\"\nscopes = {scopes:?}\nrefresh_token = \"{REFRESH_TOKEN}\"\n"
        )
    }

    fn add_faults(&self, server: &Server, network: &OwnNetwork) {
        for flags in self.faults {
            fault(server, network, &[&["add"], *flags].concat());
        }
    }

    fn check_faults(&self, server: &Server, network: &OwnNetwork) {
        let list = fault(server, network, &["list", "--output", "json"]);
        let rules: Vec<Value> = serde_json::from_str(&list).unwrap();
        assert_eq!(rules.len(), self.faults.len());
        for rule in rules {
            assert!(rule["hits"].as_u64().unwrap() > 0, "no call met {rule}");
        }
    }
}

/// Runs `jackfield fault` where the server is.
fn fault(server: &Server, network: &OwnNetwork, arguments: &[&str]) -> String {
    let words = network.wrapper();
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).arg(binary::path()).arg("fault").args(arguments);
    clean_environment(&mut command);
    let admin = server.endpoint().address(Listener::Admin);
    command.env("JACKFIELD_ADMIN_ENDPOINT", format!("http://{admin}"));
    command.env("JACKFIELD_ADMIN_TOKEN", server.endpoint().admin_token());
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Runs a suite against a fresh server that has the names and the port. It succeeds and says these things.
fn passes(program: &Path, arguments: &[&str], suite: &Path, says: [&str; 2], operator: &Operator) {
    let Some(network) = OwnNetwork::new(&NAMES) else {
        eprintln!(
            "NOT TESTED: this system lets nobody make a network namespace, so the names cannot lead here"
        );
        return;
    };
    let home = TempDir::new().unwrap();
    let file = |name: &str| home.path().join(name);
    std::fs::write(file("seed.toml"), operator.seed()).unwrap();
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
    operator.add_faults(&server, &network);
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
        ("ORGANIZATION_ID", ORGANIZATION_ID),
        ("PYTHONDONTWRITEBYTECODE", "1"),
    ]);
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    for part in says {
        assert!(text.contains(part), "not every test ran: {part:?} is not in\n{text}");
    }
    operator.check_faults(&server, &network);
}

/// Runs a suite in Node, whose last test is this one.
fn axios(suite: &str, last: &str, operator: &Operator) {
    let directory = packages::suite("node");
    packages::node(&directory);
    let arguments = ["--test", "--test-reporter=tap"];
    passes(Path::new("node"), &arguments, &directory.join(suite), [last, "# skipped 0\n"], operator);
}

/// Runs a suite in Python, which has so many tests.
fn requests(suite: &str, tests: usize) {
    let directory = packages::suite("python");
    let python = packages::python(&directory);
    passes(&python, &[], &directory.join(suite), [&format!("Ran {tests} tests"), "\nOK\n"], &USUAL);
}

#[test]
fn axios_runs_the_whole_onboarding() {
    let last = "ok 2 - a service provider, its network, a profile, associations\n";
    axios("onboarding.test.js", last, &USUAL);
}

#[test]
fn requests_runs_the_whole_onboarding() {
    requests("test_onboarding.py", 4);
}

#[test]
fn axios_sends_what_published_clients_send() {
    axios("published.test.js", "ok 3 - operations as the command line client sends them\n", &USUAL);
}

#[test]
fn requests_sends_what_published_clients_send() {
    requests("test_published.py", 4);
}

#[test]
fn axios_sends_the_published_collection() {
    let operator = Operator { scopes: &[MANAGEMENT_SCOPE, PROVIDER_SCOPE], ..USUAL };
    axios("collection.test.js", "ok 7 - WebRTC, and the contact that is made last\n", &operator);
}

#[test]
fn axios_sends_the_family_of_published_clients_through_faults() {
    let operator = Operator {
        scopes: &[MANAGEMENT_SCOPE],
        faults: &[
            &["--status", "429", "--retry-after", "1", "--every", "5"],
            &["--status", "503", "--every", "7"],
        ],
    };
    axios("family.test.js", "ok 6 - other published callers\n", &operator);
}
