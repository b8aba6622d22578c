//! The change record.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{ExternalUserId, RequestId, ServiceProviderId};

/// One recorded change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    /// Its place in the order of all changes, from 1, without repeats.
    #[schemars(range(min = 1))]
    pub sequence: u64,
    /// When it was made, RFC 3339 in UTC with milliseconds.
    #[schemars(extend("format" = "date-time"))]
    pub time: String,
    /// Who made it: a client id, `admin` or `seed`.
    pub actor: String,
    /// What was done, for example `association.create`.
    #[schemars(extend("examples" = ["association.create"]))]
    pub operation: String,
    /// The request that did it.
    pub request_id: RequestId,
    /// The provider of a changed association.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_provider_id: Option<ServiceProviderId>,
    /// The endpoint of a changed association.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_user_id: Option<ExternalUserId>,
    /// The id of a changed object that is no association.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// What was there before: the `amazonId` of an association, the object otherwise; `null` for nothing.
    pub before: Option<serde_json::Value>,
    /// What is there since; `null` for nothing.
    pub after: Option<serde_json::Value>,
}

/// A page of the change record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChangeList {
    /// The changes, oldest first.
    pub changes: Vec<Change>,
    /// What to send as `after` to go on. With a filter a page may be short or empty although more follow.
    pub next_after: u64,
    /// Whether changes follow this page.
    pub more: bool,
}
