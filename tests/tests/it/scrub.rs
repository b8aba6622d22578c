//! One byte of each file of a data directory is changed in turn: that is found when the store is opened or verified, or
//! changes nothing that the store shows. What is wrong with a store, an export or a running server is told by
//! `jackfield store verify`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use fastrand::Rng;
use http::Method;
use jackfield_tests::http::{Client, Request};
use jackfield_tests::postgres::Database;
use jackfield_tests::server::clean_environment;
use jackfield_tests::tenant::profile;
use jackfield_tests::{Listener, Options, Server, Tenant, TenantOptions, Version, binary, seed};
use serde_json::{Value, json};
use tempfile::TempDir;

fn jackfield(words: &[&str]) -> Output {
    let mut command = Command::new(binary::path());
    clean_environment(&mut command);
    command.args(words).stdin(Stdio::null()).output().unwrap()
}

/// The exit code of a verification, and what it says: as JSON, and on standard error.
fn verify(words: &[&str]) -> (i32, Value, String) {
    let output = jackfield(&[&["store", "verify"], words, &["--output", "json"]].concat());
    let said = serde_json::from_slice(&output.stdout).unwrap_or_default();
    (output.status.code().unwrap_or(-1), said, String::from_utf8(output.stderr).unwrap())
}

#[track_caller]
fn is_whole(words: &[&str]) -> Value {
    let (code, said, errors) = verify(words);
    assert_eq!((code, &said["findings"]), (0, &json!([])), "{said} {errors}");
    said["verified"].clone()
}

fn url(directory: &Path) -> String {
    format!("embedded:{}", directory.display())
}

/// A server on a directory, whatever store other tests run on.
fn embedded() -> (Server, PathBuf, TempDir) {
    let home = TempDir::with_prefix("jackfield-scrub-").unwrap();
    let directory = home.path().join("store");
    let server = Server::start(Options { store: Some(url(&directory)), ..Options::default() });
    (server, directory, home)
}

/// Something of every kind, some of it changed and removed.
async fn live(server: &Server) -> Tenant {
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    let profiles = format!("/admin/v1/organizations/{}/profiles", tenant.organization);
    for number in 0..4 {
        let unit = format!("amzn1.alexa.unit.did.{number}");
        let body = json!({"id": profile(&number.to_string()), "unit": unit, "name": "Room"});
        tenant.admin.create(&profiles, &body).await;
    }
    let organization = format!("/admin/v1/organizations/{}", tenant.organization);
    let unit = tenant.admin.create(&format!("{organization}/units"), &json!({"name": "Floor"})).await;
    let book = tenant.admin.create(&format!("{organization}/addressBooks"), &json!({"name": "Guests"})).await;
    let book = format!("/admin/v1/addressBooks/{}", book["id"].as_str().unwrap());
    let taxi = json!({"name": "Taxi", "phone_numbers": ["+12065550100"]});
    tenant.admin.create(&format!("{book}/contacts"), &taxi).await;
    let of_unit = format!("{book}/units/{}", unit["id"].as_str().unwrap());
    tenant.admin.call(&Method::PUT, &of_unit, &Value::Null).await.is(204);
    for number in 0..30 {
        tenant.create(&format!("room {number}"), &(number % 6).to_string()).await.is(201);
    }
    for number in (0..30).step_by(4) {
        tenant.update(&format!("room {number}"), "1").await.is(200);
        tenant.delete(&format!("room {}", number + 1)).await.is(200);
    }
    tenant
}

fn copy(from: &Path, to: &Path) {
    let done = Command::new("cp").args(["-a", "--"]).arg(from).arg(to).status().unwrap();
    assert!(done.success());
}

/// The files of a directory; nothing of those without a byte.
fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if fs::metadata(&path).unwrap().len() > 0 {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Everything that an export of a store holds but what is new in each; nothing when the store cannot be opened or read.
fn content(directory: &Path, scratch: &Path) -> Option<Vec<String>> {
    let file = scratch.join("export.jsonl.zst");
    let output = jackfield(&["store", "export", "--store", &url(directory), file.to_str().unwrap()]);
    if !output.status.success() {
        return None;
    }
    let text = zstd::decode_all(fs::File::open(&file).unwrap()).unwrap();
    let text = String::from_utf8(text).unwrap();
    let mut lines: Vec<String> = text.lines().map(ToOwned::to_owned).collect();
    lines.pop();
    let mut header: Value = serde_json::from_str(&lines[0]).unwrap();
    for new in ["id", "created"] {
        header[new] = Value::Null;
    }
    lines[0] = header.to_string();
    Some(lines)
}

/// Bytes to change: the first, the last, one in the middle, and one by chance.
fn places(file: &Path, rng: &mut Rng) -> Vec<usize> {
    let bytes = fs::read(file).unwrap();
    // Of a journal only what was written.
    let length = bytes.iter().rposition(|byte| *byte != 0).map_or(1, |last| last + 1);
    let mut places = vec![0, length / 2, length - 1, rng.usize(0..length)];
    places.sort_unstable();
    places.dedup();
    places
}

/// Changes bytes of each file, and answers how often that was found and how often it changed nothing.
fn scrub(directory: &Path, rng: &mut Rng) -> BTreeMap<&'static str, usize> {
    let scratch = TempDir::with_prefix("jackfield-scrub-").unwrap();
    let (good, copied) = (scratch.path().join("good"), scratch.path().join("copied"));
    copy(directory, &good);
    copy(&good, &copied);
    is_whole(&[&url(&copied)]);
    let expected = content(&copied, scratch.path()).expect("a good store is opened");
    let mut outcomes = BTreeMap::new();
    for file in files(&good) {
        for at in places(&file, rng) {
            fs::remove_dir_all(&copied).unwrap();
            copy(&good, &copied);
            let changed = copied.join(file.strip_prefix(&good).unwrap());
            let mut bytes = fs::read(&changed).unwrap();
            let flip = 1 << rng.u8(0..8);
            bytes[at] ^= flip;
            fs::write(&changed, bytes).unwrap();
            let place = format!("byte {at} ^ {flip:#x} of {}", changed.display());
            let (code, said, errors) = verify(&[&url(&copied)]);
            let outcome = match code {
                0 => {
                    assert!(
                        content(&copied, scratch.path()).as_ref() == Some(&expected),
                        "{place}: served as truth"
                    );
                    "harmless"
                }
                1 => {
                    assert!(
                        said["findings"][0]["place"].is_string() || errors.contains("error"),
                        "{place}: {said}"
                    );
                    "found"
                }
                2 => {
                    assert!(errors.contains("error:"), "{place}: {errors}");
                    "refused"
                }
                _ => panic!("{place}: {code} {errors}"),
            };
            *outcomes.entry(outcome).or_default() += 1;
        }
    }
    outcomes
}

#[tokio::test]
async fn no_changed_byte_is_served_as_truth() {
    let mut rng = seed::rng("scrub");
    for killed in [false, true] {
        let (mut server, directory, _home) = embedded();
        let tenant = live(&server).await;
        server.terminate();
        if killed {
            // Tables, and a journal with more.
            server.restart();
            tenant.create("in the journal", "1").await.is(201);
            tenant.update("room 0", "3").await.is(200);
            server.kill9();
        }
        let outcomes = scrub(&directory, &mut rng);
        eprintln!("killed {killed}: {outcomes:?}");
        assert!(outcomes["found"] > 20, "{outcomes:?}");
    }
}

#[tokio::test]
async fn a_running_server_verifies_its_own_store() {
    let (server, _, _home) = embedded();
    let tenant = live(&server).await;
    let admin = format!("http://{}", server.endpoint().address(Listener::Admin));
    let flags = ["--admin-endpoint", &admin, "--admin-token", server.endpoint().admin_token()];
    let verified = is_whole(&flags);
    assert_eq!((&verified["profiles"], &verified["associations"]), (&json!(4), &json!(22)));
    assert_eq!(verified["resources"], 4);
    // The store is named; its server has it.
    is_whole(&[&[server.store()][..], &flags].concat());
    let metrics = tenant.admin.send(&Request::new(&Method::GET, "/metrics")).await.expect(200);
    let metrics = String::from_utf8_lossy(&metrics.body).into_owned();
    assert!(metrics.contains("jackfield_store_verifications_total{outcome=\"whole\"} 2\n"), "{metrics}");
    tenant.create("goes on", "1").await.is(201);
    let public = Client::new(server.endpoint(), Listener::Public, Version::Http1);
    public.send(&Request::new(&Method::GET, "/admin/v1/verify")).await.unwrap().is(404);
}

#[tokio::test]
async fn what_is_wrong_is_told_with_its_place() {
    let (mut server, directory, _home) = embedded();
    live(&server).await;
    server.terminate();
    let home = server.home().to_owned();
    let export = home.join("house.jsonl.zst");
    let export = export.to_str().unwrap();
    assert!(jackfield(&["store", "export", "--store", &url(&directory), export]).status.success());
    let verified = is_whole(&[export]);
    assert_eq!((&verified["resources"], &verified["associations"]), (&json!(4), &json!(22)));
    // An export of which a line is missing.
    let text = zstd::decode_all(fs::File::open(export).unwrap()).unwrap();
    let text = String::from_utf8(text).unwrap();
    let lines: Vec<&str> =
        text.lines().enumerate().filter(|(at, _)| *at != 12).map(|(_, line)| line).collect();
    let damaged = home.join("damaged.jsonl.zst");
    fs::write(&damaged, zstd::encode_all(lines.join("\n").as_bytes(), 1).unwrap()).unwrap();
    let (code, said, _) = verify(&[damaged.to_str().unwrap()]);
    assert_eq!((code, said["findings"].as_array().unwrap().len()), (1, 1), "{said}");
    // A table of the directory.
    let mut tables = files(&directory.join("engine/keyspaces/1/tables"));
    let table = tables.pop().expect("a clean stop writes tables");
    let mut bytes = fs::read(&table).unwrap();
    bytes[40] ^= 1;
    fs::write(&table, bytes).unwrap();
    let output = jackfield(&["store", "verify", &url(&directory)]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("engine/keyspaces/1/tables/"), "{said}");
    // What is no store, or cannot be opened.
    for nonsense in ["embedded:/nowhere/at/all", "nonsense", "postgres://127.0.0.1:1/none", "ftp://host/x"] {
        let (code, _, errors) = verify(&[nonsense]);
        assert_eq!(code, 2, "{nonsense}: {errors}");
    }
}

#[tokio::test]
async fn a_database_is_verified() {
    let database = Database::fresh();
    let mut server = Server::start(Options::on(&database));
    let tenant = live(&server).await;
    server.terminate();
    let verified = is_whole(&[&database.url()]);
    assert_eq!((&verified["profiles"], &verified["associations"]), (&json!(4), &json!(22)));
    assert_eq!(verified["resources"], 4);
    let wrong = [
        ("UPDATE tenant SET associations = associations + 1", "associations are counted"),
        ("DELETE FROM tenant", "it is not counted"),
        ("UPDATE directory SET trimmed_to = 1000000000", "that were forgotten"),
        ("DELETE FROM resource WHERE kind = 35", "the index BookOfContact"),
        ("UPDATE resource SET value = '7' WHERE kind = 39", "what is counted of their lists"),
        ("UPDATE profile SET organization_id = 'amzn1.alexa.unit.did.gone'", "its organization is not there"),
    ];
    for (statement, problem) in wrong {
        database.sql(statement);
        let (code, said, errors) = verify(&[&database.url()]);
        assert_eq!(code, 1, "{statement}: {said} {errors}");
        assert!(said.to_string().contains(problem), "{statement}: {said}");
    }
    assert!(!tenant.provider.is_empty());
}
