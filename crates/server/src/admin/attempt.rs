//! Requests that operators try: sent to the public API of this server in the name of a client, through every check that
//! a client's request passes. And what `jackfield dev` tells about its demo data.

use std::future::ready;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, header};
use http_body_util::{BodyExt, Full};
use jackfield_model::admin::{self, Role, TriedAnswer, TriedRequest};
use jackfield_model::{RequestId, limit};

use super::describe::{ITEM_ERRORS, NOT_FOUND, describe};
use super::{AdminOperation, Context, Recorded, client, not_found, ok, parse};
use crate::auth;
use crate::error::ApiError;
use crate::response::Reply;
use crate::state::State;

/// Life of the token of a request that is tried.
const TOKEN_LIFE: Duration = Duration::from_secs(60);

pub(crate) static TRY: AdminOperation = AdminOperation::new(
    "tryRequest",
    Role::Operator,
    describe("Try a request in the name of a client")
        .text(
            "It reaches the public API of this server as a request of the client: its rate, fault rules, the journal \
             and the change record know it as one. The token is issued for it alone.",
        )
        .request::<TriedRequest>()
        .response::<TriedAnswer>()
        .errors(ITEM_ERRORS),
    |context| Box::pin(run(context)),
)
// The request itself waits for a reset.
.outlasting_resets()
.recorded(Recorded::giving_out("request_tried"));

async fn run(context: Context<'_>) -> Result<Reply, ApiError> {
    let Context { state, call, body, .. } = context;
    let tried: TriedRequest = parse(body)?;
    let request = request(state, &tried)?;
    let host = call.head.headers.get(header::HOST).cloned();
    let public = state.operators.public()?;
    let started = Instant::now();
    let answer = public.ask(call.peer, with_host(request, host)).await;
    let latency_us = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
    let Some(answer) = answer else {
        return ok(&TriedAnswer {
            status: None,
            request_id: None,
            retry_after: None,
            body: String::new(),
            latency_us,
        });
    };
    let (head, body) = answer.into_parts();
    let body = body.collect().await.map_err(|error| ApiError::Internal { cause: error.to_string() })?;
    let text = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
    ok(&TriedAnswer {
        status: Some(head.status.as_u16()),
        request_id: text("x-amzn-requestid").and_then(|id| id.parse().ok()).map(RequestId::from_uuid),
        retry_after: text("retry-after").map(str::to_owned),
        body: String::from_utf8_lossy(&body.to_bytes()).into_owned(),
        latency_us,
    })
}

fn request(state: &State, tried: &TriedRequest) -> Result<Request<Full<Bytes>>, ApiError> {
    let bad = |message: String| ApiError::BadRequest(message);
    let method = match tried.method.as_str() {
        "GET" => Method::GET,
        "POST" => Method::POST,
        "PUT" => Method::PUT,
        "DELETE" => Method::DELETE,
        _ => return Err(bad("method must be one of GET, POST, PUT, DELETE.".to_owned())),
    };
    if !tried.path.starts_with("/v1/") && !tried.path.starts_with("/v2/") {
        return Err(bad("path must begin with /v1/ or /v2/.".to_owned()));
    }
    let body = tried.body.clone().unwrap_or_default();
    if body.len() > limit::BODY_BYTES {
        return Err(bad(format!(
            "body is {} bytes long; at most {} are allowed.",
            body.len(),
            limit::BODY_BYTES
        )));
    }
    let client = client::find(state, tried.client_id.as_str())?;
    let token = auth::issue(state, &client, &client.scopes, TOKEN_LIFE.as_secs()).access_token;
    let mut bearer = HeaderValue::try_from(format!("Bearer {}", token.0))
        .map_err(|error| ApiError::Internal { cause: error.to_string() })?;
    bearer.set_sensitive(true);
    Request::builder()
        .method(method)
        .uri(&tried.path)
        .header(header::AUTHORIZATION, bearer)
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::new(Bytes::from(body)))
        .map_err(|error| bad(format!("path is not one of HTTP: {error}.")))
}

fn with_host(mut request: Request<Full<Bytes>>, host: Option<HeaderValue>) -> Request<Full<Bytes>> {
    let host = host.unwrap_or_else(|| HeaderValue::from_static("localhost"));
    request.headers_mut().insert(header::HOST, host);
    request
}

pub(crate) static DEMO: AdminOperation = AdminOperation::new(
    "getDemo",
    Role::Operator,
    describe("Get the credentials of the demo data")
        .text("They are those of `jackfield dev`, public and the same on every machine. Other servers have none.")
        .response::<admin::Demo>()
        .errors(&[NOT_FOUND]),
    |context| Box::pin(ready(demo(context.state))),
);

fn demo(state: &State) -> Result<Reply, ApiError> {
    ok(state.operators.demo.as_ref().ok_or_else(|| not_found("demo"))?)
}
