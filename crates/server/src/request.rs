//! A request in the pipeline, and what log, metrics and request log learn about it.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use bytes::Bytes;
use http::HeaderMap;
use http::request::Parts;
use hyper::body::Body;
use jackfield_model::inspect::{DropWhen, Refusal};
use jackfield_model::note::Notes;
use jackfield_model::{ClientId, RequestId, limit};

use crate::error::ApiError;
use crate::head::Survey;
use crate::router::{Listener, Operation};
use crate::transport::exchange::Exchange;
use crate::transport::peer::Peer;

/// The body of a request, wherever it comes from.
pub(crate) type RequestBody = dyn Body<Data = Bytes, Error = BodyError> + Send + Unpin;

/// Why a body did not arrive.
#[derive(Debug)]
pub(crate) struct BodyError(Box<dyn Error + Send + Sync>);

impl BodyError {
    pub(crate) fn new(cause: impl Error + Send + Sync + 'static) -> Self {
        Self(Box::new(cause))
    }
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for BodyError {}

/// One request on its way.
pub(crate) struct Call {
    pub(crate) head: Parts,
    /// What is known of the head.
    pub(crate) survey: Survey,
    pub(crate) request_id: RequestId,
    pub(crate) listener: Listener,
    /// Who sent it, as far as the connection tells.
    pub(crate) peer: Peer,
    /// Its part of the connection; nothing without one.
    pub(crate) exchange: Option<Exchange>,
    /// Whether it waited for its body and was refused in favour of a newer request.
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
        let survey = Survey::of(&head);
        Self { head, survey, request_id, listener, peer, exchange, made_room: no(), given_up: no() }
    }

    /// Holds back the answer of a request that had to make room, and keeps only what is small of the request.
    pub(crate) async fn pause_if_made_room(&mut self) {
        if *self.made_room.get_mut() {
            self.head.headers = HeaderMap::new();
            tokio::time::sleep(limit::MADE_ROOM_PAUSE).await;
        }
    }
}

/// What is known of a request so far, for log, metrics and request log.
#[derive(Debug, Default)]
pub(crate) struct RequestLog {
    /// Whether it came in on the public listener.
    pub(crate) public: bool,
    pub(crate) operation: Option<&'static Operation>,
    pub(crate) client: Option<Arc<ClientId>>,
    pub(crate) refused: Option<Refused>,
    /// The fault rule that the request matched, and whether it suppresses the response.
    pub(crate) fault: Option<u64>,
    pub(crate) dropped: Option<DropWhen>,
    /// Whether it is refused because logins failed before.
    pub(crate) guesses: bool,
    /// What was accepted although a stricter server might not.
    pub(crate) notes: Notes,
}

impl RequestLog {
    pub(crate) fn refused_by(&mut self, error: &ApiError) {
        let (_, kind) = error.status();
        let refusal = error.refusal();
        self.refused = Some(Refused { kind: kind.to_owned(), message: error.message(), refusal });
    }
}

/// How a request was refused, as its client was told, and why.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) kind: String,
    pub(crate) message: String,
    pub(crate) refusal: Refusal,
}
