//! The public API of this process, for an import: in the name of a client, through every check that a client's request
//! passes, with tokens that are issued for it alone.

use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Request, Response, header};
use http_body_util::{BodyExt, Full};
use jackfield_model::ClientId;
use jackfield_model::admin::Secret;
use tokio::runtime::Handle;

use super::client;
use crate::auth;
use crate::imports::{ImportApi, ImportFuture};
use crate::state::State;
use crate::transport::peer::Peer;

/// Life of a token; another one is issued before its end.
const TOKEN_LIFE: Duration = Duration::from_secs(300);

/// The API in the name of a client.
#[derive(Debug)]
pub(super) struct InName {
    /// It outlives no server.
    state: Weak<State>,
    client: ClientId,
    /// From where the operator came that began the import.
    peer: Peer,
    /// Where requests are answered, whoever waits for the answer.
    runtime: Handle,
}

impl InName {
    pub(super) fn of(client: ClientId, peer: Peer, state: &Arc<State>) -> Arc<Self> {
        Arc::new(Self { state: Arc::downgrade(state), client, peer, runtime: Handle::current() })
    }
}

impl ImportApi for InName {
    fn token(&self) -> Result<Secret, String> {
        let state = self.state.upgrade().ok_or("the server has ended")?;
        let client = client::find(&state, self.client.as_str()).map_err(|_| "the client is gone")?;
        if !client.enabled {
            return Err("the client is disabled".to_owned());
        }
        Ok(auth::issue(&state, &client, &client.scopes, TOKEN_LIFE.as_secs()).access_token)
    }

    fn ask(&self, mut request: Request<Bytes>) -> ImportFuture<Option<Response<Bytes>>> {
        request.headers_mut().insert(header::HOST, HeaderValue::from_static("localhost"));
        let public = self.state.upgrade().and_then(|state| state.operators.public().ok());
        let peer = self.peer;
        // Stores may begin work that goes on after the answer.
        let answered = public.map(|public| {
            self.runtime.spawn(async move {
                let answer = public.ask(peer, request.map(Full::new)).await?;
                let (head, body) = answer.into_parts();
                let body = body.collect().await.ok()?.to_bytes();
                Some(Response::from_parts(head, body))
            })
        });
        Box::pin(async move { answered?.await.ok()? })
    }
}
