//! The way to the database: TLS in every mode, certificates, passwords, several hosts.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use jackfield_tests::postgres::Cluster;
use jackfield_tests::{Admin, Listener, Options, Request, Server, Tenant, TenantOptions, Version};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
};
use tempfile::TempDir;

use super::migrate::migrate;

const PASSWORD: &str = "s3cret-of-jack";

/// `sealed` comes in with TLS only, `open` without it only, `jack` with a password, `guest` with a certificate.
const ACCESS: &str = "
local     all all                    trust
host      all postgres 127.0.0.1/32  trust
hostssl   all sealed   127.0.0.1/32  trust
hostnossl all open     127.0.0.1/32  trust
host      all jack     127.0.0.1/32  scram-sha-256
hostssl   all guest    127.0.0.1/32  cert
";

/// A cluster that speaks TLS as `localhost`, and what its clients need.
struct Secure {
    cluster: Cluster,
    files: TempDir,
}

impl Secure {
    fn start() -> Self {
        let files = TempDir::with_prefix("jackfield-secure-").unwrap();
        let directory = files.path();
        let (ours, theirs) = (authority("ours"), authority("theirs"));
        for (issuer, name) in [(&ours, "ours"), (&theirs, "theirs")] {
            std::fs::write(directory.join(format!("{name}.pem")), issuer.pem()).unwrap();
            sign(
                issuer,
                "guest",
                ExtendedKeyUsagePurpose::ClientAuth,
                directory,
                &format!("guest-of-{name}"),
            );
        }
        sign(&ours, "localhost", ExtendedKeyUsagePurpose::ServerAuth, directory, "server");
        std::fs::write(directory.join("access.conf"), ACCESS).unwrap();
        if rustix::process::geteuid().is_root() {
            let status = Command::new("chown").args(["-R", "postgres:postgres"]).arg(directory).status();
            assert!(status.unwrap().success());
        }
        let path = |name: &str| directory.join(name).display().to_string();
        let cluster = Cluster::with(&[
            ("ssl", "on"),
            ("ssl_cert_file", &path("server.crt")),
            ("ssl_key_file", &path("server.key")),
            ("ssl_ca_file", &path("ours.pem")),
            ("hba_file", &path("access.conf")),
        ]);
        for role in ["sealed", "open", "guest", "jack"] {
            cluster.sql(&format!("CREATE ROLE {role} SUPERUSER LOGIN PASSWORD '{PASSWORD}'"));
        }
        Self { cluster, files }
    }

    fn file(&self, name: &str) -> String {
        self.files.path().join(name).display().to_string()
    }

    /// The URL for this account, at this host, with these parameters.
    fn url(&self, account: &str, host: &str, parameters: &str) -> String {
        format!("postgres://{account}@{host}:{}/postgres?{parameters}", self.cluster.port())
    }

    #[track_caller]
    fn takes(&self, account: &str, host: &str, parameters: &str) {
        let url = self.url(account, host, parameters);
        let output = migrate(&url);
        assert!(output.status.success(), "{url}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// It ends with one line that says `why`, and that trying again is no use.
    #[track_caller]
    fn refuses(&self, account: &str, host: &str, parameters: &str, why: &str) {
        refused(&self.url(account, host, parameters), why);
    }
}

#[track_caller]
fn refused(url: &str, why: &str) {
    let output = migrate(url);
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), &*output.stdout), (Some(1), &b""[..]), "{url}: {text}");
    assert!(text.starts_with("error: postgres://") && text.lines().count() == 1, "{url}: {text}");
    assert!(text.contains(" cannot be used: ") && text.contains(why), "{url}: {text}");
    assert!(!text.contains(PASSWORD), "{text}");
}

fn authority(name: &str) -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// Writes `FILE.crt` and `FILE.key`.
fn sign(
    issuer: &CertifiedIssuer<'static, KeyPair>,
    name: &str,
    purpose: ExtendedKeyUsagePurpose,
    directory: &Path,
    file: &str,
) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.extended_key_usages = vec![purpose];
    let certificate = params.signed_by(&key, issuer).unwrap();
    std::fs::write(directory.join(format!("{file}.crt")), certificate.pem()).unwrap();
    let key_file = directory.join(format!("{file}.key"));
    std::fs::write(&key_file, key.serialize_pem()).unwrap();
    std::fs::set_permissions(key_file, PermissionsExt::from_mode(0o600)).unwrap();
}

#[tokio::test]
async fn every_mode_of_tls_does_what_it_says() {
    let secure = Secure::start();
    let (ours, theirs) = (secure.file("ours.pem"), secure.file("theirs.pem"));

    secure.takes("open", "127.0.0.1", "sslmode=disable");
    secure.refuses("sealed", "127.0.0.1", "sslmode=disable", "no encryption");

    for parameters in ["", "sslmode=prefer", "sslmode=require"] {
        secure.takes("sealed", "127.0.0.1", parameters);
        secure.refuses("open", "127.0.0.1", parameters, "SSL encryption");
    }

    let verify_ca = |file: &str| format!("sslmode=verify-ca&sslrootcert={file}");
    secure.takes("sealed", "127.0.0.1", &verify_ca(&ours));
    secure.takes("sealed", "localhost", &verify_ca(&ours));
    secure.refuses("sealed", "127.0.0.1", &verify_ca(&theirs), "UnknownIssuer");

    let verify_full = |file: &str| format!("sslmode=verify-full&sslrootcert={file}");
    secure.takes("sealed", "localhost", &verify_full(&ours));
    secure.refuses("sealed", "127.0.0.1", &verify_full(&ours), "not valid for name");
    secure.refuses("sealed", "localhost", &verify_full(&theirs), "UnknownIssuer");
    // No authority of the system vouches for it.
    secure.refuses("sealed", "localhost", "sslmode=verify-full", "UnknownIssuer");
    secure.refuses("sealed", "localhost", &verify_full("/no/such/file"), "sslrootcert /no/such/file: ");
}

#[tokio::test]
async fn a_database_without_tls_is_taken_only_where_that_was_allowed() {
    let cluster = Cluster::start();
    for parameters in ["", "?sslmode=prefer", "?sslmode=disable"] {
        let output = migrate(&format!("{}{parameters}", cluster.url()));
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    for parameters in ["?sslmode=require", "?sslmode=verify-ca", "?sslmode=verify-full"] {
        refused(&format!("{}{parameters}", cluster.url()), "server does not support TLS");
    }
}

#[tokio::test]
async fn a_client_certificate_is_shown() {
    let secure = Secure::start();
    let shown = |whose: &str| {
        let file = |ending| secure.file(&format!("guest-of-{whose}.{ending}"));
        format!("sslmode=require&sslcert={}&sslkey={}", file("crt"), file("key"))
    };
    secure.takes("guest", "127.0.0.1", &shown("ours"));
    secure.refuses("guest", "127.0.0.1", "sslmode=require", "requires a valid client certificate");
    // The reason may be lost with the connection, which the database closes at once.
    let output = migrate(&secure.url("guest", "127.0.0.1", &shown("theirs")));
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    let mixed = format!(
        "sslmode=require&sslcert={}&sslkey={}",
        secure.file("guest-of-ours.crt"),
        secure.file("guest-of-theirs.key")
    );
    secure.refuses("guest", "127.0.0.1", &mixed, "sslcert: ");
    let server = super::node(&secure.url("guest", "127.0.0.1", &shown("ours")));
    let client = jackfield_tests::Client::new(server.endpoint(), Listener::Public, Version::Http1);
    client.send(&Request::new(&http::Method::GET, "/readyz")).await.unwrap().is(200);
}

#[tokio::test]
async fn a_password_is_right_or_ends_the_start() {
    let secure = Secure::start();
    let right = format!("jack:{PASSWORD}");
    secure.takes(&right, "127.0.0.1", "sslmode=disable");
    secure.takes(&right, "127.0.0.1", "sslmode=require&channel_binding=require");
    secure.takes("jack", "127.0.0.1", &format!("password={PASSWORD}"));
    secure.refuses("jack:wr0ng", "127.0.0.1", "", "password authentication failed for user \"jack\"");
    secure.refuses("jack", "127.0.0.1", "sslmode=disable", "password missing");

    let loud = "trace,tokio_postgres=trace,tokio_postgres::query=trace".to_owned();
    let loud = vec![("JACKFIELD_LOG_LEVEL".to_owned(), loud)];
    let options = |url| Options { store: Some(url), environment: loud.clone(), ..Options::default() };
    let wrong = secure.url(&format!("jack:{PASSWORD}-not"), "127.0.0.1", "");
    let ended = Server::try_start(options(wrong)).expect_err("a wrong password is nothing to wait for");
    assert_eq!(ended.status.code(), Some(1), "{}", ended.stderr);
    assert!(!ended.stderr.contains(PASSWORD) && ended.stdout.is_empty(), "{}", ended.stderr);
    let errors: Vec<&str> = ended.stderr.lines().filter(|line| line.starts_with("error: ")).collect();
    assert_eq!(errors.len(), 1, "{}", ended.stderr);
    assert!(errors[0].contains("password authentication failed"), "{errors:?}");

    let server = Server::try_start(options(secure.url(&right, "127.0.0.1", ""))).unwrap();
    let admin = Admin::new(server.endpoint());
    let status = admin.get("/admin/v1/status").await;
    let metrics = admin.send(&Request::new(&http::Method::GET, "/metrics")).await.expect(200);
    assert!(!status.to_string().contains(PASSWORD) && !metrics.text().contains(PASSWORD));
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    tenant.create("7201", "1").await.is(201);
    let log = server.log();
    assert!(log.contains("DEBUG jackfield::access"), "the log is loud");
    assert!(!log.contains(PASSWORD), "and says no password");
    assert!(!log.contains("with parameters"), "nor what statements are given: secrets are among it");
}

#[tokio::test]
async fn of_several_hosts_the_one_that_can_be_written_is_taken() {
    let (read_only, good) = (Cluster::with(&[("default_transaction_read_only", "on")]), Cluster::start());
    // Bound and not listening: the port refuses, and nobody else can take it.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let dead = socket.local_addr().unwrap().port();
    let url = |ports: &[u16]| {
        let hosts: Vec<String> = ports.iter().map(|port| format!("127.0.0.1:{port}")).collect();
        format!("postgres://postgres@{}/postgres?target_session_attrs=read-write", hosts.join(","))
    };
    let all = url(&[dead, read_only.port(), good.port()]);
    let output = migrate(&all);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let tables = "SELECT count(*) FROM pg_class WHERE relname = 'association'";
    assert_eq!((read_only.sql(tables), good.sql(tables)), ("0".to_owned(), "1".to_owned()));
    let server = super::node(&all);
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    tenant.create("7201", "1").await.is(201);
    assert_eq!(good.sql("SELECT count(*) FROM association"), "1");

    let output = migrate(&url(&[dead, read_only.port()]));
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    // A standby may be promoted the next moment.
    assert!(text.contains("is not available") && text.lines().count() == 1, "{text}");
}
