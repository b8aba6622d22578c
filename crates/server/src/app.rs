//! A request from its head to its answer: route, admission, authentication, body, operation, log and metrics.
//!
//! Whatever happens, the answer bears `X-Amzn-RequestId`; a panic in a handler is a 500 with that id.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::FutureExt;
use http::request::Parts;
use http::{HeaderName, HeaderValue, Request, StatusCode};
use http_body_util::{BodyExt, Limited};
use hyper::body::Body;
use jackfield_model::{ClientId, RequestId, limit};
use jackfield_store::Store;

use crate::auth::issuer::Issuers;
use crate::auth::keys::Keys;
use crate::auth::rate::Rates;
use crate::clock::Clock;
use crate::error::ApiError;
use crate::metrics::{Limit, Metrics};
use crate::response::Reply;
use crate::router::{Listener, Operation, Router, Target};
use crate::{admin, auth, lwa, open, operation};

/// Most bytes of a refused body that are read before the answer goes out.
const DRAIN_BYTES: usize = 1024 * 1024;

static REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");

/// What every request shares.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) keys: Keys,
    pub(crate) clock: Clock,
    pub(crate) rates: Rates,
    pub(crate) issuers: Issuers,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) admin_token: admin::AdminToken,
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

/// One request on its way.
pub(crate) struct Call {
    pub(crate) head: Parts,
    pub(crate) request_id: RequestId,
}

impl App {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        metrics: Arc<Metrics>,
        admin_token: &str,
        default_rate: u32,
        limits: Limits,
    ) -> Self {
        Self {
            keys: Keys::derive(store.root_key()),
            clock: Clock,
            rates: Rates::new(default_rate),
            issuers: Issuers { builtin: true, foreign: None },
            metrics,
            admin_token: admin::AdminToken::new(admin_token),
            started: Instant::now(),
            router: Router::new(),
            limits,
            in_flight: AtomicUsize::new(0),
            store,
        }
    }

    /// Answers a request.
    pub(crate) async fn respond<B>(&self, listener: Listener, request: Request<B>) -> Reply
    where
        B: Body<Data = Bytes> + Unpin,
        B::Error: std::error::Error + Send + Sync + 'static,
    {
        let started = Instant::now();
        let request_id = RequestId::random();
        let (head, mut body) = request.into_parts();
        let call = Call { head, request_id };
        let mut seen = Seen::default();
        let work = async {
            let result = self.dispatch(listener, &call, &mut body, &mut seen).await;
            self.drain(&call.head, &mut body).await;
            result
        };
        let result = match AssertUnwindSafe(work).catch_unwind().await {
            Ok(result) => result,
            Err(panic) => Err(ApiError::Internal { cause: format!("panic: {}", panic_text(&*panic)) }),
        };
        let mut response = result.unwrap_or_else(|error| self.refuse(&call, &seen, error));
        let value = HeaderValue::from_str(uuid_text(request_id, &mut uuid::Uuid::encode_buffer()))
            .expect("a UUID is a header value");
        response.headers_mut().insert(REQUEST_ID.clone(), value);
        self.account(&call, &seen, response.status(), started.elapsed());
        response
    }

    async fn dispatch<B>(
        &self,
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
        let (operation, parameter) = match self.router.find(listener, &call.head.method, uri.path()) {
            Target::Found(operation, parameter) => (operation, parameter),
            Target::MethodNotAllowed(allow) => return Err(ApiError::MethodNotAllowed { allow }),
            Target::NotFound => return Err(ApiError::NotFound("There is nothing at this path.".to_owned())),
        };
        seen.operation = Some(operation);
        check_head(&call.head)?;
        let parameter = parameter.as_deref().unwrap_or_default();
        match operation {
            Operation::Association(operation) => {
                self.check_maintenance()?;
                let _slot = self.admit()?;
                let caller = auth::authenticate(self, &call.head.headers).await?;
                seen.client = Some(Arc::clone(&caller.client.id));
                let provider = auth::authorize(self, &caller, parameter, call.request_id)?;
                let body = self.read_body(&call.head, body).await?;
                operation::run(operation, provider, uri.query(), &body).await
            }
            Operation::Token => {
                let work = async {
                    let _slot = self.admit()?;
                    let body = self.read_body(&call.head, body).await?;
                    Ok(lwa::token(self, call, &body, &mut seen.client).await)
                };
                Ok(work.await.unwrap_or_else(|error| lwa::refuse(call, &error)))
            }
            Operation::Login(operation) => {
                let work = async {
                    let _slot = self.admit()?;
                    let body = self.read_body(&call.head, body).await?;
                    Ok(lwa::run(self, operation, call, &body, &mut seen.client))
                };
                Ok(work.await.unwrap_or_else(|error| lwa::refuse_other(operation, call, &error)))
            }
            Operation::Admin(operation) => {
                self.admin_token.check(&call.head.headers)?;
                let body = self.read_body(&call.head, body).await?;
                admin::run(self, operation, call, parameter, &body).await
            }
            Operation::Open(operation) => open::run(self, operation).await,
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
        let whole = Limited::new(body, limit::BODY_BYTES).collect();
        match tokio::time::timeout(self.limits.body_timeout, whole).await {
            Ok(Ok(body)) => Ok(body.to_bytes()),
            Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => Err(too_large()),
            Ok(Err(_)) => Err(ApiError::BadRequest("The body did not arrive whole.".to_owned())),
            Err(_) => Err(ApiError::BadRequest(format!(
                "The body of the {} did not arrive within {}.",
                head.method,
                humantime::format_duration(self.limits.body_timeout)
            ))),
        }
    }

    /// Takes what is left of a body that was refused: a client that is still sending it when the connection closes
    /// would never read the answer. A client that waits for a go-ahead sends nothing.
    async fn drain<B>(&self, head: &Parts, body: &mut B)
    where
        B: Body<Data = Bytes> + Unpin,
    {
        let waits = head.headers.contains_key(http::header::EXPECT);
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
        let _ = tokio::time::timeout(self.limits.body_timeout, rest).await;
    }

    fn check_maintenance(&self) -> Result<(), ApiError> {
        let maintenance = self.store.registry().maintenance;
        if !maintenance.enabled {
            return Ok(());
        }
        Err(ApiError::Unavailable {
            message: "The service is down for maintenance; nothing was changed.".to_owned(),
            retry_after: maintenance.retry_after,
            cause: None,
        })
    }

    /// A place among the requests in flight, or 503 before memory grows.
    fn admit(&self) -> Result<Slot<'_>, ApiError> {
        let before = self.in_flight.fetch_add(1, Ordering::Relaxed);
        let slot = Slot(self);
        self.metrics.in_flight.inc();
        if before < self.limits.max_in_flight {
            return Ok(slot);
        }
        self.metrics.limited(Limit::InFlight);
        Err(ApiError::Unavailable {
            message: "The service is overloaded; nothing was changed.".to_owned(),
            retry_after: 1,
            cause: None,
        })
    }

    fn refuse(&self, call: &Call, seen: &Seen, error: ApiError) -> Reply {
        if let ApiError::TooManyRequests { .. } = error {
            self.metrics.limited(Limit::Rate);
        }
        let operation = seen.operation.map_or("other", Operation::name);
        match (&error, error.cause()) {
            (ApiError::Internal { .. }, Some(cause)) => {
                tracing::error!(request_id = %call.request_id, operation, cause, "request failed");
            }
            (_, Some(cause)) => {
                tracing::warn!(request_id = %call.request_id, operation, cause, "request refused");
            }
            (_, None) => {}
        }
        error.into_response()
    }

    fn account(&self, call: &Call, seen: &Seen, status: StatusCode, latency: Duration) {
        self.metrics.request(seen.operation, status, latency);
        tracing::debug!(
            target: "jackfield::access",
            request_id = %call.request_id,
            client = seen.client.as_deref().map_or("-", ClientId::as_str),
            operation = seen.operation.map_or("other", Operation::name),
            method = %call.head.method,
            path = call.head.uri.path(),
            status = status.as_u16(),
            latency_us = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX),
        );
    }
}

/// What is known of a request so far, for log and metrics.
#[derive(Default)]
struct Seen {
    operation: Option<Operation>,
    client: Option<Arc<ClientId>>,
}

/// A place among the requests in flight; free again when dropped.
struct Slot<'a>(&'a App);

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
        self.0.metrics.in_flight.dec();
    }
}

/// The head is parsed within the HTTP library's own, wider bounds; within them the answer is ours.
fn check_head(head: &Parts) -> Result<(), ApiError> {
    let line = head.method.as_str().len() + head.uri.path_and_query().map_or(0, |text| text.as_str().len());
    let headers: usize = head.headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if line + headers > limit::HEAD_BYTES {
        return Err(ApiError::BadRequest(format!(
            "The head of the request is {} bytes long; at most {} are allowed.",
            line + headers,
            limit::HEAD_BYTES
        )));
    }
    Ok(())
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
