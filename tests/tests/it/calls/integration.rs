//! An integrator's skill and cloud, in one small program that behaves as published samples do: the skill hands events on,
//! and the cloud sends flat messages with the token of its client.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use jackfield_device::{Device, Measured};
use jackfield_tests::{Request, Response, Tenant, Version, poll};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// What the skill got.
#[derive(Clone, Debug)]
pub(crate) struct Got {
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Bytes,
    pub(crate) body: Value,
}

/// How the skill answers.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: &'static str,
    pub(crate) delay: Duration,
}

/// How the cloud takes part in a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Endpoint {
    /// It does nothing.
    #[default]
    Silent,
    /// It acknowledges what it gets.
    Acknowledges,
    /// It acknowledges, rings, and answers.
    Answers,
    /// The same, with media.
    Media,
}

pub(crate) struct Integration {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    got: Mutex<Vec<Got>>,
    answers: Mutex<HashMap<String, Answer>>,
    endpoint: Endpoint,
    /// The media of the endpoint, of one call at a time.
    media: Mutex<Option<Device>>,
    tenant: Tenant,
    token: String,
}

pub(crate) const SDP: &str = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n";
pub(crate) const ANSWER: &str = "v=0\r\no=- 2 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n";
const SIGNALING: &str = "/v1/communications/signaling";

impl Integration {
    /// Starts the skill, and lets its cloud signal with a token of the tenant's client.
    pub(crate) async fn start(tenant: &Tenant, endpoint: Endpoint) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            got: Mutex::default(),
            answers: Mutex::default(),
            endpoint,
            media: Mutex::default(),
            tenant: tenant.again(Version::Http1),
            token: tenant.token.clone(),
        });
        let serving = Arc::clone(&shared);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let shared = Arc::clone(&serving);
                tokio::spawn(async move {
                    let serve = service_fn(|request| serve(Arc::clone(&shared), request));
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), serve)
                        .await;
                });
            }
        });
        Self { address, shared }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/skill", self.address)
    }

    /// Answers requests of this type so from now on; `""` is every type that nothing else is said of.
    pub(crate) fn answer(&self, kind: &str, answer: Answer) {
        lock(&self.shared.answers).insert(kind.to_owned(), answer);
    }

    /// The endpoint calls: its offer.
    pub(crate) fn offer(&self) -> String {
        let device = Device::new(&[Ipv4Addr::LOCALHOST.into()]).unwrap();
        let offer = device.offer().unwrap();
        *lock(&self.shared.media) = Some(device);
        offer
    }

    /// What the endpoint has sent and heard.
    pub(crate) fn measured(&self) -> Measured {
        lock(&self.shared.media).as_ref().unwrap().measured()
    }

    /// All that the skill got, as the names of the messages.
    pub(crate) fn names(&self) -> Vec<String> {
        lock(&self.shared.got).iter().map(|got| short(&got.body)).collect()
    }

    /// Waits for the first request of this type of this call.
    pub(crate) async fn await_request(&self, name: &str, session: &str) -> Got {
        let wanted = |got: &&Got| {
            short(&got.body) == name && (session.is_empty() || got.body["request"]["sessionId"] == session)
        };
        poll::until_async(name, poll::PATIENCE, async || lock(&self.shared.got).iter().find(wanted).cloned())
            .await
    }

    /// Sends a message of the cloud.
    pub(crate) async fn signal(&self, name: &str, session: &str, fields: Value) -> Response {
        signal(&self.shared, name, session, fields).await
    }
}

/// A message of the cloud with this token.
pub(crate) fn signal_request(token: &str, body: &Value) -> Request {
    Request::new(&http::Method::POST, SIGNALING).bearer(token).json(body)
}

pub(crate) fn message(name: &str, session: &str, mut fields: Value) -> Value {
    let mut body = json!({ "type": format!("Alexa.Comms.CallSignaling.{name}"), "sessionId": session });
    body.as_object_mut().unwrap().append(fields.as_object_mut().unwrap());
    body
}

pub(crate) fn sdp(kind: &str, text: &str) -> Value {
    json!({ "sdpDetails": { "type": kind, "value": text } })
}

/// The fields of a call of an endpoint.
pub(crate) fn inbound(from: &str, to: &str) -> Value {
    let party = |value: &str, is_originator: bool| json!({ "id": { "type": "RAW_ADDRESS", "value": value }, "isOriginator": is_originator });
    let mut fields = sdp("OFFER", SDP);
    fields["participants"] = json!([party(from, true), party(to, false)]);
    fields
}

async fn signal(shared: &Shared, name: &str, session: &str, fields: Value) -> Response {
    shared.tenant.send(&signal_request(&shared.token, &message(name, session, fields))).await
}

fn short(body: &Value) -> String {
    let kind = body["request"]["type"].as_str().unwrap_or_default();
    kind.rsplit('.').next().unwrap_or_default().to_owned()
}

async fn serve(
    shared: Arc<Shared>,
    request: hyper::Request<hyper::body::Incoming>,
) -> Result<hyper::Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let bytes = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let body: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    lock(&shared.got).push(Got { headers: head.headers, bytes, body: body.clone() });
    let name = short(&body);
    let answer = {
        let answers = lock(&shared.answers);
        answers.get(&name).or_else(|| answers.get("")).cloned()
    };
    let good = Answer { status: 200, body: r#"{"version":"1.0","response":{}}"#, delay: Duration::ZERO };
    let Answer { status, body: answer, delay } = answer.unwrap_or(good);
    if status == 200 {
        // As published skills do, it has its cloud act before it answers.
        take_part(&shared, &name, &body["request"]).await;
    }
    tokio::time::sleep(delay).await;
    let mut response = hyper::Response::new(Full::new(Bytes::from(answer)));
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    Ok(response)
}

/// The answer of the endpoint to an offer.
fn answer(shared: &Shared, offer: &str) -> String {
    if shared.endpoint != Endpoint::Media {
        return ANSWER.to_owned();
    }
    let mut media = lock(&shared.media);
    let device = media.get_or_insert_with(|| Device::new(&[Ipv4Addr::LOCALHOST.into()]).unwrap());
    device.answer(offer).unwrap()
}

/// What the cloud does about a message.
async fn take_part(shared: &Arc<Shared>, name: &str, request: &Value) {
    let endpoint = shared.endpoint;
    let session = request["sessionId"].as_str().unwrap_or_default().to_owned();
    let (acknowledges, answers) =
        (endpoint != Endpoint::Silent, matches!(endpoint, Endpoint::Answers | Endpoint::Media));
    let description = || request["sdpDetails"]["value"].as_str().unwrap_or_default();
    let answer = || answer(shared, description());
    let said: Vec<(&str, Value)> = match name {
        "CallRinging" if acknowledges => vec![("CallRingingAck", json!({}))],
        "CallInProgress" if acknowledges => vec![("CallInProgressAck", json!({}))],
        "CallAccepted" if acknowledges => vec![("CallAcceptedAck", json!({}))],
        "CallUpdateResponse" if acknowledges => vec![("CallUpdateAck", json!({}))],
        "InitiateOutboundCall" if answers => {
            vec![("CallRinging", json!({})), ("CallAccepted", sdp("ANSWER", &answer()))]
        }
        "CallUpdate" if answers => vec![("CallUpdateResponse", sdp("ANSWER", &answer()))],
        _ => Vec::new(),
    };
    if let ("CallAccepted" | "CallUpdateResponse", Some(device)) = (name, lock(&shared.media).as_ref()) {
        device.accept(description()).unwrap();
    }
    for (name, fields) in said {
        // The device may have hung up meanwhile.
        let status = signal(shared, name, &session, fields).await.status;
        assert!(matches!(status, 202 | 404), "{name}: {status}");
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
