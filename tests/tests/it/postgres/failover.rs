//! Fail-over: the primary is killed under load, or falls silent; its synchronous standby is promoted, and the nodes go
//! on there.

use std::time::{Duration, Instant};

use http::Method;
use jackfield_tests::postgres::Cluster;
use jackfield_tests::{Request, Tenant, TenantOptions, Version, poll, seed};

use crate::load::{Course, Load};

/// Longest from the promotion until writes are answered again.
const BACK: Duration = Duration::from_secs(5);
/// Who hears nothing at all has to wait for the end of its bounds first: 6 s for an answer and 5 s for a write in doubt.
const BACK_FROM_SILENCE: Duration = Duration::from_secs(16);

/// What happens to the primary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// Its processes are killed; the system refuses connections.
    Killed,
    /// It hangs; the system accepts connections, and nobody answers on them.
    Silent,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_service_goes_on_when_the_primary_is_killed() {
    Box::pin(goes_on(End::Killed)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_service_goes_on_when_the_primary_falls_silent() {
    Box::pin(goes_on(End::Silent)).await;
}

async fn goes_on(end: End) {
    let mut rng = seed::rng(&format!("failover, primary {end:?}"));
    let mut primary = Cluster::start();
    let standby = primary.synchronous_standby();
    let url = primary.url_of_primary(&standby) + "&connect_timeout=1";
    let nodes = [super::node(&url), super::node(&url)];
    let mut load = Load::on(&[&nodes[0], &nodes[1]], &mut rng).await;
    // Somebody else, whose writes say when each node is back.
    let probe = Tenant::on(nodes[0].endpoint(), TenantOptions::default()).await;
    let probes = [probe.again(Version::Http1), probe.at(nodes[1].endpoint(), Version::Http1)];
    let within = match end {
        End::Killed => BACK,
        End::Silent => BACK_FROM_SILENCE,
    };
    let course = Course::patient();
    let moment = Duration::from_millis(rng.u64(200..1_000));
    let event = async {
        let written = async || (course.acknowledged() > 200).then_some(());
        poll::until_async("there is load", poll::PATIENCE, written).await;
        tokio::time::sleep(moment).await;
        match end {
            End::Killed => primary.kill9(),
            End::Silent => primary.freeze(),
        }
        // Long enough for every node to notice, and to be answering 503.
        let noticed = async || (course.refused() > 20).then_some(());
        poll::until_async("requests are refused", poll::PATIENCE, noticed).await;
        for probe in &probes {
            let noticed = async || {
                let ready = probe.send(&Request::new(&Method::GET, "/readyz")).await.status == 200;
                (!ready).then_some(())
            };
            poll::until_async("the node has noticed", poll::PATIENCE, noticed).await;
        }
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
            poll::until_async("the node writes again", within, back).await;
        }
        assert!(promoted.elapsed() <= within, "{:?}", promoted.elapsed());
        let first = course.first_after(promoted);
        eprintln!("both nodes wrote {:?} after the promotion", promoted.elapsed());
        let before = course.acknowledged();
        let written = async || (course.acknowledged() > before + 100).then_some(());
        poll::until_async("the load goes on", poll::PATIENCE, written).await;
        course.stop();
        first
    };
    Box::pin(load.during(&course, event)).await;
    load.verify().await;
    load.report(1);
    eprintln!("{} writes acknowledged, {} refused or not answered", course.acknowledged(), course.refused());
}
