//! Whether a store is what it should be: everything in it is read, and whatever is kept twice is compared.
//!
//! What every store shows is checked here, on one moment of it: accounts, profiles, resources and what they refer to,
//! associations and their counts, the order of changes. What only an adapter knows (files, indexes, counts that it maintains) it checks itself on the same
//! moment, against what was seen here: [`Snapshot::verify`].

use std::collections::HashSet;
use std::time::Instant;

use jackfield_model::inspect::Verified;
use jackfield_model::{AmazonId, OrganizationId, ServiceProviderId};

pub use crate::contract::Findings;
use crate::contract::{PAGE_ROWS, Seen, Snapshot, Sum};
use crate::error::StoreError;
use crate::registry::Registry;
use crate::resource::{Referred, Resource, RowKey};

/// How much of the machine a verification takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// What it can get.
    Full,
    /// After each page of rows it rests three times as long as that took: others are served meanwhile.
    Quarter,
}

/// Reads everything of a moment and tells what is wrong with it. `progress` hears after each page how far it is.
///
/// # Errors
/// [`StoreError`] when the moment cannot be read to its end.
pub async fn verify(
    snapshot: &mut dyn Snapshot,
    pace: Pace,
    findings: &mut Findings<'_>,
    progress: &mut (dyn FnMut(&Verified) + Send),
) -> Result<Verified, StoreError> {
    let registry = std::sync::Arc::clone(snapshot.registry());
    let mut pass =
        Pass { snapshot, pace, findings, progress, done: Verified::default(), seen: Seen::default() };
    pass.accounts(&registry);
    pass.profiles(&registry).await?;
    pass.resources(&registry).await?;
    pass.associations(&registry).await?;
    pass.changes().await?;
    let Pass { snapshot, findings, mut done, seen, .. } = pass;
    snapshot.verify(&seen, findings).await?;
    done.findings = findings.count();
    Ok(done)
}

struct Pass<'a, 'f> {
    snapshot: &'a mut dyn Snapshot,
    pace: Pace,
    findings: &'a mut Findings<'f>,
    progress: &'a mut (dyn FnMut(&Verified) + Send),
    done: Verified,
    seen: Seen,
}

impl Pass<'_, '_> {
    fn accounts(&mut self, registry: &Registry) {
        self.done.accounts = registry.records().len() as u64;
        let known = |id: &OrganizationId| registry.organizations.contains_key(id);
        for client in registry.clients.values().filter(|client| !known(&client.organization)) {
            self.findings.add(format!("client {}", client.id), "its organization is not there");
        }
        let mut names = HashSet::new();
        for provider in registry.providers.values() {
            let place = format!("service provider {}", provider.id);
            if !known(&provider.organization) {
                self.findings.add(&place, "its organization is not there");
            }
            if !names.insert((&provider.organization, &provider.logical_id)) {
                self.findings.add(&place, "another one of the organization has the same logical id");
            }
        }
    }

    async fn profiles(&mut self, registry: &Registry) -> Result<(), StoreError> {
        let mut after: Option<AmazonId> = None;
        loop {
            let started = Instant::now();
            let page = self.snapshot.profiles(after.as_ref(), PAGE_ROWS).await;
            let place =
                after.as_ref().map_or_else(|| "profiles".to_owned(), |id| format!("profiles after {id}"));
            let Some(page) = self.findings.readable(place, page)? else {
                self.seen.profiles_missing = true;
                return Ok(());
            };
            for profile in &page {
                let place = format!("profile {}", profile.id);
                if after.as_ref().is_some_and(|last| *last >= profile.id) {
                    self.findings.add(&place, "it is out of order");
                }
                if !registry.organizations.contains_key(&profile.organization) {
                    self.findings.add(place, "its organization is not there");
                }
                let mut sum = self.seen.profiles.remove(&profile.organization).unwrap_or_default();
                self.seen.add(&mut sum, profile.id.as_str(), 1);
                self.seen.profiles.insert(profile.organization.clone(), sum);
                let mut units = self.seen.units;
                self.seen.add(&mut units, (profile.unit.as_str(), profile.id.as_str()), 1);
                self.seen.units = units;
                after = Some(profile.id.clone());
            }
            self.done.profiles += page.len() as u64;
            self.rest(started).await;
            if page.len() < PAGE_ROWS {
                return Ok(());
            }
        }
    }

    async fn resources(&mut self, registry: &Registry) -> Result<(), StoreError> {
        let mut after: Option<RowKey> = None;
        loop {
            let started = Instant::now();
            let page = self.snapshot.resources(after.as_ref(), PAGE_ROWS).await;
            let place =
                after.as_ref().map_or_else(|| "resources".to_owned(), |key| format!("resources after {key}"));
            let Some(page) = self.findings.readable(place, page)? else {
                self.seen.resources_missing = true;
                return Ok(());
            };
            let (mut from, mut targets) = (Vec::new(), Vec::new());
            for (key, text) in &page {
                if after.as_ref().is_some_and(|last| last >= key) {
                    self.findings.add(key.to_string(), "it is out of order");
                }
                for (what, target) in self.resource(key, text, registry) {
                    from.push((key, what));
                    targets.push(target);
                }
                after = Some(key.clone());
            }
            let there = self.snapshot.are_there(&targets).await;
            if let Some(there) = self.findings.readable("what resources refer to", there)? {
                for ((key, what), _) in from.iter().zip(there).filter(|(_, there)| !there) {
                    self.findings.add(key.to_string(), format!("its {what} is not there"));
                }
            }
            self.done.resources += page.len() as u64;
            self.rest(started).await;
            if page.len() < PAGE_ROWS {
                return Ok(());
            }
        }
    }

    /// Checks a row of a resource by itself. Answers what it refers to.
    fn resource(&mut self, key: &RowKey, text: &str, registry: &Registry) -> Vec<(&'static str, Referred)> {
        let organization = key.organization().filter(|id| registry.organizations.contains_key(id));
        let Some(organization) = organization else {
            self.findings.add(key.to_string(), "its organization is not there");
            self.seen.resources_missing = true;
            return Vec::new();
        };
        let resource = match Resource::from_row(key.list.table, text) {
            Ok(resource) => resource,
            Err(cause) => {
                self.findings.add(key.to_string(), cause);
                self.seen.resources_missing = true;
                return Vec::new();
            }
        };
        if resource.key(&organization) != *key {
            self.findings.add(key.to_string(), "it stands under the key of another");
        }
        for (row, text) in resource.rows(&organization) {
            if row.list.table.is_derived() {
                let mut sum = self.seen.derived.remove(&row.list.table).unwrap_or_default();
                self.seen.add(&mut sum, (&row, text.as_str()), 1);
                self.seen.derived.insert(row.list.table, sum);
            }
        }
        let references = resource.references(&organization).into_iter();
        references.map(|reference| (reference.what, reference.target)).collect()
    }

    async fn associations(&mut self, registry: &Registry) -> Result<(), StoreError> {
        let mut providers: Vec<_> = registry.providers.values().collect();
        providers.sort_unstable_by_key(|provider| provider.id);
        for provider in providers {
            let mut uses = self.seen.uses.remove(&provider.organization).unwrap_or_default();
            let held = self.associations_of(provider.id, &mut uses).await?;
            self.seen.uses.insert(provider.organization.clone(), uses);
            let counted = self.snapshot.count(provider.id).await?;
            if let Some(held) = held.filter(|held| *held != counted) {
                let problem = format!("{counted} associations are counted, {held} are there");
                self.findings.add(format!("service provider {}", provider.id), problem);
            }
        }
        let total = self.snapshot.totals().associations;
        if total != self.done.associations && !self.seen.associations_missing {
            let problem = format!("{total} are counted in all, {} are there", self.done.associations);
            self.findings.add("associations", problem);
        }
        Ok(())
    }

    /// How many associations a provider has; nothing when they cannot all be read.
    async fn associations_of(
        &mut self,
        provider: ServiceProviderId,
        uses: &mut Sum,
    ) -> Result<Option<u64>, StoreError> {
        let mut after = None;
        let mut held = 0;
        loop {
            let started = Instant::now();
            let page = self.snapshot.associations(provider, after.as_ref(), PAGE_ROWS).await;
            // Ids are private: none is told.
            let place = format!("associations of {provider} after the first {held}");
            let Some(page) = self.findings.readable(place, page)? else {
                self.seen.associations_missing = true;
                return Ok(None);
            };
            for row in &page {
                if after.as_ref().is_some_and(|last| *last >= row.external_user_id) {
                    self.findings
                        .add(format!("association {} of {provider}", held + 1), "it is out of order");
                }
                if row.counted {
                    self.seen.add(uses, row.amazon_id.as_str(), 1);
                }
                after = Some(row.external_user_id.clone());
                held += 1;
            }
            self.done.associations += page.len() as u64;
            self.rest(started).await;
            if page.len() < PAGE_ROWS {
                return Ok(Some(held));
            }
        }
    }

    async fn changes(&mut self) -> Result<(), StoreError> {
        let last = self.snapshot.totals().last_change;
        let mut after = 0;
        loop {
            let started = Instant::now();
            let page = self.snapshot.changes(after, PAGE_ROWS).await;
            let place = format!("changes after {after}");
            let Some(page) = self.findings.readable(place, page)? else { return Ok(()) };
            for change in &page {
                let place = format!("change {}", change.sequence);
                if change.sequence <= after {
                    self.findings.add(&place, "it is out of order");
                }
                if change.sequence > last {
                    self.findings.add(place, format!("numbers were given out up to {last} only"));
                }
                after = after.max(change.sequence);
            }
            self.done.changes += page.len() as u64;
            self.rest(started).await;
            if page.len() < PAGE_ROWS {
                return Ok(());
            }
        }
    }

    async fn rest(&mut self, started: Instant) {
        self.done.findings = self.findings.count();
        (self.progress)(&self.done);
        match self.pace {
            Pace::Full => {}
            Pace::Quarter => tokio::time::sleep(started.elapsed() * 3).await,
        }
    }
}
