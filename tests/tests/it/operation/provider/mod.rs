//! Operations on service providers.

mod create;
mod delete;
mod get;
mod update;

use jackfield_tests::Tenant;
use serde_json::Value;

use super::directory::DirectoryOp;

/// What a GET answers.
async fn get(tenant: &Tenant, provider: &str) -> Value {
    tenant.send(&DirectoryOp::GetProvider.request(tenant, provider)).await.expect(200).json()
}

/// `displayName` values, as raw JSON, that are refused.
fn bad_display_names() -> Vec<(String, &'static str)> {
    let mut bad: Vec<(String, &'static str)> = vec![
        ("null".into(), "displayName is null"),
        ("{}".into(), "displayName is an object"),
        ("\"desk\"".into(), "displayName is a string"),
        ("[]".into(), "displayName holds 0 names; 1 to 50"),
        ("[7]".into(), "displayName[0] is a number"),
        (r#"[{"locale":"a","value":"b"},{"locale":"a","value":"c"}]"#.into(), "displayName[1].locale"),
        (display_names(51), "displayName holds 51 names; 1 to 50"),
    ];
    for (name, part) in super::bad_names() {
        bad.push((format!(r#"[{{"locale":{name},"value":"a"}}]"#), part));
        bad.push((format!(r#"[{{"locale":"a","value":{name}}}]"#), part));
    }
    bad
}

/// So many display names, as raw JSON.
fn display_names(count: usize) -> String {
    let names: Vec<String> =
        (0..count).map(|n| format!(r#"{{"locale":"l{n}","value":"name {n}"}}"#)).collect();
    format!("[{}]", names.join(","))
}
