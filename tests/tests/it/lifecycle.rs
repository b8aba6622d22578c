//! Starting, stopping and refusing to start.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use jackfield_tests::raw::Raw;
use jackfield_tests::server::clean_environment;
use jackfield_tests::{Listener, Options, Server, Tenant, TenantOptions, binary, poll};
use rustix::process::Signal;
use tempfile::TempDir;
use tokio::net::TcpStream;

use crate::operation::Op;

/// Runs the binary to its end; answers exit code, standard output and standard error.
fn run(arguments: &[&str], environment: &[(&str, &str)]) -> (Option<i32>, String, String) {
    let mut command = Command::new(binary::path());
    clean_environment(&mut command);
    command.args(arguments).envs(environment.iter().copied());
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// `serve` on free ports unless said otherwise, and more arguments.
fn serve(more: &[&str], environment: &[(&str, &str)]) -> (Option<i32>, String, String) {
    let usual =
        [("--listen", "127.0.0.1:0"), ("--admin-listen", "127.0.0.1:0"), ("--admin-token", "admin-token")];
    let defaults =
        usual.iter().filter(|(flag, _)| !more.contains(flag)).flat_map(|(flag, value)| [*flag, *value]);
    let arguments: Vec<&str> = ["serve"].into_iter().chain(defaults).chain(more.iter().copied()).collect();
    run(&arguments, environment)
}

#[test]
fn sigterm_and_sigint_end_it_with_0() {
    for signal in [Signal::TERM, Signal::INT] {
        let mut server = Server::start(Options::default());
        server.signal(signal);
        let ended = server.wait();
        assert_eq!(ended.status.code(), Some(0), "{signal:?}: {}", ended.stderr);
        assert_eq!(ended.stdout, "", "only the ready line stands on standard output");
    }
}

#[tokio::test]
async fn what_is_in_flight_is_finished() {
    let mut server = Server::start(Options::with_flags(&["--body-timeout", "60s"]));
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    let (path, token, body) = (tenant.path(), &tenant.token, Op::Create.body("7201").to_string());
    let length = body.len();
    let mut raw = Raw::connect(server.endpoint()).await;
    raw.write(format!(
        "POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Length: {length}\r\n\
         Expect: 100-continue\r\n\r\n"
    ))
    .await
    .unwrap();
    // The server asks for the body: the request is in flight.
    raw.response().await.is(100);
    let address = server.endpoint().address(Listener::Public);
    server.begin_terminate();
    let refused = async || TcpStream::connect(address).await.is_err().then_some(());
    poll::until_async("nothing new is accepted", poll::PATIENCE, refused).await;
    raw.write(body).await.unwrap();
    raw.response().await.is(201);
    let ended = server.wait();
    assert_eq!(ended.status.code(), Some(0), "{}", ended.stderr);
    server.restart();
    assert_eq!(tenant.find("7201").await.as_deref(), Some("1234"));
}

#[tokio::test]
async fn a_stop_waits_10_seconds_at_most() {
    let mut server =
        Server::start(Options::with_flags(&["--body-timeout", "300s", "--header-timeout", "300s"]));
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    let (path, token) = (tenant.path(), &tenant.token);
    let mut raw = Raw::connect(server.endpoint()).await;
    raw.write(format!(
        "POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n"
    ))
    .await
    .unwrap();
    raw.response().await.is(100);
    let start = Instant::now();
    server.begin_terminate();
    let ended = server.wait();
    assert_eq!(ended.status.code(), Some(0), "{}", ended.stderr);
    let waited = start.elapsed();
    assert!((Duration::from_secs(9)..Duration::from_secs(15)).contains(&waited), "{waited:?}");
}

#[tokio::test]
async fn idle_connections_do_not_delay_a_stop() {
    let mut server = Server::start(Options::default());
    let mut idle = Vec::new();
    for _ in 0..3 {
        let mut raw = Raw::connect(server.endpoint()).await;
        raw.write("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        raw.response().await.is(200);
        idle.push(raw);
    }
    let start = Instant::now();
    server.terminate();
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

#[test]
fn a_wrong_configuration_is_one_line_and_2() {
    let home = TempDir::new().unwrap();
    let file = |name: &str, text: &str| {
        let path = home.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let unknown_key = file("unknown.toml", "colour = \"red\"\n");
    let broken = file("broken.toml", "listen = \n");
    let bad_size = file("size.toml", "store-cache = 512\n");
    let missing = home.path().join("missing.toml").to_str().unwrap().to_owned();
    let bad_seed = file("seed.toml", "[[organization]]\nid = \"nonsense\"\n");
    let cases: [(&[&str], &str); 16] = [
        (&["--store", "floppy:a"], "memory:, embedded:DIR or postgres:"),
        (&["--listen", "nowhere"], "--listen"),
        (&["--rate-limit", "many"], "--rate-limit"),
        (&["--rate-limit", "1000001"], "--rate-limit"),
        (&["--max-in-flight", "0"], "--max-in-flight"),
        (
            &["--store-cache", "31MiB"],
            "--store-cache <SIZE>': a size in KiB, MiB or GiB of at least 32MiB is expected",
        ),
        (&["--store-cache", "76%"], "a share of memory from 1% to 75%"),
        (&["--store-cache", "1GiB"], "--store-cache is for a store embedded:DIR; this one is memory"),
        (&["--header-timeout", "0s"], "--header-timeout"),
        (&["--admin-token", "short"], "--admin-token"),
        (&["--log-format", "xml"], "--log-format"),
        (&["--config", &missing], "missing.toml"),
        (&["--config", &unknown_key], "colour"),
        (&["--config", &broken], "line 1"),
        (&["--config", &bad_size], "line 1, column 15: invalid type: integer, expected a string"),
        (&["--seed", &bad_seed], "line 2"),
    ];
    let mut wrong = Vec::new();
    for (arguments, part) in cases {
        let store: &[&str] = if arguments[0] == "--store" { &[] } else { &["--store", "memory:"] };
        let (code, stdout, stderr) = serve(&[store, arguments].concat(), &[]);
        if code != Some(2) || !stdout.is_empty() || stderr.lines().count() != 1 || !stderr.contains(part) {
            wrong.push(format!(
                "{arguments:?}: exit code {code:?}, standard output {stdout:?}, error {stderr:?}"
            ));
        }
    }
    let (code, _, stderr) = serve(&["--store", "memory:"], &[("JACKFIELD_RATE_LIMIT", "many")]);
    if code != Some(2) || stderr.lines().count() != 1 || !stderr.contains("many") {
        wrong.push(format!("environment: exit code {code:?}, error {stderr:?}"));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_flag_that_there_is_not_is_2() {
    for arguments in [&["serve", "--nonsense"][..], &["nonsense"], &[]] {
        let (code, stdout, _) = run(arguments, &[]);
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{arguments:?}");
    }
}

#[test]
fn a_second_process_on_the_same_store_is_told_so() {
    let server = Server::start(Options::default());
    let (code, stdout, stderr) = serve(&["--store", server.store()], &[]);
    assert!(code.is_some_and(|code| code != 0), "{code:?}");
    assert_eq!(stdout, "");
    let last = stderr.lines().last().unwrap_or_default();
    assert!(last.contains("in use by another process"), "{stderr}");
}

#[tokio::test]
async fn the_first_process_goes_on_when_a_second_one_tried() {
    let server = Server::start(Options::default());
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    tenant.create("1", "1").await.is(201);
    serve(&["--store", server.store()], &[]);
    tenant.create("2", "1").await.is(201);
    assert_eq!(tenant.find("1").await.as_deref(), Some("1"));
}

#[test]
fn a_port_that_is_taken_is_named() {
    let server = Server::start(Options::default());
    let address = server.endpoint().address(Listener::Public).to_string();
    let fixed = ["serve", "--listen", &address, "--admin-listen", "127.0.0.1:0", "--store", "memory:"];
    let (code, stdout, stderr) = run(&fixed, &[]);
    assert!(code.is_some_and(|code| code != 0), "{code:?}");
    assert_eq!(stdout, "");
    assert!(stderr.contains(&address), "{stderr}");
}

#[test]
fn a_directory_that_is_no_store_is_refused_and_left_alone() {
    let home = TempDir::new().unwrap();
    let letter = home.path().join("letter.txt");
    std::fs::write(&letter, "dear").unwrap();
    let store = format!("embedded:{}", home.path().display());
    let (code, stdout, stderr) = serve(&["--store", &store], &[]);
    assert!(code.is_some_and(|code| code != 0), "{code:?}");
    assert_eq!(stdout, "");
    assert!(stderr.contains("not empty"), "{stderr}");
    let names: Vec<_> =
        std::fs::read_dir(home.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["letter.txt"], "nothing was put there");
    assert_eq!(std::fs::read_to_string(letter).unwrap(), "dear");
}

#[test]
fn flags_win_over_the_environment_and_that_over_the_file() {
    let home = TempDir::new().unwrap();
    let file = home.path().join("jackfield.toml");
    let in_file = format!("store = \"embedded:{}\"\nrate-limit = 7\n", home.path().join("file").display());
    std::fs::write(&file, in_file).unwrap();
    let config = ["--config".to_owned(), file.to_str().unwrap().to_owned()];
    // The harness says --store by itself, which has to win over both.
    let environment =
        vec![("JACKFIELD_STORE".to_owned(), format!("embedded:{}", home.path().join("env").display()))];
    let options = Options {
        store: Some("memory:".to_owned()),
        flags: config.to_vec(),
        environment: environment.clone(),
        ..Options::default()
    };
    drop(Server::start(options));
    assert!(!home.path().join("file").exists() && !home.path().join("env").exists());
    let mut command = Command::new(binary::path());
    clean_environment(&mut command);
    command.args(["serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"]).args(&config);
    let mut child = command.envs(environment).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let opened = || home.path().join("env").exists().then_some(());
    poll::until("the store of the environment is opened", poll::PATIENCE, opened);
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!home.path().join("file").exists());
}

#[tokio::test]
async fn an_admin_token_is_made_and_kept() {
    use std::os::unix::fs::PermissionsExt;
    let home = TempDir::new().unwrap();
    let store = format!("embedded:{}", home.path().join("store").display());
    let mut tokens = Vec::new();
    for _ in 0..2 {
        let mut command = Command::new(binary::path());
        clean_environment(&mut command);
        command.args([
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--admin-listen",
            "127.0.0.1:0",
            "--store",
            &store,
        ]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let path = home.path().join("store").join("admin-token");
        let token = poll::until("a token is kept", poll::PATIENCE, || {
            std::fs::read_to_string(&path).ok().filter(|token| !token.is_empty())
        });
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(token.trim().len() >= 32, "too short to be safe");
        child.kill().unwrap();
        child.wait().unwrap();
        tokens.push(token);
    }
    assert_eq!(tokens[0], tokens[1]);
}
