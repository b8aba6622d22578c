//! The schema and its versions. They go forward only and add: a release works with the schemas of later ones, as
//! long as those say so, so that nodes of two releases run side by side while an operator replaces one by the other.

use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

use crate::RootKey;
use crate::error::OpenError;

/// One step of the schema.
#[derive(Clone, Copy)]
pub(super) struct Migration {
    pub(super) version: i32,
    pub(super) name: &'static str,
    /// The oldest schema version whose releases work with the schema after this step.
    pub(super) works_from: i32,
    pub(super) sql: &'static str,
    /// What comes after it where the database distributes tables.
    pub(super) citus: Option<&'static str>,
}

/// All steps, in order.
pub(super) const MIGRATIONS: &[Migration] = &[
    Migration {
        version: 1,
        name: "directory",
        works_from: 1,
        sql: include_str!("migrations/0001_directory.sql"),
        citus: Some(include_str!("migrations/0001_citus.sql")),
    },
    Migration {
        version: 2,
        name: "admin tokens",
        works_from: 1,
        sql: include_str!("migrations/0002_admin_tokens.sql"),
        citus: Some(include_str!("migrations/0002_citus.sql")),
    },
    Migration {
        version: 3,
        name: "resources",
        works_from: 1,
        sql: include_str!("migrations/0003_resources.sql"),
        citus: Some(include_str!("migrations/0003_citus.sql")),
    },
    Migration {
        version: 4,
        name: "webhooks",
        works_from: 1,
        sql: include_str!("migrations/0004_webhooks.sql"),
        citus: Some(include_str!("migrations/0004_citus.sql")),
    },
];

/// Serializes migrations of nodes that start at the same time: any number that nobody else uses.
const LOCK: i64 = 0x6a61_636b_6669_656c;

const BOOK: &str = "CREATE TABLE IF NOT EXISTS schema_version (
    version integer PRIMARY KEY,
    name text NOT NULL,
    works_from integer NOT NULL,
    applied timestamptz NOT NULL DEFAULT now()
)";

/// What a migration did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Migrated {
    /// The schema version that was there before; 0 for none.
    pub from: i32,
    /// The schema version that is there since.
    pub to: i32,
}

/// Brings the schema up to the last of the steps. Applies nothing when it is there already, so that a start needs
/// no right to change the schema.
pub(super) async fn migrate(
    client: &mut Client,
    steps: &[Migration],
    store: &str,
) -> Result<Migrated, OpenError> {
    let known = steps.last().map_or(0, |step| step.version);
    let found = match version(client).await {
        Ok(found) => found,
        Err(error) if error.code() == Some(&SqlState::UNDEFINED_TABLE) => None,
        Err(error) => return Err(super::open_error(&error, store)),
    };
    if let Some(current) = found.filter(|current| current.version >= known) {
        return current.check(known, store);
    }
    apply(client, steps, store).await
}

/// What is written in the book of versions.
struct Current {
    version: i32,
    works_from: i32,
}

impl Current {
    fn check(&self, known: i32, store: &str) -> Result<Migrated, OpenError> {
        if self.works_from > known {
            return Err(OpenError::Schema { store: store.to_owned(), found: self.version, known });
        }
        Ok(Migrated { from: self.version, to: self.version })
    }
}

async fn version(client: &Client) -> Result<Option<Current>, tokio_postgres::Error> {
    let statement = "SELECT version, works_from FROM schema_version ORDER BY version DESC LIMIT 1";
    let row = client.query_opt(statement, &[]).await?;
    row.map(|row| Ok(Current { version: row.try_get(0)?, works_from: row.try_get(1)? })).transpose()
}

async fn apply(client: &mut Client, steps: &[Migration], store: &str) -> Result<Migrated, OpenError> {
    let known = steps.last().map_or(0, |step| step.version);
    let failed = |error: tokio_postgres::Error| failed(&error, known, store);
    check_encoding(client, store).await?;
    // Waits for a node that is at it; let go of with the connection, whatever happens.
    client.execute("SELECT pg_advisory_lock($1)", &[&LOCK]).await.map_err(failed)?;
    client.batch_execute(BOOK).await.map_err(failed)?;
    let found = version(client).await.map_err(failed)?;
    let from = found.as_ref().map_or(0, |current| current.version);
    if let Some(current) = found.filter(|current| current.version >= known) {
        return current.check(known, store);
    }
    let distributes = "SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus')";
    let distributes: bool = client.query_one(distributes, &[]).await.map_err(failed)?.get(0);
    for step in steps.iter().filter(|step| step.version > from) {
        tracing::info!(
            version = step.version,
            name = step.name,
            "the schema of the database is brought forward"
        );
        let transaction = client.transaction().await.map_err(failed)?;
        transaction.batch_execute(step.sql).await.map_err(failed)?;
        if step.version == 1 {
            let key = RootKey::random();
            let statement = "INSERT INTO directory (root_key) VALUES ($1)";
            transaction.execute(statement, &[&key.as_bytes().as_slice()]).await.map_err(failed)?;
        }
        if let Some(citus) = step.citus.filter(|_| distributes) {
            transaction.batch_execute(citus).await.map_err(failed)?;
        }
        let statement = "INSERT INTO schema_version (version, name, works_from) VALUES ($1, $2, $3)";
        transaction
            .execute(statement, &[&step.version, &step.name, &step.works_from])
            .await
            .map_err(failed)?;
        transaction.commit().await.map_err(failed)?;
    }
    client.execute("SELECT pg_advisory_unlock($1)", &[&LOCK]).await.map_err(failed)?;
    Ok(Migrated { from, to: known })
}

/// Ids are any characters, sorted by their bytes in UTF-8.
async fn check_encoding(client: &Client, store: &str) -> Result<(), OpenError> {
    let row = client.query_one("SELECT current_setting('server_encoding')", &[]).await;
    let encoding: String = row.map_err(|error| super::open_error(&error, store))?.get(0);
    if encoding == "UTF8" {
        return Ok(());
    }
    let cause = format!(
        "the database has the encoding {encoding}, and UTF8 is needed: make another with \
         CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0"
    );
    Err(OpenError::Refused { store: store.to_owned(), cause })
}

fn failed(error: &tokio_postgres::Error, known: i32, store: &str) -> OpenError {
    match super::open_error(error, store) {
        OpenError::Refused { store, cause } if error.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE) => {
            let cause = format!(
                "the schema has to be brought to version {known}, by a role that may change it \
                 (`jackfield migrate` does nothing else): {cause}"
            );
            OpenError::Refused { store, cause }
        }
        other => other,
    }
}

#[cfg(all(test, feature = "testing"))]
mod tests;
