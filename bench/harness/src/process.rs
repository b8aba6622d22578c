//! Processes of the systems: started on given cores, ended by their id with all that they started.

use std::fs::File;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use rustix::process::{Pid, Signal, kill_process};

use crate::usage;

/// How long an end may take before it is forced.
const GRACE: Duration = Duration::from_secs(15);
const POLL: Duration = Duration::from_millis(5);

/// A process that ends with this value.
#[derive(Debug)]
pub struct Process {
    child: Child,
    end: Signal,
}

/// A port of this machine that nothing listens on.
///
/// # Errors
/// When there is none.
pub fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// A command that runs on these cores (all when empty) and gets SIGTERM when the harness dies.
#[must_use]
pub fn command(program: &str, cores: &[usize]) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "TERM"]);
    on_cores(&mut command, cores);
    command.arg(program);
    command
}

/// Makes a command that ends in another one run that on these cores.
pub fn on_cores(command: &mut Command, cores: &[usize]) {
    if !cores.is_empty() {
        let list: Vec<String> = cores.iter().map(ToString::to_string).collect();
        command.args(["taskset", "--cpu-list", &list.join(",")]);
    }
}

impl Process {
    /// Starts it, with standard error and, where it is not piped, standard output in a file.
    ///
    /// # Errors
    /// When it cannot be run.
    pub fn start(command: &mut Command, log: &Path, end: Signal) -> anyhow::Result<Self> {
        let log = File::options().create(true).append(true).open(log)?;
        let child = command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).spawn();
        let child = child.with_context(|| format!("{command:?} cannot be run"))?;
        Ok(Self { child, end })
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until `done` says so.
    ///
    /// # Errors
    /// When the process ends or `patience` does.
    pub fn wait_until(
        &mut self,
        what: &str,
        patience: Duration,
        mut done: impl FnMut() -> bool,
    ) -> anyhow::Result<()> {
        let start = Instant::now();
        while !done() {
            if let Some(status) = self.child.try_wait()? {
                bail!("{what}: it ended with {status}");
            }
            if start.elapsed() > patience {
                bail!("{what}: not after {patience:?}");
            }
            std::thread::sleep(POLL);
        }
        Ok(())
    }

    /// Waits until it has ended by itself.
    ///
    /// # Errors
    /// When it fails, or `patience` ends before.
    pub fn wait(&mut self, patience: Duration) -> anyhow::Result<()> {
        let start = Instant::now();
        loop {
            match self.child.try_wait()? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => bail!("it ended with {status}"),
                None if start.elapsed() > patience => bail!("it goes on after {patience:?}"),
                None => std::thread::sleep(POLL),
            }
        }
    }

    /// Asks it to end and waits until it has.
    pub fn end(&mut self) {
        let tree = usage::tree(self.id());
        self.signal(self.end);
        let start = Instant::now();
        while !matches!(self.child.try_wait(), Ok(Some(_)) | Err(_)) {
            if start.elapsed() > GRACE {
                self.kill();
            }
            std::thread::sleep(POLL);
        }
        // What it started and left behind.
        for id in tree.into_iter().filter(|&id| usage::parent(id) == Some(1)) {
            if let Some(pid) = i32::try_from(id).ok().and_then(Pid::from_raw) {
                let _ = kill_process(pid, Signal::KILL);
            }
        }
    }

    /// Kills it with SIGKILL and waits until it is gone.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    fn signal(&self, signal: Signal) {
        if let Some(pid) = i32::try_from(self.id()).ok().and_then(Pid::from_raw) {
            // An error means that it has ended.
            let _ = kill_process(pid, signal);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

/// Runs a command to its end and answers its standard output.
///
/// # Errors
/// When it fails.
pub fn output(command: &mut Command) -> anyhow::Result<String> {
    let output =
        command.stdin(Stdio::null()).output().with_context(|| format!("{command:?} cannot be run"))?;
    if !output.status.success() {
        bail!("{command:?} failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
