//! Wrong usage, and what needs no server.

use crate::{CLIENT, Home, ORG, PROVIDER};

#[tokio::test]
async fn a_server_that_is_not_there_is_named() {
    // Bound and not listening: the port refuses, and nobody else can take it.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let gone = format!("http://{}", socket.local_addr().unwrap());
    let environment = [("JACKFIELD_ADMIN_TOKEN", "t")];
    let run = Home::new().run(&["status", "--admin-endpoint", &gone], &environment).await;
    assert_eq!(run.code, 1);
    assert!(run.err.starts_with(&format!("error: no connection to {gone}: ")), "{}", run.err);
    assert!(run.err.contains("--admin-endpoint"), "{}", run.err);
}

#[tokio::test]
async fn wrong_usage_exits_with_2() {
    let home = Home::new();
    let run = home.run(&["association", "list"], &[]).await;
    assert_eq!(run.code, 2);
    assert!(run.err.starts_with("error: no service provider is named\n  try: --provider"), "{}", run.err);

    let run = home.run(&["association", "list", "--provider", PROVIDER], &[]).await;
    assert_eq!(run.code, 2);
    assert!(run.err.starts_with("error: no credentials"), "{}", run.err);

    let run = home.run(&["association", "list", "--provider", "x", "--token", "t"], &[]).await;
    assert_eq!(run.code, 2);
    assert!(run.err.contains("provider (--provider) must begin with"), "{}", run.err);

    let run = home.run(&["status"], &[]).await;
    assert_eq!(run.code, 2);
    assert!(run.err.contains("./jackfield-data/admin-token cannot be read"), "{}", run.err);

    for args in [
        ["org", "update", ORG].as_slice(),
        &["client", "update", CLIENT],
        &["org", "create", "n", "--country", "AT", "--vertical", "core"],
        &["association", "query", "--max-results", "101"],
    ] {
        assert_eq!(home.run(args, &[]).await.code, 2, "{args:?}");
    }
}

#[tokio::test]
async fn completions_and_man_pages_are_written() {
    let home = Home::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let run = home.run(&["completions", shell], &[]).await;
        assert_eq!(run.code, 0);
        assert!(run.out.contains("jackfield") && run.out.contains("rotate-secret"), "{shell}");
    }
    let run = home.run(&["man", "man1"], &[]).await;
    assert_eq!((run.code, run.out.as_str()), (0, "written man1\n"));
    let page = std::fs::read_to_string(home.0.path().join("man1/jackfield-client-rotate-secret.1")).unwrap();
    assert!(page.contains(".TH"));
}

#[tokio::test]
async fn a_reader_that_has_seen_enough_is_no_error() {
    let home = Home::new();
    let mut child = home
        .command(&["completions", "bash"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().await.unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stderr.is_empty());
}
