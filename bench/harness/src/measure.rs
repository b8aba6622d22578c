//! One measurement: a load on a system for a while, with what it costs and how it is answered.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde::Serialize;
use serde_json::Value;

use crate::latencies::Latencies;
use crate::load::{Load, Numbers, Outcome, Running, Single, Work};
use crate::system::Started;
use crate::usage;
use crate::workload::{Request, check_answer};

/// A load runs so long before it is measured.
pub const WARM_UP: Duration = Duration::from_millis(500);
/// Pages that are asked for in turn, and the providers that they are of.
const PAGES: usize = 200;
const PAGED_PROVIDERS: u64 = 50;
const PAGE: u64 = 100;
/// Associations that are looked for after they were created.
const LOOKED_FOR: usize = 200;

/// The figures of one measurement.
#[derive(Clone, Debug, Serialize)]
pub struct Figures {
    /// Answers a second.
    pub rate: f64,
    /// Latencies in microseconds: half of all, 99 % and 99.9 % stayed within.
    pub p50_us: f64,
    /// 99 %.
    pub p99_us: f64,
    /// 99.9 %.
    pub p999_us: f64,
    /// Processor time of the system for each answer, in microseconds.
    pub cpu_us: f64,
    /// Flushes of the disk a second, whoever asked for them; nothing where the device does not count.
    pub flushes: Option<f64>,
    /// Memory of the system at the end, in bytes.
    pub memory: u64,
}

/// What is measured, and for how long.
#[derive(Clone, Debug)]
pub struct Bench<'a> {
    /// The system.
    pub started: &'a Started,
    /// Connections, each with one request in flight.
    pub connections: usize,
    /// The generator's cores; empty: any.
    pub cores: Vec<usize>,
    /// How long.
    pub span: Duration,
    /// A place on the disk whose flushes are counted.
    pub disk: PathBuf,
}

struct Reading {
    at: Instant,
    cpu: Duration,
    flushes: Option<u64>,
}

impl Bench<'_> {
    /// The load that reaches the system.
    #[must_use]
    pub fn load(&self) -> Load {
        Load {
            address: self.started.address,
            directory: Arc::clone(&self.started.directory),
            connections: self.connections,
            cores: self.cores.clone(),
        }
    }

    /// Measures this work alone.
    ///
    /// # Errors
    /// When an answer is wrong or none comes.
    pub fn measure(&self, work: &Work) -> anyhow::Result<(Figures, Outcome)> {
        let running = self.load().start(work)?;
        std::thread::sleep(WARM_UP);
        self.finish(running)
    }

    /// Measures queries while creates go on: the figures of the queries, and the creates a second.
    ///
    /// # Errors
    /// When an answer is wrong or none comes.
    pub fn measure_mixed(&self, query: &Work, numbers: &Arc<Numbers>) -> anyhow::Result<(Figures, f64)> {
        let creating = self.load().start(&Work::Create(Arc::clone(numbers)))?;
        let querying = self.load().start(query)?;
        std::thread::sleep(WARM_UP);
        let (before, start) = (numbers.taken(), Instant::now());
        let measured = self.finish(querying);
        let creates = (numbers.taken() - before) as f64 / start.elapsed().as_secs_f64();
        creating.stop()?;
        Ok((measured?.0, creates))
    }

    fn finish(&self, running: Running) -> anyhow::Result<(Figures, Outcome)> {
        let before = self.read();
        running.record();
        std::thread::sleep(self.span);
        running.pause();
        let after = self.read();
        let memory = usage::memory(&self.started.processes());
        let outcome = running.stop()?;
        let figures = figures(&outcome.latencies, &before, &after, memory);
        ensure!(outcome.latencies.total() > 0, "nothing was answered");
        Ok((figures, outcome))
    }

    fn read(&self) -> Reading {
        let cpu = usage::cpu(&self.started.processes());
        Reading { at: Instant::now(), cpu, flushes: usage::flushes(&self.disk) }
    }

    /// Queries for pages from around the middle of some providers, reached as a client reaches them, when all hold so
    /// many associations together.
    ///
    /// # Errors
    /// When a page is not answered.
    pub fn middle_pages(&self, held: u64) -> anyhow::Result<Vec<Vec<u8>>> {
        let directory = &self.started.directory;
        let asked = directory.providers.min(PAGED_PROVIDERS);
        let pages = held / directory.providers / PAGE;
        let wanted = (PAGES as u64 / asked).max(1);
        let (from, to) = (pages * 4 / 10, pages * 6 / 10);
        let step = ((to - from) / wanted).max(1);
        let mut requests = Vec::new();
        let mut connection = Single::connect(self.started.address)?;
        for provider in 0..asked {
            let mut request = directory.page(provider, None);
            for page in 0..=to {
                if page >= from && (page - from) % step == 0 {
                    requests.push(request.clone());
                }
                let (status, body) = connection.send(&request)?;
                ensure!(status == 200, "a page is a {status}: {}", String::from_utf8_lossy(&body));
                let body: Value = serde_json::from_slice(&body)?;
                let token = body["paginationContext"]["nextPageToken"].as_str().context("no page token")?;
                if token == "0" {
                    break;
                }
                request = directory.page(provider, Some(token));
            }
        }
        Ok(requests)
    }

    /// Looks for associations whose create was acknowledged.
    ///
    /// # Errors
    /// When one is not there.
    pub fn look_for(&self, created: &[u64]) -> anyhow::Result<()> {
        let mut connection = Single::connect(self.started.address)?;
        let mut request = Request::default();
        let step = (created.len() / LOOKED_FOR).max(1);
        ensure!(!created.is_empty(), "no create was sampled: measure for longer");
        for &number in created.iter().step_by(step) {
            request.numbers = vec![number];
            self.started.directory.query(&mut request);
            let (status, body) = connection.send(&request.bytes)?;
            ensure!(status == 200, "{status} for an association that was created");
            check_answer(&body, &[number]).context("an acknowledged create is not there")?;
        }
        Ok(())
    }
}

/// The middle one of these values, of which there is at least one.
#[must_use]
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn figures(latencies: &Latencies, before: &Reading, after: &Reading, memory: u64) -> Figures {
    let seconds = (after.at - before.at).as_secs_f64();
    let answers = latencies.total() as f64;
    Figures {
        rate: answers / seconds,
        p50_us: latencies.micros(0.5),
        p99_us: latencies.micros(0.99),
        p999_us: latencies.micros(0.999),
        cpu_us: (after.cpu - before.cpu).as_secs_f64() * 1e6 / answers,
        flushes: before.flushes.zip(after.flushes).map(|(from, to)| (to - from) as f64 / seconds),
        memory,
    }
}
