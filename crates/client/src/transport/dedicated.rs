//! A connection that one caller has to itself, over HTTP/1.1.
//!
//! The task that calls also reads and writes: nothing else has to run between an answer and the next request. A pool
//! hands each of them from task to task, which is most of what a small request costs its client.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::header::HOST;
use http::uri::Scheme;
use http::{HeaderValue, Request, Uri};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};
use tower_service::Service;

use super::call::{ANSWER_BYTES, Body, Call, Reply, innermost};
use super::path_of;
use crate::error::{TransportError, origin};
use crate::token::AccessToken;

type Stream = MaybeHttpsStream<TokioIo<TcpStream>>;

/// Makes its connection when it is first needed, and again when it was lost.
pub(super) struct DedicatedConnection {
    connector: HttpsConnector<HttpConnector>,
    /// Longest time for one exchange.
    timeout: Duration,
    /// Boxed, because it is taken out for each request.
    open: Option<Box<Open>>,
}

/// A connection that is there.
struct Open {
    requests: http1::SendRequest<Body>,
    /// Nothing when it ended.
    driver: Option<http1::Connection<Stream, Body>>,
    host: Option<HeaderValue>,
    deadline: Deadline,
}

/// When an exchange has taken too long. The timer is not set for each: when it rings, it is set to what the deadline
/// is by then.
struct Deadline {
    at: Instant,
    timer: Pin<Box<Sleep>>,
}

/// What became of a request without an answer.
enum Failed {
    /// Not a byte of it was written.
    Unsent(Box<Request<Body>>, hyper::Error),
    Lost(String),
    TimedOut,
}

impl DedicatedConnection {
    /// Over the connector, whose TLS must settle on HTTP/1.1.
    pub(super) const fn new(connector: HttpsConnector<HttpConnector>, timeout: Duration) -> Self {
        Self { connector, timeout, open: None }
    }

    /// Sends a request and reads its answer; all requests are for one server. A caller that gives up meanwhile gives
    /// the connection up with it.
    pub(super) async fn exchange(
        &mut self,
        call: &Call,
        token: Option<&AccessToken>,
    ) -> Result<Reply, TransportError> {
        let uri = &call.uri;
        let deadline = Instant::now() + self.timeout;
        let mut request = call.request(path_of(uri), token);
        loop {
            let (mut open, used) = match self.open.take() {
                Some(open) => (open, true),
                // Boxed to keep the common future small: this is the first request of many.
                None => (Box::pin(self.connect(uri, deadline)).await?, false),
            };
            open.deadline.at = deadline;
            match open.exchange(request).await {
                Ok(reply) => {
                    self.open = Some(open).filter(|open| open.driver.is_some());
                    return Ok(reply);
                }
                // The server closed it while nothing was to be sent.
                Err(Failed::Unsent(unsent, _)) if used => request = *unsent,
                Err(failed) => return Err(failed.at(uri, self.timeout)),
            }
        }
    }

    async fn connect(&mut self, uri: &Uri, deadline: Instant) -> Result<Box<Open>, TransportError> {
        let opened = tokio::time::timeout_at(deadline, self.open(uri)).await;
        let opened = opened.map_err(|_| Failed::TimedOut.at(uri, self.timeout))?;
        let (requests, driver) =
            opened.map_err(|cause| TransportError::Connect { endpoint: origin(uri), cause })?;
        let deadline = Deadline { at: deadline, timer: Box::pin(tokio::time::sleep_until(deadline)) };
        Ok(Box::new(Open { requests, driver: Some(driver), host: host(uri), deadline }))
    }

    async fn open(
        &mut self,
        uri: &Uri,
    ) -> Result<(http1::SendRequest<Body>, http1::Connection<Stream, Body>), String> {
        poll_fn(|cx| self.connector.poll_ready(cx)).await.map_err(|error| innermost(&*error))?;
        let stream = self.connector.call(uri.clone()).await.map_err(|error| innermost(&*error))?;
        http1::handshake(stream).await.map_err(|error| innermost(&error))
    }
}

impl Open {
    async fn exchange(&mut self, mut request: Request<Body>) -> Result<Reply, Failed> {
        if let Some(host) = &self.host {
            request.headers_mut().insert(HOST, host.clone());
        }
        let Self { requests, driver, deadline, .. } = self;
        // After an answer the driver first has to see that there is nothing more to it.
        if let Err(error) = drive(driver, deadline, requests.ready()).await? {
            return Err(Failed::Unsent(Box::new(request), error));
        }
        let sent = drive(driver, deadline, requests.try_send_request(request)).await?;
        let response = sent.map_err(|mut error| match error.take_message() {
            Some(request) => Failed::Unsent(Box::new(request), error.into_error()),
            None => Failed::Lost(innermost(error.error())),
        })?;
        let (head, body) = response.into_parts();
        let body = drive(driver, deadline, Limited::<Incoming>::new(body, ANSWER_BYTES).collect()).await?;
        let body = body.map_err(|error| Failed::Lost(innermost(&*error)))?;
        let body = body.to_bytes();
        Ok(Reply { status: head.status, headers: head.headers, body, after_unavailable: false })
    }
}

impl Failed {
    fn at(self, uri: &Uri, timeout: Duration) -> TransportError {
        let endpoint = origin(uri);
        match self {
            Self::Unsent(_, error) => TransportError::Lost { endpoint, cause: innermost(&error) },
            Self::Lost(cause) => TransportError::Lost { endpoint, cause },
            Self::TimedOut => TransportError::TimedOut { endpoint, after: timeout },
        }
    }
}

impl Deadline {
    /// Ready when it has passed.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            ready!(self.timer.as_mut().poll(cx));
            if self.timer.deadline() >= self.at {
                return Poll::Ready(());
            }
            self.timer.as_mut().reset(self.at);
        }
    }
}

/// Waits for something that comes over the connection, and reads and writes meanwhile.
async fn drive<T>(
    driver: &mut Option<http1::Connection<Stream, Body>>,
    deadline: &mut Deadline,
    awaited: impl Future<Output = T>,
) -> Result<T, Failed> {
    let mut awaited = pin!(awaited);
    poll_fn(|cx| {
        // It may be there, or have something to say to the driver.
        if let Poll::Ready(value) = awaited.as_mut().poll(cx) {
            return Poll::Ready(Ok(value));
        }
        // When it ends, what is awaited ends with an error of its own.
        if driver.as_mut().is_some_and(|driver| pin!(driver).poll(cx).is_ready()) {
            *driver = None;
        }
        if let Poll::Ready(value) = awaited.as_mut().poll(cx) {
            return Poll::Ready(Ok(value));
        }
        deadline.poll(cx).map(|()| Err(Failed::TimedOut))
    })
    .await
}

/// Whom a request is for, as the `Host` header says it: the scheme's own port goes without saying.
fn host(uri: &Uri) -> Option<HeaderValue> {
    let authority = uri.authority()?;
    let default = if uri.scheme() == Some(&Scheme::HTTPS) { 443 } else { 80 };
    let host = match authority.port_u16() {
        Some(port) if port != default => format!("{}:{port}", authority.host()),
        _ => authority.host().to_owned(),
    };
    HeaderValue::from_str(&host).ok()
}
