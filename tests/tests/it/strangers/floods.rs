//! Floods of what costs a client nothing: frames and requests by the thousand.

use std::io;
use std::time::Duration;

use jackfield_tests::frames::{self, END_STREAM, Frames, block, kind};
use jackfield_tests::raw::Raw;

use super::{Siege, Target};

/// Frames that are written at once.
const BATCH: usize = 500;

/// Writes the same bytes over and over, reading what comes, until the server closes.
async fn flood(mut frames: Frames, mut batch: impl FnMut(&mut Frames) -> Vec<u8>) -> io::Result<()> {
    loop {
        let bytes = batch(&mut frames);
        frames.write(&bytes).await?;
        // What came in the meantime is read; a pause keeps 32 of these from being a test of the processor.
        let pause = tokio::time::sleep(Duration::from_millis(20));
        tokio::pin!(pause);
        loop {
            tokio::select! {
                frame = frames.receive() => if frame.is_none_or(|frame| frame.kind == kind::GOAWAY) {
                    return Ok(());
                },
                () = &mut pause => break,
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rapid_resets_stop_nobody() {
    // CVE-2023-44487: a stream that is reset at once does not count as open.
    let mut siege = Siege::of(&[]).await;
    siege
        .stands(async |target: Target| {
            let connection = target.frames(&[]).await?;
            let head = block(&target.headers("POST", &target.query));
            flood(connection, |frames| {
                let mut bytes = Vec::new();
                for _ in 0..BATCH {
                    let stream = frames.next();
                    bytes.extend(frames::frame(kind::HEADERS, frames::END_HEADERS, stream, &head));
                    bytes.extend(frames::frame(kind::RST_STREAM, 0, stream, &8_u32.to_be_bytes()));
                }
                bytes
            })
            .await
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn heads_that_never_end_stop_nobody() {
    // CVE-2024-27316: CONTINUATION frames without END_HEADERS.
    let mut siege = Siege::of(&[]).await;
    siege
        .stands(async |target: Target| {
            let mut connection = target.frames(&[]).await?;
            let head = block(&target.headers("POST", &target.query));
            connection.send(kind::HEADERS, 0, 1, &head).await?;
            let more = block(&[("x-filler", &"x".repeat(1_000))]);
            flood(connection, |_| frames::frame(kind::CONTINUATION, 0, 1, &more).repeat(BATCH)).await
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pings_and_settings_stop_nobody() {
    let mut siege = Siege::of(&[]).await;
    siege
        .stands(async |target: Target| {
            let connection = target.frames(&[]).await?;
            let ping = frames::frame(kind::PING, 0, 0, &[0; 8]);
            let settings = frames::frame(kind::SETTINGS, 0, 0, &[]);
            flood(connection, |_| [ping.clone(), settings.clone()].concat().repeat(BATCH)).await
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn empty_data_stops_nobody() {
    // CVE-2019-9518: frames that bring a body no further.
    let mut siege = Siege::of(&[]).await;
    siege
        .stands(async |target: Target| {
            let mut connection = target.frames(&[]).await?;
            let stream = connection.open(&target.headers("POST", "/auth/o2/token"), 0).await?;
            flood(connection, |_| frames::frame(kind::DATA, 0, stream, &[]).repeat(BATCH)).await
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn heads_of_references_stop_nobody() {
    // A header of 4 KiB that is kept in the table of the connection, and then named by a byte, again and again.
    let mut siege = Siege::of(&[]).await;
    siege
        .stands(async |target: Target| {
            let mut connection = target.frames(&[]).await?;
            let mut head = block(&target.headers("POST", &target.query));
            let kept = head.len();
            head.extend(block(&[("x-bomb", &"x".repeat(3_900))]));
            // Literal with incremental indexing, new name (RFC 7541, section 6.2.1); index 62 is the newest entry.
            head[kept] = 0x40;
            head.extend([0x80 | 62; 12_000]);
            let first = connection.next();
            let parts: Vec<&[u8]> = head.chunks(16_000).collect();
            connection.send(kind::HEADERS, END_STREAM | frames::END_HEADERS, first, parts[0]).await?;
            let references =
                [block(&target.headers("POST", &target.query)), vec![0x80 | 62; 12_000]].concat();
            flood(connection, |frames| {
                let mut bytes = Vec::new();
                for _ in 0..8 {
                    let flags = END_STREAM | frames::END_HEADERS;
                    bytes.extend(frames::frame(kind::HEADERS, flags, frames.next(), &references));
                }
                bytes
            })
            .await
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pipelines_and_half_closed_connections_stop_nobody() {
    let mut siege = Siege::of(&[]).await;
    siege
        .stands(async |target: Target| {
            let mut raw = Raw::connect_to(target.address).await;
            raw.write("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n".repeat(2_000)).await?;
            raw.end_writing().await?;
            let _ = raw.to_end().await;
            io::Result::Ok(())
        })
        .await;
}
