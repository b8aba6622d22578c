//! Building answers. Every body is complete in memory: the largest is a page of 100 associations.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::Full;
use serde::Serialize;

/// An answer of this service.
pub(crate) type Reply = Response<Full<Bytes>>;

/// An answer without a body. The library leaves the length away in HTTP/2; a 204 has none (RFC 9110, section 8.6).
pub(crate) fn empty(status: StatusCode) -> Reply {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    if status != StatusCode::NO_CONTENT {
        response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(0));
    }
    response
}

/// An answer with these bytes.
pub(crate) fn bytes(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Reply {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// An answer with this value as JSON.
pub(crate) fn json(status: StatusCode, value: &impl Serialize) -> Reply {
    let mut body = Vec::with_capacity(256);
    serde_json::to_writer(&mut body, value).expect("our own bodies have string keys and cannot fail");
    bytes(status, "application/json", body)
}
