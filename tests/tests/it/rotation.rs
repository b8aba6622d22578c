//! Refresh tokens of clients without a secret: each use replaces the token, and a copy that is used ends the family.

use futures_util::future::join_all;
use http::Method;
use jackfield_tests::{Request, Response, Tenant, Version};
use serde_json::json;

use crate::consent::{self, BACK, VERIFIER, s256};
use crate::login::{access_token, is_login_error, token_request, works};

/// A public client that somebody has allowed in: its tenant, an access token and the first refresh token.
async fn allowed_in() -> (Tenant, String, String) {
    let tenant = consent::with_redirect(true).await;
    let (access, refresh) = allow(&tenant).await;
    (tenant, access, refresh)
}

async fn allow(tenant: &Tenant) -> (String, String) {
    let challenge = s256(VERIFIER);
    let with = [("code_challenge", &*challenge), ("code_challenge_method", "S256")];
    let code = consent::code(tenant, &with).await;
    let grant = [
        ("grant_type", "authorization_code"),
        ("code", &*code),
        ("redirect_uri", BACK),
        ("code_verifier", VERIFIER),
        ("client_id", &*tenant.client_id),
    ];
    tokens(tenant, &tenant.send(&token_request(&grant)).await)
}

fn tokens(tenant: &Tenant, response: &Response) -> (String, String) {
    let access = access_token(response);
    let refresh = response.json()["refresh_token"].as_str().unwrap().to_owned();
    tenant.endpoint().keep_secret(&refresh);
    (access, refresh)
}

fn refresh(tenant: &Tenant, token: &str) -> Request {
    let pairs =
        [("grant_type", "refresh_token"), ("refresh_token", token), ("client_id", &*tenant.client_id)];
    token_request(&pairs)
}

#[tokio::test]
async fn any_earlier_token_ends_the_family() {
    for copied in 0..4 {
        let (tenant, first_access, first) = allowed_in().await;
        let (others_access, others) = allow(&tenant).await;
        let mut family = vec![first];
        let mut access = vec![first_access];
        for _ in 0..4 {
            let answer = tenant.send(&refresh(&tenant, family.last().unwrap())).await;
            let (next_access, next) = tokens(&tenant, &answer);
            assert!(!family.contains(&next));
            family.push(next);
            access.push(next_access);
        }
        assert!(works(&tenant, &access[4]).await);
        is_login_error(&tenant.send(&refresh(&tenant, &family[copied])).await, 400, "invalid_grant");
        is_login_error(&tenant.send(&refresh(&tenant, &family[4])).await, 400, "invalid_grant");
        for token in &access {
            assert!(!works(&tenant, token).await, "the access tokens of the family go with it");
        }
        // Somebody else who allowed the same client keeps what is theirs.
        assert!(works(&tenant, &others_access).await && works(&tenant, &tenant.token).await);
        tokens(&tenant, &tenant.send(&refresh(&tenant, &others)).await);
        let journal = tenant.admin.get("/admin/v1/journal?refused=true&limit=1000").await;
        let reused = journal["entries"].as_array().unwrap().iter().any(|entry| {
            entry["client_id"] == json!(tenant.client_id)
                && entry["refusal"]["reason"] == "replaced_refresh_token"
        });
        assert!(reused, "the journal says why");
    }
}

#[tokio::test]
async fn of_many_refreshes_at_once_none_survives() {
    for _ in 0..5 {
        let (tenant, first_access, first) = allowed_in().await;
        let http2 = tenant.again(Version::Http2);
        let requests = vec![refresh(&tenant, &first); 8];
        let answers = join_all(requests.iter().map(|request| http2.send(request))).await;
        let good: Vec<&Response> = answers.iter().filter(|answer| answer.status == 200).collect();
        assert_eq!(good.len(), 1, "{answers:?}");
        answers.iter().filter(|answer| answer.status != 200).for_each(|answer| {
            is_login_error(answer, 400, "invalid_grant");
        });
        // The others showed that there was a copy.
        let (access, next) = tokens(&tenant, good[0]);
        assert!(!works(&tenant, &access).await && !works(&tenant, &first_access).await);
        is_login_error(&tenant.send(&refresh(&tenant, &next)).await, 400, "invalid_grant");
    }
}

#[tokio::test]
async fn a_token_of_a_family_is_of_no_use_to_others() {
    let (tenant, access, first) = allowed_in().await;
    let (other, _, _) = allowed_in().await;
    is_login_error(&other.send(&refresh(&other, &first)).await, 400, "invalid_grant");
    // What is only like one does no harm either.
    for at in ["Atzr|".len(), 20, first.len() - 2] {
        let new = if first.as_bytes()[at] == b'A' { "B" } else { "A" };
        let forged = format!("{}{new}{}", &first[..at], &first[at + 1..]);
        is_login_error(&tenant.send(&refresh(&tenant, &forged)).await, 400, "invalid_grant");
    }
    assert!(works(&tenant, &access).await);
    let (_, second) = tokens(&tenant, &tenant.send(&refresh(&tenant, &first)).await);
    // An operator sees one token, and takes the family away with it.
    let target = format!("/admin/v1/clients/{}/refresh-tokens", tenant.client_id);
    let listed = tenant.admin.get(&target).await["items"].clone();
    let id = listed[0]["id"].as_str().unwrap();
    assert_eq!(listed.as_array().unwrap().len(), 1);
    tenant.admin.call(&Method::DELETE, &format!("/admin/v1/refresh-tokens/{id}"), &json!(null)).await.is(204);
    is_login_error(&tenant.send(&refresh(&tenant, &second)).await, 400, "invalid_grant");
}
