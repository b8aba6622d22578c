//! Admin tokens: the matrix of routes and roles, lives and revocations, and what operators did in the change record.

use std::collections::{BTreeMap, BTreeSet};

use http::Method;
use jackfield_tests::{Admin, Listener, Options, Request, Server, Tenant, TenantOptions, Version, poll};
use serde_json::{Value, json};

/// The least role for each operation of operators, by method and path.
const ROLES: [(&str, &[&str]); 3] = [
    (
        "viewer",
        &[
            "GET /admin/v1/organizations",
            "GET /admin/v1/organizations/{id}",
            "GET /admin/v1/organizations/{id}/clients",
            "GET /admin/v1/organizations/{id}/serviceProviders",
            "GET /admin/v1/organizations/{id}/profiles",
            "GET /admin/v1/clients/{id}",
            "GET /admin/v1/clients/{id}/refresh-tokens",
            "GET /admin/v1/serviceProviders/{id}",
            "GET /admin/v1/serviceProviders/{id}/network",
            "GET /admin/v1/serviceProviders/{id}/associations",
            "GET /admin/v1/profiles/{id}",
            "GET /admin/v1/changes",
            "GET /admin/v1/maintenance",
            "GET /admin/v1/status",
            "GET /admin/v1/faults",
            "GET /admin/v1/clock",
            "GET /admin/v1/keys",
            "GET /admin/v1/history",
            "POST /admin/v1/session",
            "GET /admin/v1/session",
            "DELETE /admin/v1/session",
            "POST /admin/v1/session/links",
            "GET /admin/v1/organizations/{id}/resources",
            "GET /admin/v1/organizations/{id}/units",
            "GET /admin/v1/units/{id}",
            "GET /admin/v1/organizations/{id}/addressBooks",
            "GET /admin/v1/addressBooks/{id}",
            "GET /admin/v1/addressBooks/{id}/units",
            "GET /admin/v1/addressBooks/{id}/contacts",
            "GET /admin/v1/addressBooks/{id}/contacts/{contactId}",
            "GET /admin/v1/profiles/{id}/device",
            "GET /admin/v1/skills",
            "GET /admin/v1/skills/{id}",
            "GET /admin/v1/webhooks",
            "GET /admin/v1/webhooks/{id}",
            "GET /admin/v1/imports",
            "GET /admin/v1/imports/{id}",
        ],
    ),
    (
        "operator",
        &[
            "POST /admin/v1/clients/{id}/revoke-tokens",
            "POST /admin/v1/clients/{id}/tokens",
            "POST /admin/v1/clients/{id}/refresh-tokens",
            "DELETE /admin/v1/refresh-tokens/{id}",
            "PUT /admin/v1/maintenance",
            "GET /admin/v1/journal",
            "POST /admin/v1/calls",
            "GET /admin/v1/calls",
            "GET /admin/v1/calls/{sessionId}",
            "POST /admin/v1/calls/{sessionId}/answer",
            "POST /admin/v1/calls/{sessionId}/update",
            "POST /admin/v1/calls/{sessionId}/hang-up",
            "PUT /admin/v1/profiles/{id}/device",
            "POST /admin/v1/faults",
            "DELETE /admin/v1/faults",
            "DELETE /admin/v1/faults/{id}",
            "PUT /admin/v1/clock",
            "POST /admin/v1/webhooks/{id}/pause",
            "POST /admin/v1/webhooks/{id}/resume",
            "GET /admin/v1/backup",
            "GET /admin/v1/verify",
            "POST /admin/v1/try",
            "GET /admin/v1/demo",
        ],
    ),
    (
        "admin",
        &[
            "POST /admin/v1/organizations",
            "PATCH /admin/v1/organizations/{id}",
            "DELETE /admin/v1/organizations/{id}",
            "POST /admin/v1/organizations/{id}/clients",
            "POST /admin/v1/organizations/{id}/serviceProviders",
            "POST /admin/v1/organizations/{id}/profiles",
            "PATCH /admin/v1/clients/{id}",
            "DELETE /admin/v1/clients/{id}",
            "POST /admin/v1/clients/{id}/rotate-secret",
            "PATCH /admin/v1/serviceProviders/{id}",
            "DELETE /admin/v1/serviceProviders/{id}",
            "PUT /admin/v1/serviceProviders/{id}/network",
            "DELETE /admin/v1/serviceProviders/{id}/network",
            "PATCH /admin/v1/profiles/{id}",
            "DELETE /admin/v1/profiles/{id}",
            "PUT /admin/v1/skills/{id}",
            "DELETE /admin/v1/skills/{id}",
            "POST /admin/v1/skills/{id}/ping",
            "POST /admin/v1/skills/{id}/grant",
            "POST /admin/v1/organizations/{id}/units",
            "PATCH /admin/v1/units/{id}",
            "DELETE /admin/v1/units/{id}",
            "POST /admin/v1/organizations/{id}/addressBooks",
            "PATCH /admin/v1/addressBooks/{id}",
            "DELETE /admin/v1/addressBooks/{id}",
            "PUT /admin/v1/addressBooks/{id}/units/{unitId}",
            "DELETE /admin/v1/addressBooks/{id}/units/{unitId}",
            "POST /admin/v1/addressBooks/{id}/contacts",
            "PUT /admin/v1/addressBooks/{id}/contacts/{contactId}",
            "DELETE /admin/v1/addressBooks/{id}/contacts/{contactId}",
            "POST /admin/v1/serviceProviders/{id}/associations",
            "PUT /admin/v1/serviceProviders/{id}/associations",
            "DELETE /admin/v1/serviceProviders/{id}/associations",
            "POST /admin/v1/serviceProviders/{id}/imports",
            "DELETE /admin/v1/imports/{id}",
            "POST /admin/v1/imports/{id}/preview",
            "POST /admin/v1/imports/{id}/plan",
            "POST /admin/v1/imports/{id}/apply",
            "POST /admin/v1/imports/{id}/cancel",
            "GET /admin/v1/imports/{id}/rejects",
            "POST /admin/v1/webhooks",
            "DELETE /admin/v1/webhooks/{id}",
            "POST /admin/v1/reset",
            "POST /admin/v1/restore",
            "POST /admin/v1/tokens",
            "POST /admin/v1/keys/rotate",
            "GET /admin/v1/tokens",
            "DELETE /admin/v1/tokens/{id}",
        ],
    ),
];

/// Makes an admin token; answers it as the server did.
async fn make(tenant: &Tenant, name: &str, role: &str, more: &Value) -> Value {
    let mut body = json!({"name": name, "role": role});
    body.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
    let made = tenant.admin.create("/admin/v1/tokens", &body).await;
    tenant.endpoint().keep_secret(text(&made["token"]));
    made
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

/// The status of a request with a token.
async fn with(tenant: &Tenant, token: &str, method: &Method, target: &str) -> u16 {
    tenant.admin.send(&Request::new(method, target).bearer(token)).await.status
}

async fn status(tenant: &Tenant, token: &str) -> u16 {
    with(tenant, token, &Method::GET, "/admin/v1/status").await
}

/// The path with ids of nothing.
fn filled(template: &str) -> String {
    ["{id}", "{unitId}", "{contactId}"]
        .iter()
        .fold(template.to_owned(), |path, parameter| path.replace(parameter, "amzn1.nothing"))
}

#[tokio::test]
async fn the_matrix_of_roles() {
    let server = Server::start(Options::default());
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    let mut least = BTreeMap::new();
    for (rank, (_, routes)) in ROLES.iter().enumerate() {
        least.extend(routes.iter().map(|route| ((*route).to_owned(), rank)));
    }
    let document = tenant.admin.get("/openapi.json").await;
    let mut routes = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        let methods = methods.as_object().unwrap().keys();
        routes.extend(
            methods
                .filter(|_| path.starts_with("/admin/"))
                .map(|method| format!("{} {path}", method.to_uppercase())),
        );
    }
    let rows: BTreeSet<String> = least.keys().cloned().collect();
    assert_eq!(routes, rows, "each route of the server has its row");
    for (rank, (role, _)) in ROLES.iter().enumerate() {
        let token = make(&tenant, &format!("of-{role}"), role, &json!({})).await;
        for (route, least) in &least {
            let (method, path) = route.split_once(' ').unwrap();
            let target = filled(path);
            let request = Request::new(&method.parse().unwrap(), target).bearer(text(&token["token"]));
            let answer = tenant.admin.send(&request).await;
            let refused = answer.status == 403 && answer.message().contains("the role");
            assert_eq!(refused, rank < *least, "{role} at {route}: {answer:?}");
            assert_ne!(answer.status, 401, "{role} at {route}: {answer:?}");
        }
    }
    for token in ["nonsense", "jackfield-admin-", &"a".repeat(2_000)] {
        for route in least.keys() {
            let (method, path) = route.split_once(' ').unwrap();
            let target = filled(path);
            assert_eq!(with(&tenant, token, &method.parse().unwrap(), &target).await, 401, "{route}");
        }
    }
}

#[tokio::test]
async fn a_token_lives_until_it_is_revoked_or_expires() {
    let mut server = Server::start(Options::default());
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    let made = make(&tenant, "night-shift", "viewer", &json!({})).await;
    let token = text(&made["token"]).to_owned();
    assert_eq!(status(&tenant, &token).await, 200);
    let short = make(&tenant, "short", "viewer", &json!({"expires_in": 1})).await;
    assert!(short["expires"].is_string() && made.get("expires").is_none());
    poll::until_async("the token expires", poll::PATIENCE, async || {
        (status(&tenant, text(&short["token"])).await == 401).then_some(())
    })
    .await;
    let listed = tenant.admin.get("/admin/v1/tokens").await;
    let names: BTreeSet<&str> =
        listed["items"].as_array().unwrap().iter().map(|token| text(&token["name"])).collect();
    assert_eq!(names, BTreeSet::from(["bootstrap", "night-shift", "short"]));
    assert!(!listed.to_string().contains(&token));
    // A restart, a kill and a wrong name change nothing.
    server.kill9();
    server.restart();
    assert_eq!(status(&tenant, &token).await, 200);
    for (body, expected) in [
        (json!({"name": "night-shift", "role": "admin"}), 409),
        (json!({"name": "bootstrap", "role": "admin"}), 400),
        (json!({"name": "", "role": "admin"}), 400),
        (json!({"name": "a b", "role": "admin"}), 400),
        (json!({"name": "a".repeat(65), "role": "admin"}), 400),
        (json!({"name": "a", "role": "root"}), 400),
        (json!({"name": "a", "role": "admin", "expires_in": 0}), 400),
        (json!({"name": "a", "role": "admin", "expires_in": 315_360_001}), 400),
        (json!({"role": "admin"}), 400),
    ] {
        tenant.admin.call(&Method::POST, "/admin/v1/tokens", &body).await.is(expected);
    }
    tenant.admin.delete(&format!("/admin/v1/tokens/{}", text(&made["id"]))).await;
    assert_eq!(status(&tenant, &token).await, 401);
    let gone = format!("/admin/v1/tokens/{}", text(&made["id"]));
    tenant.admin.call(&Method::DELETE, &gone, &Value::Null).await.is(404);
}

#[tokio::test]
async fn the_first_token_goes_when_another_is_there_and_nobody_is_locked_out() {
    let mut server = Server::start(Options::default());
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    let bootstrap = "/admin/v1/tokens/bootstrap";
    tenant.admin.call(&Method::DELETE, bootstrap, &Value::Null).await.is_error(409, "role admin");
    make(&tenant, "reader", "operator", &json!({})).await;
    tenant.admin.call(&Method::DELETE, bootstrap, &Value::Null).await.is(409);
    let made = make(&tenant, "chief", "admin", &json!({})).await;
    tenant.admin.delete(bootstrap).await;
    let first = server.endpoint().admin_token().to_owned();
    for _ in 0..2 {
        assert_eq!(status(&tenant, &first).await, 401);
        assert_eq!(status(&tenant, text(&made["token"])).await, 200);
        server.kill9();
        server.restart();
    }
    // Whoever has the machine starts the server with another.
    server.terminate();
    let other = Server::start(Options { store: Some(server.store().to_owned()), ..Options::default() });
    let operator = Admin::new(other.endpoint());
    operator.get("/admin/v1/status").await;
    let revoked = Request::new(&Method::GET, "/admin/v1/status").bearer(&first);
    operator.send(&revoked).await.is(401);
}

/// The acts of operators in the change record, by their operation.
async fn acts(admin: &Admin) -> Vec<Value> {
    let changes = admin.get("/admin/v1/changes?limit=1000").await;
    let is_act = |change: &&Value| text(&change["operation"]).starts_with("admin.");
    changes["changes"].as_array().unwrap().iter().filter(is_act).cloned().collect()
}

#[tokio::test]
async fn what_operators_do_is_recorded_with_who_and_from_where() {
    let mut server = Server::start(Options::default());
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    let before = acts(&tenant.admin).await.len();
    let made = make(&tenant, "night-shift", "operator", &json!({})).await;
    let token = text(&made["token"]);
    let call = async |method: &Method, target: &str, body: Value| {
        let request = Request::new(method, target).bearer(token);
        let request = if body.is_null() { request } else { request.json(&body) };
        tenant.admin.send(&request).await
    };
    let issued =
        call(&Method::POST, &format!("/admin/v1/clients/{}/tokens", tenant.client_id), Value::Null).await;
    server.endpoint().keep_secret(text(&issued.expect(200).json()["access_token"]));
    let rule = json!({"operation": "query", "status": 503});
    call(&Method::POST, "/admin/v1/faults", rule).await.is(201);
    call(&Method::DELETE, "/admin/v1/faults", Value::Null).await.is(204);
    call(&Method::PUT, "/admin/v1/clock", json!({"offset": 60})).await.is(200);
    for _ in 0..5 {
        call(&Method::GET, "/admin/v1/journal", Value::Null).await.is(200);
    }
    call(&Method::PUT, "/admin/v1/maintenance", json!({"enabled": true, "retry_after": 1})).await.is(200);
    for _ in 0..20 {
        assert_eq!(status(&tenant, "a-wrong-admin-token").await, 401);
    }
    server.kill9();
    server.restart();
    let found = acts(&tenant.admin).await.split_off(before);
    let named: Vec<(&str, &str)> =
        found.iter().map(|act| (text(&act["operation"]), text(&act["actor"]))).collect();
    let who = "admin:night-shift";
    let expected = [
        ("admin.token_issued", who),
        ("admin.fault_rule", who),
        ("admin.fault_rule", who),
        ("admin.clock", who),
        ("admin.journal_read", who),
        ("admin.login_failed", "admin:?"),
    ];
    assert_eq!(named, expected, "{found:?}");
    for act in &found[..5] {
        assert_eq!(
            (&act["after"]["address"], &act["after"]["role"]),
            (&json!("127.0.0.1"), &json!("operator"))
        );
    }
    assert_eq!(found[0]["subject"], tenant.client_id);
    assert_eq!(found[5]["after"], json!({"count": 1, "addresses": ["127.0.0.1"]}));
    let changes = tenant.admin.get("/admin/v1/changes?limit=1000").await;
    let maintenance = changes["changes"]
        .as_array()
        .unwrap()
        .iter()
        .find(|change| change["operation"] == "maintenance.update");
    let maintenance = maintenance.or_else(|| {
        changes["changes"]
            .as_array()
            .unwrap()
            .iter()
            .find(|change| change["operation"] == "maintenance.create")
    });
    assert_eq!(maintenance.unwrap()["actor"], who);
    assert!(!changes.to_string().contains(token));
}

#[tokio::test]
async fn a_backup_is_recorded_and_carries_the_tokens() {
    let server = Server::start(Options::default());
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    let made = make(&tenant, "chief", "admin", &json!({})).await;
    let backup = Request::new(&Method::GET, "/admin/v1/backup").bearer(text(&made["token"]));
    let client = jackfield_tests::Client::new(server.endpoint(), Listener::Admin, Version::Http1);
    let backup = client.send(&backup).await.unwrap().expect(200);
    let told = acts(&tenant.admin).await.pop().unwrap();
    assert_eq!((&told["operation"], &told["actor"]), (&json!("admin.backup"), &json!("admin:chief")));
    let other = Server::start(Options::default());
    let fresh = Admin::new(other.endpoint());
    let restore = Request::new(&Method::POST, "/admin/v1/restore").bearer(other.endpoint().admin_token());
    fresh.send(&restore.body(backup.body)).await.is(200);
    let chief = Request::new(&Method::GET, "/admin/v1/status").bearer(text(&made["token"]));
    fresh.send(&chief).await.is(200);
    assert_eq!(acts(&fresh).await.pop().unwrap()["operation"], "admin.restore");
}
