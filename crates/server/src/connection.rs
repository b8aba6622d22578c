//! Connections: accepted within a bound, HTTP/1.1 and HTTP/2 (prior knowledge) told apart by their first bytes, slow
//! clients cut off, finished in order at the end.

use std::sync::Arc;
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::Watcher;
use jackfield_model::limit;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio_io_timeout::TimeoutStream;

use crate::app::App;
use crate::metrics::Limit;
use crate::router::Listener;

/// Streams that one HTTP/2 connection may have open at a time.
const HTTP2_STREAMS: u32 = 256;
/// The HTTP library's bound on a head. It is wider than [`limit::HEAD_BYTES`], so that a head that is too long in our
/// eyes still gets our answer.
const HEAD_BYTES_PARSED: usize = 4 * limit::HEAD_BYTES;
/// Between two attempts when the system has no more file descriptors to give.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How long a client may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timeouts {
    /// For a head, and between two requests.
    pub(crate) head: Duration,
    /// Without reading a byte of an answer, or sending one of a body.
    pub(crate) stall: Duration,
}

/// Accepts connections until told to stop.
pub(crate) async fn accept(
    listener: TcpListener,
    which: Listener,
    app: Arc<App>,
    timeouts: Timeouts,
    max_connections: usize,
    new_watcher: impl Fn() -> Watcher,
    mut stop: watch::Receiver<bool>,
) {
    let places = Arc::new(Semaphore::new(max_connections));
    let builder = builder(timeouts);
    loop {
        if places.available_permits() == 0 {
            app.metrics.limited(Limit::Connections);
        }
        let accepted = async {
            let place = Arc::clone(&places).acquire_owned().await.expect("the semaphore is never closed");
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            accepted = accepted => accepted,
            _ = stop.changed() => return,
        };
        match accepted {
            Ok((stream, _)) => {
                let watcher = new_watcher();
                let work = serve(builder.clone(), stream, which, Arc::clone(&app), timeouts, watcher);
                let app = Arc::clone(&app);
                tokio::spawn(async move {
                    app.metrics.connections.inc();
                    work.await;
                    app.metrics.connections.dec();
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

fn builder(timeouts: Timeouts) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(timeouts.head)
        .max_buf_size(HEAD_BYTES_PARSED);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(HTTP2_STREAMS)
        .max_header_list_size(u32::try_from(HEAD_BYTES_PARSED).expect("a few pages"))
        .keep_alive_interval(timeouts.head)
        .keep_alive_timeout(timeouts.stall);
    builder
}

async fn serve(
    builder: auto::Builder<TokioExecutor>,
    stream: TcpStream,
    which: Listener,
    app: Arc<App>,
    timeouts: Timeouts,
    watcher: Watcher,
) {
    // Small answers would otherwise wait for the acknowledgement of the one before.
    let _ = stream.set_nodelay(true);
    let mut stream = TimeoutStream::new(stream);
    // The library's own timer bounds the head; this one also ends connections that never send a byte.
    stream.set_read_timeout(Some(timeouts.head + timeouts.stall));
    stream.set_write_timeout(Some(timeouts.stall));
    let service = service_fn(move |request| {
        let app = Arc::clone(&app);
        async move { app.respond(which, request).await }
    });
    let connection = builder.serve_connection(TokioIo::new(Box::pin(stream)), service);
    if let Err(error) = watcher.watch(connection.into_owned()).await {
        tracing::debug!(%error, "a connection ended early");
    }
}
