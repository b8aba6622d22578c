//! The command line against a real server: an operator's day from the first organization to the change record.

use std::process::{Command, Output, Stdio};

use jackfield_tests::server::clean_environment;
use jackfield_tests::tenant::profile;
use jackfield_tests::{Listener, Options, Server, binary, poll};
use serde_json::Value;
use tempfile::TempDir;

/// A person at a shell.
struct Shell {
    home: TempDir,
    environment: Vec<(&'static str, String)>,
}

impl Shell {
    fn at(server: &Server) -> Self {
        let url = |listener| format!("http://{}", server.endpoint().address(listener));
        let environment = vec![
            ("JACKFIELD_ADMIN_ENDPOINT", url(Listener::Admin)),
            ("JACKFIELD_ADMIN_TOKEN", server.endpoint().admin_token().to_owned()),
            ("JACKFIELD_ENDPOINT", url(Listener::Public)),
        ];
        Self { home: TempDir::new().unwrap(), environment }
    }

    fn run(&self, words: &[&str]) -> Output {
        let mut command = Command::new(binary::path());
        clean_environment(&mut command);
        command
            .args(words)
            .current_dir(self.home.path())
            .env("HOME", self.home.path())
            .env_remove("XDG_CONFIG_HOME");
        command.envs(self.environment.iter().map(|(name, value)| (name, value))).stdin(Stdio::null());
        command.output().unwrap()
    }

    /// A command that is expected to succeed; what it prints as JSON.
    #[track_caller]
    fn json(&self, words: &[&str]) -> Value {
        let output = self.run(&[words, &["--output", "json"]].concat());
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{words:?}: {err}");
        if out.trim().is_empty() { Value::Null } else { serde_json::from_str(&out).unwrap() }
    }

    /// A command that is expected to fail; its exit code and what it says.
    #[track_caller]
    fn fails(&self, words: &[&str]) -> (i32, String) {
        let output = self.run(words);
        assert!(!output.status.success(), "{words:?} succeeds");
        (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
    }

    fn set(&mut self, name: &'static str, value: &Value) {
        self.environment.push((name, value.as_str().unwrap().to_owned()));
    }
}

/// An organization with client and provider, made by commands; credentials and provider are in the environment.
fn set_up(server: &Server) -> (Shell, Value) {
    let mut shell = Shell::at(server);
    let org = shell.json(&[
        "org",
        "create",
        "Grand Hotel",
        "--country",
        "US",
        "--vertical",
        "hospitality",
        "--webrtc",
        "on",
    ]);
    let id = org["id"].as_str().unwrap().to_owned();
    let client = shell.json(&["client", "create", &id]);
    let provider =
        shell.json(&["provider", "create", &id, "front-desk", "--display-name", "en-US=Front desk"]);
    shell.set("JACKFIELD_CLIENT_ID", &client["id"]);
    shell.set("JACKFIELD_CLIENT_SECRET", &client["secret"]);
    shell.set("JACKFIELD_PROVIDER", &provider["id"]);
    server.endpoint().keep_secret(client["secret"].as_str().unwrap());
    (shell, client)
}

#[test]
fn associations_live_and_die_by_commands() {
    let server = Server::start(Options::default());
    let (shell, _) = set_up(&server);
    let (one, two) = (profile("1"), profile("2"));
    shell.json(&["association", "create", "7201", &one]);
    let found = shell.json(&["association", "get", "7201"]);
    assert_eq!((&found["externalUserId"], &found["amazonId"]), (&"7201".into(), &one.clone().into()));
    shell.json(&["association", "update", "7201", &two]);
    assert_eq!(shell.json(&["association", "get", "7201"])["amazonId"], two);
    for n in 0..120 {
        if n % 40 == 0 {
            shell.json(&["association", "create", &format!("room {n}"), &one]);
        }
    }
    assert_eq!(shell.json(&["association", "list"]).as_array().unwrap().len(), 4);
    let page = shell.json(&["association", "query", "--max-results", "2"]);
    assert_eq!(page["paginationContext"]["totalCount"], 4);
    let token = page["paginationContext"]["nextPageToken"].as_str().unwrap();
    let next = shell.json(&["association", "query", "--max-results", "2", "--next-token", token]);
    assert_eq!(next["paginationContext"]["nextPageToken"], "0");
    shell.json(&["association", "delete", "7201"]);
    assert_eq!(shell.fails(&["association", "get", "7201"]).0, 1);
}

#[test]
fn a_refusal_says_what_went_wrong_and_under_which_request_id() {
    let server = Server::start(Options::default());
    let (shell, _) = set_up(&server);
    shell.json(&["association", "create", "7201", &profile("1")]);
    let (code, said) = shell.fails(&["association", "create", "7201", &profile("1")]);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("association with this externalUserId already"), "{said}");
    let words = said.split(|c: char| c.is_whitespace() || ",.()".contains(c));
    let id = words.filter(|word| word.len() == 36).find(|word| uuid::Uuid::try_parse(word).is_ok());
    let id = id.unwrap_or_else(|| panic!("no request id: {said}"));
    poll::until("the id stands in the log of the server", poll::PATIENCE, || {
        server.log().contains(id).then_some(())
    });
    let (_, said) = shell.fails(&["association", "delete", "none"]);
    assert!(said.contains("no association"), "{said}");
    let (_, said) = shell.fails(&["org", "get", "amzn1.alexa.unit.did.none"]);
    assert!(said.contains("organization"), "{said}");
    drop(server);
    let (_, said) = shell.fails(&["association", "list"]);
    assert!(said.contains("127.0.0.1"), "it says what it could not reach: {said}");
}

#[test]
fn operators_see_and_switch() {
    let server = Server::start(Options::default());
    let (mut shell, client) = set_up(&server);
    let client = client["id"].as_str().unwrap();
    shell.json(&["association", "create", "7201", &profile("1")]);
    let changes = shell.json(&["changes", "list"]);
    assert!(changes.to_string().contains("association.create"), "{changes}");
    let status = shell.json(&["status"]);
    assert_eq!((&status["store"], &status["associations"]), (&"embedded".into(), &1.into()));
    shell.json(&["maintenance", "on", "--retry-after", "1"]);
    assert_eq!(shell.json(&["maintenance", "show"])["enabled"], true);
    let (_, said) = shell.fails(&["association", "create", "7202", &profile("1")]);
    assert!(said.contains("maintenance"), "{said}");
    shell.json(&["maintenance", "off"]);
    let token = shell.json(&["token", "issue", client]);
    shell.set("JACKFIELD_TOKEN", &token["access_token"]);
    server.endpoint().keep_secret(token["access_token"].as_str().unwrap());
    shell.json(&["association", "get", "7201"]);
    shell.json(&["client", "disable", client]);
    shell.fails(&["association", "get", "7201"]);
    shell.json(&["client", "enable", client]);
    shell.json(&["association", "get", "7201"]);
    let table = shell.run(&["association", "list"]);
    assert!(String::from_utf8(table.stdout).unwrap().contains("7201"));
}
