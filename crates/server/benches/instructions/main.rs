//! What a call costs in instructions, without network and HTTP library: does a call many times in a server that is set
//! up as it is shipped.
//!
//! script/instructions runs it under callgrind, which counts what happens while [`counted_calls`] runs, on every thread.

mod allocator;

use std::future::poll_fn;
use std::path::PathBuf;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::Full;
use jackfield_model::ClientId;
use jackfield_server::{Config, LogFormat, OnUnavailable, SeedSource, Server, Settings};
use jackfield_store::StoreUrl;
use tokio::runtime::Runtime;

const SEED: &str = r#"
[[organization]]
id = "amzn1.alexa.unit.did.o"
name = "Hotel"
country = "US"
vertical = "hospitality"
webrtc = true
[[organization.client]]
id = "amzn1.application-oa2-client.0123456789abcdef0123456789abcdef"
secret = "a-secret-of-the-count-with-32-bytes"
rate_limit = 1000000
[[organization.service_provider]]
id = "amzn1.comms.csp.id.d3b0c0de-0000-4000-8000-000000000001"
logical_id = "hotel"
"#;
const CLIENT: &str = "amzn1.application-oa2-client.0123456789abcdef0123456789abcdef";
const PATH: &str = "/v1/communications/serviceProviders/amzn1.comms.csp.id.d3b0c0de-0000-4000-8000-000000000001/externalUsers";
/// Associations that queries find.
const THERE: usize = 64;

const ANSWERED: &str = "there are no fault rules, and bodies are whole";

/// What is counted.
#[derive(Clone, Copy)]
enum Call {
    Query(usize),
    /// As many at a time.
    Create(usize),
}

fn external_user_id(number: usize) -> String {
    // Of one length, so that every call does the same.
    format!("room-{number:06}")
}

fn create_body(number: usize) -> String {
    format!(
        r#"{{"externalUserId":"{}","amazonId":"amzn1.alexa.communications.profile.did.{number:032x}","amazonIdType":"communication-profile"}}"#,
        external_user_id(number)
    )
}

fn query_body(first: usize, ids: usize) -> String {
    let ids: Vec<String> =
        (0..ids).map(|id| format!("\"{}\"", external_user_id((first + id) % THERE))).collect();
    format!(r#"{{"filters":{{"externalUserIds":[{}]}}}}"#, ids.join(","))
}

fn config(store: StoreUrl) -> Config {
    let free = || Some("127.0.0.1:0".parse().expect("an address"));
    let settings = Settings {
        listen: free(),
        admin_listen: free(),
        admin_token: Some("an-admin-token-nobody-uses".into()),
        ..Settings::default()
    };
    let mut config = settings.resolve().expect("these settings make a server");
    config.store = store;
    config.seeds = vec![SeedSource::BuiltIn(SEED)];
    config
}

fn request(token: &str, path: &str, body: String) -> Request<Full<Bytes>> {
    Request::post(path)
        .header("host", "127.0.0.1")
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/json")
        .body(Full::new(Bytes::from(body)))
        .expect("a request")
}

async fn ask(server: &Server, request: Request<Full<Bytes>>) -> (StatusCode, Bytes) {
    // Pinned where it is made, as a connection does.
    pin!(server.answer(request)).await.expect(ANSWERED)
}

/// A server in which everything has run once, and the requests.
async fn prepare(store: StoreUrl, call: Call, count: usize) -> (Server, Vec<Request<Full<Bytes>>>) {
    let server = Server::start(config(store), OnUnavailable::End).await.expect("it starts");
    let client = ClientId::new(CLIENT).expect("a client id");
    let token = server.issue_access_token(&client, Duration::from_secs(3600)).expect("the client is there").0;
    let query_path = format!("{PATH}/query");
    let query = |number, ids| request(&token, &query_path, query_body(number, ids));
    for number in 0..THERE {
        let (status, _) = ask(&server, request(&token, PATH, create_body(number))).await;
        assert_eq!(status, StatusCode::CREATED);
    }
    // A row is kept when it is read a second time.
    for number in 0..2 * THERE {
        assert_eq!(ask(&server, query(number, 1)).await.0, StatusCode::OK);
    }
    let requests = (0..count).map(|number| match call {
        Call::Query(ids) => query(number, ids),
        Call::Create(_) => request(&token, PATH, create_body(THERE + number)),
    });
    let requests = requests.collect();
    (server, requests)
}

/// What is counted. Its name stands in script/instructions.
#[inline(never)]
fn counted_calls(runtime: &Runtime, server: &Server, call: Call, requests: Vec<Request<Full<Bytes>>>) {
    let (wanted, length, at_a_time) = match call {
        Call::Query(ids) => (StatusCode::OK, ids * 100, 1),
        Call::Create(at_a_time) => (StatusCode::CREATED, 0, at_a_time),
    };
    let check = |(status, body): (StatusCode, Bytes)| {
        assert!(status == wanted && body.len() >= length, "{status} {body:?}");
    };
    runtime.block_on(async {
        if at_a_time == 1 {
            for request in requests {
                check(pin!(server.answer(request)).await.expect(ANSWERED));
            }
            return;
        }
        let mut requests = requests.into_iter().peekable();
        while requests.peek().is_some() {
            let group = requests.by_ref().take(at_a_time);
            // Where each stays: a queue of futures would move them, which costs as much as a part of the server.
            let mut asked: Vec<_> = group.map(|request| Box::pin(ask(server, request))).collect();
            poll_fn(|context| {
                asked.retain_mut(|answer| match answer.as_mut().poll(context) {
                    Poll::Ready(answer) => {
                        check(answer);
                        false
                    }
                    Poll::Pending => true,
                });
                if asked.is_empty() { Poll::Ready(()) } else { Poll::Pending }
            })
            .await;
        }
    });
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [call, store, count, directory] = arguments.as_slice() else {
        // `cargo bench` runs it without arguments.
        eprintln!("usage: instructions query-1|query-30|create|create-32 memory|embedded COUNT DIRECTORY");
        return;
    };
    let call = match call.as_str() {
        "query-1" => Call::Query(1),
        "query-30" => Call::Query(30),
        "create" => Call::Create(1),
        "create-32" => Call::Create(32),
        other => panic!("{other} is no call"),
    };
    let store = match store.as_str() {
        "memory" => StoreUrl::Memory,
        "embedded" => StoreUrl::Embedded(PathBuf::from(directory)),
        other => panic!("{other} is no store"),
    };
    jackfield_server::logs::start("info", LogFormat::Text);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let count = count.parse().expect("a number");
    let (server, requests) = runtime.block_on(prepare(store, call, count));
    counted_calls(&runtime, &server, call, requests);
}
