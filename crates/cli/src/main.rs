//! The one binary `jackfield`: server, sandbox, and the commands for operators and clients.
//!
//! Results go to standard output, everything else to standard error. Exit codes: 0 done, 1 failed, 2 wrong usage.

mod command;
mod connection;
mod failure;
mod output;
mod progress;
mod settings;

use std::process::ExitCode;

use clap::Parser;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use command::Cli;

/// Decision 7: in interleaved runs of `make group-commit`, 64 clients got more creates a second with this allocator
/// than with the system's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match Cli::try_parse() {
        Ok(cli) => cli.run(),
        // A value that is wrong is one line; only wrong words deserve the usage under it.
        Err(error) if error.kind() == ErrorKind::ValueValidation => {
            let text = without_urls(&error);
            let line = text.lines().next().unwrap_or_default();
            eprintln!("{}", output::wrapped(line, output::columns(&std::io::stderr()), "  "));
            ExitCode::from(2)
        }
        Err(error) => error.exit(),
    }
}

/// What is wrong with a value. A URL is not repeated: a password may stand in it.
fn without_urls(error: &clap::Error) -> String {
    let text = error.to_string();
    match error.get(ContextKind::InvalidValue) {
        Some(ContextValue::String(value)) if value.contains("://") => {
            text.replacen(&format!("value '{value}'"), "value", 1)
        }
        _ => text,
    }
}
