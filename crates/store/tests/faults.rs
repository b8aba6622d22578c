//! The embedded store on a disk that fills up, turns read-only or fails: writes are refused and leave no trace,
//! reads go on, and writes come back without a restart.
//!
//! Each test runs itself again in a mount namespace of its own with a small file system in memory, so nothing
//! of it outlives the process. Where the system allows no such namespace, the test says so and ends.

#![allow(clippy::unwrap_used, reason = "a panic in a test is the report")]
#![cfg(target_os = "linux")]

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use jackfield_store::conformance::dump::{Dump, walk};
use jackfield_store::conformance::world::{
    NORTH, association, book, changes, client, client_id, contact, external, number as telephone,
    organization, organization_id, origin, profile, provider_id, service_provider, unit, write,
};
use jackfield_store::embedded::EmbeddedStore;
use jackfield_store::registry::ClientChange;
use jackfield_store::resource::{Resource, ResourceChange};
use jackfield_store::{
    AssociationStore as _, ChangeFilter, CreateOutcome, MemoryStore, OpenError, ProfileStore as _,
    RegistryCommand, RegistryStore as _, ResourceStore as _, Store, StoreError, StoreOptions,
};

const MOUNT: &str = "JACKFIELD_TEST_MOUNT";
const DEADLINE: Duration = Duration::from_secs(60);

/// Runs the calling test again where a file system of its own is mounted. Answers the mount point there, and
/// nothing in the first process, which has then seen the second one end well.
fn private_mount(test: &str, size: &str) -> Option<PathBuf> {
    if let Some(mount) = std::env::var_os(MOUNT) {
        return Some(mount.into());
    }
    let as_root = ["-m", "--propagation", "private"].as_slice();
    let as_user = ["-Urm", "--propagation", "private"].as_slice();
    let works = |options: &&&[&str]| {
        let tried = Command::new("unshare").args(**options).arg("true").output();
        tried.is_ok_and(|output| output.status.success())
    };
    let Some(options) = [as_root, as_user].iter().find(works).copied() else {
        eprintln!("{test}: not run, this system allows no mount namespace (unshare -m, unshare -Urm)");
        return None;
    };
    let mount = tempfile::tempdir().unwrap();
    // A write beyond the file size limit is to be an error, not a signal that kills.
    let script =
        r#"trap "" XFSZ; mount -t tmpfs -o size="$1" none "$2" && exec "$3" --exact "$4" --nocapture"#;
    let output = Command::new("unshare")
        .args(options)
        .args(["sh", "-c", script, "sh", size])
        .arg(mount.path())
        .arg(std::env::current_exe().unwrap())
        .arg(test)
        .env(MOUNT, mount.path())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("1 passed"), "{text}");
    assert_eq!(fs::read_dir(mount.path()).unwrap().count(), 0, "nothing of the mount is left");
    None
}

fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(test);
}

async fn open(mount: &Path) -> Arc<dyn Store> {
    Arc::new(EmbeddedStore::open(&mount.join("store"), StoreOptions::default()).await.unwrap())
}

/// A store, and a reference that got exactly the writes that the store did not refuse.
struct Pair {
    store: Arc<dyn Store>,
    reference: MemoryStore,
    writes: u64,
}

impl Pair {
    async fn new(mount: &Path) -> Self {
        let pair = Self { store: open(mount).await, reference: MemoryStore::default(), writes: 0 };
        for command in [
            RegistryCommand::CreateOrganization(organization(NORTH)),
            RegistryCommand::CreateServiceProvider(service_provider(provider_id(1), NORTH, "one")),
            RegistryCommand::CreateClient(client("c1", NORTH, &[])),
        ] {
            let origin = origin();
            let outcome = pair.store.change_registry(command.clone(), origin.clone()).await.unwrap();
            assert_eq!(pair.reference.change_registry(command, origin).await.unwrap(), outcome);
        }
        pair
    }

    /// One of several kinds of write. Answers whether the store took it.
    async fn write(&mut self) -> bool {
        macro_rules! both {
            ($method:ident($($argument:expr),*)) => {{
                let taken = self.store.$method($($argument.clone()),*).await;
                match taken {
                    Ok(outcome) => {
                        assert_eq!(self.reference.$method($($argument),*).await.unwrap(), outcome);
                        true
                    }
                    Err(StoreError::Unavailable { .. }) => false,
                    Err(error) => panic!("{error}"),
                }
            }};
        }
        self.writes += 1;
        let (number, origin) = (self.writes, origin());
        let recent = external(&(number - number % 5).to_string());
        match number % 5 {
            0 if number % 20 == 0 => {
                let named =
                    |suffix: &str| profile(&format!("{suffix}{number}"), NORTH, &format!("{suffix}{number}"));
                let profiles = vec![named("q"), named("r")];
                both!(put_profiles(profiles, origin))
            }
            0 if number % 20 == 10 => {
                let id = format!("r{number}");
                let resources: [Resource; 4] = [
                    unit(&id, NORTH).into(),
                    book(&id).into(),
                    contact(&id, &id, telephone()).into(),
                    association(&id, &id).into(),
                ];
                let changes: Vec<_> = resources.map(ResourceChange::Create).into();
                // A clone of a reference to a reference is a reference.
                let north = &&organization_id(NORTH);
                both!(change_resources(north, changes, origin))
            }
            0 | 1 => {
                let write = write(provider_id(1), &number.to_string(), "one");
                both!(create_association(write))
            }
            2 => {
                let write = write(provider_id(1), recent.as_str(), &format!("to-{number}"));
                both!(update_association(write))
            }
            3 => {
                let new = profile(&format!("p{number}"), NORTH, &format!("u{number}"));
                both!(create_profile(new, origin))
            }
            _ if number % 10 == 4 => both!(delete_association(provider_id(1), recent, origin)),
            _ => {
                let change =
                    ClientChange { rate_limit: u32::try_from(number).ok(), ..ClientChange::default() };
                let command = RegistryCommand::UpdateClient(client_id("c1"), change);
                both!(change_registry(command, origin))
            }
        }
    }

    /// Writes until the store refuses.
    async fn write_until_refused(&mut self) {
        let started = Instant::now();
        while self.write().await {
            assert!(started.elapsed() < DEADLINE, "the store goes on taking writes");
        }
    }

    /// Writes until the store takes one again.
    async fn write_until_taken(&mut self) {
        let started = Instant::now();
        while !self.write().await {
            assert!(
                started.elapsed() < DEADLINE,
                "the store does not come back: {:?}",
                self.store.check().await
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// The store shows what the reference shows, all of it and nothing else.
    async fn compare(&self) {
        let (providers, organizations) = ([provider_id(1)], [organization_id(NORTH)]);
        let dump = Dump::of(&*self.store, &providers, &organizations, 50).await;
        let expected = Dump::of(&self.reference, &providers, &organizations, 50).await;
        assert_eq!(dump.difference(&expected), None);
    }

    async fn close_and_open(&mut self, mount: &Path) {
        self.store.close().await;
        self.store = open(mount).await;
    }
}

/// Takes every byte that the file system has left.
fn fill(mount: &Path) -> PathBuf {
    let path = mount.join("filler");
    let mut file = File::create(&path).unwrap();
    while file.write_all(&[1; 4096]).is_ok() {}
    path
}

/// Reads one association over and over; each read must find it.
fn keep_reading(store: &Arc<dyn Store>) -> (Arc<AtomicBool>, tokio::task::JoinHandle<u64>) {
    let (stop, store) = (Arc::new(AtomicBool::new(false)), Arc::clone(store));
    let stopped = Arc::clone(&stop);
    let reader = tokio::spawn(async move {
        let mut reads = 0;
        while !stopped.load(Ordering::Relaxed) {
            let found = store.find_associations(provider_id(1), &[external("1")]).await;
            assert_eq!(found.expect("reads go on").len(), 1);
            assert!(store.count_associations(provider_id(1)).await.expect("reads go on") > 0);
            reads += 1;
            tokio::task::yield_now().await;
        }
        reads
    });
    (stop, reader)
}

#[test]
fn a_full_disk_refuses_writes_until_there_is_room() {
    let Some(mount) = private_mount("a_full_disk_refuses_writes_until_there_is_room", "32m") else { return };
    run(async move {
        let mut pair = Pair::new(&mount).await;
        for _ in 0..50 {
            assert!(pair.write().await);
        }
        let (stop, reader) = keep_reading(&pair.store);
        // More than once: what a recovery leaves behind must not be in the way of the next.
        for _ in 0..3 {
            let filler = fill(&mount);
            pair.write_until_refused().await;
            for _ in 0..20 {
                assert!(!pair.write().await, "there is no room, yet a write was taken");
            }
            assert!(matches!(pair.store.check().await, Err(StoreError::Unavailable { .. })));
            pair.compare().await;
            fs::remove_file(filler).unwrap();
            pair.write_until_taken().await;
            pair.store.check().await.unwrap();
            pair.compare().await;
        }
        stop.store(true, Ordering::Relaxed);
        assert!(reader.await.unwrap() > 0);
        pair.close_and_open(&mount).await;
        pair.compare().await;
        assert!(pair.write().await);
    });
}

#[test]
fn a_store_that_is_closed_while_it_fails_shows_no_refused_write_later() {
    let test = "a_store_that_is_closed_while_it_fails_shows_no_refused_write_later";
    let Some(mount) = private_mount(test, "32m") else { return };
    run(async move {
        let mut pair = Pair::new(&mount).await;
        for _ in 0..20 {
            assert!(pair.write().await);
        }
        for room_before_close in [false, true, true, true] {
            let filler = fill(&mount);
            pair.write_until_refused().await;
            if room_before_close {
                fs::remove_file(&filler).unwrap();
            }
            pair.store.close().await;
            let _ = fs::remove_file(&filler);
            pair.store = open(&mount).await;
            pair.compare().await;
            assert!(pair.write().await);
        }
    });
}

#[test]
fn a_full_disk_is_opened_for_reading() {
    let Some(mount) = private_mount("a_full_disk_is_opened_for_reading", "32m") else { return };
    run(async move {
        let mut pair = Pair::new(&mount).await;
        for _ in 0..20 {
            assert!(pair.write().await);
        }
        pair.store.close().await;
        let filler = fill(&mount);
        pair.store = open(&mount).await;
        pair.compare().await;
        pair.write_until_refused().await;
        pair.compare().await;
        fs::remove_file(&filler).unwrap();
        pair.write_until_taken().await;
        pair.compare().await;
    });
}

#[test]
fn a_group_that_fails_is_refused_as_a_whole() {
    let Some(mount) = private_mount("a_group_that_fails_is_refused_as_a_whole", "48m") else { return };
    run(async move {
        let pair = Pair::new(&mount).await;
        let before = pair.store.stats().await.unwrap().last_change;
        let (stop, next) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let creators: Vec<_> = (0..64)
            .map(|_| {
                let (store, stop, next) = (Arc::clone(&pair.store), Arc::clone(&stop), Arc::clone(&next));
                tokio::spawn(async move {
                    let (mut taken, mut refused) = (BTreeSet::new(), BTreeSet::new());
                    while !stop.load(Ordering::Relaxed) {
                        let id = format!("{:06}", next.fetch_add(1, Ordering::Relaxed));
                        match store.create_association(write(provider_id(1), &id, "one")).await {
                            Ok(outcome) => {
                                assert_eq!(outcome, CreateOutcome::Created);
                                taken.insert(id);
                            }
                            Err(_) => {
                                refused.insert(id);
                                tokio::time::sleep(Duration::from_millis(5)).await;
                            }
                        }
                    }
                    (taken, refused)
                })
            })
            .collect();
        for _ in 0..3 {
            let filler = fill(&mount);
            until("writes are refused", || pair.store.check(), |check| check.is_err()).await;
            fs::remove_file(filler).unwrap();
            until("writes are taken", || pair.store.check(), |check| check.is_ok()).await;
        }
        stop.store(true, Ordering::Relaxed);
        let (mut taken, mut refused) = (BTreeSet::new(), BTreeSet::new());
        for creator in creators {
            let (more_taken, more_refused) = creator.await.unwrap();
            taken.extend(more_taken);
            refused.extend(more_refused);
        }
        assert!(!taken.is_empty() && !refused.is_empty());
        pair.store.close().await;
        let store = open(&mount).await;
        let there: BTreeSet<String> =
            walk(&*store, provider_id(1), 100).await.into_iter().map(|(id, _)| id).collect();
        assert_eq!(there, taken, "what was answered 'created', and nothing else");
        assert_eq!(store.count_associations(provider_id(1)).await.unwrap(), taken.len() as u64);
        let filter = ChangeFilter { after: before, limit: 1_000, ..ChangeFilter::default() };
        let sequences: Vec<u64> =
            changes(&*store, &filter).await.iter().map(|change| change.sequence).collect();
        let expected: Vec<u64> = (before + 1..=before + taken.len() as u64).collect();
        assert_eq!(sequences, expected, "one change for each");
    });
}

async fn until<T, F: Future<Output = T>>(what: &str, ask: impl Fn() -> F, is_so: impl Fn(&T) -> bool) {
    let started = Instant::now();
    while !is_so(&ask().await) {
        assert!(started.elapsed() < DEADLINE, "not so in time: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[test]
fn an_error_of_the_disk_refuses_writes_until_it_is_gone() {
    let Some(mount) = private_mount("an_error_of_the_disk_refuses_writes_until_it_is_gone", "256m") else {
        return;
    };
    // A limit on the size of files, set from outside, makes every write to a file an error.
    let limit = |bytes: &str| {
        let process = std::process::id().to_string();
        let limit = format!("--fsize={bytes}:unlimited");
        assert!(Command::new("prlimit").args(["--pid", &process, &limit]).status().unwrap().success());
    };
    run(async move {
        let mut pair = Pair::new(&mount).await;
        assert!(pair.write().await);
        let (stop, reader) = keep_reading(&pair.store);
        for _ in 0..3 {
            limit("0");
            pair.write_until_refused().await;
            assert!(!pair.write().await);
            pair.compare().await;
            limit("unlimited");
            pair.write_until_taken().await;
            pair.compare().await;
        }
        stop.store(true, Ordering::Relaxed);
        assert!(reader.await.unwrap() > 0);
        pair.close_and_open(&mount).await;
        pair.compare().await;
    });
}

#[test]
fn a_directory_that_turns_read_only_refuses_writes_until_it_is_writable() {
    let test = "a_directory_that_turns_read_only_refuses_writes_until_it_is_writable";
    let Some(mount) = private_mount(test, "512m") else { return };
    let mounts = |script: &str| {
        let done = Command::new("sh").args(["-c", script, "sh"]).arg(mount.join("store")).status();
        assert!(done.unwrap().success());
    };
    run(async {
        let mut pair = Pair::new(&mount).await;
        assert!(pair.write().await);
        let (stop, reader) = keep_reading(&pair.store);
        // A file system with files open for writing does not turn read-only, but a view of it does: files that
        // are open go on, new ones are refused. So writes go on until the engine needs a new file.
        mounts(r#"mount --bind "$1" "$1" && mount -o remount,bind,ro "$1""#);
        let mut pairs = Vec::new();
        for creator in 0..64 {
            let store = Arc::clone(&pair.store);
            pairs.push(tokio::spawn(async move {
                let started = Instant::now();
                let mut taken = Vec::new();
                for number in 0.. {
                    let id = format!("{creator:02}-{number:06}-{}", "\u{10ffff}".repeat(240));
                    let write = write(provider_id(1), &id, &"a".repeat(255));
                    match store.create_association(write).await {
                        Ok(_) => taken.push(id),
                        Err(_) => break,
                    }
                    assert!(started.elapsed() < DEADLINE, "the store goes on taking writes");
                }
                taken
            }));
        }
        let mut taken = BTreeSet::from(["1".to_owned()]);
        for creator in pairs {
            taken.extend(creator.await.unwrap());
        }
        let error = pair.store.check().await.unwrap_err().to_string();
        assert!(error.contains("Read-only") || error.contains("background"), "{error}");
        let check = async |store: &Arc<dyn Store>| {
            let there: BTreeSet<String> =
                walk(&**store, provider_id(1), 100).await.into_iter().map(|(id, _)| id).collect();
            assert!(there == taken, "{} there, {} taken", there.len(), taken.len());
            assert_eq!(store.count_associations(provider_id(1)).await.unwrap(), taken.len() as u64);
        };
        check(&pair.store).await;
        mounts(r#"umount "$1""#);
        until("writes are taken", || pair.store.check(), |check| check.is_ok()).await;
        check(&pair.store).await;
        stop.store(true, Ordering::Relaxed);
        assert!(reader.await.unwrap() > 0);
        pair.close_and_open(&mount).await;
        check(&pair.store).await;
    });
}

#[test]
fn a_read_only_directory_is_not_opened() {
    let Some(mount) = private_mount("a_read_only_directory_is_not_opened", "64m") else { return };
    let remount = |mode: &str| {
        let done = Command::new("mount").args(["-o", &format!("remount,{mode}")]).arg(&mount).status();
        assert!(done.unwrap().success());
    };
    run(async {
        remount("ro");
        let error = EmbeddedStore::open(&mount.join("store"), StoreOptions::default()).await.unwrap_err();
        assert!(matches!(error, OpenError::Io { .. }), "{error:?}");
        assert!(error.to_string().contains("it cannot be made: Read-only file system"), "{error}");
        remount("rw");
        let mut pair = Pair::new(&mount).await;
        assert!(pair.write().await);
        pair.store.close().await;
        remount("ro");
        let error = EmbeddedStore::open(&mount.join("store"), StoreOptions::default()).await.unwrap_err();
        assert!(error.to_string().contains("cannot be written: Read-only file system"), "{error}");
        remount("rw");
        pair.store = open(&mount).await;
        pair.compare().await;
    });
}
