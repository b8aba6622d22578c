//! From a request to the handle that its operation needs: the one place where a caller is authenticated and granted.

use std::sync::Arc;

use bytes::Bytes;
use jackfield_model::{RequestId, ServiceProviderId};
use jackfield_store::{Registry, StoreError, step};
use tokio::sync::RwLockReadGuard;

use super::{Caller, authenticate};
use crate::endpoint::Incoming;
use crate::error::ApiError;
use crate::group::Group;
use crate::notes::{self, ReadAs};
use crate::request::{Call, RequestLog};
use crate::router::Operation;
use crate::sandbox::fault::FaultContext;
use crate::state::State;
use crate::throttle::admission::Place;

/// An object that an operation needs a grant for, named in its path or by its token.
pub(crate) trait Grant {
    /// The handle through which the operation reaches the store, bound to the granted object.
    type Handle<'a>: Send;

    /// The handle, when the caller may use it now. `parameter` is that of the path, where it has one.
    fn grant<'a>(
        state: &'a State,
        caller: &Caller,
        group: Group,
        parameter: &str,
        request_id: RequestId,
    ) -> impl Future<Output = Result<Self::Handle<'a>, ApiError>> + Send;
}

/// A request whose caller may use the operation, with its body.
pub(crate) struct Admitted<'a, H> {
    pub(crate) handle: H,
    pub(crate) body: Bytes,
    /// Held while the operation runs: its place in flight, and the guard against a reset.
    _place: Place<'a>,
    _guard: Option<RwLockReadGuard<'a, ()>>,
}

/// Admits a request: takes a place, authenticates the caller, makes the handle, reads the body, and repeats the checks
/// after a reset in between.
///
/// # Errors
/// In the order of the contract: maintenance and overload, the token, a fault rule, the rate, scope, path and
/// organization, the body.
pub(crate) async fn admit<'a, G: Grant>(
    incoming: &mut Incoming<'a>,
    operation: &'static Operation,
    group: Group,
) -> Result<Admitted<'a, G::Handle<'a>>, ApiError> {
    let Incoming { state, call, parameter, ref mut body, ref mut log, .. } = *incoming;
    let (limits, reset_lock) = (&state.limits, &state.sandbox.reset_lock);
    // Before the accounts are looked at: a reset between the two has to be noticed.
    let resets = reset_lock.count();
    let registry = open_registry(state)?;
    let mut place = limits.operations.take()?;
    let mut look = Look { state, call, parameter, operation, group, known: false, refreshed: false };
    let mut handle = look.until_settled::<G>(registry, log).await?;
    let body = limits.bodies.read(call, *body, Some(&mut place)).await?;
    let body = notes::of_body(call, body, ReadAs::Json, &mut log.notes);
    if operation.large_answer {
        limits.bodies.wait_for_room(call, &mut place).await?;
    }
    let guard = reset_lock.read_guard().await;
    if reset_lock.count() != resets {
        handle = look.until_settled::<G>(state.store.registry(), log).await?;
    }
    Ok(Admitted { handle, body, _place: place, _guard: guard })
}

/// The authentication of a request's caller, and the grant of its handle.
struct Look<'a> {
    state: &'a State,
    call: &'a Call,
    parameter: &'a str,
    operation: &'static Operation,
    group: Group,
    /// Whether the caller was authenticated before. The rate is spent and fault rules are evaluated once, however
    /// often the checks repeat.
    known: bool,
    /// Whether the accounts were brought up to date for this request.
    refreshed: bool,
}

impl<'a> Look<'a> {
    /// Checks, and once more with fresh accounts where a change on another node may have made the refusal wrong.
    async fn until_settled<G: Grant>(
        &mut self,
        mut registry: Arc<Registry>,
        log: &mut RequestLog,
    ) -> Result<G::Handle<'a>, ApiError> {
        loop {
            let refused = match self.once::<G>(registry, log).await {
                Err(error) if !self.refreshed && error.may_be_outdated() => error,
                settled => return settled,
            };
            self.refreshed = true;
            let news = self.state.store.refresh().await?;
            // Another issuer is asked about a key that is not known only when that is sure.
            if !news && !refused.may_be_anothers() {
                return Err(refused);
            }
            registry = self.state.store.registry();
        }
    }

    async fn once<G: Grant>(
        &mut self,
        registry: Arc<Registry>,
        log: &mut RequestLog,
    ) -> Result<G::Handle<'a>, ApiError> {
        let Self { state, call, parameter, group, .. } = *self;
        let authenticating = step::begin("authenticate");
        let caller = authenticate(state, registry, call, self.refreshed).await?;
        drop(authenticating);
        if !self.known {
            self.known = true;
            log.client = Some(Arc::clone(&caller.client().id));
            self.meet_faults(&caller, log).await?;
            caller.spend_rate(state)?;
        }
        caller.check_scope(group)?;
        G::grant(state, &caller, group, parameter, call.request_id).await
    }

    async fn meet_faults(&self, caller: &Caller, log: &mut RequestLog) -> Result<(), ApiError> {
        let faults = &self.state.sandbox.faults;
        if !faults.any() {
            return Ok(());
        }
        // The parameter of the path may be a service provider.
        let provider = self.parameter.parse::<ServiceProviderId>().ok();
        let context = FaultContext {
            operation: self.operation.name,
            client: Some(caller.client().id.as_str()),
            provider,
        };
        faults.apply(context, &self.state.metrics, log).await
    }
}

/// The accounts, while the public operations are served: not in maintenance mode, and not while this node cannot learn
/// about revocations on other nodes.
fn open_registry(state: &State) -> Result<Arc<Registry>, ApiError> {
    if !state.store.is_current() {
        let cause = "the accounts could not be brought up to date for some seconds".to_owned();
        return Err(StoreError::Unavailable { cause }.into());
    }
    let registry = state.store.registry();
    let maintenance = registry.maintenance;
    if !maintenance.enabled {
        return Ok(registry);
    }
    Err(ApiError::Maintenance { retry_after: maintenance.retry_after })
}
