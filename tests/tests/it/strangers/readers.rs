//! Clients that do not read their answers, or hardly.

use std::io;
use std::time::Duration;

use jackfield_tests::frames::{END_STREAM, Frames, INITIAL_WINDOW_SIZE, kind};
use jackfield_tests::raw::Raw;
use jackfield_tests::{Listener, Options, Server, Tenant, TenantOptions};
use serde_json::json;
use tokio::time::Instant;

use super::{STREAMS, Siege, Target, within};

/// Longer than anything may last with a time-out of 1 s on a busy machine.
const SOON: Duration = Duration::from_secs(15);
/// A page of a query as long as one can be.
const PAGE: &str = r#"{"filters":{},"paginationContext":{"maxResults":100}}"#;

/// Associations that fill a page of some 130 KiB.
async fn fill(tenant: &Tenant) {
    let ids: Vec<String> = (0..100).map(|n| format!("{n:03}{}", "😀".repeat(253))).collect();
    let created = ids.iter().map(|id| tenant.create(id, "1"));
    for response in futures_util::future::join_all(created).await {
        response.is(201);
    }
}

/// Opens as many streams as it may, each with a query of a whole page.
async fn ask(target: &Target, frames: &mut Frames) -> io::Result<()> {
    let bearer = format!("Bearer {}", target.token);
    let headers = [&target.headers("POST", &target.query)[..], &[("authorization", &bearer)]].concat();
    let stream = frames.open(&headers, 0).await?;
    frames.send(kind::DATA, END_STREAM, stream, PAGE.as_bytes()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_without_a_window_stop_nobody() {
    let mut siege = Siege::of(&[]).await;
    fill(&siege.tenant[0]).await;
    siege
        .stands(async |target: Target| {
            let mut frames = target.frames(&[(INITIAL_WINDOW_SIZE, 0)]).await?;
            for _ in 0..STREAMS {
                ask(&target, &mut frames).await?;
            }
            while let Some(frame) = frames.receive().await {
                if frame.kind == kind::RST_STREAM {
                    ask(&target, &mut frames).await?;
                }
            }
            Ok(())
        })
        .await;
    assert!(siege.limited("unread").await > 0.0, "streams were reset");
    siege.forgets().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refusals_without_a_window_stop_nobody() {
    let mut siege = Siege::of(&[]).await;
    siege
        .stands(async |target: Target| {
            let mut frames = target.frames(&[(INITIAL_WINDOW_SIZE, 0)]).await?;
            let headers = target.headers("POST", &target.query);
            for _ in 0..STREAMS {
                frames.open(&headers, END_STREAM).await?;
            }
            while let Some(frame) = frames.receive().await {
                if frame.kind == kind::RST_STREAM {
                    frames.open(&headers, END_STREAM).await?;
                }
            }
            Ok(())
        })
        .await;
    siege.forgets().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn windows_that_grow_by_a_byte_stop_nobody() {
    let mut siege = Siege::of(&[]).await;
    fill(&siege.tenant[0]).await;
    siege
        .stands(async |target: Target| {
            let mut frames = target.frames(&[(INITIAL_WINDOW_SIZE, 1)]).await?;
            for _ in 0..STREAMS {
                ask(&target, &mut frames).await?;
            }
            for n in (0..STREAMS).cycle() {
                let stream = u32::try_from(2 * n + 1).unwrap();
                frames.send(kind::WINDOW_UPDATE, 0, stream, &1_u32.to_be_bytes()).await?;
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            Ok(())
        })
        .await;
    siege.forgets().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_are_not_read_stop_nobody() {
    let mut siege = Siege::of(&[]).await;
    fill(&siege.tenant[0]).await;
    siege
        .stands(async |target: Target| {
            let mut raw = Raw::connect_narrow_to(target.address).await;
            let (query, token) = (&target.query, &target.token);
            let head = format!("POST {query} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n");
            let request = head + &format!("Content-Length: {}\r\n\r\n{PAGE}", PAGE.len());
            // Thousands in a row, until the server does not read any more and closes.
            raw.write(request.repeat(5_000)).await
        })
        .await;
    siege.forgets().await;
}

#[tokio::test]
async fn a_stream_that_is_not_read_is_reset_and_its_connection_goes_on() {
    let server = Server::start(Options::with_flags(&["--body-timeout", "1s"]));
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    let target = Target::of(&server, &tenant);
    let mut frames = target.frames(&[(INITIAL_WINDOW_SIZE, 0)]).await.unwrap();
    let stuck = frames.open(&target.headers("GET", "/healthz"), END_STREAM).await.unwrap();
    let reset = frames.receive_until(|frame| frame.kind == kind::RST_STREAM && frame.stream == stuck);
    within("the stream is reset", SOON, reset).await.unwrap();
    // One that is read on the same connection is answered to its end.
    let read = frames.open(&target.headers("GET", "/healthz"), END_STREAM).await.unwrap();
    frames.send(kind::WINDOW_UPDATE, 0, read, &1_000_u32.to_be_bytes()).await.unwrap();
    let answered = frames.receive_until(|frame| frame.stream == read && frame.flags & END_STREAM != 0);
    let last = within("the answer", SOON, answered).await.unwrap();
    assert_eq!(last.kind, kind::DATA, "{last:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_reads_slowly_gets_all_of_its_answers() {
    let server = Server::start(Options::with_flags(&["--body-timeout", "1s"]));
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    fill(&tenant).await;
    let target = Target::of(&server, &tenant);
    let start = Instant::now();
    // Some 40 KiB a second, so that it takes longer than the time-outs.
    let mut frames = target.frames(&[(INITIAL_WINDOW_SIZE, 0)]).await.unwrap();
    ask(&target, &mut frames).await.unwrap();
    let mut read = 0;
    let whole = async {
        loop {
            frames.send(kind::WINDOW_UPDATE, 0, 1, &4_096_u32.to_be_bytes()).await.unwrap();
            frames.send(kind::WINDOW_UPDATE, 0, 0, &4_096_u32.to_be_bytes()).await.unwrap();
            let part = tokio::time::sleep(Duration::from_millis(100));
            tokio::pin!(part);
            loop {
                tokio::select! {
                    frame = frames.receive() => {
                        let frame = frame.expect("the connection goes on");
                        assert_ne!(frame.kind, kind::RST_STREAM, "after {read} bytes");
                        read += if frame.kind == kind::DATA { frame.payload.len() } else { 0 };
                        if frame.kind == kind::DATA && frame.flags & END_STREAM != 0 {
                            return;
                        }
                    }
                    () = &mut part => break,
                }
            }
        }
    };
    within("all of the answer", SOON, whole).await;
    assert!(read > 100_000 && start.elapsed() > Duration::from_secs(2), "{read} in {:?}", start.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_large_answers_at_once_are_all_sent_to_who_reads() {
    let server = Server::start(Options::default());
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    fill(&tenant).await;
    let query = tenant.query_request(&serde_json::from_str(PAGE).unwrap());
    let client =
        jackfield_tests::Client::new(server.endpoint(), Listener::Public, jackfield_tests::Version::Http2);
    let answers = client.send_together(&vec![query; STREAMS]).await.unwrap();
    assert!(answers.iter().all(|answer| answer.status == 200 && answer.body.len() > 100_000));
    let admin = jackfield_tests::Admin::new(server.endpoint());
    let unsent = async || (super::sample(&admin, "jackfield_unsent_bytes").await == 0.0).then_some(());
    jackfield_tests::poll::until_async("all is sent", SOON, unsent).await;
    assert_eq!(tenant.query(&json!({"filters": {}})).await.status, 200);
}
