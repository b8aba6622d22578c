//! `jackfield association export`: what a provider has, as a list that `sync` reads.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use jackfield_client::Client;
use jackfield_client::sync::{self, ExportWriter, Options, Session};
use jackfield_model::ServiceProviderId;

use crate::command::sync::input::FileFormat;
use crate::failure::Failure;

/// The flags of `export`.
#[derive(Args)]
pub(super) struct ExportArgs {
    /// Its format [default: as the file is called, else csv]
    #[arg(long, value_enum)]
    format: Option<FileFormat>,
    /// Write to this file, which appears when it is whole, instead of standard
    /// output
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
}

impl ExportArgs {
    pub(super) async fn run(self, client: &Client, provider: ServiceProviderId) -> Result<(), Failure> {
        let named = self.to.as_deref().and_then(sync::Format::of_path);
        let format = self.format.map(sync::Format::from).or(named).unwrap_or(sync::Format::Csv);
        let session = Session::new(client, provider, Options::default());
        let Some(target) = &self.to else {
            return write(&session, BufWriter::new(std::io::stdout()), format).await;
        };
        let cannot = |error: std::io::Error| {
            Failure::failed(format!("{} cannot be written: {error}", target.display()))
        };
        let part = part_of(target);
        let file = File::create(&part).map_err(cannot)?;
        let written = write(&session, BufWriter::new(&file), format).await;
        let ended = match written {
            Ok(()) => file.sync_all().and_then(|()| std::fs::rename(&part, target)).map_err(cannot),
            Err(failure) => Err(failure),
        };
        if ended.is_err() {
            // What is left of it is worth nothing; the failure is what counts.
            let _ = std::fs::remove_file(&part);
        }
        ended
    }
}

async fn write(session: &Session, out: impl Write, format: sync::Format) -> Result<(), Failure> {
    let mut writer = ExportWriter::new(out, format)?;
    session.export(|association| writer.write(&association).map_err(Failure::from)).await?;
    let doubts: Vec<String> = writer.doubts().map(|doubt| doubt.to_string()).collect();
    writer.finish()?;
    if !doubts.is_empty() {
        let note = "note: some of these ids look like mistakes in a list; it is read back with --allow";
        writeln!(std::io::stderr(), "{note} {}", doubts.join(","))?;
    }
    Ok(())
}

/// In the same directory, so that the rename is one step.
fn part_of(target: &Path) -> PathBuf {
    let mut name = target.file_name().map(ToOwned::to_owned).unwrap_or_default();
    name.push(format!(".{}.part", std::process::id()));
    target.with_file_name(name)
}
