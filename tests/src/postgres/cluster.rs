//! A PostgreSQL cluster of the test's own: to kill, to stop, to fill, to fail over.
//!
//! Commits are on the disk before they are answered, as in production. The cluster ends with its value, and with the
//! test process when that is killed.

use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use rustix::process::{Pid, Signal, geteuid, kill_process};
use tempfile::TempDir;

use super::{program, sql, try_sql};
use crate::namespace::SmallDisk;
use crate::poll;

/// Longest that a cluster may take to accept or to end.
const DEADLINE: Duration = Duration::from_secs(60);
/// Names a directory as `initdb` makes it, so that not every test process has to make one.
const TEMPLATE_VARIABLE: &str = "JACKFIELD_TEST_POSTGRES_TEMPLATE";
/// How a standby calls itself at its primary.
const STANDBY: &str = "standby";

/// Settings of the server by name.
pub type Settings<'a> = &'a [(&'a str, &'a str)];

/// A running cluster, or one that was killed. Dropping it ends and removes it.
#[derive(Debug)]
pub struct Cluster {
    server: Option<Child>,
    data: PathBuf,
    port: u16,
    settings: Vec<String>,
    disk: Option<SmallDisk>,
    guard: Child,
    home: TempDir,
}

impl Cluster {
    /// A cluster with the default settings.
    #[must_use]
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// A cluster with settings that cannot be changed later.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn with(settings: Settings<'_>) -> Self {
        let home = home();
        let data = home.path().join("data");
        run(as_server().arg("cp").arg("-a").arg(template()).arg(&data));
        Self::first_start(home, data, settings, None)
    }

    /// A cluster whose tables are on a small disk that can be filled; its write-ahead log has room. Nothing where this
    /// system does not let the test mount one.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn on_small_disk(mebibytes: u32, settings: Settings<'_>) -> Option<Self> {
        // Only root stays itself in a namespace, and PostgreSQL refuses to run as somebody who looks like root.
        if !geteuid().is_root() {
            return None;
        }
        let disk = SmallDisk::new(mebibytes)?;
        let home = home();
        let (data, log) = (disk.path("data"), home.path().join("wal"));
        let script = r#"cp -a "$1" "$2" && mv "$2/pg_wal" "$3" && ln -s "$3" "$2/pg_wal""#;
        let mut copy = wrapped(&disk.wrapper());
        run(copy.args(["sh", "-c", script, "sh"]).arg(template()).arg(&data).arg(log));
        Some(Self::first_start(home, data, settings, Some(disk)))
    }

    /// A standby that follows this cluster. From now on this cluster answers a commit when the standby has it on disk.
    ///
    /// # Panics
    /// When it cannot be made, or does not catch up.
    #[must_use]
    pub fn synchronous_standby(&self) -> Self {
        let home = home();
        let data = home.path().join("data");
        let primary = format!("host=127.0.0.1 port={} user=postgres application_name={STANDBY}", self.port);
        let mut backup = as_server();
        backup.arg(program("pg_basebackup")).args(["--checkpoint=fast", "--wal-method=stream", "--no-sync"]);
        run(backup.args(["--write-recovery-conf", "--dbname", &primary, "--pgdata"]).arg(&data));
        let standby = Self::first_start(home, data, &[], None);
        self.configure("synchronous_standby_names", STANDBY);
        poll::until("the standby is synchronous", DEADLINE, || {
            let state = sql(&self.url(), "SELECT sync_state FROM pg_stat_replication");
            (state == "sync").then_some(())
        });
        standby
    }

    /// The URL of its database.
    #[must_use]
    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// The URL of the database of whichever of two clusters can be written.
    #[must_use]
    pub fn url_of_primary(&self, other: &Self) -> String {
        let hosts = format!("127.0.0.1:{},127.0.0.1:{}", self.port, other.port);
        format!("postgres://postgres@{hosts}/postgres?target_session_attrs=read-write")
    }

    /// The port of 127.0.0.1 that it listens on, over restarts.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The disk of its tables, where it has one of its own.
    #[must_use]
    pub const fn disk(&self) -> Option<&SmallDisk> {
        self.disk.as_ref()
    }

    /// What the server has logged.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.home.path().join("log")).unwrap_or_default()
    }

    /// Runs a statement and answers its rows: a line each, columns apart by `|`.
    ///
    /// # Panics
    /// When it fails.
    pub fn sql(&self, statement: &str) -> String {
        sql(&self.url(), statement)
    }

    /// Changes a setting that takes effect without a restart.
    ///
    /// # Panics
    /// When there is no such setting.
    pub fn configure(&self, name: &str, value: &str) {
        // As two statements: ALTER SYSTEM runs in no transaction. A cluster that is read-only is changed, too.
        let url = format!("{}?options=-c%20default_transaction_read_only%3Doff", self.url());
        sql(&url, &format!("ALTER SYSTEM SET {name} = '{value}'"));
        sql(&url, "SELECT pg_reload_conf()");
        poll::until("the setting has come", DEADLINE, || {
            let current = sql(&url, &format!("SELECT reset_val FROM pg_settings WHERE name = '{name}'"));
            // A session that says otherwise hides the value behind its own.
            (current == value || name == "default_transaction_read_only").then_some(())
        });
    }

    /// Kills all of its processes with SIGKILL at once and waits until they are gone.
    ///
    /// # Panics
    /// When they do not go.
    pub fn kill9(&mut self) {
        // Stopped first: a postmaster that runs could answer the death of a child with another one.
        self.signal(Signal::STOP);
        poll::until("every process is gone", DEADLINE, || {
            let left = self.signal(Signal::KILL);
            if let Some(server) = &mut self.server {
                let _ = server.try_wait();
            }
            (left == 0).then_some(())
        });
        if let Some(mut server) = self.server.take() {
            let _ = server.wait();
        }
    }

    /// Ends it in order: sessions are cut, everything is on disk.
    ///
    /// # Panics
    /// When it does not end.
    pub fn stop(&mut self) {
        let Some(mut server) = self.server.take() else { return };
        let pid = i32::try_from(server.id()).ok().and_then(Pid::from_raw).expect("a process id is positive");
        kill_process(pid, Signal::INT).expect("the server can be signalled");
        poll::until("the cluster ended", DEADLINE, || {
            server.try_wait().expect("a child can be waited for").map(drop)
        });
    }

    /// Holds all of its processes: connections stay, nothing is answered.
    pub fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets them run again.
    pub fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    /// Starts a cluster that was killed or stopped, and waits until it accepts.
    ///
    /// # Panics
    /// When it does not.
    pub fn restart(&mut self) {
        self.kill9();
        self.launch();
        assert!(self.accepts(), "the cluster did not start again:\n{}", self.log());
    }

    /// Makes a standby the primary, and waits until it is.
    ///
    /// # Panics
    /// When it is none.
    pub fn promote(&self) {
        let mut promote = as_server();
        run(promote
            .arg(program("pg_ctl"))
            .args(["promote", "--wait", "--silent", "--pgdata"])
            .arg(&self.data));
    }

    fn first_start(home: TempDir, data: PathBuf, settings: Settings<'_>, disk: Option<SmallDisk>) -> Self {
        let settings = settings.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let guard = guard(home.path(), &data);
        let mut cluster = Self { server: None, data, port: 0, settings, disk, guard, home };
        for _ in 0..5 {
            // Below the ports that the system gives to whoever asks for any.
            cluster.port = fastrand::u16(20_000..32_000);
            cluster.launch();
            if cluster.accepts() {
                return cluster;
            }
        }
        panic!("the cluster does not start:\n{}", cluster.log());
    }

    fn launch(&mut self) {
        let log = File::options().create(true).append(true).open(self.home.path().join("log"));
        let log = log.expect("a log can be written");
        let mut command = self.disk.as_ref().map_or_else(as_server, |disk| wrapped(&disk.wrapper()));
        command.arg(program("postgres")).arg("-D").arg(&self.data).arg("-k").arg(self.home.path());
        command.args(["-p", &self.port.to_string(), "-c", "listen_addresses=127.0.0.1"]);
        for setting in &self.settings {
            command.args(["-c", setting]);
        }
        command.stdin(Stdio::null()).stderr(log.try_clone().expect("a file can be opened twice")).stdout(log);
        self.server = Some(command.spawn().expect("PostgreSQL can be run"));
    }

    /// Waits until it accepts; not so when it ended instead.
    fn accepts(&mut self) -> bool {
        let url = self.url();
        let server = self.server.as_mut().expect("it was launched");
        poll::until("the cluster accepts", DEADLINE, || {
            if server.try_wait().expect("a child can be waited for").is_some() {
                return Some(false);
            }
            try_sql(&url, "SELECT 1").is_ok().then_some(true)
        })
    }

    /// Signals every process of the cluster and answers how many there were. They are known by the directory that
    /// they work in: a backend leaves the process group, and its parent may be gone.
    fn signal(&self, signal: Signal) -> usize {
        let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
        let ours = processes.filter(|entry| {
            std::fs::read_link(entry.path().join("cwd")).is_ok_and(|directory| directory == self.data)
        });
        let pids = ours.filter_map(|entry| Pid::from_raw(entry.file_name().to_str()?.parse().ok()?));
        // One that cannot be signalled has ended meanwhile.
        pids.filter(|&pid| kill_process(pid, signal).is_ok()).count()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.kill9();
        if std::thread::panicking() {
            let log = self.log();
            let tail: Vec<&str> = log.lines().rev().take(30).collect();
            eprintln!("--- end of the log of PostgreSQL at port {} ---", self.port);
            tail.iter().rev().for_each(|line| eprintln!("{line}"));
        }
        // Closing its standard input tells the guard that it is over.
        drop(self.guard.stdin.take());
        let _ = self.guard.wait();
    }
}

/// A process that outlives a test process that is killed, ends the cluster then, and removes its directory.
fn guard(home: &Path, data: &Path) -> Child {
    let script = r#"trap '' INT TERM HUP; read -r _
for process in /proc/[0-9]*; do
    [ "$(readlink "$process/cwd")" = "$1" ] && kill -KILL "${process#/proc/}"
done
rm -rf "$2""#;
    let mut command = Command::new("sh");
    command.args(["-c", script, "sh"]).arg(data).arg(home);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().expect("a shell can be run")
}

/// A directory of whoever the server runs as.
fn home() -> TempDir {
    let home = TempDir::with_prefix("jackfield-postgres-").expect("a temporary directory can be made");
    if geteuid().is_root() {
        run(Command::new("chown").arg("postgres:postgres").arg(home.path()));
    }
    home
}

/// A directory as `initdb` makes it: given by whoever runs the tests, else made once in this process.
fn template() -> PathBuf {
    static OWN: OnceLock<TempDir> = OnceLock::new();
    if let Some(given) = std::env::var_os(TEMPLATE_VARIABLE) {
        return given.into();
    }
    let made = OWN.get_or_init(|| {
        let home = home();
        let mut initdb = as_server();
        initdb.arg(program("initdb")).args(["--username=postgres", "--auth=trust", "--encoding=UTF8"]);
        initdb.args(["--locale=C", "--no-sync", "--pgdata"]).arg(home.path().join("template"));
        run(&mut initdb);
        home
    });
    made.path().join("template")
}

/// The beginning of a command that runs as whom the server runs: PostgreSQL refuses root.
fn as_server() -> Command {
    wrapped(&[])
}

/// The same behind a wrapper.
fn wrapped(wrapper: &[OsString]) -> Command {
    let mut words: Vec<OsString> = wrapper.to_vec();
    words.push("setpriv".into());
    if geteuid().is_root() {
        words.extend(["--reuid=postgres", "--regid=postgres", "--clear-groups"].map(Into::into));
    }
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]);
    // The directory that a test runs in may not be open to whom the server runs as.
    command.current_dir("/");
    command
}

fn run(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|error| panic!("{command:?} cannot be run: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}
