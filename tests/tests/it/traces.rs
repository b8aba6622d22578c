//! Traces, as a collector gets them over OTLP.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderMap, Method};
use http_body_util::{BodyExt, Full};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use jackfield_tests::tenant::{association, external_users};
use jackfield_tests::{Listener, Options, Request, Response, Server, Tenant, TenantOptions, poll};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::trace::v1::{Span, span::SpanKind};
use prost::Message;
use serde_json::json;
use tokio::net::TcpListener;

use crate::calls::device::{Stage, hang_up};
use crate::calls::integration::Endpoint;
use crate::feed::receiver::{Mood, Receiver, SECRET};
use crate::feed::webhook::add;

/// The ids of a trace and of a span in it that a caller began.
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const UNSAMPLED: &str = "5bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";
const ENDPOINT: &str = "room-with-a-name-of-its-own";

/// A collector: what it was sent, in the bytes that it came in and read.
#[derive(Clone, Default)]
struct Collector {
    bodies: Arc<Mutex<Vec<Bytes>>>,
}

impl Collector {
    async fn start() -> (Self, SocketAddr) {
        let collector = Self::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let bodies = Arc::clone(&collector.bodies);
        tokio::spawn(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else { continue };
                let bodies = Arc::clone(&bodies);
                let serve = service_fn(move |request: http::Request<hyper::body::Incoming>| {
                    let bodies = Arc::clone(&bodies);
                    async move {
                        assert_eq!(request.uri().path(), "/v1/traces");
                        let body = request.into_body().collect().await.unwrap().to_bytes();
                        bodies.lock().unwrap().push(body);
                        Ok::<_, Infallible>(http::Response::new(Full::new(Bytes::new())))
                    }
                });
                let connection = hyper::server::conn::http1::Builder::new();
                tokio::spawn(connection.serve_connection(TokioIo::new(stream), serve));
            }
        });
        (collector, address)
    }

    fn spans(&self) -> Vec<Span> {
        let bodies = self.bodies.lock().unwrap();
        let read = bodies.iter().map(|body| ExportTraceServiceRequest::decode(body.clone()).unwrap());
        read.flat_map(|request| request.resource_spans)
            .flat_map(|resource| resource.scope_spans)
            .flat_map(|scope| scope.spans)
            .collect()
    }

    /// The spans of the request with this answer, once they are there; that of the request first.
    async fn of(&self, response: &Response) -> Vec<Span> {
        let id = response.request_id();
        let found = async || {
            let spans = self.spans();
            let request = spans.iter().find(|span| text(span, "jackfield.request_id") == Some(id))?.clone();
            let mut all: Vec<Span> =
                spans.into_iter().filter(|span| span.trace_id == request.trace_id).collect();
            all.retain(|span| span.span_id != request.span_id);
            all.insert(0, request);
            Some(all)
        };
        poll::until_async("the spans of the request arrive", poll::PATIENCE, found).await
    }

    /// The span that the headers of a request say, once it is there; not sampled, it never is.
    async fn said_by(&self, headers: &HeaderMap) -> Span {
        let said = headers["traceparent"].to_str().unwrap();
        let [_, trace, span, flags] = said.split('-').collect::<Vec<_>>()[..] else { panic!("{said}") };
        assert_eq!(flags, "01", "{said}");
        let found = async || {
            let spans = self.spans();
            spans.into_iter().find(|found| hex(&found.span_id) == span && hex(&found.trace_id) == trace)
        };
        poll::until_async("the span of a request to another program arrives", poll::PATIENCE, found).await
    }

    /// Whether any body that came has these bytes in it.
    fn has(&self, text: &str) -> bool {
        let bodies = self.bodies.lock().unwrap();
        bodies.iter().any(|body| body.windows(text.len()).any(|window| window == text.as_bytes()))
    }
}

/// An attribute that is text.
fn text<'s>(span: &'s Span, key: &str) -> Option<&'s str> {
    match span.attributes.iter().find(|attribute| attribute.key == key)?.value.as_ref()?.value.as_ref()? {
        Any::StringValue(text) => Some(text),
        _ => None,
    }
}

/// An attribute that is a number.
fn number(span: &Span, key: &str) -> Option<i64> {
    match span.attributes.iter().find(|attribute| attribute.key == key)?.value.as_ref()?.value.as_ref()? {
        Any::IntValue(number) => Some(*number),
        _ => None,
    }
}

fn named<'s>(spans: &'s [Span], name: &str) -> &'s Span {
    spans.iter().find(|span| span.name == name).unwrap_or_else(|| panic!("no {name} in {spans:#?}"))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn options(collector: SocketAddr, flags: &[&str], environment: &[(&str, &str)]) -> Options {
    let endpoint = format!("http://{collector}");
    let mut options = Options::with_flags(&[&["--otlp-endpoint", &endpoint], flags].concat());
    let more = [("OTEL_BSP_SCHEDULE_DELAY", "20")];
    let environment =
        more.iter().chain(environment).map(|&(name, value)| (name.to_owned(), value.to_owned()));
    options.environment.extend(environment);
    options
}

async fn create(tenant: &Tenant, flags: &str) -> Response {
    let parent = format!("00-{TRACE}-{CALLER}-{flags}");
    let profile = jackfield_tests::tenant::profile("suite");
    let request = tenant.create_request(&association(ENDPOINT, &profile)).header("traceparent", parent);
    tenant.send(&request).await.expect(201)
}

#[tokio::test]
async fn a_create_and_a_query_are_traced_with_their_steps() {
    let (collector, address) = Collector::start().await;
    let server = Server::start(options(address, &[], &[]));
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    let created = create(&tenant, "01").await;
    let spans = collector.of(&created).await;
    let request = &spans[0];
    assert_eq!(hex(&request.trace_id), TRACE, "the caller's trace goes on");
    assert_eq!(hex(&request.parent_span_id), CALLER);
    assert_eq!(request.kind, SpanKind::Server as i32);
    let route = external_users("{serviceProviderId}");
    assert_eq!(request.name, format!("POST {route}"));
    assert_eq!(text(request, "http.route"), Some(&*route));
    assert_eq!(text(request, "jackfield.operation"), Some("create"));
    for (name, parent) in [("authenticate", request), ("store", request), ("commit", named(&spans, "store"))]
    {
        if name == "commit" && server.store().starts_with("memory:") {
            continue;
        }
        let step = named(&spans, name);
        assert_eq!(step.parent_span_id, parent.span_id, "{name}");
        let within = parent.start_time_unix_nano..=parent.end_time_unix_nano;
        assert!(
            within.contains(&step.start_time_unix_nano) && within.contains(&step.end_time_unix_nano),
            "{name}"
        );
    }
    let asked = tenant.query(&json!({ "filters": { "externalUserIds": [ENDPOINT] } })).await.expect(200);
    let spans = collector.of(&asked).await;
    assert!(spans[0].parent_span_id.is_empty(), "a trace of its own");
    assert_eq!(named(&spans, "store").parent_span_id, spans[0].span_id);
    for secret in [ENDPOINT, &tenant.provider, &tenant.token, &tenant.client_secret, &tenant.client_id] {
        assert!(!collector.has(secret), "{secret} went to the collector");
    }
    assert!(collector.has("service.name") && collector.has("jackfield"));
}

#[tokio::test]
async fn ids_and_failures_are_said_where_they_are_wanted() {
    let (collector, address) = Collector::start().await;
    let server = Server::start(options(address, &["--trace-ids"], &[("OTEL_SERVICE_NAME", "front-desk")]));
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    let refused = tenant.send(&tenant.request(&Method::GET, tenant.path())).await.expect(405);
    let spans = collector.of(&refused).await;
    assert_eq!(text(&spans[0], "url.path"), Some(&*tenant.path()));
    assert_eq!(text(&spans[0], "error.type"), None, "the caller is at fault");
    tenant.admin.maintenance(true, 1).await;
    let away = tenant.query(&json!({ "filters": {} })).await.expect(503);
    assert_eq!(text(&collector.of(&away).await[0], "error.type"), Some("503"));
    assert!(collector.has("front-desk"), "the standard variable names the service");
}

#[tokio::test]
async fn what_is_not_sampled_is_not_sent() {
    let (collector, address) = Collector::start().await;
    let server = Server::start(options(address, &[], &[]));
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    create(&tenant, "00").await;
    // What came after it has arrived, so it would have.
    collector.of(&tenant.query(&json!({ "filters": {} })).await.expect(200)).await;
    assert!(collector.spans().iter().all(|span| hex(&span.trace_id) != TRACE));
}

#[tokio::test]
async fn what_a_skill_gets_is_a_part_of_the_request_that_began_the_call() {
    let (collector, address) = Collector::start().await;
    let server = Server::start(options(address, &[], &[]));
    let stage =
        Stage::of(Tenant::on(server.endpoint(), TenantOptions::default()).await, Endpoint::Answers).await;
    let start = async |trace: &str, flags: &str| {
        let body = json!({ "from": stage.profile, "to": "front-desk", "media": false });
        let request = Request::new(&Method::POST, "/admin/v1/calls").json(&body);
        let request = request.bearer(stage.tenant.endpoint().admin_token());
        let request = request.header("traceparent", format!("00-{trace}-{CALLER}-{flags}"));
        let started = stage.tenant.admin.send(&request).await.expect(201);
        let session = started.json()["sessionId"].as_str().unwrap().to_owned();
        (started, session)
    };
    let (started, session) = start(TRACE, "01").await;
    let request = collector.of(&started).await.remove(0);
    assert_eq!((hex(&request.trace_id).as_str(), hex(&request.parent_span_id).as_str()), (TRACE, CALLER));
    stage.await_state(&session, "accepted").await;
    hang_up(&stage, &session).await;
    // The first message, one that follows from what the cloud signals, and one that follows from another request.
    for name in ["InitiateOutboundCall", "CallAcceptedAck", "CallEnded"] {
        let sent = collector.said_by(&stage.skill.await_request(name, &session).await.headers).await;
        assert_eq!((&sent.trace_id, &sent.parent_span_id), (&request.trace_id, &request.span_id), "{name}");
        assert_eq!((sent.kind, sent.name.as_str()), (SpanKind::Client as i32, "POST"));
        assert_eq!(text(&sent, "http.request.method"), Some("POST"));
        assert_eq!(text(&sent, "server.address"), Some("127.0.0.1"));
        assert_eq!(number(&sent, "server.port"), Some(stage.skill.address.port().into()));
        assert_eq!(number(&sent, "http.response.status_code"), Some(200));
        assert_eq!(text(&sent, "jackfield.operation"), Some("skill_request"));
        assert!(text(&sent, "jackfield.message").unwrap().ends_with(name), "{sent:?}");
        assert_eq!(text(&sent, "error.type"), None);
    }
    // The grant, which the server makes beside the request that set the skill.
    let grant = collector.said_by(&stage.skill.await_request("Grant", "").await.headers).await;
    let set = async || collector.spans().into_iter().find(|span| span.span_id == grant.parent_span_id);
    let set = poll::until_async("the request that set the skill is traced", poll::PATIENCE, set).await;
    assert_eq!(set.name, "PUT /admin/v1/skills/{id}");
    // Nobody listens any more.
    stage.set_skill("http://127.0.0.1:1/hush-path?key=hush", "10s").await;
    let (started, _) = start(TRACE, "01").await;
    let failed = async || {
        let spans = collector.of(&started).await;
        spans.into_iter().find(|span| text(span, "error.type") == Some("refused"))
    };
    let failed = poll::until_async("the failure is traced", poll::PATIENCE, failed).await;
    assert_eq!(number(&failed, "server.port"), Some(1));
    for secret in ["hush", &stage.skill_id, &session, &stage.profile, &stage.tenant.token] {
        assert!(!collector.has(secret), "{secret} went to the collector");
    }
    // Who does not want to be sampled is not, and the skill is told so.
    stage.set_skill(&stage.skill.url(), "10s").await;
    let (_, session) = start(UNSAMPLED, "00").await;
    let got = stage.skill.await_request("InitiateOutboundCall", &session).await;
    let said = got.headers["traceparent"].to_str().unwrap();
    assert!(said.starts_with(&format!("00-{UNSAMPLED}-")) && said.ends_with("-00"), "{said}");
    collector.of(&stage.tenant.query(&json!({ "filters": {} })).await.expect(200)).await;
    assert!(collector.spans().iter().all(|span| hex(&span.trace_id) != UNSAMPLED));
}

#[tokio::test]
async fn each_delivery_to_a_webhook_is_a_trace_of_its_own() {
    let (collector, address) = Collector::start().await;
    let server = Server::start(options(address, &["--trace-ids"], &[]));
    server.endpoint().keep_secret(SECRET);
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    let receiver = Receiver::start().await;
    let url = format!("http://{}/hush-path?key=hush", receiver.address);
    let path = add(&tenant, &receiver, json!({"url": url, "operation": "association."})).await;
    receiver.set(Mood::Refuses(503));
    let created = create(&tenant, "01").await;
    receiver.await_count(1).await;
    receiver.set(Mood::Takes);
    poll::until_async("it is delivered", poll::PATIENCE, async || receiver.taken().pop()).await;
    let got = receiver.got();
    let (refused, taken) =
        (collector.said_by(&got[0].headers).await, collector.said_by(&got.last().unwrap().headers).await);
    for span in [&refused, &taken] {
        assert_eq!((span.kind, span.name.as_str()), (SpanKind::Client as i32, "POST"));
        assert!(span.parent_span_id.is_empty() && hex(&span.trace_id) != TRACE, "a trace of its own");
        assert_eq!(text(span, "jackfield.operation"), Some("webhook_delivery"));
        assert_eq!(text(span, "jackfield.webhook_id"), path.rsplit('/').next());
        assert_eq!(number(span, "server.port"), Some(receiver.address.port().into()));
    }
    assert_ne!(refused.trace_id, taken.trace_id);
    assert_eq!(number(&refused, "http.response.status_code"), Some(503));
    assert_eq!(
        (text(&refused, "error.type"), number(&refused, "http.request.resend_count")),
        (Some("503"), None)
    );
    assert_eq!(number(&taken, "http.response.status_code"), Some(204));
    let resent = i64::try_from(got.len() - 1).unwrap();
    assert_eq!(
        (text(&taken, "error.type"), number(&taken, "http.request.resend_count")),
        (None, Some(resent))
    );
    collector.of(&created).await;
    for secret in ["hush", SECRET, ENDPOINT] {
        assert!(!collector.has(secret), "{secret} went to the collector");
    }
}

#[tokio::test]
async fn a_collector_that_is_away_is_said_once_and_holds_nothing_up() {
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let mut server = Server::start(options(nobody, &[], &[]));
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    let said = "traces do not reach their collector";
    let warned = async || {
        tenant.query(&json!({ "filters": {} })).await.is(200);
        server.log().contains(said).then_some(())
    };
    poll::until_async("the failure is said", poll::PATIENCE, warned).await;
    create(&tenant, "01").await;
    server.terminate();
    assert_eq!(server.log().matches(said).count(), 1, "{}", server.log());
}

#[test]
fn an_address_that_is_none_is_refused() {
    let ended = Server::try_start(Options::with_flags(&["--otlp-endpoint", "collector:4318"])).unwrap_err();
    assert_eq!(ended.status.code(), Some(2));
    assert!(ended.stderr.contains("--otlp-endpoint is no URL"), "{}", ended.stderr);
}

// The collector answers while the test waits for the command.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_sync_and_the_requests_that_it_makes_are_one_trace() {
    let (collector, address) = Collector::start().await;
    let server = Server::start(options(address, &[], &[]));
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    let folder = tempfile::TempDir::new().unwrap();
    let list = folder.path().join("rooms.csv");
    let profile = jackfield_tests::tenant::profile("suite");
    std::fs::write(&list, format!("external_user_id,amazon_id\n{ENDPOINT},{profile}\n")).unwrap();
    let run = |more: Vec<(&'static str, String)>| {
        let mut command = std::process::Command::new(jackfield_tests::binary::path());
        jackfield_tests::server::clean_environment(&mut command);
        command.args(["sync", "--yes", "--provider", &tenant.provider]).arg(&list).env("HOME", folder.path());
        command.env("JACKFIELD_ENDPOINT", format!("http://{}", server.endpoint().address(Listener::Public)));
        command.env("JACKFIELD_TOKEN", &tenant.token);
        let done = command.envs(more).output().unwrap();
        assert!(done.status.success(), "{done:?}");
        String::from_utf8(done.stderr).unwrap()
    };
    let caller = format!("00-{TRACE}-{CALLER}-01");
    // A command that knows no collector hands its caller's trace on.
    let said = run(vec![("TRACEPARENT", caller)]);
    assert!(!said.contains("collector"), "{said}");
    let create = async || {
        let spans = collector.spans();
        spans.into_iter().find(|span| text(span, "jackfield.operation") == Some("create"))
    };
    let created = poll::until_async("the create is traced", poll::PATIENCE, create).await;
    assert_eq!((hex(&created.trace_id).as_str(), hex(&created.parent_span_id).as_str()), (TRACE, CALLER));
    // One that knows it is a span itself, and the requests are below it.
    run(vec![("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{address}"))]);
    let command = collector.spans().into_iter().find(|span| span.name == "jackfield sync");
    let command = command.expect("the command has sent its span when it ends");
    let below = async || {
        let spans = collector.spans();
        spans.into_iter().find(|span| span.parent_span_id == command.span_id)
    };
    let query = poll::until_async("the query is traced", poll::PATIENCE, below).await;
    assert_eq!(query.trace_id, command.trace_id);
    assert_eq!(text(&query, "jackfield.operation"), Some("query"));
}
