//! Requests as published clients and careless ones send them: empty headers, parameters in the query string, hosts,
//! encodings. What is taken works; what is refused is named, in the form of its surface.

use http::Method;
use jackfield_tests::check::check;
use jackfield_tests::raw::Raw;
use jackfield_tests::tenant::SCOPE;
use jackfield_tests::{Listener, Request, Response, Tenant, Version};
use serde_json::{Value, json};

use crate::login::{
    FORM, access_token, basic, form, is_login_error, token_request, with_client, with_refresh_token,
};
use crate::operation::Op;

const TOKEN: &str = "/auth/o2/token";
const CLIENT_CREDENTIALS: [(&str, &str); 2] = [("grant_type", "client_credentials"), ("scope", SCOPE)];
/// What says nothing.
const BLANK: [&str; 3] = ["", " ", "\t "];

async fn reason(tenant: &Tenant, response: &Response) -> String {
    let target = format!("/admin/v1/journal?requestId={}", response.request_id());
    let page = tenant.admin.get(&target).await;
    page["entries"][0]["refusal"]["reason"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn empty_headers_of_a_login_are_absent() {
    let (tenant, refresh_token) = with_refresh_token().await;
    let pairs = with_client(&tenant, &[("grant_type", "refresh_token"), ("refresh_token", &*refresh_token)]);
    for version in [Version::Http1, Version::Http2] {
        let tenant = tenant.again(version);
        for blank in BLANK {
            let request = token_request(&pairs).header("Authorization", blank).header("Asp-Cli", blank);
            access_token(&tenant.send(&request).await);
            // Neither does it count beside one that says something.
            let header = basic(&tenant.client_id, &tenant.client_secret);
            let request = token_request(&CLIENT_CREDENTIALS).header("Authorization", blank);
            access_token(&tenant.send(&request.header("Authorization", header)).await);
        }
    }
    let alone = token_request(&CLIENT_CREDENTIALS).header("Authorization", "");
    is_login_error(&tenant.send(&alone).await, 401, "invalid_client");
}

#[tokio::test]
async fn two_authorizations_of_a_login_are_a_mistake() {
    let tenant = Tenant::fresh().await;
    let header = basic(&tenant.client_id, &tenant.client_secret);
    for other in [&*header, "Basic bm9ib2R5Ong="] {
        let request = token_request(&CLIENT_CREDENTIALS);
        let request = request.header("Authorization", &*header).header("Authorization", other);
        let response = tenant.send(&request).await;
        is_login_error(&response, 400, "invalid_request");
        assert_eq!(reason(&tenant, &response).await, "two_authentications");
    }
}

#[tokio::test]
async fn empty_headers_of_an_operation_are_absent() {
    let tenant = Tenant::fresh().await;
    let bare = || Op::Query.bare_request(&tenant.provider, "7201");
    for blank in BLANK {
        let response = tenant.send(&bare().header("Authorization", blank)).await.expect(401);
        assert_eq!(reason(&tenant, &response).await, "no_token", "{blank:?}");
        for empty in ["Authorization", "Content-Encoding", "Expect", "Accept", "X-Forwarded-For"] {
            tenant.send(&bare().header(empty, blank).bearer(&tenant.token)).await.is(200);
        }
    }
    let twice = bare().bearer(&tenant.token).bearer(&tenant.token);
    let response = tenant.send(&twice).await.expect(401);
    assert_eq!(reason(&tenant, &response).await, "not_bearer");
}

#[tokio::test]
async fn empty_headers_are_absent_for_questions_about_a_token_and_for_operators() {
    let tenant = Tenant::fresh().await;
    for blank in BLANK {
        for path in ["/auth/o2/tokeninfo", "/user/profile"] {
            let none = Request::new(&Method::GET, path).header("Authorization", blank);
            let none = none.header("x-amz-access-token", blank);
            is_login_error(&tenant.send(&none).await, 400, "invalid_request");
            tenant.send(&none.header("x-amz-access-token", &*tenant.token)).await.is(200);
        }
        let status = || Request::new(&Method::GET, "/admin/v1/status").header("Authorization", blank);
        let message = "no Authorization header";
        tenant.admin.send(&status()).await.is_error(401, message);
        tenant.admin.send(&status().bearer(tenant.endpoint().admin_token())).await.is(200);
    }
}

#[tokio::test]
async fn token_parameters_are_read_from_the_query_string() {
    let (tenant, refresh_token) = with_refresh_token().await;
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", &*refresh_token)];
    for grant in [&CLIENT_CREDENTIALS[..], &refresh[..]] {
        let pairs = with_client(&tenant, grant);
        for body in ["", "{}"] {
            let request = Request::new(&Method::POST, format!("{TOKEN}?{}", form(&pairs)));
            access_token(&tenant.send(&request.header("Content-Type", FORM).body(body)).await);
        }
        // Some here, some there, some in both.
        for at in 0..pairs.len() {
            let request = Request::new(&Method::POST, format!("{TOKEN}?{}", form(&pairs[at..])));
            access_token(&tenant.send(&request.body(form(&pairs[..=at]))).await);
        }
    }
    // What says nothing contradicts nothing, and a repeat of the same is the same.
    let pairs = with_client(&tenant, &CLIENT_CREDENTIALS);
    let target = format!("{TOKEN}?client_secret=&scope=&code=&{}", form(&CLIENT_CREDENTIALS));
    let body = format!("{}&grant_type=client_credentials&client_id=", form(&pairs));
    access_token(&tenant.send(&Request::new(&Method::POST, target).body(body)).await);
}

#[tokio::test]
async fn a_parameter_with_two_values_is_named() {
    let tenant = Tenant::fresh().await;
    let pairs = with_client(&tenant, &CLIENT_CREDENTIALS);
    for name in ["grant_type", "client_id", "client_secret", "scope", "code", "refresh_token"] {
        let whole = form(&pairs);
        let there = [(name, "another"), (name, "still another")];
        let both = Request::new(&Method::POST, format!("{TOKEN}?{}", form(&there[..1]))).body(whole.clone());
        let both = both.body(format!("{whole}&{}", form(&there[1..])));
        let query = Request::new(&Method::POST, format!("{TOKEN}?{}", form(&there))).body(whole.clone());
        let body = Request::new(&Method::POST, TOKEN).body(format!("{whole}&{}", form(&there)));
        for request in [both, query, body] {
            let response = tenant.send(&request).await;
            is_login_error(&response, 400, "invalid_request");
            let text = response.json()["error_description"].as_str().unwrap().to_owned();
            assert!(text.starts_with(name) && text.contains("different values"), "{name}: {text}");
        }
    }
}

#[tokio::test]
async fn a_wrong_method_at_the_login_is_told_in_its_form() {
    let tenant = Tenant::fresh().await;
    let allowed = [
        ("/auth/o2/token", "POST"),
        ("/auth/O2/token/", "POST"),
        ("/auth/o2/tokeninfo", "GET, HEAD"),
        ("/user/profile", "GET, HEAD"),
        ("/ap/oa", "GET, POST, HEAD"),
    ];
    for (path, allow) in allowed {
        for method in [Method::GET, Method::PUT, Method::DELETE, Method::PATCH, Method::POST] {
            if allow.split(", ").any(|allowed| allowed == method.as_str()) {
                continue;
            }
            let response = tenant.send(&Request::new(&method, path)).await.expect(405);
            assert_eq!(response.header("Allow"), Some(allow), "{method} {path}");
            is_login_error(&response, 405, "invalid_request");
            assert_eq!(reason(&tenant, &response).await, "wrong_method");
        }
    }
    tenant.send(&tenant.request(&Method::PATCH, tenant.path())).await.is_error(405, "POST, PUT, DELETE");
}

/// Sends a head as it stands, with a query as body, and reads the answer.
async fn raw(tenant: &Tenant, listener: Listener, head: &str) -> Response {
    let mut raw = Raw::connect_to(tenant.endpoint().address(listener)).await;
    raw.write(head).await.unwrap();
    raw.response().await
}

#[tokio::test]
async fn a_request_says_once_for_which_host_it_is() {
    let tenant = Tenant::fresh().await;
    let (query, token) = (tenant.query_path(), &tenant.token);
    let admin = tenant.endpoint().admin_token();
    let post = |path: &str| {
        format!("POST {path} HTTP/1.1\r\nAuthorization: Bearer {token}\r\nContent-Length: 0\r\n")
    };
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nAuthorization: Bearer {admin}\r\n");
    let bad = [
        "",
        "Host:\r\n",
        "Host: \r\n",
        "Host: a\r\nHost: a\r\n",
        "Host: a\r\nHost: b\r\n",
        "Host: a b\r\n",
        "Host: a/b\r\n",
        "Host: u@a\r\n",
        "Host: a:b\r\n",
        "Host: [::1\r\n",
    ];
    for host in bad {
        for path in [&*query, "/nothing"] {
            let request = Request::new(&Method::POST, path);
            let response = raw(&tenant, Listener::Public, &(post(path) + host + "\r\n")).await;
            check(tenant.endpoint(), Listener::Public, &request, &response);
            response.is_error(400, "Host");
        }
        for path in [TOKEN, "/auth/o2/tokeninfo"] {
            let response = raw(&tenant, Listener::Public, &(post(path) + host + "\r\n")).await;
            is_login_error(&response, 400, "invalid_request");
            assert_eq!(reason(&tenant, &response).await, "bad_host");
        }
        for path in ["/healthz", "/admin/v1/status", "/metrics"] {
            let response = raw(&tenant, Listener::Admin, &(get(path) + host + "\r\n")).await;
            response.is_error(400, "Host");
        }
    }
    for host in
        ["Host: x\r\n", "host:  localhost:1  \r\n", "Host: [::1]:8080\r\n", "Host: API.amazonalexa.com.\r\n"]
    {
        let response = raw(&tenant, Listener::Public, &(get("/healthz") + host + "\r\n")).await;
        response.is(200);
    }
}

#[tokio::test]
async fn older_and_other_forms_of_a_request_are_understood() {
    let tenant = Tenant::fresh().await;
    let mut old = Raw::connect(tenant.endpoint()).await;
    old.write("GET /healthz HTTP/1.0\r\n\r\n").await.unwrap();
    let answer = String::from_utf8(old.to_end().await).unwrap();
    assert!(answer.starts_with("HTTP/1.0 200 "), "{answer}");
    let absolute = "GET http://elsewhere.example/healthz HTTP/1.1\r\nHost: x\r\n\r\n";
    raw(&tenant, Listener::Public, absolute).await.is(200);
    let bare = "GET http://elsewhere.example/healthz HTTP/1.1\r\n\r\n";
    raw(&tenant, Listener::Public, bare).await.is_error(400, "host");
    let tenant = tenant.again(Version::Http2);
    let address = tenant.endpoint().address(Listener::Public).to_string();
    let query = || Op::Query.request(&tenant, "7201");
    tenant.send(&query().header("Host", address)).await.is(200);
    tenant.send(&query().header("Host", "elsewhere.example")).await.is_error(400, ":authority");
    let token = token_request(&CLIENT_CREDENTIALS).header("Host", "elsewhere.example");
    is_login_error(&tenant.send(&token).await, 400, "invalid_request");
}

#[tokio::test]
async fn an_encoded_body_is_refused_by_the_name_of_its_encoding() {
    let tenant = Tenant::fresh().await;
    for (encoding, name) in [("gzip", "gzip"), ("identity, BR", "br"), ("hunter2", "unknown")] {
        for op in Op::ALL {
            let request = op.request(&tenant, "7201").header("Content-Encoding", encoding);
            tenant.send(&request).await.is_error(400, name);
        }
        let login = token_request(&with_client(&tenant, &CLIENT_CREDENTIALS));
        let response = tenant.send(&login.header("Content-Encoding", encoding)).await;
        is_login_error(&response, 400, "invalid_request");
        assert!(response.json()["error_description"].as_str().unwrap().contains(name), "{response:?}");
        assert_eq!(reason(&tenant, &response).await, "encoded");
    }
    for plain in ["identity", "Identity"] {
        let request = Op::Query.request(&tenant, "7201").header("Content-Encoding", plain);
        tenant.send(&request).await.is(200);
        let login = token_request(&with_client(&tenant, &CLIENT_CREDENTIALS));
        access_token(&tenant.send(&login.header("Content-Encoding", plain)).await);
    }
}

#[tokio::test]
async fn a_byte_order_mark_is_passed_over_and_other_encodings_of_text_are_named() {
    let tenant = Tenant::fresh().await;
    let marked = |body: &[u8]| [b"\xef\xbb\xbf", body].concat();
    for op in [Op::Create, Op::Update, Op::Query, Op::Delete] {
        let body = marked(op.body("7201").to_string().as_bytes());
        let request = tenant.request(&op.method(), op.path(&tenant.provider)).body(body);
        tenant.send(&request).await.is(op.success());
    }
    let login = form(&with_client(&tenant, &CLIENT_CREDENTIALS));
    access_token(&tenant.send(&Request::new(&Method::POST, TOKEN).body(marked(login.as_bytes()))).await);
    let organization = format!("/admin/v1/organizations/{}", tenant.organization);
    let patch = Request::new(&Method::PATCH, organization).bearer(tenant.endpoint().admin_token());
    tenant.admin.send(&patch.body(marked(b"{\"name\":\"Test\"}"))).await.is(200);

    let text = Op::Create.body("Zürich").to_string();
    let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let latin: Vec<u8> = text.chars().map(|letter| letter as u8).collect();
    let bodies = [
        (little.clone(), "UTF-16"),
        ([b"\xff\xfe", &little[..]].concat(), "UTF-16"),
        (text.encode_utf16().flat_map(u16::to_be_bytes).collect(), "UTF-16"),
        (latin, "not UTF-8"),
    ];
    for (body, name) in bodies {
        let request = tenant.request(&Method::POST, tenant.path()).body(body);
        tenant.send(&request).await.is_error(400, name);
    }
}

#[tokio::test]
async fn what_is_no_form_is_named_at_the_login() {
    let tenant = Tenant::fresh().await;
    let object: Value = with_client(&tenant, &CLIENT_CREDENTIALS)
        .into_iter()
        .map(|(name, value)| (name.to_owned(), json!(value)))
        .collect();
    let part = |(name, value): &(&str, &str)| {
        format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let parts: String = with_client(&tenant, &CLIENT_CREDENTIALS).iter().map(part).collect();
    let bodies = [
        ("application/json", object.to_string(), "the body is JSON"),
        (FORM, object.to_string(), "the body is JSON"),
        ("multipart/form-data; boundary=x", format!("{parts}--x--\r\n"), "the body is multipart/form-data"),
    ];
    for (content_type, body, part) in bodies {
        let request = Request::new(&Method::POST, TOKEN).header("Content-Type", content_type).body(body);
        let response = tenant.send(&request).await;
        is_login_error(&response, 400, "invalid_request");
        let text = response.json()["error_description"].as_str().unwrap().to_owned();
        assert!(text.contains("A form") && text.contains(part), "{text}");
    }
}

/// HTTP Basic carries form-encoded text (RFC 6749, section 2.3.1). Who leaves that out is told apart in the journal.
#[tokio::test]
async fn a_basic_secret_is_decoded_and_the_journal_says_when_that_changed_it() {
    let tenant = Tenant::fresh().await;
    let secret = "plus+percent%2Fend-0123456789";
    tenant.endpoint().keep_secret(secret);
    let clients = format!("/admin/v1/organizations/{}/clients", tenant.organization);
    let client = tenant.admin.create(&clients, &json!({"secret": secret})).await;
    let id = client["id"].as_str().unwrap();
    let encoded: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let ask = |shown: &str| token_request(&CLIENT_CREDENTIALS).header("Authorization", basic(id, shown));
    access_token(&tenant.send(&ask(&encoded)).await);
    for (shown, why) in [
        (secret, "wrong_secret_after_decoding"),
        ("wrong-secret", "wrong_secret"),
        ("wrong+secret", "wrong_secret_after_decoding"),
    ] {
        let response = tenant.send(&ask(shown)).await;
        is_login_error(&response, 401, "invalid_client");
        assert_eq!(reason(&tenant, &response).await, why);
    }
    // In the form it stands like any other parameter.
    let pairs = [&[("client_id", id), ("client_secret", secret)][..], &CLIENT_CREDENTIALS].concat();
    access_token(&tenant.send(&token_request(&pairs)).await);
}
