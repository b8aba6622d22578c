//! HTTP/2 frame by frame (RFC 9113), for what no library lets a client do.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

/// The frame types that a test looks at.
pub mod kind {
    /// DATA.
    pub const DATA: u8 = 0;
    /// HEADERS.
    pub const HEADERS: u8 = 1;
    /// `RST_STREAM`.
    pub const RST_STREAM: u8 = 3;
    /// SETTINGS.
    pub const SETTINGS: u8 = 4;
    /// PING.
    pub const PING: u8 = 6;
    /// GOAWAY.
    pub const GOAWAY: u8 = 7;
    /// `WINDOW_UPDATE`.
    pub const WINDOW_UPDATE: u8 = 8;
    /// CONTINUATION.
    pub const CONTINUATION: u8 = 9;
}

/// The flag that ends a stream (DATA, HEADERS).
pub const END_STREAM: u8 = 1;
/// The flag that says that a header block is complete (HEADERS, CONTINUATION).
pub const END_HEADERS: u8 = 4;
/// The flag of an answer to SETTINGS or PING.
pub const ACK: u8 = 1;
/// The identifier of the setting of the window that a stream begins with.
pub const INITIAL_WINDOW_SIZE: u16 = 4;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Longest wait for a connection or for room to write.
const TIMEOUT: Duration = Duration::from_secs(20);

/// A frame that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Its type, see [`kind`].
    pub kind: u8,
    /// Its flags.
    pub flags: u8,
    /// Its stream; 0 for the connection.
    pub stream: u32,
    /// What it holds.
    pub payload: Vec<u8>,
}

/// An HTTP/2 connection with prior knowledge.
#[derive(Debug)]
pub struct Frames {
    reader: OwnedReadHalf,
    buffer: Vec<u8>,
    writer: OwnedWriteHalf,
    next_stream: u32,
}

impl Frames {
    /// Connects and sends the preface with these settings.
    ///
    /// # Errors
    /// When the server does not accept, or closes at once.
    pub async fn connect(address: SocketAddr, settings: &[(u16, u32)]) -> io::Result<Self> {
        let connecting = tokio::time::timeout(TIMEOUT, TcpStream::connect(address));
        let stream = connecting.await.map_err(|_| io::ErrorKind::TimedOut)??;
        stream.set_nodelay(true)?;
        let (reader, writer) = stream.into_split();
        let mut frames = Self { reader, buffer: Vec::new(), writer, next_stream: 1 };
        frames.write(PREFACE).await?;
        let payload: Vec<u8> = settings
            .iter()
            .flat_map(|(name, value)| [&name.to_be_bytes()[..], &value.to_be_bytes()].concat())
            .collect();
        frames.send(kind::SETTINGS, 0, 0, &payload).await?;
        Ok(frames)
    }

    /// Writes bytes as they are.
    ///
    /// # Errors
    /// When the server has closed the connection or does not read.
    pub async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let written = tokio::time::timeout(TIMEOUT, self.writer.write_all(bytes)).await;
        written.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }

    /// Writes a frame.
    ///
    /// # Errors
    /// As [`Frames::write`].
    pub async fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) -> io::Result<()> {
        self.write(&frame(kind, flags, stream, payload)).await
    }

    /// Opens a stream with these headers and answers its number.
    ///
    /// # Errors
    /// As [`Frames::write`].
    pub async fn open(&mut self, headers: &[(&str, &str)], flags: u8) -> io::Result<u32> {
        let stream = self.next();
        self.send(kind::HEADERS, END_HEADERS | flags, stream, &block(headers)).await?;
        Ok(stream)
    }

    /// The number of the next stream, which is used up.
    pub const fn next(&mut self) -> u32 {
        let stream = self.next_stream;
        self.next_stream += 2;
        stream
    }

    /// The next frame; SETTINGS and PING are answered on the way. Nothing at the end of the connection.
    pub async fn receive(&mut self) -> Option<Frame> {
        loop {
            let frame = self.read().await?;
            let answered = match frame.kind {
                kind::SETTINGS if frame.flags & ACK == 0 => self.send(kind::SETTINGS, ACK, 0, &[]).await,
                kind::PING if frame.flags & ACK == 0 => self.send(kind::PING, ACK, 0, &frame.payload).await,
                _ => return Some(frame),
            };
            // Who has closed may have sent more before.
            let _ = answered;
        }
    }

    /// The next frame that satisfies a condition.
    pub async fn receive_until(&mut self, mut wanted: impl FnMut(&Frame) -> bool) -> Option<Frame> {
        loop {
            let frame = self.receive().await?;
            if wanted(&frame) {
                return Some(frame);
            }
        }
    }

    async fn read(&mut self) -> Option<Frame> {
        loop {
            if let Some(head) = self.buffer.first_chunk::<9>() {
                let [a, b, c, kind, flags, stream @ ..] = *head;
                let length = u32::from_be_bytes([0, a, b, c]) as usize;
                if self.buffer.len() >= 9 + length {
                    let payload = self.buffer[9..9 + length].to_vec();
                    self.buffer.drain(..9 + length);
                    return Some(Frame { kind, flags, stream: u32::from_be_bytes(stream), payload });
                }
            }
            if self.reader.read_buf(&mut self.buffer).await.unwrap_or(0) == 0 {
                return None;
            }
        }
    }
}

/// A frame as it goes over the wire.
///
/// # Panics
/// When the payload is longer than a length of 24 bits can say.
#[must_use]
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a test sends short frames").to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A header block: each field literally, without Huffman coding, none of them kept (RFC 7541, section 6.2.2).
#[must_use]
pub fn block(headers: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in headers {
        block.push(0);
        for text in [name, value] {
            integer(&mut block, text.len());
            block.extend(text.as_bytes());
        }
    }
    block
}

/// A length with a prefix of seven bits (RFC 7541, section 5.1).
fn integer(block: &mut Vec<u8>, value: usize) {
    let byte = |value: usize| u8::try_from(value).expect("seven bits");
    if value < 127 {
        return block.push(byte(value));
    }
    block.push(127);
    let mut rest = value - 127;
    while rest >= 128 {
        block.push(byte(rest % 128) | 128);
        rest /= 128;
    }
    block.push(byte(rest));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_coded_as_the_standard_says() {
        let coded = |value| {
            let mut block = Vec::new();
            integer(&mut block, value);
            block
        };
        assert_eq!(coded(10), [10]);
        assert_eq!(coded(127), [127, 0]);
        assert_eq!(coded(1_337), [127, 0xBA, 0x09]);
        assert_eq!(block(&[("a", "bc")]), [0, 1, b'a', 2, b'b', b'c']);
        assert_eq!(frame(kind::PING, ACK, 0, &[1; 8])[..9], [0, 0, 8, 6, 1, 0, 0, 0, 0]);
    }
}
