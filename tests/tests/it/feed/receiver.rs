//! A receiver of webhooks that takes, fails, is slow, and dies. Each delivery has to be signed; that is checked by a
//! computation of our own.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use jackfield_tests::poll;
use ring::digest::{SHA256, digest};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

pub(crate) const SECRET: &str = "whsec_bm9ib2R5LWtub3dzLXRoaXMta2V5LWF0LWFsbC0xMjM0";

/// How deliveries are answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    Takes,
    /// It takes what it is sent, and has much to say about it.
    Babbles,
    Refuses(u16),
    /// It takes what it is sent, too late.
    IsSlow(Duration),
}

/// A delivery as it came.
#[derive(Clone, Debug)]
pub(crate) struct Got {
    pub(crate) headers: HeaderMap,
    pub(crate) path: String,
    pub(crate) body: Bytes,
    /// Whether it was answered with a success.
    pub(crate) taken: bool,
}

pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
    alive: Option<JoinHandle<()>>,
}

struct Shared {
    got: Mutex<Vec<Got>>,
    mood: Mutex<Mood>,
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        let shared = Arc::new(Shared { got: Mutex::default(), mood: Mutex::new(Mood::Takes) });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let alive = Some(tokio::spawn(serve(listener, Arc::clone(&shared))));
        Self { address, shared, alive }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/changes", self.address)
    }

    pub(crate) fn set(&self, mood: Mood) {
        *lock(&self.shared.mood) = mood;
    }

    /// It and its connections are gone at once, in the middle of whatever they did.
    pub(crate) async fn die(&mut self) {
        if let Some(alive) = self.alive.take() {
            alive.abort();
            let _ = alive.await;
        }
    }

    /// It listens again where it did.
    pub(crate) async fn come_back(&mut self) {
        let listener = poll::until_async("the port is free", poll::PATIENCE, async || {
            TcpListener::bind(self.address).await.ok()
        })
        .await;
        self.alive = Some(tokio::spawn(serve(listener, Arc::clone(&self.shared))));
    }

    pub(crate) fn got(&self) -> Vec<Got> {
        lock(&self.shared.got).clone()
    }

    /// The events that it took, in the order in which they came.
    pub(crate) fn taken(&self) -> Vec<Value> {
        lock(&self.shared.got).iter().filter(|got| got.taken).flat_map(Got::events).collect()
    }

    pub(crate) fn count(&self) -> usize {
        lock(&self.shared.got).len()
    }

    /// Waits until it has got so many deliveries, taken or not.
    pub(crate) async fn await_count(&self, count: usize) {
        let patience = 3 * poll::PATIENCE;
        poll::until_async(&format!("{count} deliveries come"), patience, async || {
            (self.count() >= count).then_some(())
        })
        .await;
    }

    pub(crate) fn forget(&self) {
        lock(&self.shared.got).clear();
    }
}

impl Got {
    /// The events of the delivery.
    pub(crate) fn events(&self) -> Vec<Value> {
        match serde_json::from_slice(&self.body).unwrap() {
            Value::Array(events) => events,
            event => vec![event],
        }
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    // They end with it.
    let mut connections = JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let shared = Arc::clone(&shared);
        connections.spawn(async move {
            let answer = service_fn(|request| answer(Arc::clone(&shared), request));
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), answer)
                .await;
        });
    }
}

async fn answer(
    shared: Arc<Shared>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let Ok(body) = body.collect().await else { return Ok(Response::default()) };
    let mut got =
        Got { headers: head.headers, path: head.uri.path().to_owned(), body: body.to_bytes(), taken: false };
    assert_eq!(got.header("webhook-signature"), signature(SECRET, &got), "signed");
    let mood = *lock(&shared.mood);
    got.taken = matches!(mood, Mood::Takes | Mood::Babbles);
    // Whoever dies after this has got it, and its sender does not know.
    lock(&shared.got).push(got);
    let (status, pause) = match mood {
        Mood::Takes => (204, Duration::ZERO),
        Mood::Babbles => (200, Duration::ZERO),
        Mood::Refuses(status) => (status, Duration::ZERO),
        Mood::IsSlow(pause) => (204, pause),
    };
    tokio::time::sleep(pause).await;
    let said = if mood == Mood::Babbles { vec![b'!'; 4 * 1024 * 1024] } else { Vec::new() };
    let mut response = Response::new(Full::from(said));
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    if response.status().is_redirection() {
        response.headers_mut().insert("location", "/elsewhere".parse().unwrap());
    }
    Ok(response)
}

/// What the signature of a delivery has to be: HMAC as RFC 2104 says it, from its hash.
fn signature(secret: &str, got: &Got) -> String {
    let mut key = BASE64_STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    key.resize(64, 0);
    let padded = |with: u8| key.iter().map(|byte| byte ^ with).collect::<Vec<u8>>();
    let said = [got.header("webhook-id"), ".", got.header("webhook-timestamp"), "."].concat();
    let inner = digest(&SHA256, &[&padded(0x36), said.as_bytes(), &got.body].concat());
    let outer = digest(&SHA256, &[&padded(0x5c), inner.as_ref()].concat());
    format!("v1,{}", BASE64_STANDARD.encode(outer))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
