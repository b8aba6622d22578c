//! The answers of the peers that are hyper alone: fixed bytes, whatever is asked. They look at nothing but the end of the
//! path and the length of the body, to know which of three answers it is.

use std::convert::Infallible;

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;

use crate::setting;

/// A query of one id is shorter, one of 30 longer.
const LENGTH_OF_ONE: usize = 128;

/// What is answered.
#[derive(Clone, Debug)]
pub struct Answers {
    one: Bytes,
    thirty: Bytes,
}

impl Answers {
    /// Those that the harness gives in the environment.
    ///
    /// # Panics
    /// When they are not there.
    #[must_use]
    pub fn given() -> Self {
        Self { one: setting("BENCH_ANSWER_1").into(), thirty: setting("BENCH_ANSWER_30").into() }
    }

    /// Reads the body and answers.
    ///
    /// # Errors
    /// None.
    pub async fn answer(self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
        let is_query = request.uri().path().ends_with("/query");
        let body = request.into_body().collect().await.map_or_else(|_| Bytes::new(), |body| body.to_bytes());
        let mut response = Response::new(Full::default());
        if is_query {
            let fixed = if body.len() < LENGTH_OF_ONE { self.one } else { self.thirty };
            *response.body_mut() = Full::new(fixed);
            let json = HeaderValue::from_static("application/json");
            response.headers_mut().insert(header::CONTENT_TYPE, json);
        } else {
            *response.status_mut() = StatusCode::CREATED;
        }
        Ok(response)
    }
}
