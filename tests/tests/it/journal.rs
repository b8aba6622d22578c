//! The journal: which check refused a request, and that nothing secret gets into it.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use http::Method;
use jackfield_tests::server::clean_environment;
use jackfield_tests::{
    Admin, Listener, Options, Request, Response, Server, Tenant, TenantOptions, Version, binary, poll,
};
use serde_json::{Value, json};

use crate::operation::Op;

fn all() -> Server {
    Server::start(Options::with_flags(&["--journal-scope", "all"]))
}

/// The entry of an answered request. It is written before the answer goes out.
async fn entry(admin: &Admin, response: &Response) -> Value {
    let page = admin.get(&format!("/admin/v1/journal?requestId={}", response.request_id())).await;
    let entries = page["entries"].as_array().unwrap();
    assert_eq!(entries.len(), 1, "{page}");
    entries[0].clone()
}

/// Sends a request and looks at what the journal says of its refusal.
async fn refused(tenant: &Tenant, request: &Request, check: &str, reason: &str) -> Value {
    let response = tenant.send(request).await;
    let entry = entry(&tenant.admin, &response).await;
    let refusal = &entry["refusal"];
    assert_eq!(
        (&refusal["check"], &refusal["reason"]),
        (&check.into(), &reason.into()),
        "{response:?} {entry}"
    );
    assert_eq!(entry["status"], response.status);
    entry
}

#[tokio::test]
async fn each_way_to_fail_authentication_is_told_apart() {
    let server = all();
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    let bare = || Op::Query.bare_request(&tenant.provider, "7201");
    let check = "authentication";
    refused(&tenant, &bare(), check, "no_token").await;
    refused(&tenant, &bare().header("Authorization", "Basic dTpw"), check, "not_bearer").await;
    refused(&tenant, &bare().bearer("nonsense"), check, "malformed").await;
    refused(&tenant, &bare().bearer("Atzr|some-refresh-token"), check, "refresh_token").await;
    let changed = format!("{}AAAA", &tenant.token[..tenant.token.len() - 4]);
    refused(&tenant, &bare().bearer(&changed), check, "not_issued_here").await;
    let expired = tenant.admin.token(&tenant.client_id, &json!({"expires_in": 0})).await;
    let entry = refused(&tenant, &bare().bearer(&expired), check, "expired").await;
    let time = entry["refusal"]["expired_at"].as_str().unwrap();
    assert!(time.starts_with("20") && time.ends_with('Z'), "{entry}");
    let target = format!("/admin/v1/clients/{}", tenant.client_id);
    let good = || bare().bearer(&tenant.token);
    tenant.admin.patch(&target, &json!({"enabled": false})).await;
    refused(&tenant, &good(), check, "client_disabled").await;
    tenant.admin.patch(&target, &json!({"enabled": true})).await;
    tenant.admin.call(&Method::POST, &format!("{target}/revoke-tokens"), &Value::Null).await.is(200);
    refused(&tenant, &good(), check, "revoked").await;
    tenant.admin.delete(&target).await;
    let entry = refused(&tenant, &good(), check, "client_gone").await;
    assert_eq!(entry["message"], "The access token was revoked.", "the public message stays as it is");
}

#[tokio::test]
async fn each_other_check_is_named() {
    let server = all();
    let limited = TenantOptions { rate_limit: Some(1), ..TenantOptions::default() };
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    let other = Tenant::on(server.endpoint(), limited).await;
    let create = || Op::Create.request(&tenant, "7201");
    refused(&tenant, &tenant.request(&Method::GET, tenant.path()), "route", "wrong_method").await;
    let entry =
        refused(&tenant, &tenant.request(&Method::POST, "/v1/communication/x"), "route", "unknown_path")
            .await;
    assert_eq!((&entry["path"], &entry["operation"]), (&"/v1/communication/…".into(), &"other".into()));
    let long = create().header("X-Long", "x".repeat(17_000));
    refused(&tenant, &long, "head", "too_long").await;
    let scopeless =
        tenant.admin.token(&tenant.client_id, &json!({"scopes": ["profile", "postal_code"]})).await;
    let scopeless = Op::Create.bare_request(&tenant.provider, "7201").bearer(&scopeless);
    let entry = refused(&tenant, &scopeless, "scope", "missing_scope").await;
    assert_eq!(entry["refusal"]["missing_scopes"], json!([jackfield_tests::tenant::SCOPE]));
    assert_eq!(entry["refusal"]["granted_scopes"], json!(["postal_code", "profile"]));
    assert_eq!(entry["client_id"], tenant.client_id);
    let unknown = Op::Create.bare_request("amzn1.comms.csp.id.00000000-0000-4000-8000-000000000000", "7201");
    let entry = refused(&tenant, &unknown.bearer(&tenant.token), "provider", "unknown_provider").await;
    assert_eq!(entry["service_provider_id"], "amzn1.comms.csp.id.00000000-0000-4000-8000-000000000000");
    let foreign = Op::Create.bare_request(&other.provider, "7201").bearer(&tenant.token);
    refused(&tenant, &foreign, "ownership", "other_organization").await;
    refused(&tenant, &tenant.create_request(&json!({})), "body", "invalid").await;
    refused(&tenant, &Op::Delete.request(&tenant, "7201"), "state", "not_found").await;
    tenant.send(&create()).await.is(201);
    refused(&tenant, &create(), "state", "conflict").await;
    let organization = format!("/admin/v1/organizations/{}", tenant.organization);
    tenant.admin.patch(&organization, &json!({"country": "JP"})).await;
    refused(&tenant, &create(), "availability", "not_available").await;
    tenant.admin.patch(&organization, &json!({"webrtc": false})).await;
    refused(&tenant, &create(), "add_on", "webrtc_off").await;
    tenant.admin.maintenance(true, 1).await;
    refused(&tenant, &create(), "maintenance", "on").await;
    tenant.admin.maintenance(false, 1).await;
    let used_up = async || {
        let response = other.send(&Op::Query.request(&other, "7201")).await;
        (response.status == 429).then_some(response)
    };
    let limited = poll::until_async("the rate is used up", poll::PATIENCE, used_up).await;
    let limited = super::journal::entry(&other.admin, &limited).await;
    assert_eq!(limited["refusal"], json!({"check": "rate", "reason": "used_up"}));
}

#[tokio::test]
async fn the_token_endpoint_says_which_part_was_wrong() {
    let server = all();
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    let (id, secret) = (&tenant.client_id, &tenant.client_secret);
    let ask = |form: String| Request::new(&Method::POST, "/auth/o2/token").body(form);
    let credentials = "grant_type=client_credentials&scope=amazon_communication::service_provider";
    refused(&tenant, &ask(credentials.to_owned()), "authentication", "no_credentials").await;
    let unknown = format!("{credentials}&client_id=amzn1.application-oa2-client.0&client_secret={secret}");
    refused(&tenant, &ask(unknown), "authentication", "unknown_client").await;
    let wrong = format!("{credentials}&client_id={id}&client_secret=wrong-secret");
    let entry = refused(&tenant, &ask(wrong), "authentication", "wrong_secret").await;
    assert_eq!((&entry["client_id"], &entry["type"]), (&json!(id), &"invalid_client".into()));
    let header = ask(credentials.to_owned()).header("Authorization", "Basic nonsense");
    refused(&tenant, &header, "authentication", "malformed_header").await;
    let login = format!("client_id={id}&client_secret={secret}");
    let scope = format!("grant_type=client_credentials&scope=profile+alexa::health+hunter2&{login}");
    let entry = refused(&tenant, &ask(scope), "scope", "invalid_scope").await;
    assert_eq!(entry["refusal"]["missing_scopes"], json!(["alexa::health", "…", "profile"]));
    assert_eq!(entry["refusal"]["granted_scopes"], json!([jackfield_tests::tenant::SCOPE]));
    let refresh = |token: &str| ask(format!("grant_type=refresh_token&refresh_token={token}&{login}"));
    refused(&tenant, &refresh("Atzr%7Cunknown"), "grant", "unknown_refresh_token").await;
    refused(&tenant, &refresh(&tenant.token.replace('|', "%7C")), "grant", "access_token").await;
    refused(&tenant, &ask(format!("grant_type=password&{login}")), "grant", "unsupported_grant_type").await;
    tenant.admin.patch(&format!("/admin/v1/clients/{id}"), &json!({"enabled": false})).await;
    refused(&tenant, &refresh("Atzr%7Cunknown"), "grant", "client_disabled").await;
}

#[tokio::test]
async fn an_answered_request_is_an_entry_and_an_operators_is_none() {
    let server = all();
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    let response = tenant.create("7201", "1").await.expect(201);
    let entry = entry(&tenant.admin, &response).await;
    let expected = [
        ("method", json!("POST")),
        ("path", json!(tenant.path())),
        ("operation", json!("create")),
        ("client_id", json!(tenant.client_id)),
        ("service_provider_id", json!(tenant.provider)),
        ("status", json!(201)),
    ];
    for (name, value) in expected {
        assert_eq!(entry[name], value, "{name}");
    }
    assert!(entry["latency_us"].as_u64().unwrap() > 0 && entry.get("refusal").is_none(), "{entry}");
    for path in ["/healthz", "/readyz", "/docs"] {
        tenant.send(&Request::new(&Method::GET, path)).await.is(200);
    }
    tenant.admin.get("/admin/v1/status").await;
    for target in ["/admin/v1/nothing", "/admin/v1/organizations/amzn1.alexa.unit.did.none"] {
        tenant.admin.call(&Method::GET, target, &Value::Null).await.is(404);
    }
    let page = tenant.admin.get("/admin/v1/journal").await;
    assert_eq!(page["entries"].as_array().unwrap().len(), 1, "{page}");
}

#[tokio::test]
async fn by_default_only_refusals_are_kept_and_filters_narrow_them() {
    let server = Server::start(Options::default());
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    tenant.create("7201", "1").await.is(201);
    tenant.create("7201", "1").await.is(409);
    tenant.delete("7202").await.is(404);
    tenant.send(&Op::Query.bare_request(&tenant.provider, "7201")).await.is(401);
    let statuses = async |query: &str| {
        let page = tenant.admin.get(&format!("/admin/v1/journal?{query}")).await;
        let entries = page["entries"].as_array().unwrap().clone();
        entries.iter().map(|entry| entry["status"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(statuses("").await, [409, 404, 401]);
    assert_eq!(statuses("refused=true&limit=2").await, [409, 404]);
    assert_eq!(statuses("after=1").await, [404, 401]);
    assert_eq!(statuses("operation=delete").await, [404]);
    assert_eq!(statuses("status=409").await, [409]);
    assert_eq!(statuses(&format!("clientId={}", tenant.client_id)).await, [409, 404]);
    for bad in [
        "operation=admin",
        "status=x",
        "status=99",
        "status=600",
        "clientId=x",
        "requestId=x",
        "refused=1",
        "wait=26",
        "limit=0",
        "after=-1",
    ] {
        let target = format!("/admin/v1/journal?{bad}");
        let name = bad.split('=').next().unwrap();
        tenant.admin.call(&Method::GET, &target, &Value::Null).await.is_error(400, name);
    }
}

#[tokio::test]
async fn it_is_bounded_says_what_is_lost_and_can_be_off() {
    let server = Server::start(Options::with_flags(&["--journal", "5"]));
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    for _ in 0..12 {
        tenant.delete("7201").await.is(404);
    }
    let page = tenant.admin.get("/admin/v1/journal?after=3").await;
    assert_eq!((&page["lost"], &page["next_after"], &page["more"]), (&4.into(), &12.into(), &false.into()));
    assert_eq!(page["entries"].as_array().unwrap().len(), 5);
    let off = Server::start(Options::with_flags(&["--journal", "0"]));
    Admin::new(off.endpoint())
        .call(&Method::GET, "/admin/v1/journal", &Value::Null)
        .await
        .is_error(409, "--journal 0");
    let refused = Server::try_start(Options::with_flags(&["--journal", "100001"])).unwrap_err();
    assert_eq!(refused.status.code(), Some(2), "{}", refused.stderr);
}

#[tokio::test]
async fn a_reader_waits_for_an_entry_and_does_not_hold_up_the_end() {
    let mut server = Server::start(Options::default());
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    let started = Instant::now();
    let nothing = tenant.admin.get("/admin/v1/journal?wait=1").await;
    assert_eq!(nothing["entries"], json!([]));
    assert!(started.elapsed() >= Duration::from_secs(1));
    let admin = Admin::new(server.endpoint());
    let waiting =
        tokio::spawn(async move { admin.get("/admin/v1/journal?wait=25&status=409&after=0").await });
    tenant.delete("7201").await.is(404);
    tenant.create("7201", "1").await.is(201);
    tenant.create("7201", "1").await.is(409);
    let page = waiting.await.unwrap();
    assert_eq!(page["entries"][0]["status"], 409, "{page}");
    let after = page["next_after"].clone();
    let admin = Admin::new(server.endpoint());
    let waiting =
        tokio::spawn(async move { admin.get(&format!("/admin/v1/journal?wait=25&after={after}")).await });
    tokio::time::sleep(Duration::from_millis(200)).await;
    let started = Instant::now();
    drop(tenant);
    tokio::task::spawn_blocking(move || server.terminate()).await.unwrap();
    assert!(started.elapsed() < Duration::from_secs(8), "{:?}", started.elapsed());
    assert_eq!(waiting.await.unwrap()["entries"], json!([]));
}

/// Secrets are sent wherever a client could put them by mistake; none may stand in journal, log or metrics.
#[tokio::test]
async fn secrets_do_not_get_into_the_journal() {
    let server = all();
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    let (token, secret) = (tenant.token.clone(), tenant.client_secret.clone());
    // One that no pattern would take for a secret.
    let plain = "correcthorse";
    server.endpoint().keep_secret(plain);
    let path = tenant.path();
    for secret in [token.as_str(), secret.as_str(), plain, tenant.endpoint().admin_token()] {
        let encoded: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        let form = format!(
            "grant_type=refresh_token&refresh_token={encoded}&client_id={encoded}&client_secret={encoded}&scope={encoded}"
        );
        let credentials = form.replace("grant_type=refresh_token", "grant_type=client_credentials");
        let asked = format!(
            "grant_type=client_credentials&client_id={}&client_secret={}&scope={encoded}",
            tenant.client_id, tenant.client_secret
        );
        let requests = [
            tenant.request(&Method::POST, format!("/v1/communications/serviceProviders/{encoded}/externalUsers")),
            Request::new(&Method::GET, format!("/{encoded}/{encoded}?{encoded}={encoded}&{encoded}")),
            tenant.request(&Method::DELETE, format!("{path}?access_token={encoded}&externalUserId={encoded}&code={encoded}")),
            Request::new(&Method::POST, &*path).header("Authorization", format!("Token {secret}")),
            Request::new(&Method::POST, &*path).header("Cookie", format!("token={secret}")).bearer(secret),
            tenant.create_request(&json!({"externalUserId": secret, secret: secret})),
            tenant.request(&Method::POST, tenant.query_path()).body(format!("{{\"filters\":{{\"externalUserIds\":[\"{secret}\"]}}, \"paginationContext\":{{\"nextToken\":\"{secret}\"}}}}")),
            tenant.request(&Method::POST, &*path).body(secret.to_owned()),
            Request::new(&Method::from_bytes(b"CORRECTHORSE").unwrap(), &*path),
            Request::new(&Method::POST, "/auth/o2/token").body(form.clone()),
            Request::new(&Method::POST, "/auth/o2/token").body(credentials),
            Request::new(&Method::POST, "/auth/o2/token").body(asked),
            Request::new(&Method::POST, format!("/auth/o2/token?{form}")).header("X-Secret", secret.to_owned()),
        ];
        for request in &requests {
            if let Ok(response) = tenant.client.send(request).await {
                assert_ne!(response.status, 500, "{response:?}");
            }
        }
    }
    // The harness looks for secrets in every answer of the admin API, too.
    let page = tenant.admin.get("/admin/v1/journal?limit=1000").await;
    assert!(page["entries"].as_array().unwrap().len() >= 4 * 12, "{page}");
    let text = page.to_string().to_lowercase();
    assert!(!text.contains(plain), "{text}");
    assert_eq!(server.endpoint().leaked_in(&page.to_string()), None);
    let metrics = tenant.admin.send(&Request::new(&Method::GET, "/metrics")).await.expect(200);
    assert_eq!(server.endpoint().leaked_in(metrics.text()), None);
}

#[tokio::test]
async fn http2_requests_are_journaled_alike() {
    let server = all();
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    let http2 = tenant.again(Version::Http2);
    let entry = refused(&http2, &Op::Delete.request(&http2, "7201"), "state", "not_found").await;
    assert_eq!(entry["path"], tenant.path());
}

#[tokio::test]
async fn the_command_line_follows() {
    let server = Server::start(Options::default());
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    tenant.delete("7201").await.is(404);
    let mut command = Command::new(binary::path());
    clean_environment(&mut command);
    command
        .args(["journal", "--follow", "--refused", "--output", "json"])
        .env("JACKFIELD_ADMIN_ENDPOINT", format!("http://{}", server.endpoint().address(Listener::Admin)))
        .env("JACKFIELD_ADMIN_TOKEN", server.endpoint().admin_token())
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let (send, lines) = std::sync::mpsc::channel();
    let out = child.stdout.take().unwrap();
    std::thread::spawn(move || {
        for line in BufReader::new(out).lines().map_while(Result::ok) {
            let _ = send.send(line);
        }
    });
    let status = async || {
        let next = async || lines.try_recv().ok();
        let line = poll::until_async("a line is written", poll::PATIENCE, next).await;
        serde_json::from_str::<Value>(&line).unwrap()["status"].clone()
    };
    assert_eq!(status().await, 404);
    tenant.create("7201", "1").await.is(201);
    tenant.create("7201", "1").await.is(409);
    assert_eq!(status().await, 409);
    child.kill().unwrap();
    child.wait().unwrap();
}
