//! TLS on the public listener: names, protocols, certificates that change under a running server, slow clients.

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use http::Method;
use jackfield_tests::raw::Raw;
use jackfield_tests::server::clean_environment;
use jackfield_tests::tenant::profile;
use jackfield_tests::tls::{Offer, Trust};
use jackfield_tests::{
    Client, Listener, Options, Request, Server, Tenant, TenantOptions, Version, binary, metrics, poll,
};
use rustix::process::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::protocol::give_the_same_answers;

const API: &str = "api.amazonalexa.com";
const LOGIN: &str = "api.amazon.com";

/// A server with a local CA, for both names.
struct LocalCa {
    server: Server,
    home: TempDir,
}

impl LocalCa {
    fn start(more: &[&str]) -> Self {
        let home = TempDir::new().unwrap();
        let mut options = Options::with_flags(&["--tls-name", API, LOGIN, "localhost"]);
        options.flags.extend(["--tls-self-signed".to_owned(), home.path().join("tls").display().to_string()]);
        options.flags.extend(more.iter().map(|&flag| flag.to_owned()));
        let local = Self { server: Server::start(options), home };
        local.server.endpoint().set_trust(local.trust(API));
        local
    }

    fn ca_file(&self) -> PathBuf {
        self.home.path().join("tls/ca.pem")
    }

    fn trust(&self, name: &str) -> Trust {
        Trust::new(&self.ca_file(), name)
    }
}

/// A server with certificate files, and a file of all certificates that it ever had.
struct Filed {
    server: Server,
    home: TempDir,
}

impl Filed {
    fn start() -> Self {
        let home = TempDir::new().unwrap();
        let path = |name: &str| home.path().join(name).display().to_string();
        let flags = ["--tls-cert", &path("cert.pem"), "--tls-key", &path("key.pem")];
        let options = Options::with_flags(&flags);
        write_pair(home.path());
        Self { server: Server::start(options), home }
    }

    /// What a client sees that trusts every certificate so far.
    async fn shown(&self) -> Vec<u8> {
        let trust = Trust::new(&self.home.path().join("all.pem"), LOGIN);
        trust.certificate(self.server.endpoint().public()).await.unwrap()
    }

    async fn shows(&self, certificate: &[u8]) {
        let shown = async || (self.shown().await == certificate).then_some(());
        poll::until_async("the new certificate is shown", poll::PATIENCE, shown).await;
    }

    fn complaints(&self) -> usize {
        self.server.log().matches("the new TLS certificate is of no use").count()
    }
}

/// Writes a fresh pair and answers its certificate.
fn write_pair(directory: &Path) -> Vec<u8> {
    let key = rcgen::KeyPair::generate().unwrap();
    let params = rcgen::CertificateParams::new(vec![LOGIN.to_owned()]).unwrap();
    let cert = params.self_signed(&key).unwrap();
    let all = directory.join("all.pem");
    let known = std::fs::read_to_string(&all).unwrap_or_default();
    std::fs::write(all, known + &cert.pem()).unwrap();
    std::fs::write(directory.join("cert.pem"), cert.pem()).unwrap();
    std::fs::write(directory.join("key.pem"), key.serialize_pem()).unwrap();
    cert.der().to_vec()
}

/// Asks for the health of the server on this connection.
async fn is_served(stream: &mut (impl AsyncReadExt + AsyncWriteExt + Unpin)) {
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\"}") {
        assert_ne!(stream.read_buf(&mut answer).await.unwrap(), 0, "the connection ended");
    }
    assert!(answer.starts_with(b"HTTP/1.1 200 "), "{}", String::from_utf8_lossy(&answer));
}

async fn handshakes(server: &Server, outcome: &str) -> f64 {
    let admin = jackfield_tests::Admin::new(server.endpoint());
    let answer = admin.send(&Request::new(&Method::GET, "/metrics")).await.expect(200);
    let samples = metrics::parse(answer.text()).unwrap();
    let matches = |sample: &&metrics::Sample| {
        sample.name == "jackfield_tls_handshakes_total"
            && sample.labels.get("outcome").is_some_and(|o| o == outcome)
    };
    samples.iter().find(matches).map_or(0.0, |sample| sample.value)
}

#[tokio::test]
async fn both_names_are_served_on_one_listener() {
    let local = LocalCa::start(&[]);
    for name in [API, LOGIN, "localhost"] {
        let mut stream =
            local.trust(name).connect(local.server.endpoint().public(), Offer::default()).await.unwrap();
        is_served(&mut stream).await;
    }
    let stranger =
        local.trust("www.amazon.com").connect(local.server.endpoint().public(), Offer::default()).await;
    assert!(stranger.unwrap_err().to_string().contains("certificate"), "the name is not among them");
    let mode = std::fs::metadata(local.home.path().join("tls/ca.key")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let log = local.server.log();
    assert!(log.contains(&format!("127.0.0.1 {API} {LOGIN}\n")), "{log}");
    for variable in ["NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"] {
        let line = format!("export {variable}='{}'", local.ca_file().canonicalize().unwrap().display());
        assert!(log.contains(&line), "{line} is not in {log}");
    }
}

#[tokio::test]
async fn the_protocol_is_agreed_on_in_the_handshake() {
    let local = LocalCa::start(&[]);
    let trust = local.trust(API);
    let offers: [(&[&str], Option<&str>); 4] = [
        (&["h2", "http/1.1"], Some("h2")),
        (&["http/1.1", "h2"], Some("h2")),
        (&["http/1.1"], Some("http/1.1")),
        (&[], None),
    ];
    for (alpn, agreed) in offers {
        let offer = Offer { alpn, ..Offer::default() };
        let mut stream = trust.connect(local.server.endpoint().public(), offer).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), agreed.map(str::as_bytes), "{alpn:?}");
        if agreed != Some("h2") {
            is_served(&mut stream).await;
        }
    }
    let foreign = Offer { alpn: &["spdy/3"], ..Offer::default() };
    assert!(trust.connect(local.server.endpoint().public(), foreign).await.is_err());
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let offer = Offer { versions: &[version], ..Offer::default() };
        is_served(&mut trust.connect(local.server.endpoint().public(), offer).await.unwrap()).await;
    }
}

#[tokio::test]
async fn both_protocols_give_the_same_answers_over_tls() {
    let local = LocalCa::start(&[]);
    let one = Tenant::on(local.server.endpoint(), TenantOptions::default()).await;
    let two = Tenant::on(local.server.endpoint(), TenantOptions::default()).await.again(Version::Http2);
    give_the_same_answers(&one, &two).await;
    assert!(handshakes(&local.server, "done").await >= 2.0);
}

#[tokio::test]
async fn a_plain_listener_stands_beside_when_asked_for() {
    let local = LocalCa::start(&["--plain-listen", "127.0.0.1:0"]);
    let secure = Tenant::on(local.server.endpoint(), TenantOptions::default()).await;
    secure.create("7201", "1").await.is(201);
    let mut plain = secure.again(Version::Http1);
    plain.client = Client::new(local.server.endpoint(), Listener::Plain, Version::Http1);
    assert_eq!(plain.find("7201").await.as_deref(), Some("1"));
    plain.create("7202", "2").await.is(201);
    assert_eq!(secure.find("7202").await.as_deref(), Some("2"));
}

#[tokio::test]
async fn a_new_certificate_is_taken_while_old_connections_go_on() {
    let filed = Filed::start();
    let first = filed.shown().await;
    let trust = Trust::new(&filed.home.path().join("all.pem"), LOGIN);
    let mut old = trust.connect(filed.server.endpoint().public(), Offer::default()).await.unwrap();
    is_served(&mut old).await;
    let second = write_pair(filed.home.path());
    assert_ne!(first, second);
    filed.shows(&second).await;
    is_served(&mut old).await;
    // SIGHUP means now; the server goes on.
    let third = write_pair(filed.home.path());
    filed.server.signal(Signal::HUP);
    filed.shows(&third).await;
    is_served(&mut old).await;
    assert_eq!(filed.complaints(), 0, "{}", filed.server.log());
}

#[tokio::test]
async fn a_broken_pair_leaves_the_one_before_and_is_said_once() {
    let filed = Filed::start();
    let first = filed.shown().await;
    std::fs::write(filed.home.path().join("cert.pem"), "nonsense").unwrap();
    let complained = || (filed.complaints() == 1).then_some(());
    poll::until("the server complains", poll::PATIENCE, complained);
    assert_eq!(filed.shown().await, first);
    // A key that is another's is no better.
    let second = write_pair(filed.home.path());
    filed.shows(&second).await;
    let other = rcgen::KeyPair::generate().unwrap();
    std::fs::write(filed.home.path().join("key.pem"), other.serialize_pem()).unwrap();
    filed.server.signal(Signal::HUP);
    poll::until("it complains at once", poll::PATIENCE, || (filed.complaints() == 2).then_some(()));
    assert_eq!(filed.shown().await, second);
    std::fs::remove_file(filed.home.path().join("key.pem")).unwrap();
    poll::until("it complains again", poll::PATIENCE, || (filed.complaints() == 3).then_some(()));
    let third = write_pair(filed.home.path());
    filed.shows(&third).await;
    assert_eq!(filed.complaints(), 3, "each is said once:\n{}", filed.server.log());
    let key = std::fs::read_to_string(filed.home.path().join("key.pem")).unwrap();
    assert!(!filed.server.log().contains(key.lines().nth(1).unwrap()));
}

#[tokio::test]
async fn the_ca_stays_and_the_certificate_follows_the_names() {
    let mut local = LocalCa::start(&[]);
    let ca = std::fs::read(local.ca_file()).unwrap();
    let trust = local.trust(LOGIN);
    let first = trust.certificate(local.server.endpoint().public()).await.unwrap();
    local.server.signal(Signal::HUP);
    let renewed =
        async || (trust.certificate(local.server.endpoint().public()).await.unwrap() != first).then_some(());
    poll::until_async("SIGHUP renews the certificate", poll::PATIENCE, renewed).await;
    local.server.terminate();
    let flags = &mut local.server.options().flags;
    let place = flags.iter().position(|flag| flag == API).unwrap();
    flags[place] = "other.example".to_owned();
    local.server.restart();
    assert_eq!(std::fs::read(local.ca_file()).unwrap(), ca);
    trust.certificate(local.server.endpoint().public()).await.unwrap();
    local.trust("other.example").certificate(local.server.endpoint().public()).await.unwrap();
    assert!(
        local.trust(API).certificate(local.server.endpoint().public()).await.is_err(),
        "the name is gone"
    );
}

#[tokio::test]
async fn a_slow_handshake_is_cut_off() {
    let local = LocalCa::start(&["--header-timeout", "1s"]);
    let start = Instant::now();
    let silent = Raw::connect(local.server.endpoint()).await;
    let mut dribbling = Raw::connect(local.server.endpoint()).await;
    // The head of a greeting of 512 bytes, and then one byte after the other.
    dribbling.write([0x16, 3, 1, 2, 0]).await.unwrap();
    while start.elapsed() < Duration::from_secs(10) && dribbling.write([1]).await.is_ok() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(silent.to_end().await, b"");
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    assert!((handshakes(&local.server, "late").await - 2.0).abs() < 0.1);
}

#[tokio::test]
async fn handshakes_that_go_nowhere_disturb_nobody() {
    let mut local = LocalCa::start(&["--header-timeout", "60s", "--log-level", "info"]);
    let mut stuck = Vec::new();
    for _ in 0..100 {
        stuck.push(Raw::connect(local.server.endpoint()).await);
    }
    let mut plain = Raw::connect(local.server.endpoint()).await;
    plain.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let alert = plain.to_end().await;
    assert!(alert.first().is_none_or(|&kind| kind == 21), "an alert or nothing: {alert:?}");
    let failed = async || (handshakes(&local.server, "failed").await > 0.5).then_some(());
    poll::until_async("the failure is counted", poll::PATIENCE, failed).await;
    is_served(
        &mut local.trust(API).connect(local.server.endpoint().public(), Offer::default()).await.unwrap(),
    )
    .await;
    assert!(!local.server.log().contains("handshake"), "{}", local.server.log());
    // Nor does the server wait for them when it is told to stop.
    let start = Instant::now();
    local.server.terminate();
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

#[test]
fn settings_come_from_environment_and_file_as_well() {
    let home = TempDir::new().unwrap();
    let tls = home.path().join("tls").display().to_string();
    let config = home.path().join("jackfield.toml");
    std::fs::write(&config, format!("tls-self-signed = \"{tls}\"\ntls-name = [\"a.example\"]\n")).unwrap();
    let environment = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let options = Options {
        flags: vec!["--config".to_owned(), config.display().to_string()],
        environment: vec![
            environment("JACKFIELD_TLS_NAME", "b.example,c.example"),
            environment("JACKFIELD_PLAIN_LISTEN", "127.0.0.1:0"),
        ],
        ..Options::default()
    };
    let server = Server::start(options);
    assert_ne!(server.endpoint().address(Listener::Plain), server.endpoint().address(Listener::Public));
    assert!(server.log().contains("127.0.0.1 b.example c.example\n"), "{}", server.log());
}

#[test]
fn settings_that_make_no_sense_are_one_line() {
    let home = TempDir::new().unwrap();
    let path = |name: &str| home.path().join(name).display().to_string();
    write_pair(home.path());
    let (cert, key) = (&path("cert.pem"), &path("key.pem"));
    let cases: [(&[&str], &str); 8] = [
        (&["--tls-cert", cert], "--tls-cert wants --tls-key"),
        (&["--tls-key", key], "--tls-key wants --tls-cert"),
        (&["--tls-name", "a.example"], "--tls-name wants --tls-self-signed"),
        (&["--tls-self-signed", &path("tls")], "--tls-self-signed wants at least one --tls-name"),
        (&["--plain-listen", "127.0.0.1:0"], "--plain-listen wants TLS"),
        (
            &["--tls-cert", cert, "--tls-key", key, "--tls-self-signed", &path("tls"), "--tls-name", "a"],
            "--tls-cert excludes --tls-self-signed",
        ),
        (&["--tls-cert", key, "--tls-key", key], "holds no certificate"),
        (&["--tls-cert", cert, "--tls-key", &path("gone")], "cannot be read"),
    ];
    for (flags, part) in cases {
        let ended = Server::try_start(Options::with_flags(flags)).unwrap_err();
        assert_eq!((ended.status.code(), &*ended.stdout), (Some(2), ""), "{flags:?}: {}", ended.stderr);
        let line = ended.stderr.strip_suffix('\n').unwrap();
        assert!(line.starts_with("error: ") && line.contains(part) && !line.contains('\n'), "{line}");
    }
    assert!(!home.path().join("tls").exists(), "nothing was made");
}

#[tokio::test]
async fn the_command_line_trusts_a_file_of_certificates() -> io::Result<()> {
    let local = LocalCa::start(&[]);
    let tenant = Tenant::on(local.server.endpoint(), TenantOptions::default()).await;
    let port = local.server.endpoint().address(Listener::Public).port();
    let token = |ca: &[&str]| {
        let mut command = Command::new(binary::path());
        clean_environment(&mut command);
        command
            .args(["token", "get", "--endpoint", &format!("https://localhost:{port}")])
            .args(ca)
            .env("HOME", local.home.path())
            .env("JACKFIELD_CLIENT_ID", &tenant.client_id)
            .env("JACKFIELD_CLIENT_SECRET", &tenant.client_secret)
            .output()
    };
    let trusting = token(&["--ca-file", &local.ca_file().display().to_string()])?;
    let text = String::from_utf8_lossy(&trusting.stdout).into_owned();
    assert!(trusting.status.success() && text.starts_with("Atza|"), "{trusting:?}");
    let careful = token(&[])?;
    assert_eq!(careful.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&careful.stderr).contains("UnknownIssuer"), "{careful:?}");
    Ok(())
}

#[tokio::test]
async fn a_list_is_applied_over_tls() -> io::Result<()> {
    let local = LocalCa::start(&[]);
    let tenant = Tenant::on(local.server.endpoint(), TenantOptions::default()).await;
    let port = local.server.endpoint().address(Listener::Public).port();
    let rooms: String = (0..300).map(|n| format!("{n},{}\n", profile(&n.to_string()))).collect();
    let list = local.home.path().join("rooms.csv");
    std::fs::write(&list, format!("externalUserId,amazonId\n{rooms}"))?;
    let sync = || -> io::Result<Value> {
        let mut command = Command::new(binary::path());
        clean_environment(&mut command);
        command
            .args(["sync", "--yes", "--output", "json"])
            .arg(&list)
            .args(["--endpoint", &format!("https://localhost:{port}")])
            .args(["--ca-file", &local.ca_file().display().to_string()])
            .current_dir(local.home.path())
            .env("HOME", local.home.path())
            .env("JACKFIELD_TOKEN", &tenant.token)
            .env("JACKFIELD_PROVIDER", &tenant.provider);
        let output = command.output()?;
        assert!(output.status.success(), "{output:?}");
        Ok(serde_json::from_slice(&output.stdout)?)
    };
    let first = sync()?;
    assert_eq!((&first["applied"]["counts"]["create"], &first["verified"]), (&json!(300), &json!(true)));
    assert_eq!(sync()?["plan"]["unchanged"], 300);
    Ok(())
}
