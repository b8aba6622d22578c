//! `jackfield store`: stores that no server holds move house.

mod file;
mod seal;
mod verify;

use std::io::{ErrorKind, Read, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, Subcommand};
use jackfield_server::SecretSetting;
use jackfield_store::transfer::{Export, Import, MoveError, Moved, copy};
use jackfield_store::{OpenError, Store, StoreOptions, StoreUrl};
use serde::Serialize;

use super::value::store_url;
use crate::failure::Failure;
use crate::output::{Output, Show};
use crate::progress::Progress;
pub(crate) use seal::{IdentityArgs, Reader, RecipientArgs, Writer, open_backup};

/// Bytes that are read at once.
const PIECE_BYTES: usize = 128 * 1024;

/// The flags of `store`.
#[derive(Args)]
pub(crate) struct StoreArgs {
    #[command(subcommand)]
    command: StoreCommand,
}

#[derive(Subcommand)]
enum StoreCommand {
    /// Fill a new store with everything that another holds
    ///
    /// When it was interrupted, the same command goes on where it ended. At the
    /// end both are compared, each service provider by count and checksum.
    Copy(CopyArgs),
    /// Write everything that a store holds into a file
    Export(ExportArgs),
    /// Fill a new store from an export
    ///
    /// When it was interrupted, the same command goes on where it ended.
    Import(ImportArgs),
    /// Read everything that a store or an export holds, and say what is wrong
    ///
    /// Checksums, counts, indexes and the order of changes. Exit code 0 when it is
    /// what it should be, 1 when something is wrong, each with a line, 2 when it
    /// cannot be opened.
    Verify(Box<verify::VerifyArgs>),
}

#[derive(Args)]
struct CopyArgs {
    #[command(flatten)]
    readable: ReadableArgs,
    /// The store to read: embedded:DIR or postgres://…
    #[arg(long, value_name = "URL")]
    from: SecretSetting,
    /// The store to fill, which is made when it is not there
    #[arg(long, value_name = "URL")]
    to: SecretSetting,
}

#[derive(Args)]
struct ExportArgs {
    #[command(flatten)]
    readable: ReadableArgs,
    /// The store to read: embedded:DIR or postgres://…
    #[arg(long, value_name = "URL", env = "JACKFIELD_STORE", hide_env_values = true)]
    store: SecretSetting,
    /// The file to write, which holds keys then and is readable by its owner
    /// only; - for standard output
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    recipients: RecipientArgs,
}

#[derive(Args)]
struct ImportArgs {
    #[command(flatten)]
    readable: ReadableArgs,
    /// The store to fill, which is made when it is not there
    #[arg(long, value_name = "URL", env = "JACKFIELD_STORE", hide_env_values = true)]
    store: SecretSetting,
    /// The export to read; - for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    identities: IdentityArgs,
}

/// Whether directories that others can read are opened.
#[derive(Clone, Copy, Args)]
pub(super) struct ReadableArgs {
    /// Use a data directory that others than its owner can read, where a file
    /// system has no modes
    #[arg(long = "allow-readable-data", env = "JACKFIELD_ALLOW_READABLE_DATA", display_order = 800)]
    allow_readable: bool,
}

impl ReadableArgs {
    fn options(self) -> StoreOptions {
        StoreOptions { allow_readable: self.allow_readable, ..StoreOptions::default() }
    }
}

/// What a command of this group says at the end.
#[derive(Serialize)]
pub(crate) struct Report {
    accounts: u64,
    profiles: u64,
    resources: u64,
    associations: u64,
    changes: u64,
    skipped: u64,
    repaired: u64,
    seconds: f64,
}

impl StoreArgs {
    pub(super) async fn run(self, output: &mut Output) -> Result<(), Failure> {
        let report = match self.command {
            StoreCommand::Copy(args) => args.run().await?,
            StoreCommand::Export(args) => args.run().await?,
            StoreCommand::Import(args) => args.run().await?,
            StoreCommand::Verify(args) => return args.run(output).await,
        };
        match report {
            Some(report) => Ok(output.object(&report)?),
            None => Ok(()),
        }
    }
}

impl CopyArgs {
    async fn run(self) -> Result<Option<Report>, Failure> {
        let (from, to) = (store_url("from", &self.from)?, store_url("to", &self.to)?);
        if from == to {
            return Err(Failure::usage("--from and --to are the same store"));
        }
        let from = open_source(&from, self.readable).await?;
        let to = open_target(&to, self.readable).await?;
        let mut progress = Progress::new("copying");
        let copied = copy(&*from, &*to, |moved| progress.set(moved.rows(), moved.expected)).await;
        to.close().await;
        from.close().await;
        let moved = copied.map_err(|error| {
            transfer_failed(&error).hint("the same command again; it goes on where this one ended")
        })?;
        Ok(Some(Report::new(&moved, progress.end())))
    }
}

impl ExportArgs {
    async fn run(self) -> Result<Option<Report>, Failure> {
        let store = open_source(&store_url("store", &self.store)?, self.readable).await?;
        let mut writer = Writer::create(&self.file, self.recipients)?;
        let mut progress = Progress::new("exporting");
        let snapshot = store.snapshot().await.map_err(|error| Failure::failed(error.to_string()))?;
        let mut export = Export::new(snapshot);
        while let Some(bytes) = export.next().await.map_err(|error| transfer_failed(&error))? {
            writer.write_all(&bytes)?;
            progress.set(export.moved().rows(), export.moved().expected);
        }
        let moved = *export.moved();
        let is_file = writer.finish()?;
        store.close().await;
        Ok(is_file.then(|| Report::new(&moved, progress.end())))
    }
}

impl ImportArgs {
    async fn run(self) -> Result<Option<Report>, Failure> {
        let url = store_url("store", &self.store)?;
        let mut source = open_backup(&self.file, &self.identities)?;
        let store = open_target(&url, self.readable).await?;
        let mut progress = Progress::new("importing");
        let imported = import(&store, &mut source, &mut progress).await;
        store.close().await;
        Ok(Some(Report::new(&imported?, progress.end())))
    }
}

async fn import(
    store: &Arc<dyn Store>,
    source: &mut Reader,
    progress: &mut Progress,
) -> Result<Moved, Failure> {
    let mut import = Import::new(Arc::clone(store));
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        let length = match source.read(&mut piece) {
            Ok(length) => length,
            Err(error) if matches!(error.kind(), ErrorKind::InvalidData | ErrorKind::UnexpectedEof) => {
                import.abandon().await.map_err(|error| transfer_failed(&error))?;
                return Err(Failure::failed(format!("the export cannot be read: {error}"))
                    .hint("nothing was imported, and the store is empty"));
            }
            Err(error) => {
                return Err(Failure::failed(format!("the export cannot be read: {error}"))
                    .hint("the same command again; it goes on where this one ended"));
            }
        };
        if length == 0 {
            break;
        }
        match import.push(&piece[..length]).await {
            Ok(()) => progress.set(import.moved().rows(), import.moved().expected),
            // What is wrong with the file is wrong the next time too: nothing of it stays.
            Err(error @ MoveError::Format(_)) => {
                import.abandon().await.map_err(|error| transfer_failed(&error))?;
                return Err(transfer_failed(&error).hint("nothing was imported, and the store is empty"));
            }
            Err(error) => return Err(transfer_failed(&error)),
        }
    }
    import.finish().await.map_err(|error| transfer_failed(&error))
}

async fn open_source(url: &StoreUrl, readable: ReadableArgs) -> Result<Arc<dyn Store>, Failure> {
    refuse_memory(url)?;
    url.open_existing(readable.options()).await.map_err(|error| open_failed(&error))
}

async fn open_target(url: &StoreUrl, readable: ReadableArgs) -> Result<Arc<dyn Store>, Failure> {
    refuse_memory(url)?;
    let options = StoreOptions { unfinished: true, ..readable.options() };
    url.open(options).await.map_err(|error| open_failed(&error))
}

fn refuse_memory(url: &StoreUrl) -> Result<(), Failure> {
    if *url == StoreUrl::Memory {
        return Err(Failure::usage("memory: is a store within a server; no other process can reach it")
            .hint("`jackfield backup` and `jackfield restore` ask the server"));
    }
    Ok(())
}

fn open_failed(error: &OpenError) -> Failure {
    let failure = Failure::failed(error.to_string());
    match error {
        OpenError::Readable(_) => Failure::usage(error.to_string()),
        OpenError::InUse(_) => {
            failure.hint("stop the server, or let it do the work: `jackfield backup`, `jackfield restore`")
        }
        _ => failure,
    }
}

pub(crate) fn transfer_failed(error: &MoveError) -> Failure {
    Failure::failed(error.to_string())
}

impl Report {
    fn new(moved: &Moved, took: Duration) -> Self {
        let Moved { accounts, profiles, resources, associations, changes, skipped, repaired, .. } = *moved;
        Self {
            accounts,
            profiles,
            resources,
            associations,
            changes,
            skipped,
            repaired,
            seconds: (took.as_secs_f64() * 100.0).round() / 100.0,
        }
    }
}

impl Show for Report {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let mut fields = vec![
            ("accounts", self.accounts.to_string()),
            ("profiles", self.profiles.to_string()),
            ("resources", self.resources.to_string()),
            ("associations", self.associations.to_string()),
            ("changes", self.changes.to_string()),
        ];
        if self.skipped > 0 {
            fields.push(("there already", self.skipped.to_string()));
        }
        if self.repaired > 0 {
            fields.push(("moved again", self.repaired.to_string()));
        }
        fields.push(("seconds", self.seconds.to_string()));
        fields
    }
}
