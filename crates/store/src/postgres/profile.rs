//! Communication profiles. Their writes are rare and small, so each is a transaction of a few statements; the lock of
//! the registry keeps their organization there meanwhile.

use std::collections::HashMap;

use deadpool_postgres::{GenericClient, Transaction};
use jackfield_model::{AmazonId, OrganizationId, UnitId};
use tokio_postgres::Row;
use uuid::Uuid;

use super::error::{Failure, corrupt};
use super::{Shared, change, in_doubt, registry};
use crate::change::{Operation, Origin, Subject};
use crate::registry::Profile;
use crate::{CreateProfileOutcome, DeleteProfileOutcome, PutProfileOutcome, StoreError, UpdateOutcome};

const BY_ID: &str = "SELECT id, organization_id, unit_id, name FROM profile WHERE id = $1";
const BY_UNIT: &str = "SELECT id, organization_id, unit_id, name FROM profile WHERE unit_id = $1";
const LIST: &str = "SELECT id, organization_id, unit_id, name FROM profile \
    WHERE organization_id = $1 AND id > $2 ORDER BY id LIMIT $3";

pub(super) async fn find(shared: &Shared, id: &AmazonId) -> Result<Option<Profile>, StoreError> {
    shared.read(BY_ID, &[&id.as_str()]).await?.first().map(profile).transpose()
}

pub(super) async fn find_of_unit(shared: &Shared, unit: &UnitId) -> Result<Option<Profile>, StoreError> {
    shared.read(BY_UNIT, &[&unit.as_str()]).await?.first().map(profile).transpose()
}

pub(super) async fn list(
    shared: &Shared,
    organization: &OrganizationId,
    after: Option<&AmazonId>,
    limit: usize,
) -> Result<Vec<Profile>, StoreError> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let after = after.map_or("", AmazonId::as_str);
    let rows = shared.read(LIST, &[&organization.as_str(), &after, &limit]).await?;
    rows.iter().map(profile).collect()
}

/// Runs a change of profiles in one transaction under the lock of the registry. When its answer is lost, `done` is what
/// became of it if it is in the change record.
async fn change<T>(
    shared: &Shared,
    origin: &Origin,
    done: Option<T>,
    run: impl AsyncFnOnce(&Transaction<'_>, &crate::Registry) -> Result<T, Failure>,
) -> Result<T, StoreError> {
    let floor = shared.feed.floor();
    let mut client = shared.client().await?;
    let changing = async {
        let transaction = client.transaction().await?;
        let known = registry::turn(shared).await.lock(&transaction).await?;
        let outcome = run(&transaction, &known).await?;
        transaction.commit().await?;
        Ok(outcome)
    };
    let result = super::in_time(changing).await;
    if let Err(failure) = &result {
        super::discard(client, failure);
    }
    in_doubt::end(shared, result, origin.request_id, floor, done).await
}

pub(super) async fn create(
    shared: &Shared,
    profile: &Profile,
    origin: &Origin,
) -> Result<CreateProfileOutcome, StoreError> {
    change(shared, origin, Some(CreateProfileOutcome::Created), async |transaction, registry| {
        if !registry.organizations.contains_key(&profile.organization) {
            return Ok(CreateProfileOutcome::NoSuchOrganization);
        }
        if let Some(own) = one(transaction, BY_UNIT, profile.unit.as_str()).await? {
            return Ok(CreateProfileOutcome::UnitHasProfile(own));
        }
        if one(transaction, BY_ID, profile.id.as_str()).await?.is_some() {
            return Ok(CreateProfileOutcome::IdTaken);
        }
        let count = count(transaction, registry, &profile.organization).await?;
        if let Some(most) = registry.profile_quota_reached(&profile.organization, count) {
            return Ok(CreateProfileOutcome::QuotaReached(most));
        }
        insert(transaction, profile).await?;
        let created = (origin.clone(), Operation::Create, profile.subject(None, Some(profile)));
        change::record(transaction, &[created]).await?;
        Ok(CreateProfileOutcome::Created)
    })
    .await
}

pub(super) async fn put(
    shared: &Shared,
    profiles: &[Profile],
    origin: &Origin,
) -> Result<Vec<PutProfileOutcome>, StoreError> {
    change(shared, origin, None, async |transaction, registry| {
        let mut outcomes = Vec::with_capacity(profiles.len());
        let mut putting =
            Putting { transaction, registry, origin, changes: Vec::new(), counts: HashMap::new() };
        for new in profiles {
            outcomes.push(match registry.organizations.contains_key(&new.organization) {
                false => PutProfileOutcome::NoSuchOrganization,
                true => putting.put(new).await?,
            });
        }
        let changes = putting.changes;
        change::record(transaction, &changes).await?;
        Ok(outcomes)
    })
    .await
}

/// Profiles that are put in one transaction.
struct Putting<'t> {
    transaction: &'t Transaction<'t>,
    registry: &'t crate::Registry,
    origin: &'t Origin,
    changes: Vec<(Origin, Operation, Subject)>,
    /// How many profiles each organization has by now, as far as that was counted.
    counts: HashMap<OrganizationId, u64>,
}

impl Putting<'_> {
    async fn put(&mut self, new: &Profile) -> Result<PutProfileOutcome, Failure> {
        let Self { transaction, origin, .. } = *self;
        match one(transaction, BY_UNIT, new.unit.as_str()).await? {
            Some(own) if own.organization != new.organization => Ok(PutProfileOutcome::UnitTaken),
            Some(own) => {
                let after = Profile { name: new.name.clone().or_else(|| own.name.clone()), ..own.clone() };
                if after != own {
                    rename_row(transaction, &after).await?;
                    let subject = after.subject(Some(&own), Some(&after));
                    self.changes.push((origin.clone(), Operation::Update, subject));
                }
                Ok(PutProfileOutcome::Stored(after))
            }
            None if one(transaction, BY_ID, new.id.as_str()).await?.is_some() => {
                Ok(PutProfileOutcome::IdTaken)
            }
            None => self.insert(new).await,
        }
    }

    async fn insert(&mut self, new: &Profile) -> Result<PutProfileOutcome, Failure> {
        let Self { transaction, registry, origin, .. } = *self;
        let organization = &new.organization;
        let count = match self.counts.get(organization) {
            Some(count) => *count,
            None => count(transaction, registry, organization).await?,
        };
        if let Some(most) = registry.profile_quota_reached(organization, count) {
            self.counts.insert(organization.clone(), count);
            return Ok(PutProfileOutcome::QuotaReached(most));
        }
        insert(transaction, new).await?;
        self.counts.insert(organization.clone(), count + 1);
        self.changes.push((origin.clone(), Operation::Create, new.subject(None, Some(new))));
        Ok(PutProfileOutcome::Stored(new.clone()))
    }
}

/// How many profiles the organization has, up to its quota: exact, for whoever changes profiles holds the lock of the
/// registry. It is an index scan of the organization's rows.
async fn count(
    transaction: &impl GenericClient,
    registry: &crate::Registry,
    organization: &OrganizationId,
) -> Result<u64, Failure> {
    let most = registry.organizations.get(organization).map_or(0, |own| own.quotas.profiles());
    let statement = "SELECT count(*) FROM (SELECT FROM profile WHERE organization_id = $1 LIMIT $2) own";
    let statement = transaction.prepare_cached(statement).await?;
    let row = transaction.query_one(&statement, &[&organization.as_str(), &i64::from(most)]).await?;
    u64::try_from(row.try_get::<_, i64>(0)?)
        .map_err(|_| Failure::Corrupt("a negative count of profiles".to_owned()))
}

pub(super) async fn rename(
    shared: &Shared,
    organization: &OrganizationId,
    id: &AmazonId,
    name: Option<String>,
    origin: &Origin,
) -> Result<UpdateOutcome, StoreError> {
    change(shared, origin, Some(UpdateOutcome::Updated), async |transaction, _| {
        let own = one(transaction, BY_ID, id.as_str()).await?;
        let Some(before) = own.filter(|own| own.organization == *organization) else {
            return Ok(UpdateOutcome::NotFound);
        };
        let after = Profile { name, ..before.clone() };
        if after != before {
            rename_row(transaction, &after).await?;
            let renamed = (origin.clone(), Operation::Update, after.subject(Some(&before), Some(&after)));
            change::record(transaction, &[renamed]).await?;
        }
        Ok(UpdateOutcome::Updated)
    })
    .await
}

pub(super) async fn delete(
    shared: &Shared,
    organization: &OrganizationId,
    id: &AmazonId,
    origin: &Origin,
) -> Result<DeleteProfileOutcome, StoreError> {
    change(shared, origin, Some(DeleteProfileOutcome::Deleted), async |transaction, registry| {
        let own = one(transaction, BY_ID, id.as_str()).await?;
        let Some(before) = own.filter(|own| own.organization == *organization) else {
            return Ok(DeleteProfileOutcome::NotFound);
        };
        if registry.organizations.get(organization).is_some_and(|own| own.strict_profiles) {
            // Whoever writes an association of it at this moment is waited for; whoever comes later finds it gone.
            transaction.execute("SELECT FROM profile WHERE id = $1 FOR UPDATE", &[&id.as_str()]).await?;
            let providers: Vec<&Uuid> = registry
                .providers
                .values()
                .filter(|own| own.organization == *organization)
                .map(|own| own.id.as_uuid())
                .collect();
            let statement = "SELECT EXISTS (SELECT FROM association \
                WHERE service_provider_id = ANY ($1) AND amazon_id = $2 AND counted)";
            if transaction.query_one(statement, &[&providers, &id.as_str()]).await?.try_get(0)? {
                return Ok(DeleteProfileOutcome::InUse);
            }
        }
        transaction.execute("DELETE FROM profile WHERE id = $1", &[&id.as_str()]).await?;
        let deleted = (origin.clone(), Operation::Delete, before.subject(Some(&before), None));
        change::record(transaction, &[deleted]).await?;
        Ok(DeleteProfileOutcome::Deleted)
    })
    .await
}

async fn one(
    transaction: &impl GenericClient,
    statement: &str,
    parameter: &str,
) -> Result<Option<Profile>, Failure> {
    let statement = transaction.prepare_cached(statement).await?;
    let row = transaction.query_opt(&statement, &[&parameter]).await?;
    row.as_ref().map(profile).transpose().map_err(|error| Failure::Corrupt(error.to_string()))
}

pub(super) async fn insert(transaction: &impl GenericClient, profile: &Profile) -> Result<(), Failure> {
    let statement = "INSERT INTO profile (id, organization_id, unit_id, name) VALUES ($1, $2, $3, $4)";
    let statement = transaction.prepare_cached(statement).await?;
    let (id, organization) = (profile.id.as_str(), profile.organization.as_str());
    transaction.execute(&statement, &[&id, &organization, &profile.unit.as_str(), &profile.name]).await?;
    Ok(())
}

async fn rename_row(transaction: &impl GenericClient, profile: &Profile) -> Result<(), Failure> {
    let statement = "UPDATE profile SET name = $2 WHERE id = $1";
    transaction.execute(statement, &[&profile.id.as_str(), &profile.name]).await?;
    Ok(())
}

pub(super) fn profile(row: &Row) -> Result<Profile, StoreError> {
    let text = |column: usize| row.try_get::<_, &str>(column).map_err(Failure::from);
    Ok(Profile {
        id: AmazonId::new(text(0)?).map_err(|error| corrupt("amazonId", &error))?,
        organization: OrganizationId::new(text(1)?).map_err(|error| corrupt("organization", &error))?,
        unit: UnitId::new(text(2)?).map_err(|error| corrupt("unit", &error))?,
        name: row.try_get(3).map_err(Failure::from)?,
    })
}
