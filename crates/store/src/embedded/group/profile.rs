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
use super::super::view::json;
use super::Group;
use crate::change::{Operation, Origin};
use crate::registry::Profile;
use crate::{CreateProfileOutcome, DeleteProfileOutcome, PutProfileOutcome, StoreError, UpdateOutcome};

impl Group<'_> {
    pub(in super::super) fn create_profile(
        &mut self,
        profile: &Profile,
        origin: Origin,
    ) -> Result<CreateProfileOutcome, StoreError> {
        if !self.registry.organizations.contains_key(&profile.organization) {
            return Ok(CreateProfileOutcome::NoSuchOrganization);
        }
        if let Some(own) = self.find_profile_of_unit(&profile.unit)? {
            return Ok(CreateProfileOutcome::UnitHasProfile(own));
        }
        if self.find_profile(&profile.id)?.is_some() {
            return Ok(CreateProfileOutcome::IdTaken);
        }
        if let Some(most) = self.profile_quota_reached(&profile.organization) {
            return Ok(CreateProfileOutcome::QuotaReached(most));
        }
        self.insert_profile(profile, origin);
        Ok(CreateProfileOutcome::Created)
    }

    /// Stores profiles one after the other. A failure takes back what was taken down before it.
    pub(in super::super) fn put_profiles(
        &mut self,
        profiles: Vec<Profile>,
        origin: &Origin,
    ) -> Result<Vec<PutProfileOutcome>, StoreError> {
        let (pending, counts, last_change) = (self.pending.clone(), self.counts.clone(), self.last_change);
        let outcomes: Result<Vec<_>, _> =
            profiles.into_iter().map(|profile| self.put_new_profile(profile, origin)).collect();
        if outcomes.is_err() {
            (self.pending, self.counts, self.last_change) = (pending, counts, last_change);
        }
        outcomes
    }

    fn put_new_profile(&mut self, new: Profile, origin: &Origin) -> Result<PutProfileOutcome, StoreError> {
        if !self.registry.organizations.contains_key(&new.organization) {
            return Ok(PutProfileOutcome::NoSuchOrganization);
        }
        match self.find_profile_of_unit(&new.unit)? {
            Some(own) if own.organization != new.organization => Ok(PutProfileOutcome::UnitTaken),
            Some(own) => {
                let after = Profile { name: new.name.or_else(|| own.name.clone()), ..own.clone() };
                self.replace_profile(&own, &after, origin.clone());
                Ok(PutProfileOutcome::Stored(after))
            }
            None if self.find_profile(&new.id)?.is_some() => Ok(PutProfileOutcome::IdTaken),
            None => match self.profile_quota_reached(&new.organization) {
                Some(most) => Ok(PutProfileOutcome::QuotaReached(most)),
                None => {
                    self.insert_profile(&new, origin.clone());
                    Ok(PutProfileOutcome::Stored(new))
                }
            },
        }
    }

    fn profile_quota_reached(&self, organization: &OrganizationId) -> Option<u32> {
        self.registry.profile_quota_reached(organization, self.counts.profiles(organization))
    }

    fn insert_profile(&mut self, profile: &Profile, origin: Origin) {
        self.add_profile(profile);
        self.record(origin, Operation::Create, profile.subject(None, Some(profile)));
    }

    /// The rows of a new profile, and its count.
    pub(in super::super) fn add_profile(&mut self, profile: &Profile) {
        let unit = layout::profile_of_unit(&profile.unit);
        self.put(Space::Profile, unit, Some(codec::encode_amazon_id(&profile.id)));
        let index = layout::profile_of_organization(&profile.organization, &profile.id);
        self.put(Space::Profile, index, Some(Vec::new()));
        self.put_profile(profile);
        self.set_profile_count(&profile.organization, self.counts.profiles(&profile.organization) + 1);
    }

    fn replace_profile(&mut self, before: &Profile, after: &Profile, origin: Origin) {
        if after != before {
            self.put_profile(after);
            self.record(origin, Operation::Update, after.subject(Some(before), Some(after)));
        }
    }

    pub(in super::super) fn rename_profile(
        &mut self,
        organization: &OrganizationId,
        id: &AmazonId,
        name: Option<String>,
        origin: Origin,
    ) -> Result<UpdateOutcome, StoreError> {
        let Some(before) = self.own_profile(organization, id)? else { return Ok(UpdateOutcome::NotFound) };
        let after = Profile { name, ..before.clone() };
        self.replace_profile(&before, &after, origin);
        Ok(UpdateOutcome::Updated)
    }

    pub(in super::super) fn delete_profile(
        &mut self,
        organization: &OrganizationId,
        id: &AmazonId,
        origin: Origin,
    ) -> Result<DeleteProfileOutcome, StoreError> {
        let Some(before) = self.own_profile(organization, id)? else {
            return Ok(DeleteProfileOutcome::NotFound);
        };
        let strict = self.registry.organizations.get(organization).is_some_and(|own| own.strict_profiles);
        if strict && self.get(Space::Profile, &layout::profile_uses(organization, id))?.is_some() {
            return Ok(DeleteProfileOutcome::InUse);
        }
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
            self.counts.profiles(organization) > 0 && self.own_profile(organization, &amazon_id)?.is_some();
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

    fn find_profile_of_unit(&self, unit: &UnitId) -> Result<Option<Profile>, StoreError> {
        let Some(id) = self.get(Space::Profile, &layout::profile_of_unit(unit))? else { return Ok(None) };
        let found = self.find_profile(&codec::decode_amazon_id(&id)?)?;
        found.map_or_else(|| Err(codec::corrupt("profile", &"not there")), |own| Ok(Some(own)))
    }

    fn find_profile(&self, id: &AmazonId) -> Result<Option<Profile>, StoreError> {
        self.get(Space::Profile, &layout::profile(id))?.map(|value| json(&value, "profile")).transpose()
    }

    fn own_profile(
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
            Some(owner) => Ok(self.own_profile(owner, id)?.is_some()),
        }
    }

    fn put_profile(&mut self, profile: &Profile) {
        let value = serde_json::to_vec(profile).expect("profiles have text keys and no failing values");
        self.put(Space::Profile, layout::profile(&profile.id), Some(value));
    }

    fn set_profile_count(&mut self, organization: &OrganizationId, count: u64) {
        self.counts.set_profiles(organization, count);
        let value = (count > 0).then(|| codec::encode_count(count));
        self.put(Space::Meta, layout::profile_count(organization), value);
    }
}
