//! The state of the server: maintenance mode and status.

use std::future::ready;

use jackfield_model::admin::{Maintenance, Role, Status};
use jackfield_model::limit;
use jackfield_store::{Origin, RegistryCommand};

use super::describe::{TOP_ERRORS, describe};
use super::{AdminOperation, change, ok, parse};
use crate::error::ApiError;
use crate::response::Reply;
use crate::state::State;

pub(crate) static GET_MAINTENANCE: AdminOperation = AdminOperation::new(
    "getMaintenance",
    Role::Viewer,
    describe("Get maintenance mode").response::<Maintenance>().errors(TOP_ERRORS),
    |context| Box::pin(ready(get_maintenance(context.state))),
);

fn get_maintenance(state: &State) -> Result<Reply, ApiError> {
    ok(&state.store.registry().maintenance)
}

pub(crate) static SET_MAINTENANCE: AdminOperation = AdminOperation::new(
    "setMaintenance",
    Role::Operator,
    describe("Set maintenance mode")
        .text("While it is on, the account association operations answer 503.")
        .request::<Maintenance>()
        .response::<Maintenance>()
        .errors(TOP_ERRORS),
    |context| Box::pin(set_maintenance(context.state, context.origin, context.body)),
);

async fn set_maintenance(state: &State, origin: Origin, body: &[u8]) -> Result<Reply, ApiError> {
    let maintenance: Maintenance = parse(body)?;
    if !(1..=limit::RETRY_AFTER_MAX_SECONDS).contains(&maintenance.retry_after) {
        return Err(ApiError::BadRequest(format!(
            "retry_after is {}; 1 to {} seconds are allowed.",
            maintenance.retry_after,
            limit::RETRY_AFTER_MAX_SECONDS
        )));
    }
    change(state, RegistryCommand::SetMaintenance(maintenance), origin).await?;
    get_maintenance(state)
}

pub(crate) static STATUS: AdminOperation = AdminOperation::new(
    "getStatus",
    Role::Viewer,
    describe("Get the state of the server").response::<Status>().errors(TOP_ERRORS),
    |context| Box::pin(status(context.state)),
);

async fn status(state: &State) -> Result<Reply, ApiError> {
    let stats = state.store.stats().await?;
    let registry = state.store.registry();
    ok(&Status {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        store: state.store.kind().to_owned(),
        demo: state.operators.demo.is_some(),
        endpoint: state.operators.endpoint.get().cloned(),
        ready: state.store.check().await.is_ok(),
        uptime_seconds: state.started.elapsed().as_secs(),
        organizations: registry.organizations.len() as u64,
        clients: registry.clients.len() as u64,
        service_providers: registry.providers.len() as u64,
        associations: stats.associations,
        last_change: stats.last_change,
        disk_bytes: stats.disk_bytes,
        clock_offset_seconds: state.sandbox.clock.offset().seconds(),
        maintenance: registry.maintenance,
    })
}
