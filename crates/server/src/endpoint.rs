//! How requests for an operation are served. Each kind of operation implements [`Endpoint`] in its own way; the
//! pipeline knows none of them.

use std::fmt::Debug;
use std::sync::Arc;

use futures_util::future::BoxFuture;

use crate::error::ApiError;
use crate::request::{Call, RequestBody, RequestLog};
use crate::response::Reply;
use crate::router::Operation;
use crate::state::State;

/// A request that has reached its operation.
pub(crate) struct Incoming<'a> {
    pub(crate) state: &'a Arc<State>,
    pub(crate) call: &'a Call,
    /// The decoded parameter of the path; empty where the path has none.
    pub(crate) parameter: &'a str,
    /// The second one; empty where the path has none.
    pub(crate) second_parameter: &'a str,
    pub(crate) body: &'a mut RequestBody,
    pub(crate) log: &'a mut RequestLog,
}

/// The answer of an operation, or why there is none.
pub(crate) type Outcome = Result<Reply, ApiError>;

/// An operation, with the way in which it is served.
pub(crate) trait Endpoint: Debug + Sync {
    /// What is known of it apart from that.
    fn operation(&self) -> &Operation;

    /// Serves a request.
    fn serve<'a>(&'static self, incoming: Incoming<'a>) -> BoxFuture<'a, Outcome>;

    /// The answer to a request that is refused before it is served, where its clients read a form of their own; otherwise
    /// the error itself, for an answer in the form of the API.
    fn refuse(&self, _: &Call, error: ApiError, _: &mut RequestLog) -> Outcome {
        Err(error)
    }
}
