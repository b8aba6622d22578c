//! Sessions of the console: what a browser has in the place of an admin token.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Role, Secret};

/// Who asks, by an admin token or by a session of the console.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Session {
    /// The name of the admin token; `bootstrap` for the one that the server was started with.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// When the session ends, RFC 3339 in UTC; absent for a request with the token itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "date-time"))]
    pub expires: Option<String>,
}

/// A token that begins one session of the console, and nothing else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SessionLink {
    /// The token. It goes behind `/console/#token=`, and is used up by the session that it begins.
    pub token: Secret,
    /// When it is worthless, RFC 3339 in UTC.
    #[schemars(extend("format" = "date-time"))]
    pub expires: String,
}
