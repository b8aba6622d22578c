use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::Request;
use http_body_util::BodyExt;
use hyper::body::{Body, Frame};
use jackfield_model::limit;
use jackfield_store::faulty::{Faults as StoreFaults, FaultyStore};
use jackfield_store::{MemoryStore, Registry, Store};

use super::*;
use crate::auth;
use crate::http::admin_hosts::AdminHosts;
use crate::http::cors::Cors;
use crate::http::routes;
use crate::http::service_gate::ServiceGate;
use crate::issuer::Issuers;
use crate::response::Sent;
use crate::sandbox::clock::{Clock, ClockOffset};
use crate::sandbox::fault::Faults;
use crate::sandbox::ids::Ids;
use crate::sandbox::request_log::{Journal, JournalScope};
use crate::sandbox::reset_lock::ResetLock;
use crate::seed;
use crate::state::{Consent, Credentials, Documents, Limits, Operators, Sandbox};
use crate::throttle::admission::Places;
use crate::throttle::guess::Guesses;
use crate::throttle::rate::Rates;
use crate::transport::peer::Peer;

const SEED: &str = r#"
[[organization]]
id = "amzn1.alexa.unit.did.o"
name = "Hotel"
country = "US"
vertical = "hospitality"
webrtc = true
[[organization.client]]
id = "amzn1.application-oa2-client.c"
secret = "a-secret-of-the-test-with-32-bytes"
[[organization.service_provider]]
id = "amzn1.comms.csp.id.d3b0c0de-0000-4000-8000-000000000001"
logical_id = "hotel"
"#;
const CREATE: &str = "/v1/communications/serviceProviders/amzn1.comms.csp.id.d3b0c0de-0000-4000-8000-000000000001/externalUsers";

/// A body that fails in the way of a bug.
struct Panicking;

impl Body for Panicking {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        panic!("a bug")
    }
}

/// A gate that is open.
async fn gate() -> Arc<ServiceGate> {
    gate_on(Arc::new(MemoryStore::default())).await
}

async fn gate_on(store: Arc<dyn Store>) -> Arc<ServiceGate> {
    let gate = Arc::new(ServiceGate::new(Duration::from_secs(10), Cors::default(), AdminHosts::default()));
    let metrics = Arc::clone(gate.metrics());
    let places = |most| Places::new(most, Arc::clone(&metrics));
    let issuers = Issuers { builtin: true, foreign: None };
    let state = State {
        credentials: Credentials::new(&*store, issuers, "admin-token"),
        limits: Limits {
            rates: Rates::new(0),
            guesses: Guesses::new(Arc::clone(&metrics)),
            bodies: Arc::clone(gate.bodies()),
            unsent: Arc::clone(gate.unsent()),
            operations: places(1),
            logins: places(1),
        },
        sandbox: Sandbox {
            clock: Clock::new(ClockOffset::default()),
            initial_clock: ClockOffset::default(),
            faults: Faults::default(),
            fault_operations: routes::fault_operations(),
            journal: Journal::new(10, JournalScope::All),
            ids: Ids::default(),
            reset_lock: ResetLock::new(false),
            seeds: Vec::new(),
        },
        operators: Operators::default(),
        consent: Consent::default(),
        documents: Documents { openapi: Bytes::new, page: Bytes::new },
        imports: crate::imports::Imports::open(None, None, Arc::default()),
        feed: crate::feed::Feed::default(),
        skills: crate::skill::Skills::default(),
        calls: crate::calls::Calls::default(),
        traces: crate::traces::Traces::default(),
        lenient: true,
        started: Instant::now(),
        metrics: Arc::clone(&metrics),
        store,
    };
    seed::apply(&*state.store, state.keys(), &seed::parse(SEED).unwrap()).await.unwrap();
    gate.open(Arc::new(state));
    gate
}

fn state(gate: &ServiceGate) -> &State {
    gate.state().unwrap()
}

fn create(state: &State) -> http::request::Builder {
    let client = state.store.registry().clients["amzn1.application-oa2-client.c"].clone();
    let token = auth::issue(state, &client, &client.scopes, 60).access_token;
    Request::post(CREATE).header("host", "x").header("authorization", format!("Bearer {}", token.0))
}

async fn body_of(response: Sent) -> serde_json::Value {
    serde_json::from_slice(&response.into_body().collect().await.unwrap().to_bytes()).unwrap()
}

#[tokio::test]
async fn a_panic_is_a_500_with_a_request_id_and_gives_its_place_back() {
    let gate = gate().await;
    for _ in 0..3 {
        let response = gate
            .respond(Listener::Public, Peer::LOCAL, None, create(state(&gate)).body(Panicking).unwrap())
            .await
            .unwrap();
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(response.headers()["x-amzn-requestid"].len(), 36);
        let body = body_of(response).await;
        assert_eq!(body["type"], "INTERNAL_ERROR");
        assert!(!body.to_string().contains("a bug"), "the cause is for the log only");
    }
    assert_eq!(state(&gate).limits.in_flight(), 0);
}

#[tokio::test]
async fn the_refusal_of_a_full_house_is_a_503_that_says_when_to_come_back() {
    let gate = gate().await;
    let _taken = state(&gate).limits.operations.take().unwrap();
    let request = create(state(&gate)).body(http_body_util::Full::new(Bytes::from_static(b"{}"))).unwrap();
    let response = gate.respond(Listener::Public, Peer::LOCAL, None, request).await.unwrap();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(response.headers()["retry-after"], "1");
    let request = Request::get("/healthz").header("host", "x");
    let request = request.body(http_body_util::Empty::<Bytes>::new()).unwrap();
    assert_eq!(
        gate.respond(Listener::Public, Peer::LOCAL, None, request).await.unwrap().status(),
        StatusCode::OK,
        "health is never shed"
    );
}

#[tokio::test]
async fn a_write_in_doubt_says_what_to_do_and_has_a_reason_of_its_own() {
    let store = Arc::new(FaultyStore::new(Arc::new(MemoryStore::default()), 1));
    let gate = gate_on(Arc::clone(&store) as Arc<dyn Store>).await;
    let association = r#"{"externalUserId":"7201","amazonIdType":"communication-profile",
        "amazonId":"amzn1.alexa.communications.profile.did.1"}"#;
    let send = async || {
        let body = http_body_util::Full::new(Bytes::from_static(association.as_bytes()));
        gate.respond(Listener::Public, Peer::LOCAL, None, create(state(&gate)).body(body).unwrap())
            .await
            .unwrap()
    };
    store.set(StoreFaults { writes_per_mille: 1_000, in_doubt: true, ..StoreFaults::default() });
    let response = send().await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(response.headers()["retry-after"], limit::IN_DOUBT_SECONDS.to_string().as_str());
    let body = body_of(response).await;
    assert_eq!(body["type"], "SERVICE_UNAVAILABLE");
    let message = body["message"].as_str().unwrap();
    assert!(message.contains("not known") && message.contains("Query"), "{message}");
    store.set(StoreFaults { writes_per_mille: 1_000, ..StoreFaults::default() });
    let nothing_stored = send().await;
    assert_eq!(nothing_stored.headers()["retry-after"], "1");
    store.set(StoreFaults::default());
    assert_eq!(send().await.status(), StatusCode::CONFLICT, "it was stored");
    let page = state(&gate)
        .sandbox
        .journal
        .read(&crate::sandbox::request_log::Filter::default(), None, 10, Duration::ZERO)
        .await;
    let reasons: Vec<_> =
        page.entries.iter().filter_map(|entry| Some(entry.refusal.as_ref()?.reason.as_str())).collect();
    assert_eq!(reasons, ["in_doubt", "unavailable", "conflict"]);
    let metrics = state(&gate).metrics.render(None, &Registry::default());
    let metrics = String::from_utf8(metrics).unwrap();
    assert!(metrics.contains("\njackfield_writes_in_doubt_total 1\n"), "{metrics}");
}
