//! DELETE /v1/communications/serviceProviders/{serviceProviderId}

use jackfield_tests::tenant::profile;
use jackfield_tests::{Request, Tenant};
use serde_json::{Value, json};

use super::super::directory::{DirectoryOp, recorded};

const OP: DirectoryOp = DirectoryOp::DeleteProvider;

fn delete(tenant: &Tenant, query: &str) -> Request {
    tenant.request(&OP.method(), OP.target(&tenant.provider) + query)
}

#[tokio::test]
async fn a_provider_goes_and_its_logical_id_is_free() {
    let tenant = Tenant::fresh().await;
    let response = tenant.send(&delete(&tenant, "")).await.expect(200);
    assert!(response.body.is_empty());
    tenant.send(&delete(&tenant, "")).await.is(404);
    tenant.create("7201", "1").await.is(404);
    let changes = recorded(&tenant, &tenant.provider).await;
    let (operation, _, after, request) = changes.last().unwrap();
    assert_eq!((operation.as_str(), after), ("service_provider.delete", &Value::Null));
    assert_eq!(request, response.request_id());
    tenant.new_provider("switchboard").await;
}

#[tokio::test]
async fn a_provider_with_associations_stays_unless_they_go_with_it() {
    let tenant = Tenant::fresh().await;
    for (id, suffix) in [("b", "1"), ("a", "2"), ("é", "3")] {
        tenant.create(id, suffix).await.is(201);
    }
    for query in ["", "?cascade=false", "?x=true", "?Cascade=true"] {
        tenant.send(&delete(&tenant, query)).await.is_error(409, "cascade=true");
    }
    assert_eq!(tenant.find("a").await.as_deref(), Some("2"), "nothing went");
    let before = tenant.admin.changes(&tenant.provider, 0).await.len();
    let response = tenant.send(&delete(&tenant, "?cascade=true")).await.expect(200);
    let changes = tenant.admin.changes(&tenant.provider, 0).await.split_off(before);
    let shown: Vec<_> = changes
        .iter()
        .map(|change| {
            assert_eq!((&change["actor"], &change["after"]), (&json!(tenant.client_id), &Value::Null));
            assert_eq!(change["request_id"], response.request_id());
            (change["operation"].clone(), change["external_user_id"].clone(), change["before"].clone())
        })
        .collect();
    let association =
        |id: &str, suffix: &str| (json!("association.delete"), json!(id), json!(profile(suffix)));
    assert_eq!(shown[..3], [association("a", "2"), association("b", "1"), association("é", "3")]);
    assert_eq!((shown.len(), &shown[3].0), (4, &json!("service_provider.delete")));
    tenant.send(&delete(&tenant, "?cascade=true")).await.is(404);
}

#[tokio::test]
async fn the_wish_to_cascade_is_said_clearly() {
    let tenant = Tenant::fresh().await;
    for query in ["?cascade=", "?cascade=yes", "?cascade=TRUE", "?cascade=true&cascade=true"] {
        tenant.send(&delete(&tenant, query)).await.is_error(400, "cascade");
    }
    tenant.send(&delete(&tenant, "?cascade=true")).await.is(200);
}

#[tokio::test]
async fn another_tenant_cannot_delete() {
    let (mine, other) = (Tenant::fresh().await, Tenant::fresh().await);
    mine.create("7201", "mine").await.is(201);
    let intruder = Request::new(&OP.method(), OP.target(&mine.provider) + "?cascade=true");
    other.send(&intruder.bearer(&other.token)).await.is(401);
    assert_eq!(mine.find("7201").await.as_deref(), Some("mine"));
}
