//! Imports: lists that become associations in jobs of the server.

use http::Method;
use jackfield_tests::raw::Raw;
use jackfield_tests::tenant::profile;
use jackfield_tests::{Listener, Options, Request, Response, Server, Tenant, TenantOptions, Version, poll};
use serde_json::{Value, json};

/// A tenant whose lists are imported.
pub(crate) struct Importing {
    pub(crate) tenant: Tenant,
}

impl Importing {
    async fn on(server: &Server) -> Self {
        Self { tenant: Tenant::on(server.endpoint(), TenantOptions::default()).await }
    }

    fn upload_request(&self, name: &str, list: impl Into<bytes::Bytes>) -> Request {
        let name: String = form_urlencoded::byte_serialize(name.as_bytes()).collect();
        let target = format!("/admin/v1/serviceProviders/{}/imports?name={name}", self.tenant.provider);
        Request::new(&Method::POST, target).bearer(self.tenant.endpoint().admin_token()).body(list)
    }

    /// Uploads a list; answers the id of the import.
    pub(crate) async fn upload(&self, name: &str, list: impl Into<bytes::Bytes>) -> String {
        let made = self.tenant.admin.send(&self.upload_request(name, list)).await.expect(201).json();
        assert_eq!((&made["state"], &made["name"]), (&json!("uploaded"), &json!(name)));
        made["id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn act(&self, id: &str, act: &str, body: Value) -> Response {
        self.tenant.admin.call(&Method::POST, &format!("/admin/v1/imports/{id}/{act}"), &body).await
    }

    async fn get(&self, id: &str) -> Value {
        self.tenant.admin.get(&format!("/admin/v1/imports/{id}")).await
    }

    /// The import once it is in this state.
    pub(crate) async fn until(&self, id: &str, state: &str) -> Value {
        let reached = async || {
            let import = self.get(id).await;
            let busy = ["planning", "applying"].contains(&import["state"].as_str().unwrap());
            assert!(busy || import["state"] == state, "{import:#} is not to be {state}");
            (import["state"] == state).then_some(import)
        };
        poll::until_async(&format!("the import is {state}"), poll::PATIENCE * 3, reached).await
    }

    /// Plans in the name of the client.
    pub(crate) async fn plan(&self, id: &str, more: Value) -> Value {
        let mut wanted = json!({"client_id": self.tenant.client_id});
        wanted.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.act(id, "plan", wanted).await.is(200);
        self.until(id, "planned").await
    }
}

fn list(rows: impl IntoIterator<Item = usize>, suffix: &str) -> String {
    let rows: String = rows.into_iter().map(|n| format!("n{n:05},{}\n", profile(suffix))).collect();
    format!("externalUserId,amazonId\n{rows}")
}

#[tokio::test]
async fn a_list_is_looked_at_planned_and_applied() {
    let server = Server::start(Options::default());
    let importing = Importing::on(&server).await;
    let tenant = &importing.tenant;
    tenant.create("7201", "old").await.is(201);
    tenant.create("7202", "b").await.is(201);
    tenant.create("other", "c").await.is(201);
    // As a spreadsheet in Europe writes it: semicolons, Windows-1252, a title, other names, guests beside.
    let text = format!(
        "R\u{e4}ume;;\n\nZimmer;Profil;Gast\n7201;{};Mia M\u{fc}ller\n7202;{};\nsuite-7203;{};Ada Byron\n7204;nobody;Kurt\n",
        profile("a"),
        profile("b"),
        profile("d")
    );
    let windows: Vec<u8> = text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    let id = importing.upload("Zimmer.csv", windows).await;
    let preview = importing.act(&id, "preview", Value::Null).await.expect(200).json();
    assert_eq!(preview["columns"], json!(["Zimmer", "Profil", "Gast"]));
    assert_eq!(preview["suggested_id_column"], 1);
    assert!(preview["refused"].as_str().unwrap().contains("no column"), "{preview:#}");
    let reading = json!({"id_column": "Zimmer", "amazon_id_column": "Profil", "encoding": "windows-1252"});
    let preview = importing.act(&id, "preview", reading.clone()).await.expect(200).json();
    assert_eq!(
        (&preview["row_count"], &preview["invalid"], &preview["header_row"]),
        (&json!(4), &json!(1), &json!(3))
    );
    assert_eq!(preview["rows"][2], json!({"line": 4, "cells": ["7201", profile("a"), "Mia M\u{fc}ller"]}));
    importing.act(&id, "preview", json!({"encoding": "klingon"})).await.is_error(400, "encoding");
    importing.act(&id, "preview", json!({"sheets": "x"})).await.is_error(400, "sheets");
    importing.act(&id, "apply", Value::Null).await.is_error(409, "no plan");
    importing.act(&id, "cancel", Value::Null).await.is_error(409, "Nothing is being done");
    let planned = importing.plan(&id, json!({"reading": reading})).await;
    let plan = &planned["plan"];
    assert_eq!(plan["counts"], json!({"create": 1, "update": 1, "delete": 0}));
    assert_eq!((&plan["unchanged"], &plan["invalid"]), (&json!(1), &json!(1)));
    assert_eq!(plan["problems"][0]["line"], 7);
    assert_eq!(tenant.find("suite-7203").await, None, "a plan changes nothing");
    importing.act(&id, "apply", Value::Null).await.is_error(409, "skip_invalid");
    importing.act(&id, "apply", json!({"skip_invalid": true})).await.is(200);
    let done = importing.until(&id, "done").await;
    assert_eq!(done["report"]["done"], json!({"create": 1, "update": 1, "delete": 0}));
    assert_eq!((&done["report"]["different"], &done["report"]["left"]), (&json!(0), &json!(0)));
    for (id, expected) in [
        ("7201", Some("a")),
        ("7202", Some("b")),
        ("suite-7203", Some("d")),
        ("7204", None),
        ("other", Some("c")),
    ] {
        assert_eq!(tenant.find(id).await.as_deref(), expected, "{id}");
    }
    let rejects =
        tenant.admin.call(&Method::GET, &format!("/admin/v1/imports/{id}/rejects"), &Value::Null).await;
    let text = rejects.expect(200).text().to_owned();
    assert!(text.starts_with("\u{feff}problem;Zimmer;Profil;Gast\n\"Zimmer.csv:7: "), "{text}");
    assert!(text.trim_end().ends_with("7204;nobody;Kurt"), "{text}");
    importing.act(&id, "apply", json!({"skip_invalid": true})).await.is_error(409, "applied already");
    // The client changed what was changed; an operator told it to.
    let changes = tenant.admin.get("/admin/v1/changes?limit=1000").await;
    let changes = changes["changes"].as_array().unwrap();
    let last = changes.iter().rfind(|change| change["external_user_id"] == "suite-7203").unwrap();
    assert_eq!(last["actor"], json!(tenant.client_id));
    let applied = changes.iter().find(|change| change["operation"] == "admin.import_applied").unwrap();
    assert_eq!((&applied["subject"], &applied["actor"]), (&json!(id), &json!("admin")));
    // Nothing of the file is in the log.
    for secret in ["Mia", "Byron", "Kurt", "suite-7203"] {
        assert!(!server.log().contains(secret), "{secret} is in the log");
    }
    tenant.admin.delete(&format!("/admin/v1/imports/{id}")).await;
    tenant.admin.call(&Method::GET, &format!("/admin/v1/imports/{id}"), &Value::Null).await.is(404);
    assert_eq!(tenant.find("suite-7203").await.as_deref(), Some("d"));
}

#[tokio::test]
async fn deletes_are_wanted_and_bounded() {
    let server = Server::start(Options::default());
    let importing = Importing::on(&server).await;
    let first = importing.upload("all.csv", list(0..40, "1")).await;
    importing.plan(&first, json!({})).await;
    importing.act(&first, "apply", Value::Null).await.is(200);
    importing.until(&first, "done").await;
    let id = importing.upload("few.csv", list(10..40, "1")).await;
    for (more, problem) in [
        (
            json!({"delete_missing": true, "max_delete": "9"}),
            "deletes 10 of 40 associations; 9 may be deleted",
        ),
        (
            json!({"delete_missing": true, "max_delete": "5%"}),
            "deletes 10 of 40 associations; 2 may be deleted",
        ),
        (json!({"delete_missing": true, "max_delete": "all"}), "max_delete"),
    ] {
        let mut wanted = json!({"client_id": importing.tenant.client_id});
        wanted.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        importing.act(&id, "plan", wanted).await.is(200);
        let refused = importing.until(&id, "uploaded").await;
        assert!(refused["problem"].as_str().unwrap().contains(problem), "{refused:#}");
        importing.act(&id, "apply", Value::Null).await.is_error(409, "no plan");
    }
    let planned = importing.plan(&id, json!({"delete_missing": true, "max_delete": "25%"})).await;
    assert_eq!(planned["plan"]["counts"]["delete"], 10);
    importing.act(&id, "apply", Value::Null).await.is(200);
    importing.until(&id, "done").await;
    assert_eq!(importing.tenant.find("n00009").await, None);
    assert_eq!(importing.tenant.find("n00010").await.as_deref(), Some("1"));
    // With an invalid row the list does not say what is missing.
    let bad = format!("{}x,nothing\n", list(10..40, "1"));
    let bad = importing.upload("bad.csv", bad).await;
    let wanted = json!({"client_id": importing.tenant.client_id, "delete_missing": true});
    importing.act(&bad, "plan", wanted).await.is(200);
    let refused = importing.until(&bad, "uploaded").await;
    assert!(refused["problem"].as_str().unwrap().contains("1 rows are not valid"), "{refused:#}");
    // In the name of a client of the organization alone, and only as it may.
    let other = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    importing
        .act(&bad, "plan", json!({"client_id": other.client_id}))
        .await
        .is_error(400, "another organization");
    let disabled = json!({"enabled": false});
    importing
        .tenant
        .admin
        .patch(&format!("/admin/v1/clients/{}", importing.tenant.client_id), &disabled)
        .await;
    importing.act(&id, "plan", json!({"client_id": importing.tenant.client_id})).await.is(200);
    let refused = importing.until(&id, "uploaded").await;
    assert!(refused["problem"].as_str().unwrap().contains("the client is disabled"), "{refused:#}");
}

/// What a metric is worth; its name with its labels.
async fn metric(tenant: &Tenant, name: &str) -> f64 {
    let metrics = tenant.admin.send(&Request::new(&Method::GET, "/metrics")).await.expect(200);
    let mut lines = metrics.text().lines();
    let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    value.unwrap_or_else(|| panic!("there is no {name}")).parse().unwrap()
}

/// A server whose creates take their time, and an import of as many that is being applied.
async fn slowly(server: &Server, rows: usize) -> (Importing, String) {
    let importing = Importing::on(server).await;
    let rule = json!({"operation": "create", "latency_ms": 100, "client_id": importing.tenant.client_id});
    importing.tenant.admin.create("/admin/v1/faults", &rule).await;
    let id = importing.upload("rooms.csv", list(0..rows, "1")).await;
    importing.plan(&id, json!({})).await;
    importing.act(&id, "apply", Value::Null).await.is(200);
    let begun = async || {
        let import = importing.get(&id).await;
        (import["progress"]["done"].as_u64()? > 20).then_some(())
    };
    poll::until_async("some are made", poll::PATIENCE, begun).await;
    (importing, id)
}

#[tokio::test]
async fn what_a_restart_interrupts_goes_on() {
    for killed in [true, false] {
        let mut server = Server::start(Options::default());
        let (importing, id) = slowly(&server, 600).await;
        if killed {
            server.kill9();
        } else {
            server.terminate();
        }
        server.restart();
        let importing = Importing { tenant: importing.tenant.at(server.endpoint(), Version::Http1) };
        let found = importing.get(&id).await;
        assert_eq!(found["state"], "stopped", "{found:#}");
        let why = if killed { "The server ended" } else { "The server was stopped" };
        assert!(found["problem"].as_str().unwrap().starts_with(why), "{found:#}");
        // What was made stays, and is not made again.
        importing.act(&id, "apply", Value::Null).await.is(200);
        let done = importing.until(&id, "done").await;
        let report = &done["report"];
        let (made, earlier) =
            (report["done"]["create"].as_u64().unwrap(), report["earlier"].as_u64().unwrap());
        assert!(made + earlier == 600 && earlier > 20, "{report:#}");
        assert_eq!((&report["different"], &report["failed"]), (&json!(0), &json!(0)));
        let changes = importing.tenant.admin.changes(&importing.tenant.provider, 0).await;
        let creates = changes.iter().filter(|change| change["operation"] == "association.create");
        assert_eq!(creates.count(), 600);
    }
}

#[tokio::test]
async fn a_cancelled_import_goes_on_where_it_was() {
    let server = Server::start(Options::default());
    let (importing, id) = slowly(&server, 400).await;
    importing.act(&id, "apply", Value::Null).await.is_error(409, "already");
    let busy = format!("/admin/v1/imports/{id}");
    importing.tenant.admin.call(&Method::DELETE, &busy, &Value::Null).await.is_error(409, "cancel it first");
    let second = importing.upload("again.csv", list(0..3, "2")).await;
    let wanted = json!({"client_id": importing.tenant.client_id});
    importing.act(&second, "plan", wanted).await.is_error(409, "Another import of this service provider");
    importing.act(&id, "cancel", Value::Null).await.is(200);
    let stopped = importing.until(&id, "stopped").await;
    assert_eq!(stopped["problem"], "It was cancelled.");
    assert!(stopped["report"]["left"].as_u64().unwrap() > 0, "{stopped:#}");
    importing.tenant.admin.call(&Method::DELETE, "/admin/v1/faults", &Value::Null).await.is(204);
    importing.act(&id, "apply", Value::Null).await.is(200);
    let done = importing.until(&id, "done").await;
    assert_eq!(done["report"]["different"], 0);
    assert_eq!(importing.tenant.find("n00399").await.as_deref(), Some("1"));
}

#[tokio::test]
async fn what_is_uploaded_is_bounded() {
    let server = Server::start(Options::with_flags(&["--body-timeout", "4s"]));
    let importing = Importing::on(&server).await;
    // What says that it is too large is not read.
    let head = |length: u64| {
        format!(
            "POST /admin/v1/serviceProviders/{}/imports HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\n\
             Content-Length: {length}\r\n\r\n",
            importing.tenant.provider,
            server.endpoint().admin_token()
        )
    };
    let admin = server.endpoint().address(Listener::Admin);
    let mut large = Raw::connect_to(admin).await;
    large.write(head(1 << 30)).await.unwrap();
    large.response().await.is_error(400, "larger than 33554432 bytes");
    // What does not come is given up, and nothing of it is kept. Two may be on their way.
    let mut slow = Vec::new();
    for _ in 0..2 {
        let mut upload = Raw::connect_to(admin).await;
        upload.write(head(1_000)).await.unwrap();
        upload.write("externalUserId").await.unwrap();
        slow.push(upload);
    }
    let directory = server.store().strip_prefix("embedded:").unwrap().to_owned();
    let directory = std::path::Path::new(&directory).join("imports");
    let directories = || std::fs::read_dir(&directory).map_or(0, std::iter::Iterator::count);
    let begun = async || (directories() == 2).then_some(());
    poll::until_async("both have begun", poll::PATIENCE, begun).await;
    let third = importing.upload_request("a.csv", "a,b\n");
    importing.tenant.admin.send(&third).await.is_error(409, "2 lists are being uploaded");
    assert!(metric(&importing.tenant, "jackfield_limited_total{limit=\"imports\"}").await > 0.0);
    for upload in &mut slow {
        upload.response().await.is_error(400, "stood still");
    }
    importing.tenant.admin.send(&importing.upload_request("empty.csv", "")).await.is_error(400, "empty");
    importing
        .tenant
        .admin
        .send(&importing.upload_request(&"n".repeat(201), "a,b\n"))
        .await
        .is_error(400, "name");
    // Files of jobs do not add up.
    for n in 0..25 {
        importing.upload(&format!("{n}.csv"), list(0..3, "1")).await;
    }
    let kept = importing.tenant.admin.get("/admin/v1/imports").await;
    let kept = kept["imports"].as_array().unwrap();
    assert_eq!((kept.len(), &kept[0]["name"]), (20, &json!("24.csv")));
    assert!((metric(&importing.tenant, "jackfield_imports").await - 20.0).abs() < 0.5);
    let twenty = async || (directories() == 20).then_some(());
    poll::until_async("what made room is gone", poll::PATIENCE, twenty).await;
    // Who is nobody, or may only look, sends nothing at all.
    let before = importing.upload_request("a.csv", "a,b\n");
    let nobody = Request { headers: Vec::new(), ..before };
    importing.tenant.admin.send(&nobody).await.is(401);
}

#[tokio::test]
async fn hostile_lists_are_refused_with_the_reason() {
    let server = Server::start(Options::default());
    let importing = Importing::on(&server).await;
    let packed = |bytes: &[u8]| {
        let mut child = std::process::Command::new("gzip");
        child.arg("-9c").stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
        let mut child = child.spawn().unwrap();
        let (mut input, bytes) = (child.stdin.take().unwrap(), bytes.to_vec());
        let writing = std::thread::spawn(move || std::io::Write::write_all(&mut input, &bytes));
        let output = child.wait_with_output().unwrap().stdout;
        writing.join().unwrap().unwrap();
        output
    };
    // A thousand times as large when unpacked, as one endless row.
    let begun = list(0..3, "1").into_bytes();
    let bomb = packed(&[begun, vec![b'x'; 200 << 20]].concat());
    assert!(bomb.len() < 1 << 20);
    for (name, list, told) in [
        ("bomb.csv.gz", bomb, "longer than"),
        ("page.xls", b"<html><table></table></html>".to_vec(), "is a web page"),
        ("damaged.xlsx", b"PK\x03\x04nothing of this is an archive".to_vec(), "damaged"),
        ("binary.csv", vec![0, 1, 2, 3, 255, 254, 0, 0], "is a"),
    ] {
        let id = importing.upload(name, list).await;
        let preview = importing.act(&id, "preview", Value::Null).await.expect(200).json();
        assert!(preview["refused"].as_str().unwrap_or_default().contains(told), "{name}: {preview:#}");
        importing.act(&id, "plan", json!({"client_id": importing.tenant.client_id})).await.is(200);
        let refused = importing.until(&id, "uploaded").await;
        assert!(refused["problem"].as_str().unwrap().contains(told), "{refused:#}");
    }
    importing.tenant.create("7201", "1").await.is(201);
}
