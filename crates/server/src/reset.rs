//! Back to the seed, in one step: each request sees all of what was there before, or all of what is there since.
//!
//! The store changes in one commit. What of a request rests on more than one look at the store and at the memory of
//! this process happens while it holds a pass; a reset waits until the passes are given back and gives out no new
//! ones until everything is in place. A request that was let in before and gets its pass after it is let in anew.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jackfield_model::inspect::ResetDone;
use jackfield_store::{Content, Origin, StoreError};
use tokio::sync::{RwLock, RwLockReadGuard};

use crate::app::App;
use crate::error::{ApiError, Forbidden};
use crate::seed;

/// Keeps requests and resets apart.
#[derive(Debug, Default)]
pub(crate) struct Resets {
    allowed: bool,
    gate: RwLock<()>,
    count: AtomicU64,
}

impl Resets {
    pub(crate) fn new(allowed: bool) -> Self {
        Self { allowed, ..Self::default() }
    }

    /// How many resets there were.
    pub(crate) fn count(&self) -> u64 {
        self.count.load(Ordering::Acquire)
    }

    /// While this is held there is no reset. Costs nothing where none is allowed.
    pub(crate) async fn pass(&self) -> Option<RwLockReadGuard<'_, ()>> {
        if self.allowed { Some(self.gate.read().await) } else { None }
    }
}

/// Puts the seed in place of everything. Fault rules, journal and rate limits begin anew, the clock is where the
/// server was started with it, ids of a seed with an `id_seed` begin with the first.
///
/// It comes to its end also when whoever asked has gone.
pub(crate) async fn reset(app: &Arc<App>, origin: Origin) -> Result<ResetDone, ApiError> {
    if !app.resets.allowed {
        return Err(ApiError::Forbidden(Forbidden::Reset));
    }
    if app.seeds.is_empty() {
        return Err(ApiError::Conflict(
            "There is nothing to reset to; the server was started without --seed.".to_owned(),
        ));
    }
    let content = seed::content(&app.seeds, app.keys())
        .await
        .map_err(|error| ApiError::Conflict(format!("The seed cannot be applied: {error}.")))?;
    let done = ResetDone {
        organizations: content.registry.organizations.len() as u64,
        clients: content.registry.clients.len() as u64,
        service_providers: content.registry.providers.len() as u64,
        profiles: content.profiles.len() as u64,
        associations: content.associations.values().map(|own| own.len() as u64).sum(),
        last_change: 0,
    };
    let task = tokio::spawn(put_in_place(Arc::clone(app), content, origin));
    let last_change = task.await.map_err(|error| ApiError::Internal { cause: error.to_string() })??;
    Ok(ResetDone { last_change, ..done })
}

async fn put_in_place(app: Arc<App>, content: Content, origin: Origin) -> Result<u64, StoreError> {
    let all = app.resets.gate.write().await;
    app.store.reset(content, origin).await?;
    app.resets.count.fetch_add(1, Ordering::AcqRel);
    app.rates.clear();
    app.faults.clear();
    app.journal.clear();
    app.clock.set(app.initial_clock);
    app.ids.restart(seed::id_seed(&app.seeds));
    drop(all);
    tracing::warn!("the directory was reset to its seed");
    Ok(app.store.stats().await?.last_change)
}
