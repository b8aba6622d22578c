//! The generator for all protocols: h2load of nghttp2. It writes down each request with its time and status.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, ensure};
use rustix::process::Signal;

use super::{Figures, Protocol, Server};
use crate::latencies::Latencies;
use crate::measure::WARM_UP;
use crate::process::{Process, output};
use crate::workload::{Request, provider_id};

/// It goes on for so long after what is measured.
const AFTER: Duration = Duration::from_millis(300);
/// How much longer than it was told a load may take.
const GRACE: Duration = Duration::from_secs(20);
/// What it says of a connection with TLS.
const TLS: &str = "TLS Protocol: TLSv1.3";

/// How it is run.
#[derive(Debug)]
pub struct H2load {
    /// For its files.
    pub home: PathBuf,
    /// How long is measured.
    pub span: Duration,
    /// Its threads.
    pub threads: usize,
}

/// A time, as it stands in the log, and the processor time of the server by then.
struct Reading {
    at: u64,
    cpu: Duration,
}

impl Reading {
    fn of(server: &Server) -> anyhow::Result<Self> {
        let at = SystemTime::now().duration_since(UNIX_EPOCH)?.as_micros();
        Ok(Self { at: u64::try_from(at)?, cpu: server.cpu() })
    }
}

/// Its version.
#[must_use]
pub fn version() -> String {
    output(Command::new("h2load").arg("--version")).unwrap_or_else(|_| "h2load, version unknown".to_owned())
}

impl H2load {
    /// Queries of one id over a protocol: the first association, again and again.
    ///
    /// # Errors
    /// When an answer is not a 200, or none comes.
    pub fn measure(&self, server: &Server, protocol: Protocol) -> anyhow::Result<Figures> {
        let (log, said) = (self.home.join("requests"), self.home.join("said"));
        for file in [&log, &said] {
            let _ = std::fs::remove_file(file);
        }
        let mut command = self.command(server, protocol)?;
        command.arg("--log-file").arg(&log);
        let mut load = Process::start(&mut command, &said, Signal::TERM)?;
        std::thread::sleep(WARM_UP);
        let before = Reading::of(server)?;
        std::thread::sleep(self.span);
        let after = Reading::of(server)?;
        load.wait(GRACE).context("h2load")?;
        let said = std::fs::read_to_string(said)?;
        ensure!(protocol.is_secured() == said.contains(TLS), "not the protocol that was asked for: {said}");
        figures(&std::fs::read_to_string(log)?, &before, &after).with_context(|| said)
    }

    fn command(&self, server: &Server, protocol: Protocol) -> anyhow::Result<Command> {
        let body = self.home.join("body");
        std::fs::write(&body, Request::query_of(&server.directory, 0).body())?;
        let (connections, streams) = protocol.in_flight();
        let scheme = if protocol.is_secured() { "https" } else { "http" };
        let mut command = crate::process::command("h2load", &[]);
        command.arg(format!("--threads={}", self.threads)).arg(format!("--clients={connections}"));
        command.arg(format!("--max-concurrent-streams={streams}"));
        command.arg(format!("--duration={}ms", (WARM_UP + self.span + AFTER).as_millis()));
        command.arg("--data").arg(body).args(["--header", "content-type: application/json"]);
        command.args(["--header", &format!("authorization: Bearer {}", server.directory.token)]);
        if protocol.is_http1() {
            command.arg("--h1");
        }
        let path = format!("/v1/communications/serviceProviders/{}/externalUsers/query", provider_id(0));
        command.arg(format!("{scheme}://{}{path}", server.address(protocol)));
        Ok(command)
    }
}

/// What was answered between two readings. Every answer that stands in the log has to be a 200.
fn figures(log: &str, before: &Reading, after: &Reading) -> anyhow::Result<Figures> {
    let mut latencies = Latencies::default();
    for line in log.lines() {
        let mut fields = line.split('\t');
        let mut field = || fields.next().and_then(|field| field.parse::<u64>().ok());
        let (Some(sent), Some(status), Some(took)) = (field(), field(), field()) else {
            anyhow::bail!("a request without an answer: {line}");
        };
        ensure!(status == 200, "a {status} instead of a 200");
        if (before.at..after.at).contains(&(sent + took)) {
            latencies.record(Duration::from_micros(took));
        }
    }
    ensure!(latencies.total() > 0, "nothing was answered");
    let (answers, micros) = (latencies.total() as f64, (after.at - before.at) as f64);
    Ok(Figures {
        rate: answers * 1e6 / micros,
        p99_us: latencies.micros(0.99),
        cpu_us: (after.cpu - before.cpu).as_secs_f64() * 1e6 / answers,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(at: u64, cpu_ms: u64) -> Reading {
        Reading { at, cpu: Duration::from_millis(cpu_ms) }
    }

    #[test]
    fn what_ended_in_the_time_counts_and_any_other_status_fails() {
        let (before, after) = (reading(1_000, 7), reading(1_001_000, 9));
        let log = "900\t200\t50\n950\t200\t100\n5000\t200\t200\n1000990\t200\t5\n1000999\t200\t5\n";
        let figures = figures(log, &before, &after).unwrap();
        assert_eq!((figures.rate, figures.cpu_us), (3.0, 2_000.0 / 3.0));
        for bad in ["2000\t503\t5\n", "2000\t200\n", "900\t200\t50\n", ""] {
            super::figures(bad, &before, &after).unwrap_err();
        }
    }
}
