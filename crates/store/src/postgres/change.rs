//! The change record: rows, pages, and up to where it can be read.
//!
//! Sequence numbers are taken before a commit, and commits end in any order. A reader that went past a number whose
//! commit is still under way would never see it. So a page ends before the first number that may still come: the
//! reader notes the last number that was given out and which transactions are under way, waits until those have
//! ended, and reads up to that number. Every writer has its transaction number before it takes one for its changes.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use deadpool_postgres::GenericClient;
use jackfield_model::{AmazonId, ClientId, ExternalUserId, RequestId, ServiceProviderId};
use tokio_postgres::Row;
use uuid::Uuid;

use super::error::{Failure, corrupt};
use super::{PostgresStore, Shared};
use crate::change::{
    Actor, Backlog, Change, ChangeFilter, ChangePage, ChangeSpan, Operation, Origin, Subject, Timestamp,
};
use crate::contract::ChangeStore;
use crate::error::StoreError;

/// Sequence numbers of one batch: a batch takes this many, used or not.
pub(super) const BATCH_SEQUENCES: i64 = 4_096;
/// How long a reader waits for transactions that are under way. After that it reads up to where an earlier reader got.
const SETTLE_MAX: Duration = Duration::from_secs(2);
const FIRST_PAUSE: Duration = Duration::from_millis(1);

const ASSOCIATION: &str = "association";

/// Up to where the change record is known.
#[derive(Debug, Default)]
pub(super) struct Feed {
    /// No change with a number up to this one can come any more.
    settled: AtomicI64,
    /// A number that had been given out a moment ago: changes made from now on have greater ones.
    floor: AtomicI64,
}

impl Feed {
    pub(super) fn floor(&self) -> i64 {
        self.floor.load(Ordering::Relaxed)
    }

    pub(super) fn raise_floor(&self, to: i64) {
        self.floor.fetch_max(to, Ordering::Relaxed);
    }
}

/// The last sequence number that can have been given out, of the sequence `change_batch`.
pub(super) const LAST_SEQUENCE: &str = "CASE WHEN is_called THEN last_value * 4096 + 4095 ELSE 0 END";

/// Up to which number the change record can be read: all that was committed before the call is below it, unless a
/// transaction runs for seconds.
async fn settle(shared: &Shared) -> Result<i64, Failure> {
    const OLDEST: &str = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint";
    let note = format!(
        "SELECT {LAST_SEQUENCE}, pg_snapshot_xmax(pg_current_snapshot())::text::bigint FROM change_batch"
    );
    let noted = shared.read(&note, &[]).await?;
    let noted = noted.first().ok_or_else(|| Failure::Corrupt("change_batch is missing".to_owned()))?;
    let (last, next): (i64, i64) = (noted.try_get(0)?, noted.try_get(1)?);
    let started = Instant::now();
    let mut pause = FIRST_PAUSE;
    loop {
        let rows = shared.read(OLDEST, &[]).await?;
        let oldest: i64 = rows.first().map_or(Ok(0), |row| row.try_get(0))?;
        if oldest >= next {
            let before = shared.feed.settled.fetch_max(last, Ordering::Relaxed);
            return Ok(before.max(last));
        }
        if started.elapsed() > SETTLE_MAX {
            tracing::warn!("a long transaction of the database holds up the change record");
            return Ok(shared.feed.settled.load(Ordering::Relaxed));
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_millis(100));
    }
}

pub(super) const COLUMNS: &str = "sequence, time, actor, request_id, operation, kind, object_id, before, after, service_provider_id, operator";

pub(super) fn list_of_provider() -> String {
    format!(
        "SELECT {COLUMNS} FROM change WHERE service_provider_id = $1 AND sequence > $2 AND sequence <= $3 \
         AND kind IN ('association', 'service_provider') ORDER BY sequence LIMIT $4"
    )
}

#[async_trait]
impl ChangeStore for PostgresStore {
    async fn list_changes(&self, filter: &ChangeFilter) -> Result<ChangePage, StoreError> {
        let shared = &self.shared;
        let settled = settle(shared).await?;
        let after = i64::try_from(filter.after).unwrap_or(i64::MAX);
        // One more than is shown tells whether more follow.
        let limit = i64::try_from(filter.limit.min(ChangePage::EXAMINED_MAX) + 1).unwrap_or(i64::MAX);
        let rows = match filter.provider {
            Some(provider) => {
                shared.read(&list_of_provider(), &[provider.as_uuid(), &after, &settled, &limit]).await?
            }
            None => {
                let statement = format!(
                    "SELECT {COLUMNS} FROM change WHERE sequence > $1 AND sequence <= $2 ORDER BY sequence LIMIT $3"
                );
                shared.read(&statement, &[&after, &settled, &limit]).await?
            }
        };
        ChangePage::collect(filter, rows.iter().map(change))
    }

    async fn change_span(&self) -> Result<ChangeSpan, StoreError> {
        let statement =
            format!("SELECT {LAST_SEQUENCE}, (SELECT trimmed_to FROM directory) FROM change_batch");
        let rows = self.shared.read(&statement, &[]).await?;
        let Some(row) = rows.first() else { return Ok(ChangeSpan::default()) };
        Ok(ChangeSpan { newest: unsigned(row, 0)?, forgotten: unsigned(row, 1)? })
    }

    async fn backlog(&self, after: u64) -> Result<Backlog, StoreError> {
        const COUNT: &str = "SELECT count(*) FROM (SELECT sequence FROM change \
            WHERE sequence > $1 AND sequence <= $2 ORDER BY sequence LIMIT $3) AS backlog";
        const OLDEST: &str =
            "SELECT time FROM change WHERE sequence > $1 AND sequence <= $2 ORDER BY sequence LIMIT 1";
        let shared = &self.shared;
        let settled = settle(shared).await?;
        let after = i64::try_from(after).unwrap_or(i64::MAX);
        let most = i64::try_from(Backlog::COUNTED_MAX).unwrap_or(i64::MAX);
        let complete = u64::try_from(settled).unwrap_or_default();
        if after >= settled {
            return Ok(Backlog { complete, ..Backlog::default() });
        }
        let rows = shared.read(COUNT, &[&after, &settled, &most]).await?;
        let changes = rows.first().map_or(Ok(0), |row| unsigned(row, 0))?;
        // The first one in order need not be the one with the earliest time.
        let rows = shared.read(OLDEST, &[&after, &settled]).await?;
        let oldest: Option<SystemTime> =
            rows.first().map(|row| row.try_get(0)).transpose().map_err(Failure::from)?;
        Ok(Backlog { changes, oldest: oldest.map(from_sql), complete })
    }

    async fn trim_changes(&self, through: u64, limit: usize) -> Result<usize, StoreError> {
        let shared = &self.shared;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        // What is not settled yet may have lower numbers than what is there.
        let through = settle(shared).await?.min(i64::try_from(through).unwrap_or(i64::MAX));
        let mut client = shared.client().await?;
        let run = async {
            let transaction = client.transaction().await?;
            let oldest = "SELECT max(sequence), count(*) FROM \
                          (SELECT sequence FROM change WHERE sequence <= $1 ORDER BY sequence LIMIT $2) AS oldest";
            let oldest = transaction.query_one(oldest, &[&through, &limit]).await?;
            if let Some(last) = oldest.try_get::<_, Option<i64>>(0)? {
                transaction.execute("DELETE FROM change WHERE sequence <= $1", &[&last]).await?;
                let note = "UPDATE directory SET trimmed_to = greatest(trimmed_to, $1)";
                transaction.execute(note, &[&last]).await?;
                transaction.commit().await?;
            }
            let count: i64 = oldest.try_get(1)?;
            Ok::<usize, Failure>(usize::try_from(count).unwrap_or_default())
        };
        match super::in_time(run).await {
            Ok(count) => Ok(count),
            Err(failure) => {
                super::discard(client, &failure);
                Err(failure.into())
            }
        }
    }
}

/// Writes changes of one transaction into the record.
pub(super) async fn record(
    transaction: &impl GenericClient,
    changes: &[(Origin, Operation, Subject)],
) -> Result<(), Failure> {
    for chunk in changes.chunks(usize::try_from(BATCH_SEQUENCES).expect("a small number")) {
        let row =
            transaction.query_one("SELECT pg_current_xact_id()::text, nextval('change_batch')", &[]).await?;
        let first = row.try_get::<_, i64>(1)? * BATCH_SEQUENCES;
        let rows: Vec<NewRow<'_>> = chunk.iter().map(NewRow::of).collect();
        let providers: Vec<Uuid> = rows.iter().map(|row| row.provider).collect();
        let sequences: Vec<i64> = (first..).take(rows.len()).collect();
        let times: Vec<SystemTime> = chunk.iter().map(|(origin, ..)| to_sql(origin.time)).collect();
        let actors: Vec<String> = chunk.iter().map(|(origin, ..)| actor_name(&origin.actor)).collect();
        let operators: Vec<Option<&str>> = chunk.iter().map(|(origin, ..)| operator(&origin.actor)).collect();
        let requests: Vec<&Uuid> = chunk.iter().map(|(origin, ..)| origin.request_id.as_uuid()).collect();
        let operations: Vec<&str> =
            chunk.iter().map(|(_, operation, _)| operation_name(*operation)).collect();
        let kinds: Vec<&str> = rows.iter().map(|row| row.kind).collect();
        let ids: Vec<&str> = rows.iter().map(|row| row.id).collect();
        let befores: Vec<Option<&str>> = rows.iter().map(|row| row.before).collect();
        let afters: Vec<Option<&str>> = rows.iter().map(|row| row.after).collect();
        transaction
            .execute(
                "INSERT INTO change (service_provider_id, sequence, time, actor, request_id, operation, kind, \
                 object_id, before, after, operator) SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::timestamptz[], \
                 $4::text[], $5::uuid[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], \
                 $11::text[])",
                &[
                    &providers, &sequences, &times, &actors, &requests, &operations, &kinds, &ids, &befores,
                    &afters, &operators,
                ],
            )
            .await?;
    }
    Ok(())
}

/// A change as its columns say it.
pub(super) struct NewRow<'c> {
    pub(super) provider: Uuid,
    pub(super) kind: &'c str,
    pub(super) id: &'c str,
    pub(super) before: Option<&'c str>,
    pub(super) after: Option<&'c str>,
}

impl<'c> NewRow<'c> {
    fn of((_, _, subject): &'c (Origin, Operation, Subject)) -> Self {
        Self::of_subject(subject)
    }

    pub(super) fn of_subject(subject: &'c Subject) -> Self {
        match subject {
            Subject::Association { provider, external_user_id, before, after } => Self {
                provider: *provider.as_uuid(),
                kind: ASSOCIATION,
                id: external_user_id.as_str(),
                before: before.as_ref().map(AmazonId::as_str),
                after: after.as_ref().map(AmazonId::as_str),
            },
            Subject::Object { kind, id, before, after } => {
                let provider = (kind == "service_provider").then(|| id.parse::<ServiceProviderId>().ok());
                Self {
                    provider: provider.flatten().map_or(Uuid::nil(), |id| *id.as_uuid()),
                    kind,
                    id,
                    before: before.as_deref(),
                    after: after.as_deref(),
                }
            }
        }
    }
}

pub(super) fn change(row: &Row) -> Result<Change, StoreError> {
    let text = |column: usize| row.try_get::<_, &str>(column).map_err(Failure::from);
    let optional = |column: usize| row.try_get::<_, Option<&str>>(column).map_err(Failure::from);
    let operation = match text(4)? {
        "create" => Operation::Create,
        "update" => Operation::Update,
        "delete" => Operation::Delete,
        "reset" => Operation::Reset,
        _ => return Err(corrupt("change", &"unknown operation")),
    };
    let actor = match text(2)? {
        "admin" => match optional(10)? {
            Some(name) => Actor::Operator(name.into()),
            None => Actor::Admin,
        },
        "seed" => Actor::Seed,
        id => Actor::Client(Arc::new(ClientId::new(id).map_err(|error| corrupt("client", &error))?)),
    };
    let subject = match text(5)? {
        ASSOCIATION => {
            let amazon_id = |id: Option<&str>| {
                id.map(AmazonId::new).transpose().map_err(|error| corrupt("amazonId", &error))
            };
            let provider: Uuid = row.try_get(9).map_err(Failure::from)?;
            Subject::Association {
                provider: ServiceProviderId::from_uuid(provider),
                external_user_id: ExternalUserId::new(text(6)?)
                    .map_err(|error| corrupt("externalUserId", &error))?,
                before: amazon_id(optional(7)?)?,
                after: amazon_id(optional(8)?)?,
            }
        }
        kind => Subject::Object {
            kind: kind.to_owned(),
            id: text(6)?.to_owned(),
            before: optional(7)?.map(ToOwned::to_owned),
            after: optional(8)?.map(ToOwned::to_owned),
        },
    };
    let sequence: i64 = row.try_get(0).map_err(Failure::from)?;
    let time: SystemTime = row.try_get(1).map_err(Failure::from)?;
    Ok(Change {
        sequence: u64::try_from(sequence).map_err(|error| corrupt("sequence", &error))?,
        time: from_sql(time),
        actor,
        request_id: RequestId::from_uuid(row.try_get(3).map_err(Failure::from)?),
        operation,
        subject,
    })
}

pub(super) const fn operation_name(operation: Operation) -> &'static str {
    match operation {
        Operation::Create => "create",
        Operation::Update => "update",
        Operation::Delete => "delete",
        Operation::Reset => "reset",
    }
}

/// The column `actor`. Releases before named operators read it, so that those are `admin` there.
pub(super) fn actor_name(actor: &Actor) -> String {
    match actor {
        Actor::Operator(_) => Actor::Admin.to_string(),
        actor => actor.to_string(),
    }
}

/// The column `operator`: whose admin token it was.
pub(super) fn operator(actor: &Actor) -> Option<&str> {
    match actor {
        Actor::Operator(name) => Some(name),
        Actor::Client(_) | Actor::Admin | Actor::Seed => None,
    }
}

/// A moment for the database, which knows none after the year 9999.
pub(super) fn to_sql(time: Timestamp) -> SystemTime {
    const END: Timestamp = Timestamp(253_402_300_799_000);
    time.min(END).system_time()
}

fn unsigned(row: &Row, column: usize) -> Result<u64, StoreError> {
    let number: i64 = row.try_get(column).map_err(Failure::from)?;
    u64::try_from(number).map_err(|error| corrupt("a number of the change record", &error))
}

fn from_sql(time: SystemTime) -> Timestamp {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
