//! Clients that are slow, silent or many: they are cut off and nobody else notices.

use std::time::{Duration, Instant};

use jackfield_tests::http::Failure;
use jackfield_tests::page::walk;
use jackfield_tests::raw::Raw;
use jackfield_tests::{Options, Server, Tenant, TenantOptions, Version, poll};
use serde_json::json;

use crate::operation::Op;

/// Longest that a slow client may last when both time-outs are a second.
const CUT: Duration = Duration::from_secs(10);

async fn impatient() -> (Server, Tenant) {
    let server = Server::start(Options::with_flags(&["--header-timeout", "1s", "--body-timeout", "1s"]));
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    (server, tenant)
}

fn create_head(tenant: &Tenant, length: usize) -> String {
    let (path, token) = (tenant.path(), &tenant.token);
    format!(
        "POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Length: {length}\r\n\r\n"
    )
}

/// Writes a byte at a time until the server has had enough; answers how long that took.
async fn dribble(mut raw: Raw, bytes: &[u8]) -> (Duration, Vec<u8>) {
    let start = Instant::now();
    for byte in bytes.iter().cycle() {
        if start.elapsed() > CUT || raw.write([*byte]).await.is_err() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let lasted = start.elapsed();
    (lasted, if lasted > CUT { Vec::new() } else { raw.to_end().await })
}

#[tokio::test]
async fn a_slow_head_is_cut_off() {
    let (server, _tenant) = impatient().await;
    let endpoint = server.endpoint();
    let (lasted, _) = dribble(Raw::connect(endpoint).await, b"X").await;
    assert!(lasted < CUT, "a head without end lasted {lasted:?}");
    let mut raw = Raw::connect(endpoint).await;
    raw.write("POST / HTTP/1.1\r\nHost: x\r\n").await.unwrap();
    let (lasted, _) = dribble(raw, b"X-More: y\r\n").await;
    assert!(lasted < CUT, "headers without end lasted {lasted:?}");
}

#[tokio::test]
async fn a_silent_connection_is_closed() {
    let (server, tenant) = impatient().await;
    let start = Instant::now();
    let silent = Raw::connect(server.endpoint()).await;
    assert_eq!(silent.to_end().await, b"");
    assert!(start.elapsed() < CUT, "{:?}", start.elapsed());
    // So is one that was used before.
    let mut idle = Raw::connect(server.endpoint()).await;
    let body = Op::Create.body("7201").to_string();
    idle.write(create_head(&tenant, body.len()) + &body).await.unwrap();
    idle.response().await.is(201);
    let start = Instant::now();
    assert_eq!(idle.to_end().await, b"");
    assert!(start.elapsed() < CUT, "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_slow_body_is_cut_off_and_stores_nothing() {
    let (server, tenant) = impatient().await;
    for stalls in [true, false] {
        let mut raw = Raw::connect(server.endpoint()).await;
        raw.write(create_head(&tenant, 60_000) + "{\"externalUserId\"").await.unwrap();
        let start = Instant::now();
        let answer = if stalls { raw.to_end().await } else { dribble(raw, b" ").await.1 };
        assert!(start.elapsed() < CUT, "a body that stalls ({stalls}) lasted {:?}", start.elapsed());
        let text = String::from_utf8(answer).unwrap();
        assert!(text.is_empty() || text.starts_with("HTTP/1.1 400 "), "{text}");
    }
    assert_eq!(walk(&tenant, &json!({}), 100).await.total_count, 0);
}

/// Sends the same bytes over and over and reads nothing, until the server closes the connection.
async fn send_until_cut_off(server: &Server, bytes: &[u8]) {
    let raw = Raw::connect_narrow(server.endpoint()).await;
    let start = Instant::now();
    let closed = async || loop {
        match raw.try_write(bytes) {
            Ok(_) if start.elapsed() < CUT => {}
            Err(error) if error.kind() != std::io::ErrorKind::WouldBlock => return Some(()),
            _ => return None,
        }
    };
    poll::until_async("the server closes the connection", CUT, closed).await;
}

#[tokio::test]
async fn a_client_that_never_reads_is_cut_off() {
    let (server, tenant) = impatient().await;
    // Answers of about 100 KiB each.
    for n in 0..100 {
        tenant.create(&format!("{n:03}{}", "😀".repeat(253)), "1").await.is(201);
    }
    let body = json!({"filters": {}, "paginationContext": {"maxResults": 100}}).to_string();
    let query = create_head(&tenant, body.len()).replace("externalUsers", "externalUsers/query") + &body;
    send_until_cut_off(&server, query.as_bytes()).await;
    // Small answers, to someone who is not known, add up as well.
    send_until_cut_off(&server, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n".repeat(100).as_bytes()).await;
    tenant.send(&Op::Query.request(&tenant, "7201")).await.is(200);
}

#[tokio::test]
async fn many_bad_clients_do_not_keep_a_good_one_from_its_answer() {
    let server = Server::start(Options::with_flags(&["--header-timeout", "60s", "--body-timeout", "60s"]));
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    let mut bad = Vec::new();
    for n in 0..300 {
        let mut raw = Raw::connect(server.endpoint()).await;
        match n % 3 {
            0 => {}
            1 => raw.write("POST /v1/communications").await.unwrap(),
            _ => raw.write(create_head(&tenant, 1_000) + "{").await.unwrap(),
        }
        bad.push(raw);
    }
    for version in [Version::Http1, Version::Http2] {
        let good = tenant.again(version);
        for op in Op::ALL {
            op.prepare(&good, "7201").await;
            let start = Instant::now();
            good.send(&op.request(&good, "7201")).await.is(op.success());
            assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
        }
    }
    drop(bad);
}

#[tokio::test]
async fn connections_are_bounded() {
    let server = Server::start(Options::with_flags(&["--max-connections", "4", "--header-timeout", "60s"]));
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    let mut held = Vec::new();
    for _ in 0..4 {
        let mut raw = Raw::connect(server.endpoint()).await;
        raw.write("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        raw.response().await.is(200);
        held.push(raw);
    }
    // The fifth waits to be accepted until one of the others goes.
    let (one_more, request) = (tenant.again(Version::Http1), Op::Query.request(&tenant, "7201"));
    let waiting = tokio::spawn(async move { one_more.try_send(&request).await });
    // Time enough for a server without a bound to serve it.
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!waiting.is_finished(), "a fifth connection was served");
    tenant.admin.get("/admin/v1/status").await;
    held.pop();
    match waiting.await.unwrap() {
        Ok(response) => response.is(200),
        Err(failure @ (Failure::Connect(_) | Failure::Broken(_) | Failure::Late)) => panic!("{failure:?}"),
    }
}
