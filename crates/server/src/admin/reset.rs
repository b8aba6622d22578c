//! The reset: back to the seed, in one step.
//!
//! The store changes in one commit, under the lock that keeps requests from seeing a partial reset.

use std::sync::Arc;

use jackfield_model::inspect::ResetDone;
use jackfield_store::{Content, Origin, StoreError};

use crate::error::{ApiError, Forbidden};
use crate::seed;
use crate::state::State;

/// Replaces everything with the seed. It clears fault rules, journal and rate limits, sets the clock to the offset of
/// the start, and restarts the sequence of ids when the seed has an `id_seed`.
///
/// It finishes even when its client disconnects.
pub(super) async fn reset(state: &Arc<State>, origin: Origin) -> Result<ResetDone, ApiError> {
    if !state.sandbox.reset_lock.is_allowed() {
        return Err(ApiError::Forbidden(Forbidden::Reset));
    }
    let seeds = &state.sandbox.seeds;
    if seeds.is_empty() {
        return Err(ApiError::Conflict(
            "There is nothing to reset to; the server was started without --seed.".to_owned(),
        ));
    }
    let content = seed::content(seeds, state.keys())
        .await
        .map_err(|error| ApiError::Conflict(format!("The seed cannot be applied: {error}.")))?;
    let done = ResetDone {
        organizations: content.registry.organizations.len() as u64,
        clients: content.registry.clients.len() as u64,
        service_providers: content.registry.providers.len() as u64,
        profiles: content.profiles.len() as u64,
        associations: content.associations.values().map(|of_provider| of_provider.len() as u64).sum(),
        last_change: 0,
    };
    let task = tokio::spawn(put_in_place(Arc::clone(state), content, origin));
    let last_change = task.await.map_err(|error| ApiError::Internal { cause: error.to_string() })??;
    Ok(ResetDone { last_change, ..done })
}

async fn put_in_place(state: Arc<State>, content: Content, origin: Origin) -> Result<u64, StoreError> {
    let sandbox = &state.sandbox;
    let guard = sandbox.reset_lock.write_guard().await;
    state.store.reset(content, origin).await?;
    guard.count();
    state.limits.rates.clear();
    sandbox.faults.clear();
    state.calls.clear();
    sandbox.journal.clear();
    sandbox.clock.set(sandbox.initial_clock);
    sandbox.ids.restart(seed::id_seed(&sandbox.seeds));
    drop(guard);
    tracing::warn!("the directory was reset to its seed");
    Ok(state.store.stats().await?.last_change)
}
