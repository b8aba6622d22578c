//! The small print of the contract: routes, methods, headers and what does not matter in a request.

use std::collections::BTreeSet;

use http::Method;
use jackfield_tests::{Request, Tenant, Version};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;

use crate::operation::Op;
use crate::operation::directory::DirectoryOp;

#[tokio::test]
async fn a_trailing_slash_makes_no_difference() {
    let tenant = Tenant::fresh().await;
    for op in Op::ALL {
        op.prepare(&tenant, "7201").await;
        let mut request = op.request(&tenant, "7201");
        request.target.push('/');
        tenant.send(&request).await.is(op.success());
        request.target.push('/');
        tenant.send(&request).await.is(404);
    }
    for op in DirectoryOp::ALL {
        let id = op.prepare(&tenant).await;
        let mut request = op.request(&tenant, &id);
        request.target = match request.target.split_once('?') {
            Some((path, query)) => format!("{path}/?{query}"),
            None => request.target + "/",
        };
        tenant.send(&request).await.is(op.success());
    }
    for path in ["/healthz/", "/readyz/", "/openapi.json/"] {
        tenant.send(&Request::new(&Method::GET, path)).await.is(200);
    }
    tenant.create("7201", "1234").await;
    let target = format!("{}/?externalUserId=7201", tenant.path());
    tenant.send(&tenant.request(&Method::DELETE, target)).await.is(200);
}

#[tokio::test]
async fn a_body_is_read_as_json_whatever_the_content_type_says() {
    let tenant = Tenant::fresh().await;
    let types = [
        None,
        Some("application/json"),
        Some("application/json; charset=utf-8"),
        Some("text/plain"),
        Some("application/x-www-form-urlencoded"),
        Some("multipart/form-data"),
        Some("nonsense"),
        Some(""),
    ];
    for op in Op::ALL {
        for content_type in types {
            op.prepare(&tenant, "7201").await;
            let mut request = tenant.request(&op.method(), op.path(&tenant.provider));
            if let Some(content_type) = content_type {
                request = request.header("Content-Type", content_type);
            }
            tenant.send(&request.body(op.body("7201").to_string())).await.is(op.success());
        }
    }
}

#[tokio::test]
async fn what_the_client_accepts_makes_no_difference() {
    let tenant = Tenant::fresh().await;
    for accept in ["application/json", "*/*", "text/html", "image/png", "nonsense"] {
        let request = Op::Query.request(&tenant, "7201").header("Accept", accept);
        assert_eq!(tenant.send(&request).await.expect(200).header("Content-Type"), Some("application/json"));
    }
}

#[tokio::test]
async fn the_scheme_of_the_token_is_case_insensitive() {
    let tenant = Tenant::fresh().await;
    for scheme in ["Bearer", "bearer", "BEARER", "bEaReR"] {
        let request = Op::Query.bare_request(&tenant.provider, "7201");
        tenant.send(&request.header("Authorization", format!("{scheme} {}", tenant.token))).await.is(200);
    }
}

#[tokio::test]
async fn a_token_is_never_read_from_elsewhere() {
    let tenant = Tenant::fresh().await;
    let encoded = utf8_percent_encode(&tenant.token, NON_ALPHANUMERIC);
    for op in Op::ALL {
        let bare = op.bare_request(&tenant.provider, "7201");
        for name in ["access_token", "token", "Authorization"] {
            let mut request = bare.clone();
            request.target = format!("{}?{name}={encoded}", request.target);
            tenant.send(&request).await.is(401);
        }
        tenant.send(&bare.clone().header("x-amz-access-token", tenant.token.clone())).await.is(401);
        tenant.send(&bare.header("Cookie", format!("access_token={}", tenant.token))).await.is(401);
        let mut body = op.body("7201");
        body["access_token"] = json!(tenant.token);
        let request = Request::new(&op.method(), op.path(&tenant.provider)).json(&body);
        tenant.send(&request).await.is(401);
    }
}

#[tokio::test]
async fn a_wrong_method_is_405_with_the_right_ones() {
    let tenant = Tenant::fresh().await;
    let allowed = |response: &jackfield_tests::Response| -> BTreeSet<String> {
        let allow = response.header("Allow").unwrap().to_owned();
        allow.split(',').map(|method| method.trim().to_owned()).collect()
    };
    let methods = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<BTreeSet<_>>();
    let writes = methods(&["POST", "PUT", "DELETE"]);
    for method in [Method::GET, Method::PATCH, Method::OPTIONS, Method::TRACE] {
        for path in [tenant.path(), tenant.path() + "/"] {
            let response = tenant.send(&tenant.request(&method, path)).await.expect(405);
            assert_eq!(allowed(&response), writes, "{method}");
        }
    }
    for method in [Method::GET, Method::PUT, Method::DELETE, Method::PATCH] {
        let response = tenant.send(&tenant.request(&method, tenant.query_path())).await.expect(405);
        assert_eq!(allowed(&response), methods(&["POST"]), "{method}");
    }
    for path in ["/auth/o2/token", "/auth/O2/token"] {
        let response = tenant.send(&Request::new(&Method::GET, path)).await.expect(405);
        assert_eq!(allowed(&response), methods(&["POST"]));
    }
    // The route is found before anybody asks who calls.
    tenant.send(&Request::new(&Method::GET, tenant.path())).await.is(405);
    let unknown_method = Method::from_bytes(b"FROBNICATE").unwrap();
    tenant.send(&tenant.request(&unknown_method, tenant.path())).await.is(405);
}

#[tokio::test]
async fn an_unknown_path_is_404_whoever_asks() {
    let tenant = Tenant::fresh().await;
    let base = tenant.path();
    let mut paths: Vec<String> =
        ["/v1", "/v1/communications", "/v2/communications", "/nothing", "/auth", "/auth/o2/tokens"]
            .map(str::to_owned)
            .to_vec();
    paths.extend([
        base.trim_end_matches('s').to_owned(),
        format!("{base}/7201"),
        format!("{base}/query/7201"),
        format!("{base}//query"),
        format!("/{base}"),
        format!("{base}/."),
        base.to_uppercase(),
        base.replace("serviceProviders", "serviceproviders"),
        "/v1/communications/serviceProviders//externalUsers".to_owned(),
    ]);
    for path in paths {
        for method in [Method::GET, Method::POST] {
            tenant.send(&tenant.request(&method, &*path).json(&json!({}))).await.is(404);
            tenant.send(&Request::new(&method, &*path)).await.is(404);
        }
    }
}

#[tokio::test]
async fn percent_encoding_of_the_provider_is_decoded_once() {
    let tenant = Tenant::fresh().await;
    let provider = &tenant.provider;
    let once = utf8_percent_encode(provider, NON_ALPHANUMERIC).to_string();
    assert_ne!(&once, provider);
    let all: String = provider.bytes().map(|byte| format!("%{byte:02x}")).collect();
    let twice = utf8_percent_encode(&once, NON_ALPHANUMERIC).to_string();
    for op in Op::ALL {
        for good in [&once, &all] {
            op.prepare(&tenant, "7201").await;
            let request = op.bare_request(good, "7201").bearer(&tenant.token);
            tenant.send(&request).await.is(op.success());
        }
        for bad in
            [&twice, "%", "%zz", "%00", "%ff", "%2F", &format!("{provider}%2F"), &format!("{provider}%00")]
        {
            let request = op.bare_request(bad, "7201").bearer(&tenant.token);
            tenant.send(&request).await.is(404);
        }
    }
}

#[tokio::test]
async fn every_answer_has_its_own_request_id() {
    let tenant = Tenant::fresh().await;
    let http2 = tenant.again(Version::Http2);
    let mut seen = BTreeSet::new();
    for round in 0..30 {
        let mut request = Op::ALL[round % 4].request(&tenant, "7201");
        if round % 3 == 0 {
            // An id that a client sends is not ours.
            request = request.header("X-Amzn-RequestId", "6f1b9a52-6c5e-4d0c-9a5b-2f3f0a8f6f10");
        }
        for response in [tenant.send(&request).await, http2.send(&request).await] {
            assert!(seen.insert(response.request_id().to_owned()), "{response:?}");
        }
    }
}

#[tokio::test]
async fn an_answer_does_not_repeat_what_was_sent() {
    let tenant = Tenant::fresh().await;
    let script = "<script>alert(7)</script>";
    let body = json!({"externalUserId": format!(" {script}"), "amazonId": script, "amazonIdType": script});
    let response = tenant.send(&tenant.create_request(&body)).await.expect(400);
    assert!(!response.text().contains("<script>"), "{response:?}");
}
