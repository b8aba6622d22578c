//! Shows what calls cost: 1,000 a minute without media, 20 at a time with media, and what queries notice of skills that fail.
//!
//! A skill and its cloud stand in this process, beside the server on the same machine. The first part starts calls at their
//! pace, each of which rings, is accepted and hung up, and reads every transcript afterwards. The second holds calls with
//! media on both sides and counts what was lost. The third sends queries all the time, in turns of a second: one without
//! calls, one with calls to skills that are dead, slow, refuse or talk nonsense; the p99 of both kinds of seconds are
//! compared. It prints figures and whether each is within its bound; an argument says how many seconds each part takes.

use std::collections::HashMap;
use std::convert::Infallible;
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use http_body_util::{BodyExt, Full};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use jackfield_device::Device;
use jackfield_tests::{Options, Request, Server, Tenant, TenantOptions, Version, binary, poll};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// Calls a minute that are asked for.
const RATE: f64 = 1_000.0;
/// Calls with media at a time.
const AT_A_TIME: usize = 20;
const SDP: &str = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n";
/// How long queries go on with and without calls to skills that fail, in turn.
const TURN: Duration = Duration::from_secs(1);
/// Connections of a directory at work, each of which asks again at once.
const BUSY_CONNECTIONS: usize = 16;
/// Between two queries over one connection, of a directory that is nearly idle.
const BETWEEN_QUERIES: Duration = Duration::from_millis(3);
/// Between two calls to skills that fail: nearly a thousand a minute, and no multiple of the time between queries.
const BETWEEN_CALLS: Duration = Duration::from_millis(61);
/// What a transcript of the first part has.
const MESSAGES: [&str; 6] =
    ["InitiateOutboundCall", "CallRinging", "CallRingingAck", "CallAccepted", "CallAcceptedAck", "CallEnded"];

/// The skill and its cloud, and the media of its endpoints where they have some.
struct Integration {
    tenant: Tenant,
    media: Mutex<HashMap<String, Device>>,
}

impl Integration {
    async fn serve(self: Arc<Self>) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        tokio::spawn(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else { continue };
                let integration = Arc::clone(&self);
                tokio::spawn(async move {
                    let serve = service_fn(|request| Arc::clone(&integration).answer(request));
                    let connection = hyper::server::conn::http1::Builder::new();
                    let _ = connection.serve_connection(TokioIo::new(stream), serve).await;
                });
            }
        });
        address
    }

    async fn answer(
        self: Arc<Self>,
        request: http::Request<hyper::body::Incoming>,
    ) -> Result<http::Response<Full<Bytes>>, Infallible> {
        let path = request.uri().path().to_owned();
        let body = request.into_body().collect().await.map(http_body_util::Collected::to_bytes);
        let body: Value = serde_json::from_slice(&body.unwrap_or_default()).unwrap_or_default();
        let fine = r#"{"version":"1.0","response":{}}"#;
        let (status, text) = match path.as_str() {
            "/refuses" => (500, fine),
            "/nonsense" => (200, "nonsense"),
            "/slow" => {
                tokio::time::sleep(Duration::from_secs(5)).await;
                (200, fine)
            }
            _ => {
                if body["request"]["type"].as_str().is_some_and(|kind| kind.ends_with("InitiateOutboundCall"))
                {
                    self.take(&body["request"]).await;
                }
                (200, fine)
            }
        };
        let mut response = http::Response::new(Full::new(Bytes::from(text)));
        *response.status_mut() = http::StatusCode::from_u16(status).expect("it is a status");
        Ok(response)
    }

    /// Rings and answers; with media where the offer has a path.
    async fn take(&self, request: &Value) {
        let (session, offer) = (
            request["sessionId"].as_str().expect("text"),
            request["sdpDetails"]["value"].as_str().expect("text"),
        );
        let answer = if offer.contains("a=candidate") {
            let device = Device::new(&[Ipv4Addr::LOCALHOST.into()]).expect("a port is free");
            let answer = device.answer(offer).expect("the device of the server offers WebRTC");
            self.media.lock().unwrap_or_else(PoisonError::into_inner).insert(session.to_owned(), device);
            answer
        } else {
            SDP.to_owned()
        };
        let details = json!({ "type": "ANSWER", "value": answer });
        for (name, sdp) in [("CallRinging", Value::Null), ("CallAccepted", details)] {
            let mut body =
                json!({ "type": format!("Alexa.Comms.CallSignaling.{name}"), "sessionId": session });
            if !sdp.is_null() {
                body["sdpDetails"] = sdp;
            }
            let signal = Request::new(&Method::POST, "/v1/communications/signaling");
            self.tenant.send(&signal.bearer(&self.tenant.token).json(&body)).await.is(202);
        }
    }
}

/// What a part is done with.
struct Bench {
    server: Server,
    tenant: Tenant,
    integration: Arc<Integration>,
    skill: SocketAddr,
    profile: String,
}

impl Bench {
    async fn set() -> Self {
        let environment = Options::quiet().environment;
        let server = Server::start(Options { environment, ..Options::with_flags(&["--rate-limit", "0"]) });
        let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
        let integration =
            Arc::new(Integration { tenant: tenant.again(Version::Http1), media: Mutex::default() });
        let skill = Arc::clone(&integration).serve().await;
        let profiles = format!("/admin/v1/organizations/{}/profiles", tenant.organization);
        let unit = format!("amzn1.alexa.unit.did.{}", uuid::Uuid::new_v4());
        let made = tenant.admin.create(&profiles, &json!({ "unit": unit })).await;
        let profile = made["id"].as_str().expect("an id is text").to_owned();
        Self { server, tenant, integration, skill, profile }
    }

    /// A provider whose skill is reached there; answers its id.
    async fn provider(&self, endpoint: &str) -> String {
        let id = format!("amzn1.ask.skill.{}", uuid::Uuid::new_v4());
        let provider = self.tenant.new_provider(&id).await;
        let skill =
            json!({ "organizationId": self.tenant.organization, "endpoint": endpoint, "timeout": "2s" });
        let admin = &self.tenant.admin;
        admin.call(&Method::PUT, &format!("/admin/v1/skills/{id}"), &skill).await.is(200);
        let network = json!({ "networkType": "SKILL", "skillConfiguration": { "skillId": id } });
        let target = format!("/admin/v1/serviceProviders/{provider}/network");
        let set = admin.call(&Method::PUT, &target, &network).await;
        assert!(set.status < 300, "{set:?}");
        provider
    }

    async fn start(&self, provider: &str, media: bool) -> String {
        let body =
            json!({ "from": self.profile, "to": "desk", "serviceProviderId": provider, "media": media });
        let call = self.tenant.admin.create("/admin/v1/calls", &body).await;
        call["sessionId"].as_str().expect("an id is text").to_owned()
    }

    async fn call(&self, session: &str) -> Value {
        self.tenant.admin.get(&format!("/admin/v1/calls/{session}")).await
    }

    async fn hang_up(&self, session: &str) {
        let target = format!("/admin/v1/calls/{session}/hang-up");
        self.tenant.admin.call(&Method::POST, &target, &Value::Null).await.is(200);
    }

    /// Seconds of processor time that the server took so far.
    fn processor(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.server.pid())).expect("it lives");
        let (_, fields) = stat.rsplit_once(") ").expect("Linux says it so");
        let ticks: u64 =
            fields.split(' ').skip(11).take(2).map(|field| field.parse::<u64>().unwrap_or(0)).sum();
        ticks as f64 / 100.0
    }

    /// KiB of memory that the server has in use.
    fn memory(&self) -> f64 {
        let status =
            std::fs::read_to_string(format!("/proc/{}/status", self.server.pid())).expect("it lives");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("Linux says it");
        line.trim_matches([' ', '\t', 'k', 'B']).parse().expect("it is a number")
    }
}

/// Prints a figure and whether it is within its bound.
fn judge(what: &str, figure: &str, within: bool) -> bool {
    let _ = writeln!(std::io::stdout(), "  {what}: {figure}{}", if within { "" } else { "  OUT OF BOUND" });
    within
}

/// Whether a transcript has every message, each answered.
fn complete(call: &Value) -> bool {
    let entries = call["transcript"].as_array().map(Vec::as_slice).unwrap_or_default();
    call["result"]["code"] == "SUCCESS"
        && entries.len() == MESSAGES.len()
        && entries.iter().all(|entry| entry["status"].is_u64())
        && MESSAGES.iter().all(|name| {
            entries
                .iter()
                .any(|entry| entry["type"].as_str().is_some_and(|kind| kind.ends_with(&format!(".{name}"))))
        })
}

async fn signaling(bench: &Arc<Bench>, span: Duration) -> bool {
    let provider = bench.provider(&format!("http://{}/skill", bench.skill)).await;
    let (processor, memory) = (bench.processor(), bench.memory());
    let started = Instant::now();
    let mut pace = tokio::time::interval(Duration::from_secs_f64(60.0 / RATE));
    let mut running = JoinSet::new();
    while started.elapsed() < span {
        pace.tick().await;
        let (bench, provider) = (Arc::clone(bench), provider.clone());
        running.spawn(async move {
            let begun = Instant::now();
            let session = bench.start(&provider, false).await;
            let accepted = format!("/admin/v1/calls/{session}?wait=20&state=accepted");
            bench.tenant.admin.get(&accepted).await;
            let took = begun.elapsed();
            bench.hang_up(&session).await;
            (session, took)
        });
    }
    let begun = running.len() as f64 / started.elapsed().as_secs_f64() * 60.0;
    let done = running.join_all().await;
    let (processor, memory) = (bench.processor() - processor, bench.memory() - memory);
    let count = done.len();
    let mut whole = 0;
    for (session, _) in &done {
        // The last messages of the last calls may still be on their way.
        let settled = async || complete(&bench.call(session).await).then_some(());
        let settling = poll::until_async("the transcript is complete", 2 * poll::PATIENCE, settled);
        if tokio::time::timeout(poll::PATIENCE, settling).await.is_ok() {
            whole += 1;
        } else {
            judge("not complete", &bench.call(session).await.to_string(), false);
        }
    }
    let mut took: Vec<Duration> = done.into_iter().map(|(_, took)| took).collect();
    [
        judge("calls", &format!("{count}, {begun:.0} a minute"), begun >= RATE * 0.99),
        judge("complete transcripts", &format!("{whole}"), whole == count),
        judge("until accepted", &format!("p99 {:.1?}", p99(&mut took)), true),
        judge("processor", &format!("{:.2} ms a call", processor * 1_000.0 / count as f64), true),
        judge("memory", &format!("{:.1} KiB a call that is kept", memory / count as f64), true),
    ]
    .into_iter()
    .all(|within| within)
}

async fn media(bench: &Bench, span: Duration) -> bool {
    let provider = bench.provider(&format!("http://{}/skill", bench.skill)).await;
    let memory = bench.memory();
    let mut sessions = Vec::new();
    for _ in 0..AT_A_TIME {
        sessions.push(bench.start(&provider, true).await);
    }
    for session in &sessions {
        let connected = async || (bench.call(session).await["media"]["connected"] == true).then_some(());
        poll::until_async("the path is secured", poll::PATIENCE, connected).await;
    }
    let (processor, started) = (bench.processor(), Instant::now());
    tokio::time::sleep(span).await;
    let seconds = started.elapsed().as_secs_f64() * AT_A_TIME as f64;
    let (processor, memory) = (bench.processor() - processor, bench.memory() - memory);
    let (mut received, mut lost, mut jitter) = (0, 0, 0.0_f64);
    for session in &sessions {
        let media = bench.call(session).await["media"].clone();
        let here = bench.integration.media.lock().unwrap_or_else(PoisonError::into_inner)[session].measured();
        received += media["packetsReceived"].as_u64().unwrap_or(0) + here.received;
        lost += media["packetsLost"].as_u64().unwrap_or(0) + here.lost;
        jitter = jitter.max(media["jitterMs"].as_f64().unwrap_or(0.0));
        bench.hang_up(session).await;
    }
    let share = lost as f64 / (received + lost).max(1) as f64 * 100.0;
    let least = seconds * 2.0 * 40.0;
    [
        judge("packets heard", &format!("{received} on both sides"), received as f64 >= least),
        judge("lost", &format!("{lost}, {share:.3} %"), share < 1.0),
        judge("jitter", &format!("at most {jitter:.1} ms"), true),
        judge("processor", &format!("{:.2} % of a core a call", processor / seconds * 100.0), true),
        judge("memory", &format!("{:.0} KiB a call", memory / AT_A_TIME as f64), true),
    ]
    .into_iter()
    .all(|within| within)
}

fn p99(latencies: &mut [Duration]) -> Duration {
    latencies.sort_unstable();
    let at = (latencies.len() * 99).div_ceil(100).saturating_sub(1);
    latencies.get(at).copied().unwrap_or_default()
}

/// Calls for a turn, one after the other to each of the providers; answers how many, when all have ended.
async fn failing_calls(bench: Arc<Bench>, providers: Vec<String>) -> usize {
    let (mut pace, started) = (tokio::time::interval(BETWEEN_CALLS), Instant::now());
    let mut running = JoinSet::new();
    while started.elapsed() < TURN {
        pace.tick().await;
        let (bench, provider) = (Arc::clone(&bench), providers[running.len() % providers.len()].clone());
        running.spawn(async move { bench.start(&provider, false).await });
    }
    let sessions = running.join_all().await;
    for session in &sessions {
        let ended = format!("/admin/v1/calls/{session}?wait=20&state=ended");
        assert_eq!(bench.tenant.admin.get(&ended).await["state"], "ended", "the call ends");
    }
    sessions.len()
}

/// Queries for a turn, each connection with a pause between its own; answers what each took.
async fn query_for_a_turn(bench: &Arc<Bench>, connections: usize, pause: Duration) -> Vec<Duration> {
    let mut running = JoinSet::new();
    for _ in 0..connections {
        let tenant = bench.tenant.again(Version::Http1);
        running.spawn(async move {
            let body = json!({ "filters": { "externalUserIds": ["desk"] } });
            let (mut took, started) = (Vec::new(), Instant::now());
            while started.elapsed() < TURN {
                let sent = Instant::now();
                tenant.query(&body).await.is(200);
                took.push(sent.elapsed());
                if !pause.is_zero() {
                    tokio::time::sleep(pause).await;
                }
            }
            took
        });
    }
    running.join_all().await.concat()
}

async fn queries(bench: &Arc<Bench>, span: Duration) -> bool {
    let mut failing = Vec::new();
    for path in ["refuses", "nonsense", "slow"] {
        failing.push(bench.provider(&format!("http://{}/{path}", bench.skill)).await);
    }
    let gone = TcpListener::bind("127.0.0.1:0").await.and_then(|listener| listener.local_addr());
    failing.push(bench.provider(&format!("http://{}/", gone.expect("a port is free"))).await);
    let mut within = true;
    for (connections, pause) in [(1, BETWEEN_QUERIES), (BUSY_CONNECTIONS, Duration::ZERO)] {
        let (mut calm, mut meanwhile, mut calls) = (Vec::new(), Vec::new(), 0);
        for turn in 0..span.as_secs().max(1) * 2 {
            let fails = turn % 2 == 1;
            // The calls keep their own time: started together with a query, they would meet it each time.
            let calling = fails.then(|| tokio::spawn(failing_calls(Arc::clone(bench), failing.clone())));
            let took = query_for_a_turn(bench, connections, pause).await;
            if fails { &mut meanwhile } else { &mut calm }.extend(took);
            if let Some(calling) = calling {
                calls += calling.await.expect("the calls end");
            }
        }
        let (count, calm, meanwhile) = (calm.len() + meanwhile.len(), p99(&mut calm), p99(&mut meanwhile));
        let ratio = meanwhile.as_secs_f64() / calm.as_secs_f64();
        let figure = format!("{calm:.2?} without, {meanwhile:.2?} meanwhile, {ratio:.2} times");
        let what = format!("{count} queries over {connections} connections, beside {calls} calls: p99");
        within &= judge(&what, &figure, ratio <= 1.2);
    }
    within
}

#[tokio::main]
async fn main() -> ExitCode {
    let seconds = std::env::args().nth(1).map_or(60, |text| text.parse().expect("seconds are a number"));
    let span = Duration::from_secs(seconds);
    let bench = Arc::new(Bench::set().await);
    let say = |part: &str| drop(writeln!(std::io::stdout(), "{part}"));
    say(&format!("binary: {}", binary::path().display()));
    say("without media");
    let mut within = signaling(&bench, span).await;
    say(&format!("{AT_A_TIME} at a time with media"));
    within &= media(&bench, span).await;
    say("queries while skills fail");
    within &= queries(&bench, span).await;
    if within { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
