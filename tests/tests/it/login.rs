//! POST /auth/o2/token

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::Method;
use jackfield_model::limit;
use jackfield_tests::poll;
use jackfield_tests::tenant::SCOPE;
use jackfield_tests::{Request, Response, Tenant};
use serde_json::{Value, json};

use crate::operation::Op;

pub(crate) const FORM: &str = "application/x-www-form-urlencoded";

pub(crate) fn form(pairs: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

pub(crate) fn token_request(pairs: &[(&str, &str)]) -> Request {
    Request::new(&Method::POST, "/auth/o2/token").header("Content-Type", FORM).body(form(pairs))
}

pub(crate) fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{password}")))
}

/// A tenant whose client has a refresh token.
pub(crate) async fn with_refresh_token() -> (Tenant, String) {
    let mut tenant = Tenant::fresh().await;
    let refresh_token = format!("Atzr|{}", "r".repeat(40) + &uuid::Uuid::new_v4().simple().to_string());
    tenant.endpoint().keep_secret(&refresh_token);
    let target = format!("/admin/v1/organizations/{}/clients", tenant.organization);
    let client =
        tenant.admin.create(&target, &json!({"refresh_token": refresh_token, "rate_limit": 0})).await;
    tenant.client_id = client["id"].as_str().unwrap().to_owned();
    tenant.client_secret = client["secret"].as_str().unwrap().to_owned();
    (tenant, refresh_token)
}

/// The credentials of a tenant and more parameters.
pub(crate) fn with_client<'a>(tenant: &'a Tenant, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut pairs = vec![("client_id", &*tenant.client_id), ("client_secret", &*tenant.client_secret)];
    pairs.extend(more);
    pairs
}

const CLIENT_CREDENTIALS: [(&str, &str); 2] = [("grant_type", "client_credentials"), ("scope", SCOPE)];

/// Asserts an error of the login endpoint.
#[track_caller]
pub(crate) fn is_login_error(response: &Response, status: u16, code: &str) {
    assert_eq!((response.status, response.json()["error"].as_str()), (status, Some(code)), "{response:?}");
}

/// Holds a token answer to its form and answers the access token.
#[track_caller]
pub(crate) fn access_token(response: &Response) -> String {
    assert_eq!(response.status, 200, "{response:?}");
    assert_eq!(response.header("Content-Type"), Some("application/json"));
    let body = response.json();
    assert_eq!(body["token_type"], "bearer");
    assert_eq!(body["expires_in"], limit::ACCESS_TOKEN_SECONDS);
    let token = body["access_token"].as_str().unwrap();
    assert!(token.starts_with("Atza|"), "{token}");
    assert!(
        (limit::ISSUED_TOKEN_MIN_BYTES..=limit::BEARER_TOKEN_BYTES).contains(&token.len()),
        "{}",
        token.len()
    );
    assert!(token.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.|".contains(&b)), "{token}");
    token.to_owned()
}

pub(crate) async fn works(tenant: &Tenant, token: &str) -> bool {
    let response = tenant.send(&Op::Query.bare_request(&tenant.provider, "7201").bearer(token)).await;
    assert!(matches!(response.status, 200 | 401), "{response:?}");
    response.status == 200
}

#[tokio::test]
async fn client_credentials_in_the_body() {
    let tenant = Tenant::fresh().await;
    let response = tenant.send(&token_request(&with_client(&tenant, &CLIENT_CREDENTIALS))).await;
    let token = access_token(&response);
    let body = response.json();
    assert_eq!(body["scope"], SCOPE);
    assert_eq!(body.get("refresh_token"), None, "this grant has no refresh token");
    assert!(works(&tenant, &token).await);
}

#[tokio::test]
async fn client_credentials_as_basic() {
    let tenant = Tenant::fresh().await;
    for scheme in ["Basic", "basic", "BASIC"] {
        let value = basic(&tenant.client_id, &tenant.client_secret).replace("Basic", scheme);
        let request = token_request(&CLIENT_CREDENTIALS).header("Authorization", value);
        let token = access_token(&tenant.send(&request).await);
        assert!(works(&tenant, &token).await);
    }
    // The same id in the body too, as some clients do.
    let request = token_request(&[&CLIENT_CREDENTIALS[..], &[("client_id", &*tenant.client_id)]].concat());
    let request = request.header("Authorization", basic(&tenant.client_id, &tenant.client_secret));
    access_token(&tenant.send(&request).await);
}

#[tokio::test]
async fn both_spellings_of_the_path_and_any_content_type() {
    let tenant = Tenant::fresh().await;
    let body = form(&with_client(&tenant, &CLIENT_CREDENTIALS));
    for path in ["/auth/o2/token", "/auth/O2/token", "/auth/o2/token/", "/auth/O2/token/"] {
        for content_type in [Some(FORM), Some("application/json"), Some("text/plain; charset=utf-8"), None] {
            let mut request = Request::new(&Method::POST, path).body(body.clone());
            if let Some(content_type) = content_type {
                request = request.header("Content-Type", content_type);
            }
            access_token(&tenant.send(&request).await);
        }
    }
}

#[tokio::test]
async fn a_refresh_token_gives_access() {
    let (tenant, refresh_token) = with_refresh_token().await;
    let grant = [("grant_type", "refresh_token"), ("refresh_token", &*refresh_token)];
    let response = tenant.send(&token_request(&with_client(&tenant, &grant))).await;
    assert!(works(&tenant, &access_token(&response)).await);
    let next = response.json()["refresh_token"].as_str().unwrap().to_owned();
    assert!(next.starts_with("Atzr|"), "{next}");
    // Whatever comes back as refresh token works, and so does the one that the client still holds.
    for refresh_token in [&next, &refresh_token] {
        let grant = [("grant_type", "refresh_token"), ("refresh_token", &**refresh_token)];
        access_token(&tenant.send(&token_request(&with_client(&tenant, &grant))).await);
        let request =
            token_request(&grant).header("Authorization", basic(&tenant.client_id, &tenant.client_secret));
        access_token(&tenant.send(&request).await);
    }
}

#[tokio::test]
async fn scopes_of_a_refresh_do_not_matter() {
    let (tenant, refresh_token) = with_refresh_token().await;
    let foreign: [&[(&str, &str)]; 4] = [
        &[("scope", "alexa::enterprise:management never::granted")],
        &[("scope[0]", "alexa::enterprise:management"), ("scope[1]", SCOPE)],
        &[("scope", "")],
        &[("scope", "\"\\ not a scope é")],
    ];
    for more in foreign {
        let mut grant = vec![("grant_type", "refresh_token"), ("refresh_token", &*refresh_token)];
        grant.extend(more);
        let token = access_token(&tenant.send(&token_request(&with_client(&tenant, &grant))).await);
        assert!(works(&tenant, &token).await, "the granted scopes stay: {more:?}");
    }
}

#[tokio::test]
async fn unknown_parameters_are_ignored() {
    let tenant = Tenant::fresh().await;
    let mut pairs = with_client(&tenant, &CLIENT_CREDENTIALS);
    pairs.extend([("resource", "x"), ("", ""), ("state", "é&=")]);
    access_token(&tenant.send(&token_request(&pairs)).await);
}

#[tokio::test]
async fn a_client_must_prove_itself() {
    let (tenant, refresh_token) = with_refresh_token().await;
    let other = Tenant::fresh().await;
    let unknown = "amzn1.application-oa2-client.00000000000000000000000000000000";
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", &*refresh_token)];
    for grant in [&CLIENT_CREDENTIALS[..], &refresh[..]] {
        for (id, secret) in [
            (&*tenant.client_id, "wrong secret"),
            (&*tenant.client_id, ""),
            (&*tenant.client_id, &*other.client_secret),
            (&*tenant.client_id, &tenant.client_secret[1..]),
            (unknown, &*tenant.client_secret),
            ("nonsense", &*tenant.client_secret),
            ("", ""),
        ] {
            let pairs = [&[("client_id", id), ("client_secret", secret)], grant].concat();
            is_login_error(&tenant.send(&token_request(&pairs)).await, 401, "invalid_client");
            let request = token_request(grant).header("Authorization", basic(id, secret));
            let response = tenant.send(&request).await;
            is_login_error(&response, 401, "invalid_client");
            let challenge = response.header("WWW-Authenticate").unwrap_or_default();
            assert!(challenge.starts_with("Basic"), "RFC 6749, section 5.2: {response:?}");
        }
        for value in ["Basic", "Basic !", "Basic bm9jb2xvbg==", "Bearer x"] {
            let response = tenant.send(&token_request(grant).header("Authorization", value)).await;
            is_login_error(&response, 401, "invalid_client");
        }
        is_login_error(&tenant.send(&token_request(grant)).await, 401, "invalid_client");
    }
}

#[tokio::test]
async fn a_disabled_client_gets_no_token() {
    let (tenant, refresh_token) = with_refresh_token().await;
    let target = format!("/admin/v1/clients/{}", tenant.client_id);
    tenant.admin.patch(&target, &json!({"enabled": false})).await;
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", &*refresh_token)];
    for grant in [&CLIENT_CREDENTIALS[..], &refresh[..]] {
        let response = tenant.send(&token_request(&with_client(&tenant, grant))).await;
        assert!(matches!(response.status, 400 | 401), "{response:?}");
        let code = response.json()["error"].clone();
        assert!(code == "invalid_client" || code == "unauthorized_client", "{response:?}");
    }
    tenant.admin.patch(&target, &json!({"enabled": true})).await;
    access_token(&tenant.send(&token_request(&with_client(&tenant, &CLIENT_CREDENTIALS))).await);
}

#[tokio::test]
async fn a_grant_must_be_valid() {
    let (tenant, refresh_token) = with_refresh_token().await;
    let (_other, others_token) = with_refresh_token().await;
    let access = tenant.admin.token(&tenant.client_id, &json!({})).await;
    let is = async |pairs: &[(&str, &str)], code: &str| {
        is_login_error(&tenant.send(&token_request(&with_client(&tenant, pairs))).await, 400, code);
    };
    let with_token = |token| [("grant_type", "refresh_token"), ("refresh_token", token)];
    let long = "a".repeat(60_000);
    for token in ["Atzr|nonsense", "nonsense", &others_token, &access, &refresh_token[1..], &long] {
        is(&with_token(token), "invalid_grant").await;
    }
    is(&[], "invalid_request").await;
    is(&[("grant_type", "")], "invalid_request").await;
    is(&[("grant_type", "refresh_token")], "invalid_request").await;
    is(&with_token(""), "invalid_request").await;
    is(&[("grant_type", "refresh_token"), ("grant_type", "refresh_token")], "invalid_request").await;
    for grant in
        ["password", "implicit", "Client_Credentials", "urn:ietf:params:oauth:grant-type:device_code"]
    {
        is(&[("grant_type", grant)], "unsupported_grant_type").await;
    }
    for scope in ["never::granted", "\"quoted\"", &format!("{SCOPE} never::granted")] {
        is(&[("grant_type", "client_credentials"), ("scope", scope)], "invalid_scope").await;
    }
}

#[tokio::test]
async fn what_is_no_form_is_an_invalid_request() {
    let tenant = Tenant::fresh().await;
    let bodies = ["", "nonsense", "{\"grant_type\":\"client_credentials\"}", "%%%", "=&=&="];
    for body in bodies {
        let request = Request::new(&Method::POST, "/auth/o2/token")
            .header("Content-Type", FORM)
            .header("Authorization", basic(&tenant.client_id, &tenant.client_secret))
            .body(body);
        is_login_error(&tenant.send(&request).await, 400, "invalid_request");
    }
    let large = format!("grant_type=client_credentials&x={}", "x".repeat(limit::BODY_BYTES));
    let request = token_request(&[]).body(large);
    let request = request.header("Authorization", basic(&tenant.client_id, &tenant.client_secret));
    is_login_error(&tenant.send(&request).await, 400, "invalid_request");
}

#[tokio::test]
async fn scopes_that_are_taken_away_are_gone_from_tokens() {
    let tenant = Tenant::fresh().await;
    let token = access_token(&tenant.send(&token_request(&with_client(&tenant, &CLIENT_CREDENTIALS))).await);
    let target = format!("/admin/v1/clients/{}", tenant.client_id);
    tenant.admin.patch(&target, &json!({"scopes": ["profile"]})).await;
    let refused = async || {
        let response = tenant.send(&Op::Query.bare_request(&tenant.provider, "7201").bearer(&token)).await;
        matches!(response.status, 401 | 403).then_some(())
    };
    poll::until_async("the scope is gone", Duration::from_secs(1), refused).await;
    let response = tenant.send(&token_request(&with_client(&tenant, &CLIENT_CREDENTIALS))).await;
    is_login_error(&response, 400, "invalid_scope");
}

#[tokio::test]
async fn a_revocation_takes_every_token_within_a_second() {
    let (tenant, refresh_token) = with_refresh_token().await;
    let token = access_token(&tenant.send(&token_request(&with_client(&tenant, &CLIENT_CREDENTIALS))).await);
    assert!(works(&tenant, &token).await);
    let target = format!("/admin/v1/clients/{}/revoke-tokens", tenant.client_id);
    let revoke = tenant.admin.call(&Method::POST, &target, &Value::Null).await;
    assert!(matches!(revoke.status, 200 | 204), "{revoke:?}");
    let refused = async || (!works(&tenant, &token).await).then_some(());
    poll::until_async("the token is refused", Duration::from_secs(1), refused).await;
    let grant = [("grant_type", "refresh_token"), ("refresh_token", &*refresh_token)];
    // The refresh token stays, unless it is named too.
    access_token(&tenant.send(&token_request(&with_client(&tenant, &grant))).await);
    tenant.admin.call(&Method::POST, &target, &json!({"refresh_tokens": true})).await.is(200);
    let response = tenant.send(&token_request(&with_client(&tenant, &grant))).await;
    is_login_error(&response, 400, "invalid_grant");
    // The client itself may get new ones.
    let token = access_token(&tenant.send(&token_request(&with_client(&tenant, &CLIENT_CREDENTIALS))).await);
    assert!(works(&tenant, &token).await);
}

#[tokio::test]
async fn a_rotated_secret_replaces_the_old_one() {
    let tenant = Tenant::fresh().await;
    let target = format!("/admin/v1/clients/{}/rotate-secret", tenant.client_id);
    let rotated = tenant.admin.call(&Method::POST, &target, &Value::Null).await.expect(200).json();
    let secret = rotated["secret"].as_str().unwrap();
    tenant.endpoint().keep_secret(secret);
    assert_ne!(secret, tenant.client_secret);
    let response = tenant.send(&token_request(&with_client(&tenant, &CLIENT_CREDENTIALS))).await;
    is_login_error(&response, 401, "invalid_client");
    let fresh = [("client_id", &*tenant.client_id), ("client_secret", secret)];
    access_token(&tenant.send(&token_request(&[&fresh[..], &CLIENT_CREDENTIALS].concat())).await);
}

#[tokio::test]
async fn a_refresh_token_is_no_bearer_token() {
    let (tenant, refresh_token) = with_refresh_token().await;
    for op in Op::ALL {
        let request = op.bare_request(&tenant.provider, "7201").bearer(&refresh_token);
        tenant.send(&request).await.is_error(401, "refresh token");
    }
}
