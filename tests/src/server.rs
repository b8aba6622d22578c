//! A server process: the real binary, port 0, a directory of its own.

use std::ffi::OsString;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::endpoint::{Addresses, Endpoint};
use crate::postgres::Database;
use crate::{binary, poll};

/// Longest that a server may take to become ready or to end.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// Names the kind of store of servers that a test does not care about: `embedded` unless it is `postgres`.
pub const STORE_VARIABLE: &str = "JACKFIELD_TEST_STORE";

/// How a server is started.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The store URL; a fresh store of the kind that [`STORE_VARIABLE`] names when absent.
    pub store: Option<String>,
    /// A seed file.
    pub seed: Option<PathBuf>,
    /// Address of the public listener; a free port of 127.0.0.1 when absent.
    pub listen: Option<String>,
    /// More flags of `jackfield serve`.
    pub flags: Vec<String>,
    /// More environment.
    pub environment: Vec<(String, String)>,
    /// A command that the binary and its arguments are appended to.
    pub wrapper: Vec<OsString>,
}

impl Options {
    /// The default with warnings alone in the log, for what is measured.
    #[must_use]
    pub fn quiet() -> Self {
        let environment = vec![("JACKFIELD_LOG_LEVEL".to_owned(), "warn".to_owned())];
        Self { environment, ..Self::default() }
    }

    /// The default on the schema of a database.
    #[must_use]
    pub fn on(database: &Database) -> Self {
        Self { store: Some(database.url()), ..Self::default() }
    }

    /// The default with more flags.
    #[must_use]
    pub fn with_flags(flags: &[&str]) -> Self {
        Self { flags: flags.iter().map(|&flag| flag.to_owned()).collect(), ..Self::default() }
    }
}

/// A server process. Dropping it kills it.
#[derive(Debug)]
pub struct Server {
    process: Process,
    endpoint: Endpoint,
    options: Options,
    store: String,
    home: TempDir,
    /// Where the store is, when it is in the shared PostgreSQL server. Dropped after the process was killed.
    _database: Option<Database>,
}

/// How a process that should have become a server ended instead.
#[derive(Debug)]
pub struct Ended {
    /// Its exit status.
    pub status: ExitStatus,
    /// All of its standard output.
    pub stdout: String,
    /// All of its standard error.
    pub stderr: String,
}

/// A child process whose standard output is read by a thread, so that it never blocks on a full pipe.
#[derive(Debug)]
struct Process {
    child: Child,
    stdout: Mutex<Receiver<String>>,
}

impl Server {
    /// Starts a server and waits until it is ready.
    ///
    /// # Panics
    /// When it ends instead, or is not ready in time; the message holds its standard error.
    #[must_use]
    pub fn start(options: Options) -> Self {
        match Self::try_start(options) {
            Ok(server) => server,
            Err(ended) => panic!("the server ended with {}:\n{}", ended.status, ended.stderr),
        }
    }

    /// Starts a server and waits until it is ready or has ended.
    ///
    /// # Errors
    /// How it ended.
    ///
    /// # Panics
    /// When neither happens in time, or its ready line is malformed.
    pub fn try_start(options: Options) -> Result<Self, Ended> {
        let home = TempDir::with_prefix("jackfield-").expect("a temporary directory can be made");
        let endpoint = Endpoint::new(format!("admin-{}", uuid::Uuid::new_v4().simple()));
        let (store, database) = match &options.store {
            Some(store) => (store.clone(), None),
            None => fresh_store(home.path()),
        };
        let process = Process::spawn(&mut command(&options, &store, &endpoint), &endpoint);
        let mut server = Self { process, endpoint, options, store, home, _database: database };
        server.await_ready()?;
        Ok(server)
    }

    /// How clients reach it.
    #[must_use]
    pub const fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Its store URL.
    #[must_use]
    pub fn store(&self) -> &str {
        &self.store
    }

    /// A directory that lives as long as this value.
    #[must_use]
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.child.id()
    }

    /// What it has written to standard error over all its lives.
    #[must_use]
    pub fn log(&self) -> String {
        self.endpoint.log()
    }

    /// Changes the flags of the next start.
    pub const fn options(&mut self) -> &mut Options {
        &mut self.options
    }

    /// Kills it with SIGKILL and waits until it is gone.
    ///
    /// # Panics
    /// When the signal cannot be sent.
    pub fn kill9(&mut self) {
        self.process.kill();
    }

    /// Sends SIGTERM without waiting.
    ///
    /// # Panics
    /// When the signal cannot be sent.
    pub fn begin_terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Sends a signal.
    ///
    /// # Panics
    /// When it cannot be sent.
    pub fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.pid()).ok().and_then(Pid::from_raw).expect("a process id is positive");
        kill_process(pid, signal).expect("the server can be signalled");
    }

    /// Stops it with SIGTERM.
    ///
    /// # Panics
    /// When it does not end in time with exit code 0.
    pub fn terminate(&mut self) {
        self.begin_terminate();
        let ended = self.wait();
        assert_eq!(ended.status.code(), Some(0), "SIGTERM ends the server with 0:\n{}", ended.stderr);
        assert_eq!(ended.stdout, "", "after the ready line nothing stands on standard output");
    }

    /// Waits until it has ended by itself or by a signal.
    ///
    /// # Panics
    /// When it does not end in time.
    pub fn wait(&mut self) -> Ended {
        self.process.wait(&self.endpoint)
    }

    /// Starts a stopped or killed server again on the same store. Ports change; its [`Endpoint`] follows.
    ///
    /// # Panics
    /// When it does not become ready.
    pub fn restart(&mut self) {
        if let Err(ended) = self.try_restart() {
            panic!("the server did not start again, {}:\n{}", ended.status, ended.stderr);
        }
    }

    /// The same, answering how it ended when it did not become ready.
    ///
    /// # Errors
    /// How it ended.
    pub fn try_restart(&mut self) -> Result<(), Ended> {
        self.process.kill();
        self.process =
            Process::spawn(&mut command(&self.options, &self.store, &self.endpoint), &self.endpoint);
        self.await_ready()
    }

    /// Starts it again and kills it after a moment, ready or not.
    pub fn interrupted_start(&mut self, moment: Duration) {
        self.process.kill();
        self.process =
            Process::spawn(&mut command(&self.options, &self.store, &self.endpoint), &self.endpoint);
        std::thread::sleep(moment);
        self.process.kill();
    }

    fn await_ready(&mut self) -> Result<(), Ended> {
        match self.process.stdout().recv_timeout(DEADLINE) {
            Ok(line) => {
                let kind = self.store.split(':').next().unwrap_or_default();
                let addresses = parse_ready(&line, kind);
                self.endpoint.set_addresses(addresses.unwrap_or_else(|| panic!("no ready line: {line:?}")));
                Ok(())
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => Err(self.process.wait(&self.endpoint)),
            Err(mpsc::RecvTimeoutError::Timeout) => {
                panic!("not ready after {DEADLINE:?}:\n{}", self.endpoint.log())
            }
        }
    }
}

impl Process {
    fn spawn(command: &mut Command, endpoint: &Endpoint) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(endpoint.stderr())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?} cannot be run: {error}"));
        let (stdout_sender, stdout) = mpsc::channel();
        let out = child.stdout.take().expect("standard output is piped");
        std::thread::spawn(move || {
            for line in BufReader::new(out).split(b'\n').map_while(Result::ok) {
                let _ = stdout_sender.send(String::from_utf8_lossy(&line).into_owned());
            }
        });
        Self { child, stdout: Mutex::new(stdout) }
    }

    fn stdout(&mut self) -> &mut Receiver<String> {
        self.stdout.get_mut().expect("no holder panics")
    }

    fn kill(&mut self) {
        // An error means that it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    fn wait(&mut self, endpoint: &Endpoint) -> Ended {
        let status = poll::until("the server ended", DEADLINE, || {
            self.child.try_wait().expect("a child can be waited for")
        });
        // The thread ends at the end of the pipe, after which everything has been read.
        let stdout = self.stdout().iter().map(|line| line + "\n").collect();
        Ended { status, stdout, stderr: endpoint.log() }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.process.kill();
        if std::thread::panicking() {
            let log = self.endpoint.log();
            let tail: Vec<&str> = log.lines().rev().take(60).collect();
            eprintln!("--- end of the server's standard error ---");
            tail.iter().rev().for_each(|line| eprintln!("{line}"));
        } else {
            self.endpoint.check_log();
        }
    }
}

fn fresh_store(home: &Path) -> (String, Option<Database>) {
    match std::env::var(STORE_VARIABLE).as_deref() {
        Ok("postgres") => {
            let database = Database::fresh();
            (database.url(), Some(database))
        }
        Ok("embedded") | Err(_) => (format!("embedded:{}", home.join("store").display()), None),
        Ok(other) => panic!("{STORE_VARIABLE} is embedded or postgres, not {other}"),
    }
}

fn command(options: &Options, store: &str, endpoint: &Endpoint) -> Command {
    let mut words: Vec<OsString> = options.wrapper.clone();
    words.push(binary::path().into());
    let listen = options.listen.as_deref().unwrap_or("127.0.0.1:0");
    let fixed = ["serve", "--listen", listen, "--admin-listen", "127.0.0.1:0", "--store", store];
    words.extend(fixed.map(Into::into));
    words.extend(["--admin-token", endpoint.admin_token()].map(Into::into));
    if let Some(seed) = &options.seed {
        words.extend(["--seed".into(), seed.into()]);
    }
    words.extend(options.flags.iter().map(Into::into));
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]);
    clean_environment(&mut command);
    // Access lines are written at debug, so every test also looks for secrets in them.
    command.env("JACKFIELD_LOG_LEVEL", "debug");
    // Most tests are not about who allows; those that are say it with a flag.
    command.env("JACKFIELD_CONSENT_LOGIN", "open");
    command.envs(options.environment.iter().map(|(name, value)| (name, value)));
    command
}

/// Takes away what could configure the binary from the environment of whoever runs the tests.
pub fn clean_environment(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("JACKFIELD_") {
            command.env_remove(name);
        }
    }
    // What speaks to the service manager of whoever runs the tests, too.
    for name in ["RUST_LOG", "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"] {
        command.env_remove(name);
    }
}

/// Reads `ready public=http://A admin=http://B store=KIND`, which is a fixed form. With TLS it is `https://`,
/// and ` plain=http://C` follows where a plain listener was asked for.
fn parse_ready(line: &str, kind: &str) -> Option<Addresses> {
    let rest = line.strip_prefix("ready public=")?;
    let (public, rest) = rest.split_once(" admin=")?;
    let (scheme, public) = public.split_once("://")?;
    let (admin_scheme, rest) = rest.split_once("://")?;
    matches!(admin_scheme, "http" | "https").then_some(())?;
    let secure = scheme == "https";
    (secure || scheme == "http").then_some(())?;
    let (admin, rest) = rest.split_once(" store=")?;
    let plain = match rest.strip_prefix(kind)? {
        "" => None,
        more => Some(more.strip_prefix(" plain=http://")?.parse().ok()?),
    };
    Some(Addresses { public: public.parse().ok()?, admin: admin.parse().ok()?, secure, plain })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ready_line_has_one_form() {
        let good = "ready public=http://127.0.0.1:41234 admin=http://127.0.0.1:41235 store=embedded";
        let addresses = parse_ready(good, "embedded").unwrap();
        assert_eq!(addresses.public.to_string(), "127.0.0.1:41234");
        assert_eq!(addresses.admin.to_string(), "127.0.0.1:41235");
        assert!(parse_ready(good, "memory").is_none());
        assert!(parse_ready(&good.replace("http://", ""), "embedded").is_none());
        assert!(parse_ready(&format!("{good} more"), "embedded").is_none());
        assert!(!addresses.secure && addresses.plain.is_none());
        let secure = good.replace("public=http:", "public=https:") + " plain=http://127.0.0.1:41236";
        let addresses = parse_ready(&secure, "embedded").unwrap();
        assert!(addresses.secure);
        assert_eq!(addresses.plain.unwrap().port(), 41236);
        assert!(parse_ready(&good.replace("admin=http:", "admin=https:"), "embedded").is_some());
        assert!(parse_ready(&good.replace("admin=http:", "admin=ftp:"), "embedded").is_none());
    }
}
