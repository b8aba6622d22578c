//! The state of the server: maintenance mode and status.

use jackfield_model::admin::{Maintenance, Status};
use jackfield_model::limit;
use jackfield_store::{Origin, RegistryCommand};

use super::{change, ok, parse};
use crate::app::App;
use crate::error::ApiError;
use crate::response::Reply;

pub(super) fn get_maintenance(app: &App) -> Result<Reply, ApiError> {
    ok(&app.store.registry().maintenance)
}

pub(super) async fn set_maintenance(app: &App, origin: Origin, body: &[u8]) -> Result<Reply, ApiError> {
    let maintenance: Maintenance = parse(body)?;
    if !(1..=limit::RETRY_AFTER_MAX_SECONDS).contains(&maintenance.retry_after) {
        return Err(ApiError::BadRequest(format!(
            "retry_after is {}; 1 to {} seconds are allowed.",
            maintenance.retry_after,
            limit::RETRY_AFTER_MAX_SECONDS
        )));
    }
    change(app, RegistryCommand::SetMaintenance(maintenance), origin).await?;
    get_maintenance(app)
}

pub(super) async fn status(app: &App) -> Result<Reply, ApiError> {
    let stats = app.store.stats().await?;
    let registry = app.store.registry();
    ok(&Status {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        store: app.store.kind().to_owned(),
        ready: app.store.check().await.is_ok(),
        uptime_seconds: app.started.elapsed().as_secs(),
        organizations: registry.organizations.len() as u64,
        clients: registry.clients.len() as u64,
        service_providers: registry.providers.len() as u64,
        associations: stats.associations,
        last_change: stats.last_change,
        disk_bytes: stats.disk_bytes,
        clock_offset_seconds: app.clock.offset().seconds(),
        maintenance: registry.maintenance,
    })
}
