//! Where the records of the registry stand in the tables: a kind and an id each.

use super::error::Failure;
use crate::registry::RecordKey;

const ORGANIZATION: &str = "organization";
const CLIENT: &str = "client";
const SERVICE_PROVIDER: &str = "service_provider";
const MAINTENANCE: &str = "maintenance";
pub(super) const ADMIN_TOKEN: &str = "admin_token";
const KEYS: &str = "keys";
pub(super) const WEBHOOK: &str = "webhook";
pub(super) const DELIVERY: &str = "delivery";

/// Every record. Those that older releases do not know stand in tables of their own: such a release reads nothing else
/// than `registry`.
pub(super) const ALL: &str = "SELECT kind, id, version, record FROM registry \
    UNION ALL SELECT 'admin_token', id, version, record FROM admin_token \
    UNION ALL SELECT kind, id, version, record FROM webhook";

pub(super) fn row_key(key: &RecordKey) -> (&'static str, String) {
    match key {
        RecordKey::Organization(id) => (ORGANIZATION, id.to_string()),
        RecordKey::Client(id) => (CLIENT, id.to_string()),
        RecordKey::ServiceProvider(id) => (SERVICE_PROVIDER, id.to_string()),
        RecordKey::Maintenance => (MAINTENANCE, MAINTENANCE.to_owned()),
        RecordKey::AdminToken(id) => (ADMIN_TOKEN, id.to_string()),
        RecordKey::Keys => (KEYS, KEYS.to_owned()),
        RecordKey::Webhook(id) => (WEBHOOK, id.to_string()),
        RecordKey::Delivery(id) => (DELIVERY, id.to_string()),
    }
}

pub(super) fn key(kind: &str, id: &str) -> Result<RecordKey, Failure> {
    let wrong = || Failure::Corrupt(format!("a record of the registry has an impossible key of kind {kind}"));
    match kind {
        ORGANIZATION => id.parse().map(RecordKey::Organization).map_err(|_| wrong()),
        CLIENT => id.parse().map(RecordKey::Client).map_err(|_| wrong()),
        SERVICE_PROVIDER => id.parse().map(RecordKey::ServiceProvider).map_err(|_| wrong()),
        MAINTENANCE => Ok(RecordKey::Maintenance),
        ADMIN_TOKEN => id.parse().map(RecordKey::AdminToken).map_err(|_| wrong()),
        KEYS => Ok(RecordKey::Keys),
        WEBHOOK => id.parse().map(RecordKey::Webhook).map_err(|_| wrong()),
        DELIVERY => id.parse().map(RecordKey::Delivery).map_err(|_| wrong()),
        _ => Err(wrong()),
    }
}
