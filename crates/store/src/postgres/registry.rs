//! The registry of accounts in the database, and the node's copy of it.
//!
//! Each record carries the version of the registry that wrote it, so that a node reads what is newer than its copy. A
//! change locks the one row that holds the version, reads what it does not know yet, applies the rules of
//! `crate::registry`, and stores what they say; changes of all nodes come one after the other. Other nodes are
//! notified, and look once a second in case a notification was lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use deadpool_postgres::{GenericClient, Transaction};
use jackfield_model::{OrganizationId, ServiceProviderId};
use tokio::sync::Notify;
use tokio_postgres::Row;

use super::error::Failure;
use super::{SLOTS, Shared, change};
use crate::StoreError;
use crate::change::{Operation, Origin, Subject};
use crate::registry::{
    Dependents, Effect, GrantCommand, Record, RecordKey, Registry, RegistryCommand, RegistryOutcome,
};

/// Between two looks for changes of other nodes.
const POLL: Duration = Duration::from_secs(1);
/// A node that could not look for so long does not know any more who was revoked.
const STALE_AFTER: Duration = Duration::from_secs(4);
/// The channel of notifications.
const CHANNEL: &str = "jackfield_registry";
/// How often a change is tried that met another.
const ATTEMPTS: usize = 4;

/// The node's copy of the registry.
#[derive(Debug)]
pub(super) struct Cache {
    /// What [`crate::Store::registry`] answers.
    shown: ArcSwap<Registry>,
    /// The same with its version. Held over a look or a change, so that copies replace each other in order.
    known: tokio::sync::Mutex<Known>,
    /// When the last look began that succeeded.
    looked: ArcSwap<Instant>,
    stale: AtomicBool,
}

#[derive(Debug)]
struct Known {
    version: i64,
    registry: Arc<Registry>,
}

impl Default for Cache {
    fn default() -> Self {
        let registry = Arc::new(Registry::default());
        Self {
            shown: ArcSwap::new(Arc::clone(&registry)),
            known: tokio::sync::Mutex::new(Known { version: -1, registry }),
            looked: ArcSwap::from_pointee(Instant::now()),
            stale: AtomicBool::new(false),
        }
    }
}

impl Cache {
    pub(super) fn registry(&self) -> Arc<Registry> {
        self.shown.load_full()
    }

    /// Whether the copy is at most as old as a revocation may take.
    pub(super) fn is_current(&self) -> bool {
        !self.stale.load(Ordering::Relaxed)
    }

    fn publish(&self, known: &Known) {
        self.shown.store(Arc::clone(&known.registry));
    }
}

const NEWER: &str = "SELECT d.registry_version, r.kind, r.id, r.record FROM directory d LEFT JOIN (\
        SELECT kind, id, version, record FROM registry \
        UNION ALL SELECT 'admin_token', id, version, record FROM admin_token\
    ) r ON r.version > $1 ORDER BY r.kind, r.id";

/// Brings the copy up to what was committed before the call; answers whether it may say something new since.
pub(super) async fn refresh(shared: &Shared) -> Result<bool, StoreError> {
    let asked = Instant::now();
    let mut known = shared.registry.known.lock().await;
    if **shared.registry.looked.load() > asked {
        return Ok(true);
    }
    let began = Instant::now();
    let rows = shared.read(NEWER, &[&known.version]).await?;
    if known.take_in(&rows)? {
        shared.registry.publish(&known);
    }
    shared.registry.looked.store(Arc::new(began));
    shared.registry.stale.store(false, Ordering::Relaxed);
    drop(known);
    // Nothing newer may mean that the watch took it in after the caller had judged by the copy before.
    Ok(true)
}

impl Known {
    /// Takes in what is newer; answers whether there was something.
    fn take_in(&mut self, rows: &[Row]) -> Result<bool, Failure> {
        let Some(first) = rows.first() else {
            return Err(Failure::Corrupt("the row of the directory is missing".to_owned()));
        };
        let version: i64 = first.try_get(0)?;
        if version == self.version {
            return Ok(false);
        }
        let mut registry = Registry::clone(&self.registry);
        for row in rows {
            let Some(kind) = row.try_get::<_, Option<&str>>(1)? else { continue };
            let key = key(kind, row.try_get(2)?)?;
            let record: Option<&str> = row.try_get(3)?;
            let record: Option<Record> = record
                .map(serde_json::from_str)
                .transpose()
                .map_err(|error| Failure::Corrupt(format!("a record of the registry: {error}")))?;
            registry.set(&key, record);
        }
        self.version = version;
        self.registry = Arc::new(registry);
        Ok(true)
    }
}

/// What a change needs to know of what hangs on the objects.
struct Counted {
    associations: u64,
    has_profiles: bool,
}

impl Dependents for Counted {
    fn associations(&self, _: ServiceProviderId) -> u64 {
        self.associations
    }

    fn has_profiles(&self, _: &OrganizationId) -> bool {
        self.has_profiles
    }
}

/// Applies a command on what all nodes have committed.
pub(super) async fn change(
    shared: &Shared,
    command: &RegistryCommand,
    origin: &Origin,
) -> Result<RegistryOutcome, StoreError> {
    let floor = shared.feed.floor();
    let mut result = attempt(shared, command, origin).await;
    for _ in 1..ATTEMPTS {
        match result {
            Err(Failure::Met(_) | Failure::Unsent(_)) => result = attempt(shared, command, origin).await,
            _ => break,
        }
    }
    // Redemptions and replacements are recorded whether they were good or showed that there is a copy.
    let tells = !matches!(
        command,
        RegistryCommand::ChangeGrants(_, GrantCommand::Redeem(_) | GrantCommand::Replace(_))
    );
    let done = tells.then_some(RegistryOutcome::Done);
    super::doubt::end(shared, result, origin.request_id, floor, done).await
}

async fn attempt(
    shared: &Shared,
    command: &RegistryCommand,
    origin: &Origin,
) -> Result<RegistryOutcome, Failure> {
    let mut known = shared.registry.known.lock().await;
    let mut client = shared.client().await?;
    let run = async {
        let transaction = client.transaction().await?;
        lock(&transaction, &mut known).await?;
        let counted = count(&transaction, command).await?;
        let mut registry = Registry::clone(&known.registry);
        let (outcome, effects) = registry.apply(command.clone(), &counted);
        if effects.is_empty() {
            // Takes back what was counted by removing it.
            transaction.rollback().await?;
            return Ok((outcome, None));
        }
        let mut changes = match command.takes_associations_of().filter(|_| outcome == RegistryOutcome::Done) {
            Some(provider) => take_associations(&transaction, provider, origin).await?,
            None => Vec::new(),
        };
        let version = known.version + 1;
        let notes_only = effects.iter().all(|effect| effect.key.is_none());
        for effect in effects {
            store(&transaction, version, &effect).await?;
            changes.push((origin.clone(), effect.operation, effect.subject));
        }
        change::record(&transaction, &changes).await?;
        if notes_only {
            // Nothing that other nodes would have to take in.
            transaction.commit().await?;
            return Ok((outcome, None));
        }
        finish(transaction, version).await?;
        Ok::<_, Failure>((outcome, Some(Known { version, registry: Arc::new(registry) })))
    };
    match super::in_time(run).await {
        Ok((outcome, changed)) => {
            if let Some(changed) = changed {
                *known = changed;
            }
            shared.registry.publish(&known);
            Ok(outcome)
        }
        Err(failure) => {
            super::discard(client, &failure);
            Err(failure)
        }
    }
}

/// The node's turn to change the registry. It is taken before the lock in the database, never after.
pub(super) struct Turn<'s> {
    shared: &'s Shared,
    known: tokio::sync::MutexGuard<'s, Known>,
}

pub(super) async fn turn(shared: &Shared) -> Turn<'_> {
    Turn { shared, known: shared.registry.known.lock().await }
}

impl Turn<'_> {
    /// Locks the registry against changes of other nodes, and takes in what is newer.
    pub(super) async fn lock(&mut self, transaction: &Transaction<'_>) -> Result<Arc<Registry>, Failure> {
        lock(transaction, &mut self.known).await?;
        self.shared.registry.publish(&self.known);
        Ok(Arc::clone(&self.known.registry))
    }

    /// Puts a whole registry in place of the one that is there, and commits the transaction, which has the lock.
    pub(super) async fn replace(
        &mut self,
        transaction: Transaction<'_>,
        new: &Registry,
    ) -> Result<(), Failure> {
        let version = self.known.version + 1;
        transaction
            .execute("UPDATE registry SET record = NULL, version = $1 WHERE record IS NOT NULL", &[&version])
            .await?;
        let records = new.records();
        for record in &records {
            put(&transaction, version, &record.key(), Some(record)).await?;
        }
        finish(transaction, version).await?;
        *self.known = Known { version, registry: Arc::new(Registry::from_records(records)) };
        self.shared.registry.publish(&self.known);
        Ok(())
    }
}

async fn lock(transaction: &impl GenericClient, known: &mut Known) -> Result<(), Failure> {
    transaction.execute("SELECT FROM directory FOR UPDATE", &[]).await?;
    let statement = transaction.prepare_cached(NEWER).await?;
    let rows = transaction.query(&statement, &[&known.version]).await?;
    known.take_in(&rows)?;
    Ok(())
}

async fn finish(transaction: Transaction<'_>, version: i64) -> Result<(), Failure> {
    transaction.execute("UPDATE directory SET registry_version = $1", &[&version]).await?;
    transaction.batch_execute(&format!("NOTIFY {CHANNEL}")).await?;
    transaction.commit().await?;
    Ok(())
}

async fn count(transaction: &impl GenericClient, command: &RegistryCommand) -> Result<Counted, Failure> {
    let mut counted = Counted { associations: 0, has_profiles: false };
    match command {
        RegistryCommand::DeleteServiceProvider(id)
        | RegistryCommand::DeleteServiceProviderWithAssociations(id, _) => {
            // Whoever counts in these rows at this moment is waited for; whoever comes later finds none.
            let statement = "WITH gone AS (DELETE FROM tenant WHERE service_provider_id = $1 RETURNING associations) \
                SELECT coalesce(sum(associations), 0)::bigint FROM gone";
            let row = transaction.query_one(statement, &[id.as_uuid()]).await?;
            counted.associations = u64::try_from(row.try_get::<_, i64>(0)?)
                .map_err(|_| Failure::Corrupt("a negative count of associations".to_owned()))?;
        }
        RegistryCommand::DeleteOrganization(id) => {
            let statement = "SELECT EXISTS (SELECT FROM profile WHERE organization_id = $1)";
            counted.has_profiles = transaction.query_one(statement, &[&id.as_str()]).await?.try_get(0)?;
        }
        _ => {}
    }
    Ok(counted)
}

/// Removes the associations of a provider whose rows of `tenant` are gone already.
async fn take_associations(
    transaction: &impl GenericClient,
    provider: ServiceProviderId,
    origin: &Origin,
) -> Result<Vec<(Origin, Operation, Subject)>, Failure> {
    let statement =
        "DELETE FROM association WHERE service_provider_id = $1 RETURNING external_user_id, amazon_id";
    let mut associations = transaction
        .query(statement, &[provider.as_uuid()])
        .await?
        .iter()
        .map(super::association::association)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| Failure::Corrupt(error.to_string()))?;
    associations.sort_by(|one, other| one.external_user_id.cmp(&other.external_user_id));
    let change = |own: jackfield_model::wire::Association| {
        let external_user_id = own.external_user_id;
        let subject =
            Subject::Association { provider, external_user_id, before: Some(own.amazon_id), after: None };
        (origin.clone(), Operation::Delete, subject)
    };
    Ok(associations.into_iter().map(change).collect())
}

async fn store(transaction: &impl GenericClient, version: i64, effect: &Effect) -> Result<(), Failure> {
    if effect.operation == Operation::Create
        && let Some(Record::ServiceProvider(provider)) = &effect.record
    {
        add_tenant(transaction, provider.id, &provider.organization).await?;
    }
    match &effect.key {
        Some(key) => put(transaction, version, key, effect.record.as_ref()).await,
        None => Ok(()),
    }
}

/// The rows in which the associations of a new provider are counted.
pub(super) async fn add_tenant(
    transaction: &impl GenericClient,
    provider: ServiceProviderId,
    organization: &OrganizationId,
) -> Result<(), Failure> {
    let statement = "INSERT INTO tenant (service_provider_id, slot, organization_id) \
        SELECT $1::uuid, slot, $2::text FROM generate_series(0, $3::integer - 1) AS slot";
    let statement = transaction.prepare_cached(statement).await?;
    let slots = i32::from(SLOTS);
    transaction.execute(&statement, &[provider.as_uuid(), &organization.as_str(), &slots]).await?;
    Ok(())
}

async fn put(
    transaction: &impl GenericClient,
    version: i64,
    key: &RecordKey,
    record: Option<&Record>,
) -> Result<(), Failure> {
    let (kind, id) = row_key(key);
    let record = record
        .map(|record| serde_json::to_string(record).expect("records have text keys and no failing values"));
    if kind == ADMIN_TOKEN {
        // Releases that do not know them read nothing else than `registry`.
        let statement = "INSERT INTO admin_token (id, version, record) VALUES ($1, $2, $3) \
            ON CONFLICT (id) DO UPDATE SET version = excluded.version, record = excluded.record";
        let statement = transaction.prepare_cached(statement).await?;
        transaction.execute(&statement, &[&id, &version, &record]).await?;
        return Ok(());
    }
    let statement = "INSERT INTO registry (kind, id, version, record) VALUES ($1, $2, $3, $4) \
        ON CONFLICT (kind, id) DO UPDATE SET version = excluded.version, record = excluded.record";
    let statement = transaction.prepare_cached(statement).await?;
    transaction.execute(&statement, &[&kind, &id, &version, &record]).await?;
    Ok(())
}

const ORGANIZATION: &str = "organization";
const CLIENT: &str = "client";
const SERVICE_PROVIDER: &str = "service_provider";
const MAINTENANCE: &str = "maintenance";
const ADMIN_TOKEN: &str = "admin_token";
const KEYS: &str = "keys";

fn row_key(key: &RecordKey) -> (&'static str, String) {
    match key {
        RecordKey::Organization(id) => (ORGANIZATION, id.to_string()),
        RecordKey::Client(id) => (CLIENT, id.to_string()),
        RecordKey::ServiceProvider(id) => (SERVICE_PROVIDER, id.to_string()),
        RecordKey::Maintenance => (MAINTENANCE, MAINTENANCE.to_owned()),
        RecordKey::AdminToken(id) => (ADMIN_TOKEN, id.to_string()),
        RecordKey::Keys => (KEYS, KEYS.to_owned()),
    }
}

fn key(kind: &str, id: &str) -> Result<RecordKey, Failure> {
    let wrong = || Failure::Corrupt(format!("a record of the registry has an impossible key of kind {kind}"));
    match kind {
        ORGANIZATION => id.parse().map(RecordKey::Organization).map_err(|_| wrong()),
        CLIENT => id.parse().map(RecordKey::Client).map_err(|_| wrong()),
        SERVICE_PROVIDER => id.parse().map(RecordKey::ServiceProvider).map_err(|_| wrong()),
        MAINTENANCE => Ok(RecordKey::Maintenance),
        ADMIN_TOKEN => id.parse().map(RecordKey::AdminToken).map_err(|_| wrong()),
        KEYS => Ok(RecordKey::Keys),
        _ => Err(wrong()),
    }
}

/// Keeps the copy up to date, and finds out when the database is away and when it is back. Ends with the store.
pub(super) async fn watch(shared: Arc<Shared>) {
    let notified = Arc::new(Notify::new());
    let mut listening = None;
    let mut pause = POLL;
    loop {
        tokio::select! {
            () = notified.notified() => {}
            () = shared.nudge.notified() => {}
            () = tokio::time::sleep(pause) => {}
            () = shared.closing.notified() => return,
        }
        let looked = super::in_time(async { look(&shared, &notified, &mut listening).await }).await;
        match looked {
            Ok(()) => {
                pause = POLL;
                shared.up();
            }
            Err(failure) => {
                listening = None;
                pause = Duration::from_millis(250);
                if shared.registry.looked.load().elapsed() > STALE_AFTER {
                    shared.registry.stale.store(true, Ordering::Relaxed);
                }
                shared.down(failure.cause());
            }
        }
    }
}

type Listening = (tokio_postgres::Client, tokio::task::JoinHandle<()>);

async fn look(
    shared: &Shared,
    notified: &Arc<Notify>,
    listening: &mut Option<Listening>,
) -> Result<(), Failure> {
    if listening.as_ref().is_none_or(|(client, _)| client.is_closed()) {
        let (client, task) = shared.connector.listen(Arc::clone(notified)).await?;
        client.batch_execute(&format!("LISTEN {CHANNEL}")).await?;
        *listening = Some((client, task));
    }
    let (client, _) = listening.as_ref().expect("set above");
    let mut known = shared.registry.known.lock().await;
    let began = Instant::now();
    let rows = client.query(NEWER, &[&known.version]).await?;
    if known.take_in(&rows)? {
        shared.registry.publish(&known);
    }
    drop(known);
    shared.registry.looked.store(Arc::new(began));
    shared.registry.stale.store(false, Ordering::Relaxed);
    let statement = format!("SELECT {} FROM change_batch", change::LAST_SEQUENCE);
    let last: i64 = client.query_one(&statement, &[]).await?.try_get(0)?;
    shared.feed.raise_floor(last);
    Ok(())
}
