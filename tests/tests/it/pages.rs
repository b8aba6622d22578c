//! Page tokens: bound to provider and filter, unforgeable, and what their names and ends mean.

use std::collections::BTreeSet;

use jackfield_tests::page::{ids, walk};
use jackfield_tests::{Options, Server, Tenant, TenantOptions};
use serde_json::{Value, json};

async fn with_associations(count: usize) -> Tenant {
    let tenant = Tenant::fresh().await;
    fill(&tenant, count).await;
    tenant
}

async fn fill(tenant: &Tenant, count: usize) {
    for n in 0..count {
        tenant.create(&format!("{n:03}"), "1").await.is(201);
    }
}

fn page_of(filters: &Value, max_results: u32, name: &str, token: &str) -> Value {
    json!({"filters": filters, "paginationContext": {"maxResults": max_results, name: token}})
}

async fn first_token(tenant: &Tenant, filters: &Value) -> String {
    let body = json!({"filters": filters, "paginationContext": {"maxResults": 2}});
    let page = tenant.query(&body).await.expect(200).json();
    let token = page["paginationContext"]["nextPageToken"].as_str().unwrap().to_owned();
    assert_ne!(token, "0", "more pages follow");
    token
}

#[tokio::test]
async fn pages_cover_everything_once_at_every_size() {
    let tenant = with_associations(12).await;
    for (max_results, pages) in [(1, 12), (5, 3), (6, 2), (11, 2), (12, 1), (13, 1), (100, 1)] {
        let walk = walk(&tenant, &json!({}), max_results).await;
        assert_eq!((walk.found.len(), walk.pages, walk.total_count), (12, pages, 12), "{max_results} a page");
    }
}

#[tokio::test]
async fn a_filter_of_ids_has_pages_too() {
    let tenant = with_associations(20).await;
    let wanted: Vec<String> = (5..35).map(|n| format!("{n:03}")).collect();
    let walk = walk(&tenant, &json!({"externalUserIds": wanted}), 4).await;
    assert_eq!((walk.found.len(), walk.pages, walk.total_count), (15, 4, 15));
}

#[tokio::test]
async fn the_last_page_says_0_and_0_asks_for_nothing() {
    let tenant = with_associations(3).await;
    let last = tenant
        .query(&json!({"filters": {}, "paginationContext": {"maxResults": 3}}))
        .await
        .expect(200)
        .json();
    assert_eq!(last["paginationContext"], json!({"totalCount": 3, "nextPageToken": "0"}));
    for name in ["nextToken", "nextPageToken"] {
        for filters in [json!({}), json!({"externalUserIds": ["000", "001", "other"]})] {
            let after = tenant.query(&page_of(&filters, 1, name, "0")).await.expect(200).json();
            let total_count = if filters == json!({}) { 3 } else { 2 };
            assert_eq!(
                after,
                json!({"paginationContext": {"totalCount": total_count}, "accountAssociations": []})
            );
        }
    }
}

#[tokio::test]
async fn both_names_of_the_token_mean_the_same() {
    let tenant = with_associations(5).await;
    let token = first_token(&tenant, &json!({})).await;
    let by_name = |name| page_of(&json!({}), 2, name, &token);
    let one = tenant.query(&by_name("nextToken")).await.expect(200).json();
    let other = tenant.query(&by_name("nextPageToken")).await.expect(200).json();
    assert_eq!(ids(&one), ids(&other));
    let mut both = by_name("nextToken");
    both["paginationContext"]["nextPageToken"] = json!(token);
    assert_eq!(ids(&tenant.query(&both).await.expect(200).json()), ids(&one));
    both["paginationContext"]["nextPageToken"] = json!("0");
    tenant.query(&both).await.is_error(400, "differ");
}

#[tokio::test]
async fn a_token_goes_with_any_page_size_and_may_be_used_again() {
    let tenant = with_associations(9).await;
    let token = first_token(&tenant, &json!({})).await;
    for max_results in [1, 3, 7, 100, 1] {
        let page =
            tenant.query(&page_of(&json!({}), max_results, "nextToken", &token)).await.expect(200).json();
        let expected: Vec<String> = (2..9).take(max_results as usize).map(|n| format!("{n:03}")).collect();
        let found: Vec<String> = ids(&page).into_iter().map(|(id, _)| id).collect();
        assert_eq!(found, expected, "{max_results} a page");
    }
}

#[tokio::test]
async fn a_token_is_bound_to_provider_and_filter() {
    let mut tenant = with_associations(5).await;
    let other = with_associations(5).await;
    let all = json!({});
    let some = json!({"externalUserIds": ["000", "001", "002", "003"]});
    let token = first_token(&tenant, &all).await;
    let some_token = first_token(&tenant, &some).await;
    let ask = |filters: &Value, token: &str| page_of(filters, 2, "nextToken", token);
    tenant.query(&ask(&some, &token)).await.is_error(400, "oken");
    tenant.query(&ask(&all, &some_token)).await.is_error(400, "oken");
    tenant
        .query(&ask(&json!({"externalUserIds": ["000", "001", "002"]}), &some_token))
        .await
        .is_error(400, "oken");
    other.query(&ask(&all, &token)).await.is_error(400, "oken");
    // The same filter, however it is written.
    let same = json!({"externalUserIds": ["003", "002", "002", "001", "000"]});
    let page = tenant.query(&ask(&same, &some_token)).await.expect(200).json();
    assert_eq!(ids(&page).len(), 2);
    tenant.provider = tenant.new_provider("second").await;
    fill(&tenant, 5).await;
    tenant.query(&ask(&all, &token)).await.is_error(400, "oken");
}

#[tokio::test]
async fn a_token_cannot_be_forged() {
    let tenant = with_associations(5).await;
    let token = first_token(&tenant, &json!({})).await;
    let mut forgeries: BTreeSet<String> =
        ["", " ", "1", "00", "0 ", "null", "MA", "MA==", "é", "\0"].map(str::to_owned).into();
    forgeries.insert(token[..token.len() - 1].to_owned());
    forgeries.insert(token[1..].to_owned());
    forgeries.insert(token.repeat(2));
    forgeries.insert("A".repeat(2_000));
    forgeries.insert("A".repeat(60_000));
    for end in ["A", "=", "==", ".", "0", " "] {
        forgeries.insert(format!("{token}{end}"));
        forgeries.insert(format!("{end}{token}"));
    }
    // Every byte, replaced by one of each class.
    for at in 0..token.len() {
        for replacement in ["A", "b", "7", "-", "_", "=", "é"] {
            forgeries.insert(format!("{}{replacement}{}", &token[..at], &token[at + 1..]));
        }
    }
    forgeries.remove(&token);
    for forgery in forgeries {
        let response = tenant.query(&page_of(&json!({}), 2, "nextToken", &forgery)).await;
        assert_eq!(response.status, 400, "{forgery:?} for {token:?}: {response:?}");
        assert!(response.message().contains("oken"), "{response:?}");
    }
    tenant.query(&page_of(&json!({}), 2, "nextToken", &token)).await.is(200);
}

#[tokio::test]
async fn a_token_of_another_server_is_refused_and_one_survives_a_restart() {
    let mut server = Server::start(Options::default());
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    fill(&tenant, 5).await;
    let token = first_token(&tenant, &json!({})).await;
    let elsewhere = with_associations(5).await;
    elsewhere.query(&page_of(&json!({}), 2, "nextToken", &token)).await.is_error(400, "oken");
    server.terminate();
    server.restart();
    let page = tenant.query(&page_of(&json!({}), 2, "nextToken", &token)).await.expect(200).json();
    assert_eq!(ids(&page).len(), 2);
    server.terminate();
}

#[tokio::test]
async fn a_walk_is_not_disturbed_by_writes_around_its_place() {
    let tenant = with_associations(6).await;
    let token = first_token(&tenant, &json!({})).await;
    // The last one that was returned, the next one, and new ones on both sides.
    for gone in ["001", "002"] {
        tenant.delete(gone).await.is(200);
    }
    for new in ["0005", "0025", "zzz"] {
        tenant.create(new, "2").await.is(201);
    }
    tenant.update("004", "3").await.is(200);
    let page = tenant.query(&page_of(&json!({}), 100, "nextToken", &token)).await.expect(200).json();
    let found: Vec<String> = ids(&page).into_iter().map(|(id, _)| id).collect();
    assert_eq!(found, ["0025", "003", "004", "005", "zzz"]);
    assert_eq!(page["paginationContext"], json!({"totalCount": 7, "nextPageToken": "0"}));
}
