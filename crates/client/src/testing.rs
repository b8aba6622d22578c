//! A server that answers by a script, for tests of programs that use this client.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::Endpoint;

/// What the server does with a request.
#[derive(Clone, Debug)]
pub enum Step {
    /// Answers.
    Answer {
        /// The status.
        status: u16,
        /// Headers beside the length.
        headers: Vec<(&'static str, String)>,
        /// The body.
        body: String,
    },
    /// Reads the request and closes the connection without an answer.
    HangUp,
    /// Reads the request and never answers.
    Silence,
}

/// A request that came.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Its method.
    pub method: Method,
    /// Path and query.
    pub path: String,
    /// The `Authorization` header, empty when there is none.
    pub authorization: String,
    /// The `Content-Type` header, empty when there is none.
    pub content_type: String,
    /// The body.
    pub body: String,
}

/// A server on a free port of this machine. It takes one step of its script a request; after the last one it
/// answers 500. It ends when dropped.
#[derive(Debug)]
pub struct ScriptedServer {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    task: JoinHandle<()>,
}

type Script = Arc<Mutex<VecDeque<Step>>>;

impl Step {
    /// An answer with a JSON body.
    #[must_use]
    pub fn json(status: u16, body: &str) -> Self {
        Self::Answer {
            status,
            headers: vec![("content-type", "application/json".to_owned())],
            body: body.to_owned(),
        }
    }

    /// An answer with the error body of the API and a request id.
    #[must_use]
    pub fn error(status: u16, kind: &str, message: &str) -> Self {
        Self::json(status, &format!(r#"{{"type":"{kind}","message":"{message}"}}"#))
            .with("x-amzn-requestid", "0b0e7e66-0000-4000-8000-000000000001")
    }

    /// The same answer with a header more.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        if let Self::Answer { headers, .. } = &mut self {
            headers.push((name, value.to_owned()));
        }
        self
    }
}

impl ScriptedServer {
    /// Starts a server with this script.
    ///
    /// # Panics
    /// When no port is free.
    pub async fn start(script: impl IntoIterator<Item = Step>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("a listener has an address");
        let seen = Arc::new(Mutex::new(Vec::new()));
        let script: Script = Arc::new(Mutex::new(script.into_iter().collect()));
        let task = tokio::spawn(serve(listener, script, Arc::clone(&seen)));
        Self { address, seen, task }
    }

    /// Its base URL.
    ///
    /// # Panics
    /// Never: an address is a base URL.
    #[must_use]
    pub fn endpoint(&self) -> Endpoint {
        format!("http://{}", self.address).parse().expect("an address is a base URL")
    }

    /// The requests that came, in order.
    ///
    /// # Panics
    /// When the server panicked.
    #[must_use]
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().expect("the server does not panic").clone()
    }
}

impl Drop for ScriptedServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, script: Script, seen: Arc<Mutex<Vec<Seen>>>) {
    // Connections end with the server: a set that is dropped aborts its tasks.
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let (script, seen) = (Arc::clone(&script), Arc::clone(&seen));
        connections.spawn(async move {
            let service = service_fn(move |request| answer(request, Arc::clone(&script), Arc::clone(&seen)));
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

/// The error closes the connection.
#[derive(Debug)]
struct HungUp;

impl std::fmt::Display for HungUp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the script says so")
    }
}

impl std::error::Error for HungUp {}

async fn answer(
    request: Request<Incoming>,
    script: Script,
    seen: Arc<Mutex<Vec<Seen>>>,
) -> Result<Response<Full<Bytes>>, HungUp> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| HungUp)?.to_bytes();
    let header = |name: &str| {
        head.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
    };
    seen.lock().expect("the server does not panic").push(Seen {
        authorization: header("authorization"),
        content_type: header("content-type"),
        path: head.uri.to_string(),
        method: head.method,
        body: String::from_utf8_lossy(&body).into_owned(),
    });
    let step = script.lock().expect("the server does not panic").pop_front();
    match step {
        None => Ok(reply(500, &[], "the script is over".to_owned())),
        Some(Step::HangUp) => Err(HungUp),
        Some(Step::Silence) => {
            let never: Infallible = std::future::pending().await;
            match never {}
        }
        Some(Step::Answer { status, headers, body }) => Ok(reply(status, &headers, body)),
    }
}

fn reply(status: u16, headers: &[(&'static str, String)], body: String) -> Response<Full<Bytes>> {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, value);
    }
    response.body(Full::new(Bytes::from(body))).expect("the script holds valid headers")
}
