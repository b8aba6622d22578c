//! One delivery: signed, bounded in time and in what is read of the answer. A redirect is not followed.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Request, Uri};
use http_body_util::Full;
use jackfield_model::limit;
use jackfield_store::Timestamp;
use jackfield_store::registry::Webhook;
use ring::hmac;

use crate::feed::cloud_event;
use crate::outbound::{Bounds, Outbound};
use crate::state::State;
use crate::traces::{Outgoing, Traces};

/// What a delivery is called in traces.
const OPERATION: &str = "webhook_delivery";

/// Where deliveries of a webhook go, and how they are signed.
pub(super) struct Target {
    outbound: Outbound,
    key: hmac::Key,
    uri: Uri,
    media: &'static str,
    timeout: Duration,
    id: String,
}

/// What bounds the connections to a webhook.
pub(super) const fn bounds(timeout: Duration) -> Bounds {
    Bounds { connect: timeout, idle: 1, answer: limit::WEBHOOK_ANSWER_BYTES }
}

impl Target {
    /// Opens the secret, and reads the certificates that are trusted.
    ///
    /// # Errors
    /// Why nothing can be delivered, for people.
    pub(super) async fn new(state: &State, webhook: &Webhook) -> Result<Self, String> {
        let keys = state.keys();
        let key = keys.webhook_secrets.open(&webhook.id.to_string(), &webhook.secret.0);
        let key = key.ok_or("its secret was encrypted by another directory; make the webhook anew")?;
        let uri = webhook.url.parse().map_err(|_| "its URL cannot be called")?;
        let timeout = Duration::from_millis(webhook.timeout_ms);
        let ca = webhook.ca.clone();
        let making = move || Outbound::new(ca.as_deref().map(str::as_bytes), bounds(timeout));
        // The certificates of the machine are files.
        let outbound = tokio::task::spawn_blocking(making).await.map_err(|_| "the server ends")?;
        let outbound = outbound.map_err(|error| format!("its ca cannot be used: {error}"))?;
        let media = if webhook.batch > 1 { cloud_event::BATCH } else { cloud_event::EVENT };
        Ok(Self {
            outbound,
            key: hmac::Key::new(hmac::HMAC_SHA256, &key),
            uri,
            media,
            timeout,
            id: webhook.id.to_string(),
        })
    }

    /// Delivers a body once, after so many attempts that failed.
    ///
    /// # Errors
    /// What was wrong, for people. It repeats nothing of the URL, the body or the answer.
    pub(super) async fn deliver(
        &self,
        traces: &Traces,
        id: &str,
        body: Bytes,
        failures: u32,
    ) -> Result<(), String> {
        let seconds = Timestamp::now().0 / 1_000;
        let header = |text: &str| HeaderValue::from_str(text).expect("digits, words and base64");
        let mut request = Request::post(self.uri.clone())
            .header(CONTENT_TYPE, HeaderValue::from_static(self.media))
            .header("webhook-id", header(id))
            .header("webhook-timestamp", HeaderValue::from(seconds))
            .header("webhook-signature", header(&cloud_event::signature(&self.key, id, seconds, &body)))
            .body(Full::new(body))
            .map_err(|_| "its URL cannot be called".to_owned())?;
        let outgoing = Outgoing {
            operation: OPERATION,
            message: None,
            object: ("jackfield.webhook_id", &self.id),
            resent: failures,
        };
        let sending = traces.send(&outgoing, &mut request);
        let answered = tokio::time::timeout(self.timeout, self.outbound.status(request)).await;
        if let Some(sending) = sending {
            sending.end(match &answered {
                Err(_) => Err("timeout"),
                Ok(answered) => answered.as_ref().map_err(|_| "connection").copied(),
            });
        }
        match answered {
            Err(_) => Err(format!("it did not answer within {:?}", self.timeout)),
            Ok(Err(error)) => Err(error.to_string().chars().take(limit::WEBHOOK_ERROR_CHARS).collect()),
            Ok(Ok(status)) if status.is_success() => Ok(()),
            Ok(Ok(status)) if status.is_redirection() => {
                Err(format!("it answered {}, and redirects are not followed", status.as_u16()))
            }
            Ok(Ok(status)) => Err(format!("it answered {}", status.as_u16())),
        }
    }
}
