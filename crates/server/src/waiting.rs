//! What the listeners lead to: the service, and 503 as long as its store could not be opened.
//!
//! `/healthz` says that the process lives, `/readyz` what it waits for. The cause is for the operator: it stands in the
//! answer on the admin listener, and in the log.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, StatusCode};
use hyper::body::Body;
use jackfield_model::RequestId;
use tokio::sync::watch;

use crate::app::{self, App, Call, Dropped, Seen};
use crate::body::Bodies;
use crate::cors::{self, Cors};
use crate::error::ApiError;
use crate::exchange::{Exchange, Unsent};
use crate::head;
use crate::lwa;
use crate::metrics::Metrics;
use crate::opening::PAUSE_MAX;
use crate::peer::Peer;
use crate::response::{self, Reply};
use crate::router::{Listener, OpenOperation, Operation, Router, Target};

/// The service of a server, from the first connection on.
#[derive(Debug)]
pub(crate) struct Service {
    app: OnceLock<Arc<App>>,
    /// What it waits for, if it has to wait.
    cause: watch::Sender<Option<String>>,
    metrics: Arc<Metrics>,
    router: Router,
    bodies: Arc<Bodies>,
    unsent: Arc<Unsent>,
    cors: Cors,
}

impl Service {
    pub(crate) fn new(body_timeout: Duration, cors: Cors) -> Self {
        let metrics = Arc::<Metrics>::default();
        Self {
            app: OnceLock::new(),
            cause: watch::Sender::default(),
            bodies: Arc::new(Bodies::new(body_timeout, Arc::clone(&metrics))),
            metrics,
            router: Router::new(),
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

    /// The service proper, when its store is open.
    pub(crate) fn app(&self) -> Option<&Arc<App>> {
        self.app.get()
    }

    /// Puts the service proper in place. There is one in the life of a server.
    pub(crate) fn open(&self, app: Arc<App>) {
        // A second one would be a bug of the only caller; the first stays.
        let _ = self.app.set(app);
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

    /// Answers a request, unless a fault rule keeps the answer.
    pub(crate) async fn respond<B>(
        &self,
        listener: Listener,
        peer: Peer,
        exchange: Option<Exchange>,
        request: Request<B>,
    ) -> Result<Reply, Dropped>
    where
        B: Body<Data = Bytes> + Unpin,
        B::Error: std::error::Error + Send + Sync + 'static,
    {
        if !self.cors.is_on() || listener == Listener::Admin {
            return self.answer(listener, peer, exchange, request).await;
        }
        let operation = self.router.find(listener, request.method(), request.uri().path()).operation();
        if operation.is_some_and(|operation| !cors::is_shared(operation)) {
            return self.answer(listener, peer, exchange, request).await;
        }
        let origin = self.cors.allowed(request.headers()).cloned();
        let mut reply = match self.preflight(listener, peer, &request) {
            Some(reply) => reply,
            // Boxed, so that requests to servers without such pages are not the larger for it.
            None => Box::pin(self.answer(listener, peer, exchange, request)).await?,
        };
        cors::decorate(origin, &mut reply);
        Ok(reply)
    }

    async fn answer<B>(
        &self,
        listener: Listener,
        peer: Peer,
        exchange: Option<Exchange>,
        request: Request<B>,
    ) -> Result<Reply, Dropped>
    where
        B: Body<Data = Bytes> + Unpin,
        B::Error: std::error::Error + Send + Sync + 'static,
    {
        match self.app.get() {
            Some(app) => app.respond(listener, peer, exchange, request).await,
            None => Ok(self.refuse(listener, peer, exchange, request).await),
        }
    }

    /// The answer to a browser that asks what it may send.
    fn preflight<B>(&self, listener: Listener, peer: Peer, request: &Request<B>) -> Option<Reply> {
        let started = Instant::now();
        let found = self.router.find(listener, request.method(), request.uri().path());
        let Target::MethodNotAllowed(_, allow) = found else { return None };
        let mut reply = self.cors.preflight(request.method(), request.headers(), &allow)?;
        let mut bare = Request::new(());
        *bare.method_mut() = request.method().clone();
        *bare.uri_mut() = request.uri().clone();
        *bare.version_mut() = request.version();
        *bare.headers_mut() = request.headers().clone();
        let call = Call::new(bare.into_parts().0, RequestId::random(), listener, peer, None);
        head::check_host(&call.head).ok()?;
        app::identify(&mut reply, call.request_id);
        self.metrics.request(None, reply.status(), started.elapsed());
        app::log_access(&call, "-", None, reply.status(), started.elapsed());
        Some(reply)
    }

    async fn refuse<B>(
        &self,
        listener: Listener,
        peer: Peer,
        exchange: Option<Exchange>,
        request: Request<B>,
    ) -> Reply
    where
        B: Body<Data = Bytes> + Unpin,
        B::Error: std::error::Error + Send + Sync + 'static,
    {
        let started = Instant::now();
        let (head, mut body) = request.into_parts();
        let mut call = Call::new(head, RequestId::random(), listener, peer, exchange);
        self.bodies.drain(&call, &mut body).await;
        let found = self.router.find(listener, &call.head.method, call.head.uri.path());
        let operation = if let Target::Found(operation, _) = found { Some(operation) } else { None };
        let refused = match head::check_host(&call.head) {
            Ok(()) => self.refusal(listener, operation),
            Err(error) => error,
        };
        let mut reply = match (operation, &refused) {
            (Some(Operation::Open(OpenOperation::Health)), ApiError::Unavailable { .. }) => {
                response::json(StatusCode::OK, &serde_json::json!({ "status": "ok" }))
            }
            _ => lwa::refuse_as(found.operation(), &call, refused, &mut Seen::default())
                .unwrap_or_else(ApiError::into_response),
        };
        app::identify(&mut reply, call.request_id);
        self.metrics.request(operation, reply.status(), started.elapsed());
        app::log_access(&call, "-", operation, reply.status(), started.elapsed());
        call.pause_if_made_room().await;
        call.kept_with(reply)
    }

    fn refusal(&self, listener: Listener, operation: Option<Operation>) -> ApiError {
        let asks_why = matches!(operation, Some(Operation::Open(OpenOperation::Ready)));
        let cause = self.cause.borrow().clone().filter(|_| asks_why && listener == Listener::Admin);
        ApiError::Unavailable {
            message: match cause {
                Some(cause) => format!("The store cannot be opened yet: {cause}."),
                None => "The directory cannot be reached yet; nothing was changed.".to_owned(),
            },
            retry_after: u32::try_from(PAUSE_MAX.as_secs()).unwrap_or(u32::MAX),
            // It is in the log already, and would be there again with each request.
            cause: None,
        }
    }
}
