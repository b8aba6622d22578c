//! `jackfield dev`: what it prints works when pasted.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use jackfield_tests::binary;
use jackfield_tests::server::clean_environment;
use tempfile::TempDir;

/// A running `jackfield dev` and what it has printed.
pub(crate) struct Dev {
    child: Child,
    pub(crate) printed: String,
}

impl Dev {
    pub(crate) fn start(directory: &Path, flags: &[&str]) -> Self {
        let mut command = Command::new(binary::path());
        clean_environment(&mut command);
        command.args(["dev", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"]).args(flags);
        command.current_dir(directory).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut printed = String::new();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        while !printed.lines().last().unwrap_or_default().starts_with("ready public=") {
            let read = lines.read_line(&mut printed).unwrap();
            assert_ne!(read, 0, "it ended:\n{printed}");
        }
        Self { child, printed }
    }

    /// The printed commands, continued lines joined.
    fn commands(&self) -> Vec<String> {
        let joined = self.printed.replace("\\\n", " ");
        let command = |line: &str| line.starts_with("curl ").then(|| line.to_owned());
        joined.lines().map(str::trim).filter_map(command).collect()
    }

    /// The command whose words hold all of these and none of those.
    fn command(&self, with: &[&str], without: &[&str]) -> String {
        let matches = |command: &&String| {
            with.iter().all(|word| command.contains(word))
                && !without.iter().any(|word| command.contains(word))
        };
        self.commands()
            .iter()
            .find(matches)
            .unwrap_or_else(|| panic!("no curl with {with:?} in:\n{}", self.printed))
            .clone()
    }

    /// The text after a label.
    pub(crate) fn labelled(&self, label: &str) -> String {
        let line = self.printed.lines().map(str::trim).find(|line| line.starts_with(label));
        let line = line.unwrap_or_else(|| panic!("no {label} in:\n{}", self.printed));
        line[label.len()..].trim().to_owned()
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Pastes a command into a shell; answers the status that curl saw, and its output.
fn paste(command: &str) -> (String, String) {
    let script = format!("{command} --silent --show-error --write-out '\\n%{{http_code}}'");
    let output = Command::new("sh").args(["-c", &script]).output().unwrap();
    assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let (body, status) = text.rsplit_once('\n').unwrap();
    (status.to_owned(), body.to_owned())
}

#[test]
fn each_printed_curl_works_when_pasted() {
    if Command::new("curl").arg("--version").output().is_err() {
        eprintln!("NOT TESTED: there is no curl");
        return;
    }
    let home = TempDir::new().unwrap();
    let dev = Dev::start(home.path(), &["--ephemeral"]);
    let query = dev.command(&["POST", "externalUsers/query"], &[]);
    let update = dev.command(&["PUT", "externalUsers"], &[]);
    let delete = dev.command(&["DELETE", "externalUsers"], &[]);
    let create = dev.command(&["POST", "externalUsers"], &["externalUsers/query"]);
    assert_eq!(paste(&create).0, "201");
    assert_eq!(paste(&create).0, "409");
    let (status, answer) = paste(&query);
    assert!(status == "200" && answer.contains("\"externalUserId\""), "{answer}");
    assert_eq!(paste(&update).0, "200");
    assert_eq!(paste(&delete).0, "200");
    let (_, answer) = paste(&query);
    assert!(answer.contains("\"totalCount\":0"), "{answer}");
    for other in dev.commands().iter().filter(|command| !command.contains("externalUsers")) {
        assert_eq!(paste(other).0, "200", "{other}");
    }
    assert!(!dev.printed.contains('\u{1b}'), "no colours where no terminal is");
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0, "--ephemeral leaves nothing behind");
}

#[test]
fn credentials_are_the_same_at_every_run() {
    let home = TempDir::new().unwrap();
    let runs: Vec<Dev> = (0..2).map(|_| Dev::start(home.path(), &["--ephemeral"])).collect();
    for label in ["client id", "client secret", "service provider"] {
        assert_eq!(runs[0].labelled(label), runs[1].labelled(label));
        assert!(runs[0].labelled(label).len() > 8);
    }
    assert!(runs[0].labelled("endpoint").starts_with("http://127.0.0.1:"));
    assert!(runs[0].labelled("access token").starts_with("Atza|"));
}

#[test]
fn without_ephemeral_it_keeps_what_was_made() {
    if Command::new("curl").arg("--version").output().is_err() {
        eprintln!("NOT TESTED: there is no curl");
        return;
    }
    let home = TempDir::new().unwrap();
    let first = Dev::start(home.path(), &[]);
    assert_eq!(paste(&first.command(&["POST", "externalUsers"], &["externalUsers/query"])).0, "201");
    drop(first);
    let second = Dev::start(home.path(), &[]);
    let (status, answer) = paste(&second.command(&["POST", "externalUsers/query"], &[]));
    assert!(status == "200" && answer.contains("\"totalCount\":1"), "{answer}");
}

#[test]
fn with_tls_each_printed_line_works_as_well() {
    if Command::new("curl").arg("--version").output().is_err() {
        eprintln!("NOT TESTED: there is no curl");
        return;
    }
    let home = TempDir::new().unwrap();
    let dev = Dev::start(home.path(), &["--tls", "--ephemeral"]);
    let (port, ca) = {
        let endpoint = dev.labelled("endpoint");
        let port = endpoint.strip_prefix("https://api.amazonalexa.com:").map(str::to_owned);
        (
            port.expect("the endpoint has the real name"),
            home.path().canonicalize().unwrap().join("jackfield-dev-tls/ca.pem"),
        )
    };
    assert_eq!(dev.labelled("login"), format!("https://api.amazon.com:{port}"));
    let commands = dev.commands();
    assert!(commands.len() >= 6, "{commands:?}");
    for command in commands {
        let (status, _) = paste(&command);
        let expected =
            if command.contains("externalUsers'") && command.contains("-X POST") { "201" } else { "200" };
        assert_eq!(status, expected, "{command}");
    }
    let hosts = dev.labelled("127.0.0.1 ");
    for name in ["api.amazon.com", "api.amazonalexa.com"] {
        assert!(hosts.split(' ').any(|host| host == name), "{hosts}");
    }
    for variable in ["NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"] {
        assert_eq!(dev.labelled(&format!("export {variable}=")), format!("'{}'", ca.display()));
    }
    // One of the variables, as a shell takes it: curl looks at it as OpenSSL does.
    let healthz = format!(
        "unset CURL_CA_BUNDLE SSL_CERT_DIR; export SSL_CERT_FILE='{}'; curl --resolve api.amazon.co.jp:{port}:127.0.0.1 https://api.amazon.co.jp:{port}/healthz",
        ca.display()
    );
    assert_eq!(paste(&healthz).0, "200");
    drop(dev);
    let before = std::fs::read(&ca).unwrap();
    drop(Dev::start(home.path(), &["--tls", "--ephemeral"]));
    assert_eq!(std::fs::read(&ca).unwrap(), before, "a CA is trusted once");
}
