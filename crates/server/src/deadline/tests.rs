use std::future::poll_fn;

use hyper::rt::Timer;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

use super::*;

const LIMIT: Duration = Duration::from_secs(10);

fn stalling(deadlines: &Deadlines) -> (Stalling<DuplexStream>, DuplexStream) {
    let (near, far) = tokio::io::duplex(16);
    (Stalling::new(near, deadlines.clone(), LIMIT, LIMIT * 2), far)
}

#[tokio::test(start_paused = true)]
async fn a_read_without_a_byte_ends_at_its_limit() {
    let deadlines = Deadlines::new();
    let (mut stream, _far) = stalling(&deadlines);
    let started = Instant::now();
    let read = Bounded::new(deadlines, async move { stream.read_u8().await });
    assert_eq!(read.await.unwrap_err().kind(), io::ErrorKind::TimedOut);
    assert_eq!(started.elapsed().as_secs(), LIMIT.as_secs());
}

#[tokio::test(start_paused = true)]
async fn each_byte_starts_the_limit_again() {
    let deadlines = Deadlines::new();
    let (mut stream, mut far) = stalling(&deadlines);
    let sender = tokio::spawn(async move {
        for _ in 0..5 {
            tokio::time::sleep(LIMIT * 9 / 10).await;
            far.write_u8(1).await.unwrap();
        }
        far
    });
    let started = Instant::now();
    let reads = Bounded::new(deadlines, async move {
        let mut read = 0;
        while stream.read_u8().await.is_ok() {
            read += 1;
        }
        read
    });
    assert_eq!(reads.await, 5);
    assert_eq!(started.elapsed().as_secs(), (LIMIT * 55 / 10).as_secs(), "five pauses, then the limit");
    drop(sender.await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_takes_nothing_is_given_up() {
    let deadlines = Deadlines::new();
    let (mut stream, _far) = stalling(&deadlines);
    let started = Instant::now();
    let write = Bounded::new(deadlines, async move { stream.write_all(&[0; 17]).await });
    assert_eq!(write.await.unwrap_err().kind(), io::ErrorKind::TimedOut);
    assert_eq!(started.elapsed().as_secs(), LIMIT.as_secs() * 2);
}

#[tokio::test(start_paused = true)]
async fn the_client_is_not_blamed_for_the_time_of_the_server() {
    let deadlines = Deadlines::new();
    let (mut stream, _far) = stalling(&deadlines);
    let started = Instant::now();
    let busy = deadlines.busy();
    let work = tokio::spawn(async move {
        tokio::time::sleep(LIMIT * 5).await;
        drop(busy);
    });
    let served = Bounded::new(deadlines, async move {
        let early =
            poll_fn(|cx| Poll::Ready(Pin::new(&mut stream).poll_read(cx, &mut ReadBuf::new(&mut [0]))));
        assert!(early.await.is_pending());
        work.await.unwrap();
        stream.read_u8().await
    });
    assert_eq!(served.await.unwrap_err().kind(), io::ErrorKind::TimedOut);
    assert_eq!(started.elapsed().as_secs(), LIMIT.as_secs() * 6);
}

#[tokio::test(start_paused = true)]
async fn the_limit_on_a_head_passes_ends_and_moves() {
    let deadlines = Deadlines::new();
    let timer = HeadTimer(deadlines.clone());
    let started = Instant::now();
    Bounded::new(deadlines.clone(), timer.sleep(LIMIT)).await;
    assert_eq!(started.elapsed().as_secs(), LIMIT.as_secs());

    drop(timer.sleep(LIMIT));
    assert_eq!(deadlines.next(deadlines.now()), None, "a head that came has no limit any more");

    let mut moved = timer.sleep(LIMIT);
    timer.reset(&mut moved, timer.now() + LIMIT * 3);
    let again = Instant::now();
    Bounded::new(deadlines, moved).await;
    assert_eq!(again.elapsed().as_secs(), LIMIT.as_secs() * 3);
}

#[tokio::test(start_paused = true)]
async fn a_sooner_limit_is_not_missed_behind_a_later_one() {
    let deadlines = Deadlines::new();
    let timer = HeadTimer(deadlines.clone());
    let (mut stream, _far) = stalling(&deadlines);
    let later = timer.sleep(LIMIT * 100);
    let started = Instant::now();
    let mut first = true;
    let read = poll_fn(move |cx| {
        let _ = &later;
        if std::mem::take(&mut first) {
            // The timer is set for the later limit first.
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Pin::new(&mut stream).poll_read(cx, &mut ReadBuf::new(&mut [0]))
    });
    assert_eq!(Bounded::new(deadlines, read).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
    assert_eq!(started.elapsed().as_secs(), LIMIT.as_secs());
}
