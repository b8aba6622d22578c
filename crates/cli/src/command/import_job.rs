//! `jackfield import-job`.

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use jackfield_model::admin::{ImportJob, ImportPreview, ImportReading, NewImportPlan};
use jackfield_model::{ClientId, ServiceProviderId};

use super::sync::input::InputArgs;
use crate::connection::AdminArgs;
use crate::failure::Failure;
use crate::output::{Output, Show, optional};

/// Bytes of a list that are sent at a time.
const PIECE_BYTES: usize = 64 * 1024;

/// The flags of `import-job`.
#[derive(Args)]
pub(crate) struct ImportJobArgs {
    #[command(flatten)]
    admin: AdminArgs,
    #[command(subcommand)]
    command: ImportJobCommand,
}

#[derive(Subcommand)]
enum ImportJobCommand {
    /// Upload a list; nothing is changed by it
    Upload {
        /// The service provider whose associations these are
        #[arg(value_name = "PROVIDER_ID")]
        provider: ServiceProviderId,
        /// The list: CSV, TSV, JSON Lines or a workbook, at most 32 MiB
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// List the imports
    List,
    /// Show how far an import is, its plan, and what became of it
    Get(Named),
    /// Show what the list is like
    Preview {
        #[command(flatten)]
        import: Named,
        #[command(flatten)]
        input: InputArgs,
    },
    /// Compare the list with what there is
    Plan {
        #[command(flatten)]
        import: Named,
        /// The client in whose name associations are read and changed
        #[arg(long, value_name = "CLIENT_ID")]
        client: ClientId,
        /// Delete associations that the list does not have
        #[arg(long)]
        delete_missing: bool,
        /// Refuse a plan that deletes more: a number, or a share like 5%
        #[arg(long, value_name = "N|P%", requires = "delete_missing")]
        max_delete: Option<String>,
        #[command(flatten)]
        input: InputArgs,
    },
    /// Apply the plan, or go on with it
    Apply {
        #[command(flatten)]
        import: Named,
        /// Go on without the rows that are invalid
        #[arg(long)]
        skip_invalid: bool,
    },
    /// End the work on an import
    Cancel(Named),
    /// Write the rows that are invalid, each behind what is wrong with it
    Rejects {
        #[command(flatten)]
        import: Named,
        /// The file to write [default: standard output]
        #[arg(long, value_name = "FILE")]
        to: Option<PathBuf>,
    },
    /// Remove an import with its list
    Delete(Named),
}

#[derive(Args)]
struct Named {
    /// Its id
    #[arg(value_name = "IMPORT_ID")]
    id: String,
}

impl ImportJobArgs {
    pub(super) async fn run(self, output: &mut Output) -> Result<(), Failure> {
        let admin = self.admin.connect()?;
        let import = match self.command {
            ImportJobCommand::Upload { provider, file } => {
                let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
                let mut list = File::open(&file).map_err(|error| unreadable(&file, &error))?;
                let next = || {
                    let mut piece = vec![0; PIECE_BYTES];
                    let read = list.read(&mut piece)?;
                    piece.truncate(read);
                    Ok((read > 0).then(|| piece.into()))
                };
                admin.upload_import(provider, &name, next).await?
            }
            ImportJobCommand::List => {
                let mut list = output.list();
                for import in &admin.imports().await?.imports {
                    list.push(import)?;
                }
                return Ok(list.finish()?);
            }
            ImportJobCommand::Get(import) => admin.import(&import.id).await?,
            ImportJobCommand::Preview { import, input } => {
                let preview = admin.preview_import(&import.id, &ImportReading::from(&input)).await?;
                return Ok(output.object(&preview)?);
            }
            ImportJobCommand::Plan { import, client, delete_missing, max_delete, input } => {
                let reading = ImportReading::from(&input);
                let plan = NewImportPlan { client_id: client, reading, delete_missing, max_delete };
                admin.plan_import(&import.id, &plan).await?
            }
            ImportJobCommand::Apply { import, skip_invalid } => {
                admin.apply_import(&import.id, skip_invalid).await?
            }
            ImportJobCommand::Cancel(import) => admin.cancel_import(&import.id).await?,
            ImportJobCommand::Rejects { import, to } => {
                let mut out: Box<dyn Write> = match &to {
                    Some(file) => Box::new(File::create(file).map_err(|error| unreadable(file, &error))?),
                    None => Box::new(std::io::stdout()),
                };
                let mut rejects = admin.import_rejects(&import.id).await?;
                while let Some(piece) = rejects.next().await? {
                    out.write_all(&piece)?;
                }
                return Ok(out.flush()?);
            }
            ImportJobCommand::Delete(import) => {
                admin.delete_import(&import.id).await?;
                return Ok(output.done("deleted", "id", &import.id)?);
            }
        };
        Ok(output.object(&import)?)
    }
}

fn unreadable(file: &Path, error: &std::io::Error) -> Failure {
    Failure::usage(format!("{}: {error}", file.display()))
}

impl Show for ImportJob {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let plan = self.plan.as_ref().map(|plan| {
            let counts = plan.counts;
            format!(
                "create {}, update {}, delete {}, unchanged {}, invalid {}",
                counts.create, counts.update, counts.delete, plan.unchanged, plan.invalid
            )
        });
        let report = self.report.as_ref().map(|report| {
            let done = report.done;
            format!(
                "created {}, updated {}, deleted {}, failed {}, left {}",
                done.create, done.update, done.delete, report.failed, report.left
            )
        });
        let progress = self.progress.map(|progress| format!("{} of {}", progress.done, progress.total));
        vec![
            ("id", self.id.clone()),
            ("provider", self.service_provider_id.to_string()),
            ("file", self.name.clone()),
            ("state", self.state.as_str().to_owned()),
            ("progress", optional(progress.as_ref())),
            ("plan", optional(plan.as_ref())),
            ("report", optional(report.as_ref())),
            ("problem", optional(self.problem.as_ref())),
        ]
    }
}

impl Show for ImportPreview {
    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![
            ("list", self.format.clone()),
            ("encoding", optional(self.encoding.as_ref())),
            ("sheet", optional(self.sheet.as_ref())),
            ("header", optional(self.header_row.as_ref())),
            ("columns", self.columns.join(", ")),
            ("rows", optional(self.row_count.as_ref())),
            ("invalid", self.invalid.to_string()),
            ("refused", optional(self.refused.as_ref())),
        ]
    }
}
