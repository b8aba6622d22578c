//! `postgres://…`: PostgreSQL 15 and later, and engines that speak its protocol and distribute it.
//!
//! Any number of nodes share one database, which alone decides. Associations are read and written in batches, each
//! one statement in a transaction of its own, see `batch` and `association`; the registry is copied to every node,
//! see `registry_cache`. A write whose answer is lost is looked up before its client is answered, see `in_doubt`. The schema
//! stands in `migrations`.

mod association;
mod batch;
mod change;
mod connect;
mod error;
mod in_doubt;
mod locked;
mod migrate;
mod profile;
mod profile_rows;
mod registry;
mod registry_cache;
mod registry_rows;
mod reset;
mod resource;
mod resource_moves;
mod resource_rows;
mod transfer;
mod url;
mod verify;

use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use async_trait::async_trait;
use deadpool_postgres::Pool;
use jackfield_model::ServiceProviderId;
use tokio::sync::Notify;
use tokio_postgres::Row;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;

use self::association::{Kind, ReadJob, WriteJob};
use self::batch::Batcher;
use self::change::Feed;
use self::connect::Connector;
use self::error::Failure;
use crate::change::Origin;
use crate::contract::{LoadOutcome, LoadStart, RegistryStore, Snapshot, Store, StoreStats};
use crate::registry::{Registry, RegistryCommand, RegistryOutcome};
use crate::{CommitReport, Content, OpenError, RootKey, StoreError, StoreOptions};

pub use self::migrate::Migrated;
pub use self::url::{POOL_SIZE, PostgresUrl};

/// Rows in which the associations of a provider are counted.
const SLOTS: u16 = 8;
/// The database ends what takes longer than its own bounds, so this one is met only when it does not answer at all.
const ANSWER_MAX: Duration = Duration::from_secs(6);

const CLOSED: &str = "the store is closed";

/// The store of `postgres://…`.
#[derive(Debug)]
pub struct PostgresStore {
    shared: Arc<Shared>,
    writes: Arc<Batcher<(ServiceProviderId, Kind), WriteJob>>,
    reads: Arc<Batcher<ServiceProviderId, ReadJob>>,
    root_key: RootKey,
}

/// What the parts of the store share.
struct Shared {
    pool: Pool,
    connector: Connector,
    registry: registry_cache::Cache,
    feed: Feed,
    /// Why the database cannot be used; nothing while it can.
    away: ArcSwapOption<String>,
    /// Asks the watch to look now.
    nudge: Notify,
    closing: Notify,
    slot: AtomicU16,
    /// Whether the store is being filled: nothing else is done with it then.
    loading: AtomicBool,
    /// The key that came with what the store was filled with.
    loaded_key: OnceLock<RootKey>,
    options: StoreOptions,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("away", &self.away).finish_non_exhaustive()
    }
}

impl PostgresStore {
    /// Connects, brings the schema forward and reads the registry.
    ///
    /// # Errors
    /// [`OpenError`], whose text says what to do; [`OpenError::Unavailable`] when it may help to try again.
    pub async fn open(url: &PostgresUrl, options: StoreOptions) -> Result<Self, OpenError> {
        let store = url.to_string();
        let refused = |cause: String| OpenError::Refused { store: store.clone(), cause };
        let connector = Connector::new(url).map_err(refused)?;
        migrate_with(&connector, &store).await?;
        let pool = connector.pool(url.pool_size).map_err(refused)?;
        let shared = Arc::new(Shared {
            pool,
            connector,
            registry: registry_cache::Cache::default(),
            feed: Feed::default(),
            away: ArcSwapOption::empty(),
            nudge: Notify::new(),
            closing: Notify::new(),
            // Nodes that start together count in different rows.
            slot: AtomicU16::new(u16::from(uuid::Uuid::new_v4().as_bytes()[0])),
            loading: AtomicBool::new(false),
            loaded_key: OnceLock::new(),
            options,
        });
        let unavailable = |cause: String| OpenError::Unavailable { store: store.clone(), cause };
        let rows = shared.read("SELECT root_key FROM directory", &[]).await;
        let rows = rows.map_err(|failure| unavailable(failure.cause().to_owned()))?;
        let key: Option<Vec<u8>> = rows.first().and_then(|row| row.try_get(0).ok());
        let key = key.and_then(|key| <[u8; 32]>::try_from(key).ok());
        let key = key.ok_or_else(|| refused("the root key of the store is missing".to_owned()))?;
        registry_cache::refresh(&shared).await.map_err(|error| unavailable(error.to_string()))?;
        let loading =
            transfer::checkpoint(&shared).await.map_err(|failure| unavailable(failure.cause().to_owned()))?;
        if let Some(source) = loading {
            if !shared.options.unfinished {
                return Err(OpenError::unfinished(store, source));
            }
            shared.loading.store(true, Ordering::Relaxed);
        }
        tokio::spawn(registry_cache::watch(Arc::clone(&shared)));
        // One connection is left for everything that is not a batch.
        let batches = url.pool_size / 2;
        let (writer, reader) = (Arc::clone(&shared), Arc::clone(&shared));
        let writes = Batcher::new(batches, move |(provider, kind), jobs| {
            association::write(Arc::clone(&writer), provider, kind, jobs)
        });
        let reads = Batcher::new(url.pool_size - batches - 1, move |provider, jobs| {
            association::read(Arc::clone(&reader), provider, jobs)
        });
        Ok(Self { shared, writes: Arc::new(writes), reads: Arc::new(reads), root_key: RootKey::new(key) })
    }

    /// Brings the schema forward and does nothing else.
    ///
    /// # Errors
    /// [`OpenError`], whose text says what to do.
    pub async fn migrate(url: &PostgresUrl) -> Result<Migrated, OpenError> {
        let store = url.to_string();
        let connector =
            Connector::new(url).map_err(|cause| OpenError::Refused { store: store.clone(), cause })?;
        migrate_with(&connector, &store).await
    }
}

/// The statements of the hot path that are not in the functions of the schema, and a page of the changes of one
/// provider, by name. For tests of how an engine plans them.
#[cfg(feature = "testing")]
#[must_use]
pub fn hot_statements() -> Vec<(&'static str, String)> {
    let statements = vec![
        ("find", association::FIND.to_owned()),
        ("list", association::LIST.to_owned()),
        ("list below", association::LIST_BELOW.to_owned()),
        ("count", association::COUNT.to_owned()),
        ("look up what is in doubt", in_doubt::FIND.to_owned()),
        ("changes of a provider", change::list_of_provider()),
    ];
    let resources = resource_rows::STATEMENTS.map(|(name, statement)| (name, statement.to_owned()));
    statements.into_iter().chain(resources).collect()
}

async fn migrate_with(connector: &Connector, store: &str) -> Result<Migrated, OpenError> {
    let (mut client, connection) = connector.connect().await.map_err(|error| open_error(&error, store))?;
    let migrated = migrate::migrate(&mut client, migrate::MIGRATIONS, store).await;
    drop(client);
    // The connection is closed when its task has ended, and the lock of a failed migration is free then.
    let _ = connection.await;
    migrated
}

/// Why the store cannot be opened: what an operator has to mend, or what may pass.
fn open_error(error: &tokio_postgres::Error, store: &str) -> OpenError {
    let (store, cause) = (store.to_owned(), error::describe(error));
    let lasting = error.code().is_some_and(|code| {
        // 28: authentication, 3D: no such database, 3F: no such schema, 42: no such right, or a schema that is not
        // ours.
        ["28", "3D", "3F", "42"].iter().any(|class| code.code().starts_with(class))
            || *code == SqlState::FEATURE_NOT_SUPPORTED
    });
    // What is neither the database's word nor the system's is about the configuration: no TLS there, no password here.
    let configured = std::error::Error::source(error).is_some_and(|source| {
        source.downcast_ref::<std::io::Error>().map_or_else(
            || error.as_db_error().is_none(),
            |source| source.kind() == std::io::ErrorKind::InvalidData,
        )
    });
    if lasting || configured {
        OpenError::Refused { store, cause }
    } else {
        OpenError::Unavailable { store, cause }
    }
}

impl Shared {
    async fn client(&self) -> Result<deadpool_postgres::Client, Failure> {
        match self.pool.get().await {
            Ok(client) => Ok(client),
            Err(error) => {
                let failure = Failure::from(error);
                self.nudge.notify_one();
                Err(failure)
            }
        }
    }

    /// One statement in a transaction of its own. It is sent once.
    async fn query(&self, statement: &str, parameters: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, Failure> {
        let client = self.client().await?;
        let run = async {
            let prepared = client.prepare_cached(statement).await.map_err(not_begun)?;
            Ok(client.query(&prepared, parameters).await?)
        };
        match in_time(run).await {
            Ok(rows) => Ok(rows),
            Err(failure) => {
                if failure.ends_connection() {
                    self.nudge.notify_one();
                }
                discard(client, &failure);
                Err(failure)
            }
        }
    }

    /// A statement that only reads. A connection that turns out to be dead, as they do after a failover, is replaced
    /// and the statement sent again.
    async fn read(&self, statement: &str, parameters: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, Failure> {
        self.check_present().map_err(|error| Failure::Refused(error.to_string()))?;
        let mut result = self.query(statement, parameters).await;
        if matches!(result, Err(Failure::Lost(_) | Failure::Unsent(_))) {
            result = self.query(statement, parameters).await;
        }
        // Nothing was written, so nothing is in doubt.
        result.map_err(|failure| match failure {
            Failure::Lost(cause) => Failure::Refused(cause),
            other => other,
        })
    }

    /// The row of `tenant` that a batch counts in.
    fn next_slot(&self) -> i16 {
        let next = self.slot.fetch_add(1, Ordering::Relaxed) % SLOTS;
        i16::try_from(next).expect("a small number")
    }

    fn report(&self, report: CommitReport) {
        if let Some(on_commit) = &self.options.on_commit {
            on_commit(report);
        }
    }

    fn check_present(&self) -> Result<(), StoreError> {
        if self.loading.load(Ordering::Relaxed) {
            return Err(unavailable(transfer::LOADING));
        }
        self.away.load().as_ref().map_or(Ok(()), |cause| Err(unavailable(cause)))
    }

    /// The database cannot be used. What comes in is refused at once until it can.
    fn down(&self, cause: &str) {
        let before = self.away.swap(Some(Arc::new(cause.to_owned())));
        if before.is_none_or(|before| *before != cause) {
            tracing::error!(cause, "the database cannot be used");
        }
    }

    fn up(&self) {
        if self.away.load().as_ref().is_some_and(|cause| **cause != CLOSED) {
            self.away.store(None);
            tracing::info!("the database can be used again");
        }
    }
}

/// What ended before the statement was sent is not in doubt.
fn not_begun(error: tokio_postgres::Error) -> Failure {
    match Failure::from(error) {
        Failure::Lost(cause) => Failure::Unsent(cause),
        other => other,
    }
}

/// Bounds the wait for the database.
async fn in_time<T>(run: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    tokio::time::timeout(ANSWER_MAX, run).await.unwrap_or_else(|_| Err(Failure::late()))
}

/// Gives a connection back, or closes it when it is of no use any more or has a transaction open.
fn discard(client: deadpool_postgres::Client, failure: &Failure) {
    if failure.ends_connection() {
        drop(deadpool_postgres::Client::take(client));
    }
}

fn unavailable(cause: &str) -> StoreError {
    StoreError::Unavailable { cause: cause.to_owned() }
}

#[async_trait]
impl RegistryStore for PostgresStore {
    fn registry(&self) -> Arc<Registry> {
        self.shared.registry.registry()
    }

    fn is_current(&self) -> bool {
        self.shared.registry.is_current()
    }

    fn is_shared(&self) -> bool {
        true
    }

    async fn refresh(&self) -> Result<bool, StoreError> {
        registry_cache::refresh(&self.shared).await
    }

    fn root_key(&self) -> &RootKey {
        self.shared.loaded_key.get().unwrap_or(&self.root_key)
    }

    async fn change_registry(
        &self,
        command: RegistryCommand,
        origin: Origin,
    ) -> Result<RegistryOutcome, StoreError> {
        self.shared.check_present()?;
        registry::change(&self.shared, &command, &origin).await
    }
}

#[async_trait]
impl Store for PostgresStore {
    fn kind(&self) -> &'static str {
        "postgres"
    }

    async fn reset(&self, content: Content, origin: Origin) -> Result<(), StoreError> {
        self.shared.check_present()?;
        reset::reset(&self.shared, &content, &origin).await
    }

    async fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        transfer::snapshot(&self.shared).await
    }

    async fn load(&self, start: LoadStart) -> Result<LoadOutcome, StoreError> {
        transfer::load(&self.shared, start).await
    }

    async fn check(&self) -> Result<(), StoreError> {
        let rows = self.shared.read("SELECT current_setting('transaction_read_only') = 'on'", &[]).await?;
        match rows.first().map(|row| row.try_get::<_, bool>(0)) {
            Some(Ok(false)) => Ok(()),
            Some(Ok(true)) => Err(unavailable("the database is read-only")),
            _ => Err(unavailable("the database gave no sensible answer")),
        }
    }

    async fn stats(&self) -> Result<StoreStats, StoreError> {
        let associations =
            self.shared.number("SELECT coalesce(sum(associations), 0)::bigint FROM tenant", &[]).await?;
        let last = "SELECT greatest((SELECT max(sequence) FROM change), trimmed_to) FROM directory";
        let last_change = self.shared.number(last, &[]).await?;
        let size = "SELECT sum(pg_total_relation_size(name))::bigint FROM unnest(ARRAY['directory', 'registry', \
            'profile', 'resource', 'tenant', 'association', 'change']::regclass[]) AS name";
        let disk_bytes = self.shared.number(size, &[]).await.ok();
        Ok(StoreStats { associations, last_change, disk_bytes, cache: None })
    }

    async fn close(&self) {
        self.shared.away.store(Some(Arc::new(CLOSED.to_owned())));
        self.writes.refuse_all(CLOSED);
        self.reads.refuse_all(CLOSED);
        self.shared.closing.notify_one();
        self.shared.pool.close();
    }
}

impl Shared {
    /// A statement that answers one number.
    async fn number(&self, statement: &str, parameters: &[&(dyn ToSql + Sync)]) -> Result<u64, StoreError> {
        let rows = self.read(statement, parameters).await?;
        let number: i64 = rows.first().map_or(Ok(0), |row| row.try_get(0)).map_err(Failure::from)?;
        u64::try_from(number).map_err(|_| error::corrupt("a count", &"it is negative"))
    }
}
