//! Connections: accepted within a bound, HTTP/1.1 and HTTP/2 (prior knowledge) told apart by their first bytes, slow
//! clients cut off, finished in order at the end.

use std::sync::Arc;
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::Watcher;
use jackfield_model::limit;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};

use crate::deadline::{Bounded, Deadlines, HeadTimer, Stalling};
use crate::metrics::Limit;
use crate::router::Listener;
use crate::tls::Handshakes;
use crate::waiting::Service;

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

/// Where connections come in.
pub(crate) struct Door {
    pub(crate) tcp: TcpListener,
    /// With TLS, or plain.
    pub(crate) tls: Option<Handshakes>,
    pub(crate) which: Listener,
}

/// Accepts connections until told to stop.
pub(crate) async fn accept(
    door: Door,
    service: Arc<Service>,
    timeouts: Timeouts,
    max_connections: usize,
    new_watcher: impl Fn() -> Watcher,
    mut stop: watch::Receiver<bool>,
) {
    let Door { tcp: listener, tls, which } = door;
    let places = Arc::new(Semaphore::new(max_connections));
    let builder = builder(timeouts);
    loop {
        if places.available_permits() == 0 {
            service.metrics().limited(Limit::Connections);
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
                // Small answers would otherwise wait for the acknowledgement of the one before.
                let _ = stream.set_nodelay(true);
                let (builder, watcher, tls) = (builder.clone(), new_watcher(), tls.clone());
                let (service, mut stop) = (Arc::clone(&service), stop.clone());
                tokio::spawn(async move {
                    let metrics = Arc::clone(service.metrics());
                    metrics.connections.inc();
                    match tls {
                        None => serve(builder, stream, which, service, timeouts, watcher).await,
                        Some(tls) => {
                            // Nothing is in flight yet that the end of the server would have to wait for.
                            let secured = tokio::select! {
                                secured = tls.accept(stream) => secured,
                                _ = stop.changed() => None,
                            };
                            if let Some(stream) = secured {
                                Box::pin(serve(builder, stream, which, service, timeouts, watcher)).await;
                            }
                        }
                    }
                    metrics.connections.dec();
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
    builder.http1().header_read_timeout(timeouts.head).max_buf_size(HEAD_BYTES_PARSED);
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
    mut builder: auto::Builder<TokioExecutor>,
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    which: Listener,
    service: Arc<Service>,
    timeouts: Timeouts,
    watcher: Watcher,
) {
    let deadlines = Deadlines::new();
    builder.http1().timer(HeadTimer(deadlines.clone()));
    // The library's own timer bounds the head; this one also ends connections that never send a byte.
    let stream = Stalling::new(stream, deadlines.clone(), timeouts.head + timeouts.stall, timeouts.stall);
    let busy = deadlines.clone();
    let service = service_fn(move |request| {
        let (service, busy) = (Arc::clone(&service), busy.busy());
        async move {
            let mut answer = service.respond(which, request).await;
            match &mut answer {
                Ok(answer) => answer.body_mut().keep(busy),
                Err(_) => drop(busy),
            }
            answer
        }
    });
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    let connection = watcher.watch(connection.into_owned());
    if let Err(error) = Bounded::new(deadlines, connection).await {
        tracing::debug!(%error, "a connection ended early");
    }
}
