//! Shows group commit: durable creates a second of one client and of 64, against one server.
//!
//! Both write to stable storage before they are answered. It prints figures and judges nothing: they are the
//! machine's. An argument says how many seconds each part takes.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use jackfield_tests::{Options, Server, Tenant, TenantOptions, Version, binary};

const MANY: usize = 64;

/// Creates acknowledged in a second by this many clients, each with one request in flight.
async fn rate(tenant: &Tenant, clients: usize, part: &str, span: Duration) -> f64 {
    let stop = Arc::new(AtomicBool::new(false));
    let created = Arc::new(AtomicU64::new(0));
    let start = Instant::now();
    let running: Vec<_> = (0..clients)
        .map(|client| {
            let (tenant, stop, created) =
                (tenant.again(Version::Http1), Arc::clone(&stop), Arc::clone(&created));
            let prefix = format!("{part}-{client}");
            tokio::spawn(async move {
                let mut n = 0_u64;
                while !stop.load(Ordering::Relaxed) {
                    tenant.create(&format!("{prefix}-{n}"), "1").await.is(201);
                    created.fetch_add(1, Ordering::Relaxed);
                    n += 1;
                }
            })
        })
        .collect();
    tokio::time::sleep(span).await;
    // What is counted was acknowledged before the clock was read.
    let acknowledged = u32::try_from(created.load(Ordering::Relaxed)).unwrap_or(u32::MAX);
    let seconds = start.elapsed().as_secs_f64();
    stop.store(true, Ordering::Relaxed);
    for client in running {
        client.await.expect("a client does not panic");
    }
    f64::from(acknowledged) / seconds
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let seconds = std::env::args().nth(1).map_or(3, |text| text.parse().expect("seconds are a number"));
    let span = Duration::from_secs(seconds);
    let quiet = vec![("JACKFIELD_LOG_LEVEL".to_owned(), "warn".to_owned())];
    let mut server = Server::start(Options { environment: quiet, ..Options::default() });
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    rate(&tenant, MANY, "warm", Duration::from_millis(500)).await;
    let one = rate(&tenant, 1, "one", span).await;
    let many = rate(&tenant, MANY, "many", span).await;
    let mut out = std::io::stdout().lock();
    writeln!(out, "binary: {}", binary::path().display())?;
    writeln!(out, "durable creates a second,  1 client:  {one:>8.0}")?;
    writeln!(out, "durable creates a second, {MANY} clients: {many:>8.0}")?;
    writeln!(out, "ratio: {:.1}", many / one)?;
    server.terminate();
    Ok(())
}
