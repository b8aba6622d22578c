//! GET /v1/communications/serviceProviders/{serviceProviderId}

use http::Method;
use jackfield_tests::{Request, Tenant};
use serde_json::json;

use super::super::directory::DirectoryOp;
use super::get;

#[tokio::test]
async fn a_provider_is_shown_as_it_is() {
    let tenant = Tenant::fresh().await;
    // Made by an operator without a display name.
    let expected = json!({
        "serviceProviderId": tenant.provider, "serviceProviderLogicalId": "switchboard", "displayName": [],
    });
    assert_eq!(get(&tenant, &tenant.provider).await, expected);
    let shouting = tenant.provider.replace("amzn1.comms.csp.id.", "");
    let shouting = format!("amzn1.comms.csp.id.{}", shouting.to_uppercase());
    assert_eq!(get(&tenant, &shouting).await, expected, "an id is read in upper case, too");
}

#[tokio::test]
async fn the_head_is_answered_without_the_body() {
    let tenant = Tenant::fresh().await;
    let request = tenant.request(&Method::HEAD, DirectoryOp::GetProvider.target(&tenant.provider));
    let response = tenant.client.send(&request).await.unwrap();
    assert_eq!((response.status, response.body.len()), (200, 0));
}

#[tokio::test]
async fn another_organizations_provider_is_not_shown() {
    let (tenant, other) = (Tenant::fresh().await, Tenant::fresh().await);
    let request = Request::new(&Method::GET, DirectoryOp::GetProvider.target(&other.provider));
    let refusal = tenant.send(&request.bearer(&tenant.token)).await.expect(401);
    assert!(!refusal.text().contains("switchboard"), "{refusal:?}");
    assert_eq!(refusal.header("WWW-Authenticate"), Some("Bearer realm=\"jackfield\""));
}
