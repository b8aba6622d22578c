//! The one binary `jackfield`: server, sandbox, and the commands for operators and clients.
//!
//! Results go to standard output, everything else to standard error. Exit codes: 0 done, 1 failed, 2 wrong usage.

mod command;
mod connection;
mod failure;
mod importer;
mod misuse;
mod output;
mod progress;
mod settings;
mod trace;

use std::process::ExitCode;

use clap::Parser;

use command::Cli;

/// Decision 7: in interleaved runs of `make group-commit`, 64 clients got more creates a second with this allocator
/// than with the system's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match Cli::try_parse() {
        Ok(cli) => cli.run(),
        Err(error) => misuse::report(error, std::env::args_os()),
    }
}
