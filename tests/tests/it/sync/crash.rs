//! A run that is killed or interrupted, and goes on from its journal.

use std::process::{Child, Stdio};
use std::time::Duration;

use jackfield_tests::{Options, Server, Tenant, TenantOptions, Version, poll};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use super::{Desk, State, changed, rooms, state};

/// Associations that a run is in the middle of changing.
async fn changes_so_far(tenant: &Tenant, before: usize) -> usize {
    changed(tenant).await - before
}

fn start(desk: &Desk, words: &[&str]) -> Child {
    desk.command(words).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

/// A provider with rooms, and a list that wants 20 of them changed, 20 deleted and 100 more.
async fn scene(server: &Server) -> (Tenant, Desk, State) {
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    let desk = Desk::of(&tenant);
    let first = rooms(60, "");
    desk.list("first.csv", &first);
    desk.run(&["sync", "first.csv", "--yes"]).is(0);
    let mut wanted: State = first.into_iter().take(40).collect();
    wanted.extend(rooms(20, "new"));
    wanted.extend((0..100).map(|n| (format!("suite {n}"), jackfield_tests::tenant::profile("s"))));
    desk.list("rooms.csv", &wanted);
    (tenant, desk, wanted)
}

#[tokio::test]
async fn killed_at_any_moment_and_resumed_twenty_times() {
    let server = Server::start(Options::default());
    let mut in_the_middle = 0;
    for seed in 0..20 {
        let mut random = fastrand::Rng::with_seed(seed);
        let (tenant, desk, wanted) = scene(&server).await;
        let target = random.usize(0..140);
        // Slow enough to be killed in the middle.
        tenant.admin.create("/admin/v1/faults", &json!({"latency_ms": 10})).await;
        let words = ["sync", "rooms.csv", "--yes", "--delete-missing", "--connections", "4"];
        let mut child = start(&desk, &words);
        poll::until_async("the run has come so far, or to its end", poll::PATIENCE, async || {
            let ended = child.try_wait().unwrap().is_some();
            (ended || changes_so_far(&tenant, 60).await >= target).then_some(())
        })
        .await;
        child.kill().unwrap();
        child.wait().unwrap();
        let done = changes_so_far(&tenant, 60).await;
        in_the_middle += usize::from((1..140).contains(&done));

        tenant.admin.delete("/admin/v1/faults").await;
        let run = desk.run(&["sync", "--resume", "--yes"]);
        if run.code == Some(2) {
            // Killed before its journal was whole, or after it was removed: the list itself is what goes on.
            assert!(done == 0 || done == 140, "seed {seed}, {done} changes: {}", run.err);
            desk.run(&["sync", "rooms.csv", "--yes", "--delete-missing"]).is(0);
        } else {
            run.is(0);
        }
        assert_eq!(state(&tenant).await, wanted, "seed {seed}, {done} changes before the kill");
        assert_eq!(changed(&tenant).await, 60 + 140, "seed {seed}: nothing was done twice");
        desk.run(&["diff", "rooms.csv"]).is(0);
    }
    assert!(in_the_middle >= 10, "only {in_the_middle} runs were killed in the middle");
}

#[tokio::test]
async fn an_interrupt_finishes_what_is_in_flight() {
    let server = Server::start(Options::default());
    let (tenant, desk, wanted) = scene(&server).await;
    tenant.admin.create("/admin/v1/faults", &json!({"latency_ms": 60})).await;
    let mut child = start(&desk, &["sync", "rooms.csv", "--yes", "--delete-missing"]);
    poll::until_async("the run has made changes", poll::PATIENCE, async || {
        (changes_so_far(&tenant, 60).await >= 5).then_some(())
    })
    .await;
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    kill_process(pid, Signal::INT).unwrap();
    let status = poll::until("the run has ended", Duration::from_secs(20), || child.try_wait().unwrap());
    assert_eq!(status.code(), Some(1));
    let said = std::io::read_to_string(child.stderr.take().unwrap()).unwrap();
    let done = changes_so_far(&tenant, 60).await;
    assert!((5..140).contains(&done), "{done}");
    assert!(said.contains(&format!("interrupted; {} changes are left", 140 - done)), "{done} done: {said}");
    tenant.admin.delete("/admin/v1/faults").await;

    // Another run may not take the same journal meanwhile, another provider may not take it at all.
    let mut other = tenant.again(Version::Http1);
    other.provider = tenant.new_provider("other").await;
    let journal = std::fs::read_dir(desk.home.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|extension| extension == "journal"))
        .unwrap();
    let run = Desk::of(&other).run(&["sync", "--resume", "--yes", "--journal", journal.to_str().unwrap()]);
    run.is(2);
    assert!(run.err.contains(&tenant.provider), "{}", run.err);
    let told = desk.json(&["sync", "--resume", "--yes"], 0);
    assert_eq!(told["plan"]["changes"].as_array().unwrap().len(), 140 - done);
    assert_eq!(state(&tenant).await, wanted);
    assert_eq!(changed(&tenant).await, 200);
}
