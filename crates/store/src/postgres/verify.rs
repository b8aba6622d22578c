//! What the PostgreSQL store checks of itself: its tables against each other. The database checks its own pages and
//! indexes (`pg_amcheck`, data checksums).

use std::collections::HashMap;

use jackfield_model::ServiceProviderId;
use tokio_postgres::Client;
use uuid::Uuid;

use super::error::failed;
use super::resource_moves;
use crate::StoreError;
use crate::contract::{Findings, Seen};
use crate::registry::Registry;

/// Compares the tables within the transaction that the client is in.
pub(super) async fn check(
    client: &Client,
    registry: &Registry,
    seen: &Seen,
    findings: &mut Findings<'_>,
) -> Result<(), StoreError> {
    let tenants = "SELECT DISTINCT service_provider_id, organization_id FROM tenant";
    let mut counted: HashMap<ServiceProviderId, Vec<String>> = HashMap::new();
    for row in client.query(tenants, &[]).await.map_err(failed)? {
        let provider = ServiceProviderId::from_uuid(row.try_get::<_, Uuid>(0).map_err(failed)?);
        counted.entry(provider).or_default().push(row.try_get(1).map_err(failed)?);
    }
    for provider in registry.providers.values() {
        let place = format!("service provider {}", provider.id);
        match counted.remove(&provider.id).as_deref() {
            Some([organization]) if organization == provider.organization.as_str() => {}
            Some(_) => findings.add(place, "it is counted for another organization"),
            None => findings.add(place, "it is not counted"),
        }
    }
    for provider in counted.keys() {
        findings.add(format!("service provider {provider}"), "it is counted and not there");
    }
    let orphans = "SELECT service_provider_id, count(*) FROM association AS orphan WHERE NOT EXISTS \
        (SELECT FROM tenant WHERE tenant.service_provider_id = orphan.service_provider_id) GROUP BY 1";
    for row in client.query(orphans, &[]).await.map_err(failed)? {
        let provider = ServiceProviderId::from_uuid(row.try_get::<_, Uuid>(0).map_err(failed)?);
        let count: i64 = row.try_get(1).map_err(failed)?;
        findings.add(
            format!("service provider {provider}"),
            format!("{count} associations are there without it"),
        );
    }
    let forgotten = "SELECT count(*) FROM change WHERE sequence <= (SELECT trimmed_to FROM directory)";
    let count: i64 = client.query_one(forgotten, &[]).await.map_err(failed)?.try_get(0).map_err(failed)?;
    if count > 0 {
        findings.add("changes", format!("{count} are there that were forgotten"));
    }
    resource_moves::check(client, seen, findings).await
}
