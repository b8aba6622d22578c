//! `make bench-growth`: what query, create, page, start, memory and disk cost as an embedded store grows.
//!
//! One store grows through the sizes, once with one service provider that has all associations, once with many that
//! share them. It grows by creates in no order of ids, as it would in the field.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use clap::Parser;
use jackfield_bench::load::{Load, Numbers, Work};
use jackfield_bench::machine::{self, Machine};
use jackfield_bench::measure::{Bench, Figures};
use jackfield_bench::paths::Paths;
use jackfield_bench::plot::{self, Panel, number};
use jackfield_bench::system::{Lab, Started};
use jackfield_bench::usage;
use jackfield_bench::workload::raw_bytes;
use serde::Serialize;

/// Associations that are created to be measured have numbers from here on.
const EXTRA: u64 = 3_000_000_000;
/// Connections that fill the store.
const FILLERS: usize = 512;
/// Until an idle server's memory is read.
const IDLE: Duration = Duration::from_secs(1);
/// Merges that are under way end meanwhile, before the store is weighed.
const SETTLE: Duration = Duration::from_secs(5);
/// Where the engine keeps them; the order in which the store opens its spaces.
const ASSOCIATIONS: &str = "engine/keyspaces/1";
const CHANGES: &str = "engine/keyspaces/2";

/// Measures Jackfield as it grows.
#[derive(Debug, Parser)]
struct Args {
    /// Associations at which to measure, ascending
    #[arg(long, value_delimiter = ',', default_values_t = [10_000, 100_000, 1_000_000, 10_000_000])]
    sizes: Vec<u64>,
    /// How many service providers share them
    #[arg(long, value_delimiter = ',', default_values_t = [1, 10_000])]
    providers: Vec<u64>,
    /// Seconds that each measurement takes
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Connections, each with one request in flight
    #[arg(long, default_value_t = 64)]
    connections: usize,
    #[command(flatten)]
    paths: Paths,
}

/// What one size costs.
#[derive(Clone, Debug, Serialize)]
struct Row {
    providers: u64,
    associations: u64,
    /// Creates a second while the store grew to this size.
    fill_rate: f64,
    query: Figures,
    page: Figures,
    create: Figures,
    start_clean_ms: f64,
    start_killed_ms: f64,
    /// Resident after a start and the first answer.
    idle_bytes: u64,
    /// The most that was resident while it was asked and written to.
    busy_bytes: u64,
    disk: Disk,
}

/// Bytes on disk of a stopped store.
#[derive(Clone, Copy, Debug, Serialize)]
struct Disk {
    all: u64,
    associations: u64,
    changes: u64,
    /// Of ids and profiles, without anything around them.
    raw: f64,
}

#[derive(Debug, Serialize)]
struct Report {
    machine: Machine,
    version: String,
    command: String,
    rows: Vec<Row>,
}

struct Growing<'a> {
    args: &'a Args,
    lab: &'a Lab,
    home: PathBuf,
    store: String,
    started: Started,
    held: u64,
    extra: u64,
}

impl<'a> Growing<'a> {
    fn new(args: &'a Args, lab: &'a Lab, home: &Path, providers: u64) -> anyhow::Result<Self> {
        let home = home.join(format!("providers-{providers}"));
        std::fs::create_dir(&home)?;
        let store = format!("embedded:{}", home.join("store").display());
        let started = lab.start_jackfield(&store, providers, &home, &[])?;
        Ok(Self { args, lab, home, store, started, held: 0, extra: EXTRA })
    }

    fn bench(&self) -> Bench<'_> {
        Bench {
            started: &self.started,
            connections: self.args.connections,
            cores: Vec::new(),
            span: Duration::from_secs(self.args.seconds),
            disk: self.home.clone(),
        }
    }

    /// Lets it grow and measures it there. It runs before and after.
    fn grow_to(&mut self, size: u64) -> anyhow::Result<Row> {
        let begin = Instant::now();
        Load { connections: FILLERS, ..self.bench().load() }.create_all(self.held..size)?;
        let fill_rate = (size - self.held) as f64 / begin.elapsed().as_secs_f64();
        self.held = size;
        std::thread::sleep(SETTLE);
        self.started.end();
        let disk = self.weigh();

        let start_clean = self.start_again()?;
        std::thread::sleep(IDLE);
        let idle_bytes = usage::resident(self.started.id());
        let query = self.bench().measure(&Work::Query { ids: 1, known: size, fixed: false })?.0;
        let pages = Arc::new(self.bench().middle_pages(size)?);
        let page = self.bench().measure(&Work::Given(pages, "accountAssociations"))?.0;
        let numbers = Arc::new(Numbers::new(self.extra..u64::from(u32::MAX)));
        let (create, outcome) = self.bench().measure(&Work::Create(Arc::clone(&numbers)))?;
        self.extra = numbers.taken();
        let busy_bytes = usage::peak_resident(self.started.id());
        // The journal is as full as a moment of writing leaves it.
        self.started.kill();
        let start_killed = self.start_again()?;
        self.bench().look_for(&outcome.created)?;
        Ok(Row {
            providers: self.started.directory.providers,
            associations: size,
            fill_rate,
            query,
            page,
            create,
            start_clean_ms: start_clean.as_secs_f64() * 1e3,
            start_killed_ms: start_killed.as_secs_f64() * 1e3,
            idle_bytes,
            busy_bytes,
            disk,
        })
    }

    fn start_again(&mut self) -> anyhow::Result<Duration> {
        let (started, took) = self.lab.start_again(&self.store, &self.started.directory, &self.home)?;
        self.started = started;
        Ok(took)
    }

    fn weigh(&self) -> Disk {
        let store = self.home.join("store");
        Disk {
            all: usage::disk(&store),
            associations: usage::disk(&store.join(ASSOCIATIONS)),
            changes: usage::disk(&store.join(CHANGES)),
            raw: raw_bytes(self.held) * self.held as f64,
        }
    }
}

impl Report {
    fn markdown(&self, args: &Args) -> String {
        let mut text = format!(
            "# Jackfield as it grows\n\nMade by `{}` on {}. {} `embedded:`, {} connections, {} s a measurement; \
             system and generator share all cores.\n\nWhat the columns mean stands in [README.md](README.md).\n\n\
             ![the same as lines](growth.svg)\n",
            self.command,
            self.machine.line(),
            self.version,
            args.connections,
            args.seconds
        );
        for &providers in &args.providers {
            let rows = || self.rows.iter().filter(|row| row.providers == providers);
            text += &format!(
                "\n## {providers} service provider{}\n\n| associations | query CPU µs | query p99 ms | create CPU µs \
                 | create p99 ms | page CPU µs | start, clean ms | start, killed ms | idle MB | busy MB |\n\
                 |---|---|---|---|---|---|---|---|---|---|\n",
                if providers == 1 { "" } else { "s" }
            );
            for row in rows() {
                text += &format!(
                    "| {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |\n",
                    number(row.associations as f64),
                    number(row.query.cpu_us),
                    number(row.query.p99_us / 1e3),
                    number(row.create.cpu_us),
                    number(row.create.p99_us / 1e3),
                    number(row.page.cpu_us),
                    number(row.start_clean_ms),
                    number(row.start_killed_ms),
                    number(row.idle_bytes as f64 / 1e6),
                    number(row.busy_bytes as f64 / 1e6)
                );
            }
            text += "\n| associations | creates/s while it grew | bytes on disk an association | of raw bytes | with \
                     the change record and the journal |\n|---|---|---|---|---|\n";
            for row in rows() {
                let each = |bytes: f64| number(bytes / row.associations as f64);
                text += &format!(
                    "| {} | {} | {} | {} | {} |\n",
                    number(row.associations as f64),
                    number(row.fill_rate),
                    each(row.disk.associations as f64),
                    number(row.disk.associations as f64 / row.disk.raw),
                    each(row.disk.all as f64)
                );
            }
        }
        text
    }

    fn plot(&self, args: &Args) -> String {
        let panel = |title: &str, value: fn(&Row) -> f64| {
            let lines = args.providers.iter().map(|&providers| {
                let rows = self.rows.iter().filter(|row| row.providers == providers);
                let name =
                    format!("{} provider{}", number(providers as f64), if providers == 1 { "" } else { "s" });
                (name, rows.map(|row| (row.associations as f64, value(row))).collect())
            });
            Panel { title: title.to_owned(), lines: lines.collect() }
        };
        plot::panels(&[
            panel("Query of one id, CPU µs", |row| row.query.cpu_us),
            panel("Create, CPU µs", |row| row.create.cpu_us),
            panel("Page of 100 from the middle, CPU µs", |row| row.page.cpu_us),
            panel("Start after SIGKILL to the first answer, ms", |row| row.start_killed_ms),
            panel("Start after a clean stop, ms", |row| row.start_clean_ms),
            panel("Resident memory, idle, MB", |row| row.idle_bytes as f64 / 1e6),
            panel("Associations on disk, bytes each", |row| {
                row.disk.associations as f64 / row.associations as f64
            }),
            panel("Creates a second while it grew", |row| row.fill_rate),
        ])
    }
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    ensure!(args.sizes.is_sorted() && args.sizes.first().is_some_and(|&size| size > 0), "sizes must ascend");
    let fits = args.providers.iter().all(|&providers| (1..=args.sizes[0]).contains(&providers));
    ensure!(fits, "each provider must have an association at the smallest size");
    let home = tempfile::TempDir::with_prefix("jackfield-bench-")?;
    let jackfield = args.paths.jackfield.canonicalize().context("the program is not built")?;
    let lab = Lab::new(&args.paths.root.canonicalize()?, &jackfield, home.path())?;
    let mut report = Report {
        machine: Machine::this(),
        version: machine::versions(&lab, &[]).swap_remove(0),
        command: machine::command("bench-growth"),
        rows: Vec::new(),
    };
    let begin = Instant::now();
    for &providers in &args.providers {
        let mut growing = Growing::new(&args, &lab, home.path(), providers)?;
        for &size in &args.sizes {
            eprintln!("{:>5} s  {providers} providers: {size} associations", begin.elapsed().as_secs());
            report.rows.push(growing.grow_to(size)?);
        }
        growing.started.end();
        std::fs::remove_dir_all(&growing.home)?;
    }
    report.machine.end();
    std::fs::create_dir_all(&args.paths.out)?;
    let path = |extension| args.paths.out.join("growth").with_extension(extension);
    std::fs::write(path("json"), serde_json::to_string_pretty(&report)? + "\n")?;
    std::fs::write(path("md"), report.markdown(&args))?;
    std::fs::write(path("svg"), report.plot(&args))?;
    eprintln!("{} s; written to {}/growth.md", begin.elapsed().as_secs(), args.paths.out.display());
    Ok(())
}
