//! Skills, and what is asked of them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{ClientId, OrganizationId, SkillId, limit};

/// How a skill is reached: the body of a PUT, and as answered.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("examples" = [{
    "organizationId": "amzn1.alexa.unit.did.hotel",
    "endpoint": "https://calls.example.com/skill",
    "clientId": "amzn1.application-oa2-client.5f1c0ffee5f1c0ffee5f1c0ffee5f1c0",
}]))]
pub struct Skill {
    /// Its id, which network mappings name; the path says it in a PUT.
    #[serde(default, skip_serializing_if = "Option::is_none", alias = "skill_id")]
    pub skill_id: Option<SkillId>,
    /// The organization that it belongs to.
    #[serde(alias = "organization_id")]
    pub organization_id: OrganizationId,
    /// The URL that takes its requests, `http` or `https`.
    #[schemars(length(min = 1, max = limit::SKILL_ENDPOINT_BYTES))]
    pub endpoint: String,
    /// Its own client, of the same organization. Without one it cannot be granted anything.
    #[serde(default, skip_serializing_if = "Option::is_none", alias = "client_id")]
    pub client_id: Option<ClientId>,
    /// How long it may take to answer: seconds, or a span of time; 10 s when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<TimeSpan>,
    /// Certificates in PEM form that its endpoint is trusted by, beside those of the operating system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = limit::SKILL_CA_BYTES))]
    pub ca: Option<String>,
}

/// Without its endpoint, which may hold a password or a key.
impl std::fmt::Debug for Skill {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Skill").field("skill_id", &self.skill_id).finish_non_exhaustive()
    }
}

/// A span of time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(inline)]
pub enum TimeSpan {
    /// In seconds.
    Seconds(#[schemars(range(max = limit::SKILL_TIMEOUT_MAX.as_secs()))] u32),
    /// As people write it.
    Text(#[schemars(extend("examples" = ["10s", "1500ms"]))] String),
}

/// How a skill took a request that was sent on purpose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SkillAnswer {
    /// Whether it took it.
    pub ok: bool,
    /// The HTTP status of its answer; absent where there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// How long it took, in milliseconds.
    pub latency_ms: u64,
    /// What went wrong, for programs; absent where nothing did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<SkillProblem>,
    /// What it means and what to do, for people.
    pub message: String,
}

/// What went wrong between the server and a skill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum SkillProblem {
    /// Nobody listens there.
    Refused,
    /// Its certificate is not trusted, or is for another name.
    Certificate,
    /// It did not answer in time.
    Timeout,
    /// The connection failed in another way.
    Connection,
    /// It answered with a status that is not 2xx.
    Status,
    /// Its answer is not JSON.
    NotJson,
    /// Its answer is of another version than 1.0.
    Version,
}

impl SkillProblem {
    /// The word that stands on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Certificate => "certificate",
            Self::Timeout => "timeout",
            Self::Connection => "connection",
            Self::Status => "status",
            Self::NotJson => "not_json",
            Self::Version => "version",
        }
    }
}
