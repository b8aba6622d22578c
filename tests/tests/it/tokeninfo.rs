//! GET /auth/o2/tokeninfo and GET /user/profile.

use std::time::{SystemTime, UNIX_EPOCH};

use http::Method;
use jackfield_tests::{Request, Tenant};
use serde_json::{Value, json};

use crate::login::{form, is_login_error};

const INFO: [&str; 3] = ["/auth/o2/tokeninfo", "/auth/O2/tokeninfo", "/auth/o2/tokeninfo/"];
const PROFILE: &str = "/user/profile";

fn get(path: &str, query: &[(&str, &str)]) -> Request {
    let query = form(query);
    Request::new(&Method::GET, if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") })
}

/// Every way to hand over a token.
fn ways(path: &str, token: &str) -> Vec<Request> {
    vec![
        get(path, &[("access_token", token)]),
        get(path, &[]).header("x-amz-access-token", token),
        get(path, &[("access_token", token)]).header("X-Amz-Access-Token", token),
    ]
}

async fn answer(tenant: &Tenant, request: &Request) -> Value {
    tenant.send(request).await.expect(200).json()
}

#[tokio::test]
async fn a_token_is_told_about() {
    let tenant = Tenant::fresh().await;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    for path in INFO {
        for request in ways(path, &tenant.token) {
            let info = answer(&tenant, &request).await;
            let names: Vec<&String> = info.as_object().unwrap().keys().collect();
            assert_eq!(names, ["app_id", "aud", "exp", "iat", "iss", "user_id"]);
            assert_eq!(
                (&info["iss"], &info["aud"]),
                (&json!("https://www.amazon.com"), &json!(tenant.client_id))
            );
            assert!((3_500..=3_600).contains(&info["exp"].as_u64().unwrap()), "seconds left: {info}");
            assert!(now.abs_diff(info["iat"].as_u64().unwrap()) < 100, "{info}");
            assert!(info["app_id"].as_str().unwrap().starts_with("amzn1.application."), "{info}");
        }
    }
}

#[tokio::test]
async fn a_user_is_always_the_same_and_each_client_has_its_own() {
    let (tenant, other) = (Tenant::fresh().await, Tenant::fresh().await);
    let user = async |tenant: &Tenant, token: &str| {
        let mut users = Vec::new();
        let bearer = get(PROFILE, &[]).bearer(token);
        for request in ways(PROFILE, token).into_iter().chain(ways(INFO[0], token)).chain([bearer]) {
            users.push(answer(tenant, &request).await["user_id"].as_str().unwrap().to_owned());
        }
        users.dedup();
        assert_eq!(users.len(), 1, "{users:?}");
        users.remove(0)
    };
    let first = user(&tenant, &tenant.token).await;
    assert!(first.starts_with("amzn1.account."), "{first}");
    let next = tenant.admin.token(&tenant.client_id, &json!({"scopes": ["profile"]})).await;
    assert_eq!(user(&tenant, &next).await, first);
    assert_ne!(user(&other, &other.token).await, first);
}

#[tokio::test]
async fn the_name_is_for_those_with_the_scope() {
    let tenant = Tenant::fresh().await;
    let profile = tenant.admin.token(&tenant.client_id, &json!({"scopes": ["profile"]})).await;
    assert_eq!(answer(&tenant, &get(PROFILE, &[]).bearer(&profile)).await["name"], "Test");
    assert_eq!(answer(&tenant, &get(PROFILE, &[]).bearer(&tenant.token)).await.get("name"), None);
}

#[tokio::test]
async fn a_bad_token_is_a_400() {
    let tenant = Tenant::fresh().await;
    let expired = tenant.admin.token(&tenant.client_id, &json!({"expires_in": 0})).await;
    let forged = format!("{}x", tenant.token);
    let long = "a".repeat(3_000);
    for path in [INFO[0], INFO[1], PROFILE] {
        for token in
            ["nonsense", "Atza|", "Atzr|refresh", &expired, &forged, &long, tenant.endpoint().admin_token()]
        {
            for request in ways(path, token) {
                is_login_error(&tenant.send(&request).await, 400, "invalid_token");
            }
        }
        for none in
            [get(path, &[]), get(path, &[("access_token", "")]), get(path, &[("token", &tenant.token)])]
        {
            is_login_error(&tenant.send(&none).await, 400, "invalid_request");
        }
        let two = get(path, &[("access_token", &tenant.token)]).header("x-amz-access-token", "another");
        is_login_error(&tenant.send(&two).await, 400, "invalid_request");
        let twice = get(path, &[("access_token", &tenant.token), ("access_token", "another")]);
        is_login_error(&tenant.send(&twice).await, 400, "invalid_request");
        tenant.send(&Request::new(&Method::POST, path)).await.is(405);
    }
    let basic = get(PROFILE, &[]).header("Authorization", "Basic dTpw");
    is_login_error(&tenant.send(&basic).await, 400, "invalid_request");
    // The header is the profile's alone.
    is_login_error(&tenant.send(&get(INFO[0], &[]).bearer(&tenant.token)).await, 400, "invalid_request");
}

#[tokio::test]
async fn a_revoked_token_is_not_told_about() {
    let tenant = Tenant::fresh().await;
    let target = format!("/admin/v1/clients/{}/revoke-tokens", tenant.client_id);
    tenant.admin.call(&Method::POST, &target, &Value::Null).await.is(200);
    for path in [INFO[0], PROFILE] {
        is_login_error(&tenant.send(&ways(path, &tenant.token)[0]).await, 400, "invalid_token");
    }
}
