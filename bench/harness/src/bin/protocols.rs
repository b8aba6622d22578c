//! `make bench-protocols`: Jackfield and hyper alone over each protocol, in turns.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::Parser;
use jackfield_bench::machine::{self, Machine};
use jackfield_bench::paths::Paths;
use jackfield_bench::protocol::{
    Certificate, H2load, Handshakes, Kind, Protocol, Report, Row, Server, Subject, What, generator_version,
};
use jackfield_bench::system::Lab;

/// Measures Jackfield beside bare hyper over HTTP/1.1 and HTTP/2, plain and with TLS.
#[derive(Debug, Parser)]
struct Args {
    /// Seconds that each measurement takes
    #[arg(long, default_value_t = 4.0)]
    seconds: f64,
    /// How often each has its turn
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Clients that make new connections
    #[arg(long, default_value_t = 8)]
    clients: usize,
    /// Associations that are there
    #[arg(long, default_value_t = 10_000)]
    associations: u64,
    #[command(flatten)]
    paths: Paths,
    /// Its name
    #[arg(long, default_value = "protocols")]
    name: String,
}

/// Who is measured first in a round.
const fn order(round: usize) -> [Subject; 2] {
    if round.is_multiple_of(2) {
        [Subject::Jackfield, Subject::Bare]
    } else {
        [Subject::Bare, Subject::Jackfield]
    }
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let home = tempfile::TempDir::with_prefix("jackfield-bench-")?;
    let root = args.paths.root.canonicalize()?;
    let jackfield = args.paths.jackfield.canonicalize().context("the program is not built")?;
    let lab = Lab::new(&root, &jackfield, home.path())?;
    let certificate = Certificate::make(home.path())?;
    let span = Duration::from_secs_f64(args.seconds);
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let load = H2load { home: home.path().to_owned(), span, threads };
    let handshakes = Handshakes { certificate: &certificate, span, clients: args.clients };
    let mut versions = machine::libraries(&lab, &["hyper", "hyper-util", "h2", "rustls", "tokio"]);
    versions.push(generator_version());
    let mut report = Report {
        machine: Machine::this(),
        versions,
        command: machine::command("bench-protocols"),
        setting: format!(
            "64 requests in flight: 64 connections of HTTP/1.1, or 8 of HTTP/2 with 8 streams each; queries of one id, \
             with a token of about 360 characters; new connections by {} clients at a time; server and generator share \
             all cores; {} associations; {} s a measurement, median of {} rounds.",
            args.clients, args.associations, args.seconds, args.rounds
        ),
        rows: Vec::new(),
    };
    let start = Instant::now();
    for round in 1..=args.rounds {
        eprintln!("{:>5} s  round {round}", start.elapsed().as_secs());
        let mut servers = Vec::new();
        for subject in order(round) {
            let home = home.path().join(format!("{subject:?}-{round}"));
            std::fs::create_dir(&home)?;
            let server = Server::start(subject, &lab, &certificate, args.associations, &home);
            let server = server
                .with_context(|| std::fs::read_to_string(home.join("log")).unwrap_or_default())
                .with_context(|| format!("{subject:?} does not start"))?;
            servers.push((subject, server));
        }
        let requests = Protocol::ALL.map(What::Requests);
        for what in requests.into_iter().chain(Kind::ALL.map(What::Connections)) {
            for (subject, server) in &servers {
                let figures = match what {
                    What::Requests(protocol) => load.measure(server, protocol),
                    What::Connections(kind) => handshakes.measure(server, kind),
                };
                let figures = figures.with_context(|| format!("{subject:?}, {what:?}"))?;
                report.rows.push(Row { subject: *subject, round, what, figures });
            }
        }
    }
    report.machine.end();
    report.write(&args.paths.out, &args.name)?;
    eprintln!("{} s; written to {}/{}.md", start.elapsed().as_secs(), args.paths.out.display(), args.name);
    Ok(())
}
