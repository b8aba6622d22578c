//! The database or the server is killed with SIGKILL under write load and started again: no acknowledged write is lost,
//! none is invented.

use std::time::Duration;

use jackfield_tests::postgres::Cluster;
use jackfield_tests::{Options, poll, seed};

use crate::crash::Crash;
use crate::load::{Course, Load};

/// The long run of the embedded store is much cheaper.
fn cycles() -> usize {
    seed::count("JACKFIELD_CRASH_CYCLES", 50).div_ceil(5)
}

/// Waits until the database has carried out what it was sent by servers that are gone.
fn quiet(cluster: &Cluster) {
    let busy = "SELECT count(*) FROM pg_stat_activity \
        WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()";
    poll::until("sessions of a killed server have ended", poll::PATIENCE, || {
        (cluster.sql(busy) == "0").then_some(())
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_server_loses_and_invents_nothing() {
    let cycles = cycles();
    let cluster = Cluster::start();
    let options = Options { store: Some(cluster.url()), ..Options::default() };
    let mut crash = Crash::new(options, seed::rng("postgres server crash")).await;
    for cycle in 0..cycles {
        crash.kill_under_load(cycle % 2 == 0).await;
        quiet(&cluster);
        crash.server.restart();
        crash.load.verify().await;
    }
    crash.load.report(cycles);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_database_loses_and_invents_nothing() {
    let cycles = cycles();
    let mut rng = seed::rng("postgres database crash");
    let mut cluster = Cluster::start();
    let server = super::node(&cluster.url());
    let mut load = Load::on(&[&server], &mut rng).await;
    for _ in 0..cycles {
        let course = Course::patient();
        let moment = Duration::from_millis(rng.u64(50..400));
        let event = async {
            let before = course.acknowledged();
            let written = async || (course.acknowledged() > before).then_some(());
            poll::until_async("there is load", poll::PATIENCE, written).await;
            tokio::time::sleep(moment).await;
            cluster.kill9();
            cluster.restart();
            let before = course.acknowledged();
            let written = async || (course.acknowledged() > before + 20).then_some(());
            poll::until_async("writes go on", poll::PATIENCE, written).await;
            course.stop();
        };
        Box::pin(load.during(&course, event)).await;
        load.verify().await;
    }
    load.report(cycles);
}
