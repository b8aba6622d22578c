use std::future::poll_fn;
use tokio::io::{AsyncRead, ReadBuf};

use hyper::rt::Timer;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

use super::*;
use crate::transport::exchange::Exchange;

const LIMIT: Duration = Duration::from_secs(10);

/// Longer than any test.
const NEVER: Duration = Duration::from_secs(1_000_000);

fn bounded<F: Future>(deadlines: Deadlines, connection: F) -> impl Future<Output = F::Output> {
    let connection = DeadlineFuture::new(deadlines, connection, |_| ());
    async move { connection.await.expect("it ends by itself") }
}

fn stalling(deadlines: &Deadlines) -> (IdleTimeoutStream<DuplexStream>, DuplexStream) {
    let (near, far) = tokio::io::duplex(16);
    (IdleTimeoutStream::new(near, deadlines.clone(), LIMIT, LIMIT * 2), far)
}

#[tokio::test(start_paused = true)]
async fn a_read_without_a_byte_ends_at_its_limit() {
    let deadlines = Deadlines::new(NEVER, LIMIT, Arc::default());
    let (mut stream, _far) = stalling(&deadlines);
    let started = Instant::now();
    let read = bounded(deadlines, async move { stream.read_u8().await });
    assert_eq!(read.await.unwrap_err().kind(), io::ErrorKind::TimedOut);
    assert_eq!(started.elapsed().as_secs(), LIMIT.as_secs());
}

#[tokio::test(start_paused = true)]
async fn each_byte_starts_the_limit_again() {
    let deadlines = Deadlines::new(NEVER, LIMIT, Arc::default());
    let (mut stream, mut far) = stalling(&deadlines);
    let sender = tokio::spawn(async move {
        for _ in 0..5 {
            tokio::time::sleep(LIMIT * 9 / 10).await;
            far.write_u8(1).await.unwrap();
        }
        far
    });
    let started = Instant::now();
    let reads = bounded(deadlines, async move {
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
    let deadlines = Deadlines::new(NEVER, LIMIT, Arc::default());
    let (mut stream, _far) = stalling(&deadlines);
    let started = Instant::now();
    let write = bounded(deadlines, async move { stream.write_all(&[0; 17]).await });
    assert_eq!(write.await.unwrap_err().kind(), io::ErrorKind::TimedOut);
    assert_eq!(started.elapsed().as_secs(), LIMIT.as_secs() * 2);
}

#[tokio::test(start_paused = true)]
async fn the_client_is_not_blamed_for_the_time_of_the_server() {
    let deadlines = Deadlines::new(NEVER, LIMIT, Arc::default());
    let (mut stream, _far) = stalling(&deadlines);
    let started = Instant::now();
    let busy = Exchange::begin(&deadlines, false);
    let work = tokio::spawn(async move {
        tokio::time::sleep(LIMIT * 5).await;
        drop(busy);
    });
    let served = bounded(deadlines, async move {
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
    let deadlines = Deadlines::new(NEVER, LIMIT, Arc::default());
    let timer = HeadTimer(deadlines.clone());
    let started = Instant::now();
    bounded(deadlines.clone(), timer.sleep(LIMIT)).await;
    assert_eq!(started.elapsed().as_secs(), LIMIT.as_secs());

    drop(timer.sleep(LIMIT));
    let never = deadlines.next(deadlines.now()).is_none_or(|at| at >= nanos(NEVER));
    assert!(never, "a head that came has no limit any more");

    let mut moved = timer.sleep(LIMIT);
    timer.reset(&mut moved, timer.now() + LIMIT * 3);
    let again = Instant::now();
    bounded(deadlines, moved).await;
    assert_eq!(again.elapsed().as_secs(), LIMIT.as_secs() * 3);
}

#[tokio::test(start_paused = true)]
async fn a_sooner_limit_is_not_missed_behind_a_later_one() {
    let deadlines = Deadlines::new(NEVER, LIMIT, Arc::default());
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
    assert_eq!(bounded(deadlines, read).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
    assert_eq!(started.elapsed().as_secs(), LIMIT.as_secs());
}

/// A connection that never ends by itself, and counts how often it was told to.
struct Stubborn(usize);

impl Future for Stubborn {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_without_a_stream_is_told_to_end_and_then_ended() {
    let deadlines = Deadlines::new(LIMIT, LIMIT / 2, Arc::default());
    let mut connection =
        std::pin::pin!(DeadlineFuture::new(deadlines.clone(), Stubborn(0), |stubborn| stubborn
            .get_mut()
            .0 += 1));
    let started = Instant::now();
    for _ in 0..3 {
        let busy = Exchange::begin(&deadlines, true);
        assert!(tokio::time::timeout(LIMIT * 3, connection.as_mut()).await.is_err(), "it is in use");
        drop(busy);
        assert!(tokio::time::timeout(LIMIT * 9 / 10, connection.as_mut()).await.is_err(), "it was in use");
    }
    assert_eq!(connection.as_ref().connection.0, 0);
    assert!(tokio::time::timeout(LIMIT / 5, connection.as_mut()).await.is_err(), "it gets time to end");
    assert_eq!(connection.as_ref().connection.0, 1);
    let last = Exchange::begin(&deadlines, true);
    assert!(
        tokio::time::timeout(LIMIT * 3, connection.as_mut()).await.is_err(),
        "what came in between is served"
    );
    drop(last);
    assert_eq!(connection.as_mut().await, Err(Overdue::Idle));
    assert!(started.elapsed() < LIMIT * 20, "{:?}", started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn every_connection_is_told_once_that_the_server_stops() {
    use crate::transport::visits::Visits;

    // One is idle, one in use, one comes when it stops already.
    for (in_use, known) in [(false, true), (true, true), (false, false)] {
        let visits = Arc::<Visits>::default();
        let deadlines = Deadlines::new(NEVER, LIMIT, Arc::default());
        let _busy = in_use.then(|| Exchange::begin(&deadlines, false));
        let early = known.then(|| visits.note(deadlines.clone()));
        let connection =
            DeadlineFuture::new(deadlines.clone(), Stubborn(0), |stubborn| stubborn.get_mut().0 += 1);
        let mut connection = std::pin::pin!(connection);
        if known {
            assert!(tokio::time::timeout(LIMIT, connection.as_mut()).await.is_err());
            assert_eq!(connection.as_ref().connection.0, 0);
            let stopping = Arc::clone(&visits);
            tokio::spawn(async move {
                tokio::time::sleep(LIMIT).await;
                stopping.stop();
            });
        }
        let late = (!known).then(|| {
            visits.stop();
            visits.note(deadlines)
        });
        assert!(
            tokio::time::timeout(LIMIT * 3, connection.as_mut()).await.is_err(),
            "it has no end of its own"
        );
        assert_eq!(connection.as_ref().connection.0, 1, "in use: {in_use}, known: {known}");
        drop((early, late));
    }
}

#[tokio::test(start_paused = true)]
async fn without_streams_the_library_bounds_the_time_between_two_heads() {
    let deadlines = Deadlines::new(LIMIT, LIMIT, Arc::default());
    drop(Exchange::begin(&deadlines, false));
    assert_eq!(deadlines.next(0), None);
}

#[tokio::test(start_paused = true)]
async fn answers_have_to_be_read_at_a_rate() {
    use bytes::{Buf as _, Bytes};

    use crate::transport::exchange::Piece;

    let span = LIMIT * 2;
    let least = usize::try_from(limit::READ_BYTES_PER_SECOND * span.as_secs()).unwrap();
    for (read, ends) in [(least, false), (least - 1, true)] {
        let deadlines = Deadlines::new(NEVER, LIMIT, Arc::default());
        let mut piece =
            Piece::last(Bytes::from(vec![0; 10 * least]), Some(Exchange::begin(&deadlines, true)));
        let mut connection = std::pin::pin!(DeadlineFuture::new(deadlines, Stubborn(0), |_| ()));
        for _ in 0..3 {
            assert!(tokio::time::timeout(span * 9 / 10, connection.as_mut()).await.is_err(), "it has time");
            piece.advance(read);
            match tokio::time::timeout(span / 10, connection.as_mut()).await {
                Ok(ended) => {
                    assert_eq!((ended, ends), (Err(Overdue::Unread), true));
                    break;
                }
                Err(_) => assert!(!ends, "it read {read}"),
            }
        }
        drop(piece);
    }
}
