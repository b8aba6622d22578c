//! `jackfield backup` and `jackfield restore`: everything that a running server holds, out and in again.

use std::io::{Read, Write};
use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use jackfield_model::inspect::RestoreDone;

use super::store::{IdentityArgs, RecipientArgs, Writer, open_backup};
use crate::connection::AdminArgs;
use crate::failure::Failure;
use crate::output::{Format, Output, Show};

/// Bytes that are sent at once.
const PIECE_BYTES: usize = 128 * 1024;

/// The flags of `backup`.
#[derive(Args)]
pub(crate) struct BackupArgs {
    /// The file to write, which holds keys then and is readable by its owner
    /// only; - for standard output
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    recipients: RecipientArgs,
    #[command(flatten)]
    admin: AdminArgs,
}

/// The flags of `restore`.
#[derive(Args)]
pub(crate) struct RestoreArgs {
    /// The backup, or an export of a store; - for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    identities: IdentityArgs,
    #[command(flatten)]
    admin: AdminArgs,
}

impl BackupArgs {
    pub(super) async fn run(self, output: &mut Output) -> Result<(), Failure> {
        let admin = self.admin.connect()?;
        let started = Instant::now();
        let mut writer = Writer::create(&self.file, self.recipients)?;
        let mut backup = admin.backup().await?;
        let mut bytes = 0;
        while let Some(piece) = backup.next().await? {
            writer.write_all(&piece)?;
            bytes += piece.len() as u64;
        }
        if !writer.finish()? {
            return Ok(());
        }
        let (file, seconds) = (self.file.display().to_string(), started.elapsed().as_secs_f64());
        match output.format() {
            Format::Json => Ok(output.json(&serde_json::json!({ "file": file, "bytes": bytes }))?),
            Format::Table => Ok(output.line(&format!("wrote {file}: {bytes} bytes in {seconds:.1} s"))?),
        }
    }
}

impl RestoreArgs {
    pub(super) async fn run(self, output: &mut Output) -> Result<(), Failure> {
        let admin = self.admin.connect()?;
        let mut source = open_backup(&self.file, &self.identities)?;
        // The server refuses it too, but while a large file is on its way that may be lost.
        if admin.status().await?.last_change > 0 {
            return Err(Failure::failed("the server's store has been written to")
                .hint("a server with a new store; --store names the directory"));
        }
        let mut broken = None;
        let done = admin.restore(|| {
            let mut piece = vec![0; PIECE_BYTES];
            let length = source.read(&mut piece).inspect_err(|error| broken = Some(error.to_string()))?;
            piece.truncate(length);
            Ok((length > 0).then(|| piece.into()))
        });
        match (done.await, broken) {
            // The upload was broken off because of it, and the server has nothing of it.
            (_, Some(broken)) => {
                Err(Failure::failed(format!("{}: {broken}", self.file.display()))
                    .hint("nothing was restored"))
            }
            (done, None) => Ok(output.object(&done?)?),
        }
    }
}

impl Show for RestoreDone {
    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![
            ("accounts", self.accounts.to_string()),
            ("profiles", self.profiles.to_string()),
            ("resources", self.resources.to_string()),
            ("associations", self.associations.to_string()),
            ("changes", self.changes.to_string()),
        ]
    }
}
