//! POST /v1/communications/signaling: what an integrator's cloud says of calls.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use http::StatusCode;
use schemars::JsonSchema;
use serde_json::Value;

use crate::auth::{self, OfSignaling};
use crate::calling;
use crate::description::Tag;
use crate::endpoint::{Endpoint, Incoming, Outcome};
use crate::group::Group;
use crate::response;
use crate::router::Operation;

/// A message of a call: one flat object.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", extend("examples" = [{
    "type": "Alexa.Comms.CallSignaling.CallRinging",
    "sessionId": "8b0e2d0e-5f0c-4d2c-9d5e-2f0b7a8f6f10",
}]))]
#[expect(dead_code, reason = "it says what a body may have")]
struct CallMessage {
    /// Its type: `Alexa.Comms.CallSignaling.` and a name.
    #[schemars(extend("pattern" = r"^Alexa\.Comms\.CallSignaling\.[A-Za-z]+$"))]
    r#type: String,
    /// The call. The party that begins it chooses the id.
    #[schemars(length(min = 1, max = jackfield_model::limit::SESSION_ID_CHARS))]
    session_id: String,
    /// An offer or an answer, where the type has one.
    sdp_details: Option<Value>,
    /// The caller and the called, where the message begins a call.
    participants: Option<Vec<Value>>,
    /// The name of the caller, where the message begins a call.
    custom_params: Option<Value>,
    /// What a renegotiation is for.
    #[schemars(extend("enum" = ["CALL_UPDATE", "CALL_HOLD", "CALL_RESUME"]))]
    renegotiation_type: Option<String>,
    /// How the call ended.
    call_result: Option<Value>,
}

/// The operation: like those of other bearers, and what follows from it goes on after its answer.
#[derive(Debug)]
pub(crate) struct SignalingOperation {
    operation: Operation,
}

pub(crate) static SIGNAL: SignalingOperation = SignalingOperation {
    operation: Operation::for_clients(
        "signalCall",
        "signaling",
        super::describe(Tag::Calls, "Signal a call")
            .text(
                "A message of the `Alexa.Comms.CallSignaling` interface, of a call of the caller's organization. Taken is \
                 not done: the skill gets an acknowledgement.",
            )
            .request::<CallMessage>()
            .successes(&[(202, "Taken.")])
            .errors(&[
                (404, "No such call, or it has ended; or the called has no association."),
                (409, "A call with this id has not ended."),
            ]),
    ),
};

impl Endpoint for SignalingOperation {
    fn operation(&self) -> &Operation {
        &self.operation
    }

    fn serve<'a>(&'static self, mut incoming: Incoming<'a>) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let state = Arc::clone(incoming.state);
            let admitted = auth::admit::<OfSignaling>(&mut incoming, &self.operation, Group::Calls).await?;
            let auth::Signaling { organization, client } = &admitted.handle;
            calling::signal(&state, organization, client, &admitted.body).await?;
            Ok(response::empty(StatusCode::ACCEPTED))
        })
    }
}
