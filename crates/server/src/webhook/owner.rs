//! Which organization a change is of, for webhooks that get the changes of one.

use std::collections::HashMap;

use jackfield_model::{OrganizationId, ServiceProviderId, limit};
use jackfield_store::resource::KindOf;
use jackfield_store::{Change, ChangeFilter, Store, StoreError, Subject};
use serde_json::Value;

/// Service providers that are remembered: beyond it all are forgotten, and looked up again.
const REMEMBERED: usize = 10_000;

/// Kinds of objects, beside resources, whose record names their organization.
const OWNED: [&str; 3] = ["client", "profile", "service_provider"];

/// The organizations of service providers that are no more.
#[derive(Default)]
pub(super) struct Owners(HashMap<ServiceProviderId, Option<OrganizationId>>);

impl Owners {
    /// Whether a change is of an organization: of itself, or of what belongs to it.
    pub(super) async fn is_of(
        &mut self,
        store: &dyn Store,
        change: &Change,
        organization: &OrganizationId,
    ) -> Result<bool, StoreError> {
        match &change.subject {
            Subject::Association { provider, .. } => {
                let owner = self.of_provider(store, *provider, change.sequence).await?;
                Ok(owner.as_ref() == Some(organization))
            }
            Subject::Object { kind, id, .. } if kind == "organization" => Ok(id == organization.as_str()),
            Subject::Object { kind, before, after, .. } if is_owned(kind) => {
                let json = after.as_ref().or(before.as_ref());
                Ok(json.and_then(|json| owner_in(json)).as_deref() == Some(organization.as_str()))
            }
            Subject::Object { .. } => Ok(false),
        }
    }

    /// The organization of a provider. Of one that was deleted the record says it, further on.
    async fn of_provider(
        &mut self,
        store: &dyn Store,
        provider: ServiceProviderId,
        sequence: u64,
    ) -> Result<Option<OrganizationId>, StoreError> {
        if let Some(found) = store.registry().providers.get(&provider) {
            return Ok(Some(found.organization.clone()));
        }
        if let Some(known) = self.0.get(&provider) {
            return Ok(known.clone());
        }
        let mut filter = ChangeFilter { provider: Some(provider), after: sequence, limit: limit::FEED_PAGE };
        let owner = loop {
            let page = store.list_changes(&filter).await?;
            let said = page.changes.iter().find_map(|change| match &change.subject {
                Subject::Object { before, after, .. } => owner_in(before.as_ref().or(after.as_ref())?),
                Subject::Association { .. } => None,
            });
            if said.is_some() || !page.more {
                break said.and_then(|id| id.parse().ok());
            }
            filter.after = page.next_after;
        };
        if self.0.len() >= REMEMBERED {
            self.0.clear();
        }
        self.0.insert(provider, owner.clone());
        Ok(owner)
    }
}

/// Whether a kind of object belongs to an organization.
fn is_owned(kind: &str) -> bool {
    OWNED.contains(&kind) || KindOf::is_name(kind)
}

/// The organization that an object of the change record names.
fn owner_in(json: &str) -> Option<String> {
    let value: Value = serde_json::from_str(json).ok()?;
    Some(value.get("organization")?.as_str()?.to_owned())
}
