//! Where things are: what every measurement is told.

use std::path::PathBuf;

use clap::Args;

/// Arguments of every measurement.
#[derive(Debug, Args)]
pub struct Paths {
    /// The repository
    #[arg(long, default_value = ".")]
    pub root: PathBuf,
    /// The program; a release build
    #[arg(long, default_value = "target/release/jackfield")]
    pub jackfield: PathBuf,
    /// Where the report goes
    #[arg(long, default_value = "docs/benchmarks")]
    pub out: PathBuf,
}
