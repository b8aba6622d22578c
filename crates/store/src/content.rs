//! The whole content of a directory, as [`Store::reset`](crate::Store::reset) puts it in place of another.

use std::collections::BTreeMap;

use jackfield_model::wire::Association;
use jackfield_model::{OrganizationId, ServiceProviderId};

use crate::change::{Actor, Operation, Origin, Subject};
use crate::registry::{Profile, Record, Registry};
use crate::resource::Resource;

/// Everything that a directory holds, beside its keys and its change record. It keeps the rules of the store: each
/// object's owner is in it, no id, unit or logical id stands twice.
#[derive(Clone, Debug, Default)]
pub struct Content {
    /// The accounts, and maintenance mode.
    pub registry: Registry,
    /// The communication profiles.
    pub profiles: Vec<Profile>,
    /// The associations of each provider that has some.
    pub associations: BTreeMap<ServiceProviderId, Vec<Association>>,
    /// The resources of each organization. What one refers to is there.
    pub resources: Vec<(OrganizationId, Resource)>,
}

impl Content {
    /// What the change record says of a reset to this content: the reset itself, then what is there since, so that
    /// a reader who starts over at the reset knows everything. The objects are the seed's doing.
    pub(crate) fn changes<'c>(
        &'c self,
        origin: &Origin,
    ) -> impl Iterator<Item = (Origin, Operation, Subject)> + 'c {
        let reset = Subject::Object {
            kind: "directory".to_owned(),
            id: "directory".to_owned(),
            before: None,
            after: None,
        };
        let first = (origin.clone(), Operation::Reset, reset);
        let seed = Origin { actor: Actor::Seed, ..origin.clone() };
        // Admin tokens and webhooks outlive a reset.
        let records = self.registry.records().into_iter();
        let outlives = |record: &Record| {
            matches!(record, Record::AdminToken(_) | Record::Webhook(_) | Record::Delivery(_))
        };
        let records = records.filter(move |record| !outlives(record));
        let accounts = records.map(|record| record.creation());
        let profiles = self.profiles.iter().map(|profile| profile.subject(None, Some(profile)));
        let associations = self.associations.iter().flat_map(|(provider, associations)| {
            associations.iter().map(|association| Subject::Association {
                provider: *provider,
                external_user_id: association.external_user_id.clone(),
                before: None,
                after: Some(association.amazon_id.clone()),
            })
        });
        let resources = self.resources.iter().map(|(organization, resource)| resource.creation(organization));
        let created = accounts.chain(profiles).chain(resources).chain(associations);
        std::iter::once(first).chain(created.map(move |subject| (seed.clone(), Operation::Create, subject)))
    }
}
