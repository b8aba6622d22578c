//! Leniency that shows: what is accepted although a stricter server might not is noted, counted, and can be switched
//! off for a server or an organization.

use std::collections::BTreeMap;

use http::Method;
use jackfield_tests::tenant::SCOPE;
use jackfield_tests::{Admin, Options, Request, Response, Server, Tenant, TenantOptions, metrics};
use serde_json::{Value, json};

use crate::login::{FORM, access_token, form, is_login_error, with_client};
use crate::operation::Op;

const TOKEN: &str = "/auth/o2/token";
const CLIENT_CREDENTIALS: [(&str, &str); 2] = [("grant_type", "client_credentials"), ("scope", SCOPE)];
const NUMERIC: &str = "lenient: externalUserId was a number";

/// The body of an operation with this JSON in the place of the id.
fn body(op: Op, id: &str) -> String {
    op.body("<id>").to_string().replace("\"<id>\"", id)
}

fn request(tenant: &Tenant, op: Op, id: &str) -> Request {
    let request = tenant.request(&op.method(), op.path(&tenant.provider));
    request.header("Content-Type", "application/json").body(body(op, id))
}

fn in_query(tenant: &Tenant) -> Request {
    let target = format!("{TOKEN}?{}", form(&with_client(tenant, &CLIENT_CREDENTIALS)));
    Request::new(&Method::POST, target).header("Content-Type", FORM)
}

/// The journal's entry of an answer, if it keeps one.
async fn entry(admin: &Admin, response: &Response) -> Option<Value> {
    let page = admin.get(&format!("/admin/v1/journal?requestId={}", response.request_id())).await;
    page["entries"].as_array().unwrap().first().cloned()
}

async fn notes(tenant: &Tenant, response: &Response) -> Vec<String> {
    let entry = entry(&tenant.admin, response).await.unwrap_or_default();
    let notes = entry["notes"].as_array().cloned().unwrap_or_default();
    notes.iter().map(|note| note.as_str().unwrap().to_owned()).collect()
}

/// How often each kind was counted.
async fn counted(admin: &Admin) -> BTreeMap<String, f64> {
    let text = admin.send(&Request::new(&Method::GET, "/metrics")).await.expect(200);
    let samples = metrics::parse(text.text()).unwrap();
    let counted = samples.into_iter().filter(|sample| sample.name == "jackfield_lenient_total");
    counted.map(|sample| (sample.labels["note"].clone(), sample.value)).collect()
}

#[tokio::test]
async fn a_whole_number_is_the_text_of_an_id() {
    let server = Server::start(Options::default());
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    for number in ["0", "7201", "-5", "9007199254740992", "-9007199254740992"] {
        for op in [Op::Create, Op::Update, Op::Query, Op::Delete] {
            let response = tenant.send(&request(&tenant, op, number)).await.expect(op.success());
            let found = tenant.find(number).await;
            match op {
                Op::Delete => assert_eq!(found, None),
                _ => assert_eq!(found.as_deref(), Some("1234"), "{op:?} {number}"),
            }
            if op == Op::Query {
                assert_eq!(response.json()["accountAssociations"][0]["externalUserId"], number);
            }
        }
    }
    // A client is told about without being asked for, though not each time.
    let page = tenant.admin.get("/admin/v1/journal").await;
    let entries = page["entries"].as_array().unwrap();
    assert_eq!(entries.len(), usize::from(jackfield_model::limit::JOURNAL_NOTED), "{page}");
    for entry in entries {
        assert_eq!((&entry["notes"], entry.get("refusal")), (&json!([NUMERIC]), None));
        assert_eq!(entry["client_id"], tenant.client_id);
    }
    assert_eq!(tenant.admin.get("/admin/v1/journal?refused=true").await["entries"], json!([]));
    assert!((counted(&tenant.admin).await["numeric_id"] - 20.0).abs() < 0.5);
}

#[tokio::test]
async fn the_same_id_as_text_and_as_number_is_one() {
    let tenant = Tenant::fresh().await;
    tenant.send(&request(&tenant, Op::Create, "7201")).await.is(201);
    tenant.create("7201", "1").await.is(409);
    let ids = json!({"filters": {"externalUserIds": [7201, "7201", 7202]}});
    assert_eq!(tenant.query(&ids).await.expect(200).json()["paginationContext"]["totalCount"], 1);
    let target = format!("{}?externalUserId=7201", tenant.path());
    let both = tenant.request(&Method::DELETE, target).body(r#"{"externalUserId":7201}"#);
    tenant.send(&both).await.is(200);
    for amazon_id in ["1234", "true"] {
        let body = format!(
            r#"{{"externalUserId":"1","amazonId":{amazon_id},"amazonIdType":"communication-profile"}}"#
        );
        let strict = tenant.request(&Method::POST, tenant.path()).body(body);
        tenant.send(&strict).await.is_error(400, "a string is expected");
    }
}

#[tokio::test]
async fn each_leniency_is_noted_and_counted() {
    let server = Server::start(Options::with_flags(&["--journal-scope", "all"]));
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    let plain = |op: Op| tenant.request(&op.method(), op.path(&tenant.provider)).body(body(op, "\"7201\""));
    let json = |request: Request| request.header("Content-Type", "application/json");
    let marked = tenant.request(&Method::POST, tenant.query_path());
    let marked = json(marked.body(["\u{feff}", &body(Op::Query, "\"7201\"")].concat()));
    let mut slash = Op::Query.request(&tenant, "7201");
    slash.target.push('/');
    let more = json(tenant.request(&Method::POST, tenant.query_path()).body(r#"{"filters":{},"hunter2":1}"#));
    let by_query = tenant.request(&Method::DELETE, format!("{}?externalUserId=7201", tenant.path()));
    let login = form(&with_client(&tenant, &CLIENT_CREDENTIALS));
    let login = Request::new(&Method::POST, TOKEN).header("Content-Type", "text/plain").body(login);
    let cases = [
        (json(plain(Op::Create)), &[][..], ""),
        (plain(Op::Query).header("Content-Type", "application/json; charset=utf-8"), &[], ""),
        (plain(Op::Query), &["lenient: the body had no Content-Type"], "no_content_type"),
        (
            plain(Op::Query).header("Content-Type", FORM),
            &["lenient: the body had another Content-Type"],
            "other_content_type",
        ),
        (login, &["lenient: the body had another Content-Type"], "other_content_type"),
        (marked, &["lenient: a byte-order mark stood before the body"], "byte_order_mark"),
        (slash, &["lenient: the path ended with a slash"], "trailing_slash"),
        (more, &["lenient: properties that are not known were ignored"], "unknown_properties"),
        (by_query, &["lenient: externalUserId stood in the query string of a DELETE"], "delete_query"),
        (in_query(&tenant), &["lenient: token parameters stood in the query string"], "query_parameters"),
        (request(&tenant, Op::Delete, "7201"), &[NUMERIC], "numeric_id"),
    ];
    for (request, expected, label) in cases {
        let before = counted(&tenant.admin).await;
        let response = tenant.send(&request).await;
        assert_eq!(notes(&tenant, &response).await, expected, "{request:?} {response:?}");
        let entry = entry(&tenant.admin, &response).await.unwrap();
        assert_eq!(entry.get("notes").is_some(), !expected.is_empty(), "{entry}");
        for (note, count) in counted(&tenant.admin).await {
            let more = count - before[&note];
            assert!(
                (more - f64::from(u8::from(note == label))).abs() < 0.5,
                "{note}: {more} more for {request:?}"
            );
        }
    }
}

#[tokio::test]
async fn what_everybody_sends_does_not_push_refusals_out() {
    let server = Server::start(Options::default());
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    let plain =
        tenant.request(&Method::POST, format!("{}/", tenant.query_path())).body(r#"{"filters":{},"x":1}"#);
    tenant.send(&plain).await.is(200);
    tenant.send(&plain.header("Content-Type", FORM)).await.is(200);
    assert_eq!(tenant.admin.get("/admin/v1/journal").await["entries"], json!([]));
    assert!(counted(&tenant.admin).await["trailing_slash"] > 1.5);
    let login = tenant.send(&in_query(&tenant)).await;
    access_token(&login);
    let entry = entry(&tenant.admin, &login).await.unwrap();
    assert_eq!(entry["query"], "client_id=…&client_secret=…&grant_type=…&scope=…");
}

async fn is_strict(tenant: &Tenant) {
    for op in Op::ALL {
        let refused = tenant.send(&request(tenant, op, "7201")).await.expect(400);
        refused.is_error(400, "a string is expected");
        refused.is_error(400, "not lenient");
        assert_eq!(notes(tenant, &refused).await, [""; 0]);
    }
    let refused = tenant.send(&in_query(tenant)).await;
    is_login_error(&refused, 400, "invalid_request");
    let text = refused.json()["error_description"].as_str().unwrap().to_owned();
    assert!(text.contains("query string") && text.contains("not lenient"), "{text}");
    let entry = entry(&tenant.admin, &refused).await.unwrap();
    assert_eq!(entry["refusal"]["reason"], "query_parameters");
    // The rest is as it was.
    tenant.create("7201", "1").await.is(201);
    let by_query = tenant.request(&Method::DELETE, format!("{}/?externalUserId=7201", tenant.path()));
    tenant.send(&by_query).await.is(200);
    let pairs = with_client(tenant, &CLIENT_CREDENTIALS);
    let target = format!("{TOKEN}?state=x&scope=");
    access_token(&tenant.send(&Request::new(&Method::POST, target).body(form(&pairs))).await);
}

#[tokio::test]
async fn a_server_can_be_strict() {
    for flags in [&["--lenient", "false"][..], &["--lenient=false"]] {
        let server = Server::start(Options::with_flags(flags));
        let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
        is_strict(&tenant).await;
        // An organization cannot ask for more.
        let target = format!("/admin/v1/organizations/{}", tenant.organization);
        tenant.admin.patch(&target, &json!({"lenient": true})).await;
        tenant.send(&request(&tenant, Op::Query, "7201")).await.is(400);
    }
    let variable = ("JACKFIELD_LENIENT".to_owned(), "false".to_owned());
    let server = Server::start(Options { environment: vec![variable], ..Options::default() });
    is_strict(&Tenant::on(server.endpoint(), TenantOptions::default()).await).await;
    let refused = Server::try_start(Options::with_flags(&["--lenient", "perhaps"])).unwrap_err();
    assert_eq!(refused.status.code(), Some(2), "{}", refused.stderr);
}

#[tokio::test]
async fn an_organization_can_be_strict() {
    let (tenant, other) = (Tenant::fresh().await, Tenant::fresh().await);
    let target = format!("/admin/v1/organizations/{}", tenant.organization);
    let strict = tenant.admin.patch(&target, &json!({"lenient": false})).await;
    assert_eq!(strict["lenient"], false);
    is_strict(&tenant).await;
    other.send(&request(&other, Op::Create, "7201")).await.is(201);
    let lenient = tenant.admin.patch(&target, &json!({"lenient": true})).await;
    assert_eq!(lenient.get("lenient"), None, "as it always was");
    tenant.send(&request(&tenant, Op::Create, "7201")).await.is(201);
    let made = json!({"name": "Strict", "country": "US", "vertical": "core", "lenient": false});
    assert_eq!(tenant.admin.create("/admin/v1/organizations", &made).await["lenient"], false);
}

#[tokio::test]
async fn a_seed_can_say_so_and_a_restart_keeps_it() {
    let home = tempfile::tempdir().unwrap();
    let seed = home.path().join("seed.toml");
    let text = |lenient: &str| {
        format!(
            "[[organization]]\nid = \"amzn1.alexa.unit.did.strict\"\nname = \"Strict\"\ncountry = \"US\"\nvertical = \"core\"\n\
             webrtc = true\n{lenient}\n[[organization.client]]\nid = \"amzn1.application-oa2-client.5\"\n\
             secret = \"kX4v9QmT2bYw7RfNc8HsL1pZ6dJg3VaE\"\n"
        )
    };
    std::fs::write(&seed, text("lenient = false")).unwrap();
    let mut server = Server::start(Options { seed: Some(seed.clone()), ..Options::default() });
    let target = "/admin/v1/organizations/amzn1.alexa.unit.did.strict";
    assert_eq!(Admin::new(server.endpoint()).get(target).await["lenient"], false);
    server.restart();
    assert_eq!(Admin::new(server.endpoint()).get(target).await["lenient"], false);
    std::fs::write(&seed, text("")).unwrap();
    server.restart();
    assert_eq!(Admin::new(server.endpoint()).get(target).await.get("lenient"), None);
}

/// The vendor's client waits 2, 3, 5, 8, 13 and 21 s, whatever `Retry-After` says, and repeats the request as it was.
#[tokio::test]
async fn a_client_that_repeats_what_failed_loses_nothing() {
    let server = Server::start(Options::default());
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    let create = |id: &str| tenant.create_request(&Op::Create.body(id));
    for status in [429, 500, 503] {
        let id = status.to_string();
        let rule = json!({"operation": "create", "status": status, "retry_after": 600, "times": 5});
        tenant.admin.create("/admin/v1/faults", &rule).await;
        let mut answers = Vec::new();
        loop {
            let answer = raw_answer(&tenant, &create(&id)).await;
            answers.push(answer);
            if ![429, 500, 503].contains(&answer) {
                break;
            }
        }
        assert_eq!(answers, [[status; 5].as_slice(), &[201]].concat(), "the sixth of seven attempts");
        assert_eq!(tenant.find(&id).await.as_deref(), Some("1234"));
        tenant.admin.call(&Method::DELETE, "/admin/v1/faults", &Value::Null).await.is(204);
    }
    // The answer is lost; whoever repeats the call is told that it was carried out.
    for (when, again) in [("before", 201), ("after", 409)] {
        let rule = json!({"operation": "create", "drop": when, "times": 1});
        tenant.admin.create("/admin/v1/faults", &rule).await;
        assert!(tenant.try_send(&create(when)).await.is_err(), "no answer");
        tenant.send(&create(when)).await.is(again);
        assert_eq!(tenant.find(when).await.as_deref(), Some("1234"));
    }
    let changes = tenant.admin.changes(&tenant.provider, 0).await;
    let created = changes.iter().filter(|change| change["operation"] == "association.create").count();
    assert_eq!(created, 5, "each once: {changes:?}");
}

/// The status alone: a fault rule may answer what no operation would.
async fn raw_answer(tenant: &Tenant, request: &Request) -> u16 {
    tenant.client.send(request).await.unwrap().status
}
