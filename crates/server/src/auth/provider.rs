//! The handle through which operations reach the store: bound to one provider that the caller may use.

use std::sync::Arc;

use arc_swap::Guard;
use jackfield_model::admin::DisplayName;
use jackfield_model::wire::Association;
use jackfield_model::{ClientId, ExternalUserId, OrganizationId, RequestId, ServiceProviderId, limit};
use jackfield_store::registry::{NetworkChange, ServiceProvider};
use jackfield_store::{
    Actor, AssociationPage, AssociationRange, CreateOutcome, DeleteOutcome, Origin, RegistryCommand,
    RegistryOutcome, Store, StoreError, UpdateOutcome, WriteAssociation,
};

use super::{Caller, Grant};
use crate::credential::page_token::PageTokens;
use crate::credential::signing::{Signing, SigningKeys};
use crate::error::{ApiError, Unauthorized};
use crate::group::Group;
use crate::sandbox::clock::Clock;
use crate::state::State;

/// A provider that the caller may use, and on whose behalf.
pub(crate) struct Provider<'a> {
    store: &'a dyn Store,
    signing: &'a Signing,
    clock: &'a Clock,
    id: ServiceProviderId,
    profile_owner: Option<OrganizationId>,
    lenient: bool,
    client: Arc<ClientId>,
    request_id: RequestId,
}

/// Grants the service provider of the path.
pub(crate) enum OfProvider {}

impl Grant for OfProvider {
    type Handle<'a> = Provider<'a>;

    /// The checks are in the order of the contract: provider known, provider owned, add-on, availability.
    async fn grant<'a>(
        state: &'a State,
        caller: &Caller,
        group: Group,
        parameter: &str,
        request_id: RequestId,
    ) -> Result<Provider<'a>, ApiError> {
        let id = parameter.parse::<ServiceProviderId>().ok();
        let Some(provider) = id.and_then(|id| caller.registry.providers.get(&id)) else {
            return Err(ApiError::NoSuchProvider);
        };
        if provider.organization != caller.client().organization {
            return Err(ApiError::Unauthorized(Unauthorized::OtherOrganization));
        }
        let organization = caller.check_organization_access(group)?;
        Ok(Provider {
            store: &*state.store,
            signing: state.signing_keys(),
            clock: &state.sandbox.clock,
            id: provider.id,
            profile_owner: organization.strict_profiles.then(|| organization.id.clone()),
            lenient: state.lenient && organization.lenient,
            client: Arc::clone(&caller.client().id),
            request_id,
        })
    }
}

impl Provider<'_> {
    /// Whether the server and the organization are lenient.
    pub(crate) const fn is_lenient(&self) -> bool {
        self.lenient
    }

    pub(crate) async fn create(self, association: Association) -> Result<CreateOutcome, StoreError> {
        let _step = super::store_step();
        self.store.create_association(self.write(association)).await
    }

    pub(crate) async fn update(self, association: Association) -> Result<UpdateOutcome, StoreError> {
        let _step = super::store_step();
        self.store.update_association(self.write(association)).await
    }

    pub(crate) async fn delete(self, external_user_id: ExternalUserId) -> Result<DeleteOutcome, StoreError> {
        let _step = super::store_step();
        self.store.delete_association(self.id, external_user_id, self.origin()).await
    }

    pub(crate) async fn find(&self, ids: &[ExternalUserId]) -> Result<Vec<Association>, StoreError> {
        let _step = super::store_step();
        match self.store.find_associations_now(self.id, ids) {
            Some(found) => found,
            None => self.store.find_associations(self.id, ids).await,
        }
    }

    pub(crate) async fn list(
        &self,
        after: Option<ExternalUserId>,
        limit: usize,
    ) -> Result<AssociationPage, StoreError> {
        let range = AssociationRange { prefix: String::new(), after, limit };
        let _step = super::store_step();
        self.store.list_associations(self.id, &range).await
    }

    pub(crate) async fn count(&self) -> Result<u64, StoreError> {
        let _step = super::store_step();
        self.store.count_associations(self.id).await
    }

    /// Page tokens of this provider for a filter.
    pub(crate) fn page_tokens<'q>(&'q self, filter: Option<&'q [ExternalUserId]>) -> PageTokens<'q> {
        PageTokens::new(self.clock.seconds(), self.id, filter)
    }

    /// The keys that sign and verify page tokens.
    pub(crate) fn signing_keys(&self) -> Guard<Arc<SigningKeys>> {
        self.signing.now(self.store)
    }

    /// Learns about changes on other nodes. Returns whether there may be new ones.
    pub(crate) async fn refresh(&self) -> Result<bool, StoreError> {
        self.store.refresh().await
    }

    /// The provider itself; nothing when it was deleted since the caller was authorized.
    pub(crate) fn record(&self) -> Option<Arc<ServiceProvider>> {
        self.store.registry().providers.get(&self.id).cloned()
    }

    pub(crate) async fn rename(self, names: Vec<DisplayName>) -> Result<RegistryOutcome, StoreError> {
        let rename = RegistryCommand::UpdateServiceProvider(self.id, names);
        self.store.change_registry(rename, self.origin()).await
    }

    pub(crate) async fn change_network(self, change: NetworkChange) -> Result<RegistryOutcome, StoreError> {
        let change = RegistryCommand::ChangeNetwork(self.id, change);
        self.store.change_registry(change, self.origin()).await
    }

    /// Removes the provider; with its associations where `cascade` says so.
    pub(crate) async fn remove(self, cascade: bool) -> Result<RegistryOutcome, StoreError> {
        let most = limit::CASCADE_ASSOCIATIONS;
        let remove = match cascade {
            true => RegistryCommand::DeleteServiceProviderWithAssociations(self.id, most),
            false => RegistryCommand::DeleteServiceProvider(self.id),
        };
        self.store.change_registry(remove, self.origin()).await
    }

    fn write(&self, association: Association) -> WriteAssociation {
        WriteAssociation {
            provider: self.id,
            association,
            profile_owner: self.profile_owner.clone(),
            origin: self.origin(),
        }
    }

    fn origin(&self) -> Origin {
        Origin::now(Actor::Client(Arc::clone(&self.client)), self.request_id)
    }
}
