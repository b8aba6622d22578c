//! The examples of docs/integrators.md, as they stand there.

use std::process::Command;

use jackfield_tests::server::clean_environment;
use jackfield_tests::{Listener, Options, Server, binary};
use tempfile::TempDir;

const PAGE: &str = include_str!("../../../docs/integrators.md");

/// The blocks of code in a language.
fn blocks(language: &str) -> Vec<&str> {
    let fence = format!("```{language}\n");
    let block = |rest: &'static str| rest.split("```").next().unwrap();
    PAGE.split(&*fence).skip(1).map(block).collect()
}

#[test]
fn each_command_works_as_it_stands() {
    let directory = TempDir::new().unwrap();
    let seed = directory.path().join("seed.toml");
    let [text] = blocks("toml")[..] else { panic!("one seed file is expected") };
    std::fs::write(&seed, text).unwrap();
    let server = Server::start(Options { seed: Some(seed), ..Options::with_flags(&["--allow-reset"]) });
    let directory_of_binary = binary::path().parent().unwrap();
    let path = format!("{}:{}", directory_of_binary.display(), std::env::var("PATH").unwrap());
    let mut run = 0;
    for line in blocks("sh").into_iter().flat_map(str::lines) {
        let mut command = Command::new("sh");
        clean_environment(&mut command);
        command
            .args(["-c", line])
            .env("PATH", &path)
            .env("HOME", directory.path())
            .env("JACKFIELD_ADMIN_ENDPOINT", format!("http://{}", server.endpoint().address(Listener::Admin)))
            .env("JACKFIELD_ADMIN_TOKEN", server.endpoint().admin_token());
        let output = command.output().unwrap();
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
        assert!(!output.stdout.is_empty(), "{line} prints nothing");
        run += 1;
    }
    assert!(run > 12, "only {run} commands were found");
}
