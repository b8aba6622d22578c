//! The admin listener's own door: under which names it answers, where it may listen, TLS and client certificates.

use std::path::Path;
use std::process::{Command, Output};

use http::Method;
use jackfield_tests::raw::Raw;
use jackfield_tests::server::clean_environment;
use jackfield_tests::{Listener, Options, Request, Response, Server, Tenant, TenantOptions, binary};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use serde_json::json;
use tempfile::TempDir;

/// A request to the admin listener as a browser sends it for some site.
async fn ask(server: &Server, method: &str, path: &str, headers: &str) -> Response {
    let mut raw = Raw::connect_to(server.endpoint().address(Listener::Admin)).await;
    let token = server.endpoint().admin_token();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nAuthorization: Bearer {token}\r\nContent-Length: 0\r\n{headers}\r\n"
    );
    raw.write(head).await.unwrap();
    raw.response().await
}

#[tokio::test]
async fn a_site_that_rebinds_its_name_reads_nothing() {
    let server = Server::start(Options::with_flags(&["--admin-host", "ops.example", "OTHER.example"]));
    let port = server.endpoint().address(Listener::Admin).port();
    for path in ["/metrics", "/docs", "/openapi.json", "/admin/v1/status", "/admin/v1/organizations"] {
        for host in
            ["evil.example", &format!("evil.example:{port}"), "127.0.0.1.evil.example", "localhost.evil"]
        {
            ask(&server, "GET", path, &format!("Host: {host}\r\n")).await.is_error(403, "--admin-host");
        }
        for host in [
            &format!("localhost:{port}"),
            &format!("127.0.0.1:{port}"),
            "[::1]",
            // A port that is forwarded, a probe or a scrape by address.
            "10.9.8.7:8081",
            "ops.example",
            "other.EXAMPLE:8081",
        ] {
            ask(&server, "GET", path, &format!("Host: {host}\r\n")).await.is(200);
        }
    }
    for path in ["/healthz", "/readyz"] {
        ask(&server, "GET", path, "Host: evil.example\r\n").await.is(200);
    }
}

#[tokio::test]
async fn a_page_of_another_site_changes_nothing() {
    let server = Server::start(Options::default());
    let port = server.endpoint().address(Listener::Admin).port();
    let host = format!("Host: localhost:{port}\r\n");
    for origin in ["http://evil.example", "null", "http://localhost:1"] {
        let headers = format!("{host}Origin: {origin}\r\n");
        ask(&server, "DELETE", "/admin/v1/faults", &headers).await.is_error(403, "another site");
        ask(&server, "GET", "/admin/v1/faults", &headers).await.is(200);
    }
    ask(&server, "DELETE", "/admin/v1/faults", &format!("{host}Origin: http://localhost:{port}\r\n"))
        .await
        .is(204);
    ask(&server, "DELETE", "/admin/v1/faults", &host).await.is(204);
}

/// How `jackfield serve` ends with these flags, where it does not serve.
fn serve(flags: &[&str]) -> (i32, String) {
    let home = TempDir::new().unwrap();
    let mut command = Command::new(binary::path());
    clean_environment(&mut command);
    let Output { status, stderr, .. } =
        command.current_dir(home.path()).args(["serve", "--store", "memory:"]).args(flags).output().unwrap();
    (status.code().unwrap(), String::from_utf8(stderr).unwrap())
}

#[test]
fn what_could_be_overheard_is_refused() {
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"] {
        let (code, said) = serve(&["--listen", "127.0.0.1:0", "--admin-listen", address]);
        assert_eq!((code, said.lines().count()), (2, 1), "{said}");
        for flag in ["--admin-listen", "--admin-tls-cert", "--admin-tls-self-signed", "--admin-plaintext"] {
            assert!(said.contains(flag), "{said}");
        }
    }
    for (flags, said_first) in [
        (&["--admin-client-ca", "ca.pem"][..], "error: --admin-client-ca wants TLS"),
        (&["--admin-tls-cert", "c.pem"], "error: --admin-tls-cert wants --admin-tls-key"),
        (
            &["--admin-tls-cert", "c.pem", "--admin-tls-key", "k.pem"],
            "error: --admin-tls-cert c.pem cannot be read",
        ),
        (&["--admin-tls-self-signed", "d", "--admin-plaintext"], "error: --admin-plaintext excludes"),
    ] {
        let (code, said) = serve(flags);
        assert_eq!((code, said.lines().count()), (2, 1), "{said}");
        assert!(said.starts_with(said_first), "{said}");
    }
}

/// A command of an operator against the admin listener's TLS.
fn status(server: &Server, flags: &[&str]) -> (bool, String) {
    let mut command = Command::new(binary::path());
    clean_environment(&mut command);
    let port = server.endpoint().address(Listener::Admin).port();
    let endpoint = format!("https://localhost:{port}");
    command.args(["status", "--admin-endpoint", &endpoint]).args(flags);
    command.env("JACKFIELD_ADMIN_TOKEN", server.endpoint().admin_token());
    let output = command.output().unwrap();
    (output.status.success(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn the_command_line_speaks_tls_to_the_admin_listener() {
    let home = TempDir::new().unwrap();
    let directory = home.path().join("tls");
    let server = Server::start(Options::with_flags(&["--admin-tls-self-signed", text(&directory)]));
    let ca = directory.join("ca.pem");
    let (done, said) = status(&server, &["--ca-file", text(&ca)]);
    assert!(done, "{said}");
    let (done, said) = status(&server, &[]);
    assert!(!done && said.contains("certificate"), "{said}");
}

/// An authority of the test, and a certificate with its key that it signed.
fn client_certificate(home: &Path, name: &str) {
    let ca_key = KeyPair::generate().unwrap();
    let mut ca = CertificateParams::new(Vec::new()).unwrap();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca_pem = ca.self_signed(&ca_key).unwrap().pem();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["operator.example".to_owned()]).unwrap();
    let certificate = certificate.signed_by(&key, &Issuer::from_params(&ca, &ca_key)).unwrap();
    std::fs::write(home.join(format!("{name}-ca.pem")), ca_pem).unwrap();
    std::fs::write(home.join(format!("{name}.pem")), certificate.pem()).unwrap();
    std::fs::write(home.join(format!("{name}.key")), key.serialize_pem()).unwrap();
}

#[test]
fn clients_of_the_admin_listener_show_a_certificate() {
    let home = TempDir::new().unwrap();
    client_certificate(home.path(), "ours");
    client_certificate(home.path(), "theirs");
    let file = |name: &str| home.path().join(name);
    let directory = file("tls");
    let server = Server::start(Options::with_flags(&[
        "--admin-tls-self-signed",
        text(&directory),
        "--admin-client-ca",
        text(&file("ours-ca.pem")),
    ]));
    let ca = directory.join("ca.pem");
    let with = |name: &str| {
        let (cert, key) = (file(&format!("{name}.pem")), file(&format!("{name}.key")));
        let flags =
            ["--ca-file", text(&ca), "--admin-client-cert", text(&cert), "--admin-client-key", text(&key)];
        status(&server, &flags)
    };
    let (done, said) = with("ours");
    assert!(done, "{said}");
    assert!(!with("theirs").0);
    assert!(!status(&server, &["--ca-file", text(&ca)]).0);
    let (_, said) =
        status(&server, &["--ca-file", text(&ca), "--admin-client-cert", text(&file("ours.pem"))]);
    assert!(said.contains("--admin-client-cert and --admin-client-key go together"), "{said}");
}

#[tokio::test]
async fn a_rotation_shows_in_the_change_record_and_gives_nothing_away() {
    let server = Server::start(Options::default());
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    let target = format!("/admin/v1/clients/{}/rotate-secret", tenant.client_id);
    let rotated = tenant.admin.call(&Method::POST, &target, &json!(null)).await.expect(200).json();
    let changes = tenant.admin.get("/admin/v1/changes?limit=1000").await;
    let change = changes["changes"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(
        (&change["operation"], &change["subject"]),
        (&json!("client.update"), &json!(tenant.client_id))
    );
    assert_ne!(change["before"], change["after"]);
    let secret = rotated["secret"].as_str().unwrap();
    assert!(!change.to_string().contains(&secret[secret.len() - 16..]));
    let again = Request::new(&Method::GET, "/admin/v1/changes").bearer(server.endpoint().admin_token());
    tenant.admin.send(&again).await.is(200);
}

#[tokio::test]
async fn a_name_is_listened_on_with_all_its_addresses() {
    let options = Options { listen: Some("localhost:0".to_owned()), ..Options::default() };
    let server = Server::start(options);
    let port = server.endpoint().address(Listener::Public).port();
    let addresses = tokio::net::lookup_host(("localhost", port)).await.unwrap();
    let mut reached = 0;
    for address in addresses {
        // An address of a family that this machine does not have is left out.
        if std::net::TcpListener::bind((address.ip(), 0)).is_err() {
            continue;
        }
        let mut raw = Raw::connect_to(address).await;
        raw.write("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
        raw.response().await.is(200);
        reached += 1;
    }
    assert!(reached > 0);
}

#[test]
fn an_address_without_its_parts_is_explained() {
    for flag in ["--listen", "--admin-listen", "--plain-listen"] {
        for address in ["8080", ":8080", "localhost", "localhost:http", "http://localhost:8080"] {
            let (code, said) = serve(&[flag, address]);
            assert_eq!(code, 2, "{said}");
            assert!(said.contains(flag) && said.contains("IP:PORT or NAME:PORT"), "{said}");
        }
    }
    let (code, said) = serve(&["--listen", "no-such-name.invalid:0"]);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("--listen no-such-name.invalid:0 cannot be listened on"), "{said}");
}
