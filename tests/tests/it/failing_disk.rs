//! A disk that fails under load: no acknowledged write is lost, later ones are refused or durable, and when the cause is
//! gone writes work again without a restart. A shim between the server and its C library fails calls on demand.
//!
//! And what a crash or a bad disk leaves in a journal: a commit that was cut off is taken away, what was damaged later is
//! refused, and nothing is invented.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use jackfield_tests::page::walk;
use jackfield_tests::{Options, Server, Tenant, TenantOptions, Version, poll, seed};
use serde_json::json;
use tempfile::TempDir;

use crate::load::{Course, Load};

const WRITE: u32 = 1;
const SYNC: u32 = 2;
const TRUNCATE: u32 = 4;
const CREATE: u32 = 16;
const EIO: i32 = 5;
const ENOSPC: i32 = 28;

/// The calls that fail are said in a file that the shim maps.
struct Shim {
    home: TempDir,
    control: File,
}

impl Shim {
    fn new() -> Self {
        let home = TempDir::with_prefix("jackfield-shim-").unwrap();
        let path = home.path().join("control");
        let control = File::options().create(true).truncate(true).read(true).write(true).open(path).unwrap();
        control.set_len(4_096).unwrap();
        Self { home, control }
    }

    /// Options of a server on this disk.
    fn options(&self) -> Options {
        let control = self.home.path().join("control");
        let environment = [("LD_PRELOAD", library()), ("JACKFIELD_TEST_SHIM", &control)];
        let environment = environment.map(|(name, path)| (name.to_owned(), path.display().to_string()));
        let store = format!("embedded:{}", self.home.path().join("store").display());
        Options {
            store: Some(store),
            environment: [&environment[..], &[("JACKFIELD_LOG_LEVEL".to_owned(), "warn".to_owned())]]
                .concat(),
            ..Options::default()
        }
    }

    fn number(&self, at: u64) -> u32 {
        let mut bytes = [0; 4];
        self.control.read_exact_at(&mut bytes, at).unwrap();
        u32::from_ne_bytes(bytes)
    }

    /// How many calls have failed.
    fn failed(&self) -> u32 {
        assert_eq!(self.number(16), 1, "the binary loads libraries: a static one cannot be tested so");
        self.number(12)
    }

    /// From now on these calls on files whose path holds `path` fail, after so many that go well.
    fn fail(&self, calls: u32, error: i32, path: &str, after: u32) {
        let mut name = path.as_bytes().to_vec();
        name.push(0);
        self.control.write_all_at(&name, 20).unwrap();
        self.control.write_all_at(&error.to_ne_bytes(), 4).unwrap();
        self.control.write_all_at(&after.to_ne_bytes(), 8).unwrap();
        self.control.write_all_at(&calls.to_ne_bytes(), 0).unwrap();
    }

    fn mend(&self) {
        self.control.write_all_at(&[0; 4], 0).unwrap();
    }
}

/// The shim, compiled once.
fn library() -> &'static PathBuf {
    static LIBRARY: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    let (_, library) = LIBRARY.get_or_init(|| {
        let home = TempDir::with_prefix("jackfield-shim-").unwrap();
        let library = home.path().join("failing_disk.so");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("shim/failing_disk.c");
        let mut compile = Command::new("cc");
        compile
            .args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"])
            .arg(&library)
            .arg(source)
            .arg("-ldl");
        assert!(compile.status().expect("a C compiler is there").success());
        (home, library)
    });
    library
}

async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    poll::until_async(what, poll::PATIENCE, async || condition().then_some(())).await;
}

/// Lets calls fail while writers write, and mends them. Reads go on all the time.
async fn fail_under_load(shim: &Shim, load: &mut Load, reader: &Tenant, fault: (u32, i32, &str), after: u32) {
    let (calls, error, path) = fault;
    let course = Course::patient();
    let events = async {
        until("writes are acknowledged", || course.acknowledged() > 50).await;
        let failed = shim.failed();
        shim.fail(calls, error, path, after);
        until("calls fail", || shim.failed() > failed + 3).await;
        let refused = course.refused();
        until("writes are refused", || course.refused() > refused + 20).await;
        for _ in 0..20 {
            assert_eq!(reader.find("witness").await.as_deref(), Some("1"), "reads go on, {fault:?}");
        }
        shim.mend();
        let acknowledged = course.acknowledged();
        until("writes are acknowledged again", || course.acknowledged() > acknowledged + 50).await;
        course.stop();
    };
    Box::pin(load.during(&course, events)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_fails_loses_no_acknowledged_write_and_needs_no_restart() {
    let mut rng = seed::rng("failing disk");
    let shim = Shim::new();
    let mut server = Server::start(shim.options());
    let mut load = Load::on(&[&server], &mut rng).await;
    let faults = [
        (WRITE, EIO, ".jnl"),
        (WRITE, ENOSPC, ".jnl"),
        (SYNC, EIO, ".jnl"),
        (SYNC, ENOSPC, ".jnl"),
        (WRITE | SYNC | TRUNCATE | CREATE, EIO, "/store/"),
        (WRITE | CREATE, ENOSPC, "/store/"),
    ];
    for (round, fault) in faults.into_iter().enumerate() {
        let reader = load.tenant.at(server.endpoint(), Version::Http1);
        Box::pin(fail_under_load(&shim, &mut load, &reader, fault, rng.u32(0..5))).await;
        load.verify().await;
        server.kill9();
        server.restart();
        load.verify().await;
        if round % 2 == 1 {
            // A clean end writes tables.
            server.terminate();
            server.restart();
            load.verify().await;
        }
    }
    load.report(faults.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_while_its_disk_fails_has_lost_nothing() {
    let mut rng = seed::rng("killed while the disk fails");
    let shim = Shim::new();
    let mut server = Server::start(shim.options());
    let mut load = Load::on(&[&server], &mut rng).await;
    for fault in [(SYNC, EIO, ".jnl"), (WRITE, ENOSPC, ".jnl"), (WRITE | SYNC, EIO, "/store/")] {
        let course = Course::patient();
        let events = async {
            until("writes are acknowledged", || course.acknowledged() > 50).await;
            let refused = course.refused();
            shim.fail(fault.0, fault.1, fault.2, rng.u32(0..5));
            until("writes are refused", || course.refused() > refused).await;
            course.stop();
            server.kill9();
        };
        load.during(&course, events).await;
        shim.mend();
        server.restart();
        load.verify().await;
    }
}

/// A store that was killed after so many creates, each of which was acknowledged: its directory.
async fn killed_store(creates: usize) -> (Server, Tenant, TempDir) {
    let home = TempDir::with_prefix("jackfield-killed-").unwrap();
    let store = Some(format!("embedded:{}", home.path().join("store").display()));
    let mut server = Server::start(Options { store, ..Options::default() });
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    for number in 0..creates {
        tenant.create(&format!("{number:04}"), "1").await.is(201);
    }
    server.kill9();
    (server, tenant, home)
}

/// The newest journal, and where what was written to it ends.
fn newest_journal(directory: &Path) -> (PathBuf, Vec<u8>, usize) {
    let files = fs::read_dir(directory.join("engine")).unwrap().map(|entry| entry.unwrap().path());
    let journal =
        files.filter(|path| path.extension().is_some_and(|extension| extension == "jnl")).max().unwrap();
    let bytes = fs::read(&journal).unwrap();
    let end = bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    (journal, bytes, end)
}

/// The associations that are shown, which have to be the first so many that were created.
async fn shown(tenant: &Tenant, created: usize) -> usize {
    let walked = walk(tenant, &json!({}), 100).await;
    let count = walked.found.len();
    assert!(count <= created, "nothing is invented");
    assert!(
        walked.found.iter().map(|(id, _)| id.clone()).eq((0..count).map(|number| format!("{number:04}")))
    );
    assert_eq!(walked.total_count, count as u64);
    let changes = tenant.admin.changes(&tenant.provider, 0).await;
    assert_eq!(changes.iter().filter(|change| change["operation"] == "association.create").count(), count);
    count
}

#[tokio::test]
async fn a_commit_that_was_cut_off_is_taken_away_and_nothing_else() {
    const CREATES: usize = 40;
    let (mut server, tenant, home) = killed_store(CREATES).await;
    let (journal, bytes, end) = newest_journal(&home.path().join("store"));
    let mut rng = seed::rng("torn journal");
    // The beginning of another commit follows the last one.
    let last = bytes[..end - 4].windows(4).rposition(|window| window == b"FJL\x03").unwrap() + 4;
    for round in 0..6 {
        let mut torn = bytes[..end].to_vec();
        let length = rng.usize(1..end - last);
        torn.extend_from_slice(&bytes[last..last + length]);
        if round % 2 == 0 {
            torn.resize(end + 100_000, 0);
        }
        fs::write(&journal, &torn).unwrap();
        server.restart();
        assert_eq!(shown(&tenant, CREATES).await, CREATES, "{length} bytes of a commit");
        server.kill9();
    }
    // What was acknowledged is cut as well: what stands before the cut is shown.
    let mut left = CREATES;
    for _ in 0..6 {
        let cut = rng.usize(end / 2..end);
        fs::write(&journal, &bytes[..cut]).unwrap();
        server.restart();
        left = left.min(shown(&tenant, CREATES).await);
        server.kill9();
    }
    assert!(left < CREATES);
}

#[tokio::test]
async fn a_damaged_journal_is_refused() {
    const CREATES: usize = 40;
    let (mut server, tenant, home) = killed_store(CREATES).await;
    let (journal, bytes, end) = newest_journal(&home.path().join("store"));
    let mut rng = seed::rng("damaged journal");
    for _ in 0..12 {
        let at = rng.usize(0..end);
        let mut damaged = bytes.clone();
        damaged[at] ^= 1 << rng.u8(0..8);
        fs::write(&journal, &damaged).unwrap();
        match server.try_restart() {
            Ok(()) => {
                // Of the number that orders commits, a change may leave the order as it was.
                assert_eq!(shown(&tenant, CREATES).await, CREATES, "byte {at} of {end}");
                server.kill9();
            }
            Err(ended) => {
                let said = ended.stderr.lines().last().unwrap_or_default();
                assert_eq!(ended.status.code(), Some(1), "{said}");
                assert!(said.contains("damaged") && said.contains("restore a backup"), "{said}");
            }
        }
    }
    fs::write(&journal, &bytes).unwrap();
    server.restart();
    assert_eq!(shown(&tenant, CREATES).await, CREATES);
}
