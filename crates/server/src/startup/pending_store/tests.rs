use std::cell::RefCell;

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use tokio::time::Instant;

use super::*;
use crate::Settings;
use crate::http::admin_hosts::AdminHosts;
use crate::http::cors::Cors;
use crate::http::routes::ROUTES;
use crate::response::Sent;
use crate::router::Listener;
use crate::transport::peer::Peer;

fn service() -> Arc<ServiceGate> {
    Arc::new(ServiceGate::new(Duration::from_secs(1), Cors::default(), AdminHosts::default()))
}

fn retry_policy(service: &Arc<ServiceGate>, on_unavailable: OnUnavailable) -> RetryPolicy {
    RetryPolicy { gate: Arc::clone(service), on_unavailable, throttle: LogThrottle::new() }
}

fn away(cause: &str) -> StartError {
    OpenError::Unavailable { store: "postgres://db".to_owned(), cause: cause.to_owned() }.into()
}

async fn ask(service: &ServiceGate, listener: Listener, method: &Method, path: &str) -> Sent {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", "localhost")
        .body(Full::new(Bytes::from_static(b"{}")));
    service.respond(listener, Peer::LOCAL, None, request.unwrap()).await.unwrap()
}

async fn text(reply: Sent) -> String {
    String::from_utf8(reply.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn what_may_pass_is_tried_again_at_most_two_seconds_later() {
    let service = service();
    let attempts = RefCell::new(Vec::new());
    let attempt = async || {
        attempts.borrow_mut().push(Instant::now());
        match attempts.borrow().len() {
            1..20 => Err(away("connection refused")),
            20 => Err(StartError::Seed {
                path: "seed.toml".into(),
                cause: SeedError::Store(StoreError::Unavailable { cause: "read-only".to_owned() }),
            }),
            n => Ok(n),
        }
    };
    let retry = retry_policy(&service, OnUnavailable::Wait);
    assert_eq!(retry.until_possible(attempt).await.unwrap(), 21);
    assert_eq!(service.causes().borrow().as_deref(), Some("read-only"));
    let attempts = attempts.into_inner();
    let pauses: Vec<Duration> = attempts.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(pauses.is_sorted() && pauses[0] >= PAUSE_MIN, "{pauses:?}");
    // The timer counts whole milliseconds.
    assert!(pauses[19] >= PAUSE_MAX && pauses[19] <= PAUSE_MAX + Duration::from_millis(2), "{pauses:?}");
}

#[tokio::test(start_paused = true)]
async fn what_does_not_pass_ends_the_start() {
    let begun = Instant::now();
    let others: [fn() -> StartError; 3] = [
        || OpenError::NotAStore("d".into()).into(),
        || OpenError::InUse("d".into()).into(),
        || StartError::Seed { path: "s".into(), cause: SeedError::Parse("bad".to_owned()) },
    ];
    for other in others {
        let outcome =
            retry_policy(&service(), OnUnavailable::Wait).until_possible::<()>(async || Err(other())).await;
        assert_eq!(outcome.unwrap_err().to_string(), other().to_string());
    }
    // Nor does anything with the policy to fail at once.
    let outcome = retry_policy(&service(), OnUnavailable::End)
        .until_possible::<()>(async || Err(away("starting up")))
        .await;
    assert_eq!(outcome.unwrap_err().to_string(), "postgres://db is not available: starting up");
    assert_eq!(begun.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_slow_store_is_one_that_is_awaited() {
    let service = service();
    let mut pending = PendingStore(Box::pin(std::future::pending()));
    assert!(pending.first_attempt(&service, Duration::from_secs(10)).await.is_none());
    assert_eq!(service.causes().borrow().as_deref(), Some("the store has not answered yet"));
    let knowing = self::service();
    knowing.wait_for("refused");
    let begun = Instant::now();
    assert!(pending.first_attempt(&knowing, Duration::from_secs(10)).await.is_none());
    assert_eq!(begun.elapsed(), Duration::ZERO);
}

#[tokio::test]
async fn every_route_is_answered_503_until_the_store_is_open() {
    let service = service();
    service.wait_for("connection refused at 10.0.0.7");
    for listener in [Listener::Public, Listener::Admin] {
        let here = ROUTES.iter().filter(|route| route.served.on(listener));
        let asked = here.map(|route| (&route.method, route.path));
        let asked = asked.filter(|(_, path)| *path != "/healthz").chain([(&Method::GET, "/no/such/path")]);
        for (method, path) in asked {
            let path = path.replace(['{', '}'], "");
            let reply = ask(&service, listener, method, &path).await;
            assert_eq!(reply.status(), StatusCode::SERVICE_UNAVAILABLE, "{method} {path}");
            assert_eq!(reply.headers()["retry-after"], "2", "{method} {path}");
            assert_eq!(reply.headers()["x-amzn-requestid"].len(), 36, "{method} {path}");
            let told = path == "/readyz" && listener == Listener::Admin;
            let (content_type, body) = (reply.headers()["content-type"].clone(), text(reply).await);
            assert_eq!(body.contains("10.0.0.7"), told, "{method} {path}: {body}");
            if content_type == "application/json" {
                let body: serde_json::Value = serde_json::from_str(&body).unwrap();
                let login = path.contains("/auth/") || path == "/user/profile";
                let names: Vec<&String> = body.as_object().unwrap().keys().collect();
                let wanted = if login {
                    vec!["error", "error_description", "request_id"]
                } else {
                    vec!["message", "type"]
                };
                assert_eq!(names, wanted, "{method} {path}");
            } else {
                assert_eq!(path, "/ap/oa", "{content_type:?}");
            }
        }
        assert_eq!(ask(&service, listener, &Method::GET, "/healthz").await.status(), StatusCode::OK);
    }
}

#[tokio::test]
async fn the_service_takes_over_when_the_store_opens() {
    let service = service();
    let settings = Settings {
        store: Some("memory:".into()),
        admin_token: Some("admin-token-of-the-test-0123456789".into()),
        ..Settings::default()
    };
    let pending = PendingStore::new(&settings.resolve().unwrap(), &service, OnUnavailable::Wait).unwrap();
    assert_eq!(ask(&service, Listener::Public, &Method::GET, "/readyz").await.status(), 503);
    let (state, token_file) = pending.done().await.unwrap();
    assert_eq!(token_file, None);
    service.open(state);
    assert_eq!(ask(&service, Listener::Public, &Method::GET, "/readyz").await.status(), 200);
    assert_eq!(ask(&service, Listener::Public, &Method::GET, "/no/such/path").await.status(), 404);
    let metrics = text(ask(&service, Listener::Admin, &Method::GET, "/metrics").await).await;
    let counted = r#"jackfield_requests_total{operation="health",status="503"} 1"#;
    assert!(metrics.contains(counted), "what was refused meanwhile counts: {metrics}");
}
