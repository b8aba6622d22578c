//! What the figures were measured on, and with which versions.

use std::fs;
use std::process::Command;

use serde::Serialize;

use crate::postgres;
use crate::process::output;
use crate::system::{Lab, System};

/// The machine and the program.
#[derive(Clone, Debug, Serialize)]
pub struct Machine {
    /// When.
    pub date: String,
    /// The commit, with a mark when something is not committed.
    pub commit: String,
    /// The processor.
    pub processor: String,
    /// How many cores this process may use.
    pub cores: usize,
    /// Memory in gigabytes.
    pub memory_gb: u64,
    /// The kernel.
    pub kernel: String,
    /// The compiler.
    pub rustc: String,
    /// Percent of the processor time of the run that the hypervisor gave to others. What is bound by the processor falls
    /// back behind what is bound by the disk as it grows.
    pub stolen_percent: u64,
    #[serde(skip)]
    began: ProcessorTime,
}

/// Processor time of all cores since the system started, in ticks.
#[derive(Clone, Copy, Debug, Default)]
struct ProcessorTime {
    stolen: u64,
    all: u64,
}

impl ProcessorTime {
    fn now() -> Self {
        let text = fs::read_to_string("/proc/stat").unwrap_or_default();
        // user, nice, system, idle, iowait, irq, softirq, steal; what comes after is in them already.
        let ticks: Vec<u64> =
            text.split_whitespace().skip(1).take(8).filter_map(|word| word.parse().ok()).collect();
        Self { stolen: ticks.get(7).copied().unwrap_or_default(), all: ticks.iter().sum() }
    }
}

impl Machine {
    /// This one.
    #[must_use]
    pub fn this() -> Self {
        let run = |words: &[&str]| output(Command::new(words[0]).args(&words[1..])).unwrap_or_default();
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let processor = read("/proc/cpuinfo");
        let processor = processor.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        let memory = read("/proc/meminfo");
        let memory = memory.lines().find_map(|line| line.strip_prefix("MemTotal:")?.trim().split_once(' '));
        Self {
            date: run(&["date", "--utc", "+%F %H:%M UTC"]),
            commit: run(&["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]),
            processor: processor.map_or_else(String::new, |(_, name)| name.to_owned()),
            cores: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            memory_gb: memory.and_then(|(kilobytes, _)| kilobytes.parse::<u64>().ok()).unwrap_or(0) >> 20,
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            rustc: run(&["rustc", "--version"]),
            stolen_percent: 0,
            began: ProcessorTime::now(),
        }
    }

    /// Takes down what can be told only at the end of a run.
    pub fn end(&mut self) {
        let (now, began) = (ProcessorTime::now(), self.began);
        self.stolen_percent = 100 * (now.stolen - began.stolen) / (now.all - began.all).max(1);
    }

    /// One line for a report.
    #[must_use]
    pub fn line(&self) -> String {
        let Self { date, commit, processor, cores, memory_gb, kernel, rustc, stolen_percent, .. } = self;
        format!(
            "{processor}, {cores} cores ({stolen_percent} % of their time taken by the hypervisor), {memory_gb} GB, \
             Linux {kernel}, {rustc}, commit {commit}, {date}"
        )
    }
}

/// The versions of the program and of these libraries of its peers, a line each.
#[must_use]
pub fn libraries(lab: &Lab, names: &[&str]) -> Vec<String> {
    let program = output(Command::new(&lab.jackfield).arg("--version"));
    let mut versions = vec![program.unwrap_or_else(|_| "version unknown".to_owned())];
    let locked = fs::read_to_string(lab.root.join("bench/Cargo.lock")).unwrap_or_default();
    for name in names {
        let found = locked.split_once(&format!("name = \"{name}\"\nversion = \""));
        let version = found.and_then(|(_, rest)| rest.split('"').next()).unwrap_or("unknown");
        versions.push(format!("{name} {version}"));
    }
    versions
}

/// The same, and the versions of the systems that are not built here.
#[must_use]
pub fn versions(lab: &Lab, systems: &[System]) -> Vec<String> {
    let run = |command: &mut Command| output(command).unwrap_or_else(|_| "version unknown".to_owned());
    let mut versions = libraries(lab, &["hyper", "axum", "sqlx", "tokio"]);
    for system in systems {
        match system {
            System::Nginx => {
                let script = "nginx -v 2>&1 | sed 's/.*: //'";
                versions.push(run(Command::new("sh").args(["-c", script])));
            }
            System::FastapiPostgres => {
                let python = lab.python("fastapi").unwrap_or_default();
                let script = "import fastapi, asyncpg, uvicorn, platform; print('Python', platform.python_version() + \
                              ', FastAPI', fastapi.__version__ + ', asyncpg', asyncpg.__version__ + ', uvicorn', \
                              uvicorn.__version__)";
                versions.push(run(Command::new(python).args(["-c", script])));
            }
            System::Pocketbase => {
                let python = lab.python("pocketbase").unwrap_or_default();
                let program = python.replace("/bin/python", "/bin/pocketbase");
                versions.push(run(Command::new(program).arg("--version")));
            }
            _ => {}
        }
    }
    if let Ok(binaries) = postgres::binaries() {
        versions.push(run(Command::new(binaries.join("postgres")).arg("--version")));
    }
    versions
}

/// The command that leads to this run again.
#[must_use]
pub fn command(target: &str) -> String {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.is_empty() {
        true => format!("make {target}"),
        false => format!("make {target} ARGS=\"{}\"", arguments.join(" ")),
    }
}
