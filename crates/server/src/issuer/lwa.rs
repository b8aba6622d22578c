//! The tokeninfo of Login with Amazon. It gives the client and lifetime of a token, but no scopes.

use bytes::Bytes;
use http::{Request, StatusCode, Uri};
use http_body_util::Full;
use serde::Deserialize;

use super::{Answer, unavailable, vouch};
use crate::outbound::Outbound;

pub(super) struct TokenInfo {
    outbound: Outbound,
    url: Uri,
}

#[derive(Deserialize)]
struct Info {
    aud: String,
    /// Seconds left.
    exp: u64,
}

#[derive(Deserialize)]
struct Refusal {
    error: String,
}

impl TokenInfo {
    pub(super) const fn new(outbound: Outbound, url: Uri) -> Self {
        Self { outbound, url }
    }

    pub(super) async fn ask(&self, token: &str, now: u64) -> Answer {
        let token: String = form_urlencoded::byte_serialize(token.as_bytes()).collect();
        let separator = if self.url.query().is_some() { '&' } else { '?' };
        let request = Request::get(format!("{}{separator}access_token={token}", self.url));
        let Ok(request) = request.body(Full::<Bytes>::default()) else { return Answer::No };
        let answered = match self.outbound.send(request).await {
            Ok(answered) => answered,
            Err(cause) => return unavailable(cause.to_string()),
        };
        match answered.status {
            StatusCode::OK => match answered.json::<Info>() {
                Ok(Info { aud, exp }) => vouch(&aud, None, now.saturating_add(exp)),
                Err(cause) => unavailable(cause),
            },
            StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED => match answered.json::<Refusal>() {
                Ok(Refusal { error }) if matches!(&*error, "invalid_token" | "invalid_request") => Answer::No,
                _ => unavailable("it refuses, and does not say that the token is bad"),
            },
            status => unavailable(format!("it answers {status}")),
        }
    }
}
