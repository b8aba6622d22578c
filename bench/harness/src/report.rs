//! The report of a comparison: JSON with every figure, Markdown with the medians of the rounds, and a plot.

use std::fmt::Write as _;
use std::path::Path;

use clap::ValueEnum;
use serde::Serialize;

use crate::flushes::Disk;
use crate::machine::Machine;
use crate::measure::Figures;
use crate::plot::{self, Bar, Bars, number};
use crate::system::System;

/// How system and generator share the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Both use every core
    Shared,
    /// The system has one half of the cores, the generator the other
    Apart,
}

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// A query of one id.
    QueryOne,
    /// A query of 30 ids.
    QueryThirty,
    /// A create.
    Create,
    /// A query of one id while as many connections create.
    QueryWhileCreating,
}

/// One measurement.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// Of what.
    pub system: System,
    /// How.
    pub mode: Mode,
    /// From 1.
    pub round: usize,
    /// Of which requests.
    pub what: What,
    /// The figures.
    pub figures: Figures,
    /// Creates a second beside the queries.
    pub creates: Option<f64>,
    /// What the disk allows these creates.
    pub disk: Option<Disk>,
}

/// What a system leaves on the disk.
#[derive(Clone, Debug, Serialize)]
pub struct Left {
    /// Which.
    pub system: System,
    /// Associations that it held in the end.
    pub associations: u64,
    /// Bytes of its files after it was stopped, all of them, without those of an empty one.
    pub bytes: u64,
}

/// All of a comparison.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The machine.
    pub machine: Machine,
    /// Versions of the systems.
    pub versions: Vec<String>,
    /// The command.
    pub command: String,
    /// What the command leaves open.
    pub setting: String,
    /// Every measurement.
    pub rows: Vec<Row>,
    /// What was left on the disk, for each start.
    pub left: Vec<Left>,
}

impl Report {
    /// Writes `NAME.json`, `NAME.md` and `NAME.svg`.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn write(&self, directory: &Path, name: &str) -> anyhow::Result<()> {
        std::fs::create_dir_all(directory)?;
        let path = |extension| directory.join(name).with_extension(extension);
        std::fs::write(path("json"), serde_json::to_string_pretty(self)? + "\n")?;
        std::fs::write(path("md"), self.markdown(name))?;
        std::fs::write(path("svg"), self.plot())?;
        Ok(())
    }

    fn systems(&self) -> Vec<System> {
        System::value_variants()
            .iter()
            .copied()
            .filter(|system| self.rows.iter().any(|row| row.system == *system))
            .collect()
    }

    fn median(
        &self,
        system: System,
        mode: Mode,
        what: What,
        figure: impl Fn(&Row) -> Option<f64>,
    ) -> Option<f64> {
        let wanted = |row: &&Row| row.system == system && row.mode == mode && row.what == what;
        let mut values: Vec<f64> = self.rows.iter().filter(wanted).filter_map(figure).collect();
        values.sort_by(f64::total_cmp);
        let upper = *values.get(values.len() / 2)?;
        Some(if values.len() % 2 == 1 { upper } else { f64::midpoint(values[values.len() / 2 - 1], upper) })
    }

    fn markdown(&self, name: &str) -> String {
        let mut text = format!(
            "# Jackfield beside its peers\n\nMade by `{}` on {}. {}\n\n{}.\n\nWhat the columns mean stands in \
             [README.md](README.md). Ratios are what counts: absolute figures are the machine's.\n\n\
             ![the same as bars]({name}.svg)\n",
            self.command,
            self.machine.line(),
            self.setting,
            self.versions.join(" · ")
        );
        for (mode, title) in [
            (Mode::Shared, "System and generator share all cores"),
            (Mode::Apart, "The system on one half of the cores, the generator on the other"),
        ] {
            if !self.rows.iter().any(|row| row.mode == mode) {
                continue;
            }
            let _ = write!(text, "\n## {title}\n");
            for (what, title) in [
                (What::QueryOne, "Query of one id"),
                (What::QueryThirty, "Query of 30 ids"),
                (What::Create, "Create"),
                (What::QueryWhileCreating, "Query of one id while as many connections create"),
            ] {
                self.table(&mut text, mode, what, title);
            }
        }
        self.memory_and_disk(&mut text);
        text
    }

    fn table(&self, text: &mut String, mode: Mode, what: What, title: &str) {
        let systems: Vec<System> = self
            .systems()
            .into_iter()
            .filter(|&system| self.median(system, mode, what, |row| Some(row.figures.rate)).is_some())
            .collect();
        if systems.is_empty() {
            return;
        }
        let mixed = what == What::QueryWhileCreating;
        let last = match what {
            What::Create => "durable | flushes/s | of what the disk allows",
            What::QueryWhileCreating => "p99 without | creates/s",
            What::QueryOne | What::QueryThirty => "rate of hyper's | CPU of hyper's",
        };
        let _ = write!(
            text,
            "\n### {title}\n\n| system | requests/s | p50 ms | p99 ms | p99.9 ms | CPU µs | {last} |\n\
             |---|---|---|---|---|---|---|---|{}\n",
            if what == What::Create { "---|" } else { "" }
        );
        for &system in &systems {
            let of = |figure: &dyn Fn(&Row) -> Option<f64>| self.median(system, mode, what, figure);
            let shown = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), number);
            let millis = |figure: &dyn Fn(&Figures) -> f64| {
                shown(of(&|row| Some(figure(&row.figures))).map(|us| us / 1e3))
            };
            let _ = write!(
                text,
                "| {} | {} | {} | {} | {} | {} | ",
                system.label(),
                shown(of(&|row| Some(row.figures.rate))),
                millis(&|figures| figures.p50_us),
                millis(&|figures| figures.p99_us),
                millis(&|figures| figures.p999_us),
                if mixed { "–".to_owned() } else { shown(of(&|row| Some(row.figures.cpu_us))) },
            );
            let hyper = |figure: &dyn Fn(&Figures) -> f64| {
                let value = of(&|row| Some(figure(&row.figures)))?;
                Some(value / self.median(System::Hyper, mode, what, |row| Some(figure(&row.figures)))?)
            };
            let _ = match what {
                What::Create => writeln!(
                    text,
                    "{} | {} | {} |",
                    if system.is_durable() { "yes" } else { "no" },
                    shown(of(&|row| row.figures.flushes)),
                    shown(of(&|row| Some(row.disk?.share(row.figures.rate))))
                ),
                What::QueryWhileCreating => {
                    let alone =
                        self.median(system, mode, What::QueryOne, |row| Some(row.figures.p99_us / 1e3));
                    writeln!(text, "{} ms | {} |", shown(alone), shown(of(&|row| row.creates)))
                }
                What::QueryOne | What::QueryThirty => {
                    writeln!(
                        text,
                        "{} | {} |",
                        shown(hyper(&|figures| figures.rate)),
                        shown(hyper(&|figures| figures.cpu_us))
                    )
                }
            };
        }
        if what == What::Create {
            for system in systems {
                self.arithmetic(text, system, mode);
            }
        }
    }

    /// How the part of what the disk allows comes about, with the figures of the round in the middle.
    fn arithmetic(&self, text: &mut String, system: System, mode: Mode) {
        let wanted = |row: &&Row| row.system == system && row.mode == mode && row.what == What::Create;
        let rows = self.rows.iter().filter(wanted);
        let mut rounds: Vec<(f64, Disk)> =
            rows.filter_map(|row| Some((row.figures.rate, row.disk?))).collect();
        rounds.sort_by(|(one, disk), (other, others)| disk.share(*one).total_cmp(&others.share(*other)));
        let Some(&(rate, disk)) = rounds.get(rounds.len() / 2) else { return };
        let (creates, group, flushes) = (number(rate), number(disk.group), number(disk.loop_flushes));
        let _ = writeln!(
            text,
            "\n{}: {creates} creates/s in groups of {group} are {} commits/s, each with a flush. The disk alone does \
             {flushes} flushes/s, each after an append of {} KiB as a group's, which would carry {flushes} × {group} \
             creates/s: {creates} ÷ ({flushes} × {group}) = {}. The round in the middle.",
            system.label(),
            number(rate / disk.group),
            number(disk.bytes as f64 / 1024.0),
            number(disk.share(rate)),
        );
    }

    fn memory_and_disk(&self, text: &mut String) {
        text.push_str(
            "\n## Memory and disk\n\n| system | most memory, MB | bytes on disk an association |\n|---|---|---|\n",
        );
        for system in self.systems() {
            let rows = self.rows.iter().filter(|row| row.system == system);
            let memory = rows.map(|row| row.figures.memory).max().unwrap_or(0) as f64 / 1e6;
            let left: Vec<&Left> = self.left.iter().filter(|left| left.system == system).collect();
            let associations: u64 = left.iter().map(|left| left.associations).sum();
            let bytes: u64 = left.iter().map(|left| left.bytes).sum();
            let disk = (associations > 0).then(|| number(bytes as f64 / associations as f64));
            let _ = writeln!(
                text,
                "| {} | {} | {} |",
                system.label(),
                number(memory),
                disk.as_deref().unwrap_or("–")
            );
        }
    }

    fn plot(&self) -> String {
        let mode =
            if self.rows.iter().any(|row| row.mode == Mode::Shared) { Mode::Shared } else { Mode::Apart };
        let chart = |title: &str, what, durable: bool| {
            let systems = self.systems().into_iter().filter(|system| !durable || system.is_durable());
            let mut bars: Vec<Bar> = systems
                .filter_map(|system| {
                    let value = self.median(system, mode, what, |row| Some(row.figures.rate))?;
                    Some(Bar { label: system.label().to_owned(), value, is_ours: system.is_jackfield() })
                })
                .collect();
            bars.sort_by(|one, other| other.value.total_cmp(&one.value));
            Bars { title: title.to_owned(), bars }
        };
        let charts = [
            chart("Queries of one id a second", What::QueryOne, false),
            chart("Queries of 30 ids a second", What::QueryThirty, false),
            chart("Durable creates acknowledged a second", What::Create, true),
        ];
        plot::bars(&charts.into_iter().filter(|chart| !chart.bars.is_empty()).collect::<Vec<_>>())
    }
}
