//! A connection that sends prepared creates and reads no more of an answer than it must, because it shares the machine
//! with the server that is measured.

use std::fmt::{Arguments, Write as _};
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The connection.
#[derive(Debug)]
pub struct Creator {
    stream: TcpStream,
    /// The head of every request, without the length of its body and what comes after.
    head: Arc<str>,
    request: String,
}

impl Creator {
    /// Connects.
    ///
    /// # Panics
    /// When the server does not accept.
    pub async fn connect(address: SocketAddr, head: Arc<str>) -> Self {
        let stream = TcpStream::connect(address).await.expect("it listens");
        stream.set_nodelay(true).expect("a connected socket takes options");
        Self { stream, head, request: String::new() }
    }

    /// Prepares a create with a body of this many bytes.
    ///
    /// # Panics
    /// Never: a text takes all.
    pub fn prepare(&mut self, body: Arguments<'_>, length: usize) {
        self.request.clear();
        write!(self.request, "{}content-length: {length}\r\n\r\n{body}", self.head)
            .expect("a text takes all");
    }

    /// Sends it and waits until it was acknowledged.
    ///
    /// # Panics
    /// When it was not.
    pub async fn send(&mut self) {
        self.stream.write_all(self.request.as_bytes()).await.expect("the server reads");
        let mut answer = [0; 1024];
        let mut length = 0;
        while !answer[..length].ends_with(b"\r\n\r\n") {
            let read = self.stream.read(&mut answer[length..]).await.expect("the server answers");
            assert!(read > 0, "the server closed the connection");
            length += read;
        }
        assert!(answer.starts_with(b"HTTP/1.1 201 "), "{}", String::from_utf8_lossy(&answer[..length]));
    }
}
