//! `jackfield migrate`: the schema of a database is brought forward before the servers that want it start.

use clap::Args;
use jackfield_server::SecretSetting;
use jackfield_store::StoreUrl;
use jackfield_store::postgres::PostgresStore;
use serde::Serialize;

use super::value::store_url;
use crate::failure::Failure;
use crate::output::{Output, Show};

/// The flags of `migrate`.
#[derive(Args)]
#[command(after_help = "A server does the same when it starts. Do it beforehand where the server's\n\
                  own role may not change the schema.")]
pub(crate) struct MigrateArgs {
    /// The database: postgres://…; better not as a flag when it holds a password
    #[arg(long, value_name = "URL", env = "JACKFIELD_STORE", hide_env_values = true)]
    store: SecretSetting,
}

/// What was done.
#[derive(Serialize)]
struct Report {
    from: i32,
    to: i32,
}

impl MigrateArgs {
    pub(super) async fn run(self, output: &mut Output) -> Result<(), Failure> {
        let store = store_url("store", &self.store)?;
        let StoreUrl::Postgres(url) = store else {
            let kind = store.kind();
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
