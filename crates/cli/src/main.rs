//! The one binary `jackfield`: server, sandbox, and the commands for operators and clients.
//!
//! Results go to standard output, everything else to standard error. Exit codes: 0 done, 1 failed, 2 wrong usage.

mod command;
mod connection;
mod failure;
mod output;
mod settings;

use std::process::ExitCode;

use clap::Parser;

use command::Cli;

fn main() -> ExitCode {
    Cli::parse().run()
}
