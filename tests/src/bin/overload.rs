//! Shows what overload does: ten times as many durable creates a second as the server can do, over HTTP/1.1 and over
//! HTTP/2, beside the most that it did when each client waited for its answer.
//!
//! First the peak is looked for in a closed loop, with more and more requests in flight. Then requests are due at ten
//! times that rate, whether answers come or not. Each takes a free slot: a connection, or a stream. One that finds none
//! is held back at the client and counted. Latency is from before a request is written until its answer is there. At the
//! end a request every 10 ms shows how long the server takes until it answers as before. The clients share the machine
//! with the server. It prints figures and whether each is within its bound; an argument says how many seconds each part
//! takes.

use std::io::Write as _;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use jackfield_tests::tenant::{association, profile};
use jackfield_tests::{Listener, Options, Server, Tenant, TenantOptions, Version, binary};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// Requests in flight at which the peak is looked for.
const CLOSED: [usize; 4] = [32, 64, 128, 256];
/// Slots for requests under overload.
const SLOTS: usize = 1_000;
/// Streams that share an HTTP/2 connection.
const STREAMS: usize = 100;
/// How many times the peak is offered.
const TIMES: f64 = 10.0;
/// Longest that the server may take to recover.
const RECOVERY: Duration = Duration::from_secs(1);
/// How long it is watched afterwards.
const AFTERWARDS: Duration = Duration::from_secs(3);

/// A connection, or a share of one.
enum Slot {
    Http1(http1::SendRequest<Full<Bytes>>),
    Http2(http2::SendRequest<Full<Bytes>>),
}

impl Slot {
    /// Sends a create and answers its status.
    async fn create(&mut self, target: &Target) -> u16 {
        let id = format!("{:012}", target.next.fetch_add(1, Ordering::Relaxed));
        let body = Full::new(Bytes::from(association(&id, &target.profile).to_string()));
        let uri = match self {
            Self::Http1(_) => target.path.clone(),
            Self::Http2(_) => format!("http://h{}", target.path),
        };
        let request = http::Request::post(uri).header("host", "h").header("authorization", &target.bearer);
        let request = request.body(body).expect("it is a valid request");
        let response = match self {
            Self::Http1(sender) => {
                sender.ready().await.expect("the connection goes on");
                sender.send_request(request).await
            }
            Self::Http2(sender) => {
                sender.ready().await.expect("the connection goes on");
                sender.send_request(request).await
            }
        };
        let response = response.expect("the server answers");
        let status = response.status().as_u16();
        response.into_body().collect().await.expect("an answer has an end");
        status
    }
}

/// What is created, and where.
struct Target {
    address: SocketAddr,
    path: String,
    bearer: String,
    profile: String,
    next: AtomicU64,
}

impl Target {
    async fn slots(&self, version: Version, count: usize) -> Vec<Slot> {
        let mut slots = Vec::new();
        while slots.len() < count {
            let stream = TcpStream::connect(self.address).await.expect("the server accepts");
            stream.set_nodelay(true).expect("a connected socket takes options");
            let io = TokioIo::new(stream);
            if version == Version::Http1 {
                let (sender, connection) = http1::handshake(io).await.expect("HTTP/1.1 is spoken");
                tokio::spawn(connection);
                slots.push(Slot::Http1(sender));
                continue;
            }
            let (sender, connection) =
                http2::handshake(TokioExecutor::new(), io).await.expect("HTTP/2 is spoken");
            tokio::spawn(connection);
            let share = STREAMS.min(count - slots.len());
            slots.extend((0..share).map(|_| Slot::Http2(sender.clone())));
        }
        slots
    }
}

/// What came of a part of the test.
#[derive(Default)]
struct Outcome {
    latencies: Vec<Duration>,
    refused: u64,
    goodput: f64,
}

impl Outcome {
    fn p99(&mut self) -> Duration {
        self.latencies.sort_unstable();
        let at = (self.latencies.len() * 99).div_ceil(100).saturating_sub(1);
        self.latencies.get(at).copied().unwrap_or_default()
    }
}

/// When requests are due: at a rate, or as soon as a slot is free.
struct Schedule {
    start: Instant,
    end: Instant,
    /// Nanoseconds between two.
    interval: Option<u64>,
    taken: AtomicU64,
}

impl Schedule {
    fn new(rate: Option<f64>, span: Duration) -> Self {
        let start = Instant::now();
        let interval = rate.map(|rate| nanos(Duration::from_secs_f64(1.0 / rate)).max(1));
        Self { start, end: start + span, interval, taken: AtomicU64::new(0) }
    }

    /// Waits for the next request; none comes after the end. What found no slot in its millisecond is not made up for.
    async fn next(&self) -> bool {
        if let Some(interval) = self.interval {
            let late = nanos(self.start.elapsed().saturating_sub(Duration::from_millis(1))) / interval;
            self.taken.fetch_max(late, Ordering::Relaxed);
            let number = self.taken.fetch_add(1, Ordering::Relaxed);
            let due = self.start + Duration::from_nanos(interval * number);
            // Under overload it is due already, and a timer would cost the machine what it is to measure.
            if due > Instant::now() {
                tokio::time::sleep_until(due).await;
            }
        }
        Instant::now() < self.end
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Sends creates through slots as they are due.
async fn load(target: &Arc<Target>, slots: Vec<Slot>, rate: Option<f64>, span: Duration) -> Outcome {
    let schedule = Arc::new(Schedule::new(rate, span));
    let mut running = JoinSet::new();
    for mut slot in slots {
        let (target, schedule) = (Arc::clone(target), Arc::clone(&schedule));
        running.spawn(async move {
            let (mut latencies, mut refused) = (Vec::new(), 0);
            while schedule.next().await {
                let sent = Instant::now();
                match slot.create(&target).await {
                    201 => latencies.push(sent.elapsed()),
                    503 => refused += 1,
                    other => panic!("a create was answered {other}"),
                }
            }
            (latencies, refused)
        });
    }
    let mut outcome = Outcome::default();
    for (latencies, refused) in running.join_all().await {
        outcome.latencies.extend(latencies);
        outcome.refused += refused;
    }
    let seconds = schedule.start.elapsed().as_secs_f64();
    outcome.goodput = outcome.latencies.len() as f64 / seconds;
    outcome
}

/// How long after the overload the last request was refused or slower than `bound`.
async fn recovery(target: &Arc<Target>, version: Version, bound: Duration) -> Duration {
    let over = Instant::now();
    let mut bad = Duration::ZERO;
    let mut pace = tokio::time::interval(Duration::from_millis(10));
    let mut slot = target.slots(version, 1).await.pop().expect("one was asked for");
    while over.elapsed() < AFTERWARDS {
        pace.tick().await;
        let sent = Instant::now();
        let status = slot.create(target).await;
        if status != 201 || sent.elapsed() > bound {
            bad = over.elapsed();
        }
    }
    bad
}

/// Memory of a process that is in use, in MiB.
fn resident(pid: u32, which: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("the process lives");
    let line = status.lines().find_map(|line| line.strip_prefix(which)).expect("Linux says it");
    let kilobytes: u64 = line.trim_matches([':', ' ', '\t', 'k', 'B']).parse().expect("it is a number");
    kilobytes / 1024
}

/// Prints a figure and whether it is within its bound.
fn judge(what: &str, figure: &str, within: bool) -> bool {
    let _ = writeln!(std::io::stdout(), "  {what}: {figure}{}", if within { "" } else { "  OUT OF BOUND" });
    within
}

async fn measure(server: &Server, target: &Arc<Target>, version: Version, span: Duration) -> bool {
    let mut peak = Outcome::default();
    for in_flight in CLOSED {
        let mut outcome = load(target, target.slots(version, in_flight).await, None, span).await;
        let (goodput, p99) = (outcome.goodput, outcome.p99());
        judge(
            &format!("{in_flight} in flight"),
            &format!("{goodput:.0} creates a second, p99 {p99:.1?}"),
            true,
        );
        if goodput > peak.goodput {
            peak = outcome;
        }
    }
    let before = resident(server.pid(), "VmRSS");
    let rate = peak.goodput * TIMES;
    let mut over = load(target, target.slots(version, SLOTS).await, Some(rate), span * 2).await;
    let peak_p99 = peak.p99();
    let recovery = recovery(target, version, peak_p99 * 5).await;
    let most = resident(server.pid(), "VmHWM");
    let sent = (over.latencies.len() as u64 + over.refused) as f64 / (span * 2).as_secs_f64();
    judge("offered", &format!("{rate:.0} a second, of which {sent:.0} found a slot"), true);
    let (share, times) = (over.goodput / peak.goodput, over.p99().as_secs_f64() / peak_p99.as_secs_f64());
    [
        judge(
            "goodput",
            &format!("{:.0} a second, {:.0} % of the peak", over.goodput, share * 100.0),
            share >= 0.9,
        ),
        judge(
            "p99 of what was admitted",
            &format!("{:.1?}, {times:.1} times that at the peak", over.p99()),
            times <= 5.0,
        ),
        judge("memory", &format!("{before} MiB before, at most {most} MiB"), most <= before + 256),
        judge("recovery", &format!("{recovery:.1?}"), recovery <= RECOVERY),
    ]
    .into_iter()
    .all(|within| within)
}

#[tokio::main]
async fn main() -> ExitCode {
    let seconds = std::env::args().nth(1).map_or(3, |text| text.parse().expect("seconds are a number"));
    let span = Duration::from_secs(seconds);
    let environment = Options::quiet().environment;
    let mut server = Server::start(Options { environment, ..Options::with_flags(&["--rate-limit", "0"]) });
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    let target = Arc::new(Target {
        address: server.endpoint().address(Listener::Public),
        path: tenant.path(),
        bearer: format!("Bearer {}", tenant.token),
        profile: profile("1"),
        next: AtomicU64::new(0),
    });
    let mut within = true;
    let _ = writeln!(std::io::stdout(), "binary: {}", binary::path().display());
    for version in [Version::Http1, Version::Http2] {
        let _ = writeln!(std::io::stdout(), "{version:?}");
        within &= measure(&server, &target, version, span).await;
    }
    server.terminate();
    if within { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
