//! Changes of the registry of accounts.
//!
//! A change locks the one row that holds the version, reads what it does not know yet, applies the rules of
//! `crate::registry`, and stores what they say; changes of all nodes come one after the other.

use std::sync::Arc;

use deadpool_postgres::{GenericClient, Transaction};
use jackfield_model::{OrganizationId, ServiceProviderId};

use super::error::Failure;
use super::registry_cache::{CHANNEL, Known, newer};
use super::registry_rows::{ADMIN_TOKEN, DELIVERY, WEBHOOK, row_key};
use super::{SLOTS, Shared, association, change, in_doubt, resource_rows};
use crate::StoreError;
use crate::change::{Operation, Origin};
use crate::registry::{
    Dependents, Effect, GrantCommand, Record, RecordKey, Registry, RegistryCommand, RegistryOutcome,
    WebhookCommand,
};

/// How often a change is tried that met another.
const ATTEMPTS: usize = 4;

/// What a change needs to know of what hangs on the objects.
struct Counted {
    associations: u64,
    has_rows: bool,
}

impl Dependents for Counted {
    fn associations(&self, _: ServiceProviderId) -> u64 {
        self.associations
    }

    fn has_rows(&self, _: &OrganizationId) -> bool {
        self.has_rows
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
    // How far webhooks have got is not recorded. Redemptions and replacements are recorded whether they were good or showed that there is a copy.
    let tells = !matches!(
        command,
        RegistryCommand::ChangeGrants(_, GrantCommand::Redeem(_) | GrantCommand::Replace(_))
            | RegistryCommand::Webhook(WebhookCommand::Report(_))
    );
    let done = tells.then_some(RegistryOutcome::Done);
    in_doubt::end(shared, result, origin.request_id, floor, done).await
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
            Some(provider) => association::remove_all(&transaction, provider, origin).await?,
            None => Vec::new(),
        };
        let version = known.version + 1;
        let notes_only = effects.iter().all(|effect| effect.key.is_none());
        for effect in effects {
            store(&transaction, version, &effect).await?;
            changes.extend(effect.subject.map(|subject| (origin.clone(), effect.operation, subject)));
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

    /// Removes every record, and with each organization what is its own, for those that take their place in the same
    /// transaction.
    pub(super) async fn clear(&self, transaction: &Transaction<'_>) -> Result<(), Failure> {
        let version = self.known.version + 1;
        let statement = "UPDATE registry SET record = NULL, version = $1 WHERE record IS NOT NULL";
        transaction.execute(statement, &[&version]).await?;
        Ok(())
    }

    /// Puts a whole registry in place of the one that is there, and commits the transaction, which has the lock.
    pub(super) async fn replace(
        &mut self,
        transaction: Transaction<'_>,
        new: &Registry,
    ) -> Result<(), Failure> {
        self.clear(&transaction).await?;
        let version = self.known.version + 1;
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
    let statement = transaction.prepare_cached(&newer()).await?;
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
    let mut counted = Counted { associations: 0, has_rows: false };
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
            counted.has_rows = transaction.query_one(statement, &[&id.as_str()]).await?.try_get(0)?
                || resource_rows::has_any(transaction, id).await?;
        }
        _ => {}
    }
    Ok(counted)
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
    let table = if [WEBHOOK, DELIVERY].contains(&kind) { "webhook" } else { "registry" };
    let statement = format!(
        "INSERT INTO {table} (kind, id, version, record) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (kind, id) DO UPDATE SET version = excluded.version, record = excluded.record"
    );
    let statement = transaction.prepare_cached(&statement).await?;
    transaction.execute(&statement, &[&kind, &id, &version, &record]).await?;
    Ok(())
}
