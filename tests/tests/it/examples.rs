//! The examples of the API reference, byte for byte as they stand there, with the answers that it documents.

use http::Method;
use jackfield_tests::Response;
use jackfield_tests::check::check;
use jackfield_tests::raw::Raw;
use jackfield_tests::{Listener, Request, Tenant};

const CREATE: &str = r#"{
"externalUserId": "7201",
"amazonId": "amzn1.alexa.communications.profile.did.1234",
"amazonIdType": "communication-profile"
}"#;

const UPDATE: &str = r#"{
"externalUserId": "7201",
"amazonId": "amzn1.alexa.communications.profile.did.ABC9876",
"amazonIdType": "communication-profile"
}"#;

const DELETE: &str = r#"{
"externalUserId": "7201"
}"#;

const QUERY: &str = r#"{
"filters": {
"externalUserIds": ["TestUserId@test.com"]
}
}"#;

const QUERY_ANSWER: &str = r#"{
"paginationContext": {
"totalCount": 1,
"nextPageToken": "0"
},
"accountAssociations": [
{
"externalUserId": "TestUserId@test.com",
"amazonId": "amzn1.alexa.communications.profile.did.1234",
"amazonIdType": "communication-profile"
}
]
}"#;

/// Sends an example over a connection of its own. `header` is the one that the examples differ in; a body needs
/// a length on the wire, which the examples leave to the client.
async fn send(tenant: &Tenant, method: Method, end: &str, header: &str, body: &str) -> Response {
    let (provider, token) = (&tenant.provider, &tenant.token);
    let target = format!("/v1/communications/serviceProviders/{provider}/externalUsers{end}");
    let mut raw = Raw::connect(tenant.endpoint()).await;
    let length = body.len();
    let head = format!(
        "{method} {target} HTTP/1.1\r\nHost: api.amazonalexa.com\r\n{header}\r\n\
         Authorization: Bearer {token}\r\nContent-Length: {length}\r\n\r\n"
    );
    raw.write(head + body).await.unwrap();
    let response = raw.response().await;
    check(tenant.endpoint(), Listener::Public, &Request::new(&method, target), &response);
    response
}

const JSON: &str = "Content-type: application/json";

#[tokio::test]
async fn create_update_delete() {
    let tenant = Tenant::fresh().await;
    send(&tenant, Method::POST, "", JSON, CREATE).await.is(201);
    assert_eq!(tenant.find("7201").await.as_deref(), Some("1234"));
    // The example of the update has an Accept header and no Content-Type.
    send(&tenant, Method::PUT, "", "Accept: application/json", UPDATE).await.is(200);
    assert_eq!(tenant.find("7201").await.as_deref(), Some("ABC9876"));
    send(&tenant, Method::DELETE, "", JSON, DELETE).await.is(200);
    assert_eq!(tenant.find("7201").await, None);
}

#[tokio::test]
async fn query() {
    let tenant = Tenant::fresh().await;
    tenant.create("TestUserId@test.com", "1234").await.is(201);
    tenant.create("other", "1234").await.is(201);
    let answer = send(&tenant, Method::POST, "/query", JSON, QUERY).await.expect(200).json();
    let documented: serde_json::Value = serde_json::from_str(QUERY_ANSWER).unwrap();
    assert_eq!(answer, documented);
}

#[tokio::test]
async fn the_error_object() {
    let tenant = Tenant::fresh().await;
    let refusal = send(&tenant, Method::POST, "", JSON, "{}").await.expect(400).json();
    assert_eq!(refusal["type"], "BAD_REQUEST");
    send(&tenant, Method::PUT, "", "Accept: application/json", UPDATE).await.is(404);
    send(&tenant, Method::DELETE, "", JSON, DELETE).await.is(404);
}
