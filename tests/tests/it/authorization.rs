//! The authorization matrix: every reason to refuse a caller, for every operation. A route of the server without
//! rows fails.

use std::collections::BTreeSet;

use http::Method;
use jackfield_model::organization::{Country, Vertical, are_profiles_available, is_available};
use jackfield_model::path;
use jackfield_tests::{Options, Request, Server, Tenant, TenantOptions, Version};
use serde_json::{Value, json};

use crate::operation::Op;
use crate::operation::directory::{DirectoryOp, Subject};
use crate::operation::resource::{Prepared, RESOURCE_OPS};

const UNKNOWN_PROVIDER: &str = "amzn1.comms.csp.id.00000000-0000-4000-8000-000000000000";

/// What a caller brings along, and the answer.
#[derive(Clone, Debug)]
struct Row {
    name: &'static str,
    authorization: Option<String>,
    provider: String,
    status: u16,
}

/// The rows that need no organization of a special kind.
async fn rows(tenant: &Tenant) -> Vec<Row> {
    let issue = async |body: Value| tenant.admin.token(&tenant.client_id, &body).await;
    let bearer = |token: &str| Some(format!("Bearer {token}"));
    let row =
        |name, authorization, status| Row { name, authorization, provider: tenant.provider.clone(), status };
    let good = &tenant.token;
    let mut rows = vec![
        row("no token", None, 401),
        row("empty header", Some(String::new()), 401),
        row("scheme alone", Some("Bearer".to_owned()), 401),
        row("scheme and blank", Some("Bearer ".to_owned()), 401),
        row("token alone", Some(good.clone()), 401),
        row("basic", Some("Basic dXNlcjpzZWNyZXQ=".to_owned()), 401),
        row("another scheme", Some(format!("Token {good}")), 401),
        row("malformed token", bearer("nonsense"), 401),
        row("prefix alone", bearer("Atza|"), 401),
        row("token with an end", bearer(&format!("{good}x")), 401),
        row("token without its end", bearer(&good[..good.len() - 1]), 401),
        row("two tokens", bearer(&format!("{good} {good}")), 401),
        row("longest token", bearer(&format!("Atza|{}", "a".repeat(2_048 - 5))), 401),
        row("too long token", bearer(&format!("Atza|{}", "a".repeat(2_049 - 5))), 401),
        row("much too long token", bearer(&"a".repeat(8_000)), 401),
        row("operator's token", bearer(tenant.endpoint().admin_token()), 401),
        row("client secret", bearer(&tenant.client_secret), 401),
        row("expired token", bearer(&issue(json!({"expires_in": 0})).await), 401),
        row("no scope", bearer(&issue(json!({"scopes": []})).await), 403),
        row(
            "wrong scope",
            bearer(&issue(json!({"scopes": ["profile", "amazon_communication::other"]})).await),
            403,
        ),
        row("good", bearer(good), 0),
        row(
            "one scope of many",
            bearer(&issue(json!({"scopes": ["a", jackfield_tests::tenant::SCOPE, "z"]})).await),
            0,
        ),
    ];
    let malformed =
        ["nonsense", "amzn1.comms.csp.id.", "0", "*", "amzn1.comms.csp.id.00000000000040008000000000000000"];
    for provider in malformed.iter().copied().chain([UNKNOWN_PROVIDER]) {
        let provider = provider.to_owned();
        rows.push(Row { name: "unknown provider", authorization: bearer(good), provider, status: 404 });
    }
    rows
}

#[tokio::test]
async fn the_matrix() {
    let (tenant, other) = (Tenant::fresh().await, Tenant::fresh().await);
    let mut rows = rows(&tenant).await;
    rows.push(Row {
        name: "other organization's provider",
        authorization: Some(format!("Bearer {}", tenant.token)),
        provider: other.provider.clone(),
        status: 401,
    });
    for row in rows {
        for op in Op::ALL {
            op.prepare(&tenant, "7201").await;
            let mut request = op.bare_request(&row.provider, "7201");
            if let Some(authorization) = &row.authorization {
                request = request.header("Authorization", authorization.clone());
            }
            let expected = if row.status == 0 { op.success() } else { row.status };
            let response = tenant.send(&request).await;
            assert_eq!(response.status, expected, "{} at {op:?}: {response:?}", row.name);
        }
    }
    assert_eq!(other.find("7201").await, None);
}

#[tokio::test]
async fn the_matrix_of_the_family() {
    let (tenant, other) = (Tenant::fresh().await, Tenant::fresh().await);
    let rows: Vec<Row> = rows(&tenant).await.into_iter().filter(|row| row.status != 404).collect();
    for op in DirectoryOp::ALL {
        let mut id = op.prepare(&tenant).await;
        for row in &rows {
            let mut request = op.bare_request(&id);
            if let Some(authorization) = &row.authorization {
                request = request.header("Authorization", authorization.clone());
            }
            let expected = if row.status == 0 { op.success() } else { row.status };
            let response = tenant.send(&request).await;
            assert_eq!(response.status, expected, "{} at {op:?}: {response:?}", row.name);
            if row.status == 0 {
                id = op.prepare(&tenant).await;
            }
        }
    }
    for op in DirectoryOp::ALL {
        let unknown: &[&str] = match op.subject() {
            Subject::Organization => continue,
            Subject::Provider => &["nonsense", "amzn1.comms.csp.id.", UNKNOWN_PROVIDER],
            Subject::Profile => {
                &["nonsense", "amzn1.alexa.communications.profile.did.none", UNKNOWN_PROVIDER]
            }
        };
        for id in unknown {
            tenant.send(&op.request(&tenant, id)).await.is(404);
        }
        let theirs = op.prepare(&other).await;
        tenant.send(&op.request(&tenant, &theirs)).await.is(401);
        // It was left as it is.
        other.send(&op.request(&other, &theirs)).await.is(op.success());
    }
}

#[tokio::test]
async fn the_matrix_of_resources() {
    let (tenant, other) = (Tenant::fresh().await, Tenant::fresh().await);
    let rows: Vec<Row> = rows(&tenant).await.into_iter().filter(|row| row.status != 404).collect();
    for op in &RESOURCE_OPS {
        let mut made = Prepared::new(&tenant).await;
        for row in &rows {
            let mut request = op.bare_request(&made, &[]);
            if let Some(authorization) = &row.authorization {
                request = request.header("Authorization", authorization.clone());
            }
            let expected = if row.status == 0 { op.success } else { row.status };
            let response = tenant.send(&request).await;
            assert_eq!(response.status, expected, "{} at {op:?}: {response:?}", row.name);
            if row.status == 0 {
                made = Prepared::new(&tenant).await;
            }
        }
        for name in op.parameters() {
            for id in ["nonsense", "amzn1.alexa.unit.did.none", "amzn1.alexa.addressbook.did.none"] {
                tenant.send(&op.bare_request(&made, &[(name, id)]).bearer(&tenant.token)).await.is(404);
            }
        }
    }
    for op in RESOURCE_OPS.iter().filter(|op| !op.parameters().is_empty()) {
        let theirs = Prepared::new(&other).await;
        tenant.send(&op.bare_request(&theirs, &[]).bearer(&tenant.token)).await.is(401);
        // It was left as it is.
        other.send(&op.bare_request(&theirs, &[]).bearer(&other.token)).await.is(op.success);
    }
    // What belongs to another organization is not to be referred to either.
    let (mine, theirs) = (Prepared::new(&tenant).await, Prepared::new(&other).await);
    let mixed = Prepared { unit: theirs.unit.clone(), other: theirs.other, ..mine.clone() };
    for op in RESOURCE_OPS.iter().filter(|op| !op.parameters().contains(&"unitId")) {
        let names_theirs = [path::DROP_IN, path::UNIT_ASSOCIATIONS, path::UNIT_ASSOCIATIONS_OF_UNIT];
        let names_theirs = names_theirs.contains(&op.template)
            && !(op.template == path::UNIT_ASSOCIATIONS && op.method == Method::GET);
        if names_theirs {
            tenant.send(&op.bare_request(&mixed, &[]).bearer(&tenant.token)).await.is(401);
        }
    }
}

#[tokio::test]
async fn no_byte_of_a_token_can_be_changed() {
    let tenant = Tenant::fresh().await;
    let http2 = tenant.again(Version::Http2);
    let token = tenant.token.clone();
    for at in 0..token.len() {
        let old = token.as_bytes()[at];
        let new = if old == b'A' { 'B' } else { 'A' };
        let forged = format!("{}{new}{}", &token[..at], &token[at + 1..]);
        let request = Op::Query.bare_request(&tenant.provider, "7201").bearer(&forged);
        let client = if at % 2 == 0 { &tenant } else { &http2 };
        let response = client.send(&request).await;
        assert_eq!(response.status, 401, "byte {at} of the token was changed: {response:?}");
    }
}

#[tokio::test]
async fn a_refusal_says_why_and_how_to_authenticate() {
    let tenant = Tenant::fresh().await;
    let bare = || Op::Query.bare_request(&tenant.provider, "7201");
    let header =
        |response: &jackfield_tests::Response| response.header("WWW-Authenticate").unwrap().to_owned();
    // RFC 6750: without a token no error code, with a bad one `invalid_token`.
    let missing = tenant.send(&bare()).await.expect(401);
    assert!(!header(&missing).contains("error="), "{missing:?}");
    let invalid = tenant.send(&bare().bearer("nonsense")).await.expect(401);
    assert!(header(&invalid).contains("error=\"invalid_token\""), "{invalid:?}");
    let expired = tenant.admin.token(&tenant.client_id, &json!({"expires_in": 0})).await;
    tenant.send(&bare().bearer(&expired)).await.is_error(401, "expired");
    let scopeless = tenant.admin.token(&tenant.client_id, &json!({"scopes": ["profile"]})).await;
    tenant.send(&bare().bearer(&scopeless)).await.is_error(403, jackfield_tests::tenant::SCOPE);
}

#[tokio::test]
async fn a_client_that_is_gone_or_disabled_is_refused_within_a_second() {
    for gone in ["disabled", "deleted", "revoked"] {
        let tenant = Tenant::fresh().await;
        let target = format!("/admin/v1/clients/{}", tenant.client_id);
        match gone {
            "disabled" => drop(tenant.admin.patch(&target, &json!({"enabled": false})).await),
            "deleted" => tenant.admin.delete(&target).await,
            _ => {
                let revoke =
                    tenant.admin.call(&Method::POST, &format!("{target}/revoke-tokens"), &Value::Null).await;
                assert!(matches!(revoke.status, 200 | 204), "{revoke:?}");
            }
        }
        let refused = async || {
            let response = tenant.send(&Op::Query.request(&tenant, "7201")).await;
            (response.status == 401).then_some(())
        };
        jackfield_tests::poll::until_async(
            "the token is refused",
            std::time::Duration::from_secs(1),
            refused,
        )
        .await;
        for op in Op::ALL {
            tenant.send(&op.request(&tenant, "7201")).await.is(401);
        }
        if gone == "disabled" {
            tenant.admin.patch(&target, &json!({"enabled": true})).await;
            tenant.send(&Op::Query.request(&tenant, "7201")).await.is(200);
        }
        if gone == "revoked" {
            let fresh = tenant.admin.token(&tenant.client_id, &json!({})).await;
            tenant.send(&Op::Query.bare_request(&tenant.provider, "7201").bearer(&fresh)).await.is(200);
        }
    }
}

#[tokio::test]
async fn the_operations_are_where_the_table_says() {
    let tenant = Tenant::fresh().await;
    let target = format!("/admin/v1/organizations/{}", tenant.organization);
    let mut prepared = Vec::new();
    for op in DirectoryOp::ALL {
        prepared.push(op.prepare(&tenant).await);
    }
    for vertical in Vertical::ALL {
        for country in Country::ALL {
            let place = json!({"vertical": vertical.as_str(), "country": country.as_str()});
            tenant.admin.patch(&target, &place).await;
            let available = is_available(vertical, country);
            for op in [Op::Create, Op::Update, Op::Query, Op::Delete] {
                let expected = if available { op.success() } else { 403 };
                let response = tenant.send(&op.request(&tenant, "7201")).await;
                assert_eq!(response.status, expected, "{op:?}, {vertical} in {country}: {response:?}");
            }
            let resources = available || are_profiles_available(vertical, country);
            let listed = tenant.send(&tenant.request(&Method::GET, path::UNITS)).await;
            assert_eq!(
                listed.status,
                if resources { 200 } else { 403 },
                "{vertical} in {country}: {listed:?}"
            );
            for (op, id) in DirectoryOp::ALL.into_iter().zip(&mut prepared) {
                let profiles = op.is_on_profiles() && are_profiles_available(vertical, country);
                let available = available || profiles;
                let expected = if available { op.success() } else { 403 };
                let response = tenant.send(&op.request(&tenant, id)).await;
                assert_eq!(response.status, expected, "{op:?}, {vertical} in {country}: {response:?}");
                if available {
                    *id = op.prepare(&tenant).await;
                }
            }
        }
    }
}

#[tokio::test]
async fn without_the_add_on_only_profiles_are_allowed() {
    let tenant = Tenant::with(TenantOptions { webrtc: false, ..TenantOptions::default() }).await;
    for op in Op::ALL {
        tenant.send(&op.request(&tenant, "7201")).await.is_error(403, "WebRTC");
    }
    for op in DirectoryOp::ALL {
        let id = op.prepare(&tenant).await;
        let answer = tenant.send(&op.request(&tenant, &id)).await;
        if op.is_on_profiles() {
            answer.is(op.success());
        } else {
            answer.is_error(403, "WebRTC");
        }
    }
    let target = format!("/admin/v1/organizations/{}", tenant.organization);
    tenant.admin.patch(&target, &json!({"webrtc": true})).await;
    tenant.create("7201", "1234").await.is(201);
    tenant.admin.patch(&target, &json!({"webrtc": false})).await;
    tenant.delete("7201").await.is(403);
    tenant.admin.patch(&target, &json!({"webrtc": true, "country": "CA"})).await;
    tenant.delete("7201").await.is(403);
    tenant.admin.patch(&target, &json!({"country": "GB"})).await;
    tenant.delete("7201").await.is(200);
}

#[tokio::test]
async fn profiles_take_the_scope_of_management_as_well() {
    const MANAGEMENT: &str = "alexa::enterprise:management";
    let tenant = Tenant::fresh().await;
    let issue = async |scopes: Value| tenant.admin.token(&tenant.client_id, &json!({"scopes": scopes})).await;
    let management = issue(json!([MANAGEMENT, "profile"])).await;
    let both = issue(json!([MANAGEMENT, jackfield_tests::tenant::SCOPE])).await;
    let neither = issue(json!(["profile"])).await;
    for op in DirectoryOp::ALL {
        for (token, good) in [(&management, op.is_on_profiles()), (&both, true), (&neither, false)] {
            let id = op.prepare(&tenant).await;
            let answer = tenant.send(&op.bare_request(&id).bearer(token)).await;
            if good {
                answer.is(op.success());
                continue;
            }
            answer.is_error(403, jackfield_tests::tenant::SCOPE);
            assert_eq!(answer.message().contains(MANAGEMENT), op.is_on_profiles(), "{op:?} {answer:?}");
        }
    }
    let made = Prepared::new(&tenant).await;
    for (token, good) in [(&management, true), (&both, true), (&neither, false)] {
        let units = Request::new(&Method::GET, path::UNITS).bearer(token);
        let status = if good { 200 } else { 403 };
        tenant.send(&units).await.is(status);
        for op in RESOURCE_OPS.iter().filter(|op| op.method == Method::GET) {
            tenant.send(&op.bare_request(&made, &[]).bearer(token)).await.is(status);
        }
    }
    for op in Op::ALL {
        let request = op.bare_request(&tenant.provider, "7201").bearer(&management);
        tenant.send(&request).await.is_error(403, jackfield_tests::tenant::SCOPE);
    }
}

/// Method and path template of every operation that the server describes.
async fn described(tenant: &Tenant) -> BTreeSet<(String, String)> {
    let description = tenant.send(&Request::new(&Method::GET, "/openapi.json")).await.expect(200).json();
    let mut routes = BTreeSet::new();
    for (path, item) in description["paths"].as_object().unwrap() {
        let methods = ["get", "put", "post", "delete", "patch", "head", "options"];
        for method in item.as_object().unwrap().keys().filter(|key| methods.contains(&key.as_str())) {
            routes.insert((method.to_uppercase(), path.clone()));
        }
    }
    routes
}

#[tokio::test]
async fn every_public_operation_has_rows() {
    let tenant = Tenant::fresh().await;
    let described: BTreeSet<_> =
        described(&tenant).await.into_iter().filter(|(_, path)| path.starts_with("/v")).collect();
    let covered = Op::ALL.iter().map(|op| (op.method().to_string(), op.template().to_owned()));
    let directory = DirectoryOp::ALL.iter().map(|op| (op.method().to_string(), op.template().to_owned()));
    let resources = RESOURCE_OPS.iter().map(|op| (op.method.to_string(), op.template.to_owned()));
    // Its rows are in `calls::signaling`.
    let signaling = [("POST".to_owned(), path::SIGNALING.to_owned())];
    let covered: BTreeSet<_> = covered.chain(directory).chain(resources).chain(signaling).collect();
    assert_eq!(
        described, covered,
        "an operation is not in the matrix, or one of the matrix is not described"
    );
}

/// The operator's routes of the documented surface.
const ADMIN_ROUTES: [&str; 24] = [
    "POST /admin/v1/organizations",
    "GET /admin/v1/organizations",
    "GET /admin/v1/organizations/{id}",
    "PATCH /admin/v1/organizations/{id}",
    "DELETE /admin/v1/organizations/{id}",
    "POST /admin/v1/organizations/{id}/clients",
    "GET /admin/v1/organizations/{id}/clients",
    "POST /admin/v1/organizations/{id}/serviceProviders",
    "GET /admin/v1/organizations/{id}/serviceProviders",
    "POST /admin/v1/organizations/{id}/profiles",
    "GET /admin/v1/organizations/{id}/profiles",
    "PATCH /admin/v1/clients/{id}",
    "DELETE /admin/v1/clients/{id}",
    "POST /admin/v1/clients/{id}/rotate-secret",
    "POST /admin/v1/clients/{id}/revoke-tokens",
    "POST /admin/v1/clients/{id}/tokens",
    "POST /admin/v1/clients/{id}/refresh-tokens",
    "GET /admin/v1/clients/{id}/refresh-tokens",
    "DELETE /admin/v1/refresh-tokens/{id}",
    "GET /admin/v1/serviceProviders/{id}/associations",
    "GET /admin/v1/changes",
    "GET /admin/v1/maintenance",
    "PUT /admin/v1/maintenance",
    "GET /admin/v1/status",
];

#[tokio::test]
async fn every_admin_route_wants_the_operators_token() {
    let tenant = Tenant::fresh().await;
    let mut routes: BTreeSet<String> = ADMIN_ROUTES.map(str::to_owned).into();
    let described = described(&tenant).await;
    routes.extend(
        described.iter().filter(|(_, path)| path.starts_with("/admin/")).map(|(m, p)| format!("{m} {p}")),
    );
    let routes: Vec<String> = routes.into_iter().collect();
    // A server bears with so many wrong tokens from one address.
    for routes in routes.chunks(60) {
        let server = Server::start(Options::default());
        let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
        for route in routes {
            let (method, template) = route.split_once(' ').unwrap();
            let method: Method = method.parse().unwrap();
            let id = if template.contains("clients/{") { &tenant.client_id } else { &tenant.organization };
            let segments: Vec<&str> = template
                .split('/')
                .map(|segment| if segment.starts_with('{') { id } else { segment })
                .collect();
            let bare = Request::new(&method, segments.join("/")).json(&json!({}));
            let token = tenant.endpoint().admin_token();
            let rows = [
                ("no token", None),
                ("malformed", Some("Bearer nonsense".to_owned())),
                ("not bearer", Some(format!("Basic {token}"))),
                ("beginning", Some(format!("Bearer {}", &token[..token.len() - 1]))),
                ("longer", Some(format!("Bearer {token}x"))),
                ("client's token", Some(format!("Bearer {}", tenant.token))),
                ("client's secret", Some(format!("Bearer {}", tenant.client_secret))),
            ];
            for (name, authorization) in rows {
                let mut request = bare.clone();
                if let Some(authorization) = authorization {
                    request = request.header("Authorization", authorization);
                }
                let response = tenant.admin.send(&request).await;
                assert_eq!(response.status, 401, "{name} at {route}: {response:?}");
            }
        }
        tenant.create("7201", "1234").await.is(201);
    }
}

#[tokio::test]
async fn the_operators_api_is_not_on_the_public_listener() {
    let tenant = Tenant::fresh().await;
    for target in ["/admin/v1/organizations", "/admin/v1/status", "/metrics"] {
        let request = Request::new(&Method::GET, target).bearer(tenant.endpoint().admin_token());
        tenant.send(&request).await.is(404);
    }
}
