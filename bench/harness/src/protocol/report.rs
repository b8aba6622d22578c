//! The report: JSON with every figure, Markdown with medians and with ratios of one round.

use std::fmt::Write as _;
use std::path::Path;

use serde::Serialize;

use super::{Figures, Kind, Protocol, Subject};
use crate::machine::Machine;
use crate::plot::number;

/// What a measurement is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// Requests on connections that are kept.
    Requests(Protocol),
    /// New connections.
    Connections(Kind),
}

/// One measurement.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Row {
    /// Of which server.
    pub subject: Subject,
    /// From 1.
    pub round: usize,
    /// Of what.
    pub what: What,
    /// The figures.
    pub figures: Figures,
}

/// All of a run.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The machine.
    pub machine: Machine,
    /// Versions of what is measured and of what measures.
    pub versions: Vec<String>,
    /// The command.
    pub command: String,
    /// What the command leaves open.
    pub setting: String,
    /// Every measurement.
    pub rows: Vec<Row>,
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    Some(if values.len() % 2 == 1 { upper } else { f64::midpoint(values[values.len() / 2 - 1], upper) })
}

impl Report {
    /// Writes `NAME.json` and `NAME.md`.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn write(&self, directory: &Path, name: &str) -> anyhow::Result<()> {
        std::fs::create_dir_all(directory)?;
        let path = |extension| directory.join(name).with_extension(extension);
        std::fs::write(path("json"), serde_json::to_string_pretty(self)? + "\n")?;
        std::fs::write(path("md"), self.markdown())?;
        Ok(())
    }

    fn figures(&self, subject: Subject, what: What) -> impl Iterator<Item = (usize, Figures)> {
        let rows = self.rows.iter().filter(move |row| row.subject == subject && row.what == what);
        rows.map(|row| (row.round, row.figures))
    }

    /// The median of a figure over the rounds.
    fn median(&self, subject: Subject, what: What, figure: impl Fn(Figures) -> f64) -> Option<f64> {
        median(self.figures(subject, what).map(|(_, figures)| figure(figures)).collect())
    }

    /// The median of the ratios of Jackfield to its peer in the same round.
    fn ratio(&self, what: What, figure: impl Fn(Figures) -> f64) -> Option<f64> {
        let peers: Vec<_> = self.figures(Subject::Bare, what).collect();
        let ratios = self.figures(Subject::Jackfield, what).filter_map(|(round, figures)| {
            let (_, peer) = peers.iter().find(|(other, _)| *other == round)?;
            Some(figure(figures) / figure(*peer))
        });
        median(ratios.collect())
    }

    fn markdown(&self) -> String {
        let mut text = format!(
            "# Protocols\n\nMade by `{}` on {}. {}\n\n{}.\n\nWhat the columns mean stands in \
             [README.md](README.md). Ratios are what counts: absolute figures are the machine's.\n",
            self.command,
            self.machine.line(),
            self.setting,
            self.versions.join(" · ")
        );
        let requests = Protocol::ALL.map(|protocol| (What::Requests(protocol), protocol.label()));
        self.table(&mut text, "Requests on connections that are kept", "requests/s", &requests);
        let connections = Kind::ALL.map(|kind| (What::Connections(kind), kind.label()));
        self.table(&mut text, "New connections with TLS 1.3, a request each", "connections/s", &connections);
        text
    }

    fn table(&self, text: &mut String, title: &str, rate: &str, rows: &[(What, &str)]) {
        let _ = write!(
            text,
            "\n## {title}\n\n| | {rate}, hyper | Jackfield | ratio | p99 ms, hyper | Jackfield | CPU µs, hyper | \
             Jackfield | ratio |\n|---|---|---|---|---|---|---|---|---|\n"
        );
        for &(what, label) in rows {
            if self.ratio(what, |figures| figures.rate).is_none() {
                continue;
            }
            let _ = write!(text, "| {label} |");
            let mut cell = |value: Option<f64>| {
                let _ = write!(text, " {} |", value.map_or_else(|| "–".to_owned(), number));
            };
            for (figure, with_ratio) in [
                (&(|figures: Figures| figures.rate) as &dyn Fn(Figures) -> f64, true),
                (&|figures: Figures| figures.p99_us / 1e3, false),
                (&|figures: Figures| figures.cpu_us, true),
            ] {
                cell(self.median(Subject::Bare, what, figure));
                cell(self.median(Subject::Jackfield, what, figure));
                if with_ratio {
                    cell(self.ratio(what, figure));
                }
            }
            text.push('\n');
        }
    }
}
