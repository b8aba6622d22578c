//! The rotation of signing keys: what is out stays good until it expires, and secrets know nothing of it.

use http::Method;
use jackfield_tests::{Admin, Options, Request, Server, Tenant, TenantOptions};
use serde_json::{Value, json};

use crate::login::{access_token, token_request, with_client, works};

async fn rotate(admin: &Admin, body: &Value) -> Vec<Value> {
    let answer = admin.call(&Method::POST, "/admin/v1/keys/rotate", body).await.expect(200).json();
    answer["items"].as_array().unwrap().clone()
}

fn ids(keys: &[Value]) -> Vec<u64> {
    keys.iter().map(|key| key["id"].as_u64().unwrap()).collect()
}

async fn set_clock(admin: &Admin, seconds: i64) {
    admin.call(&Method::PUT, "/admin/v1/clock", &json!({ "offset": seconds })).await.is(200);
}

fn page(token: Option<&Value>) -> Value {
    let mut context = json!({"maxResults": 1});
    if let Some(token) = token {
        context["nextToken"] = token.clone();
    }
    json!({"filters": {}, "paginationContext": context})
}

/// Asks for a page; its one id, and the token of the next.
async fn turn(tenant: &Tenant, token: Option<&Value>) -> (String, Value) {
    let answer = tenant.query(&page(token)).await.expect(200).json();
    let id = answer["accountAssociations"][0]["externalUserId"].as_str().unwrap().to_owned();
    (id, answer["paginationContext"]["nextPageToken"].clone())
}

#[tokio::test]
async fn tokens_pages_secrets_and_refresh_tokens_live_through_two_rotations() {
    let server = Server::start(Options::default());
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    for n in 0..4 {
        tenant.create(&n.to_string(), "1").await.is(201);
    }
    let target = format!("/admin/v1/clients/{}/refresh-tokens", tenant.client_id);
    let issued = tenant.admin.create(&target, &json!({})).await["refresh_token"].as_str().unwrap().to_owned();
    server.endpoint().keep_secret(&issued);
    let by_secret = token_request(&with_client(
        &tenant,
        &[("grant_type", "client_credentials"), ("scope", jackfield_tests::tenant::SCOPE)],
    ));
    let by_refresh =
        token_request(&with_client(&tenant, &[("grant_type", "refresh_token"), ("refresh_token", &issued)]));
    let mut tokens = vec![tenant.token.clone()];
    let (mut id, mut next) = turn(&tenant, None).await;
    assert_eq!(id, "0");
    for rotation in 1..3 {
        let keys = rotate(&tenant.admin, &json!({})).await;
        assert_eq!(ids(&keys), (1..=rotation + 1).collect::<Vec<_>>());
        let current: Vec<bool> = keys.iter().map(|key| key["current"].as_bool().unwrap()).collect();
        assert!(
            current.iter().rev().skip(1).all(|current| !current) && current.last() == Some(&true),
            "{keys:?}"
        );
        for request in [&by_secret, &by_refresh] {
            tokens.push(access_token(&tenant.send(request).await));
        }
        for token in &tokens {
            assert!(works(&tenant, token).await, "rotation {rotation}");
        }
        (id, next) = turn(&tenant, Some(&next)).await;
        assert_eq!(id, rotation.to_string(), "the walk goes on");
    }
    let info = Request::new(
        &Method::GET,
        format!("/auth/o2/tokeninfo?access_token={}", tokens[0].replace('|', "%7C")),
    );
    tenant.send(&info).await.is(200);
    let listed = tenant.admin.get("/admin/v1/keys").await;
    assert_eq!(ids(listed["items"].as_array().unwrap()), [1, 2, 3]);
    let changes = tenant.admin.get("/admin/v1/changes?limit=1000").await.to_string();
    assert_eq!(changes.matches("\"keys.").count(), 2, "{changes}");
    // The oldest keys go when all that they signed is over.
    set_clock(&tenant.admin, 24 * 60 * 60 + 11).await;
    assert_eq!(ids(&rotate(&tenant.admin, &json!({})).await), [3, 4]);
    tenant.send(&by_secret).await.is(200);
    tenant.send(&by_refresh).await.is(200);
    set_clock(&tenant.admin, 0).await;
    assert!(!works(&tenant, &tokens[0]).await, "its key is forgotten");
    assert!(works(&tenant, &tokens[3]).await, "that of the third key");
}

#[tokio::test]
async fn revoke_ends_what_older_keys_signed_also_after_a_restart() {
    let mut server = Server::start(Options::default());
    let mut tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    tenant.create("0", "1").await.is(201);
    tenant.create("1", "1").await.is(201);
    let (_, next) = turn(&tenant, None).await;
    let old = tenant.token.clone();
    assert!(works(&tenant, &old).await, "it is known by now");
    assert_eq!(ids(&rotate(&tenant.admin, &json!({"revoke": true})).await), [2]);
    assert!(!works(&tenant, &old).await);
    tenant.token = tenant.admin.token(&tenant.client_id, &json!({})).await;
    tenant.query(&page(Some(&next))).await.is_error(400, "nextToken");
    assert_eq!(turn(&tenant, None).await.0, "0");
    server.restart();
    let tenant = tenant.at(server.endpoint(), jackfield_tests::Version::Http1);
    assert_eq!(turn(&tenant, None).await.0, "0");
    assert!(!works(&tenant, &old).await);
    for body in [json!({"revoke": "yes"}), json!({"keys": 1})] {
        tenant.admin.call(&Method::POST, "/admin/v1/keys/rotate", &body).await.is(400);
    }
}

#[tokio::test]
async fn keys_that_count_are_bounded() {
    let server = Server::start(Options::default());
    let admin = Admin::new(server.endpoint());
    for _ in 0..7 {
        rotate(&admin, &Value::Null).await;
    }
    let answer = admin.call(&Method::POST, "/admin/v1/keys/rotate", &Value::Null).await;
    answer.is_error(409, "8 keys");
    assert_eq!(ids(&rotate(&admin, &json!({"revoke": true})).await), [9]);
}
