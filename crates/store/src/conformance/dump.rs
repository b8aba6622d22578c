//! Everything that a store shows, to compare two stores or two moments.

use jackfield_model::inspect::Finding;
use jackfield_model::{OrganizationId, ServiceProviderId};
use serde::Serialize;

use super::resource_rows::whole;
use super::world::{changes, profiles};
use crate::registry::{Client, Organization, Profile, ServiceProvider};
use crate::resource::RowKey;
use crate::verify::{Findings, Pace, verify};
use crate::{AssociationRange, Change, ChangeFilter, Store};

/// What the reading methods of a store say, over all pages.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Dump {
    /// Of each provider that was asked for: its count, and its associations as id and profile.
    pub associations: Vec<(u64, Vec<(String, String)>)>,
    /// Sorted by id.
    pub organizations: Vec<Organization>,
    /// Sorted by id.
    pub clients: Vec<Client>,
    /// Sorted by id.
    pub providers: Vec<ServiceProvider>,
    /// Whether maintenance mode is on, and what it says to clients.
    pub maintenance: jackfield_model::admin::Maintenance,
    /// Of each organization that was asked for.
    pub profiles: Vec<Vec<Profile>>,
    /// The rows of units, address books and contacts of each organization that was asked for, also those that are derived.
    pub resources: Vec<(RowKey, String)>,
    /// Oldest first.
    pub changes: Vec<Change>,
    /// Associations of all providers.
    pub total: u64,
    /// Highest sequence number.
    pub last_change: u64,
}

impl Dump {
    /// Reads everything of the providers and organizations, in pages of `page` items.
    ///
    /// # Panics
    /// When the store cannot be read, or its rows of resources are not what they should be.
    pub async fn of(
        store: &dyn Store,
        providers: &[ServiceProviderId],
        organizations: &[OrganizationId],
        page: usize,
    ) -> Self {
        let mut associations = Vec::new();
        for provider in providers {
            let count = store.count_associations(*provider).await.expect("the store is available");
            associations.push((count, walk(store, *provider, page).await));
        }
        let mut own_profiles = Vec::new();
        for organization in organizations {
            own_profiles.push(profiles(store, organization, page).await);
        }
        let registry = store.registry();
        let stats = store.stats().await.expect("the store is available");
        Self {
            associations,
            organizations: sorted(
                registry.organizations.values().map(|record| Organization::clone(record)),
                |record| record.id.to_string(),
            ),
            clients: sorted(registry.clients.values().map(|record| Client::clone(record)), |record| {
                record.id.to_string()
            }),
            providers: sorted(
                registry.providers.values().map(|record| ServiceProvider::clone(record)),
                |record| record.id.to_string(),
            ),
            maintenance: registry.maintenance,
            profiles: own_profiles,
            resources: whole(store, organizations, &[]).await.into_iter().collect(),
            changes: changes(store, &ChangeFilter { limit: page, ..ChangeFilter::default() }).await,
            total: stats.associations,
            last_change: stats.last_change,
        }
    }

    /// What the other one has differently, in short; nothing when they are the same.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Option<String> {
        if self == other {
            return None;
        }
        let lines = |dump: &Self| -> Vec<String> {
            let text = format!("{dump:#?}");
            text.lines().map(str::to_owned).collect()
        };
        let (ours, theirs) = (lines(self), lines(other));
        let same = ours.iter().zip(&theirs).take_while(|(ours, theirs)| ours == theirs).count();
        let part = |lines: &[String]| lines[same.saturating_sub(20)..lines.len().min(same + 10)].join("\n");
        Some(format!("from line {same} on:\n{}\n--- instead of ---\n{}", part(&ours), part(&theirs)))
    }
}

/// All associations of a provider, in pages.
///
/// # Panics
/// When the store cannot be read, or a page leads nowhere.
pub async fn walk(store: &dyn Store, provider: ServiceProviderId, limit: usize) -> Vec<(String, String)> {
    let mut range = AssociationRange { limit, ..AssociationRange::default() };
    let mut all = Vec::new();
    loop {
        let page = store.list_associations(provider, &range).await.expect("the store is available");
        assert!(page.associations.len() <= limit, "more than asked for");
        range.after = page.associations.last().map(|last| last.external_user_id.clone());
        all.extend(page.associations.into_iter().map(|association| {
            (association.external_user_id.into(), association.amazon_id.suffix().to_owned())
        }));
        if !page.more {
            return all;
        }
        assert!(range.after.is_some(), "an empty page that is not the last");
    }
}

/// That a store is what it should be, as it says itself.
///
/// # Panics
/// When it finds something wrong, or cannot be read.
pub async fn assert_whole(store: &dyn Store) {
    assert_eq!(findings(store).await, []);
}

/// What a verification of a store finds.
///
/// # Panics
/// When the store cannot be read.
pub async fn findings(store: &dyn Store) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut tell = |finding| found.push(finding);
    let mut snapshot = store.snapshot().await.expect("the store is available");
    let verified = verify(&mut *snapshot, Pace::Full, &mut Findings::new(&mut tell), &mut |_| {}).await;
    let verified = verified.expect("the store is available");
    assert_eq!(verified.findings, found.len() as u64);
    found
}

fn sorted<T>(items: impl Iterator<Item = T>, id: impl Fn(&T) -> String) -> Vec<T> {
    let mut items: Vec<T> = items.collect();
    items.sort_by_key(|item| id(item));
    items
}
