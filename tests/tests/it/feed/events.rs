//! A reader of server-sent events, as the standard says them, that shows what comes when it comes.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use jackfield_tests::{Listener, Server, Tenant, Version, poll};
use serde_json::Value;
use tokio::net::TcpStream;

/// An event with data.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Event {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) data: Value,
}

/// A stream that is open.
pub(crate) struct Events {
    pub(crate) headers: HeaderMap,
    body: Incoming,
    text: String,
    /// The last id, also one that came without data.
    pub(crate) last_id: Option<u64>,
}

/// Who asks.
pub(crate) struct Reader<'a> {
    pub(crate) address: SocketAddr,
    pub(crate) token: &'a str,
}

impl<'a> Reader<'a> {
    pub(crate) fn of(server: &'a Server) -> Self {
        let endpoint = server.endpoint();
        Self { address: endpoint.address(Listener::Admin), token: endpoint.admin_token() }
    }

    /// Opens a stream of the changes after one, or answers the status of the refusal.
    pub(crate) async fn try_open(&self, query: &str, last: Option<&str>) -> Result<Events, StatusCode> {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let request = http::Request::get(format!("/admin/v1/changes{query}"))
            .header("host", self.address.to_string())
            .header("accept", "text/event-stream")
            .header("authorization", format!("Bearer {}", self.token));
        let request = last.into_iter().fold(request, |request, last| request.header("last-event-id", last));
        let request = request.body(Empty::<Bytes>::new()).unwrap();
        let answer = sender.send_request(request).await.unwrap();
        if answer.status() != StatusCode::OK {
            return Err(answer.status());
        }
        let (head, body) = answer.into_parts();
        Ok(Events { headers: head.headers, body, text: String::new(), last_id: None })
    }

    pub(crate) async fn open(&self, query: &str, last: Option<u64>) -> Events {
        let last = last.map(|last| last.to_string());
        self.try_open(query, last.as_deref()).await.unwrap()
    }
}

impl Events {
    /// The next event; nothing at the end of the stream.
    pub(crate) async fn next(&mut self) -> Option<Event> {
        loop {
            while let Some((block, rest)) = self.text.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.text = rest;
                if let Some(event) = self.read(&block) {
                    return Some(event);
                }
            }
            let frame =
                tokio::time::timeout(poll::PATIENCE, self.body.frame()).await.expect("something comes");
            let frame = frame?.ok()?;
            self.text.push_str(std::str::from_utf8(frame.data_ref()?).unwrap());
        }
    }

    /// So many events.
    pub(crate) async fn take(&mut self, count: usize) -> Vec<Event> {
        let mut events = Vec::new();
        while events.len() < count {
            events.push(self.next().await.expect("the stream goes on"));
        }
        events
    }

    fn read(&mut self, block: &str) -> Option<Event> {
        let mut event = Event { id: 0, name: "message".to_owned(), data: Value::Null };
        let mut data = String::new();
        for line in block.lines() {
            match line.split_once(": ").unwrap_or((line, "")) {
                ("id", id) => self.last_id = Some(id.parse().unwrap()),
                ("event", name) => name.clone_into(&mut event.name),
                ("data", text) => data.push_str(text),
                ("retry", milliseconds) => assert!(milliseconds.parse::<u32>().is_ok()),
                (":", _) => {}
                other => panic!("no line of an event: {other:?}"),
            }
        }
        event.id = self.last_id.unwrap_or_default();
        event.data = if data.is_empty() { return None } else { serde_json::from_str(&data).unwrap() };
        Some(event)
    }
}

/// Makes so many associations at several connections, named by their numbers after a beginning.
pub(crate) async fn fill(tenant: &Tenant, beginning: &str, count: usize) {
    const CONNECTIONS: usize = 16;
    let of_one = |connection: usize| {
        let (tenant, beginning) = (tenant.again(Version::Http1), beginning.to_owned());
        tokio::spawn(async move {
            for n in (connection..count).step_by(CONNECTIONS) {
                tenant.create(&format!("{beginning}-{n}"), "1").await.is(201);
            }
        })
    };
    for one in (0..CONNECTIONS).map(of_one).collect::<Vec<_>>() {
        one.await.unwrap();
    }
}
