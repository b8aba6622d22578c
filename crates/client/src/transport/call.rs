//! A request, its answer, and what is said of them.

use std::error::Error as StdError;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, USER_AGENT, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri};
use http_body_util::channel::Channel;
use http_body_util::{BodyExt, Either, Full, Limited};
use hyper::body::Incoming;

use crate::error::{TransportError, origin};
use crate::token::AccessToken;

/// Largest answer that is read, in bytes: more than any page of this API.
pub(super) const ANSWER_BYTES: usize = 64 * 1024 * 1024;

/// The body of a request: in memory, or as it comes.
pub(super) type Body = Either<Full<Bytes>, Channel<Bytes, std::io::Error>>;

/// A request, kept so that it can be sent again.
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) content: Option<Content>,
    pub(crate) repeat: Repeat,
    /// The trace that it is a part of.
    pub(crate) traceparent: Option<HeaderValue>,
}

/// What a request carries.
pub(crate) enum Content {
    Json(Bytes),
    Form(String),
}

/// Whether a request may be sent again when its answer was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// It changes nothing.
    Read,
    /// It may have been done already.
    Write,
}

/// An answer, complete.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// Whether an earlier try of the same call was answered 503.
    pub(crate) after_unavailable: bool,
}

impl Call {
    /// The request for this URL, or this path on a connection to its server.
    pub(super) fn request(&self, uri: Uri, token: Option<&AccessToken>) -> Request<Body> {
        self.plain_request(uri, token).map(|body| Either::Left(Full::new(body)))
    }

    /// The same with a body that is not to be sent.
    pub(super) fn plain_request(&self, uri: Uri, token: Option<&AccessToken>) -> Request<Bytes> {
        let (content_type, body) = match &self.content {
            None => (None, Bytes::new()),
            Some(Content::Json(json)) => (Some("application/json"), json.clone()),
            Some(Content::Form(form)) => {
                (Some("application/x-www-form-urlencoded"), Bytes::from(form.clone()))
            }
        };
        let mut request = self.head(uri, token, body);
        if let Some(content_type) = content_type {
            request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        }
        request
    }

    pub(super) fn head<B>(&self, uri: Uri, token: Option<&AccessToken>, body: B) -> Request<B> {
        let mut request = Request::new(body);
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = uri;
        let agent = HeaderValue::from_static(concat!("jackfield/", env!("CARGO_PKG_VERSION")));
        request.headers_mut().insert(USER_AGENT, agent);
        if let Some(traceparent) = &self.traceparent {
            request.headers_mut().insert("traceparent", traceparent.clone());
        }
        if let Some(token) = token {
            request.headers_mut().insert(AUTHORIZATION, token.header());
        }
        request
    }
}

impl Reply {
    /// Reads the body of an answer to the end.
    pub(super) async fn read(uri: &Uri, response: http::Response<Incoming>) -> Result<Self, TransportError> {
        let (head, body) = response.into_parts();
        let body = Limited::new(body, ANSWER_BYTES)
            .collect()
            .await
            .map_err(|error| TransportError::Lost { endpoint: origin(uri), cause: innermost(&*error) })?;
        let body = body.to_bytes();
        Ok(Self { status: head.status, headers: head.headers, body, after_unavailable: false })
    }

    /// A status that says that another try is in order. A write may have been stored before a 503 all the same, see
    /// [`Error::is_outcome_unknown`](crate::Error::is_outcome_unknown).
    pub(super) fn says_try_later(&self) -> bool {
        matches!(self.status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE)
    }

    /// A 401 that is about the token: RFC 6750 calls that `invalid_token`; a server that gives no reason may
    /// mean it too.
    pub(super) fn refuses_the_token(&self) -> bool {
        self.status == StatusCode::UNAUTHORIZED
            && self
                .headers
                .get(WWW_AUTHENTICATE)
                .is_none_or(|challenge| challenge.to_str().is_ok_and(|text| text.contains("invalid_token")))
    }
}

/// The cause at the end of a chain: the part that says something to a person.
pub(super) fn innermost(error: &(dyn StdError + 'static)) -> String {
    let mut inner = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    inner.to_string()
}
