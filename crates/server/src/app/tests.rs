use std::pin::Pin;
use std::task::{Context, Poll};

use http_body_util::BodyExt;
use hyper::body::Frame;
use jackfield_store::MemoryStore;

use super::*;

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

async fn app() -> Arc<App> {
    let setup = Setup {
        default_rate: 0,
        journal: Journal::new(10, crate::JournalScope::All),
        clock: ClockOffset::default(),
        allow_reset: false,
        lenient: true,
        seeds: vec![seed::parse(SEED).unwrap()],
        issuers: Issuers { builtin: true, foreign: None },
        admin_hosts: Hosts::default(),
        bodies: Arc::new(Bodies::new(Duration::from_secs(10), Arc::default())),
        unsent: Arc::default(),
        max_in_flight: 1,
        consent: Consent::default(),
    };
    let app = App::new(Arc::new(MemoryStore::default()), Arc::default(), "admin-token", setup);
    seed::apply(&*app.store, app.keys(), &app.seeds[0]).await.unwrap();
    Arc::new(app)
}

fn create(app: &App) -> http::request::Builder {
    let client = app.store.registry().clients["amzn1.application-oa2-client.c"].clone();
    let token = lwa::issue(app, &client, &client.scopes, 60).access_token;
    Request::post(CREATE).header("host", "x").header("authorization", format!("Bearer {}", token.0))
}

async fn body_of(response: Reply) -> serde_json::Value {
    serde_json::from_slice(&response.into_body().collect().await.unwrap().to_bytes()).unwrap()
}

#[tokio::test]
async fn a_panic_is_a_500_with_a_request_id_and_gives_its_place_back() {
    let app = app().await;
    for _ in 0..3 {
        let response = app
            .respond(Listener::Public, Peer::LOCAL, None, create(&app).body(Panicking).unwrap())
            .await
            .unwrap();
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(response.headers()["x-amzn-requestid"].len(), 36);
        let body = body_of(response).await;
        assert_eq!(body["type"], "INTERNAL_ERROR");
        assert!(!body.to_string().contains("a bug"), "the cause is for the log only");
    }
    assert_eq!(app.in_flight(), 0);
}

#[tokio::test]
async fn the_refusal_of_a_full_house_is_a_503_that_says_when_to_come_back() {
    let app = app().await;
    let _taken = app.operations.take().unwrap();
    let request = create(&app).body(http_body_util::Full::new(Bytes::from_static(b"{}"))).unwrap();
    let response = app.respond(Listener::Public, Peer::LOCAL, None, request).await.unwrap();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(response.headers()["retry-after"], "1");
    let request = Request::get("/healthz").header("host", "x");
    let request = request.body(http_body_util::Empty::<Bytes>::new()).unwrap();
    assert_eq!(
        app.respond(Listener::Public, Peer::LOCAL, None, request).await.unwrap().status(),
        StatusCode::OK,
        "health is never shed"
    );
}
