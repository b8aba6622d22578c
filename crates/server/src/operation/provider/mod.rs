//! Operations on service providers.

pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod get;
pub(crate) mod update;

use jackfield_model::wire;
use jackfield_store::registry::ServiceProvider;

/// The provider as it stands on the wire.
fn to_wire(provider: &ServiceProvider) -> wire::ServiceProvider {
    wire::ServiceProvider {
        service_provider_id: provider.id,
        service_provider_logical_id: provider.logical_id.clone(),
        display_name: provider.display_name.clone(),
    }
}
