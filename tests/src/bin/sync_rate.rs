//! How fast `jackfield sync` is beside a bare load generator: creates a second of both, with the same requests over the
//! same number of connections, against one server.
//!
//! The bare generator runs before and after each sync, so that what else the machine does meets both. It sends prepared
//! bytes and reads no more of an answer than it must. Shown besides: the most memory that the sync took, and how long a
//! second sync takes, which finds nothing to change. It prints figures and judges nothing: they are the machine's.
//! Arguments: how many rows (100,000), how many rounds (5) and how many connections (32, as `jackfield sync` has them).

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use jackfield_tests::creator::Creator;
use jackfield_tests::server::clean_environment;
use jackfield_tests::tenant::profile;
use jackfield_tests::{Options, Server, Tenant, TenantOptions, binary};
use serde_json::Value;
use tempfile::TempDir;

/// What a sync took.
struct Synced {
    /// The document that it printed.
    told: Value,
    /// From start to end of the process.
    span: Duration,
    /// The most memory that was its own, in MiB.
    memory: u64,
}

/// One connection: sends creates until none are left.
async fn create(mut creator: Creator, next: Arc<AtomicU64>, rows: u64) {
    // The properties in the order in which the client writes them.
    let before = r#"{"externalUserId":"room "#;
    let middle = format!(r#"","amazonId":"{}"#, profile("room-"));
    let end = r#"","amazonIdType":"communication-profile"}"#;
    let length = before.len() + middle.len() + end.len() + 2 * "0000000".len();
    loop {
        let n = next.fetch_add(1, Ordering::Relaxed);
        if n >= rows {
            return;
        }
        creator.prepare(format_args!("{before}{n:07}{middle}{n:07}{end}"), length);
        creator.send().await;
    }
}

/// Creates a second of the bare generator.
async fn bare(server: &Server, tenant: &mut Tenant, name: &str, rows: u64, connections: u64) -> f64 {
    tenant.provider = tenant.new_provider(name).await;
    let address = server.endpoint().public();
    let head: Arc<str> = format!(
        "POST {} HTTP/1.1\r\nuser-agent: jackfield/0.1.0\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\nhost: {address}\r\n",
        tenant.path(),
        tenant.token
    )
    .into();
    let next = Arc::new(AtomicU64::new(0));
    let start = Instant::now();
    let mut running = Vec::new();
    for _ in 0..connections {
        let creator = Creator::connect(address, Arc::clone(&head)).await;
        running.push(tokio::spawn(create(creator, Arc::clone(&next), rows)));
    }
    for connection in running {
        connection.await.expect("a client does not panic");
    }
    #[expect(clippy::cast_precision_loss, reason = "rows are few")]
    let rows = rows as f64;
    rows / start.elapsed().as_secs_f64()
}

/// Runs `jackfield sync` on a list.
fn sync(
    server: &Server,
    tenant: &Tenant,
    home: &TempDir,
    list: &str,
    connections: u64,
) -> std::io::Result<Synced> {
    let told = home.path().join("told.json");
    let mut command = Command::new(binary::path());
    clean_environment(&mut command);
    let connections = connections.to_string();
    command
        .args(["sync", list, "--yes", "--output", "json", "--connections", &connections])
        .current_dir(home.path())
        .env("JACKFIELD_ENDPOINT", format!("http://{}", server.endpoint().public()))
        .env("JACKFIELD_TOKEN", &tenant.token)
        .env("JACKFIELD_PROVIDER", &tenant.provider)
        .stdin(Stdio::null())
        .stdout(std::fs::File::create(&told)?);
    let start = Instant::now();
    let mut child = command.spawn()?;
    let mut memory = 0;
    while child.try_wait()?.is_none() {
        memory = peak(child.id()).unwrap_or(memory);
        std::thread::sleep(Duration::from_millis(20));
    }
    let span = start.elapsed();
    let told = serde_json::from_slice(&std::fs::read(told)?)?;
    Ok(Synced { told, span, memory })
}

/// The most memory that a process has had, in MiB.
fn peak(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().trim_end_matches(" kB").parse().ok()?;
    Some(kib / 1024)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args().skip(1).map(|text| text.parse().expect("arguments are numbers"));
    let rows: u64 = arguments.next().unwrap_or(100_000);
    #[expect(clippy::cast_precision_loss, reason = "rows are few")]
    let rows_f64 = rows as f64;
    let rounds: u64 = arguments.next().unwrap_or(5);
    let connections: u64 = arguments.next().unwrap_or(32);
    let mut server = Server::start(Options::quiet());
    let mut tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    let home = TempDir::new()?;
    let mut list = "externalUserId,amazonId\n".to_owned();
    for n in 0..rows {
        writeln!(list, "room {n:07},{}", profile(&format!("room-{n:07}"))).expect("text takes all");
    }
    std::fs::write(home.path().join("rooms.csv"), list)?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "binary: {}, {rows} rows, {connections} connections", binary::path().display())?;
    bare(&server, &mut tenant, "warm", rows / 20, connections).await;
    let (mut bare_seconds, mut sync_seconds) = (0.0, 0.0);
    for round in 1..=rounds {
        let first = bare(&server, &mut tenant, &format!("before-{round}"), rows / 2, connections).await;
        tenant.provider = tenant.new_provider(&format!("sync-{round}")).await;
        let synced = sync(&server, &tenant, &home, "rooms.csv", connections)?;
        let filled = tenant.provider.clone();
        let last = bare(&server, &mut tenant, &format!("after-{round}"), rows / 2, connections).await;
        tenant.provider = filled;
        let again = sync(&server, &tenant, &home, "rooms.csv", connections)?;
        let applied = &synced.told["applied"];
        assert_eq!((&applied["counts"]["create"], &synced.told["verified"]), (&rows.into(), &true.into()));
        assert_eq!(again.told["plan"]["unchanged"], rows, "the second run has nothing to do");
        assert!(again.told["plan"]["changes"].as_array().is_some_and(Vec::is_empty));
        let seconds = applied["seconds"].as_f64().expect("a run takes time");
        let rate = rows_f64 / seconds;
        let generator = f64::midpoint(first, last);
        bare_seconds += rows_f64 / 2.0 / first + rows_f64 / 2.0 / last;
        sync_seconds += seconds;
        writeln!(
            out,
            "creates a second: bare {first:.0} and {last:.0}, sync {rate:.0}, ratio {:.2}; {} MiB, with verification {:.1} s; second run {:.1} s, {} MiB",
            rate / generator,
            synced.memory,
            synced.span.as_secs_f64(),
            again.span.as_secs_f64(),
            again.memory
        )?;
    }
    #[expect(clippy::cast_precision_loss, reason = "rounds are few")]
    let all = rows_f64 * rounds as f64;
    writeln!(
        out,
        "all rounds: bare {:.0}, sync {:.0}, ratio {:.2}",
        all / bare_seconds,
        all / sync_seconds,
        bare_seconds / sync_seconds
    )?;
    server.terminate();
    Ok(())
}
