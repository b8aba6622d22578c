//! PostgreSQL for tests: a schema of one's own in the server of the whole run, or a cluster of one's own to hurt.
//!
//! `script/test` starts the shared server and names it in [`VARIABLE`]. Programs of PostgreSQL are found where Debian
//! keeps them. What a test makes ends with the value that it holds.

mod cluster;

use std::path::PathBuf;
use std::process::{Command, Stdio};

pub use cluster::{Cluster, Settings};

/// Names the shared server.
pub const VARIABLE: &str = "JACKFIELD_TEST_POSTGRES";

/// A schema in the shared server that no other test knows. Dropping it drops the schema.
#[derive(Debug)]
pub struct Database {
    server: String,
    schema: String,
}

impl Database {
    /// Makes one.
    ///
    /// # Panics
    /// When [`VARIABLE`] names no server that can be used.
    #[must_use]
    pub fn fresh() -> Self {
        let server = std::env::var(VARIABLE).unwrap_or_else(|_| {
            panic!(
                "{VARIABLE} is not set: run the tests with script/test, or one of them with \
                 `script/postgres cargo test ...`, which start a PostgreSQL server"
            )
        });
        let schema = format!("test_{}", uuid::Uuid::new_v4().simple());
        sql(&server, &format!("CREATE SCHEMA {schema}"));
        Self { server, schema }
    }

    /// The URL of a store in the schema.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}?options=-c%20search_path%3D{}", self.server, self.schema)
    }

    /// The schema.
    #[must_use]
    pub fn schema(&self) -> &str {
        &self.schema
    }

    /// Runs a statement in the schema and answers its rows: a line each, columns apart by `|`.
    ///
    /// # Panics
    /// When it fails.
    pub fn sql(&self, statement: &str) -> String {
        sql(&self.url(), statement)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let drop = format!("DROP SCHEMA {} CASCADE", self.schema);
        if let Err(error) = try_sql(&self.server, &drop) {
            // The shared server may be gone already; it takes the schema with it.
            eprintln!("{drop}: {error}");
        }
    }
}

/// Runs a statement and answers its rows: a line each, columns apart by `|`.
///
/// # Panics
/// When it fails.
pub fn sql(url: &str, statement: &str) -> String {
    try_sql(url, statement).unwrap_or_else(|error| panic!("{statement}: {error}"))
}

/// The same where it may fail.
///
/// # Errors
/// What the server or `psql` says.
///
/// # Panics
/// When `psql` cannot be run.
pub fn try_sql(url: &str, statement: &str) -> Result<String, String> {
    let mut command = Command::new(program("psql"));
    command.args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1"]);
    command.args(["--command", statement, url]).stdin(Stdio::null());
    command.env("PGCONNECT_TIMEOUT", "10").env("PGOPTIONS", "-c client_min_messages=warning");
    let output = command.output().expect("psql can be run");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

/// A program of the newest PostgreSQL of this machine.
///
/// # Panics
/// When there is none.
pub fn program(name: &str) -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let number = |path: &PathBuf| path.file_name()?.to_str()?.parse::<u32>().ok();
    let newest = versions.map(|entry| entry.path()).max_by_key(number);
    let program = newest.map(|version| version.join("bin").join(name)).filter(|path| path.is_file());
    program.unwrap_or_else(|| {
        panic!(
            "{name} of PostgreSQL is not in /usr/lib/postgresql/*/bin: install Debian's package postgresql"
        )
    })
}
