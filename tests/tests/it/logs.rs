//! What is logged, and what never is.

use http::Method;
use jackfield_tests::{Options, Request, Response, Server, Tenant, TenantOptions, poll};
use serde_json::Value;

use crate::operation::Op;

fn server(level: &str, format: &str) -> Server {
    Server::start(Options::with_flags(&["--log-level", level, "--log-format", format]))
}

/// The access line of an answer. Lines are written by another process, so it may take a moment.
async fn line_of(server: &Server, response: &Response) -> String {
    let id = response.request_id().to_owned();
    let find = async || {
        let log = server.log();
        log.lines().find(|line| line.contains("jackfield::access") && line.contains(&id)).map(str::to_owned)
    };
    poll::until_async("the access line is written", poll::PATIENCE, find).await
}

#[tokio::test]
async fn at_debug_each_request_is_a_line() {
    let server = server("debug", "text");
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    for (op, name) in Op::ALL.into_iter().zip(["create", "update", "delete", "query"]) {
        op.prepare(&tenant, "7201").await;
        let response = tenant.send(&op.request(&tenant, "7201")).await;
        let line = line_of(&server, &response).await;
        for part in [
            format!("client=\"{}\"", tenant.client_id),
            format!("operation=\"{name}\""),
            format!("status={}", op.success()),
            "latency_us=".to_owned(),
            "DEBUG".to_owned(),
        ] {
            assert!(line.contains(&part), "{part} is not in {line}");
        }
        assert!(!line.contains('\u{1b}'), "no colours where no terminal is");
    }
    let refused = tenant.send(&Op::Query.bare_request(&tenant.provider, "7201")).await.expect(401);
    assert!(line_of(&server, &refused).await.contains("status=401"));
}

#[tokio::test]
async fn as_json_each_line_is_an_object() {
    let server = server("debug", "json");
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    let response = tenant.create("7201 \"quoted\" é", "1").await.expect(201);
    let line: Value = serde_json::from_str(&line_of(&server, &response).await).unwrap();
    assert_eq!(line["request_id"], response.request_id());
    assert_eq!(line["client"], tenant.client_id);
    assert_eq!((&line["operation"], &line["status"]), (&"create".into(), &201.into()));
    assert!(line["latency_us"].is_u64() && line["timestamp"].is_string(), "{line}");
    assert_eq!(line["level"], "DEBUG");
    for line in server.log().lines() {
        let parsed: Result<serde_json::Map<String, Value>, _> = serde_json::from_str(line);
        assert!(parsed.is_ok(), "{line}");
    }
}

#[tokio::test]
async fn by_default_requests_are_not_logged() {
    let server = server("info", "text");
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    tenant.create("7201", "1").await.is(201);
    tenant.create("7201", "1").await.is(409);
    assert!(!server.log().contains("jackfield::access"), "{}", server.log());
}

#[tokio::test]
async fn one_target_can_be_chosen() {
    let server = server("warn,jackfield::access=debug", "text");
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    let response = tenant.create("7201", "1").await.expect(201);
    line_of(&server, &response).await;
}

/// The harness looks for secrets in every log; here they are sent wherever a client could put them by mistake.
#[tokio::test]
async fn secrets_are_not_logged_wherever_they_are_sent() {
    let server = server("trace", "text");
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    let (token, secret) = (&tenant.token, &tenant.client_secret);
    let path = tenant.path();
    let form = format!(
        "grant_type=refresh_token&refresh_token={token}&client_id={}&client_secret={secret}",
        tenant.client_id
    );
    let requests = [
        Request::new(
            &Method::DELETE,
            format!("{path}?access_token={}&externalUserId=7201", token.replace('|', "%7C")),
        ),
        Request::new(&Method::POST, &*path).header("Authorization", format!("Token {token}")),
        Request::new(&Method::POST, &*path).header("Cookie", format!("token={token}")),
        Request::new(&Method::POST, &*path).bearer(secret),
        tenant.request(&Method::POST, &*path).body(format!("{{\"externalUserId\":\" {token}\"}}")),
        tenant.request(&Method::POST, &*path).body(format!("{token}{secret}")),
        Request::new(&Method::POST, "/auth/o2/token").body(form.clone()),
        Request::new(&Method::POST, format!("/auth/o2/token?{form}"))
            .body(form.replace("refresh_token=", "x=")),
        Request::new(&Method::GET, "/nothing").bearer(token).header("X-Secret", secret.clone()),
    ];
    for request in &requests {
        // The form may be answered; everything else is refused. The tenant looks into the answers.
        tenant.send(request).await;
    }
    let admin = tenant.endpoint().admin_token().to_owned();
    let wrong = Request::new(&Method::GET, format!("/admin/v1/organizations?token={admin}"))
        .bearer(&format!("{admin}x"));
    tenant.admin.send(&wrong).await.is(401);
    let last = tenant.send(&Op::Query.request(&tenant, "7201")).await;
    line_of(&server, &last).await;
    server.endpoint().check_log();
}
