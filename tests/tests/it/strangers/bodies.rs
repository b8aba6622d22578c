//! Bodies that are announced and do not come.

use std::io;
use std::time::Duration;

use jackfield_tests::frames::{END_STREAM, kind};
use jackfield_tests::raw::Raw;
use jackfield_tests::{Listener, Options, Request, Server, Tenant, TenantOptions, Version, poll};
use serde_json::json;
use tokio::task::JoinSet;

use super::{STREAMS, Siege, Target};
use crate::operation::Op;
use crate::overload::in_flight;

/// Where a body is read before anybody is known.
const LOGIN: &str = "/auth/o2/token";

/// As many requests as a connection can carry, each with a head and no body, again and again.
async fn heads_without_bodies(target: Target, path: String, bearer: Option<String>) -> io::Result<()> {
    let mut frames = target.frames(&[]).await?;
    let mut headers = target.headers("POST", &path).to_vec();
    if let Some(bearer) = &bearer {
        headers.push(("authorization", bearer));
    }
    for _ in 0..STREAMS {
        frames.open(&headers, 0).await?;
    }
    // Each stream that ends is followed by the next.
    while let Some(frame) = frames.receive().await {
        let ends = frame.kind == kind::RST_STREAM || frame.flags & END_STREAM != 0;
        if frame.kind == kind::GOAWAY {
            break;
        }
        if ends && matches!(frame.kind, kind::RST_STREAM | kind::HEADERS | kind::DATA) {
            tokio::time::sleep(Duration::from_millis(1)).await;
            frames.open(&headers, 0).await?;
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logins_without_bodies_stop_nobody() {
    let mut siege = Siege::of(&[]).await;
    siege.stands(|target| heads_without_bodies(target, LOGIN.to_owned(), None)).await;
    assert!(siege.limited("bodies").await > 0.0, "the oldest made room");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn operations_without_bodies_stop_nobody() {
    let mut siege = Siege::of(&[]).await;
    siege
        .stands(|target| {
            let (path, bearer) = (target.query.clone(), format!("Bearer {}", target.token));
            heads_without_bodies(target, path, Some(bearer))
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refused_requests_without_bodies_stop_nobody() {
    // The rest of a body that was refused is read too, before the answer goes out.
    let mut siege = Siege::of(&[]).await;
    siege.stands(|target| heads_without_bodies(target, "/nothing".to_owned(), None)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_that_trickle_stop_nobody() {
    let mut siege = Siege::of(&["--max-in-flight", "16"]).await;
    siege
        .stands(async |target: Target| {
            let mut raw = Raw::connect_to(target.address).await;
            let head = format!("POST {LOGIN} HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n");
            raw.write(head).await?;
            loop {
                raw.write("x").await?;
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        })
        .await;
}

#[tokio::test]
async fn a_full_house_of_logins_leaves_operations_alone_and_the_other_way_round() {
    let server = Server::start(Options::with_flags(&["--max-in-flight", "1"]));
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    let login = Request::new(&http::Method::POST, LOGIN).body("grant_type=x");
    let query = Op::Query.request(&tenant, "7201");
    for (operation, held, other) in [("token", &login, &query), ("query", &query, &login)] {
        let rule = json!({"operation": operation, "latency_ms": 3_000, "times": 1});
        tenant.admin.create("/admin/v1/faults", &rule).await;
        let (slow, request) = (tenant.again(Version::Http1), held.clone());
        let slow = tokio::spawn(async move { slow.try_send(&request).await });
        let taken = async || (in_flight(&tenant).await == 1).then_some(());
        poll::until_async("the only place is taken", poll::PATIENCE, taken).await;
        tenant.send(held).await.is(503);
        assert_ne!(tenant.send(other).await.status, 503, "beside {operation}");
        slow.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn at_the_bound_the_oldest_makes_room_with_a_503() {
    let server = Server::start(Options::with_flags(&["--body-timeout", "60s"]));
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    let address = server.endpoint().address(Listener::Public);
    let bound = jackfield_model::limit::AWAITED_BODIES_OF_ORIGIN;
    let head =
        format!("POST {LOGIN} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\n");
    let mut waiting = Vec::new();
    for _ in 0..bound {
        let mut raw = Raw::connect_to(address).await;
        raw.write(&head).await.unwrap();
        // The server asks for the body: it is awaited.
        raw.response().await.is(100);
        waiting.push(raw);
    }
    let mut one_more = Raw::connect_to(address).await;
    one_more.write(&head).await.unwrap();
    one_more.response().await.is(100);
    let refused = waiting[0].response().await.expect(503);
    assert_eq!(refused.json()["error"], "temporarily_unavailable", "{refused:?}");
    assert_eq!(refused.header("Retry-After"), Some("1"));
    // The others are served when their bodies come.
    let form = format!("{:100}", "grant_type=x&client_id=y&client_secret=z&");
    let mut served = JoinSet::new();
    for mut raw in waiting.into_iter().skip(1).chain([one_more]) {
        let form = form.clone();
        served.spawn(async move {
            raw.write(form).await.unwrap();
            raw.response().await.status
        });
    }
    let statuses = served.join_all().await;
    assert!(statuses.iter().all(|status| *status != 503) && statuses.len() == bound, "{statuses:?}");
    tenant.send(&Op::Query.request(&tenant, "7201")).await.is(200);
}
