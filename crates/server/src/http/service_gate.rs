//! Passes requests of the listeners to the service; answers 503 until the store is open.
//!
//! `/healthz` says that the process is alive, `/readyz` what it waits for. The cause is for the operator: it is in the
//! response on the admin listener, and in the log.

use std::error::Error;
use std::pin::pin;
use std::sync::{Arc, OnceLock, Weak};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper::body::Body;
use jackfield_model::RequestId;
use tokio::sync::watch;

use super::admin_hosts::AdminHosts;
use super::cors::{self, Cors};
use super::pipeline::{self, Dropped, Pipeline};
use super::routes::Handler;
use crate::body::Bodies;
use crate::error::ApiError;
use crate::metrics::Metrics;
use crate::probes;
use crate::request::{BodyError, Call, RequestBody, RequestLog};
use crate::response::{Reply, Sent};
use crate::router::{Listener, Operation, Target};
use crate::state::{PublicApi, State};
use crate::transport::exchange::Exchange;
use crate::transport::outbox::Unsent;
use crate::transport::peer::Peer;

/// `Retry-After` while the store cannot be reached, in whole seconds: the longest pause between two attempts to open
/// it.
pub(crate) const STORE_RETRY_AFTER: Duration = Duration::from_secs(2);

/// The service of a server, from the first connection on.
#[derive(Debug)]
pub(crate) struct ServiceGate {
    state: OnceLock<Arc<State>>,
    /// What it waits for, if it has to wait.
    cause: watch::Sender<Option<String>>,
    metrics: Arc<Metrics>,
    pipeline: Pipeline,
    bodies: Arc<Bodies>,
    unsent: Arc<Unsent>,
    cors: Cors,
}

impl PublicApi for ServiceGate {
    fn ask(self: Arc<Self>, peer: Peer, request: Request<Full<Bytes>>) -> BoxFuture<'static, Option<Sent>> {
        Box::pin(async move { self.respond(Listener::Public, peer, None, request).await.ok() })
    }
}

impl ServiceGate {
    pub(crate) fn new(body_timeout: Duration, cors: Cors, admin_hosts: AdminHosts) -> Self {
        let metrics = Arc::<Metrics>::default();
        Self {
            state: OnceLock::new(),
            cause: watch::Sender::default(),
            bodies: Arc::new(Bodies::new(body_timeout, Arc::clone(&metrics))),
            metrics,
            pipeline: Pipeline::new(admin_hosts),
            unsent: Arc::default(),
            cors,
        }
    }

    /// What all connections have not sent yet.
    pub(crate) const fn unsent(&self) -> &Arc<Unsent> {
        &self.unsent
    }

    /// What reads the bodies of all requests.
    pub(crate) const fn bodies(&self) -> &Arc<Bodies> {
        &self.bodies
    }

    pub(crate) const fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    /// What all requests share, when the store is open.
    pub(crate) fn state(&self) -> Option<&Arc<State>> {
        self.state.get()
    }

    /// Opens the gate. That happens once in the life of a server.
    pub(crate) fn open(self: &Arc<Self>, state: Arc<State>) {
        let public: Weak<Self> = Arc::downgrade(self);
        let _ = state.operators.public.set(public);
        // A second one would be a bug of the only caller; the first stays.
        let _ = self.state.set(state);
    }

    /// Notes what the service waits for.
    pub(crate) fn wait_for(&self, cause: &str) {
        self.cause.send_if_modified(|known| {
            let news = known.as_deref() != Some(cause);
            if news {
                *known = Some(cause.to_owned());
            }
            news
        });
    }

    /// Done when the service has to wait for something.
    pub(crate) async fn waits(&self) {
        // The sender lives as long as this value.
        let _ = self.cause.subscribe().wait_for(Option::is_some).await;
    }

    /// What the service waits for, now and whenever it changes.
    pub(crate) fn causes(&self) -> watch::Receiver<Option<String>> {
        self.cause.subscribe()
    }

    /// Answers a request, unless a fault rule suppresses the response. Every response has `X-Amzn-RequestId`.
    pub(crate) fn respond<B>(
        &self,
        listener: Listener,
        peer: Peer,
        exchange: Option<Exchange>,
        request: Request<B>,
    ) -> impl Future<Output = Result<Sent, Dropped>> + Send
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Error + Send + Sync + 'static,
    {
        let started = Instant::now();
        let (head, body) = request.into_parts();
        let mut call = Call::new(head, RequestId::random(), listener, peer, exchange);
        let mut body = body.map_err(BodyError::new);
        // Made before the future, which then has them in their place: the argument of an async function would be moved
        // once more.
        async move {
            let reply = if self.cors.is_on() && listener == Listener::Public {
                // Boxed to keep the common future small.
                Box::pin(self.answer_cross_origin(&mut call, &mut body, started)).await
            } else {
                // Pinned where it is made, here and below: awaited as a value it would be moved first, and it is large.
                pin!(self.answer(&mut call, &mut body, started)).await
            };
            // Not by a method of the call, which would be moved there.
            Ok(reply?.finish(call.request_id, call.head.headers, call.exchange))
        }
    }

    async fn answer(
        &self,
        call: &mut Call,
        body: &mut RequestBody,
        started: Instant,
    ) -> Result<Reply, Dropped> {
        match self.state.get() {
            Some(state) => pin!(pipeline::respond(&self.pipeline, state, call, body, started)).await,
            None => Ok(Box::pin(self.refuse(call, body, started)).await),
        }
    }

    async fn answer_cross_origin(
        &self,
        call: &mut Call,
        body: &mut RequestBody,
        started: Instant,
    ) -> Result<Reply, Dropped> {
        let target = self.pipeline.find(call);
        if target.at_path().is_some_and(|handler| !handler.operation().cross_origin) {
            return self.answer(call, body, started).await;
        }
        let origin = self.cors.allowed(&call.head.headers).cloned();
        let mut reply = match self.preflight(call, &target, started) {
            Some(reply) => reply,
            None => self.answer(call, body, started).await?,
        };
        cors::decorate(origin, &mut reply);
        Ok(reply)
    }

    /// The response to a preflight request.
    fn preflight(&self, call: &Call, target: &Target<'_, Handler>, started: Instant) -> Option<Reply> {
        let Target::MethodNotAllowed(_, allow) = target else { return None };
        let reply = self.cors.preflight(&call.head.method, &call.head.headers, allow)?;
        call.survey.check_host().ok()?;
        self.count(call, None, &reply, started);
        Some(reply)
    }

    async fn refuse(&self, call: &mut Call, body: &mut RequestBody, started: Instant) -> Reply {
        self.bodies.drain(call, body).await;
        let target = self.pipeline.find(call);
        let at_path = target.at_path();
        let found = if let Target::Found(handler, _) = target { Some(handler.operation()) } else { None };
        let refused = match call.survey.check_host() {
            Ok(()) => self.refusal(call.listener, found),
            Err(error) => error,
        };
        let reply = match (found, &refused) {
            (Some(operation), ApiError::Unavailable { .. }) if probes::HEALTH.serves(operation) => {
                probes::healthy("ok")
            }
            _ => pipeline::refuse_in_form(at_path, call, refused, &mut RequestLog::default())
                .unwrap_or_else(ApiError::into_response),
        };
        self.count(call, found, &reply, started);
        call.pause_if_made_room().await;
        reply
    }

    fn count(&self, call: &Call, operation: Option<&Operation>, reply: &Reply, started: Instant) {
        self.metrics.request(operation, reply.status(), started.elapsed());
        pipeline::log_access(call, "-", operation, reply.status(), started.elapsed());
    }

    fn refusal(&self, listener: Listener, operation: Option<&Operation>) -> ApiError {
        let asks_why = operation.is_some_and(|operation| probes::READINESS.serves(operation));
        let cause = self.cause.borrow().clone().filter(|_| asks_why && listener == Listener::Admin);
        ApiError::Unavailable {
            message: match cause {
                Some(cause) => format!("The store cannot be opened yet: {cause}."),
                None => "The directory cannot be reached yet; nothing was changed.".to_owned(),
            },
            retry_after: u32::try_from(STORE_RETRY_AFTER.as_secs()).unwrap_or(u32::MAX),
            // It is in the log already, and would be there again with each request.
            cause: None,
        }
    }
}
