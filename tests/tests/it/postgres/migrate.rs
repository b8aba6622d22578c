//! `jackfield migrate`: what it prints and exits with.

use std::process::{Command, Output};

use jackfield_tests::postgres::{Cluster, Database};
use jackfield_tests::server::clean_environment;
use jackfield_tests::{Options, Server, binary};

/// Runs it; the URL goes through the environment, as passwords should.
pub(super) fn migrate(url: &str) -> Output {
    command(&[], Some(url))
}

fn command(flags: &[&str], url: Option<&str>) -> Output {
    let mut command = Command::new(binary::path());
    clean_environment(&mut command);
    command.arg("migrate").args(flags);
    if let Some(url) = url {
        command.env("JACKFIELD_STORE", url);
    }
    command.output().unwrap()
}

fn said(output: &Output) -> (Option<i32>, &str, &str) {
    let text = |bytes| std::str::from_utf8(bytes).unwrap();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[tokio::test]
async fn it_brings_the_schema_forward_and_says_so() {
    let database = Database::fresh();
    let first = migrate(&database.url());
    assert_eq!(said(&first), (Some(0), "from version  0\nto version    4\n", ""));
    let again = command(&["--store", &database.url(), "--output", "json"], None);
    assert_eq!(said(&again), (Some(0), "{\n  \"from\": 4,\n  \"to\": 4\n}\n", ""));
    assert_eq!(
        database.sql("SELECT version, name FROM schema_version"),
        "1|directory\n2|admin tokens\n3|resources\n4|webhooks"
    );
    // A server finds its schema there.
    let server = Server::start(Options::on(&database));
    assert!(!server.log().contains("is brought forward"), "{}", server.log());
}

#[tokio::test]
async fn a_schema_of_a_later_release_is_refused() {
    let database = Database::fresh();
    migrate(&database.url());
    database.sql("INSERT INTO schema_version (version, name, works_from) VALUES (9, 'later', 8)");
    let (output, server) = (migrate(&database.url()), Server::try_start(Options::on(&database)));
    let (code, out, err) = said(&output);
    assert_eq!((code, out), (Some(1), ""));
    let both = "has schema version 9, which asks for a newer release; this one knows version 4\n";
    assert!(err.starts_with("error: postgres://") && err.ends_with(both), "{err}");
    let ended = server.expect_err("a server does not start on it");
    assert_eq!(ended.status.code(), Some(1));
    assert!(ended.stderr.ends_with(both), "{}", ended.stderr);
}

#[tokio::test]
async fn a_database_that_is_away_is_said_at_once() {
    let mut cluster = Cluster::start();
    cluster.stop();
    let output = migrate(&cluster.url());
    let (code, out, err) = said(&output);
    assert_eq!((code, out), (Some(1), ""));
    assert!(err.contains("is not available") && err.contains("refused") && err.lines().count() == 1, "{err}");
}

#[tokio::test]
async fn other_stores_and_no_store_are_wrong_usage() {
    for (url, kind) in [("memory:", "memory"), ("embedded:/nowhere", "embedded")] {
        let output = migrate(url);
        let (code, out, err) = said(&output);
        assert_eq!((code, out), (Some(2), ""));
        let wanted = format!("error: a store of the kind {kind} has no schema to migrate\n  try: ");
        assert!(err.starts_with(&wanted), "{err}");
    }
    let output = command(&[], None);
    let (code, _, err) = said(&output);
    assert!(code == Some(2) && err.contains("--store <URL>"), "{err}");
}

#[tokio::test]
async fn a_wrong_url_is_not_repeated() {
    for url in ["postgres://jack:s3cret@db:port/field", "postgres://jack:s3cret@db/field?sslmode=allow"] {
        let outputs = [migrate(url), command(&["--store", url], None), serve(url)];
        for output in &outputs {
            let (code, out, err) = said(output);
            assert_eq!((code, out), (Some(2), ""), "{err}");
            assert!(err.starts_with("error: --store the URL of the database is wrong: "), "{err}");
            assert!(err.lines().count() == 1 && !err.contains("s3cret"), "{err}");
        }
    }
    for words in [["migrate", "--help"], ["serve", "--help"]] {
        let output = with_store("postgres://jack:s3cret@db/field", &words);
        let (code, out, _) = said(&output);
        assert!(code == Some(0) && out.contains("[env: JACKFIELD_STORE]"), "{out}");
    }
}

fn serve(url: &str) -> Output {
    with_store(url, &["serve"])
}

fn with_store(url: &str, words: &[&str]) -> Output {
    let mut command = Command::new(binary::path());
    clean_environment(&mut command);
    command.args(words).env("JACKFIELD_STORE", url).output().unwrap()
}
