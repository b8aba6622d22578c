//! Sizes of the store and the accounts, as last reported.

use jackfield_store::{CacheStats, CacheUse, StoreStats};
use prometheus::{IntCounter, IntGauge, Registry};

use super::{gauge, keep};

pub(super) struct Sizes {
    associations: IntGauge,
    last_change: IntGauge,
    disk_bytes: IntGauge,
    blocks: Memory,
    rows: Memory,
    cached: IntGauge,
    misses: IntCounter,
    store_up: IntGauge,
    registry_bytes: IntGauge,
    clients: IntGauge,
    providers: IntGauge,
    organizations: IntGauge,
}

/// What a cache takes in memory, and the most that it may take.
struct Memory {
    bytes: IntGauge,
    limit: IntGauge,
}

impl Memory {
    fn new(registry: &Registry, cache: &str) -> Self {
        let gauge = |name, help| gauge(registry, name, help, &[("cache", cache)]);
        Self {
            bytes: gauge(
                "jackfield_store_cache_bytes",
                "Bytes of the store's files in memory; 0 where it keeps none.",
            ),
            limit: gauge(
                "jackfield_store_cache_limit_bytes",
                "The most that these bytes may be; 0 where it keeps none.",
            ),
        }
    }

    fn set(&self, memory: CacheUse) {
        set(&self.bytes, memory.bytes);
        set(&self.limit, memory.limit);
    }
}

fn set(gauge: &IntGauge, value: u64) {
    gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
}

impl Sizes {
    pub(super) fn new(registry: &Registry) -> Self {
        let gauge = |name, help| gauge(registry, name, help, &[]);
        let misses = IntCounter::new(
            "jackfield_store_cache_misses_total",
            "Associations that the store looked for in its files; 0 where it keeps none in memory.",
        );
        Self {
            associations: gauge("jackfield_associations", "Associations of all providers."),
            last_change: gauge("jackfield_last_change", "Highest sequence number of the change record."),
            disk_bytes: gauge(
                "jackfield_store_disk_bytes",
                "Bytes that the store takes on disk; 0 where unknown.",
            ),
            blocks: Memory::new(registry, "blocks"),
            rows: Memory::new(registry, "rows"),
            cached: gauge(
                "jackfield_store_cached_associations",
                "Associations whose rows the store has in memory; 0 where it keeps none.",
            ),
            misses: keep(registry, misses),
            store_up: gauge(
                "jackfield_store_up",
                "1 when the store reported its sizes for this scrape, else 0.",
            ),
            registry_bytes: gauge("jackfield_registry_bytes", "Approximate memory of the accounts in bytes."),
            clients: gauge("jackfield_clients", "Registered clients."),
            providers: gauge("jackfield_service_providers", "Registered service providers."),
            organizations: gauge("jackfield_organizations", "Registered organizations."),
        }
    }

    /// Takes the sizes as of now; those of the store stay as they are where it does not say them.
    pub(super) fn set(&self, stats: Option<&StoreStats>, accounts: &jackfield_store::Registry) {
        self.store_up.set(i64::from(stats.is_some()));
        if let Some(stats) = stats {
            set(&self.associations, stats.associations);
            set(&self.last_change, stats.last_change);
            set(&self.disk_bytes, stats.disk_bytes.unwrap_or_default());
            let CacheStats { blocks, rows, associations, misses } = stats.cache.unwrap_or_default();
            self.blocks.set(blocks);
            self.rows.set(rows);
            set(&self.cached, associations);
            self.misses.inc_by(misses.saturating_sub(self.misses.get()));
        }
        set(&self.clients, accounts.clients.len() as u64);
        set(&self.providers, accounts.providers.len() as u64);
        set(&self.organizations, accounts.organizations.len() as u64);
        set(&self.registry_bytes, accounts.approximate_bytes() as u64);
    }
}
