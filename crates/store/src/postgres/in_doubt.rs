//! Writes whose commit is in doubt: the connection ended, or time ran out, before the answer.
//!
//! Each request is looked up in the change record, which was written in the same commit. One that is found there was
//! done. Of one that is not found nothing is claimed: it may have found nothing to do, it may still be under way on a
//! server that we do not reach. Its client is told so, and is never told anything that is not so.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use jackfield_model::{RequestId, ServiceProviderId};
use uuid::Uuid;

use super::error::Failure;
use super::{Shared, registry_cache};
use crate::StoreError;

/// How long a client waits for the end of a write that is in doubt.
const SETTLE_MAX: Duration = Duration::from_secs(5);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(100);

/// The end of a change of accounts or profiles: `done` when its answer was lost and it stands in the change record.
/// Its changes have sequence numbers above `floor`. Without `done` the record does not tell what became of it.
pub(super) async fn end<T>(
    shared: &Shared,
    result: Result<T, Failure>,
    request: RequestId,
    floor: i64,
    done: Option<T>,
) -> Result<T, StoreError> {
    const RECORDED: &str = "SELECT EXISTS (SELECT FROM change WHERE sequence > $1 AND request_id = $2)";
    let cause = match result {
        Err(Failure::Lost(cause)) => cause,
        other => return other.map_err(StoreError::from),
    };
    tracing::warn!(cause, "a change of accounts or profiles is in doubt and looked up");
    let started = Instant::now();
    let recorded = loop {
        match shared.query(RECORDED, &[&floor, request.as_uuid()]).await {
            Ok(rows) => break rows.first().and_then(|row| row.try_get(0).ok()).unwrap_or(false),
            Err(Failure::Corrupt(_)) => break false,
            Err(_) if started.elapsed() > SETTLE_MAX => break false,
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    };
    match done.filter(|_| recorded) {
        Some(done) => {
            // The node's own copy does not have it yet.
            registry_cache::refresh(shared).await?;
            Ok(done)
        }
        None => Err(StoreError::InDoubt { cause }),
    }
}

pub(super) const FIND: &str = "SELECT request_id, object_id FROM change \
    WHERE service_provider_id = $1 AND sequence > $2 AND request_id = ANY ($3) AND kind = 'association'";

/// Which of these requests changed which association of the provider, looked up as soon as the database is there again.
/// Their changes have sequence numbers above `floor`.
pub(super) async fn recorded_writes(
    shared: &Shared,
    provider: ServiceProviderId,
    floor: i64,
    requests: &[&Uuid],
) -> HashSet<(Uuid, String)> {
    let started = Instant::now();
    loop {
        match shared.query(FIND, &[provider.as_uuid(), &floor, &requests]).await {
            Ok(rows) => {
                let pairs = rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?)));
                return pairs.collect::<Result<_, tokio_postgres::Error>>().unwrap_or_default();
            }
            Err(Failure::Corrupt(_)) => return HashSet::new(),
            Err(_) if started.elapsed() > SETTLE_MAX => return HashSet::new(),
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}
