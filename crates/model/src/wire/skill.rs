//! Skills: who carries the calls of a service provider, as stored and recorded.

use serde::{Deserialize, Serialize};

use crate::{ClientId, SkillId};

/// A skill of an organization. Its id is unique among those of all organizations.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Skill {
    /// Its id, which network mappings name.
    pub skill_id: SkillId,
    /// The URL that takes requests.
    pub endpoint: String,
    /// The skill's own client, of the same organization: who redeems grants, and whose tokens are good for signaling.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<ClientId>,
    /// How long it may take to answer, in milliseconds; the default where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
    /// Certificates in PEM form that its endpoint is trusted by, beside those of the operating system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
}

/// Without its endpoint, which may hold a password or a key.
impl std::fmt::Debug for Skill {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Skill").field("skill_id", &self.skill_id).finish_non_exhaustive()
    }
}
