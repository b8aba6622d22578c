//! Associations: reads and writes in batches of one provider, each one statement in a transaction of its own.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use async_trait::async_trait;
use deadpool_postgres::GenericClient;
use jackfield_model::wire::Association;
use jackfield_model::{AmazonId, ExternalUserId, OrganizationId, ServiceProviderId};
use tokio::sync::oneshot;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::batch::Job;
use super::error::{Failure, corrupt};
use super::{PostgresStore, Shared, in_doubt, unavailable};
use crate::change::{Operation, Origin, Subject};
use crate::contract::{
    AssociationPage, AssociationRange, AssociationStore, CreateOutcome, DeleteOutcome, UpdateOutcome,
    WriteAssociation,
};
use crate::{CommitReport, StoreError};

/// How often a batch is sent that met another and took no effect.
const ATTEMPTS: usize = 4;

/// What a batch of writes does. Those of one kind share a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Create,
    Update,
    Delete,
}

/// What became of one write, as the functions of the schema number it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Done,
    /// A create found the id taken; an update or a delete did not find it.
    Otherwise,
    NoSuchProfile,
    NoSuchProvider,
}

/// One write that waits for its batch.
pub(super) struct WriteJob {
    pub(super) id: ExternalUserId,
    /// What the association is to point at; nothing for a delete.
    pub(super) target: Option<AmazonId>,
    /// Strict profiles: who must have the target.
    pub(super) owner: Option<OrganizationId>,
    pub(super) origin: Origin,
    pub(super) reply: oneshot::Sender<Result<Outcome, StoreError>>,
}

impl Job for WriteJob {
    fn unique(&self) -> Option<&ExternalUserId> {
        Some(&self.id)
    }

    fn refuse(self, cause: &str) {
        self.answer(Err(StoreError::Unavailable { cause: cause.to_owned() }));
    }
}

impl WriteJob {
    pub(super) fn answer(self, outcome: Result<Outcome, StoreError>) {
        // The receiver may have been dropped.
        let _ = self.reply.send(outcome);
    }
}

/// A look-up that waits for its batch.
pub(super) struct ReadJob {
    pub(super) ids: Vec<ExternalUserId>,
    pub(super) reply: oneshot::Sender<Result<Vec<Association>, StoreError>>,
}

impl Job for ReadJob {
    fn unique(&self) -> Option<&ExternalUserId> {
        None
    }

    fn refuse(self, cause: &str) {
        let _ = self.reply.send(Err(StoreError::Unavailable { cause: cause.to_owned() }));
    }
}

impl Kind {
    const fn statement(self) -> &'static str {
        match self {
            Self::Create => "SELECT create_associations($1, $2, $3, $4, $5, $6, $7, $8)",
            Self::Update => "SELECT update_associations($1, $2, $3, $4, $5, $6, $7, $8)",
            Self::Delete => "SELECT delete_associations($1, $2, $3, $4, $5, $6)",
        }
    }
}

/// Carries out a batch of writes and answers each.
pub(super) async fn write(shared: Arc<Shared>, provider: ServiceProviderId, kind: Kind, jobs: Vec<WriteJob>) {
    let started = Instant::now();
    let size = jobs.len();
    let floor = shared.feed.floor();
    let mut result = attempt(&shared, provider, kind, &jobs).await;
    for _ in 1..ATTEMPTS {
        match result {
            Err(Failure::Met(_) | Failure::Unsent(_)) => {
                result = attempt(&shared, provider, kind, &jobs).await;
            }
            _ => break,
        }
    }
    shared.report(CommitReport {
        group_size: size,
        latency: started.elapsed(),
        succeeded: matches!(result, Ok(_) | Err(Failure::ProviderGone)),
    });
    match result {
        Ok(Some(outcomes)) => {
            for (job, outcome) in jobs.into_iter().zip(outcomes) {
                job.answer(outcome);
            }
        }
        Ok(None) | Err(Failure::ProviderGone) => {
            jobs.into_iter().for_each(|job| job.answer(Ok(Outcome::NoSuchProvider)));
        }
        // Not waited for: other batches of the line go on.
        Err(Failure::Lost(cause)) => {
            tokio::spawn(settle(shared, provider, jobs, floor, cause));
        }
        Err(failure) => {
            tracing::warn!(cause = failure.cause(), writes = size, "the database refused writes");
            let error = StoreError::from(failure);
            jobs.into_iter().for_each(|job| job.answer(Err(error.clone())));
        }
    }
}

/// Looks writes up that are in doubt, as soon as the database is there again, and answers them. Their changes have
/// sequence numbers above `floor`.
async fn settle(
    shared: Arc<Shared>,
    provider: ServiceProviderId,
    jobs: Vec<WriteJob>,
    floor: i64,
    cause: String,
) {
    tracing::warn!(cause, writes = jobs.len(), "writes are in doubt and looked up");
    let requests: Vec<&Uuid> = jobs.iter().map(|job| job.origin.request_id.as_uuid()).collect();
    let found = in_doubt::recorded_writes(&shared, provider, floor, &requests).await;
    let doubts = jobs.len();
    let mut done = 0;
    for job in jobs {
        if found.contains(&(*job.origin.request_id.as_uuid(), job.id.as_str().to_owned())) {
            done += 1;
            job.answer(Ok(Outcome::Done));
        } else {
            job.answer(Err(StoreError::InDoubt { cause: cause.clone() }));
        }
    }
    tracing::info!(done, in_doubt = doubts - done, "writes that were in doubt were looked up");
}

type Outcomes = Vec<Result<Outcome, StoreError>>;

/// One attempt; answers nothing when the provider is not there.
async fn attempt(
    shared: &Shared,
    provider: ServiceProviderId,
    kind: Kind,
    jobs: &[WriteJob],
) -> Result<Option<Outcomes>, Failure> {
    let ids: Vec<&str> = jobs.iter().map(|job| job.id.as_str()).collect();
    let targets: Vec<Option<&str>> =
        jobs.iter().map(|job| job.target.as_ref().map(AmazonId::as_str)).collect();
    let owners: Vec<Option<&str>> =
        jobs.iter().map(|job| job.owner.as_ref().map(OrganizationId::as_str)).collect();
    let actors: Vec<String> = jobs.iter().map(|job| job.origin.actor.to_string()).collect();
    let requests: Vec<&Uuid> = jobs.iter().map(|job| job.origin.request_id.as_uuid()).collect();
    let times: Vec<SystemTime> = jobs.iter().map(|job| super::change::to_sql(job.origin.time)).collect();
    let slot = shared.next_slot();
    let (provider, mut parameters): (_, Vec<&(dyn ToSql + Sync)>) = (*provider.as_uuid(), Vec::new());
    parameters.extend([&provider as &(dyn ToSql + Sync), &slot, &ids]);
    if kind != Kind::Delete {
        parameters.extend([&targets as &(dyn ToSql + Sync), &owners]);
    }
    parameters.extend([&actors as &(dyn ToSql + Sync), &requests, &times]);
    let rows = shared.query(kind.statement(), &parameters).await?;
    let answer: Option<Vec<i16>> =
        rows.first().ok_or_else(|| Failure::Corrupt("a write answered no row".to_owned()))?.try_get(0)?;
    let Some(numbers) = answer else { return Ok(None) };
    if numbers.len() != jobs.len() {
        return Err(Failure::Corrupt("a write answered another number of outcomes".to_owned()));
    }
    Ok(Some(numbers.into_iter().map(outcome).collect()))
}

fn outcome(number: i16) -> Result<Outcome, StoreError> {
    match number {
        0 => Ok(Outcome::Done),
        1 => Ok(Outcome::Otherwise),
        2 => Ok(Outcome::NoSuchProfile),
        other => Err(StoreError::Corrupt { cause: format!("a write answered outcome {other}") }),
    }
}

pub(super) const FIND: &str = "SELECT external_user_id, amazon_id FROM association \
    WHERE service_provider_id = $1 AND external_user_id = ANY ($2)";

/// Carries out a batch of look-ups and answers each.
pub(super) async fn read(shared: Arc<Shared>, provider: ServiceProviderId, jobs: Vec<ReadJob>) {
    let ids: Vec<&str> = jobs.iter().flat_map(|job| &job.ids).map(ExternalUserId::as_str).collect();
    let found = match shared.read(FIND, &[provider.as_uuid(), &ids]).await {
        Ok(rows) => rows.iter().map(association).collect::<Result<Vec<_>, _>>(),
        Err(failure) => Err(failure.into()),
    };
    let found = match found {
        Ok(found) => found,
        Err(error) => {
            for job in jobs {
                let _ = job.reply.send(Err(error.clone()));
            }
            return;
        }
    };
    let found: HashMap<&str, &Association> =
        found.iter().map(|association| (association.external_user_id.as_str(), association)).collect();
    for job in jobs {
        let wanted = job.ids.iter().filter_map(|id| found.get(id.as_str()).copied().cloned()).collect();
        let _ = job.reply.send(Ok(wanted));
    }
}

pub(super) const LIST: &str = "SELECT external_user_id, amazon_id FROM association \
    WHERE service_provider_id = $1 AND external_user_id >= $2 AND external_user_id IS DISTINCT FROM $3 \
    ORDER BY external_user_id LIMIT $4";
pub(super) const LIST_BELOW: &str = "SELECT external_user_id, amazon_id FROM association \
    WHERE service_provider_id = $1 AND external_user_id >= $2 AND external_user_id IS DISTINCT FROM $3 \
    AND external_user_id < $5 ORDER BY external_user_id LIMIT $4";

pub(super) const COUNT: &str =
    "SELECT coalesce(sum(associations), 0)::bigint FROM tenant WHERE service_provider_id = $1";

/// Removes the associations of a provider whose rows of `tenant` are gone already.
pub(super) async fn remove_all(
    transaction: &impl GenericClient,
    provider: ServiceProviderId,
    origin: &Origin,
) -> Result<Vec<(Origin, Operation, Subject)>, Failure> {
    let statement =
        "DELETE FROM association WHERE service_provider_id = $1 RETURNING external_user_id, amazon_id";
    let mut removed = transaction
        .query(statement, &[provider.as_uuid()])
        .await?
        .iter()
        .map(association)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| Failure::Corrupt(error.to_string()))?;
    removed.sort_by(|one, other| one.external_user_id.cmp(&other.external_user_id));
    let change = |removed: Association| {
        let external_user_id = removed.external_user_id;
        let subject =
            Subject::Association { provider, external_user_id, before: Some(removed.amazon_id), after: None };
        (origin.clone(), Operation::Delete, subject)
    };
    Ok(removed.into_iter().map(change).collect())
}

impl PostgresStore {
    /// A create or an update.
    async fn point(&self, kind: Kind, write: WriteAssociation) -> Result<Outcome, StoreError> {
        let WriteAssociation { provider, association, profile_owner: owner, origin } = write;
        let Association { external_user_id: id, amazon_id, .. } = association;
        let job = |reply| WriteJob { id, target: Some(amazon_id), owner, origin, reply };
        self.write(kind, provider, job).await
    }

    async fn write(
        &self,
        kind: Kind,
        provider: ServiceProviderId,
        job: impl FnOnce(oneshot::Sender<Result<Outcome, StoreError>>) -> WriteJob,
    ) -> Result<Outcome, StoreError> {
        self.shared.check_present()?;
        let (reply, answer) = oneshot::channel();
        self.writes.push((provider, kind), job(reply));
        answer.await.unwrap_or_else(|_| {
            Err(StoreError::InDoubt { cause: "the batch of the write ended without an answer".to_owned() })
        })
    }
}

#[async_trait]
impl AssociationStore for PostgresStore {
    async fn create_association(&self, write: WriteAssociation) -> Result<CreateOutcome, StoreError> {
        Ok(match self.point(Kind::Create, write).await? {
            Outcome::Done => CreateOutcome::Created,
            Outcome::Otherwise => CreateOutcome::Exists,
            Outcome::NoSuchProfile => CreateOutcome::NoSuchProfile,
            Outcome::NoSuchProvider => CreateOutcome::NoSuchProvider,
        })
    }

    async fn update_association(&self, write: WriteAssociation) -> Result<UpdateOutcome, StoreError> {
        Ok(match self.point(Kind::Update, write).await? {
            Outcome::Done => UpdateOutcome::Updated,
            Outcome::Otherwise => UpdateOutcome::NotFound,
            Outcome::NoSuchProfile => UpdateOutcome::NoSuchProfile,
            Outcome::NoSuchProvider => UpdateOutcome::NoSuchProvider,
        })
    }

    async fn delete_association(
        &self,
        provider: ServiceProviderId,
        external_user_id: ExternalUserId,
        origin: Origin,
    ) -> Result<DeleteOutcome, StoreError> {
        let job = |reply| WriteJob { id: external_user_id, target: None, owner: None, origin, reply };
        Ok(match self.write(Kind::Delete, provider, job).await? {
            Outcome::Done => DeleteOutcome::Deleted,
            Outcome::Otherwise | Outcome::NoSuchProfile => DeleteOutcome::NotFound,
            Outcome::NoSuchProvider => DeleteOutcome::NoSuchProvider,
        })
    }

    async fn find_associations(
        &self,
        provider: ServiceProviderId,
        ids: &[ExternalUserId],
    ) -> Result<Vec<Association>, StoreError> {
        self.shared.check_present()?;
        let (reply, answer) = oneshot::channel();
        self.reads.push(provider, ReadJob { ids: ids.to_vec(), reply });
        answer.await.unwrap_or_else(|_| Err(unavailable("the batch of the look-up ended without an answer")))
    }

    async fn list_associations(
        &self,
        provider: ServiceProviderId,
        range: &AssociationRange,
    ) -> Result<AssociationPage, StoreError> {
        let after = range.after.as_ref().map(ExternalUserId::as_str);
        let from = after.filter(|after| *after > range.prefix.as_str()).unwrap_or(&range.prefix);
        let limit = i64::try_from(range.limit).unwrap_or(i64::MAX - 1) + 1;
        let below = end_of_prefix(&range.prefix);
        let provider = provider.as_uuid();
        let rows = match &below {
            Some(below) => self.shared.read(LIST_BELOW, &[provider, &from, &after, &limit, below]).await?,
            None => self.shared.read(LIST, &[provider, &from, &after, &limit]).await?,
        };
        let associations = rows.iter().take(range.limit).map(association).collect::<Result<Vec<_>, _>>()?;
        Ok(AssociationPage { associations, more: rows.len() > range.limit })
    }

    async fn count_associations(&self, provider: ServiceProviderId) -> Result<u64, StoreError> {
        self.shared.number(COUNT, &[provider.as_uuid()]).await
    }
}

/// The least text that is greater than all that begin with the prefix; nothing when there is none.
fn end_of_prefix(prefix: &str) -> Option<String> {
    let mut end = prefix.to_owned();
    while let Some(last) = end.pop() {
        // The step skips what is no character.
        if let Some(next) = (u32::from(last) + 1..=0x10_ffff).find_map(char::from_u32) {
            end.push(next);
            return Some(end);
        }
    }
    None
}

pub(super) fn association(row: &Row) -> Result<Association, StoreError> {
    let id: &str = row.try_get(0).map_err(Failure::from)?;
    let amazon_id: &str = row.try_get(1).map_err(Failure::from)?;
    Ok(Association::new(
        ExternalUserId::new(id).map_err(|error| corrupt("externalUserId", &error))?,
        AmazonId::new(amazon_id).map_err(|error| corrupt("amazonId", &error))?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_prefix_is_behind_all_that_begin_with_it() {
        for (prefix, end) in [
            ("", None),
            ("a", Some("b")),
            ("7\u{10ffff}", Some("8")),
            ("\u{d7ff}", Some("\u{e000}")),
            ("\u{10ffff}", None),
        ] {
            assert_eq!(end_of_prefix(prefix).as_deref(), end, "{prefix}");
        }
    }
}
