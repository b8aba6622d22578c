//! Two nodes on one database, with connections that break: there is still one order of all operations on an id.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jackfield_tests::postgres::{Cluster, Database};
use jackfield_tests::proxy::Proxy;
use jackfield_tests::{Tenant, TenantOptions, Version, seed};

use crate::linearizability::{Plan, check};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_are_linearizable() {
    let database = Database::fresh();
    let (one, other) = (super::node(&database.url()), super::node(&database.url()));
    let tenant = Tenant::on(one.endpoint(), TenantOptions::default()).await;
    let second = tenant.at(other.endpoint(), Version::Http1);
    let plan = Plan { nodes: vec![tenant, second], rounds: 15, failures: false };
    check(&plan, &mut seed::rng("two nodes")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_whose_connections_break_are_linearizable() {
    let mut rng = seed::rng("two nodes, broken connections");
    let cluster = Cluster::start();
    let proxy = Proxy::to(cluster.port());
    let through = proxy.url(&cluster.url(), cluster.port());
    let (one, other) = (super::node(&through), super::node(&cluster.url()));
    let tenant = Tenant::on(one.endpoint(), TenantOptions::default()).await;
    let second = tenant.at(other.endpoint(), Version::Http1);
    let plan = Plan { nodes: vec![tenant, second], rounds: 15, failures: true };
    let over = Arc::new(AtomicBool::new(false));
    let (cutting, mut moments) = (Arc::clone(&over), rng.fork());
    let cutter = tokio::spawn(async move {
        while !cutting.load(Ordering::Relaxed) {
            tokio::time::sleep(Duration::from_millis(moments.u64(20..200))).await;
            proxy.cut();
        }
        proxy
    });
    check(&plan, &mut rng).await;
    over.store(true, Ordering::Relaxed);
    // It ends after the last of the servers that speak through it.
    let proxy = cutter.await.unwrap();
    drop((plan, one, other));
    drop(proxy);
}
