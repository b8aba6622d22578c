//! The store moves: everything as of one moment on a connection of its own, and the filling of a new database.
//!
//! A snapshot is a transaction that sees one moment. A load copies rows into the tables, each part with its position in
//! one transaction; the registry, the key and the counts follow at the end in another. Until then no node knows a
//! provider, this one answers nothing, and the table [`CHECKPOINT`] keeps others from opening the store. Connections of their own
//! have no bounds on time: a page of a large table may take longer than a request.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime};

use async_trait::async_trait;
use jackfield_model::{AmazonId, ExternalUserId, ServiceProviderId};
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Row as SqlRow};
use uuid::Uuid;

use super::change::{COLUMNS, NewRow, actor_name, change, operation_name, operator, to_sql};
use super::error::{Failure, corrupt, failed};
use super::{Shared, profile_rows, registry, registry_rows, resource_moves, unavailable};
use crate::change::Change;
use crate::contract::{
    Findings, Head, Load, LoadOutcome, LoadStart, Part, Position, Row, Section, Seen, Snapshot, Totals,
};
use crate::registry::{Profile, Record, Registry};
use crate::resource::{Referred, RowKey, with_derived};
use crate::source::Source;
use crate::{RootKey, StoreError};

/// The table that is there while the store is being filled.
const CHECKPOINT: &str = "load_under_way";
pub(super) const LOADING: &str = "the store is being filled";
/// How long the connection of an interrupted load may take to be gone.
const LOCK_MAX: Duration = Duration::from_secs(3);

fn limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

fn number(row: &SqlRow, column: usize) -> Result<u64, StoreError> {
    let number: i64 = row.try_get(column).map_err(failed)?;
    u64::try_from(number).map_err(|_| corrupt("a number", &"it is negative"))
}

/// The source in the checkpoint: nothing when the store is not being filled.
pub(super) async fn checkpoint(shared: &Shared) -> Result<Option<Source>, Failure> {
    let found = shared.read(&format!("SELECT to_regclass('{CHECKPOINT}') IS NOT NULL"), &[]).await?;
    if !found.first().map_or(Ok(false), |row| row.try_get(0))? {
        return Ok(None);
    }
    let rows = shared.read(&format!("SELECT source FROM {CHECKPOINT}"), &[]).await?;
    let source: Option<&str> = rows.first().map(|row| row.try_get(0)).transpose()?;
    Ok(source.and_then(|source| serde_json::from_str(source).ok()))
}

/// Everything as of one moment.
#[derive(Debug)]
struct PostgresSnapshot {
    client: Client,
    head: Head,
    /// Whether counts are maintained; while the store is being filled they are not.
    counts: bool,
}

async fn moment(shared: &Shared) -> Result<Client, StoreError> {
    let (client, _) = shared.connector.connect().await.map_err(failed)?;
    let begin = "SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0; \
        BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
    client.batch_execute(begin).await.map_err(failed)?;
    Ok(client)
}

pub(super) async fn snapshot(shared: &Shared) -> Result<Box<dyn Snapshot>, StoreError> {
    shared.check_present()?;
    let client = moment(shared).await?;
    let statement = "SELECT root_key, greatest((SELECT max(sequence) FROM change), trimmed_to), \
        (SELECT coalesce(sum(associations), 0)::bigint FROM tenant) FROM directory";
    let row = client.query_one(statement, &[]).await.map_err(failed)?;
    let key = <[u8; 32]>::try_from(row.try_get::<_, Vec<u8>>(0).map_err(failed)?);
    let key = key.map_err(|_| corrupt("root key", &"wrong length"))?;
    let totals = Totals { last_change: number(&row, 1)?, associations: number(&row, 2)? };
    let records = format!("SELECT record FROM ({}) AS r WHERE record IS NOT NULL", registry_rows::ALL);
    let rows = client.query(&records, &[]).await;
    let mut records: Vec<Record> = Vec::new();
    for row in rows.map_err(failed)? {
        let record = serde_json::from_str(row.try_get(0).map_err(failed)?);
        records.push(record.map_err(|_| corrupt("registry", &"not JSON of a record"))?);
    }
    let registry = Arc::new(Registry::from_records(records));
    let head = Head { root_key: RootKey::new(key), registry, totals };
    Ok(Box::new(PostgresSnapshot { client, head, counts: true }))
}

#[async_trait]
impl Snapshot for PostgresSnapshot {
    fn head(&self) -> &Head {
        &self.head
    }

    async fn count(&mut self, provider: ServiceProviderId) -> Result<u64, StoreError> {
        let statement = if self.counts {
            "SELECT coalesce(sum(associations), 0)::bigint FROM tenant WHERE service_provider_id = $1"
        } else {
            "SELECT count(*) FROM association WHERE service_provider_id = $1"
        };
        let row = self.client.query_one(statement, &[provider.as_uuid()]).await.map_err(failed)?;
        number(&row, 0)
    }

    async fn profiles(&mut self, after: Option<&AmazonId>, rows: usize) -> Result<Vec<Profile>, StoreError> {
        let statement =
            "SELECT id, organization_id, unit_id, name FROM profile WHERE id > $1 ORDER BY id LIMIT $2";
        let after = after.map_or("", AmazonId::as_str);
        let rows = self.client.query(statement, &[&after, &limit(rows)]).await.map_err(failed)?;
        rows.iter().map(profile_rows::profile).collect()
    }

    async fn resources(
        &mut self,
        after: Option<&RowKey>,
        rows: usize,
    ) -> Result<Vec<(RowKey, String)>, StoreError> {
        resource_moves::page(&self.client, after, rows, resource_moves::Derived::Without).await
    }

    async fn are_there(&mut self, targets: &[Referred]) -> Result<Vec<bool>, StoreError> {
        resource_moves::are_there(&self.client, targets).await
    }

    async fn associations(
        &mut self,
        provider: ServiceProviderId,
        after: Option<&ExternalUserId>,
        rows: usize,
    ) -> Result<Vec<Row>, StoreError> {
        let statement = "SELECT external_user_id, amazon_id, counted FROM association \
            WHERE service_provider_id = $1 AND external_user_id > $2 ORDER BY external_user_id LIMIT $3";
        let after = after.map_or("", ExternalUserId::as_str);
        let rows = self.client.query(statement, &[provider.as_uuid(), &after, &limit(rows)]).await;
        let row = |row: &SqlRow| {
            let found = super::association::association(row)?;
            let counted = row.try_get(2).map_err(failed)?;
            Ok(Row { external_user_id: found.external_user_id, amazon_id: found.amazon_id, counted })
        };
        rows.map_err(failed)?.iter().map(row).collect()
    }

    async fn changes(&mut self, after: u64, rows: usize) -> Result<Vec<Change>, StoreError> {
        let statement =
            format!("SELECT {COLUMNS} FROM change WHERE sequence > $1 ORDER BY sequence LIMIT $2");
        let after = i64::try_from(after).unwrap_or(i64::MAX);
        let rows = self.client.query(&statement, &[&after, &limit(rows)]).await.map_err(failed)?;
        rows.iter().map(change).collect()
    }

    async fn verify(&mut self, seen: &Seen, findings: &mut Findings<'_>) -> Result<(), StoreError> {
        super::verify::check(&self.client, &self.head.registry, seen, findings).await
    }
}

/// A database that is being filled.
#[derive(Debug)]
struct Filling {
    shared: Arc<Shared>,
    /// Holds the lock of who fills.
    client: Client,
    start: LoadStart,
    position: Position,
}

pub(super) async fn load(shared: &Arc<Shared>, start: LoadStart) -> Result<LoadOutcome, StoreError> {
    let (client, _) = shared.connector.connect().await.map_err(failed)?;
    client
        .batch_execute("SET statement_timeout = 0; SET client_min_messages = error")
        .await
        .map_err(failed)?;
    lock(&client).await?;
    let statement =
        format!("SELECT to_regclass('{CHECKPOINT}') IS NOT NULL, registry_version FROM directory");
    let row = client.query_one(&statement, &[]).await.map_err(failed)?;
    let (marked, version): (bool, i64) = (row.try_get(0).map_err(failed)?, row.try_get(1).map_err(failed)?);
    let source = serde_json::to_string(&start.source).expect("a source has text keys");
    let position = if marked {
        let statement = format!("SELECT source, position FROM {CHECKPOINT}");
        let row = client.query_one(&statement, &[]).await.map_err(failed)?;
        let text = |column: usize| row.try_get::<_, &str>(column).map_err(failed);
        let wrong = |_| corrupt(CHECKPOINT, &"not JSON of a checkpoint");
        let found: Source = serde_json::from_str(text(0)?).map_err(wrong)?;
        if found != start.source {
            return Ok(LoadOutcome::Another(found));
        }
        serde_json::from_str(text(1)?).map_err(wrong)?
    } else if version > 0 || shared.loaded_key.get().is_some() {
        // Nothing can be written before the registry is.
        return Ok(LoadOutcome::NotEmpty);
    } else {
        let make = format!("CREATE TABLE {CHECKPOINT} (source text NOT NULL, position text NOT NULL)");
        client.batch_execute(&make).await.map_err(failed)?;
        let first = serde_json::to_string(&Position::Start).expect("a position has text keys");
        let statement = format!("INSERT INTO {CHECKPOINT} (source, position) VALUES ($1, $2)");
        client.execute(&statement, &[&source, &first]).await.map_err(failed)?;
        Position::Start
    };
    shared.loading.store(true, Ordering::Relaxed);
    Ok(LoadOutcome::Ready(Box::new(Filling { shared: Arc::clone(shared), client, start, position })))
}

/// Lets one process fill at a time. The connection of one that was killed may live a moment longer.
async fn lock(client: &Client) -> Result<(), StoreError> {
    let statement = "SELECT pg_try_advisory_lock(hashtext('jackfield load ' || current_schema()))";
    let started = Instant::now();
    loop {
        let row = client.query_one(statement, &[]).await.map_err(failed)?;
        if row.try_get(0).map_err(failed)? {
            return Ok(());
        }
        if started.elapsed() > LOCK_MAX {
            return Err(unavailable(LOADING));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

impl Filling {
    /// Stores a part up to this position.
    async fn store(&mut self, part: &Part, end: Position) -> Result<Position, tokio_postgres::Error> {
        let transaction = self.client.transaction().await?;
        match part {
            Part::Profiles(profiles) => {
                let copy = "COPY profile (id, organization_id, unit_id, name) FROM STDIN BINARY";
                let types = [Type::TEXT, Type::TEXT, Type::TEXT, Type::TEXT];
                let mut writer = pin!(BinaryCopyInWriter::new(transaction.copy_in(copy).await?, &types));
                for profile in profiles {
                    let (id, unit) = (profile.id.as_str(), profile.unit.as_str());
                    let organization = profile.organization.as_str();
                    writer.as_mut().write(&[&id, &organization, &unit, &profile.name]).await?;
                }
                writer.finish().await?;
            }
            // With the rows that are derived from them.
            Part::Resources(rows) => resource_moves::copy_in(&transaction, rows).await?,
            Part::Associations(groups) => {
                let copy = "COPY association (service_provider_id, external_user_id, amazon_id, counted) \
                    FROM STDIN BINARY";
                let types = [Type::UUID, Type::TEXT, Type::TEXT, Type::BOOL];
                let mut writer = pin!(BinaryCopyInWriter::new(transaction.copy_in(copy).await?, &types));
                for (provider, rows) in groups {
                    for row in rows {
                        let (id, to) = (row.external_user_id.as_str(), row.amazon_id.as_str());
                        writer.as_mut().write(&[provider.as_uuid(), &id, &to, &row.counted]).await?;
                    }
                }
                writer.finish().await?;
            }
            Part::Changes(changes) => {
                let copy = "COPY change (service_provider_id, sequence, time, actor, request_id, operation, \
                    kind, object_id, before, after, operator) FROM STDIN BINARY";
                let types = [
                    Type::UUID,
                    Type::INT8,
                    Type::TIMESTAMPTZ,
                    Type::TEXT,
                    Type::UUID,
                    Type::TEXT,
                    Type::TEXT,
                    Type::TEXT,
                    Type::TEXT,
                    Type::TEXT,
                    Type::TEXT,
                ];
                let mut writer = pin!(BinaryCopyInWriter::new(transaction.copy_in(copy).await?, &types));
                for change in changes {
                    let columns = Columns::of(change);
                    writer.as_mut().write(&columns.values()).await?;
                }
                writer.finish().await?;
            }
        }
        let position = serde_json::to_string(&end).expect("a position has text keys");
        transaction.execute(&format!("UPDATE {CHECKPOINT} SET position = $1"), &[&position]).await?;
        transaction.commit().await?;
        Ok(end)
    }

    async fn put_in_place(&self) -> Result<(), Failure> {
        let mut turn = registry::turn(&self.shared).await;
        let mut client = self.shared.client().await?;
        let transaction = client.transaction().await?;
        let known = turn.lock(&transaction).await?;
        if !known.records().is_empty() {
            return Err(Failure::Refused("the store was written to while it was filled".to_owned()));
        }
        transaction.batch_execute("SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0").await?;
        let registry = &self.start.registry;
        let providers: Vec<Uuid> = registry.providers.keys().map(|id| *id.as_uuid()).collect();
        // Of providers that went while the load was interrupted.
        let orphans = "DELETE FROM association WHERE service_provider_id <> ALL ($1)";
        transaction.execute(orphans, &[&providers]).await?;
        transaction.execute("DELETE FROM tenant", &[]).await?;
        for provider in registry.providers.values() {
            registry::add_tenant(&transaction, provider.id, &provider.organization).await?;
        }
        let count = "UPDATE tenant SET associations = counted.count \
            FROM (SELECT service_provider_id, count(*) FROM association GROUP BY service_provider_id) counted \
            WHERE tenant.service_provider_id = counted.service_provider_id AND slot = 0";
        transaction.execute(count, &[]).await?;
        resource_moves::count(&transaction).await?;
        let last = i64::try_from(self.start.last_change).unwrap_or(i64::MAX);
        let directory = "UPDATE directory SET root_key = $1, \
            trimmed_to = coalesce((SELECT min(sequence) - 1 FROM change), $2)";
        let key: &[u8] = self.start.root_key.as_bytes();
        transaction.execute(directory, &[&key, &last]).await?;
        if last > 0 {
            // The next number that is given out begins a batch after this one.
            let batch = (last / super::change::BATCH_SEQUENCES).max(1);
            transaction.execute("SELECT setval('change_batch', $1)", &[&batch]).await?;
        }
        transaction.batch_execute(&format!("DROP TABLE {CHECKPOINT}")).await?;
        turn.replace(transaction, registry).await
    }

    async fn run(&self, statements: &str) -> Result<(), StoreError> {
        self.client.batch_execute(statements).await.map_err(failed)
    }
}

/// A change as its columns say it.
struct Columns<'c> {
    row: NewRow<'c>,
    sequence: i64,
    time: SystemTime,
    actor: String,
    operator: Option<&'c str>,
    request: &'c Uuid,
    operation: &'static str,
}

impl<'c> Columns<'c> {
    fn of(change: &'c Change) -> Self {
        Self {
            row: NewRow::of_subject(&change.subject),
            sequence: i64::try_from(change.sequence).unwrap_or(i64::MAX),
            time: to_sql(change.time),
            actor: actor_name(&change.actor),
            operator: operator(&change.actor),
            request: change.request_id.as_uuid(),
            operation: operation_name(change.operation),
        }
    }

    fn values(&self) -> [&(dyn ToSql + Sync); 11] {
        let NewRow { provider, kind, id, before, after } = &self.row;
        [
            provider,
            &self.sequence,
            &self.time,
            &self.actor,
            self.request,
            &self.operation,
            kind,
            id,
            before,
            after,
            &self.operator,
        ]
    }
}

#[async_trait]
impl Load for Filling {
    fn position(&self) -> &Position {
        &self.position
    }

    async fn add(&mut self, part: Part) -> Result<(), StoreError> {
        let end = part.end().unwrap_or(Position::Start).max(self.position.clone());
        let part = match part {
            Part::Resources(rows) => Part::Resources(with_derived(rows)?),
            other => other,
        };
        self.position = self.store(&part, end).await.map_err(failed)?;
        Ok(())
    }

    async fn clear(&mut self, section: Section) -> Result<(), StoreError> {
        match section {
            // A DELETE would take resources along, by a trigger.
            Section::Profiles => self.run("TRUNCATE profile").await,
            Section::Resources => self.run("TRUNCATE resource").await,
            Section::Changes => self.run("TRUNCATE change").await,
            Section::Provider(provider) => {
                let statement = "DELETE FROM association WHERE service_provider_id = $1";
                self.client.execute(statement, &[provider.as_uuid()]).await.map_err(failed)?;
                Ok(())
            }
        }
    }

    async fn snapshot(&mut self) -> Result<Box<dyn Snapshot>, StoreError> {
        let client = moment(&self.shared).await?;
        let row = client.query_one("SELECT count(*) FROM association", &[]).await.map_err(failed)?;
        let totals = Totals { associations: number(&row, 0)?, last_change: self.start.last_change };
        let (root_key, registry) = (self.start.root_key.clone(), Arc::clone(&self.start.registry));
        let head = Head { root_key, registry, totals };
        Ok(Box::new(PostgresSnapshot { client, head, counts: false }))
    }

    async fn finish(self: Box<Self>) -> Result<(), StoreError> {
        self.put_in_place().await.map_err(|failure| match failure {
            Failure::Corrupt(cause) => StoreError::Corrupt { cause },
            other => unavailable(other.cause()),
        })?;
        // A store is filled once.
        let _ = self.shared.loaded_key.set(self.start.root_key.clone());
        self.shared.loading.store(false, Ordering::Relaxed);
        Ok(())
    }

    async fn abandon(self: Box<Self>) -> Result<(), StoreError> {
        let all = format!(
            "BEGIN; TRUNCATE association, change, resource; DELETE FROM profile; DROP TABLE {CHECKPOINT}; COMMIT"
        );
        self.run(&all).await?;
        self.shared.loading.store(false, Ordering::Relaxed);
        Ok(())
    }
}
