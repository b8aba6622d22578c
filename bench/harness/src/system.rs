//! The systems: how each is started, where it listens, what it keeps where.

use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use clap::ValueEnum;
use rustix::process::Signal;
use serde::Serialize;

use crate::load::Single;
use crate::postgres::{Cluster, Postgres};
use crate::process::{self, Process, command, free_port};
use crate::workload::{Directory, Request, answer, check_answer, made_up_token, provider_id};

/// How long a start may take: one with a seed of thousands of providers takes minutes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(600);
/// Connections to PostgreSQL of a service that pools them.
const POOL: usize = 20;
/// Processes of the Python service.
const WORKERS: usize = 2;
/// The most that a client may be granted: the limiter works, and limits nothing.
const RATE_LIMIT: u32 = 1_000_000;
/// The client in whose name everything is asked.
pub const CLIENT: &str = "amzn1.application-oa2-client.be0c0000000000000000000000000000";
/// An organization may have that many service providers without a word.
const PROVIDERS_MIN: u64 = 1_000;
/// A run may take hours.
const TOKEN_REQUEST: &str = r#"{"expires_in":86400}"#;
/// The token of its operator.
pub const ADMIN_TOKEN: &str = "bench-admin-token-of-some-length";

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum System {
    /// hyper reads the body and answers fixed bytes: the limit
    Hyper,
    /// nginx answers fixed bytes
    Nginx,
    /// axum and serde over a map in memory
    Axum,
    /// axum and sqlx over PostgreSQL
    AxumPostgres,
    /// FastAPI and asyncpg over PostgreSQL
    FastapiPostgres,
    /// PocketBase with hooks, told to wait for the disk
    Pocketbase,
    /// Jackfield with `embedded:`
    Embedded,
    /// Jackfield with `memory:`
    Memory,
    /// Jackfield with `postgres:`
    Postgres,
}

impl System {
    /// Its name in reports.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Hyper => "bare hyper",
            Self::Nginx => "nginx `return`",
            Self::Axum => "axum + HashMap",
            Self::AxumPostgres => "axum + sqlx + PostgreSQL",
            Self::FastapiPostgres => "FastAPI + asyncpg + PostgreSQL",
            Self::Pocketbase => "PocketBase",
            Self::Embedded => "**Jackfield** `embedded:`",
            Self::Memory => "**Jackfield** `memory:`",
            Self::Postgres => "**Jackfield** `postgres:`",
        }
    }

    /// Whether it answers the same whatever it is asked.
    #[must_use]
    pub const fn is_fixed(self) -> bool {
        matches!(self, Self::Hyper | Self::Nginx)
    }

    /// Whether it answers anything but a query of one id.
    #[must_use]
    pub const fn does_all(self) -> bool {
        !matches!(self, Self::Nginx)
    }

    /// Whether an acknowledged create is on stable storage.
    #[must_use]
    pub const fn is_durable(self) -> bool {
        match self {
            Self::Hyper | Self::Nginx | Self::Axum | Self::Memory => false,
            Self::AxumPostgres | Self::FastapiPostgres | Self::Pocketbase => true,
            Self::Embedded | Self::Postgres => true,
        }
    }

    const fn needs_postgres(self) -> bool {
        matches!(self, Self::AxumPostgres | Self::FastapiPostgres | Self::Postgres)
    }

    /// Whether it is Jackfield.
    #[must_use]
    pub const fn is_jackfield(self) -> bool {
        matches!(self, Self::Embedded | Self::Memory | Self::Postgres)
    }
}

/// Where systems are started.
#[derive(Debug)]
pub struct Lab {
    /// The repository.
    pub root: PathBuf,
    /// The program that is measured.
    pub jackfield: PathBuf,
    home: PathBuf,
    cluster: Option<Cluster>,
    starts: u32,
}

/// A system that runs.
#[derive(Debug)]
pub struct Started {
    /// Dropped first: before the PostgreSQL that it uses.
    service: Process,
    postgres: Option<(Postgres, String)>,
    /// Where it listens.
    pub address: SocketAddr,
    /// What it holds.
    pub directory: Arc<Directory>,
    /// Where it keeps its files, if it keeps any.
    pub data: Option<PathBuf>,
    /// Where Jackfield's operators ask.
    pub admin: Option<SocketAddr>,
}

impl Lab {
    /// A lab that keeps its files below `home`.
    ///
    /// # Errors
    /// When the program is not there.
    pub fn new(root: &Path, jackfield: &Path, home: &Path) -> anyhow::Result<Self> {
        ensure!(jackfield.is_file(), "there is no program at {}", jackfield.display());
        Ok(Self {
            root: root.to_owned(),
            jackfield: jackfield.to_owned(),
            home: home.to_owned(),
            cluster: None,
            starts: 0,
        })
    }

    /// Starts a system on these cores (all when empty), empty.
    ///
    /// # Errors
    /// When it does not come up; what it wrote is part of the message.
    pub fn start(&mut self, system: System, cores: &[usize]) -> anyhow::Result<Started> {
        self.starts += 1;
        let home = self.home.join(format!("run-{}", self.starts));
        std::fs::create_dir(&home)?;
        let postgres = system.needs_postgres().then(|| self.postgres(cores)).transpose()?;
        let name = format!("bench_{}", self.starts);
        let database = postgres.as_ref().map(|postgres| postgres.database(&name)).transpose()?;
        let log = home.join("log");
        let started = if system.is_jackfield() {
            let store = match (system, &database) {
                (System::Memory, _) => "memory:".to_owned(),
                (_, Some(url)) => url.clone(),
                _ => format!("embedded:{}", home.join("store").display()),
            };
            self.start_jackfield(&store, 1, &home, cores)
        } else {
            self.start_peer(system, database.as_deref(), &home, cores)
        };
        let started = started.with_context(|| std::fs::read_to_string(&log).unwrap_or_default());
        let mut started = started.with_context(|| format!("{system:?} does not start"))?;
        if let (Some(_), Some(cluster)) = (&postgres, &self.cluster) {
            started.data = Some(cluster.data());
        }
        started.postgres = postgres.map(|postgres| (postgres, name));
        Ok(started)
    }

    fn postgres(&mut self, cores: &[usize]) -> anyhow::Result<Postgres> {
        if self.cluster.is_none() {
            self.cluster = Some(Cluster::init(&self.home)?);
        }
        self.cluster.as_ref().expect("made above").start(cores)
    }

    /// Starts Jackfield on a store, with an organization, a client and so many providers, everything on as shipped.
    ///
    /// # Errors
    /// When it does not come up.
    pub fn start_jackfield(
        &self,
        store: &str,
        providers: u64,
        home: &Path,
        cores: &[usize],
    ) -> anyhow::Result<Started> {
        self.start_jackfield_with(&[], store, providers, home, cores)
    }

    /// The same with more flags.
    ///
    /// # Errors
    /// When it does not come up.
    pub fn start_jackfield_with(
        &self,
        flags: &[String],
        store: &str,
        providers: u64,
        home: &Path,
        cores: &[usize],
    ) -> anyhow::Result<Started> {
        let seed = home.join("seed.toml");
        std::fs::write(&seed, seed_text(providers))?;
        let mut more = vec!["--seed".to_owned(), seed.to_string_lossy().into_owned()];
        more.extend_from_slice(flags);
        let (mut service, public, admin) = self.spawn_jackfield(store, &more, home, cores)?;
        let log = home.join("log");
        service.wait_until("it is ready", PATIENCE, || {
            let written = std::fs::read_to_string(&log).unwrap_or_default();
            written.lines().any(|line| line.starts_with("ready public="))
        })?;
        // A seed of thousands of providers takes longer than the server lets its ready line wait.
        let mut token = None;
        service.wait_until("it issues a token", PATIENCE, || {
            token = access_token(admin).ok();
            token.is_some()
        })?;
        let directory = Arc::new(Directory { providers, token: token.context("it issued one")? });
        let data = store.strip_prefix("embedded:").map(Into::into);
        Ok(Started { service, postgres: None, address: public, directory, data, admin: Some(admin) })
    }

    /// Starts Jackfield again on a store that holds the association with number 0, and answers how long it took until
    /// a query was answered.
    ///
    /// # Errors
    /// When it does not come up, or the answer is wrong.
    pub fn start_again(
        &self,
        store: &str,
        directory: &Arc<Directory>,
        home: &Path,
    ) -> anyhow::Result<(Started, Duration)> {
        let request = Request::query_of(directory, 0);
        let begin = Instant::now();
        let (mut service, public, admin) = self.spawn_jackfield(store, &[], home, &[])?;
        let mut answer = None;
        service.wait_until("it answers", PATIENCE, || {
            answer = Single::connect(public).and_then(|mut one| one.send(&request.bytes)).ok();
            answer.is_some()
        })?;
        let took = begin.elapsed();
        let (status, body) = answer.context("it answered")?;
        ensure!(status == 200, "the first answer is a {status}: {}", String::from_utf8_lossy(&body));
        check_answer(&body, &request.numbers)?;
        let data = store.strip_prefix("embedded:").map(Into::into);
        let directory = Arc::clone(directory);
        let admin = Some(admin);
        Ok((Started { service, postgres: None, address: public, directory, data, admin }, took))
    }

    fn spawn_jackfield(
        &self,
        store: &str,
        flags: &[String],
        home: &Path,
        cores: &[usize],
    ) -> anyhow::Result<(Process, SocketAddr, SocketAddr)> {
        let address = || anyhow::Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()?)));
        let (public, admin) = (address()?, address()?);
        let log = home.join("log");
        let _ = std::fs::remove_file(&log);
        let mut command = command(&self.jackfield.to_string_lossy(), cores);
        command.args(["serve", "--store", store, "--admin-token", ADMIN_TOKEN]);
        command.args(["--listen", &public.to_string(), "--admin-listen", &admin.to_string()]);
        command.args(flags);
        Ok((Process::start(&mut command, &log, Signal::TERM)?, public, admin))
    }

    fn start_peer(
        &self,
        system: System,
        database: Option<&str>,
        home: &Path,
        cores: &[usize],
    ) -> anyhow::Result<Started> {
        let port = free_port()?;
        let (token, database) = (made_up_token(), database.unwrap_or_default());
        let mut data = None;
        let mut command = match system {
            System::Nginx => nginx(home, port, cores)?,
            System::Pocketbase => {
                data = Some(home.join("data"));
                self.pocketbase(home, port, cores)?
            }
            System::FastapiPostgres => self.fastapi(port, cores)?,
            System::Axum => command(&peer("peer-axum")?, cores),
            System::AxumPostgres => command(&peer("peer-axum-sqlx")?, cores),
            System::Hyper | System::Embedded | System::Memory | System::Postgres => {
                command(&peer("peer-hyper")?, cores)
            }
        };
        let pool = if system == System::FastapiPostgres { POOL / WORKERS } else { POOL };
        command.env("BENCH_PORT", port.to_string()).env("BENCH_TOKEN", &token);
        command.env("BENCH_DATABASE", database).env("BENCH_CONNECTIONS", pool.to_string());
        command.env("BENCH_ANSWER_1", answer(&[0]));
        command.env("BENCH_ANSWER_30", answer(&(0..30).collect::<Vec<_>>()));
        let mut service = Process::start(&mut command, &home.join("log"), Signal::TERM)?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        service.wait_until("it accepts", PATIENCE, || TcpStream::connect(address).is_ok())?;
        let directory = Arc::new(Directory { providers: 1, token });
        Ok(Started { service, postgres: None, address, directory, data, admin: None })
    }

    fn fastapi(&self, port: u16, cores: &[usize]) -> anyhow::Result<Command> {
        let mut command = command(&self.python("fastapi")?, cores);
        command.args(["-m", "uvicorn", "app:app", "--loop=uvloop", "--http=httptools", "--no-access-log"]);
        command.args(["--workers", &WORKERS.to_string(), "--port", &port.to_string(), "--log-level=warning"]);
        command.current_dir(self.root.join("bench/peers/fastapi"));
        Ok(command)
    }

    fn pocketbase(&self, home: &Path, port: u16, cores: &[usize]) -> anyhow::Result<Command> {
        let python = self.python("pocketbase")?;
        let mut command = command(&python.replace("/bin/python", "/bin/pocketbase"), cores);
        let files = self.root.join("bench/peers/pocketbase");
        command.args(["serve", "--http", &format!("127.0.0.1:{port}"), "--dir"]).arg(home.join("data"));
        command.arg("--hooksDir").arg(files.join("pb_hooks"));
        command.arg("--migrationsDir").arg(files.join("pb_migrations"));
        Ok(command)
    }

    /// The Python that has the packages of a peer; installs them when they are not there.
    ///
    /// # Errors
    /// When they cannot be installed.
    pub fn python(&self, peer: &str) -> anyhow::Result<String> {
        let script = self.root.join("script/python-packages");
        process::output(Command::new(script).arg(self.root.join("bench/peers").join(peer)))
    }
}

impl Started {
    /// The roots of the process trees that do the work.
    #[must_use]
    pub fn processes(&self) -> Vec<u32> {
        let database = self.postgres.iter().map(|(postgres, _)| postgres.process().id());
        std::iter::once(self.service.id()).chain(database).collect()
    }

    /// The service's own process.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.service.id()
    }

    /// Stops it as it is meant to be stopped.
    pub fn end(&mut self) {
        self.service.end();
        if let Some((postgres, _)) = &mut self.postgres {
            postgres.end();
        }
    }

    /// The PostgreSQL that it uses, and the name of its database there.
    #[must_use]
    pub fn database(&self) -> Option<(&Postgres, &str)> {
        self.postgres.as_ref().map(|(postgres, name)| (postgres, name.as_str()))
    }

    /// Lets a database look at what it holds and tidy it, as it would by itself after a while: until then it may choose
    /// bad plans, and in the midst of a measurement that work would count as the requests'.
    ///
    /// # Errors
    /// When it refuses.
    pub fn tidy(&self) -> anyhow::Result<()> {
        let Some((postgres, database)) = self.database() else { return Ok(()) };
        postgres.sql(database, "VACUUM (ANALYZE)").map(drop)
    }

    /// Kills it with SIGKILL.
    pub fn kill(&mut self) {
        self.service.kill();
    }
}

/// A program of the peers' package, which is built into the directory of this one.
///
/// # Errors
/// When it is not built.
pub fn peer(name: &str) -> anyhow::Result<String> {
    let path = std::env::current_exe()?.with_file_name(name);
    ensure!(path.is_file(), "{} is not built", path.display());
    Ok(path.to_string_lossy().into_owned())
}

fn seed_text(providers: u64) -> String {
    let mut seed = format!(
        "[[organization]]\nid = \"amzn1.alexa.unit.did.bench\"\nname = \"Bench\"\ncountry = \"US\"\n\
         vertical = \"hospitality\"\nwebrtc = true\nquotas = {{ service_providers = {} }}\n\
         [[organization.client]]\nid = \"{CLIENT}\"\n\
         secret = \"a-secret-of-the-benchmark-32-bytes\"\nrate_limit = {RATE_LIMIT}\n",
        providers.max(PROVIDERS_MIN)
    );
    for number in 0..providers {
        let id = provider_id(number);
        seed += &format!("[[organization.service_provider]]\nid = \"{id}\"\nlogical_id = \"p{number}\"\n");
    }
    seed
}

fn access_token(admin: SocketAddr) -> anyhow::Result<String> {
    let request = format!(
        "POST /admin/v1/clients/{CLIENT}/tokens HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {ADMIN_TOKEN}\r\n\
         Content-Length: {}\r\n\r\n{TOKEN_REQUEST}",
        TOKEN_REQUEST.len()
    );
    let (status, body) = Single::connect(admin)?.send(request.as_bytes())?;
    ensure!(status < 300, "no token: {status} {}", String::from_utf8_lossy(&body));
    let body: serde_json::Value = serde_json::from_slice(&body)?;
    Ok(body["access_token"].as_str().context("the answer holds no token")?.to_owned())
}

fn nginx(home: &Path, port: u16, cores: &[usize]) -> anyhow::Result<Command> {
    let all = std::thread::available_parallelism()?.get();
    let workers = if cores.is_empty() { all } else { cores.len() };
    let home_text = home.display();
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("{kind}_temp_path {home_text}/{kind};\n"))
        .concat();
    let text = format!(
        "worker_processes {workers};\npid {home_text}/pid;\nerror_log {home_text}/log;\ndaemon off;\n\
         events {{}}\nhttp {{\naccess_log off;\nkeepalive_requests 1000000000;\n{temporary}\
         server {{\nlisten 127.0.0.1:{port};\ndefault_type application/json;\n\
         location / {{ return 200 '{}'; }}\n}}\n}}\n",
        answer(&[0])
    );
    let path = home.join("nginx.conf");
    std::fs::write(&path, text)?;
    let mut command = command("/usr/sbin/nginx", cores);
    command.arg("-c").arg(path).arg("-e").arg(home.join("log"));
    Ok(command)
}
