//! DELETE …/externalUsers

use http::Method;
use jackfield_tests::page;
use jackfield_tests::{Request, Tenant};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;

use super::{Op, bad_ids, good_ids, no_objects, refuses};

/// The path with `?externalUserId=`, percent-encoded.
fn with_parameter(tenant: &Tenant, id: &str) -> String {
    format!("{}?externalUserId={}", tenant.path(), utf8_percent_encode(id, NON_ALPHANUMERIC))
}

#[tokio::test]
async fn an_association_goes() {
    let tenant = Tenant::fresh().await;
    tenant.create("7201", "1234").await.is(201);
    tenant.create("7202", "1234").await.is(201);
    tenant.delete("7201").await.is(200);
    assert_eq!(tenant.find("7201").await, None);
    assert_eq!(tenant.find("7202").await.as_deref(), Some("1234"), "only the named one goes");
}

#[tokio::test]
async fn only_what_is_there_can_be_deleted() {
    let tenant = Tenant::fresh().await;
    tenant.delete("7201").await.is(404);
    tenant.create("7201", "1234").await.is(201);
    tenant.delete("7201").await.is(200);
    tenant.delete("7201").await.is(404);
}

#[tokio::test]
async fn every_allowed_id_can_be_deleted_by_body_and_by_parameter() {
    let tenant = Tenant::fresh().await;
    for id in good_ids() {
        tenant.create(&id, "1").await.is(201);
        tenant.delete(&id).await.is(200);
        assert_eq!(tenant.find(&id).await, None, "{id}");
        tenant.create(&id, "1").await.is(201);
        tenant.send(&tenant.request(&Method::DELETE, with_parameter(&tenant, &id))).await.is(200);
        assert_eq!(tenant.find(&id).await, None, "{id}");
    }
}

#[tokio::test]
async fn body_and_parameter_may_both_stand_when_they_agree() {
    let tenant = Tenant::fresh().await;
    tenant.create("7201", "1234").await.is(201);
    tenant.create("7202", "1234").await.is(201);
    let both = |parameter: &str| {
        tenant
            .request(&Method::DELETE, with_parameter(&tenant, parameter))
            .json(&json!({"externalUserId": "7201"}))
    };
    tenant.send(&both("7202")).await.is_error(400, "differ");
    assert_eq!(page::walk(&tenant, &json!({}), 100).await.total_count, 2, "neither went");
    tenant.send(&both("7201")).await.is(200);
    assert_eq!(tenant.find("7201").await, None);
    assert_eq!(tenant.find("7202").await.as_deref(), Some("1234"));
}

#[tokio::test]
async fn the_parameter_is_read_as_a_form() {
    let tenant = Tenant::fresh().await;
    tenant.create("a b&c=d+é", "1").await.is(201);
    let target = format!("{}?x=1&externalUserId=a+b%26c%3Dd%2b%C3%a9&y", tenant.path());
    tenant.send(&tenant.request(&Method::DELETE, target)).await.is(200);
    assert_eq!(tenant.find("a b&c=d+é").await, None);
    for (query, part) in
        [("externalUserId=", "empty"), ("externalUserId=%20a", "white space"), ("ExternalUserId=a", "body")]
    {
        let request = tenant.request(&Method::DELETE, format!("{}?{query}", tenant.path()));
        tenant.send(&request).await.is_error(400, part);
    }
    let twice = format!("{}?externalUserId=a&externalUserId=b", tenant.path());
    tenant.send(&tenant.request(&Method::DELETE, twice)).await.is_error(400, "externalUserId");
}

#[tokio::test]
async fn refusals_name_the_property_and_remove_nothing() {
    let tenant = Tenant::fresh().await;
    tenant.create("7201", "1234").await.is(201);
    let mut bodies = no_objects();
    for (id, part) in bad_ids() {
        bodies.push((format!("{{\"externalUserId\":{id}}}"), part));
        bodies.push((format!("{{\"externalUserId\":{id}}}"), "externalUserId"));
    }
    bodies.extend([
        ("{}".to_owned(), "externalUserId is missing"),
        (r#"{"externalUserIds":["7201"]}"#.to_owned(), "externalUserId is missing"),
        (r#"{"externalUserId":"7201","externalUserId":"7201"}"#.to_owned(), "externalUserId"),
    ]);
    refuses(&tenant, Op::Delete, &bodies).await;
    assert_eq!(tenant.find("7201").await.as_deref(), Some("1234"), "nothing was removed");
}

#[tokio::test]
async fn more_than_the_id_may_stand_in_the_body() {
    let tenant = Tenant::fresh().await;
    tenant.create("7201", "1234").await.is(201);
    // A client that sends the whole association back.
    tenant.send(&tenant.delete_request(&Op::Create.body("7201"))).await.is(200);
    assert_eq!(tenant.find("7201").await, None);
}

#[tokio::test]
async fn another_tenant_cannot_delete() {
    let (mine, other) = (Tenant::fresh().await, Tenant::fresh().await);
    mine.create("7201", "mine").await.is(201);
    let body = json!({"externalUserId": "7201"});
    let intruder = Request::new(&Method::DELETE, mine.path()).bearer(&other.token).json(&body);
    other.send(&intruder).await.is(401);
    other.delete("7201").await.is(404);
    assert_eq!(mine.find("7201").await.as_deref(), Some("mine"));
}
