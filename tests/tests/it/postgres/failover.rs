//! Fail-over: the primary is killed under load, its synchronous standby is promoted, and the nodes go on there.

use std::time::{Duration, Instant};

use jackfield_tests::postgres::Cluster;
use jackfield_tests::{Tenant, TenantOptions, Version, poll, seed};

use crate::load::{Course, Load};

/// Longest from the promotion until writes are answered again.
const BACK: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_service_goes_on_at_the_standby() {
    let mut rng = seed::rng("failover");
    let mut primary = Cluster::start();
    let standby = primary.synchronous_standby();
    let url = primary.url_of_primary(&standby);
    let nodes = [super::node(&url), super::node(&url)];
    let mut load = Load::on(&[&nodes[0], &nodes[1]], &mut rng).await;
    // Somebody else, whose writes say when each node is back.
    let probe = Tenant::on(nodes[0].endpoint(), TenantOptions::default()).await;
    let probes = [probe.again(Version::Http1), probe.at(nodes[1].endpoint(), Version::Http1)];
    let course = Course::patient();
    let moment = Duration::from_millis(rng.u64(200..1_000));
    let event = async {
        let written = async || (course.acknowledged() > 200).then_some(());
        poll::until_async("there is load", poll::PATIENCE, written).await;
        tokio::time::sleep(moment).await;
        primary.kill9();
        // Long enough for every node to notice, and to be answering 503.
        let noticed = async || (course.refused() > 20).then_some(());
        poll::until_async("requests are refused", poll::PATIENCE, noticed).await;
        assert_eq!(probes[0].create("while there is no primary", "1").await.status, 503);
        standby.promote();
        let promoted = Instant::now();
        for (n, probe) in probes.iter().enumerate() {
            let id = format!("node {n}");
            let back = async || match probe.create(&id, "1").await.status {
                201 => Some(()),
                // A create whose end was in doubt may have happened.
                409 => Some(()),
                503 => None,
                status => panic!("{status}"),
            };
            poll::until_async("the node writes again", BACK, back).await;
        }
        assert!(promoted.elapsed() <= BACK, "{:?}", promoted.elapsed());
        let first = course.first_after(promoted);
        eprintln!("both nodes wrote {:?} after the promotion", promoted.elapsed());
        let before = course.acknowledged();
        let written = async || (course.acknowledged() > before + 100).then_some(());
        poll::until_async("the load goes on", poll::PATIENCE, written).await;
        course.stop();
        first
    };
    load.during(&course, event).await;
    load.verify().await;
    load.report(1);
    eprintln!("{} writes acknowledged, {} refused or not answered", course.acknowledged(), course.refused());
}
