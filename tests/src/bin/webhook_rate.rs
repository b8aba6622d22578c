//! What webhooks that nobody answers cost writes: durable creates a second, in turn while they rest and while they are
//! tried. One of the two refuses connections, the other one takes deliveries and does not answer.
//!
//! Rounds are short, because whatever else a machine does comes and goes: the figures are the ratio of all creates a second,
//! the median of the ratios of neighbouring rounds, and what a create takes of the processor in the server, which depends
//! least on others. It prints figures and judges nothing: they are the machine's. Argument: how many pairs of rounds (60).

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use http::Method;
use jackfield_tests::creator::Creator;
use jackfield_tests::tenant::profile;
use jackfield_tests::{Options, Server, Tenant, TenantOptions, binary, poll};
use serde_json::{Value, json};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;

/// Connections that create.
const CONNECTIONS: u64 = 32;
/// How long a round lasts.
const ROUND: Duration = Duration::from_millis(500);

/// Ticks of a second in which Linux tells what a process has had.
const TICKS: f64 = 100.0;

/// Creates until the end of a round; answers how many.
async fn create(mut creator: Creator, next: Arc<AtomicU64>, end: Instant) -> (Creator, u32) {
    let mut done = 0;
    while Instant::now() < end {
        let n = next.fetch_add(1, Ordering::Relaxed);
        let profile = profile(&format!("p{}", n % 50_000));
        let body = json!({"externalUserId": format!("room-{n:08}"), "amazonId": profile, "amazonIdType": "communication-profile"})
            .to_string();
        creator.prepare(format_args!("{body}"), body.len());
        creator.send().await;
        done += 1;
    }
    (creator, done)
}

/// What rounds came to.
#[derive(Clone, Copy, Default)]
struct Sum {
    creates: f64,
    seconds: f64,
    /// Of the processors in the server.
    processor: f64,
}

impl Sum {
    fn rate(self) -> f64 {
        self.creates / self.seconds
    }

    /// Microseconds of a processor that a create takes.
    fn cost(self) -> f64 {
        self.processor * 1e6 / self.creates
    }

    fn add(&mut self, other: Self) {
        self.creates += other.creates;
        self.seconds += other.seconds;
        self.processor += other.processor;
    }
}

/// Seconds of the processors that the server has had.
fn processor(server: &Server) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", server.pid())).expect("the server runs");
    // The name in brackets may hold anything; the 12th and 13th fields behind it are ticks of user and system.
    let behind = stat.rsplit(')').next().unwrap_or_default();
    let ticks = behind.split_whitespace().skip(11).take(2).filter_map(|text| text.parse::<f64>().ok());
    ticks.sum::<f64>() / TICKS
}

/// A round.
async fn round(server: &Server, creators: &mut Vec<Creator>, next: &Arc<AtomicU64>) -> Sum {
    let (started, had) = (Instant::now(), processor(server));
    let end = started + ROUND;
    let running: Vec<_> =
        creators.drain(..).map(|creator| tokio::spawn(create(creator, Arc::clone(next), end))).collect();
    let mut all = 0;
    for one in running {
        let (creator, done) = one.await.expect("a client does not panic");
        creators.push(creator);
        all += done;
    }
    let seconds = started.elapsed().as_secs_f64();
    Sum { creates: f64::from(all), seconds, processor: processor(server) - had }
}

/// Somebody who takes what is sent, and says nothing.
async fn silent() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let address = listener.local_addr().expect("a socket has an address");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut buffer = vec![0; 64 * 1024];
                while stream.read(&mut buffer).await.is_ok_and(|read| read > 0) {}
            });
        }
    });
    format!("http://{address}/")
}

/// Makes a webhook; answers its path.
async fn add(server: &Server, tenant: &Tenant, url: &str) -> String {
    let body = json!({"url": url, "operation": "association.", "park_after": 10_000});
    let made = tenant.admin.create("/admin/v1/webhooks", &body).await;
    server.endpoint().keep_secret(made["secret"].as_str().expect("a secret was made"));
    format!("/admin/v1/webhooks/{}", made["id"].as_str().expect("an id is text"))
}

/// Lets webhooks rest, or go on until each has failed.
async fn set(tenant: &Tenant, webhooks: &[String], on: bool) {
    let verb = if on { "resume" } else { "pause" };
    for webhook in webhooks {
        tenant.admin.call(&Method::POST, &format!("{webhook}/{verb}"), &Value::Null).await.is(200);
    }
    // The silent one fails after its ten seconds: it is enough that it is tried.
    let refused = &webhooks[0];
    poll::until_async("it is tried, or rests", poll::PATIENCE, async || {
        let failures = tenant.admin.get(refused).await["failures"].as_u64()?;
        ((failures > 0) == on).then_some(())
    })
    .await;
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> std::io::Result<()> {
    let rounds = std::env::args().nth(1).map_or(60, |text| text.parse().expect("the argument is a number"));
    let server = Server::start(Options::quiet());
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    let mut creators = Vec::new();
    for _ in 0..CONNECTIONS {
        creators.push(tenant.creator().await);
    }
    // A port that was free a moment ago.
    let closed = TcpListener::bind("127.0.0.1:0").await?.local_addr()?;
    let refused = add(&server, &tenant, &format!("http://{closed}/")).await;
    let webhooks = [refused, add(&server, &tenant, &silent().await).await];
    let next = Arc::new(AtomicU64::new(0));
    round(&server, &mut creators, &next).await;
    let mut out = std::io::stdout().lock();
    writeln!(out, "binary: {}", binary::path().display())?;
    let (mut alone, mut beside, mut ratios) = (Sum::default(), Sum::default(), Vec::new());
    for pair in 0..rounds {
        // Either comes first, in turn.
        let with_first = pair % 2 == 1;
        set(&tenant, &webhooks, with_first).await;
        let first = round(&server, &mut creators, &next).await;
        set(&tenant, &webhooks, !with_first).await;
        let second = round(&server, &mut creators, &next).await;
        let (without, with) = if with_first { (second, first) } else { (first, second) };
        ratios.push(with.rate() / without.rate());
        alone.add(without);
        beside.add(with);
    }
    ratios.sort_by(f64::total_cmp);
    for (what, sum) in [("alone", alone), ("with two dead webhooks", beside)] {
        writeln!(
            out,
            "{what}: {:.0} creates a second, {:.1} us of a processor each",
            sum.rate(),
            sum.cost()
        )?;
    }
    writeln!(
        out,
        "ratios of {rounds} pairs: creates a second {:.3} (median {:.3}), processor {:.3}",
        beside.rate() / alone.rate(),
        ratios[ratios.len() / 2],
        beside.cost() / alone.cost()
    )?;
    Ok(())
}
