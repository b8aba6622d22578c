//! A request from its head to its answer: route, admission, authentication, body, operation, log and metrics.
//!
//! Whatever happens, the answer bears `X-Amzn-RequestId`; a panic in a handler is a 500 with that id. Only a fault rule
//! can keep an answer.

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::FutureExt;
use http::request::Parts;
use http::{HeaderName, HeaderValue, Request, StatusCode};
use http_body_util::{BodyExt, Limited};
use hyper::body::Body;
use jackfield_model::inspect::DropWhen;
use jackfield_model::{ClientId, RequestId, ServiceProviderId, limit};
use jackfield_store::{Registry, Store, StoreError};

use crate::admin::Verifying;
use crate::admin::host::Hosts;
use crate::auth::Caller;
use crate::auth::issuer::Issuers;
use crate::auth::keys::Keys;
use crate::auth::rate::Rates;
use crate::clock::{Clock, ClockOffset};
use crate::error::ApiError;
use crate::fault::{Effect, FaultAnswer, Faults, Hit, Offer};
use crate::ids::Ids;
use crate::journal::{self, Journal, Refused};
use crate::metrics::{Limit, Metrics};
use crate::reset::Resets;
use crate::response::Reply;
use crate::restore::Restores;
use crate::router::{AdminOperation, Listener, Operation, Router, Target};
use crate::seed::{self, Seed};
use crate::{admin, auth, head, logs, lwa, open, operation, restore};

/// Most bytes of a refused body that are read before the answer goes out.
const DRAIN_BYTES: usize = 1024 * 1024;

/// U+FEFF in UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

static REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");

/// What every request shares.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) store: Arc<dyn Store>,
    keys: Keys,
    pub(crate) restores: Restores,
    pub(crate) verifying: Verifying,
    pub(crate) clock: Clock,
    pub(crate) rates: Rates,
    pub(crate) issuers: Issuers,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) admin_token: admin::AdminToken,
    admin_hosts: Hosts,
    pub(crate) journal: Journal,
    pub(crate) faults: Faults,
    pub(crate) ids: Ids,
    pub(crate) resets: Resets,
    /// What a reset leads back to.
    pub(crate) seeds: Vec<Seed>,
    pub(crate) initial_clock: ClockOffset,
    pub(crate) started: Instant,
    router: Router,
    limits: Limits,
    in_flight: AtomicUsize,
}

/// Bounds on what one server takes on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Requests in flight on the public listener, from the head to the answer.
    pub(crate) max_in_flight: usize,
    /// From the end of the head until the body must be there.
    pub(crate) body_timeout: Duration,
}

/// What a server is set up with, beside store and metrics.
#[derive(Debug)]
pub(crate) struct Setup {
    pub(crate) default_rate: u32,
    pub(crate) journal: Journal,
    pub(crate) clock: ClockOffset,
    pub(crate) allow_reset: bool,
    pub(crate) seeds: Vec<Seed>,
    pub(crate) issuers: Issuers,
    pub(crate) admin_hosts: Hosts,
    pub(crate) limits: Limits,
}

/// There is no answer: a fault rule wants the connection closed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dropped;

impl fmt::Display for Dropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a fault rule asked for it")
    }
}

impl std::error::Error for Dropped {}

/// One request on its way.
pub(crate) struct Call {
    pub(crate) head: Parts,
    pub(crate) request_id: RequestId,
}

impl App {
    pub(crate) fn new(store: Arc<dyn Store>, metrics: Arc<Metrics>, admin_token: &str, setup: Setup) -> Self {
        let Setup { default_rate, journal, clock, allow_reset, seeds, issuers, admin_hosts, limits } = setup;
        let ids = Ids::default();
        ids.restart(seed::id_seed(&seeds));
        Self {
            keys: Keys::derive(store.root_key()),
            restores: Restores::default(),
            verifying: Verifying::default(),
            clock: Clock::new(clock),
            rates: Rates::new(default_rate),
            issuers,
            metrics,
            admin_token: admin::AdminToken::new(admin_token),
            admin_hosts,
            journal,
            faults: Faults::default(),
            ids,
            resets: Resets::new(allow_reset),
            seeds,
            initial_clock: clock,
            started: Instant::now(),
            router: Router::new(),
            limits,
            in_flight: AtomicUsize::new(0),
            store,
        }
    }

    /// The keys that derive from that of the store.
    pub(crate) fn keys(&self) -> &Keys {
        self.restores.keys().unwrap_or(&self.keys)
    }

    /// Answers a request, unless a fault rule keeps the answer.
    pub(crate) async fn respond<B>(
        self: &Arc<Self>,
        listener: Listener,
        request: Request<B>,
    ) -> Result<Reply, Dropped>
    where
        B: Body<Data = Bytes> + Unpin,
        B::Error: std::error::Error + Send + Sync + 'static,
    {
        let started = Instant::now();
        let request_id = RequestId::random();
        let (head, mut body) = request.into_parts();
        let call = Call { head, request_id };
        let mut seen = Seen { public: listener == Listener::Public, ..Seen::default() };
        let work = async {
            let result = self.dispatch(listener, &call, &mut body, &mut seen).await;
            drain(&call.head, &mut body, self.limits.body_timeout).await;
            result
        };
        let result = match AssertUnwindSafe(work).catch_unwind().await {
            Ok(result) => result,
            Err(panic) => Err(ApiError::Internal { cause: format!("panic: {}", panic_text(&*panic)) }),
        };
        let mut response = result.unwrap_or_else(|error| self.refuse(&call, &mut seen, error));
        identify(&mut response, request_id);
        let dropped = seen.dropped.is_some();
        self.account(&call, seen, response.status(), started.elapsed());
        if dropped { Err(Dropped) } else { Ok(response) }
    }

    async fn dispatch<B>(
        self: &Arc<Self>,
        listener: Listener,
        call: &Call,
        body: &mut B,
        seen: &mut Seen,
    ) -> Result<Reply, ApiError>
    where
        B: Body<Data = Bytes> + Unpin,
        B::Error: std::error::Error + Send + Sync + 'static,
    {
        let uri = &call.head.uri;
        let target = self.router.find(listener, &call.head.method, uri.path());
        if let Err(error) = head::check_host(&call.head) {
            return lwa::refuse_as(target.operation(), call, error, seen);
        }
        let (operation, parameter) = match target {
            Target::Found(operation, parameter) => (operation, parameter),
            Target::MethodNotAllowed(at, allow) => return lwa::wrong_method(at, call, allow, seen),
            Target::NotFound => return Err(ApiError::NoSuchPath),
        };
        seen.operation = Some(operation);
        if listener == Listener::Admin && !operation.is_health() {
            self.admin_hosts.check(&call.head)?;
        }
        if let Err(error) = head::check_size(&call.head).and_then(|()| self.restores.check(operation)) {
            return lwa::refuse_as(Some(operation), call, error, seen);
        }
        let parameter = parameter.as_deref().unwrap_or_default();
        match operation {
            Operation::Association(_) | Operation::Family(_) => {
                self.serve_caller(operation, call, parameter, body, seen).await
            }
            Operation::Token => {
                let work = async {
                    let _slot = self.admit()?;
                    let body = self.read_body(&call.head, body).await?;
                    self.store.refresh().await?;
                    if self.faults.any() {
                        let query = call.head.uri.query();
                        let client = lwa::presented_client(&call.head.headers, query, &body);
                        let offer = Offer { client: client.as_deref(), ..Offer::default() };
                        self.meet_fault(Operation::Token, offer, seen).await?;
                    }
                    let _pass = self.resets.pass().await;
                    Ok(lwa::token(self, call, &body, seen).await)
                };
                Ok(work.await.unwrap_or_else(|error| lwa::refuse(call, &error, seen)))
            }
            Operation::Login(operation) => {
                let work = async {
                    let _slot = self.admit()?;
                    let body = self.read_body(&call.head, body).await?;
                    self.store.refresh().await?;
                    if self.faults.any() {
                        self.meet_fault(Operation::Login(operation), Offer::default(), seen).await?;
                    }
                    let _pass = self.resets.pass().await;
                    Ok(lwa::run(self, operation, call, &body, seen))
                };
                Ok(work.await.unwrap_or_else(|error| lwa::refuse_other(operation, call, &error, seen)))
            }
            Operation::Admin(operation) => {
                self.admin_token.check(&call.head.headers)?;
                if operation == AdminOperation::Restore {
                    return restore::restore(self, body, self.limits.body_timeout).await;
                }
                let body = self.read_body(&call.head, body).await?;
                let _pass = if operation.outlasts_resets() {
                    None
                } else {
                    self.store.refresh().await?;
                    self.resets.pass().await
                };
                admin::run(self, operation, call, parameter, &body).await
            }
            Operation::Open(operation) => open::run(self, operation).await,
        }
    }

    /// An operation for the bearer of an access token.
    async fn serve_caller<B>(
        &self,
        operation: Operation,
        call: &Call,
        parameter: &str,
        body: &mut B,
        seen: &mut Seen,
    ) -> Result<Reply, ApiError>
    where
        B: Body<Data = Bytes> + Unpin,
        B::Error: std::error::Error + Send + Sync + 'static,
    {
        // Before the accounts are looked up: a reset between the two has to be noticed.
        let resets = self.resets.count();
        let registry = self.open_registry()?;
        let _slot = self.admit()?;
        let caller = self.caller(call, registry).await?;
        seen.client = Some(Arc::clone(&caller.client.id));
        self.meet_callers_fault(operation, &caller, parameter, seen).await?;
        let mut granted = match auth::grant(self, &caller, operation, parameter, call.request_id).await {
            Err(error) if error.may_be_outdated() && self.store.refresh().await? => {
                let caller = auth::authenticate(self, self.store.registry(), &call.head.headers).await?;
                auth::grant(self, &caller, operation, parameter, call.request_id).await?
            }
            judged => judged?,
        };
        let body = self.read_body(&call.head, body).await?;
        let _pass = self.resets.pass().await;
        if self.resets.count() != resets {
            let caller = auth::authenticate(self, self.store.registry(), &call.head.headers).await?;
            granted = auth::grant(self, &caller, operation, parameter, call.request_id).await?;
        }
        operation::run(granted, call.head.uri.query(), &body).await
    }

    /// Offers the call of a known client to the fault rules. The parameter of the path may be a service provider.
    async fn meet_callers_fault(
        &self,
        operation: Operation,
        caller: &Caller,
        parameter: &str,
        seen: &mut Seen,
    ) -> Result<(), ApiError> {
        if !self.faults.any() {
            return Ok(());
        }
        let client = Some(caller.client.id.as_str());
        let offer = Offer { client, provider: parameter.parse::<ServiceProviderId>().ok(), operation: "" };
        self.meet_fault(operation, offer, seen).await
    }

    /// Offers a call to the fault rules and does what the one that takes it says.
    async fn meet_fault(
        &self,
        operation: Operation,
        offer: Offer<'_>,
        seen: &mut Seen,
    ) -> Result<(), ApiError> {
        let offer = Offer { operation: operation.name(), ..offer };
        let Some(Hit { rule, latency, effect }) = self.faults.meet(offer) else { return Ok(()) };
        seen.fault = Some(rule);
        self.metrics.fault(effect.name());
        tokio::time::sleep(latency).await;
        match effect {
            Effect::Latency => Ok(()),
            Effect::Status(answer) => Err(ApiError::Fault(answer)),
            Effect::Drop(when) => {
                seen.dropped = Some(when);
                match when {
                    DropWhen::Before => Err(ApiError::Fault(FaultAnswer::DROPPED)),
                    DropWhen::After => Ok(()),
                }
            }
        }
    }

    /// The whole body, within its bounds of size and time.
    async fn read_body<B>(&self, head: &Parts, body: &mut B) -> Result<Bytes, ApiError>
    where
        B: Body<Data = Bytes> + Unpin,
        B::Error: std::error::Error + Send + Sync + 'static,
    {
        let too_large = || {
            ApiError::BadRequest(format!(
                "The body is larger than {} bytes, which is the most allowed.",
                limit::BODY_BYTES
            ))
        };
        if body.is_end_stream() {
            return Ok(Bytes::new());
        }
        if body.size_hint().lower() > limit::BODY_BYTES as u64 {
            return Err(too_large());
        }
        head::check_encoding(head)?;
        let mut whole = pin!(Limited::new(body, limit::BODY_BYTES).collect());
        // Most often it came with the head, and needs no timer.
        let arrived = match whole.as_mut().now_or_never() {
            Some(arrived) => Ok(arrived),
            None => tokio::time::timeout(self.limits.body_timeout, whole).await,
        };
        match arrived {
            Ok(Ok(body)) => Ok(without_mark(body.to_bytes())),
            Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => Err(too_large()),
            Ok(Err(_)) => Err(ApiError::BadRequest("The body did not arrive whole.".to_owned())),
            Err(_) => Err(ApiError::BadRequest(format!(
                "The body of the {} did not arrive within {}.",
                head.method,
                humantime::format_duration(self.limits.body_timeout)
            ))),
        }
    }

    /// Who asks. A refusal that another node may have made untrue is looked at again.
    async fn caller(&self, call: &Call, registry: Arc<Registry>) -> Result<Caller, ApiError> {
        match auth::authenticate(self, registry, &call.head.headers).await {
            Err(error) if error.may_be_outdated() && self.store.refresh().await? => {
                auth::authenticate(self, self.store.registry(), &call.head.headers).await
            }
            judged => judged,
        }
    }

    /// The accounts, when the public operations are served: not in maintenance mode, and not while this node cannot
    /// know who was revoked on another.
    fn open_registry(&self) -> Result<Arc<Registry>, ApiError> {
        if !self.store.is_current() {
            let cause = "the accounts could not be brought up to date for some seconds".to_owned();
            return Err(StoreError::Unavailable { cause }.into());
        }
        let registry = self.store.registry();
        let maintenance = registry.maintenance;
        if !maintenance.enabled {
            return Ok(registry);
        }
        Err(ApiError::Maintenance { retry_after: maintenance.retry_after })
    }

    /// A place among the requests in flight, or 503 before memory grows.
    fn admit(&self) -> Result<Slot<'_>, ApiError> {
        let before = self.in_flight.fetch_add(1, Ordering::Relaxed);
        let slot = Slot(self);
        if before < self.limits.max_in_flight {
            return Ok(slot);
        }
        self.metrics.limited(Limit::InFlight);
        Err(ApiError::Overloaded)
    }

    /// Requests being worked on.
    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    fn refuse(&self, call: &Call, seen: &mut Seen, error: ApiError) -> Reply {
        if let ApiError::TooManyRequests { .. } = error {
            self.metrics.limited(Limit::Rate);
        }
        let operation = seen.operation.map_or("other", Operation::name);
        match (&error, error.cause()) {
            (ApiError::Internal { .. }, Some(cause)) => {
                tracing::error!(request_id = %call.request_id, operation, cause, "request failed");
            }
            (_, Some(cause)) => {
                logs::refused(call.request_id, operation, cause);
            }
            (_, None) => {}
        }
        seen.refused_by(&error);
        error.into_response()
    }

    fn account(&self, call: &Call, mut seen: Seen, status: StatusCode, latency: Duration) {
        let decided = seen.dropped != Some(DropWhen::Before);
        if decided {
            self.metrics.request(seen.operation, status, latency);
        } else {
            seen.refused = None;
        }
        let client = seen.client.as_deref().map_or("-", ClientId::as_str);
        log_access(call, client, seen.operation, status, latency);
        if self.journal.wants(&seen) {
            let status = decided.then(|| status.as_u16());
            self.journal.push(journal::entry(&call.head, call.request_id, seen, status, latency));
        }
    }
}

/// What is known of a request so far, for log, metrics and journal.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Whether it came in on the public listener.
    pub(crate) public: bool,
    pub(crate) operation: Option<Operation>,
    pub(crate) client: Option<Arc<ClientId>>,
    pub(crate) refused: Option<Refused>,
    /// The fault rule that the request met, and whether it keeps the answer.
    pub(crate) fault: Option<u64>,
    pub(crate) dropped: Option<DropWhen>,
}

impl Seen {
    pub(crate) fn refused_by(&mut self, error: &ApiError) {
        let (_, kind) = error.status();
        let refusal = error.refusal();
        self.refused = Some(Refused { kind: kind.to_owned(), message: error.message(), refusal });
    }
}

/// A place among the requests in flight; free again when dropped.
struct Slot<'a>(&'a App);

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Gives an answer its request id.
pub(crate) fn identify(response: &mut Reply, id: RequestId) {
    let value = HeaderValue::from_str(uuid_text(id, &mut uuid::Uuid::encode_buffer()))
        .expect("a UUID is a header value");
    response.headers_mut().insert(REQUEST_ID.clone(), value);
}

/// The access log: one line a request.
pub(crate) fn log_access(
    call: &Call,
    client: &str,
    operation: Option<Operation>,
    status: StatusCode,
    latency: Duration,
) {
    tracing::debug!(
        target: "jackfield::access",
        request_id = %call.request_id,
        client,
        operation = operation.map_or("other", Operation::name),
        method = %call.head.method,
        path = journal::shown_path(call.head.uri.path()).0,
        status = status.as_u16(),
        latency_us = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX),
    );
}

/// Takes what is left of a body that was refused: a client that is still sending it when the connection closes
/// would never read the answer. A client that waits for a go-ahead sends nothing.
pub(crate) async fn drain<B>(head: &Parts, body: &mut B, patience: Duration)
where
    B: Body<Data = Bytes> + Unpin,
{
    let waits = head::values(&head.headers, &http::header::EXPECT).next().is_some();
    if body.is_end_stream() || waits || body.size_hint().lower() > DRAIN_BYTES as u64 {
        return;
    }
    let rest = async {
        let mut taken = 0;
        while let Some(Ok(frame)) = body.frame().await {
            taken += frame.data_ref().map_or(0, Bytes::len);
            if taken > DRAIN_BYTES {
                break;
            }
        }
    };
    // Whether it came to an end or not, the answer goes out now.
    let _ = tokio::time::timeout(patience, rest).await;
}

/// The body without the byte-order mark that some editors and libraries put before text in UTF-8.
fn without_mark(body: Bytes) -> Bytes {
    if body.starts_with(BYTE_ORDER_MARK) { body.slice(BYTE_ORDER_MARK.len()..) } else { body }
}

fn uuid_text(id: RequestId, buffer: &mut [u8; 45]) -> &str {
    id.as_uuid().hyphenated().encode_lower(buffer)
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("of unknown kind")
}

#[cfg(test)]
mod tests;
