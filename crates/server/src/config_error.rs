//! Settings that do not make a server.

use std::path::PathBuf;

use thiserror::Error;

/// Invalid settings. The text is one line for the person who wrote them.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("--config {path}: {cause}", path = .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What is in the way.
        cause: std::io::Error,
    },
    /// The file is no TOML, or names an unknown setting.
    #[error("--config {path}: {cause}", path = .path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        cause: String,
    },
    /// A value out of its bounds.
    #[error("--{flag} {rule}")]
    Value {
        /// The flag.
        flag: &'static str,
        /// What is valid.
        rule: String,
    },
}
