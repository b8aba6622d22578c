//! A PostgreSQL of the benchmark's own: a fresh directory, a free port, commits that are on the disk before they are
//! answered. The server runs only while something that uses it is measured.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::Context as _;
use rustix::process::{Signal, geteuid};

use crate::process::{self, Process, free_port};

const PATIENCE: Duration = Duration::from_secs(30);
/// What the server is told. The rest is as it is shipped.
pub const SETTINGS: [&str; 3] = ["fsync=on", "synchronous_commit=on", "max_connections=200"];

/// A directory for a server.
#[derive(Debug)]
pub struct Cluster {
    binaries: PathBuf,
    home: PathBuf,
}

/// A server that runs.
#[derive(Debug)]
pub struct Postgres {
    process: Process,
    binaries: PathBuf,
    port: u16,
}

/// The programs of the newest PostgreSQL of this machine. Debian keeps most of them out of the search path.
///
/// # Errors
/// When there is none.
pub fn binaries() -> anyhow::Result<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").context("PostgreSQL is not installed")?;
    let found = versions.flatten().filter_map(|entry| {
        let version: u32 = entry.file_name().to_str()?.parse().ok()?;
        Some((version, entry.path().join("bin"))).filter(|(_, path)| path.join("initdb").exists())
    });
    Ok(found.max().context("PostgreSQL is not installed")?.1)
}

/// A command of the server, which refuses to run as root: then it is Debian's user for it.
fn as_server(program: &Path, cores: &[usize]) -> Command {
    let mut command = Command::new("setpriv");
    if geteuid().is_root() {
        command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]);
    }
    command.args(["--pdeathsig", "INT"]);
    process::on_cores(&mut command, cores);
    command.arg(program);
    command
}

impl Cluster {
    /// Makes the directory below `home`.
    ///
    /// # Errors
    /// When PostgreSQL is missing or refuses.
    pub fn init(home: &Path) -> anyhow::Result<Self> {
        let binaries = binaries()?;
        let home = home.join("postgres");
        std::fs::create_dir(&home)?;
        if geteuid().is_root() {
            // Everybody may pass, so that the server's user may.
            for path in home.ancestors().take(2) {
                std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755))?;
            }
            process::output(Command::new("chown").arg("postgres:postgres").arg(&home))?;
        }
        let mut initdb = as_server(&binaries.join("initdb"), &[]);
        initdb.arg("--pgdata").arg(home.join("data"));
        initdb.args(["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]);
        process::output(&mut initdb)?;
        Ok(Self { binaries, home })
    }

    /// Where its files are.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.home.join("data")
    }

    /// Starts the server on these cores.
    ///
    /// # Errors
    /// When it does not come up.
    pub fn start(&self, cores: &[usize]) -> anyhow::Result<Postgres> {
        let port = free_port()?;
        let mut command = as_server(&self.binaries.join("postgres"), cores);
        command.arg("-D").arg(self.data()).arg("-k").arg(&self.home).args(["-p", &port.to_string()]);
        command.args(["-c", "listen_addresses=127.0.0.1"]);
        command.args(SETTINGS.iter().flat_map(|&setting| ["-c", setting]));
        let log = self.home.with_extension("log");
        let mut process = Process::start(&mut command, &log, Signal::INT)?;
        let ready = self.binaries.join("pg_isready");
        process.wait_until("PostgreSQL accepts connections", PATIENCE, || {
            let port = port.to_string();
            let asked = Command::new(&ready).args(["--quiet", "--host=127.0.0.1", "--port", &port]).status();
            asked.is_ok_and(|status| status.success())
        })?;
        Ok(Postgres { process, binaries: self.binaries.clone(), port })
    }
}

impl Postgres {
    /// A new database, as a URL.
    ///
    /// # Errors
    /// When the server refuses.
    pub fn database(&self, name: &str) -> anyhow::Result<String> {
        self.sql("postgres", &format!("CREATE DATABASE {name}"))?;
        Ok(format!("postgres://postgres@127.0.0.1:{}/{name}", self.port))
    }

    /// Runs a command and answers its result as text, a line a row.
    ///
    /// # Errors
    /// When the server refuses.
    pub fn sql(&self, database: &str, command: &str) -> anyhow::Result<String> {
        let mut psql = self.client("psql", database);
        psql.args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1"]);
        process::output(psql.args(["--command", command]))
    }

    /// One of PostgreSQL's client programs, told where the server is.
    #[must_use]
    pub fn client(&self, program: &str, database: &str) -> Command {
        let mut command = Command::new(self.binaries.join(program));
        command.env("PGHOST", "127.0.0.1").env("PGPORT", self.port.to_string()).env("PGUSER", "postgres");
        command.env("PGDATABASE", database);
        command
    }

    /// The server's process.
    #[must_use]
    pub const fn process(&self) -> &Process {
        &self.process
    }

    /// Stops it.
    pub fn end(&mut self) {
        self.process.end();
    }
}
