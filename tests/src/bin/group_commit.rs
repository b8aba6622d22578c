//! Shows group commit: durable creates a second of one client and of 64, against one server.
//!
//! Both write to stable storage before they are answered. The clients send prepared bytes and read no more of an
//! answer than they must, because they share the machine with the server. Rounds of both alternate. It prints figures
//! and judges nothing: they are the machine's. An argument says how many seconds each of the parts takes.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use jackfield_tests::creator::Creator;
use jackfield_tests::tenant::{association, profile};
use jackfield_tests::{Options, Server, Tenant, TenantOptions, binary};

const MANY: usize = 64;
const ROUNDS: usize = 3;

/// One client: creates one association after the other until told to stop, and counts those that were acknowledged.
async fn create(mut creator: Creator, prefix: String, stop: Arc<AtomicBool>, created: Arc<AtomicU32>) {
    let body = association("ID", &profile("1")).to_string();
    let (before, after) = body.split_once("ID").expect("the id stands in the body");
    // Ids have one length, and so have bodies.
    let length = before.len() + prefix.len() + "-00000000".len() + after.len();
    let mut n = 0_u64;
    while !stop.load(Ordering::Relaxed) {
        creator.prepare(format_args!("{before}{prefix}-{n:08}{after}"), length);
        creator.send().await;
        created.fetch_add(1, Ordering::Relaxed);
        n += 1;
    }
}

/// Creates acknowledged in a second by this many clients, each with one request in flight.
async fn rate(server: &Server, tenant: &Tenant, clients: usize, part: &str, span: Duration) -> f64 {
    let stop = Arc::new(AtomicBool::new(false));
    let created = Arc::new(AtomicU32::new(0));
    let head: Arc<str> =
        format!("POST {} HTTP/1.1\r\nhost: h\r\nauthorization: Bearer {}\r\n", tenant.path(), tenant.token)
            .into();
    let mut running = Vec::new();
    let start = Instant::now();
    for client in 0..clients {
        let creator = Creator::connect(server.endpoint().public(), Arc::clone(&head)).await;
        let work = create(creator, format!("{part}-{client}"), Arc::clone(&stop), Arc::clone(&created));
        running.push(tokio::spawn(work));
    }
    tokio::time::sleep(span).await;
    // What is counted was acknowledged before the clock was read.
    let acknowledged = created.load(Ordering::Relaxed);
    let seconds = start.elapsed().as_secs_f64();
    stop.store(true, Ordering::Relaxed);
    for client in running {
        client.await.expect("a client does not panic");
    }
    f64::from(acknowledged) / seconds
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let seconds = std::env::args().nth(1).map_or(3, |text| text.parse().expect("seconds are a number"));
    let span = Duration::from_secs(seconds);
    let mut server = Server::start(Options::quiet());
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    rate(&server, &tenant, MANY, "warm", Duration::from_millis(500)).await;
    let mut out = std::io::stdout().lock();
    writeln!(out, "binary: {}", binary::path().display())?;
    let (mut ones, mut manys) = (0.0, 0.0);
    for round in 1..=ROUNDS {
        let one = rate(&server, &tenant, 1, &format!("one-{round}"), span).await;
        let many = rate(&server, &tenant, MANY, &format!("many-{round}"), span).await;
        writeln!(
            out,
            "durable creates a second: 1 client {one:>6.0}, {MANY} clients {many:>7.0}, ratio {:>5.1}",
            many / one
        )?;
        ones += one;
        manys += many;
    }
    writeln!(out, "ratio of all rounds: {:.1}", manys / ones)?;
    server.terminate();
    Ok(())
}
