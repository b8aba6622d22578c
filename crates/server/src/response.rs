//! Builds responses. A body is complete in memory (the largest is a page of an admin list) or a stream.
//!
//! Handlers make a [`Reply`], which is small; it becomes a message of HTTP when it is finished.

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use http_body_util::channel::{Channel, Sender};
use hyper::body::{Body, Frame, SizeHint};
use jackfield_model::RequestId;
use serde::Serialize;
use tokio::sync::oneshot;

use crate::transport::exchange::{Exchange, Piece};

/// The content type of JSON.
pub(crate) static JSON: HeaderValue = HeaderValue::from_static("application/json");
/// The content type of a page for people.
pub(crate) static HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");

/// A response as it is sent.
pub(crate) type Sent = Response<ReplyBody>;

/// Most headers that a map may have room for that is filled again.
const REUSED_HEADERS: usize = 32;

static NO_BYTES: HeaderValue = HeaderValue::from_static("0");
static REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");

/// An answer of this service. It passes through many hands, so it is half as large as a response of HTTP.
#[derive(Debug)]
pub(crate) struct Reply {
    status: StatusCode,
    content_type: Option<&'static HeaderValue>,
    /// The headers of answers that have others.
    headers: Option<Box<HeaderMap>>,
    body: ReplyBody,
}

impl Reply {
    /// An answer without headers.
    fn new(status: StatusCode, body: ReplyBody) -> Self {
        Self { status, content_type: None, headers: None, body }
    }

    pub(crate) const fn status(&self) -> StatusCode {
        self.status
    }

    pub(crate) const fn status_mut(&mut self) -> &mut StatusCode {
        &mut self.status
    }

    /// The headers besides the content type of its body and the request id. A content type among them replaces that.
    pub(crate) fn headers_mut(&mut self) -> &mut HeaderMap {
        self.headers.get_or_insert_default()
    }

    /// The response with this id, which keeps its part of the connection until it is sent. `spent` is a map of headers that
    /// nobody needs any more, those of the request: filling it again costs less than a new one. One that was made for many is
    /// dropped, since the library keeps it for the next request of the connection.
    pub(crate) fn finish(self, id: RequestId, spent: HeaderMap, exchange: Option<Exchange>) -> Sent {
        let Self { status, content_type, headers, mut body } = self;
        let mut headers = match headers {
            Some(mut headers) => {
                if let Some(content_type) = content_type {
                    headers.entry(header::CONTENT_TYPE).or_insert_with(|| content_type.clone());
                }
                *headers
            }
            None => {
                let mut headers = if spent.capacity() > REUSED_HEADERS { HeaderMap::new() } else { spent };
                headers.clear();
                if let Some(content_type) = content_type {
                    headers.insert(header::CONTENT_TYPE, content_type.clone());
                }
                headers
            }
        };
        headers.insert(REQUEST_ID.clone(), header_of(id));
        // The library leaves the length away in HTTP/2. A 204 has none (RFC 9110, section 8.6).
        if matches!(&body, ReplyBody::Whole(whole) if whole.bytes.is_empty())
            && status != StatusCode::NO_CONTENT
        {
            headers.insert(header::CONTENT_LENGTH, NO_BYTES.clone());
        }
        if let Some(exchange) = exchange {
            body.keep(exchange);
        }
        let mut response = Response::new(body);
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        response
    }
}

fn header_of(id: RequestId) -> HeaderValue {
    let mut buffer = uuid::Uuid::encode_buffer();
    let text = id.as_uuid().hyphenated().encode_lower(&mut buffer);
    let mut value = HeaderValue::from_str(text).expect("a UUID is a header value");
    // HTTP/2 would keep each of them in the table of headers to come, where no other is like it, and drop what comes again.
    value.set_sensitive(true);
    value
}

/// Most bytes of a response that a stream is given at a time. The library owns what it took.
const PART_BYTES: usize = 16 * 1024;

/// The body of an answer.
#[derive(Debug)]
pub(crate) enum ReplyBody {
    Whole(Whole),
    // Boxed: it is rare, and would make every answer as large as itself.
    Stream(Box<Stream>),
}

/// A body that is made.
#[derive(Debug, Default)]
pub(crate) struct Whole {
    /// What was not handed out yet.
    bytes: Bytes,
    exchange: Option<Exchange>,
}

impl Whole {
    fn next(&mut self) -> Option<Piece> {
        if self.bytes.is_empty() {
            return None;
        }
        let next = next_part(&mut self.bytes, self.exchange.as_ref());
        if self.bytes.is_empty() {
            return Some(Piece::last(next, self.exchange.take()));
        }
        Some(Piece::part(next, self.exchange.as_mut()))
    }
}

/// What the library is handed next of these bytes.
fn next_part(bytes: &mut Bytes, exchange: Option<&Exchange>) -> Bytes {
    let in_parts = exchange.is_some_and(Exchange::streams);
    if in_parts && bytes.len() > PART_BYTES { bytes.split_to(PART_BYTES) } else { std::mem::take(bytes) }
}

/// A body that is made while it is sent.
pub(crate) struct Stream {
    channel: Channel<Bytes, StreamBroken>,
    /// What it gave and was not handed out yet.
    bytes: Bytes,
    /// Kept until the end.
    exchange: Option<Exchange>,
    /// Goes with it, and tells that.
    _here: oneshot::Sender<Infallible>,
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Stream(…)")
    }
}

/// The body cannot be completed: the connection is closed, so that no client mistakes the part for the whole.
#[derive(Debug)]
pub(crate) struct StreamBroken;

impl fmt::Display for StreamBroken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the answer could not be made to its end")
    }
}

impl std::error::Error for StreamBroken {}

impl ReplyBody {
    /// All of its bytes, for who has no connection.
    #[cfg(feature = "in-process")]
    pub(crate) async fn whole(&mut self) -> Result<Bytes, StreamBroken> {
        match self {
            Self::Whole(whole) => Ok(std::mem::take(&mut whole.bytes)),
            // Boxed to keep the common future small.
            Self::Stream(_) => Ok(Box::pin(http_body_util::BodyExt::collect(self)).await?.to_bytes()),
        }
    }

    /// Keeps the exchange until the body is sent or given up, and counts the bytes of one that is made already. What is
    /// in memory anyway, the same for everybody, does not count.
    pub(crate) fn keep(&mut self, mut exchange: Exchange) {
        match self {
            Self::Whole(whole) => {
                exchange.settle(if whole.bytes.is_unique() { whole.bytes.len() } else { 0 });
                // Without a body nothing waits for the client but a head.
                whole.exchange = Some(exchange).filter(|_| !whole.bytes.is_empty());
            }
            Self::Stream(stream) => {
                exchange.settle(0);
                stream.exchange = Some(exchange);
            }
        }
    }
}

impl Default for ReplyBody {
    fn default() -> Self {
        Self::Whole(Whole::default())
    }
}

impl Body for ReplyBody {
    type Data = Piece;
    type Error = StreamBroken;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Piece>, StreamBroken>>> {
        let frame = match self.get_mut() {
            Self::Whole(whole) => Poll::Ready(whole.next().map(|piece| Ok(Frame::data(piece)))),
            Self::Stream(stream) => stream.poll_frame(cx),
        };
        match frame {
            Poll::Ready(Some(Ok(_))) => crate::transport::stream::gave(),
            Poll::Ready(None | Some(Err(_))) => {}
            Poll::Pending => crate::transport::stream::waits(),
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(whole) => whole.bytes.is_empty(),
            Self::Stream(stream) => stream.bytes.is_empty() && stream.channel.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(whole) => SizeHint::with_exact(whole.bytes.len() as u64),
            Self::Stream(stream) => stream.channel.size_hint(),
        }
    }
}

impl Stream {
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Piece>, StreamBroken>>> {
        if self.bytes.is_empty() {
            match ready!(Pin::new(&mut self.channel).poll_frame(cx)) {
                Some(Ok(frame)) => self.bytes = frame.into_data().unwrap_or_default(),
                Some(Err(error)) => {
                    self.exchange = None;
                    return Poll::Ready(Some(Err(error)));
                }
                None => {
                    self.exchange = None;
                    return Poll::Ready(None);
                }
            }
            if let Some(exchange) = &mut self.exchange {
                exchange.settle(self.bytes.len());
            }
        }
        let next = next_part(&mut self.bytes, self.exchange.as_ref());
        Poll::Ready(Some(Ok(Frame::data(Piece::part(next, self.exchange.as_mut())))))
    }
}

/// The media type of an export (RFC 8878).
pub(crate) const EXPORT_TYPE: &str = "application/zstd";
/// The media type of server-sent events (HTML standard, section 9.2).
pub(crate) const EVENT_STREAM_TYPE: &str = "text/event-stream";
/// The media type of JSON values in lines.
pub(crate) const JSON_LINES_TYPE: &str = "application/jsonl";

/// An answer whose body is sent as the sender gives it, at most `buffer` pieces ahead.
pub(crate) fn stream(content_type: &'static str, buffer: usize) -> (Reply, Sender<Bytes, StreamBroken>) {
    let (reply, sender, _) = watched_stream(content_type, buffer);
    (reply, sender)
}

/// The same, and what resolves as soon as nobody takes the body any more.
pub(crate) fn watched_stream(
    content_type: &'static str,
    buffer: usize,
) -> (Reply, Sender<Bytes, StreamBroken>, oneshot::Receiver<Infallible>) {
    let (sender, channel) = Channel::new(buffer);
    let (here, left) = oneshot::channel();
    let stream = Stream { channel, bytes: Bytes::new(), exchange: None, _here: here };
    let mut reply = Reply::new(StatusCode::OK, ReplyBody::Stream(Box::new(stream)));
    reply.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    (reply, sender, left)
}

/// An answer without a body.
pub(crate) fn empty(status: StatusCode) -> Reply {
    Reply::new(status, ReplyBody::default())
}

/// An answer with these bytes.
pub(crate) fn bytes(status: StatusCode, content_type: &'static HeaderValue, body: impl Into<Bytes>) -> Reply {
    let body = ReplyBody::Whole(Whole { bytes: body.into(), exchange: None });
    Reply { content_type: Some(content_type), ..Reply::new(status, body) }
}

/// An answer with this value as JSON.
pub(crate) fn json(status: StatusCode, value: &impl Serialize) -> Reply {
    let mut body = Vec::with_capacity(256);
    serde_json::to_writer(&mut body, value).expect("our own bodies have string keys and cannot fail");
    bytes(status, &JSON, body)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers_of_a_request(count: usize) -> HeaderMap {
        let name = |number| HeaderName::from_bytes(format!("x-{number}").as_bytes()).unwrap();
        (0..count).map(|number| (name(number), HeaderValue::from_static("secret"))).collect()
    }

    #[test]
    fn a_response_has_nothing_of_its_request() {
        for count in [0, 4, 20, 100] {
            let spent = headers_of_a_request(count);
            let sent = bytes(StatusCode::OK, &JSON, "{}").finish(RequestId::random(), spent, None);
            let mut names: Vec<_> = sent.headers().keys().map(HeaderName::as_str).collect();
            names.sort_unstable();
            assert_eq!(names, ["content-type", "x-amzn-requestid"]);
            assert!(sent.headers().capacity() <= REUSED_HEADERS, "{count} headers leave no room behind");
        }
    }

    #[test]
    fn a_response_without_a_body_says_so() {
        let length = |status| {
            let sent = empty(status).finish(RequestId::random(), HeaderMap::new(), None);
            sent.headers().get(header::CONTENT_LENGTH).cloned()
        };
        assert_eq!(length(StatusCode::CREATED).unwrap(), "0");
        assert_eq!(length(StatusCode::NO_CONTENT), None);
    }

    #[test]
    fn a_content_type_of_its_own_stays() {
        let mut reply = bytes(StatusCode::OK, &JSON, "{}");
        reply.headers_mut().insert(header::CONTENT_TYPE, HTML.clone());
        let sent = reply.finish(RequestId::random(), HeaderMap::new(), None);
        assert_eq!(sent.headers().get_all(header::CONTENT_TYPE).iter().collect::<Vec<_>>(), [&HTML]);
    }
}
