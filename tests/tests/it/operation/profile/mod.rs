//! Operations on communication profiles.

mod batch;
mod create;
mod delete;
mod find;
mod get;
mod update;

use jackfield_tests::{Request, Response, Tenant};
use serde_json::{Value, json};

use super::directory::{DirectoryOp, unit};

/// The entity with this name.
fn entity(name: &str) -> Value {
    json!({"type": "UNIT", "id": unit(name)})
}

/// Creates a profile.
async fn create(tenant: &Tenant, body: &Value) -> Response {
    let op = DirectoryOp::CreateProfile;
    tenant.send(&tenant.request(&op.method(), op.target("")).json(body)).await
}

/// The id in an answer.
fn profile_id(profile: &Value) -> String {
    profile["profileId"]["profileId"].as_str().unwrap_or_else(|| panic!("{profile}")).to_owned()
}

/// What a GET answers.
async fn get(tenant: &Tenant, id: &str) -> Response {
    tenant.send(&DirectoryOp::GetProfile.request(tenant, id)).await
}

/// A request about the unit of another organization.
fn intrude(other: &Tenant, request: Request) -> Request {
    request.bearer(&other.token)
}

/// `entity` values, as raw JSON, that are refused, with what the message says.
fn bad_entities() -> Vec<(String, &'static str)> {
    let of = |kind: &str, id: &str| format!(r#"{{"type":{kind},"id":{id}}}"#);
    vec![
        ("null".into(), "entity is null"),
        ("\"unit\"".into(), "entity is a string"),
        ("{}".into(), "entity.type is missing"),
        (r#"{"type":"UNIT"}"#.into(), "entity.id is missing"),
        (of("\"unit\"", "\"amzn1.alexa.unit.did.a\""), "entity.type must be \"UNIT\""),
        (of("7", "\"amzn1.alexa.unit.did.a\""), "entity.type is a number"),
        (of("\"UNIT\"", "null"), "entity.id is null"),
        (of("\"UNIT\"", "\"a\""), "entity.id must begin with \"amzn1.alexa.unit.did.\""),
        (of("\"UNIT\"", "\"amzn1.alexa.unit.did.\""), "entity.id must continue"),
        (of("\"UNIT\"", "\"amzn1.alexa.unit.did.a b\""), "entity.id must continue"),
        (of("\"UNIT\"", &format!("\"{}\"", unit(&"a".repeat(256)))), "1 to 255"),
        (of("\"UNIT\",\"type\":\"UNIT\"", "\"amzn1.alexa.unit.did.a\""), "entity.type stands more than once"),
    ]
}
