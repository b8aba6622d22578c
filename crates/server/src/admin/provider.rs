//! Service providers.

use std::future::ready;
use std::sync::Arc;

use jackfield_model::admin::{self, List, Role, ServiceProviderPatch};
use jackfield_model::wire::Network;
use jackfield_model::{ServiceProviderId, limit};
use jackfield_store::registry::{NetworkChange, ServiceProvider};
use jackfield_store::{Origin, RegistryCommand};

use super::describe::{ADD_ERRORS, ITEM_ERRORS, PageQuery, WRITE_ERRORS, describe};
use super::{AdminOperation, Query, change, created, no_content, not_found, ok, organization, page, parse};
use crate::description::{CREATED, CascadeQuery, NO_CONTENT};
use crate::error::ApiError;
use crate::response::Reply;
use crate::state::State;
use crate::validate;

pub(crate) static CREATE: AdminOperation = AdminOperation::new(
    "adminCreateServiceProvider",
    Role::Admin,
    describe("Create a service provider")
        .text("An id is issued when the body has none.")
        .request::<admin::ServiceProvider>()
        .successes(CREATED)
        .response::<admin::ServiceProvider>()
        .errors(ADD_ERRORS),
    |context| Box::pin(create(context.state, context.origin, context.id, context.body)),
);

async fn create(state: &State, origin: Origin, of: &str, body: &[u8]) -> Result<Reply, ApiError> {
    let organization = organization(state, of)?;
    let new: admin::ServiceProvider = parse(body)?;
    validate::name("logical_id", &new.logical_id)?;
    validate::display_names(&new.display_name)?;
    let provider = ServiceProvider {
        id: new.id.unwrap_or_else(|| state.sandbox.ids.service_provider(&*state.store)),
        organization: organization.id.clone(),
        logical_id: new.logical_id,
        display_name: new.display_name,
        network: new.network,
    };
    change(state, RegistryCommand::CreateServiceProvider(provider.clone()), origin).await?;
    created(&to_wire(&provider, 0))
}

pub(crate) static LIST: AdminOperation = AdminOperation::new(
    "listServiceProviders",
    Role::Viewer,
    describe("List the service providers of an organization")
        .text("Sorted by id.")
        .query::<PageQuery>()
        .response::<List<admin::ServiceProvider>>()
        .errors(ITEM_ERRORS),
    |context| Box::pin(list(context.state, context.id, context.query)),
);

async fn list(state: &State, of: &str, query: &Query) -> Result<Reply, ApiError> {
    let organization = organization(state, of)?;
    let registry = state.store.registry();
    let providers = registry.providers.values().filter(|provider| provider.organization == organization.id);
    let mut list =
        page(providers.map(|provider| (provider.id.to_string(), to_wire(provider, 0))).collect(), query)?;
    for provider in &mut list.items {
        if let Some(id) = provider.id {
            provider.associations = Some(state.store.count_associations(id).await?);
        }
    }
    ok(&list)
}

pub(crate) static GET: AdminOperation = AdminOperation::new(
    "adminGetServiceProvider",
    Role::Viewer,
    describe("Get a service provider").response::<admin::ServiceProvider>().errors(ITEM_ERRORS),
    |context| Box::pin(get(context.state, context.id)),
);

async fn get(state: &State, id: &str) -> Result<Reply, ApiError> {
    let provider = find(state, id)?;
    ok(&to_wire(&provider, state.store.count_associations(provider.id).await?))
}

pub(crate) static UPDATE: AdminOperation = AdminOperation::new(
    "adminUpdateServiceProvider",
    Role::Admin,
    describe("Change the display name of a service provider")
        .request::<ServiceProviderPatch>()
        .response::<admin::ServiceProvider>()
        .errors(ITEM_ERRORS),
    |context| Box::pin(update(context.state, context.origin, context.id, context.body)),
);

async fn update(state: &State, origin: Origin, id: &str, body: &[u8]) -> Result<Reply, ApiError> {
    let provider = find(state, id)?;
    let ServiceProviderPatch { display_name } = parse(body)?;
    validate::display_names(&display_name)?;
    change(state, RegistryCommand::UpdateServiceProvider(provider.id, display_name), origin).await?;
    get(state, id).await
}

pub(crate) static DELETE: AdminOperation = AdminOperation::new(
    "adminDeleteServiceProvider",
    Role::Admin,
    describe("Delete a service provider")
        .text("It must have no associations, or `cascade` takes them with it.")
        .query::<CascadeQuery>()
        .successes(NO_CONTENT)
        .errors(WRITE_ERRORS),
    |context| Box::pin(delete(context.state, context.origin, context.id, context.query)),
);

async fn delete(state: &State, origin: Origin, id: &str, query: &Query) -> Result<Reply, ApiError> {
    let provider = find(state, id)?;
    let command = match query.parsed::<bool>("cascade")?.unwrap_or_default() {
        true => {
            RegistryCommand::DeleteServiceProviderWithAssociations(provider.id, limit::CASCADE_ASSOCIATIONS)
        }
        false => RegistryCommand::DeleteServiceProvider(provider.id),
    };
    change(state, command, origin).await?;
    no_content()
}

pub(crate) static GET_NETWORK: AdminOperation = AdminOperation::new(
    "adminGetNetwork",
    Role::Viewer,
    describe("Get the network mapping of a service provider").response::<Network>().errors(ITEM_ERRORS),
    |context| Box::pin(ready(get_network(context.state, context.id))),
);

fn get_network(state: &State, id: &str) -> Result<Reply, ApiError> {
    ok(find(state, id)?.network.as_ref().ok_or_else(|| not_found("network mapping"))?)
}

pub(crate) static SET_NETWORK: AdminOperation = AdminOperation::new(
    "adminSetNetwork",
    Role::Admin,
    describe("Set the network mapping of a service provider")
        .text("Whether it has one or not.")
        .request::<Network>()
        .response::<Network>()
        .errors(ITEM_ERRORS),
    |context| Box::pin(set_network(context.state, context.origin, context.id, context.body)),
);

/// Creates the mapping or replaces it.
async fn set_network(state: &State, origin: Origin, id: &str, body: &[u8]) -> Result<Reply, ApiError> {
    let provider = find(state, id)?;
    let network = Network::parse(body)?;
    let set = NetworkChange::Set(network.clone());
    change(state, RegistryCommand::ChangeNetwork(provider.id, set), origin).await?;
    ok(&network)
}

pub(crate) static DELETE_NETWORK: AdminOperation = AdminOperation::new(
    "adminDeleteNetwork",
    Role::Admin,
    describe("Delete the network mapping of a service provider").successes(NO_CONTENT).errors(ITEM_ERRORS),
    |context| Box::pin(delete_network(context.state, context.origin, context.id)),
);

async fn delete_network(state: &State, origin: Origin, id: &str) -> Result<Reply, ApiError> {
    let provider = find(state, id)?;
    change(state, RegistryCommand::ChangeNetwork(provider.id, NetworkChange::Remove), origin).await?;
    no_content()
}

pub(super) fn find(state: &State, id: &str) -> Result<Arc<ServiceProvider>, ApiError> {
    let registry = state.store.registry();
    let id = id.parse::<ServiceProviderId>().ok();
    id.and_then(|id| registry.providers.get(&id)).cloned().ok_or_else(|| not_found("service provider"))
}

fn to_wire(provider: &ServiceProvider, associations: u64) -> admin::ServiceProvider {
    admin::ServiceProvider {
        id: Some(provider.id),
        organization_id: Some(provider.organization.clone()),
        logical_id: provider.logical_id.clone(),
        display_name: provider.display_name.clone(),
        network: provider.network.clone(),
        associations: Some(associations),
    }
}
