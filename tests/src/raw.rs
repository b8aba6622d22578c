//! Bytes over a socket, for what no well-behaved client sends.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::Response;
use crate::endpoint::{Endpoint, Listener};

/// Longest wait for bytes.
const TIMEOUT: Duration = Duration::from_secs(20);

/// An HTTP/1.1 connection on which a test writes whatever it likes.
#[derive(Debug)]
pub struct Raw {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Raw {
    /// Connects to the public listener.
    ///
    /// # Panics
    /// When it does not accept.
    pub async fn connect(endpoint: &Endpoint) -> Self {
        Self::connect_to(endpoint.address(Listener::Public)).await
    }

    /// Connects to an address.
    ///
    /// # Panics
    /// When it does not accept.
    pub async fn connect_to(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.expect("the server accepts");
        stream.set_nodelay(true).expect("a socket has options");
        Self { stream, buffer: Vec::new() }
    }

    /// Connects to an address from another one of this machine.
    ///
    /// # Panics
    /// When it does not accept.
    pub async fn connect_from(source: std::net::IpAddr, address: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket can be made");
        socket.bind(SocketAddr::new(source, 0)).expect("every address of the loopback network is ours");
        Self { stream: socket.connect(address).await.expect("the server accepts"), buffer: Vec::new() }
    }

    /// Connects to the public listener with a receive buffer so small that answers soon stand in the way.
    ///
    /// # Panics
    /// When it does not accept.
    pub async fn connect_narrow(endpoint: &Endpoint) -> Self {
        Self::connect_narrow_to(endpoint.address(Listener::Public)).await
    }

    /// The same to an address.
    ///
    /// # Panics
    /// When it does not accept.
    pub async fn connect_narrow_to(address: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket can be made");
        socket.set_recv_buffer_size(4_096).expect("a socket has options");
        let connecting = socket.connect(address);
        Self { stream: connecting.await.expect("the server accepts"), buffer: Vec::new() }
    }

    /// Writes all of `bytes`.
    ///
    /// # Errors
    /// When the server has closed the connection.
    pub async fn write(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        let written = tokio::time::timeout(TIMEOUT, self.stream.write_all(bytes.as_ref())).await;
        written.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }

    /// Writes some of `bytes`, answering at once when nothing can be written now.
    ///
    /// # Errors
    /// When the server has closed the connection, or with `WouldBlock`.
    pub fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.try_write(bytes)
    }

    /// Says that nothing more is written, and goes on reading.
    ///
    /// # Errors
    /// When the server has closed the connection.
    pub async fn end_writing(&mut self) -> io::Result<()> {
        self.stream.shutdown().await
    }

    /// Reads one response that has a `Content-Length`.
    ///
    /// # Panics
    /// When none comes, or it is malformed.
    pub async fn response(&mut self) -> Response {
        self.try_response().await.expect("a response comes before the connection ends")
    }

    /// Reads one response, or nothing when the server closes the connection first.
    ///
    /// # Panics
    /// When neither happens in time, or the response is malformed.
    pub async fn try_response(&mut self) -> Option<Response> {
        loop {
            if let Some((response, length)) = parse(&self.buffer) {
                self.buffer.drain(..length);
                return Some(response);
            }
            if self.fill().await == 0 {
                return None;
            }
        }
    }

    /// Reads until the server closes the connection and answers whatever came.
    ///
    /// # Panics
    /// When it does not close in time.
    pub async fn to_end(mut self) -> Vec<u8> {
        while self.fill().await > 0 {}
        self.buffer
    }

    async fn fill(&mut self) -> usize {
        let read = tokio::time::timeout(TIMEOUT, self.stream.read_buf(&mut self.buffer)).await;
        // A reset is an end too.
        read.expect("the server answers or closes in time").unwrap_or(0)
    }
}

/// The response at the beginning of `bytes` and how many bytes it takes, once it is there in full.
fn parse(bytes: &[u8]) -> Option<(Response, usize)> {
    let head_end = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let head = std::str::from_utf8(&bytes[..head_end]).expect("a response head is text");
    let mut lines = head.trim_end().split("\r\n");
    let status_line = lines.next().expect("a head has a first line");
    let status = status_line.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3));
    let status: u16 = status.and_then(|digits| digits.parse().ok()).expect("a status line has a status");
    let mut headers = HeaderMap::new();
    for line in lines {
        let (name, value) = line.split_once(':').expect("a header has a colon");
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a header name is valid");
        headers.append(name, HeaderValue::from_str(value.trim()).expect("a header value is valid"));
    }
    let length = headers.get("content-length").and_then(|value| value.to_str().ok()?.parse().ok());
    let end = head_end + if status == 100 { 0 } else { length.unwrap_or(0) };
    let body = bytes.get(head_end..end)?;
    Some((Response { status, headers, body: body.to_vec().into() }, end))
}
