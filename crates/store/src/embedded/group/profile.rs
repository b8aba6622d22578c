//! The part of a group that is about communication profiles: the profiles themselves, and how many associations
//! are counted at each.
//!
//! Counting costs nothing where an organization has no profiles, and otherwise one look-up for each association that
//! is pointed somewhere. The association's own row says whether it was counted, so that it is taken off again exactly
//! once, whatever became of the profile meanwhile.

use std::collections::HashMap;

use jackfield_model::{AmazonId, OrganizationId, UnitId};

use super::super::codec::{self, Target};
use super::super::layout::{self, Key, Space};
use super::super::profile_rows as profile;
use super::Group;
use crate::change::{Operation, Origin};
use crate::contract::{
    Admission, CreateProfileOutcome, DeleteProfileOutcome, PutProfileOutcome, UpdateOutcome,
};
use crate::error::StoreError;
use crate::registry::Profile;
use crate::resource::{RowKey, Table};

impl Group<'_> {
    pub(in super::super) fn create_profile(
        &mut self,
        profile: &Profile,
        origin: Origin,
    ) -> Result<CreateProfileOutcome, StoreError> {
        let admission = self.admission(profile)?;
        if admission == Admission::Admitted {
            self.store_profile(None, profile, origin);
        }
        Ok(admission.into())
    }

    /// Stores profiles one after the other. A failure takes back what was taken down before it.
    pub(in super::super) fn put_profiles(
        &mut self,
        profiles: Vec<Profile>,
        origin: &Origin,
    ) -> Result<Vec<PutProfileOutcome>, StoreError> {
        let before = self.clone();
        let put = |new: Profile| match self.admission(&new)?.put(new) {
            Ok((before, after)) => {
                self.store_profile(before.as_ref(), &after, origin.clone());
                Ok(PutProfileOutcome::Stored(after))
            }
            Err(refused) => Ok(refused),
        };
        let outcomes: Result<Vec<_>, _> = profiles.into_iter().map(put).collect();
        if outcomes.is_err() {
            *self = before;
        }
        outcomes
    }

    fn admission(&self, new: &Profile) -> Result<Admission, StoreError> {
        if !self.registry.organizations.contains_key(&new.organization) {
            return Ok(Admission::NoSuchOrganization);
        }
        if let Some(found) = self.find_profile_of_unit(&new.unit)? {
            return Ok(Admission::UnitHasProfile(found));
        }
        if self.find_profile(&new.id)?.is_some() {
            return Ok(Admission::IdTaken);
        }
        match self.resource_row(&RowKey::owner(Table::Unit, new.unit.suffix()))? {
            Some(owner) if owner != new.organization.suffix() => return Ok(Admission::UnitTaken),
            None if self.registry.wants_unit(&new.organization, &new.unit) => {
                return Ok(Admission::NoSuchUnit);
            }
            _ => {}
        }
        let count = self.counts.profiles(&new.organization);
        let reached = self.registry.profile_quota_reached(&new.organization, count);
        Ok(reached.map_or(Admission::Admitted, Admission::QuotaReached))
    }

    /// Stores a profile in the place of another, or a new one.
    fn store_profile(&mut self, before: Option<&Profile>, after: &Profile, origin: Origin) {
        let operation = match before {
            Some(before) if before == after => return,
            Some(_) => {
                self.put_profile(after);
                Operation::Update
            }
            None => {
                self.add_profile(after);
                Operation::Create
            }
        };
        self.record(origin, operation, after.subject(before, Some(after)));
    }

    /// The rows of a new profile, and its count.
    pub(in super::super) fn add_profile(&mut self, profile: &Profile) {
        let unit = layout::profile_of_unit(&profile.unit);
        self.put(Space::Profile, unit, Some(codec::encode_amazon_id(&profile.id)));
        let index = layout::profile_of_organization(&profile.organization, &profile.id);
        self.put(Space::Profile, index, Some([].into()));
        self.put_profile(profile);
        self.set_profile_count(&profile.organization, self.counts.profiles(&profile.organization) + 1);
    }

    pub(in super::super) fn rename_profile(
        &mut self,
        organization: &OrganizationId,
        id: &AmazonId,
        name: Option<String>,
        origin: Origin,
    ) -> Result<UpdateOutcome, StoreError> {
        let Some(before) = self.profile_of(organization, id)? else { return Ok(UpdateOutcome::NotFound) };
        let after = Profile { name, ..before.clone() };
        self.store_profile(Some(&before), &after, origin);
        Ok(UpdateOutcome::Updated)
    }

    pub(in super::super) fn delete_profile(
        &mut self,
        organization: &OrganizationId,
        id: &AmazonId,
        origin: Origin,
    ) -> Result<DeleteProfileOutcome, StoreError> {
        let Some(before) = self.profile_of(organization, id)? else {
            return Ok(DeleteProfileOutcome::NotFound);
        };
        let strict = self.registry.organizations.get(organization).is_some_and(|found| found.strict_profiles);
        if strict && self.get(Space::Profile, &layout::profile_uses(organization, id))?.is_some() {
            return Ok(DeleteProfileOutcome::InUse);
        }
        let Some(resources) = self.resources_of_profile(organization, id)? else {
            return Ok(DeleteProfileOutcome::TooManyDependents);
        };
        self.store_decided(resources, &origin);
        self.put(Space::Profile, layout::profile(id), None);
        self.put(Space::Profile, layout::profile_of_unit(&before.unit), None);
        self.put(Space::Profile, layout::profile_of_organization(organization, id), None);
        self.set_profile_count(organization, self.counts.profiles(organization).saturating_sub(1));
        self.record(origin, Operation::Delete, before.subject(Some(&before), None));
        Ok(DeleteProfileOutcome::Deleted)
    }

    /// What an association of the organization with this profile points at.
    pub(in super::super) fn target(
        &self,
        organization: &OrganizationId,
        amazon_id: AmazonId,
    ) -> Result<Target, StoreError> {
        let counted =
            self.counts.profiles(organization) > 0 && self.profile_of(organization, &amazon_id)?.is_some();
        Ok(Target { amazon_id, counted })
    }

    /// How many associations are counted at each profile that the targets name, when each is counted so many times
    /// more.
    pub(in super::super) fn uses<'t>(
        &self,
        organization: &OrganizationId,
        changes: impl IntoIterator<Item = (&'t Target, i64)>,
    ) -> Result<HashMap<Key, u64>, StoreError> {
        let mut uses = HashMap::new();
        for (target, by) in changes {
            if !target.counted {
                continue;
            }
            let key = layout::profile_uses(organization, &target.amazon_id);
            let count = match uses.get(&key) {
                Some(count) => *count,
                None => self.get(Space::Profile, &key)?.map_or(Ok(0), |value| codec::decode_count(&value))?,
            };
            uses.insert(key, count.saturating_add_signed(by));
        }
        Ok(uses)
    }

    pub(in super::super) fn set_uses(&mut self, uses: HashMap<Key, u64>) {
        for (key, count) in uses {
            self.put(Space::Profile, key, (count > 0).then(|| codec::encode_count(count)));
        }
    }

    pub(super) fn find_profile_of_unit(&self, unit: &UnitId) -> Result<Option<Profile>, StoreError> {
        profile::find_of_unit(unit, |key| self.get(Space::Profile, key))
    }

    pub(super) fn find_profile(&self, id: &AmazonId) -> Result<Option<Profile>, StoreError> {
        profile::find(id, |key| self.get(Space::Profile, key))
    }

    fn profile_of(
        &self,
        organization: &OrganizationId,
        id: &AmazonId,
    ) -> Result<Option<Profile>, StoreError> {
        Ok(self.find_profile(id)?.filter(|found| found.organization == *organization))
    }

    pub(super) fn has_profile(
        &self,
        owner: Option<&OrganizationId>,
        id: &AmazonId,
    ) -> Result<bool, StoreError> {
        match owner {
            None => Ok(true),
            Some(owner) => Ok(self.profile_of(owner, id)?.is_some()),
        }
    }

    fn put_profile(&mut self, profile: &Profile) {
        let value = serde_json::to_vec(profile).expect("profiles have text keys and no failing values");
        self.put(Space::Profile, layout::profile(&profile.id), Some(value.into()));
    }

    fn set_profile_count(&mut self, organization: &OrganizationId, count: u64) {
        self.counts.set_profiles(organization, count);
        let value = (count > 0).then(|| codec::encode_count(count));
        self.put(Space::Meta, layout::profile_count(organization), value);
    }
}
