//! `jackfield migrate`: the schema of a database is brought forward before the servers that want it start.

use clap::Args;
use jackfield_store::StoreUrl;
use jackfield_store::postgres::PostgresStore;
use serde::Serialize;

use crate::failure::Failure;
use crate::output::{Output, Show};

/// The flags of `migrate`.
#[derive(Args)]
#[command(after_help = "A server does the same when it starts. Do it beforehand where the server's\n\
                  own role may not change the schema.")]
pub(crate) struct MigrateArgs {
    /// The database: postgres://…; better not as a flag when it holds a password
    #[arg(long, value_name = "URL", env = "JACKFIELD_STORE", hide_env_values = true)]
    store: StoreUrl,
}

/// What was done.
#[derive(Serialize)]
struct Report {
    from: i32,
    to: i32,
}

impl MigrateArgs {
    pub(super) async fn run(self, output: &mut Output) -> Result<(), Failure> {
        let StoreUrl::Postgres(url) = self.store else {
            let kind = self.store.kind();
            return Err(Failure::usage(format!("a store of the kind {kind} has no schema to migrate"))
                .hint("start the server; it raises the format of its own files where that is needed"));
        };
        let done = PostgresStore::migrate(&url).await.map_err(|error| Failure::failed(error.to_string()))?;
        Ok(output.object(&Report { from: done.from, to: done.to })?)
    }
}

impl Show for Report {
    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![("from version", self.from.to_string()), ("to version", self.to.to_string())]
    }
}
