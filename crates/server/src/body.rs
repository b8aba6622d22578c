//! Reads request bodies, within limits of size and time and of the number of requests that wait for one.
//!
//! A request whose body has not arrived costs only memory, so it takes no place in flight. The number of waiting
//! requests is limited for each origin and in all. Beyond a limit the server refuses the one that has waited longest:
//! a client that sends its body at once is never among the oldest, however many others do not.

mod awaited;

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::FutureExt;
use http_body_util::BodyExt;
use hyper::body::Body;
use jackfield_model::limit;

use crate::error::ApiError;
use crate::head;
use crate::metrics::{Limit, Metrics};
use crate::request::{Call, RequestBody};
use crate::router::Listener;
use crate::throttle::admission::Place;
use awaited::{Awaited, Waiting};

/// Most bytes of a refused body that are read before the answer goes out.
const DRAIN_BYTES: usize = 1024 * 1024;

/// Reads the bodies of a server's requests.
#[derive(Debug)]
pub(crate) struct Bodies {
    /// From the end of the head until the body must be there.
    patience: Duration,
    /// Clients of the public listener compete with each other, not with operators.
    public: Awaited,
    admin: Awaited,
    metrics: Arc<Metrics>,
}

impl Bodies {
    pub(crate) fn new(patience: Duration, metrics: Arc<Metrics>) -> Self {
        let awaited = || Awaited::new(limit::AWAITED_BODIES, limit::AWAITED_BODIES_OF_ORIGIN);
        Self { patience, public: awaited(), admin: awaited(), metrics }
    }

    /// Longest that a client may take for a body.
    pub(crate) const fn patience(&self) -> Duration {
        self.patience
    }

    /// The whole body, within its limits of size and time. Meanwhile another request may use the place.
    pub(crate) async fn read(
        &self,
        call: &Call,
        body: &mut RequestBody,
        place: Option<&mut Place<'_>>,
    ) -> Result<Bytes, ApiError> {
        if body.is_end_stream() {
            return Ok(Bytes::new());
        }
        if body.size_hint().lower() > limit::BODY_BYTES as u64 {
            return Err(too_large());
        }
        if call.survey.has_encoding {
            head::check_encoding(&call.head)?;
        }
        let mut whole = pin!(collect(body));
        // Most often it came with the head, and needs no timer.
        match whole.as_mut().now_or_never() {
            Some(arrived) => arrived,
            None => self.wait_for(call, whole, place).await?.ok_or_else(|| self.too_slow(call))?,
        }
    }

    /// Waits until the client has read enough of other responses to make room for a large one. Meanwhile another
    /// request may use the place.
    pub(crate) async fn wait_for_room(&self, call: &Call, place: &mut Place<'_>) -> Result<(), ApiError> {
        let Some(exchange) = &call.exchange else { return Ok(()) };
        if exchange.try_room(limit::LARGE_ANSWER_BYTES) {
            return Ok(());
        }
        let room = exchange.room(limit::LARGE_ANSWER_BYTES);
        self.wait_for(call, room, Some(place)).await?.ok_or(ApiError::Overloaded)
    }

    /// Waits for the client to act; nothing when it took too long.
    async fn wait_for<T>(
        &self,
        call: &Call,
        arrival: impl Future<Output = T>,
        mut place: Option<&mut Place<'_>>,
    ) -> Result<Option<T>, ApiError> {
        if let Some(place) = &mut place {
            place.give_back();
        }
        let waiting = self.awaited(call);
        let arrived = tokio::select! {
            arrived = tokio::time::timeout(self.patience, arrival) => arrived.ok(),
            () = waiting.given_up() => {
                self.make_room(call);
                return Err(ApiError::Overloaded);
            }
        };
        drop(waiting);
        if arrived.is_none() {
            call.given_up.store(true, Ordering::Relaxed);
        } else {
            place.map_or(Ok(()), Place::take)?;
        }
        Ok(arrived)
    }

    /// Drains the rest of a refused body: a client that is still sending it when the connection closes would never
    /// read the response. A client that waits for 100 Continue sends nothing, and one that timed out had its time.
    pub(crate) async fn drain(&self, call: &Call, body: &mut RequestBody) {
        if call.given_up.load(Ordering::Relaxed) {
            return;
        }
        if body.is_end_stream() || call.survey.expects || body.size_hint().lower() > DRAIN_BYTES as u64 {
            return;
        }
        let mut rest = pin!(async {
            let mut taken = 0;
            while let Some(Ok(frame)) = body.frame().await {
                taken += frame.data_ref().map_or(0, Bytes::len);
                if taken > DRAIN_BYTES {
                    break;
                }
            }
        });
        if rest.as_mut().now_or_never().is_some() {
            return;
        }
        let waiting = self.awaited(call);
        // Whether it came to an end or not, the answer goes out now.
        tokio::select! {
            _ = tokio::time::timeout(self.patience, rest) => {}
            () = waiting.given_up() => self.make_room(call),
        }
    }

    fn make_room(&self, call: &Call) {
        self.metrics.limited(Limit::Bodies);
        call.made_room.store(true, Ordering::Relaxed);
        call.given_up.store(true, Ordering::Relaxed);
    }

    fn too_slow(&self, call: &Call) -> ApiError {
        ApiError::BadRequest(format!(
            "The body of the {} did not arrive within {}.",
            call.head.method,
            humantime::format_duration(self.patience)
        ))
    }

    fn awaited(&self, call: &Call) -> Waiting<'_> {
        let awaited = match call.listener {
            Listener::Public => &self.public,
            Listener::Admin => &self.admin,
        };
        awaited.join(call.peer.origin())
    }
}

/// The whole body. One that comes in one piece, as most do, is not copied.
async fn collect(body: &mut RequestBody) -> Result<Bytes, ApiError> {
    let (mut first, mut rest) = (Bytes::new(), BytesMut::new());
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| ApiError::BadRequest("The body did not arrive whole.".to_owned()))?;
        let Ok(piece) = frame.into_data() else { continue };
        if first.len() + rest.len() + piece.len() > limit::BODY_BYTES {
            return Err(too_large());
        }
        if first.is_empty() {
            first = piece;
        } else {
            rest.extend_from_slice(&piece);
        }
        if body.is_end_stream() {
            break;
        }
    }
    Ok(if rest.is_empty() { first } else { [first, rest.freeze()].concat().into() })
}

fn too_large() -> ApiError {
    ApiError::BadRequest(format!(
        "The body is larger than {} bytes, which is the most allowed.",
        limit::BODY_BYTES
    ))
}
