//! GET /v1/communications/profile?entity.type=UNIT&entity.id=…

use http::Method;
use jackfield_tests::Tenant;
use serde_json::json;

use super::super::directory::{DirectoryOp, add_profile, fresh, unit};
use super::{create, entity, intrude, profile_id};

const OP: DirectoryOp = DirectoryOp::FindProfile;

#[tokio::test]
async fn a_profile_is_found_by_its_unit() {
    let tenant = Tenant::fresh().await;
    let lobby = fresh();
    tenant.send(&OP.request(&tenant, &lobby)).await.is_error(404, "profile");
    let made = create(&tenant, &json!({"entity": entity(&lobby), "name": "Lobby"})).await.expect(201).json();
    assert_eq!(tenant.send(&OP.request(&tenant, &lobby)).await.expect(200).json(), made);
    let other_order = format!("/v1/communications/profile/?x=1&entity.id={}&entity.type=UNIT", unit(&lobby));
    assert_eq!(tenant.send(&tenant.request(&Method::GET, other_order)).await.expect(200).json(), made);
    let by_operator = add_profile(&tenant, &(lobby.clone() + "2")).await;
    let found = tenant.send(&OP.request(&tenant, &(lobby + "2"))).await.expect(200).json();
    assert_eq!(profile_id(&found), by_operator);
}

#[tokio::test]
async fn the_parameters_must_be_right() {
    let tenant = Tenant::fresh().await;
    let id = unit("a");
    for (query, part) in [
        (String::new(), "entity.type is missing"),
        ("?entity.type=UNIT".to_owned(), "entity.id is missing"),
        (format!("?entity.id={id}"), "entity.type is missing"),
        (format!("?entity.type=unit&entity.id={id}"), "entity.type must be \"UNIT\""),
        ("?entity.type=UNIT&entity.id=".to_owned(), "entity.id must begin with"),
        ("?entity.type=UNIT&entity.id=amzn1.alexa.unit.did.%20".to_owned(), "entity.id must continue"),
        (format!("?entity.type=UNIT&entity.id={id}&entity.id={id}"), "entity.id stands more than once"),
        (format!("?entity.type=UNIT&entity.id={}", unit(&"a".repeat(256))), "1 to 255"),
    ] {
        let request = tenant.request(&Method::GET, format!("/v1/communications/profile{query}"));
        tenant.send(&request).await.is_error(400, part);
    }
    tenant.send(&OP.request(&tenant, &"a".repeat(255))).await.is(404);
}

#[tokio::test]
async fn another_organizations_unit_is_refused() {
    let (tenant, other) = (Tenant::fresh().await, Tenant::fresh().await);
    let lobby = fresh();
    let id = add_profile(&tenant, &lobby).await;
    let refusal = other.send(&intrude(&other, OP.bare_request(&lobby))).await.expect(401);
    assert!(!refusal.text().contains(&id), "{refusal:?}");
    let target = format!("/v1/communications/profile?entity.type=UNIT&entity.id={}", tenant.organization);
    other.send(&other.request(&Method::GET, target.clone())).await.is(401);
    tenant.send(&tenant.request(&Method::GET, target)).await.is(404);
}
