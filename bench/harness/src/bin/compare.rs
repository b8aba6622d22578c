//! `make bench`: the systems, one after the other and round after round, under the same load.
//!
//! Each start is a fresh, empty system. It is filled, asked, written to, stopped and weighed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::{Parser, ValueEnum};
use jackfield_bench::flushes::Commits;
use jackfield_bench::load::{Numbers, Work};
use jackfield_bench::machine::{self, Machine};
use jackfield_bench::measure::Bench;
use jackfield_bench::paths::Paths;
use jackfield_bench::report::{Left, Mode, Report, Row, What};
use jackfield_bench::system::{Lab, System};
use jackfield_bench::usage;

/// Measures Jackfield beside its peers.
#[derive(Debug, Parser)]
struct Args {
    /// The systems [default: all]
    #[arg(long, value_delimiter = ',')]
    systems: Vec<System>,
    /// Seconds that each measurement takes
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// How often each system has its turn
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// How system and generator share the machine
    #[arg(long, value_delimiter = ',', default_values = ["shared", "apart"])]
    modes: Vec<Mode>,
    /// Connections, each with one request in flight
    #[arg(long, default_value_t = 64)]
    connections: usize,
    /// Associations that are there before anything is measured
    #[arg(long, default_value_t = 10_000)]
    associations: u64,
    #[command(flatten)]
    paths: Paths,
    /// Its name
    #[arg(long, default_value = "peers")]
    name: String,
}

/// The cores of the system and those of the generator.
type Cores = (Vec<usize>, Vec<usize>);

fn cores(mode: Mode) -> Option<Cores> {
    let all: Vec<usize> =
        (0..std::thread::available_parallelism().map_or(1, std::num::NonZero::get)).collect();
    match mode {
        Mode::Shared => Some((Vec::new(), Vec::new())),
        Mode::Apart if all.len() < 2 => None,
        Mode::Apart => Some((all[..all.len() / 2].to_vec(), all[all.len() / 2..].to_vec())),
    }
}

/// One turn of a system.
fn turn(
    args: &Args,
    lab: &mut Lab,
    system: System,
    (mode, round): (Mode, usize),
    cores: &Cores,
    report: &mut Report,
) -> anyhow::Result<()> {
    let mut started = lab.start(system, &cores.0)?;
    let empty = started.data.as_deref().map(usage::disk);
    let numbers = Arc::new(Numbers::new(args.associations..u64::from(u32::MAX)));
    {
        let bench = Bench {
            started: &started,
            connections: args.connections,
            cores: cores.1.clone(),
            span: Duration::from_secs_f64(args.seconds),
            disk: std::env::temp_dir(),
        };
        let mut push = |what, figures, creates, disk| {
            report.rows.push(Row { system, mode, round, what, figures, creates, disk });
        };
        if !system.is_fixed() {
            bench.load().create_all(0..args.associations)?;
            started.tidy()?;
        }
        let held = started.data.as_deref().map(usage::disk);
        let query = |ids| Work::Query { ids, known: args.associations, fixed: system.is_fixed() };
        push(What::QueryOne, bench.measure(&query(1))?.0, None, None);
        if system.does_all() {
            push(What::QueryThirty, bench.measure(&query(30))?.0, None, None);
            let commits = (system == System::Embedded).then(|| Commits::of(&started)).transpose()?;
            let (figures, outcome) = bench.measure(&Work::Create(Arc::clone(&numbers)))?;
            let disk = match (commits, &started.data, empty.zip(held)) {
                (Some(commits), Some(data), Some((empty, held))) => {
                    // What was filled in is still in the journal alone.
                    let of_one = held.saturating_sub(empty) as f64 / args.associations as f64;
                    Some(commits.disk_since(&started, data, of_one)?)
                }
                _ => None,
            };
            push(What::Create, figures, None, disk);
            if !system.is_fixed() {
                bench.look_for(&outcome.created)?;
                let (figures, creates) = bench.measure_mixed(&query(1), &numbers)?;
                push(What::QueryWhileCreating, figures, Some(creates), None);
            }
        }
    }
    started.end();
    if let (Some(empty), Some(data)) = (empty, &started.data) {
        let bytes = usage::disk(data).saturating_sub(empty);
        report.left.push(Left { system, associations: numbers.taken(), bytes });
        if system == System::Embedded || system == System::Pocketbase {
            std::fs::remove_dir_all(data)?;
        }
    }
    Ok(())
}

fn main() -> anyhow::Result<()> {
    let mut args = Args::parse();
    if args.systems.is_empty() {
        args.systems = System::value_variants().to_vec();
    }
    let home = tempfile::TempDir::with_prefix("jackfield-bench-")?;
    let root = args.paths.root.canonicalize()?;
    let jackfield = args.paths.jackfield.canonicalize().context("the program is not built")?;
    let mut lab = Lab::new(&root, &jackfield, home.path())?;
    let mut report = Report {
        machine: Machine::this(),
        versions: machine::versions(&lab, &args.systems),
        command: machine::command("bench"),
        setting: format!(
            "{} keep-alive connections of HTTP/1.1, each with one request in flight; {} associations before each \
             measurement; a token of about 360 characters; {} s a measurement, median of {} rounds.",
            args.connections, args.associations, args.seconds, args.rounds
        ),
        rows: Vec::new(),
        left: Vec::new(),
    };
    let start = Instant::now();
    for round in 1..=args.rounds {
        for &mode in &args.modes {
            let Some(cores) = cores(mode) else {
                eprintln!("{mode:?}: left out, there is one core only");
                continue;
            };
            for &system in &args.systems {
                eprintln!("{:>5} s  round {round}, {mode:?}: {system:?}", start.elapsed().as_secs());
                turn(&args, &mut lab, system, (mode, round), &cores, &mut report)
                    .with_context(|| format!("{system:?}"))?;
            }
        }
    }
    report.machine.end();
    report.write(&args.paths.out, &args.name)?;
    eprintln!("{} s; written to {}/{}.md", start.elapsed().as_secs(), args.paths.out.display(), args.name);
    Ok(())
}
