//! Store transfer: copies that are killed and go on, exports from outside by the document, backups of one moment under
//! load, restores after which everything is as it was.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::Method;
use jackfield_tests::postgres::{Database, try_sql};
use jackfield_tests::server::clean_environment;
use jackfield_tests::tenant::profile;
use jackfield_tests::{Listener, Options, Request, Server, Tenant, TenantOptions, Version, binary, poll};
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};
use tempfile::TempDir;

const PROVIDER: &str = "amzn1.comms.csp.id.d3b0c0de-0000-4000-8000-000000000001";
const KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
/// Longest that a command may take on a busy machine.
const DEADLINE: Duration = Duration::from_secs(180);
/// Most memory of a command, whatever the store holds: far less than the rows of these tests take in memory.
const MEMORY_MAX_KB: u64 = 200 * 1024;

fn command(words: &[&str]) -> Command {
    let mut command = Command::new(binary::path());
    clean_environment(&mut command);
    command.args(words).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn run(words: &[&str]) -> Output {
    command(words).output().unwrap()
}

/// A command that is expected to succeed; what it says as JSON.
#[track_caller]
fn done(words: &[&str]) -> Value {
    let output = run(&[words, &["--output", "json"]].concat());
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    if output.stdout.is_empty() { Value::Null } else { serde_json::from_slice(&output.stdout).unwrap() }
}

/// A command that is expected to fail; its exit code and what it says.
#[track_caller]
fn fails(words: &[&str]) -> (i32, String) {
    let output = run(words);
    assert!(!output.status.success(), "{words:?} succeeds");
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The lines of an export with so many associations, made as `docs/moving.md` says.
fn lines(associations: usize) -> String {
    let mut text = String::new();
    let mut line = |line: Value| writeln!(text, "{line}").unwrap();
    let organization = "amzn1.alexa.unit.did.hotel";
    line(json!({
        "format": "jackfield export", "version": 1, "id": "d3b0c0de-0000-4000-8000-000000000009", "created": 0,
        "written_by": "a test", "associations": associations, "last_change": 7, "root_key": KEY,
    }));
    line(json!({"organization": {
        "id": organization, "name": "Hotel", "country": "US", "vertical": "hospitality", "webrtc": true,
        "strict_profiles": false,
    }}));
    line(json!({"service_provider": {
        "id": PROVIDER, "organization": organization, "logical_id": "hotel", "display_name": [],
    }}));
    let mut summed = Vec::new();
    for number in 0..associations {
        let (id, to) = (format!("{number:08}"), profile(&format!("A{number:X}")));
        line(json!({"association": {"provider": PROVIDER, "externalUserId": id, "amazonId": to}}));
        summed.extend([id.as_bytes(), b"\0", to.as_bytes(), b"\0", b"0\n"].concat());
    }
    let sum = hex(digest(&SHA256, &summed).as_ref());
    line(json!({"provider_total": {"provider": PROVIDER, "associations": associations, "sha256": sum}}));
    let sum = hex(digest(&SHA256, text.as_bytes()).as_ref());
    let end = json!({"end": {
        "lines": associations + 4, "profiles": 0, "associations": associations, "changes": 0, "sha256": sum,
    }});
    writeln!(text, "{end}").unwrap();
    text
}

fn write_export(path: &Path, lines: &str) {
    std::fs::write(path, zstd::encode_all(lines.as_bytes(), 1).unwrap()).unwrap();
}

fn read_export(path: &Path) -> Vec<Value> {
    let text = String::from_utf8(zstd::decode_all(std::fs::File::open(path).unwrap()).unwrap()).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// All lines but the first and the last, which hold an id, a time, and the checksum of both.
fn body(path: &Path) -> Vec<Value> {
    let mut lines = read_export(path);
    lines.pop();
    lines.remove(0);
    lines
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn url(dir: &Path) -> String {
    format!("embedded:{}", dir.display())
}

/// Files of more than this that the engine of a store wrote as tables.
fn tables(dir: &Path, bytes: u64) -> usize {
    let Ok(entries) = std::fs::read_dir(dir) else { return 0 };
    let count = |entry: std::fs::DirEntry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => tables(&entry.path(), bytes),
        Ok(metadata) if dir.ends_with("tables") && metadata.len() > bytes => 1,
        _ => 0,
    };
    entries.flatten().map(count).sum()
}

/// The most memory that a process had so far, in kilobytes; nothing when it is gone.
fn peak_memory(process: &Child) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.id())).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// Waits until a process that is expected to succeed has ended; the most memory that was seen.
fn watch(mut process: Child) -> u64 {
    let mut peak = 0;
    let status = poll::until("the command ends", DEADLINE, || {
        peak = peak.max(peak_memory(&process).unwrap_or_default());
        process.try_wait().unwrap()
    });
    assert!(status.success(), "{status}");
    peak
}

#[test]
fn a_copy_that_is_killed_goes_on_where_it_was() {
    let home = TempDir::new().unwrap();
    let path = |name: &str| home.path().join(name);
    let (first, second) = (path("first"), path("second"));
    write_export(&path("made"), &lines(80_000));
    let import = command(&["store", "import", "--store", &url(&first), text(&path("made"))]).spawn().unwrap();
    let peak = watch(import);
    assert!((1..MEMORY_MAX_KB).contains(&peak), "the import took {peak} kB");
    let words = ["store", "copy", "--from", &url(&first), "--to", &url(&second)];
    let mut copy = command(&words).spawn().unwrap();
    // A second table is written after the first part was stored.
    poll::until("a part is stored", DEADLINE, || {
        assert_eq!(copy.try_wait().unwrap(), None, "the copy ends before it is killed");
        (tables(&second, 200_000) >= 2).then_some(())
    });
    copy.kill().unwrap();
    copy.wait().unwrap();
    let refused = Server::try_start(Options { store: Some(url(&second)), ..Options::default() }).unwrap_err();
    assert_eq!(refused.status.code(), Some(1));
    let advice = format!("go on with jackfield store copy --from URL --to {}", url(&second));
    assert!(refused.stderr.contains(&advice), "{}", refused.stderr);
    let (code, said) = fails(&["store", "export", "--store", &url(&second), text(&path("x"))]);
    assert!(code == 1 && said.contains("holds a part of a copy"), "{said}");
    let report = done(&words);
    let (skipped, moved) = (report["skipped"].as_u64().unwrap(), report["associations"].as_u64().unwrap());
    assert!(skipped > 0 && skipped + moved == 80_000, "{report}");
    assert_eq!((&report["repaired"], &report["accounts"]), (&json!(0), &json!(2)));
    for (store, file) in [(&first, "out 1"), (&second, "out 2")] {
        let (store, file) = (url(store), path(file));
        let peak = watch(command(&["store", "export", "--store", &store, text(&file)]).spawn().unwrap());
        assert!((1..MEMORY_MAX_KB).contains(&peak), "the export took {peak} kB");
    }
    assert!(body(&path("out 1")) == body(&path("made")) && body(&path("out 2")) == body(&path("made")));
    let mode = std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(path("out 1")).unwrap());
    assert_eq!(mode & 0o777, 0o600, "it holds the key");
    // What is complete is served, and not filled again.
    let (code, said) = fails(&words);
    assert!(code == 1 && said.contains("has been written to"), "{said}");
    let mut server = Server::start(Options { store: Some(url(&second)), ..Options::default() });
    server.terminate();
}

#[test]
fn a_store_moves_to_postgres_and_back_though_each_copy_is_killed() {
    const ROWS: usize = 80_000;
    let home = TempDir::new().unwrap();
    let path = |name: &str| home.path().join(name);
    let (first, last, database) = (url(&path("first")), url(&path("last")), Database::fresh());
    let there = database.url();
    write_export(&path("made"), &lines(ROWS));
    done(&["store", "import", "--store", &first, text(&path("made"))]);
    let stored = || {
        // The table is not there at first.
        let count = format!("SELECT count(*) FROM {}.association", database.schema());
        try_sql(&there, &count).is_ok_and(|rows| rows != "0")
    };
    copy_killed(&first, &there, ROWS, stored);
    copy_killed(&there, &last, ROWS, || tables(&path("last"), 200_000) >= 2);
    done(&["store", "export", "--store", &last, text(&path("out"))]);
    assert!(body(&path("out")) == body(&path("made")));
}

/// Copies a store, is killed when a part of it is stored, and goes on.
#[track_caller]
fn copy_killed(from: &str, to: &str, rows: usize, stored: impl Fn() -> bool) {
    let words = ["store", "copy", "--from", from, "--to", to];
    let mut copy = command(&words).spawn().unwrap();
    poll::until("a part is stored", DEADLINE, || {
        assert_eq!(copy.try_wait().unwrap(), None, "the copy ends before it is killed");
        stored().then_some(())
    });
    copy.kill().unwrap();
    copy.wait().unwrap();
    let report = done(&words);
    let (skipped, moved) = (report["skipped"].as_u64().unwrap(), report["associations"].as_u64().unwrap());
    assert!(skipped > 0 && skipped + moved == rows as u64, "{report}");
}

#[test]
fn damaged_exports_and_wrong_words_are_refused() {
    let home = TempDir::new().unwrap();
    let path = |name: &str| home.path().join(name);
    let (store, file) = (path("store"), path("file"));
    let whole = lines(3);
    let import = ["store", "import", "--store", &url(&store), text(&file)];
    let cut = &whole[..whole.len() - whole.lines().last().unwrap().len() - 1];
    for (damaged, line, reason) in [
        (cut.to_owned(), 8, "it was cut off"),
        (whole.replace("\"version\":1", "\"version\":9"), 1, "format version 9"),
        (whole.replace("00000001", "00000009"), 6, "not in its place"),
        (whole.replace("did.A1\"", "did.B1\""), 7, "not those that were exported"),
        ("other\n".to_owned(), 1, "does not begin like an export"),
    ] {
        write_export(&file, &damaged);
        let (code, said) = fails(&import);
        assert!(code == 1 && said.contains(&format!("line {line}: ")) && said.contains(reason), "{said}");
        assert!(!said.contains(KEY));
    }
    write_export(&file, &whole);
    assert_eq!(done(&import)["associations"], 3, "what was refused left nothing behind");
    for (words, code, reason) in [
        (&["store", "export", "--store", "embedded:/nowhere", "x"][..], 1, "/nowhere holds no store"),
        (&["store", "export", "--store", "memory:", "x"], 2, "no other process can reach it"),
        (&["store", "copy", "--from", "memory:", "--to", "embedded:x"], 2, "no other process can reach it"),
        (&["store", "copy", "--from", "embedded:x", "--to", "embedded:x"], 2, "are the same store"),
        (&["store", "import", "--store", "embedded:y", "/nowhere"], 1, "/nowhere cannot be read"),
    ] {
        let (found, said) = fails(words);
        assert!(found == code && said.contains(reason), "{words:?}: {found} {said}");
    }
    assert!(std::fs::read_dir(home.path()).unwrap().count() == 2, "no part of a file stays");
}

/// The flags of a command for the server's operator.
fn admin(server: &Server) -> [String; 4] {
    let address = server.endpoint().address(Listener::Admin);
    let token = server.endpoint().admin_token().to_owned();
    ["--admin-endpoint".to_owned(), format!("http://{address}"), "--admin-token".to_owned(), token]
}

fn ask<'a>(words: &[&'a str], flags: &'a [String; 4]) -> Vec<&'a str> {
    words.iter().copied().chain(flags.iter().map(String::as_str)).collect()
}

fn backup(server: &Server, home: &Path, name: &str) -> PathBuf {
    let path = home.join(name);
    let flags = admin(server);
    done(&ask(&["backup", text(&path)], &flags));
    let header = read_export(&path).remove(0);
    server.endpoint().keep_secret(header["root_key"].as_str().unwrap());
    path
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_under_load_is_one_moment() {
    for store in [None, Some("memory:".to_owned())] {
        let server = Server::start(Options { store, ..Options::default() });
        let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
        let stop = Arc::new(AtomicBool::new(false));
        let writers: Vec<_> = (0..8)
            .map(|writer| {
                let (tenant, stop) = (tenant.again(Version::Http1), Arc::clone(&stop));
                tokio::spawn(async move {
                    let mut number = 0;
                    while !stop.load(Ordering::Relaxed) {
                        let id = format!("{writer}-{}", number % 50);
                        match number % 3 {
                            2 => drop(tenant.delete(&id).await),
                            _ => drop(tenant.create(&id, &format!("p{number}")).await),
                        }
                        number += 1;
                    }
                    number
                })
            })
            .collect();
        let home = TempDir::new().unwrap();
        let mut last = 0;
        for round in 0..4 {
            poll::until_async("there are new changes", poll::PATIENCE, async || {
                let now = tenant.admin.get("/admin/v1/status").await["last_change"].as_u64().unwrap();
                (now > last + 50).then_some(())
            })
            .await;
            let lines = read_export(&backup(&server, home.path(), &format!("{round}")));
            let header = &lines[0];
            last = header["last_change"].as_u64().unwrap();
            // The change record says what there must be.
            let mut expected: BTreeMap<String, String> = BTreeMap::new();
            let mut sequence = 0;
            for change in lines.iter().filter_map(|line| line.get("change")) {
                sequence += 1;
                assert_eq!(change["sequence"], sequence);
                let Some(association) = change["subject"].get("Association") else { continue };
                let id = association["external_user_id"].as_str().unwrap().to_owned();
                match association["after"].as_str() {
                    Some(after) => drop(expected.insert(id, after.to_owned())),
                    None => drop(expected.remove(&id)),
                }
            }
            assert_eq!(sequence, last);
            let found: BTreeMap<String, String> = lines
                .iter()
                .filter_map(|line| line.get("association"))
                .map(|association| {
                    ["externalUserId", "amazonId"].map(|name| association[name].as_str().unwrap().to_owned())
                })
                .map(|[id, to]| (id, to))
                .collect();
            assert_eq!(found, expected);
            assert_eq!(header["associations"], found.len());
        }
        stop.store(true, Ordering::Relaxed);
        for writer in writers {
            assert!(writer.await.unwrap() > 0);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restored_server_goes_on_as_the_other_would() {
    let home = TempDir::new().unwrap();
    let old = Server::start(Options::default());
    let tenant = Tenant::on(old.endpoint(), TenantOptions::default()).await;
    for number in 0..200 {
        tenant.create(&format!("{number}"), "p").await.is(201);
    }
    let file = backup(&old, home.path(), "backup");
    let changes = tenant.admin.changes(&tenant.provider, 0).await;
    for store in [None, Some("memory:".to_owned())] {
        let durable = store.is_none();
        let mut new = Server::start(Options { store, ..Options::default() });
        let flags = admin(&new);
        let operator = jackfield_tests::Admin::new(new.endpoint());
        // What is wrong with a file leaves the server as it was.
        let mut damaged = std::fs::read(&file).unwrap();
        damaged.truncate(damaged.len() - 40);
        std::fs::write(home.path().join("damaged"), damaged).unwrap();
        let (code, said) = fails(&ask(&["restore", text(&home.path().join("damaged"))], &flags));
        assert!(code == 1 && said.contains("400 BAD_REQUEST") && said.contains("Line "), "{said}");
        assert_eq!(operator.get("/admin/v1/status").await["associations"], 0);
        let restored = done(&ask(&["restore", text(&file)], &flags));
        assert_eq!((&restored["associations"], &restored["accounts"]), (&json!(200), &json!(3)));
        for life in 0..2 {
            let there = tenant.at(new.endpoint(), Version::Http1);
            // Issued by the other server.
            assert_eq!(there.find("7").await.as_deref(), Some("p"), "life {life}");
            let form = format!(
                "grant_type=client_credentials&client_id={}&client_secret={}&scope={}",
                tenant.client_id,
                tenant.client_secret,
                jackfield_tests::tenant::SCOPE
            );
            there.send(&Request::new(&Method::POST, "/auth/o2/token").body(form)).await.is(200);
            assert_eq!(operator.changes(&tenant.provider, 0).await[..changes.len()], changes[..]);
            there.create(&format!("new {life}"), "p").await.is(201);
            let (code, said) = fails(&ask(&["restore", text(&file)], &admin(&new)));
            assert!(code == 1 && said.contains("has been written to"), "{said}");
            let body = std::fs::read(&file).unwrap();
            let again = Request::new(&Method::POST, "/admin/v1/restore").body(body);
            operator.send(&again.bearer(new.endpoint().admin_token())).await.is_error(409, "new store only");
            if !durable {
                break;
            }
            new.kill9();
            new.restart();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_that_is_broken_off_leaves_an_empty_store() {
    let server = Server::start(Options::default());
    let whole = zstd::encode_all(lines(60_000).as_bytes(), 1).unwrap();
    let head = format!(
        "POST /admin/v1/restore HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\ncontent-length: {}\r\n\r\n",
        server.endpoint().admin_token(),
        whole.len()
    );
    let operator = jackfield_tests::Admin::new(server.endpoint());
    {
        use tokio::io::AsyncWriteExt as _;
        let mut stream =
            tokio::net::TcpStream::connect(server.endpoint().address(Listener::Admin)).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(&whole[..whole.len() / 2]).await.unwrap();
        let public = jackfield_tests::Client::new(server.endpoint(), Listener::Public, Version::Http1);
        poll::until_async("the restore is under way", poll::PATIENCE, async || {
            let query =
                Request::new(&Method::POST, "/v1/communications/serviceProviders/x/externalUsers/query");
            let answer = public.send(&query).await.unwrap();
            (answer.status == 503).then(|| {
                answer.is_error(503, "is being restored");
                assert_eq!(answer.header("retry-after"), Some("5"));
            })
        })
        .await;
        let second = Request::new(&Method::POST, "/admin/v1/restore").body(whole.clone());
        let refused = operator.send(&second.bearer(server.endpoint().admin_token())).await;
        refused.is_error(409, "under way already");
    }
    poll::until_async("the store is empty and takes writes again", poll::PATIENCE, async || {
        let ready = Request::new(&Method::GET, "/readyz");
        (operator.send(&ready).await.status == 200).then_some(())
    })
    .await;
    assert_eq!(operator.get("/admin/v1/status").await["associations"], 0);
    let restore = Request::new(&Method::POST, "/admin/v1/restore").body(whole);
    let restore = restore.bearer(server.endpoint().admin_token());
    let restored = poll::until_async("the next one may begin", poll::PATIENCE, async || {
        let answer = operator.send(&restore).await;
        (answer.status != 409).then_some(answer)
    });
    assert_eq!(restored.await.expect(200).json()["associations"], 60_000);
}
