//! Backups that are encrypted to a recipient: opened by its identity, by nobody else, and never in part.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use jackfield_tests::server::clean_environment;
use jackfield_tests::{Listener, Options, Server, Tenant, TenantOptions, Version, binary};
use tempfile::TempDir;

/// A pair of age that everybody knows.
const RECIPIENT: &str = "age1t7rxyev2z3rw82stdlrrepyc39nvn86l5078zqkf5uasdy86jp6svpy7pa";
const IDENTITY: &str = "AGE-SECRET-KEY-1GQ9778VQXMMJVE8SK7J6VT8UJ4HDQAJUVSFCWCM02D8GEWQ72PVQ2Y5J33";
/// One that is nobody's.
const STRANGER: &str = "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX";

/// Runs a command against a server; its exit code and what it says.
fn run(server: &Server, words: &[&str]) -> (i32, String) {
    let endpoint = server.endpoint();
    let mut command = Command::new(binary::path());
    clean_environment(&mut command);
    let admin = format!("http://{}", endpoint.address(Listener::Admin));
    command.args(words).args(["--admin-endpoint", &admin]).stdin(Stdio::null());
    let output = command.env("JACKFIELD_ADMIN_TOKEN", endpoint.admin_token()).output().unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

#[tokio::test]
async fn an_encrypted_backup_is_opened_by_its_identity_and_nobody_else() {
    let place = TempDir::new().unwrap();
    let path = |name: &str| place.path().join(name).to_str().unwrap().to_owned();
    let (file, cut) = (path("house.age"), path("cut.age"));
    let (identity, stranger) = (path("identity"), path("stranger"));
    fs::write(&identity, format!("# kept elsewhere\n{IDENTITY}\n")).unwrap();
    fs::write(&stranger, STRANGER).unwrap();
    let server = Server::start(Options::default());
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    for n in 0..300 {
        tenant.create(&n.to_string(), "1").await.is(201);
    }
    let (code, said) = run(&server, &["backup", "--recipient", RECIPIENT, &file]);
    assert_eq!(code, 0, "{said}");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let sealed = fs::read(&file).unwrap();
    assert!(sealed.starts_with(b"age-encryption.org/v1\n"));
    let zstd = [0x28, 0xb5, 0x2f, 0xfd];
    assert!(!sealed.windows(4).any(|part| part == zstd), "the export is not in it in clear");
    fs::write(&cut, &sealed[..sealed.len() - 1]).unwrap();
    let (code, said) = run(&server, &["backup", "--recipient", "age1nonsense", &path("none")]);
    assert!(code == 2 && said.contains("recipient"), "{code} {said}");
    assert!(!fs::exists(path("none")).unwrap());

    let restored = Server::start(Options::default());
    for (words, part) in [
        (vec!["restore", &file], "it is encrypted"),
        (vec!["restore", "--identity", &stranger, &file], "encrypted to others"),
        (vec!["restore", "--identity", &identity, &cut], "cut off"),
        (vec!["restore", "--identity", &path("nothing"), &file], "nothing"),
    ] {
        let (code, said) = run(&restored, &words);
        assert!(code != 0 && said.contains(part), "{words:?}: {code} {said}");
        assert!(!said.contains("AGE-SECRET"), "{said}");
    }
    let (code, said) = run(&restored, &["restore", "--identity", &identity, &file]);
    assert_eq!(code, 0, "nothing was restored before: {said}");
    let again = tenant.at(restored.endpoint(), Version::Http1);
    assert_eq!(again.find("299").await.as_deref(), Some("1"));
}
