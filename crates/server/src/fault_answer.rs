//! The answer that a fault rule puts in the place of an operation's own.

use http::{HeaderName, HeaderValue, StatusCode, header};

/// An answer in the place of an operation's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FaultAnswer {
    status: StatusCode,
    retry_after: Option<u32>,
}

impl FaultAnswer {
    pub(crate) const fn new(status: StatusCode, retry_after: Option<u32>) -> Self {
        Self { status, retry_after }
    }

    /// Stands for no answer at all: it is never sent.
    pub(crate) const DROPPED: Self = Self { status: StatusCode::SERVICE_UNAVAILABLE, retry_after: None };

    pub(crate) fn status(&self) -> (StatusCode, &'static str) {
        let kind = match self.status.as_u16() {
            400 => "BAD_REQUEST",
            401 => "UNAUTHORIZED",
            403 => "FORBIDDEN",
            404 => "NOT_FOUND",
            405 => "METHOD_NOT_ALLOWED",
            409 => "CONFLICT",
            429 => "TOO_MANY_REQUESTS",
            500 => "INTERNAL_ERROR",
            502 => "BAD_GATEWAY",
            503 => "SERVICE_UNAVAILABLE",
            504 => "GATEWAY_TIMEOUT",
            ..500 => "CLIENT_ERROR",
            _ => "SERVER_ERROR",
        };
        (self.status, kind)
    }

    pub(crate) fn message(&self) -> String {
        "A fault rule of this server asked for this answer; nothing was changed.".to_owned()
    }

    /// The headers that go with the status.
    pub(crate) fn headers(&self) -> Vec<(HeaderName, HeaderValue)> {
        let later = matches!(self.status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
        let retry_after = self.retry_after.or(later.then_some(1));
        let mut headers: Vec<(HeaderName, HeaderValue)> =
            retry_after.map(|seconds| (header::RETRY_AFTER, seconds.into())).into_iter().collect();
        if self.status == StatusCode::UNAUTHORIZED {
            let challenge = "Bearer realm=\"jackfield\", error=\"invalid_token\", error_description=\"a fault rule asked for it\"";
            headers.push((header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge)));
        }
        headers
    }
}
