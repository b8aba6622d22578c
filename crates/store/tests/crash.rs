//! A process that writes is killed, again and again, also while it makes or opens the store: what it was told is
//! stored is there, what it did not ask for is not.

#![allow(clippy::unwrap_used, reason = "a panic in a test is the report")]
#![allow(clippy::print_stdout, reason = "how the process that is killed says what is stored")]

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use jackfield_store::conformance::dump::walk;
use jackfield_store::conformance::private_dir;
use jackfield_store::conformance::world::{
    NORTH, changes, organization, origin, provider_id, service_provider, write,
};
use jackfield_store::embedded::EmbeddedStore;
use jackfield_store::{
    AssociationStore as _, ChangeFilter, CreateOutcome, OpenError, RegistryCommand, RegistryOutcome,
    RegistryStore as _, Store, StoreOptions, Subject,
};

const DIRECTORY: &str = "JACKFIELD_TEST_CRASH_DIRECTORY";
const CYCLE: &str = "JACKFIELD_TEST_CRASH_CYCLE";
const CYCLES: usize = 20;
const CREATORS: usize = 16;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_loses_nothing_and_invents_nothing() {
    if let Some(dir) = std::env::var_os(DIRECTORY) {
        return create_forever(&PathBuf::from(dir), &std::env::var(CYCLE).unwrap()).await;
    }
    let dir = private_dir();
    // What the creators of each cycle were told, and what they may have got beyond that.
    let mut told: BTreeMap<String, usize> = BTreeMap::new();
    let mut there = BTreeSet::new();
    for cycle in 0..CYCLES {
        let moment = match cycle % 5 {
            0 => Moment::After(Duration::from_millis(1 + cycle as u64)),
            1 => Moment::Created(300),
            2 => Moment::After(Duration::from_millis(8 + cycle as u64)),
            3 => Moment::Created(1),
            _ => Moment::After(Duration::from_millis(25 + 2 * cycle as u64)),
        };
        let lines = run_and_kill(dir.path(), cycle, moment);
        let new = lines.iter().filter_map(|line| line.strip_prefix("created "));
        for id in new {
            let (creator, number) = id.rsplit_once('.').unwrap();
            assert_eq!(
                told.insert(creator.to_owned(), number.parse().unwrap()),
                number.parse::<usize>().unwrap().checked_sub(1)
            );
        }
        there = check(dir.path(), cycle, &told, &there).await;
    }
    assert!(told.len() >= CREATORS, "some cycle got to writing: {told:?}");
}

/// When the process is killed.
#[derive(Clone, Copy)]
enum Moment {
    /// So long after it was started, whatever it does then.
    After(Duration),
    /// When it said that so many associations are stored.
    Created(usize),
}

/// The process that is killed: says each association that is stored.
async fn create_forever(dir: &Path, cycle: &str) {
    let store = loop {
        match EmbeddedStore::open(dir, StoreOptions::default()).await {
            // The system frees the lock of a killed process, but not before it is all gone.
            Err(OpenError::InUse(_)) => tokio::time::sleep(Duration::from_millis(1)).await,
            opened => break Arc::new(opened.unwrap()),
        }
    };
    for command in [
        RegistryCommand::CreateOrganization(organization(NORTH)),
        RegistryCommand::CreateServiceProvider(service_provider(provider_id(1), NORTH, "one")),
    ] {
        let outcome = store.change_registry(command, origin()).await.unwrap();
        assert!(matches!(outcome, RegistryOutcome::Done | RegistryOutcome::Exists));
    }
    let creators: Vec<_> = (0..CREATORS)
        .map(|creator| {
            let (store, cycle) = (Arc::clone(&store), cycle.to_owned());
            tokio::spawn(async move {
                for number in 0.. {
                    let id = format!("{cycle}.{creator}.{number}");
                    let created = store.create_association(write(provider_id(1), &id, "one")).await.unwrap();
                    assert_eq!(created, CreateOutcome::Created);
                    println!("created {id}");
                }
            })
        })
        .collect();
    for creator in creators {
        creator.await.unwrap();
    }
}

/// Lets the process run up to a moment; answers what it said.
fn run_and_kill(dir: &Path, cycle: usize, moment: Moment) -> Vec<String> {
    let mut process = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_kill_loses_nothing_and_invents_nothing", "--nocapture"])
        .env(DIRECTORY, dir)
        .env(CYCLE, cycle.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = BufReader::new(process.stdout.take().unwrap());
    let (lines, said) = std::sync::mpsc::channel();
    let reader = std::thread::spawn(move || {
        for line in output.lines().map_while(Result::ok) {
            lines.send(line).unwrap();
        }
    });
    let mut all = Vec::new();
    match moment {
        Moment::After(time) => std::thread::sleep(time),
        Moment::Created(count) => {
            while all.iter().filter(|line: &&String| line.starts_with("created")).count() < count {
                all.push(said.recv_timeout(Duration::from_secs(60)).expect("the process writes"));
            }
        }
    }
    process.kill().unwrap();
    let status = process.wait().unwrap();
    assert_eq!(status.code(), None, "it was killed, it did not end by itself");
    all.extend(said.iter());
    reader.join().unwrap();
    all
}

/// Opens the store and compares; answers all ids that are there.
async fn check(
    dir: &Path,
    cycle: usize,
    told: &BTreeMap<String, usize>,
    before: &BTreeSet<String>,
) -> BTreeSet<String> {
    let store = EmbeddedStore::open(dir, StoreOptions::default()).await.unwrap();
    let there: BTreeSet<String> =
        walk(&store, provider_id(1), 1_000).await.into_iter().map(|(id, _)| id).collect();
    assert!(there.is_superset(before), "nothing of earlier cycles went away");
    let cycle_prefix = format!("{cycle}.");
    for id in there.difference(before) {
        let (creator, number) = id.rsplit_once('.').unwrap();
        assert!(id.starts_with(&cycle_prefix), "{id} came up in cycle {cycle}");
        let asked = told.get(creator).map_or(0, |last| last + 1);
        assert!(number.parse::<usize>().unwrap() <= asked, "{id}: {asked} is the last that was asked for");
    }
    for (creator, last) in told.iter().filter(|(creator, _)| creator.starts_with(&cycle_prefix)) {
        for number in 0..=*last {
            assert!(there.contains(&format!("{creator}.{number}")), "{creator}.{number} is lost");
        }
    }
    assert_eq!(store.count_associations(provider_id(1)).await.unwrap(), there.len() as u64);
    let filter = ChangeFilter { limit: 5_000, ..ChangeFilter::default() };
    let changes = changes(&store, &filter).await;
    assert!(
        changes.iter().map(|change| change.sequence).eq(1..=changes.len() as u64),
        "no gap, nothing twice"
    );
    let recorded: Vec<String> = changes
        .into_iter()
        .filter_map(|change| match change.subject {
            Subject::Association { external_user_id, .. } => Some(external_user_id.into()),
            Subject::Object { .. } => None,
        })
        .collect();
    assert_eq!(recorded.len(), there.len(), "one change for each");
    assert_eq!(recorded.into_iter().collect::<BTreeSet<_>>(), there);
    store.close().await;
    there
}
