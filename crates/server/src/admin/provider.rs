//! Service providers.

use std::sync::Arc;

use jackfield_model::ServiceProviderId;
use jackfield_model::admin::{self, ServiceProviderPatch};
use jackfield_model::limit;
use jackfield_model::wire::Network;
use jackfield_store::registry::{NetworkChange, ServiceProvider};
use jackfield_store::{Origin, RegistryCommand};

use super::{Query, change, created, no_content, not_found, ok, organization, page, parse, valid};
use crate::app::App;
use crate::error::ApiError;
use crate::response::Reply;

pub(super) async fn create(app: &App, origin: Origin, of: &str, body: &[u8]) -> Result<Reply, ApiError> {
    let organization = organization(app, of)?;
    let new: admin::ServiceProvider = parse(body)?;
    valid::name("logical_id", &new.logical_id)?;
    valid::display_names(&new.display_name)?;
    let provider = ServiceProvider {
        id: new.id.unwrap_or_else(|| app.ids.service_provider(&*app.store)),
        organization: organization.id.clone(),
        logical_id: new.logical_id,
        display_name: new.display_name,
        network: new.network,
    };
    change(app, RegistryCommand::CreateServiceProvider(provider.clone()), origin).await?;
    created(&shown(&provider, 0))
}

pub(super) async fn list(app: &App, of: &str, query: &Query) -> Result<Reply, ApiError> {
    let organization = organization(app, of)?;
    let registry = app.store.registry();
    let own = registry.providers.values().filter(|provider| provider.organization == organization.id);
    let mut list = page(own.map(|own| (own.id.to_string(), shown(own, 0))).collect(), query)?;
    for provider in &mut list.items {
        if let Some(id) = provider.id {
            provider.associations = Some(app.store.count_associations(id).await?);
        }
    }
    ok(&list)
}

pub(super) async fn get(app: &App, id: &str) -> Result<Reply, ApiError> {
    let provider = find(app, id)?;
    ok(&shown(&provider, app.store.count_associations(provider.id).await?))
}

pub(super) async fn update(app: &App, origin: Origin, id: &str, body: &[u8]) -> Result<Reply, ApiError> {
    let provider = find(app, id)?;
    let ServiceProviderPatch { display_name } = parse(body)?;
    valid::display_names(&display_name)?;
    change(app, RegistryCommand::UpdateServiceProvider(provider.id, display_name), origin).await?;
    get(app, id).await
}

pub(super) async fn delete(app: &App, origin: Origin, id: &str, query: &Query) -> Result<Reply, ApiError> {
    let provider = find(app, id)?;
    let command = match query.parsed::<bool>("cascade")?.unwrap_or_default() {
        true => {
            RegistryCommand::DeleteServiceProviderWithAssociations(provider.id, limit::CASCADE_ASSOCIATIONS)
        }
        false => RegistryCommand::DeleteServiceProvider(provider.id),
    };
    change(app, command, origin).await?;
    no_content()
}

pub(super) fn get_network(app: &App, id: &str) -> Result<Reply, ApiError> {
    ok(find(app, id)?.network.as_ref().ok_or_else(|| not_found("network mapping"))?)
}

/// Whether there is a mapping or not: an operator says what is to be.
pub(super) async fn set_network(app: &App, origin: Origin, id: &str, body: &[u8]) -> Result<Reply, ApiError> {
    let provider = find(app, id)?;
    let network = Network::parse(body)?;
    let set = NetworkChange::Set(network.clone());
    change(app, RegistryCommand::ChangeNetwork(provider.id, set), origin).await?;
    ok(&network)
}

pub(super) async fn delete_network(app: &App, origin: Origin, id: &str) -> Result<Reply, ApiError> {
    let provider = find(app, id)?;
    change(app, RegistryCommand::ChangeNetwork(provider.id, NetworkChange::Remove), origin).await?;
    no_content()
}

pub(super) fn find(app: &App, id: &str) -> Result<Arc<ServiceProvider>, ApiError> {
    let registry = app.store.registry();
    let id = id.parse::<ServiceProviderId>().ok();
    id.and_then(|id| registry.providers.get(&id)).cloned().ok_or_else(|| not_found("service provider"))
}

fn shown(provider: &ServiceProvider, associations: u64) -> admin::ServiceProvider {
    admin::ServiceProvider {
        id: Some(provider.id),
        organization_id: Some(provider.organization.clone()),
        logical_id: provider.logical_id.clone(),
        display_name: provider.display_name.clone(),
        network: provider.network.clone(),
        associations: Some(associations),
    }
}
