//! Requests to the public API that operators try in the name of a client, and what a sandbox tells about itself.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Secret;
use crate::{ClientId, RequestId, ServiceProviderId};

/// A request to try.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TriedRequest {
    /// The client in whose name it is sent, with an access token for all scopes that the client is granted.
    #[serde(alias = "clientId")]
    pub client_id: ClientId,
    /// Its method.
    #[schemars(extend("enum" = ["GET", "POST", "PUT", "DELETE"]))]
    pub method: String,
    /// Its path with its query string; it begins with `/v1/` or `/v2/`.
    #[schemars(regex(pattern = "^/v[12]/"))]
    pub path: String,
    /// Its body as text; none when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TriedAnswer {
    /// Its status; absent where a fault rule closed the connection instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 100, max = 599))]
    pub status: Option<u16>,
    /// The id of the request, by which the journal knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<RequestId>,
    /// Seconds of its `Retry-After` header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<String>,
    /// Its body as text; empty where it has none.
    pub body: String,
    /// From the request to its answer, in microseconds.
    pub latency_us: u64,
}

/// What `jackfield dev` serves: the same on every machine, and public.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Demo {
    /// The client.
    pub client_id: ClientId,
    /// Its secret.
    pub client_secret: Secret,
    /// Its refresh token.
    pub refresh_token: Secret,
    /// Its service provider.
    pub service_provider_id: ServiceProviderId,
}
