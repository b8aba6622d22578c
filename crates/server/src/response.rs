//! Building answers. A body is complete in memory, where the largest is a page of an admin's list, or a stream.

use std::any::Any;
use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::Full;
use http_body_util::channel::{Channel, Sender};
use hyper::body::{Body, Frame, SizeHint};
use serde::Serialize;

/// The content type of JSON.
pub(crate) static JSON: HeaderValue = HeaderValue::from_static("application/json");
/// The content type of a page for people.
pub(crate) static HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");

/// An answer of this service.
pub(crate) type Reply = Response<ReplyBody>;

/// The body of an answer.
#[derive(Debug)]
pub(crate) enum ReplyBody {
    Whole(Full<Bytes>),
    // Boxed: it is rare, and would make every answer as large as itself.
    Stream(Box<Stream>),
}

/// A body that is made while it is sent.
pub(crate) struct Stream {
    channel: Channel<Bytes, StreamBroken>,
    /// Kept until the end.
    guard: Option<Box<dyn Any + Send>>,
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Stream(…)")
    }
}

/// The body cannot be made to its end: the connection is closed, so that nobody takes the part for the whole.
#[derive(Debug)]
pub(crate) struct StreamBroken;

impl fmt::Display for StreamBroken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the answer could not be made to its end")
    }
}

impl std::error::Error for StreamBroken {}

impl ReplyBody {
    /// Keeps a value for as long as the body is being made. A whole one is made already.
    pub(crate) fn keep<T: Send + 'static>(&mut self, guard: T) {
        match self {
            Self::Whole(_) => drop(guard),
            Self::Stream(stream) => stream.guard = Some(Box::new(guard)),
        }
    }
}

impl Default for ReplyBody {
    fn default() -> Self {
        Self::Whole(Full::default())
    }
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = StreamBroken;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, StreamBroken>>> {
        match self.get_mut() {
            Self::Whole(body) => {
                Pin::new(body).poll_frame(cx).map(|frame| frame.map(|frame| frame.map_err(never)))
            }
            Self::Stream(stream) => {
                let frame = Pin::new(&mut stream.channel).poll_frame(cx);
                if let Poll::Ready(None | Some(Err(_))) = frame {
                    stream.guard = None;
                }
                frame
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(body) => body.is_end_stream(),
            Self::Stream(stream) => stream.channel.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(body) => body.size_hint(),
            Self::Stream(stream) => stream.channel.size_hint(),
        }
    }
}

fn never(never: Infallible) -> StreamBroken {
    match never {}
}

/// An answer whose body is sent as the sender gives it, at most `buffer` pieces ahead.
pub(crate) fn stream(content_type: &'static str, buffer: usize) -> (Reply, Sender<Bytes, StreamBroken>) {
    let (sender, channel) = Channel::new(buffer);
    let mut response = Response::new(ReplyBody::Stream(Box::new(Stream { channel, guard: None })));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    (response, sender)
}

/// An answer without a body. The library leaves the length away in HTTP/2; a 204 has none (RFC 9110, section 8.6).
pub(crate) fn empty(status: StatusCode) -> Reply {
    let mut response = Response::new(ReplyBody::default());
    *response.status_mut() = status;
    if status != StatusCode::NO_CONTENT {
        response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(0));
    }
    response
}

/// An answer with these bytes.
pub(crate) fn bytes(status: StatusCode, content_type: &HeaderValue, body: impl Into<Bytes>) -> Reply {
    let mut response = Response::new(ReplyBody::Whole(Full::new(body.into())));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, content_type.clone());
    response
}

/// An answer with this value as JSON.
pub(crate) fn json(status: StatusCode, value: &impl Serialize) -> Reply {
    let mut body = Vec::with_capacity(256);
    serde_json::to_writer(&mut body, value).expect("our own bodies have string keys and cannot fail");
    bytes(status, &JSON, body)
}
