//! PUT …/externalUsers

use http::Method;
use jackfield_tests::page;
use jackfield_tests::tenant::{association, profile};
use jackfield_tests::{Request, Tenant};
use serde_json::json;

use super::create::bad_amazon_ids;
use super::{Op, bad_ids, good_ids, no_objects, raw_association, refuses};

const TYPE: &str = "\"communication-profile\"";

#[tokio::test]
async fn an_association_points_at_the_new_profile() {
    let tenant = Tenant::fresh().await;
    tenant.create("7201", "1234").await.is(201);
    tenant.update("7201", "ABC9876").await.is(200);
    assert_eq!(tenant.find("7201").await.as_deref(), Some("ABC9876"));
    tenant.update("7201", "ABC9876").await.is(200);
    assert_eq!(
        page::walk(&tenant, &json!({}), 100).await.total_count,
        1,
        "an update is no second association"
    );
}

#[tokio::test]
async fn only_what_is_there_can_be_updated() {
    let tenant = Tenant::fresh().await;
    tenant.update("7201", "1234").await.is(404);
    assert_eq!(tenant.find("7201").await, None, "an update does not create");
    tenant.create("7201", "1234").await.is(201);
    tenant.delete("7201").await.is(200);
    tenant.update("7201", "1234").await.is(404);
    tenant.create("Room", "1234").await.is(201);
    tenant.update("room", "5678").await.is(404);
}

#[tokio::test]
async fn every_allowed_id_can_be_updated() {
    let tenant = Tenant::fresh().await;
    for id in good_ids() {
        tenant.create(&id, "1").await.is(201);
        tenant.update(&id, "2").await.is(200);
        assert_eq!(tenant.find(&id).await.as_deref(), Some("2"), "{id}");
    }
}

#[tokio::test]
async fn refusals_name_the_property_and_change_nothing() {
    let tenant = Tenant::fresh().await;
    tenant.create("7201", "1234").await.is(201);
    let good = format!("\"{}\"", profile("other"));
    let mut bodies = no_objects();
    for (id, part) in bad_ids() {
        bodies.push((raw_association(&id, &good, TYPE), part));
    }
    for (amazon_id, part) in bad_amazon_ids() {
        bodies.push((raw_association("\"7201\"", &amazon_id, TYPE), part));
    }
    for bad in ["null", "7", "\"profile\""] {
        bodies.push((raw_association("\"7201\"", &good, bad), "amazonIdType"));
    }
    bodies.extend([
        ("{}".to_owned(), "externalUserId is missing"),
        (format!("{{\"externalUserId\":\"7201\",\"amazonIdType\":{TYPE}}}"), "amazonId is missing"),
        (format!("{{\"externalUserId\":\"7201\",\"amazonId\":{good}}}"), "amazonIdType is missing"),
        (raw_association("\"7201\",\"externalUserId\":\"7201\"", &good, TYPE), "externalUserId"),
        (raw_association("\"7201\"", &format!("{good},\"amazonId\":{good}"), TYPE), "amazonId"),
    ]);
    refuses(&tenant, Op::Update, &bodies).await;
    assert_eq!(tenant.find("7201").await.as_deref(), Some("1234"), "nothing was changed");
}

#[tokio::test]
async fn another_tenant_cannot_update() {
    let (mine, other) = (Tenant::fresh().await, Tenant::fresh().await);
    mine.create("7201", "mine").await.is(201);
    let body = association("7201", &profile("intruder"));
    let intruder = Request::new(&Method::PUT, mine.path()).bearer(&other.token).json(&body);
    other.send(&intruder).await.is(401);
    other.update("7201", "intruder").await.is(404);
    assert_eq!(mine.find("7201").await.as_deref(), Some("mine"));
}
