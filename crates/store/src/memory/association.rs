//! Associations in memory, and how many count at each profile.

use std::ops::Bound;

use async_trait::async_trait;
use jackfield_model::wire::Association;
use jackfield_model::{AmazonId, ExternalUserId, OrganizationId, ServiceProviderId};

use super::{MemoryStore, State, Target};
use crate::change::{Operation, Origin, Subject};
use crate::contract::{
    AssociationPage, AssociationRange, AssociationStore, CreateOutcome, DeleteOutcome, UpdateOutcome,
    WriteAssociation,
};
use crate::error::StoreError;

impl State {
    fn has_profile(&self, owner: Option<&OrganizationId>, id: &AmazonId) -> bool {
        owner.is_none_or(|owner| self.profiles.get(id).is_some_and(|found| found.organization == *owner))
    }

    /// What an association of a provider of `organization` with this profile points at, counted.
    pub(super) fn point(&mut self, organization: OrganizationId, amazon_id: AmazonId) -> Target {
        let counted_at = self.profile_of(&organization, &amazon_id).is_some().then_some(organization);
        if let Some(organization) = counted_at.clone() {
            *self.uses.entry((organization, amazon_id.clone())).or_default() += 1;
        }
        Target { amazon_id, counted_at }
    }

    /// Counts no more what an association pointed at.
    pub(super) fn unpoint(&mut self, target: &Target) {
        let Some(organization) = target.counted_at.clone() else { return };
        let key = (organization, target.amazon_id.clone());
        if let Some(count) = self.uses.get_mut(&key) {
            *count -= 1;
            if *count == 0 {
                self.uses.remove(&key);
            }
        }
    }

    pub(super) fn remove_associations(&mut self, provider: ServiceProviderId, origin: &Origin) {
        for (external_user_id, target) in self.associations.remove(&provider).unwrap_or_default() {
            self.unpoint(&target);
            let before = Some(target.amazon_id);
            let subject = Subject::Association { provider, external_user_id, before, after: None };
            self.record(origin.clone(), Operation::Delete, subject);
        }
    }
}

impl MemoryStore {
    fn find(&self, provider: ServiceProviderId, ids: &[ExternalUserId]) -> Vec<Association> {
        let state = self.0.read();
        let Some(held) = state.associations.get(&provider) else { return Vec::new() };
        let mut found = Vec::with_capacity(ids.len());
        found.extend(ids.iter().filter_map(|id| {
            held.get(id).map(|target| Association::new(id.clone(), target.amazon_id.clone()))
        }));
        found
    }
}

#[async_trait]
impl AssociationStore for MemoryStore {
    async fn create_association(&self, write: WriteAssociation) -> Result<CreateOutcome, StoreError> {
        let WriteAssociation { provider, association, profile_owner, origin } = write;
        let mut state = self.0.write();
        let Some(organization) = self.0.organization(provider) else {
            return Ok(CreateOutcome::NoSuchProvider);
        };
        if !state.has_profile(profile_owner.as_ref(), &association.amazon_id) {
            return Ok(CreateOutcome::NoSuchProfile);
        }
        let Association { external_user_id, amazon_id, .. } = association;
        if state.associations.get(&provider).is_some_and(|held| held.contains_key(&external_user_id)) {
            return Ok(CreateOutcome::Exists);
        }
        let target = state.point(organization, amazon_id.clone());
        state.associations.entry(provider).or_default().insert(external_user_id.clone(), target);
        let subject =
            Subject::Association { provider, external_user_id, before: None, after: Some(amazon_id) };
        state.record(origin, Operation::Create, subject);
        Ok(CreateOutcome::Created)
    }

    async fn update_association(&self, write: WriteAssociation) -> Result<UpdateOutcome, StoreError> {
        let WriteAssociation { provider, association, profile_owner, origin } = write;
        let mut state = self.0.write();
        let Some(organization) = self.0.organization(provider) else {
            return Ok(UpdateOutcome::NoSuchProvider);
        };
        let known_profile = state.has_profile(profile_owner.as_ref(), &association.amazon_id);
        let Association { external_user_id, amazon_id, .. } = association;
        let found = state.associations.get(&provider).and_then(|held| held.get(&external_user_id)).cloned();
        let Some(target) = found else { return Ok(UpdateOutcome::NotFound) };
        if !known_profile {
            return Ok(UpdateOutcome::NoSuchProfile);
        }
        if target.amazon_id == amazon_id {
            return Ok(UpdateOutcome::Updated);
        }
        state.unpoint(&target);
        let new = state.point(organization, amazon_id.clone());
        state.associations.entry(provider).or_default().insert(external_user_id.clone(), new);
        let before = target.amazon_id;
        let subject =
            Subject::Association { provider, external_user_id, before: Some(before), after: Some(amazon_id) };
        state.record(origin, Operation::Update, subject);
        Ok(UpdateOutcome::Updated)
    }

    async fn delete_association(
        &self,
        provider: ServiceProviderId,
        external_user_id: ExternalUserId,
        origin: Origin,
    ) -> Result<DeleteOutcome, StoreError> {
        let mut state = self.0.write();
        if self.0.organization(provider).is_none() {
            return Ok(DeleteOutcome::NoSuchProvider);
        }
        let removed = state.associations.get_mut(&provider).and_then(|held| held.remove(&external_user_id));
        let Some(target) = removed else { return Ok(DeleteOutcome::NotFound) };
        state.unpoint(&target);
        let before = Some(target.amazon_id);
        let subject = Subject::Association { provider, external_user_id, before, after: None };
        state.record(origin, Operation::Delete, subject);
        Ok(DeleteOutcome::Deleted)
    }

    async fn find_associations(
        &self,
        provider: ServiceProviderId,
        ids: &[ExternalUserId],
    ) -> Result<Vec<Association>, StoreError> {
        Ok(self.find(provider, ids))
    }

    fn find_associations_now(
        &self,
        provider: ServiceProviderId,
        ids: &[ExternalUserId],
    ) -> Option<Result<Vec<Association>, StoreError>> {
        Some(Ok(self.find(provider, ids)))
    }

    async fn list_associations(
        &self,
        provider: ServiceProviderId,
        range: &AssociationRange,
    ) -> Result<AssociationPage, StoreError> {
        let state = self.0.read();
        let mut page = AssociationPage { associations: Vec::new(), more: false };
        let Some(held) = state.associations.get(&provider) else { return Ok(page) };
        let after = range.after.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
        let mut matching = held
            .range::<ExternalUserId, _>((after, Bound::Unbounded))
            .filter(|(id, _)| id.as_str().starts_with(&range.prefix))
            .map(|(id, target)| Association::new(id.clone(), target.amazon_id.clone()));
        page.associations.extend(matching.by_ref().take(range.limit));
        page.more = matching.next().is_some();
        Ok(page)
    }

    async fn count_associations(&self, provider: ServiceProviderId) -> Result<u64, StoreError> {
        Ok(self.0.read().associations.get(&provider).map_or(0, |held| held.len() as u64))
    }
}
