//! PUT /v1/communications/serviceProviders/{serviceProviderId}

use jackfield_tests::Tenant;
use serde_json::json;

use super::super::directory::{DirectoryOp, names, network, recorded, refuses};
use super::super::no_objects;
use super::{bad_display_names, display_names, get};

const OP: DirectoryOp = DirectoryOp::UpdateProvider;

#[tokio::test]
async fn the_names_are_replaced_and_nothing_else() {
    let tenant = Tenant::fresh().await;
    let mapping = DirectoryOp::CreateNetwork.target(&tenant.provider);
    tenant.send(&tenant.request(&http::Method::POST, mapping).json(&network("a"))).await.is(201);
    let update =
        |body: &serde_json::Value| tenant.request(&OP.method(), OP.target(&tenant.provider)).json(body);
    let body = json!({"displayName": names("one"), "serviceProviderLogicalId": "ignored"});
    let response = tenant.send(&update(&body)).await.expect(200);
    assert!(response.body.is_empty());
    let expected = json!({
        "serviceProviderId": tenant.provider, "serviceProviderLogicalId": "switchboard", "displayName": names("one"),
    });
    assert_eq!(get(&tenant, &tenant.provider).await, expected);
    // The same again changes nothing.
    tenant.send(&update(&body)).await.is(200);
    let last = tenant.send(&update(&json!({"displayName": names("two")}))).await.expect(200);
    let changes = recorded(&tenant, &tenant.provider).await;
    let kinds: Vec<&str> = changes.iter().map(|change| change.0.as_str()).collect();
    let update = "service_provider.update";
    assert_eq!(kinds, ["service_provider.create", update, update, update]);
    let (_, before, after, request) = &changes[3];
    assert_eq!((&before["display_name"], &after["display_name"]), (&names("one"), &names("two")));
    assert_eq!(request, last.request_id());
    assert_eq!(after["network"], network("a"), "the mapping stays");
}

#[tokio::test]
async fn without_a_body_or_a_name_nothing_is_changed() {
    let tenant = Tenant::fresh().await;
    let update = || tenant.request(&OP.method(), OP.target(&tenant.provider));
    tenant.send(&update().json(&json!({"displayName": names("one")}))).await.is(200);
    let before = recorded(&tenant, &tenant.provider).await;
    for nothing in
        ["", " \r\n", "{}", r#"{"serviceProviderLogicalId":"x"}"#, r#"{"displayName":[{"locale":"en-US"}]}"#]
    {
        tenant.send(&update().header("Content-Type", "application/json").body(nothing)).await.is(200);
    }
    assert_eq!(get(&tenant, &tenant.provider).await["displayName"], names("one"));
    assert_eq!(recorded(&tenant, &tenant.provider).await.len(), before.len(), "nothing is recorded");
    tenant.send(&tenant.request(&OP.method(), OP.target("nonsense"))).await.is(404);
}

#[tokio::test]
async fn the_number_of_names_is_bounded() {
    let tenant = Tenant::fresh().await;
    for count in [1, 49, 50] {
        let body = format!(r#"{{"displayName":{}}}"#, display_names(count));
        tenant.send(&tenant.request(&OP.method(), OP.target(&tenant.provider)).body(body)).await.is(200);
        assert_eq!(get(&tenant, &tenant.provider).await["displayName"].as_array().unwrap().len(), count);
    }
}

#[tokio::test]
async fn refusals_name_the_property_and_change_nothing() {
    let tenant = Tenant::fresh().await;
    let mut bodies = no_objects();
    bodies.retain(|(body, _)| !body.trim().is_empty());
    for (bad, part) in bad_display_names() {
        bodies.push((format!(r#"{{"displayName":{bad}}}"#), part));
    }
    refuses(&tenant, OP, &tenant.provider, &bodies).await;
    assert_eq!(get(&tenant, &tenant.provider).await["displayName"], json!([]));
}
