//! Operations on the network mapping of a service provider.

mod create;
mod delete;
mod get;
mod update;

/// Bodies that are no network mapping.
fn bad_mappings() -> Vec<(String, &'static str)> {
    let mut bad = super::no_objects();
    let skill = |id: &str| format!(r#"{{"networkType":"SKILL","skillConfiguration":{{"skillId":{id}}}}}"#);
    let configuration = r#""skillConfiguration":{"skillId":"amzn1.ask.skill.a"}"#;
    bad.extend([
        ("{}".to_owned(), "networkType is missing"),
        (format!("{{{configuration}}}"), "networkType is missing"),
        (format!(r#"{{"networkType":"skill",{configuration}}}"#), "networkType must be \"SKILL\""),
        (format!(r#"{{"networkType":null,{configuration}}}"#), "networkType is null"),
        (format!(r#"{{"networkType":"SKILL","networkType":"SKILL",{configuration}}}"#), "networkType stands"),
        (r#"{"networkType":"SKILL"}"#.to_owned(), "skillConfiguration is missing"),
        (r#"{"networkType":"SKILL","skillConfiguration":"a"}"#.to_owned(), "skillConfiguration is a string"),
        (
            r#"{"networkType":"SKILL","skillConfiguration":{}}"#.to_owned(),
            "skillConfiguration.skillId is missing",
        ),
        (skill("7"), "skillConfiguration.skillId is a number"),
        (skill("\"\""), "skillConfiguration.skillId must begin with"),
        (skill("\"amzn1.ask.skill.\""), "skillConfiguration.skillId must continue"),
        (skill("\"amzn1.ask.skill.a b\""), "skillConfiguration.skillId must continue"),
        (skill(&format!("\"amzn1.ask.skill.{}\"", "a".repeat(256))), "1 to 255"),
    ]);
    bad
}
