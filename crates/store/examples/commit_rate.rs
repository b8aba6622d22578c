//! How many durable creates a second one creator and 64 concurrent ones get from an embedded store.
//!
//! `cargo run --release -p jackfield-store --features testing --example commit_rate -- [DIR] [SECONDS]`

#![allow(clippy::print_stdout, reason = "the printed rates are the result")]

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use jackfield_store::conformance::private_dir_in;
use jackfield_store::conformance::world::{organization, provider_id, service_provider, write};
use jackfield_store::embedded::EmbeddedStore;
use jackfield_store::{CommitReport, CreateOutcome, RegistryCommand, Store, StoreOptions};

/// Commits and writes since the last look.
#[derive(Default)]
struct Commits {
    commits: AtomicU64,
    writes: AtomicU64,
    micros: AtomicU64,
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let base = arguments.next().map_or_else(std::env::temp_dir, PathBuf::from);
    let seconds = arguments.next().map_or(5, |text| text.parse().expect("SECONDS is a number"));
    let dir = private_dir_in(&base).expect("the directory takes files");
    let commits = Arc::new(Commits::default());
    let on_commit = {
        let commits = Arc::clone(&commits);
        move |report: CommitReport| {
            commits.commits.fetch_add(1, Ordering::Relaxed);
            commits.writes.fetch_add(report.group_size as u64, Ordering::Relaxed);
            let micros = u64::try_from(report.latency.as_micros()).unwrap_or(u64::MAX);
            commits.micros.fetch_add(micros, Ordering::Relaxed);
        }
    };
    let options = StoreOptions { on_commit: Some(Arc::new(on_commit)), ..StoreOptions::default() };
    let store = EmbeddedStore::open(dir.path(), options).await.expect("the store opens");
    let store: Arc<dyn Store> = Arc::new(store);
    let accounts = [
        RegistryCommand::CreateOrganization(organization("north")),
        RegistryCommand::CreateServiceProvider(service_provider(provider_id(1), "north", "one")),
    ];
    for command in accounts {
        store.change_registry(command, jackfield_store::conformance::world::origin()).await.expect("done");
    }
    let one = rate(&store, &commits, 1, Duration::from_secs(seconds)).await;
    let many = rate(&store, &commits, 64, Duration::from_secs(seconds)).await;
    println!("ratio: {:.1}", many / one);
    store.close().await;
}

/// Lets `creators` create as fast as they can; answers creates a second.
#[allow(clippy::cast_precision_loss, reason = "rates for people")]
async fn rate(store: &Arc<dyn Store>, commits: &Commits, creators: u64, time: Duration) -> f64 {
    for counter in [&commits.commits, &commits.writes, &commits.micros] {
        counter.store(0, Ordering::Relaxed);
    }
    let started = Instant::now();
    let tasks: Vec<_> = (0..creators)
        .map(|creator| {
            let store = Arc::clone(store);
            tokio::spawn(async move {
                let mut created: u64 = 0;
                while started.elapsed() < time {
                    // A multiplicative hash: ids that come in no order, none twice.
                    let number =
                        (creators << 48 | creator << 40 | created).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                    let write = write(provider_id(1), &format!("{number:016x}"), "AHXY2ABCDEFGHIJKLMNOP");
                    let outcome = store.create_association(write).await.expect("the store is available");
                    assert_eq!(outcome, CreateOutcome::Created);
                    created += 1;
                }
                created
            })
        })
        .collect();
    let mut created = 0;
    for task in tasks {
        created += task.await.expect("a creator ends well");
    }
    let rate = created as f64 / started.elapsed().as_secs_f64();
    let count = commits.commits.load(Ordering::Relaxed).max(1);
    let group = commits.writes.load(Ordering::Relaxed) as f64 / count as f64;
    let micros = commits.micros.load(Ordering::Relaxed) / count;
    println!("{creators:>2} creators: {rate:>8.0} creates/s, {group:>5.1} a commit, {micros} µs a commit");
    rate
}
