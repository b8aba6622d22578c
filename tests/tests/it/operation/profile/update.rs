//! PUT /v1/communications/profile/{profileId}

use jackfield_tests::Tenant;
use serde_json::{Value, json};

use super::super::directory::{DirectoryOp, recorded, refuses};
use super::super::{bad_names, good_names, no_objects};
use super::{get, intrude};

const OP: DirectoryOp = DirectoryOp::UpdateProfile;

#[tokio::test]
async fn a_profile_gets_another_name() {
    let tenant = Tenant::fresh().await;
    let id = OP.prepare(&tenant).await;
    let put =
        |name: &str| tenant.request(&OP.method(), OP.target(&id)).json(&json!({"name": name, "more": 1}));
    let response = tenant.send(&put("Lobby")).await.expect(200);
    assert!(response.body.is_empty());
    tenant.send(&put("Lobby")).await.is(200);
    let changes = recorded(&tenant, &id).await;
    assert_eq!(changes.len(), 2, "what changes nothing is not recorded: {changes:?}");
    let (operation, before, after, request) = &changes[1];
    assert_eq!(
        (operation.as_str(), &before["name"], &after["name"]),
        ("profile.update", &Value::Null, &json!("Lobby"))
    );
    assert_eq!(request, response.request_id());
    for name in good_names() {
        tenant.send(&put(&name)).await.is(200);
        assert_eq!(get(&tenant, &id).await.expect(200).json()["name"], json!(name));
    }
}

#[tokio::test]
async fn refusals_name_the_property_and_change_nothing() {
    let tenant = Tenant::fresh().await;
    let id = OP.prepare(&tenant).await;
    let mut bodies = no_objects();
    bodies.push(("{}".to_owned(), "name is missing"));
    bodies.push((r#"{"name":"a","name":"a"}"#.to_owned(), "name stands more than once"));
    for (bad, part) in bad_names() {
        bodies.push((format!(r#"{{"name":{bad}}}"#), part));
    }
    refuses(&tenant, OP, &id, &bodies).await;
    assert_eq!(get(&tenant, &id).await.expect(200).json().get("name"), None);
}

#[tokio::test]
async fn another_tenant_cannot_rename() {
    let (mine, other) = (Tenant::fresh().await, Tenant::fresh().await);
    let id = OP.prepare(&mine).await;
    other.send(&intrude(&other, OP.bare_request(&id))).await.is(401);
    assert_eq!(get(&mine, &id).await.expect(200).json().get("name"), None);
}
