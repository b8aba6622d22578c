//! `make bench-cold`: what a query costs of a large `embedded:` store, compared with a small one.
//!
//! A store of each size is filled by creates of ids in no order and stopped. Then a server runs on each of them at once,
//! and they are asked in turns, so that what else the machine does weighs on all alike. The ratio is taken within a turn.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use clap::Parser;
use jackfield_bench::load::{Load, Work};
use jackfield_bench::machine::{self, Machine};
use jackfield_bench::measure::{Bench, Figures, median};
use jackfield_bench::paths::Paths;
use jackfield_bench::plot::number;
use jackfield_bench::system::{Lab, Started};
use jackfield_bench::usage;
use serde::Serialize;

/// Connections that fill a store.
const FILLERS: usize = 512;
/// Merges that are under way end meanwhile, before a store is stopped.
const SETTLE: Duration = Duration::from_secs(5);
/// Says that a store was filled to its end.
const FILLED: &str = "filled";

/// Measures queries of stores of several sizes in turns.
#[derive(Debug, Parser)]
struct Args {
    /// Associations of each store, ascending; ratios are to the first
    #[arg(long, value_delimiter = ',', default_values_t = [10_000, 10_000_000])]
    sizes: Vec<u64>,
    /// How many service providers share them
    #[arg(long, value_delimiter = ',', default_values_t = [1, 10_000])]
    providers: Vec<u64>,
    /// Turns of each store
    #[arg(long, default_value_t = 7)]
    rounds: usize,
    /// Seconds that a turn takes
    #[arg(long, default_value_t = 4)]
    seconds: u64,
    /// Seconds that each store is asked before the first turn, until its caches hold what they come to hold
    #[arg(long, default_value_t = 30)]
    warm_up: u64,
    /// Connections, each with one request in flight
    #[arg(long, default_value_t = 64)]
    connections: usize,
    /// Directory that keeps the stores, and has those of an earlier run [default: a temporary one]
    #[arg(long)]
    stores: Option<PathBuf>,
    #[command(flatten)]
    paths: Paths,
}

/// The turns of one store.
#[derive(Debug, Serialize)]
struct Row {
    providers: u64,
    associations: u64,
    turns: Vec<Figures>,
    /// Processor time of a query in each turn, as a multiple of that of the smallest store in the same turn.
    ratios: Vec<f64>,
    /// Resident after the start, before it was asked.
    idle_bytes: u64,
    /// Resident after the last turn.
    warm_bytes: u64,
}

#[derive(Debug, Serialize)]
struct Report {
    machine: Machine,
    version: String,
    command: String,
    rows: Vec<Row>,
}

struct Store {
    size: u64,
    home: PathBuf,
    started: Started,
    idle_bytes: u64,
    turns: Vec<Figures>,
}

impl Store {
    /// Starts a server on a store of this size, which is filled first where it is not there.
    fn open(args: &Args, lab: &Lab, stores: &Path, providers: u64, size: u64) -> anyhow::Result<Self> {
        let home = stores.join(format!("{size}-of-{providers}"));
        let url = format!("embedded:{}", home.join("store").display());
        if !home.join(FILLED).is_file() {
            eprintln!("{providers} providers: {size} associations are created");
            let _ = std::fs::remove_dir_all(&home);
            std::fs::create_dir(&home)?;
            let mut started = lab.start_jackfield(&url, providers, &home, &[])?;
            bench(args, &started, &home, FILLERS).load().create_all(0..size)?;
            std::thread::sleep(SETTLE);
            started.end();
            std::fs::write(home.join(FILLED), "")?;
        }
        let started = lab.start_jackfield(&url, providers, &home, &[])?;
        let idle_bytes = usage::resident(started.id());
        Ok(Self { size, home, started, idle_bytes, turns: Vec::new() })
    }

    fn query(&self) -> Work {
        Work::Query { ids: 1, known: self.size, fixed: false }
    }

    fn warm_up(&self, args: &Args) -> anyhow::Result<()> {
        let load: Load = bench(args, &self.started, &self.home, args.connections).load();
        let running = load.start(&self.query())?;
        std::thread::sleep(Duration::from_secs(args.warm_up));
        running.stop().map(drop)
    }

    fn turn(&mut self, args: &Args) -> anyhow::Result<()> {
        let measured = bench(args, &self.started, &self.home, args.connections).measure(&self.query())?;
        self.turns.push(measured.0);
        Ok(())
    }

    fn row(self, smallest: &[f64]) -> Row {
        let ratios = self.turns.iter().zip(smallest).map(|(turn, smallest)| turn.cpu_us / smallest);
        Row {
            providers: self.started.directory.providers,
            associations: self.size,
            ratios: ratios.collect(),
            idle_bytes: self.idle_bytes,
            warm_bytes: usage::resident(self.started.id()),
            turns: self.turns,
        }
    }
}

fn bench<'a>(args: &Args, started: &'a Started, home: &Path, connections: usize) -> Bench<'a> {
    let span = Duration::from_secs(args.seconds);
    Bench { started, connections, cores: Vec::new(), span, disk: home.to_owned() }
}

impl Report {
    fn markdown(&self, args: &Args) -> String {
        let mut text = format!(
            "# A query of a large store\n\nMade by `{}` on {}. {} `embedded:`, {} connections, {} turns of {} s after \
             {} s of warming up; system and generator share all cores.\n\nWhat the columns mean stands in \
             [README.md](README.md).\n",
            self.command,
            self.machine.line(),
            self.version,
            args.connections,
            args.rounds,
            args.seconds,
            args.warm_up
        );
        for &providers in &args.providers {
            text += &format!(
                "\n## {providers} service provider{}\n\n| associations | query CPU µs | times the smallest | from, to | \
                 requests/s | p99 ms | idle MB | warm MB |\n|---|---|---|---|---|---|---|---|\n",
                if providers == 1 { "" } else { "s" }
            );
            for row in self.rows.iter().filter(|row| row.providers == providers) {
                let of = |value: fn(&Figures) -> f64| number(median(row.turns.iter().map(value).collect()));
                let least = row.ratios.iter().copied().fold(f64::INFINITY, f64::min);
                let most = row.ratios.iter().copied().fold(0.0, f64::max);
                text += &format!(
                    "| {} | {} | {:.2} | {least:.2}, {most:.2} | {} | {} | {} | {} |\n",
                    number(row.associations as f64),
                    of(|turn| turn.cpu_us),
                    median(row.ratios.clone()),
                    of(|turn| turn.rate),
                    of(|turn| turn.p99_us / 1e3),
                    number(row.idle_bytes as f64 / 1e6),
                    number(row.warm_bytes as f64 / 1e6)
                );
            }
        }
        text
    }
}

fn measure(args: &Args, lab: &Lab, stores: &Path, providers: u64) -> anyhow::Result<Vec<Row>> {
    let open = |&size: &u64| Store::open(args, lab, stores, providers, size);
    let mut stores: Vec<Store> = args.sizes.iter().map(open).collect::<Result<_, _>>()?;
    stores.iter().try_for_each(|store| store.warm_up(args))?;
    for round in 1..=args.rounds {
        stores.iter_mut().try_for_each(|store| store.turn(args))?;
        let cost = stores.iter().filter_map(|store| store.turns.last());
        let cost: Vec<String> = cost.map(|turn| number(turn.cpu_us)).collect();
        eprintln!("{providers} providers, turn {round}: {} µs", cost.join(", "));
    }
    let smallest: Vec<f64> = stores[0].turns.iter().map(|turn| turn.cpu_us).collect();
    Ok(stores.into_iter().map(|store| store.row(&smallest)).collect())
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    ensure!(args.sizes.is_sorted() && args.sizes.first().is_some_and(|&size| size > 0), "sizes must ascend");
    let fits = args.providers.iter().all(|&providers| (1..=args.sizes[0]).contains(&providers));
    ensure!(fits, "each provider must have an association at the smallest size");
    ensure!(args.rounds > 0, "there must be a turn");
    let home = tempfile::TempDir::with_prefix("jackfield-bench-")?;
    let stores = args.stores.as_deref().unwrap_or(home.path());
    std::fs::create_dir_all(stores)?;
    let jackfield = args.paths.jackfield.canonicalize().context("the program is not built")?;
    let lab = Lab::new(&args.paths.root.canonicalize()?, &jackfield, home.path())?;
    let mut report = Report {
        machine: Machine::this(),
        version: machine::versions(&lab, &[]).swap_remove(0),
        command: machine::command("bench-cold"),
        rows: Vec::new(),
    };
    let begin = Instant::now();
    for &providers in &args.providers {
        report.rows.extend(measure(&args, &lab, stores, providers)?);
    }
    report.machine.end();
    std::fs::create_dir_all(&args.paths.out)?;
    let path = |extension| args.paths.out.join("cold").with_extension(extension);
    std::fs::write(path("json"), serde_json::to_string_pretty(&report)? + "\n")?;
    std::fs::write(path("md"), report.markdown(&args))?;
    eprintln!("{} s; written to {}/cold.md", begin.elapsed().as_secs(), args.paths.out.display());
    Ok(())
}
