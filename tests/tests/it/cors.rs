//! Pages of other origins.

use http::Method;
use jackfield_tests::tenant::SCOPE;
use jackfield_tests::{Options, Request, Response, Server, Tenant, TenantOptions};

use crate::login::{access_token, token_request, with_client};
use crate::operation::Op;

const APP: &str = "https://app.example";
const OTHER: &str = "http://127.0.0.1:3000";

async fn with(flags: &[&str]) -> (Server, Tenant) {
    let server = Server::start(Options::with_flags(flags));
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    (server, tenant)
}

fn preflight(target: &str, origin: &str, method: &str) -> Request {
    Request::new(&Method::OPTIONS, target)
        .header("Origin", origin)
        .header("Access-Control-Request-Method", method)
        .header("Access-Control-Request-Headers", "authorization,content-type")
}

/// Which origin may read an answer.
#[track_caller]
fn reader(response: &Response) -> Option<&str> {
    let origin = response.header("Access-Control-Allow-Origin");
    assert_eq!(response.header("Access-Control-Allow-Credentials"), None);
    if origin.is_some() {
        let exposed = response.header("Access-Control-Expose-Headers").unwrap();
        for name in ["X-Amzn-RequestId", "Retry-After", "WWW-Authenticate"] {
            assert!(exposed.contains(name), "{exposed}");
        }
    }
    origin
}

#[tokio::test]
async fn a_browser_may_ask_before_it_sends() {
    let (_server, tenant) = with(&["--cors-origin", APP, "--cors-origin", OTHER]).await;
    let provider = format!("/v1/communications/serviceProviders/{}", tenant.provider);
    for origin in [APP, OTHER] {
        for (target, method, others) in [
            ("/auth/o2/token", "POST", "POST"),
            ("/auth/O2/token/", "POST", "POST"),
            ("/auth/o2/tokeninfo", "GET", "GET, HEAD"),
            ("/user/profile", "GET", "GET, HEAD"),
            (&tenant.path(), "PUT", "POST, PUT, DELETE"),
            (&tenant.query_path(), "POST", "POST"),
            (&provider, "DELETE", "GET, PUT, DELETE, HEAD"),
        ] {
            let response = tenant.send(&preflight(target, origin, method)).await.expect(204);
            assert_eq!(reader(&response), Some(origin), "{target}");
            assert_eq!(response.header("Vary"), Some("Origin"));
            assert_eq!(response.header("Access-Control-Allow-Methods"), Some(others));
            let allowed = response.header("Access-Control-Allow-Headers").unwrap().to_ascii_lowercase();
            for name in ["authorization", "content-type", "x-amz-access-token"] {
                assert!(allowed.contains(name), "{allowed}");
            }
            assert!(response.header("Access-Control-Max-Age").is_some());
        }
    }
    for stranger in ["https://app.example.evil", "https://app.example:8443", "http://app.example", "null"] {
        let response = tenant.send(&preflight("/auth/o2/token", stranger, "POST")).await;
        assert_eq!((reader(&response), response.header("Access-Control-Allow-Methods")), (None, None));
        assert_eq!(response.header("Vary"), Some("Origin"));
    }
}

#[tokio::test]
async fn answers_say_who_may_read_them_errors_too() {
    let (_server, tenant) = with(&["--cors-origin", APP]).await;
    let grant = [("grant_type", "client_credentials"), ("scope", SCOPE)];
    let good = token_request(&with_client(&tenant, &grant)).header("Origin", APP);
    let answer = tenant.send(&good).await;
    access_token(&answer);
    assert_eq!(reader(&answer), Some(APP));
    let query = Op::Query.request(&tenant, "7201").header("Origin", APP);
    assert_eq!(reader(&tenant.send(&query).await.expect(200)), Some(APP));
    for (request, status) in [
        (token_request(&grant), 401),
        (Op::Query.bare_request(&tenant.provider, "7201"), 401),
        (Op::Query.bare_request(&tenant.provider, "7201").bearer(&tenant.token).body("nonsense"), 400),
        (Request::new(&Method::GET, "/auth/o2/token"), 405),
        (Request::new(&Method::GET, "/auth/o2/tokeninfo"), 400),
        (Request::new(&Method::GET, "/nowhere"), 404),
    ] {
        let response = tenant.send(&request.clone().header("Origin", APP)).await.expect(status);
        assert_eq!((reader(&response), response.header("Vary")), (Some(APP), Some("Origin")), "{response:?}");
        let response = tenant.send(&request.header("Origin", OTHER)).await.expect(status);
        assert_eq!((reader(&response), response.header("Vary")), (None, Some("Origin")), "{response:?}");
    }
    // The page for people, and the operator's API, are nobody else's.
    let page = Request::new(&Method::GET, "/ap/oa").header("Origin", APP);
    assert_eq!(reader(&tenant.send(&page).await), None);
    tenant.send(&preflight("/ap/oa", APP, "POST")).await.is(405);
    let status = Request::new(&Method::GET, "/admin/v1/status").bearer(tenant.endpoint().admin_token());
    let status = tenant.admin.send(&status.header("Origin", APP)).await.expect(200);
    assert_eq!((reader(&status), status.header("Vary")), (None, None));
    tenant.admin.send(&preflight("/admin/v1/status", APP, "GET")).await.is(405);
}

#[tokio::test]
async fn nothing_is_said_when_nobody_asked_for_it() {
    let tenant = Tenant::fresh().await;
    let query = Op::Query.request(&tenant, "7201").header("Origin", APP);
    let response = tenant.send(&query).await.expect(200);
    assert_eq!((reader(&response), response.header("Vary")), (None, None));
    tenant.send(&preflight("/auth/o2/token", APP, "POST")).await.is(405);
}

#[tokio::test]
async fn loopback_is_every_page_of_this_machine() {
    let (_server, tenant) = with(&["--cors-origin", "loopback"]).await;
    for origin in ["http://localhost:5173", "http://127.0.0.1:3000", "http://[::1]:8000", "http://localhost"]
    {
        let response = tenant.send(&preflight("/auth/o2/token", origin, "POST")).await.expect(204);
        assert_eq!(reader(&response), Some(origin));
    }
    for stranger in ["http://localhost.example", "https://app.example", "http://127.0.0.1.example:80"] {
        assert_eq!(reader(&tenant.send(&preflight("/auth/o2/token", stranger, "POST")).await), None);
    }
}

#[test]
fn an_origin_that_no_browser_sends_is_a_mistake() {
    for wrong in ["*", "app.example", "https://app.example/", "https://App.example"] {
        let ended = Server::try_start(Options::with_flags(&["--cors-origin", wrong])).unwrap_err();
        assert_eq!(ended.status.code(), Some(2), "{wrong}");
        assert!(ended.stderr.contains("--cors-origin"), "{}", ended.stderr);
    }
}
