//! Token introspection (RFC 7662).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderValue, Request, StatusCode, Uri, header};
use http_body_util::Full;
use jackfield_model::admin::Secret;
use serde::Deserialize;

use super::{Answer, Audience, Scopes, unavailable, vouch};
use crate::outbound::Outbound;

/// Lifetime in seconds of a token whose issuer gives no expiry. The server asks the issuer again before that.
const LIFE_UNSAID: u64 = 300;

pub(super) struct Introspection {
    outbound: Outbound,
    endpoint: Uri,
    authorization: HeaderValue,
    audience: Option<String>,
}

/// The client id for the requests.
pub(super) struct Credentials {
    pub(super) id: String,
    pub(super) secret: Secret,
}

#[derive(Deserialize)]
struct Introspected {
    active: bool,
    client_id: Option<String>,
    scope: Option<Scopes>,
    exp: Option<u64>,
    aud: Option<Audience>,
}

impl Introspection {
    pub(super) fn new(
        outbound: Outbound,
        endpoint: Uri,
        credentials: &Credentials,
        audience: Option<String>,
    ) -> Self {
        // Both parts are form-encoded before they are joined (RFC 6749, section 2.3.1).
        let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let pair = format!("{}:{}", encode(&credentials.id), encode(&credentials.secret.0));
        let mut authorization = HeaderValue::from_str(&format!("Basic {}", STANDARD.encode(pair)))
            .expect("base64 is a header value");
        authorization.set_sensitive(true);
        Self { outbound, endpoint, authorization, audience }
    }

    pub(super) async fn ask(&self, token: &str, now: u64) -> Answer {
        // The serializer may not be held over an await.
        let form = {
            let mut form = form_urlencoded::Serializer::new(String::new());
            form.append_pair("token", token).append_pair("token_type_hint", "access_token");
            form.finish()
        };
        let request = Request::post(self.endpoint.clone())
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::AUTHORIZATION, self.authorization.clone())
            .body(Full::new(Bytes::from(form)))
            .expect("the endpoint and the headers are checked values");
        let answered = match self.outbound.send(request).await {
            Ok(answered) => answered,
            Err(cause) => return unavailable(cause.to_string()),
        };
        if answered.status != StatusCode::OK {
            return unavailable(format!("its introspection answers {}", answered.status));
        }
        match answered.json::<Introspected>() {
            Ok(said) => self.judge(&said, now),
            Err(cause) => unavailable(cause),
        }
    }

    fn judge(&self, said: &Introspected, now: u64) -> Answer {
        let for_us = match (&self.audience, &said.aud) {
            (None, _) => true,
            (Some(wanted), Some(audience)) => audience.holds(wanted),
            (Some(_), None) => false,
        };
        match &said.client_id {
            Some(client) if said.active && for_us => {
                let expires = said.exp.unwrap_or_else(|| now.saturating_add(LIFE_UNSAID));
                vouch(client, Some(Scopes::known(said.scope.as_ref())), expires)
            }
            _ => Answer::No,
        }
    }
}
