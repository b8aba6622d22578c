//! `jackfield completions` and `jackfield man`: made from the parser, so that they are never stale.

use std::path::PathBuf;

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::Cli;
use crate::failure::Failure;
use crate::output::Output;

/// The flags of `completions`.
#[derive(Args)]
#[command(
    after_help = "Example: jackfield completions bash > ~/.local/share/bash-completion/completions/jackfield"
)]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// The flags of `man`.
#[derive(Args)]
#[command(after_help = "Example: jackfield man ~/.local/share/man/man1")]
pub(crate) struct ManArgs {
    /// The directory to write to; made when it is not there
    #[arg(value_name = "DIR")]
    dir: PathBuf,
}

impl CompletionsArgs {
    pub(super) fn run(self, output: &mut Output) -> Result<(), Failure> {
        // The generator panics on a failed write, so that it writes to memory first.
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "jackfield", &mut script);
        Ok(output.raw(&script)?)
    }
}

impl ManArgs {
    pub(super) fn run(self, output: &mut Output) -> Result<(), Failure> {
        let failed = |error: std::io::Error| {
            Failure::failed(format!("the man pages cannot be written to {}: {error}", self.dir.display()))
        };
        std::fs::create_dir_all(&self.dir).map_err(failed)?;
        clap_mangen::generate_to(Cli::command(), &self.dir).map_err(failed)?;
        Ok(output.done("written", "dir", &self.dir.display().to_string())?)
    }
}
