//! Refresh tokens as operators issue, list and revoke them.

use std::time::Duration;

use http::Method;
use jackfield_tests::tenant::SCOPE;
use jackfield_tests::{Request, Tenant, poll};
use serde_json::{Value, json};

use crate::consent;
use crate::login::{access_token, is_login_error, token_request, with_client, works};
use crate::operation::Op;

async fn issue(tenant: &Tenant, body: &Value) -> Value {
    let target = format!("/admin/v1/clients/{}/refresh-tokens", tenant.client_id);
    let issued = tenant.admin.create(&target, body).await;
    tenant.endpoint().keep_secret(issued["refresh_token"].as_str().unwrap());
    issued
}

async fn list(tenant: &Tenant) -> Vec<Value> {
    let target = format!("/admin/v1/clients/{}/refresh-tokens", tenant.client_id);
    tenant.admin.get(&target).await["items"].as_array().unwrap().clone()
}

fn refresh(tenant: &Tenant, token: &Value) -> Request {
    let grant = [("grant_type", "refresh_token"), ("refresh_token", token.as_str().unwrap())];
    token_request(&with_client(tenant, &grant))
}

#[tokio::test]
async fn a_refresh_token_is_issued_used_listed_and_revoked() {
    let tenant = Tenant::fresh().await;
    let (one, other) = (issue(&tenant, &Value::Null).await, issue(&tenant, &json!({})).await);
    let token = one["refresh_token"].clone();
    assert!(token.as_str().unwrap().starts_with("Atzr|"));
    let access = access_token(&tenant.send(&refresh(&tenant, &token)).await);
    let others = access_token(&tenant.send(&refresh(&tenant, &other["refresh_token"])).await);
    assert!(works(&tenant, &access).await && works(&tenant, &others).await);
    let listed = list(&tenant).await;
    assert_eq!(listed.len(), 2);
    for entry in &listed {
        assert_eq!(entry.get("refresh_token"), None, "it is shown once");
        assert_eq!((&entry["consent"], entry.get("scopes")), (&json!(false), None));
    }
    let target = format!("/admin/v1/refresh-tokens/{}", one["id"].as_str().unwrap());
    tenant.admin.delete(&target).await;
    let gone = async || (!works(&tenant, &access).await).then_some(());
    poll::until_async("its access token is refused", Duration::from_secs(1), gone).await;
    is_login_error(&tenant.send(&refresh(&tenant, &token)).await, 400, "invalid_grant");
    tenant.admin.call(&Method::DELETE, &target, &Value::Null).await.is(404);
    assert!(works(&tenant, &others).await, "the other one stays");
    assert_eq!(list(&tenant).await.len(), 1);
}

#[tokio::test]
async fn each_issue_and_revocation_is_recorded() {
    let tenant = Tenant::fresh().await;
    let issued = issue(&tenant, &json!({})).await;
    tenant.admin.delete(&format!("/admin/v1/refresh-tokens/{}", issued["id"].as_str().unwrap())).await;
    let mut after = 0;
    let mut recorded = Vec::new();
    loop {
        let page = tenant.admin.get(&format!("/admin/v1/changes?after={after}&limit=1000")).await;
        let changes = page["changes"].as_array().unwrap();
        let of_client = |change: &&Value| {
            change["subject"] == json!(tenant.client_id)
                && change["operation"].as_str().is_some_and(|name| name.starts_with("client."))
        };
        recorded.extend(changes.iter().filter(of_client).cloned());
        after = page["next_after"].as_u64().unwrap();
        if page["more"] == false {
            break;
        }
    }
    let held: Vec<&Value> = recorded.iter().map(|change| &change["after"]["refresh_tokens"]).collect();
    assert_eq!(held, [&json!([]), &json!([issued["id"]]), &json!([])]);
    assert!(recorded.iter().all(|change| change["actor"] == "admin"));
}

#[tokio::test]
async fn a_refresh_token_may_stand_for_some_scopes() {
    let tenant = Tenant::fresh().await;
    let target = format!("/admin/v1/clients/{}", tenant.client_id);
    tenant.admin.patch(&target, &json!({"scopes": [SCOPE, "profile"]})).await;
    let narrow = issue(&tenant, &json!({"scopes": ["profile"]})).await;
    assert_eq!(narrow["scopes"], json!(["profile"]));
    let access = access_token(&tenant.send(&refresh(&tenant, &narrow["refresh_token"])).await);
    tenant.send(&Op::Query.bare_request(&tenant.provider, "7201").bearer(&access)).await.is_error(403, SCOPE);
    let tokens = format!("{target}/refresh-tokens");
    let wide = tenant.admin.call(&Method::POST, &tokens, &json!({"scopes": ["never::granted"]})).await;
    wide.is_error(400, "scopes");
    tenant.admin.call(&Method::POST, &tokens, &json!({"unknown": 1})).await.is_error(400, "unknown");
}

#[tokio::test]
async fn a_client_holds_a_hundred() {
    let tenant = Tenant::fresh().await;
    for _ in 0..jackfield_model::limit::REFRESH_TOKENS {
        issue(&tenant, &json!({})).await;
    }
    let target = format!("/admin/v1/clients/{}/refresh-tokens", tenant.client_id);
    tenant.admin.call(&Method::POST, &target, &json!({})).await.is_error(409, "100");
    let page = tenant.admin.get(&format!("{target}?limit=60")).await;
    let next = page["next_after"].as_str().unwrap();
    let rest = tenant.admin.get(&format!("{target}?limit=60&after={next}")).await;
    assert_eq!((page["items"].as_array().unwrap().len(), rest["items"].as_array().unwrap().len()), (60, 40));
}

#[tokio::test]
async fn what_is_not_there_is_a_404() {
    let tenant = Tenant::fresh().await;
    for id in ["0000000000000000", "nonsense", "", "%2e%2e", "000000000000000G"] {
        let target = format!("/admin/v1/refresh-tokens/{id}");
        tenant.admin.call(&Method::DELETE, &target, &Value::Null).await.is(404);
    }
    let nobody = "/admin/v1/clients/amzn1.application-oa2-client.0/refresh-tokens";
    tenant.admin.call(&Method::GET, nobody, &Value::Null).await.is(404);
    tenant.admin.call(&Method::POST, nobody, &json!({})).await.is(404);
}

#[tokio::test]
async fn a_consented_token_is_listed_and_revoked_alike() {
    let tenant = consent::with_redirect(false).await;
    let code = consent::code(&tenant, &[("scope", "profile")]).await;
    let answer = tenant.send(&consent::redeem(&tenant, &code, &[])).await;
    access_token(&answer);
    let token = answer.json()["refresh_token"].clone();
    tenant.endpoint().keep_secret(token.as_str().unwrap());
    let listed = list(&tenant).await;
    assert_eq!((&listed[0]["consent"], &listed[0]["scopes"]), (&json!(true), &json!(["profile"])));
    tenant.admin.delete(&format!("/admin/v1/refresh-tokens/{}", listed[0]["id"].as_str().unwrap())).await;
    is_login_error(&tenant.send(&refresh(&tenant, &token)).await, 400, "invalid_grant");
    let again = tenant.send(&consent::redeem(&tenant, &code, &[])).await;
    is_login_error(&again, 400, "invalid_grant");
}
