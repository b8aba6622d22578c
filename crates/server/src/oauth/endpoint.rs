//! How requests of Login with Amazon are served: they count as logins in flight, and errors have the form that their
//! clients read.

use std::fmt;
use std::future::ready;

use bytes::Bytes;
use futures_util::future::BoxFuture;

use super::{consent, credentials, error, info, token};
use crate::description::Description;
use crate::endpoint::{Endpoint, Incoming, Outcome};
use crate::error::ApiError;
use crate::notes::{self, ReadAs};
use crate::request::{Call, RequestLog};
use crate::response::Reply;
use crate::router::Operation;
use crate::sandbox::fault::FaultContext;
use crate::state::State;

/// An operation of Login with Amazon.
pub(crate) struct LoginOperation {
    operation: Operation,
    run: for<'a> fn(Context<'a>) -> BoxFuture<'a, Reply>,
    /// The form of its refusals: JSON of RFC 6749, or a page.
    refuse: fn(&Call, &ApiError, &mut RequestLog) -> Reply,
    /// The client that a request says it is from, for fault rules.
    presented_client: fn(&Call, &[u8]) -> Option<String>,
}

/// What a handler gets.
struct Context<'a> {
    state: &'a State,
    call: &'a Call,
    body: &'a Bytes,
    log: &'a mut RequestLog,
}

/// The token endpoint.
pub(crate) static TOKEN: LoginOperation = LoginOperation {
    presented_client: credentials::presented_client,
    ..LoginOperation::new("getToken", "token", token::DESCRIPTION, |context| {
        Box::pin(token::token(context.state, context.call, context.body, context.log))
    })
};
/// What an access token says.
pub(crate) static TOKEN_INFO: LoginOperation =
    LoginOperation::new("getTokenInfo", "tokeninfo", info::TOKEN_DESCRIPTION, |context| {
        Box::pin(ready(info::token(context.state, context.call, context.log)))
    });
/// Who an access token stands for.
pub(crate) static USER_PROFILE: LoginOperation =
    LoginOperation::new("getUserProfile", "user_profile", info::USER_DESCRIPTION, |context| {
        Box::pin(ready(info::user(context.state, context.call, context.log)))
    });
/// The page on which a person allows.
pub(crate) static CONSENT_PAGE: LoginOperation =
    LoginOperation::new("getConsentPage", "consent", consent::PAGE_DESCRIPTION, |context| {
        Box::pin(ready(consent::show(context.state, context.call, context.log)))
    })
    .for_people();
/// What the person decided.
pub(crate) static CONSENT_DECISION: LoginOperation =
    LoginOperation::new("decideConsent", "consent", consent::DECISION_DESCRIPTION, |context| {
        Box::pin(consent::decide(context.state, context.call, context.body, context.log))
    })
    .for_people();

impl LoginOperation {
    const fn new(
        id: &'static str,
        name: &'static str,
        description: Description,
        run: for<'a> fn(Context<'a>) -> BoxFuture<'a, Reply>,
    ) -> Self {
        let operation = Operation::for_clients(id, name, description);
        Self { operation, run, refuse: error::refuse, presented_client: |_, _| None }
    }

    /// One that is a page in a browser.
    const fn for_people(mut self) -> Self {
        self.operation.cross_origin = false;
        self.refuse = consent::refuse;
        self
    }

    async fn serve(&self, incoming: Incoming<'_>) -> Outcome {
        let Incoming { state, call, body, log, .. } = incoming;
        let work = async {
            let mut place = state.limits.logins.take()?;
            let body = state.limits.bodies.read(call, body, Some(&mut place)).await?;
            let body = notes::of_body(call, body, ReadAs::Form, &mut log.notes);
            state.store.refresh().await?;
            let faults = &state.sandbox.faults;
            if faults.any() {
                let client = (self.presented_client)(call, &body);
                let context = FaultContext {
                    operation: self.operation.name,
                    client: client.as_deref(),
                    provider: None,
                };
                faults.apply(context, &state.metrics, log).await?;
            }
            let _guard = state.sandbox.reset_lock.read_guard().await;
            Ok((self.run)(Context { state, call, body: &body, log }).await)
        };
        Ok(work.await.unwrap_or_else(|error| (self.refuse)(call, &error, log)))
    }
}

impl fmt::Debug for LoginOperation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.operation.fmt(f)
    }
}

impl Endpoint for LoginOperation {
    fn operation(&self) -> &Operation {
        &self.operation
    }

    fn serve<'a>(&'static self, incoming: Incoming<'a>) -> BoxFuture<'a, Outcome> {
        Box::pin(self.serve(incoming))
    }

    fn refuse(&self, call: &Call, error: ApiError, log: &mut RequestLog) -> Outcome {
        // A method that the path does not have comes from a program, also where people have a page.
        let wrong_method = matches!(error, ApiError::MethodNotAllowed { .. });
        let refuse = if wrong_method { error::refuse } else { self.refuse };
        Ok(refuse(call, &error, log))
    }
}
