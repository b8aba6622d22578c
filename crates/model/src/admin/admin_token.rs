//! Admin tokens, and what each role allows.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Secret;
use crate::{limit, schema};

/// What the bearer of an admin token may do. Each role may do all that the one before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Role {
    /// Reads accounts, associations, the change record and the state of the server.
    Viewer,
    /// Also reads the journal, makes fault rules, moves the token clock, switches maintenance mode, issues and revokes
    /// tokens of clients, and takes backups.
    Operator,
    /// Everything.
    Admin,
}

impl Role {
    /// All roles, the least first.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Operator, Self::Admin];

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }
}

impl std::fmt::Display for Role {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An admin token that is to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAdminToken {
    /// Whose it is, for the change record: letters, digits, `.`, `_` and `-`. No other token has it.
    #[schemars(
        length(max = limit::ADMIN_TOKEN_NAME_CHARS),
        regex(pattern = "^[A-Za-z0-9._-]+$"),
        extend("not" = { "const": "bootstrap" })
    )]
    pub name: String,
    /// What it allows.
    pub role: Role,
    /// Its life in seconds of the system's clock; for ever when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = limit::ADMIN_TOKEN_MAX_SECONDS))]
    pub expires_in: Option<u64>,
}

/// An admin token as answered. The token itself is there only in the answer to its creation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AdminToken {
    /// Its id; `bootstrap` for the one that the server was started with.
    #[schemars(with = "schema::AdminTokenId")]
    pub id: String,
    /// Whose it is.
    pub name: String,
    /// What it allows.
    pub role: Role,
    /// When it was made; absent for the bootstrap token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "date-time"))]
    pub created: Option<String>,
    /// When it expires or has expired; absent for never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "date-time"))]
    pub expires: Option<String>,
    /// The token, this once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Secret>,
}
