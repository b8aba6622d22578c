//! Connections: accepts a limited number, tells HTTP/1.1 and HTTP/2 (prior knowledge) apart by their first bytes, cuts
//! slow clients off, and shuts down gracefully.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http::Version;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulConnection;
use jackfield_model::limit;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::service_gate::ServiceGate;
use crate::log_throttle::LogThrottle;
use crate::metrics::{Limit, Metrics};
use crate::router::Listener;
use crate::tls::Handshakes;
use crate::transport::deadline::{DeadlineFuture, Deadlines, HeadTimer, IdleTimeoutStream, Overdue};
use crate::transport::exchange::Exchange;
use crate::transport::peer::{Counted, Origins, Peer};
use crate::transport::stream::Streams;
use crate::transport::visits::Visits;

/// Streams that one HTTP/2 connection may have open at a time: the least that RFC 9113 (section 6.5.2) recommends.
const HTTP2_STREAMS: u32 = 100;
/// Streams that a client may reset before they were looked at, and streams that the library may have to reset because of
/// the client; one more, and the connection is ended (CVE-2023-44487, CVE-2025-8671).
const HTTP2_RESETS: usize = 20;
const HTTP2_ERRORS: usize = 1_024;
/// Bytes of bodies that may be on their way, on a stream and on a connection: more than a body may have, or a page of
/// them.
const HTTP2_STREAM_WINDOW: u32 = 128 * 1024;
const HTTP2_WINDOW: u32 = 512 * 1024;
/// Bytes of an answer that the library takes ahead of the network.
const HTTP2_SEND_BUFFER: usize = 64 * 1024;
/// The HTTP library's bound on a head. It is wider than [`limit::HEAD_BYTES`], so that a head that is too long in our
/// eyes still gets our answer.
const HEAD_BYTES_PARSED: usize = 4 * limit::HEAD_BYTES;
/// Between two attempts when the system has no more file descriptors to give.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Between two searches for a connection that could make room.
const MAKE_ROOM_PAUSE: Duration = Duration::from_millis(100);
/// Throttles log entries about connections that could not be accepted.
static ACCEPT_ERRORS: LogThrottle = LogThrottle::new();

/// How long a client may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timeouts {
    /// For a head, and between two requests.
    pub(crate) head: Duration,
    /// Without reading a byte of a response, or sending one of a body.
    pub(crate) stall: Duration,
}

/// How many connections a listener has open at a time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Most {
    pub(crate) connections: usize,
    /// Of one origin; 0 for no bound.
    pub(crate) of_one_origin: usize,
}

/// A socket that listens, and what it accepts connections for.
pub(crate) struct ListenerConfig {
    pub(crate) tcp: TcpListener,
    /// With TLS, or plain.
    pub(crate) tls: Option<Handshakes>,
    pub(crate) which: Listener,
}

/// What every connection of a listener is given.
struct Shared {
    visits: Arc<Visits>,
    tls: Option<Handshakes>,
    which: Listener,
    service: Arc<ServiceGate>,
    timeouts: Timeouts,
}

/// An open connection, as it counts.
struct Visit {
    peer: Peer,
    metrics: Arc<Metrics>,
    _place: OwnedSemaphorePermit,
    _counted: Counted,
}

impl Visit {
    fn begin(peer: Peer, metrics: Arc<Metrics>, place: OwnedSemaphorePermit, counted: Counted) -> Self {
        metrics.connections.inc();
        Self { peer, metrics, _place: place, _counted: counted }
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        self.metrics.connections.dec();
    }
}

/// Accepts connections until told to stop, and has them end in order then; each keeps a clone of `stop` until it has.
pub(crate) async fn accept(
    listener: ListenerConfig,
    service: Arc<ServiceGate>,
    timeouts: Timeouts,
    most: Most,
    mut stop: watch::Receiver<bool>,
) {
    let ListenerConfig { tcp, tls, which } = listener;
    let metrics = Arc::clone(service.metrics());
    let shared = Arc::new(Shared { visits: Arc::default(), tls, which, service, timeouts });
    let visits = &shared.visits;
    let places = Arc::new(Semaphore::new(most.connections));
    let origins = Arc::new(Origins::new(most.of_one_origin));
    loop {
        let accepted = tokio::select! {
            accepted = tcp.accept() => accepted,
            () = told(&mut stop) => break,
        };
        match accepted {
            Ok((stream, address)) => {
                let peer = Peer::at(address, shared.tls.is_some());
                // Before anything is spent on it, a TLS handshake least of all.
                let Some(counted) = origins.count(peer.origin()) else {
                    metrics.limited(Limit::ConnectionsOfOrigin);
                    continue;
                };
                let place = tokio::select! {
                    place = place(&places, visits, &metrics) => place,
                    () = told(&mut stop) => break,
                };
                let visit = Visit::begin(peer, Arc::clone(&metrics), place, counted);
                tokio::spawn(Arc::clone(&shared).receive(stream, visit, stop.clone()));
            }
            Err(error) => {
                if let Some(before) = ACCEPT_ERRORS.should_log(&error.to_string()) {
                    tracing::warn!(%error, before, "connections cannot be accepted");
                }
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    visits.stop();
}

/// A place for the next connection. Where none is free, an idle connection makes room.
async fn place(places: &Arc<Semaphore>, visits: &Visits, metrics: &Metrics) -> OwnedSemaphorePermit {
    if let Ok(place) = Arc::clone(places).try_acquire_owned() {
        return place;
    }
    metrics.limited(Limit::Connections);
    loop {
        visits.make_room();
        let place = Arc::clone(places).acquire_owned();
        if let Ok(place) = tokio::time::timeout(MAKE_ROOM_PAUSE, place).await {
            return place.expect("the semaphore is never closed");
        }
    }
}

/// Completes when the server is told to stop.
async fn told(stop: &mut watch::Receiver<bool>) {
    // Without a sender there is no server any more.
    let _ = stop.wait_for(|stop| *stop).await;
}

impl Shared {
    async fn receive(self: Arc<Self>, stream: TcpStream, visit: Visit, mut stop: watch::Receiver<bool>) {
        // Small answers would otherwise wait for the acknowledgement of the one before.
        let _ = stream.set_nodelay(true);
        let Some(tls) = &self.tls else { return self.serve(stream, visit.peer).await };
        // Nothing is in flight yet that the end of the server would have to wait for.
        let secured = tokio::select! {
            secured = tls.accept(stream) => secured,
            () = told(&mut stop) => None,
        };
        if let Some(stream) = secured {
            Box::pin(self.serve(stream, visit.peer)).await;
        }
    }

    async fn serve(&self, stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static, peer: Peer) {
        let Timeouts { head, stall } = self.timeouts;
        let deadlines = Deadlines::new(head, stall, Arc::clone(self.service.unsent()));
        let streams = Streams::new(stall, Arc::clone(self.service.metrics()));
        let builder = builder(self.timeouts, &deadlines, streams);
        let _known = self.visits.note(deadlines.clone());
        let stream = IdleTimeoutStream::new(stream, deadlines.clone(), head + stall, stall);
        let which = self.which;
        // Cloned for each request, so it is the connection's own: threads would contend for the count of the server's.
        let own = Arc::new((Arc::clone(&self.service), deadlines.clone()));
        let service = service_fn(move |request: http::Request<hyper::body::Incoming>| {
            let exchange = Exchange::begin(&own.1, request.version() == Version::HTTP_2);
            let own = Arc::clone(&own);
            async move { pin!(own.0.respond(which, peer, Some(exchange), request)).await }
        });
        let connection = builder.serve_connection(TokioIo::new(stream), service).into_owned();
        match pin!(DeadlineFuture::new(deadlines, connection, GracefulConnection::graceful_shutdown)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(%error, "a connection ended early"),
            Err(error) => {
                if error == Overdue::Unread {
                    self.service.metrics().limited(Limit::Unread);
                }
                tracing::debug!(%error, "a connection was ended");
            }
        }
    }
}

fn builder(timeouts: Timeouts, deadlines: &Deadlines, streams: Streams) -> auto::Builder<Streams> {
    let mut builder = auto::Builder::new(streams);
    builder
        .http1()
        .timer(HeadTimer(deadlines.clone()))
        .header_read_timeout(timeouts.head)
        .max_buf_size(HEAD_BYTES_PARSED);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(HTTP2_STREAMS)
        .max_pending_accept_reset_streams(HTTP2_RESETS)
        .max_local_error_reset_streams(HTTP2_ERRORS)
        .initial_stream_window_size(HTTP2_STREAM_WINDOW)
        .initial_connection_window_size(HTTP2_WINDOW)
        .max_send_buf_size(HTTP2_SEND_BUFFER)
        .max_header_list_size(u32::try_from(HEAD_BYTES_PARSED).expect("a few pages"))
        .keep_alive_interval(timeouts.head)
        .keep_alive_timeout(timeouts.stall);
    builder
}
