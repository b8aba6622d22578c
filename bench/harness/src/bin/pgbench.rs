//! `make bench-postgres`: Jackfield over PostgreSQL beside PostgreSQL itself, driven by its own pgbench.
//!
//! Both use one server with the same settings, and take turns. pgbench inserts one row and its change record in one
//! statement, and selects by primary key, each in a transaction of its own and with prepared statements. It does less
//! than the service: no HTTP, no accounts, no counts. It is the yardstick for what batching gains.
//!
//! Then a provider with few associations, one with many, and one with few again: what it costs that it grew.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use clap::Parser;
use jackfield_bench::load::{Load, Numbers, Work};
use jackfield_bench::machine::{self, Machine};
use jackfield_bench::measure::{Bench, Figures, median};
use jackfield_bench::paths::Paths;
use jackfield_bench::plot::number;
use jackfield_bench::postgres::{Postgres, SETTINGS};
use jackfield_bench::system::{CLIENT, Lab, Started, System};
use jackfield_bench::workload::provider_id;
use jackfield_bench::{process, usage};
use serde::Serialize;

/// Connections that fill a store.
const FILLERS: usize = 512;

/// Measures Jackfield over PostgreSQL beside pgbench.
#[derive(Debug, Parser)]
struct Args {
    /// Seconds that each measurement takes
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// How often each has its turn
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Connections of the generator, and clients of pgbench
    #[arg(long, default_value_t = 64)]
    connections: usize,
    /// Associations that are there before anything is measured
    #[arg(long, default_value_t = 10_000)]
    associations: u64,
    /// Associations of the provider with few, and of the one with many
    #[arg(long, value_delimiter = ',', default_values_t = [1_000, 1_000_000])]
    sizes: Vec<u64>,
    #[command(flatten)]
    paths: Paths,
}

/// What pgbench did.
#[derive(Clone, Debug, Serialize)]
struct Transactions {
    rate: f64,
    /// Processor time of the PostgreSQL server for each.
    server_cpu_us: f64,
}

#[derive(Clone, Debug, Serialize)]
struct Round {
    create: Figures,
    insert: Transactions,
    query: Figures,
    select: Transactions,
}

/// What a provider of one size costs, PostgreSQL included.
#[derive(Clone, Debug, Serialize)]
struct Size {
    associations: u64,
    query: Figures,
    page: Figures,
    create: Figures,
}

#[derive(Debug, Serialize)]
struct Report {
    machine: Machine,
    versions: Vec<String>,
    command: String,
    rounds: Vec<Round>,
    sizes: Vec<Size>,
}

fn service_provider() -> String {
    provider_id(0).replace("amzn1.comms.csp.id.", "")
}

fn insert_script() -> String {
    format!(
        "\\set n random(100000000000, 999999999999)\n\
         WITH stored AS (INSERT INTO association (service_provider_id, external_user_id, amazon_id, counted) \
         VALUES ('{}', :n::text, 'amzn1.alexa.communications.profile.did.' || md5(:n::text), false) \
         RETURNING service_provider_id, external_user_id, amazon_id) \
         INSERT INTO change (service_provider_id, sequence, time, actor, request_id, operation, kind, object_id, after) \
         SELECT service_provider_id, nextval('change_batch') * 4096, now(), '{CLIENT}', gen_random_uuid(), 'create', \
         'association', external_user_id, amazon_id FROM stored;\n",
        service_provider()
    )
}

fn select_script(rows: u64) -> String {
    format!(
        "\\set n random(1, {rows})\n\
         SELECT external_user_id, amazon_id FROM association \
         WHERE service_provider_id = '{}' AND external_user_id = 'row-' || :n::text;\n",
        service_provider()
    )
}

/// Rows that pgbench selects, beside those of the service.
fn rows_to_select(rows: u64) -> String {
    format!(
        "INSERT INTO association (service_provider_id, external_user_id, amazon_id, counted) \
         SELECT '{}', 'row-' || n, 'amzn1.alexa.communications.profile.did.' || md5(n::text), false \
         FROM generate_series(1, {rows}) n",
        service_provider()
    )
}

/// Associations and changes that the database holds.
fn counts(postgres: &Postgres, database: &str) -> anyhow::Result<(u64, u64)> {
    let count = |table: &str| -> anyhow::Result<u64> {
        Ok(postgres.sql(database, &format!("SELECT count(*) FROM {table}"))?.parse()?)
    };
    Ok((count("association")?, count("change")?))
}

fn pgbench(args: &Args, started: &Started, script: &Path) -> anyhow::Result<Transactions> {
    let (postgres, database) = started.database().context("it uses PostgreSQL")?;
    let threads = std::thread::available_parallelism()?.get();
    let mut command = postgres.client("pgbench", database);
    command.args(["--no-vacuum", "--protocol=prepared", "--file"]).arg(script);
    command.args(["--client", &args.connections.to_string(), "--jobs", &threads.to_string()]);
    command.args(["--time", &args.seconds.to_string()]);
    let server = [postgres.process().id()];
    let before = usage::cpu(&server);
    let output = process::output(&mut command)?;
    let cpu = usage::cpu(&server).saturating_sub(before);
    let after =
        |name: &str| output.lines().find_map(|line| line.strip_prefix(name)?.split_whitespace().next());
    let rate = after("tps = ").context("pgbench says no rate")?.parse()?;
    let done: f64 =
        after("number of transactions actually processed: ").context("pgbench says no number")?.parse()?;
    ensure!(after("number of failed transactions: ") == Some("0"), "transactions failed: {output}");
    Ok(Transactions { rate, server_cpu_us: cpu.as_secs_f64() * 1e6 / done })
}

fn bench<'a>(args: &Args, started: &'a Started) -> Bench<'a> {
    Bench {
        started,
        connections: args.connections,
        cores: Vec::new(),
        span: Duration::from_secs(args.seconds),
        disk: std::env::temp_dir(),
    }
}

fn round(args: &Args, lab: &mut Lab, scripts: &Path) -> anyhow::Result<Round> {
    let mut started = lab.start(System::Postgres, &[])?;
    let (insert, select) = (scripts.join("insert.sql"), scripts.join("select.sql"));
    std::fs::write(&insert, insert_script())?;
    std::fs::write(&select, select_script(args.associations))?;
    let numbers = Arc::new(Numbers::new(args.associations..u64::from(u32::MAX)));
    let result = {
        let bench = bench(args, &started);
        bench.load().create_all(0..args.associations)?;
        let (postgres, database) = started.database().context("it uses PostgreSQL")?;
        postgres.sql(database, &rows_to_select(args.associations))?;
        started.tidy()?;
        let (create, outcome) = bench.measure(&Work::Create(Arc::clone(&numbers)))?;
        bench.look_for(&outcome.created)?;
        let before = counts(postgres, database)?;
        let inserted = pgbench(args, &started, &insert)?;
        let after = counts(postgres, database)?;
        ensure!(after.0 - before.0 == after.1 - before.1, "a row without its change record");
        let query = Work::Query { ids: 1, known: args.associations, fixed: false };
        let (query, _) = bench.measure(&query)?;
        Round { create, insert: inserted, query, select: pgbench(args, &started, &select)? }
    };
    started.end();
    Ok(result)
}

/// Measures a provider that begins with so many associations.
fn size(args: &Args, lab: &mut Lab, associations: u64) -> anyhow::Result<Size> {
    let mut started = lab.start(System::Postgres, &[])?;
    let result = {
        let bench = bench(args, &started);
        Load { connections: FILLERS, ..bench.load() }.create_all(0..associations)?;
        started.tidy()?;
        let (query, _) = bench.measure(&Work::Query { ids: 1, known: associations, fixed: false })?;
        let pages = Arc::new(bench.middle_pages(associations)?);
        let (page, _) = bench.measure(&Work::Given(pages, "accountAssociations"))?;
        let numbers = Arc::new(Numbers::new(associations..u64::from(u32::MAX)));
        let (create, outcome) = bench.measure(&Work::Create(numbers))?;
        bench.look_for(&outcome.created)?;
        Size { associations, query, page, create }
    };
    started.end();
    Ok(result)
}

impl Report {
    fn markdown(&self, args: &Args) -> String {
        let mut text = format!(
            "# Jackfield over PostgreSQL beside pgbench\n\nMade by `{}` on {}. {} connections or clients; {} s a \
             measurement. PostgreSQL as shipped with {}.\n\n{}.\n\nWhat is compared stands in [README.md](README.md).\n\n\
             | round | creates/s through HTTP | pgbench inserts/s | ratio | queries/s through HTTP | pgbench selects/s | ratio |\n\
             |---|---|---|---|---|---|---|\n",
            self.command,
            self.machine.line(),
            args.connections,
            args.seconds,
            SETTINGS.join(", "),
            self.versions.join(" · ")
        );
        for (index, Round { create, insert, query, select }) in self.rounds.iter().enumerate() {
            text += &format!(
                "| {} | {} | {} | {} | {} | {} | {} |\n",
                index + 1,
                number(create.rate),
                number(insert.rate),
                number(create.rate / insert.rate),
                number(query.rate),
                number(select.rate),
                number(query.rate / select.rate)
            );
        }
        let of = |ratio: fn(&Round) -> f64| number(median(self.rounds.iter().map(ratio).collect()));
        text += &format!(
            "\nMedian ratios: creates **{}** (wanted: at least 2.0), queries **{}** (wanted: at least 0.7).\n",
            of(|round| round.create.rate / round.insert.rate),
            of(|round| round.query.rate / round.select.rate)
        );
        if let [before, many, after] = &self.sizes[..] {
            text += "\n| associations of the provider | query CPU µs | page of 100 from the middle, CPU µs | create CPU µs |\n\
                     |---|---|---|---|\n";
            for size in &self.sizes {
                let cpu = [&size.query, &size.page, &size.create].map(|figures| number(figures.cpu_us));
                text += &format!("| {} | {} |\n", number(size.associations as f64), cpu.join(" | "));
            }
            let ratio = |of: fn(&Size) -> &Figures| {
                number(of(many).cpu_us / f64::midpoint(of(before).cpu_us, of(after).cpu_us))
            };
            text += &format!(
                "\nMany against few: query **{}**, page **{}**, create **{}** (wanted: at most 1.5). CPU of the \
                 service and of PostgreSQL.\n",
                ratio(|size| &size.query),
                ratio(|size| &size.page),
                ratio(|size| &size.create)
            );
        }
        text
    }
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    ensure!(args.rounds > 0, "at least one round");
    let home = tempfile::TempDir::with_prefix("jackfield-bench-")?;
    let jackfield = args.paths.jackfield.canonicalize().context("the program is not built")?;
    let mut lab = Lab::new(&args.paths.root.canonicalize()?, &jackfield, home.path())?;
    let mut report = Report {
        machine: Machine::this(),
        versions: machine::versions(&lab, &[]),
        command: machine::command("bench-postgres"),
        rounds: Vec::new(),
        sizes: Vec::new(),
    };
    for number in 1..=args.rounds {
        eprintln!("round {number}");
        report.rounds.push(round(&args, &mut lab, home.path())?);
    }
    if let [few, many] = args.sizes[..] {
        for associations in [few, many, few] {
            eprintln!("{associations} associations");
            report.sizes.push(size(&args, &mut lab, associations)?);
        }
    }
    report.machine.end();
    std::fs::create_dir_all(&args.paths.out)?;
    let path = |extension| args.paths.out.join("pgbench").with_extension(extension);
    std::fs::write(path("json"), serde_json::to_string_pretty(&report)? + "\n")?;
    let text = report.markdown(&args);
    std::fs::write(path("md"), &text)?;
    for line in text.lines().filter(|line| line.contains("wanted")) {
        eprintln!("{line}");
    }
    Ok(())
}
