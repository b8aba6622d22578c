//! The network mapping of a service provider: how calls reach the provider's network.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::named;
use crate::SkillId;
use crate::json::{InvalidRequest, Object};

/// How a service provider's network is reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("examples" = [{
    "networkType": "SKILL",
    "skillConfiguration": { "skillId": "amzn1.ask.skill.6f1b9a52-6c5e-4d0c-9a5b-2f3f0a8f6f10" },
}]))]
pub struct Network {
    /// The kind of network: always a skill.
    pub network_type: NetworkType,
    /// The skill.
    pub skill_configuration: SkillConfiguration,
}

/// A kind of network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum NetworkType {
    /// A skill that carries the calls: the only kind there is.
    #[default]
    #[serde(rename = "SKILL")]
    Skill,
}

/// The skill of a network mapping.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct SkillConfiguration {
    /// Its id.
    pub skill_id: SkillId,
}

impl Network {
    /// The mapping to a skill.
    #[must_use]
    pub const fn skill(skill_id: SkillId) -> Self {
        Self { network_type: NetworkType::Skill, skill_configuration: SkillConfiguration { skill_id } }
    }

    /// Reads the body of a create or update of a network mapping.
    ///
    /// # Errors
    /// [`InvalidRequest`] naming the property and the rule.
    pub fn parse(body: &[u8]) -> Result<Self, InvalidRequest> {
        let object = Object::parse(body)?;
        if object.text("networkType")? != "SKILL" {
            return Err(InvalidRequest("networkType must be \"SKILL\".".to_owned()));
        }
        object
            .object("skillConfiguration", |configuration| {
                SkillId::new(configuration.text("skillId")?).map_err(|error| named("skillId", &error))
            })
            .map(Self::skill)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(body: &str) -> String {
        Network::parse(body.as_bytes()).unwrap_err().0
    }

    #[test]
    fn a_mapping_is_read_and_written() {
        let body = r#"{"networkType":"SKILL","skillConfiguration":{"skillId":"amzn1.ask.skill.a-1"}}"#;
        let network = Network::parse(body.as_bytes()).unwrap();
        assert_eq!(serde_json::to_string(&network).unwrap(), body);
        assert_eq!(serde_json::from_str::<Network>(body).unwrap(), network);
    }

    #[test]
    fn refusals_name_the_property_and_the_rule() {
        assert_eq!(refusal("{}"), "networkType is missing; it is required.");
        assert_eq!(refusal(r#"{"networkType":"skill"}"#), "networkType must be \"SKILL\".");
        assert_eq!(refusal(r#"{"networkType":"SKILL"}"#), "skillConfiguration is missing; it is required.");
        assert_eq!(
            refusal(r#"{"networkType":"SKILL","skillConfiguration":[]}"#),
            "skillConfiguration is an array; an object is expected."
        );
        assert_eq!(
            refusal(r#"{"networkType":"SKILL","skillConfiguration":{}}"#),
            "skillConfiguration.skillId is missing; it is required."
        );
        assert_eq!(
            refusal(r#"{"networkType":"SKILL","skillConfiguration":{"skillId":"x"}}"#),
            "skillConfiguration.skillId must begin with \"amzn1.ask.skill.\"."
        );
    }
}
