//! A connection that one caller has to itself, over HTTP/1.1.
//!
//! The task that calls also reads and writes: nothing else has to run between an answer and the next request. A pool
//! hands each of them from task to task, which is most of what a small request costs its client.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use http::header::HOST;
use http::uri::{PathAndQuery, Scheme};
use http::{HeaderValue, Request, Uri};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tower_service::Service;

use super::{ANSWER_BYTES, Body, Reply, innermost};
use crate::error::{TransportError, origin};

type Stream = MaybeHttpsStream<TokioIo<TcpStream>>;

/// Makes its connection when it is first needed, and again when it was lost.
pub(super) struct OwnConnection {
    connector: HttpsConnector<HttpConnector>,
    /// Boxed, because it is taken out for each request.
    open: Option<Box<Open>>,
}

/// A connection that is there.
struct Open {
    requests: http1::SendRequest<Body>,
    /// Nothing when it ended.
    driver: Option<http1::Connection<Stream, Body>>,
    host: Option<HeaderValue>,
}

/// What became of a request without an answer.
enum Failed {
    /// Not a byte of it was written.
    Unsent(Box<Request<Body>>, hyper::Error),
    Lost(String),
}

impl OwnConnection {
    /// Over the connector, whose TLS must settle on HTTP/1.1.
    pub(super) const fn new(connector: HttpsConnector<HttpConnector>) -> Self {
        Self { connector, open: None }
    }

    /// Sends a request and reads its answer; all requests are for one server. A caller that gives up meanwhile gives
    /// the connection up with it.
    pub(super) async fn exchange(
        &mut self,
        uri: &Uri,
        mut request: Request<Body>,
    ) -> Result<Reply, TransportError> {
        let path = uri.path_and_query().cloned();
        *request.uri_mut() = Uri::from(path.unwrap_or_else(|| PathAndQuery::from_static("/")));
        let lost = |cause| TransportError::Lost { endpoint: origin(uri), cause };
        loop {
            let (mut open, used) = match self.open.take() {
                Some(open) => (open, true),
                // Boxed, so that the requests after it are not the larger for it.
                None => (Box::pin(self.connect(uri)).await?, false),
            };
            match open.exchange(request).await {
                Ok(reply) => {
                    self.open = Some(open).filter(|open| open.driver.is_some());
                    return Ok(reply);
                }
                // The server closed it while nothing was to be sent.
                Err(Failed::Unsent(unsent, _)) if used => request = *unsent,
                Err(Failed::Unsent(_, error)) => return Err(lost(innermost(&error))),
                Err(Failed::Lost(cause)) => return Err(lost(cause)),
            }
        }
    }

    async fn connect(&mut self, uri: &Uri) -> Result<Box<Open>, TransportError> {
        let failed = |cause| TransportError::Connect { endpoint: origin(uri), cause };
        poll_fn(|cx| self.connector.poll_ready(cx)).await.map_err(|error| failed(innermost(&*error)))?;
        let stream = self.connector.call(uri.clone()).await.map_err(|error| failed(innermost(&*error)))?;
        let (requests, driver) = http1::handshake(stream).await.map_err(|error| failed(innermost(&error)))?;
        Ok(Box::new(Open { requests, driver: Some(driver), host: host(uri) }))
    }
}

impl Open {
    async fn exchange(&mut self, mut request: Request<Body>) -> Result<Reply, Failed> {
        let Self { requests, driver, host } = self;
        if let Some(host) = host {
            request.headers_mut().insert(HOST, host.clone());
        }
        // After an answer the driver first has to see that there is nothing more to it.
        if let Err(error) = drive(driver, requests.ready()).await {
            return Err(Failed::Unsent(Box::new(request), error));
        }
        let sent = drive(driver, requests.try_send_request(request)).await;
        let response = sent.map_err(|mut error| match error.take_message() {
            Some(request) => Failed::Unsent(Box::new(request), error.into_error()),
            None => Failed::Lost(innermost(error.error())),
        })?;
        let (head, body) = response.into_parts();
        let body = drive(driver, Limited::<Incoming>::new(body, ANSWER_BYTES).collect()).await;
        let body = body.map_err(|error| Failed::Lost(innermost(&*error)))?;
        Ok(Reply { status: head.status, headers: head.headers, body: body.to_bytes() })
    }
}

/// Waits for something that comes over the connection, and reads and writes meanwhile.
async fn drive<T>(
    driver: &mut Option<http1::Connection<Stream, Body>>,
    awaited: impl Future<Output = T>,
) -> T {
    let mut awaited = pin!(awaited);
    poll_fn(|cx| {
        // It may be there, or have something to say to the driver.
        if let Poll::Ready(value) = awaited.as_mut().poll(cx) {
            return Poll::Ready(value);
        }
        // When it ends, what is awaited ends with an error of its own.
        if driver.as_mut().is_some_and(|driver| pin!(driver).poll(cx).is_ready()) {
            *driver = None;
        }
        awaited.as_mut().poll(cx)
    })
    .await
}

/// Whom a request is for, as the `Host` header says it: the scheme's own port goes without saying.
fn host(uri: &Uri) -> Option<HeaderValue> {
    let authority = uri.authority()?;
    let own = if uri.scheme() == Some(&Scheme::HTTPS) { 443 } else { 80 };
    let host = match authority.port_u16() {
        Some(port) if port != own => format!("{}:{port}", authority.host()),
        _ => authority.host().to_owned(),
    };
    HeaderValue::from_str(&host).ok()
}
