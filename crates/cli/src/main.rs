//! The one binary `jackfield`.

mod command;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "jackfield", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve with demo data
    Dev(command::dev::Args),
    /// Serve
    Serve(command::serve::Args),
}

fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Dev(args) => command::dev::run(args),
        Command::Serve(args) => command::serve::run(args),
    }
}
