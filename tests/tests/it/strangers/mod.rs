//! Strangers on the public listener: 32 connections attack, and a client that behaves well goes on.
//!
//! Beside the attack one client sends requests at a fixed pace over both protocols. It must be served as often as
//! without the attack, and the server must not grow.

mod bodies;
mod connections;
mod floods;
mod readers;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::Method;
use jackfield_tests::frames::Frames;
use jackfield_tests::{Admin, Listener, Options, Request, Server, Tenant, TenantOptions, Version, poll};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::operation::Op;

/// Connections that attack at the same time.
const ATTACKERS: usize = 32;
/// Streams that one connection may have open.
const STREAMS: usize = 100;
/// Between two requests of the client that behaves well.
const PACE: Duration = Duration::from_millis(20);
/// Requests that it sends while it is watched.
const REQUESTS: usize = 120;
/// Longest that it waits for an answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// Most that the server may grow under an attack, in KiB.
const GROWTH_KIB: u64 = 64 * 1024;
/// How long an attack goes on before the client is watched.
const RISE: Duration = Duration::from_secs(1);

/// Time-outs that are shorter than what is watched and longer than what a busy machine makes of a moment.
const IMPATIENT: [&str; 4] = ["--header-timeout", "2s", "--body-timeout", "2s"];

/// What an attacker knows.
#[derive(Clone, Debug)]
struct Target {
    address: SocketAddr,
    /// A token and a path for whoever attacks with good credentials.
    token: String,
    query: String,
}

impl Target {
    fn of(server: &Server, tenant: &Tenant) -> Self {
        let address = server.endpoint().address(Listener::Public);
        Self { address, token: tenant.token.clone(), query: tenant.query_path() }
    }

    /// The headers of a request for everybody.
    fn headers<'a>(&'a self, method: &'a str, path: &'a str) -> [(&'a str, &'a str); 4] {
        [(":method", method), (":scheme", "http"), (":authority", "x"), (":path", path)]
    }

    async fn frames(&self, settings: &[(u16, u32)]) -> io::Result<Frames> {
        Frames::connect(self.address, settings).await
    }
}

/// A server, a client that behaves well, and who attacks.
struct Siege {
    server: Server,
    tenant: Arc<[Tenant; 2]>,
    attackers: JoinSet<()>,
}

impl Siege {
    async fn of(flags: &[&str]) -> Self {
        let mut options = Options::with_flags(&[&IMPATIENT[..], flags].concat());
        // A line for each request of an attacker would be what is measured.
        options.environment.push(("JACKFIELD_LOG_LEVEL".to_owned(), "info".to_owned()));
        let server = Server::start(options);
        let unlimited = TenantOptions { rate_limit: Some(0), ..TenantOptions::default() };
        let tenant = Tenant::on(server.endpoint(), unlimited).await;
        tenant.create("7201", "1").await.is(201);
        let tenant = Arc::new([Version::Http1, Version::Http2].map(|version| tenant.again(version)));
        Self { server, tenant, attackers: JoinSet::new() }
    }

    /// Attacks with all connections at the same time. One that ends is followed by the next.
    fn begin<A, F>(&mut self, attack: A)
    where
        A: Fn(Target) -> F + Clone + Send + 'static,
        F: Future<Output = io::Result<()>> + Send,
    {
        for _ in 0..ATTACKERS {
            let (attack, target) = (attack.clone(), Target::of(&self.server, &self.tenant[0]));
            self.attackers.spawn(async move {
                loop {
                    // It ends as the server wants it to.
                    let _ = attack(target.clone()).await;
                    // A server that refuses to accept is asked again, without burning the processor.
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            });
        }
    }

    /// Attacks, and asserts that the client is served as often as before and that the server does not grow.
    async fn stands<A, F>(&mut self, attack: A)
    where
        A: Fn(Target) -> F + Clone + Send + 'static,
        F: Future<Output = io::Result<()>> + Send,
    {
        let (alone, before) = self.watch().await;
        assert!(alone > REQUESTS * 9 / 10, "{alone} of {REQUESTS} were served without an attack");
        self.begin(attack);
        tokio::time::sleep(RISE).await;
        let (served, most) = self.watch().await;
        self.attackers.abort_all();
        eprintln!("served {alone} alone, {served} under attack; {before} KiB before, at most {most} KiB");
        assert!(served * 10 >= alone * 9, "{served} were served under attack, {alone} without");
        assert!(most <= before + GROWTH_KIB, "{before} KiB grew to {most} KiB");
    }

    /// How many of the client's requests are served, and the most memory that the server has meanwhile, in KiB.
    async fn watch(&self) -> (usize, u64) {
        let mut requests = JoinSet::new();
        let mut pace = tokio::time::interval(PACE);
        let mut most = 0;
        for n in 0..REQUESTS {
            pace.tick().await;
            let tenant = Arc::clone(&self.tenant);
            requests.spawn(async move {
                let tenant = &tenant[n % 2];
                let request = Op::Query.request(tenant, "7201");
                let answer = tokio::time::timeout(PATIENCE, tenant.try_send(&request)).await;
                matches!(answer, Ok(Ok(response)) if response.status == 200)
            });
            if n % 10 == 0 {
                most = most.max(self.resident());
            }
        }
        let served = requests.join_all().await.into_iter().filter(|served| *served).count();
        (served, most.max(self.resident()))
    }

    /// Memory of the server that is in use, in KiB.
    fn resident(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.server.pid())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().strip_suffix(" kB").unwrap().parse().unwrap()
    }

    /// What a limit has turned away so far.
    async fn limited(&self, limit: &str) -> f64 {
        sample(&self.tenant[0].admin, &format!("jackfield_limited_total{{limit=\"{limit}\"}}")).await
    }

    /// Asserts that nothing is left of answers that nobody read.
    async fn forgets(&self) {
        let admin = &self.tenant[0].admin;
        let forgotten = async || (sample(admin, "jackfield_unsent_bytes").await == 0.0).then_some(());
        poll::until_async("what was not read is forgotten", poll::PATIENCE, forgotten).await;
    }
}

/// The value of a line of the metrics; 0 when it is not there.
async fn sample(admin: &Admin, name: &str) -> f64 {
    let metrics = admin.send(&Request::new(&Method::GET, "/metrics")).await.expect(200);
    let lines = metrics.text().lines();
    let value = lines.filter_map(|line| line.strip_prefix(name)?.strip_prefix(' ')).next();
    value.map_or(0.0, |value| value.parse().unwrap())
}

/// How long something takes at most.
async fn within<T>(what: &str, limit: Duration, work: impl Future<Output = T>) -> T {
    let start = Instant::now();
    let done = tokio::time::timeout(limit, work).await;
    done.unwrap_or_else(|_| panic!("after {:?} still not so: {what}", start.elapsed()))
}
