//! A request from its head to its answer: route, admission, authentication, body, operation, log and metrics.
//!
//! Whatever happens, the answer bears `X-Amzn-RequestId`; a panic in a handler is a 500 with that id. Only a fault rule
//! can keep an answer.

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use arc_swap::Guard;
use bytes::Bytes;
use futures_util::FutureExt;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode};
use hyper::body::Body;
use jackfield_model::inspect::DropWhen;
use jackfield_model::note::{Notes, Reading};
use jackfield_model::{ClientId, RequestId, ServiceProviderId, limit};
use jackfield_store::{Registry, Store, StoreError};

use crate::admin::Verifying;
use crate::admin::access::{self, Bootstrap};
use crate::admin::act::{self, Acts};
use crate::admin::host::Hosts;
use crate::admission::Places;
use crate::auth::Caller;
use crate::auth::guess::Guesses;
use crate::auth::issuer::Issuers;
use crate::auth::keys::Keys;
use crate::auth::password::Hashing;
use crate::auth::rate::Rates;
use crate::auth::signing::{Signing, SigningKeys};
use crate::body::Bodies;
use crate::clock::{Clock, ClockOffset};
use crate::error::{ApiError, Forbidden};
use crate::exchange::{Exchange, Unsent};
use crate::fault::{Effect, FaultAnswer, Faults, Hit, Offer};
use crate::ids::Ids;
use crate::journal::{self, Journal, Refused};
use crate::lwa::person::Consent;
use crate::metrics::{Limit, Metrics};
use crate::notes::{self, ReadAs};
use crate::peer::Peer;
use crate::reset::Resets;
use crate::response::Reply;
use crate::restore::Restores;
use crate::router::{AdminOperation, Listener, Operation, Router, Target};
use crate::seed::{self, Seed};
use crate::{admin, auth, head, logs, lwa, open, operation, restore};

static REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");

/// What every request shares.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) store: Arc<dyn Store>,
    keys: Keys,
    signing: Signing,
    pub(crate) restores: Restores,
    pub(crate) verifying: Verifying,
    pub(crate) clock: Clock,
    pub(crate) rates: Rates,
    pub(crate) guesses: Guesses,
    pub(crate) issuers: Issuers,
    pub(crate) consent: Consent,
    pub(crate) hashing: Hashing,
    pub(crate) metrics: Arc<Metrics>,
    /// The admin token that the server was started with.
    pub(crate) bootstrap: Bootstrap,
    pub(crate) acts: Acts,
    admin_hosts: Hosts,
    pub(crate) journal: Journal,
    pub(crate) faults: Faults,
    pub(crate) ids: Ids,
    pub(crate) resets: Resets,
    /// Whether clients get the kindness that can be switched off; an organization may still refuse it.
    pub(crate) lenient: bool,
    /// What a reset leads back to.
    pub(crate) seeds: Vec<Seed>,
    pub(crate) initial_clock: ClockOffset,
    pub(crate) started: Instant,
    router: Router,
    bodies: Arc<Bodies>,
    pub(crate) unsent: Arc<Unsent>,
    operations: Places,
    logins: Places,
}

/// What a server is set up with, beside store and metrics.
#[derive(Debug)]
pub(crate) struct Setup {
    pub(crate) default_rate: u32,
    pub(crate) journal: Journal,
    pub(crate) clock: ClockOffset,
    pub(crate) allow_reset: bool,
    pub(crate) lenient: bool,
    pub(crate) seeds: Vec<Seed>,
    pub(crate) issuers: Issuers,
    pub(crate) admin_hosts: Hosts,
    pub(crate) bodies: Arc<Bodies>,
    pub(crate) unsent: Arc<Unsent>,
    /// Operations, and logins, worked on at a time.
    pub(crate) max_in_flight: usize,
    pub(crate) consent: Consent,
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
    pub(crate) listener: Listener,
    /// Who sent it, as far as the connection tells.
    pub(crate) peer: Peer,
    /// Its part of the connection; nothing without one.
    pub(crate) exchange: Option<Exchange>,
    /// Whether it waited for its client and had to make room for another one that does.
    pub(crate) made_room: AtomicBool,
    /// Whether nothing more of its body is awaited.
    pub(crate) given_up: AtomicBool,
}

impl Call {
    pub(crate) fn new(
        head: Parts,
        request_id: RequestId,
        listener: Listener,
        peer: Peer,
        exchange: Option<Exchange>,
    ) -> Self {
        let no = || AtomicBool::new(false);
        Self { head, request_id, listener, peer, exchange, made_room: no(), given_up: no() }
    }

    /// Keeps the answer of a request that had to make room back for a while, and of the request what is small.
    pub(crate) async fn pause_if_made_room(&mut self) {
        if *self.made_room.get_mut() {
            self.head.headers = HeaderMap::new();
            tokio::time::sleep(limit::MADE_ROOM_PAUSE).await;
        }
    }

    /// The answer, which keeps its part of the connection until it is sent.
    pub(crate) fn kept_with(self, mut answer: Reply) -> Reply {
        if let Some(exchange) = self.exchange {
            answer.body_mut().keep(exchange);
        }
        answer
    }
}

impl App {
    pub(crate) fn new(store: Arc<dyn Store>, metrics: Arc<Metrics>, admin_token: &str, setup: Setup) -> Self {
        let Setup {
            default_rate,
            journal,
            clock,
            allow_reset,
            lenient,
            seeds,
            issuers,
            admin_hosts,
            bodies,
            unsent,
            max_in_flight,
            consent,
        } = setup;
        let places = || Places::new(max_in_flight, Arc::clone(&metrics));
        let ids = Ids::default();
        ids.restart(seed::id_seed(&seeds));
        Self {
            keys: Keys::derive(store.root_key()),
            signing: Signing::new(&*store),
            restores: Restores::default(),
            verifying: Verifying::default(),
            clock: Clock::new(clock),
            rates: Rates::new(default_rate),
            guesses: Guesses::new(Arc::clone(&metrics)),
            issuers,
            operations: places(),
            logins: places(),
            consent,
            hashing: Hashing::default(),
            metrics,
            bootstrap: Bootstrap::new(admin_token),
            acts: Acts::default(),
            admin_hosts,
            journal,
            faults: Faults::default(),
            ids,
            resets: Resets::new(allow_reset),
            lenient,
            seeds,
            initial_clock: clock,
            started: Instant::now(),
            router: Router::new(),
            bodies,
            unsent,
            store,
        }
    }

    /// The keys that sign tokens, as of these accounts.
    pub(crate) fn signing(&self, registry: &Registry) -> Guard<Arc<SigningKeys>> {
        self.signing.of(&*self.store, registry)
    }

    /// Where the keys that sign tokens are kept.
    pub(crate) const fn signing_keys(&self) -> &Signing {
        &self.signing
    }

    /// The keys of hashes and names, which derive from that of the store.
    pub(crate) fn keys(&self) -> &Keys {
        self.restores.keys().unwrap_or(&self.keys)
    }

    /// Answers a request, unless a fault rule keeps the answer.
    pub(crate) async fn respond<B>(
        self: &Arc<Self>,
        listener: Listener,
        peer: Peer,
        exchange: Option<Exchange>,
        request: Request<B>,
    ) -> Result<Reply, Dropped>
    where
        B: Body<Data = Bytes> + Unpin,
        B::Error: std::error::Error + Send + Sync + 'static,
    {
        let started = Instant::now();
        let request_id = RequestId::random();
        let (head, mut body) = request.into_parts();
        let mut call = Call::new(head, request_id, listener, peer, exchange);
        let mut seen = Seen { public: listener == Listener::Public, ..Seen::default() };
        let work = async {
            let result = self.dispatch(listener, &call, &mut body, &mut seen).await;
            self.bodies.drain(&call, &mut body).await;
            result
        };
        let result = match AssertUnwindSafe(work).catch_unwind().await {
            Ok(result) => result,
            Err(panic) => Err(ApiError::Internal { cause: format!("panic: {}", panic_text(&*panic)) }),
        };
        let mut response = result.unwrap_or_else(|error| self.refuse(&call, &mut seen, error));
        call.pause_if_made_room().await;
        identify(&mut response, request_id);
        if seen.guesses {
            // Boxed, like what follows: requests that have nothing to do with it are not the larger for it.
            Box::pin(self.guesses.hold()).await;
        }
        let dropped = seen.dropped.is_some();
        self.account(&call, seen, response.status(), started.elapsed());
        if dropped { Err(Dropped) } else { Ok(call.kept_with(response)) }
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
        notes::of_path(uri.path(), &mut seen.notes);
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
                    let mut place = self.logins.take()?;
                    let body = self.bodies.read(call, body, Some(&mut place)).await?;
                    let body = notes::of_body(&call.head, body, ReadAs::Form, &mut seen.notes);
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
                    let mut place = self.logins.take()?;
                    let body = self.bodies.read(call, body, Some(&mut place)).await?;
                    let body = notes::of_body(&call.head, body, ReadAs::Form, &mut seen.notes);
                    self.store.refresh().await?;
                    if self.faults.any() {
                        self.meet_fault(Operation::Login(operation), Offer::default(), seen).await?;
                    }
                    let _pass = self.resets.pass().await;
                    Ok(Box::pin(lwa::run(self, operation, call, &body, seen)).await)
                };
                Ok(work.await.unwrap_or_else(|error| lwa::refuse_other(operation, call, &error, seen)))
            }
            // Boxed: it is rare, and would make the future of every request as large as its own.
            Operation::Admin(operation) => Box::pin(self.serve_admin(operation, call, parameter, body)).await,
            Operation::Open(operation) => open::run(self, operation).await,
        }
    }

    /// A request of an operator.
    async fn serve_admin<B>(
        self: &Arc<Self>,
        operation: AdminOperation,
        call: &Call,
        parameter: &str,
        body: &mut B,
    ) -> Result<Reply, ApiError>
    where
        B: Body<Data = Bytes> + Unpin,
        B::Error: std::error::Error + Send + Sync + 'static,
    {
        let operator = access::admit(self, call, operation).await?;
        if operation == AdminOperation::Restore {
            let done = restore::restore(self, body, self.bodies.patience()).await?;
            act::tell(self, &operator, operation, call, parameter).await?;
            return Ok(done);
        }
        let body = self.bodies.read(call, body, None).await?;
        // What operators send is noted nowhere.
        let body = notes::of_body(&call.head, body, ReadAs::Json, &mut Notes::default());
        let _pass = if operation.outlasts_resets() {
            None
        } else {
            self.store.refresh().await?;
            self.resets.pass().await
        };
        let done = admin::run(self, operation, &operator, call, parameter, &body).await?;
        act::tell(self, &operator, operation, call, parameter).await?;
        Ok(done)
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
        let mut place = self.operations.take()?;
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
        let body = self.bodies.read(call, body, Some(&mut place)).await?;
        let body = notes::of_body(&call.head, body, ReadAs::Json, &mut seen.notes);
        if operation.has_large_answer() {
            self.bodies.wait_for_room(call, &mut place).await?;
        }
        let _pass = self.resets.pass().await;
        if self.resets.count() != resets {
            let caller = auth::authenticate(self, self.store.registry(), &call.head.headers).await?;
            granted = auth::grant(self, &caller, operation, parameter, call.request_id).await?;
        }
        let mut reading = Reading::new(granted.is_lenient());
        let result = operation::run(granted, call.head.uri.query(), &body, &mut reading).await;
        seen.notes.add_all(reading.notes());
        result
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

    /// Requests being worked on.
    pub(crate) fn in_flight(&self) -> usize {
        self.operations.taken() + self.logins.taken()
    }

    fn refuse(&self, call: &Call, seen: &mut Seen, error: ApiError) -> Reply {
        if let ApiError::TooManyRequests { .. } = error {
            self.metrics.limited(Limit::Rate);
        }
        match error {
            ApiError::InDoubt { .. } => self.metrics.in_doubt(),
            ApiError::Forbidden(Forbidden::Quota { .. }) => self.metrics.limited(Limit::Quota),
            _ => {}
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
        seen.guesses = matches!(error, ApiError::TooManyGuesses { .. });
        error.into_response()
    }

    fn account(&self, call: &Call, mut seen: Seen, status: StatusCode, latency: Duration) {
        let decided = seen.dropped != Some(DropWhen::Before);
        if seen.public {
            self.metrics.lenient(seen.notes);
        }
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
    /// Whether it is refused because logins failed before.
    pub(crate) guesses: bool,
    /// What was accepted although a stricter server might not.
    pub(crate) notes: Notes,
}

impl Seen {
    pub(crate) fn refused_by(&mut self, error: &ApiError) {
        let (_, kind) = error.status();
        let refusal = error.refusal();
        self.refused = Some(Refused { kind: kind.to_owned(), message: error.message(), refusal });
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
        peer = %call.peer,
        operation = operation.map_or("other", Operation::name),
        method = %call.head.method,
        path = journal::shown_path(call.head.uri.path()).0,
        status = status.as_u16(),
        latency_us = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX),
    );
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
