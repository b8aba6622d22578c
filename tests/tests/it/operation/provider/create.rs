//! POST /v1/communications/serviceProviders

use jackfield_tests::Tenant;
use serde_json::json;

use super::super::directory::{DirectoryOp, fresh, names, recorded, refuses};
use super::super::{bad_names, good_names, no_objects};
use super::{bad_display_names, display_names, get};

const OP: DirectoryOp = DirectoryOp::CreateProvider;

#[tokio::test]
async fn a_provider_is_made_and_can_be_used() {
    let mut tenant = Tenant::fresh().await;
    let body = json!({"serviceProviderLogicalId": "desk", "displayName": names("Front desk"), "more": 1});
    let response = tenant.send(&tenant.request(&OP.method(), OP.target("")).json(&body)).await.expect(201);
    assert_eq!(response.header("Content-Type"), Some("application/json"));
    let created = response.json();
    let id = created["serviceProviderId"].as_str().unwrap().to_owned();
    assert!(id.starts_with("amzn1.comms.csp.id."), "{created}");
    assert_eq!(
        created,
        json!({"serviceProviderId": id, "serviceProviderLogicalId": "desk", "displayName": names("Front desk")})
    );
    assert_eq!(get(&tenant, &id).await, created);
    let changes = recorded(&tenant, &id).await;
    assert_eq!(changes.len(), 1, "{changes:?}");
    let (operation, before, after, request) = &changes[0];
    assert_eq!((operation.as_str(), before), ("service_provider.create", &json!(null)));
    assert_eq!(after["logical_id"], "desk");
    assert_eq!(request, response.request_id());
    let seen = tenant.admin.get(&format!("/admin/v1/serviceProviders/{id}")).await;
    assert_eq!(
        (&seen["logical_id"], &seen["organization_id"]),
        (&json!("desk"), &json!(tenant.organization))
    );
    tenant.provider = id;
    tenant.create("7201", "1234").await.is(201);
    assert_eq!(tenant.find("7201").await.as_deref(), Some("1234"));
}

#[tokio::test]
async fn a_logical_id_is_taken_once_in_an_organization() {
    let (tenant, other) = (Tenant::fresh().await, Tenant::fresh().await);
    let create = |tenant: &Tenant, logical_id: &str| {
        let body = json!({"serviceProviderLogicalId": logical_id, "displayName": names("a")});
        tenant.request(&OP.method(), OP.target("")).json(&body)
    };
    tenant.send(&create(&tenant, "desk")).await.is(201);
    tenant.send(&create(&tenant, "desk")).await.is_error(409, "serviceProviderLogicalId");
    tenant.send(&create(&tenant, "switchboard")).await.is_error(409, "serviceProviderLogicalId");
    tenant.send(&create(&tenant, "Desk")).await.is(201);
    other.send(&create(&other, "desk")).await.is(201);
}

#[tokio::test]
async fn names_are_bounded() {
    let tenant = Tenant::fresh().await;
    for name in good_names() {
        let body =
            json!({"serviceProviderLogicalId": name, "displayName": [{"locale": name, "value": name}]});
        let created = tenant.send(&tenant.request(&OP.method(), OP.target("")).json(&body)).await.expect(201);
        assert_eq!(created.json()["serviceProviderLogicalId"], json!(name));
    }
    for count in [1, 49, 50] {
        let logical_id = fresh();
        let body = format!(
            r#"{{"serviceProviderLogicalId":"{logical_id}","displayName":{}}}"#,
            display_names(count)
        );
        let created = tenant.send(&tenant.request(&OP.method(), OP.target("")).body(body)).await.expect(201);
        assert_eq!(created.json()["displayName"].as_array().unwrap().len(), count);
    }
}

#[tokio::test]
async fn names_and_their_parts_may_be_left_out() {
    let tenant = Tenant::fresh().await;
    for (sent, stored) in [
        (json!({}), json!([])),
        (json!({"displayName": [{"locale": "en-US"}]}), json!([])),
        (json!({"displayName": [{}]}), json!([])),
        (json!({"displayName": [{"value": "F"}]}), names("F")),
        (json!({"displayName": [{"locale": "de-DE"}, {"value": "F"}]}), names("F")),
    ] {
        let mut body = sent;
        body["serviceProviderLogicalId"] = json!(fresh());
        let created = tenant.send(&tenant.request(&OP.method(), OP.target("")).json(&body)).await.expect(201);
        assert_eq!(created.json()["displayName"], stored, "{body}");
        let id = created.json()["serviceProviderId"].as_str().unwrap().to_owned();
        assert_eq!(get(&tenant, &id).await["displayName"], stored);
    }
}

#[tokio::test]
async fn refusals_name_the_property_and_store_nothing() {
    let tenant = Tenant::fresh().await;
    let names = names("a");
    let mut bodies = no_objects();
    bodies.push((format!(r#"{{"displayName":{names}}}"#), "serviceProviderLogicalId is missing"));
    bodies.push((
        format!(r#"{{"serviceProviderLogicalId":"a","serviceProviderLogicalId":"b","displayName":{names}}}"#),
        "serviceProviderLogicalId stands more than once",
    ));
    for (name, part) in bad_names() {
        bodies.push((format!(r#"{{"serviceProviderLogicalId":{name},"displayName":{names}}}"#), part));
    }
    for (bad, part) in bad_display_names() {
        bodies.push((format!(r#"{{"serviceProviderLogicalId":"a","displayName":{bad}}}"#), part));
    }
    refuses(&tenant, OP, "", &bodies).await;
    let target = format!("/admin/v1/organizations/{}/serviceProviders", tenant.organization);
    assert_eq!(
        tenant.admin.get(&target).await["items"].as_array().unwrap().len(),
        1,
        "only the tenant's own"
    );
}
