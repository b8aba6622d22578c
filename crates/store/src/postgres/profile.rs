//! Communication profiles. Their writes are rare and small, so each is a transaction of a few statements; the lock of
//! the registry keeps their organization there meanwhile.

use std::collections::HashMap;

use async_trait::async_trait;
use deadpool_postgres::{GenericClient, Transaction};
use jackfield_model::{AmazonId, OrganizationId, UnitId, limit};
use uuid::Uuid;

use super::error::Failure;
use super::locked;
use super::profile_rows::{BY_ID, BY_UNIT, insert, one, profile};
use super::{PostgresStore, change, resource_rows};
use crate::change::{Operation, Origin, Subject};
use crate::contract::{
    Admission, CreateProfileOutcome, DeleteProfileOutcome, ProfileStore, PutProfileOutcome, UpdateOutcome,
};
use crate::error::StoreError;
use crate::registry::{Profile, Registry};
use crate::resource::{RowKey, Table, decide_profile_removal};

const LIST: &str = "SELECT id, organization_id, unit_id, name FROM profile \
    WHERE organization_id = $1 AND id > $2 ORDER BY id LIMIT $3";

#[async_trait]
impl ProfileStore for PostgresStore {
    async fn create_profile(
        &self,
        profile: Profile,
        origin: Origin,
    ) -> Result<CreateProfileOutcome, StoreError> {
        let done = Some(CreateProfileOutcome::Created);
        locked::change(&self.shared, &origin, done, async |transaction, registry| {
            let mut changing = Changing::new(transaction, registry, &origin);
            let admission = changing.admission(&profile).await?;
            if admission == Admission::Admitted {
                changing.store(None, &profile).await?;
                changing.record().await?;
            }
            Ok(admission.into())
        })
        .await
    }

    async fn rename_profile(
        &self,
        organization: &OrganizationId,
        id: &AmazonId,
        name: Option<String>,
        origin: Origin,
    ) -> Result<UpdateOutcome, StoreError> {
        locked::change(&self.shared, &origin, Some(UpdateOutcome::Updated), async |transaction, registry| {
            let Some(before) = profile_of(transaction, organization, id).await? else {
                return Ok(UpdateOutcome::NotFound);
            };
            let mut changing = Changing::new(transaction, registry, &origin);
            changing.store(Some(&before), &Profile { name, ..before.clone() }).await?;
            changing.record().await?;
            Ok(UpdateOutcome::Updated)
        })
        .await
    }

    async fn put_profiles(
        &self,
        profiles: Vec<Profile>,
        origin: Origin,
    ) -> Result<Vec<PutProfileOutcome>, StoreError> {
        locked::change(&self.shared, &origin, None, async |transaction, registry| {
            let mut outcomes = Vec::with_capacity(profiles.len());
            let mut changing = Changing::new(transaction, registry, &origin);
            for new in profiles {
                outcomes.push(match changing.admission(&new).await?.put(new) {
                    Ok((before, after)) => {
                        changing.store(before.as_ref(), &after).await?;
                        PutProfileOutcome::Stored(after)
                    }
                    Err(refused) => refused,
                });
            }
            changing.record().await?;
            Ok(outcomes)
        })
        .await
    }

    async fn delete_profile(
        &self,
        organization: &OrganizationId,
        id: &AmazonId,
        origin: Origin,
    ) -> Result<DeleteProfileOutcome, StoreError> {
        locked::change(
            &self.shared,
            &origin,
            Some(DeleteProfileOutcome::Deleted),
            async |transaction, registry| {
                let Some(before) = profile_of(transaction, organization, id).await? else {
                    return Ok(DeleteProfileOutcome::NotFound);
                };
                if is_in_use(transaction, registry, &before).await? {
                    return Ok(DeleteProfileOutcome::InUse);
                }
                let rows = resource_rows::TransactionRows(transaction);
                let most = limit::CASCADE_RESOURCES;
                let Some(decided) = decide_profile_removal(&rows, registry, organization, id, most).await?
                else {
                    return Ok(DeleteProfileOutcome::TooManyDependents);
                };
                resource_rows::store(transaction, decided.rows).await?;
                transaction.execute("DELETE FROM profile WHERE id = $1", &[&id.as_str()]).await?;
                let mut changes = resource_rows::recorded(decided.subjects, &origin);
                changes.push((origin.clone(), Operation::Delete, before.subject(Some(&before), None)));
                change::record(transaction, &changes).await?;
                Ok(DeleteProfileOutcome::Deleted)
            },
        )
        .await
    }

    async fn find_profile(&self, id: &AmazonId) -> Result<Option<Profile>, StoreError> {
        self.shared.read(BY_ID, &[&id.as_str()]).await?.first().map(profile).transpose()
    }

    async fn find_profile_of_unit(&self, unit: &UnitId) -> Result<Option<Profile>, StoreError> {
        self.shared.read(BY_UNIT, &[&unit.as_str()]).await?.first().map(profile).transpose()
    }

    async fn list_profiles(
        &self,
        organization: &OrganizationId,
        after: Option<&AmazonId>,
        limit: usize,
    ) -> Result<Vec<Profile>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let after = after.map_or("", AmazonId::as_str);
        let rows = self.shared.read(LIST, &[&organization.as_str(), &after, &limit]).await?;
        rows.iter().map(profile).collect()
    }
}

/// Profiles that are stored in one transaction.
struct Changing<'t> {
    transaction: &'t Transaction<'t>,
    registry: &'t Registry,
    origin: &'t Origin,
    changes: Vec<(Origin, Operation, Subject)>,
    /// How many profiles each organization has by now, as far as that was counted.
    counts: HashMap<OrganizationId, u64>,
}

impl<'t> Changing<'t> {
    fn new(transaction: &'t Transaction<'t>, registry: &'t Registry, origin: &'t Origin) -> Self {
        Self { transaction, registry, origin, changes: Vec::new(), counts: HashMap::new() }
    }

    async fn admission(&mut self, new: &Profile) -> Result<Admission, Failure> {
        let organization = &new.organization;
        if !self.registry.organizations.contains_key(organization) {
            return Ok(Admission::NoSuchOrganization);
        }
        if let Some(found) = one(self.transaction, BY_UNIT, new.unit.as_str()).await? {
            return Ok(Admission::UnitHasProfile(found));
        }
        if one(self.transaction, BY_ID, new.id.as_str()).await?.is_some() {
            return Ok(Admission::IdTaken);
        }
        match resource_rows::row(self.transaction, &RowKey::owner(Table::Unit, new.unit.suffix())).await? {
            Some(owner) if owner != organization.suffix() => return Ok(Admission::UnitTaken),
            None if self.registry.wants_unit(organization, &new.unit) => return Ok(Admission::NoSuchUnit),
            _ => {}
        }
        let count = match self.counts.get(organization) {
            Some(count) => *count,
            None => count(self.transaction, self.registry, organization).await?,
        };
        self.counts.insert(organization.clone(), count);
        let reached = self.registry.profile_quota_reached(organization, count);
        Ok(reached.map_or(Admission::Admitted, Admission::QuotaReached))
    }

    /// Stores a profile in the place of another, or a new one.
    async fn store(&mut self, before: Option<&Profile>, after: &Profile) -> Result<(), Failure> {
        let operation = match before {
            Some(before) if before == after => return Ok(()),
            Some(_) => {
                let statement = "UPDATE profile SET name = $2 WHERE id = $1";
                self.transaction.execute(statement, &[&after.id.as_str(), &after.name]).await?;
                Operation::Update
            }
            None => {
                insert(self.transaction, after).await?;
                *self.counts.entry(after.organization.clone()).or_default() += 1;
                Operation::Create
            }
        };
        self.changes.push((self.origin.clone(), operation, after.subject(before, Some(after))));
        Ok(())
    }

    /// Writes what was stored into the change record.
    async fn record(self) -> Result<(), Failure> {
        change::record(self.transaction, &self.changes).await
    }
}

/// How many profiles the organization has, up to its quota: exact, for whoever changes profiles holds the lock of the
/// registry. It is an index scan of the organization's rows.
async fn count(
    transaction: &impl GenericClient,
    registry: &Registry,
    organization: &OrganizationId,
) -> Result<u64, Failure> {
    let most = registry.organizations.get(organization).map_or(0, |found| found.quotas.profiles());
    let statement = "SELECT count(*) FROM (SELECT FROM profile WHERE organization_id = $1 LIMIT $2) own";
    let statement = transaction.prepare_cached(statement).await?;
    let row = transaction.query_one(&statement, &[&organization.as_str(), &i64::from(most)]).await?;
    u64::try_from(row.try_get::<_, i64>(0)?)
        .map_err(|_| Failure::Corrupt("a negative count of profiles".to_owned()))
}

/// Whether the profile's organization has strict profiles and associations are counted at the profile. Whoever writes an
/// association of it at this moment is waited for; whoever comes later finds it gone.
async fn is_in_use(
    transaction: &impl GenericClient,
    registry: &Registry,
    profile: &Profile,
) -> Result<bool, Failure> {
    let (id, organization) = (profile.id.as_str(), &profile.organization);
    if !registry.organizations.get(organization).is_some_and(|found| found.strict_profiles) {
        return Ok(false);
    }
    transaction.execute("SELECT FROM profile WHERE id = $1 FOR UPDATE", &[&id]).await?;
    let providers = registry.providers.values().filter(|provider| provider.organization == *organization);
    let providers: Vec<&Uuid> = providers.map(|provider| provider.id.as_uuid()).collect();
    let statement = "SELECT EXISTS (SELECT FROM association \
        WHERE service_provider_id = ANY ($1) AND amazon_id = $2 AND counted)";
    Ok(transaction.query_one(statement, &[&providers, &id]).await?.try_get(0)?)
}

async fn profile_of(
    transaction: &impl GenericClient,
    organization: &OrganizationId,
    id: &AmazonId,
) -> Result<Option<Profile>, Failure> {
    let found = one(transaction, BY_ID, id.as_str()).await?;
    Ok(found.filter(|found| found.organization == *organization))
}
