//! A small HTTP client that shows what really comes back: HTTP/1.1 or HTTP/2, with prior knowledge or by ALPN, one
//! keep-alive connection for each request in flight, no redirects, no retries.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Mutex;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpSocket, TcpStream};

use crate::endpoint::{Endpoint, Listener};

/// Longest that one request may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The protocol of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// HTTP/1.1.
    Http1,
    /// HTTP/2, with prior knowledge where there is no TLS.
    Http2,
}

impl Version {
    /// Its name where TLS negotiates it.
    const fn alpn(self) -> &'static str {
        match self {
            Self::Http1 => "http/1.1",
            Self::Http2 => "h2",
        }
    }
}

/// A request that is about to be sent.
#[derive(Clone, Debug)]
pub struct Request {
    /// Its method.
    pub method: Method,
    /// Path and query string as they go over the wire.
    pub target: String,
    /// Its headers in order.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: Bytes,
}

/// An answer that was read to its end.
#[derive(Clone)]
pub struct Response {
    /// Its status.
    pub status: u16,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

/// Why there is no answer.
#[derive(Debug)]
pub enum Failure {
    /// No connection, so nothing was sent.
    Connect(std::io::Error),
    /// The connection ended; the request may have been carried out.
    Broken(hyper::Error),
    /// No answer in time; the request may have been carried out.
    Late,
}

/// A client of one listener of a server. For one runtime: connections live in it.
#[derive(Debug)]
pub struct Client {
    endpoint: Endpoint,
    listener: Listener,
    version: Version,
    /// The address that connections come from; the system's choice when absent.
    source: Option<IpAddr>,
    idle: Mutex<Vec<Connection>>,
}

#[derive(Debug)]
struct Connection {
    address: SocketAddr,
    sender: Sender,
}

/// A connection that ended, and whether a byte of the request may have been sent.
#[derive(Debug)]
struct Broken {
    sent: bool,
    error: hyper::Error,
}

#[derive(Debug)]
enum Sender {
    Http1(http1::SendRequest<Full<Bytes>>),
    Http2(http2::SendRequest<Full<Bytes>>),
}

impl Request {
    /// A request without headers and body.
    #[must_use]
    pub fn new(method: &Method, target: impl Into<String>) -> Self {
        Self { method: method.clone(), target: target.into(), headers: Vec::new(), body: Bytes::new() }
    }

    /// With a header more.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// With a bearer token.
    #[must_use]
    pub fn bearer(self, token: &str) -> Self {
        self.header("Authorization", format!("Bearer {token}"))
    }

    /// With a body and no `Content-Type`.
    #[must_use]
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// With a JSON body and its `Content-Type`.
    #[must_use]
    pub fn json(self, body: &Value) -> Self {
        self.header("Content-Type", "application/json").body(body.to_string())
    }

    /// The path without the query string.
    #[must_use]
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    fn build(&self, address: SocketAddr, version: Version) -> http::Request<Full<Bytes>> {
        let uri = match version {
            Version::Http1 => self.target.clone(),
            Version::Http2 => format!("http://{address}{}", self.target),
        };
        let mut request = http::Request::new(Full::new(self.body.clone()));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = uri.parse().expect("a test sends a valid target; others go through `raw`");
        if version == Version::Http1 {
            let host = HeaderValue::from_str(&address.to_string()).expect("an address is a header value");
            request.headers_mut().insert(http::header::HOST, host);
        }
        for (name, value) in &self.headers {
            let name = HeaderName::from_bytes(name.as_bytes()).expect("a test sends a valid header name");
            let value = HeaderValue::from_bytes(value.as_bytes()).expect("a test sends a valid header value");
            request.headers_mut().append(name, value);
        }
        request
    }
}

impl Response {
    /// The body as text.
    ///
    /// # Panics
    /// When it is not UTF-8.
    #[must_use]
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("bodies are UTF-8")
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// When it is not JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }

    /// A header that is there at most once.
    ///
    /// # Panics
    /// When it stands more than once or is not text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let first = values.next();
        assert!(values.next().is_none(), "{name} stands more than once in {self:?}");
        first.map(|value| value.to_str().expect("header values are text"))
    }

    /// The request id of the answer.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn request_id(&self) -> &str {
        self.header("X-Amzn-RequestId").unwrap_or_else(|| panic!("no request id in {self:?}"))
    }

    /// The `message` of an error, empty where there is none.
    #[must_use]
    pub fn message(&self) -> String {
        let body: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        body["message"].as_str().unwrap_or_default().to_owned()
    }

    /// The `type` of an error, empty where there is none.
    #[must_use]
    pub fn kind(&self) -> String {
        let body: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        body["type"].as_str().unwrap_or_default().to_owned()
    }

    /// This answer, when its status is the expected one.
    ///
    /// # Panics
    /// When it is not.
    #[track_caller]
    #[must_use]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }

    /// Asserts the status of an answer that is not looked at further.
    ///
    /// # Panics
    /// When it is another.
    #[track_caller]
    pub fn is(&self, status: u16) {
        assert_eq!(self.status, status, "{self:?}");
    }

    /// Asserts the status of an error and that its message holds a text.
    ///
    /// # Panics
    /// When either is not so.
    #[track_caller]
    pub fn is_error(&self, status: u16, part_of_message: &str) {
        assert_eq!(self.status, status, "{self:?}");
        let message = self.message();
        assert!(message.contains(part_of_message), "{part_of_message:?} is not in {message:?}");
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let body: String = String::from_utf8_lossy(&self.body).chars().take(2_000).collect();
        write!(f, "{} {:?} {body}", self.status, self.headers)
    }
}

impl Client {
    /// A client that has no connection yet.
    #[must_use]
    pub fn new(endpoint: &Endpoint, listener: Listener, version: Version) -> Self {
        Self { endpoint: endpoint.clone(), listener, version, source: None, idle: Mutex::default() }
    }

    /// The same with connections from this address of the machine.
    #[must_use]
    pub const fn from_address(mut self, source: IpAddr) -> Self {
        self.source = Some(source);
        self
    }

    /// The server it speaks to.
    #[must_use]
    pub const fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// The protocol it speaks.
    #[must_use]
    pub const fn version(&self) -> Version {
        self.version
    }

    /// Sends a request and reads the answer to its end.
    ///
    /// # Errors
    /// [`Failure`] when there is no answer.
    pub async fn send(&self, request: &Request) -> Result<Response, Failure> {
        let work = async {
            loop {
                let (mut connection, reused) = self.connection().await?;
                match connection.send(request).await {
                    Ok(response) => {
                        self.idle.lock().expect("nobody panics with the lock").push(connection);
                        return Ok(response);
                    }
                    // The idle connection was closed before a byte of this request was sent.
                    Err(Broken { sent: false, .. }) if reused => {}
                    Err(Broken { error, .. }) => return Err(Failure::Broken(error)),
                }
            }
        };
        tokio::time::timeout(TIMEOUT, work).await.unwrap_or(Err(Failure::Late))
    }

    /// Sends requests at the same time over one HTTP/2 connection. Answers stand in the order of the requests.
    ///
    /// # Errors
    /// [`Failure`] when one of them has no answer.
    ///
    /// # Panics
    /// When this is no HTTP/2 client.
    pub async fn send_together(&self, requests: &[Request]) -> Result<Vec<Response>, Failure> {
        assert_eq!(self.version, Version::Http2, "HTTP/1.1 has one request in flight");
        let address = self.endpoint.address(self.listener);
        let connection = self.open(address).await?;
        let Sender::Http2(sender) = connection.sender else {
            unreachable!("an HTTP/2 connection was opened")
        };
        let mut running = Vec::new();
        for request in requests {
            let (request, sender) = (request.clone(), Sender::Http2(sender.clone()));
            running.push(tokio::spawn(async move { Connection { address, sender }.send(&request).await }));
        }
        let mut responses = Vec::new();
        for task in running {
            let finished = tokio::time::timeout(TIMEOUT, task).await.map_err(|_| Failure::Late)?;
            let response = finished.expect("a request does not panic");
            responses.push(response.map_err(|broken| Failure::Broken(broken.error))?);
        }
        Ok(responses)
    }

    async fn connection(&self) -> Result<(Connection, bool), Failure> {
        let address = self.endpoint.address(self.listener);
        loop {
            let idle = self.idle.lock().expect("nobody panics with the lock").pop();
            match idle {
                Some(connection) if connection.usable(address) => return Ok((connection, true)),
                Some(_) => {}
                None => break,
            }
        }
        Ok((self.open(address).await?, false))
    }

    async fn open(&self, address: SocketAddr) -> Result<Connection, Failure> {
        let stream = Box::pin(connect(self.source, address)).await.map_err(Failure::Connect)?;
        stream.set_nodelay(true).map_err(Failure::Connect)?;
        let sender = match self.endpoint.trust(self.listener) {
            Some(trust) => {
                let stream = trust.secure(stream, self.version.alpn()).await.map_err(Failure::Connect)?;
                Sender::begin(stream, self.version).await
            }
            None => Sender::begin(stream, self.version).await,
        };
        Ok(Connection { address, sender: sender.map_err(Failure::Broken)? })
    }
}

async fn connect(source: Option<IpAddr>, address: SocketAddr) -> std::io::Result<TcpStream> {
    let Some(source) = source else { return TcpStream::connect(address).await };
    let socket = if source.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.bind((source, 0).into())?;
    socket.connect(address).await
}

impl Sender {
    async fn begin<S>(stream: S, version: Version) -> hyper::Result<Self>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let io = TokioIo::new(stream);
        Ok(match version {
            Version::Http1 => {
                let (sender, connection) = http1::handshake(io).await?;
                tokio::spawn(connection);
                Self::Http1(sender)
            }
            Version::Http2 => {
                let (sender, connection) = http2::handshake(TokioExecutor::new(), io).await?;
                tokio::spawn(connection);
                Self::Http2(sender)
            }
        })
    }
}

impl Connection {
    fn usable(&self, address: SocketAddr) -> bool {
        let open = match &self.sender {
            Sender::Http1(sender) => !sender.is_closed(),
            Sender::Http2(sender) => !sender.is_closed(),
        };
        open && self.address == address
    }

    async fn send(&mut self, request: &Request) -> Result<Response, Broken> {
        let response = match &mut self.sender {
            Sender::Http1(sender) => {
                sender.ready().await.map_err(Broken::before)?;
                sender.try_send_request(request.build(self.address, Version::Http1)).await
            }
            Sender::Http2(sender) => {
                sender.ready().await.map_err(Broken::before)?;
                sender.try_send_request(request.build(self.address, Version::Http2)).await
            }
        };
        // A request that comes back was not begun.
        let response = response
            .map_err(|error| Broken { sent: error.message().is_none(), error: error.into_error() })?;
        let (head, body) = response.into_parts();
        let body = body.collect().await.map_err(|error| Broken { sent: true, error })?.to_bytes();
        Ok(Response { status: head.status.as_u16(), headers: head.headers, body })
    }
}

impl Broken {
    const fn before(error: hyper::Error) -> Self {
        Self { sent: false, error }
    }
}
