//! Connections that are opened and do nothing.

use std::io;
use std::time::Duration;

use jackfield_tests::frames::{END_STREAM, Frames, kind};
use jackfield_tests::raw::Raw;
use jackfield_tests::{Listener, Options, Request, Server, Tenant, TenantOptions, poll};

use super::{Siege, Target, within};
use crate::operation::Op;

/// Longer than anything may last with a time-out of 2 s on a busy machine.
const SOON: Duration = Duration::from_secs(12);

/// Keeps a connection without a stream open, answering whatever is asked.
async fn idle(mut frames: Frames) {
    while frames.receive().await.is_some() {}
}

#[tokio::test]
async fn an_http2_connection_without_a_stream_is_closed_although_it_answers() {
    let flags = ["--max-connections", "4", "--header-timeout", "2s", "--body-timeout", "2s"];
    let server = Server::start(Options::with_flags(&flags));
    for listener in [Listener::Public, Listener::Admin] {
        let address = server.endpoint().address(listener);
        let mut held = Vec::new();
        for n in 0..4 {
            let mut frames = Frames::connect(address, &[]).await.unwrap();
            let get = [(":method", "GET"), (":scheme", "http"), (":authority", "x"), (":path", "/healthz")];
            if n % 2 == 0 {
                // One that was used is idle afterwards.
                let stream = frames.open(&get, END_STREAM).await.unwrap();
                let answered = frames.receive_until(|frame| frame.stream == stream);
                within("the answer", SOON, answered).await.unwrap();
            }
            held.push(frames);
        }
        for frames in &mut held {
            let told = frames.receive_until(|frame| frame.kind == kind::GOAWAY);
            within("the connection is told to end", SOON, told).await.unwrap();
        }
        for frames in held {
            within("the connection is closed", SOON, idle(frames)).await;
        }
        let mut next = Raw::connect_to(address).await;
        next.write("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        next.response().await.is(200);
    }
}

#[tokio::test]
async fn a_connection_that_ignores_the_end_is_closed_too() {
    let server = Server::start(Options::with_flags(&["--header-timeout", "1s", "--body-timeout", "1s"]));
    let mut frames = Frames::connect(server.endpoint().address(Listener::Public), &[]).await.unwrap();
    let ends = async {
        // What keeps the connection busy without ever being a request.
        while frames.send(kind::PING, 0, 0, &[0; 8]).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    within("it is closed", SOON, ends).await;
}

#[tokio::test]
async fn a_connection_in_use_stays() {
    let server = Server::start(Options::with_flags(&["--header-timeout", "2s", "--body-timeout", "2s"]));
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    let mut frames = Frames::connect(server.endpoint().address(Listener::Public), &[]).await.unwrap();
    let get = [(":method", "GET"), (":scheme", "http"), (":authority", "x"), (":path", "/healthz")];
    for n in 0..12 {
        let stream = frames.open(&get, END_STREAM).await.unwrap();
        let frame = within("the answer", SOON, frames.receive_until(|frame| frame.stream == stream)).await;
        assert_eq!(frame.map(|frame| frame.kind), Some(kind::HEADERS), "request {n}");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    tenant.send(&Op::Query.request(&tenant, "7201")).await.is(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_connections_stop_nobody() {
    // More than there are places: those that stand idle make room for each other.
    let mut siege = Siege::of(&["--max-connections", "32"]).await;
    siege
        .stands(async |target: Target| {
            let frames = target.frames(&[]).await?;
            idle(frames).await;
            io::Result::Ok(())
        })
        .await;
}

#[tokio::test]
async fn connections_of_one_address_are_bounded() {
    let flags = ["--max-connections-per-address", "3", "--header-timeout", "60s"];
    let server = Server::start(Options::with_flags(&flags));
    let address = server.endpoint().address(Listener::Public);
    let healthy = async |raw: &mut Raw| {
        let written = raw.write("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await;
        written.is_ok() && raw.try_response().await.is_some_and(|response| response.status == 200)
    };
    let mut held = Vec::new();
    for _ in 0..3 {
        let mut raw = Raw::connect_to(address).await;
        assert!(healthy(&mut raw).await);
        held.push(raw);
    }
    let mut one_more = Raw::connect_to(address).await;
    assert!(!healthy(&mut one_more).await, "a fourth is closed");
    // Others are not kept out, operators neither.
    let mut other = Raw::connect_from([127, 0, 0, 2].into(), address).await;
    assert!(healthy(&mut other).await);
    let admin = jackfield_tests::Admin::new(server.endpoint());
    let metrics = admin.send(&Request::new(&http::Method::GET, "/metrics")).await.expect(200);
    let counted = "jackfield_limited_total{limit=\"connections_per_address\"} 1";
    assert!(metrics.text().lines().any(|line| line == counted), "{}", metrics.text());
    drop(held.pop());
    let freed = async || healthy(&mut Raw::connect_to(address).await).await.then_some(());
    poll::until_async("one that ends makes room", SOON, freed).await;
}

#[tokio::test]
async fn whoever_holds_all_connections_and_uses_none_makes_room() {
    let server = Server::start(Options::with_flags(&["--max-connections", "4", "--header-timeout", "60s"]));
    let address = server.endpoint().address(Listener::Public);
    let mut held = Vec::new();
    for n in 0..4 {
        let mut raw = Raw::connect_to(address).await;
        if n % 2 == 0 {
            raw.write("GET /healthz HTT").await.unwrap();
        }
        held.push(raw);
    }
    for _ in 0..4 {
        let mut raw = Raw::connect_to(address).await;
        raw.write("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        within("a place is free", SOON, raw.response()).await.is(200);
        held.push(raw);
    }
}

#[tokio::test]
async fn without_descriptors_health_and_operators_are_answered() {
    let limited = ["sh", "-c", "ulimit -n 64; exec \"$0\" \"$@\""].map(Into::into).to_vec();
    let server =
        Server::start(Options { wrapper: limited, ..Options::with_flags(&["--header-timeout", "60s"]) });
    let lowered = || server.log().contains("--max-connections is lowered").then_some(());
    poll::until("the log says so", SOON, lowered);
    let address = server.endpoint().address(Listener::Public);
    let mut held = Vec::new();
    for _ in 0..90 {
        held.push(Raw::connect_to(address).await);
    }
    for listener in [Listener::Admin, Listener::Public] {
        for _ in 0..3 {
            let mut raw = Raw::connect_to(server.endpoint().address(listener)).await;
            raw.write("GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
            within("the answer", SOON, raw.response()).await.is(200);
        }
    }
    let tenant =
        within("accounts", SOON, Box::pin(Tenant::on(server.endpoint(), TenantOptions::default()))).await;
    within("a write", SOON, Box::pin(tenant.create("7201", "1"))).await.is(201);
    let refusals = server.log().matches("cannot be accepted").count();
    assert!(refusals <= 1, "{refusals} lines");
}
