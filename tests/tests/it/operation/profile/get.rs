//! GET /v1/communications/profile/{profileId}

use jackfield_tests::Tenant;
use jackfield_tests::tenant::profile;
use serde_json::json;

use super::super::directory::{DirectoryOp, add_profile, fresh};
use super::{entity, get, intrude};

#[tokio::test]
async fn a_profile_is_shown_as_it_is() {
    let tenant = Tenant::fresh().await;
    let lobby = fresh();
    let id = add_profile(&tenant, &lobby).await;
    let response = get(&tenant, &id).await.expect(200);
    assert_eq!(response.header("Content-Type"), Some("application/json"));
    assert_eq!(response.json(), json!({"entity": entity(&lobby), "profileId": {"profileId": id}}));
}

#[tokio::test]
async fn what_is_no_profile_is_not_there() {
    let tenant = Tenant::fresh().await;
    for id in
        [profile("none"), "none".to_owned(), profile("a%20b"), profile(&"a".repeat(256)), "%ff".to_owned()]
    {
        get(&tenant, &id).await.is(404);
    }
}

#[tokio::test]
async fn another_organizations_profile_is_not_shown() {
    let (tenant, other) = (Tenant::fresh().await, Tenant::fresh().await);
    let lobby = fresh();
    let id = add_profile(&tenant, &lobby).await;
    let request = DirectoryOp::GetProfile.bare_request(&id);
    let refusal = other.send(&intrude(&other, request)).await.expect(401);
    assert!(!refusal.text().contains(&lobby), "{refusal:?}");
}
