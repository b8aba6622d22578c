//! POST /v1/communications/profile

use jackfield_tests::{Tenant, TenantOptions};
use serde_json::{Value, json};

use super::super::directory::{DirectoryOp, fresh, recorded, refuses, unit};
use super::super::{bad_names, good_names, no_objects};
use super::{bad_entities, create, entity, get, profile_id};

const OP: DirectoryOp = DirectoryOp::CreateProfile;

#[tokio::test]
async fn a_unit_gets_a_profile_that_associations_can_name() {
    let tenant = Tenant::with(TenantOptions { strict: true, ..TenantOptions::default() }).await;
    let lobby = fresh();
    let response =
        create(&tenant, &json!({"entity": entity(&lobby), "name": "Lobby", "more": 1})).await.expect(201);
    assert_eq!(response.header("Content-Type"), Some("application/json"));
    let profile = response.json();
    let id = profile_id(&profile);
    assert_eq!(profile, json!({"entity": entity(&lobby), "profileId": {"profileId": id}, "name": "Lobby"}));
    assert_eq!(get(&tenant, &id).await.expect(200).json(), profile);
    let suffix = id.strip_prefix("amzn1.alexa.communications.profile.did.").unwrap();
    tenant.create("7201", suffix).await.is(201);
    let seen = tenant.admin.get(&format!("/admin/v1/profiles/{id}")).await;
    assert_eq!(
        seen,
        json!({"id": id, "organization_id": tenant.organization, "unit": unit(&lobby), "name": "Lobby"})
    );
    let changes = recorded(&tenant, &id).await;
    let (operation, before, after, request) = &changes[0];
    assert_eq!((operation.as_str(), before), ("profile.create", &Value::Null));
    assert_eq!((&after["unit"], request.as_str()), (&json!(unit(&lobby)), response.request_id()));
}

#[tokio::test]
async fn a_unit_that_has_a_profile_keeps_it_and_takes_the_new_name() {
    let tenant = Tenant::fresh().await;
    let lobby = fresh();
    let first = create(&tenant, &json!({"entity": entity(&lobby)})).await.expect(201).json();
    assert_eq!(first.get("name"), None);
    let named = create(&tenant, &json!({"entity": entity(&lobby), "name": "Lobby"})).await.expect(201).json();
    assert_eq!((&named["profileId"], &named["name"]), (&first["profileId"], &json!("Lobby")));
    let again = create(&tenant, &json!({"entity": entity(&lobby)})).await.expect(201).json();
    assert_eq!(again, named, "without a name the old one stays");
    let changes = recorded(&tenant, &profile_id(&first)).await;
    let kinds: Vec<&str> = changes.iter().map(|change| change.0.as_str()).collect();
    assert_eq!(kinds, ["profile.create", "profile.update"], "what changes nothing is not recorded");
}

#[tokio::test]
async fn the_organization_itself_is_a_unit() {
    let tenant = Tenant::fresh().await;
    let body = json!({"entity": {"type": "UNIT", "id": tenant.organization}});
    create(&tenant, &body).await.is(201);
}

#[tokio::test]
async fn a_unit_of_another_organization_is_refused() {
    let (tenant, other) = (Tenant::fresh().await, Tenant::fresh().await);
    let itself = json!({"entity": {"type": "UNIT", "id": other.organization}});
    create(&tenant, &itself).await.is_error(401, "unit");
    create(&other, &itself).await.is(201);
    let lobby = fresh();
    let theirs =
        create(&other, &json!({"entity": entity(&lobby), "name": "Theirs"})).await.expect(201).json();
    let refusal = create(&tenant, &json!({"entity": entity(&lobby), "name": "Mine"})).await.expect(401);
    assert!(!refusal.text().contains("Theirs"), "{refusal:?}");
    assert_eq!(get(&other, &profile_id(&theirs)).await.expect(200).json(), theirs, "nothing was changed");
}

#[tokio::test]
async fn names_and_units_are_bounded() {
    let tenant = Tenant::fresh().await;
    let units = [1, 254 - 32, 255 - 32].map(|length| fresh() + &"a".repeat(length));
    for name in units {
        create(&tenant, &json!({"entity": entity(&name)})).await.is(201);
    }
    for name in good_names() {
        let profile = create(&tenant, &json!({"entity": entity(&fresh()), "name": name})).await.expect(201);
        assert_eq!(profile.json()["name"], json!(name));
    }
}

#[tokio::test]
async fn refusals_name_the_property_and_store_nothing() {
    let tenant = Tenant::fresh().await;
    let good = entity(&fresh());
    let mut bodies = no_objects();
    bodies.push(("{}".to_owned(), "entity is missing"));
    for (bad, part) in bad_entities() {
        bodies.push((format!(r#"{{"entity":{bad}}}"#), part));
    }
    for (bad, part) in bad_names() {
        bodies.push((format!(r#"{{"entity":{good},"name":{bad}}}"#), part));
    }
    refuses(&tenant, OP, "", &bodies).await;
    let target = format!("/admin/v1/organizations/{}/profiles", tenant.organization);
    assert_eq!(tenant.admin.get(&target).await["items"], json!([]));
}
